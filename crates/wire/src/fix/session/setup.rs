//! # Room card: wire/fix/session/setup
//! In:    who the two sides are, and which rules they keep.
//! Out:   a checked `SessionSetup`.
//! Holds: what cannot be written into a message is refused here, once, so that no message fails later.
//! Costs: once a session.
use types::{Code, Nanos};

use super::super::COMP_ID_BYTES_MAX;
use super::super::index::BeginString;
use super::super::message::Fields;

/// The longest heartbeat interval an acceptor takes, seconds.
pub(super) const HEARTBEAT_SECONDS_MAX: u64 = 3_600;
/// Bytes of `SessionSetup::logon_extra`: a key's signature in base 64, and what a venue asks for beside it.
pub const LOGON_EXTRA_BYTES_MAX: usize = 4_096;
/// The accuracy QuickFIX asks of SendingTime: two minutes, either way.
pub const LATENCY_MAX: Nanos = Nanos(120_000_000_000);
/// A logon is answered, or comes, within this time.
pub const LOGON_WAIT: Nanos = Nanos(10_000_000_000);
/// A logout is answered within this time.
pub const LOGOUT_WAIT: Nanos = Nanos(2_000_000_000);
/// Messages behind a gap that `SessionSetup::full` keeps.
pub const QUEUE_MESSAGES: usize = 10_000;
/// Bytes of them.
pub const QUEUE_BYTES: usize = 16 << 20;
/// ClOrdIDs that `SessionSetup::full` remembers.
pub const SEEN_ORDERS: usize = 100_000;

/// Who opens the session.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// Connects and logs on first.
    Initiator,
    /// Waits for the logon.
    Acceptor,
}

/// Decimals of SendingTime (52) and OrigSendingTime (122).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Precision {
    /// None; all that FIX.4.0 and 4.1 have.
    Seconds,
    /// Three, from FIX.4.2.
    Millis,
    /// Six, where both sides agree to it.
    Micros,
    /// Nine, where both sides agree to it.
    Nanos,
}

/// What a session is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionSetup {
    /// Who opens it.
    pub role: Role,
    /// The version it speaks (8).
    pub begin: BeginString,
    /// SenderCompID (49): ours.
    pub sender: Vec<u8>,
    /// SenderSubID (50) of every message of ours.
    pub sender_sub: Option<Vec<u8>>,
    /// SenderLocationID (142) of every message of ours.
    pub sender_location: Option<Vec<u8>>,
    /// TargetCompID (56): the peer's.
    pub target: Vec<u8>,
    /// TargetSubID (57) of every message of ours.
    pub target_sub: Option<Vec<u8>>,
    /// TargetLocationID (143) of every message of ours.
    pub target_location: Option<Vec<u8>>,
    /// HeartBtInt (108), whole seconds; 0 turns heartbeats off. An acceptor takes the initiator's.
    pub heartbeat: Nanos,
    /// FIXT.1.1: DefaultApplVerID (1137) of our logon (`7` FIX 5.0, `8` SP1, `9` SP2). Such a session needs one.
    pub default_appl_ver: Option<Vec<u8>>,
    /// Initiator: asks for CancelOnDisconnect (9001=Y).
    pub cancel_on_disconnect: bool,
    /// Both sides begin at 1 with each logon. An initiator says so (141=Y, from FIX.4.1).
    pub reset_on_logon: bool,
    /// Acceptor with `reset_on_logon`: takes the peer's logon as its first message whatever number it has, and says so
    /// (141=Y), so that a peer which did not ask begins anew too. Without it such a peer is asked for what is missing.
    pub announce_reset: bool,
    /// Both sides begin at 1 after a logout.
    pub reset_on_logout: bool,
    /// Both sides begin at 1 after the connection has gone.
    pub reset_on_disconnect: bool,
    /// Initiator: Username (553).
    pub username: Option<Vec<u8>>,
    /// Initiator: Password (554).
    pub password: Option<Vec<u8>>,
    /// Further fields of our logon's body, `tag=value` each with its separator, tags ascending: a signature made by the
    /// host (95, 96), or what a venue asks for. See `Session::set_logon_extra`.
    pub logon_extra: Vec<u8>,
    /// How far SendingTime may be from our clock; `None` does not judge it: an exchange that plays a recording has
    /// that day's time.
    pub latency_max: Option<Nanos>,
    /// Decimals of our times; `None` is the version's: whole seconds before FIX.4.2, milliseconds since.
    pub precision: Option<Precision>,
    /// Messages behind a gap that are kept until it closes; 0 drops them, and they are asked for again.
    pub queue_messages_max: usize,
    /// Bytes of them.
    pub queue_bytes_max: usize,
    /// ClOrdIDs of this connection that are remembered: a message with PossResend=Y (97) and one of them is ignored. 0
    /// lets such messages through.
    pub seen_orders_max: usize,
    /// The most messages asked for with one ResendRequest, doubled while the gap grows as fast as it closes; 0 asks for
    /// everything at once.
    pub resend_chunk: u64,
    /// Says with every message which number of the peer was processed last (LastMsgSeqNumProcessed, 369, from
    /// FIX.4.2).
    pub last_processed: bool,
    /// Says with the logon which number is expected (NextExpectedMsgSeqNum, 789, from FIX.4.4), and sends what the peer
    /// says it has missed without being asked.
    pub next_expected: bool,
    /// Neither side resends: both begin at 1 with each logon, no ResendRequest is sent, one of the peer is refused, and
    /// a gap ends the session. For venues that refuse ResendRequest, such as Binance.
    pub no_resend: bool,
    /// Messages given to `Session::send` while the session is not open take a number and are kept: the peer asks for
    /// them after the logon. Otherwise they are refused.
    pub keep_when_closed: bool,
    /// How long a logon may take.
    pub logon_wait: Nanos,
    /// How long the answer to a logout may take.
    pub logout_wait: Nanos,
}

