//! # Room card: wire/fix/session/logon
//! In:    the first message of the peer, or a logon on an open session.
//! Out:   the session open, or closed without a word; who is logging on, for a host that has to find the session first.
//! Holds: both sides leave a reset with the same numbers; an invalid logon is not answered, one with a number that was
//!        used before is, with the reason.
//! Costs: once a connection.
use types::time::NANOS_PER_SECOND;
use types::{Code, Nanos, UnixNanos};

use super::super::index::BeginString;
use super::super::message::Message;
use super::route::in_header;
use super::setup::{HEARTBEAT_SECONDS_MAX, is_name};
use super::{Gap, Role, SEQUENCE_MAX, Session, State, To, Verdict};

/// What a Logon (35=A) says, for a host that has not chosen its session yet: dynamic sessions, several sessions on one
/// port, names and passwords to check.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogonFacts<'a> {
    /// BeginString (8).
    pub begin: BeginString,
    /// SenderCompID (49): the peer's, our TargetCompID.
    pub sender: &'a [u8],
    /// SenderSubID (50), empty when absent.
    pub sender_sub: &'a [u8],
    /// SenderLocationID (142), empty when absent.
    pub sender_location: &'a [u8],
    /// TargetCompID (56): ours.
    pub target: &'a [u8],
    /// TargetSubID (57), empty when absent.
    pub target_sub: &'a [u8],
    /// TargetLocationID (143), empty when absent.
    pub target_location: &'a [u8],
    /// HeartBtInt (108), seconds.
    pub heartbeat: Option<u64>,
    /// ResetSeqNumFlag (141).
    pub reset: bool,
    /// DefaultApplVerID (1137), empty when absent.
    pub default_appl_ver: &'a [u8],
    /// Username (553), empty when absent.
    pub username: &'a [u8],
    /// Password (554), empty when absent.
    pub password: &'a [u8],
    /// RawData (96), empty when absent.
    pub raw_data: &'a [u8],
}

impl<'a> LogonFacts<'a> {
    /// Reads them. `None` when it is no Logon of a version there is, or one without its CompIDs: close the connection.
    pub fn of(message: &Message<'a>) -> Option<LogonFacts<'a>> {
        let bytes = message.bytes();
        let begin = in_header(bytes, 8).and_then(BeginString::of)?;
        let named = !message.sender().is_empty() && !message.target().is_empty();
        let header = |tag| in_header(bytes, tag).unwrap_or_default();
        let body = |tag| message.get(tag).unwrap_or_default();
        (message.msg_type() == b"A" && named).then(|| LogonFacts {
            begin,
            sender: message.sender(),
            sender_sub: header(50),
            sender_location: header(142),
            target: message.target(),
            target_sub: header(57),
            target_location: header(143),
            heartbeat: message.integer(108),
            reset: message.is_yes(141),
            default_appl_ver: body(1137),
            username: body(553),
            password: body(554),
            raw_data: body(96),
        })
    }
}

impl Session {
    /// Is this a Logon the session will look at? Any other is closed without an answer, so that an application need not
    /// be asked about it.
    pub fn is_valid_logon(&mut self, message: &Message<'_>, now: UnixNanos) -> bool {
        self.valid_logon(message, now).is_some()
    }

    /// Before the session is open: a logon, or nothing.
    #[cold]
    pub(super) fn first(&mut self, message: &Message<'_>, to: &mut To<'_>) -> Verdict {
        let Some(interval) = self.valid_logon(message, to.now) else {
            // A logon of ours that was refused: the refusal had its number. All else keeps its own and comes again.
            let named = message.sender() == self.setup.target && message.target() == self.setup.sender;
            let refuses = named && matches!(message.msg_type(), b"3" | b"5");
            if refuses && self.setup.role == Role::Initiator && message.sequence() == self.next_in {
                self.advance(message.sequence() + 1);
            }
            return self.end(Code::FixLogon);
        };
        (self.last_in, self.testing) = (to.now, false);
        let is_acceptor = self.setup.role == Role::Acceptor;
        let asked = message.is_yes(141);
        if is_acceptor && self.setup.no_resend && !asked {
            return self.refuse(b"ResetSeqNumFlag (141) must be Y", Code::FixLogon, to);
        }
        if asked && !self.resetting && message.sequence() != 1 {
            return self.end(Code::FixLogon);
        }
        let (sequence, announce) = self.reset_with_logon(message, to);
        if sequence < self.next_in {
            return self.too_low(sequence, to);
        }
        if sequence > self.next_in && self.setup.no_resend {
            return self.refuse(b"MsgSeqNum too high, and nothing is sent again", Code::FixSequence, to);
        }
        self.peer_appl_ver.clear();
        self.peer_appl_ver.extend_from_slice(message.get(1137).unwrap_or_default());
        let expects = message.integer(789).filter(|_| self.setup.next_expected);
        if expects.is_some_and(|expects| expects > self.next_out || expects == 0) {
            return self.refuse_expected(expects.unwrap_or(0), to);
        }
        if is_acceptor {
            self.heartbeat = Nanos((interval * NANOS_PER_SECOND) as i64);
            self.peer_cancels = message.is_yes(9001);
            self.send_logon(announce, sequence == self.next_in, to);
        }
        (self.state, self.resetting) = (State::Open, false);
        self.catch_up(expects, to);
        if sequence == self.next_in {
            self.advance(sequence + 1);
        } else if expects.is_some() {
            // It sends what we miss: our logon has said what we expect.
            self.queue.put(sequence, b"");
            let (from, part) = (self.next_in, self.setup.resend_chunk);
            let left = sequence.saturating_sub(from);
            self.gap = Some(Gap { from, end: u64::MAX, through: sequence, left, part, asked: to.now });
        } else {
            self.queue.put(sequence, b"");
            self.ask_again(message, to);
        }
        Verdict::LoggedOn
    }

