//! # Room card: quant/covariance/nearest
//! In:    a symmetric matrix that pairwise estimates, stress or rounding left with negative eigenvalues.
//! Out:   the nearest correlation matrix in the Frobenius norm; the covariance with the same variances.
//! Holds: unit diagonal, smallest eigenvalue at least the floor less rounding.
//! Costs: one eigendecomposition a step; tens to hundreds of steps, the nearer the fewer.
use super::{Covariance, compose, correlation, eigen, from_correlation};
use crate::error::{at_least, in_range, length, positive};
use crate::{JobControl, Matrix, OwnedMatrix, QuantError};

/// When `nearest_correlation` ends.
#[derive(Clone, Copy, PartialEq, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NearestOptions {
    /// Largest change of an element between two steps that ends the iteration; 1e-12 by default.
    pub tolerance: f64,
    /// Steps at most; 10,000 by default.
    pub iterations_max: usize,
    /// Smallest eigenvalue of the correlation matrix, 0 (default) to 1: above 0 the result can be inverted.
    pub eigenvalue_min: f64,
}

impl Default for NearestOptions {
    fn default() -> Self {
        NearestOptions { tolerance: 1e-12, iterations_max: 10_000, eigenvalue_min: 0.0 }
    }
}

/// The nearest correlation matrix in the Frobenius norm, by alternating projections with Dykstra's correction. Only the
/// elements off the diagonal are read.
///
/// Errors: `QUANT_RAGGED` (not square), `QUANT_NOT_CONVERGED`, `QUANT_CANCELLED`.
/// Source: Higham, "Computing the nearest correlation matrix - a problem from finance" (2002), algorithm 3.3.
pub fn nearest_correlation(
    matrix: Matrix<'_>,
    options: NearestOptions,
    control: &JobControl<'_>,
) -> Result<OwnedMatrix, QuantError> {
    length("matrix", matrix.columns(), matrix.rows())?;
    positive("tolerance", options.tolerance)?;
    in_range("eigenvalueMin", options.eigenvalue_min, 0.0, 1.0)?;
    at_least("iterationsMax", options.iterations_max, 1)?;
    let size = matrix.rows();
    let one = |i: usize, j: usize, value: f64| if i == j { 1.0 } else { value };
    let mut unit = OwnedMatrix::from_fn(size, size, |i, j| one(i, j, (matrix.at(i, j) + matrix.at(j, i)) / 2.0));
    let mut correction = OwnedMatrix::zeros(size, size);
    let mut change = f64::MAX;
    for step in 0..options.iterations_max {
        control.check()?;
        control.progress(step as u64, options.iterations_max as u64);
        let lifted = OwnedMatrix::from_fn(size, size, |i, j| unit.at(i, j) - correction.at(i, j));
        let (mut values, vectors) = eigen(lifted.faer())?;
        if values[0] >= options.eigenvalue_min && correction.values().iter().all(|value| *value == 0.0) {
            return Ok(unit);
        }
        values.iter_mut().for_each(|value| *value = value.max(options.eigenvalue_min));
        let positive = compose(&values, &vectors);
        correction = OwnedMatrix::from_fn(size, size, |i, j| positive.at(i, j) - lifted.at(i, j));
        let next = OwnedMatrix::from_fn(size, size, |i, j| one(i, j, positive.at(i, j)));
        change = (next.values().iter().zip(unit.values())).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        // The positive matrix with its diagonal made 1 by scale: what is left of the diagonal is below the tolerance.
        if change <= options.tolerance {
            let roots: Vec<f64> = (0..size).map(|i| libm::sqrt(positive.at(i, i))).collect();
            return Ok(OwnedMatrix::from_fn(size, size, |i, j| {
                one(i, j, (positive.at(i, j) / roots[i] / roots[j]).clamp(-1.0, 1.0))
            }));
        }
        unit = next;
    }
    Err(QuantError::NotConverged { what: "nearestCorrelation", iterations: options.iterations_max, residual: change })
}

/// The covariance with the variances of the given one and the nearest correlation matrix.
///
/// Errors: those of `nearest_correlation`; `QUANT_CONSTANT` where a variance is not positive.
pub fn nearest_psd(
    covariance: Matrix<'_>,
    options: NearestOptions,
    control: &JobControl<'_>,
) -> Result<Covariance, QuantError> {
    let (correlations, deviations) = correlation(covariance)?;
    let nearest = nearest_correlation(correlations.view("covariance")?, options, control)?;
    Covariance::new(from_correlation(&nearest, &deviations), 0.0)
}
