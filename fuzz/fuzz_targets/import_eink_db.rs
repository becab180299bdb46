#![no_main]

turnkeep_fuzz::importer!("eink-db");
