//! # Room card: testkit
//! In:    seeds.
//! Out:   a counting allocator, generated recordings, the paths of the fixtures that Rust and TypeScript tests read.
//! Holds: the same seed gives the same bytes; the fixtures are what the generator writes (a test compares them).
//! Costs: development only; nothing of the product depends on it.
#![deny(unsafe_code)]

use std::path::{Path, PathBuf};

mod alloc;
pub mod matching_flow;
pub mod usdm;

pub use alloc::{Allocations, CountingAllocator, allocations_during};

/// Path of a file in `crates/testkit/fixtures`.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some()
}

/// How many random operations a test does: a hundred times as many with `FAFNIR_LONG=1`, fewer while mutants are tested
/// (see `shortened`).
pub fn operations(short: usize) -> usize {
    if is_set("FAFNIR_LONG") { 100 * short } else { shortened(short) }
}

/// A twentieth of a count with `FAFNIR_MUTANTS=1`, as `npm run mutants` sets it: each mutant is tested by itself, and
/// nearly all of them fail within the first hundreds of operations.
pub fn shortened(count: usize) -> usize {
    if is_set("FAFNIR_MUTANTS") { count / 20 } else { count }
}
