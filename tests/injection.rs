//! Whatever a text holds, it is data: it comes back as it went in, finds itself and nothing else, and changes nothing else.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

#[path = "support/nasty.rs"]
mod nasty;
mod support;

use nasty::{NASTY, WITH_CONTROLS, long};
use serde_json::json;
use std::collections::BTreeMap;
use support::TempStore;
use turnkeep::error::Kind;
use turnkeep::model::text::fold;
use turnkeep::model::{
    BulkAction, Comparison, Filter, ListOptions, MetadataCondition, NewSession, SessionChanges, SessionInfo, Sort,
    Status,
};

/// A store in which every text is once all that a session has: id, owner, name, title, model, tag, metadata.
fn store_of_everything() -> TempStore {
    let store = TempStore::new();
    for text in NASTY {
        let text = (*text).to_owned();
        let session = NewSession {
            id: Some(text.clone()),
            user_id: text.clone(),
            name: Some(text.clone()),
            title: text.clone(),
            model: text.clone(),
            summary: text.clone(),
            metadata: Some(json!({ text.clone(): text.clone() }).to_string()),
            tags: vec![text],
            ..NewSession::default()
        };
        store.create_session(session).unwrap();
    }
    store
}

/// Everything that is in the store, by id, and what tables and indexes the file has.
fn everything(store: &TempStore) -> (BTreeMap<String, SessionInfo>, i64) {
    let mut options = ListOptions {
        filter: Filter {
            statuses: vec![Status::Active, Status::Archived, Status::Trashed],
            ..Filter::default()
        },
        limit: 1000,
        sort: Sort::Id,
        ..ListOptions::default()
    };
    let mut sessions = BTreeMap::new();
    loop {
        let page = store.list_sessions(&options).unwrap();
        sessions.extend(page.sessions.into_iter().map(|session| (session.id.clone(), session)));
        options.page_token = page.next_page_token;
        if options.page_token.is_none() {
            break;
        }
    }
    let connection = rusqlite::Connection::open(store.path()).unwrap();
    let objects = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0));
    (sessions, objects.unwrap())
}

fn found(store: &TempStore, filter: Filter) -> Vec<String> {
    let page = store.list_sessions(&ListOptions {
        filter: filter.clone(),
        limit: 1000,
        ..ListOptions::default()
    });
    let ids: Vec<String> = page.unwrap().sessions.into_iter().map(|session| session.id).collect();
    assert_eq!(store.count_sessions(&filter).unwrap(), ids.len() as u64);
    ids
}

