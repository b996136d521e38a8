//! # Room card: oms
//! In:    orders that risk has passed, cancels, replaces, reports of venues, the time of the turn.
//! Out:   order events complete in every field, positions, P&L split, acknowledgement time-outs, counts.
//! Holds: one transition table; ids never reused; nothing changes when an `Err` is returned; position = sum of applied
//!        fills.
//! Costs: O(1) per call, no allocation after `Orders::new`; room `engine` of the benches covers it.
//!
//! A report that cannot be applied is an `Err` (unknown order, duplicate, illegal, malformed): counted, nothing
//! changed. A report that was applied but shows that something is wrong carries an `anomaly` (lost report, overfill,
//! late fill).
#![forbid(unsafe_code)]

mod clients;
mod counts;
mod list;
mod order;
mod orders;
mod position;
mod report;
mod requests;
mod table;

pub use counts::Counts;
pub use order::{Asked, Order, Pending};
pub use orders::{COUNTER_RESERVE, OrderSpec, Orders};
pub use position::{PnlSplit, Position};
pub use report::{Applied, fee_by_rate};
pub use table::{Next, settle, transition};
