//! What a host feels: T5, T11, T12, T15, measured by a C++ program (benches/host.cpp) through the shared library.
//!
//! The program is run once for each target, prints its figures as one JSON object, and is judged here.

use crate::report::{Limit, Row};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// The figures that the program found, by name; `None` if there is no program.
struct Figures(Option<Value>);

impl Figures {
    fn measure(target: &str, folder: &Path) -> Self {
        let Some(program) = std::env::var_os("TURNKEEP_BENCH_HOST") else {
            eprintln!("{target} needs the C++ program that scripts/bench.sh builds: left out");
            return Self(None);
        };
        let output = Command::new(program).arg(target).arg(folder).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "host {target}: {said}");
        Self(Some(serde_json::from_slice(&output.stdout).unwrap()))
    }

    fn row(&self, id: &'static str, what: &str, name: &str, unit: &'static str) -> Row {
        match &self.0 {
            None => Row::nothing(id, what, unit),
            Some(figures) => Row::value(id, what, figures[name].as_f64().unwrap(), unit),
        }
    }
}

pub(crate) fn cached_window(folder: &Path) -> Vec<Row> {
    let figures = Figures::measure("T5", folder);
    let (gate, goal) = (Limit::AtMost(100.0), Limit::AtMost(20.0));
    vec![
        figures
            .row("T5", "cached window by handle, session of 100", "small", "ns")
            .must(gate, goal),
        figures
            .row("T5", "the same, session of 1 000 000", "large", "ns")
            .must(gate, goal),
        figures
            .row("T5", "the one against the other", "ratio", "")
            .must(Limit::AtMost(1.5), Limit::AtMost(1.0)),
    ]
}

pub(crate) fn history(folder: &Path) -> Vec<Row> {
    let figures = Figures::measure("T11", folder);
    vec![
        figures
            .row("T11", "history of 1 000 messages, every field read", "history", "us")
            .must(Limit::AtMost(1.0), Limit::AtMost(0.4)),
        figures.row("T11i", "the same, field by field in plain code", "field_by_field", "us"),
        figures.row("T11i", "the calls alone: history, len, at, free", "calls", "us"),
    ]
}

pub(crate) fn shared_window(folder: &Path) -> Vec<Row> {
    let figures = Figures::measure("T12", folder);
    vec![
        figures
            .row("T12", "cached window while another process writes", "median", "us")
            .must(Limit::AtMost(3.0), Limit::AtMost(1.3)),
        figures
            .row("T12", "windows without what was acknowledged before", "stale", "")
            .must(Limit::AtMost(0.0), Limit::AtMost(0.0)),
        figures.row("T12i", "windows asked for meanwhile", "windows", ""),
        figures.row("T12i", "appends acknowledged meanwhile", "appends", ""),
        figures.row("T12i", "p99 of a window meanwhile", "p99", "us"),
    ]
}

pub(crate) fn memory(folder: &Path) -> Vec<Row> {
    let figures = Figures::measure("T15", folder);
    vec![
        figures
            .row(
                "T15",
                "resident memory of a cached message of 200 bytes",
                "per_message",
                "B",
            )
            .must(Limit::AtMost(320.0), Limit::AtMost(260.0)),
    ]
}
