//! A FIX session begins, goes on and ends: logons, resets, heartbeats, logouts and options, as scripts in both roles
//! and all versions. What is expected is what the specification says, and where it leaves a choice what QuickFIX
//! 1.15.1 does (its acceptance scripts; own wording).
use crate::script;

use fafnir_wire::fix::{BeginString, Precision, Role, SessionSetup};
use script::{Script, bare, open, open_from, setup};
use types::Nanos;

#[test]
fn an_invalid_logon_is_closed_without_an_answer() {
    for bad in [
        "in A 49=NOBODY 98=0 108=30 VER",
        "in A 56=NOBODY 98=0 108=30 VER",
        "in A 8=FIX.9.9 98=0 108=30 VER",
        "in A 52=-121 98=0 108=30 VER",
        "in A 52=+121 98=0 108=30 VER",
        "in A 52=- 98=0 108=30 VER",
        "in A 52=yesterday 98=0 108=30 VER",
        "in A 34=0 98=0 108=30 VER",
        "in A 108=30 VER",
        "in A 98=1 108=30 VER",
        "in A 98=0 VER",
        "in A 98=0 108=x VER",
        "in A 98=0 108=-1 VER",
        "in A 98=0 108=3601 VER",
        "in A 34=2 98=0 108=30 141=Y VER",
        "in 0",
        "in D 11=1",
        "in 4 34=1 36=9",
        "in 5",
    ] {
        bare(Role::Acceptor, bad, |_| {}, &format!("connect\n{bad}\nend FixLogon\nnone"));
    }
    // Another version that is known.
    let other = setup(BeginString::Fix44, Role::Acceptor);
    Script::new("version", other).run("connect\nin A 8=FIX.4.2 98=0 108=30\nend FixLogon\nnone");
    let fixt = setup(BeginString::Fixt11, Role::Acceptor);
    Script::new("no 1137", fixt).run("connect\nin A 98=0 108=30\nend FixLogon\nnone");
    // At the window's edge it is valid.
    for good in ["52=-120", "52=+120"] {
        bare(
            Role::Acceptor,
            good,
            |_| {},
            &format!(
                "connect\nin A {good} 98=0 108=30 VER\non\n\
            out A 98=0 108=30 VER"
            ),
        );
    }
    bare(
        Role::Acceptor,
        "the window is off",
        |setup| setup.latency_max = None,
        "connect\nin A 52=-99999 98=0 108=30 VER\non\nout A 98=0 108=30 VER",
    );
}

#[test]
fn logons_of_both_roles() {
    bare(
        Role::Acceptor,
        "the interval is echoed",
        |_| {},
        "connect\nin A 98=0 108=7 VER\non\nout A 98=0 108=7 VER\nwait 6999\nnone\nwait 1\nout 0",
    );
    bare(
        Role::Acceptor,
        "no interval",
        |_| {},
        "connect\nin A 98=0 108=0 VER\non\nout A 98=0 108=0 VER\n\
        wait 999999",
    );
    bare(
        Role::Acceptor,
        "a number used before",
        |_| {},
        "restore 5 9\nconnect\nin A 34=4 98=0 108=30 VER\nend FixSequence
        out 5 58=MsgSeqNum_too_low,_expecting_5_but_received_4",
    );
    bare(
        Role::Acceptor,
        "a number too high is answered, then asked for",
        |_| {},
        "restore 5 9\nconnect\nin A 34=8 98=0 108=30 VER\non\nout A 98=0 108=30 VER\nout 2 7=5 16=ALL
        in 4 34=5 43=Y 122=0 36=9 123=Y\nhandled\nnumbers 9 11",
    );
    bare(
        Role::Acceptor,
        "its number is taken when the gap closes before it",
        |_| {},
        "restore 5 9\nconnect\nin A 34=8 98=0 108=30 VER\nout A 98=0 108=30 VER\nout 2 7=5 16=ALL
        in D 34=5 11=a\ndeliver\nin D 34=6 11=b\nin D 34=7 11=c\nnumbers 9 11",
    );
    bare(Role::Acceptor, "no logon comes", |_| {}, "connect\nwait 9999\nnone\nwait 1\nend FixLogon");
    bare(
        Role::Acceptor,
        "the host refuses it",
        |_| {},
        "connect\nrefuse bad password\nend FixLogon\nout 5 58=bad_password",
    );
    let mut full = setup(BeginString::Fix44, Role::Initiator);
    (full.username, full.password) = (Some(b"me".to_vec()), Some(b"secret".to_vec()));
    full.cancel_on_disconnect = true;
    full.logon_extra = b"95=4\x0196=abcd\x01383=8192\x01".to_vec();
    let answer = "connect\nout A 95=4 96=abcd 98=0 108=10 383=8192 553=me 554=secret 9001=Y\nin A 98=0 108=10\non";
    Script::new("all the initiator's fields", full).run(answer);
    bare(
        Role::Initiator,
        "refused with words",
        |_| {},
        "connect\nout A 98=0 108=10 VER\nin 5 58=no\nend FixLogon\nnone\nnumbers 2 2",
    );
    bare(Role::Initiator, "no answer", |_| {}, "connect\nout A 98=0 108=10 VER\nwait 10000\nend FixLogon");
}

