//! What a conversation holds cannot steer a terminal, whoever closed the pipe is not shouted at, and who looks changes nothing.

use crate::user::User;
use std::io::{BufRead, BufReader};
use turnkeep::model::{AppendOptions, NewMessage, NewSession, Role};
use turnkeep::{Store, StoreOptions};

/// Colours, a title for the window, a cursor that goes up, eight-bit CSI, a bell, a text that turns round, a line that ends.
const NASTY: &str = "a\u{1b}[31mb\u{1b}]0;title\u{7}c\u{1b}[2Ad\u{9b}31me\r\u{202E}f\u{2066}g\u{85}h\0i\u{7f}";

fn steers(text: &str) -> Option<char> {
    text.chars().find(|c| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}')
            || matches!(c, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{206F}')
    })
}

fn user_with_nasty_chat() -> User {
    let user = User::new();
    let store = Store::open(user.store().to_str().unwrap(), StoreOptions::default()).unwrap();
    let calls = serde_json::json!([{ "function": { "name": NASTY, "arguments": NASTY } }]).to_string();
    let session = NewSession {
        // An id has no control characters, but it may turn the direction.
        id: Some("x\u{202E}y".to_owned()),
        name: Some("nasty\u{2066}".to_owned()),
        title: NASTY.to_owned(),
        summary: NASTY.to_owned(),
        tags: vec!["\u{202E}".to_owned()],
        metadata: Some(serde_json::json!({ "a": NASTY }).to_string()),
        messages: vec![
            NewMessage::new(Role::User, format!("word {NASTY}")),
            NewMessage {
                tool_calls: Some(calls),
                ..NewMessage::new(Role::Assistant, NASTY)
            },
        ],
        ..NewSession::default()
    };
    let session = store.create_session(session).unwrap();
    session
        .fork(
            None,
            NewSession {
                id: Some("fork".to_owned()),
                ..NewSession::default()
            },
        )
        .unwrap();
    session
        .append(vec![NewMessage::new(Role::User, "z")], AppendOptions::default())
        .unwrap();
    store.close().unwrap();
    user
}

#[test]
fn escapes_in_contents_are_shown_and_not_sent() {
    let user = user_with_nasty_chat();
    let settings = user.write("s.toml", "[session]\nstorage_path = \"chats.db\"\nevent_log_rows = 9\n");
    user.done(&["--config", &settings, "append", "x", "z"]);
    for arguments in [
        &["ls"][..],
        &["show", "x"],
        &["tree"],
        &["tree", "x"],
        &["window", "x"],
        &["window", "x", "--max-tokens", "60"],
        &["search", "word", "--context", "1"],
        &["stats"],
        &["events"],
        &["check"],
        &["tag", "x", "t"],
        &["archive", "x"],
        &["restore", "x"],
        &["append", "x", "y"],
        &["fork", "x", "--id", "\u{202E}"],
        &["rewind", "x", "--by", "1", "--yes"],
        &["rename", "x", "n\u{202E}"],
        &["rm", "\u{202E}", "--yes"],
        &["erase", "fork", "--yes"],
        &["show", "absent\u{1b}\u{202E}"],
        &["ls", "--store", "absent\u{1b}\u{202E}"],
    ] {
        for json in [&[][..], &["--json"]] {
            if json == ["--json"] && matches!(arguments[0], "rm" | "erase" | "fork") {
                continue;
            }
            let said = user.run(&[arguments, json].concat());
            for text in [&said.out, &said.err] {
                assert_eq!(steers(text), None, "{arguments:?} {json:?}: {text:?}");
            }
        }
    }
}

#[test]
fn escapes_in_a_refused_command_line_are_shown_and_not_sent() {
    let user = User::new();
    let evil = "\u{1b}]0;EVIL\u{7}\u{9b}31m\u{202E}\u{200E}";
    for arguments in [
        &["ls", "--sort", evil][..],
        &[evil],
        &["ls", evil],
        &[evil, "--help"],
        &["ls", &format!("--{evil}")],
        &["ls", "-n", evil],
        &["export", "--format", evil],
        &["help", evil],
    ] {
        for json in [&[][..], &["--json"]] {
            let mut command = user.command(&[arguments, json].concat());
            // As on a terminal: without it, the parser leaves out what a pipe does not understand.
            command.env("CLICOLOR_FORCE", "1");
            let said = crate::user::said(command.spawn().unwrap());
            assert_eq!((said.code, said.out.as_str()), (2, ""), "{arguments:?}: {said:?}");
            assert_eq!(steers(&said.err), None, "{arguments:?}: {said:?}");
            assert!(said.err.contains("EVIL"), "it is told what was wrong: {said:?}");
        }
    }
}

#[test]
fn an_answer_is_made_harmless_for_people_and_kept_as_it_is() {
    let user = user_with_nasty_chat();
    let said = user.run_with("hi\n", &["chat", "x", "--answerer", "printf '\\033[31mred\\n'"]);
    assert_eq!(said.out, "␛[31mred\n", "{said:?}");
    assert_eq!(user.contents("x").last().unwrap(), "\u{1b}[31mred");
}

#[test]
fn json_holds_what_is_there_whatever_it_is() {
    let user = user_with_nasty_chat();
    assert_eq!(user.contents("x")[1], NASTY);
}

#[test]
fn colours_are_for_terminals_and_for_who_asks() {
    let user = User::with_chats();
    assert!(!user.done(&["show", "support"]).contains('\u{1b}'));
    assert!(
        user.done(&["show", "support", "--color", "always"])
            .contains("\u{1b}[1m\u{1b}[36muser\u{1b}[0m")
    );
    assert!(
        !user
            .done(&["show", "support", "--color", "always", "--json"])
            .contains('\u{1b}')
    );
}

#[test]
fn who_closed_the_pipe_is_not_shouted_at() {
    let user = User::new();
    let long = user.write("long.txt", "line\n".repeat(100_000));
    user.done(&["append", "a", "--create", "--file", &long]);
    for arguments in [
        &["show", "a"][..],
        &["show", "a", "--json"],
        &["completions", "zsh"],
        &["export", "a"],
        &["show", "a", "--color", "always"],
    ] {
        let mut child = user.command(arguments).spawn().unwrap();
        let mut line = String::new();
        BufReader::with_capacity(16, child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap_or_default();
        let said = crate::user::said(child);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{arguments:?}");
    }
}

#[test]
fn who_only_looks_changes_no_byte() {
    let user = User::with_chats();
    let before = std::fs::read(user.store()).unwrap();
    let revision = user.json(&["show", "support"])["session"]["revision"].clone();
    for arguments in [
        &["ls"][..],
        &["show", "support"],
        &["tree"],
        &["window", "support"],
        &["stats"],
        &["events"],
        &["check"],
    ] {
        user.done(arguments);
    }
    assert_eq!(std::fs::read(user.store()).unwrap(), before);
    assert_eq!(user.json(&["show", "support"])["session"]["revision"], revision);
}
