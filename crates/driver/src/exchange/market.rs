//! # Room card: driver/exchange/market
//! In:    recordings and generated markets, requests of the acceptor.
//! Out:   market-data messages in the order of their stamps, each applied to its venue room first; reports.
//! Holds: stamps and ids only grow, over all sources and passes; a recorded snapshot is never a message.
//! Costs: applying a message and one copy of its bytes.
use types::config::{ExchangeConfig, Feed, Setup, SourceConfig};
use types::time::{NANOS_PER_MILLI, NANOS_PER_SECOND};
use types::{Code, Fault, Instrument, InstrumentId, Lots, Nanos, OrderEvent, Side, SnapshotHeader, Ticks, UnixNanos};
use venue::{FeedBatch, FeedItem, GeneratedVenue, Ledger, RecordedVenue};
use wire::json::FeedMessage;
use wire::json::encode::{self, Envelope};

use super::tape::Tape;

/// Market time between the last stamp of a pass and the first of the next.
const PASS_GAP: Nanos = Nanos(NANOS_PER_SECOND as i64);

/// What the acceptor asks of the venue rooms, live and on paper alike.
pub(crate) trait Rooms {
    /// A request arrives.
    fn on_request(&mut self, now: UnixNanos, request: &OrderEvent, reports: &mut Vec<OrderEvent>);
    /// The account of a session in an instrument; `None` before its first order or fill.
    fn account(&self, instrument: InstrumentId, session: u32) -> Option<&Ledger>;
    /// Books a fill of an earlier life.
    fn restore_fill(&mut self, session: u32, fill: &RestoredFill) -> Result<(), Code>;
}

/// A fill read back from the ledger.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RestoredFill {
    pub instrument: InstrumentId,
    pub side: Side,
    pub price: Ticks,
    pub lots: Lots,
    pub fee: i64,
}

/// What a message was, for the counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum MessageKind {
    Depth,
    Trade,
    Touch,
    Snapshot,
    Other,
}

/// Where messages go.
pub(crate) trait MessageSink {
    /// One message of a stamp, after the room has seen it. A snapshot is the body of an answer, never a message.
    fn message(&mut self, instrument: InstrumentId, kind: MessageKind, bytes: &[u8]);
}

/// One instrument's market.
struct Track {
    instrument: Instrument,
    feed: Feed,
    play: Play,
}

enum Play {
    Recorded { tape: Box<Tape>, venue: Box<RecordedVenue> },
    Generated { venue: Box<GeneratedVenue>, batch: FeedBatch },
}

/// All markets of an exchange.
pub(crate) struct Market {
    tracks: Vec<Track>,
    /// Track of each instrument.
    by_instrument: Vec<Option<usize>>,
    passes: u32,
    pass: u32,
    /// Longest market time of a pass.
    limit: Option<Nanos>,
    /// First stamp of the present pass, shifted.
    start: UnixNanos,
    /// Stamp of the last event.
    last: UnixNanos,
    /// Messages that requests caused in a generated market, to go out with the next burst.
    caused: Vec<(InstrumentId, MessageKind, Vec<u8>)>,
    scratch: Vec<u8>,
    /// Lines with a receive time before the one before.
    pub steps_back: u64,
}

impl Market {
    /// Opens every source and waits for the first line of each.
    pub(crate) fn open(config: &ExchangeConfig, setup: &Setup) -> Result<Market, Fault> {
        let mut tracks = Vec::new();
        let mut by_instrument = vec![None; setup.instruments.len()];
        for source in &config.sources {
            let known = setup.instruments.iter().find(|instrument| instrument.symbol() == source.instrument());
            let Some(instrument) = known else {
                return Err(Fault::new(Code::UnknownInstrument, "source without instrument", vec![]));
            };
            let play = match source {
                SourceConfig::Recording { path, .. } => Play::Recorded {
                    tape: Box::new(Tape::open(path, instrument, &setup.instruments, config.passes)?),
                    venue: Box::new(RecordedVenue::new(instrument, config.feed)),
                },
                SourceConfig::Generated { market, .. } => Play::Generated {
                    venue: Box::new(GeneratedVenue::new(instrument, market, config.feed).map_err(|code| {
                        Fault::new(code, "the generated market's parameters cannot be used", vec![])
                    })?),
                    batch: FeedBatch::new(),
                },
            };
            by_instrument[instrument.id.index()] = Some(tracks.len());
            tracks.push(Track { instrument: instrument.clone(), feed: config.feed, play });
        }
        let mut market = Market {
            tracks,
            by_instrument,
            passes: config.passes,
            pass: 1,
            limit: config.seconds.map(|seconds| Nanos((seconds as u64 * NANOS_PER_SECOND) as i64)),
            start: UnixNanos::NONE,
            last: UnixNanos::NONE,
            caused: Vec::new(),
            scratch: Vec::new(),
            steps_back: 0,
        };
        market.start = market.next()?.unwrap_or(UnixNanos(1));
        market.last = market.start;
        Ok(market)
    }

