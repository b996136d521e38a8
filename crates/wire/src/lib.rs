//! # Room card: wire
//! In:    bytes of a venue's market data; orders, cancels and replaces on their way out.
//! Out:   feed values in ticks and lots (`json`); Binance-format messages (`json::encode`); FIX 4.4 messages (`fix`).
//! Holds: sans-I/O; a message is refused whole or taken whole; no float, no allocation after construction, no panic path.
//! Costs: about 50 ns a touch or trade, 10 ns a depth level, 100 ns an order (`cargo run --release -p fafnir-wire --example decode_cost`).
#![forbid(unsafe_code)]

pub mod fix;
pub mod json;
mod text;
