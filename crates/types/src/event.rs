//! # Room card: types/event
//! In:    what the stages of a turn want seen: trades, touches, levels, book states, volatility, timers.
//! Out:   `Event`, 64 bytes: the same bytes in Rust, in the journal, in the rings and in TypeScript.
//! Holds: size and offsets are asserted at compile time; unused fields are zero, so that bytes are canonical.
//! Costs: one cache line.
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::ids::InstrumentId;
use crate::num::{Lots, Side, Ticks};
use crate::time::UnixNanos;

/// Record type in a ring or journal: a market event.
pub const RECORD_EVENT: u32 = 1;
/// Record type in a ring or journal: an order event.
pub const RECORD_ORDER: u32 = 2;
/// Record type in a command ring: cause sequence u64, then a `Command` (64 bytes), then its text if any.
pub const RECORD_COMMAND: u32 = 3;
/// Record type in a command ring: connection u16, 6 zero bytes, then bytes as read from it.
pub const RECORD_BYTES: u32 = 4;
/// Record type in a command ring: connection u16, `ConnState` u8, 5 zero bytes.
pub const RECORD_CONN: u32 = 5;
/// Record type in a command ring: `Control` u8, 7 zero bytes.
pub const RECORD_CONTROL: u32 = 6;
/// Record type in the orders ring: records were lost because the reader was behind; u64 = how many.
/// A full image follows.
pub const RECORD_GAP: u32 = 7;
/// Record type in any ring: skip to the next record (end of the buffer).
pub const RECORD_PADDING: u32 = u32::MAX;
/// Bytes of the ring header at the start of every record: length (i32, negative while being written) and type (u32).
pub const RECORD_HEADER_BYTES: usize = 8;

/// A market event. `kind` says how to read the rest; see `EventKind`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Event {
    /// Bytes of the record, 64.
    pub length: u32,
    /// `RECORD_EVENT`.
    pub record: u32,
    /// Position in the engine's one sequence of published events and order events.
    pub sequence: u64,
    /// Engine time of the turn that published it.
    pub time: UnixNanos,
    /// `EventKind` as a byte.
    pub kind: u8,
    /// Bits of `flag`.
    pub flags: u8,
    /// Instrument; 0 where the kind has none.
    pub instrument: u16,
    /// 1 buy or bid, 2 sell or ask, 0 none. For trades the aggressor.
    pub side: u8,
    /// Kind-specific small number; see `EventKind`.
    pub detail: u8,
    /// `Code` number for state and fault events, else 0.
    pub code: u16,
    /// Price in ticks.
    pub price: Ticks,
    /// Quantity in lots.
    pub quantity: Lots,
    /// Trade id, book update id or timer id.
    pub id: u64,
    /// The exchange's stamp; 0 when the source has none.
    pub exchange_time: UnixNanos,
}

const _: () = assert!(size_of::<Event>() == 64 && align_of::<Event>() == 8);
const _: () = assert!(core::mem::offset_of!(Event, sequence) == 8 && core::mem::offset_of!(Event, kind) == 24);
const _: () = assert!(core::mem::offset_of!(Event, price) == 32 && core::mem::offset_of!(Event, exchange_time) == 56);

/// Bits of `Event::flags` and `OrderEvent::flags`.
pub mod flag {
    /// Last record of the turn's packet for this instrument: the state is consistent after it.
    pub const LAST: u8 = 1;
    /// Part of a snapshot, not of an increment.
    pub const SNAPSHOT: u8 = 2;
    /// The order must not take liquidity.
    pub const POST_ONLY: u8 = 4;
    /// The order may only shrink the position.
    pub const REDUCE_ONLY: u8 = 8;
    /// The fill took liquidity.
    pub const TAKER: u8 = 16;
    /// Immediate or cancel.
    pub const IOC: u8 = 32;
}

