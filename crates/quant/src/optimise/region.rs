//! # Room card: quant/optimise/region
//! In:    the constraints of a caller: bounds, budget, groups, linear rows, turnover, costs of trading.
//! Out:   `Region`: the same in one form, checked, each constraint with the name that a conflict is reported by.
//! Holds: finite coefficients of the right length; lower bounds at most upper bounds, or the conflict is reported.
//! Costs: O(N) a row.
use crate::QuantError;
use crate::error::{at_most, in_range, length};
use crate::matrix::checked_vector_of;

/// One number for every asset, or one each.
#[derive(Clone, Debug, PartialEq)]
pub enum PerAsset {
    /// The same for all.
    All(f64),
    /// One for each asset, in the order of the covariance.
    Each(Vec<f64>),
}

impl PerAsset {
    /// As a vector of `n`; infinities are allowed, NaN is not.
    ///
    /// Errors: `QUANT_RAGGED`, `QUANT_NOT_FINITE` for NaN.
    pub(crate) fn spread(&self, what: &'static str, n: usize) -> Result<Vec<f64>, QuantError> {
        let values = match self {
            PerAsset::All(value) => vec![*value; n],
            PerAsset::Each(values) => values.clone(),
        };
        length(what, values.len(), n)?;
        match values.iter().position(|value| value.is_nan()) {
            Some(row) => Err(QuantError::NotFinite { what, row, column: 0 }),
            None => Ok(values),
        }
    }
}

/// The sum of the weights of some assets lies from `lower` to `upper`.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// What a conflict calls it.
    pub name: String,
    /// Its assets, from 0, each once.
    pub members: Vec<usize>,
    /// Lowest sum of weights; minus infinity for none.
    pub lower: f64,
    /// Highest sum of weights; infinity for none.
    pub upper: f64,
}

/// A weighted sum of the weights lies from `lower` to `upper`.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// What a conflict calls it.
    pub name: String,
    /// One coefficient for each asset.
    pub coefficients: Vec<f64>,
    /// Lowest value; minus infinity for none.
    pub lower: f64,
    /// Highest value; infinity for none.
    pub upper: f64,
}

/// What a portfolio must meet, and what trading to it costs. The default is long-only and fully invested.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraints {
    /// Names for conflicts; without them assets are numbered from 0.
    pub assets: Vec<String>,
    /// Sum of the weights (1 = fully invested); `None` leaves it open.
    pub budget: Option<f64>,
    /// Lowest weight of each asset; minus infinity allows any short position.
    pub lower: PerAsset,
    /// Highest weight of each asset.
    pub upper: PerAsset,
    /// Sums of weights within bounds.
    pub groups: Vec<Group>,
    /// Weighted sums within bounds.
    pub linear: Vec<Linear>,
    /// Weights held now. Needed by turnover and costs.
    pub previous: Option<Vec<f64>>,
    /// Highest sum of |weight − previous weight| (buys plus sells).
    pub turnover_max: Option<f64>,
    /// Cost of buying one unit of weight, in the objective's unit.
    pub buy_cost: PerAsset,
    /// Cost of selling one unit of weight, in the objective's unit.
    pub sell_cost: PerAsset,
}

impl Default for Constraints {
    fn default() -> Self {
        Constraints {
            assets: Vec::new(),
            budget: Some(1.0),
            lower: PerAsset::All(0.0),
            upper: PerAsset::All(1.0),
            groups: Vec::new(),
            linear: Vec::new(),
            previous: None,
            turnover_max: None,
            buy_cost: PerAsset::All(0.0),
            sell_cost: PerAsset::All(0.0),
        }
    }
}

impl Constraints {
    /// Fully invested, any long or short position.
    pub fn long_short() -> Self {
        let (lower, upper) = (PerAsset::All(f64::NEG_INFINITY), PerAsset::All(f64::INFINITY));
        Constraints { lower, upper, ..Constraints::default() }
    }
}

