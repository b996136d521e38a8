//! # Room card: quant/cointegration/johansen
//! In:    two to twelve price series.
//! Out:   eigenvalues, trace and largest-eigenvalue statistics with critical values, cointegrating vectors.
//! Holds: eigenvalues from 0 to 1, largest first; a constant is taken out before and after differencing, as statsmodels
//!        does for `det_order = 0`.
//! Costs: one QR of the lagged differences, a symmetric eigenproblem as large as the number of series.

use super::mackinnon::{LARGEST, TRACE};
use crate::error::{at_least, at_most};
use crate::matrix::checked_vector;
use crate::regression::Design;
use crate::{Matrix, OwnedMatrix, QuantError};
use faer::Side;

/// Johansen's test.
#[derive(Clone, Debug, PartialEq)]
pub struct Johansen {
    /// Squared canonical correlations, largest first.
    pub eigenvalues: Vec<f64>,
    /// Trace statistic of at most 0, 1, .. cointegrating relations.
    pub trace: Vec<f64>,
    /// Critical values of the trace at 90, 95 and 99 %.
    pub trace_critical: Vec<[f64; 3]>,
    /// Largest-eigenvalue statistic of exactly 0, 1, .. relations against one more.
    pub largest: Vec<f64>,
    /// Critical values of the largest eigenvalue at 90, 95 and 99 %.
    pub largest_critical: Vec<[f64; 3]>,
    /// Columns are cointegrating vectors, in the order of the eigenvalues, with v' S v = 1 for the levels' covariance S
    /// and a positive first element.
    pub vectors: OwnedMatrix,
    /// Relations found at 95 % by the trace.
    pub rank: usize,
}

fn demean(column: &mut [f64]) {
    let mean = column.iter().sum::<f64>() / column.len() as f64;
    column.iter_mut().for_each(|x| *x -= mean);
}

/// Mean products of two sets of columns.
fn products(a: &[Vec<f64>], b: &[Vec<f64>]) -> OwnedMatrix {
    let n = a[0].len() as f64;
    OwnedMatrix::from_fn(a.len(), b.len(), |i, j| a[i].iter().zip(&b[j]).map(|(a, b)| a * b).sum::<f64>() / n)
}

/// Johansen's test with a constant and `lags` lagged differences.
///
/// Source: S. Johansen (1991); critical values of MacKinnon, Haug and Michelis (1999).
///
/// Errors: `QUANT_TOO_FEW` for one series or too few periods, `QUANT_TOO_LARGE` over twelve series or 200 lags,
/// `QUANT_UNDEFINED` or `QUANT_NOT_POSITIVE_DEFINITE` for series that depend on each other.
pub fn johansen(prices: &Matrix<'_>, lags: usize) -> Result<Johansen, QuantError> {
    let count = prices.columns();
    at_least("prices", count, 2)?;
    at_most("prices", count, TRACE.len())?;
    at_most("lags", lags, super::LAGS_MAX)?;
    at_least("prices", prices.rows(), (lags + 2) * (count + 1) + 2)?;
    let (levels, changes) = filtered(prices, lags)?;
    let (skk, sk0, s00) = (products(&levels, &levels), products(&levels, &changes), products(&changes, &changes));
    // The symmetric form: L⁻¹ Sk0 S00⁻¹ S0k L⁻ᵀ with Skk = L L'.
    let l = cholesky(&skk, "prices")?;
    let m = cholesky(&s00, "prices")?;
    // W = M⁻¹ S0k L⁻ᵀ; the matrix is W'W.
    let w = solve_lower(&m, &OwnedMatrix::from_fn(count, count, |i, j| sk0.at(j, i)));
    let w = solve_lower(&l, &OwnedMatrix::from_fn(count, count, |i, j| w.at(j, i)));
    let square = OwnedMatrix::from_fn(count, count, |i, j| (0..count).map(|k| w.at(i, k) * w.at(j, k)).sum());
    let eigen = square.faer().self_adjoint_eigen(Side::Lower).map_err(|_| QuantError::NotConverged {
        what: "eigenvalues",
        iterations: 0,
        residual: 0.0,
    })?;
    let mut vectors = OwnedMatrix::zeros(count, count);
    let mut eigenvalues = Vec::with_capacity(count);
    for k in 0..count {
        let from = count - 1 - k;
        eigenvalues.push(eigen.S()[from].clamp(0.0, 1.0 - f64::EPSILON));
        let y: Vec<f64> = (0..count).map(|i| eigen.U()[(i, from)]).collect();
        let mut v = solve_transposed(&l, &y);
        if v[0] < 0.0 {
            v.iter_mut().for_each(|x| *x = -*x);
        }
        for (i, &x) in v.iter().enumerate() {
            vectors.set(i, k, x);
        }
    }
    let periods = levels[0].len() as f64;
    let largest: Vec<f64> = eigenvalues.iter().map(|&e| -periods * libm::log1p(-e)).collect();
    let trace: Vec<f64> = (0..count).map(|i| largest[i..].iter().sum()).collect();
    let trace_critical: Vec<[f64; 3]> = (0..count).map(|i| TRACE[count - 1 - i]).collect();
    let largest_critical = (0..count).map(|i| LARGEST[count - 1 - i]).collect();
    checked_vector("trace", &trace)?;
    vectors.view("vectors")?;
    let rank = trace.iter().zip(&trace_critical).take_while(|(statistic, critical)| **statistic > critical[1]).count();
    Ok(Johansen { eigenvalues, trace, trace_critical, largest, largest_critical, vectors, rank })
}

