//! # Room card: wire/fix/dictionary/validate
//! In:    an indexed message, its bytes, one dictionary or FIXT's two, which checks are on.
//! Out:   nothing, or the one refusal QuickFIX would send: reason (373) and tag (371).
//! Holds: a message is accepted at once when every check passes it in wire order (`plain`); any other is judged again
//!        in QuickFIX's order of checks (`exact`), which alone refuses. No allocation per message.
//! Costs: row `fix/validate` of `npm run bench -- fix`: 7 ns a field; a refusal under 1 µs.
mod exact;
mod plain;

use std::sync::Arc;

use super::super::index::FieldIndex;
use super::super::session::RejectReason;
use super::{Dictionary, FixVersion};

/// Tags from here on are users' own.
pub const USER_DEFINED_TAG_MIN: u32 = 5_000;
/// ApplVerID (1128).
const APPL_VER_ID: u32 = 1128;

/// Which rules a message is held to. The default is QuickFIX's: every one, and nothing unknown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Checks {
    /// Header, body, trailer, in this order (QuickFIX: ValidateFieldsOutOfOrder).
    pub fields_out_of_order: bool,
    /// Fields have values (ValidateFieldsHaveValues).
    pub fields_have_values: bool,
    /// Tags from `USER_DEFINED_TAG_MIN` on are in the dictionary and in the message (ValidateUserDefinedFields).
    pub user_defined_fields: bool,
    /// Tags below that may be strangers to the dictionary or the message (AllowUnknownMsgFields).
    pub allow_unknown_msg_fields: bool,
    /// Required fields are there (CheckRequiredTags).
    pub required_tags: bool,
    /// Members of a group stand in the dictionary's order, its delimiter first (ValidateUnorderedGroupFields).
    pub unordered_group_fields: bool,
    /// The count of a group is the number of its entries.
    pub group_counts: bool,
    /// A field stands once, but for groups.
    pub repeated_tags: bool,
    /// Values have the form of their data type.
    pub data_types: bool,
    /// Values are among those the dictionary lists, if it lists any.
    pub enum_values: bool,
}

impl Default for Checks {
    fn default() -> Self {
        Checks {
            fields_out_of_order: true,
            fields_have_values: true,
            user_defined_fields: true,
            allow_unknown_msg_fields: false,
            required_tags: true,
            unordered_group_fields: true,
            group_counts: true,
            repeated_tags: true,
            data_types: true,
            enum_values: true,
        }
    }
}

impl Checks {
    /// May this tag be a stranger to dictionary and message?
    #[inline]
    const fn tolerates(&self, tag: u32) -> bool {
        if tag < USER_DEFINED_TAG_MIN { self.allow_unknown_msg_fields } else { !self.user_defined_fields }
    }
}

/// Why a message is refused: what a Reject (35=3) says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MessageRefusal {
    /// SessionRejectReason (373); its text is Text (58).
    pub reason: RejectReason,
    /// RefTagID (371), as the peer wrote it: `0` and `-1` are invalid tag numbers too. `None` when it is about none.
    pub ref_tag: Option<i32>,
}

/// Holds messages to a dictionary. One for each session: it keeps what it needs from message to message.
#[derive(Debug)]
pub struct Validator {
    transport: Arc<Dictionary>,
    /// By ApplVerID; none when there is one dictionary for everything.
    applications: Vec<(Vec<u8>, Arc<Dictionary>)>,
    /// Of `applications`.
    default_application: Option<usize>,
    checks: Checks,
    seen: plain::Seen,
    scratch: exact::Scratch,
}

/// The dictionaries one message is held to.
#[derive(Clone, Copy)]
struct Books<'a> {
    /// Of header and trailer.
    transport: &'a Dictionary,
    /// Of the body.
    application: &'a Dictionary,
    /// Are they two?
    differ: bool,
    /// The message's place in the body's dictionary.
    message: Option<u16>,
}

impl Validator {
    /// Holds every message to one dictionary: FIX 4.0 to 4.4, or a venue's own.
    pub fn new(dictionary: Arc<Dictionary>, checks: Checks) -> Validator {
        Validator {
            transport: dictionary,
            applications: Vec::new(),
            default_application: None,
            checks,
            seen: plain::Seen::default(),
            scratch: exact::Scratch::default(),
        }
    }

