//! # Room card: book/l3/queue
//! In:    orders that join, shrink and leave the queues of price levels.
//! Out:   the queue of a level in its order, its total, and the quantity ahead of watched orders.
//! Holds: a level's total is the sum of its queue; stamps rise along a queue; a watched order's quantity ahead is
//!        exact.
//! Costs: 32 bytes an order and a level, each in one cache line; joining and leaving touch at most two neighbours.
//!
//! Orders stand in a slab and are linked by slot numbers. Slot 0 is nobody: a neighbour that is missing is slot 0,
//! whose links may be overwritten freely, so linking needs no branch. Its stamp stays 0.
use types::{Lots, Side};

use crate::half::LEVELS_PER_SIDE_MAX;

/// A resting order.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(32))]
pub struct Resting {
    pub(crate) id: u64,
    pub(crate) quantity: i64,
    /// Behind it in the queue; the next free slot while it is free.
    pub(crate) next: u32,
    /// Before it in the queue.
    pub(crate) prev: u32,
    /// Rises along a queue: who has the lower stamp is ahead.
    pub(crate) stamp: u32,
    /// Slot of its level, which also says its side.
    pub(crate) level: u16,
    /// Its place among the watched, or 0.
    pub(crate) watch: u16,
}

/// A price level and the ends of its queue.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(32))]
pub(crate) struct Queue {
    pub(crate) key: i64,
    pub(crate) total: i64,
    /// First in the queue; the next free level while it is free.
    pub(crate) head: u32,
    pub(crate) tail: u32,
    pub(crate) count: u32,
    /// First of its watched orders, or 0.
    watch: u16,
}

const _: () = assert!(size_of::<Resting>() == 32 && size_of::<Queue>() == 32);

/// A watched order: what stands before it in its queue.
#[derive(Clone, Copy, Debug, Default)]
struct Watch {
    ahead: i64,
    order: u32,
    next: u16,
    prev: u16,
}

/// Own orders whose quantity ahead is kept exact with every message.
pub const OWN_ORDERS_MAX: usize = 1_023;

/// Both sides' levels: the slots of bids, then those of asks.
const LEVELS: usize = 2 * LEVELS_PER_SIDE_MAX;
// A level's slot is a u16, and its highest bit the side.
const _: () = assert!(LEVELS == 1 << 16);
/// End of the list of free levels.
const NO_LEVEL: u32 = u32::MAX;

/// Slab of orders, slab of levels, and the watched orders.
pub(crate) struct Queues {
    pub(crate) orders: Box<[Resting]>,
    levels: Box<[Queue; LEVELS]>,
    watched: Box<[Watch; OWN_ORDERS_MAX + 1]>,
    free_order: u32,
    free_level: [u32; 2],
    free_watch: u16,
    pub(crate) count: usize,
}

fn boxed<T: Copy, const N: usize>(value: T) -> Box<[T; N]> {
    match Box::<[T; N]>::try_from(vec![value; N].into_boxed_slice()) {
        Ok(array) => array,
        Err(_) => unreachable!("the slice was made with N elements"),
    }
}

/// The side a level's slot belongs to.
#[inline]
pub(crate) const fn side_of(level: u16) -> Side {
    if level >> 15 == 0 { Side::Buy } else { Side::Sell }
}

impl Queues {
    pub(crate) fn new(orders_max: usize) -> Queues {
        let mut queues = Queues {
            orders: vec![Resting::default(); orders_max + 1].into_boxed_slice(),
            levels: boxed(Queue::default()),
            watched: boxed(Watch::default()),
            free_order: 0,
            free_level: [NO_LEVEL; 2],
            free_watch: 0,
            count: 0,
        };
        queues.clear();
        queues
    }

