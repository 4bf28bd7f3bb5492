#![no_main]
sigscan_fuzz::target!(ctl, der);
