//! The exchange: matching, entry, generated and recorded markets.
//! One program, since linking is most of what a test program costs.
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/naive.rs"]
mod naive;

mod conservation;
mod entry;
mod generated;
mod matching;
mod matching_book;
mod oracle;
mod recorded;
