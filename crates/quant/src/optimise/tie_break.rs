//! # Room card: quant/optimise/tie_break
//! In:    an optimum of a quadratic program that may be one of many.
//! Out:   among all optima the one with the smallest Σ (tie × x²): of weights, the sum of squared (weight ×
//!        volatility), a volatility below 1e-4 of the largest counting as that.
//! Holds: along the moves tried, gradient, multipliers and costs of a trade do not change, so every point looked at is
//!        as optimal as the first: optima are the feasible points that agree with one of them in H x and with its
//!        multipliers in what these hold (Mangasarian 1988).
//! Costs: one eigenvalue decomposition of what can move, and a program in it; nothing where the optimum is unique.
use super::program::{Optimum, Program, RIDGE};
use super::region::{Region, Row, Trading};
use super::{RESIDUAL_MAX, minimise};
use crate::{JobControl, QuantError};
use faer::{Mat, Side};

/// A pivot below this, relative, means that the optimum may not be the only one.
const PIVOT: f64 = 1e-7;
/// Multipliers below this, relative to the gradient's terms, hold nothing.
const WEAK: f64 = 1e-10;
/// Eigenvalues below this, relative to the largest, belong to moves that change nothing.
const NULL: f64 = 1e-12;
/// The ridge of the last polish: steps that only correct rounding must not wander along idle moves.
const GENTLE_RIDGE: f64 = 1e-2;

/// The optimum that the tie-break names, or `first` where it is the only one.
///
/// Errors: `QUANT_CANCELLED`.
pub(crate) fn smallest(program: &Program, first: Optimum, control: &JobControl<'_>) -> Result<Optimum, QuantError> {
    let weak = WEAK * program.terms(&first.x);
    let spans = spans(program, &first, weak);
    let movable: Vec<usize> = (0..program.size).filter(|&index| spans[index].0 < spans[index].1).collect();
    if movable.is_empty() || (movable.len() == first.free.len() && first.least_pivot > PIVOT) {
        return Ok(first);
    }
    let face = Face { program, first: &first, weak, spans: &spans, movable: &movable };
    let Some(inner) = face.program() else {
        return Ok(first);
    };
    let start: Vec<f64> = movable.iter().map(|&index| first.x[index]).collect();
    let best = match minimise(&inner, &start, control) {
        Ok(best) if best.residual <= RESIDUAL_MAX => best,
        Err(QuantError::Cancelled) => return Err(QuantError::Cancelled),
        _ => return Ok(first), // the first optimum is one too
    };
    let mut x = first.x.clone();
    movable.iter().zip(&best.x).for_each(|(&index, &value)| x[index] = value);
    // The walk from there only takes out rounding: the gradient is the one the first optimum had.
    let gentle = Program { ridge: GENTLE_RIDGE, ..program.clone() };
    match minimise(&gentle, &x, control) {
        Ok(polished) if polished.residual <= RESIDUAL_MAX && distance(&polished.x, &x) < 1e-9 => {
            Ok(Optimum { steps: first.steps + best.steps, ..polished })
        }
        Err(QuantError::Cancelled) => Err(QuantError::Cancelled),
        _ => Ok(first),
    }
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0f64, |most, (x, y)| most.max((x - y).abs()))
}

/// From where to where each variable may move without its multiplier or the cost of its trade changing.
fn spans(program: &Program, first: &Optimum, weak: f64) -> Vec<(f64, f64)> {
    let region = &program.region;
    let turnover = first.multipliers.get(region.rows.len()).map_or(0.0, |multiplier| -multiplier);
    let span = |index: usize| {
        let (lower, upper, x) = (region.lower[index], region.upper[index], first.x[index]);
        let slope = first.reduced[index];
        // A piece of the cost on which x lies, and the slope on it.
        let piece = |low: f64, high: f64, slope: f64| {
            let inside = x > low && x < high;
            if low < high && (inside || slope.abs() <= weak) { (low, high) } else { (x, x) }
        };
        let Some(trading) = &region.trading else {
            return piece(lower, upper, slope);
        };
        let (kink, unit) = (trading.previous[index], turnover * trading.unit[index]);
        let (buy, sell) = (trading.buy[index] + unit, trading.sell[index] + unit);
        let (bought, sold) = (slope + buy, slope - sell);
        if buy + sell <= weak {
            piece(lower, upper, bought)
        } else if x > kink || (x == kink && bought.abs() <= weak && x < upper) {
            piece(lower.max(kink), upper, bought)
        } else if x < kink || sold.abs() <= weak {
            piece(lower, upper.min(kink), sold)
        } else {
            (x, x)
        }
    };
    (0..program.size).map(span).collect()
}

/// All optima.
struct Face<'a> {
    program: &'a Program,
    first: &'a Optimum,
    weak: f64,
    spans: &'a [(f64, f64)],
    movable: &'a [usize],
}

