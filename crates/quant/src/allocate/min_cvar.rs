//! # Room card: quant/allocate/min_cvar
//! In:    scenarios of returns, a confidence level, constraints.
//! Out:   the weights with the least expected shortfall, the shortfall, the value at risk at that point.
//! Holds: an exact vertex of the linear program (Rockafellar and Uryasev 2000); where optima are many, the one with
//!        the smallest sum of squared weights.
//! Costs: the dual program has a row per asset and a bounded column per scenario, so a step of the simplex method
//!        costs O(NT) (bench: quant/min-cvar).
use crate::error::{at_most, in_range};
use crate::matrix::checked_vector_of;
use crate::optimise::{
    ASSETS_MAX, Constraints, LinearProgram, Program, RIDGE, Region, Row, feasible_point, minimise, power_of_two,
};
use crate::{JobControl, Matrix, QuantError};

/// What progress counts: the linear program, the tie-break.
const STAGES: u64 = 2;

/// What `minimum_cvar` needs besides scenarios and constraints.
#[derive(Clone, Debug, PartialEq)]
pub struct CvarOptions {
    /// Confidence level (0.95 = the mean of the worst 5 %), from 0 up to but not 1.
    pub beta: f64,
    /// Expected returns and the least return of the portfolio; `None` for no target.
    pub target: Option<(Vec<f64>, f64)>,
}

impl Default for CvarOptions {
    fn default() -> Self {
        CvarOptions { beta: 0.95, target: None }
    }
}

/// The portfolio of least expected shortfall.
#[derive(Clone, Debug, PartialEq)]
pub struct MinimumCvar {
    /// One for each asset.
    pub weights: Vec<f64>,
    /// Expected shortfall as a loss, costs of trading not among it.
    pub cvar: f64,
    /// The program's α: a value at risk, as a loss.
    pub var: f64,
}

/// The weights with the least CVaR of losses −rᵀw at level β: α + Σ (loss − α)⁺ / ((1 − β) T), the costs of trading
/// added.
///
/// Errors: `QUANT_INFEASIBLE` with the constraints in conflict, `QUANT_UNBOUNDED`, `QUANT_OUT_OF_RANGE`,
/// `QUANT_NOT_CONVERGED`; those of the arguments.
pub fn minimum_cvar(
    returns: Matrix<'_>,
    options: &CvarOptions,
    constraints: &Constraints,
    control: &JobControl<'_>,
) -> Result<MinimumCvar, QuantError> {
    let (t, n) = (returns.rows(), returns.columns());
    at_most("assets", n, ASSETS_MAX)?;
    in_range("beta", options.beta, 0.0, 1.0 - 1e-9)?;
    let mut region = Region::new(constraints, n)?;
    if let Some((expected, target)) = &options.target {
        checked_vector_of("expected returns", expected, n)?;
        crate::error::finite("target return", *target)?;
        region.add_row("target return".to_string(), expected.clone(), *target, f64::INFINITY)?;
    }
    let largest = returns.values().iter().fold(0.0f64, |most, value| most.max(value.abs()));
    let unit = if largest > 0.0 { 1.0 / power_of_two(largest) } else { 1.0 };
    let cap = 1.0 / ((1.0 - options.beta) * t as f64);
    let dual = Dual::new(returns, unit, cap, &region);
    control.progress(0, STAGES);
    let vertex = match dual.start(&region, t, cap) {
        Some((start, basic)) => dual.program.minimise_from(start, &basic, control),
        None => dual.program.minimise(control),
    };
    let vertex = match vertex {
        Ok(vertex) if vertex.infeasible == 0.0 => vertex,
        // A dual without a bound is a primal without a point; a dual without a point is a primal without a bound.
        Ok(_) => return Err(QuantError::Unbounded { what: "minimum CVaR" }),
        Err(QuantError::Unbounded { .. }) => {
            feasible_point(&region, control)?;
            return Err(QuantError::Unbounded { what: "minimum CVaR" });
        }
        Err(other) => return Err(other),
    };
    control.progress(1, STAGES);
    let mut weights: Vec<f64> = vertex.multipliers[..n].to_vec();
    snap(&mut weights, &region);
    if vertex.degenerate && region.trading.is_none() {
        let face =
            Face { returns, unit, cap, region: &region, dual: &dual, worst: &vertex.x, value: -vertex.multipliers[n] };
        weights = face.smallest(&weights, control)?.unwrap_or(weights);
    }
    control.progress(STAGES, STAGES);
    let (cvar, var) = shortfall(returns, &weights, options.beta);
    Ok(MinimumCvar { weights, cvar, var })
}

/// Weights within rounding of a bound are at it.
fn snap(weights: &mut [f64], region: &Region) {
    for (asset, weight) in weights.iter_mut().enumerate() {
        for bound in [region.lower[asset], region.upper[asset]] {
            if (*weight - bound).abs() <= 1e-12 * bound.abs().max(1.0) {
                *weight = bound;
            }
        }
        *weight = weight.clamp(region.lower[asset], region.upper[asset]);
    }
}

