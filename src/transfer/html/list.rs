//! The list of all sessions at the end of the page: forks below what they go on from.

use crate::error::Result;
use crate::model::Micros;
use crate::transfer::export::{Exported, Out};

#[derive(Default)]
pub(super) struct List {
    sessions: Vec<Listed>,
}

struct Listed {
    /// Escaped.
    heading: String,
    messages: u64,
    updated: Micros,
    /// The number of the session that this one goes on from.
    parent: Option<usize>,
}

impl List {
    /// How many there are, which is the number of the last one.
    pub(super) fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Adds a session and says which number it has.
    pub(super) fn add(&mut self, session: &Exported<'_>, heading: &str) -> usize {
        self.sessions.push(Listed {
            heading: heading.to_owned(),
            messages: session.info.message_count,
            updated: session.info.updated,
            parent: session.shares.map(|shares| shares.number),
        });
        self.len()
    }

    /// Nothing for a single session.
    pub(super) fn write(&self, messages: u64, out: &mut Out<'_>) -> Result<()> {
        if self.len() < 2 {
            return Ok(());
        }
        out.text(&format!(
            "<nav id=\"sessions\" aria-labelledby=\"sessions-h\" tabindex=\"-1\">\n<header><h2 id=\"sessions-h\">{} sessions</h2> \
             <span>{messages} messages</span> <a class=\"close\" href=\"#top\">Close</a></header>\n<ol>\n",
            self.len()
        ))?;
        for (number, depth) in self.in_order() {
            self.entry(number, depth, out)?;
        }
        out.text("</ol>\n</nav>\n")
    }

    fn entry(&self, number: usize, depth: usize, out: &mut Out<'_>) -> Result<()> {
        const DEEPEST: usize = 6;
        let Some(session) = self.sessions.get(number - 1) else {
            return Ok(());
        };
        let fork = if depth > 0 {
            "<span class=\"fork\">fork</span> "
        } else {
            ""
        };
        let messages = match session.messages {
            1 => "1 message".to_owned(),
            count => format!("{count} messages"),
        };
        out.text(&format!(
            "<li class=\"d{}\"><a href=\"#s{number}\">{fork}<bdi>{}</bdi> <small>{messages} · {}</small></a></li>\n",
            depth.min(DEEPEST),
            session.heading,
            super::day(session.updated),
        ))
    }

    /// Each session with how deep it hangs, forks directly behind what they go on from.
    fn in_order(&self) -> Vec<(usize, usize)> {
        let mut forks: Vec<Vec<usize>> = vec![Vec::new(); self.len() + 1];
        for (number, session) in (1..).zip(&self.sessions) {
            if let Some(list) = forks.get_mut(session.parent.unwrap_or_default()) {
                list.push(number);
            }
        }
        let mut ordered = Vec::with_capacity(self.len());
        let mut waiting = vec![(0, 0)];
        while let Some((number, depth)) = waiting.pop() {
            if number > 0 {
                ordered.push((number, depth - 1));
            }
            let below = forks.get(number).into_iter().flatten().rev();
            waiting.extend(below.map(|fork| (*fork, depth + 1)));
        }
        ordered
    }
}
