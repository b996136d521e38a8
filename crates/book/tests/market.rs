//! Cases by hand: the joining rules at their edges, bounds, malformed messages, the L1, and allocations.
use fafnir_book::{
    BUFFERED_DIFFS_MAX, BUFFERED_LEVELS_MAX, DepthOutcome, LEVELS_PER_SIDE_MAX, MarketBook, Rule, TouchOutcome,
    TouchSource,
};
use testkit::{CountingAllocator, allocations_during};
use types::config::Feed;
use types::limits::LEVELS_PER_MESSAGE_MAX;
use types::{Code, DepthHeader, InstrumentId, Level, Lots, Side, SnapshotHeader, Ticks, Touch, TouchPrint, UnixNanos};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn level(price: i64, lots: i64) -> Level {
    Level { price: Ticks(price), quantity: Lots(lots) }
}

fn usdm(first_id: u64, last_id: u64, previous_id: u64) -> DepthHeader {
    let (instrument, exchange_time) = (InstrumentId(0), UnixNanos(last_id));
    DepthHeader { instrument, first_id, last_id, previous_id: Some(previous_id), exchange_time }
}

fn spot(first_id: u64, last_id: u64) -> DepthHeader {
    DepthHeader { previous_id: None, ..usdm(first_id, last_id, 0) }
}

fn snapshot(last_id: u64) -> SnapshotHeader {
    SnapshotHeader { instrument: InstrumentId(0), last_id, exchange_time: UnixNanos(last_id) }
}

fn print(update_id: u64, bid: (i64, i64), ask: (i64, i64)) -> TouchPrint {
    let touch = Touch { bid: Ticks(bid.0), bid_lots: Lots(bid.1), ask: Ticks(ask.0), ask_lots: Lots(ask.1) };
    TouchPrint { instrument: InstrumentId(0), update_id, touch, exchange_time: UnixNanos(update_id) }
}

/// A book joined at `id` with 100 x 5 / 101 x 6.
fn joined(rule: Rule, id: u64) -> MarketBook {
    let mut market = MarketBook::new(rule);
    let outcome = market.on_snapshot(&snapshot(id), &[level(100, 5)], &[level(101, 6)]);
    assert_eq!(outcome, DepthOutcome::Joined { replayed: 0 });
    market
}

const BIDS: [Level; 1] = [Level { price: Ticks(99), quantity: Lots(1) }];

#[test]
fn the_joining_rules_at_their_edges() {
    use DepthOutcome::{Applied, Gap, Stale};
    // (rule, snapshot, first diff after it, outcome)
    let cases = [
        (Rule::Usdm, usdm(90, 99, 80), Stale),
        (Rule::Usdm, usdm(90, 100, 80), Applied),
        (Rule::Usdm, usdm(100, 100, 80), Applied),
        (Rule::Usdm, usdm(100, 110, 80), Applied),
        (Rule::Usdm, usdm(101, 110, 80), Gap { expected: 100, got: 80 }),
        (Rule::Usdm, usdm(103, 110, 100), Applied),
        (Rule::Usdm, usdm(103, 110, 101), Gap { expected: 100, got: 101 }),
        (Rule::Spot, spot(90, 99), Stale),
        (Rule::Spot, spot(90, 100), Stale),
        (Rule::Spot, spot(90, 101), Applied),
        (Rule::Spot, spot(101, 101), Applied),
        (Rule::Spot, spot(101, 110), Applied),
        (Rule::Spot, spot(102, 110), Gap { expected: 101, got: 102 }),
    ];
    for (rule, header, want) in cases {
        let mut market = joined(rule, 100);
        assert_eq!(market.on_depth(&header, &BIDS, &[]), want, "{rule:?} {header:?}");
        assert_eq!(market.quantity_at(Side::Buy, Ticks(99)).0, (want == Applied) as i64);
        assert_eq!(market.is_valid(), !matches!(want, Gap { .. }));
        // The same diff, buffered before the snapshot.
        let mut market = MarketBook::new(rule);
        assert_eq!(market.on_depth(&header, &BIDS, &[]), DepthOutcome::Buffered { diffs: 1, dropped: 0 });
        assert!(market.take_snapshot_request() && !market.take_snapshot_request());
        let outcome = market.on_snapshot(&snapshot(100), &[level(100, 5)], &[level(101, 6)]);
        match want {
            Gap { .. } => {
                assert_eq!(outcome, DepthOutcome::SnapshotOld { snapshot: 100, first: header.first_id });
                assert!(!market.is_valid() && market.take_snapshot_request());
            }
            _ => assert_eq!(outcome, DepthOutcome::Joined { replayed: (want == Applied) as u32 }),
        }
    }
}

