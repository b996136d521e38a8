//! # Room card: types/config/setup
//! In:    what `resolve` has checked.
//! Out:   `Setup` and its parts: what the rooms are built from.
//! Holds: ticks, lots, nanoseconds and ids only; every value is in its range.
//! Costs: plain values, built once.
use super::calibration::MarketCalibration;
use super::engine::Feed;
use super::quoting::{Model, QuoterRules};
use crate::ids::{AlgoId, TraderId};
use crate::instrument::Instrument;
use crate::num::Lots;
use crate::time::Nanos;

/// A checked configuration in the core's units.
#[derive(Clone, PartialEq, Debug)]
pub struct Setup {
    /// Session number, first half of every ClOrdID.
    pub session: u32,
    /// Venues by `VenueId`.
    pub venues: Vec<VenueSetup>,
    /// Instruments by `InstrumentId`.
    pub instruments: Vec<Instrument>,
    /// Settlement currencies by `CurrencyId`.
    pub currencies: Vec<String>,
    /// Pre-trade limits by `InstrumentId`.
    pub risk: Vec<RiskLimits>,
    /// Native quoter of each instrument, by `InstrumentId`.
    pub quoters: Vec<Option<QuoterParams>>,
    /// Volatility sampling.
    pub volatility: VolatilityParams,
    /// Circuit breaker.
    pub breaker: BreakerLimits,
    /// Order table.
    pub orders: OrderLimits,
    /// Publish one event per changed level.
    pub publish_levels: bool,
}

/// A venue.
#[derive(Clone, PartialEq, Debug)]
pub struct VenueSetup {
    /// Name.
    pub name: String,
    /// Market-data format.
    pub feed: Feed,
    /// SenderCompID (49).
    pub sender_comp_id: String,
    /// TargetCompID (56).
    pub target_comp_id: String,
    /// How orders leave the engine.
    pub entry: OrderEntry,
    /// Native market data; the driver's.
    pub market: Option<MarketLink>,
    /// Native order entry; the driver's.
    pub orders: Option<OrdersLink>,
}

/// How orders leave the engine and reports enter it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OrderEntry {
    /// Reports enter normalised (`InputKind::Report`); the connection is usable when it is up.
    Direct,
    /// The engine owns a FIX session: bytes enter as read; usable after logon and reconciliation.
    Fix {
        /// HeartBtInt (108).
        heartbeat: Nanos,
        /// Ask the venue to cancel our orders when the session is lost.
        cancel_on_disconnect: bool,
    },
}

/// Native market data of a venue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MarketLink {
    /// ws:// or wss:// address with path and query.
    pub url: String,
    /// http:// or https:// address with `{symbol}`.
    pub snapshot_url: Option<String>,
    /// Longest silence.
    pub stale: Nanos,
    /// The clock follows the venue's pings.
    pub follow_clock: bool,
    /// PEM file of trusted authorities.
    pub ca_file: Option<String>,
}

/// Native order entry of a venue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OrdersLink {
    /// FIX over TCP.
    Fix {
        /// host:port.
        address: String,
        /// Speak TLS.
        tls: bool,
        /// PEM file of trusted authorities.
        ca_file: Option<String>,
    },
    /// FIX with the local queue model.
    Paper {
        /// Each way.
        latency: Nanos,
    },
}

/// Pre-trade limits of one instrument.
#[derive(Clone, PartialEq, Debug)]
pub struct RiskLimits {
    /// Largest order quantity.
    pub max_order_lots: Option<Lots>,
    /// Largest order value, smallest units of the settlement currency.
    pub max_order_value: Option<i64>,
    /// Largest position on either side with open orders.
    pub max_position_lots: Option<Lots>,
    /// Collar around the reference in 1/10000.
    pub collar_basis_points: i64,
    /// Oldest reference allowed.
    pub reference_max_age: Nanos,
    /// Most messages in the window.
    pub max_messages: u32,
    /// Window of `max_messages`.
    pub message_window: Nanos,
    /// Only reducing orders pass.
    pub reduce_only: bool,
}

/// Parameters of a native quoter.
#[derive(Clone, PartialEq, Debug)]
pub struct QuoterParams {
    /// Quote at all.
    pub enabled: bool,
    /// γ, 1/money.
    pub risk_aversion_per_money: f64,
    /// κ, 1/price; the prior where calibration is on.
    pub intensity_decay_per_price: f64,
    /// T-t.
    pub horizon: Horizon,
    /// Add γσ²(T-t) to δ.
    pub inventory_spread_term: bool,
    /// Quantity of each quote.
    pub order_lots: Lots,
    /// MAX_INVENTORY.
    pub max_inventory_lots: Lots,
    /// Move a quote only when off by this many ticks or more.
    pub requote_ticks: i64,
    /// κ from own fills.
    pub calibration: Option<IntensityCalibration>,
    /// A and κ from the market's trades.
    pub market_calibration: Option<MarketCalibration>,
    /// Algorithm id on its orders.
    pub algo_id: AlgoId,
    /// Trader id on its orders.
    pub trader_id: TraderId,
    /// What gives the prices.
    pub model: Model,
    /// What is done to them.
    pub rules: QuoterRules,
}

/// T-t.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Horizon {
    /// Always this many seconds.
    Constant {
        /// Seconds.
        seconds: f64,
    },
    /// Counts down from this many seconds after the first input.
    Countdown {
        /// Seconds.
        seconds: f64,
    },
    /// No end.
    Infinite,
}

/// κ from own fills given A.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct IntensityCalibration {
    /// A, 1/s.
    pub arrivals_per_second: f64,
    /// a0.
    pub prior_fills: f64,
    /// b0, seconds.
    pub prior_seconds: f64,
    /// Distance at which the prior holds, price units.
    pub prior_distance_price: f64,
    /// Smallest κ.
    pub min_per_price: f64,
    /// Largest κ.
    pub max_per_price: f64,
}

/// Volatility sampling.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct VolatilityParams {
    /// Mids in the window.
    pub window: usize,
    /// Mids from which on σ is in force, at most the window.
    pub min_observations: usize,
    /// What counts as a sample.
    pub sampling: Sampling,
}

/// What counts as a sample.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Sampling {
    /// Each changed mid.
    ChangedMid,
    /// Every touch update.
    EveryUpdate,
    /// A fixed clock.
    FixedClock {
        /// Interval.
        interval: Nanos,
    },
}

/// Circuit breaker of a venue.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct BreakerLimits {
    /// Failures that open it.
    pub failures: u32,
    /// Sliding window.
    pub window: Nanos,
    /// Open time before a canary.
    pub recovery: Nanos,
}

/// Order table.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct OrderLimits {
    /// Slots, a power of two.
    pub max_orders: usize,
    /// Acknowledgement time-out.
    pub ack_timeout: Nanos,
}
