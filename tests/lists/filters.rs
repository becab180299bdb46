//! Each field of a filter.

use crate::support::{TempStore, user};
use crate::{condition, create, found, memory, named};
use serde_json::json;
use turnkeep::error::Kind;
use turnkeep::model::{
    AppendOptions, BulkAction, Comparison, Filter, ListOptions, MetadataCondition, Micros, NewSession, Status,
    TimeRange,
};

const DAY: Micros = 24 * 60 * 60 * 1_000_000;
/// 2026-11-20T00:00:00Z.
const MIDNIGHT: Micros = 1_795_132_800 * 1_000_000;

fn times(from: &str, to: &str, offset: i32) -> TimeRange {
    TimeRange::parse("created", Some(from), Some(to), offset).unwrap()
}

/// Changes the file behind the store's back, for what takes time or another function to come about.
fn set(store: &TempStore, id: &str, column: &str, value: i64) {
    let connection = rusqlite::Connection::open(store.path()).unwrap();
    let sql = format!("UPDATE sessions SET {column} = ?2, revision = revision + 1 WHERE id = ?1");
    assert_eq!(connection.execute(&sql, (id, value)).unwrap(), 1);
}

#[test]
fn an_owner_is_told_from_nobody_and_from_everybody() {
    for store in [&memory(), &*TempStore::new()] {
        create(
            store,
            NewSession {
                user_id: "ada".into(),
                ..named("hers")
            },
        );
        create(store, named("nobodys"));
        let of = |user_id: Option<&str>| {
            found(
                store,
                &Filter {
                    user_id: user_id.map(str::to_owned),
                    ..Filter::default()
                },
            )
        };
        assert_eq!(of(None), ["hers", "nobodys"]);
        assert_eq!(of(Some("ada")), ["hers"]);
        assert_eq!(of(Some("")), ["nobodys"]);
        assert!(of(Some("Ada")).is_empty());
    }
}

#[test]
fn trashed_sessions_are_found_only_by_who_asks_for_them() {
    let store = memory();
    for (id, status) in [
        ("active", None),
        ("archived", Some(Status::Archived)),
        ("trashed", Some(Status::Trashed)),
    ] {
        let session = create(&store, named(id));
        if let Some(status) = status {
            session
                .update(turnkeep::model::SessionChanges {
                    status: Some(status),
                    ..Default::default()
                })
                .unwrap();
        }
    }
    let of = |statuses: &[Status]| {
        found(
            &store,
            &Filter {
                statuses: statuses.to_vec(),
                ..Filter::default()
            },
        )
    };
    assert_eq!(of(&[]), ["active", "archived"]);
    assert_eq!(of(&[Status::Active]), ["active"]);
    assert_eq!(of(&[Status::Archived]), ["archived"]);
    assert_eq!(of(&[Status::Trashed]), ["trashed"]);
    assert_eq!(of(&[Status::Trashed, Status::Active]), ["active", "trashed"]);
}

#[test]
fn tags_are_found_by_all_of_them_and_by_any() {
    let store = memory();
    for (id, tags) in [("none", &[][..]), ("a", &["a"]), ("b", &["b"]), ("ab", &["a", "b"])] {
        create(
            &store,
            NewSession {
                tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
                ..named(id)
            },
        );
    }
    let of = |all: &[&str], any: &[&str]| {
        let owned = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect();
        found(
            &store,
            &Filter {
                all_tags: owned(all),
                any_tags: owned(any),
                ..Filter::default()
            },
        )
    };
    assert_eq!(of(&["a"], &[]), ["a", "ab"]);
    assert_eq!(of(&["a", "b", "a"], &[]), ["ab"]);
    assert_eq!(of(&[], &["a", "b", "c"]), ["a", "b", "ab"]);
    assert_eq!(of(&["a"], &["b"]), ["ab"]);
    assert!(of(&["a", "c"], &[]).is_empty());
    let thousands: Vec<String> = (0..5_000).map(|number| number.to_string()).collect();
    let filter = Filter {
        any_tags: [thousands, vec!["b".to_owned()]].concat(),
        ..Filter::default()
    };
    assert_eq!(found(&store, &filter), ["b", "ab"]);
}

