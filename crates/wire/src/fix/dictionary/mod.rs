//! # Room card: wire/fix/dictionary
//! In:    a version of FIX, or a user's dictionary in QuickFIX's XML form.
//! Out:   fields, values, messages, groups by name and by number; `Validator`, which holds messages to them.
//! Holds: read-only once loaded; a dictionary is taken whole or refused whole; every array has a bound (`source`).
//! Costs: a lookup by tag or message type 1 to 3 ns, by name a binary search; loading see `built_in` and `xml`.
mod built_in;
mod compact;
mod error;
mod groups;
mod kind;
mod order;
mod resolve;
mod rows;
mod session_rules;
mod source;
mod tables;
#[cfg(test)]
mod tests;
mod typescript;
mod validate;
mod value_check;
mod xml;

pub use built_in::FixVersion;
pub use error::{DictionaryError, DictionaryFault};
pub use groups::{Entries, Entry};
pub use kind::{FieldKind, FieldShape};
pub use session_rules::DictionaryRules;
pub use source::{
    DICTIONARY_COMPONENTS_MAX, DICTIONARY_DEPTH_MAX, DICTIONARY_FIELDS_MAX, DICTIONARY_GROUPS_MAX,
    DICTIONARY_MEMBERS_MAX, DICTIONARY_MESSAGES_MAX, DICTIONARY_TEXT_BYTES_MAX, DICTIONARY_VALUES_MAX,
    MSG_TYPE_BYTES_MAX, TAG_MAX,
};
pub use validate::{Checks, MessageRefusal, USER_DEFINED_TAG_MIN, Validator};
pub use xml::DICTIONARY_XML_BYTES_MAX;

use rows::{FieldRow, GroupRow, MemberRow, MessageRow, NO_GROUP, Range, ValueRow};
use tables::Tables;

/// What a message is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Category {
    /// For the session: Logon, Heartbeat and the like.
    Admin,
    /// For the application.
    Application,
}

/// The fields and messages of one version of FIX, or of one venue. Immutable: share it in an `Arc`.
#[derive(Debug)]
pub struct Dictionary {
    version: String,
    /// Every name and value.
    arena: String,
    /// In the order of tags; the place is the slot.
    fields: Box<[FieldRow]>,
    field_names: Box<[u16]>,
    values: Box<[ValueRow]>,
    messages: Box<[MessageRow]>,
    message_names: Box<[u16]>,
    groups: Box<[GroupRow]>,
    members: Box<[MemberRow]>,
    header: Range,
    trailer: Range,
    tables: Tables,
}

/// A field of a dictionary.
#[derive(Clone, Copy, Debug)]
pub struct FieldDef<'a> {
    dictionary: &'a Dictionary,
    row: &'a FieldRow,
}

/// A value that a field may have, of those its dictionary lists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ValueDef<'a> {
    /// As it stands in a message: `1`.
    pub value: &'a str,
    /// Its name: `BUY`; empty when the dictionary gives none.
    pub name: &'a str,
}

/// A message of a dictionary.
#[derive(Clone, Copy, Debug)]
pub struct MessageDef<'a> {
    dictionary: &'a Dictionary,
    row: &'a MessageRow,
}

/// A repeating group.
#[derive(Clone, Copy, Debug)]
pub struct GroupDef<'a> {
    dictionary: &'a Dictionary,
    place: u16,
    row: &'a GroupRow,
}

/// A member of a message, a group, the header or the trailer.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// The field; of a group, the one that counts its entries.
    pub field: FieldDef<'a>,
    /// Must it be there? Of a group's member: in each entry.
    pub required: bool,
    /// The group it counts.
    pub group: Option<GroupDef<'a>>,
}

impl Dictionary {
    /// Loads a dictionary in QuickFIX's XML form. Errors: `DictionaryError`, with the line of the first fault.
    pub fn from_xml(text: &str) -> Result<Dictionary, DictionaryError> {
        Ok(resolve::dictionary(&xml::read(text)?)?)
    }

    /// The compact table of a dictionary in QuickFIX's XML form, as this library carries its own: deflated text.
    ///
    /// Errors: as `from_xml`.
    pub fn pack_xml(text: &str) -> Result<Vec<u8>, DictionaryError> {
        let source = xml::read(text)?;
        resolve::dictionary(&source)?;
        Ok(compact::pack(&source))
    }

