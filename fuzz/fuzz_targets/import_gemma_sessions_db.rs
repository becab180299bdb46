#![no_main]

turnkeep_fuzz::target!("gemma-sessions-db");