#[test]
fn a_model_and_whether_there_are_messages_are_found() {
    let store = memory();
    let with = create(
        &store,
        NewSession {
            model: "gemma".into(),
            ..named("with")
        },
    );
    create(&store, named("without"));
    with.append(vec![user("x")], AppendOptions::default()).unwrap();
    let has = |has_messages| Filter {
        has_messages,
        ..Filter::default()
    };
    assert_eq!(found(&store, &has(Some(true))), ["with"]);
    assert_eq!(found(&store, &has(Some(false))), ["without"]);
    let model = |model: &str| Filter {
        model: Some(model.to_owned()),
        ..Filter::default()
    };
    assert_eq!(found(&store, &model("gemma")), ["with"]);
    assert_eq!(found(&store, &model("")), ["without"]);
    assert!(found(&store, &model("gem")).is_empty());
}

// The QV manager: % and _ are wildcards, and a search for äpfel misses ÄPFEL.
#[test]
fn a_name_or_title_is_found_by_any_part_whatever_the_case_and_accents_and_every_character_stands_for_itself() {
    let store = memory();
    for (id, title) in [
        ("fruit", "Saure ÄPFEL"),
        ("percent", "100% sure_"),
        ("plain", "1000 surely"),
    ] {
        create(
            &store,
            NewSession {
                title: title.into(),
                ..named(id)
            },
        );
    }
    create(
        &store,
        NewSession {
            name: Some("Crème".into()),
            ..named("name")
        },
    );
    let of = |text: &str| {
        found(
            &store,
            &Filter {
                text: Some(text.to_owned()),
                ..Filter::default()
            },
        )
    };
    for text in ["äpfel", "ÄPFEL", "apfel", "A\u{308}PFEL", "re äp"] {
        assert_eq!(of(text), ["fruit"], "{text}");
    }
    assert_eq!(of("creme"), ["name"]);
    assert_eq!(of("%"), ["percent"]);
    assert_eq!(of("_"), ["percent"]);
    assert_eq!(of("100"), ["percent", "plain"]);
    assert!(of("1%sure").is_empty() && of("*").is_empty());
    assert_eq!(of("").len(), 4);
}

#[test]
fn metadata_is_found_by_what_a_path_holds() {
    for store in [&memory(), &*TempStore::new()] {
        for (id, metadata) in [
            ("empty", None),
            (
                "one",
                Some(json!({"n": 1, "project": {"name": "a", "tags": ["x", "y"]}})),
            ),
            ("two", Some(json!({"n": 2.5, "s": "b", "a/b~c": null, "%": true}))),
        ] {
            create(
                store,
                NewSession {
                    metadata: metadata.map(|json| json.to_string()),
                    ..named(id)
                },
            );
        }
        let of = |conditions: &[MetadataCondition]| {
            found(
                store,
                &Filter {
                    metadata: conditions.to_vec(),
                    ..Filter::default()
                },
            )
        };
        let there = |pointer| condition(pointer, Comparison::Exists, json!(null));
        assert_eq!(of(&[there("")]), ["empty", "one", "two"]);
        assert_eq!(of(&[there("/project/tags/1")]), ["one"]);
        assert_eq!(of(&[there("/a~1b~0c")]), ["two"]);
        assert_eq!(of(&[condition("/n", Comparison::Equal, json!(1.0))]), ["one"]);
        assert_eq!(of(&[condition("/%", Comparison::Equal, json!(true))]), ["two"]);
        assert_eq!(of(&[condition("/n", Comparison::Greater, json!(0))]), ["one", "two"]);
        assert_eq!(
            of(&[condition("/n", Comparison::Greater, json!(1)), there("/s")]),
            ["two"]
        );
        assert_eq!(of(&[condition("/n", Comparison::Less, json!(2.5))]), ["one"]);
        assert_eq!(of(&[condition("/s", Comparison::Less, json!("c"))]), ["two"]);
        assert!(of(&[condition("/s", Comparison::Less, json!(9))]).is_empty());
        assert!(of(&[condition("/", Comparison::Exists, json!(null))]).is_empty());
        // As many as anybody likes are one statement.
        assert_eq!(of(&vec![there("/s"); 3_000]), ["two"]);
    }
}

