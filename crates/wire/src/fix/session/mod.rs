//! # Room card: wire/fix/session
//! In:    framed messages, the connection's coming and going, time; the numbers it had before.
//! Out:   logon, heartbeats, test requests, resends, gap fills, rejects, logout; which messages are to be applied.
//! Holds: an application message is let through once and in order, or was gap-filled by the peer; numbers only rise,
//!        but for a reset both sides agree to; one message kept nowhere: what a gap hides is asked for again.
//! Costs: a few comparisons an application message; no allocation after `new`.
//!
//! Rules, where FIX 4.4 leaves a choice:
//! - A message beyond a gap is dropped, and the peer asked once for everything from the gap on (7=first, 16=0). It is
//!   asked again when its answer itself has a gap, or has not closed it after a heartbeat interval.
//! - A resend is answered from the `Store`: its messages with 43=Y and 122, gap fills over everything else. An
//!   initiator gives `NoStore`, for an order that comes late is worse than one that is lost.
//! - A logon that is refused, not answered within `LOGON_WAIT`, or comes second, ends the session.
//! - The accuracy of SendingTime is not judged: an exchange that plays a recording has that day's time.
//! - CancelOnDisconnect is the user-defined 9001=Y of the logon, as Deribit has it.
mod admin;
mod incoming;
mod resend;
mod timers;

use types::{Code, Nanos, UnixNanos};

use super::{COMP_ID_BYTES_MAX, Header};

/// The largest sequence number; a message with a larger one is refused.
pub const SEQUENCE_MAX: u64 = 999_999_999_999_999_999;
/// A logon is answered, or comes, within this time.
pub const LOGON_WAIT: Nanos = Nanos(10_000_000_000);
/// A logout is answered within this time.
pub const LOGOUT_WAIT: Nanos = Nanos(2_000_000_000);

/// Who opens the session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Connects and logs on first.
    Initiator,
    /// Waits for the logon.
    Acceptor,
}

/// What a session is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionSetup {
    /// Who opens it.
    pub role: Role,
    /// SenderCompID (49): ours.
    pub sender: Vec<u8>,
    /// TargetCompID (56): the peer's.
    pub target: Vec<u8>,
    /// HeartBtInt (108), whole seconds; 0 turns heartbeats off. An acceptor takes the initiator's.
    pub heartbeat: Nanos,
    /// Initiator: asks for CancelOnDisconnect (9001=Y).
    pub cancel_on_disconnect: bool,
    /// Both sides begin at 1 with each logon (141=Y).
    pub reset_on_logon: bool,
    /// Initiator: Username (553).
    pub username: Option<Vec<u8>>,
    /// Initiator: Password (554).
    pub password: Option<Vec<u8>>,
}

impl SessionSetup {
    /// No reset, no name and password, no CancelOnDisconnect.
    pub fn new(role: Role, sender: &[u8], target: &[u8], heartbeat: Nanos) -> SessionSetup {
        SessionSetup {
            role,
            sender: sender.to_vec(),
            target: target.to_vec(),
            heartbeat,
            cancel_on_disconnect: false,
            reset_on_logon: false,
            username: None,
            password: None,
        }
    }
}

/// Where a session's messages go.
pub trait Out {
    /// One whole message.
    fn send(&mut self, bytes: &[u8]);
}

impl Out for Vec<u8> {
    fn send(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// The application messages a session has sent, for resends.
pub trait Store {
    /// The first kept message with a number of `from` or above: its number and its bytes as they were sent.
    fn next(&self, from: u64) -> Option<(u64, &[u8])>;
}

/// Keeps nothing: every resend is answered by a gap fill.
#[derive(Clone, Copy, Debug)]
pub struct NoStore;

impl Store for NoStore {
    fn next(&self, _from: u64) -> Option<(u64, &[u8])> {
        None
    }
}

/// What came of a message or of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// An application message, or a Reject (35=3), in order: apply it.
    Deliver,
    /// Nothing to apply.
    Handled,
    /// The session is open.
    LoggedOn,
    /// The session ended in order, by either side; close the connection when what was sent is out.
    LoggedOut,
    /// The session ended for this reason; close the connection when what was sent is out.
    Ended(Code),
}

/// Where a session is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// No connection.
    Down,
    /// Connected, not logged on.
    LoggingOn,
    /// Open.
    Open,
    /// Our logout is sent and not answered.
    LoggingOut,
    /// Over; the connection is to be closed.
    Ended,
}

/// Why a message of the peer is rejected (SessionRejectReason, 373).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum RejectReason {
    /// Bytes where a field should be.
    InvalidTag = 0,
    /// A required tag is missing.
    TagMissing = 1,
    /// A tag without a value.
    NoValue = 4,
    /// A value out of its range.
    ValueIncorrect = 5,
    /// A value that is not of its type.
    FormatIncorrect = 6,
    /// CompIDs are not those of this session.
    CompId = 9,
    /// SendingTime is before OrigSendingTime.
    SendingTime = 10,
    /// A message type this side does not have.
    MessageType = 11,
}

/// Messages that were dropped because one before them is missing, and the answer asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Gap {
    /// First number asked for.
    from: u64,
    /// Largest number seen.
    through: u64,
    asked: UnixNanos,
}

