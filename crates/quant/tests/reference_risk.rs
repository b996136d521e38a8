//! # Room card: quant/tests/reference_risk
//! In:    `../shared/reference/quant`: series and the values that skfolio, Riskfolio-Lib, empyrical, arch, statsmodels,
//!        vollib and QuantLib give for them.
//! Out:   every value of risk, volatility, cointegration and options is met, to the tolerance named with it.
//! Holds: without the folder the test says that it was skipped.
//! Costs: about a second.

use quant::cointegration::{
    Deterministic, EngleGrangerOptions, Lags, dickey_fuller, engle_granger, half_life, hedge_ratio, johansen,
};
use quant::options::{OptionKind, OptionTerms, implied_volatility};
use quant::risk::{
    BaselZone, Compounding, Convention, RollingBacktestOptions, StudentSearch, TailMethod, TailOptions,
    backtest_historical, basel_traffic_light, drawdown_risk, entropic_value_at_risk, exception_probabilities,
    fit_factor_model, fit_student, fit_vector_autoregression, kupiec, value_at_risk,
};
use quant::volatility::{
    EwmaOptions, GarchDistribution, GarchModel, GarchOptions, GarchParameters, ewma_volatility, fit_garch, garch_path,
};
use quant::{JobControl, Matrix};
use serde_json::Value;
use std::path::PathBuf;

/// Weights 1e-9, statistics 1e-10: the issue's tolerance where none stands beside the value.
const STATISTIC: f64 = 1e-10;

/// Where Riskfolio-Lib's conic solver ends, 2e-14 to 2e-13 above the minimum; the minimum from 60 digits (mpmath).
const ENTROPIC_MINIMA: [(f64, f64); 3] = [
    (0.027_867_697_469_842_852, 0.027_867_697_469_814_91),
    (0.035_605_893_429_968_69, 0.035_605_893_429_946_01),
    (0.137_406_296_456_198_06, 0.137_406_296_455_970_08),
];

fn folder() -> Option<PathBuf> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let found = here.ancestors().map(|at| at.join("shared/reference/quant")).find(|at| at.is_dir());
    let found = found.or_else(|| std::env::var_os("FAFNIR_SHARED").map(|at| PathBuf::from(at).join("reference/quant")));
    if found.as_ref().is_none_or(|at| !at.is_dir()) {
        println!("skipped: ../shared/reference/quant is not here");
        return None;
    }
    found
}

fn expected(folder: &std::path::Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join("expected.json")).unwrap()).unwrap()
}

/// Column-major numbers of a file with a header and a date in front, and its column names.
fn table(folder: &std::path::Path, file: &str) -> (Vec<String>, Vec<Vec<f64>>) {
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    let mut lines = text.lines();
    let names: Vec<String> = lines.next().unwrap().split(',').skip(1).map(str::to_owned).collect();
    let mut columns = vec![Vec::new(); names.len()];
    for line in lines {
        for (column, cell) in columns.iter_mut().zip(line.split(',').skip(1)) {
            column.push(cell.parse::<f64>().unwrap());
        }
    }
    (names, columns)
}

struct Check(Vec<String>);

impl Check {
    fn relative(&mut self, name: &str, got: f64, want: &Value, tolerance: f64) {
        let want = want.as_f64().unwrap_or_else(|| panic!("{name} is no number"));
        let off = (got - want).abs() / want.abs().max(1.0);
        if off.is_nan() || off > tolerance {
            self.0.push(format!("{name}: {got:?}, expected {want:?}, off {off:e} > {tolerance:e}"));
        }
    }
    fn value(&mut self, name: &str, got: f64, want: &Value) {
        // Absolute for values below 1, such as returns: a statistic of 1e-2 has ten decimals.
        self.relative(name, got, want, STATISTIC);
    }
    /// An entropic risk is the minimum, to 1e-12 of it, where that is known of the reference's value.
    fn least(&mut self, got: f64, reference: &Value) {
        for (_, least) in ENTROPIC_MINIMA.iter().filter(|(ended, _)| reference.as_f64() == Some(*ended)) {
            self.relative("entropic minimum", got / least, &Value::from(1.0), 1e-12);
        }
    }
    fn done(self) {
        assert!(self.0.is_empty(), "not met:\n{}", self.0.join("\n"));
    }
}

fn flat(columns: &[Vec<f64>]) -> Vec<f64> {
    columns.concat()
}

