//! # Room card: quant/risk/backtest
//! In:    returns and the value at risk that was forecast for each, or the exceptions themselves.
//! Out:   exceptions, Kupiec's and Christoffersen's tests, Basel's traffic light.
//! Holds: an exception is a loss strictly beyond the forecast; 0 · ln 0 = 0, so that no count is refused.
//! Costs: one pass; the rolling historical forecast a sorted window of which one value changes a day.

use super::value_at_risk::{order_index, tail_of};
use crate::distributions::{binomial_cdf, chi2_tail_1, chi2_tail_2};
use crate::error::{at_least, at_most, in_range, length};
use crate::matrix::checked_vector;
use crate::{JobControl, QuantError};

/// Longest series of exceptions.
pub const EXCEPTIONS_MAX: usize = 1 << 28;

/// A likelihood-ratio test.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LikelihoodRatio {
    /// -2 ln of the ratio of the likelihoods.
    pub statistic: f64,
    /// Probability of one at least as large if the model is right (χ²).
    pub p_value: f64,
}

/// n ln p with 0 ln 0 = 0.
fn n_ln(count: u64, p: f64) -> f64 {
    if count == 0 { 0.0 } else { count as f64 * libm::log(p) }
}

/// Kupiec's test of unconditional coverage: are `exceptions` in `days` what a tail of `tail` (1 - confidence) leads to?
///
/// Source: P. Kupiec (1995). χ² with one degree of freedom.
///
/// Errors: `QUANT_EMPTY` for no days, `QUANT_OUT_OF_RANGE` for more exceptions than days or a tail outside (0, 1).
pub fn kupiec(exceptions: u64, days: u64, tail: f64) -> Result<LikelihoodRatio, QuantError> {
    if days == 0 {
        return Err(QuantError::Empty { what: "days" });
    }
    in_range("tail", tail, 1e-12, 1.0 - 1e-12)?;
    in_range("exceptions", exceptions as f64, 0.0, days as f64)?;
    let seen = exceptions as f64 / days as f64;
    let expected = n_ln(days - exceptions, 1.0 - tail) + n_ln(exceptions, tail);
    let observed = n_ln(days - exceptions, 1.0 - seen) + n_ln(exceptions, seen);
    let statistic = -2.0 * (expected - observed);
    Ok(LikelihoodRatio { statistic, p_value: chi2_tail_1(statistic) })
}

/// Christoffersen's tests of a series of exceptions.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Christoffersen {
    /// Days that followed: [no exception → none, → one], [exception → none, → one].
    pub transitions: [[u64; 2]; 2],
    /// Independence: does an exception change the odds of the next day? χ² with one degree of freedom.
    pub independence: LikelihoodRatio,
    /// Conditional coverage: independence and Kupiec's test together. χ² with two degrees of freedom.
    pub conditional_coverage: LikelihoodRatio,
}

/// Christoffersen's tests.
///
/// Source: P. Christoffersen (1998).
///
/// Errors: `QUANT_TOO_FEW` under two days, `QUANT_OUT_OF_RANGE` for the tail.
pub fn christoffersen(exceptions: &[bool], tail: f64) -> Result<Christoffersen, QuantError> {
    at_least("exceptions", exceptions.len(), 2)?;
    at_most("exceptions", exceptions.len(), EXCEPTIONS_MAX)?;
    let mut n = [[0u64; 2]; 2];
    for pair in exceptions.windows(2) {
        n[usize::from(pair[0])][usize::from(pair[1])] += 1;
    }
    let share = |hits: u64, all: u64| if all == 0 { 0.0 } else { hits as f64 / all as f64 };
    let (calm, hit) = (n[0][0] + n[0][1], n[1][0] + n[1][1]);
    let (p01, p11, p) = (share(n[0][1], calm), share(n[1][1], hit), share(n[0][1] + n[1][1], calm + hit));
    let together = n_ln(n[0][0] + n[1][0], 1.0 - p) + n_ln(n[0][1] + n[1][1], p);
    let apart = n_ln(n[0][0], 1.0 - p01) + n_ln(n[0][1], p01) + n_ln(n[1][0], 1.0 - p11) + n_ln(n[1][1], p11);
    let independence = -2.0 * (together - apart);
    let count = exceptions.iter().filter(|&&exception| exception).count() as u64;
    let both = independence + kupiec(count, exceptions.len() as u64, tail)?.statistic;
    Ok(Christoffersen {
        transitions: n,
        independence: LikelihoodRatio { statistic: independence, p_value: chi2_tail_1(independence) },
        conditional_coverage: LikelihoodRatio { statistic: both, p_value: chi2_tail_2(both) },
    })
}

