//! # Room card: driver/work
//! In:    sockets, a command ring (commands, feed bytes, normalised events and reports, controls), timers, a clock.
//! Out:   the loop of the engine's thread: what came becomes turns; see `turn` for what a turn is.
//! Holds: commands, timers and the kill switch are looked at between turns however much a socket brings; nobody is
//!        waited for longer than a sleep.
//! Costs: while busy one poll of sockets and ring a round; idle it spins briefly, then sleeps at most a millisecond.
use std::mem::offset_of;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::Duration;

use engine::Engine;
use journal::{EffectsHash, Writer};
use net::{Wait, Waiter};
use types::config::{OrderEntry, Setup, VenueSetup};
use types::limits::INPUT_BYTES_MAX;
use types::{
    Command, CommandKind, ConnId, ConnState, Control, Effects, Event, Fault, InputKind, Instrument, InstrumentId,
    OrderEvent, OrderId, OrderState, Ticks, UnixNanos, VenueId, event,
};
use wire::fix::{Role, SessionSetup};
use zerocopy::FromBytes;

use crate::clock::{Clock, Machine};
use crate::control::Shared;
use crate::end::HostedSummary;
use crate::feed_link::ClockStamp;
use crate::lines::{Lines, Outlet};
use crate::live_orders::LiveOrders;
use crate::out::Out;
use crate::ports::{Change, Producer};
use crate::recover::Recovered;
use crate::stats::{SHOW_EVERY, Stats};
use crate::timers::Timers;

/// Longest sleep; bounds the delay of a command whose producer wakes nobody.
const SLEEP_MAX: Duration = Duration::from_millis(1);
/// Longest wait of a round while closing.
const ROUND_WAIT: Duration = Duration::from_micros(200);
/// Commands taken from the ring in one go.
const COMMANDS_PER_POLL: usize = 64;
/// Turns of one read after which commands and timers are looked at.
const TURNS_PER_LOOK: u32 = 64;
/// Timers fired in one go.
const TIMERS_PER_LOOK: usize = 64;
/// Commands still taken after a close was asked for: a producer that goes on for ever must not hold it up.
const COMMANDS_AFTER_CLOSE_MAX: usize = 1 << 18;
/// How often the machine's clocks are compared, nanoseconds.
const CLOCKS_EVERY: u64 = 1_000_000_000;

/// How the thread works, beside the setup.
pub(crate) struct Manner {
    pub(crate) wait: Wait,
    /// How long closing waits for answers to its cancels, nanoseconds.
    pub(crate) close_wait: u64,
    /// Seed of what is random and decides nothing.
    pub(crate) entropy_seed: u64,
    /// A drill: the engine panics in this turn.
    pub(crate) fail_at_turn: u64,
}

/// What cancels after a panic are written from: nothing that the engine could have spoilt.
pub(crate) struct Facts {
    pub(crate) session: u32,
    pub(crate) instruments: Vec<Instrument>,
    /// SenderCompID and TargetCompID by venue.
    pub(crate) comp_ids: Vec<(Vec<u8>, Vec<u8>)>,
    /// The FIX session by venue, where the engine owns one.
    pub(crate) sessions: Vec<Option<SessionSetup>>,
}

impl Facts {
    fn new(setup: &Setup) -> Facts {
        let comp_id =
            |venue: &VenueSetup| (venue.sender_comp_id.clone().into_bytes(), venue.target_comp_id.clone().into_bytes());
        let session = |venue: &VenueSetup| {
            let OrderEntry::Fix { heartbeat, cancel_on_disconnect } = venue.entry else { return None };
            let (sender, target) = comp_id(venue);
            let setup = SessionSetup::new(Role::Initiator, &sender, &target, heartbeat);
            Some(SessionSetup { cancel_on_disconnect, ..setup })
        };
        Facts {
            session: setup.session,
            instruments: setup.instruments.clone(),
            comp_ids: setup.venues.iter().map(comp_id).collect(),
            sessions: setup.venues.iter().map(session).collect(),
        }
    }

    /// Venue of an instrument; of one that is none the first.
    pub(crate) fn venue_of(&self, instrument: usize) -> VenueId {
        self.instruments.get(instrument).map_or(VenueId(0), |instrument| instrument.venue)
    }
}

