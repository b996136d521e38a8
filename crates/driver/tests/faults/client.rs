//! # Room card: driver/tests/faults/client
//! In:    what the engine's side of the connections sees, time, controls.
//! Out:   the engine's turns, each checked; its messages on the connections.
//! Holds: does what the live driver does, in virtual time: sockets, timers, reconnects, snapshots, the journal; every
//!        input is kept before its effects leave.
//! Costs: tests only.
use engine::Engine;
use fafnir_driver::Timers;
use fafnir_driver::feed_link::{Backoff, FeedLink, LinkAction, LinkEvent, STABLE_AFTER, SnapshotFetch};
use types::config::Setup;
use types::rng::SplitMix64;
use types::{
    Code, ConnId, ConnState, EffectRef, Effects, EventKind, Input, InputKind, InstrumentId, Nanos, UnixNanos, VenueId,
};

use super::checks::Checks;
use super::memory::Memory;
use super::pipes::{Carries, Net, News};
use super::plan::{MILLI, Plan, START, between};
use super::spoil;
use super::truth::Truth;

const MARKET: ConnId = ConnId::market(VenueId(0));
const ORDERS: ConnId = ConnId::orders(VenueId(0));
/// Least time between two snapshot requests.
const SPACING: Nanos = Nanos::from_millis(200);

/// What every part of the world may use.
pub struct Around<'a> {
    pub now: u64,
    pub plan: &'a Plan,
    pub rng: &'a mut SplitMix64,
    pub net: &'a mut Net,
    pub truth: &'a mut Truth,
    pub checks: &'a mut Checks,
    /// Nothing goes wrong any more.
    pub calm: bool,
    /// The venue takes connections.
    pub venue_open: bool,
    pub loud: bool,
}

impl Around<'_> {
    pub fn say(&self, what: impl FnOnce() -> String) {
        if self.loud {
            println!("{:>12.6} {}", (self.now - START.0) as f64 / 1e9, what());
        }
    }
}

/// Sockets and links of one life of the engine's process.
struct Links {
    feed: FeedLink,
    feed_wire: Option<u64>,
    fetches: Vec<(SnapshotFetch, Option<u64>)>,
    orders_wire: Option<u64>,
    orders_up: Option<u64>,
    orders_due: Option<u64>,
    blocked: bool,
    backoff: Backoff,
}

impl Links {
    fn new(setup: &Setup, rng: &mut SplitMix64) -> Links {
        let market = setup.venues[0].market.as_ref().unwrap();
        let mut fork = || SplitMix64::new(rng.next_u64());
        let template = market.snapshot_url.as_deref().unwrap();
        let fetch = |symbol: &str, entropy| SnapshotFetch::new(template, symbol, SPACING, entropy).unwrap();
        Links {
            feed: FeedLink::new(market, fork()).unwrap(),
            feed_wire: None,
            fetches: setup.instruments.iter().map(|known| (fetch(known.symbol(), fork()), None)).collect(),
            orders_wire: None,
            orders_up: None,
            orders_due: Some(0),
            blocked: false,
            backoff: Backoff::new(fork()),
        }
    }
}

/// The engine's process.
pub struct Client {
    pub engine: Engine,
    setup: Setup,
    effects: Box<Effects>,
    timers: Timers,
    pub memory: Memory,
    links: Links,
    /// Sends of the next sending turn that are still made before the process dies.
    pub doom: Option<u64>,
    dead_until: Option<u64>,
    /// Closing: nothing is connected any more once no order is open.
    pub leaving: bool,
    reviving: bool,
    pub lives: u64,
}

impl Client {
    pub fn new(plan: &Plan, effects: Box<Effects>, rng: &mut SplitMix64) -> Client {
        let (text, config, setup) = plan.engine();
        Client {
            engine: Engine::new(setup.clone()),
            effects,
            timers: Timers::default(),
            memory: Memory::new(plan, text, config),
            links: Links::new(&setup, rng),
            setup,
            doom: None,
            dead_until: None,
            leaving: false,
            reviving: false,
            lives: 1,
        }
    }

    pub fn is_alive(&self) -> bool {
        self.dead_until.is_none()
    }
    fn may_connect(&self) -> bool {
        !self.leaving || self.engine.orders().open_count() > 0
    }
    pub fn orders_are_up(&self) -> bool {
        self.links.orders_up.is_some()
    }
    /// The effects buffer, for the next episode.
    pub fn into_effects(self) -> Box<Effects> {
        self.effects
    }

