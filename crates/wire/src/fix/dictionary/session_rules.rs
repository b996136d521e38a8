//! # Room card: wire/fix/dictionary/session_rules
//! In:    messages of a session's peer, as the session has framed them.
//! Out:   the session's `Rules` kept by a dictionary: the breach that the session answers.
//! Holds: DefaultApplVerID (1137) of a Logon chooses the application dictionary from that message on.
//! Costs: an index and a check a message: rows `fix/index` and `fix/validate` of `npm run bench -- fix`.
use super::super::index::FieldIndex;
use super::super::message::Message;
use super::super::session::{Breach, Rules};
use super::Validator;

/// DefaultApplVerID (1137).
const DEFAULT_APPL_VER_ID: u32 = 1137;

/// A session's rules: a dictionary's. Give it to `Session::set_rules`.
#[derive(Debug)]
pub struct DictionaryRules {
    index: FieldIndex,
    validator: Validator,
}

impl DictionaryRules {
    /// Rules of one session; `fields` bounds a message's fields (`FIELDS_MAX`), and one with more is taken for garbled.
    pub fn new(validator: Validator, fields: usize) -> DictionaryRules {
        DictionaryRules { index: FieldIndex::with_bound(fields), validator }
    }
}

impl Rules for DictionaryRules {
    fn check(&mut self, message: &Message<'_>) -> Result<(), Breach> {
        let bytes = message.bytes();
        self.index.read(bytes).map_err(|_| Breach::Garbled)?;
        if message.msg_type() == b"A"
            && let Some(appl_ver_id) = self.index.value(bytes, DEFAULT_APPL_VER_ID)
        {
            self.validator.set_default_appl_ver_id(appl_ver_id);
        }
        self.validator.check(&self.index, bytes).map_err(|refusal| {
            // What cannot be a tag is 0 to the session, which finds it in the message as it stands.
            let tag = refusal.ref_tag.and_then(|tag| u32::try_from(tag).ok()).unwrap_or(0);
            Breach::Session(refusal.reason, tag)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample::bars;
    use super::super::{Checks, FixVersion};
    use super::*;
    use crate::fix::FIELDS_MAX;
    use crate::fix::session::RejectReason;

    #[test]
    fn a_logon_chooses_the_application_dictionary() {
        let versions = [FixVersion::Fix50, FixVersion::Fix50Sp2];
        let applications = versions.map(|version| (version.appl_ver_id().unwrap().to_vec(), version.dictionary()));
        let transport = FixVersion::Fixt11.dictionary();
        let validator = Validator::fixt(transport, applications.to_vec(), Checks::default());
        let mut rules = DictionaryRules::new(validator, FIELDS_MAX);
        let mut check = |fields: &str| {
            let header = "|34=2|49=A|52=20261121-22:00:00|56=B";
            let (kind, rest) = fields.split_at(4);
            let message = bars("FIXT.1.1", &format!("{kind}{header}{rest}"));
            rules.check(&Message::parse(&message).unwrap())
        };
        // MinQtyMethod (1822) is of FIX 5.0 SP2 only.
        let order = "35=D|11=id|55=A|54=1|60=20261121-22:00:00|40=1|1822=1";
        assert_eq!(check(order), Err(Breach::Session(RejectReason::ApplVersion, 1128)));
        assert_eq!(check("35=A|98=0|108=30|1137=7"), Ok(()));
        assert_eq!(check(order), Err(Breach::Session(RejectReason::InvalidTag, 1822)));
        assert_eq!(check("35=A|98=0|108=30|1137=9"), Ok(()));
        assert_eq!(check(order), Ok(()));
        assert_eq!(check("35=A|98=0|108=30"), Err(Breach::Session(RejectReason::TagMissing, 1137)));
        assert_eq!(check("35=0|-1=x"), Err(Breach::Session(RejectReason::InvalidTag, 0)));
        assert_eq!(check("35=*"), Err(Breach::Session(RejectReason::MessageType, 0)));
    }

    #[test]
    fn more_fields_than_the_bound_are_garbled() {
        let message = bars("FIX.4.4", "35=0|34=2|49=A|52=20261121-22:00:00|56=B");
        let fields = 8;
        for (bound, expected) in [(fields - 1, Err(Breach::Garbled)), (fields, Ok(())), (fields + 1, Ok(()))] {
            let mut rules = DictionaryRules::new(Validator::built_in(FixVersion::Fix44, Checks::default()), bound);
            assert_eq!(rules.check(&Message::parse(&message).unwrap()), expected, "{bound}");
        }
    }
}
