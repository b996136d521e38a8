//! # Room card: quant/volatility/garch
//! In:    returns, the model (GARCH(1,1) or GJR), the distribution of its innovations.
//! Out:   parameters of maximum likelihood, the volatility of every period, forecasts; or the path of given parameters.
//! Holds: a fit has ω > 0, weights and β not negative, persistence at most 1; it does not depend on the unit.
//! Costs: 5,030 returns in at most 8 ms (bench `quant/garch`).
//!
//! Conventions of `arch` 8: constant mean fitted with the rest, backcast of the first 75 squares, no rescaling.

use super::likelihood::{BETA, FALL, MU, OMEGA, RISE, Sample, Weights, backcast};
use super::polytope::{Inequality, Minimum, N, Point, minimise};
use crate::error::{at_least, at_most, finite, in_range};
use crate::matrix::checked_vector;
use crate::{JobControl, QuantError};

/// Fewer returns than this fit nothing.
const RETURNS_MIN: usize = 20;
/// Longest forecast.
pub const HORIZON_MAX: usize = 10_000;
/// Range of the degrees of freedom, as `arch` has it.
const NU_MIN: f64 = 2.05;
const NU_MAX: f64 = 500.0;
/// What given weights may fall short of their bounds: a search that ends at a bound leaves a rounding (`arch` on the
/// VIX: α + γ = -2.5e-13), and its parameters are taken as they are.
const BOUND_SLACK: f64 = 1e-8;
/// Least ω in units of the sample variance.
const OMEGA_MIN: f64 = 1e-8;

/// The variance equation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GarchModel {
    /// σ²ₜ = ω + α e²ₜ₋₁ + β σ²ₜ₋₁ (Bollerslev 1986).
    #[default]
    Garch,
    /// With γ e²ₜ₋₁ more after a fall (Glosten, Jagannathan, Runkle 1993).
    Gjr,
}

/// The distribution of the innovations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GarchDistribution {
    /// Normal.
    #[default]
    Normal,
    /// Student's t, scaled to unit variance; its degrees of freedom are fitted.
    StudentT,
}

/// Parameters of [`fit_garch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct GarchOptions {
    /// The variance equation.
    pub model: GarchModel,
    /// The distribution of the innovations.
    pub distribution: GarchDistribution,
    /// Periods to forecast, at least 1.
    pub horizon: usize,
}

impl Default for GarchOptions {
    fn default() -> Self {
        GarchOptions { model: GarchModel::Garch, distribution: GarchDistribution::Normal, horizon: 1 }
    }
}

/// Parameters of a model, in the units of the returns.
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GarchParameters {
    /// Mean a period (μ).
    pub mean: f64,
    /// Constant of the variance (ω), > 0.
    pub omega: f64,
    /// Weight of the last square (α).
    pub alpha: f64,
    /// Further weight of the last square after a fall (γ); 0 in a GARCH.
    #[serde(default)]
    pub gamma: f64,
    /// Weight of the last variance (β).
    pub beta: f64,
    /// Degrees of freedom (ν) of Student's t; none for normal innovations.
    #[serde(default)]
    pub degrees_of_freedom: Option<f64>,
}

impl GarchParameters {
    /// α + γ/2 + β: how much of a shock to the variance is left a period later.
    pub fn persistence(&self) -> f64 {
        self.alpha + 0.5 * self.gamma + self.beta
    }

    /// ω / (1 - persistence), the variance that forecasts tend to; none where persistence is 1 or more.
    pub fn long_run_variance(&self) -> Option<f64> {
        let rest = 1.0 - self.persistence();
        (rest > 0.0).then(|| self.omega / rest)
    }

    fn check(&self) -> Result<(), QuantError> {
        finite("mean", self.mean)?;
        in_range("omega", self.omega, f64::MIN_POSITIVE, f64::MAX)?;
        in_range("alpha", self.alpha, -BOUND_SLACK, f64::MAX)?;
        in_range("gamma", self.gamma, -self.alpha - BOUND_SLACK, f64::MAX)?;
        in_range("beta", self.beta, -BOUND_SLACK, f64::MAX)?;
        match self.degrees_of_freedom {
            Some(nu) => in_range("degreesOfFreedom", nu, 2.0 + 1e-9, 1e9),
            None => Ok(()),
        }
    }