    /// Forgets everything; the cost is that of the whole slabs.
    pub(crate) fn clear(&mut self) {
        let last = self.orders.len() - 1;
        for (slot, order) in self.orders.iter_mut().enumerate() {
            *order = Resting { next: if slot == last { 0 } else { slot as u32 + 1 }, ..Resting::default() };
        }
        for (slot, level) in self.levels.iter_mut().enumerate() {
            let last = slot % LEVELS_PER_SIDE_MAX == LEVELS_PER_SIDE_MAX - 1;
            *level = Queue { head: if last { NO_LEVEL } else { slot as u32 + 1 }, ..Queue::default() };
        }
        for (place, watch) in self.watched.iter_mut().enumerate() {
            *watch = Watch { next: if place == OWN_ORDERS_MAX { 0 } else { place as u16 + 1 }, ..Watch::default() };
        }
        (self.free_order, self.free_watch, self.count) = (1, 1, 0);
        self.free_level = [0, LEVELS_PER_SIDE_MAX as u32];
    }

    #[inline]
    pub(crate) fn level(&self, level: u16) -> &Queue {
        &self.levels[level as usize]
    }

    #[inline]
    pub(crate) fn order(&self, slot: u32) -> &Resting {
        &self.orders[slot as usize]
    }

    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.free_order == 0
    }

    /// Takes a free slot; there must be one.
    #[inline]
    pub(crate) fn take_order(&mut self) -> u32 {
        debug_assert!(!self.is_full());
        let slot = self.free_order;
        self.free_order = self.orders[slot as usize].next;
        self.count += 1;
        slot
    }

    #[inline]
    pub(crate) fn free_order(&mut self, slot: u32) {
        let order = &mut self.orders[slot as usize];
        order.next = self.free_order;
        self.free_order = slot;
        self.count -= 1;
    }

    /// Takes a free level for a key. There is one, since the half was asked first and has as many.
    #[inline]
    pub(crate) fn take_level(&mut self, side: Side, key: i64) -> u16 {
        let slot = self.free_level[side.index()] as u16;
        let level = &mut self.levels[slot as usize];
        self.free_level[side.index()] = level.head;
        *level = Queue { key, ..Queue::default() };
        slot
    }

    #[inline]
    pub(crate) fn free_level(&mut self, slot: u16) {
        let side = side_of(slot).index();
        let level = &mut self.levels[slot as usize];
        debug_assert!(level.count == 0 && level.total == 0 && level.watch == 0 && level.tail == 0);
        level.head = self.free_level[side];
        self.free_level[side] = u32::from(slot);
    }

    /// Puts an order at the end of a level's queue. The level's total must have room for it.
    #[inline]
    pub(crate) fn append(&mut self, level: u16, slot: u32, id: u64, quantity: i64) {
        let queue = &mut self.levels[level as usize];
        let tail = queue.tail;
        queue.tail = slot;
        queue.head = if tail == 0 { slot } else { queue.head };
        queue.count += 1;
        queue.total += quantity;
        let before = &mut self.orders[tail as usize];
        before.next = slot;
        let stamp = before.stamp.wrapping_add(1);
        self.orders[slot as usize] = Resting { id, quantity, next: 0, prev: tail, stamp, level, watch: 0 };
        if stamp == 0 {
            self.renumber(level);
        }
    }

    /// Gives a queue new stamps after 2^32 orders joined it without a moment in which it was empty.
    #[cold]
    #[inline(never)]
    fn renumber(&mut self, level: u16) {
        let (mut at, mut stamp) = (self.levels[level as usize].head, 1);
        // Bound: the orders of the book.
        while at != 0 {
            let order = &mut self.orders[at as usize];
            order.stamp = stamp;
            (at, stamp) = (order.next, stamp + 1);
        }
    }

    /// Takes an order out of its queue; its slot stays taken. Those behind it advance.
    #[inline]
    pub(crate) fn unlink(&mut self, slot: u32) {
        let order = self.orders[slot as usize];
        self.orders[order.prev as usize].next = order.next;
        self.orders[order.next as usize].prev = order.prev;
        let queue = &mut self.levels[order.level as usize];
        queue.head = if order.prev == 0 { order.next } else { queue.head };
        queue.tail = if order.next == 0 { order.prev } else { queue.tail };
        queue.count -= 1;
        queue.total -= order.quantity;
        if queue.watch != 0 {
            self.advance(&order, order.quantity);
        }
    }

    /// Makes a resting order smaller where it stands. Something must be left of it.
    #[inline]
    pub(crate) fn shrink(&mut self, slot: u32, by: i64) {
        let order = &mut self.orders[slot as usize];
        order.quantity -= by;
        let order = *order;
        debug_assert!(order.quantity > 0);
        let queue = &mut self.levels[order.level as usize];
        queue.total -= by;
        if queue.watch != 0 {
            self.advance(&order, by);
        }
    }

    /// Less stands before the watched orders behind `order`. Bound: the watched orders of the level.
    #[inline(never)]
    fn advance(&mut self, order: &Resting, by: i64) {
        let mut at = self.levels[order.level as usize].watch;
        while at != 0 {
            let watch = &mut self.watched[at as usize & OWN_ORDERS_MAX];
            if self.orders[watch.order as usize].stamp > order.stamp {
                watch.ahead -= by;
            }
            at = watch.next;
        }
    }

    /// Watches a resting order from now on; false when all places are taken.
    pub(crate) fn watch(&mut self, slot: u32) -> bool {
        let (order, place) = (self.orders[slot as usize], self.free_watch);
        if order.watch != 0 {
            return true;
        }
        if place == 0 {
            return false;
        }
        let ahead = self.ahead(slot);
        self.free_watch = self.watched[place as usize].next;
        self.watched[place as usize].order = slot;
        self.watch_link(slot, place, ahead);
        true
    }

    /// No longer watches an order; nothing happens when it was not watched.
    pub(crate) fn unwatch(&mut self, slot: u32) {
        let place = self.watch_unlink(slot);
        if place != 0 {
            self.watched[place as usize].next = self.free_watch;
            self.free_watch = place;
        }
    }

    /// Takes a watched order off its level's list and returns its place, or 0 when it is not watched.
    #[inline]
    pub(crate) fn watch_unlink(&mut self, slot: u32) -> u16 {
        let order = self.orders[slot as usize];
        if order.watch == 0 {
            return 0;
        }
        self.orders[slot as usize].watch = 0;
        let watch = self.watched[order.watch as usize];
        // Place 0 is nobody's, like slot 0.
        self.watched[watch.prev as usize].next = watch.next;
        self.watched[watch.next as usize].prev = watch.prev;
        if watch.prev == 0 {
            self.levels[order.level as usize].watch = watch.next;
        }
        order.watch
    }

    /// Puts a watched order onto the list of the level it rests at now.
    pub(crate) fn watch_link(&mut self, slot: u32, place: u16, ahead: i64) {
        let order = &mut self.orders[slot as usize];
        order.watch = place;
        let queue = &mut self.levels[order.level as usize];
        let watch = &mut self.watched[place as usize];
        (watch.ahead, watch.next, watch.prev) = (ahead, queue.watch, 0);
        self.watched[queue.watch as usize].prev = place;
        queue.watch = place;
    }

    /// What stands before an order in its queue: known for a watched one, else summed from the nearer end.
    pub(crate) fn ahead(&self, slot: u32) -> i64 {
        let order = &self.orders[slot as usize];
        if order.watch != 0 {
            return self.watched[order.watch as usize].ahead;
        }
        let total = self.levels[order.level as usize].total;
        let (mut ahead, mut behind) = (0, order.quantity);
        let (mut prev, mut next) = (order.prev, order.next);
        // Bound: twice the shorter part of the queue.
        loop {
            if prev == 0 {
                return ahead;
            }
            if next == 0 {
                return total - behind;
            }
            let (before, after) = (&self.orders[prev as usize], &self.orders[next as usize]);
            ahead += before.quantity;
            behind += after.quantity;
            (prev, next) = (before.prev, after.next);
        }
    }

    /// The orders of a queue from first to last.
    pub(crate) fn queue(&self, head: u32) -> impl Iterator<Item = (u64, Lots)> + '_ {
        let mut at = head;
        core::iter::from_fn(move || {
            let order = self.orders.get(at as usize).filter(|_| at != 0)?;
            at = order.next;
            Some((order.id, Lots(order.quantity)))
        })
    }

    /// For the tests: lets the next orders of a queue have the stamps after `stamp`.
    #[cfg(test)]
    pub(crate) fn age(&mut self, level: u16, stamp: u32) {
        let tail = self.levels[level as usize].tail;
        let order = &mut self.orders[tail as usize];
        order.stamp = order.stamp.max(stamp);
    }
}
