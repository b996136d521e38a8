//! # Room card: wire/fix/dictionary/tests/naive
//! In:    fields as text, two dictionaries, which checks are on.
//! Out:   the number of the reason and the tag, or nothing.
//! Holds: QuickFIX's rules written down plainly: a tree of fields, lists that are searched, no table of the validator.
//! Costs: test only.
use super::sample::Text;
use super::*;

/// A field with the entries of the group it counts.
struct Item<'a> {
    tag: i64,
    /// As a Reject names it.
    shown: i64,
    value: &'a [u8],
    /// The group it counts where it stands.
    group: Option<GroupDef<'a>>,
    entries: Vec<Vec<Item<'a>>>,
    stranger: bool,
}

pub struct Naive<'a> {
    pub transport: &'a Dictionary,
    pub application: &'a Dictionary,
    pub checks: Checks,
}

type Refused = Result<(), (u8, Option<i64>)>;

const HEADER: [i64; 29] = [
    8, 9, 34, 35, 43, 49, 50, 52, 56, 57, 90, 97, 115, 116, 122, 128, 129, 142, 143, 144, 145, 212, 213, 347, 369, 370,
    627, 1128, 1129,
];

impl<'a> Naive<'a> {
    fn part(&self, tag: i64) -> usize {
        let is = |mut members: Box<dyn Iterator<Item = Member<'a>> + 'a>| members.any(|m| m.field.tag() as i64 == tag);
        if HEADER.contains(&tag) || is(Box::new(self.transport.header())) {
            0
        } else if [10, 89, 93].contains(&tag) || is(Box::new(self.transport.trailer())) {
            2
        } else {
            1
        }
    }

    fn tolerates(&self, tag: i64) -> bool {
        if tag < 5_000 { self.checks.allow_unknown_msg_fields } else { !self.checks.user_defined_fields }
    }

