//! # Room card: engine/watch
//! In:    timers that fired; requests, wishes and stopped orders that have no answer.
//! Out:   acknowledgement time-outs, wishes repeated, cancels repeated; strategies' timers published.
//! Holds: each of the engine's timers is set at most once at a time; a wish repeats after 1 s, then after twice as long
//!        each time, every 32 s at last; orders that must be gone are asked for again at most every 100 ms, and a
//!        refused cancel of a native quote is not repeated before the next event of its market or 100 ms.
//! Costs: a comparison a turn; a scan of the instruments when a wish is repeated.
use risk::Failure;
use types::{
    Code, Effects, Event, EventKind, InstrumentId, Nanos, OrderEvent, OrderEventKind, OrderId, OrderState, TimerId,
    UnixNanos,
};

use crate::entry::venue_of_timer;
use crate::send::CancelScope;
use crate::{Dirty, Engine};

/// The engine's timer of the earliest acknowledgement deadline.
pub const ACK_TIMER: TimerId = TimerId(1);
/// The engine's timer of the next repeated wish for a book snapshot.
pub const SNAPSHOT_TIMER: TimerId = TimerId(2);
/// The engine's timer of the next round of cancels, for orders that outlived the stop and quotes whose cancel was
/// refused.
pub const STOP_TIMER: TimerId = TimerId(3);

/// The engine's timer of the next moment at which time alone may change a native quote.
pub const QUOTE_TIMER: TimerId = TimerId(4);

/// From the first wish to its first repetition; doubled at each.
const SNAPSHOT_PAUSE_MIN: Nanos = Nanos::from_millis(1_000);
/// Longest pause between two wishes.
const SNAPSHOT_PAUSE_MAX: Nanos = Nanos::from_millis(32_000);
/// From a refused cancel of a stopped order or a native quote to the next one.
const STOP_PAUSE: Nanos = Nanos::from_millis(100);

/// Requests without an answer that are dealt with in one turn.
const OVERDUE_PER_TURN: usize = 256;

/// A snapshot that has been asked for.
#[derive(Clone, Copy)]
pub(crate) struct Wish {
    /// When it is asked for again.
    at: UnixNanos,
    /// From the wish before to that moment.
    pause: Nanos,
}

/// Moments the engine's timers are set for; `NONE` when they are not.
#[derive(Default)]
pub(crate) struct Watch {
    ack: UnixNanos,
    snapshot: UnixNanos,
    stop: UnixNanos,
    quote: UnixNanos,
}

impl Engine {
    pub(crate) fn on_timer(&mut self, id: TimerId, now: UnixNanos, effects: &mut Effects) {
        match id {
            ACK_TIMER => self.on_ack_timer(now, effects),
            SNAPSHOT_TIMER => self.on_snapshot_timer(now, effects),
            STOP_TIMER => self.on_stop_timer(now, effects),
            QUOTE_TIMER => {
                self.watch.quote = UnixNanos::NONE;
                self.dirty = Dirty::All;
            }
            _ if venue_of_timer(id).is_some() => {
                self.on_session_timer(venue_of_timer(id).unwrap_or_default(), now, effects);
            }
            _ if id.0 >= TimerId::FIRST_USER.0 => {
                let mut event = Event::new(EventKind::Timer, InstrumentId(0));
                event.id = id.0;
                self.publish(event, now, effects);
            }
            _ => self.fault(Code::InputUnexpected, InstrumentId(0), now, effects),
        }
    }

    fn on_ack_timer(&mut self, now: UnixNanos, effects: &mut Effects) {
        self.watch.ack = UnixNanos::NONE;
        // What is overdue beyond that comes with the timer set at the end of this turn: each is looked for among all
        // questions, and a kill must not wait for a full table of them.
        for _ in 0..OVERDUE_PER_TURN {
            let Some(event) = self.orders.take_overdue(now) else { break };
            let venue = self.venue_of(event.instrument());
            self.counts.faults.add(Code::AckTimeout);
            self.gate.on_failure(venue, Failure::AckTimeout, Some(event.request_id()), now);
            self.publish_order(event, effects);
            self.ask_status(event.order_id(), now, effects);
        }
    }

    /// At the end of a turn: the oldest unanswered request has the timer. Deadlines only grow, so it is never moved.
    #[inline]
    pub(crate) fn arm_ack_timer(&mut self, effects: &mut Effects) {
        if self.watch.ack == UnixNanos::NONE
            && let Some(at) = self.orders.next_ack_deadline()
        {
            self.watch.ack = at;
            effects.timer(ACK_TIMER, at);
        }
    }

