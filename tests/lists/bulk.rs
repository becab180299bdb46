//! The same change to many sessions.

use crate::support::{TempStore, user};
use crate::{create, found, memory, named};
use turnkeep::context::WindowOptions;
use turnkeep::error::Kind;
use turnkeep::model::{AppendOptions, BulkAction, Filter, NewSession, Status};

#[test]
fn a_bulk_change_changes_what_the_filter_finds_and_nothing_else() {
    for store in [&memory(), &*TempStore::new()] {
        for id in ["a", "b", "c"] {
            create(
                store,
                NewSession {
                    user_id: if id == "c" { String::new() } else { "ada".to_owned() },
                    ..named(id)
                },
            );
        }
        let hers = Filter {
            user_id: Some("ada".to_owned()),
            ..Filter::default()
        };
        let state = |id: &str| {
            let session = store.open_session(id).unwrap().describe().unwrap();
            (session.status, session.tags, session.revision)
        };
        assert_eq!(store.change_sessions(&hers, BulkAction::AddTag("t".into())), Ok(2));
        assert_eq!(state("a"), (Status::Active, vec!["t".to_owned()], 2));
        assert_eq!(state("c"), (Status::Active, vec![], 1));
        assert_eq!(
            store.change_sessions(&hers, BulkAction::SetStatus(Status::Archived)),
            Ok(2)
        );
        assert_eq!(state("b"), (Status::Archived, vec!["t".to_owned()], 3));
        // What is so already is left alone.
        assert_eq!(store.change_sessions(&hers, BulkAction::AddTag("t".into())), Ok(0));
        assert_eq!(
            store.change_sessions(&hers, BulkAction::SetStatus(Status::Archived)),
            Ok(0)
        );
        assert_eq!(store.change_sessions(&hers, BulkAction::RemoveTag("u".into())), Ok(0));
        assert_eq!(state("a").2, 3);
        assert_eq!(
            store.change_sessions(&Filter::default(), BulkAction::RemoveTag("t".into())),
            Ok(2)
        );
        assert_eq!(
            store.change_sessions(&hers, BulkAction::SetStatus(Status::Trashed)),
            Ok(2)
        );
        assert_eq!(
            store.change_sessions(&hers, BulkAction::SetStatus(Status::Active)),
            Ok(0)
        );
        let trashed = Filter {
            statuses: vec![Status::Trashed],
            ..Filter::default()
        };
        assert_eq!(
            store.change_sessions(&trashed, BulkAction::SetStatus(Status::Active)),
            Ok(2)
        );
        assert_eq!(state("a"), (Status::Active, vec![], 6));
        assert_eq!(store.change_sessions(&hers, BulkAction::Delete), Ok(2));
        assert_eq!(found(store, &Filter::default()), ["c"]);
    }
}

#[test]
fn an_empty_filter_deletes_all_but_what_is_trashed() {
    let store = memory();
    let trashed = create(&store, named("trashed"));
    store
        .change_sessions(&Filter::default(), BulkAction::SetStatus(Status::Trashed))
        .unwrap();
    create(&store, named("active"));
    assert_eq!(store.change_sessions(&Filter::default(), BulkAction::Delete), Ok(1));
    assert!(!store.session_exists("active").unwrap());
    assert!(trashed.describe().is_ok());
}

#[test]
fn memory_knows_at_once_what_a_bulk_change_did() {
    for store in [&memory(), &*TempStore::new()] {
        let stays = create(store, named("stays"));
        let goes = create(
            store,
            NewSession {
                model: "old".into(),
                ..named("goes")
            },
        );
        for session in [&stays, &goes] {
            session.append(vec![user("one")], AppendOptions::default()).unwrap();
            assert_eq!(session.window(&WindowOptions::default()).unwrap().len(), 1);
        }
        assert_eq!(
            store.change_sessions(&Filter::default(), BulkAction::AddTag("t".into())),
            Ok(2)
        );
        let receipt = stays.append(vec![user("two")], AppendOptions::default()).unwrap();
        assert_eq!((receipt.first_seq, receipt.revision), (2, 4));
        assert_eq!(stays.window(&WindowOptions::default()).unwrap().len(), 2);
        let one = Filter {
            model: Some("old".to_owned()),
            ..Filter::default()
        };
        assert_eq!(store.change_sessions(&one, BulkAction::Delete), Ok(1));
        assert_eq!(
            goes.window(&WindowOptions::default()).err().unwrap().kind(),
            Kind::NotFound
        );
        assert_eq!(
            goes.append(vec![user("x")], AppendOptions::default())
                .unwrap_err()
                .kind(),
            Kind::NotFound
        );
        assert_eq!(stays.last(9).unwrap().views().len(), 2);
    }
}

#[test]
fn a_bulk_change_is_seen_by_another_handle() {
    let store = TempStore::new();
    let session = store.create();
    let other = store.share();
    let seen = other.open_session(session.id()).unwrap();
    seen.append(vec![user("x")], AppendOptions::default()).unwrap();
    assert_eq!(store.change_sessions(&Filter::default(), BulkAction::Delete), Ok(1));
    assert_eq!(
        seen.window(&WindowOptions::default()).err().unwrap().kind(),
        Kind::NotFound
    );
}
