//! `chat`: what is typed, kept; and answered, if somebody answers.

use super::Work;
use crate::args::Chat;
use crate::failure::{Exit, Failure};
use crate::output::{Out, clean, note, progress, style_of};
use crate::place::Access;
use crate::{json, sessions, shell};
use serde_json::{Value, json};
use std::io::{BufRead, IsTerminal, Write, stderr, stdin};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use turnkeep::Session;
use turnkeep::context::WindowOptions;
use turnkeep::model::{AppendOptions, NewMessage, Role};

/// What comes from the user.
enum Input {
    Line(String),
    /// Ctrl-D or Ctrl-C.
    End,
    Failed(std::io::Error),
}

/// What comes, and whether Ctrl-C has ended it, whatever of it still waits.
struct Inputs {
    coming: Receiver<Input>,
    is_stopped: Arc<AtomicBool>,
}

impl Inputs {
    fn next(&self) -> Input {
        let next = self.coming.recv().unwrap_or(Input::End);
        // Looked at after the waiting: Ctrl-C may find a line in the channel and no room behind it.
        if self.is_stopped.load(Ordering::Acquire) {
            return Input::End;
        }
        next
    }
}

pub(crate) fn chat(work: &mut Work, chat: &Chat) -> Result<Exit, Failure> {
    let access = if chat.create.create {
        Access::Create
    } else {
        Access::Write
    };
    let store = work.store(access)?;
    let (session, created) = sessions::find_or_create(&store, chat.session.as_deref(), &chat.create)?;
    let is_typed = stdin().is_terminal();
    if is_typed {
        let what = if created { "new session" } else { "session" };
        note(format!("{what} '{}'; Ctrl-D ends", session.id()));
    }
    let input = listen()?;
    let mut last_failed = false;
    loop {
        if is_typed {
            prompt(&work.out)?;
        }
        let Some(message) = next_message(&input)? else { break };
        if message.trim().is_empty() {
            continue;
        }
        keep(&mut work.out, &session, Role::User, &message)?;
        if let Some(command) = &chat.answerer {
            last_failed = match answer(&session, command, chat) {
                Ok(answer) => {
                    keep(&mut work.out, &session, Role::Assistant, &answer)?;
                    show_answer(&mut work.out, &answer, is_typed)?;
                    false
                }
                Err(failure) => {
                    failure.report(work.out.as_json);
                    true
                }
            };
        }
    }
    if is_typed {
        note("");
    }
    store.close()?;
    work.out.flush()?;
    Ok(if last_failed { Exit::Failed } else { Exit::Done })
}

/// A thread of its own waits for lines, so that Ctrl-C is heard while nothing is typed. It reads one line ahead and no more.
fn listen() -> Result<Inputs, Failure> {
    let (say, coming) = sync_channel(1);
    let is_stopped = Arc::new(AtomicBool::new(false));
    let (stop, stopping): (SyncSender<Input>, _) = (say.clone(), Arc::clone(&is_stopped));
    shell::on_interrupt(move || {
        stopping.store(true, Ordering::Release);
        // Wakes whoever waits; where there is no room, nobody waits.
        let _heard = stop.try_send(Input::End);
    })?;
    std::thread::spawn(move || {
        let mut lines = stdin().lock();
        loop {
            let mut line = String::new();
            let next = match lines.read_line(&mut line) {
                Ok(0) => Input::End,
                Ok(_) => Input::Line(line),
                Err(error) => Input::Failed(error),
            };
            let is_last = !matches!(next, Input::Line(_));
            if say.send(next).is_err() || is_last {
                return;
            }
        }
    });
    Ok(Inputs { coming, is_stopped })
}

/// Lines up to one that does not end in a backslash; `None` at the end.
fn next_message(input: &Inputs) -> Result<Option<String>, Failure> {
    let mut message = String::new();
    loop {
        match input.next() {
            Input::Line(line) => {
                let line = line.strip_suffix('\n').unwrap_or(&line);
                let line = line.strip_suffix('\r').unwrap_or(line);
                match line.strip_suffix('\\') {
                    Some(begun) => {
                        message.push_str(begun);
                        message.push('\n');
                    }
                    None => {
                        message.push_str(line);
                        return Ok(Some(message));
                    }
                }
            }
            Input::Failed(error) => {
                return Err(Failure::failed(format!("cannot read what was typed: {error}")));
            }
            Input::End => return Ok(None),
        }
    }
}

fn prompt(out: &Out) -> Result<(), Failure> {
    let prompt = match stderr().is_terminal() {
        true => out.paint(style_of(Role::User), "you>"),
        false => "you>".to_owned(),
    };
    write!(stderr(), "{prompt} ")?;
    Ok(stderr().flush()?)
}

fn keep(out: &mut Out, session: &Session, role: Role, content: &str) -> Result<(), Failure> {
    let receipt = session.append(vec![NewMessage::new(role, content)], AppendOptions::default())?;
    if out.as_json {
        for message in session.message(receipt.first_seq.into())?.iter() {
            out.json_line(&json::with(json::message(message), "session", session.id()))?;
        }
    }
    Ok(())
}

fn show_answer(out: &mut Out, answer: &str, is_typed: bool) -> Result<(), Failure> {
    if out.as_json {
        return Ok(());
    }
    let who = out.paint(style_of(Role::Assistant), "assistant>");
    if is_typed {
        out.text(format!("{who} "))?;
    }
    out.line(clean::text(answer))?;
    out.flush()
}

/// What the command answers to the window.
fn answer(session: &Session, command: &str, chat: &Chat) -> Result<String, Failure> {
    let failed = |what: String| {
        Failure::new(
            Exit::Failed,
            "ANSWERER",
            format!("the answerer '{command}' {what}; the message is kept without an answer"),
        )
    };
    let prompt = prompt_for(session, chat)?;
    let spinner = progress::spinner("waiting for the answer");
    let child = shell::command(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let answered = child.and_then(|child| talk(child, prompt));
    spinner.finish_and_clear();
    let answered = answered.map_err(|error| failed(format!("cannot be run: {error}")))?;
    if !answered.status.success() {
        return Err(failed(format!("failed ({})", answered.status)));
    }
    let text = String::from_utf8(answered.stdout).map_err(|_| failed("wrote what is not UTF-8".to_owned()))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    if text.is_empty() {
        return Err(failed("wrote nothing".to_owned()));
    }
    Ok(text.to_owned())
}

fn prompt_for(session: &Session, chat: &Chat) -> Result<String, Failure> {
    let window = session.window(&WindowOptions {
        max_tokens: chat.max_tokens,
        reserve_tokens: chat.reserve,
        ..WindowOptions::default()
    })?;
    let report = window.report();
    let messages: Vec<Value> = window.messages().map(json::prompt_message).collect();
    let prompt = json!({
        "session": session.id(),
        "tokens": report.tokens,
        "budget_tokens": report.budget_tokens,
        "messages": messages,
    });
    Ok(format!("{prompt}\n"))
}

/// Gives a command its stdin while its stdout is read: either may be longer than a pipe holds.
fn talk(mut child: Child, prompt: String) -> std::io::Result<std::process::Output> {
    let stdin = child.stdin.take();
    let writer = std::thread::spawn(move || {
        if let Some(mut stdin) = stdin {
            // A command that does not read its stdin may still answer.
            let _unread = stdin.write_all(prompt.as_bytes());
        }
    });
    let output = child.wait_with_output();
    // It has nothing to say.
    let _ended = writer.join();
    output
}
