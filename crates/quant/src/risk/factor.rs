//! # Room card: quant/risk/factor
//! In:    returns of assets and of factors in the same periods, weights of a portfolio.
//! Out:   alphas and betas, systematic and own variance, contributions of the factors; a VAR(1) of the factors.
//! Holds: the portfolio's variance is systematic + own; contributions sum to the systematic variance.
//! Costs: one QR of the factors, one solve an asset.

use crate::error::{at_least, finite, length};
use crate::matrix::{checked_vector, checked_vector_of};
use crate::regression::Design;
use crate::{Matrix, OwnedMatrix, QuantError};

/// A factor model of assets.
#[derive(Clone, Debug, PartialEq)]
pub struct FactorModel {
    /// Constant of each asset a period.
    pub alphas: Vec<f64>,
    /// Betas: rows are assets, columns factors.
    pub betas: OwnedMatrix,
    /// Sample covariance of the factors (n - 1).
    pub factor_covariance: OwnedMatrix,
    /// Variance of each asset's residual (n - 1, about its mean).
    pub residual_variances: Vec<f64>,
    /// Share of each asset's variance that the factors explain.
    pub r_squared: Vec<f64>,
}

/// What a portfolio owes to the factors.
#[derive(Clone, Debug, PartialEq)]
pub struct FactorRisk {
    /// Beta of the portfolio to each factor.
    pub betas: Vec<f64>,
    /// Variance from the factors.
    pub systematic_variance: f64,
    /// Variance of its own, residuals taken as uncorrelated.
    pub specific_variance: f64,
    /// Systematic over total.
    pub systematic_share: f64,
    /// Contribution of each factor to the systematic variance: βₖ (Σβ)ₖ.
    pub contributions: Vec<f64>,
}

fn ones(rows: usize) -> Vec<f64> {
    vec![1.0; rows]
}

/// Sample covariance (n - 1) of columns.
fn covariance(columns: &Matrix<'_>) -> OwnedMatrix {
    let rows = columns.rows() as f64;
    let centred: Vec<Vec<f64>> = columns
        .columns_iter()
        .map(|column| {
            let mean = column.iter().sum::<f64>() / rows;
            column.iter().map(|x| x - mean).collect()
        })
        .collect();
    OwnedMatrix::from_fn(columns.columns(), columns.columns(), |i, j| {
        centred[i].iter().zip(&centred[j]).map(|(a, b)| a * b).sum::<f64>() / (rows - 1.0)
    })
}

/// Regresses every asset on a constant and the factors.
///
/// Errors: `QUANT_RAGGED` for different periods, `QUANT_TOO_FEW` for no more periods than factors and a constant,
/// `QUANT_UNDEFINED` for factors that depend on each other, `QUANT_CONSTANT` for an asset that does not vary.
pub fn fit_factor_model(assets: &Matrix<'_>, factors: &Matrix<'_>) -> Result<FactorModel, QuantError> {
    length("factors", factors.rows(), assets.rows())?;
    at_least("factors", factors.rows(), factors.columns() + 2)?;
    let constant = ones(factors.rows());
    let mut columns: Vec<&[f64]> = vec![&constant];
    columns.extend(factors.columns_iter());
    let design = Design::new("factors", &columns)?;
    let (mut alphas, mut residual_variances, mut r_squared) = (Vec::new(), Vec::new(), Vec::new());
    let mut betas = OwnedMatrix::zeros(assets.columns(), factors.columns());
    for (i, asset) in assets.columns_iter().enumerate() {
        let fit = design.explain(asset, columns.len());
        alphas.push(fit.coefficients[0]);
        for (k, &beta) in fit.coefficients[1..].iter().enumerate() {
            betas.set(i, k, beta);
        }
        let (count, total) = (asset.len() as f64, sum_of_squares(asset));
        if total <= 0.0 {
            return Err(QuantError::Constant { what: "assets", column: i });
        }
        let own = sum_of_squares(&fit.residuals);
        residual_variances.push(own / (count - 1.0));
        r_squared.push(1.0 - own / total);
    }
    let factor_covariance = covariance(factors);
    checked_vector("alphas", &alphas)?;
    betas.view("betas")?;
    factor_covariance.view("factorCovariance")?;
    checked_vector("residualVariances", &residual_variances)?;
    checked_vector("rSquared", &r_squared)?;
    Ok(FactorModel { alphas, betas, factor_covariance, residual_variances, r_squared })
}

/// Squares about the mean.
fn sum_of_squares(x: &[f64]) -> f64 {
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    x.iter().map(|x| (x - mean) * (x - mean)).sum()
}

