//! # Room card: bindings/node/quant/covariance
//! In:    returns or a covariance as the first array, an index as the second.
//! Out:   the matrix, its condition number (null where it is infinite) and shrinkage.
//! Holds: no logic.
//! Costs: see `quant::covariance`.
use quant::JobControl;
use quant::covariance::*;
use serde::Serialize;
use types::Fault;

use super::{Answer, Arguments, Call};
use crate::errors::argument;

pub(super) fn find(name: &str) -> Option<Call> {
    Some(match name {
        "sampleCovariance" => |arguments, _| answer(sample(arguments.matrix("returns", 0)?, arguments.options()?)?),
        "ewmaCovariance" => |arguments, _| answer(ewma(arguments.matrix("returns", 0)?, arguments.options()?)?),
        "ledoitWolf" => shrunk,
        "oracleApproximating" => {
            |arguments, _| answer(oracle_approximating(arguments.matrix("returns", 0)?, arguments.options()?)?)
        }
        "denoise" => denoised,
        "nearestPsd" => |arguments, control| {
            answer(nearest_psd(arguments.symmetric("covariance", 0)?, arguments.options()?, control)?)
        },
        "nearestCorrelation" => |arguments, control| {
            let found = nearest_correlation(arguments.symmetric("matrix", 0)?, arguments.options()?, control)?;
            Answer::matrix(&(), found)
        },
        "conditionNumber" => {
            |arguments, _| Answer::new(&condition_number(arguments.symmetric("matrix", 0)?)?, Vec::new())
        }
        _ => return None,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Numbers {
    condition_number: f64,
    shrinkage: f64,
}

fn answer(found: Covariance) -> Result<Answer, Fault> {
    let Covariance { matrix, condition_number, shrinkage } = found;
    Answer::matrix(&Numbers { condition_number, shrinkage }, matrix)
}

/// A second array is the market of the single factor.
fn shrunk(arguments: &Arguments, _: &JobControl<'_>) -> Result<Answer, Fault> {
    let options: LedoitWolfOptions = arguments.options()?;
    let returns = arguments.matrix("returns", 0)?;
    let market = arguments.series("market", 1);
    answer(match (options.target, market) {
        (LedoitWolfTarget::SingleFactor, Ok(market)) => ledoit_wolf_single_factor(returns, market, options.ddof)?,
        (_, Ok(_)) => return Err(argument("a market is for the target singleFactor")),
        (_, Err(_)) => ledoit_wolf(returns, options)?,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cleaned {
    condition_number: f64,
    noise_variance: f64,
    edge: f64,
    factors: usize,
}

fn denoised(arguments: &Arguments, _: &JobControl<'_>) -> Result<Answer, Fault> {
    let found = denoise(arguments.symmetric("covariance", 0)?, arguments.options()?)?;
    let Denoised { covariance, noise_variance, edge, factors } = found;
    let numbers = Cleaned { condition_number: covariance.condition_number, noise_variance, edge, factors };
    Answer::matrix(&numbers, covariance.matrix)
}
