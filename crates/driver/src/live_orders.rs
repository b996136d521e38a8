//! # Room card: driver/live_orders
//! In:    order events as they are published.
//! Out:   the orders that may be working at a venue, in a plain table.
//! Holds: it touches no engine state, so that after a panic of the engine every order can still be cancelled.
//! Costs: one probe of a fixed table per order event.
use types::{OrderEvent, OrderEventKind, OrderState, UnixNanos};

/// Orders that may be working, keyed by order id.
pub(crate) struct LiveOrders {
    slots: Box<[Option<OrderEvent>]>,
    /// Largest request counter seen, per session of the run (one).
    counter: u32,
}

impl LiveOrders {
    /// A table twice the engine's, so that probing stays short.
    pub(crate) fn new(max_orders: usize) -> LiveOrders {
        LiveOrders { slots: vec![None; max_orders.next_power_of_two() * 2].into_boxed_slice(), counter: 0 }
    }

    /// Follows one published order event.
    pub(crate) fn follow(&mut self, event: &OrderEvent) {
        self.counter = self.counter.max(event.request);
        if event.order_id == 0 {
            return;
        }
        let open = OrderState::from_u8(event.state).is_some_and(OrderState::is_open);
        let mask = self.slots.len() - 1;
        let home = event.order_id().counter() as usize & mask;
        let mut free = None;
        for step in 0..self.slots.len() {
            let at = (home + step) & mask;
            match &self.slots[at] {
                Some(known) if known.order_id == event.order_id => {
                    self.slots[at] = open.then_some(*event);
                    return;
                }
                None if free.is_none() => {
                    free = Some(at);
                    // Ids of a session are given out in order, so a free slot ends the search unless the order came round.
                    if event.kind() == Some(OrderEventKind::New) {
                        break;
                    }
                }
                _ => {}
            }
        }
        if let Some(at) = free.filter(|_| open) {
            self.slots[at] = Some(*event);
        }
    }

    /// Cancels for everything that may be working; each takes the next request number.
    pub(crate) fn drain_cancels(&mut self, now: UnixNanos, mut send: impl FnMut(OrderEvent)) -> usize {
        let mut cancelled = 0;
        for slot in &mut self.slots {
            let Some(mut event) = slot.take() else { continue };
            self.counter = self.counter.saturating_add(1);
            event.kind = OrderEventKind::Cancel as u8;
            event.state = OrderState::PendingCancel as u8;
            (event.time, event.decision_time, event.submission_time) = (now, now, now);
            (event.request, event.reason) = (self.counter, 0);
            send(event);
            cancelled += 1;
        }
        cancelled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::{InstrumentId, OrderId, Side};

    fn event(counter: u32, kind: OrderEventKind, state: OrderState) -> OrderEvent {
        let mut event = OrderEvent::new(kind, InstrumentId(0), Side::Buy, OrderId::new(1, counter));
        (event.state, event.request) = (state as u8, counter);
        event
    }

    #[test]
    fn only_what_may_work_is_cancelled() {
        let mut live = LiveOrders::new(4);
        for counter in 1..=6 {
            live.follow(&event(counter, OrderEventKind::New, OrderState::PendingNew));
        }
        live.follow(&event(2, OrderEventKind::Fill, OrderState::Filled));
        live.follow(&event(3, OrderEventKind::Accepted, OrderState::Live));
        live.follow(&event(4, OrderEventKind::Rejected, OrderState::Rejected));
        let mut ids = Vec::new();
        assert_eq!(live.drain_cancels(UnixNanos(9), |event| ids.push((event.order_id().counter(), event.request))), 4);
        ids.sort_unstable();
        assert_eq!(ids.iter().map(|&(id, _)| id).collect::<Vec<_>>(), [1, 3, 5, 6]);
        assert!(ids.iter().all(|&(_, request)| request > 6));
        assert_eq!(live.drain_cancels(UnixNanos(9), |_| ()), 0);
    }
}
