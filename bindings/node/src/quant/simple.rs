//! # Room card: bindings/node/quant/simple
//! In:    parameters of sizes, Sharpe probabilities and execution schedules as JSON.
//! Out:   their results as JSON, schedules as arrays.
//! Holds: what is here takes microseconds and is called at once.
//! Costs: below 10 µs and the JSON.
use quant::JobControl;
use quant::execution::{AlmgrenChriss, FrontierPoint, almgren_chriss, frontier};
use quant::sizing::{self, SizingAccount};
use quant::validation::*;
use serde::Deserialize;
use types::Fault;

use super::{Answer, Arguments, Call};

pub(super) fn find(name: &str) -> Option<Call> {
    Some(match name {
        "size" => size,
        "quantities" => quantities,
        "averageTrueRange" => |arguments, _| {
            let Period { period } = arguments.options()?;
            Answer::new(&sizing::average_true_range(arguments.matrix("bars", 0)?, period)?, Vec::new())
        },
        "sharpeMoments" => |arguments, _| {
            let Shape { unbiased } = arguments.options()?;
            let biased = SharpeMoments::of(arguments.series("returns", 0)?)?;
            Answer::new(&if unbiased { biased.unbiased()? } else { biased }, Vec::new())
        },
        "sharpe" => sharpe,
        "almgrenChriss" => |arguments, _| {
            let mut found = almgren_chriss(arguments.options()?)?;
            let arrays = vec![core::mem::take(&mut found.holdings), core::mem::take(&mut found.trades)];
            Answer::new(&found, arrays)
        },
        "almgrenChrissFrontier" => |arguments, _| {
            let parameters: AlmgrenChriss = arguments.options()?;
            let points = frontier(parameters, arguments.series("riskAversions", 0)?)?;
            let numbers = |at: &FrontierPoint| [at.risk_aversion, at.expected_cost, at.variance, at.half_life];
            Answer::new(&(), vec![points.iter().flat_map(numbers).collect()])
        },
        _ => return None,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Period {
    period: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    unbiased: bool,
}

#[derive(Deserialize)]
#[serde(tag = "rule", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
enum Rule {
    FixedFraction { account: SizingAccount, fraction: f64 },
    PercentRisk { account: SizingAccount, risk: f64, average_true_range: f64, stop_atr: f64 },
    VolatilityScaled { account: SizingAccount, volatility: f64, target_volatility: f64 },
    Kelly { account: SizingAccount, win_probability: f64, payoff: f64, share: f64 },
}

fn size(arguments: &Arguments, _: &JobControl<'_>) -> Result<Answer, Fault> {
    let found = match arguments.options()? {
        Rule::FixedFraction { account, fraction } => sizing::fixed_fraction(account, fraction),
        Rule::PercentRisk { account, risk, average_true_range, stop_atr } => {
            sizing::percent_risk(account, risk, average_true_range, stop_atr)
        }
        Rule::VolatilityScaled { account, volatility, target_volatility } => {
            sizing::volatility_scaled(account, volatility, target_volatility)
        }
        Rule::Kelly { account, win_probability, payoff, share } => {
            sizing::kelly(account, win_probability, payoff, share)
        }
    };
    Answer::new(&found?, Vec::new())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Equity {
    equity: f64,
}

fn quantities(arguments: &Arguments, _: &JobControl<'_>) -> Result<Answer, Fault> {
    let Equity { equity } = arguments.options()?;
    let (weights, prices) = (arguments.series("weights", 0)?, arguments.series("prices", 1)?);
    let found = sizing::quantities(equity, weights, prices, arguments.series("lots", 2)?)?;
    Answer::new(&(), vec![found])
}

#[derive(Deserialize)]
#[serde(tag = "statistic", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
enum Statistic {
    Probabilistic { moments: SharpeMoments, benchmark: f64 },
    MinimumTrackRecord { moments: SharpeMoments, benchmark: f64, confidence: f64 },
    Deflated { moments: SharpeMoments, trial_variance: f64, trials: usize },
}

fn sharpe(arguments: &Arguments, _: &JobControl<'_>) -> Result<Answer, Fault> {
    match arguments.options()? {
        Statistic::Probabilistic { moments, benchmark } => {
            Answer::new(&probabilistic_sharpe(moments, benchmark)?, Vec::new())
        }
        Statistic::MinimumTrackRecord { moments, benchmark, confidence } => {
            Answer::new(&minimum_track_record(moments, benchmark, confidence)?, Vec::new())
        }
        Statistic::Deflated { moments, trial_variance, trials } => {
            Answer::new(&deflated_sharpe(moments, trial_variance, trials)?, Vec::new())
        }
    }
}
