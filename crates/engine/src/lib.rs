//! # Room card: engine
//! In:    `Input`s, one a turn, numbered and timed by a driver.
//! Out:   `Effects`: bytes to send, events to publish, timers to set, in one canonical order.
//! Holds: pure: no clock, socket, file or random source; same inputs, same effects, bit for bit; nothing is sent that
//!        risk has not passed, and a cancel is never blocked.
//! Costs: whole turns by kind: `npm run bench -- engine`; no allocation after `Engine::new`.
//!
//! Order entry is direct (reports enter normalised, the connection is usable when it is up) or a FIX session the engine
//! owns: bytes enter as read, and nothing passes before the session is open and orders and positions are agreed.
#![forbid(unsafe_code)]

mod commands;
mod counts;
mod entry;
mod inputs;
mod levels;
mod market;
mod producers;
mod quoting;
mod reconcile;
mod reports;
mod send;
mod session;
mod signals;
mod watch;

pub use counts::{Counts, FaultCounts};
pub use entry::fix_timer;
pub use watch::{ACK_TIMER, QUOTE_TIMER, SNAPSHOT_TIMER, STOP_TIMER};

use book::{MarketBook, Rule};
use entry::OrderEntry;
use levels::Outer;
use oms::Orders;
use producers::Producers;
use quote::Quoter;
use risk::Gate;
use signal::RollingVolatility;
use signals::QuoterSignals;
use types::config::Setup;
use types::effect::EFFECT_HEADER_BYTES;
use types::limits::{
    EFFECT_RESERVE_BYTES, FIX_INPUT_BYTES_MAX, FIX_MESSAGE_BYTES_MAX, INPUT_BYTES_MAX, INSTRUMENTS_MAX,
    LEVELS_PER_MESSAGE_MAX, ORDERS_MAX, QUOTE_LEVELS_MAX,
};
use types::{
    Code, Effects, Event, EventKind, Input, InputKind, Instrument, InstrumentId, OrderEvent, OrderId, Side, Ticks,
    Touch, UnixNanos, VenueId, flag,
};
use watch::{Watch, Wish};

/// Largest FIX cancel: comp ids and symbol of 32 bytes, the widest ids, sequence and quantity.
const CANCEL_BYTES_MAX: usize = 320;
/// Effects of one request: its message and its event.
const fn request_effects(message_bytes: usize) -> usize {
    2 * EFFECT_HEADER_BYTES + message_bytes.next_multiple_of(8) + size_of::<OrderEvent>()
}
/// Native quotes of one engine at most.
const QUOTES_MAX: usize = 2 * QUOTE_LEVELS_MAX * INSTRUMENTS_MAX;
// The fullest turn cancels every order and decides every quote; the fullest message publishes all its levels.
const _: () = assert!(
    ORDERS_MAX * request_effects(CANCEL_BYTES_MAX) + QUOTES_MAX * request_effects(FIX_MESSAGE_BYTES_MAX)
        <= EFFECT_RESERVE_BYTES
);
/// Largest status request.
const STATUS_BYTES_MAX: usize = 264;
/// Shortest bytes that are a FIX message: begin string, body length, message type, checksum.
const FIX_FRAME_BYTES_MIN: usize = 26;
// The fullest input of a session: each message fills, states and is answered; and every order is asked about.
const _: () = assert!(
    FIX_INPUT_BYTES_MAX / FIX_FRAME_BYTES_MIN
        * (2 * (EFFECT_HEADER_BYTES + size_of::<OrderEvent>()) + EFFECT_HEADER_BYTES + wire::fix::FIX_OUT_BYTES_MAX)
        + ORDERS_MAX * (EFFECT_HEADER_BYTES + STATUS_BYTES_MAX)
        + QUOTES_MAX * request_effects(FIX_MESSAGE_BYTES_MAX)
        <= EFFECT_RESERVE_BYTES
);
const _: () = assert!(
    (2 * LEVELS_PER_MESSAGE_MAX + 8) * (EFFECT_HEADER_BYTES + size_of::<Event>())
        <= types::limits::EFFECT_BYTES_MAX - EFFECT_RESERVE_BYTES
);

/// Everything the engine keeps for one instrument.
struct Market {
    book: MarketBook,
    volatility: RollingVolatility,
    quoter: Option<Quoter>,
    /// Signals its rules ask for.
    signals: Option<Box<QuoterSignals>>,
    /// Our native quote on each side, as the order that carries it.
    quotes: [Option<OrderId>; 2],
    /// Our further levels, where there is a ladder.
    outer: Outer,
    /// The strategy whose quotes the quoter follows.
    asked_by: Option<u16>,
    /// Last published quote target, so that only changes are published.
    shown: [(Ticks, i64); 2],
    /// Last refusal of a native quote on each side, so that a standing reason is published once.
    refused: [Option<Code>; 2],
    /// The model gave no price at the last decision, so that a standing fault is published once.
    model_failed: bool,
    /// A snapshot is wanted and has not come.
    wish: Option<Wish>,
    /// When the touch was last confirmed by the feed (receive time).
    touch_at: UnixNanos,
    /// An opening position was taken over while no touch was known.
    opening_unvalued: bool,
    /// The venue states another position.
    position_differs: bool,
    /// The venue was asked for the position and has not answered.
    position_asked: bool,
    /// Touch of a normalised feed, which has no book behind it.
    pushed: PushedTouch,
}

