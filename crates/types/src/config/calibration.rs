//! # Room card: types/config/calibration
//! In:    the part of a quoter's JSON that is about A and κ from the market's trades.
//! Out:   `MarketCalibration`, checked.
//! Holds: bounds that are left out lie a factor of a hundred around the κ that was given.
//! Costs: cold path.
use serde::{Deserialize, Serialize};

use super::ConfigFault;
use super::ranges::{above_zero, range};
use crate::time::Nanos;

/// A and κ of each side from the market's trades, refitted while it runs: how deep market orders go, over the time that
/// the touch stood where it did. `arrivalsPerSecond` and `intensityDecayPerPrice` hold until the first estimate.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MarketCalibrationConfig {
    /// Seconds of engine time between two refits, 0.1 to 86400.
    pub every_seconds: f64,
    /// What was seen counts half after this many seconds, 1 to 31622400.
    pub half_life_seconds: f64,
    /// Orders below which nothing is estimated, 20 to 1000000000.
    pub min_orders: f64,
    /// Orders nearer to the mid than so many half ticks are left out, 0 to `levels` - 4.
    pub nearest_half_ticks: u32,
    /// Levels kept, half ticks, 4 to 4096; orders beyond count as having reached the last.
    pub levels: u32,
    /// Smallest κ that is accepted, 1/price, above 0. Default: a hundredth of `intensityDecayPerPrice`.
    pub min_per_price: Option<f64>,
    /// Largest κ that is accepted, 1/price, at least `minPerPrice`. Default: a hundred times `intensityDecayPerPrice`.
    pub max_per_price: Option<f64>,
}

impl Default for MarketCalibrationConfig {
    fn default() -> Self {
        MarketCalibrationConfig {
            every_seconds: 10.0,
            half_life_seconds: 600.0,
            min_orders: 50.0,
            nearest_half_ticks: 0,
            levels: 512,
            min_per_price: None,
            max_per_price: None,
        }
    }
}

/// A and κ from the market's trades.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct MarketCalibration {
    /// Between two refits.
    pub every: Nanos,
    /// What was seen counts half after this, seconds.
    pub half_life_seconds: f64,
    /// Orders below which nothing is estimated.
    pub min_orders: f64,
    /// Orders nearer than this are left out.
    pub nearest_half_ticks: i64,
    /// Levels kept, half ticks.
    pub levels: usize,
    /// Smallest κ.
    pub min_per_price: f64,
    /// Largest κ.
    pub max_per_price: f64,
}

/// Smallest and largest κ that a configuration may name, 1/price.
const DECAY_MAX: f64 = 1e9;
const BOUNDS_FACTOR: f64 = 100.0;

impl MarketCalibration {
    pub(super) fn resolve(
        config: &MarketCalibrationConfig,
        decay_per_price: f64,
        path: &str,
    ) -> Result<MarketCalibration, ConfigFault> {
        let at = |key: &str| format!("{path}.marketCalibration.{key}");
        range(&at("everySeconds"), config.every_seconds, 0.1, 86_400.0)?;
        range(&at("halfLifeSeconds"), config.half_life_seconds, 1.0, 31_622_400.0)?;
        range(&at("minOrders"), config.min_orders, 20.0, 1e9)?;
        range(&at("levels"), config.levels, 4, 4_096)?;
        range(&at("nearestHalfTicks"), config.nearest_half_ticks, 0, config.levels - 4)?;
        let min_per_price = config.min_per_price.unwrap_or(decay_per_price / BOUNDS_FACTOR);
        above_zero(&at("minPerPrice"), min_per_price, DECAY_MAX)?;
        let most = (decay_per_price * BOUNDS_FACTOR).min(DECAY_MAX).max(min_per_price);
        let max_per_price = config.max_per_price.unwrap_or(most);
        range(&at("maxPerPrice"), max_per_price, min_per_price, DECAY_MAX)?;
        Ok(MarketCalibration {
            every: Nanos((config.every_seconds * 1e9) as i64),
            half_life_seconds: config.half_life_seconds,
            min_orders: config.min_orders,
            nearest_half_ticks: i64::from(config.nearest_half_ticks),
            levels: config.levels as usize,
            min_per_price,
            max_per_price,
        })
    }
}
