//! # Room card: types/config/live
//! In:    the user's JSON, by serde.
//! Out:   the live part of the schema: links to a venue, what belongs to the process, the exchange `fafnir venue` runs.
//! Holds: a link is checked before any socket is opened; nothing here changes what the core decides from its inputs.
//! Costs: cold path.
use serde::{Deserialize, Serialize};

use super::engine::{EngineConfig, Feed, InstrumentConfig, VenueConfig};
use super::ranges::{ascii_name, range};
use super::setup::{MarketLink, OrderEntry, OrdersLink};
use super::{ConfigFault, GeneratedConfig, Setup, SourceConfig};
use crate::time::Nanos;

/// Native market data of a venue: a WebSocket and the depth snapshot over HTTP.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MarketLinkConfig {
    /// WebSocket address, ws:// or wss://, with the path and query that name the streams.
    pub url: String,
    /// Address of the depth snapshot, http:// or https://; `{symbol}` stands for the instrument's symbol.
    /// Default: no snapshot can be fetched, so a depth stream never joins.
    #[serde(default)]
    pub snapshot_url: Option<String>,
    /// Without a byte for this long the connection is given up and made anew, milliseconds, 100 to 600000.
    #[serde(default = "stale_default")]
    pub stale_millis: u32,
    /// The engine's clock follows the stamps in the venue's pings. Only `fafnir venue` sends such.
    #[serde(default)]
    pub follow_clock: bool,
    /// PEM file of the certificate authorities to trust. Default: the system's.
    #[serde(default)]
    pub ca_file: Option<String>,
}

fn stale_default() -> u32 {
    10_000
}

/// Native order entry of a venue.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind", deny_unknown_fields)]
pub enum OrdersLinkConfig {
    /// A FIX 4.4 session over TCP.
    Fix {
        /// Host and port, such as "127.0.0.1:9878".
        address: String,
        /// Speak TLS.
        #[serde(default)]
        tls: bool,
        /// PEM file of the certificate authorities to trust. Default: the system's.
        #[serde(default)]
        ca_file: Option<String>,
        /// Heartbeat interval (108), seconds, 1 to 3600.
        #[serde(default = "heartbeat_default")]
        heartbeat_seconds: u32,
        /// Ask the venue to cancel our orders when the session is lost.
        #[serde(default = "yes")]
        cancel_on_disconnect: bool,
    },
    /// Paper: a FIX session with the local queue model, which sees the venue's market data.
    Paper {
        /// From the engine to the model and back again, each way, nanoseconds, 0 to 60000000000.
        #[serde(default = "paper_latency_default")]
        latency_nanos: u64,
        /// Heartbeat interval (108), seconds, 1 to 3600.
        #[serde(default = "heartbeat_default")]
        heartbeat_seconds: u32,
    },
}

fn heartbeat_default() -> u32 {
    10
}
fn paper_latency_default() -> u64 {
    500_000
}
fn yes() -> bool {
    true
}

/// What belongs to the process an engine runs in, not to its decisions.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct HostConfig {
    /// Folder of the session's state. It holds `journal/`; one that is there already is replayed first, then goes on.
    /// One process at a time may use it. Default: nothing is written and nothing survives the process.
    pub state_dir: Option<String>,
    /// How the engine's thread waits for input.
    pub wait: WaitConfig,
    /// Core to pin the engine's thread to. Default: not pinned.
    pub core: Option<u32>,
    /// Which calls move bytes.
    pub transport: TransportConfig,
    /// The kill switch is pulled when this file exists. Looked for every 10 ms.
    pub kill_file: Option<String>,
    /// The kill switch is pulled when the owner has given no sign of life for this long, milliseconds, 10 to 3600000.
    pub dead_man_millis: Option<u32>,
    /// Seed of what is random and decides nothing (WebSocket keys and masks, reconnect jitter), 0 to 2^53 - 1.
    /// Default: drawn from the operating system.
    pub entropy_seed: Option<u64>,
    /// Keep only this many full journal segments, at least 1. What is deleted can no longer be replayed. Default: all.
    pub keep_segments: Option<u32>,
    /// How long closing waits for the answers to its cancels, milliseconds, 0 to 60000. Default: 2000.
    pub close_millis: Option<u32>,
}

/// How a thread waits for input.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum WaitConfig {
    /// Polls for a while, then sleeps until something arrives.
    #[default]
    Adaptive,
    /// Polls for ever: the least latency, a whole core.
    Spin,
    /// Sleeps until something arrives.
    Park,
}

