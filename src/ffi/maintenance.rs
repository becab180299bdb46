//! Section 10 of the header: what keeps a store in order.
