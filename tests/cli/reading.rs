//! Commands that only look: `ls`, `show`, `tree`, `window`, `search`, `stats`, `events`.

use crate::shapes;
use crate::user::{User, said};
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};
use std::io::{BufRead, BufReader};
use std::process::Command;
use turnkeep::model::{NewMessage, NewSession, Role};
use turnkeep::{Store, StoreOptions};

#[test]
fn ls_lists_what_the_filters_let_through() {
    let user = User::with_chats();
    user.done(&["append", "notes", "--create", "--user", "bert", "Buy milk."]);
    user.done(&["rename", "notes", "--title", "Shopping"]);
    user.done(&["archive", "notes"]);
    assert_eq!(user.ids(&["--sort", "id"]), ["fork", "notes", "support"]);
    assert_eq!(user.ids(&["--sort", "id", "--reverse"]), ["support", "notes", "fork"]);
    assert_eq!(user.ids(&["--sort", "messages", "-n", "1"]), ["support"]);
    for (filter, found) in [
        (&["--user", "bert"][..], &["notes"][..]),
        (&["--status", "archived"], &["notes"]),
        (&["--status", "trashed"], &[]),
        (&["--tag", "work"], &["fork", "support"]),
        (&["--any-tag", "work", "--any-tag", "play"], &["fork", "support"]),
        (&["--text", "PRINT"], &["support"]),
        (&["--text", "shop"], &["notes"]),
        (&["--parent", "support"], &["fork"]),
        (&["--created-to", "2000-01-01"], &[]),
        (&["--updated-from", "2000-01-01T12:30"], &["fork", "notes", "support"]),
        (&["--empty"], &[]),
        (&["--not-empty", "--model", "none"], &[]),
    ] {
        assert_eq!(user.ids(&[filter, &["--sort", "id"]].concat()), found, "{filter:?}");
    }
    assert_eq!(user.json(&["ls", "-n", "1"])["total"], 3);
}