    fn weights(&self) -> Weights {
        Weights {
            mu: self.mean,
            omega: self.omega,
            rise: self.alpha,
            fall: self.alpha + self.gamma,
            beta: self.beta,
            inverse_nu: self.degrees_of_freedom.map_or(0.0, |nu| 1.0 / nu),
        }
    }
}

/// What given parameters make of returns.
#[derive(Clone, Debug, PartialEq)]
pub struct GarchPath {
    /// Volatility of each period as forecast one before.
    pub volatilities: Vec<f64>,
    /// (return - mean) over volatility.
    pub standardised: Vec<f64>,
    /// Variances of the next periods, the first one period after the last return.
    pub forecast: Vec<f64>,
    /// Log-likelihood of the returns.
    pub log_likelihood: f64,
}

/// A fitted model.
#[derive(Clone, Debug, PartialEq)]
pub struct GarchFit {
    /// Parameters of maximum likelihood.
    pub parameters: GarchParameters,
    /// Volatilities, standardised returns, forecast, log-likelihood.
    pub path: GarchPath,
    /// Akaike's criterion, 2 k - 2 log-likelihood.
    pub aic: f64,
    /// Schwarz's criterion, k ln n - 2 log-likelihood.
    pub bic: f64,
    /// Steps of the search.
    pub steps: usize,
}

/// Volatilities, likelihood and forecast of parameters that the caller has: exact, nothing is fitted.
///
/// Errors: `QUANT_EMPTY`, `QUANT_NOT_FINITE`, `QUANT_TOO_FEW` for the returns, `QUANT_OUT_OF_RANGE` for a parameter (α,
/// β and α + γ may be negative by 1e-8), `QUANT_UNDEFINED` where they make a variance negative, `QUANT_TOO_LARGE` for
/// the horizon.
pub fn garch_path(returns: &[f64], parameters: &GarchParameters, horizon: usize) -> Result<GarchPath, QuantError> {
    checked_vector("returns", returns)?;
    at_least("returns", returns.len(), 2)?;
    at_least("horizon", horizon, 1)?;
    at_most("horizon", horizon, HORIZON_MAX)?;
    parameters.check()?;
    let student = parameters.degrees_of_freedom.is_some();
    let sample = Sample { returns, backcast: backcast(returns), student, asymmetric: true };
    let w = parameters.weights();
    let (variances, next) = sample.variances(&w);
    if variances.iter().chain([&next]).any(|&variance| variance <= 0.0) {
        return Err(QuantError::Undefined { what: "variance", why: "the parameters make a variance negative" });
    }
    let mut log_likelihood = 0.0;
    let mut standardised = Vec::with_capacity(returns.len());
    let constant = parameters
        .degrees_of_freedom
        .map_or(0.0, |nu| crate::distributions::student_ln_constant(nu) - 0.5 * libm::log((nu - 2.0) / nu));
    for (&r, &variance) in returns.iter().zip(&variances) {
        let z = (r - w.mu) / libm::sqrt(variance);
        log_likelihood += match parameters.degrees_of_freedom {
            None => -0.5 * (libm::log(core::f64::consts::TAU) + z * z),
            Some(nu) => constant - 0.5 * (nu + 1.0) * libm::log1p(z * z / (nu - 2.0)),
        } - 0.5 * libm::log(variance);
        standardised.push(z);
    }
    finite("logLikelihood", log_likelihood)?;
    let mut forecast = Vec::with_capacity(horizon);
    let mut variance = next;
    for _ in 0..horizon {
        forecast.push(variance);
        variance = w.omega + parameters.persistence() * variance;
    }
    finite("forecast", variance)?;
    let volatilities = variances.iter().map(|&variance| libm::sqrt(variance)).collect();
    Ok(GarchPath { volatilities, standardised, forecast, log_likelihood })
}

