//! Constraints and costs against closed forms and plain searches; conflicts by name; bad input; cancellation. One
//! dimension is enough to be certain: two assets that sum to 1 leave one number, which a search finds.
mod support;

use quant::allocate::*;
use quant::optimise::{Constraints, Group, Linear, PerAsset};
use quant::{JobControl, Matrix, QuantError};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use support::{Quadratic, normal};
use types::rng::SplitMix64;

const NONE: &JobControl<'static> = &JobControl::NONE;

fn diagonal(variances: &[f64]) -> Vec<f64> {
    let n = variances.len();
    (0..n * n).map(|cell| if cell % (n + 1) == 0 { variances[cell / (n + 1)] } else { 0.0 }).collect()
}

fn near(ours: &[f64], expected: &[f64]) {
    let off = ours.iter().zip(expected).fold(0.0f64, |most, (a, b)| most.max((a - b).abs()));
    assert!(ours.len() == expected.len() && off < 1e-12, "{ours:?} {expected:?}");
}

fn group(name: &str, members: &[usize], lower: f64, upper: f64) -> Group {
    Group { name: name.to_string(), members: members.to_vec(), lower, upper }
}

fn row(name: &str, coefficients: &[f64], lower: f64, upper: f64) -> Linear {
    Linear { name: name.to_string(), coefficients: coefficients.to_vec(), lower, upper }
}

#[test]
fn turnover_and_costs_stop_where_algebra_says() {
    let values = diagonal(&[0.01, 0.04]);
    let sigma = Matrix::symmetric("covariance", &values, 2).expect("symmetric");
    let least = |constraints: &Constraints| minimum_variance(sigma, constraints, NONE).expect("solved").weights;
    near(&least(&Constraints::default()), &[0.8, 0.2]);
    let held = Constraints { previous: Some(vec![0.3, 0.7]), ..Constraints::default() };
    // Buys and sells are half of the turnover each.
    near(&least(&Constraints { turnover_max: Some(0.4), ..held.clone() }), &[0.5, 0.5]);
    near(&least(&Constraints { turnover_max: Some(0.0), ..held.clone() }), &[0.3, 0.7]);
    near(&least(&Constraints { turnover_max: Some(2.0), ..held.clone() }), &[0.8, 0.2]);
    // 0.01 w + buy = 0.04 (1 − w) − sell: w = (0.04 − buy − sell) / 0.05.
    let costly = |buy: f64, sell: f64| Constraints {
        buy_cost: PerAsset::All(buy),
        sell_cost: PerAsset::Each(vec![1.0, sell]),
        ..held.clone()
    };
    near(&least(&costly(0.004, 0.006)), &[0.6, 0.4]);
    // A trade that saves less than it costs is not made: 0.04 × 0.7 − 0.01 × 0.3 = 0.025.
    near(&least(&costly(0.02, 0.005)), &[0.3, 0.7]);
    near(&least(&costly(0.02, 0.004)), &[0.32, 0.68]);
}

