//! # Room card: driver/state_dir
//! In:    the path of a state folder.
//! Out:   `StateDir`: the folder, held by this process alone; where its journal lies and whether one is there.
//! Holds: one process at a time. The system lets go of the folder when the process ends, however it ends.
//! Costs: a few system calls, once.
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use types::{Code, Fault};

/// Longest process id read from a lock file.
const PID_BYTES_MAX: u64 = 20;

/// A state folder in use by this process, until it is dropped.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    /// Holds the lock.
    _lock: File,
}

impl StateDir {
    /// Makes the folder if need be and takes it. The file `lock` in it says which process has it; the file stays when
    /// the folder is let go.
    ///
    /// Errors: StateInUse (fields `path` and `pid`, "unknown" when it cannot be told); OutputFailed.
    pub fn open(path: impl AsRef<Path>) -> Result<StateDir, Fault> {
        let path = path.as_ref();
        let failed = |at: &Path, error: &io::Error| Fault::output(&at.display().to_string(), error);
        std::fs::create_dir_all(path).map_err(|error| failed(path, &error))?;
        let at = path.join("lock");
        // Not truncated here: what is in it belongs to whoever has the lock.
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&at);
        let mut lock = opened.map_err(|error| failed(&at, &error))?;
        // Advisory; released by the system when the process dies.
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(path, &lock)),
            Err(TryLockError::Error(error)) => return Err(failed(&at, &error)),
        }
        let written = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
        written.map_err(|error| failed(&at, &error))?;
        Ok(StateDir { path: path.to_path_buf(), _lock: lock })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
    /// Folder of the journal in it.
    pub fn journal_dir(&self) -> PathBuf {
        self.path.join("journal")
    }
    /// Was a journal begun here? Then it must be recovered; else one can be created. Errors: JournalIo.
    pub fn has_journal(&self) -> Result<bool, Fault> {
        Ok(journal::exists(self.journal_dir())?)
    }
}

fn in_use(path: &Path, lock: &File) -> Fault {
    let mut pid = String::new();
    let read = lock.take(PID_BYTES_MAX).read_to_string(&mut pid);
    let known = read.is_ok() && pid.trim().parse::<u32>().is_ok();
    let pid = if known { pid.trim().to_string() } else { "unknown".into() };
    let shown = path.display().to_string();
    let message = format!("{shown} is in use by process {pid}");
    Fault::new(Code::StateInUse, message, vec![("path", shown), ("pid", pid)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use journal::{Options, Start, Writer};

    fn scratch(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("fafnir-state-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        dir
    }

    #[test]
    fn a_folder_has_one_owner_at_a_time() {
        let dir = scratch("owner");
        let first = StateDir::open(dir.join("deep")).unwrap();
        let fault = StateDir::open(dir.join("deep")).unwrap_err();
        assert_eq!(fault.code, Code::StateInUse);
        assert_eq!(fault.fields[1], ("pid", std::process::id().to_string()));
        std::fs::write(dir.join("deep/lock"), "not a number, and far longer than any process id").unwrap();
        assert_eq!(StateDir::open(dir.join("deep")).unwrap_err().fields[1].1, "unknown");
        drop(first);
        let again = StateDir::open(dir.join("deep")).unwrap();
        let pid = std::fs::read_to_string(dir.join("deep/lock")).unwrap();
        assert_eq!(pid, format!("{}\n", std::process::id()), "whatever was in it is gone");
        drop(again);
        std::fs::write(dir.join("file"), "x").unwrap();
        assert_eq!(StateDir::open(dir.join("file")).unwrap_err().code, Code::OutputFailed);
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn the_folder_of_a_process_that_was_killed_is_free() {
        let dir = scratch("killed");
        drop(StateDir::open(&dir).unwrap());
        // `flock` of util-linux takes the same lock from another process.
        let held =
            std::process::Command::new("flock").arg("--no-fork").arg(dir.join("lock")).args(["sleep", "60"]).spawn();
        let Ok(mut held) = held else { return println!("skipped: no flock command") };
        let mut tries = 0;
        while StateDir::open(&dir).is_ok() {
            tries += 1;
            assert!(tries < 1_000, "another process never took the lock");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert_eq!(StateDir::open(&dir).unwrap_err().code, Code::StateInUse);
        held.kill().unwrap(); // SIGKILL
        held.wait().unwrap();
        StateDir::open(&dir).unwrap();
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_journal_is_there_once_it_is_begun() {
        let dir = scratch("journal");
        let state = StateDir::open(&dir).unwrap();
        assert_eq!(state.has_journal(), Ok(false));
        std::fs::create_dir(state.journal_dir()).unwrap();
        assert_eq!(state.has_journal(), Ok(false), "an empty folder is none");
        let options = Options { segment_bytes: 4_096, ..Options::default() };
        drop(Writer::create(state.journal_dir(), &Start::new("test", "{}"), options).unwrap());
        assert_eq!(state.has_journal(), Ok(true));
        std::fs::remove_dir_all(dir).unwrap();
    }
}
