//! # Room card: ring/doorbell
//! In:    a reader about to sleep, a writer that has just published.
//! Out:   whether to sleep, whether to ring.
//! Holds: no lost wake-up: when a reader sleeps on an empty ring, the next publish rings;
//!        one ring for any number of sleepers.
//! Costs: one full fence per `should_ring` (once per batch, not per record), one load.
//!
//! Native code cannot wake `Atomics.wait`, so the writer's owner calls back into JavaScript once (a coalesced
//! thread-safe function), and only when a reader has said that it sleeps. The two sides are Dekker's: the reader stores
//! *sleeps*, then looks at the tail; the writer stores the tail, then looks at *sleeps*; a full fence between, so that
//! at least one sees the other. Only the writer clears *sleeps*: a reader that changed its mind must not silence
//! another reader's wish, and costs one needless ring instead.
//!
//! Readers on threads without an event loop wait on the word *bell*: they load it first, then announce their sleep, and
//! wait only while it is unchanged; whoever receives the callback adds one and notifies.
use core::sync::atomic::Ordering::{Relaxed, SeqCst};

use crate::layout::{WORD_BELL, WORD_SLEEPS};
use crate::words::Words;

/// Writer, after publishing: must the doorbell be rung? Clears the wish, so the answer is yes once per sleep.
#[inline]
pub(crate) fn should_ring<W: Words>(words: &W) -> bool {
    W::fence(SeqCst);
    if words.load(WORD_SLEEPS, Relaxed) == 0 {
        return false;
    }
    words.store(WORD_SLEEPS, 0, Relaxed);
    true
}

/// Reader: I am about to sleep. It must look at the tail once more after this.
#[inline]
pub(crate) fn announce_sleep<W: Words>(words: &W) {
    words.store(WORD_SLEEPS, 1, Relaxed);
    W::fence(SeqCst);
}

/// The count of doorbells passed on so far; see the module's text.
pub fn bell<W: Words>(words: &W) -> u32 {
    words.load(WORD_BELL, SeqCst)
}
