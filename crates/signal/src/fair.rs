//! # Room card: signal/fair
//! In:    a touch, or the best levels of both sides, best first.
//! Out:   fair prices in ticks: weighted mid, VAMP over n levels, VAMP to a quantity.
//! Holds: sums run from the best level outwards, relative to the best bid, so that large prices lose no digits.
//! Costs: O(1) for the touch, O(levels) for VAMP; no state, no allocation.
use types::{Level, Lots, Touch};

/// Weighted mid (bid·ask lots + ask·bid lots)/(bid lots + ask lots), ticks: it leans to the ask when the bid is the
/// heavier side. `None` when a side is missing or the touch is crossed.
#[inline]
pub fn weighted_mid_ticks(touch: &Touch) -> Option<f64> {
    if !touch.is_two_sided() {
        return None;
    }
    let (bid_lots, ask_lots) = (touch.bid_lots.0 as f64, touch.ask_lots.0 as f64);
    let spread = touch.ask.0.abs_diff(touch.bid.0) as f64;
    Some(touch.bid.0 as f64 + spread * (bid_lots / (bid_lots + ask_lots)))
}

/// The first level's price is there, quantities of the levels used are positive and the sides do not cross.
fn usable(bids: &[Level], asks: &[Level]) -> Option<i64> {
    let (bid, ask) = (bids.first()?, asks.first()?);
    let positive = bids.iter().chain(asks).all(|level| level.quantity.0 > 0);
    (positive && bid.price.0 < ask.price.0).then_some(bid.price.0)
}

/// A level's price relative to `base`, ticks.
fn above(level: &Level, base: i64) -> f64 {
    (i128::from(level.price.0) - i128::from(base)) as f64
}

/// Volume adjusted mid price over the best `levels` of both sides, ticks:
/// `Σ (Pb_i·Qa_i + Pa_i·Qb_i) / Σ (Qa_i + Qb_i)`, the weighted mid carried to depth.
///
/// `None` when a side has fewer levels, a level no quantity, or the sides cross. With one level: the weighted mid.
pub fn vamp_ticks(bids: &[Level], asks: &[Level], levels: usize) -> Option<f64> {
    let (bids, asks) = (bids.get(..levels)?, asks.get(..levels)?);
    let base = usable(bids, asks)?;
    let (mut weighted, mut weight) = (0.0, 0.0);
    for (bid, ask) in bids.iter().zip(asks) {
        let (bid_lots, ask_lots) = (bid.quantity.0 as f64, ask.quantity.0 as f64);
        weighted += above(bid, base) * ask_lots + above(ask, base) * bid_lots;
        weight += bid_lots + ask_lots;
    }
    Some(base as f64 + weighted / weight)
}

/// Volume adjusted mid price to a quantity, ticks: the middle of the average prices at which `quantity` could be sold
/// to the bids and bought from the asks now. `None` when a side holds less, or as for `vamp_ticks`.
pub fn vamp_to_quantity_ticks(bids: &[Level], asks: &[Level], quantity: Lots) -> Option<f64> {
    let base = usable(bids, asks)?;
    let bid = average_above(bids, base, quantity)?;
    let ask = average_above(asks, base, quantity)?;
    Some(base as f64 + 0.5 * (bid + ask))
}

/// Average price of `quantity` from the best level on, relative to `base`.
fn average_above(levels: &[Level], base: i64, quantity: Lots) -> Option<f64> {
    let (mut left, mut value) = (quantity.0, 0.0);
    if left <= 0 {
        return None;
    }
    for level in levels {
        let taken = left.min(level.quantity.0);
        value += above(level, base) * taken as f64;
        left -= taken;
        if left == 0 {
            return Some(value / quantity.0 as f64);
        }
    }
    None
}