    /// Plays the whole session again.
    pub fn replay(&mut self) {
        self.memory.replay(&self.setup, &mut self.effects);
    }

    /// When time has something to do here.
    pub fn due(&self) -> u64 {
        if let Some(until) = self.dead_until {
            return until;
        }
        let links = &self.links;
        let fetches = links.fetches.iter().filter_map(|(fetch, _)| fetch.deadline());
        let orders = links.orders_due.filter(|_| self.may_connect()).map(UnixNanos);
        let all = [self.timers.due(), links.feed.deadline(), orders].into_iter().flatten().chain(fetches);
        all.map(|at| at.0).min().unwrap_or(u64::MAX)
    }

    /// One input, as the live driver takes it.
    pub fn input(&mut self, kind: InputKind<'_>, around: &mut Around<'_>) {
        if !self.is_alive() {
            return;
        }
        let input = self.memory.note(kind, UnixNanos(around.now));
        self.engine.turn(&input, &mut self.effects);
        self.memory.turned(self.effects.bytes());
        around.say(|| told(&input, &self.effects));
        let (mut given_up, mut wanted, mut sends) = (false, Vec::new(), Vec::new());
        for effect in self.effects.iter() {
            match effect {
                EffectRef::Timer { id, at } => assert!(self.timers.set(id, at)),
                EffectRef::Send { conn, bytes } => {
                    assert_eq!(conn, ORDERS);
                    sends.push(bytes.to_vec());
                }
                EffectRef::Event(event) => match event.kind() {
                    Some(EventKind::SnapshotWanted) => wanted.push(event.instrument()),
                    Some(EventKind::Conn) => {
                        given_up |= event.detail == ConnState::Down as u8 && event.id == ORDERS.0 as u64;
                    }
                    _ => {}
                },
                EffectRef::Order(_) => {}
            }
        }
        around.checks.turn(&self.engine, &kind, &self.effects, around.now, around.truth);
        let mut left = if sends.is_empty() { None } else { self.doom };
        for bytes in sends {
            if left == Some(0) {
                break;
            }
            left = left.map(|left| left - 1);
            self.send(&bytes, around);
        }
        if left.is_some() {
            return self.die(around);
        }
        for instrument in wanted {
            self.links.fetches[instrument.index()].0.want(UnixNanos(around.now));
        }
        if given_up && self.links.orders_up.is_some() {
            self.leave_orders(false, around);
        }
    }

    fn send(&mut self, bytes: &[u8], around: &mut Around<'_>) {
        let Some(wire) = self.links.orders_wire.filter(|_| self.links.orders_up.is_some()) else {
            // As the engine goes on from a journal it learns only now what is down.
            assert!(self.reviving, "the engine sends while order entry is down: {}", readable(bytes));
            return;
        };
        around.truth.engine_sends(bytes);
        let spoiled = spoil::messages(bytes, around);
        around.net.engine_sends(wire, around.now, &spoiled, around.plan, around.rng);
    }

    /// The venue reads what it is sent, or does not.
    pub fn block(&mut self, blocked: bool, around: &mut Around<'_>) {
        if self.orders_are_up() && self.links.blocked != blocked {
            self.links.blocked = blocked;
            let state = if blocked { ConnState::Blocked } else { ConnState::Writable };
            self.input(InputKind::Conn { conn: ORDERS, state }, around);
        }
    }

    /// The orders connection is over for this side; the next attempt is after a pause.
    fn leave_orders(&mut self, reset: bool, around: &mut Around<'_>) {
        if let Some(wire) = self.links.orders_wire.take() {
            around.net.engine_leaves(wire, around.now, reset, around.rng);
        }
        let stable = |since: u64| UnixNanos(around.now) >= UnixNanos(since).plus(STABLE_AFTER);
        if self.links.orders_up.take().is_some_and(stable) {
            self.links.backoff.reset();
        }
        self.links.blocked = false;
        let mut pause = self.links.backoff.failed().0 as u64;
        if around.calm {
            pause = pause.min(500 * MILLI);
        }
        self.links.orders_due = Some(around.now + pause);
    }