/// The state of the engine's thread.
pub(crate) struct Work {
    pub(crate) engine: Engine,
    pub(crate) effects: Effects,
    pub(crate) hash: EffectsHash,
    pub(crate) out: Out,
    pub(crate) live: LiveOrders,
    pub(crate) journal: Option<Writer>,
    pub(crate) timers: Timers,
    pub(crate) timers_refused: u64,
    pub(crate) machine: Machine,
    /// The wall clock at the start.
    wall: u64,
    pub(crate) clock: Clock,
    pub(crate) turn: u64,
    pub(crate) now: UnixNanos,
    pub(crate) killed: bool,
    /// An earlier process began the session.
    pub(crate) resumed: bool,
    pub(crate) malformed: u64,
    pub(crate) fault: Option<Fault>,
    /// Fills so far.
    pub(crate) fills: u64,
    pub(crate) stats: Arc<Stats>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) outlet: Outlet,
    /// Market-data messages of native links.
    pub(crate) messages: u64,
    pub(crate) manner: Manner,
    pub(crate) facts: Facts,
    /// After a halt: cancels sent and not answered.
    pub(crate) awaited: Vec<(VenueId, OrderId)>,
    /// After a halt, by venue: nothing of ours is open there any more.
    pub(crate) settled: Box<[bool]>,
    /// When the loop looked at its sockets last, monotonic: one reading of the clock a round.
    pub(crate) looked_at: u64,
    turns_since_look: u32,
    show_at: u64,
    clocks_at: u64,
    /// Connections that an earlier process left up.
    conns_up: Vec<ConnId>,
    /// That process closed its session.
    was_closed: bool,
}

impl Work {
    pub(crate) fn new(setup: Setup, out: Out, journal: Option<Writer>, outlet: Outlet, manner: Manner) -> Work {
        let machine = Machine::start();
        let (wall, monotonic) = (machine.wall(), machine.monotonic());
        let follows = setup.venues.iter().any(|venue| venue.market.as_ref().is_some_and(|link| link.follow_clock));
        Work {
            facts: Facts::new(&setup),
            awaited: Vec::new(),
            settled: vec![false; setup.venues.len()].into_boxed_slice(),
            live: LiveOrders::new(setup.orders.max_orders),
            stats: Arc::new(Stats::new(&setup)),
            engine: Engine::new(setup),
            effects: Effects::new(),
            hash: EffectsHash::new(),
            out,
            journal,
            timers: Timers::default(),
            timers_refused: 0,
            clock: Clock::start(wall, monotonic, follows),
            wall,
            machine,
            turn: 0,
            now: UnixNanos::NONE,
            killed: false,
            resumed: false,
            malformed: 0,
            fault: None,
            fills: 0,
            shared: Arc::new(Shared::new()),
            outlet,
            messages: 0,
            manner,
            looked_at: monotonic,
            turns_since_look: 0,
            show_at: 0,
            clocks_at: CLOCKS_EVERY,
            conns_up: Vec::new(),
            was_closed: false,
        }
    }

    /// Goes on where an earlier process stopped.
    pub(crate) fn resume(recovered: Recovered, out: Out, mut outlet: Outlet, manner: Manner) -> Work {
        outlet.resume(&recovered.sends);
        let mut work = Work::new(recovered.setup, out, Some(recovered.writer), outlet, manner);
        (work.engine, work.hash, work.live) = (recovered.engine, recovered.hash, recovered.live);
        (work.timers, work.timers_refused) = (recovered.timers, recovered.timers_refused);
        (work.turn, work.now, work.killed) = (recovered.turn, recovered.now, recovered.killed);
        (work.conns_up, work.was_closed) = (recovered.conns_up, recovered.closed);
        work.clock.resume(recovered.now);
        work.shared.gate.begin_after(recovered.producers);
        work.restore_papers();
        work
    }

    /// The models' accounts begin with the positions held; at what price matters to their cash only.
    fn restore_papers(&mut self) {
        for instrument in &self.facts.instruments {
            let Some(line) = &mut self.outlet.papers[instrument.venue.0 as usize] else { continue };
            let position = self.engine.orders().position(instrument.id).lots;
            let price = self.engine.touch(instrument.id).map_or(Ticks(1), |touch| touch.bid);
            // Refused only for what no position of ours can be.
            let _ = line.paper.restore_position(instrument.id, position, price);
        }
    }

