//! # Room card: bindings/node
//! In:    calls from TypeScript; strings of JSON on cold paths, typed-array views once, numbers on the hot one.
//! Out:   the rooms with a public surface; every failure as one error whose message is JSON {code, room, message,
//!        fields}.
//! Holds: no logic; every export catches unwinding; no call per event.
//! Costs: a macro call about 100 ns, the raw `step` of a backtest about 20 ns.
#![cfg_attr(test, allow(dead_code))] // napi-derive registers no export in a test build, so nothing calls them there.

mod backtest;
mod book;
mod calibrate;
mod config;
mod engine;
mod errors;
mod exchange;
mod explain;
mod fix;
mod fix_dictionary;
mod fix_events;
mod host;
mod matching;
mod math;
mod port;
mod quant;
mod quote;
mod replay;
mod session;
mod signal;
mod task;
