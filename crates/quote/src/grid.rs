//! # Room card: quote/grid
//! In:    a model's bid and ask as f64 prices, the instrument, the touch.
//! Out:   the same as ticks on the order increment: bid down, ask up, neither crossing the touch, bid below ask.
//! Holds: the one place where a model's float becomes a price; anything that gives no price there is `QUOTER_INVALID`.
//! Costs: two float divisions, and an integer one per side where the increment is coarser than a tick.
//!
//! **Tolerance.** A float that means a grid point seldom is one (101.30000000000001 at a tick of 0.1). With x = price /
//! tick, a point within max(1e-9, x·2⁻⁵⁰) tick of x counts as x itself: 1e-9 tick is far below anything a desk can
//! mean, and the relative part covers the rounding of a handful of operations at large x. So a quote may lie inside the
//! model's price by that much and no more. Beyond 2⁴⁶ ticks the relative part would pass 1/16 tick, so such prices are
//! refused.
use types::{Code, Instrument, Ticks, Touch};

/// Largest price in ticks that can be snapped, 2⁴⁶.
pub const SNAP_TICKS_MAX: f64 = (1u64 << 46) as f64;
/// Smallest distance to a grid point, in ticks, that is told apart from the point.
pub const SNAP_TOLERANCE_TICKS: f64 = 1e-9;
/// The same as a part of the price: 2⁻⁵⁰.
pub const SNAP_TOLERANCE_RELATIVE: f64 = 1.0 / (1u64 << 50) as f64;

/// Rounds a model's quotes onto the order increment: the bid down, the ask up. The bid stays at or below the highest
/// order price under the best ask, the ask at or above the lowest order price over the best bid; a missing side of the
/// touch does not bind. Where both would land on one price, each moves one increment outward.
///
/// Errors: `QuoterInvalid` when a price is NaN, infinite, zero, negative or above 2⁴⁶ ticks, when the bid is above the
/// ask, or when no positive price is left for the bid. Then neither side may be quoted.
#[inline]
pub fn snap_outward(
    bid_price: f64,
    ask_price: f64,
    instrument: &Instrument,
    touch: &Touch,
) -> Result<(Ticks, Ticks), Code> {
    let tick_price = instrument.tick_f64();
    snap_outward_ticks(bid_price / tick_price, ask_price / tick_price, instrument, touch)
}

/// `snap_outward` for prices already divided by the tick.
#[inline]
pub(crate) fn snap_outward_ticks(
    bid_ticks: f64,
    ask_ticks: f64,
    instrument: &Instrument,
    touch: &Touch,
) -> Result<(Ticks, Ticks), Code> {
    let (bid, ask) = round_outward(bid_ticks, ask_ticks)?;
    let (bid, ask) = off_the_touch(bid, ask, touch);
    onto_increments(bid, ask, instrument)
}

/// The first step of `snap_outward`: to whole ticks, bid down and ask up. Errors: as there, but for the last.
#[inline]
pub(crate) fn round_outward(bid_ticks: f64, ask_ticks: f64) -> Result<(i64, i64), Code> {
    // Written so that NaN fails each comparison.
    if !(bid_ticks > 0.0 && ask_ticks <= SNAP_TICKS_MAX && bid_ticks <= ask_ticks) {
        return Err(Code::QuoterInvalid);
    }
    Ok((floor_ticks(bid_ticks), ceil_ticks(ask_ticks)))
}

/// The second step: neither side meets the other side of the touch.
#[inline]
pub(crate) fn off_the_touch(mut bid: i64, mut ask: i64, touch: &Touch) -> (i64, i64) {
    if touch.ask_lots.0 > 0 {
        bid = bid.min(touch.ask.0.saturating_sub(1));
    }
    if touch.bid_lots.0 > 0 {
        ask = ask.max(touch.bid.0.saturating_add(1));
    }
    (bid, ask)
}

/// The last step: onto the order increment, outward and apart. Both roundings are monotone, so that clamping to the
/// touch before them equals clamping after. Errors: `QuoterInvalid` when no positive price is left for the bid.
#[inline]
pub(crate) fn onto_increments(bid: i64, ask: i64, instrument: &Instrument) -> Result<(Ticks, Ticks), Code> {
    let (mut bid, mut ask) = on_increments(bid, ask, instrument)?;
    if bid >= ask {
        (bid, ask) = on_increments(bid.0.saturating_sub(1), ask.0.saturating_add(1), instrument)?;
    }
    if bid.0 <= 0 || bid >= ask {
        return Err(Code::QuoterInvalid);
    }
    Ok((bid, ask))
}

#[inline]
fn on_increments(bid: i64, ask: i64, instrument: &Instrument) -> Result<(Ticks, Ticks), Code> {
    let bid = increment_at_or_below(instrument, Ticks(bid)).ok_or(Code::QuoterInvalid)?;
    let ask = increment_at_or_above(instrument, Ticks(ask)).ok_or(Code::QuoterInvalid)?;
    Ok((bid, ask))
}

/// Largest whole tick at or below `ticks` (positive, at most 2⁴⁶), with the tolerance of the module.
#[inline]
fn floor_ticks(ticks: f64) -> i64 {
    let (nearest, beyond) = nearest_tick(ticks);
    nearest - (beyond < -tolerance(ticks)) as i64
}

/// Smallest whole tick at or above `ticks` (positive, at most 2⁴⁶), with the tolerance of the module.
#[inline]
fn ceil_ticks(ticks: f64) -> i64 {
    let (nearest, beyond) = nearest_tick(ticks);
    nearest + (beyond > tolerance(ticks)) as i64
}

/// The whole tick nearest to `ticks` (positive, at most 2⁴⁶), and how far `ticks` lies beyond it, exactly.
///
/// From 2⁵² to 2⁵³ floats are whole numbers and their bits count up by one: the sum is rounded to one of them, which
/// takes fewer steps than a conversion that has to look for NaN and overflow.
#[inline]
fn nearest_tick(ticks: f64) -> (i64, f64) {
    const WHOLE: f64 = (1u64 << 52) as f64;
    let sum = ticks + WHOLE;
    ((sum.to_bits() - WHOLE.to_bits()) as i64, ticks - (sum - WHOLE))
}

#[inline]
fn tolerance(ticks: f64) -> f64 {
    let relative = ticks * SNAP_TOLERANCE_RELATIVE;
    if relative > SNAP_TOLERANCE_TICKS { relative } else { SNAP_TOLERANCE_TICKS }
}

/// Highest order price at or below a price. Each step of the table starts on a multiple of its own increment (the
/// configuration checks it), so the answer never leaves the step. `None` only beyond the 64-bit range.
#[inline]
pub fn increment_at_or_below(instrument: &Instrument, price: Ticks) -> Option<Ticks> {
    let step = instrument.increment_at(price);
    if step == 1 {
        return Some(price);
    }
    price.checked_sub(Ticks(price.0.checked_rem_euclid(step)?))
}

/// Lowest order price at or above a price: the next multiple of the step in force there, or the start of the next step
/// if that comes first. `None` only beyond the 64-bit range.
#[inline]
pub fn increment_at_or_above(instrument: &Instrument, price: Ticks) -> Option<Ticks> {
    let step = instrument.increment_at(price);
    if step == 1 {
        return Some(price);
    }
    let over = price.0.checked_rem_euclid(step)?;
    if over == 0 {
        return Some(price);
    }
    let multiple = price.0.checked_add(step - over)?;
    let next_step = instrument.increments().iter().map(|&(from, _)| from).find(|&from| from > price.0);
    Some(Ticks(next_step.map_or(multiple, |from| from.min(multiple))))
}
