//! Scenarios of single orders: every rule of the room by its own example.
use crate::common;

use common::{Desk, fill, limits, report, setup, spec, touch};
use fafnir_oms::{COUNTER_RESERVE, Orders, fee_by_rate};
use types::OrderEventKind as Kind;
use types::OrderState as State;
use types::{ClientId, Code, InstrumentId, Lots, OrderEvent, OrderId, Side, Ticks, UnixNanos, flag};

fn state(desk: &Desk, id: u64) -> State {
    desk.orders.order(OrderId(id)).unwrap().state
}

#[test]
fn a_cancel_that_crosses_an_unasked_cancel_is_refused_in_order() {
    let mut desk = Desk::new(4);
    let new = desk.place(Side::Buy, 1_000, 5);
    desk.send(&report(Kind::Accepted, &new)).unwrap();
    let cancel = desk.orders.cancel(new.order_id(), UnixNanos(15)).unwrap();
    // A mass cancel, or the end of the venue's day: it names the order, not our cancel.
    let unasked = OrderEvent { request: new.request, ..report(Kind::Cancelled, &new) };
    let done = desk.send(&unasked).unwrap();
    assert_eq!((done.event.request, done.anomaly, done.request_done), (new.request, None, true));
    assert_eq!(state(&desk, new.order_id), State::Cancelled);
    assert_eq!(desk.orders.next_ack_deadline(), None, "nothing is waited for");
    let refused = OrderEvent { request: cancel.request, ..report(Kind::CancelRejected, &new) };
    let done = desk.send(&refused).unwrap();
    assert_eq!((done.event.request, done.anomaly, done.request_done), (cancel.request, None, false));
    assert_eq!(desk.send(&refused), Err(Code::IllegalTransition), "once");
    assert_eq!(state(&desk, new.order_id), State::Cancelled);
}

#[test]
fn events_are_complete() {
    let mut desk = Desk::new(64);
    let mut asked = spec(0, Side::Buy, 1_000, 10);
    (asked.client_id, asked.flags) = (ClientId(77), flag::POST_ONLY | flag::TAKER);
    let new = desk.orders.place(&asked, UnixNanos(10)).unwrap();
    assert_eq!((new.kind(), new.state), (Some(Kind::New), State::PendingNew as u8));
    assert_eq!((new.order_id(), new.request, new.client_id), (OrderId::new(3, 1), 1, 77));
    assert_eq!((new.algo_id, new.trader_id, new.flags), (3, 4, flag::POST_ONLY));
    assert_eq!((new.decision_time, new.submission_time), (UnixNanos(10), UnixNanos(10)));
    let done = desk.send(&report(Kind::Accepted, &new)).unwrap();
    assert!(done.request_done && done.anomaly.is_none());
    let event = done.event;
    assert_eq!((event.state, event.request, event.time), (State::Live as u8, 1, UnixNanos(20)));
    assert_eq!((event.venue_ack_time, event.submission_time), (UnixNanos(7_777), UnixNanos(10)));
    let mut part = fill(&new, 1_000, 4, 4, -9);
    part.flags = flag::TAKER;
    let event = desk.send(&part).unwrap().event;
    assert_eq!((event.state, event.filled, event.last_lots), (State::PartiallyFilled as u8, Lots(4), Lots(4)));
    assert_eq!((event.fee, event.flags, event.client_id), (-9, flag::POST_ONLY | flag::TAKER, 77));
    assert_eq!(desk.orders.find_client(ClientId(77)), Some(OrderId::new(3, 1)));
    assert_eq!(desk.orders.place(&asked, UnixNanos(11)), Err(Code::DuplicateClientId));
    desk.send(&fill(&new, 1_000, 6, 10, 0)).unwrap();
    assert_eq!(desk.orders.find_client(ClientId(77)), None);
    assert_eq!(state(&desk, new.order_id), State::Filled);
    assert!(desk.orders.place(&asked, UnixNanos(11)).is_ok(), "the reference is free again");
}

