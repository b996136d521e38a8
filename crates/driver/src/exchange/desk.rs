//! # Room card: driver/exchange/desk
//! In:    requests of a session in order; what the venue rooms report.
//! Out:   orders for the rooms; FIX reports, by session numbers that are taken once.
//! Holds: every request gets an answer; every report is applied, noted and numbered in the order in which it was made.
//! Costs: a lookup by the client's id, one by the order's number for each report.
use std::sync::Arc;

use types::{Code, InstrumentId, Lots, OrderEvent, OrderEventKind, OrderId, OrderState, Side, Ticks};
use wire::fix::report::{self, BusinessReject, Facts, MassCancelAnswer, PositionAnswer};
use wire::fix::request::{
    self, MassCancelRequest, MassCancelScope, OrderRequest, OrderRequestKind, PositionsRequest, Request, RequestFault,
    StatusRequest,
};
use wire::fix::{FIX_OUT_BYTES_MAX, Header, Listing, Message};

use super::acceptor::{Acceptor, At};
use super::ledger::{Asked, LedgerLine, ReportLine, Reported, RequestLine};
use super::market::Rooms;
use super::seat::Line;

/// The request being served: what its answers name.
#[derive(Clone, Copy)]
struct Serving<'a> {
    number: u32,
    id: &'a [u8],
    original: &'a [u8],
}

fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

fn some_text(bytes: &[u8]) -> Option<std::borrow::Cow<'_, str>> {
    (!bytes.is_empty()).then(|| text(bytes))
}

const fn asked_as(kind: OrderRequestKind) -> (Asked, OrderEventKind, OrderEventKind) {
    match kind {
        OrderRequestKind::New => (Asked::New, OrderEventKind::New, OrderEventKind::Rejected),
        OrderRequestKind::Cancel => (Asked::Cancel, OrderEventKind::Cancel, OrderEventKind::CancelRejected),
        OrderRequestKind::Replace => (Asked::Replace, OrderEventKind::Replace, OrderEventKind::ReplaceRejected),
    }
}

/// The ledger's word for a report; `None` for what is none.
const fn reported_as(kind: OrderEventKind) -> Option<Reported> {
    Some(match kind {
        OrderEventKind::Accepted => Reported::Accepted,
        OrderEventKind::Rejected => Reported::Rejected,
        OrderEventKind::Fill => Reported::Fill,
        OrderEventKind::Cancelled => Reported::Cancelled,
        OrderEventKind::Replaced => Reported::Replaced,
        OrderEventKind::CancelRejected => Reported::CancelRejected,
        OrderEventKind::ReplaceRejected => Reported::ReplaceRejected,
        OrderEventKind::Expired => Reported::Expired,
        _ => return None,
    })
}

impl Acceptor {
    /// Serves an application message.
    pub(super) fn on_request(&mut self, seat: usize, message: &Message<'_>, at: At, rooms: &mut dyn Rooms) {
        let instruments = self.instruments.clone();
        let listing = Listing { instruments: &instruments, venue: self.venue };
        let decoded = request::decode(message, &listing);
        match decoded {
            Ok(Request::Order(order)) => self.on_order(seat, &order, at, rooms),
            Ok(Request::MassCancel(request)) => self.on_mass_cancel(seat, &request, at, rooms),
            Ok(Request::Status(request)) => self.on_status(seat, &request, at),
            Ok(Request::Positions(request)) => self.on_positions(seat, &request, at, rooms),
            Err(refusal) => self.refuse(seat, message, refusal, at),
        }
    }

    /// A message that is no request. What is itself a refusal is not answered, or two sides could go on for ever.
    fn refuse(&mut self, seat: usize, message: &Message<'_>, refusal: RequestFault, at: At) {
        self.asked.refused += 1;
        if matches!(message.msg_type(), b"3" | b"j") {
            return;
        }
        match refusal {
            RequestFault::Session { reason, tag } => {
                let muted = self.muted;
                let own = &mut self.seats[seat];
                let conn = self.conns.iter_mut().find(|conn| Some(conn.key) == own.conn);
                let mut line = Line { out: conn.map(|conn| &mut conn.out).filter(|_| !muted) };
                own.session.reject(message, reason, tag, at.market, &mut own.kept, &mut line);
            }
            RequestFault::Business { reason } => {
                let reject =
                    BusinessReject { sequence: message.sequence(), msg_type: message.msg_type(), id: &[], reason };
                self.answer(seat, at, |out, header| report::business_reject(out, header, &reject));
            }
        }
    }

