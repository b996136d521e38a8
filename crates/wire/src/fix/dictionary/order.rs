//! # Room card: wire/fix/dictionary/order
//! In:    the spans of a message's body, its definition.
//! Out:   the body in canonical order: tags ascending, each group behind its count, members in the dictionary's order.
//! Holds: every field once and unchanged; fields with one tag keep their order.
//! Costs: a sort and a list a level; for messages sent on, not for the hot path.
use super::super::index::FieldSpan;
use super::groups::length;
use super::{GroupDef, MessageDef};

impl MessageDef<'_> {
    /// Writes a body in canonical order behind what `out` holds: `body` are its spans, `bytes` those of the whole
    /// message. What the definition does not know is put by its tag too.
    pub fn write_ordered(&self, body: &[FieldSpan], bytes: &[u8], out: &mut Vec<u8>) {
        let tables = &self.dictionary.tables;
        let container = tables.message(self.msg_type().as_bytes()).map(|message| tables.body(message));
        let counted = |tag| self.dictionary.group_at(tables.counted(container?, tables.slot(tag)?)?);
        write(body, bytes, &counted, &|tag| tag, out);
    }
}

/// A field with the group it counts, if any.
struct Piece<'a> {
    rank: u32,
    field: FieldSpan,
    members: &'a [FieldSpan],
    group: Option<GroupDef<'a>>,
}

/// It calls itself for the entries of groups, at most to the dictionary's depth.
fn write<'a>(
    spans: &[FieldSpan],
    bytes: &[u8],
    counted: &dyn Fn(u32) -> Option<GroupDef<'a>>,
    rank: &dyn Fn(u32) -> u32,
    out: &mut Vec<u8>,
) {
    let (mut pieces, mut rest) = (Vec::new(), spans);
    while let [field, behind @ ..] = rest {
        let group = counted(field.tag);
        let (members, after) = behind.split_at(group.map_or(0, |group| length(behind, group)));
        pieces.push(Piece { rank: rank(field.tag), field: *field, members, group });
        rest = after;
    }
    pieces.sort_by_key(|piece| piece.rank);
    for Piece { field, members, group, .. } in pieces {
        out.extend_from_slice(field.tag.to_string().as_bytes());
        out.push(b'=');
        out.extend_from_slice(field.of(bytes));
        out.push(1);
        let Some(group) = group else { continue };
        for entry in group.entries(members) {
            let place = |tag| group.place(tag).map_or(u32::MAX, u32::from);
            write(entry.spans(), bytes, &|tag| group.counted(tag), &place, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use types::rng::SplitMix64;

    use super::super::tests::sample::{allowed, bars, indexed, whole};
    use super::super::{Checks, FixVersion, Validator};
    use crate::fix::FieldIndex;

    fn ordered(version: FixVersion, message: &[u8], index: &FieldIndex) -> Vec<u8> {
        let mut out = Vec::new();
        let dictionary = version.dictionary();
        dictionary.message(index.msg_type(message)).unwrap().write_ordered(index.body(), message, &mut out);
        out
    }

    #[test]
    fn tags_ascend_and_groups_stay_whole_with_members_in_the_dictionarys_order() {
        let body =
            "60=20261121-22:00:00|453=2|448=b|452=1|447=D|802=1|523=s|803=4|448=a|447=D|452=3|40=1|54=1|55=X|11=id";
        let message = bars("FIX.4.4", &format!("35=D|34=2|49=A|52=20261121-22:00:00|56=B|{body}"));
        let text = ordered(FixVersion::Fix44, &message, &indexed(&message));
        let expected = "11=id|40=1|54=1|55=X|60=20261121-22:00:00|\
                        453=2|448=b|447=D|452=1|802=1|523=s|803=4|448=a|447=D|452=3|";
        assert_eq!(String::from_utf8(text).unwrap().replace('\u{1}', "|"), expected);
    }

    #[test]
    fn what_is_allowed_keeps_its_fields_and_is_allowed_after_it() {
        let seed = 0x6f72_6465_7221;
        println!("seed {seed:#x}");
        let mut rng = SplitMix64::new(seed);
        let version = FixVersion::Fix44;
        let mut validator = Validator::built_in(version, Checks::default());
        let mut held = 0;
        for _ in 0..2_000 {
            let dictionary = version.dictionary();
            let fields = allowed(&mut rng, &dictionary, &dictionary);
            let message = whole("FIX.4.4", &fields);
            let index = indexed(&message);
            if validator.check(&index, &message).is_err() {
                // A random count may be none that is listed.
                continue;
            }
            held += 1;
            let head = index.body().first().map_or(index.trailer()[0].start, |span| span.start) as usize;
            let text = ordered(version, &message, &index);
            // The same header, the body in its new order.
            let front = message[..head].iter().rposition(|&byte| byte == 1).unwrap() + 1;
            let start = message.windows(4).position(|four| four == b"\x0135=").unwrap() + 1;
            let body = [&message[start..front], &text].concat();
            let again = [format!("8=FIX.4.4\x019={}\x01", body.len()).as_bytes(), &body].concat();
            let sum = again.iter().fold(0u8, |sum, &byte| sum.wrapping_add(byte));
            let again = [again, format!("10={sum:03}\x01").into_bytes()].concat();
            let read = indexed(&again);
            assert_eq!(validator.check(&read, &again), Ok(()), "{}", String::from_utf8_lossy(&again));
            assert_eq!(ordered(version, &again, &read), text, "once more changes nothing");
            let sorted = |bytes: &[u8]| {
                let mut fields: Vec<Vec<u8>> = bytes.split(|&byte| byte == 1).map(<[u8]>::to_vec).collect();
                fields.sort();
                fields
            };
            let end = index.trailer()[0].start as usize - 3;
            assert_eq!(sorted(&message[front..end]), sorted(&text));
        }
        assert!(held > 1_000, "{held}");
    }
}
