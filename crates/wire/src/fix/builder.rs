//! # Room card: wire/fix/builder
//! In:    fields by tag, in any order; groups with their members in the dictionary's order.
//! Out:   the message, or its header and body apart for `Session::send`.
//! Holds: body length and checksum are right; a value with a separator, an empty one and too little room are refused at
//!        the end; no allocation once built.
//! Costs: some 5 ns a field; the canonical order a sort of the fields and one more copy. `Template` is faster.
use types::{Code, Decimal, UnixNanos};

use super::cursor::{Begin, Cursor, FRONT, Sheet};
use super::index::{BeginString, FIELDS_MAX, is_header, is_trailer};
use super::session::Precision;
use super::split::FIX_IN_BYTES_MAX;

/// Builds one message after the other.
///
/// ```
/// use fafnir_wire::fix::{BeginString, MessageBuilder};
/// let mut builder = MessageBuilder::new(BeginString::Fix44);
/// builder.open(b"0").text(49, b"A").text(56, b"B").integer(34, 7).text(112, b"TEST");
/// let message = b"8=FIX.4.4\x019=29\x0135=0\x0134=7\x0149=A\x0156=B\x01112=TEST\x0110=158\x01";
/// assert_eq!(builder.close_ordered(), Ok(&message[..]));
/// ```
#[derive(Clone, Debug)]
pub struct MessageBuilder {
    begin: Begin,
    fields: Sheet,
    ordered: Sheet,
    /// What is moved as one: a field, or a group with all of its members.
    pieces: Box<[Piece]>,
    count: usize,
    /// Groups that are open.
    depth: usize,
    /// The header and the body in `ordered` end here.
    ends: [usize; 2],
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
struct Piece {
    /// 0 header, 1 body, 2 trailer.
    part: u8,
    tag: u32,
    start: u32,
    end: u32,
}

impl MessageBuilder {
    /// For messages of at most `FIX_IN_BYTES_MAX` bytes and `FIELDS_MAX` fields. It allocates here and never again.
    pub fn new(begin: BeginString) -> MessageBuilder {
        MessageBuilder::with_bounds(begin, FIX_IN_BYTES_MAX, FIELDS_MAX)
    }

    /// For messages of at most this many bytes and fields.
    pub fn with_bounds(begin: BeginString, bytes: usize, fields: usize) -> MessageBuilder {
        let mut builder = MessageBuilder {
            begin: Begin::of(begin),
            fields: Sheet::new(FRONT + bytes),
            ordered: Sheet::new(FRONT + bytes),
            pieces: vec![Piece::default(); fields].into_boxed_slice(),
            count: 0,
            depth: 0,
            ends: [FRONT; 2],
        };
        builder.open(b"0");
        builder
    }

    /// Begins a message of this type; what was there is gone.
    pub fn open(&mut self, msg_type: &[u8]) -> &mut MessageBuilder {
        self.fields.reset(FRONT);
        (self.count, self.depth) = (0, 0);
        self.fields.write(|fields| {
            fields.raw(b"35=");
            fields.text(msg_type);
            fields.raw(b"\x01");
        });
        self
    }

    /// A field begins. Inside a group it moves with its group.
    fn piece(&mut self, tag: u32) {
        if self.depth == 0 {
            let part = if is_header(tag) { 0 } else { 1 + is_trailer(tag) as u8 };
            let at = self.fields.at as u32;
            self.end_piece();
            // Those four are written here.
            self.fields.fault |= matches!(tag, 8 | 9 | 35 | 10);
            match self.pieces.get_mut(self.count) {
                Some(piece) => *piece = Piece { part, tag, start: at, end: at },
                None => return self.fields.fault = true,
            }
            self.count += 1;
        }
        self.fields.write(|fields| fields.tag(tag));
    }

    /// The last piece ends here.
    fn end_piece(&mut self) {
        if let Some(piece) = self.count.checked_sub(1).and_then(|last| self.pieces.get_mut(last)) {
            piece.end = self.fields.at as u32;
        }
    }

