//! # Room card: book/ladder
//! In:    new totals of price levels, one at a time.
//! Out:   `Ladder`: best, touch, total at a price, levels from best to worst.
//! Holds: totals are never negative; no level is lost when the touch moves; all memory is taken at construction.
//! Costs: 5 to 7 ns per update near the touch; at most 32,768 level moves when it leaps (example `ladder_cost`).
use core::fmt;
use core::iter::FusedIterator;

use crate::half::{Cursor, Half, LEVELS_PER_SIDE_MAX, Slot};
use types::{Code, Level, Lots, Side, Ticks, Touch};

/// Default width of the window of direct lookups: 512 words of 64 ticks, 32,768 ticks a side, three quarters behind
/// the best.
pub const DEFAULT_WORDS: usize = 512;

/// An L2 book of one instrument: the total displayed quantity at every price, by integer ticks. One writer.
///
/// On a desk: the depth ladder. `WORDS` is the window's width in words of 64 ticks (a power of two, at most 1,024);
/// levels outside it are kept in a sorted stack, so every 64-bit price is legal. Bids may stand at or above asks while
/// a message is being applied: see `is_crossed`.
pub struct Ladder<const WORDS: usize = DEFAULT_WORDS> {
    halves: [Half<i64, WORDS>; 2],
}

/// A side's key of a price, and back: greater is better on both sides (see `half`).
#[inline]
pub(crate) const fn flip(side: Side, value: i64) -> i64 {
    value ^ -(side.index() as i64)
}

/// How often a book's prices left its windows: many far sets or moves ask for a wider window.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LadderCounts {
    /// Times a window moved after the touch.
    pub recentred: u64,
    /// Updates of levels outside the windows.
    pub far_sets: u64,
}

impl LadderCounts {
    pub(crate) fn of<S: Slot, const WORDS: usize>(halves: &[Half<S, WORDS>; 2]) -> LadderCounts {
        let [bids, asks] = halves;
        LadderCounts { recentred: bids.recentred + asks.recentred, far_sets: bids.far_sets + asks.far_sets }
    }
}

impl Ladder {
    /// An empty ladder with the default window; about 1.6 MB, all of it touched.
    pub fn new() -> Self {
        Self::with_window()
    }
}

impl<const WORDS: usize> Default for Ladder<WORDS> {
    fn default() -> Self {
        Self::with_window()
    }
}

impl<const WORDS: usize> Ladder<WORDS> {
    /// An empty ladder with a window of `WORDS` words of 64 ticks.
    pub fn with_window() -> Self {
        Ladder { halves: [Half::new(LEVELS_PER_SIDE_MAX), Half::new(LEVELS_PER_SIDE_MAX)] }
    }

    /// Sets the total at a price; zero removes the level. Returns the total before, zero when there was no level.
    ///
    /// # Errors
    /// `BookNegative` for a negative total, `BookFull` for one level more than `LEVELS_PER_SIDE_MAX`; nothing is
    /// changed.
    #[inline]
    pub fn set(&mut self, side: Side, price: Ticks, quantity: Lots) -> Result<Lots, Code> {
        if quantity.0 < 0 {
            return Err(Code::BookNegative);
        }
        self.halves[side.index()].set(flip(side, price.0), quantity.0).map(Lots).ok_or(Code::BookFull)
    }

    /// The best level of a side.
    #[inline]
    pub fn best(&self, side: Side) -> Option<Level> {
        let half = &self.halves[side.index()];
        let key = half.best()?;
        Some(Level { price: Ticks(flip(side, key)), quantity: Lots(half.window_slot(key)) })
    }

    /// Best bid and ask; a missing side has quantity and price zero.
    #[inline]
    pub fn touch(&self) -> Touch {
        let (bid, ask) = (self.best(Side::Buy).unwrap_or_default(), self.best(Side::Sell).unwrap_or_default());
        Touch { bid: bid.price, bid_lots: bid.quantity, ask: ask.price, ask_lots: ask.quantity }
    }

    /// Total at a price; zero when there is no level.
    #[inline]
    pub fn quantity_at(&self, side: Side, price: Ticks) -> Lots {
        Lots(self.halves[side.index()].get(flip(side, price.0)))
    }

