//! # Room card: quant/allocate/measures
//! In:    weights, a covariance, expected returns, the constraints with what was held before and what trading costs.
//! Out:   variance, volatility, expected return, sums of weights, turnover and cost of a portfolio.
//! Holds: the same sums that the optimiser's objective is made of.
//! Costs: O(N²).
use super::covariance_of;
use super::simple::portfolio_variance;
use crate::matrix::checked_vector_of;
use crate::optimise::{Constraints, Region, dot};
use crate::{Matrix, QuantError};

/// What a portfolio is, per period of the covariance.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PortfolioMeasures {
    /// wᵀΣw.
    pub variance: f64,
    /// Its square root.
    pub volatility: f64,
    /// μᵀw; none without expected returns.
    pub expected_return: Option<f64>,
    /// Sum of the weights.
    pub net: f64,
    /// Sum of their sizes.
    pub gross: f64,
    /// Sum of |weight − previous weight|; none where the previous weights are not given.
    pub turnover: Option<f64>,
    /// What the trades from the previous weights cost, by the costs of the constraints.
    pub cost: f64,
}

/// Measures of `weights`; `constraints` tells the previous weights and the costs of trading.
///
/// Errors: `QUANT_RAGGED`, `QUANT_NOT_FINITE`; those of the covariance and of the constraints.
pub fn portfolio_measures(
    weights: &[f64],
    covariance: Matrix<'_>,
    expected: Option<&[f64]>,
    constraints: &Constraints,
) -> Result<PortfolioMeasures, QuantError> {
    let matrix = covariance_of(covariance)?;
    let n = matrix.columns();
    checked_vector_of("weights", weights, n)?;
    if let Some(expected) = expected {
        checked_vector_of("expected returns", expected, n)?;
    }
    let trades: Option<Vec<f64>> = match &constraints.previous {
        Some(previous) => {
            checked_vector_of("previous", previous, n)?;
            Some(weights.iter().zip(previous).map(|(weight, previous)| weight - previous).collect())
        }
        None => None,
    };
    let cost = Region::new(constraints, n)?.trading.map_or(0.0, |trading| trading.cost(weights));
    let variance = portfolio_variance(weights, matrix.values());
    Ok(PortfolioMeasures {
        variance,
        volatility: variance.sqrt(),
        expected_return: expected.map(|expected| dot(expected, weights)),
        net: weights.iter().sum(),
        gross: weights.iter().map(|weight| weight.abs()).sum(),
        turnover: trades.map(|trades| trades.iter().map(|trade| trade.abs()).sum()),
        cost,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimise::PerAsset;

    #[test]
    fn measures_of_a_portfolio_by_hand() {
        let values = [0.04, 0.01, 0.01, 0.09];
        let covariance = Matrix::symmetric("covariance", &values, 2).unwrap();
        let (buy_cost, sell_cost) = (PerAsset::All(0.01), PerAsset::Each(vec![0.02, 0.03]));
        let previous = Some(vec![0.5, 0.5]);
        let constraints = Constraints { previous, buy_cost, sell_cost, ..Constraints::default() };
        let found = portfolio_measures(&[0.75, 0.25], covariance, Some(&[0.1, 0.2]), &constraints).unwrap();
        // 0.75² × 0.04 + 2 × 0.75 × 0.25 × 0.01 + 0.25² × 0.09; a quarter bought at 1 %, a quarter sold at 3 %.
        assert!((found.variance - 0.031875).abs() < 1e-15 && (found.volatility - 0.031875f64.sqrt()).abs() < 1e-15);
        assert!((found.expected_return.unwrap() - 0.125).abs() < 1e-15);
        assert_eq!((found.net, found.gross, found.turnover), (1.0, 1.0, Some(0.5)));
        assert!((found.cost - 0.01).abs() < 1e-15, "{}", found.cost);
        let free = portfolio_measures(&[2.0, -1.0], covariance, None, &Constraints::default()).unwrap();
        assert_eq!((free.net, free.gross, free.turnover, free.cost), (1.0, 3.0, None, 0.0));
        assert_eq!(free.expected_return, None);
    }

    #[test]
    fn bad_arguments_are_named() {
        let covariance = Matrix::symmetric("covariance", &[0.04, 0.0, 0.0, 0.09], 2).unwrap();
        let open = Constraints::default();
        let ragged = QuantError::Ragged { what: "weights", have: 1, need: 2 };
        assert_eq!(portfolio_measures(&[1.0], covariance, None, &open), Err(ragged));
        let nan = portfolio_measures(&[1.0, 0.0], covariance, Some(&[f64::NAN, 0.0]), &open);
        assert_eq!(nan, Err(QuantError::NotFinite { what: "expected returns", row: 0, column: 0 }));
    }
}
