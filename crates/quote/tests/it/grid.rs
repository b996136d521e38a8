//! `snap_outward` against an exact oracle that searches the order prices one by one.
use crate::common;
use common::{instrument, stepped, touch};
use fafnir_quote::grid::{SNAP_TICKS_MAX, increment_at_or_above, increment_at_or_below, snap_outward};
use types::rng::SplitMix64;
use types::{Code, Instrument, Lots, Ticks, Touch};

const NO_TOUCH: Touch = Touch { bid: Ticks(0), bid_lots: Lots(0), ask: Ticks(0), ask_lots: Lots(0) };

fn snap(bid: f64, ask: f64, instrument: &Instrument, touch: &Touch) -> Result<(i64, i64), Code> {
    snap_outward(bid, ask, instrument, touch).map(|(bid, ask)| (bid.0, ask.0))
}

#[test]
fn a_float_that_means_a_grid_point_is_that_point() {
    let x = instrument("0.1", "1", "");
    for ticks in (2..2_000_000i64).step_by(7) {
        // Three ways a program comes by the price; none of them is exact.
        for price in [ticks as f64 * 0.1, ticks as f64 / 10.0, 0.1 + (ticks - 1) as f64 * 0.1] {
            assert_eq!(snap(price, price + 5.0, &x, &NO_TOUCH).unwrap().0, ticks, "{price}");
            assert_eq!(snap(price * 0.5, price, &x, &NO_TOUCH).unwrap().1, ticks, "{price}");
        }
    }
    // The relative part of the tolerance: around 6·10^11 ticks, where one rounding is 10^-4 tick.
    let fine = instrument("0.0000001", "1", "");
    for ticks in 612_345_678_901..612_345_688_901i64 {
        for price in [ticks as f64 * 0.000_000_1, ticks as f64 / 1e7, 1.0 + (ticks - 10_000_000) as f64 * 0.000_000_1] {
            assert_eq!(snap(price, price * 1.5, &fine, &NO_TOUCH).unwrap().0, ticks, "{price}");
            assert_eq!(snap(price * 0.5, price, &fine, &NO_TOUCH).unwrap().1, ticks, "{price}");
        }
    }
}

#[test]
fn off_the_grid_goes_outward() {
    let x = instrument("0.1", "1", "");
    assert_eq!(snap(101.31, 101.39, &x, &NO_TOUCH), Ok((1013, 1014)));
    assert_eq!(snap(101.399_999_9, 101.400_000_1, &x, &NO_TOUCH), Ok((1013, 1015)), "1e-6 tick is not the grid point");
    assert_eq!(snap(101.3, 101.300_000_000_000_01, &x, &NO_TOUCH), Ok((1012, 1014)), "never one price for both");
}

#[test]
fn never_crosses_the_touch() {
    let x = instrument("0.1", "1", "");
    assert_eq!(snap(102.0, 103.0, &x, &touch(1010, 1011)), Ok((1010, 1030)));
    assert_eq!(snap(99.0, 100.0, &x, &touch(1010, 1011)), Ok((990, 1011)));
    let only_ask = Touch { bid_lots: Lots(0), ..touch(1010, 1011) };
    assert_eq!(snap(99.0, 100.0, &x, &only_ask), Ok((990, 1000)), "a missing side does not bind");
    // Increment 5 from 1,000 ticks: the touch itself may lie between order prices.
    assert_eq!(snap(150.0, 160.0, &stepped(), &touch(1003, 1013)), Ok((1010, 1600)));
    assert_eq!(snap(90.0, 95.0, &stepped(), &touch(1003, 1013)), Ok((900, 1005)));
    assert_eq!(snap(0.5, 1.0, &x, &touch(i64::MIN, i64::MAX)), Ok((5, 10)));
}

#[test]
fn what_is_no_price_is_refused() {
    let x = instrument("0.1", "1", "");
    let top = SNAP_TICKS_MAX * 0.1;
    for (bid, ask) in [
        (f64::NAN, 1.0),
        (1.0, f64::NAN),
        (1.0, f64::INFINITY),
        (f64::NEG_INFINITY, 1.0),
        (0.0, 1.0),
        (-0.0, 1.0),
        (-5.0, 1.0),
        (0.05, 1.0),
        (2.0, 1.0),
        (1.0, top * 1.01),
        (f64::MAX, f64::MAX),
        (1e-300, 1e-299),
    ] {
        assert_eq!(snap(bid, ask, &x, &NO_TOUCH), Err(Code::QuoterInvalid), "{bid} {ask}");
    }
    assert_eq!(snap(1.0, 2.0, &x, &touch(0, 1)), Err(Code::QuoterInvalid), "no bid above zero is left");
    assert_eq!(snap(1.0, 2.0, &x, &touch(i64::MAX - 1, i64::MAX)), Ok((10, i64::MAX)));
    assert!(snap(1.0, top * 0.99, &x, &NO_TOUCH).is_ok());
}

#[test]
fn increments_match_a_search() {
    let x = stepped();
    for price in 0..4_000i64 {
        let below = (0..=price).rev().find(|&p| x.on_increment(Ticks(p)));
        let above = (price..price + 20).find(|&p| x.on_increment(Ticks(p)));
        assert_eq!(increment_at_or_below(&x, Ticks(price)).map(|p| p.0), below, "{price}");
        assert_eq!(increment_at_or_above(&x, Ticks(price)).map(|p| p.0), above, "{price}");
    }
}

/// The oracle works in thousandths of a tick, in integers, and searches.
#[test]
fn random_prices_match_the_search() {
    let x = stepped();
    for seed in 0..30_000u64 {
        let mut rng = SplitMix64::new(seed);
        let bid_milli = 1 + rng.below(3_000_000) as i64;
        let ask_milli = bid_milli + rng.below(30_000) as i64;
        let best_bid = 1 + rng.below(3_000) as i64;
        let market = touch(best_bid, best_bid + 1 + rng.below(20) as i64);
        let order_price = |p: i64| x.on_increment(Ticks(p));
        let find_bid = |from: i64| (1..=from).rev().find(|&p| order_price(p));
        let find_ask = |from: i64| (from..from + 30).find(|&p| order_price(p)).unwrap();
        let mut bid = find_bid((bid_milli.div_euclid(1_000)).min(market.ask.0 - 1));
        let mut ask = find_ask(((ask_milli + 999).div_euclid(1_000)).max(market.bid.0 + 1));
        if bid.is_some_and(|bid| bid >= ask) {
            (bid, ask) = (find_bid(bid.unwrap() - 1), find_ask(ask + 1));
        }
        let want = bid.map(|bid| (bid, ask)).ok_or(Code::QuoterInvalid);
        let got = snap(bid_milli as f64 / 10_000.0, ask_milli as f64 / 10_000.0, &x, &market);
        assert_eq!(got, want, "seed {seed}: {bid_milli} {ask_milli} {market:?}");
    }
}
