//! # Room card: wire/fix/dictionary/rows
//! In:    places in a dictionary's arrays.
//! Out:   the rows that stand there.
//! Holds: every range and place of a row lies within its dictionary's arrays: `resolve` makes them together.
//! Costs: layouts only.
use super::{Category, FieldKind};

/// A member that is no group.
pub(super) const NO_GROUP: u16 = u16::MAX;

/// A text in the arena.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes {
    pub start: u32,
    pub length: u16,
}

impl Bytes {
    pub fn of(self, arena: &str) -> &str {
        arena.get(self.start as usize..self.start as usize + self.length as usize).unwrap_or_default()
    }
}

/// A range of an array.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Range {
    start: u32,
    end: u32,
}

impl Range {
    pub fn of(start: usize, end: usize) -> Range {
        Range { start: start as u32, end: end as u32 }
    }

    #[inline(always)]
    pub fn slice<T>(self, all: &[T]) -> &[T] {
        all.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// A field; its place is its slot, and slots are in the order of tags.
#[derive(Debug)]
pub(super) struct FieldRow {
    pub tag: u32,
    pub name: Bytes,
    pub kind: FieldKind,
    /// Of `values`, in the order of their bytes.
    pub values: Range,
}

/// A value and its name.
#[derive(Debug)]
pub(super) struct ValueRow {
    pub value: Bytes,
    pub name: Bytes,
}

/// A message, in the order of the dictionary.
#[derive(Debug)]
pub(super) struct MessageRow {
    pub msg_type: Bytes,
    pub name: Bytes,
    pub category: Category,
    pub members: Range,
}

/// A repeating group.
#[derive(Debug)]
pub(super) struct GroupRow {
    pub members: Range,
}

/// A member of a message, a group, header or trailer, in the order of the dictionary.
#[derive(Clone, Copy, Debug)]
pub(super) struct MemberRow {
    pub slot: u16,
    /// `NO_GROUP` for a plain field.
    pub group: u16,
    pub required: bool,
}
