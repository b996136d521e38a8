//! Problems at the edge of what has an answer: assets without risk, one or two assets, two days, bounds that fix
//! everything or nothing, copies under groups, no turnover at all, volatilities from 1e-12 to 1e6. Each ends in weights
//! that meet the optimality conditions to 1e-10, or in an error that a linear program by another solver (clarabel's
//! interior point) confirms; one in a thousand may say that it did not converge. `FAFNIR_LONG=1` runs 100,000.
mod support;

use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettings, DefaultSolver, IPSolver, SupportedConeT};
use quant::allocate::{Objective, TargetKind, mean_variance, minimum_variance};
use quant::optimise::{Constraints, Group, Linear, PerAsset};
use quant::{JobControl, Matrix, QuantError};
use std::collections::BTreeMap;
use support::{Quadratic, normal, rows, spread, sum};
use types::rng::SplitMix64;

const RETURNS: [&str; 7] =
    ["all constant", "half constant", "two days", "copies of one", "copies and constants", "all scales", "regular"];
const BOUNDS: [&str; 6] = ["all fixed", "long only", "none", "from 0 up", "within 1e-9", "some fixed, some none"];
const ROWS: [&str; 8] = [
    "none",
    "no budget",
    "groups of copies",
    "one row thrice",
    "no turnover",
    "turnover just enough",
    "costs of all sizes",
    "out of reach",
];
const AIMS: [&str; 4] = ["minimum variance", "risk aversion", "no risk aversion", "target exactly"];

