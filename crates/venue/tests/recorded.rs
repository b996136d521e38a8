//! Every rule of fills against a recorded market, by hand. Prices near 600,000 ticks, the touch is 599,999 / 600,001 unless said.
mod common;

use common::*;
use fafnir_venue::{OWN_ORDERS_MAX, RecordedVenue, reserve_reports};
use types::OrderEventKind::*;
use types::config::Feed;
use types::{Code, Lots, OrderEvent, Side, UnixNanos, flag};

const BID: i64 = 599_999;
const ASK: i64 = 600_001;

struct Desk {
    venue: RecordedVenue,
    now: u64,
    id: u64,
    /// Update id of the last L1.
    prints: u64,
    reports: Vec<OrderEvent>,
}

impl Desk {
    /// Bids 100 at the touch and 50 one below, asks 80 and 60; update id 10.
    fn open() -> Desk {
        let mut desk = Desk {
            venue: RecordedVenue::new(&instrument("0"), Feed::BinanceUsdm),
            now: 0,
            id: 10,
            prints: 0,
            reports: reserve_reports(),
        };
        desk.snapshot(10, &[(BID, 100), (BID - 1, 50)], &[(ASK, 80), (ASK + 1, 60)]);
        desk.diff(&[], &[]);
        assert!(desk.venue.book().is_valid());
        desk
    }
    fn now(&mut self) -> UnixNanos {
        self.now += 1;
        UnixNanos(self.now)
    }
    fn snapshot(&mut self, id: u64, bids: &[(i64, i64)], asks: &[(i64, i64)]) {
        let now = self.now();
        self.venue.on_snapshot(now, &snapshot(id), &levels(bids), &levels(asks), &mut self.reports);
    }
    fn diff(&mut self, bids: &[(i64, i64)], asks: &[(i64, i64)]) {
        let (now, previous) = (self.now(), self.id);
        self.id += 10;
        let header = diff(if previous == 10 { 10 } else { previous + 1 }, self.id, previous);
        self.venue.on_depth(now, &header, &levels(bids), &levels(asks), &mut self.reports);
    }
    fn trade(&mut self, aggressor: Side, price: i64, lots: i64) {
        let now = self.now();
        self.venue.on_trade(now, &trade(aggressor, price, lots), &mut self.reports);
    }
    /// An L1 newer than the last diff.
    fn touch(&mut self, bid: (i64, i64), ask: (i64, i64)) {
        let now = self.now();
        self.prints = if self.prints > self.id { self.prints + 1 } else { self.id + 1 };
        assert!(self.prints < self.id + 10);
        let id = self.prints;
        self.venue.on_touch(now, &touch(id, bid, ask), &mut self.reports);
    }
    fn send(&mut self, request: OrderEvent) -> OrderEvent {
        let now = self.now();
        self.venue.on_request(now, &request, &mut self.reports);
        request
    }
    fn ahead(&self, order: &OrderEvent) -> f64 {
        self.venue.queue_ahead(order.order_id).unwrap()
    }
    /// The reports since the last call, in brief.
    fn said(&mut self) -> Vec<(types::OrderEventKind, u32, i64, i64, i64)> {
        self.reports.drain(..).map(|report| brief(&report)).collect()
    }
    /// The reason of the only report.
    fn refused(&mut self) -> (types::OrderEventKind, Code) {
        assert_eq!(self.reports.len(), 1, "{:?}", self.reports);
        let report = self.reports.remove(0);
        (report.kind().unwrap(), reason(&report).unwrap())
    }
}

#[test]
fn queue_on_arrival() {
    let mut desk = Desk::open();
    let at_touch = desk.send(order(1, Side::Buy, BID, 5, 0));
    let behind = desk.send(order(2, Side::Buy, BID - 1, 5, 0));
    let empty = desk.send(order(3, Side::Buy, BID - 7, 5, 0));
    let better = desk.send(order(4, Side::Buy, BID + 1, 5, 0));
    let ask = desk.send(order(5, Side::Sell, ASK + 1, 5, 0));
    let ahead = [at_touch, behind, empty, better, ask].map(|order| desk.ahead(&order));
    assert_eq!(ahead, [100.0, 50.0, 0.0, 0.0, 60.0]);
}

