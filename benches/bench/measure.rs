//! Measuring: two ways to do the same thing, in turn, in small rounds.

use std::time::{Duration, Instant};

/// What two ways to do the same thing take.
pub(crate) struct Compared {
    /// Microseconds of the subject: the median of the rounds.
    pub(crate) subject: f64,
    /// Microseconds of the yardstick.
    pub(crate) yardstick: f64,
    /// The median of the rounds' own ratios: what the machine does meanwhile is in both halves of a round.
    pub(crate) ratio: f64,
}

/// Does both in turn. Whoever goes first changes from round to round.
pub(crate) fn compare(
    rounds: usize,
    times: usize,
    mut subject: impl FnMut(),
    mut yardstick: impl FnMut(),
) -> Compared {
    let mut pairs = Vec::with_capacity(rounds);
    for round in 0..rounds {
        let pair = if round % 2 == 0 {
            let first = time(times, &mut subject);
            (first, time(times, &mut yardstick))
        } else {
            let first = time(times, &mut yardstick);
            (time(times, &mut subject), first)
        };
        pairs.push(pair);
    }
    summary(&pairs)
}

/// Medians of pairs: subject, yardstick.
pub(crate) fn summary(pairs: &[(f64, f64)]) -> Compared {
    Compared {
        subject: median(pairs.iter().map(|pair| pair.0)),
        yardstick: median(pairs.iter().map(|pair| pair.1)),
        ratio: median(pairs.iter().map(|pair| pair.0 / pair.1)),
    }
}

fn time(times: usize, work: &mut impl FnMut()) -> f64 {
    let begin = Instant::now();
    for _ in 0..times {
        work();
    }
    micros(begin.elapsed()) / times as f64
}

pub(crate) fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
