//! # Room card: driver/hosted
//! In:    a configuration, what belongs to the process, the memory of three rings, a doorbell; kill, close, wake and
//!        signs of life from any thread.
//! Out:   an engine on a thread of its own (see `work`), what it shows of itself, and at its end what it did.
//! Holds: nothing is left behind by a start that fails; kill and close need no ring; dropping closes.
//! Costs: two atomics a call.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;

use journal::{Commit, Options, Start, Writer};
use net::{SPINS_DEFAULT, Wait};
use ring::{CommandReader, MarketWriter, OrdersWriter, Region};
use types::config::{EngineConfig, HostConfig, Setup, WaitConfig};
use types::rng::SplitMix64;
use types::{Code, Event, Fault, OrderEvent};

use crate::control::{KillReason, Killer, Sleeper, Watch};
use crate::end::HostedSummary;
use crate::latest::Board;
use crate::lines::{self, Lines, Outlet, PaperLine};
use crate::out::{Doorbell, Out, PortOut};
use crate::ports::{COMMAND_BYTES_LEAST, PORTS_MAX, PortOptions, Producer, bad_region, sized};
use crate::recover::recover;
use crate::state_dir::StateDir;
use crate::stats::Stats;
use crate::work::{Manner, Work};

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
    /// What belongs to the process.
    pub host: HostConfig,
    /// A drill: the engine panics in this turn, so that what follows a panic can be seen in any build.
    pub fail_at_turn: Option<u64>,
    /// Name and version of the build, for the journal.
    pub build: String,
}

/// A running engine. Dropping it closes it.
pub struct Hosted {
    killer: Killer,
    stats: Arc<Stats>,
    setup: Setup,
    thread: Option<JoinHandle<HostedSummary>>,
    _watch: Option<Watch>,
    /// Let go of when everything else has ended.
    _state: Option<StateDir>,
}

impl Hosted {
    /// Starts the engine's thread. The rings are formatted here; readers attach after. A journal in the state folder is
    /// replayed first and goes on.
    ///
    /// Errors: ConfigInvalid (an address, a certificate file and a core too); ArgumentInvalid (a ring's memory);
    /// StateInUse; those of `recover`; JournalIo, JournalFull; EngineClosed (no thread).
    pub fn start(config_json: &str, options: HostedOptions) -> Result<Hosted, Fault> {
        let (config, setup) = EngineConfig::from_json(config_json)?;
        let HostedOptions { market, orders, commands, latest, doorbell, host, fail_at_turn, build } = options;
        let (out, commands) = rings(&setup, (market, orders, commands, latest), doorbell)?;
        let entropy_seed = match host.entropy_seed {
            Some(seed) => seed,
            None => drawn_seed()?,
        };
        let net = if lines::has_native(&setup) { Some(lines::new_net(&setup, host.transport)?) } else { None };
        let waker = net.as_ref().map(net::Net::waker);
        let entropy = SplitMix64::new(entropy_seed);
        let lines = waker.clone().map(|waker| Lines::new(&setup, waker, entropy)).transpose()?;
        let native = setup.venues.iter().map(|venue| venue.orders.is_some());
        let outlet = Outlet::new(net, PaperLine::all(&setup)?, native, setup.instruments.len());
        let state = host.state_dir.as_ref().map(StateDir::open).transpose()?;
        let manner = Manner {
            wait: wait(host.wait),
            close_wait: host.close_wait().0 as u64,
            entropy_seed,
            fail_at_turn: fail_at_turn.unwrap_or(0),
        };
        // The journal last: a start that fails must not leave a folder behind that keeps the next one from starting.
        let work = match &state {
            Some(state) if state.has_journal()? => {
                Work::resume(recover(&state.journal_dir(), &config, journal_options(&host))?, out, outlet, manner)
            }
            Some(state) => {
                let config = serde_json::to_string(&config).map_err(|error| {
                    Fault::new(Code::ConfigInvalid, format!("the configuration cannot be recorded: {error}"), vec![])
                })?;
                let start = Start::new(build, config);
                let journal = Writer::create(state.journal_dir(), &start, journal_options(&host))?;
                Work::new(setup.clone(), out, Some(journal), outlet, manner)
            }
            None => Work::new(setup.clone(), out, None, outlet, manner),
        };
        let file = host.kill_file.as_ref().map(PathBuf::from);
        if file.as_ref().is_some_and(|file| file.exists()) {
            // Before the first turn: the thread that watches the file starts after the engine's.
            work.shared.kill.store(KillReason::File as u8, core::sync::atomic::Ordering::SeqCst);
        }
        let mut hosted = Hosted::spawn(work, lines, commands, waker, host.core)?;
        let watch = Watch::start(hosted.killer(), file, host.dead_man_millis.map(u64::from))?;
        (hosted._watch, hosted._state) = (watch, state);
        Ok(hosted)
    }