/// A zone of the traffic light.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum BaselZone {
    /// The model stands.
    Green,
    /// The multiplier rises.
    Yellow,
    /// The model is presumed wrong.
    Red,
}

/// Basel's traffic light.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BaselLight {
    /// The zone.
    pub zone: BaselZone,
    /// Multiplier of the capital charge: 3 and the addition of the zone.
    pub multiplier: f64,
    /// Probability of at most so many exceptions if the model is right.
    pub cumulative_probability: f64,
}

/// Additions to the multiplier for 0 to 10 and more exceptions in 250 days at 99 %.
const ADDITIONS: [f64; 11] = [0.0, 0.0, 0.0, 0.0, 0.0, 0.40, 0.50, 0.65, 0.75, 0.85, 1.0];

/// The traffic light for exceptions of a 99 % value at risk in 250 days.
///
/// Source: Basel Committee, "Supervisory framework for the use of backtesting" (1996), table 2; MAR99.
///
/// Errors: `QUANT_OUT_OF_RANGE` for more than 250 exceptions.
pub fn basel_traffic_light(exceptions: u64) -> Result<BaselLight, QuantError> {
    in_range("exceptions", exceptions as f64, 0.0, 250.0)?;
    let zone = match exceptions {
        0..=4 => BaselZone::Green,
        5..=9 => BaselZone::Yellow,
        _ => BaselZone::Red,
    };
    let multiplier = 3.0 + ADDITIONS[(exceptions as usize).min(10)];
    Ok(BaselLight { zone, multiplier, cumulative_probability: binomial_cdf(exceptions, 250, 0.01) })
}

/// Probabilities of at most 0, 1, .. `most` exceptions in `days` if the model is right: the table behind the traffic
/// light.
///
/// Errors: `QUANT_EMPTY` for no days, `QUANT_OUT_OF_RANGE` for the tail or a `most` over `days`, `QUANT_TOO_LARGE` over
/// 4,096.
pub fn exception_probabilities(most: u64, days: u64, tail: f64) -> Result<Vec<f64>, QuantError> {
    if days == 0 {
        return Err(QuantError::Empty { what: "days" });
    }
    at_most("most", most as usize, 4_096)?;
    in_range("tail", tail, 1e-12, 1.0 - 1e-12)?;
    in_range("most", most as f64, 0.0, days as f64)?;
    Ok((0..=most).map(|k| binomial_cdf(k, days, tail)).collect())
}

/// Everything a series of exceptions says.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VarBacktest {
    /// Days with a forecast.
    pub days: usize,
    /// How many were exceptions.
    pub exceptions: usize,
    /// Which, counted from the first day with a forecast.
    #[serde(skip)]
    pub exception_days: Vec<usize>,
    /// Unconditional coverage.
    pub kupiec: LikelihoodRatio,
    /// Independence and conditional coverage.
    pub christoffersen: Christoffersen,
    /// Exceptions among the last 250 days (all, if there are fewer).
    pub exceptions_last_250: usize,
    /// Basel's light for them, at 99 % and with 250 days only.
    pub basel: Option<BaselLight>,
}

