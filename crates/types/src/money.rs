//! # Room card: types/money
//! In:    exact products of ticks and lots, fees by rate.
//! Out:   `Money`: an integer with currency and scale.
//! Holds: sums only within one currency and scale; rounding happens once, half away from zero, where the doc says so.
//! Costs: 128-bit integer arithmetic.
use core::fmt;

use crate::decimal::POW10;

/// Index of a currency in the configuration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct CurrencyId(pub u16);

/// An amount of one currency: `amount * 10^-scale`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Money {
    /// Signed whole number of the smallest unit.
    pub amount: i128,
    /// Whose money.
    pub currency: CurrencyId,
    /// Decimals of the smallest unit.
    pub scale: u8,
}

impl Money {
    /// Nothing, in a currency.
    pub const fn zero(currency: CurrencyId, scale: u8) -> Money {
        Money { amount: 0, currency, scale }
    }
    /// Sum; `None` for another currency or scale, or beyond 128 bits.
    pub fn checked_add(self, other: Money) -> Option<Money> {
        if self.currency != other.currency || self.scale != other.scale {
            return None;
        }
        Some(Money { amount: self.amount.checked_add(other.amount)?, ..self })
    }
    /// The nearest f64, for reports and models only.
    pub fn to_f64(self) -> f64 {
        self.amount as f64 / POW10[self.scale as usize] as f64
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pow = POW10[self.scale as usize] as u128;
        let (sign, magnitude) = (if self.amount < 0 { "-" } else { "" }, self.amount.unsigned_abs());
        if self.scale == 0 {
            return write!(f, "{sign}{magnitude}");
        }
        write!(f, "{sign}{}.{:0width$}", magnitude / pow, magnitude % pow, width = self.scale as usize)
    }
}

/// `numerator / denominator` rounded half away from zero; `denominator` must be positive.
pub const fn divide_rounded(numerator: i128, denominator: i128) -> i128 {
    debug_assert!(denominator > 0);
    let (quotient, remainder) = (numerator / denominator, numerator % denominator);
    if remainder.unsigned_abs() >= (denominator as u128).div_ceil(2) {
        quotient + if numerator < 0 { -1 } else { 1 }
    } else {
        quotient
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_half_away_from_zero() {
        for (n, d, want) in
            [(5, 2, 3), (-5, 2, -3), (4, 3, 1), (5, 3, 2), (-4, 3, -1), (0, 7, 0), (7, 7, 1), (1, 3, 0), (3, 1, 3)]
        {
            assert_eq!(divide_rounded(n, d), want, "{n}/{d}");
        }
    }

    #[test]
    fn adds_only_its_own_kind() {
        let usd = Money { amount: -105, currency: CurrencyId(0), scale: 2 };
        assert_eq!(usd.to_string(), "-1.05");
        assert_eq!(usd.checked_add(Money { amount: 5, ..usd }).unwrap().to_string(), "-1.00");
        assert_eq!(usd.checked_add(Money { currency: CurrencyId(1), ..usd }), None);
        assert_eq!(usd.checked_add(Money { scale: 3, ..usd }), None);
    }
}
