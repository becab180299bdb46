//! The program `turnkeep`: look into a store, talk into it, keep it in order. Everything it does, it does through
//! [`turnkeep::Store`].

mod args;
mod commands;
mod failure;
mod json;
mod output;
mod place;
mod sessions;
mod shell;
mod unpublished;

use args::Arguments;
use clap::builder::Styles;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use failure::{Exit, Failure};
use output::clean;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(refused) => return refuse(&refused),
    };
    let json = arguments.general.json;
    match commands::run(arguments) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.report(json);
            failure.exit().into()
        }
    }
}

/// What is wrong, in one line and without how it would be right.
fn reason(said: &str) -> String {
    let (reason, _) = said.split_once("\n\nUsage:").unwrap_or((said, ""));
    let reason = reason.strip_prefix("error: ").unwrap_or(reason);
    reason.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What is said of a refused command line. It holds words of the command line, so the parser's own escapes must not stand in
/// it: then every one was given by somebody, and can be made harmless.
fn said(refused: &clap::Error) -> String {
    let plain = Arguments::command().styles(Styles::plain()).try_get_matches().err();
    match plain {
        Some(plain) => plain.render().ansi().to_string(),
        None => refused.to_string(),
    }
}

/// Help and version, and what is no command line of this program.
fn refuse(refused: &clap::Error) -> ExitCode {
    let is_answer = matches!(refused.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let is_without_command = refused.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    // Whoever closed the other end does not want to read any of it.
    if wants_json && !is_answer {
        let reason = if is_without_command {
            "there is no command; `turnkeep --help` lists them".to_owned()
        } else {
            reason(&said(refused))
        };
        Failure::usage(reason).report(true);
    } else if is_answer || is_without_command {
        let _unread = refused.print();
        let _unread = std::io::stdout().flush();
    } else {
        let _unread = write!(std::io::stderr(), "{}", clean::text(&said(refused)));
    }
    if is_answer { Exit::Done } else { Exit::Usage }.into()
}
