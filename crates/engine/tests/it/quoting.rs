//! When quotes stand, and what takes them away.
use crate::common;

use OrderEventKind::{Accepted, Cancel, CancelRejected, Cancelled, New, Refused, Replace, Replaced};
use common::{ABC, MARKET, ORDERS, QUOTER, Rig, SNAPSHOT, config, depth, field, quoted, snapshot};
use types::{
    Code, CommandKind, ConnState, Control, EventKind, LimitBreach, OrderEventKind, OrderState, Parameter, Side,
};

/// A rig whose two quotes are live at the venue.
fn live() -> Rig {
    let mut rig = Rig::up(&quoted());
    let turn = rig.ready();
    assert_eq!(turn.types(), "DD", "{turn:?}");
    for order in &turn.orders {
        rig.answer(order, Accepted);
    }
    rig
}

#[test]
fn quotes_need_volatility_a_valid_book_and_the_venue() {
    let turn = Rig::up(&quoted()).ready();
    assert_eq!((turn.types().as_str(), turn.kinds()), ("DD", vec![New, New]));
    let sides: Vec<_> = turn.orders.iter().map(|order| order.side().unwrap()).collect();
    assert_eq!(sides, Side::BOTH, "bid first");
    assert!(turn.orders[0].price.0 < 1_000 && turn.orders[1].price.0 > 1_002, "{turn:?}");

    // No venue: wanted and refused, once said, each time counted; with the venue they come at once.
    let mut rig = Rig::new(&quoted());
    rig.conn(MARKET, ConnState::Up);
    let turn = rig.ready();
    assert_eq!((turn.types().as_str(), turn.refusals()), ("", vec![Code::VenueDown; 2]));
    let turn = rig.touch(30, 1_000, 1_002);
    assert_eq!((turn.kinds(), rig.engine.counts().refused.of(Code::VenueDown)), (vec![], 4));
    assert_eq!(rig.conn(ORDERS, ConnState::Up).types(), "DD");

    // No σ: a window of three mids has two.
    let mut rig = Rig::up(&quoted());
    for turn in [rig.touch(10, 1_000, 1_002), rig.bytes(MARKET, &depth(15, 20, 14)), rig.bytes(SNAPSHOT, &snapshot(20))]
    {
        assert_eq!(turn.orders, []);
    }
    assert!(rig.engine.book_valid(ABC) && rig.engine.sigma(ABC).is_none());
    assert_eq!(rig.touch(21, 1_001, 1_003).types(), "");
    assert_eq!(rig.touch(22, 1_000, 1_002).types(), "DD");

    // No book: σ alone is not enough.
    let mut rig = Rig::up(&quoted());
    for id in 10..20 {
        assert_eq!(rig.touch(id, 1_000 + id as i64 % 2, 1_002 + id as i64 % 2).orders, []);
    }
    assert!(rig.engine.sigma(ABC).is_some());
}

#[test]
fn a_gap_pulls_both_quotes_and_a_snapshot_brings_them_back() {
    let mut rig = live();
    let turn = rig.bytes(MARKET, &depth(99, 100, 98));
    assert_eq!((turn.types().as_str(), turn.kinds()), ("FF", vec![Cancel, Cancel]));
    let state = turn.events[0];
    assert_eq!((state.kind(), state.detail, state.code), (Some(EventKind::BookState), 0, Code::BookGap as u16));
    assert!(turn.has(EventKind::SnapshotWanted) && turn.faults().is_empty(), "said once, by the book's state");
    assert_eq!((rig.engine.counts().gaps, rig.engine.counts().faults.of(Code::BookGap)), (1, 1));
    // A snapshot with both cancels in flight: nothing is placed until they are answered.
    assert_eq!(rig.bytes(SNAPSHOT, &snapshot(100)).orders, []);
    for order in &turn.orders {
        let turn = rig.answer(order, Cancelled);
        assert_eq!(turn.kinds(), [Cancelled, New]);
    }
    // A gap while there is no book is a fault of its own.
    rig.bytes(MARKET, &depth(200, 201, 199));
    assert_eq!(rig.bytes(MARKET, &depth(300, 301, 299)).faults(), [Code::BookGap]);
}

#[test]
fn a_lost_market_connection_pulls_both_quotes() {
    let mut rig = live();
    let turn = rig.conn(MARKET, ConnState::Down);
    assert_eq!(turn.types(), "FF");
    assert_eq!(turn.events[0].code, Code::BookDisconnected as u16);
    assert_eq!(rig.engine.touch(ABC), None);
}

