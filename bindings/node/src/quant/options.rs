//! # Room card: bindings/node/quant/options
//! In:    terms of options: one in the slots of a typed array, many as columns; a book; scenarios of a hedge.
//! Out:   prices, Greeks, implied volatilities in the slots or as columns; sums of a book and a hedge's size as JSON.
//! Holds: no logic; Greeks touch neither JSON nor the pool: a batch comes in slices that end before the event loop
//!        would wait.
//! Costs: see `quant::options`; a single option a quarter of a microsecond, most of it the way across.
use napi::bindgen_prelude::{Float64ArraySlice, Uint8ArraySlice};
use napi_derive::napi;
use quant::options::{
    AssetGreeks, GreekColumns, Greeks, HedgeInstrument, HedgeOptions, OptionColumns, OptionKind, OptionTerms,
    greeks_batch, implied_volatility, implied_volatility_batch, portfolio_greeks, tail_hedge,
};
use quant::{JobControl, QuantError};
use serde::Deserialize;
use types::Fault;

use super::monte_carlo::{Held, kind_of};
use super::{Answer, Arguments, Call};
use crate::errors::{argument, guard};

pub(super) fn find(name: &str) -> Option<Call> {
    Some(match name {
        "impliedVolatilityBatch" => implied,
        "portfolioGreeks" => sums,
        "tailHedge" => hedged,
        _ => return None,
    })
}

/// The terms of the first seven slots.
fn terms(slots: &[f64]) -> Result<OptionTerms, Fault> {
    let &[is_call, spot, strike, years, rate, dividend_yield, volatility, ..] = slots else {
        return Err(argument("an option has seven slots"));
    };
    Ok(OptionTerms { kind: kind_of(is_call)?, spot, strike, years, rate, dividend_yield, volatility })
}

/// One option at once. The slots hold 1 for a call (0 for a put), spot, strike, years, rate, dividend yield,
/// volatility; price, delta, gamma, vega, theta and rho take their place.
#[napi]
pub fn quant_option_greeks(mut slots: Float64ArraySlice<'_>) -> napi::Result<()> {
    guard(|| {
        let Greeks { price, delta, gamma, vega, theta, rho } = terms(&slots)?.greeks()?;
        // SAFETY: nothing else uses the array during the call: the JavaScript thread waits in it.
        let slots = unsafe { slots.as_mut() };
        slots[..6].copy_from_slice(&[price, delta, gamma, vega, theta, rho]);
        Ok(())
    })
}

/// The volatility of one option whose price is in the eighth slot.
#[napi]
pub fn quant_option_volatility(slots: Float64ArraySlice<'_>) -> napi::Result<f64> {
    guard(|| {
        let price = *slots.get(7).ok_or_else(|| argument("the price has the eighth slot"))?;
        Ok(implied_volatility(&terms(&slots)?, price)?)
    })
}

/// The columns of a batch in one array, each of `GREEKS_ROWS`: spot, strike, years, rate, dividend yield, volatility;
/// then price, delta, gamma, vega, theta, rho.
const GREEKS_COLUMNS: usize = 12;
/// Rows of a batch: about 0.1 ms of work, whose columns stay in the second cache.
const GREEKS_ROWS: usize = 2_048;

/// Price and Greeks of the first `rows` rows at once, into the columns behind the terms; `first` is the place of the
/// first row in the caller's columns, for errors.
#[napi]
pub fn quant_greeks(
    is_call: Uint8ArraySlice<'_>,
    mut columns: Float64ArraySlice<'_>,
    rows: u32,
    first: u32,
) -> napi::Result<()> {
    guard(|| {
        let (rows, first) = (rows as usize, first as usize);
        if columns.len() != GREEKS_COLUMNS * GREEKS_ROWS || rows > GREEKS_ROWS.min(is_call.len()) {
            return Err(argument(format!("a batch has {GREEKS_COLUMNS} columns of {GREEKS_ROWS} rows")));
        }
        // SAFETY: nothing else uses the array during the call: the JavaScript thread waits in it.
        let (terms, results) = unsafe { columns.as_mut() }.split_at_mut(GREEKS_COLUMNS / 2 * GREEKS_ROWS);
        let term = |at: usize| &terms[at * GREEKS_ROWS..at * GREEKS_ROWS + rows];
        let options = OptionColumns {
            is_call: &is_call[..rows],
            spot: term(0),
            strike: term(1),
            years: term(2),
            rate: term(3),
            dividend_yield: term(4),
            volatility: term(5),
        };
        let mut out = results.chunks_exact_mut(GREEKS_ROWS).map(|column| &mut column[..rows]);
        let mut next = || out.next().ok_or_else(|| argument("a batch has six columns of results"));
        let (price, delta, gamma) = (next()?, next()?, next()?);
        let (vega, theta, rho) = (next()?, next()?, next()?);
        let out = GreekColumns { price, delta, gamma, vega, theta, rho };
        greeks_batch(&options, out, &JobControl::NONE).map_err(|error| match error {
            QuantError::NotFinite { what, row, column } => QuantError::NotFinite { what, row: row + first, column },
            other => other,
        })?;
        Ok(())
    })
}

