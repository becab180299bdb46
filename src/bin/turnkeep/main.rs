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

use args::Arguments;
use clap::Parser;
use clap::error::ErrorKind;
use failure::{Exit, Failure};
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
fn reason(refused: &clap::Error) -> String {
    if refused.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "there is no command; `turnkeep --help` lists them".to_owned();
    }
    let said = refused.to_string();
    let (reason, _) = said.split_once("\n\nUsage:").unwrap_or((&said, ""));
    let reason = reason.strip_prefix("error: ").unwrap_or(reason);
    reason.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Help and version, and what is no command line of this program.
fn refuse(refused: &clap::Error) -> ExitCode {
    let is_answer = matches!(refused.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    if wants_json && !is_answer {
        Failure::usage(reason(refused)).report(true);
    } else {
        // Whoever closed the other end does not want to read it.
        let _unread = refused.print();
        let _unread = std::io::stdout().flush();
    }
    if is_answer { Exit::Done } else { Exit::Usage }.into()
}
