//! # Room card: wire/fix/data_type
//! In:    a message's bytes and one of its fields; or the text of a value.
//! Out:   the value by its FIX data type: int, float as mantissa and decimals, char, Boolean, times, dates.
//! Holds: exact or `None`; nothing is rounded, no float. What FIX allows is taken (leading zeros, `5.`, `.5`), and no
//!        more: no plus sign, no exponent, no spaces.
//! Costs: some 3 ns a number of up to eight characters, 8 ns a UTCTimestamp.
use types::decimal::POW10;
use types::time::NANOS_PER_SECOND;
use types::{Decimal, Nanos, UnixNanos};

use super::index::FieldSpan;
use super::value;

const ZEROS: u64 = 0x3030_3030_3030_3030;
const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;
/// Digits that always fit a mantissa.
const DIGITS_MAX: usize = 18;
/// Bytes of the longest number that is read: leading zeros, and decimals that are zeros, may be many.
const NUMBER_BYTES_MAX: usize = 64;

/// MonthYear: `YYYYMM`, `YYYYMMDD` or `YYYYMMw1` to `w5`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MonthYear {
    /// 0 to 9999.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// A day of the month, a week of it, or the whole month.
    pub part: MonthPart,
}

/// Part of a month.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum MonthPart {
    /// The whole month.
    All,
    /// 1 to 31.
    Day(u8),
    /// 1 to 5.
    Week(u8),
}

impl FieldSpan {
    /// int, SeqNum, Length, NumInGroup, TagNum: digits, with a minus sign before them or not.
    #[inline(always)]
    pub fn integer(self, bytes: &[u8]) -> Option<i64> {
        let length = self.end.wrapping_sub(self.start) as usize;
        if let 1..=8 = length
            && let Some(word) = word(bytes, self.start as usize, length)
            && let Some(value) = eight_digits(word)
        {
            return Some(value as i64);
        }
        integer(self.of(bytes))
    }

    /// float, Price, Qty, Amt, Percentage, PriceOffset: mantissa and decimals as they stand (`1.50` is 150 with two).
    #[inline(always)]
    pub fn decimal(self, bytes: &[u8]) -> Option<Decimal> {
        let length = self.end.wrapping_sub(self.start) as usize;
        if let 1..=8 = length
            && let Some(word) = word(bytes, self.start as usize, length)
            && let Some(value) = short_decimal(word, length)
        {
            return Some(value);
        }
        decimal(self.of(bytes))
    }

    /// UTCTimestamp, with no decimals of a second or up to nine.
    #[inline(always)]
    pub fn timestamp(self, bytes: &[u8]) -> Option<UnixNanos> {
        timestamp(self.of(bytes))
    }

    /// char.
    #[inline]
    pub fn character(self, bytes: &[u8]) -> Option<u8> {
        character(self.of(bytes))
    }

    /// Boolean.
    #[inline]
    pub fn boolean(self, bytes: &[u8]) -> Option<bool> {
        boolean(self.of(bytes))
    }
}

/// The text at `start` in the last bytes of a word, each digit as its value, zeros before it; `length` is 1 to 8.
#[inline(always)]
fn word(bytes: &[u8], start: usize, length: usize) -> Option<u64> {
    let word = u64::from_le_bytes(*bytes.get(start..)?.first_chunk()?);
    Some((word ^ ZEROS) << (64 - 8 * length))
}

