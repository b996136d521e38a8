//! # Room card: engine/session
//! In:    bytes and states of order connections with a FIX session, its timers, requests that are sent.
//! Out:   session messages, reports applied, connections given up.
//! Holds: our numbers are made here, so that a replay makes them again; what was sent is never sent again, a statement
//!        says what arrived (a resend request is answered by a gap fill, and everything is agreed anew); bytes that are
//!        no message are skipped and counted.
//! Costs: a fill: split, header, decode, and what any report costs; no allocation.
//!
//! When a session ends by its own rules, an event Conn with detail Down and the reason is published: the driver
//! closes a connection it thinks is up when it sees that.
use oms::fee_by_rate;
use risk::Failure;
use types::limits::FIX_INPUT_BYTES_MAX;
use types::{
    Code, ConnId, ConnState, Effects, Event, EventKind, InstrumentId, OrderEvent, OrderEventKind, OrderId, OrderState,
    UnixNanos, VenueId,
};
use wire::fix::report::{self, Report};
use wire::fix::{Inbox, Listing, Message, NoStore, Verdict};

use crate::entry::{Sent, Stage, Wire, fix_timer};
use crate::{Dirty, Engine};

impl Engine {
    /// An order connection with a session came up: log on. The gate opens when orders and positions agree.
    pub(crate) fn session_up(&mut self, venue: VenueId, now: UnixNanos, effects: &mut Effects) {
        let Some(fix) = self.entries[venue.0 as usize].fix.as_mut() else { return };
        if let Some(inbox) = &mut fix.inbox {
            inbox.clear();
        }
        fix.questions.clear();
        (fix.stage, fix.stage_ends) = (Stage::Offline, UnixNanos::NONE);
        if fix.reset_next {
            fix.forget_sent();
        }
        fix.session.set_reset_on_logon(fix.reset_next);
        fix.session.connected(now, &mut NoStore, &mut Wire { effects, conn: ConnId::orders(venue) });
        self.arm_session_timer(venue, effects);
    }

    /// The connection is gone. Requests without an answer stay so: they are asked about after the next logon.
    pub(crate) fn session_down(&mut self, venue: VenueId, now: UnixNanos) {
        let Some(fix) = self.entries[venue.0 as usize].fix.as_mut() else { return };
        fix.session.disconnected(now, &mut NoStore);
        fix.questions.clear();
        (fix.stage, fix.stage_ends) = (Stage::Offline, UnixNanos::NONE);
    }

    /// Bytes of an order connection.
    pub(crate) fn on_orders_bytes(&mut self, venue: VenueId, bytes: &[u8], now: UnixNanos, effects: &mut Effects) {
        let entry = self.entries.get_mut(venue.0 as usize);
        let taken = entry.filter(|entry| entry.conn != ConnState::Down);
        let Some(mut inbox) = taken.and_then(|entry| entry.fix.as_mut()).and_then(|fix| fix.inbox.take()) else {
            // Of no session, or of one that has ended and whose connection is about to be closed.
            return self.fault(Code::InputUnexpected, InstrumentId(0), now, effects);
        };
        if bytes.len() > FIX_INPUT_BYTES_MAX {
            self.end_session(venue, Some(Code::InputTooLarge), now, effects);
        } else {
            self.take_messages(&mut inbox, venue, bytes, now, effects);
        }
        if let Some(fix) = &mut self.entries[venue.0 as usize].fix {
            fix.inbox = Some(inbox);
        }
        self.logout_when_done(venue, now, effects);
        self.arm_session_timer(venue, effects);
    }

