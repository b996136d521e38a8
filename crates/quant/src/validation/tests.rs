//! # Room card: quant/validation/tests
//! In:    random lengths, folds and label spans with printed seeds; simulated trials and signals; bad input.
//! Out:   splits against their definition one observation at a time; statistics against simulation and closed forms.
//! Holds: values of the reference are in tests/reference_base.rs.
//! Costs: below a second.
use types::rng::SplitMix64;

use super::*;
use crate::{JobControl, Matrix, QuantError};

/// Box and Muller.
fn normals(rng: &mut SplitMix64, count: usize) -> Vec<f64> {
    let mut one = || (-2.0 * (1.0 - rng.unit_f64()).ln()).sqrt() * (core::f64::consts::TAU * rng.unit_f64()).cos();
    (0..count).map(|_| one()).collect()
}

fn label_ends(rng: &mut SplitMix64, observations: usize) -> Vec<usize> {
    (0..observations).map(|at| (at + rng.below(6) as usize).min(observations - 1)).collect()
}

/// One observation at a time, from the definition.
fn is_trained(at: usize, split: &TrainTestSplit, options: &CombinatorialOptions, ends: &[usize]) -> bool {
    split.test.iter().all(|test| {
        let reach = ends[test.clone()].iter().max().unwrap() + 1;
        let after = reach.max(test.end + options.purge) + options.embargo;
        let near = at + options.purge >= test.start && at < after;
        let looks_in = at < test.start && ends[at] >= test.start;
        !near && !looks_in
    })
}

#[test]
fn combinatorial_splits_are_their_definition() {
    for seed in 0..300u64 {
        let mut rng = SplitMix64::new(seed);
        let folds = 2 + rng.below(6) as usize;
        let options = CombinatorialOptions {
            folds,
            test_folds: 1 + rng.below(folds as u64 - 1) as usize,
            purge: rng.below(4) as usize,
            embargo: rng.below(4) as usize,
        };
        let observations = folds * 12 + rng.below(30) as usize;
        let ends = label_ends(&mut rng, observations);
        let plain: Vec<usize> = (0..observations).collect();
        for (given, ends) in [(Some(&ends[..]), &ends), (None, &plain)] {
            let found = match combinatorial_purged(observations, options, given) {
                Ok(found) => found,
                Err(error) => panic!("seed {seed} {options:?} {observations}: {error}"),
            };
            assert_eq!(found.paths.len() * folds, found.splits.len() * options.test_folds, "seed {seed}");
            for split in &found.splits {
                let wanted: Vec<usize> =
                    (0..observations).filter(|at| is_trained(*at, split, &options, ends)).collect();
                assert_eq!(split.train_indices().collect::<Vec<_>>(), wanted, "seed {seed} {options:?}");
            }
            for (path, splits) in found.paths.iter().enumerate() {
                let whole = splits.iter().enumerate().flat_map(|(fold, split)| {
                    let place = found.test_folds[*split].iter().position(|at| *at == fold).unwrap();
                    found.splits[*split].test[place].clone()
                });
                assert!(whole.eq(0..observations), "seed {seed}: path {path}");
            }
        }
    }
}

#[test]
fn walk_forward_never_looks_ahead() {
    for seed in 0..300u64 {
        let mut rng = SplitMix64::new(seed);
        let options = WalkForwardOptions {
            train: 8 + rng.below(20) as usize,
            test: 1 + rng.below(9) as usize,
            purge: rng.below(5) as usize,
            expand: rng.below(2) == 0,
            keep_partial: rng.below(2) == 0,
        };
        let observations = 60 + rng.below(60) as usize;
        let ends = label_ends(&mut rng, observations);
        let splits = walk_forward(observations, options, Some(&ends)).unwrap();
        let mut next = options.train + options.purge;
        for split in &splits {
            let test = &split.test[0];
            assert_eq!(test.start, next, "seed {seed}");
            next = test.end;
            let begin = if options.expand { 0 } else { test.start - options.purge - options.train };
            let window = begin..test.start - options.purge;
            assert!(split.train_indices().eq(window.filter(|at| ends[*at] < test.start)), "seed {seed}");
        }
        let left = observations - next;
        assert!(if options.keep_partial { left == 0 } else { left < options.test }, "seed {seed}");
    }
}

