//! Logons that the application decides on or signs, at once and later; sessions that begin at 1 while they are open.
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use fafnir_driver::fix::{
    AcceptorSetup, Drafted, FixAcceptor, FixApplication, FixInitiator, FixPort, HostOptions, LogonAnswer, LogonDraft,
    LogonQuestion, SessionEntry, Taken,
};
use types::{Code, Fault, Nanos, UnixNanos};
use wire::fix::{BeginString, Message, Role, SessionSetup};

use crate::fix_support::*;
use crate::{order, trade};

type Judge = Box<dyn Fn(&str) -> Option<LogonAnswer> + Send>;

/// Decides on Logons by their password, and puts off the signing of its own.
struct Doorman {
    teller: Box<Teller>,
    /// Session, number of the question, and what it is about.
    asks: Sender<(u32, u64, String)>,
    judge: Judge,
}

impl FixApplication for Doorman {
    fn on_session(&mut self, session: u32, setup: &SessionSetup) {
        self.teller.on_session(session, setup);
    }
    fn on_logon_asked(&mut self, question: &LogonQuestion, logon: &Message<'_>) -> Option<LogonAnswer> {
        assert!(question.peer.ip().is_loopback() && question.now > UnixNanos(0));
        let password = String::from_utf8_lossy(logon.get(554).unwrap_or_default()).into_owned();
        let answer = (self.judge)(&password);
        let _ = self.asks.send((question.session, question.ask, password));
        answer
    }
    fn to_logon(&mut self, draft: &LogonDraft<'_>, _fields: &mut Vec<u8>) -> Drafted {
        let text = String::from_utf8_lossy(draft.signing_text).replace('\x01', "|");
        let _ = self.asks.send((draft.session, draft.ask, text));
        Drafted::Later
    }
    fn on_logon(&mut self, port: &mut FixPort<'_>) {
        self.teller.on_logon(port);
    }
    fn on_message(&mut self, message: &Message<'_>, port: &mut FixPort<'_>) -> Taken {
        self.teller.on_message(message, port)
    }
    fn on_logout(&mut self, session: u32, why: Option<Code>, text: &str) {
        self.teller.on_logout(session, why, text);
    }
    fn on_fault(&mut self, session: Option<u32>, fault: &Fault) {
        self.teller.on_fault(session, fault);
    }
}

fn doorman(judge: Judge) -> (Box<Doorman>, Receiver<(u32, u64, String)>, Story) {
    let ((teller, story), (asks, asked)) = (Story::new(true), channel());
    (Box::new(Doorman { teller, asks, judge }), asked, story)
}

fn guarded(judge: Judge) -> (FixAcceptor, Receiver<(u32, u64, String)>, Story) {
    let (doorman, asked, story) = doorman(judge);
    let mut sessions = vec![
        entry(Role::Acceptor, BeginString::Fix44, "ACCEPTOR", "PEER"),
        entry(Role::Acceptor, BeginString::Fix44, "ACCEPTOR", "OTHER"),
    ];
    sessions[0].setup.logon_wait = Nanos::from_millis(1_500);
    let setup =
        AcceptorSetup { listen: any_port(), tls: None, sessions, admission: None, options: HostOptions::default() };
    (FixAcceptor::start(setup, doorman).unwrap(), asked, story)
}

fn log_on_with(to: &FixAcceptor, sender: &str, sequence: u64, password: &str) -> ByHand {
    let mut peer = ByHand::connect(to.address(), sender);
    peer.sequence = sequence;
    peer.send("A", &format!("98=0|108=30|553=me|554={password}|"));
    peer
}

