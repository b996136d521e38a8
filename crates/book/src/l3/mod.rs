//! # Room card: book/l3
//! In:    order messages of one instrument: add, modify, execute, cancel, replace, clear.
//! Out:   `L3Book`: orders by id, queues in time order, exact level totals, touch, quantity ahead of own orders.
//! Holds: level total = sum of its queue; a refused message changes nothing but its count; crossed only if allowed.
//! Costs: some 19 ns a message with dense ids, 22 ns with sparse ones (`npm run bench -- book`); all memory at start.
//!
//! Prices are found as in the L2: a `Half` a side maps a price to its level (window, occupancy bitmap, far stack), here
//! to the level's number instead of its total. An order knows its level by number, so a cancel looks up no price.
mod ids;
mod outcome;
mod queue;
mod view;

use crate::half::{Half, LEVELS_PER_SIDE_MAX};
use crate::ladder::{DEFAULT_WORDS, flip};
pub use ids::{DenseIds, OrderIds, SparseIds};
pub use outcome::L3Counts;
pub use queue::OWN_ORDERS_MAX;
use queue::{Queues, side_of};
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
    halves: [Half<WORDS>; 2],
    queues: Queues,
    ids: I,
    crossing: Crossing,
    counts: L3Counts,
}

impl<I: OrderIds> L3Book<I> {
    /// An empty book for at most `orders_max` resting orders (1 to `ORDERS_MAX`; a value beyond is brought into the
    /// range), with the default window. About 5 MB and 64 bytes an order, all taken here.
    pub fn new(orders_max: usize) -> Self {
        Self::with_window(orders_max)
    }
}

