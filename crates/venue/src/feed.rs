//! # Room card: venue/feed
//! In:    what happened in a generated market.
//! Out:   `FeedBatch`: trades, touches, diffs and snapshots in the order they happened, levels in two shared arrays.
//! Holds: numbering by Binance's rules, so that `book::MarketBook` joins any snapshot and never sees a gap.
//! Costs: copies into buffers that keep their size.
use types::{DepthHeader, Level, SnapshotHeader, TouchPrint, TradePrint};

/// A part of a batch's levels.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LevelRange {
    /// First level.
    pub start: u32,
    /// Number of levels.
    pub length: u32,
}

/// One market-data message of a generated market.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FeedItem {
    /// A trade: one per aggressing order and price level.
    Trade(TradePrint),
    /// The best bid or ask changed.
    Touch(TouchPrint),
    /// Levels changed since the diff before.
    Depth {
        /// Its numbering.
        header: DepthHeader,
        /// Its part of `bids`.
        bids: LevelRange,
        /// Its part of `asks`.
        asks: LevelRange,
    },
    /// The whole book.
    Snapshot {
        /// Its numbering.
        header: SnapshotHeader,
        /// Its part of `bids`.
        bids: LevelRange,
        /// Its part of `asks`.
        asks: LevelRange,
    },
}

/// Market data of one or more steps; the caller clears it.
#[derive(Clone, Debug, Default)]
pub struct FeedBatch {
    /// Messages in order.
    pub items: Vec<FeedItem>,
    /// Levels of the bids, best first in each message.
    pub bids: Vec<Level>,
    /// Levels of the asks, best first in each message.
    pub asks: Vec<Level>,
}

impl FeedBatch {
    /// With room for what one call can produce, so that it never grows when cleared between calls.
    pub fn new() -> FeedBatch {
        let levels = 2 * crate::GENERATED_LEVELS_MAX;
        FeedBatch {
            items: Vec::with_capacity(crate::GENERATED_LEVELS_MAX + 8),
            bids: Vec::with_capacity(levels),
            asks: Vec::with_capacity(levels),
        }
    }
    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.items.clear();
        self.bids.clear();
        self.asks.clear();
    }
    /// The bids of a message.
    pub fn bids(&self, range: LevelRange) -> &[Level] {
        part(&self.bids, range)
    }
    /// The asks of a message.
    pub fn asks(&self, range: LevelRange) -> &[Level] {
        part(&self.asks, range)
    }
}

fn part(levels: &[Level], range: LevelRange) -> &[Level] {
    let start = range.start as usize;
    levels.get(start..start + range.length as usize).unwrap_or(&[])
}

/// Appends levels and says where they went.
pub(crate) fn append(levels: &mut Vec<Level>, added: impl Iterator<Item = Level>) -> LevelRange {
    let start = levels.len();
    levels.extend(added);
    LevelRange { start: start as u32, length: (levels.len() - start) as u32 }
}
