//! # Room card: driver/tests/crash/child
//! In:    a configuration in the environment of this very test binary, run again.
//! Out:   an engine or an exchange in a process of its own, that can be killed.
//! Holds: a child ends when its stdin does, so that none outlives a test that fails.
//! Costs: a process.
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};

use fafnir_driver::exchange::ExchangeHost;
use fafnir_driver::{Hosted, HostedOptions};
use ring::Region;
use serde_json::{Value, json};
use types::InstrumentId;
use types::config::{ExchangeConfig, HostConfig};

const ROLE: &str = "FAFNIR_CRASH_ROLE";
const CONFIG: &str = "FAFNIR_CRASH_CONFIG";
const STATE: &str = "FAFNIR_CRASH_STATE";

/// An engine with one native quoter that has much to do.
pub fn engine_json(session: u32, (market, orders): (u16, u16)) -> String {
    json!({
        "session": session,
        "venues": [{ "name": "SIMULATED",
            "market": {
                "url": format!("ws://127.0.0.1:{market}/stream?streams=btcusdt@depth@0ms/btcusdt@trade"),
                "snapshotUrl": format!("http://127.0.0.1:{market}/fapi/v1/depth?symbol={{symbol}}&limit=1000"),
                "followClock": true },
            "orders": { "kind": "fix", "address": format!("127.0.0.1:{orders}"), "heartbeatSeconds": 600 } }],
        "instruments": [instrument()],
        "volatility": { "window": 20 }, "orders": { "ackTimeoutMillis": 600_000 },
        "quoters": [{ "instrument": "BTCUSDT", "riskAversionPerMoney": 0.5, "intensityDecayPerPrice": 8,
            "orderQuantity": "0.010", "maxInventory": "0.100", "requoteTicks": 1 }],
    })
    .to_string()
}

fn instrument() -> Value {
    json!({ "symbol": "BTCUSDT", "venue": "SIMULATED", "tickSize": "0.1", "lotSize": "0.001",
        "risk": { "maxMessages": 1_000_000 } })
}

/// A generated market, fast enough for the load that is wanted.
pub fn exchange_json(state: Option<&Path>, (market, orders): (u16, u16)) -> String {
    json!({
        "instruments": [instrument()],
        "sources": [{ "kind": "generated", "instrument": "BTCUSDT", "market": { "seed": 7, "seconds": 1_000_000 } }],
        "speed": 60, "waitForClients": false, "marketPort": market, "ordersPort": orders,
        "stateDir": state.map(|path| path.display().to_string()),
    })
    .to_string()
}

/// What an engine said at its end.
pub struct Summary {
    pub open_orders: u64,
    pub position_lots: i64,
}

/// Am I run by `Child`? Then this process is that child, and ends here.
pub fn am_i() -> bool {
    let Ok(role) = std::env::var(ROLE) else { return false };
    let config = std::env::var(CONFIG).unwrap();
    match role.as_str() {
        "engine" => be_engine(&config, &std::env::var(STATE).unwrap()),
        _ => be_exchange(&config),
    }
    true
}

fn say(what: &Value) {
    let mut out = std::io::stdout();
    writeln!(out, "\nsaid {what}").unwrap();
    out.flush().unwrap();
}

fn await_end_of_stdin() {
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

fn be_engine(config: &str, state: &str) {
    let host = HostConfig { state_dir: Some(state.to_string()), ..HostConfig::default() };
    let region = |bytes| Region::heap(bytes).unwrap();
    let options = HostedOptions {
        market: region(1 << 20),
        orders: region(1 << 22),
        commands: region(1 << 16),
        latest: None,
        doorbell: Box::new(|| ()),
        host,
        fail_at_turn: None,
        build: "crash test".into(),
    };
    let mut hosted = Hosted::start(config, options).unwrap();
    say(&json!({ "up": true }));
    await_end_of_stdin();
    let summary = hosted.close().unwrap();
    assert!(summary.fault.is_none(), "{:?}", summary.fault);
    let (_, setup) = types::config::EngineConfig::from_json(config).unwrap();
    let stats: Value = serde_json::from_str(&summary.stats).unwrap();
    let position = stats["instruments"][0]["position"].as_f64().unwrap();
    let lots = (position / setup.instruments[InstrumentId(0).index()].lot_f64()).round() as i64;
    say(&json!({ "openOrders": summary.open_orders, "positionLots": lots }));
}

fn be_exchange(config: &str) {
    let (config, setup) = ExchangeConfig::from_json(config).unwrap();
    let mut exchange = ExchangeHost::start(&config, &setup).unwrap();
    let ports = exchange.ports();
    say(&json!({ "market": ports.market, "orders": ports.orders }));
    await_end_of_stdin();
    exchange.close().unwrap();
}

/// A child process.
pub struct Child {
    child: std::process::Child,
    out: BufReader<ChildStdout>,
    pub ports: (u16, u16),
}

impl Child {
    pub fn engine(config: &str, state: &Path) -> Child {
        let mut child = Child::spawn("engine", config, Some(state));
        assert_eq!(child.heard()["up"], true);
        child
    }

    pub fn exchange(config: &str) -> Child {
        let mut child = Child::spawn("exchange", config, None);
        let said = child.heard();
        let port = |key: &str| said[key].as_u64().unwrap() as u16;
        child.ports = (port("market"), port("orders"));
        child
    }

    fn spawn(role: &str, config: &str, state: Option<&Path>) -> Child {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "an_engine_that_is_killed_forgets_nothing_and_repeats_nothing", "--nocapture"]);
        command.env(ROLE, role).env(CONFIG, config).stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(state) = state {
            command.env(STATE, state);
        }
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Child { child, out, ports: (0, 0) }
    }

    fn heard(&mut self) -> Value {
        let mut line = String::new();
        loop {
            line.clear();
            assert!(self.out.read_line(&mut line).unwrap() > 0, "the child ended without a word");
            if let Some(said) = line.strip_prefix("said ") {
                return serde_json::from_str(said).unwrap();
            }
        }
    }

    /// SIGKILL: nothing of the process runs after this.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// In good order.
    pub fn close(mut self) -> Summary {
        drop(self.child.stdin.take());
        let said = self.heard();
        self.child.wait().unwrap();
        Summary {
            open_orders: said["openOrders"].as_u64().unwrap(),
            position_lots: said["positionLots"].as_i64().unwrap(),
        }
    }
}
