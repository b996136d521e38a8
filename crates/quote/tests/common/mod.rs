//! Instruments and parameters for the tests, through the one configuration schema.
#![allow(dead_code)] // Each test binary uses a part of it.
use fafnir_quote::{MarketSignals, OuterSummary, QuoteTarget, QuoteView, WorkingQuote};
use types::config::{EngineConfig, Horizon, Model, QuoterParams, QuoterRules};
use types::{AlgoId, Instrument, InstrumentId, Lots, Side, Ticks, Touch, TradePrint, TraderId, UnixNanos};

/// An instrument with a tick, a lot and further JSON fields.
pub fn instrument(tick: &str, lot: &str, more: &str) -> Instrument {
    let text = format!(
        r#"{{"venues":[{{"name":"v"}}],
            "instruments":[{{"symbol":"X","venue":"v","tickSize":"{tick}","lotSize":"{lot}"{more}}}]}}"#
    );
    EngineConfig::from_json(&text).expect("test configuration").1.instruments.remove(0)
}

/// Order increments of one tick below 1,000, five from 1,000 (not a multiple of seven below), seven from 2,002 ticks
/// on.
pub fn stepped() -> Instrument {
    let steps = r#","priceIncrements":[{"fromPrice":"0","increment":"0.1"},{"fromPrice":"100","increment":"0.5"},
        {"fromPrice":"200.2","increment":"0.7"}]"#;
    instrument("0.1", "0.001", steps)
}

/// γ = 0.1, κ = 1.5, T = 1 s, one whole unit a quote, ten at most.
pub fn params() -> QuoterParams {
    QuoterParams {
        enabled: true,
        risk_aversion_per_money: 0.1,
        intensity_decay_per_price: 1.5,
        horizon: Horizon::Constant { seconds: 1.0 },
        inventory_spread_term: false,
        order_lots: Lots(1),
        max_inventory_lots: Lots(10),
        requote_ticks: 1,
        calibration: None,
        market_calibration: None,
        algo_id: AlgoId(0),
        trader_id: TraderId(0),
        model: Model::default(),
        rules: QuoterRules::default(),
    }
}

pub fn touch(bid: i64, ask: i64) -> Touch {
    Touch { bid: Ticks(bid), bid_lots: Lots(1), ask: Ticks(ask), ask_lots: Lots(1) }
}

/// A trade, with the exchange's stamp.
pub fn print(aggressor: Side, price: i64, lots: i64, exchange_time: u64) -> TradePrint {
    TradePrint {
        instrument: InstrumentId(0),
        trade_id: 1,
        price: Ticks(price),
        quantity: Lots(lots),
        aggressor,
        exchange_time: UnixNanos(exchange_time),
    }
}

/// Flat, nothing working, σ = 2, everything open.
pub fn view(touch: Touch) -> QuoteView {
    QuoteView {
        now: UnixNanos(2_000_000_000),
        started: UnixNanos(1_000_000_000),
        touch: Some(touch),
        book_valid: true,
        sigma: Some(2.0),
        position: Lots(0),
        working: [None; 2],
        side_open_lots: [Lots(0); 2],
        trading: true,
        touch_at: UnixNanos(2_000_000_000),
        outer: OuterSummary::default(),
        signals: MarketSignals::default(),
    }
}

/// The same around 100.00, in ticks of 0.01.
pub fn at_100() -> QuoteView {
    view(touch(9_999, 10_001))
}

pub const fn target(price: i64, lots: i64) -> QuoteTarget {
    QuoteTarget { price: Ticks(price), quantity: Lots(lots) }
}

/// A live quote.
pub fn live(price: i64, lots: i64) -> Option<WorkingQuote> {
    Some(WorkingQuote {
        price: Ticks(price),
        open_lots: Lots(lots),
        acknowledged: true,
        in_flight: false,
        cancelling: false,
        taking: false,
    })
}
