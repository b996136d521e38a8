//! # Room card: venue/levels
//! In:    keys of price levels at which orders come to rest or leave.
//! Out:   `Levels`: one side's queues by key, its best key, the walk from best to worst.
//! Holds: the best level is in the window; every far level is worse than every window level; count <= the bound.
//! Costs: a window level one line and one bitmap word; a far level a binary search and a move of the far stack.
//!
//! A key orders prices so that greater is better: the price itself for bids, its bitwise complement for asks. So one
//! `Levels` serves both sides without a branch on the side. The window is `book::half`'s, with a queue where that has a
//! quantity: a ring of 64 words of 64 ticks, word `key >> 6` in slot `word % 64`, so that re-centring moves only the
//! levels that leave (pushed onto the far stack) or enter (popped from it). One summary word says which words hold a
//! level.

/// No order.
pub(crate) const NONE: u32 = u32::MAX;

/// Words of the window, one bit each in the summary.
const WORDS: usize = 64;
/// Ticks of a word.
const WORD_TICKS: usize = 64;
const WINDOW_TICKS: usize = WORDS * WORD_TICKS;
/// Words of the window below the best after re-centring: a book is deep behind its best.
const TARGET: i64 = 48;
/// The best may drift within these words of the window before it is re-centred.
const DRIFT: core::ops::Range<i64> = 32..56;

/// The orders at one price, first to last. Empty: no head, no tail, no quantity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Queue {
    pub(crate) total: i64,
    pub(crate) head: u32,
    pub(crate) tail: u32,
}

pub(crate) const EMPTY: Queue = Queue { total: 0, head: NONE, tail: NONE };

/// Where a walk from best to worst stands.
#[derive(Clone, Copy, Debug)]
enum Cursor {
    Window(i64),
    /// Far levels left to visit.
    Far(usize),
}

/// Price levels of one side.
#[derive(Debug)]
pub(crate) struct Levels {
    /// First word of the window.
    base: i64,
    /// Best key; `i64::MIN` when there is no level, so that every key that can be is better.
    best: i64,
    count: usize,
    levels_max: usize,
    /// One bit per word of `occupied` that is not zero, by slot.
    summary: u64,
    occupied: [u64; WORDS],
    queues: Box<[Queue; WINDOW_TICKS]>,
    /// Sorted by key, ascending: its end borders on the window.
    far: Vec<(i64, Queue)>,
}

