#![no_main]
sigscan_fuzz::target!(ocsp, der);
