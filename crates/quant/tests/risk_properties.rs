//! # Room card: quant/tests/risk_properties
//! In:    random returns, books and exceptions with printed seeds; bad arguments.
//! Out:   sums of parts, scale, naive oracles and nominal sizes hold; bad input is a typed error.
//! Holds: expected values come from definitions computed here in the plainest way.
//! Costs: a few seconds.

use quant::cointegration::{Deterministic, EngleGrangerOptions, Lags, dickey_fuller, engle_granger, johansen};
use quant::monte_carlo::{Book, OptionPosition};
use quant::options::{HedgeInstrument, HedgeOptions, HedgeSize, OptionKind, OptionTerms, portfolio_greeks, tail_hedge};
use quant::risk::{
    BaselZone, Compounding, Convention, CorrelationBreak, FilteredOptions, Shock, StudentSearch, TailMethod,
    TailOptions, VolatilityFilter, backtest_forecasts, basel_traffic_light, christoffersen, correlation_stress,
    drawdown_risk, entropic_value_at_risk, filtered_value_at_risk, fit_student, gaussian_components,
    historical_components, incremental_risk, kupiec, stress, stress_window, value_at_risk,
};
use quant::volatility::{
    EwmaOptions, EwmaStart, GarchDistribution, GarchModel, GarchOptions, GarchParameters, ewma_volatility, fit_garch,
    garch_path,
};
use quant::{JobControl, Matrix, QuantError};
use std::sync::atomic::{AtomicBool, Ordering};
use types::rng::SplitMix64;

fn normal(rng: &mut SplitMix64) -> f64 {
    let radius = (-2.0 * (1.0 - rng.unit_f64()).ln()).sqrt();
    radius * (core::f64::consts::TAU * rng.unit_f64()).cos()
}

fn returns(rng: &mut SplitMix64, n: usize) -> Vec<f64> {
    (0..n).map(|_| 0.0003 + 0.01 * normal(rng) * if rng.below(10) == 0 { 3.0 } else { 1.0 }).collect()
}

const METHODS: [TailMethod; 6] = [
    TailMethod::HistoricalInterpolated,
    TailMethod::HistoricalOrderStatistic,
    TailMethod::HistoricalLossQuantile,
    TailMethod::Gaussian,
    TailMethod::CornishFisher,
    TailMethod::StudentT(StudentSearch::Exact),
];

#[test]
fn tails_scale_and_are_ordered() {
    for seed in 0..20 {
        let mut rng = SplitMix64::new(seed);
        let r = returns(&mut rng, 300 + 40 * seed as usize);
        for method in METHODS {
            for confidence in [0.9, 0.95, 0.99] {
                let options = TailOptions { confidence, method, convention: Convention::LossPositive };
                let risk = value_at_risk(&r, &options, &JobControl::NONE).unwrap();
                assert!(risk.expected_shortfall >= risk.value_at_risk - 1e-12, "seed {seed} {method:?}");
                let scaled: Vec<f64> = r.iter().map(|x| x * 1e6).collect();
                let big = value_at_risk(&scaled, &options, &JobControl::NONE).unwrap();
                let off = (big.value_at_risk / risk.value_at_risk / 1e6 - 1.0).abs();
                assert!(off < 1e-9, "seed {seed} {method:?}: {off}");
                let signed = TailOptions { convention: Convention::Signed, ..options };
                assert_eq!(value_at_risk(&r, &signed, &JobControl::NONE).unwrap().value_at_risk, -risk.value_at_risk);
                let bound =
                    entropic_value_at_risk(&r, confidence, Convention::LossPositive, &JobControl::NONE).unwrap();
                if method == TailMethod::HistoricalOrderStatistic {
                    // EVaR bounds the shortfall and is at most the worst loss.
                    let worst = -r.iter().copied().fold(f64::MAX, f64::min);
                    assert!(bound >= risk.expected_shortfall && bound <= worst + 1e-15, "seed {seed}");
                }
            }
        }
    }
}

