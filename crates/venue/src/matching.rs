//! # Room card: venue/matching
//! In:    orders to rest, orders that take, cancels, changes.
//! Out:   `Matcher`: a price-time book of single orders, its levels, and the log of levels changed since the last diff.
//! Holds: first in, first out at each price; bids and asks never touch; level totals equal the sum of their orders.
//! Costs: O(1) near the touch (`resting`), a word in the log; slabs of fixed size, no allocation after construction.
//!
//! Queues and levels are `resting`'s, shared with `MatchingBook`; here are whose an order is, handles that go stale,
//! the positions by which a generated market picks orders, and the log. `take` asks the `Counterparty` before each
//! match, so that whoever owns the orders can withhold one (self-trade, reduce-only) without the matcher knowing why.
use types::{Code, Level, Lots, Side, Ticks, Touch};

use crate::resting::{Node, Resting, key_of, price_of, side_of};

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

/// A price-time book of single orders.
#[derive(Debug)]
pub struct Matcher {
    /// Tag of an order: generation of its handle above, owner below.
    resting: Resting,
    /// Slots of the resting orders, in a fixed but arbitrary order.
    live: Vec<u32>,
    /// Position in `live` by slot.
    positions: Vec<u32>,
    levels_max: usize,
    revision: u64,
    changed: [Vec<i64>; 2],
}

impl Matcher {
    /// A book of at most `orders_max` orders and `levels_max` levels a side.
    pub fn new(orders_max: usize, levels_max: usize) -> Matcher {
        let changes = levels_max * 2;
        let mut positions = Vec::with_capacity(orders_max + 1);
        // That of the slot that is nobody's.
        positions.push(0);
        Matcher {
            resting: Resting::new(orders_max, levels_max),
            live: Vec::with_capacity(orders_max),
            positions,
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
        !self.resting.is_full() && Side::BOTH.iter().all(|&side| !self.resting.levels(side).is_full())
    }
    /// A resting order by its position among all, 0 to `len() - 1`; the order of positions is fixed but arbitrary.
    pub fn at(&self, position: usize) -> Option<Maker> {
        self.live.get(position).map(|&slot| self.maker(slot))
    }
    /// A resting order; `None` when it is gone.
    pub fn get(&self, handle: Handle) -> Option<Maker> {
        self.find(handle).map(|slot| self.maker(slot))
    }
    /// The first order of the queue at a side's best price.
    #[inline]
    pub fn best(&self, side: Side) -> Option<Maker> {
        (self.resting.levels(side).count() > 0).then(|| self.maker(self.resting.front(side)))
    }
    /// Best bid and ask.
    #[inline]
    pub fn touch(&self) -> Touch {
        self.resting.touch()
    }
    /// Quantity at a price; zero when there is none.
    pub fn quantity_at(&self, side: Side, price: Ticks) -> Lots {
        Lots(self.resting.queue(key_of(side, price.0)).total)
    }
    /// Levels of a side, best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = Level> + '_ {
        self.resting.walk(side)
    }
    /// Orders at a price in their queue's order.
    pub fn queue(&self, side: Side, price: Ticks) -> impl Iterator<Item = Maker> + '_ {
        self.resting.slots(self.resting.queue(key_of(side, price.0))).map(|slot| self.maker(slot))
    }
    /// Would an order of this side and limit match something now?
    #[inline]
    pub fn would_take(&self, side: Side, limit: Ticks) -> bool {
        self.resting.would_take(side, limit.0)
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
        let generation = ((self.resting.next_tag() >> 32) as u32).wrapping_add(1).max(1);
        let tag = (generation as u64) << 32 | owner as u64;
        let slot = self.resting.rest(key_of(side, price.0), lots.0, tag).ok_or(Code::VenueFull)?;
        let position = self.live.len() as u32;
        self.live.push(slot);
        match self.positions.get_mut(slot as usize) {
            Some(kept) => *kept = position,
            // A slot is new or was there before: the next one.
            None => self.positions.push(position),
        }
        self.note(side, price.0);
        Ok(Handle { index: slot, generation })
    }

    /// Matches up to `lots` against the other side, best price first, first in first out, no worse than `limit`
    /// (`None`: any price).
    /// Returns what was matched. Ends when the other side, the limit or the quantity does: each round removes quantity
    /// or an order.
    pub fn take<C: Counterparty>(&mut self, side: Side, limit: Option<Ticks>, lots: Lots, party: &mut C) -> Lots {
        let mut left = lots.0.max(0);
        while left > 0 {
            let Some(maker) = self.best(side.opposite()) else { break };
            if limit.is_some_and(|limit| key_of(maker.side, limit.0) > key_of(maker.side, maker.price.0)) {
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
    fn maker(&self, slot: u32) -> Maker {
        let &Node { key, open, tag, .. } = self.resting.node(slot);
        let handle = Handle { index: slot, generation: (tag >> 32) as u32 };
        Maker { handle, owner: tag as u32, side: side_of(key), price: price_of(key), open: Lots(open) }
    }

    fn find(&self, handle: Handle) -> Option<u32> {
        let node = self.resting.live(handle.index)?;
        ((node.tag >> 32) as u32 == handle.generation).then_some(handle.index)
    }

    /// Lowers an order by `lots`; at zero it leaves the book.
    fn reduce(&mut self, slot: u32, lots: i64) {
        let &Node { key, open, .. } = self.resting.node(slot);
        self.resting.reduce(slot, lots);
        if open == lots {
            let position = self.positions[slot as usize];
            self.live.swap_remove(position as usize);
            if let Some(&moved) = self.live.get(position as usize) {
                self.positions[moved as usize] = position;
            }
        }
        self.note(side_of(key), price_of(key).0);
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
        log.sort_unstable_by_key(|&price| core::cmp::Reverse(key_of(side, price)));
        log.dedup();
    }
}
