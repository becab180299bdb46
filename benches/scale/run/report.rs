//! Tables and plots of what was found.

use super::start::Start;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// Within this much of the smallest it is flat.
const FLAT: f64 = 1.5;

/// What is drawn: the title of each panel, what grows in it, and some of its operations by shorter names.
type Panel = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const PANELS: &[Panel] = &[
    (
        "sessions, in use",
        "sessions in the store",
        &[
            ("append, OS", "append"),
            ("append, DISK", "append, DISK"),
            ("cached window", "cached window"),
            ("create", "create"),
            ("delete one", "delete"),
        ],
    ),
    (
        "sessions, lists",
        "sessions in the store",
        &[
            ("page of 50 by creation", "by creation"),
            ("page of 50 of one user by last change", "one user's"),
            ("page of 50 of all by last change", "all by last change"),
            ("count of all", "count"),
        ],
    ),
    (
        "sessions, looking for one",
        "sessions in the store",
        &[
            ("newest 20 of a common word", "common word"),
            ("newest 20 of a rare word", "rare word"),
            ("open the store", "open the store"),
            ("window of another session each time", "another's window"),
        ],
    ),
    (
        "messages, in use",
        "messages of one session",
        &[
            ("append, OS", "append"),
            ("append, DISK", "append, DISK"),
            ("cached window", "cached window"),
            ("fork", "fork"),
            ("append, rewind, and the window after that", "answer anew"),
        ],
    ),
    (
        "messages, not in memory",
        "messages of one session",
        &[
            ("window after a miss", "window"),
            ("50 messages from the middle", "50 from the middle"),
            ("first window by other rules", "by other rules"),
            ("delete it", "delete all"),
        ],
    ),
    (
        "forks of one session",
        "forks of one session",
        &[
            ("fork", "fork"),
            ("append, OS", "append"),
            ("cached window", "cached window"),
            ("page of 50 of its forks", "page of 50"),
            ("window after a miss", "after a miss"),
            ("delete a fork", "delete"),
        ],
    ),
    (
        "forks behind each other",
        "forks behind each other",
        &[
            ("fork", "fork"),
            ("append, OS", "append"),
            ("cached window", "cached window"),
            ("window after a miss", "after a miss"),
            ("delete the one in the middle", "delete"),
        ],
    ),
];

/// An operation.
#[derive(Clone)]
pub(crate) struct Line {
    what: String,
    /// Why it is not flat, where it is not.
    because: &'static str,
    costs: Vec<f64>,
}

impl Line {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            because: "",
            costs: Vec::new(),
        }
    }

    pub(crate) fn because(mut self, because: &'static str) -> Self {
        self.because = because;
        self
    }

    fn ratio(&self) -> f64 {
        match (self.costs.first(), self.costs.last()) {
            (Some(first), Some(last)) => last / first,
            _ => f64::NAN,
        }
    }
}

/// What grows, and what each operation costs meanwhile, in microseconds.
pub(crate) struct Axis {
    name: &'static str,
    sizes: Vec<u64>,
    lines: Vec<Line>,
}

impl Axis {
    pub(crate) fn new(name: &'static str, sizes: &[u64]) -> Self {
        Self {
            name,
            sizes: sizes.to_vec(),
            lines: Vec::new(),
        }
    }

    /// Adds what an operation costs at the next size.
    pub(crate) fn add(&mut self, line: Line, micros: f64) {
        match self.lines.iter_mut().find(|known| known.what == line.what) {
            Some(known) => known.costs.push(micros),
            None => self.lines.push(Line {
                costs: vec![micros],
                ..line
            }),
        }
    }

    fn table(&self) -> String {
        let mut table = format!("| {} |", self.name);
        self.sizes
            .iter()
            .for_each(|size| write!(table, " {} |", grouped(*size)).unwrap());
        table.push_str(" ratio | |\n|---|");
        self.sizes.iter().for_each(|_| table.push_str("---:|"));
        table.push_str("---:|---|\n");
        for line in &self.lines {
            write!(table, "| {} |", line.what).unwrap();
            line.costs
                .iter()
                .for_each(|cost| write!(table, " {} |", time(*cost)).unwrap());
            let verdict = match line.ratio() {
                ratio if ratio <= FLAT => "flat",
                _ if line.because.is_empty() => "grows",
                _ => line.because,
            };
            writeln!(table, " {:.2} | {verdict} |", line.ratio()).unwrap();
        }
        table
    }

    fn json(&self) -> Value {
        let lines: Vec<Value> = self
            .lines
            .iter()
            .map(|line| json!({"what": line.what, "us": line.costs, "ratio": line.ratio()}))
            .collect();
        json!({"axis": self.name, "sizes": self.sizes, "lines": lines})
    }
}

/// All of it.
pub(crate) struct Found {
    pub(crate) axes: Vec<Axis>,
    pub(crate) starts: Vec<Start>,
}

impl Found {
    /// The tables.
    pub(crate) fn text(&self) -> String {
        let tables: Vec<String> = self.axes.iter().map(Axis::table).collect();
        format!("{}\n{}", tables.join("\n"), self.start_table())
    }

