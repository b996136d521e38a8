//! # Room card: quant/tests/base_values
//! In:    `reference/base.json`: simulated returns and what `reference/base.py` made of them with numpy, scipy,
//!        scikit-learn and PyPortfolioOpt.
//! Out:   covariance and performance equal to theirs; the loss quantile of skfolio; parameters as `arch` leaves them.
//! Holds: needs nothing outside the tree.
//! Costs: milliseconds.
use quant::covariance::*;
use quant::performance::*;
use quant::risk::{Convention, TailMethod, TailOptions, value_at_risk};
use quant::validation::*;
use quant::volatility::{GarchParameters, garch_path};
use quant::{JobControl, Matrix, QuantError};
use serde_json::Value;
use types::rng::SplitMix64;

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

/// skfolio 1.12: `value_at_risk` and `cvar` of ten returns; the order statistic is Riskfolio-Lib's.
#[test]
fn loss_quantile_goes_one_further_where_the_tail_is_whole() {
    let r: Vec<f64> = [3, 7, 1, 9, 5, 2, 8, 10, 4, 6].iter().map(|&k| -0.01 * f64::from(k)).collect();
    let of = |confidence, method| {
        let options = TailOptions { confidence, method, convention: Convention::LossPositive };
        value_at_risk(&r, &options, &JobControl::NONE).unwrap()
    };
    for (confidence, quantile, order, shortfall) in [
        (0.9, 0.09, 0.1, 0.1),
        (0.8, 0.08, 0.09, 0.095),
        (0.85, 0.09, 0.09, 0.145 / 1.5),
        (0.05, 0.01, 0.01, 0.545 / 9.5),
    ] {
        let found = of(confidence, TailMethod::HistoricalLossQuantile);
        let statistic = of(confidence, TailMethod::HistoricalOrderStatistic);
        assert_eq!((found.value_at_risk, statistic.value_at_risk), (quantile, order), "{confidence}");
        assert_eq!(found.expected_shortfall, statistic.expected_shortfall);
        assert!((found.expected_shortfall - shortfall).abs() < 1e-15, "{confidence}: {found:?}");
    }
}

/// The parameters of `arch` 8 for the VIX and for noise miss a bound by the rounding of its search; volatilities and
/// likelihood are of the parameters as they are. Further out they are refused, and so is a negative variance.
#[test]
fn garch_takes_parameters_that_miss_a_bound_by_a_rounding() {
    let mut rng = SplitMix64::new(6);
    let r: Vec<f64> = (0..300).map(|_| 0.02 * (rng.unit_f64() - 0.5)).collect();
    let at_bound =
        GarchParameters { mean: 0.0, omega: 1e-6, alpha: 0.2, gamma: -0.2, beta: 0.8, degrees_of_freedom: None };
    let missed = GarchParameters { gamma: -0.2 - 3e-13, alpha: 0.2 - 1e-13, ..at_bound };
    let [exact, near] = [at_bound, missed].map(|p| garch_path(&r, &p, 3).unwrap());
    assert!((exact.log_likelihood / near.log_likelihood - 1.0).abs() < 1e-9 && exact != near);
    let zero = GarchParameters { alpha: -1e-15, gamma: 0.0, ..at_bound };
    assert!(garch_path(&r, &zero, 3).is_ok());
    for (what, beyond) in [
        ("gamma", GarchParameters { gamma: -0.201, ..at_bound }),
        ("alpha", GarchParameters { alpha: -0.001, gamma: 0.0, ..at_bound }),
        ("beta", GarchParameters { beta: -0.001, ..at_bound }),
    ] {
        let refused = garch_path(&r, &beyond, 3).unwrap_err();
        assert!(matches!(refused, QuantError::OutOfRange { what: found, .. } if found == what), "{refused:?}");
    }
    let wild = [1e3, -1e3, 1e3, -1e3];
    let thin = GarchParameters { omega: 1e-6, alpha: -1e-9, gamma: 0.0, beta: 0.0, ..at_bound };
    let refused = garch_path(&wild, &thin, 1).unwrap_err();
    assert!(matches!(refused, QuantError::Undefined { what: "variance", .. }), "{refused:?}");
}
