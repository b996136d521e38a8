//! # Room card: quant/execution
//! In:    a quantity to trade, a horizon, volatility, impact, risk aversion.
//! Out:   the Almgren-Chriss schedule with its cost and variance; the frontier over risk aversions.
//! Holds: holdings fall from the whole quantity to 0 without turning; no overflow, however urgent.
//! Costs: a few hyperbolic functions an interval.
use crate::QuantError;
use crate::error::{at_least, at_most, finite, in_range, positive};
use crate::matrix::checked_vector;

/// More intervals than this are refused.
pub const INTERVALS_MAX: usize = 1 << 20;

/// Parameters of `almgren_chriss`, in one currency, one time unit and one quantity unit throughout.
#[derive(Clone, Copy, PartialEq, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AlmgrenChriss {
    /// Quantity to sell (X); a purchase has the same schedule.
    pub quantity: f64,
    /// Time until it is sold (T).
    pub horizon: f64,
    /// Trades, one at the end of each of as many equal intervals (N).
    pub intervals: usize,
    /// Standard deviation of the price over a time unit (σ), in price.
    pub volatility: f64,
    /// Permanent impact (γ), price per quantity.
    pub permanent_impact: f64,
    /// Temporary impact (η), price per quantity per time.
    pub temporary_impact: f64,
    /// Fixed cost (ε), price: half the spread and fees.
    pub fixed_cost: f64,
    /// Risk aversion (λ), per currency; 0 sells evenly.
    pub risk_aversion: f64,
}

/// A schedule, and what it costs.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trajectory {
    /// Urgency (κ) per time unit: what is held falls by about e every 1/κ.
    pub kappa: f64,
    /// Its continuous-time limit (κ̃).
    pub kappa_tilde: f64,
    /// Temporary impact less half a permanent interval (η̃).
    pub eta_tilde: f64,
    /// Held at the start and after each trade: N + 1 values, the first X, the last 0.
    #[serde(skip)]
    pub holdings: Vec<f64>,
    /// Sold in each interval: N values that add up to X.
    #[serde(skip)]
    pub trades: Vec<f64>,
    /// Expected shortfall against the arrival price, currency.
    pub expected_cost: f64,
    /// Variance of the shortfall, currency squared.
    pub variance: f64,
}

/// Optimal execution with linear impact in discrete time.
///
/// Errors: `QUANT_OUT_OF_RANGE` (a parameter), `QUANT_TOO_LARGE` (intervals), `QUANT_UNDEFINED` where half an
/// interval's permanent impact is not below the temporary impact, or a value overflows. Cost: O(intervals).
/// Source: Almgren, Chriss, "Optimal execution of portfolio transactions", Journal of Risk 3 (2000), eqs. 16 to 20.
pub fn almgren_chriss(parameters: AlmgrenChriss) -> Result<Trajectory, QuantError> {
    check(&parameters)?;
    let AlmgrenChriss { quantity, horizon, intervals, volatility, .. } = parameters;
    let interval = horizon / intervals as f64;
    let eta_tilde = parameters.temporary_impact - parameters.permanent_impact * interval / 2.0;
    if eta_tilde <= 0.0 {
        let why = "temporaryImpact must be above permanentImpact × interval / 2";
        return Err(QuantError::Undefined { what: "kappa", why });
    }
    let kappa_tilde_squared = parameters.risk_aversion * volatility * volatility / eta_tilde;
    // acosh(1 + half) without the loss of digits near 1.
    let half = interval * interval * kappa_tilde_squared / 2.0;
    let kappa = libm::log1p(half + libm::sqrt(half) * libm::sqrt(half + 2.0)) / interval;
    if !kappa.is_finite() {
        return Err(QuantError::Undefined { what: "kappa", why: "risk aversion times variance overflows" });
    }
    let mut holdings: Vec<f64> =
        (0..=intervals).map(|at| quantity * left(kappa, horizon, interval * at as f64)).collect();
    holdings[intervals] = 0.0;
    let trades: Vec<f64> = holdings.windows(2).map(|pair| pair[0] - pair[1]).collect();
    let squares: f64 = trades.iter().map(|trade| trade * trade).sum();
    let traded: f64 = trades.iter().map(|trade| trade.abs()).sum();
    let held: f64 = holdings[1..].iter().map(|value| value * value).sum();
    let expected_cost = 0.5 * parameters.permanent_impact * quantity * quantity
        + parameters.fixed_cost * traded
        + eta_tilde / interval * squares;
    let variance = volatility * volatility * interval * held;
    if !(expected_cost.is_finite() && variance.is_finite()) {
        return Err(QuantError::Undefined { what: "expectedCost", why: "quantity squared times impact overflows" });
    }
    let kappa_tilde = libm::sqrt(kappa_tilde_squared);
    Ok(Trajectory { kappa, kappa_tilde, eta_tilde, holdings, trades, expected_cost, variance })
}

