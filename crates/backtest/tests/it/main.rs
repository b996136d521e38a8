//! Runs over recordings and generated markets.
//! One program, since linking is most of what a test program costs.
#[path = "../common/mod.rs"]
mod common;

mod bad_input;
mod calibrate;
mod conservation;
mod quotes;
mod replay;
mod runs;
mod session;
