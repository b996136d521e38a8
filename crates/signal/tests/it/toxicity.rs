//! VPIN, PIN and trade clusters: by hand, against scipy, against enumeration and their definitions.
use crate::common;

use common::assert_close;
use fafnir_signal::{
    BulkClassifier, CLUSTER_TRADES_MIN, FLOW_LOTS_MAX, SignalFault, TradeClusterPin, Vpin, batch, fit_pin,
};
use types::rng::SplitMix64;
use types::{Lots, Side};

const BUY: Side = Side::Buy;
const SELL: Side = Side::Sell;

fn side(rng: &mut SplitMix64) -> Side {
    if rng.below(2) == 0 { BUY } else { SELL }
}

#[test]
fn vpin_by_hand() {
    let mut vpin = Vpin::new(Lots(10), 2).unwrap();
    for (aggressor, lots, value) in [
        (BUY, 7, None),
        (SELL, 2, None),      // 7 bought, 2 sold
        (BUY, 4, None),       // 1 fills the first bucket: |8 - 2| = 6; 3 bought in the next
        (SELL, 9, Some(0.5)), // 7 fill the second: |3 - 7| = 4; (6 + 4)/20
        (SELL, 8, Some(0.7)), // 2 + 8 sold: 10; (4 + 10)/20
        (BUY, 5, Some(0.7)),
        (BUY, 1_000_005, Some(1.0)),
    ] {
        assert!(vpin.on_trade(aggressor, Lots(lots)));
        assert_eq!(vpin.value(), value, "{aggressor:?} {lots}");
    }
    for bad in [0, -1, FLOW_LOTS_MAX + 1, i64::MIN] {
        assert!(!vpin.on_trade(BUY, Lots(bad)));
    }
    assert_eq!((vpin.rejected(), vpin.buckets()), (4, 2));
    assert!(vpin.on_trade(SELL, Lots(FLOW_LOTS_MAX)));
    for (lots, buckets) in [(0, 5), (5, 0), (5, 4_097), (-3, 5)] {
        assert!(matches!(Vpin::new(Lots(lots), buckets), Err(SignalFault::Parameter { .. })));
    }
}

#[test]
fn vpin_equals_its_definition_lot_by_lot() {
    let mut rng = SplitMix64::new(61);
    for (bucket, buckets) in [(1, 1), (7, 3), (25, 50)] {
        let mut vpin = Vpin::new(Lots(bucket), buckets).unwrap();
        let mut trades = Vec::new();
        for _ in 0..400 {
            let large = rng.below(20) == 0;
            let trade = (side(&mut rng), 1 + rng.below(if large { 400 } else { 12 }) as i64);
            assert!(vpin.on_trade(trade.0, Lots(trade.1)));
            trades.push(trade);
            let want = batch::toxicity::vpin(&trades, bucket, buckets);
            assert_close(vpin.value(), want, 1e-15, &format!("{bucket} {buckets} {}", trades.len()));
        }
    }
}

#[test]
fn bars_are_split_in_bulk() {
    // Changes 0 and 2: their sample deviation is √2, z = √2; scipy.stats.norm.cdf(2**.5) = 0.9213503964748574.
    let mut bulk = BulkClassifier::new(50).unwrap();
    assert_eq!(bulk.buy_lots(0, Lots(1_000)), Lots(500), "one bar has no deviation");
    assert_eq!(bulk.buy_lots(2, Lots(1_000_000_000)), Lots(921_350_396));
    assert_eq!(bulk.buy_lots(2, Lots(-5)), Lots(0));
    assert_eq!(
        bulk.buy_lots(i64::MAX, Lots(i64::MAX)).0,
        (bulk_of(&[0.0, 2.0, 2.0, (1i64 << 40) as f64]) * FLOW_LOTS_MAX as f64).round() as i64
    );
    let mut rng = SplitMix64::new(67);
    let mut bulk = BulkClassifier::new(20).unwrap();
    let mut changes: Vec<f64> = Vec::new();
    for at in 0..2_000 {
        // Stretches without a move: half of the volume.
        let change = if at % 300 < 30 { 0 } else { rng.below(9) as i64 - 4 };
        changes.push(change as f64);
        let held = &changes[changes.len().saturating_sub(20)..];
        let want = batch::toxicity::bulk_share(held).unwrap_or(0.5);
        let got = bulk.buy_lots(change, Lots(1 << 30)).0 as f64 / (1u64 << 30) as f64;
        assert!((got - want).abs() < 1e-9, "{at}: {got} for {want}");
    }
    assert!(BulkClassifier::new(1).is_err());
}

