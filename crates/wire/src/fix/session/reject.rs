//! # Room card: wire/fix/session/reject
//! In:    a message of the peer that is not taken, and why.
//! Out:   Reject (35=3) or BusinessMessageReject (35=j), as the version has them, routed back.
//! Holds: before FIX.4.2 the reason is words alone, with the tag in brackets; FIX.4.2 has reasons up to 11.
//! Costs: one message's bytes, reused; only refusals pay it.
use types::UnixNanos;

use super::super::index::BeginString;
use super::super::message::Message;
use super::super::value;
use super::route::{anywhere, no_tag, turned};
use super::{BusinessReason, Out, RejectReason, Session, Store, To};

/// The number of a message that may have its fields anywhere; 0 when it has none.
pub(super) fn number_of(message: &Message<'_>) -> u64 {
    match message.sequence() {
        0 => anywhere(message.bytes(), 34).and_then(value::integer).unwrap_or(0),
        sequence => sequence,
    }
}

impl Session {
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
    /// a Reject. `tag` 0 names none.
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

    pub(super) fn send_reject(&mut self, message: &Message<'_>, reason: RejectReason, tag: u32, to: &mut To<'_>) {
        let named = tag != 0 || reason == RejectReason::InvalidTag;
        let tag = tag.to_string();
        let unread = no_tag(message.bytes()).filter(|_| tag == "0");
        let tag = unread.unwrap_or(tag.as_bytes());
        self.send_refusal(message, to, |session, message, frame| {
            let words = reason.text().as_bytes();
            if session.setup.begin < BeginString::Fix42 {
                let text = if named { [words, b" (", tag, b")"].concat() } else { words.to_vec() };
                return frame.text(58, &text);
            }
            frame.text(58, words);
            if named {
                frame.text(371, tag);
            }
            if !message.msg_type().is_empty() {
                frame.text(372, message.msg_type());
            }
            if session.setup.begin > BeginString::Fix42 || reason as u8 <= RejectReason::MessageType as u8 {
                frame.integer(373, reason as u64);
            }
        });
    }

    pub(super) fn send_business_reject(
        &mut self,
        message: &Message<'_>,
        reason: BusinessReason,
        tag: u32,
        to: &mut To<'_>,
    ) {
        // A BusinessMessageReject has no field for the tag.
        let in_brackets = if tag == 0 { String::new() } else { format!(" ({tag})") };
        if self.setup.begin < BeginString::Fix42 {
            let words = match reason {
                // QuickFIX's words for this one differ by version.
                BusinessReason::UnsupportedType => "Unsupported message type",
                reason => reason.text(),
            };
            let text = [words, &in_brackets].concat();
            return self.send_refusal(message, to, |_, _, frame| frame.text(58, text.as_bytes()));
        }
        let text = [reason.text(), &in_brackets].concat();
        let routing = turned(message.bytes(), &self.setup);
        let number = number_of(message);
        self.send_own(b"j", &routing, to, |frame, session| {
            frame.integer(45, number);
            frame.text(58, text.as_bytes());
            frame.text(372, message.msg_type());
            frame.integer(380, reason as u64);
            if let Some(version) = session.setup.default_appl_ver.as_deref()
                && session.setup.begin == BeginString::Fixt11
            {
                frame.text(1137, version);
            }
        });
    }

    /// A Reject: which message, then what `body` says.
    fn send_refusal(
        &mut self,
        message: &Message<'_>,
        to: &mut To<'_>,
        body: impl FnOnce(&Session, &Message<'_>, &mut super::frame::Frame),
    ) {
        let routing = turned(message.bytes(), &self.setup);
        let number = number_of(message);
        self.send_own(b"3", &routing, to, |frame, session| {
            frame.integer(45, number);
            body(session, message, frame);
        });
    }
}
