//! # Room card: xtask/tidy/places
//! In:    paths and texts of the tree.
//! Out:   entries that do not belong in the root; paths of one machine and hosts of package registries.
//! Holds: the root has the listed files and folders only; nothing in the tree works on one machine alone.
//! Costs: one pass over the texts.
use super::{Check, File};

/// What may stand in the root.
const ROOT: [&str; 19] = [
    ".ci",
    ".gitignore",
    "ARCHITECTURE.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "NOTICE",
    "README.md",
    "bench",
    "bindings",
    "crates",
    "examples",
    "package.json",
    "packages",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "rustfmt.toml",
    "tasks.mjs",
    "tsconfig.json",
];

/// Folders of one machine. In two halves, so that this list does not find itself.
const MACHINE: [[&str; 2]; 6] =
    [["/wo", "rk/"], ["/ho", "me/"], ["/Us", "ers/"], ["/ro", "ot/"], ["/m", "nt/"], ["C:\\", "Users"]];
/// Hosts of package registries and their mirrors.
const REGISTRY: [[&str; 2]; 7] = [
    ["registry.npm", "js.org"],
    ["registry.yarn", "pkg.com"],
    ["npm", "mirror.com"],
    ["npm", "js.com"],
    ["static.crates", ".io"],
    ["index.crates", ".io"],
    ["files.python", "hosted.org"],
];

/// Only listed entries stand in the root.
pub fn root(files: &[File]) -> Check {
    let mut entries: Vec<&str> = files.iter().map(|file| file.path.split('/').next().unwrap_or("")).collect();
    entries.dedup();
    let strange = entries.iter().filter(|entry| !ROOT.contains(entry));
    let findings = strange.map(|entry| format!("{entry}: does not belong in the root")).collect();
    Check::new("the root has only what belongs there", entries.len(), findings)
}

/// A machine path starts a path: what stands before it is no part of a longer one (`lib/work/x`, `example.org/home/`).
fn starts_path(line: &str, at: usize) -> bool {
    !line[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | ')' | '*' | '~'))
}

/// Nothing names a folder of one machine or the host of a registry.
pub fn machine_paths(files: &[File]) -> Check {
    let texts: Vec<&File> = files.iter().filter(|file| file.text.is_some()).collect();
    let mut findings = Vec::new();
    for file in &texts {
        for (number, line) in file.text().lines().enumerate() {
            let place = format!("{}:{}", file.path, number + 1);
            let machine = MACHINE.iter().map(|halves| halves.concat());
            let named = machine.filter(|path| line.match_indices(path).any(|(at, _)| starts_path(line, at)));
            findings.extend(named.map(|path| format!("{place}: names a folder of one machine ({path})")));
            let hosts = REGISTRY.iter().map(|halves| halves.concat()).filter(|host| line.contains(host));
            findings.extend(hosts.map(|host| format!("{place}: names the registry {host}")));
        }
    }
    Check::new("no machine's paths, no registry's host", texts.len(), findings)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn strange_entries_are_found() {
        assert!(root(&[sample("crates/a/b.rs", ""), sample("Cargo.toml", "")]).passed());
        assert_eq!(root(&[sample("notes.txt", "")]).findings.len(), 1);
        assert_eq!(root(&[sample("tools/x.rs", "")]).findings.len(), 1);
    }

    #[test]
    fn machine_paths_and_registries_are_found() {
        let bad = [["a \"/wo", "rk/x\""], ["/ho", "me/me/x"], ["https://registry.npm", "js.org/x"], ["cd /ro", "ot/x"]];
        for halves in bad {
            assert!(!machine_paths(&[sample("a.md", &halves.concat())]).passed(), "{halves:?}");
        }
        let good = [
            "lib/work/x",
            "example.org/home/",
            "registry+https://github.com/rust-lang/crates.io-index",
            "${root}/mnt/",
        ];
        for text in good {
            assert!(machine_paths(&[sample("a.md", text)]).passed(), "{text}");
        }
    }
}