#[test]
fn after_the_join_the_link_decides() {
    let mut market = joined(Rule::Usdm, 100);
    assert_eq!(market.on_depth(&usdm(100, 110, 95), &BIDS, &[]), DepthOutcome::Applied);
    assert_eq!(market.on_depth(&usdm(100, 110, 95), &BIDS, &[]), DepthOutcome::Stale);
    assert_eq!(market.on_depth(&usdm(117, 120, 110), &BIDS, &[]), DepthOutcome::Applied);
    // The range would do for a join, the link is broken.
    let gap = DepthOutcome::Gap { expected: 120, got: 119 };
    assert_eq!(market.on_depth(&usdm(119, 130, 119), &[level(98, 4)], &[]), gap);
    assert_eq!(gap.code(), Some(Code::BookGap));
    assert!(!market.is_valid() && market.touch().is_none() && market.ladder().is_empty());
    assert!(market.take_snapshot_request());
    // The offending diff waits for the snapshot.
    let outcome = market.on_snapshot(&snapshot(125), &[level(97, 5)], &[level(101, 6)]);
    assert_eq!(outcome, DepthOutcome::Joined { replayed: 1 });
    assert_eq!((market.last_id(), market.ladder().touch().bid), (Some(130), Ticks(98)));
    let mut market = joined(Rule::Spot, 100);
    assert_eq!(market.on_depth(&spot(95, 110), &BIDS, &[]), DepthOutcome::Applied);
    assert_eq!(market.on_depth(&spot(110, 115), &BIDS, &[]), DepthOutcome::Gap { expected: 111, got: 110 });
}

#[test]
fn snapshots_while_valid() {
    let mut market = joined(Rule::Usdm, 100);
    for id in [99, 100] {
        assert_eq!(market.on_snapshot(&snapshot(id), &[level(50, 1)], &[]), DepthOutcome::Stale);
    }
    assert_eq!(market.ladder().touch().bid, Ticks(100));
    assert_eq!(market.on_snapshot(&snapshot(105), &[level(50, 1)], &[]), DepthOutcome::Joined { replayed: 0 });
    assert_eq!((market.ladder().touch().bid, market.ladder().level_count(Side::Sell)), (Ticks(50), 0));
    assert_eq!(market.on_depth(&usdm(101, 103, 100), &BIDS, &[]), DepthOutcome::Stale);
    let crossing = market.on_snapshot(&snapshot(106), &[level(50, 1)], &[level(50, 1)]);
    assert_eq!(crossing, DepthOutcome::Crossed);
    assert!(!market.is_valid() && market.ladder().is_empty());
}

#[test]
fn a_full_buffer_drops_the_oldest_and_still_joins() {
    let mut market = MarketBook::new(Rule::Spot);
    let extra = 10;
    for i in 1..=(BUFFERED_DIFFS_MAX + extra) as u64 {
        let dropped = (i > BUFFERED_DIFFS_MAX as u64) as u32;
        let want = DepthOutcome::Buffered { diffs: i.min(BUFFERED_DIFFS_MAX as u64) as u32, dropped };
        assert_eq!(market.on_depth(&spot(i, i), &[level(i as i64, 1)], &[]), want);
        assert_eq!(want.code(), Some(if dropped == 0 { Code::BookStart } else { Code::BookBufferFull }));
    }
    assert_eq!(market.counts().dropped, extra as u64);
    // The first kept is number 11, so a snapshot at 9 is too old and one at 10 joins.
    let old = market.on_snapshot(&snapshot(9), &[], &[level(1_000_000, 1)]);
    assert_eq!(old, DepthOutcome::SnapshotOld { snapshot: 9, first: 11 });
    let outcome = market.on_snapshot(&snapshot(10), &[], &[level(1_000_000, 1)]);
    assert_eq!(outcome, DepthOutcome::Joined { replayed: BUFFERED_DIFFS_MAX as u32 });
    assert_eq!(market.ladder().level_count(Side::Buy), BUFFERED_DIFFS_MAX);
    assert!(market.levels(Side::Buy).map(|level| level.price.0).eq((11..=4_106).rev()));
}

