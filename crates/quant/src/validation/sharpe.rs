//! # Room card: quant/validation/sharpe
//! In:    a Sharpe ratio a period, its sample, how many trials it was chosen from.
//! Out:   the probability that it is above a benchmark; the benchmark that chance alone would reach.
//! Holds: Sharpe ratios are a period's, never annual; kurtosis is Pearson's (3 of a Gaussian).
//! Costs: a few normal quantiles.
use crate::QuantError;
use crate::distributions::normal_quantile;
use crate::error::{at_least, finite, in_range};
use crate::lanes::normal_cdf;
use crate::matrix::checked_vector;
use crate::stats::{is_constant, mean, shape_about, squares_about};

/// Euler's and Mascheroni's constant γ.
const EULER: f64 = 0.577_215_664_901_532_9;

/// A Sharpe ratio and what its standard error depends on.
#[derive(Clone, Copy, PartialEq, Debug, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SharpeMoments {
    /// Mean over standard deviation, a period.
    pub sharpe: f64,
    /// Number of returns.
    pub observations: usize,
    /// Skewness of the returns.
    pub skewness: f64,
    /// Pearson kurtosis of the returns, 3 of a Gaussian.
    pub kurtosis: f64,
}

impl SharpeMoments {
    /// Of excess returns: standard deviation with `ddof` 1, biased moments.
    ///
    /// Errors: `QUANT_EMPTY`, `QUANT_NOT_FINITE`, `QUANT_TOO_FEW` (two), `QUANT_CONSTANT`.
    pub fn of(returns: &[f64]) -> Result<SharpeMoments, QuantError> {
        checked_vector("returns", returns)?;
        at_least("returns", returns.len(), 2)?;
        let centre = mean(returns);
        let squares = squares_about(returns, centre);
        let sharpe = centre / libm::sqrt(squares / (returns.len() - 1) as f64);
        if is_constant(returns) || !sharpe.is_finite() {
            return Err(QuantError::Constant { what: "returns", column: 0 });
        }
        let (skewness, kurtosis) = shape_about(returns, centre, squares);
        Ok(SharpeMoments { sharpe, observations: returns.len(), skewness, kurtosis })
    }

    /// With pandas' unbiased skewness and kurtosis in place of the biased ones: quantstats' convention.
    ///
    /// Errors: `QUANT_TOO_FEW` (four observations).
    pub fn unbiased(self) -> Result<SharpeMoments, QuantError> {
        at_least("returns", self.observations, 4)?;
        let n = self.observations as f64;
        let skewness = self.skewness * libm::sqrt(n * (n - 1.0)) / (n - 2.0);
        let excess = (n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * (self.kurtosis - 3.0) + 6.0);
        Ok(SharpeMoments { skewness, kurtosis: excess + 3.0, ..self })
    }

    /// Variance of the estimated ratio times (observations - 1): `1 - skew sr + (kurtosis - 1)/4 sr²`.
    fn spread(&self) -> Result<f64, QuantError> {
        finite("sharpe", self.sharpe)?;
        finite("skewness", self.skewness)?;
        finite("kurtosis", self.kurtosis)?;
        at_least("observations", self.observations, 2)?;
        let spread = 1.0 - self.skewness * self.sharpe + (self.kurtosis - 1.0) / 4.0 * self.sharpe * self.sharpe;
        if spread > 0.0 && spread.is_finite() {
            Ok(spread)
        } else {
            let why = "no sample has this skewness and kurtosis";
            Err(QuantError::Undefined { what: "probabilisticSharpe", why })
        }
    }
}

/// Probability that the true Sharpe ratio is above `benchmark` (both a period).
///
/// Errors: `QUANT_OUT_OF_RANGE`, `QUANT_TOO_FEW` (two observations), `QUANT_UNDEFINED` where the moments are those of
/// no sample.
/// Source: Bailey, López de Prado, "The Sharpe ratio efficient frontier" (2012), eq. 11.
pub fn probabilistic_sharpe(moments: SharpeMoments, benchmark: f64) -> Result<f64, QuantError> {
    finite("benchmark", benchmark)?;
    let spread = moments.spread()?;
    let root = libm::sqrt((moments.observations - 1) as f64);
    Ok(normal_cdf((moments.sharpe - benchmark) * root / libm::sqrt(spread)))
}

/// Observations needed for the Sharpe ratio to be above `benchmark` with probability `confidence`.
///
/// Errors: those of `probabilistic_sharpe`; `QUANT_UNDEFINED` where the ratio is not above the benchmark.
/// Source: as above, eq. 13.
pub fn minimum_track_record(moments: SharpeMoments, benchmark: f64, confidence: f64) -> Result<f64, QuantError> {
    finite("benchmark", benchmark)?;
    in_range("confidence", confidence, 0.5, 1.0 - f64::EPSILON)?;
    let spread = moments.spread()?;
    if moments.sharpe <= benchmark {
        let why = "the Sharpe ratio is not above the benchmark";
        return Err(QuantError::Undefined { what: "minimumTrackRecord", why });
    }
    let ratio = normal_quantile(confidence) / (moments.sharpe - benchmark);
    Ok(1.0 + spread * ratio * ratio)
}

/// The largest Sharpe ratio that `trials` independent trials without skill are expected to show.
///
/// Errors: `QUANT_TOO_FEW` (two trials), `QUANT_OUT_OF_RANGE` (variance).
/// Source: Bailey, López de Prado, "The deflated Sharpe ratio" (2014), eq. 1.
pub fn expected_maximum_sharpe(trial_variance: f64, trials: usize) -> Result<f64, QuantError> {
    in_range("trialVariance", trial_variance, 0.0, f64::MAX)?;
    at_least("trials", trials, 2)?;
    let count = trials as f64;
    let likely = normal_quantile(1.0 - 1.0 / count);
    let rare = normal_quantile(1.0 - 1.0 / (count * core::f64::consts::E));
    Ok(libm::sqrt(trial_variance) * ((1.0 - EULER) * likely + EULER * rare))
}

/// A Sharpe ratio after the search that found it.
#[derive(Clone, Copy, PartialEq, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeflatedSharpe {
    /// The ratio that chance alone would reach (SR0), a period.
    pub expected_maximum: f64,
    /// Probability that the true ratio is above it.
    pub probability: f64,
}

/// Deflated Sharpe ratio: `probabilistic_sharpe` against `expected_maximum_sharpe`. `trial_variance` is the variance of
/// the trials' Sharpe ratios, a period.
///
/// Errors: those of the two.
pub fn deflated_sharpe(
    moments: SharpeMoments,
    trial_variance: f64,
    trials: usize,
) -> Result<DeflatedSharpe, QuantError> {
    let expected_maximum = expected_maximum_sharpe(trial_variance, trials)?;
    Ok(DeflatedSharpe { expected_maximum, probability: probabilistic_sharpe(moments, expected_maximum)? })
}
