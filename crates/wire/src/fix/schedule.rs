//! # Room card: wire/fix/schedule
//! In:    opening hours in a named time zone; a moment.
//! Out:   the window it lies in, or the next one; whether two moments share a window.
//! Holds: no clock is read and no file: the tz database is the one built in. Windows never overlap, whatever the clocks
//!        of the zone do; a local time that comes twice is its first, one that is skipped is the moment of the jump.
//! Costs: some conversions of local times; ask when the window known is over, not per message.
//!
//! The hours of a FIX session as venues write them ("Monday 17:00 to Friday 16:00, New York"; "08:00 to 18:00 on
//! weekdays, London"), and as QuickFIX's StartTime, EndTime, StartDay, EndDay, Weekdays and TimeZone say them.
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use types::{Code, Fault, UnixNanos};

/// Bytes of the longest name of a time zone (the longest of the tz database has 32).
pub const ZONE_NAME_BYTES_MAX: usize = 64;
/// Seconds of a day by the wall clock of a zone without jumps; a time of day lies below it.
pub const DAY_SECONDS: u32 = 86_400;
/// Days looked at for the window that comes next: a week, the longest window, and the days that the date of the zone
/// may be off; a window may be skipped by a clock's jump, so one week more.
const DAYS_AHEAD_MAX: i64 = 16;
/// Days back to where the window of a moment may have opened.
const DAYS_BACK_MAX: i64 = 9;

/// A stretch of time in which a session may be connected, or over which its numbers go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// First moment.
    pub opens: UnixNanos,
    /// First moment after it.
    pub closes: UnixNanos,
}

impl Window {
    /// Without an end.
    pub const ALWAYS: Window = Window { opens: UnixNanos(0), closes: UnixNanos(u64::MAX) };

    /// Does the moment lie in it?
    pub const fn holds(&self, at: UnixNanos) -> bool {
        self.opens.0 <= at.0 && at.0 < self.closes.0
    }
}

/// On which days a window opens. Days count from Monday, 0, to Sunday, 6.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Days {
    /// A window on each of these days; it ends on the same day, or on the next if its end is not after its start.
    Each([bool; 7]),
    /// One window a week.
    Week {
        /// Day it opens.
        from: u8,
        /// Day it closes; the same day means a week later, if the end is not after the start.
        to: u8,
    },
}

/// The opening hours of a session.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// `None`: always open.
    hours: Option<Hours>,
}

#[derive(Clone, Debug)]
struct Hours {
    zone: TimeZone,
    days: [bool; 7],
    opens: Time,
    closes: Time,
    /// Whole days from the date of the opening to that of the closing, 0 to 7.
    span: i64,
}

impl Schedule {
    /// One window without an end.
    pub const fn always() -> Schedule {
        Schedule { hours: None }
    }

    /// Windows from `opens` to `closes`, seconds of the day by the wall clock of `zone` ("America/New_York", "UTC").
    ///
    /// # Errors
    /// `CONFIG_INVALID`: a zone that the tz database does not have, a time of `DAY_SECONDS` or more, a day beyond 6, or
    /// no day at all.
    pub fn new(zone: &str, days: Days, opens: u32, closes: u32) -> Result<Schedule, Fault> {
        if zone.len() > ZONE_NAME_BYTES_MAX {
            return Err(invalid("timeZone", "longer than any zone's name"));
        }
        let zone = TimeZoneDatabase::bundled().get(zone).map_err(|_| {
            let name = zone.escape_default().to_string();
            invalid("timeZone", &format!("the tz database has no zone \"{name}\""))
        })?;
        let later = closes > opens;
        let (days, span) = match days {
            Days::Each(days) => (days, i64::from(!later)),
            Days::Week { from, to } if from < 7 && to < 7 => {
                let mut days = [false; 7];
                days[from as usize] = true;
                let span = (i64::from(to) - i64::from(from)).rem_euclid(7);
                (days, if span == 0 && !later { 7 } else { span })
            }
            Days::Week { .. } => return Err(invalid("days", "a day beyond 6, Sunday")),
        };
        if !days.contains(&true) {
            return Err(invalid("days", "no day at all"));
        }
        let opens = time_of_day(opens).ok_or_else(|| invalid("startTime", "a day has 86400 seconds"))?;
        let closes = time_of_day(closes).ok_or_else(|| invalid("endTime", "a day has 86400 seconds"))?;
        Ok(Schedule { hours: Some(Hours { zone, days, opens, closes, span }) })
    }

    /// The window a moment lies in; `None` outside of all.
    pub fn window(&self, at: UnixNanos) -> Option<Window> {
        let Some(hours) = &self.hours else { return Some(Window::ALWAYS) };
        hours.windows(at, -DAYS_BACK_MAX, 1).find(|window| window.holds(at))
    }

    /// The next window to open after a moment; `None` when nothing will (always open, or the end of time).
    pub fn next(&self, at: UnixNanos) -> Option<Window> {
        let hours = self.hours.as_ref()?;
        hours.windows(at, -1, DAYS_AHEAD_MAX).find(|window| window.opens > at)
    }

    /// Do two moments lie in one window? Of a stored creation time and now: do its numbers go on?
    pub fn same_window(&self, one: UnixNanos, other: UnixNanos) -> bool {
        self.window(one).is_some_and(|window| window.holds(other))
    }
}

fn invalid(path: &'static str, what: &str) -> Fault {
    let fields = vec![("path", path.to_string()), ("error", what.to_string())];
    Fault::new(Code::ConfigInvalid, format!("{path}: {what}"), fields)
}

fn time_of_day(seconds: u32) -> Option<Time> {
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    Time::new(i8::try_from(hour).ok()?, minute as i8, second as i8, 0).ok()
}

impl Hours {
    /// Windows that open on the days from `first` to `last` around the date of a moment, in order; none is empty.
    fn windows(&self, at: UnixNanos, first: i64, last: i64) -> impl Iterator<Item = Window> + '_ {
        let date = Timestamp::from_nanosecond(i128::from(at.0)).ok().map(|now| self.zone.to_datetime(now).date());
        (first..=last)
            .filter_map(move |day| self.window_of(plus(date?, day)?))
            .filter(|window| window.opens < window.closes)
    }

    fn window_of(&self, date: Date) -> Option<Window> {
        let open = self.days[date.weekday().to_monday_zero_offset().clamp(0, 6) as usize];
        if !open {
            return None;
        }
        let opens = self.moment(date.to_datetime(self.opens))?;
        let closes = self.moment(plus(date, self.span)?.to_datetime(self.closes))?;
        Some(Window { opens, closes })
    }

    /// The first moment at which the zone's clocks show this time or a later one: so moments are in the order of their
    /// local times, and two windows that touch by the wall clock touch in fact.
    fn moment(&self, local: DateTime) -> Option<UnixNanos> {
        let ambiguous = self.zone.to_ambiguous_timestamp(local);
        let gap = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
        let earlier = ambiguous.earlier().ok()?;
        let moment = if gap { self.zone.following(earlier).next()?.timestamp() } else { earlier };
        u64::try_from(moment.as_nanosecond()).ok().map(UnixNanos)
    }
}

fn plus(date: Date, days: i64) -> Option<Date> {
    date.checked_add(jiff::Span::new().days(days)).ok()
}
