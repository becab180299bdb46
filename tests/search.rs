//! Full-text search, through the Rust door: what people type, what they find.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod support;

use proptest::prelude::*;
use support::{TempStore, assistant, text, user};
use turnkeep::error::Kind;
use turnkeep::model::{
    AppendOptions, Durability, Filter, NewMessage, NewSession, Role, SearchOptions, SearchOrder, SessionChanges,
    Status, TimeRange,
};
use turnkeep::store::SearchResults;
use turnkeep::{Session, Store, StoreOptions};

fn wanted(text: &str) -> SearchOptions {
    SearchOptions {
        text: text.to_owned(),
        ..SearchOptions::default()
    }
}

fn search(store: &Store, text: &str) -> SearchResults {
    store.search(&wanted(text)).unwrap()
}

/// The snippets of the hits, with what was asked for in brackets.
fn found_by(store: &Store, options: &SearchOptions) -> Vec<String> {
    let results = store.search(options).unwrap();
    let show = |snippet: &turnkeep::model::snippet::Snippet| {
        let mut shown = snippet.text.clone();
        for mark in snippet.marks.iter().rev() {
            shown.insert(mark.end, ']');
            shown.insert(mark.start, '[');
        }
        shown
    };
    results.hits().iter().map(|hit| show(&hit.snippet)).collect()
}

fn found(store: &Store, text: &str) -> Vec<String> {
    found_by(store, &wanted(text))
}

fn append(session: &Session, contents: &[&str]) {
    let messages = contents.iter().map(|content| user(content)).collect();
    session.append(messages, AppendOptions::default()).unwrap();
}

fn store_with(contents: &[&str]) -> (TempStore, Session) {
    let store = TempStore::new();
    let session = store.create();
    append(&session, contents);
    (store, session)
}

#[test]
fn messages_titles_names_and_summaries_are_found() {
    let store = TempStore::new();
    let session = store
        .create_session(NewSession {
            id: Some("s".into()),
            title: "About bees".into(),
            name: Some("beekeeping".into()),
            summary: "Honey, mostly.".into(),
            ..NewSession::default()
        })
        .unwrap();
    session
        .append(
            vec![user("Where do wasps live?"), assistant("In nests.")],
            AppendOptions::default(),
        )
        .unwrap();
    assert_eq!(found(&store, "wasps"), ["Where do [wasps] live?"]);
    for word in ["bees", "beekeeping", "honey"] {
        let results = search(&store, word);
        let [hit] = results.hits() else { panic!("{word}") };
        assert_eq!(
            (hit.session_id.as_str(), hit.title.as_str(), hit.seq, hit.role),
            ("s", "About bees", 0, None)
        );
        assert_eq!(hit.snippet.text, "About bees\nbeekeeping\nHoney, mostly.");
    }
    let results = search(&store, "nests");
    let hit = &results.hits()[0];
    assert_eq!(
        (hit.session_id.as_str(), hit.seq, hit.role),
        ("s", 2, Some(Role::Assistant))
    );
    assert!(results.is_complete());
}

// coda: "search finds no messages (its index rows hold NULL ids)".
#[test]
fn coda_search_finds_no_messages_here_it_does() {
    let (store, session) = store_with(&["a message of a session"]);
    let results = search(&store, "message");
    assert_eq!(results.hits()[0].session_id, session.id());
    assert_eq!(results.hits()[0].seq, 1);
}

