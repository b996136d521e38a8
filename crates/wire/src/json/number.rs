//! # Room card: wire/json/number
//! In:    digits of a message, at the place where a number starts.
//! Out:   ids as u64, prices and quantities as whole steps of an instrument's grid.
//! Holds: exact or refused, never rounded; the quick reader and the plain one agree on every text (tested).
//! Costs: about 4 ns a decimal, 3 ns an id, without a branch on the length of either.
//!
//! The quick way reads eight bytes at a time as one little-endian word. Bytes that are no digit are found at once by a
//! carry into
//! bit 7, so the length of a run of digits is a count of trailing zeros and not a branch to guess; eight digits become
//! a number
//! by three multiplications (pairs, fours, eights). A venue prints one number of decimals, so the place of the closing
//! quote is
//! learnt from the first number and only checked after: the way from one level to the next is then one load, one mask,
//! one count.
use types::decimal::POW10;
use types::{Code, Grid};

const ZEROS: u64 = 0x3030_3030_3030_3030;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// Most decimals the quick reader takes; longer fractions go the plain way.
const QUICK_DECIMALS_MAX: usize = 8;
/// Bytes of the longest decimal that is read; a longer one is refused. 18 decimals, point and far more digits than an
/// i64 has.
pub(super) const DECIMAL_BYTES_MAX: usize = 64;

/// Eight bytes from the start of `rest`, zeros after its end (no digit, no quote).
#[inline(always)]
pub(super) fn load8(rest: &[u8]) -> u64 {
    match rest.first_chunk::<8>() {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => load_tail(rest),
    }
}

#[cold]
fn load_tail(rest: &[u8]) -> u64 {
    rest.iter().rev().fold(0, |word, &byte| word << 8 | byte as u64)
}

/// Bit 7 of every byte that is no ASCII digit; exact for every byte.
#[inline(always)]
const fn nondigits(word: u64) -> u64 {
    let value = word ^ ZEROS;
    (((value & !HIGH_BITS) + 0x7676_7676_7676_7676) | value) & HIGH_BITS
}

/// The first `count` bytes of a word, `count` at most 8.
#[inline(always)]
const fn first_bytes(count: usize) -> u64 {
    if count >= 8 { u64::MAX } else { (1 << (count * 8)) - 1 }
}

/// The number whose eight digit values are the bytes of `word`, first digit lowest.
#[inline(always)]
const fn eight_digits(word: u64) -> u64 {
    let pairs = word.wrapping_mul(2_561) >> 8;
    let fours = (pairs & 0x00ff_00ff_00ff_00ff).wrapping_mul(6_553_601) >> 16;
    (fours & 0x0000_ffff_0000_ffff).wrapping_mul(42_949_672_960_001) >> 32
}

/// The number of the first `count` (0 to 7) digits of a word already taken from `ZEROS`.
#[inline(always)]
const fn leading_digits(value: u64, count: usize) -> u64 {
    eight_digits((value << (8 * (7 - count))) << 8)
}

/// A JSON integer without sign at the start of `rest`, and what follows it.
///
/// Errors: `JsonMalformed` without a digit or with a leading zero, `NumberOverflow` beyond u64.
#[inline(always)]
pub(super) fn integer(rest: &[u8]) -> Result<(u64, &[u8]), Code> {
    let word = load8(rest);
    let stops = nondigits(word);
    let leading_zero = word as u8 == b'0';
    if stops != 0 {
        let count = (stops.trailing_zeros() >> 3) as usize;
        if count == 0 || (leading_zero && count > 1) {
            return Err(Code::JsonMalformed);
        }
        return Ok((leading_digits(word ^ ZEROS, count), rest.get(count..).unwrap_or(&[])));
    }
    let tail = rest.get(8..).unwrap_or(&[]);
    let tail_word = load8(tail);
    let tail_stops = nondigits(tail_word);
    if leading_zero || tail_stops == 0 {
        return integer_long(rest);
    }
    let count = (tail_stops.trailing_zeros() >> 3) as usize;
    let value = eight_digits(word ^ ZEROS) * POW10[count] + leading_digits(tail_word ^ ZEROS, count);
    Ok((value, tail.get(count..).unwrap_or(&[])))
}

