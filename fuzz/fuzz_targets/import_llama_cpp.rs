#![no_main]

turnkeep_fuzz::target!("llama-cpp");