#[test]
fn splits_refuse_what_does_not_fit() {
    let walk = WalkForwardOptions { train: 10, test: 5, purge: 1, expand: false, keep_partial: false };
    let few = QuantError::TooFew { what: "observations", have: 15, need: 16 };
    assert_eq!(walk_forward(15, walk, None), Err(few));
    let ragged = walk_forward(16, walk, Some(&[0; 3]));
    assert_eq!(ragged, Err(QuantError::Ragged { what: "labelEnds", have: 3, need: 16 }));
    assert!(matches!(walk_forward(16, walk, Some(&[1; 16])), Err(QuantError::OutOfRange { what: "labelEnds", .. })));
    let options = CombinatorialOptions { folds: 4, test_folds: 4, purge: 0, embargo: 0 };
    assert!(matches!(combinatorial_purged(40, options, None), Err(QuantError::OutOfRange { what: "testFolds", .. })));
    let options = CombinatorialOptions { folds: 4, test_folds: 2, purge: 40, embargo: 0 };
    assert_eq!(combinatorial_purged(40, options, None), Err(QuantError::TooFew { what: "train", have: 0, need: 1 }));
    let options = CombinatorialOptions { folds: 60, test_folds: 30, purge: 0, embargo: 0 };
    assert!(matches!(combinatorial_purged(600, options, None), Err(QuantError::TooLarge { what: "splits", .. })));
}

/// The largest of a thousand unskilled Sharpe ratios, against the mean over simulated searches.
#[test]
fn the_expected_maximum_is_what_searches_find() {
    let mut rng = SplitMix64::new(3);
    let searches = 400;
    let found: f64 = (0..searches).map(|_| normals(&mut rng, 1_000).into_iter().fold(f64::MIN, f64::max)).sum::<f64>()
        / searches as f64;
    let expected = expected_maximum_sharpe(1.0, 1_000).unwrap();
    assert!((found - expected).abs() < 0.08, "{found} and {expected}");
}

#[test]
fn track_record_and_probability_are_inverse() {
    let moments = SharpeMoments { sharpe: 0.1, observations: 2, skewness: -0.7, kurtosis: 6.0 };
    let needed = minimum_track_record(moments, 0.02, 0.95).unwrap();
    let observations = needed.ceil() as usize;
    assert!(probabilistic_sharpe(SharpeMoments { observations, ..moments }, 0.02).unwrap() >= 0.95);
    assert!(probabilistic_sharpe(SharpeMoments { observations: observations - 1, ..moments }, 0.02).unwrap() < 0.95);
    assert!(matches!(minimum_track_record(moments, 0.2, 0.95), Err(QuantError::Undefined { .. })));
    let strange = SharpeMoments { skewness: 20.0, ..moments };
    assert!(matches!(probabilistic_sharpe(strange, 0.0), Err(QuantError::Undefined { .. })));
    assert!(matches!(expected_maximum_sharpe(1.0, 1), Err(QuantError::TooFew { what: "trials", .. })));
    assert_eq!(SharpeMoments::of(&[0.1; 4]), Err(QuantError::Constant { what: "returns", column: 0 }));
}

/// pandas 3.1: `skew`, `kurt` + 3; quantstats 0.0.86: `probabilistic_sharpe_ratio`.
#[test]
fn unbiased_moments_are_those_of_pandas() {
    let own = SharpeMoments::of(&[0.01, -0.02, 0.03, 0.005, -0.01, 0.04]).unwrap();
    let found = own.unbiased().unwrap();
    assert!((found.skewness - 0.160_755_429_540_460_57).abs() < 1e-14, "{found:?}");
    assert!((found.kurtosis - 1.721_037_506_224_077_7).abs() < 1e-14, "{found:?}");
    assert!((probabilistic_sharpe(found, 0.0).unwrap() - 0.819_009_719_544_190_6).abs() < 1e-14);
    assert!((found.sharpe, found.observations) == (own.sharpe, own.observations));
    let few = SharpeMoments::of(&[0.01, -0.02, 0.03]).unwrap().unbiased();
    assert!(matches!(few, Err(QuantError::TooFew { what: "returns", have: 3, need: 4 })), "{few:?}");
}