/// sinh(κ(T - t)) / sinh(κT), which tends to (T - t) / T: written with exponentials that cannot overflow.
fn left(kappa: f64, horizon: f64, time: f64) -> f64 {
    if kappa * horizon < 1e-8 {
        return (horizon - time) / horizon;
    }
    let above = libm::expm1(-2.0 * kappa * (horizon - time));
    libm::exp(-kappa * time) * (above / libm::expm1(-2.0 * kappa * horizon))
}

fn check(parameters: &AlmgrenChriss) -> Result<(), QuantError> {
    positive("quantity", parameters.quantity)?;
    positive("horizon", parameters.horizon)?;
    at_least("intervals", parameters.intervals, 1)?;
    at_most("intervals", parameters.intervals, INTERVALS_MAX)?;
    in_range("volatility", parameters.volatility, 0.0, f64::MAX)?;
    in_range("permanentImpact", parameters.permanent_impact, 0.0, f64::MAX)?;
    positive("temporaryImpact", parameters.temporary_impact)?;
    finite("fixedCost", parameters.fixed_cost)?;
    in_range("riskAversion", parameters.risk_aversion, 0.0, f64::MAX)
}

/// A point of the efficient frontier of execution.
#[derive(Clone, Copy, PartialEq, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FrontierPoint {
    /// Risk aversion (λ).
    pub risk_aversion: f64,
    /// Expected shortfall, currency.
    pub expected_cost: f64,
    /// Variance of the shortfall.
    pub variance: f64,
    /// Time in which what is held falls by e, 1/κ (the paper's half-life of the trade); infinite at λ = 0.
    pub half_life: f64,
}

