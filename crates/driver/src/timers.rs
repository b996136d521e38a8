//! # Room card: driver/timers
//! In:    timer effects of the engine.
//! Out:   the earliest timer; ties go to the smaller id.
//! Holds: setting a timer again moves it; strategies have at most `TIMERS_MAX` at once, one more is refused; however
//!        many they set, the engine's own are taken.
//! Costs: a scan of the few that are set, when one is set or taken; memory is taken at start.
use types::{TimerId, UnixNanos};

/// Timers of strategies at once.
pub const TIMERS_MAX: usize = 4_096;
/// Timers of the engine at once; it has fewer kinds than that.
const ENGINE_TIMERS_MAX: usize = 64;

/// Timers by id; setting one again moves it.
#[derive(Debug)]
pub struct Timers {
    set: Vec<(UnixNanos, TimerId)>,
    earliest: Option<(UnixNanos, TimerId)>,
    /// How many are strategies'.
    users: usize,
}

impl Default for Timers {
    fn default() -> Self {
        Timers { set: Vec::with_capacity(TIMERS_MAX + ENGINE_TIMERS_MAX), earliest: None, users: 0 }
    }
}

const fn is_users(id: TimerId) -> bool {
    id.0 >= TimerId::FIRST_USER.0
}

impl Timers {
    /// Sets or moves a timer; `false` when the table is full.
    pub fn set(&mut self, id: TimerId, at: UnixNanos) -> bool {
        match self.set.iter().position(|&(_, known)| known == id) {
            Some(place) => self.set[place].0 = at,
            None => {
                let engines = self.set.len() - self.users;
                if if is_users(id) { self.users >= TIMERS_MAX } else { engines >= ENGINE_TIMERS_MAX } {
                    return false;
                }
                self.users += is_users(id) as usize;
                self.set.push((at, id));
            }
        }
        self.earliest = self.set.iter().copied().min();
        true
    }
    /// Takes a timer that has fired; `false` when it is not set.
    pub fn remove(&mut self, id: TimerId) -> bool {
        let Some(place) = self.set.iter().position(|&(_, known)| known == id) else { return false };
        self.set.swap_remove(place);
        self.users -= is_users(id) as usize;
        self.earliest = self.set.iter().copied().min();
        true
    }
    /// Moment of the earliest timer.
    pub fn due(&self) -> Option<UnixNanos> {
        self.earliest.map(|(at, _)| at)
    }
    /// Takes the earliest timer.
    pub fn pop(&mut self) -> Option<TimerId> {
        let (_, id) = self.earliest?;
        self.set.retain(|&(_, known)| known != id);
        self.users -= is_users(id) as usize;
        self.earliest = self.set.iter().copied().min();
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_move_and_fire_in_order() {
        let mut timers = Timers::default();
        timers.set(TimerId(1), UnixNanos(10));
        timers.set(TimerId(2), UnixNanos(5));
        timers.set(TimerId(2), UnixNanos(20));
        assert_eq!((timers.due(), timers.pop()), (Some(UnixNanos(10)), Some(TimerId(1))));
        assert_eq!((timers.due(), timers.pop(), timers.pop()), (Some(UnixNanos(20)), Some(TimerId(2)), None));
    }

    #[test]
    fn strategies_cannot_take_the_engines_places() {
        let mut timers = Timers::default();
        let user = |i: u64| TimerId(TimerId::FIRST_USER.0 + i);
        assert!((0..TIMERS_MAX as u64).all(|i| timers.set(user(i), UnixNanos(100 + i))));
        assert!(!timers.set(user(TIMERS_MAX as u64), UnixNanos(1)), "one more is refused");
        assert!(timers.set(user(7), UnixNanos(1)), "moving one is not one more");
        assert!(timers.set(TimerId(1), UnixNanos(2)));
        assert_eq!((timers.pop(), timers.pop()), (Some(user(7)), Some(TimerId(1))));
        assert!(timers.set(user(TIMERS_MAX as u64), UnixNanos(1)), "a place is free again");
        assert!((0..ENGINE_TIMERS_MAX as u64).all(|i| timers.set(TimerId(i), UnixNanos(i))));
        assert!(!timers.set(TimerId(1_000), UnixNanos(1)));
    }
}
