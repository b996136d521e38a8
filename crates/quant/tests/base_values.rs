//! # Room card: quant/tests/base_values
//! In:    `reference/base.json`: simulated returns and what `reference/base.py` made of them with numpy, scipy,
//!        scikit-learn and PyPortfolioOpt.
//! Out:   covariance and performance equal to theirs.
//! Holds: needs nothing outside the tree.
//! Costs: milliseconds.
use quant::Matrix;
use quant::covariance::*;
use quant::performance::*;
use quant::validation::*;
use serde_json::Value;

fn values() -> Value {
    serde_json::from_str(include_str!("reference/base.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

#[track_caller]
fn close(found: f64, wanted: &Value) {
    let wanted = wanted.as_f64().unwrap();
    assert!((found - wanted).abs() <= 1e-11 * wanted.abs(), "{found} is not {wanted}");
}

#[track_caller]
fn same(found: &Covariance, wanted: &Value) {
    for (row, line) in wanted.as_array().unwrap().iter().enumerate() {
        for (column, value) in line.as_array().unwrap().iter().enumerate() {
            assert!((found.matrix.at(row, column) - value.as_f64().unwrap()).abs() < 1e-16, "{row}, {column}");
        }
    }
}

#[test]
fn covariances_are_those_of_numpy_scikit_learn_and_pyportfolioopt() {
    let values = values();
    let flat = numbers(&values["returns"]);
    let (rows, assets) = (values["rows"].as_u64().unwrap() as usize, values["assets"].as_u64().unwrap() as usize);
    let returns = Matrix::new("returns", &flat, rows, assets).unwrap();
    let plain = sample(returns, SampleOptions::default()).unwrap();
    same(&plain, &values["sample"]);
    close(plain.condition_number, &values["condition_number"]);
    // numpy's aweights take the weighted mean away; give it returns without it.
    let weights: Vec<f64> = (0..rows).map(|row| 0.97f64.powi((rows - 1 - row) as i32)).collect();
    let total: f64 = weights.iter().sum();
    let shifted: Vec<f64> = returns
        .columns_iter()
        .flat_map(|column| {
            let centre = column.iter().zip(&weights).map(|(r, w)| r * w).sum::<f64>() / total;
            column.iter().map(move |r| r - centre)
        })
        .collect();
    let options = EwmaOptions { decay: 0.97, demean: false, start: EwmaStart::Normalised };
    same(&ewma(Matrix::new("returns", &shifted, rows, assets).unwrap(), options).unwrap(), &values["ewma_97_adjusted"]);
    let drawn = |target, ddof| ledoit_wolf(returns, LedoitWolfOptions { target, ddof }).unwrap();
    let estimates = [
        (drawn(LedoitWolfTarget::Identity, 0), "identity"),
        (oracle_approximating(returns, OasOptions::default()).unwrap(), "oas"),
        (drawn(LedoitWolfTarget::SingleFactor, 0), "single_factor"),
        (drawn(LedoitWolfTarget::ConstantCorrelation, 1), "constant_correlation"),
    ];
    for (found, name) in &estimates {
        close(found.shrinkage, &values[name]["shrinkage"]);
        same(found, &values[name]["matrix"]);
    }
}

#[test]
fn performance_is_that_of_numpy_and_scipy() {
    let values = values();
    let flat = numbers(&values["returns"]);
    let rows = values["rows"].as_u64().unwrap() as usize;
    let (benchmark, returns) = (&flat[..rows], &flat[flat.len() - rows..]);
    let wanted = &values["performance"];
    let risk_free = Rate { value: 1e-4, period: RatePeriod::Period };
    let found = performance(returns, PerformanceOptions { risk_free, ..Default::default() }).unwrap();
    close(found.total_return, &wanted["total_return"]);
    close(found.cagr, &wanted["cagr"]);
    close(found.sharpe.unwrap(), &wanted["sharpe_rf_1bp"]);
    close(found.skewness, &wanted["skewness"]);
    close(found.kurtosis, &wanted["kurtosis"]);
    close(found.tail_ratio.unwrap(), &wanted["tail_ratio"]);
    let against = relative(returns, benchmark, PerformanceOptions::default()).unwrap();
    close(against.beta, &wanted["beta"]);
    close(against.alpha_per_period, &wanted["alpha"]);
    close(against.correlation.unwrap(), &wanted["correlation"]);
    close(against.information_ratio.unwrap(), &wanted["information_ratio"]);
    let series = Matrix::new("returns", returns, rows, 1).unwrap();
    let options = AlphaDecayOptions { lags: 1, shape: DecayShape::Spearman };
    let decay = alpha_decay(series, series, options, &quant::JobControl::NONE).unwrap();
    close(decay.curve[0].information_coefficient.unwrap(), &wanted["spearman_lag_1"]);
    let probability = probabilistic_sharpe(SharpeMoments::of(returns).unwrap(), 0.01).unwrap();
    close(probability, &values["probabilistic_sharpe"]);
}
