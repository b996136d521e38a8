//! # Room card: quant/examples/risk_timings
//! In:    nothing: books and returns made here from seeds.
//! Out:   one line a measurement: Monte Carlo, GARCH, Greeks, implied volatility; best and median of the repetitions.
//! Holds: results are printed beside the times, so that nothing is left out by the compiler.
//! Costs: a few seconds: `cargo run --release -p fafnir-quant --example risk_timings`.

use quant::monte_carlo::{
    Book, Copula, MonteCarloOptions, OptionPosition, ReturnKind, ReturnModel, monte_carlo_risk, normal_marginals,
};
use quant::options::{GreekColumns, OptionColumns, OptionKind, greeks_batch, implied_volatility_batch};
use quant::rng::Philox;
use quant::volatility::{GarchDistribution, GarchModel, GarchOptions, fit_garch};
use quant::{JobControl, Matrix};
use std::time::Instant;

/// Best and median of `repetitions`, in milliseconds.
fn time(repetitions: usize, mut work: impl FnMut() -> f64) -> (f64, f64, f64) {
    let mut times = Vec::new();
    let mut result = 0.0;
    for _ in 0..repetitions {
        let start = Instant::now();
        result = work();
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    (times[0], times[repetitions / 2], result)
}

fn monte_carlo() {
    const ASSETS: usize = 20;
    let spots = [100.0; ASSETS];
    let quantities: Vec<f64> = (0..ASSETS).map(|i| if i % 3 == 0 { -4.0 } else { 7.0 }).collect();
    let deviation = |i: usize| 0.01 + 0.001 * i as f64;
    let covariance: Vec<f64> = (0..ASSETS * ASSETS)
        .map(|k| {
            let (i, j) = (k / ASSETS, k % ASSETS);
            deviation(i) * deviation(j) * if i == j { 1.0 } else { 0.3 }
        })
        .collect();
    let covariance = Matrix::symmetric("covariance", &covariance, ASSETS).unwrap();
    let (marginals, correlation) = normal_marginals(&[0.0; ASSETS], &covariance).unwrap();
    let correlation = correlation.view("correlation").unwrap();
    let options: Vec<OptionPosition> = (0..5)
        .map(|i| OptionPosition {
            asset: 4 * i,
            kind: if i % 2 == 0 { OptionKind::Put } else { OptionKind::Call },
            strike: 95.0 + 2.0 * i as f64,
            years: 0.25,
            rate: 0.03,
            dividend_yield: 0.0,
            volatility: 0.25,
            quantity: 10.0,
            volatility_asset: None,
        })
        .collect();
    for (name, copula, held) in [
        ("normal, linear", Copula::Gaussian, 0),
        ("normal, 5 options", Copula::Gaussian, 5),
        ("t(4), 5 options", Copula::StudentT { degrees_of_freedom: 4.0 }, 5),
    ] {
        let book = Book { spots: &spots, quantities: &quantities, options: &options[..held] };
        let model = ReturnModel { marginals: &marginals, correlation, copula, returns: ReturnKind::Simple };
        for threads in [1, 2] {
            let settings =
                MonteCarloOptions { paths: 1_000_000, threads, keep_paths: true, ..MonteCarloOptions::default() };
            let (best, median, var) = time(7, || {
                monte_carlo_risk(&book, &model, &settings, &JobControl::NONE).unwrap().tails[1].risk.value_at_risk
            });
            println!(
                "monte-carlo 1e6 x 20, {name}, {threads} threads: best {best:.1} ms, median {median:.1} ms ({var})"
            );
        }
    }
}

fn garch() {
    // A GARCH(1,1) of daily returns in per cent, 5,030 of them.
    let rng = Philox::new(12);
    let (mut variance, mut returns) = (1.0, Vec::new());
    for i in 0..5_030 {
        let [a, b] = rng.units(0, i);
        let e = (-2.0 * a.ln()).sqrt() * (core::f64::consts::TAU * b).cos() * f64::sqrt(variance);
        returns.push(0.05 + e);
        variance = 0.02 + 0.1 * e * e + 0.88 * variance;
    }
    for (name, model, distribution) in [
        ("normal", GarchModel::Garch, GarchDistribution::Normal),
        ("t", GarchModel::Garch, GarchDistribution::StudentT),
        ("gjr", GarchModel::Gjr, GarchDistribution::Normal),
    ] {
        let options = GarchOptions { model, distribution, horizon: 5 };
        let (best, median, steps) = time(15, || fit_garch(&returns, options, &JobControl::NONE).unwrap().steps as f64);
        println!("garch {name}, 5030 returns: best {best:.2} ms, median {median:.2} ms ({steps} steps)");
    }
}

fn options() {
    const ROWS: usize = 100_000;
    let rng = Philox::new(3);
    let column = |stream: u64, low: f64, high: f64| -> Vec<f64> {
        (0..ROWS as u64).map(|i| low + (high - low) * rng.units(stream, i)[0]).collect()
    };
    let is_call: Vec<u8> = (0..ROWS).map(|i| (i % 2) as u8).collect();
    let (spot, strike, years) = (column(1, 80.0, 120.0), column(2, 80.0, 120.0), column(3, 0.02, 2.0));
    let (rate, dividend_yield, volatility) = (column(4, 0.0, 0.05), column(5, 0.0, 0.03), column(6, 0.1, 0.6));
    let terms = OptionColumns {
        is_call: &is_call,
        spot: &spot,
        strike: &strike,
        years: &years,
        rate: &rate,
        dividend_yield: &dividend_yield,
        volatility: &volatility,
    };
    let mut out: [Vec<f64>; 6] = std::array::from_fn(|_| vec![0.0; ROWS]);
    let (best, median, sum) = time(31, || {
        let [price, delta, gamma, vega, theta, rho] = &mut out;
        greeks_batch(&terms, GreekColumns { price, delta, gamma, vega, theta, rho }, &JobControl::NONE).unwrap();
        out[0][ROWS - 1] + out[5][0]
    });
    let each = 1e6 / ROWS as f64;
    println!("greeks, {ROWS} options: best {:.1} ns, median {:.1} ns an option ({sum})", best * each, median * each);
    let prices = out[0].clone();
    let (mut volatilities, mut statuses) = (vec![0.0; ROWS], vec![0; ROWS]);
    let (best, median, sum) = time(7, || {
        implied_volatility_batch(&terms, &prices, &mut volatilities, &mut statuses, &JobControl::NONE).unwrap();
        volatilities[7]
    });
    println!("implied volatility: best {:.0} ns, median {:.0} ns an option ({sum})", best * each, median * each);
}

fn main() {
    options();
    garch();
    monte_carlo();
}
