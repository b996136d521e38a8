//! # Room card: wire/fix/session/admin
//! In:    the session's numbers and the time.
//! Out:   its own messages: logon, heartbeat, test request, resend request, reject, gap fill, logout.
//! Holds: each takes the next number and none else; header fields and body fields ascend.
//! Costs: one message's bytes, reused.
use types::UnixNanos;
use types::time::NANOS_PER_SECOND;

use super::super::index::BeginString;
use super::super::message::Message;
use super::frame::{Frame, time_text};
use super::{BusinessReason, Out, RejectReason, Role, Session, Store, To};

/// The id of every test request, as QuickFIX has it.
const TEST_ID: &[u8] = b"TEST";
/// The end of everything in a ResendRequest before FIX.4.2.
pub(super) const END_OF_ALL: u64 = 999_999;

impl Session {
    pub(super) fn send_logon(&mut self, reset: bool, to: &mut To<'_>) {
        self.send_own(b"A", to, |frame, session| {
            let setup = &session.setup;
            frame.text(98, b"0");
            frame.integer(108, session.heartbeat.0 as u64 / NANOS_PER_SECOND);
            // What is above 108 ascends with what the host has prepared.
            let version = setup.default_appl_ver.as_deref().filter(|_| setup.begin == BeginString::Fixt11);
            let initiator = setup.role == Role::Initiator;
            let own: [(u32, Option<&[u8]>); 5] = [
                (141, (reset && setup.begin >= BeginString::Fix41).then_some(b"Y")),
                (553, setup.username.as_deref().filter(|_| initiator)),
                (554, setup.password.as_deref().filter(|_| initiator)),
                (1137, version),
                (9001, (initiator && setup.cancel_on_disconnect).then_some(b"Y")),
            ];
            frame.merged(&own, &setup.logon_extra);
        });
    }

    /// `answers` is the TestReqID of the peer's test request.
    pub(super) fn send_heartbeat(&mut self, answers: Option<&[u8]>, to: &mut To<'_>) {
        self.send_own(b"0", to, |frame, _| {
            if let Some(id) = answers {
                frame.text(112, id);
            }
        });
    }

    pub(super) fn send_test_request(&mut self, to: &mut To<'_>) {
        self.send_own(b"1", to, |frame, _| frame.text(112, TEST_ID));
    }

    pub(super) fn send_resend_request(&mut self, from: u64, to: &mut To<'_>) {
        let end = if self.setup.begin < BeginString::Fix42 { END_OF_ALL } else { 0 };
        self.send_own(b"2", to, |frame, _| {
            frame.integer(7, from);
            frame.integer(16, end);
        });
    }

    pub(super) fn send_logout(&mut self, text: &[u8], to: &mut To<'_>) {
        self.send_own(b"5", to, |frame, _| {
            if !text.is_empty() {
                frame.text(58, text);
            }
        });
    }

    /// Rejects a message of the peer (35=3) that was let through; `tag` 0 names none.
    pub fn reject(
        &mut self,
        message: &Message<'_>,
        reason: RejectReason,
        tag: u32,
        now: UnixNanos,
        store: &mut dyn Store,
        out: &mut dyn Out,
    ) {
        self.send_reject(message, reason, tag, &mut To { now, store, out });
    }

    /// Refuses an application message of the peer that was let through: BusinessMessageReject (35=j), or before FIX.4.2
    /// a Reject.
    pub fn business_reject(
        &mut self,
        message: &Message<'_>,
        reason: BusinessReason,
        tag: u32,
        now: UnixNanos,
        store: &mut dyn Store,
        out: &mut dyn Out,
    ) {
        self.send_business_reject(message, reason, tag, &mut To { now, store, out });
    }

    pub(super) fn send_business_reject(
        &mut self,
        message: &Message<'_>,
        reason: BusinessReason,
        tag: u32,
        to: &mut To<'_>,
    ) {
        let _ = tag;
        self.send_own(b"j", to, |frame, _| {
            frame.integer(45, message.sequence());
            frame.text(58, reason.text().as_bytes());
            frame.text(372, message.msg_type());
            frame.integer(380, reason as u64);
        });
    }

    pub(super) fn send_reject(&mut self, message: &Message<'_>, reason: RejectReason, tag: u32, to: &mut To<'_>) {
        self.send_own(b"3", to, |frame, _| {
            frame.integer(45, message.sequence());
            frame.text(58, reason.text().as_bytes());
            if tag != 0 {
                frame.integer(371, tag as u64);
            }
            let kind = message.msg_type();
            if kind.iter().all(|byte| (0x20..0x7f).contains(byte)) {
                frame.text(372, kind);
            }
            frame.integer(373, reason as u64);
        });
    }

    /// SequenceReset with GapFillFlag from `from` up to and without `next`. It takes no number of its own.
    pub(super) fn send_gap_fill(&mut self, from: u64, next: u64, to: &mut To<'_>) {
        let mut frame = core::mem::take(&mut self.frame);
        let (text, length) = time_text(to.now, self.setup.time_precision());
        self.open_frame(&mut frame, b"4", from, Some(&text[..length]), &[], to.now);
        frame.integer(36, next);
        frame.text(123, b"Y");
        if let Ok(bytes) = frame.close(self.setup.begin) {
            self.last_out = to.now;
            to.out.send(bytes);
        }
        self.frame = frame;
    }

    /// Writes an administrative message with the next number and sends it.
    pub(super) fn send_own(&mut self, kind: &[u8], to: &mut To<'_>, body: impl FnOnce(&mut Frame, &Session)) {
        let mut frame = core::mem::take(&mut self.frame);
        let sequence = self.next_out;
        self.open_frame(&mut frame, kind, sequence, None, &[], to.now);
        body(&mut frame, self);
        // What a session itself writes is far below the bound.
        if let Ok(bytes) = frame.close(self.setup.begin) {
            to.store.keep(sequence, bytes, false);
            self.take_sequence(to.now);
            to.out.send(bytes);
        }
        self.frame = frame;
    }
}
