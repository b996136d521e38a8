//! No turn allocates: a recording with a quoter, a strategy's commands, a venue that answers, a kill at the end.
mod common;
mod fix;

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
    let quoter = QUOTER.replace("ABC", "FAFUSDT").replace("2.0", "8.0").replacen(
        '{',
        r#"{ "marketCalibration": { "everySeconds": 0.5, "minOrders": 20 },
             "toxicity": { "source": { "kind": "vpin", "bucketQuantity": "0.010", "buckets": 8 }, "widening": 0.1 },
             "fairValue": { "kind": "microPrice", "imbalanceBuckets": 2, "adjustmentsTicks": [-0.1, 0.1] },"#,
        1,
    );
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

/// Over a FIX session no turn allocates either: reports whole, in two reads, garbled, a loss and the reconciliation.
#[test]
fn no_turn_of_a_session_allocates() {
    let (_, setup) = EngineConfig::from_json(&fix::fix_config()).unwrap();
    let (engine, effects) = (Engine::new(setup), Effects::new());
    let mut session = Session {
        engine,
        effects,
        turn: 0,
        now: common::START,
        allocations: 0,
        requests: Vec::new(),
        last_ask: Ticks(1_002),
    };
    for (side, price, flags) in [(types::Side::Buy, 1_000, 0), (types::Side::Sell, 1_002, 1)] {
        session.input(InputKind::Market(&common::side_event(1, side, (price, 5), flags)));
    }
    let (mut number, mut mass_cancel) = (1, 1);
    let mut message = |kind: &str, fields: &str| {
        let bytes = fix::framed(&format!("35={kind}|49=V|56=FAFNIR|34={number}|52=20231114-22:13:20.000|{fields}"));
        number += 1;
        bytes
    };
    let mut client = 0;
    for round in 0..20 {
        session.now += 1_000_000;
        session.input(InputKind::Conn { conn: ORDERS, state: ConnState::Up });
        let logon = message("A", if round == 0 { "98=0|108=10|141=Y" } else { "98=0|108=10" });
        session.input(InputKind::Bytes { conn: ORDERS, bytes: &logon });
        let cancelled = message("r", &format!("11=1-{mass_cancel}|37=9|530=7|531=7"));
        session.input(InputKind::Bytes { conn: ORDERS, bytes: &cancelled });
        let open: Vec<_> = session.engine.orders().open_orders().map(|order| (order.current, order.filled.0)).collect();
        for (id, filled) in open {
            let lot = format!("11=1-{id}|37=7|17=1|150=I|39=4|55=ABC|54=2|151=0|14=0.{filled:03}|6=100.5");
            session.input(InputKind::Bytes { conn: ORDERS, bytes: &message("8", &lot) });
        }
        let lots = session.engine.orders().position(types::InstrumentId(0)).lots.0;
        let position = format!("721=1|710=x|728=0|55=ABC|702=1|703=TQ|704=0.000|705=0.{:03}", -lots);
        session.input(InputKind::Bytes { conn: ORDERS, bytes: &message("AP", &position) });
        assert!(session.engine.is_venue_up(types::VenueId(0)), "round {round}");
        for i in 0..20 {
            client += 1;
            session.requests.clear();
            session.command(CommandKind::Place, client, 64);
            let id = format!("{}-{}", session.requests[0].order_id().session(), session.requests[0].request);
            let accepted = format!("11={id}|37=7|17=1|150=0|39=0|55=ABC|54=2|14=0|6=0");
            session.input(InputKind::Bytes { conn: ORDERS, bytes: &message("8", &accepted) });
            let fill = format!("11={id}|37=7|17=1|150=F|39=1|55=ABC|54=2|14=0.002|6=100.5|31=100.5|32=0.002");
            let bytes = message("8", &fill);
            let cut = i * 7;
            session.input(InputKind::Bytes { conn: ORDERS, bytes: &bytes[..cut] });
            session.input(InputKind::Bytes { conn: ORDERS, bytes: &bytes[cut..] });
            match i % 4 {
                0 => session.command(CommandKind::Cancel, client, 64),
                1 => session.command(CommandKind::Replace, client, 64),
                2 => session.input(InputKind::Bytes { conn: ORDERS, bytes: b"garbage" }),
                _ => session.input(InputKind::Timer { id: fafnir_engine::fix_timer(types::VenueId(0)) }),
            }
        }
        session.input(InputKind::Conn { conn: ORDERS, state: ConnState::Down });
        mass_cancel = session.engine.orders().next_request();
    }
    assert_eq!(session.engine.orders().counts().of(OrderEventKind::Fill), 400);
    assert_eq!(session.engine.orders().counts().of(OrderEventKind::Status), 380);
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
