//! Times the allocators on simulated returns with one common factor: `cargo run --release -p fafnir-quant --example
//! allocate_timings`. Prints the median of each row in milliseconds.
use quant::allocate::*;
use quant::optimise::Constraints;
use quant::{JobControl, Matrix};
use std::time::Instant;
use types::rng::SplitMix64;

fn normal(rng: &mut SplitMix64) -> f64 {
    (0..12).map(|_| rng.unit_f64()).sum::<f64>() - 6.0
}

/// Returns of `n` assets over `t` days: a market, volatilities from 1 to 4 %, residuals of their own.
fn simulated(n: usize, t: usize) -> Vec<f64> {
    let mut rng = SplitMix64::new(20_260_101);
    let market: Vec<f64> = (0..t).map(|_| 0.01 * normal(&mut rng)).collect();
    (0..n)
        .flat_map(|_| {
            let (beta, own) = (0.5 + rng.unit_f64(), 0.01 + 0.03 * rng.unit_f64());
            market.iter().map(|m| 0.0004 + beta * m + own * normal(&mut rng)).collect::<Vec<f64>>()
        })
        .collect()
}

fn sample_covariance(returns: &[f64], n: usize, t: usize) -> Vec<f64> {
    let mut centred = returns.to_vec();
    for column in centred.chunks_mut(t) {
        let mean = column.iter().sum::<f64>() / t as f64;
        column.iter_mut().for_each(|value| *value -= mean);
    }
    let mut covariance = vec![0.0; n * n];
    for a in 0..n {
        for b in 0..=a {
            let sum: f64 = (0..t).map(|i| centred[a * t + i] * centred[b * t + i]).sum();
            covariance[a * n + b] = sum / (t - 1) as f64;
            covariance[b * n + a] = covariance[a * n + b];
        }
    }
    covariance
}

fn row(name: &str, rounds: usize, mut work: impl FnMut()) {
    let mut times: Vec<f64> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("{name:<44}{:>12.4} ms", times[rounds / 2]);
}

fn main() {
    for n in [20, 100, 500] {
        let t = 1_000;
        let returns = simulated(n, t);
        let values = sample_covariance(&returns, n, t);
        let sigma = Matrix::symmetric("covariance", &values, n).expect("symmetric");
        let (long, rounds) = (Constraints::default(), if n > 100 { 7 } else { 51 });
        for (name, options) in [
            ("PyPortfolioOpt", HierarchyOptions::PY_PORTFOLIO_OPT),
            ("skfolio", HierarchyOptions::SKFOLIO),
            ("Riskfolio", HierarchyOptions::RISKFOLIO),
            ("Lopez de Prado", HierarchyOptions::LOPEZ_DE_PRADO),
        ] {
            row(&format!("HRP {name}, N = {n}"), rounds, || {
                hierarchical_risk_parity(sigma, options, &JobControl::NONE).expect("hrp");
            });
        }
        row(&format!("HERC, N = {n}"), rounds, || {
            hierarchical_equal_risk_contribution(sigma, HercOptions::default(), &JobControl::NONE).expect("herc");
        });
        row(&format!("minimum variance long-only, N = {n}"), rounds, || {
            minimum_variance(sigma, &long, &JobControl::NONE).expect("weights");
        });
        let least = minimum_variance(sigma, &long, &JobControl::NONE).expect("weights");
        let held = least.weights.iter().filter(|weight| **weight > 0.0).count();
        println!("  {held} assets held, {} steps, residual {:.1e}", least.steps, least.residual);
        row(&format!("minimum variance long-short, N = {n}"), rounds, || {
            minimum_variance(sigma, &Constraints::long_short(), &JobControl::NONE).expect("weights");
        });
        let tight = Constraints { upper: quant::optimise::PerAsset::All(1.5 / n as f64), ..Constraints::default() };
        row(&format!("minimum variance at most 1.5/N, N = {n}"), rounds, || {
            minimum_variance(sigma, &tight, &JobControl::NONE).expect("weights");
        });
        let means: Vec<f64> = returns.chunks(t).map(|column| column.iter().sum::<f64>() / t as f64).collect();
        row(&format!("maximum Sharpe, N = {n}"), rounds, || {
            maximum_sharpe(&means, sigma, 0.0, &long, &JobControl::NONE).expect("weights");
        });
        row(&format!("maximum diversification, N = {n}"), rounds, || {
            maximum_diversification(sigma, &long, &JobControl::NONE).expect("weights");
        });
        row(&format!("risk parity, N = {n}"), rounds, || {
            risk_parity(sigma, None, &JobControl::NONE).expect("weights");
        });
        if n <= 100 {
            let view = Matrix::new("returns", &returns, t, n).expect("returns");
            row(&format!("minimum CVaR 95 %, N = {n}, T = {t}"), 5, || {
                minimum_cvar(view, &CvarOptions::default(), &long, &JobControl::NONE).expect("weights");
            });
        }
    }
}
