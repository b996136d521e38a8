//! An engine, its time, and the laws that hold after every turn.
#![allow(dead_code)] // Each test file uses its own part.
use std::collections::BTreeSet;

use fafnir_engine::Engine;
use types::config::EngineConfig;
use types::event::flag;
use types::{
    Code, Command, CommandKind, ConnId, ConnState, Control, EffectRef, Effects, Event, EventKind, Input, InputKind,
    InstrumentId, Lots, OrderEvent, OrderEventKind, Side, Ticks, TimerId, UnixNanos, VenueId,
};
use zerocopy::{FromBytes, IntoBytes};

pub const ABC: InstrumentId = InstrumentId(0);
pub const MARKET: ConnId = ConnId::market(VenueId(0));
pub const ORDERS: ConnId = ConnId::orders(VenueId(0));
pub const SNAPSHOT: ConnId = ConnId::snapshot(ABC);
pub const MILLI: u64 = 1_000_000;
pub const START: u64 = 1_700_000_000_000_000_000;

/// One instrument of a venue with this feed; `more` are further members of the configuration.
pub fn config(feed: &str, more: &str) -> String {
    format!(
        r#"{{ "venues": [{{ "name": "V", "feed": "{feed}" }}], "volatility": {{ "window": 3 }},
        "orders": {{ "maxOrders": 64 }}, "breaker": {{ "failures": 2, "windowMillis": 10000, "recoveryMillis": 3000 }},
        "instruments": [{{ "symbol": "ABC", "venue": "V", "tickSize": "0.1", "lotSize": "0.001",
                           "risk": {{ "referenceMaxAgeMillis": 60000 }} }}]{more} }}"#
    )
}

pub const QUOTER: &str = r#"{ "instrument": "ABC", "riskAversionPerMoney": 0.1, "intensityDecayPerPrice": 2.0,
    "orderQuantity": "0.010", "maxInventory": "0.025" }"#;

pub fn quoted() -> String {
    config("binanceUsdm", &format!(r#", "quoters": [{QUOTER}]"#))
}

/// What one turn did.
#[derive(Default, Debug)]
pub struct Turn {
    pub sends: Vec<String>,
    pub events: Vec<Event>,
    pub orders: Vec<OrderEvent>,
    pub timers: Vec<(TimerId, UnixNanos)>,
}

impl Turn {
    /// Order events as (kind, client id).
    pub fn kinds(&self) -> Vec<OrderEventKind> {
        self.orders.iter().map(|event| event.kind().unwrap()).collect()
    }
    pub fn faults(&self) -> Vec<Code> {
        let faults = self.events.iter().filter(|event| event.kind() == Some(EventKind::Fault));
        faults.map(|event| Code::from_u16(event.code).unwrap()).collect()
    }
    pub fn has(&self, kind: EventKind) -> bool {
        self.events.iter().any(|event| event.kind() == Some(kind))
    }
    /// The codes of all refusals.
    pub fn refusals(&self) -> Vec<Code> {
        let refused = self.orders.iter().filter(|event| event.kind() == Some(OrderEventKind::Refused));
        refused.map(|event| Code::from_u16(event.reason).unwrap()).collect()
    }
    /// The FIX message types sent.
    pub fn types(&self) -> String {
        self.sends.iter().map(|message| field(message, "35").to_string()).collect()
    }
    pub fn timer(&self, id: TimerId) -> Option<UnixNanos> {
        self.timers.iter().find(|timer| timer.0 == id).map(|timer| timer.1)
    }
}

/// Value of a FIX tag.
pub fn field<'a>(message: &'a str, tag: &str) -> &'a str {
    let prefix = format!("{tag}=");
    message.split('\x01').find_map(|field| field.strip_prefix(&prefix)).unwrap_or("")
}

pub struct Rig {
    pub engine: Engine,
    pub effects: Effects,
    pub now: u64,
    turn: u64,
    sequence: u64,
    next_fix: Vec<u64>,
    cl_ord_ids: BTreeSet<String>,
    killed: bool,
    filled: Vec<i64>,
}