#[test]
fn the_application_lets_in_refuses_and_closes() {
    let (accepting, asked, mut story) = guarded(Box::new(|password| {
        Some(match password {
            "good" => LogonAnswer::Accept(b"58=welcome\x01".to_vec()),
            "rude" => LogonAnswer::Close,
            _ => LogonAnswer::Refuse("bad password".into()),
        })
    }));
    let mut bad = log_on_with(&accepting, "PEER", 1, "wrong");
    let farewell = bad.read().unwrap();
    assert_eq!((kind_of(&farewell), field(&farewell, "58")), ("5", Some("bad password")));
    assert_eq!(bad.read(), None);
    assert_eq!(log_on_with(&accepting, "PEER", 1, "rude").read(), None);
    // What is no valid Logon is closed, and nobody is asked.
    let mut invalid = ByHand::connect(accepting.address(), "PEER");
    invalid.send("A", "98=0|108=x|554=good|");
    assert_eq!(invalid.read(), None);
    let mut good = log_on_with(&accepting, "PEER", 1, "good");
    let answer = good.read().unwrap();
    assert_eq!((kind_of(&answer), field(&answer, "58"), field(&answer, "34")), ("A", Some("welcome"), Some("2")));
    assert_eq!(story.logon(), 0);
    assert_eq!(asked.try_iter().map(|ask| ask.2).collect::<Vec<_>>(), ["wrong", "rude", "good"]);
    assert!(!story.so_far.iter().any(|told| matches!(told, Told::Logout(..))), "nobody was there before");
}

#[test]
fn an_answer_that_takes_its_time_holds_up_nobody() {
    let (accepting, asked, mut story) =
        guarded(Box::new(|password| (password == "now").then(|| LogonAnswer::Accept(Vec::new()))));
    let mut waiting = log_on_with(&accepting, "PEER", 1, "later");
    // What comes behind the Logon waits with it.
    waiting.send("D", "11=early|55=X|");
    let (session, ask, _) = asked.recv_timeout(PATIENCE).unwrap();
    let mut other = log_on_with(&accepting, "OTHER", 1, "now");
    assert_eq!(other.read().as_deref().map(kind_of), Some("A"));
    other.send("1", "112=meanwhile|");
    assert_eq!(field(&other.read().unwrap(), "112"), Some("meanwhile"));
    let handle = accepting.handle();
    // An answer to another question is none.
    handle.answer_logon(session, ask + 1_000, &LogonAnswer::Close).unwrap();
    handle.answer_logon(session, ask, &LogonAnswer::Accept(Vec::new())).unwrap();
    assert_eq!(waiting.read().as_deref().map(kind_of), Some("A"));
    assert_eq!(field(&waiting.read().unwrap(), "11"), Some("early"));
    story.until("the early order", |told| matches!(told, Told::Message(0, _, id, _) if id == "early"));
    waiting.send("5", "");
    assert_eq!(waiting.read().as_deref().map(kind_of), Some("5"));
    assert_eq!(waiting.read(), None);
    // The same, refused.
    let mut refused = log_on_with(&accepting, "PEER", 4, "later");
    let (session, ask, _) = asked.iter().find(|ask| ask.2 == "later").unwrap();
    handle.answer_logon(session, ask, &LogonAnswer::Refuse("not today".into())).unwrap();
    assert_eq!(field(&refused.read().unwrap(), "58"), Some("not today"));
    assert_eq!(refused.read(), None);
    // And not answered at all.
    let begun = Instant::now();
    let mut forgotten = log_on_with(&accepting, "PEER", 5, "later");
    assert_eq!(forgotten.read(), None);
    assert!(begun.elapsed() >= Duration::from_millis(1_500));
    story.until("its end", |told| *told == Told::Fault(Some(0), Code::FixLogon));
}

