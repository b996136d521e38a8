//! # Room card: xtask/source
//! In:    the text of Rust and TypeScript files.
//! Out:   the same text with comments or strings blanked, line for line; items with their docs; function lengths.
//! Holds: columns and lines stay where they were, so that a finding has a true place.
//! Costs: one pass over the text; a lexer, not a parser: enough for the rules that use it.

/// A field, variant or constant as written.
#[derive(Clone, PartialEq, Debug)]
pub struct Item {
    pub name: String,
    pub doc: String,
    /// Type of a field, value of a constant.
    pub detail: String,
}

/// Which language's strings and comments.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Rust,
    TypeScript,
}

/// What is blanked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Blank {
    Comments,
    CommentsAndStrings,
}

struct Scrubber<'a> {
    text: &'a [u8],
    at: usize,
    out: Vec<u8>,
    blank: Blank,
}

impl Scrubber<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }
    fn keep(&mut self, count: usize) {
        let end = (self.at + count).min(self.text.len());
        self.out.extend_from_slice(&self.text[self.at..end]);
        self.at = end;
    }
    fn hide(&mut self, count: usize) {
        let end = (self.at + count).min(self.text.len());
        self.out.extend(self.text[self.at..end].iter().map(|&byte| if byte == b'\n' { b'\n' } else { b' ' }));
        self.at = end;
    }
    fn string_part(&mut self, count: usize) {
        if self.blank == Blank::CommentsAndStrings { self.hide(count) } else { self.keep(count) }
    }
    fn comment(&mut self, nested: bool) -> bool {
        if self.peek(0) != b'/' {
            return false;
        }
        if self.peek(1) == b'/' {
            while self.at < self.text.len() && self.peek(0) != b'\n' {
                self.hide(1);
            }
            return true;
        }
        if self.peek(1) != b'*' {
            return false;
        }
        let mut depth = 0;
        while self.at < self.text.len() {
            if self.peek(0) == b'/' && self.peek(1) == b'*' && (nested || depth == 0) {
                depth += 1;
                self.hide(2);
            } else if self.peek(0) == b'*' && self.peek(1) == b'/' {
                depth -= 1;
                self.hide(2);
                if depth == 0 {
                    break;
                }
            } else {
                self.hide(1);
            }
        }
        true
    }
    /// A string up to its closing byte, backslash escapes skipped; the quotes stay.
    fn string(&mut self, close: u8) {
        self.keep(1);
        while self.at < self.text.len() && self.peek(0) != close {
            self.string_part(if self.peek(0) == b'\\' { 2 } else { 1 });
        }
        self.keep(1);
    }
    fn raw_string(&mut self, hashes: usize) {
        self.keep(hashes + 1);
        let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
        while self.at < self.text.len() && !self.text[self.at..].starts_with(&close) {
            self.string_part(1);
        }
        self.keep(close.len());
    }
    fn last_word_or_mark(&self) -> (String, u8) {
        let text = self.out.trim_ascii_end();
        let start = text.iter().rposition(|&b| !b.is_ascii_alphanumeric() && b != b'_').map_or(0, |at| at + 1);
        (String::from_utf8_lossy(&text[start..]).into_owned(), text.last().copied().unwrap_or(b';'))
    }
    fn regex(&mut self) {
        self.keep(1);
        let mut class = false;
        while self.at < self.text.len() && self.peek(0) != b'\n' && (class || self.peek(0) != b'/') {
            class = match self.peek(0) {
                b'[' => true,
                b']' => false,
                _ => class,
            };
            self.string_part(if self.peek(0) == b'\\' { 2 } else { 1 });
        }
        self.keep(1);
    }
    fn template(&mut self) {
        self.keep(1);
        while self.at < self.text.len() && self.peek(0) != b'`' {
            if self.peek(0) == b'$' && self.peek(1) == b'{' {
                self.keep(2);
                self.typescript(true);
            } else {
                self.string_part(if self.peek(0) == b'\\' { 2 } else { 1 });
            }
        }
        self.keep(1);
    }
    fn typescript(&mut self, inside_template: bool) {
        let mut depth = 0;
        while self.at < self.text.len() {
            if self.comment(false) {
                continue;
            }
            match self.peek(0) {
                quote @ (b'"' | b'\'') => self.string(quote),
                b'`' => self.template(),
                b'/' => {
                    let (word, mark) = self.last_word_or_mark();
                    let after_word = matches!(word.as_str(), "return" | "typeof" | "case" | "in" | "of" | "await");
                    if after_word || word.is_empty() && !matches!(mark, b')' | b']' | b'}' | b'"' | b'\'' | b'`') {
                        self.regex();
                    } else {
                        self.keep(1);
                    }
                }
                b'}' if inside_template && depth == 0 => return self.keep(1),
                byte => {
                    depth += (byte == b'{') as i32 - (byte == b'}') as i32;
                    self.keep(1);
                }
            }
        }
    }
    fn rust(&mut self) {
        while self.at < self.text.len() {
            if self.comment(true) {
                continue;
            }
            let word_before = self.out.last().is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
            match self.peek(0) {
                b'"' => self.string(b'"'),
                b'r' | b'b' | b'c' if !word_before => {
                    let prefix = if self.peek(0) == b'r' { 1 } else { 1 + (self.peek(1) == b'r') as usize };
                    let raw = self.text[self.at..self.at + prefix].contains(&b'r');
                    let hashes =
                        self.text[(self.at + prefix).min(self.text.len())..].iter().take_while(|&&b| b == b'#').count();
                    let opens = self.peek(prefix + hashes) == b'"';
                    self.keep(prefix);
                    if raw && opens {
                        self.raw_string(hashes);
                    }
                }
                // A quote opens a character when an escape follows or another quote closes it; else it is a lifetime.
                b'\'' if self.peek(1) == b'\\' => self.string(b'\''),
                b'\'' => {
                    let letter = std::str::from_utf8(&self.text[self.at + 1..(self.at + 5).min(self.text.len())])
                        .unwrap_or_else(|error| {
                            let start = self.at + 1;
                            std::str::from_utf8(&self.text[start..start + error.valid_up_to()]).unwrap_or("")
                        })
                        .chars()
                        .next()
                        .map_or(0, char::len_utf8);
                    if letter > 0 && self.peek(1 + letter) == b'\'' {
                        self.keep(1);
                        self.string_part(letter);
                    }
                    self.keep(1);
                }
                _ => self.keep(1),
            }
        }
    }
}

