//! An engine with a FIX session on its only venue, its time and its timers; messages written by hand.
#![allow(dead_code)] // Each test file uses its own part.
use std::collections::BTreeMap;

use crate::common::{ABC, ORDERS, START, Turn, config, side_event};
use fafnir_engine::Engine;
use types::config::EngineConfig;
use types::event::flag;
use types::{
    Code, Command, CommandKind, ConnState, Control, EffectRef, Effects, EventKind, Input, InputKind, OrderEvent,
    OrderEventKind, OrderState, Side, TimerId, UnixNanos, VenueId,
};
use zerocopy::{FromBytes, IntoBytes};

pub const VENUE: VenueId = VenueId(0);

/// The instrument of `common::config` on a pushed feed, orders over FIX.
pub fn fix_config() -> String {
    let link = r#""orders": { "kind": "fix", "address": "h:1" }, "feed""#;
    config("normalised", "").replace("\"feed\"", link).replace("\"failures\": 2", "\"failures\": 1000")
}

/// A framed message of the venue: fields between `|`, length and checksum reckoned here.
pub fn framed(fields: &str) -> Vec<u8> {
    let body: String = fields.split('|').flat_map(|field| [field, "\x01"]).collect();
    let text = format!("8=FIX.4.4\x019={}\x01{body}", body.len());
    let sum: u32 = text.bytes().map(u32::from).sum();
    format!("{text}10={:03}\x01", sum % 256).into_bytes()
}

/// What one turn did, in bytes too.
pub struct FixRig {
    pub engine: Engine,
    pub effects: Effects,
    pub now: u64,
    pub timers: BTreeMap<u64, u64>,
    /// The engine gave the connection up.
    pub hung_up: bool,
    /// Position by what is published.
    pub position: i64,
    /// Number of the venue's next message, for those written by hand.
    pub sequence: u64,
    turn: u64,
    published: u64,
}

impl FixRig {
    pub fn new(config: &str) -> FixRig {
        let (_, setup) = EngineConfig::from_json(config).unwrap_or_else(|fault| panic!("{fault}"));
        FixRig {
            engine: Engine::new(setup),
            effects: Effects::new(),
            now: START,
            timers: BTreeMap::new(),
            hung_up: false,
            position: 0,
            sequence: 1,
            turn: 0,
            published: 0,
        }
    }

    /// One turn at the time as it is.
    pub fn input(&mut self, kind: InputKind<'_>) -> Turn {
        self.turn += 1;
        self.engine.turn(&Input { turn: self.turn, now: UnixNanos(self.now), kind }, &mut self.effects);
        let mut turn = Turn::default();
        let hangs_up = !matches!(kind, InputKind::Conn { conn: ORDERS, .. });
        for effect in &self.effects {
            match effect {
                EffectRef::Send { conn, bytes } => {
                    assert_eq!(conn, ORDERS);
                    turn.sends.push(String::from_utf8(bytes.to_vec()).unwrap());
                }
                EffectRef::Event(event) => {
                    self.published += 1;
                    assert_eq!(event.sequence, self.published);
                    let ends = event.kind() == Some(EventKind::Conn) && event.detail == ConnState::Down as u8;
                    self.hung_up |= hangs_up && ends && event.id == ORDERS.0 as u64;
                    turn.events.push(*event);
                }
                EffectRef::Order(event) => {
                    self.published += 1;
                    assert_eq!(event.sequence, self.published);
                    if event.kind() == Some(OrderEventKind::Fill) {
                        self.position += event.last_lots.0 * event.side().unwrap().sign();
                    }
                    if event.reason == Code::PositionAdopted as u16 {
                        self.position += event.last_lots.0 - event.filled.0;
                    }
                    turn.orders.push(*event);
                }
                EffectRef::Timer { id, at } => {
                    self.timers.insert(id.0, at.0);
                    turn.timers.push((id, at));
                }
            }
        }
        let orders = self.engine.orders();
        assert_eq!(orders.position(ABC).lots.0, self.position, "every fill is published once");
        for side in Side::BOTH {
            let open: i64 = orders.open_orders().filter(|order| order.side == side).map(|o| o.open_lots().0).sum();
            assert_eq!(orders.open_lots(ABC, side).0, open);
        }
        turn
    }

