//! # Room card: journal/reader
//! In:    a journal's folder or its first segment, whole, cut, damaged or foreign.
//! Out:   record 0, then every input and mark as written, then where and why it ended.
//! Holds: nothing is yielded whose chain does not hold; no bytes make it panic; one segment in memory at a time.
//! Costs: one read and one XXH3-64 per segment; records are borrowed, payloads on 8-byte boundaries.
//!
//! A segment is read into memory rather than mapped: a file that is cut while it is read must not end the process.
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use types::{Code, ConnId, ConnState, Control, Event, Input, InputKind, OrderEvent, TimerId, UnixNanos};
use zerocopy::{FromBytes, IntoBytes};

use crate::bytes::Bytes;
use crate::fault::JournalFault;
use crate::format::{
    CHAINED_FROM, CLOSE_BYTES, FORMAT_VERSION, MAGIC, PAYLOAD_BYTES_MAX, RECORD_HEADER_BYTES, RecordHeader, RecordKind,
    SEGMENT_HEADER_BYTES, SegmentHeader, Start, chain, first_word, part_of, record_bytes, roll_record, segment_name,
};
use crate::tail;

/// A record after record 0.
#[derive(Clone, Copy, Debug)]
pub enum Record<'a> {
    /// An input of the engine.
    Input(Input<'a>),
    /// The effects hash as of the end of a turn.
    HashMark {
        /// Which turn.
        turn: u64,
        /// When.
        now: UnixNanos,
        /// XXH3-128 of all effects so far.
        hash: u128,
    },
    /// The end of a closed journal.
    Close {
        /// Last turn.
        turn: u64,
        /// When.
        now: UnixNanos,
        /// XXH3-128 of all effects.
        hash: u128,
        /// Inputs written.
        turns: u64,
    },
    /// A kind this build does not know; skip it.
    Unknown {
        /// Its number.
        kind: u16,
    },
}

/// Why a journal ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndReason {
    /// With a Close record.
    Closed,
    /// Behind a whole record, without a Close record: the process ended or is still running. At most one record was
    /// begun behind it, whose effects never left.
    Unclosed,
    /// Inside a record, or before a segment that should follow.
    Truncated,
    /// At bytes that are no record of this journal.
    Corrupt,
}

impl EndReason {
    /// The code of an end that is a fault.
    pub const fn code(self) -> Option<Code> {
        match self {
            EndReason::Closed | EndReason::Unclosed => None,
            EndReason::Truncated => Some(Code::JournalTruncated),
            EndReason::Corrupt => Some(Code::JournalCorrupt),
        }
    }
}

/// Where and why a journal ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct End {
    /// Segment of the last good record, from 1.
    pub segment: u32,
    /// Bytes of that segment up to the end of the last good record.
    pub offset: u64,
    /// Inputs read.
    pub turns: u64,
    /// Why.
    pub reason: EndReason,
}

/// Reads one journal from its start.
#[derive(Debug)]
pub struct Reader {
    start: Start,
    /// Where further segments lie; `None` when the file's name is not that of a first segment.
    dir: Option<PathBuf>,
    bytes: Bytes,
    number: u32,
    offset: usize,
    chain: u64,
    turns: u64,
    unknown: u64,
    /// Turn and time of the last input.
    last: (u64, UnixNanos),
    rolled: bool,
    closed: bool,
    reason: Option<EndReason>,
}

/// Where a journal that was read to its end goes on.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) dir: PathBuf,
    /// Segment of the last good record.
    pub(crate) number: u32,
    pub(crate) offset: usize,
    pub(crate) chain: u64,
    pub(crate) turns: u64,
    pub(crate) last: (u64, UnixNanos),
    /// The last record is a Roll; the next segment is there and not begun.
    pub(crate) rolled: bool,
    pub(crate) closed: bool,
    /// Bytes behind the last record, up to the last that is not zero.
    pub(crate) torn: u64,
}

