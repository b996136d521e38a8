//! # Room card: quant/allocate/black_litterman
//! In:    a covariance, a prior of expected returns or the market's weights, views with their uncertainty.
//! Out:   posterior expected returns and covariance.
//! Holds: without views the prior comes back; a view of no uncertainty is met exactly.
//! Costs: O(N²k + k³) for k views.
use super::covariance_of;
use crate::error::{at_least, in_range, length, positive};
use crate::matrix::{checked_vector, checked_vector_of};
use crate::optimise::{Factor, add_scaled, dot};
use crate::{JobControl, Matrix, OwnedMatrix, QuantError};

/// Where the expected returns without views come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Prior<'a> {
    /// Given.
    Returns(&'a [f64]),
    /// Implied by the market: δ Σ w + rf, with the market's weights.
    Market {
        /// Weights of the market.
        weights: &'a [f64],
        /// Risk aversion of the market (δ); 2.5 is usual.
        risk_aversion: f64,
        /// Risk-free rate a period.
        risk_free: f64,
    },
}

/// Views: portfolios and what they are expected to return.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Views<'a> {
    /// P: one row a view, one column an asset. A relative view has 1 and −1, an absolute one a single 1.
    pub portfolios: Matrix<'a>,
    /// Q: expected return of each view's portfolio, a period.
    pub returns: &'a [f64],
}

/// How uncertain the views are (Ω).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Omega<'a> {
    /// diag(τ P Σ Pᵀ): as uncertain as the prior is about them (He and Litterman 1999).
    #[default]
    Proportional,
    /// Variances of the views' errors, at least 0.
    Variances(&'a [f64]),
    /// The covariance of the views' errors.
    Covariance(Matrix<'a>),
    /// A confidence from 0 (ignored) to 1 (met) for each view: τ (1 − c)/c × P Σ Pᵀ (Idzorek 2005, in Walters' closed
    /// form).
    Confidence(&'a [f64]),
}

/// What `black_litterman` needs besides covariance, prior and views.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BlackLittermanOptions<'a> {
    /// Scale of the prior's uncertainty (τ).
    pub tau: f64,
    /// Uncertainty of the views.
    pub omega: Omega<'a>,
}

impl Default for BlackLittermanOptions<'_> {
    fn default() -> Self {
        BlackLittermanOptions { tau: 0.05, omega: Omega::Proportional }
    }
}

/// The blend of prior and views.
#[derive(Clone, Debug, PartialEq)]
pub struct BlackLitterman {
    /// Expected returns without views.
    pub prior: Vec<f64>,
    /// Expected returns with views.
    pub expected: Vec<f64>,
    /// Covariance of returns: Σ and what remains of the uncertainty of their means.
    pub covariance: OwnedMatrix,
}

