//! The engine's FIX session against messages written by hand: logon, reconciliation, reports, refusals, silence, close.
use crate::common;
use crate::fix;

use OrderEventKind::{Cancel, CancelRejected, Cancelled, Fill, New, Position, Rejected, ReplaceRejected, Status};
use common::{ABC, MILLI, field};
use fafnir_engine::fix_timer;
use fix::{FixRig, VENUE, fix_config, framed, id_of};
use types::{Code, CommandKind, ConnState, Control, EventKind, Lots, OrderEventKind, OrderState, Side};

const SECOND: u64 = 1_000 * MILLI;

#[test]
fn nothing_passes_before_orders_and_positions_agree() {
    let mut rig = FixRig::new(&fix_config());
    rig.touch();
    assert_eq!(rig.place(1, Side::Buy, 999, 1).refusals(), [Code::VenueDown]);
    let turn = rig.conn(ConnState::Up);
    assert_eq!(turn.types(), "A");
    let logon = &turn.sends[0];
    assert_eq!((field(logon, "34"), field(logon, "141"), field(logon, "108")), ("1", "Y", "10"));
    assert_eq!((field(logon, "49"), field(logon, "56"), field(logon, "9001")), ("FAFNIR", "V", "Y"));
    assert_eq!(turn.timer(fix_timer(VENUE)).unwrap().0, rig.now + 10 * SECOND, "a logon is answered in time");
    assert_eq!(rig.place(1, Side::Buy, 999, 1).refusals(), [Code::VenueDown], "not logged on");
    let turn = rig.log_on();
    assert_eq!((turn.types(), field(&turn.sends[0], "530")), ("q".into(), "7"));
    let mass_cancel = field(&turn.sends[0], "11").to_string();
    assert_eq!(rig.place(1, Side::Buy, 999, 1).refusals(), [Code::Reconciling]);
    let wrong = rig.venue("r", "11=9-9|37=9|530=7|531=7");
    assert_eq!((wrong.types(), wrong.faults()), (String::new(), vec![Code::IllegalTransition]));
    let turn = rig.venue("r", &format!("11={mass_cancel}|37=9|530=7|531=7"));
    assert_eq!((turn.types(), field(&turn.sends[0], "55")), ("AN".into(), "ABC"));
    assert_eq!(rig.place(1, Side::Buy, 999, 1).refusals(), [Code::Reconciling]);
    let turn = rig.positions(7);
    assert_eq!((turn.kinds(), turn.orders[0].reason), (vec![Position], Code::PositionAdopted as u16));
    let opened = turn.events.iter().find(|event| event.kind() == Some(EventKind::Conn)).unwrap();
    assert_eq!((opened.detail, opened.code, opened.id), (ConnState::Writable as u8, Code::Reconciling as u16, 1));
    assert!(rig.is_up());
    let placed = rig.place(1, Side::Buy, 999, 4);
    assert_eq!((placed.types(), placed.kinds()), ("D".into(), vec![New]));
    assert_eq!(field(&placed.sends[0], "34"), "4", "numbers of the session go on");
    let id = id_of(&placed.orders[0]);
    let turn = rig.execution("0", "0", &id, 0, "38=0.004|44=99.9");
    assert_eq!((turn.kinds(), rig.state(&placed.orders[0])), (vec![OrderEventKind::Accepted], OrderState::Live));
    assert_eq!(rig.engine.orders().position(ABC).lots, Lots(7));
}

#[test]
fn a_fill_arrives_whatever_the_reads() {
    for cut in 0..400 {
        let mut rig = FixRig::agreed(0);
        let placed = rig.place(1, Side::Buy, 999, 4);
        let mut bytes = rig.execution_message("0", "0", &id_of(&placed.orders[0]), 0, "");
        bytes.extend(rig.execution_message("F", "1", &id_of(&placed.orders[0]), 3, "31=99.8|32=0.003|12=0.01|13=3"));
        if cut > bytes.len() {
            break;
        }
        let (first, second) = (rig.bytes(&bytes[..cut]), rig.bytes(&bytes[cut..]));
        let orders: Vec<_> = first.orders.iter().chain(&second.orders).collect();
        assert_eq!(orders.len(), 2, "cut at {cut}");
        let fill = orders[1];
        assert_eq!((fill.kind(), fill.last_price.0, fill.last_lots.0, fill.filled.0), (Some(Fill), 998, 3, 3));
        assert_eq!((fill.fee, fill.state), (1_000_000, OrderState::PartiallyFilled as u8));
        assert!(first.faults().is_empty() && second.faults().is_empty());
    }
}

