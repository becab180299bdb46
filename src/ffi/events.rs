//! Section 8 of the header: what happened.
