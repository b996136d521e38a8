//! # Room card: book/half
//! In:    new totals of one side's price levels, by key.
//! Out:   the best key, the next worse key, the total at a key.
//! Holds: the best level is always in the window; every far level is worse than every window level; count <= the bound.
//! Costs: near the touch one quantity line and one bitmap line; a far level a binary search; re-centring: see `set`.
//!
//! A key orders prices so that greater is better: the price itself for bids, its bitwise complement for asks (which
//! reverses the order and, unlike negation, cannot overflow). So one half serves both sides without a branch on the
//! side.
//!
//! The window is a ring: word `key >> 6` lives in slot `word % WORDS`. Re-centring therefore moves no quantity that
//! stays inside, only those that leave (pushed onto the far stack) or enter (popped from it). The far stack is sorted
//! ascending, so that its end borders on the window. Since the best is in the window, nothing is ever better than the
//! window. A far level that is removed leaves a gap (its key with total zero), for far levels come back at the same
//! prices: one update in twenty of the recording is far, and moving the rest of the stack would cost more than the
//! other nineteen.
use types::{Level, Lots, Ticks};

/// Price levels of one side, window and far levels together. One more is refused with `BookFull`.
pub const LEVELS_PER_SIDE_MAX: usize = 32_768;

/// Ticks of a word of the occupancy bitmap.
const WORD_TICKS: usize = 64;
/// Bound of `WORDS`, set by the size of the summary bitmap.
const WORDS_MAX: usize = 1_024;
/// How far from its place a new far level looks for a gap before the rest of the stack is moved.
const GAP_REACH: usize = 16;
/// Gaps are closed when there are more than these and than half the stack.
const GAPS_MIN: usize = 64;
/// Lowest and highest word a key can have.
const WORD_LOW: i64 = i64::MIN >> 6;
const WORD_HIGH: i64 = i64::MAX >> 6;

/// Where a key stands while a caller walks a half from best to worst.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cursor {
    /// At this occupied key of the window.
    Window(i64),
    /// At this index of the far stack, counted from its sorted start, plus one; zero is the end.
    Far(usize),
}

/// One side of a ladder. `WORDS` is the window's width in 64-tick words, a power of two.
pub(crate) struct Half<const WORDS: usize> {
    /// First word of the window.
    base: i64,
    /// Best key; `i64::MIN` when there is no level, so that every key but that one is better.
    best: i64,
    /// Levels in window and far stack.
    count: usize,
    far_length: usize,
    /// Entries of the far stack that are gaps.
    far_gaps: usize,
    /// How often the window moved, and how often a level outside it was set.
    pub(crate) recentred: u64,
    pub(crate) far_sets: u64,
    /// One bit per bitmap word that is not zero.
    summary: [u64; WORDS_MAX / 64],
    occupied: Box<[u64; WORDS]>,
    quantities: Box<[[i64; WORD_TICKS]; WORDS]>,
    /// Sorted by key, ascending; `Level::price` holds the key.
    far: Box<[Level]>,
}

fn boxed<T: Copy, const N: usize>(value: T) -> Box<[T; N]> {
    match Box::<[T; N]>::try_from(vec![value; N].into_boxed_slice()) {
        Ok(array) => array,
        Err(_) => unreachable!("the slice was made with N elements"),
    }
}

impl<const WORDS: usize> Half<WORDS> {
    const MASK: usize = WORDS - 1;
    const SUMMARIES: usize = WORDS.div_ceil(64);
    /// Words of the window below the best after re-centring: three quarters, since a book is deep behind its best.
    const TARGET: i64 = (WORDS - WORDS.div_ceil(4)) as i64;
    /// The best may drift within these words of the window before it is re-centred.
    const DRIFT_LOW: i64 = (WORDS / 2) as i64;
    const DRIFT_HIGH: i64 = (WORDS - WORDS / 8) as i64;
    const VALID: () = assert!(WORDS.is_power_of_two() && WORDS <= WORDS_MAX);

