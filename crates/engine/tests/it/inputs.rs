//! Time-outs and breaker, snapshot wishes, connections, pushed feeds, reports that do not fit.
use crate::common;

use OrderEventKind::{Accepted, AckTimeout, Cancelled, Fill, New, Rejected};
use common::{ABC, MARKET, MILLI, ORDERS, Rig, SNAPSHOT, answer, config, depth, quoted, side_event, snapshot, touch};
use fafnir_engine::{ACK_TIMER, SNAPSHOT_TIMER};
use types::{
    Code, ConnId, ConnState, EventKind, InputKind, InstrumentId, Lots, OrderEvent, OrderEventKind, Side, Ticks,
    TimerId, UnixNanos, VenueId, flag,
};

fn pushed() -> Rig {
    let mut rig = Rig::up(&config("normalised", ""));
    rig.push(1, (1_000, 5), (1_002, 5));
    rig
}

#[test]
fn time_outs_open_the_breaker_and_a_canary_closes_it() {
    let mut rig = pushed();
    let first = rig.place(1, Side::Buy, 999, 1);
    let due = first.timer(ACK_TIMER).unwrap();
    assert_eq!(due.0, rig.now + 1_000 * MILLI);
    let second = rig.place(2, Side::Buy, 999, 1);
    assert_eq!(second.timer(ACK_TIMER), None, "set already, for the older request");
    // The first is late, the second not yet; the timer goes on to it.
    rig.now = due.0 - MILLI;
    let turn = rig.timer(ACK_TIMER);
    assert_eq!((turn.kinds(), turn.orders[0].client_id), (vec![AckTimeout], 1));
    assert_eq!(turn.timer(ACK_TIMER).unwrap().0, due.0 + MILLI);
    assert_eq!(rig.timer(ACK_TIMER).kinds(), [AckTimeout], "two failures within the window open it");
    assert_eq!(rig.engine.counts().faults.of(Code::AckTimeout), 2);
    let opened = rig.now;
    assert_eq!(rig.place(3, Side::Buy, 999, 1).refusals(), [Code::BreakerOpen]);
    assert_eq!(rig.cancel(1).types(), "F", "a cancel passes");
    rig.now = opened + 2_998 * MILLI;
    assert_eq!(rig.place(3, Side::Buy, 999, 1).refusals(), [Code::BreakerOpen]);
    rig.push(2, (1_000, 5), (1_002, 5));
    let canary = rig.place(3, Side::Buy, 999, 1);
    assert_eq!(canary.kinds(), [New]);
    assert_eq!(rig.place(4, Side::Buy, 999, 1).refusals(), [Code::BreakerOpen], "one at a time");
    // A late answer to an order of the outage is no answer of the canary's.
    rig.answer(&second.orders[0], Accepted);
    assert_eq!(rig.place(4, Side::Buy, 999, 1).refusals(), [Code::BreakerOpen]);
    rig.answer(&canary.orders[0], Accepted);
    assert_eq!(rig.place(4, Side::Buy, 999, 1).kinds(), [New]);
}

/// A breaker opened by two lost connections, its recovery over, the venue up.
fn half_open() -> Rig {
    let mut rig = pushed();
    for _ in 0..2 {
        rig.conn(ORDERS, ConnState::Down);
        rig.conn(ORDERS, ConnState::Up);
    }
    assert_eq!(rig.place(1, Side::Buy, 999, 1).refusals(), [Code::BreakerOpen]);
    rig.now += 3_000 * MILLI;
    rig.push(2, (1_000, 5), (1_002, 5));
    rig
}

