//! # Room card: wire/fix/value
//! In:    the text of a field.
//! Out:   integers, whole steps of a grid, moments.
//! Holds: exact or refused; only the average price and a fee are rounded, once, half away from zero.
//! Costs: about one nanosecond a digit.
use types::decimal::POW10;
use types::money::divide_rounded;
use types::{Grid, OrderId};

pub(super) use super::data_type::timestamp as moment;

/// Bytes of the longest decimal that is read.
const DECIMAL_BYTES_MAX: usize = 64;
/// Decimals kept beyond the grid before rounding.
const GUARD_DECIMALS: u8 = 6;

/// An unsigned integer: digits only, at least one.
#[inline]
pub(super) fn integer(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    let mut value = 0u64;
    for &byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(digit as u64)?;
    }
    Some(value)
}

/// The number times 10^scale and its sign; digits beyond that scale must be zeros, unless `cut` drops them.
#[inline]
fn scaled(text: &[u8], scale: u8, cut: bool) -> Option<(u128, bool)> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if digits.len() > DECIMAL_BYTES_MAX {
        return None;
    }
    let (mut small, mut wide, mut is_wide) = (0u64, 0u128, false);
    let (mut decimals, mut point, mut any) = (0u8, false, false);
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            if byte != b'.' || point {
                return None;
            }
            point = true;
            continue;
        }
        any = true;
        if point && decimals == scale {
            if digit != 0 && !cut {
                return None;
            }
            continue;
        }
        decimals += point as u8;
        if !is_wide {
            match small.checked_mul(10).and_then(|value| value.checked_add(digit as u64)) {
                Some(value) => small = value,
                None => (wide, is_wide) = (small as u128 * 10 + digit as u128, true),
            }
        } else {
            wide = wide.checked_mul(10)?.checked_add(digit as u128)?;
        }
    }
    if !any {
        return None;
    }
    let value = if is_wide { wide } else { small as u128 };
    let missing = POW10[((scale - decimals) as usize).min(18)] as u128;
    Some((value.checked_mul(missing)?, negative))
}

/// `scaled` for an unsigned decimal that cannot overflow: at most 18 characters, the same answer.
#[inline(always)]
fn short(text: &[u8], scale: u8) -> Option<u64> {
    let (mut value, mut at) = (0u64, 0);
    while let Some(&byte) = text.get(at) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        value = value * 10 + digit as u64;
        at += 1;
    }
    let fraction = match text.get(at) {
        None => &[][..],
        Some(b'.') => &text[at + 1..],
        Some(_) => return None,
    };
    if at + fraction.len() == 0 {
        return None;
    }
    let (kept, beyond) = fraction.split_at(fraction.len().min(scale as usize));
    for &byte in kept {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + digit as u64;
    }
    if beyond.iter().any(|&byte| byte != b'0') {
        return None;
    }
    value.checked_mul(POW10[(scale as usize).saturating_sub(kept.len()).min(18)])
}

/// Whole steps of a grid; `None` when it is no decimal, off the grid or too large.
#[inline]
pub(super) fn steps(text: &[u8], grid: &Grid) -> Option<i64> {
    if text.len() <= 18
        && grid.increment == 1
        && let Some(value) = short(text, grid.scale.min(18))
    {
        return i64::try_from(value).ok();
    }
    steps_of_any(text, grid)
}

fn steps_of_any(text: &[u8], grid: &Grid) -> Option<i64> {
    let (value, negative) = scaled(text, grid.scale.min(18), false)?;
    let steps = match u64::try_from(value) {
        Ok(value) if grid.increment == 1 => value,
        Ok(value) => value.is_multiple_of(grid.increment).then(|| value / grid.increment)?,
        Err(_) => {
            let increment = grid.increment as u128;
            u64::try_from(value.is_multiple_of(increment).then(|| value / increment)?).ok()?
        }
    };
    let steps = i64::try_from(steps).ok()?;
    Some(if negative { -steps } else { steps })
}

/// The nearest number of steps, half away from zero; decimals more than six beyond the grid's are not looked at.
pub(super) fn steps_nearest(text: &[u8], grid: &Grid) -> Option<i64> {
    let guard = GUARD_DECIMALS.min(18 - grid.scale.min(18));
    let (value, negative) = scaled(text, grid.scale.min(18) + guard, true)?;
    let numerator = i128::try_from(value).ok()?;
    let denominator = (grid.increment as i128).checked_mul(POW10[guard as usize] as i128)?;
    let steps = i64::try_from(divide_rounded(numerator, denominator)).ok()?;
    Some(if negative { -steps } else { steps })
}

/// `session-counter`, as this engine writes its ClOrdIDs; `None` for anybody else's.
#[inline]
pub(super) fn order_id(text: &[u8]) -> Option<OrderId> {
    let dash = text.iter().take(8).position(|&byte| byte == b'-')?;
    let session = canonical(&text[..dash])?;
    let counter = canonical(&text[dash + 1..])?;
    let fits = session <= OrderId::SESSION_MAX as u64 && counter <= u32::MAX as u64;
    (fits && counter > 0).then(|| OrderId::new(session as u32, counter as u32))
}

