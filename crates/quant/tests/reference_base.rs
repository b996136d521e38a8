//! # Room card: quant/tests/reference_base
//! In:    `../shared/reference/quant` where it is there: returns and expected.json, made by peers of other languages.
//! Out:   covariance, performance, Sharpe statistics, splits, overfitting and execution equal to the peers' values.
//! Holds: each test names the peer's convention; statistics to 1e-10, relative above 1.
//! Costs: below a second.
use std::path::PathBuf;

use quant::covariance::*;
use quant::execution::{AlmgrenChriss, almgren_chriss};
use quant::performance::*;
use quant::validation::*;
use quant::{JobControl, Matrix};
use serde_json::Value;
use sha2::{Digest, Sha256};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference/quant")
}

/// The expected values, or a word that they are not here.
fn expected() -> Option<Value> {
    let path = folder().join("expected.json");
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(serde_json::from_str(&text).unwrap()),
        Err(_) => {
            println!("skipped: no reference at {}", path.display());
            None
        }
    }
}

/// Columns of a CSV file but for the first, which holds dates.
fn csv(name: &str) -> Vec<Vec<f64>> {
    let text = std::fs::read_to_string(folder().join(name)).unwrap();
    let mut lines = text.lines();
    let columns = lines.next().unwrap().split(',').count() - 1;
    let mut found = vec![Vec::new(); columns];
    for line in lines {
        for (column, field) in line.split(',').skip(1).enumerate() {
            found[column].push(field.parse().unwrap());
        }
    }
    found
}

#[track_caller]
fn meets(found: f64, wanted: &Value) {
    let wanted = wanted.as_f64().unwrap();
    assert!((found - wanted).abs() <= 1e-10 * wanted.abs().max(1.0), "{found} is not {wanted}");
}

#[track_caller]
fn meets_some(found: Option<f64>, wanted: &Value) {
    meets(found.unwrap(), wanted);
}

#[test]
fn covariances_are_scikit_learns_and_pyportfolioopts() {
    let Some(expected) = expected() else { return };
    let columns = csv("returns.csv");
    let flat: Vec<f64> = columns.concat();
    let returns = Matrix::new("returns", &flat, columns[0].len(), columns.len()).unwrap();
    // sklearn LedoitWolf: mean variance on the diagonal, sample over T.
    let identity = ledoit_wolf(returns, LedoitWolfOptions::default()).unwrap();
    meets(identity.shrinkage, &expected["ledoit_wolf"]["shrinkage"]);
    for (asset, wanted) in expected["ledoit_wolf"]["cov_diag"].as_object().unwrap().values().enumerate() {
        meets(identity.matrix.at(asset, asset) * 1e4, &Value::from(wanted.as_f64().unwrap() * 1e4));
    }
    // sklearn OAS: without the terms 2/p.
    meets(oracle_approximating(returns, OasOptions::default()).unwrap().shrinkage, &expected["oas_shrinkage"]);
    // PyPortfolioOpt constant correlation: sample over T - 1. Its returns are those of prices.csv.
    let flat: Vec<f64> =
        csv("prices.csv").iter().flat_map(|p| p.windows(2).map(|w| w[1] / w[0] - 1.0).collect::<Vec<_>>()).collect();
    let returns = Matrix::new("returns", &flat, columns[0].len(), columns.len()).unwrap();
    let options = LedoitWolfOptions { target: LedoitWolfTarget::ConstantCorrelation, ddof: 1 };
    let wanted = &expected["ledoit_wolf_constant_correlation_delta_pypfopt"];
    meets(ledoit_wolf(returns, options).unwrap().shrinkage, wanted);
}

/// RiskMetrics from r0², zero mean: the forecast after each return.
#[test]
fn ewma_is_riskmetrics() {
    let Some(expected) = expected() else { return };
    let series = &csv("index_returns.csv")[0];
    let decay = expected["ewma"]["lam"].as_f64().unwrap();
    let options = EwmaOptions { decay, demean: false, start: EwmaStart::FirstObservation };
    let sigma = |rows: usize| {
        let returns = Matrix::new("returns", &series[..rows], rows, 1).unwrap();
        ewma(returns, options).unwrap().matrix.at(0, 0).sqrt()
    };
    meets(sigma(series.len()), &expected["ewma"]["sigma_next_day"]);
    meets(sigma(series.len()) * 252f64.sqrt(), &expected["ewma"]["sigma_next_day_annual"]);
    meets(sigma(series.len() - 1), &expected["ewma"]["sigma_last_in_sample"]);
}

