//! How much memory an import takes, measured in a process of its own.

use super::*;
use std::io::{BufWriter, Write};

/// In a child process: the source to import.
const SOURCE: &str = "TURNKEEP_TEST_IMPORT";

/// The most that may be resident, whatever the size of the source.
const MOST_RESIDENT: u64 = 200 << 20;

/// The most memory that this process ever had, in bytes.
#[cfg(target_os = "linux")]
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes << 10
}

/// What a child process does; by itself it has nothing to do.
#[cfg(target_os = "linux")]
#[test]
fn child_imports_and_tells_its_memory() {
    let Some(source) = std::env::var_os(SOURCE) else { return };
    let folder = tempfile::tempdir_in(Path::new(&source).parent().unwrap()).unwrap();
    let store = Store::open(folder.path().join("x.db").to_str().unwrap(), StoreOptions::default()).unwrap();
    let report = store
        .import(source.to_str().unwrap(), ImportOptions::default())
        .unwrap();
    println!("sessions={} peak={}", report.sessions, peak());
}

#[cfg(target_os = "linux")]
fn measure(source: &Path) -> (u64, u64) {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "memory::child_imports_and_tells_its_memory", "--nocapture"])
        .env(SOURCE, source)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let number = |key: &str| -> u64 {
        let (_, behind) = text.split_once(key).unwrap_or_else(|| panic!("{text}"));
        behind
            .split(|c: char| !c.is_ascii_digit())
            .next()
            .unwrap()
            .parse()
            .unwrap()
    };
    (number("sessions="), number("peak="))
}

/// A file of so many megabytes, of conversations of this many messages.
fn source(folder: &Path, megabytes: usize, messages: usize) -> (std::path::PathBuf, u64) {
    let path = folder.join("source.jsonl");
    let mut file = BufWriter::new(std::fs::File::create(&path).unwrap());
    let (mut written, mut count) = (0, 0);
    let text = "All work and no play makes Jack a dull boy. ".repeat(8);
    while written < megabytes << 20 {
        let messages: Vec<String> = (0..messages)
            .map(|n| {
                format!(
                    "{{\"role\":\"{}\",\"content\":\"{n} {text}\"}}",
                    if n % 2 == 0 { "user" } else { "assistant" }
                )
            })
            .collect();
        let line = format!("{{\"id\":\"c{count}\",\"messages\":[{}]}}\n", messages.join(","));
        file.write_all(line.as_bytes()).unwrap();
        written += line.len();
        count += 1;
    }
    file.flush().unwrap();
    (path, count)
}

#[cfg(target_os = "linux")]
#[test]
fn an_import_takes_no_more_memory_for_a_longer_file() {
    let folder = tempfile::tempdir().unwrap();
    let (path, count) = source(folder.path(), 24, 50);
    let (sessions, peak) = measure(&path);
    assert_eq!(sessions, count);
    assert!(peak < MOST_RESIDENT / 2, "{} MB", peak >> 20);
}

#[cfg(target_os = "linux")]
#[test]
fn a_conversation_of_thirty_megabytes_is_imported_in_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let (path, count) = source(folder.path(), 30, 90_000);
    let (sessions, peak) = measure(&path);
    assert_eq!(sessions, count);
    assert!(peak < MOST_RESIDENT, "{} MB", peak >> 20);
}

/// A conversation of so many messages of one letter.
fn tiny(format: Format, messages: usize) -> String {
    let role = |number: usize| if number.is_multiple_of(2) { "user" } else { "assistant" };
    let openai = |number| format!("{{\"role\":\"{}\",\"content\":\"x\"}}", role(number));
    let llama = |number: usize| {
        let message = format!("\"id\":\"{number}\",\"role\":\"{}\",\"content\":\"x\"", role(number));
        match number {
            0 => format!("{{\"type\":\"message\",\"message\":{{{message},\"parent\":null}}}}\n"),
            _ => format!(
                "{{\"type\":\"message\",\"message\":{{{message},\"parent\":\"{}\"}}}}\n",
                number - 1
            ),
        }
    };
    let chatgpt = |number: usize| {
        let said = format!(
            "{{\"author\":{{\"role\":\"{}\"}},\"content\":{{\"parts\":[\"x\"]}}}}",
            role(number)
        );
        match number {
            0 => format!("\"0\":{{\"message\":{said}}}"),
            _ => format!("\"{number}\":{{\"parent\":\"{}\",\"message\":{said}}}", number - 1),
        }
    };
    match format {
        Format::OpenAi => {
            let all: Vec<String> = (0..messages).map(openai).collect();
            format!("{{\"id\":\"tiny\",\"messages\":[{}]}}\n", all.join(","))
        }
        Format::LlamaCpp => {
            let all: String = (0..messages).map(llama).collect();
            format!("{{\"type\":\"session\",\"id\":\"tiny\"}}\n{all}")
        }
        _ => {
            let all: Vec<String> = (0..messages).map(chatgpt).collect();
            format!("{{\"id\":\"tiny\",\"mapping\":{{{}}}}}\n", all.join(","))
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn tiny_messages_are_imported_in_bounded_memory_or_their_conversation_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source.json");
    for (format, few, many) in [
        (Format::OpenAi, 300_000, 800_000),
        (Format::LlamaCpp, 150_000, 500_000),
        (Format::ChatGpt, 90_000, 300_000),
    ] {
        for (messages, expected) in [(few, 2), (many, 1)] {
            let other = tiny(format, 1).replace("tiny", "other");
            std::fs::write(&path, tiny(format, messages) + &other).unwrap();
            let (sessions, peak) = measure(&path);
            println!("{messages} of {format:?}: {} MB", peak >> 20);
            assert!(peak < MOST_RESIDENT, "{messages} of {format:?}: {} MB", peak >> 20);
            assert_eq!(sessions, expected, "{messages} of {format:?}");
        }
    }
}

#[test]
fn a_conversation_that_takes_too_much_memory_says_what_to_do() {
    let other = tiny(Format::LlamaCpp, 1).replace("tiny", "other");
    let came = import(format!("{}{other}", tiny(Format::LlamaCpp, 400_000)));
    assert_eq!(came.ids(), ["other"]);
    let failure = came.failure();
    assert!(failure.contains("more than 96 MiB of memory"), "{failure}");
    assert!(failure.ends_with("split it into several"), "{failure}");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "takes a minute: make soak runs it"]
fn soak_three_hundred_megabytes_are_imported_in_less_than_two_hundred() {
    let folder = tempfile::tempdir().unwrap();
    let (path, count) = source(folder.path(), 300, 60);
    let began = std::time::Instant::now();
    let (sessions, peak) = measure(&path);
    assert_eq!(sessions, count);
    println!(
        "{count} conversations, 300 MB: {} MB resident, {:?}",
        peak >> 20,
        began.elapsed()
    );
    assert!(peak < MOST_RESIDENT, "{} MB", peak >> 20);
}
