//! # Room card: driver/exchange/stats
//! In:    an exchange.
//! Out:   `ExchangeStats`: what was sent and asked for, and every session's account, for people and tests.
//! Holds: money and moments as text, for they can be beyond 2^53; counts as numbers.
//! Costs: cold path.
use serde::Serialize;
use types::{Decimal, Instrument, Lots, Side, UnixNanos};

use super::core::Exchange;
use super::market::{MessageKind, Rooms};

/// Messages sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    /// Market-data messages, each counted once however many clients there are.
    pub messages: u64,
    /// Depth diffs among them.
    pub depths: u64,
    /// Trades among them.
    pub trades: u64,
    /// Best bids and asks among them.
    pub touches: u64,
    /// What else a recording holds.
    pub others: u64,
    /// Recorded snapshots reached; they are answers, no messages.
    pub snapshots: u64,
    /// Snapshot requests.
    pub snapshot_requests: u64,
    /// Pings with a stamp.
    pub pings: u64,
    /// Bytes of frames.
    pub bytes: u64,
}

impl Sent {
    pub(super) fn count(&mut self, kind: MessageKind) {
        let count = match kind {
            MessageKind::Snapshot => {
                self.snapshots += 1;
                return;
            }
            MessageKind::Depth => &mut self.depths,
            MessageKind::Trade => &mut self.trades,
            MessageKind::Touch => &mut self.touches,
            MessageKind::Other => &mut self.others,
        };
        *count += 1;
        self.messages += 1;
    }
}

/// What clients asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Requests {
    /// NewOrderSingle.
    pub new: u64,
    /// OrderCancelRequest.
    pub cancel: u64,
    /// OrderCancelReplaceRequest.
    pub replace: u64,
    /// OrderMassCancelRequest.
    pub mass_cancel: u64,
    /// OrderStatusRequest.
    pub status: u64,
    /// RequestForPositions.
    pub positions: u64,
    /// Application messages that are no request.
    pub refused: u64,
}

/// A client's account in one instrument.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// The client's CompID.
    pub session: String,
    /// Symbol.
    pub symbol: String,
    /// Signed position, lots.
    pub position_lots: i64,
    /// The same in the venue's decimals.
    pub position: String,
    /// Cash of fills without fees, smallest units of the settlement currency.
    pub cash: String,
    /// Fees paid less rebates, smallest units.
    pub fees: String,
    /// Fills.
    pub fills: u64,
    /// Lots bought.
    pub bought_lots: i64,
    /// Lots sold.
    pub sold_lots: i64,
    /// Fills whose value did not fit.
    pub overflows: u64,
    /// Orders open.
    pub open_orders: usize,
}

/// A client.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionStats {
    /// Its number in the ledger.
    pub session: u32,
    /// Its CompID.
    pub client: String,
    /// It is logged on.
    pub open: bool,
    /// Logons so far.
    pub logons: u64,
    /// Number its next message must have.
    pub next_in: u64,
    /// Number of the next message to it.
    pub next_out: u64,
    /// Its open orders.
    pub open_orders: usize,
}

/// The state of an exchange.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExchangeStats {
    /// Its CompID.
    pub name: String,
    /// The last pass is over and every client has been sent all of it.
    pub over: bool,
    /// waiting, playing, held (a snapshot waits for its request), finished.
    pub phase: &'static str,
    /// Speed asked for; 0 is a throughput run.
    pub speed: u32,
    /// Pass being played, from 1.
    pub pass: u32,
    /// Passes in all.
    pub passes: u32,
    /// The market's clock, Unix nanoseconds.
    pub time: String,
    /// Real time since it was opened, seconds.
    pub seconds: f64,
    /// Market-data clients connected.
    pub market_clients: usize,
    /// Market-data messages sent.
    pub messages: u64,
    /// The same by kind, and what else was sent.
    pub sent: Sent,
    /// Requests received.
    pub requests: u64,
    /// The same by kind.
    pub requests_by_kind: Requests,
    /// D, F and G a second of real time since it was opened.
    pub orders_per_second: f64,
    /// Reports made about orders, fills among them.
    pub reports: u64,
    /// Fills.
    pub fills: u64,
    /// Orders open.
    pub open_orders: usize,
    /// Clients dropped because they did not read.
    pub dropped_slow: u64,
    /// Lines of recordings that are none.
    pub garbage: u64,
    /// Lines with a receive time before the one before.
    pub steps_back: u64,
    /// Clients.
    pub sessions: Vec<SessionStats>,
    /// Their accounts, where they have traded or had an order.
    pub accounts: Vec<Account>,
}

impl ExchangeStats {
    pub(super) fn of(exchange: &Exchange, wall: UnixNanos) -> ExchangeStats {
        let (acceptor, market) = (&exchange.acceptor, &exchange.market);
        let asked = &acceptor.asked;
        let seconds = wall.since(exchange.opened).as_seconds();
        let orders = asked.new + asked.cancel + asked.replace;
        let sessions = acceptor.seats.iter().enumerate().map(|(at, seat)| SessionStats {
            session: seat.number,
            client: seat.client(),
            open: seat.session.is_open(),
            logons: seat.logons,
            next_in: seat.session.next_in(),
            next_out: seat.session.next_out(),
            open_orders: acceptor.orders.open_count_of(at, None),
        });
        let mut accounts = Vec::new();
        for (at, seat) in acceptor.seats.iter().enumerate() {
            for instrument in acceptor.instruments.iter() {
                let Some(ledger) = market.account(instrument.id, seat.number) else { continue };
                accounts.push(Account {
                    session: seat.client(),
                    symbol: instrument.symbol().to_string(),
                    position_lots: ledger.position().0,
                    position: position_text(instrument, ledger.position()),
                    cash: ledger.cash().to_string(),
                    fees: ledger.fees().to_string(),
                    fills: ledger.fills(),
                    bought_lots: ledger.traded(Side::Buy).0,
                    sold_lots: ledger.traded(Side::Sell).0,
                    overflows: ledger.overflows(),
                    open_orders: acceptor.orders.open_count_of(at, Some(instrument.id)),
                });
            }
        }
        ExchangeStats {
            name: acceptor.name.clone(),
            over: exchange.is_finished(),
            phase: exchange.phase_name(),
            speed: exchange.config.speed,
            pass: market.pass(),
            passes: exchange.config.passes,
            time: exchange.clock(wall).0.to_string(),
            seconds,
            market_clients: exchange.market_clients,
            sent: exchange.sent,
            messages: exchange.sent.messages,
            requests: orders + asked.mass_cancel + asked.status + asked.positions,
            requests_by_kind: Requests {
                new: asked.new,
                cancel: asked.cancel,
                replace: asked.replace,
                mass_cancel: asked.mass_cancel,
                status: asked.status,
                positions: asked.positions,
                refused: asked.refused,
            },
            orders_per_second: if seconds > 0.0 { orders as f64 / seconds } else { 0.0 },
            reports: acceptor.reports,
            fills: acceptor.fills,
            open_orders: acceptor.orders.open_count(),
            dropped_slow: 0,
            garbage: market.garbage(),
            steps_back: market.steps_back,
            sessions: sessions.collect(),
            accounts,
        }
    }
}

fn position_text(instrument: &Instrument, position: Lots) -> String {
    instrument.quantity.value(position.0).map_or_else(String::new, |value: Decimal| value.to_string())
}