/// The text with comments (and the insides of strings) as blanks.
pub fn scrub(text: &str, language: Language, blank: Blank) -> String {
    let mut scrubber = Scrubber { text: text.as_bytes(), at: 0, out: Vec::with_capacity(text.len()), blank };
    match language {
        Language::Rust => scrubber.rust(),
        Language::TypeScript => scrubber.typescript(false),
    }
    String::from_utf8_lossy(&scrubber.out).into_owned()
}

/// Lines between the braces of the first item that opens with `opening`, with doc comments.
fn body<'a>(text: &'a str, opening: &str) -> Vec<&'a str> {
    let mut lines = text.lines().skip_while(|line| !line.trim_start().starts_with(opening));
    lines.next();
    lines.take_while(|line| line.trim_end() != "}").collect()
}

fn collect<'a>(lines: impl Iterator<Item = &'a str>, item: impl Fn(&str) -> Option<(String, String)>) -> Vec<Item> {
    let (mut items, mut doc) = (Vec::new(), Vec::new());
    for line in lines.map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            doc.push(text.trim().to_string());
        } else if let Some((name, detail)) = item(line) {
            items.push(Item { name, doc: std::mem::take(&mut doc).join("\n"), detail });
        } else if !line.starts_with("#[") {
            doc.clear();
        }
    }
    items
}

/// Public fields of a struct, in order.
pub fn struct_items(text: &str, name: &str) -> Vec<Item> {
    collect(body(text, &format!("pub struct {name} {{")).into_iter(), |line| {
        let (name, kind) = line.strip_prefix("pub ")?.trim_end_matches(',').split_once(": ")?;
        Some((name.to_string(), kind.to_string()))
    })
}

