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

use crate::fault::JournalFault;
use crate::format::{
    CHAINED_FROM, CLOSE_BYTES, FORMAT_VERSION, MAGIC, PAYLOAD_BYTES_MAX, RECORD_HEADER_BYTES, RecordHeader, RecordKind,
    SEGMENT_BYTES_MAX, SEGMENT_HEADER_BYTES, SegmentHeader, Start, chain, first_word, record_bytes, segment_name,
};

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
    /// Between two records, without a Close record: the process ended or is still running.
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
    rolled: bool,
    closed: bool,
    reason: Option<EndReason>,
}

impl Reader {
    /// Opens a journal by its folder or its first segment; segments beside it are read in turn.
    /// Errors: JournalIo; JournalFormat (no journal, another version, not the first segment); JournalTruncated,
    /// JournalCorrupt (record 0 is not whole, so nothing can be replayed).
    pub fn open(path: impl AsRef<Path>) -> Result<Reader, JournalFault> {
        let given = path.as_ref();
        let path = if given.is_dir() { given.join(segment_name(1)) } else { given.to_path_buf() };
        let bytes = Bytes::load(&path)?;
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
        // Bound: the records of the journal; only rolls go round again.
        while self.reason.is_none() {
            match self.locate() {
                Ok(found) if found.header.kind == RecordKind::Roll as u16 => {
                    self.accept(&found);
                    self.rolled = true;
                }
                Ok(found) => match found.record(&self.bytes) {
                    Some(record) => {
                        self.turns += matches!(record, Record::Input(_)) as u64;
                        self.unknown += matches!(record, Record::Unknown { .. }) as u64;
                        self.closed = matches!(record, Record::Close { .. });
                        self.accept(&found);
                        return Some(found);
                    }
                    None => self.reason = Some(EndReason::Corrupt),
                },
                Err(EndReason::Unclosed) if self.rolled => self.reason = self.next_segment().err(),
                Err(reason) => self.reason = Some(reason),
            }
        }
        None
    }

    fn accept(&mut self, found: &Found) {
        (self.offset, self.chain) = (found.end, found.header.chain);
    }

    /// The record at the present place if it is whole and its chain holds.
    fn locate(&self) -> Result<Found, EndReason> {
        let rest = self.bytes.get().get(self.offset..).unwrap_or(&[]);
        let word = rest.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes));
        if self.closed || self.rolled {
            let only_zeros = rest.iter().all(|&byte| byte == 0);
            let good = if self.closed { EndReason::Closed } else { EndReason::Unclosed };
            return Err(if only_zeros { good } else { EndReason::Corrupt });
        }
        match word {
            // Nothing written here. Something behind it is a record that was not finished.
            None | Some(0) if rest.iter().all(|&byte| byte == 0) => return Err(EndReason::Unclosed),
            None | Some(0) => return Err(EndReason::Truncated),
            Some(_) => {}
        }
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

/// A file in memory, on an 8-byte boundary.
struct Bytes {
    words: Vec<u64>,
    length: usize,
}

impl core::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} bytes", self.length)
    }
}

impl Bytes {
    fn get(&self) -> &[u8] {
        self.words.as_bytes().get(..self.length).unwrap_or(&[])
    }
    fn load(path: &Path) -> Result<Bytes, JournalFault> {
        let io = |error: std::io::Error| JournalFault::io(path, &error);
        let meta = std::fs::metadata(path).map_err(io)?;
        if !meta.is_file() || meta.len() > SEGMENT_BYTES_MAX {
            let detail = format!("no regular file of at most {SEGMENT_BYTES_MAX} bytes");
            return Err(JournalFault::new(Code::JournalFormat, path, detail));
        }
        let mut file = File::open(path).map_err(io)?;
        let (mut words, count) = (Vec::<u64>::new(), (meta.len() as usize).div_ceil(8));
        if words.try_reserve_exact(count).is_err() {
            return Err(JournalFault::new(Code::JournalIo, path, format!("no memory for {} bytes", meta.len())));
        }
        words.resize(count, 0);
        let (mut length, limit) = (0, meta.len() as usize);
        // Bound: the file's length when it was opened; a file that has become shorter ends the loop.
        while length < limit {
            match file.read(&mut words.as_mut_bytes()[length..limit]).map_err(io)? {
                0 => break,
                count => length += count,
            }
        }
        Ok(Bytes { words, length })
    }
}
