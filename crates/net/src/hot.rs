//! # Room card: net/hot
//! In:    which connection's read brought bytes, when the transport was asked.
//! Out:   the few connections to read from directly, and when to ask the transport nevertheless.
//! Holds: at most `HOT_MAX` connections; at most `LOOK_EVERY` polls go by without a look at all sockets.
//! Costs: a few comparisons a poll; no allocation.
//!
//! A spinning loop that asks epoll pays two system calls for a message (`epoll_wait`, `recv`) and stands between them
//! when the next one comes. Who trades has one or two connections that matter: reading them without asking answers
//! "anything there?" and fetches it in the same call. It is worth it only while such reads cover whoever is active. So
//! a connection becomes hot when it brings bytes; a fifth active one shows that four reads a round do not cover it, and
//! the list is given up for `CALM_LOOKS` looks; one that is silent for `IDLE_ROUNDS` rounds is dropped, so that dead
//! weight does not delay the others. Everything else (new connections, writability, quiet sockets, another thread's
//! bell) is seen at the looks in between: they cost one call in `LOOK_EVERY` rounds, and a round that brought bytes
//! counts as `BUSY_ROUND`, because it lasted longer.
use crate::token::Token;

/// Connections read directly.
pub(crate) const HOT_MAX: usize = 4;
/// Rounds of direct reads between two looks at all sockets.
pub(crate) const LOOK_EVERY: u32 = 16;
/// A round that brought bytes counts as this many.
const BUSY_ROUND: u32 = 4;
/// Rounds without a byte after which a connection is no longer hot (some tens of milliseconds).
const IDLE_ROUNDS: u32 = 1 << 16;
/// Looks for which no connection becomes hot after too many were active.
const CALM_LOOKS: u32 = 256;

#[derive(Clone, Copy)]
struct Entry {
    token: Token,
    idle: u32,
}

pub(crate) struct Hot {
    entries: [Entry; HOT_MAX],
    count: usize,
    /// Place of the next to be read.
    turn: usize,
    rounds: u32,
    calm: u32,
}

impl Hot {
    pub(crate) fn new() -> Hot {
        Hot { entries: [Entry { token: Token(0), idle: 0 }; HOT_MAX], count: 0, turn: 0, rounds: 0, calm: 0 }
    }

    /// May this round do without a look? If so it is counted.
    #[inline]
    pub(crate) fn direct(&mut self) -> bool {
        if self.count == 0 || self.rounds >= LOOK_EVERY {
            return false;
        }
        self.rounds += 1;
        true
    }

    /// The transport was asked.
    #[inline]
    pub(crate) fn looked(&mut self) {
        self.rounds = 0;
        self.calm = self.calm.saturating_sub(1);
    }

    /// Hot connections there are.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The one whose turn it is, in rotation.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Token> {
        let place = if self.turn < self.count { self.turn } else { 0 };
        self.turn = place + 1;
        self.entries.get(..self.count)?.get(place).map(|entry| entry.token)
    }

    /// A read of a connection brought bytes, or nothing.
    #[inline]
    pub(crate) fn read(&mut self, token: Token, brought: bool) {
        let found = self.entries.iter().take(self.count).position(|entry| entry.token == token);
        match (found, brought) {
            (Some(place), true) => {
                self.entries[place].idle = 0;
                self.rounds += BUSY_ROUND - 1;
            }
            (Some(place), false) => {
                self.entries[place].idle += 1;
                if self.entries[place].idle >= IDLE_ROUNDS {
                    self.remove(place);
                }
            }
            (None, true) if self.calm > 0 => {}
            (None, true) if self.count == HOT_MAX => {
                self.count = 0;
                self.calm = CALM_LOOKS;
            }
            (None, true) => {
                self.entries[self.count] = Entry { token, idle: 0 };
                self.count += 1;
            }
            (None, false) => {}
        }
    }

    /// A connection is gone or no longer read.
    pub(crate) fn forget(&mut self, token: Token) {
        if let Some(place) = self.entries.iter().take(self.count).position(|entry| entry.token == token) {
            self.remove(place);
        }
    }

    fn remove(&mut self, place: usize) {
        self.count -= 1;
        self.entries[place] = self.entries[self.count];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(hot: &Hot) -> Vec<u32> {
        hot.entries[..hot.count].iter().map(|entry| entry.token.0).collect()
    }

    #[test]
    fn all_sockets_are_looked_at_within_the_bound() {
        let mut hot = Hot::new();
        assert!(!hot.direct());
        hot.read(Token(1), true);
        for brings in [false, true] {
            hot.looked();
            let mut rounds = 0;
            while hot.direct() {
                rounds += 1;
                hot.read(Token(1), brings);
            }
            assert_eq!(rounds, if brings { LOOK_EVERY / BUSY_ROUND } else { LOOK_EVERY });
            assert!(!hot.direct());
        }
    }

    #[test]
    fn a_fifth_active_connection_ends_direct_reads_for_a_while() {
        let mut hot = Hot::new();
        for token in 1..=4 {
            hot.read(Token(token), true);
        }
        assert_eq!(tokens(&hot), [1, 2, 3, 4]);
        let round: Vec<_> = (0..6).filter_map(|_| hot.next()).map(|token| token.0).collect();
        assert_eq!(round, [1, 2, 3, 4, 1, 2]);
        hot.read(Token(5), false);
        assert_eq!(tokens(&hot), [1, 2, 3, 4]);
        hot.read(Token(5), true);
        for _ in 0..CALM_LOOKS {
            assert!(tokens(&hot).is_empty() && !hot.direct());
            hot.looked();
            hot.read(Token(5), hot.calm > 0);
        }
        hot.read(Token(1), true);
        assert_eq!(tokens(&hot), [1]);
    }

    #[test]
    fn the_silent_and_the_gone_are_dropped() {
        let mut hot = Hot::new();
        for token in 1..=3 {
            hot.read(Token(token), true);
        }
        for _ in 0..IDLE_ROUNDS {
            hot.read(Token(1), false);
            hot.read(Token(3), true);
            hot.looked();
        }
        assert_eq!(tokens(&hot), [3, 2]);
        hot.forget(Token(3));
        hot.forget(Token(9));
        assert_eq!(tokens(&hot), [2]);
    }
}
