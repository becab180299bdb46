//! Commands that the user gives, run by his shell; and Ctrl-C.

use crate::failure::Failure;
use std::process::Command;

/// A command line as the shell understands it.
pub(crate) fn command(line: &str) -> Command {
    let (shell, option) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut command = Command::new(shell);
    command.arg(option).arg(line);
    command
}

/// Whether the program that a command line begins with is on the PATH, or is a path to a file.
pub(crate) fn has(line: &str) -> bool {
    let program = line
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .trim_matches(['"', '\'']);
    if program.contains(std::path::MAIN_SEPARATOR) {
        return std::path::Path::new(program).is_file();
    }
    let names = [program.to_owned(), format!("{program}{}", std::env::consts::EXE_SUFFIX)];
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| names.iter().any(|name| folder.join(name).is_file()))
}

/// Has a function called when the user presses Ctrl-C, or somebody asks the program to end.
pub(crate) fn on_interrupt(act: impl FnMut() + Send + 'static) -> Result<(), Failure> {
    ctrlc::set_handler(act).map_err(|error| Failure::failed(format!("cannot listen for Ctrl-C: {error}")))
}
