//! # Room card: driver/live_orders
//! In:    order events as they are published.
//! Out:   the orders that may be working at a venue, in a plain table.
//! Holds: it touches no engine state, so that after a panic of the engine every order can still be cancelled.
//! Costs: a probe or two of a fixed table per order event. Ids count up, so open ones seldom share a place; deleting
//!        shifts back, so a search ends at the first free place.
use types::{OrderEvent, OrderEventKind, OrderId, OrderState, UnixNanos};

/// Requests made here are numbered in the upper half: the engine's own may have gone on unseen (questions are no order
/// events), and a session that is resumed goes on with the lower half.
const OWN_COUNTERS: u32 = 1 << 31;

/// An order that may be working.
#[derive(Clone, Copy)]
struct LiveOrder {
    /// As last published; the cancel once the cancels have been made.
    event: OrderEvent,
    /// Counter of the last request the venue took: the ClOrdID a cancel names.
    acknowledged: u32,
    /// Counter of a replace on its way, 0 when there is none: the venue may know the order by it already.
    replacing: u32,
}

/// Orders that may be working, keyed by order id.
pub(crate) struct LiveOrders {
    slots: Box<[Option<LiveOrder>]>,
    /// Largest request counter seen.
    counter: u32,
    /// The cancels have been made.
    cancelled: bool,
}

impl LiveOrders {
    /// A table twice the engine's, so that it is at most half full and probing stays short.
    pub(crate) fn new(max_orders: usize) -> LiveOrders {
        let slots = vec![None; max_orders.next_power_of_two() * 2].into_boxed_slice();
        LiveOrders { slots, counter: 0, cancelled: false }
    }

    /// Is there one like this?
    pub(crate) fn any(&self, is: impl Fn(&OrderEvent) -> bool) -> bool {
        self.slots.iter().flatten().any(|order| is(&order.event))
    }

    /// How many like this.
    pub(crate) fn count(&self, is: impl Fn(&OrderEvent) -> bool) -> usize {
        self.slots.iter().flatten().filter(|order| is(&order.event)).count()
    }

    /// Was a request with this counter made here, after the engine had halted?
    pub(crate) fn is_own(counter: u32) -> bool {
        counter >= OWN_COUNTERS
    }

    fn home(&self, order_id: u64) -> usize {
        order_id as usize & (self.slots.len() - 1)
    }

    /// Where the order is, or else where it would go; `None` when it is nowhere and nothing is free.
    fn place_of(&self, order_id: u64) -> Option<(usize, bool)> {
        let (home, mask) = (self.home(order_id), self.slots.len() - 1);
        for step in 0..self.slots.len() {
            let at = (home + step) & mask;
            match &self.slots[at] {
                None => return Some((at, false)),
                Some(known) if known.event.order_id == order_id => return Some((at, true)),
                Some(_) => {}
            }
        }
        None
    }

    /// Follows one published order event.
    pub(crate) fn follow(&mut self, event: &OrderEvent) {
        self.counter = self.counter.max(event.request);
        // What our own gate refused changed nothing.
        if event.order_id == 0 || event.kind() == Some(OrderEventKind::Refused) {
            return;
        }
        let open = OrderState::from_u8(event.state).is_some_and(OrderState::is_open);
        match self.place_of(event.order_id) {
            Some((at, known)) if open => {
                // These name the ClOrdID in force: a replace may have taken effect without a report of its own.
                let in_force = matches!(
                    event.kind(),
                    Some(OrderEventKind::Replaced | OrderEventKind::Fill | OrderEventKind::Status)
                );
                let acknowledged = match &self.slots[at] {
                    _ if in_force && event.request != 0 => event.request,
                    Some(order) if known => order.acknowledged,
                    _ => event.order_id().counter(),
                };
                let before = self.slots[at].filter(|_| known).map_or(0, |order| order.replacing);
                let replacing = match event.kind() {
                    Some(OrderEventKind::Replace) => event.request,
                    Some(OrderEventKind::ReplaceRejected) => 0,
                    _ if before == acknowledged => 0,
                    _ => before,
                };
                self.slots[at] = Some(LiveOrder { event: *event, acknowledged, replacing });
            }
            Some((at, true)) => self.remove(at),
            // Ended and unknown; or more open orders than the engine's table holds, which cannot be.
            Some((_, false)) | None => {}
        }
    }

