//! σ against hand-computed values, against a batch recomputation in floats, and on the recording.
use std::io::{BufRead, BufReader};
use std::path::Path;

use fafnir_signal::{RollingVolatility, WINDOW_MAX};
use types::config::{Sampling, VolatilityParams};
use types::rng::SplitMix64;
use types::{Nanos, UnixNanos};

const SECOND: u64 = 1_000_000_000;

fn rolling(window: usize, sampling: Sampling, tick_price: f64) -> RollingVolatility {
    RollingVolatility::new(&VolatilityParams { window, min_observations: window, sampling }, tick_price)
}

fn assert_close(got: Option<f64>, want: Option<f64>, at: &str) {
    match (got, want) {
        (None, None) => {}
        (Some(got), Some(want)) => assert!((got - want).abs() <= 1e-12 * want.abs(), "{got} for {want}, {at}"),
        _ => panic!("{got:?} for {want:?}, {at}"),
    }
}

/// The definition, over a list of (time, mid in half ticks).
fn batch(mids: &[(u64, i64)], window: usize, tick_price: f64) -> Option<f64> {
    let mids = &mids[mids.len().checked_sub(window)?..];
    let seconds = (mids[window - 1].0 - mids[0].0) as f64 / 1e9;
    let squares: f64 = mids.windows(2).map(|pair| ((pair[1].1 - pair[0].1) as f64 * tick_price / 2.0).powi(2)).sum();
    (seconds > 0.0).then(|| (squares / seconds).sqrt())
}

#[test]
fn hand_computed_values() {
    // Mids 100.0, 100.5, 99.5, 100.0 at 0, 1, 2, 4 s with a tick of 0.5: Σ Δ² = 0.25 + 1 + 0.25 = 1.5 over 4 s.
    let mut volatility = rolling(4, Sampling::ChangedMid, 0.5);
    for (second, mid) in [(0, 400), (1, 402), (2, 398)] {
        assert!(volatility.on_mid(UnixNanos(7 + second * SECOND), mid));
        assert_eq!((volatility.sigma(), volatility.is_full()), (None, false));
    }
    assert!(volatility.on_mid(UnixNanos(7 + 4 * SECOND), 400));
    assert_close(volatility.sigma(), Some(0.375f64.sqrt()), "four mids");
    // An unchanged mid is no sample and changes nothing, however late.
    assert!(!volatility.on_mid(UnixNanos(7 + 9 * SECOND), 400));
    assert_close(volatility.sigma(), Some(0.375f64.sqrt()), "unchanged");
    // 101.0 at 9 s: the first goes; Σ Δ² = 1 + 0.25 + 1 = 2.25 over 8 s.
    assert!(volatility.on_mid(UnixNanos(7 + 9 * SECOND), 404));
    assert_close(volatility.sigma(), Some((2.25f64 / 8.0).sqrt()), "five mids");
    assert_eq!(volatility.samples(), 4);
    volatility.reset();
    assert_eq!((volatility.samples(), volatility.sigma()), (0, None));
    assert!(volatility.on_mid(UnixNanos(1), 404), "the first after a reset is a sample, changed or not");
}

#[test]
fn every_update_counts_unchanged_mids() {
    let mut volatility = rolling(3, Sampling::EveryUpdate, 1.0);
    for (second, mid) in [(0, 10), (1, 12), (2, 12)] {
        assert!(volatility.on_mid(UnixNanos(second * SECOND), mid));
    }
    // One difference of one tick (two half ticks) over 2 s.
    assert_close(volatility.sigma(), Some(0.5f64.sqrt()), "three updates");
    assert!(volatility.on_mid(UnixNanos(3 * SECOND), 12) && volatility.on_mid(UnixNanos(4 * SECOND), 12));
    assert_eq!(volatility.sigma(), Some(0.0));
}

#[test]
fn the_fixed_clock_takes_the_first_update_at_or_after_each_tick() {
    let mut volatility = rolling(4, Sampling::FixedClock { interval: Nanos(100) }, 1.0);
    // Ticks at 1_000, 1_100, ...; 1_350 comes after two of them and is one sample, the next is due at 1_400.
    let samples = [1_000, 1_100, 1_350, 1_400, 1_777, 1_800];
    let others = [1_000, 1_099, 1_101, 1_399, 1_499, 1_799];
    let mut updates: Vec<(u64, bool)> = samples.map(|time| (time, true)).to_vec();
    updates.extend(others.map(|time| (time, false)));
    updates.sort_by_key(|&(time, sample)| (time, !sample));
    for (time, sample) in updates {
        assert_eq!(volatility.on_mid(UnixNanos(time), time as i64), sample, "{time}");
    }
    // The last four: 1_350, 1_400, 1_777, 1_800.
    let want = ((50f64.powi(2) + 377f64.powi(2) + 23f64.powi(2)) / 4.0 / 450e-9).sqrt();
    assert_close(volatility.sigma(), Some(want), "clock");
    volatility.reset();
    assert!(volatility.on_mid(UnixNanos(1_801), 1) && !volatility.on_mid(UnixNanos(1_900), 1), "a new clock");
    // Ends of the range.
    let mut volatility = rolling(2, Sampling::FixedClock { interval: Nanos(i64::MAX) }, 1.0);
    assert!(volatility.on_mid(UnixNanos(1), 1) && volatility.on_mid(UnixNanos(u64::MAX - 1), 2));
    assert!(!volatility.on_mid(UnixNanos(u64::MAX - 1), 2));
}

