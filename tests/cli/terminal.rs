//! What is only so on a real terminal: colours, the pager, what is typed, the progress bar, the question before a deletion.
//! Python's standard library has the terminal: tests/cli_terminal.py.

use crate::user::User;
use std::io::Write;
use std::process::{Command, Stdio};

/// Runs one scenario of the script with a user's store.
fn on_a_terminal(user: &User, scenario: &str) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli_terminal.py");
    let run = Command::new("python3")
        .args([script, scenario, env!("CARGO_BIN_EXE_turnkeep")])
        .arg(user.store())
        .current_dir(user.path(""))
        .stdin(Stdio::null())
        .output();
    match run {
        Ok(run) => assert!(
            run.status.success(),
            "{}{}",
            String::from_utf8_lossy(&run.stdout),
            String::from_utf8_lossy(&run.stderr)
        ),
        Err(error) => {
            let mut stderr = std::io::stderr();
            writeln!(stderr, "{scenario}: skipped, python3 cannot be run: {error}").unwrap();
        }
    }
}

#[test]
fn show_is_in_colours_on_a_terminal_and_not_with_no_color() {
    on_a_terminal(&User::with_chats(), "colours");
}

#[test]
fn show_pages_what_is_longer_than_the_screen_and_nothing_else() {
    let user = User::with_chats();
    let long = user.write(
        "long.txt",
        (1..=200).map(|line| format!("line {line}\n")).collect::<String>(),
    );
    user.done(&["append", "long", "--create", "--file", &long]);
    on_a_terminal(&user, "pager");
}

#[test]
fn chat_is_typed_into_and_ends_with_ctrl_d_and_ctrl_c() {
    let user = User::with_chats();
    on_a_terminal(&user, "chat");
    let contents = user.contents("support");
    assert_eq!(contents[3..], ["How hot?", "HOW HOT?", "And?", "AND?", "Bye"]);
}

#[test]
fn backup_shows_a_progress_bar() {
    let user = User::with_chats();
    let long = user.write("long.txt", "x".repeat(20 << 20));
    user.done(&["append", "long", "--create", "--file", &long]);
    on_a_terminal(&user, "progress");
}

#[test]
fn export_and_import_show_progress_and_do_not_steer_the_terminal() {
    let user = User::with_chats();
    let turned = user.write("turned.txt", "\u{202E}txt.exe");
    user.done(&["append", "support", "--file", &turned]);
    on_a_terminal(&user, "transfer");
}

#[test]
fn rm_asks_and_only_yes_deletes() {
    let user = User::with_chats();
    on_a_terminal(&user, "asks");
    assert_eq!(user.ids(&[]), ["support"]);
}
