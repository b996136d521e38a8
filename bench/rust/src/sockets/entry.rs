//! # Room card: bench/sockets/entry
//! In:    bytes of one FIX 4.4 client.
//! Out:   what a venue without a market answers: every order rests, every replace and cancel is done.
//! Holds: answers leave when they are asked for, so that the clock is read before them.
//! Costs: a few hundred nanoseconds a request.
use std::io::Write;
use std::net::TcpStream;

use types::{
    Code, Instrument, InstrumentId, Lots, Nanos, OrderEvent, OrderEventKind, OrderId, OrderState, Ticks, UnixNanos,
    VenueId,
};
use wire::fix::report::{self, Facts, MassCancelAnswer, PositionAnswer};
use wire::fix::request::{
    self, MassCancelRequest, OrderRequest, OrderRequestKind, PositionsRequest, Request, StatusRequest,
};
use wire::fix::{FIX_OUT_BYTES_MAX, Inbox, Listing, Message, NoStore, Role, Session, SessionSetup, Verdict};

use super::peer::{BID_TICKS, CLIENT, VENUE};
use crate::timing::wall;

struct Resting {
    cl_ord_id: Vec<u8>,
    number: u64,
    price: Ticks,
    quantity: Lots,
}

/// Order entry of one client.
pub struct Entry {
    /// Its socket.
    pub stream: TcpStream,
    session: Session,
    inbox: Inbox,
    orders: Vec<Resting>,
    /// Reports not sent yet.
    out: Vec<u8>,
    /// Orders, replaces and cancels so far.
    pub requests: usize,
    number: u64,
    /// The session is open.
    pub logged_on: bool,
}

impl Entry {
    /// Waits for a logon.
    pub fn new(stream: TcpStream) -> Result<Entry, String> {
        let setup = SessionSetup::new(Role::Acceptor, VENUE.as_bytes(), CLIENT.as_bytes(), Nanos(10_000_000_000));
        let mut entry = Entry {
            stream,
            session: Session::new(setup).map_err(|code| format!("no session: {code:?}"))?,
            inbox: Inbox::new(),
            orders: Vec::new(),
            out: Vec::with_capacity(4_096),
            requests: 0,
            number: 0,
            logged_on: false,
        };
        entry.session.connected(wall(), &mut NoStore, &mut entry.out);
        Ok(entry)
    }

    /// Sends what the last requests are answered with.
    pub fn answer(&mut self) {
        if !self.out.is_empty() {
            // A peer that went away is seen by the next read.
            let _ = (&self.stream).write_all(&self.out);
            self.out.clear();
        }
    }

    /// Orders that rest.
    pub fn resting(&self) -> usize {
        self.orders.len()
    }

    /// Heartbeats.
    pub fn on_time(&mut self) {
        let _ = self.session.on_time(wall(), &mut NoStore, &mut self.out);
        self.answer();
    }

    /// Bytes of the client: the session's part is done, requests are answered into `out`.
    pub fn take(&mut self, bytes: &[u8], instruments: &[Instrument]) -> Result<(), String> {
        let mut inbox = core::mem::take(&mut self.inbox);
        let mut rest = bytes;
        let taken = loop {
            match inbox.next(rest) {
                Err(code) => break Err(format!("order entry: {code:?}")),
                Ok(step) => {
                    rest = &rest[step.consumed..];
                    match step.message {
                        None if step.consumed == 0 || rest.is_empty() => break Ok(()),
                        None => {}
                        Some(message) => match self.message(message, instruments) {
                            Ok(()) => {}
                            Err(error) => break Err(error),
                        },
                    }
                }
            }
        };
        self.inbox = inbox;
        taken
    }

