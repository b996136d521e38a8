//! # Room card: quant/options/portfolio
//! In:    a book of units and options.
//! Out:   its Greeks by asset and in money.
//! Holds: positions are added in their order; a unit of the underlying has a delta of 1 and no other Greek.
//! Costs: one valuation a position.

use crate::QuantError;
use crate::error::finite;
use crate::monte_carlo::Book;

/// Sensitivities of everything held in one asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssetGreeks {
    /// Value of units and options.
    pub value: f64,
    /// Units of the asset that move alike.
    pub delta: f64,
    /// Change of delta per unit of price.
    pub gamma: f64,
    /// Change of value per 1 % (one point) of volatility.
    pub vega: f64,
    /// Change of value per calendar day.
    pub theta: f64,
    /// Change of value per 1 % (one point) of the rate.
    pub rho: f64,
    /// Money moved by 1 % of the asset's price: delta · spot / 100.
    pub delta_one_percent: f64,
    /// Change of `delta_one_percent` by 1 % of the asset's price: gamma · spot² / 10,000.
    pub gamma_one_percent: f64,
}

/// Greeks of a book.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PortfolioGreeks {
    /// One an asset.
    pub assets: Vec<AssetGreeks>,
    /// Value of the book.
    pub value: f64,
    /// Money moved by 1 % of every asset's price.
    pub delta_one_percent: f64,
    /// Second-order part of that: change of `delta_one_percent` by 1 % of every price, assets moving each alone.
    pub gamma_one_percent: f64,
    /// Change of value per 1 % of every volatility.
    pub vega: f64,
    /// Change of value per calendar day.
    pub theta: f64,
    /// Change of value per 1 % of every rate.
    pub rho: f64,
}

/// Greeks of a book by asset, and the sums that have a meaning across assets.
///
/// Errors: those of `Book::check`; `QUANT_UNDEFINED` and `QUANT_OUT_OF_RANGE` where a sum overflows.
pub fn portfolio_greeks(book: &Book<'_>) -> Result<PortfolioGreeks, QuantError> {
    book.check()?;
    let mut assets: Vec<AssetGreeks> = book
        .spots
        .iter()
        .zip(book.quantities)
        .map(|(s, &q)| AssetGreeks { value: s * q, delta: q, ..AssetGreeks::default() })
        .collect();
    for option in book.options {
        let g = option.terms(book.spots[option.asset]).greeks()?;
        let sum = &mut assets[option.asset];
        sum.value += option.quantity * g.price;
        sum.delta += option.quantity * g.delta;
        sum.gamma += option.quantity * g.gamma;
        sum.vega += option.quantity * g.vega;
        sum.theta += option.quantity * g.theta;
        sum.rho += option.quantity * g.rho;
    }
    for (sum, spot) in assets.iter_mut().zip(book.spots) {
        sum.delta_one_percent = 0.01 * sum.delta * spot;
        sum.gamma_one_percent = 1e-4 * sum.gamma * spot * spot;
    }
    let total = |of: fn(&AssetGreeks) -> f64| assets.iter().map(of).sum();
    let greeks = PortfolioGreeks {
        value: total(|a| a.value),
        delta_one_percent: total(|a| a.delta_one_percent),
        gamma_one_percent: total(|a| a.gamma_one_percent),
        vega: total(|a| a.vega),
        theta: total(|a| a.theta),
        rho: total(|a| a.rho),
        assets,
    };
    finite("value", greeks.value)?;
    finite("deltaOnePercent", greeks.delta_one_percent)?;
    finite("gammaOnePercent", greeks.gamma_one_percent)?;
    finite("vega", greeks.vega)?;
    finite("theta", greeks.theta)?;
    finite("rho", greeks.rho)?;
    Ok(greeks)
}
