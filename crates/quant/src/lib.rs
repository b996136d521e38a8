//! # Room card: quant
//! In:    returns, prices, covariances and parameters as borrowed column-major `f64` views (`Matrix`).
//! Out:   covariances, weights, risk measures, performance statistics, splits, sizes and schedules; or `QuantError`.
//! Holds: pure functions: no clock, file or hash order; the same bits on every run and any number of threads; no NaN
//!        leaves.
//! Costs: batch work off the engine's thread; long functions take a `JobControl`.
#![forbid(unsafe_code)]

pub mod allocate;
pub mod cointegration;
mod control;
pub mod covariance;
mod distributions;
mod error;
pub mod execution;
mod lanes;
mod matrix;
pub mod monte_carlo;
pub mod optimise;
pub mod options;
pub mod performance;
mod regression;
pub mod risk;
pub mod rng;
mod share;
pub mod sizing;
mod stats;
pub mod validation;
pub mod volatility;

pub use control::JobControl;
pub use error::{Conflict, QuantError};
pub use matrix::{CELLS_MAX, Matrix, OwnedMatrix};
