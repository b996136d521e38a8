//! Random problems: singular, more assets than days, duplicate columns, mixed scales, tight bounds, groups, linear
//! rows, turnover and costs, targets. On each one weights sum to 1 within 1e-12, respect their bounds exactly, and meet
//! the optimality conditions to 1e-10 by a routine that shares nothing with the solver; order of assets and unit of the
//! covariance do not matter. `FAFNIR_LONG=1` runs 10,000.
mod support;

use quant::allocate::{Objective, mean_variance, minimum_variance};
use quant::optimise::{Constraints, Group, Linear, PerAsset};
use quant::{JobControl, Matrix, QuantError};
use std::collections::BTreeMap;
use support::{Quadratic, normal, spread, sum};
use types::rng::SplitMix64;

const RETURNS: [&str; 8] = [
    "regular",
    "more assets than days",
    "duplicate columns",
    "mixed scales",
    "a constant column",
    "one factor only",
    "nearly the same columns",
    "all scales and a duplicate",
];
const BOUNDS: [&str; 6] =
    ["long only", "within 10 % of 1/N", "-0.5 to 0.6", "at most 1.5/N", "some weights fixed", "different each"];
const ROWS: [&str; 8] =
    ["none", "none", "groups", "linear rows", "turnover", "costs", "turnover, costs, groups", "all"];
const AIMS: [&str; 3] = ["minimum variance", "risk aversion", "target return"];

struct Problem {
    kinds: [&'static str; 4],
    quadratic: Quadratic,
    /// A target return, held as a linear row of `quadratic` too, for the judge.
    target: Option<f64>,
}

fn columns(kind: usize, n: usize, t: usize, rng: &mut SplitMix64) -> Vec<Vec<f64>> {
    let market: Vec<f64> = (0..t).map(|_| normal(rng)).collect();
    let own_share = if kind == 5 { 0.0 } else { 1.0 };
    let mut columns: Vec<Vec<f64>> = (0..n)
        .map(|_| {
            let (beta, own) = (rng.unit_f64() * 1.5, own_share * (0.3 + rng.unit_f64()));
            let scale = if kind == 3 || kind == 7 { 10f64.powf(rng.unit_f64() * 4.0 - 2.0) } else { 1.0 };
            market.iter().map(|m| 0.01 * scale * (beta * m + own * normal(rng))).collect()
        })
        .collect();
    if kind == 2 || kind == 6 || kind == 7 {
        for _ in 0..1 + n / 3 {
            let (from, to) = (rng.below(n as u64) as usize, rng.below(n as u64) as usize);
            columns[to] = columns[from].clone();
            if kind == 6 {
                columns[to].iter_mut().for_each(|value| *value += 1e-7 * normal(rng));
            }
        }
    }
    if kind == 4 {
        columns[0].fill(0.0);
    }
    columns
}

fn covariance(columns: &[Vec<f64>]) -> Vec<f64> {
    let (n, t) = (columns.len(), columns[0].len());
    let mean = |column: &[f64]| column.iter().sum::<f64>() / t as f64;
    let mut covariance = vec![0.0; n * n];
    for a in 0..n {
        for b in 0..=a {
            let (x, y) = (mean(&columns[a]), mean(&columns[b]));
            let sum: f64 = columns[a].iter().zip(&columns[b]).map(|(u, v)| (u - x) * (v - y)).sum();
            covariance[a * n + b] = sum / (t - 1) as f64;
            covariance[b * n + a] = covariance[a * n + b];
        }
    }
    covariance
}

/// Bounds, and weights of sum 1 between them.
fn bounds(kind: usize, n: usize, rng: &mut SplitMix64) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let share = 1.0 / n as f64;
    let (low, high) =
        [(0.0, 1.0), (0.9 * share, 1.1 * share), (-0.5, 0.6), (0.0, (1.5 * share).min(1.0)), (0.0, 1.0), (0.0, 0.0)]
            [kind];
    let (mut lower, mut upper) = (vec![low; n], vec![high; n]);
    if kind == 5 {
        for asset in 0..n {
            lower[asset] = share - 0.3 * rng.unit_f64();
            upper[asset] = share + 0.3 * rng.unit_f64();
        }
    }
    let mut inside: Vec<f64> = (0..n).map(|asset| lower[asset].max(-0.2)).collect();
    for _ in 0..40 {
        let missing = 1.0 - inside.iter().sum::<f64>();
        let asset = rng.below(n as u64) as usize;
        inside[asset] = (inside[asset] + missing * rng.unit_f64()).clamp(lower[asset], upper[asset]);
    }
    for asset in 0..n {
        let missing = 1.0 - inside.iter().sum::<f64>();
        inside[asset] = (inside[asset] + missing).clamp(lower[asset], upper[asset]);
    }
    if kind == 4 {
        for asset in 0..n / 3 {
            (lower[asset], upper[asset]) = (inside[asset], inside[asset]);
        }
    }
    (lower, upper, inside)
}

