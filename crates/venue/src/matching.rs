//! # Room card: venue/matching
//! In:    orders to rest, orders that take, cancels, changes.
//! Out:   `Matcher`: a price-time book of single orders, its levels, and the log of levels changed since the last diff.
//! Holds: first in, first out at each price; bids and asks never touch; level totals equal the sum of their orders.
//! Costs: O(log levels) to find a price, O(1) in the queue; slabs of fixed size, no allocation after construction.
//!
//! A side is a vector of levels sorted so that the best is last: a touch level comes and goes at the cheap end. Orders
//! are nodes of one slab, linked in time order within their level. `take` asks the `Counterparty` before each match, so
//! that whoever owns the orders can withhold one (self-trade, reduce-only) without the matcher knowing why.
use types::{Code, Level, Lots, Side, Ticks, Touch};

const NONE: u32 = u32::MAX;

/// Largest quantity of one order, lots: the total of a full book then fits 64 bits.
pub const ORDER_LOTS_MAX: i64 = 1 << 40;
/// Largest price of an order, ticks: exact in an f64.
pub const ORDER_TICKS_MAX: i64 = 1 << 53;

/// A resting order, while it rests. A stale handle is recognised.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Handle {
    index: u32,
    generation: u32,
}

/// A resting order as a counterparty sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Maker {
    /// Which.
    pub handle: Handle,
    /// Whose, as given to `rest`.
    pub owner: u32,
    /// Its side.
    pub side: Side,
    /// Its price.
    pub price: Ticks,
    /// Its open quantity before the match.
    pub open: Lots,
}

/// Whoever owns resting orders: asked before, told after each match.
pub trait Counterparty {
    /// How much of this order may be filled. Less than asked for, the order is filled up to that and then pulled.
    fn allow(&mut self, maker: &Maker) -> Lots;
    /// `lots` of this order were filled at its price; `maker.open` is the quantity before.
    fn filled(&mut self, maker: &Maker, lots: Lots);
    /// The order left the book because it was not allowed to fill further.
    fn pulled(&mut self, maker: &Maker);
}

#[derive(Clone, Copy, Debug)]
struct Node {
    price: i64,
    open: i64,
    next: u32,
    previous: u32,
    owner: u32,
    generation: u32,
    /// Position in `live`.
    live: u32,
    side: Side,
}

#[derive(Clone, Copy, Debug)]
struct Queue {
    price: i64,
    total: i64,
    head: u32,
    tail: u32,
}

/// A price-time book of single orders.
#[derive(Debug)]
pub struct Matcher {
    nodes: Vec<Node>,
    free: Vec<u32>,
    live: Vec<u32>,
    sides: [Vec<Queue>; 2],
    orders_max: usize,
    levels_max: usize,
    revision: u64,
    changed: [Vec<i64>; 2],
}

/// Sort key of a price on a side: grows towards the touch.
#[inline]
const fn key(side: Side, price: i64) -> i64 {
    price * side.sign()
}

impl Matcher {
    /// A book of at most `orders_max` orders and `levels_max` levels a side.
    pub fn new(orders_max: usize, levels_max: usize) -> Matcher {
        let orders_max = orders_max.min(NONE as usize - 1);
        let changes = levels_max * 2;
        Matcher {
            nodes: Vec::with_capacity(orders_max),
            free: Vec::with_capacity(orders_max),
            live: Vec::with_capacity(orders_max),
            sides: [Vec::with_capacity(levels_max), Vec::with_capacity(levels_max)],
            orders_max,
            levels_max,
            revision: 0,
            changed: [Vec::with_capacity(changes), Vec::with_capacity(changes)],
        }
    }

