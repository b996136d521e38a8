//! # Room card: quant/volatility/polytope
//! In:    a smooth function of a few variables with its gradient, linear inequalities.
//! Out:   a local minimum inside the inequalities.
//! Holds: every point tried is feasible; a constraint that binds is met exactly, so that a zero coefficient is zero.
//! Costs: one small dense solve a step; the function's evaluations dominate.
//!
//! Quasi-Newton (BFGS) steps from a quadratic program in the working set; J. Nocedal, S. Wright, "Numerical
//! optimization" (2006), chapters 16 and 18.

use crate::{JobControl, QuantError};

/// Most variables that a likelihood here has.
pub(super) const N: usize = 6;
/// Most inequalities.
pub(super) const ROWS: usize = 8;
/// Bound on the steps of the search.
const STEPS_MAX: usize = 300;
/// Bound on the changes of the working set in one quadratic program.
const CHANGES_MAX: usize = 50;
/// Rows of the equations of a working set: variables and multipliers.
const SIZE: usize = 2 * N;

pub(super) type Point = [f64; N];

/// Σ row·x >= bound.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inequality {
    pub(super) row: Point,
    pub(super) bound: f64,
}

impl Inequality {
    fn slack(&self, x: &Point) -> f64 {
        dot(&self.row, x) - self.bound
    }
}

fn dot(a: &Point, b: &Point) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Value, gradient, and a positive semidefinite guess of the second derivatives (scores' outer product).
#[derive(Clone, Copy, Debug)]
pub(super) struct Local {
    pub(super) value: f64,
    pub(super) gradient: Point,
    pub(super) outer: [Point; N],
}

/// Solves `a x = b` in place by Gauss with partial pivots, `n` rows; false when singular.
fn gauss(a: &mut [[f64; SIZE]; SIZE], b: &mut [f64; SIZE], n: usize) -> bool {
    for k in 0..n {
        let pivot = (k..n).max_by(|&i, &j| a[i][k].abs().total_cmp(&a[j][k].abs())).unwrap_or(k);
        if a[pivot][k].abs() < 1e-300 {
            return false;
        }
        a.swap(k, pivot);
        b.swap(k, pivot);
        for i in k + 1..n {
            let factor = a[i][k] / a[k][k];
            if factor != 0.0 {
                let above = a[k];
                for (entry, upper) in a[i][k..n].iter_mut().zip(&above[k..n]) {
                    *entry -= factor * upper;
                }
                b[i] -= factor * b[k];
            }
        }
    }
    for k in (0..n).rev() {
        for j in k + 1..n {
            b[k] -= a[k][j] * b[j];
        }
        b[k] /= a[k][k];
    }
    true
}

/// The minimum of g·d + d'Hd/2 under `slack + row·d = 0` for the working set; multipliers follow the `n` variables.
fn equality_step(h: &[Point; N], g: &Point, rows: &[Inequality], working: &[usize], n: usize) -> Option<[f64; SIZE]> {
    let (mut a, mut b) = ([[0.0; SIZE]; SIZE], [0.0; SIZE]);
    for i in 0..n {
        a[i][..n].copy_from_slice(&h[i][..n]);
        b[i] = -g[i];
    }
    for (k, &row) in working.iter().enumerate() {
        let row = &rows[row].row[..n];
        a[n + k][..n].copy_from_slice(row);
        a.iter_mut().zip(row).for_each(|(line, value)| line[n + k] = -value);
    }
    gauss(&mut a, &mut b, n + working.len()).then_some(b)
}

/// A step of the quadratic program: primal active set from d = 0, which is feasible.
fn quadratic_step(h: &[Point; N], g: &Point, rows: &[Inequality], x: &Point, n: usize) -> (Point, Vec<usize>) {
    let mut d = [0.0; N];
    let mut working: Vec<usize> = Vec::with_capacity(N);
    for _ in 0..CHANGES_MAX {
        let mut at = *g;
        for i in 0..n {
            at[i] += dot(&h[i], &d);
        }
        let Some(solution) = equality_step(h, &at, rows, &working, n) else {
            working.pop();
            continue;
        };
        let mut p = [0.0; N];
        p[..n].copy_from_slice(&solution[..n]);
        // The first inequality on the way.
        let (mut length, mut blocking) = (1.0, None);
        for (k, row) in rows.iter().enumerate() {
            let fall = -dot(&row.row, &p);
            if working.contains(&k) || fall <= 1e-14 {
                continue;
            }
            let mut y = *x;
            y.iter_mut().zip(&d).for_each(|(y, d)| *y += d);
            let reach = row.slack(&y).max(0.0) / fall;
            if reach < length {
                (length, blocking) = (reach, Some(k));
            }
        }
        d.iter_mut().zip(&p).for_each(|(d, p)| *d += length * p);
        if let Some(k) = blocking {
            if working.len() >= n {
                break;
            }
            working.push(k);
            continue;
        }
        // Multipliers of a minimum are not negative; the most negative one leaves.
        let worst = (0..working.len()).min_by(|&i, &j| solution[n + i].total_cmp(&solution[n + j]));
        match worst {
            Some(k) if solution[n + k] < -1e-14 => {
                working.remove(k);
            }
            _ => break,
        }
    }
    (d, working)
}

/// H + (correction of BFGS, damped after Powell so that H stays positive definite).
fn update(h: &mut [Point; N], s: &Point, y: &Point, n: usize) {
    let mut hs = [0.0; N];
    for i in 0..n {
        hs[i] = dot(&h[i], s);
    }
    let (shs, sy) = (dot(s, &hs), dot(s, y));
    if shs <= 0.0 {
        return;
    }
    let theta = if sy >= 0.2 * shs { 1.0 } else { 0.8 * shs / (shs - sy) };
    let mut r = [0.0; N];
    for i in 0..n {
        r[i] = theta * y[i] + (1.0 - theta) * hs[i];
    }
    let sr = dot(s, &r);
    if sr <= 0.0 {
        return;
    }
    for i in 0..n {
        for j in 0..n {
            h[i][j] += r[i] * r[j] / sr - hs[i] * hs[j] / shs;
        }
    }
}

/// What the search ended with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Minimum {
    pub(super) x: Point,
    pub(super) steps: usize,
}

