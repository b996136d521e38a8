//! # Room card: bindings/node/quant/performance
//! In:    returns, a benchmark, prices with signals (0 or 1).
//! Out:   statistics as JSON, curves as arrays.
//! Holds: no logic.
//! Costs: see `quant::performance`.
use quant::performance::{Drawdown, drawdowns, from_signals, performance, relative};
use quant::{JobControl, Matrix};
use types::Fault;

use super::{Answer, Arguments, Call};

pub(super) fn find(name: &str) -> Option<Call> {
    Some(match name {
        "performance" => {
            |arguments, _| Answer::new(&performance(arguments.series("returns", 0)?, arguments.options()?)?, Vec::new())
        }
        "relativePerformance" => |arguments, _| {
            let (returns, benchmark) = (arguments.series("returns", 0)?, arguments.series("benchmark", 1)?);
            Answer::new(&relative(returns, benchmark, arguments.options()?)?, Vec::new())
        },
        "drawdowns" => |arguments, _| {
            let mut found = drawdowns(arguments.series("returns", 0)?)?;
            let curve = core::mem::take(&mut found.curve);
            let all = core::mem::take(&mut found.all).iter().flat_map(falls).collect();
            Answer::new(&found, vec![curve, all])
        },
        "signalEquity" => signal_equity,
        _ => return None,
    })
}

/// Depth, peak, trough and recovery; -1 where there is none yet.
fn falls(fall: &Drawdown) -> [f64; 4] {
    [fall.depth, fall.peak as f64, fall.trough as f64, fall.recovery.map_or(-1.0, |at| at as f64)]
}

fn signal_equity(arguments: &Arguments, _: &JobControl<'_>) -> Result<Answer, Fault> {
    let flags = |what, at| -> Result<Vec<bool>, Fault> {
        let series = arguments.series(what, at)?;
        Ok(Matrix::new(what, series, series.len(), 1)?.values().iter().map(|flag| *flag != 0.0).collect())
    };
    let (entries, exits) = (flags("entries", 1)?, flags("exits", 2)?);
    let mut found = from_signals(arguments.series("prices", 0)?, &entries, &exits, arguments.options()?)?;
    let equity = core::mem::take(&mut found.equity);
    Answer::new(&found, vec![equity])
}
