//! A simulated disk: what was written to each file and each folder, what of it was flushed, and what a power cut may leave.
//!
//! Flushed is what the process flushed, and nothing else: a file's flush is not its name's, and a rename counts when its folder was
//! flushed. Of the rest any part may be there: each write is cut at the borders of sectors, of which any may have got to the
//! disk, whatever the order; each truncation and each change of a name may have, or not. An older write that gets there behind a
//! newer one of the same sector is the same as the newer one missing, so this covers every order. What did not get there is as it was
//! before, or garbage: but a write damages nothing beside itself.
//!
//! The disk of tests/faults/flush.rs would not do: it stands under SQLite alone, so it knows nothing of names, folders and what
//! the library writes past SQLite, and it leaves exactly what was flushed, never a part of the rest.

use crate::Random;
use crate::calls::{Call, Observer};
use crate::script::Survives;
use std::collections::{BTreeMap, HashMap};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// What happened, in order. Files go by numbers, since names come and go.
pub(crate) enum Event {
    Write {
        file: usize,
        at: u64,
        bytes: Vec<u8>,
    },
    Truncate {
        file: usize,
        length: u64,
    },
    Flush {
        file: usize,
    },
    FlushFolder(PathBuf),
    Create {
        path: PathBuf,
        file: usize,
    },
    Remove(PathBuf),
    Rename(PathBuf, PathBuf),
    Link(PathBuf, PathBuf),
    MakeFolder(PathBuf),
    /// A step is begun.
    Begun,
    /// The step is acknowledged.
    Acknowledged(Survives),
}

/// All that happened in a folder since some files were there.
#[derive(Default)]
pub(crate) struct Journal {
    folder: PathBuf,
    begin: Vec<(PathBuf, Vec<u8>)>,
    pub(crate) events: Vec<Event>,
    files: HashMap<u64, usize>,
    count: usize,
}

impl Journal {
    pub(crate) fn of(folder: &Path) -> Self {
        let mut journal = Self {
            folder: folder.canonicalize().unwrap(),
            ..Self::default()
        };
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = PathBuf::from(path.file_name().unwrap());
            journal.begin.push((name, std::fs::read(&path).unwrap()));
            journal.new_file(path.metadata().unwrap().ino());
        }
        journal
    }

    fn new_file(&mut self, inode: u64) -> usize {
        self.count += 1;
        self.files.insert(inode, self.count - 1);
        self.count - 1
    }

    fn inside(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.folder).unwrap().to_owned()
    }

    fn take_down(&mut self, call: &Call<'_>) {
        let event = match call {
            Call::Write { file, at, bytes } => Event::Write {
                file: self.files[&file.inode],
                at: *at,
                bytes: bytes.to_vec(),
            },
            Call::Truncate { file, length } => Event::Truncate {
                file: self.files[&file.inode],
                length: *length,
            },
            Call::Flush { file } => Event::Flush {
                file: self.files[&file.inode],
            },
            Call::FlushFolder { path } => Event::FlushFolder(self.inside(path)),
            Call::Create { path } => {
                let file = self.new_file(path.metadata().unwrap().ino());
                let path = self.inside(path);
                Event::Create { path, file }
            }
            Call::Remove { path } => Event::Remove(self.inside(path)),
            Call::Rename { from, to } => Event::Rename(self.inside(from), self.inside(to)),
            Call::Link { from, to } => Event::Link(self.inside(from), self.inside(to)),
            Call::MakeFolder { path } => Event::MakeFolder(self.inside(path)),
        };
        self.events.push(event);
    }
}

/// Takes down what is done.
pub(crate) struct Recorder(pub(crate) Arc<Mutex<Journal>>);

impl Observer for Recorder {
    fn after(&mut self, call: &Call<'_>) {
        self.0.lock().unwrap().take_down(call);
    }
}

#[derive(Clone)]
enum Change<'a> {
    Write(u64, &'a [u8]),
    Truncate(u64),
}

#[derive(Clone, Default)]
struct File<'a> {
    flushed: Vec<u8>,
    unflushed: Vec<Change<'a>>,
}

