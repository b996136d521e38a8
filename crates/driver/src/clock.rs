//! # Room card: driver/clock
//! In:    the machine's wall clock once, its monotonic clock after.
//! Out:   engine time: wall clock at start + monotonic time since.
//! Holds: it never steps back, whatever is done to the wall clock.
//! Costs: one monotonic clock read.
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use types::UnixNanos;

/// Engine time of a live process.
pub(crate) struct Clock {
    started: Instant,
    wall_at_start: u64,
}

impl Clock {
    /// Reads the wall clock, this once.
    pub(crate) fn start() -> Clock {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64);
        Clock { started: Instant::now(), wall_at_start: wall.max(1) }
    }
    /// Now.
    pub(crate) fn now(&self) -> UnixNanos {
        UnixNanos(self.wall_at_start + self.started.elapsed().as_nanos() as u64)
    }
}
