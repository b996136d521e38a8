//! # Room card: quant/risk/filtered
//! In:    returns, a volatility model, a confidence.
//! Out:   value at risk and shortfall of the next period: the past's standardised returns at the volatility of today.
//! Holds: a return is divided by the volatility that was forecast for it, never by one that knows it.
//! Costs: the volatility model and a sort.

use super::RollingQuantile;
use super::value_at_risk::{Convention, TailRisk, historical_interpolated, historical_order, tail_of};
use crate::error::{at_least, finite};
use crate::matrix::checked_vector;
use crate::stats::sorted;
use crate::volatility::{
    EwmaOptions, EwmaStart, GarchOptions, GarchParameters, ewma_volatility, fit_garch, garch_path,
};
use crate::{JobControl, QuantError};

/// The volatility that returns are divided by.
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum VolatilityFilter {
    /// Exponential weights, mean zero.
    Ewma(EwmaOptions),
    /// A GARCH fitted to the returns.
    Garch(GarchOptions),
    /// A GARCH with parameters that the caller has.
    GarchGiven(GarchParameters),
}

/// Parameters of [`filtered_value_at_risk`].
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FilteredOptions {
    /// Over 0 and below 1.
    pub confidence: f64,
    /// The volatility.
    pub filter: VolatilityFilter,
    /// The quantile of the standardised returns, and its shortfall.
    pub quantile: RollingQuantile,
    /// Returns at the start that only warm the filter up.
    pub warm_up: usize,
    /// Sign of a loss.
    pub convention: Convention,
}

impl Default for FilteredOptions {
    fn default() -> Self {
        // The mean square, not the first square: one return of zero would leave the second without a volatility.
        let filter = VolatilityFilter::Ewma(EwmaOptions { start: EwmaStart::MeanSquare, ..EwmaOptions::default() });
        FilteredOptions {
            confidence: 0.95,
            filter,
            quantile: RollingQuantile::Interpolated,
            warm_up: 0,
            convention: Convention::LossPositive,
        }
    }
}

/// A filtered tail.
#[derive(Clone, Debug, PartialEq)]
pub struct FilteredRisk {
    /// Value at risk and shortfall of the next period.
    pub risk: TailRisk,
    /// Volatility forecast for the next period.
    pub volatility: f64,
    /// Standardised returns after the warm-up.
    pub standardised: Vec<f64>,
}

/// Filtered historical simulation over one period: mean + volatility of the next period × quantile of standardised
/// returns.
///
/// Source: G. Barone-Adesi, K. Giannopoulos, L. Vosper (1999); J. Hull, A. White (1998).
///
/// Errors: `QUANT_EMPTY`, `QUANT_NOT_FINITE`, `QUANT_TOO_FEW`, `QUANT_OUT_OF_RANGE`, those of the volatility model,
/// `QUANT_UNDEFINED` where a volatility is 0.
pub fn filtered_value_at_risk(
    returns: &[f64],
    options: &FilteredOptions,
    control: &JobControl<'_>,
) -> Result<FilteredRisk, QuantError> {
    checked_vector("returns", returns)?;
    let tail = tail_of(options.confidence)?;
    at_least("returns", returns.len(), options.warm_up.saturating_add(2))?;
    let (mean, standardised, volatility) = match options.filter {
        VolatilityFilter::Ewma(ewma) => {
            let path = ewma_volatility(returns, ewma)?;
            let standardised = returns.iter().zip(&path.volatilities).map(|(r, v)| r / v).collect();
            (0.0, standardised, path.next)
        }
        VolatilityFilter::Garch(garch) => {
            let fit = fit_garch(returns, GarchOptions { horizon: 1, ..garch }, control)?;
            (fit.parameters.mean, fit.path.standardised, libm::sqrt(fit.path.forecast[0]))
        }
        VolatilityFilter::GarchGiven(parameters) => {
            let path = garch_path(returns, &parameters, 1)?;
            (parameters.mean, path.standardised, libm::sqrt(path.forecast[0]))
        }
    };
    let standardised: Vec<f64> = standardised[options.warm_up..].to_vec();
    if standardised.iter().any(|z| !z.is_finite()) {
        return Err(QuantError::Undefined { what: "standardised", why: "a volatility of 0: give another start" });
    }
    let ordered = sorted(&standardised);
    let unit = match options.quantile {
        RollingQuantile::Interpolated => historical_interpolated(&ordered, tail),
        RollingQuantile::OrderStatistic => historical_order(&ordered, tail),
    };
    let risk = TailRisk {
        value_at_risk: volatility * unit.value_at_risk - mean,
        expected_shortfall: volatility * unit.expected_shortfall - mean,
    };
    finite("valueAtRisk", risk.value_at_risk)?;
    finite("expectedShortfall", risk.expected_shortfall)?;
    Ok(FilteredRisk { risk: risk.under(options.convention), volatility, standardised })
}
