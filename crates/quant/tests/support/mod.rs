//! # Room card: quant/tests/support
//! In:    weights that an allocator found, its objective and constraints.
//! Out:   how far the weights are from the optimality conditions, and a normal number.
//! Holds: shares nothing with the solver: multipliers are sought by non-negative least squares over everything that
//!        may push (rows, bounds, kinks of trading), so a residual near 0 is a proof of optimality.
//! Costs: about the cube of the assets; for tests.
use quant::optimise::{Constraints, PerAsset};
use types::rng::SplitMix64;

/// A value within this of an end, relative to its terms, is at that end.
const AT_END: f64 = 1e-11;
/// Columns with less than this left beside the chosen ones are taken for a combination of them.
const DEPENDENT: f64 = 1e-9;

/// The sum of twelve uniform numbers less 6: variance 1.
pub fn normal(rng: &mut SplitMix64) -> f64 {
    (0..12).map(|_| rng.unit_f64()).sum::<f64>() - 6.0
}

/// ½ γ wᵀΣw − μᵀw + costs under constraints.
#[derive(Clone, Debug)]
pub struct Quadratic {
    pub covariance: Vec<f64>,
    pub gamma: f64,
    pub expected: Vec<f64>,
    pub constraints: Constraints,
}

pub fn spread(values: &PerAsset, n: usize) -> Vec<f64> {
    match values {
        PerAsset::All(value) => vec![*value; n],
        PerAsset::Each(values) => values.clone(),
    }
}

/// What the rows of the constraints are: coefficients, lower and upper end; the budget first.
pub fn rows(constraints: &Constraints, n: usize) -> Vec<(Vec<f64>, f64, f64)> {
    let budget = constraints.budget.map(|sum| (vec![1.0; n], sum, sum));
    let groups = constraints.groups.iter().map(|group| {
        let inside = (0..n).map(|asset| f64::from(u8::from(group.members.contains(&asset))));
        (inside.collect(), group.lower, group.upper)
    });
    let linear = constraints.linear.iter().map(|row| (row.coefficients.clone(), row.lower, row.upper));
    budget.into_iter().chain(groups).chain(linear).collect()
}

/// Σ a w and Σ |a w|.
pub fn sum(coefficients: &[f64], weights: &[f64]) -> (f64, f64) {
    let terms = || coefficients.iter().zip(weights).map(|(a, w)| a * w);
    (terms().sum(), terms().map(f64::abs).sum())
}

impl Quadratic {
    fn n(&self) -> usize {
        self.expected.len()
    }

    /// The largest violation of bounds, rows and turnover, relative to their terms.
    pub fn violation(&self, weights: &[f64]) -> f64 {
        let n = self.n();
        let (lower, upper) = (spread(&self.constraints.lower, n), spread(&self.constraints.upper, n));
        let beyond = |value: f64, low: f64, high: f64| (low - value).max(value - high).max(0.0);
        let mut worst = (0..n).fold(0.0f64, |most, asset| most.max(beyond(weights[asset], lower[asset], upper[asset])));
        for (coefficients, low, high) in rows(&self.constraints, n) {
            let (value, terms) = sum(&coefficients, weights);
            let largest = coefficients.iter().fold(0.0f64, |most, value| most.max(value.abs()));
            worst = worst.max(beyond(value, low, high) / terms.max(largest));
        }
        if let (Some(previous), Some(most)) = (&self.constraints.previous, self.constraints.turnover_max) {
            let moved: f64 = weights.iter().zip(previous).map(|(w, p)| (w - p).abs()).sum();
            worst = worst.max(moved - most);
        }
        worst
    }

