//! # Room card: types/config/quoting
//! In:    the part of a quoter's JSON that is about the model's choice and the rules around the model.
//! Out:   `Model` and `QuoterRules`, checked, in ticks, lots and nanoseconds.
//! Holds: every rule is off or neutral by default; a value out of range names its path and what is allowed.
//! Costs: cold path.
use serde::{Deserialize, Serialize};

use super::ConfigFault;
use super::engine::QuoterConfig;
use super::micro_price::MicroPriceTable;
use super::ranges::{above_zero, positive, range};
use super::unwind::Unwind;
use crate::instrument::Instrument;
use crate::limits::QUOTE_LEVELS_MAX;
use crate::num::Lots;
use crate::time::Nanos;

/// Which model gives the prices that the rules then shape.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind", deny_unknown_fields)]
pub enum ModelConfig {
    /// Avellaneda and Stoikov 2008, with `horizon` and `inventorySpreadTerm`.
    #[default]
    AvellanedaStoikov,
    /// Guéant, Lehalle and Fernandez-Tapia 2013, stationary: no horizon. Half spread c1 + Δ/2·σ·c2, skew σ·c2 a unit.
    Glft {
        /// Market orders a second that would reach a bid at the mid, A, above 0 and at most 1000000.
        arrivals_per_second: f64,
        /// The same for an ask, where it differs. Default: that of the bid.
        #[serde(default)]
        ask_arrivals_per_second: Option<f64>,
        /// Aversion ξ to the risk of not being filled, 1/money, 0 to 1000000. Default: γ.
        #[serde(default)]
        fill_aversion_per_money: Option<f64>,
    },
    /// Prices come from a strategy's `ctx.quote`; all rules around the model hold for them as well.
    Strategy,
}

/// What the model takes for the fair value.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind", deny_unknown_fields)]
pub enum FairValueConfig {
    /// The mid of the touch.
    #[default]
    Mid,
    /// The touch weighted by the other side's quantity: (bid·ask quantity + ask·bid quantity) / both quantities.
    WeightedMid,
    /// Stoikov's micro-price: the mid and what a table adds to it, by spread and imbalance of the touch. A touch
    /// outside the table is taken at its mid.
    MicroPrice {
        /// Equal buckets of bid quantity / (bid + ask quantity), 2 to 20.
        imbalance_buckets: u32,
        /// Ticks added to the mid, -1000 to 1000: a row of buckets for a spread of one tick, then one for two, 1 to 10
        /// rows; 0 where the sample never was. From `MicroPrice.fit(…).adjustmentsTicks()` of `fafnir/signal`.
        adjustments_ticks: Vec<f64>,
    },
    /// What a strategy published with `ctx.publish`; without one, or with an old one, nothing is quoted.
    Published {
        /// Oldest value that counts, milliseconds, 1 to 86400000.
        max_age_millis: u32,
    },
}

/// Expected move of the price, published by a strategy in price per second.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DriftConfig {
    /// The reservation price moves by drift x this many seconds, above 0 and at most 86400.
    pub horizon_seconds: f64,
    /// Oldest drift that counts, milliseconds, 1 to 86400000; an older one counts as none.
    pub max_age_millis: u32,
}

/// Quantity of a quote before the inventory gate.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind", deny_unknown_fields)]
pub enum SizingConfig {
    /// `orderQuantity`.
    #[default]
    Fixed,
    /// `orderQuantity` x e^(-shape·|position|/maxInventory) on the side that adds to the position, at least one lot;
    /// the whole `orderQuantity` on the other.
    Inventory {
        /// 0 to 100: 0 is fixed, 1 leaves 37 % of the quantity at the limit.
        shape: f64,
    },
    /// A part of what rests at the touch on the same side, at least `minQuantity` and at most `orderQuantity`.
    Depth {
        /// The part, above 0 and at most 1.
        fraction: f64,
        /// Smallest quantity, at most `orderQuantity`.
        min_quantity: String,
    },
}

/// Several quotes a side: level k rests `spacingTicks` x k behind the first.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LadderConfig {
    /// Quotes a side, 1 to 16.
    pub levels: u32,
    /// Distance between two levels in ticks, 1 to 1000000.
    pub spacing_ticks: i64,
    /// Quantity of a level over that of the level before it, 0.1 to 10.
    #[serde(default = "one")]
    pub size_growth: f64,
}

fn one() -> f64 {
    1.0
}

