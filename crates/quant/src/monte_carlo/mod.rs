//! # Room card: quant/monte_carlo
//! In:    a book of units and options, distributions of its assets' returns, a copula, a seed.
//! Out:   value at risk and shortfall with their standard errors, every path's P&L.
//! Holds: the same bits whatever the number of threads: fixed blocks, counter-based normals, sums in the order of the
//!        paths.
//! Costs: 10⁶ paths of 20 assets with their options in at most 300 ms on two cores (bench `quant/monte-carlo`).

mod marginals;
mod normals;
mod simulate;

use crate::error::{at_least, at_most, in_range, length, positive};
use crate::matrix::checked_vector;
use crate::options::{OptionKind, OptionTerms};
use crate::risk::{Convention, TailRisk};
use crate::{JobControl, Matrix, OwnedMatrix, QuantError};

/// Most paths of one run (2 GiB of P&L).
pub const PATHS_MAX: usize = 1 << 28;
/// Most assets of one run.
pub const ASSETS_MAX: usize = 4_096;
/// Most options of one book.
pub const OPTIONS_MAX: usize = 1 << 20;
/// Most threads of one run.
pub const THREADS_MAX: usize = 256;

/// The distribution of one asset's return over the horizon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Marginal<'a> {
    /// Normal.
    Normal {
        /// Mean over the horizon.
        mean: f64,
        /// Deviation over the horizon, >= 0.
        deviation: f64,
    },
    /// Student's t.
    StudentT {
        /// Centre over the horizon.
        location: f64,
        /// Scale over the horizon, >= 0; the deviation is scale √(ν/(ν-2)).
        scale: f64,
        /// Degrees of freedom (ν), over 0.
        degrees_of_freedom: f64,
    },
    /// The past: quantiles of a sample, by linear interpolation.
    Empirical(&'a [f64]),
}

/// How assets move together.
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Copula {
    /// Of a normal vector: extremes of different assets become independent far out.
    Gaussian,
    /// Of a vector of Student's t: extremes come together, the more so the fewer degrees of freedom.
    StudentT {
        /// Degrees of freedom (ν), over 0.
        degrees_of_freedom: f64,
    },
}

/// What a simulated return does to a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ReturnKind {
    /// price · (1 + r).
    #[default]
    Simple,
    /// price · e^r.
    Logarithmic,
}

/// Distributions of all assets.
#[derive(Clone, Copy, Debug)]
pub struct ReturnModel<'a> {
    /// One an asset.
    pub marginals: &'a [Marginal<'a>],
    /// Correlation of the copula, positive semidefinite with a diagonal of 1.
    pub correlation: Matrix<'a>,
    /// How assets move together.
    pub copula: Copula,
    /// What a return does to a price.
    pub returns: ReturnKind,
}

/// Options held in one asset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OptionPosition {
    /// Index of the underlying.
    pub asset: usize,
    /// Call or put.
    pub kind: OptionKind,
    /// Strike, > 0.
    pub strike: f64,
    /// Years to expiry, >= 0.
    pub years: f64,
    /// Rate per year, continuous.
    pub rate: f64,
    /// Dividend yield per year, continuous.
    pub dividend_yield: f64,
    /// Volatility per √year, >= 0.
    pub volatility: f64,
    /// Contracts times multiplier; negative for a short position.
    pub quantity: f64,
    /// Index of an asset whose return moves the volatility, such as a volatility index; none keeps it.
    pub volatility_asset: Option<usize>,
}

impl OptionPosition {
    /// The option's terms at a price of the underlying.
    pub fn terms(&self, spot: f64) -> OptionTerms {
        OptionTerms {
            kind: self.kind,
            spot,
            strike: self.strike,
            years: self.years,
            rate: self.rate,
            dividend_yield: self.dividend_yield,
            volatility: self.volatility,
        }
    }
}

