//! New sessions: T7.

use crate::machine;
use crate::measure::compare;
use crate::raw::Creator;
use crate::report::{Limit, Row};
use crate::subject;
use std::path::Path;
use turnkeep::model::{Durability, ids};

/// Sessions before the first round: the WAL has its full length then.
const WARM_UP: usize = 1_000;

pub(crate) fn create(folder: &Path) -> Vec<Row> {
    let store = subject::open(folder, subject::options(Durability::Disk));
    let yardstick = Creator::new(&folder.join("yardstick.db"));
    let create = || drop(subject::create(&store));
    let create_raw = || yardstick.create(&ids::new_session_id());
    (0..WARM_UP).for_each(|_| create());
    (0..WARM_UP).for_each(|_| create_raw());
    let compared = compare(machine::rounds(100), 20, create, create_raw);
    vec![
        Row::ratio(
            "T7",
            "create a session, durable, against a row with an id",
            "us",
            &compared,
        )
        .must(Limit::AtMost(1.15), Limit::AtMost(1.05)),
    ]
}
