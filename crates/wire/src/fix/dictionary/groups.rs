//! # Room card: wire/fix/dictionary/groups
//! In:    the spans of an indexed message, a group of its dictionary.
//! Out:   its entries as ranges of spans, groups inside them likewise; nothing is copied.
//! Holds: entries are what `Validator` takes for them: one begins with the delimiter, or with a member the entry has
//!        already; what is no member ends the group. The count is not believed.
//! Costs: a lookup a field; a field of a group inside once a level.
use super::super::index::FieldSpan;
use super::{GroupDef, MessageDef};

/// The entries of a repeating group, one after the other.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    spans: &'a [FieldSpan],
    group: GroupDef<'a>,
}

/// One entry of a repeating group.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    spans: &'a [FieldSpan],
    group: GroupDef<'a>,
}

impl<'a> MessageDef<'a> {
    /// The entries of a group of this message's body, by the tag of its count; `spans` are all of a message. `None`
    /// when the message has no such group, or has it not sent.
    pub fn entries(&self, spans: &'a [FieldSpan], count_tag: u32) -> Option<Entries<'a>> {
        let group = self.group(count_tag)?;
        let tables = &self.dictionary.tables;
        let body = tables.body(tables.message(self.msg_type().as_bytes())?);
        let mut rest = spans;
        while let [span, behind @ ..] = rest {
            if span.tag == count_tag {
                return Some(Entries { spans: behind, group });
            }
            let counted = tables.slot(span.tag).and_then(|slot| tables.counted(body, slot));
            rest = match counted.and_then(|place| self.dictionary.group_at(place)) {
                Some(other) => &behind[length(behind, other)..],
                None => behind,
            };
        }
        None
    }
}

impl<'a> GroupDef<'a> {
    /// The entries of this group in `spans`, which begin behind its count.
    pub fn entries(&self, spans: &'a [FieldSpan]) -> Entries<'a> {
        Entries { spans, group: *self }
    }

    /// The place of a tag among the members.
    pub(super) fn place(&self, tag: u32) -> Option<u16> {
        let tables = &self.dictionary.tables;
        Some(tables.position(tables.group(self.place), tables.slot(tag)?)?.place)
    }

    /// The group inside this one that a tag counts.
    pub(super) fn counted(&self, tag: u32) -> Option<GroupDef<'a>> {
        let tables = &self.dictionary.tables;
        self.dictionary.group_at(tables.counted(tables.group(self.place), tables.slot(tag)?)?)
    }
}

/// How many spans the whole group has. It calls itself for groups inside, at most to the dictionary's depth.
pub(super) fn length(spans: &[FieldSpan], group: GroupDef<'_>) -> usize {
    let mut at = 0;
    while let Some(next) = entry_length(&spans[at..], group) {
        at += next;
    }
    at
}

/// How many spans the first entry has; `None` when none begins here.
fn entry_length(spans: &[FieldSpan], group: GroupDef<'_>) -> Option<usize> {
    group.place(spans.first()?.tag)?;
    let (mut at, mut largest) = (0, 0);
    while let Some(span) = spans.get(at) {
        let Some(place) = group.place(span.tag) else { break };
        let again = at > 0 && (place == 0 || place <= largest && has(&spans[..at], span.tag, group));
        if again {
            break;
        }
        largest = largest.max(place);
        at += 1;
        if let Some(inner) = group.counted(span.tag) {
            at += length(&spans[at..], inner);
        }
    }
    Some(at)
}

/// Has the entry, as far as it goes, this member? Members of groups inside do not count.
fn has(entry: &[FieldSpan], tag: u32, group: GroupDef<'_>) -> bool {
    let mut at = 0;
    while let Some(span) = entry.get(at) {
        if span.tag == tag {
            return true;
        }
        at += 1;
        if let Some(inner) = group.counted(span.tag) {
            at += length(&entry[at..], inner);
        }
    }
    false
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let (entry, rest) = self.spans.split_at_checked(entry_length(self.spans, self.group)?)?;
        self.spans = rest;
        Some(Entry { spans: entry, group: self.group })
    }
}

impl<'a> Entry<'a> {
    /// Its fields, those of groups inside included.
    pub fn spans(&self) -> &'a [FieldSpan] {
        self.spans
    }

    /// The member of a tag, but for those of groups inside.
    pub fn get(&self, tag: u32) -> Option<FieldSpan> {
        self.find(tag).map(|at| self.spans[at])
    }

    /// The entries of a group inside, by the tag of its count.
    pub fn entries(&self, count_tag: u32) -> Option<Entries<'a>> {
        let inner = self.group.counted(count_tag)?;
        let at = self.find(count_tag)?;
        Some(Entries { spans: &self.spans[at + 1..], group: inner })
    }

    fn find(&self, tag: u32) -> Option<usize> {
        let mut at = 0;
        while let Some(span) = self.spans.get(at) {
            if span.tag == tag {
                return Some(at);
            }
            at += 1;
            if let Some(inner) = self.group.counted(span.tag) {
                at += length(&self.spans[at..], inner);
            }
        }
        None
    }
}