#[test]
fn resets_with_the_logon() {
    let resets = |setup: &mut SessionSetup| setup.reset_on_logon = true;
    bare(
        Role::Initiator,
        "we ask for it",
        resets,
        "restore 5 9\nours 1\ntheirs 1\nconnect\nout A 98=0 108=10 RESET VER\nin A 98=0 108=10 RESET VER\non\n\
            numbers 2 2",
    );
    bare(
        Role::Acceptor,
        "the peer asks for it",
        |_| {},
        "restore 5 9\ntheirs 1\nours 1\nconnect\nin A 98=0 108=30 141=Y VER\non\nout A 98=0 108=30 RESET VER\n\
            numbers 2 2",
    );
    bare(
        Role::Acceptor,
        "we begin anew, and the peer does not know: what it sent is asked for (as QuickFIX)",
        resets,
        "restore 5 9\nours 1\nconnect\nin A 98=0 108=30 VER\non\nout A 98=0 108=30 VER\nout 2 7=1 16=ALL\n\
            numbers 1 3",
    );
    bare(
        Role::Acceptor,
        "we begin anew and say so",
        |setup| (setup.reset_on_logon, setup.announce_reset) = (true, true),
        "restore 5 9\nours 1\nconnect\nin A 98=0 108=30 VER\non\nout A 98=0 108=30 RESET VER\nnumbers 2 2",
    );
    bare(
        Role::Initiator,
        "the server resets by itself: our logon counts as its first",
        |_| {},
        "restore 5 9\ntheirs 1\nconnect\nout A 98=0 108=10 VER\nin A 98=0 108=10 141=Y VER\non\nnumbers 2 2",
    );
    for (name, lines) in [
        (
            "on an open session",
            "in D 11=1\ntheirs 1\nours 1\nin A 98=0 108=10 141=Y VER\nrestarted\nout A 98=0 108=10 RESET VER\n\
                numbers 2 2",
        ),
        (
            "not with another number",
            "in A 98=0 108=10 141=Y VER\nend FixLogon\nout 5 58=ResetSeqNumFlag_with_a_MsgSeqNum_other_than_1",
        ),
        ("a logon without it ends the session", "in A 98=0 108=10 VER\nend FixLogon\nnone"),
    ] {
        for begin in BeginString::ALL {
            let version = if begin == BeginString::Fixt11 { "1137=9" } else { "" };
            let reset = if begin == BeginString::Fix40 { "" } else { "141=Y" };
            for role in [Role::Initiator, Role::Acceptor] {
                let mut script = Script::new(name, setup(begin, role));
                script.open();
                script.run(&lines.replace("VER", version).replace("RESET", reset));
            }
        }
    }
}

#[test]
fn resets_with_the_end() {
    let after = |setup: &mut SessionSetup| setup.reset_on_logout = true;
    open_from(BeginString::Fix40, "after a logout", after, "in D 11=1\nin 5\noff\nout 5\nnumbers 1 1");
    open_from(BeginString::Fix40, "after ours", after, "logout\nout 5\nin 5\noff\nnumbers 1 1");
    open_from(
        BeginString::Fix40,
        "after ours, no answer",
        after,
        "logout\nout 5\nwait 2000\nend FixSilent\nnumbers 2 3",
    );
    let gone = |setup: &mut SessionSetup| setup.reset_on_disconnect = true;
    open_from(BeginString::Fix40, "after the connection", gone, "in D 11=1\ndrop\nnumbers 1 1");
    open("numbers stay", "in D 11=1\ndrop\nnumbers 3 2");
}