#[test]
fn entropic_value_is_the_least_over_a_fine_grid() {
    let mut rng = SplitMix64::new(4);
    let r = returns(&mut rng, 500);
    let got = entropic_value_at_risk(&r, 0.95, Convention::LossPositive, &JobControl::NONE).unwrap();
    let at = |z: f64| z * (r.iter().map(|x| (-x / z).exp()).sum::<f64>() / r.len() as f64 / (1.0 - 0.95)).ln();
    let least = (1..40_000).map(|k| at(1e-3 * 1.0002f64.powi(k))).fold(f64::MAX, f64::min);
    assert!(got <= least + 1e-12 && got > least - 1e-8, "{got} {least}, seed 4");
}

#[test]
fn components_sum_and_marginals_are_slopes() {
    let mut rng = SplitMix64::new(11);
    let (n, rows) = (5, 400);
    let data: Vec<f64> = (0..n).flat_map(|_| returns(&mut rng, rows)).collect();
    let matrix = Matrix::new("returns", &data, rows, n).unwrap();
    let weights = [0.3, -0.1, 0.4, 0.2, 0.2];
    let parts = historical_components(&weights, &matrix, 0.95, Convention::LossPositive).unwrap();
    let sum: f64 = parts.component.iter().sum();
    assert!((sum - parts.total.value_at_risk).abs() < 1e-14);
    let sum: f64 = parts.component_shortfall.iter().sum();
    assert!((sum - parts.total.expected_shortfall).abs() < 1e-14);
    let mut covariance = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..n {
            let (a, b) = (matrix.column(i), matrix.column(j));
            covariance[i * n + j] = a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / rows as f64;
        }
    }
    let covariance = Matrix::new("covariance", &covariance, n, n).unwrap();
    let means = [1e-4, 2e-4, 0.0, -1e-4, 3e-4];
    let of =
        |weights: &[f64]| gaussian_components(weights, &means, &covariance, 0.99, Convention::LossPositive).unwrap();
    let parts = of(&weights);
    assert!((parts.component.iter().sum::<f64>() - parts.total.value_at_risk).abs() < 1e-14);
    for i in 0..n {
        let (mut up, mut down) = (weights, weights);
        up[i] += 1e-5;
        down[i] -= 1e-5;
        let slope = (of(&up).total.value_at_risk - of(&down).total.value_at_risk) / 2e-5;
        assert!((slope - parts.marginal[i]).abs() < 1e-8, "asset {i}");
        let slope = (of(&up).total.expected_shortfall - of(&down).total.expected_shortfall) / 2e-5;
        assert!((slope - parts.marginal_shortfall[i]).abs() < 1e-8, "asset {i}");
    }
    // An order: both books measured, by hand.
    let order = [0.1, 0.0, 0.0, -0.2, 0.0];
    let options = TailOptions::default();
    let got = incremental_risk(&weights, &order, &matrix, &options, &JobControl::NONE).unwrap();
    let book = |w: &dyn Fn(usize) -> f64| -> Vec<f64> {
        (0..rows).map(|t| (0..n).map(|i| w(i) * matrix.at(t, i)).sum()).collect()
    };
    let after = value_at_risk(&book(&|i| weights[i] + order[i]), &options, &JobControl::NONE).unwrap();
    let before = value_at_risk(&book(&|i| weights[i]), &options, &JobControl::NONE).unwrap();
    assert!((got.change.value_at_risk - (after.value_at_risk - before.value_at_risk)).abs() < 1e-15);
}

#[test]
fn tests_of_forecasts_reject_at_their_nominal_size() {
    // Exceptions of a right model: independent, with the probability of the tail. At 5 % a test must reject 5 % of
    // them.
    let (runs, days, tail) = (4_000u64, 2_000usize, 0.05);
    let (mut coverage, mut independence, mut both) = (0u32, 0u32, 0u32);
    for seed in 0..runs {
        let mut rng = SplitMix64::new(900_000 + seed);
        let exceptions: Vec<bool> = (0..days).map(|_| rng.unit_f64() < tail).collect();
        let count = exceptions.iter().filter(|&&e| e).count() as u64;
        coverage += u32::from(kupiec(count, days as u64, tail).unwrap().p_value < 0.05);
        let test = christoffersen(&exceptions, tail).unwrap();
        independence += u32::from(test.independence.p_value < 0.05);
        both += u32::from(test.conditional_coverage.p_value < 0.05);
    }
    for (name, rejected) in [("Kupiec", coverage), ("independence", independence), ("conditional", both)] {
        let share = f64::from(rejected) / runs as f64;
        println!("{name}: {share:.4} rejected at 5 %, {runs} runs of {days} days, seeds from 900000");
        // Three standard errors of 4,000 runs, and as much for counts being whole numbers.
        assert!((share - 0.05).abs() < 0.02, "{name}: {share}");
    }
    // A wrong model is found: half as many exceptions again, in clusters.
    let mut rng = SplitMix64::new(1);
    let mut last = false;
    let clustered: Vec<bool> = (0..days)
        .map(|_| {
            last = rng.unit_f64() < if last { 0.5 } else { 0.05 };
            last
        })
        .collect();
    let test = christoffersen(&clustered, tail).unwrap();
    assert!(test.independence.p_value < 1e-6 && test.conditional_coverage.p_value < 1e-6);
}

