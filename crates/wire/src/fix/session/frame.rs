//! # Room card: wire/fix/session/frame
//! In:    fields of one message, in their order.
//! Out:   the message: begin string, body length, fields, checksum.
//! Holds: the bytes are reused from message to message; a message is at most `SESSION_OUT_BYTES_MAX` long.
//! Costs: one copy a field, one addition a byte; no allocation once the longest message has been written.
use types::decimal::POW10;
use types::time::civil_utc;
use types::{Code, UnixNanos};

use super::super::index::BeginString;
use super::Precision;
use crate::text::Text;

/// Bytes of the longest message a session writes.
pub const SESSION_OUT_BYTES_MAX: usize = 1 << 20;
/// Begin string and body length are written last, so that they end here: `8=FIXT.1.1` and `9=` with seven digits fit.
const FRONT: usize = 24;
/// Bytes reserved at first.
const RESERVED: usize = 2_048;
/// Bytes of the longest time.
const TIME_BYTES_MAX: usize = 27;

/// Writes one message after the other.
#[derive(Debug)]
pub(super) struct Frame {
    bytes: Vec<u8>,
    start: usize,
}

impl Default for Frame {
    /// Nothing reserved: what is left behind while the frame is written.
    fn default() -> Frame {
        Frame { bytes: Vec::new(), start: 0 }
    }
}

impl Frame {
    pub(super) fn new() -> Frame {
        Frame { bytes: Vec::with_capacity(RESERVED), start: 0 }
    }

    /// A new message begins.
    pub(super) fn open(&mut self) {
        self.bytes.clear();
        self.bytes.resize(FRONT, 0);
    }

    /// Bytes as they are.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn tag(&mut self, tag: u32) {
        self.raw(Text::integer(tag as u64).as_bytes());
        self.bytes.push(b'=');
    }

    /// A field of text.
    pub(super) fn text(&mut self, tag: u32, value: &[u8]) {
        self.tag(tag);
        self.raw(value);
        self.bytes.push(1);
    }

    /// A field with an integer.
    pub(super) fn integer(&mut self, tag: u32, value: u64) {
        self.tag(tag);
        self.raw(Text::integer(value).as_bytes());
        self.bytes.push(1);
    }

    /// A field with a moment.
    pub(super) fn time(&mut self, tag: u32, at: UnixNanos, precision: Precision) {
        self.tag(tag);
        let (text, length) = time_text(at, precision);
        self.raw(&text[..length]);
        self.bytes.push(1);
    }

    /// The message whole. `FixTooLarge` when it is longer than the bound.
    pub(super) fn close(&mut self, begin: BeginString) -> Result<&[u8], Code> {
        let body = Text::integer((self.bytes.len() - FRONT) as u64);
        if self.bytes.len() + 7 > SESSION_OUT_BYTES_MAX {
            return Err(Code::FixTooLarge);
        }
        let parts = [b"8=", begin.as_str().as_bytes(), b"\x019=", body.as_bytes(), b"\x01"];
        self.start = FRONT - parts.iter().map(|part| part.len()).sum::<usize>();
        let mut at = self.start;
        for part in parts {
            self.bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        let sum = self.bytes[self.start..].iter().fold(0u8, |sum, &byte| sum.wrapping_add(byte));
        let digit = |value: u8| b'0' + value % 10;
        self.raw(&[b'1', b'0', b'=', digit(sum / 100), digit(sum / 10), digit(sum), 1]);
        Ok(&self.bytes[self.start..])
    }

    /// The message `close` made.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or(&[])
    }
}

// The longest front: `8=FIXT.1.1`, `9=` with the digits of the bound, two separators.
const _: () = assert!(10 + 1 + 2 + 7 < FRONT && SESSION_OUT_BYTES_MAX < 10_000_000);

/// `YYYYMMDD-HH:MM:SS` and the decimals asked for.
pub(super) fn time_text(at: UnixNanos, precision: Precision) -> ([u8; TIME_BYTES_MAX], usize) {
    let (year, month, day, hour, minute, second, nanos) = civil_utc(at);
    let mut text = *b"00000000-00:00:00.000000000";
    let mut put = |place: usize, digits: usize, mut value: u32| {
        for at in (place..place + digits).rev() {
            text[at] = b'0' + (value % 10) as u8;
            value /= 10;
        }
    };
    put(0, 4, year);
    put(4, 2, month);
    put(6, 2, day);
    put(9, 2, hour);
    put(12, 2, minute);
    put(15, 2, second);
    let digits = match precision {
        Precision::Seconds => return (text, 17),
        Precision::Millis => 3,
        Precision::Micros => 6,
        Precision::Nanos => 9,
    };
    put(18, digits, nanos / POW10[9 - digits] as u32);
    (text, 18 + digits)
}
