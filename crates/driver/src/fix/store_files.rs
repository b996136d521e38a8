//! # Room card: driver/fix/store_files
//! In:    the files of one session's folder.
//! Out:   its numbers, its messages by number; both changed by single writes.
//! Holds: two slots for the numbers, written in turn, so that one is always whole; messages appended with a hash each;
//!        a reset is one write of a slot, which names the file of messages that counts.
//! Costs: one write a change; 24 bytes of memory a message that can be sent again.
//!
//! `numbers` holds two slots of 64 bytes, 4,096 bytes apart: generation, epoch, epoch of the file before, next number
//! in and out, time of the last reset, hash. The valid one of the higher generation counts. `body-N` holds the messages
//! of epoch N: hash, number, length, then the bytes. A number used by a message counts from the body, any other from
//! the slot; so a message costs one write, and an administrative one too.
use std::collections::VecDeque;
use std::io;

use twox_hash::xxhash3_64::Hasher;
use types::UnixNanos;

use super::disk::Disk;
use super::store::Stored;
use super::store_scan::{self, Found};

/// File of the numbers.
const NUMBERS_FILE: &str = "numbers";
/// Files of messages.
const BODY_FILE: &str = "body-";
/// Bytes of a slot.
const SLOT_BYTES: usize = 64;
/// From one slot to the next: neither shares a page or a sector with the other.
const SLOT_STRIDE: u64 = 4_096;
/// Both slots: allocated at the start, so that a full disk still takes numbers.
const NUMBERS_BYTES: usize = SLOT_STRIDE as usize + SLOT_BYTES;
/// `FixNumb1`, little-endian.
const MAGIC: u64 = u64::from_le_bytes(*b"FixNumb1");
/// Hash, number and length before a message.
pub(super) const RECORD_HEADER_BYTES: usize = 24;
/// Bytes of the longest message kept.
pub(super) const RECORD_BYTES_MAX: usize = 16 << 20;
/// Messages that can be sent again, at most: older ones are gap-filled.
pub(super) const KEPT_MAX: usize = 2_000_000;

/// What keeps a store from its work.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The system refused.
    Refused { what: &'static str, error: io::Error },
    /// A file holds what no store leaves.
    Damaged { file: String, at: u64 },
    /// A message came with a number that another has.
    NumberUsed { sequence: u64 },
}

fn refused(what: &'static str) -> impl Fn(io::Error) -> Trouble {
    move |error| Trouble::Refused { what, error }
}

/// A slot's contents.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Slot {
    generation: u64,
    epoch: u64,
    /// Epoch of the file with older messages; 0 for none.
    older: u64,
    stored: Stored,
}

