//! # Room card: bindings/node/port
//! In:    the number of a port's bell, in whatever environment of this process the port was sent to.
//! Out:   the doorbell of that environment on the port's reader; wake, kill and leave for its thread.
//! Holds: a port is attached once; the end of its environment lets it go, and with it its orders.
//! Costs: a lock per doorbell rung (only for a reader that sleeps), per attach and per leave.
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use driver::PortHandle;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use napi_derive::napi;
use types::Fault;

use crate::errors::{argument, guard};

/// The doorbell of an environment.
pub(crate) type Doorbell = ThreadsafeFunction<(), (), (), Status, false, true, 1>;

/// What joins a port's reader, wherever it is, to the engine's thread.
pub(crate) struct Bell {
    /// Rings in the environment that attached.
    doorbell: Mutex<Option<Doorbell>>,
    /// Set once the engine knows the port.
    handle: OnceLock<PortHandle>,
}

impl Bell {
    /// Rings, if anybody attached.
    pub(crate) fn ring(&self) {
        if let Some(doorbell) = locked(&self.doorbell).as_ref() {
            // A full queue means the doorbell is ringing already.
            doorbell.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
    fn leave(&self) {
        locked(&self.doorbell).take();
        if let Some(handle) = self.handle.get() {
            handle.leave();
        }
    }
}

/// Locks what no panic can leave half-way.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bells that wait for the environment their port is sent to. Environments of one process share this module.
static WAITING: Mutex<BTreeMap<u32, Arc<Bell>>> = Mutex::new(BTreeMap::new());
static NEXT: AtomicU32 = AtomicU32::new(1);

/// Bells of one engine; those nobody attached are forgotten with it.
#[derive(Default)]
pub(crate) struct Bells(Vec<u32>);

impl Bells {
    /// A new bell that waits under a number.
    pub(crate) fn hang(&mut self) -> (u32, Arc<Bell>) {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let bell = Arc::new(Bell { doorbell: Mutex::new(None), handle: OnceLock::new() });
        locked(&WAITING).insert(number, bell.clone());
        self.0.push(number);
        (number, bell)
    }
    /// The engine knows the port now.
    pub(crate) fn known(bell: &Bell, handle: PortHandle) {
        let _ = bell.handle.set(handle);
    }
    /// The port of a bell could not be made.
    pub(crate) fn take_down(number: u32) {
        locked(&WAITING).remove(&number);
    }
}

impl Drop for Bells {
    fn drop(&mut self) {
        let mut waiting = locked(&WAITING);
        for number in &self.0 {
            waiting.remove(number);
        }
    }
}

/// This environment's end of a port.
#[napi]
pub struct PortLink {
    bell: Arc<Bell>,
}

#[napi]
impl PortLink {
    /// Attaches to the port whose bell has this number. Throws ARGUMENT_INVALID when there is none (any more).
    #[napi(constructor)]
    pub fn new(env: &Env, bell: u32, doorbell: Function<'_, (), ()>) -> napi::Result<PortLink> {
        let rung: Doorbell = doorbell.build_threadsafe_function().weak::<true>().max_queue_size::<1>().build()?;
        let bell = guard(|| {
            let found = locked(&WAITING).remove(&bell);
            found.ok_or_else(|| argument("the port was attached before, or its engine is closed"))
        })?;
        *locked(&bell.doorbell) = Some(rung);
        env.add_env_cleanup_hook(bell.clone(), |bell| {
            // Nobody is left to tell of a panic.
            drop(guard(|| {
                bell.leave();
                Ok(())
            }));
        })?;
        Ok(PortLink { bell })
    }

    /// Tells the engine's thread that commands are waiting.
    #[napi]
    pub fn ring(&self) -> napi::Result<()> {
        self.with(PortHandle::wake)
    }

    /// Pulls the engine's kill switch.
    #[napi]
    pub fn kill(&self) -> napi::Result<()> {
        self.with(PortHandle::kill)
    }

    /// Lets the port go: its last commands are taken, its open orders cancelled.
    #[napi]
    pub fn close(&self) -> napi::Result<()> {
        guard(|| {
            self.bell.leave();
            Ok(())
        })
    }

    fn with(&self, act: impl FnOnce(&PortHandle)) -> napi::Result<()> {
        guard(|| {
            if let Some(handle) = self.bell.handle.get() {
                act(handle);
            }
            Ok::<_, Fault>(())
        })
    }
}
