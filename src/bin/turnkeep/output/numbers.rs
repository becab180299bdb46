//! Numbers, sizes and times as people read them.

use chrono::{DateTime, Local};
use turnkeep::model::Micros;

/// 1234567 is 1 234 567.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

/// 1536 is 1.5 KiB.
pub(crate) fn bytes(number: u64) -> String {
    let mut size = number as f64;
    let mut unit = "B";
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if size < 1024.0 {
            break;
        }
        size /= 1024.0;
        unit = larger;
    }
    if unit == "B" {
        format!("{number} B")
    } else {
        format!("{size:.1} {unit}")
    }
}

/// Nanoseconds in the unit that suits them.
pub(crate) fn duration(nanoseconds: u64) -> String {
    match nanoseconds {
        0..1_000 => format!("{nanoseconds} ns"),
        1_000..1_000_000 => format!("{:.1} µs", nanoseconds as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} ms", nanoseconds as f64 / 1e6),
        _ => format!("{:.1} s", nanoseconds as f64 / 1e9),
    }
}

/// To the minute, in the time zone of this machine.
pub(crate) fn time(at: Micros) -> String {
    match DateTime::from_timestamp_micros(at) {
        Some(at) => at.with_timezone(&Local).format("%Y-%m-%d %H:%M").to_string(),
        None => format!("{at} µs"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        let grouped = [0, 999, 1000, 1_234_567].map(count);
        assert_eq!(grouped, ["0", "999", "1 000", "1 234 567"]);
    }

    #[test]
    fn sizes_and_durations_have_the_unit_that_suits_them() {
        assert_eq!(
            [0, 1023, 1536, 5 << 30].map(bytes),
            ["0 B", "1023 B", "1.5 KiB", "5.0 GiB"]
        );
        assert_eq!([7, 1_500, 2_000_000].map(duration), ["7 ns", "1.5 µs", "2.0 ms"]);
    }
}
