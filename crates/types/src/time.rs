//! # Room card: types/time
//! In:    nanoseconds from a driver's clock or an exchange's stamp.
//! Out:   `UnixNanos` (a moment) and `Nanos` (a signed duration).
//! Holds: the core never reads a clock; an exchange's clock may be ahead of ours, so a latency can be negative.
//! Costs: the machine integer they wrap.
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A moment: nanoseconds since 1970-01-01T00:00:00Z. Zero means "no stamp".
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(transparent)]
pub struct UnixNanos(pub u64);

/// A signed duration in nanoseconds.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(transparent)]
pub struct Nanos(pub i64);

/// Nanoseconds in one second.
pub const NANOS_PER_SECOND: u64 = 1_000_000_000;
/// Nanoseconds in one millisecond.
pub const NANOS_PER_MILLI: u64 = 1_000_000;

impl UnixNanos {
    /// No stamp.
    pub const NONE: UnixNanos = UnixNanos(0);
    /// Signed `self - earlier`, saturating at the ends of the signed range (292 years).
    #[inline]
    pub const fn since(self, earlier: UnixNanos) -> Nanos {
        if self.0 >= earlier.0 {
            let d = self.0 - earlier.0;
            Nanos(if d > i64::MAX as u64 { i64::MAX } else { d as i64 })
        } else {
            let d = earlier.0 - self.0;
            Nanos(if d > i64::MAX as u64 { i64::MIN } else { -(d as i64) })
        }
    }
    /// `self + nanos`, saturating at zero and at the end of the range.
    #[inline]
    pub const fn plus(self, nanos: Nanos) -> UnixNanos {
        UnixNanos(self.0.saturating_add_signed(nanos.0))
    }
}

impl Nanos {
    /// From whole milliseconds, saturating.
    #[inline]
    pub const fn from_millis(millis: u64) -> Nanos {
        let n = millis.saturating_mul(NANOS_PER_MILLI);
        Nanos(if n > i64::MAX as u64 { i64::MAX } else { n as i64 })
    }
    /// As seconds, for models.
    #[inline]
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / NANOS_PER_SECOND as f64
    }
}

/// Civil UTC date and time of a moment: (year, month, day, hour, minute, second, nanosecond).
/// Days-to-civil by the era method of Howard Hinnant's date algorithms; exact for every `UnixNanos`.
pub const fn civil_utc(at: UnixNanos) -> (u32, u32, u32, u32, u32, u32, u32) {
    let seconds = at.0 / NANOS_PER_SECOND;
    let nanos = (at.0 % NANOS_PER_SECOND) as u32;
    let (days, second_of_day) = (seconds / 86_400, (seconds % 86_400) as u32);
    let z = days + 719_468;
    let (era, day_of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_shifted = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_shifted + 2) / 5 + 1) as u32;
    let month = if month_shifted < 10 { month_shifted + 3 } else { month_shifted - 9 } as u32;
    let year = (year_of_era + era * 400) as u32 + if month <= 2 { 1 } else { 0 };
    (year, month, day, second_of_day / 3_600, second_of_day / 60 % 60, second_of_day % 60, nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_signed() {
        assert_eq!(UnixNanos(5).since(UnixNanos(9)), Nanos(-4));
        assert_eq!(UnixNanos(u64::MAX).since(UnixNanos(0)), Nanos(i64::MAX));
        assert_eq!(UnixNanos(0).since(UnixNanos(u64::MAX)), Nanos(i64::MIN));
        assert_eq!(UnixNanos(3).plus(Nanos(-5)), UnixNanos(0));
    }

    #[test]
    fn civil_dates_match_known_moments() {
        assert_eq!(civil_utc(UnixNanos(0)), (1970, 1, 1, 0, 0, 0, 0));
        // 2024-02-29T23:59:59.000000007Z, from `date -u -d @1709251199`.
        assert_eq!(civil_utc(UnixNanos(1_709_251_199_000_000_007)), (2024, 2, 29, 23, 59, 59, 7));
        assert_eq!(civil_utc(UnixNanos(1_709_251_200_000_000_000)), (2024, 3, 1, 0, 0, 0, 0));
        assert_eq!(civil_utc(UnixNanos(4_102_444_800_000_000_000)), (2100, 1, 1, 0, 0, 0, 0));
    }
}
