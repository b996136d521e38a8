//! # Room card: quant/optimise
//! In:    a covariance, a risk aversion, expected returns, and constraints with costs of trading.
//! Out:   the weights that minimise ½ γ wᵀΣw − μᵀw + costs, with the residual of the optimality conditions.
//! Holds: residual at most 1e-10 of the gradient's terms or an error; bounds hold exactly; where optima are many, the
//!        one with the smallest sum of squared (weight × volatility); conflicts are named; scales are powers of two,
//!        so the unit of Σ does not matter.
//! Costs: see `active_set`; `faces` and clarabel's interior point only where the active set does not end (bench:
//!        quant/min-variance).
mod active_set;
mod cone;
mod conflict;
mod faces;
mod factor;
mod interior;
mod orthogonal;
mod program;
mod region;
mod simplex;
mod tie_break;

use crate::{JobControl, QuantError};
pub(crate) use conflict::feasible_point;
pub(crate) use factor::{Factor, add_scaled, dot};
pub(crate) use program::{Optimum, Program, RIDGE};
pub use region::{ASSETS_MAX, Constraints, Group, Linear, PerAsset, ROWS_MAX};
pub(crate) use region::{Region, Row, Trading, power_of_two};
pub(crate) use simplex::Linear as LinearProgram;

/// The largest residual of the optimality conditions that is an answer.
pub const RESIDUAL_MAX: f64 = 1e-10;
/// Rows off their ends by more than this, relative to their terms, are no answer.
const VIOLATION_MAX: f64 = 1e-12;
/// A residual from which on the quick walk's answer is taken as it is.
const GOOD_ENOUGH: f64 = 1e-11;
/// Volatilities below this, relative to the largest, are scaled as if they were this: rows that hold assets of no risk
/// and others keep coefficients of like size.
const VOLATILITY_FLOOR: f64 = 1e-4;

/// Weights and how well they meet the optimality conditions.
#[derive(Clone, Debug, PartialEq)]
pub struct Allocation {
    /// One for each asset, in the order of the covariance.
    pub weights: Vec<f64>,
    /// Largest violation of the optimality conditions, relative to the terms of the gradient; at most `RESIDUAL_MAX`.
    pub residual: f64,
    /// Steps of the solver.
    pub steps: usize,
}

/// A quadratic problem in scaled variables.
pub(crate) struct Scaled {
    pub program: Program,
    /// x = w × scale.
    pub scale: Vec<f64>,
    /// The scaled objective is the objective times this.
    pub objective: f64,
}

impl Scaled {
    /// ½ risk wᵀΣw − μᵀw + costs over `region`; `covariance` column-major and symmetric.
    ///
    /// Errors: `QUANT_NOT_POSITIVE_DEFINITE` for a negative variance.
    pub fn new(covariance: &[f64], risk: f64, returns: &[f64], region: &Region) -> Result<Scaled, QuantError> {
        let n = region.lower.len();
        let variance = |asset: usize| covariance[asset * (n + 1)];
        if let Some(row) = (0..n).find(|&asset| variance(asset) < 0.0) {
            return Err(QuantError::NotPositiveDefinite { what: "covariance", row });
        }
        let largest = (0..n).map(variance).fold(0.0, f64::max).sqrt();
        let scale: Vec<f64> = (0..n)
            .map(|asset| match largest > 0.0 {
                true => power_of_two(variance(asset).sqrt().max(VOLATILITY_FLOOR * largest) / power_of_two(largest)),
                false => 1.0,
            })
            .collect();
        let dearest = returns.iter().fold(0.0f64, |most, value| most.max(value.abs()));
        let size = if risk * largest > 0.0 { risk * largest * largest } else { dearest };
        let objective = if size > 0.0 { 1.0 / power_of_two(size) } else { 1.0 };
        let mut hessian = vec![0.0; n * n];
        for column in 0..n {
            for row in 0..n {
                // Both triangles from the lower one: what differs in the last bit would make two gradients of one
                // problem.
                let entry = covariance[row.min(column) * n + row.max(column)];
                hessian[column * n + row] = entry * (risk * objective) / (scale[row] * scale[column]);
            }
        }
        let linear = returns.iter().zip(&scale).map(|(value, s)| -value * objective / s).collect();
        let region = region.scaled(&scale, objective);
        let unit = if largest > 0.0 { largest / power_of_two(largest) } else { 1.0 };
        let volatility = |asset: usize| (variance(asset).sqrt() / largest.max(f64::MIN_POSITIVE)).max(VOLATILITY_FLOOR);
        // Of like size for all, whatever the unit: scales follow volatilities.
        let tie = (0..n).map(|asset| volatility(asset) * unit / scale[asset]).map(|root| root * root).collect();
        Ok(Scaled { program: Program { size: n, hessian, linear, region, ridge: RIDGE, tie }, scale, objective })
    }