// coda: "can't, c++, foo-bar or "" raise". Any user text with ", -, AND, NEAR breaks FTS5 MATCH.
#[test]
fn what_a_user_types_is_text_and_never_raises() {
    let (store, _session) = store_with(&["can't c++ foo-bar AND OR NEAR NOT text:x"]);
    for (text, hits) in [
        ("can't", 1),
        ("c++", 1),
        ("foo-bar", 1),
        ("", 0),
        ("\"\"", 0),
        ("\"", 0),
        ("*", 0),
        ("AND", 1),
        ("OR", 1),
        ("NEAR", 1),
        ("NOT", 1),
        ("foo AND", 1),
        ("AND foo", 1),
        ("NEAR(foo bar)", 0),
        ("text:x", 1),
        ("text : x", 1),
        ("^foo", 1),
        ("(foo", 1),
        ("foo)", 1),
        ("-foo", 1),
        ("foo -bar", 1),
        ("\"foo bar", 1),
        ("foo\"", 1),
        ("\u{1F600}", 0),
        ("{foo}", 1),
        ("foo + bar", 1),
        ("'foo", 1),
        ("fo*", 1),
        ("*oo", 0),
        ("foo\0bar", 1),
        ("search", 0),
        ("rowid:1", 0),
        ("; DROP TABLE messages --", 0),
        ("' OR 1=1 --", 0),
        ("%", 0),
        ("_", 0),
    ] {
        assert_eq!(search(&store, text).hits().len(), hits, "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_raises(texts in prop::collection::vec(any::<String>(), 10), likely in r#"["a-c*+():^{} \-ANDORTNE東京]{0,40}"#) {
        thread_local!(static STORE: (TempStore, Session) = store_with(&["a b c AND 東京都 NEAR"]));
        STORE.with(|(store, _session)| {
            for text in texts.iter().chain([&likely]) {
                search(store, text);
                let ranked = SearchOptions { order: SearchOrder::Rank, ..wanted(text) };
                store.search(&ranked).unwrap();
                let raw = SearchOptions { raw: true, ..wanted(text) };
                if let Err(error) = store.search(&raw) {
                    assert_eq!(error.kind(), Kind::Invalid, "{text:?}: {error}");
                }
            }
        });
    }

    #[test]
    fn every_word_of_a_text_finds_it_and_is_marked(content in any::<String>()) {
        thread_local!(static STORE: TempStore = TempStore::with(StoreOptions {
            durability: Durability::Os,
            ..StoreOptions::default()
        }));
        STORE.with(|store| {
            let session = store.create();
            append(&session, &[&content]);
            for word in turnkeep::model::words::words(&content) {
                let typed = &content[word.range.clone()];
                let results = search(store, typed);
                let hit = results.hits().iter().find(|hit| hit.session_id == session.id());
                let hit = hit.unwrap_or_else(|| panic!("{typed:?} is not found in {content:?}"));
                assert!(!hit.snippet.marks.is_empty(), "{typed:?} in {content:?}");
            }
            store.delete_session(session.id()).unwrap();
        });
    }
}

// QV: "% and _ are wildcards in search, and a search for äpfel misses ÄPFEL".
#[test]
fn qv_wildcards_are_signs_and_case_and_accents_fold() {
    let (store, _session) = store_with(&["100% ÄPFEL", "snake_case", "apfel und birnen"]);
    assert_eq!(found(&store, "äpfel"), ["[apfel] und birnen", "100% [ÄPFEL]"]);
    assert_eq!(found(&store, "ÄPFEL").len(), 2);
    assert_eq!(found(&store, "a\u{308}pfel").len(), 2);
    assert_eq!(found(&store, "1_0"), [] as [&str; 0]);
    assert_eq!(found(&store, "%"), [] as [&str; 0]);
    assert_eq!(found(&store, "snake_case"), ["[snake]_[case]"]);
}

#[test]
fn chinese_japanese_and_korean_are_found_by_two_characters_and_by_one() {
    let (store, _session) = store_with(&["我想去北京旅游", "私は東京都に住んでいます", "한국어를 배우고 있어요"]);
    assert_eq!(found(&store, "北京"), ["我想去[北京]旅游"]);
    assert_eq!(found(&store, "京旅"), ["我想去北[京旅]游"]);
    assert_eq!(found(&store, "東京都"), ["私は[東京都]に住んでいます"]);
    assert_eq!(found(&store, "国어"), [] as [&str; 0]);
    assert_eq!(found(&store, "국어"), ["한[국어]를 배우고 있어요"]);
    assert_eq!(found(&store, "배우"), ["한국어를 [배우]고 있어요"]);
    assert_eq!(found(&store, "游"), ["我想去北京旅[游]"]);
    assert_eq!(found(&store, "京").len(), 2);
    assert_eq!(found(&store, "北旅"), [] as [&str; 0]);
}

#[test]
fn quoted_words_must_follow_one_another_and_a_star_is_any_ending() {
    let (store, _session) = store_with(&["the quick brown fox", "the brown quick fox", "quicksand"]);
    assert_eq!(found(&store, "\"quick brown\""), ["the [quick] [brown] fox"]);
    assert_eq!(found(&store, "quick brown").len(), 2);
    assert_eq!(
        found(&store, "quick*"),
        ["[quicksand]", "the brown [quick] fox", "the [quick] brown fox"]
    );
    assert_eq!(found(&store, "quick").len(), 2);
    assert_eq!(found(&store, "\"the bro\"*"), ["[the] [brown] quick fox"]);
}

#[test]
fn raw_expressions_are_fts5s_own_by_a_flag() {
    let (store, _session) = store_with(&["red Äpfel", "green äpfel", "東京 tower"]);
    let raw = |text: &str| {
        let options = SearchOptions {
            raw: true,
            ..wanted(text)
        };
        store.search(&options)
    };
    let refused = |text: &str| raw(text).map(drop).unwrap_err();
    assert_eq!(raw("ÄPFEL NOT green").unwrap().hits().len(), 1);
    assert_eq!(raw("red OR tower").unwrap().hits().len(), 2);
    assert_eq!(raw("NEAR(京 tower, 3)").unwrap().hits().len(), 1);
    assert_eq!(raw("東京 tower").unwrap().hits().len(), 1);
    for wrong in ["red AND", "\"red", "nothing:red", "*reads", "red )", "NEAR(red", "^"] {
        let error = refused(wrong);
        assert_eq!(error.kind(), Kind::Invalid, "{wrong}: {error}");
        assert!(error.message().contains("the raw expression is wrong"), "{error}");
    }
    assert!(refused("red AND").message().contains("fts5: syntax error"));
    // Nobody takes the caller's mistake for damage.
    append(&store.create(), &["still writable"]);
    assert_eq!(raw(" ").unwrap().hits().len(), 0);
}

#[test]
fn the_newest_come_first_and_no_more_than_asked_for() {
    let store = TempStore::new();
    let sessions = [store.create(), store.create()];
    for number in 0..10 {
        append(&sessions[number % 2], &[&format!("bee {number}")]);
    }
    // Said long ago, whenever it was appended.
    let old = NewMessage {
        created: Some(1),
        ..user("bee of old")
    };
    sessions[0].append(vec![old], AppendOptions::default()).unwrap();
    let three = SearchOptions {
        limit: 3,
        ..wanted("bee")
    };
    assert_eq!(found_by(&store, &three), ["[bee] 9", "[bee] 8", "[bee] 7"]);
    assert_eq!(found(&store, "bee").last().unwrap(), "[bee] of old");
    assert_eq!(found(&store, "bee").len(), 11);
}

#[test]
fn ranked_the_best_come_first_and_say_how_good_they_are() {
    let (store, _session) = store_with(&[
        "bee bee bee",
        "a bee among many other words that say nothing of it",
        "wasp",
    ]);
    let ranked = SearchOptions {
        order: SearchOrder::Rank,
        ..wanted("bee")
    };
    let results = store.search(&ranked).unwrap();
    let [best, second] = results.hits() else { panic!("two") };
    assert_eq!((best.seq, second.seq), (1, 2));
    assert!(best.score > second.score && second.score != 0.0);
    assert!(results.is_complete());
    let one = SearchOptions { limit: 1, ..ranked };
    assert_eq!(found_by(&store, &one), ["[bee] [bee] [bee]"]);
}

#[test]
fn ranking_that_runs_out_of_time_says_so_and_gives_what_it_has() {
    let store = TempStore::new();
    let session = store.create();
    append(&session, &vec!["bee"; 1000]);
    let hurried = SearchOptions {
        order: SearchOrder::Rank,
        time_limit: std::time::Duration::ZERO,
        ..wanted("bee")
    };
    let results = store.search(&hurried).unwrap();
    assert!(!results.is_complete());
    assert_eq!(results.hits().len(), 20);
    let rare = SearchOptions {
        text: "wasp".into(),
        ..hurried
    };
    assert!(store.search(&rare).unwrap().is_complete());
}

#[test]
fn roles_and_times_of_messages_and_a_filter_of_sessions_narrow_it() {
    let store = TempStore::new();
    let session = store
        .create_session(NewSession {
            user_id: "ada".into(),
            title: "bees".into(),
            ..NewSession::default()
        })
        .unwrap();
    let at = |created, message: NewMessage| NewMessage {
        created: Some(created),
        ..message
    };
    let messages = vec![
        at(-5, user("bees before")),
        at(1_000, user("bees one")),
        at(2_000, assistant("bees two")),
    ];
    session.append(messages, AppendOptions::default()).unwrap();
    append(&store.create(), &["bees of nobody"]);
    let count = |change: &dyn Fn(&mut SearchOptions)| {
        let mut options = wanted("bees");
        change(&mut options);
        store.search(&options).unwrap().hits().len()
    };
    assert_eq!(count(&|_| {}), 5);
    assert_eq!(count(&|options| options.roles = 1 << Role::Assistant as u32), 1);
    assert_eq!(
        count(&|options| options.roles = 1 << Role::User as u32 | 1 << Role::Tool as u32),
        3
    );
    let time = |from, before| TimeRange { from, before };
    assert_eq!(count(&|options| options.created = time(Some(1_000), Some(2_000))), 1);
    assert_eq!(count(&|options| options.created = time(None, Some(2_001))), 3);
    assert_eq!(count(&|options| options.created = time(Some(2_001), None)), 2);
    assert_eq!(count(&|options| options.created = time(Some(-5), Some(0))), 1);
    assert_eq!(count(&|options| options.filter.user_id = Some("ada".into())), 4);
    assert_eq!(count(&|options| options.filter.user_id = Some(String::new())), 1);
}

#[test]
fn any_number_of_messages_may_have_the_same_time() {
    let store = TempStore::new();
    let session = store.create();
    for created in [7, i64::MAX] {
        let messages = (0..5_000).map(|number| NewMessage {
            created: Some(created),
            ..user(&format!("bee {number}"))
        });
        session.append(messages.collect(), AppendOptions::default()).unwrap();
    }
    let options = SearchOptions {
        limit: 1000,
        created: TimeRange {
            from: Some(7),
            before: Some(8),
        },
        ..wanted("bee")
    };
    let results = store.search(&options).unwrap();
    let seqs: Vec<u32> = results.hits().iter().map(|hit| hit.seq).collect();
    assert_eq!(seqs, (4_001..=5_000).rev().collect::<Vec<_>>());
    let all = SearchOptions {
        text: "4999".into(),
        ..SearchOptions::default()
    };
    assert_eq!(store.search(&all).unwrap().hits().len(), 2);
}

#[test]
fn what_is_in_the_trash_is_found_only_if_the_filter_asks_for_it() {
    let (store, session) = store_with(&["a bee"]);
    let status = |status| {
        session
            .update(SessionChanges {
                status: Some(status),
                ..SessionChanges::default()
            })
            .unwrap();
    };
    status(Status::Trashed);
    assert_eq!(found(&store, "bee"), [] as [&str; 0]);
    let trash = SearchOptions {
        filter: Filter {
            statuses: vec![Status::Trashed],
            ..Filter::default()
        },
        ..wanted("bee")
    };
    assert_eq!(found_by(&store, &trash).len(), 1);
    status(Status::Archived);
    assert_eq!(found(&store, "bee").len(), 1);
    assert_eq!(found_by(&store, &trash).len(), 0);
}

#[test]
fn what_is_cleared_changed_or_deleted_is_not_found() {
    let (store, session) = store_with(&["a bee", "a wasp"]);
    session
        .update(SessionChanges {
            title: Some("about hornets".into()),
            ..SessionChanges::default()
        })
        .unwrap();
    assert_eq!(found(&store, "bee").len() + found(&store, "hornets").len(), 2);
    session
        .update(SessionChanges {
            title: Some("about moths".into()),
            ..SessionChanges::default()
        })
        .unwrap();
    assert_eq!(found(&store, "hornets").len(), 0);
    session.clear(None).unwrap();
    assert_eq!(found(&store, "bee").len(), 0);
    append(&session, &["a fly"]);
    assert_eq!((found(&store, "fly").len(), found(&store, "moths").len()), (1, 1));
    store.delete_session(session.id()).unwrap();
    assert_eq!(found(&store, "fly").len() + found(&store, "moths").len(), 0);
}

#[test]
fn messages_of_another_handle_and_of_an_earlier_time_are_found() {
    let (store, session) = store_with(&["a bee"]);
    let other = store.share();
    append(&other.open_session(session.id()).unwrap(), &["another bee"]);
    assert_eq!(found(&store, "bee").len(), 2);
    assert_eq!(found(&other, "bee").len(), 2);
    append(&session, &["a third bee"]);
    other.close().unwrap();
    assert_eq!(found(&store.reopen(), "bee").len(), 3);
}

#[test]
fn neighbours_come_with_a_hit_as_far_as_there_are_some() {
    let (store, session) = store_with(&["one", "two", "three bee", "four", "five bee"]);
    let options = SearchOptions {
        neighbours: 1,
        ..wanted("bee")
    };
    let results = store.search(&options).unwrap();
    let around = |index: usize| -> Vec<&str> {
        let messages = results.neighbours(&results.hits()[index]);
        messages.iter().map(|message| text(message.content)).collect()
    };
    assert_eq!(around(0), ["four", "five bee"]);
    assert_eq!(around(1), ["two", "three bee", "four"]);
    session.clear(None).unwrap();
    assert_eq!(around(1), ["two", "three bee", "four"]);
    assert!(search(&store, "bee").hits().is_empty());
}

#[test]
fn a_snippet_is_as_long_as_asked_for_and_cut_at_characters() {
    let content = format!("{} bee {}", "ä".repeat(1000), "ö".repeat(1000));
    let (store, _session) = store_with(&[&content]);
    for (chars, most) in [(0, 2), (1, 3), (10, 12), (160, 162), (u32::MAX, 2005)] {
        let options = SearchOptions {
            snippet_chars: chars,
            ..wanted("bee")
        };
        let results = store.search(&options).unwrap();
        let snippet = &results.hits()[0].snippet;
        assert!(snippet.text.chars().count() <= most, "{chars}: {}", snippet.text);
        if chars >= 10 {
            assert_eq!(&snippet.text[snippet.marks[0].clone()], "bee");
        }
    }
}

#[test]
fn search_is_right_while_others_append() {
    let store = TempStore::with(StoreOptions {
        durability: Durability::Os,
        ..StoreOptions::default()
    });
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                let session = store.create();
                for number in 0..100 {
                    append(&session, &[&format!("bee x{thread}y{number}")]);
                    // Whatever was acknowledged before is found.
                    let results = search(store, &format!("x{thread}y{number}"));
                    assert_eq!(results.hits().len(), 1);
                    assert_eq!(results.hits()[0].session_id, session.id());
                }
            });
        }
    });
    let all = SearchOptions {
        limit: 1000,
        ..wanted("bee")
    };
    assert_eq!(store.search(&all).unwrap().hits().len(), 400);
}

