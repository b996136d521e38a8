//! Every rule of fills against a recorded market, by hand. Prices near 600,000 ticks, the touch is 599,999 / 600,001
//! unless said.
use crate::common;

use common::desk::*;
use common::*;
use fafnir_venue::{RecordedVenue, reserve_reports};
use types::OrderEventKind::*;
use types::config::Feed;
use types::{Code, Lots, Side, UnixNanos, flag};

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
fn a_shorter_queue_met_later_does_not_overtake() {
    let mut desk = Desk::open();
    let first = desk.send(order(1, Side::Buy, BID, 5, 0));
    desk.touch((BID, 4), (ASK, 80));
    let second = desk.send(order(2, Side::Buy, BID, 5, 0));
    assert_eq!((desk.ahead(&first), desk.ahead(&second)), (100.0, 4.0));
    desk.said();
    // By its own estimate alone the second would have 17 of these.
    desk.trade(Side::Sell, BID, 21);
    assert_eq!((desk.ahead(&first), desk.ahead(&second), desk.said()), (79.0, 0.0, vec![]));
    desk.trade(Side::Sell, BID, 79 + 5 + 2);
    assert_eq!(desk.said(), [(Fill, 1, BID, 5, 5), (Fill, 2, BID, 2, 2)]);
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
