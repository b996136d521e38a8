//! # Room card: quant/performance/relative
//! In:    simple returns of a portfolio and of its benchmark, period by period.
//! Out:   alpha, beta, tracking error, information ratio.
//! Holds: the risk-free rate is taken from both sides of the regression; ratios without a denominator are `None`.
//! Costs: a few passes.
use super::{PerformanceOptions, checked_options, checked_returns, ratio};
use crate::QuantError;
use crate::error::{at_least, length};
use crate::stats::{correlation, is_constant, mean, variance};

/// A portfolio against its benchmark.
#[derive(Clone, Copy, PartialEq, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RelativePerformance {
    /// Slope of the excess returns on the benchmark's excess returns.
    pub beta: f64,
    /// Mean excess return that beta does not explain, a period.
    pub alpha_per_period: f64,
    /// `alpha_per_period` compounded over a year: (1 + α)^(periods per year) - 1 (empyrical's alpha).
    pub alpha_compounded: f64,
    /// `alpha_per_period` times periods per year.
    pub alpha_simple: f64,
    /// Correlation of the two; none where the portfolio does not vary.
    pub correlation: Option<f64>,
    /// Standard deviation (`ddof`) of the difference of returns times √(periods per year).
    pub tracking_error: f64,
    /// Mean difference of returns over its standard deviation, a period (quantstats' information ratio).
    pub information_ratio_per_period: Option<f64>,
    /// The same times √(periods per year).
    pub information_ratio: Option<f64>,
}

/// Performance against a benchmark over the same periods.
///
/// Errors: those of `performance`; `QUANT_RAGGED` where the lengths differ; `QUANT_CONSTANT` for a benchmark that does
/// not vary, `QUANT_UNDEFINED` where a year's alpha overflows. Uses `periods_per_year`, `risk_free` and `ddof` of the
/// options.
pub fn relative(
    returns: &[f64],
    benchmark: &[f64],
    options: PerformanceOptions,
) -> Result<RelativePerformance, QuantError> {
    checked_returns("returns", returns)?;
    checked_returns("benchmark", benchmark)?;
    length("benchmark", benchmark.len(), returns.len())?;
    at_least("returns", returns.len(), 2)?;
    let (risk_free, _) = checked_options(&options)?;
    if is_constant(benchmark) {
        return Err(QuantError::Constant { what: "benchmark", column: 0 });
    }
    let (own, other) = (mean(returns), mean(benchmark));
    let pairs = || returns.iter().zip(benchmark);
    let cross: f64 = pairs().map(|(r, b)| (r - own) * (b - other)).sum();
    let square: f64 = benchmark.iter().map(|b| (b - other) * (b - other)).sum();
    let beta = ratio(cross, square).ok_or(QuantError::Constant { what: "benchmark", column: 0 })?;
    let alpha = (own - risk_free) - beta * (other - risk_free);
    let active: Vec<f64> = pairs().map(|(r, b)| r - b).collect();
    let error = if is_constant(&active) { 0.0 } else { libm::sqrt(variance(&active, options.ddof)) };
    let per_period = ratio(mean(&active), error);
    let year = options.periods_per_year;
    // A mean loss of more than everything a period cannot be compounded.
    let compounded = if alpha > -1.0 { libm::expm1(libm::log1p(alpha) * year) } else { -1.0 };
    if !(compounded.is_finite() && (alpha * year).is_finite() && (error * libm::sqrt(year)).is_finite()) {
        return Err(QuantError::Undefined { what: "relativePerformance", why: "a year's alpha overflows" });
    }
    Ok(RelativePerformance {
        beta,
        alpha_per_period: alpha,
        alpha_compounded: compounded,
        alpha_simple: alpha * year,
        correlation: correlation(returns, benchmark),
        tracking_error: error * libm::sqrt(year),
        information_ratio_per_period: per_period,
        information_ratio: per_period.map(|value| value * libm::sqrt(year)),
    })
}
