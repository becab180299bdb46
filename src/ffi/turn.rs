//! Section 6 of the header, continued: turns and exchanges.
