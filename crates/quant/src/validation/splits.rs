//! # Room card: quant/validation/splits
//! In:    how many observations, how they are divided, where each label ends.
//! Out:   training and test sets as ranges of observations.
//! Holds: test ranges are whole and in order; training ranges are sorted, disjoint and not empty.
//! Costs: O(observations) a split with label spans, O(folds) without.
use core::ops::Range;

use crate::QuantError;
use crate::error::{at_least, at_most, length};

/// More splits than this are refused.
pub const SPLITS_MAX: usize = 1 << 14;

/// A training set and the test sets that it may be tried on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrainTestSplit {
    /// Training observations.
    pub train: Vec<Range<usize>>,
    /// Test observations, one range a test fold.
    pub test: Vec<Range<usize>>,
}

impl TrainTestSplit {
    /// Training observations one by one.
    pub fn train_indices(&self) -> impl Iterator<Item = usize> + '_ {
        self.train.iter().cloned().flatten()
    }
    /// Test observations one by one.
    pub fn test_indices(&self) -> impl Iterator<Item = usize> + '_ {
        self.test.iter().cloned().flatten()
    }
}

/// How `walk_forward` moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WalkForwardOptions {
    /// Observations of a training set (of the first one where it expands).
    pub train: usize,
    /// Observations of a test set; each begins where the one before ended.
    pub test: usize,
    /// Observations left out between training and test, for labels that look ahead.
    pub purge: usize,
    /// Training begins at observation 0 each time; false by default.
    pub expand: bool,
    /// Keep a last test set that is shorter; false by default.
    pub keep_partial: bool,
}

/// Ends of labels: every observation's label must end at it or later, within the series.
fn checked_label_ends(label_ends: &[usize], observations: usize) -> Result<(), QuantError> {
    length("labelEnds", label_ends.len(), observations)?;
    for (at, end) in label_ends.iter().enumerate() {
        if *end < at || *end >= observations {
            let (low, high) = (at as f64, (observations - 1) as f64);
            return Err(QuantError::OutOfRange { what: "labelEnds", value: *end as f64, low, high });
        }
    }
    Ok(())
}

/// Rolling or expanding training windows, each followed by its test window.
///
/// `label_ends[i]` is the last observation that the label of observation i looks at; training observations whose label
/// reaches the test window are left out beside `purge`. Without it labels end where they stand.
///
/// Errors: `QUANT_TOO_FEW` where not one split fits or a training set is left empty, `QUANT_RAGGED` and
/// `QUANT_OUT_OF_RANGE` for label ends, `QUANT_TOO_LARGE`. Indices equal skfolio's `WalkForward` (1.12).
pub fn walk_forward(
    observations: usize,
    options: WalkForwardOptions,
    label_ends: Option<&[usize]>,
) -> Result<Vec<TrainTestSplit>, QuantError> {
    at_least("train", options.train, 1)?;
    at_least("test", options.test, 1)?;
    let first = options.train.saturating_add(options.purge);
    let least = if options.keep_partial { 1 } else { options.test };
    at_least("observations", observations, first.saturating_add(least))?;
    at_most("splits", (observations - first) / options.test, SPLITS_MAX)?;
    if let Some(ends) = label_ends {
        checked_label_ends(ends, observations)?;
    }
    let mut splits = Vec::new();
    let mut start = first;
    while start < observations && (options.keep_partial || start + options.test <= observations) {
        let end = (start + options.test).min(observations);
        let begin = if options.expand { 0 } else { start - first };
        let window = begin..start - options.purge;
        let train = ranges(window, |at| label_ends.is_none_or(|ends| ends[at] < start));
        at_least("train", train.len(), 1)?;
        splits.push(TrainTestSplit { train, test: vec![Range { start, end }] });
        start = end;
    }
    Ok(splits)
}

/// Ranges of what is kept.
fn ranges(window: Range<usize>, keep: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for at in window.filter(|at| keep(*at)) {
        match found.last_mut() {
            Some(last) if last.end == at => last.end = at + 1,
            _ => found.push(at..at + 1),
        }
    }
    found
}

/// How `combinatorial_purged` divides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CombinatorialOptions {
    /// Contiguous folds of ⌊observations / folds⌋ observations; the last takes what is left over.
    pub folds: usize,
    /// Folds in a test set, below `folds`.
    pub test_folds: usize,
    /// Training observations left out on both sides of a test fold.
    pub purge: usize,
    /// Training observations left out after a test fold and its purge.
    pub embargo: usize,
}

/// Every choice of test folds, and the backtest paths that their results make up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CombinatorialSplits {
    /// One split a combination, in lexicographic order.
    pub splits: Vec<TrainTestSplit>,
    /// The test folds of each split, in order.
    pub test_folds: Vec<Vec<usize>>,
    /// Paths through the whole series: `paths[p][f]` is the split whose result on fold f belongs to path p.
    pub paths: Vec<Vec<usize>>,
}

