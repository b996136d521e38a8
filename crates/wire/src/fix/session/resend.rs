//! # Room card: wire/fix/session/resend
//! In:    the peer's ResendRequest, the store of what was sent; a number beyond the expected one.
//! Out:   kept messages with 43=Y and OrigSendingTime, gap fills over the rest; our own ResendRequest.
//! Holds: what is answered covers the asked range exactly once, in order; the peer is asked again only when that can
//!        help.
//! Costs: one pass over the kept messages of the range.
use types::UnixNanos;
use types::time::NANOS_PER_SECOND;

use super::super::index::BeginString;
use super::super::message::{Fields, Message};
use super::admin::END_OF_ALL;
use super::frame::Frame;
use super::outgoing::is_own;
use super::{Gap, Out, RejectReason, Session, State, Store, To};

/// What of a resend waits for room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Rest {
    next: u64,
    end: u64,
}

impl Session {
    /// Answers a ResendRequest.
    pub(super) fn resend(&mut self, request: &Message<'_>, to: &mut To<'_>) {
        if self.setup.no_resend {
            return self.send_reject(request, RejectReason::MessageType, 0, to);
        }
        let (begin, end) = (request.integer(7), request.integer(16));
        let (Some(begin), Some(end)) = (begin, end) else {
            let tag = if begin.is_none() { 7 } else { 16 };
            let reason =
                if request.get(tag).is_none() { RejectReason::TagMissing } else { RejectReason::FormatIncorrect };
            return self.send_reject(request, reason, tag, to);
        };
        let last = self.next_out - 1;
        let all = end == 0 || (end == END_OF_ALL && self.setup.begin <= BeginString::Fix42);
        let end = if all { last } else { end.min(last) };
        if begin == 0 || begin > end {
            return self.send_reject(request, RejectReason::ValueIncorrect, 7, to);
        }
        self.send_range(begin, end, to);
    }

    /// Sends everything from `begin` through `end` again: what is kept, and gap fills over the rest. When `Out` has no
    /// more room the remainder waits for `resend_rest`; what is asked for meanwhile joins it.
    pub(super) fn send_range(&mut self, begin: u64, end: u64, to: &mut To<'_>) {
        let (mut again, mut next, mut end) = (Frame::new(), begin, end);
        if let Some(rest) = self.rest.take() {
            (next, end) = (next.min(rest.next), end.max(rest.end));
        }
        // Bound: the kept messages of the range; each round moves `next` up.
        while let Some((sequence, bytes)) = to.store.next(next) {
            if sequence < next || sequence > end {
                break;
            }
            let written = self.write_again(&mut again, sequence, bytes, to.now);
            if written {
                if sequence > next {
                    self.send_gap_fill(next, sequence, to);
                }
                self.last_out = to.now;
                to.out.send(again.bytes());
                next = sequence + 1;
            } else if let Some(after) = sequence.checked_add(1) {
                // Kept, and no message: filled over with what is beside it.
                self.send_gap_fill(next, after, to);
                next = after;
            }
            if next <= end && !to.out.has_room() {
                self.rest = Some(Rest { next, end });
                return;
            }
        }
        if next <= end {
            self.send_gap_fill(next, end + 1, to);
        }
    }

    /// Goes on with a resend that `Out` had no room for, as far as it has now.
    pub fn resend_rest(&mut self, now: UnixNanos, store: &mut dyn Store, out: &mut dyn Out) {
        if let Some(rest) = self.rest.filter(|_| self.is_live()) {
            let to = &mut To { now, store, out };
            self.send_range(rest.next, rest.end, to);
            if self.restart.is_some() {
                self.tend_restart(to);
            }
        }
    }

    /// Is there such a resend?
    pub const fn has_rest(&self) -> bool {
        self.rest.is_some()
    }

    /// A kept message as a possible duplicate; false when it cannot be written.
    fn write_again(&self, again: &mut Frame, sequence: u64, bytes: &[u8], now: UnixNanos) -> bool {
        let Ok(kept) = Message::parse(bytes) else { return false };
        // Header fields beside the session's own, as they were.
        let mut extra = Vec::new();
        let head = &bytes[..bytes.len().saturating_sub(kept.body().len() + super::super::message::TRAILER_BYTES)];
        for field in Fields::over(head).filter(|field| field.tag != 0 && !is_own(field.tag)) {
            extra.extend_from_slice(field.tag.to_string().as_bytes());
            extra.push(b'=');
            extra.extend_from_slice(field.value);
            extra.push(1);
        }
        self.open_frame(again, kept.msg_type(), sequence, Some(kept.sending_time_text()), &extra, now);
        again.raw(kept.body());
        again.close(self.setup.begin).is_ok()
    }

    /// A message beyond the expected number came: asks for what is missing, unless that is on its way.
    pub(super) fn ask_again(&mut self, message: &Message<'_>, to: &mut To<'_>) {
        let sequence = message.sequence();
        let waits = self.gap.is_some_and(|gap| {
            let patience = self.heartbeat.0.max(NANOS_PER_SECOND as i64);
            let answer_has_gap = message.poss_dup() && self.next_in > gap.from;
            !answer_has_gap && to.now.since(gap.asked).0 < patience
        });
        let through = self.gap.map_or(0, |gap| gap.through).max(sequence);
        if waits {
            self.gap = self.gap.map(|gap| Gap { through, ..gap });
        } else {
            self.ask(through, to);
        }
    }

    /// Asks for everything from the expected number on, or for the first part of it. The last part has no end: were
    /// its end the largest number seen, two sides without a queue that ask each other would each make one more number
    /// that the other has to ask for, for ever. For the same reason a part that came and left the gap as wide as it was
    /// makes the next one twice as large.
    fn ask(&mut self, through: u64, to: &mut To<'_>) {
        let from = self.next_in;
        let left = through.saturating_sub(from);
        let size = match self.gap {
            Some(gap) if from > gap.from && left >= gap.left => gap.part.saturating_mul(2),
            Some(gap) => gap.part,
            None => self.setup.resend_chunk,
        };
        let part = (size > 0).then(|| from.saturating_add(size - 1)).filter(|&end| end < through);
        self.gap = Some(Gap { from, end: part.unwrap_or(u64::MAX), through, left, part: size, asked: to.now });
        self.send_resend_request(from, part, to);
    }

    /// After each message while something is missing: takes the numbers of messages that were answered when they came,
    /// and asks for the next part.
    #[cold]
    pub(super) fn tend_gap(&mut self, to: &mut To<'_>) {
        if self.state == State::Ended {
            return;
        }
        while self.queue.take_answered(self.next_in) {
            self.advance(self.next_in + 1);
        }
        self.queue.drop_below(self.next_in);
        if let Some(gap) = self.gap
            && self.next_in > gap.end
            && !self.queue.has(self.next_in)
        {
            self.ask(gap.through, to);
        }
    }
}