#[test]
fn a_level_buffer_that_is_just_full_drops_nothing() {
    let mut market = MarketBook::new(Rule::Spot);
    let (mut id, mut left) = (0, BUFFERED_LEVELS_MAX);
    while left > 0 {
        id += 1;
        let bids: Vec<Level> = (0..left.min(LEVELS_PER_MESSAGE_MAX) as i64).map(|price| level(price, 1)).collect();
        left -= bids.len();
        assert_eq!(
            market.on_depth(&spot(id, id), &bids, &[]),
            DepthOutcome::Buffered { diffs: id as u32, dropped: 0 },
            "{left} levels left"
        );
    }
    let one_more = market.on_depth(&spot(id + 1, id + 1), &BIDS, &[]);
    assert_eq!(one_more, DepthOutcome::Buffered { diffs: id as u32, dropped: 1 });
}

#[test]
fn a_full_level_buffer_drops_whole_diffs() {
    let mut market = MarketBook::new(Rule::Spot);
    let bids: Vec<Level> = (0..LEVELS_PER_MESSAGE_MAX as i64).map(|i| level(i, 1 + i)).collect();
    let asks: Vec<Level> = (0..LEVELS_PER_MESSAGE_MAX as i64).map(|i| level(20_000 + i, 1 + i)).collect();
    let fit = (BUFFERED_LEVELS_MAX / (2 * LEVELS_PER_MESSAGE_MAX)) as u64;
    for i in 1..=10 {
        let want = DepthOutcome::Buffered { diffs: i.min(fit) as u32, dropped: (i > fit) as u32 };
        assert_eq!(market.on_depth(&spot(i, i), &bids, &asks), want);
    }
    let outcome = market.on_snapshot(&snapshot(10 - fit), &[], &[]);
    assert_eq!(outcome, DepthOutcome::Joined { replayed: fit as u32 });
    assert!(market.levels(Side::Buy).eq(bids.iter().rev().copied()));
    assert!(market.levels(Side::Sell).eq(asks.iter().copied()));
    let too_many = vec![level(1, 1); LEVELS_PER_MESSAGE_MAX + 1];
    let refused = DepthOutcome::Refused(Code::TooManyLevels);
    assert_eq!(market.on_depth(&spot(11, 11), &too_many, &[]), refused);
    assert_eq!(market.on_snapshot(&snapshot(11), &[], &too_many), refused);
    assert!(market.is_valid());
}

#[test]
fn malformed_messages_change_nothing() {
    let mut market = joined(Rule::Usdm, 100);
    assert_eq!(market.on_depth(&usdm(100, 110, 95), &BIDS, &[]), DepthOutcome::Applied);
    let before: Vec<Level> = Side::BOTH.iter().flat_map(|&side| market.levels(side)).collect();
    let negative = [level(100, 0), level(98, -1)];
    let refused = |code| DepthOutcome::Refused(code);
    assert_eq!(market.on_depth(&usdm(111, 120, 110), &negative, &[]), refused(Code::BookNegative));
    assert_eq!(market.on_depth(&usdm(111, 120, 110), &[], &negative), refused(Code::BookNegative));
    // Two negative totals do not make up for each other.
    let both = [level(100, -1), level(98, -1)];
    assert_eq!(market.on_depth(&usdm(111, 120, 110), &both, &[]), refused(Code::BookNegative));
    assert_eq!(market.on_depth(&spot(111, 120), &BIDS, &[]), refused(Code::FieldMissing));
    assert_eq!(market.on_depth(&usdm(121, 120, 110), &BIDS, &[]), refused(Code::BookGap));
    assert_eq!(market.on_snapshot(&snapshot(500), &negative, &[]), refused(Code::BookNegative));
    assert!(Side::BOTH.iter().flat_map(|&side| market.levels(side)).eq(before));
    assert_eq!((market.counts().refused, market.last_id()), (6, Some(110)));
    // Ids at the end of their range wrap nowhere.
    let mut market = joined(Rule::Spot, u64::MAX);
    assert_eq!(market.on_depth(&spot(u64::MAX, u64::MAX), &BIDS, &[]), DepthOutcome::Stale);
    assert_eq!(market.on_depth(&spot(0, 0), &BIDS, &[]), DepthOutcome::Stale);
    let mut market = MarketBook::new(Rule::Spot);
    market.on_snapshot(&snapshot(5), &[level(1, -1)], &[]);
    assert!(market.take_snapshot_request(), "a refused answer must be asked for again");
}

