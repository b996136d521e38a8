//! # Room card: quant/optimise/orthogonal
//! In:    vectors of one length, one at a time.
//! Out:   orthonormal directions that span them, the triangle that joins both, what of a vector lies across them.
//! Holds: directions are orthogonal to rounding (each is cleared twice); what those before it imply is refused.
//! Costs: O(n r) a vector with r directions; for the few rows at work.
use super::factor::{add_scaled, dot};

/// A vector with less than this of its length across the directions is one of their combinations.
const DEPENDENT: f64 = 1e-12;

/// Q and R of the vectors that were taken.
#[derive(Default)]
pub(crate) struct Orthogonal {
    directions: Vec<Vec<f64>>,
    /// Columns of R, the diagonal last.
    triangle: Vec<Vec<f64>>,
}

impl Orthogonal {
    /// Takes in a vector; false where the ones before imply it.
    pub fn push(&mut self, mut vector: Vec<f64>) -> bool {
        let size = dot(&vector, &vector).sqrt();
        let mut column = self.clear(&mut vector);
        let length = dot(&vector, &vector).sqrt();
        if length <= DEPENDENT * size {
            return false;
        }
        vector.iter_mut().for_each(|value| *value /= length);
        column.push(length);
        self.directions.push(vector);
        self.triangle.push(column);
        true
    }

    /// The directions, in order.
    pub fn directions(&self) -> &[Vec<f64>] {
        &self.directions
    }

    /// Takes out of a vector what lies along the directions, and says how much of each that was.
    pub fn clear(&self, vector: &mut [f64]) -> Vec<f64> {
        let mut along = vec![0.0; self.directions.len()];
        for _ in 0..2 {
            for (amount, direction) in along.iter_mut().zip(&self.directions) {
                let product = dot(direction, vector);
                *amount += product;
                add_scaled(vector, -product, direction);
            }
        }
        along
    }

    /// Amounts of the vectors that make `along` of the directions: R z = along.
    pub fn amounts(&self, mut along: Vec<f64>) -> Vec<f64> {
        for row in (0..along.len()).rev() {
            let value = along[row] / self.triangle[row][row];
            along[row] = value;
            add_scaled(&mut along[..row], -value, &self.triangle[row][..row]);
        }
        along
    }

    /// The shortest vector whose products with the vectors are `right`: Q z with Rᵀ z = right.
    pub fn shortest(&self, mut right: Vec<f64>, length: usize) -> Vec<f64> {
        let mut shortest = vec![0.0; length];
        for row in 0..right.len() {
            let done = dot(&self.triangle[row][..row], &right[..row]);
            right[row] = (right[row] - done) / self.triangle[row][row];
            add_scaled(&mut shortest, right[row], &self.directions[row]);
        }
        shortest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_made_again_of_directions_and_triangle() {
        let vectors = [vec![1.0, 1e-4, 2e-4, 0.0], vec![1.0, 1e-4, -1e-4, 3e-4], vec![0.0, 2.0, 1.0, -1.0]];
        let mut basis = Orthogonal::default();
        assert!(vectors.iter().all(|vector| basis.push(vector.clone())));
        let sum: Vec<f64> = (0..4).map(|at| vectors[0][at] - vectors[1][at] + 0.5 * vectors[2][at]).collect();
        assert!(!basis.push(sum.clone()), "a combination");
        let mut rest = sum.clone();
        let amounts = basis.amounts(basis.clear(&mut rest));
        assert!(rest.iter().all(|value| value.abs() < 1e-15), "{rest:?}");
        for (amount, expected) in amounts.iter().zip([1.0, -1.0, 0.5]) {
            assert!((amount - expected).abs() < 1e-11, "{amounts:?}");
        }
        let shortest = basis.shortest(vec![1.0, 1.0, 3.0], 4);
        for (vector, product) in vectors.iter().zip([1.0, 1.0, 3.0]) {
            assert!((dot(vector, &shortest) - product).abs() < 1e-12, "{shortest:?}");
        }
        basis.clear(&mut shortest.clone()).iter().for_each(|along| assert!(along.is_finite()));
    }
}
