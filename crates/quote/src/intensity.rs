//! # Room card: quote/intensity
//! In:    how long one side was quoted and how far from the mid; each of its fills; the arrival rate A, which is given.
//! Out:   κ of λ(d) = A·e^(-κd), 1/price, for that side.
//! Holds: A and κ are never fitted together; the answer is never NaN and always within its stated bounds.
//! Costs: two additions a call; a logarithm at each fill and once per quoted second.
//!
//! **The statistic.** d is the distance from the mid to our quote, in price units, while it was quoted (not the spread
//! δ). The prior is a stretch of b0 seconds quoted at distance d0 with a0 fills, and joins every sum as just that:
//! ```text
//! λ̂      = (fills + a0) / (seconds + b0)
//! mean d = (Σ distance·seconds + d0·b0) / (seconds + b0)         (mean over quoted time, the prior's seconds included)
//! κ̂      = ln(A / λ̂) / mean d,  clamped to [min, max]
//! b0     = the configured prior seconds, or, when 0, a0 / (A·e^(-κ0·d0)), so that the prior alone gives κ0
//! ```
//! The mean is over time because λ̂ is: with one distance throughout, κ̂ is then the maximum-likelihood estimate. Where
//! the distance varies with variance v, λ̂/A estimates the time mean of e^(-κd), so κ̂ is low by about κ²·v/(2·mean d);
//! a mean over fills would be high by about as much, and has no value before the first fill.
//! A fill is one execution report, whatever its lots: A counts market orders, and a market order fills a quote once.
use types::config::IntensityCalibration;

/// Quoted seconds between two refreshes of κ where nothing fills.
pub const REFRESH_SECONDS: f64 = 1.0;

/// What the prior says, for reports.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PriorSummary {
    /// Arrival rate A, 1/s: given.
    pub arrivals_per_second: f64,
    /// Pseudo-fills a0.
    pub fills: f64,
    /// Pseudo-seconds b0 (computed when configured as 0).
    pub seconds: f64,
    /// Distance d0, price units.
    pub distance_price: f64,
    /// a0 / b0, 1/s.
    pub fills_per_second: f64,
    /// κ of the prior alone, 1/price, clamped.
    pub decay_per_price: f64,
}

/// κ of one side from its own fills.
#[derive(Clone, Debug)]
pub struct IntensityEstimator {
    calibration: IntensityCalibration,
    /// κ0: what the prior means when the formula gives no number.
    fallback_per_price: f64,
    prior_seconds: f64,
    fills: f64,
    seconds: f64,
    distance_seconds: f64,
    unrefreshed_seconds: f64,
    decay_per_price: f64,
}

impl IntensityEstimator {
    /// An estimator that knows only its prior. `prior_decay_per_price` is κ0.
    pub fn new(calibration: IntensityCalibration, prior_decay_per_price: f64) -> IntensityEstimator {
        let mut estimator = IntensityEstimator {
            calibration,
            fallback_per_price: prior_decay_per_price,
            prior_seconds: 0.0,
            fills: 0.0,
            seconds: 0.0,
            distance_seconds: 0.0,
            unrefreshed_seconds: 0.0,
            decay_per_price: prior_decay_per_price,
        };
        estimator.set_prior(calibration, prior_decay_per_price);
        estimator
    }

    /// Another prior, A or bounds; what was observed is kept.
    pub fn set_prior(&mut self, calibration: IntensityCalibration, prior_decay_per_price: f64) {
        self.prior_seconds = if calibration.prior_seconds > 0.0 {
            calibration.prior_seconds
        } else {
            let exponent = -prior_decay_per_price * calibration.prior_distance_price;
            calibration.prior_fills / (calibration.arrivals_per_second * libm::exp(exponent))
        };
        (self.calibration, self.fallback_per_price) = (calibration, prior_decay_per_price);
        self.refresh();
    }

    /// The side was quoted for `seconds` at `distance_price` from the mid. A distance below zero (a quote beyond the
    /// mid) counts as zero: the model's intensity ends at A. Time that is not positive and numbers that are not finite
    /// are ignored. `true` when κ was refreshed.
    #[inline]
    pub fn on_quoted(&mut self, seconds: f64, distance_price: f64) -> bool {
        if !(seconds > 0.0 && seconds.is_finite() && distance_price.is_finite()) {
            return false;
        }
        self.seconds += seconds;
        self.distance_seconds += seconds * if distance_price > 0.0 { distance_price } else { 0.0 };
        self.unrefreshed_seconds += seconds;
        let due = self.unrefreshed_seconds >= REFRESH_SECONDS;
        if due {
            self.refresh();
        }
        due
    }

    /// The side had one fill (one execution report of any size); κ is refreshed. Where the fill happened needs no
    /// argument: the distance is a mean over quoted time.
    pub fn on_fill(&mut self) {
        self.fills += 1.0;
        self.refresh();
    }

    /// κ as of the last refresh, 1/price.
    #[inline]
    pub fn decay_per_price(&self) -> f64 {
        self.decay_per_price
    }

    /// Fills observed, without the prior's.
    pub fn fills(&self) -> f64 {
        self.fills
    }

    /// Seconds quoted, without the prior's.
    pub fn quoted_seconds(&self) -> f64 {
        self.seconds
    }

    /// What the prior says.
    pub fn prior_summary(&self) -> PriorSummary {
        PriorSummary {
            arrivals_per_second: self.calibration.arrivals_per_second,
            fills: self.calibration.prior_fills,
            seconds: self.prior_seconds,
            distance_price: self.calibration.prior_distance_price,
            fills_per_second: self.calibration.prior_fills / self.prior_seconds,
            decay_per_price: self.estimate(0.0, 0.0, 0.0),
        }
    }

    fn refresh(&mut self) {
        self.unrefreshed_seconds = 0.0;
        self.decay_per_price = self.estimate(self.fills, self.seconds, self.distance_seconds);
    }

    fn estimate(&self, fills: f64, seconds: f64, distance_seconds: f64) -> f64 {
        let (prior, total) = (&self.calibration, seconds + self.prior_seconds);
        let fills_per_second = (fills + prior.prior_fills) / total;
        let mean_distance = (distance_seconds + prior.prior_distance_price * self.prior_seconds) / total;
        let decay = libm::log(prior.arrivals_per_second / fills_per_second) / mean_distance;
        // A prior too strong for a float (b0 infinite) gives no number: then it holds as stated.
        bounded(if decay.is_nan() { self.fallback_per_price } else { decay }, prior.min_per_price, prior.max_per_price)
    }
}

/// `clamp` that cannot panic and never returns NaN for bounds that are numbers.
fn bounded(value: f64, min: f64, max: f64) -> f64 {
    if value < max { if value > min { value } else { min } } else { max }
}
