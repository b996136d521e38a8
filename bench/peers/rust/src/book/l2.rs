//! L2: updates near the touch and recorded ones, our ladder beside hftbacktest's depths and plain books.
use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;

use book::Ladder;
use hftbacktest::depth::{HashMapMarketDepth, L2MarketDepth, ROIVectorMarketDepth};
use serde_json::Value;
use types::rng::SplitMix64;
use types::{Lots, Side, Ticks};

use crate::recording::{Message, recording_beside};
use crate::row;
use crate::timing::Slices;

const UPDATES: usize = 1_000_000;
const ROUNDS: usize = 15;
/// Updates between two looks at the clock.
const SLICE: usize = 10_000;
const SEED: u64 = 7;
const TICK: f64 = 0.1;
const LOT: f64 = 0.001;
/// The rival's range of interest either side of the middle, in ticks; what is beyond it skips.
const RANGE: i64 = 50_000;

type Update = (Side, Ticks, Lots);

/// A touch that walks a tick now and then. Most updates change a level within some 20 ticks of it; one in eight removes
/// one.
fn near_touch(count: usize) -> Vec<Update> {
    let mut rng = SplitMix64::new(SEED);
    let mut bid = 600_000i64;
    let mut flow = Vec::with_capacity(count + 2);
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

fn recorded() -> Option<Vec<Update>> {
    let messages = recording_beside(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.."))?;
    let mut flow = Vec::new();
    for message in messages {
        let (Message::Depth(_, bids, asks) | Message::Snapshot(_, bids, asks)) = message else { continue };
        flow.extend(bids.iter().map(|level| (Side::Buy, level.price, level.quantity)));
        flow.extend(asks.iter().map(|level| (Side::Sell, level.price, level.quantity)));
    }
    Some(flow)
}

/// What every book answers to an update, so that all do the same work: the total before and the best price after.
trait Book {
    fn update(&mut self, side: Side, price: i64, lots: i64) -> (i64, i64);
}

impl Book for Ladder {
    #[inline]
    fn update(&mut self, side: Side, price: i64, lots: i64) -> (i64, i64) {
        let before = self.set(side, Ticks(price), Lots(lots)).map_or(0, |lots| lots.0);
        (before, self.best(side).map_or(0, |level| level.price.0))
    }
}

/// Levels sorted so that the best is last, as most hand-written books have them.
#[derive(Default)]
struct SortedVector([Vec<(i64, i64)>; 2]);

impl Book for SortedVector {
    #[inline]
    fn update(&mut self, side: Side, price: i64, lots: i64) -> (i64, i64) {
        let (levels, key) = (&mut self.0[side.index()], side.sign() * price);
        let before = match levels.binary_search_by(|level| level.0.cmp(&key)) {
            Ok(at) if lots == 0 => levels.remove(at).1,
            Ok(at) => std::mem::replace(&mut levels[at].1, lots),
            Err(at) => {
                if lots != 0 {
                    levels.insert(at, (key, lots));
                }
                0
            }
        };
        (before, levels.last().map_or(0, |level| side.sign() * level.0))
    }
}

#[derive(Default)]
struct Tree([BTreeMap<i64, i64>; 2]);

impl Book for Tree {
    #[inline]
    fn update(&mut self, side: Side, price: i64, lots: i64) -> (i64, i64) {
        let (levels, key) = (&mut self.0[side.index()], side.sign() * price);
        let before = if lots == 0 { levels.remove(&key) } else { levels.insert(key, lots) };
        (before.unwrap_or(0), levels.last_key_value().map_or(0, |(key, _)| side.sign() * key))
    }
}

fn ours(mut book: impl Book, flow: &[Update], slices: &mut Slices) -> i64 {
    // Behind a pointer, as in a program: a book all by itself on the stack would live in registers.
    let book = black_box(&mut book);
    let mut sum = 0i64;
    slices.run(flow, |slice| {
        for &(side, price, lots) in slice {
            let (before, best) = book.update(side, price.0, lots.0);
            sum = sum.wrapping_add(before ^ best);
        }
    });
    black_box(sum)
}

/// An update in the rival's units, prepared beforehand.
type Theirs = (Side, f64, f64);

fn rival(mut depth: impl L2MarketDepth, flow: &[Theirs], slices: &mut Slices) {
    let depth = black_box(&mut depth);
    let mut sum = (0.0, 0i64);
    slices.run(flow, |slice| {
        for &(side, price, quantity) in slice {
            let (_, _, best, before, _, _) = match side {
                Side::Buy => depth.update_bid_depth(price, quantity, 0),
                Side::Sell => depth.update_ask_depth(price, quantity, 0),
            };
            sum = (sum.0 + before, sum.1.wrapping_add(best));
        }
    });
    black_box(sum);
}

/// Nanoseconds an update, of each slice the best round: ours, ROI vector, hash map, sorted vector, tree.
fn compare(flow: &[Update]) -> [f64; 5] {
    let theirs: Vec<Theirs> =
        flow.iter().map(|&(side, price, lots)| (side, price.0 as f64 * TICK, lots.0 as f64 * LOT)).collect();
    let middle = flow.first().map_or(0, |update| update.1.0);
    let range = [middle - RANGE, middle + RANGE].map(|tick| tick as f64 * TICK);
    let mut slices = [(); 5].map(|()| Slices::new(SLICE, flow.len()));
    let [ladder, roi, hash, sorted, tree] = &mut slices;
    for _ in 0..ROUNDS {
        let sum = ours(Ladder::new(), flow, ladder);
        rival(ROIVectorMarketDepth::new(TICK, LOT, range[0], range[1]), &theirs, roi);
        rival(HashMapMarketDepth::new(TICK, LOT), &theirs, hash);
        let sorted_sum = ours(SortedVector::default(), flow, sorted);
        let tree_sum = ours(Tree::default(), flow, tree);
        assert!(sum == sorted_sum && sum == tree_sum, "the books agree");
    }
    slices.map(|slices| slices.nanos() / flow.len() as f64)
}

/// The rows of L2.
pub fn measure(rows: &mut Vec<Value>, notes: &mut Vec<String>) {
    let flows = [
        ("book/l2-near-touch", "L2 update, seeded flow near the touch", Some(near_touch(UPDATES))),
        ("book/l2-recorded", "L2 update, recorded BTCUSDT diffs", recorded()),
    ];
    for (id, what, flow) in flows {
        let Some(flow) = flow else {
            rows.push(row(id, what.into(), None, None, "ns"));
            notes.push(format!("skipped: {id}: no recording beside the checkout"));
            continue;
        };
        let [ladder, roi, hash, sorted, tree] = compare(&flow);
        let name = if roi <= hash { "hftbacktest 0.9.0, ROIVectorMarketDepth" } else { "hftbacktest 0.9.0, HashMap" };
        rows.push(row(id, what.into(), Some(ladder), Some((roi.min(hash), name)), "ns"));
        notes.push(format!(
            "{id}: {} updates; ours {ladder:.2}, hftbacktest ROI vector {roi:.2}, hash map {hash:.2}, sorted vector \
             {sorted:.2}, BTreeMap {tree:.2} ns; {} lie outside the ROI vector's range, which skips them",
            flow.len(),
            flow.iter().filter(|update| (update.1.0 - flow[0].1.0).abs() > RANGE).count()
        ));
    }
}
