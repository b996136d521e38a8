//! # Room card: journal/fault
//! In:    what the operating system or a file's bytes refused.
//! Out:   `JournalFault`: code, path, detail.
//! Holds: the code is what users match; the detail is for people.
//! Costs: cold path; it allocates.
use std::io;
use std::path::{Path, PathBuf};

use types::Code;

/// Why a journal cannot be written or read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JournalFault {
    /// Which: JournalIo, JournalFull, JournalFormat, JournalTruncated, JournalCorrupt, InputTooLarge, ConfigInvalid.
    pub code: Code,
    /// File or folder.
    pub path: PathBuf,
    /// What happened there.
    pub detail: String,
}

impl JournalFault {
    pub(crate) fn new(code: Code, path: &Path, detail: impl Into<String>) -> JournalFault {
        JournalFault { code, path: path.to_path_buf(), detail: detail.into() }
    }
    pub(crate) fn io(path: &Path, error: &io::Error) -> JournalFault {
        let full = matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
        );
        JournalFault::new(if full { Code::JournalFull } else { Code::JournalIo }, path, error.to_string())
    }
}

impl core::fmt::Display for JournalFault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}: {}", self.code.name(), self.path.display(), self.detail)
    }
}

impl core::error::Error for JournalFault {}

impl From<JournalFault> for types::Fault {
    fn from(fault: JournalFault) -> types::Fault {
        let message = format!("{}: {}", fault.path.display(), fault.detail);
        types::Fault::new(
            fault.code,
            message,
            vec![("path", fault.path.display().to_string()), ("detail", fault.detail)],
        )
    }
}
