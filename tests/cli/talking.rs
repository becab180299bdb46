//! `chat`, with and without somebody who answers.

use crate::shapes;
use crate::user::{User, said};
use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

#[test]
fn chat_without_an_answerer_keeps_what_is_typed() {
    let user = User::new();
    let said = user.run_with("one\n\ntwo \\\nlines\nlast", &["chat", "notes", "--create"]);
    assert_eq!((said.code, said.out.as_str()), (0, ""), "{said:?}");
    assert_eq!(user.contents("notes"), ["one", "two \nlines", "last"]);
}

#[test]
fn the_answerer_gets_the_window_and_its_answer_is_kept() {
    let user = User::with_chats();
    // Plain shell, so that the test needs nothing else: what it is given goes to a file.
    let answerer = "cat > given.json; echo 'It is cold.'; echo";
    let said = user.run_with(
        "Is it?\n",
        &["chat", "support", "--max-tokens", "16", "--answerer", answerer],
    );
    assert_eq!((said.code, said.out.as_str()), (0, "It is cold.\n\n"), "{said:?}");
    assert_eq!(user.contents("support").last().unwrap(), "It is cold.\n");
    let given = std::fs::read_to_string(user.path("given.json")).unwrap();
    let given: serde_json::Value = serde_json::from_str(&given).unwrap();
    assert_eq!(given["session"], "support");
    assert_eq!(given["budget_tokens"], 16);
    let messages = given["messages"].as_array().unwrap();
    assert!(messages.len() < 4, "the window, not the history: {given}");
    assert_eq!(
        messages.last().unwrap(),
        &serde_json::json!({"role": "user", "content": "Is it?"})
    );
}

#[test]
fn an_answerer_that_fails_is_reported_and_the_question_is_kept() {
    let user = User::with_chats();
    for (answerer, why) in [
        ("exit 3", "failed (exit status: 3)"),
        ("true", "wrote nothing"),
        ("printf '\\377'", "not UTF-8"),
        ("no-such-program-anywhere", "failed (exit status: 127)"),
    ] {
        let before = user.contents("support").len();
        let said = user.run_with("Anybody?\n", &["chat", "support", "--answerer", answerer]);
        assert_eq!(said.code, 1, "{answerer}: {said:?}");
        assert!(said.err.contains(why), "{answerer}: {said:?}");
        assert_eq!(user.contents("support")[before..], ["Anybody?"], "{answerer}");
    }
    // The next one may succeed, and then all is well.
    let answerer = "if [ -e tried ]; then echo yes; else touch tried; exit 1; fi";
    assert_eq!(
        user.run_with("a\nb\n", &["chat", "support", "--answerer", answerer])
            .code,
        0
    );
    assert_eq!(user.contents("support").last().unwrap(), "yes");
}

#[test]
fn a_long_window_and_a_long_answer_do_not_wait_for_each_other() {
    let user = User::new();
    let long = "word ".repeat(100_000);
    let said = user.run_with(
        format!("{long}\n"),
        &["chat", "a", "--create", "--max-tokens", "1000000", "--answerer", "cat"],
    );
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(user.contents("a")[1].len() > 500_000);
}

#[test]
fn chat_writes_a_json_line_for_each_message() {
    let user = User::new();
    let said = user.run_with("hi\n", &["chat", "--create", "--json", "--answerer", "echo ho"]);
    let lines: Vec<_> = said.out.lines().collect();
    let values: Vec<_> = lines
        .iter()
        .map(|line| shapes::parsed_line(&user, "chat", "JSON", line))
        .collect();
    assert_eq!(values.len(), 2);
    assert_eq!(
        (&values[1]["role"], &values[1]["content"]),
        (&"assistant".into(), &"ho".into())
    );
    // Without a name the session gets an id of its own.
    assert_eq!(values[0]["session"].as_str().unwrap().len(), 36);
}

#[test]
fn ctrl_c_ends_a_chat_whatever_waits_in_its_pipe() {
    let user = User::new();
    let answerer = "touch begun; sleep 0.2; echo yes";
    let mut chat = user.start(&["chat", "a", "--create", "--answerer", answerer]);
    // The pipe stays open: only Ctrl-C ends it.
    let mut pipe = chat.stdin.take().unwrap();
    pipe.write_all("question\n".repeat(50).as_bytes()).unwrap();
    let begin = Instant::now();
    while !user.path("begun").exists() {
        assert!(begin.elapsed() < Duration::from_secs(30), "no answerer was run");
        std::thread::sleep(Duration::from_millis(10));
    }
    let interrupted = Command::new("kill")
        .args(["-INT", &chat.id().to_string()])
        .status()
        .unwrap();
    assert!(interrupted.success());
    let ended = said(chat);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{ended:?}");
    let kept = user.contents("a");
    assert!((2..20).contains(&kept.len()), "{kept:?}");
    assert_eq!(kept.last().unwrap(), "yes", "what was asked is answered");
}
