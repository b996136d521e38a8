//! # Room card: backtest/run
//! In:    a checked configuration, and commands of a strategy that runs in the caller's thread.
//! Out:   turns of the engine in virtual time, its effects, and at the end a `Summary`.
//! Holds: the same configuration gives the same effects, bit for bit; at one moment the order is venue, requests,
//!        reports, market, timers.
//! Costs: the engine's turns plus the venue's; journal and hash included: events per second are in the summary.
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use driver::Timers;
use driver::report::{Finished, LedgerSummary, Measure, Summary};
use engine::Engine;
use journal::{EffectsHash, Options, Start, Writer};
use types::config::{BacktestConfig, Setup};
use types::limits::TURNS_PER_HASH_RECORD;
use types::{
    Code, ConnId, ConnState, Control, EffectRef, Effects, EventKind, Fault, Input, InputKind, Instrument, InstrumentId,
    Nanos, OrderEvent, OrderEventKind, Side, UnixNanos, VenueId,
};

use crate::schedule::Mail;
use crate::source::Source;

/// What `advance` did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// One turn of the engine; `effects` holds what it did.
    Turn,
    /// The run is over; call `finish`.
    Done,
}

/// A run in virtual time.
pub struct Backtest {
    config: BacktestConfig,
    pub(crate) engine: Engine,
    effects: Effects,
    pub(crate) hash: EffectsHash,
    pub(crate) sources: Vec<Source>,
    by_instrument: Vec<Option<usize>>,
    requests: Mail,
    reports: Mail,
    timers: Timers,
    scratch: Vec<OrderEvent>,
    journal: Option<Writer>,
    dump: Option<BufWriter<File>>,
    pub(crate) measure: Measure,
    pub(crate) turn: u64,
    now: UnixNanos,
    end: Option<UnixNanos>,
    phase: Phase,
    opened: u16,
    pub(crate) timers_refused: u64,
    wall: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Connections come up, one a turn.
    Opening,
    Running,
    /// Sources have ended, the close has been given; requests and reports on their way still arrive.
    Closing,
    Done,
}

/// What happens next, in the order of precedence at one moment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    Venue(usize),
    Request,
    Report,
    Market(usize),
    Timer,
}

impl Backtest {
    /// Opens sources and outputs. Nothing has happened yet.
    pub fn new(config: BacktestConfig, setup: Setup) -> Result<Backtest, Fault> {
        let sources = config
            .sources
            .iter()
            .map(|source| Source::open(source, &config.latency, &setup))
            .collect::<Result<Vec<_>, _>>()?;
        let mut by_instrument = vec![None; setup.instruments.len()];
        for (i, source) in sources.iter().enumerate() {
            by_instrument[source.instrument.index()] = Some(i);
        }
        let first = sources.iter().filter_map(Source::next).min().unwrap_or(UnixNanos(1));
        let journal = match &config.output.journal_dir {
            Some(dir) => Some(Writer::create(Path::new(dir), &start_record(&config), Options::default())?),
            None => None,
        };
        let dump = match &config.output.dump_effects {
            Some(path) => {
                let file = File::create(path).map_err(|error| Fault::output(path, &error))?;
                Some(BufWriter::with_capacity(1 << 20, file))
            }
            None => None,
        };
        let measure = Measure::new(setup.instruments.len(), config.output.samples as usize, 0);
        Ok(Backtest {
            end: config.seconds.map(|seconds| UnixNanos(first.0 + seconds as u64 * types::time::NANOS_PER_SECOND)),
            engine: Engine::new(setup),
            effects: Effects::new(),
            hash: EffectsHash::new(),
            sources,
            by_instrument,
            requests: Mail::default(),
            reports: Mail::default(),
            timers: Timers::default(),
            scratch: venue::reserve_reports(),
            journal,
            dump,
            measure,
            turn: 0,
            now: first,
            phase: Phase::Opening,
            opened: 0,
            timers_refused: 0,
            wall: Instant::now(),
            config,
        })
    }

    /// Goes on until the engine has made one turn, or to the end.
    pub fn advance(&mut self) -> Result<Step, Fault> {
        loop {
            match self.phase {
                Phase::Opening => return self.open_next(),
                Phase::Done => return Ok(Step::Done),
                Phase::Running | Phase::Closing => {}
            }
            let Some((at, next)) = self.next() else {
                if self.phase == Phase::Closing {
                    self.phase = Phase::Done;
                    return Ok(Step::Done);
                }
                return self.close();
            };
            if self.phase == Phase::Running && self.end.is_some_and(|end| at > end) {
                return self.close();
            }
            self.now = self.now.max(at);
            if self.happen(next)? {
                return Ok(Step::Turn);
            }
        }
    }

