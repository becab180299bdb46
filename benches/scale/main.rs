//! What it costs as a store grows: `make bench-scale`.
//!
//! Three stores, each grown in steps: by sessions, by the messages of one session, by the forks of one. At each step the same
//! operations are measured. Then a program that has just begun opens the largest one (benches/first_window.c).
//!
//! scale [SMALLEST LARGEST] takes other sizes than 1 000 to 1 000 000, in steps of ten. WRITE=1 puts what was found into
//! docs/performance.md and docs/scale.svg.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark may fail loudly, and prints what it is for"
)]
#![allow(missing_docs, unreachable_pub, reason = "a program, not a library")]

#[path = "../bench/machine.rs"]
#[allow(dead_code, reason = "shared with the other benchmark")]
mod machine;
#[path = "../bench/measure.rs"]
#[allow(dead_code, reason = "shared with the other benchmark")]
mod measure;
#[allow(dead_code, unused_imports, reason = "a test is in a hurry, and a program is not")]
mod run;

use run::Plan;
use std::path::PathBuf;

fn main() {
    let numbers: Vec<u64> = std::env::args()
        .skip(1)
        .filter_map(|argument| argument.parse().ok())
        .collect();
    let plan = match numbers.as_slice() {
        [] => Plan::from_to(1_000, 1_000_000),
        [smallest, largest] if smallest <= largest => Plan::from_to(*smallest, *largest),
        _ => {
            eprintln!("usage: scale [SMALLEST LARGEST]");
            std::process::exit(2);
        }
    };
    // Not the folder for temporary files: that may be memory.
    let program = std::env::current_exe().unwrap();
    let target: PathBuf = program.ancestors().nth(3).unwrap().to_owned();
    let folder = target.join("scale-stores");
    let _left_over = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let machine = format!("{}, load {}", machine::describe(&folder), machine::load());
    let found = run::everything(&folder, &plan);
    std::fs::remove_dir_all(&folder).unwrap();
    println!("\n{machine}\n\n{}", found.text());
    found.write(&target.join("scale.json"), &machine);
    if std::env::var_os("WRITE").is_some_and(|value| value == "1") {
        found.publish(std::path::Path::new(env!("CARGO_MANIFEST_DIR")), &target, &machine);
    }
}
