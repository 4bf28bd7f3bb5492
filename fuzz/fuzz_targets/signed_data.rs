#![no_main]
sigscan_fuzz::target!(signed_data, der);
