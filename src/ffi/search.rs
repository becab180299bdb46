//! Section 7 of the header, continued: full text.
