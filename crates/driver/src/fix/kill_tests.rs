//! A session whose process dies at every single write of its store, against a peer that lives: nothing is lost, nothing
//! comes twice without saying so, no number is wrong.
use std::sync::{Arc, Mutex};

use types::{Code, Fault, Nanos, UnixNanos};
use wire::fix::{BeginString, Inbox, Message, Outgoing, Role, SessionSetup, Store, Verdict};

use super::entry::{SessionEntry, StoreChoice};
use super::seat::Seat;
use super::store::{FixStore, Stored};
use super::store_files::{Files, Trouble};
use super::store_tests::{Memory, Mortal};

/// A store whose disk may die; then it says so and the life is over.
struct Dying {
    files: Files<Mortal<Memory>>,
    died: bool,
    /// Changes of this life, for the test.
    changes: Arc<Mutex<u64>>,
}

impl Dying {
    fn done(&mut self, result: Result<(), Trouble>) {
        self.died |= result.is_err();
        *self.changes.lock().unwrap() = self.files.disk_mut().changes;
    }
}

impl Store for Dying {
    fn next(&mut self, from: u64) -> Option<(u64, &[u8])> {
        let sequence = self.files.next(from).ok().flatten()?;
        Some((sequence, self.files.found()))
    }
    fn keep(&mut self, sequence: u64, bytes: &[u8], application: bool) {
        let result = self.files.keep(sequence, bytes, application);
        self.done(result);
    }
    fn numbers(&mut self, next_in: u64, next_out: u64) {
        let result = self.files.numbers(next_in, next_out);
        self.done(result);
    }
    fn reset(&mut self, now: UnixNanos) {
        let result = self.files.reset(now);
        self.done(result);
    }
}

impl FixStore for Dying {
    fn stored(&self) -> Stored {
        self.files.stored()
    }
    fn take_fault(&mut self) -> Option<Fault> {
        self.died.then(|| Fault::new(Code::FixStoreFailed, "dead", vec![]))
    }
}

/// One side of the session, as a host drives it.
struct Side {
    seat: Seat,
    inbox: Inbox,
    /// Orders that came, and whether as possible duplicates.
    got: Vec<(u64, bool)>,
    answers: bool,
    /// The session ended for a reason it must not have.
    wrong: Option<Code>,
}

const START: UnixNanos = UnixNanos(1_700_000_000_000_000_000);

fn entry(role: Role) -> SessionEntry {
    let (sender, target): (&[u8], &[u8]) = match role {
        Role::Initiator => (b"I", b"A"),
        Role::Acceptor => (b"A", b"I"),
    };
    SessionEntry::new(SessionSetup::full(BeginString::Fix44, role, sender, target, Nanos(30_000_000_000)))
}

impl Side {
    fn new(entry: SessionEntry, answers: bool) -> Option<Side> {
        let seat = Seat::open(0, entry, None, START).ok()?;
        Some(Side { seat, inbox: Inbox::new(), got: Vec::new(), answers, wrong: None })
    }

    fn alive(&self) -> bool {
        self.seat.fault.is_none()
    }

    fn connect(&mut self, now: UnixNanos) {
        self.inbox.clear();
        self.seat.out.clear();
        self.seat.prepare(&mut None, now);
        self.seat.step(&mut None, now, |session, store, out| session.connected(now, store, out));
    }

    fn send(&mut self, id: u64, possibly_again: bool, now: UnixNanos) {
        let body = format!("11={id}\x0155=X\x01");
        let header: &[u8] = if possibly_again { b"97=Y\x01" } else { b"" };
        let order = Outgoing { kind: b"D", header, body: body.as_bytes() };
        let sent = self.seat.step(&mut None, now, |session, store, out| session.send(&order, now, store, out));
        assert!(sent.is_ok() || !self.alive());
    }

    fn read(&mut self, mut bytes: &[u8], now: UnixNanos) {
        while self.alive() {
            let step = self.inbox.next(bytes).unwrap();
            bytes = &bytes[step.consumed..];
            match step.message.map(<[u8]>::to_vec) {
                Some(message) => self.take(&message, now),
                None if step.consumed == 0 || bytes.is_empty() => break,
                None => {}
            }
            let mut queued = Vec::new();
            while self.alive() && self.seat.session.take_queued(&mut queued) {
                self.take(&queued.clone(), now);
            }
        }
    }

