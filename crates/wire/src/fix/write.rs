//! # Room card: wire/fix/write
//! In:    fields in their order.
//! Out:   the framed message: begin string, body length, body, checksum.
//! Holds: nothing is written past the output; running out of room is remembered and refused at the end.
//! Costs: one copy a field and one addition a byte.
use types::decimal::POW10;
use types::time::{NANOS_PER_MILLI, civil_utc};
use types::{Code, Grid, OrderId, UnixNanos};

use super::{COMP_ID_BYTES_MAX, FIX_OUT_BYTES_MAX, Header};
use crate::text::{Text, eight, pair, up_to_eight};

pub(super) const STAMP_BYTES: usize = 22;
/// Begin string and a body length of three digits, as every body but the shortest has.
const PREFIX: &[u8; 16] = b"8=FIX.4.4\x019=000\x01";

/// Writes one message.
pub(super) struct Writer<'a> {
    out: &'a mut [u8],
    at: usize,
    /// Something did not fit.
    short: bool,
    /// The time's text with its separator.
    stamp: Stamp,
}

/// `YYYYMMDD`, `-HH:MM:S` and `S.sss` with a separator, as little-endian words.
type Stamp = [u64; 3];

impl<'a> Writer<'a> {
    /// The header, up to and with SendingTime.
    pub(super) fn open(out: &'a mut [u8], kind: u8, header: &Header<'_>) -> Result<Writer<'a>, Code> {
        let mut writer = Writer::bare(out, header);
        if header.sequence == 0 {
            return Err(Code::FixFieldInvalid);
        }
        writer.put(PREFIX);
        writer.put(&[b'3', b'5', b'=', kind, 1, b'4', b'9', b'=']);
        writer.printable(header.sender)?;
        writer.put(b"\x0156=");
        writer.printable(header.target)?;
        writer.put(b"\x0134=");
        writer.digits(header.sequence);
        writer.put(b"\x0152=");
        writer.time();
        Ok(writer)
    }

    /// The header with a type of one or two letters; `original` is the SendingTime of a message sent before, which
    /// makes this a possible duplicate (43=Y, 122).
    pub(super) fn open_as(
        out: &'a mut [u8],
        kind: &[u8],
        header: &Header<'_>,
        original: Option<&[u8]>,
    ) -> Result<Writer<'a>, Code> {
        let mut writer = Writer::bare(out, header);
        if header.sequence == 0 {
            return Err(Code::FixFieldInvalid);
        }
        writer.put(PREFIX);
        writer.text_field(b"35=", kind)?;
        writer.text_field(b"49=", header.sender)?;
        writer.text_field(b"56=", header.target)?;
        writer.integer(b"34=", header.sequence);
        if original.is_some() {
            writer.put(b"43=Y\x01");
        }
        writer.put(b"52=");
        writer.time();
        if let Some(original) = original {
            writer.text_field(b"122=", original)?;
        }
        Ok(writer)
    }

    fn bare(out: &'a mut [u8], header: &Header<'_>) -> Writer<'a> {
        // A body has at most three digits of length.
        let room = out.len().min(FIX_OUT_BYTES_MAX);
        Writer { out: &mut out[..room], at: 0, short: false, stamp: stamp_words(header.time) }
    }

    #[inline(always)]
    pub(super) fn put<const N: usize>(&mut self, bytes: &[u8; N]) {
        match self.out.get_mut(self.at..).and_then(<[u8]>::first_chunk_mut::<N>) {
            Some(slot) => {
                *slot = *bytes;
                self.at += N;
            }
            None => self.short = true,
        }
    }

    /// The first `length` bytes of a word.
    #[inline(always)]
    fn word(&mut self, (word, length): (u64, usize)) {
        match self.out.get_mut(self.at..).and_then(<[u8]>::first_chunk_mut::<8>) {
            Some(slot) => {
                *slot = word.to_le_bytes();
                self.at += length;
            }
            None => self.bytes(word.to_le_bytes().get(..length).unwrap_or(&[])),
        }
    }

    /// An unsigned integer.
    #[inline(always)]
    fn digits(&mut self, value: u64) {
        const UNIT: u64 = 100_000_000;
        if value < UNIT {
            self.word(up_to_eight(value as u32));
        } else if value < UNIT * UNIT {
            self.word(up_to_eight((value / UNIT) as u32));
            self.word((eight((value % UNIT) as u32), 8));
        } else {
            self.bytes(Text::integer(value).as_bytes());
        }
    }

    #[inline(always)]
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        match self.out.get_mut(self.at..self.at + bytes.len()) {
            Some(slot) => {
                slot.copy_from_slice(bytes);
                self.at += bytes.len();
            }
            None => self.short = true,
        }
    }

    /// Text that must be one to `COMP_ID_BYTES_MAX` printable ASCII characters.
    #[inline]
    pub(super) fn printable(&mut self, text: &[u8]) -> Result<(), Code> {
        let fits = !text.is_empty() && text.len() <= COMP_ID_BYTES_MAX;
        if !fits || !text.iter().all(|byte| (0x20..0x7f).contains(byte)) {
            return Err(Code::FixFieldInvalid);
        }
        self.bytes(text);
        Ok(())
    }

    /// A tag with its sign, printable text, a separator.
    pub(super) fn text_field<const N: usize>(&mut self, tag: &[u8; N], value: &[u8]) -> Result<(), Code> {
        self.put(tag);
        self.printable(value)?;
        self.put(b"\x01");
        Ok(())
    }

    /// A tag with its sign, an integer, a separator.
    #[inline]
    pub(super) fn integer<const N: usize>(&mut self, tag: &[u8; N], value: u64) {
        self.put(tag);
        self.digits(value);
        self.put(b"\x01");
    }

    /// A tag with its sign, one character, a separator.
    #[inline]
    pub(super) fn letter<const N: usize>(&mut self, tag: &[u8; N], value: u8) {
        self.put(tag);
        self.put(&[value, 1]);
    }

    /// A tag with its sign, steps of a grid with the decimals asked for, a separator.
    #[inline]
    pub(super) fn steps<const N: usize>(&mut self, tag: &[u8; N], steps: i64, grid: &Grid, decimals: u8) {
        self.put(tag);
        self.decimal(steps, grid, decimals);
        self.put(b"\x01");
    }

    /// A tag with its sign, a moment in milliseconds, a separator.
    pub(super) fn moment<const N: usize>(&mut self, tag: &[u8; N], at: UnixNanos) {
        self.put(tag);
        self.stamp(stamp_words(at));
    }

    /// A tag with its sign, the header's day as `YYYYMMDD`, a separator.
    pub(super) fn day<const N: usize>(&mut self, tag: &[u8; N]) {
        let [day, ..] = self.stamp;
        self.put(tag);
        self.word((day, 8));
        self.put(b"\x01");
    }

    /// A tag with its sign, an order id as `session-counter`, a separator.
    #[inline]
    pub(super) fn order_id<const N: usize>(&mut self, tag: &[u8; N], id: OrderId) -> Result<(), Code> {
        if id == OrderId::NONE {
            return Err(Code::FixFieldInvalid);
        }
        self.put(tag);
        self.digits(id.session() as u64);
        self.put(b"-");
        self.digits(id.counter() as u64);
        self.put(b"\x01");
        Ok(())
    }

    /// The header's time and a separator.
    #[inline(always)]
    pub(super) fn time(&mut self) {
        self.stamp(self.stamp);
    }

    #[inline(always)]
    fn stamp(&mut self, [day, time, rest]: Stamp) {
        self.word((day, 8));
        self.word((time, 8));
        self.word((rest, STAMP_BYTES - 16));
    }

    /// Steps of a grid with the decimals asked for, or those of the grid where that is more.
    #[inline]
    pub(super) fn decimal(&mut self, steps: i64, grid: &Grid, decimals: u8) {
        let (scale, decimals) = (grid.scale as usize, decimals.max(grid.scale) as usize);
        match (u64::try_from(steps).ok().and_then(|steps| steps.checked_mul(grid.increment)), scale) {
            // What venues print: no sign, at most eight decimals.
            (Some(magnitude), 0..=8) if decimals <= 8 => {
                let (whole, part) = (magnitude / POW10[scale], magnitude % POW10[scale]);
                self.digits(whole);
                if decimals > 0 {
                    self.put(b".");
                    let part = part * POW10[decimals - scale];
                    self.word((eight(part as u32) >> (8 * (8 - decimals)), decimals));
                }
            }
            _ => self.bytes(Text::decimal(steps, grid, decimals as u8).as_bytes()),
        }
    }

    /// Body length and checksum; the length of the message.
    pub(super) fn close(mut self) -> Result<usize, Code> {
        if self.short {
            return Err(Code::FixFieldInvalid);
        }
        let body = self.at - PREFIX.len();
        let [_, hundreds] = pair((body / 100) as u32);
        let [tens, ones] = pair((body % 100) as u32);
        if body >= 100 {
            self.out[12..15].copy_from_slice(&[hundreds, tens, ones]);
        } else {
            // Two digits: the body moves up by one byte. Only one-letter names and a one-digit sequence make it so
            // short.
            self.out.copy_within(15..self.at, 14);
            self.out[12..14].copy_from_slice(&[tens, ones]);
            self.at -= 1;
        }
        let sum = crate::simd::sum(&self.out[..self.at]) as u32;
        let [_, hundreds] = pair(sum / 100);
        let [tens, ones] = pair(sum % 100);
        self.put(&[b'1', b'0', b'=', hundreds, tens, ones, 1]);
        if self.short { Err(Code::FixFieldInvalid) } else { Ok(self.at) }
    }
}

