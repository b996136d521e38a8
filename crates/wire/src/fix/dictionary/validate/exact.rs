//! # Room card: wire/fix/dictionary/validate/exact
//! In:    a message that is not plainly right, its dictionaries, which checks are on.
//! Out:   the refusal QuickFIX would send, or nothing.
//! Holds: QuickFIX's reading of a message: a group is what follows its count and belongs to it; an entry begins with
//!        the delimiter, or with a member the entry has already. Sections are judged in the order of tags.
//! Costs: under 1 µs for an ExecutionReport; the scratch grows to the longest message and stays.
use super::super::super::index::{FieldIndex, FieldSpan};
use super::super::super::session::RejectReason;
use super::super::tables::{Container, IN_HEADER, IN_TRAILER, NONE, Tables};
use super::super::{Dictionary, is_standard_header, is_standard_trailer};
use super::{Books, Checks, MessageRefusal};

/// No field.
const NOBODY: u32 = u32::MAX;

/// What is kept from message to message: only its memory.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    marks: Vec<Mark>,
    /// Fields of one section in the order in which they are judged.
    order: Vec<(u32, u32)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Section {
    #[default]
    Header,
    Body,
    Trailer,
}

/// What a field of the message turned out to be.
#[derive(Clone, Copy, Debug)]
struct Mark {
    section: Section,
    /// The count field of the group it is a member of; `NOBODY` outside groups.
    owner: u32,
    /// Its entry there, from 1.
    entry: u32,
    /// Of a count: its group, `NONE` for any other field.
    group: u16,
    /// Of a count: how many entries follow, and the field behind them.
    entries: u32,
    end: u32,
    /// Unknown but tolerated among a group's members.
    tolerated: bool,
}

impl Default for Mark {
    fn default() -> Self {
        Mark { section: Section::Header, owner: NOBODY, entry: 0, group: NONE, entries: 0, end: 0, tolerated: false }
    }
}

/// The groups around a place, the innermost first.
struct Around<'a> {
    group: Container,
    outer: Option<&'a Around<'a>>,
}

struct Judge<'a> {
    books: &'a Books<'a>,
    checks: &'a Checks,
    index: &'a FieldIndex,
    spans: &'a [FieldSpan],
    bytes: &'a [u8],
    marks: &'a mut [Mark],
}

type Verdict = Result<(), MessageRefusal>;

/// See the room card.
#[cold]
pub(super) fn judge(
    books: &Books<'_>,
    checks: &Checks,
    index: &FieldIndex,
    bytes: &[u8],
    scratch: &mut Scratch,
) -> Verdict {
    let spans = index.spans();
    scratch.marks.clear();
    scratch.marks.resize(spans.len(), Mark::default());
    let mut judge = Judge { books, checks, index, spans, bytes, marks: &mut scratch.marks };
    let out_of_order = judge.read();
    if let Some(at) = out_of_order.filter(|_| checks.fields_out_of_order) {
        return Err(judge.refusal(RejectReason::TagOrder, at));
    }
    let Some(message) = books.message else {
        return Err(MessageRefusal { reason: RejectReason::MessageType, ref_tag: None });
    };
    if checks.required_tags {
        judge.required(message)?;
    }
    for section in [Section::Header, Section::Trailer, Section::Body] {
        judge.sort(section, &mut scratch.order);
        let mut before = 0;
        for &(_, at) in &scratch.order {
            judge.field(section, at as usize, before)?;
            before = judge.spans[at as usize].tag;
        }
    }
    Ok(())
}

