//! Markdown, read by a parser with everything that any reader might know.

use super::{
    HOSTILE, assistant, exported, hostile_store, small_store, store_of, tool, user, without_times_of_the_sessions,
};
use proptest::prelude::*;
use pulldown_cmark::{CodeBlockKind, Event, LinkType, Options, Parser, Tag, TagEnd};
use std::sync::OnceLock;
use turnkeep::model::{NewMessage, NewSession};
use turnkeep::store::{ExportOptions, Selection};
use turnkeep::transfer::Format;
use turnkeep::{Store, StoreOptions};

/// What a document says of itself, besides what is quoted.
#[derive(Debug, Default, PartialEq)]
struct Outline {
    headings: Vec<String>,
    /// Tags, links and pictures outside of any quotation; tags, pictures and links by reference anywhere.
    strange: Vec<String>,
    quotations: usize,
}

fn outline(markdown: &str, options: Options) -> Outline {
    let mut outline = Outline::default();
    let (mut depth, mut heading) = (0, None::<String>);
    for event in Parser::new_ext(markdown, options) {
        match &event {
            Event::Start(Tag::BlockQuote(_)) => {
                outline.quotations += usize::from(depth == 0);
                depth += 1;
            }
            Event::End(TagEnd::BlockQuote(_)) => depth -= 1,
            Event::Start(Tag::Heading { .. }) if depth == 0 => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) if depth == 0 => outline.headings.extend(heading.take()),
            Event::Html(_) | Event::InlineHtml(_) | Event::Start(Tag::Image { .. } | Tag::FootnoteDefinition(_)) => {
                outline.strange.push(format!("{event:?}"));
            }
            Event::Start(Tag::Link { link_type, .. }) => {
                let is_own = matches!(link_type, LinkType::Inline | LinkType::Autolink | LinkType::Email);
                if depth == 0 || !(is_own || matches!(link_type, LinkType::WikiLink { .. })) {
                    outline.strange.push(format!("{event:?}"));
                }
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(text);
                }
            }
            _ => {}
        }
    }
    outline
}

/// A session by itself, in a store that all of them are in: a store for each would take most of the time.
fn exported_alone(messages: Vec<NewMessage>) -> String {
    static STORE: OnceLock<Store> = OnceLock::new();
    let store = STORE.get_or_init(|| Store::open(":memory:", StoreOptions::default()).unwrap());
    let session = NewSession {
        title: "Test".to_owned(),
        messages,
        ..NewSession::default()
    };
    let session = store.create_session(session).unwrap();
    let mut written = Vec::new();
    let options = ExportOptions {
        format: Format::Markdown,
        selection: Selection::Sessions(vec![session.id().to_owned()]),
        progress: None,
    };
    let mut sink = |bytes: &[u8]| {
        written.extend_from_slice(bytes);
        Ok(())
    };
    store.export(options, &mut sink).unwrap();
    store.delete_session(session.id()).unwrap();
    String::from_utf8(written).unwrap()
}

/// Only what CommonMark knows, what most readers know, and everything.
fn readers() -> [Options; 3] {
    let most =
        Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_GFM;
    [Options::empty(), most, Options::all()]
}

fn check_said(text: &str) {
    let markdown = exported_alone(vec![user(text), assistant("Yes.")]);
    for options in readers() {
        let found = outline(&markdown, options);
        let [title, first, second] = &found.headings[..] else {
            panic!("{text:?} makes headings: {:?}\n{markdown}", found.headings)
        };
        assert_eq!(title, "Test");
        assert!(first.starts_with("1 · User · "), "{first}");
        assert!(second.starts_with("2 · Assistant · "), "{second}");
        assert_eq!(found.strange, Vec::<String>::new(), "{text:?}\n{markdown}");
        assert_eq!(
            found.quotations,
            1 + usize::from(!text.trim().is_empty()),
            "{text:?}\n{markdown}"
        );
    }
}

#[test]
fn markdown_can_be_read_as_it_is() {
    let markdown = exported(&small_store(), Format::Markdown);

    let expected = "\
# A trip to \\*Lisbon\\*

- Session: `trip`
- Model: `gpt-4o`
- Tags: ``a`b``, `travel`
- Messages: 5, 71 tokens

Summary:

> Somebody plans a trip.

## 1 · System · 2026-11-20 12:00:00 UTC · pinned

> Be brief.

## 2 · User · 2026-11-20 12:01:00 UTC

> How is the weather?

## 3 · Assistant · 2026-11-20 12:02:00 UTC

Calls `get_weather`, `c1`:

```json
{
  \"city\": \"Lisbon\"
}
```

## 4 · Tool · `get_weather` · 2026-11-20 12:03:00 UTC

```json
{
  \"sky\": \"clear\",
  \"degrees\": 18.50
}
```

## 5 · Assistant · 2026-11-20 12:04:00 UTC · `gpt-4o-mini`

> **Clear**, 18.5 °C:
>
> ```cpp
> std::vector<int> days;
> ```

# A trip to \\*Lisbon\\*

- Session: `trip-2`
- Model: `gpt-4o`
- Tags: ``a`b``, `travel`
- Messages: 3, 21 tokens
- Forked from: `trip`, behind message 2

Summary:

> Somebody plans a trip.

Messages 1 to 2 are as in session `trip`.

## 3 · Assistant · 2026-11-20 12:05:00 UTC

> I do not know.
";
    assert_eq!(without_times_of_the_sessions(&markdown), expected);
}

