//! # Room card: wire/fix/session
//! In:    framed messages, the connection's coming and going, time; the numbers it had before.
//! Out:   logon, heartbeats, test requests, resends, gap fills, rejects, logout; which messages are to be applied.
//! Holds: an application message is let through once and in order, or was gap-filled by the peer; numbers only rise,
//!        but for a reset both sides agree to; every buffer has its bound in `SessionSetup`.
//! Costs: a few comparisons an application message in order; no allocation after the first messages.
//!
//! A host does this, and nothing else:
//! ```text
//! connection up          session.connected(now, store, out)
//! a whole message        match session.on_message(&message, now, store, out) {
//!                            Deliver   => the application takes it
//!                            LoggedOn  => the application is told
//!                            Handled   => nothing (an administrative message may be shown to it)
//!                            LoggedOut | Ended(code) => flush `out`, close the connection }
//!                        session.settle(store)
//!                        while session.take_queued(&mut bytes) { the same with that message }
//! deadline() has come    session.on_time(now, store, out)
//! connection gone        session.disconnected(now, store)
//! ```
//! What `out` has taken leaves after the store has what it was told.
//!
//! Rules, where FIX leaves a choice:
//! - A message beyond a gap is kept while there is room in the queue, or dropped; the peer is asked once for
//!   everything from the gap on. It is asked again when its answer itself has a gap, or has not closed it after a
//!   heartbeat interval.
//! - A resend is answered from the `Store`: its messages with 43=Y and 122, gap fills over everything else. The
//!   engine's initiator gives `NoStore`, for an order that comes late is worse than one that is lost.
//! - A logon that is refused, not answered in time, or comes second, ends the session.
//! - CancelOnDisconnect is the user-defined 9001=Y of the logon, as Deribit has it.
mod admin;
mod frame;
mod incoming;
mod logon;
mod outgoing;
mod queue;
mod reject;
mod resend;
mod restart;
mod route;
mod rules;
mod seen;
mod setup;
mod store;
mod timers;

use types::{Code, Nanos, UnixNanos};

use super::Header;
use frame::Frame;
use queue::Queue;
use resend::Rest;
use restart::Restart;
use seen::Seen;

pub use frame::SESSION_OUT_BYTES_MAX;
pub use logon::LogonFacts;
pub use outgoing::Outgoing;
pub use rules::{Breach, BusinessReason, RejectReason, Rules};
pub use setup::{
    LATENCY_MAX, LOGON_EXTRA_BYTES_MAX, LOGON_WAIT, LOGOUT_WAIT, Precision, QUEUE_BYTES, QUEUE_MESSAGES, Role,
    SEEN_ORDERS, SessionSetup,
};
pub use store::{NoStore, Out, Store};

/// The largest sequence number; a message with a larger one is refused.
pub const SEQUENCE_MAX: u64 = 999_999_999_999_999_999;
/// What came of a message or of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// An application message, or a Reject (35=3), in order: apply it.
    Deliver,
    /// Nothing to apply.
    Handled,
    /// The session is open.
    LoggedOn,
    /// Both sides of the open session have begun at 1 again.
    Restarted,
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

/// Messages that are not taken because one before them is missing, and the answer asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Gap {
    /// First number asked for.
    from: u64,
    /// Last number asked for.
    end: u64,
    /// Largest number seen.
    through: u64,
    /// How far it was behind `from` when this was asked, and how many messages a part had then.
    left: u64,
    part: u64,
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
    /// First message that was kept while our logon was not answered: nobody would ask for it.
    unsent: Option<u64>,
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
    /// A reset of the open session that we asked for and the peer has not answered.
    restart: Option<Restart>,
    /// Such a one went unanswered: the next logon begins anew.
    restart_owed: bool,
    /// What of a resend had no room.
    rest: Option<Rest>,
    peer_cancels: bool,
    /// Further fields of the next logon alone.
    drafted: Option<Vec<u8>>,
    /// DefaultApplVerID of the peer's logon.
    peer_appl_ver: Vec<u8>,
    /// Why our logout was sent, if something was wrong.
    ending: Option<Code>,
    queue: Queue,
    /// The next message is one of the queue.
    replaying: bool,
    seen: Seen,
    frame: Frame,
    rules: Option<Box<dyn Rules>>,
}

/// Where a session's doings go.
struct To<'a> {
    now: UnixNanos,
    store: &'a mut dyn Store,
    out: &'a mut dyn Out,
}

