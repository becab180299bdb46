//! `stats`: how much there is, how large it is, when it was said, and what the cache does with it.

use super::Work;
use crate::args::Stats;
use crate::failure::Failure;
use crate::output::chart::bar;
use crate::output::{BOLD, GOOD, Out, Table, bytes, clean, count, duration};
use crate::place::{Access, Place};
use crate::sessions;
use anstyle::Style;
use chrono::{Days, Local, NaiveDate, NaiveTime, TimeDelta, TimeZone};
use serde_json::{Map, Value, json};
use std::time::Instant;
use turnkeep::context::WindowOptions;
use turnkeep::metrics::Metrics;
use turnkeep::model::{Micros, StoreSizes};
use turnkeep::{Store, StoreOptions};

const DAY: Micros = 24 * 60 * 60 * 1_000_000;
const BAR: usize = 40;

struct Day {
    date: NaiveDate,
    messages: u64,
    tokens: u64,
}

impl Day {
    fn without_messages(date: NaiveDate) -> Self {
        Self {
            date,
            messages: 0,
            tokens: 0,
        }
    }
}

/// What it took to lay the windows of the newest sessions, twice.
#[derive(Default)]
struct CacheReading {
    cold: Vec<u64>,
    warm: Vec<u64>,
}

/// Everything that is shown.
struct Shown {
    place: Place,
    metrics: Metrics,
    sizes: StoreSizes,
    days: Vec<Day>,
    cache: CacheReading,
}

pub(crate) fn stats(work: &mut Work, stats: &Stats) -> Result<(), Failure> {
    let place = Place::named(&work.general)?;
    let store = place.open(Access::Read)?;
    let days = days(&store, stats.days)?;
    let cache = lay_windows(&store, &place.options)?;
    let shown = Shown {
        metrics: store.metrics()?,
        sizes: store.sizes()?,
        place,
        days,
        cache,
    };
    if work.out.as_json {
        return work.out.json(&shown.as_json());
    }
    let out = &mut work.out;
    shown.totals(out)?;
    shown.charts(out)?;
    shown.cache(out)
}

impl Shown {
    fn as_json(&self) -> Value {
        let totals = self.metrics.totals;
        let averages = totals.averages();
        let day = |day: &Day| json!({ "date": day.date.to_string(), "messages": day.messages, "tokens": day.tokens });
        let mut sizes: Map<String, Value> = parts(&self.sizes)
            .into_iter()
            .map(|(name, size)| (name.replace(' ', "_"), size.into()))
            .collect();
        sizes.insert("database".to_owned(), self.sizes.database.into());
        sizes.insert("wal_file".to_owned(), self.sizes.wal_file.into());
        json!({
            "store": self.place.path,
            "sessions": {
                "active": totals.active_sessions,
                "archived": totals.archived_sessions,
                "trashed": totals.trashed_sessions,
            },
            "messages": totals.messages,
            "tokens": totals.tokens,
            "bytes": totals.bytes,
            "averages": {
                "messages_per_session": averages.messages_per_session,
                "tokens_per_session": averages.tokens_per_session,
                "session_duration_minutes": averages.session_duration_minutes,
            },
            "sizes": sizes,
            "days": self.days.iter().map(day).collect::<Vec<_>>(),
            "cache": {
                "sessions": self.metrics.cache_sessions,
                "bytes": self.metrics.cache_bytes,
                "max_sessions": self.place.options.cache_sessions,
                "max_bytes": self.place.options.cache_bytes,
                "evictions": self.metrics.since_open.cache_evictions,
                "windows": self.cache.cold.len(),
                "cold_ns": median(&self.cache.cold),
                "warm_ns": median(&self.cache.warm),
            },
        })
    }

    fn totals(&self, out: &mut Out) -> Result<(), Failure> {
        let totals = self.metrics.totals;
        let averages = totals.averages();
        let title = out.paint(BOLD, clean::line(&self.place.path));
        out.line(title)?;
        out.line(format!(
            "{} sessions ({} active, {} archived, {} trashed), {} messages, {} tokens, {} of text",
            count(totals.sessions()),
            count(totals.active_sessions),
            count(totals.archived_sessions),
            count(totals.trashed_sessions),
            count(totals.messages),
            count(totals.tokens),
            bytes(totals.bytes)
        ))?;
        out.line(format!(
            "a session has {:.1} messages and {:.0} tokens on the average",
            averages.messages_per_session, averages.tokens_per_session
        ))
    }

    fn charts(&self, out: &mut Out) -> Result<(), Failure> {
        section(out, "Tokens by day")?;
        let day = |day: &Day| (day.date.to_string(), day.tokens, count(day.tokens));
        chart(out, self.days.iter().map(day).collect())?;
        section(out, "Size by part")?;
        let part = |(name, size): (&str, u64)| (name.to_owned(), size, bytes(size));
        chart(out, parts(&self.sizes).into_iter().map(part).collect())?;
        let (database, wal) = (bytes(self.sizes.database), bytes(self.sizes.wal_file));
        out.line(format!("{database} in all, and a log of {wal}"))
    }