    /// Every message that ends within these bytes, in order, until the session ends.
    fn take_messages(
        &mut self,
        inbox: &mut Inbox,
        venue: VenueId,
        bytes: &[u8],
        now: UnixNanos,
        effects: &mut Effects,
    ) {
        let (garbled, mut rest) = (inbox.garbled(), bytes);
        // Each round takes a message's bytes, or is the last.
        while self.entries[venue.0 as usize].conn != ConnState::Down {
            match inbox.next(rest) {
                Ok(step) => {
                    rest = rest.get(step.consumed..).unwrap_or_default();
                    match step.message {
                        Some(message) => self.on_fix_message(venue, message, now, effects),
                        None if step.consumed == 0 || rest.is_empty() => break,
                        None => {}
                    }
                }
                Err(code) => self.end_session(venue, Some(code), now, effects),
            }
        }
        if inbox.garbled() != garbled {
            self.fault(Code::FixMalformed, InstrumentId(0), now, effects);
        }
    }

    fn on_fix_message(&mut self, venue: VenueId, bytes: &[u8], now: UnixNanos, effects: &mut Effects) {
        let message = match Message::parse(bytes) {
            Ok(message) => message,
            Err(code) => return self.fault(code, InstrumentId(0), now, effects),
        };
        let Some(fix) = self.entries[venue.0 as usize].fix.as_mut() else { return };
        let out = &mut Wire { effects: &mut *effects, conn: ConnId::orders(venue) };
        let (next_in, next_out) = (fix.session.next_in(), fix.session.next_out());
        let verdict = fix.session.on_message(&message, now, &mut NoStore, out);
        let begun_anew = fix.session.next_out() < next_out;
        if begun_anew {
            fix.forget_sent();
        }
        match verdict {
            Verdict::Deliver => self.on_fix_report(venue, &message, now, effects),
            // A peer that begins anew in the midst of it may have lost more than its numbers.
            Verdict::Restarted if begun_anew => self.reconcile(venue, now, effects),
            // Numbers passed over: what they carried was lost on its way and is not sent again.
            Verdict::Handled if message.msg_type() == b"4" => {
                let passed = fix.session.next_in() > next_in;
                // Before, every answer is still to come, and comes after what was passed over.
                if passed && matches!(fix.stage, Stage::Status | Stage::Positions | Stage::Agreed) {
                    self.reconcile(venue, now, effects);
                }
            }
            // The peer has missed something, and what came after it was dropped there too.
            Verdict::Handled if message.msg_type() == b"2" => {
                let from = message.integer(7).unwrap_or(0);
                let lost = self.entries[venue.0 as usize].fix.as_ref().is_some_and(|fix| fix.has_sent_since(from));
                if lost {
                    self.reconcile(venue, now, effects);
                }
            }
            verdict => self.on_verdict(venue, verdict, now, effects),
        }
    }

    #[cold]
    fn on_verdict(&mut self, venue: VenueId, verdict: Verdict, now: UnixNanos, effects: &mut Effects) {
        match verdict {
            Verdict::Deliver | Verdict::Handled | Verdict::Restarted => {}
            Verdict::LoggedOn => self.reconcile(venue, now, effects),
            Verdict::LoggedOut => self.end_session(venue, None, now, effects),
            Verdict::Ended(code) => self.end_session(venue, Some(code), now, effects),
        }
    }

