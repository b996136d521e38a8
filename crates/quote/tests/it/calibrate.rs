//! Calibration of A and κ against independent values (`reference/calibrate.py`), on simulated arrivals, and where there
//! is nothing to estimate.
use fafnir_quote::calibrate::{
    DepthSample, DepthTally, FillPrior, FitInterval, FitRefusal, INFORMATION_MIN, LEVELS_MAX, OwnFillTally, RefitState,
    fit_depths,
};
use types::rng::SplitMix64;

#[track_caller]
fn close(got: f64, want: f64, relative: f64) {
    assert!((got - want).abs() <= relative * want.abs(), "{got} is not {want} within {relative}");
}

#[track_caller]
fn equal(got: FitInterval, want: [f64; 4]) {
    for (got, want) in [got.value, got.standard_error, got.low, got.high].into_iter().zip(want) {
        close(got, want, 1e-9);
    }
}

fn example() -> DepthTally {
    let mut tally = DepthTally::new(0.1, 64, 0).expect("in range");
    for (touch, seconds) in [(1, 600.0), (2, 300.0), (3, 100.0)] {
        tally.on_watched(touch, seconds);
    }
    let orders = [(1, 50), (2, 30), (3, 40), (4, 14), (5, 16), (6, 6), (7, 9), (9, 3), (10, 2), (11, 2)];
    for (depth, count) in orders {
        for _ in 0..count {
            tally.on_order(depth);
        }
    }
    tally
}

#[test]
fn a_grid_with_both_lattices() {
    let tally = example();
    let fit = tally.fit().expect("a fit");
    equal(
        fit.arrivals_per_second,
        [0.29540156744056795, 0.025317760972015973, 0.24911933265641983, 0.34870259177466445],
    );
    equal(fit.decay_per_price, [7.608655712071401, 0.579590776488503, 6.528684710286332, 8.802186784037866]);
    close(fit.correlation, 0.4566267150122281, 1e-9);
    assert_eq!((fit.orders, fit.seconds), (172.0, 1000.0));
    let goodness = tally.goodness(&fit).expect("enough levels");
    assert!(goodness.p_value > 0.0 && goodness.p_value < 1.0, "{goodness:?}");
    // The line through the exceedance rates is another estimate of the same.
    let line = tally.fit_line().expect("a line");
    close(line.decay_per_price, fit.decay_per_price.value, 0.2);
    close(line.arrivals_per_second, fit.arrivals_per_second.value, 0.2);
    assert!(line.r_squared > 0.9, "{line:?}");
    // The first level's rate: its orders over the time it could trade, plus all farther ones over theirs.
    let points = tally.points();
    let first = 50.0 / 600.0 + 40.0 / 700.0 + (16.0 + 9.0 + 3.0 + 2.0) / 700.0;
    close(points[0].per_second, first, 1e-14);
    assert_eq!((points[0].depth_price, points.len()), (0.05, 11));
}

#[test]
fn exact_depths() {
    let depths = [
        0.31, 0.32, 0.4, 0.45, 0.5, 0.52, 0.61, 0.7, 0.75, 0.9, 1.1, 1.3, 0.33, 0.36, 0.41, 0.48, 0.57, 0.66, 0.83,
        1.6, 2.2, 0.39, 0.1, 0.2,
    ];
    let sample = DepthSample { depths_price: &depths, seconds: 50.0, nearest_price: 0.3, tick_price: None };
    let (fit, left_out) = fit_depths(&sample).expect("a fit");
    equal(fit.arrivals_per_second, [0.9094566508205127, 0.23961609171900985, 0.5371927014205824, 1.5264952825280491]);
    equal(fit.decay_per_price, [2.42024202420242, 0.5159973333139086, 1.5445885675424198, 3.577085568406115]);
    assert_eq!(left_out, 2);
    // The closed form.
    let excess: f64 = depths[..22].iter().map(|depth| depth - 0.3).sum();
    close(fit.decay_per_price.value, 22.0 / excess, 1e-13);
    close(fit.arrivals_per_second.value, 22.0 / 50.0 * (22.0 / excess * 0.3).exp(), 1e-13);
}

