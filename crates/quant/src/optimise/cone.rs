//! # Room card: quant/optimise/cone
//! In:    a gradient, and the bounds and rows that hold with equality with the side they push from.
//! Out:   the least gradient that their multipliers leave: its opposite is the direction of steepest descent that none
//!        of them stops; zero at an optimum.
//! Holds: multipliers have the right signs; the rest is orthogonal to rounding, whatever the rows' sizes are: least
//!        squares with signs (Lawson and Hanson 1974), a bound being a coordinate that is left out.
//! Costs: O(n r²) a bound or row that pushes, r rows; after the walk has failed only.
use super::factor::{add_scaled, dot};
use super::orthogonal::Orthogonal;

/// Pushes below this, relative to the gradient, are rounding.
const PUSH: f64 = 1e-15;
/// A push with less than this across the ones at work is one of their combinations.
const ACROSS: f64 = 1e-13;

/// What a bound or row may take of the gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Push {
    /// Nothing: it does not hold with equality.
    None,
    /// What is above 0: it is at its lower end.
    Lower,
    /// What is below 0: it is at its upper end.
    Upper,
    /// Anything: both ends are one.
    Either,
}

impl Push {
    fn allows(self, value: f64) -> bool {
        match self {
            Push::None => false,
            Push::Lower => value > 0.0,
            Push::Upper => value < 0.0,
            Push::Either => true,
        }
    }
}

/// What multipliers leave of a gradient.
pub(crate) struct Rest {
    pub rest: Vec<f64>,
    /// One for each row.
    pub multipliers: Vec<f64>,
    /// Rows that push.
    pub rows: Vec<bool>,
    /// Bounds that push.
    pub bounds: Vec<bool>,
}

struct Cone<'a> {
    gradient: &'a [f64],
    bounds: &'a [Push],
    rows: &'a [(Vec<f64>, Push)],
    /// Amounts of bounds, then of rows.
    amounts: Vec<f64>,
    inside: Vec<bool>,
    barred: Vec<bool>,
}

/// One solution of the least squares over what is inside.
struct Squares {
    basis: Orthogonal,
    amounts: Vec<f64>,
    rest: Vec<f64>,
}

/// The least rest of `gradient` beside `bounds` of its coordinates and `rows`.
pub(crate) fn rest(gradient: &[f64], bounds: &[Push], rows: &[(Vec<f64>, Push)]) -> Rest {
    let n = gradient.len();
    let push = |at: usize| if at < n { bounds[at] } else { rows[at - n].1 };
    let inside: Vec<bool> = (0..n + rows.len()).map(|at| push(at) == Push::Either).collect();
    let barred = vec![false; inside.len()];
    let mut cone = Cone { gradient, bounds, rows, amounts: vec![0.0; inside.len()], inside, barred };
    let size = gradient.iter().fold(0.0f64, |most, value| most.max(value.abs()));
    let mut squares = cone.squares();
    cone.amounts.clone_from(&squares.amounts);
    for _ in 0..4 * cone.inside.len() + 16 {
        let Some(best) = cone.best(&squares, PUSH * size) else { break };
        cone.inside[best] = true;
        loop {
            squares = cone.squares();
            let wrong = |at: &usize| cone.inside[*at] && !cone.push(*at).allows(squares.amounts[*at]);
            let first = (0..cone.inside.len()).filter(wrong).map(|at| (cone.part(&squares, at), at));
            let Some((part, _)) = first.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))) else { break };
            cone.go(&squares, part);
        }
        cone.amounts.clone_from(&squares.amounts);
        match cone.inside[best] {
            true => cone.barred.fill(false),
            false => cone.barred[best] = true,
        }
    }
    let rows = cone.inside.split_off(n);
    Rest { rest: squares.rest, multipliers: squares.amounts.split_off(n), rows, bounds: cone.inside }
}

