//! Signals against slow and plain computations of the same.
//! One program, since linking is most of what a test program costs.
#[path = "../common/mod.rs"]
mod common;

mod estimators;
mod fair;
mod flow;
mod markout;
mod noise;
mod toxicity;
mod volatility;
