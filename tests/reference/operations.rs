//! Every operation, drawn at random.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use turnkeep::context::{LeaveOut, WindowOptions};
use turnkeep::model::{BulkAction, Role, Status};

/// What is done. Sessions are the n-th of those that are there, places are shares of a session's length.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Create(New),
    To(usize, ToSession),
    Change(Wanted, BulkAction),
    List(Wanted),
    Search(usize, Wanted),
    Cleanup,
    Reopen,
}

/// What is done to a session.
#[derive(Clone, Debug)]
pub(crate) enum ToSession {
    Append {
        messages: Vec<Said>,
        key: Option<u8>,
        stale: bool,
    },
    Exchange {
        input: String,
        file: bool,
        answer: String,
        own: bool,
    },
    Update(Change),
    Fork {
        at: u8,
        messages: Vec<Said>,
    },
    Rewind {
        to: u8,
        stale: bool,
    },
    Replace {
        from: u8,
        messages: Vec<Said>,
        fork: bool,
    },
    /// 0 is the last message.
    Regenerate {
        at: u8,
        fork: bool,
    },
    Truncate {
        most: Option<u32>,
        tokens: Option<u64>,
    },
    Clear,
    Adopt {
        from: usize,
        first: u8,
    },
    Window(WindowOptions),
    Delete,
    Erase,
}

/// A session to create.
#[derive(Clone, Debug)]
pub(crate) struct New {
    pub(crate) name: Option<u8>,
    pub(crate) like: Option<usize>,
    pub(crate) tags: Vec<u8>,
    pub(crate) metadata: bool,
    pub(crate) window_tokens: Option<u64>,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) expires: Option<i64>,
    pub(crate) expires_after: Option<i64>,
    pub(crate) messages: Vec<Said>,
}

/// A message to append.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) role: Role,
    pub(crate) content: String,
    /// It has a word of its own.
    pub(crate) worded: bool,
    pub(crate) tokens: u32,
    pub(crate) pinned: bool,
    pub(crate) metadata: bool,
    pub(crate) calls: Vec<Option<u8>>,
    pub(crate) answers: Option<u8>,
}

/// A field of a session.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Title(String),
    Summary(String),
    Name(Option<u8>),
    Patch(u8, Option<u8>),
    Tags(Vec<u8>, Vec<u8>),
    Status(Status),
    WindowTokens(Option<u64>),
    MaxBytes(Option<u64>),
    Expires(Option<i64>),
}

/// A filter.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) statuses: Vec<Status>,
    pub(crate) all_tags: Vec<u8>,
    pub(crate) any_tags: Vec<u8>,
    pub(crate) has_messages: Option<bool>,
    pub(crate) parent: Option<usize>,
}

/// Long over, and far away.
const TIMES: [i64; 2] = [1_000_000, 7_000_000_000_000_000];

fn content() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-z ]{0,12}", 1 => "\\PC{0,20}", 1 => "[x]{300,900}"]
}

fn said(role: Role, calls: Vec<Option<u8>>, answers: Option<u8>) -> impl Strategy<Value = Said> {
    let rarely = prop::bool::weighted(0.15);
    (content(), prop::bool::weighted(0.7), 0..40u32, rarely, rarely).prop_map(
        move |(content, worded, tokens, pinned, metadata)| Said {
            role,
            content,
            worded,
            tokens,
            pinned,
            metadata,
            calls: calls.clone(),
            answers,
        },
    )
}

fn one(role: Role) -> impl Strategy<Value = Vec<Said>> {
    said(role, Vec::new(), None).prop_map(|said| vec![said])
}

fn instruction() -> impl Strategy<Value = Vec<Said>> {
    prop_oneof![one(Role::System), one(Role::Developer)]
}

/// Results, which answer something or not.
fn results(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Said>> {
    let id = prop_oneof![4 => Just(Some(0)), 2 => Just(Some(1)), 1 => Just(None)];
    vec(id.prop_flat_map(|id| said(Role::Tool, Vec::new(), id)), count)
}

fn step() -> impl Strategy<Value = Vec<Said>> {
    let calls = prop_oneof![
        3 => Just(vec![Some(0)]),
        3 => Just(vec![Some(0), Some(1)]),
        1 => Just(vec![None]),
        1 => Just(vec![Some(1), None]),
    ];
    let caller = calls.prop_flat_map(|calls| said(Role::Assistant, calls, None));
    let with_tools = (caller, results(0..3)).prop_map(|(caller, mut step)| {
        step.insert(0, caller);
        step
    });
    prop_oneof![4 => one(Role::User), 3 => one(Role::Assistant), 3 => with_tools, 1 => instruction(), 1 => results(1..2)]
}

fn messages() -> impl Strategy<Value = Vec<Said>> {
    vec(step(), 0..4).prop_map(|steps| steps.into_iter().flatten().collect())
}

fn bytes() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![6 => Just(None), 1 => (0..1_500u64).prop_map(Some)]
}

fn expires() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![8 => Just(None), 1 => prop::sample::select(&TIMES[..]).prop_map(Some)]
}

fn tags() -> impl Strategy<Value = Vec<u8>> {
    vec(0..4u8, 0..3)
}

fn status() -> impl Strategy<Value = Status> {
    prop::sample::select(&[Status::Active, Status::Archived, Status::Trashed][..])
}

