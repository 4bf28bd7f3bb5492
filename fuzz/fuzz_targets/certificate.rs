#![no_main]
sigscan_fuzz::target!(certificate, der);