#[test]
fn kill_cancels_everything_in_one_turn_and_lets_only_cancels_pass() {
    let mut rig = live();
    let own = rig.place(7, Side::Buy, 990, 5);
    assert_eq!(rig.answer(&own.orders[0], Accepted).kinds(), [Accepted]);
    let moved = rig.replace(7, 991, 5);
    assert_eq!(moved.kinds(), [Replace]);
    let unanswered = rig.place(8, Side::Sell, 1_010, 5);
    let turn = rig.control(Control::Kill);
    assert_eq!(turn.types(), "FFFF", "two quotes, a pending replace, a pending new");
    let halt = turn.events.iter().find(|event| event.kind() == Some(EventKind::Trading)).unwrap();
    assert_eq!((halt.detail, halt.code), (1, Code::Killed as u16));
    // The replace takes effect all the same; the cancel that named the order before is refused, and asked for again.
    let cancel = turn.orders.iter().find(|event| event.client_id == 7).unwrap();
    assert_eq!(field(&turn.sends[2], "41"), "1-3", "named by the terms in force");
    assert_eq!(rig.answer(&moved.orders[0], Replaced).kinds(), [Replaced]);
    let refused = rig.answer(cancel, CancelRejected);
    assert_eq!(refused.types(), "");
    let at = refused.timer(fafnir_engine::STOP_TIMER).expect("another round of cancels");
    rig.now = at.0;
    let again = rig.timer(fafnir_engine::STOP_TIMER);
    assert_eq!((again.types().as_str(), again.orders[0].client_id), ("F", 7));
    assert_eq!(field(&again.sends[0], "41"), "1-4", "the replaced terms");
    assert_eq!(rig.answer(&again.orders[0], Cancelled).kinds(), [Cancelled]);
    // New and replace are refused; a cancel is not (this one is on its way already).
    for turn in [rig.place(9, Side::Buy, 990, 5), rig.replace(8, 1_011, 5)] {
        assert_eq!((turn.kinds(), turn.refusals(), turn.types().as_str()), (vec![Refused], vec![Code::Killed], ""));
    }
    assert_eq!(rig.cancel(8).refusals(), [Code::RequestPending]);
    rig.answer(&unanswered.orders[0], Accepted);
    let late = rig.fill(&unanswered.orders[0], 2);
    assert_eq!(late.kinds(), [OrderEventKind::Fill], "fills still count");
    // Quotes do not come back.
    for id in 40..50 {
        assert_eq!(rig.touch(id, 990 + id as i64 % 2, 993 + id as i64 % 2).types(), "");
    }
    assert_eq!(rig.control(Control::Kill).types(), "", "nothing is cancelled twice");
}

#[test]
fn a_cancel_passes_while_killed() {
    let mut rig = live();
    rig.control(Control::Kill);
    let quote = rig.engine.quotes(ABC)[0].unwrap();
    let order = *rig.engine.orders().order(quote).unwrap();
    let mut report = types::OrderEvent::new(CancelRejected, ABC, Side::Buy, quote);
    report.request = order.pending.cancel;
    let refused = rig.report(&report);
    assert_eq!(refused.types(), "", "not in the same breath");
    rig.now = refused.timer(fafnir_engine::STOP_TIMER).expect("another round of cancels").0;
    assert_eq!(rig.timer(fafnir_engine::STOP_TIMER).types(), "F");
}

#[test]
fn a_gateway_that_refuses_every_cancel_is_not_flooded() {
    let mut rig = live();
    let off = QUOTER.replace("\"orderQuantity\"", "\"enabled\": false, \"orderQuantity\"");
    let mut turn = rig.text_command(CommandKind::SetQuoter, &off, |_| ());
    let (mut cancels, begun) = (0, rig.now);
    for round in 0..20 {
        let asked = turn.orders.clone();
        assert_eq!((asked.len(), turn.types().as_str()), (2, "FF"), "round {round}");
        cancels += asked.len();
        let answers = [rig.answer(&asked[0], CancelRejected), rig.answer(&asked[1], CancelRejected)];
        assert!(answers.iter().all(|answer| answer.kinds() == [CancelRejected] && answer.types().is_empty()));
        let timers = answers.each_ref().map(|answer| answer.timer(fafnir_engine::STOP_TIMER));
        assert!(timers[1].is_none(), "one timer at a time");
        // An event of the market asks sooner; else the timer does.
        turn = if round == 9 {
            rig.touch(90, 990, 993)
        } else {
            rig.now = rig.now.max(timers[0].map_or(rig.now, |at| at.0));
            rig.timer(fafnir_engine::STOP_TIMER)
        };
    }
    assert!(cancels == 40 && rig.now - begun >= 18 * 100_000_000, "{cancels} in {} ns", rig.now - begun);
}

