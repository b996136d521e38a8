//! # Room card: quant/covariance
//! In:    returns, observations × assets; or a covariance that is to be cleaned.
//! Out:   `Covariance`: the matrix with its condition number and shrinkage.
//! Holds: symmetric to the last bit; scaled returns give a scaled covariance and the same shrinkage.
//! Costs: one product of the returns with themselves (observations × assets²) and, for the condition number, the
//!        eigenvalues (assets³).
mod denoise;
mod nearest;
mod shrinkage;

use faer::{MatRef, Side};

pub use denoise::{DenoiseOptions, Denoised, NoiseVariance, denoise};
pub use nearest::{NearestOptions, nearest_correlation, nearest_psd};
pub use shrinkage::{
    LedoitWolfOptions, LedoitWolfTarget, OasOptions, ledoit_wolf, ledoit_wolf_single_factor, oracle_approximating,
};

use crate::error::{at_least, in_range, length};
use crate::share::share;
use crate::stats::mean;
use crate::{Matrix, OwnedMatrix, QuantError};

/// A covariance matrix per period of its returns, and how far it can be trusted.
#[derive(Clone, PartialEq, Debug)]
pub struct Covariance {
    /// Assets × assets, symmetric.
    pub matrix: OwnedMatrix,
    /// Largest over smallest eigenvalue; infinite where the smallest is not positive (more assets than
    /// observations, a duplicated asset).
    pub condition_number: f64,
    /// Weight of the target in the estimate, 0 to 1; 0 where nothing is shrunk.
    pub shrinkage: f64,
}

/// How `sample` divides and centres.
#[derive(Clone, Copy, PartialEq, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SampleOptions {
    /// Taken from the number of observations in the divisor: 1 is unbiased (default), 0 the maximum likelihood.
    pub ddof: usize,
    /// Subtract each asset's mean (default); else returns are taken as having mean 0.
    pub demean: bool,
}

impl Default for SampleOptions {
    fn default() -> Self {
        SampleOptions { ddof: 1, demean: true }
    }
}

/// Weights of `ewma`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EwmaStart {
    /// Σ starts as the first observation's product and is updated by Σ ← λΣ + (1 - λ) r rᵀ (RiskMetrics 1996); the
    /// first observation weighs λ^(T-1).
    FirstObservation,
    /// Every weight is (1 - λ) λ^age over their sum.
    Normalised,
}

/// How `ewma` weighs and centres.
#[derive(Clone, Copy, PartialEq, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EwmaOptions {
    /// Decay λ a period, above 0 and below 1; 0.94 by default (RiskMetrics, daily).
    pub decay: f64,
    /// Subtract each asset's plain mean; false by default, as RiskMetrics.
    pub demean: bool,
    /// Which weights; `FirstObservation` by default.
    pub start: EwmaStart,
}

impl Default for EwmaOptions {
    fn default() -> Self {
        EwmaOptions { decay: 0.94, demean: false, start: EwmaStart::FirstObservation }
    }
}

/// Sample covariance of returns (rows are observations) per period.
///
/// Errors: `QUANT_TOO_FEW` where there are not more observations than `ddof`; `QUANT_NOT_FINITE` where a square
/// overflows. Cost: observations × assets² and the eigenvalues.
pub fn sample(returns: Matrix<'_>, options: SampleOptions) -> Result<Covariance, QuantError> {
    Covariance::new(sample_matrix(returns, options)?, 0.0)
}

/// The matrix of `sample` alone, without its eigenvalues.
///
/// Errors: those of `sample`. Cost: observations × assets².
pub fn sample_matrix(returns: Matrix<'_>, options: SampleOptions) -> Result<OwnedMatrix, QuantError> {
    in_range("ddof", options.ddof as f64, 0.0, 1.0)?;
    let least = if options.demean { 2 } else { 1 };
    at_least("returns", returns.rows(), least.max(options.ddof + 1))?;
    let shifted = if options.demean { centred(returns) } else { returns.to_owned() };
    let matrix = gram(shifted.faer(), shifted.faer(), 1.0 / (returns.rows() - options.ddof) as f64)?;
    finite_matrix(matrix)
}

/// Exponentially weighted covariance of returns per period, the newest observation last: the forecast for the next
/// period.
///
/// Errors: `QUANT_OUT_OF_RANGE` (decay), `QUANT_TOO_FEW` (two observations where the mean is subtracted).
/// Source: J. P. Morgan/Reuters, RiskMetrics Technical Document (1996), 5.2.
pub fn ewma(returns: Matrix<'_>, options: EwmaOptions) -> Result<Covariance, QuantError> {
    in_range("decay", options.decay, f64::MIN_POSITIVE, 1.0 - f64::EPSILON)?;
    at_least("returns", returns.rows(), if options.demean { 2 } else { 1 })?;
    let rows = returns.rows();
    let mut weights: Vec<f64> =
        (0..rows).map(|row| (1.0 - options.decay) * libm::pow(options.decay, (rows - 1 - row) as f64)).collect();
    match options.start {
        EwmaStart::FirstObservation => weights[0] = libm::pow(options.decay, (rows - 1) as f64),
        EwmaStart::Normalised => {
            let sum: f64 = weights.iter().sum();
            weights.iter_mut().for_each(|weight| *weight /= sum);
        }
    }
    let shifted = if options.demean { centred(returns) } else { returns.to_owned() };
    let rooted =
        OwnedMatrix::from_fn(rows, shifted.columns(), |row, column| shifted.at(row, column) * libm::sqrt(weights[row]));
    Covariance::new(finite_matrix(gram(rooted.faer(), rooted.faer(), 1.0)?)?, 0.0)
}

