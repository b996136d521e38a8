//! # Room card: wire/fix/dictionary/compact
//! In:    a dictionary's source; or the deflated text of a table of this library.
//! Out:   the other of the two.
//! Holds: the same source gives the same text. A line a statement: version; `F` tag (as the step from the one before),
//!        name, type; `V` value, name of the field before; `C` name, members; `M` type, name, category, members; `H`
//!        and `T` members. Members are tags, `(tag ... )` for a group, `@place` for a component, `!` when required.
//! Costs: cold; FIX 5.0 SP2 is 100 KB deflated, FIX 4.4 24 KB.
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use super::source::{DICTIONARY_DEPTH_MAX, Node, Source};
use super::xml::DICTIONARY_XML_BYTES_MAX;
use super::{Category, DictionaryFault};

type Outcome<T> = Result<T, DictionaryFault>;

/// The table of a source, deflated.
pub(super) fn pack(source: &Source) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    // Writing to a vector does not fail.
    let _ = encoder.write_all(text(source).as_bytes());
    encoder.finish().unwrap_or_default()
}

/// The source of a deflated table.
pub(super) fn unpack(table: &[u8]) -> Outcome<Source> {
    let mut text = String::new();
    let bound = DICTIONARY_XML_BYTES_MAX as u64;
    DeflateDecoder::new(table).take(bound).read_to_string(&mut text).map_err(|_| DictionaryFault::Table)?;
    read(&text)
}

/// The text of a source.
fn text(source: &Source) -> String {
    let mut out = format!("{}\n", source.version);
    let mut by_tag: Vec<_> = source.fields.iter().collect();
    by_tag.sort_by_key(|field| field.tag);
    let mut before = 0;
    for field in by_tag {
        // Writing to a string does not fail, here and below.
        let _ = writeln!(out, "F\t{}\t{}\t{}", field.tag - before, field.name, field.kind.name());
        before = field.tag;
        for (value, name) in &field.values {
            let _ = writeln!(out, "V\t{value}\t{name}");
        }
    }
    for component in &source.components {
        let _ = writeln!(out, "C\t{}\t{}", component.name, members(source, &component.members));
    }
    for message in &source.messages {
        let category = if message.category == Category::Admin { "admin" } else { "app" };
        let all = members(source, &message.members);
        let _ = writeln!(out, "M\t{}\t{}\t{category}\t{all}", message.msg_type, message.name);
    }
    let _ = writeln!(out, "H\t{}\nT\t{}", members(source, &source.header), members(source, &source.trailer));
    out
}

/// Members as words. It calls itself for groups, as deep as the loader let them be.
fn members(source: &Source, nodes: &[Node]) -> String {
    let mark = |required: bool| if required { "!" } else { "" };
    let word = |node: &Node| match *node {
        Node::Field { field, required } => format!("{}{}", source.fields[field as usize].tag, mark(required)),
        Node::Component { component, required } => format!("@{component}{}", mark(required)),
        Node::Group { field, required, group } => {
            let tag = source.fields[field as usize].tag;
            format!("({tag}{} {} )", mark(required), members(source, &source.groups[group as usize]))
        }
    };
    nodes.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// Reads a table's text.
fn read(text: &str) -> Outcome<Source> {
    let mut lines = text.lines();
    let version = lines.next().unwrap_or_default();
    if !version.starts_with("FIX") {
        return Err(DictionaryFault::Table);
    }
    let mut source = Source::of(version.to_string());
    let lines: Vec<Vec<&str>> = lines.map(|line| line.split('\t').collect()).collect();
    for line in &lines {
        if let ["C", name, _] = line[..] {
            source.add_component(name)?;
        }
    }
    let (mut tag, mut component) = (0u32, 0);
    for line in &lines {
        match line[..] {
            ["F", step, name, kind] => {
                tag = tag.saturating_add(step.parse().map_err(|_| DictionaryFault::Table)?);
                source.add_field(&tag.to_string(), name, kind)?;
            }
            ["V", value, name] => source.add_value(value, name)?,
            ["C", _, all] => {
                source.components[component].members = nodes(&mut source, all)?;
                component += 1;
            }
            ["M", msg_type, name, category, all] => {
                let category = if category == "admin" { Category::Admin } else { Category::Application };
                let all = nodes(&mut source, all)?;
                source.add_message(name, msg_type, category, all)?;
            }
            ["H", all] => source.header = nodes(&mut source, all)?,
            ["T", all] => source.trailer = nodes(&mut source, all)?,
            _ => return Err(DictionaryFault::Table),
        }
    }
    Ok(source)
}

/// Reads members: a stack of the groups that are open, the outermost first.
fn nodes(source: &mut Source, words: &str) -> Outcome<Vec<Node>> {
    let mut open: Vec<(u16, bool, Vec<Node>)> = Vec::new();
    let mut all = Vec::new();
    for word in words.split(' ').filter(|word| !word.is_empty()) {
        let current = match open.last_mut() {
            Some((_, _, members)) => members,
            None => &mut all,
        };
        if word == ")" {
            let (field, required, members) = open.pop().ok_or(DictionaryFault::Table)?;
            let group = source.add_group("", members)?;
            let node = Node::Group { field, required, group };
            match open.last_mut() {
                Some((_, _, members)) => members.push(node),
                None => all.push(node),
            }
            continue;
        }
        source.count_member()?;
        let (word, required) = word.strip_suffix('!').map_or((word, false), |word| (word, true));
        if let Some(place) = word.strip_prefix('@') {
            let component: u16 = place.parse().map_err(|_| DictionaryFault::Table)?;
            if component as usize >= source.components.len() {
                return Err(DictionaryFault::Table);
            }
            current.push(Node::Component { component, required });
            continue;
        }
        let (tag, is_group) = word.strip_prefix('(').map_or((word, false), |word| (word, true));
        let tag = tag.parse().map_err(|_| DictionaryFault::Table)?;
        let field = source.field_of_tag(tag).ok_or(DictionaryFault::Table)?;
        if !is_group {
            current.push(Node::Field { field, required });
        } else if open.len() < DICTIONARY_DEPTH_MAX {
            open.push((field, required, Vec::new()));
        } else {
            return Err(DictionaryFault::Table);
        }
    }
    if open.is_empty() { Ok(all) } else { Err(DictionaryFault::Table) }
}