impl SessionSetup {
    /// FIX.4.4, lean: no reset, no name and password, SendingTime not judged, nothing queued behind a gap, no ClOrdID
    /// remembered.
    pub fn new(role: Role, sender: &[u8], target: &[u8], heartbeat: Nanos) -> SessionSetup {
        SessionSetup {
            role,
            begin: BeginString::Fix44,
            sender: sender.to_vec(),
            sender_sub: None,
            sender_location: None,
            target: target.to_vec(),
            target_sub: None,
            target_location: None,
            heartbeat,
            default_appl_ver: None,
            cancel_on_disconnect: false,
            reset_on_logon: false,
            announce_reset: false,
            reset_on_logout: false,
            reset_on_disconnect: false,
            username: None,
            password: None,
            logon_extra: Vec::new(),
            latency_max: None,
            precision: None,
            queue_messages_max: 0,
            queue_bytes_max: 0,
            seen_orders_max: 0,
            resend_chunk: 0,
            last_processed: false,
            next_expected: false,
            no_resend: false,
            keep_when_closed: false,
            logon_wait: LOGON_WAIT,
            logout_wait: LOGOUT_WAIT,
        }
    }

    /// What a FIX engine on its own has by default: SendingTime within `LATENCY_MAX`, messages behind a gap queued,
    /// ClOrdIDs remembered, messages kept while the session is not open.
    pub fn full(begin: BeginString, role: Role, sender: &[u8], target: &[u8], heartbeat: Nanos) -> SessionSetup {
        SessionSetup {
            begin,
            latency_max: Some(LATENCY_MAX),
            queue_messages_max: QUEUE_MESSAGES,
            queue_bytes_max: QUEUE_BYTES,
            seen_orders_max: SEEN_ORDERS,
            keep_when_closed: true,
            ..SessionSetup::new(role, sender, target, heartbeat)
        }
    }

    /// Decimals of this session's times.
    pub fn time_precision(&self) -> Precision {
        match self.precision {
            Some(precision) => precision,
            None if self.begin < BeginString::Fix42 => Precision::Seconds,
            None => Precision::Millis,
        }
    }

    /// `FixFieldInvalid` for what cannot be written, or does not fit the version.
    pub(super) fn check(&self) -> Result<(), Code> {
        let texts = [
            Some(&self.sender),
            Some(&self.target),
            self.sender_sub.as_ref(),
            self.sender_location.as_ref(),
            self.target_sub.as_ref(),
            self.target_location.as_ref(),
            self.default_appl_ver.as_ref(),
            self.username.as_ref(),
            self.password.as_ref(),
        ];
        let names_fit = texts.into_iter().flatten().all(|text| is_name(text));
        let whole = self.heartbeat.0 >= 0
            && self.heartbeat.0 % 1_000_000_000 == 0
            && self.heartbeat.0 / 1_000_000_000 <= HEARTBEAT_SECONDS_MAX as i64;
        let version = (self.begin != BeginString::Fixt11 || self.default_appl_ver.is_some())
            && (self.begin >= BeginString::Fix42 || self.time_precision() == Precision::Seconds)
            && (self.begin >= BeginString::Fix42 || !self.last_processed)
            && (self.begin >= BeginString::Fix44 || !self.next_expected);
        let waits = self.logon_wait.0 > 0 && self.logout_wait.0 > 0 && self.latency_max.is_none_or(|most| most.0 > 0);
        if names_fit && whole && version && waits && is_extra(&self.logon_extra) {
            Ok(())
        } else {
            Err(Code::FixFieldInvalid)
        }
    }
}

/// One to `COMP_ID_BYTES_MAX` printable ASCII characters.
pub(super) fn is_name(text: &[u8]) -> bool {
    (1..=COMP_ID_BYTES_MAX).contains(&text.len()) && text.iter().all(|byte| (0x20..0x7f).contains(byte))
}

/// Nothing, or whole fields with ascending tags.
pub(super) fn is_extra(fields: &[u8]) -> bool {
    let mut last = 0;
    let ascend = Fields::over(fields).all(|field| core::mem::replace(&mut last, field.tag) < field.tag);
    fields.is_empty() || (fields.len() <= LOGON_EXTRA_BYTES_MAX && fields.last() == Some(&1) && ascend)
}