    /// What no multipliers explain of the gradient, relative to the gradient's terms; in weights × volatility, so that
    /// an asset of low volatility counts as much as the others, down to 1e-4 of the largest.
    pub fn residual(&self, weights: &[f64]) -> f64 {
        let n = self.n();
        let variance = |asset: usize| self.covariance[asset * (n + 1)];
        let largest = (0..n).map(variance).fold(0.0f64, f64::max).sqrt();
        let floor = if largest > 0.0 { 1e-4 * largest } else { 1.0 };
        let unit: Vec<f64> = (0..n).map(|asset| variance(asset).sqrt().max(floor)).collect();
        let (buy, sell) = (spread(&self.constraints.buy_cost, n), spread(&self.constraints.sell_cost, n));
        // Weights are known to the rounding of the largest one, and risk with them.
        let widest = weights.iter().fold(0.0f64, |most, weight| most.max(weight.abs()));
        let (mut right, mut size) = (Vec::new(), f64::EPSILON * self.gamma * largest * widest);
        for asset in 0..n {
            let terms = || (0..n).map(|other| self.gamma * self.covariance[other * n + asset] * weights[other]);
            let linear = -self.expected[asset];
            right.push((terms().sum::<f64>() + linear) / unit[asset]);
            let all = terms().map(f64::abs).sum::<f64>() + linear.abs() + buy[asset].max(sell[asset]);
            size = size.max(all / unit[asset]);
        }
        if size == 0.0 {
            return 0.0;
        }
        let mut columns = self.pushes(weights, &unit);
        let mut limits = Vec::new();
        if let Some(previous) = &self.constraints.previous {
            let moved: f64 = weights.iter().zip(previous).map(|(w, p)| (w - p).abs()).sum();
            let most = self.constraints.turnover_max.unwrap_or(f64::INFINITY);
            let still: Vec<bool> = weights.iter().zip(previous).map(|(w, p)| (w - p).abs() <= AT_END).collect();
            let full = moved >= most - AT_END * most.max(1.0);
            // One more equation for each asset that is not traded: its slope lies between −sell − μ and buy + μ.
            let waiting = still.iter().filter(|still| **still).count();
            columns.iter_mut().for_each(|column| column.resize(n + waiting, 0.0));
            let mut turnover = vec![0.0; n + waiting];
            for asset in 0..n {
                if still[asset] {
                    let equation = n + limits.len();
                    right[asset] -= sell[asset] / unit[asset];
                    turnover[asset] = 1.0 / unit[asset];
                    turnover[equation] = -2.0 / unit[asset];
                    for on_slope in [-1.0, 0.0] {
                        let mut column = vec![0.0; n + waiting];
                        (column[asset], column[equation]) = (on_slope, 1.0);
                        columns.push(column);
                    }
                    limits.push((buy[asset] + sell[asset]) / unit[asset]);
                } else if weights[asset] > previous[asset] {
                    right[asset] += buy[asset] / unit[asset];
                    turnover[asset] = -1.0 / unit[asset];
                } else {
                    right[asset] -= sell[asset] / unit[asset];
                    turnover[asset] = 1.0 / unit[asset];
                }
            }
            if full {
                columns.push(turnover);
            }
        }
        right.extend(limits);
        right.iter_mut().for_each(|value| *value /= size);
        left_over(columns, right)
    }