impl Levels {
    /// Room for `levels_max` levels.
    pub(crate) fn new(levels_max: usize) -> Levels {
        let queues = match Box::<[Queue; WINDOW_TICKS]>::try_from(vec![EMPTY; WINDOW_TICKS].into_boxed_slice()) {
            Ok(queues) => queues,
            Err(_) => unreachable!("the slice was made with as many elements"),
        };
        let far = Vec::with_capacity(levels_max);
        Levels { base: 0, best: i64::MIN, count: 0, levels_max, summary: 0, occupied: [0; WORDS], queues, far }
    }

    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.count
    }
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.count == self.levels_max
    }
    /// The best key; `i64::MIN` when there is no level.
    #[inline]
    pub(crate) fn best(&self) -> i64 {
        self.best
    }
    /// The queue at the best key; empty when there is no level.
    #[inline]
    pub(crate) fn best_queue(&self) -> &Queue {
        if self.count == 0 { &EMPTY } else { &self.queues[index(self.best)] }
    }
    /// The queue at the best key; there must be one, else it is some empty queue of the window.
    #[inline]
    pub(crate) fn best_queue_mut(&mut self) -> &mut Queue {
        &mut self.queues[index(self.best)]
    }

    #[inline]
    fn in_window(&self, key: i64) -> bool {
        ((key >> 6).wrapping_sub(self.base) as u64) < WORDS as u64
    }

    /// The queue at a key; empty when there is no level.
    #[inline]
    pub(crate) fn at(&self, key: i64) -> &Queue {
        if self.in_window(key) {
            return &self.queues[index(key)];
        }
        self.far_search(key).map_or(&EMPTY, |at| &self.far[at].1)
    }

    /// The queue of an existing level; `None` when there is no such far level.
    #[inline]
    pub(crate) fn at_mut(&mut self, key: i64) -> Option<&mut Queue> {
        if self.in_window(key) {
            return Some(&mut self.queues[index(key)]);
        }
        let at = self.far_search(key).ok()?;
        Some(&mut self.far[at].1)
    }

    /// The queue at a key for an order that comes to rest there, made when there is none; `None`, and nothing changed,
    /// when the side is full of other levels. The caller puts an order into it.
    #[inline]
    pub(crate) fn enter(&mut self, key: i64) -> Option<&mut Queue> {
        if self.in_window(key) && self.queues[index(key)].head != NONE {
            return Some(&mut self.queues[index(key)]);
        }
        self.enter_new(key)
    }

    fn enter_new(&mut self, key: i64) -> Option<&mut Queue> {
        if !self.in_window(key) && key < self.best {
            return self.enter_far(key);
        }
        if self.is_full() {
            return None;
        }
        self.count += 1;
        if key > self.best {
            self.best = key;
            self.follow_best();
        }
        self.set_bit(key);
        Some(&mut self.queues[index(key)])
    }

    #[cold]
    fn enter_far(&mut self, key: i64) -> Option<&mut Queue> {
        let at = match self.far_search(key) {
            Ok(at) => at,
            Err(_) if self.is_full() => return None,
            Err(at) => {
                self.far.insert(at, (key, EMPTY));
                self.count += 1;
                at
            }
        };
        Some(&mut self.far[at].1)
    }

    /// Takes out a level whose queue has become empty.
    #[inline]
    pub(crate) fn leave(&mut self, key: i64) {
        if !self.in_window(key) {
            return self.leave_far(key);
        }
        self.queues[index(key)] = EMPTY;
        self.clear_bit(key);
        self.count -= 1;
        if key == self.best {
            self.best_left(key);
        }
    }

    #[cold]
    fn leave_far(&mut self, key: i64) {
        if let Ok(at) = self.far_search(key) {
            self.far.remove(at);
            self.count -= 1;
        }
    }

    /// Finds the best after the level at `key`, the best until now, left.
    #[inline]
    fn best_left(&mut self, key: i64) {
        match (self.window_below(key), self.far.last()) {
            (Some(next), _) => {
                self.best = next;
                self.follow_best();
            }
            (None, Some(&(next, _))) => {
                self.best = next;
                self.recentre();
            }
            (None, None) => self.best = i64::MIN,
        }
    }

    #[inline]
    fn follow_best(&mut self) {
        if !DRIFT.contains(&((self.best >> 6) - self.base)) {
            self.recentre();
        }
    }

    /// Moves the window so that the best stands at `TARGET`; `best` is set and not worse than any level. Bound: each
    /// level moves at most once between window and far stack.
    #[cold]
    #[inline(never)]
    fn recentre(&mut self) {
        // No overflow: keys are prices or complements of prices, far from the ends.
        let base = (self.best >> 6) - TARGET;
        if base > self.base {
            // Worst first, so that the far stack stays sorted.
            for word in self.base..self.base + (base - self.base).min(WORDS as i64) {
                self.evict(word);
            }
            self.base = base;
        } else {
            // Nothing is better than the best, so the words that leave at the good end are empty; far levels enter.
            self.base = base;
            while let Some(&(key, queue)) = self.far.last() {
                if !self.in_window(key) {
                    break;
                }
                self.far.pop();
                self.queues[index(key)] = queue;
                self.set_bit(key);
            }
        }
    }

    /// Moves the levels of one window word onto the far stack, which holds at most `levels_max`.
    fn evict(&mut self, word: i64) {
        let slot = word as usize & (WORDS - 1);
        let mut bits = core::mem::take(&mut self.occupied[slot]);
        self.summary &= !(1 << slot);
        while bits != 0 {
            let key = (word << 6) | bits.trailing_zeros() as i64;
            bits &= bits - 1;
            self.far.push((key, core::mem::replace(&mut self.queues[index(key)], EMPTY)));
        }
    }

    #[inline]
    fn set_bit(&mut self, key: i64) {
        let slot = (key >> 6) as usize & (WORDS - 1);
        self.occupied[slot] |= 1 << (key & 63);
        self.summary |= 1 << slot;
    }

    #[inline]
    fn clear_bit(&mut self, key: i64) {
        let slot = (key >> 6) as usize & (WORDS - 1);
        self.occupied[slot] &= !(1 << (key & 63));
        self.summary &= !(((self.occupied[slot] == 0) as u64) << slot);
    }

    /// The best occupied key of the window worse than `key`, itself a key of the window.
    #[inline]
    fn window_below(&self, key: i64) -> Option<i64> {
        let word = key >> 6;
        let bits = self.occupied[word as usize & (WORDS - 1)] & ((1 << (key & 63)) - 1);
        if bits != 0 {
            return Some((key & !63) | (63 - bits.leading_zeros() as i64));
        }
        // Turned so that the window's first word is bit 0.
        let words = self.summary.rotate_right((self.base & 63) as u32) & ((1 << (word - self.base)) - 1);
        if words == 0 {
            return None;
        }
        let below = self.base + 63 - words.leading_zeros() as i64;
        Some((below << 6) | (63 - self.occupied[below as usize & (WORDS - 1)].leading_zeros() as i64))
    }

    fn far_search(&self, key: i64) -> Result<usize, usize> {
        self.far.binary_search_by(|level| level.0.cmp(&key))
    }

    /// Levels from best to worst.
    pub(crate) fn walk(&self) -> impl Iterator<Item = (i64, &Queue)> + '_ {
        let mut at = if self.count == 0 { Cursor::Far(0) } else { Cursor::Window(self.best) };
        core::iter::from_fn(move || match at {
            Cursor::Window(key) => {
                at = self.window_below(key).map_or(Cursor::Far(self.far.len()), Cursor::Window);
                Some((key, &self.queues[index(key)]))
            }
            Cursor::Far(left) => {
                let level = self.far.get(left.checked_sub(1)?)?;
                at = Cursor::Far(left - 1);
                Some((level.0, &level.1))
            }
        })
    }

    /// What must hold between operations; for the tests.
    #[cfg(test)]
    fn check(&self) {
        let mut in_window = 0;
        for (slot, &bits) in self.occupied.iter().enumerate() {
            assert_eq!(self.summary >> slot & 1 == 1, bits != 0, "summary of {slot}");
            for bit in 0..WORD_TICKS {
                let queue = &self.queues[slot * WORD_TICKS + bit];
                assert_eq!(bits >> bit & 1 == 1, queue.head != NONE, "bitmap of {slot}/{bit}");
                in_window += (queue.head != NONE) as usize;
            }
        }
        assert_eq!(in_window + self.far.len(), self.count);
        assert!(self.far.windows(2).all(|pair| pair[0].0 < pair[1].0), "far stack unsorted");
        assert!(self.far.iter().all(|level| level.0 >> 6 < self.base), "far level in the window");
        assert!(self.count <= self.levels_max && self.far.capacity() >= self.levels_max);
        let best_stands = self.in_window(self.best) && self.queues[index(self.best)].head != NONE;
        assert!(if self.count == 0 { self.best == i64::MIN } else { best_stands }, "the best is not in the window");
    }
}

