//! Opening hours over changes of the clocks. Expected moments were computed with Python's zoneinfo.
use fafnir_wire::fix::schedule::{DAY_SECONDS, Days, Schedule, Window};
use types::UnixNanos;
use types::rng::SplitMix64;

const WEEKDAYS: Days = Days::Each([true, true, true, true, true, false, false]);
const EVERY_DAY: Days = Days::Each([true; 7]);

fn at(seconds: u64) -> UnixNanos {
    UnixNanos(seconds * 1_000_000_000)
}
fn clock(hour: u32, minute: u32) -> u32 {
    hour * 3_600 + minute * 60
}
fn window(opens: u64, closes: u64) -> Window {
    Window { opens: at(opens), closes: at(closes) }
}
fn schedule(zone: &str, days: Days, opens: u32, closes: u32) -> Schedule {
    Schedule::new(zone, days, opens, closes).unwrap()
}

#[test]
fn a_week_in_new_york_over_the_start_of_summer_time() {
    // Sunday 17:00 to Friday 16:00. Clocks went forward on Sunday 2026-03-08 at 02:00.
    let week = schedule("America/New_York", Days::Week { from: 6, to: 4 }, clock(17, 0), clock(16, 0));
    let this = window(1_773_003_600, 1_773_432_000);
    assert_eq!(week.window(at(1_773_003_600)), Some(this), "21:00 UTC: summer time");
    assert_eq!(week.window(at(1_773_003_599)), None, "half past, on the weekend");
    assert_eq!(week.window(at(1_773_431_999)), Some(this));
    assert_eq!(week.window(at(1_773_432_000)), None, "the end is outside");
    assert_eq!(week.next(at(1_772_834_400)), Some(this), "from Friday evening, winter time");
    assert_eq!(week.next(at(1_773_003_600)), Some(window(1_773_608_400, 1_774_036_800)), "from its own opening");
    assert!(week.same_window(at(1_773_003_600), at(1_773_431_999)));
    assert!(!week.same_window(at(1_773_003_600), at(1_773_608_400)), "last week's numbers");
    assert!(!week.same_window(at(1_773_000_000), at(1_773_000_001)), "outside of all");
}

#[test]
fn weekdays_in_london_over_the_start_of_summer_time() {
    let days = schedule("Europe/London", WEEKDAYS, clock(8, 0), clock(18, 0));
    // Friday 2026-03-27, winter time; clocks went forward on Sunday the 29th.
    assert_eq!(days.window(at(1_774_598_400)), Some(window(1_774_598_400, 1_774_634_400)));
    assert_eq!(days.next(at(1_774_634_400)), Some(window(1_774_854_000, 1_774_890_000)), "Monday at 07:00 UTC");
    assert_eq!(days.window(at(1_774_764_000)), None, "Sunday");
}

#[test]
fn a_night_that_is_an_hour_longer_or_shorter() {
    // 18:00 to 17:00 of the next day, New York; clocks went back on Sunday 2026-11-01 at 02:00.
    let nights = schedule("America/New_York", EVERY_DAY, clock(18, 0), clock(17, 0));
    let longer = nights.window(at(1_793_511_000)).unwrap();
    assert_eq!(longer, window(1_793_484_000, 1_793_570_400), "24 hours of the 23 on the clock");
    assert_eq!(nights.next(at(1_793_511_000)).unwrap().opens, at(1_793_574_000));
    assert_eq!(nights.window(at(1_793_572_000)), None, "the hour between");
}

#[test]
fn a_time_that_comes_twice_is_its_first_and_a_skipped_one_is_the_jump() {
    let zone = "America/New_York";
    // 01:30 came twice on 2026-11-01: first at 05:30 UTC.
    let twice = schedule(zone, EVERY_DAY, clock(1, 30), clock(1, 45));
    let first = window(1_793_511_000, 1_793_511_900);
    assert_eq!((twice.window(at(1_793_511_000)), twice.window(at(1_793_514_600))), (Some(first), None));
    // 02:30 and 02:45 did not come on 2026-03-08: the window of that day is empty, the next is on the 9th.
    let skipped = schedule(zone, EVERY_DAY, clock(2, 30), clock(2, 45));
    assert_eq!(skipped.window(at(1_772_953_200)), None);
    assert_eq!(skipped.next(at(1_772_946_000)), Some(window(1_773_037_800, 1_773_038_700)));
    // 02:30 to 09:00 opens with the jump to 03:00, 07:00 UTC.
    let late = schedule(zone, EVERY_DAY, clock(2, 30), clock(9, 0));
    assert_eq!(late.next(at(1_772_946_000)), Some(window(1_772_953_200, 1_772_974_800)));
    // Lord Howe goes back half an hour: 01:45 came twice on 2026-04-05, first at 14:45 UTC.
    let howe = schedule("Australia/Lord_Howe", EVERY_DAY, clock(1, 45), clock(3, 0));
    assert_eq!(howe.next(at(1_775_310_000)).unwrap().opens, at(1_775_313_900));
    // Samoa had no 2011-12-30: the night of the 29th ends with the jump to the 31st, four hours early by the clock.
    let apia = schedule("Pacific/Apia", EVERY_DAY, clock(22, 0), clock(4, 0));
    assert_eq!(apia.window(at(1_325_232_000)), Some(window(1_325_232_000, 1_325_239_200)));
}

