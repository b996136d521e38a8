//! # Room card: book/l3/view
//! In:    an `L3Book`.
//! Out:   touch, levels from best to worst, the queue of a level, an order and what stands ahead of it.
//! Holds: reading changes nothing.
//! Costs: best price O(1); quantity ahead O(1) for watched orders, else the shorter part of the queue.
use core::fmt;

use super::queue::Queue;
use super::{L3Book, L3Counts, OrderIds};
use crate::half::{Cursor, Half, Slot};
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
        let side = order.side();
        Some(L3Order { id, side, price: Ticks(flip(side, order.key())), quantity: Lots(order.quantity) })
    }

    /// Lots that stand before an order in its queue: they trade before it does.
    #[inline]
    pub fn quantity_ahead(&self, id: u64) -> Option<Lots> {
        let (slot, _) = self.ids.locate(id, &self.queues.orders);
        if slot == 0 {
            return None;
        }
        let order = self.queues.order(slot);
        let queue = self.half(order.side()).get(order.key());
        Some(Lots(self.queues.ahead(&queue, slot)))
    }

    /// The best level of a side.
    #[inline]
    pub fn best(&self, side: Side) -> Option<Level> {
        let half = self.half(side);
        let key = half.best()?;
        Some(Level { price: Ticks(flip(side, key)), quantity: Lots(half.best_slot().total) })
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
        let queue = self.half(side).get(flip(side, price.0));
        if queue.is_empty() { None } else { Some((Level { price, quantity: Lots(queue.total) }, queue.count)) }
    }

    /// The levels of a side from best to worst.
    #[inline]
    pub fn levels(&self, side: Side) -> L3Levels<'_, I, WORDS> {
        L3Levels { book: self, side, at: self.half(side).first() }
    }

    /// The queue at a price, first in line first.
    pub fn queue(&self, side: Side, price: Ticks) -> impl Iterator<Item = (u64, Lots)> + '_ {
        self.queues.queue(self.half(side).get(flip(side, price.0)).head)
    }

    /// Levels of a side.
    #[inline]
    pub fn level_count(&self, side: Side) -> usize {
        self.half(side).count()
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

    #[inline]
    fn half(&self, side: Side) -> &Half<Queue, WORDS> {
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
        let (key, queue, next) = self.book.half(self.side).step(self.at)?;
        self.at = next;
        Some(Level { price: Ticks(flip(self.side, key)), quantity: Lots(queue.total) })
    }
}