#[test]
fn depths_on_a_grid_in_closed_form() {
    // Spread of one tick: levels at half a tick and whole ticks from there.
    let depths: Vec<f64> = (0..60).map(|n| 0.05 + 0.1 * f64::from(n % 5)).collect();
    let sample = DepthSample { depths_price: &depths, seconds: 600.0, nearest_price: 0.05, tick_price: Some(0.1) };
    let (fit, _) = fit_depths(&sample).expect("a fit");
    // κ = ln(1 + 1/mean steps)/τ with two steps in the mean; A = n/T·e^(κ·τ/2).
    let decay = 1.5_f64.ln() / 0.1;
    close(fit.decay_per_price.value, decay, 1e-12);
    close(fit.arrivals_per_second.value, 0.1 * (decay * 0.05).exp(), 1e-12);
    // Counted from the price instead of the mid, half a tick nearer, A is short by e^(-κτ/2).
    let near: Vec<f64> = depths.iter().map(|depth| depth - 0.05).collect();
    let off = DepthSample { depths_price: &near, nearest_price: 0.0, ..sample };
    let (off, _) = fit_depths(&off).expect("a fit");
    close(off.arrivals_per_second.value / fit.arrivals_per_second.value, (-decay * 0.05).exp(), 1e-12);
    // The tally says the same.
    let mut tally = DepthTally::new(0.1, 64, 0).expect("in range");
    tally.on_watched(1, 600.0);
    for n in 0..60 {
        tally.on_order(1 + 2 * (n % 5));
    }
    let same = tally.fit().expect("a fit");
    close(same.decay_per_price.value, decay, 1e-12);
    close(same.arrivals_per_second.low, fit.arrivals_per_second.low, 1e-10);
}

#[test]
fn own_fills_with_their_prior() {
    let prior = FillPrior { arrivals_per_second: 0.1, decay_per_price: 4.0, fills: 4.0, distance_price: 0.3 };
    let mut tally = OwnFillTally::new(0.1, 64, prior).expect("in range");
    let alone = tally.fit().expect("the prior");
    assert!(matches!(alone.prior_kept, Some(FitRefusal::Uninformative { information: 0.0, .. })), "{alone:?}");
    close(alone.fit.arrivals_per_second.value, 0.1, 1e-12);
    close(alone.fit.decay_per_price.value, 4.0, 1e-12);
    let mut add = |times: u32| {
        for (distance, seconds, fills) in [(2, 400.0, 12), (6, 500.0, 5), (12, 700.0, 2)] {
            tally.on_quoted(distance, seconds * f64::from(times));
            (0..fills * times).for_each(|_| tally.on_fill(distance));
        }
        (tally.information(), tally.fit().expect("a fit or the prior"))
    };
    // A third of the sample is a third of the information, and too little of it.
    let (information, early) = add(1);
    close(information, 26.404118201061852 / 3.0, 1e-12);
    let needed = INFORMATION_MIN;
    assert_eq!(early.prior_kept, Some(FitRefusal::Uninformative { information, needed }));
    assert_eq!(early.fit, alone.fit);
    let (information, whole) = add(2);
    close(information, 26.404118201061852, 1e-12);
    assert_eq!((whole.prior_kept, whole.fills, whole.quoted_seconds), (None, 57.0, 4_800.0));
    equal(
        whole.fit.arrivals_per_second,
        [0.04782383933845987, 0.010208112736011469, 0.03106545748791714, 0.07187871510752943],
    );
    equal(whole.fit.decay_per_price, [4.694351912438289, 0.8076013206354601, 3.1908509011694197, 6.374633638151143]);
    close(whole.fit.correlation, 0.8001213827244485, 1e-9);
}

#[test]
fn quotes_within_two_percent_keep_the_prior_and_say_so() {
    let prior = FillPrior { arrivals_per_second: 2.0, decay_per_price: 1.5, fills: 5.0, distance_price: 0.6 };
    let seed = 11;
    let mut rng = SplitMix64::new(seed);
    // Tick 0.01, distances 118 to 122 half ticks: 0.59 to 0.61.
    let mut tally = OwnFillTally::new(0.01, 512, prior).expect("in range");
    for _ in 0..20_000 {
        let distance = 118 + rng.below(5) as i64;
        tally.on_quoted(distance, 1.0);
        if rng.unit_f64() < 2.0 * (-3.0 * 0.005 * distance as f64).exp() {
            tally.on_fill(distance);
        }
    }
    let outcome = tally.fit().expect("the prior");
    assert!(outcome.fills > 5_000.0, "{outcome:?}");
    let Some(FitRefusal::Uninformative { information, needed }) = outcome.prior_kept else { panic!("{outcome:?}") };
    assert!(information < needed && needed == INFORMATION_MIN, "seed {seed}: {information}");
    close(outcome.fit.decay_per_price.value, 1.5, 1e-12);
    assert!(matches!(tally.refit(), RefitState::Refused(FitRefusal::Uninformative { .. })));
    assert_eq!(tally.in_force(), (2.0, 1.5));
}