#[test]
fn bytes_that_are_no_message_are_skipped_and_asked_for_again() {
    let mut rig = FixRig::agreed(0);
    let placed = rig.place(1, Side::Buy, 999, 4);
    let id = id_of(&placed.orders[0]);
    let mut lost = rig.execution_message("0", "0", &id, 0, "");
    lost[60] ^= 1;
    let turn = rig.bytes(&[b"garbage".as_slice(), &lost].concat());
    assert_eq!((turn.faults(), turn.orders.len()), (vec![Code::FixMalformed], 0));
    let turn = rig.execution("F", "1", &id, 1, "31=99.9|32=0.001");
    assert_eq!((turn.types(), turn.orders.len()), ("2".into(), 0), "what follows a gap waits");
    let first = field(&turn.sends[0], "7").parse::<u64>().unwrap();
    rig.sequence = first;
    let again = "43=Y|122=20231114-22:13:20.000";
    let accepted = format!(
        "35=8|49=V|56=FAFNIR|34={first}|52=20231114-22:13:21.000|{again}|37=7|11={id}|17=1|150=0|39=0|55=ABC|54=1|14=0"
    );
    assert_eq!(rig.bytes(&framed(&accepted)).kinds(), [OrderEventKind::Accepted]);
    rig.sequence = first + 1;
    assert_eq!(rig.execution("F", "1", &id, 1, "31=99.9|32=0.001").kinds(), [Fill]);
    // The same once more with PossDup changes nothing; without it the session is over.
    rig.bytes(&framed(&accepted));
    assert!(!rig.hung_up);
    rig.bytes(&framed(&accepted.replace(&format!("|{again}"), "")));
    assert!(rig.hung_up);
    assert_eq!(rig.place(2, Side::Buy, 999, 1).refusals(), [Code::VenueDown]);
    rig.conn(ConnState::Down);
    let turn = rig.conn(ConnState::Up);
    assert_eq!(field(&turn.sends[0], "141"), "Y", "numbers begin anew after that");
}

/// An engine with one order of each kind whose connection was lost, logged on again: every status asked for.
fn lost_with_orders() -> (FixRig, Vec<types::OrderEvent>, Vec<String>) {
    let mut rig = FixRig::agreed(0);
    let orders: Vec<_> =
        (1..=5).map(|client| rig.place(client, Side::Buy, 990 + client as i64, 10).orders[0]).collect();
    for order in &orders[1..] {
        rig.execution("0", "0", &id_of(order), 0, "");
    }
    rig.execution("F", "1", &id_of(&orders[2]), 4, "31=99.3|32=0.004");
    rig.cancel(3);
    rig.replace(4, 980, 12);
    rig.replace(5, 981, 13);
    rig.conn(ConnState::Down);
    assert_eq!(rig.place(9, Side::Buy, 999, 1).refusals(), [Code::VenueDown]);
    let refused = rig.cancel(1);
    assert_eq!((refused.refusals(), refused.sends.len()), (vec![Code::VenueDown], 0));
    let turn = rig.conn(ConnState::Up);
    assert_eq!((turn.types(), field(&turn.sends[0], "141")), ("A".into(), ""));
    let turn = rig.venue("A", "98=0|108=10");
    let mass_cancel = field(&turn.sends[0], "11").to_string();
    let turn = rig.venue("r", &format!("11={mass_cancel}|37=9|530=7|531=7"));
    assert_eq!(turn.types(), "HHHHH");
    let asked: Vec<_> = turn.sends.iter().map(|message| field(message, "11").to_string()).collect();
    (rig, orders, asked)
}