    /// What rows and bounds that hold with equality may add to the gradient.
    fn pushes(&self, weights: &[f64], unit: &[f64]) -> Vec<Vec<f64>> {
        let n = self.n();
        let mut columns = Vec::new();
        let mut push = |column: &[f64], sign: f64| {
            if column.iter().all(|value| *value == 0.0) {
                return; // a group of nobody
            }
            columns.push(column.iter().zip(unit).map(|(value, unit)| sign * value / unit).collect::<Vec<f64>>());
        };
        for (coefficients, low, high) in rows(&self.constraints, n) {
            let (value, terms) = sum(&coefficients, weights);
            for (end, sign) in [(low, 1.0), (high, -1.0)] {
                if (value - end).abs() <= AT_END * (terms + end.abs()) {
                    push(&coefficients, sign);
                }
            }
        }
        let (lower, upper) = (spread(&self.constraints.lower, n), spread(&self.constraints.upper, n));
        for asset in 0..n {
            let mut column = vec![0.0; n];
            column[asset] = 1.0;
            for (end, sign) in [(lower[asset], 1.0), (upper[asset], -1.0)] {
                if (weights[asset] - end).abs() <= AT_END * end.abs().max(1.0) {
                    push(&column, sign);
                }
            }
        }
        columns
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// The largest element of `right` less the non-negative combination of `columns` that is nearest to it (Lawson and
/// Hanson 1974).
fn left_over(mut columns: Vec<Vec<f64>>, right: Vec<f64>) -> f64 {
    for column in &mut columns {
        let length = dot(column, column).sqrt();
        column.iter_mut().for_each(|value| *value /= length);
    }
    let mut amounts = vec![0.0; columns.len()];
    let (mut inside, mut barred): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut rest = right.clone();
    for _ in 0..20 * columns.len() + 20 {
        let outside = (0..columns.len()).filter(|at| !inside.contains(at) && !barred.contains(at));
        let Some(best) = outside.max_by(|&a, &b| dot(&columns[a], &rest).total_cmp(&dot(&columns[b], &rest))) else {
            break;
        };
        let best = match dot(&columns[best], &rest) > 1e-14 {
            true => best,
            // Columns nearly parallel to those inside have small products with a rest that they could take whole.
            false => match hidden(&columns, &inside, &barred, &rest) {
                Some(hidden) => hidden,
                None => break,
            },
        };
        inside.push(best);
        loop {
            let Some(solution) = least_squares(&columns, &inside, &right) else {
                barred.extend(inside.pop());
                break;
            };
            if solution.iter().all(|amount| *amount > 0.0) {
                inside.iter().zip(&solution).for_each(|(&at, amount)| amounts[at] = *amount);
                barred.clear();
                break;
            }
            let steps = inside.iter().zip(&solution).filter(|(_, next)| **next <= 0.0);
            let length = steps.map(|(&at, next)| amounts[at] / (amounts[at] - next)).fold(1.0, f64::min);
            for (&at, next) in inside.iter().zip(&solution) {
                amounts[at] += length * (next - amounts[at]);
            }
            let newest = inside.last().copied();
            inside.retain(|&at| amounts[at] > 1e-16);
            (0..columns.len()).filter(|at| !inside.contains(at)).for_each(|at| amounts[at] = 0.0);
            if newest == Some(best) && !inside.contains(&best) {
                barred.push(best);
            }
        }
        rest.clone_from(&right);
        for &at in &inside {
            rest.iter_mut().zip(&columns[at]).for_each(|(rest, value)| *rest -= amounts[at] * value);
        }
    }
    rest.iter().fold(0.0, |most, value| most.max(value.abs()))
}

/// The column outside that takes most of `rest` by what of it lies across the columns inside.
fn hidden(columns: &[Vec<f64>], inside: &[usize], barred: &[usize], rest: &[f64]) -> Option<usize> {
    let mut basis: Vec<Vec<f64>> = Vec::new();
    let across = |column: &[f64], basis: &[Vec<f64>]| {
        let mut column = column.to_vec();
        for direction in basis.iter().chain(basis) {
            let product = dot(direction, &column);
            column.iter_mut().zip(direction).for_each(|(value, direction)| *value -= product * direction);
        }
        let length = dot(&column, &column).sqrt();
        (length > DEPENDENT).then(|| column.iter().map(|value| value / length).collect::<Vec<f64>>())
    };
    for &at in inside {
        basis.extend(across(&columns[at], &basis));
    }
    let outside = (0..columns.len()).filter(|at| !inside.contains(at) && !barred.contains(at));
    let taken = outside.filter_map(|at| Some((dot(&across(&columns[at], &basis)?, rest), at)));
    taken.filter(|(taken, _)| *taken > 1e-12).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, at)| at)
}

/// Least squares over the columns in `inside` by Gram-Schmidt, each column twice; `None` where the last one adds
/// nothing.
fn least_squares(columns: &[Vec<f64>], inside: &[usize], right: &[f64]) -> Option<Vec<f64>> {
    let k = inside.len();
    let mut basis: Vec<Vec<f64>> = Vec::new();
    let mut triangle = vec![vec![0.0; k]; k];
    for (order, &at) in inside.iter().enumerate() {
        let mut column = columns[at].clone();
        for _ in 0..2 {
            for (row, other) in basis.iter().enumerate() {
                let product = dot(other, &column);
                triangle[row][order] += product;
                column.iter_mut().zip(other).for_each(|(value, direction)| *value -= product * direction);
            }
        }
        let length = dot(&column, &column).sqrt();
        if length < DEPENDENT {
            return None;
        }
        triangle[order][order] = length;
        basis.push(column.iter().map(|value| value / length).collect());
    }
    let mut rest = right.to_vec();
    let mut solution = Vec::new();
    for direction in &basis {
        let product = dot(direction, &rest);
        rest.iter_mut().zip(direction).for_each(|(value, direction)| *value -= product * direction);
        solution.push(product);
    }
    for row in (0..k).rev() {
        for later in row + 1..k {
            solution[row] -= triangle[row][later] * solution[later];
        }
        solution[row] /= triangle[row][row];
    }
    Some(solution)
}
