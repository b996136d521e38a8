//! An engine that was killed and recovered is the engine that was not.
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;

use super::*;
use journal::{Commit, Start};
use types::rng::SplitMix64;
use types::{InstrumentId, Lots, OrderEvent, OrderEventKind, TimerId};

/// Wall time is far faster than the fixture's, so σ is huge: γ is tiny.
const CONFIG: &str = r#"{ "venues": [{ "name": "BINANCE" }], "volatility": { "window": 50 },
    "orders": { "maxOrders": 64 },
    "instruments": [{ "symbol": "FAFUSDT", "venue": "BINANCE", "tickSize": "0.1", "lotSize": "0.001",
                      "priceDecimals": 2, "risk": { "maxMessages": 1000000 } }],
    "quoters": [{ "instrument": "FAFUSDT", "riskAversionPerMoney": 1e-9, "intensityDecayPerPrice": 4.0,
                  "orderQuantity": "0.01", "maxInventory": "0.1" }] }"#;
/// Between two hash marks, so that there are many.
const TURNS_PER_MARK: u64 = 64;

#[derive(Clone)]
enum Kind {
    Bytes(ConnId, Vec<u8>),
    Conn(ConnId, ConnState),
    Timer(TimerId),
    Report(OrderEvent),
    Control(Control),
}

/// The inputs of a session, by turn; the first has number 1.
type Script = Vec<(UnixNanos, Kind)>;

fn input(script: &Script, turn: u64) -> Input<'_> {
    let (now, kind) = &script[turn as usize - 1];
    let kind = match kind {
        Kind::Bytes(conn, bytes) => InputKind::Bytes { conn: *conn, bytes },
        Kind::Conn(conn, state) => InputKind::Conn { conn: *conn, state: *state },
        Kind::Timer(id) => InputKind::Timer { id: *id },
        Kind::Report(report) => InputKind::Report(report),
        Kind::Control(control) => InputKind::Control(*control),
    };
    Input { turn, now: *now, kind }
}

/// A venue that accepts everything and fills some of it.
#[derive(Default)]
struct Venue {
    resting: BTreeMap<u64, (i64, i64)>,
    requests: u64,
}

impl Venue {
    fn answer(&mut self, event: &OrderEvent, reports: &mut VecDeque<OrderEvent>) {
        let (Some(kind), Some(side)) = (event.kind(), event.side()) else { return };
        if !kind.is_request() {
            return;
        }
        self.requests += 1;
        let report = |kind| {
            let mut report = OrderEvent::new(kind, event.instrument(), side, event.order_id());
            report.request = event.request;
            report
        };
        if kind == OrderEventKind::Cancel {
            let known = self.resting.remove(&event.order_id).is_some();
            let kind = if known { OrderEventKind::Cancelled } else { OrderEventKind::CancelRejected };
            return reports.push_back(report(kind));
        }
        let order = self.resting.entry(event.order_id).or_default();
        order.0 = event.quantity.0;
        let new = kind == OrderEventKind::New;
        reports.push_back(report(if new { OrderEventKind::Accepted } else { OrderEventKind::Replaced }));
        let lots = (order.0 - order.1).min(3);
        if self.requests.is_multiple_of(3) && lots > 0 {
            let mut fill = report(OrderEventKind::Fill);
            order.1 += lots;
            (fill.last_price, fill.last_lots, fill.filled) = (event.price, Lots(lots), Lots(order.1));
            if order.0 == order.1 {
                self.resting.remove(&event.order_id);
            }
            reports.push_back(fill);
        }
    }
}

