//! # Room card: quant/tests/monte_carlo
//! In:    books with known distributions, seeds that are printed.
//! Out:   simulated tails approach the closed form at the rate of one over the root of the paths; the bits do not
//!        depend on threads.
//! Holds: expected values are closed forms or the measure of the paths by the historical functions.
//! Costs: a few seconds.

use quant::monte_carlo::{
    Book, Copula, Marginal, MonteCarloOptions, OptionPosition, ReturnKind, ReturnModel, monte_carlo_risk,
    normal_marginals,
};
use quant::options::{OptionKind, OptionTerms};
use quant::risk::{Convention, TailMethod, TailOptions, value_at_risk};
use quant::{JobControl, Matrix, QuantError};

fn linear_book<'a>(spots: &'a [f64], quantities: &'a [f64]) -> Book<'a> {
    Book { spots, quantities, options: &[] }
}

const CORRELATION: [f64; 9] = [1.0, 0.6, -0.2, 0.6, 1.0, 0.1, -0.2, 0.1, 1.0];
const MEANS: [f64; 3] = [0.0005, 0.0002, 0.0];
const DEVIATIONS: [f64; 3] = [0.02, 0.01, 0.03];

fn normals() -> Vec<Marginal<'static>> {
    MEANS.iter().zip(DEVIATIONS).map(|(&mean, deviation)| Marginal::Normal { mean, deviation }).collect()
}

fn options(paths: usize, seed: u64) -> MonteCarloOptions {
    MonteCarloOptions { paths, seed, horizon_years: 0.0, threads: 1, ..MonteCarloOptions::default() }
}

/// Mean and deviation of the book's P&L.
fn closed_form(exposures: &[f64; 3]) -> (f64, f64) {
    let mean = exposures.iter().zip(MEANS).map(|(e, m)| e * m).sum();
    let mut variance = 0.0;
    for i in 0..3 {
        for j in 0..3 {
            variance += exposures[i] * exposures[j] * DEVIATIONS[i] * DEVIATIONS[j] * CORRELATION[3 * i + j];
        }
    }
    (mean, f64::sqrt(variance))
}

#[test]
fn error_falls_with_the_root_of_the_paths() {
    let (spots, quantities) = ([100.0, 50.0, 20.0], [10.0, -8.0, 15.0]);
    let book = linear_book(&spots, &quantities);
    let marginals = normals();
    let correlation = Matrix::new("correlation", &CORRELATION, 3, 3).unwrap();
    let model =
        ReturnModel { marginals: &marginals, correlation, copula: Copula::Gaussian, returns: ReturnKind::Simple };
    let (mean, deviation) = closed_form(&[1000.0, -400.0, 300.0]);
    // Φ⁻¹(0.05) and φ at it over 0.05.
    let (z, tail) = (-1.644_853_626_951_472_9, 2.062_712_807_507_129);
    let (var, shortfall) = (-(mean + z * deviation), -(mean - tail * deviation));
    let runs = if std::env::var_os("FAFNIR_LONG").is_some() { 2_000 } else { 250 };
    let sizes = [1_024usize, 2_048, 4_096, 8_192, 16_384, 32_768];
    let (mut xs, mut of_var, mut of_shortfall) = (Vec::new(), Vec::new(), Vec::new());
    for &paths in &sizes {
        let (mut a, mut b) = (0.0, 0.0);
        for run in 0..runs {
            let seed = 1_000_003 * paths as u64 + run;
            let risk = monte_carlo_risk(&book, &model, &options(paths, seed), &JobControl::NONE).unwrap().tails[0].risk;
            a += (risk.value_at_risk - var).powi(2);
            b += (risk.expected_shortfall - shortfall).powi(2);
        }
        xs.push((paths as f64).ln());
        of_var.push((a / runs as f64).sqrt().ln());
        of_shortfall.push((b / runs as f64).sqrt().ln());
    }
    for (name, ys) in [("value at risk", &of_var), ("shortfall", &of_shortfall)] {
        let (mx, my) = (xs.iter().sum::<f64>() / 6.0, ys.iter().sum::<f64>() / 6.0);
        let slope = xs.iter().zip(ys).map(|(x, y)| (x - mx) * (y - my)).sum::<f64>()
            / xs.iter().map(|x| (x - mx) * (x - mx)).sum::<f64>();
        println!("{name}: slope {slope:.4} over {sizes:?} paths, {runs} seeds from 1000003 * paths");
        assert!((slope + 0.5).abs() <= 0.05, "{name}: slope {slope}");
    }
}

