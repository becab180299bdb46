//! What `make bench-scale` measures still runs, at sizes of no weight.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]
#![allow(dead_code, unreachable_pub, reason = "a test uses a part of the program")]

use std::path::Path;

#[path = "../benches/scale/run/mod.rs"]
mod run;

#[test]
fn everything_is_measured_at_each_size_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    run::hurry();
    let plan = run::Plan::from_to(20, 200);

    let found = run::everything(folder.path(), &plan);

    let text = found.text();
    for expected in [
        "| sessions in the store | 20 | 200 | ratio |",
        "| forks behind each other |",
    ] {
        assert!(text.contains(expected), "{text}");
    }
    assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    let json = folder.path().join("scale.json");
    found.write(&json, "a machine");
    let written: serde_json::Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    for axis in written["axes"].as_array().unwrap() {
        for line in axis["lines"].as_array().unwrap() {
            assert_eq!(line["us"].as_array().unwrap().len(), 2, "{line}");
        }
    }

    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["docs/performance.md", "scripts/plot.py"] {
        let copy = folder.path().join(file);
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        std::fs::copy(repository.join(file), copy).unwrap();
    }
    found.publish(folder.path(), folder.path(), "a machine");
    let document = std::fs::read_to_string(folder.path().join("docs/performance.md")).unwrap();
    assert!(document.contains("a machine\n\n| sessions in the store | 20 | 200 | ratio |"));
    let drawing = std::fs::read_to_string(folder.path().join("docs/scale.svg")).unwrap();
    assert!(drawing.contains("<polyline"), "{drawing}");
}
