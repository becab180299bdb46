//! Section 9 of the header: counters and distributions.
