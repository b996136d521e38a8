//! # Room card: xtask/tidy/format
//! In:    the workspace, by `cargo fmt`.
//! Out:   Rust files that rustfmt would write otherwise.
//! Holds: a toolchain without rustfmt skips the check and says so; a rustfmt that fails is a finding.
//! Costs: half a second.
use std::path::Path;
use std::process::{Command, Output};

use super::{Check, File};
use crate::source::Language;

const NAME: &str = "Rust is formatted by rustfmt";

fn cargo_fmt(root: &Path, arguments: &[&str]) -> Result<Output, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let command = Command::new(cargo).arg("fmt").args(arguments).current_dir(root).output();
    command.map_err(|error| format!("cargo cannot be run: {error}"))
}

/// What `cargo fmt --check -- -l` says: a path a line, and why it failed when it names none.
fn findings(root: &Path, success: bool, stdout: &str, stderr: &str) -> Vec<String> {
    if success {
        return Vec::new();
    }
    let mut paths: Vec<&str> = stdout.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    paths.sort_unstable();
    paths.dedup();
    if paths.is_empty() {
        return vec![format!("rustfmt failed: {}", stderr.trim())];
    }
    let inside = |path: &str| Path::new(path).strip_prefix(root).unwrap_or(Path::new(path)).display().to_string();
    paths.into_iter().map(|path| format!("{}: run `cargo fmt --all`", inside(path))).collect()
}

/// Every Rust file is as rustfmt writes it.
pub fn check(root: &Path, files: &[File]) -> Result<Check, String> {
    if !cargo_fmt(root, &["--version"])?.status.success() {
        return Ok(Check::skipped(NAME, "rustfmt is not installed"));
    }
    let output = cargo_fmt(root, &["--all", "--check", "--", "-l"])?;
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let looked_at = files.iter().filter(|file| file.language() == Some(Language::Rust)).count();
    Ok(Check::new(NAME, looked_at, findings(root, output.status.success(), &stdout, &stderr)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_is_named_once_and_a_failure_is_a_finding() {
        let root = Path::new("/tree");
        assert!(findings(root, true, "", "").is_empty());
        let named = findings(root, false, "/tree/b/c.rs\n/tree/a.rs\n/tree/b/c.rs\n", "");
        assert_eq!(named, ["a.rs: run `cargo fmt --all`", "b/c.rs: run `cargo fmt --all`"]);
        assert_eq!(findings(root, false, "\n", "cannot parse\n"), ["rustfmt failed: cannot parse"]);
    }
}