#[test]
fn value_at_risk_and_shortfall() {
    let Some(folder) = folder() else { return };
    let (expected, (_, columns)) = (expected(&folder), table(&folder, "index_returns.csv"));
    let (r, mut check) = (&columns[0], Check(Vec::new()));
    for (level, want) in expected["var_es"].as_object().unwrap() {
        let confidence: f64 = level.parse().unwrap();
        let of = |method| {
            value_at_risk(
                r,
                &TailOptions { confidence, method, convention: Convention::LossPositive },
                &JobControl::NONE,
            )
            .unwrap()
        };
        let name = |key: &str| format!("var_es.{level}.{key}");
        let interpolated = of(TailMethod::HistoricalInterpolated);
        check.value(&name("hist_var_linear_interp"), interpolated.value_at_risk, &want["hist_var_linear_interp"]);
        check.value(&name("hist_es_mean_le_var"), interpolated.expected_shortfall, &want["hist_es_mean_le_var"]);
        let order = of(TailMethod::HistoricalOrderStatistic);
        let quantile = of(TailMethod::HistoricalLossQuantile);
        check.value(&name("skfolio_var"), quantile.value_at_risk, &want["skfolio_var"]);
        for key in ["hist_var_order_stat_ceil", "riskfolio_var"] {
            check.value(&name(key), order.value_at_risk, &want[key]);
        }
        for key in ["es_rockafellar_uryasev", "skfolio_cvar", "riskfolio_cvar"] {
            check.value(&name(key), order.expected_shortfall, &want[key]);
        }
        let signed =
            TailOptions { confidence, method: TailMethod::HistoricalInterpolated, convention: Convention::Signed };
        let signed = value_at_risk(r, &signed, &JobControl::NONE).unwrap();
        check.value(&name("empyrical_var"), signed.value_at_risk, &want["empyrical_var"]);
        check.value(&name("empyrical_cvar"), signed.expected_shortfall, &want["empyrical_cvar"]);
        let gaussian = of(TailMethod::Gaussian);
        check.value(&name("normal_var"), gaussian.value_at_risk, &want["normal_var"]);
        check.value(&name("normal_es"), gaussian.expected_shortfall, &want["normal_es"]);
        let bent = of(TailMethod::CornishFisher);
        check.value(&name("cornish_fisher_var"), bent.value_at_risk, &want["cornish_fisher_var"]);
        let entropic = entropic_value_at_risk(r, confidence, Convention::LossPositive, &JobControl::NONE).unwrap();
        check.value(&name("riskfolio_evar"), entropic, &want["riskfolio_evar"]);
        check.least(entropic, &want["riskfolio_evar"]);
        let student = &want["student_t_mle"];
        let scipy = fit_student(r, StudentSearch::Scipy, &JobControl::NONE).unwrap();
        check.value(&name("student.df"), scipy.degrees_of_freedom, &student["df"]);
        check.value(&name("student.loc"), scipy.location, &student["loc"]);
        check.value(&name("student.scale"), scipy.scale, &student["scale"]);
        let risk = of(TailMethod::StudentT(StudentSearch::Scipy));
        check.value(&name("student.var"), risk.value_at_risk, &student["var"]);
        check.value(&name("student.es"), risk.expected_shortfall, &student["es"]);
        // The maximum itself is no worse than where scipy stopped, and near it.
        let exact = fit_student(r, StudentSearch::Exact, &JobControl::NONE).unwrap();
        assert!(exact.log_likelihood >= scipy.log_likelihood && exact.log_likelihood < scipy.log_likelihood + 1e-3);
        check.relative(&name("student.df, exact"), exact.degrees_of_freedom, &student["df"], 1e-3);
    }
    check.done();
}

#[test]
fn drawdowns_and_ewma() {
    let Some(folder) = folder() else { return };
    let (expected, (_, columns)) = (expected(&folder), table(&folder, "index_returns.csv"));
    let (r, mut check) = (&columns[0], Check(Vec::new()));
    let risk = drawdown_risk(r, Compounding::Compounded, 0.95, &JobControl::NONE).unwrap();
    let want = &expected["drawdown_riskfolio"];
    check.value("cdar95_rel", risk.conditional, &want["cdar95_rel"]);
    check.value("mdd_rel", risk.maximum, &want["mdd_rel"]);
    check.value("ulcer_rel", risk.ulcer, &want["ulcer_rel"]);
    check.value("edar95_rel", risk.entropic, &want["edar95_rel"]);
    check.least(risk.entropic, &want["edar95_rel"]);
    let deepest = risk.episodes.iter().max_by(|a, b| a.depth.total_cmp(&b.depth)).unwrap();
    assert_eq!(deepest.peak as u64, expected["performance"]["mdd_peak_index"].as_u64().unwrap());
    assert_eq!(deepest.trough as u64, expected["performance"]["mdd_trough_index"].as_u64().unwrap());
    let want = &expected["ewma"];
    let options = EwmaOptions { decay: want["lam"].as_f64().unwrap(), ..EwmaOptions::default() };
    let ewma = ewma_volatility(r, options).unwrap();
    check.value("sigma_last_in_sample", *ewma.volatilities.last().unwrap(), &want["sigma_last_in_sample"]);
    check.value("sigma_next_day", ewma.next, &want["sigma_next_day"]);
    check.value("sigma_next_day_annual", ewma.next_annual(252.0).unwrap(), &want["sigma_next_day_annual"]);
    check.done();
}

