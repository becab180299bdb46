//! What the documents name is there.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, found: &mut String) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let kind = path.extension().and_then(|kind| kind.to_str());
        if path.is_dir() {
            sources(&path, found);
        } else if matches!(kind, Some("rs" | "c" | "cpp" | "h" | "hpp" | "cmake")) {
            found.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
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
fn every_promise_names_a_test_that_is_there() {
    let mut code = String::new();
    for folder in ["src", "tests"] {
        sources(&root().join(folder), &mut code);
    }
    for document in ["docs/guarantees.md", "docs/moving.md"] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        expect_tests(document, &named_tests(&text), &code);
    }
}

fn expect_tests(document: &str, names: &[String], code: &str) {
    assert!(names.len() > 30, "only {} names were found in {document}", names.len());
    for name in names {
        let defined = [format!("fn {name}("), format!(" {name}("), format!("    {name},")];
        assert!(
            defined.iter().any(|definition| code.contains(definition)),
            "{document} names {name}, and there is no such test"
        );
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
