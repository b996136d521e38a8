//! # Room card: quant/optimise/active_set
//! In:    a convex quadratic program ½xᵀHx + qᵀx + cost of trading over a region, and a feasible start.
//! Out:   its optimum with multipliers' residual, or unbounded, or not converged.
//! Holds: every iterate is feasible, every variable at a bound holds the bound's very bits; steps use H + ridge,
//!        gradients use H, so that a singular H gives finite steps and the point where the walk ends is stationary
//!        for H itself.
//! Costs: O(k² + Nk) a step with k free variables; steps are about as many as variables enter and leave (bench:
//!        quant/min-variance).
use super::factor::{Factor, add_scaled, dot};
use super::region::Region;
use crate::{JobControl, QuantError};

/// The usual ridge: small enough to leave regular directions as they are, large enough to keep pivots positive.
pub(crate) const RIDGE: f64 = 1e-13;
/// Multipliers of the wrong sign below this, relative to the gradient's terms, count as zero.
const MULTIPLIER_TOLERANCE: f64 = 1e-12;
/// Variables beyond this have no bound that holds them.
const UNBOUNDED: f64 = 1e10;
/// Full steps on one working set before its multipliers are looked at with the residual as it is.
const REFINEMENTS: usize = 4;
/// Steps without progress before choices go by the lowest index (Bland), which cannot circle.
const STALLS: usize = 30;
/// Not in the factor.
const FIXED: usize = usize::MAX;

/// A convex quadratic program; `hessian` column-major and symmetric.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub size: usize,
    pub hessian: Vec<f64>,
    pub linear: Vec<f64>,
    pub region: Region,
    /// Relative to the diagonal: what is added to H where a step is computed.
    pub ridge: f64,
}

impl Program {
    pub fn column(&self, index: usize) -> &[f64] {
        &self.hessian[index * self.size..(index + 1) * self.size]
    }

    /// H x + q.
    pub fn gradient(&self, x: &[f64]) -> Vec<f64> {
        let mut gradient = self.linear.clone();
        for (index, &value) in x.iter().enumerate().filter(|(_, value)| **value != 0.0) {
            add_scaled(&mut gradient, value, self.column(index));
        }
        gradient
    }

    /// A bound on the terms that a gradient is made of: what its rounding errors are relative to.
    pub fn gradient_scale(&self, x: &[f64]) -> f64 {
        let (mut reach, mut widest) = (0.0, 0.0f64);
        for (index, value) in x.iter().enumerate() {
            let root = self.hessian[index * (self.size + 1)].max(0.0).sqrt();
            reach += root * value.abs();
            widest = widest.max(root);
        }
        let linear = self.linear.iter().fold(0.0f64, |most, value| most.max(value.abs()));
        let cost = self.region.trading.iter().flat_map(|t| t.buy.iter().chain(&t.sell)).fold(0.0f64, |m, &c| m.max(c));
        (widest * reach + linear + cost).max(f64::MIN_POSITIVE)
    }
}

/// Where the walk ended.
#[derive(Clone, Debug)]
pub(crate) struct Optimum {
    pub x: Vec<f64>,
    /// Largest violation of the optimality conditions, relative to the gradient's terms.
    pub residual: f64,
    /// Steps made.
    pub steps: usize,
    /// Variables between their bounds.
    pub free: Vec<usize>,
    /// Rows that hold with equality, of those that the rows before them do not imply.
    pub working: Vec<usize>,
    /// Gradient less the rows' multipliers, for each variable.
    pub reduced: Vec<f64>,
    /// The least pivot that a variable had when it was freed, relative to its diagonal.
    pub least_pivot: f64,
}

struct Step {
    direction: Vec<f64>,
    /// One for each working row.
    multipliers: Vec<f64>,
    /// The same where the step leads.
    ahead: Vec<f64>,
    independent: Vec<bool>,
    residual: f64,
    /// Whether working rows are off their bounds by more than rounding.
    drifted: bool,
}

enum Change {
    Release(usize, bool),
    Drop(usize),
}

