//! What a message costs: `cargo run --release -p fafnir-wire --example decode_cost`.
//! Decoding is timed over the recordings where they are there, one kind at a time; encoding over made-up values.
//! Each figure is the best of several passes, with everything in cache: the decoder's own work and nothing else.
#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;
use std::time::Instant;

use fafnir_wire::fix::{self, Header};
use fafnir_wire::json::encode::{self, Envelope};
use fafnir_wire::json::{Decoder, FeedMessage, Scope};
use types::config::Feed;
use types::{Instrument, InstrumentId, Lots, OrderId, Side, Ticks, Touch, TouchPrint, UnixNanos, VenueId, flag};

const PASSES: usize = 200;
const SAMPLE_BYTES: usize = 256 * 1024;

fn best(mut pass: impl FnMut()) -> f64 {
    (0..PASSES).fold(f64::MAX, |best, _| {
        let start = Instant::now();
        pass();
        best.min(start.elapsed().as_nanos() as f64)
    })
}

fn decoding(title: &str, file: &str, instruments: &[Instrument], venue: VenueId, reorder: bool) {
    let Some(mut messages) = support::recording(file) else { return };
    if reorder {
        // White space in front is enough to leave the quick way.
        messages.iter_mut().for_each(|message| message.insert(0, b' '));
    }
    let mut decoder = Decoder::new();
    let mut kinds: [(&str, Vec<&[u8]>); 4] =
        ["bookTicker", "trade", "depth", "snapshot"].map(|kind| (kind, Vec::new()));
    for message in &messages {
        let place = match decoder.decode(message, Scope::Venue(venue), instruments) {
            Ok(FeedMessage::Touch(_)) => 0,
            Ok(FeedMessage::Trade(_)) => 1,
            Ok(FeedMessage::Depth(_)) => 2,
            Ok(FeedMessage::Snapshot(_)) => 3,
            _ => continue,
        };
        kinds[place].1.push(message);
    }
    for (kind, messages) in &kinds {
        if messages.is_empty() {
            continue;
        }
        // An even sample that stays in the second-level cache, side by side as in a receive buffer.
        let every = (messages.iter().map(|message| message.len()).sum::<usize>() / SAMPLE_BYTES).max(1);
        let text: Vec<u8> = messages.iter().step_by(every).flat_map(|message| message.iter().copied()).collect();
        let mut rest = &text[..];
        let messages: Vec<&[u8]> = messages.iter().step_by(every).map(|m| rest.split_off(..m.len()).unwrap()).collect();
        let mut levels = 0;
        for message in &messages {
            decoder.decode(message, Scope::Venue(venue), instruments).unwrap();
            levels += decoder.bids().len() + decoder.asks().len();
        }
        let nanos = best(|| {
            for message in &messages {
                black_box(decoder.decode(black_box(message), Scope::Venue(venue), instruments).is_ok());
            }
        });
        let bytes = messages.iter().map(|message| message.len()).sum::<usize>();
        let count = messages.len() as f64;
        print!(
            "{title:<22} {kind:<11} {:>6} messages {:>6.0} bytes each {:>9.1} ns each",
            count,
            bytes as f64 / count,
            nanos / count
        );
        if levels > 0 {
            print!(" {:>6.1} levels each {:>6.2} ns a level", levels as f64 / count, nanos / levels as f64);
        }
        println!();
    }
}

fn encoding(instrument: &Instrument) {
    const ROUNDS: u64 = 10_000;
    let time = UnixNanos(1_723_161_256_322_000_000);
    let mut out = [0; types::limits::FIX_MESSAGE_BYTES_MAX];
    let order = |n: u64| fix::NewOrder {
        cl_ord_id: OrderId::new(17, n as u32 + 1),
        instrument,
        side: Side::Buy,
        price: Ticks(618_002 + n as i64 % 100),
        quantity: Lots(10 + n as i64 % 7),
        flags: flag::POST_ONLY,
    };
    let header =
        |n: u64| Header { sender: b"FAFNIR", target: b"BINANCE", sequence: n + 1, time: UnixNanos(time.0 + n * 1_000) };
    let nanos = best(|| {
        for n in 0..ROUNDS {
            black_box(fix::new_order(&mut out, &header(n), &order(n)).is_ok());
        }
    });
    println!("{:<22} {:<11} {:>9.1} ns each", "fix", "D", nanos / ROUNDS as f64);
    let nanos = best(|| {
        for n in 0..ROUNDS {
            let o = order(n);
            let cancel = fix::CancelOrder {
                cl_ord_id: o.cl_ord_id,
                orig_cl_ord_id: OrderId::new(17, 3),
                instrument,
                side: o.side,
                quantity: o.quantity,
            };
            black_box(fix::cancel_order(&mut out, &header(n), &cancel).is_ok());
        }
    });
    println!("{:<22} {:<11} {:>9.1} ns each", "fix", "F", nanos / ROUNDS as f64);
    let mut text = Vec::with_capacity(4_096);
    let nanos = best(|| {
        for n in 0..ROUNDS {
            let touch = Touch {
                bid: Ticks(618_002 + n as i64 % 100),
                bid_lots: Lots(2_507),
                ask: Ticks(618_103),
                ask_lots: Lots(2_510),
            };
            let print = TouchPrint {
                instrument: InstrumentId(0),
                update_id: 5_123_107_839_020 + n,
                touch,
                exchange_time: time,
            };
            encode::touch(&mut text, Feed::BinanceUsdm, Envelope::Stream, instrument, &print);
            black_box(text.len());
        }
    });
    println!("{:<22} {:<11} {:>9.1} ns each", "json encode", "bookTicker", nanos / ROUNDS as f64);
}

fn main() {
    let usdm = support::from(r#"{ "symbol": "BTCUSDT", "venue": "USDM", "tickSize": "0.1", "lotSize": "0.001" }"#);
    let usdm_file = "usdm-btcusdt-20240808.gz";
    decoding("usdm", usdm_file, &usdm, VenueId(0), false);
    decoding("spot", "spot-btcusdt-20240809.gz", &support::spot(), VenueId(1), false);
    decoding("usdm, the plain way", usdm_file, &usdm, VenueId(0), true);
    encoding(&usdm[0]);
}
