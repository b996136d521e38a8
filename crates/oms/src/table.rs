//! # Room card: oms/table
//! In:    the state of an order, the kind of an event.
//! Out:   what the event does to the state, or nothing when it does not fit.
//! Holds: the one table below; every other rule of the room reads it.
//! Costs: one load.
//!
//! `-` does not fit; `=` state kept; `late` applied to the position and flagged, state kept; `settle` the state that
//! fits what is then known (see [`settle`]): Filled, PendingCancel, PendingNew, PendingReplace, PartiallyFilled or
//! Live. So a refused cancel or replace returns to the state before it with the fills in between accounted, and a
//! partial fill keeps a pending state. A cell of an answer (Accepted, Rejected, Replaced, CancelRejected,
//! ReplaceRejected) holds only while the request it answers is unanswered.
//!
//! States: New, PNew = PendingNew, Live, Part = PartiallyFilled, PCxl = PendingCancel, PRep = PendingReplace, Fill =
//! Filled, Cxl = Cancelled, Rej = Rejected, Exp = Expired.
//!
//! | event           | New    | PNew   | Live   | Part   | PCxl   | PRep   | Fill   | Cxl    | Rej    | Exp    |
//! |-----------------|--------|--------|--------|--------|--------|--------|--------|--------|--------|--------|
//! | New             | PNew   | -      | -      | -      | -      | -      | -      | -      | -      | -      |
//! | Cancel          | -      | PCxl   | PCxl   | PCxl   | -      | PCxl   | -      | -      | -      | -      |
//! | Replace         | -      | -      | PRep   | PRep   | -      | -      | -      | -      | -      | -      |
//! | Accepted        | settle | settle | -      | -      | settle | -      | =      | =      | -      | =      |
//! | Rejected        | Rej    | Rej    | -      | -      | Rej    | -      | -      | -      | -      | -      |
//! | Fill            | settle | settle | settle | settle | settle | settle | late   | late   | late   | late   |
//! | Cancelled       | Cxl    | Cxl    | Cxl    | Cxl    | Cxl    | Cxl    | -      | -      | -      | -      |
//! | Replaced        | -      | -      | -      | -      | settle | settle | -      | -      | -      | -      |
//! | CancelRejected  | -      | -      | -      | -      | settle | -      | =      | =      | =      | =      |
//! | ReplaceRejected | -      | -      | -      | -      | settle | settle | =      | =      | =      | =      |
//! | Expired         | Exp    | Exp    | Exp    | Exp    | Exp    | Exp    | -      | -      | -      | -      |
//! | Refused         | -      | -      | -      | -      | -      | -      | -      | -      | -      | -      |
//! | AckTimeout      | -      | =      | -      | -      | =      | =      | -      | -      | -      | -      |
use types::{Lots, OrderEventKind, OrderState};

use crate::order::Pending;

/// What an event does to the state of an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// This state.
    To(OrderState),
    /// The state that fits what is known after the event: [`settle`].
    Settle,
    /// The same state; the answer to a request is noted.
    Keep,
    /// A fill of an order that has ended: it happened, so the position takes it; the state stays.
    Late,
}

const NONE: Option<Next> = None;
const SETL: Option<Next> = Some(Next::Settle);
const KEEP: Option<Next> = Some(Next::Keep);
const LATE: Option<Next> = Some(Next::Late);
const P_NW: Option<Next> = Some(Next::To(OrderState::PendingNew));
const P_CX: Option<Next> = Some(Next::To(OrderState::PendingCancel));
const P_RP: Option<Next> = Some(Next::To(OrderState::PendingReplace));
const RJCT: Option<Next> = Some(Next::To(OrderState::Rejected));
const CNCL: Option<Next> = Some(Next::To(OrderState::Cancelled));
const XPRD: Option<Next> = Some(Next::To(OrderState::Expired));

// Rows by `OrderState`, columns by `OrderEventKind`, both from 1.
#[rustfmt::skip]
const TABLE: [[Option<Next>; 13]; 10] = [
    // New   Cancel Replace Accept Reject Fill  Cancld Replcd CxlRej RplRej Expire Refuse Timeout
    [P_NW, NONE, NONE, SETL, RJCT, SETL, CNCL, NONE, NONE, NONE, XPRD, NONE, NONE], // New
    [NONE, P_CX, NONE, SETL, RJCT, SETL, CNCL, NONE, NONE, NONE, XPRD, NONE, KEEP], // PendingNew
    [NONE, P_CX, P_RP, NONE, NONE, SETL, CNCL, NONE, NONE, NONE, XPRD, NONE, NONE], // Live
    [NONE, P_CX, P_RP, NONE, NONE, SETL, CNCL, NONE, NONE, NONE, XPRD, NONE, NONE], // PartiallyFilled
    [NONE, NONE, NONE, SETL, RJCT, SETL, CNCL, SETL, SETL, SETL, XPRD, NONE, KEEP], // PendingCancel
    [NONE, P_CX, NONE, NONE, NONE, SETL, CNCL, SETL, NONE, SETL, XPRD, NONE, KEEP], // PendingReplace
    [NONE, NONE, NONE, KEEP, NONE, LATE, NONE, NONE, KEEP, KEEP, NONE, NONE, NONE], // Filled
    [NONE, NONE, NONE, KEEP, NONE, LATE, NONE, NONE, KEEP, KEEP, NONE, NONE, NONE], // Cancelled
    [NONE, NONE, NONE, NONE, NONE, LATE, NONE, NONE, KEEP, KEEP, NONE, NONE, NONE], // Rejected
    [NONE, NONE, NONE, KEEP, NONE, LATE, NONE, NONE, KEEP, KEEP, NONE, NONE, NONE], // Expired
];