struct Walk<'a> {
    program: &'a Program,
    x: Vec<f64>,
    gradient: Vec<f64>,
    scale: f64,
    ridge: f64,
    low: Vec<f64>,
    high: Vec<f64>,
    /// Which side of the previous weight a free variable is on: 1 bought, -1 sold, 0 no trading.
    side: Vec<f64>,
    place: Vec<usize>,
    free: Vec<usize>,
    factor: Factor,
    /// Row and whether it is at its upper end.
    working: Vec<(usize, bool)>,
    held: Vec<bool>,
    held_rows: Vec<bool>,
    /// The last variable freed, or `size` + the last row dropped.
    released: usize,
    /// A move below this is none.
    least_move: f64,
    stalls: usize,
}

/// Walks from the feasible `start` to the optimum.
///
/// Errors: `QUANT_UNBOUNDED`, `QUANT_NOT_CONVERGED`, `QUANT_CANCELLED`.
pub(crate) fn minimise(program: &Program, start: &[f64], control: &JobControl<'_>) -> Result<Optimum, QuantError> {
    let mut walk = Walk::new(program, start);
    let most = 60 * (program.size + program.region.rows.len()) + 1_000;
    let (mut refined, mut fresh) = (0, true);
    for steps in 0..most {
        control.check()?;
        walk.scale = program.gradient_scale(&walk.x);
        let step = walk.step();
        let stationary = step.residual <= 1e-14 * walk.scale && !step.drifted;
        if !stationary && refined < REFINEMENTS {
            let blocked = walk.advance(&step.direction);
            fresh = false;
            if walk.x.iter().any(|value| value.abs() > UNBOUNDED) {
                return Err(QuantError::Unbounded { what: "quadratic program" });
            }
            // A full step leads to where `ahead` are the multipliers: the next change needs no step between.
            let change = if blocked { None } else { walk.worst(&step.ahead, &step.independent).1 };
            refined = if blocked || change.is_some() { 0 } else { refined + 1 };
            if let Some(change) = change {
                walk.apply(change);
            }
            continue;
        }
        match walk.worst(&step.multipliers, &step.independent) {
            (_, Some(change)) => {
                walk.apply(change);
                refined = 0;
            }
            (_, None) if !fresh => {
                // What many updates have lost. The count of refinements goes on: rounding can keep a row off its end
                // for ever.
                walk.gradient = program.gradient(&walk.x);
                fresh = true;
            }
            (violation, None) => return walk.finish(step, violation, steps),
        }
    }
    Err(QuantError::NotConverged { what: "active set", iterations: most, residual: walk.step().residual / walk.scale })
}

/// The size of what variables can be: of the start, of bounds, of the ends of rows.
fn extent(program: &Program, start: &[f64]) -> f64 {
    let region = &program.region;
    let ends = region.rows.iter().flat_map(|row| [row.lower, row.upper]);
    let all = start.iter().chain(&region.lower).chain(&region.upper).copied().chain(ends);
    all.filter(|value| value.is_finite()).fold(0.0f64, |most, value| most.max(value.abs())).max(f64::MIN_POSITIVE)
}

