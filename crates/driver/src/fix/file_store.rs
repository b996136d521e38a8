//! # Room card: driver/fix/file_store
//! In:    a folder; a session's messages and numbers as it goes.
//! Out:   `FileStore`: a session that goes on after its process was killed, whenever that was.
//! Holds: one process a folder; each change is one write that counts whole or not at all; what was kept before bytes
//!        left is there again; numbers never go back but by a reset or `resend_from`.
//! Costs: one write to the file system a message sent and one a message received; with `StoreSync::Always` a sync too.
use std::path::{Path, PathBuf};

use types::{Code, Fault, UnixNanos};
use wire::fix::Store;

use super::disk::Folder;
use super::store::{FixStore, Stored};
use super::store_files::{Files, Trouble};
use crate::state_dir::StateDir;

/// Bytes of message files, least and most: `FileStoreOptions::bytes_max`.
pub const STORE_BYTES_LEAST: u64 = 1 << 20;
/// See `STORE_BYTES_LEAST`.
pub const STORE_BYTES_MOST: u64 = 1 << 40;
/// Longest name of a session's folder; of a longer one the end is a hash.
const FOLDER_NAME_BYTES_MAX: usize = 160;

/// When what was written is on the medium.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum StoreSync {
    /// When the system writes it: it survives the process, not a loss of power.
    #[default]
    Never,
    /// Before the bytes leave: it survives a loss of power, for the price of a sync a message.
    Always,
}

/// How a file store keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileStoreOptions {
    /// When what was written is on the medium.
    pub sync: StoreSync,
    /// Bytes of messages on disk, at most; of older ones at least half of it stays. What is gone is gap-filled.
    pub bytes_max: u64,
}

impl Default for FileStoreOptions {
    /// No sync, 4 GiB.
    fn default() -> FileStoreOptions {
        FileStoreOptions { sync: StoreSync::Never, bytes_max: 4 << 30 }
    }
}

/// A session on disk.
pub struct FileStore {
    path: PathBuf,
    files: Files<Folder>,
    fault: Option<Fault>,
    /// Let go of after the files.
    _folder: StateDir,
}

impl core::fmt::Debug for FileStore {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "FileStore {{ path: {:?}, stored: {:?} }}", self.path, self.files.stored())
    }
}

impl FileStore {
    /// Takes the folder and what an earlier life of the session left there; what a write left unfinished is cut off.
    ///
    /// # Errors
    /// `STATE_IN_USE`: another process, or another store of this one, has the folder. `FIX_STORE_DAMAGED`: not what a
    /// store leaves, however it ended; fields name the file and the place. `FIX_STORE_FAILED`: the file system refused.
    /// `CONFIG_INVALID`: `bytes_max`.
    pub fn open(path: impl AsRef<Path>, options: FileStoreOptions, now: UnixNanos) -> Result<FileStore, Fault> {
        let path = path.as_ref();
        if !(STORE_BYTES_LEAST..=STORE_BYTES_MOST).contains(&options.bytes_max) {
            let allowed = format!("{STORE_BYTES_LEAST} to {STORE_BYTES_MOST}");
            let message = format!("a store of {} bytes (allowed: {allowed})", options.bytes_max);
            return Err(Fault::new(
                Code::ConfigInvalid,
                message,
                vec![("path", "bytesMax".into()), ("allowed", allowed)],
            ));
        }
        let folder = StateDir::open(path)?;
        let files = Files::open(Folder::new(path), options.sync == StoreSync::Always, options.bytes_max / 2, now);
        let files = files.map_err(|trouble| fault(path, &trouble))?;
        Ok(FileStore { path: path.to_path_buf(), files, fault: None, _folder: folder })
    }

    fn note(&mut self, result: Result<(), Trouble>) {
        if let (Err(trouble), None) = (result, &self.fault) {
            self.fault = Some(fault(&self.path, &trouble));
        }
    }
}

/// A trouble as users see it.
fn fault(path: &Path, trouble: &Trouble) -> Fault {
    let shown = path.display().to_string();
    match trouble {
        Trouble::Refused { what, error } => Fault::new(
            Code::FixStoreFailed,
            format!("the store {shown} cannot {what}: {error}"),
            vec![("path", shown), ("error", error.to_string())],
        ),
        Trouble::Damaged { file, at } => Fault::new(
            Code::FixStoreDamaged,
            format!("{file} of the store {shown} is damaged at byte {at}"),
            vec![("path", shown), ("file", file.clone()), ("at", at.to_string())],
        ),
        Trouble::NumberUsed { sequence } => Fault::new(
            Code::FixStoreFailed,
            format!("number {sequence} was kept before in the store {shown}"),
            vec![("path", shown), ("error", format!("number {sequence} was used before"))],
        ),
    }
}

impl Store for FileStore {
    fn next(&mut self, from: u64) -> Option<(u64, &[u8])> {
        match self.files.next(from) {
            Ok(found) => {
                let sequence = found?;
                Some((sequence, self.files.found()))
            }
            Err(trouble) => {
                self.note(Err(trouble));
                None
            }
        }
    }
    fn keep(&mut self, sequence: u64, bytes: &[u8], application: bool) {
        let result = self.files.keep(sequence, bytes, application);
        self.note(result);
    }
    fn numbers(&mut self, next_in: u64, next_out: u64) {
        let result = self.files.numbers(next_in, next_out);
        self.note(result);
    }
    fn reset(&mut self, now: UnixNanos) {
        let result = self.files.reset(now);
        self.note(result);
    }
}

impl FixStore for FileStore {
    fn stored(&self) -> Stored {
        self.files.stored()
    }
    fn take_fault(&mut self) -> Option<Fault> {
        self.fault.take()
    }
}

/// Name of a session's folder: its version and names, in a form that no two sessions share and any file system takes.
pub fn folder_name(parts: &[&[u8]]) -> String {
    let mut name = String::new();
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            name.push('-');
        }
        for &byte in *part {
            // A dot leads nowhere inside a name that begins with `FIX`.
            if byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_' {
                name.push(byte as char);
            } else {
                name.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    if name.len() > FOLDER_NAME_BYTES_MAX {
        let hash = twox_hash::xxhash3_64::Hasher::oneshot(name.as_bytes());
        name.truncate(FOLDER_NAME_BYTES_MAX - 17);
        name.push_str(&format!("~{hash:016x}"));
    }
    name
}