impl Face<'_> {
    /// Coefficients of a row on what can move.
    fn line(&self, row: usize) -> Vec<f64> {
        let region = &self.program.region;
        let coefficient = |&index: &usize| match (region.rows.get(row), &region.trading) {
            (Some(row), _) => row.coefficients[index],
            (None, Some(trading)) => {
                let kink = trading.previous[index];
                let bought = self.first.x[index] > kink || (self.first.x[index] == kink && self.spans[index].1 > kink);
                if bought { trading.unit[index] } else { -trading.unit[index] }
            }
            (None, None) => 0.0,
        };
        self.movable.iter().map(coefficient).collect()
    }

    /// Whether a row holds its value on all optima.
    fn held(&self, row: usize, line: &[f64]) -> bool {
        let rows = &self.program.region.rows;
        let equal = rows.get(row).is_some_and(|row| row.lower == row.upper);
        let size = line.iter().fold(0.0f64, |most, value| most.max(value.abs()));
        equal || self.first.multipliers.get(row).is_some_and(|multiplier| multiplier.abs() * size > self.weak)
    }

    /// The smallest point of the face as a program of what can move; `None` where nothing can.
    fn program(&self) -> Option<Program> {
        let (program, region, k) = (self.program, &self.program.region, self.movable.len());
        let here: Vec<f64> = self.movable.iter().map(|&index| self.first.x[index]).collect();
        let mut form = Mat::from_fn(k, k, |row, column| program.column(self.movable[column])[self.movable[row]]);
        let mut rows = Vec::new();
        let turnover = region.rows.len();
        for row in 0..turnover + usize::from(region.trading.is_some()) {
            let line = self.line(row);
            let size = line.iter().fold(0.0f64, |most, value| most.max(value.abs()));
            if size == 0.0 {
                continue;
            }
            if self.held(row, &line) {
                for column in 0..k {
                    (0..k).for_each(|row| form[(row, column)] += (line[row] / size) * (line[column] / size));
                }
            } else if let Some(row) = region.rows.get(row) {
                let value: f64 = row.coefficients.iter().zip(&self.first.x).map(|(a, x)| a * x).sum();
                let inside: f64 = line.iter().zip(&here).map(|(a, x)| a * x).sum();
                let end = |end: f64| end - value + inside;
                rows.push((line, end(row.lower).min(inside), end(row.upper).max(inside)));
            }
        }
        let eigen = form.self_adjoint_eigen(Side::Lower).ok()?;
        let values: Vec<f64> = eigen.S().column_vector().iter().copied().collect();
        let largest = values.iter().copied().fold(0.0, f64::max);
        if values.iter().all(|&value| value > NULL * largest) {
            return None;
        }
        for order in (0..k).filter(|&order| values[order] > NULL * largest) {
            let line: Vec<f64> = (0..k).map(|row| eigen.U()[(row, order)]).collect();
            let value: f64 = line.iter().zip(&here).map(|(a, x)| a * x).sum();
            rows.push((line, value, value));
        }
        let rows = rows.into_iter().map(|(coefficients, lower, upper)| Row {
            name: String::new(),
            coefficients,
            lower,
            upper,
        });
        let mut hessian = vec![0.0; k * k];
        self.movable.iter().enumerate().for_each(|(order, &index)| hessian[order * (k + 1)] = program.tie[index]);
        let spans = |end: fn(&(f64, f64)) -> f64| self.movable.iter().map(|&index| end(&self.spans[index])).collect();
        let region = Region {
            assets: Vec::new(),
            lower: spans(|span| span.0),
            upper: spans(|span| span.1),
            rows: rows.collect(),
            trading: self.trading(turnover),
        };
        Some(Program { size: k, hessian, linear: vec![0.0; k], region, ridge: RIDGE, tie: vec![1.0; k] })
    }

    /// Turnover where it has an end that holds nothing yet.
    fn trading(&self, turnover: usize) -> Option<Trading> {
        let trading = self.program.region.trading.as_ref()?;
        if trading.turnover_max == f64::INFINITY || self.held(turnover, &self.line(turnover)) {
            return None;
        }
        let moved = |index: usize| trading.unit[index] * (self.first.x[index] - trading.previous[index]).abs();
        let all: f64 = (0..self.program.size).map(moved).sum();
        let inside: f64 = self.movable.iter().map(|&index| moved(index)).sum();
        let of = |values: &[f64]| self.movable.iter().map(|&index| values[index]).collect::<Vec<f64>>();
        let free = vec![0.0; self.movable.len()];
        Some(Trading {
            previous: of(&trading.previous),
            buy: free.clone(),
            sell: free,
            unit: of(&trading.unit),
            turnover_max: (trading.turnover_max - all + inside).max(inside),
        })
    }
}
