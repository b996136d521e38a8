//! What a gateway states of orders and positions (direct entry): requests of before the connection are settled,
//! positions taken over or held against ours; the image for a reader that lost records.
use crate::common;

use OrderEventKind::{Accepted, Fill, New, Position, Status};
use common::{ABC, ORDERS, Rig, answer, config};
use types::{Code, ConnState, Lots, OrderEvent, OrderEventKind, OrderId, OrderState, Side, Ticks, UnixNanos, flag};

fn position(lots: i64) -> OrderEvent {
    let mut event = OrderEvent::new(Position, ABC, Side::Buy, OrderId::NONE);
    (event.side, event.last_lots) = (0, Lots(lots));
    event
}

fn status(order: &OrderEvent, state: OrderState, filled: i64) -> OrderEvent {
    let mut event = answer(order, Status);
    (event.state, event.filled, event.last_price) = (state as u8, Lots(filled), Ticks(999));
    event
}

fn pushed() -> Rig {
    let mut rig = Rig::up(&config("normalised", ""));
    rig.push(1, (1_000, 5), (1_002, 5));
    rig
}

#[test]
fn a_statement_after_a_loss_settles_what_was_asked_before() {
    let mut rig = pushed();
    let placed = rig.place(1, Side::Buy, 999, 5);
    rig.conn(ORDERS, ConnState::Down);
    rig.conn(ORDERS, ConnState::Up);
    let cancel = rig.cancel(1);
    let order = placed.orders[0];
    let turn = rig.report(&status(&order, OrderState::PartiallyFilled, 2));
    assert_eq!((turn.kinds(), turn.faults()), (vec![Fill, Status], vec![Code::FillRecovered]));
    assert_eq!((turn.orders[0].last_lots, turn.orders[0].reason), (Lots(2), Code::FillRecovered as u16));
    let known = *rig.engine.orders().order(order.order_id()).unwrap();
    assert_eq!((known.pending.new, known.pending.cancel), (0, cancel.orders[0].request), "asked after it came up");
    assert_eq!(known.state, OrderState::PendingCancel);
    // An order that no longer exists there.
    let other = rig.place(2, Side::Buy, 999, 5).orders[0];
    let mut unknown = status(&other, OrderState::Rejected, 0);
    unknown.reason = Code::VenueUnknownOrder as u16;
    assert_eq!(rig.report(&unknown).faults(), [Code::IllegalTransition], "sent after the connection came up");
    rig.conn(ORDERS, ConnState::Up);
    assert_eq!(rig.report(&unknown).faults(), [Code::OrderLost]);
    assert_eq!(rig.engine.orders().open_count(), 1);
    let mut malformed = status(&order, OrderState::Live, 0);
    malformed.side = 2;
    assert_eq!(rig.report(&malformed).faults(), [Code::ReportMalformed]);
}

#[test]
fn another_position_shuts_the_gate_until_it_agrees() {
    let mut rig = pushed();
    let placed = rig.place(1, Side::Buy, 999, 5);
    rig.answer(&placed.orders[0], Accepted);
    rig.fill(&placed.orders[0], 5);
    assert!(rig.report(&position(5)).faults().is_empty());
    let turn = rig.report(&position(6));
    assert_eq!((turn.faults(), turn.orders[0].reason), (vec![Code::PositionMismatch], Code::PositionMismatch as u16));
    assert_eq!((turn.orders[0].filled, turn.orders[0].last_lots), (Lots(5), Lots(6)));
    assert_eq!(rig.place(2, Side::Buy, 999, 1).refusals(), [Code::Reconciling]);
    rig.conn(ORDERS, ConnState::Down);
    rig.conn(ORDERS, ConnState::Up);
    assert_eq!(rig.place(2, Side::Buy, 999, 1).refusals(), [Code::Reconciling], "a new connection settles nothing");
    rig.report(&position(5));
    assert_eq!(rig.place(2, Side::Buy, 999, 1).kinds(), [New]);
    let mut elsewhere = position(5);
    elsewhere.instrument = 7;
    assert_eq!(rig.report(&elsewhere).faults(), [Code::UnknownInstrument]);
}

#[test]
fn an_opening_position_is_valued_at_the_first_touch() {
    let mut rig = Rig::up(&config("normalised", ""));
    rig.report(&position(-4));
    let held = *rig.engine.orders().position(ABC);
    assert_eq!((held.lots, held.opening, held.cash, held.opening_unvalued), (Lots(-4), Lots(-4), 0, true));
    rig.push(1, (1_000, 5), (1_002, 5));
    // Four lots short at 100.1: 0.4004 in units of 10^-8.
    let held = *rig.engine.orders().position(ABC);
    assert_eq!((held.cash, held.entry, held.opening_unvalued), (40_040_000, 40_040_000, false));
    rig.push(2, (2_000, 5), (2_002, 5));
    assert_eq!(rig.engine.orders().position(ABC).cash, 40_040_000, "once");
}

#[test]
fn the_image_has_every_open_order_and_every_position() {
    let mut rig = pushed();
    let first = rig.place(1, Side::Buy, 999, 5).orders[0];
    rig.answer(&first, Accepted);
    rig.fill(&first, 2);
    let second = rig.place(2, Side::Sell, 1_003, 4).orders[0];
    let done = rig.place(3, Side::Sell, 1_003, 4).orders[0];
    rig.fill(&done, 4);
    let mut image = Vec::new();
    rig.engine.image(UnixNanos(9), |event| image.push(*event));
    let kinds: Vec<_> = image.iter().map(|event| event.kind().unwrap()).collect();
    assert_eq!(kinds, [Accepted, Accepted, Position]);
    assert!(image.iter().all(|event| event.flags & flag::SNAPSHOT != 0 && event.time == UnixNanos(9)));
    assert_eq!([image[0].order_id, image[1].order_id], [first.order_id, second.order_id]);
    assert_eq!((image[0].filled, image[0].state), (Lots(2), OrderState::PartiallyFilled as u8));
    assert_eq!((image[2].last_lots, image[2].filled, image[2].side), (Lots(-2), Lots(-2), Side::Sell as u8));
}
