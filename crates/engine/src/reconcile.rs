//! # Room card: engine/reconcile
//! In:    a session that has just logged on, or whose peer has missed messages; answers to the questions asked then,
//!        and to those asked when a report or an answer went missing.
//! Out:   mass cancel, a status request for each order still open here, a position request for each instrument.
//! Holds: the venue's gate opens only when every question is answered and every position agrees; a question not
//!        answered in the session's patience ends it.
//! Costs: once a logon; a message an order and an instrument.
//!
//! Mass cancel (35=q), its report (r); then status (H) of each order that is still open here, or has ended with fills
//! nobody told: it settles every request of before; then positions (AN, AP). A position that differs shuts the gate;
//! orders and positions are asked about again after that patience.
//!
//! When the gate opens, and when it shuts while the connection stands, an event Conn says so: detail Writable or
//! Blocked, code RECONCILING. While trading, an order is asked about when one of its reports was missed, when the
//! venue does not know it any more, and when it answers a request in no time; a position, when an order turns out to
//! be lost.
use types::{
    Code, ConnId, ConnState, Effects, Event, EventKind, InstrumentId, OrderEvent, OrderEventKind, OrderId, OrderState,
    UnixNanos, VenueId,
};
use wire::fix::{report, request};

use crate::entry::{Sent, Stage};
use crate::{Dirty, Engine};

impl Engine {
    /// Logged on: nothing passes before orders and positions agree.
    pub(crate) fn reconcile(&mut self, venue: VenueId, now: UnixNanos, effects: &mut Effects) {
        let was_open = self.gate.is_venue_up(venue);
        self.gate.venue_reconciling(venue);
        self.gate_moved(venue, was_open, now, effects);
        let id = self.orders.skip_request();
        let entry = &mut self.entries[venue.0 as usize];
        let Some(fix) = entry.fix.as_mut() else { return };
        fix.reset_next = false;
        (fix.stage, fix.stage_ends) = (Stage::MassCancel, now.plus(fix.patience));
        let Some(id) = id else { return self.cancel_one_by_one(venue, now, effects) };
        fix.mass_cancel = id;
        let length = request::mass_cancel(&mut self.message[..], &entry.header(now), id, None);
        self.ask(venue, length, Sent::MassCancel, now, effects);
    }

    /// Hands a question to the wire.
    fn ask(&mut self, venue: VenueId, length: Result<usize, Code>, what: Sent, now: UnixNanos, effects: &mut Effects) {
        match length {
            Ok(length) => {
                effects.send(ConnId::orders(venue), &self.message[..length]);
                self.entries[venue.0 as usize].sent(what, now);
            }
            // Names and symbols are checked at start: no question can reach this; if one does, its stage ends in time.
            Err(code) => self.fault(code, InstrumentId(0), now, effects),
        }
    }

    pub(crate) fn on_mass_cancel_answer(
        &mut self,
        venue: VenueId,
        answer: &report::MassCancelReport,
        now: UnixNanos,
        effects: &mut Effects,
    ) {
        let Some(fix) = self.entries[venue.0 as usize].fix.as_ref() else { return };
        let ours = answer.request.filter(|id| id.session() == fix.mass_cancel.session());
        if ours.is_some_and(|id| id < fix.mass_cancel) {
            // Of one that was asked for again meanwhile.
            return;
        }
        if fix.stage != Stage::MassCancel || answer.request.is_some_and(|id| id != fix.mass_cancel) {
            return self.fault(Code::IllegalTransition, InstrumentId(0), now, effects);
        }
        if answer.accepted {
            self.ask_every_status(venue, now, effects);
        } else {
            self.cancel_one_by_one(venue, now, effects);
        }
    }

    /// The venue does not do mass cancels. The questions follow with the next timer: cancels and questions of the
    /// largest table do not fit one turn.
    pub(crate) fn cancel_one_by_one(&mut self, venue: VenueId, now: UnixNanos, effects: &mut Effects) {
        self.cancel_all(crate::send::CancelScope::Venue(venue), now, effects);
        if let Some(fix) = &mut self.entries[venue.0 as usize].fix {
            (fix.stage, fix.stage_ends) = (Stage::AskStatus, now);
        }
    }

