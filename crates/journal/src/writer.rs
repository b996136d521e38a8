//! # Room card: journal/writer
//! In:    inputs in the order of their turns, hash marks, the end.
//! Out:   segments of a new journal.
//! Holds: a record is in the file whole or not at all; after a fault nothing more is written and every call says the
//!        fault again, so that a journal never has a gap.
//! Costs: one copy, one XXH3-64, one release store per input; only a full segment costs system calls.
use std::fs::File;
use std::path::{Path, PathBuf};

use types::limits::INPUT_BYTES_MAX;
use types::{Code, Input, InputKind, UnixNanos};
use zerocopy::IntoBytes;

use crate::fault::JournalFault;
use crate::format::{
    CHAINED_FROM, RecordHeader, RecordKind, SEGMENT_BYTES_DEFAULT, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN,
    SEGMENT_HEADER_BYTES, SEGMENT_RESERVE_BYTES, SEGMENTS_MAX, SegmentHeader, Start, chain, first_word, record_bytes,
    segment_name,
};
use crate::map::Segment;

/// How a journal is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Bytes of a segment, 4096 to 4294967296; an input that needs more gets a segment of its own size.
    pub segment_bytes: u64,
}

impl Options {
    pub(crate) fn check(&self, dir: &Path) -> Result<(), JournalFault> {
        if (SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&self.segment_bytes) {
            return Ok(());
        }
        let detail = format!("segment of {} bytes, allowed 4096 to 4294967296", self.segment_bytes);
        Err(JournalFault::new(Code::ConfigInvalid, dir, detail))
    }
}

/// Where a writer begins.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// Number of the first segment it writes.
    pub(crate) number: u32,
    /// Chain value of the record before.
    pub(crate) chain: u64,
    /// Inputs before.
    pub(crate) turns: u64,
    /// Turn of the last of them.
    pub(crate) last_turn: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options { segment_bytes: SEGMENT_BYTES_DEFAULT }
    }
}

/// Writes one journal. Dropped without `close` it leaves what a crash leaves: everything written, and no Close record.
#[derive(Debug)]
pub struct Writer {
    dir: PathBuf,
    options: Options,
    /// `None` once closed.
    segment: Option<Segment>,
    number: u32,
    offset: usize,
    chain: u64,
    turns: u64,
    /// Turn of the last input written, and of the last on the disk.
    turn: u64,
    synced_turn: u64,
    /// Segments known to be on the disk.
    synced: u32,
    fault: Option<JournalFault>,
}

impl Writer {
    /// Creates the folder if need be (it must be empty), the first segment and record 0.
    /// Errors: JournalIo (folder not empty or not writable), JournalFull, ConfigInvalid (segment size), InputTooLarge
    /// (record 0).
    pub fn create(dir: impl AsRef<Path>, start: &Start, options: Options) -> Result<Writer, JournalFault> {
        let dir = dir.as_ref();
        options.check(dir)?;
        let payload = start.encode();
        if payload.len() > INPUT_BYTES_MAX {
            return Err(too_large(dir, payload.len()));
        }
        std::fs::create_dir_all(dir).map_err(|error| JournalFault::io(dir, &error))?;
        let mut entries = std::fs::read_dir(dir).map_err(|error| JournalFault::io(dir, &error))?;
        if entries.next().is_some() {
            return Err(JournalFault::new(Code::JournalIo, dir, "the folder is not empty"));
        }
        let place = Place { number: 1, chain: 0, turns: 0, last_turn: 0 };
        let mut writer = Writer::start(dir, options, place, record_bytes(payload.len()), false)?;
        writer.append(RecordKind::Start, 0, 0, UnixNanos::NONE, &payload, &[])?;
        Ok(writer)
    }

    /// Goes on behind what is there, in a segment of its own, whose header is on the disk when this returns.
    pub(crate) fn begin(dir: &Path, options: Options, place: Place, reopen: bool) -> Result<Writer, JournalFault> {
        let mut writer = Writer::start(dir, options, place, 0, reopen)?;
        writer.sync()?;
        Ok(writer)
    }

