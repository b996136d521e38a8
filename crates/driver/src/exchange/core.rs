//! # Room card: driver/exchange/core
//! In:    connections, their bytes, snapshot requests, time as an argument.
//! Out:   WebSocket frames for every market-data client, FIX bytes, snapshot bodies, ledger lines.
//! Holds: pass 1 is sent exactly as recorded, in order; a recorded snapshot is sent only as the answer to a request.
//! Costs: at full speed a message is one copy and one venue update.
//!
//! Two clocks. `wall` is this machine's and only ever grows; the market's is the stamp of the last burst plus what has
//! passed since, times the speed. At full speed (0) it stands between bursts; after the market's end it goes on in real
//! time. While a snapshot line waits for its request the market's clock stands still, and a ping says so.
use types::config::{ExchangeConfig, Setup};
use types::{Fault, InstrumentId, Nanos, OrderEvent, UnixNanos, VenueId};
use wire::ws::{self, Opcode};

use super::acceptor::{Acceptor, At, Faults};
use super::market::{Market, MessageKind, MessageSink};
use super::shift::append_integer;
use super::stats::{ExchangeStats, Sent};
use super::{SNAPSHOT_REQUESTS_MAX, ledger};

/// Messages whose stamps lie this close together go out behind one ping.
const BURST: Nanos = Nanos(50_000);
/// Bytes of frames after which playing pauses so that they can be sent.
pub(crate) const BATCH_BYTES: usize = 128 * 1024;
/// How long a recorded snapshot waits for the request that it answers.
const SNAPSHOT_HOLD: Nanos = Nanos(2_000_000_000);
/// How long a snapshot request waits for a book.
const SNAPSHOT_PATIENCE: Nanos = Nanos(10_000_000_000);

/// What the player is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// Clients are missing.
    Waiting,
    Playing,
    /// A recorded snapshot was reached and waits for its request.
    Held {
        instrument: InstrumentId,
        since: UnixNanos,
    },
    /// The last pass is over.
    Finished,
}

/// The recorded snapshot of an instrument.
#[derive(Clone, Debug, Default)]
struct Reached {
    /// Pass in which it was reached last.
    pass: u32,
    /// It was not given out yet.
    body: Option<Vec<u8>>,
}

/// A snapshot request without an answer yet.
#[derive(Clone, Copy, Debug)]
struct Asking {
    key: u64,
    instrument: InstrumentId,
    since: UnixNanos,
}

/// The answer to a snapshot request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SnapshotAnswer {
    /// The requester's number.
    pub key: u64,
    /// 200, 400 (no such symbol), 503 (no book now).
    pub status: u16,
    /// The snapshot, or an error as Binance words it.
    pub body: Vec<u8>,
}

/// An exchange without sockets and files: bytes and time in, bytes out.
pub struct Exchange {
    pub(super) market: Market,
    pub(super) acceptor: Acceptor,
    pub(super) config: ExchangeConfig,
    phase: Phase,
    /// The market's clock: where it stands, and since when.
    time: UnixNanos,
    since: UnixNanos,
    speed: u64,
    /// First stamp of the present burst.
    burst: UnixNanos,
    reached: Vec<Reached>,
    asking: Vec<Asking>,
    answers: Vec<SnapshotAnswer>,
    feed: Vec<u8>,
    pub(super) sent: Sent,
    pub(super) market_clients: usize,
    reports: Vec<OrderEvent>,
    pub(super) opened: UnixNanos,
    /// Met where it could not be returned; the next turn does.
    fault: Option<Fault>,
    stopped: bool,
}

/// Frames messages for the clients and puts a recorded snapshot aside.
struct Framing<'a> {
    feed: &'a mut Vec<u8>,
    sent: &'a mut Sent,
    snapshot: Option<(InstrumentId, Vec<u8>)>,
}

impl MessageSink for Framing<'_> {
    fn message(&mut self, instrument: InstrumentId, kind: MessageKind, bytes: &[u8]) {
        self.sent.count(kind);
        if kind == MessageKind::Snapshot {
            self.snapshot = Some((instrument, bytes.to_vec()));
        } else {
            ws::frame(self.feed, Opcode::Text, bytes, None);
        }
    }
}

fn ping(feed: &mut Vec<u8>, stamp: UnixNanos, speed: u64) {
    let mut payload = Vec::with_capacity(32);
    append_integer(&mut payload, stamp.0);
    payload.push(b' ');
    append_integer(&mut payload, speed);
    ws::frame(feed, Opcode::Ping, &payload, None);
}

