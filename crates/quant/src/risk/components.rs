//! # Room card: quant/risk/components
//! In:    weights (or money) of assets, their covariance or their returns, an order.
//! Out:   what each asset adds to value at risk and shortfall, what one more unit would add, what an order would
//!        change.
//! Holds: components sum to the whole (Euler); the incremental value is that of the two books, not of a slope.
//! Costs: one product with the covariance, or one pass over the returns and a sort.

use super::value_at_risk::{
    Convention, TailOptions, TailRisk, gaussian, historical_order, order_index, tail_of, value_at_risk,
};
use crate::error::{at_least, finite, length};
use crate::matrix::{checked_vector, checked_vector_of};
use crate::stats::sorted;
use crate::{JobControl, Matrix, QuantError};

/// The parts of a portfolio's tail risk.
#[derive(Clone, Debug, PartialEq)]
pub struct RiskComponents {
    /// Of the whole portfolio.
    pub total: TailRisk,
    /// Value at risk by asset; they sum to the total.
    pub component: Vec<f64>,
    /// Change of value at risk per unit of weight (or money) more of an asset.
    pub marginal: Vec<f64>,
    /// Shortfall by asset; they sum to the total.
    pub component_shortfall: Vec<f64>,
    /// Change of shortfall per unit more of an asset.
    pub marginal_shortfall: Vec<f64>,
}

fn parts(
    total: TailRisk,
    weights: &[f64],
    marginal: Vec<TailRisk>,
    convention: Convention,
) -> Result<RiskComponents, QuantError> {
    let sign = convention.sign();
    let value: Vec<f64> = marginal.iter().map(|m| sign * m.value_at_risk).collect();
    let shortfall: Vec<f64> = marginal.iter().map(|m| sign * m.expected_shortfall).collect();
    let weighted = |parts: &[f64]| -> Vec<f64> { parts.iter().zip(weights).map(|(p, w)| p * w).collect() };
    let (component, component_shortfall) = (weighted(&value), weighted(&shortfall));
    checked_vector("component", &component)?;
    checked_vector("componentShortfall", &component_shortfall)?;
    finite("valueAtRisk", total.value_at_risk)?;
    finite("expectedShortfall", total.expected_shortfall)?;
    let total = total.under(convention);
    Ok(RiskComponents { total, component, marginal: value, component_shortfall, marginal_shortfall: shortfall })
}

/// Parts of the normal value at risk: -(μᵢ + z (Σw)ᵢ / σ) an asset.
///
/// Source: P. Jorion, "Value at risk" (2006), chapter 7. Weights may be parts of one or amounts of money.
///
/// Errors: `QUANT_RAGGED`, `QUANT_NOT_FINITE`, `QUANT_OUT_OF_RANGE` for the confidence, `QUANT_UNDEFINED` where the
/// portfolio has no variance.
pub fn gaussian_components(
    weights: &[f64],
    means: &[f64],
    covariance: &Matrix<'_>,
    confidence: f64,
    convention: Convention,
) -> Result<RiskComponents, QuantError> {
    checked_vector("weights", weights)?;
    checked_vector_of("means", means, weights.len())?;
    length("covariance", covariance.rows(), weights.len())?;
    length("covariance", covariance.columns(), weights.len())?;
    let tail = tail_of(confidence)?;
    let product: Vec<f64> =
        covariance.columns_iter().map(|column| column.iter().zip(weights).map(|(c, w)| c * w).sum()).collect();
    let variance: f64 = product.iter().zip(weights).map(|(p, w)| p * w).sum();
    if variance.is_nan() || variance <= 0.0 {
        return Err(QuantError::Undefined { what: "component", why: "the portfolio has no variance" });
    }
    let deviation = libm::sqrt(variance);
    let mean: f64 = means.iter().zip(weights).map(|(m, w)| m * w).sum();
    // The slope of the deviation in a weight is (Σw)ᵢ / σ, so that each asset is a normal with that for a deviation.
    let marginal = product.iter().zip(means).map(|(p, &m)| gaussian(m, p / deviation, tail)).collect();
    parts(gaussian(mean, deviation, tail), weights, marginal, convention)
}