/// `YYYYMMDD-HH:MM:SS.sss` and a separator. Every `UnixNanos` lies before the year 2555.
#[inline]
fn stamp_words(at: UnixNanos) -> Stamp {
    let (year, month, day, hour, minute, second, nanos) = civil_utc(at);
    let millis = nanos / NANOS_PER_MILLI as u32;
    // HHMMSSmm; the last digit of the milliseconds stands alone.
    let time = eight(1_000_000 * hour + 10_000 * minute + 100 * second + millis / 10);
    let byte = |byte: u8, place: u32| (byte as u64) << (8 * place);
    let two = |from: u32, place: u32| (time >> (8 * from) & 0xffff) << (8 * place);
    let one = |from: u32, place: u32| (time >> (8 * from) & 0xff) << (8 * place);
    [
        eight(10_000 * year + 100 * month + day),
        byte(b'-', 0) | two(0, 1) | byte(b':', 3) | two(2, 4) | byte(b':', 6) | one(4, 7),
        one(5, 0) | byte(b'.', 1) | two(6, 2) | byte(b'0' + (millis % 10) as u8, 4) | byte(1, 5),
    ]
}

/// The same as bytes.
#[cfg(test)]
pub(super) fn stamp(at: UnixNanos) -> [u8; STAMP_BYTES] {
    let mut bytes = [0; STAMP_BYTES];
    let words = stamp_words(at).map(u64::to_le_bytes);
    bytes.iter_mut().zip(words.as_flattened()).for_each(|(byte, from)| *byte = *from);
    bytes
}