/// A member's name as a step of a JSON Pointer.
fn step(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn holds(pointer: &str, comparison: Comparison, value: serde_json::Value) -> Filter {
    Filter {
        metadata: vec![MetadataCondition {
            pointer: pointer.to_owned(),
            comparison,
            value,
        }],
        ..Filter::default()
    }
}

#[test]
fn every_text_comes_back_as_it_went_in() {
    let store = store_of_everything();
    let (sessions, _) = everything(&store);
    assert!(NASTY.len() >= 40);
    assert_eq!(sessions.len(), NASTY.len());
    for text in NASTY {
        let session = store.open_session(text).unwrap().describe().unwrap();
        let texts = [
            &session.id,
            &session.user_id,
            &session.title,
            &session.model,
            &session.summary,
            &session.tags[0],
        ];
        assert!(texts.iter().all(|found| found == text), "{session:?}");
        assert_eq!((session.name.as_deref(), session.tags.len()), (Some(*text), 1));
        assert_eq!(session.metadata, json!({ *text: text }).to_string());
        assert_eq!(sessions[*text], session);
    }
}

#[test]
fn every_text_finds_itself_and_nothing_else() {
    let store = store_of_everything();
    let before = everything(&store);
    for text in NASTY {
        let owned = (*text).to_owned();
        let exact = [
            Filter {
                user_id: Some(owned.clone()),
                ..Filter::default()
            },
            Filter {
                model: Some(owned.clone()),
                ..Filter::default()
            },
            Filter {
                all_tags: vec![owned.clone(), owned.clone()],
                ..Filter::default()
            },
            Filter {
                any_tags: vec!["nobody has it".to_owned(), owned.clone()],
                ..Filter::default()
            },
            holds(&step(text), Comparison::Exists, json!(null)),
            holds(&step(text), Comparison::Equal, json!(text)),
        ];
        for filter in exact {
            assert_eq!(found(&store, filter.clone()), [*text], "{filter:?}");
        }
        let elsewhere = [
            Filter {
                parent_id: Some(owned.clone()),
                ..Filter::default()
            },
            holds(&step(text), Comparison::Equal, json!({ *text: text })),
            holds(
                &format!("{}{}", step(text), step(text)),
                Comparison::Exists,
                json!(null),
            ),
        ];
        for filter in elsewhere {
            assert!(found(&store, filter.clone()).is_empty(), "{filter:?}");
        }
    }
    assert_eq!(everything(&store), before);
}

#[test]
fn a_text_is_found_in_titles_that_contain_it_and_in_no_others() {
    let store = store_of_everything();
    let all = [NASTY, WITH_CONTROLS].concat();
    for text in all.iter().copied().chain(long().iter().map(String::as_str)) {
        let mut found = found(
            &store,
            Filter {
                text: Some(text.to_owned()),
                ..Filter::default()
            },
        );
        let mut expected: Vec<&str> = NASTY
            .iter()
            .copied()
            .filter(|title| fold(title).contains(&fold(text)))
            .collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{text:?}");
    }
}

#[test]
fn no_text_is_a_page_token() {
    let store = store_of_everything();
    let all = [NASTY, WITH_CONTROLS].concat();
    for text in all.iter().copied().chain(long().iter().map(String::as_str)) {
        for sort in [Sort::Created, Sort::Id, Sort::Tokens] {
            let options = ListOptions {
                sort,
                page_token: Some(text.to_owned()),
                ..ListOptions::default()
            };
            assert_eq!(
                store.list_sessions(&options).unwrap_err().kind(),
                Kind::Invalid,
                "{text:?}"
            );
        }
    }
}

#[test]
fn pages_end_at_every_text_and_go_on_behind_it() {
    let store = store_of_everything();
    for sort in [Sort::Id, Sort::Name] {
        let mut options = ListOptions {
            sort,
            ascending: true,
            limit: 1,
            ..ListOptions::default()
        };
        let mut listed = Vec::new();
        loop {
            let page = store.list_sessions(&options).unwrap();
            listed.extend(page.sessions.into_iter().map(|session| session.id));
            options.page_token = page.next_page_token;
            if options.page_token.is_none() {
                break;
            }
        }
        let mut expected = NASTY.to_vec();
        expected.sort_unstable();
        assert_eq!(listed, expected);
    }
}

#[test]
fn a_bulk_change_by_a_text_changes_one_session() {
    let store = store_of_everything();
    for text in NASTY {
        let (mut before, objects) = everything(&store);
        let filter = Filter {
            user_id: Some((*text).to_owned()),
            ..Filter::default()
        };
        let tag = format!("{text}{text}{text}");
        assert_eq!(store.change_sessions(&filter, BulkAction::AddTag(tag.clone())), Ok(1));
        let (mut after, _) = everything(&store);
        let changed = after.remove(*text).unwrap();
        before.remove(*text);
        assert!(changed.tags.contains(&tag) && changed.tags.len() == 2, "{changed:?}");
        assert_eq!(after, before);
        assert_eq!(store.change_sessions(&filter, BulkAction::RemoveTag(tag)), Ok(1));
        assert_eq!(store.change_sessions(&filter, BulkAction::Delete), Ok(1));
        assert_eq!(everything(&store), (before, objects));
    }
}

#[test]
fn controls_are_refused_in_ids_and_kept_in_titles_and_metadata() {
    let store = store_of_everything();
    let before = everything(&store);
    for text in WITH_CONTROLS {
        let owned = (*text).to_owned();
        let refused = [
            Filter {
                user_id: Some(owned.clone()),
                ..Filter::default()
            },
            Filter {
                model: Some(owned.clone()),
                ..Filter::default()
            },
            Filter {
                all_tags: vec![owned.clone()],
                ..Filter::default()
            },
            Filter {
                any_tags: vec![owned.clone()],
                ..Filter::default()
            },
            Filter {
                parent_id: Some(owned.clone()),
                ..Filter::default()
            },
        ];
        for filter in refused {
            assert_eq!(
                store.count_sessions(&filter).unwrap_err().kind(),
                Kind::Invalid,
                "{filter:?}"
            );
        }
        let add = BulkAction::AddTag(owned.clone());
        assert_eq!(
            store.change_sessions(&Filter::default(), add).unwrap_err().kind(),
            Kind::Invalid
        );
    }
    assert_eq!(everything(&store), before);
    for text in WITH_CONTROLS {
        let session = store.create_session(NewSession::default()).unwrap();
        let changes = SessionChanges {
            title: Some((*text).to_owned()),
            metadata: Some(json!({ *text: text }).to_string()),
            ..SessionChanges::default()
        };
        session.update(changes).unwrap();
        assert_eq!(session.describe().unwrap().title, *text);
        assert_eq!(
            found(&store, holds(&step(text), Comparison::Equal, json!(text))),
            [session.id()]
        );
    }
}

#[test]
fn what_is_too_long_is_refused_and_what_is_long_is_data() {
    let store = TempStore::new();
    let [id, title] = long();
    let session = NewSession {
        id: Some(id.clone()),
        title: title.clone(),
        metadata: Some(json!({ title.repeat(64): title.repeat(64) }).to_string()),
        ..NewSession::default()
    };
    store.create_session(session).unwrap();
    let by_text = Filter {
        text: Some(title.to_uppercase()),
        ..Filter::default()
    };
    assert_eq!(found(&store, by_text), [id.as_str()]);
    let long_step = step(&title.repeat(64));
    assert_eq!(
        found(&store, holds(&long_step, Comparison::Equal, json!(title.repeat(64)))),
        [id.as_str()]
    );
    let too_long = Filter {
        user_id: Some(format!("{id}'")),
        ..Filter::default()
    };
    assert_eq!(store.count_sessions(&too_long).unwrap_err().kind(), Kind::Invalid);
}
