//! # Room card: quant/risk/stress
//! In:    a book with options; a window of the past, shocks, or another correlation.
//! Out:   the book's P&L by asset and option, its worst day in a window, its value at risk when correlations break.
//! Holds: options are priced again, never by their Greeks; a broken correlation stays positive semidefinite.
//! Costs: one valuation of the book a scenario.

use super::value_at_risk::{Convention, TailRisk, gaussian, tail_of};
use crate::error::{at_least, finite, in_range, length};
use crate::matrix::{checked_vector, checked_vector_of};
use crate::monte_carlo::Book;
use crate::{JobControl, Matrix, OwnedMatrix, QuantError};

/// A scenario for every asset.
#[derive(Clone, Copy, Debug)]
pub struct Shock<'a> {
    /// Relative move of each asset: -0.2 is a fall of 20 %; over -1.
    pub returns: &'a [f64],
    /// Added to every volatility, in its unit: 0.1 is ten points.
    pub volatility: f64,
    /// Added to every rate: 0.01 is 100 basis points.
    pub rate: f64,
    /// Years that pass.
    pub years: f64,
}

/// What a scenario does to a book.
#[derive(Clone, Debug, PartialEq)]
pub struct StressResult {
    /// P&L of the whole book; a loss is negative.
    pub pnl: f64,
    /// P&L of the units of each asset.
    pub assets: Vec<f64>,
    /// P&L of each option position.
    pub options: Vec<f64>,
}

/// Values the book after a shock, options in full.
///
/// Errors: those of `Book::check`; `QUANT_RAGGED` for returns of another length, `QUANT_OUT_OF_RANGE` for a fall of all
/// or more or a shock that makes a volatility negative.
pub fn stress(book: &Book<'_>, shock: &Shock<'_>) -> Result<StressResult, QuantError> {
    book.check()?;
    checked_vector_of("returns", shock.returns, book.spots.len())?;
    in_range("years", shock.years, 0.0, 1e6)?;
    for &r in shock.returns {
        in_range("returns", r, -1.0 + 1e-12, f64::MAX)?;
    }
    let assets: Vec<f64> =
        book.spots.iter().zip(book.quantities).zip(shock.returns).map(|((s, q), r)| s * q * r).collect();
    let mut options = Vec::with_capacity(book.options.len());
    for option in book.options {
        let now = option.terms(book.spots[option.asset]);
        let moved = option.volatility_asset.map_or(1.0, |asset| 1.0 + shock.returns[asset]);
        let mut then = now;
        then.spot *= 1.0 + shock.returns[option.asset];
        then.volatility = now.volatility * moved + shock.volatility;
        then.rate += shock.rate;
        then.years = (now.years - shock.years).max(0.0);
        options.push(option.quantity * (then.price()? - now.price()?));
    }
    let pnl = assets.iter().sum::<f64>() + options.iter().sum::<f64>();
    finite("pnl", pnl)?;
    Ok(StressResult { pnl, assets, options })
}

/// A window of the past played on today's book.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowStress {
    /// The book after the whole window.
    pub end: StressResult,
    /// P&L since the start, after each period.
    pub path: Vec<f64>,
    /// The lowest point of the path (0 if it never falls below the start).
    pub worst: f64,
    /// Its period within the window; none if there is none below the start.
    pub worst_period: Option<usize>,
    /// The largest fall from a high of the path, in money, positive.
    pub drawdown: f64,
}

/// Plays the returns of the rows `from..to` on the book, compounded from its present prices; each period takes
/// `years_per_period` from the options.
///
/// Errors: those of [`stress`]; `QUANT_RAGGED` for returns of other assets, `QUANT_OUT_OF_RANGE` for rows outside or an
/// empty window, `QUANT_CANCELLED`.
pub fn stress_window(
    book: &Book<'_>,
    returns: &Matrix<'_>,
    from: usize,
    to: usize,
    years_per_period: f64,
    control: &JobControl<'_>,
) -> Result<WindowStress, QuantError> {
    length("returns", returns.columns(), book.spots.len())?;
    in_range("to", to as f64, 1.0, returns.rows() as f64)?;
    in_range("from", from as f64, 0.0, to as f64 - 1.0)?;
    let mut growth = vec![1.0; book.spots.len()];
    let (mut path, mut worst, mut worst_period, mut top, mut drawdown) = (Vec::new(), 0.0, None, 0.0f64, 0.0f64);
    let mut end = None;
    for row in from..to {
        control.check()?;
        control.progress((row - from) as u64, (to - from) as u64);
        for (a, growth) in growth.iter_mut().enumerate() {
            *growth *= 1.0 + returns.at(row, a);
        }
        let moves: Vec<f64> = growth.iter().map(|g| g - 1.0).collect();
        let years = years_per_period * (row + 1 - from) as f64;
        let result = stress(book, &Shock { returns: &moves, volatility: 0.0, rate: 0.0, years })?;
        if result.pnl < worst {
            (worst, worst_period) = (result.pnl, Some(row - from));
        }
        top = top.max(result.pnl);
        drawdown = drawdown.max(top - result.pnl);
        path.push(result.pnl);
        end = Some(result);
    }
    let Some(end) = end else { return Err(QuantError::Empty { what: "returns" }) };
    Ok(WindowStress { end, path, worst, worst_period, drawdown })
}

