//! # Room card: signal/noise
//! In:    prices or mids with bid-ask bounce (noise), twice in ticks, with times.
//! Out:   `TwoScalesVolatility`, `PreAveragedVolatility`: σ of the efficient price, its error, the size of the noise.
//! Holds: sums are exact integers over the window; estimates are unbiased for constant σ and independent noise.
//! Costs: O(1) per update and per estimate whatever the span; memory of the window at construction.
//!
//! The observed price is Y = X + ε: a Brownian motion with variance v = σ²Δ a step, and noise with variance ω². Both
//! estimators are weighted returns `D_i = Σ g_a·r_(i+a)` over a span of L returns, squared and summed over the
//! window. `E[D²] = v·G(0) + ω²·H(0)` and `E[r²] = v + 2ω²` give v and ω² exactly, where G and H are the
//! autocorrelations of g and of its differences. The same autocorrelations at all lags give the variance of v̂ for
//! Gaussian noise, exactly but for the edges of the window.
//!
//! **What is reachable.** With n observations and noise ratio η = ω/√v no estimator has a relative variance of σ̂²
//! below `(4·√(4η² + 1) + 2)/n` (Aït-Sahalia, Mykland, Zhang 2005, Rev. Financ. Stud. 18, p. 351, prop. 1). For
//! η = 3 and n = 100,000 that is an error of σ of 0.81 %. Pre-averaging has `(1.0786·k + 12·η²/k + 96·η⁴/k³)/n`,
//! which is 0.80 % to leading order at its best k = 4.777·η, and 1.2 % at k = 50; two scales `(4K/3 + 8η²/K +
//! 8η⁴/K²)/n`, best near K = (12·η⁴)^(1/3). A span that is too long costs efficiency, one that is too short none of
//! the unbiasedness.
use types::UnixNanos;

use crate::estimate::VolatilityEstimate;
use crate::fault::{SignalFault, in_range, positive};
use crate::volatility::SumOfSquares;

/// Largest window of the estimators against noise, observations.
pub const NOISE_WINDOW_MAX: usize = 1 << 20;
/// Largest number of subgrids of `TwoScalesVolatility`.
pub const SUBGRIDS_MAX: usize = 1_024;
/// Largest half span of `PreAveragedVolatility`.
pub const HALF_SPAN_MAX: usize = 512;
/// Largest price, half ticks either side of zero; one beyond it is refused and counted.
pub const PRICE_HALF_TICKS_MAX: i64 = 1 << 52;
/// Windows have at least this many spans: with fewer the error's formula is all edge.
const SPANS_MIN: usize = 4;

/// How returns are weighted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Weighting {
    /// g = 1 over K returns: Y_i - Y_(i-K).
    Flat(usize),
    /// g rises to h and falls: the sum of the last h prices less that of the h before.
    Tent(usize),
}

/// The moments of a weighting.
#[derive(Clone, Copy, Debug)]
struct Moments {
    g0: f64,
    h0: f64,
    /// Σ over all lags l of G², GH, H², and the same times |l|.
    pairs: [f64; 3],
    pairs_by_lag: [f64; 3],
    /// Σ g², Σ g·d, Σ d² with d = 2g_b - g_(b-1) - g_(b+1): the covariance with single returns.
    cross: [f64; 3],
}

impl Weighting {
    /// Returns in a span.
    const fn span(self) -> usize {
        match self {
            Weighting::Flat(subgrids) => subgrids,
            Weighting::Tent(half) => 2 * half - 1,
        }
    }

    fn weight(self, at: usize) -> f64 {
        match self {
            _ if at == 0 || at > self.span() => 0.0,
            Weighting::Flat(_) => 1.0,
            Weighting::Tent(half) => at.min(2 * half - at) as f64,
        }
    }

