//! # Room card: driver/exchange/acceptor
//! In:    bytes of order connections, their coming and going, time; reports of the venue rooms.
//! Out:   bytes for the connections, lines for the ledger.
//! Holds: a line is in the ledger's buffer before the bytes it stands for are in a connection's; the owner writes the
//!        first before it sends the second. Every session belongs to one CompID for ever.
//! Costs: a request about 2 µs with its report and ledger lines.
use std::sync::Arc;

use types::{Instrument, Nanos, OrderEvent, UnixNanos, VenueId};
use wire::fix::{Inbox, Message, State, Verdict};

use super::ledger::{LEDGER_VERSION, LedgerLine};
use super::market::Rooms;
use super::orders::Orders;
use super::seat::{Line, OrdersConn, Seat};
use super::{ORDERS_CONNECTIONS_MAX, SESSIONS_MAX};

/// A connection that has not logged on by then is closed.
const LOGON_WAIT: Nanos = Nanos(10_000_000_000);

/// One moment on both clocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct At {
    /// The market's: stamps of reports and of FIX messages.
    pub market: UnixNanos,
    /// This machine's.
    pub wall: UnixNanos,
}

/// Faults made on purpose.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Faults {
    /// The fill report of this number is never sent.
    pub drop_fill: Option<u64>,
    /// After this many reports nothing is sent any more.
    pub mute_after: Option<u64>,
}

/// What was asked for so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct AskedCounts {
    pub new: u64,
    pub cancel: u64,
    pub replace: u64,
    pub mass_cancel: u64,
    pub status: u64,
    pub positions: u64,
    /// Messages that are no request.
    pub refused: u64,
}

/// The FIX side of an exchange.
pub(crate) struct Acceptor {
    pub(super) name: String,
    pub(super) instruments: Arc<[Instrument]>,
    pub(super) venue: VenueId,
    pub(super) seats: Vec<Seat>,
    pub(super) conns: Vec<OrdersConn>,
    pub(super) orders: Orders,
    pub(super) faults: Faults,
    cancel_on_disconnect: bool,
    /// Sessions begin at 1 with each logon.
    pub(super) reset_on_logon: bool,
    /// Lines not yet taken by the owner; `None` keeps no ledger.
    pub(super) ledger: Option<Vec<u8>>,
    pub(super) asked: AskedCounts,
    /// Reports made, fills among them; they number ExecIDs.
    pub(super) reports: u64,
    pub(super) fills: u64,
    /// Numbers of mass cancels and position reports.
    pub(super) answers: u64,
    pub(super) request_number: u32,
    pub(super) muted: bool,
    /// Reports of the rooms, reused.
    pub(super) scratch: Vec<OrderEvent>,
    pub(super) found: Vec<(u64, u32)>,
}

impl Acceptor {
    /// Nobody is known yet.
    pub(crate) fn new(
        name: &str,
        instruments: &[Instrument],
        venue: VenueId,
        cancel_on_disconnect: bool,
        keeps_ledger: bool,
    ) -> Acceptor {
        Acceptor {
            name: name.to_string(),
            instruments: instruments.into(),
            venue,
            seats: Vec::new(),
            conns: Vec::new(),
            orders: Orders::default(),
            faults: Faults::default(),
            cancel_on_disconnect,
            reset_on_logon: false,
            ledger: keeps_ledger.then(Vec::new),
            asked: AskedCounts::default(),
            reports: 0,
            fills: 0,
            answers: 0,
            request_number: 0,
            muted: false,
            scratch: venue::reserve_reports(),
            found: Vec::new(),
        }
    }

    /// Adds a line to the ledger.
    pub(super) fn note(&mut self, line: &LedgerLine<'_>) {
        if let Some(ledger) = &mut self.ledger {
            line.write(ledger);
        }
    }
    /// The line that begins a process's part of the ledger.
    pub(crate) fn note_open(&mut self, wall: UnixNanos) {
        let name = self.name.clone();
        self.note(&LedgerLine::Open { version: LEDGER_VERSION, name: name.into(), wall });
    }
    /// Lines to write before anything is sent.
    pub(crate) fn ledger_lines(&self) -> &[u8] {
        self.ledger.as_deref().unwrap_or(&[])
    }
    /// They are written.
    pub(crate) fn ledger_written(&mut self) {
        if let Some(ledger) = &mut self.ledger {
            ledger.clear();
        }
    }

    /// A connection came; false when there is no room for it.
    pub(crate) fn connected(&mut self, key: u64, at: At) -> bool {
        if self.conns.len() == ORDERS_CONNECTIONS_MAX {
            return false;
        }
        let (inbox, out, since) = (Inbox::new(), Vec::new(), at.wall);
        self.conns.push(OrdersConn { key, inbox, seat: None, out, since, closing: false });
        true
    }

    /// A connection is gone.
    pub(crate) fn disconnected(&mut self, key: u64, at: At, rooms: &mut dyn Rooms) {
        let Some(place) = self.conns.iter().position(|conn| conn.key == key) else { return };
        let conn = self.conns.swap_remove(place);
        let Some(seat) = conn.seat else { return };
        self.seats[seat].conn = None;
        let wanted = self.cancel_on_disconnect || self.seats[seat].session.peer_cancels_on_disconnect();
        let own = &mut self.seats[seat];
        own.session.disconnected(at.market, &mut own.kept);
        if wanted {
            self.cancel_all(seat, None, at, rooms);
        }
    }

