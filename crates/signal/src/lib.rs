//! # Room card: signal
//! In:    mids, touches, levels, trades and own fills with the time they were seen.
//! Out:   volatilities (rolling, EWMA, realised, two-scales, pre-averaged) in price units per √second; imbalances;
//!        fair prices in ticks; price impact; trade intensity; toxicity (VPIN, PIN, clusters); mark-outs. Each
//!        streaming signal again from its definition in `batch`.
//! Holds: sums over windows are exact integers, so a value depends only on what is in the window, however long the
//!        run.
//! Costs: O(1) per update, whatever the window; no allocation after construction (bench: `npm run bench -- signal`).
#![forbid(unsafe_code)]

pub mod batch;
mod cluster;
mod estimate;
mod ewma;
mod fair;
mod fault;
mod imbalance;
mod intensity;
mod kyle;
mod linear;
mod markout;
mod micro;
mod noise;
mod pin;
mod realised;
mod volatility;
mod vpin;
mod window;

pub use cluster::{CLUSTER_TRADES_MIN, CLUSTER_WINDOW_MAX, ClusterEstimate, TradeClusterPin};
pub use estimate::VolatilityEstimate;
pub use ewma::{EwmaVolatility, HALF_LIFE_SECONDS_MAX};
pub use fair::{vamp_ticks, vamp_to_quantity_ticks, weighted_mid_ticks};
pub use fault::SignalFault;
pub use imbalance::{FLOW_LOTS_MAX, OrderFlowImbalance, TradeFlowImbalance, queue_imbalance};
pub use intensity::{DEPTHS_MAX, TradeIntensity};
pub use kyle::{KYLE_STEP_MAX, KYLE_WINDOW_MAX, KyleEstimate, KyleLambda};
pub use markout::{ContractValue, HORIZONS_DEFAULT, HORIZONS_MAX, MarkOut, MarkOuts, PENDING_FILLS_MAX};
pub use micro::{IMBALANCE_BUCKETS_MAX, MicroPrice, MicroPriceParams, SPREAD_TICKS_MAX};
pub use noise::{
    HALF_SPAN_MAX, NOISE_WINDOW_MAX, PRICE_HALF_TICKS_MAX, PreAveragedVolatility, SUBGRIDS_MAX, TwoScalesVolatility,
};
pub use pin::{PIN_DAYS_MAX, PIN_DAYS_MIN, PinEstimate, PinParameters, fit_pin};
pub use realised::RealisedVolatility;
pub use volatility::{RollingVolatility, WINDOW_MAX};
pub use vpin::{BUCKETS_MAX, BULK_BARS_MAX, BulkClassifier, Vpin};
pub use window::{WINDOW_EVENTS_MAX, WINDOW_NANOS_MAX, WindowParams};
