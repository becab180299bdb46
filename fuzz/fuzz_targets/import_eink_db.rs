#![no_main]

turnkeep_fuzz::target!("eink-db");
