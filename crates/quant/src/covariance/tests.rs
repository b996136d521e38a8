//! # Room card: quant/covariance/tests
//! In:    simulated returns with printed seeds; published matrices.
//! Out:   the estimators against their definitions, invariants and values from the papers.
//! Holds: the oracles sum over observations as the definitions do, without matrix products.
//! Costs: below a second.
use types::rng::SplitMix64;

use super::*;
use crate::JobControl;

fn simulated(seed: u64, rows: usize, columns: usize) -> Vec<f64> {
    let mut rng = SplitMix64::new(seed);
    let mut normal = || (0..12).map(|_| rng.unit_f64()).sum::<f64>() - 6.0;
    let market: Vec<f64> = (0..rows).map(|_| normal() * 0.01).collect();
    let mut values = Vec::with_capacity(rows * columns);
    for column in 0..columns {
        let (beta, own) = (0.5 + 0.1 * column as f64, 0.005 + 0.002 * column as f64);
        values.extend(market.iter().map(|m| 0.0002 + beta * m + own * normal()));
    }
    values
}

fn near(a: &OwnedMatrix, b: &OwnedMatrix, tolerance: f64) {
    let scale = b.values().iter().fold(0.0f64, |most, value| most.max(value.abs()));
    for (at, (x, y)) in a.values().iter().zip(b.values()).enumerate() {
        assert!((x - y).abs() <= tolerance * scale, "element {at}: {x} and {y}");
    }
}

/// Mean over observations of what `term` makes of one.
fn average(rows: usize, term: impl Fn(usize) -> f64) -> f64 {
    (0..rows).map(term).sum::<f64>() / rows as f64
}

#[test]
fn sample_is_the_mean_product() {
    let values = simulated(1, 40, 5);
    let returns = Matrix::new("returns", &values, 40, 5).unwrap();
    let found = sample(returns, SampleOptions::default()).unwrap();
    let direct = OwnedMatrix::from_fn(5, 5, |i, j| {
        let (mi, mj) = (mean(returns.column(i)), mean(returns.column(j)));
        average(40, |t| (returns.at(t, i) - mi) * (returns.at(t, j) - mj)) * 40.0 / 39.0
    });
    near(&found.matrix, &direct, 1e-14);
    let raw = sample(returns, SampleOptions { ddof: 0, demean: false }).unwrap();
    near(&raw.matrix, &OwnedMatrix::from_fn(5, 5, |i, j| average(40, |t| returns.at(t, i) * returns.at(t, j))), 1e-14);
}

#[test]
fn ewma_is_its_recursion() {
    let values = simulated(2, 60, 3);
    let returns = Matrix::new("returns", &values, 60, 3).unwrap();
    let product = |t: usize| OwnedMatrix::from_fn(3, 3, |i, j| returns.at(t, i) * returns.at(t, j));
    let mut state = product(0);
    for t in 1..60 {
        let new = product(t);
        state = OwnedMatrix::from_fn(3, 3, |i, j| 0.9 * state.at(i, j) + 0.1 * new.at(i, j));
    }
    let options = EwmaOptions { decay: 0.9, ..EwmaOptions::default() };
    near(&ewma(returns, options).unwrap().matrix, &state, 1e-13);
    let even = EwmaOptions { decay: 1.0 - 1e-13, start: EwmaStart::Normalised, demean: false };
    let plain = sample(returns, SampleOptions { ddof: 0, demean: false }).unwrap();
    near(&ewma(returns, even).unwrap().matrix, &plain.matrix, 1e-9);
}

