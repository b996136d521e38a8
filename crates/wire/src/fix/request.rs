//! # Room card: wire/fix/request
//! In:    NewOrderSingle (D), OrderCancelRequest (F), OrderCancelReplaceRequest (G), OrderMassCancelRequest (q),
//!        OrderStatusRequest (H), RequestForPositions (AN) of any client; or our own q, H and AN as values.
//! Out:   `Request` in ticks and lots with the client's own ids; FIX messages (`mass_cancel`, `order_status`,
//!        `positions`).
//! Holds: a request that is a message but asks for what cannot be done comes out with its `fault`, so that it is
//!        answered like any refused order; one that is no proper message is a `RequestFault`.
//! Costs: one pass over the fields, no allocation.
use types::{Code, Instrument, InstrumentId, Lots, OrderId, Side, Ticks, UnixNanos, flag};

use super::listing::Listing;
use super::message::Message;
use super::session::RejectReason;
use super::value;
use super::write::Writer;
use super::{COMP_ID_BYTES_MAX, Header};

/// Bytes of a client's id (ClOrdID, PosReqID, Account, Symbol).
pub const CLIENT_ID_BYTES_MAX: usize = COMP_ID_BYTES_MAX;

/// What a client asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request<'a> {
    /// D, F or G.
    Order(OrderRequest<'a>),
    /// q.
    MassCancel(MassCancelRequest<'a>),
    /// H.
    Status(StatusRequest<'a>),
    /// AN.
    Positions(PositionsRequest<'a>),
}

/// Which of the three.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OrderRequestKind {
    /// NewOrderSingle.
    New,
    /// OrderCancelRequest.
    Cancel,
    /// OrderCancelReplaceRequest.
    Replace,
}

/// D, F or G.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OrderRequest<'a> {
    /// Which.
    pub kind: OrderRequestKind,
    /// ClOrdID (11), one to `CLIENT_ID_BYTES_MAX` printable characters.
    pub cl_ord_id: &'a [u8],
    /// OrigClOrdID (41); empty in a NewOrderSingle.
    pub orig_cl_ord_id: &'a [u8],
    /// Symbol (55).
    pub symbol: &'a [u8],
    /// The instrument, if it is listed.
    pub instrument: Option<InstrumentId>,
    /// Side (54).
    pub side: Side,
    /// Price (44); 0 in a cancel.
    pub price: Ticks,
    /// OrderQty (38); 0 in a cancel that states none.
    pub quantity: Lots,
    /// POST_ONLY, REDUCE_ONLY, IOC of `types::flag`.
    pub flags: u8,
    /// TransactTime (60).
    pub time: UnixNanos,
    /// Refuse it with this: `UnknownSymbol`, `VenueInvalid` (price or quantity missing or off the grid),
    /// `VenueUnsupported` (no limit order, another time in force or ExecInst).
    pub fault: Option<Code>,
}

/// q.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MassCancelRequest<'a> {
    /// ClOrdID (11).
    pub cl_ord_id: &'a [u8],
    /// MassCancelRequestType (530) as it stands.
    pub asked: u8,
    /// Symbol (55); empty when there is none.
    pub symbol: &'a [u8],
    /// Which orders.
    pub scope: MassCancelScope,
}

/// Which orders a mass cancel is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MassCancelScope {
    /// All of the client (530=7).
    All,
    /// Those of one instrument (530=1).
    One(InstrumentId),
    /// Something this venue does not do, or a symbol it does not list.
    Unsupported,
}

/// H.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StatusRequest<'a> {
    /// ClOrdID (11) of the order.
    pub cl_ord_id: &'a [u8],
    /// Symbol (55).
    pub symbol: &'a [u8],
    /// The instrument, if it is listed.
    pub instrument: Option<InstrumentId>,
    /// Side (54).
    pub side: Side,
}

/// AN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PositionsRequest<'a> {
    /// PosReqID (710).
    pub request: &'a [u8],
    /// Account (1).
    pub account: &'a [u8],
    /// Symbol (55); empty asks for all.
    pub symbol: &'a [u8],
    /// The instrument, if one is named and listed.
    pub instrument: Option<InstrumentId>,
}

/// Why a message is no request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RequestFault {
    /// Answer with `Session::reject`.
    Session {
        /// SessionRejectReason (373).
        reason: RejectReason,
        /// RefTagID (371).
        tag: u32,
    },
    /// Answer with `report::business_reject`: BusinessRejectReason (380).
    Business {
        /// The number.
        reason: u64,
    },
}

const fn missing(tag: u32) -> RequestFault {
    RequestFault::Session { reason: RejectReason::TagMissing, tag }
}

const fn wrong(tag: u32) -> RequestFault {
    RequestFault::Session { reason: RejectReason::ValueIncorrect, tag }
}

