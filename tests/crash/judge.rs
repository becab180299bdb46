//! What may be in a store's files after its process or its machine was stopped, and whether it is.

use crate::image::Image;
use crate::script::{Survives, store_in};
use std::ops::RangeInclusive;
use std::path::Path;
use turnkeep::model::{AppendOptions, Durability, NewMessage, NewSession, Role};
use turnkeep::store::ImportOptions;
use turnkeep::{Store, StoreOptions};

/// What should be there after each step, and what was said of it.
#[derive(Default)]
pub(crate) struct Expected {
    /// Before the first step, after it, and so on.
    pub(crate) images: Vec<Image>,
    /// What was acknowledged of each step; shorter by what was not.
    pub(crate) acknowledged: Vec<Survives>,
}

impl Expected {
    /// The states that are allowed: all that survives must be there, in order, and of the rest any beginning. What was
    /// begun and not acknowledged may be there, too, as a whole.
    pub(crate) fn allowed(&self, survives: Survives) -> RangeInclusive<usize> {
        let mut least = 0;
        for (number, reached) in self.acknowledged.iter().enumerate() {
            let changed = self.images[number] != self.images[number + 1];
            if *reached == Survives::All || (*reached >= survives && changed) {
                least = number + 1;
            }
        }
        least..=self.images.len() - 1
    }

    /// How many steps were acknowledged that changed something.
    pub(crate) fn mutations(&self) -> u64 {
        self.mutations_up_to(self.acknowledged.len())
    }

    /// How many of the first steps changed something.
    pub(crate) fn mutations_up_to(&self, state: usize) -> u64 {
        let images = self.images[..=state].windows(2);
        images.filter(|images| images[0] != images[1]).count() as u64
    }
}

fn open(path: &Path) -> Store {
    let options = StoreOptions {
        durability: Durability::Os,
        ..StoreOptions::default()
    };
    Store::open(path.to_str().unwrap(), options).unwrap()
}

/// Opens a store, has it checked as a whole, and says what is in it.
pub(crate) fn look(path: &Path) -> Image {
    let store = open(path);
    let image = Image::of_store(&store);
    let report = store.check().unwrap();
    assert_eq!(report.problems.listed, [""; 0], "{}", path.display());
    store.close().unwrap();
    image
}

/// Which of the allowed states a store is in; the last of them that looks so. Leaves it as it was.
pub(crate) fn judge(folder: &Path, expected: &Expected, survives: Survives) -> usize {
    let path = store_in(folder);
    let found = look(&path);
    let allowed = expected.allowed(survives);
    let state = allowed.clone().rev().find(|state| expected.images[*state] == found);
    let Some(state) = state else {
        let elsewhere = expected.images.iter().position(|image| *image == found);
        let nearest = &expected.images[*allowed.start()];
        panic!(
            "of {} steps {:?} must be there; what is there is that of step {elsewhere:?}\n{found:#?}\nis not\n{nearest:#?}",
            expected.images.len() - 1,
            allowed,
        );
    };
    goes_on(&path, &found);
    state
}

/// A second opening finds the same, and what is written then is kept.
fn goes_on(path: &Path, found: &Image) {
    let store = open(path);
    assert_eq!(Image::of_store(&store), *found, "after a second opening");
    let new = NewSession {
        id: Some("probe".into()),
        messages: vec![NewMessage::new(Role::User, "goes on")],
        ..NewSession::default()
    };
    let probe = store.create_session(new).unwrap();
    let receipt = probe
        .append(vec![NewMessage::new(Role::User, "and on")], AppendOptions::default())
        .unwrap();
    assert_eq!(receipt.first_seq, 2);
    store.delete_session("probe").unwrap();
    store.close().unwrap();
}

/// A backup is a whole store, of a moment of the step that made it.
pub(crate) fn judge_backup(path: &Path, expected: &[&Image]) {
    let found = look(path);
    assert!(
        expected.contains(&&found),
        "{} holds {found:#?}, and should hold {expected:#?}",
        path.display()
    );
}

/// An export can be taken in, and brings every session.
pub(crate) fn judge_export(path: &Path, expected: &[&Image]) {
    let store = open(Path::new(":memory:"));
    let report = store.import(path.to_str().unwrap(), ImportOptions::default()).unwrap();
    assert_eq!(report.problems, []);
    let sessions: Vec<_> = expected.iter().map(|image| image.sessions.len() as u64).collect();
    assert!(
        sessions.contains(&report.sessions),
        "{} of {sessions:?}",
        report.sessions
    );
}
