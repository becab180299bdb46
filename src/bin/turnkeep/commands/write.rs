//! `append`.

use super::Work;
use crate::args::{Append, DurabilityArg};
use crate::failure::Failure;
use crate::place::Access;
use crate::{json, output, sessions};
use serde_json::json;
use std::io::{IsTerminal, Read, stdin};
use std::path::Path;
use turnkeep::model::{AppendOptions, Durability, NewMessage, Tokens};

pub(crate) fn append(work: &mut Work, append: Append) -> Result<(), Failure> {
    let place = crate::place::Place::named(&work.general)?;
    let access = if append.create.create {
        Access::Create
    } else {
        Access::Write
    };
    if access == Access::Write {
        // Told before a long text was typed.
        place.must_exist()?;
    }
    let content = content(&append)?;
    let message = NewMessage {
        tokens: append.tokens.map_or(Tokens::Count, Tokens::Given),
        tool_calls: append.tool_calls.clone(),
        tool_call_id: append.tool_call_id.clone(),
        model: append.model.clone(),
        metadata: append.metadata.clone(),
        pinned: append.pinned,
        ..NewMessage::new(append.role.role(), content)
    };
    // What is wrong with the message must not leave a new store or a new session behind.
    message.check()?;
    let store = place.open(access)?;
    let (session, created) = sessions::find_or_create(&store, Some(&append.session), &append.create)?;
    let options = AppendOptions {
        durability: append.durability.map(|level| match level {
            DurabilityArg::Disk => Durability::Disk,
            DurabilityArg::Os => Durability::Os,
        }),
        idempotency_key: append.key.clone(),
        expected_revision: None,
    };
    let receipt = session.append(vec![message], options)?;
    store.close()?;
    if work.out.as_json {
        return work.out.json(&json!({
            "session": session.id(),
            "created": created,
            "first_seq": receipt.first_seq,
            "last_seq": receipt.last_seq,
            "turn": receipt.first_turn,
            "revision": receipt.revision,
            "durability": json::durability(receipt.durability),
            "repeated": receipt.repeated,
        }));
    }
    let how = if receipt.repeated { "was there already as" } else { "is" };
    output::note(format!(
        "{how} message {} of session '{}'",
        receipt.first_seq,
        session.id()
    ));
    Ok(())
}

fn content(append: &Append) -> Result<String, Failure> {
    if let Some(content) = &append.content {
        return Ok(content.clone());
    }
    let file = append.file.as_deref().filter(|file| *file != Path::new("-"));
    let (name, read) = match file {
        Some(file) => (file.display().to_string(), std::fs::read(file)),
        None => {
            if stdin().is_terminal() && append.file.is_none() {
                output::note("type the message; Ctrl-D ends it");
            }
            let mut bytes = Vec::new();
            (
                "stdin".to_owned(),
                stdin().lock().read_to_end(&mut bytes).map(|_| bytes),
            )
        }
    };
    let bytes = read.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Failure::not_found(format!("there is no file '{name}'")),
        _ => Failure::failed(format!("cannot read {name}: {error}")),
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        Failure::usage(format!(
            "{name} is not UTF-8 from byte {} on; nothing was appended",
            error.utf8_error().valid_up_to()
        ))
    })?;
    Ok(text.strip_suffix('\n').map_or_else(|| text.clone(), str::to_owned))
}
