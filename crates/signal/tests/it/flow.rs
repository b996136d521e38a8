//! Imbalances, Kyle's λ and trade intensity: by hand, against numpy and scipy, and against their definitions.
use crate::common;

use common::assert_close;
use fafnir_signal::{
    DEPTHS_MAX, FLOW_LOTS_MAX, KYLE_STEP_MAX, KyleLambda, OrderFlowImbalance, SignalFault, TradeFlowImbalance,
    TradeIntensity, WindowParams, batch, queue_imbalance,
};
use types::rng::SplitMix64;
use types::{Lots, Nanos, Side, Ticks, Touch, UnixNanos};

const SECOND: u64 = 1_000_000_000;

fn params(seconds: u64, events_max: usize) -> WindowParams {
    WindowParams { length: Nanos((seconds * SECOND) as i64), events_max }
}

fn touch(bid: i64, bid_lots: i64, ask: i64, ask_lots: i64) -> Touch {
    Touch { bid: Ticks(bid), bid_lots: Lots(bid_lots), ask: Ticks(ask), ask_lots: Lots(ask_lots) }
}

#[test]
fn order_flow_by_hand() {
    let mut flow = OrderFlowImbalance::new(&params(10, 100)).unwrap();
    let at = |second: u64| UnixNanos(second * SECOND);
    // One case of the paper's eq. 4 a line: what it brings, then the sum.
    let cases = [
        (0, touch(100, 5, 102, 7), None, 0),
        (1, touch(100, 8, 102, 7), Some(3), 3),  // the bid grows
        (2, touch(101, 2, 102, 7), Some(2), 5),  // a better bid: its whole quantity
        (3, touch(100, 8, 102, 7), Some(-2), 3), // it goes: its whole quantity
        (4, touch(100, 8, 102, 9), Some(-2), 1), // the ask grows
        (5, touch(100, 8, 103, 4), Some(9), 10), // the ask is taken out: its whole quantity
        (6, touch(100, 8, 102, 1), Some(-1), 9), // a better ask
        (7, touch(0, 0, 102, 1), Some(-8), 1),   // the bids vanish
        (8, touch(99, 6, 0, 0), Some(7), 8),     // bids appear, asks vanish
        (9, touch(99, 6, 99, 2), Some(-2), 6),   // asks appear, locked
    ];
    for (second, touch, event, sum) in cases {
        assert_eq!(flow.on_touch(at(second), &touch), event, "{second}");
        assert_eq!(flow.lots(), sum, "{second}");
    }
    // At 12.5 s the events of 1 s and 2 s are older than 10 s.
    flow.advance(UnixNanos(12 * SECOND + SECOND / 2));
    assert_eq!((flow.lots(), flow.events()), (6 - 3 - 2, 7));
    assert_eq!(flow.on_touch(at(13), &touch_with_bad_lots(-1)), None);
    assert_eq!(flow.on_touch(at(13), &touch_with_bad_lots(FLOW_LOTS_MAX + 1)), None);
    assert_eq!(flow.rejected(), 2);
    flow.forget_touch();
    assert_eq!(flow.on_touch(at(13), &touch(5, 5, 9, 9)), None);
}

fn touch_with_bad_lots(lots: i64) -> Touch {
    touch(1, 1, 2, lots)
}

fn random_touch(rng: &mut SplitMix64) -> Touch {
    let bid = 100 + rng.below(5) as i64;
    let lots = |rng: &mut SplitMix64| if rng.below(12) == 0 { 0 } else { 1 + rng.below(30) as i64 };
    touch(bid, lots(rng), bid + 1 + rng.below(3) as i64, lots(rng))
}

#[test]
fn order_flow_equals_its_definition() {
    let mut rng = SplitMix64::new(41);
    let mut flow = OrderFlowImbalance::new(&params(3, 16)).unwrap();
    // Events with the touches they lie between.
    let mut held: Vec<(u64, [Touch; 2])> = Vec::new();
    let (mut time, mut last) = (0, None);
    for at in 0..20_000 {
        time += rng.below(SECOND / 2) * u64::from(rng.below(4) > 0);
        let now = random_touch(&mut rng);
        flow.on_touch(UnixNanos(time), &now);
        held.retain(|event| time - event.0 <= 3 * SECOND);
        if let Some(before) = last {
            if held.len() == 16 {
                held.remove(0);
            }
            held.push((time, [before, now]));
        }
        last = Some(now);
        let want: i128 = held.iter().map(|event| batch::flow::order_flow_imbalance(&event.1)).sum();
        assert_eq!((flow.lots(), flow.events()), (want, held.len()), "{at}");
    }
    assert!(flow.dropped() > 100, "{}", flow.dropped());
    let whole: Vec<Touch> = (0..500).map(|_| random_touch(&mut rng)).collect();
    let mut flow = OrderFlowImbalance::new(&params(3, 1_000)).unwrap();
    whole.iter().for_each(|touch| {
        flow.on_touch(UnixNanos(7), touch);
    });
    assert_eq!(flow.lots(), batch::flow::order_flow_imbalance(&whole));
}

