#![no_main]

turnkeep_fuzz::importer!("gemma-sessions-db");