#[test]
fn a_newer_l1_says_what_is_displayed_at_its_price() {
    let mut desk = Desk::open();
    desk.touch((BID, 30), (ASK, 9));
    let [at_touch, behind] = [BID, BID - 1].map(|price| desk.send(order(price as u32, Side::Buy, price, 5, 0)));
    assert_eq!((desk.ahead(&at_touch), desk.ahead(&behind)), (30.0, 50.0));
    // The L1 has left the price that the L2 still shows: better than the touch, nothing ahead.
    desk.touch((BID - 1, 20), (ASK, 9));
    let better = desk.send(order(2, Side::Buy, BID, 5, 0));
    assert_eq!(desk.ahead(&better), 0.0);
}

#[test]
fn without_an_l2_the_l1_counts_and_the_rest_is_unknown() {
    let mut desk = Desk {
        venue: RecordedVenue::new(&instrument("0"), Feed::BinanceUsdm),
        now: 0,
        id: 10,
        prints: 0,
        reports: reserve_reports(),
    };
    desk.send(order(1, Side::Buy, BID, 5, 0));
    assert_eq!(desk.refused(), (Rejected, Code::VenueClosed));
    desk.touch((BID, 30), (ASK, 9));
    let at_touch = desk.send(order(2, Side::Buy, BID, 5, 0));
    let behind = desk.send(order(3, Side::Buy, BID - 1, 5, 0));
    assert_eq!((desk.ahead(&at_touch), desk.ahead(&behind)), (30.0, f64::INFINITY));
    desk.said();
    // Any trade at an unknown queue's price stays in the queue; one through fills.
    desk.trade(Side::Sell, BID - 1, 1_000_000);
    assert_eq!(desk.said(), [(Fill, 2, BID, 5, 5)]);
    // The join caps.
    desk.snapshot(100, &[(BID, 100), (BID - 1, 50)], &[(ASK, 80)]);
    desk.id = 100;
    assert_eq!(desk.ahead(&behind), 50.0);
}

#[test]
fn a_trade_at_our_price_eats_the_queue_then_us_in_parts() {
    let mut desk = Desk::open();
    let ours = desk.send(order(1, Side::Buy, BID, 10, 0));
    desk.said();
    desk.trade(Side::Sell, BID, 60);
    assert_eq!((desk.ahead(&ours), desk.said()), (40.0, vec![]));
    // Buyers hit the asks, not our bid; sellers above our price do not reach it.
    desk.trade(Side::Buy, BID, 500);
    desk.trade(Side::Sell, BID + 1, 500);
    assert_eq!((desk.ahead(&ours), desk.said()), (40.0, vec![]));
    desk.trade(Side::Sell, BID, 40);
    assert_eq!((desk.ahead(&ours), desk.said()), (0.0, vec![]));
    desk.trade(Side::Sell, BID, 4);
    desk.trade(Side::Sell, BID, 100);
    assert_eq!(desk.said(), [(Fill, 1, BID, 4, 4), (Fill, 1, BID, 6, 10)]);
    assert_eq!((desk.venue.open_orders(), desk.venue.ledger().position()), (0, Lots(10)));
}

#[test]
fn the_same_on_the_ask_side() {
    let mut desk = Desk::open();
    desk.send(order(1, Side::Sell, ASK, 10, 0));
    desk.said();
    desk.trade(Side::Sell, ASK, 500);
    desk.trade(Side::Buy, ASK, 83);
    assert_eq!(desk.said(), [(Fill, 1, ASK, 3, 3)]);
    desk.trade(Side::Buy, ASK + 5, 2);
    assert_eq!(desk.said(), [(Fill, 1, ASK, 2, 5)]);
    desk.touch((ASK + 1, 1), (ASK + 2, 1));
    assert_eq!(desk.said(), [(Fill, 1, ASK, 5, 10)]);
}

