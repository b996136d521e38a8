//! # Room card: ring/market
//! In:    records of the one writer.
//! Out:   the same records to every reader that keeps up; to others how many they missed, exactly.
//! Holds: the writer never waits, fails or looks at a reader; a reader never hands out a torn record.
//! Costs: per record one store per 4 bytes and three for positions; a reader copies each record once.
//!
//! # How a reader knows
//! The writer first moves *intent* past the record it is about to write, then (release fence) overwrites old bytes. A
//! reader copies a record out, then (acquire fence) loads intent: if it read any overwritten word, the fences make it
//! see an intent more than a capacity beyond its cursor, and it throws the copy away. This is a seqlock with the
//! position as its sequence; all words are atomics, so the race is defined.
//!
//! # How a reader counts
//! Records differ in length, so bytes lost do not tell records lost. The ring is cut in eighths; whenever the writer
//! starts its first record in an eighth it notes (position, number) there: a *checkpoint*. A lapped reader continues at
//! the checkpoint half a ring behind the tail (oldest news are lost, and the writer needs half a ring to lap it again);
//! the difference of numbers is what it missed. The checkpoint is itself validated by intent: its slot is reused only
//! once intent is a whole ring past the start of its eighth. No record is longer than an eighth, so each has a
//! checkpoint.
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use zerocopy::IntoBytes;

use crate::doorbell;
use crate::error::{Corrupt, Refusal, RegionError};
use crate::layout::{self, Kind, RECORD_PADDING, SEGMENTS, Shape, WORD_CHECKPOINTS, WORD_DATA, WORD_INTENT, WORD_TAIL};
use crate::position;
use crate::region::Region;
use crate::words::Words;

/// Eighths of the ring between the tail and the place where a lapped reader continues.
const REJOIN_SEGMENTS: u64 = SEGMENTS as u64 / 2;
/// Tries of one poll to find its place again. Each fails only when the writer wrote half a ring meanwhile.
const REJOIN_ATTEMPTS: usize = 4;

/// The writer of a market ring.
#[derive(Debug)]
pub struct MarketWriter<W: Words = Region> {
    words: W,
    shape: Shape,
    shift: u32,
    /// End of the last staged record; equals the stored intent.
    staged: u64,
    published: u64,
    /// Number of the next record.
    number: u64,
    /// Eighth of the newest checkpoint, counted from position 0.
    segment: u64,
}

impl<W: Words> MarketWriter<W> {
    /// Makes the region an empty market ring. Cold path.
    pub fn create(words: W) -> Result<Self, RegionError> {
        Self::create_at(words, 0)
    }
    /// As `create`, with the first position given: a multiple of the capacity. For tests of wrap-around.
    pub fn create_at(words: W, origin: u64) -> Result<Self, RegionError> {
        let shape = layout::format(&words, Kind::Market, origin)?;
        let shift = shape.segment_shift();
        let segment = origin >> shift;
        let writer = MarketWriter { words, shape, shift, staged: origin, published: origin, number: 0, segment };
        writer.checkpoint();
        Ok(writer)
    }

    /// Writes a record and shows it. Readers that are too slow lose old records; the writer never waits.
    ///
    /// # Errors
    /// `TooLong` and `Header`: the record was not written.
    #[inline]
    pub fn write(&mut self, record: &[u8]) -> Result<(), Refusal> {
        self.stage(record)?;
        self.publish();
        Ok(())
    }
    /// Writes a record that readers see with the next `publish` (or earlier, when an eighth of the ring is staged).
    ///
    /// # Errors
    /// `TooLong` and `Header`: the record was not written.
    #[inline]
    pub fn stage(&mut self, record: &[u8]) -> Result<(), Refusal> {
        let frame = layout::check_record(record, self.shape.record_max)?;
        // Keeps intent less than three eighths ahead of the tail, so that a lapped reader always finds a checkpoint.
        if self.staged.wrapping_sub(self.published) >= 1 << self.shift {
            self.publish();
        }
        let room = self.shape.capacity - self.offset();
        if room < frame {
            let word = self.claim(room);
            layout::write_padding(&self.words, word, room);
        }
        let word = self.claim(frame);
        layout::write_record(&self.words, word, record, frame);
        self.number = self.number.wrapping_add(1);
        Ok(())
    }
    /// Shows all staged records.
    #[inline]
    pub fn publish(&mut self) {
        if self.staged != self.published {
            position::store(&self.words, WORD_TAIL, self.published, self.staged);
            self.published = self.staged;
        }
    }
    /// After `publish`: does a reader sleep and want the doorbell? Clears the wish. Costs a full fence: once per batch.
    #[inline]
    pub fn should_ring(&mut self) -> bool {
        doorbell::should_ring(&self.words)
    }
    /// Records written since creation.
    pub fn records(&self) -> u64 {
        self.number
    }
    /// Largest record in bytes, header included.
    pub fn record_bytes_max(&self) -> usize {
        self.shape.record_max as usize
    }

