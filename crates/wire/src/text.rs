//! # Room card: wire/text
//! In:    integers, and whole steps of a grid.
//! Out:   their decimal text, exactly the decimals asked for.
//! Holds: every i64 on every grid has its exact text; no float, no allocation, no formatting machinery.
//! Costs: about 5 ns a number.
use types::Grid;
use types::decimal::POW10;

/// Bytes of the longest decimal: sign, 39 digits of a u128, a point, 18 zeros.
pub(crate) const DECIMAL_BYTES_MAX: usize = 64;

const PAIRS: [[u8; 2]; 100] = {
    let mut table = [[0; 2]; 100];
    let mut i = 0;
    while i < 100 {
        table[i] = [b'0' + (i / 10) as u8, b'0' + (i % 10) as u8];
        i += 1;
    }
    table
};

/// Two digits of a number below 100.
#[inline(always)]
pub(crate) const fn pair(value: u32) -> [u8; 2] {
    PAIRS[(value % 100) as usize]
}

/// Eight digits as the bytes of a little-endian word, the first digit in its lowest byte; `value` is below 10^8. Three
/// multiplications divide by 100 and by 10 in all places at once, and no byte goes through memory: a word that is read
/// back from bytes just written would wait for them.
#[inline(always)]
pub(crate) const fn eight(value: u32) -> u64 {
    digits_of(value) | 0x3030_3030_3030_3030
}

#[inline(always)]
const fn digits_of(value: u32) -> u64 {
    let fours = (value / 10_000) as u64 | ((value % 10_000) as u64) << 32;
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let twos = hundreds | (fours - 100 * hundreds) << 16;
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | (twos - 10 * tens) << 8
}

/// The digits of a number below 10^8 without zeros in front, and how many there are.
#[inline(always)]
pub(crate) const fn up_to_eight(value: u32) -> (u64, usize) {
    let digits = digits_of(value);
    let zeros = (digits.trailing_zeros() / 8) as usize;
    let zeros = if zeros > 7 { 7 } else { zeros };
    ((digits | 0x3030_3030_3030_3030) >> (8 * zeros), 8 - zeros)
}

/// Three digits of a number below 1,000, the first in the lowest byte.
#[inline(always)]
pub(crate) const fn three(value: u32) -> u64 {
    let hundreds = (value * 41) >> 12;
    let rest = value - 100 * hundreds;
    let tens = (rest * 103) >> 10;
    (hundreds | tens << 8 | (rest - 10 * tens) << 16 | 0x30_3030) as u64
}

/// Text written from the end of a small buffer towards its start.
pub(crate) struct Text {
    /// The text ends where they end.
    bytes: [u8; DECIMAL_BYTES_MAX],
    start: usize,
}