impl Rig {
    pub fn new(config: &str) -> Rig {
        let (_, setup) = EngineConfig::from_json(config).unwrap_or_else(|fault| panic!("{fault}"));
        let (venues, instruments) = (setup.venues.len(), setup.instruments.len());
        Rig {
            engine: Engine::new(setup),
            effects: Effects::new(),
            now: START,
            turn: 0,
            sequence: 0,
            next_fix: vec![1; venues],
            cl_ord_ids: BTreeSet::new(),
            killed: false,
            filled: vec![0; instruments],
        }
    }
    /// With both connections of the only venue up.
    pub fn up(config: &str) -> Rig {
        let mut rig = Rig::new(config);
        rig.conn(MARKET, ConnState::Up);
        rig.conn(ORDERS, ConnState::Up);
        rig
    }

    /// One turn, a millisecond after the one before.
    pub fn input(&mut self, kind: InputKind<'_>) -> Turn {
        self.now += MILLI;
        self.turn += 1;
        self.killed |= matches!(kind, InputKind::Control(_));
        self.engine.turn(&Input { turn: self.turn, now: UnixNanos(self.now), kind }, &mut self.effects);
        let mut turn = Turn::default();
        for effect in &self.effects {
            match effect {
                EffectRef::Send { conn, bytes } => {
                    let message = String::from_utf8(bytes.to_vec()).unwrap();
                    let venue = (conn.0 / 2) as usize;
                    assert_eq!(conn, ConnId::orders(VenueId(venue as u8)), "orders leave on order connections only");
                    assert_eq!(field(&message, "34"), self.next_fix[venue].to_string(), "FIX sequence numbers");
                    self.next_fix[venue] += 1;
                    assert!(self.cl_ord_ids.insert(field(&message, "11").to_string()), "a ClOrdID twice: {message}");
                    assert!(!self.killed || field(&message, "35") == "F", "sent after the stop: {message}");
                    turn.sends.push(message);
                }
                EffectRef::Event(event) => {
                    self.sequence += 1;
                    assert_eq!((event.sequence, event.time), (self.sequence, UnixNanos(self.now)));
                    turn.events.push(*event);
                }
                EffectRef::Order(event) => {
                    self.sequence += 1;
                    assert_eq!((event.sequence, event.time), (self.sequence, UnixNanos(self.now)));
                    if event.kind() == Some(OrderEventKind::Fill) {
                        self.filled[event.instrument().index()] += event.last_lots.0 * event.side().unwrap().sign();
                    }
                    if event.reason == Code::PositionAdopted as u16 {
                        self.filled[event.instrument().index()] += event.last_lots.0 - event.filled.0;
                    }
                    turn.orders.push(*event);
                }
                EffectRef::Timer { id, at } => turn.timers.push((id, at)),
            }
        }
        self.laws(&turn);
        turn
    }

    /// What holds after every turn.
    fn laws(&self, turn: &Turn) {
        let requests = turn.orders.iter().filter(|event| event.kind().unwrap().is_request()).count();
        assert_eq!(turn.sends.len(), requests, "every message has its event and every request its message");
        // A packet's records stand before the decision; each instrument's last one of them is marked.
        let packet = turn.events.iter().filter(|event| {
            !matches!(event.kind(), Some(EventKind::Quote)) && event.code != Code::QuoterInvalid as u16
        });
        let mut packet = packet.peekable();
        while let Some(event) = packet.next() {
            let ends = packet.peek().is_none_or(|next| next.instrument != event.instrument);
            assert_eq!(event.flags & flag::LAST != 0, ends, "{event:?}");
        }
        for (i, &filled) in self.filled.iter().enumerate() {
            let id = InstrumentId(i as u16);
            assert_eq!(self.engine.orders().position(id).lots.0, filled, "every fill is published once");
            for side in Side::BOTH {
                let orders = self.engine.orders();
                let of_side = orders.open_orders().filter(|order| order.instrument == id && order.side == side);
                let open: i128 = of_side.map(|order| order.open_lots().0 as i128).sum();
                assert_eq!(orders.open_lots(id, side).0 as i128, open);
            }
        }
    }

