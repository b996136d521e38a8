//! # Room card: quant/matrix
//! In:    flat column-major `f64`, rows and columns.
//! Out:   `Matrix`, a borrowed view; `OwnedMatrix`, a result; views for faer.
//! Holds: a view has at least one row and one column, `rows × columns` numbers, all finite: what takes a `Matrix`
//!        checks neither again.
//! Costs: one pass over the numbers when a view is made; views for faer are free.
use faer::MatRef;

use crate::QuantError;
use crate::error::{at_most, length};

/// More numbers than this in one matrix are refused (2 GiB).
pub const CELLS_MAX: usize = 1 << 28;

/// A borrowed column-major matrix: observations are rows, assets are columns.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Matrix<'a> {
    values: &'a [f64],
    rows: usize,
    columns: usize,
}

fn checked_shape(what: &'static str, rows: usize, columns: usize) -> Result<usize, QuantError> {
    if rows == 0 || columns == 0 {
        return Err(QuantError::Empty { what });
    }
    let cells = rows.saturating_mul(columns);
    at_most(what, cells, CELLS_MAX)?;
    Ok(cells)
}

/// Refuses NaN and infinities; `rows` says where a flat index stands.
fn checked_finite(what: &'static str, values: &[f64], rows: usize) -> Result<(), QuantError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(QuantError::NotFinite { what, row: at % rows, column: at / rows }),
        None => Ok(()),
    }
}

/// A vector argument: not empty, all finite.
pub(crate) fn checked_vector(what: &'static str, values: &[f64]) -> Result<(), QuantError> {
    checked_shape(what, values.len(), 1)?;
    checked_finite(what, values, values.len())
}

/// A vector argument of a given length.
pub(crate) fn checked_vector_of(what: &'static str, values: &[f64], need: usize) -> Result<(), QuantError> {
    length(what, values.len(), need)?;
    checked_vector(what, values)
}

impl<'a> Matrix<'a> {
    /// A view of `values`, column after column; `what` is the argument's name at the caller.
    ///
    /// Errors: `QUANT_EMPTY`, `QUANT_RAGGED`, `QUANT_NOT_FINITE`, `QUANT_TOO_LARGE`.
    pub fn new(what: &'static str, values: &'a [f64], rows: usize, columns: usize) -> Result<Self, QuantError> {
        let cells = checked_shape(what, rows, columns)?;
        length(what, values.len(), cells)?;
        checked_finite(what, values, rows)?;
        Ok(Matrix { values, rows, columns })
    }

    /// As `new`, and square and symmetric: `|a[i][j] - a[j][i]|` at most 1e-12 of the larger of the two diagonal
    /// elements' geometric mean, which an unrounded product of a matrix with its transpose keeps.
    ///
    /// Errors: those of `new`, `QUANT_NOT_SYMMETRIC`.
    pub fn symmetric(what: &'static str, values: &'a [f64], size: usize) -> Result<Self, QuantError> {
        let matrix = Matrix::new(what, values, size, size)?;
        for column in 0..size {
            for row in 0..column {
                let scale = libm::sqrt((matrix.at(row, row) * matrix.at(column, column)).abs());
                let (above, below) = (matrix.at(row, column), matrix.at(column, row));
                // The second term covers entries that are larger than their diagonal, as correlations of shocks may be.
                if (above - below).abs() > 1e-12 * scale.max(above.abs()) {
                    return Err(QuantError::NotSymmetric { what, row, column });
                }
            }
        }
        Ok(matrix)
    }

    /// Observations.
    pub const fn rows(&self) -> usize {
        self.rows
    }
    /// Assets.
    pub const fn columns(&self) -> usize {
        self.columns
    }
    /// Every number, column after column.
    pub const fn values(&self) -> &'a [f64] {
        self.values
    }
    /// One column.
    pub fn column(&self, column: usize) -> &'a [f64] {
        &self.values[column * self.rows..(column + 1) * self.rows]
    }
    /// Columns in order.
    pub fn columns_iter(&self) -> impl ExactSizeIterator<Item = &'a [f64]> + use<'a> {
        self.values.chunks_exact(self.rows)
    }
    /// One number.
    #[inline]
    pub fn at(&self, row: usize, column: usize) -> f64 {
        self.values[column * self.rows + row]
    }
    /// The same memory for faer.
    pub fn faer(&self) -> MatRef<'a, f64> {
        MatRef::from_column_major_slice(self.values, self.rows, self.columns)
    }
    /// A copy.
    pub fn to_owned(&self) -> OwnedMatrix {
        OwnedMatrix { values: self.values.to_vec(), rows: self.rows, columns: self.columns }
    }
}

