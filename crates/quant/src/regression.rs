//! # Room card: quant/regression
//! In:    a column-major design and one or more responses.
//! Out:   least-squares coefficients, residuals, sums of squares, standard errors.
//! Holds: Householder's QR, never the normal equations; a column that the others explain is an error, not a large
//!        coefficient.
//! Costs: 2 n k² operations for n rows and k columns.

use crate::QuantError;

/// A column whose part not explained by the ones before it is below this share of its length is a copy of them.
const RANK_TOLERANCE: f64 = 1e-11;

/// A design factored once, for many responses.
pub(crate) struct Design {
    /// Reflectors below, R above; column-major.
    factored: Vec<f64>,
    rows: usize,
    columns: usize,
    /// Diagonal of R and the reflectors' scale.
    diagonal: Vec<f64>,
    scales: Vec<f64>,
}

/// One response explained.
pub(crate) struct Explained {
    pub(crate) coefficients: Vec<f64>,
    pub(crate) residuals: Vec<f64>,
    pub(crate) residual_squares: f64,
}

impl Design {
    /// Factors a design of columns of one length. Errors: `QUANT_TOO_FEW` for fewer rows than columns,
    /// `QUANT_UNDEFINED` for columns that depend on each other.
    pub(crate) fn new(what: &'static str, columns: &[&[f64]]) -> Result<Design, QuantError> {
        let (count, rows) = (columns.len(), columns.first().map_or(0, |column| column.len()));
        crate::error::at_least(what, rows, count.max(1))?;
        let mut a: Vec<f64> = Vec::with_capacity(rows * count);
        for column in columns {
            crate::error::length(what, column.len(), rows)?;
            a.extend_from_slice(column);
        }
        let (mut diagonal, mut scales) = (vec![0.0; count], vec![0.0; count]);
        for k in 0..count {
            let whole = norm(columns[k]);
            let (left, right) = a.split_at_mut((k + 1) * rows);
            let v = &mut left[k * rows + k..];
            let length = norm(v);
            if length.is_nan() || length <= RANK_TOLERANCE * whole || length == 0.0 {
                return Err(QuantError::Undefined { what, why: "a column is a combination of the others" });
            }
            let beta = if v[0] > 0.0 { -length } else { length };
            let scale = v[0] - beta;
            v[0] = scale;
            diagonal[k] = beta;
            // H = I - 2 v v' / v'v, with v'v = 2 β (β - v₀).
            scales[k] = -1.0 / (beta * scale);
            for column in right.chunks_exact_mut(rows) {
                reflect(v, scales[k], &mut column[k..]);
            }
        }
        Ok(Design { factored: a, rows, columns: count, diagonal, scales })
    }

    fn reflector(&self, k: usize) -> &[f64] {
        &self.factored[k * self.rows + k..(k + 1) * self.rows]
    }

    fn r(&self, i: usize, j: usize) -> f64 {
        if i == j { self.diagonal[i] } else { self.factored[j * self.rows + i] }
    }

    /// Explains a response by the first `columns` of the design.
    pub(crate) fn explain(&self, response: &[f64], columns: usize) -> Explained {
        debug_assert!(response.len() == self.rows && columns <= self.columns);
        let mut q = response.to_vec();
        for k in 0..columns {
            reflect(self.reflector(k), self.scales[k], &mut q[k..]);
        }
        let mut coefficients = q[..columns].to_vec();
        for i in (0..columns).rev() {
            let known: f64 = (i + 1..columns).map(|j| self.r(i, j) * coefficients[j]).sum();
            coefficients[i] = (coefficients[i] - known) / self.diagonal[i];
        }
        let residual_squares = q[columns..].iter().map(|x| x * x).sum();
        // Back: the residual is Q applied to what the columns do not reach.
        q[..columns].fill(0.0);
        for k in (0..columns).rev() {
            reflect(self.reflector(k), self.scales[k], &mut q[k..]);
        }
        Explained { coefficients, residuals: q, residual_squares }
    }

    /// Element `i` of the diagonal of (X'X)⁻¹ for the first `columns`: its root times the residuals' deviation is a
    /// standard error.
    pub(crate) fn inverse_diagonal(&self, i: usize, columns: usize) -> f64 {
        // Row i of R⁻¹: solve R' y = e_i and sum the squares.
        let mut y = vec![0.0; columns];
        for j in i..columns {
            let known: f64 = (i..j).map(|k| self.r(k, j) * y[k]).sum();
            y[j] = (f64::from(u8::from(i == j)) - known) / self.diagonal[j];
        }
        // R'y = e gives columns of R⁻ᵀ; (X'X)⁻¹ = R⁻¹ R⁻ᵀ, whose diagonal is the squared length of row i of R⁻¹.
        y.iter().map(|x| x * x).sum()
    }
}

fn norm(v: &[f64]) -> f64 {
    let largest = v.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    if largest == 0.0 {
        return 0.0;
    }
    largest * libm::sqrt(v.iter().map(|x| (x / largest) * (x / largest)).sum())
}

fn reflect(v: &[f64], scale: f64, column: &mut [f64]) {
    let dot: f64 = v.iter().zip(&*column).map(|(a, b)| a * b).sum();
    let factor = scale * dot;
    for (x, v) in column.iter_mut().zip(v) {
        *x -= factor * v;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explains_a_line_with_its_errors() {
        // y = 1 + 2x with residuals (1, -2, 1, 0) · 0.1 made orthogonal to both columns: (1, -2, 1) repeats.
        let ones = [1.0; 6];
        let x = [0.0, 1.0, 2.0, 0.0, 1.0, 2.0];
        let y = [1.1, 2.8, 5.1, 0.9, 3.2, 4.9];
        let design = Design::new("x", &[&ones, &x]).unwrap();
        let line = design.explain(&y, 2);
        assert!((line.coefficients[0] - 1.0).abs() < 1e-14 && (line.coefficients[1] - 2.0).abs() < 1e-14);
        assert!((line.residual_squares - 0.12).abs() < 1e-14);
        assert!((line.residuals[1] + 0.2).abs() < 1e-14);
        // X'X = [[6, 6], [6, 10]], inverse [[10, -6], [-6, 6]] / 24.
        assert!((design.inverse_diagonal(0, 2) - 10.0 / 24.0).abs() < 1e-14);
        assert!((design.inverse_diagonal(1, 2) - 6.0 / 24.0).abs() < 1e-14);
        assert!((design.explain(&y, 1).coefficients[0] - 3.0).abs() < 1e-14);
        assert!(Design::new("x", &[&ones, &ones]).is_err());
    }
}
