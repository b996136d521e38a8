//! # Room card: book/l3/queue
//! In:    orders that join, shrink and leave the queues of price levels.
//! Out:   the queue of a level in its order, its total, and the quantity ahead of watched orders.
//! Holds: a level's total is the sum of its queue; who stands before a watched order has a lower mark than it, who
//!        stands behind it a higher one; a watched order's quantity ahead is exact.
//! Costs: 32 bytes an order and a level, each in one cache line; joining and leaving touch at most two neighbours.
//!
//! Orders stand in a slab and are linked by slot numbers. Slot 0 is nobody: a neighbour that is missing is slot 0,
//! whose links may be overwritten freely, so linking needs no branch. The queue of a level stands in the window of its
//! side (`half`), and an order knows its key: from the order to its level it is one step.
use types::{Lots, Side};

use crate::half::{Slot, boxed, resident};

/// A resting order.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(32))]
pub struct Resting {
    pub(crate) id: u64,
    pub(crate) quantity: i64,
    /// Twice its key, plus the number of its side: `PRICE_TICKS_MAX` leaves the bit.
    pub(crate) key_side: i64,
    /// Behind it in the queue; the next free slot while it is free.
    pub(crate) next: u32,
    /// Before it in the queue.
    pub(crate) prev: u32,
}

impl Resting {
    #[inline]
    pub(crate) fn key(&self) -> i64 {
        self.key_side >> 1
    }

    #[inline]
    pub(crate) fn side(&self) -> Side {
        if self.key_side & 1 == 0 { Side::Buy } else { Side::Sell }
    }

    /// Is nobody else in its queue?
    #[inline]
    pub(crate) fn is_alone(&self) -> bool {
        self.next | self.prev == 0
    }
}

/// The queue at a price: what it holds, and its ends.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(32))]
pub struct Queue {
    pub(crate) total: i64,
    /// First in the queue; 0 when there is no level.
    pub(crate) head: u32,
    pub(crate) tail: u32,
    pub(crate) count: u32,
    /// First of its watched orders, or 0.
    pub(crate) watch: u16,
}

const _: () = assert!(size_of::<Resting>() == 32 && size_of::<Queue>() == 32);

impl Slot for Queue {
    const EMPTY: Queue = Queue { total: 0, head: 0, tail: 0, count: 0, watch: 0 };
    #[inline]
    fn is_empty(&self) -> bool {
        self.head == 0
    }
}

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

/// Low bits of a mark: its order's place among the watched, or 0.
const WATCH_BITS: u32 = 10;
const WATCH_MASK: u64 = (1 << WATCH_BITS) - 1;
const _: () = assert!(OWN_ORDERS_MAX as u64 == WATCH_MASK);

/// Slab of orders and the watched orders.
pub(crate) struct Queues {
    pub(crate) orders: Box<[Resting]>,
    /// By slot, beside the orders, since only queues with watched orders have them: a number that rises, above the
    /// order's place among the watched. An order that joins such a queue gets the next number; one that joined it
    /// before somebody was watched has an old one, perhaps that of an order before it in its slot. 2^54 orders take
    /// five years at ten nanoseconds each.
    marks: Box<[u64]>,
    watched: Box<[Watch; OWN_ORDERS_MAX + 1]>,
    free_watch: u16,
    /// The last mark.
    mark: u64,
    pub(crate) count: usize,
}

impl Queues {
    /// With a slab of `slots`; `clear` comes before anything else.
    pub(crate) fn new(slots: usize) -> Queues {
        Queues {
            orders: resident(Resting::default(), slots),
            marks: resident(0, slots),
            watched: boxed(Watch::default()),
            free_watch: 0,
            mark: 0,
            count: 0,
        }
    }

    /// Forgets everything but what the ids keep in the slab; the cost is that of the marks.
    pub(crate) fn clear(&mut self) {
        for (place, watch) in self.watched.iter_mut().enumerate() {
            *watch = Watch { next: if place == OWN_ORDERS_MAX { 0 } else { place as u16 + 1 }, ..Watch::default() };
        }
        self.orders[0] = Resting::default();
        self.marks.fill(0);
        (self.free_watch, self.mark, self.count) = (1, 0, 0);
    }

    #[inline]
    pub(crate) fn order(&self, slot: u32) -> &Resting {
        &self.orders[slot as usize]
    }

    #[inline]
    fn write(&mut self, slot: u32, prev: u32, id: u64, side: Side, key: i64, quantity: i64) {
        let key_side = key << 1 | side.index() as i64;
        self.orders[slot as usize] = Resting { id, quantity, key_side, next: 0, prev };
    }

    /// Gives an order a mark above all others.
    #[inline]
    fn mark(&mut self, slot: u32) {
        self.mark = self.mark.wrapping_add(1 << WATCH_BITS);
        let mark = &mut self.marks[slot as usize];
        *mark = self.mark | *mark & WATCH_MASK;
    }

    /// Puts an order at the end of a queue, whose total must have room for it.
    #[inline(always)]
    pub(crate) fn append(&mut self, queue: &mut Queue, slot: u32, id: u64, side: Side, key: i64, quantity: i64) {
        let tail = queue.tail;
        queue.tail = slot;
        queue.count += 1;
        queue.total += quantity;
        self.orders[tail as usize].next = slot;
        self.write(slot, tail, id, side, key, quantity);
        if queue.watch != 0 {
            self.mark(slot);
        }
    }

