//! What went wrong, as a line for people or as JSON, and the exit code that tells a script.

use crate::output::clean;
use serde_json::json;
use std::io::Write;
use std::process::ExitCode;
use turnkeep::error::{Error, Kind};

/// How the program ends. The numbers are documented in the help and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// It is done.
    Done = 0,
    /// It could not be done.
    Failed = 1,
    /// It was asked in a way that means nothing, or needs --yes.
    Usage = 2,
    /// There is no such store, session, message or file.
    NotFound = 3,
    /// The store is damaged, or a salvage could not bring everything.
    Damaged = 4,
    /// Somebody else holds the store or has changed the session: try again.
    Busy = 5,
    /// What would be made is there already.
    Exists = 6,
    /// Ctrl-C, as shells count it.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command ends before its time.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    /// The name of the kind: one of the library's, or USAGE.
    kind: &'static str,
    message: String,
    /// Nobody reads any more: there is nothing to say.
    is_silent: bool,
}

impl Failure {
    pub(crate) fn new(exit: Exit, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            exit,
            kind,
            message: message.into(),
            is_silent: false,
        }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "USAGE", message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(Exit::NotFound, "NOT_FOUND", message)
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, "FAILED", message)
    }

    pub(crate) fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "INTERRUPTED", "stopped by Ctrl-C")
    }

    /// The same, with what had been done before it.
    pub(crate) fn during(self, what: &str) -> Self {
        Self {
            message: format!("{what}: {}", self.message),
            ..self
        }
    }

    /// The same, told of another path: the one that the user knows.
    pub(crate) fn told_of(self, path: &str, known: &str) -> Self {
        Self {
            message: self.message.replace(path, known),
            ..self
        }
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// One line on stderr.
    pub(crate) fn report(&self, as_json: bool) {
        if self.is_silent {
            return;
        }
        let line = if as_json {
            let error = json!({ "kind": self.kind, "message": self.message, "exit": self.exit as u8 });
            crate::json::line(&json!({ "error": error }))
        } else {
            format!("turnkeep: {}", clean::line(&self.message))
        };
        // There is nowhere else to say it.
        let _unread = writeln!(std::io::stderr(), "{line}");
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = match error.kind() {
            Kind::Invalid | Kind::Encoding => Exit::Usage,
            Kind::NotFound => Exit::NotFound,
            Kind::Corrupt => Exit::Damaged,
            Kind::Busy | Kind::Conflict => Exit::Busy,
            Kind::Exists => Exit::Exists,
            Kind::Aborted => return Self::interrupted(),
            _ => Exit::Failed,
        };
        let kind = error.kind().c_name().to_str().unwrap_or("PANIC");
        Self::new(exit, kind, error.message())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self {
                is_silent: true,
                ..Self::new(Exit::Done, "CLOSED", "nobody reads any more")
            };
        }
        Self::failed(error.to_string())
    }
}
