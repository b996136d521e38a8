//! # Room card: driver/fix/port
//! In:    what an application wants of its sessions, on the host's thread.
//! Out:   messages in a session's store and outgoing bytes; refusals by code.
//! Holds: a refusal changes nothing; a message taken has its number and is in the store.
//! Costs: the session's send and the store's write.
use types::{Code, UnixNanos};
use wire::fix::{Outgoing, SessionSetup, Verdict};

use super::message_log::MessageLog;
use super::seat::Seat;

/// Bytes that wait for a peer's reading; with more, `send` says `PEER_SLOW`.
pub const PEER_BEHIND_BYTES: usize = 8 << 20;

/// A session, for as long as the application's method runs; and the host's other sessions through it.
pub struct FixPort<'a> {
    pub(super) seats: &'a mut [Seat],
    pub(super) log: &'a mut Option<MessageLog>,
    /// Sessions with something to send.
    pub(super) dirty: &'a mut Vec<u32>,
    pub(super) session: u32,
    pub(super) now: UnixNanos,
}

impl core::fmt::Debug for FixPort<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "FixPort {{ session: {} }}", self.session)
    }
}

impl FixPort<'_> {
    /// Number of the session.
    pub fn session(&self) -> u32 {
        self.session
    }
    /// The time of what the application is being told.
    pub fn now(&self) -> UnixNanos {
        self.now
    }
    /// What the session is made of.
    pub fn setup(&self) -> Option<&SessionSetup> {
        self.seats.get(self.session as usize).map(|seat| seat.session.setup())
    }
    /// The same port for another session of the host.
    pub fn of(&mut self, session: u32) -> FixPort<'_> {
        FixPort { seats: self.seats, log: self.log, dirty: self.dirty, session, now: self.now }
    }

    /// Sends an application message; returns its number.
    ///
    /// Errors: `FIX_SESSION_UNKNOWN`; `PEER_SLOW` while more than `PEER_BEHIND_BYTES` wait for the peer;
    /// `FIX_STORE_FAILED`, and then the session ends; those of `wire::fix::Session::send`.
    pub fn send(&mut self, message: &Outgoing<'_>) -> Result<u64, Code> {
        let now = self.now;
        let seat = self.seats.get_mut(self.session as usize).ok_or(Code::FixSessionUnknown)?;
        if seat.closing || seat.fault.is_some() {
            return Err(Code::FixClosed);
        }
        if seat.pending + seat.out.len() > PEER_BEHIND_BYTES {
            return Err(Code::PeerSlow);
        }
        let sent = seat.step(self.log, now, |session, store, out| session.send(message, now, store, out));
        let failed = seat.fault.is_some();
        self.touch();
        if failed { Err(Code::FixStoreFailed) } else { sent }
    }

    /// Both sides of the open session begin at 1.
    ///
    /// Errors: `FIX_SESSION_UNKNOWN`; those of `wire::fix::Session::restart`.
    pub fn restart(&mut self) -> Result<(), Code> {
        let now = self.now;
        let seat = self.seats.get_mut(self.session as usize).ok_or(Code::FixSessionUnknown)?;
        let begun = seat.step(self.log, now, |session, store, out| session.restart(now, store, out));
        self.touch();
        begun
    }

    /// Begins the logout of an open session, `text` (58) its reason or empty. An initiator connects again after it.
    pub fn logout(&mut self, text: &str) {
        let now = self.now;
        let Some(seat) = self.seats.get_mut(self.session as usize) else { return };
        if seat.token.is_none() {
            return;
        }
        let verdict = seat.step(self.log, now, |session, store, out| session.logout(text, now, store, out));
        if verdict != Verdict::Handled {
            seat.end(None);
        }
        self.touch();
    }

    /// The session has something to send, or to be looked at.
    pub(super) fn touch(&mut self) {
        if let Some(seat) = self.seats.get_mut(self.session as usize)
            && !core::mem::replace(&mut seat.dirty, true)
        {
            self.dirty.push(self.session);
        }
    }
}