#[test]
fn a_refused_cancel_or_replace_returns_to_the_state_before() {
    let mut desk = Desk::new(64);
    let new = desk.place(Side::Buy, 1_000, 10);
    let id = new.order_id();
    let cancel = desk.orders.cancel(id, UnixNanos(30)).unwrap();
    assert_eq!((cancel.request, cancel.state), (2, State::PendingCancel as u8));
    assert_eq!(desk.orders.cancel(id, UnixNanos(31)), Err(Code::RequestPending));
    let done = desk.send(&report(Kind::CancelRejected, &new)).unwrap();
    assert_eq!((done.event.request, done.event.submission_time), (2, UnixNanos(30)));
    assert_eq!(state(&desk, id.0), State::PendingNew, "the order itself is still unanswered");
    assert_eq!(desk.orders.replace(id, Ticks(1), Lots(1), UnixNanos(32)), Err(Code::RequestPending));
    desk.orders.cancel(id, UnixNanos(33)).unwrap();
    desk.send(&report(Kind::Accepted, &new)).unwrap();
    assert_eq!(state(&desk, id.0), State::PendingCancel);
    desk.send(&report(Kind::CancelRejected, &new)).unwrap();
    assert_eq!(state(&desk, id.0), State::Live, "accepted in between");
    desk.orders.replace(id, Ticks(1_001), Lots(20), UnixNanos(40)).unwrap();
    assert_eq!(desk.orders.open_lots(InstrumentId(0), Side::Buy), Lots(20), "the larger of old and asked");
    desk.send(&fill(&new, 1_000, 3, 3, 0)).unwrap();
    assert_eq!(state(&desk, id.0), State::PendingReplace);
    let done = desk.send(&report(Kind::ReplaceRejected, &new)).unwrap();
    assert!(done.request_done);
    assert_eq!(state(&desk, id.0), State::PartiallyFilled, "filled in between");
    assert_eq!(desk.orders.open_lots(InstrumentId(0), Side::Buy), Lots(7));
    assert_eq!(desk.orders.current_cl_ord_id(id), id);
    assert_eq!(desk.send(&report(Kind::ReplaceRejected, &new)), Err(Code::IllegalTransition));
}

#[test]
fn a_cancel_may_cross_a_replace() {
    let mut desk = Desk::new(64);
    let new = desk.place(Side::Sell, 1_000, 10);
    let id = new.order_id();
    desk.send(&report(Kind::Accepted, &new)).unwrap();
    let replace = desk.orders.replace(id, Ticks(1_005), Lots(8), UnixNanos(30)).unwrap();
    assert_eq!((replace.price, replace.quantity, replace.request), (Ticks(1_005), Lots(8), 2));
    assert_eq!(desk.orders.open_lots(InstrumentId(0), Side::Sell), Lots(10), "still 10 until it took effect");
    let cancel = desk.orders.cancel(id, UnixNanos(31)).unwrap();
    let done = desk.send(&report(Kind::Replaced, &new)).unwrap();
    assert_eq!((done.event.price, done.event.quantity, done.event.request), (Ticks(1_005), Lots(8), 2));
    assert_eq!(done.event.state, State::PendingCancel as u8);
    assert_eq!(desk.orders.open_lots(InstrumentId(0), Side::Sell), Lots(8));
    assert_eq!(desk.orders.current_cl_ord_id(id), replace.request_id());
    for known in [id, replace.request_id(), cancel.request_id()] {
        assert_eq!(desk.orders.order(known).unwrap().id, id);
    }
    let done = desk.send(&report(Kind::Cancelled, &new)).unwrap();
    assert!(done.request_done);
    assert_eq!((done.event.request, state(&desk, id.0)), (3, State::Cancelled));
    assert_eq!(desk.orders.open_lots(InstrumentId(0), Side::Sell), Lots(0));
    assert_eq!(desk.orders.cancel(id, UnixNanos(50)), Err(Code::IllegalTransition));
}

#[test]
fn a_replace_to_no_more_than_is_filled_ends_the_order() {
    let mut desk = Desk::new(64);
    let new = desk.place(Side::Sell, 1_000, 10);
    desk.send(&report(Kind::Accepted, &new)).unwrap();
    desk.orders.replace(new.order_id(), Ticks(1_000), Lots(5), UnixNanos(30)).unwrap();
    desk.send(&fill(&new, 1_000, 6, 0, 0)).unwrap();
    assert_eq!(state(&desk, new.order_id), State::PendingReplace);
    let done = desk.send(&report(Kind::Replaced, &new)).unwrap();
    assert_eq!(done.event.state, State::Filled as u8);
    assert_eq!(desk.orders.open_count(), 0);
    let new = desk.place(Side::Sell, 1_000, 10);
    desk.send(&report(Kind::Accepted, &new)).unwrap();
    desk.send(&fill(&new, 1_000, 6, 6, 0)).unwrap();
    let below = desk.orders.replace(new.order_id(), Ticks(1_000), Lots(5), UnixNanos(30));
    assert_eq!(below, Err(Code::QuantityBelowFilled));
}

