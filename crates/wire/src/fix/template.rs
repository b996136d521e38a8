//! # Room card: wire/fix/template
//! In:    which fields a message has, in their order; then, message by message, the values that change.
//! Out:   whole messages.
//! Holds: what does not change is text already; body length and checksum are right; a value with a separator, an empty
//!        one, too few or too many values and too little room are refused at the end; no allocation once built.
//! Costs: a NewOrderSingle in some 40 ns (row `fix/encode`).
use types::{Code, Decimal, UnixNanos};

use super::cursor::{Begin, Cursor, FRONT, Sheet};
use super::index::BeginString;
use super::session::Precision;
use super::split::FIX_IN_BYTES_MAX;

/// Bytes of text copied at once.
const CHUNK: usize = 32;

/// A field of a template.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TemplateField<'a> {
    /// The same in every message.
    Fixed(u32, &'a [u8]),
    /// Given with each message.
    Slot(u32),
}

/// Messages of one shape.
///
/// ```
/// use fafnir_wire::fix::{BeginString, Template, TemplateField::{Fixed, Slot}};
/// let fields = [Slot(34), Fixed(49, b"A"), Fixed(56, b"B"), Slot(112)];
/// let mut template = Template::new(BeginString::Fix44, b"0", &fields)?;
/// let message = template.fill().integer(7).text(b"TEST").close()?;
/// assert_eq!(message, b"8=FIX.4.4\x019=29\x0135=0\x0134=7\x0149=A\x0156=B\x01112=TEST\x0110=158\x01");
/// # Ok::<(), types::Code>(())
/// ```
#[derive(Clone, Debug)]
pub struct Template {
    begin: Begin,
    /// What stands before each slot, and behind the last.
    texts: Box<[Text]>,
    message: Sheet,
}

/// Text between two slots.
#[derive(Clone, Debug)]
struct Text {
    /// Its first bytes; all of them when `rest` is empty.
    chunk: [u8; CHUNK],
    length: usize,
    rest: Box<[u8]>,
}

/// The slots of one message being filled, in their order.
#[derive(Debug)]
pub struct Slots<'a> {
    begin: &'a Begin,
    texts: &'a [Text],
    message: Cursor<'a>,
    next: usize,
}

impl Template {
    /// Messages of at most `FIX_IN_BYTES_MAX` bytes; the fields are those behind 35 and before 10, in their order.
    /// Errors: `FixFieldInvalid` for tag 0 or one of 8, 9, 35 and 10, or a value that is empty or holds a separator.
    pub fn new(begin: BeginString, msg_type: &[u8], fields: &[TemplateField<'_>]) -> Result<Template, Code> {
        let good = |text: &[u8]| !text.is_empty() && !text.contains(&1);
        let (mut texts, mut text) = (Vec::new(), [b"35=", msg_type, b"\x01"].concat());
        let mut all_good = good(msg_type);
        for field in fields {
            let (TemplateField::Fixed(tag, _) | TemplateField::Slot(tag)) = *field;
            all_good &= !matches!(tag, 0 | 8 | 9 | 35 | 10);
            text.extend_from_slice(crate::text::Text::integer(tag as u64).as_bytes());
            text.push(b'=');
            match field {
                TemplateField::Fixed(_, value) => {
                    all_good &= good(value);
                    text.extend_from_slice(value);
                    text.push(1);
                }
                TemplateField::Slot(_) => texts.push(Text::new(&core::mem::replace(&mut text, vec![1]))),
            }
        }
        texts.push(Text::new(&text));
        let message = Sheet::new(FRONT + FIX_IN_BYTES_MAX);
        let template = Template { begin: Begin::of(begin), texts: texts.into_boxed_slice(), message };
        if all_good { Ok(template) } else { Err(Code::FixFieldInvalid) }
    }

    /// Begins a message.
    #[inline(always)]
    pub fn fill(&mut self) -> Slots<'_> {
        self.message.reset(FRONT);
        let mut slots = Slots { begin: &self.begin, texts: &self.texts, message: self.message.cursor(), next: 0 };
        slots.text_before();
        slots
    }
}

impl Text {
    fn new(text: &[u8]) -> Text {
        let mut chunk = [0; CHUNK];
        let length = text.len().min(CHUNK);
        chunk[..length].copy_from_slice(&text[..length]);
        Text { chunk, length, rest: text[length..].into() }
    }
}

impl<'a> Slots<'a> {
    /// The text before the next slot.
    #[inline(always)]
    fn text_before(&mut self) {
        match self.texts.get(self.next) {
            Some(text) => {
                self.message.chunk(&text.chunk, text.length);
                if !text.rest.is_empty() {
                    self.message.raw(&text.rest);
                }
            }
            None => self.message.fault = true,
        }
        self.next += 1;
    }

    #[inline(always)]
    fn slot(mut self, write: impl FnOnce(&mut Cursor<'a>)) -> Slots<'a> {
        write(&mut self.message);
        self.text_before();
        self
    }

    /// Text.
    #[inline(always)]
    pub fn text(self, value: &[u8]) -> Slots<'a> {
        self.slot(|message| message.text(value))
    }

    /// int and what is made of it.
    #[inline(always)]
    pub fn integer(self, value: i64) -> Slots<'a> {
        self.slot(|message| message.integer(value))
    }

    /// float and what is made of it, with the decimals it has.
    #[inline(always)]
    pub fn decimal(self, value: Decimal) -> Slots<'a> {
        self.slot(|message| message.decimal(value))
    }

    /// char.
    #[inline(always)]
    pub fn character(self, value: u8) -> Slots<'a> {
        self.slot(|message| message.text(&[value]))
    }

    /// Boolean.
    #[inline(always)]
    pub fn boolean(self, value: bool) -> Slots<'a> {
        self.slot(|message| message.text(if value { b"Y" } else { b"N" }))
    }

    /// UTCTimestamp.
    #[inline(always)]
    pub fn timestamp(self, at: UnixNanos, precision: Precision) -> Slots<'a> {
        self.slot(|message| message.timestamp(at, precision))
    }

    /// The whole message. Errors: `FixFieldInvalid` when a value is none or did not fit, or not every slot was filled.
    #[inline(always)]
    pub fn close(self) -> Result<&'a [u8], Code> {
        let Slots { begin, texts, message, next } = self;
        let whole = next == texts.len();
        message.frame(begin).filter(|_| whole).ok_or(Code::FixFieldInvalid)
    }
}
