#![no_main]
sigscan_fuzz::target!(catalog, der);
