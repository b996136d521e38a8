//! Encoded messages: golden bytes, back through the decoder, and through an independent reader.
use crate::support;

use fafnir_wire::json::encode::{self, Envelope};
use fafnir_wire::json::{Decoder, FeedMessage, Scope};
use serde_json::Value;
use types::config::Feed;
use types::rng::SplitMix64;
use types::{
    DepthHeader, Instrument, InstrumentId, Level, Lots, Side, SnapshotHeader, Ticks, Touch, TouchPrint, TradePrint,
    UnixNanos,
};

const MILLI: u64 = 1_000_000;

fn shown(out: &[u8]) -> &str {
    std::str::from_utf8(out).unwrap()
}

#[test]
fn bytes_are_those_of_the_venue() {
    let (usdm, spot) = (&support::instruments()[0], &support::spot()[0]);
    let mut out = Vec::new();
    let touch = Touch { bid: Ticks(618_002), bid_lots: Lots(2_507), ask: Ticks(618_003), ask_lots: Lots(2_510) };
    let exchange_time = UnixNanos(1_723_161_256_313 * MILLI);
    let print = TouchPrint { instrument: InstrumentId(0), update_id: 5_123_107_839_020, touch, exchange_time };
    encode::touch(&mut out, Feed::BinanceUsdm, Envelope::Stream, usdm, &print);
    assert_eq!(
        shown(&out),
        concat!(
            r#"{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":5123107839020,"s":"BTCUSDT","#,
            r#""b":"61800.20","B":"2.507","a":"61800.30","A":"2.510","T":1723161256313,"E":1723161256313}}"#,
        )
    );
    let touch =
        Touch { bid: Ticks(6_168_599), bid_lots: Lots(125_869), ask: Ticks(6_168_600), ask_lots: Lots(244_816) };
    let print = TouchPrint { touch, update_id: 50_093_421_613, ..print };
    encode::touch(&mut out, Feed::BinanceSpot, Envelope::Stream, spot, &print);
    assert_eq!(
        shown(&out),
        concat!(
            r#"{"stream":"btcusdt@bookTicker","data":{"u":50093421613,"s":"BTCUSDT","b":"61685.99000000","#,
            r#""B":"1.25869000","a":"61686.00000000","A":"2.44816000"}}"#,
        )
    );
    let print = TradePrint {
        instrument: InstrumentId(0),
        trade_id: 5_266_583_935,
        price: Ticks(618_003),
        quantity: Lots(6),
        aggressor: Side::Buy,
        exchange_time: UnixNanos(1_723_161_256_322 * MILLI),
    };
    encode::trade(&mut out, Feed::BinanceUsdm, Envelope::Stream, usdm, &print);
    assert_eq!(
        shown(&out),
        concat!(
            r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161256322,"T":1723161256322,"s":"BTCUSDT","#,
            r#""t":5266583935,"p":"61800.30","q":"0.006","X":"MARKET","m":false}}"#,
        )
    );
    let print = TradePrint { price: Ticks(6_168_599), quantity: Lots(17), aggressor: Side::Sell, ..print };
    encode::trade(&mut out, Feed::BinanceSpot, Envelope::Bare, spot, &print);
    assert_eq!(
        shown(&out),
        concat!(
            r#"{"e":"trade","E":1723161256322,"s":"BTCUSDT","t":5266583935,"p":"61685.99000000","q":"0.00017000","#,
            r#""T":1723161256322,"m":true,"M":true}"#,
        )
    );
    let header = SnapshotHeader { instrument: InstrumentId(0), last_id: 7, exchange_time: UnixNanos(3 * MILLI) };
    encode::snapshot(&mut out, Feed::BinanceUsdm, usdm, &header, &[], &[Level { price: Ticks(5), quantity: Lots(1) }]);
    assert_eq!(shown(&out), r#"{"lastUpdateId":7,"E":3,"T":3,"bids":[],"asks":[["0.50","0.001"]]}"#);
}

fn side(rng: &mut SplitMix64, most: u64) -> Vec<Level> {
    let count = rng.below(most);
    (0..count)
        .map(|_| Level { price: Ticks(steps(rng)), quantity: Lots(steps(rng) * (rng.below(4) > 0) as i64) })
        .collect()
}

/// Any magnitude that fits an i64 after the grid's increment.
fn steps(rng: &mut SplitMix64) -> i64 {
    (rng.next_u64() >> (1 + rng.below(62))) as i64
}

fn check(
    decoder: &mut Decoder,
    out: &[u8],
    instruments: &[Instrument],
    id: InstrumentId,
    expected: FeedMessage,
    seed: u64,
) {
    let scope = Scope::Instrument(id);
    assert_eq!(decoder.decode(out, scope, instruments), Ok(expected), "seed {seed}: {}", shown(out));
    let value: Value = serde_json::from_slice(out).unwrap();
    let value = value.get("data").unwrap_or(&value);
    if let Some(symbol) = value.get("s") {
        assert_eq!(symbol.as_str(), Some(instruments[id.index()].symbol()));
    }
}

#[test]
fn decoding_gives_back_what_was_encoded() {
    let seed = 42;
    let mut rng = SplitMix64::new(seed);
    let instruments = support::instruments();
    let mut decoder = Decoder::new();
    let mut out = Vec::new();
    for round in 0..40_000 {
        let instrument = &instruments[rng.below(instruments.len() as u64) as usize];
        let (feed, envelope) = (
            if rng.below(2) == 0 { Feed::BinanceUsdm } else { Feed::BinanceSpot },
            if rng.below(2) == 0 { Envelope::Bare } else { Envelope::Stream },
        );
        let spot = feed == Feed::BinanceSpot;
        let exchange_time = UnixNanos(rng.below(2_000_000_000_000) * MILLI);
        let untimed = if spot { UnixNanos::NONE } else { exchange_time };
        let id = instrument.id;
        match round % 4 {
            0 => {
                let touch = Touch {
                    bid: Ticks(steps(&mut rng)),
                    bid_lots: Lots(steps(&mut rng)),
                    ask: Ticks(steps(&mut rng)),
                    ask_lots: Lots(steps(&mut rng)),
                };
                let print = TouchPrint { instrument: id, update_id: rng.next_u64(), touch, exchange_time: untimed };
                encode::touch(&mut out, feed, envelope, instrument, &print);
                check(&mut decoder, &out, &instruments, id, FeedMessage::Touch(print), seed);
            }
            1 => {
                let print = TradePrint {
                    instrument: id,
                    trade_id: rng.next_u64(),
                    price: Ticks(steps(&mut rng)),
                    quantity: Lots(steps(&mut rng).max(1)),
                    aggressor: Side::BOTH[rng.below(2) as usize],
                    exchange_time,
                };
                encode::trade(&mut out, feed, envelope, instrument, &print);
                check(&mut decoder, &out, &instruments, id, FeedMessage::Trade(print), seed);
            }
            2 => {
                let (bids, asks) = (side(&mut rng, 40), side(&mut rng, 40));
                let previous_id = if !spot && rng.below(2) == 0 { Some(rng.next_u64()) } else { None };
                let (first_id, last_id) = (rng.next_u64(), rng.next_u64());
                let header = DepthHeader { instrument: id, first_id, last_id, previous_id, exchange_time };
                encode::depth(&mut out, feed, envelope, instrument, &header, &bids, &asks);
                check(&mut decoder, &out, &instruments, id, FeedMessage::Depth(header), seed);
                assert_eq!((decoder.bids(), decoder.asks()), (&bids[..], &asks[..]), "seed {seed}: {}", shown(&out));
            }
            _ => {
                let (bids, asks) = (side(&mut rng, 40), side(&mut rng, 40));
                let header = SnapshotHeader { instrument: id, last_id: rng.next_u64(), exchange_time: untimed };
                encode::snapshot(&mut out, feed, instrument, &header, &bids, &asks);
                check(&mut decoder, &out, &instruments, id, FeedMessage::Snapshot(header), seed);
                assert_eq!((decoder.bids(), decoder.asks()), (&bids[..], &asks[..]), "seed {seed}: {}", shown(&out));
            }
        }
    }
}

/// An independent reader finds the exact decimals: text of a level against 128-bit arithmetic.
#[test]
fn an_independent_reader_finds_the_same_decimals() {
    let instruments = support::instruments();
    let mut rng = SplitMix64::new(9);
    let mut out = Vec::new();
    for _ in 0..2_000 {
        let instrument = &instruments[rng.below(instruments.len() as u64) as usize];
        let levels = side(&mut rng, 10);
        let header = SnapshotHeader { instrument: instrument.id, last_id: 1, exchange_time: UnixNanos::NONE };
        encode::snapshot(&mut out, Feed::BinanceUsdm, instrument, &header, &levels, &[]);
        let value: Value = serde_json::from_slice(&out).unwrap();
        let read = value["bids"].as_array().unwrap();
        assert_eq!(read.len(), levels.len());
        for (level, pair) in levels.iter().zip(read) {
            for (steps, grid, decimals, text) in [
                (level.price.0, instrument.price, instrument.price_decimals, &pair[0]),
                (level.quantity.0, instrument.quantity, instrument.quantity_decimals, &pair[1]),
            ] {
                let text = text.as_str().unwrap();
                let digits: i128 = text.replace('.', "").parse().unwrap();
                let beyond = 10i128.pow((decimals - grid.scale) as u32);
                assert_eq!(digits, steps as i128 * grid.increment as i128 * beyond, "{text}");
                assert_eq!(text.split_once('.').map_or(0, |(_, fraction)| fraction.len()), decimals as usize, "{text}");
            }
        }
    }
}

#[test]
fn the_output_is_reused() {
    let instruments = support::instruments();
    let header = SnapshotHeader { instrument: InstrumentId(0), last_id: 1, exchange_time: UnixNanos::NONE };
    let mut out = Vec::with_capacity(1_000);
    let place = out.as_ptr();
    for _ in 0..3 {
        encode::snapshot(&mut out, Feed::BinanceSpot, &instruments[0], &header, &[], &[]);
        assert_eq!(shown(&out), r#"{"lastUpdateId":1,"bids":[],"asks":[]}"#);
    }
    assert_eq!((out.as_ptr(), out.capacity()), (place, 1_000));
}
