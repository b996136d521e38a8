//! # Room card: wire/fuzz/session
//! In:    any bytes: version, role and options, then lines: messages of the peer, time, the connection's coming and
//!        going, what the application does.
//! Out:   nothing, or a panic, which is the finding.
//! Holds: no number is used twice between two resets; everything sent is whole messages of the session's version; what
//!        was due is done; an ended session says nothing more.
//! Costs: tens of microseconds an input.
#![no_main]
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use types::{Nanos, UnixNanos};
use wire::fix::{BeginString, Message, Outgoing, Role, Session, SessionSetup, Split, State, Store, Verdict, split};

/// Lines of one input.
const LINES_MAX: usize = 200;
const START: UnixNanos = UnixNanos(1_709_251_199_007_000_000);
/// SendingTime of a message that states none.
const STAMP: &str = "20240229-23:59:59";

/// Keeps everything, and knows what was used.
#[derive(Default)]
struct Kept {
    messages: BTreeMap<u64, Vec<u8>>,
    next_out: u64,
}

impl Store for Kept {
    fn next(&mut self, from: u64) -> Option<(u64, &[u8])> {
        self.messages.range(from..).next().map(|(&sequence, bytes)| (sequence, &bytes[..]))
    }
    fn keep(&mut self, sequence: u64, bytes: &[u8], application: bool) {
        assert!(sequence >= self.next_out.max(1), "{sequence} is used twice");
        self.next_out = sequence + 1;
        if application {
            self.messages.insert(sequence, bytes.to_vec());
        }
    }
    fn numbers(&mut self, next_in: u64, next_out: u64) {
        assert!(next_in >= 1 && next_out >= self.next_out);
        self.next_out = next_out;
    }
    fn reset(&mut self, _now: UnixNanos) {
        self.messages.clear();
        self.next_out = 1;
    }
}

struct Rig {
    session: Session,
    kept: Kept,
    out: Vec<u8>,
    now: UnixNanos,
}

fuzz_target!(|input: &[u8]| {
    let Some((&[version, options, bounds], rest)) = input.split_first_chunk::<3>() else { return };
    let Ok(session) = Session::new(setup(version, options, bounds)) else { return };
    let mut rig = Rig { session, kept: Kept::default(), out: Vec::new(), now: START };
    for line in rest.split(|&byte| byte == b'\n').take(LINES_MAX) {
        rig.step(line);
        rig.look();
    }
});

fn setup(version: u8, options: u8, bounds: u8) -> SessionSetup {
    let begin = BeginString::ALL[version as usize % BeginString::ALL.len()];
    let on = |bit: u8| options >> bit & 1 == 1;
    let role = if on(0) { Role::Initiator } else { Role::Acceptor };
    let mut setup = SessionSetup::full(begin, role, b"US", b"PEER", Nanos(10_000_000_000));
    setup.default_appl_ver = (begin == BeginString::Fixt11).then(|| b"9".to_vec());
    setup.reset_on_logon = on(1);
    setup.announce_reset = on(2);
    setup.reset_on_logout = on(3);
    setup.last_processed = on(4) && begin >= BeginString::Fix42;
    setup.next_expected = on(5) && begin >= BeginString::Fix44;
    setup.no_resend = on(6);
    setup.latency_max = on(7).then_some(Nanos(120_000_000_000));
    setup.queue_messages_max = (bounds & 7) as usize;
    setup.queue_bytes_max = 1 << (bounds >> 3 & 15);
    setup.resend_chunk = (bounds >> 6) as u64;
    setup.seen_orders_max = (bounds & 3) as usize;
    setup
}

impl Rig {
    fn step(&mut self, line: &[u8]) {
        let Some((&word, rest)) = line.split_first() else { return };
        let ended = self.session.state() == State::Ended;
        let before = self.out.len();
        match word {
            b'+' => self.session.connected(self.now, &mut self.kept, &mut self.out),
            b'-' => self.session.disconnected(self.now, &mut self.kept),
            b't' => {
                self.now = self.now.plus(Nanos(rest.len() as i64 * 500_000_000));
                self.session.on_time(self.now, &mut self.kept, &mut self.out);
                assert!(self.session.deadline().is_none_or(|due| due > self.now));
            }
            b's' => {
                let body = [b"58=", rest, b"\x01"].concat();
                let message = Outgoing { kind: b"B", header: b"", body: &body };
                let _ = self.session.send(&message, self.now, &mut self.kept, &mut self.out);
            }
            b'l' => {
                self.session.logout("bye", self.now, &mut self.kept, &mut self.out);
            }
            // The header is written here, but for its number.
            b'@' => {
                let text = rest.iter().map(|&byte| if byte == b'|' { 1 } else { byte }).collect::<Vec<_>>();
                let kind = text.first().copied().unwrap_or(b'0');
                let head = format!(
                    "35={}\x0134={}\x0149=PEER\x0152={STAMP}\x0156=US\x01",
                    char::from(kind & 0x7f),
                    self.session.next_in()
                );
                self.hear(&[head.as_bytes(), text.get(1..).unwrap_or_default()].concat());
            }
            _ => self.hear(&line.iter().map(|&byte| if byte == b'|' { 1 } else { byte }).collect::<Vec<_>>()),
        }
        assert!(!ended || self.out.len() == before || word == b'+', "an ended session speaks");
    }

    fn hear(&mut self, content: &[u8]) {
        let begin = self.session.setup().begin.as_str();
        let mut bytes = format!("8={begin}\x019={}\x01", content.len()).into_bytes();
        bytes.extend_from_slice(content);
        let sum = bytes.iter().fold(0u8, |sum, &byte| sum.wrapping_add(byte));
        bytes.extend_from_slice(format!("10={sum:03}\x01").as_bytes());
        self.take(&bytes);
        let mut queued = Vec::new();
        while self.session.take_queued(&mut queued) {
            let next_in = self.session.next_in();
            self.take(&queued.clone());
            assert!(self.session.next_in() != next_in || self.session.state() == State::Ended, "stays in the queue");
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        let Ok(message) = Message::parse(bytes) else { return };
        let verdict = self.session.on_message(&message, self.now, &mut self.kept, &mut self.out);
        assert!(verdict != Verdict::Deliver || matches!(self.session.state(), State::Open | State::LoggingOut));
        self.session.settle(&mut self.kept);
    }

    /// What was sent is whole messages.
    fn look(&mut self) {
        let mut at = 0;
        while at < self.out.len() {
            let Split::Message { length } = split(&self.out[at..]) else { panic!("no message was sent") };
            at += length;
        }
        self.out.clear();
    }
}
