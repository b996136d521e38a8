//! # Room card: xtask/tidy/names
//! In:    public names of Rust and exported names of TypeScript.
//! Out:   names that differ between the two, are declared twice, or mean different things in different rooms.
//! Holds: one word per concept; an exception stands in the list below with its reason.
//! Costs: one pass over the sources.
use std::collections::BTreeMap;

use super::{Check, File};
use crate::source::{Language, enum_items};

const GENERATED: &str = "packages/fafnir/src/generated/";
/// Type names that several rooms may have, and why.
const SHARED: [(&str, &str); 1] = [("Counts", "what a room counts of its own; always read with its room's name")];
/// Generated names that hand-written TypeScript may declare again, and why.
const SPELLED_OUT: [(&str, &str); 2] =
    [("Side", "the number of a record spelled as a word"), ("OrderState", "the number of a record spelled as a word")];
/// Generated names that have no Rust type of the same name, and where they come from.
const FROM_RUST: [(&str, &str); 4] =
    [("EffectHeader", "EFFECT_HEADER_BYTES"), ("CodeRoom", "room"), ("CodeEntry", "Code"), ("codeTable", "Code")];

fn identifier(text: &str) -> &str {
    &text[..text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').unwrap_or(text.len())]
}

/// Names that scrubbed code declares after one of the openings, with their lines.
fn declared<'a>(code: &'a str, openings: &[&str]) -> Vec<(usize, &'a str)> {
    let mut names = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let found = openings.iter().find_map(|opening| line.trim_start().strip_prefix(opening)).map(identifier);
        names.extend(found.filter(|name| !name.is_empty()).map(|name| (number + 1, name)));
    }
    names
}

const RUST_TYPES: [&str; 5] = ["pub struct ", "pub enum ", "pub trait ", "pub type ", "pub union "];
const RUST_NAMES: [&str; 8] =
    ["pub struct ", "pub enum ", "pub trait ", "pub type ", "pub union ", "pub const ", "pub mod ", "pub const fn "];
const TS_EXPORTS: [&str; 6] = [
    "export const ",
    "export type ",
    "export interface ",
    "export class ",
    "export function ",
    "export async function ",
];

fn rust(files: &[File]) -> impl Iterator<Item = &File> {
    files.iter().filter(|file| {
        let product = file.path.starts_with("crates/") && !["crates/xtask", "crates/testkit"].contains(&file.unit());
        file.language() == Some(Language::Rust) && product && file.path.contains("/src/")
    })
}

/// Every name of the generated layouts is a name of Rust.
pub fn layouts(files: &[File]) -> Check {
    let mut known: Vec<String> = Vec::new();
    for file in rust(files) {
        known.extend(declared(&file.code(), &RUST_NAMES).into_iter().map(|(_, name)| name.to_string()));
    }
    let (mut looked_at, mut findings) = (0, Vec::new());
    for file in files.iter().filter(|file| file.path.starts_with(GENERATED)) {
        for (line, name) in declared(&file.code(), &TS_EXPORTS) {
            looked_at += 1;
            let twin = name.strip_suffix("Layout").unwrap_or(name);
            let parts = ["codeNumber", "record", "limits", "TIMER_ID_FIRST_USER"];
            let explained = FROM_RUST.iter().any(|(ours, _)| *ours == twin) || parts.contains(&name);
            if !explained && !known.iter().any(|known| known == twin) {
                findings.push(format!("{}:{line}: {name} has no twin in Rust", file.path));
            }
        }
    }
    Check::new("generated names are names of Rust", looked_at, findings)
}

/// What is generated is not declared a second time by hand.
pub fn generated_once(files: &[File]) -> Check {
    let generated: Vec<String> = files
        .iter()
        .filter(|file| file.path.starts_with(GENERATED))
        .flat_map(|file| {
            declared(&file.code(), &TS_EXPORTS).into_iter().map(|(_, n)| n.to_string()).collect::<Vec<_>>()
        })
        .collect();
    let by_hand = |file: &&File| {
        file.path.starts_with("packages/")
            && file.language() == Some(Language::TypeScript)
            && !file.path.starts_with(GENERATED)
    };
    let mut findings = Vec::new();
    for file in files.iter().filter(by_hand) {
        for (line, name) in declared(&file.code(), &TS_EXPORTS) {
            let spelled_out = SPELLED_OUT.iter().any(|(own, _)| *own == name);
            if generated.iter().any(|own| own == name) && !spelled_out {
                findings.push(format!("{}:{line}: {name} is declared again; import the generated one", file.path));
            }
        }
    }
    Check::new("generated names are not declared again", generated.len(), findings)
}