#[test]
fn close_cancels_and_refuses_as_closed() {
    let mut rig = live();
    let turn = rig.control(Control::Close);
    assert_eq!(turn.types(), "FF");
    assert_eq!(rig.place(1, Side::Buy, 990, 5).refusals(), [Code::EngineClosed]);
    assert!(!rig.engine.is_killed());
}

#[test]
fn parameters_change_at_once_and_as_a_set() {
    let mut rig = live();
    let off = QUOTER.replace("\"orderQuantity\"", "\"enabled\": false, \"orderQuantity\"");
    assert_eq!(rig.text_command(CommandKind::SetQuoter, &off, |_| ()).types(), "FF");
    let with = |members: &str| QUOTER.replacen('{', &format!("{{ {members},"), 1);
    let refused = [
        (String::new(), "set", LimitBreach::Unsound),
        ("{".into(), "set", LimitBreach::Unsound),
        ("\u{0}".into(), "set", LimitBreach::Unsound),
        ("{}".into(), "set", LimitBreach::Unsound),
        (with(r#""noSuchKey": 1"#), "set", LimitBreach::Unsound),
        (with(r#""coverFees": 1"#), "coverFees", LimitBreach::Unsound),
        (QUOTER.replace("ABC", "XYZ"), "instrument", LimitBreach::Unsound),
        (QUOTER.replace("0.1,", "-0.1,"), "riskAversionPerMoney", LimitBreach::Below(0.0)),
        (QUOTER.replace("0.1,", "1000001,"), "riskAversionPerMoney", LimitBreach::Above(1e6)),
        (with(r#""ladder": { "levels": 17, "spacingTicks": 1 }"#), "ladder.levels", LimitBreach::Above(16.0)),
        (with(r#""minSpreadTicks": 5, "maxSpreadTicks": 4"#), "maxSpreadTicks", LimitBreach::Below(5.0)),
        (
            with(r#""sizing": { "kind": "depth", "fraction": 1, "minQuantity": "0.0005" }"#),
            "sizing.minQuantity",
            LimitBreach::OffGrid,
        ),
    ];
    for (text, parameter, breach) in &refused {
        let turn = rig.text_command(CommandKind::SetQuoter, text, |_| ());
        assert_eq!((turn.faults(), turn.orders.len()), (vec![Code::ParameterOutOfRange], 0), "{text}");
        let event = turn.events[0];
        let named = Parameter(event.quantity.0 as u16).name();
        assert_eq!((named, event.detail), (Some(*parameter), breach.number()), "{text}");
        assert_eq!(f64::from_bits(event.price.0 as u64), breach.limit().unwrap_or(0.0), "{text}");
    }
    assert!(!rig.engine.quoter(ABC).unwrap().params().enabled, "a refused set changes nothing");
}

#[test]
fn a_model_without_a_price_is_said_once() {
    // γ and κ at which the spread is wider than the price: the bid would be negative.
    let params = QUOTER.replace("2.0", "1e-9").replace("0.1,", "1e-6,");
    let mut rig = Rig::up(&config("binanceUsdm", &format!(r#", "quoters": [{params}]"#)));
    assert_eq!(rig.ready().faults(), [Code::QuoterInvalid]);
    let before = rig.engine.counts().faults.of(Code::QuoterInvalid);
    assert_eq!(rig.touch(30, 1_001, 1_003).faults(), []);
    assert_eq!(rig.engine.counts().faults.of(Code::QuoterInvalid), before + 1);
}

#[test]
fn a_strategys_order_takes_its_part_of_the_inventory_limit() {
    let mut rig = live();
    // 25 lots at most: the bid has 10; 20 more of the strategy leave it 5.
    let turn = rig.place(1, Side::Buy, 980, 20);
    assert_eq!(turn.types(), "DG", "the quote gives way in the same turn");
    assert_eq!(turn.orders[1].quantity.0, 5);
    assert_eq!(rig.place(1, Side::Buy, 980, 1).refusals(), [Code::DuplicateClientId]);
    // A strategy's orders are no quotes: cancelling them all leaves those.
    let turn = rig.command(CommandKind::StrategyFault, |_| ());
    assert_eq!((turn.types().as_str(), turn.orders[0].client_id), ("F", 1));
    let open = rig.engine.orders().open_orders().filter(|order| order.state != OrderState::PendingCancel);
    assert_eq!(open.count(), 2);
}