#[test]
fn a_trade_through_our_price_fills_up_to_its_quantity() {
    let mut desk = Desk::open();
    let ours = desk.send(order(1, Side::Buy, BID, 10, 0));
    desk.said();
    desk.trade(Side::Sell, BID - 1, 4);
    assert_eq!(desk.said(), [(Fill, 1, BID, 4, 4)]);
    // The level was traded through: nothing is ahead any more.
    assert_eq!(desk.ahead(&ours), 0.0);
    desk.trade(Side::Sell, BID, 1);
    assert_eq!(desk.said(), [(Fill, 1, BID, 1, 5)]);
}

#[test]
fn one_trade_is_one_budget() {
    let mut desk = Desk::open();
    // Queue at BID: 100 recorded, then ours of 5, then ours of 7. One better order of 3.
    let first = desk.send(order(1, Side::Buy, BID, 5, 0));
    let second = desk.send(order(2, Side::Buy, BID, 7, 0));
    desk.send(order(3, Side::Buy, BID + 1, 3, 0));
    desk.said();
    // 3 go to the better order; 100 to the queue; 5 to the first; 1 is left for the second.
    desk.trade(Side::Sell, BID, 109);
    assert_eq!(desk.said(), [(Fill, 3, BID + 1, 3, 3), (Fill, 1, BID, 5, 5), (Fill, 2, BID, 1, 1)]);
    assert!(desk.venue.queue_ahead(first.order_id).is_none());
    assert_eq!(desk.ahead(&second), 0.0);
}

#[test]
fn recorded_quantity_between_two_of_our_orders_is_eaten_between_them() {
    let mut desk = Desk::open();
    desk.send(order(1, Side::Buy, BID, 5, 0));
    // 20 more join behind the first order, then the second comes: 120 recorded ahead of it.
    desk.diff(&[(BID, 120)], &[]);
    desk.send(order(2, Side::Buy, BID, 5, 0));
    desk.said();
    desk.trade(Side::Sell, BID, 100 + 5 + 20 + 2);
    assert_eq!(desk.said(), [(Fill, 1, BID, 5, 5), (Fill, 2, BID, 2, 2)]);
}

#[test]
fn a_diff_is_netted_of_trades_and_the_rest_is_shared_by_the_cube() {
    let mut desk = Desk::open();
    let ours = desk.send(order(1, Side::Buy, BID, 10, 0));
    // 80 traded: 20 ahead. The diff shows 20 less (80 traded, 60 joined behind): nothing else left.
    desk.trade(Side::Sell, BID, 80);
    desk.diff(&[(BID, 100)], &[]);
    assert_eq!(desk.ahead(&ours), 20.0);
    // 13 leave without a trade: p = 80³ / (80³ + 20³) = 64/65 of them behind us.
    desk.diff(&[(BID, 87)], &[]);
    assert!((desk.ahead(&ours) - 19.8).abs() < 1e-9);
    // A diff forgets the trades: the same decrease again is not netted twice.
    desk.trade(Side::Sell, BID, 1);
    desk.diff(&[(BID, 86)], &[]);
    let front = 18.8f64;
    assert!((desk.ahead(&ours) - front).abs() < 1e-9);
    desk.diff(&[(BID, 85)], &[]);
    let behind = (86.0 - front).powi(3) / ((86.0 - front).powi(3) + front.powi(3));
    assert!((desk.ahead(&ours) - (front - (1.0 - behind))).abs() < 1e-9);
    // An increase joins behind us, and no diff alone ever fills.
    desk.diff(&[(BID, 500)], &[]);
    assert!((desk.ahead(&ours) - (front - (1.0 - behind))).abs() < 1e-9);
    desk.said();
    desk.diff(&[(BID, 0)], &[]);
    assert_eq!((desk.ahead(&ours), desk.said()), (0.0, vec![]));
}

