//! # Room card: journal/writer
//! In:    inputs in the order of their turns, hash marks, the end.
//! Out:   segments of a journal.
//! Holds: a record is in the file whole or not at all; after a fault nothing more is written and every call says the
//!        fault again, so that a journal never has a gap.
//! Costs: one copy, one XXH3-64, three stores per input; a full segment costs system calls only without a commit
//!        thread.
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use types::limits::INPUT_BYTES_MAX;
use types::{Code, Input, InputKind, UnixNanos};
use zerocopy::IntoBytes;

use crate::commit::{Acknowledged, Committer, Shared, prune};
use crate::fault::JournalFault;
use crate::format::{
    CHAINED_FROM, RecordHeader, RecordKind, SEGMENT_HEADER_BYTES, SEGMENT_RESERVE_BYTES, SEGMENTS_MAX, SegmentHeader,
    Start, chain, first_word, record_bytes, roll_record, segment_name, segment_number,
};
use crate::map::Segment;
use crate::options::{Commit, Options};

/// Name of the first segment until record 0 is in it.
const BEGUN: &str = "begin.tmp";

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
    /// Segments known to be on the disk, and the oldest there is; without a thread.
    synced: u32,
    oldest: u32,
    shared: Arc<Shared>,
    committer: Option<Committer>,
    fault: Option<JournalFault>,
}

