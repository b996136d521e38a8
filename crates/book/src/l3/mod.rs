//! # Room card: book/l3
//! In:    order messages of one instrument: add, modify, execute, cancel, replace, clear.
//! Out:   `L3Book`: orders by id, queues in time order, exact level totals, touch, quantity ahead of own orders.
//! Holds: level total = sum of its queue; a refused message changes nothing but its count; crossed only if allowed.
//! Costs: some 15 ns a message with dense ids, 20 ns with sparse ones (`npm run bench -- book`); all memory at start.
//!
//! Prices are found as in the L2: a `Half` a side (window, occupancy bitmap, far stack), here with the queue of a level
//! where the L2 has its total. An order knows its key, and a key its place in the window, so a cancel searches nothing.
//! What a message does to an order is inlined into the message, adds and cancels also into their callers, else orders
//! go through memory from call to call (bench: book/l3-dense, two nanoseconds of fifteen).
mod ids;
mod outcome;
mod queue;
mod view;

use crate::half::{Half, LEVELS_PER_SIDE_MAX, Slot};
use crate::ladder::{DEFAULT_WORDS, flip};
pub use ids::{DenseIds, OrderIds, SparseIds};
pub use outcome::L3Counts;
pub use queue::OWN_ORDERS_MAX;
use queue::{Queue, Queues, Resting};
use types::{Code, Lots, Side, Ticks};
pub use view::{L3Levels, L3Order};

/// Most orders one book may be made for.
pub const ORDERS_MAX: usize = 1 << 24;
/// Prices are within this many ticks of zero, so that the sum and the difference of two always fit.
pub const PRICE_TICKS_MAX: i64 = (1 << 62) - 1;

/// May an order rest at or beyond the best price of the other side?
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Crossing {
    /// No: such an order is refused. In continuous trading it means that a message was missed; the right answer is a
    /// new snapshot, as for a gap.
    #[default]
    Refused,
    /// Yes: the feed says so, as before an auction or in a halt.
    Allowed,
}

/// A book of single orders of one instrument. One writer.
///
/// On a desk: the full depth of book, with everybody's place in the queue. `I` says how ids are found: `DenseIds` when
/// they count up, `SparseIds` when they may be anything. `WORDS` is the window's width as in `Ladder`. Quantities are
/// what is displayed and left, in lots.
///
/// Every refused message is counted (`counts`) and changes nothing else. Codes: `BookOrderUnknown`,
/// `BookOrderDuplicate`, `BookPriceRange`, `BookQuantity`, `BookOrderCrosses`, `BookOrdersFull`, `BookFull`,
/// `BookOwnFull`.
pub struct L3Book<I: OrderIds = DenseIds, const WORDS: usize = DEFAULT_WORDS> {
    halves: [Half<Queue, WORDS>; 2],
    queues: Queues,
    ids: I,
    orders_max: usize,
    crossing: Crossing,
    counts: L3Counts,
}

impl<I: OrderIds> L3Book<I> {
    /// An empty book for at most `orders_max` resting orders (1 to `ORDERS_MAX`; a value beyond is brought into the
    /// range), with the default window. About 4 MB, and an order 56 to 72 bytes with sparse ids,
    /// 220 to 400 with dense ones (their tables are powers of two), all taken here.
    pub fn new(orders_max: usize) -> Self {
        Self::with_window(orders_max)
    }
}

impl<I: OrderIds, const WORDS: usize> L3Book<I, WORDS> {
    /// The same with a window of `WORDS` words of 64 ticks.
    pub fn with_window(orders_max: usize) -> Self {
        let orders_max = orders_max.clamp(1, ORDERS_MAX);
        let ids = I::for_orders(orders_max);
        let mut book = L3Book {
            halves: [Half::new(LEVELS_PER_SIDE_MAX), Half::new(LEVELS_PER_SIDE_MAX)],
            queues: Queues::new(ids.slots()),
            ids,
            orders_max,
            crossing: Crossing::Refused,
            counts: L3Counts::default(),
        };
        book.clear();
        book
    }

    /// Says whether orders may cross from now on. A book that is crossed when it is set to `Refused` stays as it is
    /// until its orders leave.
    pub fn set_crossing(&mut self, crossing: Crossing) {
        self.crossing = crossing;
    }

