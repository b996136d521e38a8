//! # Room card: quant/optimise/faces
//! In:    a convex quadratic program and a feasible start, where the quick walk of `active_set` did not end.
//! Out:   its optimum, by orthogonal factors: curvatures by eigenvalues, multipliers by non-negative least squares.
//! Holds: a move without curvature goes on until a bound or row stops it; at a vertex where more constraints meet than
//!        are needed, the direction is the steepest that none of them stops, so the objective falls and no face comes
//!        twice; variables at a bound hold its very bits; where trading is counted, a variable is bought less sold.
//! Costs: one eigenvalue decomposition of the free variables a face, some ten faces; a few problems in a thousand.
use super::cone::{Push, Rest, rest};
use super::factor::{add_scaled, dot};
use super::orthogonal::Orthogonal;
use super::program::{Optimum, Program};
use super::{RESIDUAL_MAX, VIOLATION_MAX};
use crate::{JobControl, QuantError};
use faer::{Mat, Side};

/// A rest of the gradient below this, relative to its terms, is none.
const STATIONARY: f64 = 1e-14;
/// Curvatures below this, relative to the largest variance, are none: their moves go on until something stops them.
const FLAT: f64 = 1e-13;
/// Curvatures below minus this, relative to the largest variance, are not rounding.
const INDEFINITE: f64 = 1e-7;
/// What leaves its bound slower than this, relative to the fastest, stays.
const SLOW: f64 = 1e-10;
/// Rows within this of an end, relative to their terms, may push.
const AT_END: f64 = 1e-13;
/// Newton steps on one face.
const REFINEMENTS: usize = 6;
/// Variables beyond this have no bound that holds them.
const UNBOUNDED: f64 = 1e10;

/// What moves: a variable, or what of it is bought, or what of it is sold.
struct Part {
    asset: usize,
    sign: f64,
    low: f64,
    high: f64,
    cost: f64,
}

/// The free parts, the rows that hold them, and curvatures along what the rows leave.
struct Face {
    free: Vec<usize>,
    rows: Vec<(usize, bool)>,
    basis: Orthogonal,
    curvatures: Vec<f64>,
    moves: Mat<f64>,
}

struct Walk<'a> {
    program: &'a Program,
    parts: Vec<Part>,
    /// Value of each part.
    at: Vec<f64>,
    fixed: Vec<bool>,
    /// Row and whether it is at its upper end.
    working: Vec<(usize, bool)>,
    x: Vec<f64>,
    largest: f64,
    steps: usize,
}

/// Walks from `start` to the optimum; the residual is the least that was met, whatever it is.
///
/// Errors: `QUANT_UNBOUNDED`, `QUANT_NOT_POSITIVE_DEFINITE`, `QUANT_NOT_CONVERGED` where no eigenvalues are found,
/// `QUANT_CANCELLED`.
pub(crate) fn minimise(program: &Program, start: &[f64], control: &JobControl<'_>) -> Result<Optimum, QuantError> {
    let mut walk = Walk::new(program, start);
    let mut best: Option<Optimum> = None;
    let most = 2 * (walk.parts.len() + program.region.rows.len()) + 50;
    for _ in 0..most {
        walk.settle(control)?;
        let gradient = program.gradient(&walk.x);
        let scale = program.terms(&walk.x);
        let (found, rows) = walk.rest(&gradient);
        let size = found.rest.iter().fold(0.0f64, |most, value| most.max(value.abs()));
        if best.as_ref().is_none_or(|best| size < best.residual * scale) {
            best = Some(walk.optimum(&found, &rows, &gradient, size / scale));
        }
        if size <= STATIONARY * scale || !walk.descend(&found, &rows, &gradient, control)? {
            break;
        }
    }
    best.map(|best| Optimum { steps: walk.steps, ..best }).ok_or(QuantError::NotConverged {
        what: "faces",
        iterations: 0,
        residual: f64::MAX,
    })
}

