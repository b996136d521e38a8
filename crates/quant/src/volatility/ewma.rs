//! # Room card: quant/volatility/ewma
//! In:    returns, the weight of the past, a start.
//! Out:   volatility of every period as it was forecast one period before, and of the next.
//! Holds: σ²ₜ depends on returns before t only; mean zero.
//! Costs: two multiplications and a root a return.

use crate::QuantError;
use crate::error::{finite, in_range, positive};
use crate::matrix::checked_vector;

/// Where the recursion begins.
#[derive(Clone, Copy, Debug, PartialEq, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EwmaStart {
    /// The square of the first return, as RiskMetrics' examples and most spreadsheets do.
    #[default]
    FirstSquare,
    /// The mean square of all returns: known only afterwards, for estimates of the present.
    MeanSquare,
    /// A variance per period that the caller knows.
    Variance(f64),
}

/// Parameters of [`ewma_volatility`].
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EwmaOptions {
    /// Weight of the past λ, over 0 and below 1; 0.94 is RiskMetrics' for days.
    pub decay: f64,
    /// Where the recursion begins.
    pub start: EwmaStart,
}

impl Default for EwmaOptions {
    fn default() -> Self {
        EwmaOptions { decay: 0.94, start: EwmaStart::FirstSquare }
    }
}

/// Volatility per √period by exponential weights.
#[derive(Clone, Debug, PartialEq)]
pub struct EwmaEstimate {
    /// Forecast for each period, from the returns before it; the first is the start.
    pub volatilities: Vec<f64>,
    /// Forecast for the period after the last return.
    pub next: f64,
}

impl EwmaEstimate {
    /// The next forecast per √year.
    pub fn next_annual(&self, periods_per_year: f64) -> Result<f64, QuantError> {
        positive("periodsPerYear", periods_per_year)?;
        Ok(self.next * libm::sqrt(periods_per_year))
    }
}

/// σ²ₜ₊₁ = λ σ²ₜ + (1 - λ) r²ₜ.
///
/// Source: RiskMetrics technical document, 4th edition (1996), section 5.2.
///
/// Errors: `QUANT_EMPTY`, `QUANT_NOT_FINITE` for the returns, `QUANT_OUT_OF_RANGE` for a decay outside (0, 1) or a
/// start that is no variance.
pub fn ewma_volatility(returns: &[f64], options: EwmaOptions) -> Result<EwmaEstimate, QuantError> {
    checked_vector("returns", returns)?;
    in_range("decay", options.decay, f64::EPSILON, 1.0 - f64::EPSILON)?;
    let mut variance = match options.start {
        EwmaStart::FirstSquare => returns[0] * returns[0],
        EwmaStart::MeanSquare => returns.iter().map(|r| r * r).sum::<f64>() / returns.len() as f64,
        EwmaStart::Variance(variance) => {
            in_range("start", variance, 0.0, f64::MAX)?;
            variance
        }
    };
    let mut volatilities = Vec::with_capacity(returns.len());
    for &r in returns {
        volatilities.push(libm::sqrt(variance));
        variance = options.decay * variance + (1.0 - options.decay) * r * r;
    }
    finite("variance", variance)?;
    Ok(EwmaEstimate { volatilities, next: libm::sqrt(variance) })
}