#[test]
fn trials_without_skill_overfit_and_one_with_skill_does_not() {
    let (rows, trials) = (240, 30);
    let mut rng = SplitMix64::new(8);
    let mut values = normals(&mut rng, rows * trials);
    let noise =
        overfitting_probability(Matrix::new("returns", &values, rows, trials).unwrap(), 8, &JobControl::NONE).unwrap();
    assert_eq!(noise.combinations, 70);
    assert!((0.2..=0.9).contains(&noise.probability), "{}", noise.probability);
    values[..rows].iter_mut().for_each(|value| *value += 1.0);
    let skill =
        overfitting_probability(Matrix::new("returns", &values, rows, trials).unwrap(), 8, &JobControl::NONE).unwrap();
    assert_eq!((skill.probability, skill.loss_probability), (0.0, 0.0));
}

#[test]
fn overfitting_takes_flat_trials_and_refuses_odd_blocks() {
    let values = [0.0, 0.0, 0.0, 0.0, 0.1, -0.1, 0.2, 0.1];
    let returns = Matrix::new("returns", &values, 4, 2).unwrap();
    let found = overfitting_probability(returns, 2, &JobControl::NONE).unwrap();
    assert!(found.logits.iter().all(|logit| logit.is_finite()));
    assert!(matches!(overfitting_probability(returns, 3, &JobControl::NONE), Err(QuantError::Undefined { .. })));
    let many = overfitting_probability(returns, 22, &JobControl::NONE);
    assert_eq!(many, Err(QuantError::TooLarge { what: "blocks", have: 22, max: CSCV_BLOCKS_MAX }));
    let flag = std::sync::atomic::AtomicBool::new(true);
    assert_eq!(overfitting_probability(returns, 2, &JobControl::new(&flag, None)), Err(QuantError::Cancelled));
}

/// A signal whose effect on returns falls by a quarter a period.
#[test]
fn a_signal_decays_as_it_was_made_to() {
    for assets in [1usize, 12] {
        let (rows, keep) = (4_000, 0.75f64);
        let mut rng = SplitMix64::new(assets as u64);
        let signal = normals(&mut rng, rows * assets);
        let noise = normals(&mut rng, rows * assets);
        let mut returns = vec![0.0; rows * assets];
        for asset in 0..assets {
            let mut effect = 0.0;
            for t in 0..rows {
                returns[asset * rows + t] = effect + 0.5 * noise[asset * rows + t];
                effect = keep * effect + signal[asset * rows + t];
            }
        }
        let (signal, returns) = (
            Matrix::new("signal", &signal, rows, assets).unwrap(),
            Matrix::new("returns", &returns, rows, assets).unwrap(),
        );
        let options = AlphaDecayOptions { lags: 8, shape: DecayShape::Pearson };
        let found = alpha_decay(signal, returns, options, &JobControl::NONE).unwrap();
        let wanted = 1.0 + 0.5f64.ln() / keep.ln();
        assert!((found.half_life.unwrap() - wanted).abs() < 0.3, "{assets}: {:?} and {wanted}", found.half_life);
        let first = &found.curve[0];
        assert!(first.t_statistic.unwrap() > 20.0 && first.mean_return > 0.0);
        for pair in found.curve[..4].windows(2) {
            let ratio = pair[1].information_coefficient.unwrap() / pair[0].information_coefficient.unwrap();
            assert!((ratio - keep).abs() < 0.1, "{assets}: lag {}: {ratio}", pair[1].lag);
        }
    }
}

#[test]
fn decay_refuses_other_shapes_and_takes_flat_signals() {
    let flat = [1.0; 30];
    let signal = Matrix::new("signal", &flat, 15, 2).unwrap();
    let found =
        alpha_decay(signal, signal, AlphaDecayOptions { lags: 3, ..Default::default() }, &JobControl::NONE).unwrap();
    assert_eq!(
        (found.curve[0].information_coefficient, found.curve[0].mean_return, found.half_life),
        (None, 0.0, None)
    );
    let other = Matrix::new("returns", &flat, 10, 3).unwrap();
    let ragged = alpha_decay(signal, other, AlphaDecayOptions::default(), &JobControl::NONE);
    assert_eq!(ragged, Err(QuantError::Ragged { what: "returns", have: 10, need: 15 }));
    let few = alpha_decay(signal, signal, AlphaDecayOptions { lags: 13, ..Default::default() }, &JobControl::NONE);
    assert_eq!(few, Err(QuantError::TooFew { what: "returns", have: 15, need: 16 }));
}