#[test]
fn late_double_lost_and_over_fills() {
    let mut desk = Desk::new(64);
    let new = desk.place(Side::Buy, 1_000, 10);
    desk.send(&fill(&new, 1_000, 2, 2, 1)).unwrap();
    assert_eq!(state(&desk, new.order_id), State::PendingNew, "a fill before the acknowledgement");
    assert_eq!(desk.send(&fill(&new, 1_000, 2, 2, 1)), Err(Code::DuplicateReport));
    assert_eq!(desk.send(&fill(&new, 1_000, 3, 4, 1)), Err(Code::ReportMalformed), "4 is neither 2 nor 2 + 3 or more");
    let done = desk.send(&fill(&new, 1_000, 1, 5, 1)).unwrap();
    assert_eq!((done.anomaly, done.event.filled), (Some(Code::MissedReport), Lots(5)));
    desk.send(&report(Kind::Cancelled, &new)).unwrap();
    let done = desk.send(&fill(&new, 1_000, 1, 6, 1)).unwrap();
    assert_eq!((done.anomaly, done.event.state), (Some(Code::IllegalTransition), State::Cancelled as u8));
    assert!(!done.request_done);
    let done = desk.send(&fill(&new, 1_000, 9, 15, 1)).unwrap();
    assert_eq!(done.anomaly, Some(Code::Overfill));
    let position = *desk.orders.position(InstrumentId(0));
    assert_eq!((position.lots, position.bought, position.fees, position.fills), (Lots(13), Lots(13), 4, [4, 0]));
    assert!(!desk.send(&report(Kind::Accepted, &new)).unwrap().request_done, "a late acknowledgement is no surprise");
    assert_eq!(desk.send(&report(Kind::Accepted, &new)), Err(Code::IllegalTransition), "a second one is");
    let counts = desk.orders.counts();
    assert_eq!((counts.duplicates, counts.missed, counts.late_fills, counts.overfills), (1, 1, 2, 1));
    assert_eq!((counts.malformed, counts.illegal, counts.of(Kind::Fill)), (1, 1, 4));
}

#[test]
fn a_cancel_that_crosses_the_last_fill_is_refused_quietly() {
    let mut desk = Desk::new(64);
    let new = desk.place(Side::Buy, 1_000, 10);
    desk.send(&report(Kind::Accepted, &new)).unwrap();
    desk.orders.cancel(new.order_id(), UnixNanos(30)).unwrap();
    assert!(desk.send(&fill(&new, 1_000, 10, 10, 0)).unwrap().request_done);
    assert_eq!(desk.orders.next_ack_deadline(), None, "nothing is waited for once the order has ended");
    let done = desk.send(&report(Kind::CancelRejected, &new)).unwrap();
    assert_eq!((done.anomaly, done.request_done, done.event.state), (None, false, State::Filled as u8));
}

#[test]
fn malformed_reports_change_nothing() {
    let mut desk = Desk::new(64);
    let new = desk.place(Side::Buy, 1_000, 10);
    let good = fill(&new, 1_000, 2, 2, 1);
    let before = (*desk.orders.order(new.order_id()).unwrap(), *desk.orders.position(InstrumentId(0)));
    type Spoil = fn(&mut types::OrderEvent);
    let spoils: [(Spoil, Code); 13] = [
        (|r| r.kind = 0, Code::ReportMalformed),
        (|r| r.kind = 200, Code::ReportMalformed),
        (|r| r.kind = Kind::Cancel as u8, Code::ReportMalformed),
        (|r| r.side = 0, Code::ReportMalformed),
        (|r| r.side = 2, Code::ReportMalformed),
        (|r| r.instrument = 1, Code::ReportMalformed),
        (|r| r.last_lots = Lots(0), Code::ReportMalformed),
        (|r| r.last_lots = Lots(-1), Code::ReportMalformed),
        (|r| r.last_price = Ticks(0), Code::ReportMalformed),
        (|r| r.filled = Lots(-1), Code::ReportMalformed),
        (|r| (r.last_lots, r.filled) = (Lots(i64::MAX), Lots(0)), Code::Overflow),
        (|r| r.order_id = OrderId::new(2, 1).0, Code::UnknownOrder),
        (|r| r.order_id = 0, Code::UnknownOrder),
    ];
    for (n, (spoil, code)) in spoils.iter().enumerate() {
        let mut bad = good;
        spoil(&mut bad);
        if *code == Code::Overflow {
            bad.last_price = Ticks(i64::MAX);
        }
        assert_eq!(desk.send(&bad), Err(*code), "case {n}");
    }
    let after = (*desk.orders.order(new.order_id()).unwrap(), *desk.orders.position(InstrumentId(0)));
    assert_eq!(before, after);
    let mut by_request = good;
    (by_request.order_id, by_request.request) = (0, new.request);
    assert!(desk.send(&by_request).is_ok(), "a request names its order too");
}