impl Session {
    /// A session that begins with number 1 on both sides.
    /// Errors: `FixFieldInvalid` for a comp id that is empty, longer than `COMP_ID_BYTES_MAX` or not printable ASCII
    /// (the other names and the password likewise), a heartbeat that is no whole number of seconds up to an hour, or
    /// what the version does not have.
    pub fn new(setup: SessionSetup) -> Result<Session, Code> {
        setup.check()?;
        Ok(Session {
            heartbeat: setup.heartbeat,
            unsent: None,
            queue: Queue::new(setup.queue_messages_max, setup.queue_bytes_max),
            seen: Seen::new(setup.seen_orders_max),
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
            restart: None,
            restart_owed: false,
            rest: None,
            peer_cancels: false,
            drafted: None,
            peer_appl_ver: Vec::new(),
            ending: None,
            replaying: false,
            frame: Frame::new(),
            rules: None,
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

    /// Judges every message of the peer by these rules from now on, a data dictionary as a rule.
    pub fn set_rules(&mut self, rules: Option<Box<dyn Rules>>) {
        self.rules = rules;
    }

    /// Further fields of the next logon's body, in the place of `SessionSetup::logon_extra` and for that one logon: a
    /// signature made for it (see `logon_signing_text`). `FixFieldInvalid` for what is no whole field, or too long.
    pub fn set_logon_extra(&mut self, fields: &[u8]) -> Result<(), Code> {
        if !setup::is_extra(fields) {
            return Err(Code::FixFieldInvalid);
        }
        self.drafted = Some(fields.to_vec());
        Ok(())
    }

    /// What a venue such as Binance has signed in a logon: MsgType, SenderCompID, TargetCompID, MsgSeqNum and
    /// SendingTime of the logon that `connected` sends when it is told the same moment, a separator between two.
    pub fn logon_signing_text(&self, now: UnixNanos) -> Vec<u8> {
        let (time, length) = frame::time_text(now, self.setup.time_precision());
        let sequence = self.logon_sequence().to_string();
        [b"A", &self.setup.sender[..], &self.setup.target, sequence.as_bytes(), &time[..length]].join(&1)
    }

    /// The number of the initiator's next logon.
    pub const fn logon_sequence(&self) -> u64 {
        if self.begins_anew() { 1 } else { self.next_out }
    }

    /// Does our logon begin with 1 on both sides?
    const fn begins_anew(&self) -> bool {
        self.setup.reset_on_logon || self.setup.no_resend || self.restart_owed
    }

    /// The connection is there: an initiator logs on, an acceptor waits for the logon.
    pub fn connected(&mut self, now: UnixNanos, store: &mut dyn Store, out: &mut dyn Out) {
        self.state = State::LoggingOn;
        (self.since, self.last_in, self.last_out) = (now, now, now);
        (self.testing, self.resetting, self.peer_cancels) = (false, false, false);
        self.forget_peer();
        self.reset_answered = UnixNanos::NONE;
        self.heartbeat = self.setup.heartbeat;
        self.unsent = None;
        if self.setup.role == Role::Initiator {
            self.resetting = self.begins_anew();
            if self.resetting {
                self.begin_anew(now, store);
            }
            self.send_logon(self.resetting, false, &mut To { now, store, out });
        }
    }

    /// The connection is gone. The numbers stay, but for `SessionSetup::reset_on_disconnect`.
    pub fn disconnected(&mut self, now: UnixNanos, store: &mut dyn Store) {
        let was_there = self.state != State::Down;
        self.state = State::Down;
        (self.testing, self.drafted) = (false, None);
        self.forget_peer();
        if was_there && self.setup.reset_on_disconnect {
            self.begin_anew(now, store);
        }
    }

    /// Both sides begin at 1, by agreement or schedule; only while the session is not open. `connected` and `logout`
    /// do it by themselves where the setup says so.
    pub fn reset(&mut self, now: UnixNanos, store: &mut dyn Store) {
        self.begin_anew(now, store);
    }

    /// What came over a connection that is gone.
    fn forget_peer(&mut self) {
        (self.gap, self.replaying, self.ending) = (None, false, None);
        (self.restart, self.rest) = (None, None);
        self.queue.clear();
        self.seen.clear();
    }

    fn begin_anew(&mut self, now: UnixNanos, store: &mut dyn Store) {
        (self.next_in, self.next_out, self.gap) = (1, 1, None);
        (self.restart_owed, self.rest) = (false, None);
        self.queue.clear();
        store.reset(now);
    }

    /// What was let through has been applied: the store is told the number expected next.
    pub fn settle(&mut self, store: &mut dyn Store) {
        // The peer begins at 1 too, even if it is the next connection that says so.
        let next_in = if self.restart_owed { 1 } else { self.next_in };
        store.numbers(next_in, self.next_out);
    }

    /// A queued message whose turn has come, as it was read, in the place of what `into` holds: give it to `on_message`
    /// at once. False when there is none.
    pub fn take_queued(&mut self, into: &mut Vec<u8>) -> bool {
        self.replaying = self.is_live() && self.queue.take(self.next_in, into);
        self.replaying
    }

    const fn is_live(&self) -> bool {
        matches!(self.state, State::Open | State::LoggingOut)
    }

    /// Begins the logout of an open session, `text` (58) its reason or empty; messages still come until the peer
    /// answers. In any other state the session just ends: close the connection.
    pub fn logout(&mut self, text: &str, now: UnixNanos, store: &mut dyn Store, out: &mut dyn Out) -> Verdict {
        match self.state {
            State::Open => {
                self.send_logout(text.as_bytes(), &mut To { now, store, out });
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

    /// Acceptor, before the logon is given to the session: refuses it with a Logout that says why.
    pub fn refuse_logon(&mut self, text: &str, now: UnixNanos, store: &mut dyn Store, out: &mut dyn Out) -> Verdict {
        if self.state == State::LoggingOn {
            self.send_logout(text.as_bytes(), &mut To { now, store, out });
        }
        self.state = State::Ended;
        Verdict::Ended(Code::FixLogon)
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
    /// Uses up the next number: the message with it, written and kept by the caller, goes out now.
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
    /// FIXT.1.1: the DefaultApplVerID (1137) of the peer's logon; empty before it.
    pub fn peer_appl_ver(&self) -> &[u8] {
        &self.peer_appl_ver
    }
    /// HeartBtInt in force: the initiator's.
    pub const fn heartbeat(&self) -> Nanos {
        self.heartbeat
    }
    /// What it is made of.
    pub const fn setup(&self) -> &SessionSetup {
        &self.setup
    }
    /// Is something missing that the peer was asked to send again?
    pub const fn has_gap(&self) -> bool {
        self.gap.is_some()
    }
}
