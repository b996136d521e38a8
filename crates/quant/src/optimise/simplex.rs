//! # Room card: quant/optimise/simplex
//! In:    a linear program: minimise cᵀx, A x = b, lower ≤ x ≤ upper, columns dense.
//! Out:   a vertex that minimises it with the rows' multipliers; or what shows that none is feasible; or unbounded.
//! Holds: the basis inverse is made anew every 64 exchanges and at the end; ties and stalls go by the lowest index.
//! Costs: O(m² + mn) an exchange with m rows and n columns (bench: quant/min-cvar).
use super::factor::{add_scaled, dot};
use crate::{JobControl, QuantError};

/// Reduced costs above minus this, relative to the costs, are not worth an exchange.
const COST_TOLERANCE: f64 = 1e-11;
/// Entries of a column below this, relative to its largest, are no pivots.
const PIVOT_TOLERANCE: f64 = 1e-9;
/// Exchanges between two inversions.
const RENEWAL: usize = 64;
/// Exchanges without progress before Bland's rule.
const STALLS: usize = 60;

/// A linear program with `rows` rows; `columns` one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Linear {
    pub rows: usize,
    pub columns: Vec<f64>,
    pub cost: Vec<f64>,
    pub lower: Vec<f64>,
    pub upper: Vec<f64>,
    pub right: Vec<f64>,
}

/// What a solved program ends with.
#[derive(Clone, Debug)]
pub(crate) struct Vertex {
    pub x: Vec<f64>,
    /// One for each row: the change of the optimum with the row's right side.
    pub multipliers: Vec<f64>,
    /// Sum of what the rows are off by; above 0 nothing is feasible and `multipliers` prove it.
    pub infeasible: f64,
    /// Whether a basic variable is at one of its bounds: then the multipliers need not be the only ones.
    pub degenerate: bool,
}

impl Linear {
    pub fn column(&self, index: usize) -> &[f64] {
        &self.columns[index * self.rows..(index + 1) * self.rows]
    }

    /// One more variable.
    pub fn push(&mut self, column: &[f64], cost: f64, lower: f64, upper: f64) {
        debug_assert_eq!(column.len(), self.rows);
        self.columns.extend_from_slice(column);
        self.cost.push(cost);
        self.lower.push(lower);
        self.upper.push(upper);
    }

    /// The bound of a variable that is nearest to 0; 0 where it has none.
    fn nearest(&self, index: usize) -> f64 {
        0.0f64.clamp(self.lower[index], self.upper[index])
    }

    /// Minimises from nowhere: first what the rows are off by, then the cost.
    ///
    /// Errors: `QUANT_UNBOUNDED`, `QUANT_NOT_CONVERGED`, `QUANT_CANCELLED`.
    pub fn minimise(&self, control: &JobControl<'_>) -> Result<Vertex, QuantError> {
        let start: Vec<f64> = (0..self.cost.len()).map(|index| self.nearest(index)).collect();
        let mut walk = Walk::new(self, start);
        let size = 1.0 + self.right.iter().fold(0.0f64, |most, value| most.max(value.abs()));
        walk.run(control)?;
        let off = walk.infeasibility();
        if off > 1e-9 * size {
            return Ok(walk.finish(off));
        }
        walk.second_phase(&self.cost);
        walk.run(control)?;
        Ok(walk.finish(0.0))
    }

    /// Minimises from a start where `basic` variables solve the rows within their bounds, the others at a bound.
    ///
    /// Errors: `QUANT_UNBOUNDED`, `QUANT_NOT_CONVERGED`, `QUANT_CANCELLED`.
    pub fn minimise_from(
        &self,
        start: Vec<f64>,
        basic: &[usize],
        control: &JobControl<'_>,
    ) -> Result<Vertex, QuantError> {
        let mut walk = Walk::new(self, start);
        walk.second_phase(&self.cost);
        walk.basis.copy_from_slice(basic);
        for (row, &index) in basic.iter().enumerate() {
            walk.place[index] = row;
        }
        walk.renew()?;
        walk.run(control)?;
        Ok(walk.finish(0.0))
    }
}

/// Not in the basis.
const OUTSIDE: usize = usize::MAX;

