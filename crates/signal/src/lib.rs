//! # Room card: signal
//! In:    mids, touches, trades and own fills with the time they were seen.
//! Out:   volatilities (rolling, EWMA, realised, two-scales, pre-averaged) in price units per √second; each streaming
//!        signal again from its definition in `batch`.
//! Holds: sums over windows are exact integers, so a value depends only on what is in the window, however long the
//!        run.
//! Costs: O(1) per update, whatever the window; no allocation after construction (bench: `npm run bench -- signal`).
#![forbid(unsafe_code)]

pub mod batch;
mod estimate;
mod ewma;
mod fault;
mod noise;
mod realised;
mod volatility;
mod window;

pub use estimate::VolatilityEstimate;
pub use ewma::{EwmaVolatility, HALF_LIFE_SECONDS_MAX};
pub use fault::SignalFault;
pub use noise::{
    HALF_SPAN_MAX, NOISE_WINDOW_MAX, PRICE_HALF_TICKS_MAX, PreAveragedVolatility, SUBGRIDS_MAX, TwoScalesVolatility,
};
pub use realised::RealisedVolatility;
pub use volatility::{RollingVolatility, WINDOW_MAX};
pub use window::{WINDOW_EVENTS_MAX, WINDOW_NANOS_MAX, WindowParams};
