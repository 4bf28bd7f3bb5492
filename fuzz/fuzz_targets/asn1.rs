#![no_main]
sigscan_fuzz::target!(asn1, der);