/// Cost against risk for each risk aversion; the aversion in `parameters` is not read.
///
/// Errors: those of `almgren_chriss`; `QUANT_EMPTY` without aversions.
pub fn frontier(parameters: AlmgrenChriss, risk_aversions: &[f64]) -> Result<Vec<FrontierPoint>, QuantError> {
    checked_vector("riskAversions", risk_aversions)?;
    let point = |risk_aversion: &f64| {
        let path = almgren_chriss(AlmgrenChriss { risk_aversion: *risk_aversion, ..parameters })?;
        Ok(FrontierPoint {
            risk_aversion: *risk_aversion,
            expected_cost: path.expected_cost,
            variance: path.variance,
            half_life: 1.0 / path.kappa,
        })
    };
    risk_aversions.iter().map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAPER: AlmgrenChriss = AlmgrenChriss {
        quantity: 1e6,
        horizon: 5.0,
        intervals: 5,
        volatility: 0.95,
        permanent_impact: 2.5e-7,
        temporary_impact: 2.5e-6,
        fixed_cost: 0.0625,
        risk_aversion: 1e-6,
    };

    /// The objective of the discrete problem, E + λV, minimised as a tridiagonal linear system.
    fn by_linear_system(p: &AlmgrenChriss) -> Vec<f64> {
        let interval = p.horizon / p.intervals as f64;
        let impact = 2.0 * (p.temporary_impact - p.permanent_impact * interval / 2.0) / interval;
        let diagonal = 2.0 * impact + 2.0 * p.risk_aversion * p.volatility * p.volatility * interval;
        let unknowns = p.intervals - 1;
        let (mut pivots, mut right) = (vec![diagonal; unknowns], vec![0.0; unknowns]);
        right[0] = impact * p.quantity;
        for at in 1..unknowns {
            let factor = impact / pivots[at - 1];
            pivots[at] -= factor * impact;
            right[at] += factor * right[at - 1];
        }
        let mut holdings = vec![0.0; p.intervals + 1];
        holdings[0] = p.quantity;
        for at in (0..unknowns).rev() {
            holdings[at + 1] = (right[at] + impact * holdings[at + 2]) / pivots[at];
        }
        holdings
    }

    #[test]
    fn the_papers_example() {
        let path = almgren_chriss(PAPER).unwrap();
        assert!((path.kappa - 0.607_076_163_247).abs() < 1e-12);
        let published = [1e6, 541_955.554_374, 289_854.219_410, 147_897.487_822, 62_141.801_606, 0.0];
        for (holding, wanted) in path.holdings.iter().zip(published) {
            assert!((holding - wanted).abs() < 1e-6, "{holding} and {wanted}");
        }
    }

    #[test]
    fn schedules_solve_the_linear_system() {
        for (intervals, horizon, risk_aversion) in [(2, 1.0, 1e-7), (7, 3.0, 1e-5), (50, 5.0, 2e-6), (400, 5.0, 1e-9)] {
            let parameters = AlmgrenChriss { intervals, horizon, risk_aversion, ..PAPER };
            let path = almgren_chriss(parameters).unwrap();
            for (found, wanted) in path.holdings.iter().zip(by_linear_system(&parameters)) {
                assert!((found - wanted).abs() < 1e-5, "{parameters:?}: {found} and {wanted}");
            }
            assert!((path.trades.iter().sum::<f64>() - 1e6).abs() < 1e-6);
        }
    }

    #[test]
    fn without_risk_aversion_it_sells_evenly_and_with_much_at_once() {
        let even = almgren_chriss(AlmgrenChriss { risk_aversion: 0.0, ..PAPER }).unwrap();
        assert!(even.trades.iter().all(|trade| (trade - 2e5).abs() < 1e-6));
        let urgent = almgren_chriss(AlmgrenChriss { risk_aversion: 1e6, horizon: 5e4, ..PAPER });
        assert!(matches!(urgent, Err(QuantError::Undefined { .. })), "half an interval's γ is above η");
        let urgent = almgren_chriss(AlmgrenChriss { risk_aversion: 1e290, volatility: 1.0, ..PAPER }).unwrap();
        assert!(urgent.holdings[1].abs() < 1e-3 && urgent.holdings.iter().all(|held| held.is_finite()));
    }

    #[test]
    fn the_frontier_trades_cost_for_risk() {
        let aversions = [0.0, 1e-7, 1e-6, 1e-5, 1e-4];
        let points = frontier(PAPER, &aversions).unwrap();
        for pair in points.windows(2) {
            assert!(pair[0].expected_cost < pair[1].expected_cost && pair[0].variance > pair[1].variance);
        }
        assert_eq!(frontier(PAPER, &[]), Err(QuantError::Empty { what: "riskAversions" }));
    }

    #[test]
    fn bad_parameters_are_named() {
        let refused = |parameters| match almgren_chriss(parameters) {
            Err(QuantError::OutOfRange { what, .. } | QuantError::TooFew { what, .. }) => what,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(AlmgrenChriss { quantity: 0.0, ..PAPER }), "quantity");
        assert_eq!(refused(AlmgrenChriss { horizon: f64::INFINITY, ..PAPER }), "horizon");
        assert_eq!(refused(AlmgrenChriss { intervals: 0, ..PAPER }), "intervals");
        assert_eq!(refused(AlmgrenChriss { volatility: f64::NAN, ..PAPER }), "volatility");
        assert_eq!(refused(AlmgrenChriss { risk_aversion: -1.0, ..PAPER }), "riskAversion");
    }
}