#[cold]
fn integer_long(rest: &[u8]) -> Result<(u64, &[u8]), Code> {
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if rest.first() == Some(&b'0') && count > 1 {
        return Err(Code::JsonMalformed);
    }
    let mut value: u64 = 0;
    for &byte in &rest[..count] {
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_add((byte - b'0') as u64))
            .ok_or(Code::NumberOverflow)?;
    }
    Ok((value, &rest[count..]))
}

/// Steps of the grid in decimal text: `digits(.digits)?` and nothing else. The plain way, and the meaning of the quick
/// one.
///
/// Errors: `JsonMalformed` for any other text (a sign included), `OffGrid` when it is not a whole number of steps,
/// `NumberOverflow` when the steps do not fit an i64.
pub(super) fn steps(text: &[u8], grid: &Grid) -> Result<i64, Code> {
    if text.len() > DECIMAL_BYTES_MAX {
        return Err(Code::JsonMalformed);
    }
    let (whole, fraction) = match text.iter().position(|&byte| byte == b'.') {
        Some(point) => (&text[..point], &text[point + 1..]),
        None => (text, &[b'0'][..]),
    };
    if whole.is_empty() || fraction.is_empty() || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return Err(Code::JsonMalformed);
    }
    let kept = fraction.len().min(grid.scale as usize);
    if fraction[kept..].iter().any(|&byte| byte != b'0') {
        return Err(Code::OffGrid);
    }
    // A u128 holds 38 digits, so the wide loop can only overflow on text that does not fit an i64 anyway.
    let digits = whole.iter().chain(&fraction[..kept]);
    let mut mantissa = 0u128;
    for &byte in digits {
        mantissa = mantissa
            .checked_mul(10)
            .and_then(|value| value.checked_add((byte - b'0') as u128))
            .ok_or(Code::NumberOverflow)?;
    }
    let zeros = POW10[(grid.scale as usize - kept).min(POW10.len() - 1)] as u128;
    mantissa = mantissa.checked_mul(zeros).ok_or(Code::NumberOverflow)?;
    let increment = grid.increment.max(1) as u128;
    if !mantissa.is_multiple_of(increment) {
        return Err(Code::OffGrid);
    }
    i64::try_from(mantissa / increment).map_err(|_| Code::NumberOverflow)
}

/// The quick reader of decimals on one grid. It says `None` to whatever it does not like; the plain way then names the
/// fault.
pub(super) struct DecimalReader {
    grid: Grid,
    /// Decimals expected in the text: the venue's by configuration, then as learnt. `NO_DECIMALS` when the text had no
    /// point.
    decimals: usize,
    /// Bit 7 of the bytes of a fraction of that length, which must be digits.
    text: u64,
    /// The fraction's bytes that the grid keeps.
    keep: u64,
    /// The fraction's bytes beyond the grid, which must be zeros.
    beyond: u64,
    /// Bits that bring the last kept digit to the top byte.
    shift: u32,
    /// 10^scale of the grid.
    whole_steps: u64,
    /// Bits of the fraction's digits in a word of eight.
    fraction_bits: u32,
    /// Whole digits that share such a word with the fraction.
    whole_digits_max: usize,
}

/// No byte stands there, so that the first text with a point is always learnt.
const NO_DECIMALS: usize = usize::MAX;

impl DecimalReader {
    /// For a grid and the decimals its venue is said to print. A grid finer than eight decimals has no quick way.
    #[inline(always)]
    pub(super) fn new(grid: Grid, decimals: u8) -> Option<DecimalReader> {
        let scale = grid.scale as usize;
        if scale > QUICK_DECIMALS_MAX || grid.increment == 0 {
            return None;
        }
        let mut reader = DecimalReader {
            grid,
            decimals: NO_DECIMALS,
            text: 0,
            keep: 0,
            beyond: 0,
            shift: if scale == 0 { 0 } else { 64 - 8 * scale as u32 },
            whole_steps: POW10[scale],
            fraction_bits: 8 * scale as u32,
            whole_digits_max: QUICK_DECIMALS_MAX - scale,
        };
        reader.expect((decimals as usize).min(QUICK_DECIMALS_MAX));
        Some(reader)
    }

