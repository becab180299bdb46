//! Any filter, list options and page token over a small store: a count is the length of the list, pages end, and whatever is
//! no page token is refused.

use super::draw::Draw;
use super::told;
use std::cell::LazyCell;
use std::collections::HashSet;
use std::mem::ManuallyDrop;
use turnkeep::error::Kind;
use turnkeep::model::{
    BulkAction, Comparison, Filter, ListOptions, MetadataCondition, NewMessage, NewSession, Role, SearchOptions,
    Sort, Status, TimeRange,
};
use turnkeep::{Store, StoreOptions};

const SESSIONS: usize = 40;

thread_local! {
    /// Not closed: the fuzzer ends by ending the process, when a thread has little left.
    static STORE: LazyCell<ManuallyDrop<Store>> = const { LazyCell::new(|| ManuallyDrop::new(sample())) };
}

pub(crate) fn run(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    STORE.with(|store| {
        let options = ListOptions {
            filter: filter(&mut draw),
            sort: draw.pick(&[
                Sort::Created,
                Sort::Updated,
                Sort::Id,
                Sort::Tokens,
                Sort::Messages,
                Sort::Name,
            ]),
            ascending: draw.one_in(2),
            limit: draw.pick(&[0, 1, 2, 7, 50, 1_000, 1_001, u32::MAX]),
            page_token: None,
        };
        let listed = list(store, options.clone());
        let counted = told(store.count_sessions(&options.filter));
        match (listed, counted) {
            (Ok((ids, _)), Ok(count)) => assert_eq!(ids.len() as u64, count, "{options:?}"),
            (Err(Kind::Invalid), Err(Kind::Invalid)) => {}
            (Err(Kind::Invalid), Ok(_)) => assert!(options.limit > 1_000, "{options:?}"),
            (listed, counted) => panic!("{options:?}: {listed:?}, {counted:?}"),
        }
        foreign_token(store, options.clone(), &mut draw);
        searched(store, &options.filter);
        changed(store, &options.filter, &mut draw);
    });
}

/// The ids of all pages, and the tokens between them.
fn list(store: &Store, mut options: ListOptions) -> Result<(Vec<String>, Vec<String>), Kind> {
    let (mut ids, mut tokens) = (Vec::new(), Vec::new());
    loop {
        let page = told(store.list_sessions(&options))?;
        ids.extend(page.sessions.into_iter().map(|info| info.id));
        assert!(ids.len() <= SESSIONS, "pages do not end: {options:?}");
        options.page_token = page.next_page_token;
        match &options.page_token {
            Some(token) => tokens.push(token.clone()),
            None => break,
        }
    }
    let different: HashSet<&String> = ids.iter().collect();
    assert_eq!(different.len(), ids.len(), "a session is listed twice: {options:?}");
    Ok((ids, tokens))
}

/// A token of another list, a garbled one, or any text: a page or INVALID.
fn foreign_token(store: &Store, mut options: ListOptions, draw: &mut Draw<'_>) {
    let mut token = match draw.upto(3) {
        0 => draw.text(),
        _ => {
            let other = ListOptions {
                limit: 3,
                ..options.clone()
            };
            match list(store, other) {
                Ok((_, tokens)) if !tokens.is_empty() => draw.pick(&tokens),
                _ => String::new(),
            }
        }
    };
    for _ in 0..draw.upto(2) {
        let at = draw.upto(token.len());
        if token.is_char_boundary(at) {
            match draw.upto(2) {
                0 => token.truncate(at),
                1 => token.insert_str(at, &draw.text()),
                _ => token.insert(at, draw.pick(&['0', 'f', '9', '-', '.', '\u{1F600}'])),
            }
        }
    }
    options.page_token = Some(token);
    match told(store.list_sessions(&options)) {
        Ok(page) => assert!(page.sessions.len() <= SESSIONS),
        Err(kind) => assert_eq!(kind, Kind::Invalid, "{options:?}"),
    }
}

/// The same filter in a search: what is found is what the list has.
fn searched(store: &Store, filter: &Filter) {
    let search = SearchOptions {
        text: "hello".to_owned(),
        filter: filter.clone(),
        limit: 1_000,
        ..SearchOptions::default()
    };
    let everything = ListOptions {
        filter: filter.clone(),
        limit: 1_000,
        ..ListOptions::default()
    };
    match (told(store.search(&search)), list(store, everything)) {
        (Ok(results), Ok((ids, _))) => {
            for hit in results.hits() {
                assert!(ids.contains(&hit.session_id), "{filter:?} finds '{}'", hit.session_id);
            }
        }
        (found, listed) => assert_eq!(found.err(), listed.err(), "{filter:?}"),
    }
}

