//! Weighted mid, VAMP and micro-price: by hand, against numpy, and against the chain iterated touch by touch.
use crate::common;

use common::assert_close;
use fafnir_signal::{
    MicroPrice, MicroPriceParams, SignalFault, batch, vamp_ticks, vamp_to_quantity_ticks, weighted_mid_ticks,
};
use types::rng::SplitMix64;
use types::{Level, Lots, Ticks, Touch};

fn touch(bid: i64, bid_lots: i64, ask: i64, ask_lots: i64) -> Touch {
    Touch { bid: Ticks(bid), bid_lots: Lots(bid_lots), ask: Ticks(ask), ask_lots: Lots(ask_lots) }
}

fn levels(rows: &[(i64, i64)]) -> Vec<Level> {
    rows.iter().map(|&(price, quantity)| Level { price: Ticks(price), quantity: Lots(quantity) }).collect()
}

#[test]
fn weighted_mid_by_hand() {
    // (100·1 + 104·3)/4 = 103: three quarters of the quantity bid, so near the ask.
    assert_eq!(weighted_mid_ticks(&touch(100, 3, 104, 1)), Some(103.0));
    assert_eq!(weighted_mid_ticks(&touch(-4, 1, 0, 3)), Some(-3.0));
    for none in [touch(100, 0, 104, 1), touch(100, 1, 100, 1), touch(101, 1, 100, 1)] {
        assert_eq!(weighted_mid_ticks(&none), None);
    }
    assert!(weighted_mid_ticks(&touch(i64::MIN, i64::MAX, i64::MAX, 1)).unwrap().is_finite());
}

#[test]
fn vamp_by_hand() {
    let (bids, asks) = (levels(&[(100, 2), (99, 6)]), levels(&[(102, 4), (105, 4)]));
    assert_eq!(vamp_ticks(&bids, &asks, 1), weighted_mid_ticks(&touch(100, 2, 102, 4)));
    // (100·4 + 102·2 + 99·4 + 105·6)/(2 + 4 + 6 + 4) = 1630/16.
    assert_close(vamp_ticks(&bids, &asks, 2), Some(101.875), 1e-15, "two levels");
    // 5 lots: bids (2·100 + 3·99)/5 = 99.4, asks (4·102 + 105)/5 = 102.6; the middle is 101.
    assert_close(vamp_to_quantity_ticks(&bids, &asks, Lots(5)), Some(101.0), 1e-15, "five lots");
    assert_eq!(vamp_to_quantity_ticks(&bids, &asks, Lots(8)), Some(0.5 * (99.25 + 103.5)));
    for bad in [9, 0, -1, i64::MIN] {
        assert_eq!(vamp_to_quantity_ticks(&bids, &asks, Lots(bad)), None, "{bad}");
    }
    assert_eq!((vamp_ticks(&bids, &asks, 3), vamp_ticks(&bids, &asks, 0)), (None, None));
    assert_eq!(vamp_ticks(&asks, &bids, 1), None, "crossed");
    assert_eq!(vamp_ticks(&levels(&[(100, 0)]), &asks, 1), None, "no quantity");
    // Far from zero no digit is lost.
    let far = 1 << 52;
    let (bids, asks) = (levels(&[(far, 1)]), levels(&[(far + 4, 3)]));
    assert_eq!(vamp_ticks(&bids, &asks, 1), Some((far + 1) as f64));
}

/// The touches of the python script that made the numbers below.
fn sample(count: usize) -> Vec<Touch> {
    let mut rng = SplitMix64::new(2018);
    let (mut bid, mut spread) = (1_000, 1);
    let mut touches = Vec::new();
    for _ in 0..count {
        let (bid_lots, ask_lots) = (1 + rng.below(50), 1 + rng.below(50));
        touches.push(touch(bid, bid_lots as i64, bid + spread, ask_lots as i64));
        let up = rng.below(bid_lots + ask_lots) < bid_lots;
        if rng.below(4) == 0 {
            let sign = if up { 1 } else { -1 };
            if spread == 1 {
                bid += sign * rng.below(2) as i64;
                spread = 1 + rng.below(2) as i64;
            } else {
                bid += i64::from(up);
                spread = 1;
            }
        }
    }
    touches
}

const PARAMS: MicroPriceParams =
    MicroPriceParams { imbalance_buckets: 5, spread_ticks_max: 2, jump_half_ticks_max: 100 };

