//! A naive venue: an acceptor session, a list of orders, a position. It answers every request at once; fills, refusals
//! and lost reports are asked for from outside.
use types::{
    Code, Instrument, InstrumentId, Lots, Nanos, OrderEvent, OrderEventKind, OrderId, OrderState, Side, Ticks,
    UnixNanos, VenueId,
};
use wire::fix::report::{self, Facts, MassCancelAnswer, PositionAnswer};
use wire::fix::request::{self, OrderRequest, OrderRequestKind, Request};
use wire::fix::{FIX_OUT_BYTES_MAX, Inbox, Listing, Message, NoStore, Role, Session, SessionSetup, Store, Verdict};

pub struct VenueOrder {
    /// Every ClOrdID it was known by; the last is in force.
    pub ids: Vec<String>,
    pub side: Side,
    pub price: i64,
    pub quantity: i64,
    pub filled: i64,
    traded: i128,
    pub state: OrderState,
}

#[derive(Default)]
struct Kept(Vec<(u64, Vec<u8>)>);

impl Store for Kept {
    fn next(&mut self, from: u64) -> Option<(u64, &[u8])> {
        self.0.iter().find(|kept| kept.0 >= from).map(|kept| (kept.0, &kept.1[..]))
    }
}

pub struct Venue {
    pub orders: Vec<VenueOrder>,
    pub position: i64,
    /// Bytes on their way to the engine.
    pub out: Vec<u8>,
    pub connected: bool,
    /// Refuses mass cancels.
    pub no_mass_cancel: bool,
    /// The next report is not sent and takes no number.
    pub lose_next: bool,
    /// Refuse the next new order.
    pub refuse_next: bool,
    /// ClOrdIDs of new orders received.
    pub received: usize,
    pub logged_out: bool,
    instruments: Vec<Instrument>,
    session: Session,
    inbox: Inbox,
    kept: Kept,
    reports: u64,
}

impl Venue {
    pub fn new(instrument: &Instrument) -> Venue {
        let setup = SessionSetup::new(Role::Acceptor, b"V", b"FAFNIR", Nanos(10_000_000_000));
        Venue {
            orders: Vec::new(),
            position: 0,
            out: Vec::new(),
            connected: false,
            no_mass_cancel: false,
            lose_next: false,
            refuse_next: false,
            received: 0,
            logged_out: false,
            instruments: vec![instrument.clone()],
            session: Session::new(setup).unwrap(),
            inbox: Inbox::new(),
            kept: Kept::default(),
            reports: 0,
        }
    }

    pub fn connect(&mut self, now: UnixNanos) {
        self.connected = true;
        self.inbox.clear();
        self.session.connected(now, &mut NoStore, &mut self.out);
    }
    /// What is on its way is lost.
    pub fn disconnect(&mut self) {
        self.connected = false;
        self.out.clear();
        self.session.disconnected(UnixNanos(1), &mut NoStore);
    }
    /// Forgets its numbers, as after a restart without state.
    pub fn forget_numbers(&mut self) {
        self.session.restore(1, 1);
        self.kept.0.clear();
    }
    pub fn is_open(&self, order: usize) -> bool {
        self.orders[order].state.is_open()
    }

    pub fn on_bytes(&mut self, bytes: &[u8], now: UnixNanos) {
        let (mut rest, mut inbox) = (bytes, core::mem::take(&mut self.inbox));
        while self.connected {
            let step = inbox.next(rest).expect("the engine's messages are short");
            rest = &rest[step.consumed..];
            match step.message {
                Some(message) => self.on_message(&Message::parse(message).unwrap(), now),
                None if rest.is_empty() || step.consumed == 0 => break,
                None => {}
            }
        }
        self.inbox = inbox;
    }
    pub fn on_time(&mut self, now: UnixNanos) {
        if let Verdict::Ended(_) = self.session.on_time(now, &mut NoStore, &mut self.out) {
            self.disconnect();
        }
    }