#[test]
fn every_order_is_settled_after_a_loss() {
    let (mut rig, orders, asked) = lost_with_orders();
    assert_eq!(asked[..3], orders[..3].iter().map(id_of).collect::<Vec<_>>()[..]);
    assert!(asked[3] > id_of(&orders[4]), "a replace without an answer is asked about by its own id");
    // The first never arrived.
    let turn = rig.execution("I", "8", &asked[0], 0, "103=5");
    assert_eq!((turn.kinds(), turn.faults()), (vec![Status], vec![Code::OrderLost]));
    assert_eq!((turn.orders[0].reason, rig.state(&orders[0])), (Code::OrderLost as u16, OrderState::Rejected));
    assert_eq!(turn.types(), "", "positions are asked for when all orders are settled");
    // The second was cancelled by the mass cancel.
    let turn = rig.execution("I", "4", &asked[1], 0, "");
    assert_eq!((turn.kinds(), rig.state(&orders[1])), (vec![Status], OrderState::Cancelled));
    // The third filled whole while we were away: 6 more at 99.6, an average of 99.48.
    let bytes = rig.execution_message("I", "2", &asked[2], 10, "");
    let text = String::from_utf8(bytes).unwrap().replace('\x01', "|");
    let body = text[text.find("35=").unwrap()..text.find("10=").unwrap() - 1].replace("6=99.9", "6=99.48");
    let turn = rig.bytes(&framed(&body));
    assert_eq!((turn.kinds(), turn.faults()), (vec![Fill, Status], vec![Code::FillRecovered]));
    let fill = &turn.orders[0];
    // On the grid the average is 995: (9950 - 3972) / 6 = 996.3, uncertain by 0.83 of a tick; not the order's own 993.
    assert_eq!((fill.last_lots, fill.last_price.0, fill.reason), (Lots(6), 996, Code::FillRecovered as u16));
    assert_eq!(rig.engine.orders().position(ABC).lots, Lots(10));
    // The fourth's replace arrived.
    let turn = rig.execution("I", "0", &asked[3], 0, "38=0.012|44=98.0");
    assert_eq!((turn.orders[0].price.0, turn.orders[0].quantity.0, turn.orders[0].state), (980, 12, 3));
    assert_eq!(rig.engine.orders().current_cl_ord_id(orders[3].order_id()).counter(), turn.orders[0].request);
    // The fifth's did not: asked again by the id of before, which is known.
    let turn = rig.execution("I", "8", &asked[4], 0, "103=5");
    assert_eq!((turn.kinds(), turn.types()), (vec![ReplaceRejected], "H".into()));
    assert_eq!(field(&turn.sends[0], "11"), id_of(&orders[4]));
    assert!(!rig.is_up());
    let turn = rig.execution("I", "0", &id_of(&orders[4]), 0, "38=0.010|44=99.5");
    assert_eq!((turn.types(), turn.orders[0].price.0, rig.state(&orders[4])), ("AN".into(), 995, OrderState::Live));
    let turn = rig.positions(10);
    assert_eq!((turn.kinds(), turn.orders[0].reason), (vec![Position], 0));
    assert!(rig.is_up());
    let open: Vec<_> = rig.engine.orders().open_orders().map(|order| order.state).collect();
    assert_eq!(open, [OrderState::Live; 2]);
    let cancel = rig.cancel(4);
    assert_eq!((cancel.kinds(), field(&cancel.sends[0], "41")), (vec![Cancel], asked[3].as_str()));
}

#[test]
fn a_statement_that_cannot_be_applied_answers_nothing() {
    let (mut rig, orders, asked) = lost_with_orders();
    for (i, id) in asked.iter().enumerate().filter(|(i, _)| *i != 2) {
        assert_eq!(rig.execution("I", "4", id, 0, "").types(), "", "{i}");
    }
    let bytes = rig.message("8", &format!("37=7|11={}|17=1|150=I|39=1|55=ABC|54=2|14=0.004|6=99.3", asked[2]));
    let turn = rig.bytes(&bytes);
    assert_eq!((turn.faults(), turn.types()), (vec![Code::ReportMalformed], String::new()), "it is no sell order");
    assert_eq!(rig.execution("I", "1", &asked[2], 4, "").types(), "AN", "said again, it is the answer");
    assert_eq!(rig.state(&orders[2]), OrderState::PartiallyFilled, "its cancel waits no more");
}

