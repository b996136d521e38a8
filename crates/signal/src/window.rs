//! # Room card: signal/window
//! In:    values with their times.
//! Out:   those that leave a window of time, one by one, so that sums over it stay exact.
//! Holds: times never run back inside the window; at most `events_max` values: beyond it the oldest leaves early.
//! Costs: O(1) amortised, a value enters and leaves once; memory allocated at construction.
use types::{Nanos, UnixNanos};

use crate::fault::{SignalFault, in_range};

/// Most values a window may hold.
pub const WINDOW_EVENTS_MAX: usize = 1 << 20;
/// Longest window: 366 days, so that every time inside it is far from the ends of the 64-bit range.
pub const WINDOW_NANOS_MAX: i64 = 366 * 86_400 * 1_000_000_000;

/// How long a window of time is, and how many events it can hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WindowParams {
    /// Length, nanoseconds, 1 to `WINDOW_NANOS_MAX`.
    pub length: Nanos,
    /// Events it has room for, 2 to `WINDOW_EVENTS_MAX`. When more come the oldest leave early and are counted.
    pub events_max: usize,
}

/// A wide integer as the nearest float: that of one word where it fits one, because a 128-bit conversion is a call.
#[inline]
pub(crate) fn nearest(value: i128) -> f64 {
    match i64::try_from(value) {
        Ok(narrow) => narrow as f64,
        Err(_) => value as f64,
    }
}

/// A ring of values in time order.
#[derive(Debug)]
pub(crate) struct TimeWindow<T> {
    ring: Box<[(UnixNanos, T)]>,
    length: Nanos,
    head: usize,
    count: usize,
    now: UnixNanos,
    dropped: u64,
}

impl<T: Copy + Default> TimeWindow<T> {
    pub(crate) fn new(params: &WindowParams) -> Result<TimeWindow<T>, SignalFault> {
        in_range("windowNanos", params.length.0 as f64, 1.0, WINDOW_NANOS_MAX as f64)?;
        in_range("eventsMax", params.events_max as f64, 2.0, WINDOW_EVENTS_MAX as f64)?;
        let ring = vec![(UnixNanos::NONE, T::default()); params.events_max].into_boxed_slice();
        Ok(TimeWindow { ring, length: params.length, head: 0, count: 0, now: UnixNanos::NONE, dropped: 0 })
    }

    /// The time used for an event: a time that steps back is taken as the latest.
    #[inline]
    pub(crate) fn clock(&mut self, now: UnixNanos) -> UnixNanos {
        self.now = self.now.max(now);
        self.now
    }

    /// The oldest value when it is older than the window (its age is above `length`).
    #[inline]
    pub(crate) fn pop_expired(&mut self) -> Option<T> {
        let oldest = self.oldest()?;
        if self.now.since(oldest.0) > self.length { self.pop() } else { None }
    }

    /// The oldest value when there is no room for another.
    #[inline]
    pub(crate) fn pop_for_room(&mut self) -> Option<T> {
        if self.count < self.ring.len() {
            return None;
        }
        self.dropped += 1;
        self.pop()
    }

    /// Appends at the latest time; there must be room.
    #[inline]
    pub(crate) fn push(&mut self, value: T) {
        debug_assert!(self.count < self.ring.len());
        let at = self.head + self.count;
        let at = if at >= self.ring.len() { at - self.ring.len() } else { at };
        self.ring[at] = (self.now, value);
        self.count = (self.count + 1).min(self.ring.len());
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        let (_, value) = self.oldest()?;
        self.head = if self.head + 1 == self.ring.len() { 0 } else { self.head + 1 };
        self.count -= 1;
        Some(value)
    }

    /// The oldest value with its time.
    #[inline]
    pub(crate) fn oldest(&self) -> Option<(UnixNanos, T)> {
        if self.count == 0 { None } else { Some(self.ring[self.head]) }
    }

    /// The newest value with its time.
    #[inline]
    pub(crate) fn newest(&self) -> Option<(UnixNanos, T)> {
        let at = self.head + self.count.checked_sub(1)?;
        Some(self.ring[if at >= self.ring.len() { at - self.ring.len() } else { at }])
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Values that left early because there was no room.
    #[inline]
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Latest time seen.
    #[inline]
    pub(crate) fn now(&self) -> UnixNanos {
        self.now
    }

    #[inline]
    pub(crate) fn length(&self) -> Nanos {
        self.length
    }
}