impl Exchange {
    /// Opens the sources and takes up the ledger of an earlier life (empty: there is none). The lines of this life's
    /// beginning are in `ledger_lines` at once.
    ///
    /// # Errors
    /// A source that cannot be played; `LEDGER_DAMAGED`.
    pub fn open(config: &ExchangeConfig, setup: &Setup, ledger: &[u8], wall: UnixNanos) -> Result<Exchange, Fault> {
        let mut market = Market::open(config, setup)?;
        let keeps_ledger = config.state_dir.is_some();
        let mut acceptor =
            Acceptor::new(&config.name, &setup.instruments, VenueId(0), config.cancel_on_disconnect, keeps_ledger);
        acceptor.restore(&ledger[..ledger::whole_lines(ledger)], &mut market)?;
        acceptor.faults = Faults { drop_fill: config.faults.drop_fill, mute_after: config.faults.mute_orders_after };
        acceptor.note_open(wall);
        acceptor.cancel_left_open(At { market: market.start(), wall });
        acceptor.end_turn();
        let time = market.start();
        Ok(Exchange {
            market,
            acceptor,
            config: config.clone(),
            phase: Phase::Waiting,
            time,
            since: wall,
            speed: config.speed as u64,
            burst: UnixNanos::NONE,
            reached: vec![Reached::default(); setup.instruments.len()],
            asking: Vec::new(),
            answers: Vec::new(),
            feed: Vec::with_capacity(2 * BATCH_BYTES),
            sent: Sent::default(),
            market_clients: 0,
            reports: venue::reserve_reports(),
            opened: wall,
            fault: None,
            stopped: false,
        })
    }

    /// The market's clock.
    pub fn clock(&self, wall: UnixNanos) -> UnixNanos {
        match self.phase {
            Phase::Waiting | Phase::Held { .. } => self.time,
            Phase::Playing | Phase::Finished => {
                let passed = (wall.since(self.since).0.max(0) as u64).saturating_mul(self.speed);
                UnixNanos(self.time.0.saturating_add(passed))
            }
        }
    }
    fn at(&self, wall: UnixNanos) -> At {
        At { market: self.clock(wall), wall }
    }
    /// Puts the market's clock to a moment, never back.
    fn set_clock(&mut self, stamp: UnixNanos, wall: UnixNanos) {
        (self.time, self.since) = (self.clock(wall).max(stamp), wall);
    }

