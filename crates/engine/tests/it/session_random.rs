//! An engine and a naive venue over a FIX session in virtual time: bytes cut anywhere, garbled, repeated, lost with
//! their connection; reports never sent; numbers forgotten. No order is sent twice, nothing waits for ever, every lot
//! of the venue is in the position once, and after each reconciliation both sides know the same.
use crate::common;
use crate::fix;
use crate::venue;

use std::collections::BTreeMap;

use common::{ABC, MILLI};
use fix::{FixRig, fix_config};
use types::rng::SplitMix64;
use types::{CommandKind, ConnState, Control, OrderState, Side, UnixNanos};
use venue::Venue;

struct World {
    seed: u64,
    rng: SplitMix64,
    rig: FixRig,
    venue: Venue,
    to_venue: Vec<u8>,
    up: bool,
    agreed: bool,
    agreements: u64,
    faults: BTreeMap<&'static str, u64>,
    client: u64,
}

impl World {
    fn new(seed: u64) -> World {
        let rig = FixRig::new(&fix_config());
        let mut venue = Venue::new(rig.engine.instrument(ABC));
        let mut rng = SplitMix64::new(seed);
        venue.no_mass_cancel = rng.below(4) == 0;
        if rng.below(3) == 0 {
            venue.position = rng.below(40) as i64 - 20;
        }
        World {
            seed,
            rng,
            rig,
            venue,
            to_venue: Vec::new(),
            up: false,
            agreed: false,
            agreements: 0,
            faults: BTreeMap::new(),
            client: 0,
        }
    }
    fn now(&self) -> UnixNanos {
        UnixNanos(self.rig.now)
    }

    /// What a turn of the engine did to the world around it.
    fn follow(&mut self, turn: common::Turn) {
        for code in turn.faults() {
            *self.faults.entry(code.name()).or_default() += 1;
        }
        for message in &turn.sends {
            assert!(self.up, "seed {}: sent while down", self.seed);
            self.to_venue.extend_from_slice(message.as_bytes());
        }
        if self.rig.hung_up && self.up {
            self.drop_connection();
        }
        let agreed = self.rig.is_up();
        if agreed && !self.agreed {
            self.agreements += 1;
            // With orders at work a fill may be on its way.
            if self.rig.engine.orders().open_count() == 0
                && (0..self.venue.orders.len()).all(|at| !self.venue.is_open(at))
            {
                self.compare();
            }
        }
        self.agreed = agreed;
    }

    /// Both sides know the same.
    fn compare(&self) {
        let (orders, seed) = (self.rig.engine.orders(), self.seed);
        assert_eq!(orders.position(ABC).lots.0, self.venue.position, "seed {seed}: position");
        let mut theirs = self.venue.orders.iter().filter(|order| order.state.is_open()).collect::<Vec<_>>();
        for order in orders.open_orders() {
            let id = format!("{}-{}", order.id.session(), order.current);
            let at = theirs.iter().position(|their| *their.ids.last().unwrap() == id);
            let their = theirs.remove(at.unwrap_or_else(|| panic!("seed {seed}: {order:?} is not open there")));
            assert_eq!((order.filled.0, order.price.0), (their.filled, their.price), "seed {seed}");
            assert_eq!((order.quantity.0, order.side), (their.quantity, their.side), "seed {seed}");
        }
        assert!(theirs.is_empty(), "seed {seed}: the venue has orders that we do not have");
    }

    fn conn(&mut self, state: ConnState) {
        let turn = self.rig.conn(state);
        self.follow(turn);
    }

    fn drop_connection(&mut self) {
        self.up = false;
        self.to_venue.clear();
        self.venue.disconnect();
        if self.rng.below(3) == 0 {
            self.venue.cancel_open(self.now());
        }
        self.conn(ConnState::Down);
    }

    fn connect(&mut self) {
        self.up = true;
        self.to_venue.clear();
        self.venue.connect(self.now());
        self.conn(ConnState::Up);
    }

    /// Some or all of the bytes on their way arrive.
    fn deliver(&mut self, all: bool) {
        let now = self.now();
        let part = |rng: &mut SplitMix64, length: usize| {
            if all { length } else { rng.below(length as u64 + 1) as usize }
        };
        let bytes: Vec<u8> = self.to_venue.drain(..part(&mut self.rng, self.to_venue.len())).collect();
        self.venue.on_bytes(&bytes, now);
        let bytes: Vec<u8> = self.venue.out.drain(..part(&mut self.rng, self.venue.out.len())).collect();
        if self.up && !bytes.is_empty() {
            let turn = self.rig.bytes(&bytes);
            self.follow(turn);
        }
        if self.up && !self.venue.connected && self.venue.out.is_empty() {
            self.drop_connection();
        }
    }

    fn timers(&mut self) {
        let now = self.rig.now;
        while self.rig.timers.values().any(|&at| at <= now) {
            let turn = self.rig.fire();
            self.follow(turn);
        }
        self.venue.on_time(self.now());
    }

