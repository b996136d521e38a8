//! # Room card: xtask/tidy/unsafety
//! In:    Rust sources.
//! Out:   `unsafe` outside its places, `unsafe` without its reason, crates that do not forbid what they do not need.
//! Holds: the places of the style: ring, net, journal::map, the simd modules, the counting allocator, the binding.
//! Costs: one pass over the sources.
use super::{Check, File};
use crate::source::Language;

/// Where `unsafe` may stand: a path is allowed that starts with one of these.
const PLACES: [&str; 7] = [
    "crates/ring/",
    "crates/net/",
    "crates/journal/src/map",
    "crates/wire/src/simd",
    "crates/book/src/simd",
    "crates/testkit/src/alloc",
    "bindings/node/",
];

fn rust(files: &[File]) -> impl Iterator<Item = &File> {
    files.iter().filter(|file| file.language() == Some(Language::Rust))
}

fn allowed(path: &str) -> bool {
    PLACES.iter().any(|place| path.starts_with(place))
}

/// Lines (from 0) that have the keyword.
fn unsafe_lines(code: &str) -> Vec<usize> {
    let word = |line: &str| line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe");
    code.lines().enumerate().filter(|(_, line)| word(line)).map(|(number, _)| number).collect()
}

/// `unsafe` stands only where the style allows it.
pub fn places(files: &[File]) -> Check {
    let (mut looked_at, mut findings) = (0, Vec::new());
    for file in rust(files) {
        looked_at += 1;
        if !allowed(&file.path) {
            let lines = unsafe_lines(&file.code()).into_iter();
            findings.extend(lines.map(|line| format!("{}:{}: unsafe outside its places", file.path, line + 1)));
        }
    }
    Check::new("unsafe stands only in its places", looked_at, findings)
}

/// Is there a reason in the comment just above the statement that `line` belongs to, or (for a function that asks its
/// callers) in its doc?
fn has_reason(lines: &[&str], line: usize) -> bool {
    let says = |text: &str| text.contains("// SAFETY:") || text.contains("/// # Safety");
    if says(lines[line]) {
        return true;
    }
    let mut at = line;
    while at > 0 {
        at -= 1;
        let text = lines[at].trim();
        if text.starts_with("//") {
            if says(text) {
                return true;
            }
        } else if text.starts_with("#[") {
            continue;
        } else if text.is_empty()
            || text.ends_with([';', '{', '}', ','])
            || lines[at + 1].trim_start().starts_with("//")
        {
            return false;
        }
    }
    false
}

/// Every `unsafe` has its `// SAFETY:` just above.
pub fn reasons(files: &[File]) -> Check {
    let (mut looked_at, mut findings) = (0, Vec::new());
    for file in rust(files).filter(|file| allowed(&file.path)) {
        looked_at += 1;
        let lines: Vec<&str> = file.text().lines().collect();
        let bare = unsafe_lines(&file.code()).into_iter().filter(|&line| !has_reason(&lines, line));
        findings.extend(bare.map(|line| format!("{}:{}: unsafe without `// SAFETY:` just above", file.path, line + 1)));
    }
    Check::new("every unsafe has its reason", looked_at, findings)
}

/// Crates without a place for `unsafe` forbid it.
pub fn forbidden_elsewhere(files: &[File]) -> Check {
    let root = |file: &&File| {
        let inside = &file.path[file.unit().len()..];
        matches!(inside, "/src/lib.rs" | "/src/main.rs")
    };
    let has_place = |unit: &str| rust(files).any(|file| file.unit() == unit && allowed(&file.path));
    let roots: Vec<&File> = rust(files).filter(root).filter(|file| !has_place(file.unit())).collect();
    let open = roots.iter().filter(|file| !file.code().contains("#![forbid(unsafe_code)]"));
    let findings = open.map(|file| format!("{}: lacks #![forbid(unsafe_code)]", file.path)).collect();
    Check::new("unsafe is forbidden elsewhere", roots.len(), findings)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn unsafe_outside_its_places_is_found() {
        let text = "// unsafe in a comment\nfn f() { let s = \"unsafe\"; unsafe { g() } }\n#![forbid(unsafe_code)]\n";
        assert!(!places(&[sample("crates/book/src/lib.rs", text)]).passed());
        assert!(places(&[sample("crates/ring/src/lib.rs", text)]).passed());
        assert!(places(&[sample("crates/book/src/lib.rs", "// unsafe\n")]).passed());
    }

    #[test]
    fn unsafe_without_a_reason_is_found() {
        let path = "crates/ring/src/a.rs";
        let good = [
            "// SAFETY: held.\nunsafe { g() }\n",
            "// SAFETY: held,\n// by the caller.\nlet x =\n    unsafe { g() };\n",
            "// SAFETY: held.\n#[allow(x)]\nunsafe impl Send for X {}\n",
            "/// Doc.\n/// # Safety\n/// Hold it.\npub unsafe fn f() {}\n",
        ];
        for text in good {
            assert!(reasons(&[sample(path, text)]).passed(), "{text}");
        }
        let bad = [
            "unsafe { g() }\n",
            "// Because.\nunsafe { g() }\n",
            "// SAFETY: of another.\nf();\nunsafe { g() }\n",
            "// SAFETY: one.\nunsafe { g() };\nlet y = unsafe { h() };\n",
        ];
        for text in bad {
            assert!(!reasons(&[sample(path, text)]).passed(), "{text}");
        }
    }

    #[test]
    fn a_crate_that_allows_what_it_does_not_need_is_found() {
        assert!(!forbidden_elsewhere(&[sample("crates/book/src/lib.rs", "// #![forbid(unsafe_code)]\n")]).passed());
        assert!(forbidden_elsewhere(&[sample("crates/book/src/lib.rs", "#![forbid(unsafe_code)]\n")]).passed());
    }
}
