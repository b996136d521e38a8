//! # Room card: book
//! In:    depth diffs, snapshots, best-bid-and-offer prints, or single orders of one instrument, already on its grid.
//! Out:   `MarketBook`: the L2 `Ladder`, the L1 touch, whether the L2 can be trusted, and typed outcomes per message;
//!        `L3Book`: orders by id with their queues.
//! Holds: a message is applied whole or not at all; an L2 that may be wrong shows nothing; the L1 never edits the L2.
//! Costs: 5 to 7 ns per level near the touch (`cargo run --release -p fafnir-book --example ladder_cost`).
#![forbid(unsafe_code)]

mod buffer;
mod far;
mod half;
pub mod l3;
pub mod ladder;
pub mod market;
pub mod sync;
pub mod views;

pub use buffer::{BUFFERED_DIFFS_MAX, BUFFERED_LEVELS_MAX};
pub use half::{Half, LEVELS_PER_SIDE_MAX, Slot};
pub use l3::{
    Crossing, DenseIds, L3Book, L3Counts, L3Levels, L3Order, ORDERS_MAX, OWN_ORDERS_MAX, OrderIds, PRICE_TICKS_MAX,
    SparseIds,
};
pub use ladder::{DEFAULT_WORDS, Ladder, LadderCounts, Levels};
pub use market::{BookTouch, MarketBook, TouchCounts, TouchOutcome, TouchSource};
pub use sync::{Counts, DepthOutcome, DepthSync, Rule};
pub use views::Depth;