/// Four numbers of two digits, the first in the lowest 16 bits.
#[inline(always)]
const fn pairs(digits: u64) -> Option<u64> {
    if (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & HIGHS != 0 {
        return None;
    }
    Some(digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff)
}

/// A number of eight digits.
#[inline(always)]
const fn eight_digits(digits: u64) -> Option<u64> {
    let Some(pairs) = pairs(digits) else { return None };
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    Some((fours as u32 as u64) * 10_000 + (fours >> 32))
}

/// Digits with one point among them or none. The digits before the point move up over it.
#[inline(always)]
fn short_decimal(digits: u64, length: usize) -> Option<Decimal> {
    let points = digits ^ ((b'.' ^ b'0') as u64 * ONES);
    let point = points.wrapping_sub(ONES) & !points & HIGHS;
    if point == 0 {
        return eight_digits(digits).map(|value| Decimal { mantissa: value as i64, scale: 0 });
    }
    // The first zero byte of `points` is marked rightly; what a borrow marks after it does not count.
    let place = point.trailing_zeros() & !7;
    let before = digits & !(u64::MAX << place);
    let after = digits & (u64::MAX << place) << 8;
    let value = eight_digits(before << 8 | after)?;
    let scale = (56 - place) / 8;
    (length > 1).then_some(Decimal { mantissa: value as i64, scale: scale as u8 })
}

/// int and what is made of it.
pub fn integer(text: &[u8]) -> Option<i64> {
    match text {
        [b'-', digits @ ..] => i64::try_from(value::integer(digits)?).ok().map(|magnitude| -magnitude),
        digits => i64::try_from(value::integer(digits)?).ok(),
    }
}

/// float and what is made of it: up to 18 digits that count, and as many decimals; zeros beyond are dropped.
pub fn decimal(text: &[u8]) -> Option<Decimal> {
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if rest.len() > NUMBER_BYTES_MAX {
        return None;
    }
    let point = rest.iter().position(|&byte| byte == b'.').unwrap_or(rest.len());
    let (whole, fraction) = (&rest[..point], rest.get(point + 1..).unwrap_or_default());
    if whole.len() + fraction.len() == 0 {
        return None;
    }
    let (mut mantissa, mut scale, mut zeros) = (0i64, 0u8, 0);
    let (mut digits, mut after) = (0, 0);
    for (at, &byte) in whole.iter().chain(fraction).enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        let is_decimal = at >= whole.len();
        // As many zeros as may be dropped are not yet taken.
        if is_decimal && digit == 0 && (after >= DIGITS_MAX || digits >= DIGITS_MAX || zeros > 0) {
            zeros += 1;
            after += 1;
            continue;
        }
        if zeros > 0 {
            return None;
        }
        mantissa = mantissa.checked_mul(10)?.checked_add(digit as i64)?;
        digits += (mantissa != 0) as usize;
        if is_decimal {
            scale += 1;
            after += 1;
        }
    }
    (scale as usize <= DIGITS_MAX).then_some(Decimal { mantissa: if negative { -mantissa } else { mantissa }, scale })
}

/// char: one byte that is no control character.
pub fn character(text: &[u8]) -> Option<u8> {
    match *text {
        [byte] if byte >= b' ' && byte != 0x7f => Some(byte),
        _ => None,
    }
}

/// Boolean.
pub fn boolean(text: &[u8]) -> Option<bool> {
    match text {
        b"Y" => Some(true),
        b"N" => Some(false),
        _ => None,
    }
}

/// UTCTimestamp: `YYYYMMDD-HH:MM:SS` and up to nine decimals; the leap second is the second after. From 1970.
#[inline(always)]
pub fn timestamp(text: &[u8]) -> Option<UnixNanos> {
    let (day, rest) = text.split_first_chunk::<8>()?;
    let time = rest.strip_prefix(b"-")?;
    let days = u64::try_from(days(day)?).ok()?;
    let nanos = time_of_day(time)?;
    let start = days.checked_mul(86_400 * NANOS_PER_SECOND)?;
    Some(UnixNanos(start.checked_add(nanos)?))
}

/// UTCTimeOnly: time since midnight, `HH:MM:SS` and up to nine decimals.
pub fn time_only(text: &[u8]) -> Option<Nanos> {
    i64::try_from(time_of_day(text)?).ok().map(Nanos)
}

/// UTCDateOnly and LocalMktDate, `YYYYMMDD`: days since 1970-01-01, negative before.
pub fn date(text: &[u8]) -> Option<i64> {
    days(text.try_into().ok()?)
}

/// MonthYear.
pub fn month_year(text: &[u8]) -> Option<MonthYear> {
    let (month, part) = text.split_first_chunk::<6>()?;
    let number = value::integer(month)?;
    let (year, month) = ((number / 100) as u16, (number % 100) as u8);
    let part = match part {
        [] => MonthPart::All,
        [b'w', week @ b'1'..=b'5'] => MonthPart::Week(week - b'0'),
        [_, _] => {
            days(text.try_into().ok()?)?;
            MonthPart::Day(value::integer(part)? as u8)
        }
        _ => return None,
    };
    (1..=12).contains(&month).then_some(MonthYear { year, month, part })
}

/// TZTimestamp: `YYYYMMDD-HH:MM[:SS[.decimals]]` and `Z`, `+hh`, `+hh:mm`, or the same with a minus; nothing is local
/// time and no moment. As a moment in UTC.
pub fn tz_timestamp(text: &[u8]) -> Option<UnixNanos> {
    let (day, rest) = text.split_first_chunk::<8>()?;
    let (time, offset) = zoned(rest.strip_prefix(b"-")?)?;
    let seconds = days(day)?.checked_mul(86_400)?;
    let local = i128::from(seconds) * i128::from(NANOS_PER_SECOND) + i128::from(time);
    u64::try_from(local - i128::from(offset.0)).ok().map(UnixNanos)
}