    fn remove(&mut self, at: usize) {
        let mask = self.slots.len() - 1;
        let (mut hole, mut at) = (at, at);
        self.slots[hole] = None;
        for _ in 0..self.slots.len() {
            at = (at + 1) & mask;
            let Some(order) = self.slots[at] else { return };
            // It may move back into the hole unless its home lies after the hole, cyclically, up to where it stands.
            if (at.wrapping_sub(self.home(order.event.order_id)) & mask) >= (at.wrapping_sub(hole) & mask) {
                (self.slots[hole], self.slots[at]) = (Some(order), None);
                hole = at;
            }
        }
    }

    /// A number for another request beside the cancels.
    pub(crate) fn next_request(&mut self) -> u32 {
        self.counter = (self.counter | OWN_COUNTERS).saturating_add(1);
        self.counter
    }

    /// Cancels for everything that may be working, each with a request number of its own and with the ClOrdID the venue
    /// knows the order by; again, the same cancels. Returns how many.
    pub(crate) fn cancels(&mut self, now: UnixNanos, mut send: impl FnMut(&OrderEvent, OrderId)) -> usize {
        let mut sent = 0;
        self.counter |= OWN_COUNTERS;
        for LiveOrder { event, acknowledged, .. } in self.slots.iter_mut().flatten() {
            if !self.cancelled {
                self.counter = self.counter.saturating_add(1);
                event.kind = OrderEventKind::Cancel as u8;
                event.state = OrderState::PendingCancel as u8;
                (event.time, event.decision_time, event.submission_time) = (now, now, now);
                // Outside the engine's sequence, like everything after it has halted.
                (event.sequence, event.request, event.reason) = (0, self.counter, 0);
            }
            send(event, OrderId::new(event.order_id().session(), *acknowledged));
            sent += 1;
        }
        self.cancelled = true;
        sent
    }