/// Largest over smallest eigenvalue of a symmetric matrix; infinite where the smallest is not positive.
///
/// Errors: `QUANT_NOT_CONVERGED` from the eigenvalues.
pub fn condition_number(matrix: Matrix<'_>) -> Result<f64, QuantError> {
    length("matrix", matrix.columns(), matrix.rows())?;
    let values = eigenvalues(matrix.faer())?;
    let (low, high) = (values[0], values[values.len() - 1]);
    Ok(if low > 0.0 { high / low } else { f64::INFINITY })
}

/// Correlations and standard deviations of a covariance.
///
/// Errors: `QUANT_CONSTANT` where a variance is not positive.
pub fn correlation(covariance: Matrix<'_>) -> Result<(OwnedMatrix, Vec<f64>), QuantError> {
    length("covariance", covariance.columns(), covariance.rows())?;
    let deviations = (0..covariance.rows())
        .map(|row| match covariance.at(row, row) {
            variance if variance > 0.0 => Ok(libm::sqrt(variance)),
            _ => Err(QuantError::Constant { what: "covariance", column: row }),
        })
        .collect::<Result<Vec<f64>, QuantError>>()?;
    let matrix = OwnedMatrix::from_fn(covariance.rows(), covariance.rows(), |row, column| {
        if row == column { 1.0 } else { covariance.at(row, column) / deviations[row] / deviations[column] }
    });
    Ok((matrix, deviations))
}

/// The covariance of correlations and standard deviations.
fn from_correlation(correlation: &OwnedMatrix, deviations: &[f64]) -> OwnedMatrix {
    OwnedMatrix::from_fn(correlation.rows(), correlation.columns(), |row, column| {
        correlation.at(row, column) * deviations[row] * deviations[column]
    })
}

impl Covariance {
    /// With the condition number of the matrix.
    pub(crate) fn new(matrix: OwnedMatrix, shrinkage: f64) -> Result<Covariance, QuantError> {
        let condition_number = condition_number(matrix.view("covariance")?)?;
        Ok(Covariance { matrix, condition_number, shrinkage })
    }
}

/// Returns without their means.
fn centred(returns: Matrix<'_>) -> OwnedMatrix {
    let mut shifted = returns.to_owned();
    for column in shifted.values_mut().chunks_exact_mut(returns.rows()) {
        let centre = mean(column);
        column.iter_mut().for_each(|value| *value -= centre);
    }
    shifted
}

/// Columns of a product that are made at a time.
const GRAM_BLOCK: usize = 64;
/// Multiplications of a product from which its blocks are shared among threads: some milliseconds.
const GRAM_SHARED: usize = 1 << 25;

/// `scale × aᵀb`; of a matrix with itself only the lower triangle is made, and mirrored.
fn gram(a: MatRef<'_, f64>, b: MatRef<'_, f64>, scale: f64) -> Result<OwnedMatrix, QuantError> {
    if a.as_ptr() != b.as_ptr() || a.ncols() != b.ncols() {
        let product = a.transpose() * b;
        let scaled = |row, column| product[(row, column)] * scale;
        return Ok(OwnedMatrix::from_fn(product.nrows(), product.ncols(), scaled));
    }
    let size = a.ncols();
    let mut lower = OwnedMatrix::zeros(size, size);
    let pieces: Vec<(usize, &mut [f64])> = lower.values_mut().chunks_mut(size * GRAM_BLOCK).enumerate().collect();
    share(pieces, size * size * a.nrows() >= GRAM_SHARED, |(block, columns)| {
        let start = block * GRAM_BLOCK;
        let wide = GRAM_BLOCK.min(size - start);
        let product = a.subcols(start, size - start).transpose() * a.subcols(start, wide);
        for (column, values) in columns.chunks_exact_mut(size).enumerate() {
            for row in column..size - start {
                values[start + row] = product[(row, column)] * scale;
            }
        }
        Ok(())
    })?;
    Ok(OwnedMatrix::from_fn(size, size, |row, column| lower.at(row.max(column), row.min(column))))
}

fn finite_matrix(matrix: OwnedMatrix) -> Result<OwnedMatrix, QuantError> {
    matrix.view("covariance")?;
    Ok(matrix)
}

/// Eigenvalues of a symmetric matrix, the smallest first.
fn eigenvalues(matrix: MatRef<'_, f64>) -> Result<Vec<f64>, QuantError> {
    let failed = |_| QuantError::NotConverged { what: "eigenvalues", iterations: 0, residual: f64::MAX };
    matrix.self_adjoint_eigenvalues(Side::Lower).map_err(failed)
}

/// Eigenvalues, the smallest first, and their vectors as columns.
fn eigen(matrix: MatRef<'_, f64>) -> Result<(Vec<f64>, OwnedMatrix), QuantError> {
    let failed = |_| QuantError::NotConverged { what: "eigenvalues", iterations: 0, residual: f64::MAX };
    let found = matrix.self_adjoint_eigen(Side::Lower).map_err(failed)?;
    let values = found.S().column_vector().iter().copied().collect();
    Ok((values, OwnedMatrix::from_faer(found.U())))
}

/// `V diag(values) Vᵀ`, symmetric to the last bit.
fn compose(values: &[f64], vectors: &OwnedMatrix) -> OwnedMatrix {
    let scaled =
        OwnedMatrix::from_fn(vectors.rows(), values.len(), |row, column| vectors.at(row, column) * values[column]);
    let product = scaled.faer() * vectors.faer().transpose();
    OwnedMatrix::from_fn(product.nrows(), product.ncols(), |row, column| product[(row.max(column), row.min(column))])
}

#[cfg(test)]
mod tests;