#[test]
fn performance_is_empyricals_and_quantstats() {
    let Some(expected) = expected() else { return };
    let wanted = &expected["performance"];
    let series = &csv("index_returns.csv")[0];
    let found = performance(series, PerformanceOptions::default()).unwrap();
    assert_eq!(found.periods as u64, wanted["n"].as_u64().unwrap());
    meets(found.total_return, &wanted["total_return"]);
    meets(found.cagr, &wanted["cagr_252"]);
    meets(found.annual_volatility, &wanted["annual_vol"]);
    meets_some(found.sharpe, &wanted["sharpe_ddof1"]);
    let biased = performance(series, PerformanceOptions { ddof: 0, ..Default::default() }).unwrap();
    meets_some(biased.sharpe, &wanted["sharpe_ddof0_seed"]);
    meets_some(found.sortino_all, &wanted["sortino_all_n"]);
    meets_some(found.sortino_negative_only, &wanted["sortino_negative_only_seed"]);
    meets(found.max_drawdown, &wanted["max_drawdown"]);
    meets_some(found.calmar, &wanted["calmar"]);
    meets_some(found.omega, &wanted["omega_0"]);
    meets_some(found.tail_ratio, &wanted["tail_ratio"]);
    meets_some(found.stability, &wanted["stability"]);
    meets(found.downside_risk, &wanted["downside_risk"]);
    meets(found.skewness, &wanted["skew_biased"]);
    meets(found.kurtosis, &wanted["kurtosis_pearson_biased"]);
    meets(found.ulcer_index, &wanted["ulcer_own"]);
    let quantstats = &wanted["quantstats"];
    meets_some(found.sharpe, &quantstats["sharpe"]);
    meets_some(found.sortino_all, &quantstats["sortino"]);
    meets(found.cagr, &quantstats["cagr"]);
    meets_some(found.calmar, &quantstats["calmar"]);
    meets(found.max_drawdown, &quantstats["max_drawdown"]);
    meets_some(found.omega, &quantstats["omega"]);
    meets_some(found.kelly, &quantstats["kelly"]);
    meets_some(found.profit_factor, &quantstats["profit_factor"]);
    meets_some(found.payoff_ratio, &quantstats["payoff_ratio"]);
    // quantstats divides the squared drawdowns by n - 1.
    let count = series.len() as f64;
    meets(found.ulcer_index * (count / (count - 1.0)).sqrt(), &quantstats["ulcer_index"]);
    let falls = drawdowns(series).unwrap();
    let deepest = falls.deepest.unwrap();
    assert_eq!(deepest.peak as u64, wanted["mdd_peak_index"].as_u64().unwrap());
    // The reference counts the trough in the curve that starts with 1, as `Drawdown` does.
    assert_eq!(deepest.trough as u64, wanted["mdd_trough_index"].as_u64().unwrap());
    meets(deepest.depth, &wanted["max_drawdown_own"]);
    meets(falls.ulcer_index, &expected["drawdown_riskfolio"]["ulcer_rel"]);
}

/// Sharpe a period with ddof 1, biased skewness and Pearson kurtosis; quantstats takes pandas' unbiased moments.
#[test]
fn sharpe_probabilities_are_the_papers_and_quantstats() {
    let Some(expected) = expected() else { return };
    let case = &expected["deflated_sharpe"];
    let number = |key: &str| case[key].as_f64().unwrap();
    let moments = SharpeMoments {
        sharpe: number("sr_per_period"),
        observations: number("T") as usize,
        skewness: number("skew"),
        kurtosis: number("kurtosis_pearson"),
    };
    let trials = number("N") as usize;
    let found = deflated_sharpe(moments, number("var_of_trial_sr_per_period"), trials).unwrap();
    meets(found.expected_maximum, &case["sr0"]);
    meets(found.probability, &case["dsr"]);
    meets(probabilistic_sharpe(moments, 0.0).unwrap(), &case["psr_vs_0"]);
    let series = &csv("index_returns.csv")[0];
    let own = SharpeMoments::of(series).unwrap();
    meets(own.sharpe, &expected["psr_index"]["sr_daily"]);
    meets(probabilistic_sharpe(own, 0.0).unwrap(), &expected["psr_index"]["psr0"]);
    let unbiased = own.unbiased().unwrap();
    meets(probabilistic_sharpe(unbiased, 0.0).unwrap(), &expected["performance"]["quantstats"]["psr"]);
}

