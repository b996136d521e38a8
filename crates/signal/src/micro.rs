//! # Room card: signal/micro
//! In:    a sample of touches to fit on; then a touch at a time.
//! Out:   `MicroPrice`: the price the mid is expected to settle at, given imbalance and spread, in ticks.
//! Holds: the fit is symmetric: a touch and its mirror have opposite adjustments; a state never seen has none.
//! Costs: a look-up is a division and a load; the fit is O(sample + states³), allocates and is for cold paths.
use types::Touch;

use crate::fault::{SignalFault, in_range};
use crate::linear::solve;

/// Most imbalance buckets of a fit.
pub const IMBALANCE_BUCKETS_MAX: usize = 20;
/// Widest spread of a fit, ticks.
pub const SPREAD_TICKS_MAX: usize = 10;
/// Most mid changes the fit looks ahead.
const HORIZON_CHANGES_MAX: u64 = 100_000;
/// Expected further change below which the fit has arrived, half ticks.
const SETTLED_HALF_TICKS: f64 = 1e-12;

/// How a micro-price is fitted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MicroPriceParams {
    /// Equal buckets of bid lots/(bid lots + ask lots), 2 to `IMBALANCE_BUCKETS_MAX`.
    pub imbalance_buckets: usize,
    /// Spreads from one tick to this many are states, 1 to `SPREAD_TICKS_MAX`; wider touches have no micro-price.
    pub spread_ticks_max: usize,
    /// A larger change of the mid is no part of the fit, half ticks, at least 1: a gap, not the market at work.
    pub jump_half_ticks_max: i64,
}

/// Micro-price: the martingale limit of the mid (Stoikov 2018, Quant. Finance 18, p. 1959).
///
/// On a desk: a fair price that uses what the queues say about the next moves, and stays a martingale where the
/// weighted mid does not. Touches are a Markov chain on (imbalance bucket, spread). With Q the moves without a
/// change of the mid, T those with one and r its expected size, `G¹ = (1 - Q)⁻¹ r`, `B = (1 - Q)⁻¹ T` (eq. 3.2,
/// 3.3), the adjustment is `G* = Σ Bⁱ G¹` (theorem 3.1). Every touch counts also as its mirror, as in section 4 of
/// the paper, which makes the sum converge.
#[derive(Clone, PartialEq, Debug)]
pub struct MicroPrice {
    buckets: usize,
    /// Adjustment by state, ticks; NaN where the sample never was.
    adjustments: Box<[f64]>,
}

/// Counts of moves between states; a row each.
struct Moves {
    states: usize,
    /// Without a change of the mid.
    quiet: Vec<f64>,
    /// With one.
    jumping: Vec<f64>,
    /// Sum of the changes, half ticks.
    change: Vec<f64>,
    /// Moves out of the state.
    total: Vec<f64>,
}

/// Bucket and spread of a touch as a state; `None` for one outside the table.
#[inline]
fn state_of(touch: &Touch, buckets: usize, spread_max: usize) -> Option<usize> {
    if !touch.is_two_sided() {
        return None;
    }
    let spread = touch.ask.0.abs_diff(touch.bid.0);
    if spread > spread_max as u64 {
        return None;
    }
    let (bid, both) = (touch.bid_lots.0 as u64, touch.bid_lots.0 as u64 + touch.ask_lots.0 as u64);
    let bucket = match bid.checked_mul(buckets as u64) {
        Some(scaled) => (scaled / both) as usize,
        None => (u128::from(bid) * buckets as u128 / u128::from(both)) as usize,
    };
    Some((spread as usize - 1) * buckets + bucket.min(buckets - 1))
}

impl MicroPrice {
    /// Fits on touches in order, one after each update.
    ///
    /// `SIGNAL_PARAMETER` for a parameter out of range; `SIGNAL_TOO_FEW` without a change of the mid in the sample;
    /// `SIGNAL_NOT_CONVERGED` when from some state of the sample the mid never changes (use fewer buckets, or more
    /// sample).
    pub fn fit(params: &MicroPriceParams, touches: impl IntoIterator<Item = Touch>) -> Result<MicroPrice, SignalFault> {
        let MicroPriceParams { imbalance_buckets: buckets, spread_ticks_max, jump_half_ticks_max } = *params;
        in_range("imbalanceBuckets", buckets as f64, 2.0, IMBALANCE_BUCKETS_MAX as f64)?;
        in_range("spreadTicksMax", spread_ticks_max as f64, 1.0, SPREAD_TICKS_MAX as f64)?;
        in_range("jumpHalfTicksMax", jump_half_ticks_max as f64, 1.0, i64::MAX as f64)?;
        let moves = Moves::count(params, touches);
        let states = moves.states;
        // Rows [r | T], solved against 1 - Q in place.
        let mut quiet = vec![0.0; states * states];
        let mut right = vec![0.0; states * (states + 1)];
        let mut jumps = 0.0;
        for from in 0..states {
            let total = moves.total[from];
            for to in 0..states {
                let share = |counts: &[f64]| if total > 0.0 { counts[from * states + to] / total } else { 0.0 };
                quiet[from * states + to] = f64::from(u8::from(from == to)) - share(&moves.quiet);
                right[from * (states + 1) + to + 1] = share(&moves.jumping);
                jumps += moves.jumping[from * states + to];
            }
            right[from * (states + 1)] = if total > 0.0 { moves.change[from] / total } else { 0.0 };
        }
        if jumps == 0.0 {
            return Err(SignalFault::TooFew { have: 0, need: 1 });
        }
        solve(&mut quiet, &mut right, states, states + 1)?;
        let mut adjustments = settle(&right, states)?;
        for (state, adjustment) in adjustments.iter_mut().enumerate() {
            *adjustment = if moves.total[state] > 0.0 { *adjustment * 0.5 } else { f64::NAN };
        }
        Ok(MicroPrice { buckets, adjustments: adjustments.into_boxed_slice() })
    }