#[test]
fn what_is_deferred_and_what_is_in_memory_is_found() {
    let exclusive = TempStore::with(StoreOptions {
        durability: Durability::Deferred,
        exclusive: true,
        autosave: std::time::Duration::from_secs(3600),
        ..StoreOptions::default()
    });
    let memory = Store::open(":memory:", StoreOptions::default()).unwrap();
    for store in [&*exclusive, &memory] {
        let session = store.create_session(NewSession::default()).unwrap();
        for _ in 0..2 {
            append(&session, &["a bee"]);
            search(store, "bee");
        }
        assert_eq!(found(store, "bee").len(), 2);
    }
}

#[test]
fn a_read_only_store_finds_what_others_have_indexed() {
    let (store, session) = store_with(&["a bee"]);
    search(&store, "bee");
    let path = store.path();
    let read_only = StoreOptions {
        read_only: true,
        ..StoreOptions::default()
    };
    let reader = Store::open(path.to_str().unwrap(), read_only).unwrap();
    assert_eq!(found(&reader, "bee").len(), 1);
    append(&session, &["another bee"]);
    search(&store, "bee");
    assert_eq!(found(&reader, "bee").len(), 2);
}

#[test]
fn a_store_without_search_says_so_and_catches_up_when_it_is_opened_with_it() {
    let store = TempStore::with(StoreOptions {
        no_search: true,
        ..StoreOptions::default()
    });
    append(&store.create(), &["a bee"]);
    let error = store.search(&wanted("bee")).map(drop).unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported);
    assert_eq!(found(&store.reopen(), "bee").len(), 1);
}

