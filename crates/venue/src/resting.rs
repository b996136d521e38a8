//! # Room card: venue/resting
//! In:    orders that come to rest, are reduced or taken out.
//! Out:   `Resting`: both sides' queues over one slab of orders, price-time priority in one place.
//! Holds: first in, first out at each price; a level's total is the sum of its orders; a slot is live or free.
//! Costs: an order's line of 32 bytes, its neighbours in the queue and its level; no allocation after construction.
//!
//! Who may match with whom, ids, logs and reports are its users': `Matcher` and `MatchingBook`. The levels are the
//! room `book`'s: a `Half` a side, with a queue at each price.
use book::{Half, Slot};
use types::{Level, Lots, Side, Ticks, Touch};

/// No order: the first node, which is nobody's. A neighbour that is missing is this one, whose links are written and
/// never read, so that linking needs no branch.
pub(crate) const NONE: u32 = 0;

/// Words of 64 ticks of a side's window.
const WORDS: usize = 64;

/// The orders at one price, first to last. No level: no head, no tail, no quantity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Queue {
    pub(crate) total: i64,
    pub(crate) head: u32,
    tail: u32,
}

impl Slot for Queue {
    const EMPTY: Queue = Queue { total: 0, head: NONE, tail: NONE };
    #[inline]
    fn is_empty(&self) -> bool {
        self.head == NONE
    }
}

/// Price levels of one side.
pub(crate) type Levels = Half<Queue, WORDS>;

/// Most orders that a book can be made for: with `ORDER_LOTS_MAX` each, the total of a level fits 63 bits.
pub const BOOK_ORDERS_MAX: usize = 1 << 22;
/// Most price levels a side that a book can be made for.
pub const BOOK_LEVELS_MAX: usize = 1 << 16;

/// An order in the slab. A free one has no open quantity; its `next` is the free list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) key: i64,
    pub(crate) open: i64,
    /// What its user knows it by; kept while the slot is free.
    pub(crate) tag: u64,
    pub(crate) next: u32,
    previous: u32,
}

const _: () = assert!(size_of::<Node>() == 32);

/// Both sides' resting orders.
#[derive(Debug)]
pub(crate) struct Resting {
    sides: [Levels; 2],
    nodes: Vec<Node>,
    free: u32,
    length: usize,
    orders_max: usize,
}

/// No key is worse: the limit of a market order. An empty side's best, `i64::MIN`, is below it.
pub(crate) const KEY_MIN: i64 = i64::MIN + 1;

/// Sort key of a price on a side: grows towards the touch.
#[inline]
pub(crate) const fn key_of(side: Side, price: i64) -> i64 {
    // All ones for asks: the complement; nothing for bids.
    price ^ -(side.index() as i64)
}

/// Side of a key: prices are positive, so their complements are negative.
#[inline]
pub(crate) const fn side_of(key: i64) -> Side {
    if key < 0 { Side::Sell } else { Side::Buy }
}

/// Price of a key.
#[inline]
pub(crate) const fn price_of(key: i64) -> Ticks {
    Ticks(key ^ (key >> 63))
}

