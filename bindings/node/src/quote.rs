//! # Room card: bindings/node/quote
//! In:    numbers; JSON of a model's parameters; arrays of depths or fills.
//! Out:   prices and spreads as numbers, everything else as JSON.
//! Holds: the core's own functions: the same bits as the native quoter's.
//! Costs: a macro call, about 100 ns; with JSON some microseconds.
use napi::bindgen_prelude::Float64Array;
use napi_derive::napi;
use quote::calibrate::{DepthSample, FillPrior, FitInterval, IntensityFit, LEVELS_MAX, OwnFillTally, fit_depths};
use quote::experiment::{ExperimentParams, StrategyResult, run_experiment};
use quote::{Glft, GlftParams, StationaryBound, StationaryForm, StationaryInputs, model};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use types::{Fault, Side};

use crate::errors::{argument, guard};

fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| argument(error.to_string()))
}

/// The price at which the maker is indifferent to one more unit.
#[napi]
pub fn reservation_price(mid: f64, inventory: f64, gamma: f64, sigma: f64, horizon: f64) -> napi::Result<f64> {
    guard(|| Ok(model::reservation_price(mid, inventory, gamma, sigma, horizon)))
}

/// The spread's part for the chance of being hit.
#[napi]
pub fn intensity_spread(gamma: f64, kappa: f64) -> napi::Result<f64> {
    guard(|| Ok(model::intensity_spread(gamma, kappa)))
}

