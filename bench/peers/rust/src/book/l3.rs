//! L3: five million order messages, ours with dense and with sparse ids beside hftbacktest's.
use std::hint::black_box;
use std::time::Instant;

use book::{DenseIds, L3Book, OrderIds, SparseIds};
use hdrhistogram::Histogram;
use hftbacktest::depth::{L3MarketDepth, MarketDepth, ROIVectorMarketDepth};
use serde_json::Value;
use types::{Lots, Side, Ticks};

use crate::l3_flow::{self, Kind, Message};
use crate::row;
use crate::timing::Slices;

const MESSAGES: usize = 5_000_000;
const ROUNDS: usize = 8;
/// Messages between two looks at the clock.
const SLICE: usize = 10_000;
/// What our books are made for.
const ORDERS_MAX: usize = 1 << 15;
const TICK: f64 = 0.1;

#[inline(always)]
fn apply<I: OrderIds>(book: &mut L3Book<I>, m: &Message) -> bool {
    let lots = Lots(i64::from(m.lots));
    let outcome = match m.kind {
        Kind::Add => book.add(m.id, m.side, Ticks(i64::from(m.price)), lots),
        Kind::Cancel => book.cancel(m.id),
        Kind::Replace => book.replace(m.id, m.new_id, Ticks(i64::from(m.price)), lots),
        Kind::Reduce => book.reduce(m.id, lots),
        Kind::Execute | Kind::Fill => book.execute(m.id, lots),
    };
    outcome.is_ok()
}

/// One run; its allocations, and the touch at the end.
fn ours<I: OrderIds>(messages: &[Message], slices: &mut Slices) -> (u64, (i64, i64)) {
    let mut book = L3Book::<I>::new(ORDERS_MAX);
    let mut taken = 0usize;
    let ((), allocations) = testkit::allocations_during(|| {
        slices.run(messages, |slice| {
            taken += slice.iter().map(|message| usize::from(apply(&mut book, message))).sum::<usize>();
        });
    });
    assert_eq!(taken, messages.len(), "a valid flow: {:?}", book.counts());
    let touch = book.touch();
    (allocations.count, (touch.bid.0, touch.ask.0))
}

/// Every message by itself, the clock's own cost taken off.
fn quantiles<I: OrderIds>(messages: &[Message], clock_nanos: f64) -> [f64; 2] {
    let mut histogram = Histogram::<u64>::new_with_bounds(1, 1_000_000_000, 3).expect("fixed bounds are valid");
    let mut book = L3Book::<I>::new(ORDERS_MAX);
    for message in messages {
        let begun = Instant::now();
        black_box(apply(&mut book, message));
        histogram.saturating_record(begun.elapsed().as_nanos() as u64);
    }
    [0.5, 0.999].map(|quantile| (histogram.value_at_quantile(quantile) as f64 - clock_nanos).max(0.0))
}

/// A message in the rival's units, prepared beforehand.
struct Theirs {
    id: u64,
    new_id: u64,
    price: f64,
    lots: f64,
    kind: Kind,
    side: Side,
}

fn theirs(messages: &[Message]) -> Vec<Theirs> {
    let convert = |m: &Message| {
        let lots = if matches!(m.kind, Kind::Reduce | Kind::Execute) { m.left } else { m.lots };
        let (price, lots) = (f64::from(m.price) * TICK, f64::from(lots));
        Theirs { id: m.id, new_id: m.new_id, price, lots, kind: m.kind, side: m.side }
    };
    messages.iter().map(convert).collect()
}

fn rival(messages: &[Theirs], slices: &mut Slices) -> (i64, i64) {
    let mut depth = ROIVectorMarketDepth::new(TICK, 1.0, 590_000.0 * TICK, 610_000.0 * TICK);
    let mut taken = 0usize;
    let mut take = |m: &Theirs| {
        let add = |depth: &mut ROIVectorMarketDepth, id| match m.side {
            Side::Buy => depth.add_buy_order(id, m.price, m.lots, 0).is_ok(),
            Side::Sell => depth.add_sell_order(id, m.price, m.lots, 0).is_ok(),
        };
        taken += usize::from(match m.kind {
            Kind::Add => add(&mut depth, m.id),
            Kind::Cancel | Kind::Fill => depth.delete_order(m.id, 0).is_ok(),
            Kind::Reduce | Kind::Execute => depth.modify_order(m.id, m.price, m.lots, 0).is_ok(),
            Kind::Replace => depth.delete_order(m.id, 0).is_ok() && add(&mut depth, m.new_id),
        });
    };
    slices.run(messages, |slice| slice.iter().for_each(&mut take));
    assert_eq!(taken, messages.len());
    (depth.best_bid_tick(), depth.best_ask_tick())
}

/// The rows of L3.
pub fn measure(clock_nanos: f64, rows: &mut Vec<Value>, notes: &mut Vec<String>) {
    let dense = l3_flow::dense(MESSAGES);
    let sparse = l3_flow::sparse(&dense);
    let (dense_theirs, sparse_theirs) = (theirs(&dense), theirs(&sparse));
    let mut slices = [(); 4].map(|()| Slices::new(SLICE, MESSAGES));
    let mut allocations = 0;
    for _ in 0..ROUNDS {
        let (dense_allocations, touch) = ours::<DenseIds>(&dense, &mut slices[0]);
        let rival_touch = rival(&dense_theirs, &mut slices[1]);
        let (sparse_allocations, sparse_touch) = ours::<SparseIds>(&sparse, &mut slices[2]);
        rival(&sparse_theirs, &mut slices[3]);
        assert!(touch == rival_touch && touch == sparse_touch, "the books agree: {touch:?} {rival_touch:?}");
        allocations += dense_allocations + sparse_allocations;
    }
    let best = slices.map(|slices| slices.nanos() / MESSAGES as f64);
    let name = "hftbacktest 0.9.0, L3 of ROIVectorMarketDepth, no queues";
    rows.push(row("book/l3-dense", "L3 message, ids that count up".into(), Some(best[0]), Some((best[1], name)), "ns"));
    rows.push(row("book/l3-sparse", "L3 message, arbitrary ids".into(), Some(best[2]), None, "ns"));
    let what = format!("allocations in {} L3 messages", 2 * ROUNDS * MESSAGES);
    rows.push(row("book/l3-allocations", what, Some(allocations as f64), None, "allocations"));
    notes.push(format!(
        "L3 with arbitrary ids: hftbacktest {:.1} ns beside, {:.1} x ours; CppTrader is listed, not run beside",
        best[3],
        best[3] / best[2]
    ));
    for (what, [median, tail]) in [
        ("dense", quantiles::<DenseIds>(&dense, clock_nanos)),
        ("sparse", quantiles::<SparseIds>(&sparse, clock_nanos)),
    ] {
        notes.push(format!("L3 {what}, one message by itself, less the clock: p50 {median:.0} ns, p99.9 {tail:.0} ns"));
    }
    let share = |kind| 100.0 * dense.iter().filter(|m| m.kind == kind).count() as f64 / dense.len() as f64;
    notes.push(format!(
        "L3 flow: {MESSAGES} messages, about {} orders resting; adds {:.0} %, cancels {:.0} %, replaces {:.0} %, \
         partial cancels {:.0} %, partial executions {:.1} %, full executions {:.1} %",
        l3_flow::RESTING,
        share(Kind::Add),
        share(Kind::Cancel),
        share(Kind::Replace),
        share(Kind::Reduce),
        share(Kind::Execute),
        share(Kind::Fill)
    ));
}