    /// From a table of adjustments in ticks, by spread from one tick on, then by imbalance bucket: one that a fit has
    /// printed (`adjustments`). Errors: `Parameter` for buckets or rows out of range, rows that are not whole, or a
    /// value that is not finite.
    pub fn from_adjustments(buckets: usize, adjustments: &[f64]) -> Result<MicroPrice, SignalFault> {
        in_range("imbalanceBuckets", buckets as f64, 2.0, IMBALANCE_BUCKETS_MAX as f64)?;
        let rows = adjustments.len() as f64 / buckets as f64;
        in_range("spreadTicksMax", if rows.fract() == 0.0 { rows } else { f64::NAN }, 1.0, SPREAD_TICKS_MAX as f64)?;
        for adjustment in adjustments {
            in_range("adjustmentsTicks", *adjustment, f64::MIN, f64::MAX)?;
        }
        Ok(MicroPrice { buckets, adjustments: adjustments.into() })
    }

    /// The micro-price, ticks; `None` for a touch outside the fitted states.
    #[inline]
    pub fn price_ticks(&self, touch: &Touch) -> Option<f64> {
        let adjustment = self.adjustment_of(touch)?;
        Some(touch.bid.0 as f64 + 0.5 * touch.ask.0.abs_diff(touch.bid.0) as f64 + adjustment)
    }

    /// What the micro-price adds to the mid, ticks. Equal queues are their own mirror: zero.
    #[inline]
    pub fn adjustment_of(&self, touch: &Touch) -> Option<f64> {
        let state = state_of(touch, self.buckets, self.adjustments.len() / self.buckets)?;
        let adjustment = self.adjustments[state];
        match adjustment.is_nan() {
            true => None,
            false if touch.bid_lots == touch.ask_lots => Some(0.0),
            false => Some(adjustment),
        }
    }

    /// The table: adjustments in ticks, by spread (from one tick), then by imbalance bucket; `None` where the sample
    /// never was.
    pub fn adjustments(&self) -> impl Iterator<Item = Option<f64>> {
        self.adjustments.iter().map(|adjustment| (!adjustment.is_nan()).then_some(*adjustment))
    }
}

impl Moves {
    fn count(params: &MicroPriceParams, touches: impl IntoIterator<Item = Touch>) -> Moves {
        let buckets = params.imbalance_buckets;
        let states = buckets * params.spread_ticks_max;
        let mut moves = Moves {
            states,
            quiet: vec![0.0; states * states],
            jumping: vec![0.0; states * states],
            change: vec![0.0; states],
            total: vec![0.0; states],
        };
        let mirror = |state: usize| state / buckets * buckets + (buckets - 1 - state % buckets);
        let mut last: Option<(usize, i64)> = None;
        for touch in touches {
            let state = state_of(&touch, buckets, params.spread_ticks_max);
            let here = state.zip(touch.mid_half_ticks());
            if let (Some((from, mid_before)), Some((to, mid))) = (last, here) {
                let change = i128::from(mid) - i128::from(mid_before);
                if change.abs() <= i128::from(params.jump_half_ticks_max) {
                    moves.add(from, to, change as f64);
                    moves.add(mirror(from), mirror(to), -change as f64);
                }
            }
            last = here;
        }
        moves
    }

    fn add(&mut self, from: usize, to: usize, change: f64) {
        let counts = if change == 0.0 { &mut self.quiet } else { &mut self.jumping };
        counts[from * self.states + to] += 1.0;
        self.change[from] += change;
        self.total[from] += 1.0;
    }
}

/// Σ Bⁱ G¹, with G¹ the first column of `solved` and B the rest.
fn settle(solved: &[f64], states: usize) -> Result<Vec<f64>, SignalFault> {
    let mut term: Vec<f64> = (0..states).map(|state| solved[state * (states + 1)]).collect();
    let mut sum = term.clone();
    let mut next = vec![0.0; states];
    for _ in 0..HORIZON_CHANGES_MAX {
        let mut largest = 0.0f64;
        for state in 0..states {
            let row = &solved[state * (states + 1) + 1..(state + 1) * (states + 1)];
            next[state] = row.iter().zip(&term).fold(0.0, |sum, (share, value)| sum + share * value);
            largest = largest.max(next[state].abs());
            sum[state] += next[state];
        }
        core::mem::swap(&mut term, &mut next);
        if largest < SETTLED_HALF_TICKS {
            return Ok(sum);
        }
    }
    Err(SignalFault::NotConverged { iterations: HORIZON_CHANGES_MAX })
}