/// Depth levels of Poisson arrivals on a grid: reach is exponential, what is seen is the level below it.
fn simulate_grid(rng: &mut SplitMix64, arrivals: f64, decay: f64, seconds_each: f64) -> DepthTally {
    let mut tally = DepthTally::new(0.1, 256, 0).expect("in range");
    for touch in [1, 2, 3, 4] {
        tally.on_watched(touch, seconds_each);
        let mut at = -(1.0 - rng.unit_f64()).ln() / arrivals;
        while at < seconds_each {
            let reach_half_ticks = -(1.0 - rng.unit_f64()).ln() / decay / 0.05;
            if reach_half_ticks >= touch as f64 {
                tally.on_order(touch + 2 * ((reach_half_ticks - touch as f64) / 2.0) as i64);
            }
            at -= (1.0 - rng.unit_f64()).ln() / arrivals;
        }
    }
    tally
}

fn seeds() -> u64 {
    if std::env::var_os("FAFNIR_LONG").is_some() { 1_000 } else { 300 }
}

/// Shares of seeds whose intervals hold the truth, checked against 93 % to 97 % (wider for fewer seeds, by the same
/// number of standard deviations of the share).
#[track_caller]
fn check_coverage(name: &str, hits: [u64; 2], of: u64) {
    let [arrivals, decay] = hits.map(|hits| hits as f64 / of as f64);
    println!("coverage, {name}, {of} seeds: A {:.1} %, kappa {:.1} %", arrivals * 100.0, decay * 100.0);
    let margin = 0.02 * (1_000.0 / of as f64).sqrt();
    for share in [arrivals, decay] {
        assert!((share - 0.95).abs() <= margin, "{name}: {share} of {of} seeds");
    }
}

fn holds(interval: FitInterval, truth: f64) -> u64 {
    u64::from(interval.low <= truth && truth <= interval.high)
}

#[test]
fn intervals_cover_on_simulated_arrivals() {
    let (arrivals, decay) = (1.4, 3.0);
    let (mut exact, mut grid, mut own) = ([0; 2], [0; 2], [0; 2]);
    for seed in 1..=seeds() {
        let mut rng = SplitMix64::new(seed);
        // Exact depths from 0.2 on, 300 s: some 230 orders.
        let (mut depths, mut at) = (Vec::new(), 0.0);
        while at < 300.0 {
            at -= (1.0 - rng.unit_f64()).ln() / arrivals;
            depths.push(-(1.0 - rng.unit_f64()).ln() / decay);
        }
        depths.pop();
        let sample = DepthSample { depths_price: &depths, seconds: 300.0, nearest_price: 0.2, tick_price: None };
        let (fit, _) = fit_depths(&sample).expect("a fit");
        exact[0] += holds(fit.arrivals_per_second, arrivals);
        exact[1] += holds(fit.decay_per_price, decay);
        let fit = simulate_grid(&mut rng, arrivals, decay, 100.0).fit().expect("a fit");
        grid[0] += holds(fit.arrivals_per_second, arrivals);
        grid[1] += holds(fit.decay_per_price, decay);
        // Own fills at distances 0.1 to 0.8, prior at the truth but light.
        let prior =
            FillPrior { arrivals_per_second: arrivals, decay_per_price: decay, fills: 0.5, distance_price: 0.4 };
        let mut tally = OwnFillTally::new(0.1, 64, prior).expect("in range");
        for distance in 2..=16 {
            tally.on_quoted(distance, 60.0);
            let rate = arrivals * (-decay * 0.05 * distance as f64).exp();
            let mut at = -(1.0 - rng.unit_f64()).ln() / rate;
            while at < 60.0 {
                tally.on_fill(distance);
                at -= (1.0 - rng.unit_f64()).ln() / rate;
            }
        }
        let outcome = tally.fit().expect("a fit");
        assert_eq!(outcome.prior_kept, None, "seed {seed}");
        own[0] += holds(outcome.fit.arrivals_per_second, arrivals);
        own[1] += holds(outcome.fit.decay_per_price, decay);
    }
    check_coverage("exact depths", exact, seeds());
    check_coverage("tick grid", grid, seeds());
    check_coverage("own fills", own, seeds());
}

