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