    /// Number of resting orders.
    pub fn len(&self) -> usize {
        self.live.len()
    }
    /// Is no order resting?
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }
    /// Number of changes to any level so far; the book's update id.
    pub const fn revision(&self) -> u64 {
        self.revision
    }
    /// Counts a revision in which no level changes (a snapshot has an id of its own).
    pub fn mark(&mut self) -> u64 {
        self.revision += 1;
        self.revision
    }
    /// Could one more order rest, at any price?
    pub fn has_room(&self) -> bool {
        self.live.len() < self.orders_max && self.sides.iter().all(|side| side.len() < self.levels_max)
    }
    /// A resting order by its position among all, 0 to `len() - 1`; the order of positions is fixed but arbitrary.
    pub fn at(&self, position: usize) -> Option<Maker> {
        self.live.get(position).map(|&index| self.maker(index))
    }
    /// A resting order; `None` when it is gone.
    pub fn get(&self, handle: Handle) -> Option<Maker> {
        self.find(handle).map(|index| self.maker(index))
    }
    /// The first order of the queue at a side's best price.
    #[inline]
    pub fn best(&self, side: Side) -> Option<Maker> {
        self.sides[side.index()].last().map(|queue| self.maker(queue.head))
    }
    /// Best bid and ask.
    #[inline]
    pub fn touch(&self) -> Touch {
        let best = |side: Side| {
            self.sides[side.index()].last().map_or((Ticks(0), Lots(0)), |queue| (Ticks(queue.price), Lots(queue.total)))
        };
        let ((bid, bid_lots), (ask, ask_lots)) = (best(Side::Buy), best(Side::Sell));
        Touch { bid, bid_lots, ask, ask_lots }
    }
    /// Quantity at a price; zero when there is none.
    pub fn quantity_at(&self, side: Side, price: Ticks) -> Lots {
        self.level(side, price.0).map_or(Lots::ZERO, |at| Lots(self.sides[side.index()][at].total))
    }
    /// Levels of a side, best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = Level> + '_ {
        self.sides[side.index()].iter().rev().map(|q| Level { price: Ticks(q.price), quantity: Lots(q.total) })
    }
    /// Orders at a price in their queue's order.
    pub fn queue(&self, side: Side, price: Ticks) -> impl Iterator<Item = Maker> + '_ {
        let head = self.level(side, price.0).map_or(NONE, |at| self.sides[side.index()][at].head);
        let step = |&index: &u32| Some(self.nodes[index as usize].next).filter(|&next| next != NONE);
        core::iter::successors(Some(head).filter(|&head| head != NONE), step).map(|index| self.maker(index))
    }
    /// Would an order of this side and limit match something now?
    #[inline]
    pub fn would_take(&self, side: Side, limit: Ticks) -> bool {
        let best = self.sides[side.opposite().index()].last();
        best.is_some_and(|queue| key(side, limit.0) >= key(side, queue.price))
    }

    /// Puts an order at the end of its price's queue. It must not match: `VenuePostOnly` when it would,
    /// `VenueFull` without room, `VenueInvalid` when price or quantity is not positive or above its bound. Refused
    /// whole.
    pub fn rest(&mut self, side: Side, price: Ticks, lots: Lots, owner: u32) -> Result<Handle, Code> {
        if !(1..=ORDER_TICKS_MAX).contains(&price.0) || !(1..=ORDER_LOTS_MAX).contains(&lots.0) {
            return Err(Code::VenueInvalid);
        }
        if self.would_take(side, price) {
            return Err(Code::VenuePostOnly);
        }
        if self.live.len() == self.orders_max {
            return Err(Code::VenueFull);
        }
        let place = self.sides[side.index()].binary_search_by_key(&key(side, price.0), |q| key(side, q.price));
        if place.is_err() && self.sides[side.index()].len() == self.levels_max {
            return Err(Code::VenueFull);
        }
        let index = self.allocate(side, price.0, lots.0, owner);
        match place {
            Ok(at) => {
                let queue = &mut self.sides[side.index()][at];
                let tail = core::mem::replace(&mut queue.tail, index);
                queue.total += lots.0;
                self.nodes[tail as usize].next = index;
                self.nodes[index as usize].previous = tail;
            }
            Err(at) => {
                let queue = Queue { price: price.0, total: lots.0, head: index, tail: index };
                self.sides[side.index()].insert(at, queue);
            }
        }
        self.note(side, price.0);
        Ok(Handle { index, generation: self.nodes[index as usize].generation })
    }

    /// Matches up to `lots` against the other side, best price first, first in first out, no worse than `limit`
    /// (`None`: any price).
    /// Returns what was matched. Ends when the other side, the limit or the quantity does: each round removes quantity
    /// or an order.
    pub fn take<C: Counterparty>(&mut self, side: Side, limit: Option<Ticks>, lots: Lots, party: &mut C) -> Lots {
        let mut left = lots.0.max(0);
        while left > 0 {
            let Some(maker) = self.best(side.opposite()) else { break };
            if limit.is_some_and(|limit| key(side, limit.0) < key(side, maker.price.0)) {
                break;
            }
            let wanted = left.min(maker.open.0);
            let allowed = party.allow(&maker).0.clamp(0, wanted);
            if allowed > 0 {
                self.reduce(maker.handle.index, allowed);
                left -= allowed;
                party.filled(&maker, Lots(allowed));
            }
            if allowed < wanted {
                self.reduce(maker.handle.index, maker.open.0 - allowed);
                party.pulled(&maker);
            }
        }
        Lots(lots.0.max(0) - left)
    }

    /// Takes an order out; `None` when it is gone already.
    pub fn cancel(&mut self, handle: Handle) -> Option<Maker> {
        let index = self.find(handle)?;
        let maker = self.maker(index);
        self.reduce(index, maker.open.0);
        Some(maker)
    }

    /// Lowers an order's open quantity in place: it keeps its turn. `None` when it is gone or `open` is not below what
    /// it has.
    pub fn shrink(&mut self, handle: Handle, open: Lots) -> Option<Maker> {
        let index = self.find(handle)?;
        let maker = self.maker(index);
        if open.0 <= 0 || open.0 >= maker.open.0 {
            return None;
        }
        self.reduce(index, maker.open.0 - open.0);
        Some(maker)
    }

    /// Prices whose quantity changed since `forget_changes`, each once, best first. Sorts in place.
    pub fn changes(&mut self, side: Side) -> &[i64] {
        self.compact(side);
        &self.changed[side.index()]
    }
    /// More changed levels than half the log holds: a diff should be taken now.
    pub fn changes_due(&self) -> bool {
        self.changed.iter().any(|prices| prices.len() >= self.levels_max)
    }
    /// Starts the log of changes anew.
    pub fn forget_changes(&mut self) {
        self.changed.iter_mut().for_each(Vec::clear);
    }

    #[inline]
    fn maker(&self, index: u32) -> Maker {
        let node = &self.nodes[index as usize];
        let handle = Handle { index, generation: node.generation };
        Maker { handle, owner: node.owner, side: node.side, price: Ticks(node.price), open: Lots(node.open) }
    }

    fn find(&self, handle: Handle) -> Option<u32> {
        let node = self.nodes.get(handle.index as usize)?;
        (node.generation == handle.generation && node.open > 0).then_some(handle.index)
    }

    fn level(&self, side: Side, price: i64) -> Option<usize> {
        self.sides[side.index()].binary_search_by_key(&key(side, price), |q| key(side, q.price)).ok()
    }

    fn allocate(&mut self, side: Side, price: i64, open: i64, owner: u32) -> u32 {
        let live = self.live.len() as u32;
        let node = Node { price, open, next: NONE, previous: NONE, owner, generation: 1, live, side };
        let index = match self.free.pop() {
            Some(index) => {
                let generation = self.nodes[index as usize].generation.wrapping_add(1).max(1);
                self.nodes[index as usize] = Node { generation, ..node };
                index
            }
            None => {
                self.nodes.push(node);
                self.nodes.len() as u32 - 1
            }
        };
        self.live.push(index);
        index
    }

    /// Lowers an order by `lots`; at zero it leaves its queue, and an empty queue leaves the book.
    fn reduce(&mut self, index: u32, lots: i64) {
        let node = self.nodes[index as usize];
        let Some(at) = self.level(node.side, node.price) else { return };
        let queue = &mut self.sides[node.side.index()][at];
        queue.total -= lots;
        self.nodes[index as usize].open -= lots;
        if self.nodes[index as usize].open == 0 {
            if node.previous == NONE {
                queue.head = node.next
            } else {
                self.nodes[node.previous as usize].next = node.next
            }
            if node.next == NONE {
                queue.tail = node.previous
            } else {
                self.nodes[node.next as usize].previous = node.previous
            }
            if queue.head == NONE {
                self.sides[node.side.index()].remove(at);
            }
            self.live.swap_remove(node.live as usize);
            if let Some(&moved) = self.live.get(node.live as usize) {
                self.nodes[moved as usize].live = node.live;
            }
            self.free.push(index);
        }
        self.note(node.side, node.price);
    }

    fn note(&mut self, side: Side, price: i64) {
        self.revision += 1;
        let log = &mut self.changed[side.index()];
        // A run of changes at one price (matches at the touch) takes one entry.
        if log.last() == Some(&price) {
            return;
        }
        if log.len() == self.levels_max * 2 {
            self.compact(side);
        }
        let log = &mut self.changed[side.index()];
        // There is room: one call changes at most `levels_max` prices, and `changes_due` asks for a diff before half
        // is used. A caller that takes no diffs loses the log, nothing else.
        if log.len() < self.levels_max * 2 {
            log.push(price);
        }
    }

    fn compact(&mut self, side: Side) {
        let log = &mut self.changed[side.index()];
        log.sort_unstable_by_key(|&price| core::cmp::Reverse(key(side, price)));
        log.dedup();
    }
}
