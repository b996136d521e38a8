//! # Room card: driver/fix/desk
//! In:    what the sockets say, in the order they say it; time.
//! Out:   the sessions' doings, the application told of them; connections to close.
//! Holds: one connection a session; a connection is nobody's until its logon names a session; strangers get no answer.
//! Costs: a table look-up a read; the session's, the store's and the application's costs a message.
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

use net::{DownReason, NetEvent, Token};
use types::{Code, Fault, Nanos, UnixNanos};
use wire::fix::{Inbox, Message, Verdict};

use super::application::{FixApplication, Taken};
use super::callers::Place;
use super::clock::HostClock;
use super::dial::{Dial, Stage};
use super::entry::{Admission, SessionEntry};
use super::message_log::{MessageLog, Way};
use super::port::FixPort;
use super::seat::Seat;

/// Sessions of a host, dynamic ones included.
pub const FIX_SESSIONS_MAX: usize = 4_096;
/// A connection.
pub(super) struct Conn {
    pub(super) inbox: Inbox,
    pub(super) seat: Option<u32>,
    pub(super) closing: bool,
    /// A logon, and what came behind it, whose session another connection has; and since which turn.
    pub(super) held: Vec<u8>,
    pub(super) held_since: u64,
    /// Where a caller comes from; `None` where we called.
    pub(super) peer: Option<SocketAddr>,
}

impl Conn {
    fn new(seat: Option<u32>, peer: Option<SocketAddr>) -> Conn {
        Conn { inbox: Inbox::new(), seat, closing: false, held: Vec::new(), held_since: 0, peer }
    }
}

/// The sessions of a host and their connections, without the sockets.
pub(super) struct Desk {
    pub(super) seats: Vec<Seat>,
    pub(super) conns: HashMap<Token, Conn>,
    /// Connections that have not named a session, in the order of their coming.
    pub(super) strangers: VecDeque<(Token, UnixNanos)>,
    /// Connections with a logon held back.
    pub(super) held: Vec<Token>,
    pub(super) log: Option<MessageLog>,
    pub(super) dirty: Vec<u32>,
    pub(super) app: Box<dyn FixApplication>,
    pub(super) admission: Option<Admission>,
    pub(super) clock: HostClock,
    pub(super) logon_wait: Nanos,
    /// Connections to end when the poll is over.
    pub(super) close: Vec<Token>,
    /// Something was told to the application since the last turn's end.
    pub(super) told: bool,
    pub(super) turn: u64,
    /// No logon is taken any more.
    pub(super) ends: bool,
    /// Questions about logons so far.
    pub(super) asks: u64,
    /// Up to so many bytes wait for a peer when a resend goes on.
    pub(super) resend_bytes: usize,
    queued: Vec<u8>,
}

impl Desk {
    pub(super) fn new(
        app: Box<dyn FixApplication>,
        admission: Option<Admission>,
        log: Option<MessageLog>,
        clock: HostClock,
        logon_wait: Nanos,
        resend_bytes: usize,
    ) -> Desk {
        Desk {
            seats: Vec::new(),
            conns: HashMap::new(),
            strangers: VecDeque::new(),
            held: Vec::new(),
            log,
            dirty: Vec::new(),
            app,
            admission,
            clock,
            logon_wait,
            close: Vec::new(),
            told: true,
            turn: 0,
            ends: false,
            asks: 0,
            resend_bytes,
            queued: Vec::new(),
        }
    }

    /// One more session. Errors: those of its store and setup; `CONFIG_INVALID` beyond `FIX_SESSIONS_MAX`, or when
    /// there is one of these names.
    pub(super) fn add(&mut self, entry: SessionEntry, dial: Option<Dial>, now: UnixNanos) -> Result<u32, Fault> {
        let name = entry.name();
        let invalid = |why: &str| {
            let fields = vec![("session", name.clone()), ("error", why.to_string())];
            Err(Fault::new(Code::ConfigInvalid, format!("session {name}: {why}"), fields))
        };
        if self.seats.len() >= FIX_SESSIONS_MAX {
            return invalid("more sessions than a host holds");
        }
        if self.seats.iter().any(|seat| seat.entry.name() == name) {
            return invalid("there is one of these names");
        }
        let id = self.seats.len() as u32;
        let mut seat = Seat::open(id, entry, dial, now)?;
        seat.resend_bytes = self.resend_bytes;
        if let Some(log) = &mut self.log {
            log.name(id, &name);
        }
        self.seats.push(seat);
        Ok(id)
    }

    /// The application is told of a session that is there.
    pub(super) fn introduce(&mut self, id: u32) {
        if let Some(seat) = self.seats.get(id as usize) {
            self.app.on_session(id, seat.session.setup());
        }
    }

    pub(super) fn fault(&mut self, session: Option<u32>, fault: &Fault) {
        self.told = true;
        self.app.on_fault(session, fault);
    }

    /// A session has something to send, or to be looked at.
    pub(super) fn touch(&mut self, id: u32) {
        if let Some(seat) = self.seats.get_mut(id as usize)
            && !core::mem::replace(&mut seat.dirty, true)
        {
            self.dirty.push(id);
        }
    }

