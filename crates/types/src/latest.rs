//! # Room card: types/latest
//! In:    the newest market event of each kind, the fills.
//! Out:   `Latest`, 120 bytes: what is known of one instrument now, or of the engine as a whole.
//! Holds: one layout for Rust and TypeScript; unused fields are zero.
//! Costs: two cache lines with the version that stands before it in a register.
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::num::{Lots, Ticks};
use crate::time::UnixNanos;

/// The newest state of an instrument. Of the engine as a whole only `sequence`, `time`, `trading`, `closed` and `code`.
#[derive(Clone, Copy, PartialEq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Latest {
    /// Sequence of the last event in it.
    pub sequence: u64,
    /// Engine time of that event.
    pub time: UnixNanos,
    /// Best bid.
    pub bid: Ticks,
    /// Displayed at the best bid; 0 when there is none.
    pub bid_lots: Lots,
    /// Best ask.
    pub ask: Ticks,
    /// Displayed at the best ask; 0 when there is none.
    pub ask_lots: Lots,
    /// Price of the last public trade.
    pub trade_price: Ticks,
    /// Quantity of the last public trade; 0 when there was none.
    pub trade_lots: Lots,
    /// The venue's id of the last public trade.
    pub trade_id: u64,
    /// Engine time of the last public trade.
    pub trade_time: UnixNanos,
    /// Bits of the f64 volatility, in price units per √second.
    pub sigma_bits: u64,
    /// Samples in the window of the volatility.
    pub samples: u64,
    /// Our signed position.
    pub position: Lots,
    /// 1 when the L2 is joined and without a gap.
    pub valid: u8,
    /// 1 when σ is in force: the window holds `volatility.minObservations` mids.
    pub full: u8,
    /// Side that took liquidity in the last public trade: 1 buy, 2 sell, 0 none.
    pub trade_side: u8,
    /// Trading state of the engine, as in `EventKind::Trading`.
    pub trading: u8,
    /// 1 when the engine has ended: nothing comes any more.
    pub closed: u8,
    /// Zero.
    pub reserved: u8,
    /// `Code` number that goes with `trading` (of the engine) or `valid` (of an instrument).
    pub code: u16,
    /// Zero.
    pub reserved_2: u64,
}

const _: () = assert!(size_of::<Latest>() == 120 && align_of::<Latest>() == 8);