#[test]
fn the_traffic_light_has_its_zones_and_forecasts_their_exceptions() {
    assert_eq!(basel_traffic_light(4).unwrap().zone, BaselZone::Green);
    assert_eq!(
        (basel_traffic_light(5).unwrap().zone, basel_traffic_light(5).unwrap().multiplier),
        (BaselZone::Yellow, 3.4)
    );
    assert_eq!(
        (basel_traffic_light(10).unwrap().zone, basel_traffic_light(250).unwrap().multiplier),
        (BaselZone::Red, 4.0)
    );
    // A loss equal to the forecast is no exception.
    let test = backtest_forecasts(&[-0.02, -0.0201, 0.01, -0.03], &[0.02; 4], 0.99).unwrap();
    assert_eq!(test.exception_days, [1, 3]);
    assert_eq!(test.basel, None);
}

#[test]
fn drawdowns_agree_with_a_plain_search() {
    for seed in 0..10 {
        let mut rng = SplitMix64::new(seed);
        let r = returns(&mut rng, 200);
        let risk = drawdown_risk(&r, Compounding::Compounded, 0.9, &JobControl::NONE).unwrap();
        let mut curve = vec![1.0];
        r.iter().for_each(|r| curve.push(curve[curve.len() - 1] * (1.0 + r)));
        let worst = (0..curve.len())
            .flat_map(|i| (i..curve.len()).map(move |j| (i, j)))
            .map(|(i, j)| 1.0 - curve[j] / curve[i])
            .fold(0.0, f64::max);
        assert!((risk.maximum - worst).abs() < 1e-14, "seed {seed}");
        assert!(risk.conditional >= risk.at_risk && risk.conditional <= risk.maximum + 1e-15, "seed {seed}");
        assert!(risk.entropic >= risk.conditional - 1e-12 && risk.entropic <= risk.maximum + 1e-12, "seed {seed}");
        for episode in &risk.episodes {
            assert!(episode.peak < episode.trough && episode.recovery.is_none_or(|end| end > episode.trough));
        }
    }
    let fall = drawdown_risk(&[0.1, -1.0], Compounding::Compounded, 0.9, &JobControl::NONE);
    assert!(matches!(fall, Err(QuantError::Undefined { what: "drawdown", .. })));
}