/// The fixture's messages, a venue that answers, timers that fire, connections that come and go; at the end a kill.
fn script(seed: u64) -> Script {
    let (market, orders) = (ConnId::market(VenueId(0)), ConnId::orders(VenueId(0)));
    let text = std::fs::read_to_string(testkit::fixture("usdm-small.txt")).unwrap();
    let mut frames = text.lines().map(|line| line.split_once(' ').unwrap().1);
    let (_, setup) = EngineConfig::from_json(CONFIG).unwrap();
    let (mut engine, mut effects) = (Engine::new(setup), Effects::new());
    let (mut rng, mut script, mut now) = (SplitMix64::new(seed), Script::new(), UnixNanos(1_000_000));
    let (mut venue, mut timers, mut reports) = (Venue::default(), Timers::default(), VecDeque::new());
    let mut next = VecDeque::from([Kind::Conn(market, ConnState::Up), Kind::Conn(orders, ConnState::Up)]);
    loop {
        now.0 += rng.below(2_000_000);
        let kind = if let Some(kind) = next.pop_front() {
            kind
        } else if timers.due().is_some_and(|due| due <= now) {
            Kind::Timer(timers.pop().unwrap())
        } else if !reports.is_empty() && rng.below(2) == 0 {
            Kind::Report(reports.pop_front().unwrap())
        } else if rng.below(400) == 0 {
            next.push_back(Kind::Conn(orders, ConnState::Up));
            Kind::Conn(orders, ConnState::Down)
        } else if let Some(frame) = frames.next() {
            let snapshot = frame.contains("\"lastUpdateId\"");
            let conn = if snapshot { ConnId::snapshot(InstrumentId(0)) } else { market };
            Kind::Bytes(conn, frame.as_bytes().to_vec())
        } else {
            script.push((now, Kind::Conn(market, ConnState::Down)));
            script.push((now, Kind::Control(Control::Kill)));
            return script;
        };
        script.push((now, kind));
        engine.turn(&input(&script, script.len() as u64), &mut effects);
        for effect in &effects {
            match effect {
                EffectRef::Order(event) => venue.answer(event, &mut reports),
                EffectRef::Timer { id, at } => assert!(timers.set(id, at)),
                _ => {}
            }
        }
    }
}

/// The run that nothing interrupted, up to a turn.
struct Whole {
    engine: Engine,
    effects: Effects,
    hash: EffectsHash,
    /// Messages sent: their numbers count up by one.
    sent: u64,
    /// Moment of each timer that is set.
    timers: BTreeMap<TimerId, UnixNanos>,
}

impl Whole {
    fn new() -> Whole {
        let (_, setup) = EngineConfig::from_json(CONFIG).unwrap();
        Whole {
            engine: Engine::new(setup),
            effects: Effects::new(),
            hash: EffectsHash::new(),
            sent: 0,
            timers: BTreeMap::new(),
        }
    }
    fn turn(&mut self, input: &Input<'_>) {
        if let InputKind::Timer { id } = input.kind {
            self.timers.remove(&id);
        }
        self.engine.turn(input, &mut self.effects);
        self.hash.update(self.effects.bytes());
        self.sent += self.effects.iter().filter(|effect| matches!(effect, EffectRef::Send { .. })).count() as u64;
        self.timers.extend(self.effects.iter().filter_map(|effect| match effect {
            EffectRef::Timer { id, at } => Some((id, at)),
            _ => None,
        }));
    }
    fn at(script: &Script, turn: u64) -> Whole {
        let mut whole = Whole::new();
        (1..=turn).for_each(|turn| whole.turn(&input(script, turn)));
        whole
    }
}

fn orders(engine: &Engine) -> String {
    let open: Vec<_> = engine.orders().open_orders().collect();
    format!("{open:?} {:?}", engine.orders().position(InstrumentId(0)))
}

/// Everything that was recovered is what the uninterrupted run has at that turn.
fn agrees(recovered: &mut Recovered, script: &Script, why: &str) {
    let whole = Whole::at(script, recovered.turn);
    assert_eq!(recovered.hash.digest(), whole.hash.digest(), "{why}");
    assert_eq!(orders(&recovered.engine), orders(&whole.engine), "{why}");
    assert_eq!(recovered.sends, [whole.sent], "{why}");
    let inputs = &script[..recovered.turn as usize];
    assert_eq!(recovered.now, inputs.last().map_or(UnixNanos::NONE, |(now, _)| *now), "{why}");
    let up = |conn| {
        let last = inputs.iter().rev().find_map(|(_, kind)| match kind {
            Kind::Conn(of, state) if *of == conn => Some(*state),
            _ => None,
        });
        last == Some(ConnState::Up)
    };
    let conns = [ConnId(0), ConnId(1)].into_iter().filter(|&conn| up(conn)).collect::<Vec<_>>();
    assert_eq!(recovered.conns_up, conns, "{why}");
    let killed = inputs.iter().any(|(_, kind)| matches!(kind, Kind::Control(Control::Kill)));
    assert_eq!((recovered.killed, recovered.closed, recovered.timers_refused), (killed, false, 0), "{why}");
    let mut timers = BTreeMap::new();
    while let (Some(due), Some(id)) = (recovered.timers.due(), recovered.timers.pop()) {
        timers.insert(id, due);
    }
    assert_eq!(timers, whole.timers, "{why}");
    // The plain table has the engine's open orders.
    let mut live = Vec::new();
    recovered.live.cancels(recovered.now, |event, _| live.push(event.order_id));
    live.sort_unstable();
    let mut open: Vec<_> = whole.engine.orders().open_orders().map(|order| order.id.0).collect();
    open.sort_unstable();
    assert_eq!(live, open, "{why}");
}

