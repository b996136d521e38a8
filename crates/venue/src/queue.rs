//! # Room card: venue/queue
//! In:    displayed quantity before and after a diff, trades in between, an estimate of the quantity ahead of us.
//! Out:   the estimate after the diff; `Tally`: quantities by price since the last diff (what traded, what we took).
//! Holds: plain IEEE multiplication and division, the same on every machine; an estimate is never negative.
//! Costs: a dozen floating-point operations; tables of fixed size, searched from the newest entry.
//!
//! The estimate is the probability queue model of Rigtorp ("Estimating order queue position", 2013) with the power
//! function n = 3, as in hftbacktest's `ProbQueueModel<PowerProbQueueFunc>`: of a decrease that no trade explains, the
//! share p = b³ / (b³ + f³) is taken from behind us and 1 - p from ahead, where f is the quantity ahead and b =
//! displayed - f the quantity behind. With little ahead nearly all of a decrease is behind. The share is applied as a
//! fraction, not drawn: two runs agree.
use types::Side;

/// Quantity closer to a whole lot than this counts as whole: far above the rounding of the estimate (2^53 lots carry
/// 1e-16 each), far below a lot.
pub(crate) const LOT_TOLERANCE: f64 = 1e-6;
/// Distinct prices the tape and the taken quantities remember per side between two diffs.
pub(crate) const PRICES_MAX: usize = 1_024;

/// Whole lots in a quantity: rounded down, but a quantity within `LOT_TOLERANCE` below a whole lot is that lot.
#[inline]
pub(crate) fn whole_lots(quantity: f64) -> i64 {
    // `as` saturates and truncates; the value is not negative.
    if quantity > 0.0 { (quantity + LOT_TOLERANCE) as i64 } else { 0 }
}

/// Quantity ahead after a diff took the level from `before` to `after` while `traded` was traded there.
pub(crate) fn ahead_after_diff(ahead: f64, before: i64, after: i64, traded: i64) -> f64 {
    let (before, after) = (before as f64, after as f64);
    let decrease = before - after - traded as f64;
    if decrease <= 0.0 {
        return ahead.min(after).max(0.0);
    }
    let front = ahead.min(before);
    let back = before - front;
    let (front_weight, back_weight) = (front * front * front, back * back * back);
    // The level showed something (decrease > 0), so the weights are not both zero.
    let behind = back_weight / (back_weight + front_weight);
    // What the share behind asks for beyond what is there comes from ahead, and the other way round (no negative queue
    // from cancels).
    let beyond = (back - behind * decrease).min(0.0);
    (front - (1.0 - behind) * decrease + beyond).min(after).max(0.0)
}

/// Quantities by price, per side, between two diffs.
#[derive(Debug)]
pub(crate) struct Tally {
    entries: [Vec<(i64, i64)>; 2],
    /// Quantities not remembered because the table was full.
    pub(crate) dropped: u64,
}

impl Tally {
    pub(crate) fn new() -> Tally {
        Tally { entries: [Vec::with_capacity(PRICES_MAX), Vec::with_capacity(PRICES_MAX)], dropped: 0 }
    }

    /// Adds to a price; false when it is a new price and the table is full.
    pub(crate) fn add(&mut self, side: Side, price: i64, lots: i64) -> bool {
        let entries = &mut self.entries[side.index()];
        if let Some(entry) = entries.iter_mut().rev().find(|entry| entry.0 == price) {
            entry.1 = entry.1.saturating_add(lots);
            return true;
        }
        let room = entries.len() < PRICES_MAX;
        if room {
            entries.push((price, lots));
        }
        self.dropped += !room as u64;
        room
    }

    /// Quantity at a price.
    pub(crate) fn at(&self, side: Side, price: i64) -> i64 {
        self.entries[side.index()].iter().rev().find(|entry| entry.0 == price).map_or(0, |entry| entry.1)
    }

    /// Is there room for one more price on a side?
    pub(crate) fn has_room(&self, side: Side) -> bool {
        self.entries[side.index()].len() < PRICES_MAX
    }

    pub(crate) fn clear(&mut self) {
        self.entries.iter_mut().for_each(Vec::clear);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: f64, expected: f64) {
        assert!((got - expected).abs() < 1e-9, "{got} is not {expected}");
    }

    #[test]
    fn share_of_a_decrease_by_hand() {
        // 20 ahead, 80 behind: p = 512000 / (512000 + 8000) = 64/65; of 13 lots 12.8 leave behind, 0.2 ahead.
        near(ahead_after_diff(20.0, 100, 87, 0), 19.8);
        // The other way round: 80 ahead, 20 behind: 12.8 leave ahead.
        near(ahead_after_diff(80.0, 100, 87, 0), 67.2);
        // Halfway: half each.
        near(ahead_after_diff(50.0, 100, 90, 0), 45.0);
        // Last in the queue: all of it ahead. First: nothing to lose.
        near(ahead_after_diff(100.0, 100, 70, 0), 70.0);
        near(ahead_after_diff(0.0, 100, 70, 0), 0.0);
    }

    #[test]
    fn trades_are_netted_first() {
        // Of a decrease of 13, 13 were trades, which were already counted: nothing changes.
        near(ahead_after_diff(7.0, 100, 87, 13), 7.0);
        // 26 down, 13 traded: the other 13 shared as above.
        near(ahead_after_diff(20.0, 100, 74, 13), 19.8);
        // More traded than the level fell: something was added behind us.
        near(ahead_after_diff(20.0, 100, 95, 30), 20.0);
    }

    #[test]
    fn never_more_than_displayed_and_never_negative() {
        near(ahead_after_diff(60.0, 100, 5, 95), 5.0);
        near(ahead_after_diff(f64::INFINITY, 100, 40, 0), 40.0);
        near(ahead_after_diff(f64::INFINITY, 10, 40, 0), 40.0);
        near(ahead_after_diff(90.0, 100, 0, 0), 0.0);
        // Cancels behind beyond what is behind come from ahead: 10 ahead, 90 behind, 99 leave; one is left in all.
        assert!(ahead_after_diff(10.0, 100, 1, 0) <= 1.0);
    }

    #[test]
    fn whole_lots_round_down() {
        assert_eq!([2.0, 2.999_999_9, 2.999, 0.5, 0.0, -3.0].map(whole_lots), [2, 3, 2, 0, 0, 0]);
    }

    #[test]
    fn tally_adds_by_side_and_price_and_is_bounded() {
        let mut tally = Tally::new();
        for price in 0..PRICES_MAX as i64 + 1 {
            assert_eq!(tally.add(Side::Buy, price, 2), price < PRICES_MAX as i64);
        }
        assert!(tally.add(Side::Buy, 5, 1) && tally.add(Side::Sell, 5, 9));
        assert_eq!((tally.at(Side::Buy, 5), tally.at(Side::Sell, 5), tally.dropped), (3, 9, 1));
        tally.clear();
        assert_eq!(tally.at(Side::Buy, 5), 0);
    }
}
