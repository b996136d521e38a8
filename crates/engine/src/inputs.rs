//! # Room card: engine/inputs
//! In:    connection changes, execution reports, controls.
//! Out:   books lost, positions and order states moved, everything cancelled.
//! Holds: a report that does not fit is counted and named, and never moves a state it must not.
//! Costs: one table look-up and one published record each.
use risk::Failure;
use types::{
    Code, ConnId, ConnRole, ConnState, Control, Effects, Event, EventKind, InstrumentId, OrderEvent, OrderEventKind,
    OrderId, UnixNanos, VenueId,
};

use crate::send::CancelScope;
use crate::{Dirty, Engine, PushedTouch};

impl Engine {
    pub(crate) fn on_conn(&mut self, conn: ConnId, state: ConnState, now: UnixNanos, effects: &mut Effects) {
        match conn.role() {
            ConnRole::Orders(venue) if (venue.0 as usize) < self.entries.len() => self.orders_conn(venue, state, now),
            ConnRole::Market(venue) if (venue.0 as usize) < self.entries.len() => {
                if state == ConnState::Down {
                    self.venue_market_down(venue, now, effects);
                }
            }
            ConnRole::Snapshot(instrument) if instrument.index() < self.markets.len() => {}
            _ => return self.fault(Code::InputUnexpected, InstrumentId(0), now, effects),
        }
        let mut event = Event::new(EventKind::Conn, InstrumentId(0));
        (event.detail, event.id) = (state as u8, conn.0 as u64);
        self.publish(event, now, effects);
        self.dirty = Dirty::All;
    }

    /// Tells the gate. Blocked and writable mean something only between up and down; the loss of a blocked connection
    /// is a disconnect like any other, which the gate, for which it is down already, cannot tell.
    fn orders_conn(&mut self, venue: VenueId, state: ConnState, now: UnixNanos) {
        let known = &mut self.entries[venue.0 as usize].conn;
        match (*known, state) {
            (_, ConnState::Up) | (ConnState::Blocked, ConnState::Writable) => {
                *known = ConnState::Up;
                self.gate.venue_up(venue);
            }
            (ConnState::Up, ConnState::Blocked) => {
                *known = ConnState::Blocked;
                self.gate.venue_blocked(venue);
            }
            (before, ConnState::Down) => {
                *known = ConnState::Down;
                self.gate.venue_down(venue, now);
                if before == ConnState::Blocked {
                    self.gate.on_failure(venue, Failure::Disconnect, None, now);
                }
            }
            _ => {}
        }
    }

    fn venue_market_down(&mut self, venue: VenueId, now: UnixNanos, effects: &mut Effects) {
        for i in 0..self.markets.len() {
            if self.setup.instruments[i].venue != venue {
                continue;
            }
            let market = &mut self.markets[i];
            let was_valid = market.is_valid();
            market.book.on_disconnect();
            // Update ids may start anywhere on the next connection; a side of before must not pair with one of after.
            (market.pushed, market.wish) = (PushedTouch::default(), None);
            if was_valid {
                self.book_state(InstrumentId(i as u16), false, Code::BookDisconnected, 0, now, effects);
            }
        }
    }

    pub(crate) fn on_report(&mut self, report: &OrderEvent, now: UnixNanos, effects: &mut Effects) {
        let instrument = report.instrument();
        if instrument.index() >= self.markets.len() {
            return self.fault(Code::UnknownInstrument, InstrumentId(0), now, effects);
        }
        let touch = self.markets[instrument.index()].touch();
        let applied = match self.orders.report(report, now, &self.setup.instruments[instrument.index()], touch) {
            Ok(applied) => applied,
            Err(code) => return self.fault(code, instrument, now, effects),
        };
        let event = applied.event;
        match event.kind() {
            Some(OrderEventKind::Rejected | OrderEventKind::CancelRejected | OrderEventKind::ReplaceRejected) => {
                self.counts.venue_rejects.add(Code::from_u16(event.reason).unwrap_or(Code::VenueInvalid));
            }
            Some(OrderEventKind::Fill) => self.filled(&event),
            _ => {}
        }
        self.acknowledged(&event);
        self.publish_order(event, effects);
        if let Some(code) = applied.anomaly {
            self.fault(code, instrument, now, effects);
        }
        self.watch_stopped(event.order_id(), now, effects);
        if !self.cancel_waits(&event, now, effects) {
            self.mark(instrument);
        }
    }

    /// Tells the gate which requests are answered: the one the report names; and all of an order that has ended, since
    /// nothing waits for their answers any more and a canary among them would otherwise never be answered.
    fn acknowledged(&mut self, event: &OrderEvent) {
        let venue = self.venue_of(event.instrument());
        self.gate.on_ack(venue, event.request_id());
        let Some(order) = self.orders.order(event.order_id()).filter(|order| !order.state.is_open()) else { return };
        let (pending, session) = (order.pending, order.id.session());
        for counter in [pending.new, pending.replace.request] {
            if counter != 0 {
                self.gate.on_ack(venue, OrderId::new(session, counter));
            }
        }
    }

    pub(crate) fn on_control(&mut self, control: Control, now: UnixNanos, effects: &mut Effects) {
        let code = match control {
            Control::Kill => {
                self.gate.kill();
                Code::Killed
            }
            Control::Close => {
                self.closing = true;
                Code::EngineClosed
            }
        };
        // The word first: behind the cancels of a large table there is no room for market events.
        self.trading_halted(code, 0, now, effects);
        self.cancel_all(CancelScope::Everything, now, effects);
        self.dirty = Dirty::All;
    }

    pub(crate) fn trading_halted(&mut self, code: Code, id: u64, now: UnixNanos, effects: &mut Effects) {
        let mut event = Event::new(EventKind::Trading, InstrumentId(0));
        (event.detail, event.code, event.id) = (1, code as u16, id);
        self.publish(event, now, effects);
    }
}
