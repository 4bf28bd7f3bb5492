#![no_main]
sigscan_fuzz::target!(record);
