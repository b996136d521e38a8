//! The generated market: its feed against the book room, its determinism, and our orders in it.
use crate::common;

use book::{DepthOutcome, MarketBook, Rule};
use common::*;
use fafnir_venue::{FeedBatch, FeedItem, GeneratedVenue, reserve_reports};
use types::OrderEventKind::*;
use types::config::{Feed, GeneratedConfig};
use types::rng::SplitMix64;
use types::{Code, Lots, OrderEvent, Side, Ticks, UnixNanos, flag};

fn market(config: &GeneratedConfig, feed: Feed) -> GeneratedVenue {
    GeneratedVenue::new(&instrument("0"), config, feed).unwrap()
}

fn seeded(seed: u64) -> GeneratedConfig {
    GeneratedConfig { seed, ..GeneratedConfig::default() }
}

/// A market after its first second.
fn running(seed: u64) -> (GeneratedVenue, FeedBatch, Vec<OrderEvent>) {
    let (mut venue, mut feed, mut reports) =
        (market(&seeded(seed), Feed::BinanceUsdm), FeedBatch::new(), reserve_reports());
    let start = venue.next_event_time().unwrap().0;
    while venue.step(&mut feed, &mut reports).unwrap().0 < start + 1_000_000_000 {
        feed.clear();
    }
    feed.clear();
    (venue, feed, reports)
}

/// Gives a batch to a book; returns how many trades' prices were off the touch that the reader knew.
fn deliver(book: &mut MarketBook, batch: &FeedBatch, venue: &GeneratedVenue) {
    for item in &batch.items {
        match *item {
            FeedItem::Depth { header, bids, asks } => {
                let outcome = book.on_depth(&header, batch.bids(bids), batch.asks(asks));
                assert!(
                    matches!(
                        outcome,
                        DepthOutcome::Applied
                            | DepthOutcome::Buffered { dropped: 0, .. }
                            | DepthOutcome::Joined { .. }
                            | DepthOutcome::Stale
                    ),
                    "{outcome:?}"
                );
                if book.is_valid() {
                    for side in Side::BOTH {
                        assert!(book.levels(side).eq(venue.market().levels(side)), "the diff is the market's book");
                    }
                }
            }
            FeedItem::Snapshot { header, bids, asks } => {
                let outcome = book.on_snapshot(&header, batch.bids(bids), batch.asks(asks));
                assert!(!matches!(outcome, DepthOutcome::SnapshotOld { .. } | DepthOutcome::Refused(_)), "{outcome:?}");
            }
            FeedItem::Touch(print) => {
                assert_eq!(book.on_touch(&print), book::TouchOutcome::Updated);
                let newest = book.touch().unwrap();
                assert_eq!((newest.update_id, newest.touch), (print.update_id, venue.market().touch()));
                assert!(print.touch.is_two_sided());
            }
            FeedItem::Trade(print) => assert!(print.quantity.0 > 0 && print.price.0 > 0),
        }
    }
}

fn joins(feed: Feed, rule: Rule, snapshot_after_diffs: u64) {
    let config = seeded(3);
    let (mut venue, mut batch, mut reports) = (market(&config, feed), FeedBatch::new(), reserve_reports());
    let mut book = MarketBook::new(rule);
    let (capacity, mut diffs, mut asked) =
        ((batch.items.capacity(), batch.bids.capacity(), batch.asks.capacity()), 0, false);
    let mut last = UnixNanos(0);
    while let Some(now) = venue.step(&mut batch, &mut reports) {
        assert!(now >= last);
        last = now;
        diffs += batch.items.iter().filter(|item| matches!(item, FeedItem::Depth { .. })).count() as u64;
        deliver(&mut book, &batch, &venue);
        batch.clear();
        if !asked && diffs == snapshot_after_diffs {
            asked = true;
            venue.snapshot(now, &mut batch);
            deliver(&mut book, &batch, &venue);
            batch.clear();
        }
        let touch = venue.market().touch();
        assert!(touch.is_two_sided() && touch.bid.0 > 0);
    }
    assert!(book.is_valid() && diffs == 600 && reports.is_empty());
    let counts = book.counts();
    assert_eq!(
        (counts.gaps, counts.crossed, counts.full, counts.dropped, counts.refused, counts.joined),
        (0, 0, 0, 0, 0, 1)
    );
    assert!(counts.applied >= 599 - snapshot_after_diffs, "{counts:?}");
    assert_eq!(capacity, (batch.items.capacity(), batch.bids.capacity(), batch.asks.capacity()));
    assert_eq!(last.0, (config.start_unix_seconds + 60) * 1_000_000_000);
}