    /// Stamp of the first event of the present pass.
    pub(crate) fn start(&self) -> UnixNanos {
        self.start
    }
    /// Pass being played, from 1.
    pub(crate) fn pass(&self) -> u32 {
        self.pass
    }
    /// Lines of recordings that are none.
    pub(crate) fn garbage(&self) -> u64 {
        let tapes = self.tracks.iter().map(|track| match &track.play {
            Play::Recorded { tape, .. } => tape.garbage,
            Play::Generated { .. } => 0,
        });
        tapes.sum()
    }
    /// Is the market of an instrument recorded (so that it has snapshots of its own)?
    pub(crate) fn is_recorded(&self, instrument: InstrumentId) -> bool {
        self.track(instrument).is_some_and(|track| matches!(track.play, Play::Recorded { .. }))
    }

    fn track(&self, instrument: InstrumentId) -> Option<&Track> {
        self.by_instrument.get(instrument.index()).copied().flatten().map(|at| &self.tracks[at])
    }

    /// The track whose event comes next and its stamp, within this pass.
    fn earliest(&mut self) -> Result<Option<(usize, UnixNanos)>, Fault> {
        let mut earliest: Option<(usize, UnixNanos)> = None;
        for (at, track) in self.tracks.iter_mut().enumerate() {
            let next = match &mut track.play {
                Play::Recorded { tape, .. } => {
                    let shift = tape.shift;
                    tape.peek()?.map(|(_, line)| shift.stamp(UnixNanos(line.at)))
                }
                Play::Generated { venue, .. } => venue.next_event_time(),
            };
            if let Some(next) = next
                && earliest.is_none_or(|(_, best)| next < best)
            {
                earliest = Some((at, next));
            }
        }
        let within = |at: UnixNanos| match self.limit {
            Some(limit) if self.start != UnixNanos::NONE => at.since(self.start) <= limit,
            _ => true,
        };
        Ok(earliest.filter(|&(_, at)| within(at)))
    }

    /// Stamp of the next event; begins the next pass when this one is over. `None` at the end of the last.
    pub(crate) fn next(&mut self) -> Result<Option<UnixNanos>, Fault> {
        if let Some((_, at)) = self.earliest()? {
            return Ok(Some(at.max(self.last)));
        }
        if self.pass >= self.passes || self.start == UnixNanos::NONE {
            return Ok(None);
        }
        self.rewind()?;
        Ok(self.earliest()?.map(|(_, at)| at.max(self.last)))
    }

    fn rewind(&mut self) -> Result<(), Fault> {
        let (mut first, mut last) = (UnixNanos(u64::MAX), UnixNanos::NONE);
        for track in &self.tracks {
            if let Play::Recorded { tape, .. } = &track.play {
                (first, last) = (first.min(tape.first()), last.max(tape.last()));
            }
        }
        // Stamps inside the messages are milliseconds, so the whole pass moves by whole ones.
        let span = last.since(first).0.max(0).saturating_add(PASS_GAP.0) as u64;
        let span = Nanos((span.div_ceil(NANOS_PER_MILLI) * NANOS_PER_MILLI) as i64);
        for track in &mut self.tracks {
            if let Play::Recorded { tape, .. } = &mut track.play {
                tape.rewind(span)?;
            }
        }
        self.pass += 1;
        // The limit counts from the first event of the pass.
        self.start = UnixNanos::NONE;
        self.start = self.earliest()?.map_or(self.last, |(_, at)| at);
        Ok(())
    }

    /// Lets the next event happen and hands its messages out; returns its stamp.
    pub(crate) fn step(
        &mut self,
        reports: &mut Vec<OrderEvent>,
        sink: &mut impl MessageSink,
    ) -> Result<Option<UnixNanos>, Fault> {
        let Some((at, stamp)) = self.earliest()? else { return Ok(None) };
        self.steps_back += (stamp < self.last) as u64;
        let now = stamp.max(self.last);
        self.last = now;
        self.flush_caused(sink);
        let track = &mut self.tracks[at];
        let id = track.instrument.id;
        match &mut track.play {
            Play::Recorded { tape, venue } => {
                let shift = tape.shift;
                let Some((chunk, line)) = tape.peek()? else { return Ok(Some(now)) };
                let (bids, asks) = (chunk.bids(&line), chunk.asks(&line));
                let kind = match line.message.as_ref().map(|message| shift.message(message)) {
                    Ok(FeedMessage::Trade(print)) => {
                        venue.on_trade(now, &print, reports);
                        MessageKind::Trade
                    }
                    Ok(FeedMessage::Touch(print)) => {
                        venue.on_touch(now, &print, reports);
                        MessageKind::Touch
                    }
                    Ok(FeedMessage::Depth(header)) => {
                        let _ = venue.on_depth(now, &header, bids, asks, reports);
                        MessageKind::Depth
                    }
                    Ok(FeedMessage::Snapshot(header)) => {
                        let _ = venue.on_snapshot(now, &header, bids, asks, reports);
                        MessageKind::Snapshot
                    }
                    // Readers count what cannot be decoded; the venue's book simply does not see it.
                    Ok(FeedMessage::Other) | Err(_) => MessageKind::Other,
                };
                let raw = chunk.raw(&line);
                if shift.is_none() || line.message.is_err() {
                    sink.message(id, kind, raw);
                } else {
                    self.scratch.clear();
                    shift.text(raw, &mut self.scratch);
                    sink.message(id, kind, &self.scratch);
                }
                tape.advance(&line);
            }
            Play::Generated { venue, batch } => {
                batch.clear();
                venue.step(batch, reports);
                let (feed, instrument) = (track.feed, &track.instrument);
                each_message(batch, feed, instrument, &mut self.scratch, |kind, bytes| sink.message(id, kind, bytes));
            }
        }
        Ok(Some(now))
    }