#[test]
fn agrees_with_a_batch_recomputation() {
    for seed in 0..60 {
        let mut rng = SplitMix64::new(seed);
        let window = [2, 3, 7, 100, 1_000][rng.below(5) as usize];
        let sampling = [
            Sampling::ChangedMid,
            Sampling::EveryUpdate,
            Sampling::FixedClock { interval: Nanos(1 + rng.below(500) as i64) },
        ][rng.below(3) as usize];
        let tick_price = [0.1, 0.01, 5.0][rng.below(3) as usize];
        let mut volatility = rolling(window, sampling, tick_price);
        let (mut now, mut mid) = (1_723_161_255_030_314_667u64, 1_236_005i64);
        let mut mids: Vec<(u64, i64)> = Vec::new();
        let mut due = 0;
        for step in 0..3_000 {
            let at = format!("seed {seed} window {window} {sampling:?} step {step}");
            // Ties in time and unchanged mids are common.
            now += rng.below(4).saturating_sub(1) * rng.below(300);
            mid += rng.below(7) as i64 - 3;
            let want = match sampling {
                Sampling::ChangedMid => mids.last().is_none_or(|last| last.1 != mid),
                Sampling::EveryUpdate => true,
                Sampling::FixedClock { .. } => now >= due,
            };
            if want {
                mids.push((now, mid));
                if let Sampling::FixedClock { interval } = sampling {
                    // The naive clock: count tick by tick from the first sample.
                    due = if mids.len() == 1 { now } else { due };
                    while due <= now {
                        due += interval.0 as u64;
                    }
                }
            }
            assert_eq!(volatility.on_mid(UnixNanos(now), mid), want, "{at}");
            assert_eq!(volatility.samples(), mids.len().min(window), "{at}");
            assert_close(volatility.sigma(), batch(&mids, window, tick_price), &at);
        }
        assert!(mids.len() > 100);
    }
}

#[test]
fn from_the_least_observations_on_it_is_that_of_all_there_are() {
    for seed in 0..40 {
        let mut rng = SplitMix64::new(seed);
        let window = 2 + rng.below(60) as usize;
        let min_observations = 2 + rng.below(window as u64 - 1) as usize;
        let params = VolatilityParams { window, min_observations, sampling: Sampling::EveryUpdate };
        let mut volatility = RollingVolatility::new(&params, 0.1);
        let mut mids: Vec<(u64, i64)> = Vec::new();
        for step in 0..200u64 {
            mids.push((1 + step * 7_000_000 + rng.below(5_000_000), 1_000 + rng.below(50) as i64));
            let &(now, mid) = mids.last().expect("one");
            volatility.on_mid(UnixNanos(now), mid);
            let have = mids.len().min(window);
            let want = if have < min_observations { None } else { batch(&mids, have, 0.1) };
            let at = format!("seed {seed}: {have} of {min_observations} to {window}");
            assert_close(volatility.sigma(), want, &at);
            let error = want.map(|sigma| sigma / (2.0 * (have as f64 - 1.0)).sqrt());
            assert_close(volatility.standard_error(), error, &at);
        }
    }
    // The stated error is the scatter of σ over many samples of a walk: 50 mids, within a tenth of 10.1 %.
    let (runs, mids) = (4_000, 50);
    let mut rng = SplitMix64::new(3);
    let params = VolatilityParams { window: 1_000, min_observations: mids, sampling: Sampling::EveryUpdate };
    let sigmas: Vec<f64> = (0..runs)
        .map(|_| {
            let (mut volatility, mut mid) = (RollingVolatility::new(&params, 1.0), 0i64);
            for step in 0..mids as u64 {
                volatility.on_mid(UnixNanos(1 + step * SECOND), mid);
                // A sum of twelve uniform numbers is near enough to a normal one.
                mid += (0..12).map(|_| rng.below(2_001) as i64 - 1_000).sum::<i64>();
            }
            volatility.sigma().expect("fifty")
        })
        .collect();
    let mean = sigmas.iter().sum::<f64>() / runs as f64;
    let scatter = (sigmas.iter().map(|sigma| (sigma - mean).powi(2)).sum::<f64>() / runs as f64).sqrt() / mean;
    assert!((scatter * 98f64.sqrt() - 1.0).abs() < 0.1, "{scatter}");
}