fn bulk_of(changes: &[f64]) -> f64 {
    batch::toxicity::bulk_share(changes).unwrap()
}

#[test]
fn a_bar_keeps_its_lots_and_its_share() {
    let mut rng = SplitMix64::new(71);
    let mut vpin = Vpin::new(Lots(100), 4).unwrap();
    // Bars of a constant share: every bucket has it, to the rounding of one lot a part.
    for _ in 0..200 {
        assert!(vpin.on_bar(Lots(75), Lots(25)));
    }
    assert_close(vpin.value(), Some(0.5), 1e-15, "three quarters bought");
    for _ in 0..2_000 {
        let (buys, sells) = (rng.below(500) as i64, 1 + rng.below(500) as i64);
        assert!(vpin.on_bar(Lots(buys), Lots(sells)));
        assert!(vpin.value().is_some_and(|value| (0.0..=1.0).contains(&value)));
    }
    // Far more than the window holds: bounded work, the bar's own share.
    assert!(vpin.on_bar(Lots(FLOW_LOTS_MAX / 10), Lots(FLOW_LOTS_MAX / 10 * 9)));
    assert!((vpin.value().unwrap() - 0.8).abs() < 0.02, "{:?}", vpin.value());
    for (buys, sells) in [(0, 0), (-1, 5), (5, -1), (i64::MAX, 1), (i64::MAX, i64::MAX)] {
        assert!(!vpin.on_bar(Lots(buys), Lots(sells)));
    }
}

#[test]
fn clusters_by_hand_and_by_enumeration() {
    // 12 trades, 7 buys and 5 sells, in 4 clusters: E₀[R] - 1 = 2·7·5/12, 3 changes.
    let mut pin = TradeClusterPin::new(12).unwrap();
    let sequence = [BUY, BUY, BUY, BUY, SELL, SELL, SELL, BUY, BUY, BUY, SELL, SELL];
    sequence.iter().for_each(|side| pin.on_trade(*side));
    let estimate = pin.estimate().unwrap();
    assert_eq!((estimate.clusters, estimate.trades), (4, 12));
    assert_close(Some(estimate.pin), Some(1.0 - 3.0 * 12.0 / 70.0), 1e-15, "pin");
    // Mean and deviation of the clusters of all 792 orders of 7 buys and 5 sells.
    let clusters: Vec<f64> = (0u32..1 << 12)
        .filter(|mask| mask.count_ones() == 7)
        .map(|mask| 1.0 + (0..11).filter(|at| (mask >> at ^ mask >> (at + 1)) & 1 == 1).count() as f64)
        .collect();
    let mean = clusters.iter().sum::<f64>() / clusters.len() as f64;
    let variance = clusters.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / clusters.len() as f64;
    assert_eq!(clusters.len(), 792);
    assert_close(Some(estimate.z_score), Some((mean - 4.0) / variance.sqrt()), 1e-12, "z");
    assert_close(batch::toxicity::cluster_persistence(&sequence), Some(estimate.persistence), 1e-14, "batch");
}

