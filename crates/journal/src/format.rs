//! # Room card: journal/format
//! In:    nothing.
//! Out:   the layout of segments and records, and the chain.
//! Holds: little-endian, records on 8-byte boundaries, zero padding; layouts asserted at compile time.
//! Costs: one XXH3-64 over a record.
//!
//! A journal is a folder of `000001.fafnir`, `000002.fafnir`, … A segment is a header of 64 bytes and records to its
//! end; while it is written its rest is zeros, when it is full or closed it is cut to its length.
//!
//! Segment header: magic 8 bytes, format version u32, header bytes u32, segment number u64, chain value of the last
//! record of the segment before u64 (0 in the first), 24 zero bytes, XXH3-64 of these 56 bytes u64, which starts the
//! segment's chain.
//!
//! Record: payload length u32, kind u16, detail u16, chain u64, turn u64, now u64, payload, zeros to a multiple of 8.
//! chain = XXH3-64(turn to end of padding, seed = chain before + first word · K). The first word is written last, so
//! what a crash leaves unfinished reads as a first word of zero: the end.
//!
//! | kind | detail | payload |
//! |---|---|---|
//! | 1 Start | 0 | format version u32, build length u32, configuration length u32, 0 u32, build, configuration JSON |
//! | 2 Bytes | connection | as read |
//! | 3 Conn | connection | state u64 |
//! | 4 Timer | 0 | id u64 |
//! | 5 Command | producer | cause sequence u64, bytes |
//! | 6 Market | 0 | `Event`, 64 bytes |
//! | 7 Report | 0 | `OrderEvent`, 128 bytes |
//! | 8 Control | control | none |
//! | 9 HashMark | 0 | effects hash u128 |
//! | 10 Close | 0 | effects hash u128, turns u64 |
//! | 11 Roll | 0 | none: the next segment goes on |
//!
//! The last segment may be followed by files that are not begun: zeros, or a header and zeros. They were made ahead.
//! The header of the next segment is written before the first word of the Roll that leads to it, so a Roll without a
//! begun segment behind it is damage.
//!
//! A journal can be resumed, in a new segment, whether it was closed or not: its last segment then gets a Roll. So a
//! Close ends a journal unless a Roll follows it at once; nothing else may. What a crash left unfinished behind the
//! last record is cut first. The bytes of a Roll and of a header follow from the chain, so that one half written is
//! known. All this is version 1: what earlier builds wrote reads the same.
use types::limits::INPUT_BYTES_MAX;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Version of the layout this build writes and reads.
pub const FORMAT_VERSION: u32 = 1;
/// Bytes of a segment unless asked otherwise.
pub const SEGMENT_BYTES_DEFAULT: u64 = 64 * 1024 * 1024;
/// Smallest segment.
pub const SEGMENT_BYTES_MIN: u64 = 4 * 1024;
/// Largest segment, written or read.
pub const SEGMENT_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

pub(crate) const MAGIC: [u8; 8] = *b"FAFNIRJ\n";
pub(crate) const SEGMENT_HEADER_BYTES: usize = size_of::<SegmentHeader>();
pub(crate) const RECORD_HEADER_BYTES: usize = size_of::<RecordHeader>();
/// Longest payload: the longest input and the few words beside it.
pub(crate) const PAYLOAD_BYTES_MAX: usize = INPUT_BYTES_MAX + 64;
/// Most segments of one journal (six digits of the file name).
pub(crate) const SEGMENTS_MAX: u32 = 999_999;
/// Kept free at the end of a segment, so that Roll or Close always fits.
pub(crate) const SEGMENT_RESERVE_BYTES: usize = 64;
pub(crate) const CLOSE_BYTES: usize = 24;

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(crate) struct SegmentHeader {
    pub magic: [u8; 8],
    pub version: u32,
    pub header_bytes: u32,
    pub segment: u64,
    pub chain_before: u64,
    pub reserved: [u64; 3],
    pub checksum: u64,
}

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(crate) struct RecordHeader {
    pub length: u32,
    pub kind: u16,
    pub detail: u16,
    pub chain: u64,
    pub turn: u64,
    pub now: u64,
}

const _: () = assert!(SEGMENT_HEADER_BYTES == 64 && RECORD_HEADER_BYTES == 32);
const _: () = assert!(core::mem::offset_of!(RecordHeader, turn) == CHAINED_FROM);
const _: () = assert!(RECORD_HEADER_BYTES + CLOSE_BYTES <= SEGMENT_RESERVE_BYTES);