#[test]
fn a_logon_signed_later_has_the_number_and_the_time_that_were_signed() {
    let (accepting, logons, mut served) = guarded(Box::new(|_| Some(LogonAnswer::Accept(Vec::new()))));
    let (doorman, asked, mut story) = doorman(Box::new(|_| None));
    let theirs = SessionEntry {
        addresses: vec![accepting.address().to_string()],
        ..entry(Role::Initiator, BeginString::Fix44, "PEER", "ACCEPTOR")
    };
    let initiating = FixInitiator::start(vec![theirs], HostOptions::default(), doorman).unwrap();
    let handle = initiating.handle();
    let (session, ask, text) = asked.recv_timeout(PATIENCE).unwrap();
    assert!(text.starts_with("A|PEER|ACCEPTOR|1|"), "{text}");
    // A message takes the number meanwhile: what was signed is of no use, and is asked again.
    handle.send(0, b"D", b"", &order(1)).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    handle.log_on(session, ask, b"554=old\x01").unwrap();
    let (session, ask, text) = asked.recv_timeout(PATIENCE).unwrap();
    assert!(text.starts_with("A|PEER|ACCEPTOR|2|"), "{text}");
    std::thread::sleep(Duration::from_millis(50));
    let password = text.replace('|', "/");
    handle.log_on(session, ask, format!("553=key\x01554={password}\x01").as_bytes()).unwrap();
    story.logon();
    let (_, _, came) = logons.recv_timeout(PATIENCE).unwrap();
    assert_eq!(came, password);
    trade(&handle, &mut story, 0, 2..20);
    served.logon();
    let at = password.rsplit('/').next().unwrap().to_string();
    // Fields that are none end the connection, and it is tried again.
    handle.logout(0, "").unwrap();
    story.until("the end", |told| matches!(told, Told::Logout(0, _)));
    handle.logon(0).unwrap();
    let (session, ask, text) = asked.recv_timeout(PATIENCE).unwrap();
    assert!(!text.ends_with(&at), "another time");
    handle.log_on(session, ask, b"no field").unwrap();
    story.until("a fault", |told| *told == Told::Fault(Some(0), Code::FixFieldInvalid));
    // So does giving up.
    let (session, ask, _) = asked.recv_timeout(PATIENCE).unwrap();
    handle.answer_logon(session, ask, &LogonAnswer::Close).unwrap();
    story.until("a fault", |told| *told == Told::Fault(Some(0), Code::FixLogon));
    let (session, ask, _) = asked.recv_timeout(PATIENCE).unwrap();
    handle.log_on(session, ask, b"").unwrap();
    story.logon();
}

#[test]
fn an_open_session_begins_at_one_by_the_wish_of_either_side() {
    let (accepting, mut served) = acceptor(vec![entry(Role::Acceptor, BeginString::Fix44, "ACCEPTOR", "PEER")]);
    let theirs = SessionEntry {
        addresses: vec![accepting.address().to_string()],
        ..entry(Role::Initiator, BeginString::Fix44, "PEER", "ACCEPTOR")
    };
    let (initiating, mut story) = initiator(vec![theirs]);
    let (ours, theirs) = (accepting.handle(), initiating.handle());
    let ticket = theirs.restart(0).unwrap();
    story.logon();
    served.logon();
    assert!(!story.so_far.contains(&Told::Command(ticket, 0, Ok(0))), "not before it is open");
    let (mut id, mut restarts) = (1, 0);
    for asks in [&theirs, &ours, &theirs, &theirs, &ours] {
        trade(&theirs, &mut story, 0, id..id + 20);
        id += 20;
        asks.restart(0).unwrap();
        restarts += 1;
        // What is sent meanwhile comes, once.
        trade(&theirs, &mut story, 0, id..id + 20);
        id += 20;
        let is_restart = |told: &Told| *told == Told::Restart(0);
        while story.so_far.iter().filter(|told| is_restart(told)).count() < restarts {
            story.until("a new beginning", is_restart);
        }
        while served.so_far.iter().filter(|told| is_restart(told)).count() < restarts {
            served.until("a new beginning on the other side", is_restart);
        }
        let ticket = theirs.send(0, b"D", b"", &order(id)).unwrap();
        let told = story.until("a number", |told| matches!(told, Told::Command(n, ..) if *n == ticket));
        assert!(matches!(told, Told::Command(_, 0, Ok(number)) if number < 30), "{told:?}");
        id += 1;
    }
    let twice = served.so_far.iter().filter(|told| matches!(told, Told::Message(..))).count();
    assert_eq!(twice as u64, id - 1 - served_rest(&mut served, id - 1), "each once");
    theirs.logout(0, "").unwrap();
    story.until("the end", |told| *told == Told::Logout(0, None));
    let ticket = theirs.restart(0).unwrap();
    story.until("a refusal", |told| *told == Told::Command(ticket, 0, Err(Code::FixNotOpen)));
}

/// Messages of `all` that have not been seen yet, waited for.
fn served_rest(served: &mut Story, all: u64) -> u64 {
    let is_message = |told: &Told| matches!(told, Told::Message(..));
    let seen = served.so_far.iter().filter(|told| is_message(told)).count() as u64;
    for _ in seen..all {
        served.until("the rest", is_message);
    }
    all - seen
}