    /// Sends what the peer says it has missed; else what was kept behind our logon.
    fn catch_up(&mut self, expects: Option<u64>, to: &mut To<'_>) {
        let last = self.next_out - 1;
        match expects.filter(|&expects| expects <= last) {
            // All of it but an acceptor's logon itself, which has just gone.
            Some(expects) if self.setup.role == Role::Initiator || expects < last => {
                self.send_range(expects, last, to);
            }
            Some(_) => {}
            None => self.send_unsent(to),
        }
    }

    /// HeartBtInt of a logon that can be answered.
    fn valid_logon(&mut self, message: &Message<'_>, now: UnixNanos) -> Option<u64> {
        let named = message.sender() == self.setup.target && message.target() == self.setup.sender;
        if message.msg_type() != b"A" || !named || !self.is_version(message) {
            return None;
        }
        if let Some(rules) = &mut self.rules
            && rules.check(message).is_err()
        {
            return None;
        }
        let versioned = self.setup.begin != BeginString::Fixt11 || message.get(1137).is_some_and(is_name);
        let numbered = (1..SEQUENCE_MAX).contains(&message.sequence());
        if self.header_fault(message, now).is_some() || !versioned || !numbered || message.get(98) != Some(b"0") {
            return None;
        }
        message.integer(108).filter(|&seconds| seconds <= HEARTBEAT_SECONDS_MAX)
    }

    /// Begins anew where the peer asks for it, or this side does with each logon: the number the logon counts as, and
    /// whether our answer says so.
    fn reset_with_logon(&mut self, message: &Message<'_>, to: &mut To<'_>) -> (u64, bool) {
        let (is_acceptor, asked) = (self.setup.role == Role::Acceptor, message.is_yes(141));
        if asked && !self.resetting {
            // Both sides begin anew; the logons are their first messages.
            self.begin_anew(to.now, to.store);
            if !is_acceptor {
                self.next_out = 2;
                to.store.numbers(self.next_in, self.next_out);
            }
        } else if is_acceptor && (self.setup.reset_on_logon || self.restart_owed) {
            let announces = self.setup.announce_reset || self.restart_owed;
            self.begin_anew(to.now, to.store);
            if announces {
                return (1, true);
            }
        }
        (message.sequence(), asked)
    }

    pub(super) fn refuse(&mut self, text: &[u8], code: Code, to: &mut To<'_>) -> Verdict {
        self.send_logout(text, to);
        self.end(code)
    }

    /// The peer expects a number beyond what was ever sent: one side has lost its numbers.
    fn refuse_expected(&mut self, expects: u64, to: &mut To<'_>) -> Verdict {
        let next = self.next_out;
        let text =
            format!("NextExpectedMsgSeqNum (789) is higher than expected, expecting {next} but received {expects}");
        self.refuse(text.as_bytes(), Code::FixSequence, to)
    }

    /// A logon on an open session. With ResetSeqNumFlag both sides begin anew: the peer wishes it, or answers our wish.
    /// One that comes soon after our answer to such, and no test request between, is the peer's answer to ours, which
    /// it took for a wish (as after a logon that came twice): were it answered too, the two would go on for ever.
    /// Without the flag it ends the session.
    #[cold]
    pub(super) fn logon_again(&mut self, message: &Message<'_>, to: &mut To<'_>) -> Verdict {
        if !message.is_yes(141) {
            return self.end(Code::FixLogon);
        }
        if message.sequence() != 1 {
            return self.refuse(b"ResetSeqNumFlag with a MsgSeqNum other than 1", Code::FixLogon, to);
        }
        let answered = core::mem::replace(&mut self.reset_answered, UnixNanos::NONE);
        let is_wish = answered == UnixNanos::NONE || to.now.since(answered) >= self.setup.logon_wait;
        let is_answer = self.take_restart();
        if is_wish && !is_answer {
            self.begin_anew(to.now, to.store);
            self.reset_answered = to.now;
            self.send_logon(true, true, to);
        }
        (self.next_in, self.gap) = (2, None);
        self.queue.clear();
        if is_wish || is_answer { Verdict::Restarted } else { Verdict::Handled }
    }
}
