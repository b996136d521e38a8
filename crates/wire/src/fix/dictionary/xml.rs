//! # Room card: wire/fix/dictionary/xml
//! In:    a dictionary in the XML form of QuickFIX: `fix` with `header`, `messages`, `trailer`, `components`, `fields`.
//! Out:   its `Source`, or the first fault with its line.
//! Holds: bounds on bytes, nodes and depth; no document type is read; elements and attributes of other names are
//!        ignored.
//! Costs: cold; one tree of the whole file, 1.5 MB for FIX 5.0 SP2.
use roxmltree::{Document, Node as Element, ParsingOptions};

use super::source::{DICTIONARY_DEPTH_MAX, Node, Source};
use super::{Category, DictionaryError, DictionaryFault};

/// Bytes of a dictionary's XML (FIX 5.0 SP2: 1,471,310).
pub const DICTIONARY_XML_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Nodes of the XML tree: elements, texts between them, comments.
const NODES_MAX: u32 = 2_000_000;

type Outcome<T> = Result<T, DictionaryError>;

/// Reads a dictionary's XML.
pub(super) fn read(text: &str) -> Outcome<Source> {
    if text.len() > DICTIONARY_XML_BYTES_MAX {
        return Err(DictionaryFault::TooMany { what: "bytes", max: DICTIONARY_XML_BYTES_MAX }.into());
    }
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text.trim_start_matches('\u{feff}'), options).map_err(|error| {
        let (line, fault) = (error.pos().row, DictionaryFault::NotXml(error.to_string()));
        DictionaryError { line, element: String::new(), fault }
    })?;
    let root = document.root_element();
    let mut source = Source::of(version(root)?);
    fields(&mut source, section(root, "fields")?)?;
    let components = root.children().find(|child| child.has_tag_name("components"));
    let components: Vec<Element<'_, '_>> = components.iter().flat_map(|all| elements(*all, "component")).collect();
    for component in &components {
        let name = attribute(*component, "name")?;
        source.add_component(name).map_err(|fault| at(*component, fault))?;
    }
    for (place, component) in components.iter().enumerate() {
        source.components[place].members = members(&mut source, *component, 0)?;
    }
    for name in ["header", "trailer"] {
        let all = match section(root, name) {
            Ok(found) => members(&mut source, found, 0)?,
            // From FIX 5.0 on, header and trailer are the transport's.
            Err(_) if source.version.as_str() >= "FIX.5" && source.version.starts_with("FIX.") => Vec::new(),
            Err(missing) => return Err(missing),
        };
        *(if name == "header" { &mut source.header } else { &mut source.trailer }) = all;
    }
    for message in elements(section(root, "messages")?, "message") {
        let (name, msg_type) = (attribute(message, "name")?, attribute(message, "msgtype")?);
        let category = match message.attribute("msgcat") {
            Some("admin") => Category::Admin,
            _ => Category::Application,
        };
        let all = members(&mut source, message, 0)?;
        source.add_message(name, msg_type, category, all).map_err(|fault| at(message, fault))?;
    }
    Ok(source)
}

fn at(element: Element<'_, '_>, fault: DictionaryFault) -> DictionaryError {
    let line = element.document().text_pos_at(element.range().start).row;
    DictionaryError { line, element: element.tag_name().name().to_string(), fault }
}

fn attribute<'a>(element: Element<'a, '_>, name: &'static str) -> Outcome<&'a str> {
    element.attribute(name).ok_or_else(|| at(element, DictionaryFault::AttributeMissing(name)))
}

fn section<'a, 'input>(root: Element<'a, 'input>, name: &'static str) -> Outcome<Element<'a, 'input>> {
    let found = root.children().find(|child| child.has_tag_name(name));
    found.ok_or_else(|| at(root, DictionaryFault::SectionMissing(name)))
}

fn elements<'a, 'input: 'a>(
    parent: Element<'a, 'input>,
    name: &'static str,
) -> impl Iterator<Item = Element<'a, 'input>> {
    parent.children().filter(move |child| child.has_tag_name(name))
}

/// `FIX.4.4` of `<fix type='FIX' major='4' minor='4' servicepack='0'>`, `FIX.5.0SP2` where there is a service pack.
fn version(root: Element<'_, '_>) -> Outcome<String> {
    let kind = root.attribute("type").unwrap_or("FIX");
    if !root.has_tag_name("fix") || !matches!(kind, "FIX" | "FIXT") {
        return Err(at(root, DictionaryFault::NotADictionary));
    }
    let number = |name| -> Outcome<&str> {
        let value = attribute(root, name)?;
        let fits = (1..=2).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit());
        let fault = || DictionaryFault::AttributeInvalid { attribute: name, value: value.chars().take(64).collect() };
        if fits { Ok(value) } else { Err(at(root, fault())) }
    };
    let pack = match root.attribute("servicepack") {
        None | Some("" | "0") => String::new(),
        Some(_) => format!("SP{}", number("servicepack")?),
    };
    Ok(format!("{kind}.{}.{}{pack}", number("major")?, number("minor")?))
}

fn fields(source: &mut Source, section: Element<'_, '_>) -> Outcome<()> {
    for field in elements(section, "field") {
        let (number, name, kind) = (attribute(field, "number")?, attribute(field, "name")?, attribute(field, "type")?);
        source.add_field(number, name, kind).map_err(|fault| at(field, fault))?;
        for value in elements(field, "value") {
            let (text, name) = (attribute(value, "enum")?, value.attribute("description").unwrap_or(""));
            source.add_value(text, name).map_err(|fault| at(value, fault))?;
        }
    }
    Ok(())
}

/// Members of a message, component, group, header or trailer. It calls itself for groups, at most to the depth's bound.
fn members(source: &mut Source, parent: Element<'_, '_>, depth: usize) -> Outcome<Vec<Node>> {
    if depth > DICTIONARY_DEPTH_MAX {
        return Err(at(parent, DictionaryFault::TooDeep { max: DICTIONARY_DEPTH_MAX }));
    }
    let mut all = Vec::new();
    for child in parent.children().filter(Element::is_element) {
        let kind = child.tag_name().name();
        if !matches!(kind, "field" | "group" | "component") {
            continue;
        }
        source.count_member().map_err(|fault| at(child, fault))?;
        let name = attribute(child, "name")?;
        let required = matches!(child.attribute("required"), Some("Y" | "y"));
        all.push(match kind {
            "field" => Node::Field { field: source.field(name).map_err(|fault| at(child, fault))?, required },
            "component" => {
                Node::Component { component: source.component(name).map_err(|fault| at(child, fault))?, required }
            }
            _ => {
                let field = source.field(name).map_err(|fault| at(child, fault))?;
                let inner = members(source, child, depth + 1)?;
                let group = source.add_group(name, inner).map_err(|fault| at(child, fault))?;
                Node::Group { field, required, group }
            }
        });
    }
    Ok(all)
}