#[test]
fn a_canary_is_answered_by_whatever_ends_it() {
    // Cancelled before any acknowledgement: nothing would ever answer the new order itself.
    let mut rig = half_open();
    rig.place(1, Side::Buy, 999, 1);
    let cancel = rig.cancel(1);
    rig.answer(&cancel.orders[0], Cancelled);
    assert_eq!(rig.place(2, Side::Buy, 999, 1).kinds(), [New]);
    // A replace on trial whose order fills whole.
    let mut rig = pushed();
    let placed = rig.place(1, Side::Buy, 999, 4);
    rig.answer(&placed.orders[0], Accepted);
    for _ in 0..2 {
        rig.conn(ORDERS, ConnState::Down);
        rig.conn(ORDERS, ConnState::Up);
    }
    rig.now += 3_000 * MILLI;
    rig.push(2, (1_000, 5), (1_002, 5));
    assert_eq!(rig.replace(1, 998, 4).types(), "G");
    assert_eq!(rig.fill(&placed.orders[0], 4).kinds(), [Fill]);
    assert_eq!(rig.place(2, Side::Buy, 999, 1).kinds(), [New]);
    // Rejected, for whatever reason, known to this build or not: an answer.
    let mut rig = half_open();
    let canary = rig.place(1, Side::Buy, 999, 1);
    let mut report = answer(&canary.orders[0], Rejected);
    report.reason = 60_000;
    rig.report(&report);
    assert_eq!(rig.engine.counts().venue_rejects.of(Code::VenueInvalid), 1);
    assert_eq!(rig.place(2, Side::Buy, 999, 1).kinds(), [New]);
}

#[test]
fn connections_block_and_go() {
    let mut rig = pushed();
    rig.conn(ORDERS, ConnState::Blocked);
    assert_eq!(rig.place(1, Side::Buy, 999, 1).refusals(), [Code::VenueDown]);
    rig.conn(ORDERS, ConnState::Writable);
    assert_eq!(rig.place(1, Side::Buy, 999, 1).kinds(), [New]);
    // Down twice is one disconnect; blocked and then down is one as well; a second one opens the breaker.
    for state in [ConnState::Down, ConnState::Down, ConnState::Writable, ConnState::Blocked] {
        rig.conn(ORDERS, state);
        assert_eq!(rig.place(2, Side::Buy, 999, 1).refusals(), [Code::VenueDown], "{state:?}");
    }
    for state in [ConnState::Up, ConnState::Blocked, ConnState::Down] {
        rig.conn(ORDERS, state);
    }
    assert_eq!(rig.place(2, Side::Buy, 999, 1).refusals(), [Code::BreakerOpen]);
    for conn in [ConnId::market(VenueId(1)), ConnId::orders(VenueId(31)), ConnId(u16::MAX)] {
        let turn = rig.conn(conn, ConnState::Up);
        assert_eq!((turn.faults(), turn.events.len()), (vec![Code::InputUnexpected], 1));
    }
}

#[test]
fn a_wish_for_a_snapshot_is_repeated_and_never_floods() {
    let mut rig = Rig::up(&quoted());
    let turn = rig.bytes(MARKET, &depth(15, 20, 14));
    assert!(turn.has(EventKind::SnapshotWanted));
    let mut at = turn.timer(SNAPSHOT_TIMER).unwrap().0;
    assert_eq!(at, rig.now + 1_000 * MILLI);
    for i in 0..500 {
        let turn = rig.bytes(MARKET, &depth(21 + i, 21 + i, 20 + i));
        assert!(!turn.has(EventKind::SnapshotWanted) && turn.timers.is_empty(), "once until it is due");
    }
    // 1, 2, 4 … 32 s, and so on every 32 s.
    let mut pauses = Vec::new();
    for _ in 0..8 {
        rig.now = at - MILLI;
        let turn = rig.timer(SNAPSHOT_TIMER);
        assert_eq!(turn.events.len(), 1);
        assert!(turn.has(EventKind::SnapshotWanted));
        at = turn.timer(SNAPSHOT_TIMER).unwrap().0;
        pauses.push((at - rig.now) / (1_000 * MILLI));
    }
    assert_eq!(pauses, [2, 4, 8, 16, 32, 32, 32, 32]);
    // Too early changes nothing but the timer.
    let early = rig.timer(SNAPSHOT_TIMER);
    assert_eq!((early.events.len(), early.timer(SNAPSHOT_TIMER).unwrap().0), (0, at));
    rig.bytes(SNAPSHOT, &snapshot(520));
    assert!(rig.engine.book_valid(ABC));
    rig.now = at;
    let turn = rig.timer(SNAPSHOT_TIMER);
    assert!(turn.events.is_empty() && turn.timers.is_empty(), "it came");
    // The next one begins anew; a lost connection forgets it.
    let turn = rig.bytes(MARKET, &depth(900, 901, 899));
    assert_eq!(turn.timer(SNAPSHOT_TIMER).unwrap().0, rig.now + 1_000 * MILLI);
    rig.conn(MARKET, ConnState::Down);
    rig.now += 1_000 * MILLI;
    assert!(rig.timer(SNAPSHOT_TIMER).events.is_empty());
    // The answer to a request of before the disconnect is refused and named.
    assert_eq!(rig.bytes(SNAPSHOT, &snapshot(901)).faults(), [Code::BookDisconnected]);
}