#[test]
fn var_backtests() {
    let Some(folder) = folder() else { return };
    let (expected, (_, columns)) = (expected(&folder), table(&folder, "index_returns.csv"));
    let mut check = Check(Vec::new());
    for (level, want) in expected["var_backtest"].as_object().unwrap() {
        let confidence: f64 = level.parse().unwrap();
        let window = want["window"].as_u64().unwrap() as usize;
        let options = RollingBacktestOptions { window, confidence, ..RollingBacktestOptions::default() };
        let got = backtest_historical(&columns[0], &options, &JobControl::NONE).unwrap();
        assert_eq!(got.days as u64, want["n"].as_u64().unwrap());
        assert_eq!(got.exceptions as u64, want["exceptions"].as_u64().unwrap());
        let days: Vec<usize> =
            want["exception_indices"].as_array().unwrap().iter().map(|day| day.as_u64().unwrap() as usize).collect();
        assert_eq!(got.exception_days, days);
        assert_eq!(got.exceptions_last_250 as u64, want["exceptions_last_250"].as_u64().unwrap());
        let transitions: Vec<u64> = got.christoffersen.transitions.concat();
        let all = want["transitions"].as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap());
        assert_eq!(transitions, all.map(|count| count.as_u64().unwrap()).collect::<Vec<_>>());
        check.value("kupiec_lr", got.kupiec.statistic, &want["kupiec_lr"]);
        check.value("kupiec_p", got.kupiec.p_value, &want["kupiec_p"]);
        check.value("lr_ind", got.christoffersen.independence.statistic, &want["lr_ind"]);
        check.value("p_ind", got.christoffersen.independence.p_value, &want["p_ind"]);
        check.value("lr_cc", got.christoffersen.conditional_coverage.statistic, &want["lr_cc"]);
        check.value("p_cc", got.christoffersen.conditional_coverage.p_value, &want["p_cc"]);
        if let Some(light) = want.get("basel_last_250") {
            let basel = got.basel.unwrap();
            assert_eq!(basel.zone, BaselZone::Yellow);
            assert_eq!(light["zone"], "yellow");
            check.value("multiplier", basel.multiplier, &light["multiplier"]);
        }
    }
    for row in expected["kupiec_table"].as_array().unwrap() {
        let test = kupiec(row["x"].as_u64().unwrap(), row["T"].as_u64().unwrap(), row["p"].as_f64().unwrap()).unwrap();
        check.value("kupiec_table.lr", test.statistic, &row["lr"]);
        check.value("kupiec_table.pvalue", test.p_value, &row["pvalue"]);
    }
    let table = exception_probabilities(10, 250, 0.01).unwrap();
    for (k, want) in expected["basel_cumulative_prob_250"].as_object().unwrap() {
        let k: usize = k.parse().unwrap();
        check.value("basel_cumulative_prob_250", table[k], want);
        check.value("traffic light", basel_traffic_light(k as u64).unwrap().cumulative_probability, want);
    }
    check.done();
}

