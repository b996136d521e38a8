//! # Room card: signal/batch/toxicity
//! In:    whole samples of trades, bars, days and fills.
//! Out:   VPIN, bulk classification, cluster PIN, the likelihood of PIN, mark-outs.
//! Holds: from the definitions: VPIN lot by lot, the likelihood as the sum of products of Poisson probabilities.
//! Costs: linear in the lots or in the sample squared.
use types::Side;

use super::volatility::sum_of_squares;

/// VPIN of trades (aggressor, lots): lot by lot into buckets, then over the last `buckets` full ones.
pub fn vpin(trades: &[(Side, i64)], bucket_lots: i64, buckets: usize) -> Option<f64> {
    let lots: Vec<i64> = trades.iter().flat_map(|trade| (0..trade.1).map(|_| trade.0.sign())).collect();
    let full: Vec<i64> =
        lots.chunks_exact(bucket_lots as usize).map(|bucket| bucket.iter().sum::<i64>().abs()).collect();
    let last = &full[full.len().checked_sub(buckets)?..];
    Some(last.iter().sum::<i64>() as f64 / (buckets as f64 * bucket_lots as f64))
}

/// The share of the last bar's volume that was bought: Φ(ΔP/σ) with σ the sample deviation of all the changes given.
pub fn bulk_share(changes: &[f64]) -> Option<f64> {
    let n = changes.len() as f64;
    let mean = changes.iter().sum::<f64>() / n;
    let deviation = (sum_of_squares(changes.iter().map(|change| change - mean)) / (n - 1.0)).sqrt();
    let z = changes.last()? / deviation;
    z.is_finite().then(|| 0.5 * libm::erfc(-z / 2f64.sqrt()))
}

/// 1 - (R - 1)/(E₀[R] - 1) of a sequence of aggressors; `None` for flow of one side.
pub fn cluster_persistence(aggressors: &[Side]) -> Option<f64> {
    let clusters = aggressors.chunk_by(|a, b| a == b).count() as f64;
    let buys = aggressors.iter().filter(|side| **side == Side::Buy).count() as f64;
    let (n, sells) = (aggressors.len() as f64, aggressors.len() as f64 - buys);
    let expected = 1.0 + 2.0 * buys * sells / n;
    (buys > 0.0 && sells > 0.0).then(|| 1.0 - (clusters - 1.0) / (expected - 1.0))
}

/// Log-likelihood of PIN's model at (α, δ, μ, ε_b, ε_s): products of Poisson probabilities, for counts small enough.
pub fn pin_log_likelihood(days: &[(u64, u64)], [a, d, mu, eb, es]: [f64; 5]) -> f64 {
    let poisson = |rate: f64, count: u64| (1..=count).fold((-rate).exp(), |p, k| p * rate / k as f64);
    days.iter()
        .map(|&(buys, sells)| {
            let none = (1.0 - a) * poisson(eb, buys) * poisson(es, sells);
            let bad = a * d * poisson(eb, buys) * poisson(es + mu, sells);
            let good = a * (1.0 - d) * poisson(eb + mu, buys) * poisson(es, sells);
            (none + bad + good).ln()
        })
        .sum()
}

/// Half ticks times lots that fills (time, side, price in ticks, lots) of `side` made `horizon_nanos` later against
/// mids (time, half ticks): the last mid at or before that moment. Fills whose moment is not before `until`, and
/// those without a mid, do not count. With it the lots.
pub fn mark_out(
    fills: &[(u64, Side, i64, i64)],
    mids: &[(u64, i64)],
    side: Side,
    horizon_nanos: u64,
    until: u64,
) -> (i128, i128) {
    let (mut gain, mut lots) = (0, 0);
    for &(time, _, price, quantity) in fills.iter().filter(|fill| fill.1 == side) {
        let due = time + horizon_nanos;
        let known = mids.iter().rev().find(|mid| mid.0 <= due);
        if let (Some(&(_, mid)), true) = (known, due < until) {
            gain += i128::from(side.sign() * (mid - 2 * price)) * i128::from(quantity);
            lots += i128::from(quantity);
        }
    }
    (gain, lots)
}
