//! # Room card: xtask/tidy/dependencies
//! In:    `cargo metadata`, imports of the TypeScript packages.
//! Out:   edges that the drawn graph does not have; second doors to the native module; imports past a package's door.
//! Holds: the design's graph: types ◀ rooms ◀ engine ◀ driver ◀ backtest ◀ bindings/node; dev tools are leaves.
//! Costs: one `cargo metadata` without resolving.
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Check, File};

/// Rooms in the order the data flows.
const ROOMS: [&str; 12] =
    ["ring", "net", "wire", "book", "signal", "quote", "risk", "oms", "route", "venue", "journal", "quant"];
/// The only imports between rooms.
const BETWEEN_ROOMS: [(&str, &str); 2] = [("net", "ring"), ("venue", "book")];
/// Only development uses these; nothing may import them but as a dev-dependency.
const DEV: [&str; 3] = ["testkit", "xtask", "bench"];
/// The engine is pure: what touches sockets and files is the driver's.
const NOT_FOR_ENGINE: [&str; 2] = ["net", "journal"];
/// The one file that opens the native module.
const DOOR: &str = "packages/fafnir/src/native.ts";

/// A crate of the workspace and the workspace crates it imports outside tests.
pub struct Edges {
    pub name: String,
    pub imports: Vec<String>,
}

/// `fafnir-book` is the room `book`.
fn short(name: &str) -> &str {
    name.strip_prefix("fafnir-").unwrap_or(name)
}

/// Asks cargo for the workspace's own edges.
pub fn metadata(root: &Path) -> Result<Vec<Edges>, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cargo metadata cannot be run: {error}"))?;
    let value: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("cargo metadata: {error}: {}", String::from_utf8_lossy(&output.stderr).trim()))?;
    let none = Vec::new();
    let packages = value["packages"].as_array().unwrap_or(&none);
    let edges = packages.iter().map(|package| {
        let dependencies = package["dependencies"].as_array().unwrap_or(&none).iter();
        let own = dependencies.filter(|d| d["path"].is_string() && d["kind"] != "dev");
        Edges {
            name: short(package["name"].as_str().unwrap_or("")).to_string(),
            imports: own.map(|d| short(d["name"].as_str().unwrap_or("")).to_string()).collect(),
        }
    });
    Ok(edges.collect())
}

/// May `from` import `to`?
fn allowed(from: &str, to: &str) -> bool {
    let room = |name: &str| ROOMS.contains(&name);
    if DEV.contains(&to) {
        return DEV.contains(&from);
    }
    match from {
        "types" => false,
        _ if DEV.contains(&from) => true,
        _ if to == "types" => true,
        _ if room(from) => BETWEEN_ROOMS.contains(&(from, to)),
        "engine" => room(to) && !NOT_FOR_ENGINE.contains(&to),
        "driver" => room(to) || to == "engine",
        "backtest" => room(to) || matches!(to, "engine" | "driver"),
        "node" => room(to) || matches!(to, "engine" | "driver" | "backtest"),
        _ => false,
    }
}

/// Every edge between crates is drawn.
pub fn crates(edges: &[Edges]) -> Check {
    let mut findings = Vec::new();
    for Edges { name, imports } in edges {
        let drawn = ROOMS.contains(&name.as_str()) || DEV.contains(&name.as_str());
        if !drawn && !matches!(name.as_str(), "types" | "engine" | "driver" | "backtest" | "node") {
            findings.push(format!("{name}: a crate the design does not draw"));
        }
        let undrawn = imports.iter().filter(|to| !allowed(name, to));
        findings.extend(undrawn.map(|to| format!("{name} imports {to}: not drawn")));
    }
    Check::new("crates import only what the design draws", edges.len(), findings)
}

fn is_product_script(file: &File) -> bool {
    file.language() == Some(crate::source::Language::TypeScript) && file.path.starts_with("packages/")
}

/// Only the door loads the native module.
pub fn one_door(files: &[File]) -> Check {
    let sources: Vec<&File> = files.iter().filter(|f| is_product_script(f) && f.path.contains("/src/")).collect();
    let mut findings = Vec::new();
    for file in sources.iter().filter(|file| file.path != DOOR && !file.path.ends_with(".test.ts")) {
        for (number, line) in file.statements().lines().enumerate() {
            let opens = ["@fafnir/native-", "process.dlopen", "bindings/node"].iter().any(|door| line.contains(door))
                || line.contains(".node'")
                || line.contains(".node\"")
                || line.contains(".node`");
            if opens {
                findings.push(format!("{}:{}: opens the native module; only {DOOR} may", file.path, number + 1));
            }
        }
    }
    Check::new("one door to the native module", sources.len(), findings)
}