#[test]
fn numbers_and_lengths_that_mean_nothing_are_refused() {
    let (store, _session) = store_with(&["a bee"]);
    let refused = |change: &dyn Fn(&mut SearchOptions)| {
        let mut options = wanted("bee");
        change(&mut options);
        store.search(&options).map(drop).unwrap_err().kind()
    };
    assert_eq!(refused(&|options| options.roles = 1), Kind::Invalid);
    assert_eq!(refused(&|options| options.roles = 1 << 6), Kind::Invalid);
    assert_eq!(refused(&|options| options.limit = 1001), Kind::Invalid);
    assert_eq!(refused(&|options| options.neighbours = 101), Kind::Invalid);
    assert_eq!(
        refused(&|options| options.text = "a".repeat(16 * 1024 + 1)),
        Kind::TooLarge
    );
    let many = "a b ".repeat(4 * 1024);
    assert_eq!(search(&store, &many).hits().len(), 0);
    let different: Vec<String> = (0..3_000).map(|number| format!("{number:x}")).collect();
    assert_eq!(search(&store, &different.join(" ")).hits().len(), 0);
}

/// A store with a session that has these messages.
fn root_with(contents: &[&str]) -> (TempStore, Session) {
    let store = TempStore::new();
    let session = store
        .create_session(NewSession {
            id: Some("root".into()),
            ..NewSession::default()
        })
        .unwrap();
    append(&session, contents);
    (store, session)
}