impl Reader {
    /// Opens a journal by its folder or its first segment; segments beside it are read in turn.
    /// Errors: JournalIo; JournalFormat (no journal, another version, not the first segment); JournalTruncated,
    /// JournalCorrupt (record 0 is not whole, so nothing can be replayed).
    pub fn open(path: impl AsRef<Path>) -> Result<Reader, JournalFault> {
        let given = path.as_ref();
        let path = if given.is_dir() { given.join(segment_name(1)) } else { given.to_path_buf() };
        let bytes = Bytes::load(&path).map_err(|fault| {
            if given.is_dir() && !path.exists() && crate::exists(given).is_ok_and(|exists| exists) {
                let detail = "the first segments were deleted; a replay starts at segment 1";
                return JournalFault::new(Code::JournalTruncated, &path, detail);
            }
            fault
        })?;
        let header = first_header(&bytes, &path)?;
        let mut reader = Reader {
            start: Start::new("", ""),
            dir: path.parent().filter(|_| path.ends_with(segment_name(1))).map(Path::to_path_buf),
            bytes,
            number: 1,
            offset: SEGMENT_HEADER_BYTES,
            chain: header.checksum,
            turns: 0,
            unknown: 0,
            last: (0, UnixNanos::NONE),
            rolled: false,
            closed: false,
            reason: None,
        };
        let found = reader.locate().map_err(|reason| match reason {
            EndReason::Corrupt => JournalFault::new(Code::JournalCorrupt, &path, "record 0 is damaged"),
            _ => JournalFault::new(Code::JournalTruncated, &path, "ends before record 0 is whole"),
        })?;
        let start = Start::decode(found.payload(&reader.bytes));
        match (RecordKind::from_u16(found.header.kind), start) {
            (Some(RecordKind::Start), Some(start)) => reader.start = start,
            _ => return Err(JournalFault::new(Code::JournalFormat, &path, "record 0 is no start")),
        }
        reader.accept(&found);
        Ok(reader)
    }

    /// Folder of the journal; empty when one segment alone was opened.
    pub fn dir(&self) -> &Path {
        self.dir.as_deref().unwrap_or(Path::new(""))
    }
    /// Record 0.
    pub fn start(&self) -> &Start {
        &self.start
    }
    /// Records of unknown kinds so far.
    pub fn unknown(&self) -> u64 {
        self.unknown
    }
    /// Where it ended; while records are left, where it is (reason Unclosed).
    pub fn end(&self) -> End {
        End {
            segment: self.number,
            offset: self.offset as u64,
            turns: self.turns,
            reason: self.reason.unwrap_or(EndReason::Unclosed),
        }
    }

