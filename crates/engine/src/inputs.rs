//! # Room card: engine/inputs
//! In:    connection changes, timers, execution reports, controls.
//! Out:   books lost, deadlines met, positions and order states moved, everything cancelled.
//! Holds: a report that does not fit is counted and named, and never moves a state it must not.
//! Costs: one table look-up and one published record each.
use risk::Failure;
use types::{
    Code, ConnId, ConnRole, ConnState, Control, Effects, Event, EventKind, InstrumentId, OrderEvent, OrderEventKind,
    TimerId, UnixNanos,
};

use crate::send::CancelScope;
use crate::{ACK_TIMER, Dirty, Engine};

impl Engine {
    pub(crate) fn on_conn(&mut self, conn: ConnId, state: ConnState, now: UnixNanos, effects: &mut Effects) {
        let mut event = Event::new(EventKind::Conn, InstrumentId(0));
        (event.detail, event.id) = (state as u8, conn.0 as u64);
        match conn.role() {
            ConnRole::Orders(venue) if (venue.0 as usize) < self.setup.venues.len() => match state {
                ConnState::Up | ConnState::Writable => self.gate.venue_up(venue),
                ConnState::Blocked => self.gate.venue_blocked(venue),
                ConnState::Down => self.gate.venue_down(venue, now),
            },
            ConnRole::Market(venue) if (venue.0 as usize) < self.setup.venues.len() => {
                if state == ConnState::Down {
                    for i in 0..self.markets.len() {
                        if self.setup.instruments[i].venue == venue {
                            self.market_down(InstrumentId(i as u16), now, effects);
                        }
                    }
                }
            }
            ConnRole::Snapshot(instrument) if instrument.index() < self.markets.len() => {}
            _ => return self.fault(Code::UnknownSymbol, InstrumentId(0), now, effects),
        }
        self.publish(event, now, effects);
        self.dirty = Dirty::All;
    }

    fn market_down(&mut self, instrument: InstrumentId, now: UnixNanos, effects: &mut Effects) {
        let market = &mut self.markets[instrument.index()];
        let was_valid = market.is_valid();
        market.book.on_disconnect();
        market.pushed.valid = false;
        if was_valid {
            self.book_state(instrument, false, Code::BookDisconnected, 0, now, effects);
        }
    }

    pub(crate) fn on_timer(&mut self, id: TimerId, now: UnixNanos, effects: &mut Effects) {
        if id.0 >= TimerId::FIRST_USER.0 {
            let mut event = Event::new(EventKind::Timer, InstrumentId(0));
            event.id = id.0;
            self.publish(event, now, effects);
            return;
        }
        if id == ACK_TIMER {
            self.ack_timer_at = UnixNanos::NONE;
            // Bounded by the table: each request times out at most once.
            for _ in 0..self.setup.orders.max_orders {
                let Some(event) = self.orders.take_overdue(now) else { break };
                let venue = self.venue_of(event.instrument());
                self.counts.faults.add(Code::AckTimeout);
                self.gate.on_failure(venue, Failure::AckTimeout, Some(event.request_id()), now);
                self.publish_order(event, effects);
            }
        }
    }

    pub(crate) fn arm_ack_timer(&mut self, effects: &mut Effects) {
        if self.ack_timer_at == UnixNanos::NONE
            && let Some(at) = self.orders.next_ack_deadline()
        {
            self.ack_timer_at = at;
            effects.timer(ACK_TIMER, at);
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
        let venue = self.venue_of(instrument);
        match event.kind() {
            Some(OrderEventKind::Rejected | OrderEventKind::CancelRejected | OrderEventKind::ReplaceRejected) => {
                if let Some(code) = Code::from_u16(event.reason) {
                    self.counts.venue_rejects.add(code);
                }
                self.gate.on_ack(venue, event.request_id());
            }
            Some(OrderEventKind::Fill) => {
                self.gate.on_ack(venue, event.request_id());
                self.filled(&event);
            }
            _ => self.gate.on_ack(venue, event.request_id()),
        }
        self.publish_order(event, effects);
        if let Some(code) = applied.anomaly {
            self.fault(code, instrument, now, effects);
        }
        self.mark(instrument);
    }

    pub(crate) fn on_control(&mut self, control: Control, now: UnixNanos, effects: &mut Effects) {
        match control {
            Control::Kill => self.gate.kill(),
            Control::Close => self.closing = true,
        }
        self.cancel_all(CancelScope::Everything, now, effects);
        let mut event = Event::new(EventKind::Trading, InstrumentId(0));
        (event.detail, event.code) = (1, Code::Killed as u16);
        self.publish(event, now, effects);
        self.dirty = Dirty::All;
    }
}