    /// Time has come to now.
    pub fn on_time(&mut self, around: &mut Around<'_>) {
        if self.dead_until.is_some_and(|until| around.now >= until) {
            self.revive(around);
        }
        let now = UnixNanos(around.now);
        // Each turn may set a timer that is due at once.
        for _ in 0..1_000 {
            if !self.is_alive() || self.timers.due().is_none_or(|due| due > now) {
                break;
            }
            let Some(id) = self.timers.pop() else { break };
            self.input(InputKind::Timer { id }, around);
        }
        if !self.is_alive() {
            return;
        }
        self.feed(around, |feed, sink| feed.on_time(now, &mut |event| sink(event)));
        for at in 0..self.links.fetches.len() {
            self.fetch(at, around, |fetch, sink| fetch.on_time(now, &mut |event| sink(event)));
        }
        if self.is_alive() && self.may_connect() && self.links.orders_due.is_some_and(|due| due <= around.now) {
            self.links.orders_due = None;
            self.links.orders_wire = Some(connect(Carries::Orders, around));
        }
    }

    fn feed(&mut self, around: &mut Around<'_>, call: impl FnOnce(&mut FeedLink, &mut dyn FnMut(LinkEvent<'_>))) {
        let mut told = Vec::new();
        call(&mut self.links.feed, &mut |event| told.extend(owned(event)));
        let links = &mut self.links;
        if let Some(wire) = links.feed_wire {
            around.net.engine_sends(wire, around.now, links.feed.out(), around.plan, around.rng);
        }
        links.feed.out_taken();
        match links.feed.action() {
            Some(LinkAction::Connect) => links.feed_wire = Some(connect(Carries::Market, around)),
            Some(action) => {
                if let Some(wire) = links.feed_wire.take() {
                    around.net.engine_leaves(wire, around.now, action == LinkAction::Abort, around.rng);
                }
            }
            None => {}
        }
        for event in told {
            match event {
                Told::Up => self.input(InputKind::Conn { conn: MARKET, state: ConnState::Up }, around),
                Told::Down => self.input(InputKind::Conn { conn: MARKET, state: ConnState::Down }, around),
                Told::Message(bytes) => self.input(InputKind::Bytes { conn: MARKET, bytes: &bytes }, around),
            }
        }
    }

    fn fetch(
        &mut self,
        at: usize,
        around: &mut Around<'_>,
        call: impl FnOnce(&mut SnapshotFetch, &mut dyn FnMut(LinkEvent<'_>)),
    ) {
        let mut told = Vec::new();
        let (fetch, wire) = &mut self.links.fetches[at];
        call(fetch, &mut |event| told.extend(owned(event)));
        if let Some(wire) = *wire {
            around.net.engine_sends(wire, around.now, fetch.out(), around.plan, around.rng);
        }
        fetch.out_taken();
        match fetch.action() {
            Some(LinkAction::Connect) => *wire = Some(connect(Carries::Snapshot(at), around)),
            Some(_) => {
                if let Some(wire) = wire.take() {
                    around.net.engine_leaves(wire, around.now, true, around.rng);
                }
            }
            None => {}
        }
        for event in told {
            if let Told::Message(bytes) = event {
                let conn = ConnId::snapshot(InstrumentId(at as u16));
                self.input(InputKind::Bytes { conn, bytes: &bytes }, around);
            }
        }
    }

    /// What this side of the network sees.
    pub fn on_news(&mut self, news: News, around: &mut Around<'_>) {
        if !self.is_alive() {
            return;
        }
        let now = UnixNanos(around.now);
        let id = match news {
            News::Made(id) | News::Refused(id) | News::AtEngine(id, _) | News::EngineEnd(id) => id,
            _ => return,
        };
        if self.links.orders_wire == Some(id) {
            return self.on_orders_news(news, around);
        }
        if self.links.feed_wire == Some(id) {
            return self.feed(around, |feed, sink| match news {
                News::Made(_) => feed.on_up(now),
                News::AtEngine(_, bytes) => feed.on_bytes(now, &bytes, &mut |event| sink(event)),
                News::Refused(_) => feed.on_down(now, Code::ConnectFailed, &mut |event| sink(event)),
                _ => feed.on_down(now, Code::ConnectionLost, &mut |event| sink(event)),
            });
        }
        if let Some(at) = self.links.fetches.iter().position(|(_, wire)| *wire == Some(id)) {
            self.fetch(at, around, |fetch, sink| match news {
                News::Made(_) => fetch.on_up(),
                News::AtEngine(_, bytes) => fetch.on_bytes(now, &bytes, &mut |event| sink(event)),
                News::Refused(_) => fetch.on_down(now, Code::ConnectFailed, &mut |event| sink(event)),
                _ => fetch.on_down(now, Code::ConnectionLost, &mut |event| sink(event)),
            });
        }
    }

    fn on_orders_news(&mut self, news: News, around: &mut Around<'_>) {
        match news {
            News::Made(_) => {
                self.links.orders_up = Some(around.now);
                self.input(InputKind::Conn { conn: ORDERS, state: ConnState::Up }, around);
            }
            News::AtEngine(_, bytes) => self.input(InputKind::Bytes { conn: ORDERS, bytes: &bytes }, around),
            News::Refused(_) => self.leave_orders(true, around),
            _ => {
                self.leave_orders(true, around);
                self.input(InputKind::Conn { conn: ORDERS, state: ConnState::Down }, around);
            }
        }
    }

    /// The process dies; its sockets are closed by the system.
    fn die(&mut self, around: &mut Around<'_>) {
        around.say(|| "the engine dies".into());
        self.doom = None;
        let fresh = Links::new(&self.setup, around.rng);
        let links = core::mem::replace(&mut self.links, fresh);
        let fetches = links.fetches.iter().filter_map(|(_, wire)| *wire);
        for wire in [links.feed_wire, links.orders_wire].into_iter().flatten().chain(fetches) {
            around.net.engine_leaves(wire, around.now, true, around.rng);
        }
        self.dead_until = Some(around.now + between(around.rng, 5, 3_000) * MILLI);
    }

    /// A new process takes the journal up.
    fn revive(&mut self, around: &mut Around<'_>) {
        around.say(|| "the engine is back".into());
        let recovered = self.memory.recover(&self.setup, &mut self.effects);
        (self.engine, self.timers) = (recovered.engine, recovered.timers);
        self.dead_until = None;
        self.lives += 1;
        around.checks.gate(&self.engine);
        self.reviving = true;
        for conn in recovered.up {
            self.input(InputKind::Conn { conn, state: ConnState::Down }, around);
        }
        self.reviving = false;
    }
}

/// A link's event that outlives the call.
enum Told {
    Up,
    Down,
    Message(Vec<u8>),
}

fn owned(event: LinkEvent<'_>) -> Option<Told> {
    match event {
        LinkEvent::Up => Some(Told::Up),
        LinkEvent::Down => Some(Told::Down),
        LinkEvent::Message(bytes) => Some(Told::Message(bytes.to_vec())),
        LinkEvent::Stamp(_) | LinkEvent::Fault(_) => None,
    }
}

fn connect(carries: Carries, around: &mut Around<'_>) -> u64 {
    let refused = !around.calm && super::plan::chance(around.rng, around.plan.refuse_connect);
    let open = around.venue_open && !refused;
    around.net.connect(carries, around.now, open, around.plan, around.rng)
}

/// A turn in words, for a trace.
fn told(input: &Input<'_>, effects: &Effects) -> String {
    let mut text = match input.kind {
        InputKind::Bytes { conn: ORDERS, bytes } => format!("#{} <- {}", input.turn, readable(bytes)),
        InputKind::Bytes { conn, bytes } => format!("#{} {conn:?} {} bytes", input.turn, bytes.len()),
        kind => format!("#{} {kind:?}", input.turn),
    };
    for effect in effects {
        match effect {
            EffectRef::Send { bytes, .. } => text += &format!("\n                -> {}", readable(bytes)),
            EffectRef::Order(event) => {
                text += &format!(
                    "\n                {:?} {:?} state {} reason {} request {} lots {} filled {}",
                    event.kind(),
                    event.order_id(),
                    event.state,
                    event.reason,
                    event.request,
                    event.quantity.0,
                    event.filled.0
                );
            }
            EffectRef::Event(event) => {
                let kind = event.kind();
                let quiet = [EventKind::Touch, EventKind::Depth, EventKind::Trade, EventKind::Volatility];
                if kind.is_some_and(|kind| !quiet.contains(&kind)) {
                    text += &format!("\n                {kind:?} {} code {}", event.detail, event.code);
                }
            }
            EffectRef::Timer { id, at } => text += &format!("\n                timer {} at {}", id.0, at.0 - START.0),
        }
    }
    text
}

fn readable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\u{1}', "|")
}
