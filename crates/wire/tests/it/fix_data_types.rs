//! Values by FIX data type: against the standard library's readers and a plain calendar.
use crate::plain;

use fafnir_wire::fix::data_type::{self, MonthPart, MonthYear};
use fafnir_wire::fix::{FieldIndex, FieldSpan};
use plain::framed;
use types::rng::SplitMix64;
use types::{Decimal, Nanos, UnixNanos};

/// The value by the span of a message, and by the text alone: the two must agree.
fn both<T: PartialEq + std::fmt::Debug>(
    text: &str,
    span: impl Fn(FieldSpan, &[u8]) -> Option<T>,
    alone: impl Fn(&[u8]) -> Option<T>,
) -> Option<T> {
    let bytes = framed(&format!("35=0|58={text}|"));
    let mut index = FieldIndex::new();
    index.read(&bytes).unwrap();
    let found = span(index.get(58).unwrap(), &bytes);
    assert_eq!(found, alone(text.as_bytes()), "{text}");
    found
}

fn decimal(text: &str) -> Option<(i64, u8)> {
    both(text, FieldSpan::decimal, data_type::decimal).map(|value| (value.mantissa, value.scale))
}

fn integer(text: &str) -> Option<i64> {
    both(text, FieldSpan::integer, data_type::integer)
}

/// Mutations of digits and what stands among them.
fn odd(rng: &mut SplitMix64, text: String) -> String {
    let mut text = text.into_bytes();
    if rng.below(3) == 0 {
        let at = rng.below(text.len() as u64 + 1) as usize;
        text.insert(at, b".-+ e/:0"[rng.below(8) as usize]);
    }
    String::from_utf8(text).unwrap()
}

#[test]
fn integers_equal_the_standard_parser() {
    let mut rng = SplitMix64::new(3);
    for _ in 0..100_000 {
        let value = rng.next_u64() >> rng.below(64);
        let text = odd(&mut rng, value.to_string());
        // The standard parser takes a plus sign.
        let expected = text.parse::<i64>().ok().filter(|_| !text.starts_with('+'));
        assert_eq!(integer(&text), expected, "{text}");
    }
    for (text, expected) in [("", None), ("-", None), ("-0", Some(0)), ("00000000000000000000000023", Some(23))] {
        assert_eq!(integer(text), expected, "{text}");
    }
    assert_eq!(integer("-9223372036854775807"), Some(-i64::MAX));
}

#[test]
fn decimals_are_what_they_say() {
    let mut rng = SplitMix64::new(5);
    for _ in 0..100_000 {
        let (value, scale) = ((rng.next_u64() >> (8 + rng.below(56))) as i64, rng.below(10) as usize);
        let (value, sign) = if rng.below(4) == 0 { (-value, "-") } else { (value, "") };
        let unit = 10u64.pow(scale as u32);
        let mut text = format!("{sign}{}", value.unsigned_abs() / unit);
        if scale > 0 {
            text = format!("{text}.{:0scale$}", value.unsigned_abs() % unit);
        }
        assert_eq!(decimal(&text), Some((value, scale as u8)), "{text}");
        let changed = odd(&mut rng, text);
        let rest = changed.strip_prefix('-').unwrap_or(&changed);
        let good = rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
            && rest.bytes().filter(|&byte| byte == b'.').count() <= 1
            && rest.bytes().any(|byte| byte.is_ascii_digit());
        let read = decimal(&changed);
        assert_eq!(read.is_some(), good, "{changed}");
        if let Some((mantissa, scale)) = read {
            let expected: f64 = changed.parse().unwrap();
            let read = mantissa as f64 / 10f64.powi(scale as i32);
            assert!((read - expected).abs() <= expected.abs() * 1e-14, "{changed}: {read}");
        }
    }
    for (text, expected) in [
        (".5", Some((5, 1))),
        ("5.", Some((5, 0))),
        ("-.5", Some((-5, 1))),
        (".", None),
        ("", None),
        ("-", None),
        ("-.", None),
        ("1.2.3", None),
        ("23.0000", Some((230_000, 4))),
        ("00023.23", Some((2_323, 2))),
        ("1.000000000000000000000000", Some((100_000_000_000_000_000, 17))),
        ("0.0000000000000000001", None),
        ("9223372036854775807", Some((i64::MAX, 0))),
        ("9223372036854775808", None),
        ("123456789012345678.000000", Some((123_456_789_012_345_678, 0))),
        ("1e5", None),
        ("+1", None),
        ("1,5", None),
    ] {
        assert_eq!(decimal(text), expected, "{text}");
    }
    assert_eq!(data_type::decimal(&[b'0'; 65]), None);
}

