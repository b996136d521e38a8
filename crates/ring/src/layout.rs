//! # Room card: ring/layout
//! In:    the words of a region.
//! Out:   where every word stands; `format` and `attach`, the two ways to a ring.
//! Holds: one layout for Rust and TypeScript (packages/fafnir/src/ring/layout.ts; a fixture holds them together).
//! Costs: cold path.
//!
//! All words are 32 bits, little-endian. Positions count bytes from the ring's first record and never stop; the place
//! of a record is its position modulo the capacity. Byte offsets:
//!
//! | bytes | what | written by |
//! |---|---|---|
//! | 0 | magic, the bytes `FRNG` | format, last |
//! | 4 | version, 1 | format |
//! | 8 | kind: 1 market, 2 orders, 3 commands, 4 registers | format |
//! | 12 | capacity in bytes, a power of two, 128 to 2^30 | format |
//! | 16 | largest record in bytes, an eighth of the capacity | format |
//! | 20, 24 | first position, low and high half (0 except in tests of wrap-around) | format |
//! | 128, 132, 136 | tail, end of the last published record: low, high, guard (low only but for `market`) | writer |
//! | 144, 148, 152 | intent (`market`): the writer may be overwriting everything a capacity before this | writer |
//! | 256 | head (`orders`, `commands`): end of the last record taken, low half | reader |
//! | 384 | sleeps: 1 when a reader wants the doorbell | reader sets, writer clears |
//! | 388 | bell: counts doorbells, for `Atomics.wait` of readers on other threads | whoever passes the doorbell on |
//! | 512 + 16·i | checkpoint i of 8 (`market`): position low, high, number low, high; see `market` | writer |
//! | 640 | the ring itself | writer |
//!
//! A record starts on a multiple of 8: length i32 (header and payload; negative while being written), type u32,
//! payload. No record crosses the end of the ring: a record of type `RECORD_PADDING` fills it up, shorter than the
//! record that did not fit. Bytes no line of the table names are zero. `registers` have the same control block and,
//! instead of a ring, 128 bytes each from byte 640 on; see `registers`.
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::error::{Refusal, RegionError};
use crate::words::Words;

/// The bytes `FRNG`.
pub const MAGIC: u32 = u32::from_le_bytes(*b"FRNG");
/// Version of this layout.
pub const VERSION: u32 = 1;
/// Bytes before the ring itself.
pub const CONTROL_BYTES: usize = 640;
/// Smallest capacity.
pub const CAPACITY_MIN: usize = 128;
/// Largest capacity.
pub const CAPACITY_MAX: usize = 1 << 30;
/// Checkpoints of `market`; also the part of the capacity a record may fill.
pub const SEGMENTS: u32 = 8;
/// Bytes of a record's header.
pub const HEADER_BYTES: usize = 8;
/// Record type: skip to the next record. Equal to `types::event::RECORD_PADDING`.
pub const RECORD_PADDING: u32 = u32::MAX;
/// Record type: records were lost, a u64 says how many. Equal to `types::event::RECORD_GAP`.
pub const RECORD_GAP: u32 = 7;

pub(crate) const WORD_MAGIC: usize = 0;
pub(crate) const WORD_VERSION: usize = 1;
pub(crate) const WORD_KIND: usize = 2;
pub(crate) const WORD_CAPACITY: usize = 3;
pub(crate) const WORD_RECORD_MAX: usize = 4;
pub(crate) const WORD_ORIGIN: usize = 5;
pub(crate) const WORD_TAIL: usize = 32;
pub(crate) const WORD_INTENT: usize = 36;
pub(crate) const WORD_HEAD: usize = 64;
pub(crate) const WORD_SLEEPS: usize = 96;
pub(crate) const WORD_BELL: usize = 97;
pub(crate) const WORD_CHECKPOINTS: usize = 128;
pub(crate) const WORD_DATA: usize = CONTROL_BYTES / 4;

/// The three rings, and the registers beside them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Kind {
    /// Lossy broadcast.
    Market = 1,
    /// Lossless while it fits, then a gap.
    Orders = 2,
    /// Refuses when full.
    Commands = 3,
    /// No ring: the newest state of each of some things.
    Registers = 4,
}

/// What both sides of a ring know about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Shape {
    pub capacity: u32,
    pub record_max: u32,
    pub origin: u64,
}

impl Shape {
    /// Bytes of an eighth of the ring, as a power of two.
    pub(crate) fn segment_shift(&self) -> u32 {
        (self.capacity / SEGMENTS).trailing_zeros()
    }
}

/// Bytes to allocate for a ring of this capacity.
pub const fn region_bytes(capacity_bytes: usize) -> usize {
    CONTROL_BYTES.saturating_add(capacity_bytes)
}

/// The capacity of a region of `bytes` bytes.
pub fn capacity_of(bytes: usize) -> Result<u32, RegionError> {
    let capacity = bytes
        .checked_sub(CONTROL_BYTES)
        .filter(|capacity| capacity.is_power_of_two() && (CAPACITY_MIN..=CAPACITY_MAX).contains(capacity));
    let error = RegionError::Size { bytes, capacity_min: CAPACITY_MIN, capacity_max: CAPACITY_MAX };
    Ok(capacity.ok_or(error)? as u32)
}

