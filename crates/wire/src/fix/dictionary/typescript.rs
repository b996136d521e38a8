//! # Room card: wire/fix/dictionary/typescript
//! In:    a dictionary's source.
//! Out:   its messages as TypeScript: what a program reads and sends by name, checked by the compiler.
//! Holds: the same source gives the same text; a component is written once, as types: what runs is one constant a
//!        message and the names of values. Names TypeScript cannot take as they are stand in quotes.
//! Costs: cold: FIX 5.0 SP2 is 0.8 MB of text.
use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::built_in::FixVersion;
use super::kind::FieldShape;
use super::source::{Node, Source, SourceField};
use super::{Dictionary, DictionaryError, compact, resolve, xml};

/// Columns of a line, where its words allow it.
const COLUMNS: usize = 120;
/// MsgType: known by the message, and in FIXT not of the transport's values alone.
const MSG_TYPE: u32 = 35;
/// What typed messages of any dictionary have beside their fields.
const READER_OWN: [&str; 6] = ["constructor", "fault", "get", "members", "own", "view"];

/// Where the TypeScript of a dictionary finds what it is built from, and what it calls its messages.
struct Names<'a> {
    /// Its first line, a comment.
    banner: &'a str,
    /// The module with the types of fields.
    schema: &'a str,
    /// The module with the header of FIXT.
    transport: &'a str,
    /// The type of all messages by name.
    messages: &'a str,
}

impl Dictionary {
    /// Typed messages of a dictionary in QuickFIX's XML form, as a TypeScript module that imports `fafnir/fix`;
    /// `banner` is its first line. Errors: as `from_xml`.
    pub fn typescript_of_xml(text: &str, banner: &str) -> Result<String, DictionaryError> {
        let source = xml::read(text)?;
        // Cycles and bounds.
        resolve::dictionary(&source)?;
        let names = Names { banner, schema: "fafnir/fix", transport: "fafnir/fix/fixt11", messages: "Messages" };
        Ok(module(&source, &names))
    }
}

impl FixVersion {
    /// Typed messages of this version, as the TypeScript module of this library; `banner` is its first line.
    pub fn typescript(self, banner: &str) -> String {
        let messages = format!("{self:?}");
        let names = Names { banner, schema: "../schema.js", transport: "./fixt11.js", messages: &messages };
        // As `dictionary`: the tests read every table.
        module(&compact::unpack(self.table()).expect("built-in table"), &names)
    }
}

fn is_identifier(name: &str) -> bool {
    let mut letters = name.bytes();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == b'_')
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn key(name: &str) -> String {
    if is_identifier(name) { name.to_string() } else { quoted(name) }
}

/// A component's type. Its name begins as no message's does.
fn component_name(source: &Source, place: u16) -> String {
    let name = &source.components[place as usize].name;
    if is_identifier(name) { format!("_{name}") } else { format!("_{place}") }
}

/// Has the field names for its values? Of numbers, times and bytes there are none.
fn has_values(field: &SourceField) -> bool {
    matches!(field.kind.shape(), FieldShape::Text | FieldShape::Words | FieldShape::Int)
        && !field.values.is_empty()
        && field.kind != super::FieldKind::NumInGroup
}

fn field_type(field: &SourceField) -> String {
    let tag = field.tag;
    match field.kind.shape() {
        FieldShape::Text | FieldShape::Int if has_values(field) && tag != MSG_TYPE => {
            format!("$Enum<{tag}, V[{}]>", quoted(&field.name))
        }
        shape => format!("${shape:?}<{tag}>"),
    }
}

/// The member an entry of a group begins with, by its place among the fields.
fn delimiter(source: &Source, nodes: &[Node]) -> Option<u16> {
    nodes.iter().find_map(|node| match *node {
        Node::Field { field, .. } | Node::Group { field, .. } => Some(field),
        // Components contain each other to the loader's depth.
        Node::Component { component, .. } => delimiter(source, &source.components[component as usize].members),
    })
}

/// The type of a container, as words. `is_entry`: of a group, where the first member is always there.
fn container(source: &Source, nodes: &[Node], is_entry: bool) -> Vec<String> {
    let first = if is_entry { delimiter(source, nodes) } else { None };
    let (mut plain, mut seen, mut parts) = (Vec::new(), BTreeSet::new(), Vec::new());
    for node in nodes {
        let (field, required, group) = match *node {
            Node::Component { component, required } => {
                let name = component_name(source, component);
                parts.push(if required { name } else { format!("Partial<{name}>") });
                continue;
            }
            Node::Field { field, required } => (field, required, None),
            Node::Group { field, required, group } => (field, required, Some(group)),
        };
        let def = &source.fields[field as usize];
        if READER_OWN.contains(&def.name.as_str()) || !seen.insert(field) {
            continue;
        }
        let mark = if required || first == Some(field) { "" } else { "?" };
        let name = key(&def.name);
        match group {
            None => plain.push(format!("{name}{mark}: {};", field_type(def))),
            Some(group) => {
                plain.push(format!("{name}{mark}: $Group<{},", def.tag));
                // Groups lie in groups to the loader's depth.
                plain.extend(container(source, &source.groups[group as usize], true));
                if let Some(last) = plain.last_mut() {
                    last.push_str(">;");
                }
            }
        }
    }
    if let Some(field) = first.filter(|field| !seen.contains(field)) {
        let def = &source.fields[field as usize];
        plain.push(format!("{}: {};", key(&def.name), field_type(def)));
    }
    let mut words = Vec::new();
    if !plain.is_empty() || parts.is_empty() {
        words.push("{".to_string());
        words.extend(plain);
        words.push("}".to_string());
    }
    for part in parts {
        if let Some(last) = words.last_mut() {
            last.push_str(" &");
        }
        words.push(part);
    }
    words
}

