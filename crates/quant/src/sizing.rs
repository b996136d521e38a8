//! # Room card: quant/sizing
//! In:    equity, price, a rule's parameters, the lot; bars for the average true range.
//! Out:   a quantity in whole lots, its notional, what it risks.
//! Holds: rounded towards 0, so that no rule is exceeded; a cap on leverage binds last.
//! Costs: a few operations; the average true range is one pass.
use crate::error::{at_least, in_range, length, positive};
use crate::matrix::{checked_vector, checked_vector_of};
use crate::{Matrix, QuantError};

/// What is traded, and the limits that every rule keeps.
#[derive(Clone, Copy, PartialEq, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SizingAccount {
    /// Worth of the account, currency.
    pub equity: f64,
    /// Price of one unit, currency.
    pub price: f64,
    /// Smallest step of the quantity; quantities are whole multiples.
    pub lot: f64,
    /// Largest notional over equity; 1 buys no more than there is.
    pub leverage_max: f64,
}

/// A position's size.
#[derive(Clone, Copy, PartialEq, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Size {
    /// Units, a whole number of lots.
    pub quantity: f64,
    /// Quantity times price, currency.
    pub notional: f64,
    /// True where the cap on leverage bound.
    pub capped: bool,
}

impl SizingAccount {
    fn check(&self) -> Result<(), QuantError> {
        positive("equity", self.equity)?;
        positive("price", self.price)?;
        positive("lot", self.lot)?;
        positive("leverageMax", self.leverage_max)
    }

    /// Whole lots of a wanted notional, not negative.
    fn size(&self, wanted: f64) -> Result<Size, QuantError> {
        let most = self.equity * self.leverage_max;
        let notional = wanted.min(most);
        // A quotient a rounding below a whole number of lots is that number.
        let lots = libm::floor(notional / self.price / self.lot * (1.0 + 4.0 * f64::EPSILON));
        let quantity = lots * self.lot;
        if !(quantity * self.price).is_finite() {
            return Err(QuantError::Undefined { what: "quantity", why: "equity over price and lot overflows" });
        }
        Ok(Size { quantity, notional: quantity * self.price, capped: wanted > most })
    }
}

/// A fixed share of the equity, whatever the risk.
///
/// Errors: `QUANT_OUT_OF_RANGE` (a parameter).
pub fn fixed_fraction(account: SizingAccount, fraction: f64) -> Result<Size, QuantError> {
    account.check()?;
    in_range("fraction", fraction, 0.0, f64::MAX)?;
    account.size(account.equity * fraction)
}

/// The quantity that loses `risk` of the equity when the price moves by `stop_atr` average true ranges.
///
/// Errors: `QUANT_OUT_OF_RANGE` (a parameter).
pub fn percent_risk(
    account: SizingAccount,
    risk: f64,
    average_true_range: f64,
    stop_atr: f64,
) -> Result<Size, QuantError> {
    account.check()?;
    in_range("risk", risk, 0.0, 1.0)?;
    positive("averageTrueRange", average_true_range)?;
    positive("stopAtr", stop_atr)?;
    account.size(account.equity * risk / (average_true_range * stop_atr) * account.price)
}

/// The quantity whose return has the wanted volatility on the whole equity. Both volatilities are for the same period.
///
/// Errors: `QUANT_OUT_OF_RANGE` (a parameter).
pub fn volatility_scaled(account: SizingAccount, volatility: f64, target_volatility: f64) -> Result<Size, QuantError> {
    account.check()?;
    positive("volatility", volatility)?;
    in_range("targetVolatility", target_volatility, 0.0, f64::MAX)?;
    account.size(account.equity * (target_volatility / volatility))
}

/// A share of the Kelly fraction `(b p - q) / b` of a bet that pays `payoff` (b) for 1 with probability
/// `win_probability` (p); nothing where the bet is unfavourable.
///
/// Errors: `QUANT_OUT_OF_RANGE` (a parameter).
/// Source: Kelly, "A new interpretation of information rate" (1956).
pub fn kelly(account: SizingAccount, win_probability: f64, payoff: f64, share: f64) -> Result<Size, QuantError> {
    account.check()?;
    in_range("winProbability", win_probability, 0.0, 1.0)?;
    positive("payoff", payoff)?;
    in_range("share", share, 0.0, 1.0)?;
    let fraction = (win_probability - (1.0 - win_probability) / payoff).max(0.0);
    account.size(account.equity * fraction * share)
}

/// Quantities of several assets from weights on the equity (those of risk parity, or of any allocator), each rounded
/// towards 0 to its lot; weights below 0 are short.
///
/// Errors: `QUANT_RAGGED`, `QUANT_EMPTY`, `QUANT_NOT_FINITE`, `QUANT_OUT_OF_RANGE` (price or lot not above 0).
pub fn quantities(equity: f64, weights: &[f64], prices: &[f64], lots: &[f64]) -> Result<Vec<f64>, QuantError> {
    positive("equity", equity)?;
    checked_vector("weights", weights)?;
    checked_vector_of("prices", prices, weights.len())?;
    checked_vector_of("lots", lots, weights.len())?;
    let mut found = Vec::with_capacity(weights.len());
    for ((weight, price), lot) in weights.iter().zip(prices).zip(lots) {
        let account = SizingAccount { equity, price: *price, lot: *lot, leverage_max: f64::MAX / equity.max(1.0) };
        account.check()?;
        let size = account.size(equity * weight.abs())?;
        found.push(if *weight < 0.0 { -size.quantity } else { size.quantity });
    }
    Ok(found)
}

