//! A conversation being put together from a source that has it in one piece, with what is to be said about it.

use super::json::Json;
use super::report::{Losses, ProblemKind};
use super::taker::{Conversation, IncomingMessage, Taker};
use crate::error::Result;
use crate::model::maintenance::MOST_PROBLEMS;
use crate::model::{Micros, NewMessage, Role, moment};
use chrono::DateTime;

/// The last moment that is taken for a time: the end of the year 9999.
pub(crate) const LAST_TIME: Micros = 253_402_300_799_999_999;

/// What has no place of its own is kept as metadata if it is so small.
pub(crate) const MOST_BYTES_OF_EXTRAS: usize = 16 << 10;

/// What numbers mean that are times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Millis,
}

/// What is to be said about a conversation once it is taken in.
#[derive(Default)]
pub(crate) struct Remarks {
    changes: Vec<(String, String)>,
    /// Changes besides these.
    more: u64,
    losses: Losses,
}

impl Remarks {
    /// Something was taken in otherwise than it stood there.
    pub(crate) fn changed(&mut self, place: impl Into<String>, reason: impl Into<String>) {
        if self.changes.len() < MOST_PROBLEMS {
            self.changes.push((place.into(), reason.into()));
        } else {
            self.more += 1;
        }
    }

    /// Counts what cannot be kept. `what` is in the plural.
    pub(crate) fn lost(&mut self, what: &'static str, count: usize) {
        self.losses.add(what, count as u64);
    }

    /// Says all of it. The conversation it is about is taken in, and has not ended.
    pub(crate) fn tell(self, taker: &mut Taker<'_>) {
        for (place, reason) in self.changes {
            taker.report(ProblemKind::Changed, place, reason);
        }
        if self.more > 0 {
            let reason = format!("{} more changes of this conversation are not listed", self.more);
            taker.report(ProblemKind::Changed, "", reason);
        }
        for loss in self.losses.list() {
            taker.lost(loss.what, loss.count);
        }
    }

    /// A time: a number, or a text like RFC 3339. What is none is left to the store, and told.
    pub(crate) fn time(&mut self, value: Option<&Json>, unit: Unit, place: impl Fn() -> String) -> Option<Micros> {
        let value = value?;
        let time = read_time(value, unit).filter(|time| (1..=LAST_TIME).contains(time));
        if time.is_none() {
            let shown: String = value.to_string().chars().take(40).collect();
            self.changed(place(), format!("its time is {shown}, which is none; it is dated anew"));
        }
        time
    }
}

fn read_time(value: &Json, unit: Unit) -> Option<Micros> {
    let factor = match unit {
        Unit::Seconds => 1_000_000,
        Unit::Millis => 1_000,
    };
    match value {
        Json::Number(number) => match number.as_i64() {
            Some(whole) => whole.checked_mul(factor),
            // A double holds microseconds until the year 2255, and what is out of range saturates.
            None => number.as_f64().map(|number| (number * factor as f64).round() as i64),
        },
        Json::Text(text) => moment(text),
        _ => None,
    }
}

/// A time as it is written into exports: RFC 3339 with all its digits.
pub(crate) fn text_of_time(time: Micros) -> String {
    DateTime::from_timestamp_micros(time).map_or_else(
        || time.to_string(),
        |time| time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
    )
}

/// A JSON object with what a format has besides under its name, behind what is there already. What is too large, or has no
/// free place, is counted as `what`.
pub(crate) fn with_extras(
    metadata: Option<&Json>,
    format: &str,
    extras: Vec<(String, Json)>,
    what: &'static str,
    remarks: &mut Remarks,
) -> Option<String> {
    let kept = extras.len();
    let extras = Json::Object(extras);
    if kept == 0 {
        return metadata.map(Json::to_string);
    }
    let mut entries = metadata.map(Json::entries).unwrap_or_default().to_vec();
    if entries.iter().any(|(key, _)| key == format) || extras.to_string().len() > MOST_BYTES_OF_EXTRAS {
        remarks.lost(what, kept);
        return metadata.map(Json::to_string);
    }
    entries.push((format.to_owned(), extras));
    Some(Json::Object(entries).to_string())
}