fn groups(n: usize, inside: &[f64], rng: &mut SplitMix64) -> Vec<Group> {
    let some = |at: u64, rng: &mut SplitMix64| {
        let members: Vec<usize> = (0..n).filter(|_| rng.below(3) == 0).collect();
        let held: f64 = members.iter().map(|&member| inside[member]).sum();
        // Now and then an end that the known portfolio sits on, or both.
        let slack = |rng: &mut SplitMix64| if rng.below(4) == 0 { 0.0 } else { 0.2 * rng.unit_f64() };
        let (lower, upper) = (held - slack(rng), held + slack(rng));
        Group { name: format!("g{at}"), members, lower, upper }
    };
    (0..1 + rng.below(3)).map(|at| some(at, rng)).collect()
}

fn linear(n: usize, inside: &[f64], rng: &mut SplitMix64) -> Vec<Linear> {
    let some = |at: u64, rng: &mut SplitMix64| {
        let coefficients: Vec<f64> = (0..n).map(|_| normal(rng)).collect();
        let held = sum(&coefficients, inside).0;
        let upper = if rng.below(3) == 0 { f64::INFINITY } else { held + 0.1 * rng.unit_f64() };
        Linear { name: format!("l{at}"), coefficients, lower: held - 0.1 * rng.unit_f64(), upper }
    };
    (0..1 + rng.below(2)).map(|at| some(at, rng)).collect()
}

fn problem(seed: u64) -> Problem {
    let mut rng = SplitMix64::new(seed);
    let rng = &mut rng;
    let n = 2 + rng.below(24) as usize;
    let [kind, bound, row, aim] =
        [RETURNS.len(), BOUNDS.len(), ROWS.len(), AIMS.len()].map(|k| rng.below(k as u64) as usize);
    let t = if kind == 1 { 2 + rng.below(n as u64) as usize } else { 2 * n + 10 };
    let columns = columns(kind, n, t, rng);
    let (lower, upper, inside) = bounds(bound, n, rng);
    let covariance = covariance(&columns);
    let largest = (0..n).fold(0.0f64, |most, asset| most.max(covariance[asset * (n + 1)]));
    let expected: Vec<f64> = match aim {
        0 => vec![0.0; n],
        _ => (0..n).map(|asset| 0.1 * covariance[asset * (n + 1)].sqrt() * normal(rng)).collect(),
    };
    let mut constraints =
        Constraints { lower: PerAsset::Each(lower), upper: PerAsset::Each(upper), ..Constraints::default() };
    if [2, 6, 7].contains(&row) {
        constraints.groups = groups(n, &inside, rng);
    }
    if [3, 7].contains(&row) {
        constraints.linear = linear(n, &inside, rng);
    }
    if row >= 4 {
        let raw: Vec<f64> = (0..n).map(|_| rng.unit_f64()).collect();
        let total: f64 = raw.iter().sum();
        let previous: Vec<f64> = raw.iter().map(|value| value / total).collect();
        let needed: f64 = inside.iter().zip(&previous).map(|(w, p)| (w - p).abs()).sum();
        let slack = if rng.below(4) == 0 { 1e-3 } else { rng.unit_f64() };
        if row != 5 {
            constraints.turnover_max = Some(needed * (1.0 + slack) + 1e-9);
        }
        if row != 4 {
            constraints.buy_cost = PerAsset::Each((0..n).map(|_| 0.3 * largest * rng.unit_f64()).collect());
            constraints.sell_cost = PerAsset::All(0.1 * largest);
        }
        constraints.previous = Some(previous);
    }
    let target = (aim == 2).then(|| sum(&expected, &inside).0);
    let kinds = [RETURNS[kind], BOUNDS[bound], ROWS[row], AIMS[aim]];
    let gamma = if aim == 1 { 0.5 + 3.0 * rng.unit_f64() } else { 1.0 };
    Problem { kinds, quadratic: Quadratic { covariance, gamma, expected, constraints }, target }
}

