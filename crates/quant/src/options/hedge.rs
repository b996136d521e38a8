//! # Room card: quant/options/hedge
//! In:    P&L of a book on scenarios, the hedge's underlying on the same scenarios, a budget or a shortfall to reach.
//! Out:   contracts to buy, their cost, tail risk before and after.
//! Holds: the hedge is priced again on every scenario and its premium is paid; a shortfall that no number of contracts
//!        reaches is an error that names the least one.
//! Costs: one valuation a scenario; the search for the shortfall about 60 sorts.

use super::{OptionKind, OptionTerms};
use crate::error::{at_least, in_range, positive};
use crate::matrix::{checked_vector, checked_vector_of};
use crate::risk::{TailRisk, historical_order, tail_of};
use crate::stats::sorted;
use crate::{JobControl, QuantError};

/// Bound on the steps of the search.
const STEPS_MAX: u32 = 200;

/// An option to hedge with, and what its underlying does on each scenario.
#[derive(Clone, Copy, Debug)]
pub struct HedgeInstrument<'a> {
    /// Terms today: a put on an index, or a call on a future of a volatility index (rate equal to the dividend yield,
    /// so that the underlying is the future: Black 1976).
    pub terms: OptionTerms,
    /// Money a point of the price: the multiplier of the contract.
    pub multiplier: f64,
    /// Relative move of the underlying on each scenario, over -1.
    pub returns: &'a [f64],
    /// Change of the option's volatility on each scenario; empty keeps it.
    pub volatility_changes: &'a [f64],
    /// Years that pass to the scenarios' horizon.
    pub horizon_years: f64,
}

impl<'a> HedgeInstrument<'a> {
    /// A put overlay on an index: `moneyness` is the strike as a part of the spot (0.9 is 10 % out of the money); kind
    /// and strike of `index` are not read.
    pub fn put(index: OptionTerms, moneyness: f64, multiplier: f64, returns: &'a [f64]) -> HedgeInstrument<'a> {
        let terms = OptionTerms { kind: OptionKind::Put, strike: index.spot * moneyness, ..index };
        HedgeInstrument { terms, multiplier, returns, volatility_changes: &[], horizon_years: 0.0 }
    }

    /// A call overlay on a future of a volatility index: the spot is the future's price, the volatility that of the
    /// future, `returns` are its relative moves; kind, strike and dividend yield of `future` are not read.
    pub fn volatility_call(
        future: OptionTerms,
        strike: f64,
        multiplier: f64,
        returns: &'a [f64],
    ) -> HedgeInstrument<'a> {
        let terms = OptionTerms { kind: OptionKind::Call, strike, dividend_yield: future.rate, ..future };
        HedgeInstrument { terms, multiplier, returns, volatility_changes: &[], horizon_years: 0.0 }
    }

    /// The premium of one contract, and its P&L on each scenario with the premium paid.
    ///
    /// Errors: `QUANT_RAGGED`, `QUANT_NOT_FINITE`, `QUANT_OUT_OF_RANGE`; `QUANT_UNDEFINED` for a contract worth
    /// nothing.
    pub fn pnl(&self) -> Result<(f64, Vec<f64>), QuantError> {
        checked_vector("returns", self.returns)?;
        positive("multiplier", self.multiplier)?;
        in_range("horizonYears", self.horizon_years, 0.0, 1e6)?;
        if !self.volatility_changes.is_empty() {
            checked_vector_of("volatilityChanges", self.volatility_changes, self.returns.len())?;
        }
        let now = self.terms.price()?;
        if now <= 0.0 {
            return Err(QuantError::Undefined {
                what: "hedge",
                why: "the contract is worth nothing: no number of it is bounded",
            });
        }
        let mut pnl = Vec::with_capacity(self.returns.len());
        for (i, &r) in self.returns.iter().enumerate() {
            in_range("returns", r, -1.0 + 1e-12, f64::MAX)?;
            let change = self.volatility_changes.get(i).copied().unwrap_or(0.0);
            let then = OptionTerms {
                spot: self.terms.spot * (1.0 + r),
                years: (self.terms.years - self.horizon_years).max(0.0),
                volatility: (self.terms.volatility + change).max(0.0),
                ..self.terms
            };
            pnl.push(self.multiplier * (then.price()? - now));
        }
        Ok((self.multiplier * now, pnl))
    }
}

/// How much to hedge.
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HedgeSize {
    /// Spend this much on premiums.
    Budget(f64),
    /// The fewest contracts that bring the expected shortfall (positive money) down to this.
    TargetShortfall(f64),
}

/// Parameters of [`tail_hedge`].
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HedgeOptions {
    /// How much.
    pub size: HedgeSize,
    /// Confidence of the tail.
    pub confidence: f64,
    /// Whole contracts: a budget buys fewer, a target more.
    pub whole_contracts: bool,
}

