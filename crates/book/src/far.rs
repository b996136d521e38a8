//! # Room card: book/far
//! In:    levels that the window of a `Half` has no place for.
//! Out:   `FarStack`: them by key, the best of them last.
//! Holds: sorted by key, ascending; as many places as the side may have levels; gaps are few, or at most half.
//! Costs: a binary search; a new level moves what stands between it and the nearest gap, or the rest of the stack.
use crate::half::{Slot, resident};

/// How far from its place a new level looks for a gap before the rest of the stack is moved.
const GAP_REACH: usize = 16;
/// Gaps are closed when there are more than these and than half the stack.
const GAPS_MIN: usize = 64;

/// A level of the stack; a gap when its slot is empty.
#[derive(Clone, Copy)]
pub(crate) struct Far<S> {
    pub(crate) key: i64,
    pub(crate) slot: S,
}

/// The levels of a side that are worse than its window.
pub(crate) struct FarStack<S> {
    levels: Box<[Far<S>]>,
    length: usize,
    gaps: usize,
}

impl<S: Slot> FarStack<S> {
    pub(crate) fn new(levels_max: usize) -> Self {
        FarStack { levels: resident(Far { key: 0, slot: S::EMPTY }, levels_max), length: 0, gaps: 0 }
    }

    /// Where a key stands, or where it would.
    #[inline]
    pub(crate) fn find(&self, key: i64) -> Result<usize, usize> {
        self.levels[..self.length].binary_search_by(|level| level.key.cmp(&key))
    }

    /// What stands at a place that was found; empty when none was.
    #[inline]
    pub(crate) fn at(&self, found: Result<usize, usize>) -> S {
        found.map_or(S::EMPTY, |index| self.levels[index].slot)
    }

    /// The level at a key.
    pub(crate) fn get_mut(&mut self, key: i64) -> Option<&mut S> {
        let index = self.find(key).ok()?;
        Some(&mut self.levels[index].slot).filter(|slot| !slot.is_empty())
    }

    /// Sets what stands at a key, which was looked for. A new level needs room: the side has fewer than its bound.
    pub(crate) fn set(&mut self, found: Result<usize, usize>, key: i64, slot: S) {
        match found {
            Ok(index) => {
                let before = core::mem::replace(&mut self.levels[index].slot, slot);
                self.gaps = self.gaps + slot.is_empty() as usize - before.is_empty() as usize;
                if self.gaps > GAPS_MIN.max(self.length / 2) {
                    self.close_gaps();
                }
            }
            Err(_) if slot.is_empty() => {}
            Err(index) => self.insert(index, Far { key, slot }),
        }
    }

    /// Puts a level where it belongs: what stands between there and a gap close by moves by one, or else the rest of
    /// the stack.
    fn insert(&mut self, index: usize, level: Far<S>) {
        let is_gap = |level: &Far<S>| level.slot.is_empty();
        let (low, high) = (index.saturating_sub(GAP_REACH), (index + GAP_REACH).min(self.length));
        if let Some(steps) = self.levels[index..high].iter().position(is_gap) {
            self.levels.copy_within(index..index + steps, index + 1);
            self.levels[index] = level;
            self.gaps -= 1;
        } else if let Some(steps) = self.levels[low..index].iter().rev().position(is_gap) {
            self.levels.copy_within(index - steps..index, index - steps - 1);
            self.levels[index - 1] = level;
            self.gaps -= 1;
        } else {
            let mut index = index;
            if self.length == self.levels.len() {
                // The side has room for a level, so the stack has a gap.
                self.close_gaps();
                index = self.levels[..self.length].partition_point(|other| other.key < level.key);
            }
            self.levels.copy_within(index..self.length, index + 1);
            self.levels[index] = level;
            self.length += 1;
        }
    }

    /// Puts a level at the end: it is better than all of them.
    #[inline]
    pub(crate) fn push(&mut self, key: i64, slot: S) {
        if self.length == self.levels.len() {
            // The level at hand is one of the side's, so the stack has a gap.
            self.close_gaps();
        }
        self.levels[self.length] = Far { key, slot };
        self.length += 1;
    }

    /// The best level, once gaps at the end are gone.
    pub(crate) fn last(&mut self) -> Option<Far<S>> {
        while self.length > 0 {
            let level = self.levels[self.length - 1];
            if !level.slot.is_empty() {
                return Some(level);
            }
            self.length -= 1;
            self.gaps -= 1;
        }
        None
    }

    /// Takes out the level that `last` showed.
    #[inline]
    pub(crate) fn pop(&mut self) {
        self.length -= 1;
    }

