//! # Room card: driver/clock
//! In:    the machine's wall clock once, its monotonic clock after; a venue's stamps where the clock follows them.
//! Out:   engine time: wall clock at start + monotonic time since, or the venue's stamp + time since at its speed.
//! Holds: it never steps back, whatever is done to the wall clock and whatever a venue stamps.
//! Costs: one monotonic clock read and a multiplication.
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use types::UnixNanos;

use crate::feed_link::ClockStamp;

/// A venue plays at most this fast.
const SPEED_MAX: u64 = 1_000;
/// Difference between wall and monotonic time within one look that counts as a step, nanoseconds. Slewing by NTP is at
/// most 0.5 ms a second.
const STEP_NANOS: u64 = 100_000_000;

/// How far one stamp may move time forward, nanoseconds: 366 days. Longer than the gaps within a recording, at whatever
/// speed it is played, and than those between the files of one; a stamp beyond it is a venue's mistake, which would
/// stay for ever, because time never steps back. The first stamp sets the clock and may be any.
pub(crate) const STAMP_STEP_MAX: u64 = 366 * 86_400 * 1_000_000_000;
/// How long time stands still for the next stamp of a venue that plays as fast as it can, nanoseconds of the machine.
/// After it time goes on at the machine's pace: sessions and time limits live by it.
pub(crate) const STAND_MAX: u64 = 30_000_000_000;

/// The machine's two clocks.
pub(crate) struct Machine {
    started: Instant,
}

impl Machine {
    pub(crate) fn start() -> Machine {
        Machine { started: Instant::now() }
    }
    /// Nanoseconds since the start; never steps back.
    #[inline]
    pub(crate) fn monotonic(&self) -> u64 {
        self.started.elapsed().as_nanos() as u64
    }
    /// The wall clock, Unix nanoseconds.
    pub(crate) fn wall(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64).max(1)
    }
}

/// Engine time. Pure: readings of the machine's clocks are arguments.
#[derive(Debug)]
pub(crate) struct Clock {
    /// Engine time at `since`.
    base: u64,
    /// Monotonic reading that `base` belongs to.
    since: u64,
    /// Engine nanoseconds for one of the machine's; 0 between the pings of a venue that plays as fast as it can.
    speed: u64,
    /// A venue's stamp has set it.
    pub(crate) followed: bool,
    last: u64,
    /// Difference between wall and monotonic reading at the last look.
    offset: i128,
    /// Steps of the wall clock seen.
    pub(crate) steps: u64,
}

impl Clock {
    /// Starts at `wall`; where the clock will follow a venue it starts at 1 ns, since the venue's stamps may lie before
    /// the present and time never steps back.
    pub(crate) fn start(wall: u64, monotonic: u64, follows: bool) -> Clock {
        let base = if follows { 1 } else { wall.max(1) };
        let offset = wall as i128 - monotonic as i128;
        Clock { base, since: monotonic, speed: 1, followed: false, last: 0, offset, steps: 0 }
    }

    /// Goes on from a journal's last moment: time never steps back over a restart either.
    pub(crate) fn resume(&mut self, last: UnixNanos) {
        self.last = self.last.max(last.0);
        self.base = self.base.max(last.0);
    }

    /// Now.
    #[inline]
    pub(crate) fn now(&mut self, monotonic: u64) -> UnixNanos {
        self.last = self.at(monotonic);
        UnixNanos(self.last)
    }

    /// What `now` would say, without saying it.
    #[inline]
    fn at(&self, monotonic: u64) -> u64 {
        let since = monotonic.saturating_sub(self.since);
        let gone = if self.speed > 0 { since.saturating_mul(self.speed) } else { since.saturating_sub(STAND_MAX) };
        self.last.max(self.base.saturating_add(gone))
    }

    /// How long until engine time reaches `at`, in nanoseconds of the machine.
    pub(crate) fn until(&self, at: UnixNanos, monotonic: u64) -> u64 {
        if at.0 <= self.last {
            return 0;
        }
        let needs = at.0.saturating_sub(self.base);
        let takes = if self.speed > 0 { needs.div_ceil(self.speed) } else { needs.saturating_add(STAND_MAX) };
        takes.saturating_add(self.since).saturating_sub(monotonic)
    }

    /// A venue's stamp; beyond `SPEED_MAX` its speed is that. `false`: it lies further ahead than `STAMP_STEP_MAX` and
    /// changes nothing.
    pub(crate) fn follow(&mut self, stamp: ClockStamp, monotonic: u64) -> bool {
        if self.followed && stamp.at.0 > self.at(monotonic).saturating_add(STAMP_STEP_MAX) {
            return false;
        }
        (self.base, self.since, self.speed) = (stamp.at.0, monotonic, u64::from(stamp.speed).min(SPEED_MAX));
        self.followed = true;
        true
    }

    /// The venue is gone: time goes on from here at the machine's pace.
    pub(crate) fn follow_no_more(&mut self, monotonic: u64) {
        let now = self.now(monotonic);
        (self.base, self.since, self.speed) = (now.0, monotonic, 1);
    }

