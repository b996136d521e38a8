//! # Room card: driver/tests/fix_support
//! In:    hosts of FIX sessions in this process, and plain sockets.
//! Out:   what their applications were told, in order; messages by hand.
//! Holds: nothing waits longer than `PATIENCE`.
//! Costs: a thread a host.
#![allow(dead_code, reason = "each test uses a part")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant, SystemTime};

use fafnir_driver::fix::{
    AcceptorSetup, FixAcceptor, FixApplication, FixInitiator, FixPort, HostOptions, SessionEntry, Taken,
};
use types::{Code, Fault, Nanos};
use wire::fix::{BeginString, BusinessReason, Message, Outgoing, Role, SessionSetup};

pub const PATIENCE: Duration = Duration::from_secs(60);

/// What an application was told.
#[derive(Clone, PartialEq, Debug)]
pub enum Told {
    Session(u32, String),
    Logon(u32),
    Restart(u32),
    /// Session, type, ClOrdID (11), PossDup.
    Message(u32, String, String, bool),
    Admin(u32, String),
    Logout(u32, Option<Code>),
    Command(u64, u32, Result<u64, Code>),
    Fault(Option<u32>, Code),
}

/// Tells a channel; sends orders back, marked as possible resends where they came as possible duplicates.
pub struct Teller {
    pub to: Sender<Told>,
    pub echoes: bool,
    pub panics: bool,
}

impl FixApplication for Teller {
    fn on_session(&mut self, session: u32, setup: &SessionSetup) {
        let _ = self.to.send(Told::Session(session, String::from_utf8_lossy(&setup.target).into()));
    }
    fn on_logon(&mut self, port: &mut FixPort<'_>) {
        let _ = self.to.send(Told::Logon(port.session()));
    }
    fn on_message(&mut self, message: &Message<'_>, port: &mut FixPort<'_>) -> Taken {
        assert!(!self.panics, "a panic on purpose");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (kind, id) = (text(message.msg_type()), message.get(11).map(text).unwrap_or_default());
        let _ = self.to.send(Told::Message(port.session(), kind, id, message.poss_dup()));
        if !self.echoes || message.msg_type() == b"3" {
            return Taken::Yes;
        }
        if message.msg_type() == b"8" {
            return Taken::Refused(BusinessReason::UnsupportedType, 0);
        }
        let header: &[u8] = if message.poss_dup() { b"97=Y\x01" } else { b"" };
        // A peer that is behind asks for what it has not got.
        let _ = port.send(&Outgoing { kind: message.msg_type(), header, body: message.body() });
        Taken::Yes
    }
    fn on_admin(&mut self, session: u32, message: &Message<'_>) {
        let _ = self.to.send(Told::Admin(session, String::from_utf8_lossy(message.msg_type()).into()));
    }
    fn on_restart(&mut self, session: u32) {
        let _ = self.to.send(Told::Restart(session));
    }
    fn on_logout(&mut self, session: u32, why: Option<Code>, _text: &str) {
        let _ = self.to.send(Told::Logout(session, why));
    }
    fn on_command(&mut self, ticket: u64, session: u32, result: Result<u64, Code>) {
        let _ = self.to.send(Told::Command(ticket, session, result));
    }
    fn on_fault(&mut self, session: Option<u32>, fault: &Fault) {
        let _ = self.to.send(Told::Fault(session, fault.code));
    }
}

/// What came so far, and what comes.
pub struct Story {
    from: Receiver<Told>,
    pub so_far: Vec<Told>,
}

impl Story {
    pub fn new(echoes: bool) -> (Box<Teller>, Story) {
        let (to, from) = channel();
        (Box::new(Teller { to, echoes, panics: false }), Story { from, so_far: Vec::new() })
    }
    /// Waits for the next of these.
    #[track_caller]
    pub fn until(&mut self, what: &str, mut wanted: impl FnMut(&Told) -> bool) -> Told {
        let end = Instant::now() + PATIENCE;
        while let Ok(told) = self.from.recv_timeout(end.saturating_duration_since(Instant::now())) {
            self.so_far.push(told.clone());
            if wanted(&told) {
                return told;
            }
        }
        let last = &self.so_far[self.so_far.len().saturating_sub(20)..];
        panic!("never told: {what}; the last of {}: {last:?}", self.so_far.len());
    }
    #[track_caller]
    pub fn logon(&mut self) -> u32 {
        match self.until("a logon", |told| matches!(told, Told::Logon(_))) {
            Told::Logon(session) => session,
            _ => unreachable!(),
        }
    }
    /// Takes what has come without waiting.
    pub fn look(&mut self) -> &[Told] {
        self.so_far.extend(self.from.try_iter());
        &self.so_far
    }
}