/// What an importer kept under its format's name, and the metadata without it.
pub(crate) fn split_extras(metadata: &str, format: &str) -> (Option<Json>, Json) {
    let Json::Object(mut entries) = super::json::kept(metadata) else {
        return (None, Json::Object(Vec::new()));
    };
    let at = entries
        .iter()
        .position(|(key, value)| key == format && !value.entries().is_empty());
    let extras = at.map(|at| entries.remove(at).1);
    (extras, Json::Object(entries))
}

/// Whether metadata says something.
pub(crate) fn says_something(metadata: &str) -> bool {
    !metadata
        .trim_matches(|c: char| c.is_whitespace() || c == '{' || c == '}')
        .is_empty()
}

/// A message that the store counts.
pub(crate) fn message(role: Role, content: impl Into<String>, created: Option<Micros>) -> NewMessage {
    NewMessage {
        created,
        ..NewMessage::new(role, content)
    }
}

/// The call of a function in the shape of the OpenAI chat API. Its arguments are a text there, which is JSON by custom.
pub(crate) fn tool_call(id: Option<&str>, name: &str, arguments: &Json) -> Json {
    let arguments = arguments.text().map_or_else(|| arguments.to_string(), str::to_owned);
    let function = vec![
        ("name".to_owned(), Json::from(name)),
        ("arguments".to_owned(), Json::from(arguments)),
    ];
    let id = id.map(|id| ("id".to_owned(), Json::from(id)));
    let rest = [
        ("type".to_owned(), Json::from("function")),
        ("function".to_owned(), Json::Object(function)),
    ];
    Json::Object(id.into_iter().chain(rest).collect())
}

/// A conversation without branches goes in.
pub(crate) fn hand_over(
    conversation: Conversation,
    messages: Vec<NewMessage>,
    remarks: Remarks,
    taker: &mut Taker<'_>,
) -> Result<()> {
    taker.begin(conversation)?;
    for message in messages {
        taker.message(IncomingMessage::from(message))?;
    }
    if taker.takes_in() {
        remarks.tell(taker);
    }
    taker.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(json: &str, unit: Unit) -> (Option<Micros>, usize) {
        let value = super::super::json::parse(json.as_bytes(), super::super::json::Position::FIRST).unwrap();
        let mut remarks = Remarks::default();
        let time = remarks.time(Some(&value), unit, || "here".to_owned());
        (time, remarks.changes.len())
    }

    #[test]
    fn times_are_numbers_or_texts() {
        let expected = (Some(1_700_000_000_123_456), 0);
        assert_eq!(time("1700000000.123456", Unit::Seconds), expected);
        assert_eq!(time("1700000000123.456", Unit::Millis), expected);
        assert_eq!(time("\"2023-11-14T22:13:20.123456Z\"", Unit::Seconds), expected);
        assert_eq!(time("\"2023-11-15T00:13:20.123456+02:00\"", Unit::Seconds), expected);
        assert_eq!(time("\"2023-11-14 22:13:20.123456\"", Unit::Seconds), expected);
        assert_eq!(text_of_time(1_700_000_000_123_456), "2023-11-14T22:13:20.123456Z");
    }

    #[test]
    fn what_is_no_time_is_told_and_left_to_the_store() {
        for bad in [
            "0",
            "-1",
            "1e300",
            "-1e300",
            "9223372036854775807",
            "1e12",
            "true",
            "{}",
            "\"yesterday\"",
            "\"\"",
            "\"2023-13-01T00:00:00Z\"",
            "\"+262000-01-01T00:00:00Z\"",
        ] {
            assert_eq!(time(bad, Unit::Seconds), (None, 1), "{bad}");
        }
    }

    #[test]
    fn extras_come_back_and_leave_the_rest_as_it_was() {
        let own = Json::Object(vec![("z".to_owned(), 1.into()), ("a".to_owned(), 2.into())]);
        let extras = vec![("name".to_owned(), Json::from("Bob"))];
        let mut remarks = Remarks::default();
        let whole = with_extras(Some(&own), "openai", extras.clone(), "fields", &mut remarks).unwrap();
        assert_eq!(whole, r#"{"z":1,"a":2,"openai":{"name":"Bob"}}"#);
        assert_eq!(split_extras(&whole, "openai"), (Some(Json::Object(extras)), own));
        assert_eq!(split_extras("{}", "openai").0, None);
    }
}
