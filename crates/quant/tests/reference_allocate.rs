//! The allocators against `../shared/reference/quant/expected.json`, where that folder is there: SciPy, skfolio,
//! PyPortfolioOpt, Riskfolio-Lib and HiGHS on 20 stocks and 1,010 days. Weights to 1e-9, the minimum-CVaR vertex to
//! 1e-6 and its value to 1e-9.
use quant::allocate::*;
use quant::optimise::Constraints;
use quant::{JobControl, Matrix};
use serde_json::Value;

struct Panel {
    names: Vec<String>,
    returns: Vec<f64>,
    rows: usize,
    covariance: Vec<f64>,
    means: Vec<f64>,
    expected: Value,
}

fn folder() -> Option<std::path::PathBuf> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference/quant");
    let found = std::env::var_os("FAFNIR_REFERENCE").map_or(root, Into::into);
    if found.join("expected.json").exists() {
        return Some(found);
    }
    println!("skipped: ../shared/reference/quant is not there");
    None
}

fn panel() -> Option<Panel> {
    let folder = folder()?;
    let text = std::fs::read_to_string(folder.join("returns.csv")).expect("returns.csv");
    let mut lines = text.lines();
    let names: Vec<String> = lines.next().expect("head").split(',').skip(1).map(str::to_string).collect();
    let rows: Vec<Vec<f64>> =
        lines.map(|line| line.split(',').skip(1).map(|cell| cell.parse().expect("number")).collect()).collect();
    let (t, n) = (rows.len(), names.len());
    let returns: Vec<f64> = (0..n).flat_map(|asset| rows.iter().map(move |row| row[asset])).collect();
    let means: Vec<f64> = returns.chunks(t).map(|column| column.iter().sum::<f64>() / t as f64).collect();
    let mut covariance = vec![0.0; n * n];
    for a in 0..n {
        for b in 0..n {
            let products = (0..t).map(|i| (returns[a * t + i] - means[a]) * (returns[b * t + i] - means[b]));
            covariance[a * n + b] = products.sum::<f64>() / (t - 1) as f64;
        }
    }
    let text = std::fs::read_to_string(folder.join("expected.json")).expect("expected.json");
    let expected = serde_json::from_str(&text).expect("json");
    Some(Panel { names, returns, rows: t, covariance, means, expected })
}

impl Panel {
    fn covariance(&self) -> Matrix<'_> {
        Matrix::symmetric("covariance", &self.covariance, self.names.len()).expect("symmetric")
    }
    fn weights_are(&self, key: &str, weights: &[f64], tolerance: f64) {
        self.series_are(&self.expected["weights"][key], key, weights, tolerance);
    }
    fn series_are(&self, expected: &Value, key: &str, ours: &[f64], tolerance: f64) {
        let mut worst = 0.0f64;
        for (name, value) in self.names.iter().zip(ours) {
            let expected = expected[name].as_f64().unwrap_or_else(|| panic!("{key}: no {name}"));
            worst = worst.max((value - expected).abs());
        }
        println!("{key}: {worst:.1e}");
        assert!(worst <= tolerance, "{key}: off by {worst:e}");
    }
}

#[test]
fn simple_and_hierarchical_weights() {
    let Some(panel) = panel() else { return };
    let n = panel.names.len();
    panel.weights_are("equal_weight", &equal_weight(n).expect("assets"), 1e-9);
    panel.weights_are("inverse_volatility", &inverse_volatility(panel.covariance()).expect("risk"), 1e-9);
    let (single, ward) = (Linkage::Single, Linkage::Ward);
    let cases = [
        ("hrp_single_linkage_d", HierarchyOptions::PY_PORTFOLIO_OPT),
        ("hrp_single_linkage_distance_of_distance_LdP2016", HierarchyOptions::LOPEZ_DE_PRADO),
        ("hrp_ward_linkage_d_unordered", HierarchyOptions { linkage: ward, ..HierarchyOptions::PY_PORTFOLIO_OPT }),
        ("hrp_skfolio_single_optimal_leaf_order", HierarchyOptions { linkage: single, ..HierarchyOptions::SKFOLIO }),
        ("hrp_skfolio_ward_optimal_leaf_order", HierarchyOptions::SKFOLIO),
        ("hrp_riskfolio_single_optimal_leaf_order", HierarchyOptions::RISKFOLIO),
        ("hrp_riskfolio_ward_optimal_leaf_order", HierarchyOptions { linkage: ward, ..HierarchyOptions::RISKFOLIO }),
    ];
    for (key, options) in cases {
        let hrp = hierarchical_risk_parity(panel.covariance(), options, &JobControl::NONE).expect(key);
        panel.weights_are(key, &hrp.weights, 1e-9);
        if key == "hrp_single_linkage_d" {
            let order: Vec<&str> = hrp.order.iter().map(|&asset| panel.names[asset].as_str()).collect();
            assert_eq!(serde_json::json!(order), panel.expected["hrp_single_order"]);
        }
    }
    let herc = hierarchical_equal_risk_contribution(panel.covariance(), HercOptions::default(), &JobControl::NONE)
        .expect("herc");
    panel.weights_are("herc_riskfolio_ward", &herc.weights, 1e-9);
}