    /// A new order joins the end of its queue.
    ///
    /// # Errors
    /// `BookOrderDuplicate`, `BookPriceRange`, `BookQuantity` (not positive, or the level's total would not fit),
    /// `BookOrderCrosses`, `BookOrdersFull`, `BookFull` (levels); nothing is changed.
    #[inline(always)]
    pub fn add(&mut self, id: u64, side: Side, price: Ticks, quantity: Lots) -> Result<(), Code> {
        let outcome = self.try_add(id, side, price, quantity.0);
        self.counted(outcome, |counts| counts.added += 1)
    }

    /// An order's price or quantity changes. A new price or a larger quantity loses its place: it goes to the end of
    /// the queue. A smaller quantity keeps it, and so does a message that changes nothing.
    ///
    /// # Errors
    /// `BookOrderUnknown`, and those of `add` but the duplicate; nothing is changed.
    #[inline]
    pub fn modify(&mut self, id: u64, price: Ticks, quantity: Lots) -> Result<(), Code> {
        let outcome = self.try_modify(id, price, quantity.0);
        self.counted(outcome, |counts| counts.modified += 1)
    }

    /// An order is cancelled and a new one takes over its side with another id, at the end of its queue (as in ITCH's
    /// `U`). An own order stays an own order. The new id may be the old one.
    ///
    /// # Errors
    /// `BookOrderUnknown` for the old id, `BookOrderDuplicate` for the new one, and those of `modify`; nothing is
    /// changed.
    #[inline]
    pub fn replace(&mut self, old: u64, new: u64, price: Ticks, quantity: Lots) -> Result<(), Code> {
        let outcome = self.try_replace(old, new, price, quantity.0);
        self.counted(outcome, |counts| counts.replaced += 1)
    }

    /// Part or all of an order trades. What is left keeps its place. Any order may be named, not only the first: the
    /// feed knows.
    ///
    /// # Errors
    /// `BookOrderUnknown`; `BookQuantity` for a quantity that is not positive or more than is left; nothing is changed.
    #[inline]
    pub fn execute(&mut self, id: u64, quantity: Lots) -> Result<(), Code> {
        let outcome = self.try_take(id, quantity.0);
        self.counted(outcome, |counts| counts.executed += 1).map(|left| self.counts.filled += u64::from(left))
    }

    /// Part of an order is cancelled; all of it when the quantity is what is left. The rest keeps its place.
    ///
    /// # Errors
    /// Those of `execute`.
    #[inline]
    pub fn reduce(&mut self, id: u64, quantity: Lots) -> Result<(), Code> {
        let outcome = self.try_take(id, quantity.0);
        self.counted(outcome, |counts| counts.reduced += 1).map(|left| self.counts.cancelled += u64::from(left))
    }

    /// An order leaves.
    ///
    /// # Errors
    /// `BookOrderUnknown`; nothing is changed.
    #[inline(always)]
    pub fn cancel(&mut self, id: u64) -> Result<(), Code> {
        let outcome = self.locate(id).map(|(slot, place)| self.remove(slot, place));
        self.counted(outcome, |counts| counts.cancelled += 1)
    }

    /// Watches a resting order as our own: its quantity ahead is exact after every message, at a cost of a few
    /// nanoseconds for each own order at the level a message is about. Best asked right after `add`, when it is known
    /// at once; later it is summed from the nearer end of the queue, and every order behind it is looked at.
    ///
    /// # Errors
    /// `BookOrderUnknown`; `BookOwnFull` beyond `OWN_ORDERS_MAX`.
    pub fn watch(&mut self, id: u64) -> Result<(), Code> {
        let outcome = self.try_watch(id);
        self.counted(outcome, |_| {})
    }

    /// Removes every order. Counts go on. The cost is that of the whole memory of the book.
    pub fn clear(&mut self) {
        self.counts.cleared += self.queues.count as u64;
        for half in &mut self.halves {
            half.clear();
        }
        self.queues.clear();
        self.ids.clear(&mut self.queues.orders);
    }

    #[inline(always)]
    fn counted<T>(&mut self, outcome: Result<T, Code>, count: impl FnOnce(&mut L3Counts)) -> Result<T, Code> {
        match &outcome {
            Ok(_) => count(&mut self.counts),
            Err(code) => self.counts.refused(*code),
        }
        outcome
    }