#[test]
fn another_position_keeps_the_gate_shut_until_it_is_settled() {
    let (mut rig, _, asked) = lost_with_orders();
    for id in &asked {
        rig.execution("I", "4", id, if *id == asked[2] { 4 } else { 0 }, "");
    }
    let turn = rig.positions(5);
    assert_eq!((turn.kinds(), turn.faults()), (vec![Position], vec![Code::PositionMismatch]));
    assert_eq!((turn.orders[0].filled.0, turn.orders[0].last_lots.0), (4, 5));
    assert_eq!(rig.place(8, Side::Buy, 999, 1).refusals(), [Code::Reconciling]);
    // It is asked for again and again; nothing else happens.
    let mut asked = 0;
    for turn in rig.wait_until(rig.now + 9 * SECOND) {
        asked += turn.types().matches("AN").count();
    }
    assert_eq!(asked, 0);
    rig.venue("0", "");
    let turns = rig.wait_until(rig.now + SECOND + SECOND / 2);
    assert!(turns.iter().any(|turn| turn.types().contains("AN")));
    assert!(!rig.hung_up);
    rig.positions(4);
    assert!(rig.is_up());
    assert_eq!(rig.place(8, Side::Buy, 999, 1).kinds(), [New]);
}

#[test]
fn a_venue_without_mass_cancel_is_asked_to_cancel_each_order() {
    let mut rig = FixRig::agreed(0);
    let placed = rig.place(1, Side::Buy, 999, 4);
    rig.execution("0", "0", &id_of(&placed.orders[0]), 0, "");
    for way in 0..3 {
        rig.conn(ConnState::Down);
        rig.conn(ConnState::Up);
        let turn = rig.venue("A", "98=0|108=10");
        let (id, number) = (field(&turn.sends[0], "11").to_string(), field(&turn.sends[0], "34").to_string());
        let turn = match way {
            0 => rig.venue("r", &format!("11={id}|37=9|530=7|531=0|532=0")),
            1 => rig.venue("j", &format!("45={number}|372=q|380=3")),
            _ => rig.venue("3", &format!("45={number}|372=q|373=11")),
        };
        let already = way > 0;
        assert_eq!(turn.types(), if already { "" } else { "F" }, "{way}");
        let turn = rig.fire();
        assert_eq!(turn.types(), "H", "{way}");
    }
    // The cancel of the first time is settled by the statement: the venue does not have it.
    rig.execution("I", "0", &id_of(&placed.orders[0]), 0, "");
    assert_eq!(rig.state(&placed.orders[0]), OrderState::Live);
}

#[test]
fn silence_ends_the_session_at_every_step() {
    for step in 0..4 {
        let mut rig = FixRig::new(&fix_config());
        rig.touch();
        rig.conn(ConnState::Up);
        if step > 0 {
            rig.log_on();
        }
        if step > 1 {
            rig.venue("r", &format!("11={}|37=9|530=7|531=7", rig.engine_id(1)));
        }
        if step > 2 {
            rig.positions(0);
            assert!(rig.is_up());
        }
        let mut faults = Vec::new();
        let began = rig.now;
        while !rig.hung_up {
            assert!(rig.now < began + 60 * SECOND, "step {step} never ends");
            let turn = rig.fire();
            faults.extend(turn.faults());
            if rig.hung_up {
                let down = turn.events.iter().find(|event| event.kind() == Some(EventKind::Conn)).unwrap();
                assert_eq!((down.detail, down.id), (ConnState::Down as u8, 1));
                assert_eq!(Some(down.code), faults.last().map(|&code| code as u16));
            }
        }
        let want = [Code::FixLogon, Code::AckTimeout, Code::AckTimeout, Code::FixSilent][step];
        assert_eq!(faults, [want], "step {step}");
        assert_eq!(rig.place(1, Side::Buy, 999, 1).refusals(), [Code::VenueDown]);
        // What comes after is nobody's.
        assert_eq!(rig.venue("0", "").faults(), [Code::InputUnexpected]);
        rig.conn(ConnState::Down);
        rig.sequence = 1;
        rig.conn(ConnState::Up);
        rig.log_on();
    }
}

