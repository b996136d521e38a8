//! # Room card: engine/inputs
//! In:    connection changes, controls.
//! Out:   books lost, gates opened and shut, everything cancelled.
//! Holds: the loss of an order connection moves no order: what became of them is asked when it is back.
//! Costs: one published record each.
use risk::Failure;
use types::{Code, ConnId, ConnRole, ConnState, Control, Effects, Event, EventKind, InstrumentId, UnixNanos, VenueId};

use crate::send::CancelScope;
use crate::{Dirty, Engine, PushedTouch};

impl Engine {
    pub(crate) fn on_conn(&mut self, conn: ConnId, state: ConnState, now: UnixNanos, effects: &mut Effects) {
        match conn.role() {
            ConnRole::Orders(venue) if (venue.0 as usize) < self.entries.len() => {
                self.orders_conn(venue, state, now, effects);
            }
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
    fn orders_conn(&mut self, venue: VenueId, state: ConnState, now: UnixNanos, effects: &mut Effects) {
        let entry = &mut self.entries[venue.0 as usize];
        let known = &mut entry.conn;
        match (*known, state) {
            (_, ConnState::Up) if entry.fix.is_some() => {
                *known = ConnState::Up;
                self.gate.venue_blocked(venue);
                self.session_up(venue, now, effects);
            }
            (_, ConnState::Up) => {
                *known = ConnState::Up;
                // What is stated from now on settles what was asked before.
                entry.asked_below = self.orders.next_request();
                self.refresh_gate(venue);
            }
            (ConnState::Blocked, ConnState::Writable) => {
                *known = ConnState::Up;
                self.refresh_gate(venue);
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
                self.session_down(venue, now);
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
            Control::Open => return self.open_again(now, effects),
        };
        // The word first: behind the cancels of a large table there is no room for market events.
        self.trading_halted(code, 0, now, effects);
        self.cancel_all(CancelScope::Everything, now, effects);
        for i in 0..self.entries.len() {
            let venue = VenueId(i as u8);
            self.logout_when_done(venue, now, effects);
            self.arm_session_timer(venue, effects);
        }
        self.dirty = Dirty::All;
    }

    /// A closed session goes on: what the gate says counts again.
    fn open_again(&mut self, now: UnixNanos, effects: &mut Effects) {
        self.closing = false;
        let mut event = Event::new(EventKind::Trading, InstrumentId(0));
        if self.gate.is_killed() {
            (event.detail, event.code) = (1, Code::Killed as u16);
        }
        self.publish(event, now, effects);
        self.dirty = Dirty::All;
    }

    pub(crate) fn trading_halted(&mut self, code: Code, id: u64, now: UnixNanos, effects: &mut Effects) {
        let mut event = Event::new(EventKind::Trading, InstrumentId(0));
        (event.detail, event.code, event.id) = (1, code as u16, id);
        self.publish(event, now, effects);
    }
}
