//! # Room card: journal/commit
//! In:    segments as they are written and retired, by shared memory; what the writer wants.
//! Out:   on a thread of its own: the next segment made ahead, written bytes on the disk, full segments cut and closed,
//!        old ones deleted; how far the disk has it.
//! Holds: a turn is acknowledged when every byte up to it is on the disk; after a fault nothing more is acknowledged.
//! Costs: asleep but for a look every `SYNC_INTERVAL`. The writer pays two stores and a load for an input, and no
//!        system call for a new segment, unless it fills one faster than the next is made.
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use types::Code;

use crate::fault::JournalFault;
use crate::format::segment_name;
use crate::map::{Mapped, Segment};
use crate::options::Options;
use crate::writer::{segment_path, sync_folder};

/// Time between two looks of the commit thread: at most this much is lost with the machine.
pub const SYNC_INTERVAL: Duration = Duration::from_millis(50);
/// Bytes behind the last record that are kept ready for writing: what 20 MB/s write between two looks.
const READY_BYTES: usize = 1 << 20;
/// Longest wait of the writer for a segment. It waits in a turn, while orders rest and nothing is decided: a disk that
/// takes longer is a fault.
const SEGMENT_WAIT: Duration = Duration::from_secs(2);
/// Between two looks at a thread that was asked for something.
const WAIT: Duration = Duration::from_micros(100);

/// How far a journal is on the disk; for any thread.
#[derive(Clone, Debug)]
pub struct Acknowledged(pub(crate) Arc<Shared>);

impl Acknowledged {
    /// The last turn whose input is on the disk.
    #[inline]
    pub fn turn(&self) -> u64 {
        self.0.acknowledged.load(Ordering::Acquire)
    }
}

/// What the writer and the thread tell each other.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// Turn of the last input written.
    pub(crate) turn: AtomicU64,
    /// Turn of the last input on the disk.
    pub(crate) acknowledged: AtomicU64,
    /// Rounds the thread has finished.
    rounds: AtomicU64,
    /// Segments taken by the writer.
    taken: AtomicU32,
    /// Least bytes of the next segment.
    want: AtomicU64,
    /// The writer is done.
    end: AtomicBool,
    failed: AtomicBool,
    fault: Mutex<Option<JournalFault>>,
}

impl Shared {
    /// Has the thread met a fault?
    #[inline]
    pub(crate) fn failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }
    #[cold]
    pub(crate) fn fault(&self) -> Option<JournalFault> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    /// The first fault stays.
    fn fail(&self, fault: JournalFault) {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(fault);
        self.failed.store(true, Ordering::Release);
    }
}

/// The writer's side.
#[derive(Debug)]
pub(crate) struct Committer {
    dir: PathBuf,
    shared: Arc<Shared>,
    made: Receiver<Segment>,
    thread: Option<JoinHandle<Vec<PathBuf>>>,
}

impl Committer {
    /// Starts the thread; `first` is being written and has this number. Errors: JournalIo.
    pub(crate) fn start(
        dir: &Path,
        options: Options,
        shared: Arc<Shared>,
        first: Arc<Mapped>,
        number: u32,
    ) -> Result<Committer, JournalFault> {
        let (made_here, made) = sync_channel(1);
        let mut worker = Worker {
            dir: dir.to_path_buf(),
            options,
            shared: shared.clone(),
            made: Some(made_here),
            created: 0,
            held: VecDeque::from([Held { mapped: first, number, synced: 0 }]),
            next: number + 1,
            oldest: 1,
        };
        let thread = std::thread::Builder::new()
            .name("fafnir-journal".into())
            .spawn(move || worker.run())
            .map_err(|error| JournalFault::io(dir, &error))?;
        Ok(Committer { dir: dir.to_path_buf(), shared, made, thread: Some(thread) })
    }

