//! # Room card: driver/lines/orders
//! In:    the socket of one venue's order entry, sessions the engine gave up.
//! Out:   its bytes and its state as inputs of the engine; connections made anew after a pause.
//! Holds: bytes enter as read, at most `ORDERS_INPUT_BYTES` an input; up, blocked, writable and down in this order and
//!        never twice; the engine decides what a session is.
//! Costs: one turn a read.
use types::{Code, ConnId, ConnState, InputKind, UnixNanos, VenueId};

use super::resolver::Resolver;
use super::socket::Socket;
use crate::feed_link::{Backoff, STABLE_AFTER};
use crate::ports::Producer;
use crate::work::Work;

/// Most bytes of order entry in one input: some sixty reports, so that a kill never waits longer than for them.
pub(super) const ORDERS_INPUT_BYTES: usize = 16 * 1024;
const _: () = assert!(ORDERS_INPUT_BYTES <= types::limits::FIX_INPUT_BYTES_MAX);

/// Order entry of one venue.
pub(crate) struct OrdersLine {
    venue: usize,
    conn: ConnId,
    pub(crate) socket: Socket,
    backoff: Backoff,
    /// When the next attempt is made; none while one is under way or up.
    due: Option<UnixNanos>,
    up_since: Option<UnixNanos>,
    told_blocked: bool,
}

impl OrdersLine {
    pub(crate) fn new(venue: usize, socket: Socket, backoff: Backoff) -> OrdersLine {
        OrdersLine {
            venue,
            conn: ConnId::orders(VenueId(venue as u8)),
            socket,
            backoff,
            due: Some(UnixNanos::NONE),
            up_since: None,
            told_blocked: false,
        }
    }

    /// Passes on what happened since the last call.
    pub(crate) fn serve(
        &mut self,
        now: UnixNanos,
        may_connect: bool,
        resolver: &Resolver,
        work: &mut Work,
        producers: &mut [Producer],
    ) {
        self.drop_given_up(now, work);
        if core::mem::take(&mut self.socket.came_up) {
            work.outlet.entries[self.venue].connected(self.socket.token);
            (self.up_since, self.told_blocked) = (Some(now), false);
            work.conn(self.conn, ConnState::Up);
        }
        if self.up_since.is_some() && self.socket.is_up && self.socket.blocked != self.told_blocked {
            self.told_blocked = self.socket.blocked;
            work.conn(self.conn, if self.told_blocked { ConnState::Blocked } else { ConnState::Writable });
        }
        if !self.socket.inbox.is_empty() {
            let inbox = core::mem::take(&mut self.socket.inbox);
            for bytes in inbox.chunks(ORDERS_INPUT_BYTES) {
                self.socket.counts.messages += 1;
                work.input(InputKind::Bytes { conn: self.conn, bytes }, self.socket.read_at);
                work.look(producers);
                let entry = &work.outlet.entries[self.venue];
                if entry.given_up || entry.failed.is_some() {
                    break;
                }
            }
            self.socket.inbox = inbox;
            self.socket.inbox.clear();
            self.drop_given_up(now, work);
        }
        if let Some(code) = self.socket.ended.take() {
            self.lost(now, code, work);
        }
        if may_connect
            && self.due.is_some_and(|due| now >= due)
            && let Some(net) = &mut work.outlet.net
        {
            self.due = None;
            self.socket.connect(net, resolver);
        }
    }

    /// The engine ended the session, or the peer does not take what it is sent.
    fn drop_given_up(&mut self, now: UnixNanos, work: &mut Work) {
        let (entry, Some(net)) = (&mut work.outlet.entries[self.venue], &mut work.outlet.net) else { return };
        if let Some(code) = entry.failed {
            self.socket.abort(net);
            self.socket.counts.lost += 1;
            self.lost(now, code, work);
        } else if entry.given_up {
            // The engine knows; its farewell is sent first.
            entry.connected(None);
            self.socket.close(net);
            self.socket.counts.lost += 1;
            self.socket.counts.fault(Code::ConnectionLost);
            self.pause(now);
        }
    }

    fn lost(&mut self, now: UnixNanos, code: Code, work: &mut Work) {
        self.socket.counts.fault(code);
        work.outlet.entries[self.venue].connected(None);
        let was_up = self.up_since.is_some();
        self.pause(now);
        if was_up {
            work.conn(self.conn, ConnState::Down);
        }
    }

    fn pause(&mut self, now: UnixNanos) {
        if self.up_since.take().is_some_and(|since| now >= since.plus(STABLE_AFTER)) {
            self.backoff.reset();
        }
        self.due = Some(now.plus(self.backoff.failed()));
    }

    /// Closes it in good order.
    pub(crate) fn close(&mut self, work: &mut Work) {
        self.due = None;
        if let Some(net) = &mut work.outlet.net {
            self.socket.close(net);
        }
        work.outlet.entries[self.venue].connected(None);
    }
}
