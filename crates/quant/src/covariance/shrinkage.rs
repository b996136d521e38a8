//! # Room card: quant/covariance/shrinkage
//! In:    returns, a target, the divisor's convention.
//! Out:   the sample covariance drawn towards the target by the weight that minimises the expected squared error.
//! Holds: shrinkage from 0 to 1; the diagonal of the factor and constant-correlation targets is the sample's.
//! Costs: three to five products of observations × assets².
use super::{Covariance, centred, finite_matrix, gram};
use crate::error::{at_least, in_range};
use crate::matrix::checked_vector_of;
use crate::stats::{is_constant, mean};
use crate::{Matrix, OwnedMatrix, QuantError};

/// What the sample covariance is drawn to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LedoitWolfTarget {
    /// The mean variance on the diagonal (Ledoit, Wolf, "A well-conditioned estimator for large-dimensional covariance
    /// matrices", 2004); what scikit-learn computes, with `ddof` 0.
    Identity,
    /// Covariances of a one-factor model whose market is the equally weighted mean of the assets (Ledoit, Wolf,
    /// "Improved estimation of the covariance matrix of stock returns", 2003); PyPortfolioOpt's with `ddof` 0.
    SingleFactor,
    /// Every pair has the mean correlation (Ledoit, Wolf, "Honey, I shrunk the sample covariance matrix", 2004);
    /// PyPortfolioOpt's with `ddof` 1.
    ConstantCorrelation,
}

/// Conventions of `ledoit_wolf`.
#[derive(Clone, Copy, PartialEq, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LedoitWolfOptions {
    /// What the sample is drawn to; `Identity` by default.
    pub target: LedoitWolfTarget,
    /// Taken from the number of observations in the sample's divisor, 0 (default, as published) or 1.
    pub ddof: usize,
}

impl Default for LedoitWolfOptions {
    fn default() -> Self {
        LedoitWolfOptions { target: LedoitWolfTarget::Identity, ddof: 0 }
    }
}

/// Conventions of `oracle_approximating`.
#[derive(Clone, Copy, PartialEq, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OasOptions {
    /// Keep the terms 2/p of Chen et al.; without them (default) the value is scikit-learn's.
    pub exact: bool,
}

/// Centred returns, the sample covariance, and what the weights are summed from.
struct Moments {
    rows: f64,
    centred: OwnedMatrix,
    /// Over observations, whatever `ddof`: the mean of products.
    products: OwnedMatrix,
    sample: OwnedMatrix,
    squares: OwnedMatrix,
}

impl Moments {
    fn new(returns: Matrix<'_>, ddof: usize) -> Result<Moments, QuantError> {
        in_range("ddof", ddof as f64, 0.0, 1.0)?;
        at_least("returns", returns.rows(), 2)?;
        let rows = returns.rows() as f64;
        let centred = centred(returns);
        let products = finite_matrix(gram(centred.faer(), centred.faer(), 1.0 / rows)?)?;
        let stretch = rows / (rows - ddof as f64);
        let size = products.columns();
        let sample = OwnedMatrix::from_fn(size, size, |row, column| products.at(row, column) * stretch);
        let squares =
            OwnedMatrix::from_fn(returns.rows(), size, |row, column| centred.at(row, column) * centred.at(row, column));
        Ok(Moments { rows, centred, products, sample, squares })
    }

    fn size(&self) -> usize {
        self.sample.columns()
    }

    /// Mean over observations of `(x_i x_j - s_ij)²`: the variance of each sample covariance, times observations.
    fn variances(&self) -> Result<OwnedMatrix, QuantError> {
        let fourth = gram(self.squares.faer(), self.squares.faer(), 1.0 / self.rows)?;
        Ok(OwnedMatrix::from_fn(self.size(), self.size(), |i, j| {
            let s = self.sample.at(i, j);
            fourth.at(i, j) - 2.0 * self.products.at(i, j) * s + s * s
        }))
    }

