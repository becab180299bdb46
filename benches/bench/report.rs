//! Rows of the table, and target/bench.json.

use crate::measure::Compared;
use serde::Serialize;

/// A limit, and whether more is better.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

impl Limit {
    fn holds(self, number: f64) -> bool {
        match self {
            Self::AtMost(most) => number <= most,
            Self::AtLeast(least) => number >= least,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtMost(most) => format!("<= {}", short(most)),
            Self::AtLeast(least) => format!(">= {}", short(least)),
        }
    }
}

/// One figure. What has a yardstick is judged by the ratio, what has none by its value.
#[derive(Serialize)]
pub(crate) struct Row {
    id: &'static str,
    what: String,
    value: Option<f64>,
    unit: &'static str,
    yardstick: Option<f64>,
    ratio: Option<f64>,
    gate: Option<String>,
    goal: Option<String>,
    ok: Option<bool>,
}

impl Row {
    /// A figure by itself.
    pub(crate) fn value(id: &'static str, what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            value: Some(value),
            ..Self::nothing(id, what, unit)
        }
    }

    /// A figure beside its yardstick, both in the same unit.
    pub(crate) fn ratio(id: &'static str, what: impl Into<String>, unit: &'static str, compared: &Compared) -> Self {
        Self {
            value: Some(compared.subject),
            yardstick: Some(compared.yardstick),
            ratio: Some(compared.ratio),
            ..Self::nothing(id, what, unit)
        }
    }

    /// A target without a figure.
    pub(crate) fn nothing(id: &'static str, what: impl Into<String>, unit: &'static str) -> Self {
        Self {
            id,
            what: what.into(),
            value: None,
            unit,
            yardstick: None,
            ratio: None,
            gate: None,
            goal: None,
            ok: None,
        }
    }

    /// With what must hold and what would be good. Without it a row only informs.
    pub(crate) fn must(mut self, gate: Limit, goal: Limit) -> Self {
        self.ok = self.ratio.or(self.value).map(|number| gate.holds(number));
        self.gate = Some(gate.text());
        self.goal = Some(goal.text());
        self
    }

    fn missed(&self) -> bool {
        self.ok == Some(false)
    }
}

/// Three digits that say something.
fn short(number: f64) -> String {
    let digits = match number.abs() {
        n if n >= 100.0 || n == 0.0 => 0,
        n if n >= 10.0 => 1,
        n if n >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{number:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// The rows in the order of their targets.
fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    let number = |id: &str| {
        id[1..]
            .trim_end_matches(char::is_alphabetic)
            .parse()
            .unwrap_or(u32::MAX)
    };
    rows.sort_by_key(|row| (number(row.id), row.id.ends_with('i')));
    rows
}

/// Prints the table, and writes the same as JSON.
pub(crate) fn publish(machine: &str, rows: Vec<Row>, json: &std::path::Path) {
    let rows = sorted(rows);
    std::fs::write(json, serde_json::to_string_pretty(&rows).unwrap() + "\n").unwrap();
    println!("\n{machine}\n");
    let table: Vec<[String; 8]> = rows.iter().map(cells).collect();
    let head = ["", "what", "value", "yardstick", "ratio", "gate", "goal", ""].map(str::to_owned);
    let width: Vec<usize> = (0..8)
        .map(|column| {
            table
                .iter()
                .chain([&head])
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    for row in [&head].into_iter().chain(&table) {
        let line: Vec<String> = row
            .iter()
            .zip(&width)
            .enumerate()
            .map(|(column, (cell, width))| match column {
                2..=6 => format!("{cell:>width$}"),
                _ => format!("{cell:<width$}"),
            })
            .collect();
        println!("{}", line.join("  ").trim_end());
    }
    let missed: Vec<&str> = rows.iter().filter(|row| row.missed()).map(|row| row.id).collect();
    println!("\nValues are medians; a ratio is the median of the ratios of rounds in which both took turns.");
    println!(
        "Rows that end in i inform and have no gate. The same as JSON: {}",
        json.display()
    );
    if missed.is_empty() {
        println!("Every gate holds.");
    } else {
        println!("Missed: {}.", missed.join(", "));
    }
}

fn cells(row: &Row) -> [String; 8] {
    let with_unit = |number: f64| format!("{} {}", short(number), row.unit).trim_end().to_owned();
    [
        row.id.to_owned(),
        row.what.clone(),
        row.value.map_or_else(|| "not yet".to_owned(), with_unit),
        row.yardstick.map(with_unit).unwrap_or_default(),
        row.ratio.map(short).unwrap_or_default(),
        row.gate.clone().unwrap_or_default(),
        row.goal.clone().unwrap_or_default(),
        match row.ok {
            Some(true) => "ok".to_owned(),
            Some(false) => "MISSED".to_owned(),
            None => String::new(),
        },
    ]
}
