//! # Room card: driver/hosted
//! In:    a configuration, the memory of three rings, a doorbell, a journal folder; kill, close, wake from any thread.
//! Out:   an engine on a thread of its own (see `work`), and at its end what it did.
//! Holds: nothing is left behind by a start that fails; kill and close need no ring; dropping closes.
//! Costs: two atomics a call.
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use journal::{Options, Start, Writer};
use ring::{CommandReader, MarketWriter, OrdersWriter, Region};
use types::config::{EngineConfig, Setup};
use types::{Code, Event, Fault, OrderEvent};

use crate::latest::Board;
use crate::out::{Doorbell, Out, PortOut};
use crate::ports::{COMMAND_BYTES_LEAST, Gate, PORTS_MAX, PortOptions, Producer, bad_region, sized};
use crate::work::Work;

/// What a hosted engine is given.
pub struct HostedOptions {
    /// Memory of the market ring, at least 512 bytes.
    pub market: Region,
    /// Memory of the orders ring. Half of it must hold an image: at least 256 bytes for each of `orders.maxOrders` and
    /// each instrument.
    pub orders: Region,
    /// Memory of the command ring, at least 1,024 bytes; an input fills at most an eighth.
    pub commands: Region,
    /// Memory of the registers of the newest state: one for the engine, one per instrument. None are written without.
    pub latest: Option<Region>,
    /// Called when a reader sleeps and there is something to read; from the engine's thread. It must not panic.
    pub doorbell: Doorbell,
    /// Folder of the journal; none is written without one.
    pub journal_dir: Option<PathBuf>,
    /// Name and version of the build, for the journal.
    pub build: String,
}

/// What a hosted engine did.
#[derive(Clone, Debug)]
pub struct HostedSummary {
    /// Hash of all effects.
    pub hash: String,
    /// Turns.
    pub turns: u64,
    /// Inputs the command ring held that could not be understood.
    pub malformed: u64,
    /// Order events that found no room in the orders ring (a gap record and an image followed).
    pub dropped: u64,
    /// Timers beyond the bound, refused.
    pub timers_refused: u64,
    /// Why it halted, if not by being closed.
    pub fault: Option<Fault>,
}

/// What other threads want of the engine's.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) kill: AtomicBool,
    pub(crate) close: AtomicBool,
    pub(crate) asleep: AtomicBool,
    pub(crate) gate: Gate,
}

/// A running engine. Dropping it closes it.
pub struct Hosted {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<HostedSummary>>,
    orders_bytes_least: usize,
}

impl Hosted {
    /// Starts the engine's thread. The rings are formatted here; readers attach after.
    ///
    /// Errors: ConfigInvalid; ArgumentInvalid (a ring's memory); JournalIo (the folder is not empty or cannot be
    /// written), JournalFull; EngineClosed (no thread).
    pub fn start(config_json: &str, options: HostedOptions) -> Result<Hosted, Fault> {
        let (config, setup) = EngineConfig::from_json(config_json)?;
        let memory = (options.market, options.orders, options.commands, options.latest);
        let (out, commands) = rings(&setup, memory, options.doorbell)?;
        // The journal last: a start that fails must not leave a folder behind that keeps the next one from starting.
        let journal = match &options.journal_dir {
            Some(dir) => {
                let config = serde_json::to_string(&config).map_err(|error| {
                    Fault::new(Code::ConfigInvalid, format!("the configuration cannot be recorded: {error}"), vec![])
                })?;
                Some(Writer::create(dir, &Start::new(options.build, config), Options::default())?)
            }
            None => None,
        };
        let orders_bytes_least = orders_bytes_least(&setup);
        Hosted::spawn(Work::new(setup, out, journal), commands, orders_bytes_least)
    }

