//! # Room card: ring/position
//! In:    a 64-bit position that only its one writer moves, and only forward.
//! Out:   the same position for readers that can load 32 bits at a time.
//! Holds: a value read is one that was stored; never half of one and half of another.
//! Costs: one store except once every 4 GiB, then three; three loads.
//!
//! Three words: low half, high half, guard (a second high half). When the high half changes, the writer stores guard,
//! low, high, each a release after the first; a reader loads high, low, guard, acquiring, and takes the value when high
//! and guard agree. A reader that got a low half of the new era sees the new guard; a reader that got the new high half
//! sees a low half of the new era. So agreement means one era, and within an era the low half alone is the value.
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::words::Words;

/// A reader gives up after this many disagreements; the writer is then between two stores, a few nanoseconds every 4
/// GiB.
const ATTEMPTS: usize = 4;

/// Moves the position at word `at`.
#[inline]
pub(crate) fn store<W: Words>(words: &W, at: usize, from: u64, to: u64) {
    let high = (to >> 32) as u32;
    if (from >> 32) as u32 == high {
        words.store(at, to as u32, Release);
        return;
    }
    words.store(at + 2, high, Relaxed);
    words.store(at, to as u32, Release);
    words.store(at + 1, high, Release);
}

/// Reads the position at word `at`, acquiring what was written before it; `None` when the writer is just moving the
/// high half.
#[inline]
pub(crate) fn load<W: Words>(words: &W, at: usize) -> Option<u64> {
    for _ in 0..ATTEMPTS {
        let high = words.load(at + 1, Acquire);
        let low = words.load(at, Acquire);
        if words.load(at + 2, Relaxed) == high {
            return Some(u64::from(high) << 32 | u64::from(low));
        }
    }
    None
}
