//! # Room card: journal/resume
//! In:    a journal that a process left, closed or not; its last record may not be whole.
//! Out:   a `Writer` that goes on in a new segment.
//! Holds: whenever the process is killed in here, the journal reads as before and can be resumed again; what is damaged
//!        in any other place is refused and left as it is.
//! Costs: a pass over the journal unless the caller has made it; some system calls.
//!
//! The order: what was made ahead is deleted; the rest of an unfinished record is cut; the next segment is made with
//! its header; last the Roll that leads there is written. Up to that the journal ends where it ended.
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use types::{Code, UnixNanos};
use zerocopy::{FromBytes, IntoBytes};

use crate::bytes::Bytes;
use crate::fault::JournalFault;
use crate::format::{MAGIC, SEGMENT_HEADER_BYTES, SegmentHeader, part_of, roll_record, segment_name, segment_number};
use crate::options::Options;
use crate::reader::{Reader, Tail};
use crate::writer::{Place, Writer};

/// What a resumed journal held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Resumed {
    /// Number of the new segment.
    pub segment: u32,
    /// Inputs written before.
    pub turns: u64,
    /// Turn of the last of them; the next input has the number after it.
    pub last_turn: u64,
    /// Its time; the next input's is not before it.
    pub last_now: UnixNanos,
    /// It ended with a Close record.
    pub closed: bool,
    /// Bytes of an unfinished last record, cut.
    pub cut_bytes: u64,
}

impl Writer {
    /// Goes on with a journal by its folder. No other process may use it.
    ///
    /// Errors: those of `Reader::open`; JournalTruncated, JournalCorrupt (damage that is not the unfinished last record
    /// of the last segment; path and byte are named, nothing was changed); JournalIo, JournalFull; ConfigInvalid.
    pub fn resume(dir: impl AsRef<Path>, options: Options) -> Result<(Writer, Resumed), JournalFault> {
        Writer::resume_read(Reader::open(dir)?, options)
    }

    /// The same for a journal that was read, to its end or not; the rest is read here. Errors: as above.
    pub fn resume_read(reader: Reader, options: Options) -> Result<(Writer, Resumed), JournalFault> {
        options.check(reader.dir())?;
        let tail = reader.tail()?;
        let (roll, chain) = roll_record(tail.chain);
        let chain = if tail.rolled { tail.chain } else { chain };
        let place = Place { number: tail.number + 1, chain, turns: tail.turns, last_turn: tail.last.0 };
        let header = SegmentHeader::new(place.number, chain);
        for number in ahead(&tail, &header)? {
            // Behind a Roll the next segment must stay: without it the journal would be damaged.
            if !tail.rolled || number != place.number {
                let path = tail.dir.join(segment_name(number));
                std::fs::remove_file(&path).map_err(|error| JournalFault::io(&path, &error))?;
            }
        }
        let resumed = Resumed {
            segment: place.number,
            turns: tail.turns,
            last_turn: tail.last.0,
            last_now: tail.last.1,
            closed: tail.closed,
            cut_bytes: if tail.rolled { 0 } else { tail.torn },
        };
        let path = tail.dir.join(segment_name(tail.number));
        let io = |error: std::io::Error| JournalFault::io(&path, &error);
        if !tail.rolled {
            let last = OpenOptions::new().write(true).open(&path).map_err(io)?;
            last.set_len(tail.offset as u64).and_then(|()| last.sync_all()).map_err(io)?;
            let writer = Writer::begin(&tail.dir, options, place, false)?;
            write_roll(last, tail.offset as u64, &roll).map_err(io)?;
            return Ok((writer, resumed));
        }
        Ok((Writer::begin(&tail.dir, options, place, true)?, resumed))
    }
}

/// Segments behind the last, none of which may hold a record.
fn ahead(tail: &Tail, header: &SegmentHeader) -> Result<Vec<u32>, JournalFault> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&tail.dir).map_err(|error| JournalFault::io(&tail.dir, &error))? {
        let entry = entry.map_err(|error| JournalFault::io(&tail.dir, &error))?;
        let Some(number) = entry.file_name().to_str().and_then(segment_number) else { continue };
        if number <= tail.number {
            continue;
        }
        let bytes = Bytes::load(&entry.path())?;
        if !not_begun(bytes.get(), (number == tail.number + 1).then_some(header)) {
            let detail = format!("has records, but segment {} ends at byte {} before it", tail.number, tail.offset);
            return Err(JournalFault::new(Code::JournalCorrupt, &entry.path(), detail));
        }
        found.push(number);
    }
    Ok(found)
}

/// Zeros, or a header, whole or in part, and zeros.
fn not_begun(bytes: &[u8], expected: Option<&SegmentHeader>) -> bool {
    let (head, rest) = bytes.split_at(bytes.len().min(SEGMENT_HEADER_BYTES));
    let whole = |header: SegmentHeader| header.magic == MAGIC && header.checksum == header.expected_checksum();
    rest.iter().all(|&byte| byte == 0)
        && (part_of(head, expected.map_or(&[], |header| header.as_bytes()))
            || SegmentHeader::read_from_bytes(head).is_ok_and(whole))
}

/// Appends the Roll, its first word last, and waits for the disk.
fn write_roll(mut file: File, offset: u64, roll: &[u8]) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(offset + 8))?;
    file.write_all(&roll[8..])?;
    file.seek(SeekFrom::Start(offset))?;
    file.write_all(&roll[..8])?;
    file.sync_all()
}