#[test]
fn student_and_garch_find_what_made_the_data() {
    let mut rng = SplitMix64::new(21);
    let t: Vec<f64> = (0..20_000)
        .map(|_| {
            let chi: f64 = (0..5).map(|_| normal(&mut rng).powi(2)).sum();
            0.001 + 0.02 * normal(&mut rng) / (chi / 5.0).sqrt()
        })
        .collect();
    let fit = fit_student(&t, StudentSearch::Exact, &JobControl::NONE).unwrap();
    assert!((fit.degrees_of_freedom - 5.0).abs() < 0.5 && (fit.scale - 0.02).abs() < 4e-4, "{fit:?}, seed 21");
    let mut variance = 1e-4;
    let series: Vec<f64> = (0..20_000)
        .map(|_| {
            let e = normal(&mut rng) * f64::sqrt(variance);
            variance = 2e-6 + if e < 0.0 { 0.12 } else { 0.04 } * e * e + 0.9 * variance;
            5e-4 + e
        })
        .collect();
    let options = GarchOptions { model: GarchModel::Gjr, ..GarchOptions::default() };
    let fit = fit_garch(&series, options, &JobControl::NONE).unwrap();
    let p = fit.parameters;
    assert!(
        (p.alpha - 0.04).abs() < 0.02 && (p.gamma - 0.08).abs() < 0.03 && (p.beta - 0.9).abs() < 0.02,
        "{p:?}, seed 21"
    );
    // The unit of the returns changes nothing but the unit of the result.
    let percent: Vec<f64> = series.iter().map(|r| 100.0 * r).collect();
    let other = fit_garch(&percent, options, &JobControl::NONE).unwrap().parameters;
    assert!((other.alpha - p.alpha).abs() < 1e-6 && (other.omega / p.omega / 1e4 - 1.0).abs() < 1e-5);
    // No neighbour inside the constraints is likelier.
    let best = fit.path.log_likelihood;
    for (d_alpha, d_beta, d_omega) in [(1e-3, -1e-3, 1.0), (-1e-3, 1e-3, 1.0), (0.0, 1e-3, 0.98), (0.0, -1e-3, 1.02)] {
        let near = GarchParameters { alpha: p.alpha + d_alpha, beta: p.beta + d_beta, omega: p.omega * d_omega, ..p };
        assert!(garch_path(&series, &near, 1).unwrap().log_likelihood < best);
    }
    let both = GarchOptions { model: GarchModel::Gjr, distribution: GarchDistribution::StudentT, horizon: 3 };
    let fit = fit_garch(&series, both, &JobControl::NONE).unwrap();
    assert!(fit.parameters.degrees_of_freedom.unwrap() > 30.0 && fit.path.forecast.len() == 3);
}

#[test]
fn filtered_tails_follow_the_volatility() {
    let mut rng = SplitMix64::new(8);
    let mut r = returns(&mut rng, 500);
    let calm = filtered_value_at_risk(&r, &FilteredOptions::default(), &JobControl::NONE).unwrap();
    r.extend([0.05, -0.06, 0.055, -0.05]);
    let wild = filtered_value_at_risk(&r, &FilteredOptions::default(), &JobControl::NONE).unwrap();
    assert!(wild.risk.value_at_risk > 1.5 * calm.risk.value_at_risk, "seed 8");
    // By hand: next volatility times the quantile of r over its own forecast.
    let start = EwmaStart::MeanSquare;
    let path = ewma_volatility(&r, EwmaOptions { start, ..EwmaOptions::default() }).unwrap();
    let z: Vec<f64> = r.iter().zip(&path.volatilities).map(|(r, v)| r / v).collect();
    let want = path.next * value_at_risk(&z, &TailOptions::default(), &JobControl::NONE).unwrap().value_at_risk;
    assert!((wild.risk.value_at_risk - want).abs() < 1e-15);
    let garch =
        FilteredOptions { filter: VolatilityFilter::Garch(GarchOptions::default()), ..FilteredOptions::default() };
    assert!(filtered_value_at_risk(&r, &garch, &JobControl::NONE).unwrap().risk.value_at_risk > 0.0);
    let zero = [0.0, 0.01, -0.02, 0.01];
    let filter = VolatilityFilter::Ewma(EwmaOptions::default());
    let refused =
        filtered_value_at_risk(&zero, &FilteredOptions { filter, ..FilteredOptions::default() }, &JobControl::NONE);
    assert!(matches!(refused, Err(QuantError::Undefined { what: "standardised", .. })));
}

fn hedged_book() -> (Vec<f64>, Vec<f64>) {
    let mut rng = SplitMix64::new(3);
    let index: Vec<f64> =
        (0..2_000).map(|_| 0.01 * normal(&mut rng) * if rng.below(20) == 0 { 4.0 } else { 1.0 }).collect();
    let pnl = index.iter().map(|r| 1e6 * (1.1 * r + 0.002 * normal(&mut rng))).collect();
    (index, pnl)
}

