//! # Room card: quant/optimise/active_set
//! In:    a convex quadratic program ½xᵀHx + qᵀx + cost of trading over a region, and a feasible start.
//! Out:   its optimum with multipliers' residual, or unbounded, or not converged.
//! Holds: every iterate is feasible, every variable at a bound holds the bound's very bits; steps use H + ridge,
//!        gradients use H, so that a singular H gives finite steps and the point where the walk ends is stationary
//!        for H itself.
//! Costs: O(k² + Nk) a step, k variables free; about as many steps as enter and leave (bench: quant/min-variance).
use super::VIOLATION_MAX;
use super::factor::{Factor, add_scaled, dot};
use super::program::{Optimum, Program};
use crate::{JobControl, QuantError};

/// Multipliers of the wrong sign below this, relative to the gradient's terms, count as zero.
const MULTIPLIER_TOLERANCE: f64 = 1e-12;
/// Variables beyond this have no bound that holds them.
const UNBOUNDED: f64 = 1e10;
/// Full steps on one working set before its multipliers are looked at with the residual as it is, if it is `GOOD`.
const REFINEMENTS: usize = 4;
/// The same if it is not.
const REFINEMENTS_MAX: usize = 60;
/// A residual from which on refinements are few, relative to the gradient's terms.
const GOOD: f64 = 1e-12;
/// Multipliers below this, relative to the gradient's terms, may hold nothing.
const IDLE: f64 = 1e-8;
/// Steps without progress before choices go by the lowest index (Bland), which cannot circle.
const STALLS: usize = 30;
/// Not in the factor.
const FIXED: usize = usize::MAX;

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
    /// The move that takes the rows to their bounds and nothing else: beside a large gradient its digits would be lost.
    restoration: Vec<f64>,
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
    /// Working rows stand in the factor as this × a aᵀ, which changes no step: along them the move is given. It keeps
    /// their products apart where H is singular.
    weight: f64,
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

