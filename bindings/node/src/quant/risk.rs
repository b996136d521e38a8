//! # Room card: bindings/node/quant/risk
//! In:    returns, weights, covariances, books as arrays; methods and scenarios as JSON.
//! Out:   value at risk, shortfall and P&L as JSON; parts of them, paths and covariances as arrays.
//! Holds: no logic.
//! Costs: see `quant::risk`.
use quant::JobControl;
use quant::risk::*;
use serde::{Deserialize, Serialize};
use types::Fault;

use super::monte_carlo::Held;
use super::{Answer, Arguments, Call};

pub(super) fn find(name: &str) -> Option<Call> {
    Some(match name {
        "valueAtRisk" => |arguments, control| {
            let options: TailOptions = arguments.options()?;
            Answer::new(&value_at_risk(arguments.series("returns", 0)?, &options, control)?, Vec::new())
        },
        "entropicValueAtRisk" => |arguments, control| {
            let Tail { confidence, convention } = arguments.options()?;
            let found = entropic_value_at_risk(arguments.series("returns", 0)?, confidence, convention, control)?;
            Answer::new(&found, Vec::new())
        },
        "fitStudent" => |arguments, control| {
            let Search { search } = arguments.options()?;
            Answer::new(&fit_student(arguments.series("returns", 0)?, search, control)?, Vec::new())
        },
        "filteredValueAtRisk" => filtered,
        "gaussianComponents" => |arguments, _| {
            let Tail { confidence, convention } = arguments.options()?;
            let (weights, means) = (arguments.series("weights", 0)?, arguments.series("means", 1)?);
            let covariance = arguments.symmetric("covariance", 2)?;
            parts(gaussian_components(weights, means, &covariance, confidence, convention)?)
        },
        "historicalComponents" => |arguments, _| {
            let Tail { confidence, convention } = arguments.options()?;
            let (weights, returns) = (arguments.series("weights", 0)?, arguments.matrix("returns", 1)?);
            parts(historical_components(weights, &returns, confidence, convention)?)
        },
        "incrementalRisk" => |arguments, control| {
            let (weights, order) = (arguments.series("weights", 0)?, arguments.series("order", 1)?);
            let options: TailOptions = arguments.options()?;
            let returns = arguments.matrix("returns", 2)?;
            Answer::new(&incremental_risk(weights, order, &returns, &options, control)?, Vec::new())
        },
        "stress" => stressed,
        "stressWindow" => windowed,
        "correlationStress" => correlated,
        _ => return None,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tail {
    confidence: f64,
    convention: Convention,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Search {
    search: StudentSearch,
}

#[derive(Serialize)]
struct Filtered {
    #[serde(flatten)]
    risk: TailRisk,
    volatility: f64,
}

fn filtered(arguments: &Arguments, control: &JobControl<'_>) -> Result<Answer, Fault> {
    let options: FilteredOptions = arguments.options()?;
    let found = filtered_value_at_risk(arguments.series("returns", 0)?, &options, control)?;
    Answer::new(&Filtered { risk: found.risk, volatility: found.volatility }, vec![found.standardised])
}

/// Arrays: component and marginal value at risk, component and marginal shortfall.
fn parts(found: RiskComponents) -> Result<Answer, Fault> {
    let arrays = vec![found.component, found.marginal, found.component_shortfall, found.marginal_shortfall];
    Answer::new(&found.total, arrays)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    volatility: f64,
    rate: f64,
    years: f64,
}

/// Arrays: the book, the returns. P&L as JSON, then by asset and by option.
fn stressed(arguments: &Arguments, _: &JobControl<'_>) -> Result<Answer, Fault> {
    let Move { volatility, rate, years } = arguments.options()?;
    let held = Held::read(arguments, 0)?;
    let returns = arguments.series("returns", 3)?;
    let found = stress(&held.book(), &Shock { returns, volatility, rate, years })?;
    Answer::new(&found.pnl, vec![found.assets, found.options])
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Window {
    from: usize,
    /// The row after the last; all without one.
    to: Option<usize>,
    years_per_period: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Worst {
    pnl: f64,
    worst: f64,
    worst_period: Option<usize>,
    drawdown: f64,
}

/// Arrays: the path, then P&L at its end by asset and by option.
fn windowed(arguments: &Arguments, control: &JobControl<'_>) -> Result<Answer, Fault> {
    let Window { from, to, years_per_period } = arguments.options()?;
    let held = Held::read(arguments, 0)?;
    let returns = arguments.matrix("returns", 3)?;
    let to = to.unwrap_or(returns.rows());
    let found = stress_window(&held.book(), &returns, from, to, years_per_period, control)?;
    let WindowStress { end, path, worst, worst_period, drawdown } = found;
    let numbers = Worst { pnl: end.pnl, worst, worst_period, drawdown };
    Answer::new(&numbers, vec![path, end.assets, end.options])
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Break {
    /// The common correlation; else the third array is the scenario.
    all: Option<f64>,
    blend: f64,
    confidence: f64,
    convention: Convention,
}

#[derive(Serialize)]
struct Broken {
    before: TailRisk,
    after: TailRisk,
}

fn correlated(arguments: &Arguments, _: &JobControl<'_>) -> Result<Answer, Fault> {
    let Break { all, blend, confidence, convention } = arguments.options()?;
    let (weights, covariance) = (arguments.series("weights", 0)?, arguments.symmetric("covariance", 1)?);
    let scenario = match all {
        Some(correlation) => CorrelationBreak::AllTo(correlation),
        None => CorrelationBreak::Matrix(arguments.symmetric("correlation", 2)?),
    };
    let found = correlation_stress(weights, &covariance, &scenario, blend, confidence, convention)?;
    Answer::new(&Broken { before: found.before, after: found.after }, vec![found.covariance.into_values()])
}
