//! # Room card: book/l3/ids
//! In:    order ids of a feed, and the slots their orders rest in.
//! Out:   the slot of an id; 0 when the book does not hold it.
//! Holds: each resting order is found by its id and by no other; no tombstones: removing leaves no trace.
//! Costs: dense: one load; sparse: 1.5 probes on average, as the table is at most half full. No allocation after `new`.
use super::queue::Resting;

/// How an L3 book finds an order by its id: `DenseIds` or `SparseIds`.
pub trait OrderIds: sealed::Ids {}

pub mod sealed {
    use super::Resting;

    pub trait Ids {
        /// For at most `orders` resting orders.
        fn for_orders(orders: usize) -> Self;
        /// The slot of an id, or 0; and its place in the table, or the one it would take. A place is good until the
        /// next change of the table.
        fn locate(&self, id: u64, orders: &[Resting]) -> (u32, usize);
        /// Notes that `id`, which is not there and would take this place, rests in `slot`, which is not 0.
        fn insert(&mut self, id: u64, slot: u32, place: usize);
        /// Forgets `id`, which rests in `slot` and has this place.
        fn remove(&mut self, id: u64, slot: u32, place: usize);
        /// Forgets every id.
        fn clear(&mut self);
    }
}

/// Ids in any order and of any size (hashes, venue-wide counters): open addressing in a table of our own.
///
/// An entry is the high half of a hash and a slot; the home of an entry follows from its hash, so that removing can
/// move the entries behind it back without looking at their orders (Knuth, TAOCP 3, 6.4, algorithm R).
pub struct SparseIds {
    /// `hash << 32 | slot`; 0 is empty, since no slot is 0.
    table: Box<[u64]>,
    /// Home of a hash: `hash >> shift`.
    shift: u32,
    count: usize,
}

/// 32 bits that depend on all of the id: the two halves of a 128-bit product, folded.
#[inline]
fn hash(id: u64) -> u32 {
    let product = u128::from(id ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
    ((product >> 64) as u64 ^ product as u64) as u32
}

impl SparseIds {
    #[inline]
    fn mask(&self) -> usize {
        self.table.len() - 1
    }

    /// The place of an id that rests in a slot. Bound: it is there.
    fn place_of(&self, id: u64, slot: u32) -> usize {
        let (hash, mask) = (hash(id), self.mask());
        let wanted = u64::from(hash) << 32 | u64::from(slot);
        let mut at = (hash >> self.shift) as usize;
        while self.table[at & mask] != wanted {
            debug_assert!(self.table[at & mask] != 0, "an id that is not there");
            at += 1;
        }
        at & mask
    }

    /// `insert` without a place.
    fn insert_anew(&mut self, id: u64, slot: u32) {
        let mut at = (hash(id) >> self.shift) as usize;
        // Bound: the table is at most half full.
        while self.table[at & self.mask()] != 0 {
            at += 1;
        }
        sealed::Ids::insert(self, id, slot, at & self.mask());
    }
}

impl OrderIds for SparseIds {}
impl sealed::Ids for SparseIds {
    fn for_orders(orders: usize) -> Self {
        let entries = (2 * orders).next_power_of_two().max(2);
        SparseIds { table: vec![0; entries].into_boxed_slice(), shift: 32 - entries.trailing_zeros(), count: 0 }
    }

    /// Bound: the table is at most half full, so an empty entry ends the walk.
    #[inline]
    fn locate(&self, id: u64, orders: &[Resting]) -> (u32, usize) {
        let (hash, mask) = (hash(id), self.mask());
        let mut at = (hash >> self.shift) as usize;
        loop {
            let entry = self.table[at & mask];
            if entry == 0 {
                return (0, at & mask);
            }
            if (entry >> 32) as u32 == hash && orders[entry as u32 as usize].id == id {
                return (entry as u32, at & mask);
            }
            at += 1;
        }
    }

    #[inline]
    fn insert(&mut self, id: u64, slot: u32, place: usize) {
        let mask = self.mask();
        debug_assert!(slot != 0 && 2 * self.count < self.table.len() && self.table[place & mask] == 0);
        self.table[place & mask] = u64::from(hash(id)) << 32 | u64::from(slot);
        self.count += 1;
    }

    #[inline]
    fn remove(&mut self, _: u64, slot: u32, place: usize) {
        let mask = self.mask();
        debug_assert!(self.table[place & mask] as u32 == slot, "an id that is not there");
        let mut hole = place;
        let mut at = hole + 1;
        loop {
            let entry = self.table[at & mask];
            if entry == 0 {
                break;
            }
            let home = ((entry >> 32) as u32 >> self.shift) as usize;
            // It may move to the hole unless its home lies behind the hole.
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(hole) & mask) {
                self.table[hole & mask] = entry;
                hole = at;
            }
            at += 1;
        }
        self.table[hole & mask] = 0;
        self.count -= 1;
    }

    fn clear(&mut self) {
        self.table.fill(0);
        self.count = 0;
    }
}

