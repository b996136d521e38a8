//! # Room card: wire/fix/index
//! In:    one whole message of any FIX version, as `Inbox` gives it or as it was read from a log.
//! Out:   tag, start and end of every field, in a buffer made once; nothing is copied and no value is decoded.
//! Holds: begin string, body length, message type and checksum are right, or the message is `Garbled`; each span lies
//!        within the message; at most the bound's fields.
//! Costs: one pass over the bytes, by `simd` where the machine has it (rows `fix/index-*` of `npm run bench -- fix`).
use super::data_fields::counted_by;
use super::value;
use crate::simd::{LANES, Scanner, equals};

/// Fields of one message that an index holds if nothing else is asked for. A message of `FIX_IN_BYTES_MAX` bytes with
/// more of them is refused, not cut.
pub const FIELDS_MAX: usize = 4_096;
/// `10=nnn` and its separator.
const TRAILER_BYTES: usize = 7;
/// Digits of the largest tag.
const TAG_DIGITS_MAX: usize = 9;
/// The separator of fields (SOH).
const SEPARATOR: u8 = 1;

/// One field: its tag and where its value lies in the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct FieldSpan {
    /// The tag, 1 to 999,999,999. 0 when it is an integer that no tag can be (`0`, `-1`, `08`, more than nine digits):
    /// to be rejected as an invalid tag number; `FieldIndex::tag_text` gives it as it stands.
    pub tag: u32,
    /// First byte of the value.
    pub start: u32,
    /// The separator behind it; equal to `start` when the field has no value.
    pub end: u32,
}

impl FieldSpan {
    /// The value: of the message that was indexed. Empty when `bytes` are shorter than that message.
    #[inline(always)]
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// Why bytes are no message. FIX ignores garbled messages: they take no sequence number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Garbled {
    /// The first three fields are not BeginString (8), BodyLength (9) and MsgType (35), or one of them has no value.
    FirstThree,
    /// BodyLength (9) is no number, or not that of the message.
    BodyLength,
    /// CheckSum (10) is not the last field, has not three digits, or is wrong.
    CheckSum,
    /// At this byte there should be a field: no tag, or no `=` behind it.
    Field {
        /// The first byte of what is no field.
        at: u32,
    },
    /// More fields than the index has room for, or 4 GiB of them. Asking for it again would not help.
    TooManyFields,
}

/// The protocol of a session: BeginString (8).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum BeginString {
    /// FIX.4.0
    Fix40,
    /// FIX.4.1
    Fix41,
    /// FIX.4.2
    Fix42,
    /// FIX.4.3
    Fix43,
    /// FIX.4.4
    Fix44,
    /// FIXT.1.1, the transport of FIX 5.0 and later
    Fixt11,
}

impl BeginString {
    /// All of them, in the order of their years.
    pub const ALL: [BeginString; 6] = [
        BeginString::Fix40,
        BeginString::Fix41,
        BeginString::Fix42,
        BeginString::Fix43,
        BeginString::Fix44,
        BeginString::Fixt11,
    ];

    /// As it stands in the message.
    pub const fn as_str(self) -> &'static str {
        match self {
            BeginString::Fix40 => "FIX.4.0",
            BeginString::Fix41 => "FIX.4.1",
            BeginString::Fix42 => "FIX.4.2",
            BeginString::Fix43 => "FIX.4.3",
            BeginString::Fix44 => "FIX.4.4",
            BeginString::Fixt11 => "FIXT.1.1",
        }
    }

    /// The protocol of this name; `None` for one that is not known here.
    pub fn of(text: &[u8]) -> Option<BeginString> {
        BeginString::ALL.into_iter().find(|version| version.as_str().as_bytes() == text)
    }
}

/// Fields of the standard header, of any version from FIX 4.0 to FIXT 1.1.
pub const fn is_header(tag: u32) -> bool {
    // In the order of FIXT 1.1, and OnBehalfOfSendingTime (370) of 4.3.
    #[rustfmt::skip]
    let is = matches!(tag, 8 | 9 | 35 | 1128 | 1156 | 1129 | 49 | 56 | 115 | 128 | 90 | 91 | 34 | 50 | 142 | 57 | 143
        | 116 | 144 | 129 | 145 | 43 | 97 | 52 | 122 | 212 | 213 | 347 | 369 | 370 | 627 | 628 | 629 | 630);
    is
}

/// Fields of the standard trailer: SignatureLength, Signature, CheckSum.
pub const fn is_trailer(tag: u32) -> bool {
    matches!(tag, 93 | 89 | 10)
}

