//! Section 7 of the header: which sessions.
