//! Every rule of order entry, by hand, on a recorded market.
use crate::common;

use common::desk::*;
use common::*;
use fafnir_venue::{OWN_ORDERS_MAX, RecordedVenue};
use types::OrderEventKind::*;
use types::config::Feed;
use types::{Code, Lots, OrderEvent, Side, UnixNanos, flag};

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