/// Words as lines behind `head`.
fn wrapped(head: &str, words: &[String]) -> String {
    let (mut out, mut column) = (head.to_string(), head.len());
    let indent = "  ".repeat(1 + (head.len() - head.trim_start().len()) / 2);
    for word in words {
        if column + 1 + word.len() > COLUMNS {
            out.push('\n');
            out.push_str(&indent);
            column = indent.len();
        } else {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += word.len();
    }
    out.push('\n');
    out
}

/// The name of a value: its own, where that is none or another's the value itself, else numbered.
fn value_name(taken: &mut BTreeSet<String>, value: &str, name: &str) -> String {
    let own = if name.is_empty() { value } else { name };
    let numbered = (2..).map(|n| format!("{own}_{n}"));
    let mut names = [own.to_string(), value.to_string()].into_iter().chain(numbered);
    // There are more numbers than values.
    names.find(|name| taken.insert(name.clone())).unwrap_or_default()
}

/// The constant of named values.
fn values(source: &Source) -> String {
    let mut out = "/** Values of fields by their names. */\nexport const values = {\n".to_string();
    let mut fields: Vec<&SourceField> = source.fields.iter().filter(|field| has_values(field)).collect();
    fields.sort_by(|a, b| a.name.cmp(&b.name));
    for field in fields {
        let mut taken = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut words = vec!["{".to_string()];
        for (value, name) in &field.values {
            if !seen.insert(value) {
                continue;
            }
            let name = value_name(&mut taken, value, name);
            let canonical = value.parse::<i32>().is_ok_and(|number| number.to_string() == *value);
            let is_number = field.kind.shape() == FieldShape::Int && canonical;
            let shown = if is_number { value.clone() } else { quoted(value) };
            words.push(format!("{}: {shown},", key(&name)));
        }
        words.push("},".to_string());
        out += &wrapped(&format!("  {}:", key(&field.name)), &words);
    }
    out + "} as const\ntype V = typeof values\n\n"
}

/// Components that messages, header or other such components contain.
fn reached(source: &Source) -> BTreeSet<u16> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&[Node]> = source.messages.iter().map(|message| &message.members[..]).collect();
    open.push(&source.header);
    while let Some(nodes) = open.pop() {
        for node in nodes {
            match *node {
                Node::Field { .. } => {}
                Node::Group { group, .. } => open.push(&source.groups[group as usize]),
                Node::Component { component, .. } if reached.insert(component) => {
                    open.push(&source.components[component as usize].members);
                }
                Node::Component { .. } => {}
            }
        }
    }
    reached
}

fn module(source: &Source, names: &Names<'_>) -> String {
    let Names { banner, schema, transport, messages } = names;
    let mut imported = vec!["{ fixMessage, type FixBody as $Body,".to_string()];
    for kind in ["Boolean", "Bytes", "Decimal", "Enum", "Group", "Int", "Text", "Time", "Words"] {
        imported.push(format!("type Fix{kind}Field as ${kind},"));
    }
    imported.push("type FixMessageType }".to_string());
    imported.push(format!("from {}", quoted(schema)));
    let mut out = format!("{banner}\n// Messages of {}.\n", source.version);
    out += &wrapped("import", &imported);
    if source.header.is_empty() {
        let _ = writeln!(out, "import type {{ StandardHeader }} from {}", quoted(transport));
    }
    out.push('\n');
    out += &values(source);
    for component in reached(source) {
        let members = &source.components[component as usize].members;
        let head = format!("type {} =", component_name(source, component));
        out += &wrapped(&head, &container(source, members, false));
    }
    if !source.header.is_empty() {
        out += "\n/** Fields of the standard header. */\n";
        out += &wrapped("export type StandardHeader =", &container(source, &source.header, false));
    }
    out += "\ninterface Schema {\n";
    for message in &source.messages {
        out += &wrapped(&format!("  {}:", key(&message.name)), &container(source, &message.members, false));
    }
    out += "}\ntype $Sent<K extends keyof Schema> = $Body<StandardHeader, Schema[K]>\n";
    out += "type $Type<K extends keyof Schema> = FixMessageType<StandardHeader, Schema[K]>\n\n";
    let _ = writeln!(out, "/** What a session sends, by the names of messages: `fixInitiator<{messages}>`. */");
    let _ = writeln!(out, "export type {messages} = {{ readonly [K in keyof Schema]: $Sent<K> }}\n");
    for message in source.messages.iter().filter(|message| is_identifier(&message.name)) {
        let (name, msg_type) = (&message.name, quoted(&message.msg_type));
        let _ = writeln!(out, "export type {name} = $Sent<'{name}'>");
        let _ =
            writeln!(out, "export const {name}: $Type<'{name}'> = /* @__PURE__ */ fixMessage('{name}', {msg_type})");
    }
    out
}
