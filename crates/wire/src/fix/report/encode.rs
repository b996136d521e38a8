//! # Room card: wire/fix/report/encode
//! In:    a venue's order events, the texts and numbers it keeps beside them.
//! Out:   ExecutionReport (8), OrderCancelReject (9), OrderMassCancelReport (r), PositionReport (AP),
//!        BusinessMessageReject (j).
//! Holds: required fields in the order of the FIX 4.4 dictionary; `decode` reads back what stands in the event.
//! Costs: about 200 ns a report.
use types::{Code, Grid, Instrument, Lots, OrderEvent, OrderEventKind, OrderState, Ticks, flag};

use super::super::Header;
use super::super::write::Writer;
use super::codes;

/// Decimals an average price has beyond those of the tick.
const AVERAGE_DECIMALS: u8 = 4;

/// What a venue keeps beside an order event.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// OrderID (37) as the venue numbers orders; 0 writes NONE (an order it never took).
    pub order_number: u64,
    /// ExecID (17), one number a report.
    pub exec_number: u64,
    /// ClOrdID (11): of the request answered, else of the terms in force.
    pub cl_ord_id: &'a [u8],
    /// OrigClOrdID (41) of the cancel or replace answered; empty leaves it out.
    pub orig_cl_ord_id: &'a [u8],
    /// Symbol (55) as the request had it.
    pub symbol: &'a [u8],
    /// The instrument; without one (an unknown symbol) quantities are written as 0 and prices left out.
    pub instrument: Option<&'a Instrument>,
    /// Sum over the order's fills of ticks times lots, for AvgPx (6).
    pub traded: i128,
}

/// Writes the report an event is: 35=9 for a refused cancel or replace, else 35=8. `FIX_OUT_BYTES_MAX` bytes are enough
/// for ids and symbols of up to 64 bytes.
///
/// Returns the length. Errors: `FixFieldInvalid` (an id or symbol that cannot be written, a request instead of a
/// report).
pub fn encode(out: &mut [u8], header: &Header<'_>, event: &OrderEvent, facts: &Facts<'_>) -> Result<usize, Code> {
    use OrderEventKind::*;
    let (kind, state) = match event.kind().ok_or(Code::FixFieldInvalid)? {
        CancelRejected => return cancel_reject(out, header, event, facts, b'1'),
        ReplaceRejected => return cancel_reject(out, header, event, facts, b'2'),
        Accepted => (b'0', open_state(event)),
        Replaced => (b'5', open_state(event)),
        Fill => (b'F', open_state(event)),
        Cancelled => (b'4', OrderState::Cancelled),
        Rejected => (b'8', OrderState::Rejected),
        Expired => (b'C', OrderState::Expired),
        Status => (b'I', OrderState::from_u8(event.state).ok_or(Code::FixFieldInvalid)?),
        New | Cancel | Replace | Refused | AckTimeout | Position => return Err(Code::FixFieldInvalid),
    };
    let mut writer = Writer::open_as(out, b"8", header, None)?;
    order_number(&mut writer, facts.order_number);
    writer.text_field(b"11=", facts.cl_ord_id)?;
    if !facts.orig_cl_ord_id.is_empty() {
        writer.text_field(b"41=", facts.orig_cl_ord_id)?;
    }
    writer.integer(b"17=", facts.exec_number);
    writer.letter(b"150=", kind);
    writer.letter(b"39=", codes::letter_of(state));
    if state == OrderState::Rejected {
        writer.integer(b"103=", codes::order_reason_of(Code::from_u16(event.reason)));
    }
    writer.text_field(b"55=", facts.symbol)?;
    writer.letter(b"54=", if event.side == 2 { b'2' } else { b'1' });
    match facts.instrument {
        Some(instrument) => quantities(&mut writer, event, facts, instrument, state),
        None => writer.put(b"151=0\x0114=0\x016=0\x01"),
    }
    writer.moment(b"60=", event.time);
    if let (OrderEventKind::Fill, Some(instrument)) = (event.kind().unwrap_or(Fill), facts.instrument) {
        let money = Grid { scale: instrument.money_scale, increment: 1 };
        writer.steps(b"12=", event.fee, &money, instrument.money_scale);
        writer.put(b"13=3\x01");
    }
    text(&mut writer, event)?;
    if event.kind == OrderEventKind::Fill as u8 {
        writer.letter(b"851=", if event.flags & flag::TAKER != 0 { b'2' } else { b'1' });
    }
    writer.close()
}

