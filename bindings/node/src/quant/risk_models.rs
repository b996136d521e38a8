//! # Room card: bindings/node/quant/risk_models
//! In:    returns and forecasts, exceptions, returns of assets and factors.
//! Out:   tests of value at risk and drawdowns as JSON; days, curves, betas and covariances as arrays.
//! Holds: no logic.
//! Costs: see `quant::risk`.
use quant::risk::*;
use quant::{JobControl, QuantError};
use serde::{Deserialize, Serialize};
use types::Fault;

use super::{Answer, Arguments, Call};

pub(super) fn find(name: &str) -> Option<Call> {
    Some(match name {
        "kupiec" => |arguments, _| {
            let Count { exceptions, days, tail } = arguments.options()?;
            Answer::new(&kupiec(exceptions, days, tail)?, Vec::new())
        },
        "christoffersen" => |arguments, _| {
            let Level { tail } = arguments.options()?;
            Answer::new(&christoffersen(&flags(arguments)?, tail)?, Vec::new())
        },
        "baselTrafficLight" => |arguments, _| {
            let Exceptions { exceptions } = arguments.options()?;
            Answer::new(&basel_traffic_light(exceptions)?, Vec::new())
        },
        "exceptionProbabilities" => |arguments, _| {
            let Table { most, days, tail } = arguments.options()?;
            Answer::new(&(), vec![exception_probabilities(most, days, tail)?])
        },
        "backtestForecasts" => |arguments, _| {
            let Confidence { confidence } = arguments.options()?;
            let (returns, forecasts) = (arguments.series("returns", 0)?, arguments.series("forecasts", 1)?);
            judged(backtest_forecasts(returns, forecasts, confidence)?)
        },
        "backtestHistorical" => |arguments, control| {
            let options: RollingBacktestOptions = arguments.options()?;
            judged(backtest_historical(arguments.series("returns", 0)?, &options, control)?)
        },
        "drawdownRisk" => falls,
        "factorModel" => model,
        "factorRisk" => risk,
        "vectorAutoregression" => autoregression,
        _ => return None,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    exceptions: u64,
    days: u64,
    tail: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Level {
    tail: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exceptions {
    exceptions: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    most: u64,
    days: u64,
    tail: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Confidence {
    confidence: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Falls {
    compounding: Compounding,
    confidence: f64,
}

/// Drawdowns, then peak, trough, recovery (-1 where there is none yet) and depth of each episode.
fn falls(arguments: &Arguments, control: &JobControl<'_>) -> Result<Answer, Fault> {
    let Falls { compounding, confidence } = arguments.options()?;
    let mut found = drawdown_risk(arguments.series("returns", 0)?, compounding, confidence, control)?;
    let drawdowns = core::mem::take(&mut found.drawdowns);
    let numbers = |fall: &DrawdownEpisode| {
        let recovery = fall.recovery.map_or(-1.0, |at| at as f64);
        [fall.peak as f64, fall.trough as f64, recovery, fall.depth]
    };
    let episodes = core::mem::take(&mut found.episodes).iter().flat_map(numbers).collect();
    Answer::new(&found, vec![drawdowns, episodes])
}

/// 1 for an exception, 0 for none.
fn flags(arguments: &Arguments) -> Result<Vec<bool>, Fault> {
    let given = arguments.series("exceptions", 0)?;
    match given.iter().find(|&&flag| flag != 0.0 && flag != 1.0) {
        Some(&value) => Err(QuantError::OutOfRange { what: "exceptions", value, low: 0.0, high: 1.0 }.into()),
        None => Ok(given.iter().map(|&flag| flag == 1.0).collect()),
    }
}

fn judged(found: VarBacktest) -> Result<Answer, Fault> {
    let days = found.exception_days.iter().map(|&day| day as f64).collect();
    Answer::new(&found, vec![days])
}

/// Arrays: alphas, betas, covariance of the factors, variances of the residuals, R².
fn model(arguments: &Arguments, _: &JobControl<'_>) -> Result<Answer, Fault> {
    let found = fit_factor_model(&arguments.matrix("assets", 0)?, &arguments.matrix("factors", 1)?)?;
    let FactorModel { alphas, betas, factor_covariance, residual_variances, r_squared } = found;
    let matrices = (betas.into_values(), factor_covariance.into_values());
    Answer::new(&(), vec![alphas, matrices.0, matrices.1, residual_variances, r_squared])
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Variances {
    systematic_variance: f64,
    specific_variance: f64,
    systematic_share: f64,
}

/// Arrays: weights, alphas, betas, covariance of the factors, variances of the residuals.
fn risk(arguments: &Arguments, _: &JobControl<'_>) -> Result<Answer, Fault> {
    let (alphas, betas) = (arguments.series("alphas", 1)?, arguments.matrix("betas", 2)?);
    let (factors, own) = (arguments.symmetric("factorCovariance", 3)?, arguments.series("residualVariances", 4)?);
    let need = [("betas", betas.rows(), alphas.len()), ("residualVariances", own.len(), alphas.len())];
    for (what, have, need) in need.into_iter().chain([("factorCovariance", factors.rows(), betas.columns())]) {
        if have != need {
            return Err(QuantError::Ragged { what, have, need }.into());
        }
    }
    let model = FactorModel {
        alphas: alphas.to_vec(),
        betas: betas.to_owned(),
        factor_covariance: factors.to_owned(),
        residual_variances: own.to_vec(),
        r_squared: Vec::new(),
    };
    let found = model.risk(arguments.series("weights", 0)?)?;
    let numbers = Variances {
        systematic_variance: found.systematic_variance,
        specific_variance: found.specific_variance,
        systematic_share: found.systematic_share,
    };
    Answer::new(&numbers, vec![found.betas, found.contributions])
}

#[derive(Serialize)]
struct Criteria {
    aic: f64,
    bic: f64,
}

/// Arrays: constants, coefficients, covariance of the residuals.
fn autoregression(arguments: &Arguments, _: &JobControl<'_>) -> Result<Answer, Fault> {
    let found = fit_vector_autoregression(&arguments.matrix("series", 0)?)?;
    let arrays = vec![found.intercepts, found.coefficients.into_values(), found.residual_covariance.into_values()];
    Answer::new(&Criteria { aic: found.aic, bic: found.bic }, arrays)
}
