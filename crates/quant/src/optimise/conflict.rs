//! # Room card: quant/optimise/conflict
//! In:    a region.
//! Out:   a point in it; or the names of constraints that cannot hold together, none of them dispensable.
//! Holds: a linear program proves that nothing is feasible; from its proof constraints are dropped one by one while
//!        it stays so (deletion filter, Chinneck and Dravnieks 1991), which leaves an irreducible conflict.
//! Costs: one linear program with a row per group and linear constraint; as many again as the proof names constraints.
use super::region::{Region, Trading};
use super::simplex::{Linear, Vertex};
use crate::{JobControl, QuantError};

/// What a constraint is, to drop it and to name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Lower(usize),
    Upper(usize),
    Row(usize),
    Turnover,
}

/// A point that meets all constraints of `region`.
///
/// Errors: `QUANT_INFEASIBLE` with a conflict that loses its hold when any one of its constraints goes;
/// `QUANT_NOT_CONVERGED`, `QUANT_CANCELLED`.
pub(crate) fn feasible_point(region: &Region, control: &JobControl<'_>) -> Result<Vec<f64>, QuantError> {
    let trading = region.trading.as_ref().filter(|trading| trading.turnover_max < f64::INFINITY);
    let program = Feasibility::new(region, trading);
    let vertex = program.linear.minimise(control)?;
    if vertex.infeasible == 0.0 {
        return Ok(program.weights(&vertex.x));
    }
    let proof = program.proof(&vertex);
    let mut kept: Vec<Part> = proof.clone();
    let mut at = 0;
    while at < kept.len() {
        let part = kept.remove(at);
        if !still_infeasible(region, &kept, control)? {
            kept.insert(at, part);
            at += 1;
        }
    }
    // Rounding can make each of a borderline conflict's constraints look dispensable: then the whole proof is the
    // answer.
    let kept = if kept.is_empty() { proof } else { kept };
    Err(QuantError::Infeasible { constraints: kept.iter().map(|&part| name(region, part)).collect() })
}

fn name(region: &Region, part: Part) -> String {
    match part {
        Part::Lower(asset) => region.bound_name(asset, false),
        Part::Upper(asset) => region.bound_name(asset, true),
        Part::Row(row) => region.rows[row].name.clone(),
        Part::Turnover => "turnover".to_string(),
    }
}

/// Whether the constraints in `kept` alone cannot hold.
fn still_infeasible(region: &Region, kept: &[Part], control: &JobControl<'_>) -> Result<bool, QuantError> {
    let mut reduced = region.clone();
    for asset in 0..region.lower.len() {
        if !kept.contains(&Part::Lower(asset)) {
            reduced.lower[asset] = f64::NEG_INFINITY;
        }
        if !kept.contains(&Part::Upper(asset)) {
            reduced.upper[asset] = f64::INFINITY;
        }
    }
    let rows = region.rows.iter().enumerate().filter(|(row, _)| kept.contains(&Part::Row(*row)));
    reduced.rows = rows.map(|(_, row)| row.clone()).collect();
    let trading = region.trading.as_ref().filter(|_| kept.contains(&Part::Turnover));
    let vertex = Feasibility::new(&reduced, trading).linear.minimise(control)?;
    Ok(vertex.infeasible > 0.0)
}

/// The feasibility of a region as a linear program: weights, or buys and sells, then one slack for each inequality.
struct Feasibility<'a> {
    linear: Linear,
    assets: usize,
    trading: Option<&'a Trading>,
    /// For each variable: what its lower and upper bounds are.
    bounds: Vec<(Option<Part>, Option<Part>)>,
    rows: Vec<Part>,
}