struct Problem {
    kinds: [&'static str; 4],
    quadratic: Quadratic,
    target: Option<f64>,
}

fn covariance(kind: usize, n: usize, rng: &mut SplitMix64) -> Vec<f64> {
    let t = if kind == 2 { 2 } else { n + 5 };
    let market: Vec<f64> = (0..t).map(|_| normal(rng)).collect();
    let scale = |asset: usize, rng: &mut SplitMix64| match RETURNS[kind] {
        "all constant" => 0.0,
        "half constant" if asset.is_multiple_of(2) => 0.0,
        "copies and constants" if asset.is_multiple_of(3) => 0.0,
        "all scales" => 10f64.powf(rng.unit_f64() * 18.0 - 12.0),
        _ => 0.01,
    };
    let mut columns: Vec<Vec<f64>> = Vec::new();
    for asset in 0..n {
        let scale = scale(asset, rng);
        let copied = (kind == 3 || kind == 4 && asset.is_multiple_of(2)) && asset > 0 && scale != 0.0;
        let own: Vec<f64> = market.iter().map(|m| scale * (m + normal(rng))).collect();
        columns.push(if copied && columns[asset / 2][0] != 0.0 { columns[asset / 2].clone() } else { own });
    }
    let mut values = vec![0.0; n * n];
    let mean = |column: &[f64]| column.iter().sum::<f64>() / t as f64;
    for a in 0..n {
        for b in 0..=a {
            let (x, y) = (mean(&columns[a]), mean(&columns[b]));
            let products = columns[a].iter().zip(&columns[b]).map(|(u, v)| (u - x) * (v - y));
            values[a * n + b] = products.sum::<f64>() / (t - 1) as f64;
            values[b * n + a] = values[a * n + b];
        }
    }
    values
}

fn problem(seed: u64) -> Problem {
    let mut rng = SplitMix64::new(seed ^ 0x5eed_0000_0000);
    let rng = &mut rng;
    let n = [1, 1, 2, 2, 3 + rng.below(4) as usize, 7 + rng.below(12) as usize][rng.below(6) as usize];
    let [kind, bound, row, aim] =
        [RETURNS.len(), BOUNDS.len(), ROWS.len(), AIMS.len()].map(|k| rng.below(k as u64) as usize);
    let covariance = covariance(kind, n, rng);
    let raw: Vec<f64> = (0..n).map(|_| if rng.below(4) == 0 { 0.0 } else { 0.1 + rng.unit_f64() }).collect();
    let total: f64 = raw.iter().sum();
    let inside: Vec<f64> = raw.iter().map(|raw| if total > 0.0 { raw / total } else { 1.0 / n as f64 }).collect();
    let (mut lower, mut upper) = (Vec::new(), Vec::new());
    for (asset, &weight) in inside.iter().enumerate() {
        let (none, all) = (f64::NEG_INFINITY, f64::INFINITY);
        let (low, high) = match BOUNDS[bound] {
            "all fixed" => (weight, weight),
            "long only" => (0.0, 1.0),
            "none" => (none, all),
            "from 0 up" => (0.0, all),
            "within 1e-9" => (weight - 1e-9 * rng.unit_f64(), weight + 1e-9 * rng.unit_f64()),
            _ if asset.is_multiple_of(2) => (weight, weight),
            _ => (none, all),
        };
        lower.push(low);
        upper.push(high);
    }
    let deviation = |asset: usize| covariance[asset * (n + 1)].sqrt();
    let expected: Vec<f64> = match AIMS[aim] {
        "minimum variance" => vec![0.0; n],
        _ => (0..n).map(|asset| (0.1 * deviation(asset) + 1e-4) * normal(rng)).collect(),
    };
    let mut constraints =
        Constraints { lower: PerAsset::Each(lower), upper: PerAsset::Each(upper), ..Constraints::default() };
    add_rows(ROWS[row], &inside, &covariance, &mut constraints, rng);
    let target = (AIMS[aim] == "target exactly").then(|| sum(&expected, &inside).0);
    let gamma = match AIMS[aim] {
        "risk aversion" => 10f64.powf(rng.unit_f64() * 4.0 - 2.0),
        "no risk aversion" => 0.0,
        _ => 1.0,
    };
    let kinds = [RETURNS[kind], BOUNDS[bound], ROWS[row], AIMS[aim]];
    Problem { kinds, quadratic: Quadratic { covariance, gamma, expected, constraints }, target }
}

fn add_rows(kind: &str, inside: &[f64], covariance: &[f64], constraints: &mut Constraints, rng: &mut SplitMix64) {
    let n = inside.len();
    let group = |name: &str, members: Vec<usize>, slack: f64| {
        let held: f64 = members.iter().map(|&member| inside[member]).sum();
        Group { name: name.to_string(), members, lower: held - slack, upper: held + slack }
    };
    let largest = (0..n).fold(0.0f64, |most, asset| most.max(covariance[asset * (n + 1)]));
    match kind {
        "no budget" => constraints.budget = None,
        "groups of copies" => {
            let some: Vec<usize> = (0..n).filter(|_| rng.below(2) == 0).collect();
            let slack = [0.0, 0.01][rng.below(2) as usize];
            constraints.groups =
                vec![group("a", some.clone(), slack), group("b", some, 0.0), group("all", (0..n).collect(), 0.1)];
        }
        "one row thrice" => {
            let base: Vec<f64> = (0..n).map(|_| normal(rng)).collect();
            for (name, times) in [("one", 1.0), ("large", 1e6), ("small", -1e-6)] {
                let coefficients: Vec<f64> = base.iter().map(|value| value * times).collect();
                let held = sum(&coefficients, inside).0;
                let row = Linear { name: name.to_string(), coefficients, lower: held, upper: f64::INFINITY };
                constraints.linear.push(row);
            }
        }
        "no turnover" => {
            constraints.previous = Some(inside.to_vec());
            constraints.turnover_max = Some(0.0);
        }
        "turnover just enough" => {
            let previous = vec![1.0 / n as f64; n];
            constraints.turnover_max = Some(inside.iter().zip(&previous).map(|(w, p)| (w - p).abs()).sum());
            constraints.previous = Some(previous);
        }
        "costs of all sizes" => {
            constraints.previous = Some(inside.to_vec());
            let cost = |rng: &mut SplitMix64| largest * 10f64.powf(rng.unit_f64() * 9.0 - 6.0);
            constraints.buy_cost = PerAsset::Each((0..n).map(|_| cost(rng)).collect());
            constraints.sell_cost = PerAsset::Each((0..n).map(|_| cost(rng)).collect());
        }
        "out of reach" => {
            let some: Vec<usize> = (0..n).filter(|_| rng.below(2) == 0).collect();
            let mut far = group("far", some, 0.0);
            let shift = 0.3 * normal(rng);
            (far.lower, far.upper) = (far.lower + shift, far.upper + shift);
            constraints.groups = vec![far];
        }
        _ => {}
    }
}

impl Problem {
    fn solve(&self) -> Result<(Vec<f64>, f64), QuantError> {
        let Quadratic { covariance, gamma, expected, constraints } = &self.quadratic;
        let sigma = Matrix::symmetric("covariance", covariance, expected.len())?;
        let objective = match self.target {
            Some(target) => Objective::TargetReturn { target, kind: TargetKind::Exactly },
            None if self.kinds[3] == AIMS[0] => {
                return minimum_variance(sigma, constraints, &JobControl::NONE).map(|a| (a.weights, a.residual));
            }
            None => Objective::RiskAversion { gamma: *gamma },
        };
        mean_variance(expected, sigma, objective, constraints, &JobControl::NONE).map(|a| (a.weights, a.residual))
    }

