//! An engine at the test's venue.
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fafnir_driver::{HostedSummary, replay};
use types::config::HostConfig;

use super::Venue;
use crate::common::{Session, scratch};

/// The fixture's instrument with a native quoter at a venue on sockets.
pub fn config(venue: &Venue, more: &str) -> String {
    format!(
        r#"{{ "volatility": {{ "window": 50 }},
    "venues": [{{ "name": "BINANCE",
        "market": {{ "url": "ws://{market}/stream", "snapshotUrl": "http://{market}/snapshot?symbol={{symbol}}",
                     "staleMillis": 300 }},
        "orders": {{ "kind": "fix", "address": "{orders}", "heartbeatSeconds": 1 }} }}],
    "instruments": [{{ "symbol": "FAFUSDT", "venue": "BINANCE", "tickSize": "0.1", "lotSize": "0.001",
                      "priceDecimals": 2, "risk": {{ "maxMessages": 1000000 }} }}],
    "quoters": [{{ "instrument": "FAFUSDT", "riskAversionPerMoney": 1e-9, "intensityDecayPerPrice": 4.0,
                  "orderQuantity": "0.01", "maxInventory": "0.1" }}]{more} }}"#,
        market = venue.market,
        orders = venue.orders,
    )
}

pub fn host(state: Option<&Path>) -> HostConfig {
    HostConfig {
        state_dir: state.map(|dir| dir.display().to_string()),
        entropy_seed: Some(7),
        close_millis: Some(2_000),
        ..HostConfig::default()
    }
}

pub fn start(venue: &Venue, host: HostConfig, fail_at_turn: Option<u64>) -> Session {
    Session::try_start_host(&config(venue, ""), 1 << 24, host, fail_at_turn).unwrap_or_else(|fault| panic!("{fault}"))
}

/// Waits for something the engine shows.
pub fn until(session: &Session, what: &str, ready: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
    let started = Instant::now();
    loop {
        let stats: serde_json::Value = serde_json::from_str(&session.hosted.stats()).unwrap();
        if ready(&stats) {
            return stats;
        }
        assert!(started.elapsed() < Duration::from_secs(120), "{what}: {stats:#}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub fn quotes_both_sides(stats: &serde_json::Value) -> bool {
    let instrument = &stats["instruments"][0];
    instrument["quoteBid"].is_number() && instrument["quoteAsk"].is_number() && stats["orders"]["open"] == 2
}

/// The journal replays to the hash of the run.
pub fn replays(dir: &Path, summary: &HostedSummary) {
    let outcome = replay(&dir.join("journal"), None, |_| (), || true).unwrap();
    assert_eq!((outcome.hash.as_str(), outcome.turns), (summary.hash.as_str(), summary.turns));
    assert!(outcome.matches);
}

pub fn folder(name: &str) -> PathBuf {
    scratch(&format!("live-{name}"))
}