/// Fits a model by maximum likelihood.
///
/// `arch` stops its search early; its parameters agree with these to 1e-4 and its likelihood to 1e-6 (never above).
///
/// Errors: `QUANT_TOO_FEW` under 20 returns, `QUANT_CONSTANT` for returns that do not vary, `QUANT_NOT_FINITE`,
/// `QUANT_NOT_CONVERGED`, `QUANT_CANCELLED`.
pub fn fit_garch(returns: &[f64], options: GarchOptions, control: &JobControl<'_>) -> Result<GarchFit, QuantError> {
    checked_vector("returns", returns)?;
    at_least("returns", returns.len(), RETURNS_MIN)?;
    at_least("horizon", options.horizon, 1)?;
    at_most("horizon", options.horizon, HORIZON_MAX)?;
    let count = returns.len() as f64;
    let mean = returns.iter().sum::<f64>() / count;
    let largest = returns.iter().fold(0.0f64, |largest, r| largest.max((r - mean).abs()));
    if largest <= 1e-14 * mean.abs() || largest == 0.0 {
        return Err(QuantError::Constant { what: "returns", column: 0 });
    }
    // In units of the deviation, so that no step depends on the unit; the largest return first, against overflow.
    let deviation = largest
        * libm::sqrt(returns.iter().map(|r| ((r - mean) / largest) * ((r - mean) / largest)).sum::<f64>() / count);
    let scaled: Vec<f64> = returns.iter().map(|r| r / deviation).collect();
    let sample = Sample {
        returns: &scaled,
        backcast: backcast(&scaled).max(1e-12),
        student: options.distribution == GarchDistribution::StudentT,
        asymmetric: options.model == GarchModel::Gjr,
    };
    let minimum = search(&sample, mean / deviation, control)?;
    let w = sample.weights(&minimum.x);
    let parameters = GarchParameters {
        mean: w.mu * deviation,
        omega: w.omega * deviation * deviation,
        alpha: w.rise,
        gamma: if sample.asymmetric { w.fall - w.rise } else { 0.0 },
        beta: w.beta,
        degrees_of_freedom: sample.student.then(|| 1.0 / w.inverse_nu),
    };
    let path = garch_path(returns, &parameters, options.horizon)?;
    let k = sample.variables() as f64;
    let (aic, bic) = (2.0 * k - 2.0 * path.log_likelihood, k * libm::log(count) - 2.0 * path.log_likelihood);
    Ok(GarchFit { parameters, path, aic, bic, steps: minimum.steps })
}

/// Bounds of the parameters of returns with unit variance.
fn inequalities(sample: &Sample<'_>) -> Vec<Inequality> {
    let unit = |i: usize, sign: f64, bound: f64| {
        let mut row = [0.0; N];
        row[i] = sign;
        Inequality { row, bound }
    };
    let mut rows = vec![unit(OMEGA, 1.0, OMEGA_MIN), unit(RISE, 1.0, 0.0), unit(BETA, 1.0, 0.0)];
    let mut persistence = [0.0; N];
    persistence[BETA] = -1.0;
    persistence[RISE] = -1.0;
    if sample.asymmetric {
        persistence[RISE] = -0.5;
        persistence[FALL] = -0.5;
        rows.push(unit(FALL, 1.0, 0.0));
    }
    rows.push(Inequality { row: persistence, bound: -1.0 });
    if sample.student {
        let last = sample.variables() - 1;
        rows.push(unit(last, 1.0, 1.0 / NU_MAX));
        rows.push(unit(last, -1.0, -1.0 / NU_MIN));
    }
    rows
}

/// The best of a few starts with the variance targeted, then the search from there.
fn search(sample: &Sample<'_>, mean: f64, control: &JobControl<'_>) -> Result<Minimum, QuantError> {
    let mut best: Option<(f64, Point)> = None;
    for persistence in [0.98, 0.9, 0.6] {
        for alpha in [0.05, 0.12, 0.25] {
            let mut x = [0.0; N];
            (x[MU], x[OMEGA], x[RISE], x[BETA]) = (mean, 1.0 - persistence, alpha, persistence - alpha);
            if sample.asymmetric {
                (x[RISE], x[FALL]) = (0.5 * alpha, 1.5 * alpha);
            }
            if sample.student {
                x[sample.variables() - 1] = 0.125;
            }
            let value = sample.value(&x);
            if best.is_none_or(|(least, _)| value < least) {
                best = Some((value, x));
            }
        }
    }
    let Some((value, start)) = best else { return Err(QuantError::Empty { what: "returns" }) };
    finite("logLikelihood", value)?;
    let rows = inequalities(sample);
    minimise(sample.variables(), start, &rows, control, |x| sample.local(x), |x| sample.value(x))
}
