//! What a venue states of orders and positions after a connection was lost, each rule by its own example.
use crate::common;

use common::{Desk, fill, report, touch};
use types::OrderEventKind as Kind;
use types::OrderState as State;
use types::rng::SplitMix64;
use types::{Code, InstrumentId, Lots, OrderEvent, OrderId, Side, Ticks, UnixNanos};

fn stated(new: &OrderEvent, state: State, filled: i64, average: i64) -> OrderEvent {
    let mut status = report(Kind::Status, new);
    (status.state, status.filled, status.last_price) = (state as u8, Lots(filled), Ticks(average));
    status
}

/// The statement as the answer to a question asked now.
fn take(desk: &mut Desk, status: &OrderEvent) -> Result<fafnir_oms::Stated, Code> {
    let below = desk.orders.next_request();
    let instrument = &desk.instruments[status.instrument as usize];
    desk.orders.status(status, below, UnixNanos(90), instrument, touch(999, 1_001))
}

fn position(lots: i64, instrument: u16) -> OrderEvent {
    let mut event = OrderEvent::new(Kind::Position, InstrumentId(instrument), Side::Buy, OrderId::NONE);
    event.last_lots = Lots(lots);
    event
}

#[test]
fn a_lost_fill_is_booked_at_what_is_left_of_the_average() {
    let mut desk = Desk::new(64);
    let new = desk.place(Side::Buy, 1_020, 10);
    desk.send(&report(Kind::Accepted, &new)).unwrap();
    desk.send(&fill(&new, 1_000, 4, 4, 1)).unwrap();
    // 6 more at 1010 make an average of 1006.
    let done = take(&mut desk, &stated(&new, State::Filled, 10, 1_006)).unwrap();
    let recovered = done.fill.unwrap();
    assert_eq!((recovered.last_lots, recovered.last_price, recovered.filled), (Lots(6), Ticks(1_010), Lots(10)));
    assert_eq!((recovered.reason, recovered.state), (Code::FillRecovered as u16, State::Filled as u8));
    // 101.0 x 0.006 = 0.606; 2 bp of it in 10^-8.
    assert_eq!(recovered.fee, 12_120);
    assert_eq!((done.event.kind(), done.event.state), (Some(Kind::Status), State::Filled as u8));
    assert_eq!(done.anomaly, Some(Code::FillRecovered));
    let position = desk.orders.position(InstrumentId(0));
    assert_eq!((position.lots, position.cash), (Lots(10), -(4_000 + 6_060) * 10_000));
    // The venue resends the fills: all of them are known.
    for (lots, cumulative) in [(4, 4), (6, 10), (2, 6), (4, 10)] {
        assert_eq!(desk.send(&fill(&new, 1_010, lots, cumulative, 1)), Err(Code::DuplicateReport));
    }
    assert_eq!(take(&mut desk, &stated(&new, State::Filled, 10, 1_006)).unwrap().fill, None);
    assert_eq!((desk.orders.counts().recovered, desk.orders.counts().duplicates), (1, 4));
}

#[test]
fn a_fill_that_was_overtaken_is_booked_when_it_comes() {
    let mut desk = Desk::new(64);
    let new = desk.place(Side::Sell, 1_000, 10);
    desk.send(&report(Kind::Accepted, &new)).unwrap();
    assert_eq!(desk.send(&fill(&new, 1_000, 3, 10, 0)).unwrap().anomaly, Some(Code::MissedReport));
    assert_eq!(desk.orders.position(InstrumentId(0)).lots, Lots(-3));
    let late = desk.send(&fill(&new, 1_001, 5, 5, 0)).unwrap();
    assert_eq!((late.anomaly, late.event.state, late.event.filled), (None, State::Filled as u8, Lots(10)));
    let again = desk.send(&fill(&new, 1_001, 5, 5, 0));
    assert_eq!((again, desk.orders.position(InstrumentId(0)).lots), (Err(Code::DuplicateReport), Lots(-8)));
    desk.send(&fill(&new, 1_002, 2, 7, 0)).unwrap();
    let position = desk.orders.position(InstrumentId(0));
    assert_eq!((position.lots, position.cash), (Lots(-10), (3_000 + 5_005 + 2_004) * 10_000));
    assert_eq!((desk.orders.counts().reordered, desk.orders.counts().late_fills), (2, 2));
}