    /// Asks about every order still open here, and about those that ended with fills nobody told.
    fn ask_every_status(&mut self, venue: VenueId, now: UnixNanos, effects: &mut Effects) {
        let below = self.orders.next_request();
        let mut ids = core::mem::take(&mut self.open_ids);
        ids.clear();
        let instruments = &self.setup.instruments;
        let open = self.orders.open_orders().filter(|order| instruments[order.instrument.index()].venue == venue);
        // As many as there is memory for; whatever is left shows in the position.
        let most = ids.capacity();
        let ended = self.orders.incomplete();
        let ended = ended.filter(|order| instruments[order.instrument.index()].venue == venue);
        ids.extend(open.chain(ended).take(most).map(|order| order.id));
        if let Some(fix) = &mut self.entries[venue.0 as usize].fix {
            fix.questions.clear();
            (fix.stage, fix.stage_ends) = (Stage::Status, now.plus(fix.patience));
            for &id in &ids {
                fix.questions.push_distinct(id, below);
            }
        }
        for &id in &ids {
            self.send_status_request(venue, id, now, effects);
        }
        self.open_ids = ids;
        self.statuses_done(venue, now, effects);
    }

    /// Asks about an order by the ClOrdID of its unanswered replace, which is the one in force if it arrived, or else
    /// by the one in force here.
    fn send_status_request(&mut self, venue: VenueId, id: OrderId, now: UnixNanos, effects: &mut Effects) {
        let Some(order) = self.orders.order(id) else { return };
        let counter = if order.pending.replace.request != 0 { order.pending.replace.request } else { order.current };
        let (id, side) = (OrderId::new(self.orders.session(), counter), order.side);
        let instrument = &self.setup.instruments[order.instrument.index()];
        let header = self.entries[venue.0 as usize].header(now);
        let length = request::order_status(&mut self.message[..], &header, id, instrument, side);
        self.ask(venue, length, Sent::Status, now, effects);
    }

    /// Asks about one order while trading, where that can be answered.
    #[cold]
    pub(crate) fn ask_status(&mut self, id: OrderId, now: UnixNanos, effects: &mut Effects) {
        let Some(order) = self.orders.order(id) else { return };
        let (id, venue, below) = (order.id, self.venue_of(order.instrument), self.orders.next_request());
        let Some(fix) = self.entries[venue.0 as usize].fix.as_mut() else { return };
        let stage = matches!(fix.stage, Stage::Status | Stage::Positions | Stage::Agreed);
        if stage && fix.session.is_open() && fix.questions.push(id, below) {
            if fix.stage_ends == UnixNanos::NONE {
                fix.stage_ends = now.plus(fix.patience);
            }
            self.send_status_request(venue, id, now, effects);
        }
    }

    /// Which requests a statement of the order settles: `None` when it says nothing about the order itself, only that
    /// the replace it was asked by is not known. Then that replace is refused, if it still waits, and the order is
    /// asked about again.
    pub(crate) fn settled_by(&mut self, report: &OrderEvent, now: UnixNanos, effects: &mut Effects) -> Option<u32> {
        let venue = self.venue_of(report.instrument());
        let entry = &mut self.entries[venue.0 as usize];
        let Some(fix) = &mut entry.fix else { return Some(entry.asked_below) };
        let Some(order) = self.orders.order(report.order_id()) else { return Some(0) };
        let below = fix.questions.take(order.id).unwrap_or(0);
        let unknown = report.state == OrderState::Rejected as u8 && report.reason == Code::VenueUnknownOrder as u16;
        if !unknown || report.request == order.current || report.request == order.id.counter() {
            return Some(below);
        }
        let (id, waits) = (order.id, order.pending.replace.request);
        if waits == report.request && waits < below {
            let mut refused = OrderEvent::new(OrderEventKind::ReplaceRejected, order.instrument, order.side, id);
            (refused.request, refused.reason, refused.time) = (waits, report.reason, report.time);
            self.on_report(&refused, now, effects);
        }
        if below != 0 {
            self.ask_status(id, now, effects);
            self.statuses_done(venue, now, effects);
        }
        None
    }