impl FactorModel {
    /// The risk of a portfolio of the model's assets.
    ///
    /// Errors: `QUANT_RAGGED`, `QUANT_NOT_FINITE` for the weights, `QUANT_UNDEFINED` where the portfolio has no
    /// variance.
    pub fn risk(&self, weights: &[f64]) -> Result<FactorRisk, QuantError> {
        checked_vector_of("weights", weights, self.alphas.len())?;
        let factors = self.betas.columns();
        let betas: Vec<f64> =
            (0..factors).map(|k| self.betas.column(k).iter().zip(weights).map(|(b, w)| b * w).sum()).collect();
        let marginal =
            |k: usize| -> f64 { self.factor_covariance.column(k).iter().zip(&betas).map(|(c, b)| c * b).sum() };
        let contributions: Vec<f64> = (0..factors).map(|k| betas[k] * marginal(k)).collect();
        let systematic_variance: f64 = contributions.iter().sum();
        let specific_variance: f64 = self.residual_variances.iter().zip(weights).map(|(v, w)| v * w * w).sum();
        let total = systematic_variance + specific_variance;
        if total <= 0.0 {
            return Err(QuantError::Undefined { what: "systematicShare", why: "the portfolio has no variance" });
        }
        finite("specificVariance", total)?;
        let systematic_share = systematic_variance / total;
        Ok(FactorRisk { betas, systematic_variance, specific_variance, systematic_share, contributions })
    }
}

/// A vector autoregression of order 1 with a constant.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorAutoregression {
    /// Constant of each equation.
    pub intercepts: Vec<f64>,
    /// Row i: what moves series i; column j: by series j one period before.
    pub coefficients: OwnedMatrix,
    /// Covariance of the residuals (maximum likelihood: over n).
    pub residual_covariance: OwnedMatrix,
    /// Akaike's criterion a period: ln det Σ + 2 k / n.
    pub aic: f64,
    /// Schwarz's criterion a period.
    pub bic: f64,
}

/// Fits a VAR(1) by least squares (H. Lütkepohl, "New introduction to multiple time series analysis", 2005, section
/// 3.2; the criteria as statsmodels counts them, all coefficients and constants).
///
/// Errors: `QUANT_TOO_FEW` for fewer periods than twice the series and three, `QUANT_UNDEFINED` for series that depend
/// on each other, `QUANT_NOT_POSITIVE_DEFINITE` for residuals that do.
pub fn fit_vector_autoregression(series: &Matrix<'_>) -> Result<VectorAutoregression, QuantError> {
    let (rows, count) = (series.rows(), series.columns());
    at_least("series", rows, 2 * count + 3)?;
    let periods = rows - 1;
    let constant = ones(periods);
    let mut columns: Vec<&[f64]> = vec![&constant];
    columns.extend(series.columns_iter().map(|column| &column[..periods]));
    let design = Design::new("series", &columns)?;
    let mut intercepts = Vec::with_capacity(count);
    let mut coefficients = OwnedMatrix::zeros(count, count);
    let mut residuals = Vec::with_capacity(count);
    for (i, column) in series.columns_iter().enumerate() {
        let fit = design.explain(&column[1..], columns.len());
        intercepts.push(fit.coefficients[0]);
        for (j, &c) in fit.coefficients[1..].iter().enumerate() {
            coefficients.set(i, j, c);
        }
        residuals.push(fit.residuals);
    }
    let n = periods as f64;
    let residual_covariance = OwnedMatrix::from_fn(count, count, |i, j| {
        residuals[i].iter().zip(&residuals[j]).map(|(a, b)| a * b).sum::<f64>() / n
    });
    let ln_det = ln_determinant(&residual_covariance)?;
    let free = (count * count + count) as f64;
    let (aic, bic) = (ln_det + 2.0 / n * free, ln_det + libm::log(n) / n * free);
    finite("aic", aic)?;
    checked_vector("intercepts", &intercepts)?;
    coefficients.view("coefficients")?;
    Ok(VectorAutoregression { intercepts, coefficients, residual_covariance, aic, bic })
}

/// ln det of a positive definite matrix by its Cholesky factor.
fn ln_determinant(matrix: &OwnedMatrix) -> Result<f64, QuantError> {
    let n = matrix.rows();
    let mut l = OwnedMatrix::zeros(n, n);
    let mut sum = 0.0;
    for j in 0..n {
        for i in j..n {
            let known: f64 = (0..j).map(|k| l.at(i, k) * l.at(j, k)).sum();
            let rest = matrix.at(i, j) - known;
            if i == j {
                if rest.is_nan() || rest <= 0.0 {
                    return Err(QuantError::NotPositiveDefinite { what: "residualCovariance", row: j });
                }
                l.set(j, j, libm::sqrt(rest));
                sum += libm::log(rest);
            } else {
                l.set(i, j, rest / l.at(j, j));
            }
        }
    }
    Ok(sum)
}