#[test]
fn inputs_fit_their_venue() {
    let mut rig = pushed();
    for conn in [MARKET, SNAPSHOT, ORDERS, ConnId::market(VenueId(9)), ConnId::snapshot(InstrumentId(5))] {
        let turn = rig.bytes(conn, &touch(900, 2_000, 2_002));
        assert_eq!((turn.faults(), turn.events.len()), (vec![Code::InputUnexpected], 1));
    }
    assert_eq!(rig.engine.touch(ABC).unwrap().bid, Ticks(1_000));
    let mut rig = Rig::up(&quoted());
    rig.ready();
    let turn = rig.push(1, (2_000, 1), (2_002, 1));
    assert_eq!(turn.faults(), [Code::InputUnexpected], "a touch beside a book would stand for it");
    assert_eq!(rig.engine.touch(ABC).unwrap().bid, Ticks(1_000));
    let mut trade = side_event(1, Side::Buy, (1_000, 1), 0);
    trade.kind = EventKind::Trade as u8;
    assert!(rig.input(InputKind::Market(&trade)).has(EventKind::Trade));
    let long = vec![b' '; types::limits::INPUT_BYTES_MAX + 1];
    assert_eq!(rig.input(InputKind::Bytes { conn: MARKET, bytes: &long }).faults(), [Code::InputTooLarge]);
    for text in ["", "{", "{}", "[]", "\u{0}", r#"{"e":"trade","s":"ABC"}"#] {
        let turn = rig.bytes(MARKET, text);
        assert!(turn.orders.is_empty() && turn.events.iter().all(|event| event.kind() == Some(EventKind::Fault)));
    }
    // Without `pu` a USD-M diff cannot be placed: refused whole, and said so.
    let nameless = depth(21, 22, 20).replace("\"pu\":20,", "");
    assert_eq!(rig.bytes(MARKET, &nameless).faults(), [Code::FieldMissing]);
    assert!(rig.engine.book_valid(ABC));
}

#[test]
fn a_pushed_touch_is_shown_whole_and_ends_with_its_feed() {
    let mut rig = pushed();
    // The first side alone would cross.
    let turn = rig.input(InputKind::Market(&side_event(2, Side::Buy, (1_005, 1), 0)));
    assert!(turn.events.is_empty());
    rig.input(InputKind::Market(&side_event(2, Side::Sell, (1_007, 1), flag::LAST)));
    assert_eq!(rig.engine.touch(ABC).unwrap().bid, Ticks(1_005));
    rig.push(1, (900, 1), (902, 1));
    assert_eq!(rig.engine.touch(ABC).unwrap().bid, Ticks(1_005), "older than what is known");
    // One side gone: shown, but without a mid nothing passes the collar.
    rig.push(3, (1_005, 1), (0, 0));
    assert!(rig.engine.book_valid(ABC));
    assert_eq!(rig.place(1, Side::Buy, 1_000, 1).refusals(), [Code::ReferenceAbsent]);
    let turn = rig.conn(MARKET, ConnState::Down);
    assert_eq!((turn.events[0].kind(), turn.events[0].detail), (Some(EventKind::BookState), 0));
    assert!(!rig.engine.book_valid(ABC) && rig.engine.touch(ABC).is_none());
    // A new connection may count from anywhere.
    rig.push(1, (1_000, 1), (1_002, 1));
    assert!(rig.engine.book_valid(ABC));
    let mut stale = side_event(0, Side::Buy, (0, 0), 0);
    (stale.kind, stale.side) = (EventKind::BookState as u8, 0);
    rig.input(InputKind::Market(&stale));
    assert!(!rig.engine.book_valid(ABC));
    for (kind, lots, code) in [(2, -1, Code::BookNegative), (3, 1, Code::FieldMissing), (99, 1, Code::FieldMissing)] {
        let mut event = side_event(9, Side::Buy, (1_000, lots), flag::LAST);
        event.kind = kind;
        assert_eq!(rig.input(InputKind::Market(&event)).faults(), [code]);
    }
}

