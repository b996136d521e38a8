//! # Room card: driver/hosted
//! In:    a command ring (commands, feed bytes, normalised events and reports, controls), a clock.
//! Out:   an engine on a thread of its own: market and orders rings filled, journal written, a doorbell rung for a reader that sleeps.
//! Holds: an input is journalled before its effects leave; kill needs no reader; a panic halts the engine, cancels go out, the process lives.
//! Costs: while busy one poll of the ring a turn; idle it spins briefly, then sleeps at most a millisecond at a time.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use engine::Engine;
use journal::{EffectsHash, Options, Start, Writer};
use ring::{CommandReader, MarketWriter, OrdersWriter, Region};
use types::config::EngineConfig;
use types::limits::TURNS_PER_HASH_RECORD;
use types::{
    Code, ConnId, ConnState, Control, EffectRef, Effects, Event, Fault, Input, InputKind, OrderEvent, OrderEventKind,
    UnixNanos, event,
};
use zerocopy::{FromBytes, IntoBytes};

use crate::clock::Clock;
use crate::live_orders::LiveOrders;
use crate::timers::Timers;

/// Polls of an empty command ring before the thread sleeps.
const SPINS_BEFORE_SLEEP: u32 = 2_000;
/// Longest sleep; bounds the delay of a timer and of a kill that found the thread asleep.
const SLEEP_MAX: Duration = Duration::from_millis(1);
/// Commands taken from the ring in one go.
const COMMANDS_PER_POLL: usize = 64;

/// What a hosted engine is given.
pub struct HostedOptions {
    /// Memory of the market ring.
    pub market: Region,
    /// Memory of the orders ring.
    pub orders: Region,
    /// Memory of the command ring.
    pub commands: Region,
    /// Called when a reader sleeps and there is something to read; from the engine's thread.
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
    /// Why it stopped, if not by being closed.
    pub fault: Option<Fault>,
}

struct Shared {
    kill: AtomicBool,
    close: AtomicBool,
    asleep: AtomicBool,
}

/// A running engine. Dropping it closes it.
pub struct Hosted {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<HostedSummary>>,
}

