//! # Room card: wire/fix/dictionary/value_check
//! In:    a value and the check of its field's data type.
//! Out:   whether the value has the form of its type.
//! Holds: the rules of QuickFIX: integers and decimals without a plus sign or an exponent, months 1 to 12, days 1 to
//!        31, seconds up to 60, `Y` or `N`; dates and times at a market's place and texts may be anything. Before FIX
//!        4.2 a character may be a text.
//! Costs: one pass over the value; a timestamp about 5 ns.
use super::FieldKind;

/// What the form of a value is checked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum ValueCheck {
    /// Nothing.
    Any,
    /// One byte.
    Char,
    /// Y or N.
    Boolean,
    /// A sign or none, and digits.
    Integer,
    /// A sign or none, digits, a point anywhere among them.
    Decimal,
    /// `YYYYMMDD-HH:MM:SS` and a fraction or none.
    Timestamp,
    /// `HH:MM:SS` and a fraction or none.
    TimeOnly,
    /// `YYYYMMDD`.
    Date,
}

/// Bytes of a timestamp with nine decimals.
const TIMESTAMP_BYTES_MAX: usize = 27;
/// Bytes of a time of day with nine decimals.
const TIME_BYTES_MAX: usize = 18;

impl ValueCheck {
    /// The check of a data type, in FIX 4.0 and 4.1 or later.
    pub const fn of(kind: FieldKind, before_fix42: bool) -> ValueCheck {
        match kind {
            FieldKind::Char if before_fix42 => ValueCheck::Any,
            FieldKind::Char => ValueCheck::Char,
            FieldKind::Boolean => ValueCheck::Boolean,
            FieldKind::Int | FieldKind::NumInGroup | FieldKind::SeqNum | FieldKind::Length => ValueCheck::Integer,
            FieldKind::Price
            | FieldKind::Amt
            | FieldKind::Qty
            | FieldKind::Float
            | FieldKind::PriceOffset
            | FieldKind::Percentage => ValueCheck::Decimal,
            FieldKind::UtcTimestamp | FieldKind::Time => ValueCheck::Timestamp,
            FieldKind::UtcTimeOnly => ValueCheck::TimeOnly,
            FieldKind::UtcDate | FieldKind::UtcDateOnly => ValueCheck::Date,
            _ => ValueCheck::Any,
        }
    }

    /// Has the value this form?
    #[inline(always)]
    pub fn fits(self, value: &[u8]) -> bool {
        match self {
            ValueCheck::Any => true,
            ValueCheck::Char => value.len() == 1,
            ValueCheck::Boolean => matches!(value, b"Y" | b"N"),
            ValueCheck::Integer => integer(value),
            ValueCheck::Decimal => decimal(value),
            ValueCheck::Timestamp => timestamp(value),
            ValueCheck::TimeOnly => value.len() <= TIME_BYTES_MAX && time(value),
            ValueCheck::Date => value.len() == 8 && date(value),
        }
    }
}

#[inline(always)]
fn is_digit(byte: u8) -> bool {
    byte.wrapping_sub(b'0') <= 9
}

#[inline(always)]
fn unsigned(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"-").unwrap_or(value)
}

#[inline(always)]
fn integer(value: &[u8]) -> bool {
    let digits = unsigned(value);
    !digits.is_empty() && digits.iter().all(|&byte| is_digit(byte))
}

#[inline(always)]
fn decimal(value: &[u8]) -> bool {
    let digits = unsigned(value);
    let mut points = 0usize;
    for &byte in digits {
        if !is_digit(byte) {
            points += 1;
            if byte != b'.' || points > 1 {
                return false;
            }
        }
    }
    digits.len() > points
}

/// Two digits as a number; anything else is 100 or more.
#[inline(always)]
fn two(tens: u8, ones: u8) -> u8 {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    if tens <= 9 && ones <= 9 { tens * 10 + ones } else { u8::MAX }
}

