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
use ring::{CommandReader, MarketWriter, OrdersWriter, Region, RegionError, Words};
use types::config::{EngineConfig, Setup};
use types::{Code, Event, Fault, OrderEvent};

use crate::work::{Out, Work};

/// What a hosted engine is given.
pub struct HostedOptions {
    /// Memory of the market ring, at least 512 bytes.
    pub market: Region,
    /// Memory of the orders ring. Half of it must hold an image of all orders: at least 256 bytes for each of
    /// `orders.maxOrders`.
    pub orders: Region,
    /// Memory of the command ring, at least 1,024 bytes; an input fills at most an eighth.
    pub commands: Region,
    /// Called when a reader sleeps and there is something to read; from the engine's thread. It must not panic.
    pub doorbell: Box<dyn Fn() + Send>,
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
}

/// A running engine. Dropping it closes it.
pub struct Hosted {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<HostedSummary>>,
}

impl Hosted {
    /// Starts the engine's thread. The rings are formatted here; readers attach after.
    ///
    /// Errors: ConfigInvalid; ArgumentInvalid (a ring's memory); JournalIo (the folder is not empty or cannot be
    /// written), JournalFull; EngineClosed (no thread).
    pub fn start(config_json: &str, options: HostedOptions) -> Result<Hosted, Fault> {
        let (config, setup) = EngineConfig::from_json(config_json)?;
        let (out, commands) = rings(&setup, options.market, options.orders, options.commands, options.doorbell)?;
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
        Hosted::spawn(Work::new(setup, out, journal), commands)
    }

    fn spawn(mut work: Work, mut commands: CommandReader) -> Result<Hosted, Fault> {
        let shared = Arc::new(Shared::default());
        let seen = shared.clone();
        let thread = std::thread::Builder::new()
            .name("fafnir-engine".into())
            .spawn(move || work.run(&mut commands, &seen))
            .map_err(|error| Fault::new(Code::EngineClosed, format!("no thread for the engine: {error}"), vec![]))?;
        Ok(Hosted { shared, thread: Some(thread) })
    }

    /// Wakes the engine's thread if it sleeps: there are commands.
    pub fn wake(&self) {
        if self.shared.asleep.swap(false, Ordering::SeqCst)
            && let Some(thread) = &self.thread
        {
            thread.thread().unpark();
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

impl Drop for Hosted {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

/// Formats the rings and checks that what must fit them does.
fn rings(
    setup: &Setup,
    market: Region,
    orders: Region,
    commands: Region,
    doorbell: Box<dyn Fn() + Send>,
) -> Result<(Out, CommandReader), Fault> {
    let bad = |error: RegionError| {
        Fault::new(Code::ArgumentInvalid, format!("a ring's memory cannot be used: {error:?}"), vec![])
    };
    let capacity = |region: &Region| ring::layout::capacity_of(region.words() * 4).map_err(bad);
    let needs = [
        ("market", capacity(&market)? as usize, size_of::<Event>() * 8),
        ("orders", capacity(&orders)? as usize, (2 * setup.orders.max_orders).max(8) * size_of::<OrderEvent>()),
        ("commands", capacity(&commands)? as usize, size_of::<OrderEvent>() * 8),
    ];
    for (ring, bytes, least) in needs {
        if bytes < least {
            let fields = vec![("ring", ring.into()), ("bytes", bytes.to_string()), ("least", least.to_string())];
            let message = format!("the {ring} ring has {bytes} bytes, at least {least} are needed");
            return Err(Fault::new(Code::ArgumentInvalid, message, fields));
        }
    }
    let commands = CommandReader::create(commands).map_err(bad)?;
    let market = MarketWriter::create(market).map_err(bad)?;
    Ok((Out { market, orders: OrdersWriter::create(orders).map_err(bad)?, doorbell }, commands))
}

#[cfg(test)]
#[path = "hosted_tests.rs"]
mod tests;
