//! # Room card: venue/idmap
//! In:    order ids.
//! Out:   `IdMap`: id to slot, and `Memory`: which ids were used lately.
//! Holds: open addressing at most half full, no tombstones; nothing depends on a random hash.
//! Costs: one multiplication and a short probe; no allocation after construction.

/// A map from non-zero ids to slots with a fixed capacity.
#[derive(Debug)]
pub(crate) struct IdMap {
    cells: Vec<(u64, u32)>,
    shift: u32,
    length: usize,
}

impl IdMap {
    /// Room for `capacity` ids.
    pub(crate) fn with_capacity(capacity: usize) -> IdMap {
        let cells = (capacity.max(4) * 2).next_power_of_two();
        IdMap { cells: vec![(0, 0); cells], shift: 64 - cells.trailing_zeros(), length: 0 }
    }

    /// Is there no id?
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0
    }

    #[inline]
    fn home(&self, id: u64) -> usize {
        // Fibonacci hashing: 2^64 divided by the golden ratio spreads the counters that ids are.
        (id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize
    }

    #[inline]
    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.cells.len() - 1)
    }

    #[inline]
    fn position(&self, id: u64) -> Option<usize> {
        let mut at = self.home(id);
        // Ends: at most half of the cells are used.
        loop {
            match self.cells[at].0 {
                0 => return None,
                found if found == id => return Some(at),
                _ => at = self.next(at),
            }
        }
    }

    /// The slot of an id.
    #[inline]
    pub(crate) fn get(&self, id: u64) -> Option<u32> {
        if id == 0 { None } else { self.position(id).map(|at| self.cells[at].1) }
    }

    /// Adds an id; false when it is zero, known already, or the map is full.
    pub(crate) fn insert(&mut self, id: u64, slot: u32) -> bool {
        if id == 0 || self.length * 2 >= self.cells.len() {
            return false;
        }
        let mut at = self.home(id);
        while self.cells[at].0 != 0 {
            if self.cells[at].0 == id {
                return false;
            }
            at = self.next(at);
        }
        self.cells[at] = (id, slot);
        self.length += 1;
        true
    }

    /// Removes an id and closes the gap, so that probes stay short for ever.
    pub(crate) fn remove(&mut self, id: u64) -> Option<u32> {
        let mut hole = if id == 0 { None } else { self.position(id) }?;
        let slot = self.cells[hole].1;
        let mut at = hole;
        loop {
            at = self.next(at);
            if self.cells[at].0 == 0 {
                break;
            }
            let mask = self.cells.len() - 1;
            let home = self.home(self.cells[at].0);
            // The cell may move into the hole when its home is not between the hole and itself.
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(hole) & mask) {
                self.cells[hole] = self.cells[at];
                hole = at;
            }
        }
        self.cells[hole] = (0, 0);
        self.length -= 1;
        Some(slot)
    }
}

/// The last ids that ended, so that a reused one is recognised.
#[derive(Debug)]
pub(crate) struct Memory {
    ids: IdMap,
    ring: Vec<u64>,
    next: usize,
}

impl Memory {
    /// Remembers the last `capacity` ids.
    pub(crate) fn with_capacity(capacity: usize) -> Memory {
        Memory { ids: IdMap::with_capacity(capacity), ring: vec![0; capacity.max(1)], next: 0 }
    }

    /// Remembers an id and forgets the oldest when full.
    pub(crate) fn add(&mut self, id: u64) {
        let oldest = core::mem::replace(&mut self.ring[self.next], 0);
        self.ids.remove(oldest);
        if self.ids.insert(id, 0) {
            self.ring[self.next] = id;
            self.next = (self.next + 1) % self.ring.len();
        }
    }

    /// Was the id used lately?
    #[inline]
    pub(crate) fn contains(&self, id: u64) -> bool {
        self.ids.get(id).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use types::rng::SplitMix64;

    #[test]
    fn agrees_with_a_tree_under_random_operations() {
        let seed = 11;
        let mut rng = SplitMix64::new(seed);
        let (mut map, mut tree) = (IdMap::with_capacity(64), BTreeMap::new());
        for step in 0..200_000u32 {
            // Few ids and a small table: chains and wrap-around happen all the time.
            let id = rng.below(100) << (rng.below(2) * 32);
            match rng.below(3) {
                0 => {
                    let expected = id != 0 && tree.len() < 64 && !tree.contains_key(&id);
                    assert_eq!(map.insert(id, step), expected, "seed {seed} step {step}");
                    if expected {
                        tree.insert(id, step);
                    }
                }
                1 => assert_eq!(map.remove(id), tree.remove(&id), "seed {seed} step {step}"),
                _ => assert_eq!(map.get(id), tree.get(&id).copied(), "seed {seed} step {step}"),
            }
        }
    }

    #[test]
    fn memory_forgets_the_oldest() {
        let mut memory = Memory::with_capacity(3);
        for id in 1..=4 {
            memory.add(id);
        }
        assert_eq!([1, 2, 3, 4].map(|id| memory.contains(id)), [false, true, true, true]);
    }
}