    fn cache(&self, out: &mut Out) -> Result<(), Failure> {
        section(out, "Cache")?;
        out.line(format!(
            "the windows of the {} newest sessions take {} of at most {}; {} evictions",
            self.cache.cold.len(),
            bytes(self.metrics.cache_bytes),
            bytes(self.place.options.cache_bytes as u64),
            count(self.metrics.since_open.cache_evictions)
        ))?;
        out.line(format!(
            "a window takes {} from the file and {} from memory (medians)",
            duration(median(&self.cache.cold)),
            duration(median(&self.cache.warm))
        ))
    }
}

fn section(out: &mut Out, title: &str) -> Result<(), Failure> {
    let title = out.paint(BOLD, title);
    out.line(format!("\n{title}"))
}

/// The last days up to today, those without a message, too.
fn days(store: &Store, wanted: u32) -> Result<Vec<Day>, Failure> {
    let today = Local::now().date_naive();
    let first = today
        .checked_sub_days(Days::new(u64::from(wanted) - 1))
        .unwrap_or(today);
    let mut days: Vec<Day> = first
        .iter_days()
        .take(wanted as usize)
        .map(Day::without_messages)
        .collect();
    let begins: Vec<Micros> = first.iter_days().take(wanted as usize + 1).map(begin_of).collect();
    let Some(begin) = begins.first() else { return Ok(days) };
    for said in store.activity(*begin, common_part(&begins))? {
        // Behind the last is tomorrow.
        let index = begins.partition_point(|begin| *begin <= said.from).saturating_sub(1);
        if let Some(day) = days.get_mut(index) {
            day.messages += said.messages;
            day.tokens += said.tokens;
        }
    }
    Ok(days)
}

/// The first moment of a day here. Where the clocks are changed at midnight, or a day is left out, it is a later one.
fn begin_of(date: NaiveDate) -> Micros {
    const STEP: TimeDelta = TimeDelta::minutes(15);
    let mut at = date.and_time(NaiveTime::MIN);
    for _ in 0..3 * 24 * 4 {
        if let Some(begin) = Local.from_local_datetime(&at).earliest() {
            return begin.timestamp_micros().max(0);
        }
        at += STEP;
    }
    0
}

/// What each of the days is a multiple of: 24 hours, but an hour or less where the clocks were changed.
fn common_part(begins: &[Micros]) -> Micros {
    let lengths = begins.iter().zip(begins.iter().skip(1)).map(|(from, to)| to - from);
    match lengths.fold(0, greatest_common_divisor) {
        0 => DAY,
        part => part,
    }
}

fn greatest_common_divisor(a: Micros, b: Micros) -> Micros {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn parts(sizes: &StoreSizes) -> [(&'static str, u64); 6] {
    [
        ("sessions", sizes.sessions),
        ("messages", sizes.messages),
        ("search", sizes.search),
        ("indexes", sizes.indexes),
        ("other", sizes.other),
        ("free pages", sizes.free_pages),
    ]
}

/// A name, a value as a bar, and the value as people read it.
fn chart(out: &mut Out, rows: Vec<(String, u64, String)>) -> Result<(), Failure> {
    let most = rows.iter().map(|(_, value, _)| *value).max().unwrap_or_default();
    let mut table = Table::new(&["", ">", ""]);
    for (name, value, shown) in rows {
        table.row([
            (Style::new(), name),
            (Style::new(), shown),
            (GOOD, bar(value, most, BAR)),
        ]);
    }
    out.table(&table)
}

fn lay_windows(store: &Store, options: &StoreOptions) -> Result<CacheReading, Failure> {
    let mut reading = CacheReading::default();
    let mut ids = Vec::new();
    sessions::each(store, sessions::not_trashed(), |session| {
        ids.push(session.id);
        ids.len() < options.cache_sessions.min(100)
    })?;
    for id in ids {
        let session = store.open_session(&id)?;
        let lay = || {
            let begin = Instant::now();
            let laid = session.window(&WindowOptions::default());
            laid.map(|_| u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX))
        };
        // A window that is too large is none, and says nothing about the cache.
        if let (Ok(cold), Ok(warm)) = (lay(), lay()) {
            reading.cold.push(cold);
            reading.warm.push(warm);
        }
    }
    Ok(reading)
}

fn median(values: &[u64]) -> u64 {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_the_longest_part_that_all_of_them_consist_of() {
        const HOUR: Micros = DAY / 24;
        assert_eq!(common_part(&[5, DAY + 5, 2 * DAY + 5]), DAY);
        assert_eq!(common_part(&[0, DAY, 2 * DAY - HOUR, 3 * DAY - HOUR]), HOUR);
        assert_eq!(common_part(&[0, DAY, 2 * DAY + HOUR / 2]), HOUR / 2);
        assert_eq!(common_part(&[0, 0, DAY]), DAY, "one was left out");
        assert_eq!(common_part(&[0, 0]), DAY);
    }
}