/// A book with options on two of three assets, one of them on a volatility that moves.
fn option_book() -> Vec<OptionPosition> {
    let option = OptionPosition {
        asset: 0,
        kind: OptionKind::Put,
        strike: 95.0,
        years: 0.25,
        rate: 0.03,
        dividend_yield: 0.01,
        volatility: 0.3,
        quantity: 40.0,
        volatility_asset: None,
    };
    vec![
        option,
        OptionPosition { asset: 1, kind: OptionKind::Call, strike: 55.0, quantity: -100.0, ..option },
        OptionPosition { kind: OptionKind::Call, strike: 105.0, volatility_asset: Some(2), ..option },
        OptionPosition { years: 0.001, strike: 100.0, quantity: 7.0, ..option },
    ]
}

#[test]
fn options_are_revalued_on_every_path() {
    // Perfectly known paths: the units' P&L of a book with one unit tells the growth, Black and Scholes the rest.
    let options_held = option_book();
    let spots = [100.0, 50.0, 20.0];
    let marginals = normals();
    let correlation = Matrix::new("correlation", &CORRELATION, 3, 3).unwrap();
    for returns in [ReturnKind::Simple, ReturnKind::Logarithmic] {
        let model = ReturnModel { marginals: &marginals, correlation, copula: Copula::Gaussian, returns };
        let run = |quantities: [f64; 3], options: &[OptionPosition]| {
            let book = Book { spots: &spots, quantities: &quantities, options };
            let settings = MonteCarloOptions {
                paths: 1_000,
                seed: 5,
                horizon_years: 0.002,
                keep_paths: true,
                ..MonteCarloOptions::default()
            };
            monte_carlo_risk(&book, &model, &settings, &JobControl::NONE).unwrap().paths.unwrap()
        };
        let moves = [run([1.0, 0.0, 0.0], &[]), run([0.0, 1.0, 0.0], &[]), run([0.0, 0.0, 1.0], &[])];
        let got = run([0.0; 3], &options_held);
        for path in 0..1_000 {
            let mut want = 0.0;
            for option in &options_held {
                let now = option.terms(spots[option.asset]);
                let years = (option.years - 0.002f64).max(0.0);
                let scale = option.volatility_asset.map_or(1.0, |a| (spots[a] + moves[a][path]) / spots[a]);
                let then = OptionTerms {
                    spot: spots[option.asset] + moves[option.asset][path],
                    years,
                    volatility: option.volatility * scale,
                    ..now
                };
                want += option.quantity * (then.price().unwrap() - now.price().unwrap());
            }
            assert!((got[path] - want).abs() < 1e-9, "{returns:?} path {path}: {} {want}", got[path]);
        }
    }
}

