//! # Room card: quote/market_fit
//! In:    the market's touches and trades, in the order of their arrival.
//! Out:   A and κ in force of each side, refitted every so many seconds of engine time.
//! Holds: an estimate that a guard refuses changes nothing and is counted; same events, same estimates; memory fixed at
//!        construction.
//! Costs: a few additions a touch or trade; while a round runs, one pass over the levels in use a side and touch.
//!
//! **A round.** Every `every` of engine time what was seen so far is made lighter (half after `half_life`), and each
//! side takes one step of Newton's method a touch, until the steps have settled or `STEPS_MAX` are done: quoting goes
//! on between two steps, with the estimate of the round before. What has settled is in force at once.
//!
//! **Guards**, in this order: fewer orders than `min_orders`; orders at fewer than `LEVELS_FILLED_MIN` levels, of which
//! no slope can be told; a likelihood without a maximum at a positive κ; κ outside its bounds. A side's first estimate
//! is what its parameters say.
use types::config::MarketCalibration;
use types::{Side, Touch, TradePrint, UnixNanos};

use crate::calibrate::{DepthWatch, FitRefusal, RefitState, RunningEstimate};

/// Steps of a round, at most: from a start that is wrong by a factor of a thousand Newton needs a dozen.
pub const STEPS_MAX: u32 = 32;
/// Levels with orders that an estimate needs.
pub const LEVELS_FILLED_MIN: usize = 3;

/// How the rounds of a side ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FitCounts {
    /// With an estimate that is in force since.
    pub accepted: u64,
    /// Too few orders, or no time watched.
    pub too_few: u64,
    /// Orders at too few levels.
    pub empty_bins: u64,
    /// All at one depth, or no fall of the intensity with the depth.
    pub decay_not_positive: u64,
    /// κ outside its bounds, or an A that is no number.
    pub out_of_bounds: u64,
    /// The steps had not settled.
    pub unsettled: u64,
}

impl FitCounts {
    /// Rounds that changed nothing.
    pub fn refused(&self) -> u64 {
        self.too_few + self.empty_bins + self.decay_not_positive + self.out_of_bounds + self.unsettled
    }
}

/// A and κ of one side as they are in force.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FittedIntensity {
    /// A, 1/second.
    pub arrivals_per_second: f64,
    /// κ, 1/price.
    pub decay_per_price: f64,
}

/// The estimate where it keeps to the bounds.
fn within(params: &MarketCalibration, found: &RunningEstimate) -> Option<FittedIntensity> {
    let (arrivals_per_second, decay_per_price) = (found.arrivals_per_second, found.decay_per_price);
    let good = decay_per_price >= params.min_per_price
        && decay_per_price <= params.max_per_price
        && arrivals_per_second > 0.0
        && arrivals_per_second.is_finite();
    good.then_some(FittedIntensity { arrivals_per_second, decay_per_price })
}

/// A and κ of both sides from the market's trades, while it runs.
#[derive(Clone, Debug)]
pub struct MarketFit {
    params: MarketCalibration,
    watch: DepthWatch,
    /// When the next round begins; `NONE` before the first event.
    next: UnixNanos,
    /// Steps left of the running round, by side.
    steps: [u32; 2],
    in_force: [Option<FittedIntensity>; 2],
    counts: [FitCounts; 2],
}

impl MarketFit {
    /// Nothing seen. Errors: `OutOfRange` where the levels or the tick are (the configuration has checked them).
    pub fn new(params: MarketCalibration, tick_price: f64) -> Result<MarketFit, FitRefusal> {
        Ok(MarketFit {
            params,
            watch: DepthWatch::new(tick_price, params.levels, params.nearest_half_ticks)?,
            next: UnixNanos::NONE,
            steps: [0; 2],
            in_force: [None; 2],
            counts: [FitCounts::default(); 2],
        })
    }

    /// Other rules for what was seen so far; false where the depths are counted otherwise and it must be made anew.
    pub(crate) fn set_params(&mut self, params: MarketCalibration) -> bool {
        let same = (params.levels, params.nearest_half_ticks) == (self.params.levels, self.params.nearest_half_ticks);
        if same {
            self.params = params;
        }
        same
    }

    /// The touch after an event; `None` when there is none any more. By side: did its estimate change?
    pub fn on_touch(&mut self, now: UnixNanos, touch: Option<&Touch>, exchange_time: UnixNanos) -> [bool; 2] {
        self.watch.pass_time(now);
        self.watch.on_touch(touch, exchange_time);
        if now >= self.next {
            self.begin(now);
        }
        if self.steps == [0; 2] { [false; 2] } else { Side::BOTH.map(|side| self.step(side)) }
    }

    /// A trade of the market.
    #[inline]
    pub fn on_trade(&mut self, now: UnixNanos, print: &TradePrint) {
        self.watch.pass_time(now);
        self.watch.on_trade(print);
    }

    /// The next round, on what was seen so far, made lighter by the time since the last.
    fn begin(&mut self, now: UnixNanos) {
        if self.next != UnixNanos::NONE {
            let since = now.since(self.next).as_seconds() + self.params.every.as_seconds();
            let keep = libm::exp(-core::f64::consts::LN_2 * (since / self.params.half_life_seconds));
            for side in Side::BOTH {
                self.watch.tally_mut(side).forget(keep);
            }
            self.steps = [STEPS_MAX; 2];
        }
        self.next = now.plus(self.params.every);
    }

    /// One step of a side; true when its estimate changed.
    fn step(&mut self, side: Side) -> bool {
        let at = side.index();
        if self.steps[at] == 0 {
            return false;
        }
        self.steps[at] -= 1;
        let (tally, counts) = (self.watch.tally_mut(side), &mut self.counts[at]);
        let few = tally.orders() < self.params.min_orders;
        let state = if few { RefitState::Moving } else { tally.refit() };
        let refused = match state {
            _ if few => &mut counts.too_few,
            RefitState::Moving if self.steps[at] > 0 => return false,
            RefitState::Moving => &mut counts.unsettled,
            RefitState::Refused(FitRefusal::TooFew { .. } | FitRefusal::NoTime) => &mut counts.too_few,
            RefitState::Refused(_) => &mut counts.decay_not_positive,
            RefitState::Settled if tally.levels_filled() < LEVELS_FILLED_MIN => &mut counts.empty_bins,
            RefitState::Settled => match tally.estimate().and_then(|found| within(&self.params, &found)) {
                Some(found) => {
                    (self.in_force[at], self.steps[at]) = (Some(found), 0);
                    counts.accepted += 1;
                    return true;
                }
                None => &mut counts.out_of_bounds,
            },
        };
        *refused += 1;
        self.steps[at] = 0;
        false
    }

    /// A and κ in force of a side; `None` before its first estimate.
    #[inline]
    pub fn in_force(&self, side: Side) -> Option<FittedIntensity> {
        self.in_force[side.index()]
    }

    /// How the rounds of a side ended.
    pub fn counts(&self, side: Side) -> &FitCounts {
        &self.counts[side.index()]
    }
}
