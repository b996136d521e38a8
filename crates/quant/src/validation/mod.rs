//! # Room card: quant/validation
//! In:    lengths, fold counts, label spans; Sharpe ratios and their trials; returns of every trial; signals.
//! Out:   walk-forward and combinatorial purged splits; probabilistic and deflated Sharpe; the probability of backtest
//!        overfitting; how a signal decays.
//! Holds: no training observation's label reaches into a test range; splits come in a stated order.
//! Costs: named at each function.
mod decay;
mod overfitting;
mod sharpe;
mod splits;

pub use decay::{AlphaDecay, AlphaDecayOptions, DecayPoint, DecayShape, alpha_decay};
pub use overfitting::{CSCV_BLOCKS_MAX, Overfitting, overfitting_probability};
pub use sharpe::{
    DeflatedSharpe, SharpeMoments, deflated_sharpe, expected_maximum_sharpe, minimum_track_record, probabilistic_sharpe,
};
pub use splits::{
    CombinatorialOptions, CombinatorialSplits, SPLITS_MAX, TrainTestSplit, WalkForwardOptions, combinatorial_purged,
    walk_forward,
};

#[cfg(test)]
mod tests;