/// Ledoit and Wolf (2003), section 3: π, ρ and γ as sums over observations.
#[test]
fn single_factor_shrinkage_is_its_definition() {
    let (rows, size) = (50, 4);
    let values = simulated(3, rows, size);
    let returns = Matrix::new("returns", &values, rows, size).unwrap();
    let x = |t: usize, i: usize| returns.at(t, i) - mean(returns.column(i));
    let market: Vec<f64> = (0..rows).map(|t| (0..size).map(|i| returns.at(t, i)).sum::<f64>() / size as f64).collect();
    let m = |t: usize| market[t] - mean(&market);
    let s = |i: usize, j: usize| average(rows, |t| x(t, i) * x(t, j));
    let b = |i: usize| average(rows, |t| x(t, i) * m(t));
    let v = average(rows, |t| m(t) * m(t));
    let (mut errors, mut shared, mut distance) = (0.0, 0.0, 0.0);
    for i in 0..size {
        for j in 0..size {
            let (s_ij, b_i, b_j) = (s(i, j), b(i), b(j));
            let pi = average(rows, |t| (x(t, i) * x(t, j) - s_ij).powi(2));
            errors += pi;
            if i == j {
                shared += pi;
                continue;
            }
            distance += (s_ij - b_i * b_j / v).powi(2);
            shared += average(rows, |t| {
                let left = (b_j * v * x(t, i) + b_i * v * x(t, j) - b_i * b_j * m(t)) * m(t) / (v * v);
                (left * x(t, i) * x(t, j)) - b_i * b_j / v * s_ij
            });
        }
    }
    let weight = (errors - shared) / distance / rows as f64;
    let options = LedoitWolfOptions { target: LedoitWolfTarget::SingleFactor, ddof: 0 };
    let found = ledoit_wolf(returns, options).unwrap();
    assert!(weight > 0.01 && (found.shrinkage - weight).abs() < 1e-10, "{} and {weight}", found.shrinkage);
}

#[test]
fn constant_correlation_shrinkage_is_its_definition() {
    let (rows, size) = (30, 4);
    let values = simulated(4, rows, size);
    let returns = Matrix::new("returns", &values, rows, size).unwrap();
    let x = |t: usize, i: usize| returns.at(t, i) - mean(returns.column(i));
    let s = |i: usize, j: usize| average(rows, |t| x(t, i) * x(t, j));
    let r = |i: usize, j: usize| s(i, j) / (s(i, i) * s(j, j)).sqrt();
    let level = (0..size).flat_map(|i| (0..size).map(move |j| (i, j))).filter(|(i, j)| i != j);
    let level = level.map(|(i, j)| r(i, j)).sum::<f64>() / (size * (size - 1)) as f64;
    let (mut errors, mut shared, mut distance) = (0.0, 0.0, 0.0);
    for i in 0..size {
        for j in 0..size {
            let pi = average(rows, |t| (x(t, i) * x(t, j) - s(i, j)).powi(2));
            errors += pi;
            if i == j {
                shared += pi;
                continue;
            }
            let theta = |k: usize| average(rows, |t| (x(t, k).powi(2) - s(k, k)) * (x(t, i) * x(t, j) - s(i, j)));
            let roots = (s(j, j) / s(i, i)).sqrt();
            shared += level / 2.0 * (roots * theta(i) + theta(j) / roots);
            distance += (s(i, j) - level * (s(i, i) * s(j, j)).sqrt()).powi(2);
        }
    }
    let weight = ((errors - shared) / distance / rows as f64).clamp(0.0, 1.0);
    let options = LedoitWolfOptions { target: LedoitWolfTarget::ConstantCorrelation, ddof: 0 };
    let found = ledoit_wolf(returns, options).unwrap();
    assert!(weight > 0.01 && (found.shrinkage - weight).abs() < 1e-10, "{} and {weight}", found.shrinkage);
}

/// Higham (2002): the matrices of his section 4, rounded there to four digits.
#[test]
fn nearest_correlation_meets_highams_examples() {
    let options = NearestOptions::default();
    let first = [1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0];
    let found = nearest_correlation(Matrix::new("matrix", &first, 3, 3).unwrap(), options, &JobControl::NONE).unwrap();
    assert!((found.at(0, 1) - 0.7607).abs() < 5e-5 && (found.at(0, 2) - 0.1573).abs() < 5e-5, "{found:?}");
    let second = [2.0, -1.0, 0.0, 0.0, -1.0, 2.0, -1.0, 0.0, 0.0, -1.0, 2.0, -1.0, 0.0, 0.0, -1.0, 2.0];
    let found = nearest_correlation(Matrix::new("matrix", &second, 4, 4).unwrap(), options, &JobControl::NONE).unwrap();
    let upper = [found.at(0, 1), found.at(0, 2), found.at(0, 3), found.at(1, 2)];
    for (value, published) in upper.iter().zip([-0.8084, 0.1916, 0.1068, -0.6562]) {
        assert!((value - published).abs() < 5e-5, "{value} and {published}");
    }
    assert!(eigenvalues(found.faer()).unwrap()[0] > -1e-11);
}

