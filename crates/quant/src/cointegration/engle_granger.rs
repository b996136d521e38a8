//! # Room card: quant/cointegration/engle_granger
//! In:    two or more price series (take logarithms before, if the spread is one of returns).
//! Out:   hedge ratio, spread, Dickey-Fuller statistic with p-value and critical values, half-life, z-score.
//! Holds: lags are chosen on one sample for all, as statsmodels does; regressions by QR.
//! Costs: one QR of n rows and as many columns as lags.

use super::Deterministic;
use super::mackinnon::{SERIES_MAX, critical_values, p_value};
use crate::error::{at_least, at_most, finite, length};
use crate::matrix::{checked_vector, checked_vector_of};
use crate::regression::Design;
use crate::{Matrix, QuantError};

/// Most lags.
pub const LAGS_MAX: usize = 200;

/// How many lagged changes the Dickey-Fuller regression has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Lags {
    /// As many as said.
    Fixed(usize),
    /// The number with the least Akaike criterion, up to the given one or Schwert's ⌈12 (n/100)^¼⌉.
    Akaike(Option<usize>),
}

impl Default for Lags {
    fn default() -> Self {
        Lags::Akaike(None)
    }
}

/// An augmented Dickey-Fuller test.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DickeyFuller {
    /// The t-statistic of the lagged level.
    pub statistic: f64,
    /// MacKinnon's approximate p-value: small means no unit root.
    pub p_value: f64,
    /// Critical values at 1, 5 and 10 %.
    pub critical_values: Option<[f64; 3]>,
    /// Lagged changes in the regression.
    pub lags: usize,
    /// Observations of the regression.
    pub observations: usize,
}

/// Tests a series for a unit root.
///
/// Source: D. Dickey, W. Fuller (1979); conventions of `statsmodels.tsa.stattools.adfuller`.
///
/// Errors: `QUANT_TOO_FEW` for too short a series, `QUANT_CONSTANT`, `QUANT_NOT_FINITE`, `QUANT_TOO_LARGE` for the
/// lags, `QUANT_UNDEFINED` for a regression without a solution.
pub fn dickey_fuller(series: &[f64], terms: Deterministic, lags: Lags) -> Result<DickeyFuller, QuantError> {
    checked_vector("series", series)?;
    unit_root(series, terms, terms, 1, lags, None)
}

/// The test with the regression's own terms and the terms and number of series of the null distribution.
fn unit_root(
    series: &[f64],
    own: Deterministic,
    null: Deterministic,
    count: usize,
    lags: Lags,
    observations: Option<f64>,
) -> Result<DickeyFuller, QuantError> {
    let n = series.len();
    if series.iter().all(|&x| x == series[0]) && n > 0 {
        return Err(QuantError::Constant { what: "series", column: 0 });
    }
    // What the sample allows: half of it less the terms and the difference.
    let most = (n / 2).saturating_sub(own.count() + 1);
    at_least("series", n, 2 * (own.count() + 2) + 2)?;
    let lags = match lags {
        Lags::Fixed(lags) => lags,
        Lags::Akaike(bound) => {
            let schwert = libm::ceil(12.0 * libm::pow(n as f64 / 100.0, 0.25)) as usize;
            let bound = bound.unwrap_or(schwert.min(most));
            at_most("lags", bound, most.min(LAGS_MAX))?;
            best_lags(series, own, bound)?
        }
    };
    at_most("lags", lags, most.min(LAGS_MAX))?;
    let (columns, changes) = regression(series, own, lags);
    let design = design_of(&columns)?;
    let fit = design.explain(&changes, columns.len());
    let level = own.count();
    let freedom = (changes.len() - columns.len()) as f64;
    let error = libm::sqrt(fit.residual_squares / freedom * design.inverse_diagonal(level, columns.len()));
    let statistic = fit.coefficients[level] / error;
    if !statistic.is_finite() {
        return Err(QuantError::Undefined { what: "statistic", why: "the regression leaves no residual" });
    }
    Ok(DickeyFuller {
        statistic,
        p_value: p_value(statistic, null, count),
        critical_values: critical_values(null, count, observations.unwrap_or(changes.len() as f64)),
        lags,
        observations: changes.len(),
    })
}

fn design_of(columns: &[Vec<f64>]) -> Result<Design, QuantError> {
    let views: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    Design::new("series", &views)
}

/// Deterministic terms, the lagged level, lagged changes; and the changes they explain.
fn regression(series: &[f64], terms: Deterministic, lags: usize) -> (Vec<Vec<f64>>, Vec<f64>) {
    let changes: Vec<f64> = series.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let rows = changes.len() - lags;
    let mut columns = terms.columns(rows);
    columns.push(series[lags..lags + rows].to_vec());
    columns.extend((1..=lags).map(|lag| changes[lags - lag..lags - lag + rows].to_vec()));
    (columns, changes[lags..].to_vec())
}

/// The lags with the least Akaike criterion, all on the sample that the longest leaves.
fn best_lags(series: &[f64], terms: Deterministic, bound: usize) -> Result<usize, QuantError> {
    let (columns, changes) = regression(series, terms, bound);
    let design = design_of(&columns)?;
    let n = changes.len() as f64;
    let (mut best, mut least) = (0, f64::INFINITY);
    for lags in 0..=bound {
        let count = terms.count() + 1 + lags;
        let squares = design.explain(&changes, count).residual_squares;
        // -2 ln L of a normal regression and two a coefficient.
        let criterion = n * (libm::log(core::f64::consts::TAU * squares / n) + 1.0) + 2.0 * count as f64;
        if criterion < least {
            (best, least) = (lags, criterion);
        }
    }
    Ok(best)
}

