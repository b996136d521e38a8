//! # Room card: book/half
//! In:    what stands at one side's prices from now on, by key: a total (L2) or a queue of orders (L3, venue).
//! Out:   `Half`: the best key, the next worse key, what stands at a key.
//! Holds: the best level is always in the window; every far level is worse than every window level; count <= the bound.
//! Costs: near the touch one line of slots and one bitmap line; a far level a binary search; re-centring: see `set`.
//!
//! A key orders prices so that greater is better: the price itself for bids, its bitwise complement for asks (which
//! reverses the order and, unlike negation, cannot overflow). So one half serves both sides without a branch on the
//! side.
//!
//! The window is a ring: word `key >> 6` lives in slot `word % WORDS`. Re-centring therefore moves no level that
//! stays inside, only those that leave (pushed onto the far stack) or enter (popped from it). The far stack is sorted
//! ascending, so that its end borders on the window. Since the best is in the window, nothing is ever better than the
//! window. A far level that is removed leaves a gap (its key with nothing there), for far levels come back at the same
//! prices: one update in twenty of the recording is far, and moving the rest of the stack would cost more than the
//! other nineteen.
use core::fmt;

use crate::far::FarStack;

/// Price levels of one side, window and far levels together. One more is refused with `BookFull`.
pub const LEVELS_PER_SIDE_MAX: usize = 32_768;

/// A page of memory, at least.
const PAGE_BYTES: usize = 4_096;
/// Ticks of a word of the occupancy bitmap.
const WORD_TICKS: usize = 64;
/// Bound of `WORDS`, set by the size of the summary bitmap.
const WORDS_MAX: usize = 1_024;
/// Lowest and highest word a key can have.
const WORD_LOW: i64 = i64::MIN >> 6;
const WORD_HIGH: i64 = i64::MAX >> 6;

/// What stands at a price: nothing, or a level.
pub trait Slot: Copy {
    /// No level.
    const EMPTY: Self;
    /// Is there no level?
    fn is_empty(&self) -> bool;
}

/// The total displayed at a price, in lots.
impl Slot for i64 {
    const EMPTY: i64 = 0;
    #[inline]
    fn is_empty(&self) -> bool {
        *self == 0
    }
}

/// Where a key stands while a caller walks a half from best to worst.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cursor {
    /// At this occupied key of the window.
    Window(i64),
    /// At this index of the far stack, counted from its sorted start, plus one; zero is the end.
    Far(usize),
}

/// The levels of one side by key. `S` is what stands at a price; `WORDS` is the window's width in words of 64 ticks, a
/// power of two, at most 1,024.
pub struct Half<S, const WORDS: usize> {
    /// First word of the window.
    base: i64,
    /// Best key; `i64::MIN` when there is no level, so that every key but that one is better.
    best: i64,
    /// Levels in window and far stack, and their bound.
    count: usize,
    levels_max: usize,
    /// How often the window moved, and how often a level outside it was set.
    pub(crate) recentred: u64,
    pub(crate) far_sets: u64,
    /// One bit per bitmap word that is not zero.
    summary: [u64; WORDS_MAX / 64],
    occupied: Box<[u64; WORDS]>,
    slots: Box<[[S; WORD_TICKS]; WORDS]>,
    far: FarStack<S>,
}

/// Memory that is there: every page is written, so that no update waits until the kernel gives one.
pub(crate) fn resident<T: Copy>(value: T, count: usize) -> Box<[T]> {
    let mut memory = vec![value; count].into_boxed_slice();
    for place in (0..count).step_by((PAGE_BYTES / size_of::<T>()).max(1)) {
        // Or the compiler knows that the value stands there, and asks the kernel for zeros.
        core::hint::black_box(&mut memory)[place] = value;
    }
    memory
}

pub(crate) fn boxed<T: Copy, const N: usize>(value: T) -> Box<[T; N]> {
    match Box::<[T; N]>::try_from(resident(value, N)) {
        Ok(array) => array,
        Err(_) => unreachable!("the slice was made with N elements"),
    }
}