#[test]
fn heartbeats_and_test_requests() {
    let mut rig = FixRig::agreed(0);
    let turn = rig.venue("1", "112=hello");
    assert_eq!((turn.types(), field(&turn.sends[0], "112")), ("0".into(), "hello"));
    let mut kinds = String::new();
    for _ in 0..6 {
        let at = rig.now + 5 * SECOND;
        kinds.extend(rig.wait_until(at).iter().map(|turn| turn.types()));
        rig.venue("0", "");
    }
    assert_eq!(kinds, "000", "one each ten seconds, and no test request");
    // A resend is answered by a gap fill over everything: an order is never sent twice. What became of it is asked.
    let placed = rig.place(1, Side::Buy, 999, 1);
    let next = field(&placed.sends[0], "34").parse::<u64>().unwrap() + 1;
    let turn = rig.venue("2", "7=1|16=0");
    assert_eq!((turn.types(), field(&turn.sends[0], "123"), field(&turn.sends[0], "34")), ("4q".into(), "Y", "1"));
    assert_eq!(field(&turn.sends[0], "36"), next.to_string());
}

#[test]
fn refused_messages_refuse_their_requests() {
    let mut rig = FixRig::agreed(0);
    let number = |turn: &common::Turn| field(&turn.sends[0], "34").to_string();
    let placed = rig.place(1, Side::Buy, 999, 4);
    let turn = rig.venue("3", &format!("45={}|372=D|373=5", number(&placed)));
    assert_eq!((turn.kinds(), turn.orders[0].reason), (vec![Rejected], Code::FixRejected as u16));
    assert_eq!(turn.faults(), [Code::FixRejected]);
    assert_eq!(rig.state(&placed.orders[0]), OrderState::Rejected);
    let placed = rig.place(1, Side::Buy, 999, 4);
    rig.execution("0", "0", &id_of(&placed.orders[0]), 0, "");
    let replace = rig.replace(1, 998, 4);
    let turn = rig.venue("j", &format!("45={}|372=G|380=3", number(&replace)));
    assert_eq!((turn.kinds(), rig.state(&placed.orders[0])), (vec![ReplaceRejected], OrderState::Live));
    let cancel = rig.cancel(1);
    let turn = rig.venue("j", &format!("45=0|372=F|380=3|379={}", id_of(&cancel.orders[0])));
    assert_eq!((turn.kinds(), rig.state(&placed.orders[0])), (vec![CancelRejected], OrderState::Live));
    // Of nothing that is known: named, no more.
    let turn = rig.venue("3", "45=999|372=D|373=5");
    assert_eq!((turn.faults(), turn.orders.len()), (vec![Code::FixRejected], 0));
    assert!(rig.is_up() && !rig.hung_up);
}

