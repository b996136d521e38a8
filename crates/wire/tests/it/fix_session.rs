//! The FIX session: its rules one by one, then two sessions over a pipe that splits, drops, repeats and disconnects.
use crate::plain;

use fafnir_wire::fix::{Message, NoStore, RejectReason, Role, Session, SessionSetup, State, Store, Verdict};
use plain::{Dictionary, framed, read_all, value};
use types::{Code, Nanos, UnixNanos};

const START: UnixNanos = UnixNanos(1_709_251_199_007_000_000);
const STAMP: &str = "52=20240229-23:59:59.007";

fn at(millis: u64) -> UnixNanos {
    START.plus(Nanos::from_millis(millis))
}

fn setup(role: Role) -> SessionSetup {
    let (sender, target) = if role == Role::Initiator { (b"CLIENT", b"SERVER") } else { (b"SERVER", b"CLIENT") };
    SessionSetup::new(role, sender, target, Nanos::from_millis(10_000))
}

/// A session and what it has sent since it was last looked at.
struct Side {
    session: Session,
    sent: Vec<u8>,
}

impl Side {
    fn new(setup: SessionSetup) -> Side {
        Side { session: Session::new(setup).unwrap(), sent: Vec::new() }
    }
    fn connect(&mut self, millis: u64) {
        self.session.connected(at(millis), &mut NoStore, &mut self.sent);
    }
    /// A message of the peer: type, number, rest of the body.
    fn get(&mut self, kind: &str, sequence: u64, rest: &str, millis: u64) -> Verdict {
        self.raw(&format!("35={kind}|{}|34={sequence}|{STAMP}|{rest}", self.names()), millis)
    }
    fn names(&self) -> String {
        let name = |text: &[u8]| String::from_utf8(text.to_vec()).unwrap();
        format!("49={}|56={}", name(self.session.target()), name(self.session.sender()))
    }
    fn raw(&mut self, body: &str, millis: u64) -> Verdict {
        let bytes = framed(body);
        let message = Message::parse(&bytes).unwrap();
        self.session.on_message(&message, at(millis), &mut NoStore, &mut self.sent)
    }
    /// What was sent, as (type, number, wanted values).
    fn sent(&mut self, tags: &[u32]) -> Vec<String> {
        let messages = read_all(&self.sent);
        if let Some(dictionary) = Dictionary::load() {
            let mut rest = &self.sent[..];
            for message in &messages {
                let length = 2 + message.iter().map(|f| f.0.to_string().len() + f.1.len() + 2).sum::<usize>() - 2;
                dictionary.check_ascending(&rest[..length]);
                rest = &rest[length..];
            }
        }
        self.sent.clear();
        messages
            .iter()
            .map(|fields| {
                let mut line = format!("{} {}", fields[2].1, value(fields, 34).unwrap());
                for &tag in tags {
                    if let Some(value) = value(fields, tag) {
                        line += &format!(" {tag}={value}");
                    }
                }
                line
            })
            .collect()
    }
}

fn open(role: Role) -> Side {
    let mut side = Side::new(setup(role));
    side.connect(0);
    assert_eq!(side.get("A", 1, "98=0|108=10|", 0), Verdict::LoggedOn);
    side.sent(&[]);
    side
}

#[test]
fn logs_on_both_ways() {
    let mut client = Side::new(SessionSetup {
        cancel_on_disconnect: true,
        username: Some(b"desk".to_vec()),
        password: Some(b"secret".to_vec()),
        ..setup(Role::Initiator)
    });
    client.connect(0);
    assert_eq!(client.session.state(), State::LoggingOn);
    assert_eq!(
        client.sent(&[49, 56, 98, 108, 141, 553, 554, 9001]),
        ["A 1 49=CLIENT 56=SERVER 98=0 108=10 553=desk 554=secret 9001=Y"]
    );
    assert_eq!(client.get("A", 1, "98=0|108=10|", 1), Verdict::LoggedOn);
    assert!(client.session.is_open() && client.sent.is_empty());
    let mut server = Side::new(setup(Role::Acceptor));
    server.connect(0);
    assert!(server.sent.is_empty());
    assert_eq!(server.get("A", 1, "98=0|108=30|9001=Y|", 0), Verdict::LoggedOn);
    assert_eq!(server.sent(&[98, 108, 9001]), ["A 1 98=0 108=30"]);
    assert!(server.session.peer_cancels_on_disconnect());
    assert_eq!(server.session.deadline(), Some(at(30_000)));
}

