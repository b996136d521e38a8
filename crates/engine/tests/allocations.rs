//! No turn allocates: a recording with a quoter, a strategy's commands, a venue that answers, a kill at the end.
mod common;

use common::{MARKET, ORDERS, QUOTER, SNAPSHOT};
use fafnir_engine::Engine;
use testkit::{CountingAllocator, allocations_during};
use types::config::EngineConfig;
use types::{
    Command, CommandKind, ConnState, Control, EffectRef, Effects, EventKind, Input, InputKind, Lots, OrderEvent,
    OrderEventKind, Ticks, TimerId, UnixNanos,
};
use zerocopy::{FromBytes, IntoBytes};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

struct Session {
    engine: Engine,
    effects: Effects,
    turn: u64,
    now: u64,
    allocations: u64,
    requests: Vec<OrderEvent>,
    last_ask: Ticks,
}

impl Session {
    fn input(&mut self, kind: InputKind<'_>) {
        self.turn += 1;
        let input = Input { turn: self.turn, now: UnixNanos(self.now), kind };
        let ((), counted) = allocations_during(|| self.engine.turn(&input, &mut self.effects));
        assert_eq!(counted.count, 0, "turn {} allocated {} bytes: {kind:?}", self.turn, counted.bytes);
        self.allocations += counted.count;
        for effect in &self.effects {
            match effect {
                EffectRef::Order(event) if event.kind().is_some_and(OrderEventKind::is_request) => {
                    self.requests.push(*event);
                }
                EffectRef::Event(event) if event.kind() == Some(EventKind::Touch) && event.side == 2 => {
                    self.last_ask = event.price;
                }
                _ => {}
            }
        }
    }

    /// Answers everything; some orders fill, some requests are refused, some are never answered.
    fn answer(&mut self) {
        for (i, request) in std::mem::take(&mut self.requests).into_iter().enumerate() {
            let way = (request.request as usize + i) % 9;
            let kind = match (request.kind().unwrap(), way) {
                (_, 8) => continue,
                (OrderEventKind::New, 7) => OrderEventKind::Rejected,
                (OrderEventKind::New, _) => OrderEventKind::Accepted,
                (OrderEventKind::Cancel, 7) => OrderEventKind::CancelRejected,
                (OrderEventKind::Cancel, _) => OrderEventKind::Cancelled,
                (_, 7) => OrderEventKind::ReplaceRejected,
                _ => OrderEventKind::Replaced,
            };
            let mut report = common::answer(&request, kind);
            self.input(InputKind::Report(&report));
            if way < 3 {
                (report.kind, report.last_price, report.last_lots) = (6, request.price, Lots(1 + way as i64 * 4));
                self.input(InputKind::Report(&report));
            }
        }
    }

    fn command(&mut self, kind: CommandKind, client_id: u64, length: usize) {
        let mut command = Command::read_from_bytes(&[0; 64]).unwrap();
        (command.kind, command.side, command.client_id) = (kind as u8, 2, client_id);
        (command.price, command.quantity) = (self.last_ask.0 + 3, 5);
        command.id = TimerId::FIRST_USER.0;
        let bytes: [u8; 64] = command.as_bytes().try_into().unwrap();
        self.input(InputKind::Command { producer: 0, cause_seq: 0, bytes: &bytes[..length] });
    }
}