    /// The sample drawn to a target whose errors move with the sample's by `shared`.
    fn drawn(self, target: OwnedMatrix, errors: f64, shared: f64) -> Result<Covariance, QuantError> {
        let size = self.size();
        let cells = || (0..size).flat_map(|j| (0..size).map(move |i| (i, j)));
        let distance: f64 = cells().map(|(i, j)| squared(self.sample.at(i, j) - target.at(i, j))).sum();
        // A target that the sample already is (one asset) needs no weight.
        let weight = if distance > 0.0 { ((errors - shared) / distance / self.rows).clamp(0.0, 1.0) } else { 0.0 };
        let mixed =
            OwnedMatrix::from_fn(size, size, |i, j| weight * target.at(i, j) + (1.0 - weight) * self.sample.at(i, j));
        Covariance::new(mixed, weight)
    }
}

fn squared(value: f64) -> f64 {
    value * value
}

/// Ledoit-Wolf covariance per period: for fewer observations than ten times the assets, where the sample's smallest
/// eigenvalues are far too small.
///
/// Errors: `QUANT_TOO_FEW` (two observations), `QUANT_OUT_OF_RANGE` (ddof), `QUANT_CONSTANT` (an asset that does not
/// vary has no correlation; a market that does not vary).
pub fn ledoit_wolf(returns: Matrix<'_>, options: LedoitWolfOptions) -> Result<Covariance, QuantError> {
    match options.target {
        LedoitWolfTarget::Identity => identity(Moments::new(returns, options.ddof)?),
        LedoitWolfTarget::ConstantCorrelation => constant_correlation(Moments::new(returns, options.ddof)?),
        LedoitWolfTarget::SingleFactor => {
            let share = 1.0 / returns.columns() as f64;
            let market: Vec<f64> = (0..returns.rows())
                .map(|row| returns.columns_iter().map(|column| column[row]).sum::<f64>() * share)
                .collect();
            ledoit_wolf_single_factor(returns, &market, options.ddof)
        }
    }
}

fn identity(moments: Moments) -> Result<Covariance, QuantError> {
    let size = moments.size();
    let level = mean(&(0..size).map(|i| moments.sample.at(i, i)).collect::<Vec<f64>>());
    let errors: f64 = moments.variances()?.values().iter().sum();
    let target = OwnedMatrix::from_fn(size, size, |i, j| if i == j { level } else { 0.0 });
    moments.drawn(target, errors, 0.0)
}

fn constant_correlation(moments: Moments) -> Result<Covariance, QuantError> {
    let size = moments.size();
    for column in 0..size {
        if is_constant(moments.centred.column(column)) {
            return Err(QuantError::Constant { what: "returns", column });
        }
    }
    let s = |i: usize, j: usize| moments.sample.at(i, j);
    let deviations: Vec<f64> = (0..size).map(|i| libm::sqrt(s(i, i))).collect();
    let pairs = || (0..size).flat_map(|j| (0..size).map(move |i| (i, j))).filter(|(i, j)| i != j);
    let correlations: f64 = pairs().map(|(i, j)| s(i, j) / (deviations[i] * deviations[j])).sum();
    let level = if size > 1 { correlations / (size * (size - 1)) as f64 } else { 0.0 };
    let variances = moments.variances()?;
    let cubes = OwnedMatrix::from_fn(moments.centred.rows(), size, |row, column| {
        moments.squares.at(row, column) * moments.centred.at(row, column)
    });
    let third = gram(cubes.faer(), moments.centred.faer(), 1.0 / moments.rows)?;
    // Covariance, over observations, of the errors of s_ii and s_ij.
    let shared = |i: usize, j: usize| {
        let (p_ii, p_ij) = (moments.products.at(i, i), moments.products.at(i, j));
        third.at(i, j) - p_ii * s(i, j) - p_ij * s(i, i) + s(i, i) * s(i, j)
    };
    let across: f64 = pairs().map(|(i, j)| deviations[j] / deviations[i] * shared(i, j)).sum();
    let own: f64 = (0..size).map(|i| variances.at(i, i)).sum();
    let target =
        OwnedMatrix::from_fn(size, size, |i, j| if i == j { s(i, i) } else { level * (deviations[i] * deviations[j]) });
    let errors: f64 = variances.values().iter().sum();
    moments.drawn(target, errors, own + level * across)
}

