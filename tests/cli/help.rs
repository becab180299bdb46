//! The help: examples for every command, and docs/cli.md, which is made of it.
//!
//! `make manual` writes that anew (it runs this test with TURNKEEP_WRITE_MANUAL=1).

use crate::user::User;
use std::fmt::Write as _;
use std::path::Path;

/// Every command, in the order of the help.
pub(crate) fn commands(user: &User) -> Vec<String> {
    let help = user.done(&["--help"]);
    let (_, list) = help.split_once("\nCommands:\n").unwrap();
    let (list, _) = list.split_once("\n\n").unwrap();
    let names = list
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names: Vec<_> = names
        .filter(|name| !name.is_empty() && *name != "help")
        .map(str::to_owned)
        .collect();
    assert!(names.len() > 20, "{names:?}");
    names
}

/// The lines under "Examples:".
fn examples(help: &str) -> Vec<&str> {
    let (_, examples) = help.split_once("\nExamples:\n").unwrap_or_default();
    examples
        .lines()
        .take_while(|line| !line.is_empty())
        .map(str::trim)
        .collect()
}

#[test]
fn every_command_has_examples_and_says_what_its_json_is() {
    let user = User::new();
    for command in commands(&user) {
        let help = user.done(&[&command, "--help"]);
        let examples = examples(&help);
        assert!(!examples.is_empty(), "{command} has no examples");
        assert!(
            examples
                .iter()
                .any(|example| example.contains(&format!("turnkeep {command}"))),
            "{command}"
        );
        assert!(help.contains("\nJSON: "), "{command} does not say what its JSON is");
    }
}

/// The part of an example that is this program's, as far as it can be told without a shell.
fn arguments_of(example: &str) -> Vec<String> {
    let (_, command) = example.split_once("turnkeep ").unwrap();
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in command.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => words.last_mut().unwrap().push(c),
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c == '|' || c == '>' => break,
            None if c == ' ' => words.push(String::new()),
            None => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn every_example_is_understood() {
    let user = User::new();
    for command in commands(&user) {
        let help = user.done(&[&command, "--help"]);
        for example in examples(&help) {
            // With a store that is not there nothing happens; what is not understood ends with 2 before that.
            let words: Vec<String> = arguments_of(example)
                .into_iter()
                .filter(|word| word != "--create")
                .collect();
            let mut arguments: Vec<&str> = words.iter().map(String::as_str).collect();
            if !arguments.contains(&"--store") {
                arguments.extend(["--store", "absent.db"]);
            }
            let said = user.run(&arguments);
            assert_ne!(said.code, 2, "{example}: {said:?}");
        }
    }
}

/// The whole of docs/cli.md.
fn manual(user: &User) -> String {
    let mut manual = String::from(
        "# The command line\n\n\
         `turnkeep` looks into a store, talks into it, and keeps it in order. `cargo install --locked --path . --features cli` installs the \
         program\nalone, `make install` beside the library. This page is the program's own help (`make manual` writes it).\n\n",
    );
    let mut add = |title: &str, help: String| {
        write!(manual, "## {title}\n\n```text\n{}\n```\n\n", help.trim_end()).unwrap();
    };
    add("turnkeep", user.done(&["--help"]));
    for command in commands(user) {
        let help = user.done(&[&command, "--help"]);
        // What every command takes is said once.
        let general = help.find("\nGeneral:\n").unwrap();
        let behind = ["\nExamples:\n", "\nWhich sessions:\n", "\nNew session:\n"]
            .iter()
            .filter_map(|next| help[general..].find(next))
            .min()
            .unwrap();
        add(
            &format!("turnkeep {command}"),
            format!("{}{}", &help[..general], &help[general + behind..]),
        );
    }
    let lines: Vec<_> = manual.trim_end().lines().map(str::trim_end).collect();
    format!("{}\n", lines.join("\n"))
}

#[test]
fn the_committed_manual_is_what_the_help_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
    let manual = manual(&User::new());
    if std::env::var_os("TURNKEEP_WRITE_MANUAL").is_some() {
        std::fs::write(&path, &manual).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let differing = committed.lines().zip(manual.lines()).find(|(old, new)| old != new);
    assert!(
        committed == manual,
        "docs/cli.md is not what the help says: {differing:?}; run `make manual`"
    );
}

#[test]
fn version_and_help_are_answers() {
    let user = User::new();
    assert_eq!(
        user.done(&["--version"]),
        format!("turnkeep {}\n", env!("CARGO_PKG_VERSION"))
    );
    assert!(user.done(&["help", "ls"]).contains("List sessions"));
}

/// The commands of the README, as they stand there.
#[test]
fn what_the_readme_shows_at_a_shell_works() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, shown) = readme.split_once("```console\n").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    let user = User::new();
    user.write("ask-your-model", "#!/bin/sh\necho 'It is cool.'\n");
    let program = Path::new(env!("CARGO_BIN_EXE_turnkeep")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    for line in shown.lines() {
        let command = line
            .strip_prefix("$ ")
            .unwrap()
            .replace("./ask-your-model", "'sh ask-your-model'");
        let mut shell = std::process::Command::new("sh");
        shell
            .args(["-c", &command])
            .current_dir(user.path(""))
            .env("TURNKEEP_STORE", user.store());
        let done = shell
            .env("PATH", &path)
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        assert!(done.status.success(), "{line}: {done:?}");
    }
    assert_eq!(user.contents("another-try").len(), 1);
    let said = user.run_with("Cool?\n", &["chat", "support", "--answerer", "sh ask-your-model"]);
    assert_eq!(said.out, "It is cool.\n");
}