#[test]
fn no_request_waits_after_a_statement() {
    let mut desk = Desk::new(64);
    let [new, live, part, replaced] = [0; 4].map(|_| desk.place(Side::Buy, 1_000, 10));
    for order in [&live, &part, &replaced] {
        desk.send(&report(Kind::Accepted, order)).unwrap();
    }
    desk.send(&fill(&part, 1_000, 2, 2, 0)).unwrap();
    desk.orders.cancel(live.order_id(), UnixNanos(20)).unwrap();
    desk.orders.replace(part.order_id(), Ticks(1_001), Lots(12), UnixNanos(20)).unwrap();
    let asked = desk.orders.replace(replaced.order_id(), Ticks(1_002), Lots(14), UnixNanos(20)).unwrap();
    desk.orders.cancel(replaced.order_id(), UnixNanos(20)).unwrap();
    for (order, state) in [(&new, State::Live), (&live, State::Live), (&part, State::PartiallyFilled)] {
        let done = take(&mut desk, &stated(order, state, if order.order_id == part.order_id { 2 } else { 0 }, 1_000));
        let done = done.unwrap();
        assert_eq!((done.event.state, done.anomaly), (state as u8, None));
        assert_ne!(done.settled, [0; 3]);
        assert_eq!(done.event.price, Ticks(1_000), "the replace did not arrive");
    }
    // The last replace did: the venue names its ClOrdID.
    let mut status = stated(&replaced, State::Live, 0, 0);
    status.order_id = asked.request_id().0;
    let done = take(&mut desk, &status).unwrap();
    assert_eq!(done.settled, [0, asked.request + 1, asked.request]);
    assert_eq!((done.event.price, done.event.quantity, done.event.state), (Ticks(1_002), Lots(14), State::Live as u8));
    assert_eq!(desk.orders.current_cl_ord_id(replaced.order_id()), asked.request_id());
    assert_eq!(desk.orders.open_lots(InstrumentId(0), Side::Buy), Lots(10 + 10 + 8 + 14));
    assert_eq!(desk.orders.next_ack_deadline(), None, "nothing is waited for");
    for order in [&new, &live, &part, &replaced] {
        desk.orders.cancel(order.order_id(), UnixNanos(95)).unwrap();
    }
}

#[test]
fn a_request_of_after_the_question_still_waits() {
    let mut desk = Desk::new(64);
    let new = desk.place(Side::Buy, 1_000, 10);
    desk.send(&report(Kind::Accepted, &new)).unwrap();
    let below = desk.orders.next_request();
    desk.orders.cancel(new.order_id(), UnixNanos(30)).unwrap();
    let at = &desk.instruments[0];
    let done = desk.orders.status(&stated(&new, State::Live, 0, 0), below, UnixNanos(40), at, None).unwrap();
    assert_eq!((done.event.state, done.settled), (State::PendingCancel as u8, [0; 3]));
    let newer = desk.orders.place(&common::spec(0, Side::Buy, 1_000, 1), UnixNanos(41)).unwrap();
    let mut unknown = stated(&newer, State::Rejected, 0, 0);
    unknown.reason = Code::VenueUnknownOrder as u16;
    let at = &desk.instruments[0];
    assert_eq!(desk.orders.status(&unknown, below, UnixNanos(42), at, None), Err(Code::IllegalTransition));
}

#[test]
fn an_order_the_venue_does_not_know_is_lost() {
    let mut desk = Desk::new(64);
    let new = desk.place(Side::Buy, 1_000, 10);
    let mut unknown = stated(&new, State::Rejected, 0, 0);
    (unknown.reason, unknown.side) = (Code::VenueUnknownOrder as u16, 0);
    let done = take(&mut desk, &unknown).unwrap();
    assert_eq!((done.event.state, done.event.reason), (State::Rejected as u8, Code::OrderLost as u16));
    assert_eq!((done.anomaly, desk.orders.open_count()), (Some(Code::OrderLost), 0));
    assert_eq!(take(&mut desk, &unknown).unwrap().anomaly, None, "said twice");
    // It was not lost after all: what happened reaches the position, and the venue's order is named.
    assert_eq!(take(&mut desk, &stated(&new, State::Live, 0, 0)).unwrap().anomaly, Some(Code::IllegalTransition));
    let done = take(&mut desk, &stated(&new, State::Filled, 10, 1_000)).unwrap();
    assert_eq!((done.anomaly, done.event.state), (Some(Code::FillRecovered), State::Rejected as u8));
    assert_eq!(desk.orders.position(InstrumentId(0)).lots, Lots(10));
}