#[test]
fn what_the_reports_miss_is_asked_about() {
    let mut rig = FixRig::agreed(0);
    let placed = rig.place(1, Side::Buy, 999, 10);
    let id = id_of(&placed.orders[0]);
    rig.execution("0", "0", &id, 0, "");
    // A fill of 2 was never told.
    let turn = rig.execution("F", "1", &id, 5, "31=99.9|32=0.003");
    assert_eq!((turn.faults(), turn.types()), (vec![Code::MissedReport], "H".into()));
    let turn = rig.execution("I", "1", &id, 5, "");
    assert_eq!((turn.kinds(), turn.orders[0].last_lots), (vec![Fill, Status], Lots(2)));
    assert_eq!(turn.orders[0].last_price.0, 999);
    // The last fill was never told: a cancel finds out.
    let cancel = rig.cancel(1);
    let refused = format!("37=7|11={}|41={id}|39=2|434=1|102=1", id_of(&cancel.orders[0]));
    let turn = rig.venue("9", &refused);
    assert_eq!((turn.kinds(), turn.types()), (vec![CancelRejected], "H".into()));
    let turn = rig.execution("I", "2", &id, 10, "");
    assert_eq!((turn.kinds(), rig.state(&placed.orders[0])), (vec![Fill, Status], OrderState::Filled));
    assert_eq!(rig.engine.orders().position(ABC).lots, Lots(10));
    // An order that the venue does not know: the position is asked for, and nothing passes before it agrees.
    let placed = rig.place(2, Side::Buy, 999, 10);
    let turns = rig.wait_until(rig.now + 1_000 * MILLI);
    assert!(turns.iter().any(|turn| turn.types() == "H"), "no answer in time");
    let turn = rig.execution("I", "8", &id_of(&placed.orders[0]), 0, "103=5");
    assert_eq!((turn.faults(), turn.types()), (vec![Code::OrderLost], "AN".into()));
    let shut = turn.events.iter().find(|event| event.kind() == Some(EventKind::Conn)).unwrap();
    assert_eq!((shut.detail, shut.code), (ConnState::Blocked as u8, Code::Reconciling as u16));
    assert!(!rig.is_up());
    rig.positions(10);
    assert!(rig.is_up());
    // A statement nobody asked for settles no request.
    let placed = rig.place(3, Side::Buy, 999, 10);
    rig.execution("I", "0", &id_of(&placed.orders[0]), 0, "");
    assert_eq!(rig.state(&placed.orders[0]), OrderState::PendingNew);
}

#[test]
fn a_question_without_an_answer_ends_the_session_and_is_asked_again() {
    let mut rig = FixRig::agreed(0);
    let placed = rig.place(1, Side::Buy, 999, 10);
    let id = id_of(&placed.orders[0]);
    rig.execution("0", "0", &id, 0, "");
    let cancel = id_of(&rig.cancel(1).orders[0]);
    // Cancelled with 4 filled that nobody told.
    let turn = rig.execution("4", "4", &cancel, 4, &format!("41={id}"));
    assert_eq!((turn.faults(), turn.types()), (vec![Code::MissedReport], "H".into()));
    rig.wait_until(rig.now + 6 * SECOND);
    rig.venue("0", "");
    let turns = rig.wait_until(rig.now + 5 * SECOND);
    let faults: Vec<_> = turns.iter().flat_map(|turn| turn.faults()).collect();
    assert!(rig.hung_up && faults == [Code::AckTimeout], "{faults:?}");
    rig.conn(ConnState::Down);
    rig.conn(ConnState::Up);
    let turn = rig.venue("A", "98=0|108=10");
    let mass_cancel = field(&turn.sends[0], "11").to_string();
    let turn = rig.venue("r", &format!("11={mass_cancel}|37=9|530=7|531=7"));
    assert_eq!(
        (turn.types(), field(&turn.sends[0], "11")),
        ("H".into(), id.as_str()),
        "it has ended, and is asked about"
    );
    let turn = rig.execution("I", "4", &id, 4, "");
    assert_eq!(
        (turn.kinds(), turn.faults(), turn.types()),
        (vec![Fill, Status], vec![Code::FillRecovered], "AN".into())
    );
    rig.positions(4);
    assert!(rig.is_up());
}

#[test]
fn an_order_that_only_the_venue_has_open_is_mass_cancelled() {
    let mut rig = FixRig::agreed(0);
    let placed = rig.place(1, Side::Buy, 999, 2);
    let id = id_of(&placed.orders[0]);
    rig.execution("0", "0", &id, 0, "");
    // A replace to 5 took effect there, and its report went missing: our order ends with its second lot.
    let replace = id_of(&rig.replace(1, 999, 5).orders[0]);
    rig.execution("F", "1", &id, 1, "31=99.9|32=0.001");
    let refused = format!("37=7|11={replace}|41={id}|39=1|434=2|102=99");
    rig.venue("9", &refused);
    let turn = rig.execution("F", "1", &id, 3, "31=99.9|32=0.002");
    assert_eq!((turn.faults(), turn.types()), (vec![Code::Overfill], "H".into()));
    let turn = rig.execution("I", "1", &id, 3, "38=0.005|44=99.9");
    assert_eq!((turn.faults(), turn.types()), (vec![Code::IllegalTransition], "q".into()));
    assert!(!rig.is_up());
}

