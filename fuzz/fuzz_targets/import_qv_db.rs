#![no_main]

turnkeep_fuzz::importer!("qv-db");