    /// Holds header, trailer and the session's messages to `transport` (FIXT 1.1), application messages to the
    /// dictionary of their ApplVerID (1128), and those without one to that of `set_default_appl_ver_id`.
    pub fn fixt(
        transport: Arc<Dictionary>,
        applications: Vec<(Vec<u8>, Arc<Dictionary>)>,
        checks: Checks,
    ) -> Validator {
        Validator { applications, ..Validator::new(transport, checks) }
    }

    /// The built-in dictionary of a version; for FIX 5.0 and its service packs FIXT 1.1 with it, and it the default.
    pub fn built_in(version: FixVersion, checks: Checks) -> Validator {
        let Some(appl_ver_id) = version.appl_ver_id().filter(|_| version >= FixVersion::Fix50) else {
            return Validator::new(version.dictionary(), checks);
        };
        let applications = vec![(appl_ver_id.to_vec(), version.dictionary())];
        let mut validator = Validator::fixt(FixVersion::Fixt11.dictionary(), applications, checks);
        validator.set_default_appl_ver_id(appl_ver_id);
        validator
    }

    /// DefaultApplVerID (1137) of the Logon. Returns whether there is a dictionary for it; if not, application messages
    /// without an ApplVerID are refused from now on.
    pub fn set_default_appl_ver_id(&mut self, appl_ver_id: &[u8]) -> bool {
        self.default_application = self.applications.iter().position(|(id, _)| id == appl_ver_id);
        self.default_application.is_some()
    }

    /// Which checks are on.
    pub fn checks(&self) -> Checks {
        self.checks
    }

    /// The dictionary of header, trailer and the session's messages.
    pub fn transport(&self) -> &Arc<Dictionary> {
        &self.transport
    }

    /// The dictionary of a message's body: the transport's for the session's own messages, else that of its ApplVerID;
    /// `None` when there is none for it.
    pub fn application(&self, index: &FieldIndex, bytes: &[u8]) -> Option<&Arc<Dictionary>> {
        application(&self.transport, &self.applications, self.default_application, index, bytes)
    }

    /// Holds a message to the dictionary. `bytes` are those `index` was read from.
    ///
    /// Errors: the first rule it breaks, in QuickFIX's order: fields out of order, message type, required fields of
    /// header, trailer, body and group entries, then field by field header, trailer and body, each in the order of
    /// tags: repeated, without value, data type, listed value, tag unknown, not of this message, count of a group,
    /// its members.
    pub fn check(&mut self, index: &FieldIndex, bytes: &[u8]) -> Result<(), MessageRefusal> {
        let Validator { transport, applications, default_application, checks, seen, scratch } = self;
        let application = application(transport, applications, *default_application, index, bytes);
        let Some(application) = application else {
            return Err(MessageRefusal { reason: RejectReason::ApplVersion, ref_tag: Some(APPL_VER_ID as i32) });
        };
        let books = Books {
            transport,
            application,
            differ: !Arc::ptr_eq(transport, application),
            message: application.tables.message(index.msg_type(bytes)),
        };
        if plain::passes(&books, index.spans(), bytes, seen) {
            return Ok(());
        }
        exact::judge(&books, checks, index, bytes, scratch)
    }

    /// Does a message pass in one go?
    #[cfg(test)]
    pub(super) fn is_plain(&mut self, index: &FieldIndex, bytes: &[u8]) -> bool {
        let application = self.application(index, bytes).unwrap_or(&self.transport).clone();
        let books = Books {
            transport: &self.transport,
            application: &application,
            differ: !Arc::ptr_eq(&self.transport, &application),
            message: application.tables.message(index.msg_type(bytes)),
        };
        plain::passes(&books, index.spans(), bytes, &mut self.seen)
    }
}

#[inline]
fn application<'a>(
    transport: &'a Arc<Dictionary>,
    applications: &'a [(Vec<u8>, Arc<Dictionary>)],
    default: Option<usize>,
    index: &FieldIndex,
    bytes: &[u8],
) -> Option<&'a Arc<Dictionary>> {
    if applications.is_empty() || transport.tables.message(index.msg_type(bytes)).is_some() {
        return Some(transport);
    }
    let place = match index.value(bytes, APPL_VER_ID) {
        Some(stated) => applications.iter().position(|(id, _)| id == stated)?,
        None => default?,
    };
    applications.get(place).map(|(_, dictionary)| dictionary)
}
