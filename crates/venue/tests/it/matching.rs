//! The matcher against a list of orders searched from end to end.
use fafnir_venue::{Counterparty, Handle, Maker, Matcher};
use types::rng::SplitMix64;
use types::{Code, Lots, Side, Ticks};

/// An order of the naive book: a list in arrival order.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Plain {
    owner: u32,
    side: Side,
    price: i64,
    open: i64,
}

#[derive(Default)]
struct Naive {
    orders: Vec<Plain>,
}

impl Naive {
    fn best(&self, side: Side) -> Option<usize> {
        let sided = self.orders.iter().enumerate().filter(|(_, order)| order.side == side);
        // The first of the best-priced ones in arrival order.
        sided.min_by_key(|(at, order)| (-order.price * side.sign(), *at)).map(|(at, _)| at)
    }
    fn crosses(&self, side: Side, limit: i64) -> bool {
        self.best(side.opposite()).is_some_and(|at| (limit - self.orders[at].price) * side.sign() >= 0)
    }
    /// Fills as (owner, price, lots).
    fn take(&mut self, side: Side, limit: Option<i64>, mut lots: i64) -> Vec<(u32, i64, i64)> {
        let mut fills = Vec::new();
        while lots > 0 && self.crosses(side, limit.unwrap_or(side.sign() * (1 << 40))) {
            let at = self.best(side.opposite()).unwrap();
            let filled = lots.min(self.orders[at].open);
            fills.push((self.orders[at].owner, self.orders[at].price, filled));
            lots -= filled;
            self.orders[at].open -= filled;
            if self.orders[at].open == 0 {
                self.orders.remove(at);
            }
        }
        fills
    }
    fn quantity_at(&self, side: Side, price: i64) -> i64 {
        self.orders.iter().filter(|order| order.side == side && order.price == price).map(|order| order.open).sum()
    }
}

/// A counterparty that allows everything and writes down the fills.
#[derive(Default)]
struct Fills(Vec<(u32, i64, i64)>);

impl Counterparty for Fills {
    fn allow(&mut self, maker: &Maker) -> Lots {
        maker.open
    }
    fn filled(&mut self, maker: &Maker, lots: Lots) {
        self.0.push((maker.owner, maker.price.0, lots.0));
    }
    fn pulled(&mut self, _: &Maker) {
        panic!("everything is allowed");
    }
}

fn check(matcher: &mut Matcher, naive: &Naive, handles: &[Option<Handle>], at: &str) {
    let touch = matcher.touch();
    assert!(touch.bid_lots.0 == 0 || touch.ask_lots.0 == 0 || touch.bid < touch.ask, "crossed {at}");
    assert_eq!(matcher.len(), naive.orders.len(), "{at}");
    for side in Side::BOTH {
        let levels: Vec<_> = matcher.levels(side).map(|level| (level.price.0, level.quantity.0)).collect();
        let mut prices: Vec<i64> =
            naive.orders.iter().filter(|order| order.side == side).map(|order| order.price).collect();
        prices.sort_unstable_by_key(|&price| -price * side.sign());
        prices.dedup();
        let expected: Vec<_> = prices.iter().map(|&price| (price, naive.quantity_at(side, price))).collect();
        assert_eq!(levels, expected, "{at}");
        for &price in &prices {
            let queue: Vec<_> = matcher.queue(side, Ticks(price)).map(|maker| (maker.owner, maker.open.0)).collect();
            let expected: Vec<_> = naive
                .orders
                .iter()
                .filter(|order| order.side == side && order.price == price)
                .map(|order| (order.owner, order.open))
                .collect();
            assert_eq!(queue, expected, "{at}");
        }
    }
    for order in &naive.orders {
        let maker = matcher.get(handles[order.owner as usize].unwrap()).unwrap();
        assert_eq!((maker.owner, maker.open.0, maker.price.0), (order.owner, order.open, order.price), "{at}");
    }
}

const ORDERS: usize = 36;
const LEVELS: usize = 8;

/// The matcher and the naive book side by side, and the lots that came in, traded and were taken out.
struct Pair {
    matcher: Matcher,
    naive: Naive,
    /// By owner. Owner n is the n-th order ever; owners are reused cyclically once theirs is gone.
    handles: Vec<Option<Handle>>,
    next_owner: u32,
    placed: i64,
    /// Both sides of every trade.
    taken_twice: i64,
    removed: i64,
    /// Orders refused because a bound was met.
    fulls: u32,
}

