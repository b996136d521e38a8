//! # Room card: quant/optimise/program
//! In:    a convex quadratic form, a linear one, a region.
//! Out:   `Program`, its gradient and the sizes that rounding is measured by; `Optimum`, what solving it ends with.
//! Holds: the Hessian is symmetric to the last bit.
//! Costs: O(N²) a gradient, the columns of zeros left out.
use super::factor::add_scaled;
use super::region::Region;

/// The usual ridge: steps are those of the proximal-point method. Large enough that rows stay apart under (H + ridge)⁻¹
/// where H is singular; small enough that curvatures of consequence settle within a few steps.
pub(crate) const RIDGE: f64 = 1e-9;
/// A convex quadratic program; `hessian` column-major and symmetric.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub size: usize,
    pub hessian: Vec<f64>,
    pub linear: Vec<f64>,
    pub region: Region,
    /// Relative to the diagonal: what is added to H where a step is computed.
    pub ridge: f64,
    /// What the square of each variable counts where optima are many; above 0.
    pub tie: Vec<f64>,
}

impl Program {
    pub fn column(&self, index: usize) -> &[f64] {
        &self.hessian[index * self.size..(index + 1) * self.size]
    }

    /// H x + q.
    pub fn gradient(&self, x: &[f64]) -> Vec<f64> {
        let mut gradient = self.linear.clone();
        for (index, &value) in x.iter().enumerate().filter(|(_, value)| **value != 0.0) {
            add_scaled(&mut gradient, value, self.column(index));
        }
        gradient
    }

    /// A bound on the terms that a gradient is made of: what its rounding errors are relative to.
    pub fn gradient_scale(&self, x: &[f64]) -> f64 {
        let (mut reach, mut widest) = (0.0, 0.0f64);
        for (index, value) in x.iter().enumerate() {
            let root = self.hessian[index * (self.size + 1)].max(0.0).sqrt();
            reach += root * value.abs();
            widest = widest.max(root);
        }
        let linear = self.linear.iter().fold(0.0f64, |most, value| most.max(value.abs()));
        let cost = self.region.trading.iter().flat_map(|t| t.buy.iter().chain(&t.sell)).fold(0.0f64, |m, &c| m.max(c));
        (widest * reach + linear + cost).max(f64::MIN_POSITIVE)
    }

    /// The largest sum of the sizes of the terms that one element of the gradient is made of: what a residual is
    /// relative to.
    pub fn terms(&self, x: &[f64]) -> f64 {
        let mut terms: Vec<f64> = self.linear.iter().map(|value| value.abs()).collect();
        for (index, &value) in x.iter().enumerate().filter(|(_, value)| **value != 0.0) {
            terms.iter_mut().zip(self.column(index)).for_each(|(term, entry)| *term += (value * entry).abs());
        }
        if let Some(trading) = &self.region.trading {
            let costs = trading.buy.iter().zip(&trading.sell);
            terms.iter_mut().zip(costs).for_each(|(term, (buy, sell))| *term += buy.max(*sell));
        }
        // A portfolio without risk has no terms; it is without risk to the rounding of its variables.
        let largest = (0..self.size).fold(0.0f64, |most, index| most.max(self.hessian[index * (self.size + 1)]));
        let rounding = f64::EPSILON * largest * x.iter().fold(0.0f64, |most, value| most.max(value.abs()));
        terms.into_iter().fold(rounding.max(f64::MIN_POSITIVE), f64::max)
    }

    /// The size of what variables can be: of the start, of bounds, of the ends of rows.
    pub fn extent(&self, start: &[f64]) -> f64 {
        let region = &self.region;
        let ends = region.rows.iter().flat_map(|row| [row.lower, row.upper]);
        let all = start.iter().chain(&region.lower).chain(&region.upper).copied().chain(ends);
        all.filter(|value| value.is_finite()).fold(0.0f64, |most, value| most.max(value.abs())).max(f64::MIN_POSITIVE)
    }
}

/// Where the walk ended.
#[derive(Clone, Debug)]
pub(crate) struct Optimum {
    pub x: Vec<f64>,
    /// Largest violation of the optimality conditions, relative to the gradient's terms.
    pub residual: f64,
    /// Steps made.
    pub steps: usize,
    /// Variables between their bounds.
    pub free: Vec<usize>,
    /// One for each row, then one for turnover: at least 0 at a lower end, at most 0 at an upper one.
    pub multipliers: Vec<f64>,
    /// Gradient less the rows' multipliers, for each variable.
    pub reduced: Vec<f64>,
    /// The least pivot that a variable had when it was freed, relative to its diagonal; 0 where it would say nothing.
    pub least_pivot: f64,
}
