//! Setups for the tests, through the one configuration schema.
#![allow(dead_code)] // Each test binary uses a part of it.
use fafnir_risk::{Gate, OrderAsk, Reference};
use types::config::{EngineConfig, Setup};
use types::{InstrumentId, Lots, Side, Ticks, UnixNanos, VenueId};

/// Two venues; on the first a linear future with every limit set and one without limits, on the second an inverse
/// contract. The first: tick 0.1, increments 1 tick below 1,000 and 5 from there, lot 0.001, cents; its risk is as
/// follows. Quantity 2,000 lots, value 500.00, position 3,000 lots, collar 200/10000, age 1 s, 3 messages in 100 ms,
/// minimum 5.00.
pub fn setup() -> Setup {
    let text = r#"{
        "venues": [{"name": "a"}, {"name": "b"}],
        "breaker": {"failures": 3, "windowMillis": 1000, "recoveryMillis": 500},
        "instruments": [
            {"symbol": "LIN", "venue": "a", "tickSize": "0.1", "lotSize": "0.001", "minNotional": "5",
             "settlement": {"currency": "USD", "scale": 2},
             "priceIncrements": [{"fromPrice": "0", "increment": "0.1"}, {"fromPrice": "100", "increment": "0.5"}],
             "risk": {"maxOrderQuantity": "2", "maxOrderValue": "500", "maxPosition": "3", "collarBasisPoints": 200,
                      "referenceMaxAgeMillis": 1000, "maxMessages": 3, "messageWindowMillis": 100}},
            {"symbol": "FREE", "venue": "a", "tickSize": "0.1", "lotSize": "0.001",
             "settlement": {"currency": "USD", "scale": 2}},
            {"symbol": "INV", "venue": "b", "tickSize": "0.5", "lotSize": "1", "contract": "inverse",
             "multiplier": "100", "settlement": {"currency": "BTC", "scale": 8}, "minNotional": "0.01",
             "risk": {"maxOrderValue": "1"}}
        ]}"#;
    EngineConfig::from_json(text).expect("test configuration").1
}

/// A gate with both venues up.
pub fn open_gate(setup: &Setup) -> Gate {
    let mut gate = Gate::new(setup);
    gate.venue_up(VenueId(0));
    gate.venue_up(VenueId(1));
    gate
}

pub const LIN: InstrumentId = InstrumentId(0);
pub const T0: UnixNanos = UnixNanos(1_000_000_000_000);
pub const MILLI: u64 = 1_000_000;

pub fn after_millis(millis: u64) -> UnixNanos {
    UnixNanos(T0.0 + millis * MILLI)
}

/// A new order.
pub fn order(side: Side, price: i64, lots: i64) -> OrderAsk {
    OrderAsk { side, price: Ticks(price), quantity: Lots(lots), replaces: None, reduce_only: false }
}

pub fn reference(mid_half_ticks: i64, at: UnixNanos) -> Option<Reference> {
    Some(Reference { mid_half_ticks, at })
}
