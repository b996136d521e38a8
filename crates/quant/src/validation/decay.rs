//! # Room card: quant/validation/decay
//! In:    a signal and returns, periods × assets, of the same shape.
//! Out:   for each lag the correlation of signal and return with its t-statistic, what a unit of gross exposure to the
//!        signal earned, and the lag at which half of the correlation is left.
//! Holds: the signal of period t meets the return of period t + lag; nothing meets its past. One asset is correlated
//!        over time, several across assets period by period.
//! Costs: lags × periods × assets, and ranks for Spearman; cancellable between lags.
use crate::error::{at_least, at_most, length};
use crate::stats::{correlation, is_constant, mean, ranks, variance};
use crate::{JobControl, Matrix, QuantError};

/// Which correlation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DecayShape {
    /// Of values.
    Pearson,
    /// Of ranks: a few large returns do not decide.
    Spearman,
}

/// Parameters of `alpha_decay`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AlphaDecayOptions {
    /// Lags 1 to this many periods.
    pub lags: usize,
    /// Which correlation; `Spearman` by default.
    pub shape: DecayShape,
}

impl Default for AlphaDecayOptions {
    fn default() -> Self {
        AlphaDecayOptions { lags: 20, shape: DecayShape::Spearman }
    }
}

/// One lag of the curve.
#[derive(Clone, Copy, PartialEq, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DecayPoint {
    /// Periods from signal to return.
    pub lag: usize,
    /// Information coefficient: the correlation, averaged over periods where there are several assets. None where
    /// nothing varies.
    pub information_coefficient: Option<f64>,
    /// Its t-statistic: mean over standard error across periods, or r √((n - 2)/(1 - r²)) of one asset.
    pub t_statistic: Option<f64>,
    /// Mean return a period of weights proportional to the signal (less its mean across assets where there are several)
    /// with absolute weights adding up to 1.
    pub mean_return: f64,
    /// Periods, or pairs of one asset, that it was made from.
    pub observations: usize,
}

/// How a signal's edge fades.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AlphaDecay {
    /// Lag 1 first.
    pub curve: Vec<DecayPoint>,
    /// The lag, linear between two, at which the coefficient has fallen to half of the first; none where it never does
    /// or the first is not positive.
    pub half_life: Option<f64>,
}

/// The decay curve of a signal.
///
/// Errors: `QUANT_RAGGED` where the shapes differ, `QUANT_TOO_FEW` (fewer than three periods left at the last lag),
/// `QUANT_CANCELLED`.
/// Source: Grinold, Kahn, "Active Portfolio Management" (1999), chapters 6 (information coefficient) and 13
/// (half-life).
pub fn alpha_decay(
    signal: Matrix<'_>,
    returns: Matrix<'_>,
    options: AlphaDecayOptions,
    control: &JobControl<'_>,
) -> Result<AlphaDecay, QuantError> {
    length("returns", returns.rows(), signal.rows())?;
    length("returns", returns.columns(), signal.columns())?;
    at_least("lags", options.lags, 1)?;
    at_most("lags", options.lags, signal.rows())?;
    at_least("returns", returns.rows(), options.lags + 3)?;
    let mut curve = Vec::with_capacity(options.lags);
    for lag in 1..=options.lags {
        control.check()?;
        control.progress(lag as u64 - 1, options.lags as u64);
        curve.push(point(signal, returns, lag, options.shape));
    }
    control.progress(options.lags as u64, options.lags as u64);
    Ok(AlphaDecay { half_life: half_life(&curve), curve })
}

fn shaped(values: &[f64], shape: DecayShape) -> Vec<f64> {
    match shape {
        DecayShape::Pearson => values.to_vec(),
        DecayShape::Spearman => ranks(values),
    }
}

fn point(signal: Matrix<'_>, returns: Matrix<'_>, lag: usize, shape: DecayShape) -> DecayPoint {
    let periods = signal.rows() - lag;
    let assets = signal.columns();
    let mut coefficients = Vec::with_capacity(periods);
    let mut earned = 0.0;
    for t in 0..periods {
        let row: Vec<f64> = (0..assets).map(|asset| signal.at(t, asset)).collect();
        let next: Vec<f64> = (0..assets).map(|asset| returns.at(t + lag, asset)).collect();
        let centre = if assets > 1 { mean(&row) } else { 0.0 };
        let gross: f64 = row.iter().map(|value| (value - centre).abs()).sum();
        if gross > 0.0 && !(assets > 1 && is_constant(&row)) {
            let weights = row.iter().map(|value| (value - centre) / gross);
            earned += weights.zip(&next).map(|(weight, r)| weight * r).sum::<f64>() / periods as f64;
        }
        coefficients.extend(correlation(&shaped(&row, shape), &shaped(&next, shape)));
    }
    let (coefficient, t_statistic, observations) = if assets > 1 {
        across(&coefficients)
    } else {
        let (early, late) = (&signal.column(0)[..periods], &returns.column(0)[lag..]);
        over_time(correlation(&shaped(early, shape), &shaped(late, shape)), periods)
    };
    DecayPoint { lag, information_coefficient: coefficient, t_statistic, mean_return: earned, observations }
}

fn across(coefficients: &[f64]) -> (Option<f64>, Option<f64>, usize) {
    let count = coefficients.len();
    if count == 0 {
        return (None, None, 0);
    }
    let average = mean(coefficients);
    if count < 2 || is_constant(coefficients) {
        return (Some(average), None, count);
    }
    let error = libm::sqrt(variance(coefficients, 1) / count as f64);
    (Some(average), Some(average / error), count)
}

fn over_time(coefficient: Option<f64>, pairs: usize) -> (Option<f64>, Option<f64>, usize) {
    let t = coefficient.map(|r| r * libm::sqrt((pairs - 2) as f64 / (1.0 - r * r)));
    (coefficient, t.filter(|value| value.is_finite()), pairs)
}

fn half_life(curve: &[DecayPoint]) -> Option<f64> {
    let first = curve[0].information_coefficient.filter(|value| *value > 0.0)?;
    for pair in curve.windows(2) {
        let (before, after) = (pair[0].information_coefficient?, pair[1].information_coefficient?);
        if after <= first / 2.0 {
            return Some(pair[0].lag as f64 + (before - first / 2.0) / (before - after));
        }
    }
    None
}
