//! # Room card: wire/fix/session/seen
//! In:    ClOrdIDs as they come.
//! Out:   whether one has come before.
//! Holds: at least the last half of the bound and at most the bound; exact comparison, no false positive; no iteration,
//!        so nothing depends on the order of hashes.
//! Costs: one hash and one comparison an order; no allocation once both generations have grown.

/// ClOrdIDs of a connection, in two generations: when the younger is full the older is forgotten.
#[derive(Debug)]
pub(super) struct Seen {
    young: Generation,
    old: Generation,
    /// Of one generation; 0 remembers nothing.
    most: usize,
}

/// Ids in one stretch of bytes, found by an open table.
#[derive(Debug, Default)]
struct Generation {
    /// Place of an id in `ids` plus one, by hash; a power of two of slots, at most half full.
    table: Vec<u32>,
    /// Where the id begins and how long it is.
    ids: Vec<(u32, u32)>,
    bytes: Vec<u8>,
}

/// Slots of the first table.
const SLOTS_FIRST: usize = 64;
/// Longer ids are not remembered: no venue takes them.
const ID_BYTES_MAX: usize = 1_024;

/// FNV-1a, 64 bits.
fn hash(id: &[u8]) -> u64 {
    id.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ byte as u64).wrapping_mul(0x0100_0000_01b3))
}

impl Generation {
    fn slot(&self, id: &[u8]) -> usize {
        let mask = self.table.len() - 1;
        let mut at = (hash(id) >> 20) as usize & mask;
        // Bound: the table is at most half full.
        while let Some(place) = self.table[at].checked_sub(1) {
            let (start, length) = self.ids[place as usize];
            if &self.bytes[start as usize..start as usize + length as usize] == id {
                break;
            }
            at = (at + 1) & mask;
        }
        at
    }
    fn has(&self, id: &[u8]) -> bool {
        !self.table.is_empty() && self.table[self.slot(id)] != 0
    }
    fn add(&mut self, id: &[u8]) {
        if (self.ids.len() + 1) * 2 > self.table.len() {
            self.grow();
        }
        let slot = self.slot(id);
        self.ids.push((self.bytes.len() as u32, id.len() as u32));
        self.bytes.extend_from_slice(id);
        self.table[slot] = self.ids.len() as u32;
    }
    #[cold]
    fn grow(&mut self) {
        let slots = (self.table.len() * 2).max(SLOTS_FIRST);
        self.table.clear();
        self.table.resize(slots, 0);
        for place in 0..self.ids.len() {
            let (start, length) = self.ids[place];
            let (mask, id) = (slots - 1, &self.bytes[start as usize..start as usize + length as usize]);
            let mut at = (hash(id) >> 20) as usize & mask;
            while self.table[at] != 0 {
                at = (at + 1) & mask;
            }
            self.table[at] = place as u32 + 1;
        }
    }
    fn clear(&mut self) {
        self.table.fill(0);
        self.ids.clear();
        self.bytes.clear();
    }
}

impl Seen {
    /// Remembers at most `most` ids.
    pub(super) fn new(most: usize) -> Seen {
        // Places and bytes are counted in 32 bits.
        let most = most.min(u32::MAX as usize / ID_BYTES_MAX).div_ceil(2);
        Seen { young: Generation::default(), old: Generation::default(), most }
    }

    /// Are ids remembered at all?
    pub(super) const fn is_on(&self) -> bool {
        self.most > 0
    }

    /// Has this id come before? It has now.
    pub(super) fn add(&mut self, id: &[u8]) -> bool {
        if self.most == 0 || id.len() > ID_BYTES_MAX {
            return false;
        }
        if self.young.has(id) {
            return true;
        }
        let known = self.old.has(id);
        if self.young.ids.len() == self.most {
            core::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.add(id);
        known
    }

    pub(super) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use types::rng::SplitMix64;

    #[test]
    fn ids_agree_with_a_list() {
        let (seed, mut rng) = (11, SplitMix64::new(11));
        let most = 40;
        let (mut seen, mut list) = (Seen::new(most), VecDeque::<String>::new());
        for step in 0..200_000 {
            let id = format!("{:x}", rng.below(400) * 0x1234_5678);
            let known = seen.add(id.as_bytes());
            let place = list.iter().position(|other| *other == id);
            // The last half of the bound for certain, nothing beyond it: an id that is known is not always young again.
            if place.is_some_and(|place| list.len() - place <= most / 2) {
                assert!(known, "seed {seed} step {step}: {id}");
            }
            assert!(!known || place.is_some(), "seed {seed} step {step}: {id}");
            if let Some(place) = place {
                list.remove(place);
            }
            list.push_back(id);
            if rng.below(5_000) == 0 {
                seen.clear();
                list.clear();
            }
        }
        assert!(seen.young.ids.len() + seen.old.ids.len() <= most);
        let mut none = Seen::new(0);
        assert!(!none.is_on() && !none.add(b"1") && !none.add(b"1"));
        let mut long = Seen::new(9);
        assert!(!long.add(&[b'1'; 1_025]) && !long.add(&[b'1'; 1_025]));
        assert!(!long.add(&[b'1'; 1_024]) && long.add(&[b'1'; 1_024]));
    }
}
