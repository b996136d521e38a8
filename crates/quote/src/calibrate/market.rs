//! # Room card: quote/calibrate/market
//! In:    depths of one side's market orders as arrays, the seconds watched, the nearest depth that counts.
//! Out:   `IntensityFit` by maximum likelihood.
//! Holds: orders nearer than the nearest depth that counts are left out and counted.
//! Costs: cold; O(orders), then the likelihood's.
use super::likelihood::{FitRefusal, IntensityFit, Kernel, Likelihood};
use super::tally::ORDERS_MIN;

/// Depths of the market orders of one side over a stretch of time.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct DepthSample<'a> {
    /// How far from the mid each order reached, price units. With a grid: the farthest level it traded at.
    pub depths_price: &'a [f64],
    /// Seconds watched.
    pub seconds: f64,
    /// δ0: orders that did not reach so far are left out; the likelihood allows for it.
    pub nearest_price: f64,
    /// Step of the price grid where depths are levels of one, nearest depth included; `None` where they are exact.
    pub tick_price: Option<f64>,
}

/// A and κ of one side. The second value is the number of orders left out (nearer than `nearest_price`).
///
/// Exact depths: κ = n/Σ(d - δ0); grid: κ = ln(1 + n/Σ steps)/τ; A = n/T·e^(κδ0). Errors: `OutOfRange` for a number
/// that is negative or not finite, otherwise as `FitRefusal` says.
pub fn fit_depths(sample: &DepthSample<'_>) -> Result<(IntensityFit, usize), FitRefusal> {
    let checked = |name: &'static str, value: f64| {
        if value >= 0.0 && value.is_finite() { Ok(value) } else { Err(FitRefusal::OutOfRange { name, value }) }
    };
    let nearest = checked("nearestPrice", sample.nearest_price)?;
    let seconds = checked("seconds", sample.seconds)?;
    let (kernel, slack) = match sample.tick_price {
        Some(tick) if tick > 0.0 && tick.is_finite() => (Kernel::Grid(tick), tick * 0.25),
        Some(value) => return Err(FitRefusal::OutOfRange { name: "tickPrice", value }),
        None => (Kernel::Continuous, 0.0),
    };
    // A depth computed as a difference of prices may be a hair below its level.
    let (mut orders, mut depth_sum) = (0usize, 0.0);
    for depth in sample.depths_price {
        if !depth.is_finite() {
            return Err(FitRefusal::OutOfRange { name: "depthsPrice", value: *depth });
        }
        if *depth >= nearest - slack {
            (orders, depth_sum) = (orders + 1, depth_sum + depth);
        }
    }
    let count = orders as f64;
    let likelihood = Likelihood::new(kernel, count, count, depth_sum, core::iter::once((seconds, nearest)))?;
    Ok((likelihood.fit(ORDERS_MIN)?, sample.depths_price.len() - orders))
}
