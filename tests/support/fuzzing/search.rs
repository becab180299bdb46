//! Any text that somebody searches for, over any texts: no text is an error, no mark lies outside, and a word that stands in
//! a message finds it.

use super::draw::Draw;
use super::told;
use std::time::Duration;
use turnkeep::error::{Error, Kind};
use turnkeep::model::words::words;
use turnkeep::model::{
    AppendOptions, NewMessage, NewSession, Role, SearchOptions, SearchOrder, SessionChanges, TimeRange,
};
use turnkeep::store::SearchResults;
use turnkeep::{Session, Store, StoreOptions};

pub(crate) fn run(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let store = Store::open(":memory:", StoreOptions::default()).unwrap();
    let session = store.create_session(NewSession::default()).unwrap();
    for _ in 0..=draw.upto(2) {
        contents(&session, &mut draw);
        for _ in 0..=draw.upto(3) {
            asked(&store, &mut draw);
        }
        found(&store, &session, &mut draw);
    }
    assert_eq!(store.check().unwrap().problems.listed, [""; 0]);
    told(store.close()).unwrap();
}

/// More messages, fewer messages, another title.
fn contents(session: &Session, draw: &mut Draw<'_>) {
    for _ in 0..=draw.upto(4) {
        let role = draw.pick(&[Role::User, Role::Assistant, Role::System]);
        let message = NewMessage::new(role, long_text(draw));
        session.append(vec![message], AppendOptions::default()).unwrap();
    }
    if draw.one_in(4) {
        session.rewind(1, None).unwrap();
    }
    if draw.one_in(3) {
        let changes = SessionChanges {
            summary: Some(long_text(draw)),
            ..SessionChanges::default()
        };
        told(session.update(changes)).unwrap();
    }
}

fn long_text(draw: &mut Draw<'_>) -> String {
    let mut text = draw.text();
    for _ in 0..draw.pick(&[0, 0, 1, 3, 12]) {
        text.push_str(draw.pick(&[" ", "", "\n", "\u{200B}", "\u{301}", "\u{3099}", ". "]));
        text.push_str(&draw.text());
    }
    text
}

fn asked(store: &Store, draw: &mut Draw<'_>) {
    let options = SearchOptions {
        text: asked_text(draw),
        raw: draw.one_in(5),
        roles: draw.pick(&[0, 0, 0, 1 << 2, 1 << 3, 0b11_1110, 1, u32::MAX]),
        created: TimeRange {
            from: draw.one_in(8).then(|| draw.number() as i64),
            before: draw.one_in(8).then(|| draw.number() as i64),
        },
        order: draw.pick(&[SearchOrder::Newest, SearchOrder::Rank]),
        time_limit: Duration::from_millis(u64::from(draw.pick(&[200_u32, 0, u32::MAX]))),
        limit: draw.pick(&[20, 1, 1_000, 1_001, 0]),
        neighbours: draw.pick(&[0, 1, 100, 101]),
        snippet_chars: draw.pick(&[160, 0, 1, 2, 7, u32::MAX]),
        ..SearchOptions::default()
    };
    match store.search(&options) {
        Ok(results) => shown(&results, &options),
        Err(error) => assert!(may_be_refused(&options, &error), "{options:?}: {error}"),
    }
}

fn asked_text(draw: &mut Draw<'_>) -> String {
    match draw.upto(5) {
        0..=2 => draw.text(),
        3 => format!("\"{}\" {}*", draw.text(), draw.text()),
        4 => format!(
            "{}{}",
            draw.text(),
            draw.pick(&["*", "\"", " NEAR(", " AND", "^", ":", "\0"])
        ),
        _ => long_text(draw),
    }
}

/// Options that are none, texts that are too long; of SQLite's own syntax only what was asked for as such.
fn may_be_refused(options: &SearchOptions, error: &Error) -> bool {
    let about_options = options.check().is_err();
    match error.kind() {
        Kind::Invalid => about_options || options.raw,
        Kind::TooLarge => about_options,
        _ => false,
    }
}

fn shown(results: &SearchResults, options: &SearchOptions) {
    for hit in results.hits() {
        let mut behind = 0;
        for mark in &hit.snippet.marks {
            assert!(
                mark.start >= behind && mark.start < mark.end,
                "{:?} for {options:?}",
                hit.snippet
            );
            assert!(
                hit.snippet.text.get(mark.clone()).is_some(),
                "{:?} for {options:?}",
                hit.snippet
            );
            behind = mark.end;
        }
        let neighbours = results.neighbours(hit);
        let wanted = options.neighbours > 0 && hit.seq > 0;
        assert_eq!(
            neighbours.iter().filter(|view| view.seq == u64::from(hit.seq)).count(),
            usize::from(wanted)
        );
    }
}

/// A word of a message finds the message.
fn found(store: &Store, session: &Session, draw: &mut Draw<'_>) {
    let all = session.range(1, u64::MAX).unwrap();
    let messages: Vec<_> = all.iter().collect();
    if messages.is_empty() {
        return;
    }
    let message = &messages[draw.upto(messages.len() - 1)];
    let all: Vec<_> = words(message.content).collect();
    if all.is_empty() {
        return;
    }
    let word = &all[draw.upto(all.len() - 1)];
    let options = SearchOptions {
        text: message.content[word.range.clone()].to_owned(),
        limit: 1_000,
        ..SearchOptions::default()
    };
    let results = store.search(&options).unwrap();
    assert!(
        results.hits().iter().any(|hit| hit.seq == message.place.seq),
        "'{}' does not find '{}'",
        options.text,
        message.content
    );
}