    /// The slot of a resting order and the place of its id.
    #[inline(always)]
    fn locate(&self, id: u64) -> Result<(u32, usize), Code> {
        match self.ids.locate(id, &self.queues.orders) {
            (0, _) => Err(Code::BookOrderUnknown),
            found => Ok(found),
        }
    }

    #[inline]
    fn find(&self, id: u64) -> Result<u32, Code> {
        self.locate(id).map(|(slot, _)| slot)
    }

    /// The key of an order that wants to rest, if it may.
    #[inline(always)]
    fn admitted(&self, side: Side, price: Ticks, quantity: i64) -> Result<i64, Code> {
        if quantity <= 0 {
            return Err(Code::BookQuantity);
        }
        if !(-PRICE_TICKS_MAX..=PRICE_TICKS_MAX).contains(&price.0) {
            return Err(Code::BookPriceRange);
        }
        let key = flip(side, price.0);
        // A key and the other side's best are complements where they lock. An empty side's best key is `i64::MIN`,
        // whose complement no price in range reaches.
        let other = self.halves[side.opposite().index()].best_key();
        if key >= !other && self.crossing == Crossing::Refused { Err(Code::BookOrderCrosses) } else { Ok(key) }
    }

    /// Does the total of a queue have room for a quantity?
    #[inline(always)]
    fn fits(total: i64, quantity: i64) -> Result<(), Code> {
        total.checked_add(quantity).map(|_| ()).ok_or(Code::BookQuantity)
    }

    #[inline(always)]
    fn try_add(&mut self, id: u64, side: Side, price: Ticks, quantity: i64) -> Result<(), Code> {
        let key = self.admitted(side, price, quantity)?;
        let (known, place) = self.ids.locate(id, &self.queues.orders);
        if known != 0 {
            return Err(Code::BookOrderDuplicate);
        }
        if self.queues.count == self.orders_max {
            return Err(Code::BookOrdersFull);
        }
        let half = &mut self.halves[side.index()];
        let is_full = half.is_full();
        match half.get_mut(key) {
            Some(queue) => {
                Self::fits(queue.total, quantity)?;
                let slot = self.ids.claim(id, place, &mut self.queues.orders);
                self.queues.append(queue, slot, id, side, key, quantity);
            }
            None if is_full => return Err(Code::BookFull),
            None => {
                let slot = self.ids.claim(id, place, &mut self.queues.orders);
                self.begin(slot, id, side, key, quantity);
            }
        }
        self.queues.count += 1;
        Ok(())
    }

    /// Makes the level at a key with its first order. There is room: the caller has asked.
    #[inline(never)]
    fn begin(&mut self, slot: u32, id: u64, side: Side, key: i64, quantity: i64) {
        let queue = self.queues.begin(slot, id, side, key, quantity);
        let before = self.halves[side.index()].set(key, queue);
        debug_assert!(before.is_some_and(|queue| queue.is_empty()));
    }

    #[inline]
    fn try_modify(&mut self, id: u64, price: Ticks, quantity: i64) -> Result<(), Code> {
        let slot = self.find(id)?;
        let order = *self.queues.order(slot);
        if flip(order.side(), price.0) == order.key() && quantity > 0 && quantity <= order.quantity {
            if quantity < order.quantity {
                self.shrink(slot, &order, order.quantity - quantity);
            }
            return Ok(());
        }
        let key = self.requeue_admitted(&order, price, quantity)?;
        self.requeue(slot, &order, slot, id, key, quantity);
        Ok(())
    }

    #[inline]
    fn try_replace(&mut self, old: u64, new: u64, price: Ticks, quantity: i64) -> Result<(), Code> {
        let (slot, before) = self.locate(old)?;
        let (known, place) = self.ids.locate(new, &self.queues.orders);
        if known != 0 && new != old {
            return Err(Code::BookOrderDuplicate);
        }
        let order = *self.queues.order(slot);
        let key = self.requeue_admitted(&order, price, quantity)?;
        if new == old {
            self.requeue(slot, &order, slot, new, key, quantity);
        } else {
            let to = self.ids.claim(new, place, &mut self.queues.orders);
            self.requeue(slot, &order, to, new, key, quantity);
            self.ids.release(old, slot, before, &mut self.queues.orders);
        }
        Ok(())
    }