#[test]
fn trades_before_our_arrival_are_netted_too() {
    let mut desk = Desk::open();
    desk.trade(Side::Sell, BID, 30);
    let ours = desk.send(order(1, Side::Buy, BID, 10, 0));
    assert_eq!(desk.ahead(&ours), 100.0);
    // The level fell by the 30 traded before us and 40 joined behind: nobody cancelled.
    desk.diff(&[(BID, 110)], &[]);
    assert_eq!(desk.ahead(&ours), 100.0);
}

#[test]
fn our_own_order_of_time_survives_the_shares_of_a_decrease() {
    let mut desk = Desk::open();
    let first = desk.send(order(1, Side::Buy, BID, 5, 0));
    desk.trade(Side::Sell, BID, 60);
    desk.diff(&[(BID, 60)], &[]);
    let second = desk.send(order(2, Side::Buy, BID, 5, 0));
    desk.diff(&[(BID, 100)], &[]);
    assert_eq!((desk.ahead(&first), desk.ahead(&second)), (40.0, 60.0));
    // By the formula alone 26.3 and 13.7: the second would overtake the first.
    desk.diff(&[(BID, 40)], &[]);
    assert!(desk.ahead(&first) > 26.0 && desk.ahead(&second) >= desk.ahead(&first));
}

#[test]
fn the_l1_through_our_price_fills_whole_at_our_price() {
    let mut desk = Desk::open();
    desk.send(order(1, Side::Buy, BID, 10, 0));
    desk.said();
    // Locked is not through.
    desk.touch((BID - 1, 1), (BID, 1));
    assert_eq!(desk.said(), []);
    desk.touch((BID - 2, 1), (BID - 1, 1));
    assert_eq!(desk.said(), [(Fill, 1, BID, 10, 10)]);
}

#[test]
fn an_older_l2_does_not_go_through_a_newer_l1() {
    let mut desk = Desk::open();
    // The L1 is at update 1000: the market rose. Our bid at its touch.
    desk.now += 1;
    desk.venue.on_touch(UnixNanos(desk.now), &touch(1_000, (ASK + 5, 9), (ASK + 6, 9)), &mut desk.reports);
    desk.send(order(1, Side::Buy, ASK + 5, 10, flag::POST_ONLY));
    assert_eq!(desk.said(), [(Accepted, 1, 0, 0, 0)]);
    // A diff from before still shows the old ask below our bid: no fill. One from after does.
    desk.diff(&[(BID, 90)], &[]);
    assert_eq!(desk.said(), []);
    desk.id = 2_000;
    let header = diff(31, 2_000, 30);
    desk.venue.on_depth(UnixNanos(desk.now), &header, &levels(&[(BID, 95)]), &[], &mut desk.reports);
    assert_eq!(desk.said(), [(Fill, 1, ASK + 5, 10, 10)]);
}

#[test]
fn a_snapshot_caps_the_queue_and_never_zeroes_it() {
    let mut desk = Desk::open();
    let ours = desk.send(order(1, Side::Buy, BID, 10, 0));
    desk.said();
    // A gap: the book is invalid, the estimate stays.
    let header = diff(900, 910, 899);
    desk.venue.on_depth(UnixNanos(50), &header, &[], &[], &mut desk.reports);
    assert!(!desk.venue.book().is_valid());
    assert_eq!(desk.ahead(&ours), 100.0);
    desk.trade(Side::Sell, BID, 10);
    assert_eq!(desk.ahead(&ours), 90.0);
    desk.snapshot(905, &[(BID, 70)], &[(ASK, 80)]);
    assert!(desk.venue.book().is_valid());
    assert_eq!(desk.ahead(&ours), 70.0);
    // A larger level in a later snapshot is quantity behind us.
    desk.id = 910;
    let header = diff(2_000, 2_010, 1_999);
    desk.venue.on_depth(UnixNanos(60), &header, &[], &[], &mut desk.reports);
    desk.snapshot(2_005, &[(BID, 400)], &[(ASK, 80)]);
    assert_eq!((desk.ahead(&ours), desk.said()), (70.0, vec![]));
}