/// Terms as columns: flags of calls, spots, strikes, years, rates, dividend yields, volatilities.
fn columns<'a>(arguments: &'a Arguments, is_call: &'a [u8], volatility: &'a [f64]) -> Result<OptionColumns<'a>, Fault> {
    Ok(OptionColumns {
        is_call,
        spot: arguments.series("spot", 1)?,
        strike: arguments.series("strike", 2)?,
        years: arguments.series("years", 3)?,
        rate: arguments.series("rate", 4)?,
        dividend_yield: arguments.series("dividendYield", 5)?,
        volatility,
    })
}

fn flags(arguments: &Arguments) -> Result<Vec<u8>, Fault> {
    let given = arguments.series("isCall", 0)?;
    match given.iter().find(|&&flag| flag != 0.0 && flag != 1.0) {
        Some(&value) => Err(QuantError::OutOfRange { what: "isCall", value, low: 0.0, high: 1.0 }.into()),
        None => Ok(given.iter().map(|&flag| u8::from(flag == 1.0)).collect()),
    }
}

/// The sixth array holds the prices. Two columns: volatilities, and what became of each row.
fn implied(arguments: &Arguments, control: &JobControl<'_>) -> Result<Answer, Fault> {
    let is_call = flags(arguments)?;
    let (mut volatilities, mut statuses) = (vec![0.0; is_call.len()], vec![0; is_call.len()]);
    let (options, prices) = (columns(arguments, &is_call, &[])?, arguments.series("prices", 6)?);
    implied_volatility_batch(&options, prices, &mut volatilities, &mut statuses, control)?;
    Answer::new(&(), vec![volatilities, statuses.into_iter().map(f64::from).collect()])
}

/// Eight numbers an asset, in the order of `AssetGreeks`.
fn sums(arguments: &Arguments, _: &JobControl<'_>) -> Result<Answer, Fault> {
    let mut found = portfolio_greeks(&Held::read(arguments, 0)?.book())?;
    let numbers = |sum: &AssetGreeks| {
        let AssetGreeks { value, delta, gamma, vega, theta, rho, delta_one_percent, gamma_one_percent } = *sum;
        [value, delta, gamma, vega, theta, rho, delta_one_percent, gamma_one_percent]
    };
    let assets = core::mem::take(&mut found.assets).iter().flat_map(numbers).collect();
    Answer::new(&found, vec![assets])
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Contract {
    is_call: bool,
    spot: f64,
    strike: f64,
    years: f64,
    rate: f64,
    dividend_yield: f64,
    volatility: f64,
    multiplier: f64,
    horizon_years: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hedge {
    contract: Contract,
    hedge: HedgeOptions,
}

/// Arrays: P&L of the book, returns of the contract's underlying, changes of its volatility (may be empty).
fn hedged(arguments: &Arguments, control: &JobControl<'_>) -> Result<Answer, Fault> {
    let Hedge { contract: c, hedge } = arguments.options()?;
    let instrument = HedgeInstrument {
        terms: OptionTerms {
            kind: if c.is_call { OptionKind::Call } else { OptionKind::Put },
            spot: c.spot,
            strike: c.strike,
            years: c.years,
            rate: c.rate,
            dividend_yield: c.dividend_yield,
            volatility: c.volatility,
        },
        multiplier: c.multiplier,
        returns: arguments.series("returns", 1)?,
        volatility_changes: arguments.series("volatilityChanges", 2)?,
        horizon_years: c.horizon_years,
    };
    Answer::new(&tail_hedge(arguments.series("bookPnl", 0)?, &instrument, &hedge, control)?, Vec::new())
}