#[test]
fn bits_do_not_depend_on_threads_or_progress() {
    let options_held = option_book();
    let (spots, quantities) = ([100.0, 50.0, 20.0], [10.0, -8.0, 15.0]);
    let book = Book { spots: &spots, quantities: &quantities, options: &options_held };
    let marginals = normals();
    let correlation = Matrix::new("correlation", &CORRELATION, 3, 3).unwrap();
    let copula = Copula::StudentT { degrees_of_freedom: 4.0 };
    let model = ReturnModel { marginals: &marginals, correlation, copula, returns: ReturnKind::Simple };
    let run = |threads| {
        let settings = MonteCarloOptions { threads, keep_paths: true, ..options(10_001, 9) };
        monte_carlo_risk(&book, &model, &settings, &JobControl::NONE).unwrap()
    };
    let one = run(1);
    for threads in [0, 2, 3, 7, 200] {
        assert_eq!(run(threads), one, "{threads} threads");
    }
    // The measure of the paths is that of the historical functions.
    let paths = one.paths.as_ref().unwrap();
    for tail in &one.tails {
        let settings = TailOptions {
            confidence: tail.confidence,
            method: TailMethod::HistoricalOrderStatistic,
            convention: Convention::LossPositive,
        };
        let want = value_at_risk(paths, &settings, &JobControl::NONE).unwrap();
        assert_eq!(tail.risk.value_at_risk, want.value_at_risk);
        assert!((tail.risk.expected_shortfall - want.expected_shortfall).abs() < 1e-9);
        assert!(tail.value_at_risk_error > 0.0 && tail.expected_shortfall_error > 0.0);
    }
    // A longer run has the shorter one's paths in front.
    let longer = MonteCarloOptions { keep_paths: true, ..options(20_000, 9) };
    let longer = monte_carlo_risk(&book, &model, &longer, &JobControl::NONE).unwrap();
    assert_eq!(&longer.paths.unwrap()[..10_001], &paths[..]);
    let flag = std::sync::atomic::AtomicBool::new(true);
    let cancelled = monte_carlo_risk(&book, &model, &options(10_000, 9), &JobControl::new(&flag, None));
    assert_eq!(cancelled.unwrap_err(), QuantError::Cancelled);
}

#[test]
fn a_t_copula_and_its_marginals_have_the_law_they_name() {
    let (spots, quantities) = ([1.0, 1.0], [1.0, 0.0]);
    let rho = [1.0, 0.5, 0.5, 1.0];
    let correlation = Matrix::new("correlation", &rho, 2, 2).unwrap();
    let sample: Vec<f64> = (0..500).map(|i| f64::from(i) * 0.001 - 0.2).collect();
    let student = Marginal::StudentT { location: 0.001, scale: 0.01, degrees_of_freedom: 5.0 };
    let paths = 400_000;
    for copula in [
        Copula::Gaussian,
        Copula::StudentT { degrees_of_freedom: 3.0 },
        Copula::StudentT { degrees_of_freedom: 5.0 },
        Copula::StudentT { degrees_of_freedom: 0.8 },
    ] {
        // 5 % quantiles: t(5) -2.015048373; sample -0.2 + 0.05 · 0.499; normal -1.644853627.
        for (marginal, want) in [
            (student, 0.001 - 0.01 * 2.015_048_373),
            (Marginal::Empirical(&sample), -0.2 + 0.05 * 0.499),
            (Marginal::Normal { mean: 0.0, deviation: 0.01 }, -0.016_448_536_27),
        ] {
            let marginals = [marginal, student];
            let model = ReturnModel { marginals: &marginals, correlation, copula, returns: ReturnKind::Simple };
            let book = linear_book(&spots, &quantities);
            let got = monte_carlo_risk(&book, &model, &options(paths, 31), &JobControl::NONE).unwrap().tails[0];
            let off = (got.risk.value_at_risk + want).abs();
            assert!(off < 4.5 * got.value_at_risk_error + 1e-6, "{copula:?} {marginal:?}: off {off}, seed 31");
        }
    }
    // Tail dependence: both below their 1 % quantile far oftener than with the normal copula (closed form for t(3), ρ
    // 0.5: the coefficient is 2 t₄(-√(4 · 0.5 / 1.5)) = 0.3125).
    let both = |copula| {
        let marginals = [Marginal::Normal { mean: 0.0, deviation: 0.01 }; 2];
        let model = ReturnModel { marginals: &marginals, correlation, copula, returns: ReturnKind::Simple };
        let of = |quantities: [f64; 2]| {
            let settings = MonteCarloOptions { keep_paths: true, ..options(paths, 77) };
            let book = linear_book(&spots, &quantities);
            monte_carlo_risk(&book, &model, &settings, &JobControl::NONE).unwrap().paths.unwrap()
        };
        let (a, b) = (of([1.0, 0.0]), of([0.0, 1.0]));
        let q = -0.01 * 2.326_347_874;
        a.iter().zip(&b).filter(|(a, b)| **a < q && **b < q).count() as f64 / (0.01 * paths as f64)
    };
    let (normal, heavy) = (both(Copula::Gaussian), both(Copula::StudentT { degrees_of_freedom: 3.0 }));
    println!("joint tail share at 1 %: normal {normal:.4}, t(3) {heavy:.4}, seed 77");
    // Gaussian: C(0.01, 0.01; 0.5) / 0.01 = 0.1294 (scipy multivariate_normal.cdf).
    assert!((normal - 0.1294).abs() < 0.01 && heavy > 0.30 && heavy < 0.40);
}

