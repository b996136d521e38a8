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
        /// Notes that `id`, which is not there and would take this place, rests in `slot`, which is not 0. The places
        /// of other ids stay good. There is room for one id more than orders, so that a new id may come before an old
        /// one goes.
        fn insert(&mut self, id: u64, slot: u32, place: usize);
        /// Forgets `id`, which has this place.
        fn remove(&mut self, id: u64, place: usize);
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
}

impl OrderIds for SparseIds {}
impl sealed::Ids for SparseIds {
    fn for_orders(orders: usize) -> Self {
        // Four at least, so that an empty entry is left when one id more than orders is there.
        let entries = (2 * orders).next_power_of_two().max(4);
        SparseIds { table: vec![0; entries].into_boxed_slice(), shift: 32 - entries.trailing_zeros() }
    }

    /// Bound: the table is at most half full, but for one, so an empty entry ends the walk.
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
        debug_assert!(slot != 0 && self.table[place & mask] == 0);
        self.table[place & mask] = u64::from(hash(id)) << 32 | u64::from(slot);
    }

    #[inline]
    fn remove(&mut self, _: u64, place: usize) {
        let mask = self.mask();
        debug_assert!(self.table[place & mask] != 0, "an id that is not there");
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
    }

    fn clear(&mut self) {
        self.table.fill(0);
    }
}

/// Ids that count up (one instrument's own sequence): a ring indexed by the id's low bits.
///
/// An id whose place is still taken by an older order that rests on is kept in a sparse table beside, so that no id is
/// ever refused for its value. The place says how many of its ids are there, so that no other looks there in vain: with
/// orders that rest long the table is seldom empty.
pub struct DenseIds {
    /// By the low bits of ids: the slot of one id of the place, or 0, and above `SLOT_BITS` how many more of the place
    /// are in `taken`. A power of two.
    ring: Box<[u32]>,
    taken: SparseIds,
}

/// Places of the ring for each order the book may hold: an id must be that far behind the newest to meet another.
const RING_PER_ORDER: usize = 4;
/// Bits of a slot: it is at most `ORDERS_MAX`.
const SLOT_BITS: u32 = 25;
const SLOT_MASK: u32 = (1 << SLOT_BITS) - 1;
const _: () = assert!(super::ORDERS_MAX as u32 <= SLOT_MASK);
/// One more in `taken`. The count stays at its most once it is reached; to look there in vain is slow, not wrong.
const ONE_MORE: u32 = 1 << SLOT_BITS;
const MOST: u32 = !SLOT_MASK;

impl DenseIds {
    #[inline]
    fn ring_place(&self, id: u64) -> usize {
        id as usize & (self.ring.len() - 1)
    }

    #[inline(never)]
    fn locate_taken(&self, id: u64, orders: &[Resting]) -> (u32, usize) {
        let place = self.ring_place(id);
        let (slot, beside) = sealed::Ids::locate(&self.taken, id, orders);
        let is_free = self.ring[place] & SLOT_MASK == 0;
        if slot == 0 && is_free { (0, place) } else { (slot, self.ring.len() + beside) }
    }

    #[inline(never)]
    fn insert_taken(&mut self, id: u64, slot: u32, beside: usize) {
        let place = self.ring_place(id);
        sealed::Ids::insert(&mut self.taken, id, slot, beside);
        self.ring[place] += if self.ring[place] < MOST { ONE_MORE } else { 0 };
    }

    #[inline(never)]
    fn remove_taken(&mut self, id: u64, beside: usize) {
        let place = self.ring_place(id);
        sealed::Ids::remove(&mut self.taken, id, beside);
        self.ring[place] -= if self.ring[place] < MOST { ONE_MORE } else { 0 };
    }
}

impl OrderIds for DenseIds {}
impl sealed::Ids for DenseIds {
    fn for_orders(orders: usize) -> Self {
        let places = (RING_PER_ORDER * orders).next_power_of_two();
        DenseIds { ring: vec![0; places].into_boxed_slice(), taken: SparseIds::for_orders(orders) }
    }

    /// The place is that in the ring, or the ring's length and above it that in `taken`.
    #[inline]
    fn locate(&self, id: u64, orders: &[Resting]) -> (u32, usize) {
        let place = self.ring_place(id);
        let entry = self.ring[place];
        let slot = entry & SLOT_MASK;
        if slot != 0 && orders[slot as usize].id == id {
            return (slot, place);
        }
        if entry == 0 { (0, place) } else { self.locate_taken(id, orders) }
    }

    #[inline]
    fn insert(&mut self, id: u64, slot: u32, place: usize) {
        if place < self.ring.len() {
            self.ring[place] |= slot;
        } else {
            self.insert_taken(id, slot, place - self.ring.len());
        }
    }

