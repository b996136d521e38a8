//! # Room card: types/config/engine
//! In:    the user's JSON, by serde.
//! Out:   the engine's part of the schema, with defaults and docs (they become the TypeScript docs).
//! Holds: decimals are strings, never floats; units stand in the key; defaults are stated.
//! Costs: cold path.
use serde::{Deserialize, Serialize};

use super::calibration::MarketCalibrationConfig;
use super::live::{MarketLinkConfig, OrdersLinkConfig};
use super::quoting::{
    DriftConfig, FairValueConfig, LadderConfig, ModelConfig, SizingConfig, ToxicityConfig, VolatilityPauseConfig,
};
use super::unwind::UnwindConfig;

/// One trading engine: its venues, instruments, limits and native quoters.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EngineConfig {
    /// Number of this session, 1 to 2097151. It is the first half of every ClOrdID and must grow from
    /// session to session of the same account.
    #[serde(default = "session_default")]
    pub session: u32,
    /// Venues, at most 32.
    pub venues: Vec<VenueConfig>,
    /// Instruments, at most 256.
    pub instruments: Vec<InstrumentConfig>,
    /// How volatility is sampled.
    #[serde(default)]
    pub volatility: VolatilityConfig,
    /// Native quoters, at most one per instrument. None: orders come from a strategy only.
    #[serde(default)]
    pub quoters: Vec<QuoterConfig>,
    /// Circuit breaker of each venue.
    #[serde(default)]
    pub breaker: BreakerConfig,
    /// The order table.
    #[serde(default)]
    pub orders: OrdersConfig,
    /// What is published beyond the defaults.
    #[serde(default)]
    pub publish: PublishConfig,
}

fn session_default() -> u32 {
    1
}

/// A place to trade.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VenueConfig {
    /// Name that instruments refer to.
    pub name: String,
    /// Format of its market data.
    #[serde(default)]
    pub feed: Feed,
    /// FIX SenderCompID (49) of our orders.
    #[serde(default = "sender_default")]
    pub sender_comp_id: String,
    /// FIX TargetCompID (56) of our orders. Default: the venue's name.
    #[serde(default)]
    pub target_comp_id: Option<String>,
    /// Market data over a native socket. Default: bytes or events are pushed by a `MarketFeed`.
    #[serde(default)]
    pub market: Option<MarketLinkConfig>,
    /// Order entry over a native session. Default: orders go to an `OrderGateway`.
    #[serde(default)]
    pub orders: Option<OrdersLinkConfig>,
}

impl VenueConfig {
    /// A venue by name, everything else as by default.
    pub fn named(name: &str, feed: Feed) -> VenueConfig {
        let sender_comp_id = sender_default();
        VenueConfig { name: name.into(), feed, sender_comp_id, target_comp_id: None, market: None, orders: None }
    }
}

impl EngineConfig {
    /// Everything as by default; without venues and instruments it is not yet one that resolves.
    pub fn empty() -> EngineConfig {
        EngineConfig {
            session: session_default(),
            venues: vec![],
            instruments: vec![],
            volatility: VolatilityConfig::default(),
            quoters: vec![],
            breaker: BreakerConfig::default(),
            orders: OrdersConfig::default(),
            publish: PublishConfig::default(),
        }
    }
}

fn sender_default() -> String {
    "FAFNIR".into()
}

/// Format and sequencing rules of a venue's market data.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Feed {
    /// Binance USD-M futures JSON: a diff follows when its `pu` equals the previous `u`.
    #[default]
    BinanceUsdm,
    /// Binance spot JSON: a diff follows when its `U` equals the previous `u` + 1.
    BinanceSpot,
    /// No bytes: events are pushed already normalised (a `MarketFeed`).
    Normalised,
}

/// A tradable instrument. Decimals are strings.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InstrumentConfig {
    /// The venue's symbol, 1 to 32 printable ASCII characters.
    pub symbol: String,
    /// Name of its venue.
    pub venue: String,
    /// The finest price the feed can print, such as "0.1".
    pub tick_size: String,
    /// The finest quantity, such as "0.001".
    pub lot_size: String,
    /// Decimals the venue prints for prices. Default: those of `tickSize`.
    #[serde(default)]
    pub price_decimals: Option<u8>,
    /// Decimals the venue prints for quantities. Default: those of `lotSize`.
    #[serde(default)]
    pub quantity_decimals: Option<u8>,
    /// Linear (spot, USD-M) or inverse (coin-margined).
    #[serde(default)]
    pub contract: ContractConfig,
    /// Contract multiplier.
    #[serde(default = "one")]
    pub multiplier: String,
    /// Settlement currency.
    #[serde(default)]
    pub settlement: CurrencyConfig,
    /// Maker fee as a rate of value, at most 8 decimals; negative is a rebate.
    #[serde(default = "zero")]
    pub maker_fee: String,
    /// Taker fee as a rate of value, at most 8 decimals.
    #[serde(default = "zero")]
    pub taker_fee: String,
    /// Smallest order value in the settlement currency.
    #[serde(default = "zero")]
    pub min_notional: String,
    /// Price steps orders must keep, where coarser than the tick, ascending from "0". Default: every tick.
    #[serde(default)]
    pub price_increments: Vec<IncrementConfig>,
    /// Pre-trade limits.
    #[serde(default)]
    pub risk: RiskConfig,
}

