//! # Room card: wire/fix/dictionary/validate/plain
//! In:    a message's fields in wire order, its dictionaries.
//! Out:   whether every check passes, with all of them on.
//! Holds: yes means that `exact` says yes whatever checks are on; no means only that `exact` has to look.
//! Costs: one pass: two loads a tag, two bits, the value's form; sets and stack are made once.
//!
//! Fields known and seen are bits by slot. A group is a frame on a stack: its members are looked up in a small table
//! that gives their place; places rise within an entry and the first one begins the next entry, which settles order,
//! repetition and count at once; required members are counted, because places that rise cannot count one twice.
use super::super::super::index::FieldSpan;
use super::super::Dictionary;
use super::super::source::DICTIONARY_DEPTH_MAX;
use super::super::tables::{COUNTS, Container, FieldRule, IN_HEADER, IN_TRAILER, NONE, Tables};
use super::Books;

/// Which fields a message has had so far, and the groups that are open.
#[derive(Debug)]
pub(super) struct Seen {
    transport: Vec<u64>,
    application: Vec<u64>,
    frames: Box<[Frame; DICTIONARY_DEPTH_MAX]>,
}

impl Default for Seen {
    fn default() -> Self {
        Seen {
            transport: Vec::new(),
            application: Vec::new(),
            frames: Box::new([Frame::default(); DICTIONARY_DEPTH_MAX]),
        }
    }
}

/// A group that is open.
#[derive(Clone, Copy, Debug, Default)]
struct Frame {
    group: Container,
    /// Entries its count says, and entries so far.
    declared: u32,
    entries: u32,
    /// Place of the entry's last member.
    place: u16,
    /// Members every entry needs, and how many of them this one has.
    required: u16,
    had: u16,
}

impl Frame {
    #[inline(always)]
    fn entry_is_whole(&self) -> bool {
        self.entries == 0 || self.had == self.required
    }

    #[inline(always)]
    fn is_whole(&self) -> bool {
        self.entries == self.declared && self.entry_is_whole()
    }
}

/// Sets the bit of a slot; was it unset?
#[inline(always)]
fn first_time(seen: &mut [u64], slot: u16) -> bool {
    let Some(word) = seen.get_mut(slot as usize / 64) else { return false };
    let bit = 1u64 << (slot % 64);
    let first = *word & bit == 0;
    *word |= bit;
    first
}

#[inline(always)]
fn has(set: &[u64], slot: u16) -> bool {
    set.get(slot as usize / 64).is_some_and(|word| word >> (slot % 64) & 1 == 1)
}

#[inline(always)]
fn clear(seen: &mut Vec<u64>, words: usize) {
    seen.clear();
    seen.resize(words, 0);
}

/// Has the value the form of its type, and is it one of those listed?
#[inline(always)]
fn value_fits(dictionary: &Dictionary, rule: &FieldRule, value: &[u8]) -> bool {
    rule.check.fits(value) && (rule.set == NONE || dictionary.tables.is_value(dictionary, rule.set, value))
}

/// A group's count; a sign before it is for the exact way.
#[inline(always)]
fn count(value: &[u8]) -> Option<u32> {
    if value.is_empty() || value.len() > 6 {
        return None;
    }
    value.iter().try_fold(0u32, |count, &byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit <= 9).then_some(count * 10 + digit as u32)
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Header,
    Body,
    Trailer,
}

/// See the room card.
#[inline]
pub(super) fn passes(books: &Books<'_>, spans: &[FieldSpan], bytes: &[u8], seen: &mut Seen) -> bool {
    let Some(message) = books.message else { return false };
    let mut pass = Pass {
        transport: books.transport,
        application: books.application,
        differ: books.differ,
        allowed: books.application.tables.allowed(message),
        body: books.application.tables.body(message),
        section: Section::Header,
        depth: 0,
        frames: &mut seen.frames,
        seen_transport: &mut seen.transport,
        seen_application: &mut seen.application,
    };
    clear(pass.seen_transport, pass.transport.tables.words());
    clear(pass.seen_application, pass.application.tables.words());
    for span in spans {
        let Some(value) = bytes.get(span.start as usize..span.end as usize) else { return false };
        if value.is_empty() || !pass.field(span.tag, value) {
            return false;
        }
    }
    pass.ends_whole()
}

struct Pass<'a> {
    transport: &'a Dictionary,
    application: &'a Dictionary,
    differ: bool,
    allowed: &'a [u64],
    body: Container,
    section: Section,
    depth: usize,
    frames: &'a mut [Frame; DICTIONARY_DEPTH_MAX],
    seen_transport: &'a mut Vec<u64>,
    seen_application: &'a mut Vec<u64>,
}

