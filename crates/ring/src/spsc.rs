//! # Room card: ring/spsc
//! In:    records of one producer.
//! Out:   the same records to one consumer, in order, each once.
//! Holds: nothing is overwritten before it is taken; lengths and positions from memory are checked before use.
//! Costs: the other side's position is loaded only when the known one does not suffice; one release store per batch.
//!
//! The producer owns *tail*, the consumer *head*; each keeps its own in private memory and only ever stores it, so that
//! a partner who scribbles over the control block can make a ring look full or corrupt, but never move the other side.
//! Both are wrapping 32-bit positions: they differ by a capacity (2^30) at most, so the difference is never ambiguous.
//! Records are published by the release store of tail and returned by the release store of head.
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use zerocopy::IntoBytes;

use crate::error::{Corrupt, Refusal};
use crate::layout::{self, RECORD_PADDING, Shape, WORD_DATA, WORD_HEAD, WORD_TAIL};
use crate::words::Words;

/// The writing side.
#[derive(Debug)]
pub(crate) struct Producer<W: Words> {
    pub words: W,
    pub shape: Shape,
    /// End of the last staged record.
    staged: u32,
    published: u32,
    /// Head as last loaded and found sound.
    head: u32,
}

impl<W: Words> Producer<W> {
    /// At the tail found in memory. An unsound head there makes the ring look full, not more.
    pub(crate) fn new(words: W, shape: Shape) -> Self {
        let tail = words.load(WORD_TAIL, Relaxed) & !7;
        Producer { words, shape, staged: tail, published: tail, head: tail.wrapping_sub(shape.capacity) }
    }
    /// Bytes free as far as known.
    #[inline]
    fn known_free(&self) -> u32 {
        self.shape.capacity.wrapping_sub(self.staged.wrapping_sub(self.head))
    }
    /// Bytes free now. A head that cannot be (beyond the tail, or more than a capacity behind) leaves the known one.
    #[inline]
    pub(crate) fn free(&mut self) -> u32 {
        let head = self.words.load(WORD_HEAD, Acquire);
        let used = self.staged.wrapping_sub(head);
        if used <= self.shape.capacity && used.is_multiple_of(8) {
            self.head = head;
        }
        self.known_free()
    }
    /// Room for a record of `frame` bytes: the word where it starts, padding written before it.
    #[inline]
    fn claim(&mut self, frame: u32) -> Result<usize, Refusal> {
        let offset = self.staged & (self.shape.capacity - 1);
        let room = self.shape.capacity - offset;
        let needed_bytes = if room < frame { room + frame } else { frame };
        if self.known_free() < needed_bytes {
            let free_bytes = self.free();
            if free_bytes < needed_bytes {
                return Err(Refusal::Full { needed_bytes, free_bytes });
            }
        }
        let mut word = WORD_DATA + (offset / 4) as usize;
        if room < frame {
            layout::write_padding(&self.words, word, room);
            word = WORD_DATA;
        }
        self.staged = self.staged.wrapping_add(needed_bytes);
        Ok(word)
    }
    /// Writes a record that is shown with the next `publish`, or refuses it and changes nothing.
    #[inline]
    pub(crate) fn stage(&mut self, record: &[u8]) -> Result<(), Refusal> {
        let frame = layout::check_record(record, self.shape.record_max)?;
        let word = self.claim(frame)?;
        layout::write_record(&self.words, word, record, frame);
        Ok(())
    }
    /// As `stage`, from a type and a payload in two parts, the first of them a multiple of 4 bytes.
    #[inline]
    pub(crate) fn stage_parts(&mut self, kind: u32, first: &[u8], rest: &[u8]) -> Result<(), Refusal> {
        let bytes = layout::HEADER_BYTES.saturating_add(first.len()).saturating_add(rest.len());
        if bytes > self.shape.record_max as usize {
            return Err(Refusal::TooLong { bytes, max_bytes: self.shape.record_max as usize });
        }
        let length = bytes as u32;
        if kind == RECORD_PADDING || !first.len().is_multiple_of(4) {
            return Err(Refusal::Header { length, bytes });
        }
        let frame = layout::frame_bytes(length);
        let word = self.claim(frame)?;
        self.words.store(word, length.wrapping_neg(), Relaxed);
        self.words.store(word + 1, kind, Relaxed);
        self.words.write(word + 2, first);
        self.words.write(word + 2 + first.len() / 4, rest);
        if frame - length >= 4 {
            self.words.store(word + (frame / 4) as usize - 1, 0, Relaxed);
        }
        self.words.store(word, length, Relaxed);
        Ok(())
    }
    /// Shows all staged records.
    #[inline]
    pub(crate) fn publish(&mut self) {
        if self.staged != self.published {
            self.words.store(WORD_TAIL, self.staged, Release);
            self.published = self.staged;
        }
    }
}