/// The spread's part for holding inventory.
#[napi]
pub fn inventory_spread(gamma: f64, sigma: f64, horizon: f64) -> napi::Result<f64> {
    guard(|| Ok(model::inventory_spread(gamma, sigma, horizon)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StationaryJson {
    mid_price: f64,
    inventory_base: f64,
    order_base: f64,
    risk_aversion_per_money: f64,
    volatility_price_per_sqrt_second: Option<f64>,
    discount_per_second: Option<f64>,
    max_inventory_base: Option<f64>,
    printed: bool,
}

/// Reservation prices of the infinite horizon, as JSON {bid, ask}, null where there is none.
#[napi]
pub fn stationary_prices(params: String) -> napi::Result<String> {
    guard(|| {
        let given: StationaryJson = parsed(&params)?;
        let bound = match (given.discount_per_second, given.max_inventory_base) {
            (Some(discount), None) => StationaryBound::Discount(discount),
            (None, Some(max)) => StationaryBound::MaxInventory(max),
            _ => return Err(argument("give discountPerSecond or maxInventoryBase, one of them")),
        };
        let prices = quote::stationary_reservation_prices(&StationaryInputs {
            mid_price: given.mid_price,
            inventory_base: given.inventory_base,
            order_base: given.order_base,
            risk_aversion_per_money: given.risk_aversion_per_money,
            volatility_price_per_sqrt_second: given.volatility_price_per_sqrt_second.unwrap_or(f64::NAN),
            bound,
            form: if given.printed { StationaryForm::Printed } else { StationaryForm::Indifference },
        })
        .map_err(quote::ModelRefusal::to_fault)?;
        Ok(json!({ "bid": prices.bid, "ask": prices.ask }).to_string())
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct GlftJson {
    risk_aversion_per_money: f64,
    fill_aversion_per_money: f64,
    order_base: f64,
    arrivals_per_second: [f64; 2],
    decay_per_price: [f64; 2],
    volatility_price_per_sqrt_second: f64,
    drift_price_per_second: f64,
    fair_price: f64,
    inventory_base: f64,
}

/// GLFT: constants and quotes, as JSON.
#[napi]
pub fn glft_quote(params: String) -> napi::Result<String> {
    guard(|| {
        let given: GlftJson = parsed(&params)?;
        let glft = Glft::new(&GlftParams {
            risk_aversion_per_money: given.risk_aversion_per_money,
            fill_aversion_per_money: given.fill_aversion_per_money,
            order_base: given.order_base,
            arrivals_per_second: given.arrivals_per_second,
            decay_per_price: given.decay_per_price,
        })
        .map_err(quote::ModelRefusal::to_fault)?;
        let (sigma, drift) = (given.volatility_price_per_sqrt_second, given.drift_price_per_second);
        let quotes = glft.quote(given.fair_price, given.inventory_base, sigma, drift);
        Ok(json!({
            "c1Price": Side::BOTH.map(|side| glft.c1_price(side)),
            "c2": glft.c2(),
            "halfSpreadPrice": Side::BOTH.map(|side| glft.half_spread(side, sigma)),
            "skewPricePerBase": glft.skew(sigma),
            "shiftPrice": glft.shift(sigma, drift),
            "bidPrice": quotes.bid_price,
            "askPrice": quotes.ask_price,
        })
        .to_string())
    })
}

fn interval_json(interval: FitInterval) -> Value {
    let FitInterval { value, standard_error, low, high } = interval;
    json!({ "value": value, "standardError": standard_error, "low": low, "high": high })
}

fn fit_json(fit: &IntensityFit) -> Value {
    json!({
        "arrivalsPerSecond": interval_json(fit.arrivals_per_second),
        "decayPerPrice": interval_json(fit.decay_per_price),
        "correlation": fit.correlation,
        "orders": fit.orders,
        "seconds": fit.seconds,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DepthsJson {
    seconds: f64,
    nearest_price: f64,
    tick_price: Option<f64>,
}

/// A and κ of the depths of one side's market orders, as JSON.
#[napi]
pub fn fit_market_depths(depths: Float64Array, params: String) -> napi::Result<String> {
    guard(|| {
        let given: DepthsJson = parsed(&params)?;
        let sample = DepthSample {
            depths_price: &depths,
            seconds: given.seconds,
            nearest_price: given.nearest_price,
            tick_price: given.tick_price,
        };
        let (fit, left_out) = fit_depths(&sample).map_err(quote::calibrate::FitRefusal::to_fault)?;
        let mut found = fit_json(&fit);
        found["ordersLeftOut"] = left_out.into();
        Ok(found.to_string())
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FillsJson {
    tick_price: f64,
    arrivals_per_second: f64,
    decay_per_price: f64,
    fills: f64,
    distance_price: f64,
}

/// A and κ of our own fills: row by row distance (half ticks), seconds quoted, fills; with a prior. As JSON.
#[napi]
pub fn fit_own_fills(
    distances_half_ticks: Float64Array,
    seconds: Float64Array,
    fills: Float64Array,
    params: String,
) -> napi::Result<String> {
    guard(|| {
        let given: FillsJson = parsed(&params)?;
        if distances_half_ticks.len() != seconds.len() || seconds.len() != fills.len() {
            return Err(argument("distances, seconds and fills differ in length"));
        }
        let prior = FillPrior {
            arrivals_per_second: given.arrivals_per_second,
            decay_per_price: given.decay_per_price,
            fills: given.fills,
            distance_price: given.distance_price,
        };
        let refused = |refusal: quote::calibrate::FitRefusal| refusal.to_fault();
        let mut tally = OwnFillTally::new(given.tick_price, LEVELS_MAX, prior).map_err(refused)?;
        for ((distance, seconds), fills) in distances_half_ticks.iter().zip(seconds.iter()).zip(fills.iter()) {
            tally.on_quoted(*distance as i64, *seconds);
            tally.on_fills(*distance as i64, *fills);
        }
        let found = tally.fit().map_err(refused)?;
        let mut result = fit_json(&found.fit);
        result["fills"] = found.fills.into();
        result["quotedSeconds"] = found.quoted_seconds.into();
        result["information"] = found.information.into();
        result["fillsLeftOut"] = tally.fills_left_out().into();
        result["secondsLeftOut"] = tally.seconds_left_out().into();
        result["priorKept"] = match found.prior_kept {
            Some(refusal) => json!({ "reason": refusal.reason(), "message": refusal.to_fault().message }),
            None => Value::Null,
        };
        Ok(result.to_string())
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ExperimentJson {
    paths: u32,
    seed: u64,
    start_price: f64,
    horizon_seconds: f64,
    step_seconds: f64,
    volatility_price_per_sqrt_second: f64,
    risk_aversion_per_money: f64,
    arrivals_per_second: f64,
    decay_per_price: f64,
}

fn strategy_json(result: &StrategyResult) -> Value {
    let (pnl, inventory) = (result.pnl_moments(), result.inventory_moments());
    json!({
        "meanSpreadPrice": result.mean_spread_price,
        "pnlMean": pnl.mean, "pnlSd": pnl.sd,
        "inventoryMean": inventory.mean, "inventorySd": inventory.sd,
        "pnl": result.pnl, "finalInventory": result.final_inventory,
    })
}

/// The paper's experiment, as JSON.
#[napi]
pub fn paper_experiment(params: String) -> napi::Result<String> {
    guard(|| {
        let given: ExperimentJson = parsed(&params)?;
        let outcome = run_experiment(&ExperimentParams {
            paths: given.paths,
            seed: given.seed,
            start_price: given.start_price,
            horizon_seconds: given.horizon_seconds,
            step_seconds: given.step_seconds,
            volatility_price_per_sqrt_second: given.volatility_price_per_sqrt_second,
            risk_aversion_per_money: given.risk_aversion_per_money,
            arrivals_per_second: given.arrivals_per_second,
            decay_per_price: given.decay_per_price,
        })
        .map_err(quote::ModelRefusal::to_fault)?;
        let path: Vec<Value> = outcome
            .path
            .iter()
            .map(|point| {
                json!({
                    "seconds": point.seconds, "midPrice": point.mid_price,
                    "reservationPrice": point.reservation_price, "bidPrice": point.bid_price,
                    "askPrice": point.ask_price, "inventory": point.inventory,
                })
            })
            .collect();
        Ok(json!({
            "inventory": strategy_json(&outcome.inventory),
            "symmetric": strategy_json(&outcome.symmetric),
            "path": path,
        })
        .to_string())
    })
}