/// One FIX session, either side.
#[derive(Debug)]
pub struct Session {
    setup: SessionSetup,
    state: State,
    next_in: u64,
    next_out: u64,
    /// In force: the initiator's.
    heartbeat: Nanos,
    gap: Option<Gap>,
    /// When the connection came, or our logout went.
    since: UnixNanos,
    last_in: UnixNanos,
    last_out: UnixNanos,
    /// A test request is not answered.
    testing: bool,
    /// We asked for a reset with this logon.
    resetting: bool,
    /// When a reset of the open session was answered.
    reset_answered: UnixNanos,
    peer_cancels: bool,
}

impl Session {
    /// A session that begins with number 1 on both sides.
    /// Errors: `FixFieldInvalid` for a comp id that is empty, longer than `COMP_ID_BYTES_MAX` or not printable ASCII
    /// (name and password likewise), or a heartbeat that is no whole number of seconds.
    pub fn new(setup: SessionSetup) -> Result<Session, Code> {
        let good = |text: &[u8]| {
            (1..=COMP_ID_BYTES_MAX).contains(&text.len()) && text.iter().all(|byte| (0x20..0x7f).contains(byte))
        };
        let texts = [Some(&setup.sender), Some(&setup.target), setup.username.as_ref(), setup.password.as_ref()];
        let whole = setup.heartbeat.0 >= 0 && setup.heartbeat.0 % 1_000_000_000 == 0;
        if !whole || !texts.into_iter().flatten().all(|text| good(text)) {
            return Err(Code::FixFieldInvalid);
        }
        Ok(Session {
            heartbeat: setup.heartbeat,
            setup,
            state: State::Down,
            next_in: 1,
            next_out: 1,
            gap: None,
            since: UnixNanos::NONE,
            last_in: UnixNanos::NONE,
            last_out: UnixNanos::NONE,
            testing: false,
            resetting: false,
            reset_answered: UnixNanos::NONE,
            peer_cancels: false,
        })
    }

    /// Initiator: does the next logon begin with 1 on both sides (141=Y)? For a peer that has lost its numbers.
    pub fn set_reset_on_logon(&mut self, reset: bool) {
        self.setup.reset_on_logon = reset;
    }

    /// Goes on with numbers from a journal or store: the next expected and the next to be sent, at least 1.
    pub fn restore(&mut self, next_in: u64, next_out: u64) {
        (self.next_in, self.next_out) = (next_in.clamp(1, SEQUENCE_MAX), next_out.clamp(1, SEQUENCE_MAX));
    }

    /// The connection is there: an initiator logs on, an acceptor waits for the logon.
    pub fn connected(&mut self, now: UnixNanos, out: &mut dyn Out) {
        self.state = State::LoggingOn;
        (self.since, self.last_in, self.last_out) = (now, now, now);
        (self.gap, self.testing, self.resetting, self.peer_cancels) = (None, false, false, false);
        self.reset_answered = UnixNanos::NONE;
        self.heartbeat = self.setup.heartbeat;
        if self.setup.role == Role::Initiator {
            self.resetting = self.setup.reset_on_logon;
            if self.resetting {
                (self.next_in, self.next_out) = (1, 1);
            }
            self.send_logon(self.resetting, now, out);
        }
    }

    /// The connection is gone. The numbers stay.
    pub fn disconnected(&mut self) {
        self.state = State::Down;
        (self.gap, self.testing) = (None, false);
    }

    /// Begins the logout of an open session; messages still come until the peer answers. In any other state the
    /// session just ends: close the connection.
    pub fn logout(&mut self, now: UnixNanos, out: &mut dyn Out) -> Verdict {
        match self.state {
            State::Open => {
                self.send_logout(b"", now, out);
                (self.state, self.since) = (State::LoggingOut, now);
                Verdict::Handled
            }
            State::LoggingOut => Verdict::Handled,
            State::Down | State::LoggingOn | State::Ended => {
                self.state = State::Ended;
                Verdict::LoggedOut
            }
        }
    }

    /// Where it is.
    pub const fn state(&self) -> State {
        self.state
    }
    /// May application messages be sent?
    pub const fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }
    /// The number the next message of the peer must have.
    pub const fn next_in(&self) -> u64 {
        self.next_in
    }
    /// The number the next message of ours will have.
    pub const fn next_out(&self) -> u64 {
        self.next_out
    }
    /// The header of the next message. The number is not used up until `take_sequence`.
    pub fn header(&self, now: UnixNanos) -> Header<'_> {
        Header { sender: &self.setup.sender, target: &self.setup.target, sequence: self.next_out, time: now }
    }
    /// Uses up the next number: the message with it goes out now.
    pub fn take_sequence(&mut self, now: UnixNanos) -> u64 {
        let sequence = self.next_out;
        self.next_out = (sequence + 1).min(SEQUENCE_MAX);
        self.last_out = now;
        sequence
    }
    /// SenderCompID (49): ours.
    pub fn sender(&self) -> &[u8] {
        &self.setup.sender
    }
    /// TargetCompID (56): the peer's.
    pub fn target(&self) -> &[u8] {
        &self.setup.target
    }
    /// Acceptor: the peer asked for CancelOnDisconnect with its logon.
    pub const fn peer_cancels_on_disconnect(&self) -> bool {
        self.peer_cancels
    }
    /// Is something missing that the peer was asked to send again?
    pub const fn has_gap(&self) -> bool {
        self.gap.is_some()
    }
}
