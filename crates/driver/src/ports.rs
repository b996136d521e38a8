//! # Room card: driver/ports
//! In:    rings of further threads that join a running engine, and threads that leave.
//! Out:   their ends for the engine's thread, which takes them at its next look.
//! Holds: producers are polled in the order of their numbers; a number is never given twice; at most `PORTS_MAX` at a
//!        time; one that leaves, for whatever reason, leaves no order behind.
//! Costs: one relaxed load a loop while nobody comes or goes; a lock when somebody does.
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use ring::{CommandReader, OrdersWriter, Region, RegionError};
use types::limits::PRODUCERS_MAX;
use types::{Code, Fault, OrderEvent};

use crate::out::{Doorbell, PortOut};

/// Ports of one engine at a time, that of its owner included.
pub const PORTS_MAX: usize = 32;

/// What a thread brings that joins a running engine.
pub struct PortOptions {
    /// Memory of its orders ring; as large as the owner's must be at least.
    pub orders: Region,
    /// Memory of its command ring; a port that only reads has none.
    pub commands: Option<Region>,
    /// Rung when it sleeps and there is something to read.
    pub doorbell: Doorbell,
}

/// The engine's end of one producer.
pub(crate) struct Producer {
    pub(crate) number: u16,
    pub(crate) commands: CommandReader,
    /// Its ring cannot be read; counted once until it can.
    pub(crate) corrupt: bool,
}

impl Producer {
    pub(crate) fn new(number: u16, commands: CommandReader) -> Producer {
        Producer { number, commands, corrupt: false }
    }
}

/// Somebody comes or goes.
pub(crate) enum Change {
    Join(PortOut, Option<CommandReader>),
    Leave(u16),
}

struct State {
    /// Number of the next port; 0 is the owner.
    next: u16,
    open: Vec<u16>,
    changes: Vec<Change>,
    ended: bool,
}

/// Where threads that come and go leave word.
pub(crate) struct Gate {
    changed: AtomicBool,
    state: Mutex<State>,
}

impl Default for Gate {
    fn default() -> Gate {
        let state = State { next: 1, open: Vec::new(), changes: Vec::new(), ended: false };
        Gate { changed: AtomicBool::new(false), state: Mutex::new(state) }
    }
}

impl Gate {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Nothing under the lock can panic half-way.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Makes the rings of a new port. `orders_bytes_least` is what an image needs.
    pub(crate) fn join(&self, options: PortOptions, orders_bytes_least: usize) -> Result<u16, Fault> {
        sized("orders", &options.orders, orders_bytes_least)?;
        if let Some(commands) = &options.commands {
            sized("commands", commands, COMMAND_BYTES_LEAST)?;
        }
        let orders = OrdersWriter::create(options.orders).map_err(bad_region)?;
        let commands = options.commands.map(CommandReader::create).transpose().map_err(bad_region)?;
        let mut state = self.state();
        if state.ended {
            return Err(Fault::new(Code::EngineClosed, "the engine is closed", vec![]));
        }
        if state.open.len() + 1 >= PORTS_MAX || state.next as usize >= PRODUCERS_MAX {
            let fields = vec![("open", (state.open.len() + 1).to_string()), ("max", PORTS_MAX.to_string())];
            return Err(Fault::new(Code::ArgumentInvalid, "the engine has as many ports as it can have", fields));
        }
        let producer = state.next;
        state.next += 1;
        state.open.push(producer);
        state.changes.push(Change::Join(PortOut { producer, orders, doorbell: options.doorbell }, commands));
        self.changed.store(true, Ordering::Release);
        Ok(producer)
    }

    /// A port's thread is gone. Idempotent; the owner's cannot go.
    pub(crate) fn leave(&self, producer: u16) {
        let mut state = self.state();
        if let Some(at) = state.open.iter().position(|&open| open == producer) {
            state.open.remove(at);
            state.changes.push(Change::Leave(producer));
            self.changed.store(true, Ordering::Release);
        }
    }

    /// Numbers up to this one were given out by an earlier process: their strategies are gone, and what names them
    /// stays theirs.
    pub(crate) fn begin_after(&self, producer: u16) {
        let mut state = self.state();
        state.next = state.next.max(producer.saturating_add(1));
    }

    /// Has somebody come or gone?
    #[inline]
    pub(crate) fn changed(&self) -> bool {
        self.changed.load(Ordering::Relaxed)
    }

    /// Who, in order.
    pub(crate) fn take(&self) -> Vec<Change> {
        let mut state = self.state();
        self.changed.store(false, Ordering::Relaxed);
        core::mem::take(&mut state.changes)
    }

    /// Nobody can join any more.
    pub(crate) fn end(&self) {
        self.state().ended = true;
    }
}

/// Smallest command ring.
pub(crate) const COMMAND_BYTES_LEAST: usize = size_of::<OrderEvent>() * 8;

/// Refuses a region that is too small for its use.
pub(crate) fn sized(ring: &'static str, region: &Region, least: usize) -> Result<(), Fault> {
    let bytes = ring::layout::capacity_of(ring::Words::words(region) * 4).map_err(bad_region)? as usize;
    if bytes >= least {
        return Ok(());
    }
    let fields = vec![("ring", ring.into()), ("bytes", bytes.to_string()), ("least", least.to_string())];
    let message = format!("the {ring} ring has {bytes} bytes, at least {least} are needed");
    Err(Fault::new(Code::ArgumentInvalid, message, fields))
}

pub(crate) fn bad_region(error: RegionError) -> Fault {
    Fault::new(Code::ArgumentInvalid, format!("a ring's memory cannot be used: {error:?}"), vec![])
}
