//! A hosted engine with its rings, and the configurations and folders that several tests share.
#![allow(dead_code)] // Each test file uses its own part.
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fafnir_driver::{Hosted, HostedOptions};
use ring::{CommandWriter, MarketReader, OrdersReader, Region};
use types::config::HostConfig;
use types::event::{RECORD_BYTES, RECORD_COMMAND, RECORD_CONN, RECORD_ORDER, flag};
use types::{Code, Command, CommandKind, Event, EventKind, Fault, OrderEvent, OrderEventKind, Side};
use zerocopy::{FromBytes, IntoBytes};

/// One instrument of a normalised venue, orders by commands only.
pub const PUSHED: &str = r#"{ "venues": [{ "name": "REST", "feed": "normalised" }], "orders": { "maxOrders": 64 },
    "instruments": [{ "symbol": "ABC", "venue": "REST", "tickSize": "0.1", "lotSize": "0.001",
                      "risk": { "maxMessages": 1000000, "referenceMaxAgeMillis": 86400000 } }] }"#;

/// The fixture's instrument with a native quoter. Wall time is far faster than the fixture's, so σ is huge: γ is tiny.
pub const QUOTED: &str = r#"{ "venues": [{ "name": "BINANCE" }], "volatility": { "window": 50 },
    "instruments": [{ "symbol": "FAFUSDT", "venue": "BINANCE", "tickSize": "0.1", "lotSize": "0.001",
                      "priceDecimals": 2, "risk": { "maxMessages": 1000000 } }],
    "quoters": [{ "instrument": "FAFUSDT", "riskAversionPerMoney": 1e-9, "intensityDecayPerPrice": 4.0,
                  "orderQuantity": "0.01", "maxInventory": "0.1" }] }"#;

/// A fresh folder name below the target's temporary folder.
pub fn scratch(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    path
}

/// Messages of the fixture, and whether each is a snapshot.
pub fn frames() -> Vec<(bool, Vec<u8>)> {
    let text = std::fs::read_to_string(testkit::fixture("usdm-small.txt")).unwrap();
    let message = |line: &str| line.split_once(' ').unwrap().1.as_bytes().to_vec();
    text.lines().map(|line| (line.contains("\"lastUpdateId\""), message(line))).collect()
}

/// The panics of drills are wanted: writing where they came from takes a second of a core on a busy machine, in which
/// the tests beside them wait.
fn hush_drills() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !info.payload().downcast_ref::<String>().is_some_and(|text| text.contains("a drill:")) {
                before(info);
            }
        }));
    });
}

pub struct Session {
    pub hosted: Hosted,
    pub commands: CommandWriter,
    pub market: MarketReader,
    pub orders: OrdersReader,
    /// Memory of the command ring, for tests that damage it.
    pub memory: Region,
    pub rings: Arc<AtomicU64>,
}

impl Session {
    pub fn try_start(config: &str, orders_bytes: usize, journal: Option<PathBuf>) -> Result<Session, Fault> {
        Session::try_start_latest(config, orders_bytes, journal, None)
    }
    /// With registers of the newest state.
    pub fn start_latest(config: &str, latest: Region) -> Session {
        Session::try_start_latest(config, 1 << 21, None, Some(latest)).unwrap_or_else(|fault| panic!("{fault}"))
    }
    fn try_start_latest(
        config: &str,
        orders_bytes: usize,
        journal: Option<PathBuf>,
        latest: Option<Region>,
    ) -> Result<Session, Fault> {
        let state_dir = journal.map(|dir| dir.display().to_string());
        let host = HostConfig { state_dir, ..HostConfig::default() };
        Session::try_start_with(config, orders_bytes, host, None, latest)
    }
    pub fn try_start_host(
        config: &str,
        orders_bytes: usize,
        host: HostConfig,
        fail_at_turn: Option<u64>,
    ) -> Result<Session, Fault> {
        Session::try_start_with(config, orders_bytes, host, fail_at_turn, None)
    }
    fn try_start_with(
        config: &str,
        orders_bytes: usize,
        host: HostConfig,
        fail_at_turn: Option<u64>,
        latest: Option<Region>,
    ) -> Result<Session, Fault> {
        if fail_at_turn.is_some() {
            hush_drills();
        }
        let (market, orders) = (Region::heap(1 << 20).unwrap(), Region::heap(orders_bytes).unwrap());
        let (commands, rings) = (Region::heap(1 << 18).unwrap(), Arc::new(AtomicU64::new(0)));
        let bell = rings.clone();
        let options = HostedOptions {
            market: market.clone(),
            orders: orders.clone(),
            commands: commands.clone(),
            latest,
            doorbell: Box::new(move || {
                bell.fetch_add(1, Ordering::SeqCst);
            }),
            host,
            fail_at_turn,
            build: "test".into(),
        };
        let hosted = Hosted::start(config, options)?;
        Ok(Session {
            hosted,
            commands: CommandWriter::attach(commands.clone()).unwrap(),
            market: MarketReader::attach(market).unwrap(),
            orders: OrdersReader::attach(orders).unwrap(),
            memory: commands,
            rings,
        })
    }
    pub fn start(config: &str, journal: Option<PathBuf>) -> Session {
        Session::start_with(config, 1 << 21, journal)
    }
    /// With both connections of the first venue up.
    pub fn start_with(config: &str, orders_bytes: usize, journal: Option<PathBuf>) -> Session {
        let mut session = Session::try_start(config, orders_bytes, journal).unwrap_or_else(|fault| panic!("{fault}"));
        for conn in 0..2 {
            session.parts(RECORD_CONN, &[conn, 0, 1, 0, 0, 0, 0, 0], &[]);
        }
        session
    }

