//! The pinned messages of a session, with running weights: what stands before a cut is found without a walk.

/// A message's place and what it uses of the budget.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weighed {
    pub(super) seq: u32,
    pub(super) weight: u64,
}

#[derive(Clone, Copy, Debug)]
struct Pin {
    seq: u32,
    /// The weight of this one and of all before it.
    weight_through: u64,
}

/// Pinned messages, by seq.
#[derive(Clone, Debug, Default)]
pub(super) struct Pins(Vec<Pin>);

impl Pins {
    /// Adds a message after all the others.
    pub(super) fn push(&mut self, message: Weighed) {
        let weight_before = self.0.last().map_or(0, |pin| pin.weight_through);
        self.0.push(Pin {
            seq: message.seq,
            weight_through: weight_before + message.weight,
        });
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<Pin>()
    }

    pub(super) fn contains(&self, seq: u32) -> bool {
        self.0.binary_search_by_key(&seq, |pin| pin.seq).is_ok()
    }

    pub(super) fn seqs_before(&self, cut: u32) -> Vec<u32> {
        self.before(cut).iter().map(|pin| pin.seq).collect()
    }

    pub(super) fn count_and_weight_before(&self, cut: u32) -> (u64, u64) {
        let before = self.before(cut);
        let weight = before.last().map_or(0, |pin| pin.weight_through);
        (before.len() as u64, weight)
    }

    fn before(&self, cut: u32) -> &[Pin] {
        let end = self.0.partition_point(|pin| pin.seq < cut);
        self.0.get(..end).unwrap_or_default()
    }
}