/// Wider quotes, or none, while the flow is toxic.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ToxicityConfig {
    /// Where toxicity, 0 to 1, comes from.
    pub source: ToxicitySourceConfig,
    /// Each half spread grows by this x toxicity x itself, 0 to 100.
    pub widening: f64,
    /// Nothing is quoted while toxicity is above this, above 0 and at most 1. Default: 1, never.
    #[serde(default = "one")]
    pub pull_above: f64,
}

/// Where toxicity comes from.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind", deny_unknown_fields)]
pub enum ToxicitySourceConfig {
    /// |buys - sells| / (buys + sells + prior) of the market's trades, each fading with its age.
    TradeFlow {
        /// A trade counts half after this many seconds, above 0 and at most 86400.
        half_life_seconds: f64,
        /// Quantity that counts as balanced, so that a few trades say little.
        prior_quantity: String,
    },
    /// VPIN: the share of the market's volume that is imbalanced, over the last buckets of equal volume (Easley, López
    /// de Prado, O'Hara 2012). 0 until that many buckets are full.
    Vpin {
        /// Quantity of a bucket. The paper: a fiftieth of the mean daily volume.
        bucket_quantity: String,
        /// Buckets, 1 to 4096. The paper: 50.
        #[serde(default = "vpin_buckets_default")]
        buckets: u32,
    },
    /// What a strategy published with `ctx.publish`; 1 while there is none that is young enough.
    Published {
        /// Oldest value that counts, milliseconds, 1 to 86400000.
        max_age_millis: u32,
    },
}

fn vpin_buckets_default() -> u32 {
    50
}

/// No quotes while the market moves too fast. σ is in price per √second.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VolatilityPauseConfig {
    /// Quotes are pulled when σ is above this, above 0 and at most 1000000000.
    pub above_price_per_sqrt_second: f64,
    /// They come back when σ is below this, above 0 and at most the other.
    pub resume_below_price_per_sqrt_second: f64,
}

/// The model in force.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub enum Model {
    /// Avellaneda and Stoikov.
    #[default]
    AvellanedaStoikov,
    /// Guéant, Lehalle and Fernandez-Tapia.
    Glft {
        /// A of each side, 1/s.
        arrivals_per_second: [f64; 2],
        /// ξ, 1/money.
        fill_aversion_per_money: f64,
    },
    /// Prices of a strategy.
    Strategy,
}

/// The rules around the model. The default changes nothing.
#[derive(Clone, PartialEq, Debug)]
pub struct QuoterRules {
    /// What the model takes for the fair value.
    pub fair_value: FairValue,
    /// What the micro-price adds to the mid, where it is the fair value.
    pub micro_price: Option<MicroPriceTable>,
    /// Published drift: seconds it is applied over, and the oldest that counts.
    pub drift: Option<(f64, Nanos)>,
    /// Smallest distance from bid to ask; 0 for none.
    pub min_spread_ticks: i64,
    /// Largest distance from bid to ask before touch and increments have their say; `i64::MAX` for none.
    pub max_spread_ticks: i64,
    /// The spread pays both maker fees.
    pub cover_fees: bool,
    /// Quantity before the gate.
    pub sizing: Sizing,
    /// Quotes a side.
    pub ladder: QuoteLadder,
    /// Wider quotes in toxic flow.
    pub toxicity: Option<Toxicity>,
    /// Pull above the first σ, resume below the second, price per √second.
    pub volatility_pause: Option<(f64, f64)>,
    /// σ until there are mids enough for one, price per √second.
    pub initial_sigma: Option<f64>,
    /// Pull when the feed has said nothing for this long.
    pub stale_feed: Option<Nanos>,
    /// The end of the session.
    pub unwind: Option<Unwind>,
}

impl Default for QuoterRules {
    fn default() -> Self {
        QuoterRules {
            fair_value: FairValue::Mid,
            micro_price: None,
            drift: None,
            min_spread_ticks: 0,
            max_spread_ticks: i64::MAX,
            cover_fees: false,
            sizing: Sizing::Fixed,
            ladder: QuoteLadder { levels: 1, spacing_ticks: 1, size_growth: 1.0 },
            toxicity: None,
            volatility_pause: None,
            initial_sigma: None,
            stale_feed: None,
            unwind: None,
        }
    }
}

/// What the model takes for the fair value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FairValue {
    /// The mid of the touch.
    Mid,
    /// The touch weighted by the other side's quantity.
    WeightedMid,
    /// The mid and what `QuoterRules::micro_price` adds.
    MicroPrice,
    /// What was published, while not older than this.
    Published(Nanos),
}

/// Quantity before the gate.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Sizing {
    /// The order quantity.
    Fixed,
    /// Less the fuller the inventory.
    Inventory {
        /// Exponent at the limit.
        shape: f64,
    },
    /// A part of the touch.
    Depth {
        /// The part.
        fraction: f64,
        /// At least this.
        min_lots: Lots,
    },
}

