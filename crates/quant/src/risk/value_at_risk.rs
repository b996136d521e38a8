//! # Room card: quant/risk/value_at_risk
//! In:    returns (or P&L) of one position a period, a confidence, a method.
//! Out:   value at risk and expected shortfall; losses positive unless `Convention::Signed` is asked for.
//! Holds: shortfall is at least value at risk; the tail is α = 1 - confidence, in f64 as the peers compute it.
//! Costs: one sort of the returns, or one pass; a fit of Student's t about 1 ms for 1,000 returns.

use super::student::{StudentFit, StudentSearch, fit_student};
use crate::distributions::{normal_quantile, student_pdf, student_quantile};
use crate::error::{at_least, finite, in_range};
use crate::lanes::normal_pdf;
use crate::matrix::checked_vector;
use crate::stats::{interpolated, sorted};
use crate::{JobControl, QuantError};

/// Which way a loss counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Convention {
    /// A loss is positive, as limits are written.
    #[default]
    LossPositive,
    /// The sign of the P&L: a loss is negative.
    Signed,
}

impl Convention {
    /// What multiplies a positive loss.
    pub const fn sign(self) -> f64 {
        match self {
            Convention::LossPositive => 1.0,
            Convention::Signed => -1.0,
        }
    }
}

/// Value at risk and expected shortfall at one confidence.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TailRisk {
    /// The loss that is not passed with the confidence.
    pub value_at_risk: f64,
    /// The mean loss beyond it.
    pub expected_shortfall: f64,
}

impl TailRisk {
    pub(crate) fn under(self, convention: Convention) -> TailRisk {
        let sign = convention.sign();
        TailRisk { value_at_risk: sign * self.value_at_risk, expected_shortfall: sign * self.expected_shortfall }
    }
}

/// How a tail is measured.
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TailMethod {
    /// Quantile with linear interpolation between order statistics ((n-1)α, numpy's default, empyrical's); the
    /// shortfall is the mean of all returns at or below it.
    HistoricalInterpolated,
    /// The ⌈αn⌉-th worst return (Riskfolio-Lib); the shortfall is Rockafellar's and Uryasev's, which weighs the last
    /// return of the tail by the part of it that belongs to the tail.
    HistoricalOrderStatistic,
    /// The least loss that is passed with probability α at most: the (⌊αn⌋ + 1)-th worst return, one further than the
    /// order statistic where αn is whole (skfolio); the shortfall is the same.
    HistoricalLossQuantile,
    /// Normal with the sample's mean and deviation (n - 1).
    Gaussian,
    /// Quantile of the normal bent by skewness and excess kurtosis (Cornish, Fisher 1937; biased sample moments). The
    /// shortfall is the mean of the bent quantiles beyond it, in closed form.
    CornishFisher,
    /// Student's t of maximum likelihood: location, scale and degrees of freedom are fitted.
    StudentT(StudentSearch),
}

/// Parameters of [`value_at_risk`].
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TailOptions {
    /// Over 0 and below 1: 0.95, 0.99.
    pub confidence: f64,
    /// How.
    pub method: TailMethod,
    /// Sign of a loss.
    pub convention: Convention,
}

impl Default for TailOptions {
    fn default() -> Self {
        TailOptions {
            confidence: 0.95,
            method: TailMethod::HistoricalInterpolated,
            convention: Convention::LossPositive,
        }
    }
}

/// α = 1 - confidence, checked.
pub(crate) fn tail_of(confidence: f64) -> Result<f64, QuantError> {
    in_range("confidence", confidence, 1e-9, 1.0 - 1e-9)?;
    Ok(1.0 - confidence)
}

/// Index of the order statistic ⌈αn⌉, from 0.
pub(crate) fn order_index(tail: f64, count: usize) -> usize {
    (libm::ceil(tail * count as f64) as usize).clamp(1, count) - 1
}

/// Historical, sorted returns: quantile by interpolation and the mean at or below it.
pub(crate) fn historical_interpolated(sorted: &[f64], tail: f64) -> TailRisk {
    let quantile = interpolated(sorted, tail * (sorted.len() - 1) as f64);
    let worst = sorted.partition_point(|&r| r <= quantile).max(1);
    let mean = sorted[..worst].iter().sum::<f64>() / worst as f64;
    TailRisk { value_at_risk: -quantile, expected_shortfall: -mean }
}

