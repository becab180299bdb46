//! Rounds: a child works, is killed, and what it left is judged; the next one goes on with the same store.

use crate::child::{Ended, Order, Started, Work};
use crate::image::Image;
use crate::judge::{Expected, judge, judge_backup, judge_export};
use crate::model::Model;
use crate::points::{Deed, Point};
use crate::script::{Imagined, Score, Step, Survives, backup_in, export_in};
use crate::{Random, first_seed, rounds};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

/// A store is killed so often before a new one is begun.
const ROUNDS_OF_A_STORE: usize = 5;

/// What a child does at most.
const STEPS: usize = 60;

/// How many children work at once.
const AT_ONCE: usize = 2;

/// How often a round is begun again whose point was not come to.
const TRIES: u32 = 20;

#[derive(Default)]
struct Tally {
    kills: BTreeMap<Option<Point>, u64>,
    mutations: BTreeMap<&'static str, u64>,
    in_flight: u64,
    backups: u64,
}

/// A store that is killed again and again.
struct Life {
    folder: tempfile::TempDir,
    /// What was played, and how much of it is kept.
    played: Vec<(Score, usize)>,
    model: Model,
    /// What is in the backup that each next one replaces.
    backup: Vec<Image>,
    export: Vec<Image>,
}

impl Life {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            played: Vec::new(),
            model: Model::default(),
            backup: Vec::new(),
            export: Vec::new(),
        }
    }

    /// One round. Says whether the child was killed where it was to be.
    fn round(
        &mut self,
        score: &Score,
        kill: Option<(Point, u32)>,
        random: &mut Random,
        tally: &Mutex<Tally>,
    ) -> bool {
        let order = Order {
            folder: self.folder.path().to_owned(),
            work: Work::Play {
                before: self.played.clone(),
                score: score.clone(),
                kill,
                steps: STEPS,
            },
        };
        let mut child = Started::with(&order);
        let mut told = Told::default();
        if kill.is_none() {
            // It dies after some acknowledgements and a little while, in the middle of whatever it does then.
            let most = random.below(STEPS as u64 * 4 / 5) as usize;
            while told.acknowledged.len() < most && told.hear(&mut child) {}
            std::thread::sleep(Duration::from_micros(random.below(6_000)));
            child.kill();
        }
        while told.hear(&mut child) {}
        let ended = child.ended(&order);
        let (steps, expected) = self.expected(score, told);
        let state = judge(self.folder.path(), &expected, Survives::Os);
        let backups = self.judge_copies(score, &steps, &expected);
        self.model = replayed_from(&self.model, score, state);
        self.played.push((score.clone(), state));
        let mut tally = tally.lock().unwrap();
        if ended == Ended::Killed {
            *tally.kills.entry(kill.map(|(point, _)| point)).or_default() += 1;
        }
        let level = ["", "DISK", "OS", "DEFERRED"][score.durability as usize];
        *tally.mutations.entry(level).or_default() += expected.mutations();
        tally.in_flight += u64::from(state > expected.acknowledged.len());
        tally.backups += backups;
        ended == Ended::Killed
    }

    /// What should be there after each step that was begun.
    fn expected(&self, score: &Score, told: Told) -> (Vec<Step>, Expected) {
        let mut imagined = Imagined::new(score);
        let mut model = self.model.clone();
        let mut images = vec![Image::of_model(&model)];
        let mut steps = Vec::new();
        for _ in 0..told.begun {
            steps.push(imagined.step(&mut model));
            images.push(Image::of_model(&model));
        }
        let acknowledged = told.acknowledged;
        (steps, Expected { images, acknowledged })
    }

    /// Backups and exports are whole or not there; acknowledged ones are there. Says how many backups there are.
    fn judge_copies(&mut self, score: &Score, steps: &[Step], expected: &Expected) -> u64 {
        let mut count = 0;
        for (step, number) in steps.iter().zip(1..) {
            let image = &expected.images[number];
            let acknowledged = expected.acknowledged.len() >= number;
            match step {
                Step::Backup { overwrite: false } => {
                    let path = backup_in(self.folder.path(), score, number, false);
                    assert!(path.exists() || !acknowledged, "{} is gone", path.display());
                    if path.exists() {
                        judge_backup(&path, &[image]);
                        std::fs::remove_file(&path).unwrap();
                        count += 1;
                    }
                }
                Step::Backup { overwrite: true } => become_one_of(&mut self.backup, image, acknowledged),
                Step::Export => become_one_of(&mut self.export, image, acknowledged),
                _ => {}
            }
        }
        let path = backup_in(self.folder.path(), score, 0, true);
        if path.exists() {
            judge_backup(&path, &self.backup.iter().collect::<Vec<_>>());
            count += 1;
        }
        if export_in(self.folder.path()).exists() {
            judge_export(&export_in(self.folder.path()), &self.export.iter().collect::<Vec<_>>());
        }
        count
    }
}

