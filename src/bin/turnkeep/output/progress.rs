//! How far long work is: on stderr, and only where that is a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, stderr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const STYLE: &str = "{msg} {bar:30} {percent:>3} % {eta}";

/// A bar for work with an end.
pub(crate) fn bar(what: &str) -> ProgressBar {
    let bar = drawn(ProgressBar::new(0));
    bar.set_style(ProgressStyle::with_template(STYLE).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(what.to_owned());
    bar
}

/// For work whose end nobody knows.
pub(crate) fn spinner(what: &str) -> ProgressBar {
    let spinner = drawn(ProgressBar::new_spinner());
    spinner.set_message(what.to_owned());
    if !spinner.is_hidden() {
        spinner.enable_steady_tick(Duration::from_millis(100));
    }
    spinner
}

/// A bar that nobody sees.
pub(crate) fn hidden() -> ProgressBar {
    ProgressBar::hidden()
}

/// Tells a bar how far it is, and the work whether it goes on.
pub(crate) fn step(bar: &ProgressBar, goes_on: &AtomicBool) -> impl FnMut(u64, u64) -> bool {
    move |done, of| {
        bar.set_length(of);
        bar.set_position(done);
        goes_on.load(Ordering::Acquire)
    }
}

fn drawn(bar: ProgressBar) -> ProgressBar {
    if !stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    bar
}