#[test]
fn ls_finds_by_metadata() {
    let user = User::new();
    let store = turnkeep::Store::open(user.store().to_str().unwrap(), turnkeep::StoreOptions::default()).unwrap();
    for (id, metadata) in [("a", r#"{"project":"demo","turns":3}"#), ("b", r#"{"turns":30}"#)] {
        let session = turnkeep::model::NewSession {
            id: Some(id.to_owned()),
            metadata: Some(metadata.to_owned()),
            ..turnkeep::model::NewSession::default()
        };
        store.create_session(session).unwrap();
    }
    store.close().unwrap();
    assert_eq!(user.ids(&["--meta", "/project=demo"]), ["a"]);
    assert_eq!(user.ids(&["--meta", "/project"]), ["a"]);
    assert_eq!(user.ids(&["--meta", "/turns>9"]), ["b"]);
    assert_eq!(user.ids(&["--meta", "/turns<9", "--meta", "/turns=3.0"]), ["a"]);
}

#[test]
fn ls_writes_a_table_for_people_and_ends_where_the_limit_is() {
    let user = User::with_chats();
    let said = user.run(&["ls", "--limit", "1"]);
    assert!(said.out.starts_with("ID    CHANGED"), "{said:?}");
    assert!(
        said.out.contains("fork") && said.out.contains("Cooler  #work"),
        "{said:?}"
    );
    assert!(said.err.contains("1 of 2"), "{said:?}");
    assert!(!said.out.contains('\u{1b}'), "{said:?}");
}

#[test]
fn show_writes_the_chat() {
    let user = User::with_chats();
    let shown = user.done(&["show", "support"]);
    let places: Vec<_> = ["Printing", "user", "on fire?", "assistant", "only warm.", "And now?"]
        .map(|part| shown.find(part).unwrap())
        .into();
    assert!(places.is_sorted(), "{shown}");
    assert_eq!(user.json(&["show", "support"])["session"]["id"], "support");
}

#[test]
fn show_shows_a_part() {
    let user = User::with_chats();
    let seqs = |arguments: &[&str]| {
        let shown = user.json(&[&["show", "support"], arguments].concat());
        let seqs = shown["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| message["seq"].as_u64().unwrap());
        seqs.collect::<Vec<_>>()
    };
    assert_eq!(seqs(&["--last", "2"]), [2, 3]);
    assert_eq!(seqs(&["--last", "9"]), [1, 2, 3]);
    assert_eq!(seqs(&["--from", "2"]), [2, 3]);
    assert_eq!(seqs(&["--to", "2"]), [1, 2]);
    assert_eq!(seqs(&["--from", "2", "--to", "99"]), [2, 3]);
}

#[test]
fn show_makes_tool_calls_readable() {
    let user = User::with_chats();
    let calls = r#"[{"id":"c1","type":"function","function":{"name":"look","arguments":"{\"at\":\"printer\"}"}}]"#;
    user.done(&["append", "support", "-r", "assistant", "--tool-calls", calls, ""]);
    user.done(&["append", "support", "-r", "tool", "--tool-call-id", "c1", "smoke"]);
    let shown = user.done(&["show", "support", "--last", "2"]);
    assert!(shown.contains(r#"calls look({"at":"printer"})  c1"#), "{shown}");
    assert!(shown.contains("answers c1\nsmoke"), "{shown}");
    let message = &user.json(&["show", "support", "--from", "4", "--to", "4"])["messages"][0];
    assert_eq!(message["tool_calls"][0]["function"]["name"], "look");
}

#[test]
fn a_session_is_named_by_id_beginning_or_name() {
    let user = User::with_chats();
    user.done(&["rename", "fork", "cooler"]);
    for name in ["support", "sup", "s"] {
        assert_eq!(user.json(&["show", name])["session"]["id"], "support");
    }
    for name in ["cooler", "fo"] {
        assert_eq!(user.json(&["show", name])["session"]["id"], "fork");
    }
    // A whole id is meant even where others begin with it.
    user.done(&["append", "support-2", "--create", "x"]);
    assert_eq!(user.json(&["show", "support"])["session"]["id"], "support");
    user.refused(2, "support, support-2", &["show", "supp"]);
}

#[test]
fn tree_draws_the_forks() {
    let user = User::with_chats();
    user.done(&["fork", "fork", "--id", "fork-of-fork"]);
    user.done(&["fork", "support", "--id", "last"]);
    user.done(&["append", "alone", "--create", "x"]);
    let drawn = user.done(&["tree", "fork"]);
    let begins: Vec<_> = drawn.lines().map(|line| line.split("  ").next().unwrap()).collect();
    assert_eq!(begins, ["support", "├─ fork", "│", "└─ last"], "{drawn}");
    assert!(drawn.contains("│  └─ fork-of-fork  from 2, "), "{drawn}");
    assert!(drawn.contains("Cooler  #work  ← here"), "{drawn}");
    assert_eq!(drawn.replace("  ← here", ""), user.done(&["tree"]));
    let ids: Vec<_> = user.json(&["tree"])["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["id"].clone())
        .collect();
    assert_eq!(ids, ["support", "fork", "fork-of-fork", "last"]);
}

/// A chain of forks, each of the one before it: 1 to `length`.
fn user_with_chain(length: usize) -> User {
    let user = User::new();
    let store = Store::open(user.store().to_str().unwrap(), StoreOptions::default()).unwrap();
    let new = |number: usize| NewSession {
        id: Some(number.to_string()),
        ..NewSession::default()
    };
    let mut last = store.create_session(new(0)).unwrap();
    for number in 1..=length {
        last = last.fork(None, new(number)).unwrap();
    }
    store.close().unwrap();
    user
}

#[test]
fn tree_draws_a_long_chain_of_forks_in_the_room_that_there_is() {
    let user = user_with_chain(1500);
    let said = user.run(&["tree", "1200"]);
    let lines: Vec<_> = said.out.lines().collect();
    assert_eq!((said.code, lines.len()), (0, 1501));
    assert!(lines[16].ends_with("└─ 16  from 0, 0 messages"), "{}", lines[16]);
    assert!(
        lines[1200].ends_with("└─ 1200  1 200 deep, from 0, 0 messages  ← here"),
        "{}",
        lines[1200]
    );
    assert!(lines.iter().all(|line| line.chars().count() < 120), "{}", lines[1500]);
    assert!(said.err.contains("deeper than 16 forks"), "{}", said.err);
    let sessions = user.json(&["tree", "1200"])["sessions"].clone();
    let ids: Vec<usize> = sessions
        .as_array()
        .unwrap()
        .iter()
        .map(|session| session["id"].as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(ids, (0..=1500).collect::<Vec<_>>());
}

#[test]
fn tree_draws_what_follows_a_deep_fork_where_it_hangs() {
    let user = user_with_chain(20);
    for (parent, id) in [("18", "a"), ("15", "b"), ("1", "c")] {
        user.done(&["fork", parent, "--id", id]);
    }
    let drawn = user.done(&["tree", "0"]);
    let column = |id: &str| {
        let line = drawn.lines().find(|line| line.contains(&format!("─ {id}  "))).unwrap();
        line.chars().position(|c| c == '├' || c == '└').unwrap()
    };
    assert_eq!(
        ["1", "2", "c", "16", "b", "17", "18", "19", "a"].map(column),
        [0, 3, 3, 45, 45, 45, 45, 45, 45]
    );
    let last: Vec<_> = drawn
        .lines()
        .rev()
        .take(3)
        .map(|line| line.trim_start_matches([' ', '│']))
        .collect();
    assert_eq!(
        last,
        [
            "└─ c  from 0, 0 messages",
            "└─ b  from 0, 0 messages",
            "└─ a  19 deep, from 0, 0 messages"
        ]
    );
}

#[test]
fn window_shows_what_goes_in_what_does_not_and_the_cut() {
    let user = User::with_chats();
    let whole = user.json(&["window", "support"]);
    assert_eq!(
        (&whole["left_out"]["messages"], &whole["cut_seq"]),
        (&0.into(), &1.into())
    );
    let cut = user.json(&["window", "support", "--max-tokens", "16"]);
    assert_eq!(cut["left_out"]["messages"], 2);
    assert_eq!(cut["cut_seq"], 3);
    assert_eq!(cut["messages"][0]["part"], "run");
    let shown = user.done(&["window", "support", "--max-tokens", "16"]);
    assert!(shown.starts_with("--- cut before #3: 2 messages with "), "{shown}");
    assert!(shown.contains("of 16 tokens"), "{shown}");
    user.done(&["append", "support", "--pinned", "Mind the printer."]);
    for _ in 0..3 {
        user.done(&["append", "support", "x"]);
    }
    let pinned = user.json(&["window", "support", "--max-tokens", "16"]);
    assert_eq!(pinned["messages"][0]["part"], "front");
    let unpinned = user.json(&["window", "support", "--max-tokens", "16", "--no-pins"]);
    assert_eq!(unpinned["messages"][0]["part"], "run");
}

#[test]
fn search_finds_and_marks() {
    let user = User::with_chats();
    let found = user.json(&["search", "PRINT*", "--role", "user", "--context", "1"]);
    let hit = &found["hits"][0];
    assert_eq!((&hit["session_id"], &hit["seq"]), (&"support".into(), &1.into()));
    let mark = &hit["marks"][0];
    let snippet = hit["snippet"].as_str().unwrap();
    let (begin, end) = (mark[0].as_u64().unwrap() as usize, mark[1].as_u64().unwrap() as usize);
    assert_eq!(&snippet[begin..end], "printer");
    assert_eq!(hit["context"].as_array().unwrap().len(), 2);
    let shown = user.done(&["search", "warm"]);
    assert!(shown.starts_with("support  #2  assistant"), "{shown}");
    let colourful = user.done(&["search", "warm", "--color", "always"]);
    assert!(
        colourful.contains("only \u{1b}[1m\u{1b}[33mwarm\u{1b}[0m"),
        "{colourful:?}"
    );
    assert!(user.run(&["search", "absent"]).err.contains("nothing was found"));
    assert_eq!(
        user.json(&["search", "warm", "--said-to", "2000-01-01"])["hits"],
        serde_json::json!([])
    );
}

#[test]
fn stats_say_how_much_there_is_and_when_it_was_said() {
    let user = User::with_chats();
    let stats = user.json(&["stats", "--days", "3"]);
    assert_eq!(stats["sessions"]["active"], 2);
    assert_eq!(stats["messages"], 5);
    let days = stats["days"].as_array().unwrap();
    assert_eq!(days.len(), 3);
    // Around midnight the messages may be of yesterday.
    let said: u64 = days.iter().map(|day| day["messages"].as_u64().unwrap()).sum();
    assert_eq!(said, 3, "what a fork shares is said once: {days:?}");
    assert_eq!(stats["cache"]["windows"], 2);
    assert!(stats["cache"]["cold_ns"].as_u64() > Some(0));
    let shown = user.done(&["stats"]);
    for part in ["2 sessions (2 active", "█", "Size by part", "newest sessions take"] {
        assert!(shown.contains(part), "{shown}");
    }
}

/// A message in the first and the last half hour of days on both sides of the changes of the clocks.
#[test]
fn stats_count_a_message_for_the_day_that_it_was_said_on_whatever_the_clocks_did_since() {
    const CHANGING: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
    let today = Utc::now().date_naive();
    let days = [(1, 15, 60), (7, 15, 120)].map(|(month, day, minutes_ahead)| {
        let years = [today.year(), today.year() - 1];
        let dates = years.map(|year| NaiveDate::from_ymd_opt(year, month, day).unwrap());
        let date = dates.into_iter().find(|date| *date < today).unwrap();
        let midnight = date.and_time(NaiveTime::MIN).and_utc() - TimeDelta::minutes(minutes_ahead);
        (date, midnight)
    });
    let user = User::new();
    let store = Store::open(user.store().to_str().unwrap(), StoreOptions::default()).unwrap();
    let message = |minutes: i64, midnight: DateTime<Utc>| NewMessage {
        created: Some((midnight + TimeDelta::minutes(minutes)).timestamp_micros()),
        ..NewMessage::new(Role::User, "x")
    };
    let messages = days.map(|(_, midnight)| [10, 23 * 60 + 50].map(|minutes| message(minutes, midnight)));
    let session = NewSession {
        messages: messages.into_iter().flatten().collect(),
        ..NewSession::default()
    };
    store.create_session(session).unwrap();
    store.close().unwrap();
    let mut stats = user.command(&["stats", "--days", "400", "--json"]);
    let stats = said(stats.env("TZ", CHANGING).spawn().unwrap());
    let stats = shapes::parsed(&user, "stats", &stats.out);
    let counted: Vec<(String, u64)> = stats["days"]
        .as_array()
        .unwrap()
        .iter()
        .map(|day| {
            (
                day["date"].as_str().unwrap().to_owned(),
                day["messages"].as_u64().unwrap(),
            )
        })
        .filter(|(_, messages)| *messages > 0)
        .collect();
    let mut expected = days.map(|(date, _)| (date.to_string(), 2));
    expected.sort();
    assert_eq!(counted, expected);
}

/// Chile changes its clocks at midnight: the first Sunday of September begins at one o'clock.
#[test]
fn stats_count_from_a_day_that_has_no_midnight() {
    const CHANGING: &str = "<-04>4<-03>,M9.1.0/0,M4.1.0/0";
    let today = (Utc::now() - TimeDelta::hours(3)).date_naive();
    let years = [today.year(), today.year() - 1];
    let sundays = years.map(|year| NaiveDate::from_weekday_of_month_opt(year, 9, Weekday::Sun, 1).unwrap());
    let first = sundays.into_iter().find(|date| *date < today).unwrap();
    // Around midnight today may be another day.
    let count = (today - first).num_days() + 1;
    let user = User::with_chats();
    let mut stats = user.command(&["stats", "--json", "--days", &count.to_string()]);
    let stats = said(stats.env("TZ", CHANGING).spawn().unwrap());
    let days = shapes::parsed(&user, "stats", &stats.out)["days"].clone();
    let days = days.as_array().unwrap();
    assert_eq!(days[0]["date"], first.to_string());
    let messages: u64 = days.iter().map(|day| day["messages"].as_u64().unwrap()).sum();
    assert_eq!(messages, 3, "{days:?}");
}

/// Settings by which events are logged, as a file.
fn logging(user: &User) -> String {
    user.write(
        "settings.toml",
        "[session]\nstorage_path = \"chats.db\"\nevent_log_rows = 1000\n",
    )
}

#[test]
fn events_are_read_from_the_log() {
    let user = User::new();
    let settings = logging(&user);
    user.done(&["--config", &settings, "append", "a", "--create", "x"]);
    user.done(&["--config", &settings, "append", "a", "y"]);
    let read = user.json(&["events"]);
    let kinds: Vec<_> = read["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["kind"].clone())
        .collect();
    assert_eq!(kinds, ["session_created", "message_added", "message_added"]);
    assert_eq!(
        user.json(&["events", "--after", "1", "--limit", "1"])["events"][0]["number"],
        2
    );
    assert!(
        user.done(&["events"]).contains("message_added  a  #2"),
        "{}",
        user.done(&["events"])
    );
}

#[test]
fn events_are_followed_until_ctrl_c() {
    let user = User::new();
    let settings = logging(&user);
    user.done(&["--config", &settings, "append", "a", "--create", "before"]);
    let mut follower = user.start(&["events", "--follow", "--after", "0", "--interval", "20", "--json"]);
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut next = || shapes::parsed_line(&user, "events", "EVENT", &lines.next().unwrap().unwrap());
    assert_eq!(next()["kind"], "session_created");
    assert_eq!(next()["first_seq"], 1);
    user.done(&["--config", &settings, "append", "a", "meanwhile"]);
    assert_eq!(next()["first_seq"], 2);
    let interrupted = Command::new("kill")
        .args(["-INT", &follower.id().to_string()])
        .status()
        .unwrap();
    assert!(interrupted.success());
    let ended = said(follower);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
}