/// What is held.
#[derive(Clone, Copy, Debug)]
pub struct Book<'a> {
    /// Price of each asset, > 0.
    pub spots: &'a [f64],
    /// Units of each asset; negative for a short position.
    pub quantities: &'a [f64],
    /// Options.
    pub options: &'a [OptionPosition],
}

impl Book<'_> {
    /// Refuses what cannot be valued.
    ///
    /// Errors: `QUANT_EMPTY`, `QUANT_RAGGED`, `QUANT_NOT_FINITE`, `QUANT_OUT_OF_RANGE` (also for the index of an
    /// asset), `QUANT_TOO_LARGE`.
    pub fn check(&self) -> Result<(), QuantError> {
        checked_vector("spots", self.spots)?;
        checked_vector("quantities", self.quantities)?;
        length("quantities", self.quantities.len(), self.spots.len())?;
        at_most("spots", self.spots.len(), ASSETS_MAX)?;
        at_most("options", self.options.len(), OPTIONS_MAX)?;
        for &spot in self.spots {
            positive("spots", spot)?;
        }
        let last = (self.spots.len() - 1) as f64;
        for option in self.options {
            in_range("asset", option.asset as f64, 0.0, last)?;
            in_range("volatilityAsset", option.volatility_asset.unwrap_or(0) as f64, 0.0, last)?;
            option.terms(self.spots[option.asset]).check()?;
            crate::error::finite("quantity", option.quantity)?;
        }
        Ok(())
    }

    /// Value of all units and options at present prices.
    ///
    /// Errors: as [`Book::check`].
    pub fn value(&self) -> Result<f64, QuantError> {
        self.check()?;
        let units: f64 = self.spots.iter().zip(self.quantities).map(|(s, q)| s * q).sum();
        let mut options = 0.0;
        for option in self.options {
            options += option.quantity * option.terms(self.spots[option.asset]).price()?;
        }
        Ok(units + options)
    }
}

/// Parameters of [`monte_carlo_risk`].
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MonteCarloOptions {
    /// Number of paths, at least 100.
    pub paths: usize,
    /// Seed of the normals: the same seed gives the same paths.
    pub seed: u64,
    /// Confidences to report, each over 0 and below 1.
    pub confidences: Vec<f64>,
    /// Years by which the options are older at the horizon, >= 0.
    pub horizon_years: f64,
    /// Threads; 0 takes as many as there are cores. The result does not depend on it.
    pub threads: usize,
    /// Returns the P&L of every path.
    pub keep_paths: bool,
    /// Sign of a loss.
    pub convention: Convention,
}

impl Default for MonteCarloOptions {
    fn default() -> Self {
        MonteCarloOptions {
            paths: 100_000,
            seed: 1,
            confidences: vec![0.95, 0.99],
            horizon_years: 1.0 / 365.0,
            threads: 0,
            keep_paths: false,
            convention: Convention::LossPositive,
        }
    }
}

/// Value at risk and shortfall at one confidence, with standard errors of the simulation.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SimulatedTail {
    /// The confidence.
    pub confidence: f64,
    /// Order statistic ⌈αn⌉ and Rockafellar's and Uryasev's shortfall, in money.
    #[serde(flatten)]
    pub risk: TailRisk,
    /// Half the distance of the order statistics one binomial deviation above and below.
    pub value_at_risk_error: f64,
    /// From the variance of the tail (B. Manistre, G. Hancock 2005).
    pub expected_shortfall_error: f64,
}

/// Result of a simulation.
#[derive(Clone, Debug, PartialEq)]
pub struct MonteCarloRisk {
    /// Mean P&L.
    pub mean: f64,
    /// Deviation of the P&L (n - 1).
    pub deviation: f64,
    /// One a confidence, in the order asked for.
    pub tails: Vec<SimulatedTail>,
    /// P&L of every path, if it was asked for.
    pub paths: Option<Vec<f64>>,
}