#[test]
fn an_answer_to_an_older_request_is_not_taken_for_the_newer() {
    let mut desk = Desk::new(64);
    let new = desk.place(Side::Buy, 1_000, 10);
    desk.send(&report(Kind::Accepted, &new)).unwrap();
    let first = desk.orders.cancel(new.order_id(), UnixNanos(30)).unwrap();
    let mut refused = report(Kind::CancelRejected, &new);
    refused.request = first.request;
    desk.send(&refused).unwrap();
    desk.orders.cancel(new.order_id(), UnixNanos(31)).unwrap();
    assert_eq!(desk.send(&refused), Err(Code::IllegalTransition));
    assert_eq!(state(&desk, new.order_id), State::PendingCancel);
}

#[test]
fn each_request_is_overdue_once_in_order_of_time() {
    let mut desk = Desk::new(64);
    let a = desk.orders.place(&spec(0, Side::Buy, 1_000, 10), UnixNanos(100)).unwrap();
    let b = desk.orders.place(&spec(0, Side::Buy, 1_000, 10), UnixNanos(200)).unwrap();
    let c = desk.orders.place(&spec(0, Side::Buy, 1_000, 10), UnixNanos(300)).unwrap();
    assert_eq!(desk.orders.next_ack_deadline(), Some(UnixNanos(1_100)));
    assert_eq!(desk.orders.take_overdue(UnixNanos(1_099)), None);
    desk.send(&report(Kind::Accepted, &a)).unwrap();
    assert_eq!(desk.orders.next_ack_deadline(), Some(UnixNanos(1_200)));
    let late = desk.orders.take_overdue(UnixNanos(5_000)).unwrap();
    assert_eq!((late.kind(), late.order_id, late.request), (Some(Kind::AckTimeout), b.order_id, b.request));
    assert_eq!((late.state, late.reason), (State::PendingNew as u8, Code::AckTimeout as u16));
    assert_eq!(desk.orders.take_overdue(UnixNanos(5_000)).unwrap().order_id, c.order_id);
    assert_eq!(desk.orders.take_overdue(UnixNanos(5_000)), None);
    assert!(desk.send(&report(Kind::Accepted, &b)).unwrap().request_done, "the answer may still come");
}

#[test]
fn a_full_table_refuses_new_orders_and_still_cancels() {
    let mut desk = Desk::new(64);
    let all: Vec<_> = (0..64).map(|n| desk.place(Side::Buy, 1_000 + n, 10)).collect();
    assert_eq!(desk.orders.place(&spec(0, Side::Buy, 1_000, 10), UnixNanos(10)), Err(Code::OrdersFull));
    for round in 0..200 {
        for new in &all {
            if round == 0 {
                desk.send(&report(Kind::Accepted, new)).unwrap();
            }
            desk.orders.replace(new.order_id(), Ticks(1_000), Lots(20), UnixNanos(10)).unwrap();
            desk.orders.cancel(new.order_id(), UnixNanos(10)).unwrap();
        }
        assert_eq!(desk.orders.open_lots(InstrumentId(0), Side::Buy), Lots(64 * 20));
        for new in &all {
            desk.send(&report(Kind::Replaced, new)).unwrap();
            desk.send(&report(Kind::CancelRejected, new)).unwrap();
        }
    }
    let ids: Vec<u64> = desk.orders.open_orders().map(|order| order.id.0).collect();
    assert_eq!(ids, all.iter().map(|new| new.order_id).collect::<Vec<_>>());
    desk.send(&report(Kind::Cancelled, &all[5])).unwrap();
    assert!(desk.orders.place(&spec(0, Side::Buy, 1_000, 10), UnixNanos(10)).is_ok());
}

