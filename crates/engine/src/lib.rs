//! # Room card: engine
//! In:    `Input`s, one a turn, numbered and timed by a driver.
//! Out:   `Effects`: bytes to send, events to publish, timers to set, in one canonical order.
//! Holds: pure: no clock, socket, file or random source; same inputs, same effects, bit for bit; nothing is sent that risk has
//!        not passed, and a cancel is never blocked.
//! Costs: whole turns by kind: `npm run bench -- engine`; no allocation after `Engine::new`.
#![forbid(unsafe_code)]

mod commands;
mod counts;
mod inputs;
mod market;
mod quoting;
mod send;

pub use counts::{Counts, FaultCounts};

use book::{MarketBook, Rule};
use oms::Orders;
use quote::Quoter;
use risk::Gate;
use signal::RollingVolatility;
use types::config::Setup;
use types::limits::{FIX_MESSAGE_BYTES_MAX, INPUT_BYTES_MAX};
use types::{
    Code, Effects, Event, EventKind, Input, InputKind, Instrument, InstrumentId, OrderId, Ticks, TimerId, Touch, UnixNanos,
    flag,
};

/// The engine's own timer: the earliest acknowledgement deadline.
const ACK_TIMER: TimerId = TimerId(1);

/// Everything the engine keeps for one instrument.
struct Market {
    book: MarketBook,
    volatility: RollingVolatility,
    quoter: Option<Quoter>,
    /// Our native quote on each side, as the order that carries it.
    quotes: [Option<OrderId>; 2],
    /// Last published quote target, so that only changes are published.
    shown: [(Ticks, i64); 2],
    /// Last refusal of a native quote on each side, so that a standing reason is published once.
    refused: [Option<Code>; 2],
    /// When the touch was last confirmed by the feed (receive time).
    touch_at: UnixNanos,
    /// Last trade or touch from a normalised feed, which has no book behind it.
    pushed: PushedTouch,
}

/// Touch assembled from normalised events of a `MarketFeed`.
#[derive(Clone, Copy, Default)]
struct PushedTouch {
    touch: Touch,
    id: u64,
    valid: bool,
}

/// FIX session of a venue as far as encoding needs it.
struct OrderEntry {
    sender: Box<[u8]>,
    target: Box<[u8]>,
    /// Number of the next message.
    sequence: u64,
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
    /// Moment the acknowledgement timer is set for; `NONE` when it is not.
    ack_timer_at: UnixNanos,
    closing: bool,
    strategy_halted: bool,
    /// Place of the last market event of this turn, to be marked as the packet's end.
    packet_end: Option<usize>,
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
                book: MarketBook::new(Rule::for_feed(setup.venues[instrument.venue.0 as usize].feed).unwrap_or(Rule::Usdm)),
                volatility: RollingVolatility::new(&setup.volatility, instrument.tick_f64()),
                quoter: setup.quoters[instrument.id.index()].clone().map(|params| Quoter::new(params, instrument)),
                quotes: [None; 2],
                shown: [(Ticks(0), 0); 2],
                refused: [None; 2],
                touch_at: UnixNanos::NONE,
                pushed: PushedTouch::default(),
            })
            .collect();
        // Every venue's order connection is down until a `Conn` input says otherwise.
        let gate = Gate::new(&setup);
        let entries = setup
            .venues
            .iter()
            .map(|venue| OrderEntry {
                sender: venue.sender_comp_id.as_bytes().into(),
                target: venue.target_comp_id.as_bytes().into(),
                sequence: 1,
            })
            .collect();
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
            ack_timer_at: UnixNanos::NONE,
            closing: false,
            strategy_halted: false,
            packet_end: None,
            dirty: Dirty::Nothing,
            setup,
        }
    }

    /// One turn: what one input does. `effects` is emptied first and holds this turn's effects after.
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
            InputKind::Command { bytes, .. } => self.on_command(bytes, input.now, effects),
            InputKind::Market(event) => self.on_market_event(event, input.now, effects),
            InputKind::Report(report) => self.on_report(report, input.now, effects),
            InputKind::Control(control) => self.on_control(control, input.now, effects),
        }
        if let Some(place) = self.packet_end {
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
    fn publish(&mut self, mut event: Event, now: UnixNanos, effects: &mut Effects) {
        event.sequence = self.sequence + 1;
        event.time = now;
        match effects.event(&event) {
            Some(place) => {
                self.sequence += 1;
                self.packet_end = Some(place);
            }
            None => self.counts.faults.add(Code::EffectsFull),
        }
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
    /// σ of an instrument in price units per √second; `None` until its window is full.
    pub fn sigma(&self, id: InstrumentId) -> Option<f64> {
        self.markets[id.index()].volatility.sigma()
    }
    /// The touch in force: the newer of L1 and L2, or the last pushed by a normalised feed.
    pub fn touch(&self, id: InstrumentId) -> Option<Touch> {
        self.markets[id.index()].touch()
    }
    /// May quotes stand: is the book valid (or the pushed touch fresh)?
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
    /// Has the kill switch been pulled?
    pub fn is_killed(&self) -> bool {
        self.gate.is_killed()
    }
}
