//! # Room card: wire/fix/message
//! In:    one framed message, as `split` lets it pass.
//! Out:   its header read, its fields one after the other, borrowed.
//! Holds: nothing is copied; a field that is none ends the iteration as tag 0, so that whoever reads can refuse.
//! Costs: the header once; each field once per iteration.
use types::{Code, UnixNanos};

use super::data_fields::counted_by;
use super::index::is_header;
use super::value;

/// Bytes of the longest message type.
const TYPE_BYTES_MAX: usize = 4;
/// `10=nnn` and its separator.
pub(super) const TRAILER_BYTES: usize = 7;
/// Tags are at most six digits (user-defined ones have four or five).
const TAG_DIGITS_MAX: usize = 6;

/// A message's header, and its body still in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    body: &'a [u8],
    msg_type: &'a [u8],
    sender: &'a [u8],
    target: &'a [u8],
    sequence: u64,
    poss_dup: bool,
    poss_resend: bool,
    sending_time: &'a [u8],
    original_time: &'a [u8],
}

/// One field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field<'a> {
    /// Its tag; 0 when what stands here is no field (then it is the last one and `value` is the rest).
    pub tag: u32,
    /// Its value without the separator, never empty.
    pub value: &'a [u8],
}

/// Fields one after the other.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
    /// A length field came before: the tag of its data field and how many bytes that has.
    counted: Option<(u32, usize)>,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Field<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        match self.read() {
            Some(field) => Some(field),
            None => {
                let value = self.rest;
                self.rest = &[];
                Some(Field { tag: 0, value })
            }
        }
    }
}

impl<'a> Fields<'a> {
    pub(super) const fn over(bytes: &'a [u8]) -> Fields<'a> {
        Fields { rest: bytes, counted: None }
    }

    #[inline(always)]
    fn read(&mut self) -> Option<Field<'a>> {
        let (mut tag, mut at) = (0u32, 0);
        loop {
            let byte = *self.rest.get(at)?;
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                if byte != b'=' {
                    return None;
                }
                break;
            }
            if at == TAG_DIGITS_MAX {
                return None;
            }
            tag = tag * 10 + digit as u32;
            at += 1;
        }
        if tag == 0 || self.rest[0] == b'0' {
            return None;
        }
        let rest = &self.rest[at + 1..];
        let length = match self.counted.take() {
            Some((data_tag, length)) if data_tag == tag => {
                let ends = rest.get(length) == Some(&1);
                ends.then_some(length)?
            }
            _ => separator(rest)?,
        };
        let (value, after) = rest.split_at_checked(length)?;
        if value.is_empty() {
            return None;
        }
        if let Some(data_tag) = counted_by(tag) {
            self.counted = Some((data_tag, usize::try_from(value::integer(value)?).ok()?));
        }
        self.rest = after.get(1..)?;
        Some(Field { tag, value })
    }
}

/// Place of the next separator, eight bytes at a time: the zero bytes of the word with the separator taken out.
#[inline(always)]
fn separator(rest: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let mut at = 0;
    while let Some(chunk) = rest.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk) ^ ONES;
        let zeros = word.wrapping_sub(ONES) & !word & HIGHS;
        if zeros != 0 {
            return Some(at + (zeros.trailing_zeros() >> 3) as usize);
        }
        at += 8;
    }
    rest.get(at..)?.iter().position(|&byte| byte == 1).map(|place| at + place)
}

impl<'a> Message<'a> {
    /// Reads the header of a framed message. Framing (length, checksum) is not looked at again.
    ///
    /// Errors: `FixMalformed` when the third field is no message type, the number is none, or what stands before it
    /// is no field: ignore the message as a garbled one. What is no field further on, `fields` shows.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Message<'a>, Code> {
        let end = bytes.len().checked_sub(TRAILER_BYTES).ok_or(Code::FixMalformed)?;
        let mut fields = Fields::over(&bytes[..end]);
        let mut first = |tag| fields.next().filter(|field| field.tag == tag).ok_or(Code::FixMalformed);
        first(8)?;
        first(9)?;
        let msg_type = first(35)?.value;
        if msg_type.len() > TYPE_BYTES_MAX {
            return Err(Code::FixMalformed);
        }
        let none: &[u8] = &[];
        let mut message = Message {
            bytes,
            body: none,
            msg_type,
            sender: none,
            target: none,
            sequence: 0,
            poss_dup: false,
            poss_resend: false,
            sending_time: none,
            original_time: none,
        };
        loop {
            let before = fields.clone();
            let Some(field) = fields.next() else { break };
            match field.tag {
                49 => message.sender = field.value,
                56 => message.target = field.value,
                34 => message.sequence = value::integer(field.value).ok_or(Code::FixMalformed)?,
                43 => message.poss_dup = field.value == b"Y",
                97 => message.poss_resend = field.value == b"Y",
                52 => message.sending_time = field.value,
                122 => message.original_time = field.value,
                tag if is_header(tag) => {}
                // What is no field after the number can be rejected by that number; before it, it is only noise.
                0 if message.sequence == 0 => return Err(Code::FixMalformed),
                _ => {
                    message.body = before.rest;
                    break;
                }
            }
        }
        Ok(message)
    }

    /// The whole message.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
    /// MsgType (35).
    pub const fn msg_type(&self) -> &'a [u8] {
        self.msg_type
    }
    /// MsgSeqNum (34); 0 when it is missing.
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }
    /// PossDupFlag (43): a message sent before under the same number.
    pub const fn poss_dup(&self) -> bool {
        self.poss_dup
    }
    /// PossResend (97): content sent before under another number.
    pub const fn poss_resend(&self) -> bool {
        self.poss_resend
    }
    /// SenderCompID (49); empty when it is missing.
    pub const fn sender(&self) -> &'a [u8] {
        self.sender
    }
    /// TargetCompID (56); empty when it is missing.
    pub const fn target(&self) -> &'a [u8] {
        self.target
    }
    /// SendingTime (52) as text; empty when it is missing.
    pub const fn sending_time_text(&self) -> &'a [u8] {
        self.sending_time
    }
    /// SendingTime (52).
    pub fn sending_time(&self) -> Option<UnixNanos> {
        value::moment(self.sending_time)
    }
    /// OrigSendingTime (122).
    pub fn original_time(&self) -> Option<UnixNanos> {
        value::moment(self.original_time)
    }
    pub(super) const fn states_original_time(&self) -> bool {
        !self.original_time.is_empty()
    }
    /// The body's bytes, from the first field that is none of the header to the checksum.
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }
    /// Fields of the body in their order.
    #[inline]
    pub const fn fields(&self) -> Fields<'a> {
        Fields::over(self.body)
    }
    /// The first field of the body with this tag. A scan: for one or two fields, not for a whole message.
    pub fn get(&self, tag: u32) -> Option<&'a [u8]> {
        self.fields().find(|field| field.tag == tag).map(|field| field.value)
    }
    /// An unsigned integer field of the body; `None` also when it is no integer.
    pub fn integer(&self, tag: u32) -> Option<u64> {
        self.get(tag).and_then(value::integer)
    }
    /// A Boolean field of the body; absent is N.
    pub fn is_yes(&self, tag: u32) -> bool {
        self.get(tag) == Some(b"Y")
    }
    /// A moment in UTC of the body; `None` also when it is none.
    pub fn moment(&self, tag: u32) -> Option<UnixNanos> {
        self.get(tag).and_then(value::moment)
    }
}
