//! # Room card: xtask/gen/fix
//! In:    the built-in FIX dictionaries.
//! Out:   a TypeScript module of typed messages for each version.
//! Holds: a file a version, named as the subpath that users import: `fafnir/fix/fix44`.
//! Costs: cold.
use wire::fix::dictionary::FixVersion;

use super::{BANNER, Generated};

const fn path(version: FixVersion) -> &'static str {
    match version {
        FixVersion::Fix40 => "packages/fafnir/src/fix/messages/fix40.ts",
        FixVersion::Fix41 => "packages/fafnir/src/fix/messages/fix41.ts",
        FixVersion::Fix42 => "packages/fafnir/src/fix/messages/fix42.ts",
        FixVersion::Fix43 => "packages/fafnir/src/fix/messages/fix43.ts",
        FixVersion::Fix44 => "packages/fafnir/src/fix/messages/fix44.ts",
        FixVersion::Fix50 => "packages/fafnir/src/fix/messages/fix50.ts",
        FixVersion::Fix50Sp1 => "packages/fafnir/src/fix/messages/fix50sp1.ts",
        FixVersion::Fix50Sp2 => "packages/fafnir/src/fix/messages/fix50sp2.ts",
        FixVersion::Fixt11 => "packages/fafnir/src/fix/messages/fixt11.ts",
    }
}

/// Every version's module.
pub fn typescript() -> Vec<Generated> {
    let banner = format!("// {BANNER}");
    let module = |version: FixVersion| Generated { path: path(version), text: version.typescript(&banner) };
    FixVersion::ALL.map(module).into()
}
