//! # Room card: wire/fix
//! In:    bytes of a FIX 4.4 connection; orders, cancels, replaces and reports in ticks and lots; numbers and time as
//!        arguments.
//! Out:   whole messages (`Inbox`, `Message`), what a session does with them (`Session`), order events (`report`),
//!        requests (`request`); one message in the caller's bytes, and its length.
//! Holds: required tags in the order of the FIX 4.4 dictionary; exact prices, body length and checksum; no allocation.
//! Costs: a fill from bytes to order event about 310 ns (`--example fix_cost`), an order to bytes about 120 ns
//!        (`--example decode_cost`).
//!
//! The way in: `Inbox::next` -> `Message::parse` -> `Session::on_message` -> on `Deliver` `report::decode` (a client)
//! or `request::decode` (a venue). The way out: `Session::header` -> an encoder -> `Session::take_sequence` -> the
//! wire.
//!
//! Orders are limit orders (40=2), good till cancel (59=1) or immediate or cancel (59=3). ExecInst (18) says post-only
//! as `6`
//! (participate, don't initiate) and reduce-only as `E` (do not increase); both together are the multiple value `6 E`.
//! ClOrdID is `session-counter`. Times are UTC in milliseconds, the same in SendingTime (52) and TransactTime (60): the
//! moment of the turn
//! that decided. What cannot be written is `FixFieldInvalid`, and then nothing of the output may be sent: a comp id
//! that is empty, longer than
//! `COMP_ID_BYTES_MAX` or not printable ASCII, a symbol likewise, sequence 0, order id 0, a quantity of zero or less,
//! too little room.
mod builder;
mod cursor;
mod data_fields;
pub mod data_type;
pub mod dictionary;
mod inbox;
mod index;
mod listing;
mod message;
pub mod report;
pub mod request;
pub mod schedule;
mod session;
mod split;
mod template;
mod value;
mod write;

pub use builder::MessageBuilder;
pub(crate) use data_fields::counted_by;
pub use inbox::{Inbox, InboxStep};
pub(crate) use index::tag_at;
pub use index::{BeginString, FIELDS_MAX, FieldIndex, FieldSpan, Garbled, is_header, is_trailer};
pub use listing::Listing;
pub use message::{Field, Fields, Message};
pub use session::{
    Breach, BusinessReason, LATENCY_MAX, LOGON_EXTRA_BYTES_MAX, LOGON_WAIT, LOGOUT_WAIT, LogonFacts, NoStore, Out,
    Outgoing, Precision, QUEUE_BYTES, QUEUE_MESSAGES, RejectReason, Role, Rules, SEEN_ORDERS, SEQUENCE_MAX,
    SESSION_OUT_BYTES_MAX, Session, SessionSetup, State, Store, Verdict,
};
pub use split::{FIX_IN_BYTES_LIMIT, FIX_IN_BYTES_MAX, Split, split};
pub use template::{Slots, Template, TemplateField};

use types::limits::FIX_MESSAGE_BYTES_MAX;
use types::{Code, Instrument, Lots, OrderId, Side, Ticks, UnixNanos, flag};

use write::Writer;

/// Bytes of a SenderCompID or TargetCompID.
pub const COMP_ID_BYTES_MAX: usize = 64;

/// Bytes of the longest message that is written: its body length has three digits.
pub const FIX_OUT_BYTES_MAX: usize = 1_000;

/// What the session gives to each message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header<'a> {
    /// SenderCompID (49).
    pub sender: &'a [u8],
    /// TargetCompID (56).
    pub target: &'a [u8],
    /// MsgSeqNum (34), from 1.
    pub sequence: u64,
    /// SendingTime (52) and TransactTime (60).
    pub time: UnixNanos,
}

/// NewOrderSingle (35=D).
#[derive(Clone, Copy, Debug)]
pub struct NewOrder<'a> {
    /// ClOrdID (11).
    pub cl_ord_id: OrderId,
    /// Symbol (55) and the decimals of price and quantity.
    pub instrument: &'a Instrument,
    /// Side (54).
    pub side: Side,
    /// Price (44).
    pub price: Ticks,
    /// OrderQty (38).
    pub quantity: Lots,
    /// `flag::POST_ONLY`, `flag::REDUCE_ONLY`, `flag::IOC`; other bits mean nothing here.
    pub flags: u8,
}

/// OrderCancelRequest (35=F).
#[derive(Clone, Copy, Debug)]
pub struct CancelOrder<'a> {
    /// ClOrdID (11) of this request.
    pub cl_ord_id: OrderId,
    /// OrigClOrdID (41): the order's last acknowledged ClOrdID.
    pub orig_cl_ord_id: OrderId,
    /// Symbol (55).
    pub instrument: &'a Instrument,
    /// Side (54) of the order.
    pub side: Side,
    /// OrderQty (38) of the order.
    pub quantity: Lots,
}