    /// Writes a message with the session's next number and puts it on its connection. It is not kept: asked for again,
    /// it would be out of date. Returns its number and bytes.
    fn answer(
        &mut self,
        seat: usize,
        at: At,
        write: impl FnOnce(&mut [u8], &Header<'_>) -> Result<usize, Code>,
    ) -> Option<(u64, usize, [u8; FIX_OUT_BYTES_MAX])> {
        let own = &mut self.seats[seat];
        let mut bytes = [0; FIX_OUT_BYTES_MAX];
        // Ids and symbols were checked when they came in, so it can be written.
        let length = write(&mut bytes, &own.session.header(at.market)).ok()?;
        let sequence = own.session.take_sequence(at.market);
        // Before the logon nothing else may be sent: it is asked for again after it.
        let open = own.session.is_open() && !self.muted;
        let conn = self.conns.iter_mut().find(|conn| open && Some(conn.key) == own.conn);
        if let Some(conn) = conn {
            conn.out.extend_from_slice(&bytes[..length]);
        }
        Some((sequence, length, bytes))
    }

    fn note_request(&mut self, seat: usize, at: At, line: RequestLine<'_>) {
        if self.ledger.is_some() {
            let own = &self.seats[seat];
            let (session, next_in) = (own.number, own.session.next_in());
            self.note(&LedgerLine::Request(RequestLine { wall: at.wall, time: at.market, session, next_in, ..line }));
        }
    }

    fn on_order(&mut self, seat: usize, order: &OrderRequest<'_>, at: At, rooms: &mut dyn Rooms) {
        let (asked, kind, rejected) = asked_as(order.kind);
        match order.kind {
            OrderRequestKind::New => self.asked.new += 1,
            OrderRequestKind::Cancel => self.asked.cancel += 1,
            OrderRequestKind::Replace => self.asked.replace += 1,
        }
        self.request_number = self.request_number.wrapping_add(1);
        let mut request =
            OrderEvent::new(kind, order.instrument.unwrap_or(InstrumentId(u16::MAX)), order.side, OrderId(0));
        (request.price, request.quantity, request.flags) = (order.price, order.quantity, order.flags);
        (request.request, request.decision_time) = (self.request_number, order.time);
        let target = self.target(seat, order);
        request.order_id = match (&target, order.kind) {
            (Ok(None), OrderRequestKind::New) => self.seats[seat].next_order(),
            (Ok(Some(slot)), _) => self.orders.get(*slot).map_or(0, |known| known.order_id),
            _ => 0,
        };
        self.note_request(
            seat,
            at,
            RequestLine {
                original: some_text(order.orig_cl_ord_id),
                order: request.order_id,
                symbol: some_text(order.symbol),
                side: order.side as u8,
                price: order.price.0,
                lots: order.quantity.0,
                flags: order.flags,
                ..RequestLine::of(asked, text(order.cl_ord_id))
            },
        );
        let serving = Serving { number: request.request, id: order.cl_ord_id, original: order.orig_cl_ord_id };
        let code = match target {
            Ok(slot) => {
                match slot {
                    Some(slot) => self.orders.name(seat, order.cl_ord_id, slot),
                    None => {
                        self.orders.add(seat, order.cl_ord_id, &request, order.side);
                    }
                }
                return self.ask_rooms(&request, Some(serving), at, rooms);
            }
            Err(code) => code,
        };
        let known = self.orders.find(seat, order.orig_cl_ord_id).filter(|_| code != Code::VenueUnknownOrder);
        let event = OrderEvent { kind: rejected as u8, reason: code as u16, time: at.market, ..request };
        self.report_unlisted(seat, &event, known, order.symbol, serving, at);
    }

    /// What an order request is about: a new order (`None`), a known open one, or why it is refused.
    fn target(&self, seat: usize, order: &OrderRequest<'_>) -> Result<Option<u32>, Code> {
        if let Some(code) = order.fault {
            return Err(code);
        }
        if self.orders.find(seat, order.cl_ord_id).is_some() {
            return Err(Code::VenueDuplicate);
        }
        if order.kind == OrderRequestKind::New {
            return Ok(None);
        }
        let slot = self.orders.find(seat, order.orig_cl_ord_id).ok_or(Code::VenueUnknownOrder)?;
        let known = self.orders.get(slot).filter(|known| known.state.is_open()).ok_or(Code::VenueUnknownOrder)?;
        let same = Some(known.instrument) == order.instrument && known.side == order.side;
        if same { Ok(Some(slot)) } else { Err(Code::VenueInvalid) }
    }

    /// Gives a request to its venue room and books what comes of it.
    fn ask_rooms(&mut self, request: &OrderEvent, serving: Option<Serving<'_>>, at: At, rooms: &mut dyn Rooms) {
        let mut reports = core::mem::take(&mut self.scratch);
        rooms.on_request(at.market, request, &mut reports);
        for event in reports.drain(..) {
            self.book(&event, serving, at);
        }
        self.scratch = reports;
    }

    /// Books what the market did to orders.
    pub(crate) fn book_all(&mut self, reports: &mut Vec<OrderEvent>, at: At) {
        for event in reports.drain(..) {
            self.book(&event, None, at);
        }
    }

    /// Books one report about an order in the table.
    fn book(&mut self, event: &OrderEvent, serving: Option<Serving<'_>>, at: At) {
        let Some(slot) = self.orders.find_open(event.order_id) else { return };
        let answers = serving.filter(|serving| serving.number == event.request);
        let accepted = event.kind == OrderEventKind::Replaced as u8;
        self.orders.apply(slot, event, answers.filter(|_| accepted).map(|serving| serving.id));
        let Some(order) = self.orders.get(slot) else { return };
        let (seat, instrument, turnover) = (order.seat, order.instrument, order.turnover);
        let own_id: Arc<[u8]> = order.id.clone();
        // A fill names the terms in force, also when the request that is being served caused it.
        let named = answers.filter(|_| event.kind != OrderEventKind::Fill as u8);
        let (id, original) = named.map_or((&own_id[..], &[][..]), |serving| (serving.id, serving.original));
        let symbol = self.instruments[instrument.index()].symbol().as_bytes().to_vec();
        let facts = Facts {
            order_number: event.order_id,
            exec_number: 0,
            cl_ord_id: id,
            orig_cl_ord_id: original,
            symbol: &symbol,
            instrument: None,
            traded: turnover,
        };
        self.report(seat, event, Some(instrument), facts, at);
    }

    /// Reports the refusal of a request that never reached a room.
    fn report_unlisted(
        &mut self,
        seat: usize,
        event: &OrderEvent,
        known: Option<u32>,
        symbol: &[u8],
        serving: Serving<'_>,
        at: At,
    ) {
        let mut event = *event;
        let known = known.and_then(|slot| self.orders.get(slot));
        if let Some(order) = known {
            (event.quantity, event.filled) = (order.quantity, order.filled);
        }
        let listed = self.instruments.get(event.instrument as usize).map(|instrument| instrument.id);
        let facts = Facts {
            order_number: known.map_or(0, |order| order.order_id),
            exec_number: 0,
            cl_ord_id: serving.id,
            orig_cl_ord_id: serving.original,
            symbol,
            instrument: None,
            traded: known.map_or(0, |order| order.turnover),
        };
        self.report(seat, &event, listed, facts, at);
    }

    /// Numbers, notes, keeps and sends a report.
    fn report(&mut self, seat: usize, event: &OrderEvent, listed: Option<InstrumentId>, facts: Facts<'_>, at: At) {
        self.reports += 1;
        let is_fill = event.kind == OrderEventKind::Fill as u8;
        self.fills += is_fill as u64;
        let dropped = is_fill && self.faults.drop_fill == Some(self.fills);
        let exec_number = self.reports;
        let instruments = self.instruments.clone();
        let instrument = listed.and_then(|id| instruments.get(id.index()));
        let facts = Facts { exec_number, instrument, ..facts };
        let sent = if dropped {
            None
        } else {
            self.answer(seat, at, |out, header| report::encode(out, header, event, &facts))
        };
        let (sequence, fix): (u64, &[u8]) = match &sent {
            Some((sequence, length, bytes)) => (*sequence, &bytes[..*length]),
            None => (0, &[]),
        };
        if sequence > 0 {
            self.seats[seat].kept.keep(sequence, fix);
        }
        self.note_report(seat, event, &facts, (sequence, fix), at);
        self.muted |= self.faults.mute_after.is_some_and(|after| self.reports >= after);
    }

    fn note_report(&mut self, seat: usize, event: &OrderEvent, facts: &Facts<'_>, sent: (u64, &[u8]), at: At) {
        let Some(reported) = event.kind().and_then(reported_as) else { return };
        if self.ledger.is_none() {
            return;
        }
        let line = ReportLine {
            wall: at.wall,
            time: event.time,
            session: self.seats[seat].number,
            sequence: sent.0,
            reported,
            id: text(facts.cl_ord_id),
            original: some_text(facts.orig_cl_ord_id),
            order: facts.order_number,
            symbol: some_text(facts.symbol),
            side: event.side,
            price: event.price.0,
            lots: event.quantity.0,
            filled: event.filled.0,
            last_price: event.last_price.0,
            last_lots: event.last_lots.0,
            fee: event.fee,
            taker: event.flags & types::flag::TAKER != 0,
            reason: Code::from_u16(event.reason).map(|code| code.name().into()),
            fix: text(sent.1),
        };
        self.note(&LedgerLine::Report(line));
    }

    /// Cancels the open orders of a session; returns how many.
    pub(super) fn cancel_all(
        &mut self,
        seat: usize,
        instrument: Option<InstrumentId>,
        at: At,
        rooms: &mut dyn Rooms,
    ) -> u64 {
        let mut found = core::mem::take(&mut self.found);
        self.orders.open_of(seat, instrument, &mut found);
        let mut cancelled = 0;
        for &(order_id, slot) in &found {
            // One cancel may end others: reduce-only ones with nothing left to reduce.
            let Some(order) = self.orders.get(slot).filter(|order| order.order_id == order_id) else { continue };
            if !order.state.is_open() {
                continue;
            }
            let mut request =
                OrderEvent::new(OrderEventKind::Cancel, order.instrument, order.side, OrderId(order.order_id));
            (request.price, request.quantity) = (order.price, order.quantity);
            self.request_number = self.request_number.wrapping_add(1);
            request.request = self.request_number;
            self.ask_rooms(&request, None, at, rooms);
            cancelled += 1;
        }
        self.found = found;
        cancelled
    }

    /// A line about a request that is not an order's.
    fn note_other(&mut self, seat: usize, asked: Asked, id: &[u8], symbol: &[u8], order: u64, at: At) {
        let line = RequestLine { order, symbol: some_text(symbol), ..RequestLine::of(asked, text(id)) };
        self.note_request(seat, at, line);
    }

    fn on_mass_cancel(&mut self, seat: usize, request: &MassCancelRequest<'_>, at: At, rooms: &mut dyn Rooms) {
        self.asked.mass_cancel += 1;
        self.note_other(seat, Asked::MassCancel, request.cl_ord_id, request.symbol, 0, at);
        let affected = match request.scope {
            MassCancelScope::All => Some(self.cancel_all(seat, None, at, rooms)),
            MassCancelScope::One(instrument) => Some(self.cancel_all(seat, Some(instrument), at, rooms)),
            MassCancelScope::Unsupported => None,
        };
        self.answers += 1;
        let answer = MassCancelAnswer {
            cl_ord_id: request.cl_ord_id,
            order_number: self.answers,
            asked: request.asked,
            accepted: affected.is_some(),
            affected: affected.unwrap_or(0),
            symbol: request.symbol,
        };
        self.answer(seat, at, |out, header| report::mass_cancel_report(out, header, &answer));
    }

    fn on_status(&mut self, seat: usize, request: &StatusRequest<'_>, at: At) {
        self.asked.status += 1;
        let slot = self.orders.find(seat, request.cl_ord_id);
        let order = slot.and_then(|slot| self.orders.get(slot)).cloned();
        let order_id = order.as_ref().map_or(0, |order| order.order_id);
        self.note_other(seat, Asked::Status, request.cl_ord_id, request.symbol, order_id, at);
        let instrument = order.as_ref().map(|order| order.instrument).or(request.instrument);
        let mut event = OrderEvent::new(OrderEventKind::Status, InstrumentId(0), request.side, OrderId(order_id));
        event.time = at.market;
        match &order {
            Some(order) => {
                (event.price, event.quantity, event.filled) = (order.price, order.quantity, order.filled);
                (event.side, event.flags) = (order.side as u8, order.flags);
                // A request in flight is answered within its turn, so an order is never seen pending.
                event.state = order.state as u8;
            }
            None => {
                event.state = OrderState::Rejected as u8;
                event.reason = Code::VenueUnknownOrder as u16;
            }
        }
        self.answers += 1;
        let instruments = self.instruments.clone();
        let facts = Facts {
            order_number: order_id,
            exec_number: 0,
            cl_ord_id: request.cl_ord_id,
            orig_cl_ord_id: &[],
            symbol: request.symbol,
            instrument: instrument.and_then(|id| instruments.get(id.index())),
            traded: order.as_ref().map_or(0, |order| order.turnover),
        };
        self.answer(seat, at, |out, header| report::encode(out, header, &event, &facts));
    }

    fn on_positions(&mut self, seat: usize, request: &PositionsRequest<'_>, at: At, rooms: &mut dyn Rooms) {
        self.asked.positions += 1;
        self.note_other(seat, Asked::Positions, request.request, request.symbol, 0, at);
        let number = self.seats[seat].number;
        let instruments = self.instruments.clone();
        let venue = self.venue;
        let wanted = |id: InstrumentId| request.instrument.is_none_or(|asked| asked == id);
        for instrument in instruments.iter().filter(|known| known.venue == venue && wanted(known.id)) {
            self.answers += 1;
            let answer = PositionAnswer {
                number: self.answers,
                request: request.request,
                account: request.account,
                instrument,
                position: rooms.account(instrument.id, number).map_or(Lots::ZERO, |ledger| ledger.position()),
                price: Ticks(0),
            };
            self.answer(seat, at, |out, header| report::position_report(out, header, &answer));
        }
    }
}

/// The side of a ledger's number.
pub(super) const fn side_of(byte: u8) -> Option<Side> {
    Side::from_u8(byte)
}
