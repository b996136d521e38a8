//! # Room card: driver/control
//! In:    what other threads want of the engine's: kill, close, wake, a sign of life.
//! Out:   flags that its loop looks at between turns; a thread that watches the kill file and the dead-man timer.
//! Holds: a kill needs no ring, no lock and no event loop; the first reason is kept; only who sleeps is woken.
//! Costs: two atomics a call; the watch wakes every 10 ms, and only where there is something to watch.
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use types::{Code, Fault};

use crate::ports::Gate;

/// How often kill file and dead-man timer are looked at.
pub(crate) const WATCH_EVERY: Duration = Duration::from_millis(10);

/// Who pulled the kill switch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum KillReason {
    /// `Hosted::kill`.
    Asked = 1,
    /// A signal that the command handles.
    Signal = 2,
    /// The kill file exists.
    File = 3,
    /// The owner gave no sign of life in time.
    DeadMan = 4,
}

impl KillReason {
    /// For summaries.
    pub fn name(self) -> &'static str {
        match self {
            KillReason::Asked => "asked",
            KillReason::Signal => "signal",
            KillReason::File => "file",
            KillReason::DeadMan => "deadMan",
        }
    }
    pub(crate) fn from_u8(byte: u8) -> Option<KillReason> {
        [KillReason::Asked, KillReason::Signal, KillReason::File, KillReason::DeadMan]
            .into_iter()
            .find(|&reason| reason as u8 == byte)
    }
}

/// What other threads want.
pub(crate) struct Shared {
    /// A `KillReason`, or 0.
    pub(crate) kill: AtomicU8,
    pub(crate) close: AtomicBool,
    pub(crate) asleep: AtomicBool,
    pub(crate) gate: Gate,
    started: Instant,
    /// When the owner was last alive, milliseconds after the start.
    alive: AtomicU64,
}

impl Shared {
    pub(crate) fn new() -> Shared {
        Shared {
            kill: AtomicU8::new(0),
            close: AtomicBool::new(false),
            asleep: AtomicBool::new(false),
            gate: Gate::default(),
            started: Instant::now(),
            alive: AtomicU64::new(0),
        }
    }
    pub(crate) fn alive(&self) {
        self.alive.store(self.started.elapsed().as_millis() as u64, Ordering::Relaxed);
    }
    fn silent_millis(&self) -> u64 {
        (self.started.elapsed().as_millis() as u64).saturating_sub(self.alive.load(Ordering::Relaxed))
    }
    pub(crate) fn kill_reason(&self) -> Option<KillReason> {
        KillReason::from_u8(self.kill.load(Ordering::Relaxed))
    }
}

/// What the engine's thread sleeps in.
#[derive(Clone, Debug)]
pub(crate) enum Sleeper {
    /// `park`, where it has no socket.
    Parked(Thread),
    /// A poll of its sockets.
    Polling(net::Waker),
}

impl Sleeper {
    fn wake(&self) {
        match self {
            Sleeper::Parked(thread) => thread.unpark(),
            Sleeper::Polling(waker) => waker.wake(),
        }
    }
}

/// Pulls the kill switch of one engine from any thread.
#[derive(Clone)]
pub struct Killer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) sleeper: Sleeper,
}

impl Killer {
    /// Everything is cancelled in one pass, nothing new is sent. Idempotent; safe in a signal thread.
    pub fn kill(&self, reason: KillReason) {
        let _ = self.shared.kill.compare_exchange(0, reason as u8, Ordering::SeqCst, Ordering::SeqCst);
        self.sleeper.wake();
    }
    pub(crate) fn wake(&self) {
        self.sleeper.wake();
    }
    pub(crate) fn close(&self) {
        self.shared.close.store(true, Ordering::SeqCst);
        self.sleeper.wake();
    }
    pub(crate) fn wake_if_asleep(&self) {
        if self.shared.asleep.swap(false, Ordering::SeqCst) {
            self.sleeper.wake();
        }
    }
}

/// The thread that watches the kill file and the dead-man timer. Dropping it ends it.
pub(crate) struct Watch {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// `None` where there is nothing to watch. Errors: EngineClosed (no thread).
    pub(crate) fn start(
        killer: Killer,
        file: Option<PathBuf>,
        dead_man_millis: Option<u64>,
    ) -> Result<Option<Watch>, Fault> {
        if file.is_none() && dead_man_millis.is_none() {
            return Ok(None);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        killer.shared.alive();
        let watch = move || {
            while !stopped.load(Ordering::Relaxed) {
                if file.as_ref().is_some_and(|file| file.exists()) {
                    return killer.kill(KillReason::File);
                }
                if dead_man_millis.is_some_and(|limit| killer.shared.silent_millis() > limit) {
                    return killer.kill(KillReason::DeadMan);
                }
                std::thread::park_timeout(WATCH_EVERY);
            }
        };
        let thread = std::thread::Builder::new()
            .name("fafnir-watch".into())
            .spawn(watch)
            .map_err(|error| Fault::new(Code::EngineClosed, format!("no thread for the watch: {error}"), vec![]))?;
        Ok(Some(Watch { stop, thread: Some(thread) }))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A file system that hangs must not hold up the end: a watch that does not come back is left behind.
            if thread.is_finished() {
                let _ = thread.join();
            }
        }
    }
}
