//! # Room card: signal
//! In:    the mid price after each update of the touch, with the time it was seen.
//! Out:   `RollingVolatility`: σ over the last mids, in price units per √second.
//! Holds: sums are exact integers, so a value depends only on the mids in the window, however long the run.
//! Costs: a few integer operations per update, O(1) whatever the window; no allocation after construction.
#![forbid(unsafe_code)]

mod volatility;

pub use volatility::{RollingVolatility, WINDOW_MAX};
