//! # Room card: wire/fix/cursor
//! In:    tags and values.
//! Out:   their text, one after the other, on a sheet made before.
//! Holds: nothing is written past the sheet; running out of room is remembered. A value never holds a separator, but
//!        for data.
//! Costs: one or two stores of a word for most values. A cursor is moved from call to call and stays in registers:
//!        where the next byte goes would be stored and read back for each value otherwise.
use types::decimal::POW10;
use types::time::{NANOS_PER_SECOND, civil_utc};
use types::{Decimal, UnixNanos};

use super::index::BeginString;
use super::session::Precision;
use crate::text::{Text, eight, three, up_to_eight};

/// Room for begin string and body length before the body.
pub(super) const FRONT: usize = 32;
/// `10=nnn` and its separator.
const TRAILER_BYTES: usize = 7;
/// Bytes that are summed at once.
const SUM_BLOCK: usize = 16;
/// Numbers below this are one word of text.
const WORD_END: u64 = 100_000_000;

/// Room for one message, written again and again.
#[derive(Clone, Debug)]
pub(super) struct Sheet {
    pub(super) bytes: Box<[u8]>,
    pub(super) at: usize,
    /// Something did not fit, or is no value.
    pub(super) fault: bool,
    time: TimeText,
}

/// Where the next byte goes.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a mut [u8],
    at: usize,
    pub(super) fault: bool,
    time: &'a mut TimeText,
}

/// The text of a second, kept: most times written are of the same one.
#[derive(Clone, Debug)]
struct TimeText {
    second: u64,
    text: [u8; 32],
}

impl Sheet {
    pub(super) fn new(bytes: usize) -> Sheet {
        let mut time = TimeText { second: u64::MAX, text: [b'0'; 32] };
        time.set(0);
        Sheet { bytes: vec![0; bytes].into_boxed_slice(), at: 0, fault: false, time }
    }

    /// Begins anew at a place.
    pub(super) fn reset(&mut self, at: usize) {
        (self.at, self.fault) = (at, false);
    }

    /// A cursor from here on. What it writes stands on the sheet; where it got to does not.
    #[inline(always)]
    pub(super) fn cursor(&mut self) -> Cursor<'_> {
        Cursor { bytes: &mut self.bytes, at: self.at, fault: self.fault, time: &mut self.time }
    }

    /// Writes from here on.
    #[inline(always)]
    pub(super) fn write(&mut self, write: impl FnOnce(&mut Cursor<'_>)) {
        let mut cursor = self.cursor();
        write(&mut cursor);
        (self.at, self.fault) = (cursor.at, cursor.fault);
    }

    /// Bytes as they are.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.write(|cursor| cursor.raw(bytes));
    }
}

impl<'a> Cursor<'a> {
    /// The first `length` bytes of a word.
    #[inline(always)]
    fn word(&mut self, word: u64, length: usize) {
        match self.bytes.get_mut(self.at..).and_then(<[u8]>::first_chunk_mut::<8>) {
            Some(slot) => {
                *slot = word.to_le_bytes();
                self.at += length;
            }
            None => self.last(word.to_le_bytes().get(..length).unwrap_or_default()),
        }
    }

    /// The first `length` of 32 bytes.
    #[inline(always)]
    pub(super) fn chunk(&mut self, chunk: &[u8; 32], length: usize) {
        match self.bytes.get_mut(self.at..).and_then(<[u8]>::first_chunk_mut::<32>) {
            Some(slot) => {
                *slot = *chunk;
                self.at += length;
            }
            None => self.last(chunk.get(..length).unwrap_or_default()),
        }
    }

    /// Bytes close to the end of the sheet, which whole words do not fit before.
    #[inline(always)]
    fn last(&mut self, bytes: &[u8]) {
        match put(self.bytes, self.at, bytes) {
            Some(at) => self.at = at,
            None => self.fault = true,
        }
    }