    /// An initiator's connection is being made.
    pub(super) fn dialled(&mut self, id: u32, token: Token) {
        self.conns.insert(token, Conn::new(Some(id), None));
        let seat = &mut self.seats[id as usize];
        seat.token = Some(token);
        if let Some(dial) = &mut seat.dial {
            dial.stage = Stage::Connected;
        }
    }

    /// What a socket says.
    pub(super) fn on_event(&mut self, event: NetEvent<'_>) {
        match event {
            NetEvent::Accepted { token, peer, .. } => {
                let now = self.clock.now();
                self.conns.insert(token, Conn::new(None, Some(peer)));
                self.strangers.push_back((token, now));
            }
            NetEvent::Up(token) => self.on_up(token),
            NetEvent::Bytes(token, bytes) => self.on_bytes(token, bytes),
            NetEvent::Blocked(_) => {}
            NetEvent::Writable(token) => {
                let Some(seat) = self.seat_of(token) else { return };
                seat.pending = 0;
                if seat.session.has_rest() {
                    let id = seat.id;
                    self.touch(id);
                }
            }
            NetEvent::Down(token, reason) => self.on_down(token, reason),
        }
    }

    fn seat_of(&mut self, token: Token) -> Option<&mut Seat> {
        let id = self.conns.get(&token)?.seat?;
        self.seats.get_mut(id as usize).filter(|seat| seat.token == Some(token))
    }

    /// An initiator's connection is there: it logs on.
    fn on_up(&mut self, token: Token) {
        let now = self.clock.now();
        let Some(id) = self.seat_of(token).filter(|seat| seat.dial.is_some()).map(|seat| seat.id) else { return };
        self.seats[id as usize].prepare(&mut self.log, now);
        self.draft(id, now);
        self.touch(id);
    }

    fn on_bytes(&mut self, token: Token, bytes: &[u8]) {
        // Taken out while it is read, so that a message can be borrowed from its inbox.
        let Some(mut conn) = self.conns.remove(&token) else { return };
        if conn.held.is_empty() {
            self.read(token, &mut conn, bytes);
        } else if conn.held.len() + bytes.len() <= wire::fix::FIX_IN_BYTES_MAX {
            conn.held.extend_from_slice(bytes);
        } else {
            self.give_up(token, &mut conn);
        }
        self.conns.insert(token, conn);
    }

    /// Ends a connection without a word.
    pub(super) fn give_up(&mut self, token: Token, conn: &mut Conn) {
        conn.closing = true;
        conn.held = Vec::new();
        self.close.push(token);
    }

    pub(super) fn read(&mut self, token: Token, conn: &mut Conn, bytes: &[u8]) {
        let mut rest = bytes;
        // Each round takes bytes, or is the last.
        while !conn.closing && conn.held.is_empty() {
            let Conn { inbox, seat, peer, .. } = conn;
            let step = match inbox.next(rest) {
                Ok(step) => step,
                Err(code) => {
                    match *seat {
                        Some(id) => self.end(id, token, Some(code)),
                        None => self.close.push(token),
                    }
                    conn.closing = true;
                    return;
                }
            };
            rest = &rest[step.consumed..];
            if step.garbled && seat.is_none() {
                return self.give_up(token, conn);
            }
            let Some(message) = step.message else {
                if step.consumed == 0 || rest.is_empty() {
                    return;
                }
                continue;
            };
            if let Some(id) = *seat {
                conn.closing |= !self.on_message(id, token, message);
                continue;
            }
            match self.seat_down(token, *peer, message) {
                Place::Seat(id) => {
                    *seat = Some(id);
                    conn.closing |= !self.on_message(id, token, message);
                }
                Place::Asked(id) => {
                    *seat = Some(id);
                    conn.held = [message, rest].concat();
                }
                Place::Held => {
                    conn.held = [message, rest].concat();
                    conn.held_since = self.turn;
                    self.held.push(token);
                }
                Place::Nowhere => return self.give_up(token, conn),
            }
        }
    }

    /// A whole message of a session's connection; false when nothing more is to be read from it.
    fn on_message(&mut self, id: u32, token: Token, bytes: &[u8]) -> bool {
        self.one_message(id, bytes, true);
        // Bound: the messages of the session's queue.
        while self.is_read_from(id, token) {
            let mut queued = core::mem::take(&mut self.queued);
            let more = self.seats[id as usize].session.take_queued(&mut queued);
            if more {
                self.one_message(id, &queued, false);
            }
            self.queued = queued;
            if !more {
                break;
            }
        }
        self.touch(id);
        self.is_read_from(id, token)
    }

    fn is_read_from(&self, id: u32, token: Token) -> bool {
        self.seats
            .get(id as usize)
            .is_some_and(|seat| seat.token == Some(token) && !seat.closing && seat.fault.is_none())
    }