impl<'a> Pass<'a> {
    /// The dictionary of the section.
    #[inline(always)]
    fn book(&self) -> &'a Dictionary {
        if self.section == Section::Body { self.application } else { self.transport }
    }

    /// One field; may the message go on?
    #[inline(always)]
    fn field(&mut self, tag: u32, value: &[u8]) -> bool {
        if self.depth > 0 {
            match self.member(tag, value) {
                Member::Fits => return true,
                Member::Fails => return false,
                Member::Outside => {}
            }
        }
        if self.section == Section::Header {
            let tables = &self.transport.tables;
            if let Some((slot, rule)) = rule(tables, tag)
                && rule.flags & IN_HEADER != 0
            {
                return first_time(self.seen_transport, slot)
                    && value_fits(self.transport, rule, value)
                    && (rule.flags & COUNTS == 0 || self.open(tables.header, slot, value));
            }
            self.section = Section::Body;
        }
        if self.section == Section::Body {
            let tables = &self.application.tables;
            if let Some((slot, rule)) = rule(tables, tag)
                && rule.flags & (IN_HEADER | IN_TRAILER) == 0
                && !(self.differ && self.is_transports(tag))
            {
                return has(self.allowed, slot)
                    && first_time(self.seen_application, slot)
                    && value_fits(self.application, rule, value)
                    && (rule.flags & COUNTS == 0 || self.open(self.body, slot, value));
            }
            self.section = Section::Trailer;
        }
        let tables = &self.transport.tables;
        let Some((slot, rule)) = rule(tables, tag) else { return false };
        rule.flags & IN_TRAILER != 0
            && first_time(self.seen_transport, slot)
            && value_fits(self.transport, rule, value)
            && (rule.flags & COUNTS == 0 || self.open(tables.trailer, slot, value))
    }

    /// Is this a field of the transport's header or trailer?
    #[inline(always)]
    fn is_transports(&self, tag: u32) -> bool {
        rule(&self.transport.tables, tag).is_some_and(|(_, rule)| rule.flags & (IN_HEADER | IN_TRAILER) != 0)
    }

    /// Opens the group that a field counts in a container, if it counts one there.
    #[inline(always)]
    fn open(&mut self, container: Container, slot: u16, value: &[u8]) -> bool {
        let tables = &self.book().tables;
        let Some(group) = tables.counted(container, slot) else { return true };
        let (Some(declared), Some(frame)) = (count(value), self.frames.get_mut(self.depth)) else { return false };
        let group = tables.group(group);
        let required = tables.required(group).len() as u16;
        *frame = Frame { group, declared, entries: 0, place: 0, required, had: 0 };
        self.depth += 1;
        true
    }

    /// A field while groups are open: a member of the innermost, or of one around it, which closes those inside.
    #[inline(always)]
    fn member(&mut self, tag: u32, value: &[u8]) -> Member {
        let book = self.book();
        let Some((slot, rule)) = rule(&book.tables, tag) else {
            // Behind a group of the header the body's dictionary may know it.
            let whole = self.frames.iter().take(self.depth).all(Frame::is_whole);
            self.depth = 0;
            return if whole { Member::Outside } else { Member::Fails };
        };
        while let Some(frame) = self.depth.checked_sub(1).and_then(|top| self.frames.get_mut(top)) {
            let Some(position) = book.tables.position(frame.group, slot) else {
                if !frame.is_whole() {
                    return Member::Fails;
                }
                self.depth -= 1;
                continue;
            };
            if position.place == 0 {
                if !frame.entry_is_whole() {
                    return Member::Fails;
                }
                frame.entries += 1;
                frame.had = 0;
            } else if frame.entries == 0 || position.place <= frame.place {
                return Member::Fails;
            }
            frame.place = position.place;
            frame.had += position.required as u16;
            let group = frame.group;
            let fits = value_fits(book, rule, value) && (rule.flags & COUNTS == 0 || self.open(group, slot, value));
            return if fits { Member::Fits } else { Member::Fails };
        }
        Member::Outside
    }

    /// At the message's end: groups are whole, and every required field was there.
    #[inline(always)]
    fn ends_whole(&self) -> bool {
        let (transport, application) = (&self.transport.tables, &self.application.tables);
        let all = |tables: &Tables, container, seen: &[u64]| tables.required(container).iter().all(|&s| has(seen, s));
        self.frames.iter().take(self.depth).all(Frame::is_whole)
            && all(transport, transport.header, self.seen_transport)
            && all(transport, transport.trailer, self.seen_transport)
            && all(application, self.body, self.seen_application)
    }
}

/// What a field is to the groups that are open.
enum Member {
    Fits,
    Fails,
    /// No group is open any more.
    Outside,
}

#[inline(always)]
fn rule(tables: &Tables, tag: u32) -> Option<(u16, &FieldRule)> {
    let slot = tables.slot(tag)?;
    Some((slot, tables.rule(slot)?))
}
