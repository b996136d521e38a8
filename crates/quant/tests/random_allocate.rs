//! Random problems: singular, more assets than days, duplicate columns, mixed scales, tight bounds. On each one
//! weights sum to 1 within 1e-12, respect their bounds exactly, and meet the optimality conditions to 1e-10 by a
//! routine that shares nothing with the solver; order of assets and unit of the covariance do not matter.
//! `FAFNIR_LONG=1` runs 10,000.
use quant::allocate::minimum_variance;
use quant::optimise::{Constraints, Group, PerAsset};
use quant::{Matrix, QuantError};
use types::rng::SplitMix64;

struct Problem {
    n: usize,
    covariance: Vec<f64>,
    lower: Vec<f64>,
    upper: Vec<f64>,
}

fn normal(rng: &mut SplitMix64) -> f64 {
    (0..12).map(|_| rng.unit_f64()).sum::<f64>() - 6.0
}

fn problem(seed: u64) -> Problem {
    let mut rng = SplitMix64::new(seed);
    let n = 2 + rng.below(24) as usize;
    let kind = rng.below(6);
    let t = if kind == 1 { 2 + rng.below(n as u64) as usize } else { 2 * n + 10 };
    let market: Vec<f64> = (0..t).map(|_| normal(&mut rng)).collect();
    let mut columns: Vec<Vec<f64>> = (0..n)
        .map(|_| {
            let (beta, own) = (rng.unit_f64() * 1.5, 0.3 + rng.unit_f64());
            let scale = if kind == 3 { 10f64.powf(rng.unit_f64() * 4.0 - 2.0) } else { 1.0 };
            market.iter().map(|m| 0.01 * scale * (beta * m + own * normal(&mut rng))).collect()
        })
        .collect();
    if kind == 2 {
        for _ in 0..1 + n / 3 {
            let (from, to) = (rng.below(n as u64) as usize, rng.below(n as u64) as usize);
            columns[to] = columns[from].clone();
        }
    }
    if kind == 4 {
        columns[0].fill(0.0);
    }
    let mut covariance = vec![0.0; n * n];
    for a in 0..n {
        for b in 0..=a {
            let mean = |column: &[f64]| column.iter().sum::<f64>() / t as f64;
            let (x, y) = (mean(&columns[a]), mean(&columns[b]));
            let sum: f64 = columns[a].iter().zip(&columns[b]).map(|(u, v)| (u - x) * (v - y)).sum();
            covariance[a * n + b] = sum / (t - 1) as f64;
            covariance[b * n + a] = covariance[a * n + b];
        }
    }
    let share = 1.0 / n as f64;
    let (low, high) = match rng.below(4) {
        0 => (0.0, 1.0),
        1 => (0.9 * share, 1.1 * share),
        2 => (-0.5, 0.6),
        _ => (0.0, (1.5 * share).min(1.0)),
    };
    Problem { n, covariance, lower: vec![low; n], upper: vec![high; n] }
}

fn solve(problem: &Problem, factor: f64) -> Result<Vec<f64>, QuantError> {
    let values: Vec<f64> = problem.covariance.iter().map(|value| value * factor).collect();
    let sigma = Matrix::symmetric("covariance", &values, problem.n)?;
    let (lower, upper) = (PerAsset::Each(problem.lower.clone()), PerAsset::Each(problem.upper.clone()));
    Ok(minimum_variance(sigma, &Constraints { lower, upper, ..Constraints::default() })?.weights)
}

/// How far a swap of weight between two assets could still lower the variance: over all assets that may fall the
/// largest gradient, less the smallest over all that may rise; relative to the largest term of a gradient.
fn residual(problem: &Problem, weights: &[f64]) -> f64 {
    let (mut fall, mut rise, mut size) = (f64::NEG_INFINITY, f64::INFINITY, 0.0f64);
    for i in 0..problem.n {
        let terms = || (0..problem.n).map(|j| problem.covariance[j * problem.n + i] * weights[j]);
        let gradient: f64 = terms().sum();
        size = size.max(terms().map(f64::abs).sum());
        if weights[i] > problem.lower[i] {
            fall = fall.max(gradient);
        }
        if weights[i] < problem.upper[i] {
            rise = rise.min(gradient);
        }
    }
    if fall.is_infinite() || rise.is_infinite() || size == 0.0 { 0.0 } else { ((fall - rise) / size).max(0.0) }
}

