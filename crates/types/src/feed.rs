//! # Room card: types/feed
//! In:    what `wire` decodes from a venue's market data.
//! Out:   plain values that `book`, `signal` and `venue` take; none borrows the message.
//! Holds: prices and quantities already on the instrument's grid.
//! Costs: copies of a few words; levels travel as slices.
use crate::ids::InstrumentId;
use crate::num::{Lots, Side, Ticks, Touch};
use crate::time::UnixNanos;

/// One price level: the new total quantity at a price; zero removes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Level {
    /// Price.
    pub price: Ticks,
    /// Total displayed quantity.
    pub quantity: Lots,
}

/// Header of an incremental depth message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DepthHeader {
    /// Instrument.
    pub instrument: InstrumentId,
    /// First update id in the message (`U`).
    pub first_id: u64,
    /// Last update id in the message (`u`).
    pub last_id: u64,
    /// Last update id of the message before (`pu`, USD-M only).
    pub previous_id: Option<u64>,
    /// The exchange's stamp; `NONE` when the message has none.
    pub exchange_time: UnixNanos,
}

/// Header of a full depth snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SnapshotHeader {
    /// Instrument.
    pub instrument: InstrumentId,
    /// Update id the snapshot is the state after.
    pub last_id: u64,
    /// The exchange's stamp; `NONE` when the message has none.
    pub exchange_time: UnixNanos,
}

/// One public trade.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TradePrint {
    /// Instrument.
    pub instrument: InstrumentId,
    /// Venue's trade id.
    pub trade_id: u64,
    /// Price.
    pub price: Ticks,
    /// Quantity.
    pub quantity: Lots,
    /// Side of the order that took liquidity.
    pub aggressor: Side,
    /// The exchange's stamp.
    pub exchange_time: UnixNanos,
}

/// One best-bid-and-offer message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TouchPrint {
    /// Instrument.
    pub instrument: InstrumentId,
    /// Book update id.
    pub update_id: u64,
    /// Best bid and ask.
    pub touch: Touch,
    /// The exchange's stamp; `NONE` when the message has none (spot).
    pub exchange_time: UnixNanos,
}
