//! # Room card: wire/fix/session/route
//! In:    a message of the peer, as it is: it may break every rule.
//! Out:   the routing fields of a refusal of it, turned around; fields wherever they stand.
//! Holds: fields without a value are not turned around (as in QuickFIX).
//! Costs: a scan of the header; only refusals pay it.
use super::super::index::{BeginString, is_header};
use super::SessionSetup;

/// A field as it stands: text of its tag, value.
type Raw<'a> = (&'a [u8], &'a [u8]);

/// Fields one after the other, whatever their tags and values are. Separators inside data fields are taken for such.
fn raw(bytes: &[u8]) -> impl Iterator<Item = Raw<'_>> {
    bytes.split(|&byte| byte == 1).filter_map(|field| {
        let sign = field.iter().position(|&byte| byte == b'=')?;
        Some((&field[..sign], &field[sign + 1..]))
    })
}

fn number(tag: &[u8]) -> Option<u32> {
    let good = !tag.is_empty() && tag.len() <= 9 && tag[0] != b'0' && tag.iter().all(u8::is_ascii_digit);
    good.then(|| tag.iter().fold(0, |tag, digit| tag * 10 + (digit - b'0') as u32))
}

/// The first field with this tag, header or not.
pub(super) fn anywhere(bytes: &[u8], tag: u32) -> Option<&[u8]> {
    raw(bytes).find(|field| number(field.0) == Some(tag)).map(|field| field.1)
}

/// A field of the header.
pub(super) fn in_header(bytes: &[u8], tag: u32) -> Option<&[u8]> {
    raw(bytes)
        .map_while(|field| number(field.0).filter(|&tag| is_header(tag)).map(|tag| (tag, field.1)))
        .find(|field| field.0 == tag)
        .map(|field| field.1)
}

/// The text of the first tag that is none.
pub(super) fn no_tag(bytes: &[u8]) -> Option<&[u8]> {
    raw(bytes).map(|field| field.0).find(|tag| number(tag).is_none())
}

/// What a refusal carries, ascending, and the field of the message it takes the value from.
const TURNED: [(u32, u32); 10] = [
    (50, 57),
    (57, 50),
    (115, 128),
    (116, 129),
    (128, 115),
    (129, 116),
    (142, 143),
    (143, 142),
    (144, 145),
    (145, 144),
];

/// Routing fields of a refusal of this message. Locations came with FIX.4.1; what the session says in every message,
/// it says here too.
pub(super) fn turned(message: &[u8], setup: &SessionSetup) -> Vec<u8> {
    let mut fields = Vec::new();
    for (tag, from) in TURNED {
        let is_ours = match tag {
            50 => setup.sender_sub.is_some(),
            57 => setup.target_sub.is_some(),
            142 => setup.sender_location.is_some(),
            143 => setup.target_location.is_some(),
            _ => false,
        };
        let is_location = matches!(tag, 142..=145);
        if is_ours || (is_location && setup.begin < BeginString::Fix41) {
            continue;
        }
        if let Some(value) = in_header(message, from).filter(|value| !value.is_empty()) {
            fields.extend_from_slice(tag.to_string().as_bytes());
            fields.push(b'=');
            fields.extend_from_slice(value);
            fields.push(1);
        }
    }
    fields
}