/// Wilder's average true range after the last bar; `bars` has the columns high, low, close, the oldest bar first.
///
/// The first true range is high less low; the first average is the mean of `period` true ranges, and each later one
/// moves by 1/period of the difference.
///
/// Errors: `QUANT_RAGGED` (not three columns), `QUANT_TOO_FEW` (fewer bars than the period), `QUANT_OUT_OF_RANGE` (a
/// high below its low; a period of 0).
/// Source: Wilder, "New Concepts in Technical Trading Systems" (1978).
pub fn average_true_range(bars: Matrix<'_>, period: usize) -> Result<f64, QuantError> {
    length("bars", bars.columns(), 3)?;
    at_least("period", period, 1)?;
    at_least("bars", bars.rows(), period)?;
    let (high, low, close) = (bars.column(0), bars.column(1), bars.column(2));
    let mut ranges = Vec::with_capacity(bars.rows());
    for at in 0..bars.rows() {
        in_range("high", high[at], low[at], f64::MAX)?;
        let before = if at == 0 { close[0].clamp(low[0], high[0]) } else { close[at - 1] };
        ranges.push(high[at].max(before) - low[at].min(before));
    }
    let first = ranges[..period].iter().sum::<f64>() / period as f64;
    Ok(ranges[period..].iter().fold(first, |average, range| average + (range - average) / period as f64))
}

#[cfg(test)]
mod tests {
    use types::rng::SplitMix64;

    use super::*;

    const ACCOUNT: SizingAccount = SizingAccount { equity: 100_000.0, price: 50.0, lot: 10.0, leverage_max: 2.0 };

    #[test]
    fn sizes_by_hand() {
        assert_eq!(fixed_fraction(ACCOUNT, 0.1).unwrap().quantity, 200.0);
        // 1 % of 100,000 is 1,000; a stop of 2 × 1.50 is 3 a unit: 333 units, 33 lots.
        assert_eq!(percent_risk(ACCOUNT, 0.01, 1.5, 2.0).unwrap().quantity, 330.0);
        assert_eq!(volatility_scaled(ACCOUNT, 0.4, 0.1).unwrap().notional, 25_000.0);
        // (0.6 × 1 - 0.4) / 1 = 0.2, half of it.
        assert_eq!(kelly(ACCOUNT, 0.6, 1.0, 0.5).unwrap().quantity, 200.0);
        assert_eq!(kelly(ACCOUNT, 0.3, 1.0, 0.5).unwrap().quantity, 0.0);
        assert!(volatility_scaled(ACCOUNT, 0.01, 0.1).unwrap().capped);
        let weights = [0.5, -0.25, 0.0];
        assert_eq!(quantities(1_000.0, &weights, &[7.0, 3.0, 1.0], &[1.0, 0.5, 1.0]).unwrap(), [71.0, -83.0, 0.0]);
    }

    #[test]
    fn no_size_exceeds_its_rule() {
        for seed in 0..2_000u64 {
            let mut rng = SplitMix64::new(seed);
            let mut between = |low: f64, high: f64| low * (high / low).powf(rng.unit_f64());
            let account = SizingAccount {
                equity: between(1.0, 1e9),
                price: between(1e-4, 1e5),
                lot: between(1e-8, 1e3),
                leverage_max: between(0.1, 10.0),
            };
            let (volatility, target) = (between(1e-3, 2.0), between(1e-3, 2.0));
            let size = volatility_scaled(account, volatility, target).unwrap();
            let most = account.equity * (target / volatility).min(account.leverage_max);
            assert!(size.notional <= most * (1.0 + 1e-14) && size.notional >= 0.0, "seed {seed}");
            assert!(most - size.notional <= account.lot * account.price * (1.0 + 1e-9), "seed {seed}");
        }
    }

    #[test]
    fn the_average_true_range_by_hand() {
        // Ranges 2, 3 (up from the close 9), 4 (down from 12): mean of two 2.5, then 2.5 + (4 - 2.5) / 2.
        let bars = [10.0, 12.0, 11.0, 8.0, 10.0, 8.0, 9.0, 12.0, 9.0];
        let bars = Matrix::new("bars", &bars, 3, 3).unwrap();
        assert_eq!(average_true_range(bars, 2).unwrap(), 3.25);
        assert_eq!(average_true_range(bars, 4), Err(QuantError::TooFew { what: "bars", have: 3, need: 4 }));
        let wrong = Matrix::new("bars", &[1.0, 2.0, 1.5], 1, 3).unwrap();
        assert!(matches!(average_true_range(wrong, 1), Err(QuantError::OutOfRange { what: "high", .. })));
    }

    #[test]
    fn bad_parameters_are_named() {
        let refused = |result: Result<Size, QuantError>| match result {
            Err(QuantError::OutOfRange { what, .. }) => what,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(fixed_fraction(SizingAccount { equity: f64::NAN, ..ACCOUNT }, 0.1)), "equity");
        assert_eq!(refused(fixed_fraction(SizingAccount { lot: 0.0, ..ACCOUNT }, 0.1)), "lot");
        assert_eq!(refused(percent_risk(ACCOUNT, 1.1, 1.0, 1.0)), "risk");
        assert_eq!(refused(percent_risk(ACCOUNT, 0.1, 0.0, 1.0)), "averageTrueRange");
        assert_eq!(refused(volatility_scaled(ACCOUNT, f64::INFINITY, 0.1)), "volatility");
        assert_eq!(refused(kelly(ACCOUNT, 1.5, 1.0, 1.0)), "winProbability");
        let ragged = quantities(1.0, &[0.5, 0.5], &[1.0], &[1.0, 1.0]);
        assert_eq!(ragged, Err(QuantError::Ragged { what: "prices", have: 1, need: 2 }));
    }
}