#[test]
fn whole_days_touch_and_always_never_ends() {
    let days = schedule("Asia/Kolkata", EVERY_DAY, clock(9, 15), clock(9, 15));
    let today = days.window(at(1_767_584_700)).unwrap();
    assert_eq!(today, window(1_767_584_700, 1_767_584_700 + 86_400));
    assert_eq!(days.window(today.closes).unwrap().opens, today.closes);
    let week = schedule("UTC", Days::Week { from: 0, to: 0 }, 0, 0);
    assert_eq!(week.window(at(0)), None, "it opened before time began");
    let always = Schedule::always();
    assert_eq!((always.window(at(5)), always.next(at(5))), (Some(Window::ALWAYS), None));
    assert!(always.same_window(at(0), at(1 << 32)));
}

#[test]
fn what_is_no_schedule_is_refused() {
    for (zone, days, opens, closes) in [
        ("Europe/Atlantis", EVERY_DAY, 0, 1),
        ("", EVERY_DAY, 0, 1),
        ("../../etc/passwd", EVERY_DAY, 0, 1),
        (&"x".repeat(10_000), EVERY_DAY, 0, 1),
        ("UTC", Days::Each([false; 7]), 0, 1),
        ("UTC", Days::Week { from: 7, to: 0 }, 0, 1),
        ("UTC", Days::Week { from: 0, to: 7 }, 0, 1),
        ("UTC", EVERY_DAY, DAY_SECONDS, 1),
        ("UTC", EVERY_DAY, 0, u32::MAX),
    ] {
        assert_eq!(Schedule::new(zone, days, opens, closes).unwrap_err().code, types::Code::ConfigInvalid, "{zone}");
    }
    for moment in [0, 1, u64::MAX - 1, u64::MAX] {
        let nights = schedule("America/New_York", EVERY_DAY, clock(18, 0), clock(17, 0));
        let _ = (nights.window(UnixNanos(moment)), nights.next(UnixNanos(moment)));
    }
}

/// Away from changes of the clocks a moment is in a window if the local time says so, looked up by brute force.
#[test]
fn random_hours_agree_with_the_wall_clock() {
    // Offsets that did not change in 2025: computed by hand, no tz database in the oracle.
    let zones = [("UTC", 0), ("Asia/Tokyo", 32_400), ("Asia/Kolkata", 19_800), ("America/Phoenix", -25_200)];
    let seed = 0x5c4ed;
    let mut random = SplitMix64::new(seed);
    for round in 0..2_000 {
        let (zone, offset) = zones[random.below(4) as usize];
        let (opens, closes) = (random.below(96) * 900, random.below(96) * 900);
        let days = match random.below(2) {
            0 => Days::Each([(); 7].map(|()| random.below(4) != 0)),
            _ => Days::Week { from: random.below(7) as u8, to: random.below(7) as u8 },
        };
        let Ok(schedule) = Schedule::new(zone, days, opens as u32, closes as u32) else { continue };
        let moment = 1_740_000_000 + random.below(20_000_000);
        // Seconds of local time since Monday 1970-01-05, so that days and weeks are divisions.
        let local = (moment as i64 + offset - 4 * 86_400) as u64;
        let open = (0..9).any(|back| {
            let day = local / 86_400 - back;
            let (is_open, last) = match days {
                Days::Each(days) => (days[(day % 7) as usize], day + u64::from(closes <= opens)),
                Days::Week { from, to } => {
                    let span = (u64::from(to) + 7 - u64::from(from)) % 7;
                    let span = if span == 0 && closes <= opens { 7 } else { span };
                    (day % 7 == u64::from(from), day + span)
                }
            };
            is_open && day * 86_400 + opens <= local && local < last * 86_400 + closes
        });
        let found = schedule.window(at(moment));
        assert_eq!(found.is_some(), open, "seed {seed} round {round}: {zone} {days:?} {opens} {closes} {moment}");
        let next = schedule.next(at(moment)).unwrap();
        assert!(next.opens > at(moment) && found.is_none_or(|now| now.closes <= next.opens), "seed {seed} {round}");
        assert_eq!(schedule.window(next.opens), Some(next), "seed {seed} round {round}");
        assert_eq!(schedule.next(UnixNanos(next.opens.0 - 1)), Some(next), "seed {seed} round {round}");
    }
}
