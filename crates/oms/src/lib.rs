//! # Room card: oms
//! In:    orders that risk has passed, cancels, replaces, reports and statements of venues, the time of the turn.
//! Out:   order events complete in every field, positions, P&L split, acknowledgement time-outs, counts.
//! Holds: one transition table; ids never reused; nothing changes when an `Err` is returned; position = sum of applied
//!        fills.
//! Costs: O(1) per call, no allocation after `Orders::new`; room `engine` of the benches covers it.
//!
//! A report that cannot be applied is an `Err` (unknown order, duplicate, illegal, malformed): counted, nothing
//! changed. A report that was applied but shows that something is wrong carries an `anomaly` (lost report, overfill,
//! late fill). What the venue states of an order or a position, asked for after a connection was lost, is applied by
//! `Orders::status` and `Orders::position_stated`.
#![forbid(unsafe_code)]

mod clients;
mod counts;
mod fills;
mod list;
mod order;
mod orders;
mod position;
mod report;
mod requests;
mod statement;
mod table;

pub use counts::Counts;
pub use fills::GAPS_MAX;
pub use order::{Asked, Order, Pending};
pub use orders::{COUNTER_RESERVE, OrderSpec, Orders};
pub use position::{PnlSplit, Position};
pub use report::{Applied, fee_by_rate};
pub use statement::{PositionStated, Stated};
pub use table::{Next, settle, transition};