/// Fields of a request as they stand; empty where one is missing.
#[derive(Clone, Copy, Default)]
struct Raw<'a> {
    cl_ord_id: &'a [u8],
    orig_cl_ord_id: &'a [u8],
    symbol: &'a [u8],
    side: &'a [u8],
    quantity: &'a [u8],
    price: &'a [u8],
    kind: &'a [u8],
    in_force: &'a [u8],
    instructions: &'a [u8],
    time: &'a [u8],
    mass: &'a [u8],
    positions: &'a [u8],
    positions_kind: &'a [u8],
    account: &'a [u8],
}

/// Reads a client's request. `listing` is this venue's.
pub fn decode<'a>(message: &Message<'a>, listing: &Listing<'_>) -> Result<Request<'a>, RequestFault> {
    let raw = raw(message)?;
    match message.msg_type() {
        b"D" => order(&raw, OrderRequestKind::New, listing).map(Request::Order),
        b"F" => order(&raw, OrderRequestKind::Cancel, listing).map(Request::Order),
        b"G" => order(&raw, OrderRequestKind::Replace, listing).map(Request::Order),
        b"q" => mass_cancel_request(&raw, listing).map(Request::MassCancel),
        b"H" => {
            let cl_ord_id = id(raw.cl_ord_id, 11)?;
            let symbol = id(raw.symbol, 55)?;
            let instrument = listing.find(symbol).map(|instrument| instrument.id);
            Ok(Request::Status(StatusRequest { cl_ord_id, symbol, instrument, side: side(raw.side)? }))
        }
        b"AN" => positions_request(&raw, listing).map(Request::Positions),
        _ => Err(RequestFault::Business { reason: 3 }),
    }
}

fn raw<'a>(message: &Message<'a>) -> Result<Raw<'a>, RequestFault> {
    let mut raw = Raw::default();
    for field in message.fields() {
        let slot = match field.tag {
            11 => &mut raw.cl_ord_id,
            41 => &mut raw.orig_cl_ord_id,
            55 => &mut raw.symbol,
            54 => &mut raw.side,
            38 => &mut raw.quantity,
            44 => &mut raw.price,
            40 => &mut raw.kind,
            59 => &mut raw.in_force,
            18 => &mut raw.instructions,
            60 => &mut raw.time,
            530 => &mut raw.mass,
            710 => &mut raw.positions,
            724 => &mut raw.positions_kind,
            1 => &mut raw.account,
            0 => return Err(RequestFault::Session { reason: RejectReason::InvalidTag, tag: 0 }),
            _ => continue,
        };
        if slot.is_empty() {
            *slot = field.value;
        }
    }
    Ok(raw)
}

/// Text a client gave that will be written back.
fn id(text: &[u8], tag: u32) -> Result<&[u8], RequestFault> {
    if text.is_empty() {
        return Err(missing(tag));
    }
    let printable = text.len() <= CLIENT_ID_BYTES_MAX && text.iter().all(|byte| (0x20..0x7f).contains(byte));
    if printable { Ok(text) } else { Err(wrong(tag)) }
}

fn side(text: &[u8]) -> Result<Side, RequestFault> {
    match text {
        b"1" => Ok(Side::Buy),
        b"2" => Ok(Side::Sell),
        b"" => Err(missing(54)),
        _ => Err(wrong(54)),
    }
}

fn moment(text: &[u8]) -> Result<UnixNanos, RequestFault> {
    if text.is_empty() {
        return Err(missing(60));
    }
    value::moment(text).ok_or(RequestFault::Session { reason: RejectReason::FormatIncorrect, tag: 60 })
}

fn order<'a>(raw: &Raw<'a>, kind: OrderRequestKind, listing: &Listing<'_>) -> Result<OrderRequest<'a>, RequestFault> {
    let is_new = kind == OrderRequestKind::New;
    let symbol = id(raw.symbol, 55)?;
    let listed = listing.find(symbol);
    let mut request = OrderRequest {
        kind,
        cl_ord_id: id(raw.cl_ord_id, 11)?,
        orig_cl_ord_id: if is_new { &[] } else { id(raw.orig_cl_ord_id, 41)? },
        symbol,
        instrument: listed.map(|instrument| instrument.id),
        side: side(raw.side)?,
        price: Ticks(0),
        quantity: Lots(0),
        flags: 0,
        time: moment(raw.time)?,
        fault: None,
    };
    if kind != OrderRequestKind::Cancel {
        for (text, tag) in [(raw.quantity, 38), (raw.kind, 40)] {
            if text.is_empty() {
                return Err(missing(tag));
            }
        }
    }
    request.fault = terms(&mut request, raw, listed).err();
    Ok(request)
}