    /// `FIX.4.4`, `FIXT.1.1`, `FIX.5.0SP2`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Every field, in the order of tags.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = FieldDef<'_>> {
        self.fields.iter().map(|row| FieldDef { dictionary: self, row })
    }

    /// The field of a tag.
    #[inline]
    pub fn field(&self, tag: u32) -> Option<FieldDef<'_>> {
        self.field_at(self.tables.slot(tag)?)
    }

    /// The field of a name: `ClOrdID`.
    pub fn field_named(&self, name: &str) -> Option<FieldDef<'_>> {
        let named = |slot: &u16| self.fields[*slot as usize].name.of(&self.arena);
        let place = self.field_names.binary_search_by(|slot| named(slot).cmp(name)).ok()?;
        self.field_at(self.field_names[place])
    }

    /// Every message, in the order of the dictionary.
    pub fn messages(&self) -> impl ExactSizeIterator<Item = MessageDef<'_>> {
        self.messages.iter().map(|row| MessageDef { dictionary: self, row })
    }

    /// The message of a MsgType (35).
    #[inline]
    pub fn message(&self, msg_type: &[u8]) -> Option<MessageDef<'_>> {
        let row = self.messages.get(self.tables.message(msg_type)? as usize)?;
        Some(MessageDef { dictionary: self, row })
    }

    /// The message of a name: `ExecutionReport`.
    pub fn message_named(&self, name: &str) -> Option<MessageDef<'_>> {
        let named = |message: &u16| self.messages[*message as usize].name.of(&self.arena);
        let place = self.message_names.binary_search_by(|message| named(message).cmp(name)).ok()?;
        let row = self.messages.get(self.message_names[place] as usize)?;
        Some(MessageDef { dictionary: self, row })
    }

    /// Members of the header; none in an application dictionary of FIX 5.0.
    pub fn header(&self) -> impl ExactSizeIterator<Item = Member<'_>> {
        self.members_of(self.header)
    }

    /// Members of the trailer, likewise.
    pub fn trailer(&self) -> impl ExactSizeIterator<Item = Member<'_>> {
        self.members_of(self.trailer)
    }

    /// Every repeating group, by its number.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = GroupDef<'_>> {
        self.groups.iter().enumerate().map(|(place, row)| GroupDef { dictionary: self, place: place as u16, row })
    }

    fn field_at(&self, slot: u16) -> Option<FieldDef<'_>> {
        self.fields.get(slot as usize).map(|row| FieldDef { dictionary: self, row })
    }

    fn group_at(&self, place: u16) -> Option<GroupDef<'_>> {
        self.groups.get(place as usize).map(|row| GroupDef { dictionary: self, place, row })
    }

    fn members_of(&self, members: Range) -> impl ExactSizeIterator<Item = Member<'_>> {
        members.slice(&self.members).iter().map(|member| Member {
            field: FieldDef { dictionary: self, row: &self.fields[member.slot as usize] },
            required: member.required,
            group: if member.group == NO_GROUP { None } else { self.group_at(member.group) },
        })
    }
}

impl<'a> FieldDef<'a> {
    /// Its tag.
    pub fn tag(&self) -> u32 {
        self.row.tag
    }

    /// Its name.
    pub fn name(&self) -> &'a str {
        self.row.name.of(&self.dictionary.arena)
    }

    /// Its data type.
    pub fn kind(&self) -> FieldKind {
        self.row.kind
    }

    /// The values the dictionary lists, in the order of their bytes; none when any value may stand.
    pub fn values(&self) -> impl ExactSizeIterator<Item = ValueDef<'a>> + use<'a> {
        let arena = &self.dictionary.arena;
        let rows = self.row.values.slice(&self.dictionary.values).iter();
        rows.map(|row| ValueDef { value: row.value.of(arena), name: row.name.of(arena) })
    }

    /// The name of a value: `BUY` for `1` of Side.
    pub fn value_name(&self, value: &[u8]) -> Option<&'a str> {
        self.values().find(|known| known.value.as_bytes() == value).map(|known| known.name)
    }

    /// The value of a name: `1` for `BUY` of Side.
    pub fn value_named(&self, name: &str) -> Option<&'a str> {
        self.values().find(|known| known.name == name).map(|known| known.value)
    }
}

impl<'a> MessageDef<'a> {
    /// Its MsgType (35).
    pub fn msg_type(&self) -> &'a str {
        self.row.msg_type.of(&self.dictionary.arena)
    }

    /// Its name.
    pub fn name(&self) -> &'a str {
        self.row.name.of(&self.dictionary.arena)
    }

    /// For the session or for the application.
    pub fn category(&self) -> Category {
        self.row.category
    }

    /// Members of its body, in the order of the dictionary, components expanded.
    pub fn members(&self) -> impl ExactSizeIterator<Item = Member<'a>> + use<'a> {
        self.dictionary.members_of(self.row.members)
    }

    /// The member of a tag, but for those inside groups.
    pub fn member(&self, tag: u32) -> Option<Member<'a>> {
        self.members().find(|member| member.field.tag() == tag)
    }

    /// The repeating group that a tag counts.
    pub fn group(&self, count_tag: u32) -> Option<GroupDef<'a>> {
        self.member(count_tag)?.group
    }
}

impl<'a> GroupDef<'a> {
    /// Its place among the groups of the dictionary, from 0.
    pub fn number(&self) -> u16 {
        self.place
    }

    /// Members of an entry, in the order in which they stand there.
    pub fn members(&self) -> impl ExactSizeIterator<Item = Member<'a>> + use<'a> {
        self.dictionary.members_of(self.row.members)
    }

    /// The member with which every entry begins; 0 for a group without members, which no dictionary has.
    pub fn delimiter(&self) -> u32 {
        self.members().next().map_or(0, |member| member.field.tag())
    }

    /// The repeating group inside this one that a tag counts.
    pub fn group(&self, count_tag: u32) -> Option<GroupDef<'a>> {
        self.members().find(|member| member.field.tag() == count_tag)?.group
    }
}

/// Fields of the header in any version (those of QuickFIX's list): known as such without a dictionary.
const fn is_standard_header(tag: u32) -> bool {
    #[rustfmt::skip]
    let is = matches!(tag, 8 | 9 | 34 | 35 | 43 | 49 | 50 | 52 | 56 | 57 | 90 | 97 | 115 | 116 | 122 | 128 | 129 | 142
        | 143 | 144 | 145 | 212 | 213 | 347 | 369 | 370 | 627 | 1128 | 1129);
    is
}

/// Fields of the trailer in any version.
const fn is_standard_trailer(tag: u32) -> bool {
    matches!(tag, 10 | 89 | 93)
}
