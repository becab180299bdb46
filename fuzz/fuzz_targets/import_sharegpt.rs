#![no_main]

turnkeep_fuzz::importer!("sharegpt");
