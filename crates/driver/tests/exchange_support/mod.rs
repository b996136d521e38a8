//! An exchange on a generated recording, and a FIX client, both under virtual time.
#![allow(dead_code)] // Each test file uses its own part.
use std::path::PathBuf;

use fafnir_driver::exchange::Exchange;
use types::config::{ExchangeConfig, Setup};
use types::{Instrument, InstrumentId, Lots, Nanos, OrderEvent, OrderId, Side, Ticks, UnixNanos, VenueId};
use wire::fix::report::{self, Report};
use wire::fix::{
    CancelOrder, FIX_OUT_BYTES_MAX, Inbox, Listing, Message, NewOrder, NoStore, ReplaceOrder, Role, Session,
    SessionSetup, State, Verdict, request,
};
use wire::ws::{WsDecoder, WsMessage, WsRole};

/// Where the tests' wall clock begins.
pub const WALL: UnixNanos = UnixNanos(1_800_000_000_000_000_000);

/// A moment after the beginning.
pub fn wall(millis: u64) -> UnixNanos {
    WALL.plus(Nanos::from_millis(millis))
}

/// A fresh file below the target's temporary folder.
pub fn scratch(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()))
}

/// A generated recording as a file, and its text.
pub fn recording(name: &str, seed: u64, seconds: u64) -> (PathBuf, String) {
    let text = testkit::usdm::generate(seed, seconds).text;
    let path = scratch(name);
    std::fs::write(&path, &text).unwrap();
    (path, text)
}

/// The configuration of an exchange that plays a recording; `more` is put into the object.
pub fn config(path: &std::path::Path, more: &str) -> (ExchangeConfig, Setup) {
    ExchangeConfig::from_json(&format!(
        r#"{{ "name": "SIM", "feed": "binanceUsdm", {more}
              "instruments": [{{ "symbol": "FAFUSDT", "venue": "SIM", "tickSize": "0.1", "lotSize": "0.001",
                                 "priceDecimals": 2, "settlement": {{ "currency": "USDT" }},
                                 "makerFee": "0.0002", "takerFee": "0.0005" }}],
              "sources": [{{ "kind": "recording", "instrument": "FAFUSDT", "path": {path:?} }}] }}"#
    ))
    .unwrap_or_else(|fault| panic!("{fault}"))
}

pub struct Client {
    pub session: Session,
    pub key: u64,
    pub instrument: Instrument,
    pub out: Vec<u8>,
    inbox: Inbox,
    counter: u32,
    pub number: u32,
    /// Order events reported, in order.
    pub events: Vec<OrderEvent>,
    /// Positions stated.
    pub positions: Vec<i64>,
    /// Answers to mass cancels: accepted and affected.
    pub mass: Vec<(bool, u64)>,
    /// Messages delivered, by type.
    pub types: Vec<String>,
    pub closed: bool,
}

impl Client {
    pub fn new(key: u64, name: &str, number: u32, instrument: &Instrument) -> Client {
        let mut setup = SessionSetup::new(Role::Initiator, name.as_bytes(), b"SIM", Nanos(10_000_000_000));
        setup.cancel_on_disconnect = name.ends_with("COD");
        Client {
            session: Session::new(setup).unwrap(),
            key,
            instrument: instrument.clone(),
            out: Vec::new(),
            inbox: Inbox::new(),
            counter: 0,
            number,
            events: Vec::new(),
            positions: Vec::new(),
            mass: Vec::new(),
            types: Vec::new(),
            closed: false,
        }
    }

    /// Connects and logs on.
    pub fn log_on(&mut self, exchange: &mut Exchange, at: UnixNanos) {
        assert!(exchange.orders_connected(self.key, at));
        (self.closed, self.inbox) = (false, Inbox::new());
        self.session.connected(exchange.clock(at), &mut NoStore, &mut self.out);
        self.talk(exchange, at);
        assert_eq!(self.session.state(), State::Open);
    }

    pub fn drop_connection(&mut self, exchange: &mut Exchange, at: UnixNanos) {
        exchange.orders_disconnected(self.key, at);
        self.session.disconnected(UnixNanos(1), &mut NoStore);
        self.out.clear();
    }

    /// Sends what is to be sent and takes the answers until both sides are quiet.
    pub fn talk(&mut self, exchange: &mut Exchange, at: UnixNanos) {
        loop {
            let bytes = std::mem::take(&mut self.out);
            exchange.on_orders_bytes(self.key, &bytes, at);
            exchange.turn(at).unwrap();
            self.collect(exchange, at);
            if self.out.is_empty() {
                return;
            }
        }
    }

    /// Takes what the exchange has for this client.
    pub fn collect(&mut self, exchange: &mut Exchange, at: UnixNanos) {
        let mut bytes = Vec::new();
        let (key, closed) = (self.key, &mut self.closed);
        exchange.drain_orders(|to, sent, closes| {
            assert_eq!(to, key, "one client at a time in these tests");
            bytes.extend_from_slice(sent);
            *closed |= closes;
        });
        self.take(&bytes, exchange.clock(at));
    }