#[test]
fn garch() {
    let Some(folder) = folder() else { return };
    let (expected, (_, columns)) = (expected(&folder), table(&folder, "garch_input_pct_returns.csv"));
    let (r, mut check) = (&columns[0], Check(Vec::new()));
    for (name, model, distribution) in [
        ("garch11_normal", GarchModel::Garch, GarchDistribution::Normal),
        ("garch11_t", GarchModel::Garch, GarchDistribution::StudentT),
        ("gjr111_normal", GarchModel::Gjr, GarchDistribution::Normal),
    ] {
        let (want, p) = (&expected["garch"][name], &expected["garch"][name]["params"]);
        let given = GarchParameters {
            mean: p["mu"].as_f64().unwrap(),
            omega: p["omega"].as_f64().unwrap(),
            alpha: p["alpha[1]"].as_f64().unwrap(),
            gamma: p["gamma[1]"].as_f64().unwrap_or(0.0),
            beta: p["beta[1]"].as_f64().unwrap(),
            degrees_of_freedom: p["nu"].as_f64(),
        };
        // "sigma given the params is exact": the statistic's tolerance.
        let path = garch_path(r, &given, 5).unwrap();
        check.value(&format!("{name}.loglik"), path.log_likelihood, &want["loglik"]);
        check.value(&format!("{name}.cond_vol_last"), *path.volatilities.last().unwrap(), &want["cond_vol_last"]);
        check.value(&format!("{name}.cond_vol_first"), path.volatilities[0], &want["cond_vol_first"]);
        for (got, want) in path.forecast.iter().zip(want["variance_forecast_5"].as_array().unwrap()) {
            check.value(&format!("{name}.variance_forecast_5"), *got, want);
        }
        // "params 1e-4 relative, loglik 1e-6 relative: optimiser-limited".
        let fit = fit_garch(r, GarchOptions { model, distribution, horizon: 5 }, &JobControl::NONE).unwrap();
        let got = &fit.parameters;
        let near = |check: &mut Check, key: &str, got: f64, want: f64| {
            let off = (got - want).abs() / want.abs();
            if !(off <= 1e-4 || (want == 0.0 && got == 0.0)) {
                check.0.push(format!("{name}.{key}: {got:?}, expected {want:?}, off {off:e}"));
            }
        };
        near(&mut check, "mu", got.mean, given.mean);
        near(&mut check, "omega", got.omega, given.omega);
        near(&mut check, "alpha", got.alpha, given.alpha);
        near(&mut check, "gamma", got.gamma, given.gamma);
        near(&mut check, "beta", got.beta, given.beta);
        if let (Some(got), Some(want)) = (got.degrees_of_freedom, given.degrees_of_freedom) {
            near(&mut check, "nu", got, want);
        }
        check.relative(&format!("{name}.loglik, fitted"), fit.path.log_likelihood, &want["loglik"], 1e-6);
        assert!(fit.path.log_likelihood >= want["loglik"].as_f64().unwrap() - 1e-6, "{name}: below arch's likelihood");
        check.relative(&format!("{name}.aic"), fit.aic, &want["aic"], 1e-6);
        check.relative(&format!("{name}.bic"), fit.bic, &want["bic"], 1e-6);
        println!("{name}: {} steps, log-likelihood {}", fit.steps, fit.path.log_likelihood);
    }
    check.done();
}

#[test]
fn cointegration() {
    let Some(folder) = folder() else { return };
    let (expected, (names, columns)) = (expected(&folder), table(&folder, "pairs_prices.csv"));
    let mut check = Check(Vec::new());
    let logs = |name: &str| -> Vec<f64> {
        let at = names.iter().position(|n| n == name).unwrap();
        columns[at].iter().map(|p| p.ln()).collect()
    };
    for (pair, want) in expected["cointegration"].as_object().unwrap() {
        let (a, b) = pair.split_once('/').unwrap();
        let (y, x) = (logs(a), logs(b));
        let hedges = Matrix::new("hedges", &x, x.len(), 1).unwrap();
        let fixed = EngleGrangerOptions { terms: Deterministic::Constant, lags: Lags::Fixed(1) };
        let got = engle_granger(&y, &hedges, fixed).unwrap();
        let name = |key: &str| format!("{pair}.{key}");
        check.value(&name("const"), got.constant, &want["const"]);
        check.value(&name("hedge_ratio"), got.hedge_ratios[0], &want["hedge_ratio"]);
        check.value(&name("hedge_ratio alone"), hedge_ratio(&y, &x).unwrap(), &want["hedge_ratio"]);
        check.value(&name("r2"), got.r_squared, &want["r2"]);
        check.value(&name("coint_t_lag1"), got.test.statistic, &want["coint_t_lag1"]);
        check.value(&name("coint_p_lag1"), got.test.p_value, &want["coint_p_lag1"]);
        for (got, want) in got.test.critical_values.unwrap().iter().zip(want["crit"].as_array().unwrap()) {
            check.value(&name("crit"), *got, want);
        }
        let akaike = engle_granger(&y, &hedges, EngleGrangerOptions::default()).unwrap();
        check.value(&name("coint_t_aic"), akaike.test.statistic, &want["coint_t_aic"]);
        check.value(&name("coint_p_aic"), akaike.test.p_value, &want["coint_p_aic"]);
        let naive = dickey_fuller(&got.spread, Deterministic::Constant, Lags::Fixed(1)).unwrap();
        check.value(&name("adf_resid_t_lag1_naive"), naive.statistic, &want["adf_resid_t_lag1_naive"]);
        check.value(&name("half_life"), got.half_life.unwrap(), &want["half_life"]);
        check.value(&name("half_life alone"), half_life(&got.spread).unwrap().unwrap(), &want["half_life"]);
        check.value(&name("zscore_last"), got.z_score, &want["zscore_last"]);
        let both = [y.clone(), x.clone()].concat();
        let test = johansen(&Matrix::new("prices", &both, y.len(), 2).unwrap(), 1).unwrap();
        for i in 0..2 {
            check.value(&name("johansen_trace"), test.trace[i], &want["johansen_trace"][i]);
            check.value(&name("johansen_crit95_trace"), test.trace_critical[i][1], &want["johansen_crit95_trace"][i]);
        }
    }
    check.done();
}

