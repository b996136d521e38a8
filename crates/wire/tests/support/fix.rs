//! An independent reader of FIX messages for the tests: the slow and plain way, and the FIX 4.4 dictionary where it is
//! there.
#![allow(dead_code)] // Each test file uses its part.
use std::collections::HashMap;

/// A message in (tag, value), framing checked by its definitions. No data fields.
pub fn read(message: &[u8]) -> Vec<(u32, String)> {
    assert_eq!(message.last(), Some(&1));
    let fields: Vec<(u32, String)> = message[..message.len() - 1]
        .split(|&byte| byte == 1)
        .map(|field| {
            let text = std::str::from_utf8(field).expect("ASCII");
            let (tag, value) = text.split_once('=').expect("tag=value");
            assert!(!value.is_empty() && !tag.starts_with('0'), "{text}");
            (tag.parse().expect("a tag"), value.to_string())
        })
        .collect();
    assert_eq!((fields[0].0, fields[0].1.as_str()), (8, "FIX.4.4"));
    assert_eq!((fields[1].0, fields[2].0, fields[fields.len() - 1].0), (9, 35, 10));
    let body_start = message.iter().enumerate().filter(|(_, byte)| **byte == 1).nth(1).unwrap().0 + 1;
    let trailer = message.len() - "10=000\x01".len();
    assert_eq!(fields[1].1, (trailer - body_start).to_string());
    let sum = message[..trailer].iter().map(|&byte| byte as u32).sum::<u32>() % 256;
    assert_eq!(fields[fields.len() - 1].1, format!("{sum:03}"));
    fields
}

/// Several messages one after the other.
pub fn read_all(mut bytes: &[u8]) -> Vec<Vec<(u32, String)>> {
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let marker = bytes.windows(4).position(|window| window == b"\x0110=").expect("a checksum");
        let length = marker + "\x0110=000\x01".len();
        messages.push(read(&bytes[..length]));
        bytes = &bytes[length..];
    }
    messages
}

/// The first value of a tag.
pub fn value(fields: &[(u32, String)], tag: u32) -> Option<&str> {
    fields.iter().find(|field| field.0 == tag).map(|field| field.1.as_str())
}

/// Separators as `|`.
pub fn text(message: &[u8]) -> String {
    String::from_utf8_lossy(message).replace('\x01', "|")
}

/// A message from `tag=value|` text: begin string, length and checksum are put around it.
pub fn framed(body: &str) -> Vec<u8> {
    framed_as("FIX.4.4", body)
}

/// The same of another version.
pub fn framed_as(begin_string: &str, body: &str) -> Vec<u8> {
    let body = body.replace('|', "\x01");
    let mut message = format!("8={begin_string}\x019={}\x01{body}", body.len()).into_bytes();
    let sum = message.iter().map(|&byte| byte as u32).sum::<u32>() % 256;
    message.extend_from_slice(format!("10={sum:03}\x01").as_bytes());
    message
}

/// (tag, required) in order.
type Layout = Vec<(u32, bool)>;

/// The FIX 4.4 dictionary.
pub struct Dictionary {
    header: Layout,
    messages: HashMap<String, Layout>,
    values: HashMap<u32, Vec<String>>,
}

#[derive(Clone)]
struct Node {
    kind: String,
    attributes: HashMap<String, String>,
    children: Vec<Node>,
}

impl Node {
    fn get(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", |value| value)
    }
    fn child(&self, kind: &str) -> &Node {
        self.children.iter().find(|child| child.kind == kind).unwrap()
    }
}

fn parse(text: &str) -> Node {
    let mut stack = vec![Node { kind: String::new(), attributes: HashMap::new(), children: Vec::new() }];
    for tag in text.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap().trim();
        if tag.starts_with(['?', '!']) {
            continue;
        }
        if tag.starts_with('/') {
            let node = stack.pop().unwrap();
            stack.last_mut().unwrap().children.push(node);
            continue;
        }
        let inner = tag.trim_end_matches('/');
        let (kind, mut rest) = inner.split_once(' ').unwrap_or((inner, ""));
        let mut attributes = HashMap::new();
        while let Some((name, after)) = rest.split_once('=') {
            let quote = after.chars().next().unwrap();
            let (value, after) = after[1..].split_once(quote).unwrap();
            attributes.insert(name.trim().to_string(), value.to_string());
            rest = after;
        }
        let node = Node { kind: kind.to_string(), attributes, children: Vec::new() };
        if tag.ends_with('/') {
            stack.last_mut().unwrap().children.push(node);
        } else {
            stack.push(node);
        }
    }
    stack.remove(0).children.remove(0)
}

