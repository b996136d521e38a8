//! Reports that were lost, cannot be read or are not ours: what they may have changed is asked about.
use crate::common;
use crate::fix;

use OrderEventKind::{Fill, Position, Status};
use common::{ABC, field};
use fix::{FixRig, id_of};
use types::{Code, Lots, OrderEventKind, OrderState, Side};

/// A live order of 10 lots to buy at 99.9.
fn with_an_order() -> (FixRig, String, types::OrderEvent) {
    let mut rig = FixRig::agreed(0);
    let placed = rig.place(1, Side::Buy, 999, 10).orders[0];
    let id = id_of(&placed);
    rig.execution("0", "0", &id, 0, "");
    (rig, id, placed)
}

#[test]
fn what_the_venue_does_not_send_again_is_agreed_anew() {
    for reset in ["123=Y|", ""] {
        let (mut rig, id, placed) = with_an_order();
        // The fill that ends the order is damaged on its way; the venue fills its number instead of sending it again.
        let mut lost = rig.execution_message("F", "2", &id, 10, "31=99.9|32=0.010");
        lost[60] ^= 1;
        rig.bytes(&lost);
        let turn = rig.venue("0", "");
        assert_eq!(turn.types(), "2");
        rig.sequence = field(&turn.sends[0], "7").parse().unwrap();
        let next = rig.sequence + 2;
        let turn = rig.venue("4", &format!("{reset}36={next}"));
        assert_eq!(turn.types(), "q", "{reset}");
        assert!(!rig.is_up(), "nothing passes before it is known what was lost");
        rig.sequence = next;
        let turn = rig.venue("r", &format!("11={}|37=9|530=7|531=7", field(&turn.sends[0], "11")));
        assert_eq!(turn.types(), "H");
        let turn = rig.execution("I", "2", &id, 10, "");
        assert_eq!((turn.kinds(), turn.types()), (vec![Fill, Status], "AN".into()));
        rig.positions(10);
        assert!(rig.is_up());
        assert_eq!(rig.state(&placed), OrderState::Filled);
    }
}

#[test]
fn a_venue_that_begins_anew_is_asked_what_it_has() {
    let (mut rig, _, placed) = with_an_order();
    rig.sequence = 1;
    let turn = rig.log_on();
    assert_eq!(turn.types(), "Aq");
    assert_eq!((field(&turn.sends[0], "34"), field(&turn.sends[1], "34")), ("1", "2"));
    assert!(!rig.is_up());
    // Our own heartbeat has a number that a request had before: its refusal refuses no order.
    rig.venue("1", "112=x");
    let turn = rig.venue("3", "45=3|373=5");
    assert_eq!((turn.kinds(), turn.faults()), (vec![], vec![Code::FixRejected]));
    assert_eq!(rig.state(&placed), OrderState::Live);
}

#[test]
fn a_trade_that_cannot_be_read_is_asked_about() {
    // Off the price grid; without a price; a trade that is taken back; a field that is none.
    for (kind, more, code) in [
        ("F", "31=99.95001|32=0.010", Code::OffGrid),
        ("F", "32=0.010", Code::FieldMissing),
        ("H", "31=99.9|32=0.010", Code::FixUnsupported),
        ("F", "31=99.9|32=0.010|x=1", Code::FixMalformed),
    ] {
        let (mut rig, id, placed) = with_an_order();
        let turn = rig.execution(kind, "2", &id, 10, more);
        assert_eq!((turn.faults(), turn.types()), (vec![code], "HAN".into()));
        assert!(!rig.is_up(), "the position is not known");
        // Once: what cannot be read must not make a storm.
        assert_eq!(rig.execution(kind, "2", &id, 10, more).types(), "");
        let turn = rig.execution("I", "2", &id, 10, "");
        assert_eq!((turn.kinds(), turn.orders[0].last_lots), (vec![Fill, Status], Lots(10)));
        rig.positions(10);
        assert!(rig.is_up());
        assert_eq!(rig.state(&placed), OrderState::Filled);
    }
}

#[test]
fn a_report_that_contradicts_what_is_known_is_asked_about() {
    let (mut rig, id, _) = with_an_order();
    rig.execution("F", "1", &id, 4, "31=99.9|32=0.004");
    let turn = rig.execution("F", "1", &id, 6, "31=99.9|32=0.005");
    assert_eq!((turn.faults(), turn.types()), (vec![Code::ReportMalformed], "HAN".into()));
    rig.execution("I", "1", &id, 6, "");
    rig.positions(6);
    assert!(rig.is_up());
    // A repetition is no contradiction.
    assert_eq!(rig.execution("F", "1", &id, 4, "31=99.9|32=0.004").types(), "");
}

#[test]
fn a_trade_of_an_order_nobody_knows_shows_in_the_position() {
    for id in ["77-3", "by-hand"] {
        let mut rig = FixRig::agreed(0);
        let turn = rig.execution("F", "2", id, 3, "31=99.9|32=0.003");
        assert_eq!((turn.faults(), turn.types()), (vec![Code::UnknownOrder], "AN".into()), "{id}");
        assert!(!rig.is_up());
        rig.execution("4", "4", id, 3, "");
        let turn = rig.positions(3);
        // This session has neither held nor traded it: the position is taken over.
        assert_eq!((turn.kinds(), turn.orders[0].reason), (vec![Position], Code::PositionAdopted as u16));
        assert!(rig.is_up());
        assert_eq!(rig.execution("0", "0", id, 0, "").types(), "", "an order of somebody else is his");
    }
}

#[test]
fn the_position_of_another_account_is_not_ours() {
    let mut rig = FixRig::agreed(0);
    let turn = rig.venue("AP", "721=1|710=x|728=0|715=20231114|1=OTHER|581=1|55=ABC|702=1|703=TQ|704=0.500|705=0");
    assert_eq!((turn.kinds(), turn.faults()), (vec![], vec![Code::InputUnexpected]));
    let turn = rig.venue("AO", "721=1|710=x|728=2|729=0|1=OTHER|581=1|55=ABC");
    assert_eq!((turn.kinds(), turn.faults()), (vec![], vec![Code::InputUnexpected]));
    assert_eq!(rig.engine.orders().position(ABC).lots, Lots(0));
    assert!(rig.is_up());
}

#[test]
fn a_venue_that_stops_answering_is_asked_in_turns_of_bounded_length() {
    let config = fix::fix_config().replace("\"maxOrders\": 64", "\"maxOrders\": 1024");
    let config = config.replace("\"risk\": {", "\"risk\": { \"maxMessages\": 1000000,");
    let mut rig = FixRig::agreed_with(&config, 0);
    for client in 1..=600 {
        assert_eq!(rig.place(client, Side::Buy, 999, 1).kinds(), [OrderEventKind::New], "{client}");
    }
    let asked: Vec<_> = rig.wait_until(rig.now + 1_000 * common::MILLI).iter().map(|turn| turn.types().len()).collect();
    assert_eq!(asked, [256, 256, 88]);
}