#[test]
fn trade_flow_equals_its_definition() {
    let mut rng = SplitMix64::new(43);
    let mut flow = TradeFlowImbalance::new(&params(2, 12)).unwrap();
    assert_eq!(flow.value(), None);
    assert!(!flow.on_trade(UnixNanos(1), Side::Buy, Lots(0)) && !flow.on_trade(UnixNanos(1), Side::Sell, Lots(-4)));
    assert_eq!((flow.rejected(), flow.value()), (2, None));
    let mut held: Vec<(u64, (Side, i64))> = Vec::new();
    let mut time = 0;
    for at in 0..20_000 {
        time += rng.below(SECOND / 2) * rng.below(3);
        let trade = (if rng.below(2) == 0 { Side::Buy } else { Side::Sell }, 1 + rng.below(99) as i64);
        assert!(flow.on_trade(UnixNanos(time), trade.0, Lots(trade.1)));
        held.retain(|trade| time - trade.0 <= 2 * SECOND);
        if held.len() == 12 {
            held.remove(0);
        }
        held.push((time, trade));
        let trades: Vec<(Side, i64)> = held.iter().map(|trade| trade.1).collect();
        assert_eq!(flow.value(), batch::flow::trade_flow_imbalance(&trades), "{at}");
        assert_eq!(flow.trades(), trades.len());
    }
    assert!(flow.dropped() > 100);
    flow.advance(UnixNanos(time + 3 * SECOND));
    assert_eq!((flow.value(), flow.volumes()), (None, (0, 0)));
    for _ in 0..12 {
        assert!(flow.on_trade(UnixNanos(0), Side::Sell, Lots(FLOW_LOTS_MAX)), "a time that steps back is the last");
    }
    assert_eq!((flow.value(), flow.volumes()), (Some(-1.0), (0, 12 * i128::from(FLOW_LOTS_MAX))));
}

#[test]
fn queue_imbalance_by_hand() {
    assert_eq!(queue_imbalance(&touch(10, 3, 11, 1)), Some(0.5));
    assert_eq!(queue_imbalance(&touch(10, 1, 11, 3)), Some(-0.5));
    for none in [touch(10, 0, 11, 1), touch(10, 1, 11, 0), touch(11, 1, 11, 1), touch(10, -1, 11, 3)] {
        assert_eq!(queue_imbalance(&none), None);
    }
    assert_eq!(queue_imbalance(&touch(i64::MIN, i64::MAX, i64::MAX, i64::MAX)), Some(0.0));
}

#[test]
fn kyle_equals_scipy() {
    // scipy.stats.linregress(x, y·0.05) and numpy cov, var (ddof = 1), on x = below(201) - 100,
    // y = 2·x // 7 + below(41) - 20 from SplitMix64(3), 50 times.
    let mut rng = SplitMix64::new(3);
    let mut kyle = KyleLambda::new(Nanos(1), 50, 0.1).unwrap();
    assert_eq!(kyle.estimate(), None);
    for _ in 0..50 {
        let x = rng.below(201) as i64 - 100;
        let y = (2 * x).div_euclid(7) + rng.below(41) as i64 - 20;
        assert!(kyle.on_interval(x, y));
    }
    let estimate = kyle.estimate().unwrap();
    assert_close(Some(estimate.lambda), Some(0.013901749657081346), 1e-13, "lambda");
    assert_close(Some(estimate.standard_error), Some(0.0017681084273179837), 1e-12, "error");
    assert_close(Some(estimate.covariance), Some(34.36342857142858), 1e-13, "covariance");
    assert_close(Some(estimate.variance), Some(2471.8779591836733), 1e-13, "variance");
}

#[test]
fn kyle_equals_its_definition_in_a_rolling_window() {
    let mut rng = SplitMix64::new(47);
    let mut kyle = KyleLambda::new(Nanos(1), 9, 2.0).unwrap();
    let mut pairs: Vec<(f64, f64)> = Vec::new();
    for at in 0..5_000 {
        // Stretches of one volume: no variance, no λ. Large means: what breaks sums of squares in floats.
        let x = if at % 500 < 20 { 7 } else { (1 << 39) + rng.below(50) as i64 };
        let y = -(1 << 35) + rng.below(30) as i64;
        assert!(kyle.on_interval(x, y));
        pairs.push((x as f64, y as f64));
        let held = &pairs[pairs.len().saturating_sub(9)..];
        let (xs, ys): (Vec<f64>, Vec<f64>) = held.iter().copied().unzip();
        let want = if held.len() < 2 { None } else { batch::flow::kyle_lambda(&xs, &ys) };
        let got = kyle.estimate().map(|estimate| estimate.lambda);
        match (got, want) {
            (None, None) => {}
            (Some(got), Some(want)) => assert!((got - want.0).abs() < 1e-3 * (want.0.abs() + want.1), "{got} {want:?}"),
            _ => panic!("{got:?} for {want:?} at {at}"),
        }
    }
    for (x, y) in [(KYLE_STEP_MAX + 1, 0), (0, -KYLE_STEP_MAX - 1), (i64::MIN, i64::MAX)] {
        assert!(!kyle.on_interval(x, y));
    }
    assert_eq!(kyle.rejected(), 3);
    for at in 0..20 {
        let sign = if at % 2 == 0 { 1 } else { -1 };
        assert!(kyle.on_interval(sign * KYLE_STEP_MAX, sign * KYLE_STEP_MAX));
    }
    assert_close(kyle.estimate().map(|estimate| estimate.lambda), Some(1.0), 1e-15, "ends");
}