    /// Bytes as they are.
    #[inline(always)]
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        match self.bytes.get_mut(self.at..self.at + bytes.len()) {
            Some(slot) => {
                slot.copy_from_slice(bytes);
                self.at += bytes.len();
            }
            None => self.fault = true,
        }
    }

    /// Text: at least one byte, no separator.
    #[inline(always)]
    pub(super) fn text(&mut self, text: &[u8]) {
        match text.len() {
            // Two words that overlap; neither copies by a call.
            8..=16 if let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) => {
                let (first, last) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
                self.fault |= has_separator(first) | has_separator(last);
                self.word(first, text.len() - 8);
                self.word(last, 8);
            }
            1..=7 => {
                let word = text.iter().rev().fold(0, |word, &byte| word << 8 | byte as u64);
                self.fault |= has_separator(word);
                self.word(word, text.len());
            }
            _ => {
                self.fault |= text.is_empty() || text.contains(&1);
                self.last(text);
            }
        }
    }

    /// An unsigned integer.
    #[inline(always)]
    pub(super) fn unsigned(&mut self, value: u64) {
        if value < WORD_END {
            let (word, length) = up_to_eight(value as u32);
            self.word(word, length);
        } else if value < WORD_END * WORD_END {
            let (word, length) = up_to_eight((value / WORD_END) as u32);
            self.word(word, length);
            self.word(eight((value % WORD_END) as u32), 8);
        } else {
            self.last(Text::integer(value).as_bytes());
        }
    }

    /// An integer.
    #[inline(always)]
    pub(super) fn integer(&mut self, value: i64) {
        if value < 0 {
            self.raw(b"-");
        }
        self.unsigned(value.unsigned_abs());
    }

    /// A decimal with the decimals it has.
    #[inline(always)]
    pub(super) fn decimal(&mut self, value: Decimal) {
        if value.mantissa < 0 {
            self.raw(b"-");
        }
        let (magnitude, scale) = (value.mantissa.unsigned_abs(), value.scale as usize);
        if scale == 0 {
            return self.unsigned(magnitude);
        }
        if magnitude < WORD_END && scale < 8 {
            // At least one digit before the point: zeros in front where there are too few.
            let word = eight(magnitude as u32);
            let zeros = ((word ^ 0x3030_3030_3030_3030).trailing_zeros() as usize / 8).min(7 - scale);
            let whole = 8 - zeros - scale;
            let word = word >> (8 * zeros);
            self.word(word & !(u64::MAX << (8 * whole)) | (b'.' as u64) << (8 * whole), whole);
            self.word((word >> (8 * whole)) << 8 | b'.' as u64, 1 + scale);
            return;
        }
        let Some(&unit) = POW10.get(scale) else {
            self.fault = true;
            return;
        };
        self.unsigned(magnitude / unit);
        self.raw(b".");
        let part = Text::integer(unit + magnitude % unit);
        self.last(part.as_bytes().get(1..).unwrap_or_default());
    }

    /// A moment as UTCTimestamp.
    #[inline(always)]
    pub(super) fn timestamp(&mut self, at: UnixNanos, precision: Precision) {
        let (second, nanos) = (at.0 / NANOS_PER_SECOND, (at.0 % NANOS_PER_SECOND) as u32);
        if second != self.time.second {
            self.time.set(second);
        }
        // Straight to its place: bytes changed in a copy would have to be waited for.
        let text = self.time.text;
        match precision {
            Precision::Seconds => self.chunk(&text, 17),
            Precision::Millis => {
                self.chunk(&text, 18);
                self.word(three(nanos / 1_000_000), 3);
            }
            Precision::Micros => {
                self.chunk(&text, 18);
                self.word(eight(nanos / 1_000) >> 16, 6);
            }
            Precision::Nanos => {
                self.chunk(&text, 18);
                self.word(eight(nanos / 10), 8);
                self.word((b'0' + (nanos % 10) as u8) as u64, 1);
            }
        }
    }

    /// A tag and its `=`.
    #[inline]
    pub(super) fn tag(&mut self, tag: u32) {
        self.fault |= tag == 0;
        self.unsigned(tag as u64);
        self.raw(b"=");
    }

    /// Begin string and body length before the body, which starts at `FRONT`, and the checksum behind it: the message
    /// from its begin string on.
    #[inline(always)]
    pub(super) fn frame(mut self, begin: &Begin) -> Option<&'a [u8]> {
        let (end, body) = (self.at, self.at.checked_sub(FRONT)?);
        let body = u32::try_from(body).ok().filter(|&body| (body as u64) < WORD_END)?;
        let before = self.bytes.first_chunk_mut::<FRONT>()?;
        let digits = if (100..1_000).contains(&body) {
            // As nearly every body has.
            *before.last_chunk_mut()? = (three(body) as u32 | 1 << 24).to_le_bytes();
            3
        } else {
            // Eight digits and the separator; then the begin string over the zeros in front.
            *before[FRONT - 9..].first_chunk_mut()? = eight(body).to_le_bytes();
            before[FRONT - 1] = 1;
            up_to_eight(body).1
        };
        let first = FRONT - 1 - digits;
        *before[..first].last_chunk_mut()? = begin.text;
        let front = first - begin.length;
        // Zeros behind the end add nothing: whole blocks are summed without what is left over.
        let summed = match self.bytes.get_mut(end..).and_then(<[u8]>::first_chunk_mut::<SUM_BLOCK>) {
            Some(behind) => {
                *behind = [0; SUM_BLOCK];
                front + (end - front).next_multiple_of(SUM_BLOCK)
            }
            None => end,
        };
        let sum = crate::simd::sum(self.bytes.get(front..summed)?) as u32;
        // `10=`, three digits, a separator.
        self.word(0x3d_3031 | three(sum) << 24 | 1 << 48, TRAILER_BYTES);
        let message = front..self.at;
        if self.fault { None } else { self.bytes.get(message) }
    }
}