#[test]
fn bad_input_says_what_and_where() {
    let (spots, quantities) = ([100.0, 50.0, 20.0], [10.0, -8.0, 15.0]);
    let marginals = normals();
    let correlation = Matrix::new("correlation", &CORRELATION, 3, 3).unwrap();
    let model =
        ReturnModel { marginals: &marginals, correlation, copula: Copula::Gaussian, returns: ReturnKind::Simple };
    let run = |book: Book<'_>, model: ReturnModel<'_>, settings: MonteCarloOptions| {
        monte_carlo_risk(&book, &model, &settings, &JobControl::NONE).unwrap_err()
    };
    let book = linear_book(&spots, &quantities);
    let few = QuantError::TooFew { what: "paths", have: 99, need: 100 };
    assert_eq!(run(book, model, options(99, 1)), few);
    let nan = [100.0, f64::NAN, 20.0];
    let not_finite = QuantError::NotFinite { what: "spots", row: 1, column: 0 };
    assert_eq!(run(linear_book(&nan, &quantities), model, options(1_000, 1)), not_finite);
    let ragged = QuantError::Ragged { what: "quantities", have: 2, need: 3 };
    assert_eq!(run(linear_book(&spots, &quantities[..2]), model, options(1_000, 1)), ragged);
    let mut held = option_book();
    held[1].asset = 3;
    let outside = run(Book { options: &held, ..book }, model, options(1_000, 1));
    assert_eq!(outside, QuantError::OutOfRange { what: "asset", value: 3.0, low: 0.0, high: 2.0 });
    let impossible = [1.0, 0.9, -0.9, 0.9, 1.0, 0.9, -0.9, 0.9, 1.0];
    let correlation = Matrix::new("correlation", &impossible, 3, 3).unwrap();
    let refused = run(book, ReturnModel { correlation, ..model }, options(1_000, 1));
    assert_eq!(refused, QuantError::NotPositiveDefinite { what: "correlation", row: 2 });
    let settings = MonteCarloOptions { confidences: vec![1.0], ..options(1_000, 1) };
    assert!(matches!(run(book, model, settings), QuantError::OutOfRange { what: "confidence", .. }));
    let copula = Copula::StudentT { degrees_of_freedom: f64::NAN };
    assert!(matches!(run(book, ReturnModel { copula, ..model }, options(1_000, 1)), QuantError::OutOfRange { .. }));
}

#[test]
fn a_covariance_becomes_marginals_and_a_correlation() {
    let covariance = [0.04, 0.006, 0.006, 0.01];
    let covariance = Matrix::symmetric("covariance", &covariance, 2).unwrap();
    let (marginals, correlation) = normal_marginals(&[0.1, 0.2], &covariance).unwrap();
    assert_eq!(marginals[0], Marginal::Normal { mean: 0.1, deviation: 0.2 });
    assert!((correlation.at(0, 1) - 0.3).abs() < 1e-15 && correlation.at(1, 1) == 1.0);
}
