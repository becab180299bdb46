//! Which messages go into the next prompt: small examples worked out by hand, then what must hold for every session, over
//! random ones and over recorded conversations, against a naive reference.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/chats.rs"]
mod chats;
#[path = "support/naive_window.rs"]
mod naive_window;
#[path = "support/sessions.rs"]
mod sessions;

#[path = "window/examples.rs"]
mod examples;
#[path = "window/properties.rs"]
mod properties;
#[path = "window/random.rs"]
mod random;
#[path = "window/recorded.rs"]
mod recorded;
