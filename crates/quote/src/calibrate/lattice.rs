//! # Room card: quote/calibrate/lattice
//! In:    orders and seconds by distance from the mid in half ticks; pseudo-observations of a prior.
//! Out:   sums for the likelihood; one Newton step of A and κ at a time.
//! Holds: memory fixed at construction; distances beyond the last level are counted, not kept.
//! Costs: adding is O(1); a step is one multiplication and four additions a level, no allocation.
use super::likelihood::{FitRefusal, Kernel};

/// Most levels of a tally: 2,048 ticks from the mid.
pub const LEVELS_MAX: usize = 4_096;
/// A refit step changes κ by at most this factor.
const STEP_LOG_MAX: f64 = 1.0;
/// A refit has settled when a step changes κ by less than this share of its standard error, or of itself. What Newton's
/// step leaves is of second order, so the estimate behind such a step is good to some thousandths of the error; and a
/// busy market, that moves it by hundredths between two steps, does not keep it from settling.
const SETTLED_ERRORS: f64 = 0.1;
/// κ times half a tick outside these is a sample without a finite estimate above zero.
const SLOPE_RANGE: [f64; 2] = [1e-9, 30.0];

/// Where a streaming refit stands.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum RefitState {
    /// The sample has no estimate; the one before stays in force.
    Refused(FitRefusal),
    /// The last step still moved κ by more than a tenth of its standard error.
    Moving,
    /// It did not.
    Settled,
}

/// A and κ as a streaming refit has them.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RunningEstimate {
    /// A, 1/second.
    pub arrivals_per_second: f64,
    /// κ, 1/price.
    pub decay_per_price: f64,
    /// Standard error of ln A.
    pub log_arrivals_standard_error: f64,
    /// Standard error of κ, 1/price.
    pub decay_standard_error: f64,
}

/// A pseudo-observation: so many fills in so many seconds at a distance in half ticks.
pub(super) type Pseudo = (f64, f64, f64);

/// A streaming refit: κ as it goes, and the last estimate that had settled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refit {
    start_per_price: f64,
    decay_per_price: f64,
    pub(super) estimate: Option<RunningEstimate>,
    pub(super) state: RefitState,
}

impl Refit {
    pub(super) fn new(start_per_price: f64) -> Refit {
        let state = RefitState::Refused(FitRefusal::NoTime);
        Refit { start_per_price, decay_per_price: start_per_price, estimate: None, state }
    }

    /// Takes the outcome of a step from `decay_per_price`.
    pub(super) fn take(&mut self, outcome: Result<(RunningEstimate, RefitState), FitRefusal>) -> RefitState {
        self.state = match outcome {
            Ok((estimate, state)) => {
                self.decay_per_price = estimate.decay_per_price;
                if state == RefitState::Settled {
                    self.estimate = Some(estimate);
                }
                state
            }
            Err(refusal) => {
                self.decay_per_price = self.estimate.map_or(self.start_per_price, |known| known.decay_per_price);
                RefitState::Refused(refusal)
            }
        };
        self.state
    }

    pub(super) fn decay_per_price(&self) -> f64 {
        self.decay_per_price
    }
}

#[derive(Clone, Debug)]
pub(super) struct Lattice {
    pub(super) half_tick_price: f64,
    pub(super) seconds: Box<[f64]>,
    pub(super) orders: Box<[f64]>,
    /// Level after the farthest in use.
    pub(super) used: usize,
    pub(super) count: f64,
    pub(super) depth_half_ticks: f64,
}

impl Lattice {
    /// Errors: `OutOfRange` for a tick that is not positive, or levels outside 4 to `LEVELS_MAX`.
    pub(super) fn new(tick_price: f64, levels: usize) -> Result<Lattice, FitRefusal> {
        if !(tick_price > 0.0 && tick_price.is_finite()) {
            return Err(FitRefusal::OutOfRange { name: "tickPrice", value: tick_price });
        }
        if !(4..=LEVELS_MAX).contains(&levels) {
            return Err(FitRefusal::OutOfRange { name: "levels", value: levels as f64 });
        }
        let zeros = || vec![0.0; levels].into_boxed_slice();
        Ok(Lattice {
            half_tick_price: tick_price * 0.5,
            seconds: zeros(),
            orders: zeros(),
            used: 0,
            count: 0.0,
            depth_half_ticks: 0.0,
        })
    }

    /// The level of a distance; `None` below zero and beyond the last.
    #[inline]
    pub(super) fn level(&self, half_ticks: i64) -> Option<usize> {
        usize::try_from(half_ticks).ok().filter(|level| *level < self.seconds.len())
    }