fn open_state(event: &OrderEvent) -> OrderState {
    if event.filled.0 <= 0 {
        OrderState::Live
    } else if event.filled < event.quantity {
        OrderState::PartiallyFilled
    } else {
        OrderState::Filled
    }
}

fn order_number(writer: &mut Writer<'_>, number: u64) {
    if number == 0 { writer.put(b"37=NONE\x01") } else { writer.integer(b"37=", number) }
}

fn text(writer: &mut Writer<'_>, event: &OrderEvent) -> Result<(), Code> {
    match Code::from_u16(event.reason) {
        Some(code) => writer.text_field(b"58=", code.name().as_bytes()),
        None => Ok(()),
    }
}

/// OrderQty to AvgPx.
fn quantities(
    writer: &mut Writer<'_>,
    event: &OrderEvent,
    facts: &Facts<'_>,
    instrument: &Instrument,
    state: OrderState,
) {
    let (lots, ticks) =
        ((&instrument.quantity, instrument.quantity_decimals), (&instrument.price, instrument.price_decimals));
    if event.quantity.0 > 0 {
        writer.steps(b"38=", event.quantity.0, lots.0, lots.1);
        writer.put(b"40=2\x01");
        writer.steps(b"44=", event.price.0, ticks.0, ticks.1);
        writer.put(if event.flags & flag::IOC != 0 { b"59=3\x01" } else { b"59=1\x01" });
        super::super::exec_inst(writer, event.flags);
    }
    if event.kind == OrderEventKind::Fill as u8 {
        writer.steps(b"32=", event.last_lots.0, lots.0, lots.1);
        writer.steps(b"31=", event.last_price.0, ticks.0, ticks.1);
    }
    let leaves = if state.is_open() { event.quantity.0.saturating_sub(event.filled.0).max(0) } else { 0 };
    writer.steps(b"151=", leaves, lots.0, lots.1);
    writer.steps(b"14=", event.filled.0, lots.0, lots.1);
    average(writer, event, facts, instrument);
}

fn average(writer: &mut Writer<'_>, event: &OrderEvent, facts: &Facts<'_>, instrument: &Instrument) {
    let extra = AVERAGE_DECIMALS.min(18 - instrument.price.scale.min(18));
    let finer = Grid { scale: instrument.price.scale + extra, increment: instrument.price.increment };
    let steps = (event.filled.0 > 0).then(|| {
        let numerator = facts.traded.checked_mul(types::decimal::POW10[extra as usize] as i128)?;
        i64::try_from(types::money::divide_rounded(numerator, event.filled.0 as i128)).ok()
    });
    match steps.flatten() {
        Some(steps) => writer.steps(b"6=", steps, &finer, instrument.price_decimals),
        None => writer.put(b"6=0\x01"),
    }
}

fn cancel_reject(
    out: &mut [u8],
    header: &Header<'_>,
    event: &OrderEvent,
    facts: &Facts<'_>,
    answers: u8,
) -> Result<usize, Code> {
    let code = Code::from_u16(event.reason);
    let known = facts.order_number != 0 && code != Some(Code::VenueUnknownOrder);
    let state = if known { open_state(event) } else { OrderState::Rejected };
    let mut writer = Writer::open_as(out, b"9", header, None)?;
    order_number(&mut writer, facts.order_number);
    writer.text_field(b"11=", facts.cl_ord_id)?;
    writer.text_field(b"41=", facts.orig_cl_ord_id)?;
    writer.letter(b"39=", codes::letter_of(state));
    writer.moment(b"60=", event.time);
    writer.letter(b"434=", answers);
    writer.integer(b"102=", codes::cancel_reason_of(code));
    text(&mut writer, event)?;
    writer.close()
}

