//! Wrong input: for every command an exit code and a message that says what to do.

use crate::help::commands;
use crate::user::User;

/// A session and whatever else a command needs, so that only the one thing is wrong.
fn with_session(command: &str, session: &str) -> Vec<String> {
    let rest: &[&str] = match command {
        "append" => &["x"],
        "rewind" => &["--to", "1", "--yes"],
        "rename" => &["n"],
        "tag" => &["t"],
        "rm" | "erase" => &["--yes"],
        _ => &[],
    };
    [command, session]
        .iter()
        .chain(rest)
        .map(|&word| word.to_owned())
        .collect()
}

fn words(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

const OF_SESSIONS: [&str; 14] = [
    "show", "tree", "window", "append", "chat", "fork", "rewind", "rename", "tag", "archive", "trash", "restore",
    "rm", "erase",
];

#[test]
fn every_command_refuses_an_option_that_there_is_not() {
    let user = User::with_chats();
    for command in commands(&user) {
        user.refused(2, "unexpected argument '--nonsense'", &[&command, "--nonsense"]);
    }
}

#[test]
fn every_command_says_that_there_is_no_store_and_makes_none() {
    let user = User::new();
    for command in commands(&user) {
        let arguments = match command.as_str() {
            "config" | "completions" => continue,
            "search" | "backup" | "salvage" => vec![command, "x".to_owned()],
            "export" => [&command, "-o", "x"].map(str::to_owned).to_vec(),
            "import" => vec![command, user.write("in.jsonl", "")],
            _ if OF_SESSIONS.contains(&command.as_str()) => with_session(&command, "x"),
            _ => vec![command],
        };
        user.refused(3, "there is no store at '", &words(&arguments));
        assert!(!user.store().exists(), "{arguments:?}");
    }
    let mut left: Vec<_> = std::fs::read_dir(user.path(""))
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    left.retain(|name| name != "in.jsonl");
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn every_command_says_that_there_is_no_such_session() {
    let user = User::with_chats();
    for command in OF_SESSIONS {
        user.refused(
            3,
            "there is no session 'absent'",
            &words(&with_session(command, "absent")),
        );
    }
}

#[test]
fn every_command_refuses_what_is_no_store() {
    let user = User::new();
    let strange = user.write(
        "chats.db",
        "a text, which is no database, and longer than a header of one would be.",
    );
    let before = std::fs::read(&strange).unwrap();
    for command in OF_SESSIONS {
        user.refused(1, "left untouched", &words(&with_session(command, "x")));
    }
    for arguments in [
        &["ls"][..],
        &["stats"],
        &["check"],
        &["vacuum"],
        &["search", "x"],
        &["backup", "y.db"],
        &["events"],
    ] {
        user.refused(1, "left untouched", arguments);
    }
    assert_eq!(std::fs::read(&strange).unwrap(), before);
}

#[test]
fn what_means_nothing_is_refused_with_the_reason() {
    let user = User::with_chats();
    for (code, message, arguments) in [
        (2, "subcommand", &[][..]),
        (2, "unrecognized subcommand", &["lss"]),
        (2, "invalid value", &["ls", "--sort", "size"]),
        (2, "invalid value", &["ls", "--limit", "many"]),
        (2, "invalid value", &["ls", "--status", "gone"]),
        (2, "begins with a slash", &["ls", "--meta", "project=demo"]),
        (2, "which is no time", &["ls", "--created-from", "yesterday"]),
        (
            2,
            "lies after",
            &["ls", "--created-from", "2026-11-21", "--created-to", "2026-11-20"],
        ),
        (2, "cannot be used with", &["ls", "--empty", "--not-empty"]),
        (2, "neither a number nor a string", &["ls", "--meta", "/a>[1]"]),
        (2, "required", &["show"]),
        (2, "is empty", &["show", ""]),
        (3, "there is no message 9", &["show", "support", "--from", "9"]),
        (2, "lies behind", &["show", "support", "--from", "3", "--to", "2"]),
        (2, "0 is not in", &["show", "support", "--from", "0"]),
        (
            2,
            "cannot be used with",
            &["show", "support", "--last", "1", "--to", "2"],
        ),
        (1, "the newest step needs", &["window", "support", "--max-tokens", "1"]),
        (
            2,
            "nothing is left for the prompt",
            &["window", "support", "--max-tokens", "9", "--reserve", "9"],
        ),
        (2, "low_water_percent", &["window", "support", "--low-water", "101"]),
        (2, "required", &["search"]),
        (2, "is not in", &["search", "x", "--limit", "1001"]),
        (2, "invalid value", &["search", "x", "--role", "nobody"]),
        (2, "said_from is 'now'", &["search", "x", "--said-from", "now"]),
        (2, "is not in", &["stats", "--days", "0"]),
        (2, "required", &["events", "--interval", "5"]),
        (2, "cannot be used with", &["append", "support", "x", "--file", "y"]),
        (3, "there is no file", &["append", "support", "--file", "absent.md"]),
        (2, "required", &["append", "support", "x", "--title", "t"]),
        (2, "tool message must follow", &["append", "support", "-r", "tool", "x"]),
        (
            2,
            "only a tool message",
            &["append", "support", "--tool-call-id", "c", "x"],
        ),
        (2, "tokens", &["append", "support", "--tokens", "4000000000", "x"]),
        (2, "required", &["chat"]),
        (3, "there is no message 9", &["fork", "support", "--at", "9"]),
        (6, "support", &["fork", "support", "--id", "support"]),
        (2, "required", &["rewind", "support", "--yes"]),
        (
            2,
            "cannot be used with",
            &["rewind", "support", "--to", "1", "--by", "1"],
        ),
        (3, "there is no message 9", &["rewind", "support", "--to", "9", "--yes"]),
        (2, "required", &["rename", "support"]),
        (2, "cannot be used with", &["rename", "support", "n", "--no-name"]),
        (2, "control character", &["rename", "support", "a\u{7f}b"]),
        (2, "required", &["tag", "support"]),
        (2, "a tag is empty", &["tag", "support", ""]),
        (2, "required", &["rm"]),
        (2, "required", &["erase"]),
        (2, "required", &["archive"]),
        (2, "required", &["trash"]),
        (2, "required", &["restore"]),
        (2, "required", &["backup"]),
        (2, "required", &["salvage"]),
        (2, "unexpected argument", &["check", "x"]),
        (2, "unexpected argument", &["vacuum", "x"]),
        (2, "cannot be used with", &["config", "a.toml", "--config", "b.toml"]),
        (2, "invalid value", &["completions", "cmd"]),
        (2, "unexpected argument", &["tree", "support", "fork"]),
        (2, "in memory", &["ls", "--store", ":memory:"]),
    ] {
        user.refused(code, message, arguments);
    }
}

#[test]
fn a_folder_that_is_not_there_is_a_typo_even_with_create() {
    let user = User::new();
    user.refused(
        3,
        "no/such",
        &["append", "a", "--create", "--store", "no/such/chats.db", "x"],
    );
    assert!(!user.path("no").exists());
}

#[test]
fn the_data_folder_is_made_with_create_and_only_then() {
    let user = User::new();
    let run = |arguments: &[&str]| {
        let command = &mut user.command(arguments);
        command.env_remove("TURNKEEP_STORE").status().unwrap().code()
    };
    assert_eq!(run(&["append", "a", "x"]), Some(3));
    assert!(!user.path("data").exists());
    assert_eq!(run(&["append", "a", "--create", "x"]), Some(0));
    assert!(user.path("data/turnkeep/turnkeep.db").exists());
    assert_eq!(run(&["show", "a"]), Some(0));
}