/// Variants of an enum with numbers, in order.
pub fn enum_items(text: &str, name: &str) -> Vec<Item> {
    collect(body(text, &format!("pub enum {name} {{")).into_iter(), |line| {
        let (name, number) = line.trim_end_matches(',').split_once(" = ")?;
        Some((name.to_string(), number.to_string()))
    })
}

/// Public constants of a file outside `impl` blocks, in order.
pub fn const_items(text: &str) -> Vec<Item> {
    let mut inside_impl = false;
    let lines = text.lines().filter(|line| {
        inside_impl = if line.starts_with("impl") { !line.ends_with('}') } else { inside_impl && *line != "}" };
        !inside_impl
    });
    collect(lines, |line| {
        let (name, rest) = line.strip_prefix("pub const ")?.split_once(": ")?;
        let value = rest.split_once(" = ")?.1.trim_end_matches(';');
        Some((name.to_string(), value.to_string()))
    })
}

/// A function: its name, its first line (from 1) and how many lines it has.
#[derive(Clone, PartialEq, Debug)]
pub struct Function {
    pub name: String,
    pub line: usize,
    pub lines: usize,
}

fn line_of(code: &str, at: usize) -> usize {
    code.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count() + 1
}

/// Where the brace that opens at `open` closes.
fn closing(code: &[u8], open: usize) -> usize {
    let mut depth = 0i32;
    for (at, byte) in code.iter().enumerate().skip(open) {
        depth += (*byte == b'{') as i32 - (*byte == b'}') as i32;
        if depth == 0 {
            return at;
        }
    }
    code.len() - 1
}

fn word_at(code: &str, at: usize) -> &str {
    let rest = &code[at..];
    &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())]
}

/// Functions of scrubbed Rust code that have a body.
pub fn rust_functions(code: &str) -> Vec<Function> {
    let bytes = code.as_bytes();
    let mut functions = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let name = word_at(code, at + 3);
        if name.is_empty() || at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_') {
            continue;
        }
        let mut depth = 0i32;
        let end = bytes.iter().enumerate().skip(at).find(|(_, byte)| {
            depth += matches!(byte, b'(' | b'[') as i32 - matches!(byte, b')' | b']') as i32;
            depth == 0 && matches!(byte, b'{' | b';')
        });
        if let Some((open, b'{')) = end {
            let (first, last) = (line_of(code, at), line_of(code, closing(bytes, open)));
            functions.push(Function { name: name.to_string(), line: first, lines: last - first + 1 });
        }
    }
    functions
}

/// Where a function's head begins when the brace at `open` opens its body: after an arrow, or after a parameter list
/// (with or without a result type) that is not that of a control statement.
fn typescript_head(code: &str, open: usize) -> Option<usize> {
    let before = code[..open].trim_end();
    if before.ends_with("=>") {
        return Some(before.len() - 2);
    }
    let close = if before.ends_with(')') { before.len() - 1 } else { before.rfind(')')? };
    let between = before[close + 1..].trim();
    let typed = between
        .strip_prefix(':')
        .is_some_and(|kind| !kind.trim().is_empty() && !kind.contains([';', '{', '}', '=', '?']));
    if !between.is_empty() && !typed {
        return None;
    }
    let mut depth = 0i32;
    let parameters = before[..=close].bytes().enumerate().rev().find(|(_, byte)| {
        depth += (*byte == b')') as i32 - (*byte == b'(') as i32;
        depth == 0
    })?;
    let head = before[..parameters.0].trim_end();
    let start = head.rfind(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').map_or(0, |at| at + 1);
    let control = ["if", "for", "while", "switch", "catch", "with", "await"];
    (!control.contains(&&head[start..])).then_some(start)
}

/// Functions, methods and arrow functions of scrubbed TypeScript code that have a block body.
pub fn typescript_functions(code: &str) -> Vec<Function> {
    let mut functions = Vec::new();
    for (open, _) in code.match_indices('{') {
        if let Some(head) = typescript_head(code, open) {
            let (first, last) = (line_of(code, head), line_of(code, closing(code.as_bytes(), open)));
            let name = word_at(code, head);
            let name = if name.is_empty() { "arrow function" } else { name };
            functions.push(Function { name: name.to_string(), line: first, lines: last - first + 1 });
        }
    }
    functions
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