impl Pair {
    /// Takes with the same order on both books; what was taken.
    fn take(&mut self, side: Side, limit: Option<Ticks>, lots: Lots, at: &str) -> i64 {
        let mut fills = Fills::default();
        let taken = self.matcher.take(side, limit, lots, &mut fills);
        assert_eq!(fills.0, self.naive.take(side, limit.map(|limit| limit.0), lots.0), "{at}");
        assert_eq!(taken.0, fills.0.iter().map(|fill| fill.2).sum::<i64>(), "{at}");
        self.taken_twice += 2 * taken.0;
        self.placed += taken.0;
        taken.0
    }

    /// Rests what the naive book says may rest.
    fn rest(&mut self, side: Side, price: Ticks, left: i64, at: &str) {
        let crosses = self.naive.crosses(side, price.0);
        let mut prices: Vec<_> = self.naive.orders.iter().filter(|o| o.side == side).map(|o| o.price).collect();
        prices.sort_unstable();
        prices.dedup();
        let new_level = !prices.contains(&price.0);
        let full = self.naive.orders.len() == ORDERS || (new_level && prices.len() == LEVELS);
        match self.matcher.rest(side, price, Lots(left), self.next_owner) {
            Err(code) => {
                assert_eq!(code, if crosses { Code::VenuePostOnly } else { Code::VenueFull }, "{at}");
                assert!(crosses || full, "{at}");
                self.fulls += (code == Code::VenueFull) as u32;
            }
            Ok(handle) => {
                assert!(!crosses && !full, "{at}");
                self.handles[self.next_owner as usize] = Some(handle);
                self.naive.orders.push(Plain { owner: self.next_owner, side, price: price.0, open: left });
                self.placed += left;
                self.find_free_owner();
            }
        }
    }

    fn find_free_owner(&mut self) {
        loop {
            self.next_owner = (self.next_owner + 1) % self.handles.len() as u32;
            if self.naive.orders.iter().all(|order| order.owner != self.next_owner) {
                break;
            }
        }
    }

    fn cancel(&mut self, victim: usize, at: &str) {
        let order = self.naive.orders.remove(victim);
        let handle = self.handles[order.owner as usize].unwrap();
        assert_eq!(self.matcher.cancel(handle).map(|maker| maker.open.0), Some(order.open), "{at}");
        assert_eq!(self.matcher.cancel(handle), None, "{at}: a second cancel");
        self.removed += order.open;
    }

    fn shrink(&mut self, victim: usize, lots: Lots, at: &str) {
        let order = &mut self.naive.orders[victim];
        let shrunk = self.matcher.shrink(self.handles[order.owner as usize].unwrap(), lots);
        assert_eq!(shrunk.is_some(), lots.0 < order.open, "{at}");
        if lots.0 < order.open {
            self.removed += order.open - lots.0;
            order.open = lots.0;
        }
    }
}

#[test]
fn a_million_random_operations_agree_with_a_naive_book() {
    let seed = 20_240_808;
    let mut rng = SplitMix64::new(seed);
    let mut pair = Pair {
        matcher: Matcher::new(ORDERS, LEVELS),
        naive: Naive::default(),
        handles: vec![None; 4_096],
        next_owner: 0,
        placed: 0,
        taken_twice: 0,
        removed: 0,
        fulls: 0,
    };
    for step in 0..1_000_000u32 {
        let at = format!("seed {seed} step {step}");
        let side = Side::BOTH[rng.below(2) as usize];
        let (price, lots) = (Ticks(1_000 + rng.below(24) as i64), Lots(1 + rng.below(9) as i64));
        let resting = pair.naive.orders.len() as u64;
        let victim = (resting > 0).then(|| rng.below(resting) as usize);
        match (rng.below(10), victim) {
            // Post-only: rests or is refused whole.
            (0..=1, _) => pair.rest(side, price, lots.0, &at),
            // Limit: takes, then rests.
            (2..=4, _) => {
                let left = lots.0 - pair.take(side, Some(price), lots, &at);
                if left > 0 {
                    pair.rest(side, price, left, &at);
                }
            }
            // Immediate-or-cancel with a limit, and market.
            (kind @ 5..=6, _) => {
                pair.take(side, (kind == 5).then_some(price), lots, &at);
            }
            (7..=8, Some(victim)) => pair.cancel(victim, &at),
            (_, Some(victim)) => pair.shrink(victim, lots, &at),
            (_, None) => {}
        }
        // Conservation: what came in either rests, traded (on both sides), or was taken out.
        let resting: i64 = pair.naive.orders.iter().map(|order| order.open).sum();
        assert_eq!(pair.placed, resting + pair.taken_twice + pair.removed, "{at}");
        if step % 64 == 0 {
            check(&mut pair.matcher, &pair.naive, &pair.handles, &at);
        }
    }
    assert!(pair.fulls > 1_000, "the bounds were met: {}", pair.fulls);
}

