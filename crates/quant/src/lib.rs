//! # Room card: quant
//! In:    returns, prices, covariances and parameters as borrowed column-major `f64` views (`Matrix`).
//! Out:   covariances, weights, risk measures, performance statistics, splits, sizes and schedules; or `QuantError`.
//! Holds: pure functions: no clock, file, thread or hash order; the same bits on every run; no NaN leaves.
//! Costs: batch work off the engine's thread; long functions take a `Control` (bench: `npm run bench -- quant`).
#![forbid(unsafe_code)]

pub mod cointegration;
mod control;
mod distributions;
mod error;
mod lanes;
mod matrix;
pub mod options;
mod regression;
pub mod risk;
pub mod rng;
pub mod volatility;

pub use control::Control;
pub use error::{Conflict, QuantError};
pub use matrix::{CELLS_MAX, Matrix, OwnedMatrix};