#[derive(Clone, Debug)]
enum NameChange {
    Add(PathBuf, usize),
    Remove(PathBuf),
    Move(PathBuf, PathBuf, usize),
    Folder(PathBuf),
}

impl NameChange {
    fn folder(&self) -> &Path {
        let (Self::Add(path, _) | Self::Remove(path) | Self::Move(path, ..) | Self::Folder(path)) = self;
        path.parent().unwrap_or(Path::new(""))
    }
}

#[derive(Clone, Default)]
struct Names {
    files: BTreeMap<PathBuf, usize>,
    folders: Vec<PathBuf>,
}

impl Names {
    fn change(&mut self, change: &NameChange) {
        match change {
            NameChange::Add(path, file) => drop(self.files.insert(path.clone(), *file)),
            NameChange::Remove(path) => drop(self.files.remove(path)),
            NameChange::Move(from, to, file) => {
                self.files.remove(from);
                self.files.insert(to.clone(), *file);
            }
            NameChange::Folder(path) => self.folders.push(path.clone()),
        }
    }
}

/// The disk at the moment of the cut.
pub(crate) struct Disk<'a> {
    files: Vec<File<'a>>,
    /// As the process saw them.
    names: Names,
    flushed_names: Names,
    unflushed_names: Vec<NameChange>,
    pub(crate) begun: usize,
    pub(crate) acknowledged: Vec<Survives>,
}

/// What the cut came upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Amid {
    WritesToTheDatabase,
    WritesToTheLog,
    ANewBeginningOfTheLog,
    ATruncation,
    ChangesOfNames,
    Nothing,
}

impl<'a> Disk<'a> {
    /// Plays the first events of a journal.
    pub(crate) fn after(journal: &'a Journal, events: usize) -> Self {
        let mut disk = Self {
            files: Vec::new(),
            names: Names::default(),
            flushed_names: Names::default(),
            unflushed_names: Vec::new(),
            begun: 0,
            acknowledged: Vec::new(),
        };
        for (number, (path, content)) in journal.begin.iter().enumerate() {
            disk.files.push(File {
                flushed: content.clone(),
                unflushed: Vec::new(),
            });
            disk.names.files.insert(path.clone(), number);
        }
        disk.flushed_names = disk.names.clone();
        journal.events[..events].iter().for_each(|event| disk.play(event));
        disk
    }

    fn play(&mut self, event: &'a Event) {
        match event {
            Event::Write { file, at, bytes } => self.files[*file].unflushed.push(Change::Write(*at, bytes)),
            Event::Truncate { file, length } => self.files[*file].unflushed.push(Change::Truncate(*length)),
            Event::Flush { file } => {
                let file = &mut self.files[*file];
                for change in std::mem::take(&mut file.unflushed) {
                    apply(&mut file.flushed, &change);
                }
            }
            Event::FlushFolder(folder) => {
                let (flushed, rest) = std::mem::take(&mut self.unflushed_names)
                    .into_iter()
                    .partition(|change| change.folder() == folder);
                let flushed: Vec<NameChange> = flushed;
                flushed.iter().for_each(|change| self.flushed_names.change(change));
                self.unflushed_names = rest;
            }
            Event::Create { path, file } => {
                self.files.resize_with(*file + 1, File::default);
                self.rename(NameChange::Add(path.clone(), *file));
            }
            Event::Remove(path) => self.rename(NameChange::Remove(path.clone())),
            Event::Rename(from, to) => {
                let file = self.names.files[from];
                self.rename(NameChange::Move(from.clone(), to.clone(), file));
            }
            Event::Link(from, to) => {
                let file = self.names.files[from];
                self.rename(NameChange::Add(to.clone(), file));
            }
            Event::MakeFolder(path) => self.rename(NameChange::Folder(path.clone())),
            Event::Begun => self.begun += 1,
            Event::Acknowledged(survives) => self.acknowledged.push(*survives),
        }
    }

    fn rename(&mut self, change: NameChange) {
        self.names.change(&change);
        self.unflushed_names.push(change);
    }