impl Slot {
    fn bytes(&self) -> [u8; SLOT_BYTES] {
        let Stored { next_in, next_out, created } = self.stored;
        let words = [MAGIC, self.generation, self.epoch, self.older, next_in, next_out, created.0];
        let mut bytes = [0; SLOT_BYTES];
        for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        let hash = Hasher::oneshot(&bytes[..SLOT_BYTES - 8]);
        bytes[SLOT_BYTES - 8..].copy_from_slice(&hash.to_le_bytes());
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Slot> {
        let bytes: &[u8; SLOT_BYTES] = bytes.first_chunk()?;
        let word = |place: usize| -> u64 {
            bytes[place * 8..].first_chunk().map_or(0, |word: &[u8; 8]| u64::from_le_bytes(*word))
        };
        let valid = word(0) == MAGIC && word(7) == Hasher::oneshot(&bytes[..SLOT_BYTES - 8]) && word(2) > 0;
        let stored = Stored { next_in: word(4), next_out: word(5), created: UnixNanos(word(6)) };
        (valid && stored.next_in > 0 && stored.next_out > 0).then_some(Slot {
            generation: word(1),
            epoch: word(2),
            older: word(3),
            stored,
        })
    }
}

/// A file of messages.
struct Body<F> {
    file: F,
    epoch: u64,
    /// Where the next message goes.
    end: u64,
    /// A write failed: what stands behind `end` is cut off before the next.
    torn: bool,
}

/// A message that can be sent again.
#[derive(Clone, Copy, Debug)]
struct Kept {
    sequence: u64,
    at: u64,
    length: u32,
    older: bool,
}

/// A session's files.
pub(super) struct Files<D: Disk> {
    disk: D,
    numbers: D::File,
    slot: Slot,
    body: Body<D::File>,
    older: Option<Body<D::File>>,
    kept: VecDeque<Kept>,
    sync: bool,
    /// A file of messages is replaced when it has reached this.
    body_bytes_max: u64,
    /// A record to be written; a message that was read.
    record: Vec<u8>,
    found: Vec<u8>,
}

fn body_name(epoch: u64) -> String {
    format!("{BODY_FILE}{epoch}")
}

impl<D: Disk> Files<D> {
    /// Takes up what is there, or begins. A slot is written only over the older one, so that one is valid always.
    pub(super) fn open(mut disk: D, sync: bool, body_bytes_max: u64, now: UnixNanos) -> Result<Files<D>, Trouble> {
        let names = disk.list().map_err(refused("list its folder"))?;
        let (mut numbers, length) = disk.open(NUMBERS_FILE).map_err(refused("open its numbers"))?;
        let fresh =
            Slot { generation: 0, epoch: 1, older: 0, stored: Stored { next_in: 1, next_out: 1, created: now } };
        let found = read_slots(&mut disk, &mut numbers, length)?;
        let mut slot = found.unwrap_or(fresh);
        if found.is_none() {
            // Bodies come after the first slot: one without a slot is no beginning cut short.
            check_nothing_kept(&mut disk, &names)?;
        }
        if found.is_none() || length < NUMBERS_BYTES as u64 {
            let mut bytes = [0; NUMBERS_BYTES];
            // The valid slot is at its place, whichever that is, and written first in either order of bytes.
            let at = place(slot.generation) as usize;
            bytes[at..at + SLOT_BYTES].copy_from_slice(&slot.bytes());
            disk.write(&mut numbers, 0, &bytes).map_err(refused("write its numbers"))?;
            if sync {
                disk.sync(&mut numbers).map_err(refused("sync its numbers"))?;
            }
        }
        let mut kept = VecDeque::new();
        let mut last = 0;
        let mut older = None;
        if slot.older > 0 && names.contains(&body_name(slot.older)) {
            older = Some(open_body(&mut disk, slot.older, true, &mut last, &mut kept)?);
        }
        let body = open_body(&mut disk, slot.epoch, false, &mut last, &mut kept)?;
        if sync {
            disk.sync_names().map_err(refused("sync its folder"))?;
        }
        for name in names.iter().filter(|name| name.starts_with(BODY_FILE)) {
            if *name != body_name(slot.epoch) && *name != body_name(slot.older) {
                disk.remove(name).map_err(refused("remove messages before a reset"))?;
            }
        }
        slot.stored.next_out = slot.stored.next_out.max(last.saturating_add(1));
        let (record, found) = (Vec::new(), Vec::new());
        Ok(Files { disk, numbers, slot, body, older, kept, sync, body_bytes_max, record, found })
    }

    pub(super) fn stored(&self) -> Stored {
        self.slot.stored
    }
    #[cfg(test)]
    pub(super) fn disk_mut(&mut self) -> &mut D {
        &mut self.disk
    }

    /// Writes the numbers: one write, over the slot that does not count.
    fn commit(&mut self, slot: Slot) -> Result<(), Trouble> {
        let slot = Slot { generation: self.slot.generation + 1, ..slot };
        self.disk
            .write(&mut self.numbers, place(slot.generation), &slot.bytes())
            .map_err(refused("write its numbers"))?;
        // The numbers are in force even if the sync fails: what may have reached the medium must not be taken back.
        self.slot = slot;
        if self.sync {
            self.disk.sync(&mut self.numbers).map_err(refused("sync its numbers"))?;
        }
        Ok(())
    }

    pub(super) fn numbers(&mut self, next_in: u64, next_out: u64) -> Result<(), Trouble> {
        let stored = Stored { next_in, next_out, ..self.slot.stored };
        if stored == self.slot.stored { Ok(()) } else { self.commit(Slot { stored, ..self.slot }) }
    }

