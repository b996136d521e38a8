//! The hosted exchange and the links to venues: what does not measure time. The rest has programs of its own.
//! One program, since linking is most of what a test program costs.
#[path = "../exchange_support/mod.rs"]
mod exchange_support;
#[path = "../feed_support/mod.rs"]
mod feed_support;

mod exchange;
mod exchange_sessions;
mod exchange_sockets;
mod feed_link;
mod snapshot_fetch;
