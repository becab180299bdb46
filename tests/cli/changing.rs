//! Commands that change sessions: `append`, `fork`, `rewind`, `rename`, `tag`, `archive`, `trash`, `restore`, `rm`, `erase`.

use crate::user::User;

#[test]
fn append_takes_the_text_from_an_argument_a_file_or_stdin() {
    let user = User::new();
    let receipt = user.json(&["append", "a", "--create", "from an argument"]);
    assert_eq!((&receipt["created"], &receipt["first_seq"]), (&true.into(), &1.into()));
    let file = user.write("text.md", "from a file\n\n");
    user.done(&["append", "a", "--file", &file]);
    assert_eq!(user.run_with("from\nstdin\n", &["append", "a"]).code, 0);
    assert_eq!(user.run_with("-", &["append", "a", "--file", "-"]).code, 0);
    user.done(&["append", "a", "--", "--looks-like-an-option"]);
    let contents = user.contents("a");
    assert_eq!(
        contents,
        [
            "from an argument",
            "from a file\n",
            "from\nstdin",
            "-",
            "--looks-like-an-option"
        ]
    );
}

#[test]
fn append_keeps_every_field() {
    let user = User::with_chats();
    user.done(&[
        "append",
        "support",
        "--role",
        "assistant",
        "--tokens",
        "7",
        "--model",
        "m",
        "--metadata",
        "{\"a\":1}",
        "--pinned",
        "--durability",
        "os",
        "x",
    ]);
    let message = &user.json(&["show", "support", "--last", "1"])["messages"][0];
    assert_eq!(message["role"], "assistant");
    assert_eq!(message["tokens"], 7);
    assert_eq!(message["estimated"], false);
    assert_eq!(message["model"], "m");
    assert_eq!(message["metadata"]["a"], 1);
    assert_eq!(message["pinned"], true);
}

#[test]
fn append_with_a_key_appends_once() {
    let user = User::with_chats();
    let first = user.json(&["append", "support", "--key", "k", "once"]);
    let again = user.json(&["append", "support", "--key", "k", "once"]);
    assert_eq!((&first["repeated"], &again["repeated"]), (&false.into(), &true.into()));
    assert_eq!(user.contents("support").len(), 4);
}

#[test]
fn create_makes_the_session_that_is_named_and_not_one_whose_id_begins_so() {
    let user = User::with_chats();
    user.done(&[
        "append", "sup", "--create", "--user", "bert", "--title", "T", "--tag", "t", "x",
    ]);
    let session = &user.json(&["show", "sup"])["session"];
    assert_eq!((&session["user_id"], &session["title"]), (&"bert".into(), &"T".into()));
    assert_eq!(session["tags"][0], "t");
    // The second time it is there.
    assert_eq!(user.json(&["append", "sup", "--create", "y"])["created"], false);
}

#[test]
fn what_is_wrong_with_a_message_leaves_no_store_behind() {
    let user = User::new();
    user.refused(
        2,
        "metadata is not",
        &["append", "a", "--create", "--metadata", "{", "x"],
    );
    user.refused(2, "tool_calls", &["append", "a", "--create", "--tool-calls", "[]", "x"]);
    let said = user.run_with(b"\xFF", &["append", "a", "--create"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("stdin is not UTF-8 from byte 0"), "{said:?}");
    assert!(!user.store().exists());
}

#[test]
fn fork_shares_the_beginning() {
    let user = User::with_chats();
    let session = &user.json(&["fork", "support", "--name", "n", "--tag", "more"])["session"];
    assert_eq!(
        (&session["parent_id"], &session["messages"]),
        (&"support".into(), &3.into())
    );
    assert_eq!(session["tags"], serde_json::json!(["more", "work"]));
    assert_eq!(user.contents("n"), user.contents("support"));
    assert_eq!(user.contents("fork").len(), 2);
    assert_eq!(user.done(&["fork", "support", "--id", "said"]), "said\n");
}

#[test]
fn rewind_takes_the_last_messages_back_and_leaves_forks_theirs() {
    let user = User::with_chats();
    let rewound = user.json(&["rewind", "support", "--to", "1", "--yes"]);
    assert_eq!((&rewound["removed"], &rewound["head_seq"]), (&2.into(), &1.into()));
    assert_eq!(user.contents("support").len(), 1);
    assert_eq!(user.contents("fork").len(), 2);
    user.done(&["rewind", "fork", "--by", "9", "-y"]);
    assert_eq!(user.contents("fork").len(), 0);
    // Nothing to take back is nothing to ask about.
    user.done(&["rewind", "fork", "--by", "1"]);
}

#[test]
fn names_titles_and_tags_are_given_and_taken_away() {
    let user = User::with_chats();
    let named = &user.json(&["rename", "support", "printer", "--title", "T"])["session"];
    assert_eq!((&named["name"], &named["title"]), (&"printer".into(), &"T".into()));
    assert_eq!(
        user.json(&["rename", "printer", "--no-name"])["session"]["name"],
        serde_json::Value::Null
    );
    let tagged = &user.json(&["tag", "support", "b", "a", "--remove", "work"])["session"];
    assert_eq!(tagged["tags"], serde_json::json!(["a", "b"]));
    user.done(&["rename", "support", "taken"]);
    user.refused(6, "taken", &["rename", "fork", "taken"]);
}

#[test]
fn sessions_are_put_away_thrown_away_and_taken_back() {
    let user = User::with_chats();
    assert_eq!(
        user.json(&["archive", "support", "fork"])["sessions"][1]["status"],
        "archived"
    );
    assert_eq!(user.json(&["trash", "support"])["sessions"][0]["status"], "trashed");
    assert_eq!(user.ids(&[]), ["fork"]);
    assert_eq!(user.json(&["restore", "support"])["sessions"][0]["status"], "active");
    // One that is not there keeps the others as they are.
    user.refused(3, "no session 'absent'", &["trash", "support", "absent"]);
    assert_eq!(user.ids(&["--status", "trashed"]).len(), 0);
}

#[test]
fn rm_deletes_what_was_named_and_only_with_yes_where_nobody_can_be_asked() {
    let user = User::with_chats();
    user.refused(2, "needs --yes", &["rm", "support"]);
    assert_eq!(user.ids(&[]).len(), 2);
    assert_eq!(
        user.json(&["rm", "support", "sup", "--yes"])["deleted"],
        serde_json::json!(["support"])
    );
    assert_eq!(user.ids(&[]), ["fork"]);
    assert_eq!(user.contents("fork").len(), 2, "what a fork shares stays with it");
}

#[test]
fn erase_leaves_no_copy_of_the_text_in_the_files() {
    let user = User::with_chats();
    user.done(&["append", "secret", "--create", "the-word-nobody-may-read"]);
    user.refused(2, "needs --yes", &["erase", "secret"]);
    let erased = user.json(&["erase", "secret", "-y"]);
    assert_eq!(erased["erased"][0]["messages_erased"], 1);
    for file in std::fs::read_dir(user.path("")).unwrap().map(Result::unwrap) {
        let bytes = std::fs::read(file.path()).unwrap_or_default();
        let found = bytes.windows(24).any(|bytes| bytes == b"the-word-nobody-may-read");
        assert!(!found, "{:?}", file.path());
    }
}
