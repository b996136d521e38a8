//! # Room card: ring/region
//! In:    memory of TypeScript (a view of a `SharedArrayBuffer`) or of the heap.
//! Out:   `Region`: the same words for every clone, usable from any thread.
//! Holds: aligned, in bounds; Rust touches the memory through `AtomicU32` only, so a racing store is never undefined.
//! Costs: a pointer and a length; a clone counts a reference where the memory is ours.
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering, fence};
use std::sync::Arc;

use crate::error::RegionError;
use crate::layout::{self, CONTROL_BYTES};
use crate::words::{Words, last_word};

/// Alignment a region needs. Rings are fastest when it starts on a multiple of 128.
pub const ALIGN_BYTES: usize = 8;

/// Two cache lines, what the processor's prefetcher moves at once.
#[repr(align(128))]
struct Lines {
    _words: [AtomicU32; 32],
}

/// Shared memory of one ring.
#[derive(Clone)]
pub struct Region {
    start: NonNull<AtomicU32>,
    words: usize,
    /// Keeps memory of our own heap alive; `None` when somebody else owns it.
    _owner: Option<Arc<[Lines]>>,
}

// SAFETY: a `Region` gives out `&AtomicU32` only, which may be shared between and sent to threads; the memory
// outlives it (`Arc`, or the promise made to `from_raw`).
unsafe impl Send for Region {}
// SAFETY: as above; no method needs exclusive access.
unsafe impl Sync for Region {}

impl core::fmt::Debug for Region {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Region").field("bytes", &(self.words * 4)).finish_non_exhaustive()
    }
}

impl Region {
    /// Zeroed memory of our own for a ring of `capacity_bytes` (a power of two within `layout`'s bounds). Cold path.
    pub fn heap(capacity_bytes: usize) -> Result<Region, RegionError> {
        layout::capacity_of(layout::region_bytes(capacity_bytes))?;
        let words = layout::region_bytes(capacity_bytes) / 4;
        let lines: Arc<[Lines]> =
            (0..words.div_ceil(32)).map(|_| Lines { _words: [const { AtomicU32::new(0) }; 32] }).collect();
        // `Lines` is 32 words without padding (asserted below), so the slice is one run of words.
        Ok(Region { start: NonNull::from(&*lines).cast(), words, _owner: Some(lines) })
    }

    /// Memory somebody else owns, such as a view of a `SharedArrayBuffer`. Checks address and size, not contents.
    ///
    /// # Errors
    /// `Misaligned` when the address is null or not a multiple of 8, `Size` when `bytes` is no control block plus
    /// capacity.
    ///
    /// # Safety
    /// From now until this `Region` and every clone of it is dropped:
    /// - `start .. start + bytes` stays allocated, readable and writable, and does not move;
    /// - nothing in this process makes a Rust reference into it or accesses it other than by atomic operations or from
    ///   JavaScript.
    pub unsafe fn from_raw(start: *mut u8, bytes: usize) -> Result<Region, RegionError> {
        let misaligned =
            RegionError::Misaligned { remainder_bytes: start.addr() % ALIGN_BYTES, required_bytes: ALIGN_BYTES };
        let start = NonNull::new(start).ok_or(misaligned)?;
        if start.addr().get() % ALIGN_BYTES != 0 {
            return Err(misaligned);
        }
        layout::capacity_of(bytes)?;
        Ok(Region { start: start.cast(), words: bytes / 4, _owner: None })
    }

    #[inline]
    fn slice(&self) -> &[AtomicU32] {
        // SAFETY: `start` is non-null, aligned to 8 or more and valid for `words` words while `self` lives: by the
        // `Arc` (`heap`) or by the caller's promise (`from_raw`). Stores by others are allowed: the words are atomics.
        unsafe { core::slice::from_raw_parts(self.start.as_ptr(), self.words) }
    }

    /// A copy of all bytes, for tests and post-mortems; not one moment's state while a writer writes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.slice().iter().flat_map(|word| word.load(Ordering::Relaxed).to_le_bytes()).collect()
    }
    /// Stores bytes over the region from its start, for tests and restored images; what does not fit is ignored.
    pub fn fill_from(&self, bytes: &[u8]) {
        self.write(0, &bytes[..bytes.len().min(self.words * 4)]);
    }
}

impl Words for Region {
    #[inline]
    fn words(&self) -> usize {
        self.words
    }
    #[inline]
    fn load(&self, word: usize, order: Ordering) -> u32 {
        self.slice().get(word).map_or(0, |w| w.load(order))
    }
    #[inline]
    fn store(&self, word: usize, value: u32, order: Ordering) {
        if let Some(w) = self.slice().get(word) {
            w.store(value, order);
        }
    }
    #[inline]
    fn fence(order: Ordering) {
        fence(order);
    }
    #[inline]
    fn read(&self, word: usize, into: &mut [u64]) {
        let Some(words) = self.slice().get(word..word + 2 * into.len()) else {
            into.fill(0);
            return;
        };
        for (pair, [low, high]) in into.iter_mut().zip(words.as_chunks::<2>().0) {
            *pair = u64::from(high.load(Ordering::Relaxed)) << 32 | u64::from(low.load(Ordering::Relaxed));
        }
    }
    #[inline]
    fn write(&self, word: usize, bytes: &[u8]) {
        let Some(words) = self.slice().get(word..word + bytes.len().div_ceil(4)) else { return };
        let (whole, rest) = bytes.as_chunks::<4>();
        for (word, chunk) in words.iter().zip(whole) {
            word.store(u32::from_le_bytes(*chunk), Ordering::Relaxed);
        }
        if let (false, Some(word)) = (rest.is_empty(), words.last()) {
            word.store(last_word(rest), Ordering::Relaxed);
        }
    }
}

const _: () = assert!(size_of::<Lines>() == 32 * 4 && align_of::<Lines>() == 128);
const _: () = assert!(CONTROL_BYTES.is_multiple_of(128));
