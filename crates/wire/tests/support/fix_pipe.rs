//! Two FIX sessions in virtual time over a line that splits, drops and repeats messages, and disconnects.
use std::collections::BTreeMap;

use fafnir_wire::fix::{
    FIX_OUT_BYTES_MAX, Header, Inbox, Message, NoStore, Role, Session, SessionSetup, State, Store, Verdict, request,
};
use types::config::EngineConfig;
use types::rng::SplitMix64;
use types::{Instrument, Nanos, OrderId, Side, UnixNanos};

const STEP: Nanos = Nanos(50_000_000);
/// Steps with faults, then steps without.
const STEPS: [usize; 2] = [600, 900];

/// What happened in a run.
#[derive(Default, Debug)]
pub struct Tally {
    pub sent: u64,
    pub delivered: u64,
    pub dropped: u64,
    pub repeated: u64,
    pub disconnects: u64,
    pub resend_requests: u64,
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        self.sent += other.sent;
        self.delivered += other.delivered;
        self.dropped += other.dropped;
        self.repeated += other.repeated;
        self.disconnects += other.disconnects;
        self.resend_requests += other.resend_requests;
    }
}

#[derive(Default)]
struct Kept(BTreeMap<u64, Vec<u8>>);

impl Store for Kept {
    fn next(&mut self, from: u64) -> Option<(u64, &[u8])> {
        self.0.range(from..).next().map(|(&sequence, bytes)| (sequence, &bytes[..]))
    }
}

/// One end: a session, its inbox, what it sent and got.
struct End {
    session: Session,
    inbox: Inbox,
    kept: Kept,
    keeps: bool,
    /// Messages on their way to the other end.
    line: Vec<Vec<u8>>,
    app_sent: u32,
    got: Vec<u32>,
    ended: bool,
}

struct Wire<'a>(&'a mut Vec<Vec<u8>>);

impl fafnir_wire::fix::Out for Wire<'_> {
    fn send(&mut self, bytes: &[u8]) {
        self.0.push(bytes.to_vec());
    }
}

impl End {
    fn new(role: Role, keeps: bool) -> End {
        let (sender, target) = if role == Role::Initiator { (b"C", b"S") } else { (b"S", b"C") };
        let session = Session::new(SessionSetup::new(role, sender, target, Nanos(1_000_000_000))).unwrap();
        let kept = Kept::default();
        End { session, inbox: Inbox::new(), kept, keeps, line: Vec::new(), app_sent: 0, got: Vec::new(), ended: false }
    }
    /// An order status request stands for any application message.
    fn say(&mut self, now: UnixNanos, instrument: &Instrument) {
        self.app_sent += 1;
        let header: Header<'_> = self.session.header(now);
        let mut bytes = [0; FIX_OUT_BYTES_MAX];
        let id = OrderId::new(1, self.app_sent);
        let length = request::order_status(&mut bytes, &header, id, instrument, Side::Buy).unwrap();
        let sequence = self.session.take_sequence(now);
        self.kept.0.insert(sequence, bytes[..length].to_vec());
        self.line.push(bytes[..length].to_vec());
    }
    fn take(&mut self, bytes: &[u8], now: UnixNanos) {
        let mut rest = bytes;
        while !self.ended {
            let step = self.inbox.next(rest).unwrap();
            if step.consumed == 0 && step.message.is_none() {
                return;
            }
            rest = &rest[step.consumed..];
            let Some(message) = step.message else { continue };
            let message = Message::parse(message).unwrap();
            let store: &mut dyn Store = if self.keeps { &mut self.kept } else { &mut NoStore };
            match self.session.on_message(&message, now, store, &mut Wire(&mut self.line)) {
                Verdict::Deliver => {
                    let id = message.get(11).unwrap();
                    self.got.push(std::str::from_utf8(&id[2..]).unwrap().parse().unwrap());
                }
                Verdict::Handled | Verdict::LoggedOn | Verdict::Restarted => {}
                Verdict::LoggedOut | Verdict::Ended(_) => self.ended = true,
            }
        }
    }
}

/// One run; panics with the seed when a promise is broken.
pub fn run(seed: u64) -> Tally {
    let mut rng = SplitMix64::new(seed);
    let mut tally = Tally::default();
    let text = r#"{"venues":[{"name":"V"}],"instruments":[{"symbol":"X","venue":"V","tickSize":"1","lotSize":"1"}]}"#;
    let instrument = EngineConfig::from_json(text).unwrap().1.instruments[0].clone();
    let mut ends = [End::new(Role::Initiator, rng.below(2) == 0), End::new(Role::Acceptor, true)];
    let mut now = UnixNanos(1_709_251_199_007_000_000);
    let mut up = false;
    let drops = rng.below(60);
    for step in 0..STEPS[0] + STEPS[1] {
        now = now.plus(STEP);
        let faulty = step < STEPS[0];
        let breaks = faulty && rng.below(120) == 0;
        if up && (breaks || ends.iter().any(|end| end.ended)) {
            tally.disconnects += 1;
            up = false;
            for end in &mut ends {
                end.session.disconnected(UnixNanos(1), &mut NoStore);
                end.inbox.clear();
                end.line.clear();
                end.ended = false;
            }
            continue;
        }
        if !up {
            up = true;
            for end in &mut ends {
                end.session.connected(now, &mut NoStore, &mut Wire(&mut end.line));
            }
        }
        for end in &mut ends {
            if faulty && end.session.state() == State::Open && rng.below(3) == 0 {
                end.say(now, &instrument);
            }
            if let Verdict::Ended(_) = end.session.on_time(now, &mut NoStore, &mut Wire(&mut end.line)) {
                end.ended = true;
            }
            let due = end.session.deadline();
            assert!(due.is_none_or(|due| due > now), "seed {seed}: a deadline that stays due");
        }
        for from in 0..2 {
            let mut bytes = Vec::new();
            for message in std::mem::take(&mut ends[from].line) {
                tally.resend_requests += message.windows(6).any(|part| part == b"\x0135=2\x01") as u64;
                if faulty && rng.below(1_000) < drops {
                    tally.dropped += 1;
                    continue;
                }
                bytes.extend_from_slice(&message);
                if faulty && rng.below(2_000) == 0 {
                    tally.repeated += 1;
                    bytes.extend_from_slice(&message);
                }
            }
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (now_part, later) = rest.split_at(1 + rng.below(rest.len() as u64) as usize);
                ends[1 - from].take(now_part, now);
                rest = later;
            }
        }
    }
    check(&ends, seed, &mut tally);
    tally
}

fn check(ends: &[End; 2], seed: u64, tally: &mut Tally) {
    for (here, there) in [(&ends[0], &ends[1]), (&ends[1], &ends[0])] {
        assert!(there.got.is_sorted_by(|a, b| a < b), "seed {seed}: {:?} twice or out of order", there.got);
        assert!(there.got.iter().all(|&id| id >= 1 && id <= here.app_sent), "seed {seed}");
        if here.keeps {
            assert_eq!(there.got.len(), here.app_sent as usize, "seed {seed}: everything kept arrives");
        }
        assert_eq!(there.session.state(), State::Open, "seed {seed}");
        assert!(!there.session.has_gap(), "seed {seed}");
        // What is on its way is at most what the last step sent.
        let on_its_way = here.line.len() as u64;
        assert_eq!(here.session.next_out() - there.session.next_in(), on_its_way, "seed {seed}: numbers agree");
        tally.sent += here.app_sent as u64;
        tally.delivered += there.got.len() as u64;
    }
}
