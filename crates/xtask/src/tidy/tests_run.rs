//! # Room card: xtask/tidy/tests_run
//! In:    manifests, sources and tests of the crates.
//! Out:   tests that look as if they were run and are not.
//! Holds: a crate that turns doc tests off has none; a file of `tests/it` is a module of its `main.rs`.
//! Costs: one pass over the texts.
use super::{Check, File};

/// What follows the fence of a doc test, when anything does.
const RUST: [&str; 5] = ["rust", "no_run", "should_panic", "compile_fail", "ignore"];

fn rust_below<'a>(files: &'a [File], folder: &'a str) -> impl Iterator<Item = (&'a File, &'a str)> {
    let inside = files.iter().filter_map(move |file| Some((file, file.path.strip_prefix(folder)?)));
    inside.filter(|(_, name)| name.ends_with(".rs"))
}

/// The line, from 1, where the first block of documentation begins that rustdoc takes for Rust.
fn doc_test(text: &str) -> Option<usize> {
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start();
        let documentation = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
        let Some(fence) = documentation.and_then(|line| line.trim_start().strip_prefix("```")) else { continue };
        if !inside && (fence.is_empty() || RUST.iter().any(|word| fence.starts_with(word))) {
            return Some(number + 1);
        }
        inside = !inside;
    }
    None
}

/// Nothing is written as a test that no run reaches.
pub fn check(files: &[File]) -> Check {
    let (mut looked_at, mut findings) = (0, Vec::new());
    for manifest in files.iter().filter(|file| file.path.ends_with("/Cargo.toml")) {
        let folder = manifest.path.trim_end_matches("Cargo.toml");
        if manifest.text().lines().any(|line| line == "doctest = false") {
            looked_at += 1;
            for (file, _) in rust_below(files, &format!("{folder}src/")) {
                let found = doc_test(file.text());
                findings.extend(found.map(|line| format!("{}:{line}: a doc test; its crate runs none", file.path)));
            }
        }
        let (tests, main) = (format!("{folder}tests/it/"), format!("{folder}tests/it/main.rs"));
        let Some(main) = files.iter().find(|file| file.path == main) else { continue };
        for (file, name) in rust_below(files, &tests).filter(|(_, name)| *name != "main.rs" && !name.contains('/')) {
            looked_at += 1;
            let module = format!("mod {};", name.trim_end_matches(".rs"));
            if !main.text().lines().any(|line| line == module) {
                findings.push(format!("{}: no `{module}` in main.rs beside it", file.path));
            }
        }
    }
    Check::new("what is written as a test is run", looked_at, findings)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn tests_that_are_not_run_are_found() {
        let manifest = || sample("crates/a/Cargo.toml", "[lib]\ndoctest = false\n");
        let plain = || sample("crates/a/src/lib.rs", "//! ```text\n//! a\n//! ```\n");
        assert!(check(&[manifest(), plain()]).passed());
        assert!(check(&[manifest(), sample("crates/b/src/lib.rs", "/// ```\n")]).passed());
        assert!(!check(&[manifest(), sample("crates/a/src/b.rs", "    /// ```\n")]).passed());
        assert!(!check(&[manifest(), sample("crates/a/src/b.rs", "/// ```text\n/// ```\n/// ```no_run\n")]).passed());
        let main = || sample("crates/a/tests/it/main.rs", "mod one;\n");
        let one = || sample("crates/a/tests/it/one.rs", "");
        assert!(check(&[manifest(), main(), one()]).passed());
        assert!(!check(&[manifest(), main(), one(), sample("crates/a/tests/it/two.rs", "")]).passed());
    }
}