#[test]
fn the_book_joins_and_never_gaps() {
    joins(Feed::BinanceUsdm, Rule::Usdm, 0);
    joins(Feed::BinanceUsdm, Rule::Usdm, 1);
    joins(Feed::BinanceSpot, Rule::Spot, 0);
    joins(Feed::BinanceSpot, Rule::Spot, 1);
}

#[test]
fn the_defaults_look_alive() {
    for seed in [1, 2, 3, 99] {
        let (mut venue, mut batch, mut reports) =
            (market(&seeded(seed), Feed::BinanceUsdm), FeedBatch::new(), reserve_reports());
        let start = venue.next_event_time().unwrap().0;
        let (mut mids, mut full_at, mut last_mid, mut weights) = (0, u64::MAX, None, [0u64; 64]);
        let (mut since, mut spread, mut buys, mut sells) = (start, 0usize, 0, 0);
        while let Some(now) = venue.step(&mut batch, &mut reports) {
            for item in &batch.items {
                match item {
                    FeedItem::Touch(print) => {
                        weights[spread] += now.0 - since;
                        (since, spread) = (now.0, ((print.touch.ask.0 - print.touch.bid.0) as usize).min(63));
                        if last_mid != print.touch.mid_half_ticks() {
                            last_mid = print.touch.mid_half_ticks();
                            mids += 1;
                            full_at = full_at.min(if mids == 1_001 { now.0 } else { u64::MAX });
                        }
                    }
                    FeedItem::Trade(print) if print.aggressor == Side::Buy => buys += 1,
                    FeedItem::Trade(_) => sells += 1,
                    _ => {}
                }
            }
            batch.clear();
        }
        let total: u64 = weights.iter().sum();
        assert!(weights[1] + weights[2] + weights[3] > total * 6 / 10, "seed {seed}: {weights:?}");
        assert!(
            full_at < start + 20_000_000_000,
            "seed {seed}: a thousand mids after {} s",
            (full_at - start) / 1_000_000_000
        );
        assert!(buys > 1_000 && sells > 1_000, "seed {seed}: {buys} {sells}");
        for side in Side::BOTH {
            assert!(venue.market().levels(side).count() > 100, "seed {seed}");
        }
    }
}

/// All feed items and reports of some seconds with random requests of ours.
fn transcript(seed: u64, requests_seed: u64) -> (Vec<FeedItem>, Vec<OrderEvent>) {
    let config = GeneratedConfig { seconds: 5, ..seeded(seed) };
    let mut venue = market(&config, Feed::BinanceUsdm);
    let (mut batch, mut reports, mut items) = (FeedBatch::new(), reserve_reports(), Vec::new());
    let mut rng = SplitMix64::new(requests_seed);
    let mut counter = 0;
    while let Some(now) = venue.step(&mut batch, &mut reports) {
        if rng.below(20) == 0 {
            counter += 1;
            let touch = venue.market().touch();
            let request = order(counter, Side::Buy, touch.bid.0 - rng.below(3) as i64, 3, 0);
            venue.on_request(now, &request, &mut batch, &mut reports);
        }
        items.append(&mut batch.items);
        batch.clear();
    }
    (items, reports)
}

#[test]
fn one_seed_is_one_stream() {
    let first = transcript(5, 8);
    assert!(first.0.len() > 1_000 && first.1.iter().any(|report| report.kind() == Some(Fill)));
    assert!(first == transcript(5, 8));
    assert!(first.0 != transcript(6, 8).0);
}