    fn moments(self) -> Moments {
        let span = self.span();
        let g = |at: usize| self.weight(at);
        // Weight of the noise of the price at place b of the span's prices.
        let w = |at: usize| g(at) - g(at + 1);
        let (mut pairs, mut pairs_by_lag, mut first) = ([0.0; 3], [0.0; 3], (0.0, 0.0));
        for lag in 0..=span {
            let big_g: f64 = (1..=span - lag).map(|at| g(at) * g(at + lag)).sum();
            let big_h: f64 = (0..=span - lag).map(|at| w(at) * w(at + lag)).sum();
            if lag == 0 {
                first = (big_g, big_h);
            }
            let both_signs = if lag == 0 { 1.0 } else { 2.0 };
            for (at, product) in [big_g * big_g, big_g * big_h, big_h * big_h].into_iter().enumerate() {
                pairs[at] += both_signs * product;
                pairs_by_lag[at] += both_signs * lag as f64 * product;
            }
        }
        let mut cross = [0.0; 3];
        for at in 0..=span + 1 {
            let before = if at == 0 { 0.0 } else { g(at - 1) };
            let d = 2.0 * g(at) - before - g(at + 1);
            cross[0] += g(at) * g(at);
            cross[1] += g(at) * d;
            cross[2] += d * d;
        }
        Moments { g0: first.0, h0: first.1, pairs, pairs_by_lag, cross }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    time: UnixNanos,
    price: i64,
    /// D of the span that ends here, where the window holds it whole.
    weighted: i64,
}

/// The window both estimators share.
#[derive(Debug)]
struct Core {
    weighting: Weighting,
    moments: Moments,
    half_tick_price: f64,
    ring: Box<[Slot]>,
    /// Place of the oldest.
    head: usize,
    count: usize,
    returns: SumOfSquares,
    spans: SumOfSquares,
    rejected: u64,
}

impl Core {
    fn new(weighting: Weighting, window: usize, tick_price: f64) -> Result<Core, SignalFault> {
        let least = SPANS_MIN * (weighting.span() + 1);
        in_range("window", window as f64, least as f64, NOISE_WINDOW_MAX as f64)?;
        positive("tickPrice", tick_price)?;
        Ok(Core {
            weighting,
            moments: weighting.moments(),
            half_tick_price: tick_price * 0.5,
            ring: vec![Slot::default(); window].into_boxed_slice(),
            head: 0,
            count: 0,
            returns: SumOfSquares::default(),
            spans: SumOfSquares::default(),
            rejected: 0,
        })
    }

    /// The slot `offset` places after the oldest; `offset` is below the ring's length.
    #[inline]
    fn slot(&self, offset: usize) -> Slot {
        let at = self.head + offset;
        self.ring[if at >= self.ring.len() { at - self.ring.len() } else { at }]
    }

    /// The price `lag` observations before the next one; before the first, the first.
    #[inline]
    fn lagged(&self, lag: usize) -> i64 {
        self.slot(self.count.saturating_sub(lag)).price
    }

    #[inline]
    fn on_price(&mut self, now: UnixNanos, price: i64) -> bool {
        if !(-PRICE_HALF_TICKS_MAX..=PRICE_HALF_TICKS_MAX).contains(&price) {
            self.rejected += 1;
            return false;
        }
        if self.count == 0 {
            self.ring[0] = Slot { time: now, price, weighted: 0 };
            (self.head, self.count) = (0, 1);
            return true;
        }
        let last = self.slot(self.count - 1);
        // |D| <= 512 * 2 * 2^52 = 2^62 for the tent: no overflow.
        let weighted = match self.weighting {
            Weighting::Flat(subgrids) => price - self.lagged(subgrids),
            Weighting::Tent(half) => last.weighted + price - 2 * self.lagged(half) + self.lagged(2 * half),
        };
        if self.count == self.ring.len() {
            self.remove_oldest();
        }
        let at = self.head + self.count;
        let at = if at >= self.ring.len() { at - self.ring.len() } else { at };
        self.ring[at] = Slot { time: now.max(last.time), price, weighted };
        self.count += 1;
        self.returns.add(SumOfSquares::square(last.price, price));
        if self.count > self.weighting.span() {
            self.spans.add(SumOfSquares::square(0, weighted));
        }
        true
    }

