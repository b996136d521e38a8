//! # Room card: driver/exchange/seat
//! In:    FIX messages sent and connections made.
//! Out:   a client's place at the exchange: its session, its kept messages, its counts.
//! Holds: kept messages are bounded by number and bytes, in order of their numbers; one connection a seat.
//! Costs: one copy of a kept message.
use std::collections::VecDeque;

use types::{Code, Nanos, OrderId, UnixNanos};
use wire::fix::{Inbox, Out, Role, Session, SessionSetup, Store};

/// Messages kept for resends, a session; what is older is gap-filled.
pub(crate) const KEPT_MESSAGES_MAX: usize = 16_384;
/// Bytes of them.
pub(crate) const KEPT_MESSAGE_BYTES_MAX: usize = 8 << 20;

/// Messages of a session that can be sent again.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    messages: VecDeque<(u64, Box<[u8]>)>,
    bytes: usize,
}

impl Kept {
    /// Keeps a message; numbers grow.
    pub(crate) fn keep(&mut self, sequence: u64, message: &[u8]) {
        if self.messages.back().is_some_and(|(last, _)| *last >= sequence) {
            return;
        }
        self.bytes += message.len();
        self.messages.push_back((sequence, message.into()));
        while self.messages.len() > KEPT_MESSAGES_MAX || self.bytes > KEPT_MESSAGE_BYTES_MAX {
            let Some((_, oldest)) = self.messages.pop_front() else { break };
            self.bytes -= oldest.len();
        }
    }
    /// The numbers begin at 1 again.
    pub(crate) fn clear(&mut self) {
        self.messages.clear();
        self.bytes = 0;
    }
}

impl Store for Kept {
    fn next(&mut self, from: u64) -> Option<(u64, &[u8])> {
        let at = self.messages.partition_point(|(sequence, _)| *sequence < from);
        self.messages.get(at).map(|(sequence, message)| (*sequence, &message[..]))
    }
}

/// A client's place: a CompID, known for ever.
#[derive(Debug)]
pub(crate) struct Seat {
    /// Number in order ids and in the ledger, from 1.
    pub number: u32,
    pub session: Session,
    pub kept: Kept,
    /// Its connection, if it has one.
    pub conn: Option<u64>,
    /// Orders given a number so far.
    orders: u32,
    /// Session numbers as the ledger has them: next in, next out.
    pub noted: (u64, u64),
    pub logons: u64,
}

impl Seat {
    /// A seat that was never logged on. `FixFieldInvalid` for a CompID that cannot be written.
    pub(crate) fn new(number: u32, name: &str, client: &[u8], reset_on_logon: bool) -> Result<Seat, Code> {
        let mut setup = SessionSetup::new(Role::Acceptor, name.as_bytes(), client, Nanos(0));
        (setup.reset_on_logon, setup.announce_reset) = (reset_on_logon, reset_on_logon);
        let session = Session::new(setup)?;
        Ok(Seat { number, session, kept: Kept::default(), conn: None, orders: 0, noted: (1, 1), logons: 0 })
    }
    /// A number for a new order, never given before.
    pub(crate) fn next_order(&mut self) -> u64 {
        self.orders += 1;
        OrderId::new(self.number, self.orders).0
    }
    /// An order of this number was given in an earlier life.
    pub(crate) fn saw_order(&mut self, order_id: u64) {
        self.orders = self.orders.max(OrderId(order_id).counter());
    }
    /// The client's CompID.
    pub(crate) fn client(&self) -> String {
        String::from_utf8_lossy(self.session.target()).into_owned()
    }
}

/// A connection of order entry.
#[derive(Debug)]
pub(crate) struct OrdersConn {
    /// The owner's number of it.
    pub key: u64,
    pub inbox: Inbox,
    /// Whose it is, after its logon.
    pub seat: Option<usize>,
    pub out: Vec<u8>,
    /// When it came.
    pub since: UnixNanos,
    /// Send what is in `out`, then close.
    pub closing: bool,
}

/// Where a session's messages go: to its connection, or nowhere.
pub(crate) struct Line<'a> {
    pub out: Option<&'a mut Vec<u8>>,
}

impl Out for Line<'_> {
    fn send(&mut self, bytes: &[u8]) {
        if let Some(out) = self.out.as_deref_mut() {
            out.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_messages_are_found_by_number_and_bounded() {
        let mut kept = Kept::default();
        for sequence in [2u64, 3, 7] {
            kept.keep(sequence, &sequence.to_le_bytes());
        }
        kept.keep(7, b"again");
        assert_eq!(kept.next(1).map(|found| found.0), Some(2));
        assert_eq!(kept.next(4), Some((7, &7u64.to_le_bytes()[..])));
        assert_eq!(kept.next(8), None);
        for sequence in 8..KEPT_MESSAGES_MAX as u64 + 100 {
            kept.keep(sequence, b"m");
        }
        assert_eq!(kept.messages.len(), KEPT_MESSAGES_MAX);
        kept.keep(1 << 40, &vec![0; KEPT_MESSAGE_BYTES_MAX]);
        assert_eq!((kept.messages.len(), kept.bytes), (1, KEPT_MESSAGE_BYTES_MAX));
        kept.clear();
        assert_eq!(kept.next(0), None);
        assert_eq!(kept.bytes, 0);
    }

    #[test]
    fn order_numbers_go_on_where_an_earlier_life_was() {
        let mut seat = Seat::new(3, "SIM", b"A", false).unwrap();
        assert_eq!(seat.next_order(), OrderId::new(3, 1).0);
        seat.saw_order(OrderId::new(3, 9).0);
        assert_eq!(seat.next_order(), OrderId::new(3, 10).0);
        assert!(Seat::new(1, "SIM", b"", false).is_err());
    }
}
