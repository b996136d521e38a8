//! # Room card: types
//! In:    nothing; every other room imports this one and this one imports none.
//! Out:   ticks, lots, money, time, ids, instruments, events, inputs, effects, codes, limits and the configuration
//!        schema.
//! Holds: one layout per record for Rust, journal and TypeScript, little-endian, asserted at compile time.
//! Costs: plain values; nothing here allocates after start except configuration (cold path).
#![forbid(unsafe_code)]

pub mod codes;
pub mod command;
pub mod config;
pub mod decimal;
pub mod effect;
pub mod event;
pub mod fault;
pub mod feed;
pub mod ids;
pub mod input;
pub mod instrument;
pub mod latest;
pub mod limits;
pub mod money;
pub mod num;
pub mod order;
pub mod parameter;
pub mod rng;
pub mod time;

pub use codes::Code;
pub use command::{Command, CommandKind};
pub use decimal::{Decimal, Grid};
pub use effect::{EffectKind, EffectRef, Effects};
pub use event::{Event, EventKind, flag};
pub use fault::Fault;
pub use feed::{DepthHeader, Level, SnapshotHeader, TouchPrint, TradePrint};
pub use ids::{AlgoId, ClientId, ConnId, ConnRole, InstrumentId, OrderId, TimerId, TraderId, VenueId};
pub use input::{ConnState, Control, Input, InputKind};
pub use instrument::{Contract, Instrument};
pub use latest::Latest;
pub use money::Money;
pub use num::{Lots, Side, Ticks, Touch};
pub use order::{OrderEvent, OrderEventKind, OrderState, Reject};
pub use parameter::{LimitBreach, Parameter, ParameterFault};
pub use time::{Nanos, UnixNanos};

// The journal, the rings and TypeScript share one byte order; a big-endian build would need converting readers.
const _: () = assert!(cfg!(target_endian = "little"));