    #[inline]
    fn remove(&mut self, id: u64, place: usize) {
        if place < self.ring.len() {
            self.ring[place] &= !SLOT_MASK;
        } else {
            self.remove_taken(id, place - self.ring.len());
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
    use std::collections::{BTreeMap, BTreeSet};
    use testkit::shortened;
    use types::rng::SplitMix64;

    /// Against a map, on a table so small that runs of entries meet and wrap around its end all the time.
    fn agrees<I: Ids>(seed: u64, span: u64, capacity: usize) {
        let mut rng = SplitMix64::new(seed);
        let mut orders = vec![Resting::default(); capacity + 1];
        let mut free: Vec<u32> = (1..=capacity as u32).collect();
        let (mut ids, mut naive) = (I::for_orders(capacity), BTreeMap::new());
        let clears = shortened(50_000);
        for operation in 0..4 * clears {
            let id = rng.below(span).wrapping_sub(span / 2);
            match naive.get(&id) {
                Some(&slot) if rng.below(2) == 0 => {
                    let (_, place) = ids.locate(id, &orders);
                    ids.remove(id, place);
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
            if operation % clears == clears - 1 {
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
        let mut orders = vec![Resting::default(); 65];
        for id in 0..64 {
            let (_, place) = ids.locate(id, &orders);
            orders[id as usize + 1].id = id;
            ids.insert(id, id as u32 + 1, place);
        }
        for id in 0..64 {
            let (_, place) = ids.locate(id, &orders);
            ids.remove(id, place);
        }
        assert!(ids.table.iter().all(|&entry| entry == 0));
    }

    /// More ids of one place than the ring can count: none is lost, and what is left behind is only slow.
    #[test]
    fn ids_that_all_meet_at_one_place_are_found() {
        let mut ids = DenseIds::for_orders(300);
        let mut orders = vec![Resting::default(); 301];
        let id_of = |slot: u64| 7 + slot * ids_apart();
        for slot in 1..=300 {
            let (known, place) = ids.locate(id_of(slot), &orders);
            assert_eq!(known, 0);
            orders[slot as usize].id = id_of(slot);
            ids.insert(id_of(slot), slot as u32, place);
        }
        assert_eq!(ids.ring[7], MOST | 1);
        for slot in 1..=300 {
            let (known, place) = ids.locate(id_of(slot), &orders);
            assert_eq!(known, slot as u32);
            ids.remove(id_of(slot), place);
            assert_eq!(ids.locate(id_of(slot), &orders).0, 0);
        }
        assert!(ids.taken.table.iter().all(|&entry| entry == 0) && ids.ring[7] == MOST);
        // The place counts again after a clear.
        ids.clear();
        assert_eq!(ids.ring[7], 0);
    }

    /// Ids that are a multiple of the ring apart.
    const fn ids_apart() -> u64 {
        2_048
    }

    /// A new id comes before the old one goes, in a full table of every size.
    #[test]
    fn there_is_room_for_one_id_more_than_orders() {
        fn turn<I: Ids>(capacity: usize) {
            let mut ids = I::for_orders(capacity);
            let mut orders = vec![Resting::default(); capacity + 1];
            let id_of = |round: usize, slot: usize| (round * capacity + slot) as u64 * 0x1000;
            for slot in 1..=capacity {
                let (_, place) = ids.locate(id_of(0, slot), &orders);
                orders[slot].id = id_of(0, slot);
                ids.insert(id_of(0, slot), slot as u32, place);
            }
            for round in 1..50 {
                for slot in 1..=capacity {
                    let (old, new) = (id_of(round - 1, slot), id_of(round, slot));
                    let (found, before) = ids.locate(old, &orders);
                    let (known, place) = ids.locate(new, &orders);
                    assert_eq!((found, known), (slot as u32, 0), "{capacity} {round}");
                    orders[slot].id = new;
                    ids.insert(new, slot as u32, place);
                    ids.remove(old, before);
                    assert_eq!((ids.locate(old, &orders).0, ids.locate(new, &orders).0), (0, slot as u32));
                }
            }
        }
        for capacity in [1, 2, 3, 4, 8, 33, 64] {
            turn::<SparseIds>(capacity);
            turn::<DenseIds>(capacity);
        }
    }

    /// Ids that differ in a few bits, at either end, have homes of their own nearly as often as random ones.
    #[test]
    fn the_hash_spreads_ids_with_a_pattern() {
        const IDS: u64 = 4_096;
        for stride in [1, 2, 10, 4_096, 1 << 32, 1 << 48, 1 << 52] {
            let homes: BTreeSet<u32> = (0..IDS).map(|i| hash(i.wrapping_mul(stride)) >> 20).collect();
            // Random ids would take 2,589 of the 4,096 homes, give or take thirty.
            assert!(homes.len() > 1_500, "stride {stride}: {} homes", homes.len());
        }
    }

    #[test]
    fn two_ids_of_one_hash_are_told_apart() {
        let mut seen = BTreeMap::new();
        let (first, second) =
            (0..).find_map(|id| seen.insert(hash(id), id).map(|before| (before, id))).expect("32 bits repeat soon");
        let mut ids = SparseIds::for_orders(2);
        let mut orders = vec![Resting::default(); 3];
        for (id, slot) in [(first, 1), (second, 2)] {
            let (known, place) = ids.locate(id, &orders);
            assert_eq!(known, 0, "{first} {second}");
            orders[slot as usize].id = id;
            ids.insert(id, slot, place);
        }
        assert_eq!((ids.locate(first, &orders).0, ids.locate(second, &orders).0), (1, 2));
        let (_, place) = ids.locate(first, &orders);
        ids.remove(first, place);
        assert_eq!((ids.locate(first, &orders).0, ids.locate(second, &orders).0), (0, 2));
    }

    #[test]
    fn tables_have_the_room_they_say() {
        for (orders, entries, places) in [(1, 4, 4), (2, 4, 8), (3, 8, 16), (64, 128, 256), (300, 1_024, 2_048)] {
            assert_eq!(SparseIds::for_orders(orders).table.len(), entries);
            let dense = DenseIds::for_orders(orders);
            assert_eq!((dense.ring.len(), dense.taken.table.len()), (places, entries));
        }
    }
}
