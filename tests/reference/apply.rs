//! Every operation, done to a store and to the model. What the store answers never gets into the model.

use crate::lines::to_append;
use crate::model::{Answer, Kept, Line, Model, Told, refusals};
use crate::operations::{Change, New, Operation, Said, ToSession, Wanted, tag_name};
use crate::seen::shown;
use crate::subject::{Reply, Subject};
use crate::update::changes;
use std::collections::BTreeSet;
use turnkeep::model::{AppendOptions, Durability, Exchange, Filter, NewSession, Role, SearchOptions};
use turnkeep::store::Branching;
use turnkeep::{Session, Store};

/// A time between what has expired and what will.
const NOW: i64 = 1_000_000_000_000_000;

/// What both said of it.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) by_store: Reply,
    pub(crate) by_model: Answer,
}

impl Done {
    /// Whether both did the same, or refused it for the same reason.
    pub(crate) fn agrees(&self) -> bool {
        match (&self.by_store, &self.by_model) {
            (Ok(one), Ok(other)) => one.is_none_or(|one| one == *other),
            (Err(why), Err(reasons)) => reasons.contains(why),
            _ => false,
        }
    }
}

/// What an operation is done to.
pub(crate) struct Both<'a> {
    pub(crate) subject: &'a dyn Subject,
    pub(crate) model: &'a mut Model,
    /// What appends are to survive; `None` leaves it to the store.
    pub(crate) level: Option<Durability>,
    /// Another store, for sessions that are copies.
    pub(crate) copies: &'a Store,
}

fn share(part: u8, of: usize) -> usize {
    usize::from(part) * of / 255
}

fn or_refused(why: Vec<&'static str>, value: u64) -> Answer {
    if why.is_empty() { Ok(value) } else { Err(why) }
}

impl Kept {
    /// A fork with the first messages of this session and others behind them.
    fn fork(&self, id: &str, number: usize, at: usize, lines: Vec<Line>) -> Self {
        Self {
            number,
            messages: self.messages[..at].iter().cloned().chain(lines).collect(),
            title: self.title.clone(),
            summary: self.summary.clone(),
            metadata: self.metadata.clone(),
            tags: self.tags.clone(),
            window_tokens: self.window_tokens,
            max_bytes: self.max_bytes,
            expires_after: self.expires_after,
            parent: Some(id.to_owned()),
            fork_seq: at,
            ..Self::default()
        }
    }
}