    fn on_message(&mut self, message: &Message<'_>, now: UnixNanos) {
        match self.session.on_message(message, now, &mut self.kept, &mut self.out) {
            Verdict::Handled | Verdict::Restarted => {}
            Verdict::LoggedOn => {
                let next = self.session.next_out();
                self.kept.0.retain(|kept| kept.0 < next);
                if message.is_yes(141) {
                    self.kept.0.clear();
                }
            }
            Verdict::LoggedOut => self.logged_out = true,
            Verdict::Ended(_) => self.connected = false,
            Verdict::Deliver => {
                let instruments = std::mem::take(&mut self.instruments);
                let listing = Listing { instruments: &instruments, venue: VenueId(0) };
                let request = request::decode(message, &listing);
                self.instruments = instruments.clone();
                match request {
                    Ok(Request::Order(request)) => self.on_order(&request, now),
                    Ok(Request::MassCancel(request)) => self.on_mass_cancel(request.cl_ord_id, now),
                    Ok(Request::Status(request)) => self.on_status(request.cl_ord_id, request.side, now),
                    Ok(Request::Positions(request)) => {
                        let answer = PositionAnswer {
                            number: 1,
                            request: request.request,
                            account: request.account,
                            instrument: &instruments[0],
                            position: Lots(self.position),
                            price: Ticks(1_000),
                        };
                        self.send(now, |out, header| report::position_report(out, header, &answer));
                    }
                    Err(refusal) => panic!("the engine's message is refused: {refusal:?}"),
                }
            }
        }
    }

