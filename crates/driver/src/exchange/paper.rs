//! # Room card: driver/exchange/paper
//! In:    the market data the engine gets, the FIX bytes it sends, time as an argument.
//! Out:   `Paper`: the FIX bytes a venue would answer, a latency later.
//! Holds: the acceptor and the recorded-market room of the exchange, nothing else; orders and answers keep their order.
//! Costs: a venue update per message, a copy of each way's bytes.
use std::collections::VecDeque;

use types::config::{Feed, Setup};
use types::{Code, ConnId, ConnRole, Fault, InstrumentId, Lots, Nanos, OrderEvent, Side, Ticks, UnixNanos, VenueId};
use venue::{Ledger, RecordedVenue};
use wire::json::{Decoder, FeedMessage, Scope};

use super::acceptor::{Acceptor, At};
use super::market::{RestoredFill, Rooms};

/// Bytes on their way in both directions together; beyond it the connection is closed.
pub const PAPER_BYTES_MAX: usize = 32 << 20;
/// The one connection.
const CONN: u64 = 1;
/// The engine's session.
const SESSION: u32 = 1;

/// The rooms of one venue's instruments.
struct PaperRooms {
    by_instrument: Vec<Option<Box<RecordedVenue>>>,
}

impl PaperRooms {
    fn get(&mut self, instrument: InstrumentId) -> Option<&mut RecordedVenue> {
        self.by_instrument.get_mut(instrument.index()).and_then(Option::as_deref_mut)
    }
}

impl Rooms for PaperRooms {
    fn on_request(&mut self, now: UnixNanos, request: &OrderEvent, reports: &mut Vec<OrderEvent>) {
        match self.get(request.instrument()) {
            Some(room) => room.on_request(now, request, reports),
            None => super::refuse_without_market(now, request, reports),
        }
    }
    fn account(&self, instrument: InstrumentId, session: u32) -> Option<&Ledger> {
        self.by_instrument.get(instrument.index())?.as_ref()?.account(session)
    }
    fn restore_fill(&mut self, session: u32, fill: &RestoredFill) -> Result<(), Code> {
        let room = self.get(fill.instrument).ok_or(Code::UnknownInstrument)?;
        room.restore_fill(session, fill.side, fill.price, fill.lots, fill.fee)
    }
}

/// Bytes on their way, in time order.
#[derive(Debug, Default)]
struct Pipe {
    queue: VecDeque<(UnixNanos, Vec<u8>)>,
    bytes: usize,
    last: UnixNanos,
}

impl Pipe {
    fn push(&mut self, due: UnixNanos, bytes: &[u8]) {
        // A latency is constant and time never steps back; were it to, order still counts more.
        self.last = self.last.max(due);
        self.bytes += bytes.len();
        self.queue.push_back((self.last, bytes.to_vec()));
    }
    fn due(&self) -> Option<UnixNanos> {
        self.queue.front().map(|&(due, _)| due)
    }
    fn pop(&mut self, now: UnixNanos) -> Option<(UnixNanos, Vec<u8>)> {
        if self.due()? > now {
            return None;
        }
        let popped = self.queue.pop_front()?;
        self.bytes -= popped.1.len();
        Some(popped)
    }
    fn clear(&mut self) {
        self.queue.clear();
        self.bytes = 0;
    }
}

/// A venue inside the engine's process: it speaks FIX to the engine and fills orders against the market data the
/// engine gets. Nothing of it is kept over a restart: the session begins at 1 with each logon (141=Y).
pub struct Paper {
    acceptor: Acceptor,
    rooms: PaperRooms,
    instruments: Vec<types::Instrument>,
    venue: VenueId,
    latency: Nanos,
    decoder: Decoder,
    inbound: Pipe,
    outbound: Pipe,
    connected: bool,
    closing: bool,
    reports: Vec<OrderEvent>,
}

impl Paper {
    /// The venue's place in the setup says its names, feed and instruments; `latency` is that of each way.
    ///
    /// # Errors
    /// `CONFIG_INVALID`: no such venue, a feed without a byte format, or a CompID that FIX cannot carry.
    pub fn new(setup: &Setup, venue: VenueId, latency: Nanos) -> Result<Paper, Fault> {
        let invalid = |what: &str| Fault::new(Code::ConfigInvalid, format!("paper: {what}"), vec![]);
        let known = setup.venues.get(venue.0 as usize).ok_or_else(|| invalid("no such venue"))?;
        if known.feed == Feed::Normalised {
            return Err(invalid("a feed without a byte format"));
        }
        let room = |instrument: &types::Instrument| {
            (instrument.venue == venue).then(|| Box::new(RecordedVenue::new(instrument, known.feed)))
        };
        let mut acceptor = Acceptor::new(&known.target_comp_id, &setup.instruments, venue, true, false);
        acceptor.reset_on_logon = true;
        acceptor
            .add_seat(SESSION, known.sender_comp_id.as_bytes())
            .ok_or_else(|| invalid("a CompID that FIX cannot carry"))?;
        Ok(Paper {
            acceptor,
            rooms: PaperRooms { by_instrument: setup.instruments.iter().map(room).collect() },
            instruments: setup.instruments.clone(),
            venue,
            latency,
            decoder: Decoder::new(),
            inbound: Pipe::default(),
            outbound: Pipe::default(),
            connected: false,
            closing: false,
            reports: venue::reserve_reports(),
        })
    }

