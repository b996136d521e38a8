//! # Room card: driver/fix/store_scan
//! In:    a file of messages, however its last process ended.
//! Out:   each message in it, and where the next one goes.
//! Holds: a tail that is no message is cut off only if no message follows it; else the file is damaged and left alone.
//! Costs: one pass over the file in reads of 1 MiB.
use std::io;

use twox_hash::xxhash3_64::Hasher;

use super::disk::Disk;
use super::store_files::{RECORD_BYTES_MAX, RECORD_HEADER_BYTES};

/// Bytes of one read.
const READ_BYTES: usize = 1 << 20;
/// A tail is looked through for this many bytes: more than a write and its neighbours leave.
const TAIL_BYTES_MAX: u64 = 64 << 20;

/// A message's place in a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Found {
    pub(super) sequence: u64,
    pub(super) length: u32,
}

/// Why a scan ended early.
#[derive(Debug)]
pub(super) enum Stop {
    Refused(io::Error),
    Damaged { at: u64 },
}

/// Makes a record: hash, number, length, four zeros, the message.
pub(super) fn write_record(record: &mut Vec<u8>, epoch: u64, sequence: u64, bytes: &[u8]) {
    record.clear();
    record.extend_from_slice(&[0; 8]);
    record.extend_from_slice(&sequence.to_le_bytes());
    record.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    record.extend_from_slice(bytes);
    let hash = Hasher::oneshot_with_seed(epoch, &record[8..]);
    record[..8].copy_from_slice(&hash.to_le_bytes());
}

fn head(bytes: &[u8]) -> Option<(u64, Found)> {
    let word = |place: usize| -> Option<u64> { Some(u64::from_le_bytes(*bytes.get(place * 8..)?.first_chunk()?)) };
    let length = word(2).filter(|&length| length <= RECORD_BYTES_MAX as u64)?;
    Some((word(0)?, Found { sequence: word(1)?, length: length as u32 }))
}

/// The record at the start of some bytes, if it is whole and its own.
pub(super) fn read_record(bytes: &[u8], epoch: u64) -> Option<Found> {
    let (hash, found) = head(bytes)?;
    let record = bytes.get(8..RECORD_HEADER_BYTES + found.length as usize)?;
    (Hasher::oneshot_with_seed(epoch, record) == hash).then_some(found)
}

/// A stretch of a file in memory.
struct Stretch<'a, D: Disk> {
    disk: &'a mut D,
    file: &'a mut D::File,
    length: u64,
    from: u64,
    bytes: Vec<u8>,
}

impl<D: Disk> Stretch<'_, D> {
    /// The bytes from `at` on: at least `least` of them, or all there are.
    fn at(&mut self, at: u64, least: usize) -> io::Result<&[u8]> {
        let left = self.length.saturating_sub(at);
        let need = left.min(least as u64) as usize;
        let held = at.checked_sub(self.from).and_then(|skip| self.bytes.len().checked_sub(usize::try_from(skip).ok()?));
        if held.is_none_or(|held| held < need) {
            self.bytes.resize(left.min(need.max(READ_BYTES) as u64) as usize, 0);
            self.from = at;
            self.disk.read(self.file, at, &mut self.bytes)?;
        }
        Ok(&self.bytes[(at - self.from) as usize..])
    }

    fn record(&mut self, at: u64, epoch: u64) -> io::Result<Option<Found>> {
        let Some((_, found)) = head(self.at(at, RECORD_HEADER_BYTES)?) else { return Ok(None) };
        Ok(read_record(self.at(at, RECORD_HEADER_BYTES + found.length as usize)?, epoch))
    }
}

/// Hands out the messages of a file with numbers above `last`, in order, and returns where they end.
pub(super) fn scan<D: Disk>(
    disk: &mut D,
    file: &mut D::File,
    length: u64,
    epoch: u64,
    mut last: u64,
    mut each: impl FnMut(u64, Found),
) -> Result<u64, Stop> {
    let mut stretch = Stretch { disk, file, length, from: 0, bytes: Vec::new() };
    let mut at = 0;
    // Each round goes on by a record.
    while at < length {
        match stretch.record(at, epoch).map_err(Stop::Refused)? {
            Some(found) if found.sequence > last => {
                each(at, found);
                last = found.sequence;
                at += RECORD_HEADER_BYTES as u64 + u64::from(found.length);
            }
            Some(_) => return Err(Stop::Damaged { at }),
            None => break,
        }
    }
    // A tail of one write that was cut short holds no message; damage before the end has messages behind it.
    if length - at > TAIL_BYTES_MAX {
        return Err(Stop::Damaged { at });
    }
    for place in at + 1..length.saturating_sub(RECORD_HEADER_BYTES as u64) {
        let Some((_, found)) = head(stretch.at(place, RECORD_HEADER_BYTES).map_err(Stop::Refused)?) else { continue };
        let fits = u64::from(found.length) <= length - place - RECORD_HEADER_BYTES as u64;
        if fits && found.sequence > last && stretch.record(place, epoch).map_err(Stop::Refused)?.is_some() {
            return Err(Stop::Damaged { at });
        }
    }
    Ok(at)
}