    pub fn take(&mut self, bytes: &[u8], now: UnixNanos) {
        let mut rest = bytes;
        loop {
            let mut inbox = std::mem::take(&mut self.inbox);
            let step = inbox.next(rest).unwrap();
            rest = &rest[step.consumed..];
            let Some(message) = step.message else {
                self.inbox = inbox;
                return;
            };
            let message = Message::parse(message).unwrap();
            if self.session.on_message(&message, now, &mut NoStore, &mut self.out) == Verdict::Deliver {
                self.deliver(&message);
            }
            self.inbox = inbox;
        }
    }

    fn deliver(&mut self, message: &Message<'_>) {
        self.types.push(String::from_utf8_lossy(message.msg_type()).into_owned());
        let instruments = [self.instrument.clone()];
        let listing = Listing { instruments: &instruments, venue: VenueId(0) };
        match report::decode(message, &listing).unwrap() {
            Report::Order(order) => self.events.push(order.event),
            Report::Position(position) => self.positions.push(position.event.last_lots.0),
            Report::MassCancel(answer) => self.mass.push((answer.accepted, answer.affected.unwrap_or(0))),
            Report::Refused(_) | Report::Ignored => {}
        }
    }

    fn id(&mut self) -> OrderId {
        self.counter += 1;
        OrderId::new(self.number, self.counter)
    }

    fn put(
        &mut self,
        now: UnixNanos,
        write: impl FnOnce(&mut [u8], &wire::fix::Header<'_>) -> Result<usize, types::Code>,
    ) {
        let mut bytes = [0; FIX_OUT_BYTES_MAX];
        let length = write(&mut bytes, &self.session.header(now)).unwrap();
        self.session.take_sequence(now);
        self.out.extend_from_slice(&bytes[..length]);
    }

    pub fn new_order(&mut self, now: UnixNanos, side: Side, price: i64, lots: i64, flags: u8) -> OrderId {
        let (id, instrument) = (self.id(), self.instrument.clone());
        let order =
            NewOrder { cl_ord_id: id, instrument: &instrument, side, price: Ticks(price), quantity: Lots(lots), flags };
        self.put(now, |out, header| wire::fix::new_order(out, header, &order));
        id
    }

    pub fn cancel(&mut self, now: UnixNanos, original: OrderId, side: Side) -> OrderId {
        let (id, instrument) = (self.id(), self.instrument.clone());
        let cancel =
            CancelOrder { cl_ord_id: id, orig_cl_ord_id: original, instrument: &instrument, side, quantity: Lots(1) };
        self.put(now, |out, header| wire::fix::cancel_order(out, header, &cancel));
        id
    }

    pub fn replace(&mut self, now: UnixNanos, original: OrderId, side: Side, price: i64, lots: i64) -> OrderId {
        let (id, instrument) = (self.id(), self.instrument.clone());
        let replace = ReplaceOrder {
            cl_ord_id: id,
            orig_cl_ord_id: original,
            instrument: &instrument,
            side,
            price: Ticks(price),
            quantity: Lots(lots),
            flags: 0,
        };
        self.put(now, |out, header| wire::fix::replace_order(out, header, &replace));
        id
    }

    pub fn mass_cancel(&mut self, now: UnixNanos, one: bool) {
        let (id, instrument) = (self.id(), self.instrument.clone());
        self.put(now, |out, header| request::mass_cancel(out, header, id, one.then_some(&instrument)));
    }
    pub fn status(&mut self, now: UnixNanos, of: OrderId, side: Side) {
        let instrument = self.instrument.clone();
        self.put(now, |out, header| request::order_status(out, header, of, &instrument, side));
    }
    pub fn ask_positions(&mut self, now: UnixNanos) {
        let (id, instrument) = (self.id(), self.instrument.clone());
        self.put(now, |out, header| request::positions(out, header, id, &instrument));
    }
    /// ids of the last event: order counter, kind.
    pub fn last(&self) -> &OrderEvent {
        self.events.last().expect("no report")
    }
}

/// A market-data client: what the frames say.
#[derive(Default)]
pub struct Reader {
    pub messages: Vec<Vec<u8>>,
    pub pings: Vec<String>,
}

impl Reader {
    pub fn take(&mut self, frames: &[u8]) {
        let mut decoder = WsDecoder::new(WsRole::Client, 1 << 22);
        let mut rest = frames;
        while !rest.is_empty() {
            let step = decoder.next(rest).unwrap();
            rest = &rest[step.consumed..];
            match step.message.expect("whole frames") {
                WsMessage::Text(text) => self.messages.push(text.to_vec()),
                WsMessage::Ping(payload) => self.pings.push(String::from_utf8(payload.to_vec()).unwrap()),
                other => panic!("{other:?}"),
            }
        }
    }
    /// Takes the exchange's frames as sent.
    pub fn read(&mut self, exchange: &mut Exchange) {
        self.take(exchange.feed());
        exchange.feed_sent();
    }
}

/// Only the instrument there is.
pub const INSTRUMENT: InstrumentId = InstrumentId(0);
