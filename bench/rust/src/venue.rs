//! # Room card: bench/venue
//! In:    the seeded flow of `testkit::matching_flow`; for other languages, a file to write it to.
//! Out:   nanoseconds a command of the matching book, its 99.9th percentile by batches of 16, its allocations.
//! Holds: each round is a new book and the whole flow; of each slice the best round counts, because noise only adds.
//! Costs: a second.
use std::io::Write;
use std::path::Path;

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use testkit::matching_flow::{FLOW_SEED, FlowCommand, matching_flow};
use types::Ticks;
use venue::{MatchCommand, MatchReport, MatchingBook, OrderRule};

use crate::timing::{Slices, timed};

const COMMANDS: usize = 200_000;
const ROUNDS: usize = 40;
/// Commands between two looks at the clock.
const SLICE: usize = 1_000;
/// Commands of one call.
const BATCH: usize = 250;
/// Commands of one call where the tail is looked at: a clock costs as much as a command.
const TAIL_BATCH: usize = 16;
const REPORTS: usize = 4_096;
const ORDERS_MAX: usize = 65_536;
const LEVELS_MAX: usize = 4_096;

/// What came of one round.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Outcome {
    trades: u64,
    lots: i64,
    resting: usize,
}

fn command_of(command: &FlowCommand) -> MatchCommand {
    match *command {
        FlowCommand::Limit { id, side, price, lots } => {
            MatchCommand::Order { id, owner: 0, side, rule: OrderRule::Limit, price, lots }
        }
        FlowCommand::Market { id, side, lots } => {
            MatchCommand::Order { id, owner: 0, side, rule: OrderRule::Market, price: Ticks(0), lots }
        }
        FlowCommand::Cancel { id } => MatchCommand::Cancel { id },
    }
}

/// Runs commands and counts the trades among their reports.
#[inline]
fn run(book: &mut MatchingBook, commands: &[MatchCommand], reports: &mut Vec<MatchReport>, outcome: &mut Outcome) {
    let mut taken = 0;
    while taken < commands.len() || book.is_in_flight() {
        reports.clear();
        taken += book.run(&commands[taken..], reports);
        for report in reports.iter() {
            if let MatchReport::Trade { lots, .. } = report {
                outcome.trades += 1;
                outcome.lots += lots.0;
            }
        }
    }
}

fn new_book() -> Result<MatchingBook, String> {
    MatchingBook::new(ORDERS_MAX, LEVELS_MAX).map_err(|code| code.name().to_string())
}

/// Rows of the room `venue` that need no rival.
pub fn rows() -> Result<(Vec<Value>, Vec<String>), String> {
    let commands: Vec<MatchCommand> = matching_flow(FLOW_SEED, COMMANDS).iter().map(command_of).collect();
    let mut reports = Vec::with_capacity(REPORTS);
    let mut slices = Slices::new(SLICE, COMMANDS);
    let (mut allocations, mut outcome) = (0, Outcome::default());
    for _ in 0..ROUNDS {
        let mut book = new_book()?;
        outcome = Outcome::default();
        let ((), allocated) = testkit::allocations_during(|| {
            slices.run(&commands, |slice| {
                slice.chunks(BATCH).for_each(|batch| run(&mut book, batch, &mut reports, &mut outcome));
            });
        });
        allocations += allocated.count;
        outcome.resting = book.len();
    }
    let Outcome { trades, lots, resting } = outcome;
    let nanos = slices.nanos() / COMMANDS as f64;
    let what = format!("limit, market, cancel: a command ({COMMANDS}, {trades} trades)");
    let note = format!("matching flow: {trades} trades of {lots} lots, {resting} orders left; {}", tail(&commands)?);
    let rows = vec![
        json!({ "id": "venue/match-ns", "what": what, "ours": nanos, "unit": "ns" }),
        json!({ "id": "venue/allocations", "what": "allocations in all rounds", "ours": allocations, "unit": "" }),
    ];
    Ok((rows, vec![note]))
}

/// The tail of small batches, as a sentence.
fn tail(commands: &[MatchCommand]) -> Result<String, String> {
    let mut histogram = Histogram::<u64>::new_with_bounds(1, 1_000_000_000, 3).map_err(|error| error.to_string())?;
    let (mut book, mut reports) = (new_book()?, Vec::with_capacity(REPORTS));
    for batch in commands.chunks(TAIL_BATCH) {
        let ((), nanos) = timed(|| run(&mut book, batch, &mut reports, &mut Outcome::default()));
        histogram.saturating_record(nanos);
    }
    let of = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / TAIL_BATCH as f64;
    let (median, high) = (of(0.5), of(0.999));
    Ok(format!("batches of {TAIL_BATCH}, a command: p50 {median:.1} ns, p99.9 {high:.1} ns"))
}

/// Writes the flow as rows of six little-endian f64: rule (5: cancel), side, id, ticks, lots, owner.
pub fn write_flow(path: &Path, commands: usize) -> Result<(), String> {
    let mut bytes = Vec::with_capacity(commands * 48);
    for command in matching_flow(FLOW_SEED, commands) {
        let row = match command {
            FlowCommand::Limit { id, side, price, lots } => [0, side as i64, id as i64, price.0, lots.0, 0],
            FlowCommand::Market { id, side, lots } => [4, side as i64, id as i64, 0, lots.0, 0],
            FlowCommand::Cancel { id } => [5, 0, id as i64, 0, 0, 0],
        };
        row.iter().for_each(|&cell| bytes.extend_from_slice(&(cell as f64).to_le_bytes()));
    }
    let written = std::fs::File::create(path).and_then(|mut file| file.write_all(&bytes));
    written.map_err(|error| format!("{}: {error}", path.display()))
}
