//! # Room card: bindings/node/quant/validation
//! In:    lengths and fold counts, label ends as an array; returns of trials; signals.
//! Out:   splits as arrays of starts and ends; statistics as JSON, logits as an array.
//! Holds: a range is `[from, to)`.
//! Costs: see `quant::validation`.
use quant::JobControl;
use quant::validation::*;
use serde::Deserialize;
use types::Fault;

use super::{Answer, Arguments, Call};

pub(super) fn find(name: &str) -> Option<Call> {
    Some(match name {
        "walkForward" => walked,
        "combinatorialPurged" => combined,
        "overfittingProbability" => overfitting,
        "alphaDecay" => decayed,
        _ => return None,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Over<T> {
    observations: usize,
    split: T,
}

/// Starts and ends of all ranges, the training ranges of a split before its test ranges; how many there are of each.
fn flat(splits: &[TrainTestSplit]) -> [Vec<f64>; 2] {
    let all = splits.iter().flat_map(|split| split.train.iter().chain(&split.test));
    let ranges = all.flat_map(|range| [range.start as f64, range.end as f64]).collect();
    let counts = splits.iter().flat_map(|split| [split.train.len() as f64, split.test.len() as f64]).collect();
    [ranges, counts]
}

fn whole(rows: &[Vec<usize>]) -> Vec<f64> {
    rows.iter().flatten().map(|value| *value as f64).collect()
}

fn walked(arguments: &Arguments, _: &JobControl<'_>) -> Result<Answer, Fault> {
    let Over { observations, split } = arguments.options()?;
    let ends = arguments.whole("labelEnds", 0)?;
    Answer::new(&(), flat(&walk_forward(observations, split, ends.as_deref())?).to_vec())
}

fn combined(arguments: &Arguments, _: &JobControl<'_>) -> Result<Answer, Fault> {
    let Over { observations, split } = arguments.options()?;
    let ends = arguments.whole("labelEnds", 0)?;
    let found = combinatorial_purged(observations, split, ends.as_deref())?;
    let CombinatorialSplits { splits, test_folds, paths } = found;
    let [ranges, counts] = flat(&splits);
    Answer::new(&(), vec![ranges, counts, whole(&test_folds), whole(&paths)])
}

/// Five numbers a lag; what is not defined is NaN.
fn decayed(arguments: &Arguments, control: &JobControl<'_>) -> Result<Answer, Fault> {
    let (signal, returns) = (arguments.matrix("signal", 0)?, arguments.matrix("returns", 1)?);
    let mut found = alpha_decay(signal, returns, arguments.options()?, control)?;
    let numbers = |point: &DecayPoint| {
        let known = |value: Option<f64>| value.unwrap_or(f64::NAN);
        let (lag, observations) = (point.lag as f64, point.observations as f64);
        [lag, known(point.information_coefficient), known(point.t_statistic), point.mean_return, observations]
    };
    let curve = core::mem::take(&mut found.curve).iter().flat_map(numbers).collect();
    Answer::new(&found, vec![curve])
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Blocks {
    blocks: usize,
}

fn overfitting(arguments: &Arguments, control: &JobControl<'_>) -> Result<Answer, Fault> {
    let Blocks { blocks } = arguments.options()?;
    let mut found = overfitting_probability(arguments.matrix("returns", 0)?, blocks, control)?;
    let logits = core::mem::take(&mut found.logits);
    Answer::new(&found, vec![logits])
}
