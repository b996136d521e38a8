//! # Room card: wire/fix/dictionary/source
//! In:    what a dictionary says, one statement at a time.
//! Out:   the same with names resolved to places: fields, components, messages, header and trailer.
//! Holds: every bound of this file; names and numbers stand for one thing each; components are not yet expanded.
//! Costs: cold: hash maps while a dictionary is loaded.
use std::collections::HashMap;

use super::{Category, DictionaryFault, FieldKind};

/// Fields of a dictionary (FIX 5.0 SP2 has 6,028).
pub const DICTIONARY_FIELDS_MAX: usize = 32_768;
/// Enumerated values of all fields together (FIX 5.0 SP2: 5,565).
pub const DICTIONARY_VALUES_MAX: usize = 131_072;
/// Messages (FIX 5.0 SP2: 156).
pub const DICTIONARY_MESSAGES_MAX: usize = 2_048;
/// Components (FIX 5.0 SP2: 725).
pub const DICTIONARY_COMPONENTS_MAX: usize = 16_384;
/// Repeating groups (FIX 5.0 SP2: 561).
pub const DICTIONARY_GROUPS_MAX: usize = 16_384;
/// Members written down, and members once components are expanded (FIX 5.0 SP2: 41,218).
pub const DICTIONARY_MEMBERS_MAX: usize = 1_048_576;
/// Groups in groups, components in components, and both in each other (FIX 5.0 SP2: 16).
pub const DICTIONARY_DEPTH_MAX: usize = 64;
/// Bytes of a name, a value or a description.
pub const DICTIONARY_TEXT_BYTES_MAX: usize = 1_024;
/// Bytes of a message type.
pub const MSG_TYPE_BYTES_MAX: usize = 8;
/// The largest tag.
pub const TAG_MAX: u32 = 999_999_999;

/// A field as its dictionary defines it.
pub(super) struct SourceField {
    pub tag: u32,
    pub name: String,
    pub kind: FieldKind,
    /// Value and its name; the name may be empty.
    pub values: Vec<(String, String)>,
}

/// A member of a message, a component, a group, the header or the trailer.
pub(super) enum Node {
    /// A field, by its place in `fields`.
    Field { field: u16, required: bool },
    /// A repeating group: its count field, and its place in `groups`.
    Group { field: u16, required: bool, group: u16 },
    /// A component, by its place in `components`.
    Component { component: u16, required: bool },
}

/// A component.
pub(super) struct SourceComponent {
    pub name: String,
    pub members: Vec<Node>,
}

/// A message.
pub(super) struct SourceMessage {
    pub name: String,
    pub msg_type: String,
    pub category: Category,
    pub members: Vec<Node>,
}

/// A dictionary before its components are expanded.
#[derive(Default)]
pub(super) struct Source {
    /// `FIX.4.4`, `FIXT.1.1`, `FIX.5.0SP2`.
    pub version: String,
    pub fields: Vec<SourceField>,
    pub components: Vec<SourceComponent>,
    pub messages: Vec<SourceMessage>,
    /// Members of each repeating group.
    pub groups: Vec<Vec<Node>>,
    pub header: Vec<Node>,
    pub trailer: Vec<Node>,
    field_names: HashMap<String, u16>,
    field_tags: HashMap<u32, u16>,
    component_names: HashMap<String, u16>,
    message_names: HashMap<String, u16>,
    message_types: HashMap<String, u16>,
    value_count: usize,
    node_count: usize,
}

fn bounded(count: usize, what: &'static str, max: usize) -> Result<(), DictionaryFault> {
    if count > max { Err(DictionaryFault::TooMany { what, max }) } else { Ok(()) }
}

fn text(attribute: &'static str, value: &str) -> Result<String, DictionaryFault> {
    let printable = value.bytes().all(|byte| byte >= b' ' && byte != 0x7f);
    if value.is_empty() || value.len() > DICTIONARY_TEXT_BYTES_MAX || !printable {
        let shown = value.chars().take(64).collect();
        return Err(DictionaryFault::AttributeInvalid { attribute, value: shown });
    }
    Ok(value.to_string())
}

impl Source {
    /// An empty dictionary of a version: `FIX.4.4`.
    pub fn of(version: String) -> Source {
        Source { version, ..Source::default() }
    }