#[test]
fn cluster_pin_equals_its_definition_and_finds_the_share_of_followers() {
    let mut rng = SplitMix64::new(73);
    let mut pin = TradeClusterPin::new(15).unwrap();
    let (mut all, mut last, mut one_sided) = (Vec::new(), BUY, 0);
    for at in 0..20_000 {
        let calm = at % 1_000 < 40;
        last = if calm || rng.below(3) == 0 { last } else { side(&mut rng) };
        pin.on_trade(last);
        all.push(last);
        let held = &all[all.len().saturating_sub(15)..];
        match (pin.estimate(), batch::toxicity::cluster_persistence(held)) {
            (Ok(estimate), Some(want)) => {
                assert!((estimate.persistence - want).abs() < 1e-12, "{at}");
                assert_eq!(estimate.pin, estimate.persistence.max(0.0));
            }
            (Err(SignalFault::TooFew { have, .. }), _) => assert!(have == at + 1 && held.len() < CLUSTER_TRADES_MIN),
            (Err(SignalFault::OneSided { buys, sells }), None) => {
                one_sided += 1;
                assert_eq!(buys + sells, held.len() as u64);
            }
            other => panic!("{other:?} at {at}"),
        }
    }
    assert!(one_sided > 100, "the mix reaches one-sided flow: {one_sided}");
    // The model itself: 40 % follow, fresh ones buy with 0.6. The estimate's own error here is about 0.003.
    let mut pin = TradeClusterPin::new(100_000).unwrap();
    for _ in 0..100_000 {
        let fresh = if rng.unit_f64() < 0.6 { BUY } else { SELL };
        last = if rng.unit_f64() < 0.4 { last } else { fresh };
        pin.on_trade(last);
    }
    let estimate = pin.estimate().unwrap();
    assert!((estimate.pin - 0.4).abs() < 0.012 && estimate.z_score > 50.0, "{estimate:?}");
    // Alternating flow: less than chance, held at zero.
    let mut pin = TradeClusterPin::new(10).unwrap();
    (0..30).for_each(|at| pin.on_trade(if at % 2 == 0 { BUY } else { SELL }));
    let estimate = pin.estimate().unwrap();
    assert!(estimate.pin == 0.0 && estimate.persistence < -0.5 && estimate.z_score < -2.0);
    assert!(TradeClusterPin::new(9).is_err());
}

/// 60 days drawn with numpy's default_rng(5): α = 0.4, δ = 0.35, μ = 30, ε_b = 50, ε_s = 45.
#[rustfmt::skip]
const DAYS: [(u64, u64); 60] = [
    (85, 45), (53, 44), (84, 45), (36, 54), (59, 49), (49, 74), (57, 41), (78, 34), (51, 50), (49, 48), (81, 51),
    (52, 52), (58, 46), (46, 57), (79, 37), (76, 45), (35, 38), (60, 44), (46, 43), (50, 74), (63, 47), (77, 42),
    (81, 45), (50, 50), (50, 40), (45, 77), (54, 32), (50, 44), (62, 78), (43, 55), (62, 53), (46, 45), (86, 43),
    (76, 40), (42, 36), (73, 51), (84, 33), (43, 43), (86, 44), (75, 52), (49, 54), (44, 52), (43, 62), (58, 92),
    (44, 47), (47, 46), (38, 48), (45, 45), (78, 55), (52, 34), (50, 33), (46, 33), (32, 40), (78, 42), (61, 36),
    (48, 51), (44, 67), (54, 34), (48, 39), (80, 43),
];