fn fork(session: &Session, at_seq: u64, id: &str) -> Session {
    let named = NewSession {
        id: Some(id.into()),
        ..NewSession::default()
    };
    session.fork(Some(at_seq), named).unwrap()
}

/// Where a word is found: session and seq, sorted.
fn places(store: &Store, word: &str) -> Vec<(String, u32)> {
    let results = search(store, word);
    let mut places: Vec<_> = results
        .hits()
        .iter()
        .map(|hit| (hit.session_id.clone(), hit.seq))
        .collect();
    places.sort();
    places
}

fn at(id: &str, seq: u32) -> (String, u32) {
    (id.to_owned(), seq)
}

#[test]
fn what_forks_share_is_found_once_and_told_for_the_session_it_was_appended_to() {
    let (store, root) = root_with(&["bee one", "bee two"]);
    append(&fork(&root, 1, "fork"), &["bee three"]);
    assert_eq!(places(&store, "bee"), [at("fork", 2), at("root", 1), at("root", 2)]);
}

#[test]
fn what_forks_share_is_told_for_a_fork_when_the_filter_hides_the_first_session() {
    let (store, root) = root_with(&["bee one", "bee two"]);
    let one = fork(&root, 1, "one");
    fork(&one, 1, "two");
    root.trash().unwrap();
    assert_eq!(places(&store, "bee"), [at("one", 1)]);
    one.trash().unwrap();
    assert_eq!(places(&store, "bee"), [at("two", 1)]);
    store.delete_session("root").unwrap();
    assert_eq!(places(&store, "bee"), [at("two", 1)]);
    store.delete_session("two").unwrap();
    assert_eq!(places(&store, "bee"), []);
    one.restore().unwrap();
    assert_eq!(places(&store, "bee"), [at("one", 1)]);
}

