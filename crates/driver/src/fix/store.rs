//! # Room card: driver/fix/store
//! In:    a session's messages and numbers.
//! Out:   `FixStore`, what a host asks of any store; `MemoryStore`, which keeps them for the life of the process.
//! Holds: what is kept is bounded by number and bytes; the oldest goes first and is gap-filled if asked for.
//! Costs: one copy of a message kept.
use std::collections::VecDeque;

use types::{Fault, UnixNanos};
use wire::fix::Store;

/// Messages a `MemoryStore` keeps at most.
pub const MEMORY_MESSAGES_MAX: usize = 65_536;
/// Bytes of them.
pub const MEMORY_BYTES_MAX: usize = 64 << 20;

/// What a store goes on with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stored {
    /// The number expected of the peer next.
    pub next_in: u64,
    /// The number of our next message.
    pub next_out: u64,
    /// When its numbers last began at 1.
    pub created: UnixNanos,
}

/// A store that a host can keep a session in: `wire::fix::Store`, which a session writes to, and what its owner asks.
pub trait FixStore: Store + Send {
    /// What was stored last.
    fn stored(&self) -> Stored;
    /// Why it could not keep a number or a message since the last call. What was not kept must not be sent, and the
    /// session ends.
    fn take_fault(&mut self) -> Option<Fault>;
}

/// Keeps a session for the life of the process.
#[derive(Debug)]
pub struct MemoryStore {
    stored: Stored,
    messages: VecDeque<(u64, Box<[u8]>)>,
    bytes: usize,
}

impl MemoryStore {
    /// A session that never was.
    pub fn new(now: UnixNanos) -> MemoryStore {
        let stored = Stored { next_in: 1, next_out: 1, created: now };
        MemoryStore { stored, messages: VecDeque::new(), bytes: 0 }
    }
}

impl Store for MemoryStore {
    fn next(&mut self, from: u64) -> Option<(u64, &[u8])> {
        let at = self.messages.partition_point(|(sequence, _)| *sequence < from);
        self.messages.get(at).map(|(sequence, message)| (*sequence, &message[..]))
    }

    fn keep(&mut self, sequence: u64, bytes: &[u8], application: bool) {
        self.stored.next_out = sequence.saturating_add(1);
        if !application || self.messages.back().is_some_and(|(last, _)| *last >= sequence) {
            return;
        }
        self.bytes += bytes.len();
        self.messages.push_back((sequence, bytes.into()));
        while self.messages.len() > MEMORY_MESSAGES_MAX || self.bytes > MEMORY_BYTES_MAX {
            let Some((_, oldest)) = self.messages.pop_front() else { break };
            self.bytes -= oldest.len();
        }
    }

    fn numbers(&mut self, next_in: u64, next_out: u64) {
        (self.stored.next_in, self.stored.next_out) = (next_in, next_out);
    }

    fn reset(&mut self, now: UnixNanos) {
        self.messages.clear();
        self.bytes = 0;
        self.stored = Stored { next_in: 1, next_out: 1, created: now };
    }
}

impl FixStore for MemoryStore {
    fn stored(&self) -> Stored {
        self.stored
    }
    fn take_fault(&mut self) -> Option<Fault> {
        None
    }
}
