//! # Room card: quant/performance
//! In:    simple returns of one series, a benchmark's beside it, and the conventions.
//! Out:   `Performance`, `RelativePerformance`, drawdowns and the moments that the Sharpe statistics need.
//! Holds: a ratio whose denominator is 0 is `None`, never NaN or an infinity; losses and drawdowns are negative here.
//! Costs: a few passes and one sort.
mod drawdown;
mod relative;
mod signals;

pub use drawdown::{Drawdown, Drawdowns, drawdowns};
pub use relative::{RelativePerformance, relative};
pub use signals::{SignalEquity, SignalOptions, from_signals};

use crate::QuantError;
use crate::error::{at_least, finite, in_range, positive};
use crate::matrix::checked_vector;
use crate::stats::{is_constant, mean, quantile_sorted, shape, sorted, variance};

/// The period that a rate is stated for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RatePeriod {
    /// The period of the returns.
    Period,
    /// A year, compounded: a period has `(1 + rate)^(1 / periods per year) - 1`.
    Year,
}

/// A rate and the period it is stated for.
#[derive(Clone, Copy, PartialEq, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rate {
    /// 0.02 is two percent.
    pub value: f64,
    /// Of what.
    pub period: RatePeriod,
}

impl Rate {
    /// No rate.
    pub const ZERO: Rate = Rate { value: 0.0, period: RatePeriod::Period };

    /// The rate of one period of the returns.
    pub(crate) fn of_period(self, what: &'static str, periods_per_year: f64) -> Result<f64, QuantError> {
        finite(what, self.value)?;
        match self.period {
            RatePeriod::Period => Ok(self.value),
            RatePeriod::Year => {
                in_range(what, self.value, -1.0, f64::MAX)?;
                Ok(libm::expm1(libm::log1p(self.value) / periods_per_year))
            }
        }
    }
}

/// Conventions of `performance`.
#[derive(Clone, Copy, PartialEq, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PerformanceOptions {
    /// Returns a year: 252 (default) for trading days, 365 for days of a market that never closes, 12 for months.
    pub periods_per_year: f64,
    /// Taken from each return in Sharpe and omega; 0 by default.
    pub risk_free: Rate,
    /// The return below which a period counts as downside, in Sortino, downside risk and omega; 0 by default.
    pub target: Rate,
    /// Taken from the number of returns in the standard deviations, 1 (default) or 0.
    pub ddof: usize,
    /// Probability of each tail in `tail_ratio`, above 0 and below 0.5; 0.05 by default.
    pub tail: f64,
}

impl Default for PerformanceOptions {
    fn default() -> Self {
        PerformanceOptions { periods_per_year: 252.0, risk_free: Rate::ZERO, target: Rate::ZERO, ddof: 1, tail: 0.05 }
    }
}

/// What a series of returns did. Ratios are `None` where their denominator is 0.
#[derive(Clone, Copy, PartialEq, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Performance {
    /// How many returns.
    pub periods: usize,
    /// Product of (1 + r), less 1.
    pub total_return: f64,
    /// Compound annual growth: (1 + total)^(periods per year / periods) - 1.
    pub cagr: f64,
    /// Mean return a period.
    pub mean: f64,
    /// Standard deviation times √(periods per year).
    pub annual_volatility: f64,
    /// Mean excess return over its standard deviation (`ddof`), times √(periods per year).
    pub sharpe: Option<f64>,
    /// Mean return above target over the root mean square shortfall of all periods, times √(periods per year).
    pub sortino_all: Option<f64>,
    /// As `sortino_all`, the root mean square over the periods below target only.
    pub sortino_negative_only: Option<f64>,
    /// Root mean square shortfall below target of all periods, times √(periods per year).
    pub downside_risk: f64,
    /// CAGR over the size of the largest drawdown.
    pub calmar: Option<f64>,
    /// Sum of returns above risk-free and target over the sum of shortfalls below.
    pub omega: Option<f64>,
    /// Size of the upper tail quantile over that of the lower (linear between order statistics).
    pub tail_ratio: Option<f64>,
    /// R² of the cumulated log returns against time; none where a return is -1.
    pub stability: Option<f64>,
    /// Biased skewness, m3 / m2^1.5.
    pub skewness: f64,
    /// Biased Pearson kurtosis, m4 / m2² (3 of a Gaussian).
    pub kurtosis: f64,
    /// Share of winners among the periods that are not 0.
    pub win_rate: Option<f64>,
    /// Sum of gains over sum of losses.
    pub profit_factor: Option<f64>,
    /// Mean gain over mean loss.
    pub payoff_ratio: Option<f64>,
    /// Kelly fraction of a binary bet with this win rate and payoff, `p - (1 - p) / b`; may be negative.
    pub kelly: Option<f64>,
    /// Largest loss from a peak of the equity curve, 0 or negative.
    pub max_drawdown: f64,
    /// Root mean square of the drawdowns after each period.
    pub ulcer_index: f64,
}

/// The ratio, where the denominator is not 0 and the result is finite.
fn ratio(above: f64, below: f64) -> Option<f64> {
    let value = above / below;
    if value.is_finite() { Some(value) } else { None }
}

/// Simple returns: finite, at least -1.
pub(crate) fn checked_returns(what: &'static str, returns: &[f64]) -> Result<(), QuantError> {
    checked_vector(what, returns)?;
    match returns.iter().find(|value| **value < -1.0) {
        Some(value) => Err(QuantError::OutOfRange { what, value: *value, low: -1.0, high: f64::MAX }),
        None => Ok(()),
    }
}

