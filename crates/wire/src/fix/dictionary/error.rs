//! # Room card: wire/fix/dictionary/error
//! In:    what is wrong with a dictionary, and where.
//! Out:   a value with line, element and fault; a sentence for people.
//! Holds: no dictionary is taken in part.
//! Costs: cold.
use core::fmt;

/// Why a dictionary is refused. It is refused whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DictionaryError {
    /// Line of the element, from 1; 0 when the fault is of the whole.
    pub line: u32,
    /// Name of the element: `field`, `group`, `message`; empty when the fault is of the whole.
    pub element: String,
    /// What is wrong.
    pub fault: DictionaryFault,
}

/// What is wrong with a dictionary.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DictionaryFault {
    /// More of something than its bound: `what`, and the bound.
    TooMany {
        /// What there is too much of: `bytes`, `fields`, `values`, `messages`, `components`, `groups`, `members`.
        what: &'static str,
        /// The bound.
        max: usize,
    },
    /// Groups and components nested deeper than this.
    TooDeep {
        /// The bound.
        max: usize,
    },
    /// Not XML; the parser's words.
    NotXml(String),
    /// Not the root of a dictionary: `<fix type='FIX' major='4' minor='4'>`, type `FIX` or `FIXT`.
    NotADictionary,
    /// A section that is not there: `header`, `messages`, `fields` or `trailer`.
    SectionMissing(&'static str),
    /// An attribute that is not there.
    AttributeMissing(&'static str),
    /// An attribute whose value cannot be taken.
    AttributeInvalid {
        /// Its name.
        attribute: &'static str,
        /// Its value.
        value: String,
    },
    /// The name, number or type of a field, message or component stands for two of them.
    Twice(String),
    /// A field that the section `fields` does not have.
    FieldUnknown(String),
    /// A component that the section `components` does not have.
    ComponentUnknown(String),
    /// A component that contains itself, perhaps by way of others.
    Cycle(String),
    /// A group without members.
    GroupEmpty(String),
    /// A table of this library that cannot be read; a damaged build.
    Table,
}

impl fmt::Display for DictionaryFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DictionaryFault::TooMany { what, max } => write!(out, "more than {max} {what}"),
            DictionaryFault::TooDeep { max } => write!(out, "groups and components are nested deeper than {max}"),
            DictionaryFault::NotXml(words) => write!(out, "not XML: {words}"),
            DictionaryFault::NotADictionary => write!(out, "the root is not <fix type='FIX' major='4' minor='4'>"),
            DictionaryFault::SectionMissing(section) => write!(out, "the section <{section}> is missing"),
            DictionaryFault::AttributeMissing(attribute) => write!(out, "the attribute {attribute} is missing"),
            DictionaryFault::AttributeInvalid { attribute, value } => write!(out, "{attribute}={value:?} is invalid"),
            DictionaryFault::Twice(name) => write!(out, "{name:?} is defined twice"),
            DictionaryFault::FieldUnknown(name) => write!(out, "the field {name:?} is not defined"),
            DictionaryFault::ComponentUnknown(name) => write!(out, "the component {name:?} is not defined"),
            DictionaryFault::Cycle(name) => write!(out, "the component {name:?} contains itself"),
            DictionaryFault::GroupEmpty(name) => write!(out, "the group {name:?} has no members"),
            DictionaryFault::Table => write!(out, "a built-in table cannot be read"),
        }
    }
}

impl fmt::Display for DictionaryError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(out, "line {}, <{}>: ", self.line, self.element)?;
        }
        self.fault.fmt(out)
    }
}

impl std::error::Error for DictionaryError {}

impl From<DictionaryFault> for DictionaryError {
    fn from(fault: DictionaryFault) -> DictionaryError {
        DictionaryError { line: 0, element: String::new(), fault }
    }
}
