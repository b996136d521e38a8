//! # Room card: oms/fills
//! In:    cumulative and last quantities of fill reports, in any order, repeated or not; statements of the venue.
//! Out:   whether a fill is new, and what of the venue's cumulative quantity has not reached the position.
//! Holds: a lot is booked once; a fill that was overtaken by a later one is booked when it comes; what never comes is
//!        known as missing and booked by a statement of the order.
//! Costs: a comparison where nothing is missing; at most `GAPS_MAX` comparisons otherwise. 96 bytes an order.
//!
//! A fill that states its cumulative quantity is a piece of the order: (cumulative - last, cumulative]. Pieces of one
//! order do not overlap. What lies between what is known and a piece that comes is a gap; a piece inside a gap is late,
//! one that lies in none is a repetition.
use types::money::divide_rounded;
use types::{Code, Lots, Ticks};

/// Gaps remembered for one order. Beyond it the lowest is no longer waited for: a fill inside it would be taken for a
/// repetition, and its lots are booked by the next statement of the order.
pub const GAPS_MAX: usize = 4;

/// What of one order's fills has reached the position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Fills {
    /// Lots in the position.
    booked: i64,
    /// Sum of ticks times lots of what is booked.
    cost: i128,
    /// Gaps (from, to], ascending, apart from each other.
    gaps: [(i64, i64); GAPS_MAX],
    count: usize,
}

/// A fill that is new.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Taken {
    /// Where its piece ends in the order.
    pub(crate) end: Lots,
    /// It shows that an earlier one was lost or is late.
    pub(crate) missed: bool,
    /// It is such a late one.
    pub(crate) fills_gap: bool,
}

impl Fills {
    pub(crate) const NONE: Fills = Fills { booked: 0, cost: 0, gaps: [(0, 0); GAPS_MAX], count: 0 };

    /// Notes a fill. `filled` is the cumulative quantity known so far, `cumulative` what the report states (0 = not).
    /// Errors: DuplicateReport; ReportMalformed when it contradicts what is known; Overflow.
    pub(crate) fn take(&mut self, filled: Lots, cumulative: Lots, lots: Lots, price: Ticks) -> Result<Taken, Code> {
        let end = if cumulative.0 == 0 { filled.0.checked_add(lots.0).ok_or(Code::Overflow)? } else { cumulative.0 };
        let start = end.checked_sub(lots.0).filter(|&start| start >= 0).ok_or(Code::ReportMalformed)?;
        let booked = self.booked.checked_add(lots.0).ok_or(Code::Overflow)?;
        let cost = (price.0 as i128).checked_mul(lots.0 as i128).and_then(|cost| self.cost.checked_add(cost));
        let cost = cost.ok_or(Code::Overflow)?;
        let (missed, fills_gap) = (start > filled.0, end <= filled.0);
        if fills_gap {
            let at = self.gap_around(start, end)?;
            let (from, to) = self.gaps[at];
            self.replace(at, [(from, start), (end, to)]);
        } else if start < filled.0 {
            return Err(Code::ReportMalformed);
        } else if missed {
            self.replace(self.count, [(filled.0, start), (0, 0)]);
        }
        (self.booked, self.cost) = (booked, cost);
        Ok(Taken { end: Lots(end), missed, fills_gap })
    }

    /// Notes that the venue has counted up to `cumulative` without telling the fills: they are waited for.
    pub(crate) fn overtaken(&mut self, filled: Lots, cumulative: Lots) {
        self.replace(self.count, [(filled.0, cumulative.0), (0, 0)]);
    }

    /// Is all of what the venue has counted in the position?
    pub(crate) const fn complete(&self, filled: Lots) -> bool {
        self.booked >= filled.0
    }

    /// The gap that a piece lies in.
    fn gap_around(&self, start: i64, end: i64) -> Result<usize, Code> {
        for (at, &(from, to)) in self.gaps[..self.count].iter().enumerate() {
            if from <= start && end <= to {
                return Ok(at);
            }
            if start < to && from < end {
                return Err(Code::ReportMalformed);
            }
        }
        Err(Code::DuplicateReport)
    }