    pub fn conn(&mut self, conn: ConnId, state: ConnState) -> Turn {
        self.input(InputKind::Conn { conn, state })
    }
    pub fn bytes(&mut self, conn: ConnId, text: &str) -> Turn {
        self.input(InputKind::Bytes { conn, bytes: text.as_bytes() })
    }
    pub fn control(&mut self, control: Control) -> Turn {
        self.input(InputKind::Control(control))
    }
    pub fn timer(&mut self, id: TimerId) -> Turn {
        self.input(InputKind::Timer { id })
    }
    pub fn report(&mut self, report: &OrderEvent) -> Turn {
        self.input(InputKind::Report(report))
    }
    /// The venue's plain answer to a request.
    pub fn answer(&mut self, request: &OrderEvent, kind: OrderEventKind) -> Turn {
        self.report(&answer(request, kind))
    }
    pub fn fill(&mut self, order: &OrderEvent, lots: i64) -> Turn {
        let mut report = answer(order, OrderEventKind::Fill);
        (report.last_price, report.last_lots) = (order.price, Lots(lots));
        self.report(&report)
    }
    pub fn command(&mut self, kind: CommandKind, fill: impl FnOnce(&mut Command)) -> Turn {
        self.text_command(kind, "", fill)
    }
    pub fn text_command(&mut self, kind: CommandKind, text: &str, fill: impl FnOnce(&mut Command)) -> Turn {
        let mut command = Command::read_from_bytes(&[0; 64]).unwrap();
        command.kind = kind as u8;
        fill(&mut command);
        let bytes = [command.as_bytes(), text.as_bytes()].concat();
        self.raw(&bytes)
    }
    pub fn raw(&mut self, bytes: &[u8]) -> Turn {
        self.input(InputKind::Command { producer: 0, cause_seq: 0, bytes })
    }
    pub fn place(&mut self, client_id: u64, side: Side, price: i64, lots: i64) -> Turn {
        self.command(CommandKind::Place, |command| {
            (command.side, command.client_id, command.price, command.quantity) = (side as u8, client_id, price, lots);
        })
    }
    pub fn cancel(&mut self, client_id: u64) -> Turn {
        self.command(CommandKind::Cancel, |command| command.client_id = client_id)
    }
    pub fn replace(&mut self, client_id: u64, price: i64, lots: i64) -> Turn {
        self.command(CommandKind::Replace, |command| {
            (command.client_id, command.price, command.quantity) = (client_id, price, lots);
        })
    }
    /// A best bid and offer in ticks, from bytes.
    pub fn touch(&mut self, update_id: u64, bid: i64, ask: i64) -> Turn {
        self.bytes(MARKET, &touch(update_id, bid, ask))
    }
    /// A pushed touch, both sides; what the second did.
    pub fn push(&mut self, id: u64, bid: (i64, i64), ask: (i64, i64)) -> Turn {
        self.input(InputKind::Market(&side_event(id, Side::Buy, bid, 0)));
        self.input(InputKind::Market(&side_event(id, Side::Sell, ask, flag::LAST)))
    }
    /// σ full and the book valid around 100.0 / 100.2, venue as it is. Returns the turn of the join.
    pub fn ready(&mut self) -> Turn {
        for (i, bid) in [1_000, 1_001, 1_000].into_iter().enumerate() {
            self.touch(10 + i as u64, bid, bid + 2);
        }
        self.bytes(MARKET, &depth(15, 20, 14));
        self.bytes(SNAPSHOT, &snapshot(20))
    }
}

pub fn side_event(id: u64, side: Side, (price, lots): (i64, i64), flags: u8) -> Event {
    let mut event = Event::new(EventKind::Touch, ABC);
    (event.id, event.side, event.price, event.quantity, event.flags) =
        (id, side as u8, Ticks(price), Lots(lots), flags);
    event
}

pub fn answer(request: &OrderEvent, kind: OrderEventKind) -> OrderEvent {
    let mut report = OrderEvent::new(kind, request.instrument(), request.side().unwrap(), request.order_id());
    report.request = request.request;
    report
}

fn decimal(ticks: i64) -> String {
    format!("{}.{}", ticks / 10, ticks % 10)
}

pub fn touch(update_id: u64, bid: i64, ask: i64) -> String {
    let (bid, ask) = (decimal(bid), decimal(ask));
    format!(
        r#"{{"e":"bookTicker","u":{update_id},"s":"ABC","b":"{bid}","B":"1.000","a":"{ask}","A":"1.000","T":1,"E":1}}"#
    )
}

const LEVELS: &str = r#""b":[["100.0","2.000"]],"a":[["100.2","2.000"]]"#;

pub fn depth(first: u64, last: u64, previous: u64) -> String {
    format!(r#"{{"e":"depthUpdate","E":1,"T":1,"s":"ABC","U":{first},"u":{last},"pu":{previous},{LEVELS}}}"#)
}

pub fn snapshot(last: u64) -> String {
    format!(r#"{{"lastUpdateId":{last},"E":1,"T":1,"bids":[["100.0","1.000"]],"asks":[["100.2","1.000"]]}}"#)
}
