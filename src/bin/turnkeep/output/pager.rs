//! Through a pager what is longer than the screen: it begins when the first screen is full.

use crate::shell;
use std::io::{self, Write, stdout};
use std::process::{Child, Stdio};
use unicode_width::UnicodeWidthChar;

pub(super) struct Pager {
    /// What is not shown yet.
    waiting: Vec<u8>,
    width: usize,
    height: usize,
    /// It has begun, or there is none and everything goes to the terminal.
    begun: Option<Target>,
}

enum Target {
    Child(Child),
    Terminal,
}

impl Pager {
    pub(super) fn new(width: usize, height: usize) -> Self {
        Self {
            waiting: Vec::new(),
            width,
            height,
            begun: None,
        }
    }

    fn begin(&mut self) -> io::Result<()> {
        let wanted = std::env::var("PAGER").unwrap_or_default();
        let wanted = if wanted.trim().is_empty() { "less" } else { &wanted };
        let mut command = shell::command(wanted);
        // Colours are shown, and one screen is not waited at; unless he says otherwise.
        if std::env::var_os("LESS").is_none() {
            command.env("LESS", "FRX");
        }
        // The shell is there even if the pager is not; then what is waiting goes nowhere else, so it is looked for first.
        let found = shell::has(wanted) && wanted.trim() != "cat";
        // Ctrl-C is for the pager; whoever writes to it must not leave it alone with the terminal.
        let _ignored = shell::on_interrupt(|| {});
        let child = found
            .then(|| command.stdin(Stdio::piped()).spawn())
            .and_then(Result::ok);
        self.begun = Some(child.map_or(Target::Terminal, Target::Child));
        let waiting = std::mem::take(&mut self.waiting);
        self.pass(&waiting)
    }

    fn pass(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.begun {
            Some(Target::Child(child)) => match &mut child.stdin {
                Some(stdin) => stdin.write_all(bytes),
                None => Ok(()),
            },
            _ => stdout().write_all(bytes),
        }
    }

    /// The lines of the screen that what is waiting takes.
    fn is_full(&self) -> bool {
        let text = String::from_utf8_lossy(&self.waiting);
        let lines: usize = text
            .lines()
            .map(|line| 1 + columns(line).saturating_sub(1) / self.width)
            .sum();
        lines >= self.height
    }
}

/// Escape sequences for colours take no room.
fn columns(line: &str) -> usize {
    let mut columns = 0;
    let mut in_escape = false;
    for c in line.chars() {
        match c {
            '\u{1b}' => in_escape = true,
            'm' if in_escape => in_escape = false,
            _ if in_escape => {}
            '\t' => columns += 8 - columns % 8,
            c => columns += c.width().unwrap_or(0),
        }
    }
    columns
}

impl Write for Pager {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.begun.is_some() {
            self.pass(bytes)?;
        } else {
            self.waiting.extend_from_slice(bytes);
            if bytes.contains(&b'\n') && self.is_full() {
                self.begin()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Pager {
    fn drop(&mut self) {
        if self.begun.is_none() {
            let waiting = std::mem::take(&mut self.waiting);
            // Whoever closed the terminal does not want to read it.
            let _unread = stdout().write_all(&waiting).and_then(|()| stdout().flush());
        }
        if let Some(Target::Child(child)) = &mut self.begun {
            drop(child.stdin.take());
            let _ended = child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_take_no_room_and_wide_characters_take_two() {
        assert_eq!(columns("\u{1b}[1;32mab\u{1b}[0m漢"), 4);
        assert_eq!(columns("a\tb"), 9);
    }
}
