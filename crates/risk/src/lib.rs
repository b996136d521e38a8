//! # Room card: risk
//! In:    every new order and replace before it is sent, with position, open orders and reference price; venue answers.
//! Out:   pass, or one `Reject` with code, limit, used and asked.
//! Holds: nothing passes that a limit forbids; every product is checked; cancels never come here, so nothing blocks
//!        them.
//! Costs: tens of nanoseconds a check; all memory at start.
#![forbid(unsafe_code)]

pub mod breaker;
pub mod gate;
pub mod window;

pub use breaker::{Breaker, BreakerState, Failure};
pub use gate::{Exposure, Gate, OrderAsk, Reference};
pub use window::StampWindow;
