#![no_main]
sigscan_fuzz::target!(timestamp, der);
