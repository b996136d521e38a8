//! # Room card: bindings/node/quant/allocate_simple
//! In:    a risk, conventions of trees, budgets, views, weights, the odds of a bet.
//! Out:   weights as the first array, what they were made of as further arrays and JSON.
//! Holds: no logic.
//! Costs: see `quant::allocate`.
use quant::JobControl;
use quant::allocate::*;
use serde::{Deserialize, Serialize};
use types::Fault;

use super::allocate_options::{Place, RiskSource, per_asset};
use super::{Answer, Arguments, Call};

pub(super) fn find(name: &str) -> Option<Call> {
    Some(match name {
        "equalWeight" => |arguments, _| {
            let Assets { assets } = arguments.options()?;
            Answer::new(&(), vec![equal_weight(assets)?])
        },
        "inverseVolatility" => |arguments, _| {
            let RiskOnly { risk } = arguments.options()?;
            Answer::new(&(), vec![inverse_volatility(risk.read(arguments)?.covariance()?)?])
        },
        "hierarchicalRiskParity" => hierarchical,
        "hierarchicalEqualRiskContribution" => equal_contribution,
        "riskParity" => parity,
        "volatilityTarget" => targeted,
        "roundToLots" => lots,
        "kellyBet" => |arguments, _| {
            let Bet { probability, odds, fraction, cap } = arguments.options()?;
            Answer::new(&kelly_bet(probability, odds, KellyBetOptions { fraction, cap })?, Vec::new())
        },
        "blackLitterman" => blended,
        _ => return None,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Assets {
    assets: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bet {
    probability: f64,
    odds: f64,
    fraction: f64,
    cap: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RiskOnly {
    risk: RiskSource,
}

#[derive(Deserialize)]
#[serde(remote = "Linkage", rename_all = "camelCase")]
enum LinkageName {
    Single,
    Complete,
    Average,
    Ward,
}

#[derive(Deserialize)]
#[serde(remote = "Distance", rename_all = "camelCase")]
enum DistanceName {
    Correlation,
    DistanceOfDistances,
}

#[derive(Deserialize)]
#[serde(remote = "LeafOrder", rename_all = "camelCase")]
enum LeafOrderName {
    Dendrogram,
    Optimal,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Convention {
    #[serde(with = "LinkageName")]
    linkage: Linkage,
    #[serde(with = "DistanceName")]
    distance: Distance,
    #[serde(with = "LeafOrderName")]
    leaf_order: LeafOrder,
}

impl From<Convention> for HierarchyOptions {
    fn from(Convention { linkage, distance, leaf_order }: Convention) -> HierarchyOptions {
        HierarchyOptions { linkage, distance, leaf_order }
    }
}

/// Left, right, height and size of each merge.
fn merges(tree: &Dendrogram) -> Vec<f64> {
    let numbers = |merge: &Merge| [merge.left as f64, merge.right as f64, merge.height, merge.size as f64];
    tree.merges.iter().flat_map(numbers).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hierarchical {
    risk: RiskSource,
    convention: Convention,
}

#[derive(Serialize)]
struct Order {
    order: Vec<usize>,
}

fn hierarchical(arguments: &Arguments, control: &JobControl<'_>) -> Result<Answer, Fault> {
    let Hierarchical { risk, convention } = arguments.options()?;
    let found = hierarchical_risk_parity(risk.read(arguments)?.covariance()?, convention.into(), control)?;
    let tree = merges(&found.tree);
    Answer::new(&Order { order: found.order }, vec![found.weights, tree])
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Contribution {
    risk: RiskSource,
    convention: Convention,
    clusters: Option<usize>,
    clusters_max: usize,
}

#[derive(Serialize)]
struct Clusters {
    clusters: Vec<Vec<usize>>,
}

fn equal_contribution(arguments: &Arguments, control: &JobControl<'_>) -> Result<Answer, Fault> {
    let Contribution { risk, convention, clusters, clusters_max } = arguments.options()?;
    let options = HercOptions { hierarchy: convention.into(), clusters, clusters_max };
    let found = hierarchical_equal_risk_contribution(risk.read(arguments)?.covariance()?, options, control)?;
    let tree = merges(&found.tree);
    Answer::new(&Clusters { clusters: found.clusters }, vec![found.weights, tree])
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parity {
    risk: RiskSource,
    budgets: Option<Place>,
}

#[derive(Serialize)]
struct Residual {
    residual: f64,
}

fn parity(arguments: &Arguments, control: &JobControl<'_>) -> Result<Answer, Fault> {
    let Parity { risk, budgets } = arguments.options()?;
    let budgets = budgets.map(|at| arguments.series("budgets", at)).transpose()?;
    let RiskParity { weights, shares, residual } = risk_parity(risk.read(arguments)?.covariance()?, budgets, control)?;
    Answer::new(&Residual { residual }, vec![weights, shares])
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Target {
    risk: RiskSource,
    weights: Place,
    target: f64,
    periods_per_year: f64,
    leverage_max: Option<f64>,
}

#[derive(Serialize)]
struct Scaled {
    factor: f64,
    volatility: f64,
    cash: f64,
}

fn targeted(arguments: &Arguments, _: &JobControl<'_>) -> Result<Answer, Fault> {
    let given: Target = arguments.options()?;
    let options = VolatilityTargetOptions {
        target: given.target,
        periods_per_year: given.periods_per_year,
        leverage_max: given.leverage_max.unwrap_or(f64::INFINITY),
    };
    let weights = arguments.series("weights", given.weights)?;
    let VolatilityTarget { weights, factor, volatility, cash } =
        volatility_target(weights, given.risk.read(arguments)?.covariance()?, options)?;
    Answer::new(&Scaled { factor, volatility, cash }, vec![weights])
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoOptions {}

#[derive(Serialize)]
struct Cash {
    cash: f64,
}

fn lots(arguments: &Arguments, _: &JobControl<'_>) -> Result<Answer, Fault> {
    let NoOptions {} = arguments.options()?;
    let options = LotOptions {
        lot: per_asset(arguments, "lot", 1)?,
        lower: per_asset(arguments, "lower", 2)?,
        upper: per_asset(arguments, "upper", 3)?,
    };
    let LotWeights { lots, weights, cash } = round_to_lots(arguments.series("weights", 0)?, &options)?;
    Answer::new(&Cash { cash }, vec![lots, weights])
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Blend {
    risk: RiskSource,
    prior: PriorSource,
    views: ViewsSource,
    tau: f64,
    omega: OmegaSource,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
enum PriorSource {
    Returns(Place),
    Market { weights: Place, risk_aversion: f64, risk_free: f64 },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ViewsSource {
    portfolios: Place,
    returns: Place,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum OmegaSource {
    Proportional,
    Variances(Place),
    Covariance(Place),
    Confidence(Place),
}

fn blended(arguments: &Arguments, control: &JobControl<'_>) -> Result<Answer, Fault> {
    let given: Blend = arguments.options()?;
    let prior = match given.prior {
        PriorSource::Returns(at) => Prior::Returns(arguments.series("prior returns", at)?),
        PriorSource::Market { weights, risk_aversion, risk_free } => {
            Prior::Market { weights: arguments.series("market weights", weights)?, risk_aversion, risk_free }
        }
    };
    let views = Views {
        portfolios: arguments.matrix("view portfolios", given.views.portfolios)?,
        returns: arguments.series("view returns", given.views.returns)?,
    };
    let omega = match given.omega {
        OmegaSource::Proportional => Omega::Proportional,
        OmegaSource::Variances(at) => Omega::Variances(arguments.series("view variances", at)?),
        OmegaSource::Covariance(at) => Omega::Covariance(arguments.symmetric("view covariance", at)?),
        OmegaSource::Confidence(at) => Omega::Confidence(arguments.series("view confidence", at)?),
    };
    let options = BlackLittermanOptions { tau: given.tau, omega };
    let risk = given.risk.read(arguments)?;
    let BlackLitterman { prior, expected, covariance } =
        black_litterman(risk.covariance()?, prior, views, options, control)?;
    Answer::new(&(), vec![prior, expected, covariance.into_values()])
}
