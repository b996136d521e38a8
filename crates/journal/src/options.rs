//! # Room card: journal/options
//! In:    how a user wants a journal written.
//! Out:   `Options`, checked.
//! Holds: every value has a stated range.
//! Costs: plain values.
use std::path::Path;

use types::Code;

use crate::fault::JournalFault;
use crate::format::{SEGMENT_BYTES_DEFAULT, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN};

/// How a journal is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Bytes of a segment, 4096 to 4294967296; an input that needs more gets a segment of its own size.
    pub segment_bytes: u64,
    /// When it goes to the disk.
    pub commit: Commit,
    /// Keep only this many full segments, at least 1; older ones are deleted, and the journal can no longer be replayed
    /// or resumed. Default: all.
    pub keep_segments: Option<u32>,
}

/// When a journal goes to the disk. It survives the process either way; this is about the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Commit {
    /// When it is closed, or asked for. Segments are made and closed where they are needed: in a turn.
    #[default]
    AtClose,
    /// By a thread of its own, every `SYNC_INTERVAL` when something was written. It makes the next segment ahead and
    /// closes full ones, so that none of it happens in a turn.
    Thread,
}

impl Default for Options {
    fn default() -> Self {
        Options { segment_bytes: SEGMENT_BYTES_DEFAULT, commit: Commit::AtClose, keep_segments: None }
    }
}

impl Options {
    pub(crate) fn check(&self, dir: &Path) -> Result<(), JournalFault> {
        let invalid = |detail: String| Err(JournalFault::new(Code::ConfigInvalid, dir, detail));
        if !(SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&self.segment_bytes) {
            return invalid(format!("segment of {} bytes, allowed 4096 to 4294967296", self.segment_bytes));
        }
        if self.keep_segments == Some(0) {
            return invalid("0 full segments kept, at least 1".into());
        }
        Ok(())
    }
}
