//! # Room card: quote/calibrate/least_squares
//! In:    measured intensities by depth, each with its weight.
//! Out:   the line ln λ = ln A - κ·δ through them, and R².
//! Holds: a level at which no order ended adds nothing: it is left out, and too few others are a refusal.
//! Costs: cold; O(levels).
//!
//! A check on the likelihood, and what the plot shows; it has no standard errors, because measured exceedance rates
//! share orders (whoever reached the third level reached the first).
use super::likelihood::FitRefusal;

/// Levels with orders that a line needs.
const LEVELS_MIN: usize = 3;

/// One measured intensity.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LinePoint {
    /// δ, price units.
    pub depth_price: f64,
    /// Orders a second that reached at least δ.
    pub per_second: f64,
    /// Standard error of `per_second`.
    pub standard_error: f64,
    /// Orders that ended at this very level.
    pub orders: f64,
}

/// A and κ of the line.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LogLineFit {
    /// A, 1/second.
    pub arrivals_per_second: f64,
    /// κ, 1/price.
    pub decay_per_price: f64,
    /// Share of the weighted variance of ln λ that the line explains.
    pub r_squared: f64,
    /// Levels that went in.
    pub levels: usize,
}

/// Weighted least squares of ln λ on δ, the weight 1/variance of ln λ. Errors: `EmptyBins`, `DecayNotPositive`.
pub(super) fn fit_line(points: &[LinePoint]) -> Result<LogLineFit, FitRefusal> {
    let weighted = |point: &LinePoint| {
        let relative = point.per_second / point.standard_error;
        (relative * relative, point.depth_price, libm::log(point.per_second))
    };
    let good = |point: &&LinePoint| point.orders > 0.0 && point.per_second > 0.0 && point.standard_error > 0.0;
    let rows: Vec<(f64, f64, f64)> = points.iter().filter(good).map(weighted).collect();
    if rows.len() < LEVELS_MIN {
        return Err(FitRefusal::EmptyBins { filled: rows.len(), needed: LEVELS_MIN });
    }
    let weight: f64 = rows.iter().map(|row| row.0).sum();
    let mean_depth = rows.iter().map(|row| row.0 * row.1).sum::<f64>() / weight;
    let mean_log = rows.iter().map(|row| row.0 * row.2).sum::<f64>() / weight;
    let (mut depths, mut cross, mut logs) = (0.0, 0.0, 0.0);
    for (weight, depth, log) in &rows {
        let (depth, log) = (depth - mean_depth, log - mean_log);
        depths += weight * depth * depth;
        cross += weight * depth * log;
        logs += weight * log * log;
    }
    let decay = -cross / depths;
    if !(decay > 0.0 && decay.is_finite()) {
        return Err(FitRefusal::DecayNotPositive);
    }
    let r_squared = cross * cross / (depths * logs);
    let arrivals = libm::exp(mean_log + decay * mean_depth);
    Ok(LogLineFit { arrivals_per_second: arrivals, decay_per_price: decay, r_squared, levels: rows.len() })
}