#[test]
fn hedges_meet_their_budget_or_target() {
    let (index, pnl) = hedged_book();
    let terms = OptionTerms {
        kind: OptionKind::Put,
        spot: 4_000.0,
        strike: 4_000.0,
        years: 0.08,
        rate: 0.03,
        dividend_yield: 0.015,
        volatility: 0.18,
    };
    let put = HedgeInstrument::put(terms, 0.98, 50.0, &index);
    let options = HedgeOptions { size: HedgeSize::Budget(5_000.0), confidence: 0.99, whole_contracts: false };
    let bought = tail_hedge(&pnl, &put, &options, &JobControl::NONE).unwrap();
    assert!((bought.cost - 5_000.0).abs() < 1e-9 && bought.after.expected_shortfall < bought.before.expected_shortfall);
    let target = 0.6 * bought.before.expected_shortfall;
    let options = HedgeOptions { size: HedgeSize::TargetShortfall(target), ..options };
    let reached = tail_hedge(&pnl, &put, &options, &JobControl::NONE).unwrap();
    assert!((reached.after.expected_shortfall / target - 1.0).abs() < 1e-9, "{reached:?}");
    let whole = tail_hedge(&pnl, &put, &HedgeOptions { whole_contracts: true, ..options }, &JobControl::NONE).unwrap();
    assert!(whole.contracts == whole.contracts.trunc() && whole.contracts >= reached.contracts);
    assert!(whole.contracts < reached.contracts + 1.0 && whole.after.expected_shortfall <= target);
    let none = HedgeOptions { size: HedgeSize::TargetShortfall(1e9), ..options };
    assert_eq!(tail_hedge(&pnl, &put, &none, &JobControl::NONE).unwrap().contracts, 0.0);
    let beyond = HedgeOptions { size: HedgeSize::TargetShortfall(-1e6), ..options };
    let refused = tail_hedge(&pnl, &put, &beyond, &JobControl::NONE);
    let Err(QuantError::OutOfRange { what: "target", low, .. }) = refused else { panic!("{refused:?}") };
    assert!(low > 0.0 && low < target);
    // A call on the volatility index, which jumps when the index falls.
    let moves: Vec<f64> = index.iter().map(|r| (-6.0 * r).exp() - 1.0).collect();
    let call =
        HedgeInstrument::volatility_call(OptionTerms { spot: 18.0, volatility: 0.9, ..terms }, 22.0, 1_000.0, &moves);
    let options = HedgeOptions { size: HedgeSize::TargetShortfall(0.8 * reached.before.expected_shortfall), ..options };
    let hedge = tail_hedge(&pnl, &call, &options, &JobControl::NONE).unwrap();
    assert!(
        hedge.contracts > 0.0 && hedge.after.expected_shortfall <= 0.8 * hedge.before.expected_shortfall * (1.0 + 1e-9)
    );
}

#[test]
fn stress_is_a_valuation_before_and_after() {
    let option = OptionPosition {
        asset: 1,
        kind: OptionKind::Put,
        strike: 45.0,
        years: 0.5,
        rate: 0.02,
        dividend_yield: 0.0,
        volatility: 0.25,
        quantity: -30.0,
        volatility_asset: None,
    };
    let (spots, quantities, options) = ([100.0, 50.0], [10.0, -4.0], [option]);
    let book = Book { spots: &spots, quantities: &quantities, options: &options };
    let shock = Shock { returns: &[-0.1, -0.2], volatility: 0.15, rate: -0.01, years: 0.1 };
    let got = stress(&book, &shock).unwrap();
    let moved = OptionPosition { volatility: 0.4, rate: 0.01, years: 0.4, ..option };
    let after = Book { spots: &[90.0, 40.0], quantities: &quantities, options: &[moved] };
    assert!((got.pnl - (after.value().unwrap() - book.value().unwrap())).abs() < 1e-10);
    let history = [-0.1, 0.05, 0.02, -0.2, 0.1, -0.03];
    let history = Matrix::new("returns", &history, 3, 2).unwrap();
    let window = stress_window(&book, &history, 0, 2, 0.0, &JobControl::NONE).unwrap();
    let first = stress(&book, &Shock { returns: &[-0.1, -0.2], volatility: 0.0, rate: 0.0, years: 0.0 }).unwrap();
    assert!((window.path[0] - first.pnl).abs() < 1e-12 && window.path.len() == 2);
    assert_eq!((window.worst, window.worst_period), (window.path[0], Some(0)));
    assert!(
        stress_window(&book, &history, 2, 2, 0.0, &JobControl::NONE).is_err()
            && stress_window(&book, &history, 0, 4, 0.0, &JobControl::NONE).is_err()
    );
    let greeks = portfolio_greeks(&book).unwrap();
    let one = option.terms(50.0).greeks().unwrap();
    assert!((greeks.assets[1].delta - (-4.0 - 30.0 * one.delta)).abs() < 1e-12);
    assert!((greeks.value - book.value().unwrap()).abs() < 1e-12 && greeks.assets[0].delta == 10.0);
    assert!((greeks.delta_one_percent - (10.0 + 0.5 * greeks.assets[1].delta)).abs() < 1e-12);
}