/// A sized hedge.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TailHedge {
    /// Contracts to buy.
    pub contracts: f64,
    /// Their premiums.
    pub cost: f64,
    /// Premium of one.
    pub premium: f64,
    /// Tail of the book without the hedge, losses positive.
    pub before: TailRisk,
    /// With it.
    pub after: TailRisk,
    /// Mean P&L that the hedge adds over the scenarios: what it costs to hold.
    pub mean_pnl: f64,
}

/// Sizes an overlay on scenarios of a book's P&L (the past's, or those of a Monte Carlo with `keep_paths`).
///
/// The shortfall is convex in the number of contracts: it falls to a least value and rises after it; the search stays
/// on the falling side.
///
/// Errors: those of [`HedgeInstrument::pnl`]; `QUANT_RAGGED` for scenarios of another number, `QUANT_OUT_OF_RANGE` for
/// a negative budget, or for a target under the least shortfall that any number reaches (`low`).
pub fn tail_hedge(
    book_pnl: &[f64],
    instrument: &HedgeInstrument<'_>,
    options: &HedgeOptions,
    control: &JobControl<'_>,
) -> Result<TailHedge, QuantError> {
    checked_vector("bookPnl", book_pnl)?;
    at_least("bookPnl", book_pnl.len(), 2)?;
    let tail = tail_of(options.confidence)?;
    crate::error::length("returns", instrument.returns.len(), book_pnl.len())?;
    let (premium, unit) = instrument.pnl()?;
    let with = |contracts: f64| {
        let pnl: Vec<f64> = book_pnl.iter().zip(&unit).map(|(b, u)| b + contracts * u).collect();
        historical_order(&sorted(&pnl), tail)
    };
    let before = with(0.0);
    let exact = match options.size {
        HedgeSize::Budget(budget) => {
            in_range("budget", budget, 0.0, f64::MAX)?;
            budget / premium
        }
        HedgeSize::TargetShortfall(target) => {
            crate::error::finite("target", target)?;
            for_target(target, before.expected_shortfall, premium, control, |n| with(n).expected_shortfall)?
        }
    };
    let contracts = match (options.whole_contracts, options.size) {
        (false, _) => exact,
        // A budget of exactly three premiums buys three.
        (true, HedgeSize::Budget(_)) => libm::floor(exact * (1.0 + 4.0 * f64::EPSILON)),
        (true, HedgeSize::TargetShortfall(_)) => libm::ceil(exact * (1.0 - 4.0 * f64::EPSILON)),
    };
    let mean_pnl = contracts * unit.iter().sum::<f64>() / unit.len() as f64;
    Ok(TailHedge { contracts, cost: contracts * premium, premium, before, after: with(contracts), mean_pnl })
}

/// The least n with shortfall(n) <= target, on the falling side of a convex function.
fn for_target(
    target: f64,
    start: f64,
    premium: f64,
    control: &JobControl<'_>,
    shortfall: impl Fn(f64) -> f64,
) -> Result<f64, QuantError> {
    if start <= target {
        return Ok(0.0);
    }
    // Outwards by doubling while the shortfall still falls; then the least point by thirds.
    let (mut step, mut high) = (0.01 * start.abs().max(premium) / premium, 0.0);
    let (mut least, mut best) = (start, 0.0);
    for _ in 0..STEPS_MAX {
        control.check()?;
        high += step;
        let at = shortfall(high);
        if at <= target {
            return bisect(target, best, high, control, shortfall);
        }
        if at >= least {
            break;
        }
        (least, best) = (at, high);
        step *= 2.0;
    }
    let (mut low, mut top) = (0.0f64, high);
    for _ in 0..STEPS_MAX {
        control.check()?;
        let (a, b) = (low + (top - low) / 3.0, top - (top - low) / 3.0);
        let (at_a, at_b) = (shortfall(a), shortfall(b));
        if at_a.min(at_b) <= target {
            let inside = if at_a <= target { a } else { b };
            return bisect(target, 0.0, inside, control, shortfall);
        }
        if at_a <= at_b {
            top = b;
        } else {
            low = a;
        }
        least = least.min(at_a).min(at_b);
        if top - low <= 1e-12 * top.max(1e-300) {
            break;
        }
    }
    Err(QuantError::OutOfRange { what: "target", value: target, low: least, high: f64::MAX })
}

/// Between a number that does not reach the target and one that does.
fn bisect(
    target: f64,
    mut low: f64,
    mut high: f64,
    control: &JobControl<'_>,
    shortfall: impl Fn(f64) -> f64,
) -> Result<f64, QuantError> {
    for _ in 0..STEPS_MAX {
        control.check()?;
        let middle = 0.5 * (low + high);
        if !(middle > low && middle < high) || high - low <= 1e-13 * high {
            break;
        }
        if shortfall(middle) <= target {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(high)
}
