//! # Room card: driver/fix/seat
//! In:    a session's entry; what the host does with it.
//! Out:   the session between its store, its outgoing bytes and the message log.
//! Holds: a message that the store did not keep is not in the outgoing bytes; after such a fault the session goes on
//!        from what the store has.
//! Costs: the session's and the store's; one copy of what is sent.
use core::cell::Cell;

use net::Token;
use types::{Code, Fault, UnixNanos};
use wire::fix::schedule::Window;
use wire::fix::{Message, Out, Session, State, Store};

use super::dial::Dial;
use super::entry::SessionEntry;
use super::message_log::{MessageLog, Way};
use super::store::FixStore;

/// Bytes of a resend at a time, so that other sessions have their turn.
const RESEND_PORTION_BYTES: usize = 256 << 10;

/// A question to the application.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Asked {
    pub(super) ask: u64,
    /// Initiator: time and number of the Logon it is about.
    pub(super) draft: Option<(UnixNanos, u64)>,
}

/// A session of a host.
pub(super) struct Seat {
    pub(super) id: u32,
    pub(super) entry: SessionEntry,
    pub(super) session: Session,
    store: Box<dyn FixStore>,
    /// Its connection, from the logon's coming (acceptor) or the connection's (initiator).
    pub(super) token: Option<Token>,
    /// Initiator: how it gets there.
    pub(super) dial: Option<Dial>,
    /// Bytes to be sent.
    pub(super) out: Vec<u8>,
    /// Its connection is to be closed once they are.
    pub(super) closing: bool,
    /// Why, if not in order.
    pub(super) why: Option<Code>,
    /// Bytes the kernel has not taken.
    pub(super) pending: usize,
    /// In the host's list of those with something to send.
    pub(super) dirty: bool,
    /// What the store could not do.
    pub(super) fault: Option<Fault>,
    /// The window it is in.
    pub(super) window: Option<Window>,
    /// When the next one opens, outside of all.
    pub(super) opens: Option<UnixNanos>,
    /// When the time over which its numbers go on is over, while it is connected.
    pub(super) numbers_until: UnixNanos,
    /// Logged out by command, and not to come back.
    pub(super) halted: bool,
    /// A question about its logon that is not answered.
    pub(super) asked: Option<Asked>,
    /// Text (58) of the peer's Logout.
    pub(super) said: String,
    /// Up to so many bytes wait for the peer when a resend goes on.
    pub(super) resend_bytes: usize,
    /// Begins at 1 as soon as it is down.
    pub(super) reset_due: bool,
    /// The application was told of the logon.
    pub(super) was_open: bool,
}

/// The store as the session sees it: notes the first fault, and from then on nothing is sent.
struct Keeping<'a> {
    store: &'a mut dyn FixStore,
    failed: &'a Cell<bool>,
    fault: &'a mut Option<Fault>,
}

impl Keeping<'_> {
    fn look(&mut self) {
        if let Some(fault) = self.store.take_fault() {
            self.failed.set(true);
            self.fault.get_or_insert(fault);
        }
    }
}

impl Store for Keeping<'_> {
    fn next(&mut self, from: u64) -> Option<(u64, &[u8])> {
        // Looked at with the next change; a resend that is cut short ends the session then.
        self.store.next(from)
    }
    fn keep(&mut self, sequence: u64, bytes: &[u8], application: bool) {
        self.store.keep(sequence, bytes, application);
        self.look();
    }
    fn numbers(&mut self, next_in: u64, next_out: u64) {
        self.store.numbers(next_in, next_out);
        self.look();
    }
    fn reset(&mut self, now: UnixNanos) {
        self.store.reset(now);
        self.look();
    }
}

/// Outgoing messages on their way into the seat's bytes.
struct Outlet<'a> {
    bytes: &'a mut Vec<u8>,
    failed: &'a Cell<bool>,
    log: Option<&'a mut MessageLog>,
    session: u32,
    now: UnixNanos,
    /// Bytes here at which a resend waits.
    full: usize,
}

impl Out for Outlet<'_> {
    fn send(&mut self, bytes: &[u8]) {
        if self.failed.get() {
            return;
        }
        self.bytes.extend_from_slice(bytes);
        if let Some(log) = &mut self.log {
            log.note(self.session, Way::Out, self.now, bytes);
        }
    }
    fn has_room(&self) -> bool {
        self.bytes.len() < self.full
    }
}

