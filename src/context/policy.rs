//! What a caller asks of a window, and the rules that follow from it.

use crate::error::{Error, Result};
use crate::model::session::MAX_WINDOW_TOKENS;
use serde::{Deserialize, Serialize};

/// How much of the budget is used after the cut has moved, unless the caller says otherwise.
///
/// 75 % re-reads 1 147 tokens a turn where dropping the oldest turn each time re-reads 5 456, and keeps 87 % of the
/// history that would fit (docs/design.md, "Why does a window drop ten turns at once?").
pub const DEFAULT_LOW_WATER_PERCENT: u32 = 75;

/// What a window leaves out: a set of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeaveOut(pub u32);

impl LeaveOut {
    /// The session's summary.
    pub const SUMMARY: Self = Self(1);
    /// The privilege of pinned messages: they stay in the history's order and go with it.
    pub const PINS: Self = Self(2);
    /// Every bit there is.
    pub const ALL: u32 = 3;

    /// Whether all bits of `other` are set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What a caller asks of a window. Zero means default everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct WindowOptions {
    /// The size in tokens; 0 is the session's, then the store's.
    pub max_tokens: u64,
    /// Kept free for the answer.
    pub reserve_tokens: u64,
    /// Kept free for the summary, so that a new one never moves the cut; 0 lets the summary take what it needs.
    pub summary_tokens: u64,
    /// What the prompt template adds to each message.
    pub message_overhead: u32,
    /// How much of the budget is used after the cut has moved: 1 to 100; 0 is 75. 100 slides by a turn each turn.
    pub low_water_percent: u32,
    /// How many turns stay at the front.
    pub keep_first_turns: u32,
    /// The largest number of messages; 0 is any.
    pub max_messages: u32,
    /// What to leave out.
    pub leave_out: LeaveOut,
}

/// Options with every default filled in: what the cut is a function of, besides the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Policy {
    /// The window's size in tokens.
    pub max_tokens: u64,
    /// Kept free for the answer.
    pub reserve_tokens: u64,
    /// Kept free for the summary; 0 is as much as it needs.
    pub summary_tokens: u64,
    /// Added to each message.
    pub message_overhead: u32,
    /// 1 to 100.
    pub low_water_percent: u32,
    /// How many turns stay at the front.
    pub keep_first_turns: u32,
    /// `u32::MAX` is any.
    pub max_messages: u32,
    /// What to leave out.
    pub leave_out: LeaveOut,
}

impl Policy {
    /// Fills in the defaults and checks the numbers against each other.
    pub fn new(options: &WindowOptions, default_max_tokens: u64) -> Result<Self> {
        let max_tokens = match options.max_tokens {
            0 => default_max_tokens,
            tokens => tokens,
        };
        if max_tokens > MAX_WINDOW_TOKENS {
            return Err(Error::invalid(format!(
                "max_tokens is {max_tokens}; at most {MAX_WINDOW_TOKENS} are allowed"
            )));
        }
        if options.reserve_tokens >= max_tokens {
            return Err(Error::invalid(format!(
                "reserve_tokens is {} of a window of {max_tokens}; nothing is left for the prompt",
                options.reserve_tokens
            )));
        }
        if options.summary_tokens >= max_tokens - options.reserve_tokens {
            return Err(Error::invalid(format!(
                "summary_tokens is {}; of a window of {max_tokens} tokens with {} for the answer nothing is left for \
                 the messages",
                options.summary_tokens, options.reserve_tokens
            )));
        }
        if options.low_water_percent > 100 {
            return Err(Error::invalid(format!(
                "low_water_percent is {}; it must be 1 to 100, or 0 for {DEFAULT_LOW_WATER_PERCENT}",
                options.low_water_percent
            )));
        }
        if options.leave_out.0 > LeaveOut::ALL {
            return Err(Error::invalid(format!(
                "leave_out is {}; it must be a sum of 1 (summary) and 2 (pins)",
                options.leave_out.0
            )));
        }
        Ok(Self {
            max_tokens,
            reserve_tokens: options.reserve_tokens,
            summary_tokens: options.summary_tokens,
            message_overhead: options.message_overhead,
            low_water_percent: match options.low_water_percent {
                0 => DEFAULT_LOW_WATER_PERCENT,
                percent => percent,
            },
            keep_first_turns: options.keep_first_turns,
            max_messages: match options.max_messages {
                0 => u32::MAX,
                count => count,
            },
            leave_out: options.leave_out,
        })
    }

    /// What the prompt may use: the window less what is kept free for the answer.
    pub fn budget(&self) -> u64 {
        self.max_tokens.saturating_sub(self.reserve_tokens)
    }

    /// What the messages may use, and how many they may be: less what is kept free for the summary.
    pub fn room_for_messages(&self) -> (u64, u64) {
        let messages = match self.max_messages {
            u32::MAX => u64::MAX,
            most => u64::from(most) - u64::from(self.reserves_summary()),
        };
        (self.budget().saturating_sub(self.summary_tokens), messages)
    }

    /// Whether the summary has a room of its own.
    pub(super) fn reserves_summary(&self) -> bool {
        self.summary_tokens > 0
    }

    /// What a message with this many tokens uses.
    pub fn weight(&self, tokens: u64) -> u64 {
        tokens.saturating_add(u64::from(self.message_overhead))
    }
}