#[test]
fn more_levels_than_the_ladder_holds_make_the_book_invalid() {
    let mut market = joined(Rule::Spot, 100);
    let mut id = 100;
    let outcome = loop {
        id += 1;
        let from = -((id - 100) as i64) * LEVELS_PER_MESSAGE_MAX as i64;
        let bids: Vec<Level> = (from..from + LEVELS_PER_MESSAGE_MAX as i64).map(|price| level(price, 1)).collect();
        match market.on_depth(&spot(id, id), &bids, &[]) {
            DepthOutcome::Applied => assert!(market.ladder().level_count(Side::Buy) <= LEVELS_PER_SIDE_MAX),
            other => break other,
        }
    };
    assert_eq!((outcome, id), (DepthOutcome::Full, 104));
    assert_eq!((market.counts().full, market.counts().crossed), (1, 0));
    assert!(!market.is_valid() && market.ladder().is_empty() && market.take_snapshot_request());
}

#[test]
fn after_a_disconnect_a_late_snapshot_does_not_join() {
    let mut market = joined(Rule::Usdm, 100);
    assert_eq!(market.on_touch(&print(101, (100, 1), (101, 1))), TouchOutcome::Updated);
    market.on_disconnect();
    assert!(!market.is_valid() && market.touch().is_none() && !market.take_snapshot_request());
    let late = market.on_snapshot(&snapshot(105), &[level(100, 5)], &[]);
    assert_eq!(late, DepthOutcome::Refused(Code::BookDisconnected));
    assert_eq!((market.counts().refused, market.counts().disconnects), (1, 1));
    assert!(!market.take_snapshot_request());
    // Ids may start anywhere on the new connection.
    let first = market.on_depth(&usdm(10, 12, 9), &BIDS, &[]);
    assert_eq!(first, DepthOutcome::Buffered { diffs: 1, dropped: 0 });
    assert!(market.take_snapshot_request());
    assert_eq!(market.on_snapshot(&snapshot(11), &[], &[]), DepthOutcome::Joined { replayed: 1 });
    assert_eq!(market.on_touch(&print(12, (99, 1), (101, 1))), TouchOutcome::Updated);
}

#[test]
fn the_touch_is_the_newer_of_l1_and_l2() {
    let mut market = MarketBook::new(Rule::Usdm);
    assert_eq!(market.touch(), None);
    assert_eq!(market.on_touch(&print(90, (100, 1), (101, 2))), TouchOutcome::Updated);
    assert_eq!(market.touch().unwrap().source, TouchSource::L1);
    let mut market = joined(Rule::Usdm, 100);
    let l2 = market.touch().unwrap();
    assert_eq!((l2.source, l2.update_id, l2.exchange_time), (TouchSource::L2, 100, UnixNanos(100)));
    assert_eq!(market.on_touch(&print(99, (90, 1), (91, 2))), TouchOutcome::Updated);
    assert_eq!(market.touch().unwrap().source, TouchSource::L2, "an older L1 is kept and not shown");
    assert_eq!(market.on_touch(&print(100, (100, 5), (101, 6))), TouchOutcome::Updated);
    assert_eq!(market.touch().unwrap().source, TouchSource::L1);
    // It never edits the L2.
    assert_eq!(market.on_touch(&print(103, (70, 9), (71, 9))), TouchOutcome::Updated);
    assert_eq!(market.touch().unwrap().touch.bid, Ticks(70));
    assert_eq!(market.levels(Side::Buy).collect::<Vec<_>>(), [level(100, 5)]);
    for id in [103, 102, 0] {
        assert_eq!(market.on_touch(&print(id, (1, 1), (2, 1))), TouchOutcome::Stale);
    }
    assert_eq!(market.on_depth(&usdm(100, 104, 95), &BIDS, &[]), DepthOutcome::Applied);
    let l2 = market.touch().unwrap();
    assert_eq!((l2.source, l2.update_id, l2.touch.bid), (TouchSource::L2, 104, Ticks(100)));
    let l1 = market.l1_touch().unwrap();
    assert_eq!((l1.source, l1.update_id, l1.touch.bid), (TouchSource::L1, 103, Ticks(70)));
    // An invalid L2 leaves the L1.
    market.on_depth(&usdm(200, 204, 195), &BIDS, &[]);
    assert_eq!(market.touch().unwrap().update_id, 103);
    assert_eq!(market.l2_touch(), None);
    assert_eq!((market.touch_counts().updated, market.touch_counts().stale), (3, 3));
}