    fn members(&self, part: usize, message: Option<MessageDef<'a>>) -> Vec<Member<'a>> {
        match part {
            0 => self.transport.header().collect(),
            2 => self.transport.trailer().collect(),
            _ => message.map(|message| message.members().collect()).unwrap_or_default(),
        }
    }

    /// Judges a whole message, BeginString to CheckSum.
    pub fn judge(&self, fields: &'a [Text]) -> Refused {
        let message = self.application.message(&fields[2].1);
        let mut parts: [Vec<Item<'a>>; 3] = [vec![], vec![], vec![]];
        let (mut at, mut reached, mut misplaced) = (0, 0, None);
        while at < fields.len() {
            let tag = number(&fields[at].0);
            let part = self.part(tag);
            if (part == 0 && reached > 0 || part == 1 && reached == 2) && misplaced.is_none() {
                misplaced = Some(written(&fields[at].0));
            }
            if part > 0 {
                reached = part;
            }
            let member = self.members(part, message).into_iter().find(|member| member.field.tag() as i64 == tag);
            let group = member.and_then(|member| member.group);
            let (value, shown) = (&fields[at].1[..], written(&fields[at].0));
            at += 1;
            let entries = match group {
                Some(group) => self.entries(fields, &mut at, group, &[], message),
                None => Vec::new(),
            };
            parts[part].push(Item { tag, shown, value, group, entries, stranger: false });
        }
        if let Some(tag) = misplaced.filter(|_| self.checks.fields_out_of_order) {
            return Err((14, Some(tag)));
        }
        let Some(message) = message else { return Err((11, None)) };
        if self.checks.required_tags {
            for part in [0, 2, 1] {
                needs(self.members(part, Some(message)), &parts[part])?;
            }
            for part in [0, 1, 2] {
                let mut counts: Vec<&Item<'_>> = parts[part].iter().filter(|item| item.group.is_some()).collect();
                counts.sort_by_key(|item| item.tag);
                counts.dedup_by_key(|item| item.tag);
                counts.into_iter().try_for_each(needs_inside)?;
            }
        }
        for part in [0, 2, 1] {
            let mut sorted: Vec<&Item<'_>> = parts[part].iter().collect();
            let rank = |tag: i64| match (part, tag) {
                (0, 8) => -3,
                (0, 9) => -2,
                (0, 35) => -1,
                (2, 10) => i64::MAX,
                _ => tag.max(0),
            };
            sorted.sort_by_key(|item| rank(item.tag));
            let mut before = 0;
            for item in sorted {
                self.top(item, part, before, message)?;
                before = item.tag;
            }
        }
        Ok(())
    }

    fn entries(
        &self,
        fields: &'a [Text],
        at: &mut usize,
        group: GroupDef<'a>,
        around: &[GroupDef<'a>],
        message: Option<MessageDef<'a>>,
    ) -> Vec<Vec<Item<'a>>> {
        let has = |group: &GroupDef<'a>, tag: i64| group.members().find(|member| member.field.tag() as i64 == tag);
        let mut all: Vec<Vec<Item<'a>>> = Vec::new();
        while *at < fields.len() {
            let (tag, value) = (number(&fields[*at].0), &fields[*at].1[..]);
            let Some(member) = has(&group, tag) else {
                let known = around.iter().any(|outer| has(outer, tag).is_some())
                    || self.part(tag) != 1
                    || message.is_some_and(|message| message.members().any(|m| m.field.tag() as i64 == tag));
                if known || !self.tolerates(tag) || all.is_empty() {
                    break;
                }
                all.last_mut().unwrap().push(Item {
                    tag,
                    shown: written(&fields[*at].0),
                    value,
                    group: None,
                    entries: vec![],
                    stranger: true,
                });
                *at += 1;
                continue;
            };
            let again = all.last().is_none_or(|entry| entry.iter().any(|item| item.tag == tag));
            if again || tag == group.delimiter() as i64 {
                all.push(Vec::new());
            }
            *at += 1;
            let inside = match member.group {
                Some(inner) => self.entries(fields, at, inner, &[around, &[group]].concat(), message),
                None => Vec::new(),
            };
            let item = Item { tag, shown: tag, value, group: member.group, entries: inside, stranger: false };
            all.last_mut().unwrap().push(item);
        }
        all
    }

    fn book(&self, part: usize) -> &'a Dictionary {
        if part == 1 { self.application } else { self.transport }
    }

    fn top(&self, item: &Item<'_>, part: usize, before: i64, message: MessageDef<'_>) -> Refused {
        if self.checks.repeated_tags && item.tag > 0 && item.tag == before {
            return Err((13, Some(item.shown)));
        }
        self.form(item, part)?;
        if !self.tolerates(item.tag) {
            let known = u32::try_from(item.tag).is_ok_and(|tag| self.book(part).field(tag).is_some());
            if !known {
                return Err((0, Some(item.shown)));
            }
            if part == 1 && !message.members().any(|member| member.field.tag() as i64 == item.tag) {
                return Err((2, Some(item.shown)));
            }
        }
        self.counted(item)?;
        self.inside(item, part)
    }

    fn counted(&self, item: &Item<'_>) -> Refused {
        let said = std::str::from_utf8(item.value).ok().filter(|text| !text.starts_with('+'));
        let said = said.and_then(|text| text.parse::<i64>().ok());
        let wrong = item.group.is_some() && said != Some(item.entries.len() as i64);
        if wrong && self.checks.group_counts { Err((16, Some(item.shown))) } else { Ok(()) }
    }

    fn inside(&self, count: &Item<'_>, part: usize) -> Refused {
        let Some(group) = count.group else { return Ok(()) };
        let order: Vec<i64> = group.members().map(|member| member.field.tag() as i64).collect();
        for entry in &count.entries {
            let mut before: Option<usize> = None;
            for item in entry {
                self.form(item, part)?;
                if item.stranger {
                    continue;
                }
                let place = order.iter().position(|&tag| tag == item.tag).unwrap();
                let fits = before.map_or(place == 0, |before| before < place);
                if self.checks.unordered_group_fields && !fits {
                    return Err((15, Some(item.shown)));
                }
                before = Some(place);
                self.counted(item)?;
                self.inside(item, part)?;
            }
        }
        Ok(())
    }

    fn form(&self, item: &Item<'_>, part: usize) -> Refused {
        if self.checks.fields_have_values && item.value.is_empty() {
            return Err((4, Some(item.shown)));
        }
        let book = self.book(part);
        let Some(field) = u32::try_from(item.tag).ok().and_then(|tag| book.field(tag)) else { return Ok(()) };
        if self.checks.data_types && !has_form(field.kind(), book.version() < "FIX.4.2", item.value) {
            return Err((6, Some(item.shown)));
        }
        let listed = |value: &[u8]| field.values().any(|known| known.value.as_bytes() == value);
        let words: Vec<&[u8]> = match field.kind().is_multiple() {
            true => item.value.split(|&byte| byte == b' ').collect(),
            false => vec![item.value],
        };
        let fits = field.values().len() == 0 || words.into_iter().all(listed);
        if self.checks.enum_values && !fits { Err((5, Some(item.shown))) } else { Ok(()) }
    }
}

/// Tags that are none: all of them are 0 to the index, so that two of them are not the same tag twice.
fn number(tag: &str) -> i64 {
    let is_tag = tag.len() <= 9 && !tag.starts_with('0') && tag.bytes().all(|byte| byte.is_ascii_digit());
    if is_tag { tag.parse().unwrap() } else { 0 }
}

fn written(tag: &str) -> i64 {
    tag.parse::<i32>().map_or(0, i64::from)
}

fn needs(members: Vec<Member<'_>>, items: &[Item<'_>]) -> Refused {
    let mut missing: Vec<i64> = members.iter().filter(|m| m.required).map(|m| m.field.tag() as i64).collect();
    missing.retain(|&tag| !items.iter().any(|item| item.tag == tag && !item.stranger));
    missing.into_iter().min().map_or(Ok(()), |tag| Err((1, Some(tag))))
}