/// Module names of `import`, `export … from`, `import()` and `require()`.
fn imported(statements: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in statements.lines().enumerate() {
        for opening in ["from ", "import ", "import(", "require(", "require.resolve("] {
            for (at, _) in line.match_indices(opening) {
                let rest = &line[at + opening.len()..];
                let Some(quote @ ('\'' | '"')) = rest.chars().next() else { continue };
                if let Some(end) = rest[1..].find(quote) {
                    found.push((number + 1, rest[1..1 + end].to_string()));
                }
            }
        }
    }
    found
}

/// Does a relative import leave the folder `unit` of the file at `path`?
fn leaves(path: &str, unit: &str, target: &str) -> bool {
    let mut depth = path[unit.len()..].matches('/').count() as i32 - 1;
    target.split('/').any(|part| {
        depth += match part {
            ".." => -1,
            "." | "" => 0,
            _ => 1,
        };
        depth < 0
    })
}

/// Packages meet at their doors: no relative path out of a package, no path into another's source or build.
pub fn deep_imports(files: &[File]) -> Check {
    let scripts = files.iter().filter(|file| file.language() == Some(crate::source::Language::TypeScript));
    let scripts: Vec<&File> = scripts.filter(|file| file.path.matches('/').count() >= 2).collect();
    let mut findings = Vec::new();
    for file in &scripts {
        for (line, target) in imported(&file.statements()) {
            let own = ["fafnir/", "@fafnir/"].iter().any(|name| target.starts_with(name));
            let inner = own && ["/src/", "/dist/", "/src", "/dist"].iter().any(|part| target.contains(part));
            if inner || target.starts_with('.') && leaves(&file.path, file.unit(), &target) {
                findings.push(format!("{}:{line}: imports {target}, past another package's door", file.path));
            }
        }
    }
    Check::new("no import past a package's door", scripts.len(), findings)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn edges(name: &str, imports: &[&str]) -> Vec<Edges> {
        vec![Edges { name: name.into(), imports: imports.iter().map(|s| s.to_string()).collect() }]
    }

    #[test]
    fn undrawn_edges_are_found() {
        for (from, to) in [
            ("types", "book"),
            ("book", "venue"),
            ("venue", "engine"),
            ("engine", "driver"),
            ("quote", "signal"),
            ("engine", "journal"),
            ("node", "testkit"),
            ("backtest", "node"),
            ("surprise", "types"),
        ] {
            assert!(!crates(&edges(from, &[to])).passed(), "{from} -> {to}");
        }
        for (from, to) in
            [("venue", "book"), ("net", "ring"), ("engine", "risk"), ("node", "backtest"), ("bench", "engine")]
        {
            assert!(crates(&edges(from, &[to])).passed(), "{from} -> {to}");
        }
    }

    #[test]
    fn a_second_door_is_found() {
        let text = "// '@fafnir/native-x' in a comment\nconst n = require('@fafnir/native-linux-x64-gnu')\n";
        let check = one_door(&[sample("packages/fafnir/src/book.ts", text)]);
        assert_eq!(check.findings.len(), 1);
        assert!(check.findings[0].starts_with("packages/fafnir/src/book.ts:2:"));
        assert!(one_door(&[sample(DOOR, text)]).passed());
    }

    #[test]
    fn deep_imports_are_found() {
        let bad = [
            ("packages/connect/src/a.ts", "import { x } from 'fafnir/src/book.js'"),
            ("packages/connect/src/a.ts", "import { x } from '../../fafnir/src/book.js'"),
            ("examples/01-x/main.ts", "const x = await import('../../packages/fafnir/dist/index.js')"),
        ];
        for (path, text) in bad {
            assert!(!deep_imports(&[sample(path, text)]).passed(), "{text}");
        }
        let good = [
            ("packages/fafnir/test/a.test.ts", "import { x } from '../src/index.js'"),
            ("packages/connect/src/a.ts", "import { x } from 'fafnir'\nimport './b/../c.js'"),
        ];
        for (path, text) in good {
            assert!(deep_imports(&[sample(path, text)]).passed(), "{text}");
        }
    }
}