/// Touch assembled from normalised events of a `MarketFeed`.
#[derive(Clone, Copy, Default)]
struct PushedTouch {
    touch: Touch,
    id: u64,
    valid: bool,
}

/// The deterministic trading core of one shard.
pub struct Engine {
    setup: Setup,
    decoder: wire::json::Decoder,
    markets: Box<[Market]>,
    gate: Gate,
    orders: Orders,
    /// Ids of a mass cancel; as long as the order table, so that it never grows.
    open_ids: Vec<OrderId>,
    entries: Box<[OrderEntry]>,
    counts: Counts,
    message: Box<[u8; FIX_MESSAGE_BYTES_MAX]>,
    /// Sequence of the last published record.
    sequence: u64,
    started: UnixNanos,
    watch: Watch,
    closing: bool,
    halted: Producers,
    /// Place and instrument of the last market event of this turn, to be marked as its packet's end.
    packet_end: Option<(usize, u16)>,
    /// Instrument whose quotes must be decided at the end of the turn.
    dirty: Dirty,
}

/// What must be decided again at the end of a turn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dirty {
    Nothing,
    One(InstrumentId),
    All,
}

impl Engine {
    /// Allocates everything; no turn allocates after this.
    pub fn new(setup: Setup) -> Engine {
        let markets = setup
            .instruments
            .iter()
            .map(|instrument| Market {
                // A normalised feed has no diffs; its book stays empty under either rule.
                book: MarketBook::new(
                    Rule::for_feed(setup.venues[instrument.venue.0 as usize].feed).unwrap_or(Rule::Usdm),
                ),
                volatility: RollingVolatility::new(&setup.volatility, instrument.tick_f64()),
                quoter: setup.quoters[instrument.id.index()].clone().map(|params| Quoter::new(params, instrument)),
                signals: setup.quoters[instrument.id.index()]
                    .as_ref()
                    .and_then(|params| QuoterSignals::for_params(params, None)),
                quotes: [None; 2],
                outer: Outer::default(),
                asked_by: None,
                shown: [(Ticks(0), 0); 2],
                refused: [None; 2],
                model_failed: false,
                wish: None,
                touch_at: UnixNanos::NONE,
                opening_unvalued: false,
                position_differs: false,
                position_asked: false,
                pushed: PushedTouch::default(),
            })
            .collect();
        // Every venue's order connection is down until a `Conn` input says otherwise.
        let gate = Gate::new(&setup);
        let entries = setup.venues.iter().map(|venue| OrderEntry::new(venue, &setup.orders)).collect();
        Engine {
            decoder: wire::json::Decoder::new(),
            markets,
            gate,
            orders: Orders::new(setup.session, &setup.orders, setup.instruments.len()),
            open_ids: Vec::with_capacity(setup.orders.max_orders),
            entries,
            counts: Counts::default(),
            message: Box::new([0; FIX_MESSAGE_BYTES_MAX]),
            sequence: 0,
            started: UnixNanos::NONE,
            watch: Watch::default(),
            closing: false,
            halted: Producers::default(),
            packet_end: None,
            dirty: Dirty::Nothing,
            setup,
        }
    }

    /// One turn: what one input does. `effects` is emptied first and holds this turn's effects after.
    ///
    /// Order of effects: what the input changed, each instrument's last market event marked `LAST`; then the native
    /// quotes' decisions, whose events (quotes wanted, requests, refusals) change no market state and carry no `LAST`;
    /// then the engine's timers.
    pub fn turn(&mut self, input: &Input<'_>, effects: &mut Effects) {
        effects.begin(input.now);
        if self.started == UnixNanos::NONE {
            self.started = input.now;
        }
        (self.packet_end, self.dirty) = (None, Dirty::Nothing);
        self.counts.turns += 1;
        match input.kind {
            InputKind::Bytes { conn, bytes } if bytes.len() <= INPUT_BYTES_MAX => {
                self.on_bytes(conn, bytes, input.now, effects);
            }
            InputKind::Bytes { .. } => self.fault(Code::InputTooLarge, InstrumentId(0), input.now, effects),
            InputKind::Conn { conn, state } => self.on_conn(conn, state, input.now, effects),
            InputKind::Timer { id } => self.on_timer(id, input.now, effects),
            InputKind::Command { producer, bytes, .. } => self.on_command(producer, bytes, input.now, effects),
            InputKind::Market(event) => self.on_market_event(event, input.now, effects),
            InputKind::Report(report) => self.on_report(report, input.now, effects),
            InputKind::Control(control) => self.on_control(control, input.now, effects),
        }
        if let Some((place, _)) = self.packet_end.take() {
            effects.set_event_flags(place, flag::LAST);
        }
        match self.dirty {
            Dirty::Nothing => {}
            Dirty::One(instrument) => self.decide(instrument, input.now, effects),
            Dirty::All => {
                for i in 0..self.markets.len() {
                    self.decide(InstrumentId(i as u16), input.now, effects);
                }
            }
        }
        self.arm_ack_timer(effects);
    }

