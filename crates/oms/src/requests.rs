//! # Room card: oms/requests
//! In:    requests as they are made and answered.
//! Out:   counters for ClOrdIDs, the order a ClOrdID belongs to, the requests without an answer in order of time.
//! Holds: a counter is given out once and only grows; a slot whose counter an order of the table still needs is
//!        skipped.
//! Costs: O(1) look-up; giving out a counter is O(1) amortised: at most three quarters of the slots can be needed, so a
//!        round over all of them skips at most three for one it gives, a skip being two loads. 40 bytes a slot, fixed.
use types::UnixNanos;

use crate::list::{Links, List, NIL};
use crate::order::Order;

/// Slots per order of `max_orders`. An open order needs up to four (its first, its current, a cancel, a replace), an
/// ended one two, and the pool holds twice `max_orders`: at most 4 + 2 are needed at once.
const SLOTS_PER_ORDER: usize = 8;

#[derive(Clone, Copy, Debug)]
struct Request {
    counter: u32,
    /// Slot of its order and that order's first counter, to notice that the slot has gone to another order.
    order: u32,
    first: u32,
    waits: bool,
    asked_at: UnixNanos,
}

#[derive(Debug)]
pub(crate) struct Requests {
    slots: Box<[Request]>,
    links: Links,
    waiting: List,
    /// The counter to try next; one past `u32::MAX` when used up.
    next: u64,
}

impl Requests {
    pub(crate) fn new(max_orders: usize, first_counter: u32) -> Requests {
        let slots = max_orders * SLOTS_PER_ORDER;
        let blank = Request { counter: 0, order: 0, first: 0, waits: false, asked_at: UnixNanos::NONE };
        Requests {
            slots: vec![blank; slots].into_boxed_slice(),
            links: Links::new(slots),
            waiting: List::EMPTY,
            next: first_counter.max(1) as u64,
        }
    }

    #[inline]
    fn slot(&self, counter: u32) -> usize {
        counter as usize & (self.slots.len() - 1)
    }

    /// The next counter not above `last` whose slot is free; `None` when there is none. Takes nothing yet.
    pub(crate) fn next_counter(&self, orders: &[Order], last: u32) -> Option<u32> {
        for step in 0..self.slots.len() as u64 {
            let counter = u32::try_from(self.next + step).ok().filter(|&counter| counter <= last)?;
            let request = &self.slots[self.slot(counter)];
            let order = &orders[request.order as usize];
            if request.counter == 0 || order.id.counter() != request.first || !order.needs(request.counter) {
                return Some(counter);
            }
        }
        None
    }

    /// Above every counter given out so far; `u32::MAX` when they are used up.
    pub(crate) fn next(&self) -> u32 {
        u32::try_from(self.next).unwrap_or(u32::MAX)
    }

    /// Uses up the next counter for something that is no request of an order.
    pub(crate) fn skip(&mut self) -> Option<u32> {
        let counter = u32::try_from(self.next).ok()?;
        self.next += 1;
        Some(counter)
    }

    /// Takes a counter that `next_counter` gave, for a request of the order in slot `order`.
    pub(crate) fn take(&mut self, counter: u32, order: u32, first: u32, asked_at: UnixNanos) {
        let slot = self.slot(counter);
        debug_assert!(!self.slots[slot].waits);
        self.slots[slot] = Request { counter, order, first, waits: true, asked_at };
        self.links.push_back(&mut self.waiting, slot as u32);
        self.next = counter as u64 + 1;
    }

    /// The slot of the order a counter belongs to.
    #[inline]
    pub(crate) fn order_of(&self, counter: u32, orders: &[Order]) -> Option<usize> {
        let request = &self.slots[self.slot(counter)];
        let known =
            counter != 0 && request.counter == counter && orders[request.order as usize].id.counter() == request.first;
        known.then_some(request.order as usize)
    }

    /// When a request was made; `NONE` when its slot has gone to another.
    #[inline]
    pub(crate) fn asked_at(&self, counter: u32) -> UnixNanos {
        let request = &self.slots[self.slot(counter)];
        if request.counter == counter { request.asked_at } else { UnixNanos::NONE }
    }

    /// Nothing is waited for any more: answered, timed out, or its order has ended.
    pub(crate) fn stop_waiting(&mut self, counter: u32) {
        let slot = self.slot(counter);
        let request = &mut self.slots[slot];
        if request.counter == counter && request.waits {
            request.waits = false;
            self.links.unlink(&mut self.waiting, slot as u32);
        }
    }

    /// The oldest request without an answer: its counter, its order's slot, when it was made.
    #[inline]
    pub(crate) fn oldest_waiting(&self) -> Option<(u32, usize, UnixNanos)> {
        if self.waiting.head == NIL {
            return None;
        }
        let request = &self.slots[self.waiting.head as usize];
        Some((request.counter, request.order as usize, request.asked_at))
    }
}