    fn spawn(
        mut work: Work,
        lines: Option<Lines>,
        commands: CommandReader,
        waker: Option<net::Waker>,
        core: Option<u32>,
    ) -> Result<Hosted, Fault> {
        let (shared, stats, setup) = (work.shared.clone(), work.stats.clone(), work.engine.setup().clone());
        let (ready, started) = sync_channel(1);
        let run = move || {
            // Spawned first, then pinned: threads spawned by others do not inherit it.
            let pinned = core.map_or(Ok(()), |core| net::pin_thread(core as usize));
            let goes = pinned.is_ok();
            let _ = ready.send(pinned);
            if !goes {
                work.shared.close.store(true, core::sync::atomic::Ordering::SeqCst);
            }
            // A panic in the engine is caught around its turn; this one is the driver's own.
            let ran = catch_unwind(AssertUnwindSafe(|| work.run(lines, &mut vec![Producer::new(0, commands)])));
            ran.unwrap_or_else(|_| work.last_resort())
        };
        let thread = std::thread::Builder::new()
            .name("fafnir-engine".into())
            .spawn(run)
            .map_err(|error| Fault::new(Code::EngineClosed, format!("no thread for the engine: {error}"), vec![]))?;
        let sleeper = match waker {
            Some(waker) => Sleeper::Polling(waker),
            None => Sleeper::Parked(thread.thread().clone()),
        };
        let killer = Killer { shared, sleeper };
        let hosted = Hosted { killer, stats, setup, thread: Some(thread), _watch: None, _state: None };
        match started.recv() {
            Ok(pinned) => pinned.map(|()| hosted),
            Err(_) => Err(Fault::new(Code::EngineClosed, "the engine's thread ended at once", vec![])),
        }
    }

    /// Wakes the engine's thread if it sleeps: there are commands.
    pub fn wake(&self) {
        self.killer.wake_if_asleep();
    }

    /// Another thread joins: it reads the market ring, has an orders ring of its own, and may give commands. Its orders
    /// ring begins with an image. Returns the number of its producer, which names its references and timers.
    ///
    /// Errors: ArgumentInvalid (memory, or more than `PORTS_MAX`); EngineClosed.
    pub fn join(&self, options: PortOptions) -> Result<u16, Fault> {
        let producer = self.killer.shared.gate.join(options, orders_bytes_least(&self.setup))?;
        self.wake();
        Ok(producer)
    }

    /// What a thread that joined may ask of the engine beyond its rings.
    pub fn port(&self, producer: u16) -> PortHandle {
        PortHandle { killer: self.killer.clone(), producer }
    }

    /// Pulls the kill switch: everything is cancelled, nothing new is sent.
    pub fn kill(&self) {
        self.killer.kill(KillReason::Asked);
    }

    /// What pulls the kill switch from any thread.
    pub fn killer(&self) -> Killer {
        self.killer.clone()
    }

    /// The owner's sign of life, for the dead-man timer.
    pub fn alive(&self) {
        self.killer.shared.alive();
    }

    /// The newest state as JSON, at most 50 ms old while the engine runs.
    pub fn stats(&self) -> String {
        self.stats.json(&self.setup)
    }

    /// Has the engine's thread ended?
    pub fn is_closed(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Cancels everything, awaits the answers as long as `closeMillis` says, ends the sessions, closes the journal,
    /// joins the thread. `None` when it was closed before.
    pub fn close(&mut self) -> Option<HostedSummary> {
        let thread = self.thread.take()?;
        self.killer.close();
        let ended = thread.join().ok();
        (self._watch, self._state) = (None, None);
        ended
    }
}

/// One port's hold on the engine, for any thread, also after the engine has ended.
pub struct PortHandle {
    killer: Killer,
    producer: u16,
}

impl PortHandle {
    /// Wakes the engine's thread if it sleeps: there are commands.
    pub fn wake(&self) {
        self.killer.wake_if_asleep();
    }
    /// Pulls the kill switch.
    pub fn kill(&self) {
        self.killer.kill(KillReason::Asked);
    }
    /// The port goes: its last commands are taken, its open orders cancelled, its further ones refused, its rings
    /// forgotten. Idempotent.
    pub fn leave(&self) {
        self.killer.shared.gate.leave(self.producer);
        self.killer.wake();
    }
}

impl Drop for Hosted {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

pub(crate) fn wait(config: WaitConfig) -> Wait {
    match config {
        WaitConfig::Adaptive if net::cores() > 1 => Wait::Adaptive { spins: SPINS_DEFAULT },
        WaitConfig::Adaptive => Wait::Park,
        WaitConfig::Spin => Wait::Spin,
        WaitConfig::Park => Wait::Park,
    }
}

fn journal_options(host: &HostConfig) -> Options {
    Options { commit: Commit::Thread, keep_segments: host.keep_segments, ..Options::default() }
}

/// A seed from the operating system.
pub(crate) fn drawn_seed() -> Result<u64, Fault> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|error| Fault::new(Code::EngineClosed, format!("no randomness from the system: {error}"), vec![]))?;
    // A safe integer, as a configuration could give it.
    Ok(u64::from_le_bytes(bytes) >> 11)
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
