//! An import takes disk, not memory. Alone in its program, so that what is measured is its own.
//!
//! TURNKEEP_IMPORT_MB sets how large the source is; `make soak` takes 2 000.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use turnkeep::store::ImportOptions;
use turnkeep::{Store, StoreOptions};

const MOST_MB: u64 = 200;

/// The most memory that this process ever had, in MB; `None` where the system does not tell.
fn peak_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes / 1000)
}

/// Sessions of forty messages of a kilobyte each.
fn write_source(path: &Path, megabytes: u64) -> u64 {
    let mut out = BufWriter::new(File::create(path).unwrap());
    let content = "The quick brown fox jumps over the lazy dog. ".repeat(22);
    writeln!(out, r#"{{"type":"turnkeep","version":1}}"#).unwrap();
    let sessions = megabytes * 1_000_000 / (40 * 1_080);
    for session in 0..sessions {
        writeln!(
            out,
            r#"{{"type":"session","id":"s{session}","status":"active","created":1,"updated":1,"revision":1}}"#
        )
        .unwrap();
        for seq in 1..=40 {
            let role = if seq % 2 == 1 { "user" } else { "assistant" };
            writeln!(
                out,
                r#"{{"type":"message","seq":{seq},"role":"{role}","content":"{content}","tokens":200,"created":{seq}}}"#
            )
            .unwrap();
        }
    }
    let messages = sessions * 40;
    writeln!(out, r#"{{"type":"end","sessions":{sessions},"messages":{messages}}}"#).unwrap();
    out.flush().unwrap();
    sessions
}

#[test]
fn a_large_import_stays_small_in_memory() {
    let megabytes = std::env::var("TURNKEEP_IMPORT_MB").map_or(100, |text| text.parse().unwrap());
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let source = folder.path().join("source.jsonl");
    let sessions = write_source(&source, megabytes);
    let store = Store::open(folder.path().join("chat.db").to_str().unwrap(), StoreOptions::default()).unwrap();
    let begin = std::time::Instant::now();
    let report = store
        .import(source.to_str().unwrap(), ImportOptions::default())
        .unwrap();
    let seconds = begin.elapsed().as_secs_f64();
    assert_eq!((report.sessions, report.failed), (sessions, 0));
    if let Some(peak) = peak_mb() {
        let mut stderr = std::io::stderr();
        writeln!(
            stderr,
            "{megabytes} MB imported in {seconds:.1} s with {peak} MB of memory at most"
        )
        .unwrap();
        assert!(peak < MOST_MB, "{peak} MB");
    }
}