    /// Replaces expected returns and costs by theirs times `theta`; `region` is the one this was made of.
    pub fn set_reward(&mut self, theta: f64, reward: &[f64], region: &Region) {
        let scaled = reward.iter().zip(&self.scale).map(|(value, s)| -theta * value * self.objective / s);
        self.program.linear = scaled.collect();
        if let (Some(ours), Some(trading)) = (&mut self.program.region.trading, &region.trading) {
            for (cost, base) in [(&mut ours.buy, &trading.buy), (&mut ours.sell, &trading.sell)] {
                let scaled = base.iter().zip(&self.scale).map(|(value, s)| theta * value * self.objective / s);
                *cost = scaled.collect();
            }
        }
    }

    /// A feasible point, in scaled variables.
    ///
    /// Errors: `QUANT_INFEASIBLE`, `QUANT_NOT_CONVERGED`, `QUANT_CANCELLED`.
    pub fn start(&self, control: &JobControl<'_>) -> Result<Vec<f64>, QuantError> {
        match quick_start(&self.program) {
            Some(start) => Ok(start),
            None => self.vertex(control),
        }
    }

    /// A feasible vertex. Sought in weights: scaled, one asset without risk outweighs what the others must add up to.
    fn vertex(&self, control: &JobControl<'_>) -> Result<Vec<f64>, QuantError> {
        let back: Vec<f64> = self.scale.iter().map(|scale| 1.0 / scale).collect();
        let weights = feasible_point(&self.program.region.scaled(&back, 1.0), control)?;
        Ok(weights.iter().zip(&self.scale).map(|(weight, scale)| weight * scale).collect())
    }

    /// The optimum from a feasible start; where that does not end, from the interior point, then from a vertex.
    ///
    /// Errors: `QUANT_UNBOUNDED`, `QUANT_NOT_CONVERGED`, `QUANT_NOT_POSITIVE_DEFINITE`, `QUANT_CANCELLED`.
    pub fn optimum(&self, start: &[f64], control: &JobControl<'_>) -> Result<Optimum, QuantError> {
        let from = |start: Result<Vec<f64>, QuantError>| {
            let found = minimise(&self.program, &start?, control)?;
            let (iterations, residual) = (found.steps, found.residual);
            match residual <= RESIDUAL_MAX {
                true => Ok(found),
                false => Err(QuantError::NotConverged { what: "optimiser", iterations, residual }),
            }
        };
        let unfinished = |result: &Result<Optimum, QuantError>| matches!(result, Err(QuantError::NotConverged { .. }));
        let mut found = from(Ok(start.to_vec()));
        if unfinished(&found) {
            found = from(interior::minimise(&self.program, control));
        }
        if unfinished(&found) {
            found = from(self.vertex(control));
        }
        found
    }

    /// The optimum that the tie-break names, as weights.
    ///
    /// Errors: those of `start` and `optimum`.
    pub fn solve(&self, control: &JobControl<'_>) -> Result<Allocation, QuantError> {
        const STAGES: u64 = 3;
        control.progress(0, STAGES);
        let start = self.start(control)?;
        control.progress(1, STAGES);
        let optimum = self.optimum(&start, control)?;
        control.progress(2, STAGES);
        let smallest = self.smallest(optimum, control)?;
        control.progress(STAGES, STAGES);
        Ok(self.allocation(smallest))
    }

    /// Weights of an optimum.
    pub fn allocation(&self, optimum: Optimum) -> Allocation {
        let weights = self.weights(&optimum.x);
        Allocation { weights, residual: optimum.residual, steps: optimum.steps }
    }