    /// The queue of an order that is the first at its price.
    #[inline]
    pub(crate) fn begin(&mut self, slot: u32, id: u64, side: Side, key: i64, quantity: i64) -> Queue {
        self.write(slot, 0, id, side, key, quantity);
        Queue { total: quantity, head: slot, tail: slot, count: 1, watch: 0 }
    }

    /// Takes an order that is not alone out of its queue; its slot stays taken.
    #[inline(always)]
    pub(crate) fn unlink(&mut self, queue: &mut Queue, order: &Resting) {
        self.orders[order.prev as usize].next = order.next;
        self.orders[order.next as usize].prev = order.prev;
        queue.head = if order.prev == 0 { order.next } else { queue.head };
        queue.tail = if order.next == 0 { order.prev } else { queue.tail };
        queue.count -= 1;
        queue.total -= order.quantity;
    }

    /// Makes a resting order smaller where it stands. Something must be left of it.
    #[inline]
    pub(crate) fn shrink(&mut self, queue: &mut Queue, slot: u32, by: i64) {
        self.orders[slot as usize].quantity -= by;
        debug_assert!(self.orders[slot as usize].quantity > 0);
        queue.total -= by;
        if queue.watch != 0 {
            self.advance(queue, slot, by);
        }
    }

    /// An order leaves its queue: the watched ones behind it advance, and it is watched there no longer. Its place
    /// among the watched, or 0.
    #[inline(always)]
    pub(crate) fn pass(&mut self, queue: &mut Queue, slot: u32, quantity: i64) -> u16 {
        if queue.watch == 0 {
            return 0;
        }
        self.advance(queue, slot, quantity);
        self.watch_unlink(queue, slot)
    }

    /// Less stands before the watched orders behind an order. Bound: the watched orders of the level.
    #[inline(never)]
    fn advance(&mut self, queue: &Queue, slot: u32, by: i64) {
        let (mut at, mark) = (queue.watch, self.marks[slot as usize]);
        while at != 0 {
            let watch = &mut self.watched[at as usize & OWN_ORDERS_MAX];
            if self.marks[watch.order as usize] > mark {
                watch.ahead -= by;
            }
            at = watch.next;
        }
    }

    #[inline]
    fn watch_of(&self, slot: u32) -> u16 {
        (self.marks[slot as usize] & WATCH_MASK) as u16
    }

    /// Watches a resting order from now on; false when all places are taken.
    pub(crate) fn watch(&mut self, queue: &mut Queue, slot: u32) -> bool {
        let place = self.free_watch;
        if self.watch_of(slot) != 0 {
            return true;
        }
        if place == 0 {
            return false;
        }
        let ahead = self.ahead(queue, slot);
        self.free_watch = self.watched[place as usize].next;
        self.watch_link(queue, slot, place, ahead);
        true
    }

    /// Gives back the place of an order that is no longer watched; 0 is none.
    #[inline]
    pub(crate) fn free_watch(&mut self, place: u16) {
        if place != 0 {
            self.watched[place as usize].next = self.free_watch;
            self.free_watch = place;
        }
    }

    /// Takes a watched order off its level's list and returns its place, or 0 when it is not watched.
    #[inline(never)]
    fn watch_unlink(&mut self, queue: &mut Queue, slot: u32) -> u16 {
        let place = self.watch_of(slot);
        if place == 0 {
            return 0;
        }
        self.marks[slot as usize] &= !WATCH_MASK;
        let watch = self.watched[place as usize];
        // Place 0 is nobody's, like slot 0.
        self.watched[watch.prev as usize].next = watch.next;
        self.watched[watch.next as usize].prev = watch.prev;
        if watch.prev == 0 {
            queue.watch = watch.next;
        }
        place
    }

    /// Puts a watched order onto the list of the level it rests at now.
    pub(crate) fn watch_link(&mut self, queue: &mut Queue, slot: u32, place: u16, ahead: i64) {
        // Bound: the queue; when it has just joined, the order alone.
        let mut at = slot;
        while at != 0 {
            self.mark(at);
            at = self.orders[at as usize].next;
        }
        self.marks[slot as usize] |= u64::from(place);
        self.watched[queue.watch as usize].prev = place;
        self.watched[place as usize] = Watch { ahead, order: slot, next: queue.watch, prev: 0 };
        queue.watch = place;
    }

    /// What stands before an order in its queue: known for a watched one, else summed from the nearer end.
    pub(crate) fn ahead(&self, queue: &Queue, slot: u32) -> i64 {
        let (order, watch) = (&self.orders[slot as usize], self.watch_of(slot));
        if watch != 0 {
            return self.watched[watch as usize].ahead;
        }
        let (mut ahead, mut behind) = (0, order.quantity);
        let (mut prev, mut next) = (order.prev, order.next);
        // Bound: twice the shorter part of the queue.
        loop {
            if prev == 0 {
                return ahead;
            }
            if next == 0 {
                return queue.total - behind;
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
}
