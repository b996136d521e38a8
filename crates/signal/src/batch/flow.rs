//! # Room card: signal/batch/flow
//! In:    whole samples of touches, trades and intervals.
//! Out:   order-flow and trade-flow imbalance, Kyle's λ, rates by depth, the micro-price's adjustments.
//! Holds: from the definitions, in plain loops; the micro-price by iterating the whole chain, without a matrix
//!        inverse.
//! Costs: linear in the sample, but for the micro-price: linear in its steps.
use types::{Side, Ticks, Touch};

/// Σ e over the updates between consecutive touches, lots (Cont, Kukanov, Stoikov 2014, eq. 4).
pub fn order_flow_imbalance(touches: &[Touch]) -> i128 {
    let mut sum = 0;
    for pair in touches.windows(2) {
        let (before, after) = (pair[0], pair[1]);
        // A side that is not there has quantity zero, and a price worse than any.
        let price = |lots: i64, price: i64, worst: i128| if lots > 0 { i128::from(price) } else { worst };
        let (low, high) = (i128::MIN, i128::MAX);
        let (pb0, pb1) = (price(before.bid_lots.0, before.bid.0, low), price(after.bid_lots.0, after.bid.0, low));
        let (pa0, pa1) = (price(before.ask_lots.0, before.ask.0, high), price(after.ask_lots.0, after.ask.0, high));
        let when = |condition: bool, lots: i64| if condition { i128::from(lots) } else { 0 };
        sum += when(pb1 >= pb0, after.bid_lots.0) - when(pb1 <= pb0, before.bid_lots.0);
        sum += when(pa1 >= pa0, before.ask_lots.0) - when(pa1 <= pa0, after.ask_lots.0);
    }
    sum
}

/// (buys - sells)/(buys + sells) of trades (aggressor, lots); `None` without volume.
pub fn trade_flow_imbalance(trades: &[(Side, i64)]) -> Option<f64> {
    let volume = |side: Side| trades.iter().filter(|trade| trade.0 == side).map(|trade| trade.1 as f64).sum::<f64>();
    let (buys, sells) = (volume(Side::Buy), volume(Side::Sell));
    (buys + sells > 0.0).then(|| (buys - sells) / (buys + sells))
}

/// Kyle's λ and its standard error: ordinary least squares of price changes on signed lots, with an intercept.
pub fn kyle_lambda(signed_lots: &[f64], changes: &[f64]) -> Option<(f64, f64)> {
    let n = signed_lots.len() as f64;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / n;
    let (mx, my) = (mean(signed_lots), mean(changes));
    let sxx: f64 = signed_lots.iter().map(|x| (x - mx).powi(2)).sum();
    if sxx <= 0.0 || n < 2.0 {
        return None;
    }
    let lambda = signed_lots.iter().zip(changes).map(|(x, y)| (x - mx) * (y - my)).sum::<f64>() / sxx;
    let residuals: f64 = signed_lots.iter().zip(changes).map(|(x, y)| (y - my - lambda * (x - mx)).powi(2)).sum();
    Some((lambda, if n > 2.0 { (residuals / (n - 2.0) / sxx).sqrt() } else { 0.0 }))
}

/// Trades (aggressor, price, mid in half ticks) of a side that reach at least a depth in half ticks.
pub fn trades_reaching(trades: &[(Side, Ticks, i64)], side: Side, depth_half_ticks: i64) -> u64 {
    let depth = |price: Ticks, mid: i64| side.sign() * (2 * price.0 - mid);
    trades.iter().filter(|trade| trade.0 == side && depth(trade.1, trade.2) >= depth_half_ticks.max(0)).count() as u64
}

/// The micro-price's adjustments, ticks, by spread and imbalance bucket: the expected change of the mid after `steps`
/// touches, by iterating the chain touch by touch. Converges to the streaming form's table as `steps` grows.
pub fn micro_price(touches: &[Touch], buckets: usize, spread_ticks_max: usize, steps: usize) -> Vec<f64> {
    let states = buckets * spread_ticks_max;
    let state = |touch: &Touch| {
        let spread = (touch.ask.0 - touch.bid.0) as usize;
        let two_sided = touch.bid_lots.0 > 0 && touch.ask_lots.0 > 0 && touch.ask > touch.bid;
        let bucket = touch.bid_lots.0 as u128 * buckets as u128 / (touch.bid_lots.0 + touch.ask_lots.0) as u128;
        (two_sided && spread <= spread_ticks_max).then(|| (spread - 1, (bucket as usize).min(buckets - 1)))
    };
    let mut moves = vec![std::collections::BTreeMap::<(usize, i64), f64>::new(); states];
    for pair in touches.windows(2) {
        let (Some((spread0, bucket0)), Some((spread1, bucket1))) = (state(&pair[0]), state(&pair[1])) else { continue };
        let change = pair[1].bid.0 + pair[1].ask.0 - pair[0].bid.0 - pair[0].ask.0;
        let from = (spread0 * buckets + bucket0, spread0 * buckets + buckets - 1 - bucket0);
        let to = (spread1 * buckets + bucket1, spread1 * buckets + buckets - 1 - bucket1);
        *moves[from.0].entry((to.0, change)).or_default() += 1.0;
        *moves[from.1].entry((to.1, -change)).or_default() += 1.0;
    }
    let mut value = vec![0.0; states];
    for _ in 0..steps {
        value = moves
            .iter()
            .map(|row| {
                let total: f64 = row.values().sum();
                let expected: f64 =
                    row.iter().map(|(&(to, change), count)| count * (change as f64 / 2.0 + value[to])).sum();
                if total > 0.0 { expected / total } else { 0.0 }
            })
            .collect();
    }
    value
}