/// Which calls move bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum TransportConfig {
    /// The fastest of this platform.
    #[default]
    Auto,
    /// mio: every platform.
    Portable,
    /// Linux epoll, and plain non-blocking reads while polling.
    Epoll,
}

/// An exchange in a process of its own: market data on a WebSocket, snapshots over HTTP, order entry over FIX 4.4.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExchangeConfig {
    /// Its name: the venue of its instruments and its CompID.
    #[serde(default = "exchange_name_default")]
    pub name: String,
    /// Format of its market data.
    #[serde(default)]
    pub feed: Feed,
    /// What is traded there.
    pub instruments: Vec<InstrumentConfig>,
    /// What is played: one source per instrument.
    pub sources: Vec<SourceConfig>,
    /// How fast it plays: 1 is real time, up to 1000; 0 is as fast as its readers take it.
    #[serde(default = "speed_default")]
    pub speed: u32,
    /// How often it plays the sources, 1 to 1000000; later passes shift ids and stamps.
    #[serde(default = "passes_default")]
    pub passes: u32,
    /// Stop after this much market time of one pass, seconds, 1 to 31622400. Default: to the end of the sources.
    #[serde(default)]
    pub seconds: Option<u32>,
    /// Wait with the first event until a client reads market data and one has logged on.
    #[serde(default = "yes")]
    pub wait_for_clients: bool,
    /// Address it listens on.
    #[serde(default = "host_default")]
    pub host: String,
    /// Port of market data and snapshots; 0 takes a free one.
    #[serde(default)]
    pub market_port: u16,
    /// Port of order entry; 0 takes a free one.
    #[serde(default)]
    pub orders_port: u16,
    /// Cancel a session's orders when it is lost, whatever the session asks for.
    #[serde(default)]
    pub cancel_on_disconnect: bool,
    /// Folder of its ledger and its FIX messages; one that is there already is taken up again. Default: only memory.
    #[serde(default)]
    pub state_dir: Option<String>,
    /// Certificate chain and key as PEM files: then every port speaks TLS.
    #[serde(default)]
    pub tls: Option<ExchangeTlsConfig>,
    /// Faults it makes on purpose.
    #[serde(default)]
    pub faults: ExchangeFaultsConfig,
}

fn exchange_name_default() -> String {
    "SIMULATED".into()
}
fn speed_default() -> u32 {
    1
}
fn passes_default() -> u32 {
    1
}
fn host_default() -> String {
    "127.0.0.1".into()
}

/// Certificate and key of an exchange.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExchangeTlsConfig {
    /// PEM file of the certificate chain.
    pub certificate_file: String,
    /// PEM file of the private key.
    pub key_file: String,
}

/// Faults an exchange makes on purpose, to see what its clients do.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ExchangeFaultsConfig {
    /// The fill report of this number (from 1) is never sent; its sequence number is not used up either.
    pub drop_fill: Option<u64>,
    /// After this many execution reports order entry stops answering (it reads, it sends nothing).
    pub mute_orders_after: Option<u64>,
}

impl MarketLinkConfig {
    pub(super) fn resolve(&self, path: &str) -> Result<MarketLink, ConfigFault> {
        let at = |key: &str| format!("{path}.{key}");
        scheme(&at("url"), &self.url, &["ws://", "wss://"])?;
        if let Some(url) = &self.snapshot_url {
            scheme(&at("snapshotUrl"), url, &["http://", "https://"])?;
        }
        range(&at("staleMillis"), self.stale_millis, 100, 600_000)?;
        Ok(MarketLink {
            url: self.url.clone(),
            snapshot_url: self.snapshot_url.clone(),
            stale: Nanos::from_millis(self.stale_millis as u64),
            follow_clock: self.follow_clock,
            ca_file: self.ca_file.clone(),
        })
    }
}

impl OrdersLinkConfig {
    pub(super) fn resolve(&self, path: &str) -> Result<(OrderEntry, OrdersLink), ConfigFault> {
        let at = |key: &str| format!("{path}.{key}");
        let heartbeat = |seconds: u32| {
            range(&at("heartbeatSeconds"), seconds, 1, 3_600)?;
            Ok::<_, ConfigFault>(Nanos::from_millis(seconds as u64 * 1_000))
        };
        match self {
            OrdersLinkConfig::Fix { address, tls, ca_file, heartbeat_seconds, cancel_on_disconnect } => {
                if !host_and_port(address) {
                    return Err(ConfigFault::new(at("address"), format!("\"{address}\""), "host:port"));
                }
                let entry = OrderEntry::Fix {
                    heartbeat: heartbeat(*heartbeat_seconds)?,
                    cancel_on_disconnect: *cancel_on_disconnect,
                };
                let link = OrdersLink::Fix { address: address.clone(), tls: *tls, ca_file: ca_file.clone() };
                Ok((entry, link))
            }
            OrdersLinkConfig::Paper { latency_nanos, heartbeat_seconds } => {
                range(&at("latencyNanos"), *latency_nanos, 0, 60_000_000_000)?;
                let heartbeat = heartbeat(*heartbeat_seconds)?;
                let entry = OrderEntry::Fix { heartbeat, cancel_on_disconnect: true };
                Ok((entry, OrdersLink::Paper { latency: Nanos(*latency_nanos as i64) }))
            }
        }
    }
}