    fn message(&mut self, bytes: &[u8], instruments: &[Instrument]) -> Result<(), String> {
        let message = Message::parse(bytes).map_err(|code| format!("order entry: {code:?}"))?;
        let time = wall();
        match self.session.on_message(&message, time, &mut NoStore, &mut self.out) {
            Verdict::LoggedOn => self.logged_on = true,
            Verdict::Deliver => {
                let listing = Listing { instruments, venue: VenueId(0) };
                let request = request::decode(&message, &listing).map_err(|fault| format!("a request: {fault:?}"))?;
                self.request(&request, instruments, time)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn request(&mut self, request: &Request<'_>, instruments: &[Instrument], time: UnixNanos) -> Result<(), String> {
        let mut message = [0; FIX_OUT_BYTES_MAX];
        self.number += 1;
        let number = self.number;
        let length = match request {
            Request::Order(order) => return self.order(order, instruments, time),
            Request::MassCancel(MassCancelRequest { cl_ord_id, asked, symbol, .. }) => {
                let affected = self.orders.len() as u64;
                self.orders.clear();
                let answer = MassCancelAnswer {
                    cl_ord_id,
                    order_number: number,
                    asked: *asked,
                    accepted: true,
                    affected,
                    symbol,
                };
                report::mass_cancel_report(&mut message, &self.session.header(time), &answer)
            }
            Request::Positions(PositionsRequest { request, account, .. }) => {
                let instrument = &instruments[0];
                let (position, price) = (Lots(0), Ticks(BID_TICKS));
                let answer = PositionAnswer { number, request, account, instrument, position, price };
                report::position_report(&mut message, &self.session.header(time), &answer)
            }
            Request::Status(status) => self.status(&mut message, status, instruments, time),
        };
        self.send(&message, length, time)
    }

    fn order(&mut self, order: &OrderRequest<'_>, instruments: &[Instrument], time: UnixNanos) -> Result<(), String> {
        self.requests += 1;
        if let Some(fault) = order.fault {
            return Err(format!("{fault:?}: {order:?}"));
        }
        let known = self.orders.iter().position(|known| known.cl_ord_id == order.orig_cl_ord_id);
        let (price, quantity) = (order.price, order.quantity);
        let (kind, order_number) = match (order.kind, known) {
            (OrderRequestKind::New, _) => {
                let (cl_ord_id, number) = (order.cl_ord_id.to_vec(), self.number);
                self.orders.push(Resting { cl_ord_id, number, price, quantity });
                (OrderEventKind::Accepted, number)
            }
            (OrderRequestKind::Replace, Some(at)) => {
                let resting = &mut self.orders[at];
                resting.cl_ord_id.clear();
                resting.cl_ord_id.extend_from_slice(order.cl_ord_id);
                (resting.price, resting.quantity) = (price, quantity);
                (OrderEventKind::Replaced, resting.number)
            }
            (OrderRequestKind::Cancel, Some(at)) => (OrderEventKind::Cancelled, self.orders.swap_remove(at).number),
            // A cancel that crossed the answer to a replace: at the end of a block.
            (OrderRequestKind::Cancel, None) => (OrderEventKind::CancelRejected, 0),
            (OrderRequestKind::Replace, None) => return Err(format!("an order nobody knows: {order:?}")),
        };
        let mut event = OrderEvent::new(kind, InstrumentId(0), order.side, OrderId::new(1, 1));
        (event.price, event.quantity, event.time) = (price, quantity, time);
        if kind == OrderEventKind::CancelRejected {
            event.reason = Code::VenueUnknownOrder as u16;
        }
        let ids = (order.cl_ord_id, order.orig_cl_ord_id);
        let mut message = [0; FIX_OUT_BYTES_MAX];
        let length = self.report(&mut message, &event, ids, order_number, &instruments[0]);
        self.send(&message, length, time)
    }

    fn status(
        &mut self,
        message: &mut [u8],
        asked: &StatusRequest<'_>,
        instruments: &[Instrument],
        time: UnixNanos,
    ) -> Result<usize, Code> {
        let known = self.orders.iter().find(|known| known.cl_ord_id == asked.cl_ord_id);
        let mut event = OrderEvent::new(OrderEventKind::Status, InstrumentId(0), asked.side, OrderId::new(1, 1));
        event.time = time;
        let number = known.map_or(0, |known| known.number);
        match known {
            Some(known) => {
                event.state = OrderState::Live as u8;
                (event.price, event.quantity) = (known.price, known.quantity);
            }
            None => (event.state, event.reason) = (OrderState::Rejected as u8, Code::VenueUnknownOrder as u16),
        }
        self.report(message, &event, (asked.cl_ord_id, b""), number, &instruments[0])
    }

    fn report(
        &self,
        message: &mut [u8],
        event: &OrderEvent,
        (cl_ord_id, orig_cl_ord_id): (&[u8], &[u8]),
        order_number: u64,
        instrument: &Instrument,
    ) -> Result<usize, Code> {
        let facts = Facts {
            order_number,
            exec_number: self.number,
            cl_ord_id,
            orig_cl_ord_id,
            symbol: instrument.symbol_bytes(),
            instrument: Some(instrument),
            traded: 0,
        };
        report::encode(message, &self.session.header(event.time), event, &facts)
    }

    fn send(&mut self, message: &[u8], length: Result<usize, Code>, time: UnixNanos) -> Result<(), String> {
        let length = length.map_err(|code| format!("a report: {code:?}"))?;
        self.session.take_sequence(time);
        self.out.extend_from_slice(&message[..length]);
        Ok(())
    }
}