/// What a record is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u16)]
pub enum RecordKind {
    /// Record 0: version, build, configuration.
    Start = 1,
    /// Input: bytes read.
    Bytes = 2,
    /// Input: a connection changed.
    Conn = 3,
    /// Input: a timer fired.
    Timer = 4,
    /// Input: a command.
    Command = 5,
    /// Input: a normalised market event.
    Market = 6,
    /// Input: a normalised execution report.
    Report = 7,
    /// Input: kill or close.
    Control = 8,
    /// Effects hash after a turn.
    HashMark = 9,
    /// The end, unless a Roll follows: effects hash and number of turns.
    Close = 10,
    /// The next segment goes on.
    Roll = 11,
}

impl RecordKind {
    /// From the number of a record.
    pub const fn from_u16(number: u16) -> Option<RecordKind> {
        use RecordKind::*;
        const ALL: [RecordKind; 11] =
            [Start, Bytes, Conn, Timer, Command, Market, Report, Control, HashMark, Close, Roll];
        if number == 0 || number as usize > ALL.len() { None } else { Some(ALL[number as usize - 1]) }
    }
}

/// Record 0 of a journal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Start {
    /// Layout version of the file.
    pub version: u32,
    /// The build that wrote it.
    pub build: String,
    /// The full configuration as JSON; instruments and seeds are in it.
    pub config: String,
}

impl Start {
    /// Of this build's version.
    pub fn new(build: impl Into<String>, config: impl Into<String>) -> Start {
        Start { version: FORMAT_VERSION, build: build.into(), config: config.into() }
    }
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(16 + self.build.len() + self.config.len());
        for word in [FORMAT_VERSION, self.build.len() as u32, self.config.len() as u32, 0] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.extend_from_slice(self.build.as_bytes());
        bytes.extend_from_slice(self.config.as_bytes());
        bytes
    }
    pub(crate) fn decode(bytes: &[u8]) -> Option<Start> {
        let (words, text) = <[u32; 4]>::read_from_prefix(bytes).ok()?;
        let (build, config) = text.split_at_checked(words[1] as usize)?;
        if config.len() != words[2] as usize {
            return None;
        }
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        Some(Start { version: words[0], build: text(build)?, config: text(config)? })
    }
}

/// Where the chained part of a record begins.
pub(crate) const CHAINED_FROM: usize = 16;

/// Bytes of a record with a payload of `length`.
pub(crate) const fn record_bytes(length: usize) -> usize {
    RECORD_HEADER_BYTES + length.next_multiple_of(8)
}

/// The first word of a record: never zero, because kinds are not.
pub(crate) const fn first_word(length: u32, kind: u16, detail: u16) -> u64 {
    length as u64 | (kind as u64) << 32 | (detail as u64) << 48
}

/// The chain value of a record: `chained` is its bytes from `CHAINED_FROM` to the end of its padding.
#[inline]
pub(crate) fn chain(before: u64, first_word: u64, chained: &[u8]) -> u64 {
    let seed = before.wrapping_add(first_word.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    twox_hash::xxhash3_64::Hasher::oneshot_with_seed(seed, chained)
}

impl SegmentHeader {
    pub(crate) fn new(segment: u32, chain_before: u64) -> SegmentHeader {
        let mut header = SegmentHeader {
            magic: MAGIC,
            version: FORMAT_VERSION,
            header_bytes: SEGMENT_HEADER_BYTES as u32,
            segment: segment as u64,
            chain_before,
            reserved: [0; 3],
            checksum: 0,
        };
        header.checksum = header.expected_checksum();
        header
    }
    pub(crate) fn expected_checksum(&self) -> u64 {
        twox_hash::xxhash3_64::Hasher::oneshot(&self.as_bytes()[..SEGMENT_HEADER_BYTES - 8])
    }
}

/// The Roll record behind a record whose chain value is `before`, and its own chain value.
pub(crate) fn roll_record(before: u64) -> ([u8; RECORD_HEADER_BYTES], u64) {
    let word = first_word(0, RecordKind::Roll as u16, 0);
    let mut header = RecordHeader { length: 0, kind: RecordKind::Roll as u16, detail: 0, chain: 0, turn: 0, now: 0 };
    header.chain = chain(before, word, &header.as_bytes()[CHAINED_FROM..]);
    let mut bytes = [0; RECORD_HEADER_BYTES];
    bytes.copy_from_slice(header.as_bytes());
    (bytes, header.chain)
}

/// Are `bytes` what is there while `wanted` is being written over zeros, whatever part of it has arrived?
pub(crate) fn part_of(bytes: &[u8], wanted: &[u8]) -> bool {
    let wanted = wanted.iter().chain(core::iter::repeat(&0));
    bytes.iter().zip(wanted).all(|(&byte, &wanted)| byte == 0 || byte == wanted)
}

/// File name of a segment.
pub(crate) fn segment_name(number: u32) -> String {
    format!("{number:06}.fafnir")
}

/// Number of a segment from its file name.
pub(crate) fn segment_number(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(".fafnir").filter(|digits| digits.len() == 6)?;
    digits.parse().ok().filter(|&number| number > 0)
}
