//! `config` and `completions`.

use super::Work;
use crate::args::{Arguments, Completions, Config};
use crate::failure::Failure;
use crate::json;
use crate::output::{BOLD, Table, clean, note};
use crate::place::Place;
use anstyle::Style;
use clap::CommandFactory;
use serde_json::{Map, Value, json};
use std::time::Duration;
use turnkeep::StoreOptions;
use turnkeep::store::TokenizerChoice;

pub(crate) fn config(work: &mut Work, config: Config) -> Result<(), Failure> {
    if config.file.is_some() {
        work.general.config = config.file;
    }
    let place = Place::named(&work.general)?;
    place.options.check(&place.path)?;
    let settings = settings(&place.options);
    let file = work.general.config.as_ref().map(|file| file.display().to_string());
    let out = &mut work.out;
    if out.as_json {
        return out.json(&json!({
            "store": place.path,
            "exists": place.exists(),
            "named_by": place.named_by,
            "settings_file": file,
            "settings": settings,
        }));
    }
    let store = out.paint(BOLD, clean::line(&place.path));
    let state = if place.exists() { "" } else { ", which is not there yet" };
    out.line(format!("the store is {store}{state}, named by {}", place.named_by))?;
    match file {
        Some(file) => out.line(format!("the settings of '{}' are right:", clean::line(&file)))?,
        None => out.line("no settings file is given, so everything is as it is by itself:")?,
    }
    let mut table = Table::new(&["setting", "value"]);
    for (name, value) in settings {
        table.row([(Style::new(), name), (Style::new(), value.to_string())]);
    }
    out.table(&table)
}

/// Every setting under its name in a settings file, and so that it could stand there: 0 is never, none, or any.
fn settings(options: &StoreOptions) -> Map<String, Value> {
    let millis = |time: Duration| u64::try_from(time.as_millis()).ok().filter(|_| time != Duration::MAX);
    let tokenizer = match &options.tokenizer {
        TokenizerChoice::Named(name) => name.as_str(),
        TokenizerChoice::Estimate | TokenizerChoice::Custom(_) => "estimate",
    };
    let all = json!({
        "durability": json::durability(options.durability),
        "autosave_ms": millis(options.autosave),
        "cache_sessions": options.cache_sessions,
        "cache_bytes": options.cache_bytes,
        "window_tokens": options.window_tokens,
        "busy_timeout_ms": millis(options.busy_timeout),
        "readers": options.readers,
        "exclusive": options.exclusive,
        "read_only": options.read_only,
        "must_exist": options.must_exist,
        "no_search": options.no_search,
        "tokenizer": tokenizer,
        "expire_after_ms": options.expire_after.and_then(millis).unwrap_or(0),
        "expire_sliding": options.expire_sliding,
        "cleanup_interval_ms": options.cleanup_interval.and_then(millis).unwrap_or(0),
        "event_log_rows": options.event_log_rows,
        "max_session_bytes": options.max_session_bytes.unwrap_or(0),
        "compress_min_bytes": options.compress_min_bytes,
        "compression_level": options.compression_level,
    });
    match all {
        Value::Object(all) => all,
        _ => Map::new(),
    }
}

pub(crate) fn completions(work: &mut Work, completions: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(completions.shell, &mut Arguments::command(), "turnkeep", &mut script);
    let script = String::from_utf8_lossy(&script);
    if work.out.as_json {
        return work
            .out
            .json(&json!({ "shell": completions.shell.to_string(), "script": script }));
    }
    if work.out.is_terminal {
        note("this is for a file; `turnkeep completions --help` says for which");
    }
    work.out.text(script)
}
