//! # Room card: book/buffer
//! In:    depth diffs that arrive while there is no snapshot to apply them to.
//! Out:   the same diffs, oldest first.
//! Holds: fixed arenas; when either is full the oldest diffs are dropped, and the caller is told how many.
//! Costs: one copy of the levels; no allocation after `new`.
use types::limits::LEVELS_PER_MESSAGE_MAX;
use types::{DepthHeader, Level};

/// Diffs kept for the join; at the fastest stream of Binance (some 20 to 100 a second) the better part of a minute.
pub const BUFFERED_DIFFS_MAX: usize = 4_096;
/// Levels kept for the join, both sides of all diffs together.
pub const BUFFERED_LEVELS_MAX: usize = 65_536;

// One diff always fits when everything older has been dropped; ring indices are masks.
const _: () = assert!(2 * LEVELS_PER_MESSAGE_MAX <= BUFFERED_LEVELS_MAX);
const _: () = assert!(BUFFERED_DIFFS_MAX.is_power_of_two() && BUFFERED_LEVELS_MAX.is_power_of_two());

/// A buffered diff: its header, and where its levels stand in the level ring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buffered {
    pub(crate) header: DepthHeader,
    start: usize,
    bids: usize,
    asks: usize,
}

/// Two rings: headers and levels. Positions count up for ever and are masked on use.
pub(crate) struct DiffBuffer {
    diffs: Box<[Option<Buffered>]>,
    head: usize,
    tail: usize,
    levels: Box<[Level]>,
    levels_head: usize,
    levels_tail: usize,
}

impl DiffBuffer {
    pub(crate) fn new() -> DiffBuffer {
        DiffBuffer {
            diffs: vec![None; BUFFERED_DIFFS_MAX].into_boxed_slice(),
            head: 0,
            tail: 0,
            levels: vec![Level::default(); BUFFERED_LEVELS_MAX].into_boxed_slice(),
            levels_head: 0,
            levels_tail: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.tail.wrapping_sub(self.head)
    }

    pub(crate) fn clear(&mut self) {
        self.head = self.tail;
        self.levels_head = self.levels_tail;
    }

    /// The oldest diff.
    pub(crate) fn front(&self) -> Option<Buffered> {
        if self.head == self.tail { None } else { self.diffs[self.head & (BUFFERED_DIFFS_MAX - 1)] }
    }

    /// The newest diff.
    pub(crate) fn back(&self) -> Option<Buffered> {
        if self.head == self.tail { None } else { self.diffs[self.tail.wrapping_sub(1) & (BUFFERED_DIFFS_MAX - 1)] }
    }

    pub(crate) fn pop_front(&mut self) {
        if let Some(diff) = self.front() {
            self.head = self.head.wrapping_add(1);
            self.levels_head = self.levels_head.wrapping_add(diff.bids + diff.asks);
        }
    }

    /// Adds a diff of at most `LEVELS_PER_MESSAGE_MAX` levels a side; returns how many old ones it displaced.
    pub(crate) fn push(&mut self, header: &DepthHeader, bids: &[Level], asks: &[Level]) -> u32 {
        debug_assert!(bids.len() + asks.len() <= BUFFERED_LEVELS_MAX);
        let wanted = bids.len() + asks.len();
        let mut dropped = 0;
        while self.len() > 0
            && (self.len() == BUFFERED_DIFFS_MAX
                || self.levels_tail.wrapping_sub(self.levels_head) + wanted > BUFFERED_LEVELS_MAX)
        {
            self.pop_front();
            dropped += 1;
        }
        let diff = Buffered { header: *header, start: self.levels_tail, bids: bids.len(), asks: asks.len() };
        for level in bids.iter().chain(asks) {
            self.levels[self.levels_tail & (BUFFERED_LEVELS_MAX - 1)] = *level;
            self.levels_tail = self.levels_tail.wrapping_add(1);
        }
        self.diffs[self.tail & (BUFFERED_DIFFS_MAX - 1)] = Some(diff);
        self.tail = self.tail.wrapping_add(1);
        dropped
    }

    /// The bids of a buffered diff, in the order of the message.
    pub(crate) fn bids(&self, diff: &Buffered) -> impl Iterator<Item = Level> + '_ {
        self.ring(diff.start, diff.bids)
    }

    /// The asks of a buffered diff, in the order of the message.
    pub(crate) fn asks(&self, diff: &Buffered) -> impl Iterator<Item = Level> + '_ {
        self.ring(diff.start.wrapping_add(diff.bids), diff.asks)
    }

    fn ring(&self, start: usize, count: usize) -> impl Iterator<Item = Level> + '_ {
        (0..count).map(move |i| self.levels[start.wrapping_add(i) & (BUFFERED_LEVELS_MAX - 1)])
    }
}