impl Cone<'_> {
    fn push(&self, at: usize) -> Push {
        let n = self.gradient.len();
        if at < n { self.bounds[at] } else { self.rows[at - n].1 }
    }

    /// A row on the coordinates whose bounds do not push.
    fn open(&self, row: usize) -> Vec<f64> {
        let values = self.rows[row].0.iter().zip(&self.inside);
        values.map(|(value, inside)| if *inside { 0.0 } else { *value }).collect()
    }

    fn squares(&self) -> Squares {
        let n = self.gradient.len();
        let mut basis = Orthogonal::default();
        let kept: Vec<usize> =
            (0..self.rows.len()).filter(|&row| self.inside[n + row] && basis.push(self.open(row))).collect();
        let mut rest: Vec<f64> =
            self.gradient.iter().zip(&self.inside).map(|(value, inside)| if *inside { 0.0 } else { *value }).collect();
        let along = basis.clear(&mut rest);
        let mut amounts = vec![0.0; self.inside.len()];
        let mut reduced = self.gradient.to_vec();
        for (&row, amount) in kept.iter().zip(basis.amounts(along)) {
            amounts[n + row] = amount;
            add_scaled(&mut reduced, -amount, &self.rows[row].0);
        }
        (0..n).filter(|&at| self.inside[at]).for_each(|at| amounts[at] = reduced[at]);
        Squares { basis, amounts, rest }
    }

    /// The push outside that takes most of the rest.
    fn best(&self, squares: &Squares, least: f64) -> Option<usize> {
        let n = self.gradient.len();
        let (mut most, mut best) = (least, None);
        for at in (0..self.inside.len()).filter(|&at| !self.inside[at] && !self.barred[at]) {
            if self.push(at) == Push::None {
                continue;
            }
            let (product, across, size) = if at < n {
                let along: f64 = squares.basis.directions().iter().map(|direction| direction[at] * direction[at]).sum();
                (squares.rest[at], (1.0 - along).max(0.0).sqrt(), 1.0)
            } else {
                let mut row = self.open(at - n);
                let size = dot(&row, &row).sqrt();
                let product = dot(&row, &squares.rest);
                squares.basis.clear(&mut row);
                (product, dot(&row, &row).sqrt(), size)
            };
            if !self.push(at).allows(product) || across <= ACROSS * size {
                continue;
            }
            if product.abs() / across > most {
                (most, best) = (product.abs() / across, Some(at));
            }
        }
        best
    }

    /// The part of the way to `squares` at which the amount of `at` is gone.
    fn part(&self, squares: &Squares, at: usize) -> f64 {
        let (from, to) = (self.amounts[at], squares.amounts[at]);
        if self.push(at).allows(from) && from != to { (from / (from - to)).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Goes a part of the way; what has nothing left there goes outside.
    fn go(&mut self, squares: &Squares, part: f64) {
        for at in (0..self.inside.len()).filter(|&at| self.inside[at]).collect::<Vec<usize>>() {
            let gone = !self.push(at).allows(squares.amounts[at]) && self.part(squares, at) <= part;
            self.amounts[at] += part * (squares.amounts[at] - self.amounts[at]);
            if gone {
                (self.inside[at], self.amounts[at]) = (false, 0.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bounds_and_rows_take_is_what_algebra_says() {
        // A row of ones takes the mean; the second coordinate is at its lower bound and may push up.
        let rows = [(vec![1.0; 3], Push::Either)];
        let open = rest(&[1.0, 5.0, 3.0], &[Push::None; 3], &rows);
        assert!(open.rest.iter().zip([-2.0, 2.0, 0.0]).all(|(a, b)| (a - b).abs() < 1e-15), "{:?}", open.rest);
        let held = rest(&[1.0, 5.0, 3.0], &[Push::None, Push::Lower, Push::None], &rows);
        assert!(held.rest.iter().zip([-1.0, 0.0, 1.0]).all(|(a, b)| (a - b).abs() < 1e-15), "{:?}", held.rest);
        assert!(
            (held.multipliers[0] - 2.0).abs() < 1e-15 && held.bounds == [false, true, false] && held.rows == [true]
        );
        // From the other side it may not.
        let wrong = rest(&[1.0, 5.0, 3.0], &[Push::None, Push::Upper, Push::None], &rows);
        assert!((wrong.rest[1] - 2.0).abs() < 1e-15 && wrong.bounds == [false; 3]);
        // A row that pushes down only leaves a gradient that points up.
        let down = rest(&[1.0, 1.0], &[Push::None; 2], &[(vec![1.0, 0.0], Push::Upper), (vec![0.0, 2.0], Push::Lower)]);
        assert!(down.rest[0] == 1.0 && down.rest[1] == 0.0 && down.multipliers == [0.0, 0.5], "{:?}", down.rest);
    }

    #[test]
    fn rows_that_differ_by_little_are_told_apart() {
        // An asset without risk stands in both rows with 1, the others with 1e-4.
        let rows = [
            (vec![1.0, 1e-4, 1e-4, 1e-4], Push::Either),
            (vec![1.0, 1e-4, 0.0, 0.0], Push::Lower),
            (vec![1.0, 0.0, 1e-4, 1e-4], Push::Upper),
        ];
        let multipliers = [300.0, 200.0, -100.0];
        let gradient: Vec<f64> =
            (0..4).map(|at| rows.iter().zip(multipliers).map(|((row, _), m)| m * row[at]).sum::<f64>()).collect();
        let found = rest(&gradient, &[Push::None; 4], &rows);
        assert!(found.rest.iter().all(|value| value.abs() < 1e-13), "{:?}", found.rest);
    }
}
