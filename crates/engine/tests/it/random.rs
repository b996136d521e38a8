//! Garbage and half-garbage, a quarter of a million inputs: no panic, the laws of every turn, the same bytes again.
use crate::common;

use common::{ABC, MARKET, ORDERS, QUOTER, Rig, SNAPSHOT, Turn};
use types::event::flag;
use types::rng::SplitMix64;
use types::{
    Command, CommandKind, ConnId, ConnState, Control, Event, EventKind, InputKind, InstrumentId, Lots, OrderEvent,
    OrderEventKind, Side, Ticks, TimerId, UnixNanos,
};
use zerocopy::{FromBytes, IntoBytes};

/// FAFUSDT with a native quoter on a byte feed, and a pushed instrument of another venue.
fn config() -> String {
    let quoter = QUOTER.replace("ABC", "FAFUSDT");
    format!(
        r#"{{ "venues": [{{ "name": "V" }}, {{ "name": "W", "feed": "normalised" }}],
        "volatility": {{ "window": 5 }}, "orders": {{ "maxOrders": 64, "ackTimeoutMillis": 50 }},
        "breaker": {{ "failures": 50, "windowMillis": 1000, "recoveryMillis": 100 }},
        "instruments": [
            {{ "symbol": "FAFUSDT", "venue": "V", "tickSize": "0.1", "lotSize": "0.001", "priceDecimals": 2,
               "risk": {{ "maxPosition": "10" }} }},
            {{ "symbol": "XYZ", "venue": "W", "tickSize": "0.01", "lotSize": "1" }}],
        "quoters": [{quoter}] }}"#
    )
}

struct Storm {
    rng: SplitMix64,
    rig: Rig,
    frames: Vec<Vec<u8>>,
    at: usize,
    /// Requests seen, to be answered in ways right and wrong.
    requests: Vec<OrderEvent>,
    hash: u64,
}

impl Storm {
    fn new(seed: u64, frames: &[Vec<u8>]) -> Storm {
        let mut rig = Rig::up(&config());
        rig.conn(ConnId(2), ConnState::Up);
        rig.conn(ConnId(3), ConnState::Up);
        let rng = SplitMix64::new(seed);
        Storm { rng, rig, frames: frames.to_vec(), at: 0, requests: Vec::new(), hash: 0xcbf2_9ce4_8422_2325 }
    }

    /// Small, extreme, or any.
    fn number(&mut self) -> i64 {
        match self.rng.below(8) {
            0 => self.rng.next_u64() as i64,
            1 => [i64::MIN, i64::MAX, -1, 0][self.rng.below(4) as usize],
            2 | 3 => 900 + self.rng.below(200) as i64,
            _ => self.rng.below(30) as i64 - 2,
        }
    }

    fn frame(&mut self) -> Turn {
        let mut bytes = self.frames[self.at % self.frames.len()].clone();
        let snapshot = bytes.windows(12).any(|window| window == b"lastUpdateId");
        self.at += 1;
        match self.rng.below(300) {
            0 => bytes.truncate(self.rng.below(bytes.len() as u64) as usize),
            1 | 2 => {
                for _ in 0..=self.rng.below(4) {
                    let at = self.rng.below(bytes.len() as u64) as usize;
                    bytes[at] = self.rng.next_u64() as u8;
                }
            }
            3 => self.at += self.rng.below(4) as usize,
            _ => {}
        }
        let conn = match self.rng.below(100) {
            0 => ConnId(self.rng.next_u64() as u16),
            _ if snapshot => SNAPSHOT,
            _ => MARKET,
        };
        self.rig.input(InputKind::Bytes { conn, bytes: &bytes })
    }

    fn command(&mut self) -> Turn {
        let mut command = Command::read_from_bytes(&[0; 64]).unwrap();
        command.kind = [1, 1, 1, 2, 2, 3, 3, 4, 5, 6][self.rng.below(10) as usize];
        if self.rng.below(10) == 0 {
            command.kind = self.rng.next_u64() as u8;
        }
        // A failed strategy would end the storm early; it is rare.
        if command.kind == CommandKind::StrategyFault as u8 && self.rng.below(100) > 0 {
            command.kind = 2;
        }
        (command.flags, command.instrument) = (self.rng.next_u64() as u8, self.rng.below(3) as u16);
        (command.side, command.client_id) = (1 + self.rng.below(2) as u8, self.rng.below(40));
        (command.price, command.quantity) = (self.number(), self.number());
        (command.id, command.at) = (TimerId::FIRST_USER.0 + self.rng.below(9), self.number() as u64);
        let bytes = command.as_bytes();
        match self.rng.below(40) {
            0 => self.rig.raw(&bytes[..self.rng.below(64) as usize]),
            1 => {
                let text =
                    QUOTER.replace("ABC", "FAFUSDT").replace("2.0", ["3.0", "0.5", "-1"][self.rng.below(3) as usize]);
                self.rig.text_command(CommandKind::SetQuoter, &text, |_| ())
            }
            _ => self.rig.raw(bytes),
        }
    }