    /// Sends a report, or keeps it for when the session is back, or loses it.
    fn send(&mut self, now: UnixNanos, write: impl FnOnce(&mut [u8], &wire::fix::Header<'_>) -> Result<usize, Code>) {
        let mut bytes = [0; FIX_OUT_BYTES_MAX];
        let length = write(&mut bytes, &self.session.header(now)).unwrap();
        let number = self.session.take_sequence(now);
        self.kept.0.push((number, bytes[..length].to_vec()));
        if self.connected && self.session.is_open() {
            self.out.extend_from_slice(&bytes[..length]);
        }
    }

    fn find(&self, id: &[u8]) -> Option<usize> {
        self.orders.iter().position(|order| order.ids.iter().any(|known| known.as_bytes() == id))
    }

    /// A report about an order; `ids` are ClOrdID and OrigClOrdID if it answers a request.
    fn tell(
        &mut self,
        order: Option<usize>,
        kind: OrderEventKind,
        side: Side,
        ids: (&[u8], &[u8]),
        now: UnixNanos,
        more: impl FnOnce(&mut OrderEvent),
    ) {
        // An answer that never comes ends the session: time alone finds that, not the next thousand steps.
        if kind != OrderEventKind::Status && std::mem::take(&mut self.lose_next) {
            return;
        }
        let mut event = OrderEvent::new(kind, InstrumentId(0), side, OrderId::NONE);
        let (mut traded, mut id) = (0, ids.0.to_vec());
        event.time = now;
        if let Some(order) = order.map(|at| &self.orders[at]) {
            (event.price, event.quantity, event.filled) =
                (Ticks(order.price), Lots(order.quantity), Lots(order.filled));
            (event.state, traded) = (order.state as u8, order.traded);
            if id.is_empty() {
                id = order.ids.last().unwrap().clone().into_bytes();
            }
        }
        more(&mut event);
        self.reports += 1;
        let instrument = self.instruments[0].clone();
        let facts = Facts {
            order_number: order.map_or(0, |at| at as u64 + 1),
            exec_number: self.reports,
            cl_ord_id: &id,
            orig_cl_ord_id: ids.1,
            symbol: b"ABC",
            instrument: Some(&instrument),
            traded,
        };
        self.send(now, |out, header| report::encode(out, header, &event, &facts));
    }

    fn on_order(&mut self, request: &OrderRequest<'_>, now: UnixNanos) {
        assert_eq!(request.fault, None, "the gate lets nothing malformed pass");
        let id = String::from_utf8(request.cl_ord_id.to_vec()).unwrap();
        let (ids, side) = ((request.cl_ord_id, request.orig_cl_ord_id), request.side);
        if request.kind == OrderRequestKind::New {
            assert!(self.find(request.cl_ord_id).is_none(), "an order sent twice: {id}");
            self.received += 1;
            let refused = std::mem::take(&mut self.refuse_next);
            self.orders.push(VenueOrder {
                ids: vec![id],
                side,
                price: request.price.0,
                quantity: request.quantity.0,
                filled: 0,
                traded: 0,
                state: if refused { OrderState::Rejected } else { OrderState::Live },
            });
            let kind = if refused { OrderEventKind::Rejected } else { OrderEventKind::Accepted };
            return self.tell(Some(self.orders.len() - 1), kind, side, (b"", b""), now, |event| {
                event.reason = if refused { Code::VenuePostOnly as u16 } else { 0 };
            });
        }
        let cancels = request.kind == OrderRequestKind::Cancel;
        let order = self.find(request.orig_cl_ord_id);
        let open = order.filter(|&at| self.orders[at].state.is_open());
        let possible = open.filter(|&at| cancels || request.quantity.0 > self.orders[at].filled);
        match possible {
            None => {
                let kind = if cancels { OrderEventKind::CancelRejected } else { OrderEventKind::ReplaceRejected };
                let code = if open.is_some() { Code::VenueInvalid } else { Code::VenueUnknownOrder };
                self.tell(order, kind, side, ids, now, |event| event.reason = code as u16);
            }
            Some(at) if cancels => {
                self.orders[at].state = OrderState::Cancelled;
                self.tell(Some(at), OrderEventKind::Cancelled, side, ids, now, |_| ());
            }
            Some(at) => {
                let order = &mut self.orders[at];
                (order.price, order.quantity) = (request.price.0, request.quantity.0);
                order.ids.push(id);
                self.tell(Some(at), OrderEventKind::Replaced, side, ids, now, |_| ());
            }
        }
    }

    /// Cancels what is open, by the venue's own will.
    pub fn cancel_open(&mut self, now: UnixNanos) {
        for at in 0..self.orders.len() {
            if self.is_open(at) {
                self.orders[at].state = OrderState::Cancelled;
                self.tell(Some(at), OrderEventKind::Cancelled, self.orders[at].side, (b"", b""), now, |_| ());
            }
        }
    }

    fn on_mass_cancel(&mut self, id: &[u8], now: UnixNanos) {
        let accepted = !self.no_mass_cancel;
        if accepted {
            self.cancel_open(now);
        }
        let answer =
            MassCancelAnswer { cl_ord_id: id, order_number: 1, asked: b'7', accepted, affected: 0, symbol: b"" };
        self.send(now, |out, header| report::mass_cancel_report(out, header, &answer));
    }

    fn on_status(&mut self, id: &[u8], side: Side, now: UnixNanos) {
        match self.find(id) {
            Some(at) => self.tell(Some(at), OrderEventKind::Status, side, (b"", b""), now, |_| ()),
            None => self.tell(None, OrderEventKind::Status, side, (id, b""), now, |event| {
                (event.state, event.reason) = (OrderState::Rejected as u8, Code::VenueUnknownOrder as u16);
            }),
        }
    }

    /// Fills some of an open order.
    pub fn fill(&mut self, at: usize, lots: i64, now: UnixNanos) {
        let order = &mut self.orders[at];
        let lots = lots.min(order.quantity - order.filled);
        order.filled += lots;
        order.traded += lots as i128 * order.price as i128;
        let whole = order.filled == order.quantity;
        order.state = if whole { OrderState::Filled } else { OrderState::PartiallyFilled };
        let (side, price) = (order.side, order.price);
        self.position += side.sign() * lots;
        self.tell(Some(at), OrderEventKind::Fill, side, (b"", b""), now, |event| {
            (event.last_price, event.last_lots) = (Ticks(price), Lots(lots));
        });
    }
}
