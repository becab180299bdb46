#![no_main]

turnkeep_fuzz::target!("coda-db");