#[test]
fn goodness_of_fit_tells_the_model_from_another() {
    let of = seeds();
    let mut rejected = 0;
    for seed in 1..=of {
        let tally = simulate_grid(&mut SplitMix64::new(seed), 1.4, 3.0, 200.0);
        let fit = tally.fit().expect("a fit");
        rejected += u64::from(tally.goodness(&fit).expect("a test").p_value < 0.05);
    }
    let share = rejected as f64 / of as f64;
    assert!(share < 0.10 && share > 0.01, "rejects {share} of true models");
    // Two kinds of traders: many near, some far. No single exponential.
    let mut mixed = DepthTally::new(0.1, 256, 0).expect("in range");
    mixed.on_watched(1, 1_000.0);
    for n in 0..400 {
        mixed.on_order(if n % 5 == 0 { 21 + 2 * (n % 13) } else { 1 });
    }
    let fit = mixed.fit().expect("a fit");
    assert!(mixed.goodness(&fit).expect("a test").p_value < 1e-6);
}

#[test]
fn the_streaming_refit_settles_where_the_whole_fit_is() {
    for seed in [3, 4, 5] {
        let mut tally = simulate_grid(&mut SplitMix64::new(seed), 1.4, 3.0, 100.0);
        let mut steps = 0;
        while tally.refit() != RefitState::Settled {
            steps += 1;
            assert!(steps < 20, "seed {seed}");
        }
        // A step's worth of news: one step is enough to take it in.
        (0..2).for_each(|_| tally.on_order(11));
        assert_eq!(tally.refit(), RefitState::Settled, "seed {seed}");
        let (first, whole) = (tally.estimate().expect("settled"), tally.fit().expect("a fit"));
        let decay_off = (first.decay_per_price - whole.decay_per_price.value) / whole.decay_per_price.standard_error;
        let arrivals = whole.arrivals_per_second;
        let arrivals_off = (first.arrivals_per_second - arrivals.value) / arrivals.standard_error;
        assert!(decay_off.abs() < 5e-3 && arrivals_off.abs() < 5e-3, "seed {seed}: {decay_off} {arrivals_off}");
        for _ in 0..3 {
            tally.refit();
        }
        let (running, fit) = (tally.estimate().expect("settled"), tally.fit().expect("a fit"));
        close(running.decay_per_price, fit.decay_per_price.value, 1e-9);
        close(running.arrivals_per_second, fit.arrivals_per_second.value, 1e-9);
        close(running.decay_standard_error, fit.decay_per_price.standard_error, 1e-7);
        let log_error = fit.arrivals_per_second.standard_error / fit.arrivals_per_second.value;
        close(running.log_arrivals_standard_error, log_error, 1e-7);
        // Half as much weight, the same estimate, a wider error.
        tally.forget(0.5);
        tally.refit();
        let older = tally.estimate().expect("settled");
        close(older.decay_per_price, running.decay_per_price, 1e-9);
        close(older.decay_standard_error, running.decay_standard_error * 2.0_f64.sqrt(), 1e-7);
    }
    let prior = FillPrior { arrivals_per_second: 1.0, decay_per_price: 20.0, fills: 1.0, distance_price: 0.4 };
    let mut own = OwnFillTally::new(0.1, 64, prior).expect("in range");
    for distance in 2..=16 {
        own.on_quoted(distance, 100.0);
        for _ in 0..(200.0 * (-0.15 * distance as f64).exp()) as u32 {
            own.on_fill(distance);
        }
    }
    for _ in 0..20 {
        own.refit();
    }
    assert_eq!(own.refit(), RefitState::Settled);
    let (fit, (arrivals, decay)) = (own.fit().expect("a fit"), own.in_force());
    assert_eq!(fit.prior_kept, None);
    close(arrivals, fit.fit.arrivals_per_second.value, 1e-9);
    close(decay, fit.fit.decay_per_price.value, 1e-9);
}