    fn trade(&mut self) {
        let open: Vec<u64> = self.rig.engine.orders().open_orders().map(|order| order.client_id.0).collect();
        let pick = if open.is_empty() { 0 } else { open[self.rng.below(open.len() as u64) as usize] };
        let (price, lots) = (990 + self.rng.below(20) as i64, self.rng.below(9) as i64 + 1);
        let turn = match self.rng.below(6) {
            0..3 if open.len() < 12 => {
                self.client += 1;
                self.rig.place(self.client, Side::BOTH[self.rng.below(2) as usize], price, lots)
            }
            3 => self.rig.replace(pick, price, lots),
            4 if self.rng.below(10) == 0 => self.rig.command(CommandKind::CancelAll, |_| ()),
            _ => self.rig.cancel(pick),
        };
        self.follow(turn);
    }

    /// Something the venue does on its own.
    fn venue_acts(&mut self) {
        let now = self.now();
        let open: Vec<usize> = (0..self.venue.orders.len()).filter(|&at| self.venue.is_open(at)).collect();
        let Some(&at) = open.get(self.rng.below(open.len().max(1) as u64) as usize) else { return };
        self.venue.fill(at, self.rng.below(4) as i64 + 1, now);
    }

    fn trouble(&mut self) {
        match self.rng.below(12) {
            0..2 => self.venue.lose_next = true,
            2..4 => self.venue.refuse_next = true,
            4 if self.up => self.drop_connection(),
            // One bit of what is on its way.
            5 if !self.venue.out.is_empty() => {
                let at = self.rng.below(self.venue.out.len() as u64) as usize;
                self.venue.out[at] ^= 1 << self.rng.below(7);
            }
            // The tail once more: parts of messages, and whole ones with numbers of before.
            6 if !self.venue.out.is_empty() && self.rng.below(4) == 0 => {
                let from = self.rng.below(self.venue.out.len() as u64) as usize;
                let again = self.venue.out[from..].to_vec();
                self.venue.out.extend(again);
            }
            7 if self.rng.below(4) == 0 => {
                if self.up {
                    self.drop_connection();
                }
                self.venue.forget_numbers();
            }
            // A pause, so that time-outs happen.
            8 => self.rig.now += self.rng.below(3_000) * MILLI,
            _ => {}
        }
    }

    fn step(&mut self) {
        self.rig.now += self.rng.below(3) * MILLI;
        if self.rng.below(20) == 0 {
            self.rig.touch();
        }
        match self.rng.below(100) {
            0..35 => self.trade(),
            35..50 => self.venue_acts(),
            50..53 => self.trouble(),
            _ => {}
        }
        if !self.up && self.rng.below(10) == 0 {
            self.connect();
        }
        self.deliver(false);
        self.timers();
    }

    /// Everything arrives until both sides are quiet; time goes on as far as it must.
    fn settle(&mut self) {
        for _ in 0..4_000 {
            if !self.up {
                self.connect();
            }
            self.deliver(true);
            self.timers();
            if self.rig.is_up() && self.to_venue.is_empty() && self.venue.out.is_empty() {
                return;
            }
            self.rig.now += 20 * MILLI;
        }
        panic!("seed {}: never agreed: {:?}", self.seed, self.faults);
    }
}

fn world(seed: u64, steps: u64) -> World {
    let mut world = World::new(seed);
    world.rig.touch();
    for _ in 0..steps {
        world.step();
    }
    world.venue.lose_next = false;
    world.settle();
    // A fill that nobody told of shows when the venue is asked.
    world.drop_connection();
    world.settle();
    world.compare();
    for order in world.rig.engine.orders().open_orders() {
        let waits = !matches!(order.state, OrderState::Live | OrderState::PartiallyFilled);
        assert!(!waits, "seed {seed}: {order:?} waits for ever");
    }
    let turn = world.rig.control(Control::Close);
    world.follow(turn);
    for _ in 0..200 {
        if !world.up {
            break;
        }
        world.deliver(true);
        world.timers();
        world.rig.now += 20 * MILLI;
    }
    assert!(world.venue.logged_out, "seed {seed}: no logout after the close");
    assert!((0..world.venue.orders.len()).all(|at| !world.venue.is_open(at)), "seed {seed}: open after the close");
    assert_eq!(world.rig.engine.orders().position(ABC).lots.0, world.venue.position, "seed {seed}");
    world
}

#[test]
fn faults_between_engine_and_venue() {
    let (mut agreements, mut received, mut faults) = (0, 0, BTreeMap::<&str, u64>::new());
    let seeds = if std::env::var_os("FAFNIR_LONG").is_some() { 10_000 } else { 200 };
    for seed in 0..seeds {
        let world = world(seed, 1_500);
        agreements += world.agreements;
        received += world.venue.received;
        for (name, count) in world.faults {
            *faults.entry(name).or_default() += count;
        }
    }
    println!("seed 0 to {seeds}: {agreements} agreements, {received} orders, {faults:?}");
    assert!(agreements > seeds * 3 && received as u64 > seeds * 30);
    for name in ["FILL_RECOVERED", "ORDER_LOST", "MISSED_REPORT", "FIX_MALFORMED", "FIX_SEQUENCE"] {
        assert!(faults.contains_key(name), "{name} was never met");
    }
}

#[test]
fn the_same_seed_gives_the_same_session() {
    for seed in 500..505 {
        let [one, two] = [0; 2].map(|_| world(seed, 600));
        assert_eq!(one.rig.now, two.rig.now);
        assert_eq!(one.rig.engine.session_numbers(fix::VENUE), two.rig.engine.session_numbers(fix::VENUE));
        assert_eq!((one.faults, one.venue.position), (two.faults, two.venue.position));
    }
}