#[test]
fn a_crossing_order_walks_the_levels_and_rests_the_remainder() {
    let mut desk = Desk::open();
    let taker = desk.send(order(1, Side::Buy, ASK + 1, 150, 0));
    let fills = [(Accepted, 1, 0, 0, 0), (Fill, 1, ASK, 80, 80), (Fill, 1, ASK + 1, 60, 140)];
    assert!(desk.reports[1..].iter().all(|report| report.flags & flag::TAKER != 0));
    assert_eq!(desk.said(), fills);
    assert_eq!(desk.ahead(&taker), 0.0);
    // The same displayed quantity cannot be taken twice, by anybody of ours, until the next diff.
    desk.send(order(2, Side::Buy, ASK + 1, 5, flag::IOC));
    assert_eq!(desk.said(), [(Accepted, 2, 0, 0, 0), (Expired, 2, 0, 0, 0)]);
    // The remainder rests where the recorded market stands through it: no fill from the quantity it took already.
    desk.touch((BID, 100), (ASK, 80));
    desk.diff(&[], &[]);
    assert_eq!(desk.said(), []);
    desk.send(order(3, Side::Buy, ASK, 5, flag::IOC));
    assert_eq!(desk.said(), [(Accepted, 3, 0, 0, 0), (Fill, 3, ASK, 5, 5)]);
    // Once the market has been back on its side, going through is news.
    desk.touch((ASK, 5), (ASK + 2, 5));
    desk.touch((BID, 5), (ASK, 5));
    assert_eq!(desk.said(), [(Fill, 1, ASK + 1, 10, 150)]);
}

#[test]
fn a_taker_sees_the_newer_l1_before_the_l2() {
    let mut desk = Desk::open();
    // The L2's best ask is gone; the L1 shows 7 at the second level.
    desk.touch((BID, 100), (ASK + 1, 7));
    desk.send(order(1, Side::Buy, ASK + 3, 20, flag::IOC));
    assert_eq!(desk.said(), [(Accepted, 1, 0, 0, 0), (Fill, 1, ASK + 1, 7, 7), (Expired, 1, 0, 0, 7)]);
}

#[test]
fn post_only_and_ioc() {
    let mut desk = Desk::open();
    desk.send(order(1, Side::Buy, ASK, 5, flag::POST_ONLY));
    assert_eq!(desk.refused(), (Rejected, Code::VenuePostOnly));
    desk.send(order(2, Side::Buy, ASK - 1, 5, flag::IOC));
    assert_eq!(desk.said(), [(Accepted, 2, 0, 0, 0), (Expired, 2, 0, 0, 0)]);
    desk.send(order(3, Side::Sell, BID - 1, 170, flag::IOC));
    let said = [(Accepted, 3, 0, 0, 0), (Fill, 3, BID, 100, 100), (Fill, 3, BID - 1, 50, 150), (Expired, 3, 0, 0, 150)];
    assert_eq!(desk.said(), said);
    desk.send(order(4, Side::Buy, BID, 5, flag::IOC | flag::POST_ONLY));
    assert_eq!(desk.refused(), (Rejected, Code::VenueInvalid));
}

