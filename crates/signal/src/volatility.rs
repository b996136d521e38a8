//! # Room card: signal/volatility
//! In:    twice the mid price in ticks (`Touch::mid_half_ticks`), at engine time.
//! Out:   σ = sqrt(Σ Δmid² / elapsed seconds) over the last `window` mids, price units per √second.
//! Holds: the sum equals that of the window exactly; time never runs back inside the window.
//! Costs: O(1) per update: at most one difference in, one out; σ itself is one square root when asked for.
//!
//! σ is there from `min_observations` mids on, over as many as there are; at `window` mids the oldest begin to leave. n
//! mids have n - 1 differences; elapsed is the time of the last mid minus that of the first. There is
//! no mean to subtract: over the seconds of a window the drift of a mid is far below its noise, and estimating it
//! adds noise.
//!
//! A gap in the feed or a disconnect needs no `reset`: the mids seen are still mids, the pause counts as elapsed
//! time, and the jump across it as one difference. `reset` is for when the old mids say nothing about the new ones.
use types::config::{Sampling, VolatilityParams};
use types::{Nanos, UnixNanos};

/// Largest window, mids.
pub const WINDOW_MAX: usize = 65_536;
/// Smallest window, mids: one difference.
const WINDOW_MIN: usize = 2;

#[derive(Clone, Copy, Debug)]
struct Sample {
    time: UnixNanos,
    mid_half_ticks: i64,
}

/// An exact sum of squares of differences of 64-bit numbers: 192 bits, so that `WINDOW_MAX` squares of the widest
/// difference (2^64 - 1) cannot overflow it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct SumOfSquares {
    low: u128,
    high: u64,
}

impl SumOfSquares {
    #[inline]
    pub(crate) fn square(from: i64, to: i64) -> u128 {
        let distance = to.abs_diff(from) as u128;
        distance * distance
    }
    #[inline]
    pub(crate) fn add(&mut self, square: u128) {
        let (low, carry) = self.low.overflowing_add(square);
        (self.low, self.high) = (low, self.high.wrapping_add(carry as u64));
    }
    #[inline]
    pub(crate) fn subtract(&mut self, square: u128) {
        let (low, borrow) = self.low.overflowing_sub(square);
        (self.low, self.high) = (low, self.high.wrapping_sub(borrow as u64));
    }
    #[inline]
    pub(crate) fn to_f64(self) -> f64 {
        const TWO_POW_128: f64 = 340_282_366_920_938_463_463_374_607_431_768_211_456.0;
        // Nearly always: the same bits from a conversion of one word (a 128-bit one is a call).
        if self.high == 0 && self.low <= u128::from(u64::MAX) {
            return self.low as u64 as f64;
        }
        self.high as f64 * TWO_POW_128 + self.low as f64
    }
}

/// Volatility of the mid over the last `window` samples.
///
/// On a desk: realised volatility in price units per √second, the σ of Avellaneda-Stoikov; σ² · seconds is a variance
/// of price. What counts as a sample is a choice, and σ depends on it:
/// - `ChangedMid` (default): a mid that differs from the last sample. Quiet time lengthens the window, not the sum.
/// - `EveryUpdate`: every update of the touch, changed or not.
/// - `FixedClock`: the first update at or after each tick of a clock that starts at the first sample. An update that
///   comes after several ticks is one sample, and the next is due at the first tick after it: empty intervals are not
///   filled in.
#[derive(Debug)]
pub struct RollingVolatility {
    sampling: Sampling,
    half_tick_price: f64,
    /// Samples from which on there is a σ.
    min_observations: usize,
    ring: Box<[Sample]>,
    /// Samples in the ring.
    count: usize,
    /// Where the next sample goes; when the ring is full, the oldest.
    next: usize,
    sum: SumOfSquares,
    /// Last sample; meaningless while `count` is zero.
    last: Sample,
    /// Start and next tick of the fixed clock; `None` for the other rules and before the first sample.
    clock: Option<(UnixNanos, UnixNanos)>,
}

impl RollingVolatility {
    /// An empty window. `tick_price` is the price of one tick (`Instrument::tick_f64`).
    ///
    /// The configuration has checked `params`; a window outside 2 to `WINDOW_MAX` is taken as the nearer end, and least
    /// observations outside 2 to the window likewise.
    pub fn new(params: &VolatilityParams, tick_price: f64) -> RollingVolatility {
        debug_assert!((WINDOW_MIN..=WINDOW_MAX).contains(&params.window) && tick_price > 0.0);
        let empty = Sample { time: UnixNanos::NONE, mid_half_ticks: 0 };
        let window = params.window.clamp(WINDOW_MIN, WINDOW_MAX);
        RollingVolatility {
            min_observations: params.min_observations.clamp(WINDOW_MIN, window),
            sampling: params.sampling,
            half_tick_price: tick_price * 0.5,
            ring: vec![empty; window].into_boxed_slice(),
            count: 0,
            next: 0,
            sum: SumOfSquares::default(),
            last: empty,
            clock: None,
        }
    }

