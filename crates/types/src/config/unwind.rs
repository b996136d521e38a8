//! # Room card: types/config/unwind
//! In:    the part of a quoter's JSON that is about the end of a session.
//! Out:   `Unwind`, checked, in nanoseconds and ticks.
//! Holds: the three moments ascend.
//! Costs: cold path.
use serde::{Deserialize, Serialize};

use super::ConfigFault;
use super::quoting::{DAY_SECONDS, TICKS_MAX};
use super::ranges::range;
use crate::time::Nanos;

const YEAR_SECONDS: f64 = 31_622_400.0;

/// The end of a session: first only reducing quotes, then out by crossing where asked for, then nothing.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnwindConfig {
    /// What the seconds below count from.
    #[serde(default)]
    pub clock: UnwindClock,
    /// From here on only the side that reduces the position is quoted, and at most the position. 0 to 31622400.
    pub from_seconds: f64,
    /// From here on what is left is taken out of the book, immediate or cancel. Default: never, quotes stay passive.
    #[serde(default)]
    pub cross_from_seconds: Option<f64>,
    /// From here on nothing is quoted any more. At least the other two.
    pub to_seconds: f64,
    /// How far through the touch a crossing order may go, ticks, 0 to 1000000.
    #[serde(default)]
    pub cross_limit_ticks: i64,
}

/// What the seconds of an unwind count from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum UnwindClock {
    /// The first input of the session.
    #[default]
    Session,
    /// Midnight UTC, every day anew.
    UtcDay,
}

/// The end of the session.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Unwind {
    /// What the times count from.
    pub clock: UnwindClock,
    /// From here on only reducing quotes.
    pub reduce: Nanos,
    /// From here on crossing; `to` when never.
    pub cross: Nanos,
    /// From here on nothing.
    pub over: Nanos,
    /// How far through the touch.
    pub cross_limit_ticks: i64,
}

impl Unwind {
    pub(super) fn resolve(config: &UnwindConfig, path: &str) -> Result<Unwind, ConfigFault> {
        let at = |key: &str| format!("{path}.unwind.{key}");
        let longest = if config.clock == UnwindClock::UtcDay { DAY_SECONDS } else { YEAR_SECONDS };
        range(&at("fromSeconds"), config.from_seconds, 0.0, longest)?;
        range(&at("toSeconds"), config.to_seconds, config.from_seconds, longest)?;
        let cross = config.cross_from_seconds.unwrap_or(config.to_seconds);
        range(&at("crossFromSeconds"), cross, config.from_seconds, config.to_seconds)?;
        range(&at("crossLimitTicks"), config.cross_limit_ticks, 0, TICKS_MAX)?;
        let nanos = |seconds: f64| Nanos((seconds * 1e9) as i64);
        Ok(Unwind {
            clock: config.clock,
            reduce: nanos(config.from_seconds),
            cross: nanos(cross),
            over: nanos(config.to_seconds),
            cross_limit_ticks: config.cross_limit_ticks,
        })
    }
}