fn one() -> String {
    "1".into()
}
fn zero() -> String {
    "0".into()
}

/// One step of an order price increment table.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IncrementConfig {
    /// From this price on.
    pub from_price: String,
    /// Orders keep to whole multiples of this.
    pub increment: String,
}

/// Contract type.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum ContractConfig {
    /// Value = price x quantity x multiplier.
    #[default]
    Linear,
    /// Value = quantity x multiplier / price.
    Inverse,
}

/// A currency and its smallest unit.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CurrencyConfig {
    /// Name, such as "USDT".
    pub currency: String,
    /// Decimals of the smallest unit, 0 to 12.
    #[serde(default = "scale_default")]
    pub scale: u8,
}

fn scale_default() -> u8 {
    8
}

impl Default for CurrencyConfig {
    fn default() -> Self {
        CurrencyConfig { currency: "USDT".into(), scale: 8 }
    }
}

/// How volatility σ is sampled: σ = sqrt(Σ Δmid² / elapsed seconds) over the window, in price units per √second.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct VolatilityConfig {
    /// Mids in the window, 2 to 65536.
    pub window: u32,
    /// Mids from which on σ is in force, 2 to `window`; before, nothing is quoted without an initial σ. σ of n mids has
    /// a standard error of 1/√(2(n - 1)) of itself where changes are independent and normal: 10 % at 50, 2 % at 1,000.
    /// Default: 50, or `window` where that is less.
    pub min_observations: Option<u32>,
    /// What counts as a sample.
    pub sample: SampleRule,
    /// Milliseconds between samples when `sample` is "fixedClock", 1 to 3600000.
    pub clock_millis: u32,
}

impl Default for VolatilityConfig {
    fn default() -> Self {
        VolatilityConfig { window: 1_000, min_observations: None, sample: SampleRule::ChangedMid, clock_millis: 100 }
    }
}

/// What counts as a sample of the mid price.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum SampleRule {
    /// One sample each time the mid changes.
    ChangedMid,
    /// One sample for every update of the touch.
    EveryUpdate,
    /// One sample a tick of a fixed clock, taken at the first update at or after it.
    FixedClock,
}

/// A native quoter. Avellaneda-Stoikov unless `model` says otherwise: r = s - q·γ·σ²·(T-t); δ = (2/γ)·ln(1 + γ/κ); bid
/// = r - δ/2; ask = r + δ/2.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuoterConfig {
    /// Symbol it quotes.
    pub instrument: String,
    /// Quote or stay out of the market.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Risk aversion γ in 1/money, above 0 and at most 1000000.
    pub risk_aversion_per_money: f64,
    /// Intensity decay κ in 1/price, above 0 and at most 1000000000. The prior when `calibration` is given.
    pub intensity_decay_per_price: f64,
    /// Horizon T-t.
    #[serde(default)]
    pub horizon: HorizonConfig,
    /// Add the paper's γ·σ²·(T-t) to the spread δ.
    #[serde(default)]
    pub inventory_spread_term: bool,
    /// Quantity of each quote.
    pub order_quantity: String,
    /// Most inventory on either side, open orders included; at or beyond it only the reducing side is quoted.
    pub max_inventory: String,
    /// A live quote is moved only when its price is off by this many ticks or more, 1 to 1000000.
    #[serde(default = "requote_default")]
    pub requote_ticks: i64,
    /// Estimate κ from our own fills, given the arrival rate A. Default: κ stays as given.
    #[serde(default)]
    pub calibration: Option<IntensityCalibrationConfig>,
    /// A and κ from the market's trades, refitted while it runs; not together with `calibration`. Default: both stay as
    /// given.
    #[serde(default)]
    pub market_calibration: Option<MarketCalibrationConfig>,
    /// Algorithm id written on its orders.
    #[serde(default)]
    pub algo_id: u16,
    /// Trader id written on its orders.
    #[serde(default)]
    pub trader_id: u16,
    /// Which model gives the prices.
    #[serde(default)]
    pub model: ModelConfig,
    /// What the model takes for the fair value.
    #[serde(default)]
    pub fair_value: FairValueConfig,
    /// Expected move of the price, from a strategy. Default: none.
    #[serde(default)]
    pub drift: Option<DriftConfig>,
    /// Smallest distance from bid to ask in ticks, 0 to 1000000. Default: none.
    #[serde(default)]
    pub min_spread_ticks: Option<i64>,
    /// Largest distance from bid to ask in ticks, at least `minSpreadTicks`; touch, fees and increments may widen it
    /// again. Default: none.
    #[serde(default)]
    pub max_spread_ticks: Option<i64>,
    /// Never quote so close that buying at the bid and selling at the ask would not earn both maker fees.
    #[serde(default)]
    pub cover_fees: bool,
    /// Quantity of a quote before the inventory gate.
    #[serde(default)]
    pub sizing: SizingConfig,
    /// Several quotes a side. Default: one.
    #[serde(default)]
    pub ladder: Option<LadderConfig>,
    /// Wider quotes, or none, while the flow is toxic. Default: not looked at.
    #[serde(default)]
    pub toxicity: Option<ToxicityConfig>,
    /// No quotes while σ is too high. Default: not looked at.
    #[serde(default)]
    pub volatility_pause: Option<VolatilityPauseConfig>,
    /// σ in price per √second that counts until `volatility.minObservations` mids are there, above 0 and at most
    /// 1000000000. Default: nothing is quoted until then.
    #[serde(default)]
    pub initial_volatility_price_per_sqrt_second: Option<f64>,
    /// No quotes when the feed has brought no new touch for this long by our clock, milliseconds, 1 to 86400000.
    /// Default: not looked at.
    #[serde(default)]
    pub stale_feed_millis: Option<u32>,
    /// The end of the session. Default: none.
    #[serde(default)]
    pub unwind: Option<UnwindConfig>,
}