    pub(crate) fn new() -> Self {
        let () = Self::VALID;
        Half {
            base: 0,
            best: i64::MIN,
            count: 0,
            far_length: 0,
            far_gaps: 0,
            recentred: 0,
            far_sets: 0,
            summary: [0; WORDS_MAX / 64],
            occupied: boxed(0),
            quantities: boxed([0; WORD_TICKS]),
            far: vec![Level::default(); LEVELS_PER_SIDE_MAX].into_boxed_slice(),
        }
    }

    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The best key.
    #[inline]
    pub(crate) fn best(&self) -> Option<i64> {
        if self.count == 0 { None } else { Some(self.best) }
    }

    /// The best key, or `i64::MIN` when there is no level.
    #[inline]
    pub(crate) fn best_key(&self) -> i64 {
        self.best
    }

    #[inline]
    fn slot(key: i64) -> (usize, usize) {
        ((key >> 6) as usize & Self::MASK, key as usize & 63)
    }

    #[inline]
    fn in_window(&self, key: i64) -> bool {
        ((key >> 6).wrapping_sub(self.base) as u64) < WORDS as u64
    }

    /// Total at a key of the window.
    #[inline]
    pub(crate) fn window_quantity(&self, key: i64) -> i64 {
        let (word, bit) = Self::slot(key);
        self.quantities[word][bit]
    }

    /// Total at any key; zero when there is no level.
    #[inline]
    pub(crate) fn quantity_at(&self, key: i64) -> i64 {
        if self.in_window(key) {
            return self.window_quantity(key);
        }
        match self.far_search(key) {
            Ok(index) => self.far[index].quantity.0,
            Err(_) => 0,
        }
    }

    /// Sets the total at a key (not negative; zero removes) and returns the total before; `None`, and nothing changed,
    /// when a new level finds the side full. (An `Option` comes back in registers, a `Result` with a code through
    /// memory.)
    ///
    /// The idea: whether a level comes, stays or goes is a coin toss (37 % of the recorded updates add or remove one),
    /// so the bitmaps and the count are written without a branch; the branches left are predictable: outside the
    /// window, side full, best changed. The window moves only when the best has drifted. Bound: re-centring moves each
    /// level at most once between window and far stack, at most `LEVELS_PER_SIDE_MAX` in all.
    #[inline]
    pub(crate) fn set(&mut self, key: i64, quantity: i64) -> Option<i64> {
        debug_assert!(quantity >= 0);
        if !self.in_window(key) {
            return self.set_outside(key, quantity);
        }
        let (word, bit) = Self::slot(key);
        let before = self.quantities[word][bit];
        if self.count == LEVELS_PER_SIDE_MAX && before == 0 && quantity != 0 {
            return None;
        }
        self.quantities[word][bit] = quantity;
        self.put_bit(word, bit, quantity != 0);
        self.count = self.count + (quantity != 0) as usize - (before != 0) as usize;
        // One branch, seldom taken, for "beats the best" and "removes the best": an update of the best is the
        // commonest of all.
        if (key > self.best) & (quantity != 0) | (key == self.best) & (quantity == 0) {
            self.best_set(key, before, quantity);
        }
        Some(before)
    }

    /// After a key better than the best was set, or the best itself (or nothing, at the sentinel `i64::MIN`) was
    /// removed.
    #[inline(never)]
    fn best_set(&mut self, key: i64, before: i64, quantity: i64) {
        if quantity != 0 {
            self.best = key;
            self.follow_best();
        } else if before != 0 {
            self.best_removed(key);
        }
    }

    #[cold]
    #[inline(never)]
    fn set_outside(&mut self, key: i64, quantity: i64) -> Option<i64> {
        if self.count == 0 || key > self.best {
            if quantity == 0 {
                return Some(0);
            }
            if self.count == LEVELS_PER_SIDE_MAX {
                return None;
            }
            self.best = key;
            self.recentre();
            self.window_insert(key, quantity);
            self.count += 1;
            return Some(0);
        }
        self.far_sets += 1;
        let found = self.far_search(key);
        let before = found.map_or(0, |index| self.far[index].quantity.0);
        if before == 0 && quantity != 0 && self.count == LEVELS_PER_SIDE_MAX {
            return None;
        }
        self.count = self.count + (quantity != 0) as usize - (before != 0) as usize;
        match found {
            Ok(index) => {
                self.far[index].quantity = Lots(quantity);
                self.far_gaps = self.far_gaps + (quantity == 0) as usize - (before == 0) as usize;
                if self.far_gaps > GAPS_MIN.max(self.far_length / 2) {
                    self.close_gaps();
                }
            }
            Err(_) if quantity == 0 => {}
            Err(index) => self.far_insert(index, Level { price: Ticks(key), quantity: Lots(quantity) }),
        }
        Some(before)
    }