impl<'a> Judge<'a> {
    fn value(&self, at: usize) -> &'a [u8] {
        self.spans[at].of(self.bytes)
    }

    fn book(&self, section: Section) -> &'a Dictionary {
        if section == Section::Body { self.books.application } else { self.books.transport }
    }

    fn refusal(&self, reason: RejectReason, at: usize) -> MessageRefusal {
        MessageRefusal { reason, ref_tag: Some(ref_tag(self.index.tag_text(self.bytes, at))) }
    }

    fn section(&self, tag: u32) -> Section {
        let tables = &self.books.transport.tables;
        let flags = tables.slot(tag).and_then(|slot| tables.rule(slot)).map_or(0, |rule| rule.flags);
        if is_standard_header(tag) || flags & IN_HEADER != 0 {
            Section::Header
        } else if is_standard_trailer(tag) || flags & IN_TRAILER != 0 {
            Section::Trailer
        } else {
            Section::Body
        }
    }

    /// The members outside groups, as a container.
    fn container(&self, section: Section) -> Container {
        match (section, self.books.message) {
            (Section::Header, _) => self.books.transport.tables.header,
            (Section::Trailer, _) => self.books.transport.tables.trailer,
            (Section::Body, Some(message)) => self.books.application.tables.body(message),
            (Section::Body, None) => Container::default(),
        }
    }

    /// Marks every field. Returns the first that stands in the wrong section of the message.
    fn read(&mut self) -> Option<usize> {
        let (mut at, mut state, mut out_of_order) = (0, Section::Header, None);
        while at < self.spans.len() {
            let section = self.section(self.spans[at].tag);
            let wrong = match section {
                Section::Header => state != Section::Header,
                Section::Body => state == Section::Trailer,
                Section::Trailer => false,
            };
            if wrong && out_of_order.is_none() {
                out_of_order = Some(at);
            }
            if section != Section::Header {
                state = section;
            }
            self.marks[at].section = section;
            let tables = &self.book(section).tables;
            let counted = tables.slot(self.spans[at].tag);
            let group = counted.and_then(|slot| tables.counted(self.container(section), slot));
            at = match group {
                Some(group) => self.read_group(tables, section, at, group, None),
                None => at + 1,
            };
        }
        out_of_order
    }

    /// Marks the members of the group counted at `count`; the place behind them. It calls itself for groups inside, at
    /// most to the dictionary's depth.
    fn read_group(
        &mut self,
        tables: &Tables,
        section: Section,
        count: usize,
        group: u16,
        outer: Option<&Around<'_>>,
    ) -> usize {
        let around = Around { group: tables.group(group), outer };
        let (mut at, mut entries, mut entry_start) = (count + 1, 0, count + 1);
        while at < self.spans.len() {
            let tag = self.spans[at].tag;
            let slot = tables.slot(tag);
            let position = slot.and_then(|slot| tables.position(around.group, slot));
            let mark = Mark { section, owner: count as u32, ..Mark::default() };
            let Some(position) = position else {
                if entries == 0 || !self.checks.tolerates(tag) || self.is_known(tables, tag, outer) {
                    break;
                }
                self.marks[at] = Mark { entry: entries, tolerated: true, ..mark };
                at += 1;
                continue;
            };
            if position.place == 0 || entries == 0 || self.entry_has(entry_start, at, count, tag) {
                (entries, entry_start) = (entries + 1, at);
            }
            self.marks[at] = Mark { entry: entries, ..mark };
            let inner = slot.and_then(|slot| tables.counted(around.group, slot));
            at = match inner {
                Some(inner) => self.read_group(tables, section, at, inner, Some(&around)),
                None => at + 1,
            };
        }
        let mark = &mut self.marks[count];
        (mark.group, mark.entries, mark.end) = (group, entries, at as u32);
        at
    }

    /// Does a tag that the innermost group has not belong to one around it, or to the message?
    fn is_known(&self, tables: &Tables, tag: u32, mut outer: Option<&Around<'_>>) -> bool {
        while let Some(around) = outer {
            if tables.slot(tag).is_some_and(|slot| tables.position(around.group, slot).is_some()) {
                return true;
            }
            outer = around.outer;
        }
        self.section(tag) != Section::Body || self.is_of_message(tag)
    }

    fn is_of_message(&self, tag: u32) -> bool {
        let tables = &self.books.application.tables;
        let (Some(message), Some(slot)) = (self.books.message, tables.slot(tag)) else { return false };
        let allowed = tables.allowed(message);
        allowed.get(slot as usize / 64).is_some_and(|word| word >> (slot % 64) & 1 == 1)
    }

    fn entry_has(&self, start: usize, end: usize, count: usize, tag: u32) -> bool {
        (start..end).any(|at| self.marks[at].owner == count as u32 && self.spans[at].tag == tag)
    }

    /// Required fields of header, trailer and body, then of each entry of the groups.
    fn required(&self, message: u16) -> Verdict {
        let (transport, application) = (self.books.transport, self.books.application);
        let sections = [
            (Section::Header, transport, transport.tables.header),
            (Section::Trailer, transport, transport.tables.trailer),
            (Section::Body, application, application.tables.body(message)),
        ];
        for (section, book, container) in sections {
            let stands = |tag: u32| {
                let here = |at: usize| self.marks[at].owner == NOBODY && self.marks[at].section == section;
                (0..self.spans.len()).any(|at| self.spans[at].tag == tag && here(at))
            };
            for &slot in book.tables.required(container) {
                let tag = book.tables.rule(slot).map_or(0, |rule| rule.tag);
                if !stands(tag) {
                    return Err(missing(tag));
                }
            }
        }
        for section in [Section::Header, Section::Trailer, Section::Body] {
            let counts = |at: &usize| self.marks[*at].owner == NOBODY && self.marks[*at].section == section;
            let mut last = None;
            // In the order of tags; the first of two that are the same, the other is refused as repeated.
            while let Some((tag, at)) = (0..self.spans.len())
                .filter(|at| self.marks[*at].group != NONE)
                .filter(counts)
                .map(|at| (self.spans[at].tag, at))
                .filter(|next| last.is_none_or(|last| next.0 > last))
                .min()
            {
                self.required_in_group(&self.book(section).tables, at)?;
                last = Some(tag);
            }
        }
        Ok(())
    }

    /// Required members of every entry of a group, then of the groups inside it. It calls itself for those.
    fn required_in_group(&self, tables: &Tables, count: usize) -> Verdict {
        let Mark { group, end, .. } = self.marks[count];
        let required = tables.required(tables.group(group));
        let end = end as usize;
        let mut start = count + 1;
        while start < end {
            let entry = self.marks[start].entry;
            let next = |at: &usize| self.marks[*at].owner == count as u32 && self.marks[*at].entry != entry;
            let entry_end = (start..end).find(next).unwrap_or(end);
            let own = |at: &usize| self.marks[*at].owner == count as u32 && !self.marks[*at].tolerated;
            for &slot in required {
                let tag = tables.rule(slot).map_or(0, |rule| rule.tag);
                if !(start..entry_end).filter(own).any(|at| self.spans[at].tag == tag) {
                    return Err(missing(tag));
                }
            }
            for at in (start..entry_end).filter(own).filter(|&at| self.marks[at].group != NONE) {
                self.required_in_group(tables, at)?;
            }
            start = entry_end;
        }
        Ok(())
    }

    /// The fields of a section outside groups: the first three of a header first, CheckSum last, else by tag.
    fn sort(&self, section: Section, order: &mut Vec<(u32, u32)>) {
        order.clear();
        for (at, mark) in self.marks.iter().enumerate() {
            if mark.owner != NOBODY || mark.section != section {
                continue;
            }
            let rank = match (section, self.spans[at].tag) {
                (Section::Header, 8) => 0,
                (Section::Header, 9) => 1,
                (Section::Header, 35) => 2,
                (Section::Trailer, 10) => u32::MAX,
                (_, tag) => tag.saturating_add(3),
            };
            order.push((rank, at as u32));
        }
        order.sort_unstable();
    }

    /// One field outside groups, and the members of the group it counts.
    fn field(&self, section: Section, at: usize, tag_before: u32) -> Verdict {
        let tag = self.spans[at].tag;
        let book = self.book(section);
        if self.checks.repeated_tags && tag != 0 && tag == tag_before {
            return Err(self.refusal(RejectReason::TagRepeated, at));
        }
        self.form(book, at)?;
        if !self.checks.tolerates(tag) {
            let Some(slot) = book.tables.slot(tag) else { return Err(self.refusal(RejectReason::InvalidTag, at)) };
            let flags = book.tables.rule(slot).map_or(0, |rule| rule.flags);
            let anywhere = section != Section::Body || flags & (IN_HEADER | IN_TRAILER) != 0;
            if !anywhere && !self.is_of_message(tag) {
                return Err(self.refusal(RejectReason::TagNotDefined, at));
            }
        }
        self.entries(at)?;
        if self.marks[at].group == NONE { Ok(()) } else { self.members(book, at) }
    }

    /// A value that is there, has the form of its type and is listed.
    fn form(&self, book: &Dictionary, at: usize) -> Verdict {
        let (tag, value) = (self.spans[at].tag, self.value(at));
        if self.checks.fields_have_values && value.is_empty() {
            return Err(self.refusal(RejectReason::NoValue, at));
        }
        let Some(rule) = book.tables.slot(tag).and_then(|slot| book.tables.rule(slot)) else { return Ok(()) };
        if self.checks.data_types && !rule.check.fits(value) {
            return Err(self.refusal(RejectReason::FormatIncorrect, at));
        }
        if self.checks.enum_values && rule.set != NONE && !book.tables.is_value(book, rule.set, value) {
            return Err(self.refusal(RejectReason::ValueIncorrect, at));
        }
        Ok(())
    }

    /// The count of a group is the number of its entries.
    fn entries(&self, at: usize) -> Verdict {
        let mark = self.marks[at];
        let wrong = mark.group != NONE && integer(self.value(at)) != Some(mark.entries as i64);
        if wrong && self.checks.group_counts { Err(self.refusal(RejectReason::GroupCount, at)) } else { Ok(()) }
    }

    /// The members of a group and of those inside it, in wire order.
    fn members(&self, book: &Dictionary, count: usize) -> Verdict {
        for at in count + 1..self.marks[count].end as usize {
            let mark = self.marks[at];
            self.form(book, at)?;
            if mark.tolerated {
                continue;
            }
            if self.checks.unordered_group_fields && !self.is_in_place(&book.tables, at) {
                return Err(self.refusal(RejectReason::GroupOrder, at));
            }
            self.entries(at)?;
        }
        Ok(())
    }

    /// Stands a member behind those before it in the dictionary, and the delimiter first?
    fn is_in_place(&self, tables: &Tables, at: usize) -> bool {
        let mark = self.marks[at];
        let group = tables.group(self.marks[mark.owner as usize].group);
        let place = |at: usize| {
            let slot = tables.slot(self.spans[at].tag)?;
            Some(tables.position(group, slot)?.place)
        };
        let own = |at: &usize| {
            let other = self.marks[*at];
            other.owner == mark.owner && other.entry == mark.entry && !other.tolerated
        };
        match (mark.owner as usize + 1..at).rev().find(own) {
            Some(before) => place(before) < place(at),
            None => place(at) == Some(0),
        }
    }
}

fn missing(tag: u32) -> MessageRefusal {
    MessageRefusal { reason: RejectReason::TagMissing, ref_tag: Some(tag as i32) }
}

/// An integer as QuickFIX reads one; `None` for one of more than eighteen digits, which no count is.
fn integer(value: &[u8]) -> Option<i64> {
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    if digits.is_empty() || digits.len() > 18 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let magnitude = digits.iter().fold(0, |sum, &byte| sum * 10 + (byte - b'0') as i64);
    Some(if digits.len() < value.len() { -magnitude } else { magnitude })
}

/// A tag as it was written, also one that cannot be; 0 for one beyond 32 bits.
fn ref_tag(text: &[u8]) -> i32 {
    integer(text).and_then(|tag| i32::try_from(tag).ok()).unwrap_or(0)
}
