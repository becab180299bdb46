//! The HTML page, read by a browser's parser.

use super::{HOSTILE, assistant, calling, export_all, exported, hostile_store, small_store, store_of, tool, user};
use proptest::prelude::*;
use scraper::{ElementRef, Html, Selector};
use std::collections::{BTreeSet, HashSet};
use turnkeep::model::{AppendOptions, NewMessage, NewSession, Role};
use turnkeep::store::{ExportOptions, Selection};
use turnkeep::transfer::Format;
use turnkeep::{Store, StoreOptions};

fn parsed(html: &str) -> Html {
    Html::parse_document(html)
}

fn all<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

fn text(element: ElementRef<'_>) -> String {
    element.text().collect()
}

/// What the page is made of. Whatever else stands in it came from a content.
const ELEMENTS: &[&str] = &[
    "html", "head", "meta", "title", "style", "script", "body", "header", "h1", "h2", "h3", "search", "label",
    "input", "output", "button", "a", "main", "section", "article", "nav", "ol", "li", "dl", "div", "dt", "dd",
    "bdi", "time", "span", "strong", "small", "p", "code", "pre", "details", "summary",
];

const ATTRIBUTES: &[&str] = &[
    "aria-describedby",
    "aria-keyshortcuts",
    "aria-label",
    "aria-labelledby",
    "autocapitalize",
    "autocomplete",
    "charset",
    "class",
    "content",
    "datetime",
    "dir",
    "disabled",
    "for",
    "hidden",
    "href",
    "http-equiv",
    "id",
    "lang",
    "name",
    "open",
    "placeholder",
    "role",
    "spellcheck",
    "tabindex",
    "title",
    "type",
];

/// Checks that a page is made of what pages are made of, and that everything in it that leads somewhere leads into it.
fn check_structure(html: &str) -> Html {
    let page = parsed(html);
    let mut ids = HashSet::new();
    for element in all(&page, "*") {
        let element = element.value();
        assert!(ELEMENTS.contains(&element.name()), "there is a <{}>", element.name());
        for (name, value) in element.attrs() {
            assert!(ATTRIBUTES.contains(&name), "there is a {name}={value}");
            assert!(name != "id" || ids.insert(value.to_owned()), "{value} is there twice");
        }
    }
    for link in all(&page, "a") {
        let target = link.value().attr("href").unwrap().strip_prefix('#').unwrap();
        assert!(ids.contains(target) || target == "sessions", "{target} is not there");
    }
    for (what, count) in [
        ("script", 1),
        ("style", 1),
        ("title", 1),
        ("main", 1),
        ("h1", 1),
        ("main + nav", all(&page, "nav").len()),
    ] {
        assert_eq!(all(&page, what).len(), count, "{what}");
    }
    page
}

#[test]
fn a_page_has_a_section_for_each_session_and_an_article_for_each_message() {
    let page = check_structure(&exported(&small_store(), Format::Html));

    let headings: Vec<String> = all(&page, "section h2").into_iter().map(text).collect();
    assert_eq!(headings, ["A trip to *Lisbon*", "A trip to *Lisbon*"]);
    let roles: Vec<String> = all(&page, "#s1 h3").into_iter().map(text).collect();
    assert_eq!(roles, ["System", "User", "Assistant", "Tool", "Assistant"]);
    let times: Vec<_> = all(&page, "#s1m5 time")
        .into_iter()
        .map(|time| time.value().attr("datetime").unwrap())
        .collect();
    assert_eq!(times, ["2026-11-20T12:04:00Z"]);
    assert_eq!(text(all(&page, "#s1m5 time")[0]), "2026-11-20 12:04:00 UTC");
    assert_eq!(text(all(&page, "#s1m1 strong")[0]), "pinned");
    assert_eq!(text(all(&page, "#s1m5 bdi")[0]), "gpt-4o-mini");
    assert_eq!(text(all(&page, "#s1 .summary .text")[0]), "Somebody plans a trip.");
    assert_eq!(text(all(&page, "#s1m3 details pre")[0]), "{\n  \"city\": \"Lisbon\"\n}");
    assert_eq!(text(all(&page, "#s1m4 summary code")[0]), "get_weather");
    assert_eq!(
        text(all(&page, "#s1m4 details pre")[0]),
        "{\n  \"sky\": \"clear\",\n  \"degrees\": 18.50\n}"
    );
    assert_eq!(text(all(&page, "#s1m5 pre")[0]), "std::vector<int> days;");
    assert_eq!(text(all(&page, "#s1m5 .language")[0]), "cpp");
}

