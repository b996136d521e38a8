//! # Room card: signal/batch/volatility
//! In:    times in nanoseconds and prices (any unit, usually of money) of the same length.
//! Out:   σ by each estimator, in the unit of the price per √second.
//! Holds: `None` where the streaming form has none: too few prices, no time passed, nothing left after the noise.
//! Costs: O(n) to O(n·k).

fn seconds(times_nanos: &[u64]) -> Option<f64> {
    let elapsed = times_nanos.last()?.checked_sub(*times_nanos.first()?)?;
    (elapsed > 0).then(|| elapsed as f64 / 1e9)
}

pub(super) fn sum_of_squares(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum()
}

/// Realised variance Σ Δp², price².
pub fn realised_variance(prices: &[f64]) -> f64 {
    sum_of_squares(prices.windows(2).map(|pair| pair[1] - pair[0]))
}

/// Realised σ, price per √second.
pub fn realised(times_nanos: &[u64], prices: &[f64]) -> Option<f64> {
    Some((realised_variance(prices) / seconds(times_nanos)?).sqrt())
}

/// Exponentially weighted σ: the weight of a moment is 2^(-age/half-life), a difference has the mean weight of its
/// time.
pub fn ewma(times_nanos: &[u64], prices: &[f64], half_life_seconds: f64) -> Option<f64> {
    let last = *times_nanos.last()?;
    let decay = std::f64::consts::LN_2 / half_life_seconds;
    let age = |time: u64| (last - time) as f64 / 1e9;
    let (mut squares, mut weights) = (0.0, 0.0);
    for (times, pair) in times_nanos.windows(2).zip(prices.windows(2)) {
        let elapsed = (times[1] - times[0]) as f64 / 1e9;
        // ∫ e^(-λ·age) over the step.
        let integral = (-decay * age(times[1])).exp() * -(-decay * elapsed).exp_m1() / decay;
        let mean = if elapsed > 0.0 { integral / elapsed } else { (-decay * age(times[1])).exp() };
        squares += (pair[1] - pair[0]).powi(2) * mean;
        weights += integral;
    }
    (weights > 0.0).then(|| (squares / weights).sqrt())
}

/// Two-scales σ: the estimator of Zhang, Mykland and Aït-Sahalia (2005) as in the paper, with the small-sample factor
/// (1 - n̄/n)⁻¹: K separate grids, their mean, less n̄/n times the realised variance of all; divided by
/// (n - K + 1)/(n + 1), the bias the paper leaves at the edges.
pub fn two_scales(times_nanos: &[u64], prices: &[f64], subgrids: usize) -> Option<f64> {
    let n = prices.len().checked_sub(1)? as f64;
    let k = subgrids as f64;
    let mut average = 0.0;
    for grid in 0..subgrids {
        let sparse: Vec<f64> = prices.iter().skip(grid).step_by(subgrids).copied().collect();
        average += realised_variance(&sparse) / k;
    }
    let sparse_n = (n - k + 1.0) / k;
    let paper = (average - sparse_n / n * realised_variance(prices)) / (1.0 - sparse_n / n);
    let variance = paper * (n + 1.0) / (n - k + 1.0);
    (variance > 0.0).then(|| Some((variance / seconds(times_nanos)?).sqrt()))?
}

/// Pre-averaged σ: weighted returns with g(x) = min(x, 1 - x) over k = 2h returns, squared and averaged; the noise
/// that single returns show is taken off by the finite sums of g (Jacod et al. 2009, eq. 3.6 before its limits).
pub fn pre_averaged(times_nanos: &[u64], prices: &[f64], half_span: usize) -> Option<f64> {
    let k = 2 * half_span;
    let g = |j: usize| (j as f64 / k as f64).min(1.0 - j as f64 / k as f64);
    let returns: Vec<f64> = prices.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let spans: Vec<f64> =
        returns.windows(k - 1).map(|span| span.iter().enumerate().map(|(at, r)| g(at + 1) * r).sum()).collect();
    if spans.is_empty() {
        return None;
    }
    let psi_2 = sum_of_squares((1..k).map(g));
    let psi_1 = sum_of_squares((0..k).map(|j| g(j + 1) - g(j)));
    let mean_square = sum_of_squares(spans.iter().copied()) / spans.len() as f64;
    let mean_return = sum_of_squares(returns.iter().copied()) / returns.len() as f64;
    let step = (mean_square - psi_1 / 2.0 * mean_return) / (psi_2 - psi_1 / 2.0);
    (step > 0.0).then(|| Some((step * returns.len() as f64 / seconds(times_nanos)?).sqrt()))?
}
