//! `export` and `import`.

use crate::shapes::parsed;
use crate::user::{User, as_text, said};
use serde_json::Value;
use std::process::Command;
use std::time::{Duration, Instant};

/// Every field of every session and message, as `ls` and `show` tell them.
fn everything(user: &User) -> Vec<Value> {
    let ids = user.ids(&[
        "--status", "active", "--status", "archived", "--status", "trashed", "--sort", "id",
    ]);
    ids.iter().map(|id| user.json(&["show", id])).collect()
}

#[test]
fn what_is_exported_and_imported_is_the_same() {
    let user = User::with_chats();
    user.done(&["rename", "fork", "cooler"]);
    user.done(&["trash", "support"]);
    let report = user.json(&["export", "-o", "all.jsonl"]);
    assert_eq!(
        (&report["format"], &report["sessions"]),
        (&"turnkeep".into(), &2.into())
    );
    let other = User::new();
    let file = as_text(&user.path("all.jsonl"));
    let report = &other.json(&["import", &file, "--create"])["files"][0];
    assert_eq!(
        (&report["sessions"], &report["forks"], &report["failed"]),
        (&2.into(), &1.into(), &0.into())
    );
    assert_eq!(everything(&other), everything(&user));
}

#[test]
fn export_writes_what_was_asked_for_to_stdout() {
    let user = User::with_chats();
    let all = user.done(&["export"]);
    assert_eq!(all.matches(r#""type":"session""#).count(), 2, "{all}");
    for arguments in [
        &["fork"][..],
        &["--parent", "support"],
        &["--text", "cool", "--format", "turnkeep"],
    ] {
        let one = user.done(&[&["export"], arguments].concat());
        assert_eq!(one.matches(r#""type":"session""#).count(), 1, "{one}");
        assert!(one.contains(r#""id":"fork""#), "{one}");
    }
    assert!(
        user.run(&["export", "fork"])
            .err
            .contains("exported 1 sessions with 2 messages as turnkeep")
    );
}

#[test]
fn export_replaces_no_file_unasked() {
    let user = User::with_chats();
    let file = user.write("there.jsonl", "mine");
    user.refused(6, "left untouched", &["export", "-o", &file]);
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    user.done(&["export", "-o", &file, "--overwrite"]);
    assert!(std::fs::read_to_string(&file).unwrap().contains("only warm"));
}

/// A link that leads nowhere is there for whoever makes a file, and not for whoever looks for one: as is a file that somebody
/// makes between the look and the making.
#[test]
fn export_replaces_nothing_that_a_look_does_not_find() {
    let user = User::with_chats();
    std::os::unix::fs::symlink("nowhere", user.path("link.jsonl")).unwrap();
    user.refused(6, "'link.jsonl' exists already", &["export", "-o", "link.jsonl"]);
    assert!(user.path("link.jsonl").is_symlink());
    user.done(&["export", "-o", "new.jsonl"]);
    assert_eq!(user.files(), ["chats.db", "link.jsonl", "new.jsonl"]);
}

#[test]
fn what_the_store_has_already_is_skipped_overwritten_or_kept_beside() {
    let user = User::with_chats();
    user.done(&["export", "support", "-o", "one.jsonl"]);
    let import = |existing: &str| user.json(&["import", "one.jsonl", "--existing", existing])["files"][0].clone();
    let skipped = import("skip");
    assert_eq!(
        (&skipped["skipped"], &skipped["problems"][0]["kind"]),
        (&1.into(), &"skipped".into())
    );
    user.done(&["append", "support", "later"]);
    assert_eq!(import("overwrite")["overwritten"], 1);
    assert_eq!(user.contents("support").len(), 3);
    assert_eq!(import("keep-both")["sessions"], 1);
    assert_eq!(user.ids(&[]).len(), 3);
    let said = user.run(&["import", "one.jsonl"]);
    assert!(said.out.contains("1 were there already and were skipped"), "{said:?}");
    assert!(said.out.contains("WHAT     SESSION  WHERE"), "{said:?}");
}

#[test]
fn a_dry_run_changes_nothing_and_makes_nothing() {
    let user = User::with_chats();
    user.done(&["export", "-o", "all.jsonl"]);
    user.done(&["rm", "fork", "--yes"]);
    let report = user.json(&["import", "all.jsonl", "--dry-run"]);
    assert_eq!(
        (&report["dry_run"], &report["files"][0]["sessions"]),
        (&true.into(), &1.into())
    );
    assert_eq!(user.ids(&[]), ["support"]);
    let other = User::new();
    let file = as_text(&user.path("all.jsonl"));
    let said = other.run(&["import", &file, "--dry-run", "--create"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.out
            .contains("2 sessions with 3 messages would be imported as turnkeep"),
        "{said:?}"
    );
    assert!(!other.store().exists());
}

#[test]
fn a_dry_run_looks_at_each_file_by_itself_as_the_help_says() {
    let user = User::with_chats();
    user.done(&["export", "support", "-o", "one.jsonl"]);
    let file = as_text(&user.path("one.jsonl"));
    let other = User::new();
    let dry = other.json(&["import", &file, &file, "--create", "--dry-run"]);
    assert_eq!(dry["files"][1]["sessions"], 1, "{dry}");
    let wet = other.json(&["import", &file, &file, "--create"]);
    assert_eq!(wet["files"][1]["skipped"], 1, "{wet}");
    let help = other.done(&["import", "--help"]);
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("A dry run looks at each file by itself"), "{help}");
}

#[test]
fn an_import_that_is_wrong_takes_nothing_in() {
    let user = User::with_chats();
    let whole = user.done(&["export", "support"]);
    let cut = user.write(
        "cut.jsonl",
        whole
            .lines()
            .take(2)
            .map(|line| format!("{line}\n"))
            .collect::<String>(),
    );
    user.done(&["rm", "support", "--yes"]);
    let said = user.run(&["import", "--format", "turnkeep", &cut]);
    assert_ne!(said.code, 0, "{said:?}");
    assert_eq!(user.ids(&[]), ["fork"]);
}

#[test]
fn files_are_taken_in_one_after_the_other_and_the_first_that_is_wrong_ends_it() {
    let user = User::with_chats();
    user.done(&["export", "support", "-o", "one.jsonl"]);
    user.done(&["export", "fork", "-o", "two.jsonl"]);
    let other = User::new();
    let [one, two] = ["one.jsonl", "two.jsonl"].map(|name| as_text(&user.path(name)));
    let wrong = other.write("wrong.jsonl", "{\"type\":\"turnkeep\",\"version\":99}\n");
    let said = other.run(&["import", "--create", "--format", "turnkeep", &one, &wrong, &two]);
    assert_ne!(said.code, 0, "{said:?}");
    assert!(said.err.contains("after 1 of 3 files were imported"), "{said:?}");
    assert_eq!(other.ids(&[]), ["support"]);
    let said = other.run(&["import", &one, &two, "--json"]);
    assert_eq!(
        parsed(&other, "import", &said.out)["files"].as_array().unwrap().len(),
        2
    );
    assert_eq!(other.ids(&["--sort", "id"]), ["fork", "support"]);
}

#[test]
fn a_file_that_is_wrong_does_not_hide_what_was_taken_in_before() {
    let user = User::with_chats();
    user.done(&["export", "support", "-o", "one.jsonl"]);
    let wrong = user.write("wrong.jsonl", "{\"type\":\"turnkeep\",\"version\":99}\n");
    for more in [&["--existing", "skip"][..], &["--dry-run"]] {
        let import = ["import", "--format", "turnkeep", "one.jsonl", &wrong, "--json"];
        let said = user.run(&[&import, more].concat());
        assert_ne!(said.code, 0, "{said:?}");
        let files = &parsed(&user, "import", &said.out)["files"];
        assert_eq!(
            (files.as_array().unwrap().len(), &files[0]["file"], &files[0]["skipped"]),
            (1, &"one.jsonl".into(), &1.into())
        );
        let error: Value = serde_json::from_str(&said.err).unwrap();
        assert_eq!(error["error"]["exit"], said.code);
    }
}

#[test]
fn an_import_that_fails_makes_no_store() {
    let user = User::new();
    let bad = user.write("bad.txt", "no conversation\n");
    std::fs::create_dir(user.path("folder")).unwrap();
    let wrong = user.write("wrong.jsonl", "{\"type\":\"turnkeep\",\"version\":99}\n");
    let before = user.files();
    for source in [&bad, "folder", &wrong] {
        let said = user.run(&["import", source, "--create"]);
        assert_ne!(said.code, 0, "{said:?}");
        assert!(!said.err.contains(".partial"), "{said:?}");
        assert_eq!(user.files(), before, "{source}");
        assert!(!user.path("chats.db-wal").exists(), "{source}");
    }
}

#[test]
fn an_import_makes_the_store_with_the_first_file_and_nothing_beside_it() {
    let user = User::with_chats();
    user.done(&["export", "support", "-o", "one.jsonl"]);
    user.done(&["export", "fork", "-o", "two.jsonl"]);
    let [one, two] = ["one.jsonl", "two.jsonl"].map(|name| as_text(&user.path(name)));
    let other = User::new();
    other.done(&["import", &one, &two, "--create"]);
    assert_eq!(other.files(), ["chats.db"]);
    assert_eq!(other.ids(&["--sort", "id"]), ["fork", "support"]);
    // What a link leads to is made where it leads.
    let linked = User::new();
    std::os::unix::fs::symlink("elsewhere.db", linked.store()).unwrap();
    linked.done(&["import", &one, "--create"]);
    assert_eq!(linked.files(), ["chats.db", "elsewhere.db"]);
    assert_eq!(linked.ids(&[]), ["support"]);
}

/// Before that, Ctrl-C ends a program as it ends any other.
fn wait_until_ctrl_c_is_heard(process: u32) {
    const SIGINT: u64 = 1 << 1;
    let is_heard = || {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        u64::from_str_radix(caught.trim(), 16).unwrap() & SIGINT != 0
    };
    let begin = Instant::now();
    while !is_heard() {
        assert!(begin.elapsed() < Duration::from_secs(30), "nobody listens for Ctrl-C");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The source is so long that the import is in the midst of it when Ctrl-C comes.
#[test]
fn ctrl_c_ends_an_import_and_nothing_is_taken_in() {
    let user = User::with_chats();
    user.done(&["append", "long", "--create", "word"]);
    let exported = user.done(&["export", "long"]);
    let (head, message) = exported.split_once(r#"{"type":"message","seq":1"#).unwrap();
    let message = message.lines().next().unwrap();
    let messages = |seqs: std::ops::Range<u32>| -> String {
        let line = |seq| format!("{{\"type\":\"message\",\"seq\":{seq}{message}\n");
        seqs.map(line).collect()
    };
    user.done(&["rm", "long", "--yes"]);
    let file = user.write("long.jsonl", format!("{head}{}", messages(1..300_000)));
    let importing = user.start(&["import", "--format", "turnkeep", &file]);
    wait_until_ctrl_c_is_heard(importing.id());
    let interrupted = Command::new("kill")
        .args(["-INT", &importing.id().to_string()])
        .status()
        .unwrap();
    assert!(interrupted.success());
    let ended = said(importing);
    assert_eq!((ended.code, ended.out.as_str()), (130, ""), "{ended:?}");
    assert!(ended.err.contains("stopped by Ctrl-C"), "{ended:?}");
    assert_eq!(user.ids(&["--sort", "id"]), ["fork", "support"]);
}

#[test]
fn wrong_words_are_refused() {
    let user = User::with_chats();
    for (code, message, arguments) in [
        (2, "invalid value", &["export", "--format", "docx"][..]),
        (2, "invalid value", &["export", "--format", "chatgpt"]),
        (2, "both given", &["export", "support", "--tag", "work"]),
        (
            3,
            "there is no session 'absent'",
            &["export", "absent", "-o", "x.jsonl"],
        ),
        (2, "required", &["export", "--overwrite"]),
        (3, "no-such-folder", &["export", "-o", "no-such-folder/x.jsonl"]),
        (2, "required", &["import"]),
        (2, "invalid value", &["import", "x", "--format", "html"]),
        (2, "invalid value", &["import", "x", "--existing", "merge"]),
        (3, "there is no file 'absent.jsonl'", &["import", "absent.jsonl"]),
    ] {
        user.refused(code, message, arguments);
    }
    let said = user.run(&["export", "--json"]);
    assert_eq!(said.code, 2, "{said:?}");
    let other = User::new();
    other.refused(3, "there is no file", &["import", "absent.jsonl", "--create"]);
    assert!(!other.store().exists(), "a typo makes no store");
}
