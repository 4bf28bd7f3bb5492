#![no_main]
sigscan_fuzz::target!(graft, der);
