#![no_main]

turnkeep_fuzz::target!("filter");