    fn start_table(&self) -> String {
        if self.starts.is_empty() {
            return String::new();
        }
        let mut table = String::from(
            "| S1 start-up | open the store | open the session | window | all | goal | read from the disk | file | log |\n\
             |---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
        );
        for start in &self.starts {
            writeln!(
                table,
                "| {} | {} | {} | {} | {} | < 5 ms | {:.0} KiB | {:.2} GB | {:.1} MB |",
                start.how,
                time(start.open),
                time(start.session),
                time(start.window),
                time(start.all),
                start.kib_read,
                start.file_bytes as f64 / 1e9,
                start.log_bytes as f64 / 1e6,
            )
            .unwrap();
        }
        table
    }

    pub(crate) fn write(&self, path: &Path, machine: &str) {
        let axes: Vec<Value> = self.axes.iter().map(Axis::json).collect();
        let starts: Vec<Value> = self
            .starts
            .iter()
            .map(|start| {
                json!({"how": start.how, "open": start.open, "session": start.session, "window": start.window,
                    "all": start.all, "kib_read": start.kib_read, "file_bytes": start.file_bytes,
                    "log_bytes": start.log_bytes})
            })
            .collect();
        let all = json!({"machine": machine, "axes": axes, "starts": starts});
        std::fs::write(path, serde_json::to_string_pretty(&all).unwrap() + "\n").unwrap();
        println!("The same as JSON: {}", path.display());
    }

    /// Writes the tables and the plot into the documents.
    pub(crate) fn publish(&self, root: &Path, target: &Path, machine: &str) {
        let document = root.join("docs/performance.md");
        let mut text = std::fs::read_to_string(&document).unwrap();
        let tables: Vec<String> = self.axes.iter().map(Axis::table).collect();
        text = between(&text, "scale", &format!("{machine}\n\n{}", tables.join("\n")));
        if !self.starts.is_empty() {
            text = between(&text, "start-up", &self.start_table());
        }
        std::fs::write(&document, text).unwrap();
        self.plot(&target.join("scale.csv"), &root.join("docs/scale.svg"), root);
    }

    /// All panels stand over one axis of sizes.
    fn plot(&self, csv: &Path, svg: &Path, root: &Path) {
        let sizes: BTreeSet<u64> = self.axes.iter().flat_map(|axis| axis.sizes.clone()).collect();
        let columns: Vec<(&Axis, &Line)> = PANELS
            .iter()
            .flat_map(|(_, axis, lines)| lines.iter().map(|(what, _)| self.line(axis, what)))
            .collect();
        let mut data = String::from("size");
        (0..columns.len()).for_each(|column| write!(data, ",c{column}").unwrap());
        data.push('\n');
        for size in sizes {
            write!(data, "{size}").unwrap();
            for (axis, line) in &columns {
                let place = axis.sizes.iter().position(|known| *known == size);
                let cell = place.and_then(|place| line.costs.get(place));
                write!(data, ",{}", cell.map(f64::to_string).unwrap_or_default()).unwrap();
            }
            data.push('\n');
        }
        std::fs::write(csv, data).unwrap();
        let mut command = Command::new("python3");
        command.arg(root.join("scripts/plot.py")).arg(csv).arg(svg);
        command.args(["--x", "size=how many", "--log-x", "--title", "Microseconds over size"]);
        let mut column = 0..;
        for (title, _, lines) in PANELS {
            let names = lines
                .iter()
                .zip(&mut column)
                .map(|((_, name), column)| format!("c{column}={name}"));
            let names: Vec<String> = names.collect();
            command.args(["--panel", &format!("log: {title}: {}", names.join("; "))]);
        }
        assert!(command.status().unwrap().success(), "scripts/plot.py");
    }

    fn line(&self, axis: &str, what: &str) -> (&Axis, &Line) {
        let axis = self.axes.iter().find(|known| known.name == axis).unwrap();
        let line = axis.lines.iter().find(|line| line.what == what);
        (axis, line.unwrap_or_else(|| panic!("{what} was not measured")))
    }
}

/// The text with what stands between two marks replaced.
fn between(text: &str, mark: &str, new: &str) -> String {
    let (begin, end) = (format!("<!-- {mark}: begin -->"), format!("<!-- {mark}: end -->"));
    let (before, rest) = text
        .split_once(&begin)
        .unwrap_or_else(|| panic!("no {begin} in the document"));
    let (_, after) = rest
        .split_once(&end)
        .unwrap_or_else(|| panic!("no {end} in the document"));
    format!("{before}{begin}\n{new}\n{end}{after}")
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Three digits that say something.
fn time(micros: f64) -> String {
    let (number, unit) = match micros {
        n if n < 1.0 => (n * 1e3, "ns"),
        n if n < 1e3 => (n, "µs"),
        n if n < 1e6 => (n / 1e3, "ms"),
        n => (n / 1e6, "s"),
    };
    let digits = match number {
        n if n >= 99.5 => 0,
        n if n >= 9.95 => 1,
        _ => 2,
    };
    format!("{number:.digits$} {unit}")
}
