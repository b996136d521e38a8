//! # Room card: driver/tests/faults/venue
//! In:    what the venue's side of the connections sees, time.
//! Out:   the exchange's frames, answers and reports on the connections; its ledger.
//! Holds: lines are in the ledger before what they stand for is sent; a crash keeps what was written and nothing else.
//! Costs: tests only.
use std::collections::BTreeMap;

use fafnir_driver::exchange::{Exchange, ExchangeStats};
use types::UnixNanos;
use wire::http::{RequestReader, response};
use wire::ws::{self, Opcode, WsDecoder, WsMessage, WsRole, server_response, upgrade_key};

use super::client::Around;
use super::pipes::{Carries, News};
use super::plan::{MILLI, Plan, START, between, chance};
use super::spoil;
use super::truth::Truth;

/// The exchange looks at its sessions at least this often.
const LOOK: u64 = 50 * MILLI;

enum Peer {
    Market { reader: Box<RequestReader>, decoder: Box<WsDecoder>, open: bool },
    Orders,
    Snapshot { reader: Box<RequestReader> },
}

/// The venue's process.
pub struct Venue {
    exchange: Option<Exchange>,
    pub ledger: Vec<u8>,
    peers: BTreeMap<u64, Peer>,
    look: u64,
    back_at: u64,
    lives: u64,
    /// It dies in its next turn that writes.
    pub doomed: bool,
    /// Faults of its own configuration.
    faults: bool,
    /// Answers that wait: when, to whom, bytes.
    late: Vec<(u64, u64, Vec<u8>)>,
}

fn open(plan: &Plan, life: u64, at: UnixNanos, ledger: &[u8], faults: bool, truth: &mut Truth) -> Exchange {
    let (config, setup) = plan.exchange(life, at, faults);
    let mut exchange = Exchange::open(&config, &setup, ledger, at).unwrap_or_else(|fault| panic!("{fault}"));
    for (i, instrument) in setup.instruments.iter().enumerate() {
        exchange.on_snapshot_request(u64::MAX, instrument.symbol_bytes(), at);
        truth.books.begin(life, i, &exchange.pop_answer().expect("a generated market has a book at once").body);
    }
    exchange
}

impl Venue {
    pub fn new(plan: &Plan, truth: &mut Truth) -> Venue {
        Venue {
            exchange: Some(open(plan, 0, START, &[], true, truth)),
            ledger: Vec::new(),
            peers: BTreeMap::new(),
            look: START.0,
            back_at: 0,
            lives: 1,
            doomed: false,
            faults: true,
            late: Vec::new(),
        }
    }
    pub fn is_open(&self) -> bool {
        self.exchange.is_some()
    }
    pub fn lives(&self) -> u64 {
        self.lives
    }
    pub fn stats(&self, now: u64) -> Option<ExchangeStats> {
        self.exchange.as_ref().map(|exchange| exchange.stats(UnixNanos(now)))
    }

    pub fn due(&self) -> u64 {
        let late = self.late.iter().map(|late| late.0).min().unwrap_or(u64::MAX);
        if self.exchange.is_some() { self.look.min(late) } else { self.back_at }
    }

    /// What this side of the network sees.
    pub fn on_news(&mut self, news: News, around: &mut Around<'_>) {
        let wall = UnixNanos(around.now);
        let Some(exchange) = &mut self.exchange else {
            if let News::Accepted(id, _) = news {
                around.net.venue_leaves(id, around.now, true, around.rng);
            }
            return;
        };
        match news {
            News::Accepted(id, carries) => {
                let reader = Box::new(RequestReader::new(0));
                let peer = match carries {
                    Carries::Market => {
                        let decoder = Box::new(WsDecoder::new(WsRole::Server, 1 << 16));
                        Peer::Market { reader, decoder, open: false }
                    }
                    Carries::Orders => {
                        assert!(exchange.orders_connected(id, wall));
                        Peer::Orders
                    }
                    Carries::Snapshot(_) => Peer::Snapshot { reader },
                };
                self.peers.insert(id, peer);
            }
            News::AtVenue(id, bytes) => self.on_bytes(id, &bytes, around),
            News::VenueEnd(id) => self.forget(id, around),
            _ => {}
        }
        self.look = around.now;
    }

