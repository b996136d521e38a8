//! # Room card: wire/fix/session/resend
//! In:    the peer's ResendRequest, the store of what was sent; a number beyond the expected one.
//! Out:   kept messages with 43=Y and OrigSendingTime, gap fills over the rest; our own ResendRequest.
//! Holds: what is answered covers the asked range exactly once, in order; the peer is asked again only when that can
//!        help.
//! Costs: one pass over the kept messages of the range.
use types::UnixNanos;

use super::super::message::Message;
use super::super::write::Writer;
use super::super::{FIX_OUT_BYTES_MAX, Header};
use super::{Gap, Out, RejectReason, Session, Store};

impl Session {
    /// Answers a ResendRequest.
    pub(super) fn resend(&mut self, request: &Message<'_>, now: UnixNanos, store: &dyn Store, out: &mut dyn Out) {
        let (begin, end) = (request.integer(7), request.integer(16));
        let (Some(begin), Some(end)) = (begin, end) else {
            let tag = if begin.is_none() { 7 } else { 16 };
            let reason =
                if request.get(tag).is_none() { RejectReason::TagMissing } else { RejectReason::FormatIncorrect };
            return self.reject(request, reason, tag, now, out);
        };
        // Before FIX 4.3 the end of everything was 999999, since then 0.
        let last = self.next_out - 1;
        let end = if end == 0 { last } else { end.min(last) };
        if begin == 0 || begin > end {
            return self.reject(request, RejectReason::ValueIncorrect, 7, now, out);
        }
        let mut next = begin;
        // Bound: the kept messages of the range; each round moves `next` up.
        while let Some((sequence, bytes)) = store.next(next) {
            if sequence < next || sequence > end {
                break;
            }
            if sequence > next {
                self.send_gap_fill(next, sequence, now, out);
            }
            if !self.send_again(sequence, bytes, now, out) {
                self.send_gap_fill(sequence, sequence + 1, now, out);
            }
            next = sequence + 1;
        }
        if next <= end {
            self.send_gap_fill(next, end + 1, now, out);
        }
    }

    /// Sends a kept message again; false when it cannot be written.
    fn send_again(&mut self, sequence: u64, bytes: &[u8], now: UnixNanos, out: &mut dyn Out) -> bool {
        let Ok(kept) = Message::parse(bytes) else { return false };
        let header = Header { sequence, ..self.header(now) };
        let mut again = [0; FIX_OUT_BYTES_MAX];
        let written = Writer::open_as(&mut again, kept.msg_type(), &header, Some(kept.sending_time_text())).and_then(
            |mut writer| {
                writer.bytes(kept.body());
                writer.close()
            },
        );
        if let Ok(length) = written {
            self.last_out = now;
            out.send(&again[..length]);
        }
        written.is_ok()
    }

    /// A message beyond the expected number was dropped: asks for what is missing, unless that is on its way.
    pub(super) fn ask_again(&mut self, message: &Message<'_>, now: UnixNanos, out: &mut dyn Out) {
        let sequence = message.sequence();
        let waits = self.gap.is_some_and(|gap| {
            let patience = self.heartbeat.0.max(types::time::NANOS_PER_SECOND as i64);
            let answer_has_gap = message.poss_dup() && self.next_in > gap.from;
            !answer_has_gap && now.since(gap.asked).0 < patience
        });
        let through = self.gap.map_or(0, |gap| gap.through).max(sequence);
        if waits {
            self.gap = self.gap.map(|gap| Gap { through, ..gap });
            return;
        }
        self.gap = Some(Gap { from: self.next_in, through, asked: now });
        self.send_resend_request(self.next_in, now, out);
    }
}