    /// The next segment, of at least so many bytes if it is made from now on; waits only if it is not there yet, and no
    /// longer than `SEGMENT_WAIT`. Errors: what the thread met; JournalIo (the wait is over).
    pub(crate) fn take(&self, bytes: u64) -> Result<Segment, JournalFault> {
        self.shared.want.store(bytes, Ordering::Release);
        let segment = self.made.try_recv().or_else(|_| {
            self.wake();
            self.made.recv_timeout(SEGMENT_WAIT)
        });
        let segment = segment.map_err(|error| match error {
            RecvTimeoutError::Timeout => self.too_slow(),
            RecvTimeoutError::Disconnected => self.shared.fault().unwrap_or_else(|| ended(Path::new(""))),
        })?;
        self.shared.taken.fetch_add(1, Ordering::Release);
        Ok(segment)
    }

    /// From now on nothing more is written or acknowledged.
    #[cold]
    fn too_slow(&self) -> JournalFault {
        let detail = format!("the disk made no room within {} s", SEGMENT_WAIT.as_secs());
        let fault = JournalFault::new(Code::JournalIo, &self.dir, detail);
        self.shared.fail(fault.clone());
        fault
    }

    /// Waits until everything written before is on the disk. Errors: what the thread met.
    pub(crate) fn sync(&self) -> Result<(), JournalFault> {
        // The round that runs may have looked already; the one after it has not.
        let wanted = self.shared.rounds.load(Ordering::Acquire) + 2;
        while self.shared.rounds.load(Ordering::Acquire) < wanted && !self.shared.failed() {
            if self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
                break;
            }
            self.wake();
            std::thread::sleep(WAIT);
        }
        self.shared.fault().map_or(Ok(()), Err)
    }

    /// Ends the thread after a last round. What was made ahead and not taken is deleted.
    pub(crate) fn end(&mut self) -> Result<(), JournalFault> {
        self.shared.end.store(true, Ordering::Release);
        self.wake();
        if let Some(thread) = self.thread.take() {
            let unused = thread.join().unwrap_or_default();
            drop(self.made.try_recv());
            for path in unused {
                // A resumption deletes it too.
                let _ = std::fs::remove_file(path);
            }
        }
        self.shared.fault().map_or(Ok(()), Err)
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

fn ended(path: &Path) -> JournalFault {
    JournalFault::new(Code::JournalIo, path, "the thread that writes it to the disk has ended")
}

struct Held {
    mapped: Arc<Mapped>,
    number: u32,
    /// Bytes of it on the disk.
    synced: usize,
}

struct Worker {
    dir: PathBuf,
    options: Options,
    shared: Arc<Shared>,
    /// `None` after a fault: then the writer does not wait.
    made: Option<SyncSender<Segment>>,
    created: u32,
    /// What is not closed yet, in order: full segments, the one being written, the one made ahead.
    held: VecDeque<Held>,
    next: u32,
    /// Oldest segment not deleted.
    oldest: u32,
}

impl Worker {
    /// Works until the writer ends; then the paths of segments that nobody took.
    fn run(&mut self) -> Vec<PathBuf> {
        loop {
            let end = self.shared.end.load(Ordering::Acquire);
            let round = catch_unwind(AssertUnwindSafe(|| self.round(end)));
            if let Err(fault) = round.unwrap_or_else(|_| Err(ended(&self.dir))) {
                self.shared.fail(fault);
                self.made = None;
            }
            self.shared.rounds.fetch_add(1, Ordering::Release);
            if end {
                let taken = self.shared.taken.load(Ordering::Acquire);
                let unused = self.created.saturating_sub(taken) as usize;
                let unused = self.held.len().saturating_sub(unused);
                return self.held.drain(..).skip(unused).map(|held| held.mapped.path.clone()).collect();
            }
            std::thread::park_timeout(SYNC_INTERVAL);
        }
    }

    fn round(&mut self, end: bool) -> Result<(), JournalFault> {
        // The segment first: a writer may be waiting for it.
        if !end && self.made.is_some() {
            self.make_next()?;
        }
        // Acquire: what was retired or written before this turn was, is seen below.
        let turn = self.shared.turn.load(Ordering::Acquire);
        self.commit()?;
        if !self.shared.failed() {
            self.shared.acknowledged.store(turn, Ordering::Release);
        }
        self.close_full()
    }

    fn make_next(&mut self) -> Result<(), JournalFault> {
        if self.created != self.shared.taken.load(Ordering::Acquire) {
            return Ok(());
        }
        let bytes = self.options.segment_bytes.max(self.shared.want.load(Ordering::Acquire)).next_multiple_of(4096);
        let path = segment_path(&self.dir, self.next)?;
        let segment = Segment::create(&path, bytes).map_err(|error| JournalFault::io(&path, &error))?;
        self.held.push_back(Held { mapped: segment.mapped(), number: self.next, synced: 0 });
        (self.created, self.next) = (self.created + 1, self.next + 1);
        if let Some(made) = &self.made {
            // There is room: nothing was made that was not taken. A writer that has gone needs none.
            let _ = made.try_send(segment);
        }
        sync_folder(&self.dir).map_err(|error| JournalFault::io(&self.dir, &error))
    }

    /// Writes to the disk what is not there.
    fn commit(&mut self) -> Result<(), JournalFault> {
        for held in &mut self.held {
            let retired = held.mapped.retired();
            let written = if retired > 0 { retired } else { held.mapped.written() };
            if written > held.synced {
                held.mapped.sync(held.synced, written).map_err(|error| JournalFault::io(&held.mapped.path, &error))?;
                held.synced = written;
            }
            if retired == 0 {
                held.mapped.populate(written, READY_BYTES);
                break;
            }
        }
        Ok(())
    }

    /// Cuts full segments to their length and deletes what is older than wanted.
    fn close_full(&mut self) -> Result<(), JournalFault> {
        while let Some(held) = self.held.pop_front() {
            let (length, path) = (held.mapped.retired(), held.mapped.path.clone());
            if length == 0 {
                self.held.push_front(held);
                break;
            }
            match Arc::try_unwrap(held.mapped) {
                Ok(mapped) => {
                    let closed = mapped.cut(length).and_then(|file| file.sync_all());
                    closed.map_err(|error| JournalFault::io(&path, &error))?;
                    prune(&self.dir, &mut self.oldest, held.number, self.options.keep_segments);
                }
                // The writer is just letting go of it.
                Err(mapped) => {
                    self.held.push_front(Held { mapped, ..held });
                    break;
                }
            }
        }
        Ok(())
    }
}

/// After segment `full` was closed: deletes those before the `keep` last. What cannot be deleted is tried again later.
pub(crate) fn prune(dir: &Path, oldest: &mut u32, full: u32, keep: Option<u32>) {
    let Some(keep) = keep else { return };
    while *oldest + keep <= full {
        match std::fs::remove_file(dir.join(segment_name(*oldest))) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => return,
        }
        *oldest += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    /// A disk on which nothing is ever done: the thread hangs in its call.
    #[test]
    fn a_disk_that_hangs_is_a_fault_and_no_endless_wait() {
        let (held, made) = sync_channel(1);
        let (release, hangs) = sync_channel::<()>(0);
        let thread = std::thread::spawn(move || {
            let _ = hangs.recv();
            drop(held);
            Vec::new()
        });
        let shared = Arc::new(Shared::default());
        let committer = Committer { dir: PathBuf::from("hangs"), shared: shared.clone(), made, thread: Some(thread) };
        let started = Instant::now();
        let fault = committer.take(4_096).unwrap_err();
        assert_eq!(fault.code, Code::JournalIo);
        assert!(started.elapsed() < SEGMENT_WAIT + Duration::from_secs(2), "{:?}", started.elapsed());
        assert!(shared.failed(), "a segment that comes too late is not used");
        drop(release);
    }
}
