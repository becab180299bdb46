//! Full-text search: catching up, finding, and what a hit looks like to who asked.

use super::{Inner, Store};
use crate::cache::body::{Body, Run};
use crate::cache::view::MessageView;
use crate::error::{During, Error, Kind, Result};
use crate::metrics::Counter;
use crate::model::snippet::Snippet;
use crate::model::{MessageRef, Micros, Role, SearchOptions};
use crate::storage::Snapshot;
use crate::storage::search::Finding;
use std::ops::Range;
use std::sync::Arc;

/// What a search found, as of one moment.
pub struct SearchResults {
    hits: Vec<Hit>,
    complete: bool,
    run: Arc<Run>,
}

/// A message, or a session, that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The session's id.
    pub session_id: String,
    /// The session's title.
    pub title: String,
    /// The message; 0 is the session itself: its title, name and summary, a line for each.
    pub seq: u32,
    /// Who speaks; `None` for a session.
    pub role: Option<Role>,
    /// When it was said, or when the session had last changed as it was indexed.
    pub created: Micros,
    /// How well it fits: the more the better; 0 if nothing was ranked.
    pub score: f64,
    /// The part of the text around the first thing that was asked for.
    pub snippet: Snippet,
    /// Which of the result's messages are its neighbours and itself.
    neighbours: Range<usize>,
}

impl SearchResults {
    /// The hits, in the order that was asked for.
    pub fn hits(&self) -> &[Hit] {
        &self.hits
    }

    /// Whether everything was looked at; if not, these are the best of what there was time for.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The neighbours with their texts.
    pub fn messages_around(&self, hit: &Hit) -> impl Iterator<Item = MessageRef<'_>> {
        self.run.messages(hit.neighbours.clone())
    }

    /// The messages around a hit of this result, and the hit itself among them, in order; empty if none were asked for.
    pub fn neighbours(&self, hit: &Hit) -> &[MessageView] {
        self.run.slice(hit.neighbours.clone())
    }
}

impl Store {
    /// Finds messages and sessions by their texts: everything that was acknowledged before the call. A store that is
    /// read-only knows what was indexed by others.
    pub fn search(&self, options: &SearchOptions) -> Result<SearchResults> {
        self.inner.search(options).during(|| "search")
    }
}

impl Inner {
    fn search(&self, options: &SearchOptions) -> Result<SearchResults> {
        self.check_open()?;
        options.check()?;
        if !self.full_text {
            return Err(Error::new(
                Kind::Unsupported,
                "the store was opened with no_search; open it without, and everything in it is found",
            ));
        }
        self.meter.add(Counter::Searches, 1);
        if self.read(|snapshot| snapshot.is_search_behind())? {
            self.check_may_use_writer()?;
            let caught_up = self.indexed(self.storage.catch_up());
            self.tell_of_damage(caught_up)?;
        }
        self.read(|snapshot| find(snapshot, options))
    }

    /// Indexes from the background, as long as `goes_on` says so. Says whether all is indexed.
    pub(super) fn index_while(&self, goes_on: &dyn Fn() -> bool) -> Result<bool> {
        self.indexed(self.storage.index_while(goes_on))
    }

    /// What was deferred may have gone with an indexing that failed.
    fn indexed<T>(&self, result: Result<T>) -> Result<T> {
        if let Err(cause) = &result {
            self.find_out_what_was_lost(cause);
        }
        result
    }
}

fn find(snapshot: &dyn Snapshot, options: &SearchOptions) -> Result<SearchResults> {
    let findings = snapshot.search(options)?;
    let mut body = Body::new();
    let hits = findings
        .hits
        .into_iter()
        .map(|finding| {
            let neighbours = read_neighbours(snapshot, &finding, options.neighbours, &mut body)?;
            Ok(Hit {
                snippet: Snippet::of(&finding.text, &findings.phrases, options.snippet_chars),
                session_id: finding.session_id,
                title: finding.title,
                seq: finding.seq,
                role: finding.role,
                created: finding.created,
                score: finding.score,
                neighbours,
            })
        })
        .collect::<Result<_>>()?;
    Ok(SearchResults {
        hits,
        complete: findings.complete,
        run: Arc::clone(body.run()),
    })
}

fn read_neighbours(snapshot: &dyn Snapshot, finding: &Finding, count: u32, body: &mut Body) -> Result<Range<usize>> {
    let begin = body.run().views().len();
    if count == 0 || finding.seq == 0 {
        return Ok(begin..begin);
    }
    let Some(head) = snapshot.head(finding.session)? else {
        return Ok(begin..begin);
    };
    let first = finding.seq.saturating_sub(count).max(1);
    let last = finding.seq.saturating_add(count).min(head.place.seq);
    snapshot.messages(&head.path, first..=last, &mut |message| {
        body.push(&message);
        Ok(())
    })?;
    Ok(begin..body.run().views().len())
}
