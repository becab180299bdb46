//! `fork` and `rewind`.

use super::Work;
use super::remove::ask;
use crate::args::{Fork, Rewind};
use crate::failure::Failure;
use crate::place::Access;
use crate::{json, output, sessions};
use serde_json::json;
use turnkeep::model::NewSession;

pub(crate) fn fork(work: &mut Work, fork: Fork) -> Result<(), Failure> {
    let store = work.store(Access::Write)?;
    let parent = sessions::find(&store, &fork.session)?;
    let new = NewSession {
        id: fork.id,
        name: fork.name,
        title: fork.title.unwrap_or_default(),
        tags: fork.tag,
        ..NewSession::default()
    };
    let session = parent.fork(fork.at, new)?;
    let info = session.describe()?;
    store.close()?;
    if work.out.as_json {
        return work.out.json(&json!({ "session": json::session(&info) }));
    }
    work.out.line(output::clean::line(&info.id))
}

pub(crate) fn rewind(work: &mut Work, rewind: &Rewind) -> Result<(), Failure> {
    let store = work.store(Access::Write)?;
    let session = sessions::find(&store, &rewind.session)?;
    let info = session.describe()?;
    let to = match (rewind.to, rewind.by) {
        (Some(to), _) => to,
        (None, by) => info.head_seq.saturating_sub(by.unwrap_or_default()),
    };
    if to > info.head_seq {
        return Err(Failure::not_found(format!(
            "there is no message {to} in session '{}'; the last one is {}",
            info.id, info.head_seq
        )));
    }
    let gone = info.head_seq - to;
    if gone > 0 {
        ask(
            rewind.yes,
            &format!("take back the last {gone} messages of session '{}'", info.id),
        )?;
    }
    // What somebody said while it was asked about is not taken back.
    let rewound = session.rewind(u64::from(to), Some(info.revision))?;
    store.close()?;
    if work.out.as_json {
        return work.out.json(&json!({
            "session": info.id,
            "removed": rewound.removed,
            "head_seq": to,
            "revision": rewound.revision,
        }));
    }
    output::note(format!("took {} messages back; the last one is {to}", rewound.removed));
    Ok(())
}
