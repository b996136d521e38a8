//! The recorded USD-M session as grid values, where it is there. Parsed with a general JSON library, so that it shares
//! nothing with the product's own parser.
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde_json::Value;
use types::{DepthHeader, InstrumentId, Level, Lots, SnapshotHeader, Ticks, Touch, TouchPrint, UnixNanos};

/// One line of the recording, trades left out.
pub enum Message {
    Depth(DepthHeader, Vec<Level>, Vec<Level>),
    Snapshot(SnapshotHeader, Vec<Level>, Vec<Level>),
    Touch(TouchPrint),
}

/// A printed decimal as a whole number of 10^-decimals.
fn steps(text: &Value, decimals: usize) -> i64 {
    let text = text.as_str().expect("a decimal in a string");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let padded: String = fraction.chars().chain(std::iter::repeat('0')).take(decimals).collect();
    assert!(fraction.chars().skip(decimals).all(|digit| digit == '0'), "{text} is off the grid");
    format!("{whole}{padded}").parse().expect("digits")
}

fn levels(side: &Value) -> Vec<Level> {
    let level = |pair: &Value| Level { price: Ticks(steps(&pair[0], 1)), quantity: Lots(steps(&pair[1], 3)) };
    side.as_array().expect("levels").iter().map(level).collect()
}

fn stamp(value: &Value) -> UnixNanos {
    UnixNanos(value.as_u64().expect("milliseconds") * 1_000_000)
}

/// Reads `usdm-btcusdt-20240808.gz` beside the checkout at `root`; `None` when it is not there.
pub fn recording_beside(root: &Path) -> Option<Vec<Message>> {
    let file = std::fs::File::open(root.join("../shared/data/binance/usdm-btcusdt-20240808.gz")).ok()?;
    let instrument = InstrumentId(0);
    let mut messages = Vec::new();
    for line in BufReader::new(flate2::read::GzDecoder::new(file)).lines() {
        let line = line.expect("a whole gzip stream");
        let (_, text) = line.split_once(' ').expect("time and message");
        let json: Value = serde_json::from_str(text).expect("JSON");
        if let Some(last_id) = json["lastUpdateId"].as_u64() {
            let header = SnapshotHeader { instrument, last_id, exchange_time: stamp(&json["T"]) };
            messages.push(Message::Snapshot(header, levels(&json["bids"]), levels(&json["asks"])));
            continue;
        }
        let body = &json["data"];
        match body["e"].as_str() {
            Some("depthUpdate") => {
                let header = DepthHeader {
                    instrument,
                    first_id: body["U"].as_u64().expect("U"),
                    last_id: body["u"].as_u64().expect("u"),
                    previous_id: body["pu"].as_u64(),
                    exchange_time: stamp(&body["T"]),
                };
                messages.push(Message::Depth(header, levels(&body["b"]), levels(&body["a"])));
            }
            Some("bookTicker") => messages.push(Message::Touch(TouchPrint {
                instrument,
                update_id: body["u"].as_u64().expect("u"),
                touch: Touch {
                    bid: Ticks(steps(&body["b"], 1)),
                    bid_lots: Lots(steps(&body["B"], 3)),
                    ask: Ticks(steps(&body["a"], 1)),
                    ask_lots: Lots(steps(&body["A"], 3)),
                },
                exchange_time: stamp(&body["T"]),
            })),
            _ => {}
        }
    }
    Some(messages)
}
