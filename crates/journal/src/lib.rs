//! # Room card: journal
//! In:    every input of the engine, before its effects leave; the hash of its effects now and then.
//! Out:   segment files that survive the process; on reading, exactly the inputs that were written.
//! Holds: a hash chain over all records: a reader yields what was written or ends, and says where and why; never a
//!        guess.
//! Costs: one copy and one XXH3-64 per input; no allocation; system calls only without a commit thread, when a
//!        segment is full.
#![deny(unsafe_code)]

mod bytes;
mod commit;
mod fault;
mod format;
mod hash;
mod map;
mod options;
mod reader;
mod resume;
mod tail;
mod writer;

pub use commit::{Acknowledged, SYNC_INTERVAL};
pub use fault::JournalFault;
pub use format::{FORMAT_VERSION, RecordKind, SEGMENT_BYTES_DEFAULT, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, Start};
pub use hash::{EffectsHash, hex};
pub use options::{Commit, Options};
pub use reader::{End, EndReason, Reader, Record};
pub use resume::Resumed;
pub use writer::{Writer, exists};