#[test]
fn optimised_weights() {
    let Some(panel) = panel() else { return };
    let (sigma, long) = (panel.covariance(), Constraints::default());
    let open = minimum_variance(sigma, &Constraints::long_short(), &JobControl::NONE).expect("open");
    panel.weights_are("min_variance_unconstrained", &open.weights, 1e-9);
    let least = minimum_variance(sigma, &long, &JobControl::NONE).expect("long");
    panel.weights_are("min_variance_long_only", &least.weights, 1e-9);
    let sharpe = maximum_sharpe(&panel.means, sigma, 0.0, &long, &JobControl::NONE).expect("sharpe");
    panel.weights_are("max_sharpe_long_only", &sharpe.weights, 1e-9);
    let spread = maximum_diversification(sigma, &long, &JobControl::NONE).expect("diversification");
    panel.weights_are("max_diversification_long_only", &spread.weights, 1e-9);
    let ratio = panel.expected["max_diversification_ratio"].as_f64().expect("ratio");
    assert!((spread.ratio - ratio).abs() < 1e-10, "{} {ratio}", spread.ratio);
    panel.weights_are("risk_parity_erc", &risk_parity(sigma, None, &JobControl::NONE).expect("erc").weights, 1e-9);
    let n = panel.names.len();
    let budgets: Vec<f64> = (0..n).map(|asset| 1.0 + asset as f64 / (n - 1) as f64).collect();
    panel.weights_are(
        "risk_budget_linear_1_to_2",
        &risk_parity(sigma, Some(&budgets), &JobControl::NONE).expect("erc").weights,
        1e-9,
    );
    let kelly = kelly_weights(&panel.means, sigma, &KellyOptions::default(), &JobControl::NONE).expect("kelly");
    panel.weights_are("kelly_full_unconstrained_S^-1(mu-rf)", &kelly.weights, 1e-9);
    let quarter = KellyOptions { fraction: 0.25, ..KellyOptions::default() };
    panel.weights_are(
        "kelly_quarter",
        &kelly_weights(&panel.means, sigma, &quarter, &JobControl::NONE).expect("kelly").weights,
        1e-9,
    );
}

#[test]
fn least_expected_shortfall() {
    let Some(panel) = panel() else { return };
    let returns = Matrix::new("returns", &panel.returns, panel.rows, panel.names.len()).expect("returns");
    for (beta, name) in [(0.95, "0.95"), (0.99, "0.99")] {
        let options = CvarOptions { beta, target: None };
        let found = minimum_cvar(returns, &options, &Constraints::default(), &JobControl::NONE).expect("vertex");
        panel.weights_are(&format!("min_cvar_{name}"), &found.weights, 1e-6);
        for (key, ours) in [("value", found.cvar), ("var_at_optimum", found.var)] {
            let expected = panel.expected[format!("min_cvar_{name}_{key}")].as_f64().expect("number");
            println!("min_cvar_{name}_{key}: {:.1e}", (ours - expected).abs());
            assert!((ours - expected).abs() < 1e-9, "{name} {key}: {ours} {expected}");
        }
        let sum: f64 = found.weights.iter().sum();
        assert!((sum - 1.0).abs() < 1e-12, "{sum}");
    }
}

#[test]
fn views_and_bets() {
    let Some(panel) = panel() else { return };
    let n = panel.names.len();
    let yearly: Vec<f64> = panel.covariance.iter().map(|value| 252.0 * value).collect();
    let sigma = Matrix::symmetric("covariance", &yearly, n).expect("symmetric");
    let place = |name: &str| panel.names.iter().position(|known| known == name).expect("asset");
    let expected = &panel.expected["black_litterman"];
    let views = expected["views"].as_array().expect("views");
    let k = views.len();
    let (mut portfolios, mut outlook) = (vec![0.0; k * n], Vec::new());
    for (view, stated) in views.iter().enumerate() {
        for (name, weight) in stated[0].as_object().expect("portfolio") {
            portfolios[place(name) * k + view] = weight.as_f64().expect("weight");
        }
        outlook.push(stated[1].as_f64().expect("return"));
    }
    let portfolios = Matrix::new("views", &portfolios, k, n).expect("views");
    let equal = equal_weight(n).expect("assets");
    let prior = Prior::Market { weights: &equal, risk_aversion: 2.5, risk_free: 0.0 };
    let views = Views { portfolios, returns: &outlook };
    let blend =
        black_litterman(sigma, prior, views, BlackLittermanOptions::default(), &JobControl::NONE).expect("blend");
    panel.series_are(&expected["prior"], "black_litterman prior", &blend.prior, 1e-10);
    panel.series_are(&expected["posterior_mu"], "black_litterman mu", &blend.expected, 1e-10);
    let diagonal: Vec<f64> = (0..n).map(|asset| blend.covariance.at(asset, asset)).collect();
    panel.series_are(&expected["posterior_cov_diag"], "black_litterman covariance", &diagonal, 1e-10);
    for bet in panel.expected["kelly_binary"].as_array().expect("bets") {
        let number = |key: &str| bet[key].as_f64().expect("number");
        for (key, fraction) in [("f", 1.0), ("quarter", 0.25)] {
            let options = KellyBetOptions { fraction, cap: 1.0 };
            let ours = kelly_bet(number("p"), number("b"), options).expect("bet");
            assert!((ours - number(key)).abs() < 1e-10, "{ours} {bet}");
        }
    }
}
