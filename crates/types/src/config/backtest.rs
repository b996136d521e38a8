//! # Room card: types/config/backtest
//! In:    the user's JSON, by serde.
//! Out:   the backtest's part of the schema: sources, latencies, outputs.
//! Holds: at least one source, one per instrument at most; seeds are stated, printed and journalled.
//! Costs: cold path.
use serde::{Deserialize, Serialize};

use super::ranges::{exact, range};
use super::{ConfigFault, EngineConfig, Setup};

/// A run in virtual time: an engine, sources of market data, a venue that fills its orders, and latencies.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BacktestConfig {
    /// The engine.
    pub engine: EngineConfig,
    /// Market data, one source per instrument, merged by time.
    pub sources: Vec<SourceConfig>,
    /// Constant latencies.
    #[serde(default)]
    pub latency: LatencyConfig,
    /// Stop after this much market time, seconds, 1 to 31622400. Default: to the end of the sources.
    #[serde(default)]
    pub seconds: Option<u32>,
    /// What is written.
    #[serde(default)]
    pub output: OutputConfig,
    /// Where the strategy runs: natively only, or also in the caller's thread (one call per wake).
    #[serde(default)]
    pub strategy: StrategyPlace,
}

/// Where the strategy runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum StrategyPlace {
    /// Native quoters only; the run needs no wake.
    #[default]
    Native,
    /// The caller is woken after every turn that published something and may answer with commands.
    Caller,
}

/// Where market data comes from.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind", deny_unknown_fields)]
pub enum SourceConfig {
    /// A recording: lines of local receive time in ns, a space, the raw message; plain or gzip. Fills come from the
    /// recorded book.
    Recording {
        /// Symbol it is for.
        instrument: String,
        /// File.
        path: String,
    },
    /// A generated market with price-time matching, in which our orders rest beside the generated ones.
    Generated {
        /// Symbol it is for.
        instrument: String,
        /// The market's parameters.
        #[serde(default)]
        market: GeneratedConfig,
    },
}

/// A generated market: market orders from a self-exciting (Hawkes) process, limit orders at a geometric distance from
/// a reference price
/// that walks at random, cancels at a constant rate per resting order.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct GeneratedConfig {
    /// Seed of its random stream, 0 to 2^53 - 1.
    pub seed: u64,
    /// First mid price; must be on the tick.
    pub start_price: String,
    /// Length of the market, seconds, 1 to 31622400.
    pub seconds: u32,
    /// Moment of the first event, Unix seconds.
    pub start_unix_seconds: u64,
    /// Base rate of market orders, both sides together, per second, 0.001 to 10000.
    pub market_orders_per_second: f64,
    /// Mean number of further market orders each one triggers (Hawkes branching ratio), 0 to 0.95.
    pub cluster_branching: f64,
    /// Decay of the triggered rate, per second, 0.001 to 1000.
    pub cluster_decay_per_second: f64,
    /// Rate of new limit orders, both sides together, per second, 0.1 to 100000.
    pub limit_orders_per_second: f64,
    /// Cancel rate of each resting order, per second, 0.001 to 1000; `limitOrdersPerSecond` divided by it, at most
    /// 50000, is
    /// about the number of orders in the book.
    pub cancel_rate_per_second: f64,
    /// How fast the limit-order rate falls away from the reference price, per tick, 0.005 to 10; 1 divided by it is
    /// the mean
    /// distance in ticks.
    pub depth_decay_per_tick: f64,
    /// Mean quantity of a generated order, in lots, 1 to 1000000.
    pub mean_order_lots: f64,
    /// Volatility of the reference price that limit orders are placed around, in ticks per √second, 0 to 10000.
    pub reference_volatility_ticks: f64,
}

impl Default for GeneratedConfig {
    fn default() -> Self {
        GeneratedConfig {
            seed: 1,
            start_price: "60000".into(),
            seconds: 60,
            start_unix_seconds: 1_700_000_000,
            market_orders_per_second: 40.0,
            cluster_branching: 0.6,
            cluster_decay_per_second: 5.0,
            limit_orders_per_second: 4_000.0,
            cancel_rate_per_second: 5.0,
            depth_decay_per_tick: 0.012,
            mean_order_lots: 20.0,
            reference_volatility_ticks: 6.0,
        }
    }
}

/// Constant latencies in nanoseconds, 0 to 60000000000 each.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LatencyConfig {
    /// From the market event at the venue to the engine. A recording's local receive times already include its own, so
    /// there
    /// this is how much earlier than our receive time the venue's book had changed.
    pub feed_nanos: u64,
    /// From the engine's order to the venue.
    pub order_nanos: u64,
    /// From the venue's report to the engine.
    pub report_nanos: u64,
}