    fn forget(&mut self, id: u64, around: &mut Around<'_>) {
        let Some(exchange) = &mut self.exchange else { return };
        match self.peers.remove(&id) {
            Some(Peer::Market { open: true, .. }) => exchange.market_disconnected(),
            Some(Peer::Orders) => exchange.orders_disconnected(id, UnixNanos(around.now)),
            Some(Peer::Snapshot { .. }) => exchange.snapshot_unwanted(id),
            _ => {}
        }
        around.net.venue_leaves(id, around.now, false, around.rng);
    }

    fn on_bytes(&mut self, id: u64, bytes: &[u8], around: &mut Around<'_>) {
        let (Some(exchange), Some(peer)) = (&mut self.exchange, self.peers.get_mut(&id)) else { return };
        let wall = UnixNanos(around.now);
        let mut out = Vec::new();
        let mut ended = false;
        match peer {
            Peer::Orders => exchange.on_orders_bytes(id, bytes, wall),
            Peer::Snapshot { reader } => {
                let step = reader.next(bytes).expect("the engine's request is valid");
                if let Some(request) = step.message {
                    let symbol = request.target.split_once("symbol=").expect("it names a symbol").1;
                    exchange.on_snapshot_request(id, symbol.as_bytes(), wall);
                }
            }
            Peer::Market { reader, decoder, open } => {
                let mut rest = bytes;
                if !*open {
                    let step = reader.next(rest).expect("the engine's request is valid");
                    rest = &rest[step.consumed..];
                    if let Some(request) = step.message {
                        server_response(&mut out, upgrade_key(&request).expect("it asks for an upgrade"));
                        out.extend_from_slice(&exchange.market_connected(wall));
                        *open = true;
                    }
                }
                while *open && !rest.is_empty() && !ended {
                    let step = decoder.next(rest).expect("the engine's frames are valid");
                    rest = &rest[step.consumed..];
                    match step.message {
                        Some(WsMessage::Ping(payload)) => ws::frame(&mut out, Opcode::Pong, payload, None),
                        Some(WsMessage::Close { code, .. }) => {
                            ws::close_frame(&mut out, code, "", None);
                            ended = true;
                        }
                        _ => {}
                    }
                }
            }
        }
        around.net.venue_sends(id, around.now, &out, around.plan, around.rng);
        if ended {
            self.forget(id, around);
        }
    }

    /// Says goodbye to market-data clients.
    pub fn close_market(&mut self, around: &mut Around<'_>) {
        let open = |peer: &Peer| matches!(peer, Peer::Market { open: true, .. });
        for id in self.peers.iter().filter(|(_, peer)| open(peer)).map(|(&id, _)| id) {
            let mut out = Vec::new();
            ws::close_frame(&mut out, Some(ws::close::GOING_AWAY), "", None);
            around.net.venue_sends(id, around.now, &out, around.plan, around.rng);
        }
    }

    /// Time has come to now: the exchange's turn, and what it has to send.
    pub fn on_time(&mut self, around: &mut Around<'_>) {
        if self.exchange.is_none() && around.now >= self.back_at {
            self.exchange =
                Some(open(around.plan, self.lives, UnixNanos(around.now), &self.ledger, self.faults, around.truth));
            self.lives += 1;
            around.say(|| "the venue is back".into());
        }
        let now = around.now;
        let (ready, late) = core::mem::take(&mut self.late).into_iter().partition(|late| late.0 <= now);
        self.late = late;
        let ready: Vec<(u64, u64, Vec<u8>)> = ready;
        for (_, id, bytes) in ready {
            self.reply(id, &bytes, around);
        }
        let Some(exchange) = &mut self.exchange else { return };
        let wall = UnixNanos(around.now);
        exchange.turn(wall).expect("a generated market plays");
        if self.doomed && !exchange.ledger_lines().is_empty() {
            return self.die(around);
        }
        self.ledger.extend_from_slice(exchange.ledger_lines());
        around.truth.ledger(exchange.ledger_lines());
        exchange.ledger_written();
        self.send(around);
        let Some(exchange) = &mut self.exchange else { return };
        let next = exchange.due_in(wall).expect("a generated market plays");
        self.look = around.now + next.map_or(LOOK, |next| (next.0 as u64).clamp(1, LOOK));
    }

