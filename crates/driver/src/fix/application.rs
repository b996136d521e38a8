//! # Room card: driver/fix/application
//! In:    what happens in a host's sessions, in order.
//! Out:   `FixApplication`, which is told of it on the host's thread and answers there.
//! Holds: a session's events come in its order: logged on, messages in the order of their numbers, logged out; no
//!        method is called from another thread.
//! Costs: the application's own; what takes long holds up every session of the host.
use types::{Code, Fault};
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

/// What uses FIX sessions. All methods but `on_message` may be left as they are.
pub trait FixApplication: Send {
    /// A session got its number: at the start in the order of the setup, or when a template let a new one in.
    fn on_session(&mut self, session: u32, setup: &SessionSetup) {
        let _ = (session, setup);
    }
    /// Acceptor: may this peer log on? An error is the Text (58) of the Logout that refuses it.
    fn on_logon_asked(&mut self, session: u32, logon: &Message<'_>) -> Result<(), String> {
        let _ = (session, logon);
        Ok(())
    }
    /// A logon is about to be sent. `fields` are further fields of its body, `tag=value` each with its separator, tags
    /// ascending: a signature over `signing_text` (MsgType, SenderCompID, TargetCompID, MsgSeqNum and SendingTime with
    /// separators between, as Binance asks for), for instance. They begin as the setup's.
    fn to_logon(&mut self, session: u32, signing_text: &[u8], fields: &mut Vec<u8>) {
        let _ = (session, signing_text, fields);
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
    /// The session is over until the next logon; `None`: in order, by a Logout of either side.
    fn on_logout(&mut self, session: u32, why: Option<Code>) {
        let _ = (session, why);
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
