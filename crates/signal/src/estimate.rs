//! # Room card: signal/estimate
//! In:    σ and its standard error from one of the volatility estimators.
//! Out:   `VolatilityEstimate` with its 95 % interval.
//! Holds: the interval is positive: it is symmetric in ln σ, whose distribution is nearer to normal than that of σ².
//! Costs: one exponential for an interval.

/// A volatility with what is known about its error.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct VolatilityEstimate {
    /// σ, price units per √second.
    pub sigma: f64,
    /// Standard error of σ, price units per √second, if σ was constant over the window.
    pub standard_error: f64,
    /// Standard deviation of the noise of one observation, price units; 0 where the estimator takes none into
    /// account.
    pub noise: f64,
    /// Mids the estimate rests on.
    pub samples: u64,
}

impl VolatilityEstimate {
    /// The interval that covers the true σ in 95 % of samples: σ·e^(±1.96·standard error/σ).
    pub fn interval_95(&self) -> (f64, f64) {
        const NORMAL_975: f64 = 1.959_963_984_540_054;
        if self.sigma > 0.0 {
            let width = libm::exp(NORMAL_975 * self.standard_error / self.sigma);
            (self.sigma / width, self.sigma * width)
        } else {
            (self.sigma, self.sigma)
        }
    }
}