/// Historical, sorted returns: order statistic, and the shortfall of Rockafellar and Uryasev.
pub(crate) fn historical_order(sorted: &[f64], tail: f64) -> TailRisk {
    let mass = tail * sorted.len() as f64;
    let whole = (mass as usize).min(sorted.len() - 1);
    let sum = sorted[..whole].iter().sum::<f64>() + (mass - whole as f64) * sorted[whole];
    TailRisk { value_at_risk: -sorted[order_index(tail, sorted.len())], expected_shortfall: -sum / mass }
}

/// Mean and sample deviation (n - 1).
pub(crate) fn mean_and_deviation(returns: &[f64]) -> (f64, f64) {
    let count = returns.len() as f64;
    let mean = returns.iter().sum::<f64>() / count;
    let squares: f64 = returns.iter().map(|r| (r - mean) * (r - mean)).sum();
    (mean, libm::sqrt(squares / (count - 1.0)))
}

/// Historical, sorted returns: lower quantile of the losses, and the shortfall of Rockafellar and Uryasev.
fn historical_loss_quantile(sorted: &[f64], tail: f64) -> TailRisk {
    let count = sorted.len() as f64;
    // αn that is whole but for the rounding of α and of the product counts as whole.
    let worse = libm::floor(tail * count + 4.0 * f64::EPSILON * count) as usize;
    TailRisk { value_at_risk: -sorted[worse.min(sorted.len() - 1)], ..historical_order(sorted, tail) }
}

/// Value at risk and shortfall of a normal.
pub(crate) fn gaussian(mean: f64, deviation: f64, tail: f64) -> TailRisk {
    let z = normal_quantile(tail);
    TailRisk { value_at_risk: -(mean + z * deviation), expected_shortfall: -(mean - deviation * normal_pdf(z) / tail) }
}

fn cornish_fisher(returns: &[f64], tail: f64) -> Result<TailRisk, QuantError> {
    let (mean, deviation) = mean_and_deviation(returns);
    let count = returns.len() as f64;
    let moment = |k: i32| returns.iter().map(|r| (r - mean).powi(k)).sum::<f64>() / count;
    let variance = moment(2);
    if variance <= 0.0 {
        return Err(QuantError::Constant { what: "returns", column: 0 });
    }
    let skewness = moment(3) / (variance * libm::sqrt(variance));
    let excess = moment(4) / (variance * variance) - 3.0;
    let z = normal_quantile(tail);
    let bent = z + (z * z - 1.0) * skewness / 6.0 + (z * z * z - 3.0 * z) * excess / 24.0
        - (2.0 * z * z * z - 5.0 * z) * skewness * skewness / 36.0;
    // Means over the tail of 1, z, z², z³ below z, by parts: E[zᵏ⁺¹] = (k E[zᵏ⁻¹] - zᵏ φ(z)/α).
    let density = normal_pdf(z) / tail;
    let (m1, m2, m3) = (-density, 1.0 - z * density, -(z * z + 2.0) * density);
    let mean_bent = m1 + (m2 - 1.0) * skewness / 6.0 + (m3 - 3.0 * m1) * excess / 24.0
        - (2.0 * m3 - 5.0 * m1) * skewness * skewness / 36.0;
    Ok(TailRisk { value_at_risk: -(mean + bent * deviation), expected_shortfall: -(mean + mean_bent * deviation) })
}

/// Value at risk and shortfall of a fitted Student's t; the shortfall needs more than one degree of freedom.
pub(crate) fn student(fit: &StudentFit, tail: f64) -> Result<TailRisk, QuantError> {
    let nu = fit.degrees_of_freedom;
    if nu <= 1.0 {
        return Err(QuantError::Undefined { what: "expectedShortfall", why: "one degree of freedom or less: no mean" });
    }
    let q = student_quantile(tail, nu);
    let beyond = student_pdf(q, nu) / tail * (nu + q * q) / (nu - 1.0);
    Ok(TailRisk {
        value_at_risk: -(fit.location + fit.scale * q),
        expected_shortfall: -(fit.location - fit.scale * beyond),
    })
}

