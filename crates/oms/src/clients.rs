//! # Room card: oms/clients
//! In:    callers' references of open orders.
//! Out:   the order's slot.
//! Holds: open addressing at most half full, linear probing, deletion by shifting back (no tombstones); never iterated,
//!        so no result can depend on its order.
//! Costs: one or two probes; at most `max_orders` when references collide on purpose. 16 bytes a slot, fixed.
use types::ClientId;

#[derive(Debug)]
pub(crate) struct Clients {
    slots: Box<[(u64, u32)]>,
    shift: u32,
}

impl Clients {
    /// For at most `orders` references at once; `orders` is a power of two.
    pub(crate) fn new(orders: usize) -> Clients {
        let slots = orders * 2;
        Clients { slots: vec![(0, 0); slots].into_boxed_slice(), shift: 64 - slots.trailing_zeros() }
    }
    #[inline]
    fn home(&self, client: u64) -> usize {
        // Fibonacci hashing: the high bits of a product with 2^64 / golden ratio.
        (client.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize
    }
    #[inline]
    fn place_of(&self, client: u64) -> Option<usize> {
        let mask = self.slots.len() - 1;
        let home = self.home(client);
        for step in 0..self.slots.len() {
            let at = (home + step) & mask;
            match self.slots[at].0 {
                0 => return None,
                found if found == client => return Some(at),
                _ => {}
            }
        }
        None
    }
    pub(crate) fn find(&self, client: ClientId) -> Option<u32> {
        if client.0 == 0 {
            return None;
        }
        self.place_of(client.0).map(|at| self.slots[at].1)
    }
    /// `client` is not zero, not present, and fewer than half the slots are taken: the caller has checked.
    pub(crate) fn insert(&mut self, client: ClientId, order: u32) {
        let mask = self.slots.len() - 1;
        let home = self.home(client.0);
        for step in 0..self.slots.len() {
            let at = (home + step) & mask;
            if self.slots[at].0 == 0 {
                self.slots[at] = (client.0, order);
                return;
            }
        }
        debug_assert!(false, "the table is at most half full");
    }
    pub(crate) fn remove(&mut self, client: ClientId) {
        if client.0 == 0 {
            return;
        }
        let Some(mut hole) = self.place_of(client.0) else { return };
        let mask = self.slots.len() - 1;
        self.slots[hole] = (0, 0);
        let mut at = hole;
        for _ in 0..self.slots.len() {
            at = (at + 1) & mask;
            let (found, order) = self.slots[at];
            if found == 0 {
                return;
            }
            // It may move back into the hole unless its home lies after the hole, cyclically, up to where it stands.
            if (at.wrapping_sub(self.home(found)) & mask) >= (at.wrapping_sub(hole) & mask) {
                self.slots[hole] = (found, order);
                self.slots[at] = (0, 0);
                hole = at;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use types::rng::SplitMix64;

    #[test]
    fn agrees_with_a_hash_map() {
        let (seed, mut table, mut model) = (5, Clients::new(16), HashMap::<u64, u32>::new());
        let mut rng = SplitMix64::new(seed);
        for step in 0..200_000u32 {
            let client = rng.below(40) + 1;
            if model.contains_key(&client) {
                if rng.below(2) == 0 {
                    model.remove(&client);
                    table.remove(ClientId(client));
                }
            } else if model.len() < 16 {
                model.insert(client, step);
                table.insert(ClientId(client), step);
            }
            let probe = rng.below(42);
            assert_eq!(table.find(ClientId(probe)), model.get(&probe).copied(), "seed {seed} step {step}");
        }
        for client in 0..42 {
            assert_eq!(table.find(ClientId(client)), model.get(&client).copied());
        }
    }
}