impl Problem {
    /// The weights, with the covariance and what is weighed against it times `factor`.
    fn solve(&self, factor: f64) -> Result<Vec<f64>, QuantError> {
        let Quadratic { covariance, gamma, expected, constraints } = &self.quadratic;
        let n = expected.len();
        let times = |values: &[f64]| values.iter().map(|value| value * factor).collect::<Vec<f64>>();
        let values = times(covariance);
        let sigma = Matrix::symmetric("covariance", &values, n)?;
        let buy_cost = PerAsset::Each(times(&spread(&constraints.buy_cost, n)));
        let sell_cost = PerAsset::Each(times(&spread(&constraints.sell_cost, n)));
        let constraints = Constraints { buy_cost, sell_cost, ..constraints.clone() };
        let objective = match self.target {
            Some(target) => Objective::TargetReturn { target, kind: Default::default() },
            None if self.kinds[3] == AIMS[0] => {
                return Ok(minimum_variance(sigma, &constraints, &JobControl::NONE)?.weights);
            }
            None => Objective::RiskAversion { gamma: *gamma },
        };
        let expected = if self.target.is_some() { expected.clone() } else { times(expected) };
        Ok(mean_variance(&expected, sigma, objective, &constraints, &JobControl::NONE)?.weights)
    }

    /// What a judge that knows only the objective and rows sees.
    fn judged(&self) -> Quadratic {
        let mut judged = self.quadratic.clone();
        if let Some(target) = self.target {
            let coefficients = std::mem::replace(&mut judged.expected, vec![0.0; self.quadratic.expected.len()]);
            let row = Linear { name: "target".to_string(), coefficients, lower: target, upper: f64::INFINITY };
            judged.constraints.linear.push(row);
        }
        judged
    }

    /// The same assets in another order: `place` of each.
    fn turned(&self, place: &[usize]) -> Problem {
        let n = place.len();
        let moved = |values: &[f64]| {
            let mut to = vec![0.0; n];
            place.iter().zip(values).for_each(|(&at, value)| to[at] = *value);
            to
        };
        let Quadratic { covariance, gamma, expected, constraints } = &self.quadratic;
        let each = |values: &PerAsset| PerAsset::Each(moved(&spread(values, n)));
        let mut mixed = vec![0.0; n * n];
        for (a, &to) in place.iter().enumerate() {
            mixed[to * n..(to + 1) * n].copy_from_slice(&moved(&covariance[a * n..(a + 1) * n]));
        }
        let mut turned = constraints.clone();
        turned.groups.iter_mut().flat_map(|group| &mut group.members).for_each(|member| *member = place[*member]);
        turned.linear.iter_mut().for_each(|row| row.coefficients = moved(&row.coefficients));
        turned.previous = constraints.previous.as_ref().map(|previous| moved(previous));
        turned.lower = each(&constraints.lower);
        turned.upper = each(&constraints.upper);
        turned.buy_cost = each(&constraints.buy_cost);
        turned.sell_cost = each(&constraints.sell_cost);
        let expected = moved(expected);
        let quadratic = Quadratic { covariance: mixed, gamma: *gamma, expected, constraints: turned };
        Problem { kinds: self.kinds, quadratic, target: self.target }
    }
}

fn count(short: u64) -> u64 {
    if std::env::var_os("FAFNIR_LONG").is_some() { 10_000 } else { short }
}