    /// The account begins with a position an earlier process of the engine held, taken at a price (for cash only).
    pub fn restore_position(&mut self, instrument: InstrumentId, position: Lots, price: Ticks) -> Result<(), Code> {
        if position.0 == 0 {
            return Ok(());
        }
        let side = if position.0 > 0 { Side::Buy } else { Side::Sell };
        let fill = RestoredFill { instrument, side, price, lots: Lots(position.0.saturating_abs()), fee: 0 };
        self.rooms.restore_fill(SESSION, &fill)
    }

    /// The engine connects. It logs on by `on_bytes`.
    pub fn on_connect(&mut self, now: UnixNanos) {
        if self.connected {
            self.on_disconnect(now);
        }
        self.connected = self.acceptor.connected(CONN, At { market: now, wall: now });
    }

    /// The engine's connection is gone: what is on its way is lost, its orders are cancelled.
    pub fn on_disconnect(&mut self, now: UnixNanos) {
        self.inbound.clear();
        self.outbound.clear();
        (self.connected, self.closing) = (false, false);
        self.acceptor.disconnected(CONN, At { market: now, wall: now }, &mut self.rooms);
    }

    /// FIX bytes of the engine; they arrive a latency later.
    pub fn on_bytes(&mut self, now: UnixNanos, bytes: &[u8]) {
        if self.connected {
            self.inbound.push(now.plus(self.latency), bytes);
            self.bound();
        }
    }

    /// A message of the venue's market data, or the body of a snapshot, as the engine gets it. What arrives by now is
    /// served first.
    pub fn on_market(&mut self, now: UnixNanos, conn: ConnId, bytes: &[u8]) {
        self.serve(now);
        let scope = match conn.role() {
            ConnRole::Snapshot(instrument) => Scope::Instrument(instrument),
            _ => Scope::Venue(self.venue),
        };
        // The engine counts what cannot be decoded; this book simply does not see it.
        let Ok(message) = self.decoder.decode(bytes, scope, &self.instruments) else { return };
        let (bids, asks, reports) = (self.decoder.bids(), self.decoder.asks(), &mut self.reports);
        let instrument = match &message {
            FeedMessage::Depth(header) => header.instrument,
            FeedMessage::Trade(print) => print.instrument,
            FeedMessage::Touch(print) => print.instrument,
            FeedMessage::Snapshot(header) => header.instrument,
            FeedMessage::Other => return,
        };
        let Some(room) = self.rooms.get(instrument) else { return };
        match &message {
            FeedMessage::Depth(header) => drop(room.on_depth(now, header, bids, asks, reports)),
            FeedMessage::Snapshot(header) => drop(room.on_snapshot(now, header, bids, asks, reports)),
            FeedMessage::Trade(print) => room.on_trade(now, print, reports),
            FeedMessage::Touch(print) => room.on_touch(now, print, reports),
            FeedMessage::Other => {}
        }
        if !self.reports.is_empty() {
            self.acceptor.book_all(&mut self.reports, At { market: now, wall: now });
            self.dispatch(now);
        }
    }

    /// The market-data connection is gone: nothing is displayed until it is back.
    pub fn on_market_down(&mut self, now: UnixNanos) {
        self.serve(now);
        self.rooms.by_instrument.iter_mut().flatten().for_each(|room| room.on_disconnect());
    }

    /// When something is due, if nothing else comes in before.
    pub fn due(&self) -> Option<UnixNanos> {
        [self.inbound.due(), self.outbound.due(), self.acceptor.deadline()].into_iter().flatten().min()
    }

    /// Serves what has arrived by now and appends what has come back to the engine. False when the venue closes the
    /// connection: call `on_disconnect` after giving the engine its bytes.
    pub fn pop_due(&mut self, now: UnixNanos, out: &mut Vec<u8>) -> bool {
        self.serve(now);
        self.acceptor.on_time(At { market: now, wall: now });
        self.dispatch(now);
        while let Some((_, bytes)) = self.outbound.pop(now) {
            out.extend_from_slice(&bytes);
        }
        !(self.closing && self.outbound.queue.is_empty())
    }

    /// The account of an instrument; `None` before its first order.
    pub fn account(&self, instrument: InstrumentId) -> Option<&Ledger> {
        self.rooms.account(instrument, SESSION)
    }
    /// Orders open here.
    pub fn open_orders(&self) -> usize {
        self.acceptor.orders.open_count()
    }

    /// Gives the acceptor what has arrived, each at its own moment.
    fn serve(&mut self, now: UnixNanos) {
        while let Some((due, bytes)) = self.inbound.pop(now) {
            self.acceptor.on_bytes(CONN, &bytes, At { market: due, wall: due }, &mut self.rooms);
            self.dispatch(due);
        }
    }

    /// Sends the acceptor's answers on their way.
    fn dispatch(&mut self, now: UnixNanos) {
        let (outbound, closing, due) = (&mut self.outbound, &mut self.closing, now.plus(self.latency));
        self.acceptor.drain(|_, bytes, closes| {
            if !bytes.is_empty() {
                outbound.push(due, bytes);
            }
            *closing |= closes;
        });
        self.bound();
    }

    fn bound(&mut self) {
        if self.inbound.bytes + self.outbound.bytes > PAPER_BYTES_MAX {
            self.inbound.clear();
            self.outbound.clear();
            self.closing = true;
        }
    }
}