#[test]
fn factors() {
    let Some(folder) = folder() else { return };
    let expected = expected(&folder);
    let (_, factors) = table(&folder, "factor_returns_pct.csv");
    let (_, stocks) = table(&folder, "factor_model_stock_returns_pct.csv");
    let mut check = Check(Vec::new());
    let (rows, f, s) = (factors[0].len(), flat(&factors), flat(&stocks));
    let f = Matrix::new("factors", &f, rows, factors.len()).unwrap();
    let s = Matrix::new("assets", &s, rows, stocks.len()).unwrap();
    let (want, got) = (&expected["factor_model"], fit_factor_model(&s, &f).unwrap());
    for i in 0..stocks.len() {
        check.value("alpha", got.alphas[i], &want["alpha"][i]);
        for k in 0..factors.len() {
            check.value("beta", got.betas.at(i, k), &want["beta"][i][k]);
        }
    }
    let risk = got.risk(&vec![1.0 / stocks.len() as f64; stocks.len()]).unwrap();
    for k in 0..factors.len() {
        check.value("portfolio_beta", risk.betas[k], &want["portfolio_beta"][k]);
        check.value("factor_risk_contrib", risk.contributions[k], &want["factor_risk_contrib"][k]);
    }
    check.value("systematic_var", risk.systematic_variance, &want["systematic_var"]);
    check.value("idiosyncratic_var_diag", risk.specific_variance, &want["idiosyncratic_var_diag"]);
    check.value("systematic_share", risk.systematic_share, &want["systematic_share"]);
    let (want, got) = (&expected["var1_factors"], fit_vector_autoregression(&f).unwrap());
    for i in 0..factors.len() {
        check.value("intercept", got.intercepts[i], &want["intercept"][i]);
        for j in 0..factors.len() {
            check.value("coefs", got.coefficients.at(i, j), &want["coefs"][i][j]);
        }
    }
    check.value("aic", got.aic, &want["aic"]);
    check.value("bic", got.bic, &want["bic"]);
    check.done();
}

#[test]
fn greeks() {
    let Some(folder) = folder() else { return };
    let expected = expected(&folder);
    let mut check = Check(Vec::new());
    for row in expected["greeks"].as_array().unwrap() {
        let number = |key: &str| row[key].as_f64().unwrap();
        let terms = OptionTerms {
            kind: if row["flag"] == "c" { OptionKind::Call } else { OptionKind::Put },
            spot: number("S"),
            strike: number("K"),
            years: number("t"),
            rate: number("r"),
            dividend_yield: number("q"),
            volatility: number("sigma"),
        };
        let got = terms.greeks().unwrap();
        check.value("price", got.price, &row["price"]);
        check.value("delta", got.delta, &row["delta"]);
        check.value("gamma", got.gamma, &row["gamma"]);
        check.value("vega_per_1pct", got.vega, &row["vega_per_1pct"]);
        check.value("theta_per_day", got.theta, &row["theta_per_day"]);
        check.value("rho_per_1pct", got.rho, &row["rho_per_1pct"]);
        let quantlib = &row["quantlib"];
        check.value("quantlib.price", got.price, &quantlib["price"]);
        check.value("quantlib.delta", got.delta, &quantlib["delta"]);
        check.value("quantlib.gamma", got.gamma, &quantlib["gamma"]);
        check.value("quantlib.vega", 100.0 * got.vega, &quantlib["vega"]);
        check.value("quantlib.theta", 365.0 * got.theta, &quantlib["theta"]);
        check.value("quantlib.rho", 100.0 * got.rho, &quantlib["rho"]);
        let back = implied_volatility(&terms, number("price")).unwrap();
        check.value("implied volatility", back, &row["sigma"]);
        check.value("implied_vol_roundtrip", back, &row["implied_vol_roundtrip"]);
    }
    check.done();
}
