//! Which session a person means.

use crate::args::Create;
use crate::failure::Failure;
use turnkeep::error::Kind;
use turnkeep::model::{Filter, ListOptions, NewSession, SessionInfo, Status};
use turnkeep::{Session, Store};

/// So many are told where a text means more than one.
const TOLD: u32 = 5;

/// The session whose id or name it is, or whose id alone begins with it.
pub(crate) fn find(store: &Store, text: &str) -> Result<Session, Failure> {
    if text.is_empty() {
        return Err(Failure::usage("the name of the session is empty"));
    }
    let found = store.candidates(text, TOLD + 1)?;
    let id = match (found.beginning.as_slice(), found.named.as_slice()) {
        ([id, ..], _) if id == text => id,
        (_, [id]) | ([id], []) => id,
        ([], []) => return Err(unknown(text)),
        (_, named @ [_, ..]) => return Err(ambiguous(text, "is the name of", named)),
        (beginning, []) => return Err(ambiguous(text, "is the beginning of", beginning)),
    };
    Ok(store.open_session(id)?)
}

/// The session whose id or name it is, or a new one with this id. Says whether it is new.
pub(crate) fn find_or_create(store: &Store, text: Option<&str>, create: &Create) -> Result<(Session, bool), Failure> {
    let Some(text) = text else {
        return Ok((store.create_session(new_session(None, create))?, true));
    };
    if !create.create {
        return Ok((find(store, text)?, false));
    }
    // The beginning of another one's id is no reason not to make it.
    let found = store.candidates(text, 1)?;
    if found.beginning.iter().any(|id| id == text) || !found.named.is_empty() {
        return Ok((find(store, text)?, false));
    }
    match store.create_session(new_session(Some(text), create)) {
        // Somebody else was faster.
        Err(error) if error.kind() == Kind::Exists => Ok((store.open_session(text)?, false)),
        created => Ok((created?, true)),
    }
}

fn new_session(id: Option<&str>, create: &Create) -> NewSession {
    NewSession {
        id: id.map(str::to_owned),
        user_id: create.user.clone().unwrap_or_default(),
        title: create.title.clone().unwrap_or_default(),
        tags: create.tag.clone(),
        ..NewSession::default()
    }
}

fn unknown(text: &str) -> Failure {
    Failure::not_found(format!(
        "there is no session '{text}': no id, no beginning of one, and no name; `turnkeep ls` lists them"
    ))
}

fn ambiguous(text: &str, what: &str, ids: &[String]) -> Failure {
    let mut told: Vec<&str> = ids.iter().map(String::as_str).take(TOLD as usize).collect();
    if ids.len() > told.len() {
        told.push("...");
    }
    Failure::usage(format!(
        "'{text}' {what} more than one session: {}; give more of the id",
        told.join(", ")
    ))
}

/// Every session that a filter finds, page by page, as far as `see` wants more.
pub(crate) fn each(
    store: &Store,
    mut options: ListOptions,
    mut see: impl FnMut(SessionInfo) -> bool,
) -> Result<(), Failure> {
    options.limit = 1000;
    loop {
        let page = store.list_sessions(&options)?;
        for session in page.sessions {
            if !see(session) {
                return Ok(());
            }
        }
        match page.next_page_token {
            Some(next) => options.page_token = Some(next),
            None => return Ok(()),
        }
    }
}

/// Those that are in use or put away, newest first.
pub(crate) fn not_trashed() -> ListOptions {
    ListOptions {
        filter: Filter {
            statuses: vec![Status::Active, Status::Archived],
            ..Filter::default()
        },
        ..ListOptions::default()
    }
}

/// How people see which one it is: by its name, or its id.
pub(crate) fn label(session: &SessionInfo) -> &str {
    session.name.as_deref().unwrap_or(&session.id)
}
