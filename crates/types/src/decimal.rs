//! # Room card: types/decimal
//! In:    decimal text from configuration (cold) and the decimals of a venue's prints.
//! Out:   `Decimal` (exact mantissa and scale) and `Grid` (what one tick or lot is worth).
//! Holds: no float anywhere; text that is not on the grid is an error, never rounded.
//! Costs: cold path; the hot parser in `wire` uses the `Grid` fields directly.
use core::fmt;

/// An exact decimal: `mantissa * 10^-scale`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Decimal {
    /// Signed digits.
    pub mantissa: i64,
    /// Number of decimals, 0 to 18.
    pub scale: u8,
}

/// 10^n for n in 0..=18.
pub const POW10: [u64; 19] = {
    let mut table = [1u64; 19];
    let mut i = 1;
    while i < 19 {
        table[i] = table[i - 1] * 10;
        i += 1;
    }
    table
};

impl Decimal {
    /// Largest scale.
    pub const SCALE_MAX: u8 = 18;

    /// Parses `-?digits(.digits)?`; no exponent, no spaces, no sign `+`, at most 18 significant digits and 18 decimals.
    /// Trailing zeros after the point are dropped, so that "0.10" and "0.1" are the same value.
    pub fn parse(text: &str) -> Option<Decimal> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() || (digits.contains('.') && fraction.is_empty()) {
            return None;
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > Self::SCALE_MAX as usize {
            return None;
        }
        let mut mantissa: i64 = 0;
        for byte in whole.bytes().chain(fraction.bytes()) {
            if !byte.is_ascii_digit() {
                return None;
            }
            mantissa = mantissa.checked_mul(10)?.checked_add((byte - b'0') as i64)?;
        }
        Some(Decimal { mantissa: if negative { -mantissa } else { mantissa }, scale: fraction.len() as u8 })
    }

    /// The nearest f64, for models only.
    pub fn to_f64(self) -> f64 {
        self.mantissa as f64 / POW10[self.scale as usize] as f64
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scale == 0 {
            return write!(f, "{}", self.mantissa);
        }
        let pow = POW10[self.scale as usize];
        let magnitude = self.mantissa.unsigned_abs();
        let sign = if self.mantissa < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{:0width$}", magnitude / pow, magnitude % pow, width = self.scale as usize)
    }
}

/// What one step (a tick or a lot) is worth: `increment * 10^-scale` in price or quantity units.
/// A printed number with `scale` decimals, read as an integer, is `n * increment` for `n` steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Grid {
    /// Decimals of the step.
    pub scale: u8,
    /// Step as an integer at that scale; 1 for powers of ten.
    pub increment: u64,
}

impl Grid {
    /// From a positive step such as 0.1, 0.05 or 5.
    pub fn from_step(step: Decimal) -> Option<Grid> {
        (step.mantissa > 0).then_some(Grid { scale: step.scale, increment: step.mantissa as u64 })
    }

    /// Steps in an exact decimal; `None` when it is off the grid or too large.
    pub fn steps(&self, value: Decimal) -> Option<i64> {
        let numerator = value.mantissa as i128 * POW10[self.scale as usize] as i128;
        let denominator = self.increment as i128 * POW10[value.scale as usize] as i128;
        (numerator % denominator == 0).then(|| i64::try_from(numerator / denominator).ok()).flatten()
    }

    /// The exact decimal of a number of steps; `None` beyond 64 bits.
    pub fn value(&self, steps: i64) -> Option<Decimal> {
        Some(Decimal { mantissa: steps.checked_mul(i64::try_from(self.increment).ok()?)?, scale: self.scale })
    }

    /// The nearest f64 of one step, for models only.
    pub fn step_f64(&self) -> f64 {
        self.increment as f64 / POW10[self.scale as usize] as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_and_prints() {
        for (text, mantissa, scale, shown) in [
            ("0.10", 1, 1, "0.1"),
            ("61800.20", 618_002, 1, "61800.2"),
            ("-3", -3, 0, "-3"),
            ("-0.05", -5, 2, "-0.05"),
            ("7", 7, 0, "7"),
        ] {
            let value = Decimal::parse(text).unwrap();
            assert_eq!((value.mantissa, value.scale), (mantissa, scale), "{text}");
            assert_eq!(value.to_string(), shown);
        }
        for bad in ["", "-", ".5", "5.", "1e3", "+1", " 1", "1.2.3", "NaN", "99999999999999999999"] {
            assert_eq!(Decimal::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn grid_accepts_only_whole_steps() {
        let tick = Grid::from_step(Decimal::parse("0.05").unwrap()).unwrap();
        assert_eq!(tick.steps(Decimal::parse("101.25").unwrap()), Some(2025));
        assert_eq!(tick.steps(Decimal::parse("101.27").unwrap()), None);
        assert_eq!(tick.value(2025).unwrap().to_string(), "101.25");
        assert_eq!(Grid::from_step(Decimal::parse("0").unwrap()), None);
    }
}