    #[inline(always)]
    fn expect(&mut self, decimals: usize) {
        let text = first_bytes(decimals);
        self.decimals = if decimals == 0 { NO_DECIMALS } else { decimals };
        self.text = text & HIGH_BITS;
        self.keep = text & first_bytes(self.grid.scale as usize);
        self.beyond = text & !self.keep;
    }

    /// Reads from just after the opening quote; returns the steps and what follows the closing quote.
    #[inline(always)]
    pub(super) fn read<'a>(&mut self, rest: &'a [u8]) -> Option<(i64, &'a [u8])> {
        let word = load8(rest);
        let stops = nondigits(word);
        let count = (stops.trailing_zeros() >> 3) as usize;
        if count == 0 || count > 7 {
            return self.read_plain(rest);
        }
        let whole = ((word ^ ZEROS) << (8 * (7 - count))) << 8;
        let (&stop, after) = rest.get(count..)?.split_first()?;
        let mut kept = 0;
        let mut following = after;
        if stop == b'.' {
            let fraction = load8(after);
            let as_expected = nondigits(fraction) & self.text == 0 && after.get(self.decimals) == Some(&b'"');
            if !as_expected && self.learn(after, fraction).is_none() {
                return self.read_plain(rest);
            }
            let digits = fraction ^ ZEROS;
            if digits & self.beyond != 0 {
                return None;
            }
            kept = (digits & self.keep) << self.shift;
            following = after.get(self.decimals + 1..)?;
        } else if stop != b'"' {
            return None;
        }
        // Few digits in all, as in most prices: whole and fraction side by side are one number, converted once.
        let mut value = if count <= self.whole_digits_max {
            eight_digits((whole >> self.fraction_bits) | kept)
        } else {
            eight_digits(whole) * self.whole_steps + eight_digits(kept)
        };
        if self.grid.increment != 1 {
            if !value.is_multiple_of(self.grid.increment) {
                return None;
            }
            value /= self.grid.increment;
        }
        Some((value as i64, following))
    }

    /// The text has another number of decimals than the one before it.
    #[cold]
    fn learn(&mut self, after: &[u8], fraction: u64) -> Option<()> {
        let stops = nondigits(fraction);
        let decimals = (stops.trailing_zeros() >> 3) as usize;
        if decimals == 0 || after.get(decimals) != Some(&b'"') {
            return None;
        }
        self.expect(decimals);
        Some(())
    }

    #[cold]
    fn read_plain<'a>(&mut self, rest: &'a [u8]) -> Option<(i64, &'a [u8])> {
        let end = rest.iter().take(DECIMAL_BYTES_MAX + 1).position(|&byte| byte == b'"')?;
        Some((steps(&rest[..end], &self.grid).ok()?, &rest[end + 1..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::rng::SplitMix64;

    #[test]
    fn every_byte_is_told_from_a_digit() {
        for byte in 0..=255u8 {
            for place in 0..8 {
                let mut bytes = *b"31415926";
                bytes[place] = byte;
                let expected = if byte.is_ascii_digit() { 0 } else { 0x80u64 << (8 * place) };
                assert_eq!(nondigits(u64::from_le_bytes(bytes)), expected, "{byte} at {place}");
            }
        }
    }

    #[test]
    fn integers_equal_the_standard_parser() {
        let mut rng = SplitMix64::new(11);
        for _ in 0..200_000 {
            let value = rng.next_u64() >> rng.below(64);
            let text = format!("{value},");
            assert_eq!(integer(text.as_bytes()), Ok((value, &b","[..])), "{text}");
            let digits = format!("{value}");
            assert_eq!(integer(digits.as_bytes()), Ok((value, &b""[..])), "{digits}");
        }
        assert_eq!(integer(b"18446744073709551615"), Ok((u64::MAX, &b""[..])));
        assert_eq!(integer(b"18446744073709551616"), Err(Code::NumberOverflow));
        assert_eq!(integer(b"99999999999999999999999"), Err(Code::NumberOverflow));
        for bad in [&b""[..], b"-1", b"+1", b"00", b"012345678", b"01234567890123456789", b"x", b"\"1\"", b" 1"] {
            assert_eq!(integer(bad), Err(Code::JsonMalformed), "{bad:?}");
        }
        assert_eq!(integer(b"0}"), Ok((0, &b"}"[..])));
    }

    #[test]
    fn steps_are_exact_or_refused() {
        let tick = |scale, increment| Grid { scale, increment };
        for (text, grid, expected) in [
            ("61685.99000000", tick(2, 1), Ok(6_168_599)),
            ("61800.20", tick(1, 1), Ok(618_002)),
            ("61800.21", tick(1, 1), Err(Code::OffGrid)),
            ("101.25", tick(2, 5), Ok(2_025)),
            ("101.27", tick(2, 5), Err(Code::OffGrid)),
            ("7", tick(3, 1), Ok(7_000)),
            ("297", tick(0, 1), Ok(297)),
            ("297.000", tick(0, 1), Ok(297)),
            ("0.000", tick(3, 1), Ok(0)),
            ("000001.5", tick(1, 1), Ok(15)),
            ("0.000000000001", tick(12, 1), Ok(1)),
            ("9223372036854775807", tick(0, 1), Ok(i64::MAX)),
            ("9223372036854775808", tick(0, 1), Err(Code::NumberOverflow)),
            ("18446744073709551614", tick(0, 2), Ok(i64::MAX)),
            ("1000000000000000000000000000000000000000000", tick(8, 1), Err(Code::NumberOverflow)),
        ] {
            assert_eq!(steps(text.as_bytes(), &grid), expected, "{text}");
        }
        for bad in ["", ".", ".5", "5.", "-1", "+1", " 1", "1 ", "1e3", "1.2.3", "NaN", "1,5", "0x10", "1.0000x"] {
            assert_eq!(steps(bad.as_bytes(), &tick(1, 1)), Err(Code::JsonMalformed), "{bad}");
        }
        assert_eq!(steps(&[b'0'; DECIMAL_BYTES_MAX + 1], &tick(1, 1)), Err(Code::JsonMalformed));
    }

    #[test]
    fn quick_reader_equals_the_plain_one() {
        let seed = 7;
        let mut rng = SplitMix64::new(seed);
        for round in 0..400_000 {
            let grid = Grid { scale: rng.below(9) as u8, increment: [1, 1, 1, 5, 25][rng.below(5) as usize] };
            let mut reader = DecimalReader::new(grid, rng.below(19) as u8).unwrap();
            for _ in 0..3 {
                let mut text: Vec<u8> = Vec::new();
                for _ in 0..rng.below(10) {
                    text.push(b'0' + rng.below(10) as u8);
                }
                if rng.below(4) > 0 {
                    text.push(b'.');
                }
                for _ in 0..rng.below(10) {
                    text.push(if rng.below(2) == 0 { b'0' } else { b'0' + rng.below(10) as u8 });
                }
                if rng.below(8) == 0 && !text.is_empty() {
                    let place = rng.below(text.len() as u64) as usize;
                    text[place] = b".-+e/:\x000x \xb0"[rng.below(11) as usize];
                }
                let plain = steps(&text, &grid).ok();
                text.extend_from_slice(&b"\",\"padding"[..1 + rng.below(10) as usize]);
                let quick = reader.read(&text);
                assert_eq!(
                    quick.map(|(value, _)| value),
                    plain,
                    "seed {seed} round {round} {grid:?} {}",
                    text.escape_ascii()
                );
                if let Some((_, following)) = quick {
                    let end = text.iter().position(|&byte| byte == b'"').unwrap();
                    assert_eq!(following, &text[end + 1..]);
                }
            }
        }
    }
}