/// A column-major matrix that a function made.
#[derive(Clone, PartialEq, Debug)]
pub struct OwnedMatrix {
    values: Vec<f64>,
    rows: usize,
    columns: usize,
}

impl OwnedMatrix {
    /// All zeros.
    pub(crate) fn zeros(rows: usize, columns: usize) -> OwnedMatrix {
        OwnedMatrix { values: vec![0.0; rows * columns], rows, columns }
    }
    /// Each number from its row and column.
    pub(crate) fn from_fn(rows: usize, columns: usize, mut of: impl FnMut(usize, usize) -> f64) -> OwnedMatrix {
        let cells = (0..columns).flat_map(|column| (0..rows).map(move |row| (row, column)));
        OwnedMatrix { values: cells.map(|(row, column)| of(row, column)).collect(), rows, columns }
    }
    /// A copy of what faer made.
    pub(crate) fn from_faer(matrix: MatRef<'_, f64>) -> OwnedMatrix {
        OwnedMatrix::from_fn(matrix.nrows(), matrix.ncols(), |row, column| matrix[(row, column)])
    }
    /// As the argument `what` of a further function.
    ///
    /// Errors: `QUANT_NOT_FINITE` where a sum overflowed.
    pub fn view(&self, what: &'static str) -> Result<Matrix<'_>, QuantError> {
        Matrix::new(what, &self.values, self.rows, self.columns)
    }
    /// Rows.
    pub const fn rows(&self) -> usize {
        self.rows
    }
    /// Columns.
    pub const fn columns(&self) -> usize {
        self.columns
    }
    /// Every number, column after column.
    pub fn values(&self) -> &[f64] {
        &self.values
    }
    /// Every number, column after column, to be changed.
    pub(crate) fn values_mut(&mut self) -> &mut [f64] {
        &mut self.values
    }
    /// Every number, column after column, without a copy.
    pub fn into_values(self) -> Vec<f64> {
        self.values
    }
    /// One column.
    pub fn column(&self, column: usize) -> &[f64] {
        &self.values[column * self.rows..(column + 1) * self.rows]
    }
    /// One number.
    #[inline]
    pub fn at(&self, row: usize, column: usize) -> f64 {
        self.values[column * self.rows + row]
    }
    /// Sets one number.
    #[inline]
    pub(crate) fn set(&mut self, row: usize, column: usize, value: f64) {
        self.values[column * self.rows + row] = value;
    }
    /// The same memory for faer.
    pub fn faer(&self) -> MatRef<'_, f64> {
        MatRef::from_column_major_slice(&self.values, self.rows, self.columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_reads_column_by_column() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let matrix = Matrix::new("returns", &values, 3, 2).unwrap();
        assert_eq!((matrix.at(2, 0), matrix.at(0, 1), matrix.column(1)), (3.0, 4.0, &values[3..]));
        assert_eq!(matrix.faer()[(1, 1)], 5.0);
        assert_eq!(OwnedMatrix::from_faer(matrix.faer()), matrix.to_owned());
        assert_eq!(matrix.columns_iter().map(|column| column[0]).collect::<Vec<_>>(), [1.0, 4.0]);
    }

    #[test]
    fn bad_views_say_what_and_where() {
        let values = [1.0, 2.0, f64::NAN, 4.0, 5.0, 6.0];
        let what = "returns";
        assert_eq!(Matrix::new(what, &values, 2, 3), Err(QuantError::NotFinite { what, row: 0, column: 1 }));
        assert_eq!(Matrix::new(what, &values, 2, 2), Err(QuantError::Ragged { what, have: 6, need: 4 }));
        assert_eq!(Matrix::new(what, &[], 0, 3), Err(QuantError::Empty { what }));
        assert_eq!(Matrix::new(what, &[], 3, 0), Err(QuantError::Empty { what }));
        let large = QuantError::TooLarge { what, have: usize::MAX, max: CELLS_MAX };
        assert_eq!(Matrix::new(what, &values, usize::MAX, 3), Err(large));
        assert_eq!(checked_vector(what, &[1.0, f64::INFINITY]), Err(QuantError::NotFinite { what, row: 1, column: 0 }));
    }

    #[test]
    fn a_matrix_that_is_not_symmetric_is_refused() {
        let good = [4.0, 1.0, 1.0 + 1e-14, 9.0];
        assert!(Matrix::symmetric("covariance", &good, 2).is_ok());
        let bad = [4.0, 1.0, 1.001, 9.0];
        let error = QuantError::NotSymmetric { what: "covariance", row: 0, column: 1 };
        assert_eq!(Matrix::symmetric("covariance", &bad, 2), Err(error));
    }
}