impl<S: Slot, const WORDS: usize> Half<S, WORDS> {
    const MASK: usize = WORDS - 1;
    const SUMMARIES: usize = WORDS.div_ceil(64);
    /// Words of the window below the best after re-centring: three quarters, since a book is deep behind its best.
    const TARGET: i64 = (WORDS - WORDS.div_ceil(4)) as i64;
    /// The best may drift within these words of the window before it is re-centred.
    const DRIFT_LOW: i64 = (WORDS / 2) as i64;
    const DRIFT_HIGH: i64 = (WORDS - WORDS / 8) as i64;
    const VALID: () = assert!(WORDS.is_power_of_two() && WORDS <= WORDS_MAX);

    /// No level yet, and memory for `levels_max`.
    pub fn new(levels_max: usize) -> Self {
        let () = Self::VALID;
        Half {
            base: 0,
            best: i64::MIN,
            count: 0,
            levels_max,
            recentred: 0,
            far_sets: 0,
            summary: [0; WORDS_MAX / 64],
            occupied: boxed(0),
            slots: boxed([S::EMPTY; WORD_TICKS]),
            far: FarStack::new(levels_max),
        }
    }

    /// Levels there are.
    #[inline]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Is there no room for one level more?
    #[inline]
    pub fn is_full(&self) -> bool {
        self.count == self.levels_max
    }

    /// The best key.
    #[inline]
    pub fn best(&self) -> Option<i64> {
        if self.count == 0 { None } else { Some(self.best) }
    }

    /// The best key, or `i64::MIN` when there is no level.
    #[inline]
    pub fn best_key(&self) -> i64 {
        self.best
    }

    /// What stands at the best key; empty when there is no level.
    #[inline]
    pub fn best_slot(&self) -> S {
        // With no level nothing in the window is occupied, so whatever place this is says so.
        self.window_slot(self.best)
    }

    /// What stands at the best key, to be changed; it must not become empty, nor be something when it was empty.
    #[inline]
    pub fn best_slot_mut(&mut self) -> &mut S {
        let (word, bit) = Self::place(self.best);
        &mut self.slots[word][bit]
    }

    /// Word and bit of a key in the ring.
    #[inline]
    fn place(key: i64) -> (usize, usize) {
        ((key >> 6) as usize & Self::MASK, key as usize & 63)
    }

    #[inline]
    fn in_window(&self, key: i64) -> bool {
        ((key >> 6).wrapping_sub(self.base) as u64) < WORDS as u64
    }

    /// What stands at a key of the window.
    #[inline]
    pub(crate) fn window_slot(&self, key: i64) -> S {
        let (word, bit) = Self::place(key);
        self.slots[word][bit]
    }

    /// What stands at any key; empty when there is no level.
    #[inline]
    pub fn get(&self, key: i64) -> S {
        if self.in_window(key) {
            return self.window_slot(key);
        }
        self.far.at(self.far.find(key))
    }

    /// The level at a key, to be changed; it must not become empty: `set` removes a level.
    #[inline]
    pub fn get_mut(&mut self, key: i64) -> Option<&mut S> {
        if self.in_window(key) {
            let (word, bit) = Self::place(key);
            return Some(&mut self.slots[word][bit]).filter(|slot| !slot.is_empty());
        }
        self.far_mut(key)
    }

    #[cold]
    #[inline(never)]
    fn far_mut(&mut self, key: i64) -> Option<&mut S> {
        self.far_sets += 1;
        self.far.get_mut(key)
    }

    /// Sets what stands at a key (the empty slot removes a level) and returns what stood there; `None`, and nothing
    /// changed, when a new level finds the side full. (An `Option` comes back in registers, a `Result` with a code
    /// through memory.)
    ///
    /// The idea: whether a level comes, stays or goes is a coin toss (37 % of the recorded updates add or remove one),
    /// so the bitmaps and the count are written without a branch; the branches left are predictable: outside the
    /// window, side full, best changed. The window moves only when the best has drifted. Bound: re-centring moves each
    /// level at most once between window and far stack, at most `levels_max` in all.
    #[inline]
    pub fn set(&mut self, key: i64, slot: S) -> Option<S> {
        if !self.in_window(key) {
            return self.set_outside(key, slot);
        }
        let (word, bit) = Self::place(key);
        let before = self.slots[word][bit];
        let (was, is) = (!before.is_empty(), !slot.is_empty());
        let count = self.count + is as usize - was as usize;
        if count > self.levels_max {
            return None;
        }
        self.count = count;
        self.slots[word][bit] = slot;
        self.put_bit(word, bit, is);
        // One comparison, seldom true, for "beats the best" and "removes the best": an update of the best is the
        // commonest of all. It wraps with nothing but `i64::MIN` as the best, which stays so without a level.
        if key > self.best.wrapping_sub(i64::from(!is)) {
            self.best_set(key, was, is);
        }
        Some(before)
    }