    fn take(&mut self, bytes: &[u8], now: UnixNanos) {
        let message = Message::parse(bytes).unwrap();
        let verdict =
            self.seat.step(&mut None, now, |session, store, out| session.on_message(&message, now, store, out));
        if let Verdict::Ended(code) = verdict {
            self.wrong = Some(code);
        }
        if verdict == Verdict::Deliver {
            assert_eq!(message.msg_type(), b"D", "{}", String::from_utf8_lossy(bytes));
            let id = message.integer(11).unwrap();
            let again = message.poss_dup() || message.poss_resend();
            self.got.push((id, again));
            if self.answers {
                self.send(id, again, now);
            }
        }
        self.seat.step(&mut None, now, |session, store, _| session.settle(store));
    }
}

/// Carries bytes both ways until nobody has any, or one is dead.
fn talk(ours: &mut Side, theirs: &mut Side, now: UnixNanos) {
    while ours.alive() && !(ours.seat.out.is_empty() && theirs.seat.out.is_empty()) {
        let (from_us, from_them) = (core::mem::take(&mut ours.seat.out), core::mem::take(&mut theirs.seat.out));
        theirs.read(&from_us, now);
        ours.read(&from_them, now);
    }
}

const ORDERS: u64 = 8;

/// A day on which our process dies at one change; returns how many changes its first life had.
fn day(role: Role, dies: Option<u64>, eighths: u64) -> u64 {
    let memory = Memory::default();
    let said = format!("{role:?}, dies at change {dies:?} after {eighths}/8");
    let changes = Arc::new(Mutex::new(0));
    let live = |dies: Option<u64>| {
        let (memory, changes) = (memory.clone(), changes.clone());
        let store = StoreChoice::Custom(Arc::new(move |_, now| {
            let files = Files::open(Mortal::new(memory.clone(), dies, eighths), false, 1 << 30, now);
            let files = files.map_err(|_| Fault::new(Code::FixStoreFailed, "dead at its start", vec![]))?;
            Ok(Box::new(Dying { files, died: false, changes: changes.clone() }))
        }));
        Side::new(SessionEntry { store, ..entry(role) }, role == Role::Acceptor)
    };
    let other = if role == Role::Initiator { Role::Acceptor } else { Role::Initiator };
    let mut theirs = Side::new(entry(other), false).unwrap();
    let mut ours = live(dies).or_else(|| live(None)).expect(&said);
    let (mut now, mut next, mut deaths) = (START, 1, 0);
    ours.connect(now);
    theirs.connect(now);
    // Each round sends an order, or begins another life.
    for _ in 0..ORDERS + 4 {
        now = now.plus(Nanos(1_000_000));
        talk(&mut ours, &mut theirs, now);
        if ours.alive() && next <= ORDERS {
            match role {
                Role::Acceptor => theirs.send(next, false, now),
                Role::Initiator => ours.send(next, false, now),
            }
            // Whoever was killed while sending looks at what its store has before it sends again.
            next += u64::from(ours.alive() || role == Role::Acceptor);
        }
        talk(&mut ours, &mut theirs, now);
        if !ours.alive() {
            deaths += 1;
            assert!(deaths < 2, "{said}");
            let got = core::mem::take(&mut ours.got);
            ours = live(None).expect(&said);
            ours.got = got;
            theirs.seat.step(&mut None, now, |session, store, _| session.disconnected(now, store));
            ours.connect(now);
            theirs.connect(now);
            if role == Role::Initiator {
                let kept = kept_orders(&mut ours);
                next = next.max(kept + 1);
            }
        }
    }
    assert_eq!((ours.wrong, theirs.wrong, next), (None, None, ORDERS + 1), "{said}");
    let mut last = 0;
    for &(id, again) in &theirs.got {
        assert!(id == last + 1 || (again && id <= last), "{said}: {:?}", theirs.got);
        last = last.max(id);
    }
    assert_eq!(last, ORDERS, "{said}: {:?}", theirs.got);
    assert!(!theirs.seat.session.has_gap() && !ours.seat.session.has_gap(), "{said}");
    *changes.lock().unwrap()
}

/// The last order that our store has.
fn kept_orders(ours: &mut Side) -> u64 {
    ours.seat.step(&mut None, START, |_, store, _| {
        let (mut from, mut last) = (0, 0);
        while let Some((sequence, bytes)) = store.next(from) {
            last = Message::parse(bytes).ok().and_then(|message| message.integer(11)).unwrap_or(last);
            from = sequence + 1;
        }
        last
    })
}

#[test]
fn killed_at_every_write_a_session_goes_on_without_a_false_gap() {
    for role in [Role::Acceptor, Role::Initiator] {
        let changes = day(role, None, 8);
        assert!(changes > ORDERS, "{changes}");
        for dies in 1..=changes {
            for eighths in 0..=8 {
                day(role, Some(dies), eighths);
            }
        }
    }
}
