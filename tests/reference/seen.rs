//! What a store shows of its sessions, to be compared.

use crate::support::text;
use turnkeep::context::WindowOptions;
use turnkeep::model::{Filter, ListOptions, Status};
use turnkeep::{Session, Store};

/// The ids of what a filter finds, in the order of the list.
pub(crate) fn listed(store: &Store, filter: &Filter) -> Vec<String> {
    let options = ListOptions {
        filter: filter.clone(),
        limit: 1000,
        ..ListOptions::default()
    };
    let page = store.list_sessions(&options).unwrap();
    page.sessions.into_iter().map(|session| session.id).collect()
}

/// Every state that a session can be in.
pub(crate) fn all() -> Filter {
    Filter {
        statuses: vec![Status::Active, Status::Archived, Status::Trashed],
        ..Filter::default()
    }
}

/// A window's cut, what it uses, and its messages: place, role, tokens, content.
pub(crate) type Shown = (u64, u64, u64, Vec<(u64, i32, u32, String)>);

pub(crate) fn shown(session: &Session, options: &WindowOptions) -> Result<Shown, &'static str> {
    let window = session.window(options);
    let window = window.map_err(|error| error.kind().c_name().to_str().unwrap())?;
    let report = window.report();
    let messages = window.iter();
    let messages = messages.map(|view| (view.seq, view.role, view.tokens, text(view.content).to_owned()));
    Ok((
        report.cut_seq,
        report.tokens,
        report.left_out_tokens,
        messages.collect(),
    ))
}