    fn start(dir: &Path, options: Options, place: Place, record: usize, reopen: bool) -> Result<Writer, JournalFault> {
        let mut writer = Writer {
            dir: dir.to_path_buf(),
            options,
            segment: None,
            number: place.number - 1,
            offset: 0,
            chain: place.chain,
            turns: place.turns,
            turn: place.last_turn,
            synced_turn: place.last_turn,
            synced: place.number - 1,
            fault: None,
        };
        let segment = writer.new_segment(place.number, record, reopen)?;
        writer.adopt(segment);
        Ok(writer)
    }

    /// Writes one input. When this returns `Ok` the input survives the process.
    /// Errors: InputTooLarge (nothing written, the journal goes on); JournalFull, JournalIo (it does not).
    #[inline]
    pub fn input(&mut self, input: &Input<'_>) -> Result<(), JournalFault> {
        let (turn, now) = (input.turn, input.now);
        let append = |writer: &mut Writer, kind, detail, first: &[u8], second: &[u8]| {
            writer.append(kind, detail, turn, now, first, second)
        };
        match input.kind {
            InputKind::Bytes { conn, bytes } => append(self, RecordKind::Bytes, conn.0, bytes, &[]),
            InputKind::Conn { conn, state } => {
                append(self, RecordKind::Conn, conn.0, &(state as u64).to_le_bytes(), &[])
            }
            InputKind::Timer { id } => append(self, RecordKind::Timer, 0, &id.0.to_le_bytes(), &[]),
            InputKind::Command { producer, cause_seq, bytes } => {
                append(self, RecordKind::Command, producer, &cause_seq.to_le_bytes(), bytes)
            }
            InputKind::Market(event) => append(self, RecordKind::Market, 0, event.as_bytes(), &[]),
            InputKind::Report(report) => append(self, RecordKind::Report, 0, report.as_bytes(), &[]),
            InputKind::Control(control) => append(self, RecordKind::Control, control as u16, &[], &[]),
        }?;
        self.turns += 1;
        self.turn = turn;
        Ok(())
    }

    /// Writes the effects hash as of the end of a turn. Errors: JournalFull, JournalIo.
    pub fn hash_mark(&mut self, turn: u64, now: UnixNanos, hash: u128) -> Result<(), JournalFault> {
        self.append(RecordKind::HashMark, 0, turn, now, &hash.to_le_bytes(), &[])
    }

    /// Writes the Close record, cuts the last segment to its length and syncs; nothing can be written after it.
    /// Errors: JournalFull, JournalIo; after a fault that fault (the segment was cut then).
    pub fn close(&mut self, turn: u64, now: UnixNanos, hash: u128) -> Result<(), JournalFault> {
        self.usable()?;
        self.put(RecordKind::Close, 0, turn, now, &hash.to_le_bytes(), &self.turns.to_le_bytes());
        self.finish_segment()?;
        self.sync()
    }

    /// Writes everything to the disk and waits: then it survives the machine too. Errors: JournalIo, JournalFull.
    pub fn sync(&mut self) -> Result<(), JournalFault> {
        // Full segments are cut and closed without waiting, since that happens in a turn; they are caught up on here.
        while self.synced < self.number {
            let path = self.dir.join(segment_name(self.synced + 1));
            let last = self.synced + 1 == self.number;
            let synced = match &self.segment {
                Some(segment) if last => segment.sync(),
                _ => File::open(&path).and_then(|file| file.sync_all()),
            };
            synced.map_err(|error| JournalFault::io(&path, &error))?;
            if last && self.segment.is_some() {
                break;
            }
            self.synced += 1;
        }
        sync_folder(&self.dir).map_err(|error| JournalFault::io(&self.dir, &error))?;
        self.synced_turn = self.turn;
        Ok(())
    }

    /// The last turn whose input is on the disk.
    pub fn synced(&self) -> u64 {
        self.synced_turn
    }
    /// Inputs written.
    pub fn turns(&self) -> u64 {
        self.turns
    }
    /// Number of the present segment, from 1.
    pub fn segment(&self) -> u32 {
        self.number
    }

    fn usable(&self) -> Result<(), JournalFault> {
        match (&self.fault, &self.segment) {
            (Some(fault), _) => Err(fault.clone()),
            (None, None) => Err(JournalFault::new(Code::JournalIo, &self.dir, "the journal is closed")),
            (None, Some(_)) => Ok(()),
        }
    }