/// Performance of simple returns, the oldest first.
///
/// Errors: `QUANT_EMPTY`, `QUANT_NOT_FINITE`, `QUANT_TOO_FEW` (two), `QUANT_OUT_OF_RANGE` (a return below -1, an
/// option), `QUANT_UNDEFINED` where the equity or its squares overflow.
/// Conventions: `sharpe`, `sortino_all`, `calmar`, `omega`, `tail_ratio`, `stability` and `downside_risk` are
/// empyrical's (0.5) with `ddof` 1; `win_rate`, `profit_factor`, `payoff_ratio` and `kelly` are quantstats' (0.0.86).
pub fn performance(returns: &[f64], options: PerformanceOptions) -> Result<Performance, QuantError> {
    checked_returns("returns", returns)?;
    at_least("returns", returns.len(), 2)?;
    let (risk_free, target) = checked_options(&options)?;
    let count = returns.len() as f64;
    let year = libm::sqrt(options.periods_per_year);
    let average = mean(returns);
    let deviation = libm::sqrt(variance(returns, options.ddof));
    let shortfalls: f64 = returns.iter().map(|r| (r - target).min(0.0)).map(|s| s * s).sum();
    let below = returns.iter().filter(|r| **r < target).count() as f64;
    let downside = libm::sqrt(shortfalls / count);
    let over = |r: &f64| r - risk_free - target;
    let gains_over: f64 = returns.iter().map(|r| over(r).max(0.0)).sum();
    let losses_over: f64 = returns.iter().map(|r| (-over(r)).max(0.0)).sum();
    let ordered = sorted(returns);
    let curve = drawdowns(returns)?;
    let growth = 1.0 + curve.total_return;
    let cagr = libm::pow(growth, options.periods_per_year / count) - 1.0;
    if !(cagr.is_finite() && (deviation * year).is_finite() && (downside * year).is_finite()) {
        return Err(QuantError::Undefined { what: "performance", why: "the equity or its squares overflow" });
    }
    let trades = trades(returns);
    let flat = is_constant(returns);
    let (skewness, kurtosis) = shape(returns);
    Ok(Performance {
        periods: returns.len(),
        total_return: curve.total_return,
        cagr,
        mean: average,
        annual_volatility: if flat { 0.0 } else { deviation * year },
        sharpe: if flat { None } else { ratio((average - risk_free) * year, deviation) },
        sortino_all: ratio((average - target) * year, downside),
        sortino_negative_only: ratio((average - target) * year, libm::sqrt(shortfalls / below.max(1.0))),
        downside_risk: downside * year,
        calmar: ratio(cagr, -curve.max_drawdown),
        omega: ratio(gains_over, losses_over),
        tail_ratio: ratio(
            quantile_sorted(&ordered, 1.0 - options.tail).abs(),
            quantile_sorted(&ordered, options.tail).abs(),
        ),
        stability: stability(returns),
        skewness,
        kurtosis,
        win_rate: trades.win_rate,
        profit_factor: trades.profit_factor,
        payoff_ratio: trades.payoff_ratio,
        kelly: trades.kelly,
        max_drawdown: curve.max_drawdown,
        ulcer_index: curve.ulcer_index,
    })
}

/// Rates of a period: risk-free and target.
fn checked_options(options: &PerformanceOptions) -> Result<(f64, f64), QuantError> {
    positive("periodsPerYear", options.periods_per_year)?;
    in_range("ddof", options.ddof as f64, 0.0, 1.0)?;
    in_range("tail", options.tail, f64::MIN_POSITIVE, 0.5 - f64::EPSILON)?;
    let risk_free = options.risk_free.of_period("riskFree", options.periods_per_year)?;
    Ok((risk_free, options.target.of_period("target", options.periods_per_year)?))
}

struct Trades {
    win_rate: Option<f64>,
    profit_factor: Option<f64>,
    payoff_ratio: Option<f64>,
    kelly: Option<f64>,
}

fn trades(returns: &[f64]) -> Trades {
    let wins = returns.iter().filter(|r| **r > 0.0).count() as f64;
    let losses = returns.iter().filter(|r| **r < 0.0).count() as f64;
    let gained: f64 = returns.iter().filter(|r| **r > 0.0).sum();
    let lost: f64 = -returns.iter().filter(|r| **r < 0.0).sum::<f64>();
    let win_rate = ratio(wins, wins + losses);
    let payoff_ratio = ratio(gained / wins.max(1.0), lost / losses);
    let kelly = win_rate.zip(payoff_ratio).and_then(|(p, b)| ratio(p * b - (1.0 - p), b));
    Trades { win_rate, profit_factor: ratio(gained, lost), payoff_ratio, kelly }
}

/// R² of the regression of cumulated log returns on 0, 1, 2, …
fn stability(returns: &[f64]) -> Option<f64> {
    if returns.iter().any(|r| *r <= -1.0) {
        return None;
    }
    let mut sum = 0.0;
    let mut path = Vec::with_capacity(returns.len());
    for r in returns {
        sum += libm::log1p(*r);
        path.push(sum);
    }
    let time: Vec<f64> = (0..returns.len()).map(|at| at as f64).collect();
    crate::stats::correlation(&time, &path).map(|r| r * r)
}

#[cfg(test)]
mod tests;