/// The reading side.
#[derive(Debug)]
pub(crate) struct Consumer<W: Words> {
    pub words: W,
    shape: Shape,
    head: u32,
    scratch: Box<[u64]>,
}

impl<W: Words> Consumer<W> {
    /// At the head found in memory. Allocates its copy buffer.
    pub(crate) fn new(words: W, shape: Shape) -> Self {
        let head = words.load(WORD_HEAD, Relaxed) & !7;
        let scratch = vec![0; shape.record_max as usize / 8].into_boxed_slice();
        Consumer { words, shape, head, scratch }
    }
    /// Bytes published and not taken.
    #[inline]
    fn used(&self) -> Result<u32, Corrupt> {
        let tail = self.words.load(WORD_TAIL, Acquire);
        let used = tail.wrapping_sub(self.head);
        if used > self.shape.capacity || !used.is_multiple_of(8) {
            return Err(Corrupt::Tail { tail, head: self.head });
        }
        Ok(used)
    }
    /// Is there nothing to read now? An unsound tail is something to read: `poll` says what.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.words.load(WORD_TAIL, Acquire) == self.head
    }
    /// Gives up to `max` records published before this call to `f`, copied out and then checked no more, so that a
    /// partner who changes them meanwhile changes nothing. What is wrong is reported by itself, in a call that delivers
    /// nothing.
    #[inline]
    pub(crate) fn poll(&mut self, max: usize, mut f: impl FnMut(&[u8])) -> Result<usize, Corrupt> {
        let mut used = self.used()?;
        let start = self.head;
        let mut seen = 0;
        let mut corrupt = None;
        while seen < max && used > 0 {
            let offset = self.head & (self.shape.capacity - 1);
            let word = WORD_DATA + (offset / 4) as usize;
            let length = self.words.load(word, Relaxed);
            if !layout::plausible(length, self.shape.record_max, (self.shape.capacity - offset).min(used)) {
                corrupt = Some(Corrupt::Length { position: self.head, length: length as i32 });
                break;
            }
            let frame = layout::frame_bytes(length);
            let kind = self.words.load(word + 1, Relaxed);
            if kind != RECORD_PADDING {
                let Some([header, body @ ..]) = self.scratch.get_mut(..(frame / 8) as usize) else { break };
                *header = u64::from(kind) << 32 | u64::from(length);
                self.words.read(word + 2, body);
                f(self.scratch.as_bytes().get(..length as usize).unwrap_or_default());
                seen += 1;
            }
            self.head = self.head.wrapping_add(frame);
            used -= frame;
        }
        if self.head != start {
            self.words.store(WORD_HEAD, self.head, Release);
        }
        match corrupt {
            Some(corrupt) if seen == 0 => Err(corrupt),
            _ => Ok(seen),
        }
    }
    /// Drops everything published so far and goes on at the tail, whatever it is.
    pub(crate) fn discard(&mut self) {
        self.head = self.words.load(WORD_TAIL, Acquire) & !7;
        self.words.store(WORD_HEAD, self.head, Release);
    }
}
