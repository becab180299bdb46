//! A settings file: any text, and lines that are almost right.

use super::draw::Draw;
use super::told;
use std::path::Path;
use turnkeep::StoreOptions;
use turnkeep::error::Kind;

const KEYS: &[&str] = &[
    "storage_path",
    "backend",
    "durability",
    "autosave_ms",
    "cache_sessions",
    "cache_bytes",
    "window_tokens",
    "busy_timeout_ms",
    "readers",
    "exclusive",
    "read_only",
    "must_exist",
    "no_search",
    "tokenizer",
    "expire_after_ms",
    "expire_sliding",
    "cleanup_interval_ms",
    "event_log_rows",
    "max_session_bytes",
    "compress_min_bytes",
    "compression_level",
    "reserved",
    "durabilty",
    "",
];

pub(crate) fn run(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    if draw.one_in(3) {
        read(&String::from_utf8_lossy(draw.rest()));
        return;
    }
    let mut text = draw
        .pick(&[
            "[session]\n",
            "[session]\n",
            "[other]\na = 1\n[session]\n",
            "session = 1\n",
            "",
        ])
        .to_owned();
    for _ in 0..draw.upto(8) {
        let key = draw.pick(KEYS);
        let value = value(&mut draw);
        text.push_str(&format!("{key} = {value}\n"));
    }
    read(&text);
}

fn value(draw: &mut Draw<'_>) -> String {
    match draw.upto(8) {
        0 => draw.number().to_string(),
        1 => format!("-{}", draw.number()),
        2 => draw
            .pick(&[
                "true",
                "false",
                "nan",
                "inf",
                "1e400",
                "0x7fffffffffffffff",
                "1979-05-27",
            ])
            .to_owned(),
        3 => draw
            .pick(&["\"memory\"", "\"sqlite\"", "\"disk\"", "\"os\"", "\"deferred\"", "\"\""])
            .to_owned(),
        4 => format!("'{}'", draw.text()),
        5 => format!("\"\"\"{}\"\"\"", draw.text()),
        6 => format!("{}1{}", "[".repeat(draw.upto(300)), "]".repeat(draw.upto(300))),
        7 => format!("{{ a = {} }}", draw.number()),
        _ => draw.text(),
    }
}

/// It says where the store is and how to open it, or what is wrong.
fn read(text: &str) {
    let folder = Path::new("/somewhere");
    match told(StoreOptions::from_toml(text, folder)) {
        Ok((location, options)) => {
            assert!(!location.is_empty());
            let _may_contradict_itself = told(options.check(&location));
        }
        Err(kind) => assert!(
            matches!(kind, Kind::Invalid | Kind::Unsupported | Kind::TooLarge),
            "{kind:?}"
        ),
    }
}
