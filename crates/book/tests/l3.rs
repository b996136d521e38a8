//! The L3 book against lists and maps, after every operation.
mod support;

use fafnir_book::{Crossing, DenseIds, L3Book, L3Counts, LadderCounts, OrderIds, SparseIds};
use support::naive_l3::Naive;
use support::{operations, shortened};
use types::rng::SplitMix64;
use types::{Code, Level, Lots, Side, Ticks};

/// How the random flow behaves.
#[derive(Clone, Copy)]
struct Flow {
    orders_max: usize,
    /// Orders the flow tends to keep resting.
    resting: usize,
    /// The touch moves at most this many ticks an operation.
    drift: u64,
    /// One price in this many is far away, within this many ticks; one in a hundred of these takes the touch along.
    far_one_in: u64,
    far: u64,
    /// Ids count up; else they are any 64 bits.
    dense: bool,
}

/// What the flow reached that the book's own counts do not tell.
#[derive(Clone, Copy, Debug, Default)]
struct Reached {
    ids_reused: u64,
    ids_wrapped: u64,
    kept_place: u64,
    lost_place: u64,
    crossed: u64,
    watched_moved: u64,
    extreme_prices: u64,
}

struct Life<I: OrderIds, const WORDS: usize> {
    book: L3Book<I, WORDS>,
    naive: Naive,
    rng: SplitMix64,
    flow: Flow,
    /// What is seldom happens once in this many operations, or thereabouts.
    seldom: u64,
    centre: i64,
    next_id: u64,
    gone: Vec<u64>,
    reached: Reached,
}

impl<I: OrderIds, const WORDS: usize> Life<I, WORDS> {
    fn new(seed: u64, flow: Flow) -> Self {
        Life {
            book: L3Book::with_window(flow.orders_max),
            naive: Naive::new(flow.orders_max),
            rng: SplitMix64::new(seed),
            flow,
            seldom: shortened(20_000) as u64,
            centre: 0,
            next_id: 0,
            gone: Vec::new(),
            reached: Reached::default(),
        }
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.rng.below(count) == 0
    }

    fn new_id(&mut self) -> u64 {
        // The ring of dense ids has four places an order: below, a live order has the new id's place.
        let ring = 4 * self.flow.orders_max.next_power_of_two() as u64;
        match self.rng.below(16) {
            0 if !self.gone.is_empty() => {
                self.reached.ids_reused += 1;
                self.gone[self.rng.below(self.gone.len() as u64) as usize]
            }
            1 => self.live_id(),
            2 if self.flow.dense => {
                self.reached.ids_wrapped += 1;
                self.live_id().wrapping_add(ring * (1 + self.rng.below(3)))
            }
            _ if self.flow.dense => {
                self.next_id += 1;
                self.next_id
            }
            _ => self.rng.next_u64(),
        }
    }

    /// An order that rests, or any id when there is none or one time in twenty.
    fn live_id(&mut self) -> u64 {
        let any = self.rng.next_u64();
        if self.naive.ids.is_empty() || self.one_in(20) {
            return any;
        }
        self.naive.ids[self.rng.below(self.naive.ids.len() as u64) as usize]
    }

    fn price(&mut self, side: Side) -> Ticks {
        if self.one_in(self.seldom / 10) {
            self.reached.extreme_prices += 1;
            let edge = fafnir_book::PRICE_TICKS_MAX;
            return Ticks([i64::MIN, i64::MAX, edge, -edge, edge + 1, -edge - 1][self.rng.below(6) as usize]);
        }
        if self.one_in(self.flow.far_one_in) {
            let away = self.rng.below(self.flow.far) as i64;
            if self.one_in(100) {
                self.centre += (2 * self.rng.below(2) as i64 - 1) * away;
            }
            return Ticks(self.centre - side.sign() * away);
        }
        Ticks(self.centre - side.sign() * (self.rng.below(24) as i64 - 2))
    }

    fn lots(&mut self) -> Lots {
        match self.rng.below(400) {
            0 => Lots(0),
            1 => Lots(-(self.rng.below(5) as i64)),
            2 => Lots(i64::MAX - self.rng.below(3) as i64),
            3 => Lots(i64::MIN),
            _ => Lots(1 + self.rng.below(40) as i64),
        }
    }