#[test]
fn ids_in_force_outlive_any_number_of_other_requests() {
    let mut desk = Desk::new(64);
    let [old, ended] = [desk.place(Side::Buy, 1_000, 10), desk.place(Side::Sell, 1_000, 10)];
    for new in [&old, &ended] {
        desk.send(&report(Kind::Accepted, new)).unwrap();
        desk.orders.replace(new.order_id(), Ticks(1_001), Lots(10), UnixNanos(20)).unwrap();
        desk.send(&report(Kind::Replaced, new)).unwrap();
    }
    let current = [&old, &ended].map(|new| desk.orders.current_cl_ord_id(new.order_id()));
    desk.send(&report(Kind::Cancelled, &ended)).unwrap();
    let other = desk.place(Side::Buy, 1_000, 10);
    for _ in 0..5_000 {
        desk.orders.cancel(other.order_id(), UnixNanos(30)).unwrap();
        desk.send(&report(Kind::CancelRejected, &other)).unwrap();
    }
    for (new, current) in [&old, &ended].into_iter().zip(current) {
        assert_eq!(desk.orders.order(new.order_id()).unwrap().id, new.order_id());
        assert_eq!(desk.orders.order(current).unwrap().id, new.order_id());
    }
}

#[test]
fn the_last_ids_are_kept_for_cancels() {
    let first = u32::MAX - COUNTER_RESERVE - 1;
    let mut orders = Orders::starting_at(3, &limits(64), 1, first);
    let instruments = setup().instruments;
    let asked = spec(0, Side::Buy, 1_000, 10);
    let a = orders.place(&asked, UnixNanos(1)).unwrap();
    let b = orders.place(&asked, UnixNanos(1)).unwrap();
    assert_eq!((a.request, b.request), (first, first + 1));
    assert_eq!(orders.place(&asked, UnixNanos(1)), Err(Code::OrderIdsExhausted));
    orders.report(&report(Kind::Accepted, &a), UnixNanos(2), &instruments[0], None).unwrap();
    let replace = orders.replace(a.order_id(), Ticks(1), Lots(1), UnixNanos(1));
    assert_eq!(replace, Err(Code::OrderIdsExhausted));
    let mut last = b.request;
    for _ in 0..COUNTER_RESERVE {
        match orders.cancel(a.order_id(), UnixNanos(3)) {
            Ok(cancel) => {
                assert!(cancel.request > last, "ids only grow");
                last = cancel.request;
            }
            Err(code) => {
                assert_eq!(code, Code::OrderIdsExhausted);
                break;
            }
        }
        let mut refused = report(Kind::CancelRejected, &a);
        refused.request = last;
        orders.report(&refused, UnixNanos(4), &instruments[0], None).unwrap();
    }
    assert!(last > u32::MAX - 4, "all but skipped ids were given: {last}");
    assert_eq!(orders.cancel(a.order_id(), UnixNanos(5)), Err(Code::OrderIdsExhausted));
}

#[test]
fn bad_orders_are_refused() {
    let mut desk = Desk::new(64);
    for (asked, code) in [
        (spec(0, Side::Buy, 1_000, 0), Code::QuantityNotPositive),
        (spec(0, Side::Buy, 0, 1), Code::PriceNotPositive),
        (spec(9, Side::Buy, 1, 1), Code::UnknownInstrument),
    ] {
        assert_eq!(desk.orders.place(&asked, UnixNanos(1)), Err(code));
    }
    desk.place(Side::Buy, 1, i64::MAX);
    assert_eq!(desk.orders.place(&spec(0, Side::Buy, 1, 1), UnixNanos(1)), Err(Code::Overflow));
    assert_eq!(desk.orders.cancel(OrderId::new(3, 2), UnixNanos(1)), Err(Code::UnknownOrder));
    assert_eq!(desk.orders.position(InstrumentId(99)).lots, Lots(0));
}

#[test]
fn the_fee_helper_uses_the_rate_of_the_flag() {
    let mut desk = Desk::new(64);
    let new = desk.place(Side::Buy, 618_002, 3);
    let mut part = fill(&new, 618_002, 3, 3, 0);
    // 61800.2 x 0.003 = 185.4006; 2 bp of it is 0.03708012, 5 bp 0.0927003.
    fee_by_rate(&mut part, &desk.instruments[0]).unwrap();
    assert_eq!(part.fee, 3_708_012);
    part.flags |= flag::TAKER;
    fee_by_rate(&mut part, &desk.instruments[0]).unwrap();
    assert_eq!(part.fee, 9_270_030);
    assert!(touch(1, 2).is_some());
}
