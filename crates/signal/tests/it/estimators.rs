//! EWMA and realised volatility against hand-computed values and against their definitions.
use crate::common;

use common::{Normals, assert_close};
use fafnir_signal::{
    EwmaVolatility, RealisedVolatility, SignalFault, WINDOW_EVENTS_MAX, WINDOW_NANOS_MAX, WindowParams, batch,
};
use types::rng::SplitMix64;
use types::{Nanos, UnixNanos};

const SECOND: u64 = 1_000_000_000;

fn params(seconds: f64, events_max: usize) -> WindowParams {
    WindowParams { length: Nanos((seconds * 1e9) as i64), events_max }
}

#[test]
fn ewma_by_hand() {
    let mut volatility = EwmaVolatility::new(1.0, 2.0).unwrap();
    assert_eq!(volatility.half_life(), Nanos(1_000_000_000));
    volatility.on_mid(UnixNanos(5), 100);
    assert_eq!(volatility.sigma(), None);
    volatility.on_mid(UnixNanos(5 + SECOND), 103);
    // One difference: whatever its weight, σ² = 9 over 1 s.
    assert_close(volatility.sigma(), Some(3.0), 1e-15, "one");
    volatility.on_mid(UnixNanos(5 + 3 * SECOND), 107);
    // λ = ln 2: weights of the steps, ∫ e^(-λ age): 1st (2^-2)(1-2^-1)/λ, 2nd (1-2^-2)/λ.
    // S = 9·(1/8)/(λ·1) + 16·(3/4)/(λ·2); T = (1/8 + 3/4)/λ; σ² = (1.125 + 6)/0.875.
    assert_close(volatility.sigma(), Some((7.125f64 / 0.875).sqrt()), 1e-15, "two");
    let estimate = volatility.estimate().unwrap();
    let relative = (2.0f64 * (0.125f64.powi(2) + 0.75f64.powi(2))).sqrt() / 0.875;
    assert_close(Some(estimate.standard_error), Some(estimate.sigma * relative / 2.0), 1e-14, "error");
    // Two updates at one time: the jump counts, no time passes; a time that steps back is the last one.
    volatility.on_mid(UnixNanos(5 + 3 * SECOND), 109);
    assert_close(
        volatility.sigma(),
        Some(((7.125f64 / std::f64::consts::LN_2 + 4.0) * std::f64::consts::LN_2 / 0.875).sqrt()),
        1e-14,
        "jump",
    );
    let before = volatility.sigma();
    volatility.on_mid(UnixNanos(0), 109);
    assert_eq!(volatility.sigma(), before);
    volatility.reset();
    assert_eq!((volatility.sigma(), volatility.estimate()), (None, None));
}

#[test]
fn ewma_equals_its_definition() {
    let mut normals = Normals::new(11);
    for half_life in [1e-3, 0.7, 40.0] {
        let mut volatility = EwmaVolatility::new(half_life, 0.2).unwrap();
        let (mut times, mut prices) = (Vec::new(), Vec::new());
        let (mut time, mut mid) = (SECOND, 0i64);
        for at in 0..2_000 {
            time += normals.rng.below(4) * normals.rng.below(20_000_000);
            mid += (normals.next() * 30.0) as i64;
            volatility.on_mid(UnixNanos(time), mid);
            times.push(time);
            prices.push(mid as f64 * 0.1);
            if at % 97 == 0 {
                let want = batch::volatility::ewma(&times, &prices, half_life);
                assert_close(volatility.sigma(), want, 1e-11, &format!("half-life {half_life} at {at}"));
            }
        }
    }
}

#[test]
fn ewma_intervals_cover() {
    let mut covered = 0;
    for seed in 0..1_000 {
        let mut normals = Normals::new(seed);
        let mut volatility = EwmaVolatility::new(50.0, 2.0).unwrap();
        let mut price = 0.0;
        for at in 0..1_000u64 {
            volatility.on_mid(UnixNanos(at * SECOND), f64::round(price) as i64);
            price += 1_000.0 * normals.next();
        }
        let (low, high) = volatility.estimate().unwrap().interval_95();
        covered += u32::from(low <= 1_000.0 && 1_000.0 <= high);
    }
    assert!((930..=970).contains(&covered), "{covered} of 1000 cover");
}

