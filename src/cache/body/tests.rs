//! What a body keeps and what its readers see, one thread at a time.

use super::*;

fn message(seq: u32, content: &str) -> MessageRef<'_> {
    MessageRef {
        place: Place {
            seq,
            total_tokens: 0,
            turn: 0,
        },
        role: Role::User,
        flags: MessageFlags::default(),
        tokens: 1,
        created: 0,
        content,
        tool_calls: None,
        tool_call_id: None,
        model: None,
        metadata: None,
    }
}

#[test]
fn a_message_without_the_rarer_fields_is_one_cache_line() {
    assert_eq!(size_of::<MessageView>(), 64);
}

#[test]
fn a_held_run_stays_as_it_was_while_the_body_grows() {
    let mut body = Body::new();
    body.push(&message(1, "first"));
    let held = Arc::clone(body.run());
    let first = held.views().as_ptr();
    for seq in 2..2000 {
        body.push(&message(seq, &"x".repeat(seq as usize)));
    }
    assert_eq!(held.views().as_ptr(), first);
    assert_eq!(body.run().views().len(), 1999);
    for view in body.run().views() {
        let len = if view.seq == 1 { 5 } else { view.seq as usize };
        assert_eq!(view.content.len, len);
        // SAFETY: a text ends in a NUL, in the same piece.
        assert_eq!(unsafe { *view.content.data.add(len) }, 0);
    }
}

#[test]
fn a_message_is_read_as_it_was_taken_in() {
    let mut body = Body::new();
    let taken_in = MessageRef {
        place: Place {
            seq: 7,
            total_tokens: 90,
            turn: 3,
        },
        role: Role::Tool,
        flags: MessageFlags::PINNED,
        tokens: 9,
        created: -5,
        content: "a\0\u{1F600}",
        tool_calls: None,
        tool_call_id: Some("call"),
        model: None,
        metadata: Some("{}"),
    };
    body.push(&message(1, "first"));
    body.push(&taken_in);
    let read: Vec<_> = body.run().messages(1..2).collect();
    assert_eq!(format!("{read:?}"), format!("[{taken_in:?}]"));
    assert_eq!(body.run().messages(2..3).count(), 0);
}

#[test]
fn the_same_message_reads_the_same_in_another_body() {
    let (mut one, mut other) = (Body::new(), Body::new());
    let with_call = MessageRef {
        tool_calls: Some("[{}]"),
        ..message(1, "a")
    };
    one.push(&with_call);
    other.push(&with_call);
    other.push(&message(1, "a"));
    let (one, other) = (one.run(), other.run());
    assert!(one.views()[0].reads_like(&other.views()[0]));
    assert!(!one.views()[0].reads_like(&other.views()[1]));
}
