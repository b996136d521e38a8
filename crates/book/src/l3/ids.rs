//! # Room card: book/l3/ids
//! In:    order ids of a feed.
//! Out:   the slot of the slab in which an order rests; 0 when the book does not hold it.
//! Holds: each resting order is found by its id and by no other; no tombstones: removing leaves no trace.
//! Costs: dense: one load, that of the order; sparse: 1.5 probes on average, as the table is at most half full, and
//!        that load. No allocation after `new`.
use super::queue::Resting;
use crate::half::resident;

/// How an L3 book finds an order by its id: `DenseIds` or `SparseIds`.
pub trait OrderIds: sealed::Ids {}

pub mod sealed {
    use super::Resting;

    pub trait Ids {
        /// For at most `orders` resting orders, and one more, so that a new id may come before an old one goes.
        fn for_orders(orders: usize) -> Self;
        /// Slots that the slab must have, slot 0 among them, which is nobody's.
        fn slots(&self) -> usize;
        /// The slot of an id, or 0; and its place, or the one it would take. A place is good until another id is
        /// released.
        fn locate(&self, id: u64, orders: &[Resting]) -> (u32, usize);
        /// A slot for `id`, which is not there and would take this place. The order with its id is written into it
        /// before anything is looked for.
        fn claim(&mut self, id: u64, place: usize, orders: &mut [Resting]) -> u32;
        /// Takes back the slot of `id`, which has this place.
        fn release(&mut self, id: u64, slot: u32, place: usize, orders: &mut [Resting]);
        /// Takes back every slot.
        fn clear(&mut self, orders: &mut [Resting]);
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
    /// Its slots of the slab, and the first of those that are free.
    slots: core::ops::Range<u32>,
    free: u32,
}

/// 32 bits that depend on all of the id: the two halves of a 128-bit product, folded.
#[inline]
fn hash(id: u64) -> u32 {
    let product = u128::from(id ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
    ((product >> 64) as u64 ^ product as u64) as u32
}

impl SparseIds {
    /// With the slots of the slab from `first` on.
    fn with_slots_from(first: usize, orders: usize) -> Self {
        // Four at least, so that an empty entry is left when one id more than orders is there.
        let entries = (2 * orders).next_power_of_two().max(4);
        let slots = first as u32..(first + orders) as u32 + 1;
        SparseIds { table: resident(0, entries), shift: 32 - entries.trailing_zeros(), slots, free: 0 }
    }

    #[inline]
    fn mask(&self) -> usize {
        self.table.len() - 1
    }
}

impl OrderIds for SparseIds {}
impl sealed::Ids for SparseIds {
    fn for_orders(orders: usize) -> Self {
        SparseIds::with_slots_from(1, orders)
    }

    fn slots(&self) -> usize {
        self.slots.end as usize
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
    fn claim(&mut self, id: u64, place: usize, orders: &mut [Resting]) -> u32 {
        let (mask, slot) = (self.mask(), self.free);
        debug_assert!(slot != 0 && self.table[place & mask] == 0);
        self.free = orders[slot as usize].next;
        self.table[place & mask] = u64::from(hash(id)) << 32 | u64::from(slot);
        slot
    }

    #[inline]
    fn release(&mut self, _: u64, slot: u32, place: usize, orders: &mut [Resting]) {
        orders[slot as usize].next = self.free;
        self.free = slot;
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
    }

    fn clear(&mut self, orders: &mut [Resting]) {
        self.table.fill(0);
        self.free = 0;
        for slot in self.slots.clone().rev() {
            orders[slot as usize] = Resting { next: self.free, ..Resting::default() };
            self.free = slot;
        }
    }
}

/// Ids that count up (one instrument's own sequence): the slot of an order is its id's low bits, so that looking for an
/// order is looking at it. Slots are used round and round, and orders that came together stand together in the cache.
///
/// An id whose place is still taken by an older order that rests on is kept in a sparse table beside, so that no id is
/// ever refused for its value. Each place knows how many of its ids are there, so that no other looks there in vain:
/// with orders that rest long the table is seldom empty.
pub struct DenseIds {
    /// By place, the low bits of ids: how many ids of the place are in `taken`. At `u8::MAX` the count stays; to look
    /// there in vain is slow, not wrong. The place's own slot is the next higher number, and free while it has no
    /// quantity. A power of two.
    more: Box<[u8]>,
    taken: SparseIds,
}

/// Places for each order the book may hold: an id must be that far behind the newest to meet another.
const PLACES_PER_ORDER: usize = 4;

impl DenseIds {
    #[inline]
    fn place(&self, id: u64) -> usize {
        id as usize & (self.more.len() - 1)
    }

    #[inline(never)]
    fn locate_taken(&self, id: u64, is_free: bool, orders: &[Resting]) -> (u32, usize) {
        let (slot, beside) = sealed::Ids::locate(&self.taken, id, orders);
        if slot == 0 && is_free { (0, self.place(id)) } else { (slot, self.more.len() + beside) }
    }

    #[inline(never)]
    fn claim_taken(&mut self, id: u64, beside: usize, orders: &mut [Resting]) -> u32 {
        let place = self.place(id);
        self.more[place] = self.more[place].saturating_add(1);
        sealed::Ids::claim(&mut self.taken, id, beside, orders)
    }

    #[inline(never)]
    fn release_taken(&mut self, id: u64, slot: u32, beside: usize, orders: &mut [Resting]) {
        let place = self.place(id);
        self.more[place] -= u8::from(self.more[place] < u8::MAX);
        sealed::Ids::release(&mut self.taken, id, slot, beside, orders);
    }
}

impl OrderIds for DenseIds {}
impl sealed::Ids for DenseIds {
    fn for_orders(orders: usize) -> Self {
        let places = (PLACES_PER_ORDER * orders).next_power_of_two();
        let taken = SparseIds::with_slots_from(places + 1, orders);
        DenseIds { more: resident(0, places), taken }
    }

    fn slots(&self) -> usize {
        self.taken.slots()
    }

    /// The place is that of the id's low bits, or behind those that in `taken`.
    #[inline]
    fn locate(&self, id: u64, orders: &[Resting]) -> (u32, usize) {
        let place = self.place(id);
        let order = &orders[place + 1];
        let is_free = order.quantity == 0;
        if order.id == id && !is_free {
            return (place as u32 + 1, place);
        }
        if is_free && self.more[place] == 0 { (0, place) } else { self.locate_taken(id, is_free, orders) }
    }

    #[inline]
    fn claim(&mut self, id: u64, place: usize, orders: &mut [Resting]) -> u32 {
        if place < self.more.len() {
            return place as u32 + 1;
        }
        self.claim_taken(id, place - self.more.len(), orders)
    }

    #[inline]
    fn release(&mut self, id: u64, slot: u32, place: usize, orders: &mut [Resting]) {
        orders[slot as usize].quantity = 0;
        if place >= self.more.len() {
            self.release_taken(id, slot, place - self.more.len(), orders);
        }
    }

    fn clear(&mut self, orders: &mut [Resting]) {
        orders[..=self.more.len()].fill(Resting::default());
        self.more.fill(0);
        self.taken.clear(orders);
    }
}

#[cfg(test)]
mod tests {
    use super::sealed::Ids;
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};
    use testkit::shortened;
    use types::rng::SplitMix64;

    /// A slab as a book has it.
    struct Slab<I> {
        ids: I,
        orders: Vec<Resting>,
    }

    impl<I: Ids> Slab<I> {
        fn new(capacity: usize) -> Slab<I> {
            let mut ids = I::for_orders(capacity);
            let mut orders = vec![Resting::default(); ids.slots()];
            ids.clear(&mut orders);
            Slab { ids, orders }
        }

        fn find(&self, id: u64) -> u32 {
            self.ids.locate(id, &self.orders).0
        }

        fn add(&mut self, id: u64) -> u32 {
            let (known, place) = self.ids.locate(id, &self.orders);
            assert_eq!(known, 0, "{id} is new");
            let slot = self.ids.claim(id, place, &mut self.orders);
            self.write(slot, id);
            slot
        }

        fn write(&mut self, slot: u32, id: u64) {
            (self.orders[slot as usize].id, self.orders[slot as usize].quantity) = (id, 1);
        }

        fn remove(&mut self, id: u64) {
            let (slot, place) = self.ids.locate(id, &self.orders);
            assert!(slot != 0, "{id} is there");
            self.ids.release(id, slot, place, &mut self.orders);
        }
    }

    /// Against a map, on a table so small that runs of entries meet and wrap around its end all the time.
    fn agrees<I: Ids>(seed: u64, span: u64, capacity: usize) {
        let mut rng = SplitMix64::new(seed);
        let (mut slab, mut naive) = (Slab::<I>::new(capacity), BTreeMap::new());
        let clears = shortened(50_000);
        for operation in 0..4 * clears {
            let id = rng.below(span).wrapping_sub(span / 2);
            match naive.get(&id) {
                Some(_) if rng.below(2) == 0 => {
                    slab.remove(id);
                    naive.remove(&id);
                }
                None if naive.len() < capacity => {
                    let slot = slab.add(id);
                    assert!(slot != 0 && naive.values().all(|&other| other != slot), "seed {seed} {operation}");
                    naive.insert(id, slot);
                }
                _ => {}
            }
            let probe = rng.below(span).wrapping_sub(span / 2);
            for id in [id, probe] {
                let want = naive.get(&id).copied().unwrap_or(0);
                assert_eq!(slab.find(id), want, "seed {seed} operation {operation} id {id}");
            }
            if operation % clears == clears - 1 {
                slab.ids.clear(&mut slab.orders);
                naive.clear();
            }
        }
    }

    #[test]
    fn sparse_ids_agree_with_a_map() {
        for (seed, capacity) in [(1, 1), (2, 2), (3, 7), (4, 64), (5, 300)] {
            agrees::<SparseIds>(seed, 3 * capacity as u64, capacity);
            agrees::<SparseIds>(seed, u64::MAX, capacity);
        }
    }

    #[test]
    fn dense_ids_agree_with_a_map_when_places_meet() {
        for (seed, capacity) in [(1, 1), (2, 2), (3, 7), (4, 64), (5, 300)] {
            agrees::<DenseIds>(seed, 16 * capacity as u64, capacity);
            agrees::<DenseIds>(seed, 2 * capacity as u64, capacity);
        }
    }

    #[test]
    fn a_table_that_was_full_and_is_empty_again_has_no_trace() {
        let mut slab = Slab::<SparseIds>::new(64);
        for id in 0..64 {
            slab.add(id);
        }
        for id in 0..64 {
            slab.remove(id);
        }
        assert!(slab.ids.table.iter().all(|&entry| entry == 0));
    }

    /// More ids of one place than it can count: none is lost, and what is left behind is only slow.
    #[test]
    fn ids_that_all_meet_at_one_place_are_found() {
        let mut slab = Slab::<DenseIds>::new(300);
        let id_of = |turn: u64| 7 + turn * 2_048;
        for turn in 0..300 {
            slab.add(id_of(turn));
        }
        assert_eq!((slab.ids.more.len(), slab.ids.more[7]), (2_048, u8::MAX));
        for turn in 0..300 {
            slab.remove(id_of(turn));
            assert_eq!(slab.find(id_of(turn)), 0);
            assert!((turn + 1..300).all(|turn| slab.find(id_of(turn)) != 0));
        }
        assert!(slab.ids.taken.table.iter().all(|&entry| entry == 0) && slab.ids.more[7] == u8::MAX);
        // The place counts again after a clear, and exactly while it has not met its bound.
        slab.ids.clear(&mut slab.orders);
        for turn in 0..=254 {
            slab.add(id_of(turn));
        }
        assert_eq!(slab.ids.more[7], 254);
        for turn in 0..=254 {
            slab.remove(id_of(turn));
        }
        assert_eq!(slab.ids.more[7], 0);
    }

    /// A new id comes before the old one goes, in a full table of every size.
    #[test]
    fn there_is_room_for_one_id_more_than_orders() {
        fn turn<I: Ids>(capacity: usize) {
            let mut slab = Slab::<I>::new(capacity);
            let id_of = |round: usize, order: usize| (round * capacity + order) as u64 * 0x1000;
            for order in 0..capacity {
                slab.add(id_of(0, order));
            }
            for round in 1..50 {
                for order in 0..capacity {
                    let (old, new) = (id_of(round - 1, order), id_of(round, order));
                    let (slot, before) = slab.ids.locate(old, &slab.orders);
                    let to = slab.add(new);
                    assert!(slot != 0 && to != 0 && to != slot, "{capacity} {round}");
                    slab.ids.release(old, slot, before, &mut slab.orders);
                    assert_eq!((slab.find(old), slab.find(new)), (0, to), "{capacity} {round}");
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
        let mut slab = Slab::<SparseIds>::new(2);
        let slots = (slab.add(first), slab.add(second));
        assert_eq!((slab.find(first), slab.find(second)), slots, "{first} {second}");
        slab.remove(first);
        assert_eq!((slab.find(first), slab.find(second)), (0, slots.1));
    }

    #[test]
    fn tables_have_the_room_they_say() {
        for (orders, entries, places) in [(1, 4, 4), (2, 4, 8), (3, 8, 16), (64, 128, 256), (300, 1_024, 2_048)] {
            let sparse = SparseIds::for_orders(orders);
            // Homes reach from the first entry to the last.
            assert_eq!((sparse.table.len(), (u32::MAX >> sparse.shift) as usize), (entries, entries - 1));
            let dense = DenseIds::for_orders(orders);
            assert_eq!((dense.more.len(), dense.taken.table.len()), (places, entries));
            // Nobody's slot, one a place, and one for each order and for one more.
            assert_eq!(dense.slots(), 1 + places + orders + 1);
        }
    }
}
