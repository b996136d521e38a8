//! # Room card: driver
//! In:    journals, command rings, clocks.
//! Out:   an engine driven from them: `replay` from a journal, `hosted` on a thread of its own inside a user's process.
//! Holds: every input is journalled before its effects leave; after a panic the engine is halted, cancels
//!        go out, the process lives.
//! Costs: what is beyond the engine's turn is one journal copy and one ring copy per published record.
#![forbid(unsafe_code)]

mod clock;
mod control;
mod end;
pub mod exchange;
mod explain;
pub mod feed_link;
pub mod fix;
mod hosted;
mod latest;
mod lines;
mod live_orders;
mod out;
mod ports;
mod recording;
mod recover;
mod replay;
pub mod report;
mod state_dir;
mod stats;
mod timers;
mod turn;
mod work;

pub use control::{KillReason, Killer};
pub use end::{ConnectionSummary, HostedSummary, PaperAccount};
pub use explain::{Explained, ExplainedOrder, ExplainedQuote, ExplainedSide, WhichQuote, explain};
pub use hosted::{Hosted, HostedOptions, PortHandle};
pub use out::Doorbell;
pub use ports::{PORTS_MAX, PortOptions};
pub use recording::{Chunk, RecordedLine, Recording, RecordingProgress};
pub use recover::{Recovered, recover};
pub use replay::{EndedAt, ReplayOutcome, Replayed, replay, replay_with};
pub use state_dir::StateDir;
pub use timers::{TIMERS_MAX, Timers};
