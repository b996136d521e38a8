//! # Room card: quant/allocate/ratio
//! In:    a covariance, rewards of the assets (excess returns, volatilities), constraints.
//! Out:   the weights with the highest reward over volatility; the point of the frontier with a volatility.
//! Holds: found on the frontier of ½ wᵀΣw − θ × reward: at the best ratio θ is variance over reward; any constraints
//!        may hold.
//! Costs: some five to ten quadratic programs, each from the last one's optimum.
use super::simple::portfolio_variance;
use super::{covariance_of, volatilities};
use crate::error::finite;
use crate::matrix::checked_vector_of;
use crate::optimise::{Allocation, Constraints, Optimum, Region, Scaled};
use crate::{JobControl, Matrix, QuantError};

/// Points of the frontier that are looked at.
const POINTS_MAX: usize = 200;

/// Weights with the highest ratio.
#[derive(Clone, Debug, PartialEq)]
pub struct RatioWeights {
    /// One for each asset.
    pub weights: Vec<f64>,
    /// Reward over volatility, per period of the covariance: Sharpe ratio, or diversification ratio.
    pub ratio: f64,
    /// As in `Allocation`.
    pub residual: f64,
    /// As in `Allocation`.
    pub steps: usize,
}

/// The weights with the highest Sharpe ratio (μᵀw − rf Σw − costs)/√(wᵀΣw).
///
/// Errors: `QUANT_UNDEFINED` where no portfolio earns more than the risk-free rate, or none is best; those of
/// `minimum_variance`.
pub fn maximum_sharpe(
    expected: &[f64],
    covariance: Matrix<'_>,
    risk_free: f64,
    constraints: &Constraints,
    control: &JobControl<'_>,
) -> Result<RatioWeights, QuantError> {
    let n = covariance.columns();
    let matrix = covariance_of(covariance)?;
    checked_vector_of("expected returns", expected, n)?;
    finite("risk-free rate", risk_free)?;
    let excess: Vec<f64> = expected.iter().map(|mean| mean - risk_free).collect();
    let region = Region::new(constraints, n)?;
    Frontier::new(matrix.values(), &excess, &region, control)?.best_ratio()
}

/// The weights with the highest diversification ratio σᵀw/√(wᵀΣw) (Choueifaty and Coignard 2008).
///
/// Errors: `QUANT_CONSTANT` for an asset without variance; those of `minimum_variance`.
pub fn maximum_diversification(
    covariance: Matrix<'_>,
    constraints: &Constraints,
    control: &JobControl<'_>,
) -> Result<RatioWeights, QuantError> {
    let matrix = covariance_of(covariance)?;
    let sigma = volatilities(&matrix)?;
    let region = Region::new(constraints, sigma.len())?;
    Frontier::new(matrix.values(), &sigma, &region, control)?.best_ratio()
}

/// The frontier ½ wᵀΣw − θ (rewardᵀw − costs), θ from 0 up.
pub(crate) struct Frontier<'a> {
    covariance: &'a [f64],
    reward: &'a [f64],
    region: &'a Region,
    scaled: Scaled,
    last: Vec<f64>,
    steps: usize,
    control: &'a JobControl<'a>,
}

/// A point of the frontier.
struct Point {
    theta: f64,
    variance: f64,
    reward: f64,
    optimum: Optimum,
}