#[test]
fn a_bad_logon_ends_it() {
    let ended = Verdict::Ended(Code::FixLogon);
    for (kind, rest) in [("0", ""), ("D", ""), ("5", "")] {
        let mut server = Side::new(setup(Role::Acceptor));
        server.connect(0);
        assert_eq!(server.get(kind, 1, rest, 0), ended);
        assert!(server.sent.is_empty(), "strangers are not answered");
        assert_eq!((server.session.next_in(), server.session.state()), (1, State::Ended));
        assert_eq!(server.get("A", 1, "98=0|108=30|", 0), Verdict::Handled);
        let mut client = Side::new(setup(Role::Initiator));
        client.connect(0);
        assert_eq!(client.get(kind, 1, rest, 0), ended);
        // Only a refusal has taken its number.
        assert_eq!(client.session.next_in(), if kind == "5" { 2 } else { 1 });
    }
    for rest in ["108=30|", "98=1|108=30|", "98=0|", "98=0|108=x|", "98=0|108=3601|"] {
        let mut server = Side::new(setup(Role::Acceptor));
        server.connect(0);
        assert_eq!(server.get("A", 1, rest, 0), ended, "{rest}");
        assert!(server.sent.is_empty(), "{rest}");
    }
    let mut server = Side::new(setup(Role::Acceptor));
    server.connect(0);
    assert_eq!(server.raw(&format!("35=A|49=NOBODY|56=SERVER|34=1|{STAMP}|98=0|108=30|"), 0), ended);
    assert!(server.sent.is_empty());
    let mut client = Side::new(setup(Role::Initiator));
    client.connect(0);
    assert_eq!(client.session.deadline(), Some(at(10_000)));
    assert_eq!(client.session.on_time(at(9_999), &mut NoStore, &mut client.sent), Verdict::Handled);
    assert_eq!(client.session.on_time(at(10_000), &mut NoStore, &mut client.sent), ended);
    for sender in [&b""[..], b"A\x01", &[b'A'; 65]] {
        let bad = SessionSetup { sender: sender.to_vec(), ..setup(Role::Initiator) };
        assert_eq!(Session::new(bad).err(), Some(Code::FixFieldInvalid));
    }
    let uneven = SessionSetup { heartbeat: Nanos(1_500_000_000), ..setup(Role::Initiator) };
    assert_eq!(Session::new(uneven).err(), Some(Code::FixFieldInvalid));
}