    /// After a key better than the best was set, or the best itself (or nothing, better than it) was removed.
    #[inline(never)]
    fn best_set(&mut self, key: i64, was: bool, is: bool) {
        if is {
            self.best = key;
            self.follow_best();
        } else if was {
            self.best_removed(key);
        }
    }

    #[cold]
    #[inline(never)]
    fn set_outside(&mut self, key: i64, slot: S) -> Option<S> {
        if self.count == 0 || key > self.best {
            if slot.is_empty() {
                return Some(S::EMPTY);
            }
            if self.is_full() {
                return None;
            }
            self.best = key;
            self.recentre();
            self.window_insert(key, slot);
            self.count += 1;
            return Some(S::EMPTY);
        }
        self.far_sets += 1;
        let found = self.far.find(key);
        let before = self.far.at(found);
        let count = self.count + !slot.is_empty() as usize - !before.is_empty() as usize;
        if count > self.levels_max {
            return None;
        }
        self.count = count;
        self.far.set(found, key, slot);
        Some(before)
    }

    /// Finds the best after the level at `key`, the best until now, was removed from the window.
    #[inline]
    fn best_removed(&mut self, key: i64) {
        if let Some(next) = self.window_below(key) {
            self.best = next;
            self.follow_best();
        } else if let Some(level) = self.far.last() {
            self.best = level.key;
            self.recentre();
        } else {
            self.best = i64::MIN;
        }
    }

    /// Re-centres if the best has drifted towards an end of the window.
    #[inline]
    fn follow_best(&mut self) {
        let offset = (self.best >> 6) - self.base;
        if offset < Self::DRIFT_LOW || offset >= Self::DRIFT_HIGH {
            self.recentre();
        }
    }

    /// Moves the window so that the best stands at `TARGET`; `best` must be set and not be worse than any level.
    #[cold]
    #[inline(never)]
    fn recentre(&mut self) {
        let base = ((self.best >> 6) - Self::TARGET).clamp(WORD_LOW, WORD_HIGH - WORDS as i64 + 1);
        self.recentred += u64::from(base != self.base);
        if base > self.base {
            // Levels below the new base leave, worst first, so that the far stack stays sorted.
            let leaving = base.saturating_sub(self.base).min(WORDS as i64);
            for word in self.base..self.base + leaving {
                self.evict(word);
            }
            self.base = base;
        } else if base < self.base {
            // Nothing is better than the best, so the words that leave at the good end are empty; far levels enter.
            self.base = base;
            while let Some(level) = self.far.last().filter(|level| self.in_window(level.key)) {
                self.far.pop();
                self.window_insert(level.key, level.slot);
            }
        }
    }

    /// Moves the levels of one window word onto the far stack.
    fn evict(&mut self, word: i64) {
        let index = word as usize & Self::MASK;
        let mut bits = core::mem::take(&mut self.occupied[index]);
        if bits == 0 {
            return;
        }
        self.summary[index >> 6] &= !(1 << (index & 63));
        while bits != 0 {
            let bit = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            let slot = core::mem::replace(&mut self.slots[index][bit], S::EMPTY);
            self.far.push((word << 6) | bit as i64, slot);
        }
    }

    #[inline]
    fn window_insert(&mut self, key: i64, slot: S) {
        let (word, bit) = Self::place(key);
        self.slots[word][bit] = slot;
        self.put_bit(word, bit, true);
    }

    #[inline]
    fn put_bit(&mut self, word: usize, bit: usize, present: bool) {
        let before = self.occupied[word];
        let bits = before & !(1 << bit) | (present as u64) << bit;
        self.occupied[word] = bits;
        // Near the touch a word is seldom empty.
        if before == 0 || bits == 0 {
            let summary = &mut self.summary[(word >> 6) & (WORDS_MAX / 64 - 1)];
            *summary = *summary & !(1 << (word & 63)) | u64::from(bits != 0) << (word & 63);
        }
    }