#[test]
fn correlations_break_towards_their_scenario() {
    let covariance = [0.04, 0.006, 0.006, 0.01];
    let covariance = Matrix::new("covariance", &covariance, 2, 2).unwrap();
    let of =
        |scenario, blend| correlation_stress(&[0.5, 0.5], &covariance, scenario, blend, 0.95, Convention::LossPositive);
    let whole = of(&CorrelationBreak::AllTo(1.0), 1.0).unwrap();
    // Perfectly correlated: deviations add. 1.6448536 · (0.1 + 0.05).
    assert!((whole.after.value_at_risk - 1.644_853_626_951_472_9 * 0.15).abs() < 1e-12);
    assert!(whole.after.value_at_risk > whole.before.value_at_risk);
    assert_eq!(
        of(&CorrelationBreak::AllTo(0.9), 0.0).unwrap().before,
        of(&CorrelationBreak::AllTo(0.9), 0.0).unwrap().after
    );
    let broken = [1.0, 1.2, 1.2, 1.0];
    let broken = Matrix::new("correlation", &broken, 2, 2).unwrap();
    assert!(matches!(of(&CorrelationBreak::Matrix(broken), 0.5), Err(QuantError::NotPositiveDefinite { .. })));
}

#[test]
fn cointegration_tells_walks_from_pairs() {
    // Random walks: the Engle-Granger test at 5 % rejects about 5 %.
    let (runs, n) = (600u64, 250);
    let mut rejected = 0;
    for seed in 0..runs {
        let mut rng = SplitMix64::new(70_000 + seed);
        let mut walk = || {
            let mut at = 0.0;
            (0..n)
                .map(|_| {
                    at += normal(&mut rng);
                    at
                })
                .collect::<Vec<f64>>()
        };
        let (a, b) = (walk(), walk());
        let b = Matrix::new("hedges", &b, n, 1).unwrap();
        let options = EngleGrangerOptions { terms: Deterministic::Constant, lags: Lags::Fixed(1) };
        let test = engle_granger(&a, &b, options).unwrap().test;
        rejected += u32::from(test.statistic < test.critical_values.unwrap()[1]);
    }
    let share = f64::from(rejected) / runs as f64;
    println!("Engle-Granger: {share:.4} of independent walks rejected at 5 %, {runs} runs, seeds from 70000");
    assert!((share - 0.05).abs() < 0.03);
    let mut rng = SplitMix64::new(1);
    let (mut level, mut gap, mut a, mut b) = (0.0, 0.0, Vec::new(), Vec::new());
    for _ in 0..800 {
        level += normal(&mut rng);
        gap = 0.8 * gap + normal(&mut rng);
        a.push(2.0 * level + 5.0 + gap);
        b.push(level);
    }
    let hedges = Matrix::new("hedges", &b, 800, 1).unwrap();
    let pair = engle_granger(&a, &hedges, EngleGrangerOptions::default()).unwrap();
    assert!((pair.hedge_ratios[0] - 2.0).abs() < 0.1 && pair.test.p_value < 1e-3, "seed 1");
    // ln ½ / ln 0.8 = 3.1 periods; the regression's own form is -ln 2 / (0.8 - 1) = 3.5.
    assert!((pair.half_life.unwrap() - 3.47).abs() < 1.0);
    let both = [a.clone(), b.clone()].concat();
    let test = johansen(&Matrix::new("prices", &both, 800, 2).unwrap(), 1).unwrap();
    assert_eq!(test.rank, 1);
    let ratio = -test.vectors.at(1, 0) / test.vectors.at(0, 0);
    assert!((ratio - 2.0).abs() < 0.1, "{ratio}");
    let copies = [b.clone(), b.clone()].concat();
    assert!(johansen(&Matrix::new("prices", &copies, 800, 2).unwrap(), 1).is_err());
    assert!(engle_granger(&b, &hedges, EngleGrangerOptions::default()).is_err());
    assert!(dickey_fuller(&[1.0; 50], Deterministic::Constant, Lags::Fixed(1)).is_err());
    assert!(dickey_fuller(&b[..5], Deterministic::Constant, Lags::Fixed(1)).is_err());
}