    /// Publishes a market event; it takes the next sequence number.
    #[inline]
    fn publish(&mut self, event: Event, now: UnixNanos, effects: &mut Effects) {
        let Some(place) = self.publish_beside(event, now, effects) else { return };
        if let Some((end, instrument)) = self.packet_end
            && instrument != event.instrument
        {
            effects.set_event_flags(end, flag::LAST);
        }
        self.packet_end = Some((place, event.instrument));
    }

    /// Publishes a market event that is no part of a packet.
    #[inline]
    fn publish_beside(&mut self, mut event: Event, now: UnixNanos, effects: &mut Effects) -> Option<usize> {
        event.sequence = self.sequence + 1;
        event.time = now;
        let place = effects.event(&event);
        match place {
            Some(_) => self.sequence += 1,
            None => self.counts.faults.add(Code::EffectsFull),
        }
        place
    }

    /// Counts a fault and publishes it.
    #[cold]
    fn fault(&mut self, code: Code, instrument: InstrumentId, now: UnixNanos, effects: &mut Effects) {
        self.counts.faults.add(code);
        let mut event = Event::new(EventKind::Fault, instrument);
        (event.code, event.id) = (code as u16, self.counts.faults.of(code));
        self.publish(event, now, effects);
    }

    #[inline]
    fn mark(&mut self, instrument: InstrumentId) {
        self.dirty = match self.dirty {
            Dirty::Nothing => Dirty::One(instrument),
            Dirty::One(other) if other == instrument => Dirty::One(other),
            _ => Dirty::All,
        };
    }

    /// The checked configuration.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }
    /// An instrument by id.
    pub fn instrument(&self, id: InstrumentId) -> &Instrument {
        &self.setup.instruments[id.index()]
    }
    /// Orders and positions.
    pub fn orders(&self) -> &Orders {
        &self.orders
    }
    /// What happened so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }
    /// The book of an instrument.
    pub fn book(&self, id: InstrumentId) -> &MarketBook {
        &self.markets[id.index()].book
    }
    /// σ of an instrument in price units per √second; `None` until there are `volatility.minObservations` mids.
    pub fn sigma(&self, id: InstrumentId) -> Option<f64> {
        self.markets[id.index()].volatility.sigma()
    }
    /// The volatility of an instrument: σ, its error, and how many mids it is of.
    pub fn volatility(&self, id: InstrumentId) -> &RollingVolatility {
        &self.markets[id.index()].volatility
    }
    /// The touch in force: the newer of L1 and L2, or the last pushed by a normalised feed.
    pub fn touch(&self, id: InstrumentId) -> Option<Touch> {
        self.markets[id.index()].touch()
    }
    /// May quotes stand: is the book valid (or a pushed touch in force)?
    pub fn book_valid(&self, id: InstrumentId) -> bool {
        self.markets[id.index()].is_valid()
    }
    /// The native quoter of an instrument.
    pub fn quoter(&self, id: InstrumentId) -> Option<&Quoter> {
        self.markets[id.index()].quoter.as_ref()
    }
    /// The order that carries the native quote of a side (0 bid, 1 ask).
    pub fn quotes(&self, id: InstrumentId) -> [Option<OrderId>; 2] {
        self.markets[id.index()].quotes
    }
    /// The orders that carry the further levels of a side, from the second on; all `None` without a ladder.
    pub fn outer_quotes(&self, id: InstrumentId, side: Side) -> &[Option<OrderId>] {
        self.markets[id.index()].outer.ids(side)
    }
    /// Do new orders pass as far as a venue's order connection goes: up, logged on, orders and positions agreed?
    pub fn is_venue_up(&self, venue: VenueId) -> bool {
        self.gate.is_venue_up(venue)
    }
    /// Numbers of a venue's FIX session: the one expected next, the one to be sent next. `None` without a session.
    pub fn session_numbers(&self, venue: VenueId) -> Option<(u64, u64)> {
        let fix = self.entries.get(venue.0 as usize)?.fix.as_ref()?;
        Some((fix.session.next_in(), fix.session.next_out()))
    }
    /// Has the kill switch been pulled?
    pub fn is_killed(&self) -> bool {
        self.gate.is_killed()
    }
}