/// Parts of the historical value at risk and shortfall: what each asset lost on the day of the quantile (order
/// statistic), and on average over the days of the tail, each day with the weight that it has in the shortfall.
///
/// The value at risk of one day is noisy in its parts; the shortfall's parts are the stable ones (D. Tasche 1999).
///
/// Errors: `QUANT_RAGGED`, `QUANT_NOT_FINITE`, `QUANT_TOO_FEW` under two periods, `QUANT_OUT_OF_RANGE` for the
/// confidence.
pub fn historical_components(
    weights: &[f64],
    returns: &Matrix<'_>,
    confidence: f64,
    convention: Convention,
) -> Result<RiskComponents, QuantError> {
    checked_vector_of("weights", weights, returns.columns())?;
    at_least("returns", returns.rows(), 2)?;
    let tail = tail_of(confidence)?;
    let portfolio = portfolio_returns(weights, returns);
    let total = historical_order(&sorted(&portfolio), tail);
    // Days from the worst on; ties in their order.
    let mut days: Vec<usize> = (0..portfolio.len()).collect();
    days.sort_by(|&a, &b| portfolio[a].total_cmp(&portfolio[b]));
    let mass = tail * portfolio.len() as f64;
    let whole = (mass as usize).min(portfolio.len() - 1);
    let quantile_day = days[order_index(tail, portfolio.len())];
    let marginal = returns
        .columns_iter()
        .map(|asset| {
            let sum: f64 = days[..whole].iter().map(|&day| asset[day]).sum();
            let part = (mass - whole as f64) * asset[days[whole]];
            TailRisk { value_at_risk: -asset[quantile_day], expected_shortfall: -(sum + part) / mass }
        })
        .collect();
    parts(total, weights, marginal, convention)
}

/// Returns of a portfolio with constant weights.
pub(crate) fn portfolio_returns(weights: &[f64], returns: &Matrix<'_>) -> Vec<f64> {
    let mut portfolio = vec![0.0; returns.rows()];
    for (asset, weight) in returns.columns_iter().zip(weights) {
        for (sum, r) in portfolio.iter_mut().zip(asset) {
            *sum += weight * r;
        }
    }
    portfolio
}

/// What an order does to tail risk.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IncrementalRisk {
    /// Before the order.
    pub before: TailRisk,
    /// After it.
    pub after: TailRisk,
    /// After less before: positive adds risk (negative, under `Signed`).
    pub change: TailRisk,
    /// The change that marginal values predict: right for small orders only.
    pub linear_value_at_risk: f64,
}

/// Incremental value at risk of an order: the books before and after it are both measured, by any method, on the same
/// returns.
///
/// `order` is what the order adds to each weight (or amount of money).
///
/// Errors: those of [`value_at_risk`] and [`historical_components`].
pub fn incremental_risk(
    weights: &[f64],
    order: &[f64],
    returns: &Matrix<'_>,
    options: &TailOptions,
    control: &JobControl<'_>,
) -> Result<IncrementalRisk, QuantError> {
    checked_vector_of("weights", weights, returns.columns())?;
    checked_vector_of("order", order, returns.columns())?;
    let after: Vec<f64> = weights.iter().zip(order).map(|(w, o)| w + o).collect();
    checked_vector("order", &after)?;
    let before = value_at_risk(&portfolio_returns(weights, returns), options, control)?;
    let after = value_at_risk(&portfolio_returns(&after, returns), options, control)?;
    let slopes = historical_components(weights, returns, options.confidence, options.convention)?;
    let change = TailRisk {
        value_at_risk: after.value_at_risk - before.value_at_risk,
        expected_shortfall: after.expected_shortfall - before.expected_shortfall,
    };
    let linear_value_at_risk = slopes.marginal.iter().zip(order).map(|(m, o)| m * o).sum();
    finite("linearValueAtRisk", linear_value_at_risk)?;
    finite("change", change.value_at_risk)?;
    finite("change", change.expected_shortfall)?;
    Ok(IncrementalRisk { before, after, change, linear_value_at_risk })
}