impl<'a> Walk<'a> {
    fn new(program: &'a Program, start: &[f64]) -> Walk<'a> {
        let region = &program.region;
        let (mut parts, mut at) = (Vec::new(), Vec::new());
        for (asset, &value) in start.iter().enumerate() {
            let (low, high) = (region.lower[asset], region.upper[asset]);
            let value = value.clamp(low, high);
            let Some(trading) = &region.trading else {
                parts.push(Part { asset, sign: 1.0, low, high, cost: 0.0 });
                at.push(value);
                continue;
            };
            let kink = trading.previous[asset];
            let ends = [(1.0, low - kink, high - kink, value == high), (-1.0, kink - high, kink - low, value == low)];
            for ((sign, low, high, full), cost) in ends.into_iter().zip([trading.buy[asset], trading.sell[asset]]) {
                let (low, high) = (low.max(0.0), high.max(0.0));
                parts.push(Part { asset, sign, low, high, cost });
                at.push(if full { high } else { (sign * (value - kink)).clamp(low, high) });
            }
        }
        let fixed = parts.iter().zip(&at).map(|(part, &at)| at == part.low || at == part.high).collect();
        let largest = (0..program.size).fold(0.0f64, |most, at| most.max(program.hessian[at * (program.size + 1)]));
        let working = (0..region.rows.len()).filter(|&row| region.rows[row].lower == region.rows[row].upper);
        let working = working.map(|row| (row, true)).collect();
        let mut walk = Walk { program, parts, at, fixed, working, x: start.to_vec(), largest, steps: 0 };
        walk.place();
        for row in 0..walk.rows() {
            if let Some(upper) = walk.end(row).filter(|_| walk.working.iter().all(|(other, _)| *other != row)) {
                walk.working.push((row, upper));
            }
        }
        walk
    }

    /// Variables of their parts.
    fn place(&mut self) {
        let region = &self.program.region;
        let Some(trading) = &region.trading else {
            self.x.clone_from(&self.at);
            return;
        };
        for (asset, x) in self.x.iter_mut().enumerate() {
            let (low, high, kink) = (region.lower[asset], region.upper[asset], trading.previous[asset]);
            let (bought, sold) = (self.at[2 * asset], self.at[2 * asset + 1]);
            let (buy, sell) = (&self.parts[2 * asset], &self.parts[2 * asset + 1]);
            let at = |value: f64, end: f64| value > 0.0 && value == end;
            *x = if sold == 0.0 && at(bought, buy.high) || bought == 0.0 && at(sold, sell.low) {
                high
            } else if bought == 0.0 && at(sold, sell.high) || sold == 0.0 && at(bought, buy.low) {
                low
            } else {
                (kink + (bought - sold)).clamp(low, high)
            };
        }
    }

    fn rows(&self) -> usize {
        let turnover = self.program.region.trading.as_ref().is_some_and(|trading| trading.turnover_max < f64::INFINITY);
        self.program.region.rows.len() + usize::from(turnover)
    }

    /// A row over all parts; the one after the last is turnover.
    fn line(&self, row: usize) -> Vec<f64> {
        let region = &self.program.region;
        let coefficient = |part: &Part| match (region.rows.get(row), &region.trading) {
            (Some(row), _) => part.sign * row.coefficients[part.asset],
            (None, Some(trading)) => trading.unit[part.asset],
            (None, None) => 0.0,
        };
        self.parts.iter().map(coefficient).collect()
    }

    /// Value of a row, the size of its terms, and its ends.
    fn row(&self, row: usize) -> (f64, f64, f64, f64) {
        let region = &self.program.region;
        match (region.rows.get(row), &region.trading) {
            (Some(row), _) => {
                let terms = || row.coefficients.iter().zip(&self.x).map(|(a, x)| a * x);
                (terms().sum(), terms().map(f64::abs).sum(), row.lower, row.upper)
            }
            (None, Some(trading)) => {
                let value = self.parts.iter().zip(&self.at).map(|(part, at)| trading.unit[part.asset] * at).sum();
                let sizes = self.x.iter().zip(&trading.previous).zip(&trading.unit);
                let terms = sizes.map(|((x, previous), unit)| unit * (x.abs() + previous.abs())).sum();
                (value, terms, f64::NEG_INFINITY, trading.turnover_max)
            }
            (None, None) => (0.0, 0.0, f64::NEG_INFINITY, f64::INFINITY),
        }
    }

    /// The end that a row is at; true for the upper one.
    fn end(&self, row: usize) -> Option<bool> {
        let (value, terms, low, high) = self.row(row);
        let near = |end: f64| (value - end).abs() <= AT_END * (terms + end.abs());
        if high.is_finite() && (near(high) || value > high) {
            return Some(true);
        }
        (low.is_finite() && (near(low) || value < low)).then_some(false)
    }

    /// The gradient of the objective in the parts.
    fn slopes(&self, gradient: &[f64]) -> Vec<f64> {
        self.parts.iter().map(|part| part.sign * gradient[part.asset] + part.cost).collect()
    }

    /// What bounds and rows that hold with equality leave of the gradient; and these rows.
    fn rest(&self, gradient: &[f64]) -> (Rest, Vec<(usize, bool)>) {
        let mut rows = Vec::new();
        for row in 0..self.rows() {
            // One that others implied may have left its end when they were taken to theirs.
            let (_, _, low, high) = self.row(row);
            let end = if low == high { Some(true) } else { self.end(row) };
            rows.extend(end.map(|upper| (row, upper)));
        }
        let bounds: Vec<Push> = (self.parts.iter().zip(&self.at))
            .map(|(part, &at)| match (at <= part.low, at >= part.high) {
                (true, true) => Push::Either,
                (true, false) => Push::Lower,
                (false, true) => Push::Upper,
                (false, false) => Push::None,
            })
            .collect();
        let lines: Vec<(Vec<f64>, Push)> = (rows.iter())
            .map(|&(row, upper)| {
                let (_, _, low, high) = self.row(row);
                let side = if upper { Push::Upper } else { Push::Lower };
                (self.line(row), if low == high { Push::Either } else { side })
            })
            .collect();
        (rest(&self.slopes(gradient), &bounds, &lines), rows)
    }

    /// To the optimum of the face, and of the faces that bounds and rows on the way make of it.
    fn settle(&mut self, control: &JobControl<'_>) -> Result<(), QuantError> {
        for _ in 0..self.parts.len() + self.rows() + 1 {
            control.check()?;
            let face = self.face()?;
            if !self.refine(&face)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Newton steps and moves without curvature on one face; true where something stopped one.
    fn refine(&mut self, face: &Face) -> Result<bool, QuantError> {
        let none = f64::MIN_POSITIVE;
        for _ in 0..REFINEMENTS {
            self.steps += 1;
            self.restore(face);
            let least = STATIONARY * self.program.terms(&self.x);
            let slopes = self.slopes(&self.program.gradient(&self.x));
            let along: Vec<f64> = (0..face.curvatures.len())
                .map(|order| {
                    face.free.iter().enumerate().map(|(row, &part)| face.moves[(row, order)] * slopes[part]).sum()
                })
                .collect();
            let combine = |amount: &dyn Fn(usize) -> f64| {
                let mut direction = vec![0.0; face.free.len()];
                for order in 0..along.len() {
                    let amount = amount(order);
                    if amount != 0.0 {
                        (0..direction.len()).for_each(|row| direction[row] += amount * face.moves[(row, order)]);
                    }
                }
                direction
            };
            let flat = |order: usize| face.curvatures[order] <= FLAT * self.largest.max(none);
            let worth = |order: usize| along[order].abs() > 0.1 * least;
            let newton = combine(&|order| {
                if worth(order) && !flat(order) { -along[order] / face.curvatures[order] } else { 0.0 }
            });
            let sliding = combine(&|order| if along[order].abs() > least && flat(order) { -along[order] } else { 0.0 });
            let (steps, slides) = (newton.iter().any(|speed| *speed != 0.0), sliding.iter().any(|speed| *speed != 0.0));
            if !steps && !slides {
                return Ok(false);
            }
            if steps && self.advance(face, &newton, 1.0) {
                return Ok(true);
            }
            if slides {
                let slope: f64 = face.free.iter().zip(&sliding).map(|(&part, speed)| slopes[part] * speed).sum();
                return self.slide(face, &sliding, slope).map(|(stopped, _)| stopped);
            }
        }
        Ok(false)
    }

    /// Takes working rows to their ends.
    fn restore(&mut self, face: &Face) {
        let off: Vec<f64> = (face.rows.iter())
            .map(|&(row, upper)| {
                let (value, terms, low, high) = self.row(row);
                let off = if upper { high } else { low } - value;
                if off.abs() > 1e-16 * terms { off } else { 0.0 }
            })
            .collect();
        if off.iter().all(|off| *off == 0.0) {
            return;
        }
        let move_back = face.basis.shortest(off, face.free.len());
        for (&part, amount) in face.free.iter().zip(move_back) {
            self.at[part] = (self.at[part] + amount).clamp(self.parts[part].low, self.parts[part].high);
        }
        self.place();
    }

    /// Along a direction on which the objective falls by `slope`: as far as it falls, or until something stops it.
    /// Whether something did, and whether anything moved.
    fn slide(&mut self, face: &Face, direction: &[f64], slope: f64) -> Result<(bool, bool), QuantError> {
        let mut turn = vec![0.0; self.x.len()];
        for (&part, &speed) in face.free.iter().zip(direction) {
            turn[self.parts[part].asset] += self.parts[part].sign * speed;
        }
        let (mut curvature, mut terms) = (0.0, 0.0);
        for (asset, &speed) in turn.iter().enumerate().filter(|(_, speed)| **speed != 0.0) {
            curvature += speed * dot(self.program.column(asset), &turn);
            terms += speed * speed * self.program.column(asset)[asset];
        }
        let most = if curvature > 1e-15 * terms { -slope / curvature } else { f64::INFINITY };
        let before = self.at.clone();
        let stopped = self.advance(face, direction, most);
        let gone = !stopped && most == f64::INFINITY;
        if gone || self.x.iter().any(|value| value.abs() > UNBOUNDED) {
            return Err(QuantError::Unbounded { what: "quadratic program" });
        }
        Ok((stopped, before != self.at))
    }

    /// Moves `most` times `direction`, or as far as bounds and rows allow; true where one of them stopped the move.
    fn advance(&mut self, face: &Face, direction: &[f64], most: f64) -> bool {
        let mut length = most;
        let ends = |part: usize, speed: f64| if speed > 0.0 { self.parts[part].high } else { self.parts[part].low };
        for (&part, &speed) in face.free.iter().zip(direction).filter(|(_, speed)| **speed != 0.0) {
            length = length.min(((ends(part, speed) - self.at[part]) / speed).max(0.0));
        }
        let mut stop = None;
        for row in (0..self.rows()).filter(|row| self.working.iter().all(|(working, _)| working != row)) {
            let line = self.line(row);
            let terms = || face.free.iter().zip(direction).map(|(&part, speed)| line[part] * speed);
            let (speed, terms): (f64, f64) = (terms().sum(), terms().map(f64::abs).sum());
            if speed.abs() <= 1e-12 * terms {
                continue;
            }
            let (value, _, low, high) = self.row(row);
            let reach = ((if speed > 0.0 { high } else { low } - value) / speed).max(0.0);
            if reach < length {
                (length, stop) = (reach, Some((row, speed > 0.0)));
            }
        }
        if length == f64::INFINITY {
            return false;
        }
        let mut stopped = stop.is_some();
        self.working.extend(stop);
        for (&part, &speed) in face.free.iter().zip(direction).filter(|(_, speed)| **speed != 0.0) {
            let end = if speed > 0.0 { self.parts[part].high } else { self.parts[part].low };
            let reached = (end - self.at[part]) / speed <= length;
            let there = (self.at[part] + length * speed).clamp(self.parts[part].low, self.parts[part].high);
            self.at[part] = if reached { end } else { there };
            if self.at[part] == end {
                (self.fixed[part], stopped) = (true, true);
            }
        }
        self.place();
        stopped
    }

    /// Factors of the free parts.
    fn face(&self) -> Result<Face, QuantError> {
        let free: Vec<usize> = (0..self.parts.len()).filter(|&part| !self.fixed[part]).collect();
        let (basis, rows) = self.held(&free);
        let k = free.len();
        if k == 0 {
            return Ok(Face { free, rows, basis, curvatures: Vec::new(), moves: Mat::zeros(0, 0) });
        }
        // P H P with P what the rows leave; along the rows −largest, so that they are the eigenvectors below 0.
        let floor = if self.largest > 0.0 { self.largest } else { 1.0 };
        let columns: Vec<Vec<f64>> = free
            .iter()
            .map(|&part| {
                let column = self.program.column(self.parts[part].asset);
                let entry =
                    |&other: &usize| self.parts[part].sign * self.parts[other].sign * column[self.parts[other].asset];
                let mut column: Vec<f64> = free.iter().map(entry).collect();
                basis.clear(&mut column);
                column
            })
            .collect();
        let mut form = Mat::zeros(k, k);
        for row in 0..k {
            let mut line: Vec<f64> = columns.iter().map(|column| column[row]).collect();
            basis.clear(&mut line);
            for direction in basis.directions() {
                add_scaled(&mut line, -floor * direction[row], direction);
            }
            (0..=row).for_each(|column| form[(row, column)] = line[column]);
        }
        let failed = QuantError::NotConverged { what: "eigenvalues", iterations: 0, residual: f64::MAX };
        let eigen = form.self_adjoint_eigen(Side::Lower).map_err(|_| failed)?;
        let values: Vec<f64> = eigen.S().column_vector().iter().copied().collect();
        // As many as there are rows are theirs: the lowest.
        let held = rows.len();
        if let Some(least) = values.get(held).filter(|value| **value < -INDEFINITE * floor) {
            debug_assert!(least.is_finite());
            let largest = (0..k).max_by(|&a, &b| eigen.U()[(a, held)].abs().total_cmp(&eigen.U()[(b, held)].abs()));
            let row = self.parts[free[largest.unwrap_or(0)]].asset;
            return Err(QuantError::NotPositiveDefinite { what: "covariance", row });
        }
        let moves = Mat::from_fn(k, k - held, |row, column| eigen.U()[(row, held + column)]);
        Ok(Face { free, rows, basis, curvatures: values[held..].to_vec(), moves })
    }

    /// The working rows on `free` that those before them do not imply.
    fn held(&self, free: &[usize]) -> (Orthogonal, Vec<(usize, bool)>) {
        let mut basis = Orthogonal::default();
        let mut rows = Vec::new();
        for &(row, upper) in &self.working {
            let line = self.line(row);
            if basis.push(free.iter().map(|&part| line[part]).collect()) {
                rows.push((row, upper));
            }
        }
        (basis, rows)
    }

    /// The face of steepest descent, and the first move on it; false where nothing moves.
    fn descend(
        &mut self,
        found: &Rest,
        rows: &[(usize, bool)],
        gradient: &[f64],
        control: &JobControl<'_>,
    ) -> Result<bool, QuantError> {
        control.check()?;
        let fastest = found.rest.iter().fold(0.0f64, |most, value| most.max(value.abs()));
        for part in 0..self.parts.len() {
            let speed = -found.rest[part] / fastest;
            let leaves = if self.at[part] <= self.parts[part].low { speed } else { -speed };
            let ended = self.at[part] <= self.parts[part].low || self.at[part] >= self.parts[part].high;
            self.fixed[part] = ended && (found.bounds[part] || leaves <= SLOW);
        }
        self.working.clear();
        for (&(row, upper), &pushes) in rows.iter().zip(&found.rows) {
            let line = self.line(row);
            let terms = || line.iter().zip(&found.rest).map(|(a, rest)| -a * rest / fastest);
            let (speed, terms): (f64, f64) = (terms().sum(), terms().map(f64::abs).sum());
            let inwards = if upper { -speed } else { speed };
            if pushes || inwards <= SLOW * terms {
                self.working.push((row, upper));
            }
        }
        let free: Vec<usize> = (0..self.parts.len()).filter(|&part| !self.fixed[part]).collect();
        let (basis, rows) = self.held(&free);
        let mut direction: Vec<f64> = free.iter().map(|&part| -found.rest[part] / fastest).collect();
        basis.clear(&mut direction);
        let slopes = self.slopes(gradient);
        let slope: f64 = free.iter().zip(&direction).map(|(&part, speed)| slopes[part] * speed).sum();
        if slope >= 0.0 {
            return Ok(false);
        }
        let face = Face { free, rows, basis, curvatures: Vec::new(), moves: Mat::zeros(0, 0) };
        self.slide(&face, &direction, slope).map(|(stopped, moved)| stopped || moved)
    }

    fn optimum(&self, found: &Rest, rows: &[(usize, bool)], gradient: &[f64], residual: f64) -> Optimum {
        let region = &self.program.region;
        let mut reduced = gradient.to_vec();
        let mut multipliers = vec![0.0; region.rows.len() + 1];
        for (&(row, _), &multiplier) in rows.iter().zip(&found.multipliers) {
            multipliers[row] = multiplier;
            region.rows.get(row).iter().for_each(|row| add_scaled(&mut reduced, -multiplier, &row.coefficients));
        }
        let kinked = |asset: usize| region.trading.as_ref().is_some_and(|t| t.previous[asset] == self.x[asset]);
        let inside = |&asset: &usize| {
            self.x[asset] > region.lower[asset] && self.x[asset] < region.upper[asset] && !kinked(asset)
        };
        Optimum {
            x: self.x.clone(),
            residual: residual.max(self.violation()),
            steps: self.steps,
            free: (0..self.x.len()).filter(inside).collect(),
            multipliers,
            reduced,
            // Not measured: the tie-break looks itself.
            least_pivot: 0.0,
        }
    }

    /// What rows are off by where that is no rounding, as a residual: both are refused from the same number on.
    fn violation(&self) -> f64 {
        let off = (0..self.rows()).map(|row| {
            let (value, terms, low, high) = self.row(row);
            let ends = [low, high].into_iter().filter(|end| end.is_finite()).fold(0.0f64, |m, end| m.max(end.abs()));
            (low - value).max(value - high) / (terms + ends).max(f64::MIN_POSITIVE)
        });
        let worst = off.fold(0.0, f64::max);
        if worst > VIOLATION_MAX { worst / VIOLATION_MAX * RESIDUAL_MAX } else { 0.0 }
    }
}