    pub fn conn(&mut self, state: ConnState) -> Turn {
        if state == ConnState::Up {
            self.hung_up = false;
        }
        self.input(InputKind::Conn { conn: ORDERS, state })
    }
    pub fn bytes(&mut self, bytes: &[u8]) -> Turn {
        self.input(InputKind::Bytes { conn: ORDERS, bytes })
    }
    /// A message of the venue with the next number: its type, then the fields after the header.
    pub fn venue(&mut self, kind: &str, fields: &str) -> Turn {
        let bytes = self.message(kind, fields);
        self.bytes(&bytes)
    }
    pub fn message(&mut self, kind: &str, fields: &str) -> Vec<u8> {
        let header = format!("35={kind}|49=V|56=FAFNIR|34={}|52=20231114-22:13:20.000", self.sequence);
        self.sequence += 1;
        framed(&if fields.is_empty() { header } else { format!("{header}|{fields}") })
    }
    pub fn control(&mut self, control: Control) -> Turn {
        self.input(InputKind::Control(control))
    }
    /// The earliest timer fires, at its time.
    pub fn fire(&mut self) -> Turn {
        let (&id, &at) = self.timers.iter().min_by_key(|timer| timer.1).unwrap();
        self.timers.remove(&id);
        self.now = self.now.max(at);
        self.input(InputKind::Timer { id: TimerId(id) })
    }
    /// Timers fire until this moment.
    pub fn wait_until(&mut self, at: u64) -> Vec<Turn> {
        let mut turns = Vec::new();
        while self.timers.values().any(|&due| due <= at) {
            turns.push(self.fire());
        }
        self.now = self.now.max(at);
        turns
    }
    pub fn command(&mut self, kind: CommandKind, fill: impl FnOnce(&mut Command)) -> Turn {
        let mut command = Command::read_from_bytes(&[0; 64]).unwrap();
        command.kind = kind as u8;
        fill(&mut command);
        let bytes: [u8; 64] = command.as_bytes().try_into().unwrap();
        self.input(InputKind::Command { producer: 0, cause_seq: 0, bytes: &bytes })
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
    /// A touch of 100.0 / 100.2 from the pushed feed.
    pub fn touch(&mut self) {
        let id = self.now;
        self.input(InputKind::Market(&side_event(id, Side::Buy, (1_000, 5), 0)));
        self.input(InputKind::Market(&side_event(id, Side::Sell, (1_002, 5), flag::LAST)));
    }
    pub fn is_up(&self) -> bool {
        self.engine.is_venue_up(VENUE)
    }
    pub fn state(&self, order: &OrderEvent) -> OrderState {
        self.engine.orders().order(order.order_id()).unwrap().state
    }

    /// Connected, logged on, a position of `lots`, nothing open.
    pub fn agreed(lots: i64) -> FixRig {
        FixRig::agreed_with(&fix_config(), lots)
    }
    pub fn agreed_with(config: &str, lots: i64) -> FixRig {
        let mut rig = FixRig::new(config);
        rig.touch();
        rig.conn(ConnState::Up);
        rig.log_on();
        rig.venue("r", &format!("11={}|37=9|530=7|531=7", rig.engine_id(1)));
        rig.positions(lots);
        assert!(rig.is_up());
        rig
    }
    /// The venue's logon, which begins anew as ours does the first time.
    pub fn log_on(&mut self) -> Turn {
        self.venue("A", "98=0|108=10|141=Y")
    }
    pub fn engine_id(&self, counter: u32) -> String {
        format!("{}-{counter}", self.engine.orders().session())
    }
    /// The statement of a position.
    pub fn positions(&mut self, lots: i64) -> Turn {
        let (long, short) = (lots.max(0), (-lots).max(0));
        let groups = format!("702=1|703=TQ|704=0.{long:03}|705=0.{short:03}");
        self.venue(
            "AP",
            &format!("721=1|710=x|728=0|715=20231114|1=FAFNIR|581=1|55=ABC|730=100|731=1|734=100|{groups}"),
        )
    }
    /// An execution report about an order: ExecType, OrdStatus, lots filled so far, and more fields.
    pub fn execution(&mut self, kind: &str, status: &str, id: &str, filled: i64, more: &str) -> Turn {
        let bytes = self.execution_message(kind, status, id, filled, more);
        self.bytes(&bytes)
    }
    pub fn execution_message(&mut self, kind: &str, status: &str, id: &str, filled: i64, more: &str) -> Vec<u8> {
        let more = if more.is_empty() { String::new() } else { format!("|{more}") };
        let numbers = format!("151=0|14=0.{filled:03}|6=99.9");
        self.message("8", &format!("37=7|11={id}|17=1|150={kind}|39={status}|55=ABC|54=1|{numbers}{more}"))
    }
}

/// The ClOrdID of a request as it is written.
pub fn id_of(event: &OrderEvent) -> String {
    format!("{}-{}", event.order_id().session(), event.request)
}
