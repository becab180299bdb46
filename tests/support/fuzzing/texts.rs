//! Texts with a syntax that come with a call: metadata, patches of it, tool calls, notes, names of files, times.

use super::draw::Draw;
use super::told;
use serde_json::Value;
use std::cell::LazyCell;
use std::mem::ManuallyDrop;
use turnkeep::error::Kind;
use turnkeep::model::file_name::file_name;
use turnkeep::model::{NewMessage, NewSession, Role, SessionChanges, metadata, text};
use turnkeep::{Session, Store, StoreOptions};

thread_local! {
    static STORE: LazyCell<ManuallyDrop<Store>> =
        const { LazyCell::new(|| ManuallyDrop::new(Store::open(":memory:", StoreOptions::default()).unwrap())) };
}

pub(crate) fn run(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    match draw.upto(3) {
        0 => {
            let json = any_json(&mut draw);
            objects(&json);
            calls(&json);
        }
        1 => {
            let (json, patch) = (draw.json(), any_json(&mut draw));
            patched(&json, &patch);
        }
        2 => names(&mut draw),
        _ => {
            let json = String::from_utf8_lossy(draw.rest());
            objects(&json);
            calls(&json);
            patched("{\"a\": {\"b\": 1}}", &json);
        }
    }
}

fn any_json(draw: &mut Draw<'_>) -> String {
    let mut json = draw.json();
    for _ in 0..draw.upto(2) {
        let at = draw.upto(json.len());
        if json.is_char_boundary(at) {
            json.insert_str(
                at,
                draw.pick(&[
                    ",", "\"", "\\u0000", "\\ud800", "[", "]", "{", "}", ":", "1e999", "\u{7F}",
                ]),
            );
        }
    }
    json
}

/// What is taken for an object is one, and notes come out of it as they went in.
fn objects(json: &str) {
    if told(metadata::check_object("metadata", json)).is_err() {
        return;
    }
    let parsed: Value = serde_json::from_str(json).unwrap();
    assert!(parsed.is_object(), "{json}");
    let note = serde_json::json!({"x": 1});
    let noted = metadata::with_new_note(Some(json), "origin", &note);
    told(metadata::check_object("metadata", &noted)).unwrap();
    let (notes, rest) = metadata::split_notes(&noted);
    assert_eq!(notes.get("origin"), Some(&note), "{json}");
    if metadata::split_notes(json).0.is_empty() {
        let left: Value = serde_json::from_str(if rest.is_empty() { "{}" } else { &rest }).unwrap();
        assert_eq!(left, parsed, "{json} came back as {rest}");
    }
}

fn calls(json: &str) {
    let message = NewMessage {
        tool_calls: Some(json.to_owned()),
        ..NewMessage::new(Role::Assistant, "")
    };
    if told(message.check()).is_ok() {
        assert!(serde_json::from_str::<Value>(json).unwrap().is_array());
    }
}

/// RFC 7396, the short way, against what the store makes of it.
fn patched(json: &str, patch: &str) {
    STORE.with(|store| {
        let new = NewSession {
            metadata: Some(json.to_owned()),
            ..NewSession::default()
        };
        let Ok(session) = told(store.create_session(new)) else {
            return;
        };
        let changes = SessionChanges {
            metadata_patch: Some(patch.to_owned()),
            ..SessionChanges::default()
        };
        match told(session.update(changes)) {
            Ok(_) => was_merged(&session, json, patch),
            Err(kind) => assert_eq!(kind, Kind::Invalid),
        }
        store.delete_session(session.id()).unwrap();
    });
}

fn was_merged(session: &Session, json: &str, patch: &str) {
    let mut expected = serde_json::from_str(json).unwrap();
    merge(&mut expected, serde_json::from_str(patch).unwrap());
    let found: Value = serde_json::from_str(&session.describe().unwrap().metadata).unwrap();
    assert_eq!(found, expected, "{json} with {patch}");
}

fn merge(into: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *into = patch;
        return;
    };
    if !into.is_object() {
        *into = serde_json::json!({});
    }
    let map = into.as_object_mut().unwrap();
    for (key, value) in patch {
        if value.is_null() {
            map.remove(&key);
        } else {
            merge(map.entry(key).or_insert(Value::Null), value);
        }
    }
}

/// A name for a file is one for every file system, and folding is done once.
fn names(draw: &mut Draw<'_>) {
    let name = file_name(&draw.text(), draw.number(), &draw.text(), draw.one_in(2));
    assert!(name.len() <= 255 && !name.is_empty(), "{name}");
    assert!(
        !name.contains(['/', '\\', '\0', ':']) && !name.chars().any(char::is_control),
        "{name}"
    );
    let folded = text::fold(&draw.text());
    assert_eq!(text::fold(&folded), folded);
}
