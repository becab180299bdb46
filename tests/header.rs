//! `include/turnkeep/turnkeep.h` is what the sources of `src/ffi` say, section by section.
//!
//! `make header` writes it anew (it runs this test with TURNKEEP_WRITE_HEADER=1).

#![allow(clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const HEADER: &str = "include/turnkeep/turnkeep.h";

struct Section {
    title: &'static str,
    about: &'static str,
    sources: &'static [&'static str],
}

const SECTIONS: &[Section] = &[
    Section {
        title: "1 Basics",
        about: "Text, versions, status and errors.",
        sources: &["src/cache/view.rs#Text", "src/ffi/basics.rs"],
    },
    Section {
        title: "2 Store",
        about: "One database of sessions: a SQLite file, or memory.",
        sources: &["src/ffi/store.rs"],
    },
    Section {
        title: "3 Session",
        about: "One conversation: create, open, describe, change, delete.",
        sources: &["src/ffi/session.rs"],
    },
    Section {
        title: "4 Message",
        about: "Append, read, take away.",
        sources: &["src/cache/view.rs#Message", "src/ffi/message.rs"],
    },
    Section {
        title: "5 Window",
        about: "The messages for the next prompt.",
        sources: &["src/cache/view.rs#Window", "src/ffi/window.rs"],
    },
    Section {
        title: "6 Turn",
        about: "Questions and answers: append, read, write as text.",
        sources: &["src/ffi/turn.rs"],
    },
    Section {
        title: "7 Branch",
        about: "Fork, rewind, replace, regenerate, compare, adopt; the tree of forks.",
        sources: &["src/ffi/branch.rs"],
    },
    Section {
        title: "8 List",
        about: "One filter for lists, counts, searches and changes to many sessions.",
        sources: &["src/ffi/filter.rs", "src/ffi/list.rs"],
    },
    Section {
        title: "9 Search",
        about: "Messages and sessions, by their words.",
        sources: &["src/ffi/search.rs"],
    },
    Section {
        title: "10 Events",
        about: "What happened, after it was kept.",
        sources: &["src/ffi/events.rs"],
    },
    Section {
        title: "11 Metrics",
        about: "Counters and distributions.",
        sources: &["src/ffi/metrics.rs"],
    },
    Section {
        title: "12 Maintenance",
        about: "Backup, check, vacuum, optimize, sizes, salvage, erase.",
        sources: &["src/ffi/maintenance.rs"],
    },
    Section {
        title: "13 Transfer",
        about: "Export and import: files of other programs, and an own format that carries everything.",
        sources: &["src/ffi/transfer.rs"],
    },
];

/// What C sees of src/cache/view.rs.
const EXPORTED_VIEWS: [&str; 4] = ["Text", "MessageDetails", "MessageView", "WindowReport"];

const PREAMBLE: &str = include_str!("header_preamble.txt");

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What cbindgen makes of one source file, or of the items of a file whose names begin with a prefix ("file#prefix").
fn fragment(source: &str) -> String {
    let (file, prefix) = source.split_once('#').unwrap_or((source, ""));
    let mut config = cbindgen::Config::from_file(root().join("cbindgen.toml")).expect("cbindgen.toml");
    if !prefix.is_empty() {
        config.export.exclude = EXPORTED_VIEWS
            .into_iter()
            .filter(|name| !name.starts_with(prefix))
            .map(str::to_owned)
            .collect();
        config.export.include = EXPORTED_VIEWS
            .into_iter()
            .filter(|name| name.starts_with(prefix))
            .map(str::to_owned)
            .collect();
    }
    let mut bytes = Vec::new();
    cbindgen::Builder::new()
        .with_config(config)
        .with_src(root().join(file))
        .generate()
        .unwrap_or_else(|error| panic!("cbindgen on {file}: {error}"))
        .write(&mut bytes);
    tidy(String::from_utf8(bytes).expect("cbindgen writes UTF-8").trim())
}

/// What a line of a comment holds, without its stars.
const WIDTH: usize = 114;

/// The words of a comment. A number written in groups of digits is one, and so is "Since 0.1.".
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let goes_on = word.len() >= 3 && word.bytes().take(3).all(|byte| byte.is_ascii_digit());
        match words.last_mut() {
            Some(last) if last == "Since" || (goes_on && last.ends_with(|end: char| end.is_ascii_digit())) => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words(text) {
        let line = lines.last_mut().expect("there is always one");
        if line.is_empty() {
            line.push_str(&word);
        } else if line.len() + 1 + word.len() <= width {
            line.push(' ');
            line.push_str(&word);
        } else {
            lines.push(word);
        }
    }
    lines
}

