//! # Room card: ring/orders
//! In:    own acknowledgements, fills, rejects: records nobody wants to lose.
//! Out:   all of them while they fit; else how many were lost, where they are missing, and a request for an image.
//! Holds: the writer never waits; a reader sees every record, or a gap record with the exact count before the next one.
//! Costs: as `spsc`.
//!
//! When a record does not fit, it and all after it are dropped and counted until half of the ring is free again
//! (resuming at the first free byte would lose the image that must follow). Then the writer puts a gap record (type 7,
//! u64 count) before anything else and asks its owner for a full image with `image_due`. An image must fit half a ring,
//! or recovery starts again.
use crate::doorbell;
use crate::error::{Corrupt, Refusal, RegionError};
use crate::layout::{self, Kind, RECORD_GAP};
use crate::region::Region;
use crate::spsc::{Consumer, Producer};
use crate::words::Words;

/// What became of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Written {
    /// It is in the ring.
    Written,
    /// The reader is behind: it was dropped and counted; a gap record will say so.
    Dropped,
}

/// The writer of an orders ring.
#[derive(Debug)]
pub struct OrdersWriter<W: Words = Region> {
    producer: Producer<W>,
    /// Dropped since the last gap record; zero while records flow.
    gap: u64,
    dropped: u64,
    image_due: bool,
}

impl<W: Words> OrdersWriter<W> {
    /// Makes the region an empty orders ring. Cold path.
    pub fn create(words: W) -> Result<Self, RegionError> {
        Self::create_at(words, 0)
    }
    /// As `create`, with the first position given: a multiple of 8. For tests of wrap-around.
    pub fn create_at(words: W, origin: u32) -> Result<Self, RegionError> {
        let shape = layout::format(&words, Kind::Orders, u64::from(origin))?;
        Ok(OrdersWriter { producer: Producer::new(words, shape), gap: 0, dropped: 0, image_due: false })
    }

    /// Writes a record and shows it, or drops and counts it. Never waits.
    ///
    /// # Errors
    /// `TooLong` and `Header`: the record is none, was not written and is not counted.
    #[inline]
    pub fn write(&mut self, record: &[u8]) -> Result<Written, Refusal> {
        let written = self.stage(record)?;
        self.publish();
        Ok(written)
    }
    /// As `write`; the reader sees it with the next `publish`.
    ///
    /// # Errors
    /// As `write`.
    #[inline]
    pub fn stage(&mut self, record: &[u8]) -> Result<Written, Refusal> {
        layout::check_record(record, self.producer.shape.record_max)?;
        if self.gap > 0 && !self.resume() || self.producer.stage(record).is_err() {
            self.gap = self.gap.saturating_add(1);
            self.dropped = self.dropped.saturating_add(1);
            self.image_due = false; // Due again after the next gap record.
            return Ok(Written::Dropped);
        }
        Ok(Written::Written)
    }
    /// As `stage`, but a record that does not fit is not dropped: false, nothing is counted, and its owner keeps it.
    ///
    /// # Errors
    /// As `write`.
    #[inline]
    pub fn try_stage(&mut self, record: &[u8]) -> Result<bool, Refusal> {
        if self.gap > 0 && !self.resume() {
            return Ok(false);
        }
        match self.producer.stage(record) {
            Ok(()) => Ok(true),
            Err(Refusal::Full { .. }) => Ok(false),
            Err(refusal) => Err(refusal),
        }
    }
    /// Shows all staged records.
    #[inline]
    pub fn publish(&mut self) {
        self.producer.publish();
    }
    /// Must the owner write a full image now? Ask once per turn: this also writes the gap record as soon as room
    /// returns. Stays true until `image_written`, and turns false when the image itself was dropped.
    #[inline]
    pub fn image_due(&mut self) -> bool {
        if self.gap > 0 && self.resume() {
            self.publish();
        }
        self.image_due
    }
    /// The owner has written the image. No effect when a record of it was dropped: the image stays owed.
    #[inline]
    pub fn image_written(&mut self) {
        self.image_due = false;
    }
    /// After `publish`: does the reader sleep and want the doorbell? Clears the wish. Costs a full fence: once per
    /// batch.
    #[inline]
    pub fn should_ring(&mut self) -> bool {
        doorbell::should_ring(&self.producer.words)
    }
    /// Records dropped since creation.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
    /// Largest record in bytes, header included.
    pub fn record_bytes_max(&self) -> usize {
        self.producer.shape.record_max as usize
    }

    #[cold]
    fn resume(&mut self) -> bool {
        let half = self.producer.shape.capacity / 2;
        if self.producer.free() < half || self.producer.stage_parts(RECORD_GAP, &self.gap.to_le_bytes(), &[]).is_err() {
            return false;
        }
        self.gap = 0;
        self.image_due = true;
        true
    }
}

/// The reader of an orders ring.
#[derive(Debug)]
pub struct OrdersReader<W: Words = Region>(Consumer<W>);

impl<W: Words> OrdersReader<W> {
    /// Attaches after the last record a reader took. Allocates its copy buffer.
    pub fn attach(words: W) -> Result<Self, RegionError> {
        let shape = layout::attach(&words, Kind::Orders)?;
        Ok(OrdersReader(Consumer::new(words, shape)))
    }
    /// Gives up to `max` records to `f`, header included, gap records too; returns how many. The slice starts on a
    /// multiple of 8.
    ///
    /// # Errors
    /// `Corrupt` when the memory holds what no writer writes; the reader stays there.
    #[inline]
    pub fn poll(&mut self, max: usize, f: impl FnMut(&[u8])) -> Result<usize, Corrupt> {
        self.0.poll(max, f)
    }
    /// Is there nothing to read now?
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// Says that this reader is about to sleep. `true`: the ring is empty and the next publish rings. `false`: read
    /// first.
    #[inline]
    pub fn may_sleep(&mut self) -> bool {
        doorbell::announce_sleep(&self.0.words);
        self.is_empty()
    }
}