impl<I: OrderIds, const WORDS: usize> L3Book<I, WORDS> {
    /// The same with a window of `WORDS` words of 64 ticks.
    pub fn with_window(orders_max: usize) -> Self {
        let orders = orders_max.clamp(1, ORDERS_MAX);
        L3Book {
            halves: [Half::new(), Half::new()],
            queues: Queues::new(orders),
            ids: I::for_orders(orders),
            crossing: Crossing::Refused,
            counts: L3Counts::default(),
        }
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
    #[inline]
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
    #[inline]
    pub fn cancel(&mut self, id: u64) -> Result<(), Code> {
        let outcome = self.locate(id).map(|(slot, place)| self.remove(slot, place));
        self.counted(outcome, |counts| counts.cancelled += 1)
    }

    /// Watches a resting order as our own: its quantity ahead is exact after every message, at a cost of a few
    /// nanoseconds for each own order at the level a message is about. Best asked right after `add`, when it is known
    /// at once; later it is summed from the nearer end of the queue.
    ///
    /// # Errors
    /// `BookOrderUnknown`; `BookOwnFull` beyond `OWN_ORDERS_MAX`.
    pub fn watch(&mut self, id: u64) -> Result<(), Code> {
        let outcome =
            self.find(id).and_then(|slot| if self.queues.watch(slot) { Ok(()) } else { Err(Code::BookOwnFull) });
        self.counted(outcome, |_| {})
    }

    /// Removes every order. Counts go on. The cost is that of the whole memory of the book.
    pub fn clear(&mut self) {
        self.counts.cleared += self.queues.count as u64;
        for half in &mut self.halves {
            half.clear();
        }
        self.queues.clear();
        self.ids.clear();
    }

    #[inline]
    fn counted<T>(&mut self, outcome: Result<T, Code>, count: impl FnOnce(&mut L3Counts)) -> Result<T, Code> {
        match &outcome {
            Ok(_) => count(&mut self.counts),
            Err(code) => self.counts.refused(*code),
        }
        outcome
    }

    /// The slot of a resting order and the place of its id.
    #[inline]
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
    #[inline]
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

    /// The level at a key, if there is one.
    #[inline]
    fn level_at(&self, side: Side, key: i64) -> Option<u16> {
        // A half holds a level's number plus one, since zero is no level.
        match self.halves[side.index()].quantity_at(key) {
            0 => None,
            number => Some((number - 1) as u16),
        }
    }

    /// Makes the level at a key. There is room: the caller has asked.
    #[inline]
    fn level_made(&mut self, side: Side, key: i64) -> u16 {
        let level = self.queues.take_level(side, key);
        let before = self.halves[side.index()].set(key, i64::from(level) + 1);
        debug_assert_eq!(before, Some(0));
        level
    }

    #[inline]
    fn level_dropped_if_empty(&mut self, level: u16) {
        let queue = self.queues.level(level);
        if queue.count == 0 {
            self.halves[side_of(level).index()].set(queue.key, 0);
            self.queues.free_level(level);
        }
    }

    /// Does a total have room for a quantity?
    #[inline]
    fn fits(&self, level: u16, quantity: i64) -> Result<(), Code> {
        self.queues.level(level).total.checked_add(quantity).map(|_| ()).ok_or(Code::BookQuantity)
    }

    #[inline]
    fn try_add(&mut self, id: u64, side: Side, price: Ticks, quantity: i64) -> Result<(), Code> {
        let key = self.admitted(side, price, quantity)?;
        let (known, place) = self.ids.locate(id, &self.queues.orders);
        if known != 0 {
            return Err(Code::BookOrderDuplicate);
        }
        if self.queues.is_full() {
            return Err(Code::BookOrdersFull);
        }
        let level = match self.level_at(side, key) {
            Some(level) => {
                self.fits(level, quantity)?;
                level
            }
            None if self.halves[side.index()].count() == LEVELS_PER_SIDE_MAX => return Err(Code::BookFull),
            None => self.level_made(side, key),
        };
        let slot = self.queues.take_order();
        self.queues.append(level, slot, id, quantity);
        self.ids.insert(id, slot, place);
        Ok(())
    }

    #[inline]
    fn try_modify(&mut self, id: u64, price: Ticks, quantity: i64) -> Result<(), Code> {
        let slot = self.find(id)?;
        let order = *self.queues.order(slot);
        let side = side_of(order.level);
        if flip(side, price.0) == self.queues.level(order.level).key && quantity > 0 && quantity <= order.quantity {
            if quantity < order.quantity {
                self.queues.shrink(slot, order.quantity - quantity);
            }
            return Ok(());
        }
        let key = self.requeue_admitted(slot, price, quantity)?;
        self.requeue(slot, id, key, quantity);
        Ok(())
    }

    #[inline]
    fn try_replace(&mut self, old: u64, new: u64, price: Ticks, quantity: i64) -> Result<(), Code> {
        let (slot, place) = self.locate(old)?;
        if new != old && self.find(new).is_ok() {
            return Err(Code::BookOrderDuplicate);
        }
        let key = self.requeue_admitted(slot, price, quantity)?;
        self.requeue(slot, new, key, quantity);
        if new != old {
            self.ids.remove(old, slot, place);
            // Looked for again: what was removed may have moved others.
            let (_, place) = self.ids.locate(new, &self.queues.orders);
            self.ids.insert(new, slot, place);
        }
        Ok(())
    }

    /// The key at which a resting order may rest anew.
    #[inline]
    fn requeue_admitted(&self, slot: u32, price: Ticks, quantity: i64) -> Result<i64, Code> {
        let order = self.queues.order(slot);
        let (side, from) = (side_of(order.level), self.queues.level(order.level));
        let key = flip(side, price.0);
        if key == from.key && quantity > 0 {
            // The same level in a book that may be crossed already: nothing new is crossed.
            let without = from.total - order.quantity;
            return without.checked_add(quantity).map(|_| key).ok_or(Code::BookQuantity);
        }
        let key = self.admitted(side, price, quantity)?;
        match self.level_at(side, key) {
            Some(level) => self.fits(level, quantity)?,
            // The level it leaves behind may make the room.
            None if self.halves[side.index()].count() == LEVELS_PER_SIDE_MAX && from.count > 1 => {
                return Err(Code::BookFull);
            }
            None => {}
        }
        Ok(key)
    }

    /// Moves an order to the end of the queue at a key that was admitted.
    #[inline]
    fn requeue(&mut self, slot: u32, id: u64, key: i64, quantity: i64) {
        let from = self.queues.order(slot).level;
        let side = side_of(from);
        let watch = self.queues.watch_unlink(slot);
        self.queues.unlink(slot);
        let level = if self.queues.level(from).key == key {
            from
        } else {
            self.level_dropped_if_empty(from);
            match self.level_at(side, key) {
                Some(level) => level,
                None => self.level_made(side, key),
            }
        };
        self.queues.append(level, slot, id, quantity);
        if watch != 0 {
            let ahead = self.queues.level(level).total - quantity;
            self.queues.watch_link(slot, watch, ahead);
        }
    }

    /// Takes a quantity off an order; true when nothing is left of it and it has left.
    #[inline]
    fn try_take(&mut self, id: u64, quantity: i64) -> Result<bool, Code> {
        let (slot, place) = self.locate(id)?;
        let left = self.queues.order(slot).quantity;
        if quantity <= 0 || quantity > left {
            return Err(Code::BookQuantity);
        }
        if quantity == left {
            self.remove(slot, place);
            return Ok(true);
        }
        self.queues.shrink(slot, quantity);
        Ok(false)
    }

    #[inline]
    fn remove(&mut self, slot: u32, place: usize) {
        let order = *self.queues.order(slot);
        if order.watch != 0 {
            self.queues.unwatch(slot);
        }
        self.queues.unlink(slot);
        self.level_dropped_if_empty(order.level);
        self.ids.remove(order.id, slot, place);
        self.queues.free_order(slot);
    }
}

#[cfg(test)]
mod tests;