#[test]
fn heartbeats_tests_and_silence() {
    let mut client = open(Role::Initiator);
    assert_eq!(client.session.deadline(), Some(at(10_000)));
    assert_eq!(client.session.on_time(at(9_999), &mut NoStore, &mut client.sent), Verdict::Handled);
    assert!(client.sent.is_empty());
    client.session.on_time(at(10_000), &mut NoStore, &mut client.sent);
    assert_eq!(client.sent(&[112]), ["0 2"]);
    assert_eq!(client.session.deadline(), Some(at(12_000)));
    client.session.on_time(at(12_000), &mut NoStore, &mut client.sent);
    assert_eq!(client.sent(&[112]), ["1 3 112=TEST"]);
    assert_eq!(client.get("0", 2, "112=3|", 12_500), Verdict::Handled);
    assert_eq!(client.session.deadline(), Some(at(22_000)));
    client.session.on_time(at(24_500), &mut NoStore, &mut client.sent);
    assert_eq!(client.sent(&[112]), ["1 4 112=TEST"]);
    assert_eq!(client.session.on_time(at(36_499), &mut NoStore, &mut client.sent), Verdict::Handled);
    assert_eq!(client.session.on_time(at(36_500), &mut NoStore, &mut client.sent), Verdict::Ended(Code::FixSilent));
    assert_eq!(client.session.deadline(), None);
    let mut server = open(Role::Acceptor);
    assert_eq!(server.get("1", 2, "112=are you there|", 1), Verdict::Handled);
    assert_eq!(server.sent(&[112]), ["0 2 112=are you there"]);
    server.get("1", 3, "", 1);
    assert_eq!(server.sent(&[45, 371, 372, 373]), ["3 3 45=3 371=112 372=1 373=1"]);
    let mut quiet = Side::new(SessionSetup { heartbeat: Nanos(0), ..setup(Role::Initiator) });
    quiet.connect(0);
    quiet.get("A", 1, "98=0|108=0|", 0);
    assert_eq!(quiet.session.deadline(), None);
    assert_eq!(quiet.session.on_time(at(1_000_000_000), &mut NoStore, &mut quiet.sent), Verdict::Handled);
}

#[test]
fn gaps_are_asked_for_once_and_filled() {
    let mut client = open(Role::Initiator);
    assert_eq!(client.get("8", 2, "", 1), Verdict::Deliver);
    assert_eq!(client.get("8", 5, "", 2), Verdict::Handled);
    assert_eq!(client.sent(&[7, 16]), ["2 2 7=3 16=0"]);
    assert_eq!(client.get("8", 6, "", 3), Verdict::Handled);
    assert!(client.sent.is_empty() && client.session.has_gap());
    let dup = "43=Y|122=20240229-23:59:59|";
    let again = |client: &mut Side, kind: &str, sequence: u64, rest: &str| {
        client.raw(&format!("35={kind}|{}|34={sequence}|{dup}{STAMP}|{rest}", client.names()), 4)
    };
    assert_eq!(again(&mut client, "8", 3, ""), Verdict::Deliver);
    // The answer itself has a gap: 4 is missing, and asked for at once; not again for 6.
    assert_eq!(again(&mut client, "8", 5, ""), Verdict::Handled);
    assert_eq!(again(&mut client, "8", 6, ""), Verdict::Handled);
    assert_eq!(client.sent(&[7, 16]), ["2 3 7=4 16=0"]);
    assert_eq!(again(&mut client, "4", 4, "123=Y|36=5|"), Verdict::Handled);
    assert_eq!(again(&mut client, "8", 5, ""), Verdict::Deliver);
    assert!(client.session.has_gap());
    assert_eq!(again(&mut client, "8", 6, ""), Verdict::Deliver);
    assert!(!client.session.has_gap());
    assert_eq!(again(&mut client, "8", 4, ""), Verdict::Handled);
    // An answer that never comes is asked for again after a heartbeat interval.
    client.get("8", 9, "", 100);
    client.get("8", 10, "", 10_000);
    assert_eq!(client.sent(&[7]), ["2 4 7=7"]);
    client.get("0", 11, "", 10_100);
    assert_eq!(client.sent(&[7]), ["2 5 7=7"]);
    assert_eq!(client.session.next_in(), 7);
}

