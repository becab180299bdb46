#![no_main]

turnkeep_fuzz::target!("qv-db");
