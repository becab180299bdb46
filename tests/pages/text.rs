//! Plain text.

use super::{
    HOSTILE, export_all, exported, hostile_store, small_store, store_of, user, without_times_of_the_sessions,
};
use turnkeep::transfer::Format;

#[test]
fn text_can_be_read_as_it_is() {
    let text = exported(&small_store(), Format::Text);

    let expected = "\
======================================================================
A trip to *Lisbon*
======================================================================

Session:     trip
Model:       gpt-4o
Tags:        a`b, travel
Messages:    5, 71 tokens
Summary:
    Somebody plans a trip.

[1] System, 2026-11-20 12:00:00 UTC, pinned
    Be brief.

[2] User, 2026-11-20 12:01:00 UTC
    How is the weather?

[3] Assistant, 2026-11-20 12:02:00 UTC
    -> get_weather (c1)
    {
      \"city\": \"Lisbon\"
    }

[4] Tool, get_weather, 2026-11-20 12:03:00 UTC
    {
      \"sky\": \"clear\",
      \"degrees\": 18.50
    }

[5] Assistant, 2026-11-20 12:04:00 UTC, gpt-4o-mini
    **Clear**, 18.5 °C:

    ```cpp
    std::vector<int> days;
    ```


======================================================================
A trip to *Lisbon*
======================================================================

Session:     trip-2
Model:       gpt-4o
Tags:        a`b, travel
Messages:    3, 21 tokens
Forked from: trip, behind message 2
Summary:
    Somebody plans a trip.

Messages 1 to 2 are as in session trip.

[3] Assistant, 2026-11-20 12:05:00 UTC
    I do not know.
";
    assert_eq!(without_times_of_the_sessions(&text), expected);
}

#[test]
fn nothing_in_a_text_acts_on_a_terminal() {
    let (text, report) = export_all(&hostile_store(), Format::Text);

    let acts = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
    };
    assert_eq!(text.replace('\t', " ").find(acts), None);
    assert!(
        text.contains("␛[31mred␛[0m␛]0;title␇[U+009B]2J␈␈\n    line␍over␀nul␡"),
        "{text}"
    );
    assert!(text.contains("[U+202E]gpj.exe[U+202C]"), "{text}");
    assert!(
        report
            .losses
            .iter()
            .any(|loss| loss.what == "control characters" && loss.count > 0)
    );
}

#[test]
fn no_line_of_a_text_is_taken_for_a_heading_of_ours() {
    let everything = HOSTILE.join("\n");
    let text = exported(&store_of(vec![user(&everything)]), Format::Text);

    let (_, said) = text.split_once("\n[1] User").unwrap();
    let outside = said
        .lines()
        .skip(1)
        .filter(|line| !line.is_empty() && !line.starts_with("    "));
    assert_eq!(outside.collect::<Vec<_>>(), Vec::<&str>::new());
}
