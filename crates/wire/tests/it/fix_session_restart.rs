//! A FIX session begins at 1 again while it is open, and a resend waits for room: scripts in both roles and all
//! versions that have it, and two sessions of ours against each other.
use crate::script;

use fafnir_wire::fix::{BeginString, Inbox, Message, Outgoing, Role, Session, SessionSetup, Verdict};
use script::{Kept, START, Script, open, open_from, setup};
use types::rng::SplitMix64;
use types::{Nanos, UnixNanos};

/// Scripts of FIX.4.1 and later; `VER` is what FIXT.1.1 adds to a logon.
fn restarts(name: &str, change: impl Fn(&mut SessionSetup), lines: &str) {
    for begin in BeginString::ALL.into_iter().filter(|&begin| begin >= BeginString::Fix41) {
        for role in [Role::Initiator, Role::Acceptor] {
            let mut setup = setup(begin, role);
            change(&mut setup);
            let mut script = Script::new(name, setup);
            script.open();
            let version = if begin == BeginString::Fixt11 { "1137=9" } else { "" };
            let all = if begin < BeginString::Fix42 { "999999" } else { "0" };
            script.run(&lines.replace("VER", version).replace("ALL", all));
        }
    }
}

const ASKED: &str = "in D 11=1\nsend D 11=x\nout D 11=x\nrestart\nout 1 112=RESET\nin 0 112=RESET\nhandled\nours 1\n\
     out A 98=0 108=10 141=Y VER\nstored 1 2\n";

#[test]
fn both_sides_of_an_open_session_begin_at_one() {
    restarts(
        "asked for and answered",
        |_| {},
        &format!(
            "{ASKED}theirs 1\nin A 98=0 108=10 141=Y VER\nrestarted\nnone\nnumbers 2 2\nstored 2 2
        in D 11=2\ndeliver\nsend D 11=y\nout D 11=y\nnumbers 3 3"
        ),
    );
    restarts(
        "what the peer sent before its answer is taken",
        |_| {},
        &format!(
            "{ASKED}in D 11=2\ndeliver\nstored 1 2\nsend D 11=y\nout D 11=y\nin D 11=3\ndeliver\nnumbers 6 3
        theirs 1\nin A 98=0 108=10 141=Y VER\nrestarted\nnumbers 2 3\nin 2 7=2 16=ALL\nout D 34=2 43=Y 122=0 11=y"
        ),
    );
    restarts(
        "wished by both at once",
        |_| {},
        &format!("{ASKED}theirs 1\nin A 98=0 108=10 141=Y VER\nrestarted\nnone\nin 1 112=T\nout 0 112=T\nnumbers 3 3"),
    );
    restarts(
        "the peer is the first to ask",
        |_| {},
        "restart\nout 1 112=RESET\nours 1\ntheirs 1\nin A 98=0 108=10 141=Y VER\nrestarted\n\
            out A 98=0 108=10 141=Y VER\nnumbers 2 2\nin 0 112=RESET\nhandled\nnone\nwait 9999\nnone\nwait 1\nout 0",
    );
    restarts(
        "a peer that asks again after a test is answered again",
        |_| {},
        "in 1 112=RESET\nout 0 112=RESET\nours 1\ntheirs 1\nin A 98=0 108=10 141=Y VER\nrestarted\n\
            out A 98=0 108=10 141=Y VER\nin 1 112=RESET\nout 0 112=RESET\nours 1\ntheirs 1
        in A 98=0 108=10 141=Y VER\nrestarted\nout A 98=0 108=10 141=Y VER\nnumbers 2 2",
    );
    restarts(
        "ours soon after the peer's",
        |_| {},
        "ours 1\ntheirs 1\nin A 98=0 108=10 141=Y VER\nrestarted\nout A 98=0 108=10 141=Y VER\nrestart
        out 1 112=RESET\nin 0 112=RESET\nours 1\nout A 98=0 108=10 141=Y VER\ntheirs 1
        in A 98=0 108=10 141=Y VER\nrestarted\nnone\nnumbers 2 2",
    );
    restarts("twice is once", |_| {}, "restart\nout 1 112=RESET\nrestart\nnone");
    restarts("another heartbeat is no answer", |_| {}, "restart\nout 1 112=RESET\nin 0\nin 0 112=TEST\nhandled\nnone");
}

