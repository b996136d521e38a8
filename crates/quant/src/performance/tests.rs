//! # Room card: quant/performance/tests
//! In:    short series whose statistics follow by hand, random series with printed seeds, bad input.
//! Out:   every convention against its definition; drawdowns against a naive search.
//! Holds: values of the reference are in tests/reference_base.rs.
//! Costs: milliseconds.
use types::rng::SplitMix64;

use super::*;

fn close(found: Option<f64>, wanted: f64) {
    assert!(found.is_some_and(|value| (value - wanted).abs() < 1e-12), "{found:?} is not {wanted}");
}

#[test]
fn four_returns_by_hand() {
    let options = PerformanceOptions { periods_per_year: 4.0, ..PerformanceOptions::default() };
    let found = performance(&[0.1, -0.05, 0.2, -0.1], options).unwrap();
    assert!((found.total_return - (1.1 * 0.95 * 1.2 * 0.9 - 1.0)).abs() < 1e-15);
    assert!((found.cagr - found.total_return).abs() < 1e-15);
    let deviation = ((0.0625f64.powi(2) + 0.0875f64.powi(2) + 0.1625f64.powi(2) + 0.1375f64.powi(2)) / 3.0).sqrt();
    close(found.sharpe, 0.0375 * 2.0 / deviation);
    close(found.sortino_all, 0.0375 * 2.0 / (0.0125f64 / 4.0).sqrt());
    close(found.sortino_negative_only, 0.0375 * 2.0 / (0.0125f64 / 2.0).sqrt());
    close(found.omega, 2.0);
    close(found.win_rate, 0.5);
    close(found.profit_factor, 2.0);
    close(found.payoff_ratio, 2.0);
    close(found.kelly, 0.25);
    close(found.calmar, found.cagr / 0.1);
    assert!((found.max_drawdown + 0.1).abs() < 1e-15);
}

#[test]
fn rates_of_a_year_and_of_a_period_agree() {
    let returns = [0.01, -0.02, 0.03, 0.002];
    let year = Rate { value: 0.05, period: RatePeriod::Year };
    let period = Rate { value: 1.05f64.powf(1.0 / 252.0) - 1.0, period: RatePeriod::Period };
    let with = |risk_free| performance(&returns, PerformanceOptions { risk_free, ..Default::default() }).unwrap();
    close(with(year).sharpe, with(period).sharpe.unwrap());
    assert!(with(year).sharpe < with(Rate::ZERO).sharpe);
}

#[test]
fn ratios_without_a_denominator_are_none() {
    let gains = performance(&[0.1, 0.2, 0.1], PerformanceOptions::default()).unwrap();
    let none = [gains.sortino_all, gains.omega, gains.calmar, gains.profit_factor, gains.payoff_ratio, gains.kelly];
    assert_eq!((none, gains.max_drawdown), ([None; 6], 0.0));
    let flat = performance(&[0.1; 5], PerformanceOptions::default()).unwrap();
    assert_eq!((flat.sharpe, flat.annual_volatility, flat.skewness, flat.kurtosis), (None, 0.0, 0.0, 3.0));
    let losses = performance(&[-0.1, -0.2, -0.1], PerformanceOptions::default()).unwrap();
    assert_eq!((losses.win_rate, losses.profit_factor, losses.omega), (Some(0.0), Some(0.0), Some(0.0)));
    assert!(losses.sharpe.unwrap() < 0.0 && losses.sortino_all.unwrap() < 0.0);
    let gone = performance(&[0.1, -1.0, 0.2], PerformanceOptions::default()).unwrap();
    assert_eq!((gone.total_return, gone.cagr, gone.max_drawdown, gone.stability), (-1.0, -1.0, -1.0, None));
}

