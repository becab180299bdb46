#![no_main]

turnkeep_fuzz::importer!("coda-db");