/// Makes an empty ring of the region; whatever was there is lost. Attach other sides only afterwards.
pub(crate) fn format<W: Words>(words: &W, kind: Kind, origin: u64) -> Result<Shape, RegionError> {
    let capacity = capacity_of(words.words() * 4)?;
    let shape = Shape { capacity, record_max: capacity / SEGMENTS, origin };
    check_origin(kind, &shape)?;
    words.store(WORD_MAGIC, 0, Release);
    for word in WORD_VERSION..WORD_DATA {
        words.store(word, 0, Relaxed);
    }
    words.store(WORD_VERSION, VERSION, Relaxed);
    words.store(WORD_KIND, kind as u32, Relaxed);
    words.store(WORD_CAPACITY, capacity, Relaxed);
    words.store(WORD_RECORD_MAX, shape.record_max, Relaxed);
    let (low, high) = (origin as u32, (origin >> 32) as u32);
    words.store(WORD_ORIGIN, low, Relaxed);
    words.store(WORD_ORIGIN + 1, high, Relaxed);
    if kind == Kind::Market {
        for position in [WORD_TAIL, WORD_INTENT] {
            words.store(position, low, Relaxed);
            words.store(position + 1, high, Relaxed);
            words.store(position + 2, high, Relaxed);
        }
    } else {
        words.store(WORD_TAIL, low, Relaxed);
        words.store(WORD_HEAD, low, Relaxed);
    }
    words.store(WORD_MAGIC, MAGIC, Release);
    Ok(shape)
}

/// Checks that the region holds a ring of this kind and layout.
pub(crate) fn attach<W: Words>(words: &W, kind: Kind) -> Result<Shape, RegionError> {
    let expected = capacity_of(words.words() * 4)?;
    let magic = words.load(WORD_MAGIC, Acquire);
    if magic != MAGIC {
        return Err(RegionError::NotARing { magic });
    }
    let version = words.load(WORD_VERSION, Relaxed);
    if version != VERSION {
        return Err(RegionError::Version { found: version, supported: VERSION });
    }
    let found = words.load(WORD_KIND, Relaxed);
    if found != kind as u32 {
        return Err(RegionError::Kind { found, wanted: kind as u32 });
    }
    let capacity = words.load(WORD_CAPACITY, Relaxed);
    if capacity != expected || words.load(WORD_RECORD_MAX, Relaxed) != expected / SEGMENTS {
        return Err(RegionError::Capacity { found: capacity, expected });
    }
    let low = words.load(WORD_ORIGIN, Relaxed);
    let origin = u64::from(words.load(WORD_ORIGIN + 1, Relaxed)) << 32 | u64::from(low);
    let shape = Shape { capacity, record_max: capacity / SEGMENTS, origin };
    check_origin(kind, &shape)?;
    Ok(shape)
}

fn check_origin(kind: Kind, shape: &Shape) -> Result<(), RegionError> {
    let multiple_of = if kind == Kind::Market { u64::from(shape.capacity) } else { HEADER_BYTES as u64 };
    if shape.origin.is_multiple_of(multiple_of) {
        return Ok(());
    }
    Err(RegionError::Origin { origin: shape.origin, multiple_of })
}

/// Bytes a record fills in the ring.
#[inline]
pub(crate) const fn frame_bytes(length: u32) -> u32 {
    length.wrapping_add(7) & !7
}

/// Is it a record a ring of this bound takes? Its bytes in the ring, if so.
#[inline]
pub(crate) fn check_record(record: &[u8], record_max: u32) -> Result<u32, Refusal> {
    if record.len() > record_max as usize {
        return Err(Refusal::TooLong { bytes: record.len(), max_bytes: record_max as usize });
    }
    let Some((header, _)) = record.split_first_chunk::<HEADER_BYTES>() else {
        return Err(Refusal::Header { length: 0, bytes: record.len() });
    };
    let [a, b, c, d, kind @ ..] = *header;
    let length = u32::from_le_bytes([a, b, c, d]);
    if length as usize != record.len() || u32::from_le_bytes(kind) == RECORD_PADDING {
        return Err(Refusal::Header { length, bytes: record.len() });
    }
    Ok(frame_bytes(length))
}

/// Writes a checked record at a word of the ring. Relaxed: the caller publishes it. The length is negative until the
/// rest stands, so that a record cut off half-way never looks whole in a dump.
#[inline]
pub(crate) fn write_record<W: Words>(words: &W, word: usize, record: &[u8], frame: u32) {
    let length = record.len() as u32;
    words.store(word, length.wrapping_neg(), Relaxed);
    if let Some(body) = record.get(4..) {
        words.write(word + 1, body);
    }
    if frame - length >= 4 {
        words.store(word + (frame / 4) as usize - 1, 0, Relaxed);
    }
    words.store(word, length, Relaxed);
}

/// Writes a padding record over `room` bytes at a word of the ring.
#[inline]
pub(crate) fn write_padding<W: Words>(words: &W, word: usize, room: u32) {
    words.store(word + 1, RECORD_PADDING, Relaxed);
    words.store(word, room, Relaxed);
}

/// Could this be the length of a record or padding, `limit` bytes at most in the ring?
#[inline]
pub(crate) fn plausible(length: u32, record_max: u32, limit: u32) -> bool {
    (HEADER_BYTES as u32..=record_max).contains(&length) && frame_bytes(length) <= limit
}
