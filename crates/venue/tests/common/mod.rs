//! Builders and an independent account that the tests share.
#![allow(dead_code)] // Each test file uses its part.

pub mod desk;

use types::config::EngineConfig;
use types::{
    Code, DepthHeader, Instrument, InstrumentId, Level, Lots, OrderEvent, OrderEventKind, OrderId, Side,
    SnapshotHeader, Ticks, Touch, TouchPrint, TradePrint, UnixNanos, flag,
};

/// Tick 0.1, lot 0.001, maker 2 bp, taker 5 bp, minimum notional 0 unless given.
pub fn instrument(min_notional: &str) -> Instrument {
    let text = format!(
        r#"{{ "venues": [{{ "name": "V" }}], "instruments": [{{ "symbol": "BTCUSDT", "venue": "V", "tickSize": "0.1",
        "lotSize": "0.001", "makerFee": "0.0002", "takerFee": "0.0005", "minNotional": "{min_notional}",
        "priceIncrements": [{{ "fromPrice": "0", "increment": "0.1" }},
                            {{ "fromPrice": "100000", "increment": "1" }}] }}] }}"#
    );
    EngineConfig::from_json(&text).unwrap().1.instruments.remove(0)
}

pub fn order(counter: u32, side: Side, price: i64, lots: i64, flags: u8) -> OrderEvent {
    let mut event = OrderEvent::new(OrderEventKind::New, InstrumentId(0), side, OrderId::new(1, counter));
    (event.price, event.quantity, event.flags, event.request) = (Ticks(price), Lots(lots), flags, counter);
    (event.client_id, event.algo_id, event.trader_id) = (counter as u64 + 1_000, 3, 4);
    event
}

pub fn cancel(of: &OrderEvent, request: u32) -> OrderEvent {
    OrderEvent { kind: OrderEventKind::Cancel as u8, request, ..*of }
}

pub fn replace(of: &OrderEvent, request: u32, price: i64, lots: i64) -> OrderEvent {
    let (price, quantity) = (Ticks(price), Lots(lots));
    OrderEvent { kind: OrderEventKind::Replace as u8, request, price, quantity, ..*of }
}

pub fn levels(pairs: &[(i64, i64)]) -> Vec<Level> {
    pairs.iter().map(|&(price, lots)| Level { price: Ticks(price), quantity: Lots(lots) }).collect()
}

pub fn snapshot(last_id: u64) -> SnapshotHeader {
    SnapshotHeader { instrument: InstrumentId(0), last_id, exchange_time: UnixNanos::NONE }
}

pub fn diff(first_id: u64, last_id: u64, previous_id: u64) -> DepthHeader {
    let previous_id = Some(previous_id);
    DepthHeader { instrument: InstrumentId(0), first_id, last_id, previous_id, exchange_time: UnixNanos::NONE }
}

pub fn trade(aggressor: Side, price: i64, lots: i64) -> TradePrint {
    TradePrint {
        instrument: InstrumentId(0),
        trade_id: 1,
        price: Ticks(price),
        quantity: Lots(lots),
        aggressor,
        exchange_time: UnixNanos::NONE,
    }
}

pub fn touch(update_id: u64, bid: (i64, i64), ask: (i64, i64)) -> TouchPrint {
    let touch = Touch { bid: Ticks(bid.0), bid_lots: Lots(bid.1), ask: Ticks(ask.0), ask_lots: Lots(ask.1) };
    TouchPrint { instrument: InstrumentId(0), update_id, touch, exchange_time: UnixNanos::NONE }
}

/// What the tests compare of a report: kind, counter of the order, price of the fill, lots of the fill, cumulative
/// lots.
pub fn brief(report: &OrderEvent) -> (OrderEventKind, u32, i64, i64, i64) {
    let id = OrderId(report.order_id).counter();
    (report.kind().unwrap(), id, report.last_price.0, report.last_lots.0, report.filled.0)
}

pub fn reason(report: &OrderEvent) -> Option<Code> {
    Code::from_u16(report.reason)
}

/// An account from the reports alone, with its own fee arithmetic.
#[derive(Default, Debug)]
pub struct Account {
    pub position: i64,
    pub fees: i128,
    pub cash: i128,
    pub traded: [i64; 2],
    pub fills: u64,
    /// Per order counter: total quantity, cumulative quantity, ended.
    pub orders: std::collections::BTreeMap<u32, (i64, i64, bool)>,
}

impl Account {
    /// Takes one report and checks it against the ones before.
    pub fn take(&mut self, report: &OrderEvent) {
        use OrderEventKind::*;
        assert_eq!((report.time, report.state), (report.venue_ack_time, 0));
        let id = OrderId(report.order_id).counter();
        let kind = report.kind().unwrap();
        match kind {
            Accepted => {
                assert!(self.orders.insert(id, (report.quantity.0, 0, false)).is_none(), "accepted twice: {id}");
            }
            Rejected | CancelRejected | ReplaceRejected => assert!(reason(report).is_some()),
            Fill | Cancelled | Replaced | Expired => {
                let order = self.orders.get_mut(&id).expect("a report about an order that was never accepted");
                assert!(!order.2, "report after the end: {report:?}");
                if kind == Replaced {
                    order.0 = report.quantity.0;
                }
                if kind == Fill {
                    order.1 += report.last_lots.0;
                    order.2 = order.1 == order.0;
                } else if kind != Replaced {
                    order.2 = true;
                }
                assert_eq!(report.filled.0, order.1, "cumulative: {report:?}");
                assert!(order.1 <= order.0, "overfill: {report:?}");
                if kind == Fill {
                    self.book(report);
                }
            }
            _ => panic!("no report: {report:?}"),
        }
    }

    fn book(&mut self, report: &OrderEvent) {
        let side = report.side().unwrap();
        let (lots, price) = (report.last_lots.0, report.last_price.0);
        assert!(lots > 0);
        let better = if side == Side::Buy { price <= report.price.0 } else { price >= report.price.0 };
        assert!(better, "filled beyond the limit: {report:?}");
        // Value of a lot at a tick is 0.0001, 10^4 units of 10^-8; rates 2 and 5 bp; half away from zero.
        let value = price as i128 * lots as i128 * 10_000;
        let rate = if report.flags & flag::TAKER != 0 { 5 } else { 2 };
        let fee = (value * rate + 5_000) / 10_000;
        assert_eq!(report.fee as i128, fee, "{report:?}");
        self.position += side.sign() * lots;
        self.cash -= side.sign() as i128 * value;
        self.fees += fee;
        self.traded[side.index()] += lots;
        self.fills += 1;
    }

    /// Does the venue's ledger say the same?
    pub fn check(&self, ledger: &fafnir_venue::Ledger) {
        assert!(
            ledger.agrees(Lots(self.position), self.fees),
            "{:?}",
            ledger.difference(Lots(self.position), self.fees)
        );
        assert_eq!((ledger.cash(), ledger.fills(), ledger.overflows()), (self.cash, self.fills, 0));
        for side in Side::BOTH {
            assert_eq!(ledger.traded(side).0, self.traded[side.index()]);
        }
    }
}