    /// Works until it is closed.
    pub(crate) fn run(&mut self, mut lines: Option<Lines>, producers: &mut Vec<Producer>) -> HostedSummary {
        for conn in core::mem::take(&mut self.conns_up) {
            self.conn(conn, ConnState::Down);
        }
        if self.was_closed {
            self.input(InputKind::Control(Control::Open), 0);
        }
        if self.turn > 0 {
            self.show_recovered();
        }
        let mut waiter = Waiter::new(self.manner.wait);
        let mut after_close = 0;
        let mut was_busy = true;
        loop {
            let mut done = 0;
            if lines.is_none() {
                self.looked_at = self.machine.monotonic();
            }
            if self.shared.gate.changed() {
                self.change(producers);
            }
            if let Some(lines) = &mut lines {
                done += lines.poll(self, self.timeout(&waiter, producers));
                self.shared.asleep.store(false, Ordering::Relaxed);
                // What a turn asked of the lines is seen in the round after it.
                if done > 0 || was_busy || lines.is_due(self) {
                    lines.serve(self, producers);
                }
                if self.fault.is_some() && !self.outlet.shut {
                    self.outlet.shut = true;
                    lines.leave(self, false);
                }
            }
            let taken = self.take(producers);
            done += taken + self.fire_timers(self.looked_at);
            if self.outlet.any_paper {
                done += self.serve_papers(self.fault.is_none());
            }
            if let Some(port) = self.out.image_due() {
                self.write_image(port);
            }
            self.keep_house(lines.as_ref());
            if self.shared.close.load(Ordering::Acquire) {
                // What was asked for before the close is done before it.
                after_close += taken;
                if taken == 0 || after_close > COMMANDS_AFTER_CLOSE_MAX {
                    self.obey_kill();
                    self.input(InputKind::Control(Control::Close), 0);
                    self.shared.clone().gate.end();
                    return self.end(lines, producers);
                }
            }
            waiter.note(done);
            was_busy = done > 0;
            if lines.is_none() && done == 0 && !self.shared.close.load(Ordering::Relaxed) {
                self.rest(&waiter, producers);
            }
        }
    }

    /// One round of a loop that is about to end: sockets, models, commands, timers. `staying` makes no session anew.
    pub(crate) fn round(&mut self, lines: &mut Option<Lines>, producers: &mut [Producer], staying: bool) {
        match lines {
            Some(lines) => {
                lines.poll(self, ROUND_WAIT);
                lines.serve(self, producers);
            }
            None => std::thread::park_timeout(ROUND_WAIT),
        }
        self.serve_papers(!staying);
        self.take(producers);
        self.looked_at = self.machine.monotonic();
        self.fire_timers(self.looked_at);
        self.keep_house(lines.as_ref());
    }

    /// Looks at commands and timers when enough turns have gone by since.
    #[inline]
    pub(crate) fn look(&mut self, producers: &mut [Producer]) {
        self.turns_since_look += 1;
        if self.turns_since_look >= TURNS_PER_LOOK {
            self.turns_since_look = 0;
            self.take(producers);
            self.fire_timers(self.machine.monotonic());
        }
    }

    /// Takes some commands of every producer, in the order of their numbers; how many.
    fn take(&mut self, producers: &mut [Producer]) -> usize {
        self.obey_kill();
        producers.iter_mut().map(|producer| self.take_from(producer)).sum()
    }

