//! Somebody at a shell, with a folder of his own.

use crate::shapes;
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A user in an empty folder; `turnkeep` takes `chats.db` there.
pub(crate) struct User {
    folder: tempfile::TempDir,
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl User {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// With a store: `support` (a question, an answer, another question), and `fork` from its second message.
    pub(crate) fn with_chats() -> Self {
        let user = Self::new();
        let begin = "support --create --title Printing --user anna --tag work";
        user.done(
            &[
                &["append"],
                begin.split(' ').collect::<Vec<_>>().as_slice(),
                &["Is the printer on fire?"],
            ]
            .concat(),
        );
        user.done(&["append", "support", "-r", "assistant", "No, it is only warm."]);
        user.done(&["append", "support", "And now?"]);
        user.done(&["fork", "support", "--at", "2", "--id", "fork", "--title", "Cooler"]);
        user
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.path("chats.db")
    }

    /// The names of what is in the user's folder, without what a store keeps beside its file.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = self.folder.path().read_dir().unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.retain(|name| !name.ends_with("-wal") && !name.ends_with("-shm"));
        names.sort();
        names
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_turnkeep"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("TURNKEEP_STORE", self.store())
            .env("HOME", self.folder.path())
            .env("XDG_DATA_HOME", self.path("data"))
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "PAGER", "LESS", "COLUMNS"] {
            command.env_remove(variable);
        }
        command
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdin(Stdio::piped()).spawn().unwrap()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments).spawn().unwrap())
    }

    pub(crate) fn run_with(&self, stdin: impl AsRef<[u8]>, arguments: &[&str]) -> Said {
        let mut child = self.start(arguments);
        // What is refused before it is read is refused all the same.
        let _unread = child.stdin.take().unwrap().write_all(stdin.as_ref());
        said(child)
    }

    /// Runs what must succeed, and returns what it said on stdout.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!(said.code, 0, "{arguments:?}: {said:?}");
        said.out
    }

    /// Runs what must succeed with --json, and has the fields that its help documents.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let out = self.done(&[arguments, &["--json"]].concat());
        shapes::parsed(self, arguments[0], &out)
    }

    /// Runs what must fail so, with one line on stderr and nothing on stdout, and the same as JSON with --json.
    pub(crate) fn refused(&self, code: i32, message: &str, arguments: &[&str]) {
        let said = self.run(arguments);
        assert_eq!((said.code, said.out.as_str()), (code, ""), "{arguments:?}: {said:?}");
        assert!(said.err.contains(message), "{arguments:?}: {said:?}");
        let said = self.run(&[arguments, &["--json"]].concat());
        assert_eq!((said.code, said.out.as_str()), (code, ""), "{arguments:?}: {said:?}");
        let error: Value =
            serde_json::from_str(&said.err).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {said:?}"));
        assert_eq!(error["error"]["exit"], code, "{arguments:?}");
        assert!(!error["error"]["kind"].as_str().unwrap().is_empty(), "{arguments:?}");
        assert!(!error["error"]["message"].as_str().unwrap().is_empty(), "{arguments:?}");
    }

    /// The contents of a session's messages.
    pub(crate) fn contents(&self, session: &str) -> Vec<String> {
        let shown = self.json(&["show", session]);
        let content = |message: &Value| message["content"].as_str().unwrap().to_owned();
        shown["messages"].as_array().unwrap().iter().map(content).collect()
    }

    pub(crate) fn ids(&self, arguments: &[&str]) -> Vec<String> {
        let listed = self.json(&[&["ls"], arguments].concat());
        let id = |session: &Value| session["id"].as_str().unwrap().to_owned();
        listed["sessions"].as_array().unwrap().iter().map(id).collect()
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        as_text(&path)
    }
}

pub(crate) fn as_text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

pub(crate) fn said(child: Child) -> Said {
    let output = child.wait_with_output().unwrap();
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
