//! # Room card: driver/tests/faults/pipes
//! In:    bytes written at either end of a connection; ends, cuts and holds.
//! Out:   the same bytes later, in pieces, in order; the end of a connection, to each side at its own time.
//! Holds: within one direction of one connection nothing is reordered; what was under way at a cut is lost.
//! Costs: tests only.
use std::collections::VecDeque;

use types::rng::SplitMix64;

use super::plan::{Cuts, MILLI, Plan, between, chance};

/// One direction of a connection.
#[derive(Debug, Default)]
pub struct Pipe {
    pieces: VecDeque<(u64, Vec<u8>)>,
    last: u64,
    held_until: u64,
    end: Option<u64>,
}

impl Pipe {
    fn write(&mut self, now: u64, bytes: &[u8], latency: u64, plan: &Plan, rng: &mut SplitMix64) {
        if self.end.is_some() {
            return;
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let length = match plan.cuts {
                Cuts::Whole => rest.len(),
                Cuts::Some if rng.below(4) > 0 => rest.len(),
                Cuts::Some => 1 + rng.below(rest.len() as u64) as usize,
                Cuts::EveryByte => 1 + rng.below(3) as usize,
            }
            .min(rest.len());
            let jitter = if plan.jitter == 0 { 0 } else { rng.below(plan.jitter) };
            self.last = (now + latency + jitter).max(self.held_until).max(self.last);
            self.pieces.push_back((self.last, rest[..length].to_vec()));
            rest = &rest[length..];
        }
    }

    /// When the reader has something to see.
    fn due(&self) -> Option<u64> {
        [self.pieces.front().map(|piece| piece.0), self.end].into_iter().flatten().min()
    }

    /// What has come by now, and whether that was all.
    fn read(&mut self, now: u64, bytes: &mut Vec<u8>) -> bool {
        while self.pieces.front().is_some_and(|piece| piece.0 <= now) {
            bytes.extend_from_slice(&self.pieces.pop_front().unwrap().1);
        }
        self.end.is_some_and(|end| end <= now)
    }

    /// The writer closed in good order: the end comes after the last byte.
    fn finish(&mut self, at: u64) {
        self.end = Some(self.end.map_or(at.max(self.last), |end| end.min(at.max(self.last))));
    }

    /// The connection breaks for the reader at this time.
    fn cut(&mut self, at: u64) {
        self.end = Some(self.end.map_or(at, |end| end.min(at)));
        self.pieces.retain(|piece| piece.0 < at);
    }
}

/// What a connection carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Carries {
    Market,
    Orders,
    Snapshot(usize),
}

/// A connection between engine and venue.
#[derive(Debug)]
pub struct Wire {
    pub id: u64,
    pub carries: Carries,
    /// When the venue and the engine hear that it is made; `None` once they have.
    accepted: Option<u64>,
    made: Option<u64>,
    refused: bool,
    to_venue: Pipe,
    to_engine: Pipe,
    venue_gone: bool,
    engine_gone: bool,
}

/// What one side sees.
#[derive(Debug)]
pub enum News {
    Accepted(u64, Carries),
    AtVenue(u64, Vec<u8>),
    VenueEnd(u64),
    Made(u64),
    Refused(u64),
    AtEngine(u64, Vec<u8>),
    EngineEnd(u64),
}

/// Every connection there is.
#[derive(Debug, Default)]
pub struct Net {
    wires: Vec<Wire>,
    next: u64,
}

impl Net {
    /// The engine connects; it hears of it later. `open`: the venue is there.
    pub fn connect(&mut self, carries: Carries, now: u64, open: bool, plan: &Plan, rng: &mut SplitMix64) -> u64 {
        self.next += 1;
        let accepted = now + between(rng, 1, 20) * MILLI / 2;
        self.wires.push(Wire {
            id: self.next,
            carries,
            accepted: open.then_some(accepted),
            made: Some(accepted + plan.latency[0]),
            refused: !open,
            to_venue: Pipe::default(),
            to_engine: Pipe::default(),
            venue_gone: !open,
            engine_gone: false,
        });
        self.next
    }

    fn find(&mut self, id: u64) -> Option<&mut Wire> {
        self.wires.iter_mut().find(|wire| wire.id == id)
    }

    pub fn engine_sends(&mut self, id: u64, now: u64, bytes: &[u8], plan: &Plan, rng: &mut SplitMix64) {
        if let Some(wire) = self.find(id).filter(|wire| !wire.engine_gone) {
            wire.to_venue.write(now, bytes, plan.latency[1], plan, rng);
        }
    }
    pub fn venue_sends(&mut self, id: u64, now: u64, bytes: &[u8], plan: &Plan, rng: &mut SplitMix64) {
        if let Some(wire) = self.find(id).filter(|wire| !wire.venue_gone) {
            let latency = if wire.carries == Carries::Orders { plan.latency[2] } else { plan.latency[0] };
            wire.to_engine.write(now, bytes, latency, plan, rng);
        }
    }