/// Quotes a side.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct QuoteLadder {
    /// 1 to `QUOTE_LEVELS_MAX`.
    pub levels: usize,
    /// Ticks between two levels.
    pub spacing_ticks: i64,
    /// Quantity of a level over that of the level before.
    pub size_growth: f64,
}

/// Wider quotes in toxic flow.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Toxicity {
    /// Where it comes from.
    pub source: ToxicitySource,
    /// Growth of the half spread at toxicity 1.
    pub widening: f64,
    /// Nothing is quoted above this.
    pub pull_above: f64,
}

/// Where toxicity comes from.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum ToxicitySource {
    /// The market's trades.
    TradeFlow {
        /// Half-life of a trade, seconds.
        half_life_seconds: f64,
        /// Lots that count as balanced.
        prior_lots: Lots,
    },
    /// The market's trades by VPIN.
    Vpin {
        /// Lots of a bucket.
        bucket_lots: Lots,
        /// Buckets.
        buckets: usize,
    },
    /// What was published, while not older than this.
    Published(Nanos),
}

const DAY_MILLIS: u32 = 86_400_000;
pub(super) const DAY_SECONDS: f64 = 86_400.0;
pub(super) const TICKS_MAX: i64 = 1_000_000;
const VPIN_BUCKETS_MAX: u32 = 4_096;

fn age(path: &str, millis: u32) -> Result<Nanos, ConfigFault> {
    range(path, millis, 1, DAY_MILLIS)?;
    Ok(Nanos::from_millis(millis as u64))
}

impl Model {
    pub(super) fn resolve(config: &QuoterConfig, path: &str) -> Result<Model, ConfigFault> {
        Ok(match config.model {
            ModelConfig::AvellanedaStoikov => Model::AvellanedaStoikov,
            ModelConfig::Strategy => Model::Strategy,
            ModelConfig::Glft { arrivals_per_second, ask_arrivals_per_second, fill_aversion_per_money } => {
                above_zero(&format!("{path}.model.arrivalsPerSecond"), arrivals_per_second, 1e6)?;
                let ask_arrivals = ask_arrivals_per_second.unwrap_or(arrivals_per_second);
                above_zero(&format!("{path}.model.askArrivalsPerSecond"), ask_arrivals, 1e6)?;
                let fill_aversion_per_money = fill_aversion_per_money.unwrap_or(config.risk_aversion_per_money);
                range(&format!("{path}.model.fillAversionPerMoney"), fill_aversion_per_money, 0.0, 1e6)?;
                Model::Glft { arrivals_per_second: [arrivals_per_second, ask_arrivals], fill_aversion_per_money }
            }
        })
    }
}

impl QuoterRules {
    pub(super) fn resolve(
        config: &QuoterConfig,
        order_lots: i64,
        instrument: &Instrument,
        path: &str,
    ) -> Result<QuoterRules, ConfigFault> {
        let at = |key: &str| format!("{path}.{key}");
        let mut micro_price = None;
        let fair_value = match &config.fair_value {
            FairValueConfig::MicroPrice { imbalance_buckets, adjustments_ticks } => {
                micro_price = Some(MicroPriceTable::resolve(*imbalance_buckets, adjustments_ticks, path)?);
                FairValue::MicroPrice
            }
            FairValueConfig::Mid => FairValue::Mid,
            FairValueConfig::WeightedMid => FairValue::WeightedMid,
            FairValueConfig::Published { max_age_millis } => {
                FairValue::Published(age(&at("fairValue.maxAgeMillis"), *max_age_millis)?)
            }
        };
        let drift = config.drift.as_ref().map(|drift| {
            above_zero(&at("drift.horizonSeconds"), drift.horizon_seconds, DAY_SECONDS)?;
            Ok((drift.horizon_seconds, age(&at("drift.maxAgeMillis"), drift.max_age_millis)?))
        });
        let min_spread_ticks = config.min_spread_ticks.unwrap_or(0);
        range(&at("minSpreadTicks"), min_spread_ticks, 0, TICKS_MAX)?;
        if let Some(most) = config.max_spread_ticks {
            range(&at("maxSpreadTicks"), most, min_spread_ticks.max(1), TICKS_MAX)?;
        }
        let pause = config.volatility_pause.as_ref().map(|pause| {
            let (above, below) = (pause.above_price_per_sqrt_second, pause.resume_below_price_per_sqrt_second);
            above_zero(&at("volatilityPause.abovePricePerSqrtSecond"), above, 1e9)?;
            above_zero(&at("volatilityPause.resumeBelowPricePerSqrtSecond"), below, above)?;
            Ok((above, below))
        });
        if let Some(sigma) = config.initial_volatility_price_per_sqrt_second {
            above_zero(&at("initialVolatilityPricePerSqrtSecond"), sigma, 1e9)?;
        }
        let stale_feed = config.stale_feed_millis.map(|millis| age(&at("staleFeedMillis"), millis));
        Ok(QuoterRules {
            fair_value,
            micro_price,
            drift: drift.transpose()?,
            min_spread_ticks,
            max_spread_ticks: config.max_spread_ticks.unwrap_or(i64::MAX),
            cover_fees: config.cover_fees,
            sizing: Sizing::resolve(&config.sizing, order_lots, instrument, path)?,
            ladder: QuoteLadder::resolve(config.ladder.as_ref(), path)?,
            toxicity: config.toxicity.as_ref().map(|item| Toxicity::resolve(item, instrument, path)).transpose()?,
            volatility_pause: pause.transpose()?,
            initial_sigma: config.initial_volatility_price_per_sqrt_second,
            stale_feed: stale_feed.transpose()?,
            unwind: config.unwind.as_ref().map(|item| Unwind::resolve(item, path)).transpose()?,
        })
    }
}

