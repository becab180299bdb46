//! S1: what a program that has just begun pays for its first window, in the largest store.
//!
//! Measured by a C program through the shared library (benches/first_window.c): after the store was closed, and after whoever
//! used it was killed with a log of some megabytes; with everything in the system's memory, and with nothing.

use super::sessions::id;
use super::store::path;
use serde_json::Value;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

/// What it took, in microseconds: medians.
pub(crate) struct Start {
    pub(crate) how: &'static str,
    pub(crate) open: f64,
    pub(crate) session: f64,
    pub(crate) window: f64,
    pub(crate) all: f64,
    pub(crate) kib_read: f64,
    /// Of the store when that was measured.
    pub(crate) file_bytes: u64,
    pub(crate) log_bytes: u64,
}

/// Two pages each: about four megabytes.
const APPENDS_BEFORE_THE_KILL: u32 = 450;

/// Nothing where there is no such program.
pub(crate) fn measure(folder: &Path) -> Vec<Start> {
    let Some(program) = std::env::var_os("TURNKEEP_FIRST_WINDOW") else {
        eprintln!("the start-up needs the C program that scripts/bench_scale.sh builds: left out");
        return Vec::new();
    };
    let store = path(folder);
    eprintln!("start-up ...");
    let mut starts = both(&program, &store, ["closed, warm", "closed, cold"]);
    let appends = APPENDS_BEFORE_THE_KILL.to_string();
    let killed = Command::new(&program)
        .arg(&store)
        .args([&id(7), "leave", &appends])
        .status()
        .unwrap();
    assert!(killed.code().is_none(), "{killed}");
    starts.extend(both(&program, &store, ["killed, warm", "killed, cold"]));
    starts
}

fn both(program: &OsString, store: &Path, [warm, cold]: [&'static str; 2]) -> Vec<Start> {
    let mut starts = vec![start(program, store, warm, 15, &|| true)];
    if forget_all_pages() {
        starts.push(start(program, store, cold, 7, &forget_all_pages));
    } else {
        eprintln!("the page cache cannot be dropped here (that takes root): '{cold}' is left out");
    }
    starts
}

fn start(program: &OsString, store: &Path, how: &'static str, rounds: usize, before: &dyn Fn() -> bool) -> Start {
    let runs: Vec<Value> = (0..=rounds)
        .map(|_| {
            assert!(before());
            let output = Command::new(program).arg(store).arg(id(7)).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "first_window: {said}");
            serde_json::from_slice(&output.stdout).unwrap()
        })
        .skip(1)
        .collect();
    let median = |name: &str| {
        let mut values: Vec<f64> = runs.iter().map(|run| run[name].as_f64().unwrap()).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let bytes = |end: &str| {
        let mut path = store.as_os_str().to_owned();
        path.push(end);
        std::fs::metadata(path).map_or(0, |file| file.len())
    };
    Start {
        how,
        open: median("open"),
        session: median("session"),
        window: median("window"),
        all: median("all"),
        kib_read: median("kib_read"),
        file_bytes: bytes(""),
        log_bytes: bytes("-wal"),
    }
}

/// Has the system write back and forget what it holds of all files. `false` where that is not allowed.
fn forget_all_pages() -> bool {
    let synced = Command::new("sync").status().is_ok_and(|status| status.success());
    synced && std::fs::write("/proc/sys/vm/drop_caches", "3").is_ok()
}