    /// Compares the machine's clocks; `true` when the wall clock was stepped since the last look.
    pub(crate) fn look(&mut self, wall: u64, monotonic: u64) -> bool {
        let offset = wall as i128 - monotonic as i128;
        let stepped = offset.abs_diff(self.offset) > STEP_NANOS as u128;
        self.offset = offset;
        self.steps += stepped as u64;
        stepped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::rng::SplitMix64;

    fn stamp(at: u64, speed: u32) -> ClockStamp {
        ClockStamp { at: UnixNanos(at), speed }
    }

    #[test]
    fn it_starts_at_the_wall_clock_and_runs_by_the_monotonic_one() {
        let mut clock = Clock::start(1_000, 50, false);
        assert_eq!(
            (clock.now(50), clock.now(57), clock.now(51)),
            (UnixNanos(1_000), UnixNanos(1_007), UnixNanos(1_007))
        );
        clock.resume(UnixNanos(5_000));
        assert_eq!((clock.now(50), clock.now(60)), (UnixNanos(5_000), UnixNanos(5_010)));
        assert_eq!((clock.until(UnixNanos(5_025), 60), clock.until(UnixNanos(4_000), 60)), (15, 0));
    }

    #[test]
    fn it_follows_pings_at_their_speed() {
        let mut clock = Clock::start(9_999_999, 0, true);
        assert_eq!(clock.now(10), UnixNanos(11), "the venue's past may be long ago");
        clock.follow(stamp(5000, 10), 100);
        assert_eq!((clock.now(100), clock.now(103)), (UnixNanos(5_000), UnixNanos(5_030)));
        assert_eq!(clock.until(UnixNanos(5_100), 103), 7);
        // A stamp behind what was extrapolated: time stands until it is reached.
        clock.follow(stamp(5010, 10), 104);
        assert_eq!(
            (clock.now(104), clock.now(106), clock.now(108)),
            (UnixNanos(5_030), UnixNanos(5_030), UnixNanos(5_050))
        );
        clock.follow(stamp(6000, 0), 110);
        assert_eq!((clock.now(110), clock.now(1_000)), (UnixNanos(6_000), UnixNanos(6_000)), "no extrapolation");
        assert_eq!((clock.until(UnixNanos(6_001), 110), clock.until(UnixNanos(6_000), 110)), (STAND_MAX + 1, 0));
        clock.follow_no_more(2_000);
        assert_eq!(clock.now(2_005), UnixNanos(6_005));
    }

    #[test]
    fn the_widest_stamps_saturate() {
        let mut clock = Clock::start(100, 0, false);
        clock.follow(stamp(u64::MAX - 5, u32::MAX), 8);
        assert_eq!((clock.now(8), clock.now(u64::MAX)), (UnixNanos(u64::MAX - 5), UnixNanos(u64::MAX)));
    }

    #[test]
    fn one_stamp_moves_time_a_year_at_most_and_the_first_anywhere() {
        let (first, day) = (1_723_075_200_000_000_000, 86_400_000_000_000);
        let mut clock = Clock::start(9, 0, true);
        assert!(clock.follow(stamp(first, 0), 1) && clock.now(1).0 == first, "1970 to 2024");
        // The gap between two files of a recording.
        assert!(clock.follow(stamp(first + 366 * day, 0), 2));
        let now = clock.now(2);
        for wrong in [now.0 + STAMP_STEP_MAX + 1, i64::MAX as u64, u64::MAX] {
            assert!(!clock.follow(stamp(wrong, 9), 3));
            assert_eq!((clock.now(3), clock.now(1_000)), (now, now), "neither time nor speed");
        }
        assert!(clock.follow(stamp(now.0 + STAMP_STEP_MAX, 1), 4), "the bound itself");
        assert_eq!(clock.now(5).0, now.0 + STAMP_STEP_MAX + 1);
        assert!(clock.follow(stamp(1, 0), 6) && clock.now(7).0 == now.0 + STAMP_STEP_MAX + 1, "never back");
    }

    #[test]
    fn it_does_not_stand_still_for_ever() {
        let mut clock = Clock::start(9, 0, true);
        clock.follow(stamp(5_000, 0), 100);
        assert_eq!(clock.now(100 + STAND_MAX), UnixNanos(5_000));
        assert_eq!(clock.until(UnixNanos(5_007), 100), STAND_MAX + 7);
        assert_eq!(clock.now(100 + STAND_MAX + 7), UnixNanos(5_007));
        // The venue goes on where it was: time waits for it.
        clock.follow(stamp(5_001, 0), 200 + STAND_MAX);
        assert_eq!(clock.now(200 + STAND_MAX), UnixNanos(5_007));
    }

    #[test]
    fn it_never_steps_back() {
        for seed in 1..200 {
            let (mut rng, mut monotonic, mut last) = (SplitMix64::new(seed), 0, UnixNanos(0));
            let mut clock = Clock::start(rng.below(1_000), 0, rng.below(2) == 0);
            for _ in 0..500 {
                monotonic += rng.below(100);
                match rng.below(6) {
                    0 => drop(clock.follow(stamp(1 + rng.below(100_000), rng.below(11) as u32), monotonic)),
                    1 => clock.follow_no_more(monotonic),
                    2 => drop(clock.look(rng.next_u64(), monotonic)),
                    _ => {}
                }
                let now = clock.now(monotonic);
                assert!(now >= last, "seed {seed}");
                let wait = clock.until(UnixNanos(now.0 + 1), monotonic);
                if wait < STAND_MAX || rng.below(8) == 0 {
                    assert!(wait <= STAND_MAX + 10_000_000 && clock.now(monotonic + wait + 1) > now, "seed {seed}");
                    monotonic += wait + 1;
                }
                last = clock.now(monotonic);
            }
        }
    }

    #[test]
    fn steps_of_the_wall_clock_are_counted_and_change_nothing() {
        let second = 1_000_000_000;
        let mut clock = Clock::start(10 * second, 0, false);
        assert!(!clock.look(11 * second + 400_000, second), "slewing is no step");
        assert!(clock.look(5_000 * second, 2 * second));
        assert!(!clock.look(5_001 * second, 3 * second), "once");
        assert!(clock.look(14 * second, 4 * second), "back again");
        assert_eq!((clock.steps, clock.now(4 * second)), (2, UnixNanos(14 * second)));
    }
}