#[test]
fn numbers_too_low_end_it_unless_they_are_duplicates() {
    let mut client = open(Role::Initiator);
    client.get("8", 2, "", 1);
    assert_eq!(client.get("8", 2, "", 1), Verdict::Ended(Code::FixSequence));
    assert_eq!(client.sent(&[58]), ["5 2 58=MsgSeqNum too low, expecting 3 but received 2"]);
    let mut client = open(Role::Initiator);
    assert_eq!(client.raw(&format!("35=8|{}|{STAMP}|", client.names()), 1), Verdict::Ended(Code::FixSequence));
    let mut server = Side::new(setup(Role::Acceptor));
    server.session.restore(5, 9);
    server.connect(0);
    assert_eq!(server.get("A", 4, "98=0|108=10|", 0), Verdict::Ended(Code::FixSequence));
    let mut server = Side::new(setup(Role::Acceptor));
    server.session.restore(5, 9);
    server.connect(0);
    assert_eq!(server.get("A", 8, "98=0|108=10|", 0), Verdict::LoggedOn);
    assert_eq!(server.sent(&[7, 16]), ["A 9", "2 10 7=5 16=0"]);
    // The logon is answered; its number is filled like the others.
    assert_eq!(server.session.next_in(), 5);
}

#[test]
fn a_logon_that_comes_twice_does_not_go_to_and_fro_for_ever() {
    let (mut client, mut server) = (open(Role::Initiator), open(Role::Acceptor));
    client.get("0", 2, "", 1);
    server.get("0", 2, "", 1);
    // The server's logon of a reset comes again: the client takes it for a wish and answers it, and so does the server.
    client.get("A", 1, "98=0|108=10|141=Y|", 2);
    assert_eq!(client.sent(&[141]), ["A 1 141=Y"]);
    server.get("A", 1, "98=0|108=10|141=Y|", 3);
    assert_eq!(server.sent(&[141]), ["A 1 141=Y"]);
    // That answers the client's: it is not answered. Both have begun anew.
    assert_eq!(client.get("A", 1, "98=0|108=10|141=Y|", 4), Verdict::Handled);
    assert!(client.sent(&[]).is_empty());
    for side in [&client, &server] {
        assert_eq!((side.session.next_in(), side.session.next_out()), (2, 2));
    }
    // The next wish is one again.
    client.get("A", 1, "98=0|108=10|141=Y|", 5);
    assert_eq!(client.sent(&[141]), ["A 1 141=Y"]);
    // So is one after the time of an answer.
    client.get("A", 1, "98=0|108=10|141=Y|", 10_005);
    assert_eq!(client.sent(&[141]), ["A 1 141=Y"]);
}

#[test]
fn resets() {
    let mut client = Side::new(SessionSetup { reset_on_logon: true, ..setup(Role::Initiator) });
    client.session.restore(50, 60);
    client.connect(0);
    assert_eq!(client.sent(&[141]), ["A 1 141=Y"]);
    assert_eq!(client.get("A", 1, "98=0|108=10|141=Y|", 0), Verdict::LoggedOn);
    assert_eq!((client.session.next_in(), client.session.next_out()), (2, 2));
    let mut server = Side::new(setup(Role::Acceptor));
    server.session.restore(50, 60);
    server.connect(0);
    assert_eq!(server.get("A", 1, "98=0|108=10|141=Y|", 0), Verdict::LoggedOn);
    assert_eq!(server.sent(&[141]), ["A 1 141=Y"]);
    assert_eq!((server.session.next_in(), server.session.next_out()), (2, 2));
    // A server that resets by itself: our logon counts as its first.
    let mut client = Side::new(setup(Role::Initiator));
    client.session.restore(50, 60);
    client.connect(0);
    assert_eq!(client.get("A", 1, "98=0|108=10|141=Y|", 0), Verdict::LoggedOn);
    assert_eq!((client.session.next_in(), client.session.next_out()), (2, 2));
    // On an open session.
    let mut server = open(Role::Acceptor);
    server.get("D", 2, "", 1);
    assert_eq!(server.get("A", 1, "98=0|108=10|141=Y|", 1), Verdict::Restarted);
    assert_eq!(server.sent(&[141]), ["A 1 141=Y"]);
    assert_eq!((server.session.next_in(), server.session.next_out()), (2, 2));
    // SequenceReset in reset mode counts whatever its own number is, but never goes back.
    let mut client = open(Role::Initiator);
    assert_eq!(client.get("4", 1, "36=20|", 1), Verdict::Handled);
    assert_eq!(client.session.next_in(), 20);
    client.get("4", 99, "36=19|", 1);
    assert_eq!((client.session.next_in(), client.sent(&[45, 371, 373])), (20, vec!["3 2 45=99 373=5".into()]));
    // A gap fill must go on.
    client.get("4", 20, "123=Y|36=20|", 1);
    assert_eq!((client.session.next_in(), client.sent(&[371, 373])), (21, vec!["3 3 373=5".into()]));
}