/// What an `Event` means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum EventKind {
    /// A public trade: side = aggressor, price, quantity, id = trade id.
    Trade = 1,
    /// One side of the touch: side, price, quantity (0 = side empty), id = update id; detail 1 = from the L1 feed,
    /// 2 = from the L2 book.
    Touch = 2,
    /// A depth message or snapshot was applied: quantity = levels in it, id = last update id.
    Depth = 3,
    /// One changed L2 level (published only when configured): side, price, quantity.
    Level = 4,
    /// The L2 became valid (detail 1) or invalid (detail 0); code says why; id = update id.
    BookState = 5,
    /// Volatility after a new sample: price = bits of the f64 σ in price units per √second, quantity = samples in the
    /// window, detail 1 = σ is in force (`volatility.minObservations`).
    Volatility = 6,
    /// A strategy's timer fired: id = timer id.
    Timer = 7,
    /// The engine needs a full book snapshot of the instrument; the driver fetches it and delivers it as bytes.
    SnapshotWanted = 8,
    /// A connection changed: detail = `ConnState`, id = connection. Of a FIX session the engine owns also: Writable
    /// with code RECONCILING when orders and positions are agreed and new orders pass, Blocked with it when they no
    /// longer do; Down with the reason when the session ended by its own rules and the connection is to be closed.
    Conn = 9,
    /// Trading state: detail 1 = halted, 2 = reduce-only, 0 = open; code says why. With STRATEGY_HALTED only the
    /// strategy of producer id is halted.
    Trading = 10,
    /// An input was refused or a limit was met: code says which, id = how often so far. With PARAMETER_OUT_OF_RANGE
    /// also quantity = number of the parameter, detail = number of the breach, price = bits of the limit as f64.
    Fault = 11,
    /// Best bid and ask of our native quoter after a decision: side, price, quantity (0 = no quote wanted).
    Quote = 12,
}

impl EventKind {
    /// From the byte of a record.
    pub const fn from_u8(byte: u8) -> Option<EventKind> {
        use EventKind::*;
        const ALL: [EventKind; 12] =
            [Trade, Touch, Depth, Level, BookState, Volatility, Timer, SnapshotWanted, Conn, Trading, Fault, Quote];
        if byte == 0 || byte as usize > ALL.len() { None } else { Some(ALL[byte as usize - 1]) }
    }
}

impl Event {
    /// An event with every optional field zero.
    #[inline]
    pub const fn new(kind: EventKind, instrument: InstrumentId) -> Event {
        Event {
            length: 64,
            record: RECORD_EVENT,
            sequence: 0,
            time: UnixNanos::NONE,
            kind: kind as u8,
            flags: 0,
            instrument: instrument.0,
            side: 0,
            detail: 0,
            code: 0,
            price: Ticks(0),
            quantity: Lots(0),
            id: 0,
            exchange_time: UnixNanos::NONE,
        }
    }
    /// What the event means; `None` for a kind this build does not know.
    #[inline]
    pub const fn kind(&self) -> Option<EventKind> {
        EventKind::from_u8(self.kind)
    }
    /// The side, if the kind has one.
    #[inline]
    pub const fn side(&self) -> Option<Side> {
        Side::from_u8(self.side)
    }
    /// The instrument.
    #[inline]
    pub const fn instrument(&self) -> InstrumentId {
        InstrumentId(self.instrument)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_is_little_endian_and_fixed() {
        let mut event = Event::new(EventKind::Trade, InstrumentId(3));
        (event.sequence, event.time, event.side, event.price) = (7, UnixNanos(9), 2, Ticks(-2));
        let bytes = event.as_bytes();
        assert_eq!(&bytes[..16], &[64, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(&bytes[24..32], &[1, 0, 3, 0, 2, 0, 0, 0]);
        assert_eq!(&bytes[32..40], &[254, 255, 255, 255, 255, 255, 255, 255]);
        assert_eq!(Event::read_from_bytes(bytes).unwrap(), event);
    }

    #[test]
    fn kinds_round_trip() {
        for byte in 0..=255u8 {
            if let Some(kind) = EventKind::from_u8(byte) {
                assert_eq!(kind as u8, byte);
            }
        }
        assert_eq!(EventKind::from_u8(13), None);
    }
}
