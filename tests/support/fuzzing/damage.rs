//! Damage to the files of a store, as it is drawn.

use super::draw::Draw;

const PAGE: usize = 4096;

/// Does something to a file, at the places where a wrong byte does most, and anywhere.
pub(crate) fn harm(file: &mut Vec<u8>, draw: &mut Draw<'_>) {
    if file.is_empty() {
        return;
    }
    let pages = file.len().div_ceil(PAGE);
    match draw.upto(11) {
        0..=2 => {
            let at = place(file.len(), draw);
            file[at] ^= 1 << draw.upto(7);
        }
        3..=5 => {
            let at = place(file.len(), draw);
            file[at] = draw.pick(&[0, 1, 2, 5, 10, 13, 0x7F, 0x80, 0xFF]);
        }
        6 => {
            let at = place(file.len(), draw);
            let bytes = draw.bytes(16);
            let end = (at + bytes.len()).min(file.len());
            file[at..end].copy_from_slice(&bytes[..end - at]);
        }
        7 => {
            let (one, other) = (draw.upto(pages - 1), draw.upto(pages - 1));
            swap_pages(file, one, other);
        }
        8 => copy_page(file, draw.upto(pages - 1), draw.upto(pages - 1)),
        9 => {
            let at = place(file.len(), draw);
            let end = (at + draw.pick(&[4, 64, 512, PAGE, 3 * PAGE])).min(file.len());
            file[at..end].fill(draw.pick(&[0, 0x5A, 0xFF]));
        }
        10 => file.truncate(place(file.len(), draw)),
        _ => {
            let more = draw.pick(&[1, 512, PAGE, 5 * PAGE]);
            file.resize(file.len() + more, draw.pick(&[0, 13, 0xFF]));
        }
    }
}

/// In the file's header, at the beginning of a page, or anywhere.
fn place(len: usize, draw: &mut Draw<'_>) -> usize {
    let pages = len.div_ceil(PAGE);
    let at = match draw.upto(4) {
        0 => draw.upto(99),
        1 => draw.upto(pages - 1) * PAGE + draw.upto(11),
        2 => draw.upto(pages - 1) * PAGE + draw.upto(100),
        _ => draw.upto(pages - 1) * PAGE + draw.upto(PAGE - 1),
    };
    at.min(len - 1)
}

fn swap_pages(file: &mut [u8], one: usize, other: usize) {
    let whole = file.len() / PAGE;
    if one < whole && other < whole {
        for byte in 0..PAGE {
            file.swap(one * PAGE + byte, other * PAGE + byte);
        }
    }
}

fn copy_page(file: &mut [u8], from: usize, to: usize) {
    let whole = file.len() / PAGE;
    if from < whole && to < whole {
        file.copy_within(from * PAGE..(from + 1) * PAGE, to * PAGE);
    }
}

const WAL_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// Makes the checksums of a WAL right again, so that SQLite believes what stands in it.
pub(crate) fn sign_wal(wal: &mut [u8]) {
    if wal.len() < WAL_HEADER {
        return;
    }
    let big_endian = wal[3] & 1 == 1;
    let mut sum = checksum(&wal[..24], (0, 0), big_endian);
    put(wal, 24, sum);
    let salt: [u8; 8] = wal[16..24].try_into().unwrap();
    for frame in wal[WAL_HEADER..].chunks_exact_mut(FRAME_HEADER + PAGE) {
        frame[8..16].copy_from_slice(&salt);
        sum = checksum(&frame[..8], sum, big_endian);
        sum = checksum(&frame[FRAME_HEADER..], sum, big_endian);
        put(frame, 16, sum);
    }
}

fn put(bytes: &mut [u8], at: usize, (one, other): (u32, u32)) {
    bytes[at..at + 4].copy_from_slice(&one.to_be_bytes());
    bytes[at + 4..at + 8].copy_from_slice(&other.to_be_bytes());
}

/// The checksum of SQLite's file format, section 4.2.
fn checksum(bytes: &[u8], (mut one, mut other): (u32, u32), big_endian: bool) -> (u32, u32) {
    let word = |four: &[u8]| {
        let four = four.try_into().unwrap();
        if big_endian {
            u32::from_be_bytes(four)
        } else {
            u32::from_le_bytes(four)
        }
    };
    for pair in bytes.chunks_exact(8) {
        one = one.wrapping_add(word(&pair[..4])).wrapping_add(other);
        other = other.wrapping_add(word(&pair[4..])).wrapping_add(one);
    }
    (one, other)
}