// The QV manager: the README's own one-day query finds nothing, because the end day is excluded.
#[test]
fn the_one_day_query_finds_what_was_created_on_that_day() {
    let store = TempStore::new();
    for (id, created) in [
        ("the day before", MIDNIGHT - 1),
        ("first moment", MIDNIGHT),
        ("last moment", MIDNIGHT + DAY - 1),
        ("the day after", MIDNIGHT + DAY),
    ] {
        create(&store, named(id));
        set(&store, id, "created", created);
    }
    let of = |created| {
        found(
            &store,
            &Filter {
                created,
                ..Filter::default()
            },
        )
    };
    assert_eq!(
        of(times("2026-11-20", "2026-11-20", 0)),
        ["first moment", "last moment"]
    );
    // Two hours east of Greenwich the day begins and ends two hours earlier.
    assert_eq!(
        of(times("2026-11-20", "2026-11-20", 120)),
        ["the day before", "first moment"]
    );
    assert_eq!(
        of(times("2026-11-21", "2026-11-21", 120)),
        ["last moment", "the day after"]
    );
    assert_eq!(
        of(times("2026-11-19T23:59:59Z", "2026-11-20T00:00", 0)),
        ["the day before", "first moment"]
    );
    assert_eq!(
        of(times("2026-11-21T02:00:00+02:00", "2026-12-31", 0)),
        ["the day after"]
    );
}

#[test]
fn times_of_change_and_of_expiry_are_found() {
    let store = TempStore::new();
    for id in ["never", "at a time", "after a change", "both"] {
        create(&store, named(id));
        set(&store, id, "updated", MIDNIGHT);
    }
    set(&store, "at a time", "expires", MIDNIGHT + DAY);
    set(&store, "after a change", "expires_after", 2 * DAY);
    set(&store, "both", "expires", MIDNIGHT + 9 * DAY);
    set(&store, "both", "expires_after", 3 * DAY);
    set(&store, "never", "updated", MIDNIGHT + DAY);
    let expires = |from, to| Filter {
        expires: times(from, to, 0),
        ..Filter::default()
    };
    assert_eq!(found(&store, &expires("2026-11-21", "2026-11-21")), ["at a time"]);
    assert_eq!(found(&store, &expires("2026-11-22", "2026-11-22")), ["after a change"]);
    assert_eq!(found(&store, &expires("2026-11-23", "2026-11-23")), ["both"]);
    assert!(found(&store, &expires("2026-11-24", "2036-11-24")).is_empty());
    let updated = Filter {
        updated: times("2026-11-21", "2026-11-21", 0),
        ..Filter::default()
    };
    assert_eq!(found(&store, &updated), ["never"]);
}

#[test]
fn forks_are_found_by_their_parent() {
    let store = TempStore::new();
    for id in ["parent", "fork", "stranger"] {
        create(&store, named(id));
    }
    set(&store, "fork", "parent", 1);
    let of = |id: &str| {
        found(
            &store,
            &Filter {
                parent_id: Some(id.to_owned()),
                ..Filter::default()
            },
        )
    };
    assert_eq!(of("parent"), ["fork"]);
    assert!(of("fork").is_empty() && of("nobody").is_empty());
}

#[test]
fn a_filter_that_means_nothing_is_refused() {
    let store = memory();
    let bad = [
        Filter {
            all_tags: vec![String::new()],
            ..Filter::default()
        },
        Filter {
            metadata: vec![condition("$.a", Comparison::Exists, json!(null))],
            ..Filter::default()
        },
        Filter {
            updated: TimeRange {
                from: Some(2),
                before: Some(1),
            },
            ..Filter::default()
        },
    ];
    for filter in bad {
        let options = ListOptions {
            filter: filter.clone(),
            ..ListOptions::default()
        };
        assert_eq!(store.list_sessions(&options).unwrap_err().kind(), Kind::Invalid);
        assert_eq!(store.count_sessions(&filter).unwrap_err().kind(), Kind::Invalid);
        assert_eq!(
            store.change_sessions(&filter, BulkAction::Delete).unwrap_err().kind(),
            Kind::Invalid
        );
    }
}

#[test]
fn a_person_means_a_session_by_its_name_or_the_beginning_of_its_id() {
    let store = memory();
    for (id, name) in [("ab", None), ("abc", Some("x")), ("ac", Some("ab")), ("%", Some("x%"))] {
        let session = NewSession {
            name: name.map(str::to_owned),
            ..named(id)
        };
        create(&store, session);
    }
    let meant = |text: &str| {
        let found = store.candidates(text, 2).unwrap();
        (found.named.join(" "), found.beginning.join(" "))
    };
    assert_eq!(meant("ab"), ("ac".to_owned(), "ab abc".to_owned()));
    assert_eq!(meant("x"), ("abc".to_owned(), String::new()));
    assert_eq!(meant("%"), (String::new(), "%".to_owned()));
    assert_eq!(meant("a"), (String::new(), "ab abc".to_owned()));
    assert_eq!(meant("A"), (String::new(), String::new()));
}