#[test]
fn what_somebody_said_adds_no_heading_link_or_tag_to_the_document() {
    for text in HOSTILE {
        check_said(text);
    }
    check_said(&HOSTILE.join("\n"));
    check_said(&HOSTILE.join("\n\n"));
}

#[test]
fn hostile_titles_ids_tags_models_and_calls_are_only_text() {
    let markdown = exported(&hostile_store(), Format::Markdown);

    for options in readers() {
        let found = outline(&markdown, options);
        assert_eq!(found.strange, Vec::<String>::new());
        // For each a session of five messages, and a fork with one of its own.
        assert_eq!(found.headings.len(), HOSTILE.len() * 8, "{:#?}", found.headings);
    }
}

#[test]
fn markdown_of_somebody_still_is_markdown() {
    let text = "A list:\n\n- `Vec<T>`\n- **bold**\n\n\
                ```rust\nlet x: Vec<[u8; 2]> = vec![[1, 2]];\n\tmatch x {}\n```\n\n    indented\n\n| a | b |\n|---|---|\n| 1 | 2 |";
    let markdown = exported(&store_of(vec![user(text)]), Format::Markdown);

    let events: Vec<Event> = Parser::new_ext(&markdown, Options::all()).collect();
    let has = |wanted: &Event| events.contains(wanted);
    assert!(has(&Event::Code("Vec<T>".into())), "{events:#?}");
    assert!(has(&Event::Start(Tag::Strong)));
    assert!(has(&Event::Start(Tag::TableRow)));
    assert!(has(&Event::Start(Tag::CodeBlock(CodeBlockKind::Indented))));
    let code: String = events
        .iter()
        .skip_while(|event| **event != Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced("rust".into()))))
        .filter_map(|event| {
            if let Event::Text(text) = event {
                Some(text.as_ref())
            } else {
                None
            }
        })
        .collect();
    assert!(
        code.starts_with("let x: Vec<[u8; 2]> = vec![[1, 2]];\n\tmatch x {}\n"),
        "{code:?}"
    );
}

#[test]
fn a_fence_in_a_list_holds_code_as_it_was_written() {
    let text = "1. Do:\n\n    ```cpp\n    #include <map>\n\t\tif (x)\n    ```\n2. Done\n\n- ```\n  <b>\n  ```\n";
    let markdown = exported(&store_of(vec![user(text)]), Format::Markdown);

    let mut events = Parser::new_ext(&markdown, Options::all());
    assert!(events.any(|event| event == Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced("cpp".into())))));
    let code: String = events
        .map_while(|event| {
            if let Event::Text(text) = event {
                Some(text.into_string())
            } else {
                None
            }
        })
        .collect();
    assert_eq!(code, "#include <map>\n    if (x)\n");
}

// GitHub's parser takes ticks and backslashes into an address, and what they kept from being a tag is one.
#[test]
fn neither_ticks_nor_a_backslash_in_an_address_hide_a_tag() {
    for address in [
        "https://example.com/",
        "<https://example.com>",
        "see:WWW.",
        "https://example.com/\u{a0}",
    ] {
        let markdown = exported_alone(vec![user(&format!("{address}`<b>` and ```<b>```\\<b>"))]);
        assert!(!markdown.contains("<b>"), "{markdown}");
    }
}

#[test]
fn a_long_line_of_ticks_takes_no_long_time() {
    let ticks: String = (1..2_000).map(|length| "`".repeat(length) + " ").collect();
    let markdown = exported_alone(vec![user(&format!("{ticks}\n{}", "\\".repeat(1_000_000)))]);
    assert!(markdown.len() > 3_000_000);
}

#[test]
fn a_fence_around_a_result_is_longer_than_any_in_it() {
    let calls = r#"[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]"#;
    let calling = NewMessage {
        tool_calls: Some(calls.to_owned()),
        ..assistant("")
    };
    let result = "```\n# Mine\n`````\n<b>\n````";
    let markdown = exported(&store_of(vec![user("x"), calling, tool("c", result)]), Format::Markdown);

    let texts = Parser::new_ext(&markdown, Options::all()).filter_map(|event| {
        if let Event::Text(text) = event {
            Some(text.into_string())
        } else {
            None
        }
    });
    let texts: String = texts.collect();
    assert!(texts.ends_with(&format!("{result}\n")), "{texts}");
    assert_eq!(outline(&markdown, Options::all()).headings.len(), 4);
}

/// Pieces that together may mean anything.
fn nasty_markdown() -> impl Strategy<Value = String> {
    let pieces = [
        "`",
        "``",
        "```",
        "~~~",
        "````",
        "<b>",
        "<i a='",
        "'>",
        "<!--",
        "-->",
        "</p>",
        "<?x",
        "<",
        ">",
        "\n",
        "\n\n",
        "\n",
        " ",
        "    ",
        "\t",
        "  ",
        "- ",
        "1. ",
        "> ",
        "# ",
        "[",
        "]",
        "]:",
        "[x]",
        "[x]: /u",
        "(/u)",
        "!",
        "![",
        "|",
        "|---|",
        "\\",
        "$",
        "$$",
        "---",
        "===",
        ":",
        "\"",
        "^",
        "[^1]",
        "[[",
        "]]",
        "{",
        "}",
        "*",
        "_",
        "~",
        "a",
        "word",
        "&lt;",
        "\r",
        "\u{a0}",
        "é",
        "https://e.x",
        "<https://e.x>",
        "<script>",
        "+++",
        ": ",
        "[!NOTE]",
    ];
    proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 1..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_said_stays_in_its_quotation(text in nasty_markdown()) {
        check_said(&text);
    }
}