    /// Effects of the last turn.
    pub fn effects(&self) -> &Effects {
        &self.effects
    }
    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }
    /// Virtual time.
    pub fn now(&self) -> UnixNanos {
        self.now
    }
    /// How far the run is, 0 to 1.
    pub fn progress(&self) -> f64 {
        let by_time = self.end.map_or(0.0, |end| {
            let (from, to) = (self.measure.start.0, end.0);
            (self.now.0.saturating_sub(from)) as f64 / to.saturating_sub(from).max(1) as f64
        });
        let by_source = self.sources.iter().map(Source::fraction).fold(1.0, f64::min);
        by_time.max(by_source).min(1.0)
    }

    /// A command of the caller's strategy: one turn at the present moment.
    pub fn command(&mut self, producer: u16, cause_seq: u64, bytes: &[u8]) -> Result<(), Fault> {
        self.run_turn(InputKind::Command { producer, cause_seq, bytes })
    }

    fn open_next(&mut self) -> Result<Step, Fault> {
        let venues = self.engine.setup().venues.len() as u16;
        let venue = VenueId((self.opened / 2) as u8);
        let conn = if self.opened.is_multiple_of(2) { ConnId::market(venue) } else { ConnId::orders(venue) };
        self.run_turn(InputKind::Conn { conn, state: ConnState::Up })?;
        self.opened += 1;
        if self.opened == venues * 2 {
            self.phase = Phase::Running;
        }
        Ok(Step::Turn)
    }

    /// Sources are over: everything is cancelled, what is on its way still arrives.
    fn close(&mut self) -> Result<Step, Fault> {
        self.phase = Phase::Closing;
        for source in &mut self.sources {
            source.end();
        }
        self.run_turn(InputKind::Control(Control::Close))?;
        Ok(Step::Turn)
    }

    fn next(&self) -> Option<(UnixNanos, Next)> {
        let running = self.phase == Phase::Running;
        let mut best = None;
        for (i, source) in self.sources.iter().enumerate() {
            offer(&mut best, source.next(), Next::Venue(i));
            if running {
                offer(&mut best, source.deliveries.due(), Next::Market(i));
            }
        }
        offer(&mut best, self.requests.due(), Next::Request);
        offer(&mut best, self.reports.due(), Next::Report);
        // A timer alone does not keep a run alive: when the market is over, so is the run.
        if running && best.is_some() {
            offer(&mut best, self.timers.due(), Next::Timer);
        }
        best
    }

    /// Lets one thing happen; `true` when it was a turn of the engine.
    fn happen(&mut self, next: Next) -> Result<bool, Fault> {
        match next {
            Next::Venue(i) => {
                self.scratch.clear();
                let setup = self.engine.setup();
                self.sources[i].step(&setup.instruments, &mut self.scratch)?;
                self.post_reports();
                Ok(false)
            }
            Next::Request => {
                let Some((at, request)) = self.requests.pop() else { return Ok(false) };
                self.scratch.clear();
                match self.by_instrument[request.instrument as usize] {
                    Some(i) => {
                        let setup = self.engine.setup();
                        self.sources[i].on_request(at, &request, &setup.instruments, &mut self.scratch);
                    }
                    None => self.scratch.push(no_market(at, &request)),
                }
                self.post_reports();
                Ok(false)
            }
            Next::Report => {
                let Some((_, report)) = self.reports.pop() else { return Ok(false) };
                self.run_turn(InputKind::Report(&report))?;
                Ok(true)
            }
            Next::Market(i) => {
                let Some(delivery) = self.sources[i].deliveries.pop() else { return Ok(false) };
                let outcome = self.run_turn(InputKind::Bytes { conn: delivery.conn, bytes: &delivery.bytes });
                self.sources[i].deliveries.recycle(delivery.bytes);
                outcome.map(|()| true)
            }
            Next::Timer => {
                let Some(id) = self.timers.pop() else { return Ok(false) };
                self.run_turn(InputKind::Timer { id })?;
                Ok(true)
            }
        }
    }

    fn post_reports(&mut self) {
        let due = self.now.plus(Nanos(self.config.latency.report_nanos as i64));
        for report in self.scratch.drain(..) {
            self.reports.push(due, report);
        }
    }

    /// Journal, turn, hash, then the effects' consequences.
    fn run_turn(&mut self, kind: InputKind<'_>) -> Result<(), Fault> {
        self.turn += 1;
        let input = Input { turn: self.turn, now: self.now, kind };
        self.measure.before(self.now, &self.engine);
        if let Some(journal) = &mut self.journal {
            journal.input(&input)?;
        }
        let begun = Instant::now();
        self.engine.turn(&input, &mut self.effects);
        self.hash.update(self.effects.bytes());
        if let Some(dump) = &mut self.dump {
            let path = self.config.output.dump_effects.as_deref().unwrap_or("");
            dump.write_all(self.effects.bytes()).map_err(|error| Fault::output(path, &error))?;
        }
        if self.turn.is_multiple_of(TURNS_PER_HASH_RECORD)
            && let Some(journal) = &mut self.journal
        {
            journal.hash_mark(self.turn, self.now, self.hash.digest())?;
        }
        self.follow(begun);
        self.measure.after(&self.engine, &self.effects);
        Ok(())
    }

    /// Puts requests on their way, sets timers, asks for snapshots.
    fn follow(&mut self, begun: Instant) {
        let due = self.now.plus(Nanos(self.config.latency.order_nanos as i64));
        let mut sent = false;
        for effect in &self.effects {
            match effect {
                EffectRef::Order(event) if event.kind().is_some_and(OrderEventKind::is_request) => {
                    self.requests.push(due, *event);
                }
                EffectRef::Send { .. } => sent = true,
                EffectRef::Timer { id, at } => self.timers_refused += !self.timers.set(id, at) as u64,
                EffectRef::Event(event) if event.kind() == Some(EventKind::SnapshotWanted) => {
                    if let Some(i) = self.by_instrument[event.instrument as usize] {
                        self.sources[i].want_snapshot(due);
                    }
                }
                _ => {}
            }
        }
        if sent {
            let nanos = begun.elapsed().as_nanos() as u64;
            self.measure.tick_to_order.record(nanos);
        }
    }

    /// Closes journal and dump and sums the run up. The venue's ledger must agree with the engine's positions.
    pub fn finish(mut self) -> Result<Summary, Fault> {
        let hash = self.hash.digest();
        if let Some(journal) = &mut self.journal {
            journal.close(self.turn, self.now, hash)?;
        }
        if let Some(dump) = &mut self.dump {
            let path = self.config.output.dump_effects.as_deref().unwrap_or("");
            dump.flush().map_err(|error| Fault::output(path, &error))?;
        }
        let wall = self.wall.elapsed();
        let ledgers = self.engine.setup().instruments.iter().map(|instrument| self.ledger(instrument)).collect();
        Ok(Summary::of(Finished {
            engine: &self.engine,
            measure: &self.measure,
            hash,
            turns: self.turn,
            wall,
            garbage: self.sources.iter().map(Source::garbage).sum(),
            time_steps_back: self.sources.iter().map(|source| source.steps_back).sum(),
            timers_refused: self.timers_refused,
            seeds: self.seeds(),
            journal: self.config.output.journal_dir.clone(),
            ledgers,
        }))
    }

    /// The venue's account of an instrument against the engine's.
    fn ledger(&self, instrument: &Instrument) -> LedgerSummary {
        let position = self.engine.orders().position(instrument.id);
        let quantity = |lots: i64| instrument.quantity.value(lots).map_or_else(String::new, |value| value.to_string());
        match self.source_of(instrument.id) {
            Some(source) => {
                let ledger = source.ledger();
                LedgerSummary {
                    position: quantity(ledger.position().0),
                    fees: instrument.money(ledger.fees()).to_string(),
                    agrees: ledger.agrees(position.lots, position.fees),
                    open_orders: source.open_orders() as u64,
                }
            }
            None => {
                LedgerSummary { position: "0".into(), fees: "0".into(), agrees: position.lots.0 == 0, open_orders: 0 }
            }
        }
    }

    pub(crate) fn config(&self) -> &BacktestConfig {
        &self.config
    }

    pub(crate) fn source_of(&self, instrument: InstrumentId) -> Option<&Source> {
        self.by_instrument[instrument.index()].map(|i| &self.sources[i])
    }
}

fn start_record(config: &BacktestConfig) -> Start {
    Start::new(crate::build(), serde_json::to_string(config).unwrap_or_default())
}

/// Keeps the earlier of two happenings; at one moment the order of `Next` decides.
#[inline]
fn offer(best: &mut Option<(UnixNanos, Next)>, at: Option<UnixNanos>, next: Next) {
    if let Some(at) = at
        && best.is_none_or(|known| (at, next) < known)
    {
        *best = Some((at, next));
    }
}

/// The answer to a request for an instrument that has no source.
fn no_market(at: UnixNanos, request: &OrderEvent) -> OrderEvent {
    let kind = match request.kind() {
        Some(OrderEventKind::Cancel) => OrderEventKind::CancelRejected,
        Some(OrderEventKind::Replace) => OrderEventKind::ReplaceRejected,
        _ => OrderEventKind::Rejected,
    };
    let side = request.side().unwrap_or(Side::Buy);
    let mut report = OrderEvent::new(kind, request.instrument(), side, request.order_id());
    (report.time, report.venue_ack_time, report.request) = (at, at, request.request);
    report.reason = Code::VenueClosed as u16;
    report
}
