//! # Room card: signal/ewma
//! In:    twice the mid price in ticks, at irregular times.
//! Out:   `EwmaVolatility`: σ of exponentially weighted squared differences, price units per √second, with its error.
//! Holds: weights depend on elapsed time only, so that more frequent quoting does not shorten the memory.
//! Costs: O(1), a handful of multiplications; one `expm1` when the step is long against the half-life.
use types::{Nanos, UnixNanos};

use crate::estimate::VolatilityEstimate;
use crate::fault::{SignalFault, in_range, positive};

/// Exponentially weighted volatility of the mid.
///
/// On a desk: the σ of the recent past in price units per √second, that forgets smoothly. A time `half_life` ago
/// weighs half of now. With λ = ln 2 / half-life and a difference r over Δt seconds,
/// `S ← S·e^(-λΔt) + r²·(1 - e^(-λΔt))/(λΔt)`, `T ← T·e^(-λΔt) + (1 - e^(-λΔt))/λ`, `σ² = S/T`: with equal steps
/// this is the estimator of RiskMetrics (J.P. Morgan/Reuters 1996, Technical Document, eq. 5.3), without its start
/// value: the weights seen so far are what σ² is divided by. It takes the differences as free of noise: feed changed
/// mids, not trade prices, or see `PreAveragedVolatility`.
#[derive(Debug)]
pub struct EwmaVolatility {
    half_tick_price: f64,
    /// λ, 1/nanosecond.
    decay_per_nano: f64,
    last: Option<(UnixNanos, i64)>,
    /// S, half ticks squared.
    squares: f64,
    /// λ·T.
    weight: f64,
    /// λ²·Σ (weight of a step)²: for the standard error.
    weight_squares: f64,
    samples: u64,
}

/// Longest half-life, seconds: a year.
pub const HALF_LIFE_SECONDS_MAX: f64 = 31_622_400.0;

impl EwmaVolatility {
    /// Nothing seen. `half_life_seconds` from 10^-6 to `HALF_LIFE_SECONDS_MAX`; `tick_price` is the price of one
    /// tick.
    pub fn new(half_life_seconds: f64, tick_price: f64) -> Result<EwmaVolatility, SignalFault> {
        in_range("halfLifeSeconds", half_life_seconds, 1e-6, HALF_LIFE_SECONDS_MAX)?;
        positive("tickPrice", tick_price)?;
        Ok(EwmaVolatility {
            half_tick_price: tick_price * 0.5,
            decay_per_nano: core::f64::consts::LN_2 / (half_life_seconds * 1e9),
            last: None,
            squares: 0.0,
            weight: 0.0,
            weight_squares: 0.0,
            samples: 0,
        })
    }

    /// Takes a mid (bid + ask in ticks). A time before the last one's is taken as the last one's.
    #[inline]
    pub fn on_mid(&mut self, now: UnixNanos, mid_half_ticks: i64) {
        self.samples += 1;
        let Some((time, mid)) = self.last else {
            self.last = Some((now, mid_half_ticks));
            return;
        };
        let now = now.max(time);
        let step = mid_half_ticks.abs_diff(mid) as f64;
        let x = self.decay_per_nano * now.since(time).0 as f64;
        let (lost, lost_by_x) = lost_weight(x);
        let kept = 1.0 - lost;
        self.squares = self.squares * kept + step * step * lost_by_x;
        self.weight = self.weight * kept + lost;
        self.weight_squares = self.weight_squares * kept * kept + lost * lost;
        self.last = Some((now, mid_half_ticks));
    }

    /// σ, price units per √second; `None` before two mids at different times.
    #[inline]
    pub fn sigma(&self) -> Option<f64> {
        if self.weight > 0.0 {
            let per_second = self.squares * (self.decay_per_nano * 1e9) / self.weight;
            Some(self.half_tick_price * libm::sqrt(per_second))
        } else {
            None
        }
    }

    /// σ with its standard error for Gaussian differences of constant σ: relative error of σ² = √(2 Σ w²) / Σ w.
    pub fn estimate(&self) -> Option<VolatilityEstimate> {
        let sigma = self.sigma()?;
        let relative = libm::sqrt(2.0 * self.weight_squares) / self.weight;
        Some(VolatilityEstimate { sigma, standard_error: sigma * relative * 0.5, noise: 0.0, samples: self.samples })
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        (self.last, self.squares, self.weight, self.weight_squares, self.samples) = (None, 0.0, 0.0, 0.0, 0);
    }

    /// The half-life.
    pub fn half_life(&self) -> Nanos {
        Nanos((core::f64::consts::LN_2 / self.decay_per_nano) as i64)
    }
}

/// 1 - e^(-x) and the same divided by x, for x >= 0.
#[inline]
fn lost_weight(x: f64) -> (f64, f64) {
    // Steps are short against the half-life: the series to x^6 is exact to 2^-53 below 1/128 (x^6/5040 < 5e-17).
    if x < 0.007_812_5 {
        let by_x = 1.0 - x * (1.0 / 2.0 - x * (1.0 / 6.0 - x * (1.0 / 24.0 - x * (1.0 / 120.0 - x * (1.0 / 720.0)))));
        (x * by_x, by_x)
    } else {
        let lost = -libm::expm1(-x);
        (lost, lost / x)
    }
}

#[cfg(test)]
mod tests {
    use super::lost_weight;

    #[test]
    fn the_series_meets_expm1() {
        // python: from mpmath import mp, expm1; mp.dps = 30; [-expm1(-mpf(x)) for x in (1e-12, 1e-5, 0.0078, 0.5)]
        let known = [
            (1e-12, 9.999_999_999_995e-13),
            (1e-5, 9.999_950_000_166_666e-6),
            (0.0078, 7.769_658_938_010_885e-3),
            (0.5, 0.393_469_340_287_366_6),
        ];
        for (x, want) in known {
            let (lost, by_x) = lost_weight(x);
            assert!((lost / want - 1.0).abs() < 1e-14, "{x}: {lost} for {want}");
            assert!((by_x * x / want - 1.0).abs() < 1e-14, "{x}");
        }
        assert_eq!(lost_weight(0.0), (0.0, 1.0));
    }
}
