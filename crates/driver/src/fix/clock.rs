//! # Room card: driver/fix/clock
//! In:    the machine's wall clock and its monotonic clock.
//! Out:   the time of FIX messages and timers.
//! Holds: it never steps back; where the wall clock was stepped forward (a machine that slept) it follows within a
//!        second, because a peer judges SendingTime.
//! Costs: one monotonic clock read; the wall clock once a second.
use types::UnixNanos;

use crate::clock::Machine;

/// The wall clock is looked at this often, nanoseconds.
const LOOK_EVERY: u64 = 1_000_000_000;
/// Further ahead than this it is followed; below it is slewed by the system itself.
const STEP: u64 = 500_000_000;

/// Time of a host.
pub(super) struct HostClock {
    machine: Machine,
    anchor: Anchor,
}

/// Wall time as of a monotonic reading. Pure: readings are arguments.
struct Anchor {
    wall: u64,
    monotonic: u64,
    looked: u64,
}

impl Anchor {
    fn now(&mut self, monotonic: u64, wall: impl FnOnce() -> u64) -> u64 {
        if monotonic - self.looked >= LOOK_EVERY {
            self.looked = monotonic;
            let (ours, wall) = (self.wall + (monotonic - self.monotonic), wall());
            if wall > ours.saturating_add(STEP) {
                (self.wall, self.monotonic) = (wall, monotonic);
            }
        }
        self.wall.saturating_add(monotonic - self.monotonic)
    }
}

impl HostClock {
    pub(super) fn start() -> HostClock {
        let machine = Machine::start();
        let (wall, monotonic) = (machine.wall(), machine.monotonic());
        HostClock { machine, anchor: Anchor { wall, monotonic, looked: monotonic } }
    }
    pub(super) fn now(&mut self) -> UnixNanos {
        let machine = &self.machine;
        UnixNanos(self.anchor.now(machine.monotonic(), || machine.wall()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_stepped_forward_is_followed_and_one_stepped_back_is_not() {
        let second = 1_000_000_000;
        let mut anchor = Anchor { wall: 1_000 * second, monotonic: 0, looked: 0 };
        assert_eq!(anchor.now(second / 2, || unreachable!()), 1_000 * second + second / 2);
        assert_eq!(anchor.now(second, || 1_001 * second + STEP), 1_001 * second, "slewed, not stepped");
        assert_eq!(anchor.now(2 * second, || 5_000 * second), 5_000 * second, "the machine slept");
        assert_eq!(anchor.now(3 * second, || 2_000 * second), 5_001 * second, "never back");
    }
}