#[test]
fn nearest_psd_keeps_variances_and_leaves_good_matrices() {
    for seed in 0..40u64 {
        let mut rng = SplitMix64::new(seed);
        let size = 2 + rng.below(8) as usize;
        let mut matrix = OwnedMatrix::zeros(size, size);
        for j in 0..size {
            for i in 0..=j {
                let value =
                    if i == j { 1e-4 * (1 + i * i) as f64 } else { 2e-4 * (rng.unit_f64() - 0.5) * (1 + i) as f64 };
                matrix.set(i, j, value);
                matrix.set(j, i, value);
            }
        }
        let options = NearestOptions { eigenvalue_min: 1e-6, ..NearestOptions::default() };
        let found = nearest_psd(matrix.view("covariance").unwrap(), options, &JobControl::NONE).unwrap();
        assert!(found.condition_number.is_finite(), "seed {seed}");
        for i in 0..size {
            assert!((found.matrix.at(i, i) / matrix.at(i, i) - 1.0).abs() < 1e-12, "seed {seed}");
        }
        let again = nearest_psd(found.matrix.view("covariance").unwrap(), options, &JobControl::NONE).unwrap();
        near(&again.matrix, &found.matrix, 1e-9);
    }
}

#[test]
fn denoising_finds_the_factors_that_were_put_in() {
    let (rows, size) = (2_000, 40);
    let values = simulated(6, rows, size);
    let covariance = sample(Matrix::new("returns", &values, rows, size).unwrap(), SampleOptions::default()).unwrap();
    for noise in [NoiseVariance::Fitted { bandwidth: 0.01 }, NoiseVariance::Fixed(1.0)] {
        let options = DenoiseOptions { observations: rows, noise };
        let found = denoise(covariance.matrix.view("covariance").unwrap(), options).unwrap();
        assert_eq!(found.factors, 1, "{noise:?}: {} {}", found.noise_variance, found.edge);
        assert!(found.covariance.condition_number < covariance.condition_number);
        for i in 0..size {
            assert!((found.covariance.matrix.at(i, i) / covariance.matrix.at(i, i) - 1.0).abs() < 1e-12);
        }
    }
}

/// Pure noise of unit variance: the fit finds it within a few percent, and no factor.
#[test]
fn the_noise_of_independent_assets_is_one() {
    let (rows, size) = (1_000, 100);
    let mut rng = SplitMix64::new(77);
    let values: Vec<f64> = (0..rows * size).map(|_| (0..12).map(|_| rng.unit_f64()).sum::<f64>() - 6.0).collect();
    let covariance = sample(Matrix::new("returns", &values, rows, size).unwrap(), SampleOptions::default()).unwrap();
    let options = DenoiseOptions { observations: rows, noise: NoiseVariance::Fitted { bandwidth: 0.02 } };
    let found = denoise(covariance.matrix.view("covariance").unwrap(), options).unwrap();
    assert!((found.noise_variance - 1.0).abs() < 0.05, "{}", found.noise_variance);
    assert!(found.factors <= 1);
}