    /// Asks for a snapshot, and again after a pause if the book is still invalid then.
    pub(crate) fn want_snapshot(&mut self, instrument: InstrumentId, now: UnixNanos, effects: &mut Effects) {
        self.wish(instrument, SNAPSHOT_PAUSE_MIN, now, effects);
        self.arm_snapshot_timer(now.plus(SNAPSHOT_PAUSE_MIN), effects);
    }

    fn wish(&mut self, instrument: InstrumentId, pause: Nanos, now: UnixNanos, effects: &mut Effects) {
        self.publish(Event::new(EventKind::SnapshotWanted, instrument), now, effects);
        self.markets[instrument.index()].wish = Some(Wish { at: now.plus(pause), pause });
    }

    fn arm_snapshot_timer(&mut self, at: UnixNanos, effects: &mut Effects) {
        if self.watch.snapshot == UnixNanos::NONE || at < self.watch.snapshot {
            self.watch.snapshot = at;
            effects.timer(SNAPSHOT_TIMER, at);
        }
    }

    fn on_snapshot_timer(&mut self, now: UnixNanos, effects: &mut Effects) {
        self.watch.snapshot = UnixNanos::NONE;
        let mut next: Option<UnixNanos> = None;
        for i in 0..self.markets.len() {
            let Some(wish) = self.markets[i].wish else { continue };
            let mut at = wish.at;
            if at <= now {
                let pause = Nanos(wish.pause.0 * 2).min(SNAPSHOT_PAUSE_MAX);
                self.wish(InstrumentId(i as u16), pause, now, effects);
                at = now.plus(pause);
            }
            next = Some(next.map_or(at, |known| known.min(at)));
        }
        if let Some(at) = next {
            self.arm_snapshot_timer(at, effects);
        }
    }

    /// What must be gone: everything after kill or close, the orders of strategies that failed.
    fn stop_scope(&self) -> Option<CancelScope> {
        if self.closing || self.gate.is_killed() {
            Some(CancelScope::Everything)
        } else {
            (!self.halted.is_empty()).then_some(CancelScope::Failed)
        }
    }

    /// After a report: an order that must be gone and has no cancel on its way (the venue refused it, as it does when a
    /// replace was on its way too) is cancelled again, after a pause, so that a venue that refuses every cancel is not
    /// flooded.
    #[inline]
    pub(crate) fn watch_stopped(&mut self, id: OrderId, now: UnixNanos, effects: &mut Effects) {
        let Some(scope) = self.stop_scope() else { return };
        let outlives = self.orders.order(id).is_some_and(|order| {
            order.state.is_open() && order.state != OrderState::PendingCancel && scope.covers(order, self)
        });
        if outlives {
            self.arm_stop_timer(now, effects);
        }
    }

    /// After a report: is it a refused cancel of a native quote that is still open? Then the quoter is not asked at
    /// once: it would cancel again, and a gateway that refuses every cancel would be asked as fast as it can answer.
    #[inline]
    pub(crate) fn cancel_waits(&mut self, event: &OrderEvent, now: UnixNanos, effects: &mut Effects) -> bool {
        if event.kind() != Some(OrderEventKind::CancelRejected) {
            return false;
        }
        let market = &self.markets[event.instrument().index()];
        let open = self.orders.order(event.order_id()).is_some_and(|order| order.state.is_open());
        let waits = open && (market.quotes.contains(&Some(event.order_id())) || market.outer.has(event.order_id()));
        if waits {
            self.arm_stop_timer(now, effects);
        }
        waits
    }

    /// A native quote has to be looked at again then. A deadline that has moved on is found out when the timer fires.
    #[inline]
    pub(crate) fn arm_quote_timer(&mut self, at: UnixNanos, effects: &mut Effects) {
        if self.watch.quote == UnixNanos::NONE || at < self.watch.quote {
            self.watch.quote = at;
            effects.timer(QUOTE_TIMER, at);
        }
    }

    fn arm_stop_timer(&mut self, now: UnixNanos, effects: &mut Effects) {
        if self.watch.stop == UnixNanos::NONE {
            self.watch.stop = now.plus(STOP_PAUSE);
            effects.timer(STOP_TIMER, self.watch.stop);
        }
    }

    fn on_stop_timer(&mut self, now: UnixNanos, effects: &mut Effects) {
        self.watch.stop = UnixNanos::NONE;
        if let Some(scope) = self.stop_scope() {
            self.cancel_all(scope, now, effects);
        }
        self.dirty = Dirty::All;
    }
}
