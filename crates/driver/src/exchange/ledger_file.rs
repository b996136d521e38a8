//! # Room card: driver/exchange/ledger_file
//! In:    a state folder; lines of a turn.
//! Out:   the ledger of an earlier life; the lines appended to it.
//! Holds: one process at a time; what `append` was given is with the system when it returns, so that it survives this
//!        process; a last line that was cut short is cut off.
//! Costs: one write a turn.
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use types::Fault;

use super::ledger;
use crate::state_dir::StateDir;

/// Name of the ledger in its folder.
pub const LEDGER_FILE: &str = "ledger.jsonl";

/// A ledger on disk.
#[derive(Debug)]
pub(crate) struct LedgerFile {
    _folder: StateDir,
    path: PathBuf,
    file: File,
}

impl LedgerFile {
    /// Takes the folder and returns what an earlier life wrote. `STATE_IN_USE`, `OUTPUT_FAILED`.
    pub(crate) fn open(folder: &str) -> Result<(LedgerFile, Vec<u8>), Fault> {
        let folder = StateDir::open(folder)?;
        let path = folder.path().join(LEDGER_FILE);
        let failed = |error: std::io::Error| Fault::output(&path.display().to_string(), &error);
        let mut earlier = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(failed(error)),
        };
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        let whole = ledger::whole_lines(&earlier);
        if whole < earlier.len() {
            earlier.truncate(whole);
            file.set_len(whole as u64).map_err(failed)?;
        }
        Ok((LedgerFile { _folder: folder, path, file }, earlier))
    }

    /// Appends whole lines.
    pub(crate) fn append(&mut self, lines: &[u8]) -> Result<(), Fault> {
        self.file.write_all(lines).map_err(|error| Fault::output(&self.path.display().to_string(), &error))
    }
}
