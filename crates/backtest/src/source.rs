//! # Room card: backtest/source
//! In:    a recording or a generated market, moments of virtual time, requests.
//! Out:   deliveries for the engine, reports of the venue.
//! Holds: the venue sees its own market `feed_nanos` before the engine does; both see the same messages in the same
//!        order.
//! Costs: one decoded message, one copy of its bytes.
use std::path::Path;

use driver::Recording;
use types::config::{Feed, LatencyConfig, Setup, SourceConfig};
use types::{Code, ConnId, Instrument, InstrumentId, Nanos, OrderEvent, UnixNanos};
use venue::{FeedBatch, FeedItem, GeneratedVenue, Ledger, RecordedVenue};
use wire::json::FeedMessage;
use wire::json::encode::{self, Envelope};

use crate::schedule::Deliveries;
use types::Fault;

/// One source of market data with the venue that fills orders against it.
pub(crate) struct Source {
    pub instrument: InstrumentId,
    pub deliveries: Deliveries,
    feed_latency: Nanos,
    market_conn: ConnId,
    feed: Feed,
    kind: Kind,
    /// Moment of the next event at the venue.
    next: Option<UnixNanos>,
    last: UnixNanos,
    /// Lines whose receive time was before the one before.
    pub steps_back: u64,
    /// When a snapshot request reaches the venue.
    snapshot_due: Option<UnixNanos>,
}

enum Kind {
    Recorded { recording: Box<Recording>, venue: Box<RecordedVenue> },
    Generated { venue: Box<GeneratedVenue>, start: UnixNanos, end: UnixNanos, batch: FeedBatch },
}

impl Source {
    pub(crate) fn open(config: &SourceConfig, latency: &LatencyConfig, setup: &Setup) -> Result<Source, Fault> {
        let Some(instrument) = setup.instruments.iter().find(|known| known.symbol() == config.instrument()) else {
            return Err(Fault::new(Code::UnknownInstrument, "source without instrument", vec![]));
        };
        let feed = setup.venues[instrument.venue.0 as usize].feed;
        let kind = match config {
            SourceConfig::Recording { path, .. } => Kind::Recorded {
                recording: Box::new(Recording::open(Path::new(path), instrument, &setup.instruments)?),
                venue: Box::new(RecordedVenue::new(instrument, feed)),
            },
            SourceConfig::Generated { market, .. } => {
                let venue = GeneratedVenue::new(instrument, market, feed)
                    .map_err(|code| Fault::new(code, "the generated market's parameters cannot be used", vec![]))?;
                let start = UnixNanos(market.start_unix_seconds * types::time::NANOS_PER_SECOND);
                let end = UnixNanos(start.0 + market.seconds as u64 * types::time::NANOS_PER_SECOND);
                Kind::Generated { venue: Box::new(venue), start, end, batch: FeedBatch::new() }
            }
        };
        let mut source = Source {
            instrument: instrument.id,
            deliveries: Deliveries::default(),
            feed_latency: Nanos(latency.feed_nanos as i64),
            market_conn: ConnId::market(instrument.venue),
            feed,
            kind,
            next: None,
            last: UnixNanos::NONE,
            steps_back: 0,
            snapshot_due: None,
        };
        source.find_next()?;
        Ok(source)
    }

