//! # Room card: wire/fix/session/incoming
//! In:    one message of the peer.
//! Out:   the session's answer, and whether the message is to be applied.
//! Holds: the checks in QuickFIX's order: version, dictionary, SendingTime, CompIDs, number; then what the type asks
//!        for.
//! Costs: two comparisons of CompIDs and one of numbers for an application message in order.
use types::time::NANOS_PER_SECOND;
use types::{Code, Nanos, UnixNanos};

use super::super::index::BeginString;
use super::super::message::Message;
use super::route::anywhere;
use super::rules::Breach;
use super::{BusinessReason, Out, RejectReason, SEQUENCE_MAX, Session, State, Store, To, Verdict};

/// Bytes of a time in whole seconds.
const WHOLE_SECONDS_BYTES: usize = 17;

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
        let to = &mut To { now, store, out };
        let verdict = match self.state {
            State::Open | State::LoggingOut => self.take(message, to),
            State::LoggingOn => self.first(message, to),
            State::Down | State::Ended => Verdict::Handled,
        };
        if self.gap.is_some() {
            self.tend_gap(to);
        }
        if self.restart.is_some() {
            self.tend_restart(to);
        }
        verdict
    }

    #[inline]
    fn take(&mut self, message: &Message<'_>, to: &mut To<'_>) -> Verdict {
        let replayed = core::mem::take(&mut self.replaying);
        if !self.is_version(message) {
            return self.wrong_version(message, to);
        }
        (self.last_in, self.testing) = (to.now, false);
        if !replayed {
            if let Some(rules) = &mut self.rules
                && let Err(breach) = rules.check(message)
            {
                return self.refused(message, breach, to);
            }
            if let Some(fault) = self.header_fault(message, to.now) {
                return self.bad_header(message, fault, to);
            }
        }
        if message.sender() != self.setup.target || message.target() != self.setup.sender {
            return self.wrong_names(message, to);
        }
        let sequence = message.sequence();
        if sequence == self.next_in && sequence < SEQUENCE_MAX {
            self.in_order(message, to)
        } else {
            self.out_of_order(message, to)
        }
    }

    #[inline]
    fn in_order(&mut self, message: &Message<'_>, to: &mut To<'_>) -> Verdict {
        let sequence = message.sequence();
        match message.msg_type() {
            b"4" => return self.sequence_reset(message, to),
            b"A" => return self.logon_again(message, to),
            _ => self.advance(sequence + 1),
        }
        match message.msg_type() {
            b"0" => {
                self.note_test_answer(message, to.now);
                Verdict::Handled
            }
            b"1" => {
                self.answer_test(message, to);
                Verdict::Handled
            }
            b"2" => {
                self.resend(message, to);
                Verdict::Handled
            }
            b"5" => self.logged_out(to),
            _ if self.seen.is_on() && self.is_repeat(message) => Verdict::Handled,
            _ => Verdict::Deliver,
        }
    }

    /// An order that is sent again under another number (97=Y), and whose ClOrdID came before.
    fn is_repeat(&mut self, message: &Message<'_>) -> bool {
        // Requests whose ClOrdID is new with each: single orders, lists of one, multileg and cross orders, their
        // cancels and replaces. Reports repeat the id of their order.
        let is_request = matches!(message.msg_type(), b"D" | b"F" | b"G" | b"AB" | b"AC" | b"s" | b"t" | b"u" | b"q");
        is_request && message.get(11).is_some_and(|id| self.seen.add(id)) && message.poss_resend()
    }

    /// The peer's next number; closes the gap when all that was missing has come.
    pub(super) fn advance(&mut self, next: u64) {
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
            b"A" if message.is_yes(141) || sequence >= self.next_in => return self.logon_again(message, to),
            // Its number stays open: what is missing is asked for with the next logon.
            b"5" => return self.logged_out(to),
            _ => {}
        }
        if sequence == 0 || sequence >= SEQUENCE_MAX {
            self.send_logout(b"MsgSeqNum missing or out of range", to);
            return self.end(Code::FixSequence);
        }
        if sequence < self.next_in {
            return match message.msg_type() {
                // Asked again under an old number: answered, as QuickFIX does.
                b"2" => {
                    self.resend(message, to);
                    Verdict::Handled
                }
                _ if message.poss_dup() => Verdict::Handled,
                _ => self.too_low(sequence, to),
            };
        }
        if self.setup.no_resend {
            let text = format!("MsgSeqNum too high, expecting {} but received {sequence}", self.next_in);
            self.send_logout(text.as_bytes(), to);
            return self.end(Code::FixSequence);
        }
        match message.msg_type() {
            // Answered before we ask ourselves, or two sides could wait for each other for ever.
            b"2" => {
                self.resend(message, to);
                self.queue.put(sequence, b"");
            }
            _ => self.queue.put(sequence, message.bytes()),
        }
        self.ask_again(message, to);
        Verdict::Handled
    }

    /// A number that was used before, and no word of it.
    #[cold]
    pub(super) fn too_low(&mut self, sequence: u64, to: &mut To<'_>) -> Verdict {
        let text = format!("MsgSeqNum too low, expecting {} but received {sequence}", self.next_in);
        self.send_logout(text.as_bytes(), to);
        self.end(Code::FixSequence)
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
            // A fill that fills nothing would be asked for again for ever: its number counts.
            if fills {
                self.advance(self.next_in + 1);
            }
            self.send_reject(message, RejectReason::ValueIncorrect, 0, to);
        } else {
            self.advance(next);
            self.queue.drop_below(next);
            if !fills {
                self.gap = None;
            }
        }
        Verdict::Handled
    }

    #[cold]
    fn answer_test(&mut self, message: &Message<'_>, to: &mut To<'_>) {
        // A reset after it is a new one (see `logon_again`).
        self.reset_answered = UnixNanos::NONE;
        match message.get(112) {
            Some(id) => self.send_heartbeat(Some(id), to),
            // Rules that let a field without a value through have let this one through.
            None if self.rules.is_some() && has_empty(message, b"112=") => self.send_heartbeat(Some(b""), to),
            None => self.send_reject(message, RejectReason::TagMissing, 112, to),
        }
    }

    #[cold]
    fn logged_out(&mut self, to: &mut To<'_>) -> Verdict {
        if self.state == State::Open {
            self.send_logout(b"", to);
        }
        self.state = State::Ended;
        self.seen.clear();
        if self.setup.reset_on_logout {
            self.begin_anew(to.now, to.store);
        }
        match self.ending.take() {
            Some(code) => Verdict::Ended(code),
            None => Verdict::LoggedOut,
        }
    }

    #[cold]
    pub(super) fn end(&mut self, code: Code) -> Verdict {
        self.state = State::Ended;
        Verdict::Ended(code)
    }

    /// Something is wrong with the peer: says goodbye, once, and waits for its answer.
    #[cold]
    fn say_goodbye(&mut self, text: &[u8], code: Code, to: &mut To<'_>) -> Verdict {
        if self.state == State::Open {
            self.send_logout(text, to);
            (self.state, self.since, self.ending) = (State::LoggingOut, to.now, Some(code));
        }
        Verdict::Handled
    }

    pub(super) fn is_version(&self, message: &Message<'_>) -> bool {
        let name = self.setup.begin.as_str().as_bytes();
        message.bytes().get(2..).and_then(|rest| rest.strip_prefix(name)).is_some_and(|rest| rest.first() == Some(&1))
    }

    #[cold]
    fn wrong_version(&mut self, message: &Message<'_>, to: &mut To<'_>) -> Verdict {
        if message.msg_type() == b"5" {
            return self.logged_out(to);
        }
        self.count(message);
        self.say_goodbye(b"Incorrect BeginString", Code::FixUnsupported, to)
    }

    #[cold]
    fn wrong_names(&mut self, message: &Message<'_>, to: &mut To<'_>) -> Verdict {
        self.count(message);
        if let Some(tag) = missing_name(message) {
            self.refuse_nameless(message, tag, to);
            return Verdict::Handled;
        }
        self.send_reject(message, RejectReason::CompId, 0, to);
        self.say_goodbye(b"", Code::FixLogon, to)
    }

    /// A message that is refused takes its number, if it is its turn; the two that change numbers do not.
    fn count(&mut self, message: &Message<'_>) {
        if super::reject::number_of(message) == self.next_in && !matches!(message.msg_type(), b"A" | b"4") {
            self.advance(self.next_in + 1);
        }
    }

    /// A message without a CompID: an application message is refused as such from FIX.4.2 on (as QuickFIX).
    fn refuse_nameless(&mut self, message: &Message<'_>, tag: u32, to: &mut To<'_>) {
        let is_admin = matches!(message.msg_type(), b"0" | b"1" | b"2" | b"3" | b"4" | b"5" | b"A" | b"n");
        if is_admin || self.setup.begin < BeginString::Fix42 {
            self.send_reject(message, RejectReason::TagMissing, tag, to);
        } else {
            self.send_business_reject(message, BusinessReason::FieldMissing, tag, to);
        }
    }

    #[cold]
    fn refused(&mut self, message: &Message<'_>, breach: Breach, to: &mut To<'_>) -> Verdict {
        if let (Breach::Session(..) | Breach::Business(..), Some(tag)) = (breach, missing_name(message)) {
            self.count(message);
            self.refuse_nameless(message, tag, to);
            return Verdict::Handled;
        }
        match breach {
            Breach::Garbled => {}
            Breach::Session(reason, tag) => {
                self.count(message);
                self.send_reject(message, reason, tag, to);
            }
            Breach::Business(reason, tag) => {
                self.count(message);
                self.send_business_reject(message, reason, tag, to);
            }
        }
        Verdict::Handled
    }

    #[cold]
    fn bad_header(&mut self, message: &Message<'_>, (reason, tag): (RejectReason, u32), to: &mut To<'_>) -> Verdict {
        self.count(message);
        self.send_reject(message, reason, tag, to);
        if reason == RejectReason::SendingTime {
            return self.say_goodbye(b"", Code::FixRejected, to);
        }
        Verdict::Handled
    }

    /// What every message must have beside its number: a SendingTime near our clock, and of a possible duplicate an
    /// OrigSendingTime that is not later.
    pub(super) fn header_fault(&self, message: &Message<'_>, now: UnixNanos) -> Option<(RejectReason, u32)> {
        let text = message.sending_time_text();
        let Some(sent) = message.sending_time() else {
            let reason = if text.is_empty() { RejectReason::TagMissing } else { RejectReason::FormatIncorrect };
            return Some((reason, 52));
        };
        if let Some(most) = self.setup.latency_max {
            // A time in whole seconds is compared in whole seconds.
            let cut = if text.len() == WHOLE_SECONDS_BYTES { now.0 % NANOS_PER_SECOND } else { 0 };
            if Nanos(UnixNanos(now.0 - cut).since(sent).0.saturating_abs()) > most {
                return Some((RejectReason::SendingTime, 0));
            }
        }
        // A gap fill stands for messages of many times.
        if !message.poss_dup() || message.msg_type() == b"4" {
            return None;
        }
        if !message.states_original_time() {
            return Some((RejectReason::TagMissing, 122));
        }
        match message.original_time() {
            None => Some((RejectReason::FormatIncorrect, 122)),
            Some(original) if original > sent => Some((RejectReason::SendingTime, 0)),
            Some(_) => None,
        }
    }
}

/// The CompID that a message has not, of the two the first.
fn missing_name(message: &Message<'_>) -> Option<u32> {
    [49, 56].into_iter().find(|&tag| anywhere(message.bytes(), tag).is_none())
}

/// Has the body this field without a value?
fn has_empty(message: &Message<'_>, field: &[u8]) -> bool {
    message.body().split(|&byte| byte == 1).any(|each| each == field)
}
