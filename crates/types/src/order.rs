//! # Room card: types/order
//! In:    decisions of a quoter or strategy, reports of a venue.
//! Out:   `OrderEvent`, 128 bytes, the order state names, and `Reject` (limit, used, asked).
//! Holds: one layout everywhere; unused fields are zero; order ids are never reused.
//! Costs: two cache lines.
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::codes::Code;
use crate::event::RECORD_ORDER;
use crate::ids::{ClientId, InstrumentId, OrderId};
use crate::num::{Lots, Side, Ticks};
use crate::time::UnixNanos;

/// A request to a venue, a venue's report, or a refusal of our own gate. `kind` says which.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct OrderEvent {
    /// Bytes of the record, 128.
    pub length: u32,
    /// `RECORD_ORDER`.
    pub record: u32,
    /// Position in the engine's one sequence of published events and order events; 0 in a report on its way in.
    pub sequence: u64,
    /// Engine time of the turn that published it; in a report on its way in, the venue's stamp.
    pub time: UnixNanos,
    /// `OrderEventKind` as a byte.
    pub kind: u8,
    /// Bits of `event::flag`.
    pub flags: u8,
    /// Instrument.
    pub instrument: u16,
    /// 1 buy, 2 sell.
    pub side: u8,
    /// `OrderState` after this event, as a byte; 0 in a report on its way in.
    pub state: u8,
    /// `Code` number of a reject, else 0.
    pub reason: u16,
    /// Order price in ticks; in a Replace the price asked for.
    pub price: Ticks,
    /// Order quantity in lots, filled part included; in a Replace the quantity asked for.
    pub quantity: Lots,
    /// The order's identity for its whole life (the ClOrdID of its first request).
    pub order_id: u64,
    /// The caller's own reference; 0 for the native quoter.
    pub client_id: u64,
    /// The deciding algorithm, by the user's numbering.
    pub algo_id: u16,
    /// The trader or desk, by the user's numbering.
    pub trader_id: u16,
    /// Counter of the ClOrdID of the request this event is or answers (the session is the order id's).
    pub request: u32,
    /// Cumulative filled quantity in lots.
    pub filled: Lots,
    /// Fill: price of this fill. Refused: the limit, in the unit of the code.
    pub last_price: Ticks,
    /// Fill: quantity of this fill. Refused: how much of the limit is used.
    pub last_lots: Lots,
    /// When the order or request was decided.
    pub decision_time: UnixNanos,
    /// When it was handed to the wire.
    pub submission_time: UnixNanos,
    /// When the venue acknowledged it, by the venue's own clock.
    pub venue_ack_time: UnixNanos,
    /// Fill: fee in the smallest unit of the settlement currency, negative for a rebate. Refused: how much was asked.
    pub fee: i64,
}

const _: () = assert!(size_of::<OrderEvent>() == 128 && align_of::<OrderEvent>() == 8);
const _: () =
    assert!(core::mem::offset_of!(OrderEvent, order_id) == 48 && core::mem::offset_of!(OrderEvent, filled) == 72);
const _: () =
    assert!(core::mem::offset_of!(OrderEvent, decision_time) == 96 && core::mem::offset_of!(OrderEvent, fee) == 120);

/// What an `OrderEvent` means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum OrderEventKind {
    /// Request: a new order goes to the venue.
    New = 1,
    /// Request: cancel.
    Cancel = 2,
    /// Request: change price and quantity.
    Replace = 3,
    /// Report: the venue took the order.
    Accepted = 4,
    /// Report: the venue refused the order.
    Rejected = 5,
    /// Report: a fill, partial or full.
    Fill = 6,
    /// Report: the order is cancelled (asked for or not).
    Cancelled = 7,
    /// Report: the replace took effect.
    Replaced = 8,
    /// Report: the venue refused the cancel.
    CancelRejected = 9,
    /// Report: the venue refused the replace.
    ReplaceRejected = 10,
    /// Report: the order ended by time in force.
    Expired = 11,
    /// Our own pre-trade gate refused: nothing was sent. See `Reject` for the reuse of fields.
    Refused = 12,
    /// Our own watch: the venue has not acknowledged the request in time.
    AckTimeout = 13,
    /// Report: the venue's statement of an order, the answer to a status request. On its way in `state` is the state it
    /// states (Live, PartiallyFilled or an end; Rejected with reason VENUE_UNKNOWN_ORDER when it does not know the
    /// order), filled the cumulative quantity, last_price the average price of its fills, price and quantity the terms
    /// in force (0 = not said).
    Status = 14,
    /// Report: the venue's statement of our position: last_lots = signed position. Published with filled = our own
    /// position as it was, and reason POSITION_MISMATCH when the two differ.
    Position = 15,
}