    /// Puts up to two gaps in the place of one, or at the end; empty ones are left out, touching ones joined.
    fn replace(&mut self, place: usize, with: [(i64, i64); 2]) {
        let mut next = [(0, 0); GAPS_MAX + 1];
        let mut count = 0;
        for at in 0..self.count.max(place + 1) {
            let pieces = if at == place { with } else { [self.gaps[at], (0, 0)] };
            for (from, to) in pieces {
                if count > 0 && next[count - 1].1 == from && from < to {
                    next[count - 1].1 = to;
                } else if from < to {
                    next[count] = (from, to);
                    count += 1;
                }
            }
        }
        let dropped = usize::from(count > GAPS_MAX);
        self.count = count - dropped;
        self.gaps.copy_from_slice(&next[dropped..GAPS_MAX + dropped]);
    }

    /// What a statement shows to be missing: lots and their price. `None` when nothing is, or when the statement is
    /// older than what is known.
    ///
    /// The price is what is left of average times cumulative quantity, a missing lot's share, rounded half away from
    /// zero to a tick. The average itself is on the tick grid, so that share is uncertain by cumulative / (2 x missing)
    /// ticks: where the order's own price `limit` lies within that, it is taken, since a resting order fills at its
    /// price. Without a stated average (0) it is taken too.
    pub(crate) fn missing(
        &self,
        filled: Lots,
        cumulative: Lots,
        average: Ticks,
        limit: Ticks,
    ) -> Result<Option<(Lots, Ticks)>, Code> {
        let missing = cumulative.0.saturating_sub(self.booked);
        if cumulative < filled || missing <= 0 {
            return Ok(None);
        }
        if average.0 <= 0 {
            return Ok(Some((Lots(missing), limit)));
        }
        let whole = (average.0 as i128).checked_mul(cumulative.0 as i128).ok_or(Code::Overflow)?;
        let share = divide_rounded(whole.checked_sub(self.cost).ok_or(Code::Overflow)?, missing as i128);
        let off = share.checked_sub(limit.0 as i128).ok_or(Code::Overflow)?.unsigned_abs();
        let close = off.checked_mul(2 * missing as u128).is_some_and(|off| off <= cumulative.0 as u128);
        let price = if close { limit.0 } else { i64::try_from(share.max(1)).map_err(|_| Code::Overflow)? };
        Ok(Some((Lots(missing), Ticks(price))))
    }