#[test]
fn reports_that_do_not_fit_move_nothing() {
    let second = r#"{ "symbol": "XYZ", "venue": "V", "tickSize": "0.1", "lotSize": "0.001" }"#;
    let text = config("normalised", "").replace("\"instruments\": [", &format!("\"instruments\": [{second}, "));
    let mut rig = Rig::up(&text);
    rig.push(1, (1_000, 5), (1_002, 5));
    let placed = rig.place(1, Side::Buy, 999, 5);
    let mut fill = answer(&placed.orders[0], Fill);
    (fill.last_price, fill.last_lots) = (Ticks(999), Lots(2));
    type Spoil = fn(&mut OrderEvent);
    let spoiled: [(&str, Spoil, Code); 9] = [
        ("another instrument", |report| report.instrument = 1, Code::ReportMalformed),
        ("no instrument", |report| report.instrument = 2, Code::UnknownInstrument),
        ("the other side", |report| report.side = 2, Code::ReportMalformed),
        ("no side", |report| report.side = 0, Code::ReportMalformed),
        ("no order", |report| report.order_id += 9, Code::UnknownOrder),
        ("another session", |report| report.order_id += 1 << 32, Code::UnknownOrder),
        ("a request", |report| report.kind = New as u8, Code::ReportMalformed),
        ("no lots", |report| report.last_lots = Lots(0), Code::ReportMalformed),
        ("no replace", |report| report.kind = OrderEventKind::Replaced as u8, Code::IllegalTransition),
    ];
    for (name, spoil, code) in spoiled {
        let mut report = fill;
        spoil(&mut report);
        let turn = rig.report(&report);
        assert_eq!((turn.faults(), turn.orders.len()), (vec![code], 0), "{name}");
        assert_eq!(rig.engine.orders().position(ABC).lots, Lots(0), "{name}");
    }
    assert_eq!(rig.report(&fill).kinds(), [Fill], "and what fits is taken");
}

#[test]
fn each_instrument_of_a_turn_ends_its_packet() {
    let second = r#"{ "symbol": "XYZ", "venue": "V", "tickSize": "0.1", "lotSize": "0.001" }"#;
    let text = config("binanceUsdm", "").replace("\"instruments\": [", &format!("\"instruments\": [{second}, "));
    let mut rig = Rig::up(&text);
    for symbol in ["ABC", "XYZ"] {
        rig.bytes(MARKET, &depth(15, 20, 14).replace("ABC", symbol));
    }
    for i in 0..2 {
        rig.bytes(ConnId::snapshot(InstrumentId(i)), &snapshot(20));
    }
    let turn = rig.conn(MARKET, ConnState::Down);
    let marks: Vec<_> =
        turn.events.iter().map(|event| (event.kind().unwrap(), event.instrument, event.flags)).collect();
    assert_eq!(
        marks,
        [
            (EventKind::BookState, 0, flag::LAST),
            (EventKind::BookState, 1, flag::LAST),
            (EventKind::Conn, 0, flag::LAST)
        ]
    );
    assert_eq!(turn.events[0].time, UnixNanos(rig.now));
    assert!(rig.timer(TimerId(TimerId::FIRST_USER.0)).events[0].flags & flag::LAST != 0);
}