    /// Puts a level into the far stack where it belongs: what stands between there and a gap close by moves by one, or
    /// else the rest of the stack.
    fn far_insert(&mut self, index: usize, level: Level) {
        let is_gap = |level: &Level| level.quantity.0 == 0;
        let (low, high) = (index.saturating_sub(GAP_REACH), (index + GAP_REACH).min(self.far_length));
        if let Some(steps) = self.far[index..high].iter().position(is_gap) {
            self.far.copy_within(index..index + steps, index + 1);
            self.far[index] = level;
            self.far_gaps -= 1;
        } else if let Some(steps) = self.far[low..index].iter().rev().position(is_gap) {
            self.far.copy_within(index - steps..index, index - steps - 1);
            self.far[index - 1] = level;
            self.far_gaps -= 1;
        } else if self.far_length < LEVELS_PER_SIDE_MAX {
            self.far.copy_within(index..self.far_length, index + 1);
            self.far[index] = level;
            self.far_length += 1;
        } else {
            // The side has room for a level, so the stack has a gap.
            self.close_gaps();
            let index = self.far[..self.far_length].partition_point(|other| other.price < level.price);
            self.far.copy_within(index..self.far_length, index + 1);
            self.far[index] = level;
            self.far_length += 1;
        }
    }

    /// Takes the gaps out of the far stack. At most one pass for each `GAPS_MIN` levels removed.
    #[cold]
    fn close_gaps(&mut self) {
        let mut kept = 0;
        for index in 0..self.far_length {
            let level = self.far[index];
            self.far[kept] = level;
            kept += (level.quantity.0 != 0) as usize;
        }
        (self.far_length, self.far_gaps) = (kept, 0);
    }

    /// The best level of the far stack, once gaps at its end are gone.
    fn far_last(&mut self) -> Option<Level> {
        while self.far_length > 0 {
            let level = self.far[self.far_length - 1];
            if level.quantity.0 != 0 {
                return Some(level);
            }
            self.far_length -= 1;
            self.far_gaps -= 1;
        }
        None
    }

    /// Finds the best after the level at `key`, the best until now, was removed from the window.
    #[inline]
    fn best_removed(&mut self, key: i64) {
        if let Some(next) = self.window_below(key) {
            self.best = next;
            self.follow_best();
        } else if let Some(level) = self.far_last() {
            self.best = level.price.0;
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
            while let Some(level) = self.far_last().filter(|level| self.in_window(level.price.0)) {
                self.far_length -= 1;
                self.window_insert(level.price.0, level.quantity.0);
            }
        }
    }

    /// Moves the levels of one window word onto the far stack.
    fn evict(&mut self, word: i64) {
        let slot = word as usize & Self::MASK;
        let mut bits = core::mem::take(&mut self.occupied[slot]);
        if bits == 0 {
            return;
        }
        self.summary[slot >> 6] &= !(1 << (slot & 63));
        while bits != 0 {
            let bit = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            let quantity = core::mem::take(&mut self.quantities[slot][bit]);
            if self.far_length == LEVELS_PER_SIDE_MAX {
                // The level at hand is one of the side's, so the stack has a gap.
                self.close_gaps();
            }
            self.far[self.far_length] = Level { price: Ticks((word << 6) | bit as i64), quantity: Lots(quantity) };
            self.far_length += 1;
        }
    }

    #[inline]
    fn window_insert(&mut self, key: i64, quantity: i64) {
        let (word, bit) = Self::slot(key);
        self.quantities[word][bit] = quantity;
        self.put_bit(word, bit, true);
    }

    #[inline]
    fn put_bit(&mut self, word: usize, bit: usize, present: bool) {
        let before = self.occupied[word];
        let bits = before & !(1 << bit) | (present as u64) << bit;
        self.occupied[word] = bits;
        // Near the touch a word is seldom empty.
        if (before == 0) != (bits == 0) {
            self.summary[(word >> 6) & (WORDS_MAX / 64 - 1)] ^= 1 << (word & 63);
        }
    }

