//! # Room card: wire/fix/report
//! In:    ExecutionReport (8), OrderCancelReject (9), OrderMassCancelReport (r), PositionReport (AP),
//!        RequestForPositionsAck (AO), BusinessMessageReject (j), Reject (3); the venue's instruments.
//! Out:   `Report`: order events in ticks and lots by our ids; the same messages from order events (`encode`).
//! Holds: exact prices and quantities or a refusal; only an average price and a fee are rounded, half away from zero.
//! Costs: a fill under 300 ns (`--example fix_cost`): one pass over its fields, no allocation.
//!
//! ExecType: 0 Accepted, 4 Cancelled, 5 Replaced, 8 Rejected, C and 3 Expired, F Fill, I and D (restated) Status; 6,
//! A, E (pending), 7, 9, B change nothing and are `Ignored`; G and H (trade corrected, cancelled) are `FixUnsupported`.
//! `order_id` is the order's ClOrdID (41 where a cancel or replace is answered, else 11), `request` the counter of 11,
//! `time` TransactTime (60) or else SendingTime (52). A commission counts when it is absolute (13=3) and is taken to
//! be in the settlement currency.
mod codes;
mod encode;

use types::{
    Code, Grid, Instrument, InstrumentId, Lots, OrderEvent, OrderEventKind, OrderId, OrderState, Side, Ticks,
    UnixNanos, flag,
};

use super::listing::Listing;
use super::message::Message;
use super::value;

pub use encode::{
    BusinessReject, Facts, MassCancelAnswer, PositionAnswer, business_reject, encode, mass_cancel_report,
    position_report,
};

/// What a venue says.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Report<'a> {
    /// About an order of ours.
    Order(OrderReport),
    /// Answer to a mass cancel.
    MassCancel(MassCancelReport),
    /// Our position.
    Position(PositionReport<'a>),
    /// A message of ours was refused as a message.
    Refused(Refused<'a>),
    /// Nothing changes: a request is noted or pending, or positions were asked for and reports follow.
    Ignored,
}

/// About an order of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OrderReport {
    /// As `types::OrderEvent` says for a report on its way in.
    pub event: OrderEvent,
    /// A fill's fee was stated; otherwise it is 0 and to be reckoned by rate.
    pub fee_stated: bool,
    /// Instrument and side were stated. An OrderCancelReject states neither: both are 0, take those of the order.
    pub terms_stated: bool,
}

/// Answer to a mass cancel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MassCancelReport {
    /// ClOrdID (11) of the request, if it is one of ours.
    pub request: Option<OrderId>,
    /// It was done (531 is not 0).
    pub accepted: bool,
    /// TotalAffectedOrders (533), if stated.
    pub affected: Option<u64>,
    /// MassCancelRejectReason (532), if stated.
    pub reason: Option<u64>,
}

/// Our position in one instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PositionReport<'a> {
    /// Kind Position: instrument, last_lots = signed position, time.
    pub event: OrderEvent,
    /// PosReqID (710) of the request, empty when unasked for.
    pub request: &'a [u8],
    /// Account (1), empty when not stated.
    pub account: &'a [u8],
}

/// A message of ours that was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refused<'a> {
    /// RefSeqNum (45): its number; 0 when not stated.
    pub sequence: u64,
    /// RefMsgType (372): its type; empty when not stated.
    pub msg_type: &'a [u8],
    /// BusinessMessageReject (380) instead of Reject (373).
    pub business: bool,
    /// The reason's number.
    pub reason: u64,
    /// RefTagID (371); 0 when not stated.
    pub tag: u64,
    /// BusinessRejectRefID (379), if it is an id of ours.
    pub id: Option<OrderId>,
    /// Text (58).
    pub text: &'a [u8],
}

