//! # Room card: bindings/node/fix_dictionary
//! In:    a version of FIX, or the path of a dictionary in QuickFIX's XML form.
//! Out:   its names and groups as JSON, for a reader that finds fields by name and walks groups.
//! Holds: a file is taken whole or refused whole, within the loader's bounds.
//! Costs: cold path: once a dictionary and process.
use std::sync::Arc;

use napi_derive::napi;
use serde_json::{Value, json};
use types::{Code, Fault};
use wire::fix::dictionary::{DICTIONARY_XML_BYTES_MAX, Dictionary, FixVersion, Member};

use crate::errors::{argument, guard};

fn group(member: &Member<'_>) -> Value {
    let tag = member.field.tag();
    // Groups lie in groups at most to the dictionary's depth.
    member
        .group
        .map_or_else(|| json!(tag), |inner| json!([tag, inner.members().map(|m| group(&m)).collect::<Vec<_>>()]))
}

fn groups<'a>(members: impl Iterator<Item = Member<'a>>) -> Vec<Value> {
    members.filter(|member| member.group.is_some()).map(|member| group(&member)).collect()
}

fn described(dictionary: &Dictionary) -> Value {
    let fields: Vec<_> = dictionary.fields().map(|field| json!([field.tag(), field.name()])).collect();
    let messages: Vec<_> = dictionary
        .messages()
        .map(|message| json!([message.msg_type(), message.name(), groups(message.members())]))
        .collect();
    json!({
        "version": dictionary.version(), "fields": fields, "messages": messages,
        "headerGroups": groups(dictionary.header()),
    })
}

fn of_file(path: &str) -> Result<Arc<Dictionary>, Fault> {
    let invalid = |what: String| {
        let fields = vec![("path", path.to_string()), ("error", what.clone())];
        Fault::new(Code::ConfigInvalid, format!("{path}: {what}"), fields)
    };
    let length = std::fs::metadata(path).map_err(|error| invalid(error.to_string()))?.len();
    if length > DICTIONARY_XML_BYTES_MAX as u64 {
        return Err(invalid(format!("longer than {DICTIONARY_XML_BYTES_MAX} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| invalid(error.to_string()))?;
    Dictionary::from_xml(&text).map(Arc::new).map_err(|error| invalid(error.to_string()))
}

/// Names and groups of a dictionary as JSON: {version, fields: [[tag, name]], messages: [[type, name, groups]],
/// headerGroups}, a group being [count tag, members], a member a tag or a group. `version` is FIX40 to FIX50SP2 or
/// FIXT11; a file takes its place. Throws ARGUMENT_INVALID, CONFIG_INVALID.
#[napi]
pub fn fix_dictionary(version: String, file: Option<String>) -> napi::Result<String> {
    guard(|| {
        let dictionary = match file {
            Some(path) => of_file(&path)?,
            None => FixVersion::of(&version)
                .ok_or_else(|| argument(format!("\"{version}\" is no version of FIX")))?
                .dictionary(),
        };
        Ok(described(&dictionary).to_string())
    })
}