    /// The best occupied key of the window worse than `key`, itself a key of the window.
    #[inline]
    fn window_below(&self, key: i64) -> Option<i64> {
        let (slot, bit) = Self::slot(key);
        let bits = self.occupied[slot] & ((1 << bit) - 1);
        if bits != 0 {
            return Some((key & !63) | (63 - bits.leading_zeros() as i64));
        }
        let found = self.slot_below(slot)?;
        // The ring is searched all round: what lies beyond the window's base is better than `key`, or `key`'s own word.
        let distance = slot.wrapping_sub(found) & Self::MASK;
        let word = (key >> 6).checked_sub(distance as i64).filter(|&word| distance > 0 && word >= self.base)?;
        Some((word << 6) | (63 - self.occupied[found].leading_zeros() as i64))
    }

    /// The nearest slot below `slot`, going round, whose word is not empty; possibly `slot` itself, last.
    #[inline]
    fn slot_below(&self, slot: usize) -> Option<usize> {
        let (at, bit) = (slot >> 6, slot & 63);
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

    /// Index of a key in the far stack, or where it would stand.
    fn far_search(&self, key: i64) -> Result<usize, usize> {
        self.far[..self.far_length].binary_search_by(|level| level.price.0.cmp(&key))
    }

    /// Where the walk from best to worst starts.
    #[inline]
    pub(crate) fn first(&self) -> Cursor {
        if self.count == 0 { Cursor::Far(0) } else { Cursor::Window(self.best) }
    }

    /// The level at a cursor, as (key, total), and the cursor after it.
    #[inline]
    pub(crate) fn walk(&self, at: Cursor) -> Option<(i64, i64, Cursor)> {
        match at {
            Cursor::Window(key) => {
                let next = self.window_below(key).map_or(Cursor::Far(self.far_length), Cursor::Window);
                Some((key, self.window_quantity(key), next))
            }
            Cursor::Far(mut rank) => {
                // Bound: gaps are at most half the stack, or few.
                while rank > 0 {
                    rank -= 1;
                    let level = self.far.get(rank)?;
                    if level.quantity.0 != 0 {
                        return Some((level.price.0, level.quantity.0, Cursor::Far(rank)));
                    }
                }
                None
            }
        }
    }

    /// Removes every level; the cost is that of the levels in the window.
    pub(crate) fn clear(&mut self) {
        for index in 0..Self::SUMMARIES {
            let mut slots = core::mem::take(&mut self.summary[index]);
            while slots != 0 {
                let slot = (index << 6) | slots.trailing_zeros() as usize;
                slots &= slots - 1;
                self.occupied[slot] = 0;
                self.quantities[slot] = [0; WORD_TICKS];
            }
        }
        (self.best, self.count, self.far_length, self.far_gaps) = (i64::MIN, 0, 0, 0);
    }

    /// What must hold between operations; for the tests.
    #[cfg(test)]
    pub(crate) fn check(&self) {
        let mut in_window = 0;
        for slot in 0..WORDS {
            assert_eq!(self.summary[slot >> 6] >> (slot & 63) & 1 == 1, self.occupied[slot] != 0, "summary of {slot}");
            for bit in 0..WORD_TICKS {
                let quantity = self.quantities[slot][bit];
                assert_eq!(self.occupied[slot] >> bit & 1 == 1, quantity > 0, "bitmap of {slot}/{bit}");
                in_window += (quantity > 0) as usize;
            }
        }
        let far = &self.far[..self.far_length];
        let gaps = far.iter().filter(|level| level.quantity.0 == 0).count();
        assert_eq!((in_window + far.len() - gaps, gaps), (self.count, self.far_gaps));
        assert!(gaps <= GAPS_MIN.max(far.len() / 2 + 1), "{gaps} gaps among {}", far.len());
        assert!(far.windows(2).all(|pair| pair[0].price < pair[1].price), "far stack unsorted");
        assert!(far.iter().all(|level| level.price.0 >> 6 < self.base && level.quantity.0 >= 0), "far level in window");
        assert!(
            self.count == 0 || self.in_window(self.best) && self.window_quantity(self.best) > 0,
            "best not in window"
        );
        assert!((WORD_LOW..=WORD_HIGH - WORDS as i64 + 1).contains(&self.base));
    }
}