/// What an event does in a state; `None` when it does not fit there.
#[inline]
pub const fn transition(state: OrderState, kind: OrderEventKind) -> Option<Next> {
    // What comes after the table's kinds states what the venue holds true; it is no step of an order.
    if kind as usize > TABLE[0].len() { None } else { TABLE[state as usize - 1][kind as usize - 1] }
}

/// The state of an open order by what is known: complete, else what is still unanswered, else what is filled.
#[inline]
pub const fn settle(pending: &Pending, filled: Lots, quantity: Lots) -> OrderState {
    if filled.0 >= quantity.0 {
        OrderState::Filled
    } else if pending.cancel != 0 {
        OrderState::PendingCancel
    } else if pending.new != 0 {
        OrderState::PendingNew
    } else if pending.replace.request != 0 {
        OrderState::PendingReplace
    } else if filled.0 > 0 {
        OrderState::PartiallyFilled
    } else {
        OrderState::Live
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: [&str; 10] = ["New", "PNew", "Live", "Part", "PCxl", "PRep", "Fill", "Cxl", "Rej", "Exp"];

    fn state_named(name: &str) -> OrderState {
        let at = SHORT.iter().position(|short| *short == name).unwrap();
        OrderState::from_u8(at as u8 + 1).unwrap()
    }

    /// The printed table is the specification, written apart from the constants; all 130 cells must agree.
    #[test]
    fn every_cell_is_as_printed() {
        let rows: Vec<Vec<&str>> = include_str!("table.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("//! |"))
            .filter(|line| !line.starts_with('-'))
            .map(|line| line.trim_end_matches('|').split('|').map(str::trim).collect())
            .collect();
        assert_eq!(rows.len(), 14);
        let mut cells = 0;
        for row in &rows[1..] {
            let kind = (1..=13).filter_map(OrderEventKind::from_u8).find(|kind| format!("{kind:?}") == row[0]).unwrap();
            for (name, cell) in rows[0][1..].iter().zip(&row[1..]) {
                let want = match *cell {
                    "-" => None,
                    "=" => Some(Next::Keep),
                    "late" => Some(Next::Late),
                    "settle" => Some(Next::Settle),
                    other => Some(Next::To(state_named(other))),
                };
                assert_eq!(transition(state_named(name), kind), want, "{name} {kind:?}");
                cells += 1;
            }
        }
        assert_eq!(cells, 130);
    }

    #[test]
    fn laws_of_the_table() {
        use OrderEventKind::*;
        for state in (1..=10).filter_map(OrderState::from_u8) {
            let open = state.is_open();
            assert_eq!(transition(state, Fill), Some(if open { Next::Settle } else { Next::Late }), "{state:?}");
            for (kind, end) in [(Cancelled, OrderState::Cancelled), (Expired, OrderState::Expired)] {
                assert_eq!(transition(state, kind), open.then_some(Next::To(end)), "{state:?} {kind:?}");
            }
            for kind in (1..=13).filter_map(OrderEventKind::from_u8) {
                let next = transition(state, kind);
                assert!(open || matches!(next, None | Some(Next::Keep | Next::Late)), "an ended order stays ended");
                assert!(kind != Refused || next.is_none(), "what the gate refused never was an order");
            }
        }
    }

    #[test]
    fn settles_by_what_is_known() {
        let none = Pending::default();
        let cancel = Pending { cancel: 9, ..none };
        let mut both = cancel;
        both.replace.request = 8;
        let mut replace = both;
        replace.cancel = 0;
        let new = Pending { new: 7, ..none };
        for (pending, filled, want) in [
            (none, 0, OrderState::Live),
            (none, 1, OrderState::PartiallyFilled),
            (none, 5, OrderState::Filled),
            (cancel, 4, OrderState::PendingCancel),
            (both, 4, OrderState::PendingCancel),
            (replace, 0, OrderState::PendingReplace),
            (replace, 6, OrderState::Filled),
            (new, 3, OrderState::PendingNew),
            (Pending { cancel: 9, ..new }, 3, OrderState::PendingCancel),
        ] {
            assert_eq!(settle(&pending, Lots(filled), Lots(5)), want, "{pending:?} {filled}");
        }
    }
}