/// How correlations break.
#[derive(Clone, Copy, Debug)]
pub enum CorrelationBreak<'a> {
    /// Every pair moves towards one correlation: 1 in a flight from risk.
    AllTo(f64),
    /// Towards a correlation matrix of the caller.
    Matrix(Matrix<'a>),
}

/// Tail risk before and after a correlation break.
#[derive(Clone, Debug, PartialEq)]
pub struct CorrelationStress {
    /// With the covariance as given.
    pub before: TailRisk,
    /// With the broken one.
    pub after: TailRisk,
    /// Covariance with the same variances and the broken correlations.
    pub covariance: OwnedMatrix,
}

/// Normal value at risk of a portfolio when correlations move the part `blend` (0 to 1) of the way to a scenario;
/// variances stay.
///
/// Both ends are positive semidefinite, so that everything between them is; a common correlation must be at least
/// -1/(n-1).
///
/// Errors: `QUANT_RAGGED`, `QUANT_NOT_FINITE`, `QUANT_OUT_OF_RANGE` (blend, confidence, a common correlation that no n
/// assets have), `QUANT_NOT_POSITIVE_DEFINITE` for a scenario that is none.
pub fn correlation_stress(
    weights: &[f64],
    covariance: &Matrix<'_>,
    scenario: &CorrelationBreak<'_>,
    blend: f64,
    confidence: f64,
    convention: Convention,
) -> Result<CorrelationStress, QuantError> {
    checked_vector("weights", weights)?;
    let n = weights.len();
    at_least("weights", n, 2)?;
    length("covariance", covariance.rows(), n)?;
    length("covariance", covariance.columns(), n)?;
    in_range("blend", blend, 0.0, 1.0)?;
    let tail = tail_of(confidence)?;
    for i in 0..n {
        in_range("covariance", covariance.at(i, i), f64::MIN_POSITIVE, f64::MAX)?;
    }
    match scenario {
        CorrelationBreak::AllTo(rho) => in_range("correlation", *rho, -1.0 / (n - 1) as f64, 1.0)?,
        CorrelationBreak::Matrix(matrix) => {
            length("correlation", matrix.rows(), n)?;
            length("correlation", matrix.columns(), n)?;
            semidefinite(matrix)?;
        }
    }
    let deviation = |i: usize| libm::sqrt(covariance.at(i, i));
    let broken = OwnedMatrix::from_fn(n, n, |i, j| {
        if i == j {
            return covariance.at(i, i);
        }
        let target = match scenario {
            CorrelationBreak::AllTo(rho) => *rho,
            CorrelationBreak::Matrix(matrix) => matrix.at(i, j),
        };
        (1.0 - blend) * covariance.at(i, j) + blend * target * deviation(i) * deviation(j)
    });
    let risk = |at: &dyn Fn(usize, usize) -> f64| {
        let mut variance = 0.0;
        for j in 0..n {
            for i in 0..n {
                variance += weights[i] * weights[j] * at(i, j);
            }
        }
        gaussian(0.0, libm::sqrt(variance.max(0.0)), tail).under(convention)
    };
    let (before, after) = (risk(&|i, j| covariance.at(i, j)), risk(&|i, j| broken.at(i, j)));
    finite("before", before.expected_shortfall)?;
    finite("after", after.expected_shortfall)?;
    broken.view("covariance")?;
    Ok(CorrelationStress { before, after, covariance: broken })
}

/// Refuses a correlation with an eigenvalue below rounding, or a diagonal other than 1.
fn semidefinite(matrix: &Matrix<'_>) -> Result<(), QuantError> {
    let n = matrix.rows();
    for i in 0..n {
        in_range("correlation", matrix.at(i, i), 1.0 - 1e-9, 1.0 + 1e-9)?;
        for j in 0..i {
            if (matrix.at(i, j) - matrix.at(j, i)).abs() > 1e-12 {
                return Err(QuantError::NotSymmetric { what: "correlation", row: i, column: j });
            }
        }
    }
    let values = matrix.faer().self_adjoint_eigenvalues(faer::Side::Lower).map_err(|_| QuantError::NotConverged {
        what: "eigenvalues",
        iterations: 0,
        residual: 0.0,
    })?;
    match values.iter().position(|&value| value < -1e-10) {
        Some(row) => Err(QuantError::NotPositiveDefinite { what: "correlation", row }),
        None => Ok(()),
    }
}
