//! Two FIX engines in virtual time over a line that loses, repeats, holds back and splits messages and breaks; either
//! side crashes and goes on from its store. The store is a file that survives: what it was told is there, what it was
//! not told is not.
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use fafnir_wire::fix::{BeginString, Inbox, Message, Outgoing, Role, Session, SessionSetup, State, Store, Verdict};
use types::rng::SplitMix64;
use types::{Nanos, UnixNanos};

const STEP: Nanos = Nanos(20_000_000);
/// Steps until both sides must have everything, once the line is good.
const CALM_STEPS_MAX: usize = 6_000;

/// What happened.
#[derive(Default, Debug, Clone)]
pub struct Mix {
    pub sent: u64,
    pub delivered: u64,
    pub delivered_again: u64,
    pub lost: u64,
    pub repeated: u64,
    pub held_back: u64,
    pub splits: u64,
    pub disconnects: u64,
    pub crashes: u64,
    pub crashes_before_settling: u64,
    pub logouts: u64,
    pub resend_requests: u64,
    pub queued: u64,
}

impl Mix {
    pub fn add(&mut self, other: &Mix) {
        for (mine, theirs) in [
            (&mut self.sent, other.sent),
            (&mut self.delivered, other.delivered),
            (&mut self.delivered_again, other.delivered_again),
            (&mut self.lost, other.lost),
            (&mut self.repeated, other.repeated),
            (&mut self.held_back, other.held_back),
            (&mut self.splits, other.splits),
            (&mut self.disconnects, other.disconnects),
            (&mut self.crashes, other.crashes),
            (&mut self.crashes_before_settling, other.crashes_before_settling),
            (&mut self.logouts, other.logouts),
            (&mut self.resend_requests, other.resend_requests),
            (&mut self.queued, other.queued),
        ] {
            *mine += theirs;
        }
    }
}

/// A file that survives: messages and numbers as told.
#[derive(Default)]
struct Disk {
    messages: BTreeMap<u64, Vec<u8>>,
    next_in: u64,
    next_out: u64,
}

impl Store for Disk {
    fn next(&mut self, from: u64) -> Option<(u64, &[u8])> {
        self.messages.range(from..).next().map(|(&sequence, bytes)| (sequence, &bytes[..]))
    }
    fn keep(&mut self, sequence: u64, bytes: &[u8], application: bool) {
        assert_eq!(sequence, self.next_out, "a number used twice, or left out");
        self.next_out = sequence + 1;
        if application {
            self.messages.insert(sequence, bytes.to_vec());
        }
    }
    fn numbers(&mut self, next_in: u64, next_out: u64) {
        assert!(next_in >= self.next_in && next_out >= self.next_out, "numbers went back");
        (self.next_in, self.next_out) = (next_in, next_out);
    }
    fn reset(&mut self, _now: UnixNanos) {
        panic!("nobody asked for a reset");
    }
}

/// One engine: its session, its disk, and what its application has seen.
struct End {
    session: Session,
    setup: SessionSetup,
    inbox: Inbox,
    disk: Disk,
    out: Vec<u8>,
    /// Numbers of what the application has sent and got.
    sent: u64,
    got: u64,
    /// Got before a crash that came before it was settled: may come again, as a possible duplicate.
    may_repeat: BTreeSet<u64>,
    /// Steps until it knows that the connection is gone.
    learns: Option<u64>,
    connected: bool,
    ended: bool,
}

/// The chances of a run, of 10,000.
struct Chances {
    lose: u64,
    repeat: u64,
    hold: u64,
    disconnect: u64,
    crash: u64,
    logout: u64,
}

struct World {
    rng: SplitMix64,
    now: UnixNanos,
    ends: [End; 2],
    /// Messages on their way from each end, with their time of arrival.
    lines: [VecDeque<(UnixNanos, Vec<u8>)>; 2],
    chances: Chances,
    mix: Mix,
    seed: u64,
}