/// Fills in price, quantity and flags.
fn terms(request: &mut OrderRequest<'_>, raw: &Raw<'_>, listed: Option<&Instrument>) -> Result<(), Code> {
    let instrument = listed.ok_or(Code::UnknownSymbol)?;
    if request.kind == OrderRequestKind::Cancel {
        // The order is known by its id; the quantity it states changes nothing.
        request.quantity = Lots(value::steps(raw.quantity, &instrument.quantity).unwrap_or(0));
        return Ok(());
    }
    // A day order rests like one good till cancel: the session of this venue has no end.
    request.flags = match raw.in_force {
        b"" | b"0" | b"1" => 0,
        b"3" => flag::IOC,
        _ => return Err(Code::VenueUnsupported),
    };
    if raw.kind != b"2" {
        return Err(Code::VenueUnsupported);
    }
    for instruction in raw.instructions.split(|&byte| byte == b' ') {
        request.flags |= match instruction {
            b"6" => flag::POST_ONLY,
            b"E" => flag::REDUCE_ONLY,
            b"" => 0,
            _ => return Err(Code::VenueUnsupported),
        };
    }
    request.quantity = Lots(value::steps(raw.quantity, &instrument.quantity).ok_or(Code::VenueInvalid)?);
    request.price = Ticks(value::steps(raw.price, &instrument.price).ok_or(Code::VenueInvalid)?);
    Ok(())
}

fn mass_cancel_request<'a>(raw: &Raw<'a>, listing: &Listing<'_>) -> Result<MassCancelRequest<'a>, RequestFault> {
    let cl_ord_id = id(raw.cl_ord_id, 11)?;
    let &[asked] = id(raw.mass, 530)? else { return Err(wrong(530)) };
    moment(raw.time)?;
    let symbol = if raw.symbol.is_empty() { raw.symbol } else { id(raw.symbol, 55)? };
    let scope = match asked {
        b'7' => MassCancelScope::All,
        b'1' => {
            listing.find(symbol).map_or(MassCancelScope::Unsupported, |instrument| MassCancelScope::One(instrument.id))
        }
        _ => MassCancelScope::Unsupported,
    };
    Ok(MassCancelRequest { cl_ord_id, asked, symbol, scope })
}

fn positions_request<'a>(raw: &Raw<'a>, listing: &Listing<'_>) -> Result<PositionsRequest<'a>, RequestFault> {
    let request = id(raw.positions, 710)?;
    let account = id(raw.account, 1)?;
    moment(raw.time)?;
    match raw.positions_kind {
        b"" => return Err(missing(724)),
        b"0" => {}
        _ => return Err(RequestFault::Business { reason: 0 }),
    }
    let symbol = if raw.symbol.is_empty() { raw.symbol } else { id(raw.symbol, 55)? };
    let instrument = listing.find(symbol).map(|instrument| instrument.id);
    if !symbol.is_empty() && instrument.is_none() {
        return Err(RequestFault::Business { reason: 2 });
    }
    Ok(PositionsRequest { request, account, symbol, instrument })
}

/// Writes an OrderMassCancelRequest (35=q): all our orders (530=7), or those of one instrument (530=1).
///
/// Returns the length; `FIX_MESSAGE_BYTES_MAX` bytes are enough for this and the two below. Errors: `FixFieldInvalid`.
pub fn mass_cancel(
    out: &mut [u8],
    header: &Header<'_>,
    cl_ord_id: OrderId,
    instrument: Option<&Instrument>,
) -> Result<usize, Code> {
    let mut writer = Writer::open_as(out, b"q", header, None)?;
    writer.order_id(b"11=", cl_ord_id)?;
    match instrument {
        None => writer.put(b"530=7\x01"),
        Some(instrument) => {
            writer.put(b"530=1\x01");
            writer.text_field(b"55=", instrument.symbol_bytes())?;
        }
    }
    writer.moment(b"60=", header.time);
    writer.close()
}

/// Writes an OrderStatusRequest (35=H) about the order with this ClOrdID. Returns the length. Errors:
/// `FixFieldInvalid`.
pub fn order_status(
    out: &mut [u8],
    header: &Header<'_>,
    cl_ord_id: OrderId,
    instrument: &Instrument,
    side: Side,
) -> Result<usize, Code> {
    let mut writer = Writer::open_as(out, b"H", header, None)?;
    writer.order_id(b"11=", cl_ord_id)?;
    writer.text_field(b"55=", instrument.symbol_bytes())?;
    writer.letter(b"54=", if side == Side::Buy { b'1' } else { b'2' });
    writer.close()
}

/// Writes a RequestForPositions (35=AN) for one instrument; Account (1) is our CompID, AccountType (581) 1, the
/// business date that of the header's time. Returns the length. Errors: `FixFieldInvalid`.
pub fn positions(
    out: &mut [u8],
    header: &Header<'_>,
    request: OrderId,
    instrument: &Instrument,
) -> Result<usize, Code> {
    let mut writer = Writer::open_as(out, b"AN", header, None)?;
    writer.order_id(b"710=", request)?;
    writer.put(b"724=0\x01");
    writer.text_field(b"1=", header.sender)?;
    writer.put(b"581=1\x01");
    writer.text_field(b"55=", instrument.symbol_bytes())?;
    writer.day(b"715=");
    writer.moment(b"60=", header.time);
    writer.close()
}
