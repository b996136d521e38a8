//! # Room card: bindings/node/quant/validation
//! In:    lengths and fold counts, label ends as an array; returns of trials; signals.
//! Out:   splits as ranges in JSON; statistics as JSON, logits as an array.
//! Holds: a range is `[from, to)`.
//! Costs: see `quant::validation`.
use quant::JobControl;
use quant::validation::*;
use serde::{Deserialize, Serialize};
use types::Fault;

use super::{Answer, Arguments, Call};

pub(super) fn find(name: &str) -> Option<Call> {
    Some(match name {
        "walkForward" => walked,
        "combinatorialPurged" => combined,
        "overfittingProbability" => overfitting,
        "alphaDecay" => |arguments, control| {
            let (signal, returns) = (arguments.matrix("signal", 0)?, arguments.matrix("returns", 1)?);
            Answer::new(&alpha_decay(signal, returns, arguments.options()?, control)?, Vec::new())
        },
        _ => return None,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Over<T> {
    observations: usize,
    split: T,
}

type Ranges = Vec<[usize; 2]>;

#[derive(Serialize)]
struct Pair {
    train: Ranges,
    test: Ranges,
}

fn pairs(splits: &[TrainTestSplit]) -> Vec<Pair> {
    let ranges = |found: &[core::ops::Range<usize>]| found.iter().map(|range| [range.start, range.end]).collect();
    splits.iter().map(|split| Pair { train: ranges(&split.train), test: ranges(&split.test) }).collect()
}

fn walked(arguments: &Arguments, _: &JobControl<'_>) -> Result<Answer, Fault> {
    let Over { observations, split } = arguments.options()?;
    let ends = arguments.whole("labelEnds", 0)?;
    Answer::new(&pairs(&walk_forward(observations, split, ends.as_deref())?), Vec::new())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Combined {
    splits: Vec<Pair>,
    test_folds: Vec<Vec<usize>>,
    paths: Vec<Vec<usize>>,
}

fn combined(arguments: &Arguments, _: &JobControl<'_>) -> Result<Answer, Fault> {
    let Over { observations, split } = arguments.options()?;
    let ends = arguments.whole("labelEnds", 0)?;
    let found = combinatorial_purged(observations, split, ends.as_deref())?;
    let CombinatorialSplits { splits, test_folds, paths } = found;
    Answer::new(&Combined { splits: pairs(&splits), test_folds, paths }, Vec::new())
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