impl End {
    fn new(setup: SessionSetup) -> End {
        End {
            session: Session::new(setup.clone()).unwrap(),
            setup,
            inbox: Inbox::new(),
            disk: Disk { next_in: 1, next_out: 1, ..Disk::default() },
            out: Vec::new(),
            sent: 0,
            got: 0,
            may_repeat: BTreeSet::new(),
            learns: None,
            connected: false,
            ended: false,
        }
    }

    /// The process dies; a new one goes on from the disk.
    fn crash(&mut self) {
        self.session = Session::new(self.setup.clone()).unwrap();
        self.session.restore(self.disk.next_in, self.disk.next_out);
        self.inbox.clear();
        self.out.clear();
        (self.connected, self.ended, self.learns) = (false, false, None);
    }

    fn say(&mut self, now: UnixNanos) {
        self.sent += 1;
        let body = format!("58=message {}\x01", self.sent);
        let message = Outgoing { kind: b"B", header: b"", body: body.as_bytes() };
        self.session.send(&message, now, &mut self.disk, &mut self.out).unwrap();
    }

    /// A whole message; true when the process crashed over it.
    fn hear(&mut self, bytes: &[u8], now: UnixNanos, world: &mut Around<'_>) -> bool {
        let message = Message::parse(bytes).unwrap();
        match self.session.on_message(&message, now, &mut self.disk, &mut self.out) {
            Verdict::Deliver => {
                self.deliver(&message, world);
                if world.rng.below(10_000) < world.crash {
                    world.mix.crashes_before_settling += 1;
                    self.may_repeat.insert(self.got);
                    return true;
                }
            }
            Verdict::Handled | Verdict::LoggedOn | Verdict::Restarted => {}
            Verdict::LoggedOut | Verdict::Ended(_) => self.ended = true,
        }
        self.session.settle(&mut self.disk);
        false
    }

    fn deliver(&mut self, message: &Message<'_>, world: &mut Around<'_>) {
        let seed = world.seed;
        if message.msg_type() == b"3" {
            panic!("seed {seed}: rejected: {}", String::from_utf8_lossy(message.bytes()).replace('\x01', "|"));
        }
        let text = std::str::from_utf8(message.get(58).unwrap()).unwrap();
        let number: u64 = text.strip_prefix("message ").unwrap().parse().unwrap();
        if number <= self.got {
            assert!(message.poss_dup(), "seed {seed}: {number} again, and not marked");
            assert!(self.may_repeat.remove(&number), "seed {seed}: {number} again, and no crash");
            world.mix.delivered_again += 1;
        } else {
            assert_eq!(number, self.got + 1, "seed {seed}: something is missing");
            self.got = number;
            world.mix.delivered += 1;
        }
    }

    /// Bytes of the line; true when the process crashed.
    fn take(&mut self, bytes: &[u8], now: UnixNanos, world: &mut Around<'_>) -> bool {
        let mut rest = bytes;
        let mut inbox = core::mem::take(&mut self.inbox);
        let mut crashed = false;
        let mut queued = Vec::new();
        while !self.ended && !crashed {
            let step = inbox.next(rest).unwrap();
            if step.consumed == 0 && step.message.is_none() {
                break;
            }
            rest = &rest[step.consumed..];
            let Some(message) = step.message else { continue };
            crashed = self.hear(message, now, world);
            while !self.ended && !crashed && self.session.take_queued(&mut queued) {
                world.mix.queued += 1;
                crashed = self.hear(&queued.clone(), now, world);
            }
        }
        self.inbox = inbox;
        crashed
    }
}

/// What a message needs to know beside its end.
struct Around<'a> {
    rng: &'a mut SplitMix64,
    mix: &'a mut Mix,
    crash: u64,
    seed: u64,
}