    fn take_from(&mut self, producer: &mut Producer) -> usize {
        let number = producer.number;
        let polled = producer.commands.poll(COMMANDS_PER_POLL, |record| {
            let understood = self.record(number, record);
            self.malformed += !understood as u64;
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
    fn change(&mut self, producers: &mut Vec<Producer>) {
        for change in self.shared.clone().gate.take() {
            match change {
                Change::Join(port, commands) => {
                    producers.extend(commands.map(|commands| Producer::new(port.producer, commands)));
                    self.out.ports.push(port);
                    self.write_image(self.out.ports.len() - 1);
                }
                Change::Leave(number) => {
                    if let Some(at) = producers.iter().position(|producer| producer.number == number) {
                        self.last_words(producers.remove(at));
                    }
                    self.out.ports.retain(|port| port.producer != number);
                }
            }
        }
    }

    /// What a producer that leaves asked for is done first; then nothing of it may stay.
    fn last_words(&mut self, mut producer: Producer) {
        let mut taken = 0;
        while taken <= COMMANDS_AFTER_CLOSE_MAX {
            match self.take_from(&mut producer) {
                0 => break,
                more => taken += more,
            }
        }
        let mut bytes = [0; size_of::<Command>()];
        bytes[offset_of!(Command, kind)] = CommandKind::StrategyFault as u8;
        self.input(InputKind::Command { producer: producer.number, cause_seq: 0, bytes: &bytes }, 0);
    }

    /// Timers due at `at`, monotonic.
    fn fire_timers(&mut self, at: u64) -> usize {
        let mut fired = 0;
        while fired < TIMERS_PER_LOOK
            && let Some(due) = self.timers.due()
            && due <= self.clock.now(at)
            && let Some(id) = self.timers.pop()
        {
            self.input(InputKind::Timer { id }, 0);
            fired += 1;
        }
        fired
    }

    /// What is done now and then: the machine's clocks compared, the newest state shown.
    #[inline]
    fn keep_house(&mut self, lines: Option<&Lines>) {
        let monotonic = self.looked_at;
        if monotonic >= self.show_at {
            self.show_at = monotonic + SHOW_EVERY;
            self.show(lines);
            if monotonic >= self.clocks_at {
                self.clocks_at = monotonic + CLOCKS_EVERY;
                self.clock.look(self.machine.wall(), monotonic);
            }
        }
    }

    /// How long the next poll may sleep.
    fn timeout(&self, waiter: &Waiter, producers: &[Producer]) -> Duration {
        let timeout = waiter.timeout(|| self.sleep_max());
        if timeout.is_zero() {
            return timeout;
        }
        self.announce_sleep();
        if self.has_word(producers) || self.shared.close.load(Ordering::Relaxed) { Duration::ZERO } else { timeout }
    }

    /// Sleeps where there is no socket to sleep on.
    fn rest(&mut self, waiter: &Waiter, producers: &[Producer]) {
        let timeout = waiter.timeout(|| self.sleep_max());
        if timeout.is_zero() {
            return core::hint::spin_loop();
        }
        self.announce_sleep();
        if !self.has_word(producers) {
            std::thread::park_timeout(timeout);
        }
        self.shared.asleep.store(false, Ordering::Relaxed);
    }

    /// Dekker with `wake`: announce the sleep, then look; the producer writes, then looks for a sleeper.
    fn announce_sleep(&self) {
        self.shared.asleep.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    fn sleep_max(&self) -> Duration {
        let papers = self.outlet.papers.iter().flatten().filter_map(|line| line.due());
        let due = papers.chain(self.timers.due()).min();
        let due = due.map(|due| self.clock.until(due, self.machine.monotonic()));
        due.map_or(SLEEP_MAX, |nanos| Duration::from_nanos(nanos).min(SLEEP_MAX))
    }

    /// Time of this process, which follows no venue: wall at start and monotonic since.
    #[inline]
    pub(crate) fn local(&self, monotonic: u64) -> UnixNanos {
        UnixNanos(self.wall + monotonic)
    }

    /// A venue's stamp; `false` when it is too far ahead to be followed.
    pub(crate) fn follow_stamp(&mut self, stamp: ClockStamp) -> bool {
        self.clock.follow(stamp, self.machine.monotonic())
    }

    pub(crate) fn follow_no_more(&mut self) {
        self.clock.follow_no_more(self.machine.monotonic());
    }

    /// A connection changed.
    pub(crate) fn conn(&mut self, conn: ConnId, state: ConnState) {
        self.input(InputKind::Conn { conn, state }, 0);
    }

    /// Has somebody something to say?
    fn has_word(&self, producers: &[Producer]) -> bool {
        let waits = |producer: &Producer| !producer.commands.is_empty() && !producer.corrupt;
        producers.iter().any(waits) || self.shared.gate.changed()
    }

    /// One record of a producer's command ring; `false` when it is not understood.
    pub(crate) fn record(&mut self, producer: u16, record: &[u8]) -> bool {
        let Some((head, body)) = record.split_at_checked(event::RECORD_HEADER_BYTES) else { return false };
        // With its prefix of 8. The journal takes no longer input: here it is one malformed record, there a fault.
        if body.len() > INPUT_BYTES_MAX + 8 {
            return false;
        }
        let read_at = self.machine.monotonic();
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
                self.input(InputKind::Market(&event), read_at);
                return true;
            }
            event::RECORD_ORDER => {
                let Ok(report) = OrderEvent::read_from_bytes(record) else { return false };
                self.input(InputKind::Report(&report), read_at);
                return true;
            }
            event::RECORD_CONN => {
                let [low, high, state, ..] = *body else { return false };
                let Some(state) = ConnState::from_u8(state) else { return false };
                InputKind::Conn { conn: ConnId(u16::from_le_bytes([low, high])), state }
            }
            event::RECORD_CONTROL => {
                let Some(control) = body.first().and_then(|&byte| Control::from_u8(byte)) else { return false };
                // A session is opened again by the process that goes on with it, by nobody else.
                if control == Control::Open {
                    return false;
                }
                InputKind::Control(control)
            }
            _ => return false,
        };
        self.input(kind, read_at);
        true
    }

    /// Orders of venues with a native link that may be working.
    pub(crate) fn open_native_orders(&self) -> usize {
        let native = |instrument: InstrumentId| {
            let VenueId(venue) = self.engine.instrument(instrument).venue;
            self.outlet.entries[venue as usize].native
        };
        let open = self.engine.orders().open_orders();
        open.filter(|order| order.state != OrderState::New && native(order.instrument)).count()
    }
}