impl<'a> Feasibility<'a> {
    fn new(region: &Region, trading: Option<&'a Trading>) -> Feasibility<'a> {
        let (n, rows) = (region.lower.len(), region.rows.len());
        let m = rows + usize::from(trading.is_some());
        let mut linear = Linear { rows: m, right: vec![0.0; m], ..Linear::default() };
        let mut bounds = Vec::new();
        for asset in 0..n {
            let mut column: Vec<f64> = region.rows.iter().map(|row| row.coefficients[asset]).collect();
            let (low, high) = (region.lower[asset], region.upper[asset]);
            let Some(trading) = trading else {
                linear.push(&column, 0.0, low, high);
                bounds.push((Some(Part::Lower(asset)), Some(Part::Upper(asset))));
                continue;
            };
            // Weight = previous + bought − sold; what must be bought or sold to come within the bounds is a lower
            // bound.
            let previous = trading.previous[asset];
            column.push(trading.unit[asset]);
            linear.push(&column, 0.0, (low - previous).max(0.0), (high - previous).max(0.0));
            bounds.push((Some(Part::Lower(asset)), Some(Part::Upper(asset))));
            column[..rows].iter_mut().for_each(|value| *value = -*value);
            linear.push(&column, 0.0, (previous - high).max(0.0), (previous - low).max(0.0));
            bounds.push((Some(Part::Upper(asset)), Some(Part::Lower(asset))));
        }
        let mut slack = vec![0.0; m];
        for (index, row) in region.rows.iter().enumerate() {
            let held: f64 = trading.map_or(0.0, |t| row.coefficients.iter().zip(&t.previous).map(|(a, p)| a * p).sum());
            if row.lower == row.upper {
                linear.right[index] = row.lower - held;
                continue;
            }
            linear.right[index] = -held;
            slack[index] = -1.0;
            linear.push(&slack, 0.0, row.lower, row.upper);
            bounds.push((Some(Part::Row(index)), Some(Part::Row(index))));
            slack[index] = 0.0;
        }
        let mut parts: Vec<Part> = (0..rows).map(Part::Row).collect();
        if let Some(trading) = trading {
            slack[rows] = -1.0;
            linear.push(&slack, 0.0, 0.0, trading.turnover_max);
            bounds.push((None, Some(Part::Turnover)));
            parts.push(Part::Turnover);
        }
        Feasibility { linear, assets: n, trading, bounds, rows: parts }
    }

    fn weights(&self, x: &[f64]) -> Vec<f64> {
        match self.trading {
            None => x[..self.assets].to_vec(),
            Some(trading) => {
                let trades = x.chunks_exact(2).map(|trade| trade[0] - trade[1]);
                trading.previous.iter().zip(trades).map(|(previous, trade)| previous + trade).collect()
            }
        }
    }

    /// The constraints that the proof of infeasibility (Farkas) rests on.
    fn proof(&self, vertex: &Vertex) -> Vec<Part> {
        let largest = vertex.multipliers.iter().fold(0.0f64, |most, value| most.max(value.abs()));
        let mut parts: Vec<Part> = Vec::new();
        let mut add = |part: Option<Part>| {
            if let Some(part) = part.filter(|part| !parts.contains(part)) {
                parts.push(part);
            }
        };
        for (row, multiplier) in vertex.multipliers.iter().enumerate() {
            // An inequality with a multiplier shows through its slack too; `add` keeps one.
            add(Some(self.rows[row]).filter(|_| multiplier.abs() > 1e-9 * largest));
        }
        for (index, &(lower, upper)) in self.bounds.iter().enumerate() {
            let push = super::factor::dot(&vertex.multipliers, self.linear.column(index));
            if push > 1e-9 * largest {
                add(upper);
            } else if push < -1e-9 * largest {
                add(lower);
            }
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::super::region::{Constraints, Group, Linear as Weighted, PerAsset};
    use super::*;

    fn conflict(constraints: &Constraints, n: usize) -> Vec<String> {
        let region = Region::new(constraints, n).expect("well formed");
        match feasible_point(&region, &JobControl::NONE) {
            Err(QuantError::Infeasible { mut constraints }) => {
                constraints.sort();
                constraints
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn conflicts_name_what_cannot_hold_together_and_nothing_else() {
        let upper = PerAsset::All(0.2);
        let names = conflict(&Constraints { upper, ..Constraints::default() }, 4);
        assert_eq!(names.len(), 5, "{names:?}");
        assert!(names.contains(&"budget".to_string()) && names.contains(&"upper bound of asset 3".to_string()));

        let tech = Group { name: "tech".to_string(), members: vec![0, 1], lower: 0.7, upper: 1.0 };
        let energy = Group { name: "energy".to_string(), members: vec![2, 3], lower: 0.4, upper: 0.5 };
        let beta = Weighted { name: "beta".to_string(), coefficients: vec![1.0; 6], lower: -9.0, upper: 9.0 };
        let constraints = Constraints { groups: vec![tech, energy], linear: vec![beta], ..Constraints::default() };
        let names = conflict(&constraints, 6);
        let lower: Vec<String> = (4..6).map(|asset| format!("lower bound of asset {asset}")).collect();
        let expected = ["budget", "group energy", "group tech", lower[0].as_str(), lower[1].as_str()];
        assert_eq!(names, expected);
    }

    #[test]
    fn turnover_conflicts_with_where_the_weights_must_go() {
        let constraints = Constraints {
            assets: vec!["A".to_string(), "B".to_string()],
            lower: PerAsset::Each(vec![0.8, 0.0]),
            previous: Some(vec![0.1, 0.9]),
            turnover_max: Some(0.5),
            ..Constraints::default()
        };
        assert_eq!(conflict(&constraints, 2), ["lower bound of A", "turnover"]);
        let region = Region::new(&Constraints { turnover_max: Some(1.4), ..constraints }, 2).expect("well formed");
        let weights = feasible_point(&region, &JobControl::NONE).expect("just enough");
        assert!((weights[0] - 0.8).abs() < 1e-12 && (weights[1] - 0.2).abs() < 1e-12, "{weights:?}");
    }
}
