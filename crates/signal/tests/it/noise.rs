//! Two-scales and pre-averaged volatility: against the papers' formulas in batch, and their error under heavy noise.
use crate::common;

use common::{Normals, assert_close};
use fafnir_signal::{
    NOISE_WINDOW_MAX, PRICE_HALF_TICKS_MAX, PreAveragedVolatility, SignalFault, TwoScalesVolatility,
    VolatilityEstimate, batch,
};
use types::UnixNanos;
use types::rng::SplitMix64;

const SECOND: u64 = 1_000_000_000;
/// Half ticks of one true step: large, so that the grid adds no noise of its own.
const STEP: f64 = 1_000.0;

/// One estimator of the two, behind one call.
enum Either {
    Two(TwoScalesVolatility),
    Pre(PreAveragedVolatility),
}

impl Either {
    fn new(pre_averaged: bool, window: usize, span: usize) -> Either {
        if pre_averaged {
            Either::Pre(PreAveragedVolatility::new(window, span, 2.0).unwrap())
        } else {
            Either::Two(TwoScalesVolatility::new(window, span, 2.0).unwrap())
        }
    }
    fn on_price(&mut self, now: UnixNanos, price: i64) -> bool {
        match self {
            Either::Two(volatility) => volatility.on_price(now, price),
            Either::Pre(volatility) => volatility.on_price(now, price),
        }
    }
    fn estimate(&self) -> Option<VolatilityEstimate> {
        match self {
            Either::Two(volatility) => volatility.estimate(),
            Either::Pre(volatility) => volatility.estimate(),
        }
    }
}

/// An estimate from `n` returns of a Brownian motion with `STEP` a second, observed with noise of `ratio` steps.
fn simulated(pre_averaged: bool, span: usize, n: usize, ratio: f64, seed: u64) -> Option<VolatilityEstimate> {
    let mut normals = Normals::new(seed);
    let mut volatility = Either::new(pre_averaged, n + 1, span);
    let mut price = 0.0;
    for at in 0..=n {
        let seen = price + ratio * STEP * normals.next();
        assert!(volatility.on_price(UnixNanos(at as u64 * SECOND), seen.round() as i64));
        price += STEP * normals.next();
    }
    volatility.estimate()
}

#[test]
fn streams_equal_the_papers_formulas() {
    let mut rng = SplitMix64::new(5_1);
    for pre_averaged in [false, true] {
        for (window, span) in [(24, 2), (40, 5), (60, 7), (97, 11)] {
            let mut volatility = Either::new(pre_averaged, window, span);
            let (mut times, mut prices): (Vec<u64>, Vec<f64>) = (Vec::new(), Vec::new());
            let (mut time, mut price) = (9, -50i64);
            // Four windows: the ring wraps several times.
            for at in 0..window * 4 {
                time += rng.below(3) * SECOND / 7;
                price += rng.below(2_001) as i64 - 1_000;
                assert!(volatility.on_price(UnixNanos(time), price));
                times.push(time);
                prices.push(price as f64);
                let held = window.min(prices.len());
                let (times, prices) = (&times[times.len() - held..], &prices[prices.len() - held..]);
                let least = 4 * if pre_averaged { 2 * span } else { span + 1 };
                let want = match held >= least {
                    true if pre_averaged => batch::volatility::pre_averaged(times, prices, span),
                    true => batch::volatility::two_scales(times, prices, span),
                    false => None,
                };
                let got = volatility.estimate().map(|estimate| estimate.sigma);
                // Differences of sums lose digits where little is left of the variance; 1e-7 is far below its error.
                assert_close(got, want, 1e-7, &format!("pre {pre_averaged} window {window} span {span} at {at}"));
            }
        }
    }
}

#[test]
fn the_error_is_that_of_the_trace_formula() {
    // Returns r have covariance S (v + 2w on the diagonal, -w beside it), and v̂ = r'Ar, so Var v̂ = 2·tr(ASAS).
    // numpy: M[i, i:i+L] = g in m = n-L+1 rows; A = (M'M/m - (H0/2)·I/n)/(G0 - H0/2);
    //   G0 = (g**2).sum(); H0 = (diff(r_[0, g, 0])**2).sum(); n = 1000, v = 1, w = 9; trace(A@S@A@S)*2
    //   g = ones(10): 0.03233588122047864; g = minimum(a, 14-a) for a in 1..13: 0.027881046660849125
    let known = [(false, 10, 0.032_335_881_220_478_64), (true, 7, 0.027_881_046_660_849_125)];
    for (pre_averaged, span, variance) in known {
        // The standard error over σ is half the relative error of σ², at v̂ and ω̂² of the sample: the mean over
        // samples of like σ and noise is within a few per cent.
        let seeds = 400;
        let mut sum = 0.0;
        for seed in 0..seeds {
            let estimate = simulated(pre_averaged, span, 1_000, 3.0, seed).unwrap();
            // In terms of the true values: rescale by how far this sample's own are off, (η̂ / η)-wise to first
            // order.
            sum += (estimate.standard_error / estimate.sigma * 2.0).powi(2);
        }
        let mean = sum / seeds as f64;
        assert!((mean / variance - 1.0).abs() < 0.1, "span {span}: {mean} for {variance}");
    }
}