    /// A field of the section `fields`.
    pub fn add_field(&mut self, tag: &str, name: &str, kind: &str) -> Result<(), DictionaryFault> {
        bounded(self.fields.len() + 1, "fields", DICTIONARY_FIELDS_MAX)?;
        let digits = !tag.is_empty() && tag.bytes().all(|byte| byte.is_ascii_digit());
        let number = tag.parse().ok().filter(|number| digits && (1..=TAG_MAX).contains(number));
        let Some(number) = number else {
            return Err(DictionaryFault::AttributeInvalid {
                attribute: "number",
                value: tag.chars().take(64).collect(),
            });
        };
        let name = text("name", name)?;
        let place = self.fields.len() as u16;
        if self.field_names.insert(name.clone(), place).is_some() {
            return Err(DictionaryFault::Twice(name));
        }
        if self.field_tags.insert(number, place).is_some() {
            return Err(DictionaryFault::Twice(number.to_string()));
        }
        self.fields.push(SourceField { tag: number, name, kind: FieldKind::of(kind), values: Vec::new() });
        Ok(())
    }

    /// A value of the last field. A value written twice keeps its first name.
    pub fn add_value(&mut self, value: &str, name: &str) -> Result<(), DictionaryFault> {
        self.value_count += 1;
        bounded(self.value_count, "values", DICTIONARY_VALUES_MAX)?;
        let value = text("enum", value)?;
        let name = if name.is_empty() { String::new() } else { text("description", name)? };
        if let Some(field) = self.fields.last_mut() {
            field.values.push((value, name));
        }
        Ok(())
    }

    /// A component, still empty: others may name it before it has its members.
    pub fn add_component(&mut self, name: &str) -> Result<(), DictionaryFault> {
        bounded(self.components.len() + 1, "components", DICTIONARY_COMPONENTS_MAX)?;
        let name = text("name", name)?;
        if self.component_names.insert(name.clone(), self.components.len() as u16).is_some() {
            return Err(DictionaryFault::Twice(name));
        }
        self.components.push(SourceComponent { name, members: Vec::new() });
        Ok(())
    }

    /// A message with its members.
    pub fn add_message(
        &mut self,
        name: &str,
        msg_type: &str,
        category: Category,
        members: Vec<Node>,
    ) -> Result<(), DictionaryFault> {
        bounded(self.messages.len() + 1, "messages", DICTIONARY_MESSAGES_MAX)?;
        let (name, msg_type) = (text("name", name)?, text("msgtype", msg_type)?);
        if msg_type.len() > MSG_TYPE_BYTES_MAX || msg_type.contains(' ') {
            return Err(DictionaryFault::AttributeInvalid { attribute: "msgtype", value: msg_type });
        }
        let place = self.messages.len() as u16;
        if self.message_names.insert(name.clone(), place).is_some() {
            return Err(DictionaryFault::Twice(name));
        }
        if self.message_types.insert(msg_type.clone(), place).is_some() {
            return Err(DictionaryFault::Twice(msg_type));
        }
        self.messages.push(SourceMessage { name, msg_type, category, members });
        Ok(())
    }

    /// A repeating group with its members; its place.
    pub fn add_group(&mut self, name: &str, members: Vec<Node>) -> Result<u16, DictionaryFault> {
        if members.is_empty() {
            return Err(DictionaryFault::GroupEmpty(name.to_string()));
        }
        bounded(self.groups.len() + 1, "groups", DICTIONARY_GROUPS_MAX)?;
        self.groups.push(members);
        Ok((self.groups.len() - 1) as u16)
    }

    /// Counts a member that is written down.
    pub fn count_member(&mut self) -> Result<(), DictionaryFault> {
        self.node_count += 1;
        bounded(self.node_count, "members", DICTIONARY_MEMBERS_MAX)
    }

    /// The field of this name.
    pub fn field(&self, name: &str) -> Result<u16, DictionaryFault> {
        let place = self.field_names.get(name).copied();
        place.ok_or_else(|| DictionaryFault::FieldUnknown(name.chars().take(DICTIONARY_TEXT_BYTES_MAX).collect()))
    }

    /// The field of this number.
    pub fn field_of_tag(&self, tag: u32) -> Option<u16> {
        self.field_tags.get(&tag).copied()
    }

    /// The component of this name.
    pub fn component(&self, name: &str) -> Result<u16, DictionaryFault> {
        let place = self.component_names.get(name).copied();
        place.ok_or_else(|| DictionaryFault::ComponentUnknown(name.chars().take(DICTIONARY_TEXT_BYTES_MAX).collect()))
    }
}

// Places are u16, and the largest u16 means none.
const _: () = {
    assert!(DICTIONARY_FIELDS_MAX < u16::MAX as usize);
    assert!(DICTIONARY_GROUPS_MAX < u16::MAX as usize);
    assert!(DICTIONARY_COMPONENTS_MAX < u16::MAX as usize);
    assert!(DICTIONARY_MESSAGES_MAX < u16::MAX as usize);
};