fn new() -> impl Strategy<Value = New> {
    let template = (vec(instruction(), 0..4), messages()).prop_map(|(head, messages)| {
        let head = head.into_iter().flatten();
        head.chain(messages).collect::<Vec<_>>()
    });
    (
        option::of(0..3u8),
        option::weighted(0.3, 0..64usize),
        tags(),
        any::<bool>(),
        option::weighted(0.3, 20..200u64),
        bytes(),
        expires(),
        option::weighted(0.1, Just(3_600_000_000)),
        prop_oneof![template, messages()],
    )
        .prop_map(
            |(name, like, tags, metadata, window_tokens, max_bytes, expires, expires_after, messages)| New {
                name,
                like,
                tags,
                metadata,
                window_tokens,
                max_bytes,
                expires,
                expires_after,
                messages,
            },
        )
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        "\\PC{0,8}".prop_map(Change::Title),
        "\\PC{0,8}".prop_map(Change::Summary),
        option::of(0..3u8).prop_map(Change::Name),
        (0..3u8, option::of(any::<u8>())).prop_map(|(key, value)| Change::Patch(key, value)),
        (tags(), tags()).prop_map(|(add, remove)| Change::Tags(add, remove)),
        status().prop_map(Change::Status),
        option::of(20..200u64).prop_map(Change::WindowTokens),
        bytes().prop_map(Change::MaxBytes),
        expires().prop_map(Change::Expires),
    ]
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let rarely = |tags| prop_oneof![2 => Just(Vec::new()), 1 => tags];
    (
        rarely(vec(0..4u8, 1..3)),
        rarely(vec(0..4u8, 1..3)),
        prop_oneof![Just(Vec::new()), vec(status(), 1..3)],
        option::weighted(0.2, any::<bool>()),
        option::weighted(0.2, 0..64usize),
    )
        .prop_map(|(all_tags, any_tags, statuses, has_messages, parent)| Wanted {
            statuses,
            all_tags,
            any_tags,
            has_messages,
            parent,
        })
}

fn action() -> impl Strategy<Value = BulkAction> {
    prop_oneof![
        3 => status().prop_map(BulkAction::SetStatus),
        2 => (0..4u8).prop_map(|tag| BulkAction::AddTag(tag_name(tag))),
        2 => (0..4u8).prop_map(|tag| BulkAction::RemoveTag(tag_name(tag))),
        1 => Just(BulkAction::Delete),
    ]
}

pub(crate) fn tag_name(tag: u8) -> String {
    format!("t{tag}")
}

fn window() -> impl Strategy<Value = WindowOptions> {
    (
        prop_oneof![Just(0), 10..300u64],
        prop_oneof![3 => Just(0), 1 => 1..15u64],
        prop_oneof![3 => Just(0), 1 => 1..15u64],
        0..3u32,
        prop::sample::select(&[0, 1, 50, 100, 101][..]),
        0..3u32,
        prop_oneof![2 => Just(0), 1 => 1..8u32],
        0..4u32,
    )
        .prop_map(
            |(max_tokens, reserve, summary, overhead, low_water, first, max_messages, leave_out)| WindowOptions {
                max_tokens,
                reserve_tokens: reserve,
                summary_tokens: summary,
                message_overhead: overhead,
                low_water_percent: low_water,
                keep_first_turns: first,
                max_messages,
                leave_out: LeaveOut(leave_out),
            },
        )
}

fn to_session() -> impl Strategy<Value = ToSession> {
    let place = any::<u8>();
    prop_oneof![
        10 => (messages(), option::of(0..4u8), prop::bool::weighted(0.1))
            .prop_map(|(messages, key, stale)| ToSession::Append { messages, key, stale }),
        2 => (content(), any::<bool>(), content(), any::<bool>())
            .prop_map(|(input, file, answer, own)| ToSession::Exchange { input, file, answer, own }),
        6 => change().prop_map(ToSession::Update),
        5 => (place, messages()).prop_map(|(at, messages)| ToSession::Fork { at, messages }),
        3 => (place, prop::bool::weighted(0.1)).prop_map(|(to, stale)| ToSession::Rewind { to, stale }),
        3 => (place, messages(), any::<bool>())
            .prop_map(|(from, messages, fork)| ToSession::Replace { from, messages, fork }),
        2 => (prop_oneof![Just(0), place], any::<bool>()).prop_map(|(at, fork)| ToSession::Regenerate { at, fork }),
        2 => (option::of(0..6u32), option::of(0..120u64))
            .prop_map(|(most, tokens)| ToSession::Truncate { most, tokens }),
        1 => Just(ToSession::Clear),
        2 => (0..64usize, place).prop_map(|(from, first)| ToSession::Adopt { from, first }),
        4 => window().prop_map(ToSession::Window),
        2 => Just(ToSession::Delete),
        1 => Just(ToSession::Erase),
    ]
}

pub(crate) fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        8 => new().prop_map(Operation::Create),
        40 => (0..64usize, to_session()).prop_map(|(session, what)| Operation::To(session, what)),
        2 => (wanted(), action()).prop_map(|(wanted, action)| Operation::Change(wanted, action)),
        2 => wanted().prop_map(Operation::List),
        3 => (any::<usize>(), wanted()).prop_map(|(word, wanted)| Operation::Search(word, wanted)),
        1 => Just(Operation::Cleanup),
        1 => Just(Operation::Reopen),
    ]
}
