#![no_main]

turnkeep_fuzz::target!("turnkeep");
