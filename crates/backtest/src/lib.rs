//! # Room card: backtest
//! In:    a `BacktestConfig`: engine, sources of market data, latencies, outputs.
//! Out:   the engine's effects in virtual time and a `Summary`.
//! Holds: deterministic; memory bounded by the sources' chunks, the order table and the stated report bounds.
//! Costs: turns per second are in each summary.
#![forbid(unsafe_code)]

mod calibrate;
mod calibration_report;
mod export;
mod run;
mod schedule;
mod session;
mod source;

pub use calibrate::{CalibrateOptions, calibrate};
pub use calibration_report::Calibration;
pub use driver::report::Summary;
pub use export::{Exported, export_recording};
pub use run::{Backtest, Step};
pub use session::{AccountFacts, SessionFacts, session_summary};

use types::Fault;
use types::config::{BacktestConfig, SourceConfig};

/// Name and version of this build, as journals carry it.
pub fn build() -> String {
    format!("fafnir {}", env!("CARGO_PKG_VERSION"))
}

/// Runs a configuration with native strategies to its end. `progress` gets fractions; `keep_going` ends the run when it
/// says no.
pub fn run(config_json: &str, mut progress: impl FnMut(f64), keep_going: impl Fn() -> bool) -> Result<Summary, Fault> {
    /// Turns between two looks at progress and abort.
    const TURNS_BETWEEN_LOOKS: u32 = 16_384;
    let (config, setup) = BacktestConfig::from_json(config_json)?;
    let mut run = Backtest::new(config, setup)?;
    let mut turns = 0;
    while run.advance()? == Step::Turn {
        turns += 1;
        if turns == TURNS_BETWEEN_LOOKS {
            turns = 0;
            if !keep_going() {
                return Err(Fault::new(types::Code::Aborted, "the run was stopped before its end", vec![]));
            }
            progress(run.progress());
        }
    }
    progress(1.0);
    run.finish()
}

impl Backtest {
    /// Seeds of the generated markets, in the order of the sources.
    pub(crate) fn seeds(&self) -> Vec<u64> {
        let seed = |source: &SourceConfig| match source {
            SourceConfig::Generated { market, .. } => Some(market.seed),
            SourceConfig::Recording { .. } => None,
        };
        self.config().sources.iter().filter_map(seed).collect()
    }
}
