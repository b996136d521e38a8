//! The rivals, each by the calls its own documentation shows for the fastest way.
use fix_codec_rs::decoder::Decoder;
use fix_codec_rs::group::GroupSpec;
use fixlite::enums::{MsgType, OrdStatus, Side};
use fixlite::fix::Price;
use fixlite::{FixBuilder, FixDeserialize};

use types::decimal::POW10;

use crate::messages::Order;
use crate::ours::{Digest, checksum_and_length};

/// fix-codec-rs: all fields, and its own check of the checksum.
pub fn index(messages: &[Vec<u8>]) -> impl FnMut() -> u64 + '_ {
    let mut decoder = Decoder::with_capacity(128);
    move || {
        let mut digest = 0;
        for bytes in messages {
            let message = decoder.decode(bytes).expect("a good message");
            message.validate_checksum().expect("a good checksum");
            let count = message.len();
            let (middle, last) = (message.field(count / 2), message.field(count - 1));
            let end = middle.value.as_ptr() as usize - bytes.as_ptr() as usize + middle.value.len();
            let start = last.value.as_ptr() as usize - bytes.as_ptr() as usize;
            digest += count as u64 + middle.tag as u64 + end as u64 + start as u64;
        }
        digest
    }
}

/// Hundred-millionths: fix-codec-rs gives bytes, so its user parses; this is as short as it gets.
fn units(text: &[u8]) -> i64 {
    let (mut value, mut scale, mut point) = (0i64, 8usize, false);
    for &byte in text {
        match byte {
            b'.' => point = true,
            digit => {
                value = value * 10 + (digit - b'0') as i64;
                scale -= point as usize;
            }
        }
    }
    value * POW10[scale] as i64
}

/// `YYYYMMDD-HH:MM:SS.sss` in milliseconds, likewise.
fn millis(text: &[u8]) -> i64 {
    let number = |from: usize, to: usize| text[from..to].iter().fold(0i64, |n, &byte| n * 10 + (byte - b'0') as i64);
    let (year, month, day) = (number(0, 4), number(4, 6), number(6, 8));
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    ((days * 24 + number(9, 11)) * 60 + number(12, 14)) * 60_000 + number(15, 17) * 1_000 + number(18, 21)
}

/// fix-codec-rs: the eight fields by tag.
pub fn typed(messages: &[Vec<u8>]) -> impl FnMut() -> u64 + '_ {
    let mut decoder = Decoder::with_capacity(128);
    move || {
        let mut digest = Digest::default();
        for bytes in messages {
            let message = decoder.decode(bytes).expect("a good message");
            message.validate_checksum().expect("a good checksum");
            let field = |tag| message.find(tag).expect("it is there").value;
            digest.text(field(11));
            digest.text(field(55));
            digest.number(field(54)[0] as i64);
            digest.number(field(39)[0] as i64);
            digest.number(units(field(38)));
            digest.number(units(field(31)));
            digest.number(units(field(151)));
            digest.number(millis(field(60)));
        }
        digest.0
    }
}

fixlite::fix_tag_registry! {
    Registry {
        54 => [Side],
        39 => [OrdStatus],
        38 => [Price],
        31 => [Price],
        151 => [Price],
    }
}

/// What fixlite reads into.
#[derive(FixDeserialize)]
#[fix_registry(Registry)]
struct Report<'a> {
    #[fix(tag = 11)]
    cl_ord_id: &'a str,
    #[fix(tag = 55)]
    symbol: &'a str,
    #[fix(tag = 54)]
    side: Side,
    #[fix(tag = 39)]
    status: OrdStatus,
    #[fix(tag = 38)]
    quantity: Price,
    #[fix(tag = 31)]
    last_price: Price,
    #[fix(tag = 151)]
    leaves: Price,
    #[fix(tag = 60)]
    time: &'a str,
}

/// fixlite: its derived reader, with its own check of length, checksum and ASCII. Its time is text (its own reader of
/// times is slower than ours above).
pub fn typed_by_fixlite(messages: &[Vec<u8>]) -> impl FnMut() -> u64 + '_ {
    move || {
        let mut digest = Digest::default();
        for bytes in messages {
            let report: Report<'_> = fixlite::decode(bytes).expect("a good message");
            digest.text(report.cl_ord_id.as_bytes());
            digest.text(report.symbol.as_bytes());
            digest.number(if matches!(report.side, Side::Buy) { b'1' } else { b'2' } as i64);
            digest.number(if matches!(report.status, OrdStatus::PartiallyFilled) { b'1' } else { b'0' } as i64);
            digest.number(report.quantity.raw());
            digest.number(report.last_price.raw());
            digest.number(report.leaves.raw());
            digest.number(millis(report.time.as_bytes()));
        }
        digest.0
    }
}

/// Entries of FIX 4.4 begin with MDUpdateAction.
const ENTRIES: GroupSpec =
    GroupSpec { count_tag: 268, delimiter_tag: 279, member_tags: &[279, 269, 55, 270, 271, 346] };

/// fix-codec-rs: its groups, each entry's fields in their order.
pub fn refresh(messages: &[Vec<u8>]) -> impl FnMut() -> u64 + '_ {
    let mut decoder = Decoder::with_capacity(128);
    move || {
        let mut digest = Digest::default();
        for bytes in messages {
            let message = decoder.decode(bytes).expect("a good message");
            message.validate_checksum().expect("a good checksum");
            for entry in message.groups(&ENTRIES) {
                let (mut action, mut side, mut price, mut size, mut orders) = (0, 0, 0, 0, 0);
                for field in entry.fields() {
                    match field.tag {
                        279 => action = field.value[0],
                        269 => side = field.value[0],
                        270 => price = units(field.value),
                        271 => size = units(field.value),
                        346 => orders = field.value.iter().fold(0i64, |n, &byte| n * 10 + (byte - b'0') as i64),
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

/// fixlite: its chained builder. The order's time is a chrono moment made before.
pub fn encode(orders: &[Order]) -> impl FnMut() -> u64 + '_ {
    let mut builder = FixBuilder::new("FIX.4.4", "CLIENT", "VENUE");
    let times: Vec<_> =
        orders.iter().map(|order| chrono::DateTime::from_timestamp_nanos(order.time.0 as i64)).collect();
    let prices: Vec<Price> = orders.iter().map(|order| Price::from_raw(order.price.mantissa * 1_000_000)).collect();
    move || {
        let mut digest = 0;
        for ((order, time), price) in orders.iter().zip(&times).zip(&prices) {
            let side = if order.side == b'1' { Side::Buy } else { Side::Sell };
            let message = builder
                .begin_with(&order.sequence, time, &MsgType::NewOrderSingle)
                .str(11, &order.cl_ord_id)
                .str(21, "1")
                .str(55, "BTCUSDT")
                .field_tagged(side)
                .field(38, order.quantity.mantissa)
                .str(40, "2")
                .field(44, *price)
                .str(59, "1")
                .field_ref(60, time)
                .finish();
            digest += checksum_and_length(message);
        }
        digest
    }
}
