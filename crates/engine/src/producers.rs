//! # Room card: engine/producers
//! In:    numbers of command producers.
//! Out:   which of them are in the set.
//! Holds: a producer's fate touches no other's; a number beyond the bound is in no set.
//! Costs: a load and a shift.
use types::limits::PRODUCERS_MAX;

const WORD: usize = u64::BITS as usize;

/// A set of command producers.
#[derive(Debug)]
pub(crate) struct Producers {
    words: [u64; PRODUCERS_MAX / WORD],
    empty: bool,
}

impl Default for Producers {
    fn default() -> Producers {
        Producers { words: [0; PRODUCERS_MAX / WORD], empty: true }
    }
}

impl Producers {
    pub(crate) fn insert(&mut self, producer: u16) {
        if let Some(word) = self.words.get_mut(producer as usize / WORD) {
            *word |= 1 << (producer as usize % WORD);
            self.empty = false;
        }
    }
    #[inline]
    pub(crate) fn contains(&self, producer: u64) -> bool {
        !self.empty && self.words.get(producer as usize / WORD).is_some_and(|word| word >> (producer % 64) & 1 != 0)
    }
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.empty
    }
}
