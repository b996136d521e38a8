//! # Room card: driver/work
//! In:    a command ring (commands, feed bytes, normalised events and reports, controls), timers, a clock.
//! Out:   turns of the engine: journal written, rings filled, a doorbell rung for a reader that sleeps.
//! Holds: an input is journalled before its effects leave; a kill waits for no more than the turn that runs; a panic or
//!        a lost journal halts the engine, cancels go out, the process lives.
//! Costs: while busy one poll of the ring a turn; idle it spins briefly, then sleeps at most a millisecond at a time.
use std::mem::offset_of;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{Ordering, fence};
use std::time::Duration;

use engine::Engine;
use journal::{EffectsHash, Writer};
use types::config::Setup;
use types::limits::{INPUT_BYTES_MAX, TURNS_PER_HASH_RECORD};
use types::{
    Code, Command, CommandKind, ConnId, ConnState, Control, EffectRef, Effects, Event, EventKind, Fault, Input,
    InputKind, InstrumentId, OrderEvent, OrderEventKind, OrderId, Side, UnixNanos, event, event::flag,
};
use zerocopy::FromBytes;

use crate::clock::Clock;
use crate::hosted::{HostedSummary, Shared};
use crate::live_orders::LiveOrders;
use crate::out::Out;
use crate::ports::{Change, Producer};
use crate::timers::Timers;

/// Polls of an empty command ring before the thread sleeps.
const SPINS_BEFORE_SLEEP: u32 = 2_000;
/// Longest sleep; bounds the delay of a command whose producer wakes nobody.
const SLEEP_MAX: Duration = Duration::from_millis(1);
/// Commands taken from the ring in one go.
const COMMANDS_PER_POLL: usize = 64;
/// Commands still taken after a close was asked for: a producer that goes on for ever must not hold it up.
const COMMANDS_AFTER_CLOSE_MAX: usize = 1 << 18;

/// The state of the engine's thread.
pub(crate) struct Work {
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
    killed: bool,
    malformed: u64,
    fault: Option<Fault>,
    /// Turn in which a test wants the engine to panic.
    #[cfg(test)]
    pub(crate) panic_in_turn: u64,
}

impl Work {
    pub(crate) fn new(setup: Setup, out: Out, journal: Option<Writer>) -> Work {
        Work {
            live: LiveOrders::new(setup.orders.max_orders),
            engine: Engine::new(setup),
            effects: Effects::new(),
            hash: EffectsHash::new(),
            out,
            journal,
            timers: Timers::default(),
            timers_refused: 0,
            clock: Clock::start(),
            turn: 0,
            now: UnixNanos::NONE,
            killed: false,
            malformed: 0,
            fault: None,
            #[cfg(test)]
            panic_in_turn: 0,
        }
    }

    /// Works until it is closed.
    pub(crate) fn run(&mut self, producers: &mut Vec<Producer>, shared: &Shared) -> HostedSummary {
        let (mut idle, mut after_close) = (0, 0);
        if self.turn > 0 {
            self.show_recovered();
        }
        loop {
            if shared.gate.changed() {
                self.change(producers, shared);
            }
            let taken = self.take(producers, shared);
            let fired = self.fire_timer();
            if let Some(port) = self.out.image_due() {
                self.write_image(port);
            }
            if shared.close.load(Ordering::Acquire) {
                // What was asked for before the close is done before it.
                after_close += taken;
                if taken == 0 || after_close > COMMANDS_AFTER_CLOSE_MAX {
                    self.obey_kill(shared);
                    self.input(InputKind::Control(Control::Close));
                    shared.gate.end();
                    return self.end();
                }
            } else if taken == 0 && !fired {
                idle += 1;
                if idle < SPINS_BEFORE_SLEEP {
                    core::hint::spin_loop();
                } else {
                    self.sleep(producers, shared);
                }
                continue;
            }
            idle = 0;
        }
    }

    /// Takes some commands of every producer, in the order of their numbers; how many.
    fn take(&mut self, producers: &mut [Producer], shared: &Shared) -> usize {
        self.obey_kill(shared);
        producers.iter_mut().map(|producer| self.take_from(producer, shared)).sum()
    }