/// CVaR and α at its least: the value at the end of the tail of (1 − β) T losses.
fn shortfall(returns: Matrix<'_>, weights: &[f64], beta: f64) -> (f64, f64) {
    let mut losses = vec![0.0; returns.rows()];
    for (column, weight) in returns.columns_iter().zip(weights) {
        losses.iter_mut().zip(column).for_each(|(loss, value)| *loss -= weight * value);
    }
    losses.sort_by(|a, b| b.total_cmp(a));
    let tail = (1.0 - beta) * losses.len() as f64;
    // A tail within rounding of a whole number of scenarios ends with it.
    let whole = if (tail - tail.round()).abs() < 1e-9 * tail { tail.round() } else { tail.floor() };
    let (count, rest) = (whole as usize, (tail - whole).max(0.0));
    let at = if rest > 1e-9 * tail { count } else { count.saturating_sub(1) }.min(losses.len() - 1);
    let sum: f64 = losses[..count].iter().sum::<f64>() + rest * losses[count.min(losses.len() - 1)];
    (sum / tail, losses[at])
}

/// The dual program: how probable the worst case makes each scenario, at most 1/((1 − β)T); its rows' multipliers are
/// the weights.
struct Dual {
    program: LinearProgram,
    /// For each asset the column of its lower and of its upper bound.
    bounds: Vec<(Option<usize>, Option<usize>)>,
    /// The same for each row; one column serves both ends of an equality.
    rows: Vec<(Option<usize>, Option<usize>)>,
    /// The columns that balance the turnover rows.
    balance: Vec<usize>,
}

impl Dual {
    fn new(returns: Matrix<'_>, unit: f64, cap: f64, region: &Region) -> Dual {
        let (t, n) = (returns.rows(), returns.columns());
        let turnover = region.trading.as_ref().filter(|trading| trading.turnover_max < f64::INFINITY);
        let m = n + 1 + if turnover.is_some() { n } else { 0 };
        let mut program = LinearProgram { rows: m, right: vec![0.0; m], ..LinearProgram::default() };
        program.right[n] = 1.0;
        let mut column = vec![0.0; m];
        for scenario in 0..t {
            for (entry, whole) in column.iter_mut().zip(returns.columns_iter()) {
                *entry = -unit * whole[scenario];
            }
            column[n] = 1.0;
            program.push(&column, 0.0, 0.0, cap);
        }
        let mut rows = vec![(None, None); region.rows.len()];
        for (row, ends) in region.rows.iter().zip(&mut rows) {
            let equal = row.lower == row.upper;
            // Coefficients near 1, whatever their unit: expected returns of 1e-9 would pass for roundings of a pivot.
            let fit = 1.0 / power_of_two(row.coefficients.iter().fold(0.0f64, |most, value| most.max(value.abs())));
            for (sign, end) in [(1.0, row.lower), (-1.0, row.upper)] {
                if end.is_finite() && !(equal && sign < 0.0) {
                    column.fill(0.0);
                    column.iter_mut().zip(&row.coefficients).for_each(|(entry, value)| *entry = -sign * fit * value);
                    let low = if equal { f64::NEG_INFINITY } else { 0.0 };
                    *(if sign > 0.0 { &mut ends.0 } else { &mut ends.1 }) = Some(program.cost.len());
                    program.push(&column, -sign * fit * end, low, f64::INFINITY);
                }
            }
        }
        let mut bounds = vec![(None, None); n];
        for (asset, bound) in bounds.iter_mut().enumerate() {
            column.fill(0.0);
            for (sign, end) in [(1.0, region.lower[asset]), (-1.0, region.upper[asset])] {
                if end.is_finite() {
                    column[asset] = -sign;
                    *(if sign > 0.0 { &mut bound.0 } else { &mut bound.1 }) = Some(program.cost.len());
                    program.push(&column, -sign * end, 0.0, f64::INFINITY);
                }
            }
        }
        let mut dual = Dual { program, bounds, rows, balance: Vec::new() };
        if let Some(trading) = &region.trading {
            dual.push_trading(trading, unit, turnover.map(|trading| trading.turnover_max));
        }
        dual
    }

    /// Cost of trading is the largest τ (w − previous) with −sell ≤ τ ≤ buy; turnover widens both by its multiplier
    /// μ: τ = μ − s with s + s' = 2μ, one row an asset.
    fn push_trading(&mut self, trading: &crate::optimise::Trading, unit: f64, turnover_max: Option<f64>) {
        let (m, n) = (self.program.rows, trading.previous.len());
        let mut column = vec![0.0; m];
        for asset in 0..n {
            column.fill(0.0);
            column[asset] = 1.0;
            let (low, high) = (-unit * trading.sell[asset], unit * trading.buy[asset]);
            self.program.push(&column, trading.previous[asset], low, high);
        }
        let Some(most) = turnover_max else { return };
        column[..n].fill(1.0);
        column[n] = 0.0;
        column[n + 1..].fill(-2.0);
        let held: f64 = trading.previous.iter().sum();
        self.program.push(&column, held + most, 0.0, f64::INFINITY);
        for asset in 0..n {
            column.fill(0.0);
            (column[asset], column[n + 1 + asset]) = (-1.0, 1.0);
            self.program.push(&column, -trading.previous[asset], 0.0, f64::INFINITY);
            column[asset] = 0.0;
            self.balance.push(self.program.cost.len());
            self.program.push(&column, 0.0, 0.0, f64::INFINITY);
        }
    }

