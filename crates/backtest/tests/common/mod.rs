//! Configurations and folders that several tests of the room share.
#![allow(dead_code)] // Each test file uses its own part.
use std::path::PathBuf;

use serde_json::{Value, json};

/// A fresh path below the target's temporary folder; removed if an earlier run left it.
pub fn scratch(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    let _ = std::fs::remove_file(&path);
    path
}

/// The shared development recording, where it is.
pub fn usdm_recording() -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/binance/usdm-btcusdt-20240808.gz");
    if path.exists() {
        return Some(path);
    }
    println!("skipped: ../shared/data/binance/usdm-btcusdt-20240808.gz is not there");
    None
}

/// The synthetic fixture.
pub fn small_recording() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testkit/fixtures/usdm-small.gz")
}

pub fn instrument(symbol: &str, fee: &str) -> Value {
    json!({ "symbol": symbol, "venue": "BINANCE", "tickSize": "0.1", "lotSize": "0.001", "priceDecimals": 2,
            "makerFee": fee, "takerFee": "0.0005", "minNotional": "0",
            "risk": { "maxOrderQuantity": "1", "maxPosition": "0.5" } })
}

pub fn quoter(symbol: &str) -> Value {
    json!({ "instrument": symbol, "riskAversionPerMoney": 0.5, "intensityDecayPerPrice": 2.0,
            "orderQuantity": "0.01", "maxInventory": "0.1", "requoteTicks": 5 })
}

/// One instrument on the recording at `path`.
pub fn recorded(path: &str) -> Value {
    json!({
        "engine": { "venues": [{ "name": "BINANCE", "feed": "binanceUsdm" }],
                    "instruments": [instrument("BTCUSDT", "0.0002")], "quoters": [quoter("BTCUSDT")] },
        "sources": [{ "kind": "recording", "instrument": "BTCUSDT", "path": path }],
    })
}

/// The synthetic fixture's instrument on a recording of it.
pub fn fixture(path: &str) -> Value {
    let mut config = recorded(path);
    config["engine"]["instruments"] = json!([instrument("FAFUSDT", "0.0002")]);
    config["engine"]["quoters"] = json!([quoter("FAFUSDT")]);
    config["sources"][0]["instrument"] = "FAFUSDT".into();
    config
}

/// A source of twenty generated seconds.
fn market(instrument: &str, seed: u64) -> Value {
    json!({ "kind": "generated", "instrument": instrument, "market": { "seed": seed, "seconds": 20 } })
}

/// Two generated instruments, twenty seconds.
pub fn generated(seed: u64) -> Value {
    json!({
        "engine": { "venues": [{ "name": "BINANCE", "feed": "binanceUsdm" }],
                    "instruments": [instrument("BTCUSDT", "0"), instrument("ETHUSDT", "-0.0001")],
                    "volatility": { "window": 200 },
                    "quoters": [quoter("BTCUSDT"), quoter("ETHUSDT")] },
        "sources": [market("BTCUSDT", seed), market("ETHUSDT", seed + 1)],
    })
}

pub fn run(config: &Value) -> fafnir_backtest::Summary {
    fafnir_backtest::run(&config.to_string(), |_| (), || true).unwrap_or_else(|fault| panic!("{fault}"))
}
