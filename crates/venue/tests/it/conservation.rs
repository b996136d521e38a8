//! A million random events: the venue's ledger equals an account kept from the reports alone, after every event.
use crate::common;

use common::*;
use fafnir_venue::{FeedBatch, GeneratedVenue, RecordedVenue, reserve_reports};
use types::config::{Feed, GeneratedConfig};
use types::rng::SplitMix64;
use types::{Level, OrderEvent, OrderEventKind, Side, TradePrint, UnixNanos, flag};

/// Random requests, most of them sensible.
struct Trader {
    rng: SplitMix64,
    counter: u32,
    sent: Vec<OrderEvent>,
}

impl Trader {
    fn request(&mut self, mid: i64) -> OrderEvent {
        self.counter += 1;
        let rng = &mut self.rng;
        let side = Side::BOTH[rng.below(2) as usize];
        let price = mid - side.sign() * (rng.below(8) as i64 - 2);
        let lots = 1 + rng.below(30) as i64;
        let flags = [0, 0, flag::POST_ONLY, flag::POST_ONLY, flag::IOC, flag::REDUCE_ONLY][rng.below(6) as usize];
        let known =
            if self.sent.is_empty() { None } else { Some(self.sent[rng.below(self.sent.len() as u64) as usize]) };
        match (rng.below(5), known) {
            (0, Some(known)) => cancel(&known, self.counter),
            (1..=2, Some(known)) => {
                let price = if rng.below(3) == 0 { known.price.0 } else { mid + rng.below(9) as i64 - 4 };
                replace(&known, self.counter, price, lots)
            }
            _ => {
                let request = order(self.counter, side, price, lots, flags);
                if self.sent.len() < 16 {
                    self.sent.push(request);
                } else {
                    self.sent[self.counter as usize % 16] = request;
                }
                request
            }
        }
    }
}

/// Fills of resting orders (no taker flag) in some reports, lots.
fn made(reports: &[OrderEvent]) -> i64 {
    let fills = reports.iter().filter(|report| report.kind() == Some(OrderEventKind::Fill));
    fills.filter(|report| report.flags & flag::TAKER == 0).map(|report| report.last_lots.0).sum()
}

/// A feed that moves its mid by a few ticks and now and then leaves a gap, which a snapshot closes.
struct RecordedFeed {
    rng: SplitMix64,
    mid: i64,
    id: u64,
}

impl RecordedFeed {
    fn side(&mut self, sign: i64) -> Vec<Level> {
        let quantities: Vec<_> = (1..8).map(|away| (self.mid - sign * away, self.rng.below(40) as i64)).collect();
        levels(&quantities)
    }

    fn snapshot(&mut self, now: UnixNanos, venue: &mut RecordedVenue, reports: &mut Vec<OrderEvent>) {
        let (bids, asks) = (self.side(1), self.side(-1));
        venue.on_snapshot(now, &snapshot(self.id), &bids, &asks, reports);
    }

    /// A full picture of the window around a mid that moves, so that the book never crosses itself.
    fn depth(&mut self, now: UnixNanos, venue: &mut RecordedVenue, reports: &mut Vec<OrderEvent>) {
        let rng = &mut self.rng;
        let moved = self.mid + rng.below(5) as i64 - 2;
        let (mut bids, mut asks) = (Vec::new(), Vec::new());
        for away in -12..=12 {
            let price = moved + away;
            bids.push((price, if away < 0 { rng.below(40) as i64 } else { 0 }));
            asks.push((price, if away > 0 { rng.below(40) as i64 } else { 0 }));
        }
        self.mid = moved;
        let gap = rng.below(200) == 0;
        let previous = if gap { self.id + 5 } else { self.id };
        let header = diff(previous + 1, previous + 10, previous);
        self.id = previous + 10;
        venue.on_depth(now, &header, &levels(&bids), &levels(&asks), reports);
        if gap {
            self.snapshot(now, venue, reports);
        }
    }

    /// An L1 that is ahead of the L2; the next diff names its own predecessor.
    fn touch(&mut self, now: UnixNanos, venue: &mut RecordedVenue, reports: &mut Vec<OrderEvent>) {
        let bid = self.mid - 1 + self.rng.below(2) as i64;
        let ask = self.mid + 1 + self.rng.below(2) as i64;
        venue.on_touch(now, &touch(self.id + 1, (bid, 9), (ask, 9)), reports);
    }