struct Walk<'a> {
    program: &'a Linear,
    /// Values of the program's variables, then of one artificial variable a row.
    x: Vec<f64>,
    cost: Vec<f64>,
    basis: Vec<usize>,
    place: Vec<usize>,
    /// Rows of the basis inverse, one after the other.
    inverse: Vec<f64>,
    /// Sign of each row's artificial variable.
    sign: Vec<f64>,
    artificial_upper: f64,
    stalls: usize,
    exchanges: usize,
}

impl<'a> Walk<'a> {
    fn new(program: &'a Linear, start: Vec<f64>) -> Walk<'a> {
        let (m, n) = (program.rows, program.cost.len());
        let mut off = program.right.clone();
        for (index, &value) in start.iter().enumerate().filter(|(_, value)| **value != 0.0) {
            add_scaled(&mut off, -value, program.column(index));
        }
        let sign: Vec<f64> = off.iter().map(|&value| if value < 0.0 { -1.0 } else { 1.0 }).collect();
        let mut inverse = vec![0.0; m * m];
        let (mut place, mut x, mut cost) = (vec![OUTSIDE; n + m], start, vec![0.0; n]);
        for row in 0..m {
            inverse[row * m + row] = sign[row];
            place[n + row] = row;
            x.push(off[row].abs());
            cost.push(1.0);
        }
        let basis = (n..n + m).collect();
        Walk { program, x, cost, basis, place, inverse, sign, artificial_upper: f64::INFINITY, stalls: 0, exchanges: 0 }
    }

    fn infeasibility(&self) -> f64 {
        self.x[self.program.cost.len()..].iter().sum()
    }

    fn second_phase(&mut self, cost: &[f64]) {
        let n = cost.len();
        self.cost[..n].copy_from_slice(cost);
        self.cost[n..].fill(0.0);
        self.artificial_upper = 0.0;
        for row in 0..self.program.rows {
            if self.place[n + row] == OUTSIDE {
                self.x[n + row] = 0.0;
            }
        }
        self.stalls = 0;
    }

    fn bounds(&self, index: usize) -> (f64, f64) {
        match self.program.lower.get(index) {
            Some(&lower) => (lower, self.program.upper[index]),
            None => (0.0, self.artificial_upper),
        }
    }

    fn multipliers(&self) -> Vec<f64> {
        let m = self.program.rows;
        let mut multipliers = vec![0.0; m];
        for (row, &index) in self.basis.iter().enumerate().filter(|(_, index)| self.cost[**index] != 0.0) {
            add_scaled(&mut multipliers, self.cost[index], &self.inverse[row * m..(row + 1) * m]);
        }
        multipliers
    }

    /// B⁻¹ times a column.
    fn image(&self, index: usize) -> Vec<f64> {
        let (m, n) = (self.program.rows, self.program.cost.len());
        let rows = self.inverse.chunks_exact(m);
        if index < n {
            let column = self.program.column(index);
            rows.map(|row| dot(row, column)).collect()
        } else {
            rows.map(|row| row[index - n] * self.sign[index - n]).collect()
        }
    }

    fn run(&mut self, control: &JobControl<'_>) -> Result<(), QuantError> {
        let n = self.program.cost.len();
        let most = 50 * (n + self.program.rows) + 1_000;
        let scale = self.cost.iter().fold(0.0f64, |most, cost| most.max(cost.abs()));
        for _ in 0..most {
            control.check()?;
            let Some((index, up)) = self.entering(scale) else {
                if self.exchanges == 0 {
                    return Ok(());
                }
                self.renew()?; // and look once more with what rounding took
                if self.entering(scale).is_none() {
                    return Ok(());
                }
                continue;
            };
            self.exchange(index, up)?;
            if self.exchanges >= RENEWAL {
                self.renew()?;
            }
        }
        Err(QuantError::NotConverged { what: "simplex", iterations: most, residual: self.infeasibility() })
    }

    /// The variable whose change lowers the cost most, and whether it goes up.
    fn entering(&self, scale: f64) -> Option<(usize, bool)> {
        let multipliers = self.multipliers();
        let size = scale.max(multipliers.iter().fold(0.0f64, |most, value| most.max(value.abs())) * 1e-3);
        let mut best = (COST_TOLERANCE * size.max(f64::MIN_POSITIVE), None);
        for index in 0..self.program.cost.len() {
            let (lower, upper) = (self.program.lower[index], self.program.upper[index]);
            if self.place[index] != OUTSIDE || lower == upper {
                continue;
            }
            let reduced = self.cost[index] - dot(&multipliers, self.program.column(index));
            let (up, down) = (self.x[index] < upper && reduced < 0.0, self.x[index] > lower && reduced > 0.0);
            if (up || down) && reduced.abs() > best.0 && (best.1.is_none() || self.stalls < STALLS) {
                best = (reduced.abs(), Some((index, up)));
            }
        }
        best.1
    }

    /// Moves variable `index` until it or a basic variable is stopped by a bound; the basic one leaves the basis.
    fn exchange(&mut self, index: usize, up: bool) -> Result<(), QuantError> {
        let image = self.image(index);
        let direction = if up { 1.0 } else { -1.0 };
        let largest = image.iter().fold(0.0f64, |most, value| most.max(value.abs()));
        let (lower, upper) = self.bounds(index);
        // From where it is: a start may leave a variable between its bounds.
        let flip = if up { upper - self.x[index] } else { self.x[index] - lower };
        let mut nearest = f64::INFINITY;
        let mut stops: Vec<(f64, usize, f64)> = Vec::new();
        for (row, &entry) in image.iter().enumerate().filter(|(_, entry)| entry.abs() > PIVOT_TOLERANCE * largest) {
            let basic = self.basis[row];
            let speed = -direction * entry;
            let (low, high) = self.bounds(basic);
            let end = if speed > 0.0 { high } else { low };
            if end.is_finite() {
                let reach = ((end - self.x[basic]) / speed).max(0.0);
                nearest = nearest.min(reach);
                stops.push((reach, row, end));
            }
        }
        let length = flip.min(nearest);
        let mut leaving: Option<(usize, f64)> = None;
        for &(reach, row, end) in
            stops.iter().filter(|stop| flip > nearest && stop.0 <= nearest * (1.0 + 1e-14) + 1e-15)
        {
            let better = leaving.is_none_or(|(best, _)| match self.stalls < STALLS {
                true => image[row].abs() > image[best].abs(),
                false => self.basis[row] < self.basis[best],
            });
            debug_assert!(reach >= nearest);
            leaving = if better { Some((row, end)) } else { leaving };
        }
        if length.is_infinite() {
            return Err(QuantError::Unbounded { what: "linear program" });
        }
        for (row, &entry) in image.iter().enumerate() {
            self.x[self.basis[row]] -= direction * length * entry;
        }
        self.stalls = if length > 1e-15 { 0 } else { self.stalls + 1 };
        let Some((row, end)) = leaving else {
            self.x[index] = if up { upper } else { lower };
            return Ok(());
        };
        self.x[index] += direction * length;
        let out = self.basis[row];
        self.x[out] = end;
        (self.place[out], self.place[index], self.basis[row]) = (OUTSIDE, row, index);
        self.turn(row, &image);
        self.exchanges += 1;
        Ok(())
    }

    /// Updates the basis inverse: the variable with `image` stands in `row` now.
    fn turn(&mut self, row: usize, image: &[f64]) {
        let m = self.program.rows;
        let pivot_row: Vec<f64> = self.inverse[row * m..(row + 1) * m].iter().map(|value| value / image[row]).collect();
        for (other, line) in self.inverse.chunks_exact_mut(m).enumerate() {
            if other == row {
                line.copy_from_slice(&pivot_row);
            } else if image[other] != 0.0 {
                add_scaled(line, -image[other], &pivot_row);
            }
        }
    }

    /// Inverts the basis (Gauss-Jordan, largest pivot) and solves for the basic variables.
    fn renew(&mut self) -> Result<(), QuantError> {
        let (m, n) = (self.program.rows, self.program.cost.len());
        let wide = 2 * m;
        let mut table = vec![0.0; m * wide];
        for (position, &index) in self.basis.iter().enumerate() {
            for row in 0..m {
                table[row * wide + position] = match index.checked_sub(n) {
                    None => self.program.columns[index * m + row],
                    Some(artificial) => f64::from(u8::from(artificial == row)) * self.sign[row],
                };
            }
            table[position * wide + m + position] = 1.0;
        }
        for column in 0..m {
            let largest = (column..m).fold(column, |best, row| {
                let better = table[row * wide + column].abs() > table[best * wide + column].abs();
                if better { row } else { best }
            });
            if table[largest * wide + column] == 0.0 {
                return Err(QuantError::NotConverged { what: "simplex", iterations: self.exchanges, residual: 0.0 });
            }
            if largest != column {
                for entry in 0..wide {
                    table.swap(largest * wide + entry, column * wide + entry);
                }
            }
            let pivot = table[column * wide + column];
            table[column * wide..(column + 1) * wide].iter_mut().for_each(|value| *value /= pivot);
            let line: Vec<f64> = table[column * wide..(column + 1) * wide].to_vec();
            for row in (0..m).filter(|&row| row != column) {
                let factor = table[row * wide + column];
                if factor != 0.0 {
                    add_scaled(&mut table[row * wide..(row + 1) * wide], -factor, &line);
                }
            }
        }
        for row in 0..m {
            self.inverse[row * m..(row + 1) * m].copy_from_slice(&table[row * wide + m..(row + 1) * wide]);
        }
        let mut right = self.program.right.clone();
        for index in (0..n).filter(|&index| self.place[index] == OUTSIDE && self.x[index] != 0.0) {
            add_scaled(&mut right, -self.x[index], self.program.column(index));
        }
        for row in 0..m {
            let value = dot(&self.inverse[row * m..(row + 1) * m], &right);
            let (low, high) = self.bounds(self.basis[row]);
            // What rounding pushed over a bound comes back; more than that shows in the rows' residual.
            self.x[self.basis[row]] =
                if (value - value.clamp(low, high)).abs() < 1e-11 { value.clamp(low, high) } else { value };
        }
        self.exchanges = 0;
        Ok(())
    }

    fn finish(self, infeasible: f64) -> Vertex {
        let multipliers = self.multipliers();
        let degenerate = self.basis.iter().any(|&index| {
            let (low, high) = self.bounds(index);
            let value = self.x[index];
            value - low <= 1e-12 * (1.0 + value.abs()) || high - value <= 1e-12 * (1.0 + value.abs())
        });
        let mut x = self.x;
        x.truncate(self.program.cost.len());
        Vertex { x, multipliers, infeasible, degenerate }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::rng::SplitMix64;

    #[test]
    fn optima_satisfy_the_optimality_conditions() {
        let (mut solved, mut none) = (0, 0);
        for seed in 0..400u64 {
            let mut rng = SplitMix64::new(seed);
            let (m, n) = (1 + rng.below(6) as usize, 2 + rng.below(14) as usize);
            let mut program = Linear { rows: m, ..Linear::default() };
            for _ in 0..n {
                let column: Vec<f64> = (0..m).map(|_| (rng.unit_f64() * 8.0 - 4.0).round()).collect();
                program.push(&column, rng.unit_f64() - 0.3, 0.0, if rng.below(2) == 0 { 1.0 } else { 3.0 });
            }
            program.right = (0..m).map(|_| (rng.unit_f64() * 4.0 - 2.0).round()).collect();
            let vertex = program.minimise(&JobControl::NONE).expect("bounded");
            let violation = |x: &[f64], row: usize| {
                (0..n).map(|j| program.columns[j * m + row] * x[j]).sum::<f64>() - program.right[row]
            };
            if vertex.infeasible > 0.0 {
                // Farkas: yᵀA x cannot reach yᵀb within the bounds.
                let y = &vertex.multipliers;
                let reach: f64 = (0..n).map(|j| (dot(y, program.column(j)) * program.upper[j]).max(0.0)).sum();
                assert!(dot(y, &program.right) > reach + 1e-9, "seed {seed}: no proof");
                none += 1;
                continue;
            }
            solved += 1;
            for row in 0..m {
                assert!(violation(&vertex.x, row).abs() < 1e-10, "seed {seed}");
            }
            for j in 0..n {
                let (x, reduced) = (vertex.x[j], program.cost[j] - dot(&vertex.multipliers, program.column(j)));
                assert!(x >= 0.0 && x <= program.upper[j], "seed {seed}: {x}");
                assert!(reduced > -1e-9 || x == program.upper[j], "seed {seed}: {x} {reduced}");
                assert!(reduced < 1e-9 || x == 0.0, "seed {seed}: {x} {reduced}");
            }
        }
        assert!(solved > 100 && none > 50, "{solved} {none}");
    }
}
