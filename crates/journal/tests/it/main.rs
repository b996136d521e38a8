//! The journal on disk.
//! One program, since linking is most of what a test program costs.
#[path = "../common/mod.rs"]
mod common;

mod journal;
mod resume;
