//! Commands of a strategy, well formed and not.
use crate::common;

use OrderEventKind::{Accepted, Cancel, Cancelled, New, Refused, Replace};
use common::{ABC, Rig, config};
use types::command::ALL_INSTRUMENTS;
use types::limits::COMMAND_BYTES_MAX;
use types::{ClientId, Code, Command, CommandKind, EventKind, InputKind, OrderEventKind, Side, TimerId};
use zerocopy::{FromBytes, IntoBytes};

fn pushed() -> Rig {
    let mut rig = Rig::up(&config("normalised", ""));
    let turn = rig.push(1, (1_000, 5), (1_002, 5));
    assert!(turn.has(EventKind::Touch) && rig.engine.book_valid(ABC));
    rig
}

#[test]
fn place_replace_cancel() {
    let mut rig = pushed();
    let placed = rig.command(CommandKind::Place, |command| {
        (command.side, command.client_id, command.price, command.quantity) = (2, 5, 1_003, 10);
        (command.algo_id, command.trader_id) = (3, 4);
    });
    let order = placed.orders[0];
    assert_eq!((placed.kinds(), placed.types().as_str()), (vec![New], "D"));
    assert_eq!((order.client_id, order.algo_id, order.trader_id, order.side()), (5, 3, 4, Some(Side::Sell)));
    assert_eq!((order.decision_time.0, order.submission_time.0), (rig.now, rig.now));
    assert_eq!(rig.replace(5, 1_004, 10).refusals(), [Code::RequestPending], "before the acknowledgement");
    rig.answer(&order, Accepted);
    let moved = rig.replace(5, 1_004, 12);
    assert_eq!((moved.kinds(), moved.orders[0].price.0, moved.orders[0].quantity.0), (vec![Replace], 1_004, 12));
    rig.answer(&moved.orders[0], OrderEventKind::Replaced);
    let cancel = rig.cancel(5);
    assert_eq!(cancel.kinds(), [Cancel]);
    assert_eq!(rig.cancel(5).refusals(), [Code::RequestPending]);
    rig.answer(&cancel.orders[0], Cancelled);
    for turn in [rig.cancel(5), rig.replace(5, 1_000, 1)] {
        assert_eq!((turn.refusals(), turn.orders[0].client_id), (vec![Code::UnknownOrder], 5));
    }
    let again = rig.place(5, Side::Buy, 999, 1);
    assert_eq!(again.kinds(), [New], "a reference of an ended order may be used again");
}

#[test]
fn refusals_name_limit_used_and_asked() {
    let mut rig = pushed();
    let turn = rig.place(1, Side::Buy, 2_000, 7);
    let refused = turn.orders[0];
    assert_eq!((turn.kinds(), turn.refusals()), (vec![Refused], vec![Code::PriceCollar]));
    assert_eq!((refused.client_id, refused.price.0, refused.quantity.0, refused.order_id), (1, 2_000, 7, 0));
    // 500 basis points of 100.1 in ticks, rounded down.
    assert_eq!((refused.last_price.0, refused.last_lots.0, refused.fee), (1_051, 1_001, 2_000));
    assert_eq!(rig.place(1, Side::Buy, 1_000, 0).refusals(), [Code::QuantityNotPositive]);
    assert_eq!(rig.place(1, Side::Buy, i64::MAX, i64::MAX).refusals(), [Code::Overflow]);
    for client in 1..=64 {
        assert_eq!(rig.place(client, Side::Buy, 1_000, 1).kinds(), [New]);
    }
    assert_eq!(rig.place(65, Side::Buy, 1_000, 1).refusals(), [Code::OrdersFull]);
    assert_eq!(rig.engine.counts().refused.seen().map(|(_, n)| n).sum::<u64>(), 4);
}

