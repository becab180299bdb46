//! What compressed contents cost and save: windows after a cache miss, and bytes on the disk, against contents as they are.

use crate::measure::{Compared, compare};
use crate::report::Row;
use crate::subject::{self, TOKENS, message, open, quickly};
use std::path::Path;
use turnkeep::context::WindowOptions;
use turnkeep::model::Durability;
use turnkeep::{Session, Store, StoreOptions};

/// Of each session; a window of 8 192 tokens holds 163.
const MESSAGES: usize = 400;

/// What people write, to be cut into messages.
const TEXT: &str = include_str!("../../docs/design.md");

pub(crate) fn on_a_miss(folder: &Path) -> Vec<Row> {
    let mut rows = Vec::new();
    for (bytes, what) in [(1_024, "1 KiB"), (4_096, "4 KiB")] {
        let stores = [1_024, 0].map(|compress_min_bytes| {
            let folder = folder.join(format!("{bytes} {compress_min_bytes}"));
            std::fs::create_dir_all(&folder).unwrap();
            filled(&folder, compress_min_bytes, bytes)
        });
        let [packed, plain] = stores;
        rows.push(Row::ratio(
            "T6Zi",
            format!("window of compressed messages of {what} after a miss, against plain ones"),
            "us",
            &misses(&packed.1, &plain.1),
        ));
        let [packed, plain] = [packed.0, plain.0].map(|store| store.sizes().unwrap().messages as f64 / 1e6);
        rows.push(Row::ratio(
            "T6Zi",
            format!("the bytes that they take on the disk, against plain ones of {what}"),
            "MB",
            &Compared {
                subject: packed,
                yardstick: plain,
                ratio: packed / plain,
            },
        ));
    }
    rows
}

/// Two sessions, of which the cache holds one.
fn filled(folder: &Path, compress_min_bytes: u64, bytes: usize) -> (Store, [Session; 2]) {
    let options = StoreOptions {
        cache_sessions: 1,
        compress_min_bytes,
        ..subject::options(Durability::Os)
    };
    let store = open(folder, options);
    let letters: Vec<char> = TEXT.chars().filter(char::is_ascii).collect();
    let sessions = [0, 1].map(|_| {
        let session = subject::create(&store);
        for number in 0..MESSAGES {
            let begin = number * 97 % (letters.len() - bytes);
            let content: String = letters[begin..begin + bytes].iter().collect();
            session.append(vec![message(number, &content)], quickly()).unwrap();
            if number % 50 == 49 {
                session.window(&WindowOptions::default()).unwrap();
            }
        }
        session
    });
    (store, sessions)
}

fn misses(packed: &[Session; 2], plain: &[Session; 2]) -> Compared {
    let mut turns = [0, 0];
    let [packed_turn, plain_turn] = &mut turns;
    let read = |sessions: &[Session; 2], turn: &mut usize| {
        *turn += 1;
        let window = sessions[*turn % 2].window(&WindowOptions::default()).unwrap();
        assert!(window.report().tokens > u64::from(TOKENS) * 50);
    };
    compare(40, 20, || read(packed, packed_turn), || read(plain, plain_turn))
}
