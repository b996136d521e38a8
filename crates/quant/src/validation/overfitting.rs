//! # Room card: quant/validation/overfitting
//! In:    returns of every trial of a search, periods × trials.
//! Out:   how often the trial that was best in one half is below the middle in the other.
//! Holds: combinations in lexicographic order; the first of equally good trials is chosen; a trial that does not vary
//!        in a half has Sharpe 0 there.
//! Costs: combinations × blocks × trials, and a sort of the trials a combination; cancellable.
use crate::error::{at_least, at_most};
use crate::stats::{mean, ranks};
use crate::{JobControl, Matrix, QuantError};

/// More blocks than this have too many combinations (20 have 184,756).
pub const CSCV_BLOCKS_MAX: usize = 20;

/// Combinations between two looks at the cancellation flag.
const BLOCK: usize = 64;

/// What the combinatorially symmetric cross-validation found.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overfitting {
    /// Combinations tried.
    pub combinations: usize,
    /// Share of the logits that are not above 0: probability of backtest overfitting.
    pub probability: f64,
    /// Mean of the logits.
    pub logit_mean: f64,
    /// Their median.
    pub logit_median: f64,
    /// Share of combinations in which the chosen trial lost out of sample.
    pub loss_probability: f64,
    /// Slope of the chosen trials' Sharpe out of sample on the one in sample; none where the latter does not vary.
    pub degradation: Option<f64>,
    /// `ln(rank / (trials + 1 - rank))` of the chosen trial out of sample, one a combination.
    #[serde(skip)]
    pub logits: Vec<f64>,
}

/// Sums of one block, trial by trial.
struct Block {
    sums: Vec<f64>,
    squares: Vec<f64>,
}

/// Probability of backtest overfitting by combinatorially symmetric cross-validation, with the Sharpe ratio (`ddof` 1)
/// as measure. The series is cut to a whole number of blocks; each half is the union of half of them.
///
/// Errors: `QUANT_TOO_FEW` (two trials, two observations a half), `QUANT_UNDEFINED` (odd number of blocks),
/// `QUANT_TOO_LARGE` (blocks), `QUANT_CANCELLED`.
/// Source: Bailey, Borwein, López de Prado, Zhu, "The probability of backtest overfitting" (2015), 3.1.
pub fn overfitting_probability(
    returns: Matrix<'_>,
    blocks: usize,
    control: &JobControl<'_>,
) -> Result<Overfitting, QuantError> {
    at_least("trials", returns.columns(), 2)?;
    at_least("blocks", blocks, 2)?;
    at_most("blocks", blocks, CSCV_BLOCKS_MAX)?;
    if blocks % 2 == 1 {
        return Err(QuantError::Undefined { what: "overfittingProbability", why: "the number of blocks must be even" });
    }
    let size = returns.rows() / blocks;
    at_least("returns", returns.rows(), blocks.max(4))?;
    let sums: Vec<Block> = (0..blocks).map(|at| block(returns, at * size, size)).collect();
    let half_rows = (size * blocks / 2) as f64;
    let halves = halves(blocks);
    let (mut logits, mut inside, mut outside) = (Vec::new(), Vec::new(), Vec::new());
    for (at, chosen) in halves.iter().enumerate() {
        if at % BLOCK == 0 {
            control.check()?;
            control.progress(at as u64, halves.len() as u64);
        }
        let first = sharpes(&sums, half_rows, |block| chosen >> block & 1 == 1);
        let second = sharpes(&sums, half_rows, |block| chosen >> block & 1 == 0);
        let best = (1..first.len()).fold(0, |best, trial| if first[trial] > first[best] { trial } else { best });
        let rank = ranks(&second)[best] / (second.len() + 1) as f64;
        logits.push(libm::log(rank / (1.0 - rank)));
        inside.push(first[best]);
        outside.push(second[best]);
    }
    control.progress(halves.len() as u64, halves.len() as u64);
    Ok(summary(logits, &inside, &outside))
}

fn block(returns: Matrix<'_>, start: usize, size: usize) -> Block {
    let rows = |column: &[f64]| column[start..start + size].to_vec();
    Block {
        sums: returns.columns_iter().map(|column| rows(column).iter().sum()).collect(),
        squares: returns.columns_iter().map(|column| rows(column).iter().map(|r| r * r).sum()).collect(),
    }
}

/// Sets of half of the blocks as bits, in lexicographic order of the blocks' numbers.
fn halves(blocks: usize) -> Vec<u32> {
    let reversed = |set: u32| set.reverse_bits() >> (32 - blocks);
    let mut sets: Vec<u32> = (0..1u32 << blocks).filter(|set| set.count_ones() as usize == blocks / 2).collect();
    sets.sort_by_key(|set| core::cmp::Reverse(reversed(*set)));
    sets
}

/// Sharpe of each trial over the blocks that are taken.
fn sharpes(blocks: &[Block], rows: f64, take: impl Fn(usize) -> bool) -> Vec<f64> {
    let taken: Vec<&Block> = blocks.iter().enumerate().filter(|(at, _)| take(*at)).map(|(_, block)| block).collect();
    (0..blocks[0].sums.len())
        .map(|trial| {
            let average = taken.iter().map(|block| block.sums[trial]).sum::<f64>() / rows;
            let squares: f64 = taken.iter().map(|block| block.squares[trial]).sum();
            let spread = (squares - rows * average * average) / (rows - 1.0);
            // What rounding leaves of a constant's variance is no variance.
            if spread > squares / rows * 1e-14 { average / libm::sqrt(spread) } else { 0.0 }
        })
        .collect()
}

fn summary(logits: Vec<f64>, inside: &[f64], outside: &[f64]) -> Overfitting {
    let count = logits.len();
    let ordered = crate::stats::sorted(&logits);
    let (left, right) = (mean(inside), mean(outside));
    let cross: f64 = inside.iter().zip(outside).map(|(x, y)| (x - left) * (y - right)).sum();
    let square: f64 = inside.iter().map(|x| (x - left) * (x - left)).sum();
    let slope = cross / square;
    Overfitting {
        combinations: count,
        probability: logits.iter().filter(|logit| **logit <= 0.0).count() as f64 / count as f64,
        logit_mean: mean(&logits),
        logit_median: crate::stats::quantile_sorted(&ordered, 0.5),
        loss_probability: outside.iter().filter(|sharpe| **sharpe < 0.0).count() as f64 / count as f64,
        degradation: if slope.is_finite() { Some(slope) } else { None },
        logits,
    }
}
