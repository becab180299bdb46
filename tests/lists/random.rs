//! Random sessions and filters, against the obvious.

use crate::support::TempStore;
use crate::{SORTS, condition, create, list, memory};
use proptest::prelude::*;
use serde_json::json;
use turnkeep::model::text::fold;
use turnkeep::model::{
    AppendOptions, Comparison, Filter, ListOptions, MetadataCondition, NewMessage, NewSession, Role, SessionChanges,
    SessionInfo, Sort, Status, Tokens,
};
use turnkeep::{Session, Store};

/// What random sessions and filters are made of: few words, so that they meet.
const WORDS: [&str; 6] = ["", "a", "A", "Äpfel", "b%", "a_b"];

#[derive(Clone, Debug)]
struct Seed {
    session: NewSession,
    messages: Vec<u32>,
    status: Option<Status>,
}

fn word() -> impl Strategy<Value = String> {
    prop::sample::select(&WORDS[..]).prop_map(str::to_owned)
}

fn tag() -> impl Strategy<Value = String> {
    prop::sample::select(&WORDS[1..]).prop_map(str::to_owned)
}

fn number() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        (0..3).prop_map(serde_json::Value::from),
        Just(json!(1.5)),
        word().prop_map(serde_json::Value::from),
        Just(json!(null))
    ]
}

fn status() -> impl Strategy<Value = Status> {
    prop::sample::select(&[Status::Active, Status::Archived, Status::Trashed][..])
}

prop_compose! {
    fn seed()(
        (user_id, title, model) in (word(), word(), word()),
        is_named in any::<bool>(),
        tags in prop::collection::vec(tag(), 0..3),
        value in prop::option::of(number()),
        messages in prop::collection::vec(0..3u32, 0..3),
        status in prop::option::of(status()),
    ) -> Seed {
        let metadata = value.map(|value| json!({"k": value}).to_string());
        let name = is_named.then(String::new);
        Seed { session: NewSession { user_id, title, model, tags, metadata, name, ..NewSession::default() }, messages, status }
    }
}

prop_compose! {
    fn any_filter()(
        (user_id, model, text) in (prop::option::weighted(0.2, word()), prop::option::weighted(0.2, word()), prop::option::weighted(0.3, word())),
        statuses in prop::collection::vec(status(), 0..3),
        (all_tags, any_tags) in (prop::collection::vec(tag(), 0..2), prop::collection::vec(tag(), 0..2)),
        has_messages in prop::option::weighted(0.3, any::<bool>()),
        value in prop::option::weighted(0.3, (number(), 1..5)),
    ) -> Filter {
        let metadata = value.map(|(value, comparison)| {
            let ordered = value.is_number() || value.is_string();
            let comparison = Comparison::from_number(if ordered { comparison } else { comparison.min(2) }).unwrap();
            condition("/k", comparison, value)
        });
        Filter {
            user_id, model, text, statuses, all_tags, any_tags, has_messages, metadata: metadata.into_iter().collect(),
            ..Filter::default()
        }
    }
}

/// The obvious.
fn meets(filter: &Filter, session: &SessionInfo) -> bool {
    let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
    let statuses: &[Status] = match filter.statuses.as_slice() {
        [] => &[Status::Active, Status::Archived],
        statuses => statuses,
    };
    let contains = |wanted: &str, text: &str| fold(text).contains(&fold(wanted));
    let metadata: serde_json::Value = serde_json::from_str(&session.metadata).unwrap();
    let holds = |condition: &MetadataCondition| {
        let Some(found) = metadata.get("k") else { return false };
        match (condition.comparison, found.as_f64(), condition.value.as_f64()) {
            (Comparison::Exists, ..) => true,
            (Comparison::Equal, Some(found), Some(wanted)) => found == wanted,
            (Comparison::Equal, ..) => *found == condition.value,
            (Comparison::Less, Some(found), Some(wanted)) => found < wanted,
            (Comparison::Greater, Some(found), Some(wanted)) => found > wanted,
            (comparison, ..) => match (found.as_str(), condition.value.as_str()) {
                (Some(found), Some(wanted)) if comparison == Comparison::Less => found < wanted,
                (Some(found), Some(wanted)) => found > wanted,
                _ => false,
            },
        }
    };
    is(&filter.user_id, &session.user_id)
        && is(&filter.model, &session.model)
        && statuses.contains(&session.status)
        && filter.all_tags.iter().all(|tag| session.tags.contains(tag))
        && (filter.any_tags.is_empty() || filter.any_tags.iter().any(|tag| session.tags.contains(tag)))
        && filter.text.as_ref().is_none_or(|wanted| {
            contains(wanted, &session.title) || session.name.as_ref().is_some_and(|name| contains(wanted, name))
        })
        && filter.has_messages.is_none_or(|has| has == (session.message_count > 0))
        && filter.metadata.iter().all(holds)
}

