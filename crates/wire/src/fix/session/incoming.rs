//! # Room card: wire/fix/session/incoming
//! In:    one message of the peer.
//! Out:   the session's answer, and whether the message is to be applied.
//! Holds: the checks in their order: state, CompIDs, number, required header fields; then what the type asks for.
//! Costs: two comparisons of CompIDs and one of numbers for an application message in order.
use types::time::NANOS_PER_SECOND;
use types::{Code, Nanos, UnixNanos};

use super::super::COMP_ID_BYTES_MAX;
use super::super::message::Message;
use super::setup::HEARTBEAT_SECONDS_MAX;
use super::{LOGON_WAIT, Out, RejectReason, Role, SEQUENCE_MAX, Session, State, Store, To, Verdict};

impl Session {
    /// Takes a message of the peer. `store` answers resends.
    #[inline]
    pub fn on_message(
        &mut self,
        message: &Message<'_>,
        now: UnixNanos,
        store: &mut dyn Store,
        out: &mut dyn Out,
    ) -> Verdict {
        self.take(message, &mut To { now, store, out })
    }

    #[inline]
    fn take(&mut self, message: &Message<'_>, to: &mut To<'_>) -> Verdict {
        match self.state {
            State::Open | State::LoggingOut => {}
            State::LoggingOn => return self.first(message, to),
            State::Down | State::Ended => return Verdict::Handled,
        }
        if message.sender() != self.setup.target || message.target() != self.setup.sender {
            return self.wrong_names(message, to);
        }
        (self.last_in, self.testing) = (to.now, false);
        let sequence = message.sequence();
        if sequence != self.next_in || sequence >= SEQUENCE_MAX {
            return self.out_of_order(message, to);
        }
        if let Some((reason, tag)) = header_fault(message) {
            self.advance(sequence + 1);
            self.send_reject(message, reason, tag, to);
            return Verdict::Handled;
        }
        self.in_order(message, to)
    }

    fn in_order(&mut self, message: &Message<'_>, to: &mut To<'_>) -> Verdict {
        let sequence = message.sequence();
        match message.msg_type() {
            b"4" => return self.sequence_reset(message, to),
            b"A" if message.is_yes(141) => return self.reset_while_open(message, to),
            _ => self.advance(sequence + 1),
        }
        match message.msg_type() {
            // A second logon without a reset changes nothing.
            b"0" | b"A" => Verdict::Handled,
            b"1" => {
                self.answer_test(message, to);
                Verdict::Handled
            }
            b"2" => {
                self.resend(message, to);
                Verdict::Handled
            }
            b"5" => self.logged_out(to),
            _ => Verdict::Deliver,
        }
    }

    /// The peer's next number; closes the gap when all that was dropped has come.
    fn advance(&mut self, next: u64) {
        self.next_in = next.min(SEQUENCE_MAX);
        if self.gap.is_some_and(|gap| self.next_in > gap.through) {
            self.gap = None;
        }
    }

    #[cold]
    fn out_of_order(&mut self, message: &Message<'_>, to: &mut To<'_>) -> Verdict {
        let sequence = message.sequence();
        match message.msg_type() {
            // The reset mode is for when nothing else helps: its own number does not count.
            b"4" if !message.is_yes(123) => return self.sequence_reset(message, to),
            b"A" if message.is_yes(141) => return self.reset_while_open(message, to),
            _ => {}
        }
        if sequence == 0 || sequence >= SEQUENCE_MAX {
            self.send_logout(b"MsgSeqNum missing or out of range", to);
            return self.end(Code::FixSequence);
        }
        if sequence < self.next_in {
            if message.poss_dup() {
                return Verdict::Handled;
            }
            self.send_logout(b"MsgSeqNum too low", to);
            return self.end(Code::FixSequence);
        }
        match message.msg_type() {
            // Answered before we ask ourselves, or two sides could wait for each other for ever.
            b"2" => self.resend(message, to),
            // Its number stays open: what is missing is asked for with the next logon.
            b"5" => return self.logged_out(to),
            _ => {}
        }
        self.ask_again(message, to);
        Verdict::Handled
    }