/// What is replaced when it is acknowledged, and may be replaced when it was only begun.
fn become_one_of(images: &mut Vec<Image>, image: &Image, acknowledged: bool) {
    if acknowledged {
        images.clear();
    }
    images.push(image.clone());
}

fn replayed_from(model: &Model, score: &Score, steps: usize) -> Model {
    let mut model = model.clone();
    let mut imagined = Imagined::new(score);
    (0..steps).for_each(|_| drop(imagined.step(&mut model)));
    model
}

/// What a child said.
#[derive(Default)]
struct Told {
    begun: usize,
    acknowledged: Vec<Survives>,
}

impl Told {
    /// Hears the next thing; `false` at the end.
    fn hear(&mut self, child: &mut Started) -> bool {
        let Some(line) = child.heard() else { return false };
        let mut words = line.split(' ');
        match words.next() {
            Some("do") => self.begun += 1,
            Some("ok") => {
                let survives = words.nth(1).unwrap().parse().unwrap();
                self.acknowledged.push(Survives::by_number(survives));
            }
            _ => {}
        }
        true
    }
}

/// The rounds of one store. Half of them end at a named point, the others at a random moment.
fn life(first: usize, count: usize, tally: &Mutex<Tally>) {
    let mut life = Life::new();
    for round in first..first + count {
        let seed = first_seed() + round as u64;
        let mut random = Random::new(seed);
        let point = (round % 2 == 0).then(|| Point::ALL[round / 2 % Point::ALL.len()]);
        let often = point.and_then(Point::deed).or_else(|| any_deed(&mut random));
        for again in 0..TRIES {
            let time = 1 + random.below([12, 4, 1][again.min(2) as usize]) as u32;
            let score = Score {
                seed: seed * 1_000 + u64::from(again),
                often,
                durability: 1 + random.below(3) as i32,
            };
            let kill = point.map(|point| (point, time));
            let guard = Named(round, &score, kill);
            let killed = life.round(&score, kill, &mut random, tally);
            std::mem::forget(guard);
            if killed {
                break;
            }
        }
    }
}

fn any_deed(random: &mut Random) -> Option<Deed> {
    let deeds = [
        Deed::Search,
        Deed::Erase,
        Deed::Import,
        Deed::Backup,
        Deed::Vacuum,
        Deed::Optimize,
        Deed::Close,
    ];
    deeds.get(random.below(14) as usize).copied()
}

/// Dropped by a panic, it says in which round that was.
struct Named<'a>(usize, &'a Score, Option<(Point, u32)>);

impl Drop for Named<'_> {
    fn drop(&mut self) {
        let Self(round, score, kill) = self;
        let seed = first_seed() + *round as u64;
        eprintln!("round {round} (seed {seed}): {score:?}, killed at {kill:?}");
    }
}

#[test]
fn whatever_was_acknowledged_survives_kill_9() {
    // Each point at least once.
    let rounds = rounds(200).max(Point::ALL.len() * 2);
    let tally = Mutex::new(Tally::default());
    let next = Mutex::new((0..rounds).step_by(ROUNDS_OF_A_STORE));
    std::thread::scope(|scope| {
        let work = || {
            loop {
                let first = next.lock().unwrap().next();
                let Some(first) = first else { return };
                life(first, ROUNDS_OF_A_STORE.min(rounds - first), &tally);
            }
        };
        let others: Vec<_> = (1..AT_ONCE).map(|_| scope.spawn(work)).collect();
        work();
        others.into_iter().for_each(|other| other.join().unwrap());
    });
    report(rounds, &tally.into_inner().unwrap());
}

fn report(rounds: usize, tally: &Tally) {
    println!("{rounds} rounds");
    for (point, kills) in &tally.kills {
        let point = point.map_or("random moment".to_owned(), |point| format!("{point:?}"));
        println!("{kills:7} kills: {point}");
    }
    for (level, mutations) in &tally.mutations {
        println!("{mutations:7} mutations were acknowledged, in stores of level {level}");
    }
    println!(
        "{:7} times what was not acknowledged yet was there, too, as a whole",
        tally.in_flight
    );
    println!("{:7} backups were whole", tally.backups);
    for point in Point::ALL {
        assert!(tally.kills.contains_key(&Some(point)), "{point:?} was never come to");
    }
}
