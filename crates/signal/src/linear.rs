//! # Room card: signal/linear
//! In:    a small dense system of equations.
//! Out:   its solution.
//! Holds: the order of every sum is fixed, so that the result has the same bits on every machine.
//! Costs: O(rows² · (rows + columns)); cold paths only.
use crate::fault::SignalFault;

/// Solves `matrix`·X = `right` in place, by elimination with row pivoting; `right` has `columns` columns.
/// `SIGNAL_NOT_CONVERGED` when the rows are not independent (to 10^-12 of their scale). Written out, because a
/// library's order of summation depends on the machine's vector width.
pub(crate) fn solve(matrix: &mut [f64], right: &mut [f64], rows: usize, columns: usize) -> Result<(), SignalFault> {
    let largest = matrix.iter().fold(0.0f64, |largest, entry| largest.max(entry.abs()));
    for pivot in 0..rows {
        let mut best = pivot;
        for row in pivot + 1..rows {
            if matrix[row * rows + pivot].abs() > matrix[best * rows + pivot].abs() {
                best = row;
            }
        }
        let scale = matrix[best * rows + pivot];
        if scale.is_nan() || scale.abs() <= 1e-12 * largest {
            return Err(SignalFault::NotConverged { iterations: pivot as u64 });
        }
        if best != pivot {
            for column in 0..rows {
                matrix.swap(best * rows + column, pivot * rows + column);
            }
            for column in 0..columns {
                right.swap(best * columns + column, pivot * columns + column);
            }
        }
        for row in 0..rows {
            let factor = matrix[row * rows + pivot] / scale;
            if row == pivot || factor == 0.0 {
                continue;
            }
            for column in pivot..rows {
                matrix[row * rows + column] -= factor * matrix[pivot * rows + column];
            }
            for column in 0..columns {
                right[row * columns + column] -= factor * right[pivot * columns + column];
            }
        }
    }
    for row in 0..rows {
        let scale = matrix[row * rows + row];
        for column in 0..columns {
            right[row * columns + column] /= scale;
        }
    }
    Ok(())
}
