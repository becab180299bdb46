//! How fast it is, beside SQLite's own C API in the same process: `make bench`, or `make bench ONLY=T1,T5`.
//!
//! Subject and yardstick take turns in small rounds, so that what the machine does meanwhile is in both. What a host
//! feels is measured by a C++ program through the shared library (benches/host.cpp), which scripts/bench.sh builds.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark may fail loudly, and prints what it is for"
)]
#![allow(missing_docs, unreachable_pub, reason = "a program, not a library")]

mod appends;
mod branches;
mod compression;
#[path = "../../tests/support/connections.rs"]
mod connections;
mod events;
mod group;
mod host;
mod lists;
mod machine;
mod measure;
mod raw;
mod report;
mod search;
mod sessions;
mod statements;
mod subject;
mod windows;

use report::Row;
use std::path::{Path, PathBuf};

/// Measures in a folder of its own.
type Measure = fn(&Path) -> Vec<Row>;

/// What measures which targets.
const PARTS: &[(&[&str], Measure)] = &[
    (&["T1"], appends::durable),
    (&["T2"], appends::handed_to_the_system),
    (&["T3", "T4"], group::together),
    (&["T5"], host::cached_window),
    (&["T6"], windows::after_a_miss),
    (&["T6Z"], compression::on_a_miss),
    (&["T7"], sessions::create),
    (&["T8"], branches::chains),
    (&["T9"], search::beside_appends),
    (&["T10"], search::newest),
    (&["T11"], host::history),
    (&["T12"], host::shared_window),
    (&["T13"], statements::prepared_again),
    (&["T14"], appends::bytes_written),
    (&["T15"], host::memory),
    (&["list"], lists::list),
    (&["metadata"], lists::metadata),
    (&["E1"], events::cost),
];

fn main() {
    let wanted = wanted();
    let known = |id: &String| {
        PARTS
            .iter()
            .any(|(ids, _)| ids.iter().any(|known| known.eq_ignore_ascii_case(id)))
    };
    if let Some(unknown) = wanted.iter().find(|id| !known(id)) {
        eprintln!("there is no measurement {unknown}; there are T1 to T15, T6Z, E1, list and metadata");
        std::process::exit(2);
    }
    let target = target_folder();
    // Not the folder for temporary files: that may be memory.
    let folder = target.join("bench-stores");
    let _left_over = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let machine = format!("{}, load {}", machine::describe(&folder), machine::load());

    let mut rows = Vec::new();
    for (ids, measure) in PARTS {
        if wanted.is_empty()
            || ids
                .iter()
                .any(|id| wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(id)))
        {
            eprintln!("measuring {} ...", ids.join(", "));
            let its_folder = folder.join(ids[0]);
            std::fs::create_dir_all(&its_folder).unwrap();
            rows.extend(measure(&its_folder));
            std::fs::remove_dir_all(&its_folder).unwrap();
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
    report::publish(&machine, rows, &target.join("bench.json"));
}

/// The targets asked for, in the arguments or in ONLY; none means all.
fn wanted() -> Vec<String> {
    let from_environment = std::env::var("ONLY").unwrap_or_default();
    std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .chain([from_environment])
        .flat_map(|list| list.split([',', ' ']).map(str::to_owned).collect::<Vec<_>>())
        .filter(|id| !id.is_empty())
        .collect()
}

/// Cargo's target folder: two above the folder of this program's own (target/release/deps).
fn target_folder() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    program.ancestors().nth(3).unwrap().to_owned()
}
