//! Prints what a ladder update costs: `cargo run --release -p fafnir-book --example ladder_cost`.
//! Flows are prepared beforehand, so that only the ladder is timed; the best of nine passes is shown, and the median.
#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;
use std::time::Instant;

use fafnir_book::{DepthOutcome, Ladder, MarketBook, Rule};
use support::Message;
use types::rng::SplitMix64;
use types::{Level, Lots, Side, Ticks};

type Update = (Side, Ticks, Lots);

const PASSES: usize = 9;
const SEED: u64 = 7;

/// A touch that walks a tick now and then. Most updates change a level within some 20 ticks of it; one in eight adds or
/// removes one, among them the best.
fn near_touch(count: usize) -> Vec<Update> {
    let mut rng = SplitMix64::new(SEED);
    let mut bid = 600_000i64;
    let mut flow = Vec::with_capacity(count);
    while flow.len() < count {
        let side = Side::BOTH[rng.below(2) as usize];
        let best = if side == Side::Buy { bid } else { bid + 1 };
        let depth = rng.below(8) * rng.below(4);
        let lots = if rng.below(8) == 0 { 0 } else { 1 + rng.below(5_000) as i64 };
        flow.push((side, Ticks(best - side.sign() * depth as i64), Lots(lots)));
        if rng.below(64) == 0 {
            // The touch moves: the level in the way goes, so that the book never crosses.
            let up = rng.below(2) == 0;
            let (gone, price) = if up { (Side::Sell, bid + 1) } else { (Side::Buy, bid) };
            flow.push((gone, Ticks(price), Lots(0)));
            flow.push((gone.opposite(), Ticks(price), Lots(3)));
            bid += if up { 1 } else { -1 };
        }
    }
    flow
}

/// The touch leaps 5,000 ticks every 64 updates: re-centring at its most frequent.
fn leaping(count: usize) -> Vec<Update> {
    let mut rng = SplitMix64::new(SEED);
    let mut flow = Vec::with_capacity(count);
    for i in 0..count {
        let side = Side::BOTH[rng.below(2) as usize];
        let centre = if (i / 64) % 2 == 0 { 0 } else { 5_000 };
        let price = centre - side.sign() * (1 + rng.below(200) as i64);
        flow.push((side, Ticks(price), Lots(if rng.below(2) == 0 { 0 } else { 5 })));
    }
    flow
}

fn report(what: &str, updates: usize, mut pass: impl FnMut() -> f64) {
    let mut ns: Vec<f64> = (0..PASSES).map(|_| pass() / updates as f64).collect();
    ns.sort_by(f64::total_cmp);
    println!("{what:<44} {updates:>9} {:>8.2} {:>8.2}", ns[0], ns[PASSES / 2]);
}

fn timed(body: impl FnOnce()) -> f64 {
    let start = Instant::now();
    body();
    start.elapsed().as_nanos() as f64
}

/// Uses every answer without forcing it through memory, which would cost more than the update.
fn write_all(ladder: &mut Ladder, flow: &[Update]) {
    let mut sum = 0i64;
    for &(side, price, lots) in flow {
        if let Ok(before) = ladder.set(side, price, lots) {
            sum = sum.wrapping_add(before.0);
        }
    }
    black_box(sum);
}

fn write_and_read(ladder: &mut Ladder, flow: &[Update]) {
    let mut sum = 0i64;
    for &(side, price, lots) in flow {
        let _ = ladder.set(side, price, lots);
        let touch = ladder.touch();
        sum = sum.wrapping_add(touch.bid.0 ^ touch.ask.0 ^ touch.bid_lots.0 ^ touch.ask_lots.0);
    }
    black_box(sum);
}

fn recorded() {
    let Some(messages) = support::recording() else { return };
    let levels = |message: &Message| match message {
        Message::Depth(_, bids, asks) => bids.len() + asks.len(),
        _ => 0,
    };
    let updates: usize = messages.iter().map(levels).sum();
    report("recorded diffs, per level, whole MarketBook", updates, || {
        let mut market = MarketBook::new(Rule::Usdm);
        let mut spent = 0.0;
        for message in &messages {
            match message {
                Message::Depth(header, bids, asks) => {
                    spent += timed(|| {
                        let outcome = market.on_depth(header, bids, asks);
                        debug_assert!(!matches!(outcome, DepthOutcome::Gap { .. }));
                        black_box(outcome);
                    })
                }
                Message::Snapshot(header, bids, asks) => {
                    black_box(market.on_snapshot(header, bids, asks));
                }
                Message::Touch(print) => {
                    black_box(market.on_touch(print));
                }
            }
        }
        spent
    });
    let flow: Vec<Update> = messages
        .iter()
        .flat_map(|message| match message {
            Message::Depth(_, bids, asks) => [(Side::Buy, bids.as_slice()), (Side::Sell, asks.as_slice())],
            _ => [(Side::Buy, &[][..]), (Side::Sell, &[][..])],
        })
        .flat_map(|(side, levels)| levels.iter().map(move |&Level { price, quantity }| (side, price, quantity)))
        .collect();
    let mut ladder = Ladder::new();
    report("recorded diffs, ladder alone", flow.len(), || timed(|| write_all(&mut ladder, &flow)));
}

fn main() {
    println!("{:<44} {:>9} {:>8} {:>8}", "what", "updates", "best ns", "p50 ns");
    let (near, leaps) = (near_touch(1_000_000), leaping(100_000));
    let mut ladder = Ladder::new();
    report("near the touch, update", near.len(), || timed(|| write_all(&mut ladder, &near)));
    let mut ladder = Ladder::new();
    report("near the touch, update and read the touch", near.len(), || timed(|| write_and_read(&mut ladder, &near)));
    let mut ladder = Ladder::new();
    report("touch leaps 5,000 ticks every 64 updates", leaps.len(), || timed(|| write_all(&mut ladder, &leaps)));
    recorded();
}