    /// The tail of the equally weighted portfolio, bounds taking up the rest of each row. `None` where a bound that
    /// is needed is open.
    fn start(&self, region: &Region, t: usize, cap: f64) -> Option<(Vec<f64>, Vec<usize>)> {
        let n = region.lower.len();
        let mut order: Vec<usize> = (0..t).collect();
        let losses: Vec<f64> = (0..t).map(|scenario| self.program.column(scenario)[..n].iter().sum()).collect();
        order.sort_by(|&a, &b| losses[b].total_cmp(&losses[a]));
        let mut x: Vec<f64> = (0..self.program.cost.len())
            .map(|index| 0.0f64.clamp(self.program.lower[index], self.program.upper[index]))
            .collect();
        let full = ((1.0 / cap).floor() as usize).min(t - 1);
        order[..full].iter().for_each(|&scenario| x[scenario] = cap);
        x[order[full]] = (1.0 - full as f64 * cap).max(0.0);
        let mut basic = Vec::with_capacity(self.program.rows);
        for asset in 0..n {
            let row: f64 =
                order[..=full].iter().map(|&scenario| x[scenario] * self.program.column(scenario)[asset]).sum();
            let column = if row >= 0.0 { self.bounds[asset].0 } else { self.bounds[asset].1 };
            x[column?] = row.abs();
            basic.push(column?);
        }
        basic.push(order[full]);
        basic.extend(&self.balance);
        Some((x, basic))
    }
}

/// The weights that are as good as the first ones.
struct Face<'a> {
    returns: Matrix<'a>,
    unit: f64,
    cap: f64,
    region: &'a Region,
    dual: &'a Dual,
    /// The dual's optimum: probabilities of the scenarios in the worst case, then multipliers of rows and bounds.
    worst: &'a [f64],
    /// α in scaled returns.
    value: f64,
}

impl Face<'_> {
    /// The smallest sum of squares among optimal weights: scenarios wholly in the tail lose at least α, those outside
    /// at most, those between exactly, and what has a multiplier holds. `None` where rounding leaves no way.
    ///
    /// Errors: `QUANT_CANCELLED`.
    fn smallest(&self, first: &[f64], control: &JobControl<'_>) -> Result<Option<Vec<f64>>, QuantError> {
        let n = first.len();
        let mut region = self.region.clone();
        let holds = |column: Option<usize>| column.is_some_and(|column| self.worst[column].abs() > 1e-9);
        for (asset, &(lower, upper)) in self.dual.bounds.iter().enumerate() {
            if holds(lower) {
                region.upper[asset] = region.lower[asset];
            } else if holds(upper) {
                region.lower[asset] = region.upper[asset];
            }
        }
        for (row, &(lower, upper)) in region.rows.iter_mut().zip(&self.dual.rows) {
            if holds(lower) {
                row.upper = row.lower;
            } else if holds(upper) {
                row.lower = row.upper;
            }
        }
        region.lower.push(f64::NEG_INFINITY);
        region.upper.push(f64::INFINITY);
        region.rows.iter_mut().for_each(|row| row.coefficients.push(0.0));
        for (scenario, &probability) in self.worst[..self.returns.rows()].iter().enumerate() {
            let mut coefficients: Vec<f64> =
                (0..n).map(|asset| -self.unit * self.returns.at(scenario, asset)).collect();
            coefficients.push(-1.0);
            let (outside, inside) = (probability <= 1e-9 * self.cap, probability >= self.cap * (1.0 - 1e-9));
            let lower = if outside { f64::NEG_INFINITY } else { 0.0 };
            let upper = if inside { f64::INFINITY } else { 0.0 };
            region.rows.push(Row { name: String::new(), coefficients, lower, upper });
        }
        let mut hessian = vec![0.0; (n + 1) * (n + 1)];
        (0..n).for_each(|asset| hessian[asset * (n + 2)] = 1.0);
        let program =
            Program { size: n + 1, hessian, linear: vec![0.0; n + 1], region, ridge: RIDGE, tie: vec![1.0; n + 1] };
        let mut start = first.to_vec();
        start.push(self.value);
        let mut weights = match minimise(&program, &start, control) {
            Ok(best) => best.x,
            Err(QuantError::Cancelled) => return Err(QuantError::Cancelled),
            Err(_) => return Ok(None),
        };
        weights.truncate(n);
        Ok(Some(weights))
    }
}
