//! # Room card: bindings/node/quant/monte_carlo
//! In:    a book as three arrays (prices, quantities, options), marginals as JSON, a correlation, samples.
//! Out:   tails with their errors as JSON; every path's P&L as an array, when it is kept.
//! Holds: no logic.
//! Costs: see `quant::monte_carlo`.
use quant::monte_carlo::{
    ASSETS_MAX, Book, Copula, Marginal, MonteCarloOptions, OptionPosition, ReturnKind, ReturnModel, monte_carlo_risk,
    normal_marginals,
};
use quant::options::OptionKind;
use quant::{JobControl, QuantError};
use serde::{Deserialize, Serialize};
use types::Fault;

use super::{Answer, Arguments, Call};
use crate::errors::argument;

pub(super) fn find(name: &str) -> Option<Call> {
    Some(match name {
        "monteCarloRisk" => simulated,
        "normalModel" => normal_model,
        "bookValue" => |arguments, _| Answer::new(&Held::read(arguments, 0)?.book().value()?, Vec::new()),
        _ => return None,
    })
}

/// Numbers of an option in the array of a book: asset, 1 for a call, strike, years, rate, dividend yield, volatility,
/// quantity, asset of the volatility or -1.
const OPTION_NUMBERS: usize = 9;

/// The index of an asset, or a count.
fn index(what: &'static str, value: f64, high: usize) -> Result<usize, Fault> {
    let high = high as f64;
    if value >= 0.0 && value <= high && value.fract() == 0.0 {
        return Ok(value as usize);
    }
    Err(QuantError::OutOfRange { what, value, low: 0.0, high }.into())
}

/// 1 for a call, 0 for a put.
pub(super) fn kind_of(value: f64) -> Result<OptionKind, Fault> {
    Ok(if index("isCall", value, 1)? == 1 { OptionKind::Call } else { OptionKind::Put })
}

/// A book in three arrays.
pub(super) struct Held<'a> {
    spots: &'a [f64],
    quantities: &'a [f64],
    options: Vec<OptionPosition>,
}

impl<'a> Held<'a> {
    /// The book of the arrays from `at` on.
    pub(super) fn read(arguments: &'a Arguments, at: usize) -> Result<Held<'a>, Fault> {
        let rows = arguments.series("options", at + 2)?;
        if !rows.len().is_multiple_of(OPTION_NUMBERS) {
            return Err(argument(format!("an option has {OPTION_NUMBERS} numbers")));
        }
        let options = rows.chunks_exact(OPTION_NUMBERS).map(position).collect::<Result<_, Fault>>()?;
        let (spots, quantities) = (arguments.series("spots", at)?, arguments.series("quantities", at + 1)?);
        Ok(Held { spots, quantities, options })
    }

    pub(super) fn book(&self) -> Book<'_> {
        Book { spots: self.spots, quantities: self.quantities, options: &self.options }
    }
}

fn position(row: &[f64]) -> Result<OptionPosition, Fault> {
    let volatility_asset = if row[8] == -1.0 { None } else { Some(index("volatilityAsset", row[8], ASSETS_MAX)?) };
    Ok(OptionPosition {
        asset: index("asset", row[0], ASSETS_MAX)?,
        kind: kind_of(row[1])?,
        strike: row[2],
        years: row[3],
        rate: row[4],
        dividend_yield: row[5],
        volatility: row[6],
        quantity: row[7],
        volatility_asset,
    })
}

#[derive(Deserialize)]
#[serde(tag = "distribution", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
enum Distribution {
    Normal {
        mean: f64,
        deviation: f64,
    },
    StudentT {
        location: f64,
        scale: f64,
        degrees_of_freedom: f64,
    },
    /// `sample` is the place of the array.
    Empirical {
        sample: usize,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Simulation {
    marginals: Vec<Distribution>,
    copula: Copula,
    returns: ReturnKind,
    simulation: MonteCarloOptions,
}

#[derive(Serialize)]
struct Tails {
    mean: f64,
    deviation: f64,
    tails: Vec<quant::monte_carlo::SimulatedTail>,
}

/// Arrays: the book, the correlation, then the samples of empirical marginals.
fn simulated(arguments: &Arguments, control: &JobControl<'_>) -> Result<Answer, Fault> {
    let Simulation { marginals, copula, returns, simulation } = arguments.options()?;
    let held = Held::read(arguments, 0)?;
    let marginals = marginals.iter().map(|marginal| {
        Ok(match *marginal {
            Distribution::Normal { mean, deviation } => Marginal::Normal { mean, deviation },
            Distribution::StudentT { location, scale, degrees_of_freedom } => {
                Marginal::StudentT { location, scale, degrees_of_freedom }
            }
            Distribution::Empirical { sample } => Marginal::Empirical(arguments.series("sample", sample)?),
        })
    });
    let marginals = marginals.collect::<Result<Vec<_>, Fault>>()?;
    let correlation = arguments.symmetric("correlation", 3)?;
    let model = ReturnModel { marginals: &marginals, correlation, copula, returns };
    let found = monte_carlo_risk(&held.book(), &model, &simulation, control)?;
    let numbers = Tails { mean: found.mean, deviation: found.deviation, tails: found.tails };
    Answer::new(&numbers, found.paths.into_iter().collect())
}

/// Deviations, then the correlation.
fn normal_model(arguments: &Arguments, _: &JobControl<'_>) -> Result<Answer, Fault> {
    let covariance = arguments.symmetric("covariance", 1)?;
    let (marginals, correlation) = normal_marginals(arguments.series("means", 0)?, &covariance)?;
    let deviations = marginals.iter().map(|marginal| match marginal {
        Marginal::Normal { deviation, .. } => *deviation,
        Marginal::StudentT { scale, .. } => *scale,
        Marginal::Empirical(_) => 0.0,
    });
    Answer::new(&(), vec![deviations.collect(), correlation.into_values()])
}
