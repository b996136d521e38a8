//! # Room card: wire/fix/session/admin
//! In:    the session's numbers and the time.
//! Out:   its own messages: logon, heartbeat, test request, resend request, gap fill, logout.
//! Holds: each takes the next number and none else; header fields and body fields ascend.
//! Costs: one message's bytes, reused.
use types::time::NANOS_PER_SECOND;

use super::super::index::BeginString;
use super::frame::{Frame, time_text};
use super::{Role, Session, To};
use crate::text::Text;

/// The id of every test request, as QuickFIX has it.
pub(super) const TEST_ID: &[u8] = b"TEST";
/// The id of the test request before a reset.
pub(super) const RESET_ID: &[u8] = b"RESET";
/// The end of everything in a ResendRequest before FIX.4.2.
pub(super) const END_OF_ALL: u64 = 999_999;

impl Session {
    /// `expected`: the logon it answers has the number that was expected.
    pub(super) fn send_logon(&mut self, reset: bool, expected: bool, to: &mut To<'_>) {
        self.send_own(b"A", &[], to, |frame, session| {
            let setup = &session.setup;
            let interval = Text::integer(session.heartbeat.0 as u64 / NANOS_PER_SECOND);
            let next = Text::integer(session.next_in + expected as u64);
            let version = setup.default_appl_ver.as_deref().filter(|_| setup.begin == BeginString::Fixt11);
            let initiator = setup.role == Role::Initiator;
            let own: [(u32, Option<&[u8]>); 8] = [
                (98, Some(b"0")),
                (108, Some(interval.as_bytes())),
                (141, (reset && setup.begin >= BeginString::Fix41).then_some(b"Y")),
                (553, setup.username.as_deref().filter(|_| initiator)),
                (554, setup.password.as_deref().filter(|_| initiator)),
                (789, setup.next_expected.then_some(next.as_bytes())),
                (1137, version),
                (9001, (initiator && setup.cancel_on_disconnect).then_some(b"Y")),
            ];
            frame.merged(&own, session.drafted.as_deref().unwrap_or(&setup.logon_extra));
        });
        self.drafted = None;
    }

    /// `answers` is the TestReqID of the peer's test request.
    pub(super) fn send_heartbeat(&mut self, answers: Option<&[u8]>, to: &mut To<'_>) {
        self.send_own(b"0", &[], to, |frame, _| {
            if let Some(id) = answers {
                frame.text(112, id);
            }
        });
    }

    pub(super) fn send_test_request(&mut self, id: &[u8], to: &mut To<'_>) {
        self.send_own(b"1", &[], to, |frame, _| frame.text(112, id));
    }

    /// Asks for everything from `from`, or through `end` where that is not the end of everything.
    pub(super) fn send_resend_request(&mut self, from: u64, end: Option<u64>, to: &mut To<'_>) {
        let all = if self.setup.begin < BeginString::Fix42 { END_OF_ALL } else { 0 };
        self.send_own(b"2", &[], to, |frame, _| {
            frame.integer(7, from);
            frame.integer(16, end.unwrap_or(all));
        });
    }

    pub(super) fn send_logout(&mut self, text: &[u8], to: &mut To<'_>) {
        self.send_own(b"5", &[], to, |frame, _| {
            if !text.is_empty() {
                frame.text(58, text);
            }
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

    /// Writes an administrative message with the next number and sends it; `routing` are further header fields.
    pub(super) fn send_own(
        &mut self,
        kind: &[u8],
        routing: &[u8],
        to: &mut To<'_>,
        body: impl FnOnce(&mut Frame, &Session),
    ) {
        let mut frame = core::mem::take(&mut self.frame);
        let sequence = self.next_out;
        self.open_frame(&mut frame, kind, sequence, None, routing, to.now);
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
