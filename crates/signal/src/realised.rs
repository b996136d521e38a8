//! # Room card: signal/realised
//! In:    twice the mid price in ticks, with times.
//! Out:   `RealisedVolatility`: realised variance and σ over a window of time, with the standard error.
//! Holds: sums of squares and fourth powers are exact integers: a value depends only on the mids in the window.
//! Costs: O(1) amortised: each mid enters and leaves once; one square root when σ is asked for.
use types::UnixNanos;

use crate::estimate::VolatilityEstimate;
use crate::fault::{SignalFault, positive};
use crate::volatility::SumOfSquares;
use crate::window::{TimeWindow, WindowParams};

/// Largest difference that enters the fourth powers whole, half ticks; a larger one counts as this much there.
const FOURTH_POWER_STEP_MAX: u64 = 1 << 26;

/// Realised volatility of the mids of the last `length` nanoseconds.
///
/// On a desk: what the price has moved lately. Realised variance is Σ Δmid² (price²), σ its root per second between
/// the first and the last mid of the window. The standard error is that of Barndorff-Nielsen and Shephard (2002, J.
/// R. Statist. Soc. B 64, p. 267): Var(RV) ≈ ⅔ Σ Δmid⁴. `RollingVolatility` has a window of mids, this one of time.
#[derive(Debug)]
pub struct RealisedVolatility {
    half_tick_price: f64,
    window: TimeWindow<i64>,
    squares: SumOfSquares,
    fourths: u128,
}

impl RealisedVolatility {
    /// An empty window; `tick_price` is the price of one tick.
    pub fn new(params: &WindowParams, tick_price: f64) -> Result<RealisedVolatility, SignalFault> {
        positive("tickPrice", tick_price)?;
        Ok(RealisedVolatility {
            half_tick_price: tick_price * 0.5,
            window: TimeWindow::new(params)?,
            squares: SumOfSquares::default(),
            fourths: 0,
        })
    }

    /// Takes a mid (bid + ask in ticks). A time before the last one's is taken as the last one's.
    #[inline]
    pub fn on_mid(&mut self, now: UnixNanos, mid_half_ticks: i64) {
        self.advance(now);
        if let Some(gone) = self.window.pop_for_room() {
            self.remove(gone);
        }
        if let Some((_, last)) = self.window.newest() {
            self.squares.add(SumOfSquares::square(last, mid_half_ticks));
            self.fourths += fourth(last, mid_half_ticks);
        }
        self.window.push(mid_half_ticks);
    }

    /// Lets mids older than the window leave, without a new one.
    #[inline]
    pub fn advance(&mut self, now: UnixNanos) {
        self.window.clock(now);
        while let Some(gone) = self.window.pop_expired() {
            self.remove(gone);
        }
    }

    #[inline]
    fn remove(&mut self, gone: i64) {
        if let Some((_, next)) = self.window.oldest() {
            self.squares.subtract(SumOfSquares::square(gone, next));
            self.fourths -= fourth(gone, next);
        }
    }

    /// Σ Δmid², price².
    #[inline]
    pub fn variance(&self) -> f64 {
        self.half_tick_price * self.half_tick_price * self.squares.to_f64()
    }

    /// σ, price units per √second; `None` with less than two mids, or when no time passed between them.
    #[inline]
    pub fn sigma(&self) -> Option<f64> {
        let ((first, _), (last, _)) = (self.window.oldest()?, self.window.newest()?);
        let seconds = last.since(first).as_seconds();
        if seconds > 0.0 { Some(self.half_tick_price * libm::sqrt(self.squares.to_f64() / seconds)) } else { None }
    }

    /// σ with its standard error.
    pub fn estimate(&self) -> Option<VolatilityEstimate> {
        let sigma = self.sigma()?;
        let squares = self.squares.to_f64();
        // d σ / σ = ½ d RV / RV.
        let relative = if squares > 0.0 { libm::sqrt(2.0 / 3.0 * self.fourths as f64) / squares } else { 0.0 };
        let samples = self.window.len() as u64;
        Some(VolatilityEstimate { sigma, standard_error: sigma * relative * 0.5, noise: 0.0, samples })
    }

    /// Mids in the window.
    pub fn samples(&self) -> usize {
        self.window.len()
    }
    /// Mids that left before their time because the window had no room.
    pub fn dropped(&self) -> u64 {
        self.window.dropped()
    }
}

#[inline]
fn fourth(from: i64, to: i64) -> u128 {
    let square = {
        let step = u128::from(to.abs_diff(from).min(FOURTH_POWER_STEP_MAX));
        step * step
    };
    square * square
}