    /// Writes a record of two parts, waiting for room.
    pub fn parts(&mut self, kind: u32, first: &[u8], rest: &[u8]) {
        let started = Instant::now();
        while self.commands.try_write_parts(kind, first, rest).is_err() {
            assert!(started.elapsed() < Duration::from_secs(60), "the engine takes nothing");
            self.hosted.wake();
            std::thread::yield_now();
        }
        self.hosted.wake();
    }
    pub fn frame(&mut self, snapshot: bool, bytes: &[u8]) {
        let conn = if snapshot { [0, 4] } else { [0, 0] };
        self.parts(RECORD_BYTES, &[conn[0], conn[1], 0, 0, 0, 0, 0, 0], bytes);
    }
    pub fn report(&mut self, report: &OrderEvent) {
        self.parts(RECORD_ORDER, &report.as_bytes()[8..], &[]);
    }
    pub fn touch(&mut self, bid: i64, ask: i64) {
        for (side, price, flags) in [(1, bid, 0), (2, ask, flag::LAST)] {
            let mut event = Event::new(EventKind::Touch, types::InstrumentId(0));
            (event.side, event.price, event.quantity, event.flags) = (side, types::Ticks(price), types::Lots(5), flags);
            event.id = 1;
            self.parts(types::event::RECORD_EVENT, &event.as_bytes()[8..], &[]);
        }
    }
    pub fn command(&mut self, kind: CommandKind, fill: impl FnOnce(&mut Command)) {
        let mut command = Command::read_from_bytes(&[0; 64]).unwrap();
        command.kind = kind as u8;
        fill(&mut command);
        self.parts(RECORD_COMMAND, &[0; 8], command.as_bytes());
    }
    pub fn place(&mut self, client_id: u64, price: i64) {
        self.command(CommandKind::Place, |command| {
            (command.side, command.client_id, command.price, command.quantity) =
                (Side::Buy as u8, client_id, price, 10);
        });
    }
    /// Order events until `wanted` of a kind were seen.
    pub fn until(&mut self, kind: OrderEventKind, wanted: usize) -> Vec<OrderEvent> {
        let (mut seen, started) = (Vec::new(), Instant::now());
        while seen.iter().filter(|event: &&OrderEvent| event.kind() == Some(kind)).count() < wanted {
            assert!(started.elapsed() < Duration::from_secs(60), "{wanted} {kind:?}: {seen:?}");
            self.orders.poll(64, |record| seen.push(OrderEvent::read_from_bytes(record).unwrap())).unwrap();
        }
        seen
    }
    /// Market events until one of a kind.
    pub fn until_event(&mut self, kind: EventKind) -> Vec<Event> {
        let (mut seen, started) = (Vec::<Event>::new(), Instant::now());
        while !seen.iter().any(|event| event.kind() == Some(kind)) {
            assert!(started.elapsed() < Duration::from_secs(60), "{kind:?}: {seen:?}");
            self.market.poll(64, |record| seen.push(Event::read_from_bytes(record).unwrap())).unwrap();
        }
        seen
    }
}

pub fn of_kind(events: &[OrderEvent], kind: OrderEventKind) -> Vec<OrderEvent> {
    events.iter().filter(|event| event.kind() == Some(kind)).copied().collect()
}

pub fn code_of(event: &OrderEvent) -> Option<Code> {
    Code::from_u16(event.reason)
}