    /// What the venue says, applied.
    fn on_fix_report(&mut self, venue: VenueId, message: &Message<'_>, now: UnixNanos, effects: &mut Effects) {
        let listing = Listing { instruments: &self.setup.instruments, venue };
        let Some(fix) = self.entries[venue.0 as usize].fix.as_ref() else { return };
        // What `request::positions` asks about.
        let account = fix.session.sender();
        match report::decode(message, &listing) {
            Ok(Report::Order(told)) => {
                let mut event = told.event;
                if !told.terms_stated {
                    let order = self.orders.order(event.order_id());
                    let Some(order) = order.filter(|order| self.venue_of(order.instrument) == venue) else {
                        return self.fault(Code::UnknownOrder, InstrumentId(0), now, effects);
                    };
                    (event.instrument, event.side) = (order.instrument.0, order.side as u8);
                }
                let at = &self.setup.instruments[event.instrument().index()];
                if event.kind() == Some(OrderEventKind::Fill)
                    && !told.fee_stated
                    && let Err(code) = fee_by_rate(&mut event, at)
                {
                    self.fault(code, event.instrument(), now, effects);
                    return self.trade_unbooked(event.order_id(), event.instrument(), now, effects);
                }
                self.on_report(&event, now, effects);
            }
            Ok(Report::MassCancel(answer)) => self.on_mass_cancel_answer(venue, &answer, now, effects),
            Ok(Report::Position(stated)) if !stated.account.is_empty() && stated.account != account => {
                self.fault(Code::InputUnexpected, stated.event.instrument(), now, effects);
            }
            Ok(Report::Position(stated)) => self.on_stated_position(venue, &stated.event, now, effects),
            Ok(Report::Refused(refused)) => self.on_refused(venue, &refused, now, effects),
            Ok(Report::Ignored) => {}
            Err(code) => {
                self.fault(code, InstrumentId(0), now, effects);
                if message.msg_type() == b"8" {
                    self.on_unread(venue, message, now, effects);
                }
            }
        }
    }

    /// An execution report that cannot be read: its order is asked about; if it told of a trade, the position too.
    #[cold]
    fn on_unread(&mut self, venue: VenueId, message: &Message<'_>, now: UnixNanos, effects: &mut Effects) {
        let listing = Listing { instruments: &self.setup.instruments, venue };
        let stated = message.get(55).and_then(|symbol| listing.find(symbol)).map(|instrument| instrument.id);
        let order = report::names(message).and_then(|id| self.orders.order(id));
        let order = order.filter(|order| self.venue_of(order.instrument) == venue);
        let (id, known) = order.map_or((OrderId::NONE, None), |order| (order.id, Some(order.instrument)));
        let trades = matches!(message.get(150), Some(b"F" | b"G" | b"H"));
        match known.or(stated) {
            Some(instrument) if trades => self.trade_unbooked(id, instrument, now, effects),
            None if trades => self.recheck_positions(venue, now, effects),
            _ => self.ask_status(id, now, effects),
        }
    }

    /// A message of ours was refused as a message: the request in it is refused, or what was asked will not be
    /// answered.
    #[cold]
    fn on_refused(&mut self, venue: VenueId, refused: &report::Refused<'_>, now: UnixNanos, effects: &mut Effects) {
        let Some(fix) = self.entries[venue.0 as usize].fix.as_ref() else { return };
        let by_id = refused.id.filter(|id| id.session() == self.orders.session()).map(|id| Sent::Request(id.counter()));
        let sent = fix.sent_as(refused.sequence).or(by_id);
        match sent {
            Some(Sent::Request(counter)) => {
                self.fault(Code::FixRejected, InstrumentId(0), now, effects);
                self.request_refused(venue, counter, refused.business, now, effects);
            }
            Some(Sent::MassCancel) => {
                self.fault(Code::FixRejected, InstrumentId(0), now, effects);
                self.cancel_one_by_one(venue, now, effects);
            }
            Some(Sent::Status | Sent::Position(_)) => self.end_session(venue, Some(Code::FixRejected), now, effects),
            None => self.fault(Code::FixRejected, InstrumentId(0), now, effects),
        }
    }

    fn request_refused(&mut self, venue: VenueId, counter: u32, business: bool, now: UnixNanos, effects: &mut Effects) {
        let request = OrderId::new(self.orders.session(), counter);
        if !business {
            self.gate.on_failure(venue, Failure::SessionReject, Some(request), now);
        }
        let order = self.orders.order(request).filter(|order| self.venue_of(order.instrument) == venue);
        let Some(order) = order else { return };
        let kind = match counter {
            new if new == order.pending.new => OrderEventKind::Rejected,
            cancel if cancel == order.pending.cancel => OrderEventKind::CancelRejected,
            replace if replace == order.pending.replace.request => OrderEventKind::ReplaceRejected,
            _ => return,
        };
        let mut event = OrderEvent::new(kind, order.instrument, order.side, order.id);
        (event.request, event.reason) = (counter, Code::FixRejected as u16);
        self.on_report(&event, now, effects);
    }

