//! What the documents name is there.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The names of all tests that are run: in Rust what stands under `#[test]`, in C and C++ what `main` runs,
/// in Python what unittest does.
fn tests_below(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let kind = path.extension().and_then(|kind| kind.to_str());
        match kind {
            _ if path.is_dir() => tests_below(&path, found),
            Some("rs") => found.extend(rust_tests(&fs::read_to_string(&path).unwrap())),
            Some("c" | "cpp") => found.extend(c_tests(&fs::read_to_string(&path).unwrap())),
            Some("py") => found.extend(python_tests(&fs::read_to_string(&path).unwrap())),
            _ => {}
        }
    }
}

fn rust_tests(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        if let Some(function) = line.strip_prefix("fn ") {
            let name = function.split(['(', '<']).next().unwrap_or_default();
            names.extend(is_test.then(|| name.to_owned()));
            is_test = false;
        } else if line == "#[test]" {
            is_test = true;
        } else if line.starts_with("#[ignore") || !(line.starts_with('#') || line.starts_with("//")) {
            is_test = false;
        }
    }
    // A macro that makes a test of each name that it is called with.
    if names.iter().any(|name| name == "$name") {
        let (_, made_by) = source.split_once("macro_rules! ").unwrap();
        let call = format!("\n{}! {{\n", made_by.split(' ').next().unwrap_or_default());
        let list = source.split_once(&call).and_then(|(_, rest)| rest.split_once('}'));
        names.extend(list.unwrap().0.split_terminator(',').map(|name| name.trim().to_owned()));
    }
    names
}

/// `RUN(name);` or `TEST(name),` as code of its own: what is commented out does not begin its line.
fn c_tests(source: &str) -> Vec<String> {
    let calls = source.lines().map(str::trim_start).flat_map(|line| {
        let line = if line.starts_with("//") || line.starts_with('*') {
            ""
        } else {
            line
        };
        line.split("RUN(").skip(1).chain(line.split("TEST(").skip(1))
    });
    calls
        .filter_map(|call| call.split_once(')'))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// What unittest runs: `def test_name(self):`.
fn python_tests(source: &str) -> Vec<String> {
    source
        .lines()
        .filter_map(|line| line.strip_prefix("    def test_")?.split_once('('))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// The names in the last column of a document's tables.
fn named_tests(document: &str) -> Vec<String> {
    let last_cells = document
        .lines()
        .filter(|line| line.starts_with("| "))
        .filter_map(|line| line.trim_end_matches(" |").rsplit("| ").next());
    let names = last_cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.map(str::to_owned).collect()
}

#[test]
fn every_promise_names_a_test_that_is_run() {
    let mut tests = BTreeSet::new();
    for folder in ["src", "tests"] {
        tests_below(&root().join(folder), &mut tests);
    }
    for document in ["docs/guarantees.md", "docs/moving.md"] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        let names = named_tests(&text);
        assert!(names.len() > 30, "only {} names were found in {document}", names.len());
        let missing: Vec<_> = names.iter().filter(|name| !tests.contains(*name)).collect();
        assert!(
            missing.is_empty(),
            "{document} names {missing:?}, and no such test is run"
        );
    }
}

#[test]
fn a_test_that_is_only_defined_or_commented_out_is_none() {
    let rust = "#[test]\nfn run() {}\nfn helper() {}\n#[test]\n#[cfg(unix)]\nfn here() {}\n// #[test]\nfn off() {}\n\
                #[test]\n#[ignore]\nfn ignored() {}";
    assert_eq!(rust_tests(rust), ["run", "here"]);
    let c = "static void off(void) {}\nstatic void run(void) {}\n    RUN(run);\n    // RUN(off);\n     * RUN(off);\n\
             return check::run({TEST(one), TEST(two)});";
    assert_eq!(c_tests(c), ["run", "one", "two"]);
    let python = "def test_none():\n    def test_one(self):\n    # def test_off(self):\n    def helper(self):";
    assert_eq!(python_tests(python), ["one"]);
}

#[test]
fn the_changelog_mentions_every_section_of_the_header() {
    let header = fs::read_to_string(root().join("include/turnkeep/turnkeep.h")).unwrap();
    let changelog = fs::read_to_string(root().join("CHANGELOG.md")).unwrap().to_lowercase();
    // "/* 7 Search and list -------": a number, a title, a rule.
    let titles: Vec<&str> = header
        .lines()
        .filter_map(|line| line.strip_prefix("/* ")?.strip_suffix("-----"))
        .filter_map(|line| line.trim_end_matches('-').trim().split_once(' '))
        .filter(|(number, _)| number.parse::<u32>().is_ok())
        .map(|(_, title)| title)
        .collect();
    assert!(titles.len() >= 10, "the header has the sections {titles:?}");
    for title in titles.iter().filter(|title| **title != "Basics") {
        let words = title.split(' ').filter(|word| *word != "and").map(mentioned_as);
        for word in words {
            assert!(
                changelog.contains(&word),
                "CHANGELOG.md does not mention '{word}': {title}"
            );
        }
    }
}

/// How the changelog, which speaks to users, says a word of a title.
fn mentioned_as(word: &str) -> String {
    match word {
        "Branch" => "branches".to_owned(),
        "Maintenance" => "backup".to_owned(),
        other => other.to_lowercase(),
    }
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    for document in [
        "README.md",
        "docs/design.md",
        "docs/using.md",
        "docs/guarantees.md",
        "docs/moving.md",
        "docs/cli.md",
    ] {
        let path = root().join(document);
        let text = fs::read_to_string(&path).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if !link.contains("://") {
                let target = link.split('#').next().unwrap_or_default();
                assert!(
                    path.parent().unwrap().join(target).exists(),
                    "{document} links to {link}"
                );
            }
        }
    }
}