#[test]
fn scale_and_order_do_not_matter() {
    for seed in 0..30u64 {
        let (rows, size) = (5 + (seed as usize % 20), 1 + (seed as usize % 9));
        let values = simulated(seed, rows, size);
        let scaled: Vec<f64> = values.iter().map(|value| value * 1024.0).collect();
        let turned: Vec<f64> = values.chunks(rows).rev().flatten().copied().collect();
        let targets =
            [LedoitWolfTarget::Identity, LedoitWolfTarget::SingleFactor, LedoitWolfTarget::ConstantCorrelation];
        for target in targets {
            let estimate = |values: &[f64]| {
                let returns = Matrix::new("returns", values, rows, size).unwrap();
                ledoit_wolf(returns, LedoitWolfOptions { target, ddof: 0 }).unwrap()
            };
            let (plain, large, other) = (estimate(&values), estimate(&scaled), estimate(&turned));
            assert!((0.0..=1.0).contains(&plain.shrinkage), "seed {seed} {target:?}");
            assert!((plain.shrinkage - large.shrinkage).abs() < 1e-9, "seed {seed} {target:?}");
            assert!((plain.shrinkage - other.shrinkage).abs() < 1e-9, "seed {seed} {target:?}");
            let back = OwnedMatrix::from_fn(size, size, |i, j| large.matrix.at(i, j) / 1024.0 / 1024.0);
            near(&plain.matrix, &back, 1e-9);
            near(
                &plain.matrix,
                &OwnedMatrix::from_fn(size, size, |i, j| other.matrix.at(size - 1 - i, size - 1 - j)),
                1e-9,
            );
        }
    }
}

/// Chen et al. (2010), eq. 23, from the two traces.
#[test]
fn oracle_approximating_shrinkage_is_its_formula() {
    let (rows, size) = (9, 3);
    let values = simulated(5, rows, size);
    let returns = Matrix::new("returns", &values, rows, size).unwrap();
    let s = sample(returns, SampleOptions { ddof: 0, demean: true }).unwrap().matrix;
    let (n, p) = (rows as f64, size as f64);
    let trace: f64 = (0..size).map(|i| s.at(i, i)).sum();
    let square: f64 = s.values().iter().map(|value| value * value).sum();
    let exact = ((1.0 - 2.0 / p) * square + trace * trace) / ((n + 1.0 - 2.0 / p) * (square - trace * trace / p));
    let plain = (square + trace * trace) / ((n + 1.0) * (square - trace * trace / p));
    for (exact, wanted) in [(true, exact.min(1.0)), (false, plain.min(1.0))] {
        let found = oracle_approximating(returns, OasOptions { exact }).unwrap();
        assert!((found.shrinkage - wanted).abs() < 1e-12 && wanted < 1.0, "{} and {wanted}", found.shrinkage);
        assert!((found.matrix.at(0, 1) - (1.0 - wanted) * s.at(0, 1)).abs() < 1e-18);
    }
}

#[test]
fn bad_input_says_what_and_where() {
    let one_row = Matrix::new("returns", &[0.1, 0.2], 1, 2).unwrap();
    let few = QuantError::TooFew { what: "returns", have: 1, need: 2 };
    assert_eq!(sample(one_row, SampleOptions::default()), Err(few.clone()));
    assert_eq!(ledoit_wolf(one_row, LedoitWolfOptions::default()), Err(few.clone()));
    assert_eq!(oracle_approximating(one_row, OasOptions::default()), Err(few));
    let flat = Matrix::new("returns", &[0.1, 0.1, 0.1, 0.1, 0.2, 0.3], 3, 2).unwrap();
    let options = LedoitWolfOptions { target: LedoitWolfTarget::ConstantCorrelation, ddof: 1 };
    assert_eq!(ledoit_wolf(flat, options), Err(QuantError::Constant { what: "returns", column: 0 }));
    assert!(sample(flat, SampleOptions::default()).unwrap().condition_number.is_infinite());
    let huge = Matrix::new("returns", &[1e200, -1e200, 1e200], 3, 1).unwrap();
    assert!(matches!(sample(huge, SampleOptions::default()), Err(QuantError::NotFinite { row: 0, column: 0, .. })));
    for decay in [0.0, 1.0, f64::NAN] {
        let options = EwmaOptions { decay, ..EwmaOptions::default() };
        assert!(matches!(ewma(flat, options), Err(QuantError::OutOfRange { what: "decay", .. })));
    }
    let market = ledoit_wolf_single_factor(flat, &[0.1, 0.2], 0);
    assert_eq!(market, Err(QuantError::Ragged { what: "market", have: 2, need: 3 }));
    assert!(matches!(correlation(flat), Err(QuantError::Ragged { what: "covariance", .. })));
}
