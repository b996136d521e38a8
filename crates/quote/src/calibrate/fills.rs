//! # Room card: quote/calibrate/fills
//! In:    for one side of our own quotes: seconds quoted and fills, by distance from the mid; a prior.
//! Out:   A and κ together, or the prior with the reason why it was kept.
//! Holds: below `INFORMATION_MIN` the sample decides nothing; memory fixed at construction.
//! Costs: O(1) to add; `refit` one pass over the distances in use, no allocation.
//!
//! **The likelihood.** A quote at distance δ that stands for t seconds and is not filled says that no order reached δ
//! in t: a censored observation. Fills at distances d and quoted time T_j at distances δ_j give
//! ln L = n·ln A - κ·Σ d - A·Σ T_j·e^(-κδ_j).
//!
//! **What it can know.** κ shows only in how the fill rate differs between distances. Its information is n times the
//! variance of the distance over the fills to be expected; where all quotes lie within 2 % of each other, that is next
//! to nothing, and most samples have their maximum at κ = 0 or at infinity. So nothing is fitted before
//! n·Var(δ)·κ0² reaches `INFORMATION_MIN`.
//!
//! **The prior** (A0, κ0) joins as pseudo-fills: half of them at half its distance, half at one and a half times, each
//! in the seconds it takes at the prior's rates. Alone it gives A0 and κ0 exactly, and it weighs what its fills do.
//!
//! `quote::intensity` is the other estimator from own fills: it takes A as given and has κ alone.
use super::lattice::{Lattice, Pseudo, Refit, RefitState, RunningEstimate};
use super::likelihood::{FitRefusal, IntensityFit, Kernel, Likelihood};

/// Information a sample must have to be listened to, as (κ0 / standard error of κ)²: an error of a quarter of κ0.
pub const INFORMATION_MIN: f64 = 16.0;

/// What is believed before the first fill.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FillPrior {
    /// A0, 1/second, above zero.
    pub arrivals_per_second: f64,
    /// κ0, 1/price, above zero.
    pub decay_per_price: f64,
    /// Pseudo-fills, above zero.
    pub fills: f64,
    /// Distance around which they lie, price units, above zero.
    pub distance_price: f64,
}

/// A and κ of our own fills.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct OwnFillFit {
    /// The estimate; where the prior was kept, the prior with its own width.
    pub fit: IntensityFit,
    /// Why the prior was kept; `None` where it was not.
    pub prior_kept: Option<FitRefusal>,
    /// (κ0 / standard error of κ)² of the sample.
    pub information: f64,
    /// Own fills, without the prior's.
    pub fills: f64,
    /// Seconds quoted, without the prior's.
    pub quoted_seconds: f64,
}

/// Our own fills of one side by distance.
#[derive(Clone, Debug)]
pub struct OwnFillTally {
    lattice: Lattice,
    prior: FillPrior,
    /// The prior as (fills, seconds, half ticks).
    pseudo: [Pseudo; 2],
    fills_left_out: u64,
    seconds_left_out: f64,
    refit: Refit,
}

impl OwnFillTally {
    /// A tally that knows only its prior; `levels` half ticks at most (`LEVELS_MAX`). Errors: `OutOfRange`.
    pub fn new(tick_price: f64, levels: usize, prior: FillPrior) -> Result<OwnFillTally, FitRefusal> {
        let lattice = Lattice::new(tick_price, levels)?;
        let named = [
            ("arrivalsPerSecond", prior.arrivals_per_second),
            ("decayPerPrice", prior.decay_per_price),
            ("fills", prior.fills),
            ("distancePrice", prior.distance_price),
        ];
        for (name, value) in named {
            if !(value > 0.0 && value.is_finite()) {
                return Err(FitRefusal::OutOfRange { name, value });
            }
        }
        let pseudo = [0.5, 1.5].map(|times| {
            let (fills, distance) = (prior.fills * 0.5, prior.distance_price * times);
            let rate = prior.arrivals_per_second * libm::exp(-prior.decay_per_price * distance);
            (fills, fills / rate, distance / lattice.half_tick_price)
        });
        if !pseudo.iter().all(|(_, seconds, _)| *seconds > 0.0 && seconds.is_finite()) {
            return Err(FitRefusal::OutOfRange { name: "distancePrice", value: prior.distance_price });
        }
        let refit = Refit::new(prior.decay_per_price);
        Ok(OwnFillTally { lattice, prior, pseudo, fills_left_out: 0, seconds_left_out: 0.0, refit })
    }

    /// The side stood quoted for `seconds` at this distance from the mid (half ticks). Beyond the mid or the last
    /// level, or time that is not positive and finite: left out, and counted where it is time.
    #[inline]
    pub fn on_quoted(&mut self, distance_half_ticks: i64, seconds: f64) {
        if !(seconds > 0.0 && seconds.is_finite()) {
            return;
        }
        match self.lattice.level(distance_half_ticks) {
            Some(level) => self.lattice.add_seconds(level, seconds),
            None => self.seconds_left_out += seconds,
        }
    }

