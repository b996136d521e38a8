//! # Room card: quant/optimise/interior
//! In:    a quadratic program on whose way the active set did not end.
//! Out:   a point near its optimum, by clarabel's interior-point method, from which the active set ends at once.
//! Holds: one thread, fixed order: the same bits on every run; within 1e-9 of the region.
//! Costs: some twenty sparse factorisations; the fallback, not the usual way (bench: none, the tests call it as an
//!        oracle).
use super::program::Program;
use crate::{JobControl, QuantError};
use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettings, DefaultSolver, IPSolver, SolverStatus, SupportedConeT};

/// Iterations of the interior point.
const ITERATIONS: u32 = 200;

/// Rows of `A x + s = b`, in triplets; equalities first.
#[derive(Default)]
struct Rows {
    row: Vec<usize>,
    column: Vec<usize>,
    value: Vec<f64>,
    right: Vec<f64>,
}

impl Rows {
    fn push(&mut self, entries: impl IntoIterator<Item = (usize, f64)>, right: f64) {
        let row = self.right.len();
        for (column, value) in entries.into_iter().filter(|(_, value)| *value != 0.0) {
            self.row.push(row);
            self.column.push(column);
            self.value.push(value);
        }
        self.right.push(right);
    }
}

/// A point within 1e-9 of the optimum.
///
/// Errors: `QUANT_NOT_CONVERGED` where clarabel ends without a solution; `QUANT_CANCELLED`, which clarabel itself does
/// not look at.
pub(crate) fn minimise(program: &Program, control: &JobControl<'_>) -> Result<Vec<f64>, QuantError> {
    control.check()?;
    let n = program.size;
    let trading = program.region.trading.as_ref();
    let wide = if trading.is_some() { 3 * n } else { n };
    let mut linear = program.linear.clone();
    if let Some(trading) = trading {
        linear.extend(trading.buy.iter().chain(&trading.sell));
    }
    let (rows, equalities) = rows(program);
    let quadratic = upper_triangle(program, wide);
    let count = rows.right.len();
    let matrix = CscMatrix::new_from_triplets(count, wide, rows.row, rows.column, rows.value);
    let cones = [SupportedConeT::ZeroConeT(equalities), SupportedConeT::NonnegativeConeT(count - equalities)];
    let settings = DefaultSettings {
        verbose: false,
        max_iter: ITERATIONS,
        max_threads: 1,
        tol_gap_abs: 1e-11,
        tol_gap_rel: 1e-11,
        tol_feas: 1e-11,
        ..DefaultSettings::default()
    };
    let failed =
        |residual: f64| QuantError::NotConverged { what: "interior point", iterations: ITERATIONS as usize, residual };
    let mut solver = DefaultSolver::new(&quadratic, &linear, &matrix, &rows.right, &cones, settings)
        .map_err(|_| failed(f64::MAX))?;
    solver.solve();
    control.check()?;
    let near = [SolverStatus::Solved, SolverStatus::AlmostSolved, SolverStatus::InsufficientProgress];
    let x = &solver.solution.x[..n];
    if !near.contains(&solver.solution.status) || x.iter().any(|value| !value.is_finite()) {
        return Err(failed(solver.solution.r_prim.abs().min(f64::MAX)));
    }
    Ok(x.to_vec())
}

fn upper_triangle(program: &Program, wide: usize) -> CscMatrix<f64> {
    let n = program.size;
    let (mut pointers, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
    for column in 0..wide {
        if column < n {
            for row in 0..=column {
                indices.push(row);
                values.push(program.hessian[column * n + row]);
            }
        }
        pointers.push(indices.len());
    }
    CscMatrix::new(wide, wide, pointers, indices, values)
}

/// The region as rows, and how many of them are equalities.
fn rows(program: &Program) -> (Rows, usize) {
    let (n, region) = (program.size, &program.region);
    let mut rows = Rows::default();
    let line = |coefficients: &[f64], sign: f64| {
        coefficients.iter().map(move |value| sign * value).enumerate().collect::<Vec<(usize, f64)>>()
    };
    for row in region.rows.iter().filter(|row| row.lower == row.upper) {
        rows.push(line(&row.coefficients, 1.0), row.upper);
    }
    let equalities = rows.right.len();
    for row in region.rows.iter().filter(|row| row.lower != row.upper) {
        for (sign, end) in [(1.0, row.upper), (-1.0, -row.lower)] {
            if end.is_finite() {
                rows.push(line(&row.coefficients, sign), end);
            }
        }
    }
    for index in 0..n {
        for (sign, end) in [(1.0, region.upper[index]), (-1.0, -region.lower[index])] {
            if end.is_finite() {
                rows.push([(index, sign)], end);
            }
        }
    }
    if let Some(trading) = &region.trading {
        for index in 0..n {
            // bought ≥ x − previous, sold ≥ previous − x, both ≥ 0
            rows.push([(index, 1.0), (n + index, -1.0)], trading.previous[index]);
            rows.push([(index, -1.0), (2 * n + index, -1.0)], -trading.previous[index]);
            rows.push([(n + index, -1.0)], 0.0);
            rows.push([(2 * n + index, -1.0)], 0.0);
        }
        if trading.turnover_max.is_finite() {
            let counted = (0..2 * n).map(|index| (n + index, trading.unit[index % n])).collect::<Vec<(usize, f64)>>();
            rows.push(counted, trading.turnover_max);
        }
    }
    (rows, equalities)
}
