//! # Room card: quant/optimise/tie_break
//! In:    an optimum of a quadratic program that may be one of many.
//! Out:   among all optima the one with the smallest Σ (diagonal × x²): of weights, the sum of squared (weight ×
//!        volatility).
//! Holds: along the moves tried, gradient and rows do not change, so every point looked at is as optimal as the first.
//! Costs: one eigenvalue decomposition of what can move, and a program in its null space; nothing where the optimum
//!        is unique.
use super::RESIDUAL_MAX;
use super::active_set::minimise;
use super::factor::add_scaled;
use super::program::{Optimum, Program, RIDGE};
use super::region::{Region, Row};
use crate::{JobControl, QuantError};
use faer::{Mat, Side};

/// A pivot below this, relative, means that the optimum may not be the only one.
const PIVOT: f64 = 1e-7;
/// Multipliers below this, relative to the gradient's terms, do not hold a variable at its bound.
const WEAK: f64 = 1e-10;
/// Eigenvalues below this, relative to the largest, belong to moves that change nothing.
const NULL: f64 = 1e-12;

/// The ridge of the last polish: steps that only correct rounding must not wander along idle moves.
const GENTLE_RIDGE: f64 = 1e-2;

/// The optimum that the tie-break names, or `first` where it is the only one.
///
/// Errors: `QUANT_CANCELLED`.
pub(crate) fn smallest(program: &Program, first: Optimum, control: &JobControl<'_>) -> Result<Optimum, QuantError> {
    let movable = movable(program, &first);
    if movable.len() < 2 || (movable.len() == first.free.len() && first.least_pivot > PIVOT) {
        return Ok(first);
    }
    let Some(moves) = idle_moves(program, &first, &movable) else {
        return Ok(first);
    };
    let inner = inner_program(program, &first, &movable, &moves);
    let start = vec![0.0; inner.size];
    let best = match minimise(&inner, &start, control) {
        Ok(best) => best,
        Err(QuantError::Cancelled) => return Err(QuantError::Cancelled),
        Err(_) => return Ok(first), // the first optimum is one too
    };
    let mut x = first.x.clone();
    for (order, &index) in movable.iter().enumerate() {
        let mut value = x[index];
        for (column, &amount) in best.x.iter().enumerate() {
            value += moves[(order, column)] * amount;
        }
        let (lower, upper) = (program.region.lower[index], program.region.upper[index]);
        let snap = 1e-13 * (1.0 + value.abs());
        x[index] = if value - lower < snap {
            lower
        } else if upper - value < snap {
            upper
        } else {
            value
        };
    }
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

/// Variables that may move without the gradient holding them.
fn movable(program: &Program, first: &Optimum) -> Vec<usize> {
    let scale = program.gradient_scale(&first.x);
    let mut free = vec![false; program.size];
    first.free.iter().for_each(|&index| free[index] = true);
    // At a previous weight the cost holds a variable on both sides; its multiplier is not looked into.
    let costless = program.region.trading.is_none();
    (0..program.size)
        .filter(|&index| {
            let fixed = program.region.lower[index] == program.region.upper[index];
            free[index] || (costless && !fixed && first.reduced[index].abs() <= WEAK * scale)
        })
        .collect()
}

/// Moves of the movable variables that neither H nor the rows at work notice, as orthonormal columns.
fn idle_moves(program: &Program, first: &Optimum, movable: &[usize]) -> Option<Mat<f64>> {
    let k = movable.len();
    let mut form = Mat::from_fn(k, k, |row, column| program.column(movable[column])[movable[row]]);
    let equalities =
        program.region.rows.iter().enumerate().filter(|(_, row)| row.lower == row.upper).map(|(row, _)| row);
    let inequalities = first.working.iter().copied();
    let mut held: Vec<usize> = equalities.chain(inequalities).collect();
    held.sort_unstable();
    held.dedup();
    for row in held {
        let line: Vec<f64> = match program.region.rows.get(row) {
            Some(row) => movable.iter().map(|&index| row.coefficients[index]).collect(),
            None => {
                let trading = program.region.trading.as_ref()?;
                let side = |index: usize| if first.x[index] > trading.previous[index] { 1.0 } else { -1.0 };
                movable.iter().map(|&index| side(index) * trading.unit[index]).collect()
            }
        };
        let size = line.iter().fold(0.0f64, |most, value| most.max(value.abs()));
        if size == 0.0 {
            continue;
        }
        let line: Vec<f64> = line.iter().map(|value| value / size).collect();
        for column in 0..k {
            for row in 0..k {
                form[(row, column)] += line[row] * line[column];
            }
        }
    }
    let eigen = form.self_adjoint_eigen(Side::Lower).ok()?;
    let values: Vec<f64> = eigen.S().column_vector().iter().copied().collect();
    let largest = values.iter().copied().fold(0.0, f64::max);
    let idle: Vec<usize> = (0..k).filter(|&order| values[order] <= NULL * largest).collect();
    if idle.is_empty() {
        return None;
    }
    Some(Mat::from_fn(k, idle.len(), |row, column| eigen.U()[(row, idle[column])]))
}

/// The smallest point of the face, in amounts of the idle moves: bounds of variables become rows.
fn inner_program(program: &Program, first: &Optimum, movable: &[usize], moves: &Mat<f64>) -> Program {
    let k = moves.ncols();
    let diagonal: Vec<f64> = movable
        .iter()
        .map(|&index| {
            let own = program.hessian[index * (program.size + 1)];
            if own > 0.0 { own } else { 1.0 }
        })
        .collect();
    let mut hessian = vec![0.0; k * k];
    let mut linear = vec![0.0; k];
    let mut rows = Vec::new();
    for (order, &index) in movable.iter().enumerate() {
        let line: Vec<f64> = (0..k).map(|column| moves[(order, column)]).collect();
        for column in 0..k {
            add_scaled(&mut hessian[column * k..(column + 1) * k], diagonal[order] * line[column], &line);
        }
        add_scaled(&mut linear, diagonal[order] * first.x[index], &line);
        let (mut lower, mut upper) = (program.region.lower[index], program.region.upper[index]);
        if let Some(trading) = &program.region.trading {
            let kink = trading.previous[index];
            (lower, upper) = if first.x[index] > kink { (lower.max(kink), upper) } else { (lower, upper.min(kink)) };
        }
        let (lower, upper) = (lower - first.x[index], upper - first.x[index]);
        rows.push(Row { name: String::new(), coefficients: line, lower: lower.min(0.0), upper: upper.max(0.0) });
    }
    for (position, row) in program.region.rows.iter().enumerate() {
        if row.lower == row.upper || first.working.contains(&position) {
            continue;
        }
        let value: f64 = row.coefficients.iter().zip(&first.x).map(|(a, x)| a * x).sum();
        let mut line = vec![0.0; k];
        for (order, &index) in movable.iter().enumerate() {
            let coefficient = row.coefficients[index];
            line.iter_mut().enumerate().for_each(|(column, entry)| *entry += coefficient * moves[(order, column)]);
        }
        let (lower, upper) = ((row.lower - value).min(0.0), (row.upper - value).max(0.0));
        rows.push(Row { name: String::new(), coefficients: line, lower, upper });
    }
    if let Some(trading) =
        program.region.trading.as_ref().filter(|_| !first.working.contains(&program.region.rows.len()))
    {
        let moved = first.x.iter().zip(&trading.previous).zip(&trading.unit).map(|((x, p), unit)| unit * (x - p).abs());
        let room = (trading.turnover_max - moved.sum::<f64>()).max(0.0);
        let mut line = vec![0.0; k];
        for (order, &index) in movable.iter().enumerate() {
            let side =
                if first.x[index] > trading.previous[index] { trading.unit[index] } else { -trading.unit[index] };
            line.iter_mut().enumerate().for_each(|(column, entry)| *entry += side * moves[(order, column)]);
        }
        if room.is_finite() {
            rows.push(Row { name: String::new(), coefficients: line, lower: f64::NEG_INFINITY, upper: room });
        }
    }
    let open = |end: f64| vec![end; k];
    let (lower, upper) = (open(f64::NEG_INFINITY), open(f64::INFINITY));
    let region = Region { assets: Vec::new(), lower, upper, rows, trading: None };
    Program { size: k, hessian, linear, region, ridge: RIDGE }
}