#[test]
fn a_gap_is_closed_before() {
    restarts(
        "one of ours",
        |_| {},
        "restart\nout 1 112=RESET\nin D 34=3 11=b\nout 2 7=2 16=ALL\nin 0 34=4 112=RESET\nnone
        in D 34=2 43=Y 122=0 11=a\ndeliver\nqueued D 3\ndeliver\nours 1\nqueued 0 4\nhandled\n\
            out A 98=0 108=10 141=Y VER\nnumbers 5 2",
    );
    restarts(
        "the answer is in order, what comes after it is not",
        |_| {},
        "restart\nout 1 112=RESET\nin D 34=4 11=b\nout 2 7=2 16=ALL\nin 0 34=2 43=Y 122=0 112=RESET\nnone
        in D 34=3 43=Y 122=0 11=a\ndeliver\nours 1\nqueued D 4\ndeliver\nout A 98=0 108=10 141=Y VER\nnumbers 5 2",
    );
}

#[test]
fn a_peer_that_does_not_answer_is_given_up() {
    let slow = |setup: &mut SessionSetup| setup.logon_wait = Nanos::from_millis(3_000);
    restarts("the test", slow, "restart\nout 1 112=RESET\nwait 2999\nnone\nwait 1\nend FixLogon");
    restarts("the logon", slow, &format!("{ASKED}wait 2999\nnone\nwait 1\nend FixLogon"));
    for begin in BeginString::ALL.into_iter().filter(|&begin| begin >= BeginString::Fix41) {
        let version = if begin == BeginString::Fixt11 { "1137=9" } else { "" };
        for (role, next) in [
            // Its next logon says it again; the peer may or may not have taken the first.
            (
                Role::Initiator,
                "ours 1\ntheirs 1\nconnect\nout A 98=0 108=10 141=Y VER\nin A 98=0 108=10 141=Y VER\non\nnumbers 2 2",
            ),
            (Role::Acceptor, "ours 1\nconnect\nin A 98=0 108=10 VER\non\nout A 98=0 108=10 141=Y VER\nnumbers 2 2"),
        ] {
            let mut script = Script::new("the connection goes meanwhile", setup(begin, role));
            script.open();
            script.run(&ASKED.replace("VER", version));
            script.run(&format!("drop\n{next}").replace("VER", version));
        }
    }
    open_from(BeginString::Fix40, "not while it is closed", |_| {}, "in 5\nout 5\ndrop\nrestart FixNotOpen\nnone");
    for role in [Role::Initiator, Role::Acceptor] {
        let mut script = Script::new("FIX.4.0 has no flag", setup(BeginString::Fix40, role));
        script.open();
        script.run("restart FixUnsupported\nnone");
    }
}

#[test]
fn a_resend_waits_for_room() {
    let kept = "send D 11=a\nout D 11=a\nsend D 11=b\nout D 11=b\nin 1 112=T\nout 0 112=T\nsend D 11=c\nout D 11=c\n";
    open(
        "in parts",
        &format!(
            "{kept}room 1\nin 2 7=1 16=ALL\nhandled\nout 4 34=1 43=Y 122=0 36=2 123=Y\nout D 34=2 43=Y 122=0 11=a
        none\nsend D 11=d\nout D 11=d\ngo on\nout D 34=3 43=Y 122=0 11=b\nnone\nroom 9\ngo on
        out 4 34=4 43=Y 122=0 36=5 123=Y\nout D 34=5 43=Y 122=0 11=c\nnone\ngo on\nnone"
        ),
    );
    open(
        "asked again meanwhile: all of it, once",
        &format!(
            "{kept}room 1\nin 2 7=2 16=3\nout D 34=2 43=Y 122=0 11=a\nroom 9\nin 2 7=5 16=5
        out D 34=3 43=Y 122=0 11=b\nout 4 34=4 43=Y 122=0 36=5 123=Y\nout D 34=5 43=Y 122=0 11=c\ngo on\nnone"
        ),
    );
    open(
        "gone with the connection",
        &format!("{kept}room 1\nin 2 7=2 16=ALL\nout D 34=2 43=Y 122=0 11=a\ndrop\nroom 9\ngo on\nnone"),
    );
}