/// A run of `updates`, after which σ must be bit for bit that of a fresh object fed only the last window.
fn drift_free(updates: u64) {
    let window = 1_000;
    let mut rng = SplitMix64::new(5);
    let mut volatility = rolling(window, Sampling::EveryUpdate, 0.1);
    let (mut now, mut mid) = (1u64, 1_000_000i64);
    let mut tail = Vec::with_capacity(window);
    for update in 0..updates {
        now += rng.below(1_000_000);
        // Now and then a leap that a float accumulator would never get rid of.
        mid = if update % 100_003 == 0 { rng.next_u64() as i64 } else { mid.wrapping_add(rng.below(7) as i64 - 3) };
        volatility.on_mid(UnixNanos(now), mid);
        if updates - update <= window as u64 {
            tail.push((now, mid));
        }
    }
    let mut fresh = rolling(window, Sampling::EveryUpdate, 0.1);
    for &(now, mid) in &tail {
        fresh.on_mid(UnixNanos(now), mid);
    }
    assert!(fresh.sigma().is_some());
    assert_eq!(volatility.sigma().map(f64::to_bits), fresh.sigma().map(f64::to_bits));
}

#[test]
fn no_drift_over_a_long_run() {
    drift_free(10_000_000);
    if std::env::var_os("FAFNIR_LONG").is_some_and(|value| value == "1") {
        drift_free(100_000_000);
    } else {
        println!("skipped: 10^8 updates; set FAFNIR_LONG=1");
    }
}

#[test]
fn extremes_give_numbers_and_no_panic() {
    let mut volatility = rolling(WINDOW_MAX, Sampling::EveryUpdate, 1e-8);
    for i in 0..3 * WINDOW_MAX as u64 {
        volatility.on_mid(UnixNanos(i), if i % 2 == 0 { i64::MIN } else { i64::MAX });
    }
    let seconds = (WINDOW_MAX - 1) as f64 * 1e-9;
    let want = 0.5e-8 * (2f64.powi(128) * (WINDOW_MAX - 1) as f64 / seconds).sqrt();
    assert_close(volatility.sigma(), Some(want), "extremes");
    // No time passes, or it steps back: no σ rather than infinity.
    let mut volatility = rolling(2, Sampling::ChangedMid, 1.0);
    volatility.on_mid(UnixNanos(500), 1);
    volatility.on_mid(UnixNanos(500), 2);
    assert_eq!((volatility.is_full(), volatility.sigma()), (true, None));
    volatility.on_mid(UnixNanos(3), 3);
    assert_eq!(volatility.sigma(), None);
    volatility.on_mid(UnixNanos(500 + SECOND), 5);
    assert_eq!(volatility.sigma(), Some(1.0));
    let mut volatility = rolling(2, Sampling::ChangedMid, 1.0);
    volatility.on_mid(UnixNanos(0), 0);
    volatility.on_mid(UnixNanos(u64::MAX), 1);
    assert!(volatility.sigma().is_some_and(|sigma| sigma > 0.0 && sigma.is_finite()));
}

#[test]
fn recorded_mids() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/binance/usdm-btcusdt-20240808.gz");
    let Ok(file) = std::fs::File::open(&path) else {
        println!("skipped: no recording at {}", path.display());
        return;
    };
    let mut volatility = rolling(1_000, Sampling::ChangedMid, 0.1);
    let mut samples: Vec<(u64, i64)> = Vec::new();
    let mut first_sigma = None;
    for line in BufReader::new(flate2::read::GzDecoder::new(file)).lines() {
        let line = line.expect("a whole gzip stream");
        if !line.contains("bookTicker") {
            continue;
        }
        let (time, text) = line.split_once(' ').expect("time and message");
        let time: u64 = time.parse().expect("nanoseconds");
        let json: serde_json::Value = serde_json::from_str(text).expect("JSON");
        let ticks = |key: &str| -> i64 {
            let price: f64 = json["data"][key].as_str().expect("a price").parse().expect("a number");
            (price * 10.0).round() as i64
        };
        let mid = ticks("b") + ticks("a");
        if volatility.on_mid(UnixNanos(time), mid) {
            samples.push((time, mid));
        }
        assert_eq!(volatility.is_full(), samples.len() >= 1_000);
        if first_sigma.is_none() {
            first_sigma = volatility.sigma();
        }
    }
    assert_eq!(samples.len(), 2_027);
    let span = (samples[999].0 - samples[0].0) as f64 / 1e9;
    assert!((span - 231.73).abs() < 0.005, "{span}");
    assert_close(first_sigma, batch(&samples[..1_000], 1_000, 0.1), "first");
    assert_close(volatility.sigma(), batch(&samples, 1_000, 0.1), "last");
    println!("σ at the 1,000th mid {first_sigma:?}, at the end {:?}", volatility.sigma());
}
