//! # Room card: bindings/node/quant/allocate_options
//! In:    the risk and the constraints of an allocation: names as JSON, numbers by their place among the arrays.
//! Out:   a covariance, `Constraints`.
//! Holds: no number of a bound passes JSON, which has no word for an infinity; no logic.
//! Costs: one copy of each bound; the sample covariance where returns are given.
use quant::covariance::{SampleOptions, sample_matrix};
use quant::optimise::{Constraints, Group, Linear, PerAsset};
use quant::{Matrix, OwnedMatrix, QuantError};
use serde::Deserialize;
use types::Fault;

use super::Arguments;

/// The place of an array among those of the call.
pub(super) type Place = usize;

/// Where risk is read from.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) enum RiskSource {
    Covariance(Place),
    Returns { at: Place, ddof: usize },
}

/// A covariance that was given, or that was made of returns.
pub(super) enum Risk<'a> {
    Given(Matrix<'a>),
    Made(OwnedMatrix),
}

impl Risk<'_> {
    pub(super) fn covariance(&self) -> Result<Matrix<'_>, Fault> {
        match self {
            Risk::Given(matrix) => Ok(*matrix),
            Risk::Made(matrix) => Ok(matrix.view("covariance")?),
        }
    }
}

impl RiskSource {
    pub(super) fn read<'a>(&self, arguments: &'a Arguments) -> Result<Risk<'a>, Fault> {
        match *self {
            RiskSource::Covariance(at) => Ok(Risk::Given(arguments.symmetric("covariance", at)?)),
            RiskSource::Returns { at, ddof } => {
                let returns = arguments.matrix("returns", at)?;
                Ok(Risk::Made(sample_matrix(returns, SampleOptions { ddof, demean: true })?))
            }
        }
    }
}

/// Constraints: `lower`, `upper` and the like are places of arrays of one number, or of one an asset.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Limits {
    #[serde(default)]
    assets: Vec<String>,
    budget: Option<f64>,
    lower: Place,
    upper: Place,
    #[serde(default)]
    groups: Vec<GroupLimits>,
    #[serde(default)]
    linear: Vec<LinearLimits>,
    previous: Option<Place>,
    turnover_max: Option<f64>,
    buy_cost: Option<Place>,
    sell_cost: Option<Place>,
}

/// `bounds` holds the lower and the upper end.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupLimits {
    name: String,
    members: Place,
    bounds: Place,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinearLimits {
    name: String,
    coefficients: Place,
    bounds: Place,
}

pub(super) fn per_asset(arguments: &Arguments, what: &'static str, at: Place) -> Result<PerAsset, Fault> {
    Ok(match arguments.series(what, at)? {
        &[value] => PerAsset::All(value),
        values => PerAsset::Each(values.to_vec()),
    })
}

fn bounds(arguments: &Arguments, at: Place) -> Result<(f64, f64), Fault> {
    match arguments.series("bounds", at)? {
        &[lower, upper] => Ok((lower, upper)),
        other => Err(QuantError::Ragged { what: "bounds", have: other.len(), need: 2 }.into()),
    }
}

impl Limits {
    pub(super) fn read(&self, arguments: &Arguments) -> Result<Constraints, Fault> {
        let mut groups = Vec::with_capacity(self.groups.len());
        for group in &self.groups {
            let (lower, upper) = bounds(arguments, group.bounds)?;
            let members = arguments.whole("group member", group.members)?.unwrap_or_default();
            groups.push(Group { name: group.name.clone(), members, lower, upper });
        }
        let mut linear = Vec::with_capacity(self.linear.len());
        for row in &self.linear {
            let (lower, upper) = bounds(arguments, row.bounds)?;
            let coefficients = arguments.series("linear coefficients", row.coefficients)?.to_vec();
            linear.push(Linear { name: row.name.clone(), coefficients, lower, upper });
        }
        let cost = |what, at: Option<Place>| match at {
            Some(at) => per_asset(arguments, what, at),
            None => Ok(PerAsset::All(0.0)),
        };
        let previous = self.previous.map(|at| arguments.series("previous", at)).transpose()?;
        Ok(Constraints {
            assets: self.assets.clone(),
            budget: self.budget,
            lower: per_asset(arguments, "lower", self.lower)?,
            upper: per_asset(arguments, "upper", self.upper)?,
            groups,
            linear,
            previous: previous.map(<[f64]>::to_vec),
            turnover_max: self.turnover_max,
            buy_cost: cost("buy cost", self.buy_cost)?,
            sell_cost: cost("sell cost", self.sell_cost)?,
        })
    }
}
