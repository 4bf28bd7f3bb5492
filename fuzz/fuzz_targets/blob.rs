#![no_main]
sigscan_fuzz::target!(blob, der);
