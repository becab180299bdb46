//! Pages, and what a list tells of sessions.

use crate::support::{TempStore, user};
use crate::{SORTS, create, list, memory, named};
use std::collections::BTreeSet;
use turnkeep::error::Kind;
use turnkeep::model::{AppendOptions, Filter, ListOptions, NewSession, Sort};

#[test]
fn a_list_tells_each_sessions_own_tags() {
    let store = memory();
    for number in 0..120 {
        let tags: Vec<String> = (0..number % 4).map(|tag| format!("{number}-{tag}")).collect();
        create(
            &store,
            NewSession {
                tags,
                ..named(&number.to_string())
            },
        );
    }
    for sort in SORTS {
        for session in list(
            &store,
            &ListOptions {
                sort,
                limit: 7,
                ..ListOptions::default()
            },
        ) {
            let number: usize = session.id.parse().unwrap();
            let tags: Vec<String> = (0..number % 4).map(|tag| format!("{number}-{tag}")).collect();
            assert_eq!(session.tags, tags);
            assert_eq!(store.open_session(&session.id).unwrap().describe().unwrap(), session);
        }
    }
}

#[test]
fn a_page_token_is_only_for_its_own_list() {
    let store = memory();
    (0..3).for_each(|number| drop(create(&store, named(&number.to_string()))));
    let first = ListOptions {
        limit: 1,
        ..ListOptions::default()
    };
    let page_token = store.list_sessions(&first).unwrap().next_page_token;
    let with = |options: ListOptions| {
        store.list_sessions(&ListOptions {
            limit: 2,
            page_token: page_token.clone(),
            ..options
        })
    };
    assert_eq!(with(ListOptions::default()).unwrap().sessions.len(), 2);
    let others = [
        ListOptions {
            ascending: true,
            ..ListOptions::default()
        },
        ListOptions {
            sort: Sort::Id,
            ..ListOptions::default()
        },
        ListOptions {
            filter: Filter {
                user_id: Some(String::new()),
                ..Filter::default()
            },
            ..ListOptions::default()
        },
    ];
    for other in others {
        let error = with(other).unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid);
        assert!(error.message().contains("another filter or another order"), "{error}");
    }
}

#[test]
fn pages_list_once_what_stays_where_it_is_while_another_handle_writes() {
    for sort in SORTS {
        for ascending in [false, true] {
            let store = TempStore::new();
            let other = store.share();
            let ids: Vec<String> = (0..60).map(|number| format!("{:02}", number * 37 % 60)).collect();
            for id in &ids {
                let name = Some(format!("name {id}"));
                create(&store, NewSession { name, ..named(id) });
            }
            let mut touched: BTreeSet<String> = BTreeSet::new();
            let mut listed: Vec<String> = Vec::new();
            let mut options = ListOptions {
                sort,
                ascending,
                limit: 7,
                ..ListOptions::default()
            };
            for round in 0.. {
                let page = store.list_sessions(&options).unwrap();
                listed.extend(page.sessions.into_iter().map(|session| session.id));
                options.page_token = page.next_page_token;
                if options.page_token.is_none() {
                    break;
                }
                // One that was listed goes, one that may not be yet changes, and a new one comes.
                let gone = listed[listed.len() - 1].clone();
                other.delete_session(&gone).unwrap();
                touched.insert(gone);
                let changed = ids[round * 5].clone();
                if let Ok(session) = other.open_session(&changed) {
                    session.append(vec![user("more")], AppendOptions::default()).unwrap();
                    touched.insert(changed);
                }
                create(&other, NewSession::default());
                assert!(round < 100, "{sort:?} does not end");
            }
            for id in ids.iter().filter(|id| !touched.contains(*id)) {
                let times = listed.iter().filter(|listed| *listed == id).count();
                assert_eq!(times, 1, "{id} by {sort:?}, ascending {ascending}");
            }
        }
    }
}
