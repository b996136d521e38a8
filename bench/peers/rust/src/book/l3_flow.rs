//! A seeded flow of order messages: adds, cancels, replaces, partial and full executions around a touch that walks.
use std::collections::BTreeMap;

use types::Side;
use types::rng::SplitMix64;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Add,
    Cancel,
    Replace,
    Reduce,
    Execute,
    Fill,
}

/// One message; 32 bytes, so that reading it costs every book the same half line.
#[derive(Clone, Copy)]
pub struct Message {
    pub id: u64,
    /// The new id of a replace.
    pub new_id: u64,
    /// Ticks.
    pub price: i32,
    /// Lots; of a partial execution or cancel those taken off.
    pub lots: i32,
    /// Lots left after a partial execution or cancel.
    pub left: i32,
    pub kind: Kind,
    pub side: Side,
}

const _: () = assert!(size_of::<Message>() == 32);

/// Orders the flow tends to keep resting.
pub const RESTING: usize = 10_000;
const SEED: u64 = 20_240_808;
const RECENT: usize = 256;

#[derive(Clone, Copy)]
struct Live {
    id: u64,
    side: Side,
    price: i32,
    lots: i32,
}

struct Generator {
    rng: SplitMix64,
    bid: i32,
    next: u64,
    live: Vec<Live>,
    /// Place in `live` by id.
    places: BTreeMap<u64, usize>,
    by_price: [BTreeMap<i32, Vec<u64>>; 2],
    out: Vec<Message>,
}

impl Generator {
    fn price(&mut self, side: Side) -> i32 {
        let best = if side == Side::Buy { self.bid } else { self.bid + 1 };
        let depth = (self.rng.below(12) * self.rng.below(10)) as i32;
        best - side.sign() as i32 * depth
    }

    fn enter(&mut self, order: Live) {
        self.places.insert(order.id, self.live.len());
        self.live.push(order);
        self.by_price[order.side.index()].entry(order.price).or_default().push(order.id);
    }

    fn leave(&mut self, place: usize) -> Live {
        let order = self.live.swap_remove(place);
        self.places.remove(&order.id);
        if let Some(moved) = self.live.get(place) {
            self.places.insert(moved.id, place);
        }
        let level = self.by_price[order.side.index()].get_mut(&order.price).expect("its level");
        level.retain(|&id| id != order.id);
        if level.is_empty() {
            self.by_price[order.side.index()].remove(&order.price);
        }
        order
    }

    fn say(&mut self, kind: Kind, order: Live, new_id: u64, lots: i32, left: i32) {
        let Live { id, side, price, .. } = order;
        self.out.push(Message { id, new_id, price, lots, left, kind, side });
    }

    fn add(&mut self) {
        let side = Side::BOTH[self.rng.below(2) as usize];
        let order = Live { id: self.next, side, price: self.price(side), lots: 1 + self.rng.below(500) as i32 };
        self.next += 1;
        self.say(Kind::Add, order, 0, order.lots, order.lots);
        self.enter(order);
    }

    /// Any resting order, half of the time one of the newest.
    fn any(&mut self) -> usize {
        let count = self.live.len();
        let from = if self.rng.below(2) == 0 { count.saturating_sub(RECENT) } else { 0 };
        from + self.rng.below((count - from) as u64) as usize
    }

    fn replace(&mut self) {
        let place = self.any();
        let old = self.leave(place);
        let order = Live { id: self.next, price: self.price(old.side), lots: 1 + self.rng.below(500) as i32, ..old };
        self.next += 1;
        self.say(Kind::Replace, Live { id: old.id, ..order }, order.id, order.lots, order.lots);
        self.enter(order);
    }

    fn take(&mut self, kind: Kind, place: usize) {
        let order = self.live[place];
        let lots = 1 + self.rng.below(order.lots as u64) as i32;
        if lots < order.lots {
            self.live[place].lots -= lots;
            self.say(kind, order, 0, lots, order.lots - lots);
        } else {
            self.leave(place);
            self.say(if kind == Kind::Execute { Kind::Fill } else { Kind::Cancel }, order, 0, lots, 0);
        }
    }

    /// The first order in line of a side trades.
    fn execute(&mut self) {
        let side = Side::BOTH[self.rng.below(2) as usize];
        let map = &self.by_price[side.index()];
        let best = if side == Side::Buy { map.last_key_value() } else { map.first_key_value() };
        if let Some(place) = best.map(|(_, ids)| self.places[&ids[0]]) {
            self.take(Kind::Execute, place);
        }
    }

    /// The touch walks a tick; what stands in the way trades in full.
    fn walk(&mut self) {
        let up = self.rng.below(2) == 0;
        self.bid += if up { 1 } else { -1 };
        let (side, price) = if up { (Side::Sell, self.bid) } else { (Side::Buy, self.bid + 1) };
        for id in self.by_price[side.index()].get(&price).cloned().unwrap_or_default() {
            let order = self.leave(self.places[&id]);
            self.say(Kind::Fill, order, 0, order.lots, 0);
        }
    }
}

/// `count` messages with ids that count up.
pub fn dense(count: usize) -> Vec<Message> {
    let mut generator = Generator {
        rng: SplitMix64::new(SEED),
        bid: 600_000,
        next: 1,
        live: Vec::new(),
        places: BTreeMap::new(),
        by_price: Default::default(),
        out: Vec::with_capacity(count + 4_096),
    };
    while generator.out.len() < count {
        let thin = generator.live.len() < RESTING;
        match generator.rng.below(1_000) {
            0..=1 => generator.walk(),
            _ if generator.live.is_empty() => generator.add(),
            2..=449 => generator.add(),
            450..=549 if thin => generator.add(),
            450..=839 => {
                let place = generator.any();
                let order = generator.leave(place);
                generator.say(Kind::Cancel, order, 0, order.lots, 0);
            }
            840..=939 => generator.replace(),
            940..=959 => {
                let place = generator.any();
                generator.take(Kind::Reduce, place);
            }
            _ => generator.execute(),
        }
    }
    generator.out.truncate(count);
    generator.out
}

/// The same messages with ids of no order, one for one (the finaliser of SplitMix64 is a bijection).
pub fn sparse(messages: &[Message]) -> Vec<Message> {
    let scatter = |id: u64| SplitMix64::new(id).next_u64();
    messages.iter().map(|m| Message { id: scatter(m.id), new_id: scatter(m.new_id), ..*m }).collect()
}