impl Both<'_> {
    pub(crate) fn apply(&mut self, operation: &Operation) -> Done {
        match operation {
            Operation::Create(new) => self.create(new),
            Operation::To(session, what) => match self.model.nth(*session) {
                Some(id) => self.apply_to(&id, what),
                None => nothing(),
            },
            Operation::Change(wanted, action) => {
                let filter = self.filter(wanted);
                Done {
                    by_store: self.subject.change(&filter, action.clone()),
                    by_model: Ok(self.model.change(&filter, action)),
                }
            }
            Operation::List(wanted) => {
                let filter = self.filter(wanted);
                let expected = self.model.list(&filter);
                if let Some(listed) = self.subject.list(&filter) {
                    assert_eq!(listed, expected, "{filter:?}");
                }
                Done {
                    by_store: self.subject.count(&filter),
                    by_model: Ok(expected.len() as u64),
                }
            }
            Operation::Search(word, wanted) => {
                let word = format!("w{}q", word % (self.model.lines + 1));
                for filter in [Filter::default(), self.filter(wanted)] {
                    self.search(&word, filter);
                }
                nothing()
            }
            Operation::Cleanup => Done {
                by_store: self.subject.cleanup(),
                by_model: Ok(self.model.cleanup(NOW)),
            },
            Operation::Reopen => nothing(),
        }
    }

    fn filter(&self, wanted: &Wanted) -> Filter {
        let names = |tags: &[u8]| tags.iter().map(|tag| tag_name(*tag)).collect();
        Filter {
            statuses: wanted.statuses.clone(),
            all_tags: names(&wanted.all_tags),
            any_tags: names(&wanted.any_tags),
            has_messages: wanted.has_messages,
            parent_id: wanted.parent.and_then(|parent| self.model.nth(parent)),
            ..Filter::default()
        }
    }

    fn search(&self, word: &str, filter: Filter) {
        let expected = self.model.search(word, &filter);
        let options = SearchOptions {
            text: word.to_owned(),
            filter,
            limit: 1000,
            ..SearchOptions::default()
        };
        let Some(hits) = self.subject.search(&options) else {
            return;
        };
        assert_eq!(hits.len(), expected.len(), "{word}: {hits:?} are not {expected:?}");
        assert_eq!(hits.into_iter().collect::<BTreeSet<_>>(), expected, "{word}");
    }

    fn create(&mut self, new: &New) -> Done {
        let own = self.model.all_said(&new.messages);
        let (id, number) = self.model.new_id();
        let like = new.like.and_then(|like| self.model.nth(like));
        let name = new.name.map(|name| format!("name {name}"));
        let options = NewSession {
            id: Some(id.clone()),
            name: name.clone(),
            like: like.clone(),
            tags: new.tags.iter().map(|tag| tag_name(*tag)).collect(),
            metadata: new.metadata.then(|| r#"{"own": true}"#.to_owned()),
            window_tokens: new.window_tokens,
            max_bytes: new.max_bytes,
            expires: new.expires,
            expires_after: new.expires_after,
            messages: to_append(&own),
            ..NewSession::default()
        };
        let by_store = self.subject.create(options);
        let other = like.map(|like| self.model.sessions[&like].clone()).unwrap_or_default();
        let brings_instructions = own.first().is_some_and(|first| first.role.is_instruction());
        let head = if brings_instructions { 0 } else { other.head() };
        let mut messages = self.model.again(&other.messages[..head]);
        messages.extend(own);
        let kept = Kept {
            number,
            messages,
            title: other.title,
            name,
            metadata: match new.metadata {
                true => serde_json::json!({ "own": true }),
                false => other.metadata,
            },
            tags: new.tags.iter().map(|tag| tag_name(*tag)).chain(other.tags).collect(),
            window_tokens: new.window_tokens.or(other.window_tokens),
            max_bytes: new.max_bytes.or(other.max_bytes),
            expires: new.expires,
            expires_after: new.expires_after.or(other.expires_after),
            ..Kept::default()
        };
        let mut why = refusals(&[], &kept.messages, kept.max_bytes);
        if kept
            .name
            .as_ref()
            .is_some_and(|name| !self.model.is_name_free(name, ""))
        {
            why.push("EXISTS");
        }
        if why.is_empty() {
            self.model.sessions.insert(id, kept);
        }
        Done {
            by_store,
            by_model: or_refused(why, 1),
        }
    }

    fn apply_to(&mut self, id: &str, what: &ToSession) -> Done {
        let length = self.model.sessions[id].messages.len();
        match what {
            ToSession::Append { messages, key, stale } => self.append(id, messages, *key, *stale),
            ToSession::Exchange {
                input,
                file,
                answer,
                own,
            } => self.exchange(id, input, *file, answer, *own),
            ToSession::Update(change) => self.update(id, change),
            ToSession::Fork { at, messages } => {
                let lines = self.model.all_said(messages);
                let at = share(*at, length);
                let new = self.new_fork();
                let options = NewSession {
                    id: Some(new.0.clone()),
                    messages: to_append(&lines),
                    ..NewSession::default()
                };
                let at_seq = if at == length { None } else { Some(at as u64) };
                let by_store = self.subject.fork(id, at_seq, options);
                let by_model = self.forked(id, new, at, lines);
                Done { by_store, by_model }
            }
            ToSession::Rewind { to, stale } => {
                let to = share(*to, length);
                let kept = self.model.sessions.get_mut(id).unwrap();
                let expected_revision = stale.then_some(kept.revision + 1);
                let by_model = if *stale {
                    Err(vec!["CONFLICT"])
                } else {
                    kept.cut_to(to);
                    Ok((length - to) as u64)
                };
                Done {
                    by_store: self.subject.rewind(id, to as u64, expected_revision),
                    by_model,
                }
            }
            ToSession::Replace { from, messages, fork } => {
                let lines = self.model.all_said(messages);
                let from = share(*from, length.max(1) - 1) + 1;
                let (how, new) = self.how(*fork);
                let by_store = self.subject.replace(id, from as u64, to_append(&lines), how);
                let by_model = self.branched(id, new, from - 1, lines);
                Done { by_store, by_model }
            }
            ToSession::Regenerate { at, fork } => {
                let seq = share(*at, length);
                let (how, new) = self.how(*fork);
                let by_store = self.subject.regenerate(id, seq as u64, how);
                let by_model = match self.model.sessions[id].question(seq) {
                    Some(question) => self.branched(id, new, question, Vec::new()),
                    None => Err(vec!["INVALID"]),
                };
                Done { by_store, by_model }
            }
            ToSession::Truncate { most, tokens } => self.truncate(id, *most, *tokens),
            ToSession::Clear => {
                let kept = self.model.sessions.get_mut(id).unwrap();
                kept.cut_to(0);
                kept.summary.clear();
                Done {
                    by_store: self.subject.clear(id),
                    by_model: Ok(kept.revision),
                }
            }
            ToSession::Adopt { from, first } => self.adopt(id, *from, *first),
            ToSession::Window(options) => {
                if let Some(window) = self.subject.window(id, options) {
                    assert_eq!(window, shown(&self.copy_of(id), options));
                }
                nothing()
            }
            ToSession::Delete => {
                self.model.delete(id);
                Done {
                    by_store: self.subject.delete(id),
                    by_model: Ok(0),
                }
            }
            ToSession::Erase => {
                let (own, shared) = self.model.own_and_shared(id);
                self.model.delete(id);
                Done {
                    by_store: self.subject.erase(id),
                    by_model: Ok(own * 10_000 + shared),
                }
            }
        }
    }

    fn append(&mut self, id: &str, messages: &[Said], key: Option<u8>, stale: bool) -> Done {
        let lines = self.model.all_said(messages);
        let kept = self.model.sessions.get_mut(id).unwrap();
        let key = key.map(|key| format!("key {key}"));
        let options = AppendOptions {
            expected_revision: stale.then_some(kept.revision + 1),
            idempotency_key: key.clone(),
            durability: self.level,
        };
        let by_store = self.subject.append(id, to_append(&lines), options);
        let first_time = key.as_ref().and_then(|key| kept.receipts.get(key));
        let by_model = match first_time {
            _ if lines.is_empty() => Err(vec!["INVALID"]),
            Some((first, last)) if last + 1 - first == lines.len() => Ok(*first as u64),
            Some(_) => Err(vec!["MISMATCH"]),
            None => {
                let mut why = refusals(&kept.messages, &lines, kept.max_bytes);
                why.extend(stale.then_some("CONFLICT"));
                let first = kept.messages.len() + 1;
                if why.is_empty() {
                    kept.messages.extend(lines);
                    kept.revision += 1;
                    if let Some(key) = key {
                        kept.receipts.insert(key, (first, kept.messages.len()));
                    }
                }
                or_refused(why, first as u64)
            }
        };
        Done { by_store, by_model }
    }

    fn exchange(&mut self, id: &str, input: &str, file: bool, answer: &str, own: bool) -> Done {
        let (name, kind_of) = if file {
            ("a \"b\".pdf", "application/pdf")
        } else {
            ("", "")
        };
        let own = own.then(|| r#"{"mine": [1, 2]}"#.to_owned());
        let mut question = self.model.with_a_word(Role::User, input);
        question.metadata = Some(
            r#"{"turnkeep:exchange":{"name":NAME,"type":TYPE}}"#
                .replace("NAME", &serde_json::json!(name).to_string())
                .replace("TYPE", &serde_json::json!(kind_of).to_string()),
        );
        (question.told.name, question.told.kind) = (name.to_owned(), kind_of.to_owned());
        question.not_adopted.clone_from(&question.metadata);
        let mut reply = self.model.with_a_word(Role::Assistant, answer);
        let rest = own.as_deref().map_or("}".to_owned(), |own| format!(",{}", &own[1..]));
        let note = r#"{"turnkeep:exchange":{"processing_us":1500,"tokens_used":77}"#;
        reply.metadata = Some(format!("{note}{rest}"));
        reply.not_adopted.clone_from(&reply.metadata);
        reply.told = Told {
            processing: 1_500,
            tokens_used: 77,
            own: own.clone().unwrap_or_default(),
            ..Told::default()
        };
        let exchange = Exchange {
            input: question.content.clone(),
            input_name: name.to_owned(),
            input_type: kind_of.to_owned(),
            answer: reply.content.clone(),
            processing: 1_500,
            tokens_used: 77,
            metadata: own,
            ..Exchange::default()
        };
        let by_store = self.subject.exchange(id, exchange, self.at_level());
        let kept = self.model.sessions.get_mut(id).unwrap();
        let lines = [question, reply];
        let why = refusals(&kept.messages, &lines, kept.max_bytes);
        if why.is_empty() {
            kept.messages.extend(lines);
            kept.revision += 1;
        }
        Done {
            by_store,
            by_model: or_refused(why, u64::from(kept.turn(kept.messages.len()))),
        }
    }

    fn at_level(&self) -> AppendOptions {
        AppendOptions {
            durability: self.level,
            ..AppendOptions::default()
        }
    }

    fn new_fork(&mut self) -> (String, usize) {
        self.model.new_id()
    }

    /// How to branch, and what the fork will be called if it is to be one.
    fn how(&mut self, fork: bool) -> (Branching, Option<(String, usize)>) {
        if !fork {
            return (Branching::Rewind(None), None);
        }
        let new = self.new_fork();
        let options = NewSession {
            id: Some(new.0.clone()),
            ..NewSession::default()
        };
        (Branching::Fork(Box::new(options)), Some(new))
    }

    fn forked(&mut self, id: &str, (fork_id, number): (String, usize), at: usize, lines: Vec<Line>) -> Answer {
        let from = &self.model.sessions[id];
        let why = refusals(&from.messages[..at], &lines, from.max_bytes);
        if why.is_empty() {
            let fork = from.fork(id, number, at, lines);
            self.model.sessions.insert(fork_id, fork);
        }
        or_refused(why, 1)
    }

    /// What comes of a branch behind a message, here or in a fork: the revision, and how many messages were removed.
    fn branched(&mut self, id: &str, new: Option<(String, usize)>, at: usize, lines: Vec<Line>) -> Answer {
        if let Some(new) = new {
            return self.forked(id, new, at, lines).map(|revision| revision * 10_000);
        }
        let kept = self.model.sessions.get_mut(id).unwrap();
        let why = refusals(&kept.messages[..at], &lines, kept.max_bytes);
        let removed = (kept.messages.len() - at) as u64;
        if why.is_empty() {
            kept.cut_to(at);
            kept.messages.extend(lines);
        }
        or_refused(why, kept.revision * 10_000 + removed)
    }

    fn truncate(&mut self, id: &str, most: Option<u32>, tokens: Option<u64>) -> Done {
        let by_store = self.subject.truncate(id, most, tokens);
        let first_identity = self.model.lines + 1;
        let kept = self.model.sessions.get_mut(id).unwrap();
        self.model.lines += kept.messages.len();
        let by_model = match (most, tokens) {
            (None, None) => Err(vec!["INVALID"]),
            _ => Ok(kept.truncate(most, tokens, first_identity) as u64),
        };
        Done { by_store, by_model }
    }

    fn adopt(&mut self, id: &str, from: usize, first: u8) -> Done {
        let from_id = self.model.nth(from).unwrap();
        let source = self.model.sessions[&from_id].messages.clone();
        let first = share(first, source.len().max(1) - 1) + 1;
        let by_store = self.subject.adopt(id, &from_id, first as u64, self.at_level());
        if source.is_empty() {
            return Done {
                by_store,
                by_model: Err(vec!["NOT_FOUND"]),
            };
        }
        let mut lines = self.model.again(&source[first - 1..]);
        for (line, seq) in lines.iter_mut().zip(first..) {
            let origin = format!(r#"{{"turnkeep:origin":{{"seq":{seq},"session":"{from_id}"}}"#);
            line.metadata = Some(match line.not_adopted.as_deref() {
                None => format!("{origin}}}"),
                Some(own) => format!("{origin},{}", &own[1..]),
            });
        }
        let kept = self.model.sessions.get_mut(id).unwrap();
        let why = refusals(&kept.messages, &lines, kept.max_bytes);
        if why.is_empty() {
            kept.messages.extend(lines);
            kept.revision += 1;
        }
        Done {
            by_store,
            by_model: or_refused(why, kept.messages.len() as u64),
        }
    }

    fn update(&mut self, id: &str, change: &Change) -> Done {
        let mut after = self.model.sessions[id].clone();
        let changes = changes(change, &mut after);
        let by_store = self.subject.update(id, changes);
        let is_taken = |name: &String| !self.model.is_name_free(name, id);
        if matches!(change, Change::Name(_)) && after.name.as_ref().is_some_and(is_taken) {
            return Done {
                by_store,
                by_model: Err(vec!["EXISTS"]),
            };
        }
        let by_model = Ok(after.revision);
        self.model.sessions.insert(id.to_owned(), after);
        Done { by_store, by_model }
    }

    /// A session of another store with the messages of the model, appended at once.
    fn copy_of(&self, id: &str) -> Session {
        let kept = &self.model.sessions[id];
        let copy = NewSession {
            summary: kept.summary.clone(),
            window_tokens: kept.window_tokens,
            messages: to_append(&kept.messages),
            ..NewSession::default()
        };
        self.copies.create_session(copy).unwrap()
    }
}

fn nothing() -> Done {
    Done {
        by_store: Ok(None),
        by_model: Ok(0),
    }
}