    #[inline]
    fn offset(&self) -> u32 {
        self.staged as u32 & (self.shape.capacity - 1)
    }
    /// Announces `bytes` from the staged position on and moves past them; the word where they start.
    #[inline]
    fn claim(&mut self, bytes: u32) -> usize {
        let next = self.staged.wrapping_add(u64::from(bytes));
        position::store(&self.words, WORD_INTENT, self.staged, next);
        W::fence(Release); // Readers that see one of the stores below see this intent.
        if self.staged >> self.shift != self.segment {
            self.segment = self.staged >> self.shift;
            self.checkpoint();
        }
        let word = WORD_DATA + (self.offset() / 4) as usize;
        self.staged = next;
        word
    }
    fn checkpoint(&self) {
        let slot = WORD_CHECKPOINTS + 4 * (self.segment as usize & (SEGMENTS as usize - 1));
        for (word, half) in halves(self.staged).into_iter().chain(halves(self.number)).enumerate() {
            self.words.store(slot + word, half, Relaxed);
        }
    }
}

fn halves(value: u64) -> [u32; 2] {
    [value as u32, (value >> 32) as u32]
}

/// A reader of a market ring. Any number may read; the writer does not know them.
#[derive(Debug)]
pub struct MarketReader<W: Words = Region> {
    words: W,
    shape: Shape,
    shift: u32,
    cursor: u64,
    /// Number of the record at the cursor.
    number: u64,
    missed: u64,
    scratch: Box<[u64]>,
}

/// What stands at the cursor.
enum Step {
    Record(u32),
    Padding(u32),
    Lapped,
    /// The writer is moving a position's high half: later.
    Busy,
}

impl<W: Words> MarketReader<W> {
    /// Attaches at the ring's first record: records that are overwritten already count as missed. Allocates its copy
    /// buffer.
    pub fn attach(words: W) -> Result<Self, RegionError> {
        let shape = layout::attach(&words, Kind::Market)?;
        let scratch = vec![0; shape.record_max as usize / 8].into_boxed_slice();
        let shift = shape.segment_shift();
        Ok(MarketReader { words, shape, shift, cursor: shape.origin, number: 0, missed: 0, scratch })
    }
    /// Attaches at the newest checkpoint, an eighth of the ring behind the tail at most; nothing before counts as
    /// missed.
    pub fn attach_newest(words: W) -> Result<Self, RegionError> {
        let mut reader = Self::attach(words)?;
        for _ in 0..REJOIN_ATTEMPTS {
            if let Ok(Some(_)) = reader.rejoin(1) {
                break;
            }
        }
        reader.missed = 0;
        Ok(reader)
    }

    /// Gives up to `max` records published before this call to `f`, header included. The slice starts on a multiple of
    /// 8.
    ///
    /// Returns how many. Misses of this poll are in `missed` before `f` sees the record after them.
    ///
    /// # Errors
    /// `Corrupt` when the memory holds what no writer writes; the reader stays there.
    #[inline]
    pub fn poll(&mut self, max: usize, mut f: impl FnMut(&[u8])) -> Result<usize, Corrupt> {
        let Some(mut tail) = position::load(&self.words, WORD_TAIL) else { return Ok(0) };
        let (mut seen, mut rejoins) = (0, 0);
        // Ends: every step moves the cursor towards a tail loaded before, or is one of a few rejoins.
        while seen < max && self.cursor != tail {
            match self.step(tail) {
                Ok(Step::Record(length)) => {
                    f(self.scratch.as_bytes().get(..length as usize).unwrap_or_default());
                    self.cursor = self.cursor.wrapping_add(u64::from(layout::frame_bytes(length)));
                    self.number = self.number.wrapping_add(1);
                    seen += 1;
                }
                Ok(Step::Padding(bytes)) => self.cursor = self.cursor.wrapping_add(u64::from(bytes)),
                Ok(Step::Lapped) if rejoins < REJOIN_ATTEMPTS => {
                    rejoins += 1;
                    match self.rejoin(REJOIN_SEGMENTS) {
                        Ok(found) => tail = found.unwrap_or(tail),
                        Err(corrupt) => return if seen > 0 { Ok(seen) } else { Err(corrupt) },
                    }
                }
                Ok(Step::Lapped | Step::Busy) => break,
                Err(corrupt) => return if seen > 0 { Ok(seen) } else { Err(corrupt) },
            }
        }
        Ok(seen)
    }
    /// Records this reader has lost since it attached.
    #[inline]
    pub fn missed(&self) -> u64 {
        self.missed
    }
    /// Is there nothing to read now?
    #[inline]
    pub fn is_empty(&self) -> bool {
        position::load(&self.words, WORD_TAIL) == Some(self.cursor)
    }
    /// Says that this reader is about to sleep. `true`: the ring is empty and the next publish rings. `false`: read
    /// first.
    #[inline]
    pub fn may_sleep(&mut self) -> bool {
        doorbell::announce_sleep(&self.words);
        self.is_empty()
    }

