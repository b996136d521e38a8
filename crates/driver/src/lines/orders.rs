//! # Room card: driver/lines/orders
//! In:    the socket of one venue's order entry, sessions the engine gave up.
//! Out:   its bytes and its state as inputs of the engine; connections made anew after a pause.
//! Holds: bytes enter as read, at most `ORDERS_INPUT_BYTES` an input; up, blocked, writable and down in this order and
//!        never twice; the engine decides what a session is.
//! Costs: one turn a read.
use types::{Code, ConnId, ConnState, InputKind, Nanos, UnixNanos, VenueId};

use super::last_cancels::{End, LastCancels};
use super::resolver::Resolver;
use super::socket::Socket;
use crate::feed_link::{Backoff, STABLE_AFTER};
use crate::ports::Producer;
use crate::work::Work;

/// Most bytes of order entry in one input: some sixty reports, so that a kill never waits longer than for them.
pub(super) const ORDERS_INPUT_BYTES: usize = 16 * 1024;
const _: () = assert!(ORDERS_INPUT_BYTES <= types::limits::FIX_INPUT_BYTES_MAX);

/// A peer that has not taken everything after this long is given up: what waits for it are cancels. Its process may
/// hang while its kernel keeps the connection, and a heartbeat of its own would keep the session alive for ever.
pub(super) const BLOCKED_MAX: Nanos = Nanos::from_millis(3_000);

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
    /// Since when the peer takes nothing.
    blocked_since: Option<UnixNanos>,
    /// Once the engine has halted.
    last: Option<Box<LastCancels>>,
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
            blocked_since: None,
            last: None,
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
        self.watch_blocked(now, work);
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

    /// The same once the engine has halted: the last cancels are brought to the venue, on connections made anew if need
    /// be.
    #[cold]
    pub(crate) fn serve_halted(&mut self, now: UnixNanos, timed: bool, resolver: &Resolver, work: &mut Work) {
        let last = self.last.take();
        let mut last = last.unwrap_or_else(|| Box::new(LastCancels::new(self.venue, now, work)));
        self.watch_blocked(now, work);
        self.drop_given_up(now, work);
        if core::mem::take(&mut self.socket.came_up) {
            work.outlet.entries[self.venue].connected(self.socket.token);
            self.up_since = Some(now);
            last.on_up(now, work);
        }
        if !self.socket.inbox.is_empty() {
            self.socket.counts.messages += 1;
            last.on_bytes(now, &self.socket.inbox, work);
            self.socket.inbox.clear();
        }
        if timed {
            last.on_time(now, work);
        }
        if let Some(code) = self.socket.ended.take() {
            self.lost(now, code, work);
        }
        match last.end() {
            Some(End::InOrder) => self.close(work),
            Some(End::Fault(code)) if self.socket.is_up => {
                work.tell_fault(code);
                work.outlet.entries[self.venue].failed = Some(code);
            }
            Some(End::Fault(code)) => work.tell_fault(code),
            None => {}
        }
        self.drop_given_up(now, work);
        if work.outlet.entries[self.venue].token.is_none() {
            last.on_down();
        }
        if timed
            && last.wants_connection()
            && self.due.is_some_and(|due| now >= due)
            && let Some(net) = &mut work.outlet.net
        {
            self.due = None;
            self.socket.connect(net, resolver);
        }
        self.last = Some(last);
    }

    /// Are the last cancels still to be brought to the venue or to be answered?
    pub(crate) fn has_last_cancels(&self) -> bool {
        self.last.as_ref().is_none_or(|last| !last.is_done())
    }

    /// A peer that takes nothing has `BLOCKED_MAX`.
    #[inline]
    fn watch_blocked(&mut self, now: UnixNanos, work: &mut Work) {
        if !self.socket.blocked {
            self.blocked_since = None;
        } else if now >= self.blocked_since.get_or_insert(now).plus(BLOCKED_MAX) {
            work.outlet.entries[self.venue].failed = Some(Code::PeerSlow);
        }
    }

    /// The engine ended the session, or the peer does not take what it is sent. Orders that are still on their way to a
    /// peer that does not read or answer are dropped: later than a new session's mass cancel they must not arrive.
    fn drop_given_up(&mut self, now: UnixNanos, work: &mut Work) {
        let (entry, Some(net)) = (&mut work.outlet.entries[self.venue], &mut work.outlet.net) else { return };
        if let Some(code) = entry.failed {
            self.socket.reset(net);
            self.socket.counts.lost += 1;
            self.lost(now, code, work);
        } else if entry.given_up {
            // The engine knows.
            let code = Code::from_u16(entry.reason).unwrap_or(Code::ConnectionLost);
            entry.connected(None);
            match code {
                Code::FixSilent | Code::AckTimeout => self.socket.reset(net),
                _ if self.socket.blocked => self.socket.reset(net),
                // Its farewell is sent first.
                _ => self.socket.close(net),
            }
            self.socket.counts.lost += 1;
            self.socket.counts.fault(code);
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
