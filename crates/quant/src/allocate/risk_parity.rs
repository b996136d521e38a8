//! # Room card: quant/allocate/risk_parity
//! In:    a covariance and budgets of risk.
//! Out:   long-only weights whose shares of the portfolio's variance are the budgets.
//! Holds: weights positive where the budget is, sum 1; shares within 1e-12 of the budgets, or an error.
//! Costs: some ten Newton steps of O(N³/3).
use super::{correlation, covariance_of, volatilities};
use crate::error::{in_range, length};
use crate::matrix::checked_vector_of;
use crate::optimise::{Factor, dot};
use crate::{JobControl, Matrix, QuantError};

/// Newton steps.
const STEPS_MAX: usize = 200;
/// Largest difference between a share of risk and its budget, relative to the largest budget.
const TOLERANCE: f64 = 1e-12;
/// Scaled weights beyond this mean that the portfolio's risk vanishes.
const WEIGHT_MAX: f64 = 1e12;

/// Weights of budgeted risk.
#[derive(Clone, Debug, PartialEq)]
pub struct RiskParity {
    /// One for each asset; 0 where the budget is 0.
    pub weights: Vec<f64>,
    /// Share of each asset in the portfolio's variance; sum 1.
    pub shares: Vec<f64>,
    /// Largest difference between a share and its budget.
    pub residual: f64,
}

/// Weights whose shares of risk w(Σw)/(wᵀΣw) are `budgets` (any positive scale); without budgets all shares are equal.
///
/// Errors: `QUANT_OUT_OF_RANGE` for a negative budget, `QUANT_CONSTANT` for an asset without variance,
/// `QUANT_UNDEFINED` where assets hedge each other so fully that their common risk can be made zero.
/// Source: Spinu (2013), "An algorithm for computing risk parity weights": the minimum of ½ xᵀCx − Σ b ln x, scaled
/// to sum 1.
pub fn risk_parity(
    covariance: Matrix<'_>,
    budgets: Option<&[f64]>,
    control: &JobControl<'_>,
) -> Result<RiskParity, QuantError> {
    let n = covariance.columns();
    let matrix = covariance_of(covariance)?;
    let budgets = match budgets {
        Some(budgets) => {
            length("budgets", budgets.len(), n)?;
            checked_vector_of("budgets", budgets, n)?;
            for &budget in budgets {
                in_range("budget", budget, 0.0, f64::MAX)?;
            }
            budgets.to_vec()
        }
        None => vec![1.0; n],
    };
    let largest = budgets.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 {
        return Err(QuantError::Undefined { what: "risk parity", why: "all budgets are zero" });
    }
    let sum: f64 = budgets.iter().map(|budget| budget / largest).sum();
    let held: Vec<usize> = (0..n).filter(|&asset| budgets[asset] > 0.0).collect();
    let k = held.len();
    let part: Vec<f64> =
        held.iter().flat_map(|&b| held.iter().map(move |&a| (a, b))).map(|(a, b)| matrix.at(a, b)).collect();
    let part = Matrix::new("covariance", &part, k, k)?;
    let sigma = volatilities(&part).map_err(|error| match error {
        QuantError::Constant { what, column } => QuantError::Constant { what, column: held[column] },
        other => other,
    })?;
    let shares: Vec<f64> = held.iter().map(|&asset| budgets[asset] / largest / sum).collect();
    let x = newton(&correlation(part.values(), &sigma), &shares, control)?;
    control.progress(STEPS_MAX as u64, STEPS_MAX as u64);
    let raw: Vec<f64> = x.iter().zip(&sigma).map(|(x, own)| x / (own / sigma[0])).collect();
    let total: f64 = raw.iter().sum();
    let mut weights = vec![0.0; n];
    held.iter().zip(&raw).for_each(|(&asset, raw)| weights[asset] = raw / total);
    Ok(measured(weights, matrix, &budgets, largest * sum))
}

/// Shares of risk of the weights, and how far they are from the budgets.
fn measured(weights: Vec<f64>, covariance: Matrix<'_>, budgets: &[f64], sum: f64) -> RiskParity {
    let risks: Vec<f64> =
        weights.iter().zip(covariance.columns_iter()).map(|(weight, column)| weight * dot(&weights, column)).collect();
    let variance: f64 = risks.iter().sum();
    let shares: Vec<f64> = risks.iter().map(|risk| risk / variance).collect();
    let off = shares.iter().zip(budgets).map(|(share, budget)| (share - budget / sum).abs());
    RiskParity { weights, residual: off.fold(0.0, f64::max), shares }
}

/// The x > 0 with x (Cx) = b: Newton steps, shortened by the self-concordant rule far from the minimum.
fn newton(correlation: &[f64], budgets: &[f64], control: &JobControl<'_>) -> Result<Vec<f64>, QuantError> {
    let n = budgets.len();
    let scale = budgets.iter().copied().fold(0.0, f64::max);
    // The minimum if all correlations were the mean one.
    let mean = (correlation.iter().sum::<f64>() / (n * n) as f64).max(0.01);
    let mut x: Vec<f64> = budgets.iter().map(|budget| budget.sqrt() / (mean * n as f64).sqrt()).collect();
    let mut best = (f64::INFINITY, x.clone());
    let mut stalls = 0;
    for step in 0..STEPS_MAX {
        control.progress(step as u64, STEPS_MAX as u64);
        let product: Vec<f64> = correlation.chunks_exact(n).map(|column| dot(column, &x)).collect();
        let gaps = x.iter().zip(&product).zip(budgets).map(|((x, product), budget)| (x * product - budget).abs());
        let residual = gaps.fold(0.0, f64::max);
        // On to where rounding stops it: the first step that does not halve the residual near the root.
        if residual < 0.5 * best.0 {
            best = (residual, x.clone());
            stalls = 0;
        } else {
            stalls += 1;
        }
        if (stalls > 0 && best.0 <= 1e-14 * scale) || (stalls > 3 && best.0 <= TOLERANCE * scale) {
            return Ok(best.1);
        }
        let mut factor = Factor::new(n);
        for row in 0..n {
            control.check()?;
            let column = &correlation[row * n..row * n + row];
            factor.push(column, correlation[row * (n + 1)] + budgets[row] / (x[row] * x[row]), f64::MIN_POSITIVE);
        }
        let gradient: Vec<f64> = (0..n).map(|i| product[i] - budgets[i] / x[i]).collect();
        let mut step: Vec<f64> = gradient.iter().map(|value| -value).collect();
        factor.forward(&mut step);
        factor.backward(&mut step);
        // In units where the least budget is 1 the function is standard self-concordant.
        let least = budgets.iter().copied().fold(f64::INFINITY, f64::min);
        let decrement = (-dot(&gradient, &step) / least).max(0.0).sqrt();
        let mut length = if decrement > 0.25 { 1.0 / (1.0 + decrement) } else { 1.0 };
        let fastest = x.iter().zip(&step).map(|(x, step)| -step / x).fold(0.0, f64::max);
        length = if fastest < 0.5 { 1.0 } else { f64::max(length, 0.5 / fastest).min(0.9 / fastest).min(1.0) };
        x.iter_mut().zip(&step).for_each(|(x, step)| *x += length * step);
        if x.iter().any(|x| x.is_nan() || x.abs() >= WEIGHT_MAX) {
            break;
        }
    }
    match best.0 <= TOLERANCE * scale {
        true => Ok(best.1),
        false => Err(QuantError::Undefined {
            what: "risk parity",
            why: "the assets hedge each other fully, or nearly so: shares of no risk",
        }),
    }
}
