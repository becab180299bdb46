//! `stats`: how much there is, how large it is, when it was said, and what the cache does with it.

use super::Work;
use crate::args::Stats;
use crate::failure::Failure;
use crate::output::chart::bar;
use crate::output::{BOLD, GOOD, Out, Table, bytes, clean, count, duration};
use crate::place::{Access, Place};
use crate::sessions;
use anstyle::Style;
use chrono::{Days, Local, NaiveDate, NaiveTime, TimeZone};
use serde_json::{Value, json};
use std::time::Instant;
use turnkeep::context::WindowOptions;
use turnkeep::model::{Micros, StoreSizes};
use turnkeep::{Store, StoreOptions};

const DAY: Micros = 24 * 60 * 60 * 1_000_000;
const BAR: usize = 40;

struct Day {
    date: NaiveDate,
    messages: u64,
    tokens: u64,
}

/// What it took to lay the windows of the newest sessions, twice.
#[derive(Default)]
struct CacheReading {
    windows: u64,
    cold: Vec<u64>,
    warm: Vec<u64>,
}

pub(crate) fn stats(work: &mut Work, stats: &Stats) -> Result<(), Failure> {
    let place = Place::named(&work.general)?;
    let store = place.open(Access::Read)?;
    let days = days(&store, stats.days)?;
    let mut reading = lay_windows(&store, &place.options)?;
    let metrics = store.metrics()?;
    let sizes = store.sizes()?;
    let totals = metrics.totals;
    let averages = totals.averages();
    if work.out.as_json {
        return work.out.json(&json!({
            "store": place.path,
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
            "sizes": parts(&sizes).into_iter().map(|(name, size)| (name.replace(' ', "_"), size.into())).chain([
                ("database".to_owned(), sizes.database.into()),
                ("wal_file".to_owned(), sizes.wal_file.into()),
            ]).collect::<serde_json::Map<String, Value>>(),
            "days": days.iter().map(|day| {
                json!({ "date": day.date.to_string(), "messages": day.messages, "tokens": day.tokens })
            }).collect::<Vec<_>>(),
            "cache": {
                "sessions": metrics.cache_sessions,
                "bytes": metrics.cache_bytes,
                "max_sessions": place.options.cache_sessions,
                "max_bytes": place.options.cache_bytes,
                "evictions": metrics.since_open.cache_evictions,
                "windows": reading.windows,
                "cold_ns": median(&mut reading.cold),
                "warm_ns": median(&mut reading.warm),
            },
        }));
    }
    let out = &mut work.out;
    title(out, &clean::line(&place.path))?;
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
    ))?;
    title(out, "\nTokens by day")?;
    let most = days.iter().map(|day| day.tokens).max().unwrap_or_default();
    let rows = days
        .iter()
        .map(|day| (day.date.to_string(), day.tokens, count(day.tokens)));
    chart(out, rows, most)?;
    title(out, "\nSize by part")?;
    let parts = parts(&sizes);
    let most = parts.iter().map(|(_, size)| *size).max().unwrap_or_default();
    chart(
        out,
        parts
            .into_iter()
            .map(|(name, size)| (name.to_owned(), size, bytes(size))),
        most,
    )?;
    out.line(format!(
        "{} in all, and a log of {}",
        bytes(sizes.database),
        bytes(sizes.wal_file)
    ))?;
    title(out, "\nCache")?;
    out.line(format!(
        "the windows of the {} newest sessions take {} of at most {}; {} evictions",
        count(reading.windows),
        bytes(metrics.cache_bytes),
        bytes(place.options.cache_bytes as u64),
        count(metrics.since_open.cache_evictions)
    ))?;
    out.line(format!(
        "a window takes {} from the file and {} from memory (medians)",
        duration(median(&mut reading.cold)),
        duration(median(&mut reading.warm))
    ))
}

fn title(out: &mut Out, text: &str) -> Result<(), Failure> {
    let (gap, text) = match text.strip_prefix('\n') {
        Some(text) => ("\n", text),
        None => ("", text),
    };
    let title = out.paint(BOLD, text);
    out.line(format!("{gap}{title}"))
}

/// The last days up to today, those without a message, too.
fn days(store: &Store, wanted: u32) -> Result<Vec<Day>, Failure> {
    let today = Local::now().date_naive();
    let first = today
        .checked_sub_days(Days::new(u64::from(wanted) - 1))
        .unwrap_or(today);
    let midnight = Local.from_local_datetime(&first.and_time(NaiveTime::MIN)).earliest();
    let begin = midnight.map_or(0, |midnight| midnight.timestamp_micros()).max(0);
    let activity = store.activity(begin, DAY)?;
    let day = |(index, date): (usize, NaiveDate)| {
        let from = begin + index as Micros * DAY;
        let said = activity
            .iter()
            .find(|span| span.from == from)
            .copied()
            .unwrap_or_default();
        Day {
            date,
            messages: said.messages,
            tokens: said.tokens,
        }
    };
    Ok(first.iter_days().take(wanted as usize).enumerate().map(day).collect())
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

fn chart(out: &mut Out, rows: impl Iterator<Item = (String, u64, String)>, most: u64) -> Result<(), Failure> {
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
            reading.windows += 1;
            reading.cold.push(cold);
            reading.warm.push(warm);
        }
    }
    Ok(reading)
}

fn median(values: &mut [u64]) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}
