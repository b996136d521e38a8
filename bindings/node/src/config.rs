//! # Room card: bindings/node/config
//! In:    configuration JSON.
//! Out:   the same with defaults filled in; facts about this build.
//! Holds: validation happens here and nowhere in TypeScript.
//! Costs: cold path.
use napi_derive::napi;
use types::Fault;
use types::config::{BacktestConfig, EngineConfig, InstrumentConfig, QuoterConfig};

use crate::errors::{argument, guard};

/// Checks a configuration ("engine" or "backtest") and returns it with its defaults.
/// Throws CONFIG_INVALID {path, what, allowed}.
#[napi]
pub fn check_config(kind: String, json: String) -> napi::Result<String> {
    guard(|| {
        let text = |result: serde_json::Result<String>| result.map_err(|error| argument(error.to_string()));
        match kind.as_str() {
            "engine" => text(serde_json::to_string(&EngineConfig::from_json(&json)?.0)),
            "backtest" => text(serde_json::to_string(&BacktestConfig::from_json(&json)?.0)),
            _ => Err(argument(format!("\"{kind}\" is no kind of configuration"))),
        }
    })
}

/// Checks quoter parameters against an instrument's configuration: "" when they are good, else
/// {code, path, what, allowed} as JSON. Throws CONFIG_INVALID when the instrument is no good.
#[napi]
pub fn check_quoter(instrument_json: String, quoter_json: String) -> napi::Result<String> {
    guard(|| {
        let instrument = InstrumentConfig::check(&instrument_json)?;
        Ok::<_, Fault>(match QuoterConfig::from_json(&quoter_json, &instrument) {
            Ok(_) => String::new(),
            Err(fault) => {
                let path = fault.path.strip_prefix("quoter.").unwrap_or(&fault.path);
                serde_json::json!({
                    "code": types::Code::ParameterOutOfRange.name(), "path": path,
                    "what": fault.what, "allowed": fault.allowed,
                })
                .to_string()
            }
        })
    })
}

/// Version and target of the native build, as JSON.
#[napi]
pub fn build_info() -> napi::Result<String> {
    guard(|| {
        let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
        let target = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
        let info = serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"), "build": backtest::build(), "profile": profile, "target": target,
        });
        Ok::<_, Fault>(info.to_string())
    })
}