fn scheme(path: &str, url: &str, allowed: &[&str]) -> Result<(), ConfigFault> {
    let good = url.len() <= 2_048 && url.bytes().all(|byte| byte.is_ascii_graphic());
    if good && allowed.iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme)) {
        Ok(())
    } else {
        Err(ConfigFault::new(path, format!("\"{url}\""), allowed.join(" or ")))
    }
}

pub(super) fn host_and_port(address: &str) -> bool {
    let Some((host, port)) = address.rsplit_once(':') else { return false };
    let plain = host.len() <= 253 && host.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/');
    !host.is_empty() && plain && port.parse::<u16>().is_ok_and(|port| port > 0)
}

impl HostConfig {
    /// Parses and checks; unknown keys, wrong types and values out of range are faults.
    pub fn from_json(text: &str) -> Result<HostConfig, ConfigFault> {
        let config: HostConfig = super::parse(text)?;
        if let Some(millis) = config.dead_man_millis {
            range("deadManMillis", millis, 10, 3_600_000)?;
        }
        if let Some(seed) = config.entropy_seed {
            range("entropySeed", seed, 0, (1 << 53) - 1)?;
        }
        if let Some(segments) = config.keep_segments {
            range("keepSegments", segments, 1, 999_999)?;
        }
        if let Some(millis) = config.close_millis {
            range("closeMillis", millis, 0, 60_000)?;
        }
        if let Some(core) = config.core {
            range("core", core, 0, 1_023)?;
        }
        Ok(config)
    }
    /// How long closing waits for the answers to its cancels.
    pub fn close_wait(&self) -> Nanos {
        Nanos::from_millis(self.close_millis.unwrap_or(2_000) as u64)
    }
}

impl ExchangeConfig {
    /// Parses and checks; unknown keys, wrong types and values out of range are faults. The setup is that of an engine
    /// with one venue, this exchange: instruments by id, nothing else of it is used.
    pub fn from_json(text: &str) -> Result<(ExchangeConfig, Setup), ConfigFault> {
        let mut config: ExchangeConfig = super::parse(text)?;
        ascii_name("name", &config.name, 32)?;
        for (i, instrument) in config.instruments.iter_mut().enumerate() {
            if instrument.venue != config.name {
                let what = format!("\"{}\"", instrument.venue);
                return Err(ConfigFault::new(format!("instruments[{i}].venue"), what, config.name.clone()));
            }
        }
        if config.feed == Feed::Normalised {
            return Err(ConfigFault::new("feed", "normalised", "a feed with a byte format"));
        }
        let setup = Setup::resolve(&EngineConfig {
            venues: vec![VenueConfig::named(&config.name, config.feed)],
            instruments: config.instruments.clone(),
            ..EngineConfig::empty()
        })?;
        super::backtest::check_sources(&config.sources, &setup)?;
        range("speed", config.speed, 0, 1_000)?;
        range("passes", config.passes, 1, 1_000_000)?;
        if let Some(seconds) = config.seconds {
            range("seconds", seconds, 1, 31_622_400)?;
        }
        let generated = |source: &SourceConfig| matches!(source, SourceConfig::Generated { .. });
        if config.passes > 1 && config.sources.iter().any(generated) {
            return Err(ConfigFault::new("passes", config.passes.to_string(), "1 with a generated market"));
        }
        if config.host.parse::<std::net::IpAddr>().is_err() {
            return Err(ConfigFault::new("host", format!("\"{}\"", config.host), "an IP address"));
        }
        Ok((config, setup))
    }
    /// The generated market of an instrument, if that is what is played.
    pub fn generated(&self, symbol: &str) -> Option<&GeneratedConfig> {
        self.sources.iter().find_map(|source| match source {
            SourceConfig::Generated { instrument, market } if instrument == symbol => Some(market),
            _ => None,
        })
    }
}