    /// The key at which a resting order may rest anew.
    #[inline]
    fn requeue_admitted(&self, order: &Resting, price: Ticks, quantity: i64) -> Result<i64, Code> {
        let side = order.side();
        let half = &self.halves[side.index()];
        let key = flip(side, price.0);
        if key == order.key() && quantity > 0 {
            // The same level in a book that may be crossed already: nothing new is crossed.
            Self::fits(half.get(key).total - order.quantity, quantity)?;
            return Ok(key);
        }
        let key = self.admitted(side, price, quantity)?;
        let queue = half.get(key);
        Self::fits(queue.total, quantity)?;
        // The level it leaves behind may make the room.
        if queue.is_empty() && half.is_full() && !order.is_alone() { Err(Code::BookFull) } else { Ok(key) }
    }

    /// Moves an order, which is as `order` says, to the end of the queue at a key that was admitted, and into the slot
    /// `to`, which may be its own.
    #[inline(always)]
    fn requeue(&mut self, slot: u32, order: &Resting, to: u32, id: u64, key: i64, quantity: i64) {
        let side = order.side();
        let watch = if key == order.key() && order.is_alone() {
            // The level stays, so that a best price that is quoted anew does not go and come.
            let Some(queue) = self.halves[side.index()].get_mut(key) else { return };
            let watch = self.queues.pass(queue, slot, order.quantity);
            *queue = self.queues.begin(to, id, side, key, quantity);
            watch
        } else {
            let watch = self.leave(slot, order);
            match self.halves[side.index()].get_mut(key) {
                Some(queue) => self.queues.append(queue, to, id, side, key, quantity),
                None => self.begin(to, id, side, key, quantity),
            }
            watch
        };
        if watch != 0
            && let Some(queue) = self.halves[side.index()].get_mut(key)
        {
            let ahead = queue.total - quantity;
            self.queues.watch_link(queue, to, watch, ahead);
        }
    }

    /// Takes an order, which is as `order` says, out of its queue, and the level with the last of its orders; its place
    /// among the watched, or 0. Those behind it advance.
    #[inline(always)]
    fn leave(&mut self, slot: u32, order: &Resting) -> u16 {
        let half = &mut self.halves[order.side().index()];
        let Some(queue) = half.get_mut(order.key()) else { return 0 };
        let watch = self.queues.pass(queue, slot, order.quantity);
        if order.is_alone() {
            half.set(order.key(), Queue::EMPTY);
        } else {
            self.queues.unlink(queue, order);
        }
        watch
    }

    #[inline(always)]
    fn shrink(&mut self, slot: u32, order: &Resting, by: i64) {
        if let Some(queue) = self.halves[order.side().index()].get_mut(order.key()) {
            self.queues.shrink(queue, slot, by);
        }
    }

    /// Takes a quantity off an order; true when nothing is left of it and it has left.
    #[inline(always)]
    fn try_take(&mut self, id: u64, quantity: i64) -> Result<bool, Code> {
        let (slot, place) = self.locate(id)?;
        let order = *self.queues.order(slot);
        if quantity <= 0 || quantity > order.quantity {
            return Err(Code::BookQuantity);
        }
        if quantity == order.quantity {
            self.remove(slot, place);
            return Ok(true);
        }
        self.shrink(slot, &order, quantity);
        Ok(false)
    }

    #[inline(always)]
    fn remove(&mut self, slot: u32, place: usize) {
        let order = *self.queues.order(slot);
        let watch = self.leave(slot, &order);
        self.queues.free_watch(watch);
        self.ids.release(order.id, slot, place, &mut self.queues.orders);
        self.queues.count -= 1;
    }

    fn try_watch(&mut self, id: u64) -> Result<(), Code> {
        let slot = self.find(id)?;
        let order = *self.queues.order(slot);
        let queue = self.halves[order.side().index()].get_mut(order.key());
        let is_watched = queue.is_some_and(|queue| self.queues.watch(queue, slot));
        if is_watched { Ok(()) } else { Err(Code::BookOwnFull) }
    }
}

#[cfg(test)]
mod tests;
