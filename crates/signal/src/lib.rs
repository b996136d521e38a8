//! # Room card: signal
//! In:    mids, touches, levels and trades with the time they were seen.
//! Out:   volatilities (rolling, EWMA, realised, two-scales, pre-averaged) in price units per √second; imbalances;
//!        fair prices in ticks; price impact; trade intensity. Each streaming signal again from its definition in
//!        `batch`.
//! Holds: sums over windows are exact integers, so a value depends only on what is in the window, however long the
//!        run.
//! Costs: O(1) per update, whatever the window; no allocation after construction (bench: `npm run bench -- signal`).
#![forbid(unsafe_code)]

pub mod batch;
mod estimate;
mod ewma;
mod fair;
mod fault;
mod imbalance;
mod intensity;
mod kyle;
mod micro;
mod noise;
mod realised;
mod volatility;
mod window;

pub use estimate::VolatilityEstimate;
pub use ewma::{EwmaVolatility, HALF_LIFE_SECONDS_MAX};
pub use fair::{vamp_ticks, vamp_to_quantity_ticks, weighted_mid_ticks};
pub use fault::SignalFault;
pub use imbalance::{FLOW_LOTS_MAX, OrderFlowImbalance, TradeFlowImbalance, queue_imbalance};
pub use intensity::{DEPTHS_MAX, TradeIntensity};
pub use kyle::{KYLE_STEP_MAX, KYLE_WINDOW_MAX, KyleEstimate, KyleLambda};
pub use micro::{IMBALANCE_BUCKETS_MAX, MicroPrice, MicroPriceParams, SPREAD_TICKS_MAX};
pub use noise::{
    HALF_SPAN_MAX, NOISE_WINDOW_MAX, PRICE_HALF_TICKS_MAX, PreAveragedVolatility, SUBGRIDS_MAX, TwoScalesVolatility,
};
pub use realised::RealisedVolatility;
pub use volatility::{RollingVolatility, WINDOW_MAX};
pub use window::{WINDOW_EVENTS_MAX, WINDOW_NANOS_MAX, WindowParams};
