//! The recordings, whole: counts known from an independent reader, and every value against one.
use crate::support;

use fafnir_wire::json::{Decoder, FeedMessage, Scope};
use serde_json::Value;
use types::{Code, Decimal, Instrument, Level, Side, VenueId};

#[derive(Default, PartialEq, Debug)]
struct Counts {
    depth: usize,
    touch: usize,
    trade: usize,
    snapshot: usize,
    off_grid: usize,
    other: usize,
}

fn counts(messages: &[Vec<u8>], instruments: &[Instrument], check: bool) -> Counts {
    let venue = instruments[0].venue;
    let mut decoder = Decoder::new();
    let mut counts = Counts::default();
    for message in messages {
        let decoded = decoder.decode(message, Scope::Venue(venue), instruments);
        match decoded {
            Ok(FeedMessage::Depth(_)) => counts.depth += 1,
            Ok(FeedMessage::Touch(_)) => counts.touch += 1,
            Ok(FeedMessage::Trade(_)) => counts.trade += 1,
            Ok(FeedMessage::Snapshot(_)) => counts.snapshot += 1,
            Err(Code::OffGrid) => counts.off_grid += 1,
            _ => counts.other += 1,
        }
        if check && let Ok(known) = decoded {
            compare(&known, decoder.bids(), decoder.asks(), message, &instruments[0]);
        }
    }
    counts
}

fn steps(value: &Value, grid: &types::Grid) -> i64 {
    grid.steps(Decimal::parse(value.as_str().unwrap()).unwrap()).unwrap()
}

fn same_levels(levels: &[Level], values: &Value, instrument: &Instrument) {
    let values = values.as_array().unwrap();
    assert_eq!(levels.len(), values.len());
    for (level, value) in levels.iter().zip(values) {
        assert_eq!(level.price.0, steps(&value[0], &instrument.price));
        assert_eq!(level.quantity.0, steps(&value[1], &instrument.quantity));
    }
}

fn compare(known: &FeedMessage, bids: &[Level], asks: &[Level], message: &[u8], instrument: &Instrument) {
    let value: Value = serde_json::from_slice(message).unwrap();
    let value = value.get("data").unwrap_or(&value);
    let stamp = value["T"].as_u64().or(value["E"].as_u64()).unwrap_or(0) * 1_000_000;
    match known {
        FeedMessage::Depth(header) => {
            let ids = (Some(header.first_id), Some(header.last_id), header.previous_id, header.exchange_time.0);
            assert_eq!(ids, (value["U"].as_u64(), value["u"].as_u64(), value["pu"].as_u64(), stamp));
            same_levels(bids, &value["b"], instrument);
            same_levels(asks, &value["a"], instrument);
        }
        FeedMessage::Snapshot(header) => {
            assert_eq!((Some(header.last_id), header.exchange_time.0), (value["lastUpdateId"].as_u64(), stamp));
            same_levels(bids, &value["bids"], instrument);
            same_levels(asks, &value["asks"], instrument);
        }
        FeedMessage::Touch(print) => {
            assert_eq!((Some(print.update_id), print.exchange_time.0), (value["u"].as_u64(), stamp));
            assert_eq!(print.touch.bid.0, steps(&value["b"], &instrument.price));
            assert_eq!(print.touch.bid_lots.0, steps(&value["B"], &instrument.quantity));
            assert_eq!(print.touch.ask.0, steps(&value["a"], &instrument.price));
            assert_eq!(print.touch.ask_lots.0, steps(&value["A"], &instrument.quantity));
        }
        FeedMessage::Trade(print) => {
            assert_eq!((Some(print.trade_id), print.exchange_time.0), (value["t"].as_u64(), stamp));
            assert_eq!(print.price.0, steps(&value["p"], &instrument.price));
            assert_eq!(print.quantity.0, steps(&value["q"], &instrument.quantity));
            assert_eq!(value["m"].as_bool(), Some(print.aggressor == Side::Sell));
        }
        FeedMessage::Other => panic!("unexpected: {}", message.escape_ascii()),
    }
}

#[test]
fn usdm_recording_is_read_whole() {
    let Some(messages) = support::recording("usdm-btcusdt-20240808.gz") else { return };
    let instruments =
        support::from(r#"{ "symbol": "BTCUSDT", "venue": "USDM", "tickSize": "0.1", "lotSize": "0.001" }"#);
    let expected = Counts { depth: 6_551, touch: 66_089, trade: 21_313, snapshot: 1, off_grid: 0, other: 0 };
    assert_eq!(counts(&messages, &instruments, true), expected);
}

#[test]
fn spot_recording_is_read_whole() {
    let Some(messages) = support::recording("spot-btcusdt-20240809.gz") else { return };
    assert_eq!(support::spot()[0].venue, VenueId(1));
    // Four of its depth messages carry an old order of a finer quantity than today's lot of 0.00001, such as
    // 191.38900600.
    let expected = Counts { depth: 3_040, touch: 45_134, trade: 10_147, snapshot: 0, off_grid: 4, other: 0 };
    assert_eq!(counts(&messages, &support::spot(), false), expected);
    // The lot is the finest quantity the feed prints: 0.00000001 takes all.
    let list =
        r#"{ "symbol": "BTCUSDT", "venue": "SPOT", "tickSize": "0.01", "lotSize": "0.00000001", "priceDecimals": 8 }"#;
    let expected = Counts { depth: 3_044, off_grid: 0, ..expected };
    assert_eq!(counts(&messages, &support::from(list), true), expected);
}