    /// One fill of a quote at this distance from the mid as it was quoted (the distance its time is counted at).
    #[inline]
    pub fn on_fill(&mut self, distance_half_ticks: i64) {
        match self.lattice.level(distance_half_ticks) {
            Some(level) => self.lattice.add_orders(level, 1.0),
            None => self.fills_left_out += 1,
        }
    }

    /// The same for a count of fills that comes as a whole; a count that is not positive and finite is ignored.
    pub fn on_fills(&mut self, distance_half_ticks: i64, fills: f64) {
        if !(fills > 0.0 && fills.is_finite()) {
            return;
        }
        match self.lattice.level(distance_half_ticks) {
            Some(level) => self.lattice.add_orders(level, fills),
            None => self.fills_left_out += fills as u64,
        }
    }

    /// Everything seen so far weighs `keep` (0 to 1; others are ignored) of what it did; the prior weighs on.
    pub fn forget(&mut self, keep: f64) {
        if (0.0..=1.0).contains(&keep) {
            self.lattice.forget(keep);
        }
    }

    /// Fills that were left out.
    pub fn fills_left_out(&self) -> u64 {
        self.fills_left_out
    }
    /// Seconds that were left out.
    pub fn seconds_left_out(&self) -> f64 {
        self.seconds_left_out
    }

    /// (κ0 / standard error of κ)² of what was seen, without the prior: n·Var(δ)·κ0², the variance over the fills
    /// expected at κ0.
    pub fn information(&self) -> f64 {
        let slope = self.prior.decay_per_price * self.lattice.half_tick_price;
        let seconds = &self.lattice.seconds[..self.lattice.used];
        let Some(first) = seconds.iter().position(|seconds| *seconds > 0.0) else { return 0.0 };
        let (mut zero, mut one, mut two, mut power) = (0.0, 0.0, 0.0, 1.0);
        let ratio = libm::exp(-slope);
        for (step, seconds) in seconds[first..].iter().enumerate() {
            let (weight, depth) = (seconds * power, step as f64);
            (zero, one, two) = (zero + weight, one + weight * depth, two + weight * depth * depth);
            power *= ratio;
        }
        let mean = one / zero;
        let variance = (two / zero - mean * mean).max(0.0);
        self.lattice.count * variance * (slope * slope)
    }

    /// A and κ with intervals. Cold. Errors: `NoTime` and others only where the prior itself has no numbers.
    pub fn fit(&self) -> Result<OwnFillFit, FitRefusal> {
        let information = self.information();
        let needed = INFORMATION_MIN;
        let outcome = if information >= needed {
            self.likelihood(true)?.fit(0.0)
        } else {
            Err(FitRefusal::Uninformative { information, needed })
        };
        let (fit, prior_kept) = match outcome {
            Ok(fit) => (fit, None),
            Err(kept) => (self.likelihood(false)?.fit(0.0)?, Some(kept)),
        };
        let quoted_seconds = self.lattice.seconds[..self.lattice.used].iter().sum();
        Ok(OwnFillFit { fit, prior_kept, information, fills: self.lattice.count, quoted_seconds })
    }

    fn likelihood(&self, observed: bool) -> Result<Likelihood, FitRefusal> {
        let half = self.lattice.half_tick_price;
        let (mut count, mut depths) = (0.0, 0.0);
        if observed {
            (count, depths) = (self.lattice.count, self.lattice.depth_half_ticks * half);
        }
        for (fills, _, distance) in self.pseudo {
            (count, depths) = (count + fills, depths + fills * distance * half);
        }
        let pseudo = self.pseudo.iter().map(|(_, seconds, distance)| (*seconds, distance * half));
        let watched = self.lattice.watched().filter(|_| observed);
        Likelihood::new(Kernel::Met, count, 0.0, depths, watched.chain(pseudo))
    }

    /// One step of the streaming refit; call it as often as there is time, between events.
    pub fn refit(&mut self) -> RefitState {
        let information = self.information();
        let outcome = if information >= INFORMATION_MIN {
            self.lattice.step(Kernel::Met, 0.0, &self.pseudo, self.refit.decay_per_price())
        } else {
            self.refit.estimate = None;
            Err(FitRefusal::Uninformative { information, needed: INFORMATION_MIN })
        };
        self.refit.take(outcome)
    }

    /// A and κ as the refit last settled; `None` while the prior is kept.
    pub fn estimate(&self) -> Option<RunningEstimate> {
        self.refit.estimate
    }

    /// A and κ in force: the estimate, or the prior, 1/second and 1/price.
    pub fn in_force(&self) -> (f64, f64) {
        match self.refit.estimate {
            Some(estimate) => (estimate.arrivals_per_second, estimate.decay_per_price),
            None => (self.prior.arrivals_per_second, self.prior.decay_per_price),
        }
    }
}