    /// What was not flushed yet, of the store that lies there.
    pub(crate) fn amid(&self, store: &Path) -> Vec<Amid> {
        let mut amid = Vec::new();
        let unflushed = |path: &Path| {
            let file = self.names.files.get(path);
            file.map_or(&[][..], |file| self.files[*file].unflushed.as_slice())
        };
        let wal = PathBuf::from(format!("{}-wal", store.display()));
        let is_write = |change: &Change<'_>| matches!(change, Change::Write(..));
        let both = [unflushed(store), unflushed(&wal)];
        if both[0].iter().any(is_write) {
            amid.push(Amid::WritesToTheDatabase);
        }
        if both[1].iter().any(is_write) {
            amid.push(Amid::WritesToTheLog);
        }
        if both[1].iter().any(|change| matches!(change, Change::Write(0, _))) {
            amid.push(Amid::ANewBeginningOfTheLog);
        }
        if both.concat().iter().any(|change| matches!(change, Change::Truncate(_))) {
            amid.push(Amid::ATruncation);
        }
        if !self.unflushed_names.is_empty() {
            amid.push(Amid::ChangesOfNames);
        }
        if amid.is_empty() {
            amid.push(Amid::Nothing);
        }
        amid
    }

    /// Makes in an empty folder what the cut may have left.
    pub(crate) fn leave(&self, folder: &Path, random: &mut Random) {
        let mut names = self.flushed_names.clone();
        let share = any_share(random);
        for change in &self.unflushed_names {
            if random.below(100) < share {
                names.change(change);
            }
        }
        names.folders.sort();
        for path in names.folders {
            // The one that it lay in may be gone.
            let _gone = std::fs::create_dir(folder.join(path));
        }
        for (path, file) in names.files {
            let content = self.files[file].left(random);
            let _gone = std::fs::write(folder.join(path), content);
        }
    }
}

fn apply(content: &mut Vec<u8>, change: &Change<'_>) {
    match change {
        Change::Write(at, bytes) => {
            let (at, end) = (*at as usize, *at as usize + bytes.len());
            content.resize(content.len().max(end), 0);
            content[at..end].copy_from_slice(bytes);
        }
        Change::Truncate(length) => content.resize(*length as usize, 0),
    }
}

/// How many in a hundred of something got to the disk.
fn any_share(random: &mut Random) -> u64 {
    [0, 3, 20, 50, 80, 97, 100][random.below(7) as usize]
}

impl File<'_> {
    /// The content that may be found: what was flushed, and any part of the rest.
    fn left(&self, random: &mut Random) -> Vec<u8> {
        let mut content = self.flushed.clone();
        let sector = [512, 4096][random.below(2) as usize];
        let share = any_share(random);
        // Now and then in order, as disks mostly write: then everything up to some change is there, and that one is torn.
        let in_order = random.below(3) == 0;
        let torn = random.below(self.unflushed.len() as u64 + 1) as usize;
        let garbage = random.below(4) == 0;
        for (number, change) in self.unflushed.iter().enumerate() {
            match (in_order, number < torn, number == torn) {
                (true, true, _) => apply(&mut content, change),
                (true, false, false) => {}
                _ => apply_part(&mut content, change, (sector, share, garbage), random),
            }
        }
        // The length of a file may get to the disk before its content.
        if random.below(4) == 0 {
            let ends = self.unflushed.iter().map(|change| match change {
                Change::Write(at, bytes) => *at as usize + bytes.len(),
                Change::Truncate(_) => 0,
            });
            content.resize(ends.fold(content.len(), usize::max), 0);
        }
        content
    }
}

fn apply_part(
    content: &mut Vec<u8>,
    change: &Change<'_>,
    (sector, share, garbage): (u64, u64, bool),
    random: &mut Random,
) {
    let Change::Write(at, bytes) = change else {
        if random.below(100) < share {
            apply(content, change);
        }
        return;
    };
    let (mut from, end) = (*at, at + bytes.len() as u64);
    while from < end {
        let to = ((from / sector + 1) * sector).min(end);
        if random.below(100) < share {
            apply(
                content,
                &Change::Write(from, &bytes[(from - at) as usize..(to - at) as usize]),
            );
        } else if garbage && random.below(2) == 0 {
            let garbage: Vec<u8> = (from..to).map(|_| random.below(256) as u8).collect();
            apply(content, &Change::Write(from, &garbage));
        }
        from = to;
    }
}