#[test]
fn cancel_all_by_instrument_and_of_all() {
    let second = r#"{ "symbol": "XYZ", "venue": "V", "tickSize": "0.1", "lotSize": "0.001" }"#;
    let text = config("normalised", "").replace("\"instruments\": [", &format!("\"instruments\": [{second}, "));
    let mut rig = Rig::up(&text);
    for instrument in 0..2 {
        for (side, price, flags) in [(Side::Buy, 1_000, 0), (Side::Sell, 1_002, types::flag::LAST)] {
            let mut event = common::side_event(1, side, (price, 5), flags);
            event.instrument = instrument;
            rig.input(types::InputKind::Market(&event));
        }
        for client in 0..3 {
            let turn = rig.command(CommandKind::Place, |command| {
                (command.instrument, command.side, command.quantity) = (instrument, 1, 1);
                (command.client_id, command.price) = (1 + instrument as u64 * 3 + client, 1_000);
            });
            assert_eq!(turn.kinds(), [New]);
        }
    }
    let turn = rig.command(CommandKind::CancelAll, |command| command.instrument = 1);
    assert_eq!((turn.types().as_str(), turn.orders[0].client_id), ("FFF", 4));
    // A wrong instrument does not hold back what is not about one.
    let turn = rig.command(CommandKind::CancelAll, |command| {
        (command.flags, command.instrument) = (ALL_INSTRUMENTS, 999);
    });
    assert_eq!((turn.types().as_str(), turn.orders[0].client_id), ("FFF", 1));
    let turn = rig.command(CommandKind::CancelAll, |command| command.instrument = 2);
    assert_eq!((turn.faults(), turn.orders.len()), (vec![Code::UnknownInstrument], 0));
}

#[test]
fn a_failed_strategy_may_only_cancel() {
    let mut rig = pushed();
    let placed = rig.place(1, Side::Buy, 999, 5);
    rig.answer(&placed.orders[0], Accepted);
    let turn = rig.command(CommandKind::StrategyFault, |command| command.instrument = 77);
    assert_eq!(turn.types(), "F");
    let halt = turn.events.iter().find(|event| event.kind() == Some(EventKind::Trading)).unwrap();
    assert_eq!((halt.detail, halt.code), (1, Code::StrategyHalted as u16));
    for turn in [rig.place(2, Side::Buy, 999, 5), rig.replace(1, 998, 5)] {
        assert_eq!(turn.refusals(), [Code::StrategyHalted]);
    }
    let refused = rig.answer(&turn.orders[0], OrderEventKind::CancelRejected);
    assert!(refused.timer(fafnir_engine::STOP_TIMER).is_some(), "its orders must go");
    assert_eq!(rig.cancel(1).types(), "F", "its cancels pass");
}

#[test]
fn a_failed_strategy_leaves_those_of_other_producers_alone() {
    let mut rig = pushed();
    let theirs = ClientId::first_of(3).0;
    let placed = rig.place(1, Side::Buy, 999, 5);
    rig.answer(&placed.orders[0], Accepted);
    let by_three = |rig: &mut Rig, kind: CommandKind, client_id: u64| {
        let mut command = Command::read_from_bytes(&[0; 64]).unwrap();
        (command.kind, command.side, command.client_id) = (kind as u8, Side::Buy as u8, client_id);
        (command.price, command.quantity) = (998, 5);
        rig.input(InputKind::Command { producer: 3, cause_seq: 0, bytes: command.as_bytes() })
    };
    let placed = by_three(&mut rig, CommandKind::Place, theirs);
    rig.answer(&placed.orders[0], Accepted);
    let turn = by_three(&mut rig, CommandKind::StrategyFault, 0);
    let cancelled: Vec<_> = turn.orders.iter().map(|event| (event.kind(), event.client_id)).collect();
    assert_eq!(cancelled, [(Some(OrderEventKind::Cancel), theirs)]);
    let halt = turn.events.iter().find(|event| event.kind() == Some(EventKind::Trading)).unwrap();
    assert_eq!((halt.code, halt.id), (Code::StrategyHalted as u16, 3));
    assert_eq!(by_three(&mut rig, CommandKind::Place, theirs + 1).refusals(), [Code::StrategyHalted]);
    assert_eq!(rig.place(2, Side::Buy, 999, 5).types(), "D");
    assert_eq!(
        by_three(&mut rig, CommandKind::Place, 7).faults(),
        [Code::CommandMalformed],
        "a reference of producer 0"
    );
}

