//! # Room card: backtest/schedule
//! In:    things that will happen at a moment of virtual time.
//! Out:   the earliest of them, ties broken by a fixed order.
//! Holds: constant latencies keep each queue in time order, so a queue is a ring, not a heap.
//! Costs: a handful of comparisons a pick; memory is reused.
use std::collections::VecDeque;

use types::{ConnId, OrderEvent, UnixNanos};

/// Bytes on their way from a venue to the engine.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub due: UnixNanos,
    pub conn: ConnId,
    pub bytes: Vec<u8>,
}

/// Deliveries of one source in time order, with their buffers recycled.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    queue: VecDeque<Delivery>,
    spare: Vec<Vec<u8>>,
}

impl Deliveries {
    /// Queues bytes written by `fill`.
    pub(crate) fn push(&mut self, due: UnixNanos, conn: ConnId, fill: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.clear();
        fill(&mut bytes);
        self.queue.push_back(Delivery { due, conn, bytes });
    }
    pub(crate) fn due(&self) -> Option<UnixNanos> {
        self.queue.front().map(|delivery| delivery.due)
    }
    pub(crate) fn pop(&mut self) -> Option<Delivery> {
        self.queue.pop_front()
    }
    pub(crate) fn recycle(&mut self, bytes: Vec<u8>) {
        self.spare.push(bytes);
    }
}

/// Order events on their way, in time order.
#[derive(Debug, Default)]
pub(crate) struct Mail {
    queue: VecDeque<(UnixNanos, OrderEvent)>,
}

impl Mail {
    pub(crate) fn push(&mut self, due: UnixNanos, event: OrderEvent) {
        debug_assert!(self.queue.back().is_none_or(|&(last, _)| last <= due));
        self.queue.push_back((due, event));
    }
    pub(crate) fn due(&self) -> Option<UnixNanos> {
        self.queue.front().map(|&(due, _)| due)
    }
    pub(crate) fn pop(&mut self) -> Option<(UnixNanos, OrderEvent)> {
        self.queue.pop_front()
    }
}
