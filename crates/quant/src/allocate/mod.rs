//! # Room card: quant/allocate
//! In:    a covariance or returns, expected returns, views, budgets, constraints.
//! Out:   weights: equal, by volatility, hierarchical, of equal or budgeted risk, optimised, blended with views,
//!        sized by Kelly.
//! Holds: the convention is named by an option, never by chance; the unit of the covariance does not change weights;
//!        no NaN leaves.
//! Costs: per allocator (bench: quant/hrp, quant/min-variance, quant/min-cvar).
mod black_litterman;
mod cluster;
mod herc;
mod hrp;
mod kelly;
mod leaf_order;
mod lots;
mod mean_variance;
mod measures;
mod min_cvar;
mod ratio;
mod risk_parity;
mod simple;

pub use black_litterman::{BlackLitterman, BlackLittermanOptions, Omega, Prior, Views, black_litterman};
pub use cluster::{Dendrogram, Linkage, Merge};
pub use herc::{HercOptions, HercWeights, hierarchical_equal_risk_contribution};
pub use hrp::{Distance, HierarchicalWeights, HierarchyOptions, LeafOrder, hierarchical_risk_parity};
pub use kelly::{KellyBetOptions, KellyOptions, kelly_bet, kelly_weights};
pub use lots::{LotOptions, LotWeights, round_to_lots};
pub use mean_variance::{Objective, TargetKind, mean_variance, minimum_variance};
pub use measures::{PortfolioMeasures, portfolio_measures};
pub use min_cvar::{CvarOptions, MinimumCvar, minimum_cvar};
pub use ratio::{RatioWeights, maximum_diversification, maximum_sharpe};
pub use risk_parity::{RiskParity, risk_parity};
pub use simple::{VolatilityTarget, VolatilityTargetOptions, equal_weight, inverse_volatility, volatility_target};

use crate::error::{at_most, length};
use crate::optimise::ASSETS_MAX;
use crate::{Matrix, QuantError};

/// A covariance: square, symmetric, no negative variance, not too large.
///
/// Errors: `QUANT_RAGGED`, `QUANT_TOO_LARGE`, `QUANT_NOT_SYMMETRIC`, `QUANT_NOT_POSITIVE_DEFINITE`.
fn covariance_of(covariance: Matrix<'_>) -> Result<Matrix<'_>, QuantError> {
    let n = covariance.columns();
    length("covariance", covariance.rows(), n)?;
    at_most("assets", n, ASSETS_MAX)?;
    let matrix = Matrix::symmetric("covariance", covariance.values(), n)?;
    match (0..n).find(|&asset| matrix.at(asset, asset) < 0.0) {
        Some(row) => Err(QuantError::NotPositiveDefinite { what: "covariance", row }),
        None => Ok(matrix),
    }
}

/// Standard deviations, all above 0.
///
/// Errors: `QUANT_CONSTANT` for an asset without variance.
fn volatilities(covariance: &Matrix<'_>) -> Result<Vec<f64>, QuantError> {
    let sigma: Vec<f64> = (0..covariance.columns()).map(|asset| covariance.at(asset, asset).sqrt()).collect();
    match sigma.iter().position(|&sigma| sigma == 0.0) {
        Some(column) => Err(QuantError::Constant { what: "covariance", column }),
        None => Ok(sigma),
    }
}

/// Correlations, column-major, within [−1, 1].
fn correlation(covariance: &[f64], volatilities: &[f64]) -> Vec<f64> {
    let n = volatilities.len();
    let mut matrix = vec![1.0; n * n];
    for column in 0..n {
        let (to, from) = (&mut matrix[column * n..column * n + column], &covariance[column * n..column * n + column]);
        for ((value, covariance), volatility) in to.iter_mut().zip(from).zip(volatilities) {
            *value = (covariance / volatility / volatilities[column]).clamp(-1.0, 1.0);
        }
    }
    mirror(&mut matrix, n);
    matrix
}

/// Rows and columns of a tile of `mirror`, whose cache lines stay in the first cache.
const TILE: usize = 32;

/// Copies what is above the diagonal of a column-major matrix of `n` columns below it, in tiles: a column at a time
/// would touch a page a number.
fn mirror(matrix: &mut [f64], n: usize) {
    for left in (0..n).step_by(TILE) {
        for top in (0..=left).step_by(TILE) {
            for column in left..(left + TILE).min(n) {
                for row in top..(top + TILE).min(column) {
                    matrix[row * n + column] = matrix[column * n + row];
                }
            }
        }
    }
}

/// Positive weights whose sum is off 1 by rounding only, brought to sum 1.
fn normalised(mut weights: Vec<f64>) -> Vec<f64> {
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    weights
}