    /// Hands out what requests caused since the last event.
    pub(crate) fn flush_caused(&mut self, sink: &mut impl MessageSink) {
        for (instrument, kind, bytes) in self.caused.drain(..) {
            sink.message(instrument, kind, &bytes);
        }
    }
    /// Did requests cause messages that are not handed out yet?
    pub(crate) fn has_caused(&self) -> bool {
        !self.caused.is_empty()
    }

    /// The body of a snapshot of the venue's own book; `None` while it has none.
    pub(crate) fn snapshot(&mut self, now: UnixNanos, instrument: InstrumentId) -> Option<Vec<u8>> {
        let track = self.by_instrument.get(instrument.index()).copied().flatten()?;
        let track = &mut self.tracks[track];
        let mut body = Vec::new();
        match &mut track.play {
            Play::Recorded { venue, .. } => {
                let book = venue.book();
                let last_id = book.last_id()?;
                let header = SnapshotHeader { instrument, last_id, exchange_time: now };
                let side = |side| book.levels(side).take(super::SNAPSHOT_LEVELS_MAX).collect::<Vec<_>>();
                let (bids, asks) = (side(Side::Buy), side(Side::Sell));
                encode::snapshot(&mut body, track.feed, &track.instrument, &header, &bids, &asks);
            }
            Play::Generated { venue, batch } => {
                batch.clear();
                venue.snapshot(now, batch);
                each_message(batch, track.feed, &track.instrument, &mut self.scratch, |kind, bytes| {
                    if kind == MessageKind::Snapshot {
                        body.extend_from_slice(bytes);
                    }
                });
            }
        }
        Some(body)
    }
}

/// Encodes what a generated venue sent.
fn each_message(
    batch: &FeedBatch,
    feed: Feed,
    instrument: &Instrument,
    bytes: &mut Vec<u8>,
    mut sink: impl FnMut(MessageKind, &[u8]),
) {
    for item in &batch.items {
        let kind = match item {
            FeedItem::Trade(print) => {
                encode::trade(bytes, feed, Envelope::Stream, instrument, print);
                MessageKind::Trade
            }
            FeedItem::Touch(print) => {
                encode::touch(bytes, feed, Envelope::Stream, instrument, print);
                MessageKind::Touch
            }
            FeedItem::Depth { header, bids, asks } => {
                let (bids, asks) = (batch.bids(*bids), batch.asks(*asks));
                encode::depth(bytes, feed, Envelope::Stream, instrument, header, bids, asks);
                MessageKind::Depth
            }
            FeedItem::Snapshot { header, bids, asks } => {
                let (bids, asks) = (batch.bids(*bids), batch.asks(*asks));
                encode::snapshot(bytes, feed, instrument, header, bids, asks);
                MessageKind::Snapshot
            }
        };
        sink(kind, bytes);
    }
}

impl Rooms for Market {
    fn on_request(&mut self, now: UnixNanos, request: &OrderEvent, reports: &mut Vec<OrderEvent>) {
        let track = self.by_instrument.get(request.instrument as usize).copied().flatten();
        let Some(track) = track.map(|at| &mut self.tracks[at]) else {
            return super::refuse_without_market(now, request, reports);
        };
        match &mut track.play {
            Play::Recorded { venue, .. } => venue.on_request(now, request, reports),
            Play::Generated { venue, batch } => {
                batch.clear();
                venue.on_request(now, request, batch, reports);
                let (caused, id) = (&mut self.caused, track.instrument.id);
                each_message(batch, track.feed, &track.instrument, &mut self.scratch, |kind, bytes| {
                    caused.push((id, kind, bytes.to_vec()));
                });
            }
        }
    }

    fn account(&self, instrument: InstrumentId, session: u32) -> Option<&Ledger> {
        match &self.track(instrument)?.play {
            Play::Recorded { venue, .. } => venue.account(session),
            Play::Generated { venue, .. } => venue.account(session),
        }
    }

    fn restore_fill(&mut self, session: u32, fill: &RestoredFill) -> Result<(), Code> {
        let track = self.by_instrument.get(fill.instrument.index()).copied().flatten();
        let Some(track) = track.map(|at| &mut self.tracks[at]) else { return Err(Code::UnknownInstrument) };
        let RestoredFill { side, price, lots, fee, .. } = *fill;
        match &mut track.play {
            Play::Recorded { venue, .. } => venue.restore_fill(session, side, price, lots, fee),
            Play::Generated { venue, .. } => venue.restore_fill(session, side, price, lots, fee),
        }
    }
}