    pub(super) fn keep(&mut self, sequence: u64, bytes: &[u8], application: bool) -> Result<(), Trouble> {
        let next_out = sequence.saturating_add(1);
        if !application {
            return self.numbers(self.slot.stored.next_in, next_out);
        }
        if self.kept.back().is_some_and(|last| last.sequence >= sequence) {
            return Err(Trouble::NumberUsed { sequence });
        }
        if bytes.len() > RECORD_BYTES_MAX {
            let error = io::ErrorKind::InvalidInput.into();
            return Err(Trouble::Refused { what: "keep so long a message", error });
        }
        if self.body.end >= self.body_bytes_max {
            self.turn_over()?;
        }
        self.append(sequence, bytes)?;
        self.slot.stored.next_out = next_out;
        Ok(())
    }

    fn append(&mut self, sequence: u64, bytes: &[u8]) -> Result<(), Trouble> {
        let Files { disk, body, record, .. } = self;
        if body.torn {
            disk.cut(&mut body.file, body.end).map_err(refused("cut off a message written in part"))?;
            body.torn = false;
        }
        store_scan::write_record(record, body.epoch, sequence, bytes);
        // Torn until it is known to be whole.
        body.torn = true;
        disk.write(&mut body.file, body.end, record).map_err(refused("write a message"))?;
        if self.sync {
            disk.sync(&mut body.file).map_err(refused("sync a message"))?;
        }
        body.torn = false;
        self.kept.push_back(Kept {
            sequence,
            at: body.end + RECORD_HEADER_BYTES as u64,
            length: bytes.len() as u32,
            older: false,
        });
        if self.kept.len() > KEPT_MAX {
            self.kept.pop_front();
        }
        body.end += record.len() as u64;
        Ok(())
    }

    /// Both sides begin at 1 again: a new file of messages, the slot that names it, and only then the old one goes.
    pub(super) fn reset(&mut self, now: UnixNanos) -> Result<(), Trouble> {
        let before = self.body.epoch;
        let done = self.new_body(0, Stored { next_in: 1, next_out: 1, created: now });
        if self.body.epoch != before {
            self.kept.clear();
        }
        done?;
        self.drop_older()
    }

    /// The file of messages is full: the next one, and the one before the last goes.
    fn turn_over(&mut self) -> Result<(), Trouble> {
        let (full, before) = (self.body.epoch, self.older.as_ref().map(|older| older.epoch));
        let done = self.new_body(full, self.slot.stored);
        if self.body.epoch != full {
            self.kept.retain(|kept| !kept.older);
            self.kept.iter_mut().for_each(|kept| kept.older = true);
        }
        done?;
        match before {
            Some(epoch) => self.disk.remove(&body_name(epoch)).map_err(refused("remove old messages")),
            None => Ok(()),
        }
    }

    /// A new file becomes the one that counts; the one before is the older.
    fn new_body(&mut self, older: u64, stored: Stored) -> Result<(), Trouble> {
        let epoch = self.body.epoch + 1;
        let (mut file, length) = self.disk.open(&body_name(epoch)).map_err(refused("open a file for messages"))?;
        if length > 0 {
            // Left by a commit that failed.
            self.disk.cut(&mut file, 0).map_err(refused("empty a file for messages"))?;
        }
        if self.sync {
            self.disk.sync_names().map_err(refused("sync its folder"))?;
        }
        let done = self.commit(Slot { epoch, older, stored, ..self.slot });
        // The slot decides: it may stand although its sync failed.
        if self.slot.epoch == epoch {
            let before = core::mem::replace(&mut self.body, Body { file, epoch, end: 0, torn: false });
            self.older = Some(before);
        }
        done
    }

    fn drop_older(&mut self) -> Result<(), Trouble> {
        let epoch = self.body.epoch;
        self.older = None;
        for name in self.disk.list().map_err(refused("list its folder"))? {
            if name.starts_with(BODY_FILE) && name != body_name(epoch) {
                self.disk.remove(&name).map_err(refused("remove messages before a reset"))?;
            }
        }
        Ok(())
    }