    /// The session is over: the gate shuts, the driver is told to close the connection.
    #[cold]
    pub(crate) fn end_session(&mut self, venue: VenueId, code: Option<Code>, now: UnixNanos, effects: &mut Effects) {
        let entry = &mut self.entries[venue.0 as usize];
        if let Some(fix) = &mut entry.fix {
            // A number refused, or a logon that did not work: begin anew. Whatever is lost with it is asked about.
            fix.reset_next |= matches!(code, Some(Code::FixSequence | Code::FixLogon));
        }
        let blocked = core::mem::replace(&mut entry.conn, ConnState::Down) == ConnState::Blocked;
        self.gate.venue_down(venue, now);
        if blocked {
            self.gate.on_failure(venue, Failure::Disconnect, None, now);
        }
        self.session_down(venue, now);
        if let Some(code) = code {
            self.fault(code, InstrumentId(0), now, effects);
        }
        let mut event = Event::new(EventKind::Conn, InstrumentId(0));
        (event.detail, event.id) = (ConnState::Down as u8, ConnId::orders(venue).0 as u64);
        event.code = code.map_or(0, |code| code as u16);
        self.publish(event, now, effects);
        self.dirty = Dirty::All;
    }

    pub(crate) fn on_session_timer(&mut self, venue: VenueId, now: UnixNanos, effects: &mut Effects) {
        let Some(fix) = self.entries.get_mut(venue.0 as usize).and_then(|entry| entry.fix.as_mut()) else {
            return self.fault(Code::InputUnexpected, InstrumentId(0), now, effects);
        };
        fix.timer = UnixNanos::NONE;
        let stage_over = fix.stage_ends != UnixNanos::NONE && now >= fix.stage_ends;
        let out = &mut Wire { effects: &mut *effects, conn: ConnId::orders(venue) };
        let verdict = fix.session.on_time(now, &mut NoStore, out);
        self.on_verdict(venue, verdict, now, effects);
        if stage_over {
            self.on_stage_over(venue, now, effects);
        }
        self.logout_when_done(venue, now, effects);
        self.arm_session_timer(venue, effects);
    }

    /// The timer is set for what comes first, and left where it is when that moves back: most messages move it back.
    pub(crate) fn arm_session_timer(&mut self, venue: VenueId, effects: &mut Effects) {
        let Some(fix) = self.entries[venue.0 as usize].fix.as_mut() else { return };
        let stage = Some(fix.stage_ends).filter(|&at| at != UnixNanos::NONE);
        let due = [fix.session.deadline(), stage].into_iter().flatten().min();
        if let Some(at) = due.filter(|&at| fix.timer == UnixNanos::NONE || at < fix.timer) {
            fix.timer = at;
            effects.timer(fix_timer(venue), at);
        }
    }

    /// After a close: log out when nothing is left to be answered.
    pub(crate) fn logout_when_done(&mut self, venue: VenueId, now: UnixNanos, effects: &mut Effects) {
        if !self.closing {
            return;
        }
        let open = self.orders.open_orders().any(|order| {
            order.state != OrderState::New && self.setup.instruments[order.instrument.index()].venue == venue
        });
        let Some(fix) = self.entries[venue.0 as usize].fix.as_mut() else { return };
        let waits = !matches!(fix.stage, Stage::Positions | Stage::Agreed) || !fix.questions.is_empty();
        if !open && !waits && fix.session.is_open() {
            let out = &mut Wire { effects: &mut *effects, conn: ConnId::orders(venue) };
            let verdict = fix.session.logout("", now, &mut NoStore, out);
            self.gate.venue_blocked(venue);
            self.on_verdict(venue, verdict, now, effects);
        }
    }
}