#[test]
fn sigma_is_within_two_per_cent_at_a_hundred_thousand_observations() {
    // The least that any estimator reaches at η = 3: √((4·√37 + 2)/n)/2 = 0.81 % of σ.
    let bound = ((4.0 * 37f64.sqrt() + 2.0) / 1e5).sqrt() / 2.0;
    assert!((bound - 0.008_11).abs() < 1e-5);
    let n = 100_000;
    let (best_pre, best_two) = (PreAveragedVolatility::best_half_span(3.0), TwoScalesVolatility::best_subgrids(3.0));
    assert_eq!((best_pre, best_two), (7, 10));
    // The best spans, and ones that are three to four times too long.
    for (pre_averaged, span, seeds) in [(true, best_pre, 40), (true, 25, 20), (false, best_two, 40), (false, 40, 20)] {
        let (mut squares, mut noise) = (0.0, 0.0);
        for seed in 1..=seeds {
            let estimate = simulated(pre_averaged, span, n, 3.0, seed).unwrap();
            squares += (estimate.sigma / STEP - 1.0).powi(2);
            noise += estimate.noise / STEP / seeds as f64;
        }
        let rmse = (squares / seeds as f64).sqrt();
        println!("pre-averaged {pre_averaged} span {span}: RMSE of sigma {:.2} %, noise {noise:.4}", rmse * 100.0);
        assert!(rmse <= 0.02 && rmse > bound * 0.6, "pre {pre_averaged} span {span}: RMSE {rmse}");
        assert!((noise - 3.0).abs() < 0.02, "{noise}");
    }
}

#[test]
fn the_interval_covers_at_a_thousand_observations() {
    for (pre_averaged, span, ratio) in [(true, 7, 3.0), (false, 10, 3.0), (true, 5, 0.5), (false, 5, 0.5)] {
        let (mut covered, mut defined) = (0, 0);
        for seed in 0..1_000 {
            let Some(estimate) = simulated(pre_averaged, span, 1_000, ratio, 77_000 + seed) else { continue };
            let (low, high) = estimate.interval_95();
            covered += u32::from(low <= STEP && STEP <= high);
            defined += 1;
        }
        println!("pre-averaged {pre_averaged} span {span} noise {ratio}: {covered} of {defined} cover");
        assert!(defined >= 999 && (930..=970).contains(&covered), "{covered} of {defined} cover");
    }
}

#[test]
fn bad_input_is_refused() {
    for bad in [
        TwoScalesVolatility::new(11, 2, 1.0).unwrap_err(),
        TwoScalesVolatility::new(NOISE_WINDOW_MAX + 1, 2, 1.0).unwrap_err(),
        TwoScalesVolatility::new(100, 1, 1.0).unwrap_err(),
        TwoScalesVolatility::new(100, 4, f64::NAN).unwrap_err(),
        PreAveragedVolatility::new(100, 1, 1.0).unwrap_err(),
        PreAveragedVolatility::new(100, 13, 1.0).unwrap_err(),
        PreAveragedVolatility::new(100, 4, -1.0).unwrap_err(),
    ] {
        assert!(matches!(bad, SignalFault::Parameter { .. }), "{bad:?}");
    }
    let mut volatility = PreAveragedVolatility::new(64, 2, 1.0).unwrap();
    assert!(!volatility.on_price(UnixNanos(1), PRICE_HALF_TICKS_MAX + 1));
    assert!(!volatility.on_price(UnixNanos(1), i64::MIN));
    assert_eq!((volatility.samples(), volatility.rejected()), (0, 2));
    // The widest prices, alternating in sign, times that stand and step back: no overflow, no panic; no time, no σ.
    for at in 0..300u64 {
        let price = if at % 2 == 0 { PRICE_HALF_TICKS_MAX } else { -PRICE_HALF_TICKS_MAX };
        assert!(volatility.on_price(UnixNanos(1_000 - at), price));
        assert_eq!(volatility.sigma(), None);
    }
    volatility.reset();
    assert_eq!(volatility.samples(), 0);
    for at in 0..64 {
        volatility.on_price(UnixNanos(at * SECOND), 5);
    }
    // A price that never moves has no σ to state: zero is the edge of what the estimate can be.
    assert_eq!(volatility.estimate(), None);
}
