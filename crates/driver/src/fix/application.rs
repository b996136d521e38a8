//! # Room card: driver/fix/application
//! In:    what happens in a host's sessions, in order.
//! Out:   `FixApplication`, which is told of it on the host's thread and answers there.
//! Holds: a session's events come in its order: logged on, messages in the order of their numbers, logged out; no
//!        method is called from another thread.
//! Costs: the application's own; what takes long holds up every session of the host.
use std::net::SocketAddr;

use types::{Code, Fault, UnixNanos};
use wire::fix::{BusinessReason, Message, SessionSetup};

use super::port::FixPort;

/// What an application makes of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// It was applied, or handed to somebody who will: its number counts as received.
    Yes,
    /// It is refused: BusinessMessageReject (35=j) from FIX.4.2, Reject (35=3) before; the reason, and the tag it is
    /// about or 0.
    Refused(BusinessReason, u32),
}

/// What an application makes of a peer's Logon.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogonAnswer {
    /// It may log on. Further fields of our Logon's body, `tag=value` each with its separator, tags ascending; or none.
    Accept(Vec<u8>),
    /// A Logout refuses it, with this Text (58).
    Refuse(String),
    /// The connection is closed without a word.
    Close,
}

/// A peer's Logon the application is asked about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogonQuestion {
    /// The session it named.
    pub session: u32,
    /// Number of the question, for `FixHandle::answer_logon`.
    pub ask: u64,
    /// When it came.
    pub now: UnixNanos,
    /// Where it comes from.
    pub peer: SocketAddr,
}

/// Are the further fields of a Logon there?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Drafted {
    /// It is sent now.
    Now,
    /// `FixHandle::log_on` says them; until then the connection waits, for `SessionSetup::logon_wait` at most.
    Later,
}

/// A Logon that is about to be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogonDraft<'a> {
    /// Whose it is.
    pub session: u32,
    /// Number of the question, for `FixHandle::log_on`.
    pub ask: u64,
    /// MsgType, SenderCompID, TargetCompID, MsgSeqNum and SendingTime of it with separators between: what a venue such
    /// as Binance has signed in RawData (96).
    pub signing_text: &'a [u8],
}

/// What uses FIX sessions. All methods but `on_message` may be left as they are.
pub trait FixApplication: Send {
    /// A session got its number: at the start in the order of the setup, or when a template let a new one in.
    fn on_session(&mut self, session: u32, setup: &SessionSetup) {
        let _ = (session, setup);
    }
    /// Acceptor: may this peer log on? Asked of a Logon that is valid in itself. `None`: `FixHandle::answer_logon` says
    /// it later, by its number; until then the connection waits, for `SessionSetup::logon_wait` at most, and nobody
    /// else does.
    fn on_logon_asked(&mut self, question: &LogonQuestion, logon: &Message<'_>) -> Option<LogonAnswer> {
        let _ = (question, logon);
        Some(LogonAnswer::Accept(Vec::new()))
    }
    /// Initiator: a Logon is about to be sent. `fields` are further fields of its body, `tag=value` each with its
    /// separator, tags ascending; they begin as the setup's. Asked again where a message took its number meanwhile.
    fn to_logon(&mut self, draft: &LogonDraft<'_>, fields: &mut Vec<u8>) -> Drafted {
        let _ = (draft, fields);
        Drafted::Now
    }
    /// The session is open.
    fn on_logon(&mut self, port: &mut FixPort<'_>) {
        let _ = port;
    }
    /// An application message, or a Reject (35=3) of the peer, in order.
    fn on_message(&mut self, message: &Message<'_>, port: &mut FixPort<'_>) -> Taken;
    /// An administrative message of the peer, after the session has dealt with it.
    fn on_admin(&mut self, session: u32, message: &Message<'_>) {
        let _ = (session, message);
    }
    /// Both sides of the open session have begun at 1 again, by the peer's wish or ours.
    fn on_restart(&mut self, session: u32) {
        let _ = session;
    }
    /// The session is over until the next logon; `None`: in order, by a Logout of either side. `text` is what the
    /// peer's Logout says (58), or empty.
    fn on_logout(&mut self, session: u32, why: Option<Code>, text: &str) {
        let _ = (session, why, text);
    }
    /// A command of another thread was carried out (the number its message got, 0 for what is no message), or could
    /// not be.
    fn on_command(&mut self, ticket: u64, session: u32, result: Result<u64, Code>) {
        let _ = (ticket, session, result);
    }
    /// Something went wrong that a person should know: a store, a connection, the log. `None`: not of one session.
    fn on_fault(&mut self, session: Option<u32>, fault: &Fault) {
        let _ = (session, fault);
    }
    /// A turn of the host is over and something happened in it: hand on what was gathered.
    fn on_turn_end(&mut self) {}
}