    fn report(&mut self) -> Turn {
        let Some(at) =
            self.requests.len().checked_sub(1).map(|last| last - self.rng.below(last as u64 + 1) as usize % 8)
        else {
            return self.frame();
        };
        let request = self.requests[at];
        let order = self.rig.engine.orders().order(request.order_id());
        let left = order.map_or(0, |order| order.open_lots().0);
        let mut report = request;
        report.kind = match (request.kind().unwrap(), self.rng.below(4)) {
            // Mostly fills that can be; now and then one of an order that has ended, or beyond its quantity.
            (_, 0) if left > 0 || self.rng.below(50) == 0 => OrderEventKind::Fill,
            (OrderEventKind::New, 1) => OrderEventKind::Rejected,
            (OrderEventKind::New, _) => OrderEventKind::Accepted,
            (OrderEventKind::Cancel, 1) => OrderEventKind::CancelRejected,
            (OrderEventKind::Cancel, _) => OrderEventKind::Cancelled,
            (_, 1) => OrderEventKind::ReplaceRejected,
            _ => OrderEventKind::Replaced,
        } as u8;
        (report.last_price, report.filled) = (request.price, Lots(0));
        report.last_lots = Lots(1 + self.rng.below(left.clamp(1, 12) as u64) as i64);
        // Beyond garbage in single fields, whole records of it.
        match self.rng.below(200) {
            0 => {
                let mut bytes: [u8; 128] = report.as_bytes().try_into().unwrap();
                for _ in 0..3 {
                    bytes[self.rng.below(128) as usize] = self.rng.next_u64() as u8;
                }
                report = OrderEvent::read_from_bytes(&bytes).unwrap();
                // What is filled in one go stays in a range in which sums can be told apart from overflow.
                report.last_lots = Lots(report.last_lots.0.clamp(-1, 1 << 40));
            }
            1 => (report.instrument, report.side) = (self.rng.below(4) as u16, self.rng.below(4) as u8),
            2 => report.filled = Lots(self.rng.below(20) as i64),
            _ => {}
        }
        self.rig.report(&report)
    }

    fn event(&mut self) -> Turn {
        let mut event = Event::new(EventKind::Touch, InstrumentId(self.rng.below(20).min(1) as u16));
        (event.side, event.price, event.id) = (1 + self.rng.below(2) as u8, Ticks(self.number()), self.rig.now);
        (event.quantity, event.flags) = (Lots(self.number()), flag::LAST);
        if self.rng.below(10) == 0 {
            (event.kind, event.side, event.id) =
                (self.rng.below(14) as u8, self.rng.below(4) as u8, self.rng.next_u64());
            event.instrument = self.rng.below(4) as u16;
        }
        self.rig.input(InputKind::Market(&event))
    }