impl OrderEventKind {
    /// From the byte of a record.
    pub const fn from_u8(byte: u8) -> Option<OrderEventKind> {
        use OrderEventKind::*;
        const ALL: [OrderEventKind; 15] = [
            New,
            Cancel,
            Replace,
            Accepted,
            Rejected,
            Fill,
            Cancelled,
            Replaced,
            CancelRejected,
            ReplaceRejected,
            Expired,
            Refused,
            AckTimeout,
            Status,
            Position,
        ];
        if byte == 0 || byte as usize > ALL.len() { None } else { Some(ALL[byte as usize - 1]) }
    }
    /// Is it a request to the venue (and so counts as a message to it)?
    pub const fn is_request(self) -> bool {
        matches!(self, OrderEventKind::New | OrderEventKind::Cancel | OrderEventKind::Replace)
    }
}

/// The states of an order. The transitions stand as one table in `oms`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum OrderState {
    /// Created, not yet sent.
    New = 1,
    /// Sent, not yet acknowledged.
    PendingNew = 2,
    /// Working at the venue, nothing filled.
    Live = 3,
    /// Working at the venue, part filled.
    PartiallyFilled = 4,
    /// A cancel is on its way.
    PendingCancel = 5,
    /// A replace is on its way.
    PendingReplace = 6,
    /// Ended: filled whole.
    Filled = 7,
    /// Ended: cancelled.
    Cancelled = 8,
    /// Ended: refused by the venue.
    Rejected = 9,
    /// Ended: by time in force.
    Expired = 10,
}

impl OrderState {
    /// Can anything still be filled, cancelled or replaced?
    pub const fn is_open(self) -> bool {
        (self as u8) < OrderState::Filled as u8
    }
    /// From the byte of a record.
    pub const fn from_u8(byte: u8) -> Option<OrderState> {
        use OrderState::*;
        const ALL: [OrderState; 10] = [
            New,
            PendingNew,
            Live,
            PartiallyFilled,
            PendingCancel,
            PendingReplace,
            Filled,
            Cancelled,
            Rejected,
            Expired,
        ];
        if byte == 0 || byte as usize > ALL.len() { None } else { Some(ALL[byte as usize - 1]) }
    }
}

/// Why the pre-trade gate refused: which limit, how much of it is used, how much was asked for.
/// Units follow the code: lots, ticks, smallest money units, messages, nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reject {
    /// Which check.
    pub code: Code,
    /// The limit.
    pub limit: i64,
    /// What is used already.
    pub used: i64,
    /// What the order asks for.
    pub asked: i64,
}

impl OrderEvent {
    /// An order event with every optional field zero.
    #[inline]
    pub const fn new(kind: OrderEventKind, instrument: InstrumentId, side: Side, order_id: OrderId) -> OrderEvent {
        OrderEvent {
            length: 128,
            record: RECORD_ORDER,
            sequence: 0,
            time: UnixNanos::NONE,
            kind: kind as u8,
            flags: 0,
            instrument: instrument.0,
            side: side as u8,
            state: 0,
            reason: 0,
            price: Ticks(0),
            quantity: Lots(0),
            order_id: order_id.0,
            client_id: 0,
            algo_id: 0,
            trader_id: 0,
            request: 0,
            filled: Lots(0),
            last_price: Ticks(0),
            last_lots: Lots(0),
            decision_time: UnixNanos::NONE,
            submission_time: UnixNanos::NONE,
            venue_ack_time: UnixNanos::NONE,
            fee: 0,
        }
    }
    /// What the event means; `None` for a kind this build does not know.
    #[inline]
    pub const fn kind(&self) -> Option<OrderEventKind> {
        OrderEventKind::from_u8(self.kind)
    }
    /// The order's side; `None` when the byte is neither.
    #[inline]
    pub const fn side(&self) -> Option<Side> {
        Side::from_u8(self.side)
    }
    /// The instrument.
    #[inline]
    pub const fn instrument(&self) -> InstrumentId {
        InstrumentId(self.instrument)
    }
    /// The order.
    #[inline]
    pub const fn order_id(&self) -> OrderId {
        OrderId(self.order_id)
    }
    /// The caller's reference.
    #[inline]
    pub const fn client_id(&self) -> ClientId {
        ClientId(self.client_id)
    }
    /// ClOrdID of the request this event is or answers.
    #[inline]
    pub const fn request_id(&self) -> OrderId {
        OrderId::new(OrderId(self.order_id).session(), self.request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_states_round_trip() {
        for byte in 0..=255u8 {
            if let Some(kind) = OrderEventKind::from_u8(byte) {
                assert_eq!(kind as u8, byte);
            }
            if let Some(state) = OrderState::from_u8(byte) {
                assert_eq!(state as u8, byte);
            }
        }
        assert!(OrderState::PendingReplace.is_open() && !OrderState::Filled.is_open());
    }

    #[test]
    fn layout_round_trips() {
        let mut event = OrderEvent::new(OrderEventKind::Fill, InstrumentId(1), Side::Sell, OrderId::new(3, 9));
        (event.fee, event.request) = (-5, 11);
        assert_eq!(OrderEvent::read_from_bytes(event.as_bytes()).unwrap(), event);
        assert_eq!(&event.as_bytes()[48..56], &[9, 0, 0, 0, 3, 0, 0, 0]);
        assert_eq!(event.request_id(), OrderId::new(3, 11));
    }
}