#[test]
fn bad_series_are_refused() {
    let bad = [0.01, f64::NAN, 0.02];
    let not_finite = QuantError::NotFinite { what: "returns", row: 1, column: 0 };
    assert_eq!(value_at_risk(&bad, &TailOptions::default(), &JobControl::NONE), Err(not_finite.clone()));
    assert_eq!(
        value_at_risk(&[], &TailOptions::default(), &JobControl::NONE),
        Err(QuantError::Empty { what: "returns" })
    );
    assert_eq!(fit_garch(&bad, GarchOptions::default(), &JobControl::NONE).unwrap_err(), not_finite);
    let flat = fit_garch(&[0.01; 50], GarchOptions::default(), &JobControl::NONE);
    assert_eq!(flat.unwrap_err(), QuantError::Constant { what: "returns", column: 0 });
    let one = QuantError::TooFew { what: "returns", have: 1, need: 2 };
    assert_eq!(value_at_risk(&[0.1], &TailOptions::default(), &JobControl::NONE), Err(one));
    let sure = TailOptions { confidence: 1.0, ..TailOptions::default() };
    assert!(matches!(
        value_at_risk(&[0.1, 0.2], &sure, &JobControl::NONE),
        Err(QuantError::OutOfRange { what: "confidence", .. })
    ));
    assert!(kupiec(3, 2, 0.05).is_err() && kupiec(0, 0, 0.05).is_err() && kupiec(1, 10, f64::NAN).is_err());
    assert!(christoffersen(&[true], 0.05).is_err());
    // All losses: the measures are defined, and the whole is a loss.
    let losses = [-0.01, -0.02, -0.03, -0.011, -0.012, -0.04];
    for method in METHODS {
        let options = TailOptions { method, ..TailOptions::default() };
        match value_at_risk(&losses, &options, &JobControl::NONE) {
            Ok(risk) => assert!(risk.value_at_risk > 0.0, "{method:?}"),
            Err(error) => {
                assert!(matches!(error, QuantError::Undefined { .. } | QuantError::Constant { .. }), "{error}")
            }
        }
    }
    let (a, w) = ([0.1, 0.2, 0.3, 0.4], [0.5]);
    let matrix = Matrix::new("returns", &a, 2, 2).unwrap();
    let ragged = QuantError::Ragged { what: "weights", have: 1, need: 2 };
    assert_eq!(historical_components(&w, &matrix, 0.9, Convention::Signed), Err(ragged));
}

#[test]
fn searches_end_when_they_are_cancelled() {
    let mut rng = SplitMix64::new(5);
    let count = 400_000;
    let returns: Vec<f64> = (0..count).map(|_| 0.01 * (rng.unit_f64() + rng.unit_f64() - 1.0)).collect();
    let set = AtomicBool::new(true);
    let stopped = JobControl::new(&set, None);
    let level = |method| TailOptions { method, ..TailOptions::default() };
    let student = level(TailMethod::StudentT(StudentSearch::Exact));
    for search in [StudentSearch::Exact, StudentSearch::Scipy] {
        assert_eq!(fit_student(&returns[..50], search, &stopped).unwrap_err(), QuantError::Cancelled);
    }
    let entropic = |control: &JobControl<'_>| entropic_value_at_risk(&returns, 0.95, Convention::LossPositive, control);
    assert_eq!(entropic(&stopped), Err(QuantError::Cancelled));
    assert_eq!(value_at_risk(&returns, &student, &stopped), Err(QuantError::Cancelled));
    let drawn = drawdown_risk(&returns, Compounding::Uncompounded, 0.95, &stopped);
    assert_eq!(drawn.unwrap_err(), QuantError::Cancelled);
    // In the middle of the search: the pass that is under way is the last one.
    let flag = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let work = scope.spawn(|| fit_student(&returns, StudentSearch::Scipy, &JobControl::new(&flag, None)));
        std::thread::sleep(std::time::Duration::from_millis(20));
        flag.store(true, Ordering::Relaxed);
        assert_eq!(work.join().expect("no panic").unwrap_err(), QuantError::Cancelled);
    });
}