    /// A statement could not be applied: its question waits until the stage is over.
    pub(crate) fn still_asked(&mut self, venue: VenueId, report: &OrderEvent, below: u32) {
        let id = self.orders.order(report.order_id()).map(|order| order.id);
        if let (Some(fix), Some(id)) = (&mut self.entries[venue.0 as usize].fix, id)
            && below != 0
        {
            fix.questions.push(id, below);
        }
    }

    /// After a statement of an order: are all of them in?
    pub(crate) fn statuses_done(&mut self, venue: VenueId, now: UnixNanos, effects: &mut Effects) {
        let Some(fix) = &mut self.entries[venue.0 as usize].fix else { return };
        if fix.stage == Stage::Agreed {
            let waits = !fix.questions.is_empty();
            fix.stage_ends = if waits { now.plus(fix.patience) } else { UnixNanos::NONE };
        }
        if fix.stage != Stage::Status {
            return;
        }
        fix.stage_ends = now.plus(fix.patience);
        if fix.questions.is_empty() {
            fix.stage = Stage::Positions;
            self.ask_positions(venue, now, effects);
        }
    }

    /// Asks for the position of each of the venue's instruments.
    fn ask_positions(&mut self, venue: VenueId, now: UnixNanos, effects: &mut Effects) {
        for i in 0..self.markets.len() {
            if self.setup.instruments[i].venue == venue {
                self.ask_position(InstrumentId(i as u16), now, effects);
            }
        }
        self.positions_done(venue, now, effects);
    }

    /// The venue has an order open that has ended here: only a mass cancel reaches it now.
    pub(crate) fn orphan_found(&mut self, venue: VenueId, now: UnixNanos, effects: &mut Effects) {
        let fix = self.entries[venue.0 as usize].fix.as_ref();
        if fix.is_some_and(|fix| fix.session.is_open() && fix.stage != Stage::MassCancel) {
            self.reconcile(venue, now, effects);
        }
    }

    /// An order turned out to be lost while trading: what else is not known shows in the position.
    pub(crate) fn recheck_position(&mut self, instrument: InstrumentId, now: UnixNanos, effects: &mut Effects) {
        let venue = self.venue_of(instrument);
        let fix = self.entries[venue.0 as usize].fix.as_ref();
        if fix.is_some_and(|fix| matches!(fix.stage, Stage::Positions | Stage::Agreed)) {
            self.ask_position(instrument, now, effects);
            self.positions_done(venue, now, effects);
        }
    }

    /// A trade was told that could not be booked: its order is asked about, and nothing passes before the position is
    /// stated. One that was asked for and not answered yet comes after the trade.
    #[cold]
    pub(crate) fn trade_unbooked(
        &mut self,
        order: OrderId,
        instrument: InstrumentId,
        now: UnixNanos,
        effects: &mut Effects,
    ) {
        self.ask_status(order, now, effects);
        if !self.markets[instrument.index()].position_asked {
            self.recheck_position(instrument, now, effects);
        }
    }

    /// The same of a trade in nobody knows what.
    #[cold]
    pub(crate) fn recheck_positions(&mut self, venue: VenueId, now: UnixNanos, effects: &mut Effects) {
        for i in 0..self.markets.len() {
            if self.setup.instruments[i].venue == venue {
                self.trade_unbooked(OrderId::NONE, InstrumentId(i as u16), now, effects);
            }
        }
    }

    fn ask_position(&mut self, instrument: InstrumentId, now: UnixNanos, effects: &mut Effects) {
        let venue = self.venue_of(instrument);
        let entry = &self.entries[venue.0 as usize];
        if !entry.fix.as_ref().is_some_and(|fix| fix.session.is_open()) {
            return;
        }
        let Some(id) = self.orders.skip_request() else { return };
        let at = &self.setup.instruments[instrument.index()];
        let length = request::positions(&mut self.message[..], &entry.header(now), id, at);
        self.markets[instrument.index()].position_asked = true;
        self.ask(venue, length, Sent::Position(instrument), now, effects);
    }