    /// Moment of the next event at the venue; `None` when the market has ended.
    pub(crate) fn next(&self) -> Option<UnixNanos> {
        match (self.next, self.snapshot_due) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    fn find_next(&mut self) -> Result<(), Fault> {
        self.next = match &mut self.kind {
            Kind::Recorded { recording, .. } => match recording.peek()? {
                None => None,
                Some((_, line)) => {
                    let at = UnixNanos(line.at).plus(Nanos(-self.feed_latency.0));
                    self.steps_back += (at < self.last) as u64;
                    Some(at.max(self.last))
                }
            },
            Kind::Generated { venue, .. } => venue.next_event_time(),
        };
        Ok(())
    }

    /// Lets the venue's next event happen.
    pub(crate) fn step(&mut self, instruments: &[Instrument], reports: &mut Vec<OrderEvent>) -> Result<(), Fault> {
        let Some(at) = self.next() else { return Ok(()) };
        self.last = at;
        if self.snapshot_due == Some(at) {
            self.snapshot_due = None;
            if let Kind::Generated { venue, batch, .. } = &mut self.kind {
                batch.clear();
                venue.snapshot(at, batch);
            }
            self.deliver_batch(at, instruments);
            return Ok(());
        }
        match &mut self.kind {
            Kind::Recorded { recording, venue } => {
                if let Some((chunk, line)) = recording.peek()? {
                    let (bids, asks) = (chunk.bids(&line), chunk.asks(&line));
                    let mut conn = self.market_conn;
                    match &line.message {
                        Ok(FeedMessage::Trade(print)) => venue.on_trade(at, print, reports),
                        Ok(FeedMessage::Touch(print)) => venue.on_touch(at, print, reports),
                        Ok(FeedMessage::Depth(header)) => {
                            let _ = venue.on_depth(at, header, bids, asks, reports);
                        }
                        Ok(FeedMessage::Snapshot(header)) => {
                            // A snapshot names no symbol; the connection it came on does.
                            conn = ConnId::snapshot(self.instrument);
                            let _ = venue.on_snapshot(at, header, bids, asks, reports);
                        }
                        // The engine counts what cannot be decoded; the venue's book simply does not see it.
                        Ok(FeedMessage::Other) | Err(_) => {}
                    }
                    let raw = chunk.raw(&line);
                    self.deliveries.push(at.plus(self.feed_latency), conn, |bytes| bytes.extend_from_slice(raw));
                    recording.advance();
                }
            }
            Kind::Generated { venue, batch, .. } => {
                batch.clear();
                venue.step(batch, reports);
                self.deliver_batch(at, instruments);
            }
        }
        self.find_next()
    }

    /// Encodes what a generated venue sent and puts it on its way.
    fn deliver_batch(&mut self, at: UnixNanos, instruments: &[Instrument]) {
        let Kind::Generated { batch, .. } = &self.kind else { return };
        let (due, instrument) = (at.plus(self.feed_latency), &instruments[self.instrument.index()]);
        for item in &batch.items {
            let feed = self.feed;
            let snapshot = matches!(item, FeedItem::Snapshot { .. });
            let conn = if snapshot { ConnId::snapshot(self.instrument) } else { self.market_conn };
            self.deliveries.push(due, conn, |bytes| match item {
                FeedItem::Trade(print) => encode::trade(bytes, feed, Envelope::Stream, instrument, print),
                FeedItem::Touch(print) => encode::touch(bytes, feed, Envelope::Stream, instrument, print),
                FeedItem::Depth { header, bids, asks } => {
                    let (bids, asks) = (batch.bids(*bids), batch.asks(*asks));
                    encode::depth(bytes, feed, Envelope::Stream, instrument, header, bids, asks);
                }
                FeedItem::Snapshot { header, bids, asks } => {
                    let (bids, asks) = (batch.bids(*bids), batch.asks(*asks));
                    encode::snapshot(bytes, feed, instrument, header, bids, asks);
                }
            });
        }
    }

    /// A request reaches the venue.
    pub(crate) fn on_request(
        &mut self,
        now: UnixNanos,
        request: &OrderEvent,
        instruments: &[Instrument],
        reports: &mut Vec<OrderEvent>,
    ) {
        match &mut self.kind {
            Kind::Recorded { venue, .. } => venue.on_request(now, request, reports),
            Kind::Generated { venue, batch, .. } => {
                batch.clear();
                venue.on_request(now, request, batch, reports);
                self.deliver_batch(now, instruments);
            }
        }
    }

    /// The engine wants a book snapshot; the request reaches the venue at `at`.
    /// A recording has only the snapshots it holds.
    pub(crate) fn want_snapshot(&mut self, at: UnixNanos) {
        if matches!(self.kind, Kind::Generated { .. }) && self.snapshot_due.is_none() && self.next.is_some() {
            self.snapshot_due = Some(at.max(self.last));
        }
    }

    /// Ends the market: nothing more happens by itself.
    pub(crate) fn end(&mut self) {
        (self.next, self.snapshot_due) = (None, None);
    }

    /// The venue's own account.
    pub(crate) fn ledger(&self) -> &Ledger {
        match &self.kind {
            Kind::Recorded { venue, .. } => venue.ledger(),
            Kind::Generated { venue, .. } => venue.ledger(),
        }
    }

    /// Our orders that are open at the venue.
    pub(crate) fn open_orders(&self) -> usize {
        match &self.kind {
            Kind::Recorded { venue, .. } => venue.open_orders(),
            Kind::Generated { venue, .. } => venue.open_orders(),
        }
    }

    /// Garbage lines of a recording.
    pub(crate) fn garbage(&self) -> u64 {
        match &self.kind {
            Kind::Recorded { recording, .. } => recording.garbage,
            Kind::Generated { .. } => 0,
        }
    }

    /// How far the source is, 0 to 1.
    pub(crate) fn fraction(&self) -> f64 {
        match &self.kind {
            Kind::Recorded { recording, .. } => recording.progress.fraction(),
            Kind::Generated { start, end, .. } => {
                (self.last.0.saturating_sub(start.0)) as f64 / (end.0 - start.0).max(1) as f64
            }
        }
    }
}
