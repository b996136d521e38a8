//! # Room card: driver/fix/message_log
//! In:    messages as they come and go, with their time and session.
//! Out:   text files, one a session: `time < message` in, `time > message` out, separators as they are.
//! Holds: the host's thread never waits: what a full buffer cannot take is counted, and the count is written in its
//!        place; files are replaced at their bound and only so many are kept.
//! Costs: one copy a message; a thread of its own writes.
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use types::{Code, Fault, UnixNanos};

/// Bytes that wait for the writer, at most; as many again may stand before them in the host's thread.
const WAITING_BYTES_MAX: usize = 8 << 20;
/// Before each message: session, length, time, direction.
const ENTRY_HEADER_BYTES: usize = 4 + 4 + 8 + 1;
/// The writer looks for its end this often.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Where a message log is written, and how much of it is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MessageLogOptions {
    /// The folder; made if need be.
    pub folder: PathBuf,
    /// Bytes of one file, 4,096 to 2^40: then it is renamed to `NAME.1` and so on.
    pub file_bytes_max: u64,
    /// Older files kept of each session, 0 to 999.
    pub files_kept: u32,
}

impl MessageLogOptions {
    /// Files of 64 MiB, ten older ones.
    pub fn new(folder: impl Into<PathBuf>) -> MessageLogOptions {
        MessageLogOptions { folder: folder.into(), file_bytes_max: 64 << 20, files_kept: 10 }
    }
}

/// Which way a message went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    In,
    Out,
}

#[derive(Default)]
struct Waiting {
    entries: Vec<u8>,
    names: Vec<(u32, String)>,
    missed: u64,
    ends: bool,
    fault: Option<Fault>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    came: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The host's end of a message log.
pub(super) struct MessageLog {
    shared: Arc<Shared>,
    /// Entries not yet handed over.
    entries: Vec<u8>,
    missed: u64,
    thread: Option<JoinHandle<()>>,
}

impl MessageLog {
    /// Errors: `CONFIG_INVALID` for a bound, `OUTPUT_FAILED` for the folder, `ENGINE_CLOSED` (no thread).
    pub(super) fn start(options: MessageLogOptions) -> Result<MessageLog, Fault> {
        let fits = (4_096..=1 << 40).contains(&options.file_bytes_max) && options.files_kept <= 999;
        if !fits {
            let fields = vec![("path", "log".to_string()), ("allowed", "4096 to 2^40 bytes, 0 to 999 files".into())];
            return Err(Fault::new(Code::ConfigInvalid, "bounds of the message log", fields));
        }
        let shown = options.folder.display().to_string();
        std::fs::create_dir_all(&options.folder).map_err(|error| Fault::output(&shown, &error))?;
        let shared = Arc::new(Shared::default());
        let own = shared.clone();
        let thread = std::thread::Builder::new()
            .name("fafnir-fix-log".into())
            .spawn(move || write(&own, &options))
            .map_err(|error| Fault::new(Code::EngineClosed, format!("no thread for the log: {error}"), vec![]))?;
        Ok(MessageLog { shared, entries: Vec::new(), missed: 0, thread: Some(thread) })
    }

    /// A session has this number and this name from now on.
    pub(super) fn name(&mut self, session: u32, name: &str) {
        self.shared.lock().names.push((session, name.to_string()));
    }

    /// Notes a message.
    pub(super) fn note(&mut self, session: u32, way: Way, at: UnixNanos, message: &[u8]) {
        if self.entries.len() + ENTRY_HEADER_BYTES + message.len() > WAITING_BYTES_MAX {
            self.missed += 1;
            return;
        }
        self.entries.extend_from_slice(&session.to_le_bytes());
        self.entries.extend_from_slice(&(message.len() as u32).to_le_bytes());
        self.entries.extend_from_slice(&at.0.to_le_bytes());
        self.entries.push(way as u8);
        self.entries.extend_from_slice(message);
    }

