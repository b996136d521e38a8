//! What the other scripts show of one role only, shown of the other; and noise on the line, of both.
use crate::script;

use fafnir_wire::fix::{BeginString, NoStore, Precision, Role, Session, SessionSetup};
use script::{START, Script, bare, open, setup};
use types::Nanos;

/// An initiator's logon goes out, and this comes in the place of its answer.
fn answered(name: &str, change: impl Fn(&mut SessionSetup), lines: &str) {
    bare(Role::Initiator, name, change, &format!("connect\nout A 98=0 108=10 VER\n{lines}"));
}

#[test]
fn an_initiator_closes_after_an_invalid_logon_without_a_word() {
    for bad in [
        "in A 49=NOBODY 98=0 108=10 VER",
        "in A 56=NOBODY 98=0 108=10 VER",
        "in A 8=FIX.9.9 98=0 108=10 VER",
        "in A 52=-121 98=0 108=10 VER",
        "in A 52=+121 98=0 108=10 VER",
        "in A 52=- 98=0 108=10 VER",
        "in A 52=yesterday 98=0 108=10 VER",
        "in A 34=0 98=0 108=10 VER",
        "in A 108=10 VER",
        "in A 98=1 108=10 VER",
        "in A 98=0 VER",
        "in A 98=0 108=x VER",
        "in A 98=0 108=3601 VER",
        "in 0",
        "in D 11=1",
        "in 4 34=1 36=9",
    ] {
        answered(bad, |_| {}, &format!("{bad}\nend FixLogon\nnone"));
    }
    // Only a refusal takes its number: what came too early comes again with the next logon.
    for (what, numbers) in [("D 43=Y 122=-1 11=1", "1 2"), ("0", "1 2"), ("5 58=no", "2 2"), ("3 45=1 373=5", "2 2")] {
        answered(what, |_| {}, &format!("in {what}\nend FixLogon\nnone\nnumbers {numbers}"));
    }
    let mut script = Script::new("no 1137", setup(BeginString::Fixt11, Role::Initiator));
    script.run("connect\nout A 98=0 108=10 1137=9\nin A 98=0 108=10\nend FixLogon\nnone");
    for good in ["52=-120", "52=+120"] {
        answered(good, |_| {}, &format!("in A {good} 98=0 108=10 VER\non\nnone"));
    }
    answered("the window is off", |setup| setup.latency_max = None, "in A 52=-99999 98=0 108=10 VER\non\nnone");
}

#[test]
fn numbers_of_the_answer_to_an_initiators_logon() {
    bare(
        Role::Initiator,
        "used before",
        |_| {},
        "restore 5 9\nconnect\nout A 98=0 108=10 VER\nin A 34=4 98=0 108=10 VER\nend FixSequence
        out 5 58=MsgSeqNum_too_low,_expecting_5_but_received_4",
    );
    bare(
        Role::Initiator,
        "too high: what is missing is asked for",
        |_| {},
        "restore 5 9\nconnect\nout A 98=0 108=10 VER\nin A 34=8 98=0 108=10 VER\non\nout 2 7=5 16=ALL
        in 4 34=5 43=Y 122=0 36=9 123=Y\nhandled\nnumbers 9 11",
    );
}

#[test]
fn what_an_initiator_remembers_is_forgotten_at_the_logout() {
    bare(
        Role::Initiator,
        "ClOrdIDs",
        |_| {},
        "connect\nout A 98=0 108=10 VER\nin A 98=0 108=10 VER\nin D 11=id\nin D 97=Y 11=id\nhandled\nin 5\noff\nout 5
        drop\nconnect\nout A 98=0 108=10 VER\nin A 98=0 108=10 VER\nin D 97=Y 11=id\ndeliver",
    );
}

