//! # Room card: venue/ledger
//! In:    every fill the venue reports.
//! Out:   `Ledger`: position, cash, fees and traded lots by the venue's own count.
//! Holds: shares no code with the engine's position, so that agreement between the two proves something.
//! Costs: a few integer additions a fill.
use types::{Lots, Side};

/// The account of one instrument at the venue.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ledger {
    position: i64,
    cash: i128,
    fees: i128,
    traded: [i64; 2],
    fills: u64,
    overflows: u64,
}

/// How far the venue's account is from another: venue minus other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LedgerDifference {
    /// Position, lots.
    pub position_lots: i128,
    /// Fees, smallest units of the settlement currency.
    pub fees: i128,
}

impl Ledger {
    /// Signed position, lots.
    pub const fn position(&self) -> Lots {
        Lots(self.position)
    }
    /// Cash from fills without fees, smallest units of the settlement currency (see `Instrument::cash_flow`).
    pub const fn cash(&self) -> i128 {
        self.cash
    }
    /// Fees paid less rebates, smallest units of the settlement currency.
    pub const fn fees(&self) -> i128 {
        self.fees
    }
    /// Lots traded on a side, both added up would be the volume.
    pub const fn traded(&self, side: Side) -> Lots {
        Lots(self.traded[side.index()])
    }
    /// Number of fill reports.
    pub const fn fills(&self) -> u64 {
        self.fills
    }
    /// Fills whose value, or a sum with it, did not fit its integer; that part is missing from the account.
    pub const fn overflows(&self) -> u64 {
        self.overflows
    }

    /// Venue minus other. Equal accounts give the default (all zero).
    pub const fn difference(&self, position: Lots, fees: i128) -> LedgerDifference {
        LedgerDifference {
            position_lots: self.position as i128 - position.0 as i128,
            fees: self.fees.saturating_sub(fees),
        }
    }
    /// Do position and fees equal another account's?
    pub const fn agrees(&self, position: Lots, fees: i128) -> bool {
        self.position == position.0 && self.fees == fees
    }

    /// How much of the position an order of this side can still close, lots.
    pub(crate) const fn reducible(&self, side: Side) -> i64 {
        let closing = self.position.saturating_mul(-side.sign());
        if closing > 0 { closing } else { 0 }
    }

    /// Books one fill. `cash` is `None` when its value does not fit.
    pub(crate) fn book(&mut self, side: Side, lots: i64, cash: Option<i128>, fee: Option<i64>) {
        let position = self.position.checked_add(side.sign() * lots);
        let traded = self.traded[side.index()].checked_add(lots);
        let cash = cash.and_then(|cash| self.cash.checked_add(cash));
        let fees = fee.and_then(|fee| self.fees.checked_add(fee as i128));
        let whole = position.is_some() && traded.is_some() && cash.is_some() && fees.is_some();
        self.position = position.unwrap_or(self.position);
        self.traded[side.index()] = traded.unwrap_or(self.traded[side.index()]);
        self.cash = cash.unwrap_or(self.cash);
        self.fees = fees.unwrap_or(self.fees);
        self.fills += 1;
        self.overflows += !whole as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn books_both_sides_and_shows_the_difference() {
        let mut ledger = Ledger::default();
        ledger.book(Side::Buy, 7, Some(-700), Some(3));
        ledger.book(Side::Sell, 2, Some(210), Some(-1));
        assert_eq!((ledger.position(), ledger.cash(), ledger.fees(), ledger.fills()), (Lots(5), -490, 2, 2));
        assert_eq!((ledger.traded(Side::Buy), ledger.traded(Side::Sell)), (Lots(7), Lots(2)));
        assert!(ledger.agrees(Lots(5), 2) && !ledger.agrees(Lots(4), 2) && !ledger.agrees(Lots(5), 3));
        assert_eq!(ledger.difference(Lots(3), 5), LedgerDifference { position_lots: 2, fees: -3 });
        assert_eq!((ledger.reducible(Side::Sell), ledger.reducible(Side::Buy)), (5, 0));
    }

    #[test]
    fn overflow_is_counted_and_leaves_the_rest() {
        let mut ledger = Ledger::default();
        ledger.book(Side::Buy, i64::MAX, None, Some(1));
        ledger.book(Side::Buy, 1, Some(-1), Some(1));
        assert_eq!((ledger.position(), ledger.fees(), ledger.overflows()), (Lots(i64::MAX), 2, 2));
    }
}
