//! `rename`, `tag`, `archive`, `trash`, `restore`.

use super::Work;
use crate::args::{Rename, Tag};
use crate::failure::Failure;
use crate::place::Access;
use crate::{json, output, sessions};
use serde_json::json;
use turnkeep::Session;
use turnkeep::model::SessionChanges;

pub(crate) fn rename(work: &mut Work, rename: Rename) -> Result<(), Failure> {
    let name = match (rename.name, rename.no_name) {
        (Some(name), _) => Some(Some(name)),
        (None, true) => Some(None),
        (None, false) => None,
    };
    let changes = SessionChanges {
        name,
        title: rename.title,
        ..SessionChanges::default()
    };
    update(work, &rename.session, changes)
}

pub(crate) fn tag(work: &mut Work, tag: Tag) -> Result<(), Failure> {
    let changes = SessionChanges {
        add_tags: tag.add,
        remove_tags: tag.remove,
        ..SessionChanges::default()
    };
    update(work, &tag.session, changes)
}

fn update(work: &mut Work, text: &str, changes: SessionChanges) -> Result<(), Failure> {
    let store = work.store(Access::Write)?;
    let session = sessions::find(&store, text)?;
    session.update(changes)?;
    let info = session.describe()?;
    store.close()?;
    if work.out.as_json {
        return work.out.json(&json!({ "session": json::session(&info) }));
    }
    let about = super::list::about(&info);
    output::note(format!("session '{}': {about}", info.id));
    Ok(())
}

/// Does the same to each session; all of them are found before any is changed.
pub(crate) fn each(
    work: &mut Work,
    texts: &[String],
    done: &str,
    act: impl Fn(&Session) -> turnkeep::error::Result<u64>,
) -> Result<(), Failure> {
    let store = work.store(Access::Write)?;
    let meant: Vec<Session> = texts
        .iter()
        .map(|text| sessions::find(&store, text))
        .collect::<Result<_, _>>()?;
    let mut changed = Vec::new();
    for session in &meant {
        act(session)?;
        changed.push(session.describe()?);
    }
    store.close()?;
    if work.out.as_json {
        return work.out.json(&json!({ "sessions": json::sessions(&changed) }));
    }
    for session in &changed {
        output::note(format!("{done} session '{}'", session.id));
    }
    Ok(())
}