    /// One operation on both; their answers must be the same. Returns the prices it was about.
    fn step(&mut self, at: &str) -> [(Side, Ticks); 2] {
        let drift = self.flow.drift;
        self.centre += self.rng.below(2 * drift + 1) as i64 - drift as i64;
        let side = Side::BOTH[self.rng.below(2) as usize];
        let adds = if self.naive.ids.len() < self.flow.resting { 50 } else { 30 };
        let kind = self.rng.below(100);
        if kind < adds {
            let (id, price, lots) = (self.new_id(), self.price(side), self.lots());
            assert_eq!(self.book.add(id, side, price, lots), self.naive.add(id, side, price.0, lots.0), "{at}");
            if self.one_in(12) && self.naive.own.len() < 24 {
                assert_eq!(self.book.watch(id), self.naive.watch(id), "{at}");
            }
            return [(side, price); 2];
        }
        let id = if self.one_in(8) { self.naive.first_in_line(side).unwrap_or(3) } else { self.live_id() };
        let (side, before) = self.naive.place(id).unwrap_or((side, 0));
        let price = if self.one_in(3) { Ticks(before) } else { self.price(side) };
        let left = self.naive.left(id);
        match kind - adds {
            0..=11 => {
                let lots = self.lots();
                let outcome = self.naive.modify(id, price.0, lots.0);
                let keeps = price.0 == before && lots.0 <= left;
                self.reached.kept_place += u64::from(outcome.is_ok() && keeps);
                self.reached.lost_place += u64::from(outcome.is_ok() && !keeps);
                self.reached.watched_moved += u64::from(outcome.is_ok() && !keeps && self.naive.own.contains(&id));
                assert_eq!(self.book.modify(id, price, lots), outcome, "{at}");
            }
            12..=21 => {
                let (new, lots) = (if self.one_in(10) { id } else { self.new_id() }, self.lots());
                let outcome = self.naive.replace(id, new, price.0, lots.0);
                assert_eq!(self.book.replace(id, new, price, lots), outcome, "{at}");
            }
            22..=36 => {
                let lots = Lots(if self.one_in(2) { left } else { self.lots().0 });
                assert_eq!(self.book.execute(id, lots), self.naive.execute(id, lots.0), "{at}");
            }
            37..=42 => {
                let lots = Lots(if self.one_in(4) { left } else { self.lots().0 });
                assert_eq!(self.book.reduce(id, lots), self.naive.reduce(id, lots.0), "{at}");
            }
            _ => assert_eq!(self.book.cancel(id), self.naive.cancel(id), "{at}"),
        }
        if !self.naive.is_live(id) && self.gone.len() < 64 {
            self.gone.push(id);
        }
        [(side, Ticks(before)), (side, price)]
    }

    fn seldom(&mut self) {
        if self.one_in(2 * self.seldom) {
            self.book.clear();
            self.naive.clear();
        }
        let allowed = self.naive.crossing == Crossing::Allowed;
        if self.one_in(if allowed { 200 } else { self.seldom }) {
            self.naive.crossing = if allowed { Crossing::Refused } else { Crossing::Allowed };
            self.book.set_crossing(self.naive.crossing);
        }
        // The auction is over, some time.
        if !allowed && self.book.is_crossed() && self.one_in(500) {
            self.book.clear();
            self.naive.clear();
        }
        if self.gone.len() == 64 && self.one_in(100) {
            self.gone.clear();
        }
    }

    fn compare(&mut self, prices: [(Side, Ticks); 2], at: &str) {
        let (book, naive) = (&self.book, &self.naive);
        for (side, price) in prices {
            let queue = naive.queue(side, price.0);
            assert!(book.queue(side, price).eq(queue.iter().map(|&(id, lots)| (id, Lots(lots)))), "queue, {at}");
            let total: i64 = queue.iter().map(|&(_, lots)| lots).sum();
            let level = (Level { price, quantity: Lots(total) }, queue.len() as u32);
            assert_eq!(book.level(side, price), (!queue.is_empty()).then_some(level), "level, {at}");
            assert!(queue.iter().all(|&(_, lots)| lots > 0), "{at}");
        }
        for side in Side::BOTH {
            let best = book.best(side).map(|level| (level.price.0, level.quantity.0));
            assert_eq!(best, naive.best(side), "best {side:?}, {at}");
            assert_eq!(book.level_count(side), naive.level_count(side), "{at}");
        }
        let (touch, bid, ask) = (book.touch(), book.best(Side::Buy), book.best(Side::Sell));
        assert_eq!((touch.bid_lots, touch.ask_lots), (quantity(bid), quantity(ask)), "{at}");
        let crossed = bid.zip(ask).is_some_and(|(bid, ask)| bid.price >= ask.price);
        assert_eq!(book.is_crossed(), crossed, "{at}");
        self.reached.crossed += u64::from(crossed);
        for &id in &naive.own {
            assert_eq!(book.quantity_ahead(id), naive.ahead(id).map(Lots), "ahead of own {id}, {at}");
        }
        assert_eq!((book.order_count(), book.counts()), (naive.ids.len(), &naive.counts), "{at}");
        let probe = self.live_id();
        let order = self.book.order(probe).map(|order| (order.side, order.price.0, order.quantity.0));
        assert_eq!(order, self.naive.place(probe).map(|(side, price)| (side, price, self.naive.left(probe))), "{at}");
        assert_eq!(self.book.quantity_ahead(probe), self.naive.ahead(probe).map(Lots), "ahead of {probe}, {at}");
    }