    /// The best occupied key of the window worse than `key`, itself a key of the window.
    #[inline]
    fn window_below(&self, key: i64) -> Option<i64> {
        let (index, bit) = Self::place(key);
        let bits = self.occupied[index] & ((1 << bit) - 1);
        if bits != 0 {
            return Some((key & !63) | (63 - bits.leading_zeros() as i64));
        }
        let found = self.word_below(index)?;
        // The ring is searched all round: what lies beyond the window's base is better than `key`, or `key`'s own word.
        let distance = index.wrapping_sub(found) & Self::MASK;
        let word = (key >> 6).checked_sub(distance as i64).filter(|&word| distance > 0 && word >= self.base)?;
        Some((word << 6) | (63 - self.occupied[found].leading_zeros() as i64))
    }

    /// The nearest word of the ring below `index`, going round, that is not empty; possibly `index` itself, last.
    #[inline]
    fn word_below(&self, index: usize) -> Option<usize> {
        let (at, bit) = (index >> 6, index & 63);
        let below = (1u64 << bit) - 1;
        for step in 0..=Self::SUMMARIES {
            let index = at.wrapping_sub(step) & (Self::SUMMARIES - 1);
            let keep = match step {
                0 => below,
                _ if step == Self::SUMMARIES => !below,
                _ => u64::MAX,
            };
            let bits = self.summary[index] & keep;
            if bits != 0 {
                return Some((index << 6) | (63 - bits.leading_zeros() as usize));
            }
        }
        None
    }

    /// Where the walk from best to worst starts.
    #[inline]
    pub(crate) fn first(&self) -> Cursor {
        if self.count == 0 { Cursor::Far(0) } else { Cursor::Window(self.best) }
    }

    /// The level at a cursor with its key, and the cursor after it.
    #[inline]
    pub(crate) fn step(&self, at: Cursor) -> Option<(i64, S, Cursor)> {
        match at {
            Cursor::Window(key) => {
                let next = self.window_below(key).map_or(Cursor::Far(self.far.length()), Cursor::Window);
                Some((key, self.window_slot(key), next))
            }
            Cursor::Far(place) => {
                let (level, place) = self.far.before(place)?;
                Some((level.key, level.slot, Cursor::Far(place)))
            }
        }
    }

    /// The levels with their keys, from best to worst.
    #[inline]
    pub fn walk(&self) -> impl Iterator<Item = (i64, S)> + '_ {
        let mut at = self.first();
        core::iter::from_fn(move || {
            let (key, slot, next) = self.step(at)?;
            at = next;
            Some((key, slot))
        })
    }

    /// Removes every level; the cost is that of the levels in the window.
    pub fn clear(&mut self) {
        for index in 0..Self::SUMMARIES {
            let mut words = core::mem::take(&mut self.summary[index]);
            while words != 0 {
                let word = (index << 6) | words.trailing_zeros() as usize;
                words &= words - 1;
                self.occupied[word] = 0;
                self.slots[word] = [S::EMPTY; WORD_TICKS];
            }
        }
        self.far.clear();
        (self.best, self.count) = (i64::MIN, 0);
    }

    /// What must hold between operations; for the tests.
    #[cfg(test)]
    pub(crate) fn check(&self) {
        let mut in_window = 0;
        for word in 0..WORDS {
            assert_eq!(self.summary[word >> 6] >> (word & 63) & 1 == 1, self.occupied[word] != 0, "summary of {word}");
            for bit in 0..WORD_TICKS {
                let is = !self.slots[word][bit].is_empty();
                assert_eq!(self.occupied[word] >> bit & 1 == 1, is, "bitmap of {word}/{bit}");
                in_window += is as usize;
            }
        }
        assert_eq!(in_window + self.far.check(self.base << 6), self.count);
        assert!(self.count <= self.levels_max);
        let best_stands = self.in_window(self.best) && !self.window_slot(self.best).is_empty();
        assert!(if self.count == 0 { self.best == i64::MIN } else { best_stands }, "best not in window");
        assert!((WORD_LOW..=WORD_HIGH - WORDS as i64 + 1).contains(&self.base));
    }
}

impl<S: Slot, const WORDS: usize> fmt::Debug for Half<S, WORDS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Half").field("best", &self.best()).field("count", &self.count).finish()
    }
}