#[test]
fn a_fork_links_to_the_message_it_begins_behind_and_that_message_to_the_fork() {
    let store = small_store();
    let fork = store.open_session("trip-2").unwrap();
    // One that goes on from what its parent shares itself, and one from its parent's own message.
    fork.fork(Some(1), NewSession::default()).unwrap();
    fork.fork(Some(3), NewSession::default()).unwrap();

    let page = check_structure(&exported(&store, Format::Html));

    let links = |selector: &str| -> Vec<String> {
        all(&page, selector)
            .into_iter()
            .map(|link| link.value().attr("href").unwrap().to_owned())
            .collect()
    };
    assert_eq!(links(".shared a"), ["#s1m2", "#s1m1", "#s2m3"]);
    assert_eq!(links("#s1m1 .branches a"), ["#s3"]);
    assert_eq!(links("#s1m2 .branches a"), ["#s2"]);
    assert_eq!(links("#s2m3 .branches a"), ["#s4"]);
    assert_eq!(links("nav li a"), ["#s1", "#s2", "#s4", "#s3"]);
    assert_eq!(all(&page, "article").len(), 6, "no message stands there twice");
}

#[test]
fn hostile_texts_are_text_wherever_they_stand() {
    let html = exported(&hostile_store(), Format::Html);

    let page = check_structure(&html);

    assert_eq!(all(&page, "section").len(), 2 * HOSTILE.len());
    assert_eq!(all(&page, "article").len(), 6 * HOSTILE.len());
    assert!(!html.contains('\0'));
    let controls = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    assert_eq!(html.find(controls), None);
    assert_eq!(html.find(['\u{202e}', '\u{2066}']), None);
}

#[test]
fn the_policy_of_a_page_lets_nothing_in() {
    let page = parsed(&exported(&small_store(), Format::Html));

    let policy = all(&page, "head > meta[http-equiv=Content-Security-Policy]")[0]
        .value()
        .attr("content")
        .unwrap();
    let rules: BTreeSet<&str> = policy.split("; ").collect();
    assert!(rules.contains("default-src 'none'"), "{policy}");
    for rule in rules {
        let is_strict = ["default-src 'none'", "base-uri 'none'", "form-action 'none'"].contains(&rule)
            || rule.starts_with("style-src 'sha256-")
            || rule.starts_with("script-src 'sha256-");
        assert!(is_strict && !rule.contains("unsafe"), "{rule}");
    }
}

#[test]
fn code_between_fences_and_ticks_stands_in_code_and_everything_else_as_it_is() {
    let said = "# No *Markdown* <b>\n\nSay `a < b` and ``x ` y``, not `this.\n\n```rust ignore\nlet a: Vec<u8>;\n\n```\n\n   ~~~\nopen\n";
    let page = check_structure(&exported(&store_of(vec![user(said)]), Format::Html));

    let texts: Vec<String> = all(&page, "article .text").into_iter().map(text).collect();
    assert_eq!(texts, ["# No *Markdown* <b>\n\nSay a < b and x ` y, not `this."]);
    let codes: Vec<String> = all(&page, "article code").into_iter().map(text).collect();
    assert_eq!(codes, ["a < b", "x ` y", "let a: Vec<u8>;", "open"]);
    assert_eq!(text(all(&page, ".language")[0]), "rust ignore");
}

