//! # Room card: bindings/node/signal/params
//! In:    parameters of a signal as JSON.
//! Out:   the signal.
//! Holds: unknown keys are refused; ranges are checked by the room.
//! Costs: cold path.
use serde::Deserialize;
use signal::{
    ContractValue, EwmaVolatility, KyleLambda, MarkOuts, OrderFlowImbalance, PreAveragedVolatility, RealisedVolatility,
    RollingVolatility, SignalFault, TradeClusterPin, TradeFlowImbalance, TradeIntensity, TwoScalesVolatility, Vpin,
    WINDOW_MAX, WindowParams,
};
use types::config::{Sampling, VolatilityParams};
use types::{Contract, Fault, Lots, Nanos};

use super::stream::Stream;
use super::whole;
use crate::errors::argument;

/// Parameters by kind.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(super) enum SignalParams {
    Rolling { window: u32, sample: Sample, clock_millis: f64, tick_price: f64 },
    Ewma { half_life_seconds: f64, tick_price: f64 },
    Realised { window_nanos: f64, events_max: u32, tick_price: f64 },
    TwoScales { window: u32, subgrids: u32, tick_price: f64 },
    PreAveraged { window: u32, half_span: u32, tick_price: f64 },
    OrderFlow { window_nanos: f64, events_max: u32 },
    TradeFlow { window_nanos: f64, events_max: u32 },
    Kyle { interval_nanos: f64, window: u32, tick_price: f64 },
    Vpin { bucket_lots: f64, buckets: u32 },
    Cluster { trades: u32 },
    Intensity { window_nanos: f64, events_max: u32, depth_half_ticks_max: u32 },
    MarkOuts { horizons_nanos: Vec<f64>, pending_fills_max: u32, inverse: bool, tick_price: f64, lot_value: f64 },
}

/// What counts as a sample of the mid price.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "camelCase")]
pub(super) enum Sample {
    ChangedMid,
    EveryUpdate,
    FixedClock,
}

fn nanos(name: &'static str, value: f64) -> Result<Nanos, Fault> {
    whole(name, value).map(Nanos)
}

fn window(window_nanos: f64, events_max: u32) -> Result<WindowParams, Fault> {
    Ok(WindowParams { length: nanos("windowNanos", window_nanos)?, events_max: events_max as usize })
}

/// σ of the engine's own kind: its configuration checks these ranges, here nobody has.
fn rolling(window: u32, sample: Sample, clock_millis: f64, tick_price: f64) -> Result<RollingVolatility, Fault> {
    let range = |name, value, low, high| {
        if value >= low && value <= high { Ok(()) } else { Err(SignalFault::Parameter { name, value, low, high }) }
    };
    range("window", f64::from(window), 2.0, WINDOW_MAX as f64)?;
    range("clockMillis", clock_millis, 1.0, 3_600_000.0)?;
    range("tickPrice", tick_price, f64::MIN_POSITIVE, f64::MAX)?;
    let sampling = match sample {
        Sample::ChangedMid => Sampling::ChangedMid,
        Sample::EveryUpdate => Sampling::EveryUpdate,
        Sample::FixedClock => Sampling::FixedClock { interval: Nanos::from_millis(clock_millis as u64) },
    };
    let window = window as usize;
    Ok(RollingVolatility::new(&VolatilityParams { window, min_observations: window, sampling }, tick_price))
}

impl SignalParams {
    pub(super) fn parse(json: &str) -> Result<SignalParams, Fault> {
        serde_json::from_str(json).map_err(|error| argument(format!("parameters of a signal: {error}")))
    }

    pub(super) fn build(self) -> Result<Stream, Fault> {
        use SignalParams as P;
        Ok(match self {
            P::Rolling { window, sample, clock_millis, tick_price } => {
                Stream::Rolling(rolling(window, sample, clock_millis, tick_price)?)
            }
            P::Ewma { half_life_seconds, tick_price } => {
                Stream::Ewma(EwmaVolatility::new(half_life_seconds, tick_price)?)
            }
            P::Realised { window_nanos, events_max, tick_price } => {
                Stream::Realised(RealisedVolatility::new(&window(window_nanos, events_max)?, tick_price)?)
            }
            P::TwoScales { window, subgrids, tick_price } => {
                Stream::TwoScales(TwoScalesVolatility::new(window as usize, subgrids as usize, tick_price)?)
            }
            P::PreAveraged { window, half_span, tick_price } => {
                Stream::PreAveraged(PreAveragedVolatility::new(window as usize, half_span as usize, tick_price)?)
            }
            P::OrderFlow { window_nanos, events_max } => {
                Stream::OrderFlow(OrderFlowImbalance::new(&window(window_nanos, events_max)?)?)
            }
            P::TradeFlow { window_nanos, events_max } => {
                Stream::TradeFlow(TradeFlowImbalance::new(&window(window_nanos, events_max)?)?)
            }
            P::Kyle { interval_nanos, window, tick_price } => {
                Stream::Kyle(KyleLambda::new(nanos("intervalNanos", interval_nanos)?, window as usize, tick_price)?)
            }
            P::Vpin { bucket_lots, buckets } => {
                Stream::Vpin(Vpin::new(Lots(whole("bucketLots", bucket_lots)?), buckets as usize)?)
            }
            P::Cluster { trades } => Stream::Cluster(TradeClusterPin::new(trades as usize)?),
            P::Intensity { window_nanos, events_max, depth_half_ticks_max } => {
                let depths = depth_half_ticks_max as usize;
                Stream::Intensity(TradeIntensity::new(&window(window_nanos, events_max)?, depths)?)
            }
            P::MarkOuts { horizons_nanos, pending_fills_max, inverse, tick_price, lot_value } => {
                let horizons: Result<Vec<Nanos>, Fault> =
                    horizons_nanos.iter().map(|value| nanos("horizonNanos", *value)).collect();
                let contract = if inverse { Contract::Inverse } else { Contract::Linear };
                let value = ContractValue { contract, tick_price, lot_value };
                Stream::MarkOuts(Box::new(MarkOuts::new(&horizons?, pending_fills_max as usize, value)?))
            }
        })
    }
}