#[test]
fn statements_that_make_no_sense_change_nothing() {
    let mut desk = Desk::new(64);
    let new = desk.place(Side::Buy, 1_000, 10);
    type Spoil = fn(&mut OrderEvent);
    let spoils: [(Spoil, Code); 9] = [
        (|r| r.state = 0, Code::ReportMalformed),
        (|r| r.state = 11, Code::ReportMalformed),
        (|r| r.kind = Kind::Fill as u8, Code::ReportMalformed),
        (|r| r.side = 2, Code::ReportMalformed),
        (|r| r.instrument = 1, Code::ReportMalformed),
        (|r| r.filled = Lots(-1), Code::ReportMalformed),
        (|r| r.last_price = Ticks(-1), Code::ReportMalformed),
        (|r| r.order_id += 5, Code::UnknownOrder),
        (|r| (r.filled, r.last_price) = (Lots(i64::MAX), Ticks(i64::MAX)), Code::Overflow),
    ];
    let before = (*desk.orders.order(new.order_id()).unwrap(), *desk.orders.position(InstrumentId(0)));
    for (n, (spoil, code)) in spoils.iter().enumerate() {
        let mut status = stated(&new, State::Live, 3, 1_000);
        spoil(&mut status);
        assert_eq!(take(&mut desk, &status), Err(*code), "case {n}");
    }
    let after = (*desk.orders.order(new.order_id()).unwrap(), *desk.orders.position(InstrumentId(0)));
    assert_eq!(before, after);
    let mut wrong = position(5, 0);
    wrong.kind = Kind::Status as u8;
    let instrument = desk.instruments[0].clone();
    assert_eq!(desk.orders.position_stated(&wrong, UnixNanos(1), &instrument, None), Err(Code::ReportMalformed));
    let huge = position(i64::MIN, 0);
    let got = desk.orders.position_stated(&huge, UnixNanos(1), &instrument, touch(1, i64::MAX));
    assert_eq!(got, Err(Code::Overflow));
}

#[test]
fn an_opening_position_counts_from_the_mid() {
    let mut desk = Desk::new(64);
    for (instrument, lots) in [(0u16, 7), (0, 7), (1, -3), (2, 0)] {
        let at = desk.instruments[instrument as usize].clone();
        let done = desk.orders.position_stated(&position(lots, instrument), UnixNanos(5), &at, touch(1_000, 1_003));
        let done = done.unwrap();
        let first = desk.orders.counts().of(Kind::Position) != 2;
        let adopted = lots != 0 && first;
        assert_eq!(done.event.reason, if adopted { Code::PositionAdopted as u16 } else { 0 }, "{instrument} {lots}");
        assert_eq!((done.event.last_lots, done.anomaly), (Lots(lots), None));
        let ours = desk.orders.position(InstrumentId(instrument));
        assert_eq!((ours.lots, ours.opening, ours.opening_unvalued), (Lots(lots), Lots(lots), false));
        let pnl = ours.pnl(&at, touch(1_000, 1_003).unwrap()).unwrap();
        assert!(pnl.total.abs() <= 1 && pnl.unrealised == pnl.total && pnl.realised == 0, "{pnl:?}");
    }
    // 7 lots at 1001.5 ticks: 7010.5 ticks of a lot, 10^4 units each.
    assert_eq!(desk.orders.position(InstrumentId(0)).cash, -70_105_000);
    let at = desk.instruments[0].clone();
    let pnl = desk.orders.position(InstrumentId(0)).pnl(&at, touch(1_010, 1_012).unwrap()).unwrap();
    assert_eq!((pnl.total, pnl.inventory), (7 * 95 * 1_000, 7 * 95 * 1_000));
    // Another figure later is a mismatch; after a fill the opening stays part of the sum.
    let done = desk.orders.position_stated(&position(8, 0), UnixNanos(6), &at, None).unwrap();
    assert_eq!((done.anomaly, done.event.filled), (Some(Code::PositionMismatch), Lots(7)));
    assert_eq!((done.event.last_lots, done.event.reason), (Lots(8), Code::PositionMismatch as u16));
    let new = desk.place(Side::Sell, 1_005, 2);
    desk.send(&fill(&new, 1_005, 2, 2, 0)).unwrap();
    let ours = *desk.orders.position(InstrumentId(0));
    assert_eq!((ours.lots, ours.opening, ours.sold), (Lots(5), Lots(7), Lots(2)));
    // Two of seven closed at a gain of 3.5 ticks each.
    assert_eq!((ours.realised, ours.cash), (70_000, ours.entry + ours.realised));
    assert_eq!(desk.orders.position_stated(&position(5, 0), UnixNanos(7), &at, None).unwrap().anomaly, None);
    // One that has traded and is flat takes nothing over.
    let new = desk.place(Side::Sell, 1_005, 5);
    desk.send(&fill(&new, 1_005, 5, 5, 0)).unwrap();
    let done = desk.orders.position_stated(&position(1, 0), UnixNanos(8), &at, None).unwrap();
    assert_eq!(done.anomaly, Some(Code::PositionMismatch));
    assert_eq!(desk.orders.counts().mismatches, 2);
}