/// An integer without a leading zero.
#[inline]
fn canonical(text: &[u8]) -> Option<u64> {
    if text.len() > 1 && text[0] == b'0' { None } else { integer(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fix::write::stamp;
    use types::rng::SplitMix64;
    use types::{Decimal, UnixNanos};

    #[test]
    fn decimals_equal_the_plain_parser() {
        let mut rng = SplitMix64::new(4);
        for _ in 0..200_000 {
            let grid = Grid { scale: rng.below(9) as u8, increment: [1, 1, 5, 25][rng.below(4) as usize] };
            let mut text = (rng.next_u64() >> (10 + rng.below(54))).to_string();
            if rng.below(3) > 0 {
                let digits = 1 + rng.below(7) as usize;
                text = format!("{text}.{:0digits$}", rng.next_u64() % POW10[digits]);
            }
            if rng.below(4) == 0 {
                text.insert(rng.below(text.len() as u64 + 1) as usize, ['-', '.', 'x'][rng.below(3) as usize]);
            }
            assert_eq!(steps(text.as_bytes(), &grid), steps_of_any(text.as_bytes(), &grid), "{text} {grid:?}");
            // The plain parser takes what fits 64 bits with its decimals.
            if let Some(value) = Decimal::parse(&text) {
                assert_eq!(steps(text.as_bytes(), &grid), grid.steps(value), "{text} {grid:?}");
            }
            if let Ok(value) = text.parse::<f64>()
                && let Some(nearest) = steps_nearest(text.as_bytes(), &grid)
                && value.abs() < 1e9
            {
                let slack = grid.step_f64() * 0.500_001 + value.abs() * 1e-15;
                assert!((nearest as f64 * grid.step_f64() - value).abs() <= slack, "{text}");
            }
        }
        let grid = Grid { scale: 1, increment: 1 };
        for (text, expected) in [
            ("", None),
            ("-", None),
            (".", None),
            ("1.2.3", None),
            ("+1", None),
            ("1e3", None),
            (".5", Some(5)),
            ("5.", Some(50)),
            ("007.1000000000000000000000000", Some(71)),
            ("-0.1", Some(-1)),
            ("1.25", None),
            ("99999999999999999999", None),
            ("922337203685477580.7", Some(i64::MAX)),
        ] {
            assert_eq!(steps(text.as_bytes(), &grid), expected, "{text}");
        }
        assert_eq!(steps_nearest(b"1.25", &grid), Some(13));
        assert_eq!(steps_nearest(b"-1.25", &grid), Some(-13));
        assert_eq!(steps_nearest(b"1.2499999999999", &grid), Some(12));
    }

    #[test]
    fn moments_read_back_and_bad_ones_do_not() {
        let mut rng = SplitMix64::new(8);
        for _ in 0..100_000 {
            let at = UnixNanos(rng.next_u64() / 1_000_000 * 1_000_000);
            let text = stamp(at);
            assert_eq!(moment(&text[..21]), Some(at));
        }
        let base = 1_709_251_199_000_000_000;
        for (text, nanos) in [
            ("20240229-23:59:59", 0),
            ("20240229-23:59:59.5", 500_000_000),
            ("20240229-23:59:59.007", 7_000_000),
            ("20240229-23:59:59.000007", 7_000),
            ("20240229-23:59:59.000000007", 7),
            ("20240229-23:59:60", 1_000_000_000),
        ] {
            assert_eq!(moment(text.as_bytes()), Some(UnixNanos(base + nanos)), "{text}");
        }
        for bad in [
            "",
            "20240229",
            "20230229-23:59:59",
            "20241301-00:00:00",
            "20240100-00:00:00",
            "20240101-24:00:00",
            "20240101-00:60:00",
            "20240101 00:00:00",
            "20240101-00:00:00.",
            "20240101-00:00:00.0000000000",
            "19691231-23:59:59",
            "99991231-23:59:59",
            "2024010x-00:00:00",
        ] {
            assert_eq!(moment(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn order_ids_are_ours_or_nobodys() {
        assert_eq!(order_id(b"3-17"), Some(OrderId::new(3, 17)));
        assert_eq!(order_id(b"0-1"), Some(OrderId::new(0, 1)));
        assert_eq!(order_id(b"2097151-4294967295"), Some(OrderId::new(OrderId::SESSION_MAX, u32::MAX)));
        for bad in ["", "3", "3-", "-3", "3-0", "03-1", "3-01", "3-1 ", "2097152-1", "1-4294967296", "a-1", "1-1-1"] {
            assert_eq!(order_id(bad.as_bytes()), None, "{bad}");
        }
    }
}