fn needs_inside(count: &Item<'_>) -> Refused {
    let Some(group) = count.group else { return Ok(()) };
    for entry in &count.entries {
        needs(group.members().collect(), entry)?;
        entry.iter().try_for_each(needs_inside)?;
    }
    Ok(())
}

/// The forms of data types, by the standard library where it can say.
fn has_form(kind: FieldKind, old: bool, value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return true };
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let ranged = |text: &str, from: u32, to: u32| digits(text) && (from..=to).contains(&text.parse().unwrap());
    let date =
        |text: &str| text.len() == 8 && digits(&text[..4]) && ranged(&text[4..6], 1, 12) && ranged(&text[6..], 1, 31);
    let time = |text: &str| {
        let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let parts: Vec<&str> = clock.split(':').collect();
        let [h, m, s] = parts[..] else { return false };
        let two = [h, m, s].iter().all(|part| part.len() == 2);
        let fits = two && ranged(h, 0, 23) && ranged(m, 0, 59) && ranged(s, 0, 60);
        fits && fraction.len() <= 9 && (fraction.is_empty() || digits(fraction))
    };
    match kind {
        FieldKind::Char => old || text.len() == 1,
        FieldKind::Boolean => text == "Y" || text == "N",
        FieldKind::Int | FieldKind::NumInGroup | FieldKind::SeqNum | FieldKind::Length => {
            digits(text.strip_prefix('-').unwrap_or(text))
        }
        FieldKind::Price
        | FieldKind::Amt
        | FieldKind::Qty
        | FieldKind::Float
        | FieldKind::PriceOffset
        | FieldKind::Percentage => !text.contains(['e', 'E', '+', 'n', 'N', 'i', 'I']) && text.parse::<f64>().is_ok(),
        FieldKind::UtcTimestamp | FieldKind::Time => {
            text.is_ascii() && text.split_once('-').is_some_and(|(day, clock)| date(day) && time(clock))
        }
        FieldKind::UtcTimeOnly => time(text),
        FieldKind::UtcDate | FieldKind::UtcDateOnly => text.is_ascii() && date(text),
        _ => true,
    }
}