/// More assets than this in one problem are refused: the matrices are dense.
pub const ASSETS_MAX: usize = 5_000;
/// More rows (budget, groups, linear constraints) than this are refused.
pub const ROWS_MAX: usize = 2_000;

/// A weighted sum within bounds, with its name.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub name: String,
    pub coefficients: Vec<f64>,
    pub lower: f64,
    pub upper: f64,
}

/// What trading from the weights held now costs, and how much of it may be done.
#[derive(Clone, Debug)]
pub(crate) struct Trading {
    pub previous: Vec<f64>,
    pub buy: Vec<f64>,
    pub sell: Vec<f64>,
    /// What one unit of the variable counts for turnover.
    pub unit: Vec<f64>,
    pub turnover_max: f64,
}

impl Trading {
    /// What it costs to trade from the previous weights to `weights`.
    pub fn cost(&self, weights: &[f64]) -> f64 {
        let trades = weights.iter().zip(&self.previous).map(|(weight, previous)| weight - previous);
        let sides = self.buy.iter().zip(&self.sell);
        trades.zip(sides).map(|(trade, (buy, sell))| if trade > 0.0 { buy * trade } else { -sell * trade }).sum()
    }
}

/// All constraints of one problem.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    pub assets: Vec<String>,
    pub lower: Vec<f64>,
    pub upper: Vec<f64>,
    pub rows: Vec<Row>,
    pub trading: Option<Trading>,
}

impl Region {
    /// Checks `constraints` for a problem of `n` assets.
    ///
    /// Errors: `QUANT_RAGGED`, `QUANT_NOT_FINITE`, `QUANT_OUT_OF_RANGE`, `QUANT_TOO_LARGE`; `QUANT_INFEASIBLE` where a
    /// lower bound lies above its upper bound.
    pub fn new(constraints: &Constraints, n: usize) -> Result<Region, QuantError> {
        at_most("assets", n, ASSETS_MAX)?;
        at_most("groups and linear constraints", constraints.groups.len() + constraints.linear.len(), ROWS_MAX - 2)?;
        if !constraints.assets.is_empty() {
            length("asset names", constraints.assets.len(), n)?;
        }
        let lower = constraints.lower.spread("lower", n)?;
        let upper = constraints.upper.spread("upper", n)?;
        let mut region = Region { assets: constraints.assets.clone(), lower, upper, rows: Vec::new(), trading: None };
        for asset in 0..n {
            in_range("lower", region.lower[asset], f64::NEG_INFINITY, f64::MAX)?;
            in_range("upper", region.upper[asset], f64::MIN, f64::INFINITY)?;
            if region.lower[asset] > region.upper[asset] {
                let names = vec![region.bound_name(asset, false), region.bound_name(asset, true)];
                return Err(QuantError::Infeasible { constraints: names });
            }
        }
        if let Some(budget) = constraints.budget {
            crate::error::finite("budget", budget)?;
            region.add_row("budget".to_string(), vec![1.0; n], budget, budget)?;
        }
        for group in &constraints.groups {
            let mut coefficients = vec![0.0; n];
            for &member in &group.members {
                at_most("group member", member, n - 1)?;
                coefficients[member] = 1.0;
            }
            region.add_row(format!("group {}", group.name), coefficients, group.lower, group.upper)?;
        }
        for row in &constraints.linear {
            checked_vector_of("linear coefficients", &row.coefficients, n)?;
            region.add_row(format!("linear {}", row.name), row.coefficients.clone(), row.lower, row.upper)?;
        }
        region.trading = trading(constraints, n)?;
        Ok(region)
    }

