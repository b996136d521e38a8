//! Limits and the breaker.
//! One program, since linking is most of what a test program costs.
#[path = "../common/mod.rs"]
mod common;

mod breaker;
mod model;
mod table;
