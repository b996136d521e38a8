//! # Room card: quant/allocate/mean_variance
//! In:    a covariance, expected returns, an objective, constraints.
//! Out:   weights of minimum variance, of a target return or volatility, or of a risk aversion.
//! Holds: the answer of `optimise`: optimality conditions to 1e-10, bounds exact, conflicts named.
//! Costs: one quadratic program; a target volatility some ten (bench: quant/min-variance).
use super::covariance_of;
use super::ratio::Frontier;
use crate::error::{finite, in_range, positive};
use crate::matrix::checked_vector_of;
use crate::optimise::{Allocation, Constraints, Region, Scaled};
use crate::{JobControl, Matrix, QuantError};

/// Whether a target return is a floor or must be met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TargetKind {
    /// At least the target: where the portfolio of least variance earns more, it is the answer.
    #[default]
    AtLeast,
    /// The target itself.
    Exactly,
}

/// What `mean_variance` looks for. Returns and volatilities are per period of the covariance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Objective {
    /// The highest μᵀw − γ/2 wᵀΣw − costs.
    RiskAversion {
        /// γ, at least 0; at 0 only returns count.
        gamma: f64,
    },
    /// The least ½ wᵀΣw + costs with an expected return.
    TargetReturn {
        /// Expected return.
        target: f64,
        /// Floor or equality.
        kind: TargetKind,
    },
    /// The highest μᵀw − costs with at most a volatility.
    TargetVolatility {
        /// Volatility.
        target: f64,
    },
}

/// The weights with the least variance under `constraints`; with costs the least ½ wᵀΣw + costs.
///
/// Errors: `QUANT_INFEASIBLE` with the constraints in conflict, `QUANT_UNBOUNDED`, `QUANT_NOT_POSITIVE_DEFINITE`,
/// `QUANT_NOT_CONVERGED`, `QUANT_CANCELLED`; those of the arguments.
pub fn minimum_variance(
    covariance: Matrix<'_>,
    constraints: &Constraints,
    control: &JobControl<'_>,
) -> Result<Allocation, QuantError> {
    let n = covariance.columns();
    let matrix = covariance_of(covariance)?;
    let region = Region::new(constraints, n)?;
    Scaled::new(matrix.values(), 1.0, &vec![0.0; n], &region)?.solve(control)
}

/// The weights that meet `objective` (Markowitz 1952) under `constraints`.
///
/// Errors: those of `minimum_variance`; `QUANT_INFEASIBLE` names "target return" or "target volatility" where that is
/// what cannot be met.
pub fn mean_variance(
    expected: &[f64],
    covariance: Matrix<'_>,
    objective: Objective,
    constraints: &Constraints,
    control: &JobControl<'_>,
) -> Result<Allocation, QuantError> {
    let n = covariance.columns();
    let matrix = covariance_of(covariance)?;
    checked_vector_of("expected returns", expected, n)?;
    let mut region = Region::new(constraints, n)?;
    match objective {
        Objective::RiskAversion { gamma } => {
            in_range("risk aversion", gamma, 0.0, f64::MAX)?;
            Scaled::new(matrix.values(), gamma, expected, &region)?.solve(control)
        }
        Objective::TargetReturn { target, kind } => {
            finite("target return", target)?;
            let upper = if kind == TargetKind::Exactly { target } else { f64::INFINITY };
            region.add_row("target return".to_string(), expected.to_vec(), target, upper)?;
            Scaled::new(matrix.values(), 1.0, &vec![0.0; n], &region)?.solve(control)
        }
        Objective::TargetVolatility { target } => {
            positive("target volatility", target)?;
            Frontier::new(matrix.values(), expected, &region, control)?.at_volatility(target)
        }
    }
}