#[test]
fn noise_takes_no_number_and_gets_no_answer() {
    open(
        "noise",
        "noise D 11=1\nnone\nnumbers 2 2\nin D 11=1\ndeliver
        noise 1 112=T\nnone\nin 1 112=T\nout 0 112=T\nnumbers 4 3",
    );
    open(
        "what noise hid is asked for with the next message",
        "noise D 34=2 11=1\nin D 34=3 11=2\nhandled\nout 2 7=2 16=ALL\nin D 34=2 43=Y 122=0 11=1\ndeliver
        queued D 3\ndeliver\nnumbers 4 3",
    );
    for role in [Role::Initiator, Role::Acceptor] {
        let logon = if role == Role::Initiator { "out A 98=0 108=10 VER\n" } else { "" };
        bare(
            role,
            "a logon",
            |_| {},
            &format!(
                "connect\n{logon}noise A 98=0 108=10 VER\nnone\nwait 9999\nnone\nwait 1
            end FixLogon"
            ),
        );
    }
}

#[test]
fn neither_role_sends_again_where_nothing_is_resent() {
    let never = |setup: &mut SessionSetup| setup.no_resend = true;
    bare(
        Role::Initiator,
        "asked",
        never,
        "connect\nout A 98=0 108=10 RESET VER\nin A 98=0 108=10 RESET VER\non\nsend D 11=a\nout D 11=a
        in 2 7=1 16=0\nrej 2 2 11 - Invalid MsgType",
    );
    bare(
        Role::Acceptor,
        "a gap",
        never,
        "connect\nin A 98=0 108=10 141=Y VER\non\nout A 98=0 108=10 RESET VER\nin D 34=4 11=1\nend FixSequence
        out 5 58=MsgSeqNum_too_high,_expecting_2_but_received_4",
    );
    // The number of a logon that is too high: to an acceptor it is no reset, to an initiator no answer to one.
    bare(Role::Acceptor, "a logon", never, "connect\nin A 34=4 98=0 108=10 141=Y VER\nend FixLogon\nnone");
    bare(
        Role::Initiator,
        "a logon",
        never,
        "connect\nout A 98=0 108=10 RESET VER\nin A 34=4 98=0 108=10 RESET VER\nend FixSequence
        out 5 58=MsgSeqNum_too_high,_and_nothing_is_sent_again",
    );
}

#[test]
fn an_acceptors_times_and_names() {
    for (precision, text) in [
        (Precision::Seconds, "52=20240229-23:59:59\x01"),
        (Precision::Millis, "52=20240229-23:59:59.007\x01"),
        (Precision::Micros, "52=20240229-23:59:59.007008\x01"),
        (Precision::Nanos, "52=20240229-23:59:59.007008009\x01"),
    ] {
        let mut fine = setup(BeginString::Fix44, Role::Acceptor);
        fine.precision = Some(precision);
        let (mut session, mut out) = (Session::new(fine).unwrap(), Vec::new());
        let now = START.plus(Nanos(8_009));
        session.connected(now, &mut NoStore, &mut out);
        session.refuse_logon("no", now, &mut NoStore, &mut out);
        let sent = String::from_utf8(out).unwrap();
        assert!(sent.contains(text), "{sent}");
    }
    let names = |setup: &mut SessionSetup| {
        (setup.sender_sub, setup.target_sub) = (Some(b"DESK".to_vec()), Some(b"FIX".to_vec()));
        (setup.sender_location, setup.target_location) = (Some(b"LON".to_vec()), Some(b"NY".to_vec()));
    };
    bare(
        Role::Initiator,
        "names",
        names,
        "connect\nout A 50=DESK 57=FIX 142=LON 143=NY 98=0 108=10 VER\nin A 98=0 108=10 VER
        send D 97=Y 128=ABC 145=Z 11=1\nout D 50=DESK 57=FIX 97=Y 128=ABC 142=LON 143=NY 145=Z 11=1",
    );
}

#[test]
fn an_acceptors_messages_of_a_closed_session_are_asked_for() {
    bare(
        Role::Acceptor,
        "kept",
        |_| {},
        "connect\nin A 98=0 108=10 VER\nout A 98=0 108=10 VER\ndrop\nsend D 11=a\nnone\nsend D 11=b\nnumbers 2 4\nours 4
        connect\nin A 98=0 108=10 VER\non\nout A 98=0 108=10 VER\nin 2 7=2 16=ALL
        out D 34=2 43=Y 122=0 11=a\nout D 34=3 43=Y 122=0 11=b\nout 4 34=4 43=Y 122=0 36=5 123=Y",
    );
}