    /// The levels of a side from best to worst.
    #[inline]
    pub fn levels(&self, side: Side) -> Levels<'_, WORDS> {
        let half = &self.halves[side.index()];
        Levels { half, side, at: half.first(), left: half.count() }
    }

    /// Copies the best levels of a side, best first; returns how many there were, at most `into.len()`.
    pub fn top_n(&self, side: Side, into: &mut [Level]) -> usize {
        let mut count = 0;
        for (slot, level) in into.iter_mut().zip(self.levels(side)) {
            *slot = level;
            count += 1;
        }
        count
    }

    /// Levels of a side.
    #[inline]
    pub fn level_count(&self, side: Side) -> usize {
        self.halves[side.index()].count()
    }

    /// Has neither side a level?
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.halves.iter().all(|half| half.count() == 0)
    }

    /// Is the best bid at or above the best ask?
    #[inline]
    pub fn is_crossed(&self) -> bool {
        match (self.halves[0].best(), self.halves[1].best()) {
            (Some(bid), Some(ask)) => bid >= flip(Side::Sell, ask),
            _ => false,
        }
    }

    /// How often the windows moved and far levels were set, both sides.
    pub fn counts(&self) -> LadderCounts {
        LadderCounts::of(&self.halves)
    }

    /// Removes every level.
    pub fn clear(&mut self) {
        for half in &mut self.halves {
            half.clear();
        }
    }
}

impl<const WORDS: usize> fmt::Debug for Ladder<WORDS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ladder")
            .field("touch", &self.touch())
            .field("bid_levels", &self.level_count(Side::Buy))
            .field("ask_levels", &self.level_count(Side::Sell))
            .finish()
    }
}

/// Levels of one side from best to worst; a view of a `Ladder`.
#[derive(Clone)]
pub struct Levels<'a, const WORDS: usize = DEFAULT_WORDS> {
    half: &'a Half<i64, WORDS>,
    side: Side,
    at: Cursor,
    left: usize,
}

impl<const WORDS: usize> Iterator for Levels<'_, WORDS> {
    type Item = Level;

    #[inline]
    fn next(&mut self) -> Option<Level> {
        let (key, quantity, next) = self.half.step(self.at)?;
        self.at = next;
        self.left = self.left.saturating_sub(1);
        Some(Level { price: Ticks(flip(self.side, key)), quantity: Lots(quantity) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<const WORDS: usize> ExactSizeIterator for Levels<'_, WORDS> {}
impl<const WORDS: usize> FusedIterator for Levels<'_, WORDS> {}

impl<const WORDS: usize> fmt::Debug for Levels<'_, WORDS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Levels").field("side", &self.side).field("left", &self.left).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::shortened;
    use types::rng::SplitMix64;

    /// Invariants of both halves after every operation, on windows small enough that everything happens often.
    fn invariants<const WORDS: usize>(seed: u64, operations: usize) {
        let mut rng = SplitMix64::new(seed);
        let mut ladder = Ladder::<WORDS>::with_window();
        let mut centre = 0i64;
        for operation in 0..operations {
            centre += rng.below(41) as i64 - 20;
            let side = Side::BOTH[rng.below(2) as usize];
            let price = match rng.below(8) {
                0 => centre + rng.below(4_000) as i64 - 2_000,
                1 => [i64::MIN, i64::MAX, i64::MIN + 63, i64::MAX - 64, 0, -1][rng.below(6) as usize],
                _ => centre + rng.below(64) as i64 - 32,
            };
            let quantity = if rng.below(2) == 0 { 0 } else { 1 + rng.below(9) as i64 };
            let before = ladder.quantity_at(side, Ticks(price));
            assert_eq!(ladder.set(side, Ticks(price), Lots(quantity)), Ok(before), "seed {seed} operation {operation}");
            for half in &ladder.halves {
                half.check();
            }
        }
    }

    #[test]
    fn invariants_hold_on_every_window_width() {
        invariants::<1>(1, shortened(20_000));
        invariants::<2>(2, shortened(20_000));
        invariants::<8>(3, shortened(20_000));
        invariants::<128>(4, shortened(4_000));
    }
}
