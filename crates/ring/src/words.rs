//! # Room card: ring/words
//! In:    word numbers within a region.
//! Out:   `Words`: 32-bit atomic words, the only way the rings touch memory.
//! Holds: a word outside the region reads as zero and ignores stores, so a wrong number is never undefined behaviour.
//! Costs: one bounds check per word of the control block, one per record of the ring itself.
//!
//! The trait exists so that the algorithms run unchanged over loom's atomics (tests/loom.rs).
use core::sync::atomic::Ordering;

/// A fixed number of shared 32-bit atomic words.
pub trait Words {
    /// How many.
    fn words(&self) -> usize;
    /// Loads one.
    fn load(&self, word: usize, order: Ordering) -> u32;
    /// Stores one.
    fn store(&self, word: usize, value: u32, order: Ordering);
    /// A fence of the same memory.
    fn fence(order: Ordering);

    /// Relaxed loads of `2 * into.len()` words from `word` on, two to a `u64`.
    #[inline]
    fn read(&self, word: usize, into: &mut [u64]) {
        for (i, pair) in into.iter_mut().enumerate() {
            let low = self.load(word + 2 * i, Ordering::Relaxed);
            let high = self.load(word + 2 * i + 1, Ordering::Relaxed);
            *pair = u64::from(high) << 32 | u64::from(low);
        }
    }
    /// Relaxed stores of `bytes` from `word` on; the last word is filled up with zeros.
    #[inline]
    fn write(&self, word: usize, bytes: &[u8]) {
        let (whole, rest) = bytes.as_chunks::<4>();
        for (i, chunk) in whole.iter().enumerate() {
            self.store(word + i, u32::from_le_bytes(*chunk), Ordering::Relaxed);
        }
        if !rest.is_empty() {
            self.store(word + whole.len(), last_word(rest), Ordering::Relaxed);
        }
    }
}

/// Up to four bytes as a word, filled up with zeros.
#[inline]
pub(crate) fn last_word(rest: &[u8]) -> u32 {
    rest.iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte))
}
