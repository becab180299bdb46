//! Section 6 of the header: forks and what they share.