    /// Hands over what was noted, if the writer is not just taking the last; call it once a turn. Returns what went
    /// wrong since the last call.
    pub(super) fn flush(&mut self) -> Option<Fault> {
        if self.entries.is_empty() && self.missed == 0 {
            return None;
        }
        let mut waiting = match self.shared.waiting.try_lock() {
            Ok(waiting) => waiting,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        if waiting.entries.len() + self.entries.len() <= WAITING_BYTES_MAX {
            if waiting.entries.is_empty() {
                core::mem::swap(&mut waiting.entries, &mut self.entries);
            } else {
                waiting.entries.extend_from_slice(&self.entries);
            }
            self.entries.clear();
            waiting.missed += core::mem::take(&mut self.missed);
            self.shared.came.notify_one();
        }
        waiting.fault.take()
    }
}

impl Drop for MessageLog {
    fn drop(&mut self) {
        let mut waiting = self.shared.lock();
        waiting.entries.append(&mut self.entries);
        waiting.missed += self.missed;
        waiting.ends = true;
        drop(waiting);
        self.shared.came.notify_one();
        if let Some(thread) = self.thread.take() {
            // It writes what is left; a file system that hangs holds up the end of the host, not its work.
            let _ = thread.join();
        }
    }
}

/// One session's file.
struct LogFile {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl LogFile {
    fn open(path: PathBuf) -> io::Result<LogFile> {
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let bytes = file.metadata()?.len();
        Ok(LogFile { path, file, bytes })
    }

    fn write(&mut self, lines: &[u8], options: &MessageLogOptions) -> io::Result<()> {
        if self.bytes > 0 && self.bytes + lines.len() as u64 > options.file_bytes_max {
            turn_over(&self.path, options.files_kept)?;
            *self = LogFile::open(self.path.clone())?;
        }
        self.file.write_all(lines)?;
        self.bytes += lines.len() as u64;
        Ok(())
    }
}

/// `NAME` becomes `NAME.1`, that `NAME.2`, and so on; the last one goes.
fn turn_over(path: &Path, kept: u32) -> io::Result<()> {
    let older = |number: u32| PathBuf::from(format!("{}.{number}", path.display()));
    if kept == 0 {
        return std::fs::remove_file(path);
    }
    for number in (1..kept).rev() {
        match std::fs::rename(older(number), older(number + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    std::fs::rename(path, older(1))
}

/// The writer's thread.
fn write(shared: &Shared, options: &MessageLogOptions) {
    let (mut files, mut names): (HashMap<u32, LogFile>, HashMap<u32, String>) = Default::default();
    let (mut entries, mut lines) = (Vec::new(), Vec::new());
    loop {
        let mut waiting = shared.lock();
        // Ends when something came, or the end.
        while waiting.entries.is_empty() && waiting.missed == 0 && !waiting.ends {
            let waited = shared.came.wait_timeout(waiting, LOOK_EVERY).unwrap_or_else(PoisonError::into_inner);
            waiting = waited.0;
        }
        core::mem::swap(&mut entries, &mut waiting.entries);
        names.extend(waiting.names.drain(..));
        let (missed, ends) = (core::mem::take(&mut waiting.missed), waiting.ends);
        drop(waiting);
        let done = write_entries(&entries, missed, &names, &mut files, &mut lines, options);
        if let Err(error) = done {
            shared.lock().fault = Some(Fault::output(&options.folder.display().to_string(), &error));
        }
        entries.clear();
        if ends {
            return;
        }
    }
}

fn write_entries(
    mut entries: &[u8],
    missed: u64,
    names: &HashMap<u32, String>,
    files: &mut HashMap<u32, LogFile>,
    lines: &mut Vec<u8>,
    options: &MessageLogOptions,
) -> io::Result<()> {
    // Each round takes an entry.
    while let Some((session, rest)) = entries.split_first_chunk::<4>() {
        let Some((length, rest)) = rest.split_first_chunk::<4>() else { break };
        let Some((at, rest)) = rest.split_first_chunk::<8>() else { break };
        let Some((way, rest)) = rest.split_first() else { break };
        let Some((message, rest)) = rest.split_at_checked(u32::from_le_bytes(*length) as usize) else { break };
        entries = rest;
        let session = u32::from_le_bytes(*session);
        lines.clear();
        let at = Timestamp::from_nanosecond(i128::from(u64::from_le_bytes(*at))).unwrap_or_default();
        lines.extend_from_slice(at.strftime("%Y%m%d-%H:%M:%S%.9f").to_string().as_bytes());
        lines.extend_from_slice(if *way == Way::In as u8 { b" < " } else { b" > " });
        lines.extend_from_slice(message);
        lines.push(b'\n');
        let file = match files.entry(session) {
            std::collections::hash_map::Entry::Occupied(file) => file.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => {
                let name = names.get(&session).map_or_else(|| format!("session-{session}"), String::clone);
                place.insert(LogFile::open(options.folder.join(format!("{name}.messages.log")))?)
            }
        };
        file.write(lines, options)?;
    }
    if missed > 0 {
        for file in files.values_mut() {
            let line = format!("# {missed} messages of all sessions came faster than this log could be written\n");
            file.write(line.as_bytes(), options)?;
        }
    }
    Ok(())
}
