//! Our side of a session, as a terminal: what the application is told as lines, each waited for with a limit.
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use fafnir_driver::fix::{
    AcceptorSetup, FixAcceptor, FixApplication, FixHandle, FixInitiator, FixPort, HostOptions, SessionEntry, Taken,
};
use types::{Code, Fault};
use wire::fix::{Message, SessionSetup};

const WAIT: Duration = Duration::from_secs(240);

/// Hands on what it is told.
struct Ear(Sender<String>);

impl Ear {
    fn say(&self, text: String) {
        // The reader has gone with its test.
        let _ = self.0.send(text);
    }
}

fn shown(message: &Message<'_>) -> String {
    String::from_utf8_lossy(message.bytes()).replace('\u{1}', "|")
}

impl FixApplication for Ear {
    fn on_session(&mut self, session: u32, setup: &SessionSetup) {
        self.say(format!("session {session} {}", setup.begin.as_str()));
    }
    fn on_logon(&mut self, _port: &mut FixPort<'_>) {
        self.say("logon".into());
    }
    fn on_message(&mut self, message: &Message<'_>, _port: &mut FixPort<'_>) -> Taken {
        self.say(format!("app {}", shown(message)));
        Taken::Yes
    }
    fn on_admin(&mut self, _session: u32, message: &Message<'_>) {
        self.say(format!("admin {}", shown(message)));
    }
    fn on_logout(&mut self, _session: u32, why: Option<Code>, _text: &str) {
        self.say(format!("logout {why:?}"));
    }
    fn on_command(&mut self, ticket: u64, _session: u32, result: Result<u64, Code>) {
        self.say(format!("command {ticket} {result:?}"));
    }
    fn on_fault(&mut self, _session: Option<u32>, fault: &Fault) {
        self.say(format!("fault {fault:?}"));
    }
}

enum Host {
    Initiator(FixInitiator),
    Acceptor(FixAcceptor),
}

/// One session of ours and its host; closed with the value.
pub struct Ours {
    host: Host,
    pub handle: FixHandle,
    lines: Receiver<String>,
    said: Vec<String>,
    /// Lines before this one have been looked at.
    at: usize,
}

impl Ours {
    /// Connects to this port of this machine.
    pub fn initiate(mut entry: SessionEntry, port: u16) -> Ours {
        entry.addresses = vec![format!("127.0.0.1:{port}")];
        let (send, lines) = channel();
        let host = FixInitiator::start(vec![entry], HostOptions::default(), Box::new(Ear(send))).unwrap();
        let handle = host.handle();
        Ours { host: Host::Initiator(host), handle, lines, said: Vec::new(), at: 0 }
    }

    /// Listens on a free port, which it returns.
    pub fn accept(entry: SessionEntry) -> (Ours, u16) {
        let (send, lines) = channel();
        let setup = AcceptorSetup {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            sessions: vec![entry],
            admission: None,
            options: HostOptions::default(),
        };
        let host = FixAcceptor::start(setup, Box::new(Ear(send))).unwrap();
        let (handle, port) = (host.handle(), host.address().port());
        (Ours { host: Host::Acceptor(host), handle, lines, said: Vec::new(), at: 0 }, port)
    }

    /// Sends an application message, its fields as `tag=value|…`. While a connection is being ended it is refused, and
    /// tried again.
    pub fn send(&mut self, kind: &str, body: &str) {
        let until = Instant::now() + WAIT;
        let body = body.replace('|', "\u{1}");
        loop {
            let ticket = self.handle.send(0, kind.as_bytes(), b"", body.as_bytes()).unwrap();
            let answer = self.find(&[&format!("command {ticket} ")], self.at);
            if self.said[answer].contains(" Ok") {
                return;
            }
            assert!(Instant::now() < until, "{}", self.said[answer]);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for a line that holds all of these, from one that is known on; its place.
    fn find(&mut self, parts: &[&str], mut at: usize) -> usize {
        let until = Instant::now() + WAIT;
        loop {
            while let Some(line) = self.said.get(at) {
                if parts.iter().all(|part| line.contains(part)) {
                    return at;
                }
                at += 1;
            }
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => self.said.push(line),
                Err(RecvTimeoutError::Timeout) => panic!("no {parts:?} in\n{}", self.said.join("\n")),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended before {parts:?}\n{}", self.said.join("\n")),
            }
        }
    }

    /// Waits for a line that holds all of these, and returns it; those before it are passed over.
    pub fn expect(&mut self, parts: &[&str]) -> String {
        let found = self.find(parts, self.at);
        self.at = found + 1;
        self.said[found].clone()
    }

    /// All application messages it was given so far.
    pub fn applications(&mut self) -> Vec<&str> {
        self.said.extend(self.lines.try_iter());
        self.said.iter().filter_map(|line| line.strip_prefix("app ")).collect()
    }

    pub fn close(mut self) {
        match &mut self.host {
            Host::Initiator(host) => host.close(),
            Host::Acceptor(host) => host.close(),
        }
        .unwrap();
    }
}