/// TZTimeOnly: time since midnight there, and how far that is ahead of UTC.
pub fn tz_time_only(text: &[u8]) -> Option<(Nanos, Nanos)> {
    let (time, offset) = zoned(text)?;
    Some((Nanos(i64::try_from(time).ok()?), offset))
}

/// `HH:MM[:SS[.decimals]]` and an offset.
fn zoned(text: &[u8]) -> Option<(u64, Nanos)> {
    let place = text.iter().position(|byte| matches!(byte, b'Z' | b'+' | b'-'))?;
    let (time, zone) = text.split_at(place);
    let time = match *time {
        [a, b, b':', c, d] => time_of_day(&[a, b, b':', c, d, b':', b'0', b'0'])?,
        _ => time_of_day(time)?,
    };
    let minutes = match *zone {
        [b'Z'] => 0,
        [_, a, b] => 60 * two(a, b)?,
        [_, a, b, b':', c, d] => 60 * two(a, b)? + two(c, d).filter(|&minute| minute < 60)?,
        _ => return None,
    };
    let ahead = (minutes <= 24 * 60).then_some((minutes * 60 * NANOS_PER_SECOND) as i64)?;
    Some((time, Nanos(if zone[0] == b'-' { -ahead } else { ahead })))
}

fn two(tens: u8, ones: u8) -> Option<u64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then_some(tens as u64 * 10 + ones as u64)
}

/// `HH:MM:SS` and up to nine decimals, as nanoseconds.
#[inline(always)]
fn time_of_day(text: &[u8]) -> Option<u64> {
    // H H : M M : S S, the first byte lowest; the colons become zeros.
    const COLONS: u64 = 0x0000_0a00_000a_0000;
    let (whole, fraction) = text.split_first_chunk::<8>()?;
    let digits = u64::from_le_bytes(*whole) ^ ZEROS ^ COLONS;
    let is_time = (digits.wrapping_add(0x7676_7f76_767f_7676) | digits) & HIGHS == 0;
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let (hour, minute, second) = (pairs & 0xff, pairs >> 24 & 0xff, pairs >> 48 & 0xff);
    if !is_time || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let nanos = match *fraction {
        [] => 0,
        [point, a, b, c] => {
            let digits = u32::from_le_bytes([point ^ b'.', a ^ b'0', b ^ b'0', c ^ b'0']);
            if (digits.wrapping_add(0x7676_767f) | digits) & HIGHS as u32 != 0 {
                return None;
            }
            let [_, a, b, c] = digits.to_le_bytes().map(u64::from);
            (100 * a + 10 * b + c) * 1_000_000
        }
        [b'.', ref decimals @ ..] if decimals.len() <= 9 => value::integer(decimals)? * POW10[9 - decimals.len()],
        _ => return None,
    };
    Some((hour * 3_600 + minute * 60 + second) * NANOS_PER_SECOND + nanos)
}

/// Days since 1970-01-01 of `YYYYMMDD`, in years that begin in March, so that a leap day is the last of its year. The
/// century is read and not computed, and the months' days come by a multiplication (Neri, Schneider 2022): no division.
#[inline(always)]
fn days(text: &[u8; 8]) -> Option<i64> {
    let pairs = pairs(u64::from_le_bytes(*text) ^ ZEROS)?;
    let [century, of_century, month, day] = [0, 16, 32, 48].map(|at| pairs >> at & 0xff);
    let before_march = (month < 3) as u64;
    if month.wrapping_sub(1) > 11
        || day.wrapping_sub(1) > 27 && day.wrapping_sub(1) >= days_of(century, of_century, month)
    {
        return None;
    }
    // 400 years more, so that nothing is negative.
    let year = 100 * century + of_century + 400 - before_march;
    let centuries = century + 4 - (of_century < before_march) as u64;
    let year_start = 365 * year + year / 4 - centuries + centuries / 4;
    let month_start = (979 * (month + 12 * before_march) - 2_919) / 32;
    // From 1 March of the year 0 to 1970, and the 400 years.
    Some((year_start + month_start + day - 1) as i64 - 719_468 - 146_097)
}

/// Days of a month of 1 to 12.
#[cold]
fn days_of(century: u64, of_century: u64, month: u64) -> u64 {
    let leap = if of_century == 0 { century.is_multiple_of(4) } else { of_century.is_multiple_of(4) };
    if month == 2 { 28 + leap as u64 } else { 30 + ((month ^ month >> 3) & 1) }
}