#[test]
fn timers_of_strategies() {
    let mut rig = pushed();
    let id = TimerId(TimerId::FIRST_USER.0 + 3);
    let at = rig.now + 5_000_000;
    let turn = rig.command(CommandKind::SetTimer, |command| (command.id, command.at) = (id.0, at));
    assert_eq!(turn.timer(id).unwrap().0, at);
    let turn = rig.command(CommandKind::SetTimer, |command| (command.id, command.at) = (id.0, 1));
    assert_eq!(turn.timer(id).unwrap().0, rig.now, "a moment gone by is now");
    let fired = rig.timer(id);
    assert_eq!((fired.events[0].kind(), fired.events[0].id), (Some(EventKind::Timer), id.0));
    let turn = rig.command(CommandKind::SetTimer, |command| command.id = fafnir_engine::ACK_TIMER.0);
    assert_eq!((turn.faults(), turn.timers.len()), (vec![Code::CommandMalformed], 0), "the engine's own ids");
    assert_eq!(rig.timer(TimerId(77)).faults(), [Code::InputUnexpected], "a timer the engine does not have");
}

#[test]
fn malformed_commands_leave_one_fault_and_nothing_else() {
    let mut rig = pushed();
    let mut refused = |bytes: &[u8], code: Code| {
        let turn = rig.raw(bytes);
        assert_eq!((turn.faults(), turn.events.len(), turn.orders.len()), (vec![code], 1, 0), "{bytes:?}");
        assert!(turn.timers.is_empty() && turn.sends.is_empty());
    };
    let mut place = [0u8; 64];
    (place[0], place[4], place[8]) = (CommandKind::Place as u8, 1, 9);
    (place[16], place[24]) = (100, 1);
    for length in 0..64 {
        refused(&place[..length], Code::CommandMalformed);
    }
    for kind in (0..=255).filter(|kind| !(1..=9).contains(kind)) {
        place[0] = kind;
        refused(&place, Code::CommandMalformed);
    }
    place[0] = CommandKind::Place as u8;
    for side in (0..=255).filter(|side| !(1..=2).contains(side)) {
        place[4] = side;
        refused(&place, Code::CommandMalformed);
    }
    for kind in [CommandKind::Place, CommandKind::Cancel, CommandKind::Replace] {
        let mut nameless = [0u8; 64];
        (nameless[0], nameless[4]) = (kind as u8, 1);
        refused(&nameless, Code::CommandMalformed);
    }
    for id in [0, 1, TimerId::FIRST_USER.0 - 1] {
        let mut timer = [0u8; 64];
        timer[0] = CommandKind::SetTimer as u8;
        timer[48..56].copy_from_slice(&id.to_le_bytes());
        refused(&timer, Code::CommandMalformed);
    }
    let mut quoter = vec![0u8; 64];
    quoter[0] = CommandKind::SetQuoter as u8;
    refused(&quoter, Code::ParameterOutOfRange);
    quoter.extend_from_slice(&[0xff; 100]);
    refused(&quoter, Code::ParameterOutOfRange);
    quoter.resize(COMMAND_BYTES_MAX + 1, b' ');
    refused(&quoter, Code::InputTooLarge);
    (place[4], place[2]) = (1, 9);
    refused(&place, Code::UnknownInstrument);
    (quoter[2], quoter[3]) = (0xff, 0xff);
    refused(&quoter[..64], Code::UnknownInstrument);
}