    /// Reads the first kept message with a number of `from` or above; it is then in `found`.
    pub(super) fn next(&mut self, from: u64) -> Result<Option<u64>, Trouble> {
        let Files { disk, body, older, kept, found, .. } = self;
        let Some(kept) = kept.get(kept.partition_point(|kept| kept.sequence < from)) else { return Ok(None) };
        let body = match (kept.older, older) {
            (true, Some(older)) => older,
            _ => body,
        };
        found.resize(RECORD_HEADER_BYTES + kept.length as usize, 0);
        let at = kept.at - RECORD_HEADER_BYTES as u64;
        disk.read(&mut body.file, at, found).map_err(refused("read a message"))?;
        match store_scan::read_record(found, body.epoch) {
            Some(Found { sequence, .. }) if sequence == kept.sequence => Ok(Some(sequence)),
            _ => Err(Trouble::Damaged { file: body_name(body.epoch), at }),
        }
    }

    /// The message that `next` read.
    pub(super) fn found(&self) -> &[u8] {
        self.found.get(RECORD_HEADER_BYTES..).unwrap_or(&[])
    }
}

/// Where the slot of a generation stands.
fn place(generation: u64) -> u64 {
    (generation % 2) * SLOT_STRIDE
}

fn read_slots<D: Disk>(disk: &mut D, numbers: &mut D::File, length: u64) -> Result<Option<Slot>, Trouble> {
    let mut best: Option<Slot> = None;
    let mut written = false;
    for at in [0, SLOT_STRIDE] {
        if length < at + SLOT_BYTES as u64 {
            continue;
        }
        let mut bytes = [0; SLOT_BYTES];
        disk.read(numbers, at, &mut bytes).map_err(refused("read its numbers"))?;
        written |= bytes != [0; SLOT_BYTES];
        let slot = Slot::read(&bytes).filter(|slot| place(slot.generation) == at);
        best = match (best, slot) {
            (Some(best), Some(slot)) if best.generation > slot.generation => Some(best),
            (best, slot) => slot.or(best),
        };
    }
    // A first write that was cut short is shorter than a slot, or zeros that the system had not yet filled.
    if best.is_none() && written { Err(Trouble::Damaged { file: NUMBERS_FILE.into(), at: 0 }) } else { Ok(best) }
}

/// Without a valid slot there must be no message.
fn check_nothing_kept<D: Disk>(disk: &mut D, names: &[String]) -> Result<(), Trouble> {
    for name in names.iter().filter(|name| name.starts_with(BODY_FILE)) {
        if disk.open(name).map_err(refused("open its messages"))?.1 > 0 {
            return Err(Trouble::Damaged { file: NUMBERS_FILE.into(), at: 0 });
        }
    }
    Ok(())
}

/// Opens a file of messages, reads where they stand and cuts off what a write left unfinished.
fn open_body<D: Disk>(
    disk: &mut D,
    epoch: u64,
    older: bool,
    last: &mut u64,
    kept: &mut VecDeque<Kept>,
) -> Result<Body<D::File>, Trouble> {
    let (mut file, length) = disk.open(&body_name(epoch)).map_err(refused("open its messages"))?;
    let end = store_scan::scan(disk, &mut file, length, epoch, *last, |at, found| {
        *last = found.sequence;
        kept.push_back(Kept {
            sequence: found.sequence,
            at: at + RECORD_HEADER_BYTES as u64,
            length: found.length,
            older,
        });
        if kept.len() > KEPT_MAX {
            kept.pop_front();
        }
    });
    let end = end.map_err(|stop| match stop {
        store_scan::Stop::Refused(error) => Trouble::Refused { what: "read its messages", error },
        store_scan::Stop::Damaged { at } => Trouble::Damaged { file: body_name(epoch), at },
    })?;
    if end < length {
        disk.cut(&mut file, end).map_err(refused("cut off a message written in part"))?;
    }
    Ok(Body { file, epoch, end, torn: false })
}