    fn one_message(&mut self, id: u32, bytes: &[u8], is_new: bool) {
        let now = self.clock.now();
        let seat = &mut self.seats[id as usize];
        if seat.closing || seat.fault.is_some() {
            return;
        }
        if let (Some(log), true, true) = (&mut self.log, seat.entry.logged, is_new) {
            log.note(id, Way::In, now, bytes);
        }
        // What is no message is ignored, as a garbled one is.
        let Ok(message) = Message::parse(bytes) else { return };
        let verdict =
            seat.step(&mut self.log, now, |session, store, out| session.on_message(&message, now, store, out));
        self.told = true;
        match verdict {
            Verdict::Deliver => self.deliver(id, &message, now),
            Verdict::LoggedOn => self.logged_on(id, &message, now),
            Verdict::Handled => self.app.on_admin(id, &message),
            Verdict::Restarted => {
                self.app.on_admin(id, &message);
                self.app.on_restart(id);
            }
            Verdict::LoggedOut | Verdict::Ended(_) => {
                self.seats[id as usize].hear_logout(&message);
                self.app.on_admin(id, &message);
            }
        }
        self.obey(id, verdict);
        let seat = &mut self.seats[id as usize];
        seat.step(&mut self.log, now, |session, store, _| session.settle(store));
    }

    fn port(&mut self, session: u32, now: UnixNanos) -> (&mut Box<dyn FixApplication>, FixPort<'_>) {
        let port = FixPort { seats: &mut self.seats, log: &mut self.log, dirty: &mut self.dirty, session, now };
        (&mut self.app, port)
    }

    fn deliver(&mut self, id: u32, message: &Message<'_>, now: UnixNanos) {
        let (app, mut port) = self.port(id, now);
        let taken = app.on_message(message, &mut port);
        if let Taken::Refused(reason, tag) = taken {
            let seat = &mut self.seats[id as usize];
            seat.step(&mut self.log, now, |session, store, out| {
                session.business_reject(message, reason, tag, now, store, out);
            });
        }
    }

    fn logged_on(&mut self, id: u32, message: &Message<'_>, now: UnixNanos) {
        let seat = &mut self.seats[id as usize];
        seat.was_open = true;
        if let Some(dial) = &mut seat.dial {
            dial.worked();
        }
        self.app.on_admin(id, message);
        let (app, mut port) = self.port(id, now);
        app.on_logon(&mut port);
    }

    /// Does with the connection what the session says.
    pub(super) fn obey(&mut self, id: u32, verdict: Verdict) {
        let seat = &mut self.seats[id as usize];
        match verdict {
            Verdict::Deliver | Verdict::Handled | Verdict::LoggedOn | Verdict::Restarted => {}
            Verdict::LoggedOut => seat.end(None),
            Verdict::Ended(code) => seat.end(Some(code)),
        }
    }

    /// Ends a session's connection from our side.
    fn end(&mut self, id: u32, token: Token, why: Option<Code>) {
        let seat = &mut self.seats[id as usize];
        if seat.token == Some(token) {
            seat.end(why);
            self.touch(id);
        }
    }

    fn on_down(&mut self, token: Token, reason: DownReason) {
        let Some(conn) = self.conns.remove(&token) else { return };
        let Some(id) = conn.seat else { return };
        if self.seats[id as usize].token == Some(token) {
            self.seats[id as usize].end(Some(reason.code()));
            self.detach(id);
            self.touch(id);
        }
    }

    /// The session has no connection any more; the application is told why.
    pub(super) fn detach(&mut self, id: u32) {
        let now = self.clock.now();
        self.told = true;
        let may_come_back = !self.ends && self.seats[id as usize].may_connect(now);
        let seat = &mut self.seats[id as usize];
        let (was_open, why) = (core::mem::take(&mut seat.was_open), seat.why.take());
        let said = core::mem::take(&mut seat.said);
        (seat.token, seat.closing, seat.pending, seat.asked) = (None, false, 0, None);
        seat.out.clear();
        seat.step(&mut self.log, now, |session, store, _| session.disconnected(now, store));
        if let Some(dial) = &mut seat.dial {
            match (may_come_back, was_open) {
                (false, _) => dial.stage = Stage::Idle,
                (true, true) => dial.ended(now),
                (true, false) => dial.failed(now),
            }
        }
        let fault = seat.fault.take();
        if let Some(fault) = fault {
            self.fault(Some(id), &fault);
        }
        if was_open {
            self.app.on_logout(id, why, &said);
        } else if let Some(code) = why {
            let words = [code.name(), if said.is_empty() { "" } else { ": " }, &said].concat();
            let fault = Fault::new(code, format!("session {id} did not log on: {words}"), vec![("text", said)]);
            self.fault(Some(id), &fault);
        }
    }

    /// Ends a closed connection's entry: what else it says is nobody's.
    pub(super) fn leave(&mut self, token: Token) {
        if let Some(conn) = self.conns.get_mut(&token) {
            (conn.closing, conn.seat) = (true, None);
        }
    }

    /// Connections that are not gone.
    pub(super) fn connections(&self) -> usize {
        self.conns.len()
    }
}