#[test]
fn the_log_of_changes_rebuilds_the_book() {
    let mut rng = SplitMix64::new(5);
    let mut matcher = Matcher::new(2_000, 200);
    let mut copy = [std::collections::BTreeMap::new(), std::collections::BTreeMap::new()];
    for round in 0..2_000 {
        let before = matcher.revision();
        for _ in 0..rng.below(40) {
            let side = Side::BOTH[rng.below(2) as usize];
            let (price, lots) = (Ticks(500 + rng.below(120) as i64), Lots(1 + rng.below(30) as i64));
            if rng.below(3) == 0 {
                matcher.take(side, Some(price), lots, &mut Fills::default());
            } else {
                let _ = matcher.rest(side, price, lots, 0);
            }
        }
        let mut changed = 0;
        for side in Side::BOTH {
            let prices = matcher.changes(side).to_vec();
            assert!(prices.windows(2).all(|pair| (pair[0] - pair[1]) * side.sign() > 0), "each once, best first");
            changed += prices.len();
            for price in prices {
                let quantity = matcher.quantity_at(side, Ticks(price)).0;
                if quantity == 0 {
                    copy[side.index()].remove(&price);
                } else {
                    copy[side.index()].insert(price, quantity);
                }
            }
            let mut book: Vec<_> = matcher.levels(side).map(|level| (level.price.0, level.quantity.0)).collect();
            book.sort_unstable();
            assert_eq!(book, copy[side.index()].iter().map(|(&p, &q)| (p, q)).collect::<Vec<_>>(), "round {round}");
        }
        assert!(matcher.revision() - before >= changed as u64);
        matcher.forget_changes();
    }
}

/// Allows at most `most` lots of owner 7 and nothing of owner 8.
struct Withheld {
    most: i64,
    log: Vec<(char, u32, i64)>,
}

impl Counterparty for Withheld {
    fn allow(&mut self, maker: &Maker) -> Lots {
        match maker.owner {
            7 => Lots(self.most),
            8 => Lots(0),
            _ => maker.open,
        }
    }
    fn filled(&mut self, maker: &Maker, lots: Lots) {
        self.log.push(('f', maker.owner, lots.0));
    }
    fn pulled(&mut self, maker: &Maker) {
        self.log.push(('p', maker.owner, maker.open.0));
    }
}

#[test]
fn a_withheld_order_is_pulled_and_the_next_one_is_matched() {
    let mut matcher = Matcher::new(10, 10);
    for (owner, lots) in [(7, 5), (8, 4), (9, 10)] {
        matcher.rest(Side::Sell, Ticks(100), Lots(lots), owner).unwrap();
    }
    let mut party = Withheld { most: 2, log: Vec::new() };
    assert_eq!(matcher.take(Side::Buy, None, Lots(6), &mut party), Lots(6));
    assert_eq!(party.log, [('f', 7, 2), ('p', 7, 5), ('p', 8, 4), ('f', 9, 4)]);
    assert_eq!(matcher.touch().ask_lots, Lots(6));
}

#[test]
fn nonsense_is_refused() {
    let mut matcher = Matcher::new(10, 10);
    for (price, lots) in [(0, 1), (-5, 1), (1, 0), (1, -1), (1, i64::MAX), (i64::MAX, 1)] {
        assert_eq!(matcher.rest(Side::Buy, Ticks(price), Lots(lots), 0), Err(Code::VenueInvalid));
    }
    assert_eq!(matcher.take(Side::Buy, None, Lots(-4), &mut Fills::default()), Lots(0));
    assert_eq!((matcher.cancel(Handle::default()), matcher.get(Handle::default())), (None, None));
    assert!(matcher.is_empty() && matcher.revision() == 0);
}