    /// Places of the stack, gaps among them: where a walk from best to worst starts.
    #[inline]
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// The best level before a place, and its own place. Bound: gaps are few, or at most half the stack.
    pub(crate) fn before(&self, mut place: usize) -> Option<(Far<S>, usize)> {
        while place > 0 {
            place -= 1;
            let level = self.levels.get(place)?;
            if !level.slot.is_empty() {
                return Some((*level, place));
            }
        }
        None
    }

    /// Takes the gaps out. At most one pass for each `GAPS_MIN` levels removed.
    #[cold]
    fn close_gaps(&mut self) {
        let mut kept = 0;
        for index in 0..self.length {
            let level = self.levels[index];
            self.levels[kept] = level;
            kept += !level.slot.is_empty() as usize;
        }
        (self.length, self.gaps) = (kept, 0);
    }

    /// Removes every level.
    pub(crate) fn clear(&mut self) {
        (self.length, self.gaps) = (0, 0);
    }

    /// What must hold between operations, the levels being worse than `limit`; how many levels there are.
    #[cfg(test)]
    pub(crate) fn check(&self, limit: i64) -> usize {
        let levels = &self.levels[..self.length];
        assert!(levels.windows(2).all(|pair| pair[0].key < pair[1].key), "far stack unsorted");
        assert!(levels.iter().all(|level| level.key < limit), "far level in the window");
        let gaps = levels.iter().filter(|level| level.slot.is_empty()).count();
        assert_eq!(gaps, self.gaps);
        assert!(gaps <= GAPS_MIN.max(levels.len() / 2 + 1), "{gaps} gaps among {}", levels.len());
        levels.len() - gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Levels at even keys from 0 on.
    fn stack(levels: i64, levels_max: usize) -> FarStack<i64> {
        let mut stack = FarStack::new(levels_max);
        for i in 0..levels {
            stack.push(2 * i, 1);
        }
        stack
    }

    fn put(stack: &mut FarStack<i64>, key: i64, lots: i64) {
        stack.set(stack.find(key), key, lots);
        stack.check(i64::MAX);
    }

    #[test]
    fn gaps_stay_until_they_are_too_many() {
        // (levels, gaps that may stay)
        for (levels, gaps_max) in [(100, 64), (128, 64), (140, 70), (400, 200)] {
            let mut stack = stack(levels, 400);
            for i in 0..gaps_max {
                put(&mut stack, 2 * i, 0);
                assert_eq!(stack.length(), levels as usize, "gap {i} of {levels}");
            }
            put(&mut stack, 2 * gaps_max, 0);
            assert_eq!((stack.length() as i64, stack.gaps), (levels - gaps_max - 1, 0));
            assert_eq!(stack.before(stack.length()).map(|(level, _)| level.key), Some(2 * levels - 2));
        }
    }

    /// A new level goes into a gap within reach on either side, and else makes the stack longer.
    #[test]
    fn a_gap_close_by_is_taken() {
        let reach = GAP_REACH as i64;
        // (gap at this level, new one before this level, is the gap taken)
        let cases = [
            (50, 50, true),
            (49, 50, true),
            (50 + reach - 1, 50, true),
            (50 + reach, 50, false),
            (50 - reach, 50, true),
            (50 - reach - 1, 50, false),
            (3, 0, true),
            (96, 100, true),
            (80, 100, false),
            (0, 2, true),
        ];
        for (gap, before, taken) in cases {
            let mut stack = stack(100, 200);
            put(&mut stack, 2 * gap, 0);
            put(&mut stack, 2 * before - 1, 7);
            assert_eq!((stack.length(), stack.gaps), if taken { (100, 0) } else { (101, 1) }, "{gap} {before}");
            let mut want: Vec<i64> = (0..100).map(|i| 2 * i).filter(|&key| key != 2 * gap).collect();
            want.insert(want.partition_point(|&key| key < 2 * before - 1), 2 * before - 1);
            let mut place = stack.length();
            while let Some((level, next)) = stack.before(place) {
                assert_eq!((Some(level.key), level.slot == 7), (want.pop(), level.key == 2 * before - 1));
                place = next;
            }
            assert!(want.is_empty());
        }
    }

    #[test]
    fn a_full_stack_closes_its_gaps_for_a_new_level() {
        let mut stack = stack(100, 100);
        put(&mut stack, 10, 0);
        put(&mut stack, 151, 3);
        assert_eq!((stack.length(), stack.gaps, stack.at(stack.find(151))), (100, 0, 3));
        put(&mut stack, 20, 0);
        stack.push(1_000, 5);
        assert_eq!((stack.length(), stack.gaps, stack.check(1_001)), (100, 0, 100));
        // Gaps at the end go when the last level is asked for.
        put(&mut stack, 1_000, 0);
        put(&mut stack, 198, 0);
        assert_eq!(stack.last().map(|level| level.key), Some(196));
        assert_eq!((stack.length(), stack.gaps), (98, 0));
    }
}