/// A public type name stands for one thing in all rooms.
pub fn types_once(files: &[File]) -> Check {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in rust(files) {
        for (line, name) in declared(&file.code(), &RUST_TYPES) {
            places.entry(name.to_string()).or_default().push(format!("{}:{line}", file.path));
        }
    }
    let room = |place: &String| place.split('/').nth(1).map(str::to_string);
    let twice = places.iter().filter(|(name, places)| {
        let other_room = places.iter().any(|place| room(place) != room(&places[0]));
        other_room && !SHARED.iter().any(|(shared, _)| shared == name)
    });
    let findings =
        twice.map(|(name, places)| format!("{name} means different things: {}", places.join(", "))).collect();
    Check::new("a public type name means one thing", places.len(), findings)
}

/// Lists of words in TypeScript, by number from 0 (no word's number), and the Rust enum each spells.
const WORDS: [(&str, &str); 3] =
    [("EVENT_KINDS", "EventKind"), ("ORDER_KINDS", "OrderEventKind"), ("ORDER_STATES", "OrderState")];

fn lower_first(name: &str) -> String {
    name.chars().next().map_or(String::new(), |first| first.to_lowercase().chain(name.chars().skip(1)).collect())
}

/// The words of `export const NAME = ['a', 'b'] as const`, without the first.
fn words(statements: &str, name: &str) -> Option<Vec<String>> {
    let rest = statements.split_once(&format!("export const {name} = ["))?.1;
    let list = rest.split_once(']')?.0;
    Some(
        list.split(',')
            .map(|word| word.trim().trim_matches('\'').to_string())
            .filter(|w| !w.is_empty())
            .skip(1)
            .collect(),
    )
}

/// A list of words in TypeScript has the words of its Rust enum, in the order of their numbers.
pub fn words_equal(files: &[File]) -> Check {
    let (mut looked_at, mut findings) = (0, Vec::new());
    let scripts = |file: &&File| file.path.starts_with("packages/") && file.language() == Some(Language::TypeScript);
    for (list, kind) in WORDS {
        let rust = rust(files).map(|file| enum_items(file.text(), kind)).find(|items| !items.is_empty());
        let expected: Vec<String> = rust.unwrap_or_default().iter().map(|item| lower_first(&item.name)).collect();
        for file in files.iter().filter(scripts) {
            let Some(found) = words(&file.statements(), list) else { continue };
            looked_at += 1;
            if found != expected {
                findings.push(format!("{}: {list} is {found:?}, {kind} is {expected:?}", file.path));
            }
        }
    }
    Check::new("words of TypeScript are the words of Rust", looked_at, findings)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_name_without_a_twin_is_found() {
        let rust = sample("crates/types/src/event.rs", "/// X\npub struct Event {\n}\n");
        let ts = |text: &str| sample("packages/fafnir/src/generated/layout.ts", text);
        assert!(layouts(&[rust, ts("export const EventLayout = {\n")]).passed());
        let rust = sample("crates/types/src/event.rs", "pub struct Events {\n}\n// pub struct Event\n");
        assert!(!layouts(&[rust, ts("export const EventLayout = {\n")]).passed());
    }

    #[test]
    fn a_second_declaration_is_found() {
        let own = || sample("packages/fafnir/src/generated/codes.ts", "export type Code = 'A'\n");
        assert!(generated_once(&[own(), sample("packages/fafnir/src/errors.ts", "export type Codes = 1\n")]).passed());
        assert!(!generated_once(&[own(), sample("packages/fafnir/src/errors.ts", "export type Code = 1\n")]).passed());
    }

    #[test]
    fn a_word_that_differs_is_found() {
        let rust =
            || sample("crates/types/src/order.rs", "pub enum OrderState {\n    New = 1,\n    PendingNew = 2,\n}\n");
        let ts = |text: &str| sample("packages/fafnir/src/decode.ts", text);
        let good = "export const ORDER_STATES = [\n  'none', 'new', // words\n  'pendingNew',\n] as const\n";
        assert!(words_equal(&[rust(), ts(good)]).passed());
        assert!(!words_equal(&[rust(), ts(&good.replace("pendingNew", "pending"))]).passed());
        assert!(!words_equal(&[rust(), ts(&good.replace("'new', ", ""))]).passed());
    }

    #[test]
    fn a_type_name_of_two_rooms_is_found() {
        let file =
            |path: &str| sample(path, "pub struct Level;\npub(crate) struct Inner;\nfn f() { \"pub struct X\"; }\n");
        assert!(types_once(&[file("crates/book/src/a.rs"), file("crates/book/src/b.rs")]).passed());
        let check = types_once(&[file("crates/book/src/a.rs"), file("crates/venue/src/b.rs")]);
        assert_eq!(check.findings, ["Level means different things: crates/book/src/a.rs:1, crates/venue/src/b.rs:1"]);
    }
}
