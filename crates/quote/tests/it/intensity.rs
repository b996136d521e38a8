//! The κ estimator: its prior, its bounds, and convergence on simulated Poisson fills.
use fafnir_quote::IntensityEstimator;
use types::config::IntensityCalibration;
use types::rng::SplitMix64;

const PRIOR: IntensityCalibration = IntensityCalibration {
    arrivals_per_second: 2.0,
    prior_fills: 5.0,
    prior_seconds: 0.0,
    prior_distance_price: 0.5,
    min_per_price: 0.01,
    max_per_price: 100.0,
};

fn close(got: f64, want: f64, relative: f64) {
    assert!((got / want - 1.0).abs() < relative, "{got} is not {want} within {relative}");
}

#[test]
fn the_prior_alone_gives_the_stated_decay() {
    for decay in [0.02, 1.5, 40.0] {
        let estimator = IntensityEstimator::new(PRIOR, decay);
        close(estimator.decay_per_price(), decay, 1e-12);
        let summary = estimator.prior_summary();
        close(summary.fills_per_second, 2.0 * (-decay * 0.5_f64).exp(), 1e-12);
        close(summary.decay_per_price, decay, 1e-12);
        close(summary.seconds, 5.0 / (2.0 * (-decay * 0.5_f64).exp()), 1e-12);
    }
    // With seconds given: ln(2 / (5/100)) / 0.5 = 7.377758908227871 (independent: 2·ln 40).
    let stated = IntensityEstimator::new(IntensityCalibration { prior_seconds: 100.0, ..PRIOR }, 1.5);
    close(stated.decay_per_price(), 7.377_758_908_227_871, 1e-12);
}

#[test]
fn worked_example() {
    let prior = IntensityCalibration { prior_seconds: 100.0, ..PRIOR };
    let mut estimator = IntensityEstimator::new(prior, 1.5);
    assert!(estimator.on_quoted(300.0, 0.9));
    for _ in 0..15 {
        estimator.on_fill();
    }
    // λ̂ = 20/400 = 0.05; mean d = (270 + 50)/400 = 0.8; ln(40)/0.8 = 4.611099317642419.
    close(estimator.decay_per_price(), 4.611_099_317_642_419, 1e-12);
    assert_eq!((estimator.fills(), estimator.quoted_seconds()), (15.0, 300.0));
    close(estimator.prior_summary().decay_per_price, 7.377_758_908_227_871, 1e-12);
}

fn simulate(seed: u64, decay: f64, mean: f64, spread: f64, seconds: u32) -> f64 {
    let mut rng = SplitMix64::new(seed);
    let mut estimator = IntensityEstimator::new(PRIOR, 1.0);
    for _ in 0..seconds * 20 {
        let (step, distance) = (0.05, mean + spread * (2.0 * rng.unit_f64() - 1.0));
        estimator.on_quoted(step, distance);
        // Poisson fills within the step, by exponential gaps.
        let rate = PRIOR.arrivals_per_second * (-decay * distance).exp();
        let mut at = -(1.0 - rng.unit_f64()).ln() / rate;
        while at < step {
            estimator.on_fill();
            at -= (1.0 - rng.unit_f64()).ln() / rate;
        }
    }
    estimator.decay_per_price()
}

#[test]
fn converges_on_poisson_fills() {
    for (seed, decay) in [(1, 0.8), (2, 3.0), (3, 6.0)] {
        // 40,000 s: between 600 and 30,000 fills, so the error of ln λ̂ is below 4 %, that of κ̂ below 3 %.
        close(simulate(seed, decay, 0.6, 0.0, 40_000), decay, 0.03);
        // A distance uniform in 0.6 ± 0.1 has variance 1/300: low by κ²·v/(2·0.6), as the module says.
        let bias = decay * decay / 300.0 / 1.2;
        close(simulate(seed, decay, 0.6, 0.1, 40_000), decay - bias, 0.03);
    }
}

#[test]
fn stays_within_its_bounds_whatever_comes() {
    let mut estimator = IntensityEstimator::new(PRIOR, 1.5);
    for _ in 0..10_000 {
        estimator.on_fill();
    }
    assert_eq!(estimator.decay_per_price(), 0.01, "more fills than arrivals: the lower bound");
    let mut silent = IntensityEstimator::new(PRIOR, 1.5);
    for _ in 0..100 {
        silent.on_quoted(1e12, 1e-9);
    }
    assert_eq!(silent.decay_per_price(), 100.0, "far too quiet so near: the upper bound");

    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 1e300, 1e-300, f64::MAX, 3.0];
    let mut tough = IntensityEstimator::new(PRIOR, 1.5);
    for seconds in odd {
        for distance in odd {
            tough.on_quoted(seconds, distance);
            tough.on_fill();
            let decay = tough.decay_per_price();
            assert!((0.01..=100.0).contains(&decay), "{seconds} {distance}: {decay}");
        }
    }
    // A prior so strong that its seconds overflow holds as stated.
    let far = IntensityCalibration { prior_distance_price: 1e6, ..PRIOR };
    let mut certain = IntensityEstimator::new(far, 1.5);
    certain.on_fill();
    assert_eq!(certain.decay_per_price(), 1.5);
}

#[test]
fn a_quote_beyond_the_mid_counts_as_at_the_mid() {
    let (mut beyond, mut at) = (IntensityEstimator::new(PRIOR, 1.5), IntensityEstimator::new(PRIOR, 1.5));
    beyond.on_quoted(10.0, -3.0);
    at.on_quoted(10.0, 0.0);
    assert_eq!(beyond.decay_per_price(), at.decay_per_price());
}

#[test]
fn refreshes_once_a_quoted_second() {
    let mut estimator = IntensityEstimator::new(PRIOR, 1.5);
    let start = estimator.decay_per_price();
    for _ in 0..3 {
        assert!(!estimator.on_quoted(0.25, 2.0));
        assert_eq!(estimator.decay_per_price(), start);
    }
    assert!(estimator.on_quoted(0.25, 2.0));
    assert_ne!(estimator.decay_per_price(), start);
}