/// Normal marginals and the correlation of a covariance.
///
/// Errors: `QUANT_RAGGED` for means of another length, `QUANT_NOT_FINITE`, `QUANT_OUT_OF_RANGE` for a negative
/// variance.
pub fn normal_marginals(
    means: &[f64],
    covariance: &Matrix<'_>,
) -> Result<(Vec<Marginal<'static>>, OwnedMatrix), QuantError> {
    checked_vector("means", means)?;
    length("means", means.len(), covariance.rows())?;
    length("covariance", covariance.columns(), covariance.rows())?;
    let mut marginals = Vec::with_capacity(means.len());
    for (i, &mean) in means.iter().enumerate() {
        in_range("covariance", covariance.at(i, i), 0.0, f64::MAX)?;
        marginals.push(Marginal::Normal { mean, deviation: libm::sqrt(covariance.at(i, i)) });
    }
    let deviation = |i: usize| libm::sqrt(covariance.at(i, i));
    let correlation = OwnedMatrix::from_fn(means.len(), means.len(), |i, j| {
        let scale = deviation(i) * deviation(j);
        if i == j {
            1.0
        } else if scale > 0.0 {
            (covariance.at(i, j) / scale).clamp(-1.0, 1.0)
        } else {
            0.0
        }
    });
    Ok((marginals, correlation))
}

impl ReturnModel<'_> {
    fn check(&self, assets: usize) -> Result<(), QuantError> {
        length("marginals", self.marginals.len(), assets)?;
        length("correlation", self.correlation.rows(), assets)?;
        length("correlation", self.correlation.columns(), assets)?;
        if let Copula::StudentT { degrees_of_freedom } = self.copula {
            in_range("degreesOfFreedom", degrees_of_freedom, 0.1, 1e6)?;
        }
        for (i, marginal) in self.marginals.iter().enumerate() {
            match *marginal {
                Marginal::Normal { mean, deviation } => {
                    crate::error::finite("mean", mean)?;
                    in_range("deviation", deviation, 0.0, f64::MAX)?;
                }
                Marginal::StudentT { location, scale, degrees_of_freedom } => {
                    crate::error::finite("location", location)?;
                    in_range("scale", scale, 0.0, f64::MAX)?;
                    in_range("degreesOfFreedom", degrees_of_freedom, 0.1, 1e6)?;
                }
                Marginal::Empirical(sample) => {
                    checked_vector("sample", sample)?;
                    at_least("sample", sample.len(), 2)?;
                }
            }
            in_range("correlation", self.correlation.at(i, i), 1.0 - 1e-9, 1.0 + 1e-9)?;
        }
        Ok(())
    }
}

/// Simulates the book over the horizon and measures its tail; options are priced again on every path.
///
/// Errors: as [`Book::check`]; `QUANT_RAGGED` for a model of other assets, `QUANT_NOT_POSITIVE_DEFINITE` for the
/// correlation, `QUANT_OUT_OF_RANGE`, `QUANT_TOO_FEW` under 100 paths or without a confidence, `QUANT_TOO_LARGE`,
/// `QUANT_CANCELLED`.
pub fn monte_carlo_risk(
    book: &Book<'_>,
    model: &ReturnModel<'_>,
    options: &MonteCarloOptions,
    control: &JobControl<'_>,
) -> Result<MonteCarloRisk, QuantError> {
    book.check()?;
    model.check(book.spots.len())?;
    at_least("paths", options.paths, 100)?;
    at_most("paths", options.paths, PATHS_MAX)?;
    at_least("confidences", options.confidences.len(), 1)?;
    at_most("confidences", options.confidences.len(), 1_000)?;
    at_most("threads", options.threads, THREADS_MAX)?;
    in_range("horizonYears", options.horizon_years, 0.0, 1e6)?;
    for &confidence in &options.confidences {
        crate::risk::tail_of(confidence)?;
    }
    let pnl = simulate::pnl(book, model, options, control)?;
    simulate::measure(pnl, options)
}
