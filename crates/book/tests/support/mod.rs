//! What the tests of the books share.
#![allow(dead_code, unused_imports)] // Each test binary uses its part.
pub mod naive_l3;
pub mod recording;

use std::path::Path;

pub use recording::Message;
pub use testkit::{operations, shortened};

/// The recorded USD-M session beside the checkout; prints that it is skipped when it is not there.
pub fn recording() -> Option<Vec<Message>> {
    let messages = recording::recording_beside(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    if messages.is_none() {
        println!("skipped: no recording usdm-btcusdt-20240808.gz beside the checkout");
    }
    messages
}