fn hash(indices: impl Iterator<Item = usize>) -> String {
    let text: Vec<String> = indices.map(|at| at.to_string()).collect();
    hex(&text.join(","))[..16].to_string()
}

fn hex(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The numbers of a key such as `T=1000,n_folds=10,n_test=2,purge=0,embargo=0`.
fn parameters(key: &str) -> Vec<usize> {
    key.split(',').map(|part| part.split_once('=').unwrap().1.parse().unwrap()).collect()
}

#[test]
fn combinatorial_splits_are_skfolios() {
    let Some(expected) = expected() else { return };
    for (key, case) in expected["cpcv_skfolio"].as_object().unwrap() {
        let [observations, folds, test_folds, purge, embargo] = parameters(key)[..] else { panic!("{key}") };
        let options = CombinatorialOptions { folds, test_folds, purge, embargo };
        let found = combinatorial_purged(observations, options, None).unwrap();
        assert_eq!(found.splits.len() as u64, case["n_splits"].as_u64().unwrap(), "{key}");
        assert_eq!(found.paths.len() as u64, case["n_test_paths"].as_u64().unwrap(), "{key}");
        let described = |split: &TrainTestSplit| {
            let (train, test) = (split.train_indices().count(), split.test_indices().count());
            serde_json::json!([train, test, hash(split.train_indices()), hash(split.test_indices())])
        };
        assert_eq!(described(&found.splits[0]), case["first"], "{key}");
        assert_eq!(described(found.splits.last().unwrap()), case["last"], "{key}");
        let sizes: Vec<usize> = found.splits.iter().map(|split| split.train_indices().count()).collect();
        assert_eq!(serde_json::json!(sizes), case["train_sizes"], "{key}");
        let hashes: Vec<String> = found.splits.iter().map(|split| hash(split.train_indices())).collect();
        assert_eq!(hex(&hashes.join("|")), case["all_train_hash"].as_str().unwrap(), "{key}");
    }
}

#[test]
fn walk_forward_is_skfolios() {
    let Some(expected) = expected() else { return };
    let case = &expected["walk_forward_skfolio"];
    let number = |key: &str| case[key].as_u64().unwrap() as usize;
    let (train, test, purge) = (number("train"), number("test"), number("purge"));
    let options = WalkForwardOptions { train, test, purge, expand: false, keep_partial: false };
    let found = walk_forward(number("T"), options, None).unwrap();
    let ends: Vec<[usize; 4]> = found
        .iter()
        .map(|split| {
            let (train, test) = (&split.train[0], &split.test[0]);
            [train.start, train.end - 1, test.start, test.end - 1]
        })
        .collect();
    assert_eq!(serde_json::json!(ends), case["splits"]);
}

fn rolling_mean(prices: &[f64], window: usize) -> Vec<Option<f64>> {
    let mean = |at: usize| Some(prices[at + 1 - window..=at].iter().sum::<f64>() / window as f64);
    (0..prices.len()).map(|at| if at + 1 >= window { mean(at) } else { None }).collect()
}

/// Long where the fast average was above the slow one at the previous close, else flat; the first 200 rows dropped.
fn crossover_returns(prices: &[f64], fast: usize, slow: usize) -> Vec<f64> {
    let (quick, calm) = (rolling_mean(prices, fast), rolling_mean(prices, slow));
    let long = |at: usize| matches!((quick[at], calm[at]), (Some(a), Some(b)) if a > b);
    (200..prices.len()).map(|at| if long(at - 1) { prices[at] / prices[at - 1] - 1.0 } else { 0.0 }).collect()
}

#[test]
fn overfitting_of_the_crossover_grid_is_the_references() {
    let Some(expected) = expected() else { return };
    let case = &expected["pbo_ma_grid"];
    let prices = &csv("index_prices.csv")[0];
    let names: Vec<&str> = case["grid"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let trials: Vec<Vec<f64>> = names
        .iter()
        .map(|name| {
            let (fast, slow) = name.split_once('/').unwrap();
            crossover_returns(prices, fast.parse().unwrap(), slow.parse().unwrap())
        })
        .collect();
    assert_eq!(trials[0].len() as u64, case["rows"].as_u64().unwrap());
    let sharpes: Vec<f64> = trials.iter().map(|r| SharpeMoments::of(r).unwrap().sharpe * 252f64.sqrt()).collect();
    for (found, wanted) in sharpes.iter().zip(case["sharpe_annual"].as_array().unwrap()) {
        meets(*found, wanted);
    }
    let best = (1..sharpes.len()).fold(0, |best, at| if sharpes[at] > sharpes[best] { at } else { best });
    assert_eq!(names[best], case["best"].as_str().unwrap());
    let flat = trials.concat();
    let returns = Matrix::new("returns", &flat, trials[0].len(), trials.len()).unwrap();
    let found = overfitting_probability(returns, case["S"].as_u64().unwrap() as usize, &JobControl::NONE).unwrap();
    assert_eq!(found.combinations as u64, case["n_combinations"].as_u64().unwrap());
    meets(found.probability, &case["pbo"]);
    meets(found.logit_mean, &case["logit_mean"]);
    meets(found.logit_median, &case["logit_median"]);
}

/// True where `above` rises over `below` after having been under it.
fn crossings(above: &[Option<f64>], below: &[Option<f64>]) -> Vec<bool> {
    let mut under = false;
    let mut cross = |pair| match pair {
        (Some(a), Some(b)) if a < b => {
            under = true;
            false
        }
        (Some(a), Some(b)) if a > b => core::mem::take(&mut under),
        _ => false,
    };
    above.iter().zip(below).map(|(a, b)| cross((*a, *b))).collect()
}

/// vectorbt: fills at the close of the signal's bar, all the cash, drawdown of the account's worth.
#[test]
fn crossover_accounts_are_vectorbts() {
    let Some(expected) = expected() else { return };
    let prices = &csv("index_prices.csv")[0];
    for (key, case) in expected["vectorbt_ma_crossover"].as_object().unwrap().iter().filter(|(key, _)| *key != "note") {
        let (windows, fee) = key.split_once("/fee=").unwrap();
        let (fast, slow) = windows.split_once('/').unwrap();
        let quick = rolling_mean(prices, fast.parse().unwrap());
        let calm = rolling_mean(prices, slow.parse().unwrap());
        let options = SignalOptions { cash: 10_000.0, fee_rate: fee.parse().unwrap() };
        let found = from_signals(prices, &crossings(&quick, &calm), &crossings(&calm, &quick), options).unwrap();
        meets(found.final_value, &case["final_value"]);
        assert_eq!(found.trades as u64, case["trades"].as_u64().unwrap(), "{key}");
        meets(found.max_drawdown, &case["max_drawdown"]);
        meets(found.fees, &case["total_fees"]);
    }
}

#[test]
fn execution_is_almgren_and_chriss() {
    let Some(expected) = expected() else { return };
    for case in expected["almgren_chriss"].as_array().unwrap() {
        let number = |key: &str| case["params"][key].as_f64().unwrap();
        let found = almgren_chriss(AlmgrenChriss {
            quantity: number("X"),
            horizon: number("T"),
            intervals: number("N") as usize,
            volatility: number("sigma"),
            permanent_impact: number("gamma"),
            temporary_impact: number("eta"),
            fixed_cost: number("epsilon"),
            risk_aversion: number("lambda"),
        })
        .unwrap();
        meets(found.kappa, &case["kappa"]);
        meets(found.kappa_tilde, &case["kappa_tilde"]);
        meets(found.eta_tilde * 1e6, &Value::from(case["eta_tilde"].as_f64().unwrap() * 1e6));
        meets(found.expected_cost, &case["expected_cost"]);
        meets(found.variance, &case["variance"]);
        for (key, values) in [("holdings", &found.holdings), ("trades", &found.trades)] {
            assert_eq!(values.len(), case[key].as_array().unwrap().len());
            // Holdings of 10^6 are exact to 1e-10 of the whole quantity.
            for (value, wanted) in values.iter().zip(case[key].as_array().unwrap()) {
                let scale = number("X");
                meets(value / scale, &Value::from(wanted.as_f64().unwrap() / scale));
            }
        }
    }
}
