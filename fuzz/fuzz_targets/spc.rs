#![no_main]
sigscan_fuzz::target!(spc, der);
