//! Functions that SQL calls here: what a text contains, what metadata holds, and metadata after a patch.
//!
//! What is asked of every row takes what is the same for all as its first argument, and prepares it once for each run of a
//! statement.

use crate::model::metadata::merge::merged;
use crate::model::text::fold;
use crate::model::{Comparison, MetadataCondition};
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, Result};
use serde_json::{Value, json};

const FLAGS: FunctionFlags = FunctionFlags::SQLITE_UTF8
    .union(FunctionFlags::SQLITE_DETERMINISTIC)
    .union(FunctionFlags::SQLITE_INNOCUOUS);

/// Makes them known to a connection.
pub(super) fn register(connection: &Connection) -> Result<()> {
    connection.create_scalar_function("turnkeep_contains", 3, FLAGS, contains)?;
    connection.create_scalar_function("turnkeep_merged", 2, FLAGS, merge)?;
    connection.create_scalar_function("turnkeep_metadata", 2, FLAGS, meets_all)
}

/// `turnkeep_contains(wanted, one, other)`: whether one of two texts contains the first, whatever the case and the accents.
fn contains(context: &Context<'_>) -> Result<bool> {
    let wanted = context.get_or_create_aux(0, |wanted| wanted.as_str().map(fold))?;
    let found = [1, 2].into_iter().any(|index| match context.get_raw(index) {
        ValueRef::Text(text) => std::str::from_utf8(text).is_ok_and(|text| fold(text).contains(wanted.as_str())),
        _ => false,
    });
    Ok(found)
}

/// `turnkeep_metadata(conditions, metadata)`: whether a JSON object meets all of what [`conditions_to_json`] wrote.
fn meets_all(context: &Context<'_>) -> Result<bool> {
    let conditions = context.get_or_create_aux(0, |json| {
        json.as_str()
            .map_err(|error| Error::UserFunctionError(error.into()))
            .and_then(conditions_from_json)
    })?;
    let text = context.get_raw(1).as_str()?;
    let metadata: Value = serde_json::from_str(text).map_err(|_| no_json())?;
    Ok(conditions.iter().all(|condition| condition.holds(&metadata)))
}

/// `turnkeep_merged(metadata, patch)`: a JSON object after a merge patch.
fn merge(context: &Context<'_>) -> Result<String> {
    merged(context.get_raw(0).as_str()?, context.get_raw(1).as_str()?).map_err(|_| no_json())
}

fn no_json() -> Error {
    Error::UserFunctionError("metadata that is not JSON".into())
}

/// Any number of conditions as one value to bind.
pub(super) fn conditions_to_json(conditions: &[MetadataCondition]) -> String {
    let triple =
        |condition: &MetadataCondition| json!([condition.pointer, condition.comparison as i32, condition.value]);
    Value::from_iter(conditions.iter().map(triple)).to_string()
}

fn conditions_from_json(json: &str) -> Result<Vec<MetadataCondition>> {
    let unreadable = || Error::UserFunctionError("conditions that nothing here writes".into());
    let triples: Vec<(String, i32, Value)> = serde_json::from_str(json).map_err(|_| unreadable())?;
    triples
        .into_iter()
        .map(|(pointer, comparison, value)| {
            Ok(MetadataCondition {
                pointer,
                comparison: Comparison::from_number(comparison).map_err(|_| unreadable())?,
                value,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(sql: &str, params: impl rusqlite::Params) -> bool {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        connection.query_row(sql, params, |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_text_is_found_whatever_its_case_and_accents() {
        let sql = "SELECT turnkeep_contains(?, ?, ?)";
        assert!(ask(sql, ("äpfel", "Saure ÄPFEL", None::<&str>)));
        assert!(ask(sql, ("APFEL", "", "äpfel")));
        assert!(!ask(sql, ("birne", "äpfel", None::<&str>)));
        assert!(!ask(sql, ("%", "a", "_")));
    }

    #[test]
    fn conditions_come_back_as_they_were() {
        let conditions: Vec<MetadataCondition> = [
            json!("\u{0}'\"\\"),
            json!(0.1),
            json!(1e300),
            json!(u64::MAX),
            json!([{}]),
        ]
        .into_iter()
        .map(|value| MetadataCondition {
            pointer: "/a\"b".to_owned(),
            comparison: Comparison::Equal,
            value,
        })
        .collect();
        assert_eq!(
            conditions_from_json(&conditions_to_json(&conditions)).unwrap(),
            conditions
        );
    }
}