#[test]
fn an_odd_l1_breaks_nothing() {
    let mut market = joined(Rule::Usdm, 100);
    let odd =
        [((0, 0), (0, 0)), ((100, 1), (0, 0)), ((0, 0), (5, 1)), ((101, 1), (100, 1)), ((i64::MAX, 1), (i64::MIN, 1))];
    for (i, (bid, ask)) in odd.into_iter().enumerate() {
        let id = 101 + i as u64;
        assert_eq!(market.on_touch(&print(id, bid, ask)), TouchOutcome::Updated);
        let touch = market.touch().unwrap();
        assert_eq!((touch.update_id, touch.touch.is_two_sided(), touch.touch.mid_half_ticks()), (id, false, None));
    }
    for negative in [print(200, (100, -1), (101, 1)), print(200, (100, 1), (101, -1))] {
        assert_eq!(market.on_touch(&negative), TouchOutcome::Refused(Code::BookNegative));
        assert_eq!(market.touch().unwrap().update_id, 105);
    }
    let counts = *market.touch_counts();
    assert_eq!((counts.updated, counts.stale, counts.refused), (5, 0, 2));
    assert!(market.is_valid());
}

#[test]
fn rules_follow_from_feeds() {
    assert_eq!(Rule::for_feed(Feed::BinanceUsdm), Some(Rule::Usdm));
    assert_eq!(Rule::for_feed(Feed::BinanceSpot), Some(Rule::Spot));
    assert_eq!(Rule::for_feed(Feed::Normalised), None);
}

#[test]
fn nothing_allocates_after_construction() {
    let mut market = MarketBook::new(Rule::Spot);
    let bids: Vec<Level> = (0..200).map(|i| level(-i * 300, 1 + i)).collect();
    let asks: Vec<Level> = (0..200).map(|i| level(1_000_000_000 + i * 300, 1 + i)).collect();
    let mut top = [Level::default(); 10];
    let (_, counted) = allocations_during(|| {
        for round in 0..50u64 {
            let id = round * 100;
            for step in 1..=10 {
                market.on_depth(&spot(id + step, id + step), &bids, &asks);
            }
            market.on_snapshot(&snapshot(id + 5), &bids, &asks);
            for step in 11..=20 {
                // A leaping touch: every message re-centres.
                let price = if step % 2 == 0 { 5_000_000 } else { 100 };
                market.on_depth(&spot(id + step, id + step), &[level(price, (step % 3) as i64)], &[]);
                market.on_touch(&print(id + step, (1, 1), (2, 1)));
                market.touch();
                market.ladder().top_n(Side::Buy, &mut top);
                assert!(market.levels(Side::Sell).count() >= 200);
            }
            market.on_depth(&spot(id + 90, id + 90), &bids, &asks);
            assert!(!market.is_valid());
            if round % 10 == 0 {
                market.on_disconnect();
            }
        }
    });
    assert_eq!(counted.count, 0);
    assert!(market.counts().joined == 50 && market.counts().gaps >= 49, "{:?}", market.counts());
}