    /// Bytes of a connection, as read.
    pub(crate) fn on_bytes(&mut self, key: u64, bytes: &[u8], at: At, rooms: &mut dyn Rooms) {
        let Some(place) = self.conns.iter().position(|conn| conn.key == key) else { return };
        // Taken out while it is read, so that a message can be borrowed from it.
        let mut inbox = core::mem::take(&mut self.conns[place].inbox);
        let mut rest = bytes;
        loop {
            if self.conns[place].closing {
                break;
            }
            let step = match inbox.next(rest) {
                Ok(step) => step,
                Err(_) => {
                    self.conns[place].closing = true;
                    break;
                }
            };
            rest = &rest[step.consumed..];
            match step.message {
                Some(message) => self.on_message(place, message, at, rooms),
                None if step.consumed == 0 || rest.is_empty() => break,
                None => {}
            }
        }
        self.conns[place].inbox = inbox;
    }

    fn on_message(&mut self, place: usize, bytes: &[u8], at: At, rooms: &mut dyn Rooms) {
        let Ok(message) = Message::parse(bytes) else { return };
        let Some(seat) = self.conns[place].seat.or_else(|| self.seat_down(place, &message, at)) else {
            self.conns[place].closing = true;
            return;
        };
        let next_out = self.seats[seat].session.next_out();
        let (conn, own) = (&mut self.conns[place], &mut self.seats[seat]);
        let mut line = Line { out: (!self.muted).then_some(&mut conn.out) };
        let verdict = own.session.on_message(&message, at.market, &mut own.kept, &mut line);
        if own.session.next_out() < next_out {
            own.kept.clear();
            // The line says so; numbers that have grown back to those noted last are noted again.
            own.noted = (1, 1);
            let session = own.number;
            self.note(&LedgerLine::Reset { session });
        }
        match verdict {
            Verdict::Deliver => self.on_request(seat, &message, at, rooms),
            Verdict::LoggedOn => self.seats[seat].logons += 1,
            Verdict::Handled | Verdict::Restarted => {}
            Verdict::LoggedOut | Verdict::Ended(_) => self.conns[place].closing = true,
        }
    }

    /// The seat of a connection whose first message this is. `None`: no logon to us, no room, or already connected.
    fn seat_down(&mut self, place: usize, message: &Message<'_>, at: At) -> Option<usize> {
        if message.msg_type() != b"A" || message.target() != self.name.as_bytes() {
            return None;
        }
        let client = message.sender();
        let seat = match self.seats.iter().position(|seat| seat.session.target() == client) {
            Some(seat) => seat,
            None => {
                let number = self.seats.len() as u32 + 1;
                self.add_seat(number, client)?;
                let client = String::from_utf8_lossy(client);
                self.note(&LedgerLine::Session { session: number, client });
                self.seats.len() - 1
            }
        };
        if self.seats[seat].conn.is_some() {
            return None;
        }
        self.conns[place].seat = Some(seat);
        self.seats[seat].conn = Some(self.conns[place].key);
        let own = &mut self.seats[seat];
        own.session.connected(at.market, &mut own.kept, &mut Line { out: None });
        Some(seat)
    }

    /// One more seat. `None` when there is no room or the CompID cannot be written.
    pub(super) fn add_seat(&mut self, number: u32, client: &[u8]) -> Option<()> {
        if self.seats.len() == SESSIONS_MAX || number as usize != self.seats.len() + 1 {
            return None;
        }
        self.seats.push(Seat::new(number, &self.name, client, self.reset_on_logon).ok()?);
        self.orders.add_session();
        Some(())
    }

    /// What is due by now: heartbeats, the end of silent sessions and of connections that never logged on.
    pub(crate) fn on_time(&mut self, at: At) {
        for conn in &mut self.conns {
            match conn.seat {
                None => conn.closing |= at.wall >= conn.since.plus(LOGON_WAIT),
                Some(seat) => {
                    let mut line = Line { out: (!self.muted).then_some(&mut conn.out) };
                    let own = &mut self.seats[seat];
                    let verdict = own.session.on_time(at.market, &mut own.kept, &mut line);
                    conn.closing |= matches!(verdict, Verdict::LoggedOut | Verdict::Ended(_));
                }
            }
        }
    }

    /// The earliest moment, on the market's clock, at which a session has something to do.
    pub(crate) fn deadline(&self) -> Option<UnixNanos> {
        self.seats.iter().filter_map(|seat| seat.session.deadline()).min()
    }

    /// Ends a turn: the sessions' numbers go to the ledger where they changed.
    pub(crate) fn end_turn(&mut self) {
        for seat in 0..self.seats.len() {
            let own = &mut self.seats[seat];
            let numbers = (own.session.next_in(), own.session.next_out());
            if own.noted != numbers {
                own.noted = numbers;
                let (session, next_in, next_out) = (own.number, numbers.0, numbers.1);
                self.note(&LedgerLine::Sequence { session, next_in, next_out });
            }
        }
    }

    /// Hands out what is to be sent, and which connections to close after it.
    pub(crate) fn drain(&mut self, mut each: impl FnMut(u64, &[u8], bool)) {
        for conn in &mut self.conns {
            if !conn.out.is_empty() || conn.closing {
                each(conn.key, &conn.out, conn.closing);
                conn.out.clear();
            }
        }
    }

    /// Says goodbye to every open session.
    pub(crate) fn logout_all(&mut self, at: At) {
        for conn in &mut self.conns {
            if let Some(seat) = conn.seat {
                let mut line = Line { out: (!self.muted).then_some(&mut conn.out) };
                let own = &mut self.seats[seat];
                own.session.logout("", at.market, &mut own.kept, &mut line);
            }
        }
    }

    /// Is a client logged on?
    pub(crate) fn has_client(&self) -> bool {
        self.seats.iter().any(|seat| seat.session.state() == State::Open)
    }
}
