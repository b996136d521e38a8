//! # Room card: book/l3/view
//! In:    an `L3Book`.
//! Out:   touch, levels from best to worst, the queue of a level, an order and what stands ahead of it.
//! Holds: reading changes nothing.
//! Costs: best price O(1); quantity ahead O(1) for watched orders, else the shorter part of the queue.
use core::fmt;

use super::queue::side_of;
use super::{L3Book, L3Counts, OrderIds};
use crate::half::{Cursor, Half};
use crate::ladder::{LadderCounts, flip};
use types::{Level, Lots, Side, Ticks, Touch};

/// An order as it rests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct L3Order {
    /// Its id.
    pub id: u64,
    /// Its side.
    pub side: Side,
    /// Its price.
    pub price: Ticks,
    /// What is left of it.
    pub quantity: Lots,
}

impl<I: OrderIds, const WORDS: usize> L3Book<I, WORDS> {
    /// An order by its id.
    #[inline]
    pub fn order(&self, id: u64) -> Option<L3Order> {
        let (slot, _) = self.ids.locate(id, &self.queues.orders);
        if slot == 0 {
            return None;
        }
        let order = self.queues.order(slot);
        let side = side_of(order.level);
        let price = Ticks(flip(side, self.queues.level(order.level).key));
        Some(L3Order { id, side, price, quantity: Lots(order.quantity) })
    }

    /// Lots that stand before an order in its queue: they trade before it does.
    #[inline]
    pub fn quantity_ahead(&self, id: u64) -> Option<Lots> {
        let (slot, _) = self.ids.locate(id, &self.queues.orders);
        if slot == 0 { None } else { Some(Lots(self.queues.ahead(slot))) }
    }

    /// The best level of a side.
    #[inline]
    pub fn best(&self, side: Side) -> Option<Level> {
        let half = &self.halves[side.index()];
        let key = half.best()?;
        Some(self.level_of(side, key, half.window_quantity(key)).0)
    }

    /// Best bid and ask; a missing side has quantity and price zero.
    #[inline]
    pub fn touch(&self) -> Touch {
        let (bid, ask) = (self.best(Side::Buy).unwrap_or_default(), self.best(Side::Sell).unwrap_or_default());
        Touch { bid: bid.price, bid_lots: bid.quantity, ask: ask.price, ask_lots: ask.quantity }
    }

    /// Is the best bid at or above the best ask? Only ever after crossing was allowed.
    #[inline]
    pub fn is_crossed(&self) -> bool {
        // See `admitted`; two empty sides have the best keys `i64::MIN`, which do not meet.
        self.halves[0].best_key() >= !self.halves[1].best_key()
    }

    /// The level at a price and the number of its orders.
    #[inline]
    pub fn level(&self, side: Side, price: Ticks) -> Option<(Level, u32)> {
        let key = flip(side, price.0);
        match self.halves[side.index()].quantity_at(key) {
            0 => None,
            number => Some(self.level_of(side, key, number)),
        }
    }

    /// The levels of a side from best to worst.
    #[inline]
    pub fn levels(&self, side: Side) -> L3Levels<'_, I, WORDS> {
        L3Levels { book: self, side, at: self.halves[side.index()].first() }
    }

    /// The queue at a price, first in line first.
    pub fn queue(&self, side: Side, price: Ticks) -> impl Iterator<Item = (u64, Lots)> + '_ {
        let level = self.level_at(side, flip(side, price.0));
        self.queues.queue(level.map_or(0, |level| self.queues.level(level).head))
    }

    /// Levels of a side.
    #[inline]
    pub fn level_count(&self, side: Side) -> usize {
        self.halves[side.index()].count()
    }

    /// Resting orders, both sides.
    #[inline]
    pub fn order_count(&self) -> usize {
        self.queues.count
    }

    /// How often what happened.
    pub fn counts(&self) -> &L3Counts {
        &self.counts
    }

    /// How often the windows moved and far levels were touched, both sides.
    pub fn ladder_counts(&self) -> LadderCounts {
        LadderCounts::of(&self.halves)
    }

    /// The level whose number plus one a half holds at a key.
    #[inline]
    fn level_of(&self, side: Side, key: i64, number: i64) -> (Level, u32) {
        let queue = self.queues.level((number - 1) as u16);
        (Level { price: Ticks(flip(side, key)), quantity: Lots(queue.total) }, queue.count)
    }

    fn half(&self, side: Side) -> &Half<WORDS> {
        &self.halves[side.index()]
    }
}

impl<I: OrderIds, const WORDS: usize> fmt::Debug for L3Book<I, WORDS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("L3Book").field("touch", &self.touch()).field("orders", &self.order_count()).finish()
    }
}

/// Levels of one side from best to worst; a view of an `L3Book`.
pub struct L3Levels<'a, I: OrderIds, const WORDS: usize> {
    book: &'a L3Book<I, WORDS>,
    side: Side,
    at: Cursor,
}

impl<I: OrderIds, const WORDS: usize> Iterator for L3Levels<'_, I, WORDS> {
    type Item = Level;

    #[inline]
    fn next(&mut self) -> Option<Level> {
        let (key, number, next) = self.book.half(self.side).walk(self.at)?;
        self.at = next;
        Some(self.book.level_of(self.side, key, number).0)
    }
}