/// The same filter for a change to all of them, which changes nothing the second time.
fn changed(store: &Store, filter: &Filter, draw: &mut Draw<'_>) {
    let tag = draw.text();
    let add = told(store.change_sessions(filter, BulkAction::AddTag(tag.clone())));
    let added = match add {
        Ok(count) => count,
        Err(kind) => return assert_eq!(kind, Kind::Invalid),
    };
    let all = Filter {
        statuses: Status::ALL.to_vec(),
        ..Filter::default()
    };
    // Back to what it was, but for the tags that the sample itself has.
    if !["tag", "other"].contains(&tag.as_str()) {
        let removed = told(store.change_sessions(&all, BulkAction::RemoveTag(tag))).unwrap();
        assert_eq!(removed, added, "{filter:?}");
    }
}

fn filter(draw: &mut Draw<'_>) -> Filter {
    let tags = |draw: &mut Draw<'_>| match draw.upto(5) {
        0..=3 => Vec::new(),
        4 => vec![draw.pick(&["tag", "other", "x"]).to_owned()],
        _ => (0..draw.upto(20)).map(|_| draw.text()).collect(),
    };
    Filter {
        user_id: draw.one_in(3).then(|| draw.pick(&["", "owner", "other"]).to_owned()),
        statuses: match draw.upto(3) {
            0 => Vec::new(),
            1 => Status::ALL.to_vec(),
            _ => vec![draw.pick(&Status::ALL), draw.pick(&Status::ALL)],
        },
        all_tags: tags(draw),
        any_tags: tags(draw),
        model: draw.one_in(6).then(|| draw.text()),
        text: draw.one_in(4).then(|| draw.text()),
        metadata: (0..draw.pick(&[0, 0, 0, 1, 2, 9])).map(|_| condition(draw)).collect(),
        created: range(draw),
        updated: range(draw),
        expires: range(draw),
        parent_id: draw.one_in(8).then(|| draw.id()),
        has_messages: draw.pick(&[None, None, Some(true), Some(false)]),
    }
}

fn condition(draw: &mut Draw<'_>) -> MetadataCondition {
    let pointer = match draw.upto(4) {
        0..=2 => draw
            .pick(&["", "/a", "/a/b", "/n", "/l/0", "/l/-", "/~0", "/~1", "/"])
            .to_owned(),
        3 => draw.text(),
        _ => format!("/{}", draw.text()),
    };
    MetadataCondition {
        pointer,
        comparison: draw.pick(&[
            Comparison::Exists,
            Comparison::Equal,
            Comparison::Less,
            Comparison::Greater,
        ]),
        value: serde_json::from_str(&draw.json()).unwrap_or_else(|_| draw.number().into()),
    }
}

fn range(draw: &mut Draw<'_>) -> TimeRange {
    let time = |draw: &mut Draw<'_>| draw.one_in(6).then(|| draw.number() as i64);
    TimeRange {
        from: time(draw),
        before: time(draw),
    }
}

fn sample() -> Store {
    let store = Store::open(":memory:", StoreOptions::default()).unwrap();
    for number in 0..SESSIONS {
        let mut draw = Draw::new(&[]);
        let _same_always = draw.number();
        let metadata = match number % 4 {
            0 => None,
            1 => Some(format!("{{\"a\": {{\"b\": \"x{number}\"}}, \"n\": {number}}}")),
            2 => Some(format!(
                "{{\"n\": -{number}.5, \"l\": [1, {number}], \"\": 1, \"~\": 2, \"/\": 3}}"
            )),
            _ => Some("{\"a\": null, \"n\": 18446744073709551615}".to_owned()),
        };
        let new = NewSession {
            id: Some(format!("{}{number}", super::nasty::NASTY[number].trim())),
            user_id: ["", "owner", "other"][number % 3].to_owned(),
            name: (number % 5 == 0).then(|| format!("name {number}")),
            title: super::nasty::NASTY[SESSIONS - number].to_owned(),
            model: if number % 2 == 0 { "x" } else { "hello" }.to_owned(),
            metadata,
            tags: [
                vec![],
                vec!["tag".to_owned()],
                vec!["tag".to_owned(), "other".to_owned()],
            ][number % 3]
                .clone(),
            expires: (number % 7 == 0).then_some(i64::MAX - number as i64),
            messages: (0..number % 3)
                .map(|_| NewMessage::new(Role::User, "hello world"))
                .collect(),
            ..NewSession::default()
        };
        let session = store.create_session(new).unwrap();
        if number % 6 == 1 {
            session.archive().unwrap();
        } else if number % 6 == 2 {
            session.trash().unwrap();
        }
    }
    store
}
