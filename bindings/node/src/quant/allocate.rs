//! # Room card: bindings/node/quant/allocate
//! In:    a risk (covariance or returns), expected returns, constraints.
//! Out:   weights as the first array; objective, residual and measures as JSON.
//! Holds: no logic; what is measured is measured by `quant::allocate::portfolio_measures`.
//! Costs: see `quant::allocate`; the condition number costs the eigenvalues (assets³) where it is asked for.
use quant::JobControl;
use quant::allocate::*;
use quant::covariance::condition_number;
use quant::optimise::{Allocation, Constraints};
use serde::{Deserialize, Serialize};
use types::Fault;

use super::allocate_options::{Limits, Place, Risk, RiskSource};
use super::{Answer, Arguments, Call};

pub(super) fn find(name: &str) -> Option<Call> {
    Some(match name {
        "minimumVariance" => least_variance,
        "meanVariance" => markowitz,
        "maximumSharpe" => sharpe,
        "maximumDiversification" => diversified,
        "kellyWeights" => kelly,
        "minimumCvar" => least_shortfall,
        _ => return None,
    })
}

/// A problem: risk, constraints, what is looked for, and whether the condition number is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Problem<T> {
    risk: RiskSource,
    constraints: Limits,
    condition_number: bool,
    #[serde(default)]
    expected: Option<Place>,
    goal: T,
}

/// A problem with its arrays read.
struct Given<'a> {
    risk: Risk<'a>,
    constraints: Constraints,
    expected: Option<&'a [f64]>,
    condition_number: bool,
}

impl<T> Problem<T> {
    fn read<'a>(&self, arguments: &'a Arguments) -> Result<Given<'a>, Fault> {
        Ok(Given {
            risk: self.risk.read(arguments)?,
            constraints: self.constraints.read(arguments)?,
            expected: self.expected.map(|at| arguments.series("expected", at)).transpose()?,
            condition_number: self.condition_number,
        })
    }
}

/// No parameter.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// What every optimised portfolio is told with.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Numbers {
    objective: f64,
    residual: f64,
    steps: usize,
    /// Null where it was not asked for, and where it is infinite: `condition_asked` tells which.
    condition_number: Option<f64>,
    #[serde(flatten)]
    measures: PortfolioMeasures,
}

impl Given<'_> {
    /// The expected returns; TypeScript gives them wherever they are needed.
    fn expected(&self) -> &[f64] {
        self.expected.unwrap_or_default()
    }

    fn answer(&self, found: Allocation, objective: impl FnOnce(&PortfolioMeasures) -> f64) -> Result<Answer, Fault> {
        let covariance = self.risk.covariance()?;
        let measures = portfolio_measures(&found.weights, covariance, self.expected, &self.constraints)?;
        let condition_number = if self.condition_number { Some(condition_number(covariance)?) } else { None };
        let Allocation { weights, residual, steps } = found;
        Answer::new(
            &Numbers { objective: objective(&measures), residual, steps, condition_number, measures },
            vec![weights],
        )
    }

    fn ratio(&self, found: RatioWeights) -> Result<Answer, Fault> {
        let RatioWeights { weights, ratio, residual, steps } = found;
        self.answer(Allocation { weights, residual, steps }, |_| ratio)
    }
}

fn least_variance(arguments: &Arguments, control: &JobControl<'_>) -> Result<Answer, Fault> {
    let given = arguments.options::<Problem<Nothing>>()?.read(arguments)?;
    let found = minimum_variance(given.risk.covariance()?, &given.constraints, control)?;
    given.answer(found, |measures| measures.variance / 2.0 + measures.cost)
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
enum Goal {
    RiskAversion(f64),
    TargetReturn(f64),
    ExactReturn(f64),
    TargetVolatility(f64),
}

fn markowitz(arguments: &Arguments, control: &JobControl<'_>) -> Result<Answer, Fault> {
    let problem: Problem<Goal> = arguments.options()?;
    let given = problem.read(arguments)?;
    let objective = match problem.goal {
        Goal::RiskAversion(gamma) => Objective::RiskAversion { gamma },
        Goal::TargetReturn(target) => Objective::TargetReturn { target, kind: TargetKind::AtLeast },
        Goal::ExactReturn(target) => Objective::TargetReturn { target, kind: TargetKind::Exactly },
        Goal::TargetVolatility(target) => Objective::TargetVolatility { target },
    };
    let found = mean_variance(given.expected(), given.risk.covariance()?, objective, &given.constraints, control)?;
    given.answer(found, |measures| {
        let reward = measures.expected_return.unwrap_or_default() - measures.cost;
        match objective {
            Objective::RiskAversion { gamma } => reward - gamma / 2.0 * measures.variance,
            Objective::TargetReturn { .. } => measures.variance / 2.0 + measures.cost,
            Objective::TargetVolatility { .. } => reward,
        }
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RiskFree {
    risk_free: f64,
}

fn sharpe(arguments: &Arguments, control: &JobControl<'_>) -> Result<Answer, Fault> {
    let problem: Problem<RiskFree> = arguments.options()?;
    let given = problem.read(arguments)?;
    let rate = problem.goal.risk_free;
    let covariance = given.risk.covariance()?;
    given.ratio(maximum_sharpe(given.expected(), covariance, rate, &given.constraints, control)?)
}

fn diversified(arguments: &Arguments, control: &JobControl<'_>) -> Result<Answer, Fault> {
    let given = arguments.options::<Problem<Nothing>>()?.read(arguments)?;
    given.ratio(maximum_diversification(given.risk.covariance()?, &given.constraints, control)?)
}

/// No cap is none given.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct KellyGoal {
    risk_free: f64,
    fraction: f64,
    cap: Option<f64>,
    gross_max: Option<f64>,
    constrained: bool,
}

fn kelly(arguments: &Arguments, control: &JobControl<'_>) -> Result<Answer, Fault> {
    let problem: Problem<KellyGoal> = arguments.options()?;
    let given = problem.read(arguments)?;
    let KellyGoal { risk_free, fraction, cap, gross_max, constrained } = problem.goal;
    let options = KellyOptions {
        risk_free,
        fraction,
        cap: cap.unwrap_or(f64::INFINITY),
        gross_max: gross_max.unwrap_or(f64::INFINITY),
        constraints: constrained.then(|| given.constraints.clone()),
    };
    let found = kelly_weights(given.expected(), given.risk.covariance()?, &options, control)?;
    given.answer(found, |measures| {
        let excess = measures.expected_return.unwrap_or_default() - risk_free * measures.net;
        excess - measures.variance / 2.0 - measures.cost
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Shortfall {
    returns: Place,
    beta: f64,
    target_return: Option<f64>,
    expected: Option<Place>,
    constraints: Limits,
}

#[derive(Serialize)]
struct Tail {
    cvar: f64,
    var: f64,
}

fn least_shortfall(arguments: &Arguments, control: &JobControl<'_>) -> Result<Answer, Fault> {
    let given: Shortfall = arguments.options()?;
    let expected = given.expected.map(|at| arguments.series("expected", at)).transpose()?;
    let target = given.target_return.zip(expected).map(|(target, expected)| (expected.to_vec(), target));
    let options = CvarOptions { beta: given.beta, target };
    let returns = arguments.matrix("returns", given.returns)?;
    let MinimumCvar { weights, cvar, var, .. } =
        minimum_cvar(returns, &options, &given.constraints.read(arguments)?, control)?;
    Answer::new(&Tail { cvar, var }, vec![weights])
}