    pub(crate) fn on_stated_position(
        &mut self,
        venue: VenueId,
        report: &OrderEvent,
        now: UnixNanos,
        effects: &mut Effects,
    ) {
        // An unapplied statement leaves its question open.
        if self.on_position(report, now, effects) {
            self.markets[report.instrument().index()].position_asked = false;
        }
        self.positions_done(venue, now, effects);
    }

    /// After a statement of a position: does everything agree?
    fn positions_done(&mut self, venue: VenueId, now: UnixNanos, effects: &mut Effects) {
        let was_open = self.gate.is_venue_up(venue);
        let instruments = &self.setup.instruments;
        let mut markets = self.markets.iter().zip(instruments).filter(|(_, instrument)| instrument.venue == venue);
        let open = markets.any(|(market, _)| market.position_asked || market.position_differs);
        let Some(fix) = &mut self.entries[venue.0 as usize].fix else { return };
        match fix.stage {
            Stage::Positions if !open => {
                let waits = !fix.questions.is_empty();
                fix.stage_ends = if waits { now.plus(fix.patience) } else { UnixNanos::NONE };
                fix.stage = Stage::Agreed;
            }
            Stage::Positions => fix.stage_ends = now.plus(fix.patience),
            Stage::Agreed if open => {
                (fix.stage, fix.stage_ends) = (Stage::Positions, now.plus(fix.patience));
            }
            _ => {}
        }
        self.refresh_gate(venue);
        self.gate_moved(venue, was_open, now, effects);
    }

    /// Says when the gate opened or shut while the connection stands.
    fn gate_moved(&mut self, venue: VenueId, was_open: bool, now: UnixNanos, effects: &mut Effects) {
        let open = self.gate.is_venue_up(venue);
        if open != was_open {
            let mut event = Event::new(EventKind::Conn, InstrumentId(0));
            event.detail = if open { ConnState::Writable } else { ConnState::Blocked } as u8;
            (event.code, event.id) = (Code::Reconciling as u16, ConnId::orders(venue).0 as u64);
            self.publish(event, now, effects);
            self.dirty = Dirty::All;
        }
    }

    /// A stage has had its time.
    pub(crate) fn on_stage_over(&mut self, venue: VenueId, now: UnixNanos, effects: &mut Effects) {
        let Some(fix) = &mut self.entries[venue.0 as usize].fix else { return };
        match fix.stage {
            Stage::Agreed if !fix.questions.is_empty() => {
                self.end_session(venue, Some(Code::AckTimeout), now, effects);
            }
            Stage::Offline | Stage::Agreed => fix.stage_ends = UnixNanos::NONE,
            Stage::AskStatus => self.ask_every_status(venue, now, effects),
            Stage::MassCancel | Stage::Status => self.end_session(venue, Some(Code::AckTimeout), now, effects),
            Stage::Positions => {
                let instruments = &self.setup.instruments;
                let silent = (self.markets.iter().zip(instruments))
                    .any(|(market, instrument)| instrument.venue == venue && market.position_asked);
                if silent {
                    self.end_session(venue, Some(Code::AckTimeout), now, effects);
                } else {
                    // Orders first: what they show may be what differs. Then every position again.
                    self.ask_every_status(venue, now, effects);
                }
            }
        }
    }

    /// Opens or shuts a venue's gate by what is known. A connection that is down or blocked keeps it shut.
    pub(crate) fn refresh_gate(&mut self, venue: VenueId) {
        let instruments = &self.setup.instruments;
        let differs = (self.markets.iter().zip(instruments))
            .any(|(market, instrument)| instrument.venue == venue && market.position_differs);
        let entry = &self.entries[venue.0 as usize];
        let agreed = entry.fix.as_ref().is_none_or(|fix| fix.stage == Stage::Agreed);
        if entry.conn != ConnState::Up || !entry.takes_requests() {
            return;
        }
        if agreed && !differs {
            self.gate.venue_up(venue);
        } else {
            self.gate.venue_reconciling(venue);
        }
    }
}