fn scratch(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("fafnir-recover-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    dir
}

fn wanted() -> EngineConfig {
    EngineConfig::from_json(CONFIG).unwrap().0
}

fn options(commit: Commit) -> Options {
    Options { segment_bytes: 1 << 18, commit, ..Options::default() }
}

fn created(dir: &Path, commit: Commit) -> Writer {
    let config = serde_json::to_string(&wanted()).unwrap();
    Writer::create(dir, &Start::new("test", config), options(commit)).unwrap()
}

/// Journals and turns, as a driver does, up to a turn.
fn drive(writer: &mut Writer, engine: &mut Engine, hash: &mut EffectsHash, script: &Script, turns: (u64, u64)) {
    let mut effects = Effects::new();
    for turn in turns.0..=turns.1 {
        let input = input(script, turn);
        writer.input(&input).unwrap();
        engine.turn(&input, &mut effects);
        hash.update(effects.bytes());
        if turn.is_multiple_of(TURNS_PER_MARK) {
            writer.hash_mark(turn, input.now, hash.digest()).unwrap();
        }
    }
}

#[test]
fn killed_again_and_again_it_ends_as_if_nothing_had_happened() {
    for (seed, commit) in [(1, Commit::AtClose), (2, Commit::Thread), (3, Commit::Thread)] {
        let (dir, script) = (scratch(&format!("again-{seed}")), script(seed));
        let (mut rng, turns) = (SplitMix64::new(seed), script.len() as u64);
        let (mut writer, mut whole, mut at, mut lives) = (created(&dir, commit), Whole::new(), 0, 0);
        let Whole { engine, hash, .. } = &mut whole;
        let (mut engine, mut hash) = (core::mem::replace(engine, Whole::new().engine), hash.clone());
        while at < turns {
            let until = (at + rng.below(turns / 6)).min(turns);
            drive(&mut writer, &mut engine, &mut hash, &script, (at + 1, until));
            drop(writer);
            let mut recovered = recover(&dir, &wanted(), options(commit)).unwrap();
            assert_eq!(recovered.turn, until, "seed {seed}: every input that was written");
            agrees(&mut recovered, &script, &format!("seed {seed} turn {until}"));
            (at, lives) = (until, lives + 1);
            Recovered { engine, hash, writer, .. } = recovered;
        }
        let now = script.last().unwrap().0;
        writer.close(turns, now, hash.digest()).unwrap();
        let whole = Whole::at(&script, turns);
        assert!(whole.sent > 50 && lives > 5, "{} messages, {lives} lives", whole.sent);
        let outcome = crate::replay(&dir, None, |_| (), || true).unwrap();
        assert_eq!((outcome.hash, outcome.turns), (journal::hex(whole.hash.digest()), turns));
        assert!(outcome.matches && !outcome.damaged && outcome.reason == "closed");
        std::fs::remove_dir_all(dir).unwrap();
    }
}

#[test]
fn cut_at_any_byte_it_recovers_what_is_whole_and_goes_on() {
    let (dir, script) = (scratch("cut"), script(9));
    let (mut writer, mut whole) = (created(&dir, Commit::AtClose), Whole::new());
    let turns = script.len() as u64;
    drive(&mut writer, &mut whole.engine, &mut whole.hash, &script, (1, turns));
    drop(writer);
    let mut paths: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let last = paths.pop().unwrap();
    let whole_file = std::fs::read(&last).unwrap();
    let used = whole_file.iter().rposition(|&byte| byte != 0).unwrap() as u64 + 1;
    let mut rng = SplitMix64::new(5);
    for round in 0..40 {
        let copied = scratch("cut-copy");
        std::fs::create_dir(&copied).unwrap();
        for path in &paths {
            std::fs::copy(path, copied.join(path.file_name().unwrap())).unwrap();
        }
        let at = 200 + rng.below(used - 200) as usize;
        std::fs::write(copied.join(last.file_name().unwrap()), &whole_file[..at]).unwrap();
        let why = format!("round {round} cut at {at}");
        let mut recovered =
            recover(&copied, &wanted(), options(Commit::AtClose)).unwrap_or_else(|f| panic!("{why}: {f}"));
        agrees(&mut recovered, &script, &why);
        let Recovered { mut engine, mut hash, mut writer, turn, .. } = recovered;
        drive(&mut writer, &mut engine, &mut hash, &script, (turn + 1, turns));
        writer.close(turns, script.last().unwrap().0, hash.digest()).unwrap();
        assert_eq!(hash.digest(), whole.hash.digest(), "{why}");
        let outcome = crate::replay(&copied, None, |_| (), || true).unwrap();
        assert!(outcome.matches && outcome.turns == turns && !outcome.damaged, "{why}");
        std::fs::remove_dir_all(copied).unwrap();
    }
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn what_does_not_replay_or_is_not_wanted_is_refused() {
    let (dir, script) = (scratch("refused"), script(4));
    let (mut writer, mut whole) = (created(&dir, Commit::AtClose), Whole::new());
    drive(&mut writer, &mut whole.engine, &mut whole.hash, &script, (1, 200));
    writer.hash_mark(200, UnixNanos(1), 12_345).unwrap();
    drive(&mut writer, &mut whole.engine, &mut whole.hash, &script, (201, 300));
    drop(writer);
    let files = || std::fs::read_dir(&dir).unwrap().count();
    let before = files();
    let refused = |wanted: &EngineConfig| recover(&dir, wanted, options(Commit::AtClose)).err().unwrap();
    let fault = refused(&wanted());
    assert_eq!((fault.code, fault.fields), (Code::ReplayMismatch, vec![("turn", "200".to_string())]));
    let (plain, changes) = (
        wanted(),
        [
            ("\"session\": 2, \"venues\"", "\"venues\"", "session"),
            ("\"0.0001\"", "\"0.001\"", "instruments[0].lotSize"),
            ("\"name\": \"BINANCE\", \"senderCompId\": \"OTHER\"", "\"name\": \"BINANCE\"", "venues[0].senderCompId"),
            ("2e-9", "1e-9", "quoters[0].riskAversionPerMoney"),
        ],
    );
    for (is, was, path) in changes {
        let fault = refused(&EngineConfig::from_json(&CONFIG.replace(was, is)).unwrap().0);
        assert_eq!((fault.code, &fault.fields[0]), (Code::ConfigInvalid, &("path", path.to_string())), "{fault}");
    }
    assert_eq!(files(), before, "nothing was written");
    // Where a link leads is the driver's; that there is one is not.
    let linked = |name: &str, heartbeat: u32| {
        let orders =
            format!(r#""orders": {{ "kind": "fix", "address": "{name}:1", "heartbeatSeconds": {heartbeat} }}"#);
        let market = format!(r#""market": {{ "url": "ws://{name}/x" }}"#);
        let to = format!("\"name\": \"BINANCE\", {orders}, {market}");
        EngineConfig::from_json(&CONFIG.replace("\"name\": \"BINANCE\"", &to)).unwrap().0
    };
    assert_eq!(same_engine(&linked("a", 10), &linked("b", 10)), Ok(()));
    let path =
        |wanted: &EngineConfig, recorded: &EngineConfig| same_engine(recorded, wanted).unwrap_err().fields[0].1.clone();
    assert_eq!(path(&linked("a", 11), &linked("a", 10)), "venues[0].orders.heartbeatSeconds");
    assert_eq!(path(&linked("a", 10), &plain), "venues[0].market");
    std::fs::remove_dir_all(&dir).unwrap();
    assert_eq!(refused(&plain).code, Code::JournalIo);
}

#[test]
fn the_last_number_of_several_messages_is_found() {
    let two = b"8=FIX.4.4\x0135=D\x0134=17\x0149=A\x0110=001\x018=FIX.4.4\x0135=F\x0134=18\x0149=A\x0110=002\x01";
    assert_eq!(last_sequence(two), Some(18));
    // A gap fill has the number that its gap begins with.
    for (message, fills) in [("35=4", true), ("35=A", false), ("35=44", false), ("58=4", false)] {
        assert_eq!(is_gap_fill(format!("8=FIX.4.4\x019=9\x01{message}\x0134=3\x0110=0\x01").as_bytes()), fills);
    }
    assert_eq!((last_sequence(b""), last_sequence(b"\x0134=x\x01"), last_sequence(b"34=1")), (None, None, None));
}
