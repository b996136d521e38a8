//! Rings against a plain queue, and what hostile bytes do to them.
//! One program, since linking is most of what a test program costs.
#[path = "../common/mod.rs"]
mod common;

mod hostile;
mod oracle;
mod region;
