//! # Room card: quant/performance/signals
//! In:    closing prices, entry and exit signals bar by bar, cash and a fee rate.
//! Out:   the equity curve of a long-or-flat account, its trades and fees.
//! Holds: everything is bought at an entry and sold at an exit, at the close of the signal's bar; an entry while long,
//!        an exit while flat and both on one bar change nothing.
//! Costs: one pass.
use crate::QuantError;
use crate::error::{at_least, in_range, length, positive};
use crate::matrix::checked_vector;

/// Conventions of `from_signals`.
#[derive(Clone, Copy, PartialEq, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignalOptions {
    /// Cash before the first bar.
    pub cash: f64,
    /// Fee of a trade over its notional, 0 to below 1.
    pub fee_rate: f64,
}

/// A long-or-flat account that followed its signals.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignalEquity {
    /// Cash and position at the close of each bar, before the fee of a sale to come.
    #[serde(skip)]
    pub equity: Vec<f64>,
    /// Purchases; the last may still be open.
    pub trades: usize,
    /// Fees paid.
    pub fees: f64,
    /// Worth at the last close.
    pub final_value: f64,
    /// Largest fall of the equity from its peak, over the peak: 0 or negative.
    pub max_drawdown: f64,
}

/// Equity from entry and exit signals; vectorbt's `Portfolio.from_signals` with all the cash, at the close.
///
/// Errors: `QUANT_EMPTY`, `QUANT_NOT_FINITE`, `QUANT_RAGGED`, `QUANT_OUT_OF_RANGE` (a price not above 0, cash, fee).
pub fn from_signals(
    prices: &[f64],
    entries: &[bool],
    exits: &[bool],
    options: SignalOptions,
) -> Result<SignalEquity, QuantError> {
    checked_vector("prices", prices)?;
    at_least("prices", prices.len(), 1)?;
    length("entries", entries.len(), prices.len())?;
    length("exits", exits.len(), prices.len())?;
    positive("cash", options.cash)?;
    in_range("feeRate", options.fee_rate, 0.0, 1.0 - f64::EPSILON)?;
    let (mut cash, mut units, mut trades, mut fees) = (options.cash, 0.0, 0, 0.0);
    let (mut peak, mut max_drawdown) = (options.cash, 0.0f64);
    let mut equity = Vec::with_capacity(prices.len());
    for ((price, entry), exit) in prices.iter().zip(entries).zip(exits) {
        positive("prices", *price)?;
        if *entry && !*exit && units == 0.0 {
            units = cash / (price * (1.0 + options.fee_rate));
            fees += units * price * options.fee_rate;
            (cash, trades) = (0.0, trades + 1);
        } else if *exit && !*entry && units > 0.0 {
            let notional = units * price;
            fees += notional * options.fee_rate;
            (cash, units) = (cash + notional * (1.0 - options.fee_rate), 0.0);
        }
        let worth = cash + units * price;
        peak = peak.max(worth);
        max_drawdown = max_drawdown.min(worth / peak - 1.0);
        equity.push(worth);
    }
    let final_value = equity[equity.len() - 1];
    if !(final_value.is_finite() && peak.is_finite() && fees.is_finite()) {
        return Err(QuantError::Undefined { what: "equity", why: "the equity overflows" });
    }
    Ok(SignalEquity { equity, trades, fees, final_value, max_drawdown })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_trip_by_hand() {
        let options = SignalOptions { cash: 1_000.0, fee_rate: 0.25 };
        let entries = [true, false, true, false, true];
        let exits = [false, false, false, true, true];
        // 100 units at 8 with 200 of fees; sold at 16 for 1,600 with 400 of fees. The last bar has both signals.
        let found = from_signals(&[8.0, 4.0, 8.0, 16.0, 16.0], &entries, &exits, options).unwrap();
        assert_eq!((found.trades, found.fees, found.final_value), (1, 600.0, 1_200.0));
        assert_eq!(found.equity, [800.0, 400.0, 800.0, 1_200.0, 1_200.0]);
        assert_eq!(found.max_drawdown, -0.6);
    }

    #[test]
    fn bad_input_says_what() {
        let options = SignalOptions { cash: 1.0, fee_rate: 0.0 };
        let flags = [false, true];
        let short = from_signals(&[1.0], &flags, &flags, options);
        assert_eq!(short, Err(QuantError::Ragged { what: "entries", have: 2, need: 1 }));
        let price = from_signals(&[1.0, 0.0], &flags, &flags, options);
        assert!(matches!(price, Err(QuantError::OutOfRange { what: "prices", .. })));
        let fee = from_signals(&[1.0, 1.0], &flags, &flags, SignalOptions { fee_rate: 1.0, ..options });
        assert!(matches!(fee, Err(QuantError::OutOfRange { what: "feeRate", .. })));
        assert_eq!(from_signals(&[], &[], &[], options), Err(QuantError::Empty { what: "prices" }));
    }
}