impl<'a> Frontier<'a> {
    pub fn new(
        covariance: &'a [f64],
        reward: &'a [f64],
        region: &'a Region,
        control: &'a JobControl<'a>,
    ) -> Result<Frontier<'a>, QuantError> {
        let scaled = Scaled::new(covariance, 1.0, &vec![0.0; reward.len()], region)?;
        control.progress(0, POINTS_MAX as u64);
        let last = scaled.start(control)?;
        Ok(Frontier { covariance, reward, region, scaled, last, steps: 0, control })
    }

    fn at(&mut self, theta: f64) -> Result<Point, QuantError> {
        self.scaled.set_reward(theta, self.reward, self.region);
        let optimum = self.scaled.optimum(&self.last, self.control)?;
        let weights = self.scaled.weights(&optimum.x);
        let variance = portfolio_variance(&weights, self.covariance);
        let gross: f64 = weights.iter().zip(self.reward).map(|(weight, reward)| weight * reward).sum();
        let reward = gross - self.costs(&weights);
        self.last.clone_from(&optimum.x);
        self.steps += optimum.steps;
        Ok(Point { theta, variance, reward, optimum })
    }

    fn costs(&self, weights: &[f64]) -> f64 {
        self.region.trading.as_ref().map_or(0.0, |trading| trading.cost(weights))
    }

    /// Where θ × reward − variance crosses zero; it is linear in θ while the active set stays the same.
    pub fn best_ratio(mut self) -> Result<RatioWeights, QuantError> {
        let root = self.root(|point| point.theta * point.reward - point.variance, |point| point.variance)?;
        if root.reward <= 0.0 {
            return Err(QuantError::Undefined { what: "highest ratio", why: "no portfolio has a positive reward" });
        }
        let ratio = root.reward / root.variance.max(f64::MIN_POSITIVE).sqrt();
        let found = self.finish(root)?;
        Ok(RatioWeights { weights: found.weights, ratio, residual: found.residual, steps: found.steps })
    }

    /// The most rewarding point with at most a volatility.
    ///
    /// Errors: `QUANT_INFEASIBLE` where the least volatility is above `target`.
    pub fn at_volatility(mut self, target: f64) -> Result<Allocation, QuantError> {
        let least = self.at(0.0)?;
        if least.variance > target * target * (1.0 + 1e-12) {
            return Err(QuantError::Infeasible { constraints: vec!["target volatility".to_string()] });
        }
        // By standard deviation, which is nearly linear in θ where the variance is far from its least.
        let found = self.root(|point| point.variance.sqrt() - target, |_| target);
        match found {
            Ok(root) => self.finish(root),
            // No θ reaches the target: the constraints hold volatility below it, and the highest reward is the answer.
            Err(QuantError::Undefined { .. }) => {
                let far = self.far();
                let point = self.at(far)?;
                self.finish(point)
            }
            Err(other) => Err(other),
        }
    }

    fn finish(self, point: Point) -> Result<Allocation, QuantError> {
        let steps = self.steps;
        let optimum = self.scaled.smallest(point.optimum, self.control)?;
        self.control.progress(POINTS_MAX as u64, POINTS_MAX as u64);
        Ok(Allocation { steps, ..self.scaled.allocation(optimum) })
    }

    /// The unit of θ: variance over reward.
    fn unit(&self) -> f64 {
        let n = self.reward.len();
        let variance = (0..n).map(|asset| self.covariance[asset * (n + 1)]).fold(0.0, f64::max);
        let reward = self.reward.iter().fold(0.0f64, |most, value| most.max(value.abs()));
        if variance > 0.0 && reward > 0.0 { variance / reward } else { 1.0 }
    }

    /// A θ beyond which only rewards count.
    fn far(&self) -> f64 {
        self.unit() * 1e9
    }

    /// The root in θ of `function`, below zero at 0: doubling, then the secant with halves of the bracket between.
    fn root(&mut self, function: impl Fn(&Point) -> f64, size: impl Fn(&Point) -> f64) -> Result<Point, QuantError> {
        let mut low = self.at(0.0)?;
        let mut at_low = function(&low);
        if low.variance <= 1e-15 * self.unit() * self.reward.iter().fold(0.0f64, |m, r| m.max(r.abs())) {
            low = self.at(self.unit() * 1e-9)?; // riskless: among its kind the one with the highest reward
            if low.reward > 0.0 && function(&low) >= 0.0 {
                return Ok(low);
            }
            at_low = function(&low);
        }
        let guess = if low.reward > 0.0 { low.variance / low.reward } else { self.unit() };
        let mut high = self.at(guess.clamp(self.unit() * 1e-6, self.unit() * 1e3))?;
        while function(&high) < 0.0 {
            if high.theta > self.far() {
                return Err(QuantError::Undefined {
                    what: "highest ratio",
                    why: "no portfolio has a positive reward, or none is best",
                });
            }
            (at_low, low) = (function(&high), high);
            high = self.at(low.theta * 8.0)?;
        }
        let mut at_high = function(&high);
        let mut width = f64::INFINITY;
        for round in 0..POINTS_MAX {
            self.control.progress(round as u64, POINTS_MAX as u64);
            let slack = 1e-14 * (size(&high).abs() + high.variance.max(high.theta * high.reward.abs()));
            if at_high <= slack || high.theta - low.theta <= 1e-15 * high.theta {
                return Ok(high);
            }
            let secant = low.theta - at_low * (high.theta - low.theta) / (at_high - at_low);
            // Every third round the middle, so that a bracket with one lazy end still closes.
            let lazy = round % 3 == 2 && high.theta - low.theta > 0.25 * width;
            if round % 3 == 2 {
                width = high.theta - low.theta;
            }
            let inside = secant > low.theta && secant < high.theta;
            let theta = if lazy || !inside { 0.5 * (low.theta + high.theta) } else { secant };
            let point = self.at(theta)?;
            let value = function(&point);
            if value.abs() <= slack {
                return Ok(point);
            }
            match value < 0.0 {
                true => (at_low, low) = (value, point),
                false => (at_high, high) = (value, point),
            }
        }
        Err(QuantError::NotConverged { what: "frontier", iterations: POINTS_MAX, residual: at_high / size(&high) })
    }
}
