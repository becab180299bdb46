//! `backup`, `check`, `salvage`, `vacuum`, `config`, `completions`.

use crate::user::{User, as_text};

/// Takes a message out of the file behind the store's back.
fn damage(user: &User) {
    let connection = rusqlite::Connection::open(user.store()).unwrap();
    let removed = connection.execute("DELETE FROM messages WHERE key IN (SELECT min(key) FROM messages)", []);
    assert_eq!(removed, Ok(1));
}

#[test]
fn a_backup_is_a_store() {
    let user = User::with_chats();
    let written = user.json(&["backup", "copy.db"]);
    let copy = user.path("copy.db");
    assert_eq!(written["bytes"], copy.metadata().unwrap().len());
    let listed = user.done(&["ls", "--store", copy.to_str().unwrap()]);
    assert_eq!(listed, user.done(&["ls"]));
    user.refused(6, "exists already", &["backup", "copy.db"]);
    user.done(&["backup", "copy.db", "--overwrite"]);
    let strange = user.write("strange.txt", "not a store at all, but a text of some length");
    user.refused(1, "left untouched", &["backup", &strange, "--overwrite"]);
}

#[test]
fn check_says_that_all_is_well_or_what_is_not() {
    let user = User::with_chats();
    assert_eq!(user.json(&["check"])["problem_count"], 0);
    assert!(user.done(&["check"]).starts_with("all is well: 2 sessions, 3 messages"));
    damage(&user);
    let said = user.run(&["check"]);
    assert_eq!(said.code, 4, "{said:?}");
    assert!(said.out.contains("problem"), "{said:?}");
    let said = user.run(&["check", "--json"]);
    assert_eq!(said.code, 4);
    let report = crate::shapes::parsed(&user, "check", &said.out);
    assert!(report["problem_count"].as_u64() > Some(0));
}

#[test]
fn salvage_brings_what_can_be_read_and_says_what_cannot() {
    let user = User::with_chats();
    assert_eq!(user.json(&["salvage", "whole.db"])["messages_lost"], 0);
    damage(&user);
    let said = user.run(&["salvage", "rest.db", "--json"]);
    assert_eq!(said.code, 4, "{said:?}");
    let report = crate::shapes::parsed(&user, "salvage", &said.out);
    assert_eq!(report["messages_lost"], 1);
    assert_eq!(user.run(&["check", "--store", "rest.db"]).code, 0);
    user.refused(6, "exists", &["salvage", "rest.db"]);
}

#[test]
fn vacuum_gives_room_back() {
    let user = User::with_chats();
    let long = user.write("long.txt", "x".repeat(1 << 20));
    user.done(&["append", "long", "--create", "--file", &long]);
    user.done(&["rm", "long", "--yes"]);
    let sizes = user.json(&["vacuum"]);
    assert!(sizes["bytes_before"].as_u64() > Some(1 << 20), "{sizes}");
    assert!(sizes["bytes_after"].as_u64() < Some(1 << 20), "{sizes}");
    assert!(user.run(&["vacuum"]).err.contains(" now"));
}

#[test]
fn config_says_where_the_store_is_and_how_it_is_opened() {
    let user = User::new();
    let here = user.json(&["config"]);
    assert_eq!(
        (&here["named_by"], &here["exists"]),
        (&"TURNKEEP_STORE".into(), &false.into())
    );
    assert_eq!(here["settings"]["durability"], "disk");
    assert_eq!(user.json(&["config", "--store", "other.db"])["store"], "other.db");
    let said = user
        .command(&["config", "--json"])
        .env_remove("TURNKEEP_STORE")
        .output()
        .unwrap();
    let by_itself = crate::shapes::parsed(&user, "config", std::str::from_utf8(&said.stdout).unwrap());
    assert_eq!(by_itself["named_by"], "the data folder");
    assert_eq!(by_itself["store"], as_text(&user.path("data/turnkeep/turnkeep.db")));
    assert!(!user.path("data").exists(), "nothing is made by looking");
}

#[test]
fn config_checks_a_settings_file() {
    let user = User::new();
    let good = user.write("good.toml", "[session]\nstorage_path = \"x.db\"\nwindow_tokens = 99\n");
    let checked = user.json(&["config", &good]);
    assert_eq!(checked["store"], as_text(&user.path("x.db")));
    assert_eq!(checked["settings"]["window_tokens"], 99);
    assert_eq!(user.json(&["config", "--config", &good]), checked);
    for (text, why) in [
        (
            "[session]\nstorage_path = \"x.db\"\nwindow_token = 9",
            "did you mean window_tokens",
        ),
        (
            "[session]\nstorage_path = \"x.db\"\ncompression_level = 99",
            "compression_level is 99",
        ),
        ("[session]\nbackend = \"memory\"", "in memory"),
        ("nonsense", "line 1"),
        ("\u{feff}", "[session]"),
    ] {
        let bad = user.write("bad.toml", text);
        user.refused(2, why, &["config", &bad]);
    }
    user.refused(3, "no settings file", &["config", "absent.toml"]);
}

#[test]
fn settings_are_those_that_a_store_is_opened_with() {
    let user = User::new();
    let settings = user.write("s.toml", "[session]\nstorage_path = \"x.db\"\nmax_session_bytes = 4\n");
    let said = user.run(&["--config", &settings, "append", "a", "--create", "12345"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(user.path("x.db").exists() && !user.store().exists());
    // What is named on the command line comes before what is named in the file.
    user.done(&[
        "--config", &settings, "--store", "y.db", "append", "a", "--create", "1234",
    ]);
    assert!(user.path("y.db").exists());
}

#[test]
fn completions_are_written_for_every_shell() {
    let user = User::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = user.done(&["completions", shell]);
        assert!(script.contains("completions") && script.contains("answerer"), "{shell}");
    }
    let bash = user.json(&["completions", "bash"]);
    assert_eq!(bash["script"], user.done(&["completions", "bash"]));
    let file = user.write("completions.bash", bash["script"].as_str().unwrap());
    if let Ok(checked) = std::process::Command::new("bash").args(["-n", &file]).status() {
        assert!(checked.success());
    }
}

#[test]
fn a_store_that_somebody_else_holds_is_busy() {
    let user = User::with_chats();
    let settings = user.write(
        "s.toml",
        "[session]\nstorage_path = \"chats.db\"\nbusy_timeout_ms = 20\n",
    );
    let other = rusqlite::Connection::open(user.store()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    user.refused(5, "another", &["--config", &settings, "append", "support", "x"]);
    // Whoever only looks does not wait.
    assert_eq!(user.ids(&[]).len(), 2);
}