/// Two setups that fit each other.
fn setups(rng: &mut SplitMix64) -> [SessionSetup; 2] {
    let begin = BeginString::ALL[rng.below(6) as usize];
    let next_expected = begin >= BeginString::Fix44 && rng.below(2) == 0;
    [(Role::Initiator, b"C", b"S"), (Role::Acceptor, b"S", b"C")].map(|(role, sender, target)| {
        let mut setup = SessionSetup::full(begin, role, sender, target, Nanos(1_000_000_000));
        setup.default_appl_ver = (begin == BeginString::Fixt11).then(|| b"9".to_vec());
        setup.queue_messages_max = [0, 2, 20, 10_000][rng.below(4) as usize];
        setup.queue_bytes_max = [300, 100_000][rng.below(2) as usize];
        setup.resend_chunk = [0, 0, 1, 4][rng.below(4) as usize];
        setup.last_processed = begin >= BeginString::Fix42 && rng.below(2) == 0;
        setup.next_expected = next_expected;
        setup
    })
}

impl World {
    fn new(seed: u64) -> World {
        let mut rng = SplitMix64::new(seed);
        let setups = setups(&mut rng);
        // Some runs have one kind of fault alone.
        let mut chance = |most: u64| if rng.below(3) == 0 { 0 } else { rng.below(most) };
        let chances = Chances {
            lose: chance(600),
            repeat: chance(60),
            hold: chance(300),
            disconnect: chance(80),
            crash: chance(60),
            logout: chance(60),
        };
        World {
            now: UnixNanos(1_709_251_199_007_000_000 + rng.below(1_000_000_000)),
            rng,
            ends: setups.map(End::new),
            lines: [VecDeque::new(), VecDeque::new()],
            chances,
            mix: Mix::default(),
            seed,
        }
    }

    fn happens(&mut self, chance: u64) -> bool {
        self.rng.below(10_000) < chance
    }

    fn step(&mut self, faulty: bool, says: u64) {
        self.now = self.now.plus(STEP);
        self.connections(faulty);
        for from in 0..2 {
            let end = &mut self.ends[from];
            if end.connected && !end.ended {
                let verdict = end.session.on_time(self.now, &mut end.disk, &mut end.out);
                end.ended |= matches!(verdict, Verdict::Ended(_) | Verdict::LoggedOut);
            }
            // Also while the session is not open: it is kept.
            for _ in 0..self.rng.below(says + 1) {
                self.ends[from].say(self.now);
            }
            if faulty && self.happens(self.chances.logout) && self.ends[from].session.is_open() {
                self.mix.logouts += 1;
                let end = &mut self.ends[from];
                end.session.logout("", self.now, &mut end.disk, &mut end.out);
            }
            self.put_on_line(from, faulty);
        }
        for to in 0..2 {
            self.take_off_line(to, faulty);
        }
    }

    /// Makes, breaks and mourns connections.
    fn connections(&mut self, faulty: bool) {
        if faulty && self.ends.iter().all(|end| end.connected) && self.happens(self.chances.disconnect) {
            self.mix.disconnects += 1;
            self.cut();
        }
        for at in 0..2 {
            if faulty && self.happens(self.chances.crash) {
                self.mix.crashes += 1;
                self.crash(at);
            }
            if self.ends[at].ended {
                self.cut();
                self.ends[at].learns = Some(0);
            }
            let end = &mut self.ends[at];
            match &mut end.learns {
                Some(0) => {
                    end.session.disconnected(self.now, &mut end.disk);
                    end.inbox.clear();
                    end.out.clear();
                    (end.connected, end.ended, end.learns) = (false, false, None);
                }
                Some(steps) => *steps -= 1,
                None => {}
            }
        }
        if self.ends.iter().all(|end| !end.connected && end.learns.is_none()) {
            self.lines.iter_mut().for_each(VecDeque::clear);
            for end in &mut self.ends {
                end.session.connected(self.now, &mut end.disk, &mut end.out);
                end.connected = true;
            }
        }
    }

