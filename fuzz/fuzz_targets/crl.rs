#![no_main]
sigscan_fuzz::target!(crl, der);
