//! Our side.
use types::Decimal;
use types::decimal::POW10;
use wire::fix::TemplateField::{Fixed, Slot};
use wire::fix::dictionary::{Checks, FixVersion, Validator};
use wire::fix::{BeginString, FieldIndex, Precision, Template};

use crate::messages::Order;

/// What the index uses on this machine.
pub fn instructions() -> &'static str {
    FieldIndex::new().instructions()
}

/// Reads all fields and checks the framing; the digest is of tags and lengths.
pub fn index(messages: &[Vec<u8>]) -> impl FnMut() -> u64 + '_ {
    let mut index = FieldIndex::new();
    move || {
        let mut digest = 0;
        for bytes in messages {
            index.read(bytes).expect("a good message");
            let spans = index.spans();
            let (middle, last) = (spans[spans.len() / 2], spans[spans.len() - 1]);
            digest += spans.len() as u64 + middle.tag as u64 + middle.end as u64 + last.start as u64;
        }
        digest
    }
}

/// A decimal in hundred-millionths.
fn units(value: Decimal) -> i64 {
    value.mantissa * POW10[8 - value.scale as usize] as i64
}

/// What is made of the eight fields, by every side alike.
#[derive(Default)]
pub struct Digest(pub u64);

impl Digest {
    #[inline(always)]
    pub fn text(&mut self, text: &[u8]) {
        self.0 = self.0.wrapping_mul(31) + text.len() as u64 + text[text.len() - 1] as u64;
    }
    #[inline(always)]
    pub fn number(&mut self, number: i64) {
        self.0 = self.0.wrapping_mul(31).wrapping_add(number as u64);
    }
}

/// ClOrdID, Symbol, Side, OrdStatus, OrderQty, LastPx, LeavesQty and TransactTime.
pub fn typed(messages: &[Vec<u8>]) -> impl FnMut() -> u64 + '_ {
    let mut index = FieldIndex::new();
    move || {
        let mut digest = Digest::default();
        for bytes in messages {
            index.read(bytes).expect("a good message");
            let field = |tag| index.get(tag).expect("it is there");
            digest.text(field(11).of(bytes));
            digest.text(field(55).of(bytes));
            digest.number(field(54).character(bytes).expect("a side") as i64);
            digest.number(field(39).character(bytes).expect("a status") as i64);
            digest.number(units(field(38).decimal(bytes).expect("a quantity")));
            digest.number(units(field(31).decimal(bytes).expect("a price")));
            digest.number(units(field(151).decimal(bytes).expect("a quantity")));
            digest.number(field(60).timestamp(bytes).expect("a time").0 as i64 / 1_000_000);
        }
        digest.0
    }
}

/// All fields, held to the dictionary by every check.
pub fn validated(messages: &[Vec<u8>]) -> impl FnMut() -> u64 + '_ {
    let mut index = FieldIndex::new();
    let mut validator = Validator::built_in(FixVersion::Fix44, Checks::default());
    move || {
        let mut fields = 0;
        for bytes in messages {
            index.read(bytes).expect("a good message");
            validator.check(&index, bytes).expect("a message of the dictionary");
            fields += index.spans().len() as u64;
        }
        fields
    }
}

/// Each entry's action, side, price, size and number of orders.
pub fn refresh(messages: &[Vec<u8>]) -> impl FnMut() -> u64 + '_ {
    let mut index = FieldIndex::new();
    move || {
        let mut digest = Digest::default();
        for bytes in messages {
            index.read(bytes).expect("a good message");
            // MDUpdateAction begins an entry of FIX 4.4.
            let mut begins = index.find(279, 0);
            while let Some(start) = begins {
                begins = index.find(279, start + 1);
                let entry = start..begins.unwrap_or(index.trailer_start());
                let (mut action, mut side, mut price, mut size, mut orders) = (0, 0, 0, 0, 0);
                for span in &index.spans()[entry] {
                    match span.tag {
                        279 => action = span.character(bytes).expect("an action"),
                        269 => side = span.character(bytes).expect("a side"),
                        270 => price = units(span.decimal(bytes).expect("a price")),
                        271 => size = units(span.decimal(bytes).expect("a size")),
                        346 => orders = span.integer(bytes).expect("a number"),
                        _ => {}
                    }
                }
                digest.number((action as i64) << 8 | side as i64);
                digest.number(price);
                digest.number(size);
                digest.number(orders);
            }
        }
        digest.0
    }
}

/// The template of `encode`: the session's header, a limit order.
fn template() -> Template {
    let fields = [
        Fixed(49, b"CLIENT"),
        Fixed(56, b"VENUE"),
        Slot(34),
        Slot(52),
        Slot(11),
        Fixed(21, b"1"),
        Fixed(55, b"BTCUSDT"),
        Slot(54),
        Slot(38),
        Fixed(40, b"2"),
        Slot(44),
        Fixed(59, b"1"),
        Slot(60),
    ];
    Template::new(BeginString::Fix44, b"D", &fields).expect("good fields")
}

/// Writes the orders; the digest is of all bytes but the order of fields.
pub fn encode(orders: &[Order]) -> impl FnMut() -> u64 + '_ {
    let mut template = template();
    move || {
        let mut digest = 0;
        for order in orders {
            let message = template
                .fill()
                .integer(order.sequence as i64)
                .timestamp(order.time, Precision::Millis)
                .text(order.cl_ord_id.as_bytes())
                .character(order.side)
                .decimal(order.quantity)
                .decimal(order.price)
                .timestamp(order.time, Precision::Millis)
                .close()
                .expect("a good order");
            digest += checksum_and_length(message);
        }
        digest
    }
}

/// Of a message: its length and checksum, which stand for its bytes in any order.
pub fn checksum_and_length(message: &[u8]) -> u64 {
    let end = message.len();
    let digit = |place: usize| (message[end - place] - b'0') as u64;
    (end as u64) << 10 | (digit(4) * 100 + digit(3) * 10 + digit(2))
}
