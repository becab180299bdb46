//! What is done to a store, drawn at random from a seed: the same for the process that does it, and for the one that
//! knows what should have come of it.

use crate::apply::{Both, Done};
use crate::image::Image;
use crate::lines::to_append;
use crate::model::{Kept, Model};
use crate::nobody::Nobody;
use crate::operations::{Change, Operation, ToSession, operation};
use crate::points::Deed;
use crate::subject::Subject;
use crate::through_c::{ThroughC, last_message};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use turnkeep::model::{Durability, NewSession, Role};
use turnkeep::store::{ExportOptions, Selection};
use turnkeep::transfer::Format;
use turnkeep::{Store, StoreOptions};

/// What a seed, and what is done more often, make of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Score {
    pub(crate) seed: u64,
    pub(crate) often: Option<Deed>,
    /// What the store promises by default, as the header's number; a store that defers is exclusive.
    pub(crate) durability: i32,
}

impl Score {
    pub(crate) fn durability(&self) -> Durability {
        match self.durability {
            1 => Durability::Disk,
            2 => Durability::Os,
            _ => Durability::Deferred,
        }
    }
}

/// One thing to do.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Operate(Operation, Option<Durability>),
    /// So many sessions, of so many messages each.
    Import(Vec<usize>),
    Backup {
        overwrite: bool,
    },
    Export,
    Vacuum,
    Optimize,
    Flush,
    Reopen,
}

impl Step {
    fn deed(&self) -> Deed {
        match self {
            Self::Operate(Operation::Search(..), _) => Deed::Search,
            Self::Operate(Operation::To(_, ToSession::Erase), _) => Deed::Erase,
            Self::Operate(..) => Deed::Change,
            Self::Import(_) => Deed::Import,
            Self::Backup { .. } => Deed::Backup,
            Self::Export => Deed::Export,
            Self::Vacuum => Deed::Vacuum,
            Self::Optimize => Deed::Optimize,
            Self::Flush => Deed::Flush,
            Self::Reopen => Deed::Close,
        }
    }
}

/// What an acknowledged step survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Survives {
    /// It promised nothing.
    Nothing,
    /// Nothing yet: it was deferred.
    Deferred,
    /// The end of the process.
    Os,
    /// A power cut.
    Disk,
    /// A power cut, and with it all that was acknowledged before, whether or not this changed something.
    All,
}

impl Survives {
    fn by_level(durability: i32) -> Self {
        match durability {
            1 => Self::Disk,
            2 => Self::Os,
            _ => Self::Deferred,
        }
    }

    pub(crate) fn by_number(number: u8) -> Self {
        [Self::Nothing, Self::Deferred, Self::Os, Self::Disk, Self::All][usize::from(number)]
    }
}

/// Draws one step after the other.
pub(crate) struct Script {
    runner: TestRunner,
    steps: BoxedStrategy<Step>,
}

/// What the C ABI has another word for than the model: 0 is no limit there, and a fork brings no messages.
fn for_c(mut operation: Operation) -> Operation {
    match &mut operation {
        Operation::Create(new) => new.max_bytes = new.max_bytes.map(|bytes| bytes.max(1)),
        Operation::To(_, ToSession::Update(Change::MaxBytes(Some(bytes)))) => *bytes = (*bytes).max(1),
        Operation::To(_, ToSession::Truncate { most, tokens }) => {
            *most = most.map(|most| most.max(1));
            *tokens = tokens.map(|tokens| tokens.max(1));
        }
        Operation::To(_, ToSession::Fork { messages, .. }) => messages.clear(),
        _ => {}
    }
    operation
}

fn steps(score: &Score) -> BoxedStrategy<Step> {
    let defers = score.durability() == Durability::Deferred;
    let level = prop::option::of(prop_oneof![Just(Durability::Disk), Just(Durability::Os)]);
    let level = level.prop_map(move |level| level.or(if defers { Some(Durability::Deferred) } else { None }));
    let operate = (operation(), level)
        .prop_map(|(operation, level)| Step::Operate(for_c(operation), level))
        .boxed();
    let import = prop::collection::vec(1..6usize, 1..4).prop_map(Step::Import);
    let backup = any::<bool>().prop_map(|overwrite| Step::Backup { overwrite });
    let often = match score.often {
        Some(Deed::Import) => import.clone().boxed(),
        Some(Deed::Backup) => backup.clone().boxed(),
        Some(Deed::Export) => Just(Step::Export).boxed(),
        Some(Deed::Vacuum) => Just(Step::Vacuum).boxed(),
        Some(Deed::Optimize) => Just(Step::Optimize).boxed(),
        Some(Deed::Close) => Just(Step::Reopen).boxed(),
        Some(Deed::Erase) => (0..64usize)
            .prop_map(|session| Step::Operate(Operation::To(session, ToSession::Erase), None))
            .boxed(),
        Some(Deed::Search) => operation()
            .prop_filter_map("a search", |operation| match operation {
                Operation::Search(..) => Some(Step::Operate(operation, None)),
                _ => None,
            })
            .boxed(),
        _ => operate.clone(),
    };
    prop_oneof![
        100 => operate,
        2 => import,
        2 => backup,
        1 => Just(Step::Export),
        2 => Just(Step::Vacuum),
        2 => Just(Step::Optimize),
        3 => Just(Step::Flush),
        2 => Just(Step::Reopen),
        15 => often,
    ]
    .boxed()
}

