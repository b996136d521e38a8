//! # Room card: peers/matching
//! In:    the seeded flow of `testkit::matching_flow`.
//! Out:   one JSON object {rows, notes}: nanoseconds a command, ours and orderbook-rs, on the same flow.
//! Holds: trades, lots and resting orders of both agree before anything is timed; rounds alternate; of each slice of
//!        the flow the best round counts, because noise only adds.
//! Costs: a few seconds.
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use orderbook_rs::{OrderBook, TradeResult};
use pricelevel::{Id, TimeInForce};
use serde_json::json;
use testkit::matching_flow::{FLOW_SEED, FlowCommand, matching_flow};
use types::Side;
use venue::{MatchCommand, MatchReport, MatchingBook, OrderRule};

const COMMANDS: usize = 200_000;
const _: () = assert!(COMMANDS.is_multiple_of(SLICE));
const ROUNDS: usize = 12;
/// Commands between two looks at the clock.
const SLICE: usize = 1_000;
/// Commands of one call, and room for their reports.
const BATCH: usize = 250;
const REPORTS: usize = 4_096;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Outcome {
    trades: u64,
    lots: u64,
    resting: usize,
}

fn ours_of(command: &FlowCommand) -> MatchCommand {
    match *command {
        FlowCommand::Limit { id, side, price, lots } => {
            MatchCommand::Order { id, owner: 0, side, rule: OrderRule::Limit, price, lots }
        }
        FlowCommand::Market { id, side, lots } => {
            MatchCommand::Order { id, owner: 0, side, rule: OrderRule::Market, price: types::Ticks(0), lots }
        }
        FlowCommand::Cancel { id } => MatchCommand::Cancel { id },
    }
}

/// Runs the flow through our book; the time of each slice goes to `best` when it is less.
fn run_ours(commands: &[MatchCommand], reports: &mut Vec<MatchReport>, best: &mut [u64]) -> Outcome {
    let Ok(mut book) = MatchingBook::new(65_536, 4_096) else { unreachable!("within the bounds") };
    let mut outcome = Outcome::default();
    for (slice, best) in commands.chunks(SLICE).zip(best) {
        let begun = Instant::now();
        for batch in slice.chunks(BATCH) {
            let mut taken = 0;
            while taken < batch.len() || book.is_in_flight() {
                reports.clear();
                taken += book.run(&batch[taken..], reports);
                for report in reports.iter() {
                    if let MatchReport::Trade { lots, .. } = report {
                        outcome.trades += 1;
                        outcome.lots += lots.0 as u64;
                    }
                }
            }
        }
        *best = (*best).min(begun.elapsed().as_nanos() as u64);
    }
    outcome.resting = book.len();
    outcome
}

/// One command of the flow as the rival takes it.
fn rival_step(book: &OrderBook<()>, command: &FlowCommand) {
    let side_of = |side: Side| if side == Side::Buy { pricelevel::Side::Buy } else { pricelevel::Side::Sell };
    // Refusals (a market order without liquidity, a cancel of what is gone) are answers, not failures.
    match *command {
        FlowCommand::Limit { id, side, price, lots } => {
            let (id, price, lots) = (Id::from_u64(id), price.0 as u128, lots.0 as u64);
            let _ = book.add_limit_order(id, price, lots, side_of(side), TimeInForce::Gtc, None);
        }
        FlowCommand::Market { id, side, lots } => {
            let _ = book.submit_market_order(Id::from_u64(id), lots.0 as u64, side_of(side));
        }
        FlowCommand::Cancel { id } => {
            let _ = book.cancel_order(Id::from_u64(id));
        }
    }
}

/// What comes of the flow at the rival, its trades counted by its listener.
fn outcome_of_rival(flow: &[FlowCommand]) -> Outcome {
    let counted = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
    let counts = counted.clone();
    let listener = move |result: &TradeResult| {
        for trade in result.match_result.trades().as_vec() {
            counts[0].fetch_add(1, Ordering::Relaxed);
            counts[1].fetch_add(trade.quantity().as_u64(), Ordering::Relaxed);
        }
    };
    let book = OrderBook::<()>::with_trade_listener("BENCH", Arc::new(listener));
    flow.iter().for_each(|command| rival_step(&book, command));
    let resting = book.get_all_orders().len();
    Outcome { trades: counted[0].load(Ordering::Relaxed), lots: counted[1].load(Ordering::Relaxed), resting }
}

/// Times the flow at the rival, without a listener: what costs it least.
fn time_rival(flow: &[FlowCommand], best: &mut [u64]) {
    let book = OrderBook::<()>::new("BENCH");
    for (slice, best) in flow.chunks(SLICE).zip(best) {
        let begun = Instant::now();
        slice.iter().for_each(|command| rival_step(&book, command));
        *best = (*best).min(begun.elapsed().as_nanos() as u64);
    }
}

fn main() -> ExitCode {
    let flow = matching_flow(FLOW_SEED, COMMANDS);
    let commands: Vec<MatchCommand> = flow.iter().map(ours_of).collect();
    let mut reports = Vec::with_capacity(REPORTS);
    let mut best = [vec![u64::MAX; COMMANDS / SLICE], vec![u64::MAX; COMMANDS / SLICE]];
    let (ours, theirs) = (run_ours(&commands, &mut reports, &mut best[0]), outcome_of_rival(&flow));
    if ours != theirs {
        eprintln!("the books disagree: ours {ours:?}, orderbook-rs {theirs:?}");
        return ExitCode::FAILURE;
    }
    for _ in 0..ROUNDS {
        run_ours(&commands, &mut reports, &mut best[0]);
        time_rival(&flow, &mut best[1]);
    }
    let [our_nanos, rival_nanos] = best.map(|slices| slices.iter().sum::<u64>() as f64 / COMMANDS as f64);
    let what = format!("limit, market, cancel: a command ({COMMANDS}, {} trades)", ours.trades);
    let row = json!({
        "id": "venue/orderbook-rs", "what": what, "ours": our_nanos, "rival": rival_nanos,
        "rivalName": "orderbook-rs 0.15.3", "unit": "ns",
    });
    let note = format!(
        "orderbook-rs: same trades ({}), lots ({}) and resting orders ({})",
        ours.trades, ours.lots, ours.resting
    );
    println!("{}", json!({ "rows": [row], "notes": [note] }));
    ExitCode::SUCCESS
}