#[test]
fn rows_and_targets_hold_where_algebra_says() {
    let values = diagonal(&[1.0, 1.0, 1.0]);
    let sigma = Matrix::symmetric("covariance", &values, 3).expect("symmetric");
    // w = 1/3 − m (c − 1) with cᵀw = 1 − 2 m = 0.5.
    let beta =
        Constraints { linear: vec![row("beta", &[0.0, 1.0, 2.0], f64::NEG_INFINITY, 0.5)], ..Constraints::default() };
    let weights = minimum_variance(sigma, &beta, NONE).expect("solved").weights;
    near(&weights, &[7.0 / 12.0, 1.0 / 3.0, 1.0 / 12.0]);
    let judge = Quadratic { covariance: values.clone(), gamma: 1.0, expected: vec![0.0; 3], constraints: beta };
    assert!(judge.residual(&weights) < 1e-12 && judge.violation(&weights) < 1e-12);
    // The judge sees a portfolio that is not optimal.
    assert!(judge.residual(&[0.6, 0.3, 0.1]) > 1e-3);

    let values = diagonal(&[1.0, 4.0]);
    let sigma = Matrix::symmetric("covariance", &values, 2).expect("symmetric");
    let of = |expected: &[f64], objective: Objective| {
        mean_variance(expected, sigma, objective, &Constraints::default(), NONE).expect("solved").weights
    };
    let target = |target: f64, kind: TargetKind| of(&[0.1, 0.2], Objective::TargetReturn { target, kind });
    near(&target(0.18, TargetKind::AtLeast), &[0.2, 0.8]);
    near(&target(0.11, TargetKind::AtLeast), &[0.8, 0.2]);
    near(&target(0.11, TargetKind::Exactly), &[0.9, 0.1]);
    // (1 − w)² + 4 w² = 1 at w = 0.4; that is the most of the second asset with a volatility of 1.
    near(&of(&[0.0, 1.0], Objective::TargetVolatility { target: 1.0 }), &[0.6, 0.4]);
    // γ (5 w − 1) = 1.
    near(&of(&[0.0, 1.0], Objective::RiskAversion { gamma: 0.5 }), &[0.4, 0.6]);
}

/// CVaR by its definition: the mean of the worst (1 − β) T losses, the last of them in part.
fn shortfall(returns: &[Vec<f64>], weights: &[f64], beta: f64) -> f64 {
    let t = returns[0].len();
    let mut losses: Vec<f64> =
        (0..t).map(|day| -returns.iter().zip(weights).map(|(column, w)| w * column[day]).sum::<f64>()).collect();
    losses.sort_by(|a, b| b.total_cmp(a));
    let tail = (1.0 - beta) * t as f64;
    losses.iter().enumerate().map(|(at, loss)| loss * (tail - at as f64).clamp(0.0, 1.0)).sum::<f64>() / tail
}

#[test]
fn least_shortfall_under_constraints_is_what_a_search_finds() {
    for seed in 0..60u64 {
        let mut rng = SplitMix64::new(seed);
        let t = 20 + rng.below(100) as usize;
        let columns: Vec<Vec<f64>> = (0..2)
            .map(|asset| (0..t).map(|_| 0.001 + 0.01 * (1 + asset) as f64 * normal(&mut rng)).collect())
            .collect();
        let beta = 0.5 + 0.45 * rng.unit_f64();
        let previous = rng.unit_f64();
        let (mut low, mut high, mut cost) = (0.0f64, 1.0f64, [0.0; 2]);
        let mut constraints = Constraints { previous: Some(vec![previous, 1.0 - previous]), ..Constraints::default() };
        let mut target = None;
        match seed % 5 {
            0 => {
                constraints.upper = PerAsset::Each(vec![0.6, 0.7]);
                (low, high) = (0.3, 0.6);
            }
            1 => {
                constraints.turnover_max = Some(0.3);
                (low, high) = ((previous - 0.15).max(0.0), (previous + 0.15).min(1.0));
            }
            2 => {
                cost = [0.002, 0.003];
                (constraints.buy_cost, constraints.sell_cost) = (PerAsset::All(cost[0]), PerAsset::All(cost[1]));
            }
            3 => {
                constraints.groups = vec![group("first", &[0], 0.2, 0.5)];
                constraints.linear = vec![row("tilt", &[1.0, -1.0], -0.4, f64::INFINITY)];
                (low, high) = (0.3, 0.5);
            }
            _ => {
                target = Some((vec![0.1, 0.2], 0.16));
                high = 0.4;
            }
        }
        let worth = |w: f64| {
            let trade = (w - previous).abs() * (cost[0] + cost[1]);
            shortfall(&columns, &[w, 1.0 - w], beta) + trade
        };
        // Convex: a search by thirds.
        let (mut a, mut b) = (low, high);
        for _ in 0..200 {
            let (x, y) = (a + (b - a) / 3.0, b - (b - a) / 3.0);
            if worth(x) < worth(y) { b = y } else { a = x }
        }
        let least = worth(0.5 * (a + b)).min(worth(low)).min(worth(high));
        let values = columns.concat();
        let returns = Matrix::new("returns", &values, t, 2).expect("returns");
        let found = minimum_cvar(returns, &CvarOptions { beta, target }, &constraints, NONE).expect("solved");
        let [w, rest] = found.weights[..] else { panic!("two weights") };
        assert!((w + rest - 1.0).abs() < 1e-12 && w >= low - 1e-12 && w <= high + 1e-12, "seed {seed}: {w}");
        assert!((worth(w) - least).abs() < 1e-9, "seed {seed}: {w} costs {}, the search finds {least}", worth(w));
        assert!((found.cvar - shortfall(&columns, &found.weights, beta)).abs() < 1e-12, "seed {seed}");
    }
}