/// Binomial coefficient, none beyond `SPLITS_MAX`.
fn combinations(of: usize, take: usize) -> Option<usize> {
    let mut count = 1usize;
    for step in 0..take.min(of - take) {
        count = count.checked_mul(of - step)? / (step + 1);
        if count > SPLITS_MAX {
            return None;
        }
    }
    Some(count)
}

/// Combinatorial purged cross-validation with label spans and embargo.
///
/// A training observation is left out where its label reaches into a test fold, where it lies within `purge` before
/// one, or within the labels of the fold's observations or `purge`, and then `embargo`, after it. `label_ends` as in
/// `walk_forward`.
///
/// Errors: `QUANT_TOO_FEW` (fewer than 2 folds, more folds than observations, a split without training observations),
/// `QUANT_OUT_OF_RANGE` (test folds, label ends), `QUANT_RAGGED`, `QUANT_TOO_LARGE`.
/// Source: López de Prado, "Advances in Financial Machine Learning" (2018), 7.4 and 12.4. Without label spans indices
/// equal skfolio's `CombinatorialPurgedCV` (1.12).
pub fn combinatorial_purged(
    observations: usize,
    options: CombinatorialOptions,
    label_ends: Option<&[usize]>,
) -> Result<CombinatorialSplits, QuantError> {
    let CombinatorialOptions { folds, test_folds, purge, embargo } = options;
    at_least("folds", folds, 2)?;
    at_least("observations", observations, folds)?;
    at_least("testFolds", test_folds, 1)?;
    crate::error::in_range("testFolds", test_folds as f64, 1.0, (folds - 1) as f64)?;
    let count = combinations(folds, test_folds);
    let count = count.ok_or(QuantError::TooLarge { what: "splits", have: usize::MAX, max: SPLITS_MAX })?;
    if let Some(ends) = label_ends {
        checked_label_ends(ends, observations)?;
    }
    let size = observations / folds;
    let fold = |at: usize| at * size..if at + 1 == folds { observations } else { (at + 1) * size };
    let reach = |at: usize| match label_ends {
        Some(ends) => ends[fold(at)].iter().copied().max().unwrap_or(0) + 1,
        None => fold(at).end,
    };
    // What each fold, as a test fold, takes from training.
    let taken: Vec<Range<usize>> = (0..folds)
        .map(|at| {
            let after = reach(at).max(fold(at).end.saturating_add(purge)).saturating_add(embargo);
            fold(at).start.saturating_sub(purge)..after.min(observations)
        })
        .collect();
    let mut splits = Vec::with_capacity(count);
    let mut chosen: Vec<usize> = (0..test_folds).collect();
    let mut sets = Vec::with_capacity(count);
    loop {
        let test: Vec<Range<usize>> = chosen.iter().map(|at| fold(*at)).collect();
        let train = without(observations, &chosen, &taken, |at| {
            label_ends.is_some_and(|ends| test.iter().any(|range| at < range.start && ends[at] >= range.start))
        });
        at_least("train", train.len(), 1)?;
        splits.push(TrainTestSplit { train, test });
        sets.push(chosen.clone());
        if !advance(&mut chosen, folds) {
            break;
        }
    }
    let paths = paths(folds, &sets);
    Ok(CombinatorialSplits { splits, test_folds: sets, paths })
}

/// The observations outside `taken` of the chosen folds, and for which `drop` is false.
fn without(
    observations: usize,
    chosen: &[usize],
    taken: &[Range<usize>],
    drop: impl Fn(usize) -> bool,
) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    let ends = chosen.iter().map(|at| taken[*at].clone()).chain(core::iter::once(observations..observations));
    for gap in ends {
        if gap.start > start {
            found.extend(ranges(start..gap.start, |at| !drop(at)));
        }
        start = start.max(gap.end);
    }
    found
}

/// The next combination in lexicographic order.
fn advance(chosen: &mut [usize], of: usize) -> bool {
    let take = chosen.len();
    let Some(at) = (0..take).rev().find(|at| chosen[*at] < of - take + at) else { return false };
    chosen[at] += 1;
    for next in at + 1..take {
        chosen[next] = chosen[next - 1] + 1;
    }
    true
}

/// The n-th time that a fold is tested belongs to path n.
fn paths(folds: usize, sets: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut tested: Vec<Vec<usize>> = vec![Vec::new(); folds];
    for (split, set) in sets.iter().enumerate() {
        for fold in set {
            tested[*fold].push(split);
        }
    }
    (0..tested[0].len()).map(|path| tested.iter().map(|splits| splits[path]).collect()).collect()
}