    /// Before the session is open: a logon, or nothing.
    #[cold]
    fn first(&mut self, message: &Message<'_>, to: &mut To<'_>) -> Verdict {
        let named = message.sender() == self.setup.target && message.target() == self.setup.sender;
        if message.msg_type() != b"A" || !named {
            // An initiator's logon was refused; an acceptor does not answer strangers.
            let in_order = named && self.setup.role == Role::Initiator && message.sequence() == self.next_in;
            if in_order {
                self.advance(message.sequence() + 1);
            }
            return self.end(Code::FixLogon);
        }
        (self.last_in, self.testing) = (to.now, false);
        let sequence = message.sequence();
        if sequence == 0 || sequence >= SEQUENCE_MAX {
            return self.refuse(b"MsgSeqNum missing or out of range", Code::FixSequence, to);
        }
        let interval = message.integer(108).filter(|&seconds| seconds <= HEARTBEAT_SECONDS_MAX);
        let Some(interval) = interval.filter(|_| message.get(98) == Some(b"0")) else {
            return self.refuse(b"EncryptMethod (98) or HeartBtInt (108)", Code::FixLogon, to);
        };
        if header_fault(message).is_some() {
            return self.refuse(b"SendingTime (52) or OrigSendingTime (122)", Code::FixLogon, to);
        }
        let asked = message.is_yes(141);
        let reset = asked || (self.setup.role == Role::Acceptor && self.setup.reset_on_logon);
        if reset && !self.resetting {
            if asked && sequence != 1 {
                return self.refuse(b"ResetSeqNumFlag with a MsgSeqNum other than 1", Code::FixLogon, to);
            }
            // Both sides begin anew; the logons are their first messages, whatever number an initiator's had that did
            // not ask for it.
            let own = if self.setup.role == Role::Initiator { 2 } else { 1 };
            (self.next_in, self.next_out) = (1, own);
        }
        let sequence = if reset && !self.resetting { 1 } else { sequence };
        if sequence < self.next_in {
            return self.refuse(b"MsgSeqNum too low", Code::FixSequence, to);
        }
        if self.setup.role == Role::Acceptor {
            self.heartbeat = Nanos((interval * NANOS_PER_SECOND) as i64);
            self.peer_cancels = message.is_yes(9001);
            self.send_logon(reset, to);
        }
        (self.state, self.resetting) = (State::Open, false);
        if sequence > self.next_in {
            self.ask_again(message, to);
        } else {
            self.advance(sequence + 1);
        }
        Verdict::LoggedOn
    }

    fn refuse(&mut self, text: &[u8], code: Code, to: &mut To<'_>) -> Verdict {
        self.send_logout(text, to);
        self.end(code)
    }

    /// A logon with ResetSeqNumFlag on an open session: both sides begin anew. One that comes soon after our answer to
    /// such is the peer's answer to ours, which it took for a wish (as after a logon that came twice): were it answered
    /// too, the two would go on for ever.
    #[cold]
    fn reset_while_open(&mut self, message: &Message<'_>, to: &mut To<'_>) -> Verdict {
        if message.sequence() != 1 {
            return self.refuse(b"ResetSeqNumFlag with a MsgSeqNum other than 1", Code::FixLogon, to);
        }
        (self.next_in, self.gap) = (2, None);
        let answered = core::mem::replace(&mut self.reset_answered, UnixNanos::NONE);
        if answered == UnixNanos::NONE || to.now.since(answered) >= LOGON_WAIT {
            (self.next_out, self.reset_answered) = (1, to.now);
            self.send_logon(true, to);
        }
        Verdict::Handled
    }

    #[cold]
    fn sequence_reset(&mut self, message: &Message<'_>, to: &mut To<'_>) -> Verdict {
        let fills = message.is_yes(123);
        let Some(next) = message.integer(36).filter(|&next| next < SEQUENCE_MAX) else {
            let reason =
                if message.get(36).is_none() { RejectReason::TagMissing } else { RejectReason::ValueIncorrect };
            if message.sequence() == self.next_in {
                self.advance(self.next_in + 1);
            }
            self.send_reject(message, reason, 36, to);
            return Verdict::Handled;
        };
        if next < self.next_in || (fills && next == self.next_in) {
            if fills {
                self.advance(self.next_in + 1);
            }
            self.send_reject(message, RejectReason::ValueIncorrect, 36, to);
        } else {
            self.advance(next);
            if !fills {
                self.gap = None;
            }
        }
        Verdict::Handled
    }

    #[cold]
    fn answer_test(&mut self, message: &Message<'_>, to: &mut To<'_>) {
        match message.get(112) {
            Some(id) if id.len() <= COMP_ID_BYTES_MAX && id.iter().all(|byte| (0x20..0x7f).contains(byte)) => {
                self.send_heartbeat(Some(id), to);
            }
            Some(_) => self.send_reject(message, RejectReason::ValueIncorrect, 112, to),
            None => self.send_reject(message, RejectReason::TagMissing, 112, to),
        }
    }

    #[cold]
    fn wrong_names(&mut self, message: &Message<'_>, to: &mut To<'_>) -> Verdict {
        if message.sequence() == self.next_in {
            self.advance(self.next_in + 1);
        }
        let tag = if message.sender() != self.setup.target { 49 } else { 56 };
        self.send_reject(message, RejectReason::CompId, tag, to);
        self.refuse(b"CompID", Code::FixLogon, to)
    }

    #[cold]
    fn logged_out(&mut self, to: &mut To<'_>) -> Verdict {
        if self.state == State::Open {
            self.send_logout(b"", to);
        }
        self.state = State::Ended;
        Verdict::LoggedOut
    }

    #[cold]
    pub(super) fn end(&mut self, code: Code) -> Verdict {
        self.state = State::Ended;
        Verdict::Ended(code)
    }
}

/// What every message must have beside its number: SendingTime, and of a possible duplicate an OrigSendingTime that is
/// not later.
fn header_fault(message: &Message<'_>) -> Option<(RejectReason, u32)> {
    if message.sending_time_text().is_empty() {
        return Some((RejectReason::TagMissing, 52));
    }
    let Some(sent) = message.sending_time() else { return Some((RejectReason::FormatIncorrect, 52)) };
    if !message.poss_dup() {
        return None;
    }
    if !message.states_original_time() {
        return Some((RejectReason::TagMissing, 122));
    }
    match message.original_time() {
        None => Some((RejectReason::FormatIncorrect, 122)),
        Some(original) if original > sent => Some((RejectReason::SendingTime, 122)),
        Some(_) => None,
    }
}