#[test]
fn every_problem_is_solved_to_its_optimum() {
    let mut mix: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut worst, mut off, mut failures) = (0.0f64, 0.0f64, Vec::new());
    for seed in 0..count(1_500) {
        let problem = problem(seed);
        problem.kinds.iter().for_each(|kind| *mix.entry(kind).or_default() += 1);
        let judged = problem.judged();
        let weights = match problem.solve(1.0) {
            Ok(weights) => weights,
            Err(error) => {
                failures.push(format!("seed {seed} {:?}: {error}", problem.kinds));
                continue;
            }
        };
        let n = weights.len();
        let (total, violation) = (weights.iter().sum::<f64>(), judged.violation(&weights));
        let (lower, upper) = (spread(&judged.constraints.lower, n), spread(&judged.constraints.upper, n));
        let within = (0..n).all(|asset| weights[asset] >= lower[asset] && weights[asset] <= upper[asset]);
        let left = judged.residual(&weights);
        if (total - 1.0).abs() > 1e-12 || !within || violation > 1e-12 || left > 1e-10 {
            failures.push(format!(
                "seed {seed} {:?}, N {n}: sum off {:.1e}, inside {within}, rows {violation:.1e}, left {left:.1e}",
                problem.kinds,
                total - 1.0
            ));
        }
        (worst, off) = (worst.max(left), off.max((total - 1.0).abs()));
    }
    mix.iter().for_each(|(kind, count)| println!("{count:>6} {kind}"));
    println!("largest residual {worst:.1e}, largest error of a sum {off:.1e}");
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn neither_order_nor_unit_matters() {
    let (mut worst, mut failures) = (0.0f64, Vec::new());
    for seed in 0..count(400) {
        let problem = problem(seed);
        let weights = match problem.solve(1.0) {
            Ok(weights) => weights,
            Err(error) => {
                failures.push(format!("seed {seed} {:?}: {error}", problem.kinds));
                continue;
            }
        };
        let n = weights.len();
        let mut compare = |other: Result<Vec<f64>, QuantError>, what: &str| match other {
            // Of many optima the tie-break names one, so weights agree and not the objective alone.
            Ok(other) => {
                let gap = weights.iter().zip(&other).fold(0.0f64, |most, (a, b)| most.max((a - b).abs()));
                worst = worst.max(gap);
                if gap > 1e-8 {
                    failures.push(format!(
                        "seed {seed} {:?}, {n} assets: {what} moves weights by {gap:.1e}",
                        problem.kinds
                    ));
                }
            }
            Err(error) => failures.push(format!("seed {seed} {:?}: {what}: {error}", problem.kinds)),
        };
        compare(problem.solve(1e-6), "a unit of 1e-6");
        compare(problem.solve(1e6), "a unit of 1e6");
        let place: Vec<usize> = (0..n).map(|asset| (asset * (n - 1) + 1) % n).collect(); // no common divisor
        let other = problem.turned(&place).solve(1.0);
        compare(other.map(|other| place.iter().map(|&at| other[at]).collect()), "another order");
    }
    println!("largest move of a weight {worst:.1e}");
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn duplicates_share_and_groups_hold() {
    // Two assets that are one: equal weights by the tie-break; a group holds its bound.
    let values = [0.04, 0.04, 0.01, 0.04, 0.04, 0.01, 0.01, 0.01, 0.09];
    let sigma = Matrix::symmetric("covariance", &values, 3).expect("symmetric");
    let weights = minimum_variance(sigma, &Constraints::default(), &JobControl::NONE).expect("solved").weights;
    assert!((weights[0] - weights[1]).abs() < 1e-12, "{weights:?}");
    // w of the pair: minimise 0.04 w² + 0.02 w (1 − w) + 0.09 (1 − w)², w = 0.08 / 0.11.
    assert!((weights[0] + weights[1] - 8.0 / 11.0).abs() < 1e-12, "{weights:?}");
    let pair = Group { name: "pair".to_string(), members: vec![0, 1], lower: 0.0, upper: 0.5 };
    let held = Constraints { groups: vec![pair], ..Constraints::default() };
    let weights = minimum_variance(sigma, &held, &JobControl::NONE).expect("solved").weights;
    assert!((weights[2] - 0.5).abs() < 1e-12 && (weights[0] - 0.25).abs() < 1e-12, "{weights:?}");
}