/// Value at risk and expected shortfall of a series of returns, or of P&L in money.
///
/// Sources: R. Rockafellar, S. Uryasev (2000) for the historical shortfall; E. Cornish, R. Fisher (1937); A. McNeil, R.
/// Frey, P. Embrechts, "Quantitative risk management" (2015), section 2.3.
///
/// Errors: `QUANT_EMPTY`, `QUANT_NOT_FINITE` (row), `QUANT_TOO_FEW` under two returns, `QUANT_OUT_OF_RANGE` for the
/// confidence, `QUANT_CONSTANT` where a fit needs variation, `QUANT_UNDEFINED` for a t without a mean,
/// `QUANT_NOT_CONVERGED`, `QUANT_CANCELLED`.
pub fn value_at_risk(returns: &[f64], options: &TailOptions, control: &JobControl<'_>) -> Result<TailRisk, QuantError> {
    checked_vector("returns", returns)?;
    at_least("returns", returns.len(), 2)?;
    let tail = tail_of(options.confidence)?;
    let risk = match options.method {
        TailMethod::HistoricalInterpolated => historical_interpolated(&sorted(returns), tail),
        TailMethod::HistoricalOrderStatistic => historical_order(&sorted(returns), tail),
        TailMethod::HistoricalLossQuantile => historical_loss_quantile(&sorted(returns), tail),
        TailMethod::Gaussian => {
            let (mean, deviation) = mean_and_deviation(returns);
            gaussian(mean, deviation, tail)
        }
        TailMethod::CornishFisher => cornish_fisher(returns, tail)?,
        TailMethod::StudentT(search) => student(&fit_student(returns, search, control)?, tail)?,
    };
    finite("valueAtRisk", risk.value_at_risk)?;
    finite("expectedShortfall", risk.expected_shortfall)?;
    Ok(risk.under(options.convention))
}

/// Entropic value at risk: the least z ln(E[e^(loss/z)] / α) over z > 0, the tightest bound of Chernoff's kind on value
/// at risk and shortfall.
///
/// Source: A. Ahmadi-Javid (2012). Riskfolio-Lib's `EVaR_Hist` is this with its solver's tolerance.
///
/// Errors: as [`value_at_risk`].
pub fn entropic_value_at_risk(
    returns: &[f64],
    confidence: f64,
    convention: Convention,
    control: &JobControl<'_>,
) -> Result<f64, QuantError> {
    checked_vector("returns", returns)?;
    let tail = tail_of(confidence)?;
    let losses: Vec<f64> = returns.iter().map(|r| -r).collect();
    Ok(convention.sign() * entropic(&losses, tail, control)?)
}

/// The entropic value at risk of losses. With θ = 1/z the stationary point solves θ K'(θ) - K(θ) = -ln α for the
/// cumulant K, whose left side rises: bisection with Newton's step.
///
/// Errors: `QUANT_CANCELLED`, looked at once a step.
pub(crate) fn entropic(losses: &[f64], tail: f64, control: &JobControl<'_>) -> Result<f64, QuantError> {
    let (low, high) = losses.iter().fold((f64::MAX, f64::MIN), |(low, high), &l| (low.min(l), high.max(l)));
    let range = high - low;
    let count = losses.len() as f64;
    let at_worst = losses.iter().filter(|&&l| l == high).count() as f64;
    // So many losses share the worst value that the tail holds nothing else; or nothing varies.
    if range == 0.0 || at_worst >= tail * count {
        return Ok(high);
    }
    // Losses as parts of the range below the worst one, so that no exponential overflows.
    let scaled: Vec<f64> = losses.iter().map(|l| (l - high) / range).collect();
    let target = -libm::log(tail);
    let moments = |theta: f64| {
        let (mut sum, mut first, mut second) = (0.0, 0.0, 0.0);
        for &l in &scaled {
            let e = libm::exp(theta * l);
            sum += e;
            first += e * l;
            second += e * l * l;
        }
        let mean = first / sum;
        (libm::log(sum / count), mean, second / sum - mean * mean)
    };
    let (mut below, mut above, mut theta) = (0.0, f64::INFINITY, 1.0);
    for _ in 0..200 {
        control.check()?;
        let (k, mean, variance) = moments(theta);
        let gap = theta * mean - k - target;
        if gap > 0.0 {
            above = theta;
        } else {
            below = theta;
        }
        let mut next = theta - gap / (theta * variance);
        if !(next > below && next < above) {
            next = if above.is_finite() { 0.5 * (below + above) } else { 4.0 * theta };
        }
        let done = (next - theta).abs() <= 4.0 * f64::EPSILON * theta;
        theta = next;
        if done {
            break;
        }
    }
    let (k, _, _) = moments(theta);
    Ok(high + range * (k + target) / theta)
}
