//! # Room card: quant/optimise/factor
//! In:    rows of a symmetric positive definite matrix, one at a time, and places to take out again.
//! Out:   the Cholesky factor of the rows that are in; solutions with it and with its transpose.
//! Holds: pivots above a floor that the caller names, so that a singular matrix gives a large step and never a NaN.
//! Costs: O(k²) for a row in, a row out and a solution, k rows being in.

/// A square of a pivot below minus this, relative to the diagonal, is not rounding.
const INDEFINITE: f64 = 1e-7;

/// Sum of products in eight lanes, added in one fixed order.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (left, right) = (a.chunks_exact(8), b[..a.len()].chunks_exact(8));
    let tail: f64 = left.remainder().iter().zip(right.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in left.zip(right) {
        for lane in 0..8 {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) + ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7])) + tail
}

/// `to += factor × from`.
pub(crate) fn add_scaled(to: &mut [f64], factor: f64, from: &[f64]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += factor * from;
    }
}

/// A lower triangular factor L with L Lᵀ the matrix that is in; rows one after the other, `stride` apart.
pub(crate) struct Factor {
    values: Vec<f64>,
    stride: usize,
    size: usize,
    turns: Vec<(f64, f64)>,
    indefinite: Option<usize>,
}

impl Factor {
    /// Room for `most` rows.
    pub fn new(most: usize) -> Factor {
        Factor {
            values: vec![0.0; most * most],
            stride: most,
            size: 0,
            turns: Vec::with_capacity(most),
            indefinite: None,
        }
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.stride..row * self.stride + row + 1]
    }

    /// A row whose pivot was negative by more than rounding explains.
    pub fn indefinite(&self) -> Option<usize> {
        self.indefinite
    }

    /// Square of the last pivot: what is left of the last row's diagonal after the rows before it.
    pub fn last_pivot(&self) -> f64 {
        self.size.checked_sub(1).map_or(f64::INFINITY, |last| self.row(last)[last] * self.row(last)[last])
    }

    /// Square of the least pivot.
    pub fn least_pivot(&self) -> f64 {
        (0..self.size).map(|row| self.row(row)[row] * self.row(row)[row]).fold(f64::INFINITY, f64::min)
    }

    /// Takes all rows out.
    pub fn clear(&mut self) {
        self.size = 0;
        self.indefinite = None;
    }

    /// Takes in a row: `beside` its products with the rows that are in, `diagonal` with itself. Squares of pivots under
    /// `floor` become `floor`.
    pub fn push(&mut self, beside: &[f64], diagonal: f64, floor: f64) {
        debug_assert!(self.size < self.stride && beside.len() == self.size);
        let start = self.size * self.stride;
        let mut left = diagonal;
        for (place, product) in beside.iter().enumerate() {
            let done = dot(&self.values[start..start + place], self.row(place));
            let value = (product - done) / self.values[place * self.stride + place];
            self.values[start + place] = value;
            left -= value * value;
        }
        if left < -INDEFINITE * diagonal.abs() {
            self.indefinite = Some(self.size);
        }
        self.values[start + self.size] = left.max(floor).sqrt();
        self.size += 1;
    }

    /// Takes out the row at `place`; the rows below move up.
    pub fn remove(&mut self, place: usize) {
        self.turns.clear();
        for row in place + 1..self.size {
            let (from, to) = (row * self.stride, (row - 1) * self.stride);
            self.values.copy_within(from..from + row + 1, to);
            let line = &mut self.values[to..to + row + 1];
            for (offset, &(cosine, sine)) in self.turns.iter().enumerate() {
                let column = place + offset;
                let (a, b) = (line[column], line[column + 1]);
                line[column] = cosine * a + sine * b;
                line[column + 1] = cosine * b - sine * a;
            }
            // The turn that clears what stands right of the new diagonal.
            let (a, b) = (line[row - 1], line[row]);
            let length = libm::hypot(a, b);
            line[row - 1] = length;
            self.turns.push((a / length, b / length));
        }
        self.size -= 1;
    }

    /// Solves L y = `right` in place.
    pub fn forward(&self, right: &mut [f64]) {
        for place in 0..self.size {
            let row = self.row(place);
            let done = dot(&row[..place], &right[..place]);
            right[place] = (right[place] - done) / row[place];
        }
    }

    /// Solves Lᵀ y = `right` in place.
    pub fn backward(&self, right: &mut [f64]) {
        for place in (0..self.size).rev() {
            let row = self.row(place);
            let value = right[place] / row[place];
            right[place] = value;
            add_scaled(&mut right[..place], -value, &row[..place]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::rng::SplitMix64;

    #[test]
    fn solutions_stay_right_while_rows_come_and_go() {
        let n = 24;
        let mut rng = SplitMix64::new(7);
        let root: Vec<f64> = (0..n * n).map(|_| rng.unit_f64() - 0.5).collect();
        let at = |i: usize, j: usize| {
            (0..n).map(|k| root[i * n + k] * root[j * n + k]).sum::<f64>() + if i == j { 0.1 } else { 0.0 }
        };
        let mut factor = Factor::new(n);
        let mut inside: Vec<usize> = Vec::new();
        for step in 0..400 {
            let candidate = rng.below(n as u64) as usize;
            match inside.iter().position(|&row| row == candidate) {
                Some(place) => {
                    factor.remove(place);
                    inside.remove(place);
                }
                None => {
                    let beside: Vec<f64> = inside.iter().map(|&row| at(row, candidate)).collect();
                    factor.push(&beside, at(candidate, candidate), 1e-14);
                    inside.push(candidate);
                }
            }
            let right: Vec<f64> = inside.iter().map(|&row| row as f64 - 3.0).collect();
            let mut solution = right.clone();
            factor.forward(&mut solution);
            factor.backward(&mut solution);
            for (place, &row) in inside.iter().enumerate() {
                let product: f64 = inside.iter().zip(&solution).map(|(&column, x)| at(row, column) * x).sum();
                assert!((product - right[place]).abs() < 1e-9, "step {step}: {product} {}", right[place]);
            }
        }
    }
}