impl Default for LatencyConfig {
    fn default() -> Self {
        LatencyConfig { feed_nanos: 500_000, order_nanos: 500_000, report_nanos: 500_000 }
    }
}

/// What a run writes.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OutputConfig {
    /// Folder of the journal's segments; it must not exist yet or be empty. Default: no journal.
    pub journal_dir: Option<String>,
    /// File for exactly the bytes that the effects hash covers. Default: none.
    pub dump_effects: Option<String>,
    /// Points of the report's time series, 0 to 100000.
    pub samples: u32,
}

impl BacktestConfig {
    pub(super) fn check(&self, setup: &Setup) -> Result<(), ConfigFault> {
        check_sources(&self.sources, setup)?;
        const MINUTE: u64 = 60_000_000_000;
        range("latency.feedNanos", self.latency.feed_nanos, 0, MINUTE)?;
        range("latency.orderNanos", self.latency.order_nanos, 0, MINUTE)?;
        range("latency.reportNanos", self.latency.report_nanos, 0, MINUTE)?;
        range("output.samples", self.output.samples, 0, 100_000)?;
        if let Some(seconds) = self.seconds {
            range("seconds", seconds, 1, 31_622_400)?;
        }
        Ok(())
    }
}

/// At least one source, one per instrument at most, each in its ranges.
pub(super) fn check_sources(sources: &[SourceConfig], setup: &Setup) -> Result<(), ConfigFault> {
    if sources.is_empty() {
        return Err(ConfigFault::new("sources", "empty", "one source per instrument"));
    }
    let mut seen = vec![false; setup.instruments.len()];
    for (i, source) in sources.iter().enumerate() {
        let path = format!("sources[{i}]");
        let symbol = source.instrument();
        let Some(instrument) = setup.instruments.iter().find(|instrument| instrument.symbol() == symbol) else {
            return Err(ConfigFault::new(
                format!("{path}.instrument"),
                format!("no instrument \"{symbol}\""),
                "a configured symbol",
            ));
        };
        if core::mem::replace(&mut seen[instrument.id.index()], true) {
            return Err(ConfigFault::new(
                format!("{path}.instrument"),
                format!("a second source for \"{symbol}\""),
                "one source each",
            ));
        }
        if let SourceConfig::Generated { market, .. } = source {
            market.check(&format!("{path}.market"), instrument)?;
        }
    }
    Ok(())
}

impl SourceConfig {
    /// Symbol the source is for.
    pub fn instrument(&self) -> &str {
        match self {
            SourceConfig::Recording { instrument, .. } | SourceConfig::Generated { instrument, .. } => instrument,
        }
    }
}

impl GeneratedConfig {
    fn check(&self, path: &str, instrument: &crate::Instrument) -> Result<(), ConfigFault> {
        let at = |key: &str| format!("{path}.{key}");
        range(&at("seed"), self.seed, 0, (1 << 53) - 1)?;
        let ticks = exact(&at("startPrice"), &self.start_price, &instrument.price)?;
        range(&at("startPrice"), ticks, 1_000, 1 << 50)?;
        range(&at("seconds"), self.seconds, 1, 31_622_400)?;
        range(&at("startUnixSeconds"), self.start_unix_seconds, 1, 10_000_000_000)?;
        range(&at("marketOrdersPerSecond"), self.market_orders_per_second, 0.001, 1e4)?;
        range(&at("clusterBranching"), self.cluster_branching, 0.0, 0.95)?;
        range(&at("clusterDecayPerSecond"), self.cluster_decay_per_second, 0.001, 1e3)?;
        range(&at("limitOrdersPerSecond"), self.limit_orders_per_second, 0.1, 1e5)?;
        range(&at("cancelRatePerSecond"), self.cancel_rate_per_second, 0.001, 1e3)?;
        let resting = self.limit_orders_per_second / self.cancel_rate_per_second;
        range(&at("limitOrdersPerSecond / cancelRatePerSecond"), resting, 0.0, 50_000.0)?;
        range(&at("depthDecayPerTick"), self.depth_decay_per_tick, 0.005, 10.0)?;
        range(&at("meanOrderLots"), self.mean_order_lots, 1.0, 1e6)?;
        range(&at("referenceVolatilityTicks"), self.reference_volatility_ticks, 0.0, 1e4)
    }
}
