//! The recorded USD-M session, joined and followed, against a map that applies the same diffs.
mod support;

use std::collections::BTreeMap;

use fafnir_book::{DepthOutcome, MarketBook, Rule, TouchOutcome, TouchSource};
use support::Message;
use types::{Level, Side, Touch};

type Sides = [BTreeMap<i64, i64>; 2];

fn put(sides: &mut Sides, bids: &[Level], asks: &[Level]) {
    for (side, levels) in sides.iter_mut().zip([bids, asks]) {
        for level in levels {
            if level.quantity.0 == 0 {
                side.remove(&level.price.0);
            } else {
                side.insert(level.price.0, level.quantity.0);
            }
        }
    }
}

fn assert_same(market: &MarketBook, sides: &Sides) {
    let bids: Vec<_> = market.levels(Side::Buy).map(|level| (level.price.0, level.quantity.0)).collect();
    let asks: Vec<_> = market.levels(Side::Sell).map(|level| (level.price.0, level.quantity.0)).collect();
    assert!(bids.iter().copied().eq(sides[0].iter().rev().map(|(&price, &lots)| (price, lots))));
    assert!(asks.iter().copied().eq(sides[1].iter().map(|(&price, &lots)| (price, lots))));
}

#[test]
fn recorded_session_joins_once_and_never_breaks() {
    let Some(messages) = support::recording() else { return };
    let mut market = MarketBook::new(Rule::Usdm);
    let mut sides = Sides::default();
    // Diffs seen with what they became: before the join, after it.
    let (mut before_join, mut after_join, mut touches, mut same_state) = (0, 0, 0, 0);
    let mut pending: Vec<(u64, Vec<Level>, Vec<Level>)> = Vec::new();
    for message in &messages {
        match message {
            Message::Depth(header, bids, asks) => match market.on_depth(header, bids, asks) {
                DepthOutcome::Buffered { dropped: 0, .. } => pending.push((header.last_id, bids.clone(), asks.clone())),
                DepthOutcome::Applied => {
                    after_join += 1;
                    put(&mut sides, bids, asks);
                    if after_join % 64 == 0 {
                        assert_same(&market, &sides);
                    }
                    let touch = market.l2_touch().expect("valid").touch;
                    assert_eq!(Some(touch.bid.0), sides[0].keys().next_back().copied());
                    assert_eq!(Some(touch.ask.0), sides[1].keys().next().copied());
                }
                other => panic!("{header:?}: {other:?}"),
            },
            Message::Snapshot(header, bids, asks) => {
                put(&mut sides, bids, asks);
                let (old, kept): (Vec<_>, Vec<_>) = pending.drain(..).partition(|diff| diff.0 < header.last_id);
                before_join = old.len();
                after_join = kept.len();
                for (_, bids, asks) in &kept {
                    put(&mut sides, bids, asks);
                }
                let outcome = market.on_snapshot(header, bids, asks);
                assert_eq!(outcome, DepthOutcome::Joined { replayed: kept.len() as u32 });
                assert_same(&market, &sides);
            }
            Message::Touch(print) => {
                touches += 1;
                assert_eq!(market.on_touch(print), TouchOutcome::Updated);
                if market.last_id() == Some(print.update_id) {
                    same_state += 1;
                    assert_eq!(market.l2_touch().expect("valid").touch, print.touch, "two feeds, one state");
                }
            }
        }
        // The recording opens with a diff, before which and before the snapshot nothing is known.
        let Some(newer) = market.touch() else {
            assert_eq!(touches, 0);
            continue;
        };
        if newer.source == TouchSource::L2 {
            assert!(market.l1_touch().is_none_or(|l1| l1.update_id < newer.update_id));
        }
        assert_ne!(newer.touch, Touch::default());
    }
    assert_same(&market, &sides);
    assert_eq!((before_join, after_join, touches), (4, 6_547, 66_089));
    let counts = *market.counts();
    assert_eq!((counts.stale, counts.applied, counts.joined, counts.snapshots), (4, 6_547, 1, 1));
    assert_eq!((counts.gaps, counts.crossed, counts.full, counts.dropped, counts.refused), (0, 0, 0, 0, 0));
    println!("L1 and L2 at the same update id and equal: {same_state} times");
    println!("levels at the end: {} bids, {} asks", sides[0].len(), sides[1].len());
}