    fn spawn(mut work: Work, commands: CommandReader, orders_bytes_least: usize) -> Result<Hosted, Fault> {
        let shared = Arc::new(Shared::default());
        let seen = shared.clone();
        let mut producers = vec![Producer::new(0, commands)];
        let thread = std::thread::Builder::new()
            .name("fafnir-engine".into())
            .spawn(move || work.run(&mut producers, &seen))
            .map_err(|error| Fault::new(Code::EngineClosed, format!("no thread for the engine: {error}"), vec![]))?;
        Ok(Hosted { shared, thread: Some(thread), orders_bytes_least })
    }

    /// Wakes the engine's thread if it sleeps: there are commands.
    pub fn wake(&self) {
        if self.shared.asleep.swap(false, Ordering::SeqCst)
            && let Some(thread) = &self.thread
        {
            thread.thread().unpark();
        }
    }

    /// Another thread joins: it reads the market ring, has an orders ring of its own, and may give commands. Its orders
    /// ring begins with an image. Returns the number of its producer, which names its references and timers.
    ///
    /// Errors: ArgumentInvalid (memory, or more than `PORTS_MAX`); EngineClosed.
    pub fn join(&self, options: PortOptions) -> Result<u16, Fault> {
        let producer = self.shared.gate.join(options, self.orders_bytes_least)?;
        self.wake();
        Ok(producer)
    }

    /// What lets a thread that joined go again, from any thread, also after this engine has ended.
    pub fn leaver(&self, producer: u16) -> Leaver {
        Leaver {
            shared: self.shared.clone(),
            thread: self.thread.as_ref().map(|thread| thread.thread().clone()),
            producer,
        }
    }

    /// Pulls the kill switch: everything is cancelled, nothing new is sent.
    pub fn kill(&self) {
        self.shared.kill.store(true, Ordering::SeqCst);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    /// Cancels everything, closes the journal, joins the thread. `None` when it was closed before.
    pub fn close(&mut self) -> Option<HostedSummary> {
        let thread = self.thread.take()?;
        self.shared.close.store(true, Ordering::SeqCst);
        thread.thread().unpark();
        thread.join().ok()
    }
}

/// Lets one port go.
pub struct Leaver {
    shared: Arc<Shared>,
    thread: Option<std::thread::Thread>,
    producer: u16,
}

impl Leaver {
    /// Its last commands are taken, its open orders cancelled, its further ones refused, its rings forgotten. Idempotent.
    pub fn leave(&self) {
        self.shared.gate.leave(self.producer);
        if let Some(thread) = &self.thread {
            thread.unpark();
        }
    }
}

impl Drop for Hosted {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

/// Half of an orders ring must hold an image: every order, then a position per instrument.
fn orders_bytes_least(setup: &Setup) -> usize {
    (2 * (setup.orders.max_orders + setup.instruments.len())).max(8) * size_of::<OrderEvent>()
}

/// Formats the rings and checks that what must fit them does.
fn rings(
    setup: &Setup,
    (market, orders, commands, latest): (Region, Region, Region, Option<Region>),
    doorbell: Doorbell,
) -> Result<(Out, CommandReader), Fault> {
    sized("market", &market, size_of::<Event>() * 8)?;
    sized("orders", &orders, orders_bytes_least(setup))?;
    sized("commands", &commands, COMMAND_BYTES_LEAST)?;
    let instruments = setup.instruments.len();
    let board = match latest {
        Some(latest) => {
            sized("latest", &latest, Board::capacity_bytes(instruments))?;
            Some(Board::create(latest, instruments).map_err(bad_region)?)
        }
        None => None,
    };
    let commands = CommandReader::create(commands).map_err(bad_region)?;
    let market = MarketWriter::create(market).map_err(bad_region)?;
    let orders = OrdersWriter::create(orders).map_err(bad_region)?;
    let mut ports = Vec::with_capacity(PORTS_MAX);
    ports.push(PortOut { producer: 0, orders, doorbell });
    Ok((Out { market, ports, board, staged: false }, commands))
}

#[cfg(test)]
#[path = "hosted_tests.rs"]
mod tests;
