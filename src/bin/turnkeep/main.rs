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

/// Help and version, and what is no command line of this program.
fn refuse(refused: &clap::Error) -> ExitCode {
    let is_answer = matches!(refused.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    if wants_json && !is_answer {
        let said = refused.to_string();
        let said = said.strip_prefix("error: ").unwrap_or(&said);
        Failure::usage(said.split_whitespace().collect::<Vec<_>>().join(" ")).report(true);
    } else {
        // Whoever closed the other end does not want to read it.
        let _unread = refused.print();
        let _unread = std::io::stdout().flush();
    }
    if is_answer { Exit::Done } else { Exit::Usage }.into()
}