impl Text {
    #[inline(always)]
    fn empty() -> Text {
        Text { bytes: [b'0'; DECIMAL_BYTES_MAX], start: DECIMAL_BYTES_MAX }
    }
    #[inline(always)]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..DECIMAL_BYTES_MAX]
    }
    #[inline(always)]
    fn push_front(&mut self, byte: u8) {
        // The longest text fits by the constant's definition; the mask spares the check (and never changes a thing).
        self.start = self.start.wrapping_sub(1) % DECIMAL_BYTES_MAX;
        self.bytes[self.start] = byte;
    }
    #[inline(always)]
    fn digits(&mut self, mut value: u64) {
        while value >= 100 {
            let [tens, ones] = pair((value % 100) as u32);
            self.push_front(ones);
            self.push_front(tens);
            value /= 100;
        }
        let [tens, ones] = pair(value as u32);
        self.push_front(ones);
        if value >= 10 {
            self.push_front(tens);
        }
    }
    /// Digits of `value`, with zeros in front up to `width`.
    fn padded(&mut self, value: u64, width: usize) {
        let end = self.start;
        if width > 0 {
            self.digits(value);
        }
        while end - self.start < width && self.start > 0 {
            self.push_front(b'0');
        }
    }
    /// An unsigned integer.
    #[inline]
    pub(crate) fn integer(value: u64) -> Text {
        let mut text = Text::empty();
        text.digits(value);
        text
    }
    /// A number of grid steps with `decimals` decimals, or those of the grid where that is more.
    #[inline]
    pub(crate) fn decimal(steps: i64, grid: &Grid, decimals: u8) -> Text {
        let scale = (grid.scale as usize).min(POW10.len() - 1);
        let mut text = Text::empty();
        // The buffer starts as zeros: those beyond the grid's scale are there already.
        text.start -= (decimals as usize).min(POW10.len() - 1).saturating_sub(scale);
        let magnitude = steps.unsigned_abs() as u128 * grid.increment as u128;
        match u64::try_from(magnitude) {
            Ok(small) => {
                text.padded(small % POW10[scale], scale);
                text.point();
                text.digits(small / POW10[scale]);
            }
            Err(_) => text.wide(magnitude, scale),
        }
        if steps < 0 {
            text.push_front(b'-');
        }
        text
    }
    #[inline(always)]
    fn point(&mut self) {
        if self.start < DECIMAL_BYTES_MAX {
            self.push_front(b'.');
        }
    }
    #[cold]
    fn wide(&mut self, magnitude: u128, scale: usize) {
        let unit = POW10[scale] as u128;
        self.padded((magnitude % unit) as u64, scale);
        self.point();
        let mut whole = magnitude / unit;
        loop {
            self.push_front(b'0' + (whole % 10) as u8);
            whole /= 10;
            if whole == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::rng::SplitMix64;

    #[test]
    fn three_digits_of_every_number() {
        for value in 0..1_000 {
            assert_eq!(three(value).to_le_bytes()[..3], *format!("{value:03}").as_bytes());
        }
    }

    #[test]
    fn integers_equal_the_standard_formatter() {
        let mut rng = SplitMix64::new(5);
        for _ in 0..200_000 {
            let value = rng.next_u64() >> rng.below(64);
            assert_eq!(Text::integer(value).as_bytes(), value.to_string().as_bytes());
        }
        assert_eq!(Text::integer(0).as_bytes(), b"0");
        assert_eq!(Text::integer(u64::MAX).as_bytes(), b"18446744073709551615");
    }

    #[test]
    fn words_equal_the_standard_formatter() {
        let mut rng = SplitMix64::new(6);
        for _ in 0..200_000 {
            let value = (rng.below(100_000_000) >> rng.below(27)) as u32;
            let (word, length) = up_to_eight(value);
            assert_eq!(&word.to_le_bytes()[..length], value.to_string().as_bytes());
            assert_eq!(eight(value).to_le_bytes(), format!("{value:08}").as_bytes());
        }
        for value in [0, 9, 10, 99, 100, 9_999, 10_000, 99_999_999] {
            assert_eq!(eight(value).to_le_bytes(), format!("{value:08}").as_bytes());
            assert_eq!(up_to_eight(value).1, value.to_string().len());
        }
    }

    #[test]
    fn decimals_are_exact() {
        let grid = |scale, increment| Grid { scale, increment };
        for (steps, grid, decimals, expected) in [
            (618_002, grid(1, 1), 2, "61800.20"),
            (6_168_599, grid(2, 1), 8, "61685.99000000"),
            (17, grid(5, 1), 8, "0.00017000"),
            (2_025, grid(2, 5), 2, "101.25"),
            (297, grid(0, 1), 0, "297"),
            (297, grid(0, 1), 3, "297.000"),
            (0, grid(3, 1), 3, "0.000"),
            (-15, grid(1, 1), 1, "-1.5"),
            (7, grid(3, 1), 0, "0.007"),
            (i64::MAX, grid(12, 1), 12, "9223372.036854775807"),
            (i64::MIN, grid(0, 1), 18, "-9223372036854775808.000000000000000000"),
            (i64::MAX, grid(12, u64::MAX), 18, "170141183460469231704017187.605319778305000000"),
            (-i64::MAX, grid(0, u64::MAX), 18, "-170141183460469231704017187605319778305.000000000000000000"),
        ] {
            let text = Text::decimal(steps, &grid, decimals);
            assert_eq!(String::from_utf8_lossy(text.as_bytes()), expected);
        }
    }
}
