//! # Room card: net/wait
//! In:    a strategy; how many events each poll brought.
//! Out:   how long the next poll may sleep.
//! Holds: `Spin` never sleeps, `Park` sleeps whenever it may, `Adaptive` spins for a bounded number of empty polls
//!        first.
//! Costs: an increment and a comparison a poll.
use std::time::Duration;

/// How a thread waits for its sockets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// Polls without sleeping until this many polls in a row brought nothing, then sleeps.
    Adaptive {
        /// Empty polls before it sleeps.
        spins: u32,
    },
    /// Never sleeps: the least latency, a whole core.
    Spin,
    /// Sleeps until something arrives: the least work, a wake-up of the thread per event.
    Park,
}

/// Empty polls before an adaptive thread sleeps: about 2 ms of looking, which bridges the pauses of a busy feed.
pub const SPINS_DEFAULT: u32 = 5_000;

impl Default for Wait {
    /// Adaptive. On a single core nobody could bring what is waited for while we spin, so there it parks.
    fn default() -> Wait {
        if crate::cores() > 1 { Wait::Adaptive { spins: SPINS_DEFAULT } } else { Wait::Park }
    }
}

/// Decides the timeout of the next poll from what the last ones brought.
#[derive(Clone, Copy, Debug)]
pub struct Waiter {
    wait: Wait,
    empty: u32,
}

impl Waiter {
    /// A waiter that begins as if something had just arrived.
    pub fn new(wait: Wait) -> Waiter {
        Waiter { wait, empty: 0 }
    }
    /// The timeout for the next poll; `at_most` tells the time to the caller's next deadline, if it is wanted.
    #[inline]
    pub fn timeout(&self, at_most: impl FnOnce() -> Duration) -> Duration {
        match self.wait {
            Wait::Spin => Duration::ZERO,
            Wait::Park => at_most(),
            Wait::Adaptive { spins } if self.empty < spins => Duration::ZERO,
            Wait::Adaptive { .. } => at_most(),
        }
    }
    /// Notes what a poll brought, the caller's own work (timers, commands) counted in.
    #[inline]
    pub fn note(&mut self, events: usize) {
        self.empty = if events == 0 { self.empty.saturating_add(1) } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_millis(7);

    #[test]
    fn adaptive_sleeps_after_its_spins_and_spins_again_after_an_event() {
        let mut waiter = Waiter::new(Wait::Adaptive { spins: 3 });
        for _ in 0..2 {
            for _ in 0..3 {
                assert_eq!(waiter.timeout(|| LONG), Duration::ZERO);
                waiter.note(0);
            }
            for _ in 0..5 {
                assert_eq!(waiter.timeout(|| LONG), LONG);
                waiter.note(0);
            }
            waiter.note(1);
        }
    }

    #[test]
    fn spin_never_sleeps_and_park_always_may() {
        let (mut spin, mut park) = (Waiter::new(Wait::Spin), Waiter::new(Wait::Park));
        for events in [0, 1, 0, 0, 2] {
            assert_eq!(spin.timeout(|| LONG), Duration::ZERO);
            assert_eq!(park.timeout(|| LONG), LONG);
            spin.note(events);
            park.note(events);
        }
    }
}
