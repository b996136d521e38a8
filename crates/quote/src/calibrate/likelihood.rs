//! # Room card: quote/calibrate/likelihood
//! In:    the sufficient statistics of a sample: orders, depths' sum, watched seconds by depth.
//! Out:   the maximum of the likelihood of A and κ, standard errors, profile-likelihood intervals.
//! Holds: the likelihood profiled over A is concave in κ, so the one root found is the maximum.
//! Costs: cold: some thousand exponentials for each stretch of watched time at most.
//!
//! With n orders (m of them not cut off), depths' sum D, T_j seconds in which δ_j is the nearest depth that can be
//! seen,
//! ```text
//! ln L(A, κ) = n·ln A + m·g(κ) - κ·D - A·Σ T_j·e^(-κδ_j)
//! g(κ) = ln κ                depths measured exactly
//!      = ln(1 - e^(-κτ))     depths known to the next lower level of a grid with step τ (a geometric law)
//!      = 0                   only where an order was met is known (our own fills)
//! ```
//! With one T and the first two kinds the maximum is in closed form (κ = m/Σ(d - δ0); κ = ln(1 + m/Σ steps)/τ;
//! A = n/T·e^(κδ0)), and the root found here is that.
use types::{Code, Fault};

use crate::model::number_text;

/// Half of the 95 % point of χ² with one degree of freedom: how far ln L falls at the ends of an interval.
const LIKELIHOOD_DROP: f64 = 1.920_729_410_347_062_3;
/// Doublings or halvings of a bracket: from any float to any other it takes no more.
const BRACKET_STEPS_MAX: u32 = 2_100;
/// Bisections of a bracket: enough for two neighbouring floats.
const BISECTIONS_MAX: u32 = 200;

/// A value with how well it is known.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FitInterval {
    /// The estimate.
    pub value: f64,
    /// Its standard error, from the observed information.
    pub standard_error: f64,
    /// Lower end of the 95 % interval by profile likelihood.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A and κ with their errors.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct IntensityFit {
    /// A, 1/second.
    pub arrivals_per_second: FitInterval,
    /// κ, 1/price.
    pub decay_per_price: FitInterval,
    /// Correlation of the errors of ln A and κ.
    pub correlation: f64,
    /// Orders (or fills) that went in.
    pub orders: f64,
    /// Seconds watched.
    pub seconds: f64,
}

/// Why there is no estimate.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum FitRefusal {
    /// Fewer orders than an estimate needs.
    TooFew {
        /// Orders there are.
        orders: f64,
        /// Orders needed.
        needed: f64,
    },
    /// No watched time, or none at a depth that counts.
    NoTime,
    /// Every order reached the nearest level only: the likelihood grows with κ for ever.
    OneDepth,
    /// The intensity does not fall with depth: the best κ is zero or below.
    DecayNotPositive,
    /// Too few levels with orders for a line.
    EmptyBins {
        /// Levels with orders.
        filled: usize,
        /// Levels needed.
        needed: usize,
    },
    /// Own fills: too few, at distances too similar, to tell κ.
    Uninformative {
        /// (κ0 / standard error of κ)² of the sample.
        information: f64,
        /// What is needed.
        needed: f64,
    },
    /// An argument outside its range.
    OutOfRange {
        /// Which.
        name: &'static str,
        /// What it was.
        value: f64,
    },
}

impl FitRefusal {
    /// The code users match on.
    pub const fn code(self) -> Code {
        match self {
            FitRefusal::OutOfRange { .. } => Code::ParameterOutOfRange,
            _ => Code::CalibrationRefused,
        }
    }

    /// A word for reports: why.
    pub const fn reason(self) -> &'static str {
        match self {
            FitRefusal::TooFew { .. } => "tooFew",
            FitRefusal::NoTime => "noTime",
            FitRefusal::OneDepth => "oneDepth",
            FitRefusal::DecayNotPositive => "decayNotPositive",
            FitRefusal::EmptyBins { .. } => "emptyBins",
            FitRefusal::Uninformative { .. } => "uninformative",
            FitRefusal::OutOfRange { .. } => "outOfRange",
        }
    }

    /// As a fault with its fields, for cold paths.
    pub fn to_fault(self) -> Fault {
        let mut fields = vec![("reason", self.reason().to_string())];
        let message = match self {
            FitRefusal::TooFew { orders, needed } => {
                fields.extend([("orders", number_text(orders)), ("needed", number_text(needed))]);
                format!("{orders} orders are too few for an estimate: {needed} are needed")
            }
            FitRefusal::NoTime => "no watched time: a rate needs seconds".to_string(),
            FitRefusal::OneDepth => "every order reached the nearest level only: κ has no finite estimate".to_string(),
            FitRefusal::DecayNotPositive => "orders do not thin out with depth: κ would be zero or below".to_string(),
            FitRefusal::EmptyBins { filled, needed } => {
                fields.extend([("filled", filled.to_string()), ("needed", needed.to_string())]);
                format!("{filled} levels have orders: a line needs {needed}")
            }
            FitRefusal::Uninformative { information, needed } => {
                fields.extend([("information", number_text(information)), ("needed", number_text(needed))]);
                format!("the fills' information on κ is {information}: {needed} is needed")
            }
            FitRefusal::OutOfRange { name, value } => {
                fields.extend([("name", name.to_string()), ("value", number_text(value))]);
                format!("{name} is {value}, which cannot be used")
            }
        };
        Fault::new(self.code(), message, fields)
    }
}

