//! # Room card: ring/registers
//! In:    the newest state of each of a fixed number of things, 120 bytes at most.
//! Out:   the same state, whole, to any number of readers at any time; reading consumes nothing.
//! Holds: a state read is one that was written, never parts of two; the writer never waits or looks at a reader.
//! Costs: a write is one store per 4 bytes and two for the version; a read copies and looks at the version twice.
//!
//! One register is 128 bytes: a version, 4 bytes of zeros, the state. The writer makes the version odd, then (release
//! fence) stores the state, then makes the version even (release). A reader loads the version (acquire), copies, then
//! (acquire fence) loads the version again: unchanged and even means that the copy is whole. This is a seqlock; all
//! words are atomics, so the race is defined.
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use zerocopy::IntoBytes;

use crate::error::RegionError;
use crate::layout::{self, Kind, WORD_DATA};
use crate::region::Region;
use crate::words::Words;

/// Bytes of a register, version included.
pub const REGISTER_BYTES: usize = 128;
/// Bytes of the state in a register.
pub const STATE_BYTES: usize = REGISTER_BYTES - 8;
const REGISTER_WORDS: usize = REGISTER_BYTES / 4;
/// A reader gives up after this many looks at a register that is being written; asking again is the caller's.
const ATTEMPTS: usize = 4;

/// Capacity in bytes of a region for this many registers.
pub const fn capacity_bytes(registers: usize) -> usize {
    if registers == 0 { REGISTER_BYTES } else { registers.next_power_of_two() * REGISTER_BYTES }
}

/// The one writer of a region of registers.
#[derive(Debug)]
pub struct RegistersWriter<W: Words = Region> {
    words: W,
    versions: Box<[u32]>,
}

impl<W: Words> RegistersWriter<W> {
    /// Makes the region registers of zeros. Allocates. Cold path.
    pub fn create(words: W) -> Result<Self, RegionError> {
        let shape = layout::format(&words, Kind::Registers, 0)?;
        for word in WORD_DATA..WORD_DATA + shape.capacity as usize / 4 {
            words.store(word, 0, Relaxed);
        }
        let versions = vec![0; shape.capacity as usize / REGISTER_BYTES].into_boxed_slice();
        Ok(RegistersWriter { words, versions })
    }
    /// How many there are.
    pub fn count(&self) -> usize {
        self.versions.len()
    }
    /// Writes the state of a register. Ignored: a register there is not. What is beyond `STATE_BYTES` is cut off.
    #[inline]
    pub fn write(&mut self, register: usize, state: &[u8]) {
        let Some(version) = self.versions.get_mut(register) else { return };
        let word = WORD_DATA + register * REGISTER_WORDS;
        self.words.store(word, version.wrapping_add(1), Relaxed);
        W::fence(Release);
        self.words.write(word + 2, state.get(..STATE_BYTES).unwrap_or(state));
        *version = version.wrapping_add(2);
        self.words.store(word, *version, Release);
    }
}

/// A reader of a region of registers. Any number may read one region.
#[derive(Debug)]
pub struct RegistersReader<W: Words = Region> {
    words: W,
    count: usize,
}

impl<W: Words> RegistersReader<W> {
    /// Attaches.
    pub fn attach(words: W) -> Result<Self, RegionError> {
        let shape = layout::attach(&words, Kind::Registers)?;
        Ok(RegistersReader { words, count: shape.capacity as usize / REGISTER_BYTES })
    }
    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }
    /// Copies the state of a register out. `false`: there is no such register, or it changed at every look; `state`
    /// holds nothing of use then.
    #[inline]
    pub fn read(&self, register: usize, state: &mut [u8; STATE_BYTES]) -> bool {
        if register >= self.count {
            return false;
        }
        let word = WORD_DATA + register * REGISTER_WORDS;
        let mut copy = [0u64; STATE_BYTES / 8];
        for _ in 0..ATTEMPTS {
            let version = self.words.load(word, Acquire);
            if version & 1 != 0 {
                continue;
            }
            self.words.read(word + 2, &mut copy);
            W::fence(Acquire);
            if self.words.load(word, Relaxed) == version {
                state.copy_from_slice(copy.as_bytes());
                return true;
            }
        }
        false
    }
}