    fn trade(&mut self) -> TradePrint {
        let aggressor = Side::BOTH[self.rng.below(2) as usize];
        trade(aggressor, self.mid + self.rng.below(9) as i64 - 4, 1 + self.rng.below(60) as i64)
    }
}

#[test]
fn recorded_ledger_and_reports_agree_over_a_million_events() {
    let seed = 77;
    let mut venue = RecordedVenue::new(&instrument("0"), Feed::BinanceUsdm);
    let mut trader = Trader { rng: SplitMix64::new(seed), counter: 0, sent: Vec::new() };
    let mut feed = RecordedFeed { rng: SplitMix64::new(seed + 1), mid: 600_000, id: 100 };
    let (mut account, mut reports) = (Account::default(), reserve_reports());
    let capacity = reports.capacity();
    feed.snapshot(UnixNanos(1), &mut venue, &mut reports);
    let mut kinds = [0u64; 16];
    for step in 0..1_000_000u64 {
        let now = UnixNanos(2 + step);
        match feed.rng.below(10) {
            0 => feed.depth(now, &mut venue, &mut reports),
            1..=2 => feed.touch(now, &mut venue, &mut reports),
            3..=6 => {
                let print = feed.trade();
                venue.on_trade(now, &print, &mut reports);
                assert!(made(&reports) <= print.quantity.0, "seed {seed} step {step}: one trade, one budget");
            }
            _ => venue.on_request(now, &trader.request(feed.mid), &mut reports),
        }
        for report in reports.drain(..) {
            kinds[report.kind as usize] += 1;
            account.take(&report);
        }
        account.check(venue.ledger());
    }
    assert_eq!(reports.capacity(), capacity);
    // All kinds of reports and both sides happened often enough to mean something.
    assert!(kinds[4..=11].iter().all(|&count| count > 1_000), "{kinds:?}");
    assert!(account.traded.iter().all(|&lots| lots > 10_000), "{account:?}");
    // The check can fail: without its last fill the account differs.
    let ledger = venue.ledger();
    assert!(!ledger.agrees(types::Lots(account.position + 1), account.fees));
    assert_eq!(ledger.difference(types::Lots(account.position), account.fees - 3).fees, 3);
}

#[test]
fn generated_ledger_and_reports_agree_over_a_million_events() {
    let seed = 78;
    let config = GeneratedConfig { seconds: 3_600, ..GeneratedConfig::default() };
    let mut venue = GeneratedVenue::new(&instrument("0"), &config, Feed::BinanceUsdm).unwrap();
    let mut trader = Trader { rng: SplitMix64::new(seed), counter: 0, sent: Vec::new() };
    let mut rng = SplitMix64::new(seed + 1);
    let (mut account, mut reports, mut feed) = (Account::default(), reserve_reports(), FeedBatch::new());
    let capacity = (reports.capacity(), feed.items.capacity());
    let mut kinds = [0u64; 16];
    for step in 0..1_000_000u64 {
        if rng.below(4) == 0 {
            let now = venue.next_event_time().unwrap();
            let mid = venue.market().touch().mid_half_ticks().unwrap() / 2;
            venue.on_request(now, &trader.request(mid), &mut feed, &mut reports);
        } else {
            venue.step(&mut feed, &mut reports).unwrap();
        }
        feed.clear();
        for report in reports.drain(..) {
            kinds[report.kind as usize] += 1;
            account.take(&report);
        }
        account.check(venue.ledger());
        assert!(venue.market().touch().is_two_sided(), "seed {seed} step {step}");
        // Our open orders are the ones the reports leave open.
        if step % 1_000 == 0 {
            assert_eq!(venue.open_orders(), account.orders.values().filter(|order| !order.2).count());
        }
    }
    assert_eq!(capacity, (reports.capacity(), feed.items.capacity()));
    assert!(kinds[4..=11].iter().all(|&count| count > 1_000), "{kinds:?}");
    assert!(account.traded.iter().all(|&lots| lots > 10_000), "{account:?}");
}