#[test]
fn what_has_no_estimate_says_why() {
    let depths = [0.5; 40];
    let sample = DepthSample { depths_price: &depths, seconds: 10.0, nearest_price: 0.5, tick_price: Some(0.1) };
    let refused = |sample: DepthSample<'_>| fit_depths(&sample).expect_err("refused");
    assert_eq!(refused(sample), FitRefusal::OneDepth);
    assert_eq!(refused(DepthSample { seconds: 0.0, ..sample }), FitRefusal::NoTime);
    let few = FitRefusal::TooFew { orders: 19.0, needed: 20.0 };
    assert_eq!(refused(DepthSample { depths_price: &depths[..19], ..sample }), few);
    assert_eq!(refused(DepthSample { depths_price: &[], ..sample }), FitRefusal::TooFew { orders: 0.0, needed: 20.0 });
    for bad in [f64::NAN, f64::INFINITY, -1.0] {
        let named = |sample: DepthSample<'_>| match refused(sample) {
            FitRefusal::OutOfRange { name, .. } => name,
            other => panic!("{other:?}"),
        };
        assert_eq!(named(DepthSample { seconds: bad, ..sample }), "seconds");
        assert_eq!(named(DepthSample { nearest_price: bad, ..sample }), "nearestPrice");
        assert_eq!(named(DepthSample { tick_price: Some(bad), ..sample }), "tickPrice");
        if bad != -1.0 {
            assert_eq!(named(DepthSample { depths_price: &[1.0, bad], ..sample }), "depthsPrice");
        }
    }
    let mut tally = DepthTally::new(0.1, 64, 0).expect("in range");
    assert_eq!(tally.refit(), RefitState::Refused(FitRefusal::TooFew { orders: 0.0, needed: 20.0 }));
    assert_eq!(tally.fit(), Err(FitRefusal::NoTime));
    assert_eq!(tally.fit_line(), Err(FitRefusal::EmptyBins { filled: 0, needed: 3 }));
    for (levels, nearest) in [(3, 0), (LEVELS_MAX + 1, 0), (64, -1), (64, 61)] {
        assert!(
            matches!(DepthTally::new(0.1, levels, nearest), Err(FitRefusal::OutOfRange { .. })),
            "{levels} {nearest}"
        );
    }
    // Orders at one level: the refit runs away and is refused; nothing is in force.
    tally.on_watched(1, 100.0);
    for _ in 0..30 {
        tally.on_order(1);
    }
    let states: Vec<RefitState> = (0..40).map(|_| tally.refit()).collect();
    assert!(states.contains(&RefitState::Refused(FitRefusal::OneDepth)), "{states:?}");
    assert_eq!((tally.estimate(), tally.fit()), (None, Err(FitRefusal::OneDepth)));
    // Own fills that come more often from farther away.
    let prior = FillPrior { arrivals_per_second: 1.0, decay_per_price: 9.0, fills: 0.1, distance_price: 0.4 };
    let mut own = OwnFillTally::new(0.1, 64, prior).expect("in range");
    for (distance, fills) in [(1, 10), (20, 200)] {
        own.on_quoted(distance, 50.0);
        (0..fills).for_each(|_| own.on_fill(distance));
    }
    own.on_quoted(9, 1e4);
    own.forget(1.0);
    assert_eq!(own.fit().expect("the prior").prior_kept, Some(FitRefusal::DecayNotPositive));
    assert_eq!(FitRefusal::DecayNotPositive.to_fault().code, types::Code::CalibrationRefused);
}

#[test]
fn what_does_not_count_is_counted() {
    let mut tally = DepthTally::new(0.1, 8, 3).expect("in range");
    for depth in [-5, 0, 2] {
        tally.on_order(depth);
    }
    assert_eq!((tally.orders_left_out(), tally.orders()), (3, 0.0));
    for depth in [3, 7, 8, 6, 5, i64::MAX] {
        tally.on_order(depth);
    }
    // Levels 6 and 7 are the last of their lattices; 8 and the farthest are cut to 6 and 7.
    assert_eq!((tally.orders_cut(), tally.orders()), (4.0, 6.0));
    for (touch, seconds) in [(1, 10.0), (2, 20.0), (8, 5.0), (-1, 3.0), (1, f64::NAN), (1, -4.0), (i64::MAX, 1.0)] {
        tally.on_watched(touch, seconds);
    }
    // With a touch of one half tick the nearest level that counts is 3, with two it is 4.
    assert_eq!((tally.seconds(), tally.seconds_left_out()), (30.0, 9.0));
    let shown: Vec<(f64, f64)> = tally.points().iter().map(|point| (point.depth_price, point.orders)).collect();
    assert_eq!(shown[..2], [(3.0 * 0.05, 1.0), (4.0 * 0.05, 0.0)]);
    let prior = FillPrior { arrivals_per_second: 1.0, decay_per_price: 1.0, fills: 1.0, distance_price: 0.1 };
    let mut own = OwnFillTally::new(0.1, 8, prior).expect("in range");
    own.on_fill(8);
    own.on_fill(-1);
    own.on_quoted(8, 2.0);
    assert_eq!((own.fills_left_out(), own.seconds_left_out()), (2, 2.0));
    for bad in [f64::NAN, 0.0, -1.0, f64::INFINITY] {
        assert!(OwnFillTally::new(0.1, 8, FillPrior { fills: bad, ..prior }).is_err());
        assert!(OwnFillTally::new(bad, 8, prior).is_err());
    }
    assert!(
        OwnFillTally::new(0.1, 8, FillPrior { distance_price: 1e6, ..prior }).is_err(),
        "no float holds its seconds"
    );
}