fn flatten(
    node: &Node,
    required: bool,
    numbers: &HashMap<&str, u32>,
    components: &HashMap<&str, &Node>,
    into: &mut Layout,
) {
    for child in &node.children {
        let name = child.get("name");
        let needed = required && child.get("required") == "Y";
        match child.kind.as_str() {
            "field" => into.push((numbers[name], needed)),
            "group" => {
                into.push((numbers[name], needed));
                flatten(child, false, numbers, components, into);
            }
            _ => flatten(components[name], needed, numbers, components, into),
        }
    }
}

impl Dictionary {
    /// Reads it once, or says that the check is skipped.
    pub fn load() -> Option<&'static Dictionary> {
        static ONCE: std::sync::OnceLock<Option<Dictionary>> = std::sync::OnceLock::new();
        ONCE.get_or_init(Dictionary::from_file).as_ref()
    }

    fn from_file() -> Option<Dictionary> {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference/fix/FIX44.xml");
        let Ok(text) = std::fs::read_to_string(&path) else {
            println!("skipped: no dictionary at {}", path.display());
            return None;
        };
        let root = parse(&text);
        let fields = &root.child("fields").children;
        let numbers = fields.iter().map(|field| (field.get("name"), field.get("number").parse().unwrap())).collect();
        let values = fields
            .iter()
            .filter(|field| !field.children.is_empty())
            .map(|field| {
                let allowed = field.children.iter().map(|value| value.get("enum").to_string()).collect();
                (field.get("number").parse().unwrap(), allowed)
            })
            .collect();
        let components = root.child("components").children.iter().map(|node| (node.get("name"), node)).collect();
        let layout = |node: &Node| {
            let mut into = Vec::new();
            flatten(node, true, &numbers, &components, &mut into);
            into
        };
        let header = layout(root.child("header"));
        let messages = root.child("messages").children.iter();
        let messages = messages.map(|node| (node.get("msgtype").to_string(), layout(node))).collect();
        Some(Dictionary { header, messages, values })
    }

    /// Required fields, their order, and enumerated values.
    pub fn check(&self, message: &[u8]) {
        let (places, shown) = self.places(message);
        assert!(places.is_sorted_by(|a, b| a.1 < b.1), "out of order, or twice: {shown}");
    }

    /// The same for a session's own messages: header tags ascend, and then body tags.
    #[allow(dead_code)] // Not every test that shares this file has such messages.
    pub fn check_ascending(&self, message: &[u8]) {
        let (places, shown) = self.places(message);
        let in_header = |place: &(u32, usize)| place.1 < self.header.len();
        let (header, body) = places[3..].split_at(places[3..].iter().take_while(|place| in_header(place)).count());
        assert!(!body.iter().any(in_header), "a header field in the body: {shown}");
        for part in [header, body] {
            assert!(part.is_sorted_by(|a, b| a.0 < b.0), "out of order, or twice: {shown}");
        }
    }

    /// Tags of the dictionary and their places in it, the checksum left out; and the message as text.
    fn places(&self, message: &[u8]) -> (Vec<(u32, usize)>, String) {
        let fields = read(message);
        let shown = text(message);
        let body = self.messages.get(&fields[2].1).unwrap_or_else(|| panic!("no such type: {shown}"));
        let legal: Layout = self.header.iter().chain(body).copied().collect();
        for &(tag, required) in &legal {
            assert!(!required || value(&fields, tag).is_some(), "{tag} is missing: {shown}");
        }
        let places: Vec<(u32, usize)> = fields[..fields.len() - 1]
            .iter()
            .filter(|field| field.0 < 5_000)
            .map(|field| {
                let place = legal.iter().position(|known| known.0 == field.0);
                (field.0, place.unwrap_or_else(|| panic!("{}: {shown}", field.0)))
            })
            .collect();
        for (tag, value) in &fields {
            let Some(allowed) = self.values.get(tag) else { continue };
            assert!(value.split(' ').all(|part| allowed.iter().any(|known| known == part)), "{tag}={value}: {shown}");
        }
        (places, shown)
    }
}