#[test]
fn our_orders_stand_in_the_same_queues() {
    let (mut venue, mut batch, mut reports) = running(11);
    let touch = venue.market().touch();
    let now = venue.next_event_time().unwrap();
    let ours = order(1, Side::Buy, touch.bid.0, 7, flag::POST_ONLY);
    venue.on_request(now, &ours, &mut batch, &mut reports);
    assert_eq!(brief(&reports[0]), (Accepted, 1, 0, 0, 0));
    // Last in the queue, displayed in the touch, and the touch is printed.
    let queue: Vec<_> = venue.market().queue(Side::Buy, touch.bid).collect();
    assert_eq!((queue.last().unwrap().open, venue.market().touch().bid_lots.0), (Lots(7), touch.bid_lots.0 + 7));
    assert!(matches!(batch.items[..], [FeedItem::Touch(print)] if print.touch.bid_lots.0 == touch.bid_lots.0 + 7));
    // A larger replace at the same price goes to the end, a smaller one stays in front of what came after.
    let second = order(2, Side::Buy, touch.bid.0, 1, 0);
    venue.on_request(now, &second, &mut batch, &mut reports);
    venue.on_request(now, &replace(&ours, 3, touch.bid.0, 5), &mut batch, &mut reports);
    let tail = |venue: &GeneratedVenue| {
        let opens: Vec<_> = venue.market().queue(Side::Buy, touch.bid).map(|maker| maker.open.0).collect();
        opens[opens.len() - 2..].to_vec()
    };
    assert_eq!(tail(&venue), [5, 1]);
    venue.on_request(now, &replace(&ours, 4, touch.bid.0, 6), &mut batch, &mut reports);
    assert_eq!(tail(&venue), [1, 6]);
    venue.on_request(now, &replace(&ours, 5, touch.ask.0, 6), &mut batch, &mut reports);
    assert_eq!(reason(reports.last().unwrap()), Some(Code::VenuePostOnly));
    assert_eq!(tail(&venue), [1, 6]);
    venue.on_request(now, &cancel(&ours, 6), &mut batch, &mut reports);
    venue.on_request(now, &cancel(&second, 7), &mut batch, &mut reports);
    assert_eq!(venue.market().touch(), touch);
    assert_eq!(venue.open_orders(), 0);
}

#[test]
fn a_sweep_is_printed_per_level_and_the_market_recovers() {
    let (mut venue, mut batch, mut reports) = running(12);
    let now = venue.next_event_time().unwrap();
    let asks: Vec<_> = venue.market().levels(Side::Sell).collect();
    // Everything displayed up to twice the reference, and 5 lots more.
    let all = asks.iter().map(|level| level.quantity.0).sum::<i64>();
    venue.on_request(now, &order(1, Side::Buy, 1_000_000, all + 5, 0), &mut batch, &mut reports);
    let mut account = Account::default();
    reports.iter().for_each(|report| account.take(report));
    account.check(venue.ledger());
    assert_eq!((account.position, account.fills as usize), (all, asks.len()));
    let prints: Vec<_> = batch
        .items
        .iter()
        .filter_map(|item| match item {
            FeedItem::Trade(print) => Some((print.price, print.quantity)),
            _ => None,
        })
        .collect();
    assert_eq!(prints, asks.iter().map(|level| (level.price, level.quantity)).collect::<Vec<_>>());
    // The remainder is the best bid, and there are asks above it.
    let touch = venue.market().touch();
    assert_eq!((touch.bid, touch.bid_lots), (Ticks(1_000_000), Lots(5)));
    assert!(touch.ask > touch.bid && touch.ask_lots.0 > 0);
    for _ in 0..100_000 {
        batch.clear();
        venue.step(&mut batch, &mut reports).unwrap();
    }
    let touch = venue.market().touch();
    assert!((590_000..610_000).contains(&touch.bid.0) && (590_000..610_000).contains(&touch.ask.0), "{touch:?}");
}