    fn field(&mut self, tag: u32, write: impl FnOnce(&mut Cursor<'_>)) -> &mut MessageBuilder {
        self.piece(tag);
        self.fields.write(|fields| {
            write(fields);
            fields.raw(b"\x01");
        });
        self
    }

    /// Text: String, currencies, codes, and values that are text already.
    pub fn text(&mut self, tag: u32, value: &[u8]) -> &mut MessageBuilder {
        self.field(tag, |fields| fields.text(value))
    }

    /// int and what is made of it.
    pub fn integer(&mut self, tag: u32, value: i64) -> &mut MessageBuilder {
        self.field(tag, |fields| fields.integer(value))
    }

    /// float and what is made of it, with the decimals it has.
    pub fn decimal(&mut self, tag: u32, value: Decimal) -> &mut MessageBuilder {
        self.field(tag, |fields| fields.decimal(value))
    }

    /// char.
    pub fn character(&mut self, tag: u32, value: u8) -> &mut MessageBuilder {
        self.field(tag, |fields| fields.text(&[value]))
    }

    /// Boolean.
    pub fn boolean(&mut self, tag: u32, value: bool) -> &mut MessageBuilder {
        self.field(tag, |fields| fields.text(if value { b"Y" } else { b"N" }))
    }

    /// UTCTimestamp.
    pub fn timestamp(&mut self, tag: u32, at: UnixNanos, precision: Precision) -> &mut MessageBuilder {
        self.field(tag, |fields| fields.timestamp(at, precision))
    }

    /// A data field behind its length field. The bytes may be any, but not none.
    pub fn data(&mut self, length_tag: u32, data_tag: u32, value: &[u8]) -> &mut MessageBuilder {
        self.piece(length_tag);
        self.fields.write(|fields| {
            fields.fault |= value.is_empty();
            fields.unsigned(value.len() as u64);
            fields.raw(b"\x01");
            // Not a piece of its own: nothing may come between the two.
            fields.tag(data_tag);
            fields.raw(value);
            fields.raw(b"\x01");
        });
        self
    }

    /// A repeating group: its count field. The members follow, entry by entry, in the dictionary's order; then
    /// `end_group`. Groups may hold groups.
    pub fn begin_group(&mut self, count_tag: u32, entries: usize) -> &mut MessageBuilder {
        self.piece(count_tag);
        self.depth += 1;
        self.fields.write(|fields| {
            fields.unsigned(entries as u64);
            fields.raw(b"\x01");
        });
        self
    }

    /// The last entry of the innermost group is written.
    pub fn end_group(&mut self) -> &mut MessageBuilder {
        self.fields.fault |= self.depth == 0;
        self.depth = self.depth.saturating_sub(1);
        self
    }

    /// The message with its fields in the order they were given. Errors: `FixFieldInvalid` for a value that is none, a
    /// field the builder writes itself (8, 9, 35, 10), or too little room.
    pub fn close(&mut self) -> Result<&[u8], Code> {
        let open = self.depth > 0;
        let message = self.fields.cursor().frame(&self.begin);
        message.filter(|_| !open).ok_or(Code::FixFieldInvalid)
    }

    /// The message in canonical order: 8, 9, 35, the header's other fields with tags ascending, the body's likewise
    /// with each group behind its count, the trailer. Errors as of `close`.
    pub fn close_ordered(&mut self) -> Result<&[u8], Code> {
        self.order()?;
        self.ordered.cursor().frame(&self.begin).ok_or(Code::FixFieldInvalid)
    }

    /// Header fields beside 8, 9 and 35, and body fields, each part in canonical order: what `Outgoing` asks for.
    /// Errors as of `close`.
    pub fn parts(&mut self) -> Result<(&[u8], &[u8]), Code> {
        let first = self.order()?;
        let [header, body] = self.ends;
        Ok((&self.ordered.bytes[first..header], &self.ordered.bytes[header..body]))
    }

    /// Copies the pieces in their order; where the first begins.
    fn order(&mut self) -> Result<usize, Code> {
        if self.fields.fault || self.depth > 0 {
            return Err(Code::FixFieldInvalid);
        }
        self.end_piece();
        let pieces = &mut self.pieces[..self.count];
        let first = pieces.first().map_or(self.fields.at, |piece| piece.start as usize);
        let ordered = &mut self.ordered;
        ordered.reset(FRONT);
        ordered.raw(&self.fields.bytes[FRONT..first]);
        pieces.sort_unstable();
        let begun = ordered.at;
        self.ends = [begun; 2];
        for piece in pieces.iter() {
            ordered.raw(&self.fields.bytes[piece.start as usize..piece.end as usize]);
            for end in &mut self.ends[(piece.part as usize).min(2)..] {
                *end = ordered.at;
            }
        }
        Ok(begun)
    }
}