#[test]
fn heartbeats_test_requests_and_silence() {
    open(
        "silence",
        "wait 9999\nnone\nwait 1\nout 0\nwait 1999\nnone\nwait 1\nout 1 112=TEST\nwait 11999\nnone\nwait 1\n\
            end FixSilent",
    );
    open(
        "an answer",
        "wait 10000\nout 0\nwait 2000\nout 1 112=TEST\nin 0 112=TEST\nhandled\nwait 9999\nnone\nwait 1\nout 0",
    );
    open(
        "any message is an answer",
        "wait 10000\nout 0\nwait 2000\nout 1 112=TEST\nin D 11=1\nwait 10000\nout 0\nwait 1999\nnone\nwait 1\n\
            out 1 112=TEST",
    );
    open(
        "what is sent puts the heartbeat off",
        "wait 9000\nsend D 11=1\nout D 11=1\nin 0\nwait 9999\nnone\nwait 1\nout 0",
    );
    open(
        "a test request",
        "in 1 112=HELLO_YOU\nhandled\nout 0 112=HELLO_YOU\nin 1\nrej 3 1 1 112 Required tag missing\nnumbers 4 4",
    );
}

#[test]
fn logouts() {
    open("the peer's", "in 5 58=bye\noff\nout 5\nin D 11=1\nhandled\nnone");
    open(
        "ours, with a reason",
        "logout end of day\nhandled\nout 5 58=end_of_day\nin D 11=1\ndeliver\nin 5\n\
        off\nnone",
    );
    open("ours, no answer", "logout\nout 5\nwait 1999\nnone\nwait 1\nend FixSilent");
    open("twice is once", "logout\nout 5\nlogout\nhandled\nnone");
    open("both at once", "logout\nout 5\nin 5\noff\nnone\nnumbers 3 3");
    open("numbers go on", "in 5\nout 5\ndrop\nnumbers 3 3");
}

#[test]
fn options_of_the_header() {
    let says = |setup: &mut SessionSetup| setup.last_processed = true;
    for role in [Role::Initiator, Role::Acceptor] {
        for begin in BeginString::ALL.into_iter().filter(|&begin| begin >= BeginString::Fix42) {
            let version = if begin == BeginString::Fixt11 { "1137=9" } else { "" };
            let mut setup = setup(begin, role);
            says(&mut setup);
            let mut script = Script::new("the last number processed", setup);
            let logons = match role {
                Role::Initiator => "connect\nout A 369=0 98=0 108=10 VER\nin A 98=0 108=10 VER\non",
                Role::Acceptor => "connect\nin A 98=0 108=10 VER\nout A 369=0 98=0 108=10 VER",
            };
            script.run(&logons.replace("VER", version));
            script.run(
                "in D 11=1\nsend D 115=X 1128=9 11=2\nout D 115=X 369=2 1128=9 11=2\nin 1 112=T\nout 0 369=3 112=T",
            );
        }
    }
    let names = |setup: &mut SessionSetup| {
        (setup.sender_sub, setup.target_sub) = (Some(b"DESK".to_vec()), Some(b"FIX".to_vec()));
        (setup.sender_location, setup.target_location) = (Some(b"LON".to_vec()), Some(b"NY".to_vec()));
    };
    bare(
        Role::Acceptor,
        "names",
        names,
        "connect\nin A 98=0 108=30 VER\nout A 50=DESK 57=FIX 142=LON 143=NY 98=0 108=30 VER
        send D 97=Y 128=ABC 145=Z 11=1\nout D 50=DESK 57=FIX 97=Y 128=ABC 142=LON 143=NY 145=Z 11=1",
    );
}