/// OrderCancelReplaceRequest (35=G).
#[derive(Clone, Copy, Debug)]
pub struct ReplaceOrder<'a> {
    /// ClOrdID (11) of this request.
    pub cl_ord_id: OrderId,
    /// OrigClOrdID (41): the order's last acknowledged ClOrdID.
    pub orig_cl_ord_id: OrderId,
    /// Symbol (55) and the decimals of price and quantity.
    pub instrument: &'a Instrument,
    /// Side (54) of the order; it cannot change.
    pub side: Side,
    /// New price (44).
    pub price: Ticks,
    /// New whole quantity (38), filled part included.
    pub quantity: Lots,
    /// As in `NewOrder`.
    pub flags: u8,
}

/// Writes a NewOrderSingle at the start of `out`; `FIX_MESSAGE_BYTES_MAX` bytes are always enough.
///
/// Returns the length. Errors: `FixFieldInvalid`.
pub fn new_order(out: &mut [u8], header: &Header<'_>, order: &NewOrder<'_>) -> Result<usize, Code> {
    let mut writer = Writer::open(out, b'D', header)?;
    writer.order_id(b"11=", order.cl_ord_id)?;
    exec_inst(&mut writer, order.flags);
    instrument_side_time(&mut writer, order.instrument, order.side)?;
    quantity(&mut writer, order.instrument, order.quantity)?;
    limit(&mut writer, order.instrument, order.price, order.flags);
    writer.close()
}

/// Writes an OrderCancelRequest at the start of `out`; `FIX_MESSAGE_BYTES_MAX` bytes are always enough.
///
/// Returns the length. Errors: `FixFieldInvalid`.
pub fn cancel_order(out: &mut [u8], header: &Header<'_>, order: &CancelOrder<'_>) -> Result<usize, Code> {
    let mut writer = Writer::open(out, b'F', header)?;
    writer.order_id(b"41=", order.orig_cl_ord_id)?;
    writer.order_id(b"11=", order.cl_ord_id)?;
    instrument_side_time(&mut writer, order.instrument, order.side)?;
    quantity(&mut writer, order.instrument, order.quantity)?;
    writer.close()
}

/// Writes an OrderCancelReplaceRequest at the start of `out`; `FIX_MESSAGE_BYTES_MAX` bytes are always enough.
///
/// Returns the length. Errors: `FixFieldInvalid`.
pub fn replace_order(out: &mut [u8], header: &Header<'_>, order: &ReplaceOrder<'_>) -> Result<usize, Code> {
    let mut writer = Writer::open(out, b'G', header)?;
    writer.order_id(b"41=", order.orig_cl_ord_id)?;
    writer.order_id(b"11=", order.cl_ord_id)?;
    exec_inst(&mut writer, order.flags);
    instrument_side_time(&mut writer, order.instrument, order.side)?;
    quantity(&mut writer, order.instrument, order.quantity)?;
    limit(&mut writer, order.instrument, order.price, order.flags);
    writer.close()
}

fn exec_inst(writer: &mut Writer<'_>, flags: u8) {
    match (flags & flag::POST_ONLY != 0, flags & flag::REDUCE_ONLY != 0) {
        (true, true) => writer.put(b"18=6 E\x01"),
        (true, false) => writer.put(b"18=6\x01"),
        (false, true) => writer.put(b"18=E\x01"),
        (false, false) => {}
    }
}

fn instrument_side_time(writer: &mut Writer<'_>, instrument: &Instrument, side: Side) -> Result<(), Code> {
    writer.put(b"55=");
    writer.printable(instrument.symbol_bytes())?;
    writer.put(match side {
        Side::Buy => b"\x0154=1\x0160=",
        Side::Sell => b"\x0154=2\x0160=",
    });
    writer.time();
    Ok(())
}

fn quantity(writer: &mut Writer<'_>, instrument: &Instrument, quantity: Lots) -> Result<(), Code> {
    if quantity.0 <= 0 {
        return Err(Code::FixFieldInvalid);
    }
    writer.put(b"38=");
    writer.decimal(quantity.0, &instrument.quantity, instrument.quantity_decimals);
    writer.put(b"\x01");
    Ok(())
}

fn limit(writer: &mut Writer<'_>, instrument: &Instrument, price: Ticks, flags: u8) {
    writer.put(b"40=2\x0144=");
    writer.decimal(price.0, &instrument.price, instrument.price_decimals);
    writer.put(if flags & flag::IOC != 0 { b"\x0159=3\x01" } else { b"\x0159=1\x01" });
}

// The longest message, field by field: header, both order ids, symbol, both decimals with their sign and 18 decimals,
// trailer.
const _: () = assert!(
    10 + 6
        + 5
        + 2 * (4 + COMP_ID_BYTES_MAX)
        + 24
        + 25
        + 2 * 22
        + 7
        + 36
        + 5
        + 25
        + 2 * (4 + crate::text::DECIMAL_BYTES_MAX)
        + 5
        + 5
        + 7
        <= FIX_MESSAGE_BYTES_MAX
);