#[test]
fn what_was_rewound_is_not_found_but_where_a_fork_still_has_it() {
    for indexed_before in [true, false] {
        let (store, root) = root_with(&["bee one", "bee two", "bee three"]);
        fork(&root, 2, "fork");
        if indexed_before {
            assert_eq!(places(&store, "bee").len(), 3);
        }
        root.rewind(1, None).unwrap();
        append(&root, &["bee four"]);
        assert_eq!(places(&store, "bee"), [at("fork", 2), at("root", 1), at("root", 2)]);
        assert_eq!(places(&store, "four"), [at("root", 2)]);
        assert_eq!(places(&store, "three"), []);
        append(&root, &["wasp"]);
        assert_eq!(places(&store, "wasp"), [at("root", 3)]);
    }
}

#[test]
fn a_message_in_the_place_of_one_that_was_rewound_is_found_by_its_own_words() {
    for indexed_before in [true, false] {
        let (store, root) = root_with(&["bee", "wasp", "fly"]);
        if indexed_before {
            assert_eq!(places(&store, "wasp"), [at("root", 2)]);
        }
        root.rewind(1, None).unwrap();
        append(&root, &["hornet"]);
        assert_eq!(places(&store, "hornet"), [at("root", 2)]);
        assert_eq!(places(&store, "wasp"), []);
        assert_eq!(places(&store, "fly"), []);
        assert_eq!(places(&store, "bee"), [at("root", 1)]);
    }
}

#[test]
fn what_was_truncated_is_not_found_and_what_stays_is_found_in_its_new_place() {
    let (store, root) = root_with(&["bee", "wasp", "fly"]);
    assert_eq!(places(&store, "fly"), [at("root", 3)]);
    root.truncate(Some(1), None, None).unwrap();
    assert_eq!(places(&store, "fly"), [at("root", 1)]);
    assert_eq!(places(&store, "bee"), []);
}