/// Keeps what it is given.
#[derive(Default)]
struct Kept(std::collections::BTreeMap<u64, Vec<u8>>);

impl Store for Kept {
    fn next(&mut self, from: u64) -> Option<(u64, &[u8])> {
        self.0.range(from..).next().map(|(&sequence, bytes)| (sequence, &bytes[..]))
    }
}

#[test]
fn resends_come_from_the_store_and_gaps_between_are_filled() {
    let mut server = open(Role::Acceptor);
    let mut kept = Kept::default();
    for sequence in [3u64, 4, 7, 30] {
        let body =
            format!("35=8|49=SERVER|56=CLIENT|34={sequence}|52=20240229-12:00:00.123|37={sequence}|58=kept text|");
        kept.0.insert(sequence, framed(&body));
    }
    server.session.restore(2, 10);
    let kept = &mut kept;
    let mut ask = |server: &mut Side, number: u64, from: u64, to: u64| {
        let body = format!("35=2|{}|34={number}|{STAMP}|7={from}|16={to}|", server.names());
        let bytes = framed(&body);
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(server.session.on_message(&message, at(0), kept, &mut server.sent), Verdict::Handled);
        let messages = read_all(&server.sent);
        server.sent.clear();
        let line = |fields: &Vec<(u32, String)>| {
            let get = |tag| value(fields, tag).unwrap_or("-").to_string();
            format!("{} {} dup {} of {} fills to {}, {}", get(35), get(34), get(43), get(122), get(36), get(58))
        };
        messages.iter().map(line).collect::<Vec<_>>()
    };
    let now = "20240229-23:59:59.007";
    let again = |n: u64| format!("8 {n} dup Y of 20240229-12:00:00.123 fills to -, kept text");
    let fill = |from: u64, to: u64| format!("4 {from} dup Y of {now} fills to {to}, -");
    assert_eq!(ask(&mut server, 2, 1, 0), [fill(1, 3), again(3), again(4), fill(5, 7), again(7), fill(8, 10)]);
    assert_eq!(ask(&mut server, 3, 4, 6), [again(4), fill(5, 7)]);
    assert_eq!(ask(&mut server, 4, 7, 999_999), [again(7), fill(8, 10)]);
    assert_eq!(ask(&mut server, 5, 8, 9), [fill(8, 10)]);
    assert_eq!(
        ask(&mut server, 6, 10, 0),
        ["3 10 dup - of - fills to -, Value is incorrect (out of range) for this tag"]
    );
    assert_eq!(server.session.next_out(), 11);
    let mut client = open(Role::Initiator);
    client.session.restore(2, 10);
    // Beyond a gap it is answered first, then we ask ourselves.
    client.get("2", 4, "7=3|16=0|", 1);
    assert_eq!(client.sent(&[36, 7]), ["4 3 36=10", "2 10 7=2"]);
    client.session.restore(2, 11);
    client.get("2", 2, "16=0|", 1);
    assert_eq!(client.sent(&[371, 373]), ["3 11 371=7 373=1"]);
}