/// Parameters of [`engle_granger`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EngleGrangerOptions {
    /// Terms of the cointegrating regression.
    pub terms: Deterministic,
    /// Lags of the test of its residual.
    pub lags: Lags,
}

/// A pair (or more) and its spread.
#[derive(Clone, Debug, PartialEq)]
pub struct EngleGranger {
    /// The constant of the regression (0 without one).
    pub constant: f64,
    /// Units of each hedge against one of the first series.
    pub hedge_ratios: Vec<f64>,
    /// Share of the variance explained.
    pub r_squared: f64,
    /// The test that the spread has a unit root: a small p-value speaks for cointegration.
    pub test: DickeyFuller,
    /// first - constant - Σ ratio · hedge.
    pub spread: Vec<f64>,
    /// Periods in which half of a deviation is gone; none where the spread does not revert.
    pub half_life: Option<f64>,
    /// The last spread over the spread's deviation (n - 1).
    pub z_score: f64,
}

/// Regresses the first series on the hedges and tests the residual.
///
/// Source: R. Engle, C. Granger (1987); conventions of `statsmodels.tsa.stattools.coint`: the residual is tested
/// without terms, the critical values are those of n - 1 observations.
///
/// Errors: `QUANT_RAGGED` for lengths that differ, `QUANT_TOO_LARGE` over six series, `QUANT_TOO_FEW`,
/// `QUANT_CONSTANT`, `QUANT_UNDEFINED` where the series depend on each other (the spread is rounding).
pub fn engle_granger(
    first: &[f64],
    hedges: &Matrix<'_>,
    options: EngleGrangerOptions,
) -> Result<EngleGranger, QuantError> {
    checked_vector("first", first)?;
    length("hedges", hedges.rows(), first.len())?;
    at_most("hedges", hedges.columns() + 1, SERIES_MAX)?;
    at_least("first", first.len(), hedges.columns() + options.terms.count() + 4)?;
    let mut columns: Vec<Vec<f64>> = hedges.columns_iter().map(<[f64]>::to_vec).collect();
    columns.extend(options.terms.columns(first.len()));
    let design = design_of(&columns)?;
    let fit = design.explain(first, columns.len());
    let n = first.len() as f64;
    // Without a constant the variance explained is that about zero.
    let centre = if options.terms == Deterministic::None { 0.0 } else { first.iter().sum::<f64>() / n };
    let total: f64 = first.iter().map(|x| (x - centre) * (x - centre)).sum();
    if total <= 0.0 {
        return Err(QuantError::Constant { what: "first", column: 0 });
    }
    let r_squared = 1.0 - fit.residual_squares / total;
    finite("rSquared", r_squared)?;
    if r_squared >= 1.0 - 1.5e-6 {
        return Err(QuantError::Undefined { what: "spread", why: "the series depend on each other: nothing is left" });
    }
    let count = hedges.columns() + 1;
    let test = unit_root(&fit.residuals, Deterministic::None, options.terms, count, options.lags, Some(n - 1.0))?;
    let (mean, deviation) = crate::risk::mean_and_deviation(&fit.residuals);
    let last = fit.residuals[first.len() - 1];
    let constant = if options.terms == Deterministic::None { 0.0 } else { fit.coefficients[hedges.columns()] };
    Ok(EngleGranger {
        constant,
        hedge_ratios: fit.coefficients[..hedges.columns()].to_vec(),
        r_squared,
        test,
        half_life: half_life(&fit.residuals)?,
        z_score: (last - mean) / deviation,
        spread: fit.residuals,
    })
}

/// Periods in which half of a deviation from the mean is gone: -ln 2 / b of the regression Δxₜ = a + b xₜ₋₁; none for b
/// >= 0.
///
/// Errors: `QUANT_TOO_FEW` under four values, `QUANT_UNDEFINED` for a series that does not vary.
pub fn half_life(series: &[f64]) -> Result<Option<f64>, QuantError> {
    checked_vector("series", series)?;
    at_least("series", series.len(), 4)?;
    let (columns, changes) = regression(series, Deterministic::Constant, 0);
    let slope = design_of(&columns)?.explain(&changes, 2).coefficients[1];
    Ok((slope < 0.0).then(|| -core::f64::consts::LN_2 / slope))
}

/// Hedge ratio of least squares: units of `hedge` against one of `asset`, with a constant.
///
/// Errors: `QUANT_RAGGED`, `QUANT_NOT_FINITE`, `QUANT_TOO_FEW` under three values, `QUANT_UNDEFINED` for a hedge that
/// does not vary.
pub fn hedge_ratio(asset: &[f64], hedge: &[f64]) -> Result<f64, QuantError> {
    checked_vector("asset", asset)?;
    checked_vector_of("hedge", hedge, asset.len())?;
    at_least("asset", asset.len(), 3)?;
    let ones = vec![1.0; asset.len()];
    let ratio = Design::new("hedge", &[&ones, hedge])?.explain(asset, 2).coefficients[1];
    finite("hedgeRatio", ratio)?;
    Ok(ratio)
}