/// The minimum from `start` (feasible) over the first `n` variables; the rest stay 0.
pub(super) fn minimise(
    n: usize,
    start: Point,
    rows: &[Inequality],
    control: &JobControl<'_>,
    mut of: impl FnMut(&Point) -> Local,
    mut value_of: impl FnMut(&Point) -> f64,
) -> Result<Minimum, QuantError> {
    debug_assert!(n <= N && rows.len() <= ROWS);
    let mut x = start;
    let mut here = of(&x);
    let mut h = seeded(&here, n);
    for steps in 0..STEPS_MAX {
        control.check()?;
        control.progress(steps as u64, STEPS_MAX as u64);
        let (d, working) = quadratic_step(&h, &here.gradient, rows, &x, n);
        let slope = dot(&here.gradient, &d);
        // The decrement bounds what the next step can gain: below the rounding of the sum there is nothing to find.
        if slope > -1e-13 * here.value.abs().max(1.0) {
            control.progress(STEPS_MAX as u64, STEPS_MAX as u64);
            return Ok(Minimum { x, steps });
        }
        let mut length = 1.0;
        let next = loop {
            let mut y = x;
            y.iter_mut().zip(&d).for_each(|(y, d)| *y += length * d);
            if length == 1.0 {
                settle(&mut y, rows, &working);
            }
            if value_of(&y) <= here.value + 1e-4 * length * slope {
                break Some(y);
            }
            length *= 0.5;
            if length < 1e-10 {
                break None;
            }
        };
        let Some(y) = next else {
            // No descent along the step: rounding rules, or the curvature is wrong; a fresh one decides which.
            let fresh = seeded(&here, n);
            if fresh == h || slope > -1e-10 * here.value.abs().max(1.0) {
                return Ok(Minimum { x, steps });
            }
            h = fresh;
            continue;
        };
        let there = of(&y);
        let (mut s, mut change) = ([0.0; N], [0.0; N]);
        for i in 0..n {
            s[i] = y[i] - x[i];
            change[i] = there.gradient[i] - here.gradient[i];
        }
        (x, here) = (y, there);
        update(&mut h, &s, &change, n);
    }
    Err(QuantError::NotConverged { what: "likelihood", iterations: STEPS_MAX, residual: 0.0 })
}

/// The scores' outer product, kept away from singular by a little of its diagonal.
fn seeded(here: &Local, n: usize) -> [Point; N] {
    let mut h = here.outer;
    for (i, row) in h.iter_mut().enumerate().take(n) {
        row[i] = row[i] * (1.0 + 1e-9) + 1e-12;
    }
    h
}

/// Puts variables that a binding bound holds exactly on it.
fn settle(y: &mut Point, rows: &[Inequality], working: &[usize]) {
    for &k in working {
        let row = &rows[k];
        let mut entries = row.row.iter().enumerate().filter(|&(_, &entry)| entry != 0.0);
        if let (Some((i, &entry)), None) = (entries.next(), entries.next()) {
            y[i] = row.bound / entry;
        }
    }
}
