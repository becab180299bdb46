//! Where the figures were measured.

use crate::measure::{median, micros};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Instant;

/// One line about this machine.
pub(crate) fn describe(folder: &Path) -> String {
    let flush = flush_micros(folder);
    let _first_time = FLUSH.set(flush);
    format!(
        "{}, {} cores, {}, {}, a flush takes {:.0} us, SQLite {}",
        processor(),
        std::thread::available_parallelism().map_or(1, usize::from),
        kernel(),
        file_system(folder),
        flush,
        rusqlite::version(),
    )
}

static FLUSH: OnceLock<f64> = OnceLock::new();

/// A flush up to this many microseconds is quick.
const QUICK_FLUSH: f64 = 200.0;

/// How many rounds of durable work to do: fewer where a flush takes long, so that the whole stays within minutes.
pub(crate) fn rounds(where_it_is_quick: usize) -> usize {
    let slower = FLUSH.get().map_or(1.0, |flush| (flush / QUICK_FLUSH).clamp(1.0, 4.0));
    ((where_it_is_quick as f64 / slower) as usize).max(3)
}

fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name"));
    model
        .and_then(|line| line.split_once(": "))
        .map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.to_owned())
}

fn kernel() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{} {}", std::env::consts::OS, release.trim())
}

/// The type of the file system that the folder lies on: that of the longest mount point that leads to it.
fn file_system(folder: &Path) -> String {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            Some((fields.next()?, fields.next()?))
        })
        .filter(|(mount, _)| folder.starts_with(mount))
        .max_by_key(|(mount, _)| mount.len())
        .map_or_else(|| "unknown file system".to_owned(), |(_, kind)| kind.to_owned())
}

/// What it takes to write a page over another one and flush it.
fn flush_micros(folder: &Path) -> f64 {
    use std::io::{Seek, SeekFrom};
    let path = folder.join("flush");
    let mut file = fs::File::create(&path).unwrap();
    let flushes: Vec<f64> = (0..101)
        .map(|_| {
            file.seek(SeekFrom::Start(0)).unwrap();
            file.write_all(&[1; 4096]).unwrap();
            let begin = Instant::now();
            file.sync_all().unwrap();
            micros(begin.elapsed())
        })
        .collect();
    fs::remove_file(path).unwrap();
    median(flushes)
}

/// How much the machine has to do besides: figures with a load above its cores are worth little.
pub(crate) fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or("?").to_owned()
}