    fn compare_whole(&self, at: &str) {
        for side in Side::BOTH {
            let levels: Vec<_> = self.book.levels(side).map(|level| (level.price.0, level.quantity.0)).collect();
            assert_eq!(levels, self.naive.levels(side), "{at}");
        }
        for &id in &self.naive.ids {
            assert_eq!(self.book.quantity_ahead(id), self.naive.ahead(id).map(Lots), "ahead of {id}, {at}");
        }
        let counts = self.book.counts();
        let resting = counts.added - counts.filled - counts.cancelled - counts.cleared;
        assert_eq!(resting, self.book.order_count() as u64, "orders are conserved, {at}");
    }
}

fn quantity(level: Option<Level>) -> Lots {
    level.map_or(Lots(0), |level| level.quantity)
}

/// Lives one life and checks that it reached what there is to reach.
fn live<I: OrderIds, const WORDS: usize>(seed: u64, count: usize, flow: Flow) -> (L3Counts, LadderCounts, Reached) {
    let mut life = Life::<I, WORDS>::new(seed, flow);
    let mut at = String::new();
    for operation in 0..count {
        use std::fmt::Write;
        at.clear();
        write!(at, "seed {seed} words {WORDS} operation {operation}").unwrap();
        let crossed_before = life.book.is_crossed();
        let prices = life.step(&at);
        let refused = life.naive.crossing == Crossing::Refused;
        assert!(!refused || crossed_before || !life.book.is_crossed(), "crossed unasked, {at}");
        life.compare(prices, &at);
        if operation % 2_048 == 0 {
            life.compare_whole(&at);
        }
        life.seldom();
    }
    life.compare_whole("the end");
    let (counts, ladder) = (*life.book.counts(), life.book.ladder_counts());
    println!("L3 seed {seed}, {count} operations: {counts:?} {ladder:?} {:?}", life.reached);
    (counts, ladder, life.reached)
}

fn assert_all_reached(counts: &L3Counts, reached: &Reached, dense: bool, share: u64) {
    let L3Counts { added, modified, replaced, executed, filled, reduced, cancelled, cleared, .. } = *counts;
    let taken = [added, modified, replaced, executed, filled, reduced, cancelled, cleared];
    let refused = [counts.unknown, counts.duplicate, counts.price_range, counts.quantity, counts.crosses];
    let rest = [reached.ids_reused, reached.kept_place, reached.lost_place, reached.crossed, reached.extreme_prices];
    let all = taken.iter().chain(&refused).chain(&rest).chain([&reached.watched_moved]);
    assert!(all.clone().all(|&count| count > share / 10_000), "{counts:?} {reached:?}");
    assert!(!dense || reached.ids_wrapped > share / 100, "{reached:?}");
}

const NEAR: Flow = Flow { orders_max: 1_000, resting: 400, drift: 1, far_one_in: 50, far: 20_000, dense: true };
const WILD: Flow = Flow { orders_max: 300, resting: 320, drift: 30, far_one_in: 4, far: 30_000, dense: true };

