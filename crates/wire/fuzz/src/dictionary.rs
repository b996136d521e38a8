//! # Room card: wire/fuzz/dictionary
//! In:    any bytes: a dictionary's XML when they begin with `<`; else a byte that chooses version and checks, and the
//!        fields of a message.
//! Out:   nothing, or a panic, which is the finding.
//! Holds: a dictionary is refused, or its names and numbers lead to each other and its groups have members; a message
//!        gets the same verdict twice, and what every check lets pass passes fewer.
//! Costs: microseconds an input.
#![no_main]
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use wire::fix::FieldIndex;
use wire::fix::dictionary::{Checks, Dictionary, FixVersion, Validator};

/// Versions whose messages are judged.
const VERSIONS: [FixVersion; 4] = [FixVersion::Fix40, FixVersion::Fix42, FixVersion::Fix44, FixVersion::Fix50Sp2];

thread_local! {
    static STRICT: RefCell<Vec<Validator>> =
        RefCell::new(VERSIONS.map(|version| Validator::built_in(version, Checks::default())).into());
}

fuzz_target!(|input: &[u8]| {
    match input.split_first() {
        Some((b'<', _)) => load(input),
        Some((&choice, fields)) => STRICT.with_borrow_mut(|strict| judge(strict, choice, fields)),
        None => {}
    }
});

fn load(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(dictionary) = Dictionary::from_xml(text) else { return };
    assert!(Dictionary::pack_xml(text).is_ok());
    for field in dictionary.fields() {
        assert_eq!(dictionary.field(field.tag()).map(|found| found.name()), Some(field.name()));
        assert_eq!(dictionary.field_named(field.name()).map(|found| found.tag()), Some(field.tag()));
        for value in field.values() {
            assert_eq!(field.value_name(value.value.as_bytes()), Some(value.name));
        }
    }
    for message in dictionary.messages() {
        let found = dictionary.message(message.msg_type().as_bytes());
        assert_eq!(found.map(|found| found.name()), Some(message.name()));
        for member in message.members() {
            assert!(dictionary.field(member.field.tag()).is_some());
            assert!(member.group.is_none_or(|group| group.delimiter() > 0));
        }
    }
    let kinds: Vec<String> = dictionary.messages().map(|message| message.msg_type().to_string()).collect();
    let mut validator = Validator::new(Arc::new(dictionary), Checks::default());
    let mut index = FieldIndex::new();
    for kind in kinds {
        let message = framed("FIX.4.4", format!("35={kind}\x01453=1\x01448=A\x01").as_bytes());
        if index.read(&message).is_ok() {
            let _ = validator.check(&index, &message);
        }
    }
}

fn judge(strict: &mut [Validator], choice: u8, fields: &[u8]) {
    let place = choice as usize % VERSIONS.len();
    let on = |bit: u8| choice >> bit & 1 == 1;
    let fewer = Checks {
        fields_out_of_order: on(2),
        fields_have_values: on(3),
        user_defined_fields: on(4),
        allow_unknown_msg_fields: on(5),
        unordered_group_fields: on(6),
        group_counts: on(7),
        ..Checks::default()
    };
    let validator = &mut strict[place];
    let message = framed(validator.transport().version(), fields);
    let mut index = FieldIndex::new();
    if index.read(&message).is_err() {
        return;
    }
    let verdict = validator.check(&index, &message);
    assert_eq!(validator.check(&index, &message), verdict);
    if verdict.is_ok() {
        assert_eq!(Validator::built_in(VERSIONS[place], fewer).check(&index, &message), Ok(()));
    } else {
        let _ = Validator::built_in(VERSIONS[place], fewer).check(&index, &message);
    }
    let application = validator.application(&index, &message).cloned();
    let found = application.as_deref().and_then(|dictionary| dictionary.message(index.msg_type(&message)));
    let Some(found) = found else { return };
    for member in found.members().filter(|member| member.group.is_some()) {
        let entries = found.entries(index.spans(), member.field.tag());
        let spans: usize = entries.into_iter().flatten().map(|entry| entry.spans().len()).sum();
        assert!(spans <= index.spans().len());
    }
}

/// Begin string, length and checksum around fields.
fn framed(begin: &str, fields: &[u8]) -> Vec<u8> {
    let mut message = format!("8={begin}\x019={}\x01", fields.len()).into_bytes();
    message.extend_from_slice(fields);
    let sum = message.iter().fold(0u8, |sum, &byte| sum.wrapping_add(byte));
    message.extend_from_slice(format!("10={sum:03}\x01").as_bytes());
    message
}