#[test]
fn micro_price_equals_numpy() {
    // numpy, on the 4,000 touches of `sample`, each counted with its mirror: inv = linalg.inv(eye - Q);
    // G1 = inv @ c / 2; B = inv @ T; the sum of B^i @ G1 for i < 5000 (the last term is below 1e-17).
    let known = [
        -0.11413544729398925,
        -0.062191611017715726,
        0.0,
        0.06219161101771569,
        0.1141354472939892,
        -0.08918694104724646,
        -0.03010464899244611,
        0.0,
        0.030104648992446074,
        0.08918694104724645,
    ];
    let touches = sample(4_000);
    let micro = MicroPrice::fit(&PARAMS, touches.iter().copied()).unwrap();
    for ((at, got), want) in micro.adjustments().enumerate().zip(known) {
        assert!((got.unwrap() - want).abs() < 1e-11, "state {at}: {got:?} for {want}");
    }
    let slow = batch::flow::micro_price(&touches, 5, 2, 3_000);
    for (got, want) in micro.adjustments().zip(slow) {
        assert!((got.unwrap() - want).abs() < 1e-9, "{got:?} for {want}");
    }
    // 40 of 50 lots bid, one tick: bucket 4; two ticks and 10 of 50: bucket 1.
    assert_close(micro.price_ticks(&touch(1_000, 40, 1_001, 10)), Some(1_000.5 + known[4]), 1e-13, "look-up");
    assert_close(micro.price_ticks(&touch(1_000, 10, 1_002, 40)), Some(1_001.0 + known[6]), 1e-13, "look-up");
    assert_eq!(micro.adjustment_of(&touch(7, 3, 8, 3)), Some(0.0));
    assert!(micro.price_ticks(&touch(1, i64::MAX, 2, i64::MAX - 1)).unwrap() > 1.0);
    for none in [touch(1_000, 40, 1_003, 10), touch(1_000, 0, 1_001, 1), touch(5, 1, 5, 1)] {
        assert_eq!(micro.price_ticks(&none), None);
    }
}

#[test]
fn micro_price_is_a_martingale_where_the_mid_is_not() {
    // Queues that say where the mid goes: up when the bid is the heavier side.
    let mut rng = SplitMix64::new(59);
    let (mut touches, mut bid, mut bid_lots) = (Vec::new(), 0i64, 50i64);
    for _ in 0..200_000 {
        touches.push(touch(bid, bid_lots, bid + 1, 100 - bid_lots));
        bid_lots += rng.below(21) as i64 - 10;
        if !(1..=99).contains(&bid_lots) {
            bid += if bid_lots > 50 { 1 } else { -1 };
            bid_lots = 30 + rng.below(41) as i64;
        }
    }
    let params = MicroPriceParams { imbalance_buckets: 10, spread_ticks_max: 1, jump_half_ticks_max: 2 };
    let micro = MicroPrice::fit(&params, touches.iter().copied()).unwrap();
    let table: Vec<f64> = micro.adjustments().map(Option::unwrap).collect();
    assert!(table.windows(2).all(|pair| pair[0] < pair[1]), "{table:?}");
    // Mean change over the next 200 touches, given the first bucket: the mid's is the adjustment, the micro-price's
    // none.
    let (mut mid, mut price, mut count) = (0.0, 0.0, 0.0);
    for pair in touches.windows(200).step_by(7).filter(|pair| pair[0].bid_lots.0 >= 90) {
        let last = pair[199];
        mid += (last.bid.0 - pair[0].bid.0) as f64;
        price += micro.price_ticks(&last).unwrap() - micro.price_ticks(&pair[0]).unwrap();
        count += 1.0;
    }
    let (mid, price) = (mid / count, price / count);
    assert!(mid > 0.3 && price.abs() < 0.05, "mid {mid}, micro-price {price}, table {table:?}");
}

#[test]
fn samples_that_determine_nothing_are_typed() {
    for params in [
        MicroPriceParams { imbalance_buckets: 1, ..PARAMS },
        MicroPriceParams { imbalance_buckets: 21, ..PARAMS },
        MicroPriceParams { spread_ticks_max: 0, ..PARAMS },
        MicroPriceParams { jump_half_ticks_max: 0, ..PARAMS },
    ] {
        assert!(matches!(MicroPrice::fit(&params, sample(100)), Err(SignalFault::Parameter { .. })), "{params:?}");
    }
    assert!(matches!(MicroPrice::fit(&PARAMS, []), Err(SignalFault::TooFew { .. })));
    let still = vec![touch(1, 1, 2, 1); 10];
    assert!(matches!(MicroPrice::fit(&PARAMS, still), Err(SignalFault::TooFew { .. })));
    // One state never leaves itself and the mid never changes from it.
    let stuck = [touch(1, 1, 2, 9), touch(2, 1, 3, 9), touch(2, 1, 4, 1), touch(2, 1, 4, 1), touch(2, 1, 4, 1)];
    let fit = MicroPrice::fit(&PARAMS, stuck);
    assert!(matches!(fit, Err(SignalFault::NotConverged { .. })), "{fit:?}");
    // A state that was never seen has no price.
    let mut touches = sample(500);
    touches.retain(|touch| touch.ask.0 - touch.bid.0 == 1);
    let micro = MicroPrice::fit(&PARAMS, touches).unwrap();
    assert_eq!(micro.price_ticks(&touch(1, 1, 3, 5)), None);
    assert_eq!(micro.adjustments().filter(Option::is_none).count(), 5);
}
