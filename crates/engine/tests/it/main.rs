//! The engine by its inputs and effects.
//! One program, since linking is most of what a test program costs.
#[path = "../common/mod.rs"]
mod common;
#[path = "../fix/mod.rs"]
mod fix;
#[path = "../fix/venue.rs"]
mod venue;

mod commands;
mod inputs;
mod quoting;
mod random;
mod rules;
mod session;
mod session_losses;
mod session_random;
mod statements;