    fn send(&mut self, around: &mut Around<'_>) {
        let Some(exchange) = &mut self.exchange else { return };
        if !exchange.feed().is_empty() {
            spoil::each_text(exchange.feed(), |message| around.truth.books.message(message));
            for (&id, peer) in &self.peers {
                if matches!(peer, Peer::Market { open: true, .. }) {
                    let frames = spoil::frames(exchange.feed(), around);
                    around.net.venue_sends(id, around.now, &frames, around.plan, around.rng);
                }
            }
            exchange.feed_sent();
        }
        let mut ended = Vec::new();
        exchange.drain_orders(|id, bytes, close| {
            around.truth.venue_sends(bytes);
            let spoiled = spoil::messages(bytes, around);
            around.net.venue_sends(id, around.now, &spoiled, around.plan, around.rng);
            if close {
                ended.push(id);
            }
        });
        let mut answers = Vec::new();
        while let Some(answer) = exchange.pop_answer() {
            answers.push(answer);
        }
        for id in ended {
            self.forget(id, around);
        }
        for answer in answers {
            self.answer(answer.key, answer.status, &answer.body, around);
        }
    }

    /// Answers a snapshot request: in time, late, wrongly, or never.
    fn answer(&mut self, id: u64, status: u16, body: &[u8], around: &mut Around<'_>) {
        let trouble = !around.calm && chance(around.rng, around.plan.snapshot_trouble);
        let mut out = Vec::new();
        match if trouble { around.rng.below(5) } else { 9 } {
            0 => return,
            1 => response(&mut out, 404, "text/plain", b"no such thing", false),
            2 => response(&mut out, 200, "application/json", &body[..body.len() / 2], false),
            3 => {
                response(&mut out, status, "application/json", body, false);
                let at = around.now + between(around.rng, 50, 6_000) * MILLI;
                return self.late.push((at, id, out));
            }
            4 => {
                response(&mut out, status, "application/json", body, false);
                out.truncate(out.len() * 2 / 3);
            }
            _ => response(&mut out, status, "application/json", body, false),
        }
        self.reply(id, &out, around);
    }

    fn reply(&mut self, id: u64, bytes: &[u8], around: &mut Around<'_>) {
        if self.peers.remove(&id).is_some() {
            around.net.venue_sends(id, around.now, bytes, around.plan, around.rng);
            around.net.venue_leaves(id, around.now, false, around.rng);
        }
    }

    /// The process dies in a turn: its lines are written all, in part or not at all, and nothing of it is sent.
    pub fn die(&mut self, around: &mut Around<'_>) {
        let Some(exchange) = self.exchange.take() else { return };
        let lines = exchange.ledger_lines();
        let kept = match around.rng.below(3) {
            0 => 0,
            1 => lines.len(),
            _ => around.rng.below(lines.len() as u64 + 1) as usize,
        };
        let whole = lines[..kept].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        self.ledger.extend_from_slice(&lines[..whole]);
        around.truth.ledger(&lines[..whole]);
        around.say(|| "the venue dies".into());
        for &id in self.peers.keys() {
            around.net.venue_leaves(id, around.now, true, around.rng);
        }
        self.peers.clear();
        self.late.clear();
        self.doomed = false;
        self.back_at = around.now + between(around.rng, 100, 4_000) * MILLI;
    }

    /// From now on it makes no faults of its own; one that makes some is started anew.
    pub fn heal(&mut self, around: &mut Around<'_>) {
        self.faults = false;
        self.doomed = false;
        if around.plan.mute_after.is_some() && self.exchange.is_some() {
            self.die(around);
        }
    }
}
