//! What the tests of the books share.
#![allow(dead_code)] // Each test binary uses its part.
pub mod naive_l3;
pub mod recording;

use std::path::Path;

pub use recording::Message;

/// The recorded USD-M session beside the checkout; prints that it is skipped when it is not there.
pub fn recording() -> Option<Vec<Message>> {
    let messages = recording::recording_beside(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    if messages.is_none() {
        println!("skipped: no recording usdm-btcusdt-20240808.gz beside the checkout");
    }
    messages
}

/// How many random operations a test does: a hundred times as many with `FAFNIR_LONG=1`.
pub fn operations(short: usize) -> usize {
    if std::env::var_os("FAFNIR_LONG").is_some() { 100 * short } else { short }
}