    #[inline]
    pub(super) fn add_seconds(&mut self, level: usize, seconds: f64) {
        self.seconds[level] += seconds;
        self.used = self.used.max(level + 1);
    }

    #[inline]
    pub(super) fn add_orders(&mut self, level: usize, orders: f64) {
        self.orders[level] += orders;
        self.count += orders;
        self.depth_half_ticks += orders * level as f64;
        self.used = self.used.max(level + 1);
    }

    /// Keeps this share of everything: old observations weigh less and less.
    pub(super) fn forget(&mut self, keep: f64) {
        for level in 0..self.used {
            self.seconds[level] *= keep;
            self.orders[level] *= keep;
        }
        self.count *= keep;
        self.depth_half_ticks *= keep;
    }

    /// Watched time, by price, for the likelihood.
    pub(super) fn watched(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let price = |(level, seconds): (usize, &f64)| (*seconds, level as f64 * self.half_tick_price);
        self.seconds[..self.used].iter().enumerate().map(price)
    }

    /// One Newton step of κ (from `decay`, on the logarithmic scale) towards the maximum of the profiled likelihood,
    /// and A for it. `uncut` as in `likelihood`.
    pub(super) fn step(
        &self,
        kernel: Kernel,
        uncut: f64,
        prior: &[Pseudo],
        decay: f64,
    ) -> Result<(RunningEstimate, RefitState), FitRefusal> {
        // All in half ticks, measured from the nearest level with time: nothing under- or overflows.
        let nearest_prior = prior.iter().fold(f64::INFINITY, |nearest, pseudo| nearest.min(pseudo.2));
        let first = self.seconds[..self.used].iter().position(|seconds| *seconds > 0.0);
        let nearest = first.map_or(nearest_prior, |level| nearest_prior.min(level as f64));
        if !nearest.is_finite() {
            return Err(FitRefusal::NoTime);
        }
        let slope = decay * self.half_tick_price;
        let (mut zero, mut one, mut two) = (0.0, 0.0, 0.0);
        let mut add = |weight: f64, depth: f64| {
            zero += weight;
            one += weight * depth;
            two += weight * depth * depth;
        };
        let (mut count, mut depths) = (self.count, self.depth_half_ticks);
        for (fills, seconds, distance) in prior {
            (count, depths) = (count + fills, depths + fills * distance);
            add(seconds * libm::exp(-slope * (distance - nearest)), distance - nearest);
        }
        if let Some(first) = first {
            let ratio = libm::exp(-slope);
            let mut power = libm::exp(-slope * (first as f64 - nearest));
            for level in first..self.used {
                add(self.seconds[level] * power, level as f64 - nearest);
                power *= ratio;
            }
        }
        if depths <= count * nearest {
            return Err(FitRefusal::OneDepth);
        }
        let [_, kernel_slope, kernel_curve] = kernel.terms(decay);
        let (kernel_slope, kernel_curve) =
            (kernel_slope / self.half_tick_price, kernel_curve / (self.half_tick_price * self.half_tick_price));
        let mean = one / zero;
        let score = count * mean + uncut * kernel_slope - (depths - count * nearest);
        let information = count * (two / zero - mean * mean) - uncut * kernel_curve;
        if !(information > 0.0 && score.is_finite()) {
            return Err(FitRefusal::OneDepth);
        }
        // Newton in ln κ: the curvature there is information·κ² - score·κ; a far start is held to one factor e.
        let curve = information * slope * slope - score * slope;
        let towards = if curve > 0.0 { score * slope / curve } else { STEP_LOG_MAX.copysign(score) };
        let moved = slope * libm::exp(towards.clamp(-STEP_LOG_MAX, STEP_LOG_MAX));
        if moved < SLOPE_RANGE[0] {
            return Err(FitRefusal::DecayNotPositive);
        }
        if moved > SLOPE_RANGE[1] {
            return Err(FitRefusal::OneDepth);
        }
        let error = 1.0 / libm::sqrt(information);
        let reach = mean + nearest;
        let estimate = RunningEstimate {
            arrivals_per_second: libm::exp(libm::log(count / zero) + moved * nearest + (moved - slope) * mean),
            decay_per_price: moved / self.half_tick_price,
            log_arrivals_standard_error: libm::sqrt(1.0 / count + reach * reach * error * error),
            decay_standard_error: error / self.half_tick_price,
        };
        // Where the sample says nothing the error is beyond all bounds, and κ still on its way there.
        let settled = libm::fabs(moved - slope) < SETTLED_ERRORS * libm::fmin(error, moved);
        Ok((estimate, if settled { RefitState::Settled } else { RefitState::Moving }))
    }
}