    /// Copies the record at the cursor and proves the copy whole.
    #[inline]
    fn step(&mut self, tail: u64) -> Result<Step, Corrupt> {
        let (capacity, mask) = (self.shape.capacity, self.shape.capacity - 1);
        let ahead = tail.wrapping_sub(self.cursor);
        if ahead > u64::from(capacity) {
            return Ok(Step::Lapped);
        }
        let offset = self.cursor as u32 & mask;
        let word = WORD_DATA + (offset / 4) as usize;
        let length = self.words.load(word, Relaxed);
        let kind = self.words.load(word + 1, Relaxed);
        let plausible = layout::plausible(length, self.shape.record_max, (capacity - offset).min(ahead as u32));
        if plausible
            && kind != RECORD_PADDING
            && let Some(body) = self.scratch.get_mut(1..(layout::frame_bytes(length) / 8) as usize)
        {
            self.words.read(word + 2, body);
        }
        W::fence(Acquire); // Pairs with the fence in `claim`: an overwritten word above means a newer intent below.
        let Some(intent) = position::load(&self.words, WORD_INTENT) else { return Ok(Step::Busy) };
        if intent.wrapping_sub(self.cursor) > u64::from(capacity) {
            return Ok(Step::Lapped);
        }
        if !plausible {
            return Err(Corrupt::Length { position: self.cursor as u32, length: length as i32 });
        }
        if kind == RECORD_PADDING {
            return Ok(Step::Padding(layout::frame_bytes(length)));
        }
        if let Some(header) = self.scratch.first_mut() {
            *header = u64::from(kind) << 32 | u64::from(length);
        }
        Ok(Step::Record(length))
    }

    /// Continues at the checkpoint `back` eighths behind the tail and counts what lies between. The tail then, or
    /// `None` when the writer was faster or the ring is still shorter than that.
    #[cold]
    fn rejoin(&mut self, back: u64) -> Result<Option<u64>, Corrupt> {
        let Some(tail) = position::load(&self.words, WORD_TAIL) else { return Ok(None) };
        if tail.wrapping_sub(self.shape.origin) < back << self.shift {
            return Ok(None);
        }
        let segment = (tail >> self.shift).wrapping_sub(back) & (u64::MAX >> self.shift);
        let slot = WORD_CHECKPOINTS + 4 * (segment as usize & (SEGMENTS as usize - 1));
        let mut noted = [0u64; 2];
        self.words.read(slot, &mut noted);
        W::fence(Acquire); // As in `step`: a slot reused meanwhile means a newer intent below.
        let Some(intent) = position::load(&self.words, WORD_INTENT) else { return Ok(None) };
        if intent.wrapping_sub(segment << self.shift) > u64::from(self.shape.capacity) {
            return Ok(None);
        }
        let [at, number] = noted;
        let (forward, missed) = (at.wrapping_sub(self.cursor), number.wrapping_sub(self.number));
        if at >> self.shift != segment || at % 8 != 0 || forward > i64::MAX as u64 || missed > forward / 8 {
            return Err(Corrupt::Checkpoint { position: at as u32 });
        }
        self.missed = self.missed.wrapping_add(missed);
        (self.cursor, self.number) = (at, number);
        Ok(Some(tail))
    }
}
