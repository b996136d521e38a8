//! # Room card: venue
//! In:    our requests and, for a recorded market, its messages; virtual time as an argument.
//! Out:   execution reports, a generated market's feed, a ledger: `RecordedVenue`, `GeneratedVenue`, `MatchingBook`.
//! Holds: no socket, no clock, no knowledge of the engine; same inputs, same reports, bit for bit; everything bounded.
//! Costs: see the modules; no allocation after construction as long as the caller's buffers keep their reserve.
#![forbid(unsafe_code)]

mod accounts;
mod arrivals;
mod desk;
mod entry;
mod feed;
mod generated;
mod idmap;
mod ledger;
mod matching;
mod matching_book;
mod order_ids;
mod queue;
mod recorded;
mod resting;
mod rows;

pub use accounts::ACCOUNTS_MAX;
pub use desk::{ENDED_IDS_MAX, OWN_ORDERS_MAX};
pub use feed::{FeedBatch, FeedItem, LevelRange};
pub use generated::{GENERATED_LEVELS_MAX, GENERATED_ORDERS_MAX, GeneratedVenue};
pub use ledger::{Ledger, LedgerDifference};
pub use matching::{Counterparty, Handle, Maker, Matcher, ORDER_LOTS_MAX, ORDER_TICKS_MAX};
pub use matching_book::{MatchCommand, MatchReport, MatchingBook, OrderRule, QueuedOrder, Reports};
pub use recorded::RecordedVenue;
pub use resting::{BOOK_LEVELS_MAX, BOOK_ORDERS_MAX};
pub use rows::{ROW_CELLS, row_of, run_rows};

/// Most reports of one call: an answer, a fill per level taken, and a fill and an end for each of our orders. A caller
/// that reserves this many (`reserve_reports`) never sees its buffer grow.
pub const REPORTS_PER_CALL_MAX: usize = 2 + GENERATED_LEVELS_MAX + 2 * OWN_ORDERS_MAX;

/// A report buffer that no call outgrows, if it is drained between calls.
pub fn reserve_reports() -> Vec<types::OrderEvent> {
    Vec::with_capacity(REPORTS_PER_CALL_MAX)
}