/// Ids that count up (one instrument's own sequence): a ring indexed by the id's low bits.
///
/// An id whose place is still taken by an older order that rests on is kept in a sparse table beside, so that no id is
/// ever refused for its value.
pub struct DenseIds {
    /// Slots by id; 0 is empty. A power of two.
    ring: Box<[u32]>,
    taken: SparseIds,
}

/// Places of the ring for each order the book may hold: an id must be that far behind the newest to meet another.
const RING_PER_ORDER: usize = 4;

impl DenseIds {
    #[inline]
    fn place(&self, id: u64) -> usize {
        id as usize & (self.ring.len() - 1)
    }
}

impl OrderIds for DenseIds {}
impl sealed::Ids for DenseIds {
    fn for_orders(orders: usize) -> Self {
        let places = (RING_PER_ORDER * orders).next_power_of_two();
        DenseIds { ring: vec![0; places].into_boxed_slice(), taken: SparseIds::for_orders(orders) }
    }

    /// The place is that in the ring wherever the id has its slot, so it follows from the id alone.
    #[inline]
    fn locate(&self, id: u64, orders: &[Resting]) -> (u32, usize) {
        let place = self.place(id);
        let slot = self.ring[place];
        if slot != 0 && orders[slot as usize].id == id {
            return (slot, place);
        }
        (if self.taken.count == 0 { 0 } else { self.taken.locate(id, orders).0 }, place)
    }

    #[inline]
    fn insert(&mut self, id: u64, slot: u32, _: usize) {
        let place = self.place(id);
        if self.ring[place] == 0 {
            self.ring[place] = slot;
        } else {
            self.taken.insert_anew(id, slot);
        }
    }

    #[inline]
    fn remove(&mut self, id: u64, slot: u32, _: usize) {
        let place = self.place(id);
        if self.ring[place] == slot {
            self.ring[place] = 0;
        } else {
            let place = self.taken.place_of(id, slot);
            self.taken.remove(id, slot, place);
        }
    }

    fn clear(&mut self) {
        self.ring.fill(0);
        self.taken.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::sealed::Ids;
    use super::*;
    use std::collections::BTreeMap;
    use types::rng::SplitMix64;

    /// Against a map, on a table so small that runs of entries meet and wrap around its end all the time.
    fn agrees<I: Ids>(seed: u64, span: u64, capacity: usize) {
        let mut rng = SplitMix64::new(seed);
        let mut orders = vec![Resting::default(); capacity + 1];
        let mut free: Vec<u32> = (1..=capacity as u32).collect();
        let (mut ids, mut naive) = (I::for_orders(capacity), BTreeMap::new());
        for operation in 0..200_000 {
            let id = rng.below(span).wrapping_sub(span / 2);
            match naive.get(&id) {
                Some(&slot) if rng.below(2) == 0 => {
                    let (_, place) = ids.locate(id, &orders);
                    ids.remove(id, slot, place);
                    naive.remove(&id);
                    free.push(slot);
                }
                None => {
                    if let Some(slot) = free.pop() {
                        let (_, place) = ids.locate(id, &orders);
                        orders[slot as usize].id = id;
                        ids.insert(id, slot, place);
                        naive.insert(id, slot);
                    }
                }
                Some(_) => {}
            }
            let probe = rng.below(span).wrapping_sub(span / 2);
            for id in [id, probe] {
                let want = naive.get(&id).copied().unwrap_or(0);
                assert_eq!(ids.locate(id, &orders).0, want, "seed {seed} operation {operation} id {id}");
            }
            if operation % 50_000 == 49_999 {
                ids.clear();
                naive.clear();
                free = (1..=capacity as u32).collect();
            }
        }
    }

    #[test]
    fn sparse_ids_agree_with_a_map() {
        for (seed, capacity) in [(1, 1), (2, 2), (3, 7), (4, 64), (5, 500)] {
            agrees::<SparseIds>(seed, 3 * capacity as u64, capacity);
            agrees::<SparseIds>(seed, u64::MAX, capacity);
        }
    }

    #[test]
    fn dense_ids_agree_with_a_map_when_places_meet() {
        for (seed, capacity) in [(1, 1), (2, 2), (3, 7), (4, 64), (5, 500)] {
            agrees::<DenseIds>(seed, 16 * capacity as u64, capacity);
            agrees::<DenseIds>(seed, 2 * capacity as u64, capacity);
        }
    }

    #[test]
    fn a_table_that_was_full_and_is_empty_again_has_no_trace() {
        let mut ids = SparseIds::for_orders(64);
        for id in 0..64 {
            ids.insert_anew(id, id as u32 + 1);
        }
        for id in 0..64 {
            let place = ids.place_of(id, id as u32 + 1);
            ids.remove(id, id as u32 + 1, place);
        }
        assert!(ids.table.iter().all(|&entry| entry == 0) && ids.count == 0);
    }
}
