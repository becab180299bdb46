//! Changes to the fields of a session.

use crate::model::Kept;
use crate::operations::{Change, tag_name};
use turnkeep::model::SessionChanges;

/// Does a change to what the model keeps, and says how to ask the store for it.
pub(crate) fn changes(change: &Change, after: &mut Kept) -> SessionChanges {
    let mut changes = SessionChanges::default();
    match change {
        Change::Title(title) => {
            changes.title = Some(title.clone());
            after.title.clone_from(title);
        }
        Change::Summary(summary) => {
            changes.summary = Some(summary.clone());
            after.summary.clone_from(summary);
        }
        Change::Name(name) => {
            after.name = name.map(|name| format!("name {name}"));
            changes.name = Some(after.name.clone());
        }
        Change::Patch(key, value) => {
            let key = format!("k{key}");
            changes.metadata_patch = Some(serde_json::json!({ key.clone(): value }).to_string());
            changes.expected_revision = Some(after.revision);
            let metadata = after.metadata.as_object_mut().unwrap();
            match value {
                Some(value) => metadata.insert(key, (*value).into()),
                None => metadata.remove(&key),
            };
        }
        Change::Tags(add, remove) => {
            changes.add_tags = add.iter().map(|tag| tag_name(*tag)).collect();
            changes.remove_tags = remove.iter().map(|tag| tag_name(*tag)).collect();
            after.tags.retain(|tag| !changes.remove_tags.contains(tag));
            after.tags.extend(changes.add_tags.iter().cloned());
        }
        Change::Status(status) => {
            after.status = *status;
            changes.status = Some(*status);
        }
        Change::WindowTokens(tokens) => {
            after.window_tokens = *tokens;
            changes.window_tokens = Some(*tokens);
        }
        Change::MaxBytes(bytes) => {
            after.max_bytes = *bytes;
            changes.max_bytes = Some(*bytes);
        }
        Change::Expires(time) => {
            after.expires = *time;
            changes.expires = Some(*time);
        }
    }
    after.revision += 1;
    changes
}
