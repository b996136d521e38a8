//! # Room card: wire/fix/session/outgoing
//! In:    an application message: type, further header fields, body.
//! Out:   the whole message, kept and sent.
//! Holds: 8, 9, 35, then header tags ascending, then the body as given, then 10; kept before it is sent.
//! Costs: one copy of the message and its checksum; no allocation once the longest message has been written.
use types::{Code, UnixNanos};

use super::super::message::{Field, Fields};
use super::frame::Frame;
use super::{Out, Role, SEQUENCE_MAX, SESSION_OUT_BYTES_MAX, Session, State, Store, To};

/// An application message to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// MsgType (35): one or more printable characters.
    pub kind: &'a [u8],
    /// Header fields beside the session's own, `tag=value` each with its separator, tags ascending: 97, 115, 116, 128,
    /// 129, 144, 145, 1128 and the like. None of 8, 9, 34, 35, 43, 49, 52, 56, 122.
    pub header: &'a [u8],
    /// Body fields in their order, each with its separator.
    pub body: &'a [u8],
}

/// Header fields the session writes itself.
pub(super) const fn is_own(tag: u32) -> bool {
    matches!(tag, 8 | 9 | 34 | 35 | 43 | 49 | 50 | 52 | 56 | 57 | 122 | 142 | 143 | 369)
}

impl Session {
    /// Sends an application message under the next number, which it returns.
    ///
    /// While the session is not open it is kept and takes its number, where `SessionSetup::keep_when_closed` says so:
    /// what has a number below our logon's the peer asks for after it, what came behind it is sent with the peer's
    /// answer. Errors, after which nothing has changed: `FixNotOpen`, `FixFieldInvalid` for a type, header or body that
    /// is not as `Outgoing` says, `FixTooLarge` beyond `SESSION_OUT_BYTES_MAX`, `FixSequence` when the numbers are used
    /// up.
    pub fn send(
        &mut self,
        message: &Outgoing<'_>,
        now: UnixNanos,
        store: &mut dyn Store,
        out: &mut dyn Out,
    ) -> Result<u64, Code> {
        if self.state != State::Open && !self.setup.keep_when_closed {
            return Err(Code::FixNotOpen);
        }
        if self.next_out >= SEQUENCE_MAX {
            return Err(Code::FixSequence);
        }
        if message.body.len() + message.header.len() > SESSION_OUT_BYTES_MAX {
            return Err(Code::FixTooLarge);
        }
        let kind_fits = !message.kind.is_empty() && message.kind.iter().all(|byte| (0x21..0x7f).contains(byte));
        let body_fits = message.body.first().is_none_or(u8::is_ascii_digit) && message.body.ends_with(b"\x01")
            || message.body.is_empty();
        if !kind_fits || !body_fits || !is_header(message.header) {
            return Err(Code::FixFieldInvalid);
        }
        let mut frame = core::mem::take(&mut self.frame);
        let sequence = self.next_out;
        self.open_frame(&mut frame, message.kind, sequence, None, message.header, now);
        frame.raw(message.body);
        let sent = frame.close(self.setup.begin).map(|bytes| {
            store.keep(sequence, bytes, true);
            self.next_out = sequence + 1;
            if self.state == State::Open {
                self.last_out = now;
                out.send(bytes);
            } else if self.state == State::LoggingOn {
                self.unsent.get_or_insert(sequence);
            }
            sequence
        });
        self.frame = frame;
        sent
    }

    /// Initiator: sends what was kept behind our logon, for the first time. An acceptor's has numbers below its logon's
    /// and is asked for.
    pub(super) fn send_unsent(&mut self, to: &mut To<'_>) {
        let Some(mut next) = self.unsent.take().filter(|_| self.setup.role == Role::Initiator) else { return };
        // Bound: what was kept while the logon was on its way.
        while let Some((sequence, bytes)) = to.store.next(next) {
            self.last_out = to.now;
            to.out.send(bytes);
            next = sequence.saturating_add(1);
        }
    }

    /// The header of a message: its own fields and `extra`, ascending. `original` is the SendingTime of a message that
    /// was sent before.
    pub(super) fn open_frame(
        &self,
        frame: &mut Frame,
        kind: &[u8],
        sequence: u64,
        original: Option<&[u8]>,
        extra: &[u8],
        now: UnixNanos,
    ) {
        let setup = &self.setup;
        let precision = setup.time_precision();
        frame.open();
        frame.text(35, kind);
        let mut rest = Extra::over(extra);
        rest.below(34, frame);
        frame.integer(34, sequence);
        if original.is_some() {
            rest.below(43, frame);
            frame.text(43, b"Y");
        }
        rest.below(49, frame);
        frame.text(49, &setup.sender);
        rest.name(50, &setup.sender_sub, frame);
        rest.below(52, frame);
        frame.time(52, now, precision);
        rest.below(56, frame);
        frame.text(56, &setup.target);
        rest.name(57, &setup.target_sub, frame);
        if let Some(original) = original {
            rest.below(122, frame);
            frame.text(122, original);
        }
        rest.name(142, &setup.sender_location, frame);
        rest.name(143, &setup.target_location, frame);
        if setup.last_processed {
            rest.below(369, frame);
            frame.integer(369, self.next_in - 1);
        }
        rest.below(u32::MAX, frame);
    }
}

/// Whole fields with ascending tags, none of the session's own.
fn is_header(fields: &[u8]) -> bool {
    let mut last = 0;
    (fields.is_empty() || fields.last() == Some(&1))
        && Fields::over(fields).all(|field| {
            let fits = field.tag > last && !is_own(field.tag);
            last = field.tag;
            fits
        })
}

/// Fields that are put between others by their tags.
struct Extra<'a> {
    fields: Fields<'a>,
    next: Option<Field<'a>>,
}

impl<'a> Extra<'a> {
    fn over(bytes: &'a [u8]) -> Extra<'a> {
        let mut fields = Fields::over(bytes);
        let next = fields.next();
        Extra { fields, next }
    }

    /// Those with a tag below this one.
    fn below(&mut self, tag: u32, frame: &mut Frame) {
        while let Some(field) = self.next.filter(|field| field.tag < tag) {
            frame.text(field.tag, field.value);
            self.next = self.fields.next();
        }
    }

    /// One with this tag is not wanted.
    fn without(&mut self, tag: u32) {
        if self.next.is_some_and(|field| field.tag == tag) {
            self.next = self.fields.next();
        }
    }

    fn name(&mut self, tag: u32, value: &Option<Vec<u8>>, frame: &mut Frame) {
        if let Some(value) = value {
            self.below(tag, frame);
            frame.text(tag, value);
        }
    }
}

impl Frame {
    /// Fields of ours and prepared ones, both ascending; of two with the same tag, ours.
    pub(super) fn merged(&mut self, own: &[(u32, Option<&[u8]>)], prepared: &[u8]) {
        let mut rest = Extra::over(prepared);
        for &(tag, value) in own {
            if let Some(value) = value {
                rest.below(tag, self);
                rest.without(tag);
                self.text(tag, value);
            }
        }
        rest.below(u32::MAX, self);
    }
}