/// How depths are known.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Kernel {
    /// Exactly.
    Continuous,
    /// To the next lower level of a grid with this step, price units.
    Grid(f64),
    /// Only that they reached where they were met.
    Met,
}

impl Kernel {
    /// g and its first two derivatives at κ.
    pub(super) fn terms(self, decay: f64) -> [f64; 3] {
        match self {
            Kernel::Continuous => [libm::log(decay), 1.0 / decay, -1.0 / (decay * decay)],
            Kernel::Grid(step) => {
                let beyond = libm::expm1(decay * step);
                let slope = step / beyond;
                // -τ²·e^(κτ)/(e^(κτ) - 1)², with the exponential taken as 1 + what `expm1` gave.
                [libm::log(-libm::expm1(-decay * step)), slope, -slope * (slope + step)]
            }
            Kernel::Met => [0.0; 3],
        }
    }
}

/// The sufficient statistics. Depths are measured from `nearest`, so that no exponential under- or overflows.
#[derive(Clone, Debug)]
pub(super) struct Likelihood {
    kernel: Kernel,
    orders: f64,
    uncut: f64,
    /// Σ(depth - nearest) of all orders.
    excess: f64,
    /// Nearest depth with watched time, price units.
    nearest: f64,
    /// (seconds, depth - nearest), seconds above zero.
    watched: Vec<(f64, f64)>,
}

/// Σ T_j·x_j^p·e^(-κx_j) for p = 0, 1, 2.
type Moments = [f64; 3];

impl Likelihood {
    /// `depth_sum` is Σ depth of all orders; `watched` are (seconds, depth in price units). Errors: `NoTime`,
    /// `OutOfRange` where a sum is not finite.
    pub(super) fn new(
        kernel: Kernel,
        orders: f64,
        uncut: f64,
        depth_sum: f64,
        watched: impl Iterator<Item = (f64, f64)>,
    ) -> Result<Likelihood, FitRefusal> {
        let mut watched: Vec<(f64, f64)> = watched.filter(|(seconds, _)| *seconds > 0.0).collect();
        let nearest = watched.iter().fold(f64::INFINITY, |nearest, (_, depth)| nearest.min(*depth));
        if watched.is_empty() {
            return Err(FitRefusal::NoTime);
        }
        for (_, depth) in &mut watched {
            *depth -= nearest;
        }
        let likelihood = Likelihood { kernel, orders, uncut, excess: depth_sum - orders * nearest, nearest, watched };
        let [seconds, reach, spread] = likelihood.moments(0.0);
        for (name, value) in [("seconds", seconds), ("depth", reach), ("depth", spread), ("depth", likelihood.excess)] {
            if !value.is_finite() {
                return Err(FitRefusal::OutOfRange { name, value });
            }
        }
        Ok(likelihood)
    }

    pub(super) fn seconds(&self) -> f64 {
        self.watched.iter().map(|(seconds, _)| seconds).sum()
    }

    fn moments(&self, decay: f64) -> Moments {
        self.watched.iter().fold([0.0; 3], |[zero, one, two], (seconds, depth)| {
            let weight = seconds * libm::exp(-decay * depth);
            [zero + weight, one + weight * depth, two + weight * depth * depth]
        })
    }

    /// Slope in κ of ln L profiled over A: above zero left of the maximum, below right of it.
    fn profile_slope(&self, decay: f64) -> f64 {
        let [zero, one, _] = self.moments(decay);
        self.orders * (one / zero) + self.uncut * self.kernel.terms(decay)[1] - self.excess
    }

    /// ln L at the best A for this κ, up to a constant.
    fn profile(&self, decay: f64) -> f64 {
        -self.orders * libm::log(self.moments(decay)[0]) + self.uncut * self.kernel.terms(decay)[0]
            - decay * self.excess
    }

    /// ln L at the best κ for this A, up to the same constant.
    fn profile_of_arrivals(&self, log_arrivals: f64, guess: f64) -> f64 {
        let slope = |decay: f64| {
            let [zero, one, _] = self.moments(decay);
            let rate = libm::exp(log_arrivals - decay * self.nearest);
            // d/dκ: orders at `nearest` as well, since A and not the rate there is held.
            self.uncut * self.kernel.terms(decay)[1] - self.excess - self.orders * self.nearest
                + rate * (one + self.nearest * zero)
        };
        let Some(decay) = root(slope, guess) else { return f64::NEG_INFINITY };
        let log_rate = log_arrivals - decay * self.nearest;
        let expected = libm::exp(log_rate) * self.moments(decay)[0];
        // `profile` leaves out n·ln n - n.
        let constant = self.orders * (libm::log(self.orders) - 1.0);
        self.orders * log_rate - expected - constant + self.uncut * self.kernel.terms(decay)[0] - decay * self.excess
    }