impl Sizing {
    fn resolve(
        config: &SizingConfig,
        order_lots: i64,
        instrument: &Instrument,
        path: &str,
    ) -> Result<Sizing, ConfigFault> {
        Ok(match config {
            SizingConfig::Fixed => Sizing::Fixed,
            SizingConfig::Inventory { shape } => {
                range(&format!("{path}.sizing.shape"), *shape, 0.0, 100.0)?;
                Sizing::Inventory { shape: *shape }
            }
            SizingConfig::Depth { fraction, min_quantity } => {
                above_zero(&format!("{path}.sizing.fraction"), *fraction, 1.0)?;
                let at = format!("{path}.sizing.minQuantity");
                let min_lots = positive(&at, min_quantity, &instrument.quantity)?;
                range(&at, min_lots, 1, order_lots)?;
                Sizing::Depth { fraction: *fraction, min_lots: Lots(min_lots) }
            }
        })
    }
}

impl QuoteLadder {
    fn resolve(config: Option<&LadderConfig>, path: &str) -> Result<QuoteLadder, ConfigFault> {
        let Some(config) = config else { return Ok(QuoterRules::default().ladder) };
        range(&format!("{path}.ladder.levels"), config.levels, 1, QUOTE_LEVELS_MAX as u32)?;
        range(&format!("{path}.ladder.spacingTicks"), config.spacing_ticks, 1, TICKS_MAX)?;
        range(&format!("{path}.ladder.sizeGrowth"), config.size_growth, 0.1, 10.0)?;
        let (levels, spacing_ticks, size_growth) = (config.levels as usize, config.spacing_ticks, config.size_growth);
        Ok(QuoteLadder { levels, spacing_ticks, size_growth })
    }
}

impl Toxicity {
    fn resolve(config: &ToxicityConfig, instrument: &Instrument, path: &str) -> Result<Toxicity, ConfigFault> {
        let at = |key: &str| format!("{path}.toxicity.{key}");
        range(&at("widening"), config.widening, 0.0, 100.0)?;
        above_zero(&at("pullAbove"), config.pull_above, 1.0)?;
        let source = match &config.source {
            ToxicitySourceConfig::TradeFlow { half_life_seconds, prior_quantity } => {
                above_zero(&at("source.halfLifeSeconds"), *half_life_seconds, DAY_SECONDS)?;
                let prior_lots = positive(&at("source.priorQuantity"), prior_quantity, &instrument.quantity)?;
                ToxicitySource::TradeFlow { half_life_seconds: *half_life_seconds, prior_lots: Lots(prior_lots) }
            }
            ToxicitySourceConfig::Vpin { bucket_quantity, buckets } => {
                let lots = positive(&at("source.bucketQuantity"), bucket_quantity, &instrument.quantity)?;
                range(&at("source.buckets"), *buckets, 1, VPIN_BUCKETS_MAX)?;
                ToxicitySource::Vpin { bucket_lots: Lots(lots), buckets: *buckets as usize }
            }
            ToxicitySourceConfig::Published { max_age_millis } => {
                ToxicitySource::Published(age(&at("source.maxAgeMillis"), *max_age_millis)?)
            }
        };
        Ok(Toxicity { source, widening: config.widening, pull_above: config.pull_above })
    }
}
