//! # Room card: quant/allocate/simple
//! In:    a number of assets, volatilities, or weights and a target.
//! Out:   equal weights, weights by the inverse of volatility, weights scaled to a target volatility.
//! Holds: equal and inverse-volatility weights are positive and sum to 1; a leverage cap is never passed.
//! Costs: O(N), O(N²) for the volatility of a portfolio.
use super::{covariance_of, volatilities};
use crate::error::{at_least, at_most, positive};
use crate::matrix::checked_vector_of;
use crate::optimise::{ASSETS_MAX, add_scaled, dot};
use crate::{Matrix, QuantError};

/// The same weight for each of `assets`: 1/N.
///
/// Errors: `QUANT_TOO_FEW` for none, `QUANT_TOO_LARGE`.
pub fn equal_weight(assets: usize) -> Result<Vec<f64>, QuantError> {
    at_least("assets", assets, 1)?;
    at_most("assets", assets, ASSETS_MAX)?;
    Ok(vec![1.0 / assets as f64; assets])
}

/// Weights in proportion to 1/σ: each asset alone would carry the same risk.
///
/// Errors: `QUANT_CONSTANT` for an asset without variance; those of the covariance.
pub fn inverse_volatility(covariance: Matrix<'_>) -> Result<Vec<f64>, QuantError> {
    let covariance = covariance_of(covariance)?;
    let volatilities = volatilities(&covariance)?;
    // By the largest first, so that no inverse overflows whatever the unit is.
    let largest = volatilities.iter().copied().fold(0.0, f64::max);
    let raw: Vec<f64> = volatilities.iter().map(|sigma| largest / sigma).collect();
    let sum: f64 = raw.iter().sum();
    Ok(raw.iter().map(|value| value / sum).collect())
}

/// What `volatility_target` needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VolatilityTargetOptions {
    /// Volatility wanted, a year, as a fraction (0.1 = 10 %).
    pub target: f64,
    /// Periods of the covariance in a year (252 for daily returns).
    pub periods_per_year: f64,
    /// Highest factor on the weights; the rest of a factor under 1 is cash, over 1 is borrowed.
    pub leverage_max: f64,
}

impl Default for VolatilityTargetOptions {
    fn default() -> Self {
        VolatilityTargetOptions { target: 0.1, periods_per_year: 252.0, leverage_max: 1.0 }
    }
}

/// Weights scaled to a target volatility.
#[derive(Clone, Debug, PartialEq)]
pub struct VolatilityTarget {
    /// Weights times the factor.
    pub weights: Vec<f64>,
    /// The factor: target over volatility, at most `leverage_max`.
    pub factor: f64,
    /// Volatility a year of the weights as they came.
    pub volatility: f64,
    /// What is left of the sum of the weights as they came: cash, or borrowed where negative.
    pub cash: f64,
}

/// Scales `weights` by target volatility over their own, √(wᵀΣw × periods a year), up to the leverage cap.
///
/// Errors: `QUANT_OUT_OF_RANGE`, `QUANT_RAGGED`, `QUANT_NOT_FINITE`; `QUANT_UNDEFINED` where the weights carry no
/// risk and there is no finite cap.
pub fn volatility_target(
    weights: &[f64],
    covariance: Matrix<'_>,
    options: VolatilityTargetOptions,
) -> Result<VolatilityTarget, QuantError> {
    let n = covariance.columns();
    let matrix = covariance_of(covariance)?;
    checked_vector_of("weights", weights, n)?;
    positive("target", options.target)?;
    positive("periods per year", options.periods_per_year)?;
    if options.leverage_max != f64::INFINITY {
        positive("leverage", options.leverage_max)?;
    }
    let volatility = (portfolio_variance(weights, matrix.values()) * options.periods_per_year).sqrt();
    let factor = (options.target / volatility).min(options.leverage_max);
    if !factor.is_finite() {
        return Err(QuantError::Undefined { what: "volatility target", why: "the weights carry no risk" });
    }
    let scaled: Vec<f64> = weights.iter().map(|weight| weight * factor).collect();
    let cash = weights.iter().sum::<f64>() - scaled.iter().sum::<f64>();
    Ok(VolatilityTarget { weights: scaled, factor, volatility, cash })
}

/// wᵀΣw, at least 0.
pub(crate) fn portfolio_variance(weights: &[f64], covariance: &[f64]) -> f64 {
    let mut product = vec![0.0; weights.len()];
    for (column, &weight) in covariance.chunks_exact(weights.len()).zip(weights) {
        add_scaled(&mut product, weight, column);
    }
    dot(&product, weights).max(0.0)
}
