//! # Room card: wire/fix/session/admin
//! In:    the session's numbers and the time.
//! Out:   its own messages: logon, heartbeat, test request, resend request, reject, gap fill, logout.
//! Holds: each takes the next number and none else; what the peer sent is echoed only when it can be written.
//! Costs: one stack buffer a message.
use types::time::NANOS_PER_SECOND;
use types::{Code, UnixNanos};

use super::super::message::Message;
use super::super::write::Writer;
use super::super::{FIX_OUT_BYTES_MAX, Header};
use super::{Out, RejectReason, Role, Session};

impl Session {
    /// Writes a message with the next number and sends it.
    fn send(
        &mut self,
        kind: &[u8],
        now: UnixNanos,
        out: &mut dyn Out,
        body: impl FnOnce(&mut Writer<'_>, &Session) -> Result<(), Code>,
    ) {
        let mut bytes = [0; FIX_OUT_BYTES_MAX];
        let written = Writer::open_as(&mut bytes, kind, &self.header(now), None).and_then(|mut writer| {
            body(&mut writer, self)?;
            writer.close()
        });
        debug_assert!(written.is_ok(), "checked at new, or left out where it was");
        if let Ok(length) = written {
            self.take_sequence(now);
            out.send(&bytes[..length]);
        }
    }

    pub(super) fn send_logon(&mut self, reset: bool, now: UnixNanos, out: &mut dyn Out) {
        self.send(b"A", now, out, |writer, session| {
            writer.put(b"98=0\x01");
            writer.integer(b"108=", session.heartbeat.0 as u64 / NANOS_PER_SECOND);
            if reset {
                writer.put(b"141=Y\x01");
            }
            if session.setup.role == Role::Initiator {
                if let Some(name) = &session.setup.username {
                    writer.text_field(b"553=", name)?;
                }
                if let Some(password) = &session.setup.password {
                    writer.text_field(b"554=", password)?;
                }
                if session.setup.cancel_on_disconnect {
                    writer.put(b"9001=Y\x01");
                }
            }
            Ok(())
        });
    }

    /// `answers` is the TestReqID of the peer's test request.
    pub(super) fn send_heartbeat(&mut self, answers: Option<&[u8]>, now: UnixNanos, out: &mut dyn Out) {
        self.send(b"0", now, out, |writer, _| match answers {
            Some(id) => writer.text_field(b"112=", id),
            None => Ok(()),
        });
    }

    pub(super) fn send_test_request(&mut self, now: UnixNanos, out: &mut dyn Out) {
        self.send(b"1", now, out, |writer, session| {
            writer.integer(b"112=", session.next_out);
            Ok(())
        });
    }

    pub(super) fn send_resend_request(&mut self, from: u64, now: UnixNanos, out: &mut dyn Out) {
        self.send(b"2", now, out, |writer, _| {
            writer.integer(b"7=", from);
            writer.put(b"16=0\x01");
            Ok(())
        });
    }

    pub(super) fn send_logout(&mut self, text: &[u8], now: UnixNanos, out: &mut dyn Out) {
        self.send(b"5", now, out, |writer, _| if text.is_empty() { Ok(()) } else { writer.text_field(b"58=", text) });
    }

    /// Rejects a message of the peer (35=3); `tag` 0 names none. The message's number counts as received.
    pub fn reject(&mut self, message: &Message<'_>, reason: RejectReason, tag: u32, now: UnixNanos, out: &mut dyn Out) {
        self.send(b"3", now, out, |writer, _| {
            writer.integer(b"45=", message.sequence());
            if tag != 0 {
                writer.integer(b"371=", tag as u64);
            }
            let kind = message.msg_type();
            if kind.iter().all(|byte| (0x20..0x7f).contains(byte)) {
                writer.text_field(b"372=", kind)?;
            }
            writer.integer(b"373=", reason as u64);
            Ok(())
        });
    }

    /// SequenceReset with GapFillFlag from `from` up to and without `next`. It takes no number of its own.
    pub(super) fn send_gap_fill(&mut self, from: u64, next: u64, now: UnixNanos, out: &mut dyn Out) {
        let header = Header { sequence: from, ..self.header(now) };
        let original = super::super::write::stamp(now);
        let mut bytes = [0; FIX_OUT_BYTES_MAX];
        let written =
            Writer::open_as(&mut bytes, b"4", &header, Some(&original[..original.len() - 1])).and_then(|mut writer| {
                writer.put(b"123=Y\x01");
                writer.integer(b"36=", next);
                writer.close()
            });
        if let Ok(length) = written {
            self.last_out = now;
            out.send(&bytes[..length]);
        }
    }
}
