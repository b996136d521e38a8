//! # Room card: types/config
//! In:    JSON text of a user.
//! Out:   checked configuration structs (this is the one schema; TypeScript types and JSON schema are generated from
//!        it) and `Setup`, the same in ticks, lots and nanoseconds, which the rooms take.
//! Holds: unknown keys are errors; every number has a stated range; a fault names path and allowed values.
//! Costs: cold path, once at start and once per parameter change.
use crate::parameter::{LimitBreach, Parameter, ParameterFault};

mod backtest;
mod calibration;
mod engine;
mod fix;
mod fix_check;
mod live;
mod micro_price;
mod quoting;
mod ranges;
mod resolve;
mod setup;
mod unwind;

pub use backtest::{BacktestConfig, GeneratedConfig, LatencyConfig, OutputConfig, SourceConfig, StrategyPlace};
pub use calibration::{MarketCalibration, MarketCalibrationConfig};
pub use engine::{
    BreakerConfig, ContractConfig, CurrencyConfig, EngineConfig, Feed, HorizonConfig, IncrementConfig,
    InstrumentConfig, IntensityCalibrationConfig, OrdersConfig, PublishConfig, QuoterConfig, RiskConfig, SampleRule,
    VenueConfig, VolatilityConfig,
};
pub use fix::{
    FixAcceptorConfig, FixApplicationConfig, FixBeginStringConfig, FixDayConfig, FixHoursConfig, FixInitiatorConfig,
    FixNewWindowConfig, FixPrecisionConfig, FixSessionConfig, FixSharedConfig, FixStoreSyncConfig, FixValidationConfig,
};
pub use live::{
    ExchangeConfig, ExchangeFaultsConfig, ExchangeTlsConfig, HostConfig, MarketLinkConfig, OrdersLinkConfig,
    TransportConfig, WaitConfig,
};
pub use micro_price::MicroPriceTable;
pub use quoting::{
    DriftConfig, FairValue, FairValueConfig, LadderConfig, Model, ModelConfig, QuoteLadder, QuoterRules, Sizing,
    SizingConfig, Toxicity, ToxicityConfig, ToxicitySource, ToxicitySourceConfig, VolatilityPauseConfig,
};
pub use setup::{
    BreakerLimits, Horizon, IntensityCalibration, MarketLink, OrderEntry, OrderLimits, OrdersLink, QuoterParams,
    RiskLimits, Sampling, Setup, VenueSetup, VolatilityParams,
};
pub use unwind::{Unwind, UnwindClock, UnwindConfig};

/// What is wrong with a configuration.
#[derive(Clone, PartialEq, Debug)]
pub struct ConfigFault {
    /// Where, as a path such as `instruments[0].tickSize`.
    pub path: String,
    /// What is wrong there.
    pub what: String,
    /// What is allowed.
    pub allowed: String,
    /// Which limit it did not keep.
    pub breach: LimitBreach,
}

impl ConfigFault {
    pub(crate) fn new(path: impl Into<String>, what: impl Into<String>, allowed: impl Into<String>) -> ConfigFault {
        ConfigFault { path: path.into(), what: what.into(), allowed: allowed.into(), breach: LimitBreach::Unsound }
    }

    pub(crate) fn breaking(self, breach: LimitBreach) -> ConfigFault {
        ConfigFault { breach, ..self }
    }

    /// The same as fits an event, where it is about a quoter's parameters.
    pub fn parameter(&self) -> ParameterFault {
        ParameterFault::new(Parameter::of_path(&self.path), self.breach)
    }
}

impl core::fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.path, self.what)?;
        if !self.allowed.is_empty() {
            write!(f, " (allowed: {})", self.allowed)?;
        }
        Ok(())
    }
}

impl core::error::Error for ConfigFault {}

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, ConfigFault> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| ConfigFault::new(error.path().to_string(), error.inner().to_string(), ""))?;
    deserializer.end().map_err(|error| ConfigFault::new(".", error.to_string(), "one JSON object"))?;
    Ok(value)
}

impl EngineConfig {
    /// Parses and checks; unknown keys, wrong types and values out of range are faults.
    pub fn from_json(text: &str) -> Result<(EngineConfig, Setup), ConfigFault> {
        let config: EngineConfig = parse(text)?;
        let setup = Setup::resolve(&config)?;
        Ok((config, setup))
    }
}

impl InstrumentConfig {
    /// Parses and checks one instrument by itself, as if its venue were the only one.
    pub fn check(text: &str) -> Result<crate::Instrument, ConfigFault> {
        let instrument: InstrumentConfig = parse(text)?;
        let venues = vec![VenueConfig::named(&instrument.venue, Feed::Normalised)];
        let config = EngineConfig { venues, instruments: vec![instrument], ..EngineConfig::empty() };
        Ok(Setup::resolve(&config)?.instruments.remove(0))
    }
}

impl QuoterConfig {
    /// Parses and checks one quoter's parameters against its instrument (a change while running).
    pub fn from_json(text: &str, instrument: &crate::Instrument) -> Result<QuoterParams, ConfigFault> {
        let config: QuoterConfig = parse(text)?;
        QuoterParams::resolve(&config, instrument, "quoter")
    }
}

impl BacktestConfig {
    /// Parses and checks; unknown keys, wrong types and values out of range are faults.
    pub fn from_json(text: &str) -> Result<(BacktestConfig, Setup), ConfigFault> {
        let config: BacktestConfig = parse(text)?;
        let setup = Setup::resolve(&config.engine)?;
        config.check(&setup)?;
        Ok((config, setup))
    }
}
