//! # Room card: bench/core_watch
//! In:    looks taken before and after what is timed: a few microseconds of independent whole-number work.
//! Out:   whether the core did as much of it as it ever does; blocks measured until enough of them were undisturbed.
//! Holds: a block is set aside for what its neighbours saw, never for its own time; how many were is told.
//! Costs: about 4 µs a look.
//!
//! A core of a rented machine is often half of one: while its other half works, code that fills the core takes up to
//! twice as long, without any load that this system could see.
use std::hint::black_box;

use crate::timing::{median, timed};

/// Rounds of the work of a look.
const ROUNDS: u64 = 1_000;
/// Looks at the start, which find what the core can do.
const FIRST_LOOKS: usize = 4_000;
/// A look within this many percent of the fastest one: the core was ours.
const WITHIN_PERCENT: u64 = 108;
/// Blocks measured for one that is wanted, at most.
const BLOCKS_MAX: usize = 12;
/// Fewer undisturbed blocks than this part of those wanted: the machine was loaded.
const WANTED_PART: usize = 4;

/// Looks at how much of a core is ours.
pub struct CoreWatch {
    least: u64,
}

/// Times of blocks, nanoseconds.
#[derive(Default)]
pub struct Blocks {
    undisturbed: Vec<f64>,
    all: Vec<f64>,
}

impl CoreWatch {
    /// Finds what the core can do: some milliseconds.
    pub fn new() -> CoreWatch {
        CoreWatch { least: (0..FIRST_LOOKS).map(|_| look()).min().unwrap_or(u64::MAX) }
    }

    /// Was the core ours right now?
    pub fn is_ours(&mut self) -> bool {
        let spent = look();
        self.least = self.least.min(spent);
        spent * 100 <= self.least * WITHIN_PERCENT
    }
}

impl Blocks {
    /// A block's time, and whether the core was ours on both sides of it.
    pub fn add(&mut self, nanos: f64, undisturbed: bool) {
        self.all.push(nanos);
        if undisturbed {
            self.undisturbed.push(nanos);
        }
    }

    /// Are there `wanted` undisturbed ones, or is it time to give up?
    pub fn are_enough(&self, wanted: usize) -> bool {
        self.undisturbed.len() >= wanted || self.all.len() >= wanted * BLOCKS_MAX
    }

    /// Were there so few undisturbed ones that the figure is one of a loaded machine?
    pub fn is_loaded(&self, wanted: usize) -> bool {
        self.undisturbed.len() * WANTED_PART < wanted
    }

    /// The median of the undisturbed blocks; of all where the machine was loaded.
    pub fn median(&self, wanted: usize) -> f64 {
        median(if self.is_loaded(wanted) { self.all.clone() } else { self.undisturbed.clone() })
    }

    /// What the figure stands on, for the row.
    pub fn said(&self) -> String {
        let least = self.all.iter().copied().fold(f64::INFINITY, f64::min);
        let (undisturbed, all) = (self.undisturbed.len(), self.all.len());
        format!(
            "p50 of {undisturbed} undisturbed of {all} blocks; least {least:.2}, of all {:.2}",
            median(self.all.clone())
        )
    }
}

/// Nanoseconds of a look: six chains of turns and sums that need nothing of each other, so that they fill the core.
fn look() -> u64 {
    let ((), nanos) = timed(|| {
        let [mut a, mut b, mut c, mut d, mut e, mut f] = black_box([1u64, 2, 3, 4, 5, 6]);
        for _ in 0..black_box(ROUNDS) {
            (a, b, c, d, e, f) = (mixed(a), mixed(b), mixed(c), mixed(d), mixed(e), mixed(f));
        }
        black_box(a ^ b ^ c ^ d ^ e ^ f);
    });
    nanos
}

#[inline(always)]
fn mixed(word: u64) -> u64 {
    let word = word.rotate_left(7).wrapping_add(0x9e37).rotate_left(9) ^ 0x51;
    word.rotate_left(5).wrapping_add(0x0123_4567).rotate_left(23) ^ 0x77
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disturbed_blocks_are_set_aside_unless_nearly_all_are() {
        let mut blocks = Blocks::default();
        for block in 0..100 {
            blocks.add(if block % 2 == 0 { 10.0 } else { 30.0 }, block % 2 == 0);
        }
        assert!(blocks.are_enough(50) && !blocks.are_enough(51) && !blocks.is_loaded(200) && blocks.is_loaded(201));
        assert_eq!((blocks.median(100), blocks.median(201)), (10.0, 30.0));
        let mut never = Blocks::default();
        for _ in 0..BLOCKS_MAX * 5 {
            never.add(7.0, false);
        }
        assert!(never.are_enough(5) && never.is_loaded(5) && never.median(5) == 7.0);
        assert!(never.said().starts_with("p50 of 0 undisturbed of 60 blocks"), "{}", never.said());
    }

    #[test]
    fn a_slower_look_is_told_from_the_fastest() {
        let mut watch = CoreWatch::new();
        assert!(watch.least > 0 && watch.least < u64::MAX);
        watch.least = 1;
        assert!(!watch.is_ours());
        watch.least = u64::MAX / 1_000;
        assert!(watch.is_ours() && watch.least < u64::MAX / 1_000);
    }
}
