//! # Room card: quant/covariance/denoise
//! In:    a covariance and the number of observations it was made from.
//! Out:   the covariance whose correlation eigenvalues below the Marchenko-Pastur edge are replaced by their mean.
//! Holds: variances are kept; the eigenvalues above the edge keep their order.
//! Costs: one eigendecomposition; fitting the noise adds about 100 evaluations of 1,000 points.
use super::{Covariance, compose, correlation, eigen, from_correlation};
use crate::error::{at_least, in_range, positive};
use crate::{Matrix, OwnedMatrix, QuantError};

/// The variance of what is noise, which places the edge σ²(1 + √(assets/observations))².
#[derive(Clone, Copy, PartialEq, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum NoiseVariance {
    /// Given: 1 takes the whole correlation matrix for noise, which keeps the fewest factors.
    Fixed(f64),
    /// The one whose Marchenko-Pastur density is nearest to a Gaussian kernel density of the eigenvalues in squared
    /// distance at 1,000 points (López de Prado, "Machine Learning for Asset Managers", 2.4), sought from 1e-5 to
    /// 1 - 1e-5.
    Fitted {
        /// Standard deviation of the kernel, in eigenvalues; 0.01 in the book.
        bandwidth: f64,
    },
}

/// Parameters of `denoise`.
#[derive(Clone, Copy, PartialEq, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DenoiseOptions {
    /// Observations that the covariance was made from.
    pub observations: usize,
    /// The noise.
    pub noise: NoiseVariance,
}

/// A denoised covariance and where the noise ended.
#[derive(Clone, PartialEq, Debug)]
pub struct Denoised {
    /// The covariance, with the given variances.
    pub covariance: Covariance,
    /// Variance σ² of the noise that was used.
    pub noise_variance: f64,
    /// Eigenvalues of the correlation matrix above this are factors.
    pub edge: f64,
    /// How many are.
    pub factors: usize,
}

const POINTS: usize = 1_000;
const SEARCH_LOW: f64 = 1e-5;

/// Constant-residual denoising of a covariance.
///
/// Errors: `QUANT_TOO_FEW` (observations), `QUANT_OUT_OF_RANGE` (noise), `QUANT_CONSTANT` (a variance that is not
/// positive).
/// Source: Marchenko, Pastur (1967); Laloux, Cizeau, Bouchaud, Potters (1999); López de Prado (2020), 2.5.1.
pub fn denoise(covariance: Matrix<'_>, options: DenoiseOptions) -> Result<Denoised, QuantError> {
    at_least("observations", options.observations, 2)?;
    let (correlations, deviations) = correlation(covariance)?;
    let (mut values, vectors) = eigen(correlations.faer())?;
    let ratio = covariance.columns() as f64 / options.observations as f64;
    let noise_variance = match options.noise {
        NoiseVariance::Fixed(variance) => {
            in_range("noiseVariance", variance, f64::MIN_POSITIVE, 1.0)?;
            variance
        }
        NoiseVariance::Fitted { bandwidth } => {
            positive("bandwidth", bandwidth)?;
            fitted(&values, ratio, bandwidth)
        }
    };
    let edge = noise_variance * (1.0 + libm::sqrt(ratio)) * (1.0 + libm::sqrt(ratio));
    let noisy = values.partition_point(|value| *value <= edge);
    let residual = values[..noisy].iter().sum::<f64>() / noisy.max(1) as f64;
    values[..noisy].fill(residual);
    let cleaned = unit_diagonal(&compose(&values, &vectors));
    let covariance = Covariance::new(from_correlation(&cleaned, &deviations), 0.0)?;
    Ok(Denoised { covariance, noise_variance, edge, factors: values.len() - noisy })
}

fn unit_diagonal(matrix: &OwnedMatrix) -> OwnedMatrix {
    let roots: Vec<f64> = (0..matrix.rows()).map(|i| libm::sqrt(matrix.at(i, i))).collect();
    OwnedMatrix::from_fn(matrix.rows(), matrix.columns(), |i, j| {
        if i == j { 1.0 } else { matrix.at(i, j) / roots[i] / roots[j] }
    })
}

/// Gaussian kernel density of sorted eigenvalues at `x`; what lies 9 deviations away is below 1e-17 of the rest.
fn kernel_density(values: &[f64], x: f64, bandwidth: f64) -> f64 {
    let first = values.partition_point(|value| *value < x - 9.0 * bandwidth);
    let near = values[first..].iter().take_while(|value| **value <= x + 9.0 * bandwidth);
    let sum: f64 = near.map(|value| libm::exp(-0.5 * ((x - value) / bandwidth) * ((x - value) / bandwidth))).sum();
    sum / (values.len() as f64 * bandwidth * libm::sqrt(2.0 * core::f64::consts::PI))
}

/// Squared distance of the two densities for a variance of the noise; `ratio` is assets over observations.
fn misfit(values: &[f64], ratio: f64, bandwidth: f64, variance: f64) -> f64 {
    let root = libm::sqrt(ratio);
    let (low, high) = (variance * (1.0 - root) * (1.0 - root), variance * (1.0 + root) * (1.0 + root));
    let step = (high - low) / (POINTS - 1) as f64;
    (0..POINTS)
        .map(|point| {
            let x = low + step * point as f64;
            let inside = ((high - x) * (x - low)).max(0.0);
            let scale = 2.0 * core::f64::consts::PI * variance * ratio * x;
            let theory = if scale > 0.0 { libm::sqrt(inside) / scale } else { 0.0 };
            let distance = theory - kernel_density(values, x, bandwidth);
            distance * distance
        })
        .sum()
}

/// A grid for the valley, then golden sections.
fn fitted(values: &[f64], ratio: f64, bandwidth: f64) -> f64 {
    const GRID: usize = 64;
    const GOLDEN: f64 = 0.618_033_988_749_894_8;
    let width = (1.0 - 2.0 * SEARCH_LOW) / GRID as f64;
    let cost = |variance: f64| misfit(values, ratio, bandwidth, variance);
    let at = |step: usize| SEARCH_LOW + width * step as f64;
    let best = (1..=GRID).map(|step| (cost(at(step)), step)).min_by(|a, b| a.0.total_cmp(&b.0)).map_or(GRID, |b| b.1);
    let (mut low, mut high) = (at(best - 1), at((best + 1).min(GRID)));
    for _ in 0..40 {
        let (left, right) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
        if cost(left) <= cost(right) { high = right } else { low = left }
    }
    (low + high) / 2.0
}
