//! # Room card: driver/timers
//! In:    timer effects of the engine.
//! Out:   the earliest timer; ties go to the smaller id.
//! Holds: setting a timer again moves it; at most `TIMERS_MAX` at once, one more is refused.
//! Costs: a scan of the few that are set, when one is set or taken.
use types::{TimerId, UnixNanos};

/// Timers at once.
pub const TIMERS_MAX: usize = 4_096;

/// Timers by id; setting one again moves it.
#[derive(Debug, Default)]
pub struct Timers {
    set: Vec<(UnixNanos, TimerId)>,
    earliest: Option<(UnixNanos, TimerId)>,
}

impl Timers {
    /// Sets or moves a timer; `false` when the table is full.
    pub fn set(&mut self, id: TimerId, at: UnixNanos) -> bool {
        match self.set.iter().position(|&(_, known)| known == id) {
            Some(place) => self.set[place].0 = at,
            None if self.set.len() < TIMERS_MAX => self.set.push((at, id)),
            None => return false,
        }
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
        assert!((0..TIMERS_MAX as u64).all(|i| timers.set(TimerId(i), UnixNanos(i))));
        assert!(!timers.set(TimerId(1 << 40), UnixNanos(1)) && timers.set(TimerId(7), UnixNanos(1)));
    }
}
