//! Section 7 of the header, continued: lists, counts, changes to many sessions.