/// The first eight bytes: a year of four digits, month, day.
#[inline(always)]
fn date(value: &[u8]) -> bool {
    let Some(&[a, b, c, d, e, f, g, h]) = value.first_chunk::<8>() else { return false };
    let year = is_digit(a) & is_digit(b) & is_digit(c) & is_digit(d);
    year & (1..=12).contains(&two(e, f)) & (1..=31).contains(&two(g, h))
}

/// A time of day to the end of the value.
#[inline(always)]
fn time(value: &[u8]) -> bool {
    let Some((&[a, b, colon, c, d, second_colon, e, f], rest)) = value.split_first_chunk::<8>() else { return false };
    let whole = (two(a, b) <= 23) & (two(c, d) <= 59) & (two(e, f) <= 60) & (colon == b':') & (second_colon == b':');
    match rest {
        [] => whole,
        [b'.', digits @ ..] => whole && digits.iter().all(|&byte| is_digit(byte)),
        _ => false,
    }
}

#[inline(always)]
fn timestamp(value: &[u8]) -> bool {
    match value {
        [_, _, _, _, _, _, _, _, b'-', rest @ ..] => value.len() <= TIMESTAMP_BYTES_MAX && date(value) && time(rest),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(check: ValueCheck, fits: &[&str], others: &[&str]) {
        for value in fits {
            assert!(check.fits(value.as_bytes()), "{check:?} {value:?}");
        }
        for value in others {
            assert!(!check.fits(value.as_bytes()), "{check:?} {value:?}");
        }
    }

    #[test]
    fn forms_are_quickfixs() {
        let long = "1".repeat(40);
        check(ValueCheck::Any, &["", "x", "a b"], &[]);
        check(ValueCheck::Char, &["x", " ", "="], &["", "xy"]);
        check(ValueCheck::Boolean, &["Y", "N"], &["", "y", "1", "YN", "NO"]);
        check(ValueCheck::Integer, &["0", "-0", "007", "-12", &long], &["", "-", "+1", "1.", "1 ", " 1", "--1", "1-"]);
        let decimals = ["0", "-0", "1.", ".5", "-.5", "00012.500", &long];
        check(ValueCheck::Decimal, &decimals, &["", "-", ".", "-.", "+1", "1e5", "1.2.3", "1,5", "nan", " 1", "--1"]);
        let dates = ["20261121", "00000101", "99991231", "20260230"];
        let no_dates =
            ["", "2026112", "202611211", "20260021", "20261321", "20261100", "20261132", "2026112x", "x0261121"];
        check(ValueCheck::Date, &dates, &no_dates);
        let times = ["00:00:00", "23:59:60", "12:00:00.", "12:00:00.5", "12:00:00.123456789"];
        let no_times =
            ["", "24:00:00", "12:60:00", "12:00:61", "1:00:00", "12-00:00", "12:00-00", "12:00:0x", "12:00:00,5"];
        check(ValueCheck::TimeOnly, &times, &no_times);
        check(ValueCheck::TimeOnly, &[], &["12:00:00.1234567890", "12:00:00.x"]);
        for day in dates {
            for time in times {
                check(ValueCheck::Timestamp, &[&format!("{day}-{time}")], &[&format!("{day} {time}"), day, time]);
            }
            for time in no_times {
                check(ValueCheck::Timestamp, &[], &[&format!("{day}-{time}")]);
            }
        }
        for day in no_dates {
            check(ValueCheck::Timestamp, &[], &[&format!("{day}-12:00:00")]);
        }
        check(ValueCheck::Timestamp, &[], &["20261121-12:00:00.1234567890"]);
    }

    #[test]
    fn types_have_their_checks() {
        assert_eq!(ValueCheck::of(FieldKind::Char, true), ValueCheck::Any);
        assert_eq!(ValueCheck::of(FieldKind::Char, false), ValueCheck::Char);
        assert_eq!(ValueCheck::of(FieldKind::Time, true), ValueCheck::Timestamp);
        for kind in
            [FieldKind::LocalMktDate, FieldKind::MonthYear, FieldKind::Data, FieldKind::Unknown, FieldKind::Date]
        {
            assert_eq!(ValueCheck::of(kind, false), ValueCheck::Any, "{kind:?}");
        }
    }
}