    #[inline]
    fn append(
        &mut self,
        kind: RecordKind,
        detail: u16,
        turn: u64,
        now: UnixNanos,
        first: &[u8],
        second: &[u8],
    ) -> Result<(), JournalFault> {
        let length = first.len() + second.len();
        let end = self.offset + record_bytes(length) + SEGMENT_RESERVE_BYTES;
        let fits = self.fault.is_none() && self.segment.as_mut().is_some_and(|segment| end <= segment.bytes().len());
        if first.len().max(second.len()) > INPUT_BYTES_MAX {
            return Err(too_large(&self.dir, length));
        }
        if !fits {
            self.roll(record_bytes(length))?;
        }
        self.put(kind, detail, turn, now, first, second);
        Ok(())
    }

    /// Puts a record where the caller made sure that it fits.
    #[inline]
    fn put(&mut self, kind: RecordKind, detail: u16, turn: u64, now: UnixNanos, first: &[u8], second: &[u8]) {
        let Some(segment) = &mut self.segment else { return };
        let length = first.len() + second.len();
        let (start, size) = (self.offset, record_bytes(length));
        let Some(record) = segment.bytes().get_mut(start..start + size) else { return };
        let word = first_word(length as u32, kind as u16, detail);
        let header = RecordHeader { length: 0, kind: 0, detail: 0, chain: 0, turn, now: now.0 };
        let (head, payload) = record.split_at_mut(size_of::<RecordHeader>());
        head.copy_from_slice(header.as_bytes());
        payload[..first.len()].copy_from_slice(first);
        payload[first.len()..length].copy_from_slice(second);
        // The padding is zero already: nothing behind `offset` was ever written.
        self.chain = chain(self.chain, word, &record[CHAINED_FROM..]);
        record[8..16].copy_from_slice(&self.chain.to_le_bytes());
        segment.publish(start, word);
        self.offset = start + size;
    }

    /// Goes on in a new segment with room for a record of `record` bytes.
    #[cold]
    fn roll(&mut self, record: usize) -> Result<(), JournalFault> {
        self.usable()?;
        // The new file first: if the disk is full the old segment is still whole and without a Roll.
        let result = self.new_segment(self.number + 1, record, false).and_then(|segment| {
            self.put(RecordKind::Roll, 0, 0, UnixNanos::NONE, &[], &[]);
            let closed = self.finish_segment();
            self.adopt(segment);
            closed
        });
        if let Err(fault) = &result {
            self.fault = Some(fault.clone());
            let _ = self.finish_segment();
        }
        result
    }

    fn new_segment(&self, number: u32, record: usize, reopen: bool) -> Result<Segment, JournalFault> {
        if number > SEGMENTS_MAX {
            return Err(JournalFault::new(Code::JournalFull, &self.dir, "999999 segments"));
        }
        let need = (SEGMENT_HEADER_BYTES + record + SEGMENT_RESERVE_BYTES) as u64;
        let bytes = self.options.segment_bytes.max(need).next_multiple_of(4096);
        let path = self.dir.join(segment_name(number));
        let make = if reopen { Segment::reopen } else { Segment::create };
        make(&path, bytes).map_err(|error| JournalFault::io(&path, &error))
    }

    fn adopt(&mut self, mut segment: Segment) {
        self.number += 1;
        let header = SegmentHeader::new(self.number, self.chain);
        segment.bytes()[..SEGMENT_HEADER_BYTES].copy_from_slice(header.as_bytes());
        (self.offset, self.chain) = (SEGMENT_HEADER_BYTES, header.checksum);
        self.segment = Some(segment);
    }

    fn finish_segment(&mut self) -> Result<(), JournalFault> {
        let Some(segment) = self.segment.take() else { return Ok(()) };
        let path = segment.path.clone();
        segment.close(self.offset as u64).map_err(|error| JournalFault::io(&path, &error))
    }
}

#[cfg(unix)]
pub(crate) fn sync_folder(dir: &Path) -> std::io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(not(unix))]
pub(crate) fn sync_folder(_dir: &Path) -> std::io::Result<()> {
    Ok(()) // A folder cannot be opened here; its entries are written with the files.
}

fn too_large(path: &Path, bytes: usize) -> JournalFault {
    JournalFault::new(Code::InputTooLarge, path, format!("{bytes} bytes, allowed {INPUT_BYTES_MAX}"))
}