/// Walks to the optimum from the feasible `x`, which ends where the walk does.
///
/// Errors: `QUANT_UNBOUNDED`, `QUANT_NOT_POSITIVE_DEFINITE`, `QUANT_NOT_CONVERGED`, `QUANT_CANCELLED`.
pub(super) fn walk(program: &Program, x: &mut [f64], control: &JobControl<'_>) -> Result<Optimum, QuantError> {
    let mut walk = Walk::new(program, x);
    let most = 60 * (program.size + program.region.rows.len()) + 1_000;
    let (mut refined, mut restored, mut fresh) = (0, 0, true);
    for steps in 0..most {
        control.check()?;
        walk.scale = program.gradient_scale(&walk.x);
        let step = walk.step();
        let stationary = step.residual <= 1e-14 * walk.scale && !step.drifted;
        let poor = step.residual > GOOD * walk.scale;
        if !stationary && refined < if poor { REFINEMENTS_MAX } else { REFINEMENTS } {
            let reach = if poor && refined > 1 && !step.drifted { walk.reach(&step.direction) } else { 1.0 };
            let blocked = walk.advance(&step.direction, reach);
            fresh = false;
            if walk.x.iter().any(|value| value.abs() > UNBOUNDED) {
                return Err(QuantError::Unbounded { what: "quadratic program" });
            }
            // A full step leads to where `ahead` are the multipliers: the next change needs no step between.
            let change = if blocked || reach > 1.0 { None } else { walk.worst(&step.ahead, &step.independent).1 };
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
            (_, None) if step.drifted && restored < REFINEMENTS => {
                walk.advance(&step.restoration, 1.0);
                (restored, fresh) = (restored + 1, false);
            }
            (_, None) if !fresh => {
                // What many updates have lost. Refinements count on: rounding can keep a row off its end for ever.
                walk.gradient = program.gradient(&walk.x);
                fresh = true;
            }
            (violation, None) => {
                x.copy_from_slice(&walk.x);
                return walk.finish(step, violation, steps);
            }
        }
    }
    x.copy_from_slice(&walk.x);
    Err(QuantError::NotConverged { what: "active set", iterations: most, residual: walk.step().residual / walk.scale })
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
            weight: if largest > 0.0 { largest } else { 1.0 },
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
            least_move: 1e-14 * program.extent(start),
            stalls: 0,
        };
        // Rows that the start is beyond by rounding: they draw it back.
        for row in 0..rows.len() {
            let (value, terms, low, high) = walk.row(row);
            if low < high && (value - value.clamp(low, high)).abs() > 1e-15 * terms {
                walk.working.push((row, value > high));
            }
        }
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
        self.enter(index, self.free.len());
        self.place[index] = self.free.len();
        self.free.push(index);
        self.released = index;
    }

    /// A free variable into the factor, behind the `before` first ones.
    fn enter(&mut self, index: usize, before: usize) {
        let column = self.program.column(index);
        let mut beside: Vec<f64> = self.free[..before].iter().map(|&other| column[other]).collect();
        let mut diagonal = column[index] + self.ridge;
        for &(row, _) in &self.working {
            let own = self.coefficient(row, index);
            for (product, &other) in beside.iter_mut().zip(&self.free) {
                *product += self.weight * own * self.coefficient(row, other);
            }
            diagonal += self.weight * own * own;
        }
        self.factor.push(&beside, diagonal, 0.5 * self.ridge);
    }

    /// The factor anew, after the working rows have changed.
    fn renew(&mut self) {
        self.factor.clear();
        for before in 0..self.free.len() {
            self.enter(self.free[before], before);
        }
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
                let sums = moved.map(|((x, p), unit)| (unit * (x - p).abs(), unit * (x.abs() + p.abs())));
                let (value, terms) = sums.fold((0.0, 0.0), |sum, add| (sum.0 + add.0, sum.1 + add.1));
                (value, terms, f64::NEG_INFINITY, trading.turnover_max)
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
        let mut restoration = vec![0.0; if drifted { self.free.len() } else { 0 }];
        if drifted {
            let pull = solve(restoring.clone());
            rows.iter().zip(&pull).for_each(|(row, pull)| add_scaled(&mut restoration, *pull, row));
            self.factor.backward(&mut restoration);
        }
        let now = solve(right.clone());
        let then = solve(right.iter().zip(&restoring).map(|(a, b)| a + b).collect());
        let (mut multipliers, mut ahead) = (vec![0.0; self.working.len()], vec![0.0; self.working.len()]);
        let mut direction: Vec<f64> = image.iter().map(|value| -value).collect();
        for (order, &position) in kept.iter().enumerate() {
            (multipliers[position], ahead[position]) = (now[order], then[order] - self.weight * restoring[order]);
            add_scaled(&mut direction, then[order], &rows[order]);
        }
        self.factor.backward(&mut direction);
        let residual = self.free.iter().zip(&slopes).map(|(&index, slope)| {
            let held = self.working.iter().zip(&multipliers).map(|(&(row, _), m)| m * self.coefficient(row, index));
            (slope - held.sum::<f64>()).abs()
        });
        Step {
            residual: residual.fold(0.0, f64::max),
            direction,
            multipliers,
            ahead,
            independent,
            drifted,
            restoration,
        }
    }

    /// How far the objective falls along `direction`, in steps: at least one, because H + ridge curves more than H.
    fn reach(&self, direction: &[f64]) -> f64 {
        let (mut slope, mut curvature) = (0.0, 0.0);
        for (&index, &speed) in self.free.iter().zip(direction) {
            let column = self.program.column(index);
            let along: f64 = self.free.iter().zip(direction).map(|(&other, speed)| column[other] * speed).sum();
            slope -= (self.gradient[index] + self.slope(index)) * speed;
            curvature += speed * along;
        }
        if slope > 0.0 { (slope / curvature.max(slope * 1e-12)).max(1.0) } else { 1.0 }
    }

    /// Moves `most` times `direction`, or as far as bounds and rows allow; true where one of them stopped the move.
    fn advance(&mut self, direction: &[f64], most: f64) -> bool {
        let (mut length, mut stop, mut steepest) = (most, None, 0.0);
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
                self.renew();
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
                self.renew();
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
        for row in 0..self.rows() {
            let (value, terms, low, high) = self.row(row);
            let off = (low - value).max(value - high);
            let size = terms + [low, high].iter().filter(|end| end.is_finite()).fold(0.0f64, |m, end| m.max(end.abs()));
            if off > VIOLATION_MAX * size {
                return Err(QuantError::NotConverged { what: "active set", iterations: steps, residual: off / size });
            }
        }
        let (reduced, _) = self.reduced(&step.multipliers);
        let mut multipliers = vec![0.0; self.program.region.rows.len() + 1];
        self.working.iter().zip(&step.multipliers).for_each(|((row, _), &multiplier)| multipliers[*row] = multiplier);
        let terms = self.program.terms(&self.x);
        let idle = self.working.iter().zip(&step.multipliers).any(|(&(row, _), multiplier)| {
            let (_, _, low, high) = self.row(row);
            low < high && multiplier.abs() <= IDLE * terms
        });
        Ok(Optimum {
            residual: step.residual.max(violation) / terms,
            steps,
            multipliers,
            reduced,
            // A row that holds nothing may yet keep pivots apart.
            least_pivot: if idle { 0.0 } else { self.factor.least_pivot() },
            x: self.x,
            free: self.free,
        })
    }
}
