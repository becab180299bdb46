//! Power cuts: what a store does is recorded down to its flushes, and of each of many moments disks are made up that a cut at
//! that moment may leave.

use crate::disk::{Amid, Disk, Event, Journal, Recorder};
use crate::image::Image;
use crate::judge::{Expected, judge, judge_backup, judge_export, look};
use crate::model::Model;
use crate::points::Deed;
use crate::script::{Imagined, Player, Score, Step, Survives, backup_in, export_in, store_in};
use crate::subject::Subject;
use crate::through_c::ThroughC;
use crate::{Random, calls, first_seed, rounds};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use turnkeep::model::{Durability, NewSession};

/// How many cuts are made in what one recording shows.
const CUTS_OF_A_RECORDING: usize = 12;

/// How long a recording is.
const STEPS: usize = 50;

/// What is watched is the whole process: one at a time.
static RECORDING: Mutex<()> = Mutex::new(());

/// What was done to a store, and what should have come of it.
struct Recording {
    journal: Journal,
    score: Score,
    steps: Vec<Step>,
    images: Vec<Image>,
}

/// Has the calls taken down that change a folder meanwhile.
fn recorded(folder: &Path, work: impl FnOnce(&dyn Fn(Event))) -> Journal {
    let _alone = RECORDING.lock().unwrap_or_else(PoisonError::into_inner);
    let journal = Arc::new(Mutex::new(Journal::of(folder)));
    calls::observe(folder, Box::new(Recorder(Arc::clone(&journal))));
    work(&|event| journal.lock().unwrap().events.push(event));
    calls::leave_alone();
    Arc::into_inner(journal).unwrap().into_inner().unwrap()
}

impl Recording {
    fn new(score: &Score) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut images = vec![Image::default()];
        let journal = recorded(folder.path(), |note| {
            let mut player = Player::open(&folder.path().canonicalize().unwrap(), score, Model::default());
            for _ in 0..STEPS {
                note(Event::Begun);
                let survives = player.step();
                note(Event::Acknowledged(survives));
                images.push(player.image());
            }
            player.close().unwrap();
        });
        let mut imagined = Imagined::new(score);
        let mut model = Model::default();
        Self {
            journal,
            score: score.clone(),
            steps: (0..STEPS).map(|_| imagined.step(&mut model)).collect(),
            images,
        }
    }

    /// A moment to cut at: any, or just when something was acknowledged, or just before something is flushed.
    fn moment(&self, random: &mut Random) -> usize {
        let events = &self.journal.events;
        let wanted = random.below(3);
        let places: Vec<usize> = (0..events.len())
            .filter(|at| match wanted {
                0 => true,
                1 => *at > 0 && matches!(events[at - 1], Event::Acknowledged(_)),
                _ => matches!(events[*at], Event::Flush { .. } | Event::FlushFolder(_)),
            })
            .collect();
        places[random.below(places.len() as u64) as usize]
    }

    fn cut(&self, random: &mut Random, tally: &Mutex<Tally>) {
        let disk = Disk::after(&self.journal, self.moment(random));
        let folder = tempfile::tempdir().unwrap();
        disk.leave(folder.path(), random);
        let expected = Expected {
            images: self.images[..=disk.begun].to_vec(),
            acknowledged: disk.acknowledged.clone(),
        };
        self.judge_copies(folder.path(), &expected);
        let state = judge(folder.path(), &expected, Survives::Disk);
        let mut tally = tally.lock().unwrap();
        tally.cuts += 1;
        for amid in disk.amid(Path::new("chat.db")) {
            *tally.amid.entry(amid).or_default() += 1;
        }
        let least = *expected.allowed(Survives::Disk).start();
        tally.promised += expected.mutations_up_to(least);
        tally.lost_of_others += expected.mutations().saturating_sub(expected.mutations_up_to(state));
    }

    /// Backups and exports that were acknowledged are there; all that are there are whole.
    fn judge_copies(&self, folder: &Path, expected: &Expected) {
        let (mut backups, mut exports, mut last) = (Vec::new(), Vec::new(), [false; 2]);
        let begun = &self.steps[..expected.images.len() - 1];
        for (step, number) in begun.iter().zip(1..) {
            let image = &expected.images[number];
            let acknowledged = expected.acknowledged.len() >= number;
            let path = backup_in(folder, &self.score, number, false);
            match step {
                Step::Backup { overwrite: false } => {
                    assert!(path.exists() || !acknowledged, "a backup is gone");
                    if path.exists() {
                        judge_backup(&path, &[image]);
                    }
                }
                // The one before may be found until its folder is flushed.
                Step::Backup { overwrite: true } => {
                    if acknowledged {
                        backups.clear();
                        last[0] = true;
                    }
                    backups.push(image);
                }
                Step::Export => {
                    if acknowledged {
                        exports.clear();
                        last[1] = true;
                    }
                    exports.push(image);
                }
                _ => {}
            }
        }
        let backup = backup_in(folder, &self.score, 0, true);
        assert!(backup.exists() || !last[0], "the backup is gone");
        if backup.exists() {
            judge_backup(&backup, &backups);
        }
        let export = export_in(folder);
        assert!(export.exists() || !last[1], "the export is gone");
        if export.exists() {
            judge_export(&export, &exports);
        }
    }
}

#[derive(Default)]
struct Tally {
    cuts: u64,
    amid: BTreeMap<Amid, u64>,
    promised: u64,
    lost_of_others: u64,
}