impl<'a> Walk<'a> {
    fn new(program: &'a Program, start: &[f64]) -> Walk<'a> {
        let n = program.size;
        let largest = (0..n).fold(0.0f64, |most, index| most.max(program.hessian[index * (n + 1)]));
        let rows = &program.region.rows;
        let mut walk = Walk {
            program,
            x: start.to_vec(),
            gradient: program.gradient(start),
            scale: 1.0,
            ridge: program.ridge * if largest > 0.0 { largest } else { 1.0 },
            low: start.to_vec(),
            high: start.to_vec(),
            side: vec![0.0; n],
            place: vec![FIXED; n],
            free: Vec::with_capacity(n),
            factor: Factor::new(n),
            working: (0..rows.len()).filter(|&row| rows[row].lower == rows[row].upper).map(|row| (row, true)).collect(),
            held: vec![false; n],
            held_rows: vec![false; rows.len() + 1],
            released: FIXED,
            least_move: 1e-14 * extent(program, start),
            stalls: 0,
        };
        for index in 0..n {
            let (lower, upper) = (program.region.lower[index], program.region.upper[index]);
            let value = walk.x[index].clamp(lower, upper);
            walk.x[index] = value;
            let kink = program.region.trading.as_ref().map(|trading| trading.previous[index]);
            if value > lower && value < upper && kink != Some(value) {
                walk.release(index, kink.is_some_and(|kink| value > kink));
            }
        }
        walk
    }

    /// Frees a variable to move up or down, on the segment of its cost that lies there.
    fn release(&mut self, index: usize, up: bool) {
        let region = &self.program.region;
        let (mut low, mut high, mut side) = (region.lower[index], region.upper[index], 0.0);
        if let Some(trading) = &region.trading {
            let (value, kink) = (self.x[index], trading.previous[index]);
            let bought = if up { value >= kink } else { value > kink };
            side = if bought { 1.0 } else { -1.0 };
            (low, high) = if bought { (low.max(kink), high) } else { (low, high.min(kink)) };
        }
        (self.low[index], self.high[index], self.side[index]) = (low, high, side);
        let column = self.program.column(index);
        let beside: Vec<f64> = self.free.iter().map(|&other| column[other]).collect();
        self.factor.push(&beside, column[index] + self.ridge, 0.5 * self.ridge);
        self.place[index] = self.free.len();
        self.free.push(index);
        self.released = index;
    }

    /// Takes a free variable to one of its ends.
    fn fix(&mut self, index: usize, value: f64) {
        let place = self.place[index];
        self.factor.remove(place);
        self.free.remove(place);
        for &later in &self.free[place..] {
            self.place[later] -= 1;
        }
        (self.place[index], self.x[index], self.side[index]) = (FIXED, value, 0.0);
    }

    /// Derivative of the cost of trading of a free variable.
    fn slope(&self, index: usize) -> f64 {
        match &self.program.region.trading {
            Some(trading) if self.side[index] > 0.0 => trading.buy[index],
            Some(trading) if self.side[index] < 0.0 => -trading.sell[index],
            _ => 0.0,
        }
    }

    /// Coefficient of a free variable in a row; the row after the last is turnover.
    fn coefficient(&self, row: usize, index: usize) -> f64 {
        let region = &self.program.region;
        match (region.rows.get(row), &region.trading) {
            (Some(row), _) => row.coefficients[index],
            (None, Some(trading)) => self.side[index] * trading.unit[index],
            (None, None) => 0.0,
        }
    }

    /// Value of a row, the size of its terms, and its bounds.
    fn row(&self, row: usize) -> (f64, f64, f64, f64) {
        let region = &self.program.region;
        match (region.rows.get(row), &region.trading) {
            (Some(row), _) => {
                let terms = || row.coefficients.iter().zip(&self.x).map(|(a, x)| a * x);
                (terms().sum(), terms().map(f64::abs).sum(), row.lower, row.upper)
            }
            (None, Some(trading)) => {
                let moved = self.x.iter().zip(&trading.previous).zip(&trading.unit);
                let value: f64 = moved.map(|((x, previous), unit)| unit * (x - previous).abs()).sum();
                (value, value, f64::NEG_INFINITY, trading.turnover_max)
            }
            (None, None) => (0.0, 0.0, f64::NEG_INFINITY, f64::INFINITY),
        }
    }

    fn rows(&self) -> usize {
        let turnover = self.program.region.trading.as_ref().is_some_and(|trading| trading.turnover_max < f64::INFINITY);
        self.program.region.rows.len() + usize::from(turnover)
    }

    /// The step to the optimum of the working set: Cholesky factor of the free part, Schur complement for the rows.
    fn step(&self) -> Step {
        let slopes: Vec<f64> = self.free.iter().map(|&index| self.gradient[index] + self.slope(index)).collect();
        let mut image = slopes.clone();
        self.factor.forward(&mut image);
        let mut schur = Factor::new(self.working.len());
        let (mut rows, mut kept) = (Vec::new(), Vec::new());
        let mut independent = vec![false; self.working.len()];
        let (mut right, mut restoring, mut drifted) = (Vec::new(), Vec::new(), false);
        for (position, &(row, upper)) in self.working.iter().enumerate() {
            let mut line: Vec<f64> = self.free.iter().map(|&index| self.coefficient(row, index)).collect();
            let size = line.iter().fold(0.0f64, |most, value| most.max(value.abs()));
            self.factor.forward(&mut line);
            let beside: Vec<f64> = rows.iter().map(|other: &Vec<f64>| dot(other, &line)).collect();
            let diagonal = dot(&line, &line);
            schur.push(&beside, diagonal, 0.0);
            // A row that the ones before it imply on the free variables takes no part.
            if size == 0.0 || schur.last_pivot() <= 1e-13 * diagonal {
                schur.remove(rows.len());
                continue;
            }
            let (value, terms, low, high) = self.row(row);
            let target = if upper { high } else { low };
            right.push(dot(&line, &image));
            restoring.push(target - value);
            drifted |= (target - value).abs() > 1e-15 * (terms + target.abs());
            independent[position] = true;
            rows.push(line);
            kept.push(position);
        }
        let solve = |mut right: Vec<f64>| {
            schur.forward(&mut right);
            schur.backward(&mut right);
            right
        };
        let now = solve(right.clone());
        let then = solve(right.iter().zip(&restoring).map(|(a, b)| a + b).collect());
        let (mut multipliers, mut ahead) = (vec![0.0; self.working.len()], vec![0.0; self.working.len()]);
        let mut direction: Vec<f64> = image.iter().map(|value| -value).collect();
        for (order, &position) in kept.iter().enumerate() {
            (multipliers[position], ahead[position]) = (now[order], then[order]);
            add_scaled(&mut direction, then[order], &rows[order]);
        }
        self.factor.backward(&mut direction);
        let residual = self.free.iter().zip(&slopes).map(|(&index, slope)| {
            let held = self.working.iter().zip(&multipliers).map(|(&(row, _), m)| m * self.coefficient(row, index));
            (slope - held.sum::<f64>()).abs()
        });
        Step { residual: residual.fold(0.0, f64::max), direction, multipliers, ahead, independent, drifted }
    }

    /// Moves along `direction` as far as bounds and rows allow; true where one of them stopped the move.
    fn advance(&mut self, direction: &[f64]) -> bool {
        let (mut length, mut stop, mut steepest) = (1.0, None, 0.0);
        for (&index, &speed) in self.free.iter().zip(direction) {
            let end = if speed > 0.0 { self.high[index] } else { self.low[index] };
            if speed == 0.0 || end.is_infinite() {
                continue;
            }
            let reach = ((end - self.x[index]) / speed).max(0.0);
            let wins = stop.is_some_and(|(other, _)| match self.stalls < STALLS {
                true => speed.abs() > steepest,
                false => index < other,
            });
            if reach < length || (reach == length && wins) {
                (length, stop, steepest) = (reach, Some((index, end)), speed.abs());
            }
        }
        let mut row_stop = None;
        for row in (0..self.rows()).filter(|row| self.working.iter().all(|(working, _)| working != row)) {
            let terms = || self.free.iter().zip(direction).map(|(&index, d)| self.coefficient(row, index) * d);
            let (speed, terms): (f64, f64) = (terms().sum(), terms().map(f64::abs).sum());
            if speed.abs() <= 1e-13 * terms {
                continue;
            }
            let (value, _, low, high) = self.row(row);
            let end = if speed > 0.0 { high } else { low };
            let reach = ((end - value) / speed).max(0.0);
            if reach < length {
                (length, row_stop) = (reach, Some((row, speed > 0.0)));
            }
        }
        let mut moved = 0.0f64;
        for (&index, &speed) in self.free.iter().zip(direction) {
            self.x[index] = (self.x[index] + length * speed).clamp(self.low[index], self.high[index]);
            moved = moved.max((length * speed).abs());
            add_scaled(&mut self.gradient, length * speed, self.program.column(index));
        }
        let still = moved <= self.least_move;
        if !still {
            self.stalls = 0;
            self.held.fill(false);
            self.held_rows.fill(false);
        } else {
            self.stalls += 1;
        }
        match (row_stop, stop) {
            (Some(row), _) => {
                self.held_rows[row.0] |= still && self.x.len() + row.0 == self.released;
                self.working.push(row);
            }
            (None, Some((index, end))) => {
                // Rounding can turn a direction that multipliers sent inwards: such a variable stays until others move.
                self.held[index] |= still && index == self.released;
                self.fix(index, end);
            }
            (None, None) => return false,
        }
        true
    }

    /// Gradient less the multipliers of ordinary rows, and the multiplier of turnover (at least 0 at an optimum).
    fn reduced(&self, multipliers: &[f64]) -> (Vec<f64>, f64) {
        let mut reduced = self.gradient.clone();
        let mut turnover = 0.0;
        for (&(row, _), &multiplier) in self.working.iter().zip(multipliers) {
            match self.program.region.rows.get(row) {
                Some(row) => add_scaled(&mut reduced, -multiplier, &row.coefficients),
                None => turnover = -multiplier,
            }
        }
        (reduced, turnover)
    }

    /// The change that multipliers ask for most, and by how much the worst of the tolerated ones is off.
    fn worst(&self, multipliers: &[f64], independent: &[bool]) -> (f64, Option<Change>) {
        let (reduced, turnover) = self.reduced(multipliers);
        let tolerance = MULTIPLIER_TOLERANCE * self.scale;
        let (mut most, mut change, mut tolerated) = (tolerance, None, 0.0f64);
        let mut offer = |violation: f64, held: bool, candidate: Change| {
            if held || violation <= tolerance {
                tolerated = tolerated.max(violation);
            } else if violation > most && (change.is_none() || self.stalls < STALLS) {
                (most, change) = (violation, Some(candidate));
            }
        };
        for (position, &(row, upper)) in self.working.iter().enumerate() {
            let (_, _, low, high) = self.row(row);
            if low != high && independent[position] {
                let multiplier = multipliers[position];
                offer(if upper { multiplier } else { -multiplier }, self.held_rows[row], Change::Drop(position));
            }
        }
        let region = &self.program.region;
        for index in (0..self.x.len()).filter(|&index| self.place[index] == FIXED) {
            let (value, slope) = (self.x[index], reduced[index]);
            let trade = |bought: bool| match &region.trading {
                Some(trading) if bought => trading.buy[index] + turnover * trading.unit[index],
                Some(trading) => -trading.sell[index] - turnover * trading.unit[index],
                None => 0.0,
            };
            let kink = region.trading.as_ref().map_or(value, |trading| trading.previous[index]);
            if value < region.upper[index] {
                offer(-(slope + trade(value >= kink)), self.held[index], Change::Release(index, true));
            }
            if value > region.lower[index] {
                offer(slope + trade(value > kink), self.held[index], Change::Release(index, false));
            }
        }
        (tolerated, change)
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Release(index, up) => self.release(index, up),
            Change::Drop(position) => {
                let (row, _) = self.working.remove(position);
                self.released = self.x.len() + row;
            }
        }
    }

    fn finish(self, step: Step, violation: f64, steps: usize) -> Result<Optimum, QuantError> {
        if let Some(row) = self.factor.indefinite() {
            return Err(QuantError::NotPositiveDefinite {
                what: "covariance",
                row: self.free.get(row).copied().unwrap_or(0),
            });
        }
        let (reduced, _) = self.reduced(&step.multipliers);
        let working = self.working.iter().zip(&step.independent).filter(|(_, independent)| **independent);
        Ok(Optimum {
            residual: step.residual.max(violation) / self.scale,
            steps,
            working: working.map(|((row, _), _)| *row).collect(),
            reduced,
            least_pivot: self.factor.least_pivot(),
            x: self.x,
            free: self.free,
        })
    }
}