    /// One input. `rare` lets the kill switch and the close happen.
    fn step(&mut self, rare: bool) {
        // Moments of silence, so that time-outs and recoveries happen.
        if self.rng.below(50) == 0 {
            self.rig.now += self.rng.below(200) * common::MILLI;
        }
        if !self.rig.engine.book_valid(ABC) && self.rng.below(100) == 0 {
            // The fixture from its start, on a new connection: its snapshot may join again.
            self.at = 0;
            self.rig.conn(MARKET, ConnState::Down);
        }
        let turn = match self.rng.below(100) {
            0..50 => self.frame(),
            50..75 => self.report(),
            75..88 => self.command(),
            88..93 => self.event(),
            93..96 => {
                let id = [1, 2, 3, 4, TimerId::FIRST_USER.0 + 1][self.rng.below(5) as usize];
                self.rig.timer(TimerId(id))
            }
            96..99 => {
                let conn = [ORDERS, ORDERS, SNAPSHOT, ConnId(3), ConnId(77)][self.rng.below(5) as usize];
                let state = ConnState::from_u8(1 + self.rng.below(4) as u8).unwrap();
                self.rig.conn(conn, state);
                // The storm is about orders: connections that stay down would end it.
                self.rig.conn(conn, ConnState::Up)
            }
            _ if rare => self.rig.control(if self.rng.below(2) == 0 { Control::Kill } else { Control::Close }),
            _ => self.frame(),
        };
        self.within_the_gate(&turn);
        self.requests.extend(turn.orders.iter().filter(|event| event.kind().unwrap().is_request()));
        let keep = self.requests.len().saturating_sub(64);
        self.requests.drain(..keep);
        for &byte in self.rig.effects.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// A new native quote leaves its side within the inventory limit, whatever else is open there.
    fn within_the_gate(&self, turn: &Turn) {
        let engine = &self.rig.engine;
        let max = engine.quoter(ABC).unwrap().params().max_inventory_lots.0;
        for order in &turn.orders {
            if order.kind() != Some(OrderEventKind::New) || order.client_id != 0 {
                continue;
            }
            let side = order.side().unwrap();
            let directed = i128::from(engine.orders().position(ABC).lots.0) * i128::from(side.sign());
            let open = i128::from(engine.orders().open_lots(ABC, side).0);
            let limit = i128::from(max).max(-directed);
            let held = if directed <= -i128::from(max) { open } else { directed + open };
            assert!(held <= limit, "{order:?}: {directed} and {open} open, limit {max}");
        }
    }
}

fn frames() -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(testkit::fixture("usdm-small.txt")).unwrap();
    text.lines().map(|line| line.split_once(' ').unwrap().1.as_bytes().to_vec()).collect()
}

fn storm(seed: u64, inputs: u64, frames: &[Vec<u8>]) -> Storm {
    let mut storm = Storm::new(seed, frames);
    for i in 0..inputs {
        storm.step(i > inputs * 9 / 10);
    }
    storm
}

#[test]
fn a_quarter_of_a_million_inputs() {
    let frames = frames();
    let (mut orders, mut fills, mut cancels, mut refused) = (0, 0, 0, 0);
    for seed in 0..25 {
        println!("seed {seed}");
        let storm = storm(seed, 10_000, &frames);
        let counts = storm.rig.engine.counts();
        orders += counts.new_orders;
        cancels += counts.cancels;
        refused += counts.refused.seen().map(|(_, n)| n).sum::<u64>();
        fills += storm.rig.engine.orders().counts().of(OrderEventKind::Fill);
        assert_eq!(counts.faults.of(types::Code::EffectsFull), 0);
    }
    // A storm that reaches nothing proves nothing.
    assert!(
        orders > 2_500 && fills > 2_500 && cancels > 1_500 && refused > 1_500,
        "{orders} {fills} {cancels} {refused}"
    );
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let frames = frames();
    let hashes: Vec<_> = (100..104).map(|seed| storm(seed, 4_000, &frames).hash).collect();
    for (i, hash) in hashes.iter().enumerate() {
        assert_eq!(storm(100 + i as u64, 4_000, &frames).hash, *hash);
    }
    assert!(hashes.windows(2).all(|pair| pair[0] != pair[1]), "another seed, other bytes");
}

/// Frames of pure noise on every connection, and noise for every kind of record.
#[test]
fn noise() {
    let (mut rng, mut rig) = (SplitMix64::new(77), Rig::up(&config()));
    let mut noise = |most: u64| -> Vec<u8> {
        let length = rng.below(most + 1);
        (0..length).map(|_| rng.next_u64() as u8).collect()
    };
    for i in 0..20_000u64 {
        let bytes = noise(200);
        match i % 4 {
            0 => drop(rig.input(InputKind::Bytes { conn: ConnId((i / 4 % 5) as u16), bytes: &bytes })),
            1 => drop(rig.raw(&bytes)),
            2 => {
                let mut padded = bytes;
                padded.resize(64, 7);
                drop(rig.input(InputKind::Market(&Event::read_from_bytes(&padded).unwrap())));
            }
            _ => {
                let mut padded = bytes;
                padded.resize(128, 3);
                drop(rig.report(&OrderEvent::read_from_bytes(&padded).unwrap()));
            }
        }
    }
    assert_eq!(rig.engine.orders().position(ABC).lots, Lots(0));
    assert_eq!(rig.engine.orders().open_lots(ABC, Side::Buy), Lots(0));
    assert!(UnixNanos(rig.now) > UnixNanos(common::START));
}
