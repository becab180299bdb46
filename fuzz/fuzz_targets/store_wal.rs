#![no_main]

turnkeep_fuzz::target!("store_wal");