/// cbindgen gives every comment three lines and every function two more than a reader wants.
fn tidy(c: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut comment: Option<(String, Vec<String>)> = None;
    for line in c.lines() {
        let indent: String = line.chars().take_while(|c| *c == ' ').collect();
        let text = line.trim();
        match &mut comment {
            None if text == "/*" => comment = Some((indent, Vec::new())),
            Some((indent, body)) if text == "*/" => {
                let wrapped = wrap(&body.join(" "), WIDTH - indent.len());
                if let [only] = wrapped.as_slice() {
                    lines.push(format!("{indent}/* {only} */"));
                } else {
                    lines.push(format!("{indent}/*"));
                    lines.extend(wrapped.iter().map(|line| format!("{indent} * {line}")));
                    lines.push(format!("{indent} */"));
                }
                comment = None;
            }
            Some((_, body)) => body.push(text.to_owned()),
            None => lines.push(line.to_owned()),
        }
    }
    let joined = lines.join("\n").replace("TURNKEEP_API\n", "TURNKEEP_API ");
    let mut in_parameters = false;
    let lines = joined.lines().map(|line| {
        let begins = line.starts_with("TURNKEEP_API ") && line.ends_with(',');
        let line = match line.split_once('(') {
            Some((name, first)) if begins => format!("{name}(\n    {first}"),
            _ if in_parameters => format!("    {}", line.trim()),
            _ => parenthesise(line),
        };
        in_parameters = (begins || in_parameters) && !line.ends_with(';');
        line
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// `#define X -1` bites in `a X`: negative constants stand in parentheses.
fn parenthesise(line: &str) -> String {
    match line.strip_prefix("#define ").and_then(|define| define.split_once(' ')) {
        Some((name, value)) if value.starts_with('-') => format!("#define {name} ({value})"),
        _ => line.to_owned(),
    }
}

/// The `_INIT` macros: every struct that begins with `struct_size`, all other fields zero.
fn init_macros(header: &str) -> String {
    let mut macros = String::new();
    let mut rest = header;
    while let Some(begin) = rest.find("typedef struct {") {
        let Some(end) = rest[begin..].find("\n} ") else { break };
        let body = &rest[begin..begin + end];
        let tail = &rest[begin + end + 3..];
        let name = tail.split(';').next().expect("a name");
        if body.contains("size_t struct_size;") {
            let fields = fields(body);
            let zeros: Vec<&str> = fields
                .iter()
                .skip(1)
                .map(|field| {
                    if field.contains('*') || field.contains("_fn ") {
                        "NULL"
                    } else {
                        "0"
                    }
                })
                .collect();
            writeln!(
                macros,
                "#define {}_INIT {{sizeof({name}), {}}}",
                name.to_uppercase(),
                zeros.join(", ")
            )
            .expect("a string");
        }
        rest = tail;
    }
    macros.trim_end().to_owned()
}

fn fields(body: &str) -> Vec<String> {
    let mut in_comment = false;
    body.lines()
        .map(str::trim)
        .filter(|line| {
            let was = in_comment;
            if line.starts_with("/*") {
                in_comment = true;
            }
            let comment = was || in_comment;
            if line.ends_with("*/") {
                in_comment = false;
            }
            !comment && line.ends_with(';')
        })
        .map(str::to_owned)
        .collect()
}

fn generate() -> String {
    let mut header = PREAMBLE
        .replace("@MAJOR@", env!("CARGO_PKG_VERSION_MAJOR"))
        .replace("@MINOR@", env!("CARGO_PKG_VERSION_MINOR"))
        .replace("@PATCH@", env!("CARGO_PKG_VERSION_PATCH"))
        .replace("@VERSION@", env!("CARGO_PKG_VERSION"));
    for section in SECTIONS {
        let text: Vec<String> = section.sources.iter().map(|source| fragment(source)).collect();
        let text = text.join("\n\n");
        let rule = "-".repeat(114usize.saturating_sub(section.title.len()));
        write!(
            header,
            "\n/* {} {rule}\n * {}\n */\n\n{text}\n",
            section.title, section.about
        )
        .expect("a string");
        let macros = init_macros(&text);
        if !macros.is_empty() {
            write!(
                header,
                "\n/* What such a struct begins as: its size, everything else default. */\n{macros}\n"
            )
            .expect("a string");
        }
    }
    header.push_str("\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
    header
}

#[test]
fn the_committed_header_is_what_the_sources_say() {
    let path = root().join(HEADER);
    let generated = generate();
    if std::env::var_os("TURNKEEP_WRITE_HEADER").is_some() {
        std::fs::write(&path, &generated).expect("the header can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == generated,
        "{} is not what src/ffi says: {}; run `make header`",
        path.display(),
        first_difference(Path::new(HEADER), &committed, &generated)
    );
}

fn first_difference(path: &Path, committed: &str, generated: &str) -> String {
    committed
        .lines()
        .zip(generated.lines())
        .enumerate()
        .find(|(_, (old, new))| old != new)
        .map_or_else(
            || "one is longer".to_owned(),
            |(line, (old, new))| format!("{}:{}: '{old}' should be '{new}'", path.display(), line + 1),
        )
}