impl Script {
    pub(crate) fn new(score: &Score) -> Self {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&score.seed.to_le_bytes());
        let config = Config {
            max_local_rejects: 1_000_000,
            failure_persistence: None,
            ..Config::default()
        };
        Self {
            runner: TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed)),
            steps: steps(score),
        }
    }

    pub(crate) fn next(&mut self) -> Step {
        self.steps.new_tree(&mut self.runner).unwrap().current()
    }
}

/// Brings the sessions of an import into the model.
fn imported(model: &mut Model, lengths: &[usize]) -> Vec<String> {
    let mut ids = Vec::new();
    for length in lengths {
        let (id, number) = model.new_id();
        let messages = (0..*length).map(|_| model.with_a_word(Role::User, "brought in from elsewhere"));
        let kept = Kept {
            number,
            messages: messages.collect(),
            ..Kept::default()
        };
        model.sessions.insert(id.clone(), kept);
        ids.push(id);
    }
    ids
}

fn operated(subject: &dyn Subject, model: &mut Model, copies: &Store, step: &Step) -> Option<Done> {
    match step {
        Step::Operate(operation, level) => {
            let mut both = Both {
                subject,
                model,
                level: *level,
                copies,
            };
            Some(both.apply(operation))
        }
        _ => None,
    }
}

/// A store that nobody has.
fn no_store() -> Store {
    Store::open(":memory:", StoreOptions::default()).unwrap()
}

/// The model alone, played to the end of some steps: what should be there after each of them.
pub(crate) struct Imagined {
    script: Script,
    copies: Store,
}

impl Imagined {
    pub(crate) fn new(score: &Score) -> Self {
        Self {
            script: Script::new(score),
            copies: no_store(),
        }
    }

    /// Takes the next step.
    pub(crate) fn step(&mut self, model: &mut Model) -> Step {
        let step = self.script.next();
        match &step {
            Step::Import(lengths) => drop(imported(model, lengths)),
            step => drop(operated(&Nobody, model, &self.copies, step)),
        }
        step
    }
}

/// A store that is driven through the C ABI, and the model of it.
pub(crate) struct Player {
    pub(crate) model: Model,
    store: Option<ThroughC>,
    folder: PathBuf,
    score: Score,
    script: Script,
    copies: Store,
    number: usize,
}

/// Where the store lies in its folder.
pub(crate) fn store_in(folder: &Path) -> PathBuf {
    folder.join("chat.db")
}

/// Where a step puts a backup.
pub(crate) fn backup_in(folder: &Path, score: &Score, number: usize, overwrite: bool) -> PathBuf {
    match overwrite {
        true => folder.join("backup.db"),
        false => folder.join(format!("backup-{}-{number}.db", score.seed)),
    }
}

/// Where a step puts an export.
pub(crate) fn export_in(folder: &Path) -> PathBuf {
    folder.join("export.jsonl")
}

impl Player {
    /// Opens the store of a folder, whose model is given.
    pub(crate) fn open(folder: &Path, score: &Score, model: Model) -> Self {
        Deed::Open.begin();
        Self {
            model,
            store: Some(ThroughC::open(&store_in(folder), score.durability()).unwrap()),
            folder: folder.to_owned(),
            script: Script::new(score),
            score: score.clone(),
            copies: no_store(),
            number: 0,
        }
    }

    /// Takes the next step, and says what it survives.
    pub(crate) fn step(&mut self) -> Survives {
        self.number += 1;
        let step = self.script.next();
        self.play(&step)
            .unwrap_or_else(|why| panic!("{step:?}: {why}: {}", last_message()))
    }

    fn play(&mut self, step: &Step) -> Result<Survives, &'static str> {
        let own = Survives::by_level(self.score.durability);
        if let Step::Reopen = step {
            self.close()?;
            Deed::Open.begin();
            self.store = Some(ThroughC::open(&store_in(&self.folder), self.score.durability())?);
            return Ok(Survives::All);
        }
        let store = self.store.as_ref().unwrap();
        step.deed().begin();
        match step {
            Step::Operate(..) => {
                let done = operated(store, &mut self.model, &self.copies, step).unwrap();
                assert!(done.agrees(), "{step:?}: {done:?}: {}", last_message());
                Ok(store.take_reached().map_or(own, Survives::by_level))
            }
            Step::Import(lengths) => {
                let ids = imported(&mut self.model, lengths);
                let source = self.folder.join("import.jsonl");
                self.write_source(&source, &ids);
                store.import(&source).map(|()| own)
            }
            Step::Backup { overwrite } => {
                let target = backup_in(&self.folder, &self.score, self.number, *overwrite);
                store.backup(&target, *overwrite).map(|()| Survives::Nothing)
            }
            Step::Export => store.export(&export_in(&self.folder)).map(|()| Survives::Nothing),
            Step::Vacuum => store.vacuum().map(|()| Survives::Nothing),
            Step::Optimize => store.optimize().map(|()| Survives::Nothing),
            Step::Flush => store.flush().map(|()| Survives::All),
            Step::Reopen => unreachable!("done above"),
        }
    }

    fn write_source(&self, path: &Path, ids: &[String]) {
        let other = no_store();
        for id in ids {
            let new = NewSession {
                id: Some(id.clone()),
                messages: to_append(&self.model.sessions[id].messages),
                ..NewSession::default()
            };
            other.create_session(new).unwrap();
        }
        let options = ExportOptions {
            format: Format::Turnkeep,
            selection: Selection::All,
            progress: None,
        };
        other.export_to_file(path.to_str().unwrap(), options).unwrap();
    }

    pub(crate) fn close(&mut self) -> Result<(), &'static str> {
        Deed::Close.begin();
        self.store.take().unwrap().close()
    }

    pub(crate) fn image(&self) -> Image {
        Image::of_model(&self.model)
    }
}