/// Fields of a report as they stand; empty where one is missing.
#[derive(Clone, Copy, Default)]
struct Raw<'a> {
    cl_ord_id: &'a [u8],
    orig_cl_ord_id: &'a [u8],
    exec_type: &'a [u8],
    status: &'a [u8],
    symbol: &'a [u8],
    side: &'a [u8],
    quantity: &'a [u8],
    price: &'a [u8],
    last_quantity: &'a [u8],
    last_price: &'a [u8],
    cumulative: &'a [u8],
    average: &'a [u8],
    liquidity: &'a [u8],
    commission: &'a [u8],
    commission_type: &'a [u8],
    time: &'a [u8],
    order_reason: &'a [u8],
    cancel_reason: &'a [u8],
    answers: &'a [u8],
    text: &'a [u8],
}

/// The id of ours that an execution report names (11, else 41), also of one that cannot be read as a whole.
pub fn names(message: &Message<'_>) -> Option<OrderId> {
    [11, 41].into_iter().find_map(|tag| message.get(tag).and_then(value::order_id))
}

/// Reads what a venue says. `listing` is that venue's.
///
/// Errors: `FixUnsupported` (a type or a side this side does not take), `FixMalformed` (what is no field),
/// `FieldMissing`, `UnknownSymbol`, `OffGrid` (a number that is none or off the grid), `UnknownOrder` (no id of ours).
#[inline]
pub fn decode<'a>(message: &Message<'a>, listing: &Listing<'_>) -> Result<Report<'a>, Code> {
    match message.msg_type() {
        b"8" => execution(message, listing),
        b"9" => cancel_reject(message),
        b"r" => mass_cancel(message),
        b"AP" => position(message, listing),
        b"AO" => positions_ack(message, listing),
        b"j" => Ok(Report::Refused(refused(message, true))),
        b"3" => Ok(Report::Refused(refused(message, false))),
        _ => Err(Code::FixUnsupported),
    }
}

#[inline(always)]
fn raw<'a>(message: &Message<'a>) -> Result<Raw<'a>, Code> {
    let mut raw = Raw::default();
    for field in message.fields() {
        let slot = match field.tag {
            11 => &mut raw.cl_ord_id,
            41 => &mut raw.orig_cl_ord_id,
            150 => &mut raw.exec_type,
            39 => &mut raw.status,
            55 => &mut raw.symbol,
            54 => &mut raw.side,
            38 => &mut raw.quantity,
            44 => &mut raw.price,
            32 => &mut raw.last_quantity,
            31 => &mut raw.last_price,
            14 => &mut raw.cumulative,
            6 => &mut raw.average,
            851 => &mut raw.liquidity,
            12 => &mut raw.commission,
            13 => &mut raw.commission_type,
            60 => &mut raw.time,
            103 => &mut raw.order_reason,
            102 => &mut raw.cancel_reason,
            434 => &mut raw.answers,
            58 => &mut raw.text,
            0 => return Err(Code::FixMalformed),
            _ => continue,
        };
        // The first one counts: later ones stand in repeating groups.
        if slot.is_empty() {
            *slot = field.value;
        }
    }
    Ok(raw)
}

fn present(value: &[u8]) -> Result<&[u8], Code> {
    if value.is_empty() { Err(Code::FieldMissing) } else { Ok(value) }
}

fn needed(value: &[u8], grid: &Grid) -> Result<i64, Code> {
    value::steps(present(value)?, grid).ok_or(Code::OffGrid)
}

fn optional(value: &[u8], grid: &Grid) -> Result<i64, Code> {
    if value.is_empty() { Ok(0) } else { value::steps(value, grid).ok_or(Code::OffGrid) }
}

