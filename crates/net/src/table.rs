//! # Room card: net/table
//! In:    connections and listeners.
//! Out:   each under its token, found by index.
//! Holds: a fixed number of places; the one free for longest is taken first; a passed token finds nothing.
//! Costs: an index and a comparison a look-up.
use std::collections::VecDeque;

use crate::token::Token;

struct Slot<E> {
    token: Token,
    entry: Option<E>,
}

/// Entries by token.
pub(crate) struct Table<E> {
    slots: Box<[Slot<E>]>,
    free: VecDeque<u16>,
}

impl<E> Table<E> {
    pub(crate) fn new(places: usize) -> Table<E> {
        let slots = (0..places).map(|place| Slot { token: Token::first(place), entry: None }).collect();
        Table { slots, free: (0..places as u16).collect() }
    }

    /// None when every place is taken.
    pub(crate) fn insert(&mut self, entry: impl FnOnce(Token) -> E) -> Option<Token> {
        let slot = &mut self.slots[self.free.pop_front()? as usize];
        slot.entry = Some(entry(slot.token));
        Some(slot.token)
    }

    #[inline]
    pub(crate) fn get(&self, token: Token) -> Option<&E> {
        self.slots.get(token.place()).filter(|slot| slot.token == token)?.entry.as_ref()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, token: Token) -> Option<&mut E> {
        self.slots.get_mut(token.place()).filter(|slot| slot.token == token)?.entry.as_mut()
    }

    pub(crate) fn remove(&mut self, token: Token) -> Option<E> {
        let slot = self.slots.get_mut(token.place()).filter(|slot| slot.token == token)?;
        let entry = slot.entry.take()?;
        slot.token = token.next();
        self.free.push_back(token.place() as u16);
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use types::rng::SplitMix64;

    #[test]
    fn a_token_finds_its_entry_and_nothing_once_removed() {
        let seed = 0x7ab1e;
        let mut random = SplitMix64::new(seed);
        let (mut table, mut model, mut gone) = (Table::new(8), BTreeMap::new(), Vec::new());
        for value in 0..10_000u32 {
            if random.below(2) == 0 {
                match table.insert(|_| value) {
                    Some(token) => assert!(model.insert(token, value).is_none() && !gone.contains(&token)),
                    None => assert_eq!(model.len(), 8, "seed {seed}"),
                }
            } else if let Some(&token) = model.keys().nth(random.next_u64() as usize % 8) {
                assert_eq!(table.remove(token), model.remove(&token));
                assert_eq!(table.remove(token), None);
                gone.push(token);
            }
            assert!(model.iter().all(|(&token, value)| table.get(token) == Some(value)), "seed {seed}");
            assert!(gone.iter().rev().take(20).all(|&token| table.get_mut(token).is_none()), "seed {seed}");
        }
        for none in [Token(0), Token(u32::MAX)] {
            assert!(table.get(none).is_none());
        }
    }
}