impl Seat {
    /// A session that goes on where its store left it. Errors: those of the store, `FIX_FIELD_INVALID`.
    pub(super) fn open(id: u32, entry: SessionEntry, dial: Option<Dial>, now: UnixNanos) -> Result<Seat, Fault> {
        let mut session = Session::new(entry.setup.clone()).map_err(|code| {
            let name = entry.name();
            Fault::new(code, format!("session {name}: its setup does not fit its version"), vec![("session", name)])
        })?;
        session.set_rules(entry.rules.as_ref().map(|make| make()));
        let mut store = entry.open_store(now)?;
        let stored = store.stored();
        if let Some(from) = entry.resend_from.filter(|&from| from < stored.next_in) {
            store.numbers(from.max(1), stored.next_out);
            store.take_fault().map_or(Ok(()), Err)?;
        }
        let mut seat = Seat {
            id,
            entry,
            session,
            store,
            token: None,
            dial,
            out: Vec::new(),
            closing: false,
            why: None,
            pending: 0,
            dirty: false,
            fault: None,
            window: None,
            opens: None,
            numbers_until: UnixNanos(u64::MAX),
            halted: false,
            asked: None,
            said: String::new(),
            resend_bytes: usize::MAX,
            reset_due: false,
            was_open: false,
        };
        seat.window = seat.entry.hours.window(now);
        seat.opens = seat.entry.hours.next(now).map(|window| window.opens);
        Ok(seat)
    }

    /// Does something with the session. What it sends is in `out` after, as far as the store kept it.
    pub(super) fn step<R>(
        &mut self,
        log: &mut Option<MessageLog>,
        now: UnixNanos,
        act: impl FnOnce(&mut Session, &mut dyn Store, &mut dyn Out) -> R,
    ) -> R {
        let failed = Cell::new(false);
        let mut store = Keeping { store: &mut *self.store, failed: &failed, fault: &mut self.fault };
        let log = if self.entry.logged { log.as_mut() } else { None };
        let full = self.resend_bytes.saturating_sub(self.pending).min(RESEND_PORTION_BYTES);
        let mut out = Outlet { bytes: &mut self.out, failed: &failed, log, session: self.id, now, full };
        let result = act(&mut self.session, &mut store, &mut out);
        store.look();
        result
    }

    /// Before a connection: goes on from the store, or begins anew where its window is over or somebody asked for it.
    pub(super) fn prepare(&mut self, log: &mut Option<MessageLog>, now: UnixNanos) {
        let stored = self.store.stored();
        self.session.restore(stored.next_in, stored.next_out);
        if core::mem::take(&mut self.reset_due) || self.entry.begins_anew(stored.created, now) {
            self.step(log, now, |session, store, _| session.reset(now, store));
        }
        self.numbers_until = self.entry.numbers_until(now);
    }

    /// May a resend that had no room go on?
    pub(super) fn may_resend(&self) -> bool {
        self.session.has_rest() && self.pending < self.resend_bytes
    }

    /// What the peer's Logout says stays until the end is told.
    pub(super) fn hear_logout(&mut self, message: &Message<'_>) {
        if message.msg_type() == b"5" {
            self.said = String::from_utf8_lossy(message.get(58).unwrap_or_default()).into_owned();
        }
    }

    /// Its connection is to be closed when what was sent is out; the first reason stays.
    pub(super) fn end(&mut self, why: Option<Code>) {
        if !core::mem::replace(&mut self.closing, true) {
            self.why = why;
        }
    }

    /// Within its hours, and not logged out by command?
    pub(super) fn may_connect(&self, now: UnixNanos) -> bool {
        !self.halted && self.window.is_some_and(|window| window.holds(now))
    }

    /// Is a connection under way or up?
    pub(super) fn is_taken(&self) -> bool {
        self.token.is_some()
    }

    /// When it is to be looked at, if nothing happens before.
    pub(super) fn deadline(&self) -> Option<UnixNanos> {
        let edge = self.window.map(|window| window.closes).or(self.opens);
        let dial = self.dial.as_ref().and_then(Dial::deadline);
        let session = if self.session.state() == State::Down { None } else { self.session.deadline() };
        let numbers = self.token.map(|_| self.numbers_until);
        [edge, dial, session, numbers, self.draft_ends()].into_iter().flatten().min()
    }

    /// When a Logon that is being signed is too late.
    pub(super) fn draft_ends(&self) -> Option<UnixNanos> {
        let (at, _) = self.asked?.draft?;
        Some(at.plus(self.entry.setup.logon_wait))
    }
}
