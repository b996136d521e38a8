//! # Room card: bindings/node/quant/volatility
//! In:    returns as the first array; the model as JSON.
//! Out:   parameters and likelihood as JSON; volatilities, standardised returns and forecasts as arrays.
//! Holds: no logic.
//! Costs: see `quant::volatility`.
use quant::JobControl;
use quant::volatility::{EwmaOptions, GarchParameters, GarchPath, ewma_volatility, fit_garch, garch_path};
use serde::{Deserialize, Serialize};
use types::Fault;

use super::{Answer, Arguments, Call};

pub(super) fn find(name: &str) -> Option<Call> {
    Some(match name {
        "ewmaVolatility" => ewma,
        "fitGarch" => fitted,
        "garchPath" => given,
        _ => return None,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Ewma {
    ewma: EwmaOptions,
    periods_per_year: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Next {
    next: f64,
    next_annual: f64,
}

fn ewma(arguments: &Arguments, _: &JobControl<'_>) -> Result<Answer, Fault> {
    let Ewma { ewma, periods_per_year } = arguments.options()?;
    let found = ewma_volatility(arguments.series("returns", 0)?, ewma)?;
    let next = Next { next: found.next, next_annual: found.next_annual(periods_per_year)? };
    Answer::new(&next, vec![found.volatilities])
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fitted {
    parameters: GarchParameters,
    persistence: f64,
    long_run_variance: Option<f64>,
    log_likelihood: f64,
    aic: f64,
    bic: f64,
    steps: usize,
}

fn arrays(path: GarchPath) -> Vec<Vec<f64>> {
    vec![path.volatilities, path.standardised, path.forecast]
}

fn fitted(arguments: &Arguments, control: &JobControl<'_>) -> Result<Answer, Fault> {
    let found = fit_garch(arguments.series("returns", 0)?, arguments.options()?, control)?;
    let numbers = Fitted {
        parameters: found.parameters,
        persistence: found.parameters.persistence(),
        long_run_variance: found.parameters.long_run_variance(),
        log_likelihood: found.path.log_likelihood,
        aic: found.aic,
        bic: found.bic,
        steps: found.steps,
    };
    Answer::new(&numbers, arrays(found.path))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    parameters: GarchParameters,
    horizon: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Path {
    persistence: f64,
    long_run_variance: Option<f64>,
    log_likelihood: f64,
}

fn given(arguments: &Arguments, _: &JobControl<'_>) -> Result<Answer, Fault> {
    let Given { parameters, horizon } = arguments.options()?;
    let path = garch_path(arguments.series("returns", 0)?, &parameters, horizon)?;
    let numbers = Path {
        persistence: parameters.persistence(),
        long_run_variance: parameters.long_run_variance(),
        log_likelihood: path.log_likelihood,
    };
    Answer::new(&numbers, arrays(path))
}
