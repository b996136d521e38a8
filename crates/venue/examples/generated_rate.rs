//! What the generated market looks like, and what an event of it costs.
//! `cargo run --release -p fafnir-venue --example generated_rate [seconds] [seed]`
use std::time::Instant;

use fafnir_venue::{FeedBatch, FeedItem, GeneratedVenue, reserve_reports};
use types::config::{EngineConfig, Feed, GeneratedConfig};

const CONFIG: &str = r#"{ "venues": [{ "name": "GENERATED" }],
  "instruments": [{ "symbol": "BTCUSDT", "venue": "GENERATED", "tickSize": "0.1", "lotSize": "0.001" }] }"#;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>().expect("a number"));
    let seconds = arguments.next().unwrap_or(60) as u32;
    let seed = arguments.next().unwrap_or(1);
    let (_, setup) = EngineConfig::from_json(CONFIG).expect("a good configuration");
    let config = GeneratedConfig { seed, seconds, ..GeneratedConfig::default() };
    let mut venue = GeneratedVenue::new(&setup.instruments[0], &config, Feed::BinanceUsdm).expect("a good market");
    let (mut feed, mut reports) = (FeedBatch::new(), reserve_reports());
    let (mut steps, mut trades, mut touches, mut diffs, mut levels) = (0u64, 0u64, 0u64, 0u64, 0u64);
    let (mut mids, mut last_mid, mut squares, mut filled_at) = (0u64, None, 0.0, 0.0);
    let (mut spreads, mut low, mut high) = ([0u64; 8], i64::MAX, 0);
    let start = venue.next_event_time().expect("an event").0;
    let clock = Instant::now();
    while let Some(now) = venue.step(&mut feed, &mut reports) {
        steps += 1;
        for item in &feed.items {
            match item {
                FeedItem::Trade(_) => trades += 1,
                FeedItem::Depth { bids, asks, .. } => {
                    diffs += 1;
                    levels += (bids.length + asks.length) as u64;
                }
                FeedItem::Snapshot { .. } => {}
                FeedItem::Touch(print) => {
                    touches += 1;
                    let mid = print.touch.mid_half_ticks().expect("two-sided");
                    (low, high) = (low.min(mid), high.max(mid));
                    spreads[((print.touch.ask.0 - print.touch.bid.0) as usize).min(7)] += 1;
                    if last_mid != Some(mid) {
                        mids += 1;
                        squares += last_mid.map_or(0.0, |last: i64| ((mid - last) as f64 / 2.0).powi(2));
                        last_mid = Some(mid);
                        if mids == 1_001 {
                            filled_at = (now.0 - start) as f64 / 1e9;
                        }
                    }
                }
            }
        }
        feed.clear();
    }
    let elapsed = clock.elapsed().as_secs_f64();
    println!("events {steps} in {elapsed:.3} s: {:.0} per second", steps as f64 / elapsed);
    println!("trades {trades}, touches {touches}, diffs {diffs} with {levels} levels, skipped {}", venue.skipped());
    println!("changed mids {mids}; a window of 1000 is full after {filled_at:.1} s");
    println!("volatility {:.2} ticks per square-root second", (squares / seconds as f64).sqrt());
    println!("spread in ticks, touches with 0..7+: {spreads:?}");
    println!(
        "mid from {} to {} ticks, levels {} and {}, orders {}",
        low / 2,
        high / 2,
        venue.market().levels(types::Side::Buy).count(),
        venue.market().levels(types::Side::Sell).count(),
        venue.market().len()
    );
}
