//! Orders, statements and profit.
//! One program, since linking is most of what a test program costs.
#[path = "../common/mod.rs"]
mod common;
#[path = "../known/mod.rs"]
mod known;

mod model;
mod orders;
mod pnl;
mod statements;