#[test]
fn kyle_cuts_trades_and_mids_into_intervals() {
    let mut kyle = KyleLambda::new(Nanos(SECOND as i64), 8, 2.0).unwrap();
    let at = |tenths: u64| UnixNanos(5 + tenths * SECOND / 10);
    kyle.on_mid(at(0), 200);
    assert!(kyle.on_trade(at(2), Side::Buy, Lots(10)));
    kyle.on_mid(at(3), 204);
    assert!(!kyle.on_trade(at(4), Side::Sell, Lots(0)));
    // The second interval: sells 6, buys 1, the mid falls by 2 half ticks.
    assert!(kyle.on_trade(at(11), Side::Sell, Lots(6)));
    kyle.on_mid(at(15), 202);
    assert!(kyle.on_trade(at(14), Side::Buy, Lots(1)));
    assert_eq!(kyle.estimate(), None, "one interval has ended");
    // Nothing for four seconds: no observations; then one without a change of the mid.
    assert!(kyle.on_trade(at(62), Side::Buy, Lots(4)));
    kyle.advance(at(70));
    let estimate = kyle.estimate().unwrap();
    let want = batch::flow::kyle_lambda(&[10.0, -5.0, 4.0], &[4.0, -2.0, 0.0]).unwrap();
    assert_eq!(estimate.intervals, 3);
    assert_close(Some(estimate.lambda), Some(want.0), 1e-14, "lambda");
    assert_close(Some(estimate.standard_error), Some(want.1), 1e-13, "error");
    kyle.advance(UnixNanos(u64::MAX));
    kyle.on_mid(UnixNanos(0), i64::MIN);
    kyle.on_mid(UnixNanos(u64::MAX), i64::MAX);
    kyle.advance(UnixNanos(u64::MAX));
    assert!(KyleLambda::new(Nanos(0), 8, 1.0).is_err() && KyleLambda::new(Nanos(1), 2, 1.0).is_err());
    assert!(KyleLambda::new(Nanos(1), 8, f64::NAN).is_err());
}

#[test]
fn intensity_equals_its_definition() {
    let mut rng = SplitMix64::new(53);
    let mut intensity = TradeIntensity::new(&params(4, 20), 12).unwrap();
    assert_eq!(intensity.rate_per_second(Side::Buy, 0), None);
    let mut held: Vec<(u64, (Side, Ticks, i64))> = Vec::new();
    let (mut time, start, mut inside) = (1_000, 1_000, 0);
    intensity.advance(UnixNanos(start));
    for at in 0..20_000 {
        time += rng.below(SECOND / 2) * rng.below(3);
        let mid = 20_000 + rng.below(7) as i64;
        let side = if rng.below(2) == 0 { Side::Buy } else { Side::Sell };
        let price = 10_003 + side.sign() * (rng.below(11) as i64 - 2);
        let reaches = side.sign() * (2 * price - mid) >= 0;
        assert_eq!(intensity.on_trade(UnixNanos(time), side, Ticks(price), mid), reaches);
        held.retain(|trade| time - trade.0 <= 4 * SECOND);
        inside += u64::from(!reaches);
        if reaches {
            if held.len() == 20 {
                held.remove(0);
            }
            held.push((time, (side, Ticks(price), mid)));
        }
        let trades: Vec<(Side, Ticks, i64)> = held.iter().map(|trade| trade.1).collect();
        let seconds = ((time - start) as f64 / 1e9).min(4.0);
        for side in Side::BOTH {
            for depth in [0, 1, 5, 12] {
                let want = batch::flow::trades_reaching(&trades, side, depth as i64);
                assert_eq!(intensity.reached(side, depth), want, "{at} {side:?} {depth}");
                let rate = (seconds > 0.0).then(|| want as f64 / seconds);
                assert_eq!(intensity.rate_per_second(side, depth), rate, "{at}");
            }
            assert_eq!(intensity.counts(side).iter().sum::<u64>(), intensity.reached(side, 0));
            assert_eq!(intensity.reached(side, 13), 0, "beyond the table");
        }
    }
    assert!(intensity.dropped() > 100 && intensity.inside() == inside && inside > 100);
    intensity.advance(UnixNanos(time + 10 * SECOND));
    assert_eq!(intensity.rate_per_second(Side::Sell, 0), Some(0.0));
    assert!(intensity.on_trade(UnixNanos(0), Side::Buy, Ticks(i64::MAX), i64::MIN));
    assert_eq!(intensity.reached(Side::Buy, 12), 1, "beyond the table is at its end");
    for depth in [0, DEPTHS_MAX] {
        assert!(matches!(TradeIntensity::new(&params(4, 20), depth), Err(SignalFault::Parameter { .. })));
    }
}