/// A million operations; with `FAFNIR_LONG=1` a hundred million.
#[test]
fn agrees_with_lists_and_maps() {
    let share = operations(1_000_000) / 10;
    let runs = [
        (true, live::<DenseIds, 256>(21, 3 * share, NEAR)),
        (false, live::<SparseIds, 256>(22, 3 * share, Flow { dense: false, ..NEAR })),
        (true, live::<DenseIds, 4>(23, 2 * share, WILD)),
        (false, live::<SparseIds, 64>(24, 2 * share, Flow { dense: false, ..WILD })),
    ];
    let share = share as u64;
    for (dense, (counts, ladder, reached)) in &runs {
        assert_all_reached(counts, reached, *dense, share);
        assert!(ladder.recentred > share / 1_000 && ladder.far_sets > share / 1_000, "{ladder:?}");
    }
    assert!(runs[2].1.0.full > share / 1_000 && runs[3].1.0.full > share / 1_000, "a full book");
}

#[test]
fn one_level_too_many_is_refused_and_a_moving_order_may_make_the_room() {
    let levels = fafnir_book::LEVELS_PER_SIDE_MAX as i64;
    for side in Side::BOTH {
        let mut book = L3Book::<DenseIds>::new(levels as usize + 10);
        for i in 0..levels {
            book.add(i as u64, side, Ticks(-side.sign() * i), Lots(2)).unwrap();
        }
        let beyond = Ticks(-side.sign() * (levels + 5));
        assert_eq!(book.add(1 << 40, side, beyond, Lots(1)), Err(Code::BookFull));
        assert_eq!(book.order(1 << 40), None);
        // A level that stays behind leaves no room, one that goes does.
        book.add(1 << 41, side, Ticks(0), Lots(1)).unwrap();
        assert_eq!(book.modify(0, beyond, Lots(2)), Err(Code::BookFull));
        assert_eq!(book.replace(0, 1 << 42, beyond, Lots(2)), Err(Code::BookFull));
        assert_eq!(book.quantity_ahead(1 << 41), Some(Lots(2)));
        assert_eq!(book.modify(1, beyond, Lots(9)), Ok(()));
        assert_eq!(book.replace(2, 1 << 43, Ticks(-side.sign()), Lots(9)), Ok(()));
        assert_eq!(book.level_count(side), levels as usize);
        assert_eq!(book.level(side, beyond), Some((Level { price: beyond, quantity: Lots(9) }, 1)));
        assert_eq!((book.order(2), book.counts().full), (None, 3));
    }
}

#[test]
fn own_orders_beyond_the_watched_are_refused_and_rest_unwatched() {
    let most = fafnir_book::OWN_ORDERS_MAX as u64;
    let mut book = L3Book::<SparseIds, 16>::with_window(4_096);
    for id in 0..=most {
        book.add(id, Side::Buy, Ticks(7), Lots(1)).unwrap();
        let outcome = if id < most { Ok(()) } else { Err(Code::BookOwnFull) };
        assert_eq!((book.watch(id), book.watch(id)), (outcome, outcome), "{id}");
        assert_eq!(book.quantity_ahead(id), Some(Lots(id as i64)));
    }
    assert_eq!(book.watch(99_999), Err(Code::BookOrderUnknown));
    // A place that is given back is there for the next, and those behind advance.
    book.cancel(3).unwrap();
    assert_eq!((book.watch(most), book.quantity_ahead(most)), (Ok(()), Some(Lots(most as i64 - 1))));
    assert_eq!((book.quantity_ahead(2), book.quantity_ahead(4)), (Some(Lots(2)), Some(Lots(3))));
}

#[test]
fn what_is_printed_names_the_touch_and_the_orders() {
    let mut book = L3Book::<SparseIds, 16>::with_window(8);
    for (id, side, price) in [(1, Side::Buy, 99), (2, Side::Buy, 99), (3, Side::Sell, 101)] {
        book.add(id, side, Ticks(price), Lots(5)).unwrap();
    }
    let printed = format!("{book:?}");
    assert!(printed.contains(&format!("{:?}", book.touch())) && printed.contains("orders: 3"), "{printed}");
}

/// Orders that come to a far level are counted as what reaches beyond the window.
#[test]
fn far_levels_that_are_met_again_are_counted() {
    let mut book = L3Book::<SparseIds, 1>::with_window(8);
    book.add(1, Side::Buy, Ticks(1_000_000), Lots(1)).unwrap();
    let mut before = book.ladder_counts().far_sets;
    for id in 2..6 {
        book.add(id, Side::Buy, Ticks(5), Lots(1)).unwrap();
        let far_sets = book.ladder_counts().far_sets;
        assert!(far_sets > before, "{id}");
        before = far_sets;
    }
    assert_eq!(book.ladder_counts().recentred, 1);
}
