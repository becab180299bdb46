//! Times as people write them: a date stands for the whole day, 12:30 for the whole minute.

use super::{Micros, TimeRange};
use crate::error::{Error, Result};
use chrono::{DateTime, Days, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

/// UTC offsets are below a day.
const MAX_OFFSET_MINUTES: i32 = 24 * 60 - 1;

impl TimeRange {
    /// The range from one text to another, the whole of what the second one names included: a day for 2026-11-20, a minute
    /// for 2026-11-20T12:30, a second for 2026-11-20 12:30:00. A time may end in its offset (Z, +02:00); what has none is
    /// that many minutes before UTC. `what` and `_from` or `_to` name a text in errors.
    pub fn parse(what: &str, from: Option<&str>, to: Option<&str>, utc_offset_minutes: i32) -> Result<Self> {
        let offset = offset(utc_offset_minutes)?;
        let named = |text: Option<&str>, end: &str| {
            text.map(|text| Span::parse(text, offset).ok_or_else(|| not_a_time(&format!("{what}_{end}"), text)))
                .transpose()
        };
        let range = Self {
            from: named(from, "from")?.map(|span| span.begin),
            before: named(to, "to")?.map(|span| span.end),
        };
        match (from, to, range) {
            (
                Some(from),
                Some(to),
                Self {
                    from: Some(begin),
                    before: Some(end),
                },
            ) if begin >= end => Err(Error::invalid(format!(
                "{what}_from ('{from}') lies after {what}_to ('{to}'); nothing can be between them"
            ))),
            _ => Ok(range),
        }
    }

    /// Checks that it does not end before it begins.
    pub(super) fn check(&self, what: &str) -> Result<()> {
        match (self.from, self.before) {
            (Some(from), Some(before)) if from > before => Err(Error::invalid(format!(
                "{what} is a time that ends before it begins: from {from}, before {before}"
            ))),
            _ => Ok(()),
        }
    }
}

/// The moment at which what a text names begins; a text without an offset is UTC.
pub(crate) fn moment(text: &str) -> Option<Micros> {
    Some(Span::parse(text, FixedOffset::east_opt(0)?)?.begin)
}

fn offset(minutes: i32) -> Result<FixedOffset> {
    Some(minutes)
        .filter(|minutes| (-MAX_OFFSET_MINUTES..=MAX_OFFSET_MINUTES).contains(minutes))
        .and_then(|minutes| FixedOffset::east_opt(minutes * 60))
        .ok_or_else(|| {
            Error::invalid(format!(
                "utc_offset_minutes is {minutes}; it must be -{MAX_OFFSET_MINUTES} to {MAX_OFFSET_MINUTES}: 120 is +02:00"
            ))
        })
}

fn not_a_time(field: &str, text: &str) -> Error {
    Error::invalid(format!(
        "{field} is '{text}', which is no time; write a date like 2026-11-20, or a time like 2026-11-20T12:30:00, \
         2026-11-20T12:30:00Z or 2026-11-20T12:30:00+02:00"
    ))
}

/// What a text names: from a moment on, and before another.
struct Span {
    begin: Micros,
    end: Micros,
}

impl Span {
    fn parse(text: &str, default_offset: FixedOffset) -> Option<Self> {
        let (date, time) = match text.split_once(['T', 't', ' ']) {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let date = parse_date(date)?;
        let Some(time) = time else {
            let next = date.checked_add_days(Days::new(1))?;
            return Self::new(
                date.and_time(NaiveTime::MIN),
                next.and_time(NaiveTime::MIN),
                default_offset,
            );
        };
        let (time, offset) = split_offset(time)?;
        let (time, length) = parse_time(time)?;
        let begin = date.and_time(time);
        Self::new(
            begin,
            begin.checked_add_signed(length)?,
            offset.unwrap_or(default_offset),
        )
    }

    fn new(begin: NaiveDateTime, end: NaiveDateTime, offset: FixedOffset) -> Option<Self> {
        let micros = |local: NaiveDateTime| {
            let utc = local.checked_sub_offset(offset)?;
            Some(DateTime::<chrono::Utc>::from_naive_utc_and_offset(utc, chrono::Utc).timestamp_micros())
        };
        Some(Self {
            begin: micros(begin)?,
            end: micros(end)?,
        })
    }
}

/// Whether a text has the form of another, where a digit stands for any.
fn has_form(text: &str, form: &str) -> bool {
    text.len() == form.len()
        && text.bytes().zip(form.bytes()).all(|(is, wanted)| match wanted {
            b'0' => is.is_ascii_digit(),
            _ => is == wanted,
        })
}

fn parse_date(text: &str) -> Option<NaiveDate> {
    has_form(text, "0000-00-00")
        .then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
        .flatten()
}

/// A time of day, and how long what it names lasts.
fn parse_time(text: &str) -> Option<(NaiveTime, TimeDelta)> {
    if has_form(text, "00:00") {
        let time = NaiveTime::parse_from_str(text, "%H:%M").ok()?;
        return Some((time, TimeDelta::minutes(1)));
    }
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_time = has_form(seconds, "00:00:00")
        && (1..=9).contains(&fraction.len())
        && fraction.bytes().all(|digit| digit.is_ascii_digit());
    let time = is_time
        .then(|| NaiveTime::parse_from_str(text, "%H:%M:%S%.f").ok())
        .flatten()?;
    let lasts = if text == seconds {
        TimeDelta::seconds(1)
    } else {
        TimeDelta::microseconds(1)
    };
    Some((time, lasts))
}

/// Takes the offset off the end of a time, if it has one.
fn split_offset(text: &str) -> Option<(&str, Option<FixedOffset>)> {
    if let Some(time) = text.strip_suffix(['Z', 'z']) {
        return Some((time, FixedOffset::east_opt(0)));
    }
    let Some(at) = text.find(['+', '-']) else {
        return Some((text, None));
    };
    let (time, offset) = text.split_at(at);
    let (sign, digits) = match offset.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, offset.get(1..)?),
    };
    let (hours, minutes) = match digits.len() {
        5 if has_form(digits, "00:00") => digits.split_once(':')?,
        4 if has_form(digits, "0000") => digits.split_at(2),
        2 if has_form(digits, "00") => (digits, "0"),
        _ => return None,
    };
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let offset = (hours < 24 && minutes < 60)
        .then(|| FixedOffset::east_opt(sign * (hours * 60 + minutes) * 60))
        .flatten()?;
    Some((time, Some(offset)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;
    const MINUTE: i64 = 60 * SECOND;
    const DAY: i64 = 24 * 60 * MINUTE;
    /// 2026-11-20T00:00:00Z.
    const MIDNIGHT: i64 = 1_795_132_800 * SECOND;

    fn range(from: &str, to: &str, offset: i32) -> (i64, i64) {
        let range = TimeRange::parse("created", Some(from), Some(to), offset).unwrap();
        (range.from.unwrap(), range.before.unwrap())
    }

    #[test]
    fn a_date_is_the_whole_day_in_its_time_zone() {
        assert_eq!(range("2026-11-20", "2026-11-20", 0), (MIDNIGHT, MIDNIGHT + DAY));
        let east = MIDNIGHT - 120 * MINUTE;
        assert_eq!(range("2026-11-20", "2026-11-20", 120), (east, east + DAY));
        let west = MIDNIGHT + 210 * MINUTE;
        assert_eq!(range("2026-11-20", "2026-11-21", -210), (west, west + 2 * DAY));
    }

    #[test]
    fn a_time_is_as_long_as_it_is_exact() {
        let noon = MIDNIGHT + DAY / 2;
        for (text, length) in [
            ("2026-11-20T12:00", MINUTE),
            ("2026-11-20 12:00:00", SECOND),
            ("2026-11-20t12:00:00.000000", 1),
        ] {
            assert_eq!(range(text, text, 0), (noon, noon + length), "{text}");
        }
    }

    #[test]
    fn an_offset_in_the_text_counts_more_than_the_other_one() {
        let noon = MIDNIGHT + DAY / 2;
        for text in [
            "2026-11-20T12:00:00Z",
            "2026-11-20T14:00:00+02:00",
            "2026-11-20 14:00:00+0200",
            "2026-11-20T14:00:00+02",
            "2026-11-20T08:30:00-03:30",
        ] {
            assert_eq!(range(text, text, 660), (noon, noon + SECOND), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused_and_names_the_field() {
        for bad in [
            "",
            " ",
            "today",
            "2026-11",
            "2026-13-01",
            "2026-02-29",
            "2026-1-1",
            "20261120",
            "02026-11-20",
            "+026-11-20",
            "2026-11-20T",
            "2026-11-20T25:00",
            "2026-11-20T12",
            "2026-11-20T12:00:",
            "2026-11-20T12:00:00.",
            "2026-11-20T12:00:00.1234567890",
            "2026-11-20T12:00+2",
            "2026-11-20T12:00+24:00",
            "2026-11-20T12:00+00:60",
            "2026-11-20T12:00ZZ",
            "2026-11-20+02:00",
            " 2026-11-20",
            "2026-11-20 ",
            "2026-11-20'; DROP TABLE sessions",
            "٢٠٢٦-11-20",
            "2026-11-20T1\u{e9}:00",
        ] {
            let error = TimeRange::parse("updated", None, Some(bad), 0).unwrap_err();
            assert!(error.message().contains("updated_to is '"), "{bad}: {error}");
            let error = TimeRange::parse("updated", Some(bad), None, 0).unwrap_err();
            assert!(error.message().contains("updated_from is '"), "{bad}: {error}");
        }
    }

    #[test]
    fn a_range_that_ends_before_it_begins_is_refused() {
        let error = TimeRange::parse("expires", Some("2026-11-21"), Some("2026-11-20"), 0).unwrap_err();
        assert!(error.message().contains("expires_from"), "{error}");
    }

    #[test]
    fn an_offset_of_a_day_or_more_is_refused() {
        for bad in [i32::MIN, -1440, 1440, i32::MAX] {
            let error = TimeRange::parse("created", None, None, bad).unwrap_err();
            assert!(error.message().contains("utc_offset_minutes is"), "{error}");
        }
    }

    #[test]
    fn the_first_and_the_last_day_that_can_be_written_are_days() {
        for offset in [-1439, 0, 1439] {
            let (begin, end) = range("0000-01-01", "9999-12-31", offset);
            assert!(begin < end);
        }
    }
}