/// Answer to an OrderMassCancelRequest.
#[derive(Clone, Copy, Debug)]
pub struct MassCancelAnswer<'a> {
    /// ClOrdID (11) of the request.
    pub cl_ord_id: &'a [u8],
    /// OrderID (37): the venue's number for the request, not 0.
    pub order_number: u64,
    /// MassCancelRequestType (530) as asked.
    pub asked: u8,
    /// It was done.
    pub accepted: bool,
    /// Orders cancelled (533).
    pub affected: u64,
    /// Symbol (55) of the request; empty leaves it out.
    pub symbol: &'a [u8],
}

/// Writes an OrderMassCancelReport (35=r). Returns the length. Errors: `FixFieldInvalid`.
pub fn mass_cancel_report(out: &mut [u8], header: &Header<'_>, answer: &MassCancelAnswer<'_>) -> Result<usize, Code> {
    let mut writer = Writer::open_as(out, b"r", header, None)?;
    writer.text_field(b"11=", answer.cl_ord_id)?;
    writer.integer(b"37=", answer.order_number);
    writer.letter(b"530=", answer.asked);
    if answer.accepted {
        writer.letter(b"531=", answer.asked);
    } else {
        // Cancel request rejected: this kind is not supported.
        writer.put(b"531=0\x01532=0\x01");
    }
    writer.integer(b"533=", answer.affected);
    if !answer.symbol.is_empty() {
        writer.text_field(b"55=", answer.symbol)?;
    }
    writer.moment(b"60=", header.time);
    writer.close()
}

/// A position stated.
#[derive(Clone, Copy, Debug)]
pub struct PositionAnswer<'a> {
    /// PosMaintRptID (721), the venue's number of this report.
    pub number: u64,
    /// PosReqID (710).
    pub request: &'a [u8],
    /// Account (1).
    pub account: &'a [u8],
    /// Symbol (55) and grid.
    pub instrument: &'a Instrument,
    /// Signed position.
    pub position: Lots,
    /// SettlPrice (730): the last price known, or 0.
    pub price: Ticks,
}

/// Writes a PositionReport (35=AP). Returns the length. Errors: `FixFieldInvalid`.
pub fn position_report(out: &mut [u8], header: &Header<'_>, answer: &PositionAnswer<'_>) -> Result<usize, Code> {
    let instrument = answer.instrument;
    let mut writer = Writer::open_as(out, b"AP", header, None)?;
    writer.integer(b"721=", answer.number);
    writer.text_field(b"710=", answer.request)?;
    writer.put(b"728=0\x01");
    writer.day(b"715=");
    writer.text_field(b"1=", answer.account)?;
    writer.put(b"581=1\x01");
    writer.text_field(b"55=", instrument.symbol_bytes())?;
    writer.steps(b"730=", answer.price.0, &instrument.price, instrument.price_decimals);
    writer.put(b"731=1\x01");
    writer.steps(b"734=", answer.price.0, &instrument.price, instrument.price_decimals);
    writer.put(b"702=1\x01703=TQ\x01");
    let lots = (&instrument.quantity, instrument.quantity_decimals);
    let (long, short) = (answer.position.0.max(0), answer.position.0.min(0).saturating_neg());
    writer.steps(b"704=", long, lots.0, lots.1);
    writer.steps(b"705=", short, lots.0, lots.1);
    writer.close()
}

/// A message that cannot be acted on.
#[derive(Clone, Copy, Debug)]
pub struct BusinessReject<'a> {
    /// RefSeqNum (45).
    pub sequence: u64,
    /// RefMsgType (372).
    pub msg_type: &'a [u8],
    /// BusinessRejectRefID (379); empty leaves it out.
    pub id: &'a [u8],
    /// BusinessRejectReason (380): 0 other, 1 unknown id, 2 unknown security, 3 unsupported type, 5 a field is missing.
    pub reason: u64,
}

/// Writes a BusinessMessageReject (35=j). Returns the length. Errors: `FixFieldInvalid`.
pub fn business_reject(out: &mut [u8], header: &Header<'_>, reject: &BusinessReject<'_>) -> Result<usize, Code> {
    let mut writer = Writer::open_as(out, b"j", header, None)?;
    writer.integer(b"45=", reject.sequence);
    writer.text_field(b"372=", reject.msg_type)?;
    if !reject.id.is_empty() {
        writer.text_field(b"379=", reject.id)?;
    }
    writer.integer(b"380=", reject.reason);
    writer.close()
}