#[test]
fn a_replace_keeps_its_turn_only_when_it_gets_smaller() {
    let mut desk = Desk::open();
    let ours = desk.send(order(1, Side::Buy, BID, 10, flag::POST_ONLY));
    desk.trade(Side::Sell, BID, 95);
    assert_eq!(desk.ahead(&ours), 5.0);
    desk.send(replace(&ours, 2, BID, 6));
    assert_eq!((desk.ahead(&ours), desk.reports.last().unwrap().request), (5.0, 2));
    desk.send(replace(&ours, 3, BID, 12));
    assert_eq!(desk.ahead(&ours), 100.0);
    desk.send(replace(&ours, 4, BID - 1, 12));
    assert_eq!(desk.ahead(&ours), 50.0);
    desk.said();
    // A post-only replace that would take is refused and the old order stays where it was.
    desk.send(replace(&ours, 5, ASK, 12));
    assert_eq!(desk.refused(), (ReplaceRejected, Code::VenuePostOnly));
    assert_eq!(desk.ahead(&ours), 50.0);
    desk.send(replace(&ours, 6, BID, 0));
    assert_eq!(desk.refused(), (ReplaceRejected, Code::VenueInvalid));
    // At or below what is filled it ends.
    desk.trade(Side::Sell, BID - 1, 54);
    assert_eq!(desk.said(), [(Fill, 1, BID - 1, 4, 4)]);
    desk.send(replace(&ours, 7, BID - 1, 4));
    assert_eq!(desk.reports[0].request, 7);
    assert_eq!(desk.said(), [(Cancelled, 1, 0, 0, 4)]);
    desk.send(replace(&ours, 8, BID - 1, 20));
    assert_eq!(desk.refused(), (ReplaceRejected, Code::VenueUnknownOrder));
    desk.send(cancel(&ours, 9));
    assert_eq!(desk.refused(), (CancelRejected, Code::VenueUnknownOrder));
}

#[test]
fn a_replace_may_take() {
    let mut desk = Desk::open();
    let ours = desk.send(order(1, Side::Buy, BID, 10, 0));
    desk.send(replace(&ours, 2, ASK, 90));
    let said = [(Accepted, 1, 0, 0, 0), (Replaced, 1, 0, 0, 0), (Fill, 1, ASK, 80, 80)];
    assert_eq!(desk.said(), said);
    assert_eq!(desk.venue.open_orders(), 1);
}

#[test]
fn cancel_ends_once() {
    let mut desk = Desk::open();
    let ours = desk.send(order(1, Side::Buy, BID, 10, 0));
    desk.trade(Side::Sell, BID, 103);
    desk.send(cancel(&ours, 2));
    let last = *desk.reports.last().unwrap();
    assert_eq!((last.request, last.client_id, last.algo_id, last.trader_id), (2, 1_001, 3, 4));
    assert_eq!(desk.said(), [(Accepted, 1, 0, 0, 0), (Fill, 1, BID, 3, 3), (Cancelled, 1, 0, 0, 3)]);
    desk.send(cancel(&ours, 3));
    assert_eq!(desk.refused(), (CancelRejected, Code::VenueUnknownOrder));
    desk.trade(Side::Sell, BID - 5, 1_000);
    assert_eq!(desk.said(), []);
}

#[test]
fn our_orders_do_not_trade_with_each_other() {
    let mut desk = Desk::open();
    desk.send(order(1, Side::Sell, ASK - 1, 5, 0));
    desk.said();
    desk.send(order(2, Side::Buy, ASK - 1, 5, flag::POST_ONLY));
    assert_eq!(desk.refused(), (Rejected, Code::VenuePostOnly));
    // A taker that is done before it meets our order leaves it; one that is not cancels it.
    desk.send(order(3, Side::Buy, ASK - 1, 5, 0));
    assert_eq!(desk.said(), [(Accepted, 3, 0, 0, 0), (Cancelled, 1, 0, 0, 0)]);
    desk.send(order(4, Side::Sell, ASK + 1, 5, 0));
    desk.send(order(5, Side::Buy, ASK + 1, 80, flag::IOC));
    assert_eq!(desk.said(), [(Accepted, 4, 0, 0, 0), (Accepted, 5, 0, 0, 0), (Fill, 5, ASK, 80, 80)]);
}

