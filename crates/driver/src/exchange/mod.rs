//! # Room card: driver/exchange
//! In:    recordings or generated markets; connections of clients: WebSocket, HTTP, FIX.
//! Out:   `Exchange` (sans-I/O), `ExchangeHost` (on sockets, on a thread of its own), `Paper` (beside an engine).
//! Holds: fills are those of the venue rooms; an answer never leaves before its ledger line is written; all bounded.
//! Costs: see the modules.
mod acceptor;
mod core;
mod desk;
mod hall;
mod host;
mod ledger;
mod ledger_file;
mod market;
mod orders;
pub mod paper;
mod restore;
mod seat;
mod shift;
mod stats;
mod tape;
mod web;

pub use self::core::{Exchange, SnapshotAnswer};
pub use host::{ExchangeHost, ExchangePorts};
pub use ledger_file::LEDGER_FILE;
pub use stats::{Account, ExchangeStats, Requests, Sent, SessionStats};

use types::{Code, OrderEvent, OrderEventKind, UnixNanos};

/// Clients with a session (CompIDs), as many as a venue room has accounts.
pub const SESSIONS_MAX: usize = venue::ACCOUNTS_MAX;
/// Connections of order entry at a time; a further one is closed.
pub const ORDERS_CONNECTIONS_MAX: usize = 128;
/// Levels of a side in a snapshot of the exchange's own book.
pub const SNAPSHOT_LEVELS_MAX: usize = 1_000;
/// Snapshot requests that wait for an answer; a further one is refused with status 503.
pub const SNAPSHOT_REQUESTS_MAX: usize = 256;

/// The answer where no market is played for an instrument.
fn refuse_without_market(now: UnixNanos, request: &OrderEvent, reports: &mut Vec<OrderEvent>) {
    let (kind, code) = match request.kind() {
        Some(OrderEventKind::Cancel) => (OrderEventKind::CancelRejected, Code::VenueUnknownOrder),
        Some(OrderEventKind::Replace) => (OrderEventKind::ReplaceRejected, Code::VenueUnknownOrder),
        _ => (OrderEventKind::Rejected, Code::VenueClosed),
    };
    reports.push(OrderEvent { kind: kind as u8, reason: code as u16, time: now, ..*request });
}
