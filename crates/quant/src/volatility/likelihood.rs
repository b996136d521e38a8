//! # Room card: quant/volatility/likelihood
//! In:    returns in units of their deviation, parameters of a GARCH(1,1).
//! Out:   negative log-likelihood a return, its gradient, the outer product of the scores.
//! Holds: variances of `arch`'s conventions: backcast of the first 75 squares with weights 0.94ⁱ, its half for falls.
//! Costs: 5 ns a return for the value, 25 ns with the gradient; one logarithm for eight variances.
//!
//! T. Bollerslev (1986, 1987); L. Glosten, R. Jagannathan, D. Runkle (1993); conventions of K. Sheppard's `arch` 8.

use super::polytope::{Local, N, Point};
use crate::distributions::student_ln_constant;

/// Weights and length of the backcast.
const BACKCAST_DECAY: f64 = 0.94;
const BACKCAST_LENGTH: usize = 75;
/// Variances are multiplied this many at a time before one logarithm: each lies within 1e±30 of 1.
const PRODUCT: usize = 8;
const LN_2PI: f64 = 1.837_877_066_409_345_3;

/// The returns and what a likelihood of them always needs. Parameters are μ, ω, the weights of rises and of falls, β,
/// and 1/ν.
pub(super) struct Sample<'a> {
    pub(super) returns: &'a [f64],
    pub(super) backcast: f64,
    pub(super) student: bool,
    /// Falls have their own weight.
    pub(super) asymmetric: bool,
}

/// Places of the parameters in a point.
pub(super) const MU: usize = 0;
pub(super) const OMEGA: usize = 1;
pub(super) const RISE: usize = 2;
pub(super) const BETA: usize = 3;
/// The weight of falls, in a model that has one; 1/ν is the last parameter of a model that has it.
pub(super) const FALL: usize = 4;

/// The value from which the variance recursion starts: the weighted mean of the first squares about the mean.
pub(super) fn backcast(returns: &[f64]) -> f64 {
    let mean = returns.iter().sum::<f64>() / returns.len() as f64;
    let (mut weight, mut weights, mut sum) = (1.0, 0.0, 0.0);
    for r in returns.iter().take(BACKCAST_LENGTH) {
        sum += weight * (r - mean) * (r - mean);
        weights += weight;
        weight *= BACKCAST_DECAY;
    }
    sum / weights
}

/// Parameters in one shape for every model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights {
    pub(super) mu: f64,
    pub(super) omega: f64,
    pub(super) rise: f64,
    pub(super) fall: f64,
    pub(super) beta: f64,
    pub(super) inverse_nu: f64,
}