#[test]
fn no_turn_allocates() {
    let quoter = QUOTER.replace("ABC", "FAFUSDT").replace("2.0", "8.0");
    let config = format!(
        r#"{{ "venues": [{{ "name": "V" }}], "volatility": {{ "window": 50 }}, "publish": {{ "levels": true }},
        "instruments": [{{ "symbol": "FAFUSDT", "venue": "V", "tickSize": "0.1", "lotSize": "0.001",
                           "priceDecimals": 2 }}], "quoters": [{quoter}] }}"#
    );
    let (_, setup) = EngineConfig::from_json(&config).unwrap();
    let (engine, effects) = (Engine::new(setup), Effects::new());
    let mut session =
        Session { engine, effects, turn: 0, now: 1, allocations: 0, requests: Vec::new(), last_ask: Ticks(0) };
    for conn in [MARKET, ORDERS] {
        session.input(InputKind::Conn { conn, state: ConnState::Up });
    }
    let text = std::fs::read_to_string(testkit::fixture("usdm-small.txt")).unwrap();
    for (i, line) in text.lines().enumerate() {
        let (at, message) = line.split_once(' ').unwrap();
        session.now = at.parse().unwrap();
        let conn = if message.contains("\"lastUpdateId\"") { SNAPSHOT } else { MARKET };
        session.input(InputKind::Bytes { conn, bytes: message.as_bytes() });
        if i % 20 == 0 {
            session.input(InputKind::Bytes { conn, bytes: &message.as_bytes()[..message.len() / 2] });
        }
        session.answer();
        let client = i as u64 / 16;
        match i % 16 {
            2 => session.command(CommandKind::Place, 1 + client, 64),
            5 => session.command(CommandKind::Replace, 1 + client, 64),
            9 => session.command(CommandKind::Cancel, client, 64),
            11 => session.command(CommandKind::SetTimer, 0, 64),
            13 if i % 5 == 0 => session.command(CommandKind::CancelAll, 0, 64),
            14 => session.command(CommandKind::Place, 0, i % 64),
            15 => session.input(InputKind::Timer { id: TimerId([1, 2, 1 << 33][i % 3]) }),
            _ => {}
        }
    }
    session.input(InputKind::Control(Control::Kill));
    session.answer();
    let counts = session.engine.counts();
    assert!(counts.new_orders > 100 && counts.cancels > 50 && counts.replaces > 50, "{counts:?}");
    assert!(session.engine.orders().counts().of(OrderEventKind::Fill) > 50);
    assert_eq!(session.allocations, 0);
}

/// The fullest kill there can be: every order of the largest table is cancelled in one turn, with its message.
#[test]
fn a_kill_of_the_largest_table_fits_one_turn() {
    let config = common::config("normalised", "").replace("\"maxOrders\": 64", "\"maxOrders\": 65536");
    let config = config.replace("\"risk\": {", "\"risk\": { \"maxMessages\": 1000000,");
    let (_, setup) = EngineConfig::from_json(&config).unwrap();
    let (mut engine, mut effects) = (Engine::new(setup), Effects::new());
    let mut turn = 0;
    let mut input = |engine: &mut Engine, effects: &mut Effects, kind: InputKind<'_>| {
        turn += 1;
        engine.turn(&Input { turn, now: UnixNanos(common::START), kind }, effects);
    };
    for conn in [MARKET, ORDERS] {
        input(&mut engine, &mut effects, InputKind::Conn { conn, state: ConnState::Up });
    }
    for (side, price, flags) in [(types::Side::Buy, 1_000, 0), (types::Side::Sell, 1_002, 1)] {
        let event = common::side_event(1, side, (price, 5), flags);
        input(&mut engine, &mut effects, InputKind::Market(&event));
    }
    for client in 1..=65_536u64 {
        let mut command = Command::read_from_bytes(&[0; 64]).unwrap();
        (command.kind, command.side, command.client_id) = (1, 1, client);
        (command.price, command.quantity) = (999, 1);
        input(&mut engine, &mut effects, InputKind::Command { producer: 0, cause_seq: 0, bytes: command.as_bytes() });
    }
    assert_eq!(engine.orders().open_count(), 65_536);
    input(&mut engine, &mut effects, InputKind::Control(Control::Kill));
    let sends = effects.iter().filter(|effect| matches!(effect, EffectRef::Send { .. })).count();
    let events = effects.iter().filter(|effect| matches!(effect, EffectRef::Order(_))).count();
    assert_eq!((sends, events, effects.refused()), (65_536, 65_536, 0));
    let halts =
        |effect: EffectRef<'_>| matches!(effect, EffectRef::Event(event) if event.kind() == Some(EventKind::Trading));
    assert!(effects.iter().any(halts));
}
