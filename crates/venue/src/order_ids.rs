//! # Room card: venue/order_ids
//! In:    ids of resting orders and their slots.
//! Out:   `OrderIds`: the slot of an id.
//! Holds: an id stands once, in its cell or in the overflow; nothing depends on a random hash.
//! Costs: ids that count up: one cell of four bytes, beside its neighbours'; any others: a probe of a hash map more.
//!
//! Venues and traders count their ids up, so the cell of an id is its low bits: orders that came together stand
//! together in the cache, where a hash would scatter them. The cell holds the slot alone; the order in the slot says
//! whose it is. An id whose cell another live order has goes to a hash map, so that ids of any shape work.
use crate::idmap::IdMap;

/// What a cell without an order holds. Not zero: the memory of a table of zeros is not there until it is written to.
const EMPTY: u32 = u32::MAX;

/// Cells per order: with ids spread at random, a quarter of a full book's stand in the overflow at most.
const CELLS_PER_ORDER: usize = 4;

/// A map from non-zero ids to slots.
#[derive(Debug)]
pub(crate) struct OrderIds {
    cells: Vec<u32>,
    overflow: IdMap,
}

impl OrderIds {
    /// Room for `capacity` ids.
    pub(crate) fn with_capacity(capacity: usize) -> OrderIds {
        let cells = (capacity.max(1) * CELLS_PER_ORDER).next_power_of_two();
        OrderIds { cells: vec![EMPTY; cells], overflow: IdMap::with_capacity(capacity) }
    }

    #[inline]
    fn cell(&self, id: u64) -> usize {
        id as usize & (self.cells.len() - 1)
    }

    /// The slot of an id; `id_at` says which id the order in a slot has.
    #[inline(always)]
    pub(crate) fn get(&self, id: u64, id_at: impl Fn(u32) -> u64) -> Option<u32> {
        let slot = self.cells[self.cell(id)];
        if slot != EMPTY && id_at(slot) == id {
            return Some(slot);
        }
        if self.overflow.is_empty() { None } else { self.overflow.get(id) }
    }

    /// Adds an id that is not there; it is not zero, and there is room.
    #[inline(always)]
    pub(crate) fn insert(&mut self, id: u64, slot: u32) {
        let cell = self.cell(id);
        if self.cells[cell] == EMPTY {
            self.cells[cell] = slot;
        } else {
            let inserted = self.overflow.insert(id, slot);
            debug_assert!(inserted);
        }
    }

    /// Removes an id that stands for this slot.
    #[inline(always)]
    pub(crate) fn remove(&mut self, id: u64, slot: u32) {
        let cell = self.cell(id);
        if self.cells[cell] == slot {
            self.cells[cell] = EMPTY;
        } else {
            self.overflow.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use types::rng::SplitMix64;

    #[test]
    fn agrees_with_a_tree_for_ids_of_any_shape() {
        let seed = 7;
        let mut rng = SplitMix64::new(seed);
        // Ids that count up; that share their low bits; at random.
        for shape in 0..3 {
            let (mut ids, mut tree) = (OrderIds::with_capacity(64), BTreeMap::<u64, u32>::new());
            let mut slots = vec![0u64; 64];
            for step in 0..100_000u64 {
                let at = format!("seed {seed} shape {shape} step {step}");
                let id = 1 + match shape {
                    0 => step / 3 + rng.below(80),
                    1 => rng.below(100) << 20,
                    _ => rng.below(u64::MAX) >> rng.below(60),
                };
                let known = ids.get(id, |slot| slots[slot as usize]);
                assert_eq!(known, tree.get(&id).copied(), "{at}");
                match known {
                    Some(slot) => {
                        ids.remove(id, slot);
                        tree.remove(&id);
                        slots[slot as usize] = 0;
                    }
                    None => {
                        if tree.len() == 64 {
                            let (&oldest, &slot) = tree.iter().next().unwrap();
                            ids.remove(oldest, slot);
                            tree.remove(&oldest);
                            slots[slot as usize] = 0;
                        }
                        let slot = slots.iter().position(|&id| id == 0).unwrap();
                        slots[slot] = id;
                        ids.insert(id, slot as u32);
                        tree.insert(id, slot as u32);
                    }
                }
            }
        }
    }
}