fn yes() -> bool {
    true
}
fn requote_default() -> i64 {
    1
}

/// The horizon T-t, by name.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind", deny_unknown_fields)]
pub enum HorizonConfig {
    /// T-t is this many seconds, always.
    Constant {
        /// Seconds, above 0 and at most 31622400.
        seconds: f64,
    },
    /// T-t counts down from this many seconds after the first input to zero, and stays there.
    Countdown {
        /// Seconds, above 0 and at most 31622400.
        seconds: f64,
    },
    /// No end: the paper's stationary form, with the inventory bounded by `maxInventory`.
    Infinite,
}

impl Default for HorizonConfig {
    fn default() -> Self {
        HorizonConfig::Constant { seconds: 1.0 }
    }
}

/// κ̂ = ln(A / λ̂) / mean d with λ̂ = (fills + priorFills) / (quoted seconds + priorSeconds); clamped;
/// A is given, never fitted with κ.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IntensityCalibrationConfig {
    /// Market-order arrivals per second on one side, A, above 0 and at most 1000000.
    pub arrivals_per_second: f64,
    /// Pseudo-fills a0 of the prior, above 0.
    #[serde(default = "prior_fills_default")]
    pub prior_fills: f64,
    /// Pseudo-seconds b0 of the prior, above 0. Default 0: chosen so that the prior alone gives
    /// `intensityDecayPerPrice` at `priorDistancePrice`.
    #[serde(default)]
    pub prior_seconds: f64,
    /// Distance d at which the prior holds, in price units, above 0.
    pub prior_distance_price: f64,
    /// Smallest κ, 1/price, above 0.
    pub min_per_price: f64,
    /// Largest κ, 1/price, at least `minPerPrice`.
    pub max_per_price: f64,
}

fn prior_fills_default() -> f64 {
    5.0
}

/// Pre-trade limits of one instrument. An absent limit does not limit.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RiskConfig {
    /// Largest order quantity.
    pub max_order_quantity: Option<String>,
    /// Largest order value in the settlement currency.
    pub max_order_value: Option<String>,
    /// Largest position on either side with all open orders of that side filled.
    pub max_position: Option<String>,
    /// Largest distance of an order price from the reference (mid of the touch), in 1/10000 of it, 1 to 10000.
    pub collar_basis_points: u32,
    /// Oldest reference allowed, milliseconds, 1 to 86400000. Without a reference nothing passes.
    pub reference_max_age_millis: u32,
    /// Most new and replace messages in the window, 1 to 1000000.
    pub max_messages: u32,
    /// Width of the sliding window of `maxMessages`, milliseconds, 1 to 3600000.
    pub message_window_millis: u32,
    /// Only orders that shrink the position pass.
    pub reduce_only: bool,
}

impl Default for RiskConfig {
    fn default() -> Self {
        RiskConfig {
            max_order_quantity: None,
            max_order_value: None,
            max_position: None,
            collar_basis_points: 500,
            reference_max_age_millis: 5_000,
            max_messages: 1_000,
            message_window_millis: 1_000,
            reduce_only: false,
        }
    }
}

/// Circuit breaker of a venue: counts acknowledgement time-outs, session rejects and disconnects, never business
/// rejects.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct BreakerConfig {
    /// Failures within the window that open it, 1 to 1000.
    pub failures: u32,
    /// Sliding window, milliseconds, 1 to 86400000.
    pub window_millis: u32,
    /// How long it stays open before one canary order may pass, milliseconds, 1 to 86400000.
    pub recovery_millis: u32,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        BreakerConfig { failures: 5, window_millis: 10_000, recovery_millis: 5_000 }
    }
}

/// The order table.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OrdersConfig {
    /// Orders the table holds at once, a power of two, 64 to 65536.
    pub max_orders: u32,
    /// A request not acknowledged for this long counts as a failure, milliseconds, 1 to 3600000.
    pub ack_timeout_millis: u32,
}

impl Default for OrdersConfig {
    fn default() -> Self {
        OrdersConfig { max_orders: 4_096, ack_timeout_millis: 1_000 }
    }
}

/// What is published beyond the defaults.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PublishConfig {
    /// One event per changed L2 level.
    pub levels: bool,
}
