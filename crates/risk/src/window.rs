//! # Room card: risk/window
//! In:    moments at which something happened.
//! Out:   whether the last `capacity` of them all lie within a sliding window.
//! Holds: the newest `capacity` moments, exactly; the window at `now` covers (now - width, now].
//! Costs: one load a question; 8 bytes a moment, taken at construction.
use types::{Nanos, UnixNanos};

/// The newest moments, at most `capacity` of them, in a fixed ring.
///
/// A limit of n events per window needs no more than this: one more is too many exactly when n are remembered and the
/// oldest of them is still within the window.
#[derive(Clone, Debug)]
pub struct StampWindow {
    stamps: Box<[UnixNanos]>,
    /// Where the next moment goes; the oldest once the ring is full.
    next: usize,
    length: usize,
}

impl StampWindow {
    /// Room for `capacity` moments; nothing remembered.
    pub fn new(capacity: usize) -> StampWindow {
        StampWindow { stamps: vec![UnixNanos::NONE; capacity].into_boxed_slice(), next: 0, length: 0 }
    }

    /// How many moments it can hold.
    pub fn capacity(&self) -> usize {
        self.stamps.len()
    }

    /// Remembers a moment, forgetting the oldest where there is no room. Nothing is remembered at capacity zero.
    #[inline]
    pub fn push(&mut self, at: UnixNanos) {
        let capacity = self.stamps.len();
        if let Some(slot) = self.stamps.get_mut(self.next) {
            *slot = at;
            self.next = if self.next + 1 == capacity { 0 } else { self.next + 1 };
            self.length = (self.length + 1).min(capacity);
        }
    }

    /// Are `capacity` moments remembered, all within (now - width, now]? True at capacity zero. A moment ahead of `now`
    /// is within.
    #[inline]
    pub fn is_full_within(&self, now: UnixNanos, width: Nanos) -> bool {
        self.length == self.stamps.len() && self.stamps.get(self.next).is_none_or(|&oldest| now.since(oldest) < width)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        (self.next, self.length) = (0, 0);
    }

    /// Another capacity, keeping the newest moments that fit. Allocates; nothing before the old capacity can be known,
    /// so after growing, earlier moments that fell out of the smaller ring are not counted.
    pub fn resize(&mut self, capacity: usize) {
        if capacity == self.stamps.len() {
            return;
        }
        let mut resized = StampWindow::new(capacity);
        for back in (1..=self.length.min(capacity)).rev() {
            let at = (self.next + self.stamps.len() - back) % self.stamps.len();
            resized.push(self.stamps[at]);
        }
        *self = resized;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use types::rng::SplitMix64;

    #[test]
    fn matches_a_list() {
        for seed in 0..300u64 {
            let mut rng = SplitMix64::new(seed);
            let mut window = StampWindow::new(rng.below(6) as usize);
            let (mut list, mut now) = (VecDeque::new(), 1_000u64);
            for _ in 0..400 {
                now += rng.below(30);
                match rng.below(20) {
                    0 => {
                        window.clear();
                        list.clear();
                    }
                    1 => window.resize(rng.below(6) as usize),
                    _ => {
                        window.push(UnixNanos(now));
                        list.push_back(now);
                    }
                }
                while list.len() > window.capacity() {
                    list.pop_front();
                }
                let width = rng.below(120);
                let within = list.iter().filter(|&&at| at + width > now).count();
                let full = within == window.capacity();
                assert_eq!(window.is_full_within(UnixNanos(now), Nanos(width as i64)), full, "seed {seed} {list:?}");
            }
        }
    }
}