/// Where a session stands, by what is sorted.
fn rank(sort: Sort, session: &SessionInfo) -> (i64, String) {
    match sort {
        Sort::Created => (0, String::new()),
        Sort::Updated => (session.updated, String::new()),
        Sort::Id => (0, session.id.clone()),
        Sort::Tokens => (session.token_total as i64, String::new()),
        Sort::Messages => (session.message_count as i64, String::new()),
        Sort::Name => (0, session.name.clone().unwrap_or_default()),
    }
}

fn build(store: &Store, seeds: Vec<Seed>) -> Vec<SessionInfo> {
    let sessions: Vec<Session> = seeds
        .into_iter()
        .enumerate()
        .map(|(number, seed)| {
            // Names are unique for an owner, ids for all; neither is in the order of creation.
            let mixed = number * 7 % 13;
            let id = Some(format!("{mixed:02}-{number}"));
            let name = seed
                .session
                .name
                .map(|_| format!("{} {mixed} {number}", WORDS[number % 6]));
            let session = create(
                store,
                NewSession {
                    id,
                    name,
                    ..seed.session
                },
            );
            for tokens in seed.messages {
                let message = NewMessage {
                    tokens: Tokens::Given(tokens),
                    ..NewMessage::new(Role::User, "x")
                };
                session.append(vec![message], AppendOptions::default()).unwrap();
            }
            if let Some(status) = seed.status {
                let changes = SessionChanges {
                    status: Some(status),
                    ..Default::default()
                };
                session.update(changes).unwrap();
            }
            session
        })
        .collect();
    sessions.iter().map(|session| session.describe().unwrap()).collect()
}

fn check_lists(store: &Store, sessions: &[SessionInfo], filter: &Filter, limit: u32) {
    let met: Vec<&SessionInfo> = sessions.iter().filter(|session| meets(filter, session)).collect();
    for sort in SORTS {
        for ascending in [false, true] {
            let mut expected = met.clone();
            // Sessions that rank the same stay in the order of creation.
            expected.sort_by_key(|session| rank(sort, session));
            if !ascending {
                expected.reverse();
            }
            let options = ListOptions {
                filter: filter.clone(),
                sort,
                ascending,
                limit,
                page_token: None,
            };
            let listed = list(store, &options);
            assert_eq!(listed.iter().collect::<Vec<_>>(), expected, "{options:?}");
        }
    }
    assert_eq!(store.count_sessions(filter).unwrap(), met.len() as u64);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_list_is_what_a_naive_filter_and_a_naive_sort_give(
        seeds in prop::collection::vec(seed(), 0..24),
        filters in prop::collection::vec(any_filter(), 1..5),
        limit in 1..9u32,
    ) {
        let everything = Filter {
            statuses: vec![Status::Active, Status::Archived, Status::Trashed],
            ..Filter::default()
        };
        for store in [&memory(), &*TempStore::new()] {
            let sessions = build(store, seeds.clone());
            for filter in filters.iter().chain([&everything]) {
                check_lists(store, &sessions, filter, limit);
            }
        }
    }
}