pub fn entry(role: Role, begin: BeginString, sender: &str, target: &str) -> SessionEntry {
    let mut setup = SessionSetup::full(begin, role, sender.as_bytes(), target.as_bytes(), Nanos(30_000_000_000));
    setup.default_appl_ver = (begin == BeginString::Fixt11).then(|| b"9".to_vec());
    SessionEntry::new(setup)
}

pub fn acceptor_at(listen: SocketAddr, sessions: Vec<SessionEntry>) -> (FixAcceptor, Story) {
    let (teller, story) = Story::new(true);
    let options = HostOptions::default();
    let setup = AcceptorSetup { listen, tls: None, sessions, admission: None, options };
    (FixAcceptor::start(setup, teller).unwrap(), story)
}

pub fn acceptor(sessions: Vec<SessionEntry>) -> (FixAcceptor, Story) {
    acceptor_at(any_port(), sessions)
}

pub fn initiator(sessions: Vec<SessionEntry>) -> (FixInitiator, Story) {
    let (teller, story) = Story::new(false);
    (FixInitiator::start(sessions, HostOptions::default(), teller).unwrap(), story)
}

pub fn any_port() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// A port nobody listens on, for now.
pub fn free_port() -> SocketAddr {
    std::net::TcpListener::bind(any_port()).unwrap().local_addr().unwrap()
}

pub fn scratch(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("fafnir-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// A peer by hand: FIX.4.4, SenderCompID `sender`, TargetCompID ACCEPTOR.
pub struct ByHand {
    pub stream: TcpStream,
    sender: String,
    pub sequence: u64,
    rest: Vec<u8>,
}

/// Seconds since 1970 as SendingTime.
fn sending_time() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    jiff::Timestamp::from_second(now.as_secs() as i64).unwrap().strftime("%Y%m%d-%H:%M:%S").to_string()
}

pub fn framed(body: &str) -> Vec<u8> {
    let body = body.replace('|', "\x01");
    let mut message = format!("8=FIX.4.4\x019={}\x01{body}", body.len());
    let sum = message.bytes().fold(0u8, |sum, byte| sum.wrapping_add(byte));
    message.push_str(&format!("10={sum:03}\x01"));
    message.into_bytes()
}

impl ByHand {
    pub fn connect(to: SocketAddr, sender: &str) -> ByHand {
        let stream = TcpStream::connect(to).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        ByHand { stream, sender: sender.into(), sequence: 1, rest: Vec::new() }
    }
    /// A message with the next number; `|` separates fields.
    pub fn message(&mut self, kind: &str, fields: &str) -> Vec<u8> {
        let (sender, sequence) = (&self.sender, self.sequence);
        self.sequence += 1;
        framed(&format!("35={kind}|34={sequence}|49={sender}|52={}|56=ACCEPTOR|{fields}", sending_time()))
    }
    pub fn send(&mut self, kind: &str, fields: &str) {
        let message = self.message(kind, fields);
        self.stream.write_all(&message).unwrap();
    }
    pub fn log_on(&mut self) {
        self.send("A", "98=0|108=30|");
        assert_eq!(self.read().as_deref().map(|message| kind_of(message).to_string()).as_deref(), Some("A"));
    }
    /// The next message with `|` for separators; `None` at the end of the connection.
    pub fn read(&mut self) -> Option<String> {
        loop {
            let found = self.rest.windows(4).position(|bytes| bytes == b"\x0110=");
            if let Some(end) = found.map(|at| at + 8).filter(|&end| end <= self.rest.len()) {
                let message: Vec<u8> = self.rest.drain(..end).collect();
                return Some(String::from_utf8_lossy(&message).replace('\x01', "|"));
            }
            let mut bytes = [0; 65_536];
            match self.stream.read(&mut bytes) {
                Ok(0) => return None,
                Ok(count) => self.rest.extend_from_slice(&bytes[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// MsgType of a message as `read` gives it.
pub fn kind_of(message: &str) -> &str {
    field(message, "35").unwrap_or("")
}

/// A field of such a message.
pub fn field<'a>(message: &'a str, tag: &str) -> Option<&'a str> {
    message.split('|').find_map(|field| field.strip_prefix(tag)?.strip_prefix('='))
}