/// One side of two, driven by hand.
struct Side {
    session: Session,
    kept: Kept,
    wire: Vec<u8>,
    got: Vec<String>,
    restarts: u32,
}

impl Side {
    fn new(begin: BeginString, role: Role) -> Side {
        let session = Session::new(setup(begin, role)).unwrap();
        let kept = Kept { numbers: (1, 1), ..Kept::default() };
        Side { session, kept, wire: Vec::new(), got: Vec::new(), restarts: 0 }
    }
    fn send(&mut self, id: &str, now: UnixNanos) {
        let body = format!("11={id}\x01");
        let order = Outgoing { kind: b"D", header: b"", body: body.as_bytes() };
        self.session.send(&order, now, &mut self.kept, &mut self.wire).unwrap();
    }
    /// Takes at most so many bytes of what the other has sent.
    fn hear(&mut self, from: &mut Vec<u8>, most: usize, inbox: &mut Inbox, now: UnixNanos) {
        let taken: Vec<u8> = from.drain(..most.min(from.len())).collect();
        let mut rest = &taken[..];
        loop {
            let step = inbox.next(rest).unwrap();
            rest = &rest[step.consumed..];
            let Some(message) = step.message else { return };
            let message = Message::parse(message).unwrap();
            match self.session.on_message(&message, now, &mut self.kept, &mut self.wire) {
                Verdict::Deliver => self.got.push(String::from_utf8(message.get(11).unwrap().to_vec()).unwrap()),
                Verdict::Restarted => self.restarts += 1,
                Verdict::Ended(code) => panic!("{code:?}"),
                _ => {}
            }
            self.session.settle(&mut self.kept);
        }
    }
}

#[test]
fn two_sessions_that_begin_anew_lose_nothing() {
    for (round, begin) in (0..60).flat_map(|round| BeginString::ALL[1..].iter().map(move |&begin| (round, begin))) {
        let seed = 77 + round;
        let mut rng = SplitMix64::new(seed);
        let (mut one, mut two) = (Side::new(begin, Role::Initiator), Side::new(begin, Role::Acceptor));
        let (mut to_one, mut to_two) = (Inbox::new(), Inbox::new());
        one.session.connected(START, &mut one.kept, &mut one.wire);
        two.session.connected(START, &mut two.kept, &mut two.wire);
        let (mut sent, mut wished) = (0, 0);
        for step in 0..400 {
            let now = START.plus(Nanos(step * 1_000_000));
            let both_open = one.session.is_open() && two.session.is_open();
            if both_open && step < 300 {
                sent += 1;
                one.send(&sent.to_string(), now);
                two.send(&sent.to_string(), now);
                // Now and then one side, or both at about the same time, wishes to begin anew.
                if rng.below(40) == 0 {
                    wished += 1;
                    one.session.restart(now, &mut one.kept, &mut one.wire).unwrap();
                }
                if rng.below(40) == 0 {
                    wished += 1;
                    two.session.restart(now, &mut two.kept, &mut two.wire).unwrap();
                }
            }
            let (a, b) = (rng.below(900) as usize, rng.below(900) as usize);
            let most = |bytes| if step < 350 { bytes } else { usize::MAX };
            one.hear(&mut two.wire, most(a), &mut to_one, now);
            two.hear(&mut one.wire, most(b), &mut to_two, now);
        }
        let all: Vec<String> = (1..=sent).map(|id| id.to_string()).collect();
        assert!(one.got == all && two.got == all, "seed {seed} {begin:?}: {} and {}", one.got.len(), two.got.len());
        assert!(one.restarts > 0 || wished == 0, "seed {seed} {begin:?}");
        assert_eq!((one.session.next_in(), two.session.next_in()), (two.session.next_out(), one.session.next_out()));
    }
}