#[inline]
fn execution<'a>(message: &Message<'a>, listing: &Listing<'_>) -> Result<Report<'a>, Code> {
    let raw = raw(message)?;
    let &[exec_type] = present(raw.exec_type)? else { return Err(Code::FixUnsupported) };
    let kind = match exec_type {
        b'F' => OrderEventKind::Fill,
        b'0' => OrderEventKind::Accepted,
        b'4' => OrderEventKind::Cancelled,
        b'5' => OrderEventKind::Replaced,
        b'8' => OrderEventKind::Rejected,
        b'C' | b'3' => OrderEventKind::Expired,
        b'I' | b'D' => OrderEventKind::Status,
        b'6' | b'7' | b'9' | b'A' | b'B' | b'E' => return Ok(Report::Ignored),
        _ => return Err(Code::FixUnsupported),
    };
    let mut event = identified(&raw, kind)?;
    let instrument = listing.find(present(raw.symbol)?).ok_or(Code::UnknownSymbol)?;
    event.instrument = instrument.id.0;
    event.side = match present(raw.side)? {
        b"1" => Side::Buy as u8,
        b"2" => Side::Sell as u8,
        _ => return Err(Code::FixUnsupported),
    };
    event.time = time(message, raw.time);
    event.price = Ticks(optional(raw.price, &instrument.price)?);
    event.quantity = Lots(optional(raw.quantity, &instrument.quantity)?);
    event.filled = Lots(optional(raw.cumulative, &instrument.quantity)?);
    let mut fee_stated = false;
    match kind {
        OrderEventKind::Fill => {
            event.last_price = Ticks(needed(raw.last_price, &instrument.price)?);
            event.last_lots = Lots(needed(raw.last_quantity, &instrument.quantity)?);
            event.flags = if raw.liquidity == b"2" { flag::TAKER } else { 0 };
            fee_stated = !raw.commission.is_empty() && raw.commission_type == b"3";
            if fee_stated {
                event.fee = fee(raw.commission, instrument)?;
            }
        }
        OrderEventKind::Rejected => {
            event.reason = codes::order_code_of(value::integer(raw.order_reason), raw.text) as u16;
        }
        OrderEventKind::Status => status(&mut event, &raw, instrument)?,
        _ => {}
    }
    Ok(Report::Order(OrderReport { event, fee_stated, terms_stated: true }))
}

fn status(event: &mut OrderEvent, raw: &Raw<'_>, instrument: &Instrument) -> Result<(), Code> {
    let &[letter] = present(raw.status)? else { return Err(Code::FixUnsupported) };
    let state = codes::state_of(letter, event.filled.0).ok_or(Code::FixUnsupported)?;
    event.state = state as u8;
    if state == OrderState::Rejected {
        event.reason = codes::order_code_of(value::integer(raw.order_reason), raw.text) as u16;
    }
    if event.filled.0 > 0 {
        event.last_price = Ticks(value::steps_nearest(present(raw.average)?, &instrument.price).ok_or(Code::OffGrid)?);
    }
    Ok(())
}

/// An event with its ids. An answer to a cancel or replace names the order by OrigClOrdID.
#[inline]
fn identified(raw: &Raw<'_>, kind: OrderEventKind) -> Result<OrderEvent, Code> {
    use OrderEventKind::{CancelRejected, Cancelled, ReplaceRejected, Replaced};
    let request = value::order_id(present(raw.cl_ord_id)?).ok_or(Code::UnknownOrder)?;
    let answers = matches!(kind, Cancelled | Replaced | CancelRejected | ReplaceRejected);
    let order = if answers { value::order_id(raw.orig_cl_ord_id).unwrap_or(request) } else { request };
    let mut event = OrderEvent::new(kind, InstrumentId(0), Side::Buy, order);
    (event.side, event.request) = (0, request.counter());
    Ok(event)
}

#[inline]
fn time(message: &Message<'_>, stated: &[u8]) -> UnixNanos {
    value::moment(stated).or_else(|| message.sending_time()).unwrap_or(UnixNanos::NONE)
}

fn fee(commission: &[u8], instrument: &Instrument) -> Result<i64, Code> {
    let grid = Grid { scale: instrument.money_scale, increment: 1 };
    value::steps_nearest(commission, &grid).ok_or(Code::NumberOverflow)
}