#[test]
fn next_expected_numbers() {
    let says = |setup: &mut SessionSetup| setup.next_expected = true;
    for begin in [BeginString::Fix44, BeginString::Fixt11] {
        let version = if begin == BeginString::Fixt11 { "1137=9" } else { "" };
        let run = |role, name: &str, lines: &str| {
            let mut setup = setup(begin, role);
            says(&mut setup);
            Script::new(name, setup).run(&lines.replace("VER", version));
        };
        run(
            Role::Acceptor,
            "all in order",
            "connect\nin A 98=0 108=10 789=1 VER\non\nout A 98=0 108=10 789=2 VER\nnumbers 2 2",
        );
        run(
            Role::Acceptor,
            "the peer has missed two",
            "restore 5 1\nsend D 11=a\nsend D 11=b\nours 3\nconnect\nin A 98=0 108=10 789=1 VER\non\n\
                out A 98=0 108=10 789=6 VER
            out D 34=1 43=Y 122=0 11=a\nout D 34=2 43=Y 122=0 11=b\nout 4 34=3 43=Y 122=0 36=4 123=Y\nnumbers 6 4",
        );
        run(
            Role::Acceptor,
            "we have missed some, and do not ask",
            "restore 3 9\nconnect\nin A 34=7 98=0 108=10 789=9 VER\non\nout A 98=0 108=10 789=3 VER\nnone
            in D 34=3 43=Y 122=0 11=a\ndeliver\nin 4 34=4 43=Y 122=0 36=8 123=Y\nnumbers 8 10",
        );
        run(
            Role::Acceptor,
            "the peer expects what never was",
            "restore 3 9\nconnect\nin A 98=0 108=10 789=10 VER\nend FixSequence
            out 5 58=NextExpectedMsgSeqNum_(789)_is_higher_than_expected,_expecting_9_but_received_10",
        );
        run(
            Role::Initiator,
            "the other side of it",
            "restore 5 1\nsend D 11=a\nours 2\nconnect\nout A 98=0 108=10 789=5 VER\nin A 98=0 108=10 789=1 VER\non
            out D 34=1 43=Y 122=0 11=a\nout 4 34=2 43=Y 122=0 36=3 123=Y\nnumbers 6 3",
        );
        run(
            Role::Initiator,
            "in order",
            "connect\nout A 98=0 108=10 789=1 VER\nin A 98=0 108=10 789=2 VER\non\n\
            none",
        );
    }
}

#[test]
fn venues_that_send_nothing_again() {
    let never = |setup: &mut SessionSetup| setup.no_resend = true;
    bare(
        Role::Initiator,
        "begins anew",
        never,
        "restore 5 9\nours 1\ntheirs 1\nconnect\nout A 98=0 108=10 RESET VER\nin A 98=0 108=10 RESET VER\non\n\
            in D 34=4 11=1
        end FixSequence\nout 5 58=MsgSeqNum_too_high,_expecting_2_but_received_4",
    );
    bare(
        Role::Acceptor,
        "wants it",
        never,
        "connect\nin A 98=0 108=10 VER\nend FixLogon\nout 5 58=ResetSeqNumFlag_(141)_must_be_Y",
    );
    bare(
        Role::Acceptor,
        "refuses to send again",
        never,
        "restore 5 9\nours 1\ntheirs 1\nconnect\nin A 98=0 108=10 141=Y VER\non\nout A 98=0 108=10 RESET VER
        in 2 7=1 16=0\nrej 2 2 11 - Invalid MsgType",
    );
}

#[test]
fn times_are_as_fine_as_asked() {
    use fafnir_wire::fix::{NoStore, Session};
    for (precision, text) in [
        (Precision::Seconds, "52=20240229-23:59:59\x01"),
        (Precision::Millis, "52=20240229-23:59:59.007\x01"),
        (Precision::Micros, "52=20240229-23:59:59.007008\x01"),
        (Precision::Nanos, "52=20240229-23:59:59.007008009\x01"),
    ] {
        let mut setup = setup(BeginString::Fix44, Role::Initiator);
        setup.precision = Some(precision);
        let (mut session, mut out) = (Session::new(setup).unwrap(), Vec::new());
        let now = script::START.plus(Nanos(8_009));
        let signed = session.logon_signing_text(now);
        session.connected(now, &mut NoStore, &mut out);
        let sent = String::from_utf8(out).unwrap();
        assert!(sent.contains(text), "{sent}");
        let signed = String::from_utf8(signed).unwrap();
        assert_eq!(signed, format!("A\x01CLIENT\x01SERVER\x011\x01{}", text[3..].trim_end_matches('\x01')));
    }
    for begin in [BeginString::Fix40, BeginString::Fix41] {
        let mut fine = setup(begin, Role::Initiator);
        fine.precision = Some(Precision::Millis);
        assert!(Session::new(fine).is_err(), "{begin:?} has whole seconds");
    }
}