#[test]
fn headers_are_checked() {
    let mut client = open(Role::Initiator);
    let names = client.names();
    assert_eq!(client.raw(&format!("35=8|{names}|34=2|37=1|"), 1), Verdict::Handled);
    assert_eq!(client.raw(&format!("35=8|{names}|34=3|52=yesterday|37=1|"), 1), Verdict::Handled);
    assert_eq!(client.raw(&format!("35=8|{names}|34=4|43=Y|{STAMP}|37=1|"), 1), Verdict::Handled);
    assert_eq!(client.raw(&format!("35=8|{names}|34=5|43=Y|{STAMP}|122=20250101-00:00:00|37=1|"), 1), Verdict::Handled);
    assert_eq!(
        client.sent(&[45, 371, 373]),
        ["3 2 45=2 371=52 373=1", "3 3 45=3 371=52 373=6", "3 4 45=4 371=122 373=1", "3 5 45=5 373=10", "5 6"]
    );
    assert_eq!((client.session.next_in(), client.session.state()), (6, State::LoggingOut));
    // The answer to the logout, or none, ends it for that reason.
    assert_eq!(client.get("5", 6, "", 1), Verdict::Ended(Code::FixRejected));
    let mut client = open(Role::Initiator);
    assert_eq!(client.raw(&format!("35=8|49=OTHER|56=CLIENT|34=2|{STAMP}|"), 1), Verdict::Handled);
    assert_eq!(client.sent(&[371, 373, 58]), ["3 2 373=9 58=CompID problem", "5 3"]);
    assert_eq!(client.session.next_in(), 3);
    assert_eq!(client.session.on_time(at(2_001), &mut NoStore, &mut client.sent), Verdict::Ended(Code::FixLogon));
    let mut server = open(Role::Acceptor);
    let bytes = framed("35=D|49=CLIENT|56=SERVER|34=2|");
    server.session.reject(
        &Message::parse(&bytes).unwrap(),
        RejectReason::TagMissing,
        11,
        at(1),
        &mut NoStore,
        &mut server.sent,
    );
    assert_eq!(server.sent(&[45, 371, 372, 373]), ["3 2 45=2 371=11 372=D 373=1"]);
    // A reject is for the application: it was about a message of ours.
    assert_eq!(server.get("3", 2, "45=2|", 1), Verdict::Deliver);
}

#[test]
fn logs_out_both_ways() {
    let mut client = open(Role::Initiator);
    assert_eq!(client.get("5", 2, "58=bye|", 1), Verdict::LoggedOut);
    assert_eq!(client.sent(&[]), ["5 2"]);
    assert_eq!(client.session.state(), State::Ended);
    let mut client = open(Role::Initiator);
    assert_eq!(client.session.logout("", at(1), &mut NoStore, &mut client.sent), Verdict::Handled);
    assert_eq!(client.sent(&[]), ["5 2"]);
    assert_eq!(client.get("8", 2, "", 2), Verdict::Deliver);
    assert_eq!(client.get("5", 3, "", 3), Verdict::LoggedOut);
    assert!(client.sent.is_empty());
    let mut client = open(Role::Initiator);
    client.session.logout("", at(1), &mut NoStore, &mut client.sent);
    assert_eq!(client.session.deadline(), Some(at(2_001)));
    assert_eq!(client.session.on_time(at(2_001), &mut NoStore, &mut client.sent), Verdict::Ended(Code::FixSilent));
    client.session.disconnected(UnixNanos(1), &mut NoStore);
    assert_eq!(client.session.state(), State::Down);
    client.connect(5_000);
    assert_eq!(client.sent(&[]), ["5 2", "A 3"], "numbers go on");
}

use crate::pipe;

#[test]
fn two_sessions_over_a_bad_line() {
    let seeds: u64 = std::env::var("FAFNIR_FIX_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(400);
    let mut total = pipe::Tally::default();
    for seed in 0..seeds {
        total.add(&pipe::run(seed));
    }
    println!("{seeds} seeds: {total:?}");
    // The faults did happen, and were got over.
    assert!(
        total.dropped > seeds && total.repeated > 0 && total.disconnects > seeds / 2 && total.resend_requests > seeds
    );
}