fn deed(random: &mut Random) -> Option<Deed> {
    let deeds = [
        Deed::Optimize,
        Deed::Backup,
        Deed::Vacuum,
        Deed::Close,
        Deed::Erase,
        Deed::Import,
        Deed::Search,
        Deed::Export,
    ];
    deeds.get(random.below(10) as usize).copied()
}

/// Says which seed it was, if a panic drops it.
struct Named(u64, usize);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("recording of seed {}, cut {}", self.0, self.1);
        }
    }
}

fn cut_again_and_again(seed: u64, cuts: usize, tally: &Mutex<Tally>) {
    let mut random = Random::new(seed);
    let score = Score {
        seed: seed * 1_000 + 999,
        often: deed(&mut random),
        durability: 1 + random.below(3) as i32,
    };
    let mut named = Named(seed, 0);
    let recording = Recording::new(&score);
    for cut in 0..cuts {
        named.1 = cut;
        recording.cut(&mut random, tally);
    }
}

#[test]
fn whatever_was_acknowledged_at_level_disk_survives_power_cuts() {
    let cuts = rounds(360);
    let tally = Mutex::new(Tally::default());
    let next = Mutex::new((0..cuts).step_by(CUTS_OF_A_RECORDING));
    std::thread::scope(|scope| {
        let work = || {
            loop {
                let first = next.lock().unwrap().next();
                let Some(first) = first else { return };
                cut_again_and_again(
                    first_seed() + first as u64,
                    CUTS_OF_A_RECORDING.min(cuts - first),
                    &tally,
                );
            }
        };
        let other = scope.spawn(work);
        work();
        other.join().unwrap();
    });
    let tally = tally.into_inner().unwrap();
    println!("{:7} power cuts", tally.cuts);
    for (amid, cuts) in &tally.amid {
        println!("{cuts:7} of them amid {amid:?}");
    }
    println!("{:7} mutations had to be there, 0 were not", tally.promised);
    println!(
        "{:7} acknowledged mutations of other levels were lost, all behind what had to be there",
        tally.lost_of_others
    );
    assert_eq!(tally.cuts, cuts as u64);
    if cuts >= 360 {
        assert_eq!(tally.amid.len(), 6, "{:?}", tally.amid);
    }
}

/// Cuts at every call of a short work.
fn cut_at_every_call(journal: &Journal, judge: impl Fn(&Path)) -> usize {
    let mut random = Random::new(first_seed());
    let mut cuts = 0;
    let times = if rounds(0) > 360 { 20 } else { 3 };
    for events in 0..=journal.events.len() {
        for _ in 0..times {
            let folder = tempfile::tempdir().unwrap();
            Disk::after(journal, events).leave(folder.path(), &mut random);
            judge(folder.path());
            cuts += 1;
        }
    }
    cuts
}

#[test]
fn a_store_whose_making_met_a_power_cut_can_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let journal = recorded(folder.path(), |_| {
        let path = store_in(&folder.path().canonicalize().unwrap());
        let store = ThroughC::open(&path, Durability::Disk).unwrap();
        store.close().unwrap();
    });
    let cuts = cut_at_every_call(&journal, |folder| {
        assert_eq!(look(&store_in(folder)), Image::default());
        assert_eq!(look(&store_in(folder)), Image::default(), "a second time");
    });
    println!("{cuts:7} power cuts in the making of a store");
}

#[test]
fn a_migration_that_met_a_power_cut_is_finished_by_the_next_opening() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/schema_1.db");
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(&fixture, store_in(folder.path())).unwrap();
    let expected = look(&store_in(folder.path()));
    let _old = std::fs::remove_dir_all(folder.path());
    std::fs::create_dir(folder.path()).unwrap();
    std::fs::copy(&fixture, store_in(folder.path())).unwrap();
    let journal = recorded(folder.path(), |_| {
        let path = store_in(&folder.path().canonicalize().unwrap());
        ThroughC::open(&path, Durability::Disk).unwrap().close().unwrap();
    });
    let cuts = cut_at_every_call(&journal, |folder| {
        assert_eq!(look(&store_in(folder)), expected);
        assert_eq!(look(&store_in(folder)), expected, "a second time");
    });
    println!("{cuts:7} power cuts in a migration");
}

#[test]
fn a_new_store_in_new_folders_survives_with_them_what_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let inside = Path::new("new/deeper/chat.db");
    let mut acknowledged = 0;
    let journal = recorded(folder.path(), |note| {
        let path = folder.path().canonicalize().unwrap().join(inside);
        let store = ThroughC::open(&path, Durability::Disk).unwrap();
        let new = NewSession {
            id: Some("first".into()),
            ..NewSession::default()
        };
        assert_eq!(store.create(new), Ok(Some(1)));
        note(Event::Acknowledged(Survives::Disk));
        store.close().unwrap();
    });
    let mut random = Random::new(first_seed());
    for events in 0..=journal.events.len() {
        let disk = Disk::after(&journal, events);
        let folder = tempfile::tempdir().unwrap();
        disk.leave(folder.path(), &mut random);
        if disk.acknowledged.len() == 1 {
            acknowledged += 1;
            let image = look(&folder.path().join(inside));
            assert_eq!(image.sessions.keys().collect::<Vec<_>>(), ["first"]);
        }
    }
    assert!(acknowledged > 3, "{acknowledged} cuts behind the acknowledgement");
}