    /// Is the last pass over?
    pub fn is_finished(&self) -> bool {
        self.phase == Phase::Finished
    }
    pub(super) fn phase_name(&self) -> &'static str {
        match self.phase {
            Phase::Waiting => "waiting",
            Phase::Playing => "playing",
            Phase::Held { .. } => "held",
            Phase::Finished => "finished",
        }
    }

    /// A market-data client is there; returns its first frame: a ping with the clock it is to follow.
    pub fn market_connected(&mut self, wall: UnixNanos) -> Vec<u8> {
        self.market_clients += 1;
        let mut hello = Vec::new();
        let runs = matches!(self.phase, Phase::Playing | Phase::Finished);
        ping(&mut hello, self.clock(wall), if runs { self.speed } else { 0 });
        hello
    }
    /// A market-data client is gone.
    pub fn market_disconnected(&mut self) {
        self.market_clients = self.market_clients.saturating_sub(1);
    }

    /// A connection of order entry is there; false: no room, close it.
    pub fn orders_connected(&mut self, key: u64, wall: UnixNanos) -> bool {
        let at = self.at(wall);
        self.acceptor.connected(key, at)
    }
    /// Bytes of a connection of order entry, as read.
    /// What the market did before them happens first, except at full speed.
    pub fn on_orders_bytes(&mut self, key: u64, bytes: &[u8], wall: UnixNanos) {
        if self.phase == Phase::Playing && self.speed > 0 && self.fault.is_none() && !self.stopped {
            self.fault = self.play(wall).err();
        }
        let at = self.at(wall);
        self.acceptor.on_bytes(key, bytes, at, &mut self.market);
    }
    /// A connection of order entry is gone.
    pub fn orders_disconnected(&mut self, key: u64, wall: UnixNanos) {
        let at = self.at(wall);
        self.acceptor.disconnected(key, at, &mut self.market);
    }
    /// Plays nothing any more.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
    }
    /// Says goodbye to every session.
    pub fn logout(&mut self, wall: UnixNanos) {
        let at = self.at(wall);
        self.acceptor.logout_all(at);
    }

    /// A client asks for a snapshot of a symbol's book. The answer comes by `pop_answer`.
    pub fn on_snapshot_request(&mut self, key: u64, symbol: &[u8], wall: UnixNanos) {
        self.sent.snapshot_requests += 1;
        let known = self.acceptor.instruments.iter().find(|known| known.symbol_bytes() == symbol);
        let Some(instrument) = known.map(|known| known.id) else {
            return self.answer(key, 400, br#"{"code":-1121,"msg":"Invalid symbol."}"#.to_vec());
        };
        let asking = Asking { key, instrument, since: wall };
        if self.try_answer(&asking, wall) {
            return;
        }
        if self.asking.len() == SNAPSHOT_REQUESTS_MAX {
            self.no_book(key);
        } else {
            self.asking.push(asking);
        }
    }
    /// A requester is gone.
    pub fn snapshot_unwanted(&mut self, key: u64) {
        self.asking.retain(|asking| asking.key != key);
    }
    /// The next answer to a snapshot request.
    pub fn pop_answer(&mut self) -> Option<SnapshotAnswer> {
        if self.answers.is_empty() { None } else { Some(self.answers.remove(0)) }
    }

    fn answer(&mut self, key: u64, status: u16, body: Vec<u8>) {
        self.answers.push(SnapshotAnswer { key, status, body });
    }
    fn no_book(&mut self, key: u64) {
        self.answer(key, 503, br#"{"code":-1001,"msg":"No book now."}"#.to_vec());
    }

    /// The recorded snapshot answers once, to whoever asks first; any later request gets the exchange's own book.
    fn try_answer(&mut self, asking: &Asking, wall: UnixNanos) -> bool {
        let pass = self.market.pass();
        let recorded = self.market.is_recorded(asking.instrument);
        let reached = &mut self.reached[asking.instrument.index()];
        if recorded && reached.pass != pass {
            return false;
        }
        let held = matches!(self.phase, Phase::Held { instrument, .. } if instrument == asking.instrument);
        let body = match reached.body.take().filter(|_| held) {
            Some(body) => Some(body),
            None => self.market.snapshot(self.clock(wall), asking.instrument),
        };
        let Some(body) = body else { return false };
        self.answer(asking.key, 200, body);
        if held {
            self.resume(wall);
        }
        true
    }

    fn resume(&mut self, wall: UnixNanos) {
        (self.phase, self.since) = (Phase::Playing, wall);
    }

    /// A recorded snapshot was reached: it answers those who wait for it, or waits for one who will ask.
    fn reach(&mut self, instrument: InstrumentId, body: Vec<u8>, wall: UnixNanos) {
        let asking: Vec<Asking> =
            self.asking.iter().copied().filter(|asking| asking.instrument == instrument).collect();
        self.asking.retain(|asking| asking.instrument != instrument);
        let pass = self.market.pass();
        if asking.is_empty() && self.market_clients > 0 {
            self.reached[instrument.index()] = Reached { pass, body: Some(body) };
            self.set_clock(self.time, wall);
            self.phase = Phase::Held { instrument, since: wall };
            ping(&mut self.feed, self.time, 0);
            self.sent.pings += 1;
            self.burst = UnixNanos::NONE;
            return;
        }
        self.reached[instrument.index()] = Reached { pass, body: None };
        for asking in asking {
            self.answer(asking.key, 200, body.clone());
        }
    }

    /// Lets happen what is due by now, up to a batch of frames, and ends the turn: what came in before this call and
    /// what it caused is now in `ledger_lines`, `feed`, `drain_orders` and `pop_answer`.
    ///
    /// # Errors
    /// A recording that turns out damaged.
    pub fn turn(&mut self, wall: UnixNanos) -> Result<(), Fault> {
        self.turn_while(wall, true)
    }

    /// The same; the market plays only if there is room for its messages.
    ///
    /// # Errors
    /// A recording that turns out damaged.
    pub fn turn_while(&mut self, wall: UnixNanos, has_room: bool) -> Result<(), Fault> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        self.wait(wall);
        if self.phase == Phase::Playing && has_room && !self.stopped {
            self.play(wall)?;
        }
        if self.market.has_caused() {
            self.begin_burst(self.clock(wall));
            self.market.flush_caused(&mut Framing { feed: &mut self.feed, sent: &mut self.sent, snapshot: None });
        }
        let at = self.at(wall);
        self.acceptor.on_time(at);
        self.acceptor.end_turn();
        Ok(())
    }

    /// Begins, goes on after a snapshot nobody asked for, and gives up requests nothing can answer.
    fn wait(&mut self, wall: UnixNanos) {
        match self.phase {
            Phase::Waiting => {
                let complete = self.market_clients > 0 && self.acceptor.has_client();
                if complete || !self.config.wait_for_clients {
                    (self.phase, self.since) = (Phase::Playing, wall);
                }
            }
            Phase::Held { instrument, since } => {
                if self.market_clients == 0 || wall >= since.plus(SNAPSHOT_HOLD) {
                    self.reached[instrument.index()].body = None;
                    self.resume(wall);
                }
            }
            Phase::Playing | Phase::Finished => {}
        }
        let mut at = 0;
        while at < self.asking.len() {
            let asking = self.asking[at];
            if self.try_answer(&asking, wall) {
                self.asking.remove(at);
            } else if wall >= asking.since.plus(SNAPSHOT_PATIENCE) {
                self.asking.remove(at);
                self.no_book(asking.key);
            } else {
                at += 1;
            }
        }
    }

    fn begin_burst(&mut self, stamp: UnixNanos) {
        self.burst = stamp;
        ping(&mut self.feed, stamp, self.speed);
        self.sent.pings += 1;
    }

    fn play(&mut self, wall: UnixNanos) -> Result<(), Fault> {
        let now = self.clock(wall);
        // Bound: a batch of frames.
        while self.feed.len() < BATCH_BYTES {
            let Some(stamp) = self.market.next()? else {
                self.finish(wall);
                return Ok(());
            };
            if self.speed > 0 && stamp > now {
                return Ok(());
            }
            if self.burst == UnixNanos::NONE || stamp > self.burst.plus(BURST) {
                self.begin_burst(stamp);
            }
            if self.speed == 0 {
                self.set_clock(stamp, wall);
            }
            let mut framing = Framing { feed: &mut self.feed, sent: &mut self.sent, snapshot: None };
            self.market.step(&mut self.reports, &mut framing)?;
            let snapshot = framing.snapshot;
            self.acceptor.book_all(&mut self.reports, At { market: stamp, wall });
            if let Some((instrument, body)) = snapshot {
                self.reach(instrument, body, wall);
                if self.phase != Phase::Playing {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The market is over: its clock goes on in real time, so that heartbeats and time-outs do.
    fn finish(&mut self, wall: UnixNanos) {
        self.set_clock(self.time, wall);
        self.phase = Phase::Finished;
        self.speed = self.speed.max(1);
        ping(&mut self.feed, self.time, self.speed);
        self.sent.pings += 1;
        self.burst = UnixNanos::NONE;
    }

    /// How long until something is due, in real time; `None` while only clients can make something happen.
    pub fn due_in(&mut self, wall: UnixNanos) -> Result<Option<Nanos>, Fault> {
        if self.phase != Phase::Playing {
            return Ok(None);
        }
        let Some(stamp) = self.market.next()? else { return Ok(Some(Nanos(0))) };
        if self.speed == 0 {
            return Ok(Some(Nanos(0)));
        }
        Ok(Some(Nanos(stamp.since(self.clock(wall)).0.max(0) / self.speed as i64)))
    }

    /// Frames for every market-data client since the last `feed_sent`.
    pub fn feed(&self) -> &[u8] {
        &self.feed
    }
    /// They are sent.
    pub fn feed_sent(&mut self) {
        self.sent.bytes += self.feed.len() as u64;
        self.feed.clear();
    }
    /// Ledger lines to write before anything else of this turn leaves.
    pub fn ledger_lines(&self) -> &[u8] {
        self.acceptor.ledger_lines()
    }
    /// They are written.
    pub fn ledger_written(&mut self) {
        self.acceptor.ledger_written();
    }
    /// Hands out each order connection's bytes, and whether to close it after them.
    pub fn drain_orders(&mut self, each: impl FnMut(u64, &[u8], bool)) {
        self.acceptor.drain(each);
    }
    /// The state of everything.
    pub fn stats(&self, wall: UnixNanos) -> ExchangeStats {
        ExchangeStats::of(self, wall)
    }
}