    /// Further cancels for orders with a replace on its way, naming that: if the venue has carried it out, it knows the
    /// order by no other ClOrdID; if not, it refuses the one or the other. Each is its event and the ClOrdID it names.
    pub(crate) fn late_cancels(&mut self, mut send: impl FnMut(&OrderEvent, OrderId)) {
        for LiveOrder { event, replacing, .. } in self.slots.iter().flatten().filter(|order| order.replacing != 0) {
            self.counter = self.counter.saturating_add(1);
            let late = OrderEvent { request: self.counter, ..*event };
            send(&late, OrderId::new(event.order_id().session(), *replacing));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use types::rng::SplitMix64;
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
        live.follow(&event(9, OrderEventKind::CancelRejected, OrderState::Filled));
        let mut first = Vec::new();
        assert_eq!(live.cancels(UnixNanos(9), |event, _| first.push(*event)), 4);
        assert_eq!(first.iter().map(|event| event.order_id().counter()).collect::<Vec<_>>(), [1, 3, 5, 6]);
        assert!(
            first.iter().all(|event| event.request > OWN_COUNTERS + 9 && event.kind() == Some(OrderEventKind::Cancel))
        );
        let mut again = Vec::new();
        assert_eq!(live.cancels(UnixNanos(10), |event, _| again.push(*event)), 4);
        assert_eq!(again, first, "the same cancels when they must be written again");
    }

    #[test]
    fn a_cancel_names_the_request_the_venue_took_last() {
        let mut live = LiveOrders::new(4);
        let moved = |kind, state, request| {
            let mut event = event(1, kind, state);
            event.request = request;
            event
        };
        live.follow(&event(1, OrderEventKind::New, OrderState::PendingNew));
        live.follow(&event(2, OrderEventKind::New, OrderState::PendingNew));
        live.follow(&moved(OrderEventKind::Replace, OrderState::PendingReplace, 3));
        live.follow(&moved(OrderEventKind::Replaced, OrderState::Live, 3));
        live.follow(&moved(OrderEventKind::Replace, OrderState::PendingReplace, 5));
        let mut named = Vec::new();
        live.cancels(UnixNanos(9), |event, orig| named.push((event.order_id().counter(), event.request, orig)));
        assert_eq!(named, [(1, OWN_COUNTERS + 6, OrderId::new(1, 3)), (2, OWN_COUNTERS + 7, OrderId::new(1, 2))]);
        let mut late = Vec::new();
        live.late_cancels(|event, orig| late.push((event.order_id().counter(), event.request, orig)));
        assert_eq!(
            late,
            [(1, OWN_COUNTERS + 8, OrderId::new(1, 5))],
            "the replace on its way may have been carried out"
        );
        assert_eq!(live.next_request(), OWN_COUNTERS + 9);
    }

    #[test]
    fn a_replace_that_was_answered_is_not_on_its_way() {
        for answer in [OrderEventKind::Replaced, OrderEventKind::ReplaceRejected, OrderEventKind::Fill] {
            let mut live = LiveOrders::new(4);
            live.follow(&event(1, OrderEventKind::New, OrderState::PendingNew));
            for kind in [OrderEventKind::Replace, answer] {
                let mut event = event(1, kind, OrderState::Live);
                event.request = 4;
                live.follow(&event);
            }
            live.cancels(UnixNanos(9), |_, _| ());
            live.late_cancels(|_, orig| panic!("{answer:?}: {orig:?}"));
        }
    }

    /// A replace whose own report was lost shows in a fill, or in a statement of the order.
    #[test]
    fn a_replace_that_took_effect_unreported_is_named() {
        for kind in [OrderEventKind::Fill, OrderEventKind::Status] {
            let mut live = LiveOrders::new(4);
            let follow = |live: &mut LiveOrders, kind, state, request| {
                let mut event = event(1, kind, state);
                event.request = request;
                live.follow(&event);
            };
            follow(&mut live, OrderEventKind::New, OrderState::PendingNew, 1);
            follow(&mut live, OrderEventKind::Accepted, OrderState::Live, 1);
            follow(&mut live, OrderEventKind::Replace, OrderState::PendingReplace, 2);
            follow(&mut live, kind, OrderState::PartiallyFilled, 2);
            follow(&mut live, OrderEventKind::Cancel, OrderState::PendingCancel, 3);
            let mut named = Vec::new();
            live.cancels(UnixNanos(9), |_, orig| named.push(orig));
            assert_eq!(named, [OrderId::new(1, 2)], "{kind:?}");
        }
    }

    #[test]
    fn agrees_with_a_map() {
        for seed in 0..50 {
            let (mut rng, mut live, mut model) = (SplitMix64::new(seed), LiveOrders::new(8), BTreeMap::new());
            for _ in 0..2_000 {
                let counter = 1 + rng.below(40) as u32;
                if model.contains_key(&counter) && rng.below(2) == 0 {
                    model.remove(&counter);
                    live.follow(&event(counter, OrderEventKind::Cancelled, OrderState::Cancelled));
                } else if model.contains_key(&counter) || model.len() < 8 {
                    model.insert(counter, ());
                    live.follow(&event(counter, OrderEventKind::Accepted, OrderState::Live));
                } else {
                    live.follow(&event(counter, OrderEventKind::Refused, OrderState::Live));
                    live.follow(&event(counter, OrderEventKind::Fill, OrderState::Filled));
                }
            }
            let mut ids = Vec::new();
            live.cancels(UnixNanos(1), |event, _| ids.push(event.order_id().counter()));
            ids.sort_unstable();
            assert_eq!(ids, model.into_keys().collect::<Vec<_>>(), "seed {seed}");
        }
    }
}