#[test]
fn a_close_cancels_then_logs_out() {
    let mut rig = FixRig::agreed(0);
    let placed = rig.place(1, Side::Buy, 999, 10);
    let id = id_of(&placed.orders[0]);
    rig.execution("0", "0", &id, 0, "");
    let turn = rig.control(Control::Close);
    assert_eq!((turn.kinds(), turn.types()), (vec![Cancel], "F".into()));
    let cancel = id_of(&turn.orders[0]);
    let turn = rig.execution("4", "4", &cancel, 0, &format!("41={id}"));
    assert_eq!((turn.kinds(), turn.types()), (vec![Cancelled], "5".into()));
    assert_eq!(rig.place(2, Side::Buy, 999, 1).refusals(), [Code::EngineClosed]);
    assert!(!rig.hung_up);
    let turn = rig.venue("5", "");
    assert!(rig.hung_up && turn.faults().is_empty());
    // Without orders the logout goes at once; without a session nothing does.
    let mut rig = FixRig::agreed(0);
    assert_eq!(rig.control(Control::Close).types(), "5");
    assert_eq!(FixRig::new(&fix_config()).control(Control::Close).types(), "");
}

#[test]
fn a_kill_while_the_venue_is_down_is_carried_out_after_the_logon() {
    let mut rig = FixRig::agreed(0);
    let placed = rig.place(1, Side::Buy, 999, 10);
    let id = id_of(&placed.orders[0]);
    rig.execution("0", "0", &id, 0, "");
    rig.conn(ConnState::Down);
    assert_eq!(rig.control(Control::Kill).types(), "", "there is no session to send a cancel on");
    rig.conn(ConnState::Up);
    let turn = rig.venue("A", "98=0|108=10");
    assert_eq!(turn.types(), "q");
    let mass_cancel = field(&turn.sends[0], "11").to_string();
    rig.venue("r", &format!("11={mass_cancel}|37=9|530=7|531=7"));
    // The venue has it still: it is cancelled on its own.
    rig.execution("I", "0", &id, 0, "");
    let turns = rig.wait_until(rig.now + 200 * MILLI);
    assert!(turns.iter().any(|turn| turn.types() == "F"));
    assert_eq!(rig.place(2, Side::Buy, 999, 1).refusals(), [Code::Killed]);
}

#[test]
fn inputs_that_no_session_takes() {
    let mut rig = FixRig::new(&fix_config());
    assert_eq!(rig.venue("0", "").faults(), [Code::InputUnexpected], "down");
    rig.conn(ConnState::Up);
    let long = vec![b'8'; types::limits::FIX_INPUT_BYTES_MAX + 1];
    assert_eq!(rig.bytes(&long).faults(), [Code::InputTooLarge]);
    assert!(rig.hung_up);
    rig.conn(ConnState::Down);
    rig.conn(ConnState::Up);
    assert_eq!(rig.bytes(b"8=FIX.4.4\x019=99999\x01").faults(), [Code::FixTooLarge]);
    assert!(rig.hung_up);
    // A blocked connection shuts the gate; writable opens it only as far as it was.
    let mut rig = FixRig::agreed(0);
    for (state, code) in [(ConnState::Blocked, Some(Code::VenueDown)), (ConnState::Writable, None)] {
        rig.conn(state);
        let turn = rig.place(1, Side::Buy, 999, 1);
        assert_eq!(turn.refusals().first().copied(), code, "{state:?}");
    }
    let turn = rig.command(CommandKind::SetTimer, |command| command.id = fix_timer(VENUE).0);
    assert_eq!(turn.faults(), [Code::CommandMalformed], "the engine's own");
    assert_eq!(rig.replace(1, 998, 1).refusals(), [Code::RequestPending]);
    assert!(rig.engine.session_numbers(VENUE).unwrap().1 >= 4);
}
