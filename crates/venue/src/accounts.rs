//! # Room card: venue/accounts
//! In:    fills and open reduce-only orders, by the session in the order's id.
//! Out:   a ledger per session and one over all of them; what a reduce-only order may still close.
//! Holds: at most `ACCOUNTS_MAX` sessions; the total is the sum of the accounts.
//! Costs: a comparison per account, and there is one in a backtest; no allocation after construction.
use types::{Code, OrderId, Side};

use crate::ledger::Ledger;

/// Sessions that trade one instrument at a venue; orders of a further one are refused with `VenueFull`.
pub const ACCOUNTS_MAX: usize = 64;

#[derive(Clone, Copy, Debug)]
struct Account {
    session: u32,
    ledger: Ledger,
    /// Open reduce-only orders by side.
    reduce_only: [u32; 2],
}

/// The accounts of one instrument.
#[derive(Debug)]
pub(crate) struct Accounts {
    list: Vec<Account>,
    total: Ledger,
}

impl Accounts {
    pub(crate) fn new() -> Accounts {
        Accounts { list: Vec::with_capacity(ACCOUNTS_MAX), total: Ledger::default() }
    }

    /// Every session together.
    pub(crate) fn total(&self) -> &Ledger {
        &self.total
    }
    /// One session's account; `None` when it has never traded.
    pub(crate) fn of(&self, session: u32) -> Option<&Ledger> {
        self.list.iter().find(|account| account.session == session).map(|account| &account.ledger)
    }

    fn find(&self, order_id: u64) -> Option<usize> {
        let session = OrderId(order_id).session();
        self.list.iter().position(|account| account.session == session)
    }

    /// The account an order belongs to, opened when it is the session's first.
    pub(crate) fn open(&mut self, order_id: u64) -> Result<u16, Code> {
        if let Some(at) = self.find(order_id) {
            return Ok(at as u16);
        }
        if self.list.len() == ACCOUNTS_MAX {
            return Err(Code::VenueFull);
        }
        let session = OrderId(order_id).session();
        self.list.push(Account { session, ledger: Ledger::default(), reduce_only: [0; 2] });
        Ok(self.list.len() as u16 - 1)
    }

    /// How much an order of this side and id could close now, lots.
    pub(crate) fn reducible_for(&self, order_id: u64, side: Side) -> i64 {
        self.find(order_id).map_or(0, |at| self.list[at].ledger.reducible(side))
    }
    /// The same by account.
    #[inline]
    pub(crate) fn reducible(&self, account: u16, side: Side) -> i64 {
        self.list[account as usize].ledger.reducible(side)
    }

    /// A reduce-only order was opened (`true`) or ended.
    pub(crate) fn count_reduce_only(&mut self, account: u16, side: Side, opened: bool) {
        let count = &mut self.list[account as usize].reduce_only[side.index()];
        *count = if opened { *count + 1 } else { *count - 1 };
    }
    /// Are there reduce-only orders of this side in an account that has nothing left to reduce?
    #[inline]
    pub(crate) fn any_spent(&self, side: Side) -> bool {
        self.list.iter().any(|account| account.reduce_only[side.index()] > 0 && account.ledger.reducible(side) == 0)
    }

    /// Books one fill; see `Ledger::book`.
    pub(crate) fn book(&mut self, account: u16, side: Side, lots: i64, cash: Option<i128>, fee: Option<i64>) {
        self.total.book(side, lots, cash, fee);
        self.list[account as usize].ledger.book(side, lots, cash, fee);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::Lots;

    #[test]
    fn sessions_have_accounts_of_their_own() {
        let mut accounts = Accounts::new();
        let (first, second) = (OrderId::new(1, 7).0, OrderId::new(2, 7).0);
        let (a, b) = (accounts.open(first).unwrap(), accounts.open(second).unwrap());
        assert_eq!(accounts.open(first), Ok(a));
        accounts.book(a, Side::Buy, 5, Some(-50), Some(1));
        accounts.book(b, Side::Sell, 5, Some(50), Some(2));
        assert_eq!(accounts.total().position(), Lots(0));
        assert_eq!(accounts.total().fees(), 3);
        assert_eq!(accounts.of(1).map(Ledger::position), Some(Lots(5)));
        assert_eq!(accounts.of(2).map(Ledger::position), Some(Lots(-5)));
        assert!(accounts.of(3).is_none());
        assert_eq!((accounts.reducible_for(first, Side::Sell), accounts.reducible(b, Side::Sell)), (5, 0));
        accounts.count_reduce_only(a, Side::Sell, true);
        assert!(!accounts.any_spent(Side::Sell));
        accounts.book(a, Side::Sell, 5, Some(50), Some(1));
        assert!(accounts.any_spent(Side::Sell));
        accounts.count_reduce_only(a, Side::Sell, false);
        assert!(!accounts.any_spent(Side::Sell));
    }

    #[test]
    fn one_session_too_many_is_refused() {
        let mut accounts = Accounts::new();
        for session in 0..ACCOUNTS_MAX as u32 {
            assert_eq!(accounts.open(OrderId::new(session, 1).0), Ok(session as u16));
        }
        assert_eq!(accounts.open(OrderId::new(999, 1).0), Err(Code::VenueFull));
        assert!(accounts.open(OrderId::new(3, 9).0).is_ok());
    }
}
