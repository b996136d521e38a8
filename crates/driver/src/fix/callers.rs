//! # Room card: driver/fix/callers
//! In:    connections that have not named a session: their first message, or their silence.
//! Out:   the session they named, or their end without a word.
//! Holds: a first message that is no valid Logon to a session that is free and within its hours gets no answer; one
//!        whose session is taken is held back for some polls, then closed.
//! Costs: one pass over the sessions' names a logon.
use std::net::SocketAddr;

use net::Token;
use types::UnixNanos;
use wire::fix::{LogonFacts, Message};

use super::desk::Desk;

/// Polls a logon waits for the connection that has its session to be gone: its end may be told a poll later than the
/// bytes of the next connection.
const HELD_TURNS: u64 = 3;

/// Where a logon leads.
pub(super) enum Place {
    Seat(u32),
    /// The application will say whether.
    Asked(u32),
    Held,
    Nowhere,
}

impl Desk {
    /// The session of a connection whose first message this is.
    pub(super) fn seat_down(&mut self, token: Token, peer: Option<SocketAddr>, bytes: &[u8]) -> Place {
        let now = self.clock.now();
        let (Ok(message), Some(peer)) = (Message::parse(bytes), peer) else { return Place::Nowhere };
        let Some(name) = LogonFacts::of(&message).filter(|_| !self.ends) else { return Place::Nowhere };
        let known = self.seats.iter().find(|seat| seat.dial.is_none() && seat.entry.is(&name)).map(|seat| seat.id);
        let Some(id) = known.or_else(|| self.admit(&name, now)) else { return Place::Nowhere };
        let seat = &mut self.seats[id as usize];
        if seat.is_taken() {
            return Place::Held;
        }
        if !seat.may_connect(now) {
            return Place::Nowhere;
        }
        seat.token = Some(token);
        seat.prepare(&mut self.log, now);
        seat.step(&mut self.log, now, |session, store, out| session.connected(now, store, out));
        // What is no valid Logon is closed by the session, and nobody is asked.
        if !seat.session.is_valid_logon(&message, now) || self.ask(id, peer, &message, now) {
            Place::Seat(id)
        } else {
            Place::Asked(id)
        }
    }

    /// A session for names nobody knows, where the policy says so.
    fn admit(&mut self, name: &LogonFacts<'_>, now: UnixNanos) -> Option<u32> {
        let entry = self.admission.as_mut()?(name)?;
        match self.add(entry, None, now) {
            Ok(id) => {
                self.told = true;
                self.introduce(id);
                Some(id)
            }
            Err(fault) => {
                self.fault(None, &fault);
                None
            }
        }
    }

    /// Looks again at logons that were held back.
    pub(super) fn retry_held(&mut self) {
        for token in core::mem::take(&mut self.held) {
            let Some(mut conn) = self.conns.remove(&token) else { continue };
            if self.turn < conn.held_since + HELD_TURNS {
                self.held.push(token);
            } else if !conn.closing {
                let bytes = core::mem::take(&mut conn.held);
                self.read(token, &mut conn, &bytes);
                // Still taken: a second connection of one session.
                if !conn.held.is_empty() {
                    self.held.retain(|&held| held != token);
                    self.give_up(token, &mut conn);
                }
            }
            self.conns.insert(token, conn);
        }
    }

    /// Is a logon held back, so that the next poll must not sleep?
    pub(super) fn holds_back(&self) -> bool {
        !self.held.is_empty()
    }

    /// Connections that have not logged on in time.
    pub(super) fn dismiss_strangers(&mut self, now: UnixNanos) {
        while let Some(&(token, since)) = self.strangers.front() {
            let waits = self.conns.get(&token).is_some_and(|conn| conn.seat.is_none() && !conn.closing);
            if waits && now < since.plus(self.logon_wait) {
                return;
            }
            self.strangers.pop_front();
            if let (true, Some(conn)) = (waits, self.conns.get_mut(&token)) {
                conn.closing = true;
                self.close.push(token);
            }
        }
    }

    /// When the first of them is to be dismissed.
    pub(super) fn strangers_until(&self) -> Option<UnixNanos> {
        self.strangers.front().map(|(_, since)| since.plus(self.logon_wait))
    }
}