/// `ledoit_wolf` towards a one-factor model of a market series that the caller has (an index).
///
/// Errors: those of `ledoit_wolf`; `QUANT_RAGGED` where the market has another length.
pub fn ledoit_wolf_single_factor(returns: Matrix<'_>, market: &[f64], ddof: usize) -> Result<Covariance, QuantError> {
    checked_vector_of("market", market, returns.rows())?;
    let moments = Moments::new(returns, ddof)?;
    if is_constant(market) {
        return Err(QuantError::Constant { what: "market", column: 0 });
    }
    let size = moments.size();
    let centre = mean(market);
    let index: Vec<f64> = market.iter().map(|value| value - centre).collect();
    let stretch = moments.rows / (moments.rows - ddof as f64);
    let with_market = |column: usize| {
        let pairs = moments.centred.column(column).iter().zip(&index);
        pairs.map(|(x, m)| x * m).sum::<f64>() / moments.rows
    };
    let plain: Vec<f64> = (0..size).map(with_market).collect();
    let covariances: Vec<f64> = plain.iter().map(|value| value * stretch).collect();
    let plain_market = index.iter().map(|m| m * m).sum::<f64>() / moments.rows;
    let spread = plain_market * stretch;
    let moved =
        OwnedMatrix::from_fn(moments.centred.rows(), size, |row, column| moments.centred.at(row, column) * index[row]);
    let first = gram(moments.squares.faer(), moved.faer(), 1.0 / moments.rows)?;
    let second = gram(moved.faer(), moved.faer(), 1.0 / moments.rows)?;
    let variances = moments.variances()?;
    let mut shared: f64 = (0..size).map(|i| variances.at(i, i)).sum();
    for j in 0..size {
        for i in (0..size).filter(|i| *i != j) {
            let (s, p) = (moments.sample.at(i, j), moments.products.at(i, j));
            // Errors of s_im with those of s_ij; of the market's variance with those of s_ij.
            let with_factor = first.at(i, j) - plain[i] * s - covariances[i] * p + covariances[i] * s;
            let with_variance = second.at(i, j) - plain_market * s - spread * p + spread * s;
            shared += 2.0 * with_factor * covariances[j] / spread
                - with_variance * covariances[i] * covariances[j] / (spread * spread);
        }
    }
    let target = OwnedMatrix::from_fn(size, size, |i, j| {
        if i == j { moments.sample.at(i, i) } else { covariances[i] * covariances[j] / spread }
    });
    let errors: f64 = variances.values().iter().sum();
    moments.drawn(target, errors, shared)
}

/// Oracle approximating shrinkage towards the mean variance on the diagonal, for Gaussian returns; the sample is
/// divided by the number of observations.
///
/// Errors: `QUANT_TOO_FEW` (two observations).
/// Source: Chen, Wiesel, Eldar, Hero, "Shrinkage algorithms for MMSE covariance estimation" (2010), eq. 23.
pub fn oracle_approximating(returns: Matrix<'_>, options: OasOptions) -> Result<Covariance, QuantError> {
    let moments = Moments::new(returns, 0)?;
    let (size, p) = (moments.size(), moments.size() as f64);
    let trace: f64 = (0..size).map(|i| moments.sample.at(i, i)).sum();
    let level = trace / p;
    let power: f64 = moments.sample.values().iter().map(|value| value * value).sum();
    let kept = if options.exact { 2.0 / p } else { 0.0 };
    let above = (1.0 - kept) * power + trace * trace;
    let below = (moments.rows + 1.0 - kept) * (power - trace * trace / p);
    // One asset is its own target.
    let weight = if size == 1 {
        0.0
    } else if below > 0.0 {
        (above / below).min(1.0)
    } else {
        1.0
    };
    let mixed = OwnedMatrix::from_fn(size, size, |i, j| {
        (1.0 - weight) * moments.sample.at(i, j) + if i == j { weight * level } else { 0.0 }
    });
    Covariance::new(mixed, weight)
}
