//! # Room card: signal/kyle
//! In:    per interval the signed volume of trades and the change of the mid; or trades and mids, cut into intervals.
//! Out:   `KyleLambda`: price impact λ in price per lot, with its standard error.
//! Holds: sums of products are exact integers over a window of intervals: no drift, no cancellation before the
//!        quotient.
//! Costs: O(1): one interval in, one out.
use types::{Lots, Nanos, Side, UnixNanos};

use crate::fault::{SignalFault, in_range, positive};

/// Largest window, intervals.
pub const KYLE_WINDOW_MAX: usize = 1 << 16;
/// Largest signed volume (lots) and change of the mid (half ticks) of an interval; beyond it the interval is
/// refused and counted. 2^16 products of 2^40, times 2^16, stay below 2^127.
pub const KYLE_STEP_MAX: i64 = 1 << 40;

/// Price impact, estimated over the window.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct KyleEstimate {
    /// λ: cov(Δmid, signed lots)/var(signed lots), price units per lot, both with n - 1.
    pub lambda: f64,
    /// Standard error of λ by ordinary least squares, price units per lot; 0 with two intervals.
    pub standard_error: f64,
    /// Sample covariance (n - 1), price·lots.
    pub covariance: f64,
    /// Sample variance of the signed volume (n - 1), lots².
    pub variance: f64,
    /// Intervals in the window.
    pub intervals: u64,
}

/// Kyle's λ over a rolling window of intervals (Kyle 1985, Econometrica 53, p. 1315, eq. 3.1: Δp = λ·order flow),
/// estimated by regressing the change of the mid on signed trade volume.
///
/// On a desk: how far the price gives way per lot that aggressors trade net.
#[derive(Debug)]
pub struct KyleLambda {
    half_tick_price: f64,
    interval: Nanos,
    ring: Box<[(i64, i64)]>,
    count: usize,
    next: usize,
    /// Σx, Σy, Σxx, Σxy, Σyy of x = signed lots, y = change in half ticks.
    sums: [i128; 5],
    rejected: u64,
    open: Open,
}

/// The interval that is being filled.
#[derive(Clone, Copy, Debug, Default)]
struct Open {
    started: bool,
    until: UnixNanos,
    signed_lots: i128,
    /// Mid at the end of the interval before, and now.
    mids: Option<(i64, i64)>,
    seen: bool,
}

impl KyleLambda {
    /// An empty window of `window` intervals (3 to `KYLE_WINDOW_MAX`) of `interval` nanoseconds (at least 1) each.
    pub fn new(interval: Nanos, window: usize, tick_price: f64) -> Result<KyleLambda, SignalFault> {
        in_range("intervalNanos", interval.0 as f64, 1.0, crate::window::WINDOW_NANOS_MAX as f64)?;
        in_range("window", window as f64, 3.0, KYLE_WINDOW_MAX as f64)?;
        positive("tickPrice", tick_price)?;
        Ok(KyleLambda {
            half_tick_price: tick_price * 0.5,
            interval,
            ring: vec![(0, 0); window].into_boxed_slice(),
            count: 0,
            next: 0,
            sums: [0; 5],
            rejected: 0,
            open: Open::default(),
        })
    }

    /// Takes a trade into the interval of its time; false (and counted) for a quantity that is not positive.
    #[inline]
    pub fn on_trade(&mut self, now: UnixNanos, aggressor: Side, quantity: Lots) -> bool {
        if quantity.0 <= 0 {
            self.rejected += 1;
            return false;
        }
        self.advance(now);
        self.open.signed_lots += i128::from(aggressor.sign()) * i128::from(quantity.0);
        self.open.seen = true;
        true
    }

    /// Takes a mid (bid + ask in ticks) into the interval of its time.
    #[inline]
    pub fn on_mid(&mut self, now: UnixNanos, mid_half_ticks: i64) {
        self.advance(now);
        let before = self.open.mids.map_or(mid_half_ticks, |(before, _)| before);
        self.open.mids = Some((before, mid_half_ticks));
        self.open.seen = true;
    }

    /// Ends the interval when its time is over. The first starts with the first event; one with neither a trade nor a
    /// mid is no observation. A time that steps back belongs to the open interval.
    #[inline]
    pub fn advance(&mut self, now: UnixNanos) {
        let open = &mut self.open;
        if !open.started {
            (open.started, open.until) = (true, now.plus(self.interval));
            return;
        }
        if now < open.until {
            return;
        }
        let ended = *open;
        let passed = (now.since(open.until).0 / self.interval.0).saturating_add(1);
        open.until = open.until.plus(Nanos(passed.saturating_mul(self.interval.0)));
        (open.signed_lots, open.seen) = (0, false);
        if let Some((before, last)) = ended.mids {
            open.mids = Some((last, last));
            if ended.seen {
                let clamp = |value: i128| value.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
                self.on_interval(clamp(ended.signed_lots), clamp(i128::from(last) - i128::from(before)));
            }
        }
    }

    /// Takes one interval: net lots of aggressors (buys positive), change of the mid in half ticks. False (and
    /// counted) when one is beyond `KYLE_STEP_MAX`.
    #[inline]
    pub fn on_interval(&mut self, signed_lots: i64, change_half_ticks: i64) -> bool {
        let range = -KYLE_STEP_MAX..=KYLE_STEP_MAX;
        if !(range.contains(&signed_lots) && range.contains(&change_half_ticks)) {
            self.rejected += 1;
            return false;
        }
        if self.count == self.ring.len() {
            self.add(self.ring[self.next], -1);
        } else {
            self.count += 1;
        }
        self.ring[self.next] = (signed_lots, change_half_ticks);
        self.next = if self.next + 1 == self.ring.len() { 0 } else { self.next + 1 };
        self.add((signed_lots, change_half_ticks), 1);
        true
    }

    #[inline]
    fn add(&mut self, (x, y): (i64, i64), sign: i128) {
        let (x, y) = (i128::from(x), i128::from(y));
        for (sum, term) in self.sums.iter_mut().zip([x, y, x * x, x * y, y * y]) {
            *sum += sign * term;
        }
    }

    /// λ; `None` with fewer than two intervals, or when the signed volume never varied.
    pub fn estimate(&self) -> Option<KyleEstimate> {
        let [x, y, xx, xy, yy] = self.sums;
        let n = self.count as i128;
        // n times the sums of squares and products about the means: exact.
        let (sxx, sxy, syy) = (n * xx - x * x, n * xy - x * y, n * yy - y * y);
        if self.count < 2 || sxx <= 0 {
            return None;
        }
        let (sxx, sxy, syy, n) = (sxx as f64, sxy as f64, syy as f64, n as f64);
        let slope = sxy / sxx;
        let residual = (syy - slope * sxy).max(0.0) / n;
        let error = if n > 2.0 { libm::sqrt(residual / (n - 2.0) / (sxx / n)) } else { 0.0 };
        Some(KyleEstimate {
            lambda: self.half_tick_price * slope,
            standard_error: self.half_tick_price * error,
            covariance: self.half_tick_price * (sxy / n / (n - 1.0)),
            variance: sxx / n / (n - 1.0),
            intervals: self.count as u64,
        })
    }

    /// Intervals and trades refused so far.
    pub fn rejected(&self) -> u64 {
        self.rejected
    }
}