#[test]
fn drawdowns_are_what_a_search_finds() {
    for seed in 0..200u64 {
        let mut rng = SplitMix64::new(seed);
        let returns: Vec<f64> = (0..1 + rng.below(60)).map(|_| (rng.below(9) as f64 - 4.0) / 64.0).collect();
        let found = drawdowns(&returns).unwrap();
        let mut equity = vec![1.0];
        for r in &returns {
            equity.push(equity[equity.len() - 1] * (1.0 + r));
        }
        let mut worst = 0.0f64;
        for trough in 0..equity.len() {
            for peak in 0..trough {
                worst = worst.min(equity[trough] / equity[peak] - 1.0);
            }
        }
        assert!((found.max_drawdown - worst).abs() < 1e-15, "seed {seed}");
        for fall in &found.all {
            assert_eq!(fall.depth, equity[fall.trough] / equity[fall.peak] - 1.0, "seed {seed}");
            let end = fall.recovery.unwrap_or(equity.len());
            assert!(equity[fall.peak + 1..end].iter().all(|value| *value <= equity[fall.peak]), "seed {seed}");
            assert!(fall.recovery.is_none_or(|at| equity[at] >= equity[fall.peak]), "seed {seed}");
        }
    }
}

#[test]
fn a_portfolio_made_from_its_benchmark_has_its_alpha_and_beta() {
    let mut rng = SplitMix64::new(9);
    let benchmark: Vec<f64> = (0..100).map(|_| (rng.unit_f64() - 0.5) / 50.0).collect();
    let returns: Vec<f64> = benchmark.iter().map(|b| 0.0003 + 1.5 * b).collect();
    let found = relative(&returns, &benchmark, PerformanceOptions::default()).unwrap();
    assert!((found.beta - 1.5).abs() < 1e-12 && (found.alpha_per_period - 0.0003).abs() < 1e-15);
    assert!((found.alpha_compounded - (1.0003f64.powi(252) - 1.0)).abs() < 1e-12);
    close(found.correlation, 1.0);
    let active: Vec<f64> = returns.iter().zip(&benchmark).map(|(r, b)| r - b).collect();
    close(found.information_ratio_per_period, mean(&active) / variance(&active, 1).sqrt());
    let same = relative(&benchmark, &benchmark, PerformanceOptions::default()).unwrap();
    assert_eq!((same.information_ratio, same.tracking_error), (None, 0.0));
}

#[test]
fn bad_input_says_what_and_where() {
    let options = PerformanceOptions::default();
    let what = "returns";
    assert_eq!(performance(&[], options), Err(QuantError::Empty { what }));
    assert_eq!(performance(&[0.1], options), Err(QuantError::TooFew { what, have: 1, need: 2 }));
    let nan = performance(&[0.1, f64::NAN], options);
    assert_eq!(nan, Err(QuantError::NotFinite { what, row: 1, column: 0 }));
    let low = performance(&[0.1, -1.5], options);
    assert_eq!(low, Err(QuantError::OutOfRange { what, value: -1.5, low: -1.0, high: f64::MAX }));
    let bad = PerformanceOptions { periods_per_year: 0.0, ..options };
    assert!(matches!(performance(&[0.1, 0.2], bad), Err(QuantError::OutOfRange { what: "periodsPerYear", .. })));
    let bad = PerformanceOptions { tail: 0.5, ..options };
    assert!(matches!(performance(&[0.1, 0.2], bad), Err(QuantError::OutOfRange { what: "tail", .. })));
    assert!(matches!(performance(&[1e300, 1e300], options), Err(QuantError::Undefined { .. })));
    let mut huge = [1e-3; 1_000];
    huge[7] = 1e200;
    assert!(matches!(performance(&huge, options), Err(QuantError::Undefined { what: "performance", .. })));
    assert!(matches!(relative(&huge, &[-1e-3; 999], options), Err(QuantError::Ragged { .. })));
    let ragged = relative(&[0.1, 0.2], &[0.1], options);
    assert_eq!(ragged, Err(QuantError::Ragged { what: "benchmark", have: 1, need: 2 }));
    let flat = relative(&[0.1, 0.2], &[0.1, 0.1], options);
    assert_eq!(flat, Err(QuantError::Constant { what: "benchmark", column: 0 }));
}