/// Days of a year and month, counted one by one.
fn days_before(year: i64, month: i64) -> i64 {
    let leap = |year: i64| (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) as i64;
    let years: i64 = if year >= 1970 {
        (1970..year).map(|y| 365 + leap(y)).sum()
    } else {
        -(year..1970).map(|y| 365 + leap(y)).sum::<i64>()
    };
    let lengths = [31, 28 + leap(year), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    years + lengths[..month as usize - 1].iter().sum::<i64>()
}

#[test]
fn dates_equal_a_plain_calendar() {
    let mut good = 0;
    for year in (0..4_000).step_by(7).chain(1_890..2_110).chain(9_996..10_000) {
        for month in 1..=12 {
            let length = (days_before(year + month / 12, month % 12 + 1) - days_before(year, month)) as u32;
            for day in 0..=32u32 {
                let expected = (1..=length).contains(&day).then(|| days_before(year, month) + day as i64 - 1);
                let text = format!("{year:04}{month:02}{day:02}");
                assert_eq!(data_type::date(text.as_bytes()), expected, "{text}");
                good += expected.is_some() as u32;
            }
        }
    }
    assert!(good > 200_000);
    for bad in ["", "2024010", "202401010", "20241301", "20240001", "2024-1-1", "2024010a", "-2024010"] {
        assert_eq!(data_type::date(bad.as_bytes()), None, "{bad}");
    }
}

#[test]
fn times_are_read_and_bad_ones_are_not() {
    let nanos = |text: &str| data_type::time_only(text.as_bytes()).map(|time| time.0);
    for second in 0..86_400i64 {
        let text = format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60);
        assert_eq!(nanos(&text), Some(second * 1_000_000_000));
        assert_eq!(nanos(&format!("{text}.007")), Some(second * 1_000_000_000 + 7_000_000));
        assert_eq!(nanos(&format!("{text}.123456789")), Some(second * 1_000_000_000 + 123_456_789));
    }
    assert_eq!(nanos("23:59:60"), Some(86_400_000_000_000));
    for at in 0..8 {
        for byte in 0..=255u8 {
            let mut text = *b"12:34:56";
            text[at] = byte;
            let good = match at {
                2 | 5 => byte == b':',
                0 => matches!(byte, b'0'..=b'2'),
                3 => matches!(byte, b'0'..=b'5'),
                // 60 to 66 are no seconds, but for the leap second.
                6 => matches!(byte, b'0'..=b'5'),
                _ => byte.is_ascii_digit(),
            };
            assert_eq!(data_type::time_only(&text).is_some(), good, "{at} {byte}");
        }
    }
    for bad in ["", "12:34", "24:00:00", "00:60:00", "00:00:61", "00:00:00.", "00:00:00.0123456789", "00:00:00,5"] {
        assert_eq!(nanos(bad), None, "{bad}");
    }
    for bad in ["00:00:00.x00", "00:00:00.0x0", "00:00:00.00x", "00:00:00.-10", "00:00:00.00000x"] {
        assert_eq!(nanos(bad), None, "{bad}");
    }
}

#[test]
fn zones_months_and_letters() {
    let moment = |text: &str| data_type::tz_timestamp(text.as_bytes()).map(|at| at.0);
    let noon = data_type::timestamp(b"20240229-12:00:00").map(|at| at.0);
    assert_eq!(noon, Some(1_709_208_000_000_000_000));
    for text in [
        "20240229-12:00Z",
        "20240229-12:00:00Z",
        "20240229-12:00:00.000Z",
        "20240229-07:00-05",
        "20240229-17:30+05:30",
        "20240301-00:00:00.000000+12",
    ] {
        assert_eq!(moment(text), noon, "{text}");
    }
    for bad in
        ["20240229-12:00", "20240229-12:00+5", "20240229-12:00+05:60", "20240229-12:00+25", "19700101-00:00+01", ""]
    {
        assert_eq!(moment(bad), None, "{bad}");
    }
    let hours = |hours: i64| Nanos(hours * 3_600_000_000_000);
    assert_eq!(data_type::tz_time_only(b"07:39-05"), Some((Nanos(27_540_000_000_000), hours(-5))));
    assert_eq!(data_type::tz_time_only(b"07:39"), None);
    let month = |part| Some(MonthYear { year: 2024, month: 2, part });
    assert_eq!(data_type::month_year(b"202402"), month(MonthPart::All));
    assert_eq!(data_type::month_year(b"20240229"), month(MonthPart::Day(29)));
    assert_eq!(data_type::month_year(b"202402w5"), month(MonthPart::Week(5)));
    for bad in ["", "20240", "202400", "202413", "20240230", "202402w0", "202402w6", "2024021", "2024xx"] {
        assert_eq!(data_type::month_year(bad.as_bytes()), None, "{bad}");
    }
    assert_eq!((data_type::boolean(b"Y"), data_type::boolean(b"N")), (Some(true), Some(false)));
    assert_eq!((data_type::boolean(b"y"), data_type::boolean(b"")), (None, None));
    assert_eq!(
        (data_type::character(b"D"), data_type::character(b"DD"), data_type::character(b"\x02")),
        (Some(b'D'), None, None)
    );
    assert_eq!(data_type::timestamp(b"20240229-12:00:00.5"), Some(UnixNanos(1_709_208_000_500_000_000)));
    assert_eq!(Decimal::parse("1.5"), data_type::decimal(b"1.5"));
}
