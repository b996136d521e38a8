//! # Room card: engine/reports
//! In:    execution reports, statements of orders and positions.
//! Out:   positions and order states moved; fills nobody reported, lost orders and differing positions named.
//! Holds: a report that does not fit is counted and named, and never moves a state it must not; while a position
//!        differs from the venue's, that venue's gate is shut.
//! Costs: one table look-up and one published record each; two for a statement that shows a missing fill.
use types::{
    Code, Effects, InstrumentId, Lots, OrderEvent, OrderEventKind, OrderId, OrderState, Side, Touch, UnixNanos, flag,
};

use crate::{Dirty, Engine};

impl Engine {
    pub(crate) fn on_report(&mut self, report: &OrderEvent, now: UnixNanos, effects: &mut Effects) {
        let instrument = report.instrument();
        if instrument.index() >= self.markets.len() {
            return self.fault(Code::UnknownInstrument, InstrumentId(0), now, effects);
        }
        match report.kind() {
            Some(OrderEventKind::Status) => return self.on_status(report, now, effects),
            Some(OrderEventKind::Position) => {
                self.on_position(report, now, effects);
                self.refresh_gate(self.venue_of(instrument));
                self.dirty = Dirty::All;
                return;
            }
            _ => {}
        }
        let touch = self.markets[instrument.index()].touch();
        let applied = match self.orders.report(report, now, &self.setup.instruments[instrument.index()], touch) {
            Ok(applied) => applied,
            Err(code) => {
                self.fault(code, instrument, now, effects);
                if report.kind() == Some(OrderEventKind::Fill) && code != Code::DuplicateReport {
                    self.trade_unbooked(report.order_id(), instrument, now, effects);
                }
                return;
            }
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
        self.ask_after(&event, applied.anomaly, now, effects);
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

    /// Asks a venue with a session about an order whose reports went missing, by what one of them says.
    #[inline]
    fn ask_after(&mut self, event: &OrderEvent, anomaly: Option<Code>, now: UnixNanos, effects: &mut Effects) {
        let refused = matches!(event.kind(), Some(OrderEventKind::CancelRejected | OrderEventKind::ReplaceRejected));
        let gone = refused && event.reason == Code::VenueUnknownOrder as u16;
        let open = OrderState::from_u8(event.state).is_some_and(OrderState::is_open);
        // More than we knew it had: a report of a replace went missing.
        if matches!(anomaly, Some(Code::MissedReport | Code::Overfill)) || gone && open {
            self.ask_status(event.order_id(), now, effects);
        }
    }

    /// The venue's statement of an order. It settles the requests of before the connection came up, or of before the
    /// question.
    #[cold]
    fn on_status(&mut self, report: &OrderEvent, now: UnixNanos, effects: &mut Effects) {
        let instrument = report.instrument();
        let (touch, venue) = (self.markets[instrument.index()].touch(), self.venue_of(instrument));
        let Some(below) = self.settled_by(report, now, effects) else { return };
        let at = &self.setup.instruments[instrument.index()];
        let stated = match self.orders.status(report, below, now, at, touch) {
            Ok(stated) => stated,
            Err(code) => {
                self.still_asked(venue, report, below);
                return self.fault(code, instrument, now, effects);
            }
        };
        if let Some(fill) = stated.fill {
            self.filled(&fill);
            self.publish_order(fill, effects);
        }
        for counter in stated.settled {
            if counter != 0 {
                self.gate.on_ack(venue, OrderId::new(self.orders.session(), counter));
            }
        }
        self.publish_order(stated.event, effects);
        if let Some(code) = stated.anomaly {
            self.fault(code, instrument, now, effects);
        }
        if stated.anomaly == Some(Code::OrderLost) {
            self.recheck_position(instrument, now, effects);
        }
        self.statuses_done(venue, now, effects);
        if stated.anomaly == Some(Code::IllegalTransition) {
            self.orphan_found(venue, now, effects);
        }
        self.watch_stopped(stated.event.order_id(), now, effects);
        self.mark(instrument);
    }

    /// The venue's statement of our position; was it applied?
    #[cold]
    pub(crate) fn on_position(&mut self, report: &OrderEvent, now: UnixNanos, effects: &mut Effects) -> bool {
        let instrument = report.instrument();
        let touch = self.markets[instrument.index()].touch();
        let at = &self.setup.instruments[instrument.index()];
        let stated = match self.orders.position_stated(report, now, at, touch) {
            Ok(stated) => stated,
            Err(code) => {
                self.fault(code, instrument, now, effects);
                return false;
            }
        };
        let market = &mut self.markets[instrument.index()];
        market.position_differs = stated.anomaly.is_some();
        market.opening_unvalued = self.orders.position(instrument).opening_unvalued;
        self.publish_order(stated.event, effects);
        if let Some(code) = stated.anomaly {
            self.fault(code, instrument, now, effects);
        }
        self.mark(instrument);
        true
    }

    /// The first touch after an opening position was taken over without one.
    #[cold]
    pub(crate) fn value_opening(&mut self, instrument: InstrumentId, touch: &Touch) {
        let valued = self.orders.value_opening(&self.setup.instruments[instrument.index()], *touch);
        self.markets[instrument.index()].opening_unvalued = !valued;
    }

    /// The state of every open order and every position, for a reader that has lost records: orders as Accepted, then
    /// one Position per instrument, each with flag SNAPSHOT and sequence 0. At most the order table and the
    /// instruments.
    pub fn image(&self, now: UnixNanos, mut publish: impl FnMut(&OrderEvent)) {
        for order in self.orders.open_orders() {
            let mut event = OrderEvent::new(OrderEventKind::Accepted, order.instrument, order.side, order.id);
            (event.time, event.state, event.flags) = (now, order.state as u8, order.flags | flag::SNAPSHOT);
            (event.price, event.quantity, event.filled) = (order.price, order.quantity, order.filled);
            (event.client_id, event.request) = (order.client_id.0, order.current);
            (event.algo_id, event.trader_id) = (order.algo_id.0, order.trader_id.0);
            publish(&event);
        }
        for instrument in &self.setup.instruments {
            let lots: Lots = self.orders.position(instrument.id).lots;
            let side = if lots.0 < 0 { Side::Sell } else { Side::Buy };
            let mut event = OrderEvent::new(OrderEventKind::Position, instrument.id, side, OrderId::NONE);
            (event.time, event.flags) = (now, flag::SNAPSHOT);
            (event.last_lots, event.filled) = (lots, lots);
            publish(&event);
        }
    }
}