#[test]
fn an_opening_position_is_valued_when_a_touch_is_known() {
    let mut desk = Desk::new(64);
    let at = desk.instruments[0].clone();
    desk.orders.position_stated(&position(4, 0), UnixNanos(5), &at, None).unwrap();
    assert!(desk.orders.position(InstrumentId(0)).opening_unvalued);
    assert!(!desk.orders.value_opening(&at, types::Touch::default()), "a one-sided touch has no mid");
    assert!(desk.orders.value_opening(&at, touch(1_000, 1_002).unwrap()));
    assert_eq!(desk.orders.position(InstrumentId(0)).cash, -4 * 1_001 * 10_000);
    assert!(desk.orders.value_opening(&at, touch(2_000, 2_002).unwrap()), "once");
    assert_eq!(desk.orders.position(InstrumentId(0)).cash, -4 * 1_001 * 10_000);
}

/// A venue's own list of fills and answers, of which the desk sees any part in any order, repeated; then the venue is
/// asked. Every lot of the venue is in the position once, and no order waits for anything.
#[test]
fn conservation_under_loss_reordering_and_repetition() {
    let mut healed = 0;
    for seed in 0..600 {
        let mut rng = SplitMix64::new(seed);
        let mut desk = Desk::new(64);
        let mut venue: Vec<(OrderEvent, i64, State)> = Vec::new();
        let mut wire = Vec::new();
        for _ in 0..4 {
            let quantity = rng.below(12) as i64 + 1;
            let new = desk.place(Side::BOTH[rng.below(2) as usize], 1_000, quantity);
            wire.push(report(Kind::Accepted, &new));
            let (mut filled, mut state) = (0, State::Live);
            while rng.below(3) > 0 && filled < quantity {
                let lots = (rng.below(3) as i64 + 1).min(quantity - filled);
                filled += lots;
                wire.push(fill(&new, 1_000, lots, filled, 0));
                state = if filled == quantity { State::Filled } else { State::PartiallyFilled };
            }
            if filled < quantity && rng.below(3) == 0 {
                state = State::Cancelled;
                wire.push(report(Kind::Cancelled, &new));
            }
            venue.push((new, filled, state));
        }
        for i in (1..wire.len()).rev() {
            if rng.below(2) == 0 {
                wire.swap(i, rng.below(i as u64 + 1) as usize);
            }
        }
        for report in &wire {
            for _ in 0..[0, 1, 1, 1, 2][rng.below(5) as usize] {
                let _ = desk.send(report);
            }
        }
        for (new, filled, state) in &venue {
            let done = take(&mut desk, &stated(new, *state, *filled, 1_000)).unwrap();
            healed += u64::from(done.fill.is_some());
            let order = desk.orders.order(new.order_id()).unwrap();
            assert_eq!(order.filled.0, *filled, "seed {seed}");
            assert_eq!(order.state.is_open(), state.is_open(), "seed {seed}: {:?} against {state:?}", order.state);
            let pending = matches!(order.state, State::PendingNew | State::PendingCancel | State::PendingReplace);
            assert!(!pending, "seed {seed}");
        }
        // What is resent afterwards is known already.
        let before = *desk.orders.position(InstrumentId(0));
        for report in &wire {
            if report.kind() == Some(Kind::Fill) {
                assert_eq!(desk.send(report), Err(Code::DuplicateReport), "seed {seed}");
            }
        }
        let want: i64 = venue.iter().map(|(new, filled, _)| new.side().unwrap().sign() * filled).sum();
        assert_eq!((before.lots.0, before), (want, *desk.orders.position(InstrumentId(0))), "seed {seed}");
        assert_eq!(before.cash, -want as i128 * 1_000 * 10_000, "seed {seed}: all at one price");
    }
    assert!(healed > 300, "{healed}");
}
