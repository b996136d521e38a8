//! Sessions, links and the hosted exchange, over real sockets.
//! One program, since linking is most of what a test program costs.
#[path = "../common/mod.rs"]
mod common;
#[path = "../exchange_support/mod.rs"]
mod exchange_support;
#[path = "../feed_support/mod.rs"]
mod feed_support;
#[path = "../live_support/mod.rs"]
mod live_support;

mod exchange;
mod exchange_sessions;
mod exchange_sockets;
mod feed_link;
mod hosted;
mod live;
mod live_links;
mod live_orders;
mod ports;
mod session;
mod snapshot_fetch;
