//! # Room card: backtest/session
//! In:    the journal of a live session; what only the session itself could know (latencies, the venue's accounts).
//! Out:   the same `Summary` a backtest ends in.
//! Holds: measured on a replay, so that measuring costs the live thread nothing, and a summary exists only of a journal
//!        that replays to the hash it recorded.
//! Costs: the engine's turns once more.
use std::path::Path;
use std::time::Duration;

use driver::replay_with;
use driver::report::{Finished, LedgerSummary, Measure, Percentiles, Summary};
use oms::Position;
use serde::{Deserialize, Serialize};
use types::{Code, Fault, Instrument};

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
    if let Some(odd) = facts.accounts.iter().find(|account| account.fees.parse::<i128>().is_err()) {
        return Err(bad(format!("fees \"{}\" of {}", odd.fees, odd.symbol)));
    }
    let mut measure: Option<Measure> = None;
    let replayed = replay_with(journal, None, progress, keep_going, |engine, input, effects| match effects {
        None => {
            let instruments = engine.setup().instruments.len();
            let measure = measure.get_or_insert_with(|| Measure::new(instruments, facts.samples as usize, 0));
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
    let measure = measure.unwrap_or_else(|| Measure::new(instruments, 0, 0));
    let ledgers = replayed.engine.setup().instruments.iter().map(|instrument| {
        let account = facts.accounts.iter().find(|account| account.symbol == instrument.symbol())?;
        Some(account.against(instrument, replayed.engine.orders().position(instrument.id)))
    });
    let mut summary = Summary::of(Finished {
        engine: &replayed.engine,
        measure: &measure,
        hash: replayed.hash,
        turns: replayed.outcome.turns,
        wall: Duration::from_secs_f64(facts.wall_seconds.clamp(0.0, 1e9)),
        garbage: 0,
        time_steps_back: 0,
        timers_refused: 0,
        seeds: facts.seeds.clone(),
        journal: Some(journal.display().to_string()),
        ledgers: vec![],
    });
    for (instrument, ledger) in summary.instruments.iter_mut().zip(ledgers) {
        instrument.ledger = ledger;
    }
    summary.tick_to_order_nanos = facts.tick_to_order;
    Ok(summary)
}

impl AccountFacts {
    /// The account beside our own count.
    fn against(&self, instrument: &Instrument, ours: &Position) -> LedgerSummary {
        LedgerSummary {
            position: instrument.quantity.value(self.position_lots).map_or_else(String::new, |value| value.to_string()),
            fees: instrument.money(self.fees()).to_string(),
            agrees: self.position_lots == ours.lots.0 && self.fees() == ours.fees,
            open_orders: self.open_orders,
        }
    }
    fn fees(&self) -> i128 {
        self.fees.parse().unwrap_or_default()
    }
}
