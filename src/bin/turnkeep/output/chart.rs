//! Bars of block characters.

/// A bar of at most so many columns, in eighths of one. What is not nothing is seen.
pub(crate) fn bar(value: u64, largest: u64, columns: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if value == 0 || largest == 0 {
        return String::new();
    }
    let eighths = u128::from(value) * columns as u128 * 8 / u128::from(largest);
    let eighths = usize::try_from(eighths).unwrap_or(columns * 8).clamp(1, columns * 8);
    let rest = EIGHTHS.get(eighths % 8).copied().unwrap_or_default();
    format!("{}{rest}", "█".repeat(eighths / 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_share_and_never_nothing_for_something() {
        assert_eq!(bar(10, 10, 4), "████");
        assert_eq!(bar(5, 10, 3), "█▌");
        assert_eq!(bar(1, u64::MAX, 4), "▏");
        assert_eq!(bar(0, 10, 4), "");
        assert_eq!(bar(u64::MAX, u64::MAX, 2), "██");
    }
}
