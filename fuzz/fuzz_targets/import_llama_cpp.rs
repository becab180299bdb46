#![no_main]

turnkeep_fuzz::importer!("llama-cpp");