    /// Takes the mid after an update of the touch; true when it became a sample.
    ///
    /// `mid_half_ticks` is bid + ask in ticks. A time before the last sample's is taken as the last sample's.
    #[inline]
    pub fn on_mid(&mut self, now: UnixNanos, mid_half_ticks: i64) -> bool {
        let now = if self.count > 0 { now.max(self.last.time) } else { now };
        let wanted = match self.sampling {
            Sampling::ChangedMid => self.count == 0 || mid_half_ticks != self.last.mid_half_ticks,
            Sampling::EveryUpdate => true,
            Sampling::FixedClock { interval } => self.clock_due(now, interval),
        };
        if wanted {
            self.push(Sample { time: now, mid_half_ticks });
        }
        wanted
    }

    /// σ in price units per √second; `None` until there are `min_observations` mids, and when no time passed in them.
    #[inline]
    pub fn sigma(&self) -> Option<f64> {
        if self.count < self.min_observations {
            return None;
        }
        let elapsed = self.last.time.since(self.oldest().time);
        if elapsed <= Nanos(0) {
            return None;
        }
        Some(self.half_tick_price * libm::sqrt(self.sum.to_f64() / elapsed.as_seconds()))
    }

    /// Standard error of σ, σ/√(2(n - 1)) with n mids: what it is where changes are independent and normal, with one σ
    /// throughout. Jumps and bursts make it larger. `None` as for σ.
    pub fn standard_error(&self) -> Option<f64> {
        self.sigma().map(|sigma| sigma / libm::sqrt(2.0 * (self.count - 1) as f64))
    }

    /// Mids in the window, at most its size.
    #[inline]
    pub fn samples(&self) -> usize {
        self.count
    }
    /// Does the window hold as many mids as it can?
    #[inline]
    pub fn is_full(&self) -> bool {
        self.count == self.ring.len()
    }
    /// Forgets every mid, and the clock of `FixedClock`.
    pub fn reset(&mut self) {
        (self.count, self.next, self.sum, self.clock) = (0, 0, SumOfSquares::default(), None);
    }

    /// The oldest sample: before the ring is full the first, then the one that is overwritten next.
    #[inline]
    fn oldest(&self) -> Sample {
        self.ring[if self.is_full() { self.next } else { 0 }]
    }

    /// The position after one in the ring.
    #[inline]
    fn after(&self, at: usize) -> usize {
        if at + 1 == self.ring.len() { 0 } else { at + 1 }
    }

    #[inline]
    fn push(&mut self, sample: Sample) {
        let following = self.after(self.next);
        if self.is_full() {
            // The second oldest; in a window of two that is the last sample, whose difference to the oldest goes as
            // well.
            let second = self.ring[following];
            self.sum.subtract(SumOfSquares::square(self.oldest().mid_half_ticks, second.mid_half_ticks));
        } else {
            self.count += 1;
        }
        if self.count > 1 {
            self.sum.add(SumOfSquares::square(self.last.mid_half_ticks, sample.mid_half_ticks));
        }
        self.ring[self.next] = sample;
        (self.next, self.last) = (following, sample);
    }

    /// Is an update at `now` the first at or after a tick of the clock? Sets the clock to its next tick.
    fn clock_due(&mut self, now: UnixNanos, interval: Nanos) -> bool {
        let interval = interval.0.max(1) as u64;
        let start = match self.clock {
            Some((_, due)) if now < due => return false,
            Some((start, _)) => start,
            None => now,
        };
        // At or after `start`, since time does not run back; ticks passed, then the moment of the one after.
        let ticks = now.0.saturating_sub(start.0) / interval;
        let due = UnixNanos(start.0.saturating_add(ticks.saturating_add(1).saturating_mul(interval)));
        self.clock = Some((start, due));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_beyond_128_bits_are_exact() {
        let mut sum = SumOfSquares::default();
        let widest = SumOfSquares::square(i64::MIN, i64::MAX);
        assert_eq!(widest, (u64::MAX as u128) * (u64::MAX as u128));
        for _ in 0..WINDOW_MAX {
            sum.add(widest);
        }
        // 2^16 * (2^64 - 1)^2 = 2^144 - 2^81 + 2^16, so the high limb is 2^16 - 1.
        assert_eq!((sum.high, sum.low), (65_535, 0u128.wrapping_sub(1 << 81) + (1 << 16)));
        let relative = sum.to_f64() / 2f64.powi(144) - 1.0;
        assert!(relative.abs() < 1e-15, "{relative}");
        for _ in 0..WINDOW_MAX {
            sum.subtract(widest);
        }
        assert_eq!(sum, SumOfSquares::default());
    }

    #[test]
    fn one_word_converts_to_the_same_bits() {
        let mut rng = types::rng::SplitMix64::new(89);
        for bits in 0..64 {
            for _ in 0..100 {
                let low = u128::from(rng.next_u64() >> bits);
                for low in [low, low << 1, low << 40] {
                    let sum = SumOfSquares { low, high: 0 };
                    assert_eq!(sum.to_f64().to_bits(), (low as f64).to_bits(), "{low}");
                }
            }
        }
    }
}
