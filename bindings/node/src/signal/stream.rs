//! # Room card: bindings/node/signal/stream
//! In:    rows of numbers.
//! Out:   updates of one signal, its value as a number, its state as JSON.
//! Holds: one meaning of the columns per kind, listed at `Stream`.
//! Costs: a match and the signal.
use serde_json::{Value, json};
use signal::{
    EwmaVolatility, KyleLambda, MarkOuts, OrderFlowImbalance, PreAveragedVolatility, RealisedVolatility,
    RollingVolatility, TradeClusterPin, TradeFlowImbalance, TradeIntensity, TwoScalesVolatility, VolatilityEstimate,
    Vpin,
};
use types::{Fault, Lots, Side, Ticks, UnixNanos};

use super::{touch, whole};
use crate::errors::argument;

/// Most columns of an update.
pub(super) const COLUMNS_MAX: usize = 5;

/// The streaming signals, with their columns. Times are nanoseconds from any start, mids bid + ask in ticks, sides 1
/// (buy) or 2 (sell); side 0 is a mid.
pub(super) enum Stream {
    /// Time, mid.
    Rolling(RollingVolatility),
    /// Time, mid.
    Ewma(EwmaVolatility),
    /// Time, mid.
    Realised(RealisedVolatility),
    /// Time, price.
    TwoScales(TwoScalesVolatility),
    /// Time, price.
    PreAveraged(PreAveragedVolatility),
    /// Time, bid, bid lots, ask, ask lots.
    OrderFlow(OrderFlowImbalance),
    /// Time, aggressor, lots.
    TradeFlow(TradeFlowImbalance),
    /// Time, aggressor or 0, lots or mid.
    Kyle(KyleLambda),
    /// Aggressor, lots.
    Vpin(Vpin),
    /// Aggressor.
    Cluster(TradeClusterPin),
    /// Time, aggressor (0: time passes), price, mid before.
    Intensity(TradeIntensity),
    /// Time, our side or 0, price or mid, lots.
    MarkOuts(Box<MarkOuts>),
}

fn time(value: f64) -> Result<UnixNanos, Fault> {
    let nanos = whole("timeNs", value)?;
    u64::try_from(nanos).map(UnixNanos).map_err(|_| argument("timeNs must not be negative"))
}

fn side(value: f64) -> Result<Option<Side>, Fault> {
    match value {
        0.0 => Ok(None),
        1.0 => Ok(Some(Side::Buy)),
        2.0 => Ok(Some(Side::Sell)),
        _ => Err(argument("a side is 1 (buy) or 2 (sell)")),
    }
}

fn aggressor(value: f64) -> Result<Side, Fault> {
    side(value)?.ok_or_else(|| argument("a side is 1 (buy) or 2 (sell)"))
}

fn estimate(found: Option<VolatilityEstimate>) -> Value {
    found.map_or(Value::Null, |found| {
        let (low, high) = found.interval_95();
        json!({
            "sigma": found.sigma, "standardError": found.standard_error, "low": low, "high": high,
            "noise": found.noise, "samples": found.samples,
        })
    })
}

impl Stream {
    pub(super) fn columns(&self) -> usize {
        match self {
            Stream::Cluster(_) => 1,
            Stream::Vpin(_) => 2,
            Stream::TradeFlow(_) | Stream::Kyle(_) => 3,
            Stream::Intensity(_) | Stream::MarkOuts(_) => 4,
            Stream::OrderFlow(_) => 5,
            _ => 2,
        }
    }

    /// One update; false when the signal refused it (and counted).
    pub(super) fn row(&mut self, row: &[f64; COLUMNS_MAX]) -> Result<bool, Fault> {
        let mid = |value: f64| whole("halfTicks", value);
        let lots = |value: f64| whole("lots", value).map(Lots);
        Ok(match self {
            Stream::Rolling(volatility) => volatility.on_mid(time(row[0])?, mid(row[1])?),
            Stream::Ewma(volatility) => {
                volatility.on_mid(time(row[0])?, mid(row[1])?);
                true
            }
            Stream::Realised(volatility) => {
                volatility.on_mid(time(row[0])?, mid(row[1])?);
                true
            }
            Stream::TwoScales(volatility) => volatility.on_price(time(row[0])?, mid(row[1])?),
            Stream::PreAveraged(volatility) => volatility.on_price(time(row[0])?, mid(row[1])?),
            Stream::OrderFlow(flow) => {
                let refused = flow.rejected();
                flow.on_touch(time(row[0])?, &touch(&row[1..])?);
                flow.rejected() == refused
            }
            Stream::TradeFlow(flow) => flow.on_trade(time(row[0])?, aggressor(row[1])?, lots(row[2])?),
            Stream::Kyle(kyle) => match side(row[1])? {
                Some(side) => kyle.on_trade(time(row[0])?, side, lots(row[2])?),
                None => {
                    kyle.on_mid(time(row[0])?, mid(row[2])?);
                    true
                }
            },
            Stream::Vpin(vpin) => vpin.on_trade(aggressor(row[0])?, lots(row[1])?),
            Stream::Cluster(pin) => {
                pin.on_trade(aggressor(row[0])?);
                true
            }
            Stream::Intensity(intensity) => match side(row[1])? {
                Some(side) => {
                    let price = Ticks(whole("priceTicks", row[2])?);
                    intensity.on_trade(time(row[0])?, side, price, mid(row[3])?)
                }
                None => {
                    intensity.advance(time(row[0])?);
                    true
                }
            },
            Stream::MarkOuts(marks) => match side(row[1])? {
                Some(side) => {
                    let price = Ticks(whole("priceTicks", row[2])?);
                    marks.on_fill(time(row[0])?, side, price, lots(row[3])?)
                }
                None => {
                    marks.on_mid(time(row[0])?, mid(row[2])?);
                    true
                }
            },
        })
    }

