//! # Room card: quant/allocate/kelly
//! In:    the odds of a bet; or expected returns and a covariance.
//! Out:   the share of capital of highest growth, a fraction of it, under caps.
//! Holds: a bet without an edge gets 0; caps are never passed.
//! Costs: O(1); one quadratic program.
use super::covariance_of;
use crate::error::{finite, in_range, positive};
use crate::matrix::checked_vector_of;
use crate::optimise::{Allocation, Constraints, Region, Scaled};
use crate::{JobControl, Matrix, QuantError};

/// How much of the full Kelly stake of one bet is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KellyBetOptions {
    /// Part of the full stake (0.25 and 0.5 are usual), from 0 to 1.
    pub fraction: f64,
    /// Highest share of capital, from 0 to 1.
    pub cap: f64,
}

impl Default for KellyBetOptions {
    fn default() -> Self {
        KellyBetOptions { fraction: 1.0, cap: 1.0 }
    }
}

/// The share of capital for a bet that wins `odds` (b) times the stake with `probability` (p) and loses it otherwise:
/// f* = (bp − q)/b, at least 0, times the fraction, at most the cap.
///
/// Errors: `QUANT_OUT_OF_RANGE`. Source: Kelly (1956), Thorp (2006).
pub fn kelly_bet(probability: f64, odds: f64, options: KellyBetOptions) -> Result<f64, QuantError> {
    in_range("probability", probability, 0.0, 1.0)?;
    positive("odds", odds)?;
    in_range("fraction", options.fraction, 0.0, 1.0)?;
    in_range("cap", options.cap, 0.0, 1.0)?;
    // p − q/b, which does not overflow for large odds.
    let full = (odds * probability - (1.0 - probability)) / odds;
    let full = if full.is_finite() { full } else { probability };
    Ok((full.max(0.0) * options.fraction).min(options.cap))
}

/// How much of the full Kelly portfolio is taken.
#[derive(Clone, Debug, PartialEq)]
pub struct KellyOptions {
    /// Risk-free rate a period.
    pub risk_free: f64,
    /// Part of the full portfolio, from 0 to 1.
    pub fraction: f64,
    /// Highest |weight| of an asset after the fraction.
    pub cap: f64,
    /// Highest sum of |weights|; above it all weights shrink in proportion.
    pub gross_max: f64,
    /// What the full portfolio must meet; `None` for none, which gives Σ⁻¹(μ − rf).
    pub constraints: Option<Constraints>,
}

impl Default for KellyOptions {
    fn default() -> Self {
        let (cap, gross_max) = (f64::INFINITY, f64::INFINITY);
        KellyOptions { risk_free: 0.0, fraction: 1.0, cap, gross_max, constraints: None }
    }
}

/// The weights of highest growth to second order, (μ − rf)ᵀw − ½ wᵀΣw, times the fraction, under the caps. Weights
/// need not sum to 1: the rest is cash or borrowed.
///
/// Errors: `QUANT_UNBOUNDED` where a portfolio without risk earns more than the risk-free rate; `QUANT_OUT_OF_RANGE`;
/// those of `minimum_variance`. Source: Thorp (2006), section 7.
pub fn kelly_weights(
    expected: &[f64],
    covariance: Matrix<'_>,
    options: &KellyOptions,
    control: &JobControl<'_>,
) -> Result<Allocation, QuantError> {
    let n = covariance.columns();
    let matrix = covariance_of(covariance)?;
    checked_vector_of("expected returns", expected, n)?;
    finite("risk-free rate", options.risk_free)?;
    in_range("fraction", options.fraction, 0.0, 1.0)?;
    in_range("cap", options.cap, 0.0, f64::INFINITY)?;
    in_range("gross exposure", options.gross_max, 0.0, f64::INFINITY)?;
    let open = Constraints { budget: None, ..Constraints::long_short() };
    let region = Region::new(options.constraints.as_ref().unwrap_or(&open), n)?;
    let excess: Vec<f64> = expected.iter().map(|mean| mean - options.risk_free).collect();
    let mut kelly = Scaled::new(matrix.values(), 1.0, &excess, &region)?.solve(control)?;
    for weight in &mut kelly.weights {
        *weight = (*weight * options.fraction).clamp(-options.cap, options.cap);
    }
    let gross: f64 = kelly.weights.iter().map(|weight| weight.abs()).sum();
    if gross > options.gross_max {
        kelly.weights.iter_mut().for_each(|weight| *weight *= options.gross_max / gross);
    }
    Ok(kelly)
}