/// Is there a journal in this folder, whole or not? A folder that is not there has none. Errors: JournalIo.
pub fn exists(dir: impl AsRef<Path>) -> Result<bool, JournalFault> {
    let dir = dir.as_ref();
    match std::fs::read_dir(dir) {
        Ok(entries) => Ok(entries.flatten().any(|entry| entry.file_name().to_str().and_then(segment_number).is_some())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(JournalFault::io(dir, &error)),
    }
}

impl Writer {
    /// Creates the folder if need be (it must be empty), the first segment and record 0.
    /// Errors: JournalIo (folder not empty or not writable), JournalFull, ConfigInvalid (options), InputTooLarge
    /// (record 0).
    pub fn create(dir: impl AsRef<Path>, start: &Start, options: Options) -> Result<Writer, JournalFault> {
        let dir = dir.as_ref();
        options.check(dir)?;
        let payload = start.encode();
        if payload.len() > INPUT_BYTES_MAX {
            return Err(too_large(dir, payload.len()));
        }
        let io = |error| JournalFault::io(dir, &error);
        std::fs::create_dir_all(dir).map_err(io)?;
        for entry in std::fs::read_dir(dir).map_err(io)? {
            // A process was killed before record 0 was whole: there is nothing in it.
            if entry.map_err(io)?.file_name() != BEGUN {
                return Err(JournalFault::new(Code::JournalIo, dir, "the folder is not empty"));
            }
            std::fs::remove_file(dir.join(BEGUN)).map_err(io)?;
        }
        let place = Place { number: 1, chain: 0, turns: 0, last_turn: 0 };
        let segment = new_segment(&dir.join(BEGUN), options, record_bytes(payload.len()), Segment::create)?;
        let mut writer = Writer::start(dir, options, place, segment);
        writer.put(RecordKind::Start, 0, 0, UnixNanos::NONE, &payload, &[]);
        if let Some(segment) = &mut writer.segment {
            segment.rename(&dir.join(segment_name(1))).map_err(io)?;
        }
        writer.launch()?;
        Ok(writer)
    }

    /// Goes on behind what is there, in a segment of its own, whose header is on the disk when this returns.
    pub(crate) fn begin(dir: &Path, options: Options, place: Place, reopen: bool) -> Result<Writer, JournalFault> {
        let make = if reopen { Segment::reopen } else { Segment::create };
        let segment = new_segment(&segment_path(dir, place.number)?, options, 0, make)?;
        let mut writer = Writer::start(dir, options, place, segment);
        writer.launch()?;
        writer.sync()?;
        Ok(writer)
    }

    fn start(dir: &Path, options: Options, place: Place, segment: Segment) -> Writer {
        let shared = Shared::default();
        shared.turn.store(place.last_turn, Ordering::Relaxed);
        shared.acknowledged.store(place.last_turn, Ordering::Relaxed);
        let mut writer = Writer {
            dir: dir.to_path_buf(),
            options,
            segment: None,
            number: place.number - 1,
            offset: 0,
            chain: place.chain,
            turns: place.turns,
            synced: place.number - 1,
            oldest: 1,
            shared: Arc::new(shared),
            committer: None,
            fault: None,
        };
        writer.adopt(segment);
        writer
    }

    /// Starts the commit thread, if there is to be one.
    fn launch(&mut self) -> Result<(), JournalFault> {
        if let (Commit::Thread, Some(segment)) = (self.options.commit, &self.segment) {
            let (shared, mapped) = (self.shared.clone(), segment.mapped());
            self.committer = Some(Committer::start(&self.dir, self.options, shared, mapped, self.number)?);
        }
        Ok(())
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
        // Release: whoever sees the turn sees what was written up to it.
        self.shared.turn.store(turn, Ordering::Release);
        Ok(())
    }

    /// Writes the effects hash as of the end of a turn. Errors: JournalFull, JournalIo.
    pub fn hash_mark(&mut self, turn: u64, now: UnixNanos, hash: u128) -> Result<(), JournalFault> {
        self.append(RecordKind::HashMark, 0, turn, now, &hash.to_le_bytes(), &[])
    }

    /// Writes the Close record, cuts the last segment to its length and syncs, joins the commit thread; nothing can be
    /// written after it. Errors: JournalFull, JournalIo; after a fault that fault (the segment was cut then).
    pub fn close(&mut self, turn: u64, now: UnixNanos, hash: u128) -> Result<(), JournalFault> {
        self.usable()?;
        self.put(RecordKind::Close, 0, turn, now, &hash.to_le_bytes(), &self.turns.to_le_bytes());
        self.finish_segment()?;
        if let Some(mut committer) = self.committer.take() {
            committer.end()?;
            self.synced = self.number;
        }
        self.sync()
    }

    /// Writes everything to the disk and waits: then it survives the machine too. Errors: JournalIo, JournalFull.
    pub fn sync(&mut self) -> Result<(), JournalFault> {
        if let Some(committer) = &self.committer {
            return committer.sync();
        }
        // Full segments are cut and closed without waiting, since that happens in a turn; they are caught up on here.
        while self.synced < self.number {
            let path = self.dir.join(segment_name(self.synced + 1));
            let synced = match &self.segment {
                Some(segment) if self.synced + 1 == self.number => {
                    let mapped = segment.mapped();
                    let synced = mapped.sync(0, self.offset);
                    synced.map_err(|error| JournalFault::io(&path, &error))?;
                    break;
                }
                _ if self.synced + 1 < self.oldest => Ok(()),
                _ => File::open(&path).and_then(|file| file.sync_all()),
            };
            synced.map_err(|error| JournalFault::io(&path, &error))?;
            self.synced += 1;
        }
        sync_folder(&self.dir).map_err(|error| JournalFault::io(&self.dir, &error))?;
        self.shared.acknowledged.store(self.shared.turn.load(Ordering::Relaxed), Ordering::Release);
        Ok(())
    }

    /// The last turn whose input is on the disk.
    pub fn synced(&self) -> u64 {
        self.acknowledged().turn()
    }
    /// The same for any thread, for as long as it likes.
    pub fn acknowledged(&self) -> Acknowledged {
        Acknowledged(self.shared.clone())
    }
    /// Inputs written.
    pub fn turns(&self) -> u64 {
        self.turns
    }
    /// Number of the present segment, from 1.
    pub fn segment(&self) -> u32 {
        self.number
    }

    fn usable(&mut self) -> Result<(), JournalFault> {
        if self.fault.is_none() && self.shared.failed() {
            self.fault = self.shared.fault();
            let _ = self.finish_segment();
        }
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
        let fits = !self.shared.failed()
            && self.fault.is_none()
            && self.segment.as_mut().is_some_and(|segment| end <= segment.bytes().len());
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
        segment.publish(start, word, start + size);
        self.offset = start + size;
    }

    /// Goes on in a new segment with room for a record of `record` bytes.
    #[cold]
    fn roll(&mut self, record: usize) -> Result<(), JournalFault> {
        self.usable()?;
        let result = self.roll_until(record);
        if let Err(fault) = &result {
            self.fault = Some(fault.clone());
            let _ = self.finish_segment();
        }
        result
    }

    fn roll_until(&mut self, record: usize) -> Result<(), JournalFault> {
        /// One made ahead, one being made, one of the size that was asked for.
        const TAKES_MAX: usize = 3;
        let need = (SEGMENT_HEADER_BYTES + record + SEGMENT_RESERVE_BYTES) as u64;
        let Some(committer) = self.committer.take() else {
            // The new file first: if the disk is full the old segment is still whole and without a Roll.
            let path = segment_path(&self.dir, self.number + 1)?;
            let segment = new_segment(&path, self.options, record, Segment::create)?;
            return self.roll_into(segment);
        };
        let mut result = Ok(());
        for _ in 0..TAKES_MAX {
            result = committer.take(need).and_then(|segment| self.roll_into(segment));
            // One that is too short for this record stays empty.
            if result.is_err() || self.segment.as_mut().is_some_and(|segment| segment.bytes().len() as u64 >= need) {
                break;
            }
        }
        self.committer = Some(committer);
        result
    }

    /// The header of the new segment, then the Roll that leads there: see `format`.
    fn roll_into(&mut self, segment: Segment) -> Result<(), JournalFault> {
        let full = self.number;
        let Some(mut old) = self.segment.take() else { return self.usable() };
        let (at, (roll, chain)) = (self.offset, roll_record(self.chain));
        let Some(room) = old.bytes().get_mut(at + 8..at + roll.len()) else { return self.usable() };
        room.copy_from_slice(&roll[8..]);
        self.chain = chain;
        self.adopt(segment);
        old.publish(at, first_word(0, RecordKind::Roll as u16, 0), at + roll.len());
        self.let_go(old, at + roll.len())?;
        if self.committer.is_none() && self.options.commit == Commit::AtClose {
            prune(&self.dir, &mut self.oldest, full, self.options.keep_segments);
        }
        Ok(())
    }

    fn adopt(&mut self, mut segment: Segment) {
        self.number += 1;
        let header = SegmentHeader::new(self.number, self.chain);
        let bytes = header.as_bytes();
        segment.bytes()[..SEGMENT_HEADER_BYTES].copy_from_slice(bytes);
        if let Some(first) = bytes.first_chunk() {
            segment.publish(0, u64::from_le_bytes(*first), SEGMENT_HEADER_BYTES);
        }
        (self.offset, self.chain) = (SEGMENT_HEADER_BYTES, header.checksum);
        self.segment = Some(segment);
    }

    fn finish_segment(&mut self) -> Result<(), JournalFault> {
        let Some(segment) = self.segment.take() else { return Ok(()) };
        self.let_go(segment, self.offset)
    }

    /// Nothing more is written to this segment.
    fn let_go(&self, segment: Segment, length: usize) -> Result<(), JournalFault> {
        if self.options.commit == Commit::Thread {
            segment.retire(length);
            return Ok(());
        }
        let path = segment.mapped().path.clone();
        segment.close(length).map_err(|error| JournalFault::io(&path, &error))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Before the thread looks for what nobody has.
        self.segment = None;
        if let Some(mut committer) = self.committer.take() {
            let _ = committer.end();
        }
    }
}

/// Path of a segment to be made.
pub(crate) fn segment_path(dir: &Path, number: u32) -> Result<PathBuf, JournalFault> {
    if number <= SEGMENTS_MAX {
        return Ok(dir.join(segment_name(number)));
    }
    Err(JournalFault::new(Code::JournalFull, dir, format!("{SEGMENTS_MAX} segments")))
}

fn new_segment(
    path: &Path,
    options: Options,
    record: usize,
    make: fn(&Path, u64) -> std::io::Result<Segment>,
) -> Result<Segment, JournalFault> {
    let need = (SEGMENT_HEADER_BYTES + record + SEGMENT_RESERVE_BYTES) as u64;
    make(path, options.segment_bytes.max(need).next_multiple_of(4096)).map_err(|error| JournalFault::io(path, &error))
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