impl Hosted {
    /// Starts the engine's thread. The rings are formatted here; readers attach after.
    pub fn start(config_json: &str, options: HostedOptions) -> Result<Hosted, Fault> {
        let (config, setup) = EngineConfig::from_json(config_json)?;
        let bad_ring = |error: ring::RegionError| {
            Fault::new(Code::ArgumentInvalid, format!("a ring's memory cannot be used: {error:?}"), vec![])
        };
        let journal = match &options.journal_dir {
            Some(dir) => {
                let config = serde_json::to_string(&config).unwrap_or_default();
                Some(Writer::create(dir, &Start::new(options.build.clone(), config), Options::default())?)
            }
            None => None,
        };
        let shared = Arc::new(Shared {
            kill: AtomicBool::new(false),
            close: AtomicBool::new(false),
            asleep: AtomicBool::new(false),
        });
        let mut work = Work {
            live: LiveOrders::new(setup.orders.max_orders),
            engine: Engine::new(setup),
            effects: Effects::new(),
            hash: EffectsHash::new(),
            out: Out {
                market: MarketWriter::create(options.market).map_err(bad_ring)?,
                orders: OrdersWriter::create(options.orders).map_err(bad_ring)?,
                doorbell: options.doorbell,
            },
            journal,
            timers: Timers::default(),
            timers_refused: 0,
            clock: Clock::start(),
            turn: 0,
            now: UnixNanos::NONE,
            malformed: 0,
            fault: None,
        };
        let mut commands = CommandReader::create(options.commands).map_err(bad_ring)?;
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

struct Out {
    market: MarketWriter,
    orders: OrdersWriter,
    doorbell: Box<dyn Fn() + Send>,
}

struct Work {
    engine: Engine,
    effects: Effects,
    hash: EffectsHash,
    out: Out,
    live: LiveOrders,
    journal: Option<Writer>,
    timers: Timers,
    timers_refused: u64,
    clock: Clock,
    turn: u64,
    now: UnixNanos,
    malformed: u64,
    fault: Option<Fault>,
}

impl Work {
    fn run(&mut self, commands: &mut CommandReader, shared: &Shared) -> HostedSummary {
        let mut idle = 0;
        let mut killed = false;
        loop {
            if shared.kill.load(Ordering::Relaxed) && !killed {
                killed = true;
                self.input(InputKind::Control(Control::Kill));
            }
            // What was asked for before the close is done before it.
            let mut malformed = 0;
            let polled = commands.poll(COMMANDS_PER_POLL, |record| malformed += !self.command(record) as u64);
            let taken = polled.unwrap_or_else(|_| {
                // The reader never trusts the shared memory; what it cannot read it discards and goes on.
                commands.discard();
                malformed += 1;
                0
            });
            self.malformed += malformed;
            let fired = self.fire_timers();
            if self.out.orders.image_due() {
                self.write_image();
            }
            if taken > 0 || fired {
                idle = 0;
                continue;
            }
            if shared.close.load(Ordering::Acquire) {
                self.input(InputKind::Control(Control::Close));
                return self.end();
            }
            idle += 1;
            if idle < SPINS_BEFORE_SLEEP {
                core::hint::spin_loop();
                continue;
            }
            shared.asleep.store(true, Ordering::SeqCst);
            if commands.is_empty() {
                std::thread::park_timeout(SLEEP_MAX);
            }
            shared.asleep.store(false, Ordering::SeqCst);
        }
    }

    /// One record of the command ring; `false` when it is not understood.
    fn command(&mut self, record: &[u8]) -> bool {
        let Some((head, body)) = record.split_at_checked(event::RECORD_HEADER_BYTES) else { return false };
        let kind = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        match kind {
            event::RECORD_COMMAND => {
                let Some((cause, bytes)) = body.split_first_chunk::<8>() else { return false };
                let cause_seq = u64::from_le_bytes(*cause);
                self.input(InputKind::Command { producer: 0, cause_seq, bytes });
            }
            event::RECORD_BYTES => {
                let Some((prefix, bytes)) = body.split_first_chunk::<8>() else { return false };
                let conn = ConnId(u16::from_le_bytes([prefix[0], prefix[1]]));
                self.input(InputKind::Bytes { conn, bytes });
            }
            event::RECORD_EVENT => match Event::read_from_bytes(record) {
                Ok(event) => self.input(InputKind::Market(&event)),
                Err(_) => return false,
            },
            event::RECORD_ORDER => match OrderEvent::read_from_bytes(record) {
                Ok(report) => self.input(InputKind::Report(&report)),
                Err(_) => return false,
            },
            event::RECORD_CONN if body.len() >= 3 => match ConnState::from_u8(body[2]) {
                Some(state) => {
                    let conn = ConnId(u16::from_le_bytes([body[0], body[1]]));
                    self.input(InputKind::Conn { conn, state });
                }
                None => return false,
            },
            event::RECORD_CONTROL if !body.is_empty() => match Control::from_u8(body[0]) {
                Some(control) => self.input(InputKind::Control(control)),
                None => return false,
            },
            _ => return false,
        }
        true
    }

    /// Journal, turn, hash, rings. After a fault nothing more is turned.
    fn input(&mut self, kind: InputKind<'_>) {
        if self.fault.is_some() {
            return;
        }
        self.now = self.now.max(self.clock.now());
        self.turn += 1;
        let input = Input { turn: self.turn, now: self.now, kind };
        if let Some(journal) = &mut self.journal
            && let Err(fault) = journal.input(&input)
        {
            return self.halt(fault.into());
        }
        let turned = catch_unwind(AssertUnwindSafe(|| self.engine.turn(&input, &mut self.effects)));
        if turned.is_err() {
            let turn = vec![("turn", self.turn.to_string())];
            return self.halt(Fault::new(Code::EnginePanicked, "the engine panicked and is halted", turn));
        }
        self.hash.update(self.effects.bytes());
        if self.turn.is_multiple_of(TURNS_PER_HASH_RECORD)
            && let Some(journal) = &mut self.journal
            && let Err(fault) = journal.hash_mark(self.turn, self.now, self.hash.digest())
        {
            return self.halt(fault.into());
        }
        self.follow();
    }

    /// Publishes the turn's records and sets its timers.
    fn follow(&mut self) {
        for effect in &self.effects {
            match effect {
                // Staging fails only for records over the ring's bound, which 64 bytes never are.
                EffectRef::Event(event) => {
                    let _ = self.out.market.stage(event.as_bytes());
                },
                EffectRef::Order(event) => {
                    self.live.follow(event);
                    let _ = self.out.orders.stage(event.as_bytes());
                }
                EffectRef::Timer { id, at } => self.timers_refused += !self.timers.set(id, at) as u64,
                // No socket here: the order's event goes to the gateway through the orders ring.
                EffectRef::Send { .. } => {}
            }
        }
        self.out.publish();
    }

    fn fire_timers(&mut self) -> bool {
        if self.timers.due().is_none_or(|due| due > self.clock.now()) {
            return false;
        }
        let Some(id) = self.timers.pop() else { return false };
        self.input(InputKind::Timer { id });
        true
    }

    /// After records were lost: the state of every open order, so that the reader is whole again.
    fn write_image(&mut self) {
        for order in self.engine.orders().open_orders() {
            let mut event = OrderEvent::new(OrderEventKind::Accepted, order.instrument, order.side, order.id);
            (event.time, event.state, event.flags) = (self.now, order.state as u8, order.flags);
            (event.price, event.quantity, event.filled) = (order.price, order.quantity, order.filled);
            (event.client_id, event.request) = (order.client_id.0, order.current);
            let _ = self.out.orders.stage(event.as_bytes());
        }
        self.out.orders.image_written();
        self.out.publish();
    }

    /// The engine is finished: cancel what may work, from the plain table.
    #[cold]
    fn halt(&mut self, fault: Fault) {
        let (now, orders) = (self.now, &mut self.out.orders);
        self.live.drain_cancels(now, |cancel| {
            let _ = orders.stage(cancel.as_bytes());
        });
        self.out.publish();
        self.fault = Some(fault);
    }

    fn end(&mut self) -> HostedSummary {
        let hash = self.hash.digest();
        if let Some(journal) = &mut self.journal
            && let Err(fault) = journal.close(self.turn, self.now, hash)
            && self.fault.is_none()
        {
            self.fault = Some(fault.into());
        }
        HostedSummary {
            hash: journal::hex(hash),
            turns: self.turn,
            malformed: self.malformed,
            dropped: self.out.orders.dropped(),
            timers_refused: self.timers_refused,
            fault: self.fault.take(),
        }
    }
}

impl Out {
    fn publish(&mut self) {
        self.market.publish();
        self.orders.publish();
        if self.market.should_ring() | self.orders.should_ring() {
            (self.doorbell)();
        }
    }
}
