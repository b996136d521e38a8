//! # Room card: wire/fix/session/held
//! In:    messages of the peer, a validator.
//! Out:   which rule of the dictionary one breaks, in the session's terms.
//! Holds: a message the index cannot read is garbled; the DefaultApplVerID of a logon is in force from then on.
//! Costs: an index and a validation a message (rows `fix/validate` of `npm run bench -- fix`).
use super::super::dictionary::Validator;
use super::super::index::{BeginString, FIELDS_MAX, FieldIndex};
use super::super::message::Message;
use super::{Breach, RejectReason, Rules};

/// DefaultApplVerID.
const DEFAULT_APPL_VER_ID: u32 = 1137;

/// Holds the messages of one session to a dictionary.
#[derive(Debug)]
pub struct DictionaryRules {
    validator: Validator,
    index: FieldIndex,
}

impl DictionaryRules {
    /// Messages may have up to `FIELDS_MAX` fields.
    pub fn new(validator: Validator) -> DictionaryRules {
        DictionaryRules { validator, index: FieldIndex::with_bound(FIELDS_MAX) }
    }
}

impl Rules for DictionaryRules {
    fn check(&mut self, message: &Message<'_>) -> Result<(), Breach> {
        let bytes = message.bytes();
        if self.index.read(bytes).is_err() {
            return Err(Breach::Garbled);
        }
        if message.msg_type() == b"A" && self.index.begin_string(bytes) == Some(BeginString::Fixt11) {
            let version = self.index.value(bytes, DEFAULT_APPL_VER_ID);
            if version.is_some_and(|version| !self.validator.set_default_appl_ver_id(version)) {
                return Err(Breach::Session(RejectReason::ApplVersion, DEFAULT_APPL_VER_ID));
            }
        }
        // A tag that is none (0, negative) is named as it stands in the message.
        self.validator.check(&self.index, bytes).map_err(|refusal| {
            let tag = refusal.ref_tag.and_then(|tag| u32::try_from(tag).ok()).unwrap_or(0);
            Breach::Session(refusal.reason, tag)
        })
    }
}