    /// The maximum. Errors: `TooFew` below `needed` orders, `OneDepth`, `DecayNotPositive`.
    pub(super) fn fit(&self, needed: f64) -> Result<IntensityFit, FitRefusal> {
        if !above_zero(self.orders) || self.orders < needed {
            return Err(FitRefusal::TooFew { orders: self.orders, needed });
        }
        let scale = self.scale();
        if !above_zero(scale) || !above_zero(self.excess) {
            return Err(FitRefusal::OneDepth);
        }
        let guess = 1.0 / scale;
        let Some(decay) = root(|decay| self.profile_slope(decay), guess) else {
            return Err(FitRefusal::DecayNotPositive);
        };
        let [zero, one, two] = self.moments(decay);
        // Information of (ln rate at `nearest`, κ), then of (ln A, κ): ln A = ln rate + κ·nearest.
        let rate = self.orders / zero;
        let information = rate * (two - one * one / zero) - self.uncut * self.kernel.terms(decay)[2];
        if !above_zero(information) {
            return Err(FitRefusal::OneDepth);
        }
        let decay_variance = 1.0 / information;
        let reach = one / zero + self.nearest;
        let log_arrivals = libm::log(rate) + decay * self.nearest;
        let log_variance = 1.0 / self.orders + reach * reach * decay_variance;
        let arrivals = libm::exp(log_arrivals);
        let [decay_low, decay_high] = self.decay_interval(decay);
        let [log_low, log_high] = self.log_arrivals_interval(log_arrivals, libm::sqrt(log_variance), decay);
        Ok(IntensityFit {
            arrivals_per_second: FitInterval {
                value: arrivals,
                standard_error: arrivals * libm::sqrt(log_variance),
                low: libm::exp(log_low),
                high: libm::exp(log_high),
            },
            decay_per_price: FitInterval {
                value: decay,
                standard_error: libm::sqrt(decay_variance),
                low: decay_low,
                high: decay_high,
            },
            correlation: reach * libm::sqrt(decay_variance / log_variance),
            orders: self.orders,
            seconds: self.seconds(),
        })
    }

    /// A depth to begin the search with: the orders' mean excess, or that of the watched time.
    fn scale(&self) -> f64 {
        let [zero, one, _] = self.moments(0.0);
        let step = if let Kernel::Grid(step) = self.kernel { step } else { 0.0 };
        if self.excess > 0.0 { self.excess / self.orders + step } else { one / zero }
    }

    fn decay_interval(&self, decay: f64) -> [f64; 2] {
        let floor = self.profile(decay) - LIKELIHOOD_DROP;
        let below = |decay: f64| self.profile(decay) - floor;
        [edge(below, decay, 0.5), edge(below, decay, 2.0)]
    }

    fn log_arrivals_interval(&self, log_arrivals: f64, error: f64, decay: f64) -> [f64; 2] {
        let floor = self.profile(decay) - LIKELIHOOD_DROP;
        let within = |reach: f64, sign: f64| self.profile_of_arrivals(log_arrivals + sign * reach, decay) - floor;
        [-1.0, 1.0].map(|sign| log_arrivals + sign * edge(|reach| within(reach, sign), error * 0.25, 2.0))
    }
}

/// NaN is not.
pub(super) fn above_zero(value: f64) -> bool {
    value > 0.0
}

/// Where a function that falls through zero does so, from a guess, on the positive axis; `None` where it does not, or
/// is not a number.
fn root(slope: impl Fn(f64) -> f64, guess: f64) -> Option<f64> {
    let (mut low, mut high) = (guess, guess);
    let mut steps = 0;
    while !above_zero(slope(low)) {
        (low, steps) = (low * 0.5, steps + 1);
        if !above_zero(low) || steps > BRACKET_STEPS_MAX {
            return None;
        }
        high = low * 2.0;
    }
    while slope(high) > 0.0 {
        (high, steps) = (high * 2.0, steps + 1);
        if !high.is_finite() || steps > BRACKET_STEPS_MAX {
            return None;
        }
        low = high * 0.5;
    }
    Some(bisect(|at| slope(at) > 0.0, low, high))
}

/// From a point where `height` is above zero, in steps of `factor`, to where it no longer is.
fn edge(height: impl Fn(f64) -> f64, from: f64, factor: f64) -> f64 {
    let (mut inside, mut outside) = (from, from * factor);
    let mut steps = 0;
    while height(outside) > 0.0 {
        (inside, outside, steps) = (outside, outside * factor, steps + 1);
        if !(outside > 0.0 && outside.is_finite()) || steps > BRACKET_STEPS_MAX {
            return outside;
        }
    }
    bisect(|at| height(at) > 0.0, inside, outside)
}

/// The point between `yes`, where `holds` is true, and `no`, where it is not, at which it changes.
fn bisect(holds: impl Fn(f64) -> bool, mut yes: f64, mut no: f64) -> f64 {
    for _ in 0..BISECTIONS_MAX {
        let middle = yes + (no - yes) * 0.5;
        if middle == yes || middle == no {
            break;
        }
        if holds(middle) { yes = middle } else { no = middle }
    }
    yes
}