/// Returns, means and target in any unit: the weights are the same, and they earn the target.
#[test]
fn cvar_with_a_target_does_not_depend_on_the_unit() {
    for seed in 0..20 {
        let mut rng = SplitMix64::new(seed);
        let (t, n) = (120, 6);
        let values: Vec<f64> = (0..t * n).map(|at| 1e-4 * (at / t) as f64 + 0.01 * normal(&mut rng)).collect();
        let means: Vec<f64> = values.chunks(t).map(|column| column.iter().sum::<f64>() / t as f64).collect();
        let mut ranked = means.clone();
        ranked.sort_by(f64::total_cmp);
        let at = |unit: f64| {
            let scaled: Vec<f64> = values.iter().map(|value| unit * value).collect();
            let returns = Matrix::new("returns", &scaled, t, n).expect("returns");
            let target = Some((means.iter().map(|mean| unit * mean).collect(), unit * ranked[n - 2]));
            minimum_cvar(returns, &CvarOptions { beta: 0.9, target }, &Constraints::default(), NONE).expect("solved")
        };
        let base = at(1.0);
        for unit in [1e-8, 1e-6, 1e-3, 1e3, 1e6] {
            let found = at(unit);
            let off = base.weights.iter().zip(&found.weights).fold(0.0f64, |most, (a, b)| most.max((a - b).abs()));
            assert!(off < 1e-9, "seed {seed}, unit {unit}: {off}");
            assert!((found.cvar / unit / base.cvar - 1.0).abs() < 1e-12, "seed {seed}, unit {unit}");
        }
    }
}

