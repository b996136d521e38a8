//! # Room card: backtest/session
//! In:    the journal of a live session; what only the session itself could know (latencies, the venue's accounts).
//! Out:   the same `Summary` a backtest ends in.
//! Holds: measured on a replay, so that measuring costs the live thread nothing, and a summary exists only of a journal
//!        that replays to the hash it recorded.
//! Costs: the engine's turns once more.
use std::path::Path;
use std::time::Duration;

use driver::replay_with;
use serde::{Deserialize, Serialize};
use types::{Code, Fault, Lots};

use crate::measure::Measure;
use crate::summary::{Account, Facts, Percentiles, Summary};

/// What a session knows and its journal does not.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SessionFacts {
    /// Points of the report's time series.
    pub samples: u32,
    /// How long the session ran, seconds of the wall clock.
    pub wall_seconds: f64,
    /// From bytes read to the order handed to the socket, ns.
    pub tick_to_order: Percentiles,
    /// Seeds of what was played.
    pub seeds: Vec<u64>,
    /// The venue's accounts, by symbol.
    pub accounts: Vec<AccountFacts>,
}

/// The venue's own account of an instrument.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccountFacts {
    /// Symbol.
    pub symbol: String,
    /// Signed position, lots.
    pub position_lots: i64,
    /// Fees paid, smallest units of the settlement currency, as text.
    pub fees: String,
    /// Orders of ours still open there.
    pub open_orders: u64,
}

/// Replays a session's journal and sums it up.
///
/// Errors: those of `driver::replay`; ReplayMismatch when a recorded hash differs; ArgumentInvalid (facts).
pub fn session_summary(
    journal: &Path,
    facts_json: &str,
    progress: impl FnMut(f64),
    keep_going: impl Fn() -> bool,
) -> Result<Summary, Fault> {
    let bad = |what: String| Fault::new(Code::ArgumentInvalid, format!("the session's facts: {what}"), vec![]);
    let facts: SessionFacts = serde_json::from_str(facts_json).map_err(|error| bad(error.to_string()))?;
    let mut accounts = Vec::new();
    for AccountFacts { symbol, position_lots, fees, open_orders } in &facts.accounts {
        let fees = fees.parse::<i128>().map_err(|_| bad(format!("fees \"{fees}\" of {symbol}")))?;
        accounts.push((symbol.as_str(), Account { position: Lots(*position_lots), fees, open_orders: *open_orders }));
    }
    let mut measure: Option<Measure> = None;
    let replayed = replay_with(journal, None, progress, keep_going, |engine, input, effects| match effects {
        None => {
            let instruments = engine.setup().instruments.len();
            let measure = measure.get_or_insert_with(|| Measure::new(instruments, facts.samples as usize));
            measure.before(input.now, engine);
        }
        Some(effects) => {
            if let Some(measure) = &mut measure {
                measure.after(engine, effects);
            }
        }
    })?;
    if let Some(turn) = replayed.outcome.first_mismatch {
        let fields = vec![("turn", turn.to_string())];
        return Err(Fault::new(Code::ReplayMismatch, "the session's journal replays to other effects", fields));
    }
    let instruments = replayed.engine.setup().instruments.len();
    let measure = measure.unwrap_or_else(|| Measure::new(instruments, 0));
    let account = |id: types::InstrumentId| {
        let symbol = replayed.engine.instrument(id).symbol();
        accounts.iter().find(|(known, _)| *known == symbol).map(|(_, account)| *account)
    };
    Ok(Summary::of(Facts {
        engine: &replayed.engine,
        measure: &measure,
        hash: replayed.hash,
        turns: replayed.outcome.turns,
        wall: Duration::from_secs_f64(facts.wall_seconds.clamp(0.0, 1e9)),
        garbage: 0,
        time_steps_back: 0,
        timers_refused: 0,
        seeds: facts.seeds,
        journal: Some(journal.display().to_string()),
        tick_to_order: facts.tick_to_order,
        account: &account,
    }))
}