#[test]
fn calls_results_long_instructions_and_metadata_are_folded_and_the_rest_is_not() {
    let calls = r#"[{"id":"c","type":"function","function":{"name":"f","arguments":"not json"}}]"#;
    let long = NewMessage::new(Role::System, "Obey. ".repeat(200));
    let noted = NewMessage {
        metadata: Some(r#"{"a":1}"#.to_owned()),
        ..assistant("Done.")
    };
    let page = exported(
        &store_of(vec![
            long,
            user("Do."),
            calling("I do.", calls),
            tool("c", "result"),
            noted,
        ]),
        Format::Html,
    );
    let page = check_structure(&page);

    let summaries: Vec<String> = all(&page, "article summary").into_iter().map(text).collect();
    let [instructions, call, result, metadata] = &summaries[..] else {
        panic!("{summaries:?}")
    };
    assert!(instructions.starts_with("Instructions Obey. "), "{instructions}");
    assert_eq!(
        (call.as_str(), result.as_str(), metadata.as_str()),
        ("Calls f not json", "Result of f result", "Metadata")
    );
    assert!(all(&page, "details[open]").is_empty());
    let texts: Vec<String> = all(&page, ".body > .text").into_iter().map(text).collect();
    assert_eq!(texts, ["Do.", "I do.", "Done."]);
}

#[test]
fn a_page_of_no_session_and_of_one_has_no_list() {
    let empty = Store::open(":memory:", StoreOptions::default()).unwrap();
    let page = check_structure(&exported(&empty, Format::Html));
    assert_eq!(all(&page, "section, nav").len(), 0);
    let page = check_structure(&exported(&store_of(Vec::new()), Format::Html));
    assert_eq!((all(&page, "section").len(), all(&page, "nav").len()), (1, 0));
}

#[test]
fn a_page_counts_what_it_cannot_show() {
    let store = store_of(vec![user("a\u{1b}b")]);
    let options = AppendOptions {
        idempotency_key: Some("k".to_owned()),
        ..AppendOptions::default()
    };
    store
        .open_session("s")
        .unwrap()
        .append(vec![user("x")], options)
        .unwrap();

    let (_, report) = export_all(&store, Format::Html);

    let losses: Vec<(&str, u64)> = report.losses.iter().map(|loss| (loss.what, loss.count)).collect();
    assert_eq!(losses, [("control characters", 1), ("idempotency keys", 1)]);
}

#[test]
fn a_page_of_100_000_messages_is_written_in_small_pieces() {
    const MESSAGES: usize = 100_000;
    let content = "Some words, `code` and <tags>.\n".repeat(5);
    let store = store_of(Vec::new());
    let session = store.open_session("s").unwrap();
    for _ in 0..MESSAGES / 10_000 {
        let batch = (0..10_000).map(|_| user(&content)).collect();
        session.append(batch, AppendOptions::default()).unwrap();
    }

    let (mut articles, mut largest, mut bytes) = (0, 0, 0_u64);
    let mut rest = Vec::new();
    let mut sink = |piece: &[u8]| {
        largest = largest.max(piece.len());
        bytes += piece.len() as u64;
        rest.extend_from_slice(piece);
        // An article's beginning may lie across two pieces.
        let whole = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        articles += String::from_utf8_lossy(&rest[..whole]).matches("<article ").count();
        rest.drain(..whole);
        Ok(())
    };
    let options = ExportOptions {
        format: Format::Html,
        selection: Selection::All,
        progress: None,
    };
    let report = store.export(options, &mut sink).unwrap();

    assert_eq!((articles, report.messages), (MESSAGES, MESSAGES as u64));
    assert_eq!(report.bytes, bytes);
    assert!(largest < 128 << 10, "{largest} bytes at once of {bytes}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_texts_are_text(texts in proptest::collection::vec("[<>&\"'`~a-c/! =\n\\-]{0,40}|\\PC{0,20}", 1..20)) {
        let messages: Vec<NewMessage> = texts.iter().map(|text| user(text)).collect();
        let count = messages.len();
        let page = check_structure(&exported(&store_of(messages), Format::Html));
        prop_assert_eq!(all(&page, "article").len(), count);
    }
}