fn judge(exceptions: &[bool], confidence: f64) -> Result<VarBacktest, QuantError> {
    let tail = tail_of(confidence)?;
    let days: Vec<usize> = (0..exceptions.len()).filter(|&i| exceptions[i]).collect();
    let from = exceptions.len().saturating_sub(250);
    let recent = days.iter().filter(|&&day| day >= from).count();
    let applies = exceptions.len() >= 250 && (confidence - 0.99).abs() < 1e-12;
    Ok(VarBacktest {
        days: exceptions.len(),
        exceptions: days.len(),
        kupiec: kupiec(days.len() as u64, exceptions.len() as u64, tail)?,
        christoffersen: christoffersen(exceptions, tail)?,
        exceptions_last_250: recent,
        basel: if applies { Some(basel_traffic_light(recent as u64)?) } else { None },
        exception_days: days,
    })
}

/// Tests forecasts against what came: `forecasts[i]` (losses positive) was made for `returns[i]`; an exception is a
/// loss strictly larger than its forecast.
///
/// Errors: `QUANT_RAGGED` for lengths that differ, `QUANT_NOT_FINITE`, `QUANT_EMPTY`, `QUANT_TOO_FEW` under two days,
/// `QUANT_OUT_OF_RANGE` for the confidence.
pub fn backtest_forecasts(returns: &[f64], forecasts: &[f64], confidence: f64) -> Result<VarBacktest, QuantError> {
    checked_vector("returns", returns)?;
    checked_vector("forecasts", forecasts)?;
    length("forecasts", forecasts.len(), returns.len())?;
    let exceptions: Vec<bool> = returns.iter().zip(forecasts).map(|(r, forecast)| *r < -forecast).collect();
    judge(&exceptions, confidence)
}

/// The quantile of the rolling historical forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RollingQuantile {
    /// Linear interpolation (numpy's default).
    #[default]
    Interpolated,
    /// The ⌈αn⌉-th worst return of the window.
    OrderStatistic,
}

/// Parameters of [`backtest_historical`].
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RollingBacktestOptions {
    /// Days of the window before each forecast.
    pub window: usize,
    /// Over 0 and below 1.
    pub confidence: f64,
    /// The quantile of the window.
    pub quantile: RollingQuantile,
}

impl Default for RollingBacktestOptions {
    fn default() -> Self {
        RollingBacktestOptions { window: 250, confidence: 0.99, quantile: RollingQuantile::Interpolated }
    }
}

/// Rolls a historical value at risk over returns and tests it: the forecast for day t is the quantile of the `window`
/// returns before it.
///
/// Errors: `QUANT_NOT_FINITE`, `QUANT_TOO_FEW` for a window under two or fewer than two days after it,
/// `QUANT_OUT_OF_RANGE`, `QUANT_CANCELLED`.
pub fn backtest_historical(
    returns: &[f64],
    options: &RollingBacktestOptions,
    control: &JobControl<'_>,
) -> Result<VarBacktest, QuantError> {
    checked_vector("returns", returns)?;
    let tail = tail_of(options.confidence)?;
    at_least("window", options.window, 2)?;
    at_least("returns", returns.len(), options.window.saturating_add(2))?;
    let window = options.window;
    let mut sorted = crate::stats::sorted(&returns[..window]);
    let mut exceptions = Vec::with_capacity(returns.len() - window);
    for t in window..returns.len() {
        if t % 1024 == 0 {
            control.check()?;
            control.progress((t - window) as u64, (returns.len() - window) as u64);
        }
        let quantile = match options.quantile {
            RollingQuantile::Interpolated => crate::stats::interpolated(&sorted, tail * (window - 1) as f64),
            RollingQuantile::OrderStatistic => sorted[order_index(tail, window)],
        };
        exceptions.push(returns[t] < quantile);
        // The oldest return leaves, today's joins.
        let oldest = returns[t - window];
        let out = sorted.partition_point(|r| r.total_cmp(&oldest).is_lt());
        sorted.remove(out);
        let into = sorted.partition_point(|r| r.total_cmp(&returns[t]).is_lt());
        sorted.insert(into, returns[t]);
    }
    judge(&exceptions, options.confidence)
}
