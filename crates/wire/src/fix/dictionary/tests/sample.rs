//! # Room card: wire/fix/dictionary/tests/sample
//! In:    fields as text; a dictionary and a seed.
//! Out:   whole messages with their length and checksum; random messages that a dictionary allows.
//! Holds: the first three fields and the last are made here; the rest is the caller's.
//! Costs: test only.
use types::rng::SplitMix64;

use super::super::source::TAG_MAX;
use super::*;
use crate::fix::index::FieldIndex;

/// A tag as text and a value.
pub type Text = (String, Vec<u8>);

/// A field of a message that is not written yet.
pub fn text(tag: u32, value: &str) -> Text {
    (tag.to_string(), value.as_bytes().to_vec())
}

/// A whole message: BeginString, BodyLength, what is given (MsgType first), CheckSum.
pub fn whole(begin: &str, fields: &[Text]) -> Vec<u8> {
    let mut body = Vec::new();
    for (tag, value) in fields {
        body.extend_from_slice(tag.as_bytes());
        body.push(b'=');
        body.extend_from_slice(value);
        body.push(1);
    }
    let mut message = format!("8={begin}\x019={}\x01", body.len()).into_bytes();
    message.extend_from_slice(&body);
    let sum = message.iter().fold(0u8, |sum, &byte| sum.wrapping_add(byte));
    message.extend_from_slice(format!("10={sum:03}\x01").as_bytes());
    message
}

/// The same of `35=D|34=2|...`.
pub fn bars(begin: &str, fields: &str) -> Vec<u8> {
    let fields = fields.split('|').map(|field| {
        let (tag, value) = field.split_once('=').unwrap();
        (tag.to_string(), value.as_bytes().to_vec())
    });
    whole(begin, &fields.collect::<Vec<_>>())
}

/// The index of a message.
pub fn indexed(message: &[u8]) -> FieldIndex {
    let mut index = FieldIndex::new();
    index.read(message).unwrap_or_else(|fault| panic!("{fault:?}: {}", String::from_utf8_lossy(message)));
    index
}

fn pick<T: Copy>(rng: &mut SplitMix64, all: &[T]) -> T {
    all[rng.below(all.len() as u64) as usize]
}

/// A value that fits a field.
pub fn value(rng: &mut SplitMix64, field: FieldDef<'_>) -> String {
    let listed: Vec<&str> = field.values().map(|value| value.value).collect();
    if !listed.is_empty() {
        let first = pick(rng, &listed);
        let several = field.kind().is_multiple() && rng.below(2) == 0;
        return if several { format!("{first} {}", pick(rng, &listed)) } else { first.to_string() };
    }
    let sign = pick(rng, &["", "-"]);
    match field.kind() {
        FieldKind::Char => pick(rng, &["a", "Z", "0", " ", "="]).to_string(),
        FieldKind::Boolean => pick(rng, &["Y", "N"]).to_string(),
        FieldKind::Int | FieldKind::SeqNum | FieldKind::Length => format!("{sign}{}", rng.below(1_000_000)),
        FieldKind::Price | FieldKind::Qty | FieldKind::Amt => format!("{sign}{}.{}", rng.below(99_999), rng.below(99)),
        FieldKind::Float | FieldKind::PriceOffset | FieldKind::Percentage => {
            pick(rng, &["0", "1.", ".5", "-.25", "00012.500", "-0"]).to_string()
        }
        FieldKind::UtcTimestamp | FieldKind::Time => {
            format!("20261121-{:02}:59:60{}", rng.below(24), pick(rng, &["", ".0", ".123", ".123456789"]))
        }
        FieldKind::UtcTimeOnly => format!("{:02}:00:07{}", rng.below(24), pick(rng, &["", ".5", ".999999"])),
        FieldKind::UtcDate | FieldKind::UtcDateOnly => format!("2026{:02}31", rng.below(12) + 1),
        _ => pick(rng, &["x", "EUR/USD", "20261131", "long text with spaces", "7"]).to_string(),
    }
}

/// Fields that are counted in bytes, and their counts: a random value would change how the message is read.
fn is_raw(field: FieldDef<'_>) -> bool {
    matches!(field.kind(), FieldKind::Data | FieldKind::XmlData | FieldKind::Length)
}

fn shuffle<T>(rng: &mut SplitMix64, all: &mut [T]) {
    for last in (1..all.len()).rev() {
        all.swap(last, rng.below(last as u64 + 1) as usize);
    }
}

/// Random fields of these members: the required ones, and of the others about one in `rare`. Members in their order.
fn some(rng: &mut SplitMix64, members: Vec<Member<'_>>, rare: u64, in_group: bool) -> Vec<Vec<Text>> {
    let mut all = Vec::new();
    for (place, member) in members.into_iter().enumerate() {
        let needed = member.required || in_group && place == 0;
        if !needed && (is_raw(member.field) || rng.below(rare) > 0) {
            continue;
        }
        let tag = member.field.tag();
        let Some(group) = member.group else {
            all.push(vec![text(tag, &value(rng, member.field))]);
            continue;
        };
        let entries = rng.below(4);
        let mut fields = vec![text(tag, &entries.to_string())];
        for _ in 0..entries {
            fields.extend(some(rng, group.members().collect(), rare * 3, true).into_iter().flatten());
        }
        all.push(fields);
    }
    all
}

/// A random message that two dictionaries allow, from its MsgType to the field before CheckSum.
pub fn allowed(rng: &mut SplitMix64, transport: &Dictionary, application: &Dictionary) -> Vec<Text> {
    let messages: Vec<MessageDef<'_>> = application.messages().collect();
    let message = pick(rng, &messages);
    let first = |member: &Member<'_>| matches!(member.field.tag(), 8 | 9 | 35);
    let mut header = some(rng, transport.header().filter(|member| !first(member)).collect(), 4, false);
    let rare = 1 + rng.below(20);
    let mut body = some(rng, message.members().collect(), rare, false);
    shuffle(rng, &mut header);
    shuffle(rng, &mut body);
    let fields = header.into_iter().chain(body).flatten();
    std::iter::once(text(35, message.msg_type())).chain(fields).collect()
}

/// Spoils a message in one way or another, behind its MsgType.
pub fn spoil(rng: &mut SplitMix64, fields: &mut Vec<Text>, dictionary: &Dictionary) {
    let count = fields.len() as u64;
    if count < 2 {
        fields.push(text(58, ""));
        return;
    }
    let at = 1 + rng.below(count - 1) as usize;
    let other = 1 + rng.below(count - 1) as usize;
    let known: Vec<FieldDef<'_>> = dictionary.fields().filter(|field| !is_raw(*field)).collect();
    let field = pick(rng, &known);
    match rng.below(9) {
        0 => fields.swap(at, other),
        1 => drop(fields.remove(at)),
        2 => fields.insert(other, fields[at].clone()),
        3 => fields[at].1 = pick(rng, &["", "?", "-", ".", "+1", "1e5", "99", "Y ", " ", "2", "a b"]).into(),
        4 => {
            let tag = pick(rng, &["-1", "0", "4999", "5000", "08", "999999999", "20001", "9999999999"]);
            fields.insert(at, (tag.to_string(), b"1".to_vec()));
        }
        5 => fields.insert(at, text(field.tag(), &value(rng, field))),
        6 => fields[at] = text(field.tag(), &value(rng, field)),
        7 => fields[at].1 = value(rng, field).into_bytes(),
        _ => fields.insert(at, text(pick(rng, &[144, 34, 52, 89, 10, 627, 1128, 212, 43, TAG_MAX]), "1")),
    }
}