#[test]
fn realised_equals_its_definition() {
    let mut rng = SplitMix64::new(23);
    let mut volatility = RealisedVolatility::new(&params(2.0, 48), 0.2).unwrap();
    let mut held: Vec<(u64, i64)> = Vec::new();
    let (mut time, mut mid, mut dropped) = (0, 1_000_000i64, 0);
    for at in 0..20_000 {
        time += rng.below(100) * if rng.below(50) == 0 { 40_000_000 } else { 1_000_000 };
        mid += rng.below(41) as i64 - 20;
        // Now and then a time before the last one.
        let told = if rng.below(10) == 0 { time.saturating_sub(3_000_000_000) } else { time };
        volatility.on_mid(UnixNanos(told), mid);
        let now = held.last().map_or(told, |last| last.0.max(told));
        time = now;
        held.retain(|sample| now - sample.0 <= 2 * SECOND);
        if held.len() == 48 {
            held.remove(0);
            dropped += 1;
        }
        held.push((now, mid));
        let times: Vec<u64> = held.iter().map(|sample| sample.0).collect();
        let prices: Vec<f64> = held.iter().map(|sample| sample.1 as f64 * 0.1).collect();
        assert_close(volatility.sigma(), batch::volatility::realised(&times, &prices), 1e-9, &format!("{at}"));
        let want = batch::volatility::realised_variance(&prices);
        assert!((volatility.variance() - want).abs() <= 1e-9 * want.max(1e-9), "{at}");
        assert_eq!((volatility.samples(), volatility.dropped()), (held.len(), dropped), "{at}");
        // Barndorff-Nielsen and Shephard: Var(RV) = 2/3 Σ Δ⁴.
        let fourths: f64 = prices.windows(2).map(|pair| (pair[1] - pair[0]).powi(4)).sum();
        if let Some(estimate) = volatility.estimate().filter(|_| want > 0.0) {
            let relative = (2.0 / 3.0 * fourths).sqrt() / want / 2.0;
            assert!((estimate.standard_error - estimate.sigma * relative).abs() < 1e-9 * estimate.sigma, "{at}");
        }
    }
    assert!(dropped > 100, "the mix fills the ring: {dropped}");
    volatility.advance(UnixNanos(time + 3 * SECOND));
    assert_eq!((volatility.samples(), volatility.sigma(), volatility.variance()), (0, None, 0.0));
}

#[test]
fn bad_input_is_refused_and_extremes_do_no_harm() {
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(EwmaVolatility::new(bad, 1.0), Err(SignalFault::Parameter { name: "halfLifeSeconds", .. })));
        assert!(matches!(EwmaVolatility::new(1.0, bad), Err(SignalFault::Parameter { name: "tickPrice", .. })));
        assert!(RealisedVolatility::new(&params(1.0, 8), bad).is_err());
    }
    for (nanos, events) in [(0, 8), (WINDOW_NANOS_MAX + 1_000, 8), (1, 1), (1, WINDOW_EVENTS_MAX + 1)] {
        assert!(RealisedVolatility::new(&WindowParams { length: Nanos(nanos), events_max: events }, 1.0).is_err());
    }
    let mut realised = RealisedVolatility::new(&params(1e6, 8), 1.0).unwrap();
    let mut ewma = EwmaVolatility::new(1e-6, 1.0).unwrap();
    let ends = [(0, i64::MIN), (u64::MAX, i64::MAX), (3, 0), (u64::MAX, i64::MIN), (u64::MAX, i64::MAX)];
    for (time, mid) in ends {
        realised.on_mid(UnixNanos(time), mid);
        ewma.on_mid(UnixNanos(time), mid);
        assert!(realised.sigma().is_none_or(f64::is_finite) && ewma.sigma().is_none_or(f64::is_finite));
        assert!(realised.estimate().is_none_or(|estimate| estimate.standard_error.is_finite()));
    }
}