    /// The signal's one number; NaN where it has none, and for those that are tables.
    pub(super) fn value(&self) -> f64 {
        let value = match self {
            Stream::Rolling(volatility) => volatility.sigma(),
            Stream::Ewma(volatility) => volatility.sigma(),
            Stream::Realised(volatility) => volatility.sigma(),
            Stream::TwoScales(volatility) => volatility.sigma(),
            Stream::PreAveraged(volatility) => volatility.sigma(),
            Stream::OrderFlow(flow) => Some(flow.lots() as f64),
            Stream::TradeFlow(flow) => flow.value(),
            Stream::Kyle(kyle) => kyle.estimate().map(|estimate| estimate.lambda),
            Stream::Vpin(vpin) => vpin.value(),
            Stream::Cluster(pin) => pin.estimate().ok().map(|estimate| estimate.pin),
            Stream::Intensity(_) | Stream::MarkOuts(_) => None,
        };
        value.unwrap_or(f64::NAN)
    }

    pub(super) fn read(&self) -> Result<Value, Fault> {
        Ok(match self {
            Stream::Rolling(volatility) => json!({ "sigma": volatility.sigma(), "samples": volatility.samples() }),
            Stream::Ewma(volatility) => estimate(volatility.estimate()),
            Stream::Realised(volatility) => estimate(volatility.estimate()),
            Stream::TwoScales(volatility) => estimate(volatility.estimate()),
            Stream::PreAveraged(volatility) => estimate(volatility.estimate()),
            Stream::OrderFlow(flow) => json!({
                "lots": flow.lots() as f64, "events": flow.events(), "dropped": flow.dropped(),
                "rejected": flow.rejected(),
            }),
            Stream::TradeFlow(flow) => {
                let (buys, sells) = flow.volumes();
                json!({
                    "value": flow.value(), "buyLots": buys as f64, "sellLots": sells as f64, "trades": flow.trades(),
                    "dropped": flow.dropped(), "rejected": flow.rejected(),
                })
            }
            Stream::Kyle(kyle) => kyle.estimate().map_or(Value::Null, |found| {
                json!({
                    "lambda": found.lambda, "standardError": found.standard_error, "covariance": found.covariance,
                    "variance": found.variance, "intervals": found.intervals,
                })
            }),
            Stream::Vpin(vpin) => {
                json!({ "value": vpin.value(), "buckets": vpin.buckets(), "rejected": vpin.rejected() })
            }
            Stream::Cluster(pin) => {
                let found = pin.estimate()?;
                json!({
                    "pin": found.pin, "persistence": found.persistence, "zScore": found.z_score,
                    "clusters": found.clusters, "trades": found.trades,
                })
            }
            Stream::Intensity(intensity) => json!({
                "seconds": intensity.exposure_seconds(), "buys": intensity.counts(Side::Buy),
                "sells": intensity.counts(Side::Sell), "inside": intensity.inside(), "dropped": intensity.dropped(),
            }),
            Stream::MarkOuts(marks) => {
                let rows = marks.horizons().iter().enumerate().flat_map(|(at, horizon)| {
                    Side::BOTH.map(|side| {
                        let found = marks.result(at, side);
                        json!({
                            "horizonNanos": horizon.0, "side": if side == Side::Buy { "buy" } else { "sell" },
                            "fills": found.fills, "lots": found.lots as f64, "money": found.money,
                            "ticksPerLot": found.ticks_per_lot(), "moneyPerLot": found.money_per_lot(),
                        })
                    })
                });
                json!({
                    "rows": rows.collect::<Vec<Value>>(), "pending": marks.pending(), "dropped": marks.dropped(),
                    "rejected": marks.rejected(),
                })
            }
        })
    }

    pub(super) fn reset(&mut self) -> Result<(), Fault> {
        match self {
            Stream::Rolling(volatility) => volatility.reset(),
            Stream::Ewma(volatility) => volatility.reset(),
            Stream::TwoScales(volatility) => volatility.reset(),
            Stream::PreAveraged(volatility) => volatility.reset(),
            Stream::OrderFlow(flow) => flow.forget_touch(),
            _ => return Err(argument("this signal has no reset: its window forgets by itself")),
        }
        Ok(())
    }
}