/// Copies bytes to a place; the place behind them. Not a method: a cursor whose address is taken leaves its registers.
#[inline(never)]
fn put(sheet: &mut [u8], at: usize, bytes: &[u8]) -> Option<usize> {
    sheet.get_mut(at..at + bytes.len())?.copy_from_slice(bytes);
    Some(at + bytes.len())
}

/// `8=FIX.x.y`, a separator and `9=`, at the end of a chunk.
#[derive(Clone, Debug)]
pub(super) struct Begin {
    text: [u8; 16],
    length: usize,
}

impl Begin {
    pub(super) fn of(begin: BeginString) -> Begin {
        let whole = [b"8=", begin.as_str().as_bytes(), b"\x019="].concat();
        let mut text = [0; 16];
        let place = text.len() - whole.len();
        text[place..].copy_from_slice(&whole);
        Begin { text, length: whole.len() }
    }
}

impl TimeText {
    #[cold]
    fn set(&mut self, second: u64) {
        self.second = second;
        let at = UnixNanos(second.saturating_mul(NANOS_PER_SECOND));
        let (year, month, day, hour, minute, second, _) = civil_utc(at);
        self.text[..8].copy_from_slice(&eight(10_000 * year + 100 * month + day).to_le_bytes());
        let [_, _, a, b, c, d, e, f] = eight(10_000 * hour + 100 * minute + second).to_le_bytes();
        self.text[8..18].copy_from_slice(&[b'-', a, b, b':', c, d, b':', e, f, b'.']);
    }
}

/// Does a word hold a byte 1?
#[inline(always)]
const fn has_separator(word: u64) -> bool {
    let zeros = word ^ 0x0101_0101_0101_0101;
    zeros.wrapping_sub(0x0101_0101_0101_0101) & !zeros & 0x8080_8080_8080_8080 != 0
}