    #[inline]
    fn remove_oldest(&mut self) {
        self.returns.subtract(SumOfSquares::square(self.slot(0).price, self.slot(1).price));
        self.spans.subtract(SumOfSquares::square(0, self.slot(self.weighting.span()).weighted));
        self.head = if self.head + 1 == self.ring.len() { 0 } else { self.head + 1 };
        self.count -= 1;
    }

    /// (v̂, ω̂²) in half ticks squared, per observation; ω̂² is floored at zero.
    fn variances(&self) -> Option<(f64, f64)> {
        let span = self.weighting.span();
        if self.count < SPANS_MIN * (span + 1) {
            return None;
        }
        let spans = self.spans.to_f64() / (self.count - span) as f64;
        let returns = self.returns.to_f64() / (self.count - 1) as f64;
        let half_h = self.moments.h0 * 0.5;
        let step = (spans - half_h * returns) / (self.moments.g0 - half_h);
        Some((step, ((returns - step) * 0.5).max(0.0)))
    }

    fn sigma_of(&self, step_variance: f64) -> Option<f64> {
        let (oldest, newest) = (self.slot(0), self.slot(self.count - 1));
        let seconds = newest.time.since(oldest.time).as_seconds();
        if step_variance > 0.0 && seconds > 0.0 {
            Some(self.half_tick_price * libm::sqrt(step_variance * (self.count - 1) as f64 / seconds))
        } else {
            None
        }
    }

    fn sigma(&self) -> Option<f64> {
        self.sigma_of(self.variances()?.0)
    }

    /// Variance of v̂ at (v, ω²), for Gaussian noise.
    fn variance_of_step(&self, v: f64, w: f64) -> f64 {
        let Moments { g0, h0, pairs, pairs_by_lag, cross } = self.moments;
        let n = (self.count - 1) as f64;
        let m = (self.count - self.weighting.span()) as f64;
        let quadratic = |terms: [f64; 3]| v * v * terms[0] + 2.0 * v * w * terms[1] + w * w * terms[2];
        let spans = 2.0 * (m * quadratic(pairs) - quadratic(pairs_by_lag)) / (m * m);
        let own = v + 2.0 * w;
        let returns = 2.0 * (n * own * own + 2.0 * (n - 1.0) * w * w) / (n * n);
        let both = 2.0 * quadratic(cross) / n;
        let half_h = h0 * 0.5;
        let scale = g0 - half_h;
        (spans + half_h * half_h * returns - 2.0 * half_h * both) / (scale * scale)
    }

    fn estimate(&self) -> Option<VolatilityEstimate> {
        let (v, w) = self.variances()?;
        let sigma = self.sigma_of(v)?;
        let relative = libm::sqrt(self.variance_of_step(v, w).max(0.0)) / v;
        Some(VolatilityEstimate {
            sigma,
            standard_error: sigma * relative * 0.5,
            noise: self.half_tick_price * libm::sqrt(w),
            samples: self.count as u64,
        })
    }

