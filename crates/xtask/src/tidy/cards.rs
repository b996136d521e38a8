//! # Room card: xtask/tidy/cards
//! In:    the module files of the crates and of the binding.
//! Out:   modules whose first lines are no room card, or the card of another module.
//! Holds: name, In, Out, Holds, Costs, in this order, none empty; a part may go on in an indented line.
//! Costs: the first lines of each file.
use super::{Check, File};

/// The parts of a card, as they are written.
const PARTS: [&str; 4] = ["//! In:    ", "//! Out:   ", "//! Holds: ", "//! Costs: "];

/// The module's name by its path: `crates/wire/src/json/mod.rs` is `wire/json`.
fn module(path: &str) -> Option<String> {
    let (unit, inside) = path.split_once("/src/")?;
    let room = unit.strip_prefix("crates/").or((unit == "bindings/node").then_some(unit))?;
    let stem = inside.strip_suffix(".rs")?;
    let test = |part: &str| part == "tests" || part.ends_with("_tests") || part.ends_with("_test");
    if stem.split('/').any(test) {
        return None;
    }
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    Some(if matches!(stem, "lib" | "main" | "mod") { room.to_string() } else { format!("{room}/{stem}") })
}

/// What is wrong with the card of the module `name`.
fn fault(name: &str, text: &str) -> Option<String> {
    let mut lines = text.lines();
    let title = lines.next().unwrap_or("");
    let named = title.strip_prefix("//! # Room card: ");
    if named != Some(name) {
        return Some(format!("starts with `{title}`, not with `//! # Room card: {name}`"));
    }
    let mut lines = lines.peekable();
    for part in PARTS {
        let line = lines.next().unwrap_or("");
        if line.strip_prefix(part).is_none_or(|rest| rest.trim().is_empty()) {
            return Some(format!("the card's line `{}` is missing or empty", part.trim_end()));
        }
        while lines.next_if(|line| line.starts_with("//!        ")).is_some() {}
    }
    None
}

/// Every module opens with its card.
pub fn check(files: &[File]) -> Check {
    let modules: Vec<(&File, String)> =
        files.iter().filter_map(|file| module(&file.path).map(|name| (file, name))).collect();
    let faults = modules.iter().filter_map(|(file, name)| Some((file, fault(name, file.text())?)));
    let findings = faults.map(|(file, fault)| format!("{}: {fault}", file.path)).collect();
    Check::new("every module opens with its room card", modules.len(), findings)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    const CARD: &str =
        "//! # Room card: wire/json\n//! In:    a\n//! Out:   b\n//!        more\n//! Holds: c\n//! Costs: d\nuse x;\n";

    #[test]
    fn modules_are_named_by_their_path() {
        assert_eq!(module("crates/wire/src/json/mod.rs").as_deref(), Some("wire/json"));
        assert_eq!(module("crates/wire/src/lib.rs").as_deref(), Some("wire"));
        assert_eq!(module("bindings/node/src/book.rs").as_deref(), Some("bindings/node/book"));
        for other in ["crates/wire/tests/a.rs", "crates/wire/src/tests.rs", "bench/rust/src/main.rs", "tasks.mjs"] {
            assert_eq!(module(other), None, "{other}");
        }
    }

    #[test]
    fn missing_wrong_and_empty_cards_are_found() {
        let path = "crates/wire/src/json.rs";
        assert!(check(&[sample(path, CARD)]).passed());
        let bad = [
            CARD.replace("wire/json", "wire"),
            CARD.replace("//! Holds: c\n", ""),
            CARD.replace("Costs: d", "Costs: "),
            CARD.replace("//! In:    a\n//! Out:   b\n//!        more\n", "//! Out:   b\n//! In:    a\n"),
            String::new(),
        ];
        for text in bad {
            assert!(!check(&[sample(path, &text)]).passed(), "{text}");
        }
    }
}