/// The places of a message's fields. Made once, read into again and again; after a `Garbled` it is empty.
#[derive(Clone, Debug)]
pub struct FieldIndex {
    spans: Box<[FieldSpan]>,
    /// Their tags side by side, which are looked through sixteen at a time.
    tags: Box<[u32]>,
    count: usize,
    bound: usize,
    scanner: Scanner,
}

impl Default for FieldIndex {
    fn default() -> Self {
        FieldIndex::new()
    }
}

impl FieldIndex {
    /// Room for `FIELDS_MAX` fields. It allocates here and never again.
    pub fn new() -> FieldIndex {
        FieldIndex::with_bound(FIELDS_MAX)
    }

    /// Room for `fields` fields, at least the four every message has.
    pub fn with_bound(fields: usize) -> FieldIndex {
        FieldIndex::over(Scanner::new(fields.max(4)), fields.max(4))
    }

    /// What this machine's index uses: `AVX-512`, `AVX2` or `none`. For a log or a bench.
    pub fn instructions(&self) -> &'static str {
        self.scanner.instructions()
    }

    /// By the plain reader alone, which the others are compared with.
    #[cfg(fuzzing)]
    pub fn plain_with_bound(fields: usize) -> FieldIndex {
        FieldIndex::over(Scanner::on(crate::simd::Path::Plain, fields.max(4)), fields.max(4))
    }

    /// On a path of `simd`.
    #[cfg(test)]
    pub(crate) fn on(path: crate::simd::Path, fields: usize) -> FieldIndex {
        FieldIndex::over(Scanner::on(path, fields), fields)
    }

    fn over(scanner: Scanner, bound: usize) -> FieldIndex {
        let slots = Scanner::slots(bound);
        let spans = vec![FieldSpan::default(); slots].into_boxed_slice();
        FieldIndex { spans, tags: vec![0; slots].into_boxed_slice(), count: 0, bound, scanner }
    }

    /// Takes one whole message, from `8=` to the separator behind its checksum. Errors: `Garbled`.
    pub fn read(&mut self, bytes: &[u8]) -> Result<(), Garbled> {
        self.count = 0;
        let body_end = bytes.len().checked_sub(TRAILER_BYTES).ok_or(Garbled::CheckSum)?;
        u32::try_from(bytes.len()).map_err(|_| Garbled::TooManyFields)?;
        let found = self.scanner.scan(bytes, &mut self.spans, &mut self.tags);
        let count = match found.at == bytes.len() {
            true => found.count,
            false => self.plain(bytes, found.at, found.count)?,
        };
        let [begin, length, kind, ..] = &self.spans[..count] else { return Err(Garbled::FirstThree) };
        if (begin.tag, length.tag, kind.tag) != (8, 9, 35) || begin.start != 2 || kind.start == kind.end {
            return Err(Garbled::FirstThree);
        }
        let stated = length.integer(bytes).ok_or(Garbled::BodyLength)?;
        if length.of(bytes)[0] == b'-' || length.end as i64 + 1 + stated != body_end as i64 {
            return Err(Garbled::BodyLength);
        }
        let last = self.spans[count - 1];
        if last.tag != 10 || last.start as usize != body_end + 3 {
            return Err(Garbled::CheckSum);
        }
        // Of all bytes less those of `10=nnn` and its separator.
        let &[a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] = last.of(bytes) else {
            return Err(Garbled::CheckSum);
        };
        let trailer = [b'1', b'0', b'=', a, b, c, SEPARATOR];
        let sum = trailer.iter().fold(found.sum, |sum, &byte| sum.wrapping_sub(byte));
        if (a - b'0') as u32 * 100 + (b - b'0') as u32 * 10 + (c - b'0') as u32 != sum as u32 {
            return Err(Garbled::CheckSum);
        }
        self.count = count;
        Ok(())
    }

    /// The fields in their order.
    #[inline(always)]
    pub fn spans(&self) -> &[FieldSpan] {
        &self.spans[..self.count]
    }

    /// The fields up to the first that is none of the header's: header, and whether later ones belong there too is the
    /// validator's question.
    pub fn header(&self) -> &[FieldSpan] {
        &self.spans()[..self.header_len()]
    }

    /// The fields between header and trailer.
    pub fn body(&self) -> &[FieldSpan] {
        let (from, to) = (self.header_len(), self.trailer_start());
        self.spans().get(from..to).unwrap_or_default()
    }

    /// The fields of the trailer, which end the message.
    pub fn trailer(&self) -> &[FieldSpan] {
        &self.spans()[self.trailer_start()..]
    }

    /// How many fields the header has.
    pub fn header_len(&self) -> usize {
        self.spans().iter().take_while(|span| is_header(span.tag)).count()
    }

    /// Where the trailer begins.
    pub fn trailer_start(&self) -> usize {
        self.count - self.spans().iter().rev().take_while(|span| is_trailer(span.tag)).count()
    }

    /// The first field with this tag, wherever it stands.
    #[inline]
    pub fn get(&self, tag: u32) -> Option<FieldSpan> {
        self.find(tag, 0).map(|place| self.spans[place])
    }

    /// The place among `spans` of the first field with this tag at or behind `from`. Sixteen fields take 2 ns.
    #[inline]
    pub fn find(&self, tag: u32, from: usize) -> Option<usize> {
        let mut base = from;
        while base < self.count {
            // There are as many slots more than fields; what they hold is of messages before.
            let chunk = self.tags.get(base..).and_then(<[u32]>::first_chunk::<LANES>)?;
            let matches = equals(chunk, tag);
            if matches != 0 {
                let place = base + matches.trailing_zeros() as usize;
                return (place < self.count).then_some(place);
            }
            base += LANES;
        }
        None
    }

    /// The value of the first field with this tag.
    #[inline]
    pub fn value<'a>(&self, bytes: &'a [u8], tag: u32) -> Option<&'a [u8]> {
        self.get(tag).map(|span| span.of(bytes))
    }

    /// MsgType (35); empty when no message was read.
    #[inline]
    pub fn msg_type<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        self.spans().get(2).copied().unwrap_or_default().of(bytes)
    }

    /// BeginString (8) as a protocol; `None` for one that is not known.
    pub fn begin_string(&self, bytes: &[u8]) -> Option<BeginString> {
        BeginString::of(self.spans().first()?.of(bytes))
    }

    /// The tag of field `at` as it stands.
    pub fn tag_text<'a>(&self, bytes: &'a [u8], at: usize) -> &'a [u8] {
        let Some(span) = self.spans().get(at) else { return &[] };
        let from = match at.checked_sub(1).and_then(|before| self.spans().get(before)) {
            Some(before) => before.end as usize + 1,
            None => 0,
        };
        bytes.get(from..(span.start as usize).saturating_sub(1)).unwrap_or_default()
    }

    /// Splits the bytes from `at` on into fields behind the first `count`; how many there are in all.
    fn plain(&mut self, bytes: &[u8], mut at: usize, mut count: usize) -> Result<usize, Garbled> {
        let slots = &mut self.spans[..self.bound];
        let tags = &mut self.tags[..self.bound];
        // A length field came just before: the tag of its data field and how many bytes that has.
        let mut counted: Option<(u32, usize)> = None;
        while at < bytes.len() {
            let fault = Garbled::Field { at: at as u32 };
            let (tag, start) = tag_at(bytes, at).ok_or(fault)?;
            let end = match counted.take() {
                Some((data, length)) if data == tag && bytes.get(start + length) == Some(&SEPARATOR) => start + length,
                _ => start + bytes[start..].iter().position(|&byte| byte == SEPARATOR).ok_or(fault)?,
            };
            let slot = slots.get_mut(count).ok_or(Garbled::TooManyFields)?;
            *slot = FieldSpan { tag, start: start as u32, end: end as u32 };
            tags[count] = tag;
            count += 1;
            if let Some(data) = counted_by(tag) {
                counted = value::integer(&bytes[start..end])
                    .and_then(|length| usize::try_from(length).ok())
                    .filter(|&length| length < bytes.len())
                    .map(|length| (data, length));
            }
            at = end + 1;
        }
        Ok(count)
    }
}

/// The tag that begins at `at`, 0 for an integer that no tag can be, and the place behind its `=`.
pub(crate) fn tag_at(bytes: &[u8], at: usize) -> Option<(u32, usize)> {
    let negative = bytes.get(at) == Some(&b'-');
    let first = at + negative as usize;
    let (mut tag, mut place) = (0u32, first);
    loop {
        let byte = *bytes.get(place)?;
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            if byte != b'=' || place == first {
                return None;
            }
            break;
        }
        tag = tag.wrapping_mul(10).wrapping_add(digit as u32);
        place += 1;
    }
    let is_tag = !negative && bytes[first] != b'0' && place - first <= TAG_DIGITS_MAX;
    Some((if is_tag { tag } else { 0 }, place + 1))
}
