//! # Room card: oms/list
//! In:    indices of slots of a fixed table.
//! Out:   those slots in the order they were pushed.
//! Holds: a slot is in at most one list of its `Links`; links live beside the table, so moving a slot allocates
//!        nothing.
//! Costs: O(1) push and unlink, 8 bytes a slot.

/// No slot.
pub(crate) const NIL: u32 = u32::MAX;

/// Links of every slot of one table.
#[derive(Debug)]
pub(crate) struct Links(Box<[(u32, u32)]>);

/// First and last slot of one list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List {
    pub(crate) head: u32,
    pub(crate) tail: u32,
}

impl List {
    pub(crate) const EMPTY: List = List { head: NIL, tail: NIL };
}

impl Links {
    pub(crate) fn new(slots: usize) -> Links {
        Links(vec![(NIL, NIL); slots].into_boxed_slice())
    }
    pub(crate) fn push_back(&mut self, list: &mut List, slot: u32) {
        self.0[slot as usize] = (list.tail, NIL);
        match list.tail {
            NIL => list.head = slot,
            tail => self.0[tail as usize].1 = slot,
        }
        list.tail = slot;
    }
    pub(crate) fn unlink(&mut self, list: &mut List, slot: u32) {
        let (before, after) = core::mem::replace(&mut self.0[slot as usize], (NIL, NIL));
        match before {
            NIL => list.head = after,
            before => self.0[before as usize].1 = after,
        }
        match after {
            NIL => list.tail = before,
            after => self.0[after as usize].0 = before,
        }
    }
    pub(crate) fn after(&self, slot: u32) -> u32 {
        self.0[slot as usize].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::rng::SplitMix64;

    #[test]
    fn keeps_the_order_of_a_vector() {
        let (seed, mut links, mut list, mut model) = (11, Links::new(16), List::EMPTY, Vec::<u32>::new());
        let mut rng = SplitMix64::new(seed);
        for step in 0..20_000 {
            let slot = rng.below(16) as u32;
            match model.iter().position(|&s| s == slot) {
                Some(at) => {
                    model.remove(at);
                    links.unlink(&mut list, slot);
                }
                None => {
                    model.push(slot);
                    links.push_back(&mut list, slot);
                }
            }
            let mut seen = Vec::new();
            let mut at = list.head;
            while at != NIL {
                seen.push(at);
                at = links.after(at);
            }
            assert_eq!(seen, model, "seed {seed} step {step}");
            assert_eq!(list.tail, model.last().copied().unwrap_or(NIL));
        }
    }
}