fn count(short: u64) -> u64 {
    if std::env::var_os("FAFNIR_LONG").is_some() { 10_000 } else { short }
}

#[test]
fn every_problem_is_solved_to_its_optimum() {
    let (mut worst, mut off) = (0.0f64, 0.0f64);
    for seed in 0..count(1_500) {
        let problem = problem(seed);
        let weights = solve(&problem, 1.0).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let sum: f64 = weights.iter().sum();
        assert!((sum - 1.0).abs() <= 1e-12, "seed {seed}: sum {sum}");
        for (asset, weight) in weights.iter().enumerate() {
            let (low, high) = (problem.lower[asset], problem.upper[asset]);
            assert!(*weight >= low && *weight <= high, "seed {seed}: {weight} outside {low}..{high}");
        }
        let left = residual(&problem, &weights);
        assert!(left <= 1e-10, "seed {seed}: residual {left:e}");
        (worst, off) = (worst.max(left), off.max((sum - 1.0).abs()));
    }
    println!("largest residual {worst:.1e}, largest error of a sum {off:.1e}");
}

#[test]
fn neither_order_nor_unit_matters() {
    let mut worst = 0.0f64;
    for seed in 0..count(400) {
        let problem = problem(seed);
        let weights = solve(&problem, 1.0).expect("solved");
        for factor in [1e-6, 1e6] {
            let other = solve(&problem, factor).expect("solved");
            let gap = weights.iter().zip(&other).fold(0.0f64, |most, (a, b)| most.max((a - b).abs()));
            assert!(gap <= 1e-8, "seed {seed}: {factor:e} moves weights by {gap:e}");
            worst = worst.max(gap);
        }
        let n = problem.n;
        let place = |asset: usize| (asset * (n - 1) + 1) % n; // n - 1 and n have no common divisor
        let mut mixed = vec![0.0; n * n];
        for a in 0..n {
            for b in 0..n {
                mixed[place(a) * n + place(b)] = problem.covariance[a * n + b];
            }
        }
        let turned = Problem { n, covariance: mixed, lower: problem.lower.clone(), upper: problem.upper.clone() };
        let other = solve(&turned, 1.0).expect("solved");
        let gap = (0..n).fold(0.0f64, |most, asset| most.max((weights[asset] - other[place(asset)]).abs()));
        assert!(gap <= 1e-8, "seed {seed}: another order moves weights by {gap:e}");
        worst = worst.max(gap);
    }
    println!("largest move of a weight {worst:.1e}");
}

#[test]
fn duplicates_share_and_groups_hold() {
    // Two assets that are one: equal weights by the tie-break; a group holds its bound.
    let values = [0.04, 0.04, 0.01, 0.04, 0.04, 0.01, 0.01, 0.01, 0.09];
    let sigma = Matrix::symmetric("covariance", &values, 3).expect("symmetric");
    let weights = minimum_variance(sigma, &Constraints::default()).expect("solved").weights;
    assert!((weights[0] - weights[1]).abs() < 1e-12, "{weights:?}");
    // w of the pair: minimise 0.04 w² + 0.02 w (1 − w) + 0.09 (1 − w)², w = 0.08 / 0.11.
    assert!((weights[0] + weights[1] - 8.0 / 11.0).abs() < 1e-12, "{weights:?}");
    let pair = Group { name: "pair".to_string(), members: vec![0, 1], lower: 0.0, upper: 0.5 };
    let held = Constraints { groups: vec![pair], ..Constraints::default() };
    let weights = minimum_variance(sigma, &held).expect("solved").weights;
    assert!((weights[2] - 0.5).abs() < 1e-12 && (weights[0] - 0.25).abs() < 1e-12, "{weights:?}");
}