    /// Books what was missing; the gaps are closed.
    pub(crate) fn recover(&mut self, lots: Lots, price: Ticks) -> Result<(), Code> {
        let booked = self.booked.checked_add(lots.0).ok_or(Code::Overflow)?;
        let cost = (price.0 as i128).checked_mul(lots.0 as i128).and_then(|cost| self.cost.checked_add(cost));
        (self.cost, self.booked, self.count) = (cost.ok_or(Code::Overflow)?, booked, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use types::rng::SplitMix64;

    /// Pieces of an order in any order and repeated: each is booked once, unless the order was torn into more gaps
    /// than are remembered.
    #[test]
    fn pieces_in_any_order_are_booked_once() {
        for seed in 0..2_000 {
            let mut rng = SplitMix64::new(seed);
            let mut pieces = Vec::new();
            let mut end = 0;
            for _ in 0..=rng.below(8) {
                let lots = rng.below(5) as i64 + 1;
                end += lots;
                pieces.push((end, lots));
            }
            let mut arrivals = pieces.clone();
            for _ in 0..rng.below(6) {
                arrivals.push(pieces[rng.below(pieces.len() as u64) as usize]);
            }
            for i in (1..arrivals.len()).rev() {
                arrivals.swap(i, rng.below(i as u64 + 1) as usize);
            }
            let (mut fills, mut filled, mut seen) = (Fills::NONE, Lots(0), BTreeSet::new());
            let mut torn = false;
            for (end, lots) in arrivals {
                let taken = fills.take(filled, Lots(end), Lots(lots), Ticks(7));
                let holes = {
                    let mut covered = seen.clone();
                    covered.insert((end, lots));
                    let (mut holes, mut at) = (0, 0);
                    for &(end, lots) in &covered {
                        holes += usize::from(end - lots > at);
                        at = end;
                    }
                    holes
                };
                torn |= holes > GAPS_MAX;
                if torn {
                    break;
                }
                match taken {
                    Ok(taken) => {
                        assert!(seen.insert((end, lots)), "seed {seed}: twice");
                        filled = filled.max(taken.end);
                    }
                    Err(code) => assert!(code == Code::DuplicateReport && seen.contains(&(end, lots)), "seed {seed}"),
                }
                let sum: i64 = seen.iter().map(|piece| piece.1).sum();
                assert_eq!((fills.booked, fills.cost), (sum, 7 * sum as i128), "seed {seed}");
            }
            if !torn {
                assert_eq!(fills.booked, end, "seed {seed}: nothing is lost");
                assert_eq!(fills.count, 0);
            }
        }
    }

    #[test]
    fn what_contradicts_is_refused() {
        let mut fills = Fills::NONE;
        assert!(fills.take(Lots(0), Lots(10), Lots(2), Ticks(5)).unwrap().missed);
        let before = fills;
        for (end, lots, code) in [
            (10, 2, Code::DuplicateReport),
            (9, 2, Code::ReportMalformed),
            (11, 2, Code::ReportMalformed),
            (1, 2, Code::ReportMalformed),
            (12, 12, Code::ReportMalformed),
            (10, 1, Code::DuplicateReport),
        ] {
            assert_eq!(fills.take(Lots(10), Lots(end), Lots(lots), Ticks(5)), Err(code), "{end} {lots}");
            assert_eq!(fills, before);
        }
        assert!(fills.take(Lots(10), Lots(5), Lots(3), Ticks(5)).unwrap().fills_gap);
        assert_eq!(&fills.gaps[..fills.count], &[(0, 2), (5, 8)]);
    }

    #[test]
    fn more_gaps_than_remembered_leave_the_lowest_to_a_statement() {
        let mut fills = Fills::NONE;
        for i in 1..=6i64 {
            fills.take(Lots((i - 1) * 2), Lots(i * 2), Lots(1), Ticks(100)).unwrap();
        }
        assert_eq!(&fills.gaps, &[(4, 5), (6, 7), (8, 9), (10, 11)]);
        assert_eq!(fills.take(Lots(12), Lots(1), Lots(1), Ticks(100)), Err(Code::DuplicateReport));
        // A gap that is split while the list is full.
        let mut wide = fills;
        wide.gaps[3] = (8, 11);
        wide.take(Lots(12), Lots(10), Lots(1), Ticks(100)).unwrap();
        assert_eq!(&wide.gaps, &[(6, 7), (8, 9), (8, 9), (10, 11)]);
        let mut counted = Fills::NONE;
        counted.overtaken(Lots(0), Lots(2));
        counted.overtaken(Lots(2), Lots(5));
        assert!(counted.take(Lots(5), Lots(4), Lots(3), Ticks(1)).unwrap().fills_gap, "across what was counted twice");
        assert!(!counted.complete(Lots(5)));
        assert_eq!(fills.missing(Lots(12), Lots(12), Ticks(100), Ticks(100)).unwrap(), Some((Lots(6), Ticks(100))));
    }

    #[test]
    fn the_price_of_what_is_missing() {
        let mut fills = Fills::NONE;
        fills.take(Lots(0), Lots(4), Lots(4), Ticks(1_000)).unwrap();
        let price = |average: i64, cumulative: i64, limit: i64| {
            let missing = fills.missing(Lots(4), Lots(cumulative), Ticks(average), Ticks(limit)).unwrap();
            missing.map(|(lots, price)| (lots.0, price.0))
        };
        // 6 lots of 10 are missing at an average of 1006: (10060 - 4000) / 6 = 1010.
        assert_eq!(price(1_006, 10, 1_100), Some((6, 1_010)));
        // Uncertain by 10 / 12 of a tick: a limit of 1011 is not within it, one at 1010 is the same.
        assert_eq!(price(1_006, 10, 1_011), Some((6, 1_010)));
        // One lot of 5 is missing, average 1001: 5005 - 4000 = 1005, uncertain by 2.5 ticks.
        assert_eq!(price(1_001, 5, 1_007), Some((1, 1_007)));
        assert_eq!(price(1_001, 5, 1_008), Some((1, 1_005)));
        assert_eq!(price(0, 5, 1_008), Some((1, 1_008)), "no average");
        assert_eq!(price(1, 5, 1_008), Some((1, 1)), "never below a tick");
        assert_eq!(price(1_000, 4, 1_000), None);
        assert_eq!(price(1_000, 3, 1_000), None, "older than what is known");
        let most = fills.missing(Lots(4), Lots(i64::MAX), Ticks(i64::MAX / 2), Ticks(1)).unwrap().unwrap();
        assert!(most.0.0 > 0 && most.1.0 > 0, "the largest numbers fit");
    }
}