#[test]
fn pin_equals_scipy() {
    // scipy.optimize.minimize(-ll, Nelder-Mead, 27 starts), then Newton; ll = logsumexp over the three kinds of day
    // of log weight + Poisson log-probabilities (gammaln); errors from inv(-Hessian), fourth-order differences of ll.
    let fit = fit_pin(&DAYS).unwrap();
    let got = fit.parameters;
    for (name, got, want) in [
        ("alpha", got.informed_days, 0.41468731941821085),
        ("delta", got.bad_news, 0.2701290228186579),
        ("mu", got.informed_trades, 30.043567995417696),
        ("buys", got.uninformed_buys, 48.78257768176692),
        ("sells", got.uninformed_sells, 44.508735638772016),
        ("ll", fit.log_likelihood, -454.448137759298),
        ("pin", fit.pin, 0.11781263998086752),
    ] {
        assert_close(Some(got), Some(want), 1e-8, name);
    }
    let errors = fit.errors.unwrap();
    for (name, got, want) in [
        ("pin", fit.standard_error.unwrap(), 0.018100428795147415),
        ("alpha", errors.informed_days, 0.06833844919321666),
        ("delta", errors.bad_news, 0.09278119853649655),
        ("mu", errors.informed_trades, 2.105341517414983),
        ("buys", errors.uninformed_buys, 1.1220278474254142),
        ("sells", errors.uninformed_sells, 0.9443422518039664),
    ] {
        assert_close(Some(got), Some(want), 1e-5, name);
    }
    let p = fit.parameters;
    let array = [p.informed_days, p.bad_news, p.informed_trades, p.uninformed_buys, p.uninformed_sells];
    assert_close(Some(batch::toxicity::pin_log_likelihood(&DAYS, array)), Some(fit.log_likelihood), 1e-11, "Poisson");
    // A maximum: no neighbour is better.
    for at in 0..5 {
        for factor in [0.99, 1.01] {
            let mut moved = array;
            moved[at] *= factor;
            assert!(batch::toxicity::pin_log_likelihood(&DAYS, moved) < fit.log_likelihood, "{at} {factor}");
        }
    }
}

#[test]
fn pin_takes_counts_that_overflow_plain_likelihoods() {
    // Sides and news turned round: the same PIN. And a hundred thousand times the trades: no overflow, same shares.
    let fit = fit_pin(&DAYS).unwrap();
    let turned: Vec<(u64, u64)> = DAYS.iter().map(|day| (day.1, day.0)).collect();
    let mirror = fit_pin(&turned).unwrap();
    assert_close(Some(mirror.pin), Some(fit.pin), 1e-7, "turned");
    assert_close(Some(mirror.parameters.bad_news), Some(1.0 - fit.parameters.bad_news), 1e-6, "turned");
    let many: Vec<(u64, u64)> = DAYS.iter().map(|day| (day.0 * 100_000, day.1 * 100_000)).collect();
    let fit = fit_pin(&many).unwrap();
    assert!(fit.pin > 0.05 && fit.pin < 0.3 && fit.log_likelihood.is_finite(), "{fit:?}");
}

#[test]
fn pin_where_it_is_not_defined() {
    assert_eq!(fit_pin(&DAYS[..9]).unwrap_err(), SignalFault::TooFew { have: 9, need: 10 });
    assert_eq!(fit_pin(&[(5, 0); 20]).unwrap_err(), SignalFault::OneSided { buys: 100, sells: 0 });
    assert_eq!(fit_pin(&[(0, 0); 20]).unwrap_err(), SignalFault::OneSided { buys: 0, sells: 0 });
    // Every day alike: nothing is informed, on the edge, so no error is stated.
    let fit = fit_pin(&[(50, 50); 20]).unwrap();
    assert!(fit.pin < 1e-3 && fit.standard_error.is_none() && fit.errors.is_none(), "{fit:?}");
    // Ends of the counts: a value or a fault, no panic.
    let ends: Vec<(u64, u64)> = (0..12).map(|at| if at % 3 == 0 { (u64::MAX, 1) } else { (0, 1 << at) }).collect();
    match fit_pin(&ends) {
        Ok(fit) => assert!((0.0..=1.0).contains(&fit.pin), "{fit:?}"),
        Err(fault) => assert!(matches!(fault, SignalFault::NotConverged { .. }), "{fault:?}"),
    }
}
