//! What listening and logging cost an append: E1.

use crate::machine;
use crate::measure::{Compared, compare};
use crate::report::Row;
use crate::subject;
use std::path::Path;
use turnkeep::model::Durability;
use turnkeep::{Session, Store, StoreOptions};

/// Appends before the first round: the WAL has its full length then, and the log its full number of rows.
const WARM_UP: usize = 6_000;

/// So few that the log is shortened all the time, as a store's is that has been used for a while.
const ROWS: u64 = 5_000;

pub(crate) fn cost(folder: &Path) -> Vec<Row> {
    let logging = |durability| StoreOptions {
        event_log_rows: ROWS,
        ..subject::options(durability)
    };
    let measure = |name: &str, durability, options, listens| {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        measure(&folder, durability, options, listens)
    };
    let os = measure("os", Durability::Os, logging(Durability::Os), false);
    let disk = measure("disk", Durability::Disk, logging(Durability::Disk), false);
    let listens = measure("listens", Durability::Os, subject::options(Durability::Os), true);
    vec![
        Row::ratio("E1", "append at level OS, event log on against off", "us", &os),
        Row::ratio("E1", "durable append, event log on against off", "us", &disk),
        Row::ratio("E1", "append at level OS, with a callback against none", "us", &listens),
    ]
}

struct Side {
    store: Store,
    session: Session,
    content: String,
    appended: usize,
}

impl Side {
    fn new(folder: &Path, options: StoreOptions) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let store = subject::open(folder, options);
        Self {
            session: subject::create(&store),
            store,
            content: subject::content(),
            appended: 0,
        }
    }

    fn warm_up(&mut self) {
        for number in 0..WARM_UP {
            let message = subject::message(number, &self.content);
            self.session.append(vec![message], subject::quickly()).unwrap();
        }
    }

    fn append(&mut self) {
        subject::append(&self.session, self.appended, &self.content);
        self.appended += 1;
    }
}

/// A store with these options beside one that keeps no log and that nobody listens to.
fn measure(folder: &Path, durability: Durability, options: StoreOptions, listens: bool) -> Compared {
    let mut subject = Side::new(&folder.join("with"), options);
    let mut yardstick = Side::new(&folder.join("without"), subject::options(durability));
    if listens {
        subject.store.subscribe(|_| Ok(())).unwrap();
    }
    subject.warm_up();
    yardstick.warm_up();
    let (rounds, times) = match durability {
        Durability::Disk => (machine::rounds(100), 20),
        _ => (150, 100),
    };
    compare(rounds, times, || subject.append(), || yardstick.append())
}
