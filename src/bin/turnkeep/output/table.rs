//! Columns that stand under each other, whatever script they are in.

use super::{BOLD, clean};
use anstyle::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Between two columns.
const GAP: usize = 2;
/// The last column keeps at least this.
const LEAST: usize = 8;

/// A head and rows. The last column may be cut off where the terminal ends.
pub(crate) struct Table {
    head: Vec<&'static str>,
    /// Numbers stand at the right.
    right: Vec<bool>,
    rows: Vec<Vec<(Style, String)>>,
}

impl Table {
    /// A column whose name begins with > stands at the right.
    pub(crate) fn new(head: &[&'static str]) -> Self {
        Self {
            right: head.iter().map(|name| name.starts_with('>')).collect(),
            head: head.iter().map(|name| name.trim_start_matches('>')).collect(),
            rows: Vec::new(),
        }
    }

    /// What is not harmless in a cell is made so.
    pub(crate) fn row<const N: usize>(&mut self, cells: [(Style, String); N]) {
        let harmless = |(style, text): (Style, String)| (style, clean::line(&text).into_owned());
        self.rows.push(cells.into_iter().map(harmless).collect());
    }

    pub(crate) fn draw(&self, most: Option<usize>, paint: impl Fn(Style, &str) -> String) -> String {
        let head: Vec<(Style, String)> = self.head.iter().map(|name| (BOLD, name.to_uppercase())).collect();
        let rows: Vec<_> = head_if_any(&head).into_iter().chain(&self.rows).collect();
        let widths: Vec<usize> = (0..head.len()).map(|column| widest(&rows, column)).collect();
        let before_last: usize = widths.iter().rev().skip(1).map(|width| width + GAP).sum();
        let room = most.map(|most| most.saturating_sub(before_last).max(LEAST));
        let mut drawn = String::new();
        for row in rows {
            let mut line = String::new();
            let mut owed = 0;
            for (index, (style, text)) in row.iter().enumerate() {
                let is_last = index + 1 == row.len();
                let text = match room.filter(|_| is_last) {
                    Some(room) => cut(text, room),
                    None => text.clone(),
                };
                let free = widths.get(index).map_or(0, |width| width.saturating_sub(text.width()));
                let (left, right) = match self.right.get(index) {
                    Some(true) => (free, 0),
                    _ => (0, free),
                };
                line.push_str(&" ".repeat(owed + left));
                line.push_str(&paint(*style, &text));
                owed = right + GAP;
            }
            drawn.push_str(line.trim_end());
            drawn.push('\n');
        }
        drawn
    }
}

/// A table without names has no line for them.
fn head_if_any(head: &Vec<(Style, String)>) -> Option<&Vec<(Style, String)>> {
    head.iter().any(|(_, name)| !name.is_empty()).then_some(head)
}

fn widest(rows: &[&Vec<(Style, String)>], column: usize) -> usize {
    let widths = rows
        .iter()
        .filter_map(|row| row.get(column))
        .map(|(_, text)| text.width());
    widths.max().unwrap_or_default()
}

/// So many columns of a text, with an ellipsis where something was cut off.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used < columns
    };
    let mut kept: String = text.chars().take_while(fits).collect();
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(table: &Table, most: Option<usize>) -> String {
        table.draw(most, |_, text| text.to_owned())
    }

    #[test]
    fn columns_stand_under_each_other_whatever_the_script() {
        let mut table = Table::new(&["name", ">size", "title"]);
        let cell = |text: &str| (Style::new(), text.to_owned());
        table.row([cell("漢字"), cell("7"), cell("a")]);
        table.row([cell("b"), cell("1000"), cell("\u{1b}]0;x")]);
        assert_eq!(
            plain(&table, None),
            "NAME  SIZE  TITLE\n漢字     7  a\nb     1000  ␛]0;x\n"
        );
    }

    #[test]
    fn the_last_column_ends_where_the_terminal_ends() {
        let mut table = Table::new(&["a", "b"]);
        table.row([(BOLD, "x".to_owned()), (BOLD, "漢字漢字漢字漢字".to_owned())]);
        assert_eq!(plain(&table, Some(12)), "A  B\nx  漢字漢字…\n");
    }
}
