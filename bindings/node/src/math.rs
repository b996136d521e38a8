//! # Room card: bindings/node/math
//! In:    numbers.
//! Out:   the core's own elementary functions, so that a strategy in TypeScript can reproduce the core bit for bit.
//! Holds: the same `libm` functions as the core; NaN in, NaN out.
//! Costs: one macro call, about 100 ns.
use napi_derive::napi;

use crate::errors::guard;

/// Natural logarithm.
#[napi]
pub fn log(x: f64) -> napi::Result<f64> {
    guard(|| Ok(libm::log(x)))
}

/// ln(1 + x), exact for small x.
#[napi]
pub fn log1p(x: f64) -> napi::Result<f64> {
    guard(|| Ok(libm::log1p(x)))
}

/// e^x.
#[napi]
pub fn exp(x: f64) -> napi::Result<f64> {
    guard(|| Ok(libm::exp(x)))
}

/// Square root (correctly rounded, as JavaScript's own).
#[napi]
pub fn sqrt(x: f64) -> napi::Result<f64> {
    guard(|| Ok(libm::sqrt(x)))
}