    /// One more row.
    ///
    /// Errors: `QUANT_NOT_FINITE` for NaN bounds; `QUANT_INFEASIBLE` where `lower` > `upper` or an empty row cannot
    /// hold.
    pub fn add_row(&mut self, name: String, coefficients: Vec<f64>, lower: f64, upper: f64) -> Result<(), QuantError> {
        if lower.is_nan() || upper.is_nan() {
            return Err(QuantError::NotFinite { what: "constraint bounds", row: self.rows.len(), column: 0 });
        }
        let largest = coefficients.iter().fold(0.0f64, |most, value| most.max(value.abs()));
        if lower > upper || lower == f64::INFINITY || upper == f64::NEG_INFINITY {
            return Err(QuantError::Infeasible { constraints: vec![name] });
        }
        if largest == 0.0 {
            return match lower <= 0.0 && upper >= 0.0 {
                true => Ok(()),
                false => Err(QuantError::Infeasible { constraints: vec![name] }),
            };
        }
        self.rows.push(Row { name, coefficients, lower, upper });
        Ok(())
    }

    /// What a conflict calls a bound.
    pub fn bound_name(&self, asset: usize, upper: bool) -> String {
        let side = if upper { "upper" } else { "lower" };
        match self.assets.get(asset) {
            Some(name) => format!("{side} bound of {name}"),
            None => format!("{side} bound of asset {asset}"),
        }
    }

    /// The same region in variables x = w × scale; scales are powers of two, so that no bound is rounded.
    pub fn scaled(&self, scale: &[f64], objective: f64) -> Region {
        let times = |values: &[f64]| values.iter().zip(scale).map(|(value, s)| value * s).collect::<Vec<f64>>();
        let over = |values: &[f64]| values.iter().zip(scale).map(|(value, s)| value / s).collect::<Vec<f64>>();
        let rows = self.rows.iter().map(|row| {
            let coefficients = over(&row.coefficients);
            let largest = coefficients.iter().fold(0.0f64, |most, value| most.max(value.abs()));
            let unit = 1.0 / power_of_two(largest);
            Row {
                name: row.name.clone(),
                coefficients: coefficients.iter().map(|value| value * unit).collect(),
                lower: row.lower * unit,
                upper: row.upper * unit,
            }
        });
        let trading = self.trading.as_ref().map(|trading| {
            let unit = over(&trading.unit);
            let fit = 1.0 / power_of_two(unit.iter().fold(0.0f64, |most, value| most.max(*value)));
            let cost = |values: &[f64]| over(values).iter().map(|value| value * objective).collect::<Vec<f64>>();
            Trading {
                previous: times(&trading.previous),
                buy: cost(&trading.buy),
                sell: cost(&trading.sell),
                unit: unit.iter().map(|value| value * fit).collect(),
                turnover_max: trading.turnover_max * fit,
            }
        });
        Region {
            assets: self.assets.clone(),
            lower: times(&self.lower),
            upper: times(&self.upper),
            rows: rows.collect(),
            trading,
        }
    }
}

/// The power of two nearest below a positive number.
pub(crate) fn power_of_two(value: f64) -> f64 {
    let exponent = libm::ilogb(value).clamp(-1000, 1000);
    libm::ldexp(1.0, exponent)
}

/// Previous weights, costs and turnover, where something depends on them.
fn trading(constraints: &Constraints, n: usize) -> Result<Option<Trading>, QuantError> {
    let costs = [("buy cost", &constraints.buy_cost), ("sell cost", &constraints.sell_cost)];
    let mut spread = Vec::with_capacity(2);
    for (what, cost) in costs {
        let values = cost.spread(what, n)?;
        for &value in &values {
            in_range(what, value, 0.0, f64::MAX)?;
        }
        spread.push(values);
    }
    let turnover_max = constraints.turnover_max.unwrap_or(f64::INFINITY);
    in_range("turnover", turnover_max, 0.0, f64::INFINITY)?;
    let costless = spread.iter().flatten().all(|&cost| cost == 0.0);
    if costless && turnover_max == f64::INFINITY {
        return Ok(None);
    }
    let Some(previous) = &constraints.previous else {
        return Err(QuantError::Undefined { what: "turnover and costs", why: "the previous weights are not given" });
    };
    checked_vector_of("previous", previous, n)?;
    let (sell, buy) = (spread.pop().unwrap_or_default(), spread.pop().unwrap_or_default());
    Ok(Some(Trading { previous: previous.clone(), buy, sell, unit: vec![1.0; n], turnover_max }))
}