    fn judged(&self) -> Quadratic {
        let mut judged = self.quadratic.clone();
        if let Some(target) = self.target {
            let coefficients = std::mem::replace(&mut judged.expected, vec![0.0; self.quadratic.expected.len()]);
            let row = Linear { name: "target".to_string(), coefficients, lower: target, upper: target };
            judged.constraints.linear.push(row);
        }
        judged
    }
}

/// The least value of `cost` over rows `(coefficients, lower, upper)`, all variables within ±1 or free.
fn least(cost: &[f64], rows: &[(Vec<f64>, f64, f64)]) -> f64 {
    let (mut row, mut column, mut value, mut right) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (coefficients, low, high) in rows {
        for (sign, end) in [(1.0, *high), (-1.0, -low)] {
            if end.is_finite() {
                for (at, coefficient) in coefficients.iter().enumerate().filter(|(_, value)| **value != 0.0) {
                    row.push(right.len());
                    column.push(at);
                    value.push(sign * coefficient);
                }
                right.push(end);
            }
        }
    }
    let n = cost.len();
    let matrix = CscMatrix::new_from_triplets(right.len(), n, row, column, value);
    let none = CscMatrix::zeros((n, n));
    let settings = DefaultSettings { verbose: false, max_threads: 1, ..DefaultSettings::default() };
    let cones = [SupportedConeT::NonnegativeConeT(right.len())];
    let mut solver = DefaultSolver::new(&none, cost, &matrix, &right, &cones, settings).expect("well formed");
    solver.solve();
    solver.solution.obj_val
}

/// Weights, buys and sells, then `more` variables: what must hold, with infinite ends where nothing does.
fn lines(judged: &Quadratic, more: usize, ends: impl Fn(f64) -> f64) -> Vec<(Vec<f64>, f64, f64)> {
    let n = judged.expected.len();
    let (lower, upper) = (spread(&judged.constraints.lower, n), spread(&judged.constraints.upper, n));
    let unit = |at: usize, value: f64| {
        let mut line = vec![0.0; 3 * n + more];
        line[at] = value;
        line
    };
    let mut lines = Vec::new();
    for asset in 0..n {
        lines.push((unit(asset, 1.0), ends(lower[asset]), ends(upper[asset])));
        if let Some(previous) = &judged.constraints.previous {
            let mut trade = unit(asset, 1.0);
            (trade[n + asset], trade[2 * n + asset]) = (-1.0, 1.0);
            lines.push((trade, ends(previous[asset]), ends(previous[asset])));
        }
        [n + asset, 2 * n + asset].iter().for_each(|&at| lines.push((unit(at, 1.0), 0.0, f64::INFINITY)));
    }
    for (coefficients, low, high) in rows(&judged.constraints, n) {
        let mut line = vec![0.0; 3 * n + more];
        line[..n].copy_from_slice(&coefficients);
        let largest = coefficients.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
        let largest = if largest > 0.0 { largest } else { 1.0 };
        line.iter_mut().for_each(|value| *value /= largest);
        lines.push((line, ends(low / largest), ends(high / largest)));
    }
    if let Some(most) = judged.constraints.turnover_max {
        let mut line = vec![0.0; 3 * n + more];
        line[n..3 * n].fill(1.0);
        lines.push((line, f64::NEG_INFINITY, ends(most)));
    }
    lines
}

/// By how much all constraints must give for a portfolio to meet them.
fn gap(judged: &Quadratic) -> f64 {
    let last = 3 * judged.expected.len();
    let mut relaxed = Vec::new();
    for (line, low, high) in lines(judged, 1, |end| end) {
        for (mut line, low, high, give) in
            [(line.clone(), low, f64::INFINITY, 1.0), (line, f64::NEG_INFINITY, high, -1.0)]
        {
            line[last] = give;
            relaxed.push((line, low, high));
        }
    }
    let mut cost = vec![0.0; last + 1];
    cost[last] = 1.0;
    let mut give = vec![0.0; last + 1];
    give[last] = 1.0;
    relaxed.push((give, 0.0, f64::INFINITY));
    least(&cost, &relaxed)
}

/// How fast the objective falls along the best direction without risk and without end, of size at most 1.
fn fall(judged: &Quadratic) -> f64 {
    let n = judged.expected.len();
    // A direction may do what finite ends leave: where there is an end, 0.
    let mut lines = lines(judged, 0, |end| if end.is_finite() { 0.0 } else { end });
    let largest = (0..n).fold(0.0f64, |most, asset| most.max(judged.covariance[asset * (n + 1)]));
    for asset in 0..n {
        let mut line = vec![0.0; 3 * n];
        let column = judged.covariance[asset * n..(asset + 1) * n].iter();
        let size = if largest > 0.0 { judged.gamma / largest } else { 0.0 };
        line.iter_mut().zip(column).for_each(|(entry, value)| *entry = size * value);
        lines.push((line, -1e-10, 1e-10));
        let mut unit = vec![0.0; 3 * n];
        unit[asset] = 1.0;
        lines.push((unit, -1.0, 1.0));
    }
    let size = judged.expected.iter().fold(f64::MIN_POSITIVE, |most: f64, value| most.max(value.abs()));
    let mut cost: Vec<f64> = judged.expected.iter().map(|value| -value / size).collect();
    let costs = [&judged.constraints.buy_cost, &judged.constraints.sell_cost];
    costs.iter().for_each(|side| cost.extend(spread(side, n).iter().map(|value| value / size)));
    -least(&cost, &lines)
}

/// Whether a purchase or sale of one asset, or an exchange of two, goes on without bound and pays: what `fall`
/// cannot see where returns differ by orders of magnitude.
fn ray(judged: &Quadratic) -> bool {
    let n = judged.expected.len();
    if judged.constraints.turnover_max.is_some() {
        return false;
    }
    let ends = [spread(&judged.constraints.lower, n), spread(&judged.constraints.upper, n)];
    let costs = [spread(&judged.constraints.sell_cost, n), spread(&judged.constraints.buy_cost, n)];
    let pays = |direction: &[(usize, f64)]| {
        let open = direction.iter().all(|&(asset, sign)| ends[usize::from(sign > 0.0)][asset].is_infinite());
        let held = rows(&judged.constraints, n).iter().all(|(coefficients, low, high)| {
            let speed: f64 = direction.iter().map(|&(asset, sign)| sign * coefficients[asset]).sum();
            (speed >= 0.0 || low.is_infinite()) && (speed <= 0.0 || high.is_infinite())
        });
        let products = direction.iter().flat_map(|a| direction.iter().map(move |b| (a, b)));
        let risk: f64 = products.map(|(a, b)| a.1 * b.1 * judged.covariance[a.0 * n + b.0]).sum();
        let gain =
            |&(asset, sign): &(usize, f64)| sign * judged.expected[asset] - costs[usize::from(sign > 0.0)][asset];
        // It pays up to gain / (gamma × risk) weights: a portfolio of 1e8 times the money has no bound.
        let gain: f64 = direction.iter().map(gain).sum();
        open && held && gain > 0.0 && judged.gamma * risk * 1e8 <= gain
    };
    let signed = |asset: usize| [(asset, 1.0), (asset, -1.0)];
    (0..n).flat_map(signed).any(|a| pays(&[a]) || (0..n).flat_map(signed).any(|b| a.0 != b.0 && pays(&[a, b])))
}

#[test]
fn every_extreme_problem_has_an_answer_or_a_true_reason() {
    let count = if std::env::var_os("FAFNIR_LONG").is_some() { 100_000 } else { 2_000 };
    let (mut worst, mut failures) = (0.0f64, Vec::new());
    let mut ends: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 0..count {
        let problem = problem(seed);
        let judged = problem.judged();
        let mut fail = |what: String| failures.push(format!("seed {seed} {:?}: {what}", problem.kinds));
        let end = match problem.solve() {
            Ok((weights, residual)) => {
                let n = weights.len();
                let (lower, upper) = (spread(&judged.constraints.lower, n), spread(&judged.constraints.upper, n));
                let within = (0..n).all(|asset| weights[asset] >= lower[asset] && weights[asset] <= upper[asset]);
                let (violation, left) = (judged.violation(&weights), judged.residual(&weights));
                let (total, size) = sum(&vec![1.0; n], &weights);
                let off = judged.constraints.budget.map_or(0.0, |budget| (total - budget).abs() / size.max(1.0));
                // Rows are held to 1e-12 of terms and ends, which is twice the budget. Not `>`: NaN fails.
                if !(within && violation <= 2e-12 && off <= 2e-12 && left <= 1e-10 && residual <= 1e-10) {
                    let said = format!("inside {within}, rows {violation:.1e}, sum {off:.1e}, left {left:.1e}");
                    fail(format!("N {n}, {said}, says {residual:.1e}"));
                }
                worst = worst.max(left);
                "solved"
            }
            Err(QuantError::Infeasible { constraints }) => {
                let gap = gap(&judged);
                // A row whose coefficients differ by 18 orders holds to its rounding only.
                let rounding = if problem.kinds[0] == "all scales" { 1e-11 } else { 1e-9 };
                if gap.is_nan() || gap <= rounding || constraints.is_empty() {
                    fail(format!("said to be infeasible ({constraints:?}), constraints give {gap:.1e}"));
                }
                "infeasible"
            }
            Err(QuantError::Unbounded { .. }) => {
                let fall = fall(&judged);
                if (fall.is_nan() || fall <= 1e-7) && !ray(&judged) {
                    fail(format!("said to be unbounded, falls by {fall:.1e}"));
                }
                "unbounded"
            }
            // Told, never a wrong answer; the count is bounded below.
            Err(QuantError::NotConverged { .. }) => "not converged",
            Err(error) => {
                fail(error.to_string());
                "failed"
            }
        };
        *ends.entry(end).or_default() += 1;
    }
    let unsolved = ends.get("not converged").copied().unwrap_or(0);
    println!("{ends:?}, largest residual {worst:.1e}");
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
    // Short positions without end in volatilities that differ by 18 orders of magnitude, nearly all of them.
    assert!(unsolved * 1_000 <= count as usize, "{unsolved} not converged");
    assert!(ends["solved"] * 2 > count as usize && ends["infeasible"] > 0 && ends["unbounded"] > 0, "{ends:?}");
}
