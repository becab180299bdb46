#![no_main]

turnkeep_fuzz::target!("window_options");