    /// The line is dead: what is on its way is lost, and each end learns of it in its time.
    fn cut(&mut self) {
        for at in 0..2 {
            self.lines[at].clear();
            let steps = self.rng.below(8);
            let end = &mut self.ends[at];
            if end.connected && end.learns.is_none() {
                end.learns = Some(steps);
            }
        }
    }

    fn crash(&mut self, at: usize) {
        self.ends[at].crash();
        self.cut();
    }

    fn put_on_line(&mut self, from: usize, faulty: bool) {
        let bytes = core::mem::take(&mut self.ends[from].out);
        let dead = !self.ends[from].connected || self.ends.iter().any(|end| end.learns.is_some() || !end.connected);
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let end = rest.windows(4).position(|window| window == b"\x0110=").unwrap() + 8;
            let (message, after) = rest.split_at(end);
            rest = after;
            self.mix.resend_requests += message.windows(6).any(|part| part == b"\x0135=2\x01") as u64;
            if dead {
                continue;
            }
            if faulty && self.happens(self.chances.lose) {
                self.mix.lost += 1;
                continue;
            }
            let copies = if faulty && self.happens(self.chances.repeat) { 2 } else { 1 };
            self.mix.repeated += copies - 1;
            for _ in 0..copies {
                let held = faulty && self.happens(self.chances.hold);
                self.mix.held_back += held as u64;
                let delay = if held { 20 * self.rng.below(20) + 20 } else { 0 };
                self.lines[from].push_back((self.now.plus(Nanos::from_millis(delay)), message.to_vec()));
            }
        }
    }

    fn take_off_line(&mut self, to: usize, faulty: bool) {
        let line = &mut self.lines[1 - to];
        let mut bytes = Vec::new();
        line.retain(|(due, message)| {
            let comes = *due <= self.now;
            if comes {
                bytes.extend_from_slice(message);
            }
            !comes
        });
        let mut rest = &bytes[..];
        while !rest.is_empty() && self.ends[to].connected && self.ends[to].learns.is_none() {
            let (part, later) = rest.split_at(1 + self.rng.below(rest.len() as u64) as usize);
            self.mix.splits += !later.is_empty() as u64;
            rest = later;
            let crash = if faulty { self.chances.crash } else { 0 };
            let mut around = Around { rng: &mut self.rng, mix: &mut self.mix, crash, seed: self.seed };
            if self.ends[to].take(part, self.now, &mut around) {
                self.crash(to);
            }
        }
    }

    fn is_done(&self) -> bool {
        (0..2).all(|at| {
            let (here, there) = (&self.ends[at], &self.ends[1 - at]);
            here.session.state() == State::Open && !here.session.has_gap() && here.got == there.sent
        })
    }
}

/// One run of about `messages` messages; panics with the seed when a promise is broken.
pub fn run(seed: u64, messages: u64) -> Mix {
    let mut world = World::new(seed);
    let says = 1 + world.rng.below(3);
    while world.ends[0].sent + world.ends[1].sent < messages {
        world.step(true, says);
    }
    let mut calm = 0;
    while !world.is_done() {
        calm += 1;
        assert!(
            calm < CALM_STEPS_MAX,
            "seed {seed}: of {} and {} sent, {} and {} came; {:?}",
            world.ends[0].sent,
            world.ends[1].sent,
            world.ends[1].got,
            world.ends[0].got,
            world.ends[0].setup,
        );
        world.step(false, 0);
    }
    for (here, there) in [(0, 1), (1, 0)] {
        let (here, there) = (&world.ends[here], &world.ends[there]);
        assert_eq!((here.disk.next_in, here.disk.next_out), (here.session.next_in(), here.session.next_out()));
        assert!(there.session.next_in() <= here.session.next_out(), "seed {seed}");
    }
    world.mix.sent = world.ends[0].sent + world.ends[1].sent;
    world.mix
}