/// The blend of a prior and views (Black and Litterman 1992): μ = π + τΣPᵀ(PτΣPᵀ + Ω)⁻¹(Q − Pπ), and Σ + τΣ − what
/// the views take away.
///
/// Errors: `QUANT_NOT_POSITIVE_DEFINITE` where views contradict each other with no uncertainty; `QUANT_OUT_OF_RANGE`;
/// those of the arguments.
pub fn black_litterman(
    covariance: Matrix<'_>,
    prior: Prior<'_>,
    views: Views<'_>,
    options: BlackLittermanOptions<'_>,
    control: &JobControl<'_>,
) -> Result<BlackLitterman, QuantError> {
    let sigma = covariance_of(covariance)?;
    let n = sigma.columns();
    positive("tau", options.tau)?;
    length("view portfolios", views.portfolios.columns(), n)?;
    let k = views.portfolios.rows();
    checked_vector_of("view returns", views.returns, k)?;
    let prior = prior_returns(prior, sigma)?;
    // One column a view: τ Σ Pᵀ.
    let mut spread: Vec<Vec<f64>> = Vec::with_capacity(k);
    for view in 0..k {
        control.check()?;
        control.progress(view as u64, k as u64);
        let mut column = vec![0.0; n];
        for (asset, whole) in sigma.columns_iter().enumerate() {
            add_scaled(&mut column, options.tau * views.portfolios.at(view, asset), whole);
        }
        spread.push(column);
    }
    let pick =
        |view: usize, column: &[f64]| (0..n).map(|asset| views.portfolios.at(view, asset) * column[asset]).sum::<f64>();
    let inner: Vec<f64> = (0..k * k).map(|cell| pick(cell % k, &spread[cell / k])).collect();
    let (kept, omega) = uncertainty(options.omega, &inner, k)?;
    let mut factor = Factor::new(kept.len());
    for (row, &view) in kept.iter().enumerate() {
        control.check()?;
        let beside: Vec<f64> =
            kept[..row].iter().map(|&other| inner[other * k + view] + omega[other * k + view]).collect();
        let diagonal = inner[view * (k + 1)] + omega[view * (k + 1)];
        factor.push(&beside, diagonal, 0.0);
        if factor.last_pivot() <= 1e-13 * diagonal {
            return Err(QuantError::NotPositiveDefinite { what: "views", row: view });
        }
    }
    let gap = kept.iter().map(|&view| views.returns[view] - pick(view, &prior));
    let mut blend: Vec<f64> = gap.collect();
    factor.forward(&mut blend);
    factor.backward(&mut blend);
    let mut expected = prior.clone();
    kept.iter().zip(&blend).for_each(|(&view, amount)| add_scaled(&mut expected, *amount, &spread[view]));
    // L⁻¹ P τΣ, one column an asset: its product with itself is what the views take away.
    let gain = |asset: usize| {
        control.check()?;
        let mut column: Vec<f64> = kept.iter().map(|&view| spread[view][asset]).collect();
        factor.forward(&mut column);
        Ok(column)
    };
    let gains = (0..n).map(gain).collect::<Result<Vec<Vec<f64>>, QuantError>>()?;
    let posterior = OwnedMatrix::from_fn(n, n, |row, column| {
        sigma.at(row, column) + options.tau * sigma.at(row, column) - dot(&gains[row], &gains[column])
    });
    control.progress(k as u64, k as u64);
    Ok(BlackLitterman { prior, expected, covariance: posterior })
}

fn prior_returns(prior: Prior<'_>, sigma: Matrix<'_>) -> Result<Vec<f64>, QuantError> {
    match prior {
        Prior::Returns(returns) => {
            checked_vector_of("prior returns", returns, sigma.columns())?;
            Ok(returns.to_vec())
        }
        Prior::Market { weights, risk_aversion, risk_free } => {
            checked_vector_of("market weights", weights, sigma.columns())?;
            positive("risk aversion", risk_aversion)?;
            crate::error::finite("risk-free rate", risk_free)?;
            Ok(sigma.columns_iter().map(|column| risk_aversion * dot(column, weights) + risk_free).collect())
        }
    }
}

/// The views that count and the k × k covariance of their errors; `inner` is P τΣ Pᵀ.
fn uncertainty(omega: Omega<'_>, inner: &[f64], k: usize) -> Result<(Vec<usize>, Vec<f64>), QuantError> {
    at_least("views", k, 1)?;
    let mut matrix = vec![0.0; k * k];
    let mut kept: Vec<usize> = (0..k).collect();
    match omega {
        Omega::Proportional => (0..k).for_each(|view| matrix[view * (k + 1)] = inner[view * (k + 1)]),
        Omega::Variances(variances) => {
            checked_vector_of("view variances", variances, k)?;
            for (view, &variance) in variances.iter().enumerate() {
                in_range("view variance", variance, 0.0, f64::MAX)?;
                matrix[view * (k + 1)] = variance;
            }
        }
        Omega::Covariance(given) => {
            length("view covariance", given.columns(), k)?;
            length("view covariance", given.rows(), k)?;
            matrix.copy_from_slice(Matrix::symmetric("view covariance", given.values(), k)?.values());
        }
        Omega::Confidence(confidence) => {
            checked_vector("view confidence", confidence)?;
            length("view confidence", confidence.len(), k)?;
            for (view, &confidence) in confidence.iter().enumerate() {
                in_range("view confidence", confidence, 0.0, 1.0)?;
                matrix[view * (k + 1)] = inner[view * (k + 1)] * (1.0 - confidence) / confidence;
            }
            kept.retain(|&view| confidence[view] > 0.0); // no confidence is no view
        }
    }
    Ok((kept, matrix))
}