#[test]
fn refusals() {
    let (mut venue, mut batch, mut reports) = running(13);
    let now = venue.next_event_time().unwrap();
    let touch = venue.market().touch();
    for (request, code) in [
        (order(3, Side::Buy, 200_000, 5, 0), Code::VenueInvalid),
        (order(4, Side::Buy, 1_300_000, 5, 0), Code::VenueInvalid),
        (order(5, Side::Buy, touch.ask.0 + 5, 5, flag::POST_ONLY), Code::VenuePostOnly),
        (order(6, Side::Sell, touch.ask.0, 5, flag::REDUCE_ONLY), Code::VenueInvalid),
        (cancel(&order(77, Side::Buy, touch.bid.0, 5, 0), 8), Code::VenueUnknownOrder),
    ] {
        venue.on_request(now, &request, &mut batch, &mut reports);
        assert_eq!((reports.len(), reason(&reports[0])), (1, Some(code)), "{request:?}");
        reports.clear();
    }
}

#[test]
fn our_orders_do_not_trade_with_each_other() {
    let (mut venue, mut batch, mut reports) = running(14);
    while venue.market().touch().ask.0 - venue.market().touch().bid.0 < 2 {
        venue.step(&mut batch, &mut reports).unwrap();
    }
    let (now, price) = (venue.next_event_time().unwrap(), venue.market().touch().bid.0 + 1);
    venue.on_request(now, &order(1, Side::Sell, price, 5, 0), &mut batch, &mut reports);
    venue.on_request(now, &order(2, Side::Buy, price, 5, flag::IOC), &mut batch, &mut reports);
    let said: Vec<_> = reports.drain(..).map(|report| (brief(&report).0, brief(&report).1)).collect();
    assert_eq!(said, [(Accepted, 1), (Accepted, 2), (Cancelled, 1), (Expired, 2)]);
    // An id that ended is not free again.
    venue.on_request(now, &order(1, Side::Buy, price - 5, 5, 0), &mut batch, &mut reports);
    assert_eq!((reports.len(), reason(&reports[0])), (1, Some(Code::VenueInvalid)));
}

#[test]
fn configurations_that_passed_by_the_check_are_refused() {
    for bad in [
        GeneratedConfig { start_price: "60000.05".into(), ..seeded(1) },
        GeneratedConfig { start_price: "x".into(), ..seeded(1) },
        GeneratedConfig { start_price: "1".into(), ..seeded(1) },
        GeneratedConfig { market_orders_per_second: f64::NAN, ..seeded(1) },
        GeneratedConfig { limit_orders_per_second: 0.0, ..seeded(1) },
        GeneratedConfig { cluster_branching: 1.0, ..seeded(1) },
        GeneratedConfig { depth_decay_per_tick: f64::INFINITY, ..seeded(1) },
    ] {
        assert_eq!(GeneratedVenue::new(&instrument("0"), &bad, Feed::BinanceUsdm).unwrap_err(), Code::ConfigInvalid);
    }
}

#[test]
fn extremes_keep_the_market_two_sided_and_bounded() {
    let base = GeneratedConfig { seconds: 2, ..seeded(4) };
    for config in [
        // Market orders eat everything; few limit orders.
        GeneratedConfig {
            market_orders_per_second: 1e4,
            limit_orders_per_second: 0.1,
            mean_order_lots: 1e6,
            ..base.clone()
        },
        // The slab and the levels fill.
        GeneratedConfig {
            limit_orders_per_second: 1e5,
            cancel_rate_per_second: 2.0,
            depth_decay_per_tick: 0.005,
            ..base.clone()
        },
        // The reference jumps about near the lowest price.
        GeneratedConfig { start_price: "100".into(), reference_volatility_ticks: 1e4, ..base.clone() },
        // Everything is cancelled at once.
        GeneratedConfig { cancel_rate_per_second: 1e3, limit_orders_per_second: 0.1, ..base.clone() },
    ] {
        let (mut venue, mut batch, mut reports) =
            (market(&config, Feed::BinanceUsdm), FeedBatch::new(), reserve_reports());
        let capacity = (batch.items.capacity(), batch.bids.capacity());
        while venue.step(&mut batch, &mut reports).is_some() {
            let touch = venue.market().touch();
            assert!(touch.is_two_sided() && touch.bid.0 > 0, "{config:?}: {touch:?}");
            batch.clear();
        }
        assert_eq!(capacity, (batch.items.capacity(), batch.bids.capacity()));
    }
}