    /// Weights of scaled variables; exact, scales being powers of two.
    pub fn weights(&self, x: &[f64]) -> Vec<f64> {
        x.iter().zip(&self.scale).map(|(x, scale)| x / scale).collect()
    }

    /// The tie-break on an optimum of this problem.
    ///
    /// Errors: `QUANT_CANCELLED`.
    pub fn smallest(&self, optimum: Optimum, control: &JobControl<'_>) -> Result<Optimum, QuantError> {
        tie_break::smallest(&self.program, optimum, control)
    }
}

/// Walks from the feasible `start` to the optimum; on exact faces from where the quick walk ends short of it.
///
/// Errors: `QUANT_UNBOUNDED`, `QUANT_NOT_POSITIVE_DEFINITE`, `QUANT_NOT_CONVERGED`, `QUANT_CANCELLED`.
pub(crate) fn minimise(program: &Program, start: &[f64], control: &JobControl<'_>) -> Result<Optimum, QuantError> {
    let mut x = start.to_vec();
    let quick = active_set::walk(program, &mut x, control);
    match &quick {
        Ok(optimum) if optimum.residual <= GOOD_ENOUGH => return quick,
        // A walk that ran away may have followed rounding.
        Err(QuantError::Unbounded { .. }) => x.copy_from_slice(start),
        Ok(_) | Err(QuantError::NotConverged { .. }) => {}
        Err(_) => return quick,
    }
    let exact = match faces::minimise(program, &x, control) {
        // Where the walk ended outside the region, nothing may lead back in.
        Ok(exact) if exact.residual > RESIDUAL_MAX && x != start => faces::minimise(program, start, control),
        exact => exact,
    };
    match (exact, quick) {
        (Ok(exact), Ok(quick)) if quick.residual <= exact.residual => Ok(quick),
        (Ok(exact), Ok(_)) => Ok(exact),
        (Ok(exact), Err(_)) if exact.residual <= RESIDUAL_MAX => Ok(exact),
        (Ok(_), Err(error)) => Err(error),
        (Err(QuantError::NotConverged { .. }), quick) => quick,
        (Err(error), _) => Err(error),
    }
}

/// A feasible start for bounds and at most one row with coefficients above 0: assets are filled up to the row's end,
/// the least variable first, which is near the optimum of minimum variance. `None` where there is more, or no such
/// point.
fn quick_start(program: &Program) -> Option<Vec<f64>> {
    let region = &program.region;
    if region.rows.len() > 1 || region.trading.as_ref().is_some_and(|t| t.turnover_max < f64::INFINITY) {
        return None;
    }
    let mut x: Vec<f64> = region.lower.iter().zip(&region.upper).map(|(&low, &high)| 0.0f64.clamp(low, high)).collect();
    let Some(row) = region.rows.first() else {
        return Some(x);
    };
    if row.coefficients.iter().any(|&coefficient| coefficient <= 0.0) {
        return None;
    }
    let value: f64 = row.coefficients.iter().zip(&x).map(|(a, x)| a * x).sum();
    let mut gap = value.clamp(row.lower, row.upper) - value;
    // By variance of a weight, which is what filling costs: the scaled diagonal over the square of the coefficient.
    let key = |asset: usize| {
        program.hessian[asset * (program.size + 1)] / (row.coefficients[asset] * row.coefficients[asset])
    };
    let mut order: Vec<usize> = (0..program.size).collect();
    order.sort_by(|&a, &b| key(a).total_cmp(&key(b)));
    for asset in order {
        if gap == 0.0 {
            break;
        }
        let end = if gap > 0.0 { region.upper[asset] } else { region.lower[asset] };
        let room = (end - x[asset]) * row.coefficients[asset];
        if room.abs() <= gap.abs() {
            x[asset] = end;
            gap -= room;
        } else {
            x[asset] += gap / row.coefficients[asset];
            gap = 0.0;
        }
    }
    let size = row.lower.abs().max(row.upper.abs()).max(value.abs());
    (gap.abs() <= 1e-15 * size * program.size as f64).then_some(x)
}
