//! # Room card: driver/exchange/tape
//! In:    a recording, read ahead by its own thread.
//! Out:   its lines in order, pass after pass, each with the shift of its pass.
//! Holds: pass 1 is exact; in a later pass every id and stamp is beyond those of the pass before, with a gap between.
//! Costs: a pass after the first is played from memory up to `KEPT_BYTES_MAX`, beyond that from the file again.
use std::path::PathBuf;

use types::{Fault, Instrument, Nanos, UnixNanos};
use wire::json::FeedMessage;

use super::shift::Shift;
use crate::recording::{Chunk, RecordedLine, Recording};

/// Memory for the lines of a recording that is played more than once; a longer one is read again for each pass.
pub(crate) const KEPT_BYTES_MAX: usize = 256 << 20;
/// Ids left out between two passes, so that a reader sees the gap.
const IDS_BETWEEN: u64 = 1_000;

/// Smallest and largest of the ids seen.
#[derive(Clone, Copy, Debug)]
struct Ids {
    first: u64,
    last: u64,
}

impl Ids {
    const NONE: Ids = Ids { first: u64::MAX, last: 0 };

    fn see(&mut self, id: u64) {
        if id > 0 {
            (self.first, self.last) = (self.first.min(id), self.last.max(id));
        }
    }
    fn span(&self) -> u64 {
        if self.last == 0 { 0 } else { self.last - self.first + IDS_BETWEEN }
    }
}

/// A recording as the exchange plays it.
pub(crate) struct Tape {
    path: PathBuf,
    instrument: Instrument,
    instruments: Vec<Instrument>,
    /// The reading thread of a pass that comes from the file.
    reading: Option<Recording>,
    /// Chunks of the whole file in memory once a pass has read them.
    kept: Vec<Chunk>,
    kept_bytes: usize,
    keeping: bool,
    /// The chunk being played when it comes from the file.
    current: Chunk,
    chunk: usize,
    line: usize,
    /// Stamps of the first line and of the last one played, as recorded.
    first: UnixNanos,
    last: UnixNanos,
    updates: Ids,
    trades: Ids,
    first_pass: bool,
    pub shift: Shift,
    pub garbage: u64,
}

impl Tape {
    /// Opens the file and waits for its first line.
    pub(crate) fn open(
        path: &str,
        instrument: &Instrument,
        instruments: &[Instrument],
        passes: u32,
    ) -> Result<Tape, Fault> {
        let mut tape = Tape {
            path: PathBuf::from(path),
            instrument: instrument.clone(),
            instruments: instruments.to_vec(),
            reading: None,
            kept: Vec::new(),
            kept_bytes: 0,
            keeping: passes > 1,
            current: Chunk::default(),
            chunk: 0,
            line: 0,
            first: UnixNanos::NONE,
            last: UnixNanos::NONE,
            updates: Ids::NONE,
            trades: Ids::NONE,
            first_pass: true,
            shift: Shift::default(),
            garbage: 0,
        };
        tape.reading = Some(Recording::open(&tape.path, instrument, instruments)?);
        let first = tape.peek()?.map(|(_, line)| line.at);
        tape.first = first.map_or(UnixNanos::NONE, UnixNanos);
        Ok(tape)
    }

    /// Does this pass come from memory?
    fn plays_memory(&self) -> bool {
        self.reading.is_none() && !self.kept.is_empty()
    }

    /// The line that comes next, with the chunk it lives in; `None` at the end of the pass. Stamps are as recorded.
    pub(crate) fn peek(&mut self) -> Result<Option<(&Chunk, RecordedLine)>, Fault> {
        if self.plays_memory() {
            while let Some(chunk) = self.kept.get(self.chunk) {
                if self.line < chunk.lines().len() {
                    break;
                }
                (self.chunk, self.line) = (self.chunk + 1, 0);
            }
            let chunk = self.kept.get(self.chunk);
            return Ok(chunk.map(|chunk| (chunk, chunk.lines()[self.line])));
        }
        while self.line >= self.current.lines().len() {
            let Some(reading) = &mut self.reading else { return Ok(None) };
            let Some(chunk) = reading.next_chunk()? else {
                self.end_of_file();
                return Ok(None);
            };
            self.line = 0;
            self.garbage += if self.first_pass { chunk.garbage() } else { 0 };
            let spent = core::mem::replace(&mut self.current, chunk);
            if self.keeping {
                self.keep(spent);
            } else if let Some(reading) = &self.reading {
                reading.recycle(spent);
            }
        }
        Ok(Some((&self.current, self.current.lines()[self.line])))
    }

    /// Puts a played chunk aside for the next pass, or gives up keeping.
    fn keep(&mut self, mut chunk: Chunk) {
        chunk.shrink();
        self.kept_bytes += chunk.memory_bytes();
        if self.kept_bytes > KEPT_BYTES_MAX {
            self.keeping = false;
            self.kept = Vec::new();
        } else if !chunk.lines().is_empty() {
            self.kept.push(chunk);
        }
    }

    fn end_of_file(&mut self) {
        self.reading = None;
        if self.keeping {
            let last = core::mem::take(&mut self.current);
            self.keep(last);
            self.keeping = false;
        } else {
            self.current = Chunk::default();
        }
        // The pass is over: `peek` goes on to answer `None` until `rewind`.
        (self.chunk, self.line) = (self.kept.len(), 0);
    }

    /// Moves past the line `peek` showed and remembers how far ids and stamps went.
    pub(crate) fn advance(&mut self, line: &RecordedLine) {
        self.line += 1;
        if !self.first_pass {
            return;
        }
        self.last = self.last.max(UnixNanos(line.at));
        match &line.message {
            Ok(FeedMessage::Depth(header)) => {
                self.updates.see(header.first_id);
                self.updates.see(header.last_id);
                self.updates.see(header.previous_id.unwrap_or(0));
            }
            Ok(FeedMessage::Touch(print)) => self.updates.see(print.update_id),
            Ok(FeedMessage::Snapshot(header)) => self.updates.see(header.last_id),
            Ok(FeedMessage::Trade(print)) => self.trades.see(print.trade_id),
            Ok(FeedMessage::Other) | Err(_) => {}
        }
    }

    /// Stamp of the first line, as recorded.
    pub(crate) fn first(&self) -> UnixNanos {
        self.first
    }
    /// Largest stamp that was played in the first pass, as recorded.
    pub(crate) fn last(&self) -> UnixNanos {
        self.last
    }

    /// Begins another pass, moved in time by `time` against the one before.
    pub(crate) fn rewind(&mut self, time: Nanos) -> Result<(), Fault> {
        self.first_pass = false;
        self.shift.updates = self.shift.updates.saturating_add(self.updates.span());
        self.shift.trades = self.shift.trades.saturating_add(self.trades.span());
        self.shift.time = Nanos(self.shift.time.0.saturating_add(time.0));
        (self.chunk, self.line) = (0, 0);
        let whole = self.reading.is_none() && !self.kept.is_empty();
        if !whole {
            // The pass stopped before the end of the file, or the file is too long to be kept.
            (self.kept, self.kept_bytes) = (Vec::new(), 0);
            self.keeping = true;
            self.current = Chunk::default();
            self.reading = Some(Recording::open(&self.path, &self.instrument, &self.instruments)?);
        }
        Ok(())
    }
}