    fn take_from(&mut self, producer: &mut Producer, shared: &Shared) -> usize {
        let number = producer.number;
        let polled = producer.commands.poll(COMMANDS_PER_POLL, |record| {
            let understood = self.record(number, record);
            self.malformed += !understood as u64;
            self.obey_kill(shared);
        });
        let was_corrupt = core::mem::replace(&mut producer.corrupt, polled.is_err());
        polled.unwrap_or_else(|_| {
            // The reader never trusts the shared memory; what it cannot read it discards and goes on.
            producer.commands.discard();
            self.malformed += !was_corrupt as u64;
            0
        })
    }

    /// Threads that come and go.
    #[cold]
    fn change(&mut self, producers: &mut Vec<Producer>, shared: &Shared) {
        for change in shared.gate.take() {
            match change {
                Change::Join(port, commands) => {
                    producers.extend(commands.map(|commands| Producer::new(port.producer, commands)));
                    self.out.ports.push(port);
                    self.write_image(self.out.ports.len() - 1);
                }
                Change::Leave(number) => {
                    if let Some(at) = producers.iter().position(|producer| producer.number == number) {
                        let mut producer = producers.remove(at);
                        let mut taken = 0;
                        // What it asked for is done first; then nothing of it may stay.
                        while taken <= COMMANDS_AFTER_CLOSE_MAX {
                            match self.take_from(&mut producer, shared) {
                                0 => break,
                                more => taken += more,
                            }
                        }
                        let mut bytes = [0; size_of::<Command>()];
                        bytes[offset_of!(Command, kind)] = CommandKind::StrategyFault as u8;
                        self.input(InputKind::Command { producer: number, cause_seq: 0, bytes: &bytes });
                    }
                    self.out.ports.retain(|port| port.producer != number);
                }
            }
        }
    }

    #[inline]
    fn obey_kill(&mut self, shared: &Shared) {
        if shared.kill.load(Ordering::Relaxed) && !self.killed {
            self.killed = true;
            self.input(InputKind::Control(Control::Kill));
        }
    }

    fn sleep(&mut self, producers: &[Producer], shared: &Shared) {
        let now = self.clock.now();
        let due = self.timers.due().map_or(SLEEP_MAX, |due| Duration::from_nanos(due.0.saturating_sub(now.0)));
        // Dekker with `wake`: announce the sleep, then look; the producer writes, then looks for a sleeper.
        shared.asleep.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if producers.iter().all(|producer| producer.commands.is_empty() || producer.corrupt) && !shared.gate.changed() {
            std::thread::park_timeout(due.min(SLEEP_MAX));
        }
        shared.asleep.store(false, Ordering::SeqCst);
    }

    /// One record of a producer's command ring; `false` when it is not understood.
    pub(crate) fn record(&mut self, producer: u16, record: &[u8]) -> bool {
        let Some((head, body)) = record.split_at_checked(event::RECORD_HEADER_BYTES) else { return false };
        // With its prefix of 8. The journal takes no longer input: here it is one malformed record, there a fault.
        if body.len() > INPUT_BYTES_MAX + 8 {
            return false;
        }
        let kind = match u32::from_le_bytes([head[4], head[5], head[6], head[7]]) {
            event::RECORD_COMMAND => {
                let Some((cause, bytes)) = body.split_first_chunk::<8>() else { return false };
                InputKind::Command { producer, cause_seq: u64::from_le_bytes(*cause), bytes }
            }
            event::RECORD_BYTES => {
                let Some((prefix, bytes)) = body.split_first_chunk::<8>() else { return false };
                InputKind::Bytes { conn: ConnId(u16::from_le_bytes([prefix[0], prefix[1]])), bytes }
            }
            event::RECORD_EVENT => {
                let Ok(event) = Event::read_from_bytes(record) else { return false };
                self.input(InputKind::Market(&event));
                return true;
            }
            event::RECORD_ORDER => {
                let Ok(report) = OrderEvent::read_from_bytes(record) else { return false };
                self.input(InputKind::Report(&report));
                return true;
            }
            event::RECORD_CONN => {
                let [low, high, state, ..] = *body else { return false };
                let Some(state) = ConnState::from_u8(state) else { return false };
                InputKind::Conn { conn: ConnId(u16::from_le_bytes([low, high])), state }
            }
            event::RECORD_CONTROL => {
                let Some(control) = body.first().and_then(|&byte| Control::from_u8(byte)) else { return false };
                InputKind::Control(control)
            }
            _ => return false,
        };
        self.input(kind);
        true
    }