#[test]
fn reduce_only_goes_to_flat_and_no_further() {
    let mut desk = Desk::open();
    desk.send(order(1, Side::Sell, ASK, 5, flag::REDUCE_ONLY));
    assert_eq!(desk.refused(), (Rejected, Code::VenueInvalid));
    desk.send(order(2, Side::Buy, ASK, 8, flag::IOC));
    desk.said();
    desk.send(order(3, Side::Sell, ASK, 20, flag::REDUCE_ONLY));
    desk.trade(Side::Buy, ASK + 9, 1_000);
    assert_eq!(desk.said(), [(Accepted, 3, 0, 0, 0), (Fill, 3, ASK, 8, 8), (Cancelled, 3, 0, 0, 8)]);
    assert_eq!(desk.venue.ledger().position(), Lots(0));
    // A taker as well, and its remainder does not rest.
    desk.diff(&[], &[]);
    desk.send(order(4, Side::Buy, ASK, 8, flag::IOC));
    desk.send(order(5, Side::Sell, BID, 20, flag::REDUCE_ONLY));
    assert_eq!(desk.said()[2..], [(Accepted, 5, 0, 0, 0), (Fill, 5, BID, 8, 8), (Cancelled, 5, 0, 0, 8)]);
    assert_eq!(desk.venue.open_orders(), 0);
}

#[test]
fn what_is_wrong_in_itself_is_rejected() {
    let mut desk = Desk::open();
    let good = desk.send(order(1, Side::Buy, BID, 5, 0));
    desk.said();
    let off_grid = order(8, Side::Buy, 1_000_005, 5, 0);
    let bad: [OrderEvent; 9] = [
        good,
        order(2, Side::Buy, 0, 5, 0),
        order(3, Side::Buy, -BID, 5, 0),
        order(4, Side::Buy, BID, 0, 0),
        order(5, Side::Buy, BID, i64::MAX, 0),
        order(6, Side::Buy, i64::MAX, 5, 0),
        OrderEvent { side: 7, ..order(7, Side::Buy, BID, 5, 0) },
        off_grid,
        OrderEvent { instrument: 9, ..order(9, Side::Buy, BID, 5, 0) },
    ];
    for request in bad {
        desk.send(request);
        assert_eq!(desk.refused(), (Rejected, Code::VenueInvalid), "{request:?}");
    }
    // An id that ended is not free again.
    desk.send(cancel(&good, 10));
    desk.said();
    desk.send(good);
    assert_eq!(desk.refused(), (Rejected, Code::VenueInvalid));
    // What is no request at all, or no market data, is counted.
    for kind in [0, 4, 6, 200] {
        desk.send(OrderEvent { kind, ..good });
    }
    desk.trade(Side::Sell, BID, 0);
    desk.trade(Side::Sell, BID, -5);
    desk.trade(Side::Sell, 0, 5);
    assert_eq!((desk.venue.malformed(), desk.said()), (7, vec![]));
    // Below the minimum notional.
    let mut venue = RecordedVenue::new(&instrument("100"), Feed::BinanceUsdm);
    venue.on_touch(UnixNanos(1), &touch(5, (BID, 9), (ASK, 9)), &mut desk.reports);
    venue.on_request(UnixNanos(2), &order(1, Side::Buy, BID, 1, 0), &mut desk.reports);
    assert_eq!(desk.refused(), (Rejected, Code::VenueInvalid));
    venue.on_request(UnixNanos(2), &order(1, Side::Buy, BID, 2, 0), &mut desk.reports);
    assert_eq!(desk.said(), [(Accepted, 1, 0, 0, 0)]);
}

#[test]
fn the_table_of_orders_is_bounded() {
    let mut desk = Desk::open();
    for counter in 1..=OWN_ORDERS_MAX as u32 {
        desk.send(order(counter, Side::Buy, BID - counter as i64 % 50, 1, 0));
    }
    assert!(desk.said().iter().all(|report| report.0 == Accepted));
    let last = desk.send(order(900_000, Side::Buy, BID, 1, 0));
    assert_eq!(desk.refused(), (Rejected, Code::VenueFull));
    let capacity = desk.reports.capacity();
    desk.trade(Side::Sell, 1, 1 << 40);
    assert_eq!((desk.reports.len(), desk.reports.capacity()), (OWN_ORDERS_MAX, capacity));
    desk.said();
    desk.send(last);
    assert_eq!(desk.said(), [(Accepted, 900_000, 0, 0, 0)]);
}
