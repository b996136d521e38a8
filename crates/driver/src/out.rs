//! # Room card: driver/out
//! In:    the records of a turn.
//! Out:   the market ring, the orders ring of every port, the registers; a doorbell for each reader that sleeps.
//! Holds: nothing here waits for a reader; a port that is behind loses its own records only, and is told how many.
//! Costs: a copy per record and ring; one fence per port and turn that published something.
use ring::{MarketWriter, OrdersWriter};
use types::{Event, EventKind, OrderEvent, TimerId, UnixNanos};
use zerocopy::IntoBytes;

use crate::latest::Board;

/// Called when a reader sleeps and there is something to read; from the engine's thread. It must not panic.
pub type Doorbell = Box<dyn Fn() + Send>;

/// The orders ring of one reader.
pub(crate) struct PortOut {
    /// Number of the producer that reads here.
    pub(crate) producer: u16,
    pub(crate) orders: OrdersWriter,
    pub(crate) doorbell: Doorbell,
}

/// Where records go. The first port is that of the environment that owns the engine.
pub(crate) struct Out {
    pub(crate) market: MarketWriter,
    pub(crate) ports: Vec<PortOut>,
    pub(crate) board: Option<Board>,
    /// Something was staged since the last publish.
    pub(crate) staged: bool,
}

// Staging fails only for records beyond an eighth of the ring, which was checked at start.
impl Out {
    #[inline]
    pub(crate) fn event(&mut self, event: &Event) {
        self.staged = true;
        if event.kind == EventKind::Timer as u8 && self.timer(event) {
            return;
        }
        let staged = self.market.stage(event.as_bytes());
        debug_assert!(staged.is_ok());
        if let Some(board) = &mut self.board {
            board.event(event);
        }
    }

    /// A strategy's timer must not be lost: it goes to the orders ring of the producer that set it. `false`: there is
    /// no such producer.
    fn timer(&mut self, event: &Event) -> bool {
        let producer = event.id / TimerId::FIRST_USER.0;
        let port = self.ports.iter_mut().find(|port| producer == port.producer as u64 + 1);
        let Some(port) = port else { return false };
        let staged = port.orders.stage(event.as_bytes());
        debug_assert!(staged.is_ok());
        true
    }

    #[inline]
    pub(crate) fn order(&mut self, event: &OrderEvent) {
        for port in 0..self.ports.len() {
            self.order_to(port, event);
        }
        if let Some(board) = &mut self.board {
            board.order(event);
        }
    }

    /// An order event for one port: part of its image.
    #[inline]
    pub(crate) fn order_to(&mut self, port: usize, event: &OrderEvent) {
        self.staged = true;
        if let Some(port) = self.ports.get_mut(port) {
            let staged = port.orders.stage(event.as_bytes());
            debug_assert!(staged.is_ok());
        }
    }

    /// Shows what was staged and rings for those who sleep. A reader says that it sleeps in its orders ring, then looks
    /// at both rings once more.
    #[inline]
    pub(crate) fn publish(&mut self) {
        if !core::mem::take(&mut self.staged) {
            return;
        }
        if let Some(board) = &mut self.board {
            board.publish();
        }
        self.market.publish();
        for port in &mut self.ports {
            port.orders.publish();
        }
        let mut wanted = self.market.should_ring();
        for port in &mut self.ports {
            // Readers of the market ring alone are the owner's to wake.
            if port.orders.should_ring() | core::mem::take(&mut wanted) {
                (port.doorbell)();
            }
        }
    }

    /// The first port that is owed an image.
    #[inline]
    pub(crate) fn image_due(&mut self) -> Option<usize> {
        self.ports.iter_mut().position(|port| port.orders.image_due())
    }

    /// Order records that found no room in the owner's ring.
    pub(crate) fn dropped(&self) -> u64 {
        self.ports.first().map_or(0, |port| port.orders.dropped())
    }

    /// Says that nothing comes any more, and wakes everybody.
    pub(crate) fn close(&mut self, now: UnixNanos) {
        if let Some(board) = &mut self.board {
            board.close(now);
        }
        for port in &self.ports {
            (port.doorbell)();
        }
    }
}