    /// Journal, turn, hash, rings. After a fault nothing more is turned.
    fn input(&mut self, kind: InputKind<'_>) {
        if self.fault.is_some() {
            return;
        }
        self.now = self.now.max(self.clock.now());
        let input = Input { turn: self.turn + 1, now: self.now, kind };
        if let Some(journal) = &mut self.journal
            && let Err(fault) = journal.input(&input)
        {
            return self.halt(fault.into());
        }
        self.turn = input.turn;
        let turned = catch_unwind(AssertUnwindSafe(|| {
            #[cfg(test)]
            assert_ne!(input.turn, self.panic_in_turn, "a test asked for this panic");
            self.engine.turn(&input, &mut self.effects);
        }));
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
                EffectRef::Event(event) => self.out.event(event),
                EffectRef::Order(event) => {
                    self.live.follow(event);
                    self.out.order(event);
                }
                EffectRef::Timer { id, at } => self.timers_refused += !self.timers.set(id, at) as u64,
                // No socket here: the order's event goes to the gateway through the orders ring.
                EffectRef::Send { .. } => {}
            }
        }
        self.out.publish();
    }

    fn fire_timer(&mut self) -> bool {
        if self.timers.due().is_none_or(|due| due > self.clock.now()) {
            return false;
        }
        let Some(id) = self.timers.pop() else { return false };
        self.input(InputKind::Timer { id });
        true
    }

    /// For a port that joins, or whose records were lost: every open order, then the position in every instrument, the
    /// last with LAST, so that its reader is whole again. Of an engine that has halted the cancels again, from the plain
    /// table.
    #[cold]
    fn write_image(&mut self, port: usize) {
        if self.fault.is_some() {
            let out = &mut self.out;
            self.live.cancels(self.now, |cancel| out.order_to(port, cancel));
            return self.image_written(port);
        }
        self.now = self.now.max(self.clock.now());
        for order in self.engine.orders().open_orders() {
            let mut event = OrderEvent::new(OrderEventKind::Accepted, order.instrument, order.side, order.id);
            (event.time, event.state, event.flags) = (self.now, order.state as u8, order.flags | flag::SNAPSHOT);
            (event.price, event.quantity, event.filled) = (order.price, order.quantity, order.filled);
            (event.client_id, event.request) = (order.client_id.0, order.current);
            (event.algo_id, event.trader_id) = (order.algo_id.0, order.trader_id.0);
            self.out.order_to(port, &event);
        }
        let instruments = self.engine.setup().instruments.len();
        for i in 0..instruments {
            let id = InstrumentId(i as u16);
            let lots = self.engine.orders().position(id).lots;
            let mut event = OrderEvent::new(OrderEventKind::Position, id, Side::Buy, OrderId::NONE);
            (event.time, event.filled, event.last_lots) = (self.now, lots, lots);
            event.flags = flag::SNAPSHOT | if i + 1 == instruments { flag::LAST } else { 0 };
            self.out.order_to(port, &event);
        }
        self.image_written(port);
    }

    /// What an engine that did not begin with this process already knows and holds.
    fn show_recovered(&mut self) {
        if let Some(board) = &mut self.out.board {
            board.seed(&self.engine, self.now);
        }
        self.write_image(0);
    }

    fn image_written(&mut self, port: usize) {
        if let Some(port) = self.out.ports.get_mut(port) {
            port.orders.image_written();
        }
        self.out.publish();
    }

    /// The engine is finished: cancel what may work, and say so. Nothing here touches the engine.
    #[cold]
    fn halt(&mut self, fault: Fault) {
        let mut event = Event::new(EventKind::Trading, InstrumentId(0));
        (event.time, event.detail, event.code) = (self.now, 1, fault.code as u16);
        self.fault = Some(fault);
        self.out.event(&event);
        let out = &mut self.out;
        self.live.cancels(self.now, |cancel| out.order(cancel));
        for port in 0..self.out.ports.len() {
            self.image_written(port);
        }
    }

    fn end(&mut self) -> HostedSummary {
        self.out.close(self.now);
        let hash = self.hash.digest();
        if let Some(journal) = &mut self.journal {
            let closed = match self.fault {
                None => journal.close(self.turn, self.now, hash),
                // The last input has no effects that could be vouched for: it ends like the journal of a crash.
                Some(_) => journal.sync(),
            };
            if let (Err(fault), None) = (closed, &self.fault) {
                self.fault = Some(fault.into());
            }
        }
        HostedSummary {
            hash: journal::hex(hash),
            turns: self.turn,
            malformed: self.malformed,
            dropped: self.out.dropped(),
            timers_refused: self.timers_refused,
            fault: self.fault.take(),
        }
    }
}