    /// The next record; `None` at the end, for good. A record is valid until the next call.
    #[allow(clippy::should_implement_trait)] // It lends from its buffer, which `Iterator` cannot.
    pub fn next(&mut self) -> Option<Record<'_>> {
        let found = self.find_next()?;
        found.record(&self.bytes)
    }

    fn find_next(&mut self) -> Option<Found> {
        // Bound: the records of the journal; only rolls, and a segment that has grown, go round again.
        while self.reason.is_none() {
            match self.locate() {
                Ok(found) if found.header.kind == RecordKind::Roll as u16 => {
                    self.accept(&found);
                    (self.rolled, self.closed) = (true, false);
                }
                Ok(found) => match found.record(&self.bytes) {
                    Some(record) => {
                        if let Record::Input(input) = record {
                            self.last = (input.turn, input.now);
                        }
                        self.turns += matches!(record, Record::Input(_)) as u64;
                        self.unknown += matches!(record, Record::Unknown { .. }) as u64;
                        self.closed = matches!(record, Record::Close { .. });
                        self.accept(&found);
                        return Some(found);
                    }
                    None => self.reason = Some(EndReason::Corrupt),
                },
                Err(EndReason::Unclosed) if self.rolled => self.reason = self.next_segment().err(),
                Err(EndReason::Unclosed | EndReason::Closed) if self.next_has_records() => {
                    // It is being written, or its end is lost.
                    self.reason = if self.grown() { None } else { Some(EndReason::Truncated) };
                }
                Err(reason) => self.reason = Some(reason),
            }
        }
        None
    }

    fn accept(&mut self, found: &Found) {
        (self.offset, self.chain) = (found.end, found.header.chain);
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get().get(self.offset..).unwrap_or(&[])
    }

    /// The record at the present place if it is whole, its chain holds and it may stand there.
    fn locate(&self) -> Result<Found, EndReason> {
        let rest = self.rest();
        let good = if self.closed { EndReason::Closed } else { EndReason::Unclosed };
        let word = rest.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes));
        let found = match word {
            Some(word) if word != 0 && !self.rolled => self.parse(rest),
            _ if rest.iter().all(|&byte| byte == 0) => return Err(good),
            _ if self.rolled => return Err(EndReason::Corrupt),
            _ => Err(EndReason::Truncated),
        };
        match found {
            Ok(found) if !self.closed || found.header.kind == RecordKind::Roll as u16 => Ok(found),
            Err(_) if part_of(rest, &roll_record(self.chain).0) => Err(good),
            Ok(_) | Err(_) if self.closed => Err(EndReason::Corrupt),
            // Never published: the process ended while it wrote this record. Unless there is more behind it.
            Err(_) if word == Some(0) => {
                Err(if tail::is_last(rest) { EndReason::Unclosed } else { EndReason::Corrupt })
            }
            other => other,
        }
    }

    fn parse(&self, rest: &[u8]) -> Result<Found, EndReason> {
        let Ok((header, _)) = RecordHeader::read_from_prefix(rest) else { return Err(EndReason::Truncated) };
        if header.length as usize > PAYLOAD_BYTES_MAX {
            return Err(EndReason::Corrupt);
        }
        let Some(record) = rest.get(..record_bytes(header.length as usize)) else { return Err(EndReason::Truncated) };
        let word = first_word(header.length, header.kind, header.detail);
        if chain(self.chain, word, &record[CHAINED_FROM..]) != header.chain {
            return Err(EndReason::Corrupt);
        }
        Ok(Found { header, payload: self.offset + RECORD_HEADER_BYTES, end: self.offset + record.len() })
    }

    /// Does the next segment, to which nothing leads, hold records?
    fn next_has_records(&self) -> bool {
        let Some(dir) = &self.dir else { return false };
        let mut begin = [0; SEGMENT_HEADER_BYTES + 8];
        let read = File::open(dir.join(segment_name(self.number + 1))).and_then(|mut file| file.read_exact(&mut begin));
        read.is_ok() && begin[SEGMENT_HEADER_BYTES..] != [0; 8]
    }

    /// Reads the present segment again; has it a record now where it had none?
    fn grown(&mut self) -> bool {
        let Some(dir) = &self.dir else { return false };
        let Ok(bytes) = Bytes::load(&dir.join(segment_name(self.number))) else { return false };
        let word = |bytes: &Bytes| bytes.get().get(self.offset..self.offset + 8).is_some_and(|word| word != [0; 8]);
        let grown = !word(&self.bytes) && word(&bytes);
        self.bytes = bytes;
        grown
    }

    /// Reads to the end and says where the journal goes on.
    /// Errors: JournalTruncated, JournalCorrupt: more is wrong than that the last record is not whole. JournalFormat:
    /// not a journal's folder or first segment.
    pub(crate) fn tail(mut self) -> Result<Tail, JournalFault> {
        while self.find_next().is_some() {}
        let Some(dir) = self.dir.clone() else {
            return Err(JournalFault::new(Code::JournalFormat, Path::new(""), "one segment alone cannot be resumed"));
        };
        let written = tail::written(self.rest());
        if let Some(code) = self.end().reason.code() {
            let good = if self.rolled { self.next_not_begun(&dir) } else { !self.closed && tail::is_last(self.rest()) };
            if !good {
                let path = dir.join(segment_name(self.number));
                return Err(JournalFault::new(code, &path, format!("damaged behind byte {}", self.offset)));
            }
        }
        Ok(Tail {
            dir,
            number: self.number,
            offset: self.offset,
            chain: self.chain,
            turns: self.turns,
            last: self.last,
            rolled: self.rolled,
            closed: self.closed,
            torn: written as u64,
        })
    }

    fn next_not_begun(&self, dir: &Path) -> bool {
        let header = SegmentHeader::new(self.number + 1, self.chain);
        Bytes::load(&dir.join(segment_name(self.number + 1))).is_ok_and(|bytes| part_of(bytes.get(), header.as_bytes()))
    }

    /// Goes on in the next segment.
    fn next_segment(&mut self) -> Result<(), EndReason> {
        let dir = self.dir.as_ref().ok_or(EndReason::Truncated)?;
        let bytes = Bytes::load(&dir.join(segment_name(self.number + 1))).map_err(|_| EndReason::Truncated)?;
        let Ok((header, _)) = SegmentHeader::read_from_prefix(bytes.get()) else { return Err(EndReason::Truncated) };
        if header.as_bytes().iter().all(|&byte| byte == 0) {
            return Err(EndReason::Truncated);
        }
        let follows = header.magic == MAGIC
            && header.checksum == header.expected_checksum()
            && header.segment == self.number as u64 + 1
            && header.chain_before == self.chain;
        if !follows {
            return Err(EndReason::Corrupt);
        }
        (self.bytes, self.number, self.offset) = (bytes, self.number + 1, SEGMENT_HEADER_BYTES);
        (self.chain, self.rolled) = (header.checksum, false);
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Found {
    header: RecordHeader,
    payload: usize,
    end: usize,
}

impl Found {
    fn payload<'a>(&self, bytes: &'a Bytes) -> &'a [u8] {
        bytes.get().get(self.payload..self.payload + self.header.length as usize).unwrap_or(&[])
    }
    /// The record; `None` when a known kind has a shape it cannot have.
    fn record<'a>(&self, bytes: &'a Bytes) -> Option<Record<'a>> {
        let RecordHeader { kind, detail, turn, now, .. } = self.header;
        let (payload, now) = (self.payload(bytes), UnixNanos(now));
        let Some(known) = RecordKind::from_u16(kind) else { return Some(Record::Unknown { kind }) };
        let kind = match known {
            RecordKind::Start | RecordKind::Roll => return None,
            RecordKind::HashMark => {
                return Some(Record::HashMark { turn, now, hash: u128::read_from_bytes(payload).ok()? });
            }
            RecordKind::Close => {
                let (hash, turns) = payload.split_at_checked(CLOSE_BYTES - 8)?;
                let (hash, turns) = (u128::read_from_bytes(hash).ok()?, u64::read_from_bytes(turns).ok()?);
                return Some(Record::Close { turn, now, hash, turns });
            }
            RecordKind::Bytes => InputKind::Bytes { conn: ConnId(detail), bytes: payload },
            RecordKind::Conn => {
                let state = u8::try_from(u64::read_from_bytes(payload).ok()?).ok()?;
                InputKind::Conn { conn: ConnId(detail), state: ConnState::from_u8(state)? }
            }
            RecordKind::Timer => InputKind::Timer { id: TimerId(u64::read_from_bytes(payload).ok()?) },
            RecordKind::Command => {
                let (cause_seq, bytes) = u64::read_from_prefix(payload).ok()?;
                InputKind::Command { producer: detail, cause_seq, bytes }
            }
            RecordKind::Market => InputKind::Market(Event::ref_from_bytes(payload).ok()?),
            RecordKind::Report => InputKind::Report(OrderEvent::ref_from_bytes(payload).ok()?),
            RecordKind::Control => InputKind::Control(Control::from_u8(u8::try_from(detail).ok()?)?),
        };
        Some(Record::Input(Input { turn, now, kind }))
    }
}

fn first_header(bytes: &Bytes, path: &Path) -> Result<SegmentHeader, JournalFault> {
    let format = |detail: String| Err(JournalFault::new(Code::JournalFormat, path, detail));
    let Ok((header, _)) = SegmentHeader::read_from_prefix(bytes.get()) else {
        let begun = bytes.get().len().min(MAGIC.len());
        if begun > 0 && bytes.get()[..begun] == MAGIC[..begun] {
            return Err(JournalFault::new(Code::JournalTruncated, path, "ends inside the segment header"));
        }
        return format("no journal segment".into());
    };
    if header.magic != MAGIC {
        return format("no journal segment".into());
    }
    if header.version != FORMAT_VERSION {
        return format(format!("format version {}, this build reads {FORMAT_VERSION}", header.version));
    }
    if header.checksum != header.expected_checksum() || header.header_bytes as usize != SEGMENT_HEADER_BYTES {
        return Err(JournalFault::new(Code::JournalCorrupt, path, "the segment header is damaged"));
    }
    if header.segment != 1 {
        return format(format!("segment {} of a journal; a replay starts at segment 1", header.segment));
    }
    Ok(header)
}