#[inline]
const fn index(key: i64) -> usize {
    key as usize & (WINDOW_TICKS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use types::rng::SplitMix64;

    /// Comes, goes and walks agree with a tree, near the touch, far from it, and while the market runs away.
    #[test]
    fn agrees_with_a_tree_under_random_operations() {
        let seed = 64;
        let mut rng = SplitMix64::new(seed);
        for (side, start) in [(0, 5_000_000i64), (1, !5_000_000), (2, 1), (3, !1)] {
            let (mut levels, mut tree) = (Levels::new(48), BTreeMap::<i64, i64>::new());
            let (mut middle, mut refused, mut far_met) = (start, 0, 0);
            for step in 0..150_000i64 {
                let at = format!("seed {seed} side {side} step {step}");
                if rng.below(200) == 0 {
                    let jump = [40, 600, 9_000, 1_000_000][rng.below(4) as usize];
                    middle = start + (middle - start + rng.below(2 * jump + 1) as i64 - jump as i64) % 3_000_000;
                }
                let spread = [30, 30, 700, 20_000][rng.below(4) as usize];
                let key = middle - rng.below(spread) as i64;
                if rng.below(20) < 11 {
                    let expected = tree.contains_key(&key) || tree.len() < 48;
                    let queue = levels.enter(key);
                    assert_eq!(queue.is_some(), expected, "{at}");
                    match queue {
                        Some(queue) => {
                            (queue.total, queue.head) = (queue.total + step, 7);
                            *tree.entry(key).or_insert(0) += step;
                        }
                        None => refused += 1,
                    }
                } else if rng.below(2) == 0 && levels.count() > 0 {
                    let best = levels.best();
                    levels.leave(best);
                    tree.remove(&best).unwrap();
                } else if let Some((&key, _)) = tree.iter().nth(rng.below(tree.len().max(1) as u64) as usize) {
                    assert!(levels.at_mut(key).is_some(), "{at}");
                    levels.leave(key);
                    tree.remove(&key);
                }
                far_met += !levels.far.is_empty() as u64;
                assert_eq!(levels.best(), tree.keys().next_back().copied().unwrap_or(i64::MIN), "{at}");
                assert_eq!(levels.at(key).total, tree.get(&key).copied().unwrap_or(0), "{at}");
                if step % 16 == 0 {
                    levels.check();
                    let walked: Vec<_> = levels.walk().map(|(key, queue)| (key, queue.total)).collect();
                    assert_eq!(walked, tree.iter().rev().map(|(&k, &v)| (k, v)).collect::<Vec<_>>(), "{at}");
                }
            }
            assert!(refused > 100 && far_met > 10_000, "refused {refused}, far {far_met}");
        }
    }
}