impl Resting {
    /// Room for `orders_max` orders and `levels_max` levels a side, within the bounds above.
    pub(crate) fn new(orders_max: usize, levels_max: usize) -> Resting {
        let (orders_max, levels_max) = (orders_max.min(BOOK_ORDERS_MAX), levels_max.min(BOOK_LEVELS_MAX));
        // Written once, so that the first orders meet no page that is not there yet.
        let mut nodes = vec![Node { key: 0, open: 0, tag: 0, next: NONE, previous: NONE }; orders_max + 1];
        nodes.truncate(1);
        Resting { sides: [Levels::new(levels_max), Levels::new(levels_max)], nodes, free: NONE, length: 0, orders_max }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.length
    }
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.length == self.orders_max
    }
    #[inline]
    pub(crate) fn levels(&self, side: Side) -> &Levels {
        &self.sides[side.index()]
    }
    /// An order's node; a slot is one that `rest` gave out.
    #[inline]
    pub(crate) fn node(&self, slot: u32) -> &Node {
        &self.nodes[slot as usize]
    }
    /// A live order's node.
    #[inline]
    pub(crate) fn live(&self, slot: u32) -> Option<&Node> {
        self.nodes.get(slot as usize).filter(|node| node.open > 0)
    }
    /// First order at a side's best price.
    #[inline]
    pub(crate) fn front(&self, side: Side) -> u32 {
        self.levels(side).best_slot().head
    }
    /// What the last user of the slot that `rest` takes next knew its order by; zero for a new slot.
    #[inline]
    pub(crate) fn next_tag(&self) -> u64 {
        self.nodes.get(self.free as usize).map_or(0, |node| node.tag)
    }

    /// Puts an order at the end of its price's queue; its slot, or `None` without room for the order or its level. What
    /// it would match is the caller's concern.
    #[inline(always)]
    pub(crate) fn rest(&mut self, key: i64, open: i64, tag: u64) -> Option<u32> {
        if self.is_full() {
            return None;
        }
        // A slot is new, or the last one that became free.
        let slot = if self.free == NONE { self.nodes.len() as u32 } else { self.free };
        let levels = &mut self.sides[side_of(key).index()];
        let previous = match levels.get_mut(key) {
            Some(queue) => {
                queue.total += open;
                core::mem::replace(&mut queue.tail, slot)
            }
            None => {
                levels.set(key, Queue { total: open, head: slot, tail: slot })?;
                NONE
            }
        };
        self.nodes[previous as usize].next = slot;
        let node = Node { key, open, tag, next: NONE, previous };
        if slot == self.free {
            let kept = &mut self.nodes[slot as usize];
            self.free = core::mem::replace(kept, node).next;
        } else {
            self.nodes.push(node);
        }
        self.length += 1;
        Some(slot)
    }

    /// Lowers a live order by `lots`, at most what it has; at zero it leaves its queue, and an empty queue the book.
    #[inline]
    pub(crate) fn reduce(&mut self, slot: u32, lots: i64) {
        let node = &mut self.nodes[slot as usize];
        if lots >= node.open {
            return self.take_out(slot);
        }
        node.open -= lots;
        if let Some(queue) = self.sides[side_of(node.key).index()].get_mut(node.key) {
            queue.total -= lots;
        }
    }

    /// Takes a live order out of its queue, and an empty queue out of the book.
    #[inline(always)]
    pub(crate) fn take_out(&mut self, slot: u32) {
        let node = &mut self.nodes[slot as usize];
        let (key, open, next, previous) = (node.key, core::mem::take(&mut node.open), node.next, node.previous);
        let levels = &mut self.sides[side_of(key).index()];
        if next == NONE && previous == NONE {
            levels.set(key, Queue::EMPTY);
        } else if let Some(queue) = levels.get_mut(key) {
            queue.total -= open;
            queue.head = if previous == NONE { next } else { queue.head };
            queue.tail = if next == NONE { previous } else { queue.tail };
            self.nodes[previous as usize].next = next;
            self.nodes[next as usize].previous = previous;
        }
        self.release(slot);
    }

    /// Lowers the first order at a side's best price by fewer lots than it has: `slot` is `front(side)`.
    #[inline(always)]
    pub(crate) fn reduce_front(&mut self, side: Side, slot: u32, lots: i64) {
        self.nodes[slot as usize].open -= lots;
        self.sides[side.index()].best_slot_mut().total -= lots;
    }

    /// Takes out the first order at a side's best price: `slot` is `front(side)`.
    #[inline(always)]
    pub(crate) fn pop_front(&mut self, side: Side, slot: u32) {
        let levels = &mut self.sides[side.index()];
        let node = &mut self.nodes[slot as usize];
        let (key, open, next) = (node.key, core::mem::take(&mut node.open), node.next);
        if next == NONE {
            levels.set(key, Queue::EMPTY);
        } else {
            let queue = levels.best_slot_mut();
            queue.total -= open;
            queue.head = next;
            self.nodes[next as usize].previous = NONE;
        }
        self.release(slot);
    }

    #[inline(always)]
    fn release(&mut self, slot: u32) {
        self.nodes[slot as usize].next = self.free;
        self.free = slot;
        self.length -= 1;
    }

    /// The queue at a key, empty where there is no level.
    #[inline]
    pub(crate) fn queue(&self, key: i64) -> Queue {
        self.levels(side_of(key)).get(key)
    }

    /// Would an order of this side and limit match something now?
    #[inline]
    pub(crate) fn would_take(&self, side: Side, limit: i64) -> bool {
        let against = side.opposite();
        self.levels(against).best_key() >= key_of(against, limit).max(KEY_MIN)
    }

    /// Best bid and ask; zeros where a side is empty.
    #[inline]
    pub(crate) fn touch(&self) -> Touch {
        let best = |side: Side| match self.levels(side).best() {
            None => (Ticks(0), Lots(0)),
            Some(key) => (price_of(key), Lots(self.levels(side).best_slot().total)),
        };
        let ((bid, bid_lots), (ask, ask_lots)) = (best(Side::Buy), best(Side::Sell));
        Touch { bid, bid_lots, ask, ask_lots }
    }

    /// Levels of a side, best first.
    pub(crate) fn walk(&self, side: Side) -> impl Iterator<Item = Level> + '_ {
        let level = |(key, queue): (i64, Queue)| Level { price: price_of(key), quantity: Lots(queue.total) };
        self.levels(side).walk().map(level)
    }

    /// Orders of a queue from first to last, as slots.
    pub(crate) fn slots(&self, queue: Queue) -> impl Iterator<Item = u32> + '_ {
        let step = |&slot: &u32| Some(self.node(slot).next).filter(|&next| next != NONE);
        core::iter::successors(Some(queue.head).filter(|&head| head != NONE), step)
    }
}
