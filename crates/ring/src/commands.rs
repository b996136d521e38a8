//! # Room card: ring/commands
//! In:    commands of one producer, TypeScript or Rust, in memory it can scribble over.
//! Out:   whole records to the engine, or a typed error.
//! Holds: a full ring refuses; a record is copied out before it is looked at; no bytes in the
//!        region make the reader panic, loop or leave the region.
//! Costs: as `spsc`; an empty poll is one load.
use crate::error::{Corrupt, Refusal, RegionError};
use crate::layout::{self, Kind};
use crate::region::Region;
use crate::spsc::{Consumer, Producer};
use crate::words::Words;

/// The producer of a commands ring.
#[derive(Debug)]
pub struct CommandWriter<W: Words = Region>(Producer<W>);

impl<W: Words> CommandWriter<W> {
    /// Attaches at the ring's tail.
    pub fn attach(words: W) -> Result<Self, RegionError> {
        let shape = layout::attach(&words, Kind::Commands)?;
        Ok(CommandWriter(Producer::new(words, shape)))
    }
    /// Queues a record and shows it.
    ///
    /// # Errors
    /// `Full` (try again after the engine has polled), `TooLong`, `Header`: nothing was queued.
    #[inline]
    pub fn try_write(&mut self, record: &[u8]) -> Result<(), Refusal> {
        self.0.stage(record)?;
        self.0.publish();
        Ok(())
    }
    /// Queues a record made of its type and a payload in two parts (the first a multiple of 4 bytes) and shows it.
    ///
    /// # Errors
    /// As `try_write`; `Header` also when the first part is not a multiple of 4 bytes.
    #[inline]
    pub fn try_write_parts(&mut self, kind: u32, first: &[u8], rest: &[u8]) -> Result<(), Refusal> {
        self.0.stage_parts(kind, first, rest)?;
        self.0.publish();
        Ok(())
    }
    /// Largest record in bytes, header included.
    pub fn record_bytes_max(&self) -> usize {
        self.0.shape.record_max as usize
    }
}

/// The consumer of a commands ring: the engine's thread.
#[derive(Debug)]
pub struct CommandReader<W: Words = Region>(Consumer<W>);

impl<W: Words> CommandReader<W> {
    /// Makes the region an empty commands ring. Allocates its copy buffer. Cold path.
    pub fn create(words: W) -> Result<Self, RegionError> {
        Self::create_at(words, 0)
    }
    /// As `create`, with the first position given: a multiple of 8. For tests of wrap-around.
    pub fn create_at(words: W, origin: u32) -> Result<Self, RegionError> {
        let shape = layout::format(&words, Kind::Commands, u64::from(origin))?;
        Ok(CommandReader(Consumer::new(words, shape)))
    }
    /// Gives up to `max` records to `f`, header included, and returns how many. The slice starts on a multiple of 8.
    ///
    /// # Errors
    /// `Corrupt` when the memory holds what no producer writes. It is reported by a call that delivers nothing, and
    /// again by each call until `discard`: the owner decides what becomes of a producer whose memory cannot be trusted.
    #[inline]
    pub fn poll(&mut self, max: usize, f: impl FnMut(&[u8])) -> Result<usize, Corrupt> {
        self.0.poll(max, f)
    }
    /// Is there nothing to read now?
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// Drops everything queued so far and goes on at the producer's tail.
    pub fn discard(&mut self) {
        self.0.discard();
    }
}
