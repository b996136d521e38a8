//! # Room card: driver/lines/paper
//! In:    the market data the engine gets, the FIX bytes it sends.
//! Out:   the bytes of the local queue model's answers, when they are due.
//! Holds: the engine sees what it would see of a venue: a connection that comes up, bytes, an end.
//! Costs: a venue update per market message; a look at what is due per round.
use types::config::{OrdersLink, Setup};
use types::{ConnId, ConnRole, ConnState, Fault, InputKind, Nanos, UnixNanos, VenueId};

use super::orders::ORDERS_INPUT_BYTES;
use super::outlet::{Entry, Outlet, PAPER_TOKEN};
use super::socket::Counts;
use crate::exchange::paper::Paper;
use crate::work::Work;

/// From the end of a session to the next.
const PAUSE: Nanos = Nanos::from_millis(100);

/// The local queue model of one venue.
pub(crate) struct PaperLine {
    pub(crate) paper: Paper,
    conn: ConnId,
    /// When it is connected to next, by the engine's clock; none while it is.
    due: Option<UnixNanos>,
    answers: Vec<u8>,
    pub(crate) counts: Counts,
}

impl PaperLine {
    /// The models of a setup, by venue. Errors: ConfigInvalid.
    pub(crate) fn all(setup: &Setup) -> Result<Vec<Option<Box<PaperLine>>>, Fault> {
        let line = |(venue, config): (usize, &types::config::VenueSetup)| {
            let Some(OrdersLink::Paper { latency }) = config.orders else { return Ok(None) };
            let venue = VenueId(venue as u8);
            let paper = Paper::new(setup, venue, latency)?;
            let (conn, answers) = (ConnId::orders(venue), Vec::with_capacity(ORDERS_INPUT_BYTES));
            let due = Some(UnixNanos::NONE);
            Ok(Some(Box::new(PaperLine { paper, conn, due, answers, counts: Counts::default() })))
        };
        setup.venues.iter().enumerate().map(line).collect()
    }

    /// When something is to be done.
    pub(crate) fn due(&self) -> Option<UnixNanos> {
        self.due.or_else(|| self.paper.due())
    }
}

impl Outlet {
    /// What the engine is about to see of a venue's market data, its model sees first.
    #[inline]
    pub(crate) fn show_papers(&mut self, kind: &InputKind<'_>, now: UnixNanos, venue_of: impl Fn(usize) -> VenueId) {
        let (conn, bytes) = match *kind {
            InputKind::Bytes { conn, bytes } => (conn, Some(bytes)),
            InputKind::Conn { conn, state: ConnState::Down } => (conn, None),
            _ => return,
        };
        let venue = match conn.role() {
            ConnRole::Market(venue) => venue,
            ConnRole::Snapshot(instrument) => venue_of(instrument.index()),
            ConnRole::Orders(_) => return,
        };
        let Some(Some(line)) = self.papers.get_mut(venue.0 as usize) else { return };
        match bytes {
            Some(bytes) => line.paper.on_market(now, conn, bytes),
            None => line.paper.on_market_down(now),
        }
    }
}

impl Work {
    /// Gives the engine what its models have answered by now; how many inputs.
    pub(crate) fn serve_papers(&mut self, may_connect: bool) -> usize {
        let mut inputs = 0;
        for venue in 0..self.outlet.papers.len() {
            let now = self.clock.now(self.machine.monotonic());
            let Outlet { papers, entries, .. } = &mut self.outlet;
            let Some(line) = &mut papers[venue] else { continue };
            let entry = &mut entries[venue];
            if entry.given_up {
                line.end(entry, now);
            }
            if line.due().is_none_or(|due| due > now) {
                continue;
            }
            if line.due.is_some() {
                if may_connect {
                    line.due = None;
                    line.counts.connects += 1;
                    line.paper.on_connect(now);
                    entry.connected(Some(PAPER_TOKEN));
                    let conn = line.conn;
                    self.conn(conn, ConnState::Up);
                    inputs += 1;
                }
                continue;
            }
            inputs += self.take_answers(venue, now);
        }
        inputs
    }

    fn take_answers(&mut self, venue: usize, now: UnixNanos) -> usize {
        let Some(line) = &mut self.outlet.papers[venue] else { return 0 };
        let mut answers = core::mem::take(&mut line.answers);
        let goes_on = line.paper.pop_due(now, &mut answers);
        let conn = line.conn;
        line.counts.bytes_in += answers.len() as u64;
        let mut inputs = 0;
        let read_at = self.machine.monotonic();
        for bytes in answers.chunks(ORDERS_INPUT_BYTES) {
            self.input(InputKind::Bytes { conn, bytes }, read_at);
            inputs += 1;
            if self.outlet.entries[venue].given_up {
                break;
            }
        }
        answers.clear();
        let Outlet { papers, entries, .. } = &mut self.outlet;
        let Some(line) = &mut papers[venue] else { return inputs };
        (line.answers, line.counts.messages) = (answers, line.counts.messages + inputs as u64);
        if !goes_on {
            let told = !entries[venue].given_up;
            line.end(&mut entries[venue], now);
            if told {
                self.conn(conn, ConnState::Down);
            }
        }
        inputs
    }
}

impl PaperLine {
    fn end(&mut self, entry: &mut Entry, now: UnixNanos) {
        self.paper.on_disconnect(now);
        entry.connected(None);
        self.counts.lost += 1;
        self.due = Some(now.plus(PAUSE));
    }
}