/// Series side by side.
type Columns = Vec<Vec<f64>>;

/// Levels and changes with the lagged changes and a constant taken out.
fn filtered(prices: &Matrix<'_>, lags: usize) -> Result<(Columns, Columns), QuantError> {
    let centred: Vec<Vec<f64>> = prices
        .columns_iter()
        .map(|column| {
            let mut column = column.to_vec();
            demean(&mut column);
            column
        })
        .collect();
    let changes: Vec<Vec<f64>> =
        centred.iter().map(|column| column.windows(2).map(|pair| pair[1] - pair[0]).collect()).collect();
    let rows = changes[0].len() - lags;
    let mut lagged: Vec<Vec<f64>> = Vec::new();
    for lag in 1..=lags {
        lagged.extend(changes.iter().map(|column| column[lags - lag..lags - lag + rows].to_vec()));
    }
    lagged.iter_mut().for_each(|column| demean(column));
    let views: Vec<&[f64]> = lagged.iter().map(Vec::as_slice).collect();
    let design = if lags == 0 { None } else { Some(Design::new("prices", &views)?) };
    let filter = |mut column: Vec<f64>| {
        demean(&mut column);
        match &design {
            Some(design) => design.explain(&column, views.len()).residuals,
            None => column,
        }
    };
    let explained = changes.iter().map(|column| filter(column[lags..].to_vec())).collect();
    // The level that goes with a change is the one `lags` changes and one period back.
    let levels = centred.iter().map(|column| filter(column[1..1 + rows].to_vec())).collect();
    Ok((levels, explained))
}

fn cholesky(matrix: &OwnedMatrix, what: &'static str) -> Result<OwnedMatrix, QuantError> {
    let n = matrix.rows();
    let mut l = OwnedMatrix::zeros(n, n);
    for j in 0..n {
        for i in j..n {
            let rest = matrix.at(i, j) - (0..j).map(|k| l.at(i, k) * l.at(j, k)).sum::<f64>();
            if i == j {
                if rest.is_nan() || rest <= 1e-13 * matrix.at(j, j) {
                    return Err(QuantError::NotPositiveDefinite { what, row: j });
                }
                l.set(j, j, libm::sqrt(rest));
            } else {
                l.set(i, j, rest / l.at(j, j));
            }
        }
    }
    Ok(l)
}

/// L⁻¹ B.
fn solve_lower(l: &OwnedMatrix, b: &OwnedMatrix) -> OwnedMatrix {
    let n = l.rows();
    let mut x = b.clone();
    for column in 0..b.columns() {
        for i in 0..n {
            let known: f64 = (0..i).map(|k| l.at(i, k) * x.at(k, column)).sum();
            x.set(i, column, (x.at(i, column) - known) / l.at(i, i));
        }
    }
    x
}

/// L⁻ᵀ y.
fn solve_transposed(l: &OwnedMatrix, y: &[f64]) -> Vec<f64> {
    let mut x = y.to_vec();
    for i in (0..x.len()).rev() {
        let known: f64 = (i + 1..x.len()).map(|k| l.at(k, i) * x[k]).sum();
        x[i] = (x[i] - known) / l.at(i, i);
    }
    x
}
