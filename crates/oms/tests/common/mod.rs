//! Instruments and reports for the tests of the order table.
#![allow(dead_code)] // Each test binary uses its part.
use types::config::{EngineConfig, OrderLimits, Setup};
use types::{
    AlgoId, ClientId, Instrument, InstrumentId, Lots, Nanos, OrderEvent, OrderEventKind, OrderId, Side, Ticks, Touch,
    TraderId, UnixNanos,
};

use fafnir_oms::{OrderSpec, Orders};

/// Instrument 0: linear, tick 0.1, lot 0.001, scale 8, so one tick of one lot is 10^4 units. Instrument 1: inverse,
/// tick 0.5, lot 1 contract of 100 USD. Instrument 2: linear and coarse (scale 2), so that every fill is rounded.
pub fn setup() -> Setup {
    let text = r#"{
      "venues": [{ "name": "V" }],
      "instruments": [
        { "symbol": "L", "venue": "V", "tickSize": "0.1", "lotSize": "0.001",
          "makerFee": "0.0002", "takerFee": "0.0005" },
        { "symbol": "I", "venue": "V", "tickSize": "0.5", "lotSize": "1", "multiplier": "100", "contract": "inverse",
          "settlement": { "currency": "BTC", "scale": 8 }, "makerFee": "-0.0001" },
        { "symbol": "C", "venue": "V", "tickSize": "0.01", "lotSize": "0.001",
          "settlement": { "currency": "EUR", "scale": 2 } }
      ]
    }"#;
    EngineConfig::from_json(text).unwrap().1
}

pub fn limits(max_orders: usize) -> OrderLimits {
    OrderLimits { max_orders, ack_timeout: Nanos(1_000) }
}

pub fn spec(instrument: u16, side: Side, price: i64, quantity: i64) -> OrderSpec {
    OrderSpec {
        instrument: InstrumentId(instrument),
        side,
        price: Ticks(price),
        quantity: Lots(quantity),
        flags: 0,
        client_id: ClientId(0),
        algo_id: AlgoId(3),
        trader_id: TraderId(4),
    }
}

pub fn report(kind: OrderEventKind, event: &OrderEvent) -> OrderEvent {
    let mut report = OrderEvent::new(kind, event.instrument(), event.side().unwrap(), OrderId(event.order_id));
    report.time = UnixNanos(7_777);
    report
}

pub fn fill(event: &OrderEvent, price: i64, lots: i64, cumulative: i64, fee: i64) -> OrderEvent {
    let mut report = report(OrderEventKind::Fill, event);
    (report.last_price, report.last_lots, report.filled, report.fee) =
        (Ticks(price), Lots(lots), Lots(cumulative), fee);
    report
}

pub fn touch(bid: i64, ask: i64) -> Option<Touch> {
    Some(Touch { bid: Ticks(bid), bid_lots: Lots(1), ask: Ticks(ask), ask_lots: Lots(1) })
}

/// Orders over the three instruments with a few short cuts.
pub struct Desk {
    pub orders: Orders,
    pub instruments: Vec<Instrument>,
}

impl Desk {
    pub fn new(max_orders: usize) -> Desk {
        let instruments = setup().instruments;
        Desk { orders: Orders::new(3, &limits(max_orders), instruments.len()), instruments }
    }
    pub fn place(&mut self, side: Side, price: i64, quantity: i64) -> OrderEvent {
        self.orders.place(&spec(0, side, price, quantity), UnixNanos(10)).unwrap()
    }
    pub fn send(&mut self, report: &OrderEvent) -> Result<fafnir_oms::Applied, types::Code> {
        self.orders.report(report, UnixNanos(20), &self.instruments[report.instrument as usize], touch(999, 1_001))
    }
}