    /// The engine's side closes its socket; with `reset` what it sent may be lost.
    pub fn engine_leaves(&mut self, id: u64, now: u64, reset: bool, rng: &mut SplitMix64) {
        if let Some(wire) = self.find(id) {
            wire.engine_gone = true;
            let at = now + between(rng, 1, 30) * MILLI;
            if reset { wire.to_venue.cut(at) } else { wire.to_venue.finish(at) }
        }
    }
    pub fn venue_leaves(&mut self, id: u64, now: u64, reset: bool, rng: &mut SplitMix64) {
        if let Some(wire) = self.find(id) {
            wire.venue_gone = true;
            let at = now + between(rng, 1, 30) * MILLI;
            if reset { wire.to_engine.cut(at) } else { wire.to_engine.finish(at) }
        }
    }
    /// The network breaks a connection: each side sees it at its own time, up to three seconds apart.
    pub fn cut(&mut self, carries: Carries, now: u64, rng: &mut SplitMix64) {
        for wire in self.wires.iter_mut().filter(|wire| wire.carries == carries) {
            let far = |rng: &mut SplitMix64| if chance(rng, 3_000) { 3_000 } else { 30 };
            let (one, other) = (far(rng), far(rng));
            wire.to_venue.cut(now + between(rng, 0, one) * MILLI);
            wire.to_engine.cut(now + between(rng, 0, other) * MILLI);
        }
    }
    /// Bytes of a direction wait.
    pub fn hold(&mut self, carries: Carries, to_engine: bool, until: u64) {
        for wire in self.wires.iter_mut().filter(|wire| wire.carries == carries) {
            let pipe = if to_engine { &mut wire.to_engine } else { &mut wire.to_venue };
            pipe.held_until = until;
        }
    }
    /// Nothing is held any more.
    pub fn heal(&mut self) {
        for wire in &mut self.wires {
            (wire.to_engine.held_until, wire.to_venue.held_until) = (0, 0);
        }
    }
    /// Is nothing under way in order entry?
    pub fn orders_quiet(&self) -> bool {
        let quiet = |wire: &Wire| {
            (wire.engine_gone || wire.to_engine.pieces.is_empty())
                && (wire.venue_gone || wire.to_venue.pieces.is_empty())
        };
        self.wires.iter().filter(|wire| wire.carries == Carries::Orders).all(quiet)
    }

    /// When either side has something to see.
    pub fn due(&self) -> Option<u64> {
        let wires = self.wires.iter().flat_map(|wire| {
            let venue = wire.accepted.or_else(|| wire.to_venue.due()).filter(|_| !wire.venue_gone);
            let engine = wire.made.or_else(|| wire.to_engine.due()).filter(|_| !wire.engine_gone);
            [venue, engine]
        });
        wires.flatten().min()
    }

    /// What has come by now, one piece of news a side and connection.
    pub fn take(&mut self, now: u64, news: &mut Vec<News>) {
        for wire in &mut self.wires {
            if !wire.venue_gone {
                if wire.accepted.is_some_and(|at| at <= now) {
                    wire.accepted = None;
                    news.push(News::Accepted(wire.id, wire.carries));
                }
                if wire.accepted.is_none() {
                    let mut bytes = Vec::new();
                    let ended = wire.to_venue.read(now, &mut bytes);
                    if !bytes.is_empty() {
                        news.push(News::AtVenue(wire.id, bytes));
                    }
                    if ended {
                        wire.venue_gone = true;
                        news.push(News::VenueEnd(wire.id));
                    }
                }
            }
            if wire.engine_gone {
                continue;
            }
            if wire.made.is_some_and(|at| at <= now) {
                wire.made = None;
                if wire.refused {
                    wire.engine_gone = true;
                    news.push(News::Refused(wire.id));
                    continue;
                }
                news.push(News::Made(wire.id));
            }
            if wire.made.is_none() {
                let mut bytes = Vec::new();
                let ended = wire.to_engine.read(now, &mut bytes);
                if !bytes.is_empty() {
                    news.push(News::AtEngine(wire.id, bytes));
                }
                if ended {
                    wire.engine_gone = true;
                    news.push(News::EngineEnd(wire.id));
                }
            }
        }
        self.wires.retain(|wire| !(wire.venue_gone && wire.engine_gone));
    }
}