impl Sample<'_> {
    /// How many variables the model has.
    pub(super) fn variables(&self) -> usize {
        4 + usize::from(self.asymmetric) + usize::from(self.student)
    }

    pub(super) fn weights(&self, x: &Point) -> Weights {
        let fall = if self.asymmetric { x[FALL] } else { x[RISE] };
        let inverse_nu = if self.student { x[self.variables() - 1] } else { 0.0 };
        Weights { mu: x[MU], omega: x[OMEGA], rise: x[RISE], fall, beta: x[BETA], inverse_nu }
    }

    /// Constant and weight of the density: (constant, (ν+1)/2, ν - 2).
    fn density(&self, w: &Weights) -> (f64, f64, f64) {
        if !self.student {
            return (0.5 * LN_2PI, 0.0, 0.0);
        }
        let nu = 1.0 / w.inverse_nu;
        // The constant is that of ν; the density here has unit variance: √(ν/(ν-2)) of it.
        let constant = -student_ln_constant(nu) + 0.5 * libm::log((nu - 2.0) / nu);
        (constant, 0.5 * (nu + 1.0), nu - 2.0)
    }

    /// Negative log-likelihood a return.
    pub(super) fn value(&self, x: &Point) -> f64 {
        let w = self.weights(x);
        let (constant, power, spread) = self.density(&w);
        let inverse_spread = if self.student { 1.0 / spread } else { 0.0 };
        let mut variance = w.omega + (0.5 * (w.rise + w.fall) + w.beta) * self.backcast;
        let (mut logs, mut squares) = (0.0, 0.0);
        for chunk in self.returns.chunks(PRODUCT) {
            let (mut product, mut mixture) = (1.0, 1.0);
            for &r in chunk {
                let e = r - w.mu;
                let square = e * e;
                product *= variance;
                if self.student {
                    mixture *= 1.0 + square * inverse_spread / variance;
                } else {
                    squares += square / variance;
                }
                let weight = if e < 0.0 { w.fall } else { w.rise };
                variance = w.omega + weight * square + w.beta * variance;
            }
            logs += 0.5 * libm::log(product);
            if self.student {
                logs += power * libm::log(mixture);
            }
        }
        let value = constant + (logs + 0.5 * squares) / self.returns.len() as f64;
        if value.is_finite() { value } else { f64::INFINITY }
    }

    /// Value, gradient and the scores' outer product.
    pub(super) fn local(&self, x: &Point) -> Local {
        let w = self.weights(x);
        let (_, power, spread) = self.density(&w);
        let n = self.variables();
        let count = self.returns.len() as f64;
        let d_constant = if self.student { self.constant_slope(w.inverse_nu) } else { 0.0 };
        let mut variance = w.omega + (0.5 * (w.rise + w.fall) + w.beta) * self.backcast;
        // Derivatives of the variance with respect to μ, ω, rise, β, fall.
        let half = 0.5 * self.backcast;
        let mut dv = [0.0, 1.0, if self.asymmetric { half } else { self.backcast }, self.backcast, half];
        let mut gradient = [0.0; N];
        let mut outer = [[0.0; N]; N];
        for &r in self.returns {
            let e = r - w.mu;
            let square = e * e;
            let inverse = 1.0 / variance;
            let z2 = square * inverse;
            // d(-ln f)/dσ² and d(-ln f)/dμ.
            let (by_variance, by_mu, by_nu) = if self.student {
                let mix = 1.0 / (spread + z2);
                let pull = 2.0 * power * mix;
                (
                    0.5 * inverse * (1.0 - pull * z2),
                    -pull * e * inverse,
                    self.nu_score(w.inverse_nu, power, spread, z2, mix),
                )
            } else {
                (0.5 * inverse * (1.0 - z2), -e * inverse, 0.0)
            };
            let mut score = [0.0; N];
            for i in 0..5 {
                score[i] = by_variance * dv[i];
            }
            if !self.asymmetric {
                score[FALL] = 0.0;
            }
            score[MU] += by_mu;
            if self.student {
                score[n - 1] = by_nu + d_constant;
            }
            for i in 0..n {
                gradient[i] += score[i];
                for j in 0..=i {
                    outer[i][j] += score[i] * score[j];
                }
            }
            let falls = e < 0.0;
            let weight = if falls { w.fall } else { w.rise };
            let own = [
                -2.0 * weight * e,
                1.0,
                if falls && self.asymmetric { 0.0 } else { square },
                variance,
                if falls { square } else { 0.0 },
            ];
            for i in 0..5 {
                dv[i] = own[i] + w.beta * dv[i];
            }
            variance = w.omega + weight * square + w.beta * variance;
        }
        for i in 0..n {
            gradient[i] /= count;
            outer[i][..=i].iter_mut().for_each(|value| *value /= count);
            (0..i).for_each(|j| outer[j][i] = outer[i][j]);
        }
        Local { value: self.value(x), gradient, outer }
    }

    /// d constant / d(1/ν), by a central difference that keeps ten digits: the gradient of one variable of a smooth
    /// constant.
    fn constant_slope(&self, inverse_nu: f64) -> f64 {
        let step = 1e-5 * inverse_nu.max(1e-4);
        let at = |inverse: f64| {
            let nu = 1.0 / inverse;
            -student_ln_constant(nu) + 0.5 * libm::log((nu - 2.0) / nu)
        };
        let wide = (at(inverse_nu + 2.0 * step) - at(inverse_nu - 2.0 * step)) / (4.0 * step);
        let narrow = (at(inverse_nu + step) - at(inverse_nu - step)) / (2.0 * step);
        (4.0 * narrow - wide) / 3.0
    }

    /// d/d(1/ν) of (ν+1)/2 · ln(1 + z²/(ν-2)).
    fn nu_score(&self, inverse_nu: f64, power: f64, spread: f64, z2: f64, mix: f64) -> f64 {
        let by_nu = 0.5 * libm::log1p(z2 / spread) - power * z2 * mix / spread;
        -by_nu / (inverse_nu * inverse_nu)
    }

    /// Variances of every return, and of the one after the last.
    pub(super) fn variances(&self, w: &Weights) -> (Vec<f64>, f64) {
        let mut variance = w.omega + (0.5 * (w.rise + w.fall) + w.beta) * self.backcast;
        let mut path = Vec::with_capacity(self.returns.len());
        for &r in self.returns {
            path.push(variance);
            let e = r - w.mu;
            let weight = if e < 0.0 { w.fall } else { w.rise };
            variance = w.omega + weight * e * e + w.beta * variance;
        }
        (path, variance)
    }
}