fn names<T: std::fmt::Debug>(result: Result<T, QuantError>) -> Vec<String> {
    match result {
        Err(QuantError::Infeasible { mut constraints }) => {
            constraints.sort();
            constraints
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn conflicts_are_named_whatever_the_allocator() {
    let values = diagonal(&[0.01, 0.02, 0.03, 0.04]);
    let sigma = Matrix::symmetric("covariance", &values, 4).expect("symmetric");
    let expected = [0.01, 0.02, 0.03, 0.04];
    let columns: Vec<f64> = (0..40).map(|cell| f64::from(cell % 7) * 0.01 - 0.03).collect();
    let returns = Matrix::new("returns", &columns, 10, 4).expect("returns");
    let assets: Vec<String> = ["A", "B", "C", "D"].map(str::to_string).to_vec();
    let base = Constraints { assets, ..Constraints::default() };
    let none = f64::NEG_INFINITY;
    let uppers = ["budget", "upper bound of A", "upper bound of B", "upper bound of C", "upper bound of D"];
    let cases: [(Constraints, &[&str]); 8] = [
        (Constraints { upper: PerAsset::All(0.2), ..base.clone() }, &uppers),
        (
            Constraints {
                lower: PerAsset::Each(vec![0.0, 0.5, 0.0, 0.0]),
                upper: PerAsset::Each(vec![1.0, 0.4, 1.0, 1.0]),
                ..base.clone()
            },
            &["lower bound of B", "upper bound of B"],
        ),
        (
            Constraints {
                groups: vec![group("tech", &[0, 1], 0.7, 1.0), group("all", &[0, 1, 2], 0.0, 0.6)],
                ..base.clone()
            },
            &["group all", "group tech", "lower bound of C"],
        ),
        (Constraints { groups: vec![group("odd", &[0], 0.5, 0.4)], ..base.clone() }, &["group odd"]),
        (
            Constraints { linear: vec![row("beta", &[2.0, 2.0, 2.0, 2.0], none, 1.5)], ..base.clone() },
            &["budget", "linear beta"],
        ),
        (
            Constraints {
                linear: vec![row("income", &[0.0, 0.0, 1.0, 0.0], 0.3, f64::INFINITY)],
                groups: vec![group("late", &[2, 3], 0.0, 0.2)],
                ..base.clone()
            },
            &["group late", "linear income", "lower bound of D"],
        ),
        (
            Constraints {
                lower: PerAsset::Each(vec![0.8, 0.0, 0.0, 0.0]),
                previous: Some(vec![0.1, 0.3, 0.3, 0.3]),
                turnover_max: Some(0.5),
                ..base.clone()
            },
            &["lower bound of A", "turnover"],
        ),
        (Constraints { linear: vec![row("nothing", &[0.0; 4], 1.0, 2.0)], ..base.clone() }, &["linear nothing"]),
    ];
    for (constraints, conflict) in &cases {
        assert_eq!(names(minimum_variance(sigma, constraints, NONE)), *conflict, "minimum variance");
        let averse = Objective::RiskAversion { gamma: 2.0 };
        assert_eq!(names(mean_variance(&expected, sigma, averse, constraints, NONE)), *conflict, "risk aversion");
        assert_eq!(names(maximum_sharpe(&expected, sigma, 0.0, constraints, NONE)), *conflict, "Sharpe");
        assert_eq!(names(maximum_diversification(sigma, constraints, NONE)), *conflict, "diversification");
        assert_eq!(names(minimum_cvar(returns, &CvarOptions::default(), constraints, NONE)), *conflict, "CVaR");
        let kelly = KellyOptions { constraints: Some(constraints.clone()), ..KellyOptions::default() };
        assert_eq!(names(kelly_weights(&expected, sigma, &kelly, NONE)), *conflict, "Kelly");
    }
}

#[test]
fn targets_that_no_portfolio_reaches_are_named() {
    let values = diagonal(&[0.01, 0.02, 0.03, 0.04]);
    let sigma = Matrix::symmetric("covariance", &values, 4).expect("symmetric");
    let expected = [0.01, 0.02, 0.03, 0.04];
    let columns: Vec<f64> = (0..40).map(|cell| f64::from(cell % 7) * 0.01 - 0.03).collect();
    let returns = Matrix::new("returns", &columns, 10, 4).expect("returns");
    let base = Constraints { assets: ["A", "B", "C", "D"].map(str::to_string).to_vec(), ..Constraints::default() };
    let high = Objective::TargetReturn { target: 0.05, kind: TargetKind::AtLeast };
    let conflict =
        ["budget", "lower bound of A", "lower bound of B", "lower bound of C", "lower bound of D", "target return"];
    let found = names(mean_variance(&expected, sigma, high, &base, NONE));
    assert!(found.contains(&conflict[0].to_string()) && found.contains(&conflict[5].to_string()), "{found:?}");
    let options = CvarOptions { target: Some((expected.to_vec(), 0.05)), ..CvarOptions::default() };
    let found = names(minimum_cvar(returns, &options, &base, NONE));
    assert!(found.contains(&conflict[0].to_string()) && found.contains(&conflict[5].to_string()), "{found:?}");
    let calm = Objective::TargetVolatility { target: 0.01 };
    assert_eq!(names(mean_variance(&expected, sigma, calm, &base, NONE)), ["target volatility"]);
}

#[test]
fn bad_input_says_what_and_where() {
    let good = [0.04, 0.01, 0.01, 0.09];
    let sigma = Matrix::symmetric("covariance", &good, 2).expect("symmetric");
    let of = |constraints: Constraints| minimum_variance(sigma, &constraints, NONE);
    for (what, wrong, error) in [
        (
            "NaN bound",
            Constraints { lower: PerAsset::Each(vec![0.0, f64::NAN]), ..Constraints::default() },
            QuantError::NotFinite { what: "lower", row: 1, column: 0 },
        ),
        (
            "ragged bound",
            Constraints { upper: PerAsset::Each(vec![1.0]), ..Constraints::default() },
            QuantError::Ragged { what: "upper", have: 1, need: 2 },
        ),
        (
            "ragged names",
            Constraints { assets: vec!["A".to_string()], ..Constraints::default() },
            QuantError::Ragged { what: "asset names", have: 1, need: 2 },
        ),
        (
            "unknown member",
            Constraints { groups: vec![group("g", &[2], 0.0, 1.0)], ..Constraints::default() },
            QuantError::TooLarge { what: "group member", have: 2, max: 1 },
        ),
        (
            "ragged row",
            Constraints { linear: vec![row("r", &[1.0], 0.0, 1.0)], ..Constraints::default() },
            QuantError::Ragged { what: "linear coefficients", have: 1, need: 2 },
        ),
        (
            "infinite coefficient",
            Constraints { linear: vec![row("r", &[1.0, f64::INFINITY], 0.0, 1.0)], ..Constraints::default() },
            QuantError::NotFinite { what: "linear coefficients", row: 1, column: 0 },
        ),
        (
            "NaN budget",
            Constraints { budget: Some(f64::INFINITY), ..Constraints::default() },
            QuantError::OutOfRange { what: "budget", value: f64::INFINITY, low: f64::MIN, high: f64::MAX },
        ),
        (
            "negative cost",
            Constraints { buy_cost: PerAsset::All(-0.1), previous: Some(vec![0.5; 2]), ..Constraints::default() },
            QuantError::OutOfRange { what: "buy cost", value: -0.1, low: 0.0, high: f64::MAX },
        ),
        (
            "negative turnover",
            Constraints { turnover_max: Some(-1.0), ..Constraints::default() },
            QuantError::OutOfRange { what: "turnover", value: -1.0, low: 0.0, high: f64::INFINITY },
        ),
        (
            "ragged previous",
            Constraints { turnover_max: Some(1.0), previous: Some(vec![1.0]), ..Constraints::default() },
            QuantError::Ragged { what: "previous", have: 1, need: 2 },
        ),
        (
            "infinite lower bound",
            Constraints { lower: PerAsset::All(f64::INFINITY), ..Constraints::default() },
            QuantError::OutOfRange { what: "lower", value: f64::INFINITY, low: f64::NEG_INFINITY, high: f64::MAX },
        ),
    ] {
        assert_eq!(of(wrong), Err(error), "{what}");
    }
}

#[test]
fn bad_problems_say_why() {
    let good = [0.04, 0.01, 0.01, 0.09];
    let sigma = Matrix::symmetric("covariance", &good, 2).expect("symmetric");
    let of = |constraints: Constraints| minimum_variance(sigma, &constraints, NONE);
    let lonely = of(Constraints { turnover_max: Some(1.0), ..Constraints::default() });
    assert!(matches!(lonely, Err(QuantError::Undefined { what: "turnover and costs", .. })), "{lonely:?}");
    let open = Constraints { budget: None, ..Constraints::long_short() };
    let sure = Matrix::symmetric("covariance", &[0.0; 4], 2).expect("symmetric");
    let averse = Objective::RiskAversion { gamma: 1.0 };
    let unbounded = mean_variance(&[0.1, 0.2], sure, averse, &open, NONE);
    assert!(matches!(unbounded, Err(QuantError::Unbounded { .. })), "{unbounded:?}");
    let negative = [0.04, 0.0, 0.0, -0.01];
    let negative = Matrix::new("covariance", &negative, 2, 2).expect("finite");
    let indefinite = QuantError::NotPositiveDefinite { what: "covariance", row: 1 };
    assert_eq!(minimum_variance(negative, &Constraints::default(), NONE), Err(indefinite.clone()));
    assert_eq!(hierarchical_risk_parity(negative, HierarchyOptions::default(), NONE).unwrap_err(), indefinite);
    assert_eq!(risk_parity(negative, None, NONE).unwrap_err(), indefinite);
    let skew = Matrix::new("covariance", &[0.04, 0.01, 0.02, 0.09], 2, 2).expect("finite");
    let asymmetric = minimum_variance(skew, &Constraints::default(), NONE);
    assert!(matches!(asymmetric, Err(QuantError::NotSymmetric { row: 0, column: 1, .. })), "{asymmetric:?}");
    let flat = QuantError::Constant { what: "covariance", column: 0 };
    assert_eq!(hierarchical_risk_parity(sure, HierarchyOptions::default(), NONE).unwrap_err(), flat);
    assert_eq!(risk_parity(sure, None, NONE).unwrap_err(), flat);
    assert_eq!(maximum_diversification(sure, &Constraints::default(), NONE).unwrap_err(), flat);
    let ragged = QuantError::Ragged { what: "expected returns", have: 1, need: 2 };
    assert_eq!(maximum_sharpe(&[0.1], sigma, 0.0, &Constraints::default(), NONE).unwrap_err(), ragged);
    assert!(kelly_weights(&[0.1, f64::NAN], sigma, &KellyOptions::default(), NONE).is_err());
    assert!(
        risk_parity(sigma, Some(&[0.0, 0.0]), NONE).is_err() && risk_parity(sigma, Some(&[1.0, -1.0]), NONE).is_err()
    );
}

#[test]
fn one_asset_and_only_losses_have_an_answer_or_a_reason() {
    let one = Matrix::symmetric("covariance", &[0.04], 1).expect("symmetric");
    let long = Constraints::default();
    assert_eq!(minimum_variance(one, &long, NONE).expect("solved").weights, [1.0]);
    assert_eq!(hierarchical_risk_parity(one, HierarchyOptions::SKFOLIO, NONE).expect("solved").weights, [1.0]);
    let herc = hierarchical_equal_risk_contribution(one, HercOptions::default(), NONE).expect("solved");
    assert_eq!(herc.weights, [1.0]);
    assert_eq!(risk_parity(one, None, NONE).expect("solved").weights, [1.0]);
    assert_eq!(maximum_diversification(one, &long, NONE).expect("solved").weights, [1.0]);
    let losses = [-0.01, -0.02, -0.03, -0.011, -0.012, -0.04];
    let returns = Matrix::new("returns", &losses, 6, 1).expect("returns");
    assert_eq!(minimum_cvar(returns, &CvarOptions::default(), &long, NONE).expect("solved").weights, [1.0]);
    let values = [0.04, 0.01, 0.01, 0.09];
    let sigma = Matrix::symmetric("covariance", &values, 2).expect("symmetric");
    let none = maximum_sharpe(&[-0.1, -0.2], sigma, 0.0, &long, NONE);
    assert!(matches!(none, Err(QuantError::Undefined { what: "highest ratio", .. })), "{none:?}");
    // Nothing is held where everything loses and nothing may be sold short.
    let cash = Constraints { budget: None, ..Constraints::default() };
    let kelly = KellyOptions { constraints: Some(cash), ..KellyOptions::default() };
    assert_eq!(kelly_weights(&[-0.1, -0.2], sigma, &kelly, NONE).expect("solved").weights, [0.0, 0.0]);
}

#[test]
fn every_long_allocator_can_be_cancelled_and_tells_how_far_it_is() {
    let (n, t) = (24, 60);
    let mut rng = SplitMix64::new(5);
    let values: Vec<f64> = (0..n * t).map(|_| 0.01 * normal(&mut rng)).collect();
    let returns = Matrix::new("returns", &values, t, n).expect("returns");
    let covariance = quant::covariance::sample(returns, Default::default()).expect("covariance").matrix;
    let sigma = covariance.view("covariance").expect("covariance");
    let expected: Vec<f64> = (0..n).map(|asset| 0.001 * (1 + asset) as f64).collect();
    let pick: Vec<f64> = (0..n).map(|asset| f64::from(u8::from(asset == 3))).collect();
    let views = Views { portfolios: Matrix::new("views", &pick, 1, n).expect("views"), returns: &[0.01] };
    let long = Constraints::default();
    let averse = Objective::RiskAversion { gamma: 3.0 };
    let calm = Objective::TargetVolatility { target: 0.004 };
    let groups = Constraints { groups: vec![group("some", &[0, 1, 2], 0.3, 0.5)], ..Constraints::default() };
    type Job<'a> = Box<dyn Fn(&JobControl<'_>) -> Result<(), QuantError> + 'a>;
    let jobs: Vec<(&str, Job<'_>)> = vec![
        ("hrp", Box::new(|c| hierarchical_risk_parity(sigma, HierarchyOptions::default(), c).map(drop))),
        (
            "hrp of distances",
            Box::new(|c| hierarchical_risk_parity(sigma, HierarchyOptions::LOPEZ_DE_PRADO, c).map(drop)),
        ),
        ("hrp in order", Box::new(|c| hierarchical_risk_parity(sigma, HierarchyOptions::SKFOLIO, c).map(drop))),
        ("herc", Box::new(|c| hierarchical_equal_risk_contribution(sigma, HercOptions::default(), c).map(drop))),
        ("risk parity", Box::new(|c| risk_parity(sigma, None, c).map(drop))),
        ("minimum variance", Box::new(|c| minimum_variance(sigma, &long, c).map(drop))),
        ("groups", Box::new(|c| minimum_variance(sigma, &groups, c).map(drop))),
        ("risk aversion", Box::new(|c| mean_variance(&expected, sigma, averse, &long, c).map(drop))),
        ("target volatility", Box::new(|c| mean_variance(&expected, sigma, calm, &long, c).map(drop))),
        ("Sharpe", Box::new(|c| maximum_sharpe(&expected, sigma, 0.0, &long, c).map(drop))),
        ("diversification", Box::new(|c| maximum_diversification(sigma, &long, c).map(drop))),
        ("CVaR", Box::new(|c| minimum_cvar(returns, &CvarOptions::default(), &long, c).map(drop))),
        ("Kelly", Box::new(|c| kelly_weights(&expected, sigma, &KellyOptions::default(), c).map(drop))),
        (
            "views",
            Box::new(|c| {
                black_litterman(sigma, Prior::Returns(&expected), views, BlackLittermanOptions::default(), c).map(drop)
            }),
        ),
    ];
    for (name, job) in &jobs {
        let seen = Mutex::new(Vec::new());
        let flag = AtomicBool::new(false);
        let watch = |done: u64, total: u64| seen.lock().expect("one thread").push((done, total));
        assert_eq!(job(&JobControl::new(&flag, Some(&watch))), Ok(()), "{name}");
        let seen = seen.into_inner().expect("one thread");
        assert!(seen.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 == pair[1].1), "{name}: {seen:?}");
        assert!(seen.last().is_some_and(|(done, total)| done == total), "{name}: {seen:?}");
        // Cancelled from within, at the first word of how far it is.
        let stop = |_: u64, _: u64| flag.store(true, Ordering::Relaxed);
        assert_eq!(job(&JobControl::new(&flag, Some(&stop))), Err(QuantError::Cancelled), "{name}");
    }
}