    fn reset(&mut self) {
        (self.head, self.count) = (0, 0);
        (self.returns, self.spans) = (SumOfSquares::default(), SumOfSquares::default());
    }
}

macro_rules! estimator {
    ($name:ident) => {
        impl $name {
            /// Takes an observation: bid + ask in ticks, or twice a trade's price. A time before the last one's is
            /// taken as the last one's; a price beyond `PRICE_HALF_TICKS_MAX` is refused (false) and counted.
            #[inline]
            pub fn on_price(&mut self, now: UnixNanos, price_half_ticks: i64) -> bool {
                self.core.on_price(now, price_half_ticks)
            }
            /// σ, price units per √second; `None` below four spans of observations, when no time passed, and when the
            /// noise leaves nothing (the estimate of σ² is not positive).
            #[inline]
            pub fn sigma(&self) -> Option<f64> {
                self.core.sigma()
            }
            /// σ with its standard error and the size of the noise; `None` as for `sigma`.
            pub fn estimate(&self) -> Option<VolatilityEstimate> {
                self.core.estimate()
            }
            /// Observations in the window.
            pub fn samples(&self) -> usize {
                self.core.count
            }
            /// Observations refused so far.
            pub fn rejected(&self) -> u64 {
                self.core.rejected
            }
            /// Forgets every observation.
            pub fn reset(&mut self) {
                self.core.reset()
            }
        }
    };
}

/// Two-scales realised volatility (Zhang, Mykland, Aït-Sahalia 2005, J. Am. Stat. Assoc. 100, p. 1394).
///
/// On a desk: σ of the price behind the bid-ask bounce, from trade prices or unfiltered mids. Realised variance
/// averaged over `subgrids` (K) sparse grids, less the noise that all returns show: `v̂ = ([Y,Y]avg/n̄ -
/// [Y,Y]all/n)/(K - 1)` per observation, with n̄ = (n - K + 1)/K. In the paper's terms: its eq. 64 with the
/// small-sample factor (1 - n̄/n)⁻¹, less the factor (n - K + 1)/(n + 1) that the paper leaves at the edges, so
/// that it is unbiased at every n.
#[derive(Debug)]
pub struct TwoScalesVolatility {
    core: Core,
}

impl TwoScalesVolatility {
    /// An empty window of `window` observations, at least 4·(`subgrids` + 1), at most `NOISE_WINDOW_MAX`.
    /// `subgrids` from 2 to `SUBGRIDS_MAX`; `best_subgrids` for a noise that is known. `tick_price`: price of one
    /// tick.
    pub fn new(window: usize, subgrids: usize, tick_price: f64) -> Result<TwoScalesVolatility, SignalFault> {
        in_range("subgrids", subgrids as f64, 2.0, SUBGRIDS_MAX as f64)?;
        Ok(TwoScalesVolatility { core: Core::new(Weighting::Flat(subgrids), window, tick_price)? })
    }
    /// The K of least variance for noise of `noise_ratio` times the true step: (12·η⁴)^(1/3), within the range.
    pub fn best_subgrids(noise_ratio: f64) -> usize {
        let best = libm::cbrt(12.0 * noise_ratio * noise_ratio * noise_ratio * noise_ratio);
        (libm::round(best) as usize).clamp(2, SUBGRIDS_MAX)
    }
}
estimator!(TwoScalesVolatility);

/// Pre-averaged volatility (Jacod, Li, Mykland, Podolskij, Vetter 2009, Stoch. Process. Appl. 119, p. 2249).
///
/// On a desk: σ of the price behind the bid-ask bounce; near the best that any estimator reaches. Differences of
/// the mean of the last h prices and the mean of the h before (the weight g(x) = min(x, 1-x) with k = 2h), squared
/// and summed, less the noise that single returns show. Bias terms are those of eq. 3.6 taken at finite k: exact
/// sums of g in the place of the limits ψ₁, ψ₂, so that it is unbiased at every n and k.
#[derive(Debug)]
pub struct PreAveragedVolatility {
    core: Core,
}

impl PreAveragedVolatility {
    /// An empty window of `window` observations, at least 8·`half_span`, at most `NOISE_WINDOW_MAX`. `half_span` (h)
    /// from 2 to `HALF_SPAN_MAX`; `best_half_span` for a noise that is known. `tick_price`: price of one tick.
    pub fn new(window: usize, half_span: usize, tick_price: f64) -> Result<PreAveragedVolatility, SignalFault> {
        in_range("halfSpan", half_span as f64, 2.0, HALF_SPAN_MAX as f64)?;
        Ok(PreAveragedVolatility { core: Core::new(Weighting::Tent(half_span), window, tick_price)? })
    }
    /// The h of least variance for noise of `noise_ratio` times the true step: 4.777·η/2, within the range.
    pub fn best_half_span(noise_ratio: f64) -> usize {
        (libm::round(4.777 * noise_ratio * 0.5) as usize).clamp(2, HALF_SPAN_MAX)
    }
}
estimator!(PreAveragedVolatility);
