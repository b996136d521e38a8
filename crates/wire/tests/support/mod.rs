//! What the tests and the timing example share: two instruments and the recordings, where there are any.
#![allow(dead_code)] // Each test file uses its part.
use std::io::Read;
use std::path::PathBuf;

use types::Instrument;
use types::config::EngineConfig;

/// Instruments of two venues: futures BTCUSDT (0), spot BTCUSDC (1), futures with odd grids (2).
pub fn instruments() -> Vec<Instrument> {
    from(
        r#"
        { "symbol": "BTCUSDT", "venue": "USDM", "tickSize": "0.1", "lotSize": "0.001", "priceDecimals": 2 },
        { "symbol": "BTCUSDC", "venue": "SPOT", "tickSize": "0.01", "lotSize": "0.00001",
          "priceDecimals": 8, "quantityDecimals": 8 },
        { "symbol": "ODD_240927", "venue": "USDM", "tickSize": "0.0025", "lotSize": "5", "priceDecimals": 5 }"#,
    )
}

/// One instrument, BTCUSDT, on Binance spot's grid.
pub fn spot() -> Vec<Instrument> {
    from(
        r#"{ "symbol": "BTCUSDT", "venue": "SPOT", "tickSize": "0.01", "lotSize": "0.00001",
             "priceDecimals": 8, "quantityDecimals": 8 }"#,
    )
}

pub fn from(list: &str) -> Vec<Instrument> {
    let text = format!(r#"{{ "venues": [{{ "name": "USDM" }}, {{ "name": "SPOT" }}], "instruments": [{list}] }}"#);
    EngineConfig::from_json(&text).expect("a good configuration").1.instruments
}

/// The messages of a recording, or `None` with a printed line when it is not there.
pub fn recording(name: &str) -> Option<Vec<Vec<u8>>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/binance").join(name);
    let Ok(file) = std::fs::File::open(&path) else {
        println!("skipped: no recording at {}", path.display());
        return None;
    };
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(file).read_to_end(&mut text).expect("a whole gzip stream");
    let messages = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    Some(
        messages
            .map(|line| {
                let space = line.iter().position(|&byte| byte == b' ').expect("a receive time and a space");
                line[space + 1..].to_vec()
            })
            .collect(),
    )
}