fn cancel_reject<'a>(message: &Message<'a>) -> Result<Report<'a>, Code> {
    let raw = raw(message)?;
    let kind = match present(raw.answers)? {
        b"1" => OrderEventKind::CancelRejected,
        b"2" => OrderEventKind::ReplaceRejected,
        _ => return Err(Code::FixUnsupported),
    };
    let mut event = identified(&raw, kind)?;
    event.time = time(message, raw.time);
    event.reason = codes::cancel_code_of(value::integer(raw.cancel_reason), raw.text) as u16;
    Ok(Report::Order(OrderReport { event, fee_stated: false, terms_stated: false }))
}

fn mass_cancel<'a>(message: &Message<'a>) -> Result<Report<'a>, Code> {
    let response = message.get(531).ok_or(Code::FieldMissing)?;
    Ok(Report::MassCancel(MassCancelReport {
        request: message.get(11).and_then(value::order_id),
        accepted: response != b"0",
        affected: message.integer(533),
        reason: message.integer(532),
    }))
}

fn position<'a>(message: &Message<'a>, listing: &Listing<'_>) -> Result<Report<'a>, Code> {
    let result = message.integer(728).ok_or(Code::FieldMissing)?;
    let (mut long, mut short, mut groups) = (None, None, 0);
    let (mut symbol, mut request, mut account): (&[u8], &[u8], &[u8]) = (&[], &[], &[]);
    let mut stated: &[u8] = &[];
    for field in message.fields() {
        match field.tag {
            0 => return Err(Code::FixMalformed),
            1 => account = field.value,
            55 => symbol = field.value,
            60 => stated = field.value,
            710 => request = field.value,
            703 => groups += 1,
            // The first group, or the one of transactions: others split the same position another way.
            704 if groups <= 1 => long = Some(field.value),
            705 if groups <= 1 => short = Some(field.value),
            _ => {}
        }
    }
    let instrument = listing.find(present(symbol)?).ok_or(Code::UnknownSymbol)?;
    let lots = match result {
        0 if groups > 0 => {
            let long = optional(long.unwrap_or_default(), &instrument.quantity)?;
            let short = optional(short.unwrap_or_default(), &instrument.quantity)?;
            long.checked_sub(short).ok_or(Code::NumberOverflow)?
        }
        // No positions found.
        0 | 2 => 0,
        _ => return Err(Code::FixUnsupported),
    };
    Ok(Report::Position(stated_position(message, instrument, lots, stated, (request, account))))
}

/// The acknowledgement of a request says something only when there is no position.
fn positions_ack<'a>(message: &Message<'a>, listing: &Listing<'_>) -> Result<Report<'a>, Code> {
    match message.integer(728).ok_or(Code::FieldMissing)? {
        0 => Ok(Report::Ignored),
        2 => {
            let symbol = message.get(55).ok_or(Code::FieldMissing)?;
            let instrument = listing.find(symbol).ok_or(Code::UnknownSymbol)?;
            let (request, account) = (message.get(710).unwrap_or_default(), message.get(1).unwrap_or_default());
            Ok(Report::Position(stated_position(message, instrument, 0, &[], (request, account))))
        }
        _ => Err(Code::FixUnsupported),
    }
}

fn stated_position<'a>(
    message: &Message<'_>,
    instrument: &Instrument,
    lots: i64,
    stated: &[u8],
    (request, account): (&'a [u8], &'a [u8]),
) -> PositionReport<'a> {
    let mut event = OrderEvent::new(OrderEventKind::Position, instrument.id, Side::Buy, OrderId::NONE);
    (event.side, event.last_lots, event.time) = (0, Lots(lots), time(message, stated));
    PositionReport { event, request, account }
}

fn refused<'a>(message: &Message<'a>, business: bool) -> Refused<'a> {
    Refused {
        sequence: message.integer(45).unwrap_or(0),
        msg_type: message.get(372).unwrap_or_default(),
        business,
        reason: message.integer(if business { 380 } else { 373 }).unwrap_or(0),
        tag: message.integer(371).unwrap_or(0),
        id: message.get(379).and_then(value::order_id),
        text: message.get(58).unwrap_or_default(),
    }
}
